package desktest_test

import (
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"postroom"
	"postroom/internal/desktest"
	"postroom/internal/postoffice"
	"postroom/internal/store"
	"postroom/internal/workflow"
)

// W6, W8: workflows hear of notes, subjects, moves, deletions and of what became
// of mails, each with its filters.
func TestWorkflowsHearOfEverything(t *testing.T) {
	t.Parallel()
	desktest.Each(t, func(t *testing.T, d *desktest.Desk) {
		ann := d.Agent("ann")
		sales := d.AddMailbox("Sales", "sales@acme.example", nil)
		heard := map[postroom.EventKind]int64{}
		for _, kind := range []postroom.EventKind{postroom.SubjectChanged, postroom.ConversationMoved, postroom.ConversationDeleted,
			postroom.ConversationRestored, postroom.MailAccepted, postroom.MailFailed, postroom.WorkflowFailed} {
			heard[kind] = d.AddWorkflow(string(kind), on(kind, workflow.Action{Do: workflow.DoTags, Add: []int64{d.Tag(string(kind))}}))
		}
		notes := on(postroom.NoteAdded, workflow.Action{Do: workflow.DoTags, Add: []int64{d.Tag("noted")}})
		notes.When.Actors = []postroom.ActorKind{postroom.ByAgent}
		heard[postroom.NoteAdded] = d.AddWorkflow("noted", notes)
		moved := on(postroom.ConversationMoved, workflow.Action{Do: workflow.DoTags, Add: []int64{d.Tag("to sales")}})
		moved.When.To = []string{strconv.FormatInt(sales.ID, 10)}
		toSales := d.AddWorkflow("to sales", moved)

		c := firstMail(d)
		runs := func(kind postroom.EventKind, want int) {
			t.Helper()
			d.Settle()
			expect(t, "runs on "+string(kind), len(d.Runs(c.ID, heard[kind])), want)
		}
		ann.AddNote(c, "To be watched.")
		runs(postroom.NoteAdded, 1)
		if _, err := d.Desk.SetSubject(d.Ctx, ann.Agent, c.ID, "Another lamp", postroom.PathMenu); err != nil {
			t.Fatal(err)
		}
		runs(postroom.SubjectChanged, 1)
		ann.Reply(c, "On its way.")
		runs(postroom.MailAccepted, 1)
		d.Office.Program(postoffice.Fault{Phase: postoffice.Rcpt, Action: postoffice.Lie, Reply: "550 5.1.1 No such user", Times: 1})
		ann.Reply(c, "Once more.")
		runs(postroom.MailFailed, 1)
		failed := d.EventsOf(c.ID, postroom.MailFailed)[0]
		expect(t, "code of the failure", failed.Payload.Code, 550)
		if _, err := d.Desk.Move(d.Ctx, ann.Agent, c.ID, sales.ID, postroom.PathMenu); err != nil {
			t.Fatal(err)
		}
		runs(postroom.ConversationMoved, 1)
		expect(t, "runs by the filter", len(d.Runs(c.ID, toSales)), 1)
		if _, err := d.Desk.Delete(d.Ctx, ann.Agent, c.ID, postroom.PathMenu); err != nil {
			t.Fatal(err)
		}
		runs(postroom.ConversationDeleted, 1)
		if _, err := d.Desk.Restore(d.Ctx, ann.Agent, c.ID, postroom.PathMenu); err != nil {
			t.Fatal(err)
		}
		runs(postroom.ConversationRestored, 1)
	})
}

// Where nobody listens, a note or a mail costs no judging: it is judged when it
// is recorded, opens no lane, and Why? does not show it.
func TestQuietEventsCostNothing(t *testing.T) {
	t.Parallel()
	desktest.Each(t, func(t *testing.T, d *desktest.Desk) {
		ann, c := d.Agent("ann"), firstMail(d)
		states := func(kind postroom.EventKind) (out []postroom.EventState) {
			for _, e := range d.EventsOf(c.ID, kind) {
				out = append(out, e.State)
			}
			return out
		}
		ann.AddNote(c, "For us.")
		if got := states(postroom.NoteAdded); !slices.Equal(got, []postroom.EventState{postroom.EventJudged}) {
			t.Fatalf("a note nobody listens for is %v", got)
		}
		if _, due, err := d.Store.NextLane(d.Ctx, store.LaneJudge); err != nil || due {
			t.Fatalf("a lane is open for it: %v, %v", due, err)
		}
		id := d.AddWorkflow("Notes", on(postroom.NoteAdded, workflow.Action{Do: workflow.DoTags, Add: []int64{d.Tag("noted")}}))
		ann.AddNote(c, "For the workflow.")
		if got := states(postroom.NoteAdded); !slices.Equal(got, []postroom.EventState{postroom.EventJudged, postroom.EventPending}) {
			t.Fatalf("with a workflow for notes they are %v", got)
		}
		d.SwitchWorkflow(id, false)
		d.Settle()
		ann.AddNote(c, "For nobody again.")
		if got := states(postroom.NoteAdded); slices.Contains(got, postroom.EventPending) {
			t.Fatalf("with the workflow switched off they are %v", got)
		}
		expect(t, "runs", len(d.Runs(c.ID, id)), 0)
	})
}

// A note can be undone as before, whether a workflow listens for notes or not,
// and then no workflow ever heard of it.
func TestUndoneNoteIsHeardByNobody(t *testing.T) {
	t.Parallel()
	desktest.Each(t, func(t *testing.T, d *desktest.Desk) {
		d.UndoWindow(10 * time.Second)
		ann, c := d.Agent("ann"), firstMail(d)
		for _, listens := range []bool{false, true} {
			id := int64(0)
			if listens {
				id = d.AddWorkflow("Notes", on(postroom.NoteAdded, status(postroom.Pending)))
			}
			out := ann.AddNote(c, "A slip.")
			ann.Undo(out)
			d.Pass(time.Minute)
			if listens {
				expect(t, "runs", len(d.Runs(c.ID, id)), 0)
			}
			expect(t, "status", d.Conversation(c.ID).Status, postroom.Active)
			expect(t, "notes", d.Conversation(c.ID).Notes, 0)
		}
	})
}

// What became of a mail delays no mail: the closing notice goes although nobody
// has judged yet that its reply was accepted, and every mail's event is judged,
// of the same chain or not.
func TestMailEventsHoldUpNoMail(t *testing.T) {
	t.Parallel()
	desktest.Each(t, func(t *testing.T, d *desktest.Desk) {
		d.ClosingNotice()
		id := d.AddWorkflow("Accepted", on(postroom.MailAccepted, note("Accepted.")))
		c := firstMail(d)
		d.Agent("ann").SendAndClose(c, "On its way.")
		// The reply goes before anything is judged, so that what became of it has a
		// smaller number than the notice.
		step(t, d, "deliver")
		accepted := d.EventsOf(c.ID, postroom.MailAccepted)
		expect(t, "accepted", len(accepted), 1)
		expect(t, "state", accepted[0].State, postroom.EventPending)
		step(t, d, store.LaneJudge)
		d.SQL("update event set state = 'pending' where id = $1", accepted[0].ID) // as if nobody had come to it yet
		step(t, d, "deliver")
		d.ExpectMails("On its way.", "auto:Hello")
		d.SQL("update event set state = 'judged' where id = $1", accepted[0].ID)
		d.Settle()
		expect(t, "runs", len(d.Runs(c.ID, id)), 2)
		if n := len(d.EventsOf(c.ID, postroom.ChainStopped)); n != 0 {
			t.Fatalf("the chain is said to be stopped %d times:\n%s", n, d.Story(c.ID))
		}
	})
}

// step does one piece of work of a kind.
func step(t *testing.T, d *desktest.Desk, name string) {
	t.Helper()
	kind := kindOf(t, d, name)
	items, err := kind.Source.Claim(t.Context(), 1, kind.Lease)
	if err != nil || len(items) != 1 {
		t.Fatalf("%s: %d items, %v", name, len(items), err)
	}
	if err := kind.Handler(t.Context(), items[0]); err != nil {
		t.Fatal(err)
	}
}

// W20: a workflow that answers what became of mails does not answer its own.
func TestNoWorkflowIsSetOffByItsOwnMail(t *testing.T) {
	t.Parallel()
	desktest.Each(t, func(t *testing.T, d *desktest.Desk) {
		id := d.AddWorkflow("Loop", on(postroom.MailAccepted, reply("Your mail went out.")))
		c := firstMail(d)
		d.Agent("ann").Reply(c, "On its way.")
		d.Settle()
		d.ExpectMails("On its way.", "auto:Your mail went out.")
		expect(t, "runs", len(d.Runs(c.ID, id)), 1)
		stops := d.EventsOf(c.ID, postroom.ChainStopped)
		if len(stops) != 1 || !strings.Contains(stops[0].Payload.Words, "Loop") {
			t.Fatalf("stopped %v", stops)
		}
	})
}

// W21: that a workflow paused itself is an event others can hear.
func TestPausedWorkflowIsHeard(t *testing.T) {
	t.Parallel()
	desktest.Each(t, func(t *testing.T, d *desktest.Desk) {
		tag := d.Tag("gone")
		bad := d.AddWorkflow("Bad", on(postroom.ReplySent, workflow.Action{Do: workflow.DoTags, Add: []int64{tag}}))
		heard := d.AddWorkflow("Heard", on(postroom.WorkflowPaused, note("Somebody look.")))
		d.SQL("delete from tag where id = $1", tag)
		c := firstMail(d)
		for range 5 {
			d.Agent("ann").Reply(c, "On its way.")
			d.Settle()
		}
		if d.Workflow(bad).PausedWords == "" {
			t.Fatal("it was not paused")
		}
		expect(t, "runs", len(d.Runs(c.ID, heard)), 1)
	})
}
