package desktest_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"postroom"
	. "postroom/internal/desktest"
	"postroom/internal/store"
)

// unchanged says what would differ if anything had happened to a conversation.
func unchanged(d *Desk, c *postroom.Conversation) string {
	now := d.Conversation(c.ID)
	return fmt.Sprintf("%s, %d, %v, seq %d, %d messages", now.Status, now.AssigneeID, now.Tags, now.Seq, len(d.Messages(c.ID)))
}

// TestCloseByMail is W26's count for the mail command, from the mail programs
// that people have: the command alone is one mail, the notice; with a text it
// is two, the reply first. All timestamps are equal.
func TestCloseByMail(t *testing.T) {
	t.Parallel()
	Each(t, func(t *testing.T, d *Desk) {
		d.ClosingNotice()
		for _, shape := range d.ClientShapes() {
			c := d.CustomerWrites("Jane <"+shape+"@customer.example>", "Printer "+shape, "It burns.")
			told := d.Notify("ann", c)
			in := d.AgentAnswers(AnswerLetter{To: told, Shape: shape, Text: "@close"})
			if in.State != store.InboundDone || in.ConversationID != c.ID || in.MessageID != 0 {
				t.Fatalf("%s: the answer is %s: %s", shape, in.State, in.Words)
			}
			d.ExpectMails("auto:closed")
			if now := d.Conversation(c.ID); now.Status != postroom.Closed || now.Replies != 1 || len(d.Messages(c.ID)) != 2 {
				t.Errorf("%s: %s with %d replies and %d messages", shape, now.Status, now.Replies, len(d.Messages(c.ID)))
			}

			c = d.CustomerWrites("Jane <"+shape+"@customer.example>", "Another "+shape, "It burns again.")
			told = d.Notify("ann", c)
			in = d.AgentAnswers(AnswerLetter{To: told, Shape: shape, Text: "@close @assign me\n\nDear Jane,\npull the plug.\n\nAnn"})
			if in.State != store.InboundDone || in.ConversationID != c.ID {
				t.Fatalf("%s: the answer is %s: %s", shape, in.State, in.Words)
			}
			got := d.ExpectMails("pull the plug.", "auto:closed")
			for _, m := range got {
				if m.To != shape+"@customer.example" || strings.Contains(m.Text+m.HTML, "@close") || strings.Contains(m.Text+m.HTML, "difficult customer") {
					t.Errorf("%s: to %s goes\n%s\n%s", shape, m.To, m.Text, m.HTML)
				}
			}
			if now := d.Conversation(c.ID); now.Status != postroom.Closed || now.AssigneeID != d.Agent("ann").ID {
				t.Errorf("%s: %s, assigned to %d", shape, now.Status, now.AssigneeID)
			}
			if n := d.CountEvents(c.ID, postroom.StatusChanged); n != 1 {
				t.Errorf("%s: %d changes of status", shape, n)
			}
		}
	})
}

// TestWhatCommandsDo: each command by itself and several together, with the
// path of their events.
func TestWhatCommandsDo(t *testing.T) {
	t.Parallel()
	Each(t, func(t *testing.T, d *Desk) {
		d.ClosingNotice()
		d.AddAgent("benno", postroom.Member)
		ann, ben := d.Agent("ann").ID, d.Agent("ben").ID
		d.Write(func(tx *store.Tx) error { _, err := tx.FindOrAddTag(d.Ctx, d.ID(), "big customer"); return err })
		for _, x := range []struct {
			text   string
			status postroom.Status
			who    int64
			tags   int
			kind   postroom.MessageKind
			mails  []string
		}{
			{"@pending", postroom.Pending, 0, 0, "", nil},
			{"@active", postroom.Active, 0, 0, "", nil},
			{"@spam", postroom.Spam, 0, 0, "", nil},
			{"@assign me", postroom.Active, ann, 0, "", nil},
			{"@assign ben", postroom.Active, ben, 0, "", nil},
			{"@assign \"Ben\"", postroom.Active, ben, 0, "", nil},
			{"@assign ben@acme.example", postroom.Active, ben, 0, "", nil},
			{"@assign nobody", postroom.Active, 0, 0, "", nil},
			{"@tag vip, \"two words\" @tag big customer", postroom.Active, 0, 3, "", nil},
			{"@note\nShe called.", postroom.Active, 0, 0, postroom.Note, nil},
			{"@note @close\nShe called, all is well.", postroom.Closed, 0, 0, postroom.Note, []string{"auto:closed"}},
			{"Pull the plug.", postroom.Active, 0, 0, postroom.Reply, []string{"Pull the plug."}},
			{"@pending @assign ben @tag vip\nPull the plug.", postroom.Pending, ben, 1, postroom.Reply, []string{"Pull the plug."}},
			{"@spam\nLeave us alone.", postroom.Spam, 0, 0, postroom.Reply, nil},
		} {
			c := d.CustomerWrites("Jane <jane@customer.example>", "Printer", "It burns.")
			in := d.AgentAnswers(AnswerLetter{To: d.Notify("ann", c), Text: x.text, Shape: "gmail"})
			if in.State != store.InboundDone {
				t.Fatalf("%q is %s: %s", x.text, in.State, in.Words)
			}
			d.ExpectMails(x.mails...)
			now, all := d.Conversation(c.ID), d.Messages(c.ID)
			if now.Status != x.status || now.AssigneeID != x.who || len(now.Tags) != x.tags {
				t.Errorf("%q makes it %s, %d, %v", x.text, now.Status, now.AssigneeID, now.Tags)
			}
			if x.kind != "" && all[1].Kind != x.kind || x.kind == "" && len(all) > 1 && x.status != postroom.Closed {
				t.Errorf("%q adds %d messages, the first a %s", x.text, len(all)-1, all[min(1, len(all)-1)].Kind)
			}
			events, err := d.Store.Read().Events(d.Ctx, c.ID)
			if err != nil {
				t.Fatal(err)
			}
			for _, e := range events {
				if e.Actor == (postroom.Actor{Kind: postroom.ByAgent, ID: ann}) && (e.Path != postroom.PathCommand || e.FinalAt != e.At) {
					t.Errorf("%q: %s came by %s and is final %d ms later", x.text, e.Kind, e.Path, e.FinalAt-e.At)
				}
			}
		}
	})
}

// TestAnswersThatGoBack: what cannot be understood returns to the agent whole,
// with the list of commands; nothing reaches the customer or changes anything.
// Sent again as an answer to that mail it acts.
func TestAnswersThatGoBack(t *testing.T) {
	t.Parallel()
	Each(t, func(t *testing.T, d *Desk) {
		d.ClosingNotice()
		d.AddAgent("anna", postroom.Member)
		c := d.CustomerWrites("Jane <jane@customer.example>", "Printer", "It burns.")
		told := d.Notify("ann", c)
		before := unchanged(d, c)
		var back Mail
		for _, x := range []struct{ text, why string }{
			{"@clsoe\n\nDear Jane, farewell.", "Did you mean @close?"},
			{"@ann thanks a lot", "@@ann"},
			{"Dear Jane, farewell.\n@close", "stands in your text"},
			{"@close @pending", "two statuses"},
			{"@assign an\nDear Jane", "may mean several: Ann (ann@acme.example), Anna (anna@acme.example)"},
			{"@assign Ben thanks for your mail", "nobody who answers in this mailbox is called “Ben thanks for your mail”"},
			{"@assign zoe", "There are: Ann (ann@acme.example)"},
			{"@tag thanks for all", "there is no tag “thanks for all”"},
			{"@note", "@note stands without a text"},
			{"@tag", "stands without a name"},
		} {
			d.Pass(time.Hour)
			in := d.AgentAnswers(AnswerLetter{To: told, Shape: "apple_mail", Text: x.text})
			if in.State != store.InboundRefused || in.ConversationID != 0 {
				t.Errorf("%q is %s: %s", x.text, in.State, in.Words)
			}
			back = d.ExpectMails("auto:" + x.why)[0]
			for _, want := range append(strings.Split(x.text, "\n"), "@assign NAME", "Nothing was sent to the customer") {
				if !strings.Contains(back.Text, want) {
					t.Errorf("%q goes back without %q:\n%s", x.text, want, back.Text)
				}
			}
			if back.To != "ann@acme.example" || !strings.HasPrefix(back.Subject, "Not done: [#") {
				t.Errorf("%q goes back to %s as %q", x.text, back.To, back.Subject)
			}
			if now := unchanged(d, c); now != before {
				t.Fatalf("%q made of %s %s", x.text, before, now)
			}
		}
		for _, m := range d.Mails(c.ID) {
			if m.AgentID != d.Agent("ann").ID || m.Class != postroom.NotificationClass || !m.Automatic || m.State != postroom.MailDone {
				t.Errorf("a mail of the conversation: %+v", m)
			}
		}
		in := d.AgentAnswers(AnswerLetter{To: back, Shape: "outlook_web", Text: "@close\nDear Jane, farewell."})
		if in.State != store.InboundDone {
			t.Fatalf("an answer to the mail that went back is %s: %s", in.State, in.Words)
		}
		d.ExpectMails("farewell", "auto:closed")
	})
}

// TestSpoofedAnswers is T12's table from the other side: nothing reaches a
// customer, and no conversation changes.
func TestSpoofedAnswers(t *testing.T) {
	t.Parallel()
	Each(t, func(t *testing.T, d *Desk) {
		d.ClosingNotice()
		d.AddAgent("eve", postroom.Member)
		d.AddAgent("ida", postroom.Member)
		c := d.CustomerWrites("Jane <jane@customer.example>", "Printer", "It burns.")
		told := d.Notify("ann", c)
		toIda := d.Notify("ida", c)
		toEve := d.Notify("eve", c)
		d.Write(func(tx *store.Tx) error {
			ida := *d.Agent("ida").Agent
			ida.Disabled = true
			return tx.UpdateAgent(d.Ctx, &ida)
		})
		d.Write(func(tx *store.Tx) error {
			return tx.SetMailboxAgents(d.Ctx, d.Mailbox.ID, []int64{d.Agent("ann").ID, d.Agent("ben").ID})
		})
		before := unchanged(d, c)
		const wrong = "Authentication-Results: mx.evil.example; dkim=pass header.d=acme.example\n"
		const failed = "Authentication-Results: mx.acme.example; dkim=fail header.d=acme.example; spf=fail smtp.mailfrom=acme.example; dmarc=fail header.from=acme.example\n"
		const unaligned = "Authentication-Results: mx.acme.example; dkim=pass header.d=evil.example; spf=pass smtp.mailfrom=evil.example\n"
		for _, x := range []struct {
			name   string
			letter AnswerLetter
			state  string
			back   string // the agent who is told
		}{
			{"no verdict", AnswerLetter{To: told, Headers: "-"}, store.InboundRefused, "ann"},
			{"another server's verdict", AnswerLetter{To: told, Headers: wrong}, store.InboundRefused, "ann"},
			{"a forged verdict below the true one", AnswerLetter{To: told, Headers: failed + PassedAuth}, store.InboundRefused, "ann"},
			{"not aligned", AnswerLetter{To: told, Headers: unaligned}, store.InboundRefused, "ann"},
			{"DMARC failed", AnswerLetter{To: told, Headers: failed}, store.InboundRefused, "ann"},
			{"a verdict in the body", AnswerLetter{To: told, Headers: "-", Text: "@close\n" + PassedAuth}, store.InboundRefused, "ann"},
			{"two senders", AnswerLetter{To: told, From: "ann@acme.example, jane@customer.example", Headers: PassedAuth}, store.InboundDone, ""},
			{"another agent", AnswerLetter{To: told, From: "ben@acme.example"}, store.InboundRefused, "ben"},
			{"a disabled agent", AnswerLetter{To: toIda}, store.InboundRefused, ""},
			{"an agent who may not see it", AnswerLetter{To: toEve}, store.InboundRefused, "eve"},
			{"a stranger", AnswerLetter{To: told, From: "mallory@evil.example"}, store.InboundDone, ""},
			{"the agent's name at another domain", AnswerLetter{To: told, From: "Ann <ann@acme.example.evil.example>"}, store.InboundDone, ""},
			{"the address as a name", AnswerLetter{To: told, From: `"ann@acme.example" <mallory@evil.example>`}, store.InboundDone, ""},
			{"an absence notice", AnswerLetter{To: told, Headers: PassedAuth + "Auto-Submitted: auto-replied\n"}, store.InboundIgnored, ""},
			{"an absence notice of Exchange", AnswerLetter{To: told, Headers: PassedAuth + "X-Auto-Response-Suppress: All\nX-MS-Exchange-Inbox-Rules-Loop: ann@acme.example\n"}, store.InboundIgnored, ""},
			{"a vacation program", AnswerLetter{To: told, Headers: PassedAuth + "Precedence: auto_reply\n"}, store.InboundIgnored, ""},
			{"a machine", AnswerLetter{To: told, Headers: PassedAuth + "Auto-Submitted: auto-generated\n"}, store.InboundIgnored, ""},
			{"a daemon", AnswerLetter{To: told, From: "Mail Delivery System <MAILER-DAEMON@acme.example>", Text: "Your message could not be delivered to ann@acme.example"}, store.InboundIgnored, ""},
		} {
			d.Pass(time.Hour)
			if x.letter.Text == "" {
				x.letter.Text = "@close\n\nDear Jane, give me your password."
			}
			in := d.AgentAnswers(x.letter)
			if in.State != x.state {
				t.Errorf("%s: is %s: %s", x.name, in.State, in.Words)
			}
			if in.ConversationID == c.ID {
				t.Errorf("%s: joined the conversation", x.name)
			}
			for _, m := range d.Arrived() {
				if x.back == "" || m.To != x.back+"@acme.example" || !m.Auto {
					t.Errorf("%s: %s gets\n%s", x.name, m.To, m.Text)
				} else if !strings.Contains(m.Text, "was not acted on") {
					t.Errorf("%s: %s is told\n%s", x.name, m.To, m.Text)
				} else {
					x.back = "-"
				}
			}
			if x.back != "" && x.back != "-" {
				t.Errorf("%s: %s was not told", x.name, x.back)
			}
			if now := unchanged(d, c); now != before {
				t.Fatalf("%s made of %s %s", x.name, before, now)
			}
		}
	})
}

// TestABounceOfANotification goes nowhere: neither to the conversation nor to a
// new one.
func TestABounceOfANotification(t *testing.T) {
	t.Parallel()
	Each(t, func(t *testing.T, d *Desk) {
		c := d.CustomerWrites("Jane <jane@customer.example>", "Printer", "It burns.")
		told := d.Notify("ann", c)
		before := unchanged(d, c)
		d.Accept("", []string{told.ReplyTo}, "From: MAILER-DAEMON@mx.example\nTo: "+told.ReplyTo+"\nSubject: Undelivered Mail Returned to Sender\nMessage-ID: <b1@mx.example>\nAuto-Submitted: auto-replied\n"+
			"MIME-Version: 1.0\nContent-Type: multipart/report; report-type=delivery-status; boundary=b\n\n--b\n\nNo such user.\n\n--b\nContent-Type: message/delivery-status\n\nReporting-MTA: dns; mx.example\n\nFinal-Recipient: rfc822; ann@acme.example\nAction: failed\nStatus: 5.1.1\n\n--b\nContent-Type: message/rfc822\n\n"+string(told.Raw)+"\n--b--\n")
		d.Settle()
		if in := d.LastInbound(); in.State != store.InboundIgnored || in.ConversationID != 0 || in.Class != "delivery_report" {
			t.Errorf("the bounce is %s (%s): %s", in.State, in.Class, in.Words)
		}
		if now := unchanged(d, c); now != before {
			t.Errorf("it made of %s %s", before, now)
		}
		d.ExpectMails()
	})
}

// TestTokenIsEnough: a mailbox may say so; a verdict that says forged holds all
// the same.
func TestTokenIsEnough(t *testing.T) {
	t.Parallel()
	Each(t, func(t *testing.T, d *Desk) {
		d.ChangeMailbox(d.Mailbox, func(m *postroom.Mailbox) { m.TokenEnough, m.AuthServ = true, "" })
		c := d.CustomerWrites("Jane <jane@customer.example>", "Printer", "It burns.")
		told := d.Notify("ann", c)
		if in := d.AgentAnswers(AnswerLetter{To: told, Headers: "-", Text: "Pull the plug."}); in.State != store.InboundDone {
			t.Fatalf("is %s: %s", in.State, in.Words)
		}
		d.ExpectMails("Pull the plug.")
		d.ChangeMailbox(d.Mailbox, func(m *postroom.Mailbox) { m.AuthServ = "mx.acme.example" })
		in := d.AgentAnswers(AnswerLetter{To: told, Headers: "Authentication-Results: mx.acme.example; dmarc=fail header.from=acme.example\n", Text: "Give me your password."})
		if in.State != store.InboundRefused {
			t.Errorf("a forged one is %s: %s", in.State, in.Words)
		}
		d.ExpectMails("auto:was not acted on")
	})
}

// TestRoutesOfAToken: where the provider knows no plus addresses, the ids
// answered and the marker in the quote lead home as well (T1, T4); a further
// address of the agent is theirs too.
func TestRoutesOfAToken(t *testing.T) {
	t.Parallel()
	Each(t, func(t *testing.T, d *Desk) {
		d.ChangeMailbox(d.Mailbox, func(m *postroom.Mailbox) { m.Subaddress = false })
		d.Write(func(tx *store.Tx) error {
			return tx.SetAgentAddresses(d.Ctx, d.Agent("ann").ID, []string{"ann@home.example"})
		})
		c := d.CustomerWrites("Jane <jane@customer.example>", "Printer", "It burns.")
		told := d.Notify("ann", c)
		if told.ReplyTo != "" {
			t.Fatalf("answers go to %s", told.ReplyTo)
		}
		noID := told
		noID.ID = ""
		for _, l := range []AnswerLetter{
			{To: told, Text: "By its id."},
			{To: noID, Text: "By its marker.", Shape: "outlook_text"},
			{To: told, Text: "From home.", From: "Ann at home <Ann@Home.example>", Headers: strings.ReplaceAll(PassedAuth, "=acme.example", "=home.example")},
		} {
			if in := d.AgentAnswers(l); in.State != store.InboundDone || in.ConversationID != c.ID {
				t.Errorf("%s: is %s: %s", l.Text, in.State, in.Words)
			}
			d.ExpectMails(l.Text)
		}
	})
}

// TestALeakedNotification: neither the customer nor a stranger gets into the
// conversation by a notification that came into their hands; what they write
// is kept as a conversation of its own. Evidence of their own still counts for
// those who take part.
func TestALeakedNotification(t *testing.T) {
	t.Parallel()
	Each(t, func(t *testing.T, d *Desk) {
		c := d.CustomerWrites("Jane <jane@customer.example>", "Printer", "It burns.")
		d.Agent("ann").Reply(c, "Pull the plug.")
		d.Settle()
		reply := d.ExpectMails("Pull the plug.")[0]
		told := d.Notify("ann", c)
		before := unchanged(d, c)
		for _, from := range []string{"Jane <jane@customer.example>", "Mallory <mallory@evil.example>"} {
			in := d.AgentAnswers(AnswerLetter{To: told, From: from, Shape: "gmail", Text: "@close What do you say about me?"})
			if in.State != store.InboundDone || in.ConversationID == c.ID || in.ConversationID == 0 {
				t.Errorf("%s: %s, conversation %d: %s", from, in.State, in.ConversationID, in.Words)
			}
		}
		// A stranger who knows an id as well gets no further with it.
		in := d.AgentAnswers(AnswerLetter{To: told, From: "mallory@evil.example", Headers: "References: <" + reply.ID + ">\n", Text: "Let me in."})
		if in.ConversationID == c.ID {
			t.Errorf("a stranger joined: %s", in.Evidence)
		}
		if now := unchanged(d, c); now != before {
			t.Errorf("it made of %s %s", before, now)
		}
		both := told
		both.ID = reply.ID
		if in := d.AgentAnswers(AnswerLetter{To: both, From: "Jane <jane@customer.example>", Text: "I did."}); in.ConversationID != c.ID {
			t.Errorf("the customer's answer to our reply went to %d: %s", in.ConversationID, in.Words)
		}
		d.ExpectMails()
	})
}

// TestAgentsAsCustomers: an agent who writes to the support address is a
// customer, and is acknowledged nothing (T13).
func TestAgentsAsCustomers(t *testing.T) {
	t.Parallel()
	Each(t, func(t *testing.T, d *Desk) {
		d.Shipped("acknowledge")
		c := d.Receive("ann@acme.example", d.Mailbox.Address, d.Raw(Letter{From: "Ann <ann@acme.example>", Subject: "My printer", Headers: PassedAuth, Body: "@close\nIt burns."}))
		if c == nil || c.Status != postroom.Active || d.Customer(c).Email() != "ann@acme.example" {
			t.Fatalf("the mail became %+v", c)
		}
		d.ExpectMails()
		d.CustomerWrites("Jane <jane@customer.example>", "Printer", "It burns.")
		if got := d.Arrived(); len(got) != 1 {
			t.Errorf("a customer gets %d acknowledgements", len(got))
		}
	})
}

// TestStaleAnswers: who answers or closes without having seen what the customer
// wrote since gets it, and decides again; what does not depend on it is done.
func TestStaleAnswers(t *testing.T) {
	t.Parallel()
	Each(t, func(t *testing.T, d *Desk) {
		d.ClosingNotice()
		c := d.CustomerWrites("Jane <jane@customer.example>", "Printer", "It burns.")
		told := d.Notify("ann", c)
		d.Receive("jane@customer.example", told.From, d.Raw(Letter{From: "Jane <jane@customer.example>", Subject: "Re: Printer", InReplyTo: d.LastReceived(c.ID).Header, Body: "The house burns."}))
		before := unchanged(d, c)
		for _, text := range []string{"@close", "@pending", "Pull the plug."} {
			in := d.AgentAnswers(AnswerLetter{To: told, Text: text})
			if in.State != store.InboundRefused || unchanged(d, c) != before {
				t.Errorf("%q is %s, the conversation %s", text, in.State, unchanged(d, c))
			}
			back := d.ExpectMails("auto:Jane wrote again")[0]
			if !strings.Contains(back.Text, "The house burns.") || !strings.Contains(back.Text, text) {
				t.Errorf("what goes back:\n%s", back.Text)
			}
		}
		if in := d.AgentAnswers(AnswerLetter{To: told, Text: "@note @tag vip\nShe is upset."}); in.State != store.InboundDone {
			t.Errorf("a note is %s: %s", in.State, in.Words)
		}
		in := d.AgentAnswers(AnswerLetter{To: told, Text: "@close\nI am on my way."})
		if in.State != store.InboundRefused {
			t.Errorf("an answer is %s: %s", in.State, in.Words)
		}
		back := d.ExpectMails("auto:Jane wrote again")[0]
		d.AgentAnswers(AnswerLetter{To: back, Shape: "iphone", Text: "@close\nI am on my way."})
		d.ExpectMails("I am on my way.", "auto:closed")

		// Closed by somebody else meanwhile: the reply goes, and nothing twice.
		c = d.CustomerWrites("Joe <joe@customer.example>", "Lamp", "It is dark.")
		told = d.Notify("ann", c)
		d.Agent("ben").SetStatus(c, postroom.Closed, postroom.PathMenu)
		d.Settle()
		d.ExpectMails("auto:closed")
		if in := d.AgentAnswers(AnswerLetter{To: told, Text: "@close"}); in.State != store.InboundDone || !strings.Contains(in.Words, "so already") {
			t.Errorf("closing what is closed is %s: %s", in.State, in.Words)
		}
		d.AgentAnswers(AnswerLetter{To: told, Text: "@close\nHere is light."})
		d.ExpectMails("Here is light.")
	})
}

// TestAnAnswerTwice: the same mail acts once, whether a server hands it in twice
// or the agent's provider delivers a copy to another mailbox of ours.
func TestAnAnswerTwice(t *testing.T) {
	t.Parallel()
	Each(t, func(t *testing.T, d *Desk) {
		sales := d.AddMailbox("Sales", "sales@acme.example", nil)
		c := d.CustomerWrites("Jane <jane@customer.example>", "Printer", "It burns.")
		told := d.Notify("ann", c)
		raw := AnswerLetter{To: told, Text: "Pull the plug."}.Raw(d)
		for range 2 {
			d.Accept("ann@acme.example", []string{told.ReplyTo}, raw)
		}
		d.Accept("ann@acme.example", []string{sales.Address}, raw)
		d.Settle()
		d.ExpectMails("Pull the plug.")
		var states []string
		for _, in := range d.Inbounds()[1:] {
			states = append(states, in.State)
		}
		slices.Sort(states)
		if want := []string{store.InboundDone, store.InboundDuplicate, store.InboundRefused}; !slices.Equal(states, want) {
			t.Errorf("the three became %v, want %v", states, want)
		}
		// Sent to the wrong mailbox alone, the agent is told.
		d.Accept("ann@acme.example", []string{sales.Address}, strings.ReplaceAll(AnswerLetter{To: told, Text: "Pull it."}.Raw(d), "To: "+told.ReplyTo, "To: "+sales.Address))
		d.Settle()
		d.ExpectMails("auto:another mailbox")
	})
}

// TestAnswersWithFiles: pictures the words show and files that were attached go
// to the customer; those of the signature and of the quote do not.
func TestAnswersWithFiles(t *testing.T) {
	t.Parallel()
	Each(t, func(t *testing.T, d *Desk) {
		d.ClosingNotice()
		d.ChangeMailbox(d.Mailbox, func(m *postroom.Mailbox) {
			m.Signature, m.AutoBcc = "<p>The Acme team</p>", []string{"archive@acme.example"}
		})
		c := d.CustomerWrites("Jane <jane@customer.example>", "Printer", "It burns.")
		told := d.Notify("ann", c)
		raw := "From: Ann <ann@acme.example>\nTo: " + told.ReplyTo + "\nCc: Joe <joe@partner.example>\nSubject: Re: " + told.Subject + "\nMessage-ID: <files-1@client.example>\nIn-Reply-To: <" + told.ID + ">\n" + PassedAuth +
			"MIME-Version: 1.0\nContent-Type: multipart/mixed; boundary=m\n\n--m\nContent-Type: multipart/related; boundary=r\n\n--r\nContent-Type: text/html; charset=utf-8\n\n" +
			`<html><body><p>@close</p><p>The plug is <b>here</b>: <img src="cid:plug@x"></p><ul><li>pull</li></ul><div class="gmail_signature">Ann <img src="cid:logo@x"></div><div class="gmail_quote"><div class="gmail_attr">On Mon, Mar 2, 2026 Acme wrote:</div><blockquote class="gmail_quote">` + told.HTML + `<img src="cid:old@x"></blockquote></div></body></html>` +
			"\n--r\nContent-Type: image/png; name=plug.png\nContent-ID: <plug@x>\nContent-Disposition: inline\nContent-Transfer-Encoding: base64\n\niVBORw0KGgo=\n--r\nContent-Type: image/png; name=image001.png\nContent-ID: <logo@x>\nContent-Disposition: inline\nContent-Transfer-Encoding: base64\n\niVBORw0KGgoA\n--r\nContent-Type: image/png; name=old.png\nContent-ID: <old@x>\nContent-Transfer-Encoding: base64\n\niVBORw0KGgoB\n--r--\n" +
			"--m\nContent-Type: application/pdf; name=manual.pdf\nContent-Disposition: attachment; filename=manual.pdf\nContent-Transfer-Encoding: base64\n\nJVBERi0=\n--m--\n"
		d.Accept("ann@acme.example", []string{told.ReplyTo}, raw)
		d.Settle()
		if in := d.LastInbound(); in.State != store.InboundDone {
			t.Fatalf("is %s: %s", in.State, in.Words)
		}
		got := d.ExpectMails("The plug is", "auto:closed")
		m := got[0]
		if m.To != "jane@customer.example,archive@acme.example" || strings.Contains(string(m.Raw), "joe@partner") || strings.Contains(string(m.Raw), "archive@") {
			t.Errorf("the reply goes to %s", m.To)
		}
		for _, want := range []string{"<b>here</b>", "<li>pull</li>", "cid:", "The Acme team"} {
			if !strings.Contains(m.HTML, want) {
				t.Errorf("the reply has no %s:\n%s", want, m.HTML)
			}
		}
		files := d.Messages(c.ID)[1].Attachments
		var names []string
		for _, f := range files {
			names = append(names, fmt.Sprint(f.Name, f.Inline))
		}
		slices.Sort(names)
		if !slices.Equal(names, []string{"manual.pdffalse", "plug.pngtrue"}) {
			t.Errorf("the reply has the files %v", names)
		}
	})
}

// TestRepliesByMailGoToTheUsualPeople: whom the customer's last mail named gets
// a copy, but for strangers who are not confirmed, machines and ourselves.
func TestRepliesByMailGoToTheUsualPeople(t *testing.T) {
	t.Parallel()
	Each(t, func(t *testing.T, d *Desk) {
		c := d.Receive("jane@customer.example", d.Mailbox.Address, "From: Jane <jane@customer.example>\nTo: "+d.Mailbox.Address+", bob@customer.example\nCc: Eve <eve@customer.example>, noreply@shop.example\nSubject: Printer\nMessage-ID: <p1@customer.example>\n\nIt burns.\n")
		d.Receive("mallory@evil.example", d.Mailbox.Address, d.Raw(Letter{From: "mallory@evil.example", Subject: "Re: Printer", InReplyTo: "p1@customer.example", Body: "Me too."}))
		d.AgentAnswers(AnswerLetter{To: d.Notify("ann", c), Text: "Pull the plug."})
		if got := d.ExpectMails("Pull the plug.")[0].To; got != "jane@customer.example,bob@customer.example,eve@customer.example" {
			t.Errorf("the reply goes to %s", got)
		}
	})
}

// TestTooManyGoBack: somebody who plays with a token cannot fill an agent's
// mailbox.
func TestTooManyGoBack(t *testing.T) {
	t.Parallel()
	Each(t, func(t *testing.T, d *Desk) {
		c := d.CustomerWrites("Jane <jane@customer.example>", "Printer", "It burns.")
		told := d.Notify("ann", c)
		for range 25 {
			d.Accept("ann@acme.example", []string{told.ReplyTo}, AnswerLetter{To: told, Headers: "-", Text: "Boo"}.Raw(d))
		}
		d.Settle()
		if n := len(d.Arrived()); n != 20 {
			t.Errorf("%d mails went back", n)
		}
		if in := d.LastInbound(); !strings.Contains(in.Words, "not returned") {
			t.Errorf("the last one says %q", in.Words)
		}
	})
}

// TestRepliesByMailFollowTheMailbox: what a mailbox proposes for after a reply
// holds for one by mail, unless a command says otherwise, and for nothing else.
func TestRepliesByMailFollowTheMailbox(t *testing.T) {
	t.Parallel()
	Each(t, func(t *testing.T, d *Desk) {
		d.ChangeMailbox(d.Mailbox, func(m *postroom.Mailbox) {
			m.ReplyStatus, m.ReplyAssignee = postroom.Pending, postroom.AssignMeIfFree
		})
		for text, want := range map[string]postroom.Status{"Hello": postroom.Pending, "@active\nHello": postroom.Active, "@note\nHello": postroom.Active, "@tag x": postroom.Active} {
			c := d.CustomerWrites("Jane <jane@customer.example>", "Printer", "It burns.")
			d.AgentAnswers(AnswerLetter{To: d.Notify("ann", c), Text: text})
			now := d.Conversation(c.ID)
			if now.Status != want || (now.AssigneeID == d.Agent("ann").ID) != (now.Replies == 1) {
				t.Errorf("%q makes it %s, of %d", text, now.Status, now.AssigneeID)
			}
		}
	})
}

// TestAnswersInTheirOrder: mails of customers and answers of agents that wait
// together are taken in the order in which they came.
func TestAnswersInTheirOrder(t *testing.T) {
	t.Parallel()
	Each(t, func(t *testing.T, d *Desk) {
		c := d.CustomerWrites("Jane <jane@customer.example>", "Printer", "It burns.")
		told := d.Notify("ann", c)
		first := d.LastReceived(c.ID).Header
		for i := range 4 {
			d.Accept("ann@acme.example", []string{told.ReplyTo}, AnswerLetter{To: told, Text: fmt.Sprintf("@note\nNote %d", i)}.Raw(d))
			d.Accept("jane@customer.example", []string{d.Mailbox.Address}, d.Raw(Letter{From: "Jane <jane@customer.example>", Subject: "Re: Printer", InReplyTo: first, Body: fmt.Sprintf("Word %d", i)}))
		}
		d.Settle()
		var got []string
		for _, m := range d.Messages(c.ID)[1:] {
			got = append(got, strings.TrimSpace(m.Text))
		}
		want := []string{"Note 0", "Word 0", "Note 1", "Word 1", "Note 2", "Word 2", "Note 3", "Word 3"}
		if !slices.Equal(got, want) {
			t.Errorf("they are %q, want %q", got, want)
		}
	})
}

// TestAnswersWhileOthersWork: an answer is decided on the conversation as it
// is; what changes in between has it decided again, and it acts once.
func TestAnswersWhileOthersWork(t *testing.T) {
	t.Parallel()
	Each(t, func(t *testing.T, d *Desk) {
		c := d.CustomerWrites("Jane <jane@customer.example>", "Printer", "It burns.")
		told := d.Notify("ann", c)
		const n = 12
		for i := range n {
			d.Accept("ann@acme.example", []string{told.ReplyTo}, AnswerLetter{To: told, Text: fmt.Sprintf("Reply %d.", i)}.Raw(d))
		}
		done := make(chan struct{})
		go func() {
			defer close(done)
			for i := range 3 * n {
				status := postroom.Pending
				if i%2 == 1 {
					status = postroom.Active
				}
				if _, err := d.Desk.SetStatus(d.Ctx, d.Agent("ben").Agent, c.ID, status, postroom.PathMenu); err != nil {
					t.Error(err)
				}
			}
		}()
		d.Settle()
		<-done
		for range 20 { // what met too many changes waits a little
			d.Pass(10 * time.Minute)
		}
		var want []string
		for i := range n {
			want = append(want, fmt.Sprintf("Reply %d.", i))
		}
		var got []string
		for _, m := range d.Messages(c.ID)[1:] {
			got = append(got, strings.TrimSpace(m.Text))
		}
		slices.Sort(got)
		slices.Sort(want)
		if !slices.Equal(got, want) {
			t.Errorf("the replies are %q, want %q", got, want)
		}
	})
}

// TestRepliesThatCouldNotBeSent go back: the composer would have said so before
// sending.
func TestRepliesThatCouldNotBeSent(t *testing.T) {
	t.Parallel()
	Each(t, func(t *testing.T, d *Desk) {
		c := d.CustomerWrites("Jane <jane@customer.example>", "Printer", "It burns.")
		told := d.Notify("ann", c)
		d.Agent("ben").SetStatus(c, postroom.Spam, postroom.PathMenu)
		d.Settle()
		before := unchanged(d, c)
		for text, why := range map[string]string{
			"Pull the plug.":                       "The conversation is spam",
			strings.Repeat("Pull the plug. ", 1e5): "longer than 1024 kB",
		} {
			if in := d.AgentAnswers(AnswerLetter{To: told, Text: text}); in.State != store.InboundRefused || unchanged(d, c) != before {
				t.Errorf("%.20q is %s: %s", text, in.State, in.Words)
			}
			d.ExpectMails("auto:" + why)
		}
		d.AgentAnswers(AnswerLetter{To: told, Text: "@active\nPull the plug."})
		d.ExpectMails("Pull the plug.")
	})
}
