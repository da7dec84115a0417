package desktest_test

import (
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"os"
	"regexp"
	"slices"
	"sort"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"postroom"
	"postroom/internal/automate"
	"postroom/internal/db"
	"postroom/internal/desktest"
	"postroom/internal/flowfile"
	"postroom/internal/query"
	"postroom/internal/workflow"
)

// streams is how many streams are drawn: POSTROOM_STREAMS or, of those that run
// always, enough to meet each kind of act and action many times; with
// POSTROOM_SOAK many more. The first seed is POSTROOM_STREAM_SEED.
func streams(t *testing.T, e db.Engine) (from, to uint64) {
	t.Helper()
	number := func(name string, n uint64) uint64 {
		if v := os.Getenv(name); v != "" {
			var err error
			if n, err = strconv.ParseUint(v, 10, 64); err != nil {
				t.Fatal(err)
			}
		}
		return n
	}
	from = number("POSTROOM_STREAM_SEED", 1)
	n := uint64(7)
	if e == db.Postgres {
		n = 1
	}
	if os.Getenv("POSTROOM_SOAK") != "" {
		n *= 50
	}
	return from, from + number("POSTROOM_STREAMS", n)
}

// eachStream runs f for each stream on each engine.
func eachStream(t *testing.T, f func(t *testing.T, e db.Engine, seed uint64)) {
	for _, e := range []db.Engine{db.SQLite, db.Postgres} {
		if e == db.Postgres && testing.Short() {
			continue
		}
		from, to := streams(t, e)
		for seed := from; seed < to; seed++ {
			t.Run(fmt.Sprintf("%s/%d", e, seed), func(t *testing.T) {
				t.Parallel()
				f(t, e, seed)
			})
		}
	}
}

// W16, W18, W20, W40: whatever workflows there are and whatever happens, no chain
// is too long, no mail beyond its limits, mails leave in order, and what was
// recorded is what comes of reckoning it again. On a second desk to which the same
// happens, and where those who work die between any two steps, everything is
// judged, done and mailed the same, to the byte.
func TestStreams(t *testing.T) {
	t.Parallel()
	var deaths, all atomic.Int64
	var lock sync.Mutex
	met := map[string]int{}
	t.Cleanup(func() {
		for _, what := range slices.Sorted(maps.Keys(met)) {
			t.Logf("%5d %s", met[what], what)
		}
		// What is drawn changes with whatever can be drawn: few streams may miss some.
		missed := slices.DeleteFunc(slices.Clone(wanted), func(what string) bool { return met[what] > 0 })
		if n := all.Load(); n > 6 && len(missed) > 5 || n > 30 && len(missed) > 0 {
			t.Errorf("no stream met %q: the test has lost its hold", missed)
		}
		if t.Logf("%d streams, %d deaths", all.Load(), deaths.Load()); deaths.Load() < 3*all.Load() {
			t.Error("that is too few: the test has lost its hold")
		}
	})
	eachStream(t, func(t *testing.T, e db.Engine, seed uint64) {
		s := play(desktest.New(t, e), seed, false)
		s.checkRules()
		s.checkReplay()
		s.checkFiles()
		lock.Lock()
		s.met(met)
		lock.Unlock()
		again := play(desktest.New(t, e), seed, true)
		if want, got := s.chronicle(), again.chronicle(); got != want {
			plain := play(desktest.New(t, e), seed, false).chronicle()
			t.Fatalf("after %d deaths (without deaths it is the same: %v): %s", again.deaths, plain == want, parting(got, want))
		}
		deaths.Add(int64(again.deaths))
		all.Add(1)
	})
}

// parting shows where two chronicles part.
func parting(got, want string) string {
	a, b := strings.Split(got, "\n"), strings.Split(want, "\n")
	i := 0
	for i < len(a) && i < len(b) && a[i] == b[i] {
		i++
	}
	part := func(l []string) string { return strings.Join(l[max(0, min(i-12, len(l))):min(i+5, len(l))], "\n") }
	return fmt.Sprintf("from line %d on\n%s\n---\n%s", i+1, part(a), part(b))
}

// chronicle tells all that became of a stream, with names in the place of ids: how
// ids are drawn is nobody's promise.
func (s *stream) chronicle() string {
	s.conversation()
	c := &chronicle{stream: s, names: map[int64]string{0: "-"}}
	for i, id := range s.x.flows {
		c.names[id] = fmt.Sprintf("flow%d", i+1)
	}
	for i, id := range s.x.tags {
		c.names[id] = fmt.Sprintf("tag%d", i+1)
	}
	for i, id := range s.x.agents {
		c.names[id] = fmt.Sprintf("agent%d", i+1)
	}
	for i, id := range s.x.teams {
		c.names[id] = fmt.Sprintf("team%d", i+1)
	}
	for i, id := range s.x.mailboxes {
		c.names[id] = fmt.Sprintf("mailbox%d", i+1)
	}
	for _, id := range s.ids {
		c.name(id)
	}
	for _, id := range s.ids {
		c.conversation(id)
	}
	return strings.ReplaceAll(s.story.String()+c.b.String(), strings.TrimPrefix(s.x.hook, "http://"), "hook")
}

type chronicle struct {
	*stream
	b     strings.Builder
	names map[int64]string
	swap  []string // what stands for a mail's own token, pairwise
}

// name gives everything on a conversation a name.
func (c *chronicle) name(id int64) {
	on := c.Conversation(id)
	c.names[id] = fmt.Sprintf("conversation%d", on.Number)
	for _, e := range c.EventsOf(id, "") {
		c.names[e.ID] = fmt.Sprintf("event%d.%d", on.Number, e.Seq)
		if k := e.After.CustomerID; c.names[k] == "" {
			c.names[k] = fmt.Sprintf("customer of event%d.%d", on.Number, e.Seq)
		}
	}
	for i, m := range c.Messages(id) {
		c.names[m.ID] = fmt.Sprintf("message%d.%d", on.Number, i+1)
	}
	timers, err := c.Store.Read().TimersOf(c.Ctx, id)
	if err != nil {
		c.T.Fatal(err)
	}
	sort.Slice(timers, func(i, j int) bool {
		a, b := timers[i], timers[j]
		return a.EventSeq < b.EventSeq || a.EventSeq == b.EventSeq && slices.Index(c.x.flows, a.WorkflowID) < slices.Index(c.x.flows, b.WorkflowID)
	})
	for i, t := range timers {
		c.names[t.ID] = fmt.Sprintf("timer%d.%d", on.Number, i+1)
	}
	for i, m := range c.mails(id) {
		c.names[m.ID] = fmt.Sprintf("mail%d.%d", on.Number, i+1)
		c.swap = append(c.swap, m.Header, "<"+c.names[m.ID]+">", c.Desk.Desk.Keys().Token(m.ID), "<token of "+c.names[m.ID]+">")
	}
}

// mails are those of a conversation in the order of their events; of one event in
// that of their recipients.
func (c *stream) mails(id int64) []*postroom.Mail {
	all := c.Mails(id)
	for i, m := range all {
		var err error
		if all[i], err = c.Store.Read().Mail(c.Ctx, m.ID); err != nil {
			c.T.Fatal(err)
		}
	}
	key := func(m *postroom.Mail) string {
		return fmt.Sprintf("%09d %09d %v %d %q %s", m.Seq, m.RootSeq, m.Aside, slices.Index(c.x.agents, m.AgentID), addresses(m), m.Subject)
	}
	sort.SliceStable(all, func(i, j int) bool { return key(all[i]) < key(all[j]) })
	return all
}

func addresses(m *postroom.Mail) (out []string) {
	for _, r := range m.Recipients {
		out = append(out, r.Address)
	}
	return out
}

func (c *chronicle) line(format string, args ...any) {
	for i, a := range args {
		if id, ok := a.(int64); ok {
			if args[i] = c.names[id]; c.names[id] == "" {
				args[i] = "unnamed"
			}
		}
	}
	fmt.Fprintf(&c.b, format+"\n", args...)
}

func (c *chronicle) conversation(id int64) {
	on := c.Conversation(id)
	c.line("%v %q %v %v %v tags %v, %d received, %d replies, %d notes, deleted at %v, closed at %v", id, on.Subject, on.Status, on.AssigneeID, on.MailboxID,
		c.list(on.Tags), on.Received, on.Replies, on.Notes, stamp(on.DeletedAt), stamp(on.ClosedAt))
	for _, e := range c.EventsOf(id, "") {
		p := c.ofField(e.Payload)
		c.line("%v %v %v %v %v by %v via %v cause %v root %v depth %v %q→%q %v %v %v %v %v", e.ID, e.Kind, e.State, stamp(e.At), stamp(e.FinalAt), e.Actor.Kind, e.Path,
			e.Cause, e.Root, e.Depth, c.side(p.From), c.side(p.To), c.list(p.Added), c.list(p.Removed), p.MessageID, p.MailID, c.words(p.Words))
		if e.SetRevision != 0 {
			_, vector, inputs, err := c.Store.Read().Judgement(c.Ctx, e.ID)
			if err != nil {
				c.T.Fatal(err)
			}
			c.line("  by set %v: %v, inputs %v", fmt.Sprint(e.SetRevision), c.vector(vector), c.inputs(inputs))
		}
	}
	for _, r := range c.Runs(id, 0) {
		c.line("run of %v v%v for %v: %v %v %v %v", r.WorkflowID, r.Version, r.EventID, r.State, r.Stopped, r.Error, stamp(r.At))
		for _, e := range r.Effects {
			c.line("  %v %v %v %v %v %v, event %v, %v %v", e.Position, e.Action, e.Detail, e.Result, e.Reason, e.Because, fmt.Sprint(e.EventSeq), e.MessageID, e.MailID)
		}
	}
	c.calls(id)
	timers, err := c.Store.Read().TimersOf(c.Ctx, id)
	if err != nil {
		c.T.Fatal(err)
	}
	sort.Slice(timers, func(i, j int) bool { return c.names[timers[i].ID] < c.names[timers[j].ID] })
	for _, t := range timers {
		c.line("%v of %v v%v armed by %v, due %v: %v by %v %v at %v, %v", t.ID, t.WorkflowID, t.Version, t.EventID, stamp(t.DueAt), t.State, t.EndedBy.Kind, t.EndEvent, stamp(t.EndedAt), t.Words)
	}
	for _, m := range c.mails(id) {
		c.line("%v of %v root %v to %v: %v, automatic %v, machine %v, aside %v, %q", m.ID, m.EventID, m.Root, addresses(m), m.State, m.Automatic, m.Machine, m.Aside, c.words(m.Words))
		if m.SHA256 != "" {
			c.line("%s", c.raw(m))
		}
	}
}

// ofField has the texts of a field in the place of their ids.
func (c *chronicle) ofField(p postroom.Payload) postroom.Payload {
	if kind, _, _ := postroom.SplitFieldPath(p.Field); kind != postroom.FieldText {
		return p
	}
	for _, side := range []*string{&p.From, &p.To} {
		text, err := c.Store.Read().FieldText(c.Ctx, *side)
		if err != nil {
			c.T.Fatal(err)
		}
		*side = text
	}
	return p
}

// stamp is a time in words that are no id.
func stamp(ms int64) string { return fmt.Sprintf("@%d", ms) }

func (c *chronicle) list(ids []int64) string {
	var out []string
	for _, id := range ids {
		out = append(out, c.names[id])
	}
	sort.Strings(out)
	return strings.Join(out, "+")
}

// side is one side of a change: a word, or whom or what an id means.
func (c *chronicle) side(v string) string {
	if id, err := strconv.ParseInt(v, 10, 64); err == nil && c.names[id] != "" {
		return c.names[id]
	}
	return v
}

// words are what a server or the desk said of a mail; a server numbers its answers.
func (c *chronicle) words(v string) string {
	return regexp.MustCompile(`as (mail )?[0-9A-Za-z-]+`).ReplaceAllString(v, "as …")
}

func (c *chronicle) vector(v string) string {
	results, err := workflow.ParseVector(v)
	if err != nil {
		c.T.Fatal(err)
	}
	var out []string
	for _, r := range results {
		out = append(out, fmt.Sprintf("%s v%d %c", c.names[r.WorkflowID], r.Number, r.Verdict))
	}
	return strings.Join(out, ", ")
}

// inputs are what was noted down with a judgement, ids as names.
func (c *chronicle) inputs(text string) string {
	var in workflow.Inputs
	if err := json.Unmarshal([]byte(text), &in); err != nil {
		c.T.Fatal(err)
	}
	var counters, ended []string
	for id, n := range in.Counters {
		counters = append(counters, fmt.Sprintf("%s %+v", c.names[id], n))
	}
	for _, e := range in.Ended {
		ended = append(ended, c.names[e.Timer])
	}
	sort.Strings(counters)
	return fmt.Sprintf("ran %s, counters %v, ended %v", c.list(in.Ran), counters, ended)
}

var boundaries = regexp.MustCompile(`boundary="?([^"\r\n;]+)`)

// raw is a mail as it went out, with names for its own tokens and boundaries.
func (c *chronicle) raw(m *postroom.Mail) string {
	f, err := c.Blobs.Open(m.SHA256)
	if err != nil {
		c.T.Fatal(err)
	}
	defer f.Close()
	b, err := io.ReadAll(f)
	if err != nil {
		c.T.Fatal(err)
	}
	// Where lines are broken hangs on how long the tokens are.
	text := strings.NewReplacer("=\r\n", "", "\r\n ", " ", "\r\n", "\n").Replace(string(b))
	for i, x := range boundaries.FindAllStringSubmatch(text, -1) {
		text = strings.ReplaceAll(text, x[1], fmt.Sprintf("<boundary %d>", i))
	}
	return strings.NewReplacer(c.swap...).Replace(text)
}

// checkRules holds what became of a stream against the rules as such.
func (s *stream) checkRules() {
	s.T.Helper()
	s.conversation()
	n := tally{}
	for _, id := range s.ids {
		for _, e := range s.EventsOf(id, "") {
			if e.Depth > workflow.MaxDepth {
				s.T.Errorf("W20: event %d of conversation %d is the %dth of its chain", e.Seq, id, e.Depth)
			}
			if e.State == postroom.EventNotJudged || e.State == postroom.EventPending {
				s.T.Errorf("W15: event %d of conversation %d is %s: %s", e.Seq, id, e.State, e.Words)
			}
		}
		s.checkLimits(id)
		events := map[int64]postroom.Event{}
		for _, e := range s.EventsOf(id, "") {
			events[e.ID] = e
		}
		flow := map[int64]int64{}
		for _, r := range s.Runs(id, 0) {
			flow[r.ID] = r.WorkflowID
			n.add(1, "W20: leg %d of workflow %d in the chain of %d on %d", r.Leg, r.WorkflowID, s.beginning(events, r.RootID), id)
			n.add(1, "W18: workflow %d for event %d", r.WorkflowID, r.EventID)
		}
		mails := s.mails(id)
		for _, m := range mails {
			// What follows in the chain of a mail that is held back waits with it.
			kept := slices.ContainsFunc(mails, func(o *postroom.Mail) bool { return o.Root == m.Root && o.Seq <= m.Seq && o.State == postroom.MailKept })
			if !m.State.Ended() && !kept {
				s.T.Errorf("W27: mail %d to %v is still %s: %s", m.Seq, addresses(m), m.State, m.Words)
			}
			if went(m) && m.RunID != 0 {
				n.mail(m, flow[m.RunID])
				s.perDay(m, mails)
			}
		}
		s.inOrder(id, mails)
	}
	for what, c := range n {
		if c.n > c.most {
			s.T.Errorf("%d times, %d at most: %s", c.n, c.most, what)
		}
	}
}

// went reports whether a mail went out, or is to.
func went(m *postroom.Mail) bool {
	return m.State != postroom.MailSkip && m.State != postroom.MailBlocked && m.State != postroom.MailUndone && m.State != postroom.MailKept
}

// tally counts what must not be more than so many.
type tally map[string]struct{ n, most int }

func (t tally) add(most int, what string, args ...any) {
	what = fmt.Sprintf(what, args...)
	t[what] = struct{ n, most int }{t[what].n + 1, most}
}

const dayMS = 24 * 60 * 60 * 1000

// mail counts an automatic mail that went out against what holds for all.
func (t tally) mail(m *postroom.Mail, flow int64) {
	window := m.CreatedAt / (10 * 60 * 1000)
	if m.Machine && !m.Aside {
		t.add(3, "A6: machines' mails to %v on day %d", addresses(m), m.CreatedAt/dayMS)
	}
	kind, each, talk := "automatic mails", 10, 10
	if m.Aside { // admins chose to whom it goes
		kind, each, talk = "mails to others", 100, 200
	}
	for _, to := range addresses(m) {
		t.add(each, "W23: %s to %s in the ten minutes from %d", kind, to, window)
	}
	t.add(talk, "W23: %s on conversation %d in the ten minutes from %d", kind, m.ConversationID, window)
	t.add(500, "W23: mails of workflow %d on day %d", flow, m.CreatedAt/dayMS)
}

// perDay holds a mail against the limit of its conversation's mails that machines
// caused: a workflow may have a lower one, never a higher here.
func (s *stream) perDay(m *postroom.Mail, all []*postroom.Mail) {
	s.T.Helper()
	n := 0
	for _, o := range all {
		if o.Machine && !o.Aside && went(o) && o.CreatedAt > m.CreatedAt-dayMS && o.CreatedAt <= m.CreatedAt {
			n++
		}
	}
	if n > workflow.DefaultMailsPerConversationDay {
		s.T.Errorf("W12: machines mailed %d times within a day on conversation %d", n, m.ConversationID)
	}
}

// inOrder holds the mails of a conversation, as they arrived at each person,
// against the order of what caused them (W25). A mail that waited for an hour, as
// after a time in which nothing worked, goes before one of another root.
func (s *stream) inOrder(id int64, mails []*postroom.Mail) {
	s.T.Helper()
	last := map[string]*postroom.Mail{}
	for _, letter := range s.all {
		i := slices.IndexFunc(mails, func(m *postroom.Mail) bool { return m.Header == letter.ID && !m.Aside && m.AgentID == 0 })
		if i < 0 {
			continue
		}
		m := mails[i]
		was := last[letter.To]
		waited := was != nil && was.RootSeq != m.RootSeq && was.EndedAt-was.CreatedAt >= time.Hour.Milliseconds()
		if was != nil && !waited && (was.RootSeq > m.RootSeq || was.RootSeq == m.RootSeq && was.Seq > m.Seq) {
			s.T.Errorf("W25: on conversation %d the mail of event %d (root %d) came to %s after that of event %d (root %d)", id, m.Seq, m.RootSeq, letter.To, was.Seq, was.RootSeq)
		}
		last[letter.To] = m
	}
}

// checkReplay reckons every judgement anew from what is stored, as the page Why?
// does (W31, W40).
func (s *stream) checkReplay() {
	s.T.Helper()
	pages := query.New(query.Options{Store: s.Store, Blobs: s.Blobs})
	again, err := pages.Replay(s.Ctx, query.ReplayAsk{})
	switch {
	case err != nil:
		s.T.Fatal(err)
	case again.Unexplained > 0, s.x.fixed && again.Explained > 0:
		s.T.Errorf("W40: judged again, it comes out otherwise: %+v", again)
	case again.Judged == 0:
		s.T.Error("W40: there is nothing to judge again")
	}
	for _, id := range s.ids {
		why, err := pages.Why(s.Ctx, s.Agent("ann").Agent, s.Conversation(id).Number, query.Place{})
		if err != nil {
			s.T.Fatal(err)
		}
		for _, e := range why.Events {
			for _, w := range e.Workflows {
				if w.Differs != "" && s.x.fixed {
					s.T.Errorf("%+v, %s: %s %+v", e.Line, w.Name, w.Differs, w.Conditions)
				}
			}
		}
	}
}

// checkFiles has the desk's workflows written as files and taken in again: nothing
// changes (W37).
func (s *stream) checkFiles() {
	s.T.Helper()
	flows := automate.New(automate.Options{Store: s.Store, Letters: s.Desk.Desk})
	ann := s.Agent("ann").Agent
	text, err := flows.ExportFiles(s.Ctx, ann, nil)
	if err != nil {
		s.T.Fatal(err)
	}
	plan, err := flows.PlanFiles(s.Ctx, ann, automate.Files{Sources: []flowfile.Source{{Name: "all.yaml", Text: text}}})
	if err != nil {
		s.T.Fatal(err)
	}
	if plan.Changed() || len(plan.Steps) != len(s.x.flows) {
		s.T.Errorf("what was exported is %d of %d workflows, and changes: %v\n%s", len(plan.Steps), len(s.x.flows), plan.Faults, text)
	}
}
