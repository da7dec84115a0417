package desktest_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"postroom"
	"postroom/internal/desktest"
	"postroom/internal/store"
	"postroom/internal/workflow"
)

const (
	mara = "Mara Lind <mara@customer.example>"
	mra  = "mara@customer.example"
)

// answered opens a conversation and answers it, and returns the answer as the
// customer got it.
func answered(t *testing.T, d *desktest.Desk) (*postroom.Conversation, desktest.Mail) {
	t.Helper()
	c := d.CustomerWrites(mara, "Lamp broken", "It arrived broken.")
	d.Agent("ann").Reply(c, "A new one is on its way.")
	d.Settle()
	return c, d.ExpectMails("A new one")[0]
}

// answerEverything publishes a workflow that answers each received mail.
func answerEverything(d *desktest.Desk) {
	d.AddWorkflow("Thank", workflow.Definition{When: workflow.When{Event: postroom.MessageReceived},
		Then: []workflow.Action{{Do: workflow.DoReply, Text: "Thank you for your message {{ conversation.number }}."}}})
}

// T1, T3, T4, T5: each route alone leads home, whatever the others lost on
// their way.
func TestEachRouteLeadsHome(t *testing.T) {
	t.Parallel()
	routes := []struct {
		name string
		make func(d *desktest.Desk, m desktest.Mail) (to string, l desktest.Letter)
	}{
		{"T1 token in the address", func(d *desktest.Desk, m desktest.Mail) (string, desktest.Letter) {
			return m.ReplyTo, desktest.Letter{}
		}},
		{"T3 token in an address that was changed to upper case", func(d *desktest.Desk, m desktest.Mail) (string, desktest.Letter) {
			return strings.ToUpper(m.ReplyTo), desktest.Letter{}
		}},
		{"T1 token in a Delivered-To", func(d *desktest.Desk, m desktest.Mail) (string, desktest.Letter) {
			return "", desktest.Letter{Headers: "Delivered-To: " + m.ReplyTo + "\n"}
		}},
		{"T1 token in the id that In-Reply-To names", func(d *desktest.Desk, m desktest.Mail) (string, desktest.Letter) {
			return "", desktest.Letter{Headers: "In-Reply-To: <" + m.ID + ">\n"}
		}},
		{"T3 token in an id that was changed to upper case", func(d *desktest.Desk, m desktest.Mail) (string, desktest.Letter) {
			return "", desktest.Letter{Headers: "In-Reply-To: <" + strings.ToUpper(m.ID) + ">\n"}
		}},
		{"T1 token at the right end of References", func(d *desktest.Desk, m desktest.Mail) (string, desktest.Letter) {
			return "", desktest.Letter{Headers: "References: <unknown@x.example>\n <" + m.ID + ">\n"}
		}},
		{"T1 a stored id of the customer's own mail", func(d *desktest.Desk, m desktest.Mail) (string, desktest.Letter) {
			return "", desktest.Letter{Headers: "References: <letter-1@customer.example>\n"}
		}},
		{"T4 the body marker, where the provider replaced our id", func(d *desktest.Desk, m desktest.Mail) (string, desktest.Letter) {
			return "", desktest.Letter{Headers: "In-Reply-To: <0100018c-replaced@eu-west-1.amazonses.com>\n",
				Body: "Thank you.\n\n> A new one is on its way.\n>\n> " + desktest.BodyMarker(d.Token(m))}
		}},
		{"T5 several ids without brackets and with commas", func(d *desktest.Desk, m desktest.Mail) (string, desktest.Letter) {
			return "", desktest.Letter{Headers: "In-Reply-To: other@x.example, " + m.ID + "\n"}
		}},
		{"T5 an id that lacks its end, after one that is no id", func(d *desktest.Desk, m desktest.Mail) (string, desktest.Letter) {
			return "", desktest.Letter{Headers: "References: <no-at-sign> <LETTER-1@Customer.Example\n"}
		}},
		{"T5 an id folded in its middle", func(d *desktest.Desk, m desktest.Mail) (string, desktest.Letter) {
			return "", desktest.Letter{Headers: "References: <" + m.ID[:20] + "\n " + m.ID[20:] + ">\n"}
		}},
	}
	for _, route := range routes {
		t.Run(route.name, func(t *testing.T) {
			t.Parallel()
			desktest.Each(t, func(t *testing.T, d *desktest.Desk) {
				c, m := answered(t, d)
				to, l := route.make(d, m)
				if to == "" {
					to = d.Mailbox.Address
				}
				l.From, l.To, l.Subject = mara, to, "Entirely new words"
				if l.Body == "" {
					l.Body = "Thank you."
				}
				d.Accept(mra, []string{to}, d.Raw(l))
				d.Settle()
				in := d.LastInbound()
				if in.State != store.InboundDone || in.ConversationID != c.ID || in.Evidence == "" {
					t.Fatalf("%s: %s, conversation %d and not %d, evidence %q", in.State, in.Words, in.ConversationID, c.ID, in.Evidence)
				}
				if got := d.LastReceived(c.ID); got.Unconfirmed || got.Subject != "Entirely new words" {
					t.Fatalf("unconfirmed %v, subject %q (T7)", got.Unconfirmed, got.Subject)
				}
				if subject := d.Conversation(c.ID).Subject; subject != "Lamp broken" {
					t.Fatalf("the conversation was renamed to %q", subject)
				}
			})
		})
	}
}

// T2: a token with a wrong hash is no match, and no mail is lost over it.
// T6: neither is a subject, or a number in one.
func TestNoNearestMatch(t *testing.T) {
	t.Parallel()
	desktest.Each(t, func(t *testing.T, d *desktest.Desk) {
		c, m := answered(t, d)
		token := d.Token(m)
		wrong := token[:len(token)-1] + string('a'+(token[len(token)-1]-'a'+1)%26)
		address := strings.Replace(m.ReplyTo, token, wrong, 1)
		for name, l := range map[string]desktest.Letter{
			"T2 address":        {To: address},
			"T2 id":             {Headers: "In-Reply-To: <mail." + wrong + "@acme.example>\n"},
			"T2 marker":         {Body: "> " + desktest.BodyMarker(wrong)},
			"T6 same subject":   {Subject: "Re: Lamp broken"},
			"T6 number":         {Subject: fmt.Sprintf("Re: your request #%d", c.Number)},
			"T6 number by Mara": {From: mara, Subject: fmt.Sprintf("Re: Lamp broken [#%d]", c.Number)},
		} {
			if l.From == "" {
				l.From = "Eve <eve@elsewhere.example>"
			}
			if l.To == "" {
				l.To = d.Mailbox.Address
			}
			d.Accept("eve@elsewhere.example", []string{l.To}, d.Raw(l))
			d.Settle()
			if in := d.LastInbound(); in.State != store.InboundDone || in.ConversationID == c.ID {
				t.Errorf("%s: %s in conversation %d: %s %s", name, in.State, in.ConversationID, in.Words, in.Evidence)
			}
		}
		if c = d.Conversation(c.ID); c.Received != 1 {
			t.Errorf("the conversation has %d received messages", c.Received)
		}
	})
}

// T8: inside the window an answer reopens, after it a new conversation
// continues the old one and says so.
func TestReopenWindow(t *testing.T) {
	t.Parallel()
	desktest.Each(t, func(t *testing.T, d *desktest.Desk) {
		c, m := answered(t, d)
		d.Agent("ann").SetStatus(c, postroom.Closed, postroom.PathMenu)
		d.Pass(29 * 24 * time.Hour)
		if got := d.CustomerAnswers(m, "Once more, please."); got.ID != c.ID || got.Status != postroom.Active {
			t.Fatalf("inside the window: conversation %d is %s", got.ID, got.Status)
		}
		d.Agent("ann").SetStatus(c, postroom.Closed, postroom.PathMenu)
		d.Pass(31 * 24 * time.Hour)
		got := d.CustomerAnswers(m, "And again.")
		if got.ID == c.ID || got.LinkedFrom != c.ID || got.Status != postroom.Active || got.CustomerID != c.CustomerID {
			t.Fatalf("after the window: %+v", got)
		}
		if n := d.LastReceived(got.ID).Notices; len(n) == 0 || !strings.Contains(n[len(n)-1], fmt.Sprint("Conversation ", c.Number)) {
			t.Fatalf("the agent is not told: %q", n)
		}
		if s := d.Conversation(c.ID).Status; s != postroom.Closed {
			t.Fatalf("the old conversation is %s", s)
		}
		// What follows joins the new one by its own id, though the old knows
		// the ids before it.
		last := d.LastReceived(got.ID).Header
		again := d.Receive(mra, d.Mailbox.Address, d.Raw(desktest.Letter{From: mara, Subject: "Re: Lamp broken", Body: "PS", InReplyTo: last}))
		if again.ID != got.ID {
			t.Fatalf("the next mail went to %d and not %d", again.ID, got.ID)
		}
	})
}

// T9, T7, S4: a stranger with a valid token is shown as unverified, gets
// nothing automatic and brings nobody along, until an agent confirms.
func TestStrangerWithToken(t *testing.T) {
	t.Parallel()
	desktest.Each(t, func(t *testing.T, d *desktest.Desk) {
		c, m := answered(t, d)
		answerEverything(d)
		raw := d.Raw(desktest.Letter{From: "Eve <eve@elsewhere.example>", To: m.ReplyTo, Subject: "Re: Lamp broken", Body: "Send it to me instead.",
			Headers: "Cc: friend@elsewhere.example\n"})
		d.Accept("eve@elsewhere.example", []string{m.ReplyTo}, raw)
		d.Settle()
		if in := d.LastInbound(); in.ConversationID != c.ID {
			t.Fatalf("it is in conversation %d: %s", in.ConversationID, in.Evidence)
		}
		got := d.LastReceived(c.ID)
		if !got.Unconfirmed || got.NoAuto == "" || got.Author.ID != 0 || !slices.ContainsFunc(got.Notices, func(n string) bool { return strings.HasPrefix(n, "Unverified new participant") }) {
			t.Fatalf("unconfirmed %v, by %d, %q, notices %q", got.Unconfirmed, got.Author.ID, got.NoAuto, got.Notices)
		}
		if p := d.Participants(c.ID); !slices.Equal(p, []string{"eve@elsewhere.example?", "friend@elsewhere.example?", mra}) {
			t.Fatalf("participants %v", p)
		}
		d.ExpectMails() // the workflow answers everybody else
		if customer := d.Customer(c); len(customer.Addresses) != 1 || customer.Email() != mra {
			t.Fatalf("the customer's addresses became %v (S4)", customer.Addresses)
		}
		if out, err := d.Desk.ConfirmSender(d.Ctx, d.Agent("ann").Agent, c.ID, "Eve@Elsewhere.example", postroom.PathMenu); err != nil || !out.Changed {
			t.Fatal(err)
		}
		if d.LastReceived(c.ID).Unconfirmed {
			t.Fatal("confirming left the mark")
		}
		if out, err := d.Desk.ConfirmSender(d.Ctx, d.Agent("ann").Agent, c.ID, "eve@elsewhere.example", postroom.PathMenu); err != nil || out.Changed {
			t.Fatalf("confirmed twice: %+v, %v", out, err)
		}
		expect(t, "events of the confirmation", d.CountEvents(c.ID, postroom.SenderConfirmed), 1)
		d.Accept("eve@elsewhere.example", []string{m.ReplyTo}, strings.Replace(raw, "Message-ID: <", "Message-ID: <2", 1))
		d.Settle()
		if got := d.LastReceived(c.ID); got.Unconfirmed {
			t.Fatal("a confirmed participant is marked again")
		}
		d.ExpectMails("auto:Thank you for your message")
	})
}

// T9: who was in Cc before writes as themselves.
func TestEarlierCcJoins(t *testing.T) {
	t.Parallel()
	desktest.Each(t, func(t *testing.T, d *desktest.Desk) {
		c := d.Receive(mra, d.Mailbox.Address, d.Raw(desktest.Letter{From: mara, Subject: "Lamps", Body: "x", ID: "first@customer.example", Headers: "Cc: Tom <Tom@Customer.example>\n"}))
		got := d.Receive("tom@customer.example", d.Mailbox.Address, d.Raw(desktest.Letter{From: "Tom <tom@customer.example>", Subject: "Re: Lamps", Body: "y", InReplyTo: "first@customer.example"}))
		if m := d.LastReceived(c.ID); got.ID != c.ID || m.Unconfirmed || m.From.Address != "tom@customer.example" || m.NoAuto != "" {
			t.Fatalf("conversation %d, %+v", got.ID, m)
		}
	})
}

// T10, T11: tokens and ids of another mailbox begin a conversation here; one
// mail to two mailboxes is one conversation in each.
func TestMailboxesApart(t *testing.T) {
	t.Parallel()
	desktest.Each(t, func(t *testing.T, d *desktest.Desk) {
		sales := d.AddMailbox("Acme Sales", "sales@acme.example", nil)
		c, m := answered(t, d)
		for name, l := range map[string]desktest.Letter{
			"T10 id token":   {InReplyTo: m.ID},
			"T10 their id":   {InReplyTo: "letter-1@customer.example"},
			"T10 marker":     {Body: "> " + desktest.BodyMarker(d.Token(m))},
			"T10 To a token": {Headers: "Cc: " + m.ReplyTo + "\n"},
		} {
			l.From, l.To, l.Subject = mara, sales.Address, "Re: Lamp broken"
			got := d.Receive(mra, sales.Address, d.Raw(l))
			if got == nil || got.ID == c.ID || got.MailboxID != sales.ID {
				t.Errorf("%s: it joined %+v", name, got)
			}
		}
		before := len(d.Inbounds())
		d.Accept(mra, []string{"support@acme.example", "SALES@acme.example", "sales@acme.example"}, d.Raw(desktest.Letter{From: mara, To: "support@acme.example, sales@acme.example", Subject: "Both", Body: "Hello both"}))
		d.Settle()
		both := d.Inbounds()[before:]
		if len(both) != 2 || both[0].ConversationID == both[1].ConversationID || both[0].State != store.InboundDone || both[1].State != store.InboundDone || both[0].MailboxID == both[1].MailboxID {
			t.Fatalf("T11: %+v", both)
		}
		for _, in := range both {
			if p := d.Participants(in.ConversationID); !slices.Equal(p, []string{mra}) {
				t.Errorf("T11: our own addresses take part: %v", p)
			}
		}
	})
}

// T15: Reply-To where it is an address, else From; one that leads back to us
// names nobody.
func TestAuthor(t *testing.T) {
	t.Parallel()
	desktest.Each(t, func(t *testing.T, d *desktest.Desk) {
		for replyTo, want := range map[string]string{
			"Tom <tom@home.example>": "tom@home.example",
			"":                       mra,
			"not an address":         mra,
			"<>":                     mra,
			"support@acme.example":   mra,
		} {
			c := d.Receive(mra, d.Mailbox.Address, d.Raw(desktest.Letter{From: mara, Subject: "x", Body: "x", Headers: "Reply-To: " + replyTo + "\n"}))
			if got := d.Customer(c).Email(); got != want {
				t.Errorf("Reply-To %q: the customer is %s, not %s", replyTo, got, want)
			}
		}
	})
}

// S1: the mark of a verified sender is about the address that is shown.
func TestVerifiedIsAboutTheAuthor(t *testing.T) {
	t.Parallel()
	desktest.Each(t, func(t *testing.T, d *desktest.Desk) {
		const pass = "Authentication-Results: mx.acme.example; dkim=pass header.d=customer.example\n"
		for name, c := range map[string]struct {
			headers string
			want    bool
		}{
			"aligned":                   {pass, true},
			"of another server":         {strings.Replace(pass, "mx.acme", "mx.evil", 1), false},
			"below a fail of ours":      {"Authentication-Results: mx.acme.example; dkim=fail header.d=customer.example\n" + pass, false},
			"Reply-To elsewhere":        {pass + "Reply-To: boss@bank.example\n", false},
			"Reply-To in the domain":    {pass + "Reply-To: office@customer.example\n", true},
			"of another sending domain": {strings.Replace(pass, "customer", "mailer", 1), false},
		} {
			conv := d.Receive(mra, d.Mailbox.Address, d.Raw(desktest.Letter{From: mara, Subject: name, Body: "x", Headers: c.headers}))
			if got := d.LastReceived(conv.ID).Verified; got != c.want {
				t.Errorf("%s: verified %v", name, got)
			}
		}
	})
}

// T16, T18: people in To and Cc take part; we, machines and nobodies never;
// nobody brings more than 40.
func TestParticipants(t *testing.T) {
	t.Parallel()
	desktest.Each(t, func(t *testing.T, d *desktest.Desk) {
		d.ChangeMailbox(d.Mailbox, func(m *postroom.Mailbox) { m.Aliases = []string{"help@acme.example"} })
		c := d.Receive(mra, d.Mailbox.Address, d.Raw(desktest.Letter{From: mara, Subject: "x", Body: "x", To: "support@acme.example, Tom <tom@x.example>, TOM@x.example",
			Headers: "Cc: help@acme.example, noreply@x.example, mailer-daemon@x.example, list-request@x.example, not an address, ann@x.example\n"}))
		if got := d.Participants(c.ID); !slices.Equal(got, []string{"ann@x.example", mra, "tom@x.example"}) {
			t.Errorf("T16: %v", got)
		}
		var many []string
		for i := range 100 {
			many = append(many, fmt.Sprintf("p%d@x.example", i))
		}
		c = d.Receive(mra, d.Mailbox.Address, d.Raw(desktest.Letter{From: mara, Subject: "x", Body: "x", Headers: "Cc: " + strings.Join(many, ",\n ") + "\n"}))
		if got := len(d.Participants(c.ID)); got != 40 {
			t.Errorf("T18: %d participants", got)
		}
		if n := d.LastReceived(c.ID).Notices; len(n) != 1 {
			t.Errorf("T18: notices %q", n)
		}
		for _, from := range []string{"noreply@shop.example", "MAILER-DAEMON@x.example", "Support <support@acme.example>", "help@acme.example"} {
			c := d.Receive("x@x.example", d.Mailbox.Address, d.Raw(desktest.Letter{From: from, Subject: "x", Body: "x"}))
			if customer := d.Customer(c); len(customer.Addresses) != 0 || len(d.Participants(c.ID)) != 0 {
				t.Errorf("T16: %s became the customer %+v of %v", from, customer, d.Participants(c.ID))
			}
		}
	})
}

// T17: where the envelope names nobody the headers do, delivery headers first.
func TestRoutedByHeaders(t *testing.T) {
	t.Parallel()
	desktest.Each(t, func(t *testing.T, d *desktest.Desk) {
		d.ChangeMailbox(d.Mailbox, func(m *postroom.Mailbox) { m.Aliases = []string{"help@acme.example"} })
		sales := d.AddMailbox("Acme Sales", "sales@acme.example", nil)
		for headers, want := range map[string]int64{
			"Delivered-To: help@acme.example\n":                                           d.Mailbox.ID,
			"X-Original-To: HELP@acme.example\n":                                          d.Mailbox.ID,
			"X-Forwarded-For: someone@x.example sales@acme.example\n":                     sales.ID,
			"Delivered-To: sales@acme.example\nCc: support@acme.example\n":                sales.ID,
			"Cc: Support <support+anything@acme.example>\n":                               d.Mailbox.ID,
			"Delivered-To: store@mail.example\nX-Original-To: sales@acme.example\n":       sales.ID,
			"Envelope-To: sales@acme.example\nX-Forwarded-For: a@b.example c@d.example\n": sales.ID,
		} {
			in := d.Spooled(d.Raw(desktest.Letter{From: mara, To: "friends@x.example", Subject: "x", Body: "x", Headers: headers}))
			if in.State != store.InboundDone || in.MailboxID != want {
				t.Errorf("%q: %s in mailbox %d: %s", headers, in.State, in.MailboxID, in.Words)
			}
		}
		// Both mailboxes in To: each gets its own (T11), and the second copy
		// that a server hands in for the second recipient adds nothing.
		before := len(d.Inbounds())
		raw := d.Raw(desktest.Letter{From: mara, To: "sales@acme.example, support@acme.example", Subject: "x", Body: "x"})
		d.Spooled(raw)
		d.Spooled(raw)
		states := map[string]int{}
		for _, in := range d.Inbounds()[before:] {
			states[fmt.Sprint(in.MailboxID == sales.ID, " ", in.State)]++
		}
		if fmt.Sprint(states) != "map[false done:1 false duplicate:1 true done:1 true duplicate:1]" {
			t.Errorf("T11 by headers: %v", states)
		}
	})
}

// T19: a parent that comes after its answer finds it.
func TestParentAfterAnswer(t *testing.T) {
	t.Parallel()
	desktest.Each(t, func(t *testing.T, d *desktest.Desk) {
		parent := d.Raw(desktest.Letter{From: mara, To: "support@acme.example, tom@customer.example", Subject: "Lamps", Body: "parent", ID: "Parent@customer.example"})
		child := d.Raw(desktest.Letter{From: "Tom <tom@customer.example>", To: "mara@customer.example, support@acme.example", Subject: "Re: Lamps", Body: "child", InReplyTo: "Parent@customer.example"})
		d.Accept("tom@customer.example", []string{d.Mailbox.Address}, child)
		d.Accept(mra, []string{d.Mailbox.Address}, parent)
		d.Settle()
		all := d.Inbounds()
		if all[0].ConversationID != all[1].ConversationID || all[1].Evidence == "" {
			t.Fatalf("the parent went to %d, its answer to %d: %s", all[1].ConversationID, all[0].ConversationID, all[1].Evidence)
		}
		if m := d.LastReceived(all[0].ConversationID); m.Unconfirmed {
			t.Fatal("the parent's author was in To of the answer and is marked as new")
		}
	})
}

// T19: mails and their answers that come all at once are filed in order of
// arrival, none split off.
func TestFiftyAtOnce(t *testing.T) {
	t.Parallel()
	desktest.Each(t, func(t *testing.T, d *desktest.Desk) {
		for i := range 50 {
			from := fmt.Sprintf("c%d@customer.example", i%10)
			l := desktest.Letter{From: from, Subject: fmt.Sprintf("Matter %d", i%10), Body: fmt.Sprint("mail ", i), ID: fmt.Sprintf("m%d@customer.example", i)}
			if i >= 10 {
				l.InReplyTo = fmt.Sprintf("m%d@customer.example", i-10)
			}
			d.Accept(from, []string{d.Mailbox.Address}, d.Raw(l))
		}
		d.Settle()
		conversations := map[int64][]string{}
		for _, in := range d.Inbounds() {
			if in.State != store.InboundDone {
				t.Fatalf("%s: %s", in.State, in.Words)
			}
			conversations[in.ConversationID] = nil
		}
		if len(conversations) != 10 {
			t.Fatalf("%d conversations", len(conversations))
		}
		for id := range conversations {
			var n, last int
			for k, m := range d.Messages(id) {
				fmt.Sscanf(m.Text, "mail %d", &n)
				if k > 0 && n != last+10 || m.Unconfirmed {
					t.Fatalf("mail %d stands after mail %d", n, last)
				}
				last = n
			}
			if d.Conversation(id).Received != 5 {
				t.Fatalf("conversation %d has %d messages", id, d.Conversation(id).Received)
			}
		}
	})
}

// O2: an answer cites what the customer's mail cited, oldest first and letter
// by letter.
func TestAnswerCitesAsWritten(t *testing.T) {
	t.Parallel()
	desktest.Each(t, func(t *testing.T, d *desktest.Desk) {
		c := d.Receive(mra, d.Mailbox.Address, d.Raw(desktest.Letter{From: mara, Subject: "x", Body: "x", ID: "Third@Customer.example",
			Headers: "References: <First@Customer.example> <Second@Customer.example>\nIn-Reply-To: <Second@Customer.example>\n"}))
		d.Agent("ann").Reply(c, "Hello")
		d.Settle()
		m := d.ExpectMails("Hello")[0]
		if got := strings.Join(strings.Fields(m.References), " "); got != "<First@Customer.example> <Second@Customer.example> <Third@Customer.example>" || m.InReplyTo != "Third@Customer.example" {
			t.Errorf("References %s, In-Reply-To %s", got, m.InReplyTo)
		}
	})
}
