package desktest_test

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"postroom"
	"postroom/internal/alarm"
	"postroom/internal/desk"
	"postroom/internal/desktest"
	"postroom/internal/react"
	"postroom/internal/store"
	"postroom/internal/workflow"
)

// hook is a server that webhooks call.
type hook struct {
	*httptest.Server
	mu     sync.Mutex
	calls  []called
	answer func(w http.ResponseWriter, r *http.Request)
}

// called is one call as it came in.
type called struct {
	Method, Path, Body string
	Header             http.Header
}

func newHook(t *testing.T) *hook {
	h := &hook{answer: func(http.ResponseWriter, *http.Request) {}}
	h.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		b, _ := io.ReadAll(r.Body)
		h.mu.Lock()
		h.calls = append(h.calls, called{r.Method, r.URL.RequestURI(), string(b), r.Header})
		answer := h.answer
		h.mu.Unlock()
		answer(w, r)
	}))
	t.Cleanup(h.Close)
	return h
}

// says has the server answer with a status from now on.
func (h *hook) says(status int, headers ...string) {
	h.does(func(w http.ResponseWriter, _ *http.Request) {
		for i := 0; i+1 < len(headers); i += 2 {
			w.Header().Set(headers[i], headers[i+1])
		}
		w.WriteHeader(status)
	})
}

func (h *hook) does(f func(http.ResponseWriter, *http.Request)) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.answer = f
}

// took returns the calls since it was asked last.
func (h *hook) took() []called {
	h.mu.Lock()
	defer h.mu.Unlock()
	out := h.calls
	h.calls = nil
	return out
}

func webhook(address string) workflow.Action {
	return workflow.Action{Do: workflow.DoWebhook, URL: address}
}

// W10, W18, W21: a closing calls a webhook once, with the event, signed; the call
// is a row of its own with its attempt, and the run says which.
func TestWebhook(t *testing.T) {
	t.Parallel()
	desktest.Each(t, func(t *testing.T, d *desktest.Desk) {
		h := newHook(t)
		ann := d.Agent("ann")
		sign, secret, err := d.Directory().AddSecret(d.Ctx, ann.Agent, postroom.SecretSigning, "Orders", "")
		d.Must(err)
		token, shown, err := d.Directory().AddSecret(d.Ctx, ann.Agent, postroom.SecretHeader, "Token", "Bearer canary-token")
		d.Must(err)
		expect(t, "shown of what was given", shown, "")
		a := webhook(h.URL + "/hook")
		a.Sign, a.Headers = sign, []workflow.Header{{Name: "Authorization", Secret: token}, {Name: "X-Team", Value: "one"}}
		get := workflow.Action{Do: workflow.DoWebhook, Method: "GET", URL: h.URL + "/seen/{{ conversation.number }}?by={{ customer.name }}"}
		id := d.AddWorkflow("Tell the shop", closing(a, get))
		c := d.CustomerWrites("Mara & Co <mara@customer.example>", "Order", "Where is it?")
		ann.SetStatus(c, postroom.Closed, postroom.PathMenu)
		d.Settle()

		took := h.took()
		if len(took) != 2 {
			t.Fatalf("%d calls", len(took))
		}
		if took[0].Method == "GET" {
			took[0], took[1] = took[1], took[0] // calls wait for no other
		}
		p := took[0]
		expect(t, "call", p.Method+" "+p.Path, "POST /hook")
		expect(t, "type", p.Header.Get("Content-Type"), "application/json")
		expect(t, "secret", p.Header.Get("Authorization"), "Bearer canary-token")
		expect(t, "header", p.Header.Get("X-Team"), "one")
		var body struct {
			Type         string
			Version      int
			Event        struct{ From, To struct{ Value string } }
			Conversation struct {
				Number   int64
				URL      string
				Customer struct{ Name string }
			}
			Workflow struct{ Name string }
		}
		d.Must(json.Unmarshal([]byte(p.Body), &body))
		expect(t, "body", fmt.Sprintf("%+v", body), `{Type:status.changed Version:1 Event:{From:{Value:active} To:{Value:closed}} Conversation:{Number:1 URL:https://desk.acme.example/conversations/1 Customer:{Name:Mara & Co}} Workflow:{Name:Tell the shop}}`)
		signature, err := react.Signature(secret, p.Header.Get("Webhook-Id"), d.Store.Now()/1000, []byte(p.Body))
		d.Must(err)
		expect(t, "signature", p.Header.Get("Webhook-Signature"), signature)
		expect(t, "time", p.Header.Get("Webhook-Timestamp"), fmt.Sprint(d.Store.Now()/1000))
		expect(t, "filled in", took[1].Path+took[1].Body, "/seen/1?by=Mara%20%26%20Co")
		expect(t, "unsigned", took[1].Header.Get("Webhook-Signature")+took[1].Header.Get("Content-Type"), "")

		calls := d.Calls(c.ID)
		effects := onlyRun(t, d, c, id).Effects
		for i, call := range calls {
			expect(t, "state", call.State, postroom.WebhookAccepted)
			expect(t, "words", call.Words, "It answered 200 (OK).")
			expect(t, "effect", effects[i].CallID, call.ID)
			expect(t, "name", react.CallName(call.ID), map[int]string{0: p.Header.Get("Webhook-Id"), 1: took[1].Header.Get("Webhook-Id")}[i])
			attempts := d.Attempts(call.ID)
			if len(attempts) != 1 || attempts[0].Status != 200 || attempts[0].Address != h.Listener.Addr().String() || attempts[0].EndedAt == 0 {
				t.Errorf("attempts %+v", attempts)
			}
		}

		// Changed, the former secret signs beside the new one for a day.
		again, err := d.Directory().ChangeSecret(d.Ctx, ann.Agent, sign, "", false)
		d.Must(err)
		for _, want := range []int{2, 1} {
			d.Must(d.React.CallAgain(d.Ctx, ann.Agent, calls[0].ID, d.Calls(c.ID)[0].Attempts))
			d.Settle()
			p := h.took()[0]
			var good []string
			for _, s := range []string{again, secret}[:want] {
				one, err := react.Signature(s, react.CallName(calls[0].ID), d.Store.Now()/1000, []byte(p.Body))
				d.Must(err)
				good = append(good, one)
			}
			expect(t, "signatures", p.Header.Get("Webhook-Signature"), strings.Join(good, " "))
			d.Pass(25 * time.Hour)
		}
	})
}

// A call that is refused for now is made again, under the same id, later and
// later and no sooner than was asked for; what cannot change by trying fails at
// once, with the reason on the conversation.
func TestWebhookTriesAgain(t *testing.T) {
	t.Parallel()
	desktest.Each(t, func(t *testing.T, d *desktest.Desk) {
		h := newHook(t)
		id := d.AddWorkflow("Tell", on(postroom.MessageReceived, webhook(h.URL)))
		h.says(503)
		c := d.CustomerWrites("mara@customer.example", "Order", "Where?")
		d.Settle()
		d.Settle()
		expect(t, "calls at once", len(h.took()), 1)
		call := d.Calls(c.ID)[0]
		if wait := call.DueAt - d.Store.Now(); call.State != postroom.WebhookWaiting || wait < 5000 || wait > 6000 || call.Words != "It answered 503 (Service Unavailable)." {
			t.Errorf("%+v, after %d ms", call, wait)
		}
		h.says(429, "Retry-After", "3600")
		d.Pass(7 * time.Second)
		first := h.took()[0].Header
		call = d.Calls(c.ID)[0]
		expect(t, "wait that was asked for", call.DueAt-d.Store.Now(), int64(3_600_000))
		h.says(204)
		d.Pass(time.Hour)
		second := h.took()[0].Header
		expect(t, "id", second.Get("Webhook-Id"), first.Get("Webhook-Id"))
		if first.Get("Webhook-Timestamp") == second.Get("Webhook-Timestamp") {
			t.Error("the time of a call stood still")
		}
		call = d.Calls(c.ID)[0]
		expect(t, "state", call.State, postroom.WebhookAccepted)
		expect(t, "attempts", len(d.Attempts(call.ID)), 3)
		expect(t, "failures said", d.CountEvents(c.ID, postroom.WorkflowFailed), 0)

		// For a day, then it is given up; after an hour an admin hears of it.
		h.does(func(w http.ResponseWriter, _ *http.Request) {
			if conn, _, err := w.(http.Hijacker).Hijack(); err == nil {
				conn.Close()
			}
		})
		c = d.CustomerWrites("tim@customer.example", "Order", "Where?")
		for range 10 {
			d.Settle()
			call = d.Calls(c.ID)[0]
			expect(t, "state", call.State, postroom.WebhookWaiting)
			expect(t, "alarm", d.Alarm(string(alarm.WebhookFailing), fmt.Sprint(id)) != nil, call.Tries >= 6)
			d.Clock.Set(call.DueAt)
		}
		d.Settle()
		began := call.BeganAt
		call = d.Calls(c.ID)[0]
		expect(t, "state", call.State, postroom.WebhookFailed)
		expect(t, "words", call.Words, "Given up after 11 tries. The last time: The connection was broken off before an answer came.")
		if day := time.Duration(call.EndedAt-began) * time.Millisecond; day < 20*time.Hour || day > 30*time.Hour {
			t.Errorf("given up after %s", day)
		}
		failed := d.EventsOf(c.ID, postroom.WorkflowFailed)
		if len(failed) != 1 || !strings.Contains(failed[0].Payload.Words, "Tell: The webhook call to 127.0.0.1:") {
			t.Errorf("%+v", failed)
		}
		// The next one that is taken ends the alarm.
		h.says(200)
		d.CustomerWrites("joe@customer.example", "Order", "Where?")
		d.Settle()
		if a := d.Alarm(string(alarm.WebhookFailing), fmt.Sprint(id)); a != nil && a.ClearedAt == 0 {
			t.Errorf("still an alarm: %+v", a)
		}
	})
}

// What no try can mend: a private address, a redirect, a refusal, a secret that
// is gone. Each fails at once, says why, and repeats nothing.
func TestWebhookFailsAtOnce(t *testing.T) {
	t.Parallel()
	desktest.Each(t, func(t *testing.T, d *desktest.Desk) {
		h := newHook(t)
		ann := d.Agent("ann")
		gone, _, err := d.Directory().AddSecret(d.Ctx, ann.Agent, postroom.SecretSigning, "Gone", "")
		d.Must(err)
		d.Write(func(tx *store.Tx) error { return tx.DeleteSecret(d.Ctx, gone) })
		signed := webhook(h.URL)
		signed.Sign = gone
		for _, x := range []struct {
			name   string
			a      workflow.Action
			status int
			words  string
			calls  int
		}{
			{"metadata", webhook("http://169.254.169.254/latest/meta-data/"), 0, "It leads to 169.254.169.254, which is not a public address. Nothing was sent.", 0},
			{"private", webhook("http://[::ffff:10.0.0.1]/"), 0, "It leads to 10.0.0.1, which is not a public address.", 0},
			{"redirect", webhook(h.URL + "/a"), 302, "It answered 302 (Found) and points to http://169.254.169.254/. Redirects are not followed", 1},
			{"refused", webhook(h.URL + "/b"), 401, "It answered 401 (Unauthorized).", 1},
			{"secret", signed, 200, "It could not be made: There is no such secret (any more).", 0},
		} {
			h.says(x.status, "Location", "http://169.254.169.254/")
			id := d.AddWorkflow(x.name, on(postroom.MessageReceived, x.a))
			c := d.CustomerWrites(x.name+"@customer.example", "Order", "Where?")
			d.Settle()
			d.SwitchWorkflow(id, false)
			call := d.Calls(c.ID)[0]
			if call.State != postroom.WebhookFailed || !strings.HasPrefix(call.Words, x.words) {
				t.Errorf("%s: %s, %q", x.name, call.State, call.Words)
			}
			expect(t, x.name+": calls", len(h.took()), x.calls)
			expect(t, x.name+": said", d.CountEvents(c.ID, postroom.WorkflowFailed), 1)
			expect(t, x.name+": attempts", len(d.Attempts(call.ID)), 1)
		}
	})
}

// W20, W21: calls that fail again and again pause their workflow, once; one that
// is answered "gone" does so at once. A webhook that tells of failed webhooks
// does not go round.
func TestWebhookPauses(t *testing.T) {
	t.Parallel()
	desktest.Each(t, func(t *testing.T, d *desktest.Desk) {
		h := newHook(t)
		h.says(400)
		id := d.AddWorkflow("Tell", on(postroom.MessageReceived, webhook(h.URL)))
		tell := d.AddWorkflow("Tell of failures", on(postroom.WorkflowFailed, webhook(h.URL+"/failed")))
		for i := range 5 {
			expect(t, "paused", d.Workflow(id).PausedWords, "")
			c := d.CustomerWrites(fmt.Sprintf("c%d@customer.example", i), "Order", "Where?")
			d.Settle()
			expect(t, "calls", len(d.Calls(c.ID)), 2)
			d.SwitchWorkflow(tell, true) // its own failures are no matter here
		}
		h.took()
		if words := d.Workflow(id).PausedWords; !strings.HasPrefix(words, "Paused: 5 webhook calls in a row failed.") {
			t.Errorf("paused: %q", words)
		}
		if d.Alarm(string(alarm.WorkflowPause), fmt.Sprint(id)) == nil {
			t.Error("no alarm about the pause")
		}
		d.SwitchWorkflow(tell, false)
		d.SwitchWorkflow(id, true)
		d.CustomerWrites("next@customer.example", "Order", "Where?")
		d.Settle()
		expect(t, "paused again by one more", d.Workflow(id).PausedWords, "")
		h.says(410)
		c := d.CustomerWrites("last@customer.example", "Order", "Where?")
		d.Settle()
		if words := d.Workflow(id).PausedWords; !strings.Contains(words, "it wants no more calls") {
			t.Errorf("paused: %q", words)
		}
		expect(t, "said on the conversation", d.CountEvents(c.ID, postroom.WorkflowPaused), 1)
	})
}

// A death between the beginning of an attempt and its end leaves the attempt
// without one, and the call is made once more under the same id. A worker that
// was wrongly taken for dead writes nothing.
func TestWebhookSurvivesDeath(t *testing.T) {
	t.Parallel()
	desktest.Each(t, func(t *testing.T, d *desktest.Desk) {
		h := newHook(t)
		d.AddWorkflow("Tell", closing(webhook(h.URL)))
		c := d.CustomerWrites("mara@customer.example", "Order", "Where?")
		d.Agent("ann").SetStatus(c, postroom.Closed, postroom.PathMenu)
		for d.JudgeUntilCrash(1000) { // judged, and not called yet
		}
		for n := 1; d.Calls(c.ID)[0].State == postroom.WebhookWaiting && d.WorkUntilCrash(desk.WakeWebhook, n); n++ {
			if n > 100 {
				t.Fatal("it never ends")
			}
		}
		d.Settle()
		call := d.Calls(c.ID)[0]
		expect(t, "state", call.State, postroom.WebhookAccepted)
		took := h.took()
		attempts := d.Attempts(call.ID)
		if len(took) < 2 || len(attempts) < len(took) || attempts[0].EndedAt != 0 || attempts[len(attempts)-1].Status != 200 {
			t.Errorf("%d calls, attempts %+v", len(took), attempts)
		}
		for _, x := range took {
			expect(t, "id", x.Header.Get("Webhook-Id"), react.CallName(call.ID))
		}

		d.Must(d.React.CallAgain(d.Ctx, d.Agent("ann").Agent, call.ID, call.Attempts))
		claimed, err := d.Store.ClaimCalls(d.Ctx, 1, 1000)
		d.Must(err)
		d.Pass(time.Minute)
		err = d.Store.Write(d.Ctx, func(tx *store.Tx) error {
			return tx.SettleCall(d.Ctx, claimed[0], postroom.WebhookCall{ID: call.ID, State: postroom.WebhookFailed})
		})
		expect(t, "late word", postroom.CodeOf(err), postroom.Conflict)
		expect(t, "state", d.Calls(c.ID)[0].State, postroom.WebhookAccepted)
	})
}

// Sending again, pressed twice, makes one call more; only admins may.
func TestWebhookAgain(t *testing.T) {
	t.Parallel()
	desktest.Each(t, func(t *testing.T, d *desktest.Desk) {
		h := newHook(t)
		ann := d.Agent("ann")
		h.says(404)
		d.AddWorkflow("Tell", on(postroom.MessageReceived, webhook(h.URL)))
		c := d.CustomerWrites("mara@customer.example", "Order", "Where?")
		d.Settle()
		call := d.Calls(c.ID)[0]
		if err := d.React.CallAgain(d.Ctx, d.Agent("ben").Agent, call.ID, 1); postroom.CodeOf(err) != postroom.Forbidden {
			t.Errorf("anybody may: %v", err)
		}
		h.says(200)
		h.took()
		d.Must(d.React.CallAgain(d.Ctx, ann.Agent, call.ID, 1))
		d.Must(d.React.CallAgain(d.Ctx, ann.Agent, call.ID, 1)) // before it was made
		d.Settle()
		if err := d.React.CallAgain(d.Ctx, ann.Agent, call.ID, 1); postroom.CodeOf(err) != postroom.Conflict { // after
			t.Errorf("pressed on an old page: %v", err)
		}
		d.Settle()
		took := h.took()
		expect(t, "calls", len(took), 1)
		expect(t, "body", took[0].Body, call.Body)
		expect(t, "state", d.Calls(c.ID)[0].State, postroom.WebhookAccepted)
	})
}

// A restored desk makes no call that the lost one may have made, before an admin
// says so.
func TestWebhookHeldAfterRestore(t *testing.T) {
	t.Parallel()
	desktest.Each(t, func(t *testing.T, d *desktest.Desk) {
		h := newHook(t)
		h.says(500)
		ann := d.Agent("ann")
		d.AddWorkflow("Tell", on(postroom.MessageReceived, webhook(h.URL)))
		a, b := d.CustomerWrites("mara@customer.example", "A", "x"), d.CustomerWrites("tim@customer.example", "B", "x")
		d.Settle()
		var held store.Held
		d.Write(func(tx *store.Tx) (err error) {
			held, err = tx.HoldBack(d.Ctx, "The desk was restored.", d.Store.Now())
			return err
		})
		expect(t, "held back", held.Calls, int64(2))
		h.says(200)
		h.took()
		d.Pass(24 * time.Hour)
		expect(t, "calls", len(h.took()), 0)
		if err := d.React.ReleaseCalls(d.Ctx, d.Agent("ben").Agent, 0); postroom.CodeOf(err) != postroom.Forbidden {
			t.Errorf("anybody may: %v", err)
		}
		d.Must(d.React.DiscardCalls(d.Ctx, ann.Agent, d.Calls(a.ID)[0].ID))
		d.Must(d.React.ReleaseCalls(d.Ctx, ann.Agent, 0))
		if err := d.React.ReleaseCalls(d.Ctx, ann.Agent, d.Calls(a.ID)[0].ID); postroom.CodeOf(err) != postroom.Conflict {
			t.Errorf("released after it was discarded: %v", err)
		}
		d.Settle()
		expect(t, "calls", len(h.took()), 1)
		expect(t, "discarded", d.Calls(a.ID)[0].State, postroom.WebhookDiscarded)
		expect(t, "released", d.Calls(b.ID)[0].State, postroom.WebhookAccepted)
	})
}

// A secret is in no row and no word, also when the server repeats it; an erased
// conversation leaves no call behind.
func TestWebhookKeepsSecrets(t *testing.T) {
	t.Parallel()
	desktest.Each(t, func(t *testing.T, d *desktest.Desk) {
		const canary = "canary-4711-token"
		h := newHook(t)
		ann := d.Agent("ann")
		token, _, err := d.Directory().AddSecret(d.Ctx, ann.Agent, postroom.SecretHeader, "Token", "Bearer "+canary)
		d.Must(err)
		sign, secret, err := d.Directory().AddSecret(d.Ctx, ann.Agent, postroom.SecretSigning, "Key", "")
		d.Must(err)
		h.does(func(w http.ResponseWriter, r *http.Request) {
			_, auth, _ := strings.Cut(r.Header.Get("Authorization"), " ")
			w.Header().Set("Location", "https://elsewhere.example/?t="+auth)
			w.WriteHeader(303)
			fmt.Fprintf(w, "you said %s, that is %s", r.Header.Get("Authorization"), auth)
		})
		a := webhook(h.URL)
		a.Sign, a.Headers = sign, []workflow.Header{{Name: "Authorization", Secret: token}}
		d.AddWorkflow("Tell", on(postroom.MessageReceived, a))
		c := d.CustomerWrites("Mara <mara@customer.example>", "Order", "My address is Canal Street.")
		d.Settle()
		call := d.Calls(c.ID)[0]
		expect(t, "answer", d.Attempts(call.ID)[0].Answer, "you said •••, that is •••")
		if !strings.Contains(call.Words, "https://elsewhere.example/?t=•••") || !strings.Contains(call.Body, "Canal Street") {
			t.Errorf("%+v", call)
		}
		rows := func(q string) (out []string) {
			r, err := d.DB.Reader().Query(d.Ctx, q)
			d.Must(err)
			defer r.Close()
			for r.Next() {
				var s string
				d.Must(r.Scan(&s))
				out = append(out, s)
			}
			d.Must(r.Err())
			return out
		}
		all := []string{"select url || headers || body || words from webhook_call", "select words || answer from webhook_attempt", "select sealed || old_sealed || name from webhook_secret",
			"select words || details from log_entry", "select payload || words from event", "select words from alarm", "select effects || error from run", "select definition from workflow_version"}
		for _, q := range all {
			for _, s := range rows(q) {
				if strings.Contains(s, canary) || strings.Contains(s, strings.TrimPrefix(secret, "whsec_")) {
					t.Errorf("%s: %s", q, s)
				}
			}
		}
		ann.Bulk(desk.Bulk{Numbers: []int64{c.Number}, Delete: true})
		d.Pass(time.Hour)
		_, err = d.Desk.EmptyTrash(d.Ctx, ann.Agent, 0)
		d.Must(err)
		d.Settle()
		for _, q := range append(all[:2:2], "select words from alarm") {
			for _, s := range rows(q) {
				if strings.Contains(s, "Canal") || strings.Contains(s, "mara@") {
					t.Errorf("left after erasing: %s: %s", q, s)
				}
			}
		}
		if left := rows("select body from webhook_call"); len(left) != 0 {
			t.Errorf("calls are left: %v", left)
		}
	})
}

// A desk that nothing may leave keeps its calls and makes none, whoever asks.
func TestWebhookOnAClosedDesk(t *testing.T) {
	t.Parallel()
	desktest.Each(t, func(t *testing.T, d *desktest.Desk) {
		h := newHook(t)
		d.React.Calls = nil
		d.AddWorkflow("Tell", on(postroom.MessageReceived, webhook(h.URL)))
		c := d.CustomerWrites("mara@customer.example", "Order", "Where?")
		d.Pass(48 * time.Hour)
		call := d.Calls(c.ID)[0]
		expect(t, "state", call.State, postroom.WebhookHeld)
		expect(t, "words", call.Words, "Nothing leaves this desk: the call is kept here, and was not made.")
		for what, err := range map[string]error{"again": d.React.CallAgain(d.Ctx, d.Agent("ann").Agent, call.ID, 0), "release": d.React.ReleaseCalls(d.Ctx, d.Agent("ann").Agent, 0)} {
			if postroom.CodeOf(err) != postroom.Unavailable {
				t.Errorf("%s: %v", what, err)
			}
		}
		expect(t, "calls", len(h.took()), 0)
	})
}
