package desktest_test

import (
	"strings"
	"testing"
	"time"

	"postroom"
	"postroom/internal/desk"
	"postroom/internal/desktest"
	"postroom/internal/query"
	"postroom/internal/store"
	"postroom/internal/workflow"
)

// byHand is a workflow that people run.
func byHand(then ...workflow.Action) workflow.Definition {
	return workflow.Definition{When: workflow.When{Event: postroom.WorkflowStarted}, Then: then}
}

// W8, W5: a workflow that is run by hand runs where somebody says so and nowhere
// else, judged in its turn by itself alone, caused by the agent's act. What it
// mails is caused by a person.
func TestRunByHand(t *testing.T) {
	t.Parallel()
	desktest.Each(t, func(t *testing.T, d *desktest.Desk) {
		d.UndoWindow(10 * time.Second)
		id := d.AddWorkflow("Escalate", byHand(reply("We look into it."), note("Escalated.")))
		other := d.AddWorkflow("Another", byHand(note("Not me.")))
		heard := d.AddWorkflow("On every note", workflow.Definition{When: workflow.When{Event: postroom.NoteAdded}, Then: []workflow.Action{note("Heard.")}})
		c := firstMail(d)
		bystander := firstMail(d)
		ann := d.Agent("ann")
		out := ann.Start(c, id, postroom.PathMenu)
		started := d.EventsOf(c.ID, postroom.WorkflowStarted)[0]
		expect(t, "actor", started.Actor, postroom.Actor{Kind: postroom.ByAgent, ID: ann.ID})
		expect(t, "path", started.Path, postroom.PathMenu)
		expect(t, "workflow", started.Payload.WorkflowID, id)
		expect(t, "version", started.Payload.Number, 1)
		expect(t, "window", started.FinalAt > started.At, true)
		expect(t, "act", out.ActID, started.ActID)
		d.Pass(9 * time.Second)
		expect(t, "runs in the window", len(d.Runs(c.ID, 0)), 0)
		d.Pass(time.Second)
		run := onlyRun(t, d, c, id)
		expect(t, "run for", run.EventID, started.ID)
		expect(t, "verdicts", len(d.Verdicts(started.ID)), 1)
		expect(t, "verdict", d.Verdicts(started.ID)[id], workflow.Matched)
		expect(t, "runs of the other", len(d.Runs(c.ID, other)), 0)
		expect(t, "runs elsewhere", len(d.Runs(bystander.ID, id)), 0)
		expect(t, "set off by it", len(d.Runs(c.ID, heard)), 1)
		d.ExpectMails("auto:We look into it.")
		for _, e := range d.EventsOf(c.ID, postroom.NoteAdded) {
			expect(t, "root", e.Root, started.ID)
		}
		for _, m := range d.Mails(c.ID) {
			expect(t, "caused by machines only", m.Machine, false)
		}
		// Again is another act, and another run.
		ann.Start(c, id, postroom.PathKeyboard)
		d.Pass(10 * time.Second)
		expect(t, "runs", len(d.Runs(c.ID, id)), 2)
	})
}

// W19: a start is undone like any act; then nothing has run.
func TestUndoOfRunByHand(t *testing.T) {
	t.Parallel()
	desktest.Each(t, func(t *testing.T, d *desktest.Desk) {
		d.UndoWindow(10 * time.Second)
		id := d.AddWorkflow("Escalate", byHand(note("Escalated.")))
		c := firstMail(d)
		ann := d.Agent("ann")
		out := ann.Start(c, id, postroom.PathMenu)
		shell, err := d.Pages().Shell(d.Ctx, ann.Agent, query.Place{})
		if err != nil || len(shell.Undo) != 1 || !strings.Contains(shell.Undo[0].Words, "Workflow “Escalate” will run") {
			t.Fatalf("the undo bar: %+v, %v", shell.Undo, err)
		}
		ann.Undo(out)
		d.Pass(time.Hour)
		expect(t, "runs", len(d.Runs(c.ID, id)), 0)
		expect(t, "state", d.EventsOf(c.ID, postroom.WorkflowStarted)[0].State, postroom.EventUndone)
	})
}

// W31: whoever ran it reads on the conversation why it came to nothing.
func TestRunByHandSaysWhyNot(t *testing.T) {
	t.Parallel()
	desktest.Each(t, func(t *testing.T, d *desktest.Desk) {
		def := byHand(note("Escalated."))
		def.If = workflow.Cond{All: []workflow.Cond{{Fact: "conversation.status", Op: workflow.Is, Values: []string{"closed"}}}}
		id := d.AddWorkflow("Escalate", def)
		c := firstMail(d)
		ann := d.Agent("ann")
		ann.Start(c, id, postroom.PathMenu)
		d.Settle()
		expect(t, "runs", len(d.Runs(c.ID, id)), 0)
		p, err := d.Pages().Conversation(d.Ctx, ann.Agent, query.ConversationAsk{Number: c.Number}, query.Place{})
		if err != nil {
			t.Fatal(err)
		}
		said := ""
		for _, e := range p.Timeline {
			if e.Event != nil && e.Event.Kind == string(postroom.WorkflowStarted) {
				said = e.Event.Words
			}
		}
		const want = "ran “Escalate”. It did not run: conditions not met. It would have run if the status had been closed (it was active)."
		expect(t, "the line", said, want)
		expect(t, "offered", len(p.Run), 1)
		why, err := d.Pages().Why(d.Ctx, ann.Agent, c.Number, query.Place{})
		if err != nil {
			t.Fatal(err)
		}
		last := why.Events[0]
		for _, e := range why.Events {
			if e.Line.Kind == string(postroom.WorkflowStarted) {
				last = e
			}
		}
		expect(t, "workflows under Why?", len(last.Workflows), 1)
		expect(t, "verdict under Why?", last.Workflows[0].Verdict, "not matched")
		expect(t, "differs", last.Workflows[0].Differs, "")
	})
}

// Who may run a workflow by hand: those who may answer in the mailbox and whom
// the workflow names; and only while it is switched on and for this mailbox.
func TestWhoMayRunByHand(t *testing.T) {
	t.Parallel()
	desktest.Each(t, func(t *testing.T, d *desktest.Desk) {
		ann, ben := d.Agent("ann"), d.Agent("ben")
		def := byHand(note("Escalated."))
		def.When.Agents = []int64{ben.ID}
		id := d.AddWorkflow("Escalate", def)
		c := firstMail(d)
		_, err := d.Pages().Startable(d.Ctx, ann.Agent, id)
		expect(t, "for Ann", postroom.CodeOf(err), postroom.NotFound)
		ben.Start(c, id, postroom.PathMenu)
		d.Settle()
		expect(t, "runs", len(d.Runs(c.ID, id)), 1)
		w, err := d.Pages().Startable(d.Ctx, ben.Agent, id)
		if err != nil {
			t.Fatal(err)
		}
		// What the page did not show cannot be had by force.
		_, err = d.Desk.Start(d.Ctx, ann.Agent, c.ID, w, postroom.PathMenu)
		if err != nil {
			t.Fatal(err)
		}
		d.Settle()
		started := d.EventsOf(c.ID, postroom.WorkflowStarted)
		expect(t, "verdict", d.Verdicts(started[1].ID)[id], workflow.Filtered)
		w.MailboxID = c.MailboxID + 99
		_, err = d.Desk.Start(d.Ctx, ben.Agent, c.ID, w, postroom.PathMenu)
		expect(t, "another mailbox", postroom.CodeOf(err), postroom.Invalid)
		d.SwitchWorkflow(id, false)
		_, err = d.Pages().Startable(d.Ctx, ben.Agent, id)
		expect(t, "switched off", postroom.CodeOf(err), postroom.NotFound)
		w.MailboxID = 0
		_, err = d.Desk.Start(d.Ctx, ben.Agent, c.ID, w, postroom.PathMenu)
		expect(t, "switched off meanwhile", postroom.CodeOf(err), postroom.Conflict)
		expect(t, "events", d.CountEvents(c.ID, postroom.WorkflowStarted), 2)
	})
}

// W26: on a selection of n it mails n times, each conversation in a transaction
// of its own; what cannot be run on is named.
func TestRunOnSelection(t *testing.T) {
	t.Parallel()
	desktest.Each(t, func(t *testing.T, d *desktest.Desk) {
		id := d.AddWorkflow("Tell them", byHand(reply("We are late today.")))
		all, numbers := some(d)
		ann := d.Agent("ann")
		deleted := d.CustomerWrites("d@customer.example", "Lamp", "Broken.")
		if _, err := d.Desk.Delete(d.Ctx, ann.Agent, deleted.ID, postroom.PathMenu); err != nil {
			t.Fatal(err)
		}
		d.Settle()
		w, err := d.Pages().Startable(d.Ctx, ann.Agent, id)
		if err != nil {
			t.Fatal(err)
		}
		job := ann.Bulk(desk.Bulk{Numbers: append(numbers, deleted.Number), Run: &w})
		d.Pass(postroom.DefaultUndoMS * time.Millisecond)
		j, err := d.Store.Read().Job(d.Ctx, job)
		if err != nil {
			t.Fatal(err)
		}
		expect(t, "state", j.State, store.JobDone)
		expect(t, "done", j.Done, 3)
		expect(t, "skipped", j.Skipped, 1)
		expect(t, "who was skipped", j.Report[0].Number, deleted.Number)
		d.ExpectMails("auto:We are late today.", "auto:We are late today.", "auto:We are late today.")
		for _, c := range all {
			e := d.EventsOf(c.ID, postroom.WorkflowStarted)[0]
			expect(t, "path", e.Path, postroom.PathBulk)
			expect(t, "runs", len(d.Runs(c.ID, id)), 1)
		}
	})
}

// T12: @run in an answer by mail: the reply first, then what the workflow sends.
// A name that fits none or several comes back to the agent, and nothing is done.
func TestRunByMail(t *testing.T) {
	t.Parallel()
	desktest.Each(t, func(t *testing.T, d *desktest.Desk) {
		id := d.AddWorkflow("Ask for a photo", byHand(reply("Please send us a photo.")))
		d.AddWorkflow("Ask for the number", byHand(note("The number.")))
		c := d.CustomerWrites("Jane <jane@customer.example>", "Printer", "It burns.")
		in := d.AgentAnswers(desktest.AnswerLetter{To: d.Notify("ann", c), Text: "@run ask for a photo\n\nDear Jane,\npull the plug.", Shape: "gmail"})
		if in.State != store.InboundDone {
			t.Fatalf("%s: %s", in.State, in.Words)
		}
		d.ExpectMails("pull the plug.", "auto:Please send us a photo.")
		e := d.EventsOf(c.ID, postroom.WorkflowStarted)[0]
		expect(t, "path", e.Path, postroom.PathCommand)
		expect(t, "runs", len(d.Runs(c.ID, id)), 1)

		c = d.CustomerWrites("Jane <jane@customer.example>", "Another", "It burns again.")
		for _, wrong := range []string{"@run ask", "@run nothing", "@run"} {
			in = d.AgentAnswers(desktest.AnswerLetter{To: d.Notify("ann", c), Text: wrong + "\n\nDear Jane.", Shape: "gmail"})
			expect(t, wrong, in.State, store.InboundRefused)
		}
		expect(t, "messages", len(d.Messages(c.ID)), 1)
		expect(t, "started", d.CountEvents(c.ID, postroom.WorkflowStarted), 0)
	})
}
