package desktest_test

import (
	"encoding/json"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"postroom"
	"postroom/internal/automate"
	"postroom/internal/desk"
	"postroom/internal/desktest"
	"postroom/internal/query"
	"postroom/internal/store"
	"postroom/internal/workflow"
)

// give gives a conversation to whoever has an address.
func give(d *desktest.Desk, c *postroom.Conversation, address string) desk.Outcome {
	d.T.Helper()
	out, err := d.Desk.GiveTo(d.Ctx, d.Agent("ann").Agent, c.ID, desk.CustomerChoice{Address: address}, postroom.PathMenu)
	if err != nil {
		d.T.Fatal(err)
	}
	return out
}

// idText is how events say an id.
func idText(id int64) string { return strconv.FormatInt(id, 10) }

// A conversation that is given to another customer: the next reply goes to the
// new one, who takes part without being confirmed; the former one is somebody
// new in it (T9), and their other conversations stay theirs.
func TestGiveToAnotherCustomer(t *testing.T) {
	t.Parallel()
	desktest.Each(t, func(t *testing.T, d *desktest.Desk) {
		ann := d.Agent("ann")
		c := d.CustomerWrites("Bob <bob@customer.example>", "Lamp", "Carol’s lamp is broken.")
		other := d.CustomerWrites("Bob <bob@customer.example>", "Chair", "And my chair.")
		bob := c.CustomerID
		ann.Reply(c, "We ask her.")
		d.Settle()
		first := d.ExpectMails("We ask her.")[0]

		for _, wrong := range []desk.CustomerChoice{{}, {Address: "nobody"}, {Address: d.Mailbox.Address}, {Address: "mailer-daemon@customer.example"},
			{ID: d.ID()}, {Address: "carol@customer.example", Name: "two\nlines"}} {
			if out, err := d.Desk.GiveTo(d.Ctx, ann.Agent, c.ID, wrong, postroom.PathMenu); postroom.CodeOf(err) != postroom.Invalid {
				t.Errorf("%+v: %+v, %v", wrong, out, err)
			}
		}
		if _, err := d.Desk.GiveTo(d.Ctx, ann.Agent, c.ID, desk.CustomerChoice{Address: "Carol@Customer.example", Name: "Carol"}, postroom.PathMenu); err != nil {
			t.Fatal(err)
		}
		carol := d.Conversation(c.ID).CustomerID
		if k, err := d.Store.Read().Customer(d.Ctx, carol); err != nil || carol == bob || k.Name != "Carol" || k.Email() != "carol@customer.example" {
			t.Fatalf("it is %+v’s, %v", k, err)
		}
		if out, err := d.Desk.GiveTo(d.Ctx, ann.Agent, c.ID, desk.CustomerChoice{ID: carol}, postroom.PathMenu); err != nil || out.Changed {
			t.Errorf("given to whose it is: %+v, %v", out, err)
		}
		events := d.EventsOf(c.ID, postroom.CustomerChanged)
		if len(events) != 1 || events[0].Payload.From != idText(bob) || events[0].Payload.To != idText(carol) || events[0].After.CustomerID != carol {
			t.Fatalf("events: %+v", events)
		}
		expect(t, "the other conversation", d.Conversation(other.ID).CustomerID, bob)

		p, err := d.Pages().Conversation(d.Ctx, ann.Agent, query.ConversationAsk{Number: c.Number}, query.Place{Section: "desk"})
		if err != nil {
			t.Fatal(err)
		}
		if to := p.Composer.To; len(to) != 1 || to[0].Address != "carol@customer.example" {
			t.Errorf("a reply would go to %v", to)
		}
		said := slices.ContainsFunc(p.Timeline, func(e query.Entry) bool {
			return e.Event != nil && e.Event.From == "Bob" && e.Event.To == "Carol"
		})
		if !said || p.Side.Name != "Carol" || len(p.Side.Others) != 0 {
			t.Errorf("the page: said %v, customer %s, others %v", said, p.Side.Name, p.Side.Others)
		}
		ann.Reply(c, "Hello Carol.")
		d.Settle()
		if m := d.ExpectMails("Hello Carol.")[0]; m.To != "carol@customer.example" {
			t.Errorf("the reply went to %v", m.To)
		}

		// Bob answers what he got: he is new here now.
		d.CustomerAnswers(first, "It is hers.")
		if m := d.LastReceived(c.ID); !m.Unconfirmed || m.ConversationID != c.ID {
			t.Errorf("the former customer’s answer: %+v", m)
		}
		if p, err = d.Pages().Conversation(d.Ctx, ann.Agent, query.ConversationAsk{Number: c.Number}, query.Place{Section: "desk"}); err != nil {
			t.Fatal(err)
		}
		if to := p.Composer.To; len(to) != 1 || to[0].Address != "carol@customer.example" {
			t.Errorf("after that a reply would go to %v", to)
		}
		// And back: it is his, and so is what he wrote.
		give(d, c, "bob@customer.example")
		if m := d.LastReceived(c.ID); m.Unconfirmed {
			t.Error("the customer’s own message is still that of somebody new")
		}
		d.CheckInvariants()
	})
}

// A change of customer can be undone, with all that it meant for who takes part.
func TestUndoGivingToAnotherCustomer(t *testing.T) {
	t.Parallel()
	desktest.Each(t, func(t *testing.T, d *desktest.Desk) {
		d.UndoWindow(10 * time.Second)
		ann := d.Agent("ann")
		c := d.CustomerWrites("bob@customer.example", "Lamp", "Carol’s lamp is broken.")
		ann.Reply(c, "We ask her.")
		d.Pass(time.Minute)
		mail := d.ExpectMails("We ask her.")[0]
		// Carol has got it from Bob, and answers.
		mail.To = "carol@customer.example"
		d.CustomerAnswers(mail, "It is mine.")
		taking := func() []store.Participant {
			all, err := d.Store.Read().Participants(d.Ctx, c.ID)
			if err != nil {
				t.Fatal(err)
			}
			return all
		}
		was := taking()
		if !d.LastReceived(c.ID).Unconfirmed {
			t.Fatal("Carol is not new here")
		}
		out := give(d, c, "carol@customer.example")
		if d.LastReceived(c.ID).Unconfirmed {
			t.Error("the customer is new in her own conversation")
		}
		ann.Undo(out)
		if now := d.Conversation(c.ID); now.CustomerID != c.CustomerID {
			t.Errorf("undone, it is %d’s", now.CustomerID)
		}
		if now := taking(); !slices.Equal(was, now) || !d.LastReceived(c.ID).Unconfirmed {
			t.Errorf("who takes part was %+v, is %+v", was, now)
		}
		if e := d.EventsOf(c.ID, postroom.CustomerChanged); e[0].State != postroom.EventUndone {
			t.Errorf("the event is %s", e[0].State)
		}
		// An earlier change that is undone leaves the later one as it is.
		earlier := give(d, c, "carol@customer.example")
		give(d, c, "dora@customer.example")
		ann.Undo(earlier)
		last := d.EventsOf(c.ID, postroom.CustomerChanged)[2]
		if now := d.Conversation(c.ID); idText(now.CustomerID) != last.Payload.To || last.Payload.From != idText(c.CustomerID) {
			t.Errorf("it is %d’s by %+v", now.CustomerID, last.Payload)
		}
		d.CheckInvariants()
	})
}

// What is under way when a conversation is given away: the reply goes where it
// was meant to, the notice that was decided for the former customer goes
// nowhere, and says why; a reply begun before is asked about once.
func TestMailsOfAConversationGivenAway(t *testing.T) {
	t.Parallel()
	desktest.Each(t, func(t *testing.T, d *desktest.Desk) {
		d.UndoWindow(10 * time.Second)
		notice := d.ClosingNotice()
		heard := d.AddWorkflow("Given", workflow.Definition{When: workflow.When{Event: postroom.CustomerChanged},
			If:   workflow.Cond{Fact: "customer.address", Op: workflow.Starts, Values: []string{"carol@"}},
			Then: []workflow.Action{{Do: workflow.DoTags, Add: []int64{d.Tag("given")}}}})
		ann := d.Agent("ann")
		c := d.CustomerWrites("bob@customer.example", "Lamp", "Broken.")
		seen := d.Conversation(c.ID).Seq
		ann.SendAndClose(c, "The answer.")
		out := give(d, c, "carol@customer.example")
		d.Pass(time.Minute)
		if m := d.ExpectMails("The answer.")[0]; m.To != "bob@customer.example" {
			t.Errorf("the reply went to %s", m.To)
		}
		runs := d.Runs(c.ID, notice)
		if len(runs) != 1 || runs[0].Effects[0].Result != postroom.EffectOvertaken || !strings.Contains(runs[0].Effects[0].Reason, "another customer") {
			t.Errorf("the notice: %+v", runs)
		}
		expect(t, "runs on the change", len(d.Runs(c.ID, heard)), 1)
		if err := ann.TryUndo(out); postroom.CodeOf(err) != postroom.Conflict {
			t.Errorf("undone when workflows had seen it: %v", err)
		}

		late := desk.Publish{ConversationID: c.ID, Kind: postroom.Reply, HTML: "<p>Late.</p>", Path: postroom.PathComposer, SeenSeq: seen,
			To: []postroom.Address{{Address: "bob@customer.example"}}}
		_, err := d.Desk.Publish(d.Ctx, ann.Agent, late)
		if postroom.CodeOf(err) != postroom.Conflict || !strings.Contains(postroom.TextOf(err), "given to carol@customer.example") {
			t.Errorf("a reply to the former customer: %v", err)
		}
		late.To[0].Address = "carol@customer.example"
		if _, err := d.Desk.Publish(d.Ctx, ann.Agent, late); err != nil {
			t.Errorf("a reply to the new one: %v", err)
		}
		d.Pass(time.Minute)
		d.ExpectMails("Late.")

		// Undone in its window, it has changed nothing for the notice either.
		c = d.CustomerWrites("dora@customer.example", "Chair", "Broken.")
		ann.SendAndClose(c, "Another answer.")
		d.Pass(5 * time.Second)
		out = give(d, c, "carol@customer.example")
		d.Pass(6 * time.Second)
		ann.Undo(out)
		d.Pass(time.Minute)
		if m := d.ExpectMails("Another answer.", "auto:closed")[1]; m.To != "dora@customer.example" {
			t.Errorf("the notice went to %s", m.To)
		}
		d.CheckInvariants()
	})
}

// A workflow can ask whose the conversation was: the judge, Why?, a repeated
// judgement and the editor's try read the same former customer.
func TestFormerCustomerIsAsked(t *testing.T) {
	t.Parallel()
	desktest.Each(t, func(t *testing.T, d *desktest.Desk) {
		about := func(fact string, op workflow.Op, value string) workflow.Definition {
			return workflow.Definition{When: workflow.When{Event: postroom.CustomerChanged}, If: workflow.Cond{Fact: fact, Op: op, Values: []string{value}},
				Then: []workflow.Action{{Do: workflow.DoTags, Add: []int64{d.Tag("given")}}}}
		}
		from := d.AddWorkflow("From a partner", about("former.domain", workflow.Is, "partner.example"))
		to := d.AddWorkflow("To a partner", about("customer.domain", workflow.Is, "partner.example"))
		other := d.AddWorkflow("From Carol", about("former.address", workflow.Starts, "carol@"))
		c := d.CustomerWrites("bob@partner.example", "Lamp", "Broken.")
		d.Settle()
		give(d, c, "carol@customer.example")
		d.Settle()
		for id, want := range map[int64]int{from: 1, to: 0, other: 0} {
			expect(t, "runs", len(d.Runs(c.ID, id)), want)
		}
		event := d.EventsOf(c.ID, postroom.CustomerChanged)[0]
		why, err := d.Pages().Why(d.Ctx, d.Agent("ann").Agent, c.Number, query.Place{})
		if err != nil {
			t.Fatal(err)
		}
		if text, _ := json.Marshal(why); !strings.Contains(string(text), "bob@partner.example") || !strings.Contains(string(text), "the former customer") {
			t.Errorf("Why? does not say who the former customer was")
		}
		if r, err := pagesOf(d).Replay(d.Ctx, query.ReplayAsk{}); err != nil || r.Judged == 0 || len(r.Differences) > 0 {
			t.Errorf("judged again: %+v, %v", r.Differences, err)
		}
		flows := automate.New(automate.Options{Store: d.Store, Letters: d.Desk})
		if r, err := flows.Pin(d.Ctx, d.Agent("ann").Agent, from, event.ID); err != nil || !strings.Contains(r.Text, "former.domain") || strings.Contains(r.Text, "bob@") {
			t.Errorf("kept as a test: %s, %v", r.Text, err)
		}
	})
}
