package desktest_test

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"postroom"
	"postroom/internal/desk"
	"postroom/internal/desktest"
	"postroom/internal/workflow"
)

// merge merges one conversation into another.
func merge(d *desktest.Desk, from, into *postroom.Conversation) desk.Outcome {
	d.T.Helper()
	out, err := d.Desk.Merge(d.Ctx, d.Agent("ann").Agent, from.ID, into.ID, postroom.PathMenu)
	if err != nil {
		d.T.Fatal(err)
	}
	return out
}

// readIn is what is read in a conversation, in its order.
func readIn(d *desktest.Desk, c *postroom.Conversation) []string {
	var out []string
	for _, m := range d.Messages(c.ID) {
		out = append(out, strings.TrimSpace(m.Text))
	}
	return out
}

// Two conversations become one: what was said in both is read in the second by
// its time, with tags, followers and drafts of both; the first is a place that
// leads there, stands in no folder, takes nothing more, and what is still
// written to it comes to the second, also when that was merged on (T2, T8).
func TestMerge(t *testing.T) {
	t.Parallel()
	desktest.Each(t, func(t *testing.T, d *desktest.Desk) {
		ann, ben := d.Agent("ann"), d.Agent("ben")
		a := d.CustomerWrites("Mara <mara@customer.example>", "Lamp", "My lamp is broken.")
		ann.Reply(a, "Which lamp?")
		d.Settle()
		asked := d.ExpectMails("Which lamp?")[0]
		d.Pass(time.Minute)
		b := d.CustomerWrites("Mara <mara@customer.example>", "The lamp", "It is the red one.")
		d.Pass(time.Minute)
		d.CustomerAnswers(asked, "The red lamp.")
		d.Pass(time.Minute)
		ann.AddNote(b, "Red lamps break.")
		urgent, red := d.Tag("urgent"), d.Tag("red")
		for c, tag := range map[*postroom.Conversation]string{a: "urgent", b: "red"} {
			if _, err := d.Desk.ChangeTags(d.Ctx, ann.Agent, c.ID, []string{tag}, nil, postroom.PathMenu); err != nil {
				t.Fatal(err)
			}
		}
		if _, err := d.Desk.Follow(d.Ctx, ben.Agent, a.ID, true, postroom.PathMenu); err != nil {
			t.Fatal(err)
		}
		for c, text := range map[*postroom.Conversation]string{a: "<p>Words in A</p>", b: "<p>Words in B</p>"} {
			if err := d.Desk.SaveDraft(d.Ctx, ann.Agent, &postroom.Draft{ConversationID: c.ID, Kind: postroom.Reply, HTML: text}); err != nil {
				t.Fatal(err)
			}
		}
		bens := &postroom.Draft{ConversationID: a.ID, Kind: postroom.Note, HTML: "<p>Ben’s words</p>"}
		if err := d.Desk.SaveDraft(d.Ctx, ben.Agent, bens); err != nil {
			t.Fatal(err)
		}
		d.Settle()
		ann.SetStatus(b, postroom.Closed, postroom.PathMenu)

		out := merge(d, a, b)
		if out.ConversationID != b.ID || !out.Changed {
			t.Errorf("%+v", out)
		}
		if out := merge(d, a, b); out.Changed {
			t.Errorf("merged where it is merged: %+v", out)
		}
		d.Settle()
		want := []string{"My lamp is broken.", "Which lamp?", "It is the red one.", "The red lamp.", "Red lamps break."}
		if got := readIn(d, b); !slices.Equal(got, want) {
			t.Errorf("read in B: %q", got)
		}
		if got := readIn(d, a); len(got) != 0 {
			t.Errorf("still read in A: %q", got)
		}
		now, was := d.Conversation(b.ID), d.Conversation(a.ID)
		if now.Received != 3 || now.Replies != 1 || now.Notes != 1 || now.Status != postroom.Active || now.WaitingSince == 0 {
			t.Errorf("B: %+v", now)
		}
		if !slices.Contains(now.Tags, urgent) || !slices.Contains(now.Tags, red) || !slices.Contains(now.Followers, ben.ID) {
			t.Errorf("tags %v, followers %v", now.Tags, now.Followers)
		}
		if was.MergedInto != b.ID || was.Status != postroom.Closed || was.Folder() != postroom.Merged || was.WaitingSince != 0 {
			t.Errorf("A: %+v", was)
		}
		for _, c := range []*postroom.Conversation{a, b} {
			expect(t, "events of the merge", d.CountEvents(c.ID, postroom.ConversationMerged), 1)
		}
		e := d.EventsOf(a.ID, postroom.StatusChanged)
		if last := e[len(e)-1]; last.Path != postroom.PathMerge || last.Payload.To != string(postroom.Closed) {
			t.Errorf("A was closed by %+v", last)
		}
		drafts, err := d.Store.Read().DraftsOf(d.Ctx, b.ID, ann.ID)
		if err != nil || len(drafts) != 1 || !strings.Contains(drafts[0].HTML, "Words in A") || !strings.Contains(drafts[0].HTML, "Words in B") {
			t.Errorf("Ann’s drafts: %+v, %v", drafts, err)
		}
		if kept, err := d.Store.Read().Draft(d.Ctx, bens.ID); err != nil || kept.ConversationID != b.ID {
			t.Errorf("Ben’s draft: %+v, %v", kept, err)
		}
		d.CheckInvariants()

		// Nothing more is done in A, and words written for it are kept in B.
		if _, err := d.Desk.SetStatus(d.Ctx, ann.Agent, a.ID, postroom.Active, postroom.PathMenu); postroom.CodeOf(err) != postroom.Conflict {
			t.Errorf("A was changed: %v", err)
		}
		_, err = d.Desk.Publish(d.Ctx, ben.Agent, desk.Publish{ConversationID: a.ID, Kind: postroom.Reply, HTML: "<p>Late words</p>", Path: postroom.PathComposer})
		if postroom.CodeOf(err) != postroom.Conflict || !strings.Contains(postroom.TextOf(err), "is a draft there") {
			t.Errorf("a reply in A: %v", err)
		}
		if late, err := d.Store.Read().DraftOfKind(d.Ctx, b.ID, ben.ID, postroom.Reply); err != nil || late == nil || !strings.Contains(late.HTML, "Late words") {
			t.Errorf("the late words: %+v, %v", late, err)
		}

		// What answers A comes to B, by the token and by the ids, and to C when B
		// was merged on.
		if got := d.CustomerAnswers(asked, "Any news?"); got.ID != b.ID {
			t.Errorf("the answer went to conversation %d", got.Number)
		}
		c := d.CustomerWrites("Mara <mara@customer.example>", "Chair", "And a chair.")
		merge(d, b, c)
		d.Settle()
		plain := asked
		plain.ReplyTo = ""
		if got := d.CustomerAnswers(plain, "And still?"); got.ID != c.ID {
			t.Errorf("the answer went to conversation %d", got.Number)
		}
		if got := readIn(d, c); len(got) != 8 || got[0] != "My lamp is broken." || got[7] != "And still?" {
			t.Errorf("read in C: %q", got)
		}
		if _, err := d.Desk.Delete(d.Ctx, ann.Agent, c.ID, postroom.PathMenu); err != nil {
			t.Fatal(err)
		}
		if got := d.CustomerAnswers(asked, "Hello?"); got.ID == c.ID || got.LinkedFrom != c.ID {
			t.Errorf("after it was deleted the answer went to %+v", got)
		}
		d.CheckInvariants()
	})
}

// What cannot be merged says why: itself, what is deleted, spam or merged
// elsewhere, and what the agent may not answer in.
func TestMergeRefused(t *testing.T) {
	t.Parallel()
	desktest.Each(t, func(t *testing.T, d *desktest.Desk) {
		sales := d.AddMailbox("Sales", "sales@acme.example", nil)
		ann, ben := d.Agent("ann"), d.Agent("ben")
		write := func() *postroom.Conversation { return d.CustomerWrites("mara@customer.example", "Lamp", "Broken.") }
		a, b, spam, gone, far := write(), write(), write(), write(), write()
		ann.SetStatus(spam, postroom.Spam, postroom.PathMenu)
		for _, err := range []error{
			second(d.Desk.Delete(d.Ctx, ann.Agent, gone.ID, postroom.PathMenu)),
			second(d.Desk.Move(d.Ctx, ann.Agent, far.ID, sales.ID, postroom.PathMenu)),
		} {
			if err != nil {
				t.Fatal(err)
			}
		}
		for _, x := range []struct {
			who        *desktest.Agent
			from, into int64
			code       postroom.Code
		}{
			{ann, a.ID, a.ID, postroom.Invalid}, {ann, a.ID, spam.ID, postroom.Conflict}, {ann, spam.ID, a.ID, postroom.Conflict},
			{ann, a.ID, gone.ID, postroom.Conflict}, {ann, gone.ID, a.ID, postroom.Conflict}, {ben, a.ID, far.ID, postroom.NotFound},
			{ben, far.ID, a.ID, postroom.NotFound}, {ann, a.ID, d.ID(), postroom.NotFound},
		} {
			if out, err := d.Desk.Merge(d.Ctx, x.who.Agent, x.from, x.into, postroom.PathMenu); postroom.CodeOf(err) != x.code {
				t.Errorf("%d into %d: %+v, %v", x.from, x.into, out, err)
			}
		}
		merge(d, a, b)
		if _, err := d.Desk.Merge(d.Ctx, ann.Agent, b.ID, a.ID, postroom.PathMenu); postroom.CodeOf(err) != postroom.Conflict {
			t.Errorf("B into A, which was merged into B: %v", err)
		}
		d.CheckInvariants()
	})
}

func second[T any](_ T, err error) error { return err }

// Send & Close, then a merge: both windows end, reply and notice go out as two
// mails in their order, and the close by the merge tells the customer nothing
// unless a workflow names that path.
func TestMergeKeepsMailsAndTellsNobody(t *testing.T) {
	t.Parallel()
	desktest.Each(t, func(t *testing.T, d *desktest.Desk) {
		d.UndoWindow(10 * time.Second)
		notice := d.ClosingNotice()
		ann := d.Agent("ann")
		a := d.CustomerWrites("Mara <mara@customer.example>", "Lamp", "Broken.")
		b := d.CustomerWrites("Mara <mara@customer.example>", "Chair", "Broken too.")
		quiet := d.CustomerWrites("Mara <mara@customer.example>", "Table", "Broken as well.")
		sent := ann.SendAndClose(a, "A new lamp is on its way.")
		merge(d, a, b)
		if err := ann.TryUndo(sent); postroom.CodeOf(err) != postroom.Conflict {
			t.Errorf("what was done before can still be undone: %v", err)
		}
		merge(d, quiet, b)
		d.Pass(time.Minute)
		d.Settle()
		d.ExpectMails("A new lamp is on its way.", "auto:Hello there,")
		if runs := d.Runs(a.ID, notice); len(runs) != 1 {
			t.Errorf("runs of the notice on A: %+v", runs)
		}
		e := d.EventsOf(quiet.ID, postroom.StatusChanged)
		if len(e) != 1 || e[0].Path != postroom.PathMerge || len(d.Runs(quiet.ID, notice)) != 0 {
			t.Errorf("the close by the merge: %+v", e)
		}
		if got := readIn(d, b); len(got) != 5 || !strings.Contains(got[4], "we have now closed") {
			t.Errorf("read in B: %q", got)
		}
		if now := d.Conversation(b.ID); now.Replies != 2 || now.Received != 3 {
			t.Errorf("B counts %+v", now)
		}
		d.CheckInvariants()
	})
}

// A merge that is undone has never been: messages, drafts, people, status, sleep
// and counts are where they were, and no workflow has heard of it. Late, twice,
// by somebody else, or once B was merged on, it is refused.
func TestUndoMerge(t *testing.T) {
	t.Parallel()
	desktest.Each(t, func(t *testing.T, d *desktest.Desk) {
		ann, ben := d.Agent("ann"), d.Agent("ben")
		a := d.CustomerWrites("Mara <mara@customer.example>", "Lamp", "Broken.")
		d.Pass(time.Minute)
		b := d.CustomerWrites("Bob <bob@customer.example>", "Chair", "Broken too.")
		ann.ReplyWithStatus(b, "We mend it.", postroom.Closed)
		if err := d.Desk.SaveDraft(d.Ctx, ben.Agent, &postroom.Draft{ConversationID: a.ID, Kind: postroom.Note, HTML: "<p>Ben’s words</p>"}); err != nil {
			t.Fatal(err)
		}
		if _, err := d.Desk.Snooze(d.Ctx, ann.Agent, a.ID, d.Store.Now()+3_600_000, postroom.PathMenu); err != nil {
			t.Fatal(err)
		}
		d.Settle()
		d.UndoWindow(10 * time.Second)
		lamp := d.Raw(desktest.Letter{From: "Mara <mara@customer.example>", InReplyTo: "letter-1@customer.example", Subject: "Re: Lamp",
			Headers: "MIME-Version: 1.0\nContent-Type: application/pdf; name=lamp.pdf\nContent-Disposition: attachment; filename=lamp.pdf\n", Body: "%PDF"})
		if got := d.Receive("mara@customer.example", d.Mailbox.Address, lamp); got.ID != a.ID || !got.HasAttachments {
			t.Fatalf("the file came to %+v", got)
		}
		if _, err := d.Desk.Snooze(d.Ctx, ann.Agent, a.ID, d.Store.Now()+3_600_000, postroom.PathMenu); err != nil {
			t.Fatal(err)
		}
		d.Pass(time.Minute)
		before := map[int64]postroom.Snapshot{a.ID: d.Conversation(a.ID).Facts(), b.ID: d.Conversation(b.ID).Facts()}
		people := d.Participants(b.ID)
		out := merge(d, a, b)
		if got := d.Participants(b.ID); slices.Equal(got, people) || !slices.ContainsFunc(got, func(s string) bool { return strings.Contains(s, "mara") }) {
			t.Errorf("who takes part: %q", got)
		}
		if now := d.Conversation(b.ID); now.Status != postroom.Active {
			t.Errorf("B is %s", now.Status)
		}
		if err := ben.TryUndo(out); postroom.CodeOf(err) != postroom.Forbidden {
			t.Errorf("undone by Ben: %v", err)
		}
		ann.Undo(out)
		for id, want := range before {
			if got := d.Conversation(id).Facts(); !sameFacts(got, want) {
				t.Errorf("conversation %d is\n%+v, was\n%+v", id, got, want)
			}
			expect(t, "messages", len(d.Messages(id)), want.Received+want.Replies)
		}
		if !d.Conversation(a.ID).HasAttachments || d.Conversation(b.ID).HasAttachments {
			t.Error("the file is not where it was")
		}
		if got := d.Participants(b.ID); !slices.Equal(got, people) {
			t.Errorf("who takes part: %q, before %q", got, people)
		}
		if kept, err := d.Store.Read().DraftOfKind(d.Ctx, a.ID, ben.ID, postroom.Note); err != nil || kept == nil {
			t.Errorf("Ben’s draft: %+v, %v", kept, err)
		}
		if err := ann.TryUndo(out); postroom.CodeOf(err) != postroom.Conflict {
			t.Errorf("undone twice: %v", err)
		}
		d.Settle()
		d.CheckInvariants()

		c := d.CustomerWrites("Mara <mara@customer.example>", "Table", "Broken as well.")
		out = merge(d, a, b)
		merge(d, b, c)
		if err := ann.TryUndo(out); postroom.CodeOf(err) != postroom.Conflict {
			t.Errorf("undone after it was merged on: %v", err)
		}
		d.Pass(time.Minute)
		if now := d.Conversation(a.ID); now.MergedInto != b.ID || now.Snoozed() {
			t.Errorf("A: %+v", now)
		}
		d.CheckInvariants()
	})
}

// sameFacts compares what is so, whoever counted it.
func sameFacts(a, b postroom.Snapshot) bool {
	return a.Status == b.Status && a.AssigneeID == b.AssigneeID && slices.Equal(a.Tags, b.Tags) && slices.Equal(a.Followers, b.Followers) &&
		a.Received == b.Received && a.Replies == b.Replies && a.Notes == b.Notes && a.WaitingSince == b.WaitingSince &&
		a.LastCustomerAt == b.LastCustomerAt && a.LastAgentAt == b.LastAgentAt && a.LastHumanAt == b.LastHumanAt &&
		a.ClosedAt == b.ClosedAt && a.SnoozedUntil == b.SnoozedUntil && a.MergedInto == b.MergedInto
}

// A selection is merged into the oldest of them, each in a transaction of its
// own; taken back whole it has never been, also if the work dies on the way.
func TestMergeSelection(t *testing.T) {
	t.Parallel()
	desktest.Each(t, func(t *testing.T, d *desktest.Desk) {
		ann := d.Agent("ann")
		all, numbers := some(d)
		spam := d.CustomerWrites("spam@customer.example", "Win", "Win!")
		ann.SetStatus(spam, postroom.Spam, postroom.PathMenu)
		before := map[int64]postroom.Snapshot{}
		for _, c := range all {
			before[c.ID] = d.Conversation(c.ID).Facts()
		}
		if _, err := d.Desk.StartBulk(d.Ctx, ann.Agent, desk.Bulk{Numbers: numbers[:1], MergeOldest: true}); postroom.CodeOf(err) != postroom.Invalid {
			t.Errorf("one alone: %v", err)
		}
		if _, err := d.Desk.StartBulk(d.Ctx, ann.Agent, desk.Bulk{Numbers: numbers, Merge: spam.Number}); postroom.CodeOf(err) != postroom.Invalid {
			t.Errorf("into spam: %v", err)
		}
		job := ann.Bulk(desk.Bulk{Numbers: append(slices.Clone(numbers), spam.Number), MergeOldest: true})
		j, err := d.Store.Read().Job(d.Ctx, job)
		if err != nil || j.Done != 2 || j.Skipped != 1 {
			t.Fatalf("%+v, %v", j, err)
		}
		if now := d.Conversation(all[0].ID); now.Received != 3 || len(readIn(d, all[0])) != 3 {
			t.Errorf("the oldest: %+v", now)
		}
		for _, c := range all[1:] {
			if d.Conversation(c.ID).MergedInto != all[0].ID {
				t.Errorf("%d was not merged", c.Number)
			}
		}
		if err := d.Desk.UndoBulk(d.Ctx, ann.Agent, job); err != nil {
			t.Fatal(err)
		}
		untilDeath(d, job, 1)
		untilDeath(d, job, 99)
		for id, want := range before {
			if got := d.Conversation(id).Facts(); !sameFacts(got, want) || len(d.Messages(id)) != 1 {
				t.Errorf("conversation %d is\n%+v, was\n%+v", id, got, want)
			}
		}
		d.Settle()
		d.CheckInvariants()

		ann.Bulk(desk.Bulk{Numbers: numbers, Merge: numbers[1]})
		d.Pass(time.Minute)
		if now := d.Conversation(all[1].ID); now.Received != 3 || d.CountEvents(all[1].ID, postroom.ConversationMerged) != 2 {
			t.Errorf("the chosen one: %+v", now)
		}
		d.CheckInvariants()
	})
}

// Merged into a conversation of another mailbox, mail to either goes there, by
// each route; waits of the one that ended end; a mailbox that had neither is no
// way in (T10).
func TestMergeAcrossMailboxes(t *testing.T) {
	t.Parallel()
	desktest.Each(t, func(t *testing.T, d *desktest.Desk) {
		sales := d.AddMailbox("Sales", "sales@acme.example", nil)
		press := d.AddMailbox("Press", "press@acme.example", nil)
		ann := d.Agent("ann")
		wait := d.AddWorkflow("Close what rests", workflow.Definition{
			When: workflow.When{Event: postroom.ReplySent, Actors: []postroom.ActorKind{postroom.ByAgent}, After: "7d"},
			Then: []workflow.Action{{Do: workflow.DoStatus, Status: postroom.Closed}}})
		a := d.CustomerWrites("Mara <mara@customer.example>", "Lamp", "Broken.")
		ann.Reply(a, "From support.")
		d.Settle()
		mail := d.ExpectMails("From support.")[0]
		b := d.CustomerWrites("Mara <mara@customer.example>", "Lamp again", "Broken!")
		if _, err := d.Desk.Move(d.Ctx, ann.Agent, b.ID, sales.ID, postroom.PathMenu); err != nil {
			t.Fatal(err)
		}
		d.Settle()
		merge(d, a, b)
		d.Settle()
		timers := d.Timers(a.ID, wait)
		if len(timers) != 1 || timers[0].State != postroom.TimerStopped || !strings.Contains(timers[0].Words, "merged") {
			t.Errorf("the wait: %+v", timers)
		}
		if got := d.CustomerAnswers(mail, "By the token."); got.ID != b.ID {
			t.Errorf("the answer went to %d", got.Number)
		}
		plain := mail
		plain.ReplyTo = ""
		if got := d.CustomerAnswers(plain, "By the ids."); got.ID != b.ID {
			t.Errorf("the answer without a token in its address went to %d", got.Number)
		}
		plain.From = sales.Address
		if got := d.CustomerAnswers(plain, "To sales."); got.ID != b.ID {
			t.Errorf("the answer to sales went to %d", got.Number)
		}
		plain.From = press.Address
		if got := d.CustomerAnswers(plain, "To press."); got.ID == b.ID {
			t.Error("an answer to a mailbox that had neither joined it")
		}
		// Erasing the one that goes on erases the other.
		if _, err := d.Desk.Delete(d.Ctx, ann.Agent, b.ID, postroom.PathMenu); err != nil {
			t.Fatal(err)
		}
		d.Settle()
		if _, err := d.Desk.EmptyTrash(d.Ctx, ann.Agent, 0); err != nil {
			t.Fatal(err)
		}
		d.Settle()
		for _, c := range []*postroom.Conversation{a, b} {
			if _, err := d.Store.Read().Conversation(d.Ctx, c.ID); postroom.CodeOf(err) != postroom.NotFound {
				t.Errorf("%d is still there: %v", c.Number, err)
			}
		}
		d.CheckInvariants()
	})
}

// Two agents merge A into B and B into A at once: one of the two comes about.
func TestMergeBothWays(t *testing.T) {
	t.Parallel()
	desktest.Each(t, func(t *testing.T, d *desktest.Desk) {
		ann := d.Agent("ann")
		a := d.CustomerWrites("mara@customer.example", "Lamp", "Broken.")
		b := d.CustomerWrites("mara@customer.example", "Chair", "Broken.")
		errs := make(chan error, 2)
		for _, x := range [][2]int64{{a.ID, b.ID}, {b.ID, a.ID}} {
			go func() { errs <- second(d.Desk.Merge(d.Ctx, ann.Agent, x[0], x[1], postroom.PathMenu)) }()
		}
		one, two := <-errs, <-errs
		if (one == nil) == (two == nil) || postroom.CodeOf(errors.Join(one, two)) != postroom.Conflict {
			t.Errorf("%v and %v", one, two)
		}
		now, other := d.Conversation(a.ID), d.Conversation(b.ID)
		if (now.MergedInto == 0) == (other.MergedInto == 0) {
			t.Errorf("A is merged into %d, B into %d", now.MergedInto, other.MergedInto)
		}
		d.Settle()
		d.CheckInvariants()
	})
}

// A workflow that names the path hears of the close; the merge itself is heard on
// both sides, and nothing is changed any more in the one that ended.
func TestWorkflowsHearAMerge(t *testing.T) {
	t.Parallel()
	desktest.Each(t, func(t *testing.T, d *desktest.Desk) {
		closed, here, away := d.Tag("closed"), d.Tag("here"), d.Tag("away")
		named := d.AddWorkflow("Closed by a merge", workflow.Definition{
			When: workflow.When{Event: postroom.StatusChanged, To: []string{"closed"}, Paths: []postroom.Path{postroom.PathMerge}},
			Then: []workflow.Action{{Do: workflow.DoTags, Add: []int64{closed}}}})
		any := d.AddWorkflow("Closed", workflow.Definition{
			When: workflow.When{Event: postroom.StatusChanged, To: []string{"closed"}},
			Then: []workflow.Action{{Do: workflow.DoTags, Add: []int64{closed}}}})
		goesOn := d.AddWorkflow("Goes on", workflow.Definition{
			When: workflow.When{Event: postroom.ConversationMerged, To: []string{workflow.MergedHere}},
			Then: []workflow.Action{{Do: workflow.DoTags, Add: []int64{here}}}})
		ends := d.AddWorkflow("Ends", workflow.Definition{
			When: workflow.When{Event: postroom.ConversationMerged, To: []string{workflow.MergedAway}},
			If:   workflow.Cond{Fact: "conversation.merged", Op: workflow.Is, Values: []string{"true"}},
			Then: []workflow.Action{{Do: workflow.DoTags, Add: []int64{away}}}})
		a := d.CustomerWrites("mara@customer.example", "Lamp", "Broken.")
		b := d.CustomerWrites("mara@customer.example", "Chair", "Broken.")
		merge(d, a, b)
		d.Settle()
		for _, x := range []struct {
			c        *postroom.Conversation
			workflow int64
			n        int
		}{{a, named, 1}, {a, any, 0}, {a, ends, 1}, {a, goesOn, 0}, {b, goesOn, 1}, {b, ends, 0}, {b, any, 0}} {
			runs := d.Runs(x.c.ID, x.workflow)
			if len(runs) != x.n {
				t.Errorf("workflow %d ran %d times on %d, not %d", x.workflow, len(runs), x.c.Number, x.n)
			}
			if x.c == a && len(runs) == 1 && runs[0].Effects[0].Result != postroom.EffectOvertaken {
				t.Errorf("it changed what was merged: %+v", runs[0].Effects)
			}
		}
		if now := d.Conversation(b.ID); !slices.Contains(now.Tags, here) {
			t.Errorf("tags of B: %v", now.Tags)
		}
	})
}
