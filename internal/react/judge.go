package react

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"

	"postroom"
	"postroom/internal/alarm"
	"postroom/internal/desk"
	"postroom/internal/store"
	"postroom/internal/work"
	"postroom/internal/workflow"
)

const (
	// judgeTries is how often judging an event may fail before it is set aside
	// (W15).
	judgeTries = 5

	// judgeAhead is how many events are read at a time. Those that no workflow
	// listens for are ended together with the next one that is judged.
	judgeAhead = 32
)

// errUndone says that an event is no longer to be judged: an undo was faster.
var errUndone = errors.New("the event was undone")

// judgeLane judges the final events of one conversation strictly in sequence
// (W15). It ends at the first event whose undo window is open.
func (r *React) judgeLane(ctx context.Context, c store.Claimed) error {
	for {
		next, err := r.Store.Read().PendingEvents(ctx, c.ID, 0, judgeAhead)
		if err != nil {
			return err
		}
		now := r.Store.Now()
		if due := leaves(next); due > now {
			return r.waitUntil(ctx, c, due)
		}
		open := slices.IndexFunc(next, func(e postroom.Event) bool { return e.FinalAt > now })
		if open >= 0 {
			next = next[:open]
		}
		left, err := r.judgeNext(ctx, c, next)
		if left || err != nil {
			return err
		}
	}
}

// leaves returns when all moves, merges and deletions of a conversation among its
// events, and all gifts of it to other customers, are final, 0 if there are none. What
// happened before waits for that: one that is undone has changed nothing, mails
// of a moved conversation leave from where it is now, of a deleted one what
// follows is skipped (W30), and what would go to the former customer does not.
func leaves(events []postroom.Event) (at int64) {
	for _, e := range events {
		if e.Kind == postroom.ConversationDeleted || e.Kind == postroom.ConversationMoved || e.Kind == postroom.CustomerChanged || e.MergedAway() {
			at = max(at, e.FinalAt)
		}
	}
	return at
}

// waitUntil gives the lane back until a time.
func (r *React) waitUntil(ctx context.Context, c store.Claimed, due int64) error {
	return r.Store.Write(ctx, func(tx *store.Tx) error {
		if err := hold(ctx, tx, c); err != nil {
			return err
		}
		return tx.ReleaseLane(ctx, store.LaneJudge, c, due, 0)
	})
}

// judgeNext judges the first of some final events that a workflow listens for,
// and ends those before it, which no workflow listens for. left reports that
// nothing was left to judge and the lane was given back.
func (r *React) judgeNext(ctx context.Context, c store.Claimed, final []postroom.Event) (left bool, err error) {
	at := head{}
	if len(final) > 0 {
		if at, err = r.head(ctx, c.ID); err != nil {
			return false, err
		}
	}
	quiet := r.quiet(ctx, at, final)
	if quiet == len(final) {
		return r.pass(ctx, c, at, final)
	}
	return r.judgeSafely(ctx, c, at, &final[quiet], final[:quiet])
}

// head is what judging begins with: the newest set of workflows, and what waits
// on the conversation.
type head struct {
	revision int64
	waiting  []postroom.Timer
	watches  int // promises that anything that happens can decide
}

func (r *React) head(ctx context.Context, conversation int64) (at head, err error) {
	timers := 0
	if at.revision, timers, at.watches, err = r.Store.Read().JudgeHead(ctx, conversation); err == nil && timers > 0 {
		at.waiting, err = r.Store.Read().WaitingTimers(ctx, conversation)
	}
	return at, err
}

// quiet counts the leading events that no workflow of a set listens for, and
// that end no timer. What goes wrong with reading it is left to the judging of
// the event it stops at.
func (r *React) quiet(ctx context.Context, at head, final []postroom.Event) int {
	if len(final) == 0 {
		return 0
	}
	set, err := r.sets.get(ctx, at.revision)
	if err != nil {
		return 0
	}
	ending, err := r.sets.ending(ctx, set, at.waiting)
	if err != nil {
		return 0
	}
	loud := slices.IndexFunc(final, func(e postroom.Event) bool {
		return e.SetRevision != 0 || workflow.OwnEvent(e.Kind) || ending[e.Kind] || !set.quiet(e.Kind)
	})
	if loud < 0 {
		return len(final)
	}
	return loud
}

// pass ends events that no workflow listens for and gives the lane back, due
// when the next event is final.
func (r *React) pass(ctx context.Context, c store.Claimed, at head, quiet []postroom.Event) (left bool, err error) {
	err = r.Store.Write(ctx, func(tx *store.Tx) error {
		left = false
		if err := r.endEvents(ctx, tx, quiet); err != nil {
			return err
		}
		if err := hold(ctx, tx, c); err != nil {
			return err
		}
		if err := r.tell(ctx, tx, quiet); err != nil {
			return err
		}
		if err := r.stir(ctx, tx, c.ID, at); err != nil {
			return err
		}
		left, err = r.leave(ctx, tx, c)
		return err
	})
	if errors.Is(err, errUndone) {
		return false, nil // look again
	}
	return left, err
}

// hold makes sure that the lane is still ours.
func hold(ctx context.Context, tx *store.Tx, c store.Claimed) error {
	if err := tx.HoldLane(ctx, store.LaneJudge, c); err != nil {
		return fmt.Errorf("judge conversation %d: %w", c.ID, lost(err))
	}
	return nil
}

// endEvents marks events as judged. Mails that waited for them may go then.
func (r *React) endEvents(ctx context.Context, tx *store.Tx, events []postroom.Event) error {
	var ids []int64
	for _, e := range events {
		ids = append(ids, e.ID)
	}
	if err := tx.EndPending(ctx, ids, errUndone); err != nil {
		return err
	}
	if len(events) > 0 {
		tx.OnCommit(func() { r.Desk.Wake(desk.WakeDeliver) })
	}
	return nil
}

// tell notes of which judged events agents may have to be told. It comes after
// the lane is held, as in a turn.
func (r *React) tell(ctx context.Context, tx *store.Tx, events []postroom.Event) error {
	told := false
	for _, e := range events {
		if !e.Kind.Edge() || e.Kind.Quiet() || !e.Tells() {
			continue
		}
		told = true
		if err := tx.Tell(ctx, e, r.Store.Now()); err != nil {
			return err
		}
	}
	if told {
		tx.OnCommit(func() { r.Desk.Wake(desk.WakeNotify) })
	}
	return nil
}

// leave gives the lane, which is held, back until its next event is final,
// unless there is one that is.
func (r *React) leave(ctx context.Context, tx *store.Tx, c store.Claimed) (bool, error) {
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
// and again is set aside with its reason, and later events go on.
func (r *React) judgeSafely(ctx context.Context, c store.Claimed, at head, e *postroom.Event, quiet []postroom.Event) (left bool, err error) {
	defer func() {
		if v := recover(); v != nil {
			r.Log.Error("judging panicked", "event", e.ID, "panic", v)
			left, err = false, r.setAside(ctx, c, e, fmt.Errorf("a fault of this program: %v", v))
		}
	}()
	left, err = r.judge(ctx, c, at, e, quiet)
	switch {
	case err == nil, ctx.Err() != nil:
		return left, err
	case errors.Is(err, errUndone):
		return false, nil // look again
	case errors.Is(err, work.ErrLost), postroom.CodeOf(err) == postroom.Unavailable:
		return false, err // a lost lease, a database gone: the lane is tried again
	}
	return false, r.setAside(ctx, c, e, err)
}

// setAside counts a failure; the last one ends the event as not judged.
func (r *React) setAside(ctx context.Context, c store.Claimed, e *postroom.Event, cause error) error {
	id, err := r.Store.NewID(ctx)
	if err != nil {
		return err
	}
	gone := false
	err = r.Store.Write(ctx, func(tx *store.Tx) error {
		gone = false
		if _, err := tx.Conversation(ctx, e.ConversationID); err != nil {
			return err
		}
		if err := hold(ctx, tx, c); err != nil {
			return err
		}
		tries, err := tx.FailEvent(ctx, e.ID, cause.Error())
		if postroom.CodeOf(err) == postroom.NotFound {
			gone = true // undone meanwhile
			return nil
		}
		if err != nil || tries < judgeTries {
			return err
		}
		gone = true
		if _, err := tx.EndEvent(ctx, e.ID, postroom.EventNotJudged, cause.Error()); err != nil {
			return err
		}
		if err := r.tell(ctx, tx, []postroom.Event{*e}); err != nil {
			return err
		}
		tx.OnCommit(func() { r.Desk.Wake(desk.WakeDeliver) })
		return r.Alarms.RaiseIn(ctx, tx, id, alarm.NotJudged, decimal(e.ID), fmt.Sprintf("Conversation %d: %s", e.After.Number, cause))
	})
	if err != nil || gone {
		return err
	}
	return cause // the lane rests and tries again
}

// judgement is the judging of one event. What it holds is settled before its
// transactions, which may run more than once and change none of it.
type judgement struct {
	r     *React
	lane  store.Claimed
	event *postroom.Event
	quiet []postroom.Event // earlier ones nobody listens for, ended with its first step
	root  postroom.Event
	set   *ruleset
	look  *lookups
	in    workflow.Inputs
	j     workflow.Judgement
	fixed bool // verdicts and inputs are stored
	ran   map[int64]bool

	about *postroom.Event // what effects are held against: the event, or what a run began with that goes on
	legs  []int64         // events of the legs before this one

	waiting []postroom.Timer // on the conversation, before the event
	timers  timers           // what the event does to timers
	head    head
	watches []store.Watch // promises that begin with the event
}

// judge decides one event with the pure judge and carries out what matched.
func (r *React) judge(ctx context.Context, c store.Claimed, at head, e *postroom.Event, quiet []postroom.Event) (left bool, err error) {
	g := &judgement{r: r, lane: c, event: e, quiet: quiet, ran: map[int64]bool{}, waiting: at.waiting, head: at}
	g.look = &lookups{ctx: ctx, r: r, event: e, root: &g.root}
	if err := g.decide(ctx, at.revision); err != nil {
		return false, err
	}
	if err := g.clock(ctx); err != nil {
		return false, err
	}
	if err := g.watch(ctx); err != nil {
		return false, err
	}
	var todo []*workflow.Version
	for _, v := range g.j.Matches {
		if !g.ran[v.WorkflowID] {
			todo = append(todo, v)
		}
	}
	for i, v := range todo {
		l, err := g.plan(ctx, v)
		if err != nil {
			return false, err
		}
		if i == len(todo)-1 {
			return g.end(ctx, l)
		}
		if err := g.step(ctx, l); err != nil {
			return false, err
		}
	}
	return g.end(ctx, nil)
}

// decide judges the event by the newest set on one snapshot, or takes up the
// judgement that an earlier try has stored: its set, inputs and verdicts stand
// even if workflows or customers were changed since (W16, W18).
func (g *judgement) decide(ctx context.Context, revision int64) (err error) {
	e, vector, inputs := g.event, "", ""
	if g.fixed = e.SetRevision != 0; g.fixed {
		if revision, vector, inputs, err = g.r.Store.Read().Judgement(ctx, e.ID); err != nil {
			return err
		}
	}
	if g.set, err = g.r.sets.on(ctx, revision, e); err != nil {
		return err
	}
	if err := g.set.fault(e.Kind); err != nil {
		return err
	}
	if len(g.set.On(e.Kind)) == 0 {
		return nil
	}
	root, err := g.rootEvent(ctx)
	if err != nil {
		return err
	}
	var before []int64
	if g.root, before, err = g.r.Store.Read().Chain(ctx, root); err != nil {
		return err
	}
	if err := g.origin(ctx); err != nil {
		return err
	}
	if err := g.countRuns(ctx, before); err != nil {
		return err
	}
	defer func() { g.look.event = g.about }() // texts are about what the run began with
	if g.fixed {
		g.in = workflow.Inputs{} // the stored ones and nothing else
		if err := json.Unmarshal([]byte(inputs), &g.in); err != nil {
			return fmt.Errorf("stored inputs: %w", err)
		}
		g.look.took = g.in.Office
		return g.resume(vector)
	}
	facts := g.look.facts(g.set.Needs(e.Kind))
	if g.look.err == nil {
		if g.set.Needs(e.Kind).Office {
			g.in.Office = workflow.OfficeOf(g.look.Office())
		}
		g.j = workflow.Judge(g.set.Set, e, facts, g.in)
	}
	return g.look.err
}

// resume takes up stored verdicts.
func (g *judgement) resume(vector string) error {
	results, err := workflow.ParseVector(vector)
	if err != nil {
		return err
	}
	g.j = workflow.Judgement{Revision: g.set.Revision(), Results: results}
	for _, res := range results {
		if !res.Verdict.Runs() {
			continue
		}
		en, ok := g.set.Find(res.WorkflowID)
		if !ok {
			return fmt.Errorf("workflow %d matched and is not in set %d", res.WorkflowID, g.set.Revision())
		}
		g.j.Matches = append(g.j.Matches, en.Version)
	}
	return nil
}

func (g *judgement) rootEvent(ctx context.Context) (postroom.Event, error) {
	if g.event.Root == g.event.ID {
		return *g.event, nil
	}
	return g.r.Store.Read().Event(ctx, g.event.Root)
}

// countRuns reads which workflows ran in this chain and in those before it that
// it goes on with, which of them for this
// very event in a try that did not come to its end, and what limits are held
// against (W12, W20).
func (g *judgement) countRuns(ctx context.Context, before []int64) error {
	read, e := g.r.Store.Read(), g.event
	if e.Root != e.ID || g.fixed { // the beginning of a chain has nothing before it
		runs, err := read.RunsOfRoot(ctx, e.Root, e.ConversationID)
		if err != nil {
			return err
		}
		for _, run := range runs {
			if run.EventID == e.ID {
				g.ran[run.WorkflowID] = true
			} else {
				g.in.Ran = append(g.in.Ran, run.WorkflowID)
			}
		}
	}
	if g.fixed {
		return nil
	}
	for _, root := range before {
		runs, err := read.RunsOfRoot(ctx, root, e.ConversationID)
		if err != nil {
			return err
		}
		for _, run := range runs {
			if !slices.Contains(g.in.Ran, run.WorkflowID) {
				g.in.Ran = append(g.in.Ran, run.WorkflowID)
			}
		}
	}
	if e.Kind.OfMail() {
		if err := g.countAncestors(ctx); err != nil {
			return err
		}
	}
	var err error
	g.in.Counters, err = g.r.counters(ctx, g.set.Set, e)
	return err
}

// step carries out one leg in a transaction of its own.
func (g *judgement) step(ctx context.Context, l *leg) error {
	err := g.r.Store.Write(ctx, func(tx *store.Tx) error {
		c, err := g.begin(ctx, tx)
		if err != nil {
			return err
		}
		return l.run(ctx, tx, c)
	})
	if err == nil {
		g.fixed, g.quiet = true, nil
		g.look.forget()
	}
	return err
}

// end carries out the last leg, if there is one, marks the event judged and
// gives the lane back if nothing is left to judge, all in one transaction.
func (g *judgement) end(ctx context.Context, last *leg) (left bool, err error) {
	var ids []int64
	words := g.stopWords()
	if words != "" {
		if ids, err = g.r.Store.NewIDs(ctx, 2); err != nil {
			return false, err
		}
	}
	err = g.r.Store.Write(ctx, func(tx *store.Tx) error {
		left = false
		if last == nil && words == "" && g.timers.none() {
			left, err = g.endQuietly(ctx, tx)
			return err
		}
		c, err := g.begin(ctx, tx)
		if err != nil {
			return err
		}
		if last != nil {
			if err := last.run(ctx, tx, c); err != nil {
				return err
			}
		}
		if words != "" {
			if err := g.stopped(ctx, tx, c, words, ids); err != nil {
				return err
			}
		}
		if err := g.r.endEvents(ctx, tx, []postroom.Event{*g.event}); err != nil {
			return err
		}
		if err := g.r.tell(ctx, tx, []postroom.Event{*g.event}); err != nil {
			return err
		}
		if err := g.r.stir(ctx, tx, g.event.ConversationID, g.head); err != nil {
			return err
		}
		left, err = g.r.leave(ctx, tx, g.lane)
		return err
	})
	return left, err
}

// begin begins a transaction of the judging: the conversation is locked, the
// lane is ours, and with the first step is stored by which set and inputs the
// event is judged, and the verdicts (W16, W18).
func (g *judgement) begin(ctx context.Context, tx *store.Tx) (*postroom.Conversation, error) {
	c, err := tx.Conversation(ctx, g.event.ConversationID)
	if err != nil {
		return nil, err
	}
	if err := hold(ctx, tx, g.lane); err != nil {
		return nil, err
	}
	if err := g.fix(ctx, tx); err != nil {
		return nil, err
	}
	return c, g.r.tell(ctx, tx, g.quiet)
}

// endQuietly ends an event of which nothing follows: the conversation need not
// be read for it. Without its lock, rows are taken in the order in which an
// undo takes them, the events before the lane.
func (g *judgement) endQuietly(ctx context.Context, tx *store.Tx) (left bool, err error) {
	if err := g.fix(ctx, tx); err != nil {
		return false, err
	}
	if err := g.r.endEvents(ctx, tx, []postroom.Event{*g.event}); err != nil {
		return false, err
	}
	if err := hold(ctx, tx, g.lane); err != nil {
		return false, err
	}
	if err := g.r.tell(ctx, tx, append(slices.Clone(g.quiet), *g.event)); err != nil {
		return false, err
	}
	if err := g.r.stir(ctx, tx, g.event.ConversationID, g.head); err != nil {
		return false, err
	}
	return g.r.leave(ctx, tx, g.lane)
}

// fix ends the quiet events before this one, and stores how it is judged and
// what it does to timers.
func (g *judgement) fix(ctx context.Context, tx *store.Tx) error {
	if err := g.r.endEvents(ctx, tx, g.quiet); err != nil {
		return err
	}
	if !g.fixed {
		if err := g.setTimers(ctx, tx); err != nil {
			return err
		}
		if err := g.setWatches(ctx, tx); err != nil {
			return err
		}
	}
	if g.fixed || len(g.set.On(g.event.Kind)) == 0 {
		return nil
	}
	inputs, err := json.Marshal(g.in)
	if err != nil {
		return err
	}
	err = tx.FixJudgement(ctx, g.event.ID, g.set.Revision(), g.j.Vector(), string(inputs))
	if postroom.CodeOf(err) == postroom.Conflict {
		return errUndone
	}
	return err
}

// stopWords says how workflows kept setting each other off, "" if they did
// not.
func (g *judgement) stopWords() string {
	for _, res := range g.j.Results {
		switch res.Verdict {
		case workflow.DepthExceeded:
			return fmt.Sprintf("Workflows set each other off %d times in a row; the chain was stopped here.", workflow.MaxDepth)
		case workflow.ChainRan:
			name := ""
			if en, ok := g.set.Find(res.WorkflowID); ok {
				name = en.Version.Name
			}
			return fmt.Sprintf("Workflows set each other off in a circle: “%s” would have run a second time; the chain was stopped here.", name)
		}
	}
	return ""
}

// stopped writes on the conversation, once per chain, that it was stopped
// (W20).
func (g *judgement) stopped(ctx context.Context, tx *store.Tx, c *postroom.Conversation, words string, ids []int64) error {
	since, err := tx.LaterEvents(ctx, c.ID, g.event.RootSeq)
	if err != nil {
		return err
	}
	if slices.ContainsFunc(since, func(e postroom.Event) bool { return e.Kind == postroom.ChainStopped && e.Root == g.event.Root }) {
		return nil
	}
	_, err = g.r.Desk.In(ctx, tx, postroom.System, g.cause(), c, ids, func(t *desk.Turn) error {
		t.Record(postroom.ChainStopped, postroom.Payload{Words: words})
		return nil
	})
	return err
}

// cause is what everything that follows from the event names as its cause.
func (g *judgement) cause() desk.Cause {
	return desk.Cause{Path: postroom.PathWorkflow, Event: g.event, Root: &postroom.Event{ID: g.event.Root, Seq: g.event.RootSeq}}
}

// counters counts what the limits of workflows are held against (W12).
func (r *React) counters(ctx context.Context, set *workflow.Set, e *postroom.Event) (map[int64]workflow.Counters, error) {
	limited := set.Limited(e.Kind)
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
	period := map[int64]int64{}
	for _, id := range limited {
		if en, ok := set.Find(id); ok {
			period[id] = int64(en.Version.Definition.Limits.Period) * 60_000
		}
		var n workflow.Counters
		for _, run := range runs {
			if run.WorkflowID != id || run.EventID == e.ID || run.Leg > 0 || run.State != postroom.RunDone {
				continue
			}
			n.Runs++
			n.LastRunAt = max(n.LastRunAt, run.At)
			if run.EventSeq >= closedAt {
				n.RunsSinceClose++
			}
			if run.At > e.At-period[id] {
				n.RunsInPeriod++
			}
		}
		out[id] = n
	}
	return out, nil
}
