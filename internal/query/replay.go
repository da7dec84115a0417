package query

import (
	"context"
	"encoding/json"
	"fmt"
	"math"
	"slices"
	"strings"

	"postroom"
	"postroom/internal/store"
	"postroom/internal/workflow"
)

const (
	replayBatch  = 500 // events read at a time
	replayListed = 200 // differences that are listed
	replaySets   = 64  // revisions of the set kept between batches
)

// ReplayAsk says which judgements are to be repeated.
type ReplayAsk struct {
	Since int64 // of the events, in milliseconds; 0 is from the beginning
	Most  int   // events of each kind, the newest; 0 is all
}

// Replay is what came of judging stored events again, by the versions, set,
// snapshot and recorded inputs that are stored with each (W40).
type Replay struct {
	Judged      int                // judgements repeated
	Cut         bool               // there were more than were asked for
	Unexplained int                // that came out otherwise, and nothing says why
	Explained   int                // that came out otherwise since something they look at was changed or is gone
	Differences []ReplayDifference // of both, at most 200
}

// ReplayDifference is a workflow that says something else about an event than
// what is stored.
type ReplayDifference struct {
	Event, Number int64 // Number is the conversation's
	At            int64
	What          string // the event in words
	Workflow      string
	WorkflowID    int64
	Version       int
	Was, Is       string // the verdicts in words
	Why           string // what was changed since; "" if nothing is known to have been
}

// Replay judges stored events again and compares the verdicts byte for byte.
// Nothing is written. It goes back through the events of each kind, the newest
// first.
func (d *Desk) Replay(ctx context.Context, ask ReplayAsk) (out Replay, err error) {
	defer postroom.Wrap(&err, "judge again")
	if ask.Most <= 0 {
		ask.Most = math.MaxInt
	}
	names, err := d.read().Names(ctx)
	if err != nil {
		return out, err
	}
	r := &replay{desk: d, offices: offices{}, ctx: ctx, ask: ask, out: &out, sets: map[int64]*workflow.Set{}, rows: map[int64][]store.SetEntry{},
		words: func(kind workflow.Ref, id int64) string { return names[string(kind)][id] }}
	kinds := workflow.Events()
	if !slices.Contains(kinds, postroom.TimerDue) {
		kinds = append(kinds, postroom.TimerDue)
	}
	for _, kind := range kinds {
		if err := r.kind(kind); err != nil {
			return out, err
		}
	}
	slices.SortStableFunc(out.Differences, func(a, b ReplayDifference) int {
		switch {
		case (a.Why == "") == (b.Why == ""):
			return 0
		case a.Why == "":
			return -1
		}
		return 1
	})
	return out, nil
}

// replay is one going over stored judgements.
type replay struct {
	desk     *Desk
	ctx      context.Context
	ask      ReplayAsk
	out      *Replay
	rows     map[int64][]store.SetEntry
	sets     map[int64]*workflow.Set // of all kinds but timers
	versions map[versionKey]*workflow.Version
	words    workflow.Names
	offices  offices
}

func (r *replay) kind(kind postroom.EventKind) error {
	from := store.PlaceInTime{At: math.MaxInt64, ID: math.MaxInt64}
	for done := 0; ; {
		if err := r.ctx.Err(); err != nil {
			return err
		}
		events, err := r.desk.read().JudgedBack(r.ctx, kind, from, replayBatch)
		if err != nil || len(events) == 0 {
			return err
		}
		last := events[len(events)-1]
		from = store.PlaceInTime{At: last.At, ID: last.ID}
		over := last.At < r.ask.Since || len(events) < replayBatch
		events = slices.DeleteFunc(events, func(e store.JudgedEvent) bool {
			return e.SetRevision == 0 || e.At < r.ask.Since || e.State == postroom.EventUndone
		})
		if done += len(events); done > r.ask.Most {
			events, over, r.out.Cut = events[:len(events)-(done-r.ask.Most)], true, true
		}
		if err := r.batch(events); err != nil || over {
			return err
		}
	}
}

// batch judges some events again, with a few statements for all of them.
func (r *replay) batch(events []store.JudgedEvent) error {
	if err := r.load(events); err != nil {
		return err
	}
	needs := workflow.Needs{}
	all := make([]*postroom.Event, len(events))
	for i := range events {
		e := &events[i].Event
		all[i] = e
		needs = needs.Or(r.set(e).Needs(e.Kind))
	}
	records, err := Records(r.ctx, r.desk.read(), all, needs, r.desk.headers)
	if err != nil {
		return err
	}
	for i, e := range events {
		if err := r.again(e, records[i]); err != nil {
			return err
		}
	}
	return nil
}

// load reads the sets and versions that judged events.
func (r *replay) load(events []store.JudgedEvent) error {
	if len(r.rows) > replaySets {
		clear(r.rows)
		clear(r.sets)
	}
	var missing []int64
	for _, e := range events {
		if _, known := r.rows[e.SetRevision]; !known && !slices.Contains(missing, e.SetRevision) {
			missing = append(missing, e.SetRevision)
		}
	}
	rows, err := r.desk.read().Sets(r.ctx, missing)
	if err != nil {
		return err
	}
	for revision, set := range rows {
		r.rows[revision] = set
	}
	r.versions, err = r.desk.manyVersions(r.ctx, versionsOf(events, r.rows))
	return err
}

// set is what judged an event.
func (r *replay) set(e *postroom.Event) *workflow.Set {
	version := func(id int64, number int) *workflow.Version { return r.versions[versionKey{id, number}] }
	if workflow.OwnEvent(e.Kind) {
		return setOf(e, r.rows[e.SetRevision], version)
	}
	if s := r.sets[e.SetRevision]; s != nil {
		return s
	}
	s := setOf(e, r.rows[e.SetRevision], version)
	r.sets[e.SetRevision] = s
	return s
}

// again judges one event again.
func (r *replay) again(e store.JudgedEvent, record workflow.Record) error {
	r.out.Judged++
	in := workflow.Inputs{}
	if e.Inputs != "" {
		if err := json.Unmarshal([]byte(e.Inputs), &in); err != nil {
			return fmt.Errorf("stored inputs of event %d: %w", e.ID, err)
		}
	}
	var err error
	if record.Office, err = r.offices.at(r.ctx, r.desk.read(), in.Office, record.Office); err != nil {
		return err
	}
	j := workflow.Judge(r.set(&e.Event), &e.Event, workflow.NewFacts(record), in)
	if j.Vector() == e.Verdicts {
		return nil
	}
	was, err := workflow.ParseVector(e.Verdicts)
	if err != nil {
		r.differs(e, workflow.Result{}, "what is stored cannot be read", j.Vector(), "")
		return nil
	}
	before, explained := r.out.Explained+r.out.Unexplained, r.out.Explained
	for k, x := range was {
		y, found := same(was, k, j.Results)
		switch {
		case !found && r.versions[versionKey{x.WorkflowID, x.Number}] == nil:
			r.differs(e, x, x.Verdict.String(), "nothing", "this version of it cannot be read any more")
		case !found:
			r.differs(e, x, x.Verdict.String(), "nothing", r.caller(e, was, k, j.Results, record))
		case y.Verdict != x.Verdict || y.Number != x.Number:
			why := r.why(e, x, record)
			if why == "" && r.out.Explained > explained && (follows(x.Verdict) || follows(y.Verdict)) {
				why = "a workflow before it comes out otherwise"
			}
			r.differs(e, x, x.Verdict.String(), y.Verdict.String(), why)
		}
	}
	for k, y := range j.Results {
		if _, found := same(j.Results, k, was); !found {
			r.differs(e, y, "nothing", y.Verdict.String(), r.caller(e, j.Results, k, was, record))
		}
	}
	if before == r.out.Explained+r.out.Unexplained { // the same verdicts in another order
		r.differs(e, workflow.Result{}, e.Verdicts, j.Vector(), "")
	}
	return nil
}

// follows reports whether a verdict says what workflows before have done.
func follows(v workflow.Verdict) bool { return v == workflow.Stopped || v == workflow.RanAlready }

// same finds what another judging of an event says of the workflow at a place: of
// one that others run, where the same one runs it.
func same(all []workflow.Result, k int, others []workflow.Result) (workflow.Result, bool) {
	x, before := all[k], 0
	is := func(y workflow.Result) bool {
		return y.WorkflowID == x.WorkflowID && y.Level == x.Level && y.Caller == x.Caller
	}
	for _, y := range all[:k] {
		if is(y) {
			before++
		}
	}
	for _, y := range others {
		if is(y) {
			if before == 0 {
				return y, true
			}
			before--
		}
	}
	return workflow.Result{}, false
}

// caller says why a workflow that another one runs stands in one judging only: the
// one that runs it came out otherwise, and that has a reason.
func (r *replay) caller(e store.JudgedEvent, all []workflow.Result, k int, others []workflow.Result, record workflow.Record) string {
	for i := k - 1; i >= 0 && all[k].Level > 0; i-- {
		if all[i].Level != all[k].Level-1 {
			continue
		}
		why := ""
		if y, found := same(all, i, others); !found {
			why = r.caller(e, all, i, others, record)
		} else if y.Verdict != all[i].Verdict {
			why = r.why(e, all[i], record)
		}
		if why != "" {
			return "the workflow that runs it comes out otherwise: " + strings.TrimPrefix(why, "the workflow that runs it comes out otherwise: ")
		}
		break
	}
	return ""
}

// why says what a workflow looks at that was changed since, or is gone: facts
// that are held by reference, so that erasing a person reaches them (W4).
func (r *replay) why(e store.JudgedEvent, x workflow.Result, record workflow.Record) string {
	v := r.versions[versionKey{x.WorkflowID, x.Number}]
	if v == nil {
		return "this version of it cannot be read any more"
	}
	switch needs := v.Needs(); {
	case needs.Former && record.Former == nil && workflow.FormerCustomer(&e.Event) != 0:
		return "the former customer it looks at is gone"
	case (needs.Message || needs.Headers) && record.Message == nil && e.Payload.MessageID != 0:
		return "the message it looks at is gone"
	case needs.Mail && record.Mail == nil && e.Payload.MailID != 0:
		return "the mail it looks at is gone"
	case needs.Subject && record.Subject == nil:
		return "it looks at the subject, which was changed since"
	case needs.Customer, needs.Former && record.Former != nil:
		return "it looks at the customer, who may have been changed since"
	case needs.Headers:
		return "it looks at headers of the received mail, whose file may be gone"
	}
	return ""
}

func (r *replay) differs(e store.JudgedEvent, x workflow.Result, was, is, why string) {
	if why == "" {
		r.out.Unexplained++
	} else {
		r.out.Explained++
	}
	if len(r.out.Differences) >= replayListed {
		return
	}
	name := nameOr(r.words(workflow.RefWorkflow, x.WorkflowID), "a workflow")
	if x.WorkflowID == 0 {
		name = ""
	}
	r.out.Differences = append(r.out.Differences, ReplayDifference{Event: e.ID, Number: e.After.Number, At: e.At, What: capital(workflow.EventWords(&e.Event, r.words)),
		Workflow: name, WorkflowID: x.WorkflowID, Version: x.Number, Was: was, Is: is, Why: why})
}
