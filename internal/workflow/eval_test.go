package workflow

import (
	"strings"
	"testing"
	"time"

	"postroom"
	"postroom/internal/calendar"
)

// at is the time of the events in these tests: 31 January 2026, noon.
var at = time.Date(2026, 1, 31, 12, 0, 0, 0, time.UTC).UnixMilli()

const hour = int64(3_600_000)

// closed is the event of an agent's Send & Close.
func closed() *postroom.Event {
	return &postroom.Event{
		ID: 9, ConversationID: 3, Seq: 4, Kind: postroom.StatusChanged, Root: 8,
		Actor: postroom.Actor{Kind: postroom.ByAgent, ID: 7}, Path: postroom.PathSend,
		Payload: postroom.Payload{From: "active", To: "closed"}, At: at, FinalAt: at,
		After: postroom.Snapshot{
			Number: 1042, MailboxID: 2, CustomerID: 5, Status: postroom.Closed, AssigneeID: 7,
			Tags: []int64{11, 12}, Received: 2, Replies: 1, CreatedAt: at - 48*hour,
			LastCustomerAt: at - 2*hour, LastAgentAt: at, LastHumanAt: at,
		},
	}
}

// record is everything known about closed.
func record(e *postroom.Event) Record {
	subject := "Order 77 has not arrived"
	return Record{
		Event:    e,
		Customer: &postroom.Customer{ID: 5, Name: "Maria Lind", Language: "de", Company: "Lind Ceramics", Addresses: []string{"maria@example.com", "m.lind@work.example"}},
		Former:   &postroom.Customer{ID: 6, Name: "Otto", Addresses: []string{"otto@elsewhere.example"}},
		Subject:  &subject,
		Message: &postroom.Message{
			Kind: postroom.Received, From: postroom.Address{Address: "Maria@Example.com"},
			To:      []postroom.Address{{Address: "help@acme.example"}, {Address: "sales@acme.example"}},
			Subject: "Re: ORDER 77", Text: "Where is it?\n> quoted", VisibleText: "Where is it?",
			Class: postroom.Human, Verified: true, Attachments: []postroom.Attachment{{Name: "a.png"}},
		},
		Headers: func(name string) []string {
			return map[string][]string{"x-priority": {"1"}, "received": {"by a", "by b"}}[name]
		},
		Mail:   &postroom.Mail{Automatic: true, Recipients: []postroom.MailRecipient{{Address: "Maria@example.com"}, {Address: "boss@work.example"}}},
		Root:   &postroom.Event{Kind: postroom.ReplySent, Actor: postroom.Actor{Kind: postroom.ByAgent, ID: 7}},
		Rating: &postroom.Rating{Value: postroom.RatedBad, Comment: "Too slow."},
		Office: calendar.New(1, 1, "Support", calendar.Usual("UTC")),
	}
}

func is(fact string, op Op, values ...string) Cond { return Cond{Fact: fact, Op: op, Values: values} }

// on makes a workflow on status.changed with a note.
func on(cond Cond) Definition {
	return Definition{When: When{Event: postroom.StatusChanged}, If: cond, Then: []Action{{Do: DoNote, Text: "x"}}}
}

func compile(t testing.TB, d Definition, id int64) *Version {
	t.Helper()
	v, err := Compile(d, Identity{WorkflowID: id, Number: 1, Name: "W"})
	if err != nil {
		t.Fatalf("compile: %v", err)
	}
	return v
}

// W9: typed operators over facts; missing is unknown.
func TestConditions(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		cond Cond
		want Truth
	}{
		{is("customer.name", Is, "maria lind"), True},
		{is("customer.name", IsNot, "maria lind"), False},
		{is("customer.name", Contains, "LIND"), True},
		{is("customer.name", NotContains, "x"), True},
		{is("customer.name", Starts, "mar"), True},
		{is("customer.name", Ends, "nd"), True},
		{is("customer.name", Ends, "ma"), False},
		{is("customer.name", Matches, `^M\w+ L`), True},
		{is("customer.name", Matches, `^l`), False},
		{is("customer.name", OneOf, "Ann", "MARIA LIND"), True},
		{is("customer.name", IsSet), True},
		{is("customer.name", NotSet), False},
		{is("customer.address", Is, "M.Lind@work.example"), True},         // any of them
		{is("customer.address", IsNot, "m.lind@work.example"), False},     // none of them
		{is("customer.address", NotContains, "@example.com"), False},      // none of them
		{is("customer.domain", OneOf, "work.example", "a.example"), True}, // any of them
		{is("customer.domain", IsNot, "elsewhere.example"), True},
		{is("conversation.number", Is, "1042"), True},
		{is("conversation.number", IsNot, "1042"), False},
		{is("conversation.number", Greater, "1041"), True},
		{is("conversation.number", Greater, "1042"), False},
		{is("conversation.number", Less, "1043"), True},
		{is("conversation.status", Is, "closed"), True},
		{is("conversation.status", IsNot, "spam"), True},
		{is("conversation.status", OneOf, "active", "pending"), False},
		{is("conversation.status", Changed), True},
		{is("conversation.status", ChangedFrom, "active"), True},
		{is("conversation.status", ChangedFrom, "pending"), False},
		{is("conversation.status", ChangedTo, "closed"), True},
		{is("conversation.assignee", Is, "7"), True},
		{is("conversation.assignee", IsNot, "7"), False},
		{is("conversation.assignee", OneOf, "6", "7"), True},
		{is("conversation.assignee", IsSet), True},
		{is("conversation.assignee", NotSet), False},
		{is("conversation.assignee", Changed), False}, // the status did
		{is("conversation.assignee", ChangedTo, "7"), False},
		{is("conversation.mailbox", Is, "2"), True},
		{is("conversation.tags", HasAny, "12", "99"), True},
		{is("conversation.tags", HasAny, "99"), False},
		{is("conversation.tags", HasAll, "11", "12"), True},
		{is("conversation.tags", HasAll, "11", "99"), False},
		{is("conversation.tags", HasNone, "98", "99"), True},
		{is("conversation.tags", HasNone, "11"), False},
		{is("conversation.tags", IsSet), True},
		{is("conversation.subject", Contains, "order 77"), True},
		{is("conversation.created", Before, "2026-01-30"), True},
		{is("conversation.created", After, "2026-01-29T11:00:00Z"), True},
		{is("conversation.created", After, "2026-01-29T13:00:00+01:00"), False},
		{is("conversation.created", Within, "3d"), True},
		{is("conversation.created", Within, "47h"), False},
		{is("conversation.created", Older, "47h"), True},
		{is("conversation.created", Older, "1w"), False},
		{is("conversation.waiting_since", NotSet), True},
		{is("conversation.waiting_since", Within, "1h"), Unknown}, // nobody waits
		{is("conversation.received", Is, "2"), True},
		{is("conversation.replies", Less, "2"), True},
		{is("conversation.notes", Is, "0"), True},
		{is("conversation.last_customer_at", Within, "120m"), True},
		{is("conversation.last_human_at", IsSet), True},
		{is("message.from", Is, "maria@example.com"), True},
		{is("message.to", Is, "sales@acme.example"), True},
		{is("message.cc", IsSet), False},
		{is("message.cc", IsNot, "x@acme.example"), True},
		{is("message.subject", Contains, "order"), True},
		{is("message.body", Contains, "quoted"), False},
		{is("message.body", Is, "where is it?"), True},
		{is("message.class", Is, "human"), True},
		{is("message.verified", Is, "true"), True},
		{is("message.verified", Is, "false"), False},
		{is("message.has_attachments", Is, "true"), True},
		{is("message.header.X-Priority", Is, "1"), True},
		{is("message.header.Received", Ends, "b"), True},
		{is("message.header.X-Other", NotSet), True},
		{is("message.header.X-Other", Is, "1"), False},
		{is("event.actor", Is, "agent"), True},
		{is("event.path", OneOf, "send", "menu"), True},
		{is("event.from", Is, "active"), True},
		{is("event.to", IsNot, "closed"), False},
		{is("event.depth", Is, "0"), True},
		{is("cause.workflow", NotSet), True},
		{is("cause.actor", Is, "agent"), True},
		{is("cause.event", Is, "reply.sent"), True},
		{is("cause.event", Is, "message.received"), False},
		{is("conversation.deleted", Is, "false"), True},
		{is("conversation.closed_at", NotSet), True},
		{is("conversation.mailbox", Changed), False},
		{is("conversation.subject", Changed), False},
		{is("message.attachment", Ends, ".png"), True},
		{is("message.attachment", Ends, ".exe"), False},
		{is("mail.code", Is, "550"), Unknown}, // the event is about no mail
		{is("mail.words", Contains, "x"), Unknown},
		{is("rating.comment", Contains, "slow"), Unknown}, // and is no rating
		{is("conversation.rating", Is, "none"), True},
		{is("conversation.rating", Changed), False},
		{is("cause.workflow", Is, "3"), False},
	} {
		v := compile(t, on(c.cond), 1)
		e := closed()
		if got := v.cond.eval(newReading(e, NewFacts(record(e)))); got != c.want {
			t.Errorf("%s: %v, want %v", c.cond.leafWords(nil), got, c.want)
		}
	}
}

// Every fact is asked once, and each operator of the schema is tried.
func TestEveryFactHasAValue(t *testing.T) {
	t.Parallel()
	e := closed()
	e.Payload.RatingID, e.Payload.MailID, e.Payload.Code, e.Payload.Words = 5, 4, 550, "no such user"
	facts, nothing := NewFacts(record(e)), NewFacts(Record{})
	for _, f := range Schema() {
		name := oneOf(f)
		if !facts.Value(name).Known() {
			t.Errorf("%s: missing although everything is known", name)
		}
		if nothing.Value(name).Known() {
			t.Errorf("%s: known although nothing is", name)
		}
		if f.Label == "" || len(f.Ops) == 0 || (f.Kind == KindChoice && !strings.Contains(f.Name, ".field.")) != (len(f.Choices) > 0) ||
			(f.Kind == KindRef || f.Kind == KindSet) != (f.Ref != "") {
			t.Errorf("%s: its row of the schema is not complete", f.Name)
		}
		for _, op := range f.Ops {
			if _, ok := operator(op); !ok {
				t.Errorf("%s: operator %s is in no table", f.Name, op)
			}
			if past[op] == [2]string{} {
				t.Errorf("%s: operator %s has no words for why not", f.Name, op)
			}
		}
	}
	if facts.Value("customer.shoes").Known() || facts.Value("x").Known() {
		t.Error("a fact that does not exist has a value")
	}
}

// Missing is unknown in three-valued logic, and unknown is not false (W9).
func TestThreeValues(t *testing.T) {
	t.Parallel()
	yes, no := is("conversation.number", Is, "1042"), is("conversation.number", Is, "1")
	missing := is("customer.name", Is, "x")
	group := func(kind string, conds ...Cond) Cond {
		return map[string]Cond{"all": {All: conds}, "any": {Any: conds}, "none": {None: conds}}[kind]
	}
	for _, c := range []struct {
		kind  string
		conds []Cond
		want  Truth
	}{
		{"all", []Cond{yes, yes}, True},
		{"all", []Cond{yes, no}, False},
		{"all", []Cond{yes, missing}, Unknown},
		{"all", []Cond{missing, no}, False},
		{"any", []Cond{no, yes}, True},
		{"any", []Cond{no, no}, False},
		{"any", []Cond{no, missing}, Unknown},
		{"any", []Cond{missing, yes}, True},
		{"none", []Cond{no, no}, True},
		{"none", []Cond{no, yes}, False},
		{"none", []Cond{no, missing}, Unknown},
		{"none", []Cond{missing, yes}, False},
	} {
		v := compile(t, on(group(c.kind, c.conds...)), 1)
		e := closed()
		if got := v.cond.eval(newReading(e, NewFacts(Record{Event: e}))); got != c.want {
			t.Errorf("%s of %d: %v, want %v", c.kind, len(c.conds), got, c.want)
		}
		// The same through a group around it.
		v = compile(t, on(Cond{None: []Cond{group(c.kind, c.conds...)}}), 1)
		if got := v.cond.eval(newReading(e, NewFacts(Record{Event: e}))); got != not(c.want) {
			t.Errorf("none of %s: %v, want %v", c.kind, got, not(c.want))
		}
	}
}

func TestAssigneeChangedFromNobody(t *testing.T) {
	t.Parallel()
	e := closed()
	e.Kind, e.Payload = postroom.AssigneeChanged, postroom.Payload{To: "7"}
	d := Definition{
		When: When{Event: postroom.AssigneeChanged, From: []string{"0"}, To: []string{"7"}},
		If: Cond{All: []Cond{is("conversation.assignee", ChangedFrom, "0"), is("conversation.assignee", ChangedTo, "7"),
			is("event.from", Is, "0"), is("event.to", Is, "7")}},
		Then: []Action{{Do: DoNote, Text: "x"}},
	}
	j := Judge(NewSet(1, []Entry{{compile(t, d, 1), Enabled}}), e, NewFacts(Record{Event: e}), Inputs{})
	if len(j.Matches) != 1 {
		t.Errorf("given to agent 7 by nobody: %s", j.Vector())
	}
}

func TestOnlyTheBeginningOfALongTextIsLookedAt(t *testing.T) {
	t.Parallel()
	e := closed()
	r := record(e)
	r.Message.VisibleText = strings.Repeat("x", MaxTextExamined) + "needle"
	v := compile(t, on(Cond{Any: []Cond{is("message.body", Contains, "needle"), is("message.body", Matches, "needle")}}), 1)
	if got := v.cond.eval(newReading(e, NewFacts(r))); got != False {
		t.Errorf("found beyond the limit: %v", got)
	}
}
