package web

import (
	"net/http"
	"strconv"

	"postroom"
	"postroom/internal/query"
	"postroom/internal/web/view"
)

// showWebhooks is GET /webhooks.
func showWebhooks(q *request) error {
	v := q.URL.Query()
	ask := query.WebhooksAsk{State: v.Get("state"), After: v.Get("after"), Before: v.Get("before")}
	ask.Workflow, _ = strconv.ParseInt(v.Get("workflow"), 10, 64)
	p, err := q.site.o.Pages.Webhooks(q.Context(), q.agent, ask, q.place("workflows"))
	if err != nil {
		return err
	}
	q.dress(&p.Shell)
	return q.page(view.Webhooks(*p), p)
}

// showWebhook is GET /webhooks/{id}.
func showWebhook(q *request) error {
	id, err := q.number("id")
	if err != nil {
		return err
	}
	p, err := q.site.o.Pages.Webhook(q.Context(), q.agent, id, q.place("workflows"))
	if err != nil {
		return err
	}
	q.dress(&p.Shell)
	return q.page(view.Webhook(*p), p)
}

// changeWebhook is POST /webhooks/{id}/VERB: what an admin can do about a call.
func changeWebhook(q *request) error {
	if err := q.fields(); err != nil {
		return err
	}
	id, err := q.number("id")
	if err != nil {
		return err
	}
	r, back := q.site.o.Reactor, "/webhooks/"+strconv.FormatInt(id, 10)
	switch q.PathValue("verb") {
	case "again":
		return q.told(r.CallAgain(q.Context(), q.agent, id, int(q.id("attempts"))), "It is sent again.", back)
	case "release":
		return q.told(r.ReleaseCalls(q.Context(), q.agent, id), "Released.", back)
	case "discard":
		return q.told(r.DiscardCalls(q.Context(), q.agent, id), "Discarded.", back)
	}
	return postroom.Errorf(postroom.NotFound, "There is no such page.")
}

// decideWebhooks is POST /webhooks/held: all calls that are held back.
func decideWebhooks(q *request) error {
	if err := q.fields(); err != nil {
		return err
	}
	if q.field("do") == "discard" {
		return q.told(q.site.o.Reactor.DiscardCalls(q.Context(), q.agent, 0), "Discarded.", "/webhooks")
	}
	return q.told(q.site.o.Reactor.ReleaseCalls(q.Context(), q.agent, 0), "Released.", "/webhooks")
}

// showWebhookSecrets is GET /webhooks/secrets.
func showWebhookSecrets(q *request) error {
	p, err := q.secretsPage()
	if err != nil {
		return err
	}
	return q.page(view.WebhookSecrets(*p), p)
}

func (q *request) secretsPage() (*query.WebhookSecretsPage, error) {
	p, err := q.site.o.Pages.WebhookSecrets(q.Context(), q.agent, q.place("workflows"))
	if err != nil {
		return nil, err
	}
	q.dress(&p.Shell)
	uses, err := q.site.o.Workflows.SecretUses(q.Context())
	for i := range p.Rows {
		p.Rows[i].Uses = uses[p.Rows[i].ID]
	}
	return p, err
}

// addWebhookSecret is POST /webhooks/secrets. A signing secret that was made
// stands on the answer and on no page after it.
func addWebhookSecret(q *request) error {
	if err := q.fields(); err != nil {
		return err
	}
	kind, name := q.field("kind"), q.field("name")
	_, shown, err := q.site.o.Directory.AddSecret(q.Context(), q.agent, kind, name, q.Form.Get("value"))
	if wrong := faults(err); wrong != nil {
		p, err := q.secretsPage()
		if err != nil {
			return err
		}
		p.Kind, p.Name, p.Errors = kind, name, wrong
		return q.html(http.StatusUnprocessableEntity, view.WebhookSecrets(*p))
	}
	return q.secretMade(err, shown, name, "The secret is kept. It is not shown again.")
}

// secretMade shows a signing secret, once, or says what was done.
func (q *request) secretMade(err error, shown, name, said string) error {
	if err != nil || shown == "" {
		return q.told(err, said, "/webhooks/secrets")
	}
	p, err := q.secretsPage()
	if err != nil {
		return err
	}
	p.Shown, p.Called = shown, name
	q.w.Header().Set("Cache-Control", "no-store")
	return q.html(http.StatusUnprocessableEntity, view.WebhookSecrets(*p)) // so that it is shown where the form was sent
}

// changeWebhookSecret is POST /webhooks/secrets/{id}/VERB.
func changeWebhookSecret(q *request) error {
	if err := q.fields(); err != nil {
		return err
	}
	id, err := q.number("id")
	if err != nil {
		return err
	}
	d := q.site.o.Directory
	switch q.PathValue("verb") {
	case "change", "change-at-once":
		shown, err := d.ChangeSecret(q.Context(), q.agent, id, q.Form.Get("value"), q.PathValue("verb") == "change-at-once")
		return q.secretMade(err, shown, "", "The secret is changed.")
	case "end-old":
		return q.told(d.EndOldSecret(q.Context(), q.agent, id), "Only the new secret signs from now on.", "/webhooks/secrets")
	case "delete":
		return q.told(q.site.o.Workflows.DeleteSecret(q.Context(), q.agent, id), "The secret is deleted.", "/webhooks/secrets")
	}
	return postroom.Errorf(postroom.NotFound, "There is no such page.")
}
