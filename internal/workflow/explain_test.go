package workflow

import (
	"fmt"
	"strings"
	"testing"

	"postroom"
)

// people names what the tests use.
func people(kind Ref, id int64) string {
	return map[string]string{"agent 7": "Ann", "agent 8": "Ben", "mailbox 2": "Support", "mailbox 99": "Sales",
		"tag 11": "urgent", "tag 12": "order", "workflow 1": "First"}[fmt.Sprintf("%s %d", kind, id)]
}

// flat writes a tree of checks as one text.
func flat(c Check) string {
	if c.Children == nil {
		return fmt.Sprintf("%s | %s | %s | %s", c.Text, c.Expected, c.Actual, c.Truth)
	}
	parts := make([]string, len(c.Children))
	for i, child := range c.Children {
		parts[i] = flat(child)
	}
	return fmt.Sprintf("%s %s [%s]", c.Text, c.Truth, strings.Join(parts, "; "))
}

// W31: each condition with expected, actual and verdict.
func TestExplainConditions(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		cond Cond
		want string
	}{
		{is("conversation.status", OneOf, "active", "pending"), "the status is one of active or pending | is one of active or pending | closed | false"},
		{is("conversation.assignee", Is, "8"), "the assignee is Ben | is Ben | Ann | false"},
		{is("conversation.assignee", Is, "6"), "the assignee is agent 6 | is agent 6 | Ann | false"},
		{is("conversation.tags", HasAll, "11", "13"), "the tags include all of urgent and tag 13 | include all of urgent and tag 13 | urgent, order | false"},
		{is("conversation.waiting_since", Within, "120m"), "since when the customer has been waiting is within the last 2 hours | is within the last 2 hours | never | unknown"},
		{is("conversation.created", Before, "2026-01-01"), "when the conversation began is before 2026-01-01 | is before 2026-01-01 | 2026-01-29 12:00:00 UTC | false"},
		{is("conversation.status", ChangedFrom, "pending"), "the status changed from pending | changed from pending | changed from active to closed | false"},
		{is("conversation.assignee", Changed), "the assignee changed | changed | not changed by this event | false"},
		{is("message.verified", Is, "false"), "the sender is not verified | no | yes | false"},
		{is("message.has_attachments", Is, "false"), "the message has no attachments | no | yes | false"},
		{is("message.class", Is, "human"), "the mail is written by a person | is written by a person | written by a person | true"},
		{is("message.cc", IsSet), "a Cc address of the message is set | is set | not set | false"},
		{is("customer.address", Contains, "acme"), `the customer's address contains "acme" | contains "acme" | "maria@example.com", "m.lind@work.example" | false`},
		{is("event.depth", Less, "3"), "how many workflows stand before it in the chain is less than 3 | is less than 3 | 0 | true"},
		{is("cause.workflow", IsSet), "the workflow that caused it is set | is set | no workflow | false"},
		{Cond{None: []Cond{is("event.actor", Is, "token"), is("event.path", Is, "bulk")}},
			"none of these true [who did it is an API client | is an API client | an agent | false; how it was done is a bulk change | is a bulk change | Send & Close | false]"},
	} {
		set := NewSet(1, []Entry{{compile(t, on(c.cond), 1), Enabled}})
		x, _ := Explain(set, closed(), NewFacts(record(closed())), Inputs{}, people)
		if got := flat(*x[0].Conditions); got != c.want {
			t.Errorf("got  %s\nwant %s", got, c.want)
		}
	}
	set := NewSet(1, []Entry{{compile(t, on(is("customer.name", Is, "x")), 1), Enabled}})
	x, _ := Explain(set, closed(), NewFacts(Record{Event: closed()}), Inputs{}, nil)
	if got := x[0].Conditions.Actual; got != "missing" || x[0].Verdict != Undecided ||
		x[0].Reason != `Conditions unknown: whether the customer's name is "x" (missing).` {
		t.Errorf("a missing customer shows as %q, %s, %s", got, x[0].Verdict, x[0].Reason)
	}
	set = NewSet(1, []Entry{{compile(t, on(is("conversation.created", IsSet)), 1), Enabled}})
	if x, _ = Explain(set, closed(), NewFacts(record(closed())), Inputs{}, nil); x[0].Conditions.At != at-48*hour {
		t.Errorf("the time is %d, want %d", x[0].Conditions.At, at-48*hour)
	}
}

// W31: the smallest change that would have made it match.
func TestSmallestChange(t *testing.T) {
	t.Parallel()
	yes, no := is("conversation.number", Is, "1042"), is("conversation.number", Is, "1")
	spam := is("conversation.status", Is, "spam")
	for _, c := range []struct {
		cond Cond
		want string
	}{
		{yes, ""},
		{no, "the conversation's number had been 1 (it was 1042)"},
		{Cond{All: []Cond{yes, no}}, "the conversation's number had been 1 (it was 1042)"},
		{Cond{All: []Cond{no, spam}}, "the conversation's number had been 1 (it was 1042) and the status had been spam (it was closed)"},
		{Cond{Any: []Cond{{All: []Cond{no, spam}}, spam}}, "the status had been spam (it was closed)"},
		{Cond{None: []Cond{yes, no}}, "the conversation's number had not been 1042 (it was 1042)"},
		{Cond{None: []Cond{{All: []Cond{yes, yes}}}}, "the conversation's number had not been 1042 (it was 1042)"},
		{Cond{None: []Cond{{None: []Cond{no, spam}}}}, "the conversation's number had been 1 (it was 1042)"},
		{is("conversation.assignee", NotSet), "the assignee had not been set (it was Ann)"},
		{is("conversation.tags", HasAny, "13"), "the tags had included any of tag 13 (they were urgent, order)"},
		{is("message.verified", Is, "false"), "“the sender is verified” had been no (it was yes)"},
		{is("conversation.waiting_since", Older, "1d"), "since when the customer has been waiting had been longer ago than 1 day (it was never)"},
		{is("conversation.assignee", ChangedTo, "8"), "the assignee had changed to Ben (it was not changed by this event)"},
		{is("conversation.status", ChangedTo, "spam"), "the status had changed to spam (it changed from active to closed)"},
	} {
		set := NewSet(1, []Entry{{compile(t, on(c.cond), 1), Enabled}})
		x, _ := Explain(set, closed(), NewFacts(record(closed())), Inputs{}, people)
		want := c.want
		if want != "" {
			want = "It would have matched if " + want + "."
		}
		if got := x[0].SmallestChange; got != want {
			t.Errorf("got  %s\nwant %s", got, want)
		}
	}
}

// W31: why it was not considered, and what would have been different.
func TestExplainNotConsidered(t *testing.T) {
	t.Parallel()
	stop := on(Cond{})
	stop.Then = []Action{{Do: DoStop}}
	edge := on(Cond{})
	edge.When.From, edge.When.Actors, edge.When.Paths = []string{"pending", "spam"}, []postroom.ActorKind{"customer"}, []postroom.Path{"bulk"}
	limited := on(Cond{})
	limited.Limits.OncePer = OncePerClose
	plain := compile(t, on(Cond{}), 3)
	elsewhere := compile(t, on(Cond{}), 3)
	elsewhere.MailboxID = 99
	in := Inputs{Ran: []int64{4}, Counters: map[int64]Counters{5: {RunsSinceClose: 1}}}
	for _, c := range []struct {
		entries        []Entry
		reason, change string
	}{
		{[]Entry{{plain, Enabled}}, "Matched.", ""},
		{[]Entry{{plain, SwitchedOff}}, "Not considered: switched off.", "it had been switched on"},
		{[]Entry{{plain, OnHold}}, "Not considered: paused.", "it had not been paused"},
		{[]Entry{{elsewhere, Enabled}}, "Not considered: it belongs to Sales and the conversation is in Support.", "the conversation had been in Sales"},
		{[]Entry{{compile(t, stop, 1), Enabled}, {plain, Enabled}}, "Not considered: First said stop.", "First had not said stop"},
		{[]Entry{{compile(t, on(Cond{}), 4), Enabled}}, "Not considered: it already ran in this chain.", "it had not already run in this chain"},
		{[]Entry{{compile(t, limited, 5), Enabled}}, "Not considered: limit used. It has already run since this conversation was closed, and it runs once per close.", "its limit had not been used"},
		{[]Entry{{compile(t, edge, 6), Enabled}}, "Its When does not fit: changed from active, not pending or spam; done by an agent, not a customer; done through Send & Close, not a bulk change.",
			"it had changed from pending or spam (it changed from active), a customer had done it (it was an agent) and it had been done through a bulk change (it was Send & Close)"},
	} {
		x, _ := Explain(NewSet(1, c.entries), closed(), NewFacts(record(closed())), in, people)
		last := x[len(x)-1]
		want := c.change
		if want != "" {
			want = "It would have matched if " + want + "."
		}
		if last.Reason != c.reason || last.SmallestChange != want {
			t.Errorf("got  %s %s\nwant %s %s", last.Reason, last.SmallestChange, c.reason, want)
		}
	}
	deep := closed()
	deep.Depth = MaxDepth
	x, _ := Explain(NewSet(1, []Entry{{plain, Enabled}}), deep, NewFacts(record(deep)), Inputs{}, people)
	if !strings.Contains(x[0].Reason, "8 workflows had already") {
		t.Errorf("at the cap: %s", x[0].Reason)
	}
}

func TestSentence(t *testing.T) {
	t.Parallel()
	d := Definition{
		When: When{Event: postroom.AssigneeChanged, From: []string{"0"}, To: []string{"7", "8"}},
		If: Cond{All: []Cond{is("conversation.tags", HasAny, "11"), {Any: []Cond{is("customer.name", IsSet), is("event.actor", Is, "agent")}},
			{None: []Cond{is("message.subject", Contains, "x")}}}},
		Then: []Action{{Do: DoTags, Add: []int64{12}, Remove: []int64{11, 13}}, {Do: DoAssign, Agent: ptr(0)}, {Do: DoStatus, Status: "closed"},
			{Do: DoNote, Text: "x"}, {Do: DoAssign, Agent: ptr(7)}, {Do: DoStop}},
		Limits: Limits{CoolDown: 1440},
	}
	want := `When the assignee changes from nobody to Ann or Ben, and if the tags include any of urgent, ` +
		`(the customer's name is set or who did it is an agent) and (not: the message's subject contains "x"): ` +
		`add the tag order and remove the tags urgent and tag 13, then assign it to nobody, then set the status to closed, ` +
		`then add a note, then assign it to Ann, then stop: do not consider later workflows.`
	if got := Sentence(d, people); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	p := Describe(d, people)
	if len(p.If) != 7 || p.If[0] != (Line{0, "all of these"}) || p.If[3] != (Line{2, "the customer's name is set"}) {
		t.Errorf("lines %+v", p.If)
	}
	if strings.Join(p.Limits, "; ") != "once per event; not again within 1 day" {
		t.Errorf("limits %q", p.Limits)
	}
	if got := Sentence(Definition{If: is("x", "y", "z")}, nil); got == "" {
		t.Error("a faulty definition has no words")
	}
}
