package desktest_test

import (
	"context"
	"slices"
	"strings"
	"testing"
	"time"

	"postroom"
	"postroom/internal/db"
	"postroom/internal/desk"
	"postroom/internal/desktest"
	"postroom/internal/query"
	"postroom/internal/store"
)

// A moved conversation takes what belongs to it along: its folder counters, its
// draft, and mail that still comes to the old address; future mail leaves from
// the new one (T10).
func TestMove(t *testing.T) {
	t.Parallel()
	desktest.Each(t, func(t *testing.T, d *desktest.Desk) {
		sales := d.AddMailbox("Sales", "sales@acme.example", nil)
		ann, ben := d.Agent("ann"), d.Agent("ben")
		c := d.CustomerWrites("Mara <mara@customer.example>", "Lamp", "Broken.")
		ann.Reply(c, "From support.")
		d.Settle()
		first := d.ExpectMails("From support.")[0]
		ann.Assign(c, ben.ID)
		draft := &postroom.Draft{ConversationID: c.ID, Kind: postroom.Reply, HTML: "<p>Half a word</p>"}
		if err := d.Desk.SaveDraft(d.Ctx, ann.Agent, draft); err != nil {
			t.Fatal(err)
		}
		if _, err := d.Desk.Move(d.Ctx, ben.Agent, c.ID, sales.ID, postroom.PathMenu); postroom.CodeOf(err) != postroom.Invalid {
			t.Errorf("Ben moved it where he may not answer: %v", err)
		}
		if _, err := d.Desk.Move(d.Ctx, ann.Agent, c.ID, d.ID(), postroom.PathMenu); postroom.CodeOf(err) != postroom.Invalid {
			t.Errorf("moved to a mailbox there is not: %v", err)
		}
		if out, err := d.Desk.Move(d.Ctx, ann.Agent, c.ID, sales.ID, postroom.PathMenu); err != nil || !out.Changed {
			t.Fatalf("%+v, %v", out, err)
		}
		if out, err := d.Desk.Move(d.Ctx, ann.Agent, c.ID, sales.ID, postroom.PathMenu); err != nil || out.Changed {
			t.Fatalf("moved to where it is: %+v, %v", out, err)
		}
		expect(t, "events of the move", d.CountEvents(c.ID, postroom.ConversationMoved), 1)
		if now := d.Conversation(c.ID); now.MailboxID != sales.ID || now.AssigneeID != 0 {
			t.Errorf("in mailbox %d, assigned to %d, who may not answer there", now.MailboxID, now.AssigneeID)
		}
		if kept, err := d.Store.Read().Draft(d.Ctx, draft.ID); err != nil || !strings.Contains(kept.HTML, "Half a word") {
			t.Errorf("the draft: %+v, %v", kept, err)
		}
		d.CheckInvariants()
		// The customer answers what came from the old address, by each route.
		if got := d.CustomerAnswers(first, "By the token."); got.ID != c.ID {
			t.Errorf("the answer went to conversation %d", got.Number)
		}
		plain := first
		plain.ReplyTo = ""
		if got := d.CustomerAnswers(plain, "By the ids."); got.ID != c.ID {
			t.Errorf("the answer without a token in its address went to conversation %d", got.Number)
		}
		ann.Reply(c, "From sales.")
		d.Settle()
		mail := d.ExpectMails("From sales.")[0]
		if !strings.Contains(mail.From, "sales@acme.example") {
			t.Errorf("the next mail is from %s", mail.From)
		}
		if got := d.CustomerAnswers(mail, "To sales."); got.ID != c.ID {
			t.Errorf("the answer to the new address went to conversation %d", got.Number)
		}
		// A stranger's mailbox it never was in: no way in (T10).
		press := d.AddMailbox("Press", "press@acme.example", nil)
		lost := mail
		lost.ReplyTo, lost.From = press.Address, press.Address
		if got := d.CustomerAnswers(lost, "To press."); got.ID == c.ID {
			t.Error("an answer to a mailbox that never had it joined it")
		}
		// And back again.
		if _, err := d.Desk.Move(d.Ctx, ann.Agent, c.ID, d.Mailbox.ID, postroom.PathMenu); err != nil {
			t.Fatal(err)
		}
		if got := d.CustomerAnswers(mail, "To sales again."); got.ID != c.ID {
			t.Errorf("the answer to where it was went to conversation %d", got.Number)
		}
	})
}

// W19: moving and deleting first make final what was done before, and can be
// undone themselves.
func TestMoveAndDeleteEndOpenWindows(t *testing.T) {
	t.Parallel()
	desktest.Each(t, func(t *testing.T, d *desktest.Desk) {
		d.UndoWindow(10 * time.Second)
		d.ClosingNotice()
		sales := d.AddMailbox("Sales", "sales@acme.example", func(m *postroom.Mailbox) { m.UndoMS = 10_000 })
		ann := d.Agent("ann")
		for _, verb := range []string{"move", "delete"} {
			act := func(c *postroom.Conversation) desk.Outcome {
				var out desk.Outcome
				var err error
				if verb == "move" {
					out, err = d.Desk.Move(d.Ctx, ann.Agent, c.ID, sales.ID, postroom.PathMenu)
				} else {
					out, err = d.Desk.Delete(d.Ctx, ann.Agent, c.ID, postroom.PathMenu)
				}
				if err != nil {
					t.Fatal(err)
				}
				return out
			}
			c := d.CustomerWrites(verb+"@customer.example", "Lamp", "Broken.")
			sent := ann.SendAndClose(c, "The answer to "+verb+".")
			out := act(c)
			if err := ann.TryUndo(sent); postroom.CodeOf(err) != postroom.Conflict {
				t.Errorf("%s: what was done before can still be undone: %v", verb, err)
			}
			d.Settle()
			// The reply goes out at once; what workflows make of the close waits
			// until it is certain that the conversation is gone from here.
			d.ExpectMails("The answer to " + verb + ".")
			ann.Undo(out)
			now := d.Conversation(c.ID)
			if now.MailboxID != d.Mailbox.ID || now.DeletedAt != 0 || now.Status != postroom.Closed {
				t.Errorf("%s undone: %+v", verb, now)
			}
			d.Pass(time.Minute)
			if m := d.ExpectMails("auto:closed")[0]; !strings.Contains(m.From, "support@acme.example") { // as if nothing had been
				t.Errorf("%s: the notice is from %s", verb, m.From)
			}
			d.CheckInvariants()
		}
	})
}

// The notice of a conversation that is moved right after it was closed leaves
// from where the conversation is now.
func TestNoticeOfAMovedConversation(t *testing.T) {
	t.Parallel()
	desktest.Each(t, func(t *testing.T, d *desktest.Desk) {
		d.UndoWindow(10 * time.Second)
		d.ClosingNotice()
		sales := d.AddMailbox("Sales", "sales@acme.example", nil)
		c := d.CustomerWrites("mara@customer.example", "Lamp", "Broken.")
		d.Agent("ann").SendAndClose(c, "The answer.")
		if _, err := d.Desk.Move(d.Ctx, d.Agent("ann").Agent, c.ID, sales.ID, postroom.PathMenu); err != nil {
			t.Fatal(err)
		}
		d.Pass(time.Minute)
		mails := d.ExpectMails("The answer.", "auto:closed")
		if !strings.Contains(mails[0].From, "support@acme.example") || !strings.Contains(mails[1].From, "sales@acme.example") {
			t.Errorf("the reply is from %s, the notice from %s", mails[0].From, mails[1].From)
		}
	})
}

// W30: what workflows would do with a deleted conversation is skipped, with the
// reason; what an agent sent goes out.
func TestDeletedGetsNoAutomaticMail(t *testing.T) {
	t.Parallel()
	desktest.Each(t, func(t *testing.T, d *desktest.Desk) {
		d.UndoWindow(10 * time.Second)
		notice := d.ClosingNotice()
		ann := d.Agent("ann")
		c := d.CustomerWrites("mara@customer.example", "Lamp", "Broken.")
		ann.SendAndClose(c, "The answer.")
		if _, err := d.Desk.Delete(d.Ctx, ann.Agent, c.ID, postroom.PathKeyboard); err != nil {
			t.Fatal(err)
		}
		d.Pass(time.Hour)
		d.ExpectMails("The answer.")
		mails := d.Mails(c.ID)
		if len(mails) != 2 || mails[1].State != postroom.MailSkip || !strings.Contains(mails[1].Words, "deleted") {
			t.Errorf("the notice: %+v", mails[len(mails)-1])
		}
		runs := d.Runs(c.ID, notice)
		if len(runs) != 1 || runs[0].Effects[0].Result != postroom.EffectSkipped || !strings.Contains(runs[0].Effects[0].Reason, "deleted") {
			t.Errorf("the run: %+v", runs)
		}
		expect(t, "skipped mails on the timeline", d.CountEvents(c.ID, postroom.MailSkipped), 1)
		// Nothing is done to it until it is restored.
		if _, err := d.Desk.SetStatus(d.Ctx, ann.Agent, c.ID, postroom.Active, postroom.PathMenu); postroom.CodeOf(err) != postroom.Conflict {
			t.Errorf("its status was changed: %v", err)
		}
		if _, err := d.Desk.Publish(d.Ctx, ann.Agent, replyTo(c, "More.")); postroom.CodeOf(err) != postroom.Conflict {
			t.Errorf("it was answered: %v", err)
		}
		out, err := d.Desk.Restore(d.Ctx, ann.Agent, c.ID, postroom.PathMenu)
		if err != nil || !out.Changed {
			t.Fatal(err)
		}
		if out, err := d.Desk.Restore(d.Ctx, ann.Agent, c.ID, postroom.PathMenu); err != nil || out.Changed {
			t.Errorf("restored twice: %+v, %v", out, err)
		}
		if now := d.Conversation(c.ID); now.Status != postroom.Closed || now.DeletedAt != 0 {
			t.Errorf("restored: %+v", now)
		}
		ann.SetStatus(c, postroom.Active, postroom.PathMenu)
	})
}

// T8: mail for a deleted conversation begins a new one that is linked to it; a
// machine's answer begins nothing.
func TestMailForADeletedConversation(t *testing.T) {
	t.Parallel()
	desktest.Each(t, func(t *testing.T, d *desktest.Desk) {
		ann := d.Agent("ann")
		c := d.CustomerWrites("Mara <mara@customer.example>", "Lamp", "Broken.")
		ann.Reply(c, "The answer.")
		d.Settle()
		mail := d.ExpectMails("The answer.")[0]
		if _, err := d.Desk.Delete(d.Ctx, ann.Agent, c.ID, postroom.PathMenu); err != nil {
			t.Fatal(err)
		}
		next := d.CustomerAnswers(mail, "It is broken again.")
		if next.ID == c.ID || next.LinkedFrom != c.ID {
			t.Fatalf("the answer went to conversation %d, which continues %d", next.Number, next.LinkedFrom)
		}
		if m := d.LastReceived(next.ID); len(m.Notices) == 0 || !strings.Contains(strings.Join(m.Notices, " "), "was deleted") {
			t.Errorf("the agent is not told why: %q", m.Notices)
		}
		if old := d.Conversation(c.ID); old.DeletedAt == 0 || old.Received != 1 {
			t.Errorf("the deleted one changed: %+v", old)
		}
		d.CheckInvariants()
	})
}

// A selection is moved, deleted, taken back and restored as one job.
func TestBulkMoveAndDelete(t *testing.T) {
	t.Parallel()
	desktest.Each(t, func(t *testing.T, d *desktest.Desk) {
		sales := d.AddMailbox("Sales", "sales@acme.example", nil)
		all, numbers := some(d)
		ann := d.Agent("ann")
		are := func(what string, mailbox int64, deleted bool) {
			t.Helper()
			for _, c := range all {
				if now := d.Conversation(c.ID); now.MailboxID != mailbox || (now.DeletedAt > 0) != deleted {
					t.Errorf("%s: conversation %d is in %d, deleted at %d", what, now.Number, now.MailboxID, now.DeletedAt)
				}
			}
			d.CheckInvariants()
		}
		if _, err := d.Desk.StartBulk(d.Ctx, d.Agent("ben").Agent, desk.Bulk{Numbers: numbers, Move: sales.ID}); postroom.CodeOf(err) != postroom.Invalid {
			t.Errorf("Ben moves them where he may not answer: %v", err)
		}
		ann.Bulk(desk.Bulk{Numbers: numbers, Move: sales.ID})
		are("moved", sales.ID, false)
		job := ann.Bulk(desk.Bulk{Numbers: numbers, Delete: true})
		are("deleted", sales.ID, true)
		if err := d.Desk.UndoBulk(d.Ctx, ann.Agent, job); err != nil {
			t.Fatal(err)
		}
		d.Settle()
		are("taken back", sales.ID, false)
		ann.Bulk(desk.Bulk{Numbers: numbers, Delete: true})
		ann.Bulk(desk.Bulk{Numbers: numbers, Status: postroom.Closed})
		are("left alone", sales.ID, true)
		if s := d.Conversation(all[0].ID).Status; s == postroom.Closed {
			t.Error("a deleted conversation was closed")
		}
		ann.Bulk(desk.Bulk{Numbers: numbers, Restore: true})
		are("restored", sales.ID, false)
	})
}

// traces counts what is left of a conversation, table by table: whatever has a
// column that names it, or a message, mail, event or draft of it.
func traces(d *desktest.Desk, ids map[string][]int64) map[string]int {
	d.T.Helper()
	query := "select m.name, p.name from sqlite_master m join pragma_table_info(m.name) p where m.type = 'table'"
	if d.DB.Engine() == db.Postgres {
		query = "select table_name, column_name from information_schema.columns where table_schema = current_schema()"
	}
	rows, err := d.DB.Reader().Query(d.Ctx, query)
	if err != nil {
		d.T.Fatal(err)
	}
	var columns [][2]string
	for rows.Next() {
		var table, column string
		if err := rows.Scan(&table, &column); err != nil {
			d.T.Fatal(err)
		}
		if ids[column] != nil || column == "id" && ids[table+"_id"] != nil {
			columns = append(columns, [2]string{table, column})
		}
	}
	if err := rows.Err(); err != nil {
		d.T.Fatal(err)
	}
	rows.Close()
	if len(columns) < 12 {
		d.T.Fatalf("only %d columns were found", len(columns))
	}
	out := map[string]int{}
	for _, x := range columns {
		key := x[1]
		if key == "id" {
			key = x[0] + "_id"
		}
		for _, id := range ids[key] {
			n := 0
			if err := d.DB.Reader().QueryRow(d.Ctx, "select count(*) from "+x[0]+" where "+x[1]+" = $1", id).Scan(&n); err != nil {
				d.T.Fatal(err)
			}
			if n > 0 {
				out[x[0]+"."+x[1]] += n
			}
		}
	}
	return out
}

// Emptying the trash erases everything of what is deleted, and nothing else; a
// crash in between repeats and loses nothing.
func TestEmptyTrash(t *testing.T) {
	t.Parallel()
	desktest.Each(t, func(t *testing.T, d *desktest.Desk) {
		d.ClosingNotice()
		ann := d.Agent("ann")
		var gone []*postroom.Conversation
		for _, from := range []string{"a@customer.example", "b@customer.example"} {
			c := d.CustomerWrites(from, "Lamp", "Broken.")
			id, _, err := d.Desk.Attach(d.Ctx, ann.Agent, c.ID, postroom.Reply, "plan.txt", "text/plain", strings.NewReader("a plan of "+from), false)
			if err != nil {
				t.Fatal(err)
			}
			ann.Publish(desk.Publish{ConversationID: c.ID, Draft: id, Kind: postroom.Reply, HTML: "<p>The answer.</p>", Status: postroom.Closed, Path: postroom.PathSend})
			if _, err := d.Desk.ChangeTags(d.Ctx, ann.Agent, c.ID, []string{"vip"}, nil, postroom.PathMenu); err != nil {
				t.Fatal(err)
			}
			if err := d.Desk.SaveDraft(d.Ctx, ann.Agent, &postroom.Draft{ConversationID: c.ID, Kind: postroom.Note, HTML: "<p>To do.</p>"}); err != nil {
				t.Fatal(err)
			}
			gone = append(gone, c)
		}
		stays := d.CustomerWrites("c@customer.example", "Chair", "Broken too.")
		ann.SendAndClose(stays, "This one stays.")
		d.Settle()
		d.Arrived()
		inbound := d.LastInbound()
		before := map[string][]int64{"conversation_id": {stays.ID}}
		kept := traces(d, before)

		if _, err := d.Desk.EmptyTrash(d.Ctx, ann.Agent, 0); postroom.CodeOf(err) != postroom.Conflict {
			t.Errorf("nothing is deleted: %v", err)
		}
		for _, c := range gone {
			if _, err := d.Desk.Delete(d.Ctx, ann.Agent, c.ID, postroom.PathMenu); err != nil {
				t.Fatal(err)
			}
		}
		d.Settle()
		if _, err := d.Desk.EmptyTrash(d.Ctx, d.Agent("ben").Agent, 0); postroom.CodeOf(err) != postroom.Forbidden {
			t.Errorf("Ben may: %v", err)
		}
		ids := map[string][]int64{"conversation_id": {gone[0].ID, gone[1].ID}}
		for _, c := range gone {
			for _, m := range d.Messages(c.ID) {
				ids["message_id"] = append(ids["message_id"], m.ID)
			}
			for _, m := range d.Mails(c.ID) {
				ids["mail_id"] = append(ids["mail_id"], m.ID)
			}
			events, err := d.Store.Read().Events(d.Ctx, c.ID)
			if err != nil {
				t.Fatal(err)
			}
			for _, e := range events {
				ids["event_id"] = append(ids["event_id"], e.ID)
			}
		}
		if n := traces(d, ids); len(n) < 12 {
			t.Fatalf("only %d places are known: %v", len(n), n)
		}
		job, err := d.Desk.EmptyTrash(d.Ctx, ann.Agent, 0)
		if err != nil {
			t.Fatal(err)
		}
		if !untilDeath(d, job, 1) {
			t.Fatal("it did not die")
		}
		d.Pass(time.Minute)
		j, err := d.Store.Read().Job(d.Ctx, job)
		if err != nil || j.State != store.JobDone || j.Done != 2 || j.Skipped != 0 || j.Undone() {
			t.Errorf("the job: %+v, %v", j, err)
		}
		if left := traces(d, ids); len(left) > 0 {
			t.Errorf("left of what was erased: %v", left)
		}
		if now := traces(d, before); len(now) != len(kept) {
			t.Errorf("of the other one there was %v and is %v", kept, now)
		}
		if err := d.Desk.UndoBulk(d.Ctx, ann.Agent, job); postroom.CodeOf(err) != postroom.Conflict {
			t.Errorf("undone: %v", err)
		}
		// The same mail once more is still known (D1), and nothing of it is kept.
		if in, err := d.Store.Read().Inbound(d.Ctx, inbound.ID); err != nil || in.RawSHA256 == "" {
			t.Errorf("the received mail of the other one: %+v, %v", in, err)
		}
		d.CheckInvariants()
	})
}

// What is under way is not erased from under the post's feet; and what was
// deleted long ago goes by itself.
func TestErasingWaitsForMail(t *testing.T) {
	t.Parallel()
	desktest.Each(t, func(t *testing.T, d *desktest.Desk) {
		ann := d.Agent("ann")
		c := d.CustomerWrites("mara@customer.example", "Lamp", "Broken.")
		ann.Reply(c, "The answer.")
		if _, err := d.Desk.Delete(d.Ctx, ann.Agent, c.ID, postroom.PathMenu); err != nil {
			t.Fatal(err)
		}
		job, err := d.Desk.EmptyTrash(d.Ctx, ann.Agent, d.Mailbox.ID)
		if err != nil {
			t.Fatal(err)
		}
		if err := d.Desk.RunBulk(d.Ctx, job, func(context.Context, *store.Tx) error { return nil }); err != nil {
			t.Fatal(err)
		}
		if j, err := d.Store.Read().Job(d.Ctx, job); err != nil || j.Done != 0 || j.Skipped != 1 || len(j.Report) != 1 {
			t.Errorf("the job: %+v, %v", j, err)
		}
		d.Settle()
		d.ExpectMails("The answer.")
		if id, err := d.Desk.EraseOld(d.Ctx, d.Store.Now()-1); err != nil || id != 0 {
			t.Errorf("nothing is old yet: %d, %v", id, err)
		}
		d.Pass(30 * 24 * time.Hour)
		if id, err := d.Desk.EraseOld(d.Ctx, d.Store.Now()-1); err != nil || id == 0 {
			t.Errorf("it is old: %d, %v", id, err)
		}
		d.Settle()
		if _, err := d.Store.Read().Conversation(d.Ctx, c.ID); postroom.CodeOf(err) != postroom.NotFound {
			t.Errorf("it is still there: %v", err)
		}
	})
}

// What is deleted lies in a folder of its own, of which all can be chosen at
// once, and in no other.
func TestFolderOfDeleted(t *testing.T) {
	t.Parallel()
	desktest.Each(t, func(t *testing.T, d *desktest.Desk) {
		ann, pages := d.Agent("ann"), query.New(query.Options{Store: d.Store})
		gone := d.CustomerWrites("a@customer.example", "Lamp", "Broken.")
		d.CustomerWrites("b@customer.example", "Chair", "Broken too.")
		if _, err := d.Desk.Delete(d.Ctx, ann.Agent, gone.ID, postroom.PathMenu); err != nil {
			t.Fatal(err)
		}
		d.Settle()
		for _, f := range []postroom.Folder{postroom.Unassigned, postroom.Deleted, postroom.ClosedFolder} {
			ask := query.ListAsk{Folder: string(f)}
			list, err := pages.List(d.Ctx, ann.Agent, ask, query.Shell{})
			if err != nil {
				t.Fatal(err)
			}
			numbers, err := pages.Selection(d.Ctx, ann.Agent, ask)
			if err != nil {
				t.Fatal(err)
			}
			want := map[postroom.Folder]int{postroom.Unassigned: 1, postroom.Deleted: 1}[f]
			if len(list.Rows) != want || len(numbers) != want {
				t.Errorf("%s shows %d conversations and chooses %v", f, len(list.Rows), numbers)
			}
			if f == postroom.Deleted && want == 1 && !slices.Equal(numbers, []int64{gone.Number}) {
				t.Errorf("deleted are %v", numbers)
			}
		}
	})
}
