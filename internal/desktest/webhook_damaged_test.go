package desktest_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"postroom"
	"postroom/internal/desktest"
	"postroom/internal/store"
	"postroom/internal/workflow"
)

// W21: a call whose secret cannot be opened any more fails at once and says so,
// instead of being begun again and again without an end.
func TestWebhookWithADamagedSecretFails(t *testing.T) {
	t.Parallel()
	desktest.Each(t, func(t *testing.T, d *desktest.Desk) {
		h := newHook(t)
		ann := d.Agent("ann")
		sign, _, err := d.Directory().AddSecret(d.Ctx, ann.Agent, postroom.SecretSigning, "Orders", "")
		d.Must(err)
		token, _, err := d.Directory().AddSecret(d.Ctx, ann.Agent, postroom.SecretHeader, "Token", "Bearer canary-token")
		d.Must(err)
		signed, carrying := webhook(h.URL+"/signed"), webhook(h.URL+"/carrying")
		signed.Sign, carrying.Headers = sign, []workflow.Header{{Name: "Authorization", Secret: token}}
		d.AddWorkflow("Tell the shop", closing(signed, carrying))
		for _, id := range []int64{sign, token} {
			damaged, err := d.SealSecret("whsec_bm9uZQ==", "something else")
			d.Must(err)
			d.Write(func(tx *store.Tx) error {
				return tx.ChangeSecret(d.Ctx, postroom.WebhookSecret{ID: id, AuthorID: ann.Agent.ID}, damaged)
			})
		}
		c := d.CustomerWrites("Mara <mara@customer.example>", "Order", "Where is it?")
		ann.SetStatus(c, postroom.Closed, postroom.PathMenu)
		d.Settle()
		d.Pass(10 * time.Minute)
		calls := d.Calls(c.ID)
		expect(t, "calls", len(calls), 2)
		for _, x := range calls {
			expect(t, "state", x.State, postroom.WebhookFailed)
			expect(t, "attempts", len(d.Attempts(x.ID)), 1)
			if !strings.Contains(x.Words, "could not be made") {
				t.Errorf("it says %q", x.Words)
			}
		}
		expect(t, "calls that left", len(h.took()), 0)
	})
}

// W21: what a server answers is stored whatever bytes it is made of.
func TestWebhookAnsweredWithBytesThatAreNoText(t *testing.T) {
	t.Parallel()
	desktest.Each(t, func(t *testing.T, d *desktest.Desk) {
		h := newHook(t)
		h.does(func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Location", "http://elsewhere.example/\xff\xfe")
			w.WriteHeader(http.StatusFound)
			_, _ = w.Write([]byte("\xff\x00\xfe"))
		})
		d.AddWorkflow("Tell the shop", closing(webhook(h.URL+"/hook")))
		c := d.CustomerWrites("Mara <mara@customer.example>", "Order", "Where is it?")
		d.Agent("ann").SetStatus(c, postroom.Closed, postroom.PathMenu)
		d.Settle()
		x := d.Calls(c.ID)[0]
		expect(t, "state", x.State, postroom.WebhookFailed)
		expect(t, "attempts", len(d.Attempts(x.ID)), 1)
		expect(t, "calls", len(h.took()), 1)
		if !strings.Contains(x.Words, "points to http://elsewhere.example/") {
			t.Errorf("it says %q", x.Words)
		}
	})
}
