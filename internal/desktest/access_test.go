package desktest_test

import (
	"testing"
	"time"

	"postroom/internal/desk"
	"postroom/internal/desktest"
	"postroom/internal/query"
)

// Who sees only what is theirs and gives a conversation away can take that
// back, but is not shown what the customer writes there meanwhile.
func TestUndoBarOfWhatWasGivenAway(t *testing.T) {
	t.Parallel()
	desktest.Each(t, func(t *testing.T, d *desktest.Desk) {
		ann := d.Agent("ann")
		c := d.CustomerWrites("mara@customer.example", "Lamp", "Broken.")
		ann.Reply(c, "The answer.")
		ann.Assign(c, d.Agent("ben").ID)
		d.Settle()
		mail := d.ExpectMails("The answer.")[0]
		d.SQL("update mailbox_agent set only_assigned = 1 where agent_id = $1", d.Agent("ben").ID)
		d.UndoWindow(time.Hour)
		ben := d.Agent("ben")
		ben.Assign(c, ann.ID)
		d.CustomerAnswers(mail, "The secret.")
		pages := query.New(query.Options{Store: d.Store})
		now, err := d.Store.Read().Agent(d.Ctx, ben.ID)
		if err != nil {
			t.Fatal(err)
		}
		shell, err := pages.Shell(d.Ctx, now, query.Place{})
		if err != nil {
			t.Fatal(err)
		}
		if len(shell.Undo) != 1 || shell.Undo[0].Arrived != "" {
			t.Errorf("Ben's undo bar: %+v", shell.Undo)
		}
		ann.Assign(c, 0)
		d.CustomerAnswers(mail, "One more thing.")
		if shell, err = pages.Shell(d.Ctx, ann.Agent, query.Place{}); err != nil {
			t.Fatal(err)
		}
		if len(shell.Undo) != 1 || shell.Undo[0].Arrived == "" {
			t.Errorf("Ann's undo bar: %+v", shell.Undo)
		}
	})
}

// A selection is moved only as long as its agent may answer where it goes.
func TestBulkMoveAfterTheRightIsGone(t *testing.T) {
	t.Parallel()
	desktest.Each(t, func(t *testing.T, d *desktest.Desk) {
		sales := d.AddMailbox("Sales", "sales@acme.example", nil)
		c := d.CustomerWrites("mara@customer.example", "Lamp", "Broken.")
		ben := d.Agent("ben").ID
		d.SQL("insert into mailbox_agent (mailbox_id, agent_id) values ($1, $2)", sales.ID, ben)
		a, err := d.Store.Read().Agent(d.Ctx, ben)
		if err != nil {
			t.Fatal(err)
		}
		job, err := d.Desk.StartBulk(d.Ctx, a, desk.Bulk{Numbers: []int64{c.Number}, Move: sales.ID})
		if err != nil {
			t.Fatal(err)
		}
		d.SQL("delete from mailbox_agent where mailbox_id = $1", sales.ID)
		d.Settle()
		j, err := d.Store.Read().Job(d.Ctx, job)
		if err != nil || j.Skipped != 1 || d.Conversation(c.ID).MailboxID != d.Mailbox.ID {
			t.Errorf("moved to %d: %+v, %v", d.Conversation(c.ID).MailboxID, j, err)
		}
	})
}
