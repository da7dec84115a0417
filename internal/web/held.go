package web

import (
	"context"
	"strconv"

	"postroom"
)

// What was held back after a restore is released or discarded: the form says
// which by its button "do".

// decision does what the button asks for. The room behind it asks for an admin
// too; here nobody else learns even what there is to press.
func (q *request) decision(release, discard func(context.Context) error) error {
	if !postroom.Can(q.agent, postroom.Manage, 0) {
		return postroom.Errorf(postroom.Forbidden, "Only an admin can decide about what was held back after a restore.")
	}
	switch q.Form.Get("do") {
	case "release":
		return release(q.Context())
	case "discard":
		return discard(q.Context())
	}
	return postroom.InvalidField("do", "Release it or discard it.")
}

func (q *request) decideInbound(id int64) error {
	r := q.site.o.Reactor
	return q.decision(func(ctx context.Context) error { return r.ReleaseInbound(ctx, q.agent, id) },
		func(ctx context.Context) error { return r.DiscardInbound(ctx, q.agent, id) })
}

// decided is what the page says then.
func (q *request) decided() string {
	if q.Form.Get("do") == "release" {
		return "Released: it goes on now."
	}
	return "Discarded."
}

// decideInbound is POST /inbound/{id}/held.
func decideInbound(q *request) error {
	if err := q.fields(); err != nil {
		return err
	}
	id, err := q.number("id")
	if err != nil {
		return err
	}
	return q.told(q.decideInbound(id), q.decided(), "/inbound/"+strconv.FormatInt(id, 10))
}

// decideAllInbound is POST /inbound/held.
func decideAllInbound(q *request) error {
	if err := q.fields(); err != nil {
		return err
	}
	return q.told(q.decideInbound(0), q.decided(), "/inbound")
}

// decideTellings is POST /queue/held.
func decideTellings(q *request) error {
	if err := q.fields(); err != nil {
		return err
	}
	r := q.site.o.Reactor
	err := q.decision(func(ctx context.Context) error { return r.ReleaseTellings(ctx, q.agent) },
		func(ctx context.Context) error { return r.DiscardTellings(ctx, q.agent) })
	return q.told(err, q.decided(), "/queue")
}
