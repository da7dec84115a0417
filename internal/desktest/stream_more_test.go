package desktest_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"

	"postroom"
	"postroom/internal/calendar"
	"postroom/internal/desk"
	"postroom/internal/desktest"
	"postroom/internal/workflow"
)

// What streams draw beside the ordinary: waits in office time, runs that wait
// and go on, workflows that run others, by hand and at set times, webhooks,
// followers, messages that are edited, mails that come back.

// spans are what timers and waits wait, a year at most.
var spans = []string{"10m", "2h", "1d", "3d", "1w", "30bm", "4bh", "1bd"}

// schedule draws set times.
func (x *draw) schedule() workflow.Schedule {
	s := workflow.Schedule{Days: one(x, []string{"mon", "tue", "wed", "thu", "fri", "sat", "sun"}, []string{"mon", "thu"}, []string{"1", "10", "31"}), At: one(x, "08:00", "23:30")}
	s.Closed = one(x, workflow.ClosedRuns, workflow.ClosedRuns, workflow.ClosedSkip, workflow.ClosedNext)
	s.Zone, s.Most = one(x, "", "", "Europe/Berlin"), one(x, 0, 0, 1)
	return s
}

func (x *draw) unless() (out []workflow.Unless) {
	for range x.IntN(3) {
		u := workflow.Unless{Event: one(x, usual...)}
		if u.Event == postroom.StatusChanged {
			u.To = []string{string(postroom.Closed)}
		}
		out = append(out, u)
	}
	return out
}

// more draws what a Then has beside its ordinary actions: a wait between two, and
// other workflows that it runs.
func (x *draw) more(def *workflow.Definition) {
	if x.chance(4) {
		w := workflow.Action{Do: workflow.DoWait, For: one(x, spans...), Unless: x.unless()}
		def.Then = slices.Insert(def.Then, x.IntN(len(def.Then)), w)
	}
	if x.chance(3) && len(x.flows) > 0 {
		a := workflow.Action{Do: workflow.DoRun, Workflow: one(x, x.flows...)}
		def.Then = slices.Insert(def.Then, x.IntN(len(def.Then)+1), a)
	}
}

// another draws another version of a workflow, which never runs itself.
func (x *draw) another(id int64) workflow.Definition {
	all := x.flows
	defer func() { x.flows = all }()
	x.flows = slices.DeleteFunc(slices.Clone(all), func(f int64) bool { return f == id })
	return x.definition()
}

// follow draws who follows and who does so no more.
func (x *draw) follow() workflow.Action {
	if x.chance(3) {
		return workflow.Action{Do: workflow.DoFollow, Unfollow: []int64{one(x, x.agents...)}}
	}
	return workflow.Action{Do: workflow.DoFollow, Agents: some2(x, x.agents)}
}

// webhook draws a call of a server that takes it, refuses it, or takes it the
// second time.
func (x *draw) webhook() workflow.Action {
	a := workflow.Action{Do: workflow.DoWebhook, URL: x.hook + one(x, "/fine", "/fine/{{ conversation.number }}?s={{ conversation.subject }}", "/refused", "/refused", "/busy")}
	switch x.IntN(3) {
	case 0:
		a.Text = `{"number": {{ conversation.number }}, "who": "{{ customer.name }}"}`
	case 1:
		a.Headers = []workflow.Header{{Name: "X-Team", Value: "one"}}
	}
	return a
}

// streamHook is the server that a stream's webhooks call.
func streamHook(d *desktest.Desk) string {
	var mu sync.Mutex
	seen := map[string]bool{}
	h := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		mu.Lock()
		defer mu.Unlock()
		call := r.Header.Get("Webhook-Id")
		switch {
		case strings.HasPrefix(r.URL.Path, "/refused"):
			w.WriteHeader(http.StatusNotFound)
		case strings.HasPrefix(r.URL.Path, "/busy") && !seen[call]:
			w.WriteHeader(http.StatusServiceUnavailable)
		}
		seen[call] = true
	}))
	d.T.Cleanup(h.Close)
	return h.URL
}

// always publishes what each stream has: a workflow that runs at set times, and
// one that is run by hand, whatever they do.
func (s *stream) always() {
	for _, kind := range []postroom.EventKind{postroom.ScheduleDue, postroom.WorkflowStarted} {
		def := s.x.definition()
		for def.When.Timed() || !def.If.IsZero() {
			def = s.x.definition()
		}
		def.When = workflow.When{Event: kind}
		if kind == postroom.ScheduleDue {
			def.When.Schedule = s.x.schedule()
			// It comes back on the same conversations, so that its limits are met.
			def.Limits = one(s.x, workflow.Limits{}, workflow.Limits{CoolDown: 12 * 24 * 60}, workflow.Limits{Runs: 2, Period: 30 * 24 * 60}, workflow.Limits{OncePer: workflow.OncePerConversation})
		}
		if workflow.Publishable(def) == nil {
			s.add(def)
		}
	}
}

// agentStarts runs a workflow by hand.
func (s *stream) agentStarts() {
	c, who := s.conversation(), one(s.x, "ann", "ben")
	if c == nil {
		return
	}
	a := s.Agent(who).Agent
	w, err := s.Pages().Startable(s.Ctx, a, one(s.x, s.x.flows...))
	for range 3 { // until it is one that is run by hand
		if err == nil {
			break
		}
		w, err = s.Pages().Startable(s.Ctx, a, one(s.x, s.x.flows...))
	}
	if err != nil {
		s.note(who+" cannot run that by hand", desk.Outcome{}, err)
		return
	}
	out, err := s.Desk.Desk.Start(s.Ctx, a, c.ID, w, postroom.PathMenu)
	if err == nil {
		s.last[who] = out
	}
	s.note(fmt.Sprintf("%s runs a workflow on %d", who, c.Number), out, err)
}

// agentEdits has somebody change the text of a message of theirs, on the newest
// conversation where there is one.
func (s *stream) agentEdits() {
	if s.conversation() == nil {
		return
	}
	who := one(s.x, "ann", "ben")
	a := s.Agent(who).Agent
	for _, id := range slices.Backward(s.ids) {
		for _, m := range s.Messages(id) {
			if m.Author != (postroom.Actor{Kind: postroom.ByAgent, ID: a.ID}) {
				continue
			}
			out, err := s.Desk.Desk.EditMessage(s.Ctx, a, desk.Edit{MessageID: m.ID, Version: m.Version, HTML: fmt.Sprintf("<p>The lamp, %d.</p>", s.x.IntN(9)), Path: postroom.PathMenu})
			s.note(who+" edits a message", out, err)
			return
		}
	}
}

// mailComesBack has the customer's mail server say that it could not deliver.
func (s *stream) mailComesBack() {
	if len(s.got) == 0 {
		return
	}
	m := one(s.x, s.got[max(0, len(s.got)-4):]...)
	r := bounceOf(s.Desk, m)
	r.header = "-" // found by where it was sent to: what is forwarded holds no token inside a file
	if s.x.chance(2) {
		r.action, r.status, r.said = "delayed", "4.4.1", "450 4.4.1 Not yet"
	}
	s.reports++
	raw := regexp.MustCompile(`report-\d+@`).ReplaceAllString(r.raw(), fmt.Sprintf("report-%d@", s.reports))
	s.Accept("", []string{r.to}, raw)
	s.take()
	s.note("a mail comes back", desk.Outcome{}, nil)
}

// officeChanges gives the desk other office hours. What counted before is
// recorded with each judgement.
func (s *stream) officeChanges() {
	s.settle() // which hours an event is judged by hangs on when that is done
	h := calendar.Usual(one(s.x, "UTC", "Europe/Berlin", "America/New_York"))
	if s.x.chance(2) {
		h.Holidays = []calendar.Holiday{{Date: s.Clock.Now().AddDate(0, 0, 1).Format("2006-01-02")}}
	}
	s.offices++
	setOffice(s.Desk, 71, s.offices, "Support", h)
	s.note("the office hours change", desk.Outcome{}, nil)
}

// hasID is where an id stands in what a webhook was sent.
var hasID = regexp.MustCompile(`"(?:id|value)":"?\d+`)

// calls tells what became of the webhooks of a conversation. When a call is tried
// again is spread by chance, so that no time of it is told.
func (c *chronicle) calls(id int64) {
	var lines []string
	for _, x := range c.Calls(id) {
		body := hasID.ReplaceAllStringFunc(x.Body, func(text string) string {
			before := strings.TrimRight(text, "0123456789")
			n, err := strconv.ParseInt(strings.TrimPrefix(text, before), 10, 64)
			if err != nil || c.names[n] == "" {
				return before // a customer's, who has no name of ours
			}
			return before + c.names[n]
		})
		lines = append(lines, fmt.Sprintf("call of %s v%d, action %d, for %s: %s %s %s, %s, %d tries: %s", c.names[x.WorkflowID], x.Version, x.Position, c.names[x.EventID],
			x.Method, x.URL, x.State, x.Words, x.Tries, strings.NewReplacer(c.swap...).Replace(body)))
	}
	slices.Sort(lines)
	for _, l := range lines {
		c.line("%s", l)
	}
}

// checkLimits holds every run on a conversation against the limits of its version,
// counted here from the runs alone (W12).
func (s *stream) checkLimits(id int64) {
	s.T.Helper()
	var before []postroom.Run
	events := s.EventsOf(id, "")
	for _, r := range s.Runs(id, 0) {
		if r.Leg > 0 {
			continue
		}
		l := s.definitionOf(r.WorkflowID, r.Version).Limits
		all, inPeriod, sinceClose, last := 0, 0, 0, int64(0)
		at, closed := s.eventAt(events, r.EventID), s.closedBefore(events, r.EventSeq)
		for _, b := range before {
			if b.WorkflowID != r.WorkflowID {
				continue
			}
			all++
			when := s.eventAt(events, b.EventID)
			last = max(last, when)
			if when > at-int64(l.Period)*60_000 {
				inPeriod++
			}
			if closed > 0 && b.EventSeq >= closed {
				sinceClose++
			}
		}
		switch {
		case l.OncePer == workflow.OncePerConversation && all > 0, l.OncePer == workflow.OncePerClose && sinceClose > 0,
			l.CoolDown > 0 && last > 0 && at-last < int64(l.CoolDown)*60_000, l.Runs > 0 && inPeriod >= l.Runs:
			s.T.Errorf("W12: workflow %d ran for event %d of conversation %d beyond its limits %+v: %d runs before, %d since the close, %d in the period, the last at %d, now %d",
				r.WorkflowID, r.EventSeq, id, l, all, sinceClose, inPeriod, last, at)
		}
		before = append(before, r)
	}
}

func (s *stream) eventAt(events []postroom.Event, id int64) int64 {
	for _, e := range events {
		if e.ID == id {
			return e.At
		}
	}
	s.T.Fatalf("there is no event %d", id)
	return 0
}

// closedBefore is the latest close up to an event, itself included; 0 if there is
// none.
func (s *stream) closedBefore(events []postroom.Event, seq int64) (closed int64) {
	for _, e := range events {
		if e.Seq <= seq && e.Kind == postroom.StatusChanged && e.Payload.To == string(postroom.Closed) && e.State != postroom.EventUndone {
			closed = e.Seq
		}
	}
	return closed
}

func (s *stream) definitionOf(id int64, number int) workflow.Definition {
	v, err := s.Store.Read().Version(s.Ctx, id, number)
	if err != nil {
		s.T.Fatal(err)
	}
	def, err := workflow.Decode([]byte(v.Definition))
	if err != nil {
		s.T.Fatal(err)
	}
	return def
}

// beginning is the event with which the chain of an event began, over waits: a run
// that goes on after one is in the chain that it began in (W20).
func (s *stream) beginning(events map[int64]postroom.Event, id int64) int64 {
	for {
		e, ok := events[id]
		if !ok {
			s.T.Fatalf("there is no event %d", id)
		}
		if e.Root != e.ID {
			id = e.Root
			continue
		}
		if e.Kind != postroom.TimerDue || e.Payload.Leg == 0 {
			return id
		}
		id = e.Cause
	}
}

// wanted is what the streams that always run are to meet between them.
var wanted = []string{"a run that went on", "one that another one ran", "office time", "call accepted", "call failed", "event schedule.due", "event timer.due",
	"event workflow.started", "event mail.bounced", "an edited message", "action follow done", "action wait done", "action run skipped",
	"verdict not considered: limit used", "verdict not considered: it already ran in this chain"}

// met counts what a stream came to meet, so that one sees that it still does.
func (s *stream) met(n map[string]int) {
	for _, id := range s.ids {
		for _, e := range s.EventsOf(id, "") {
			n["event "+string(e.Kind)]++
			if e.Kind == postroom.TimerDue && e.Payload.Leg > 0 {
				n["a run that went on"]++
			}
			if e.SetRevision == 0 {
				continue
			}
			_, vector, inputs, err := s.Store.Read().Judgement(s.Ctx, e.ID)
			if err != nil {
				s.T.Fatal(err)
			}
			results, err := workflow.ParseVector(vector)
			if err != nil {
				s.T.Fatal(err)
			}
			for _, r := range results {
				n["verdict "+r.Verdict.String()]++
				if r.Level > 0 && r.Verdict == workflow.Matched {
					n["one that another one ran"]++
				}
			}
			if strings.Contains(inputs, `"office"`) {
				n["office time"]++
			}
		}
		for _, r := range s.Runs(id, 0) {
			for _, e := range r.Effects {
				n["action "+e.Action+" "+string(e.Result)]++
			}
		}
		for _, c := range s.Calls(id) {
			n["call "+string(c.State)]++
		}
		for _, m := range s.Messages(id) {
			if m.Version > 1 {
				n["an edited message"]++
			}
		}
	}
}
