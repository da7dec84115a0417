package react

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/url"
	"time"

	"postroom"
	"postroom/internal/alarm"
	"postroom/internal/desk"
	"postroom/internal/store"
	"postroom/internal/wire/httpout"
	"postroom/internal/work"
)

// Caller makes calls; *httpout.Client does.
type Caller interface {
	Do(context.Context, httpout.Request) (httpout.Answer, error)
}

// callSource claims the calls of webhooks whose time has come.
type callSource struct{ r *React }

func (callSource) Name() string { return desk.WakeWebhook }

func (s callSource) Claim(ctx context.Context, limit int, lease time.Duration) ([]work.Item, error) {
	return items(s.r.Store.ClaimCalls(ctx, limit, lease.Milliseconds()))
}

func (s callSource) Renew(ctx context.Context, i work.Item, lease time.Duration) error {
	return lost(s.r.Store.RenewCall(ctx, claimed(i), lease.Milliseconds()))
}

// Fail gives a call back with which this program itself failed, or which it had
// to break off. No try is spent by it.
func (s callSource) Fail(ctx context.Context, i work.Item, cause error) error {
	wait, _ := s.r.rest(s.Name(), i, cause)
	return s.r.Store.ReturnCall(ctx, claimed(i), s.r.Store.Now()+wait)
}

func (s callSource) NextDue(ctx context.Context) (int64, bool, error) { return s.r.Store.NextCall(ctx) }

// call makes one attempt at a call and settles what came of it. That it is being
// made is stored before: a death in the middle leaves a trace, and the call is
// made once more, under the same id.
func (r *React) call(ctx context.Context, i work.Item) error {
	c := claimed(i)
	x, err := r.Store.Read().Call(ctx, c.ID)
	if err != nil {
		return err
	}
	ids, err := r.Store.NewIDs(ctx, 6)
	if err != nil {
		return err
	}
	a := postroom.WebhookAttempt{ID: ids[0], CallID: x.ID, Number: x.Attempts + 1, At: r.Store.Now()}
	err = r.Store.Write(ctx, func(tx *store.Tx) error { return lost(tx.BeginCallAttempt(ctx, c, a)) })
	if err != nil {
		return err
	}
	x.Attempts = a.Number
	v, err := r.attempt(ctx, x, CallName(x.ID), &a)
	if err != nil {
		return err
	}
	a.EndedAt = r.Store.Now()
	return r.settleCall(ctx, c, x, a, v, ids[1:])
}

// attempt makes a call. The error is one of this program; whatever the other one
// does is a fate.
func (r *React) attempt(ctx context.Context, x postroom.WebhookCall, name string, a *postroom.WebhookAttempt) (fate callFate, err error) {
	request, hidden, err := r.request(ctx, x, name)
	var gone noSecret
	switch {
	case errors.As(err, &gone):
		a.Words = "It could not be made: " + postroom.TextOf(err)
		return callFate{state: postroom.WebhookFailed, words: a.Words}, nil
	case err != nil:
		return fate, err
	}
	answer, err := r.Calls.Do(ctx, request)
	if ctx.Err() != nil {
		return fate, context.Cause(ctx)
	}
	a.Address, a.Status, a.Answer, a.More = answer.Address, answer.Status, hidden.in(answer.Body), answer.More
	answer.Location = hidden.in(answer.Location)
	var failed *httpout.Fault
	if err != nil && !errors.As(err, &failed) {
		return fate, err
	}
	fate = decideCall(x, answer, failed, rand.Float64())
	fate.words = hidden.in(fate.words)
	a.Words = fate.words
	return fate, nil
}

// TestCall makes a call that no row stands for, once, and says what came of it.
// It names itself as a test.
func (r *React) TestCall(ctx context.Context, x postroom.WebhookCall) (a postroom.WebhookAttempt, err error) {
	if r.Calls == nil {
		return a, postroom.Errorf(postroom.Unavailable, "%s", wordsNothingLeaves)
	}
	id, err := r.Store.NewID(ctx)
	if err != nil {
		return a, err
	}
	a.Number, a.At = 1, r.Store.Now()
	_, err = r.attempt(ctx, x, "test_"+decimal(id), &a)
	a.EndedAt = r.Store.Now()
	return a, err
}

// settleCall writes what an attempt came to, in one transaction: the attempt, the
// call and, if it has failed for good, the event on the conversation, the alarm,
// and the pause of its workflow (W21).
func (r *React) settleCall(ctx context.Context, c store.Claimed, x postroom.WebhookCall, a postroom.WebhookAttempt, v callFate, ids []int64) error {
	next := x
	next.State, next.Words, next.Status, next.Tries = v.state, v.words, a.Status, x.Tries+1
	if v.state.Ended() {
		next.DueAt, next.EndedAt = 0, a.EndedAt
	} else {
		next.DueAt = a.EndedAt + v.wait.Milliseconds()
	}
	cause, err := r.callCause(ctx, x)
	if err != nil {
		return err
	}
	err = r.Store.Write(ctx, func(tx *store.Tx) error {
		tx.OnCommit(func() { r.told(next) })
		var on *postroom.Conversation // locked before the call, as everywhere
		if v.state == postroom.WebhookFailed {
			var err error
			if on, err = tx.Conversation(ctx, x.ConversationID); err != nil {
				return err
			}
		}
		if err := tx.SettleCall(ctx, c, next); err != nil {
			return err
		}
		if err := tx.EndCallAttempt(ctx, a); err != nil {
			return err
		}
		return r.callConsequences(ctx, tx, on, next, v, cause, ids)
	})
	if err == nil {
		r.Log.Info("webhook", "call", x.ID, "state", string(v.state), "status", a.Status, "address", a.Address, "took", a.EndedAt-a.At)
	}
	return lost(err)
}

// callCause is what set a call off, so that what comes of its failure belongs to
// the same chain: a webhook that tells of failed webhooks ends with itself (W20).
func (r *React) callCause(ctx context.Context, x postroom.WebhookCall) (desk.Cause, error) {
	e, err := r.Store.Read().Event(ctx, x.EventID)
	if postroom.CodeOf(err) == postroom.NotFound {
		return desk.Cause{Path: postroom.PathWorkflow}, nil
	}
	return desk.Cause{Path: postroom.PathWorkflow, Event: &e, Root: &postroom.Event{ID: e.Root, Seq: e.RootSeq}}, err
}

// troubled is from which try on a call that still fails is an alarm: then an hour
// has passed, about.
const troubled = 6

// callConsequences tells people of a call that failed or goes on failing.
func (r *React) callConsequences(ctx context.Context, tx *store.Tx, on *postroom.Conversation, x postroom.WebhookCall, v callFate, cause desk.Cause, ids []int64) error {
	subject := decimal(x.WorkflowID)
	switch {
	case x.State == postroom.WebhookAccepted:
		return r.Alarms.ClearIn(ctx, tx, alarm.WebhookFailing, subject)
	case x.State == postroom.WebhookWaiting && x.Tries < troubled:
		return nil
	case x.State == postroom.WebhookWaiting:
		return r.Alarms.RaiseIn(ctx, tx, ids[0], alarm.WebhookFailing, subject, fmt.Sprintf("Calls to %s fail. The last time: %s", hostIn(x.URL), x.Words))
	}
	w, err := tx.Workflow(ctx, x.WorkflowID)
	if err != nil && postroom.CodeOf(err) != postroom.NotFound {
		return err
	}
	name := w.Name
	if err != nil {
		name = "A workflow that is gone"
	}
	words := fmt.Sprintf("The webhook call to %s failed. %s", hostIn(x.URL), x.Words)
	actor := postroom.Actor{Kind: postroom.ByWorkflow, ID: x.WorkflowID}
	_, err = r.Desk.In(ctx, tx, actor, cause, on, ids[2:], func(t *desk.Turn) error {
		t.Record(postroom.WorkflowFailed, postroom.Payload{RunID: x.RunID, Words: name + ": " + words})
		paused, err := r.callsFail(ctx, tx, x, v, words, ids[1])
		if paused != "" {
			t.Record(postroom.WorkflowPaused, postroom.Payload{RunID: x.RunID, Words: name + ": " + paused})
		}
		return err
	})
	if err != nil {
		return err
	}
	return r.Alarms.RaiseIn(ctx, tx, ids[0], alarm.WebhookFailing, subject, name+": "+words)
}

// callsFail pauses a workflow whose calls fail again and again, or which calls
// what has said that it is gone. It returns why, "" if it goes on.
func (r *React) callsFail(ctx context.Context, tx *store.Tx, x postroom.WebhookCall, v callFate, words string, alarmID int64) (string, error) {
	if err := tx.Lock(ctx, lockName); err != nil {
		return "", err
	}
	n, err := tx.FailedCalls(ctx, x.WorkflowID, maxFailures)
	if err != nil || n < maxFailures && !v.gone {
		return "", err
	}
	w, err := tx.Workflow(ctx, x.WorkflowID)
	if postroom.CodeOf(err) == postroom.NotFound {
		return "", nil
	}
	if err != nil || w.PausedWords != "" || !w.Enabled || w.DeletedAt > 0 {
		return "", err
	}
	if err := tx.UncountFailedCalls(ctx, x.WorkflowID); err != nil {
		return "", err
	}
	why := fmt.Sprintf("Paused: %d webhook calls in a row failed. %s", n, words)
	if v.gone {
		why = "Paused: " + words
	}
	return r.pause(ctx, tx, w, why, alarmID)
}

// told tells open pages of a call, and the workers if it goes on.
func (r *React) told(x postroom.WebhookCall) {
	if !x.State.Ended() {
		r.Desk.Wake(desk.WakeWebhook)
	}
	if r.Publish != nil {
		r.Publish(KeyWebhooks)
	}
}

// KeyWebhooks is published when calls changed.
const KeyWebhooks = "webhooks"

func hostIn(address string) string {
	u, err := url.Parse(address)
	if err != nil || u.Host == "" {
		return "its address"
	}
	return u.Host
}
