package query

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"math"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"postroom"
	"postroom/internal/store"
	"postroom/internal/workflow"
)

const (
	judgementsShown  = 50   // lines of a page
	judgementsLooked = 500  // events looked at at a time, of each kind
	judgementsMost   = 3000 // events looked at for a page, of each kind
)

// The outcomes of runs that the list can be narrowed to beside the verdicts.
const (
	outcomeFailed    = "failed"
	outcomeOvertaken = "overtaken"
	notMatched       = "not_matched"
	everyAnswer      = "all"
)

// JudgementsAsk says which part of a workflow's judgements is wanted.
type JudgementsAsk struct {
	Verdict string // workflow.VerdictKey, "not_matched", "failed", "overtaken" or "all"; "" is what it considered
	Before  string // from Older; "" is the newest part
}

// Judgements reads what a workflow said to the latest events of the kinds it
// listens for, matched and not, for those who may write workflows of its mailbox. Nothing of it is stored beside the
// events: their compact verdicts are walked newest first, and only so far.
func (d *Desk) Judgements(ctx context.Context, a *postroom.Agent, id int64, ask JudgementsAsk, place Place) (*JudgementsPage, error) {
	if err := mayWrite(a); err != nil {
		return nil, err
	}
	shell, err := d.Shell(ctx, a, place)
	if err != nil {
		return nil, err
	}
	row, err := d.read().Workflow(ctx, id)
	if err == nil {
		err = mayTell(a, row.MailboxID)
	}
	if err != nil {
		return nil, err
	}
	p := &JudgementsPage{Shell: shell, ID: id, Name: row.Name, Chosen: ask.Verdict, Newest: ask.Before == ""}
	if p.Filters = judgementFilters(ask.Verdict); !slices.ContainsFunc(p.Filters, func(f JudgementFilter) bool { return f.Chosen }) {
		return nil, postroom.Errorf(postroom.NotFound, "There is no such verdict.")
	}
	w := &judgementWalk{desk: d, ctx: ctx, agent: a, id: id, ask: ask, page: p}
	if err := w.kinds(); err != nil {
		return nil, err
	}
	if err := w.begin(); err != nil {
		return nil, err
	}
	if err := w.walk(); err != nil {
		return nil, fmt.Errorf("read the judgements of workflow %d: %w", id, err)
	}
	return p, nil
}

func judgementFilters(chosen string) []JudgementFilter {
	out := []JudgementFilter{{Key: "", Text: "Considered"}, {Key: everyAnswer, Text: "All"}, {Key: workflow.VerdictKey(workflow.Matched), Text: "Matched"}, {Key: notMatched, Text: "Not matched"},
		{Key: outcomeFailed, Text: "Failed"}, {Key: outcomeOvertaken, Text: "Overtaken"}}
	for _, v := range workflow.Verdicts() {
		if v != workflow.Matched {
			out = append(out, JudgementFilter{Key: workflow.VerdictKey(v), Text: capital(strings.TrimPrefix(v.String(), "not considered: "))})
		}
	}
	for i := range out {
		out[i].Chosen = out[i].Key == chosen
	}
	return out
}

// judgementWalk walks back through the events of a workflow's kinds.
type judgementWalk struct {
	desk  *Desk
	ctx   context.Context
	agent *postroom.Agent
	id    int64
	ask   JudgementsAsk
	page  *JudgementsPage
	edges []postroom.EventKind
	from  map[postroom.EventKind]store.PlaceInTime
	ended map[postroom.EventKind]bool
	found []store.Said
	runs  map[int64]postroom.Run // by event
}

// kinds are those that the workflow listens for, or did in a version before,
// those after its waits, and those on which others run it.
func (w *judgementWalk) kinds() error {
	versions, err := w.desk.read().Versions(w.ctx, w.id)
	if err != nil {
		return err
	}
	for _, v := range versions {
		if d, err := workflow.Decode([]byte(v.Definition)); err == nil {
			w.judgedOn(d)
		}
	}
	return w.calledOn()
}

// begin reads where to begin: the same place in every kind.
func (w *judgementWalk) begin() error {
	at := store.PlaceInTime{At: math.MaxInt64, ID: math.MaxInt64}
	if w.ask.Before != "" {
		left, right, ok := strings.Cut(w.ask.Before, "-")
		var e1, e2 error
		at.At, e1 = strconv.ParseInt(left, 10, 64)
		at.ID, e2 = strconv.ParseInt(right, 10, 64)
		if !ok || e1 != nil || e2 != nil {
			return postroom.Errorf(postroom.NotFound, "There is no such part of the list.")
		}
	}
	w.from, w.ended = map[postroom.EventKind]store.PlaceInTime{}, map[postroom.EventKind]bool{}
	for _, kind := range w.edges {
		w.from[kind] = at
	}
	return nil
}

// newer sorts the newest first.
func newer(a, b store.PlaceInTime) int {
	return cmp.Or(cmp.Compare(b.At, a.At), cmp.Compare(b.ID, a.ID))
}

// walk collects lines until the page is full or enough was looked at. What is
// shown is newer than everything not looked at: the kinds are walked abreast.
func (w *judgementWalk) walk() error {
	for looked := 0; looked < judgementsMost; looked += judgementsLooked {
		for _, kind := range w.edges {
			if w.ended[kind] {
				continue
			}
			some, err := w.desk.read().SaidBy(w.ctx, w.id, kind, w.from[kind], judgementsLooked)
			if err != nil {
				return err
			}
			w.ended[kind] = len(some) < judgementsLooked
			w.page.Looked += len(some)
			if len(some) > 0 {
				w.from[kind] = some[len(some)-1].PlaceInTime
			}
			w.found = append(w.found, slices.DeleteFunc(some, func(s store.Said) bool { return s.Verdicts == "" || !w.wanted(s) })...)
		}
		if err := w.narrowToRuns(); err != nil {
			return err
		}
		if w.done() || len(w.sure()) >= judgementsShown {
			break
		}
	}
	return w.show()
}

func (w *judgementWalk) done() bool {
	return !slices.ContainsFunc(w.edges, func(k postroom.EventKind) bool { return !w.ended[k] })
}

// seam is the place up to which every kind was looked at.
func (w *judgementWalk) seam() store.PlaceInTime {
	at := store.PlaceInTime{At: math.MinInt64}
	for _, kind := range w.edges {
		if !w.ended[kind] && newer(w.from[kind], at) < 0 {
			at = w.from[kind]
		}
	}
	return at
}

// sure are the lines that no line still to be found comes before.
func (w *judgementWalk) sure() []store.Said {
	slices.SortFunc(w.found, func(a, b store.Said) int { return newer(a.PlaceInTime, b.PlaceInTime) })
	at := w.seam()
	n := 0
	for n < len(w.found) && newer(w.found[n].PlaceInTime, at) <= 0 {
		n++
	}
	return w.found[:n]
}

// mine is the workflow's own result in a vector.
func (w *judgementWalk) mine(vector string) (workflow.Result, []workflow.Result, bool) {
	all, err := workflow.ParseVector(vector)
	if err != nil {
		return workflow.Result{}, nil, false
	}
	i := slices.IndexFunc(all, func(r workflow.Result) bool { return r.WorkflowID == w.id })
	if i < 0 {
		return workflow.Result{}, all, false
	}
	return all[i], all, true
}

func (w *judgementWalk) wanted(s store.Said) bool {
	res, _, ok := w.mine(s.Verdicts)
	switch w.ask.Verdict {
	case "":
		// What its When does not let pass, or is in another mailbox, says
		// nothing about the workflow; most events of a busy desk are such.
		return ok && res.Verdict != workflow.Filtered && res.Verdict != workflow.OtherMailbox
	case everyAnswer:
		return ok
	case outcomeFailed, outcomeOvertaken:
		return ok && res.Verdict.Runs()
	case notMatched:
		return ok && !res.Verdict.Runs() && res.Verdict != workflow.Armed
	}
	return ok && workflow.VerdictKey(res.Verdict) == w.ask.Verdict
}

// outcome is what of a run the list can be narrowed to.
func outcome(x postroom.Run) (key, words string) {
	if x.State == postroom.RunFailed {
		return outcomeFailed, x.Error
	}
	for _, e := range x.Effects {
		if e.Result == postroom.EffectOvertaken {
			return outcomeOvertaken, e.Reason
		}
	}
	return "", ""
}

// narrowToRuns reads the runs of what was found and, where the list is narrowed
// to what became of them, leaves out the others.
func (w *judgementWalk) narrowToRuns() error {
	if w.runs == nil {
		w.runs = map[int64]postroom.Run{}
	}
	var ids []int64
	for _, s := range w.found {
		if _, known := w.runs[s.ID]; !known {
			if res, _, _ := w.mine(s.Verdicts); res.Verdict.Runs() {
				ids = append(ids, s.ID)
			}
		}
	}
	for len(ids) > 0 {
		n := min(judgementsLooked, len(ids))
		some, err := w.desk.read().RunsForEvents(w.ctx, w.id, ids[:n])
		if err != nil {
			return err
		}
		for _, id := range ids[:n] {
			w.runs[id] = some[id]
		}
		ids = ids[n:]
	}
	if v := w.ask.Verdict; v == outcomeFailed || v == outcomeOvertaken {
		w.found = slices.DeleteFunc(w.found, func(s store.Said) bool { key, _ := outcome(w.runs[s.ID]); return key != v })
	}
	return nil
}

// show fills in the page with what was found.
func (w *judgementWalk) show() error {
	lines := w.sure()
	last := w.seam()
	if len(lines) > judgementsShown {
		lines = lines[:judgementsShown]
		last = lines[judgementsShown-1].PlaceInTime
	}
	if !w.done() || len(w.found) > len(lines) {
		w.page.Older = "/workflows/" + decimal(w.id) + "/judgements?before=" + decimal(last.At) + "-" + decimal(last.ID)
		if w.ask.Verdict != "" {
			w.page.Older += "&verdict=" + url.QueryEscape(w.ask.Verdict)
		}
	}
	for _, kind := range w.edges {
		if at := w.from[kind].At; at != math.MaxInt64 && (w.page.Until == 0 || at < w.page.Until) {
			w.page.Until = at
		}
	}
	var ids []int64
	for _, s := range lines {
		ids = append(ids, s.ID)
	}
	events, err := w.desk.read().JudgedByID(w.ctx, ids)
	if err != nil {
		return err
	}
	return w.explain(lines, events)
}

// explain says of each line why.
func (w *judgementWalk) explain(lines []store.Said, events []store.JudgedEvent) error {
	d := w.desk
	var revisions, conversations []int64
	var all []*postroom.Event
	byID := map[int64]int{}
	for i := range events {
		revisions, conversations = append(revisions, events[i].SetRevision), append(conversations, events[i].ConversationID)
		all = append(all, &events[i].Event)
		byID[events[i].ID] = i
	}
	slices.Sort(revisions)
	sets, err := d.read().Sets(w.ctx, slices.Compact(revisions))
	if err != nil {
		return err
	}
	// Only this workflow is explained, and whoever can have stopped it.
	var keys []versionKey
	for _, s := range lines {
		res, others, _ := w.mine(s.Verdicts)
		keys = append(keys, versionKey{w.id, res.Number})
		for _, o := range others {
			if res.Verdict == workflow.Stopped && o.Verdict == workflow.Matched {
				keys = append(keys, versionKey{o.WorkflowID, o.Number})
			}
		}
	}
	versions, err := d.manyVersions(w.ctx, keys)
	if err != nil {
		return err
	}
	needs := workflow.Needs{}
	for k, v := range versions {
		if k.workflow == w.id && v != nil {
			needs = needs.Or(v.Needs())
		}
	}
	records, err := Records(w.ctx, d.read(), all, needs, d.headers)
	if err != nil {
		return err
	}
	talks, err := d.read().Talks(w.ctx, conversations)
	if err != nil {
		return err
	}
	names, err := d.read().Names(w.ctx)
	if err != nil {
		return err
	}
	words := func(kind workflow.Ref, id int64) string { return names[string(kind)][id] }
	for _, s := range lines {
		i, there := byID[s.ID]
		if !there {
			continue // erased meanwhile
		}
		e := events[i]
		res, others, _ := w.mine(s.Verdicts)
		talk := talks[e.ConversationID]
		if !postroom.Can(w.agent, postroom.See, talk.MailboxID) {
			w.page.Hidden++ // it was moved to where the agent does not see it
			continue
		}
		line := JudgementLine{Event: e.ID, Number: e.After.Number, Subject: talk.Subject, What: capital(workflow.EventWords(&e.Event, words)), At: e.At,
			Version: res.Number, Verdict: verdictClassOf(res.Verdict), Said: res.Verdict.String()}
		if v := versions[versionKey{w.id, res.Number}]; v != nil {
			w.because(&line, v, res, others, e, sets[e.SetRevision], records[i], versions, words)
		}
		if key, why := outcome(w.runs[s.ID]); key != "" {
			line.Outcome, line.Words = key, why
		}
		w.page.Rows = append(w.page.Rows, line)
	}
	return nil
}

// because fills in the reason and the smallest change.
func (w *judgementWalk) because(line *JudgementLine, v *workflow.Version, res workflow.Result, others []workflow.Result, e store.JudgedEvent,
	set []store.SetEntry, record workflow.Record, versions map[versionKey]*workflow.Version, words workflow.Names) {
	en := workflow.Entry{Version: v, State: workflow.SwitchedOff}
	for _, s := range set {
		if s.ID == w.id {
			en = workflow.Entry{Version: v.In(s.Name, s.MailboxID), State: stateOf(s)}
		}
	}
	for _, o := range others {
		if o.WorkflowID == w.id {
			break
		}
		if other := versions[versionKey{o.WorkflowID, o.Number}]; res.Verdict == workflow.Stopped && o.Verdict == workflow.Matched && other != nil && other.Stops() {
			res.By = o.WorkflowID
		}
	}
	in := workflow.Inputs{}
	if e.Inputs != "" && json.Unmarshal([]byte(e.Inputs), &in) != nil {
		return
	}
	var err error
	if record.Office, err = (offices{}).at(w.ctx, w.desk.read(), in.Office, record.Office); err != nil {
		return
	}
	x := workflow.ExplainResult(en, res, &e.Event, workflow.NewFacts(record), in, words)
	if res.Verdict != workflow.Matched {
		line.Words, line.Change = x.Reason, x.SmallestChange
	}
}

// verdictClassOf sorts a verdict as the Why? page does.
func verdictClassOf(v workflow.Verdict) string {
	switch v {
	case workflow.Matched, workflow.Continued:
		return "matched"
	case workflow.Armed:
		return "waiting"
	case workflow.Undecided:
		return "unknown"
	case workflow.Filtered, workflow.NotMet:
		return "not matched"
	}
	return "not considered"
}
