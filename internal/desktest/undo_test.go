package desktest_test

import (
	"io"
	"strings"
	"testing"
	"time"

	"postroom"
	"postroom/internal/desk"
	"postroom/internal/desktest"
	"postroom/internal/store"
)

// Undoing a Send & Close: nothing ever happened, and the message is the draft
// it was (W19).
func TestUndoSendAndClose(t *testing.T) {
	t.Parallel()
	desktest.Each(t, func(t *testing.T, d *desktest.Desk) {
		d.UndoWindow(10 * time.Second)
		d.ClosingNotice()
		c := d.CustomerWrites("Mara <mara@customer.example>", "Lamp", "Broken.")
		ann := d.Agent("ann")
		id, file, err := d.Desk.Attach(d.Ctx, ann.Agent, c.ID, postroom.Reply, "plan.txt", "text/plain", strings.NewReader("a plan"), false)
		if err != nil {
			t.Fatal(err)
		}
		out := ann.Publish(desk.Publish{ConversationID: c.ID, Draft: id, Kind: postroom.Reply, HTML: "<p>The answer.</p>", Status: postroom.Closed, Path: postroom.PathSend})
		d.Pass(5 * time.Second)
		if err := d.Agent("ben").TryUndo(out); postroom.CodeOf(err) != postroom.Forbidden {
			t.Fatalf("another agent's undo: %v", err)
		}
		u := ann.Undo(out)
		if err := ann.TryUndo(out); postroom.CodeOf(err) != postroom.Conflict {
			t.Fatalf("a second undo: %v", err)
		}
		d.Pass(time.Hour)
		d.ExpectMails()
		after := d.Conversation(c.ID)
		if after.Status != postroom.Active || after.Replies != 0 || after.WaitingSince != c.WaitingSince || after.LastHumanAt != 0 || after.Preview != c.Preview {
			t.Errorf("after the undo: %+v", after)
		}
		draft, err := d.Store.Read().Draft(d.Ctx, u.DraftID)
		if err != nil || !strings.Contains(draft.HTML, "The answer.") || len(draft.Attachments) != 1 || draft.Attachments[0].SHA256 != file.SHA256 {
			t.Errorf("the draft: %+v %v", draft, err)
		}
		for _, m := range d.Mails(c.ID) {
			if m.State != postroom.MailUndone {
				t.Errorf("mail %d is %s", m.ID, m.State)
			}
		}
		// The edited draft becomes a new mail, with an id of its own (W24).
		ann.Publish(desk.Publish{ConversationID: c.ID, Draft: draft.ID, Kind: postroom.Reply, HTML: "<p>A better answer.</p>", Status: postroom.Closed, Path: postroom.PathSend})
		d.Pass(10 * time.Second)
		mails := d.ExpectMails("A better answer.", "auto:closed")
		if len(mails[0].Files) != 1 || mails[0].Files[0] != "plan.txt" {
			t.Errorf("files of the new mail: %v", mails[0].Files)
		}
	})
}

// Too late: the window is over and the workers have seen it (W19).
func TestUndoTooLate(t *testing.T) {
	t.Parallel()
	desktest.Each(t, func(t *testing.T, d *desktest.Desk) {
		d.UndoWindow(10 * time.Second)
		d.ClosingNotice()
		c := d.CustomerWrites("mara@customer.example", "Lamp", "Broken.")
		out := d.Agent("ann").SendAndClose(c, "The answer.")
		d.Pass(10 * time.Second)
		if err := d.Agent("ann").TryUndo(out); postroom.CodeOf(err) != postroom.Conflict || !strings.Contains(err.Error(), "Too late") {
			t.Fatal(err)
		}
		d.ExpectMails("The answer.", "auto:closed")
	})
}

// A customer who writes in the window: after the undo the conversation is
// active, their reopening is void since nothing was closed, and their message
// is judged as on an open conversation.
func TestUndoAfterCustomerWrote(t *testing.T) {
	t.Parallel()
	desktest.Each(t, func(t *testing.T, d *desktest.Desk) {
		d.UndoWindow(10 * time.Second)
		d.ClosingNotice()
		c := d.CustomerWrites("mara@customer.example", "Lamp", "Broken.")
		out := d.Agent("ann").SendAndClose(c, "The answer.")
		d.CustomerAnswers(desktest.Mail{From: d.Mailbox.Address, To: "mara@customer.example", Subject: "Lamp", ID: "letter-1@customer.example"}, "Wait!")
		if got := d.Conversation(c.ID).Status; got != postroom.Active {
			t.Fatalf("the answer did not reopen: %s", got)
		}
		u := d.Agent("ann").Undo(out)
		if len(u.Kept) != 0 {
			t.Errorf("kept: %v", u.Kept)
		}
		d.Pass(time.Minute)
		d.ExpectMails()
		if n := d.CountEvents(c.ID, postroom.StatusChanged); n != 0 {
			t.Errorf("%d times status.changed is left", n)
		}
		events, _ := d.Store.Read().Events(d.Ctx, c.ID)
		for _, e := range events {
			if e.Kind == postroom.MessageReceived && (e.State != postroom.EventJudged || e.After.Status != postroom.Active || e.After.Replies != 0) {
				t.Errorf("message.received: %s %+v", e.State, e.After)
			}
		}
	})
}

// What somebody changed since stays, and is named (W19).
func TestUndoKeepsWhatChangedSince(t *testing.T) {
	t.Parallel()
	desktest.Each(t, func(t *testing.T, d *desktest.Desk) {
		d.UndoWindow(10 * time.Second)
		c := d.CustomerWrites("mara@customer.example", "Lamp", "Broken.")
		out := d.Agent("ann").SetStatus(c, postroom.Closed, postroom.PathMenu)
		d.Agent("ben").SetStatus(c, postroom.Pending, postroom.PathMenu)
		u := d.Agent("ann").Undo(out)
		if len(u.Kept) != 1 || !strings.Contains(u.Kept[0], "pending") {
			t.Errorf("kept: %v", u.Kept)
		}
		d.Pass(time.Minute)
		events, _ := d.Store.Read().Events(d.Ctx, c.ID)
		last := events[len(events)-1]
		if last.Payload.From != "active" || last.Payload.To != "pending" || last.State != postroom.EventJudged {
			t.Errorf("Ben's change after the undo: %+v", last)
		}
	})
}

// Undoing a menu close that a reply followed: the reply stays and goes out,
// the notice does not.
func TestUndoCloseBeforeReply(t *testing.T) {
	t.Parallel()
	desktest.Each(t, func(t *testing.T, d *desktest.Desk) {
		d.UndoWindow(10 * time.Second)
		d.ClosingNotice()
		c := d.CustomerWrites("mara@customer.example", "Lamp", "Broken.")
		closed := d.Agent("ann").SetStatus(c, postroom.Closed, postroom.PathMenu)
		d.Clock.Advance(3 * time.Second)
		d.Agent("ann").Reply(c, "The answer.")
		d.Agent("ann").Undo(closed)
		d.Pass(time.Minute)
		d.ExpectMails("The answer.")
		if s := d.Conversation(c.ID).Status; s != postroom.Active {
			t.Errorf("the conversation is %s", s)
		}
	})
}

// Assignee and tags come back too.
func TestUndoAssignAndTags(t *testing.T) {
	t.Parallel()
	desktest.Each(t, func(t *testing.T, d *desktest.Desk) {
		d.UndoWindow(10 * time.Second)
		c := d.CustomerWrites("mara@customer.example", "Lamp", "Broken.")
		ann := d.Agent("ann")
		assigned := ann.Assign(c, d.Agent("ben").ID)
		tagged, err := d.Desk.ChangeTags(d.Ctx, ann.Agent, c.ID, []string{"VIP", "lamp"}, nil, postroom.PathMenu)
		if err != nil || !tagged.Changed {
			t.Fatal(tagged, err)
		}
		if got := d.Conversation(c.ID); len(got.Tags) != 2 || got.AssigneeID != d.Agent("ben").ID {
			t.Fatalf("%+v", got)
		}
		ann.Undo(assigned)
		ann.Undo(tagged)
		if got := d.Conversation(c.ID); len(got.Tags) != 0 || got.AssigneeID != 0 {
			t.Errorf("after the undo: %+v", got)
		}
	})
}

// What the author typed after sending is kept beside the returned draft.
func TestUndoKeepsNewDraft(t *testing.T) {
	t.Parallel()
	desktest.Each(t, func(t *testing.T, d *desktest.Desk) {
		d.UndoWindow(10 * time.Second)
		c := d.CustomerWrites("mara@customer.example", "Lamp", "Broken.")
		ann := d.Agent("ann")
		out := ann.Reply(c, "First words.")
		if err := d.Desk.SaveDraft(d.Ctx, ann.Agent, &postroom.Draft{ConversationID: c.ID, Kind: postroom.Reply, HTML: "<p>Second thoughts.</p>"}); err != nil {
			t.Fatal(err)
		}
		u := ann.Undo(out)
		draft, err := d.Store.Read().Draft(d.Ctx, u.DraftID)
		if err != nil || !strings.Contains(draft.HTML, "First words.") || !strings.Contains(draft.HTML, "Second thoughts.") {
			t.Fatalf("%+v %v", draft, err)
		}
	})
}

// Two acts undone, the earlier one first: what came after them is seen as if
// neither had been.
func TestUndoTwoActsInTheirOrder(t *testing.T) {
	t.Parallel()
	desktest.Each(t, func(t *testing.T, d *desktest.Desk) {
		d.UndoWindow(10 * time.Second)
		c := d.CustomerWrites("mara@customer.example", "Lamp", "Broken.")
		ann := d.Agent("ann")
		assigned := ann.Assign(c, d.Agent("ben").ID)
		replied := ann.Reply(c, "The answer.")
		closed := ann.SetStatus(c, postroom.Closed, postroom.PathMenu)
		d.Agent("ben").SetStatus(c, postroom.Spam, postroom.PathMenu)
		ann.Undo(assigned)
		ann.Undo(replied)
		ann.Undo(closed)
		events, _ := d.Store.Read().Events(d.Ctx, c.ID)
		last := events[len(events)-1]
		if last.Payload.From != "active" || last.After.AssigneeID != 0 || last.After.Replies != 0 {
			t.Errorf("Ben's change after both undos: %+v", last)
		}
	})
}

// A reply and a close undone one after the other, the reply first: the
// customer waits since when they wrote.
func TestUndoReplyThenClose(t *testing.T) {
	t.Parallel()
	desktest.Each(t, func(t *testing.T, d *desktest.Desk) {
		d.UndoWindow(10 * time.Second)
		c := d.CustomerWrites("mara@customer.example", "Lamp", "Broken.")
		ann := d.Agent("ann")
		d.Clock.Advance(time.Second)
		replied := ann.Reply(c, "The answer.")
		d.Clock.Advance(time.Second)
		closed := ann.SetStatus(c, postroom.Closed, postroom.PathMenu)
		ann.Undo(replied)
		ann.Undo(closed)
		if got := d.Conversation(c.ID); got.WaitingSince != c.WaitingSince || got.LastHumanAt != 0 {
			t.Errorf("waiting since %d, not %d; last human %d", got.WaitingSince, c.WaitingSince, got.LastHumanAt)
		}
	})
}

// An undo gives the list back what it showed: what a person wrote, without what
// their mail quotes.
func TestUndoRestoresPreview(t *testing.T) {
	t.Parallel()
	desktest.Each(t, func(t *testing.T, d *desktest.Desk) {
		d.UndoWindow(10 * time.Second)
		d.ClosingNotice()
		c := d.CustomerWrites("mara@customer.example", "Lamp", "Broken.")
		d.Agent("ann").SendAndClose(c, "The answer.")
		d.Pass(time.Minute)
		mails := d.ExpectMails("The answer.", "auto:closed")
		d.CustomerAnswers(mails[0], "Still broken.\n\nOn Monday, Ann wrote:\n> The answer.\n> It is long.")
		before := d.Conversation(c.ID).Preview
		out := d.Agent("ann").Reply(c, "Another answer.")
		d.Agent("ann").Undo(out)
		if got := d.Conversation(c.ID).Preview; got != before {
			t.Errorf("the list shows %q, not %q", got, before)
		}
	})
}

// Who may no longer see a mailbox cannot undo there either.
func TestUndoNeedsAccess(t *testing.T) {
	t.Parallel()
	desktest.Each(t, func(t *testing.T, d *desktest.Desk) {
		d.UndoWindow(10 * time.Second)
		c := d.CustomerWrites("mara@customer.example", "Lamp", "Broken.")
		ben := d.Agent("ben")
		out := ben.SetStatus(c, postroom.Closed, postroom.PathMenu)
		ben.Mailboxes = nil
		if err := ben.TryUndo(out); postroom.CodeOf(err) != postroom.NotFound {
			t.Errorf("undone without access: %v", err)
		}
	})
}

// An act of which nothing was left has nothing to give back.
func TestUndoOfWhatIsVoid(t *testing.T) {
	t.Parallel()
	desktest.Each(t, func(t *testing.T, d *desktest.Desk) {
		d.UndoWindow(10 * time.Second)
		c := d.CustomerWrites("mara@customer.example", "Lamp", "Broken.")
		closed := d.Agent("ann").SetStatus(c, postroom.Closed, postroom.PathMenu)
		reopened := d.Agent("ben").SetStatus(c, postroom.Active, postroom.PathMenu)
		d.Agent("ann").Undo(closed)
		d.Agent("ben").Undo(reopened)
		if s := d.Conversation(c.ID).Status; s != postroom.Active {
			t.Errorf("the conversation is %s, and nobody closed it", s)
		}
	})
}

// A subject that somebody else has changed since stays.
func TestUndoSubject(t *testing.T) {
	t.Parallel()
	desktest.Each(t, func(t *testing.T, d *desktest.Desk) {
		d.UndoWindow(10 * time.Second)
		c := d.CustomerWrites("mara@customer.example", "Lamp", "Broken.")
		name := func(who, subject string) desk.Outcome {
			out, err := d.Desk.SetSubject(d.Ctx, d.Agent(who).Agent, c.ID, subject, postroom.PathMenu)
			if err != nil {
				t.Fatal(err)
			}
			return out
		}
		first, second := name("ann", "Lamp, broken"), name("ben", "Lamp, very broken")
		if u := d.Agent("ann").Undo(first); len(u.Kept) != 1 || d.Conversation(c.ID).Subject != "Lamp, very broken" {
			t.Errorf("kept %v, the subject is %q", u.Kept, d.Conversation(c.ID).Subject)
		}
		d.Agent("ben").Undo(second)
		if got := d.Conversation(c.ID).Subject; got != "Lamp" {
			t.Errorf("after both undos the subject is %q", got)
		}
	})
}

// A draft that is saved while it is being sent does not come back as a draft of
// what was sent.
func TestDraftSavedWhileSending(t *testing.T) {
	t.Parallel()
	desktest.Each(t, func(t *testing.T, d *desktest.Desk) {
		c := d.CustomerWrites("mara@customer.example", "Lamp", "Broken.")
		ann := d.Agent("ann")
		draft := postroom.Draft{ConversationID: c.ID, Kind: postroom.Reply, HTML: "<p>The answer.</p>"}
		if err := d.Desk.SaveDraft(d.Ctx, ann.Agent, &draft); err != nil {
			t.Fatal(err)
		}
		saved := make(chan error, 1)
		late := draft
		d.Write(func(tx *store.Tx) error {
			c, err := tx.Conversation(d.Ctx, c.ID)
			if err != nil {
				return err
			}
			m := &postroom.Message{ID: draft.ID, HTML: draft.HTML, Text: "The answer."}
			if _, err := d.Desk.In(d.Ctx, tx, postroom.Actor{Kind: postroom.ByAgent, ID: ann.ID}, desk.Cause{}, c, []int64{d.ID()}, func(t *desk.Turn) error {
				t.Note(m)
				t.Publishes(draft.ID)
				return nil
			}); err != nil {
				return err
			}
			go func() { saved <- d.Desk.SaveDraft(d.Ctx, ann.Agent, &late) }()
			select {
			case err := <-saved: // before what was sent is there to be seen
				saved <- err
			case <-time.After(300 * time.Millisecond):
			}
			return nil
		})
		if err := <-saved; postroom.CodeOf(err) != postroom.Conflict {
			t.Errorf("saved after it was sent: %v", err)
		}
		if left, err := d.Store.Read().DraftsOf(d.Ctx, c.ID, ann.ID); err != nil || len(left) != 0 {
			t.Errorf("%d drafts are left, %v", len(left), err)
		}
	})
}

// onRead does something when it is read first.
type onRead struct {
	do func()
	io.Reader
}

func (r *onRead) Read(p []byte) (int, error) {
	if r.do != nil {
		r.do()
		r.do = nil
	}
	return r.Reader.Read(p)
}

// A file that is still coming in when its draft is sent is refused, not taken
// and lost.
func TestFileThatComesTooLate(t *testing.T) {
	t.Parallel()
	desktest.Each(t, func(t *testing.T, d *desktest.Desk) {
		c := d.CustomerWrites("mara@customer.example", "Lamp", "Broken.")
		ann := d.Agent("ann")
		file := &onRead{do: func() { ann.Reply(c, "The answer.") }, Reader: strings.NewReader("a plan")}
		if _, _, err := d.Desk.Attach(d.Ctx, ann.Agent, c.ID, postroom.Reply, "plan.txt", "text/plain", file, false); postroom.CodeOf(err) != postroom.NotFound {
			t.Errorf("attached to a draft that was sent: %v", err)
		}
	})
}

// What becomes of an id is never up to a form: one that no draft of the agent
// has is replaced when it is saved and refused when it is sent.
func TestMadeUpDraftIDs(t *testing.T) {
	t.Parallel()
	desktest.Each(t, func(t *testing.T, d *desktest.Desk) {
		c := d.CustomerWrites("mara@customer.example", "Lamp", "Broken.")
		other := d.CustomerWrites("ole@customer.example", "Chair", "Broken.")
		ann := d.Agent("ann")
		theirs := d.LastReceived(other.ID).ID
		for _, made := range []int64{d.ID() + 1_000_000, d.ID() + 1, theirs, c.ID} {
			p := replyTo(c, "Made up.")
			p.Draft = made
			if _, err := d.Desk.Publish(d.Ctx, ann.Agent, p); postroom.CodeOf(err) != postroom.NotFound {
				t.Errorf("sent as draft %d: %v", made, err)
			}
			draft := &postroom.Draft{ID: made, ConversationID: c.ID, Kind: postroom.Reply, HTML: "<p>Kept.</p>"}
			if err := d.Desk.SaveDraft(d.Ctx, ann.Agent, draft); err != nil || draft.ID == made {
				t.Errorf("saved as draft %d: it is %d, %v", made, draft.ID, err)
			}
		}
		// Nobody else's draft is touched by its id either.
		bens := &postroom.Draft{ConversationID: c.ID, Kind: postroom.Reply, HTML: "<p>From Ben.</p>"}
		if err := d.Desk.SaveDraft(d.Ctx, d.Agent("ben").Agent, bens); err != nil {
			t.Fatal(err)
		}
		mine := &postroom.Draft{ID: bens.ID, ConversationID: c.ID, Kind: postroom.Reply, HTML: "<p>From Ann.</p>"}
		if err := d.Desk.SaveDraft(d.Ctx, ann.Agent, mine); err != nil || mine.ID == bens.ID {
			t.Fatalf("saved over Ben's: %v", err)
		}
		if kept, err := d.Store.Read().Draft(d.Ctx, bens.ID); err != nil || !strings.Contains(kept.HTML, "From Ben.") {
			t.Errorf("Ben's draft: %+v, %v", kept, err)
		}
		// The same form twice still sends once.
		p := replyTo(c, "From Ann.")
		p.Draft = mine.ID
		ann.Publish(p)
		_, err := d.Desk.Publish(d.Ctx, ann.Agent, p)
		expectField(t, err, "draft")
		again := &postroom.Draft{ID: mine.ID, ConversationID: c.ID, Kind: postroom.Reply, HTML: "<p>From Ann.</p>"}
		expectField(t, d.Desk.SaveDraft(d.Ctx, ann.Agent, again), "draft")
		d.Settle()
		d.ExpectMails("From Ann.")
	})
}

// An undone close leaves a conversation that was closed before as it was: it
// has been closed since then, and not since the undo.
func TestUndoKeepsSinceWhenItIsClosed(t *testing.T) {
	t.Parallel()
	desktest.Each(t, func(t *testing.T, d *desktest.Desk) {
		d.UndoWindow(10 * time.Second)
		c := d.CustomerWrites("mara@customer.example", "Lamp", "Broken.")
		ann := d.Agent("ann")
		ann.SetStatus(c, postroom.Closed, postroom.PathMenu)
		d.Pass(time.Hour)
		closed := d.Conversation(c.ID).ClosedAt
		out := ann.SetStatus(c, postroom.Active, postroom.PathMenu)
		if at := d.Conversation(c.ID).ClosedAt; at != 0 {
			t.Fatalf("open and closed at %d", at)
		}
		d.Pass(5 * time.Second)
		ann.Undo(out)
		if c := d.Conversation(c.ID); c.Status != postroom.Closed || c.ClosedAt != closed {
			t.Errorf("%s since %d, want closed since %d", c.Status, c.ClosedAt, closed)
		}
	})
}
