package query

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strings"

	"postroom"
	"postroom/internal/store"
	"postroom/internal/workflow"
)

// whyEvents is how many events of a conversation the why page goes back.
const whyEvents = 100

// Why reads the why page (W31): each event, what each workflow of its edge
// said to it, recomputed from the stored snapshot and inputs, and held against
// the verdict that was stored. Of very many only those are shown that say
// something; WhyOne shows them all.
func (d *Desk) Why(ctx context.Context, a *postroom.Agent, number int64, place Place) (*WhyPage, error) {
	return d.why(ctx, a, number, 0, &whyRoom{left: whyOnPage}, place)
}

// WhyAt is Why where an event is looked for that may be older than those that the
// page begins with: then it begins a little after that. One that is not of the
// conversation is as none.
func (d *Desk) WhyAt(ctx context.Context, a *postroom.Agent, number, event int64, place Place) (*WhyPage, error) {
	return d.why(ctx, a, number, 0, &whyRoom{left: whyOnPage, at: event}, place)
}

// whyBefore is how many newer events stand above one that is looked for.
const whyBefore = 10

// whyEvents reads the events of the page, and whether there are newer and older
// ones.
func (d *Desk) whyEvents(ctx context.Context, conversation, event, at int64) (events []store.WhyRow, newer, older bool, err error) {
	events, err = d.read().WhyEvents(ctx, conversation, event, whyEvents)
	full := func() bool { return len(events) == whyEvents && events[len(events)-1].Seq > 1 }
	if err != nil || at == 0 || !full() || slices.ContainsFunc(events, func(e store.WhyRow) bool { return e.ID == at }) {
		return events, false, full(), err
	}
	e, err := d.read().Event(ctx, at)
	if postroom.CodeOf(err) == postroom.NotFound || err == nil && e.ConversationID != conversation {
		return events, false, true, nil
	}
	if err != nil {
		return nil, false, false, err
	}
	events, err = d.read().WhyEventsTo(ctx, conversation, e.Seq+whyBefore, whyEvents)
	return events, true, full(), err
}

// WhyOne reads the why page of one event, with what all workflows of its edge
// said to it, so many at a time, beginning behind the first from.
func (d *Desk) WhyOne(ctx context.Context, a *postroom.Agent, number, event int64, from int, place Place) (*WhyPage, error) {
	room := &whyRoom{one: true, from: max(from, 0)}
	p, err := d.why(ctx, a, number, event, room, place)
	if err != nil {
		return nil, err
	}
	if len(p.Events) == 0 {
		return nil, postroom.Errorf(postroom.NotFound, "There is no such event here, or nobody listened for it.")
	}
	p.One, p.From = event, room.from
	return p, nil
}

func (d *Desk) why(ctx context.Context, a *postroom.Agent, number, event int64, room *whyRoom, place Place) (*WhyPage, error) {
	shell, err := d.Shell(ctx, a, place)
	if err != nil {
		return nil, err
	}
	v, err := d.view(ctx, a, number, Place{})
	if err != nil {
		return nil, err
	}
	v.now, v.shell = shell.Now, shell
	if v.former, err = d.formerCustomers(ctx, v); err != nil {
		return nil, err
	}
	events, newer, older, err := d.whyEvents(ctx, v.head.ID, event, room.at)
	if err != nil {
		return nil, fmt.Errorf("read judgements: %w", err)
	}
	p := &WhyPage{Shell: shell, Head: v.headOf(), Newer: newer}
	if older {
		p.Older = events[len(events)-1].ID
	}
	if p.Receipt, err = d.receipt(ctx, v); err != nil {
		return nil, err
	}
	w, err := d.whyReader(ctx, v, events)
	if err != nil {
		return nil, err
	}
	w.room = room
	promises := v.promises()
	for _, e := range events {
		if len(promises[e.ID]) == 0 && (!e.Kind.Edge() || e.Kind.Quiet() && e.SetRevision == 0 && e.State == postroom.EventJudged) {
			continue // nobody listened
		}
		event, err := w.event(e)
		if err != nil {
			return nil, err
		}
		event.Promises = promises[e.ID]
		p.Events = append(p.Events, event)
	}
	return p, nil
}

type whyReader struct {
	desk     *Desk
	ctx      context.Context
	view     *conversationView
	sets     map[int64]*pastSet
	versions map[versionKey]*workflow.Version // of events that are for one workflow alone
	offices  offices
	room     *whyRoom // nil for all there is
}

// whyReader reads what events were judged by.
func (d *Desk) whyReader(ctx context.Context, v *conversationView, events []store.WhyRow) (*whyReader, error) {
	var revisions []int64
	var keys []versionKey
	for _, e := range events {
		revisions = append(revisions, e.SetRevision)
		if workflow.OwnEvent(e.Kind) {
			keys = append(keys, versionKey{e.Payload.WorkflowID, e.Payload.Number})
		}
	}
	sets, err := d.pastSets(ctx, revisions)
	if err != nil {
		return nil, err
	}
	versions, err := d.versions(ctx, keys)
	return &whyReader{desk: d, ctx: ctx, view: v, sets: sets, versions: versions, offices: offices{}}, err
}

func (w *whyReader) event(e store.WhyRow) (WhyEvent, error) {
	v := w.view
	out := WhyEvent{
		Line: v.line(store.EventRow{ID: e.ID, Seq: e.Seq, ActID: e.ActID, Kind: e.Kind, Actor: e.Actor, Path: e.Path, Payload: e.Payload,
			At: e.At, FinalAt: e.FinalAt, State: e.State, Words: e.Words, Depth: e.Depth}),
		State: string(e.State), Words: e.Words, Revision: e.SetRevision, Cause: e.Cause, Depth: e.Depth,
		Retry: e.State == postroom.EventNotJudged && e.Words != "imported",
	}
	out.Line.Why, out.Ended = false, w.ended(e.ID)
	if e.SetRevision == 0 {
		return out, nil
	}
	out.JudgedAt = e.FinalAt
	in := workflow.Inputs{}
	if e.Inputs != "" {
		if err := json.Unmarshal([]byte(e.Inputs), &in); err != nil {
			return out, fmt.Errorf("stored inputs of event %d: %w", e.ID, err)
		}
	}
	record := w.record(&e.Event)
	var err error
	if record.Office, err = w.offices.at(w.ctx, w.desk.read(), in.Office, nil); err != nil {
		return out, err
	}
	stored := map[called]workflow.Verdict{}
	pick := func(j workflow.Judgement) []int {
		if j.Vector() != e.Verdicts {
			var results []workflow.Result
			results, err = workflow.ParseVector(e.Verdicts)
			for _, r := range results {
				stored[called{r.WorkflowID, r.Level}] = r.Verdict
			}
		}
		out.Listened = len(j.Results)
		return w.pick(e.ID, j, stored, &out)
	}
	set := w.set(e)
	explanations, _ := workflow.ExplainSome(set, &e.Event, workflow.NewFacts(record), in, w.name, pick)
	if err != nil {
		return out, err
	}
	for _, x := range explanations {
		line := w.workflow(e.ID, x, stored)
		if en, there := set.Find(x.WorkflowID); there {
			m := en.Version.MailboxID
			line.MayRead, line.MayWrite = readsWorkflow(v.agent, m), postroom.Can(v.agent, postroom.DraftWorkflows, m)
		}
		if postroom.Can(v.agent, postroom.Manage, 0) {
			line.MayRead, line.MayWrite = true, true
		}
		out.Workflows = append(out.Workflows, line)
	}
	return out, nil
}

// set is what the event was judged by.
func (w *whyReader) set(e store.WhyRow) *workflow.Set {
	return w.sets[e.SetRevision].judgedBy(&e.Event, func(id int64, number int) *workflow.Version { return w.versions[versionKey{id, number}] })
}

// record gathers what facts are read from.
func (w *whyReader) record(e *postroom.Event) workflow.Record {
	v := w.view
	r := workflow.Record{
		Event:    e,
		Customer: v.customerWas(e.After.CustomerID),
		Former:   v.former[workflow.FormerCustomer(e)],
		Subject:  &v.head.Subject,
		Texts:    v.rows.FieldTexts,
	}
	id := e.Payload.MessageID
	for _, m := range v.messages {
		if m.ID == id || id == 0 && e.Kind == postroom.ConversationCreated {
			m.Attachments = v.rows.Files[m.ID]
			r.Message = w.asWritten(m)
			break
		}
	}
	if v.merged() && (id != 0 && r.Message == nil || id == 0 && e.Kind == postroom.ConversationCreated) {
		r.Message = w.elsewhere(e, r.Message)
	}
	for _, m := range v.rows.Mails {
		if m.ID == e.Payload.MailID && e.Payload.MailID != 0 {
			mail := m.Mail
			mail.Recipients = v.rows.Recipients[m.ID]
			r.Mail = &mail
		}
	}
	if id := e.Payload.RatingID; id != 0 {
		r.Rating = v.ratings()[id]
	}
	r.Root = v.chain(e.Root)
	if m := r.Message; m != nil && m.InboundID > 0 {
		r.Headers = w.desk.headers(w.ctx, m.InboundID)
	}
	return r
}

// merged reports whether the conversation was merged, or another one into it.
func (v *conversationView) merged() bool {
	return slices.ContainsFunc(v.rows.Events, func(e store.EventRow) bool { return e.Kind == postroom.ConversationMerged })
}

// elsewhere is the message of an event where messages have come from, or gone to,
// another conversation; otherwise is what it is if that cannot be read, and a
// difference is shown as one.
func (w *whyReader) elsewhere(e *postroom.Event, otherwise *postroom.Message) *postroom.Message {
	id := e.Payload.MessageID
	if id == 0 {
		first, err := w.desk.read().FirstMessages(w.ctx, []int64{e.ActID})
		if err != nil {
			return otherwise
		}
		id = first[e.ActID]
	}
	all, err := w.desk.read().MessagesAsWritten(w.ctx, []int64{id})
	if err != nil || all[id] == nil {
		return otherwise
	}
	return all[id]
}

// asWritten is a message as workflows saw it: with the text it had before it was
// edited.
func (w *whyReader) asWritten(m *postroom.Message) *postroom.Message {
	if m.Version < 2 {
		return m
	}
	first, err := w.desk.read().FormerTexts(w.ctx, m.ID)
	if err != nil || len(first) == 0 {
		return m // a difference is shown as one
	}
	return m.AsWritten(first[0])
}

// name puts an id into words, as far as the page has read names.
func (w *whyReader) name(kind workflow.Ref, id int64) string {
	return w.view.wordOf(kind, id)
}

// called is a workflow in its place under one event: on the edge, at level 0, or
// run by others, which may come of one event beside that.
type called struct {
	id    int64
	level int
}

func (w *whyReader) workflow(event int64, x workflow.Explanation, stored map[called]workflow.Verdict) WhyWorkflow {
	out := WhyWorkflow{ID: x.WorkflowID, Name: nameOr(w.name(workflow.RefWorkflow, x.WorkflowID), x.Name), Version: x.Number, Reason: x.Reason,
		Change: strings.TrimPrefix(x.SmallestChange, "It would have matched if ")}
	switch x.Verdict {
	case workflow.Matched:
		out.Verdict, out.Reason, out.Timer = "matched", "", w.timerOf(event, x.WorkflowID)
	case workflow.Continued:
		out.Verdict, out.Timer = "matched", w.timerOf(event, x.WorkflowID)
	case workflow.Armed:
		out.Verdict, out.Timer = "waiting", w.timerOf(event, x.WorkflowID)
	case workflow.Undecided:
		out.Verdict = "unknown"
	case workflow.Filtered, workflow.NotMet:
		out.Verdict = "not matched"
	default:
		out.Verdict = "not considered"
		out.Reason = capital(strings.TrimPrefix(x.Reason, "Not considered: "))
	}
	if x.Level > 0 {
		out.CalledBy = nameOr(w.name(workflow.RefWorkflow, x.Caller), "a workflow that is gone")
	}
	if was, ok := stored[called{x.WorkflowID, x.Level}]; ok && was != x.Verdict {
		out.Differs = fmt.Sprintf("When it was judged the answer was “%s”; looked at again it is “%s”. Something it looks at was changed since.", was, x.Verdict)
	}
	for _, c := range x.Edge {
		out.Conditions = append(out.Conditions, WhyCondition{Fact: c.Text, Expected: c.Expected, Actual: c.Actual, Verdict: c.Truth.String()})
	}
	if x.Conditions != nil {
		out.Conditions = flatten(out.Conditions, *x.Conditions, 0)
	}
	for _, run := range w.view.rows.Runs {
		if run.EventID != event || run.WorkflowID != x.WorkflowID {
			continue
		}
		out.Run, out.Error = run.ID, run.Error
		for _, e := range run.Effects {
			out.Effects = append(out.Effects, w.effect(e))
		}
	}
	return out
}

// WhyConditions appends a tree of conditions as indented rows.
func WhyConditions(rows []WhyCondition, c workflow.Check) []WhyCondition { return flatten(rows, c, 0) }

// flatten writes a tree of conditions as indented rows.
func flatten(rows []WhyCondition, c workflow.Check, depth int) []WhyCondition {
	row := WhyCondition{Depth: depth, Verdict: c.Truth.String()}
	if len(c.Children) > 0 {
		row.Group, _, _ = strings.Cut(c.Text, " ") // "all of these"
	} else {
		row.Fact, row.Expected, row.Actual = strings.TrimSuffix(c.Text, " "+c.Expected), c.Expected, c.Actual
	}
	rows = append(rows, row)
	for _, child := range c.Children {
		rows = flatten(rows, child, depth+1)
	}
	return rows
}

func (w *whyReader) effect(e postroom.Effect) WhyEffect {
	out := WhyEffect{Text: capital(nameOr(e.Detail, e.Action)), State: string(e.Result), Words: nameOr(e.Reason, e.Because), Mail: e.MailID, Call: e.CallID}
	for _, m := range w.view.rows.Mails {
		if m.ID == e.MailID && e.MailID != 0 {
			out.MailState = string(m.State)
			if b, ok := w.view.before(m); ok && waits(m.State, m.DueAt, w.view.now) && out.Words == "" {
				out.Words = behind(b)
			}
		}
	}
	return out
}

// maxRead is how much of a stored file is read into memory to be shown.
const maxRead = 64 << 20

// bytes reads a stored file, at most limit bytes.
func (d *Desk) bytes(sha256 string, limit int64) ([]byte, error) {
	f, err := d.open(sha256)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return io.ReadAll(io.LimitReader(f, limit))
}

func (d *Desk) open(sha256 string) (io.ReadCloser, error) {
	if d.o.Blobs == nil || sha256 == "" {
		return nil, postroom.Errorf(postroom.NotFound, "The file is not here.")
	}
	return d.o.Blobs.Open(sha256)
}
