package desktest_test

import (
	"errors"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"postroom"
	"postroom/internal/desk"
	"postroom/internal/desktest"
	"postroom/internal/workflow"
)

var rateLink = regexp.MustCompile(`https://desk\.acme\.example/rate/([a-z0-9]+)\?r=(good|okay|bad)`)

// rateToken finds the token of the links in a mail's text and HTML, and checks
// that all three stand in both.
func rateToken(t *testing.T, m desktest.Mail) string {
	t.Helper()
	token := ""
	for what, body := range map[string]string{"text": m.Text, "HTML": m.HTML} {
		var values []string
		for _, x := range rateLink.FindAllStringSubmatch(body, -1) {
			values = append(values, x[2])
			if token != "" && token != x[1] {
				t.Errorf("two tokens in one mail: %s and %s", token, x[1])
			}
			token = x[1]
		}
		if !slices.Equal(values, []string{"good", "okay", "bad"}) {
			t.Errorf("the links of the %s are %q: %s", what, values, body)
		}
		if strings.Contains(body, "[Good") {
			t.Errorf("the mark is left in the %s", what)
		}
	}
	return token
}

func rate(d *desktest.Desk, token, value, comment string) error {
	return d.Desk.Rate(d.Ctx, token, value, comment, "192.0.2.7")
}

// asked closes a conversation of Ann's, of which a workflow asks the customer
// for a rating, and returns the token of the links.
func asked(t *testing.T, d *desktest.Desk) (*postroom.Conversation, string) {
	t.Helper()
	d.AddWorkflow("Ask", closing(reply("How was it? {{ rating }} Bye")))
	c := d.CustomerWrites("Mara Lind <mara@customer.example>", "Lamp", "Broken.")
	ann := d.Agent("ann")
	ann.Assign(c, ann.ID)
	ann.SetStatus(c, postroom.Closed, postroom.PathMenu)
	d.Settle()
	return c, rateToken(t, d.Arrived()[0])
}

// W6: a customer rates by the links of a mail. It is an event of theirs with
// from and to; workflows and the assignee hear of it; the same once more is no
// event (W5); each change is kept, the last counts.
func TestRatingIsReceived(t *testing.T) {
	t.Parallel()
	desktest.Each(t, func(t *testing.T, d *desktest.Desk) {
		bad := d.AddWorkflow("Bad", workflow.Definition{When: workflow.When{Event: postroom.RatingReceived, To: []string{"bad"}},
			If: workflow.Cond{All: []workflow.Cond{{Fact: "rating.comment", Op: workflow.Contains, Values: []string{"SLOW"}},
				{Fact: "conversation.rating", Op: workflow.Is, Values: []string{"bad"}}, {Fact: "conversation.rating", Op: workflow.ChangedFrom, Values: []string{"good"}}}},
			Then: []workflow.Action{status(postroom.Active)}})
		c, token := asked(t, d)
		for i, step := range []struct {
			value, comment, from string
			events               int
		}{{"good", "", "none", 1}, {"good", "", "none", 1}, {"bad", "Too slow\r\n<b>really</b>", "good", 2}, {"bad", "Too slow\n<b>really</b>", "good", 2}, {"bad", "Slow.", "bad", 3}} {
			d.Clock.Advance(time.Minute)
			if err := rate(d, token, step.value, step.comment); err != nil {
				t.Fatal(i, err)
			}
			d.Settle()
			events := d.EventsOf(c.ID, postroom.RatingReceived)
			if len(events) != step.events {
				t.Fatalf("step %d: %d events", i, len(events))
			}
			e := events[len(events)-1]
			if e.Payload.From != step.from || e.Payload.To != step.value || e.Path != postroom.PathRating || e.Actor != (postroom.Actor{Kind: postroom.ByCustomer, ID: c.CustomerID}) || e.After.Rating != postroom.RatingValue(step.value) {
				t.Errorf("step %d: %+v", i, e)
			}
		}
		expect(t, "the conversation's rating", d.Conversation(c.ID).Rating, postroom.RatedBad)
		expect(t, "runs on the bad one", len(d.Runs(c.ID, bad)), 1)
		expect(t, "status", d.Conversation(c.ID).Status, postroom.Active)
		expectTold(t, d, "ann", "new 1", "rated 1", "rated 1", "rated 1")
		a, err := d.Desk.RatingAsk(d.Ctx, token)
		if err != nil || a.Value != postroom.RatedBad || a.Comment != "Slow." || a.Mailbox != "Acme Support" || !a.Open() {
			t.Errorf("the page would show %+v, %v", a, err)
		}
	})
}

// A link is of one mail and one use, and of no use when it is altered, late, or
// when there is nothing left to rate.
func TestRatingRefused(t *testing.T) {
	t.Parallel()
	desktest.Each(t, func(t *testing.T, d *desktest.Desk) {
		c, token := asked(t, d)
		mail := d.Mails(c.ID)[0]
		other := "a"
		if token[len(token)-1] == 'a' {
			other = "b"
		}
		for _, wrong := range []string{"", "x", token[:len(token)-1], token[:len(token)-1] + other, d.Desk.Keys().Token(mail.ID)} {
			if err := rate(d, wrong, "good", ""); postroom.CodeOf(err) != postroom.NotFound {
				t.Errorf("token %q: %v", wrong, err)
			}
		}
		if _, ok := d.Desk.Keys().Verify(token); ok {
			t.Error("the token of a link names a mail, as in an answer's address")
		}
		for field, err := range map[string]error{"rating": rate(d, token, "great", ""), "comment": rate(d, token, "good", strings.Repeat("ä", postroom.MaxRatingComment+1))} {
			var fault *postroom.Error
			if !errors.As(err, &fault) || fault.Code != postroom.Invalid || fault.Field != field {
				t.Errorf("%s: %v", field, err)
			}
		}
		if err := rate(d, token, "good", strings.Repeat("ä", postroom.MaxRatingComment)); err != nil {
			t.Error(err)
		}
		d.Pass(30*24*time.Hour + time.Minute)
		if err := rate(d, token, "bad", ""); postroom.CodeOf(err) != postroom.Conflict {
			t.Errorf("after 30 days: %v", err)
		}
		expect(t, "ratings", d.CountEvents(c.ID, postroom.RatingReceived), 1)
	})
}

// What was deleted or is spam is not rated; a mail can be rated so often, and an
// address may send so many.
func TestRatingBounds(t *testing.T) {
	t.Parallel()
	desktest.Each(t, func(t *testing.T, d *desktest.Desk) {
		c, token := asked(t, d)
		ann := d.Agent("ann")
		for _, gone := range []struct{ do, undo func() error }{
			{func() error {
				_, err := d.Desk.SetStatus(d.Ctx, ann.Agent, c.ID, postroom.Spam, postroom.PathMenu)
				return err
			},
				func() error {
					_, err := d.Desk.SetStatus(d.Ctx, ann.Agent, c.ID, postroom.Closed, postroom.PathMenu)
					return err
				}},
			{func() error { _, err := d.Desk.Delete(d.Ctx, ann.Agent, c.ID, postroom.PathMenu); return err },
				func() error { _, err := d.Desk.Restore(d.Ctx, ann.Agent, c.ID, postroom.PathMenu); return err }},
		} {
			d.Must(gone.do())
			if err := rate(d, token, "good", ""); postroom.CodeOf(err) != postroom.Conflict {
				t.Errorf("gone: %v", err)
			}
			if a, err := d.Desk.RatingAsk(d.Ctx, token); err != nil || !a.Gone {
				t.Errorf("gone: %+v, %v", a, err)
			}
			d.Must(gone.undo())
		}
		values := []string{"good", "bad"}
		for i := range postroom.MaxRatings {
			d.Must(rate(d, token, values[i%2], ""))
		}
		if err := rate(d, token, "good", ""); postroom.CodeOf(err) != postroom.Conflict {
			t.Errorf("once too often: %v", err)
		}
		d.Clock.Advance(10 * time.Minute)
		_, second := asked(t, d)
		var err error
		for range 31 {
			err = rate(d, second, "good", "")
		}
		if postroom.CodeOf(err) != postroom.Busy {
			t.Errorf("too many from one address: %v", err)
		}
		d.Settle()
		d.CheckInvariants()
	})
}

// The variable works in an agent's reply, in a signature and in the form that
// FreeScout writes it in, in the customer's language; A7: an automatic answer
// sets off no mail that asks.
func TestRatingIsAskedFor(t *testing.T) {
	t.Parallel()
	desktest.Each(t, func(t *testing.T, d *desktest.Desk) {
		ann := d.Agent("ann")
		c := d.CustomerWrites("mara@customer.example", "Lamp", "Broken.")
		for _, written := range []string{"<p>Done. {{ rating }}</p>", "<p>Done. {%rating%}</p>"} {
			_, err := d.Desk.Publish(d.Ctx, ann.Agent, desk.Publish{ConversationID: c.ID, Kind: postroom.Reply, HTML: written, Path: postroom.PathSend})
			d.Must(err)
			d.Settle()
			rateToken(t, d.Arrived()[0])
		}
		d.ChangeMailbox(d.Mailbox, func(m *postroom.Mailbox) { m.Signature = "<p>{{ agent.name }}</p><p>{{ rating }}</p>" })
		ann.Reply(c, "Anything else?")
		d.Settle()
		m := d.Arrived()[0]
		rateToken(t, m)
		d.ChangeMailbox(d.Mailbox, func(m *postroom.Mailbox) { m.Signature = "" })
		d.AddWorkflow("Ask", on(postroom.MessageReceived, reply("{% if customer.language == \"de\" %}Hallo{% endif %} {%rating%}")))
		d.Receive("lea@kunde.example", d.Mailbox.Address, "Content-Language: de\r\n"+d.Raw(desktest.Letter{From: "lea@kunde.example", Subject: "Lampe", Body: "Kaputt."}))
		d.Settle()
		german := d.Arrived()[0]
		rateToken(t, german)
		if !strings.Contains(german.Text, "Hallo") || !strings.Contains(german.Text, "Nicht gut: https://") || !strings.Contains(german.HTML, "Nicht&nbsp;gut") {
			t.Errorf("not in the customer's language: %s", german.Text)
		}
		d.Receive("bot@kunde.example", d.Mailbox.Address, "Auto-Submitted: auto-replied\r\n"+d.Raw(desktest.Letter{From: "bot@kunde.example", Subject: "Away", Body: "Away."}))
		d.Settle()
		if got := d.Arrived(); len(got) != 0 {
			t.Errorf("a machine was asked for a rating: %+v", got)
		}
	})
}
