package workflow

import (
	"encoding/json"
	"reflect"
	"slices"
	"strings"
	"testing"

	"postroom"
)

// verdicts judges an event by definitions that are all enabled, with ids from 1.
func verdicts(t *testing.T, e *postroom.Event, in Inputs, entries ...Entry) string {
	t.Helper()
	j := Judge(NewSet(1, entries), e, NewFacts(record(e)), in)
	codes := make([]byte, len(j.Results))
	for i, r := range j.Results {
		codes[i] = byte(r.Verdict)
	}
	return string(codes)
}

func TestVerdicts(t *testing.T) {
	t.Parallel()
	matching, failing := is("conversation.number", Is, "1042"), is("conversation.number", Is, "1")
	enabled := func(id int64, d Definition) Entry { return Entry{compile(t, d, id), Enabled} }
	other := compile(t, on(matching), 1)
	other.MailboxID = 99
	own := compile(t, on(matching), 1)
	own.MailboxID = 2
	when := func(w When) Definition {
		w.Event = postroom.StatusChanged
		return Definition{When: w, Then: on(Cond{}).Then}
	}
	limited := on(Cond{})
	limited.Limits.OncePer = OncePerConversation
	stop := on(matching)
	stop.Then = append(stop.Then, Action{Do: DoStop})
	quiet := on(failing)
	quiet.Then = stop.Then
	deep := closed()
	deep.Depth = MaxDepth

	for _, c := range []struct {
		name    string
		e       *postroom.Event
		in      Inputs
		entries []Entry
		want    string
	}{
		{"no condition", closed(), Inputs{}, []Entry{enabled(1, on(Cond{}))}, "m"},
		{"in order", closed(), Inputs{}, []Entry{enabled(2, on(matching)), enabled(1, on(failing))}, "mf"},
		{"unknown", closed(), Inputs{}, []Entry{enabled(1, on(is("conversation.waiting_since", Within, "1h")))}, "u"},
		{"off and paused", closed(), Inputs{}, []Entry{{own, SwitchedOff}, {own, OnHold}, {own, ""}}, "dpd"},
		{"mailboxes", closed(), Inputs{}, []Entry{{other, Enabled}, {own, Enabled}}, "om"},
		{"from", closed(), Inputs{}, []Entry{enabled(1, when(When{From: []string{"pending"}})), enabled(2, when(When{From: []string{"pending", "active"}}))}, "em"},
		{"to", closed(), Inputs{}, []Entry{enabled(1, when(When{To: []string{"spam"}})), enabled(2, when(When{To: []string{"closed"}}))}, "em"},
		{"actors", closed(), Inputs{}, []Entry{enabled(1, when(When{Actors: []postroom.ActorKind{"customer"}})), enabled(2, when(When{Actors: []postroom.ActorKind{"agent"}}))}, "em"},
		{"paths", closed(), Inputs{}, []Entry{enabled(1, when(When{Paths: []postroom.Path{"bulk"}})), enabled(2, when(When{Paths: []postroom.Path{"send"}}))}, "em"},
		{"other edges are not there at all", closed(), Inputs{}, []Entry{enabled(1, Definition{When: When{Event: postroom.ReplySent}, Then: limited.Then}), enabled(2, on(Cond{}))}, "m"},
		{"W11 stop", closed(), Inputs{}, []Entry{enabled(1, on(Cond{})), enabled(2, stop), enabled(3, on(Cond{})), {own, SwitchedOff}}, "mmsd"},
		{"W11 stop that did not match", closed(), Inputs{}, []Entry{enabled(1, quiet), enabled(2, on(Cond{}))}, "fm"},
		{"W20 chain", closed(), Inputs{Ran: []int64{1}}, []Entry{enabled(1, on(Cond{})), enabled(2, on(Cond{}))}, "cm"},
		{"W20 chain, not met anyway", closed(), Inputs{Ran: []int64{1}}, []Entry{enabled(1, on(failing))}, "f"},
		{"W20 depth", deep, Inputs{}, []Entry{enabled(1, on(Cond{})), enabled(2, on(failing))}, "xf"},
		{"W12 limit", closed(), Inputs{Counters: map[int64]Counters{1: {Runs: 1}}}, []Entry{enabled(1, limited), enabled(2, limited)}, "lm"},
		{"W12 no limit", closed(), Inputs{Counters: map[int64]Counters{1: {Runs: 9}}}, []Entry{enabled(1, on(Cond{}))}, "m"},
	} {
		if got := verdicts(t, c.e, c.in, c.entries...); got != c.want {
			t.Errorf("%s: %s, want %s", c.name, got, c.want)
		}
	}
	if j := Judge(NewSet(1, []Entry{enabled(1, on(Cond{}))}), deep, NewFacts(record(deep)), Inputs{}); !j.DepthReached || len(j.Matches) != 0 {
		t.Errorf("at the cap: %+v", j)
	}
	if j := Judge(NewSet(1, []Entry{enabled(1, on(failing))}), deep, NewFacts(record(deep)), Inputs{}); j.DepthReached {
		t.Error("a chain is called too long although nothing would have run")
	}
}

// W16: order decides who runs first, never what the others see.
func TestMatchesComeInTheOrderOfTheSet(t *testing.T) {
	t.Parallel()
	set := NewSet(42, []Entry{{compile(t, on(Cond{}), 9), Enabled}, {compile(t, on(Cond{}), 3), Enabled}})
	j := Judge(set, closed(), NewFacts(record(closed())), Inputs{})
	if len(j.Matches) != 2 || j.Matches[0].WorkflowID != 9 || j.Matches[1].WorkflowID != 3 || j.Revision != 42 {
		t.Errorf("matches %+v of revision %d", j.Results, j.Revision)
	}
}

// A set asks for no record that no workflow of the edge looks at.
func TestNeeds(t *testing.T) {
	t.Parallel()
	d := on(Cond{Any: []Cond{is("customer.domain", Is, "x"), is("message.header.X", Is, "1")}})
	limited := on(is("conversation.subject", Is, "x"))
	limited.Limits.CoolDown = 5
	reply := Definition{When: When{Event: postroom.ReplySent}, Then: d.Then}
	set := NewSet(1, []Entry{{compile(t, d, 1), Enabled}, {compile(t, limited, 2), SwitchedOff}, {compile(t, reply, 3), Enabled}})
	if got, want := set.Needs(postroom.StatusChanged), (Needs{Customer: true, Message: true, Headers: true}); got != want {
		t.Errorf("needs %+v, want %+v", got, want)
	}
	if got := set.Needs(postroom.ReplySent); got != (Needs{}) {
		t.Errorf("a workflow without conditions needs %+v", got)
	}
	if got := set.Limited(postroom.StatusChanged); len(got) != 0 {
		t.Errorf("counters wanted of %v, which is off", got)
	}
	set = NewSet(1, []Entry{{compile(t, limited, 2), Enabled}})
	if got := set.Limited(postroom.StatusChanged); !slices.Equal(got, []int64{2}) {
		t.Errorf("counters wanted of %v", got)
	}
	asked := map[string]int{}
	e := closed()
	Judge(NewSet(1, []Entry{{compile(t, d, 1), Enabled}, {compile(t, d, 2), Enabled}}), e,
		counting{NewFacts(record(e)), asked}, Inputs{})
	if !reflect.DeepEqual(asked, map[string]int{"customer.domain": 1, "message.header.X": 1}) {
		t.Errorf("facts asked for: %v", asked)
	}
}

type counting struct {
	Facts
	asked map[string]int
}

func (c counting) Value(fact string) Value { c.asked[fact]++; return c.Facts.Value(fact) }

func TestLimits(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name string
		l    Limits
		c    Counters
		used bool
	}{
		{"default", Limits{}, Counters{Runs: 9, RunsSinceClose: 9, LastRunAt: at}, false},
		{"per event", Limits{OncePer: OncePerEvent}, Counters{Runs: 9, RunsSinceClose: 9}, false},
		{"per close, first", Limits{OncePer: OncePerClose}, Counters{Runs: 4}, false},
		{"per close, second", Limits{OncePer: OncePerClose}, Counters{Runs: 4, RunsSinceClose: 1}, true},
		{"per conversation, first", Limits{OncePer: OncePerConversation}, Counters{}, false},
		{"per conversation, second", Limits{OncePer: OncePerConversation}, Counters{Runs: 1}, true},
		{"cooling", Limits{CoolDown: 60}, Counters{Runs: 1, LastRunAt: at - hour + 1}, true},
		{"cooled down", Limits{CoolDown: 60}, Counters{Runs: 1, LastRunAt: at - hour}, false},
		{"never ran", Limits{CoolDown: 60}, Counters{}, false},
	} {
		used, why := c.l.Used(c.c, at)
		if used != c.used || used == (why == "") {
			t.Errorf("%s: used %v, %q", c.name, used, why)
		}
	}
}

// W12: what an agent's or an API client's act caused is not capped here.
func TestMailLimit(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		root  postroom.ActorKind
		l     Limits
		mails int
		want  bool
	}{
		{postroom.ByCustomer, Limits{}, 2, true},
		{postroom.ByCustomer, Limits{}, 3, false},
		{postroom.BySystem, Limits{}, 3, false},
		{postroom.ByWorkflow, Limits{}, 3, false},
		{postroom.ByAgent, Limits{}, 99, true},
		{postroom.ByToken, Limits{}, 99, true},
		{postroom.ByCustomer, Limits{MailsPerConversationDay: 1}, 1, false},
		{postroom.ByCustomer, Limits{MailsPerConversationDay: 10}, 9, true},
	} {
		if got := c.l.MailAllowed(postroom.Actor{Kind: c.root}, c.mails); got != c.want {
			t.Errorf("%s, %d mails, limits %+v: %v", c.root, c.mails, c.l, got)
		}
	}
}

func TestVector(t *testing.T) {
	t.Parallel()
	j := Judgement{Results: []Result{{WorkflowID: 48, Number: 3, Verdict: Matched}, {WorkflowID: 1, Number: 40, Verdict: Stopped, By: 48}}}
	if got := j.Vector(); got != "1c.3m 1.14s" {
		t.Errorf("vector %q", got)
	}
	for _, bad := range []string{" ", "1", "1.m", "1.1", "1.1?", "1.1m ", "01.1m", "+1.1m", "1.1M", "A.1m", "1..1m", ".1m",
		"zzzzzzzzzzzzzzzz.1m", "1.zzzzzzzzm"} {
		if r, err := ParseVector(bad); err == nil {
			t.Errorf("%q read as %v", bad, r)
		}
	}
	if r, err := ParseVector(""); err != nil || len(r) != 0 {
		t.Errorf("no workflow: %v, %v", r, err)
	}
}

// Each code is told apart and has words.
func TestVerdictWords(t *testing.T) {
	t.Parallel()
	seen := map[string]bool{}
	for v := range verdictWords {
		if seen[v.String()] || v < 'a' || v > 'z' {
			t.Errorf("%c: %s", v, v)
		}
		seen[v.String()] = true
	}
	if Verdict('?').String() != "unknown verdict" {
		t.Error("an unknown code has words")
	}
}

// Recorded inputs are data: they survive being stored (W40).
func TestInputsSurviveStorage(t *testing.T) {
	t.Parallel()
	in := Inputs{Ran: []int64{3, 4}, Counters: map[int64]Counters{7: {Runs: 2, RunsSinceClose: 1, LastRunAt: at}}}
	b, err := json.Marshal(in)
	if err != nil {
		t.Fatal(err)
	}
	var back Inputs
	if err := json.Unmarshal(b, &back); err != nil || !reflect.DeepEqual(in, back) {
		t.Errorf("%s came back as %+v, %v", b, back, err)
	}
}

// The shipped closing notice belongs to each close by people, tokens and
// workflows, by whatever path, and to nothing else (W5, W13).
func TestClosingNotice(t *testing.T) {
	t.Parallel()
	d := Shipped()[slices.IndexFunc(Shipped(), func(s ShippedWorkflow) bool { return s.Key == KeyClosingNotice })].Definition
	set := NewSet(1, []Entry{{compile(t, d, 1), Enabled}})
	judge := func(change func(e *postroom.Event), in Inputs) Verdict {
		e := closed()
		change(e)
		return Judge(set, e, NewFacts(Record{Event: e}), in).Results[0].Verdict
	}
	for _, path := range choiceLists.path {
		want := Matched
		if path == string(postroom.PathMerge) {
			want = Filtered // it goes on elsewhere, and only who names the path hears of it
		}
		if got := judge(func(e *postroom.Event) { e.Path = postroom.Path(path) }, Inputs{}); got != want {
			t.Errorf("closed by an agent, path %s: %s", path, got)
		}
	}
	for _, c := range []struct {
		name   string
		change func(e *postroom.Event)
		want   Verdict
	}{
		{"pending before", func(e *postroom.Event) { e.Payload.From = "pending" }, Matched},
		{"spam before", func(e *postroom.Event) { e.Payload.From = "spam" }, Filtered},
		{"made spam", func(e *postroom.Event) { e.Payload.To = "spam" }, Filtered},
		{"reopened", func(e *postroom.Event) { e.Payload = postroom.Payload{From: "closed", To: "active"} }, Filtered},
		{"by a workflow", func(e *postroom.Event) { e.Actor.Kind = postroom.ByWorkflow }, Matched},
		{"by a token", func(e *postroom.Event) { e.Actor.Kind = postroom.ByToken }, Matched},
		{"by the desk", func(e *postroom.Event) { e.Actor = postroom.System }, Filtered},
	} {
		if got := judge(c.change, Inputs{}); got != c.want {
			t.Errorf("%s: %s, want %s", c.name, got, c.want)
		}
	}
	ran := func(c Counters) Inputs { return Inputs{Counters: map[int64]Counters{1: c}} }
	if got := judge(func(*postroom.Event) {}, ran(Counters{Runs: 5})); got != Matched {
		t.Errorf("closed again: %s", got)
	}
	if got := judge(func(*postroom.Event) {}, ran(Counters{Runs: 5, RunsSinceClose: 1})); got != LimitUsed {
		t.Errorf("twice for one close: %s", got)
	}
}

func TestAcknowledgement(t *testing.T) {
	t.Parallel()
	d := Shipped()[slices.IndexFunc(Shipped(), func(s ShippedWorkflow) bool { return s.Key == KeyAcknowledge })].Definition
	set := NewSet(1, []Entry{{compile(t, d, 1), Enabled}})
	begun := func() (*postroom.Event, Record) {
		e := closed()
		e.Kind, e.Payload, e.After.Status = postroom.ConversationCreated, postroom.Payload{To: "active"}, postroom.Active
		e.Actor, e.Path = postroom.Actor{Kind: postroom.ByCustomer, ID: 5}, postroom.PathMail
		return e, record(e)
	}
	for _, c := range []struct {
		name   string
		change func(e *postroom.Event, r *Record)
		want   Verdict
	}{
		{"a person", func(*postroom.Event, *Record) {}, Matched},
		{"vacation", func(_ *postroom.Event, r *Record) { r.Message.Class = postroom.AutoReply }, NotMet},
		{"bounce", func(_ *postroom.Event, r *Record) { r.Message.Class = postroom.DeliveryReport }, NotMet},
		{"no class", func(_ *postroom.Event, r *Record) { r.Message = nil }, Undecided},
		{"spam", func(e *postroom.Event, _ *Record) { e.After.Status = postroom.Spam }, NotMet},
		{"an agent began it", func(e *postroom.Event, _ *Record) { e.Actor.Kind = postroom.ByAgent }, Filtered},
		{"import", func(e *postroom.Event, _ *Record) { e.Path = postroom.PathImport }, Filtered},
	} {
		e, r := begun()
		c.change(e, &r)
		if got := Judge(set, e, NewFacts(r), Inputs{}).Results[0].Verdict; got != c.want {
			t.Errorf("%s: %s, want %s", c.name, got, c.want)
		}
	}
	e, r := begun()
	in := Inputs{Counters: map[int64]Counters{1: {Runs: 1}}}
	if got := Judge(set, e, NewFacts(r), in).Results[0].Verdict; got != LimitUsed {
		t.Errorf("a second time: %s", got)
	}
	if strings.Contains(d.Then[0].Text, "subject") {
		t.Error("the acknowledgement repeats what a stranger wrote (A8)")
	}
}
