package react

import (
	"context"
	"encoding/json"
	"fmt"

	"postroom"
	"postroom/internal/alarm"
	"postroom/internal/desk"
	"postroom/internal/email"
	"postroom/internal/store"
	"postroom/internal/workflow"
)

// judgeTries is how often judging an event may fail before it is set aside
// (W15).
const judgeTries = 5

// judgeLane judges the final events of one conversation strictly in sequence
// (W15). It ends at the first event whose undo window is open.
func (r *React) judgeLane(ctx context.Context, c store.Claimed) error {
	for {
		next, err := r.Store.Read().PendingEvents(ctx, c.ID, 0, 1)
		if err != nil {
			return err
		}
		if len(next) == 0 || next[0].FinalAt > r.Store.Now() {
			done, err := r.leaveJudging(ctx, c)
			if done || err != nil {
				return err
			}
			continue
		}
		left, err := r.judgeSafely(ctx, c, &next[0])
		if left || err != nil {
			return err
		}
	}
}

// leaveJudging gives the lane back until its next event is final.
func (r *React) leaveJudging(ctx context.Context, c store.Claimed) (done bool, err error) {
	err = r.Store.Write(ctx, func(tx *store.Tx) error {
		done, err = r.leaveIn(ctx, tx, c)
		return err
	})
	return done, err
}

func (r *React) leaveIn(ctx context.Context, tx *store.Tx, c store.Claimed) (bool, error) {
	if err := tx.HoldLane(ctx, store.LaneJudge, c); err != nil {
		return false, err
	}
	next, err := tx.PendingEvents(ctx, c.ID, 0, 1)
	if err != nil {
		return false, err
	}
	due := int64(0)
	if len(next) > 0 {
		if due = next[0].FinalAt; due <= r.Store.Now() {
			return false, nil
		}
	}
	return true, tx.ReleaseLane(ctx, store.LaneJudge, c, due, 0)
}

// judgeSafely judges one event. An event whose judging fails or panics again
// and again is set aside with its reason, and later events go on. left reports
// that the lane was given back.
func (r *React) judgeSafely(ctx context.Context, c store.Claimed, e *postroom.Event) (left bool, err error) {
	defer func() {
		if v := recover(); v != nil {
			r.Log.Error("judging panicked", "event", e.ID, "panic", v)
			left, err = false, r.setAside(ctx, c, e, fmt.Errorf("a fault of this program: %v", v))
		}
	}()
	left, err = r.judge(ctx, c, e)
	if err == nil || ctx.Err() != nil {
		return left, err
	}
	switch postroom.CodeOf(err) {
	case postroom.Conflict, postroom.Unavailable:
		return left, err // a lost lease, a database gone: the lane is tried again
	}
	return left, r.setAside(ctx, c, e, err)
}

// setAside counts a failure; the last one ends the event as not judged.
func (r *React) setAside(ctx context.Context, c store.Claimed, e *postroom.Event, cause error) error {
	id, err := r.Store.NewID(ctx)
	if err != nil {
		return err
	}
	gone := false
	err = r.Store.Write(ctx, func(tx *store.Tx) error {
		if _, err := tx.Conversation(ctx, e.ConversationID); err != nil {
			return err
		}
		if err := tx.HoldLane(ctx, store.LaneJudge, c); err != nil {
			return err
		}
		tries, err := tx.FailEvent(ctx, e.ID, cause.Error())
		if err != nil {
			return err
		}
		if gone = tries >= judgeTries; !gone {
			return nil
		}
		if _, err := tx.EndEvent(ctx, e.ID, postroom.EventNotJudged, cause.Error()); err != nil {
			return err
		}
		return r.Alarms.RaiseIn(ctx, tx, id, alarm.NotJudged, decimal(e.ID), fmt.Sprintf("Conversation %d: %s", e.After.Number, cause))
	})
	if err != nil || gone {
		return err
	}
	return cause // the lane rests and tries again
}

// judgement is the judging of one event.
type judgement struct {
	r     *React
	lane  store.Claimed
	event *postroom.Event
	root  postroom.Event
	set   *workflow.Set
	facts *facts
	in    workflow.Inputs
	j     workflow.Judgement
	fixed bool // an earlier try has stored the verdicts
	ran   map[int64]bool
}

// judge decides one event with the pure judge and carries out what matched.
func (r *React) judge(ctx context.Context, c store.Claimed, e *postroom.Event) (left bool, err error) {
	g := &judgement{r: r, lane: c, event: e, ran: map[int64]bool{}}
	if err := g.gather(ctx); err != nil {
		return false, err
	}
	if len(g.set.On(e.Kind)) == 0 {
		return g.end(ctx, nil)
	}
	g.j = workflow.Judge(g.set, e, g.facts.pure, g.in)
	var todo []*workflow.Version
	for _, v := range g.j.Matches {
		if !g.ran[v.WorkflowID] {
			todo = append(todo, v)
		}
	}
	if len(todo) == 0 {
		return g.end(ctx, nil)
	}
	for i, v := range todo {
		leg, err := g.plan(ctx, v)
		if err != nil {
			return false, err
		}
		if i == len(todo)-1 {
			return g.end(ctx, leg)
		}
		if err := r.Store.Write(ctx, func(tx *store.Tx) error { return g.carry(ctx, tx, leg) }); err != nil {
			return false, err
		}
		g.fixed = true
	}
	return false, nil
}

// gather reads what judging takes into account: the set of workflows, fixed on
// the event by the first try; the facts; the recorded inputs (W16, W40).
func (g *judgement) gather(ctx context.Context) error {
	read, e := g.r.Store.Read(), g.event
	revision, _, inputs, err := read.Judgement(ctx, e.ID)
	if err != nil {
		return err
	}
	if g.fixed = revision != 0; !g.fixed {
		if revision, err = read.SetRevision(ctx); err != nil {
			return err
		}
	}
	if g.set, err = g.r.sets.get(ctx, revision); err != nil {
		return err
	}
	if len(g.set.On(e.Kind)) == 0 {
		return nil
	}
	if g.facts, err = g.r.gather(ctx, g.set.Needs(e.Kind), e); err != nil {
		return err
	}
	if g.root, err = g.rootEvent(ctx); err != nil {
		return err
	}
	runs, err := read.RunsOfRoot(ctx, e.Root, e.ConversationID)
	if err != nil {
		return err
	}
	for _, run := range runs {
		if run.EventID == e.ID {
			g.ran[run.WorkflowID] = true // a step done before a crash
		} else {
			g.in.Ran = append(g.in.Ran, run.WorkflowID)
		}
	}
	if g.fixed {
		return json.Unmarshal([]byte(inputs), &g.in)
	}
	g.in.Counters, err = g.r.counters(ctx, g.set.Limited(e.Kind), e)
	return err
}

func (g *judgement) rootEvent(ctx context.Context) (postroom.Event, error) {
	if g.event.Root == g.event.ID {
		return *g.event, nil
	}
	return g.r.Store.Read().Event(ctx, g.event.Root)
}

// end carries out the last leg, if there is one, marks the event judged and
// gives the lane back if nothing is left to judge, all in one transaction.
func (g *judgement) end(ctx context.Context, last *leg) (left bool, err error) {
	ids, err := g.r.Store.NewIDs(ctx, 4)
	if err != nil {
		return false, err
	}
	err = g.r.Store.Write(ctx, func(tx *store.Tx) error {
		c, err := tx.Conversation(ctx, g.event.ConversationID)
		if err != nil {
			return err
		}
		if err := g.fix(ctx, tx); err != nil {
			return err
		}
		if last != nil {
			if err := last.run(ctx, tx, c); err != nil {
				return err
			}
		}
		if g.j.DepthReached {
			if err := g.stopped(ctx, tx, c, ids); err != nil {
				return err
			}
		}
		ok, err := tx.EndEvent(ctx, g.event.ID, postroom.EventJudged, "")
		if err == nil && !ok {
			err = postroom.Errorf(postroom.Conflict, "The event was undone or judged meanwhile.")
		}
		if err != nil {
			return err
		}
		// Mails that waited for this event may go now.
		tx.OnCommit(func() { g.r.Desk.Wake(desk.WakeDeliver) })
		left, err = g.r.leaveIn(ctx, tx, g.lane)
		return err
	})
	return left, err
}

// carry carries out one leg in a transaction of its own.
func (g *judgement) carry(ctx context.Context, tx *store.Tx, l *leg) error {
	c, err := tx.Conversation(ctx, g.event.ConversationID)
	if err != nil {
		return err
	}
	if err := tx.HoldLane(ctx, store.LaneJudge, g.lane); err != nil {
		return err
	}
	if err := g.fix(ctx, tx); err != nil {
		return err
	}
	return l.run(ctx, tx, c)
}

// fix stores by which set and inputs the event is judged, and the verdicts,
// with the first step that follows from them (W16, W18).
func (g *judgement) fix(ctx context.Context, tx *store.Tx) error {
	if g.fixed || len(g.set.On(g.event.Kind)) == 0 {
		return nil
	}
	inputs, err := json.Marshal(g.in)
	if err != nil {
		return err
	}
	return tx.FixJudgement(ctx, g.event.ID, g.set.Revision(), g.j.Vector(), string(inputs))
}

// stopped writes on the conversation that a chain became too long (W20).
func (g *judgement) stopped(ctx context.Context, tx *store.Tx, c *postroom.Conversation, ids []int64) error {
	cause := desk.Cause{Path: postroom.PathSystem, Event: g.event, Root: &postroom.Event{ID: g.event.Root, Seq: g.event.RootSeq}}
	_, err := g.r.Desk.In(ctx, tx, postroom.System, cause, c, ids, func(t *desk.Turn) error {
		t.Record(postroom.ChainStopped, postroom.Payload{Words: fmt.Sprintf("Workflows set each other off %d times in a row; the chain was stopped here.", workflow.MaxDepth)})
		return nil
	})
	return err
}

// facts is what an event is judged and planned on: the pure facts, and the
// records they were read from.
type facts struct {
	pure     workflow.Facts
	record   workflow.Record
	customer *postroom.Customer
	subject  string
}

// gather loads the records that conditions on this edge look at, and those
// that every plan needs.
func (r *React) gather(ctx context.Context, needs workflow.Needs, e *postroom.Event) (*facts, error) {
	f := &facts{}
	read := r.Store.Read()
	c, err := read.Conversation(ctx, e.ConversationID)
	if err != nil {
		return nil, err
	}
	f.subject = c.Subject
	if f.customer, err = read.Customer(ctx, e.After.CustomerID); err != nil && postroom.CodeOf(err) != postroom.NotFound {
		return nil, err
	}
	f.record = workflow.Record{Event: e, Customer: f.customer, Subject: &f.subject}
	if needs.Message || needs.Headers {
		if f.record.Message, err = r.messageOf(ctx, e); err != nil {
			return nil, err
		}
	}
	if needs.Headers && f.record.Message != nil {
		f.record.Headers = r.headers(ctx, f.record.Message)
	}
	f.pure = workflow.NewFacts(f.record)
	return f, nil
}

// messageOf returns the message an event is about; for conversation.created it
// is the one that began the conversation.
func (r *React) messageOf(ctx context.Context, e *postroom.Event) (*postroom.Message, error) {
	id := e.Payload.MessageID
	if id == 0 && e.Kind == postroom.ConversationCreated {
		act, err := r.Store.Read().ActEvents(ctx, e.ConversationID, e.ActID)
		if err != nil {
			return nil, err
		}
		for _, x := range act {
			if x.Payload.MessageID != 0 {
				id = x.Payload.MessageID
				break
			}
		}
	}
	if id == 0 {
		return nil, nil
	}
	return r.Store.Read().Message(ctx, id)
}

// headers reads the headers of a received mail when a condition first asks.
func (r *React) headers(ctx context.Context, m *postroom.Message) func(string) []string {
	var mail *email.Mail
	return func(name string) []string {
		if mail == nil {
			mail = &email.Mail{}
			if in, err := r.Store.Read().Inbound(ctx, m.InboundID); err == nil {
				mail = r.parse(in).mail
			}
		}
		if mail == nil {
			return nil
		}
		return mail.HeaderValues(name)
	}
}

// counters counts what the limits of workflows are held against (W12).
func (r *React) counters(ctx context.Context, limited []int64, e *postroom.Event) (map[int64]workflow.Counters, error) {
	if len(limited) == 0 {
		return nil, nil
	}
	runs, err := r.Store.Read().RunsOfConversation(ctx, e.ConversationID)
	if err != nil {
		return nil, err
	}
	closedAt, err := r.Store.Read().LastCloseSeq(ctx, e.ConversationID, e.Seq)
	if err != nil {
		return nil, err
	}
	out := map[int64]workflow.Counters{}
	for _, id := range limited {
		var n workflow.Counters
		for _, run := range runs {
			if run.WorkflowID != id || run.EventID == e.ID || run.State != postroom.RunDone {
				continue
			}
			n.Runs++
			n.LastRunAt = max(n.LastRunAt, run.At)
			if run.EventSeq >= closedAt {
				n.RunsSinceClose++
			}
		}
		out[id] = n
	}
	return out, nil
}
