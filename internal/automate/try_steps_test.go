package automate_test

import (
	"strings"
	"testing"
	"time"

	"postroom"
	"postroom/internal/automate"
	"postroom/internal/desktest"
	"postroom/internal/query"
	"postroom/internal/workflow"
)

// W35: trying and backtesting follow a workflow that another one runs, and part
// what is done at once from what is done when a wait is over.
func TestTryFollowsRunsAndWaits(t *testing.T) {
	t.Parallel()
	desktest.Each(t, func(t *testing.T, d *desktest.Desk) {
		w := automate.New(automate.Options{Store: d.Store})
		ann := d.Agent("ann")
		note := func(text string) workflow.Action { return workflow.Action{Do: workflow.DoNote, Text: text} }
		mail := func(text string) workflow.Action {
			return workflow.Action{Do: workflow.DoMail, To: []string{"second@acme.example"}, Text: text}
		}
		lamps := d.AddWorkflow("Lamps", workflow.Definition{When: workflow.When{Event: postroom.WorkflowStarted},
			If: workflow.Cond{Fact: "conversation.subject", Op: workflow.Contains, Values: []string{"lamp"}}, Then: []workflow.Action{note("Ask for the socket."), mail("Look at the lamp.")}})
		id := d.AddWorkflow("Closing", workflow.Definition{When: workflow.When{Event: postroom.StatusChanged, To: []string{"closed"}}, Then: []workflow.Action{
			{Do: workflow.DoRun, Workflow: lamps}, note("At once."),
			{Do: workflow.DoWait, For: "2h", Unless: []workflow.Unless{{Event: postroom.MessageReceived}}}, note("Later."), mail("It is closed.")}})
		d.SwitchWorkflow(id, false)
		var all []*postroom.Conversation
		for _, subject := range []string{"A lamp", "A kettle", "Another kettle"} {
			c := d.CustomerWrites("mara@customer.example", subject, "It smokes.")
			ann.Reply(c, "Put it out.")
			d.Settle()
			ann.SetStatus(c, postroom.Closed, postroom.PathMenu)
			d.Settle()
			if all = append(all, c); len(all) == 3 {
				break
			}
			d.Pass(time.Hour)
			if subject == "A kettle" {
				mails := d.Arrived()
				d.CustomerAnswers(mails[len(mails)-1], "I did.")
				d.Settle()
			}
			d.Pass(2 * time.Hour)
		}
		try := func(c *postroom.Conversation) string {
			t.Helper()
			p, err := w.Editor(d.Ctx, ann.Agent, id, automate.EditorView{On: decimal(c.Number)})
			d.Must(err)
			var out []string
			for _, s := range p.Try.Steps {
				line := strings.Repeat("> ", s.Depth) + s.Text + " | " + s.Words
				if s.Over {
					line += " (over)"
				}
				out = append(out, line)
			}
			return strings.Join(out, "\n")
		}
		for i, want := range [][]string{
			{"Run “Lamps” | Its conditions hold too", "> Add a note", "Ask for the socket.", "Wait 2 hours", "Its time came.", "the conditions are not asked again"},
			{"Run “Lamps” | It would not run: ", "Before that time had come, this ended the wait: ", "Later. (over)"},
			{"Run “Lamps” | It would not run: ", "Its time has not come yet."},
		} {
			got := try(all[i])
			for _, words := range want {
				if !strings.Contains(got, words) {
					t.Errorf("conversation %d lacks %q:\n%s", i, words, got)
				}
			}
			if i > 0 && strings.Contains(got, "Ask for the socket.") {
				t.Errorf("conversation %d shows what would not be run:\n%s", i, got)
			}
		}
		sum, lines, err := w.BacktestNow(d.Ctx, ann.Agent, id, automate.BacktestAsk{Days: 30})
		d.Must(err)
		got := map[string]int{}
		for _, c := range append(sum.Effects, sum.Waits...) {
			got[c.Text] = c.N
		}
		for text, n := range map[string]int{"“Lamps”: add a note": 1, "add a note": 3, "after the wait: add a note": 1, "waits between actions would have come to their time": 1,
			"waits between actions would have ended before their time": 1, "waits between actions would still wait": 1} {
			if got[text] != n {
				t.Errorf("%q %d times, want %d of %v", text, got[text], n, got)
			}
		}
		// Mails are named after whose they are, and after when they would have gone.
		if len(sum.Whose) != 2 || sum.Whose[0].Text != "Closing" || sum.Whose[1] != (query.BacktestCount{Text: "Lamps", N: 1}) {
			t.Errorf("whose mails: %+v", sum.Whose)
		}
		own, other := 0, 0
		for _, l := range lines {
			for _, m := range l.Mails {
				switch {
				case m.By == "Lamps" && m.ByID == lamps && m.At == 0 && m.Text == "Look at the lamp.":
					other++
				case m.By == "" && m.At == l.At+(2*time.Hour).Milliseconds() && m.Text == "It is closed.":
					own++
				default:
					t.Errorf("a mail at %d of what happened at %d: %+v", m.At, l.At, m)
				}
			}
		}
		if own == 0 || own != sum.Whose[0].N || other != 1 {
			t.Errorf("%d mails of its own behind the wait and %d of the other one, of %+v", own, other, sum.Whose)
		}
	})
}

// What nothing of the past sets off cannot be backtested, and says why.
func TestWhatCannotBeBacktested(t *testing.T) {
	t.Parallel()
	each(t, func(r *rig) {
		ctx := t.Context()
		for words, when := range map[string]workflow.When{
			"run by hand":  {Event: postroom.WorkflowStarted},
			"at set times": {Event: postroom.ScheduleDue, Schedule: workflow.Schedule{Days: []string{"mon"}, At: "08:00"}},
		} {
			id, err := r.Begin(ctx, admin, "")
			r.must(err)
			r.must(r.save(admin, id, r.drawn(id, admin, words, workflow.Definition{When: when, Then: []workflow.Action{{Do: workflow.DoNote, Text: "Hello"}}})))
			_, err = r.StartBacktest(ctx, admin, id, automate.BacktestAsk{Days: 30, Draft: true})
			want(t, err, postroom.Invalid, "of")
			if !strings.Contains(err.Error(), words) {
				t.Errorf("%s: %v", words, err)
			}
		}
	})
}
