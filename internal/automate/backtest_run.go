package automate

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"postroom"
	"postroom/internal/calendar"
	"postroom/internal/query"
	"postroom/internal/store"
	"postroom/internal/template"
	"postroom/internal/workflow"
)

// backtest is one going over what happened (W35). Events are read in batches,
// with a fixed number of statements for each; what one run bears on the next is
// simulated at the end, over all of them in order of time.
type backtest struct {
	w    *Workflows
	ctx  context.Context
	read store.Read
	p    backtestParams
	v    *workflow.Version
	runs map[int64]workflow.Entry // the workflows that it runs, and those that these run
	tell func(total, done int) (goes bool, err error)

	names     workflow.Names
	mailboxes map[int64]*postroom.Mailbox
	agents    map[int64]*postroom.Agent
	teams     map[int64]*postroom.Team
	place     map[int64]int // of published workflows in the order
	mine      int           // its own place in it
	sim       *workflow.Simulation
	offices   map[int64]*calendar.Calendar // by mailbox

	total   int
	since   int64
	moments []*moment
	before  map[[2]int64]bool // conversations and runs noted for the limits
	sum     query.BacktestSummary
	lines   []backtestLine
	texts   []*moment // those whose mails have their texts still, the newest last
	waits   map[string]int
	mailed  map[int64]bool // automatic mails that were counted
	ran     map[int64]int  // workflows that really ran, by workflow
}

// moment is one event, or one time that would have come, with what the workflow
// says to it, limits aside.
type moment struct {
	event   *postroom.Event
	verdict workflow.Verdict
	words   string
	change  string
	effects []string
	same    map[string]bool
	mails   []query.BacktestMail
	chance  workflow.Chance
	subject string
	failed  string
	really  []string
	letters []string
	called  []*workflow.Version // what it runs and what would match too
	waits   []string            // what would become of the waits between its actions
}

type backtestLine struct {
	conversation int64
	line         query.BacktestLine
}

// backtest makes one. tell is told how far it is, and says whether to go on.
func (w *Workflows) backtest(ctx context.Context, p backtestParams, tell func(int, int) (bool, error)) (*backtest, error) {
	d, err := workflow.Decode([]byte(p.Definition))
	if err != nil {
		return nil, err
	}
	b := &backtest{w: w, ctx: ctx, read: w.store.Read(), p: p, tell: tell, before: map[[2]int64]bool{}, waits: map[string]int{}, mailed: map[int64]bool{}, ran: map[int64]int{}, offices: map[int64]*calendar.Calendar{}}
	if b.v, err = p.compile(d); err != nil {
		return nil, err
	}
	if b.runs, err = callees(ctx, b.read, b.v); err != nil {
		return nil, err
	}
	b.sim = workflow.NewSimulation(b.v)
	if err := b.lookUp(); err != nil {
		return nil, err
	}
	b.sum.Sentence, b.sum.Event, b.sum.Timed = workflow.Sentence(d, b.names), workflow.EventLabel(d.When.Event), b.v.Timed()
	b.sum.Customer = b.v.Needs().Customer
	if err := b.walk(); err != nil {
		return nil, err
	}
	b.simulate()
	return b, nil
}

// lookUp reads what is the same for all events.
func (b *backtest) lookUp() error {
	names, err := b.read.Names(b.ctx)
	if err != nil {
		return err
	}
	b.names = func(kind workflow.Ref, id int64) string { return names[string(kind)][id] }
	boxes, err := b.read.Mailboxes(b.ctx)
	if err != nil {
		return err
	}
	agents, err := b.read.Agents(b.ctx)
	if err != nil {
		return err
	}
	teams, err := b.read.Teams(b.ctx)
	if err != nil {
		return err
	}
	b.teams = map[int64]*postroom.Team{}
	for _, t := range teams {
		b.teams[t.ID] = t
	}
	order, err := b.read.Workflows(b.ctx)
	if err != nil {
		return err
	}
	b.mailboxes, b.agents, b.place, b.mine = map[int64]*postroom.Mailbox{}, map[int64]*postroom.Agent{}, map[int64]int{}, len(order)
	for _, m := range boxes {
		b.mailboxes[m.ID] = m
	}
	for _, a := range agents {
		b.agents[a.ID] = a
	}
	for i, x := range order {
		if b.place[x.ID] = i; x.ID == b.p.Workflow {
			b.mine = i
		}
	}
	return nil
}

// walk goes through the events, the oldest first.
func (b *backtest) walk() (err error) {
	kind := b.v.Definition.When.Event
	b.since = b.p.Until - int64(b.p.Days)*24*60*60*1000
	b.sum.Since, b.sum.Until = b.since, b.p.Until
	if b.total, err = b.read.CountSince(b.ctx, kind, b.since, b.p.Until, maxBacktestEvents+1); err != nil {
		return err
	}
	if b.total > maxBacktestEvents {
		if b.since, err = b.read.NthBack(b.ctx, kind, b.since, b.p.Until, maxBacktestEvents-1); err != nil {
			return err
		}
		b.total, b.sum.Cut, b.sum.Since = maxBacktestEvents, true, b.since
	}
	at := store.PlaceInTime{At: b.since}
	for done := 0; ; {
		if err := b.ctx.Err(); err != nil {
			return err
		}
		events, err := b.read.EventsSince(b.ctx, kind, at, b.p.Until, backtestBatch)
		if err != nil {
			return err
		}
		if len(events) > 0 {
			last := events[len(events)-1]
			at = store.PlaceInTime{At: last.At, ID: last.ID}
			if err := b.batch(events); err != nil {
				return err
			}
		}
		done += len(events)
		if goes, err := b.tell(max(b.total, done), done); err != nil || !goes || len(events) < backtestBatch {
			return err
		}
	}
}

// batch judges some events.
func (b *backtest) batch(all []store.JudgedEvent) error {
	var events []*postroom.Event
	for i := range all {
		e := &all[i].Event
		switch {
		case e.State == postroom.EventUndone:
			continue
		case e.Actor.Kind == postroom.ByWorkflow && e.Actor.ID == b.p.Workflow:
			b.sum.Own++
			continue
		}
		b.sum.Events++
		events = append(events, e)
	}
	if len(events) == 0 {
		return nil
	}
	var conversations []int64
	first := events[0].At
	for _, e := range events {
		if !slices.Contains(conversations, e.ConversationID) {
			conversations = append(conversations, e.ConversationID)
		}
	}
	later := map[int64][]postroom.Event{}
	once := b.v.Definition.Limits.OncePer == workflow.OncePerClose
	if b.v.Timed() || once || b.waiting() {
		if once {
			first = 0
		}
		var err error
		if later, err = b.read.Following(b.ctx, conversations, first); err != nil {
			return err
		}
	}
	runs, err := b.read.RunsOf(b.ctx, conversations)
	if err != nil {
		return err
	}
	mails, err := b.read.AutoMails(b.ctx, conversations)
	if err != nil {
		return err
	}
	b.past(runs)
	b.happened(events, runs, mails)
	asked := events
	if b.v.Timed() {
		if asked, err = b.wait(events, later); err != nil {
			return err
		}
	}
	return b.judge(asked, conversations, later, runs, mails)
}

// past notes what the workflow did before the days that are looked at: limits
// reach back.
func (b *backtest) past(runs map[int64][]postroom.Run) {
	for conversation, list := range runs {
		for _, r := range list {
			if r.WorkflowID == b.p.Workflow && r.State == postroom.RunDone && r.At < b.since && !b.before[[2]int64{conversation, r.ID}] {
				b.before[[2]int64{conversation, r.ID}] = true
				b.sim.Before(conversation, r.EventSeq, r.At)
			}
		}
	}
}

// happened counts what really came of events.
func (b *backtest) happened(events []*postroom.Event, runs map[int64][]postroom.Run, mails map[int64][]store.AutoMail) {
	for _, e := range events {
		for _, r := range runs[e.ConversationID] {
			if r.EventID != e.ID {
				continue
			}
			b.ran[r.WorkflowID]++
			for _, m := range mails[e.ConversationID] {
				if m.RunID == r.ID && !b.mailed[m.ID] {
					b.mailed[m.ID] = true
					if m.State == postroom.MailDone || m.State == postroom.MailAssumed {
						b.sum.ReallyMails++
					}
				}
			}
		}
	}
}

// wait arms a timer at each event that would, and returns the times that would
// have come.
func (b *backtest) wait(events []*postroom.Event, later map[int64][]postroom.Event) ([]*postroom.Event, error) {
	var out []*postroom.Event
	set := workflow.NewSet(0, []workflow.Entry{{Version: b.v, State: workflow.Enabled}})
	for _, e := range events {
		j := workflow.Judge(set, e, workflow.NewFacts(workflow.Record{Event: e}), workflow.Inputs{})
		if len(j.Results) == 0 {
			continue
		}
		if v := j.Results[0].Verdict; v != workflow.Armed {
			b.moments = append(b.moments, &moment{event: e, verdict: v})
			continue
		}
		office, err := b.officeFor(e.After.MailboxID)
		if err != nil {
			return nil, err
		}
		switch x := b.v.Waits(e, later[e.ConversationID], office, b.names); {
		case x.Ended != "":
			b.waits["waits would have ended before their time"]++
		case x.Again:
			b.waits["waits would have begun anew"]++
		case x.Due > b.p.Until:
			b.waits["would still wait"]++
		default:
			b.waits["would have come to their time"]++
			out = append(out, x.Event)
		}
	}
	return out, nil
}

// officeFor is the calendar by which it waits in a mailbox, as it is now; nil if
// it counts no business time.
func (b *backtest) officeFor(mailbox int64) (c *calendar.Calendar, err error) {
	if !b.v.CountsOffice() {
		return nil, nil
	}
	return b.calendarOf(mailbox)
}

// calendarOf is the calendar of a mailbox, as it is now.
func (b *backtest) calendarOf(mailbox int64) (c *calendar.Calendar, err error) {
	if c = b.offices[mailbox]; c == nil {
		c, err = officeNow(b.ctx, b.read, mailbox)
		b.offices[mailbox] = c
	}
	return c, err
}

// judge asks the pure judge about events, and renders what would match.
func (b *backtest) judge(events []*postroom.Event, conversations []int64, later map[int64][]postroom.Event, runs map[int64][]postroom.Run, mails map[int64][]store.AutoMail) error {
	if len(events) == 0 {
		return nil
	}
	needs := b.v.Needs().Or(workflow.Needs{Customer: true, Subject: true, Root: true})
	for _, en := range b.runs {
		needs = needs.Or(en.Version.Needs())
	}
	records, err := query.Records(b.ctx, b.read, events, needs, b.w.headers)
	if err != nil {
		return err
	}
	trust, err := b.read.TrustOf(b.ctx, conversations)
	if err != nil {
		return err
	}
	set := trialSet(b.v, b.runs, events[0])
	for i, e := range events {
		if b.v.Timed() {
			set = trialSet(b.v, b.runs, e)
		}
		facts := workflow.NewFacts(records[i])
		j := workflow.Judge(set, e, facts, workflow.Inputs{})
		mine := slices.IndexFunc(j.Results, func(r workflow.Result) bool { return r.WorkflowID == b.p.Workflow && r.Level == 0 })
		if mine < 0 {
			continue
		}
		m := &moment{event: e, verdict: j.Results[mine].Verdict}
		for _, r := range j.Results[mine+1:] {
			if r.Level == 0 {
				break // one that listens for the same itself
			}
			if r.Verdict == workflow.Matched {
				m.called = append(m.called, b.runs[r.WorkflowID].Version)
			}
		}
		if records[i].Subject != nil {
			m.subject = *records[i].Subject
		}
		b.moments = append(b.moments, m)
		b.really(m, runs[e.ConversationID], mails[e.ConversationID])
		switch m.verdict {
		case workflow.Undecided:
			x := workflow.ExplainResult(workflow.Entry{Version: b.v, State: workflow.Enabled}, j.Results[mine], e, facts, workflow.Inputs{}, b.names)
			m.words, m.change = x.Reason, x.SmallestChange
		case workflow.Matched:
			if by := b.stopper(e, runs[e.ConversationID]); by != 0 {
				m.verdict, m.words = workflow.Stopped, fmt.Sprintf("Not considered: %s said stop.", b.names(workflow.RefWorkflow, by))
				continue
			}
			b.plan(m, records[i], trust[e.ConversationID], later[e.ConversationID])
		}
	}
	return nil
}

// really says what came of an event in truth.
func (b *backtest) really(m *moment, runs []postroom.Run, mails []store.AutoMail) {
	for _, r := range runs {
		if r.EventID != m.event.ID {
			continue
		}
		m.really = append(m.really, cmp.Or(b.names(workflow.RefWorkflow, r.WorkflowID), "a workflow that is gone"))
		for _, x := range mails {
			if x.RunID == r.ID {
				m.letters = append(m.letters, x.Subject)
			}
		}
	}
}

// stopper is the workflow before this one in the order that really said stop.
func (b *backtest) stopper(e *postroom.Event, runs []postroom.Run) int64 {
	for _, r := range runs {
		if at, there := b.place[r.WorkflowID]; r.EventID == e.ID && r.Stopped && there && at < b.mine && r.WorkflowID != b.p.Workflow {
			return r.WorkflowID
		}
	}
	return 0
}

// plan renders what would be done.
func (b *backtest) plan(m *moment, r workflow.Record, trust []store.Trust, later []postroom.Event) {
	e := m.event
	root := e
	if r.Root != nil {
		root = r.Root
	}
	values := workflow.Values{Event: e, Customer: r.Customer, Mailbox: b.mailboxes[e.After.MailboxID], Assignee: b.agents[e.After.AssigneeID], Workflow: b.v.Name, Subject: m.subject}
	if t := b.teams[e.After.TeamID]; t != nil {
		values.Team = t.Name
	}
	if root.Actor.Kind == postroom.ByAgent {
		values.Actor = b.agents[root.Actor.ID]
	}
	o := template.Options{Untrusted: true, Zone: zone(values.Assignee)}
	for _, t := range trust {
		if t.Seq <= e.Seq {
			o.Untrusted = !t.Verified
		}
	}
	m.chance = workflow.Chance{Conversation: e.ConversationID, Seq: e.Seq, At: e.At, Root: root.ID, RootActor: root.Actor, Depth: e.Depth, Mailbox: e.After.MailboxID}
	for _, x := range later {
		if x.Seq <= e.Seq && x.Kind == postroom.StatusChanged && x.Payload.To == string(postroom.Closed) {
			m.chance.ClosedSeq = x.Seq
		}
	}
	m.same = map[string]bool{}
	for _, v := range append([]*workflow.Version{b.v}, m.called...) {
		values.Workflow = v.Name
		if err := b.effects(m, v, o, values, later); err != nil {
			m.failed = postroom.TextOf(err)
			return
		}
	}
	b.keepTexts(m)
}

// same reports whether an action would find it so already.
func same(w workflow.Wish, now postroom.Snapshot) bool {
	switch w.Do {
	case workflow.DoStatus, workflow.DoSpam:
		return now.Status == w.Status
	case workflow.DoAssign:
		return w.By == "" && now.AssigneeID == w.AgentID
	case workflow.DoTeam:
		return now.TeamID == w.TeamID
	case workflow.DoMove:
		return now.MailboxID == w.Mailbox
	case workflow.DoTags:
		return !slices.ContainsFunc(w.Add, func(t int64) bool { return !slices.Contains(now.Tags, t) }) &&
			!slices.ContainsFunc(w.Remove, func(t int64) bool { return slices.Contains(now.Tags, t) })
	}
	return false
}

// recipients are who would get the mail of an action, one mail for each; "" is
// a customer without an address.
func (b *backtest) recipients(w workflow.Wish, customer *postroom.Customer, assignee *postroom.Agent) []string {
	switch {
	case w.Do == workflow.DoReply && w.Blank:
		return nil
	case w.Do == workflow.DoReply && customer == nil:
		return []string{""}
	case w.Do == workflow.DoReply:
		return []string{postroom.Canonical(customer.Email())}
	case !w.Do.Aside():
		return nil
	}
	var out []string
	add := func(address string) {
		if address = postroom.Canonical(address); address != "" && !slices.Contains(out, address) {
			out = append(out, address)
		}
	}
	for _, to := range w.To {
		add(to)
	}
	for _, id := range b.among(w) {
		if a := b.agents[id]; a != nil && !a.Disabled {
			add(a.Email)
		}
	}
	if w.Assignee && assignee != nil {
		add(assignee.Email)
	}
	return out
}

// among are the agents whom an action names, and the members of its team unless
// that is switched off.
func (b *backtest) among(w workflow.Wish) []int64 {
	out := slices.Clone(w.Agents)
	if t := b.teams[w.TeamID]; t != nil && !t.Off() && w.Do != workflow.DoTeam {
		out = append(out, t.Members...)
	}
	return out
}

// simulate holds all that would match against limits, in order of time, and
// counts.
func (b *backtest) simulate() {
	slices.SortStableFunc(b.moments, func(x, y *moment) int {
		return cmp.Or(cmp.Compare(x.event.At, y.event.At), cmp.Compare(x.event.ConversationID, y.event.ConversationID), cmp.Compare(x.event.Seq, y.event.Seq))
	})
	verdicts, effects, sames, held, failed, unknown, people, whose := map[string]int{}, map[string]int{}, map[string]int{}, map[string]int{}, map[string]int{}, map[string]int{}, map[string]int{}, map[string]int{}
	for _, m := range b.moments {
		if m.verdict == workflow.Matched {
			out := b.sim.Next(m.chance)
			m.verdict, m.words = out.Verdict, out.Why
			for i, why := range out.Held {
				m.mails[i].Held = why
			}
			if m.verdict != workflow.Matched {
				m.effects, m.mails = nil, nil
			}
		}
		verdicts[workflow.VerdictKey(m.verdict)]++
		if m.verdict == workflow.Undecided {
			unknown[strings.TrimPrefix(m.words, "Conditions unknown: ")]++
		}
		if m.verdict == workflow.Matched {
			b.sum.Matched++
			for _, x := range m.waits {
				b.waits[x]++
			}
			if m.failed != "" {
				failed[m.failed]++
			}
			for _, x := range m.effects {
				effects[x]++
				if m.same[x] {
					sames[x]++
				}
			}
			for _, x := range m.mails {
				if x.Held == "" {
					b.sum.Mails++
					people[x.To]++
					whose[cmp.Or(x.By, b.v.Name)]++
				} else {
					held[kindOfHold(x.Held, x.To)]++
				}
			}
		}
	}
	if len(whose) > 1 || len(whose) == 1 && whose[b.v.Name] == 0 {
		b.sum.Whose = counts(whose)
	}
	for _, n := range people {
		if b.sum.People++; n > 1 {
			b.sum.Several++
		}
	}
	b.sum.Effects, b.sum.Held, b.sum.Failed, b.sum.Unknown, b.sum.Waits = counts(effects), counts(held), counts(failed), counts(unknown), counts(b.waits)
	for i := range b.sum.Effects {
		b.sum.Effects[i].Same = sames[b.sum.Effects[i].Text]
	}
	for _, v := range workflow.Verdicts() {
		if n := verdicts[workflow.VerdictKey(v)]; n > 0 {
			b.sum.Verdicts = append(b.sum.Verdicts, query.BacktestCount{Key: workflow.VerdictKey(v), Text: v.String(), N: n})
		}
	}
	for id, n := range b.ran {
		b.sum.Really = append(b.sum.Really, query.BacktestCount{Key: decimal(id), Text: cmp.Or(b.names(workflow.RefWorkflow, id), "a workflow that is gone"), N: n})
	}
	slices.SortFunc(b.sum.Really, func(x, y query.BacktestCount) int {
		return cmp.Or(cmp.Compare(y.N, x.N), cmp.Compare(x.Text, y.Text))
	})
	b.list()
}

// kindOfHold takes the address out of what keeps a mail back, so that one limit
// is one line and the summary names nobody.
func kindOfHold(words, to string) string {
	if to == "" {
		return words
	}
	return strings.ReplaceAll(words, to, "the address")
}

// counts lists what was counted, the most first, so many as there is room for.
func counts(all map[string]int) []query.BacktestCount {
	var out []query.BacktestCount
	for _, text := range slices.Sorted(maps.Keys(all)) {
		out = append(out, query.BacktestCount{Text: text, N: all[text]})
	}
	slices.SortStableFunc(out, func(x, y query.BacktestCount) int { return cmp.Compare(y.N, x.N) })
	if len(out) > maxBacktestWhys {
		rest := query.BacktestCount{Text: "of other kinds"}
		for _, x := range out[maxBacktestWhys-1:] {
			rest.N += x.N
		}
		out = append(out[:maxBacktestWhys-1], rest)
	}
	return out
}

// list keeps the newest events on which it would have come to something, or that
// it cannot say anything about.
func (b *backtest) list() {
	texts := 0
	for _, m := range slices.Backward(b.moments) {
		switch m.verdict {
		case workflow.NotMet, workflow.Filtered, workflow.OtherMailbox, workflow.NotArmed:
			continue
		}
		if len(b.lines) >= maxBacktestLines {
			b.sum.More++
			continue
		}
		l := query.BacktestLine{Event: m.event.ID, Number: m.event.After.Number, Subject: m.subject, At: m.event.At, What: sentence(workflow.EventWords(m.event, b.names)),
			Verdict: verdictWord(m.verdict), Words: cmp.Or(m.failed, m.words), Effects: m.effects, Mails: m.mails, Really: m.really, ReallyMails: m.letters}
		if l.Event < 0 {
			l.Event = m.event.Cause
		}
		if texts++; texts > maxBacktestTexts {
			l.Mails = slices.Clone(l.Mails)
			for i := range l.Mails {
				l.Mails[i].Text = ""
			}
		}
		for i := range l.Mails {
			l.Mails[i].Text = cut(l.Mails[i].Text)
		}
		b.lines = append(b.lines, backtestLine{m.event.ConversationID, l})
	}
	b.sum.Lines = len(b.lines)
}

// cut keeps the beginning of a text, whole characters of it.
func cut(text string) string {
	if len(text) <= maxBacktestText {
		return text
	}
	return strings.ToValidUTF8(text[:maxBacktestText], "") + "…"
}

func sentence(words string) string {
	if words == "" {
		return ""
	}
	return strings.ToUpper(words[:1]) + words[1:]
}

// verdictWord is a verdict as pages sort it.
func verdictWord(v workflow.Verdict) string {
	switch v {
	case workflow.Matched:
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
