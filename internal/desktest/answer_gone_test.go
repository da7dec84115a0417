package desktest_test

import (
	"strings"
	"testing"

	"postroom"
	. "postroom/internal/desktest"
	"postroom/internal/query"
	"postroom/internal/store"
)

// TestAnswersToWhatIsGone: an answer to a notification of a conversation that
// was deleted or erased since goes back to the agent, and acts once the
// conversation is restored.
func TestAnswersToWhatIsGone(t *testing.T) {
	t.Parallel()
	Each(t, func(t *testing.T, d *Desk) {
		d.ClosingNotice()
		ann := d.Agent("ann")
		c := d.CustomerWrites("Jane <jane@customer.example>", "Printer", "It burns.")
		told := d.Notify("ann", c)
		if _, err := d.Desk.Delete(d.Ctx, ann.Agent, c.ID, postroom.PathMenu); err != nil {
			t.Fatal(err)
		}
		d.Settle()
		before := unchanged(d, c)
		var back Mail
		for _, text := range []string{"@close", "@close\nPull the plug.", "@note\nShe called.", "Pull the plug."} {
			in := d.AgentAnswers(AnswerLetter{To: told, Text: text, Shape: "gmail"})
			if in.State != store.InboundRefused || !strings.Contains(in.Words, "deleted") {
				t.Fatalf("%q is %s: %s", text, in.State, in.Words)
			}
			back = d.ExpectMails("auto:is deleted")[0]
			if back.To != "ann@acme.example" || !strings.Contains(back.Text, strings.Split(text, "\n")[0]) {
				t.Errorf("%q goes back to %s:\n%s", text, back.To, back.Text)
			}
			if now := unchanged(d, c); now != before {
				t.Errorf("%q made of %s %s", text, before, now)
			}
		}
		if _, err := d.Desk.Restore(d.Ctx, ann.Agent, c.ID, postroom.PathMenu); err != nil {
			t.Fatal(err)
		}
		d.Settle()
		if in := d.AgentAnswers(AnswerLetter{To: back, Text: "@close\nPull the plug."}); in.State != store.InboundDone {
			t.Fatalf("after it was restored the answer is %s: %s", in.State, in.Words)
		}
		d.ExpectMails("Pull the plug.", "auto:closed")

		gone := d.CustomerWrites("Jane <jane@customer.example>", "Chair", "It wobbles.")
		told = d.Notify("ann", gone)
		if _, err := d.Desk.Delete(d.Ctx, ann.Agent, gone.ID, postroom.PathMenu); err != nil {
			t.Fatal(err)
		}
		d.Settle()
		if _, err := d.Desk.EmptyTrash(d.Ctx, ann.Agent, 0); err != nil {
			t.Fatal(err)
		}
		d.Settle()
		if _, err := d.Store.Read().Conversation(d.Ctx, gone.ID); postroom.CodeOf(err) != postroom.NotFound {
			t.Fatalf("it was not erased: %v", err)
		}
		all := "select count(*) from conversation"
		count := func() (n int) {
			if err := d.DB.Reader().QueryRow(d.Ctx, all).Scan(&n); err != nil {
				t.Fatal(err)
			}
			return n
		}
		n := count()
		for _, headers := range []string{"", "-"} {
			in := d.AgentAnswers(AnswerLetter{To: told, Text: "@close\nPull the plug.", Shape: "gmail", Headers: headers})
			if in.State != store.InboundRefused || in.ConversationID != 0 || count() != n {
				t.Errorf("an answer to what was erased is %s: %s; there are %d conversations, not %d", in.State, in.Words, count(), n)
			}
			if got := d.Arrived(); len(got) != 1 || got[0].To != "ann@acme.example" || !strings.Contains(got[0].Text, "Pull the plug.") {
				t.Errorf("what comes of it: %+v", got)
			}
		}
		pages := query.New(query.Options{Store: d.Store})
		log, err := pages.Mails(d.Ctx, ann.Agent, query.MailsAsk{}, query.Place{})
		if err != nil {
			t.Fatal(err)
		}
		returned := 0
		for _, row := range log.Rows {
			if row.Number != 0 {
				continue
			}
			returned++
			if _, err := pages.Journey(d.Ctx, ann.Agent, row.ID, query.Place{}); err != nil || row.State != string(postroom.MailDone) {
				t.Errorf("the journey of a mail that went back, of no conversation, %s: %v", row.State, err)
			}
		}
		if returned != 2 {
			t.Errorf("%d mails of no conversation are in the log", returned)
		}
		in := d.AgentAnswers(AnswerLetter{To: told, Text: "Hello.", From: "Jane <jane@customer.example>", Headers: "-"})
		if in.State != store.InboundDone || count() != n+1 {
			t.Errorf("somebody else's answer to it is %s: %s", in.State, in.Words)
		}
		d.CheckInvariants()
	})
}
