package desktest_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"postroom"
	"postroom/internal/desk"
	"postroom/internal/desktest"
	"postroom/internal/store"
)

// closePaths is W26's table as far as the paths exist: what is done, and which
// mails the customer gets, in order.
var closePaths = []struct {
	name  string
	path  postroom.Path
	do    func(d *desktest.Desk, c *postroom.Conversation)
	mails []string
}{
	{"Send & Close", postroom.PathSend, func(d *desktest.Desk, c *postroom.Conversation) {
		d.Agent("ann").SendAndClose(c, "The answer.")
	}, []string{"The answer.", "auto:closed"}},
	{"status chosen in the composer, then sent", postroom.PathComposer, func(d *desktest.Desk, c *postroom.Conversation) {
		d.Agent("ann").ReplyWithStatus(c, "The answer.", postroom.Closed)
	}, []string{"The answer.", "auto:closed"}},
	{"closed by menu, then replied", postroom.PathMenu, func(d *desktest.Desk, c *postroom.Conversation) {
		d.Agent("ann").SetStatus(c, postroom.Closed, postroom.PathMenu)
		d.Agent("ann").Reply(c, "The answer.")
	}, []string{"auto:closed", "The answer."}},
	{"menu", postroom.PathMenu, func(d *desktest.Desk, c *postroom.Conversation) {
		d.Agent("ann").SetStatus(c, postroom.Closed, postroom.PathMenu)
	}, []string{"auto:closed"}},
	{"keyboard", postroom.PathKeyboard, func(d *desktest.Desk, c *postroom.Conversation) {
		d.Agent("ann").SetStatus(c, postroom.Closed, postroom.PathKeyboard)
	}, []string{"auto:closed"}},
	{"bulk", postroom.PathBulk, func(d *desktest.Desk, c *postroom.Conversation) {
		d.Agent("ann").Bulk(desk.Bulk{Numbers: []int64{c.Number}, Status: postroom.Closed})
		d.Pass(postroom.DefaultUndoMS * time.Millisecond)
	}, []string{"auto:closed"}},
}

// Every path of closing: the mails of W26 in their order, one status.changed,
// each mail its own row, Message-ID and attempt. The clock stands still, so
// all timestamps are equal and nothing can hang on them (W5, W3).
func TestEveryClosePath(t *testing.T) {
	t.Parallel()
	for _, p := range closePaths {
		t.Run(p.name, func(t *testing.T) {
			t.Parallel()
			desktest.Each(t, func(t *testing.T, d *desktest.Desk) {
				d.ClosingNotice()
				c := d.CustomerWrites("Mara <mara@customer.example>", "Lamp", "Broken.")
				p.do(d, c)
				d.Settle()
				d.ExpectMails(p.mails...)
				expectClosed(t, d, c.ID, p.path, len(p.mails))
			})
		})
	}
}

// The same with an undo window: nothing leaves before it is over, then the
// same mails in the same order (W26).
func TestEveryClosePathWithUndoWindow(t *testing.T) {
	t.Parallel()
	for _, p := range closePaths {
		t.Run(p.name, func(t *testing.T) {
			t.Parallel()
			desktest.Each(t, func(t *testing.T, d *desktest.Desk) {
				d.UndoWindow(10 * time.Second)
				d.ClosingNotice()
				c := d.CustomerWrites("Mara <mara@customer.example>", "Lamp", "Broken.")
				p.do(d, c)
				if p.path != postroom.PathBulk {
					d.Settle()
					d.ExpectMails()
					d.Pass(9 * time.Second)
					d.ExpectMails()
					d.Pass(time.Second)
				}
				d.ExpectMails(p.mails...)
				expectClosed(t, d, c.ID, p.path, len(p.mails))
			})
		})
	}
}

func expectClosed(t *testing.T, d *desktest.Desk, id int64, path postroom.Path, mails int) {
	t.Helper()
	if s := d.Conversation(id).Status; s != postroom.Closed {
		t.Fatalf("the conversation is %s", s)
	}
	events, err := d.Store.Read().Events(d.Ctx, id)
	if err != nil {
		t.Fatal(err)
	}
	closes := 0
	for _, e := range events {
		if e.Kind == postroom.StatusChanged {
			closes++
			if e.Path != path || e.Payload.From != "active" || e.Payload.To != "closed" {
				t.Errorf("status.changed by %s from %s to %s", e.Path, e.Payload.From, e.Payload.To)
			}
		}
	}
	if closes != 1 {
		t.Errorf("%d times status.changed, not once (W5)", closes)
	}
	rows := d.Mails(id)
	if len(rows) != mails {
		t.Fatalf("%d mail rows, not %d", len(rows), mails)
	}
	for _, m := range rows {
		attempts, err := d.Store.Read().Attempts(d.Ctx, m.ID)
		if err != nil || len(attempts) != 1 || m.State != postroom.MailDone {
			t.Errorf("mail %d is %s after %d attempts (%v)", m.ID, m.State, len(attempts), err)
		}
	}
}

// Bulk close of n conversations: n notices, each customer one (W26).
func TestBulkClose(t *testing.T) {
	t.Parallel()
	desktest.Each(t, func(t *testing.T, d *desktest.Desk) {
		d.ClosingNotice()
		var numbers []int64
		for i := range 25 {
			c := d.CustomerWrites("c"+string(rune('a'+i))+"@customer.example", "Lamp", "Broken.")
			numbers = append(numbers, c.Number)
		}
		job := d.Agent("ann").Bulk(desk.Bulk{Numbers: append(numbers, 999), Status: postroom.Closed})
		d.ExpectMails() // the window of the whole job is open
		d.Pass(postroom.DefaultUndoMS * time.Millisecond)
		to := map[string]int{}
		for _, m := range d.Arrived() {
			to[m.To]++
		}
		if len(to) != 25 {
			t.Fatalf("%d customers got a notice, not 25", len(to))
		}
		j, err := d.Store.Read().Job(d.Ctx, job)
		if err != nil || j.Done != 25 || j.Skipped != 1 || len(j.Report) != 1 {
			t.Fatalf("job: %+v %v", j, err)
		}
	})
}

// Undoing a bulk close takes all of it back but what changed since, which it
// lists (W19).
func TestUndoBulkClose(t *testing.T) {
	t.Parallel()
	desktest.Each(t, func(t *testing.T, d *desktest.Desk) {
		d.ClosingNotice()
		a := d.CustomerWrites("a@customer.example", "Lamp", "Broken.")
		b := d.CustomerWrites("b@customer.example", "Lamp", "Broken.")
		job := d.Agent("ann").Bulk(desk.Bulk{Numbers: []int64{a.Number, b.Number}, Status: postroom.Closed})
		d.Agent("ben").SetStatus(b, postroom.Pending, postroom.PathMenu)
		if err := d.Desk.UndoBulk(d.Ctx, d.Agent("ben").Agent, job); postroom.CodeOf(err) != postroom.Forbidden {
			t.Fatalf("another agent's undo: %v", err)
		}
		if err := d.Desk.UndoBulk(d.Ctx, d.Agent("ann").Agent, job); err != nil {
			t.Fatal(err)
		}
		if err := d.Desk.UndoBulk(d.Ctx, d.Agent("ann").Agent, job); postroom.CodeOf(err) != postroom.Conflict {
			t.Fatalf("undone while it is being undone: %v", err)
		}
		d.Pass(time.Hour)
		d.ExpectMails()
		if s := d.Conversation(a.ID).Status; s != postroom.Active {
			t.Errorf("a is %s", s)
		}
		if s := d.Conversation(b.ID).Status; s != postroom.Pending {
			t.Errorf("b is %s", s)
		}
		j, err := d.Store.Read().Job(d.Ctx, job)
		if err != nil || len(j.Report) != 1 {
			t.Fatalf("report: %+v %v", j.Report, err)
		}
		if err := d.Desk.UndoBulk(d.Ctx, d.Agent("ann").Agent, job); postroom.CodeOf(err) != postroom.Conflict {
			t.Fatalf("a second undo: %v", err)
		}
	})
}

// Two agents send and close at once: the customer gets both replies and one
// notice, since the second close changed nothing (W5).
func TestTwoAgentsAtOnce(t *testing.T) {
	t.Parallel()
	desktest.Each(t, func(t *testing.T, d *desktest.Desk) {
		d.ClosingNotice()
		c := d.CustomerWrites("mara@customer.example", "Lamp", "Broken.")
		done := make(chan error, 2)
		for _, name := range []string{"ann", "ben"} {
			go func() {
				_, err := d.Desk.Publish(d.Ctx, d.Agent(name).Agent, desk.Publish{ConversationID: c.ID, Kind: postroom.Reply,
					HTML: "<p>From " + name + "</p>", Status: postroom.Closed, Path: postroom.PathSend})
				done <- err
			}()
		}
		for range 2 {
			if err := <-done; err != nil {
				t.Fatal(err)
			}
		}
		d.Settle()
		mails := d.Arrived()
		autos := 0
		for _, m := range mails {
			if m.Auto {
				autos++
			}
		}
		if len(mails) != 3 || autos != 1 {
			t.Fatalf("%d mails, %d of them notices", len(mails), autos)
		}
		if mails[0].Auto {
			t.Error("the notice came before the reply that closed")
		}
	})
}

// A stale tab asks first; the same draft is sent once however often it is
// pressed.
func TestStaleTabs(t *testing.T) {
	t.Parallel()
	desktest.Each(t, func(t *testing.T, d *desktest.Desk) {
		d.ClosingNotice()
		c := d.CustomerWrites("Mara <mara@customer.example>", "Lamp", "Broken.")
		seen := c.Seq
		d.CustomerAnswers(desktest.Mail{From: d.Mailbox.Address, To: "mara@customer.example", Subject: "Lamp", ID: "letter-1@customer.example"}, "Any news?")
		draft := &postroom.Draft{ConversationID: c.ID, Kind: postroom.Reply, HTML: "<p>Sorry!</p>"}
		if err := d.Desk.SaveDraft(d.Ctx, d.Agent("ann").Agent, draft); err != nil {
			t.Fatal(err)
		}
		p := desk.Publish{ConversationID: c.ID, Draft: draft.ID, Kind: postroom.Reply, HTML: "<p>Sorry!</p>", Status: postroom.Closed, Path: postroom.PathSend, SeenSeq: seen}
		_, err := d.Desk.Publish(d.Ctx, d.Agent("ann").Agent, p)
		expectField(t, err, "stale")
		p.Anyway = true
		d.Agent("ann").Publish(p)
		_, err = d.Desk.Publish(d.Ctx, d.Agent("ann").Agent, p)
		expectField(t, err, "draft")
		d.Settle()
		d.ExpectMails("Sorry!", "auto:closed")
	})
}

func expectField(t *testing.T, err error, field string) {
	t.Helper()
	e, ok := err.(*postroom.Error)
	if !ok || e.Code != postroom.Conflict || e.Field != field {
		t.Fatalf("%v, not a conflict about %s", err, field)
	}
}

// A bulk change gives conversations only to who may answer them, as the menu
// does.
func TestBulkAssignsOnlyToWhoMay(t *testing.T) {
	t.Parallel()
	desktest.Each(t, func(t *testing.T, d *desktest.Desk) {
		c := d.CustomerWrites("mara@customer.example", "Lamp", "Broken.")
		nobody, eve := d.ID(), d.AddAgent("eve", postroom.Member)
		ann := d.Agent("ann")
		if _, err := d.Desk.StartBulk(d.Ctx, ann.Agent, desk.Bulk{Numbers: []int64{c.Number}, Assignee: &nobody}); postroom.CodeOf(err) != postroom.Invalid {
			t.Errorf("given to nobody there is: %v", err)
		}
		d.Write(func(tx *store.Tx) error { return tx.SetMailboxAgents(d.Ctx, d.Mailbox.ID, []int64{ann.ID}) })
		id := ann.Bulk(desk.Bulk{Numbers: []int64{c.Number}, Assignee: &eve.ID})
		job, err := d.Store.Read().Job(d.Ctx, id)
		if err != nil || job.Skipped != 1 || len(job.Report) != 1 || !strings.Contains(job.Report[0].Words, "Eve") {
			t.Errorf("the job: %+v, %v", job, err)
		}
		if got := d.Conversation(c.ID).AssigneeID; got != 0 {
			t.Errorf("given to %d, who may not see it", got)
		}
	})
}

// A conversation that cannot be changed does not keep a bulk job from its end:
// the mails of the others wait for that (W2).
func TestBulkGoesOnWithoutWhatFails(t *testing.T) {
	t.Parallel()
	desktest.Each(t, func(t *testing.T, d *desktest.Desk) {
		d.ClosingNotice()
		good := d.CustomerWrites("mara@customer.example", "Lamp", "Broken.")
		bad := d.CustomerWrites("ole@customer.example", "Chair", "Broken.")
		d.SQL("update event set seq = seq + 1 where conversation_id = $1 and seq = 2", bad.ID)
		d.Agent("ann").Bulk(desk.Bulk{Numbers: []int64{good.Number, bad.Number}, Status: postroom.Closed})
		d.Agent("ann").Reply(good, "The answer.")
		d.Pass(time.Second)
		d.ExpectMails()
		for range 10 {
			d.Pass(5 * time.Minute)
		}
		d.ExpectMails("auto:closed", "The answer.")
	})
}

// An agent who closes the page while a bulk change is taken back does not leave
// it half undone.
func TestBulkUndoOutlivesTheRequest(t *testing.T) {
	t.Parallel()
	desktest.Each(t, func(t *testing.T, d *desktest.Desk) {
		d.ClosingNotice()
		var numbers []int64
		for _, from := range []string{"a@customer.example", "b@customer.example", "c@customer.example"} {
			numbers = append(numbers, d.CustomerWrites(from, "Lamp", "Broken.").Number)
		}
		ann := d.Agent("ann")
		job := ann.Bulk(desk.Bulk{Numbers: numbers, Status: postroom.Closed})
		request, leave := context.WithCancel(d.Ctx)
		if err := d.Desk.UndoBulk(request, ann.Agent, job); err != nil {
			t.Error(err)
		}
		leave()
		d.Pass(time.Hour)
		d.ExpectMails()
		for _, n := range numbers {
			c, err := d.Store.Read().ConversationByNumber(d.Ctx, n)
			if err != nil || c.Status != postroom.Active {
				t.Errorf("conversation %d: %s, %v", n, c.Status, err)
			}
		}
	})
}
