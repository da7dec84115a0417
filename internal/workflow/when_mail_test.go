package workflow

import (
	"testing"

	"postroom"
)

// W8, W9: what became of a mail can be asked about, with the server's own words.
func TestFactsOfAMail(t *testing.T) {
	t.Parallel()
	e := closed()
	e.Kind, e.Actor, e.Path = postroom.MailFailed, postroom.System, postroom.PathSystem
	e.Payload = postroom.Payload{MailID: 4, Code: 550, Words: "550 5.1.1 No such user"}
	for _, c := range []struct {
		cond Cond
		want Truth
	}{
		{is("mail.sort", Is, string(WorkflowReply)), True},
		{is("mail.sort", OneOf, string(AgentReply), string(AsideMail)), False},
		{is("mail.address", Is, "maria@example.com"), True},
		{is("mail.address", Contains, "@work.example"), True},
		{is("mail.words", Contains, "no such user"), True},
		{is("mail.code", Is, "550"), True},
		{is("mail.code", Less, "500"), False},
		{is("cause.workflow", NotSet), True},
	} {
		d := on(c.cond)
		d.When.Event = e.Kind
		if got := compile(t, d, 1).cond.eval(newReading(e, NewFacts(record(e)))); got != c.want {
			t.Errorf("%s: %v, want %v", c.cond.leafWords(nil), got, c.want)
		}
	}
	if got := sortOf(&postroom.Mail{}); got != AgentReply {
		t.Errorf("a mail of an agent is %q", got)
	}
	if got := sortOf(&postroom.Mail{Automatic: true, Aside: true}); got != AsideMail {
		t.Errorf("a mail to somebody else is %q", got)
	}
}

// A change of mailbox is filtered and asked about by mailbox, in words.
func TestMovedConversation(t *testing.T) {
	t.Parallel()
	names := Names(func(kind Ref, id int64) string {
		return map[Ref]map[int64]string{RefMailbox: {3: "Sales", 4: "Support"}}[kind][id]
	})
	e := closed()
	e.Kind, e.Payload = postroom.ConversationMoved, postroom.Payload{From: "3", To: "4"}
	d := on(is("conversation.mailbox", ChangedFrom, "3"))
	d.When = When{Event: postroom.ConversationMoved, To: []string{"4"}}
	if got, want := Sentence(d, names), "When a conversation is moved to Support, and if the mailbox changed from Sales: add a note."; got != want {
		t.Errorf("%q, want %q", got, want)
	}
	set := NewSet(1, []Entry{{compile(t, d, 1), Enabled}})
	if j := Judge(set, e, NewFacts(record(e)), Inputs{}); j.Vector() != "1.1m" {
		t.Errorf("judged %q", j.Vector())
	}
	e.Payload.To = "5"
	x, _ := Explain(set, e, NewFacts(record(e)), Inputs{}, names)
	if got, want := x[0].Reason, "Its When does not fit: changed to mailbox 5, not Support."; got != want {
		t.Errorf("%q, want %q", got, want)
	}
}
