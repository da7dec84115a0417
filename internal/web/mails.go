package web

import (
	"context"
	"fmt"
	"strconv"

	"postroom"
	"postroom/internal/query"
	"postroom/internal/web/view"
)

// showMails is GET /mails.
func showMails(q *request) error {
	v := q.URL.Query()
	ask := query.MailsAsk{State: v.Get("state"), Query: v.Get("q"), After: v.Get("after"), Before: v.Get("before")}
	ask.Mailbox, _ = strconv.ParseInt(v.Get("mailbox"), 10, 64)
	p, err := q.site.o.Pages.Mails(q.Context(), q.agent, ask, q.place("mails"))
	if err != nil {
		return err
	}
	q.dress(&p.Shell)
	return q.page(view.Mails(*p), p)
}

// showJourney is GET /mails/{id}.
func showJourney(q *request) error {
	id, err := q.number("id")
	if err != nil {
		return err
	}
	p, err := q.site.o.Pages.Journey(q.Context(), q.agent, id, q.place("mails"))
	if err != nil {
		return err
	}
	q.dress(&p.Shell)
	return q.page(view.Journey(*p), p)
}

// changeMail is POST /mails/{id}/VERB: what people can do about a mail.
func changeMail(q *request) error {
	if err := q.fields(); err != nil {
		return err
	}
	id, err := q.number("id")
	if err != nil {
		return err
	}
	o := q.site.o.Outbox
	verbs := map[string]struct {
		do   func(context.Context, *postroom.Agent, int64) error
		said string
	}{
		"retry":   {o.Retry, "It is tried now."},
		"cancel":  {q.cancelMail, "Cancelled."},
		"again":   {o.SendAgain, "It is sent once more."},
		"arrived": {o.Arrived, "Marked as arrived."},
		"release": {o.Release, "Released."},
	}
	verb, ok := verbs[q.PathValue("verb")]
	if !ok {
		return postroom.Errorf(postroom.NotFound, "There is no such page.")
	}
	return q.told(verb.do(q.Context(), q.agent, id), verb.said, "/mails/"+strconv.FormatInt(id, 10))
}

// cancelMail cancels a mail; a quarantined one is discarded.
func (q *request) cancelMail(ctx context.Context, a *postroom.Agent, id int64) error {
	state, err := q.site.o.Pages.MailState(ctx, a, id)
	if err != nil {
		return err
	}
	if state == postroom.MailKept {
		return q.site.o.Outbox.Discard(ctx, a, id)
	}
	return q.site.o.Outbox.Cancel(ctx, a, id)
}

// showQueue is GET /queue.
func showQueue(q *request) error {
	v := q.URL.Query()
	p, err := q.site.o.Pages.Queue(q.Context(), q.agent, query.QueueAsk{After: v.Get("after"), Before: v.Get("before")}, q.place("queue"))
	if err != nil {
		return err
	}
	q.dress(&p.Shell)
	return q.page(view.Queue(*p), p)
}

// retryAll is POST /queue/retry-all.
func retryAll(q *request) error {
	if err := q.fields(); err != nil {
		return err
	}
	n, err := q.site.o.Outbox.RetryAll(q.Context(), q.agent, q.id("mailbox"))
	said := fmt.Sprintf("%d mails are tried now.", n)
	if n == 1 {
		said = "1 mail is tried now."
	}
	return q.told(err, said, "/queue")
}

// resumeChannel is POST /channels/{mailbox}/resume.
func resumeChannel(q *request) error {
	if err := q.fields(); err != nil {
		return err
	}
	id, err := q.number("mailbox")
	if err != nil {
		return err
	}
	return q.told(q.site.o.Outbox.Resume(q.Context(), q.agent, id), "Sending goes on.", "/queue")
}

// showInbound is GET /inbound.
func showInbound(q *request) error {
	v := q.URL.Query()
	p, err := q.site.o.Pages.Inbound(q.Context(), q.agent, query.InboundAsk{State: v.Get("state"), Query: v.Get("q"), After: v.Get("after"), Before: v.Get("before")}, q.place("inbound"))
	if err != nil {
		return err
	}
	q.dress(&p.Shell)
	return q.page(view.Inbound(*p), p)
}

// showInboundMail is GET /inbound/{id}.
func showInboundMail(q *request) error {
	id, err := q.number("id")
	if err != nil {
		return err
	}
	p, err := q.site.o.Pages.InboundMail(q.Context(), q.agent, id, q.place("inbound"))
	if err != nil {
		return err
	}
	q.dress(&p.Shell)
	return q.page(view.InboundMail(*p), p)
}

// retryInbound is POST /inbound/{id}/retry.
func retryInbound(q *request) error {
	if err := q.fields(); err != nil {
		return err
	}
	id, err := q.number("id")
	if err != nil {
		return err
	}
	return q.told(q.site.o.Reactor.RetryInbound(q.Context(), q.agent, id), "It is tried again.", "/inbound/"+strconv.FormatInt(id, 10))
}

// showAlarms is GET /alarms.
func showAlarms(q *request) error {
	p, err := q.site.o.Pages.Alarms(q.Context(), q.agent, q.place("alarms"))
	if err != nil {
		return err
	}
	q.dress(&p.Shell)
	return q.page(view.Alarms(*p), p)
}

// acknowledge is POST /alarms/{id}/acknowledge.
func acknowledge(q *request) error {
	if err := q.fields(); err != nil {
		return err
	}
	id, err := q.number("id")
	if err != nil {
		return err
	}
	return q.told(q.site.o.Alarms.Acknowledge(q.Context(), q.agent, id), "", "/alarms")
}
