package desktest_test

import (
	"bytes"
	"image"
	"image/png"
	"strconv"
	"strings"
	"testing"
	"time"

	"postroom"
	"postroom/internal/desk"
	"postroom/internal/desktest"
	"postroom/internal/query"
	"postroom/internal/workflow"
)

// edit changes the text of a message that is in a version.
func edit(d *desktest.Desk, a *desktest.Agent, message, version int64, html string) (desk.Outcome, error) {
	return d.Desk.EditMessage(d.Ctx, a.Agent, desk.Edit{MessageID: message, Version: version, HTML: html, Path: postroom.PathMenu})
}

func mustEdit(d *desktest.Desk, a *desktest.Agent, message, version int64, html string) {
	d.T.Helper()
	if out, err := edit(d, a, message, version, html); err != nil || !out.Changed {
		d.T.Fatalf("edit: %+v, %v", out, err)
	}
}

// said is a message as it stands in the store.
func said(d *desktest.Desk, id int64) *postroom.Message {
	d.T.Helper()
	m, err := d.Store.Read().Message(d.Ctx, id)
	if err != nil {
		d.T.Fatal(err)
	}
	return m
}

// shown is a message as its page shows it to an agent.
func shown(d *desktest.Desk, a *desktest.Agent, ask query.ConversationAsk, id int64) *query.Message {
	d.T.Helper()
	p, err := query.New(query.Options{Store: d.Store, Blobs: d.Blobs}).Conversation(d.Ctx, a.Agent, ask, query.Place{Section: "desk", Path: "/"})
	if err != nil {
		d.T.Fatal(err)
	}
	for _, e := range p.Timeline {
		if e.Message != nil && e.Message.ID == id {
			return e.Message
		}
	}
	d.T.Fatalf("message %d is not on the page", id)
	return nil
}

// An author changes their own reply and note: what it said before is kept with
// who and when, the customer is mailed nothing, nothing happens to the
// conversation, and the lists show the newest text.
func TestEditOwnMessage(t *testing.T) {
	t.Parallel()
	desktest.Each(t, func(t *testing.T, d *desktest.Desk) {
		d.ClosingNotice()
		ann, ben := d.Agent("ann"), d.Agent("ben")
		c := d.CustomerWrites("Mara <mara@customer.example>", "Lamp", "Broken.")
		sent := ann.Reply(c, "It comes on Tusday.")
		note := ben.AddNote(c, "Box 5.")
		d.Settle()
		d.ExpectMails("It comes on Tusday.")
		before, events := d.Conversation(c.ID), d.Events(c.ID)

		d.Pass(time.Minute)
		mustEdit(d, ann, sent.MessageID, 1, "<p>It comes on <b>Tuesday</b>.</p><script>x()</script>")
		mustEdit(d, ben, note.MessageID, 1, "<p>Box 6.</p>")
		d.Pass(time.Minute)
		mustEdit(d, ann, sent.MessageID, 2, "<p>It comes on Wednesday.</p>")
		if out, err := edit(d, ann, sent.MessageID, 3, "<p>It comes on Wednesday.</p>"); err != nil || out.Changed {
			t.Errorf("what it says already: %+v, %v", out, err)
		}

		m := said(d, sent.MessageID)
		if m.Text != "It comes on Wednesday." || m.Version != 3 || m.EditedBy != ann.ID || m.EditedAt <= m.At {
			t.Errorf("the reply now: %+v", m)
		}
		former, err := d.Store.Read().FormerTexts(d.Ctx, m.ID)
		if err != nil || len(former) != 2 || former[0].Text != "It comes on Tusday." || former[0].At != m.At || former[0].AgentID != ann.ID ||
			former[1].HTML != "<p>It comes on <b>Tuesday</b>.</p>" || former[1].At != m.At+time.Minute.Milliseconds() {
			t.Errorf("what it said: %+v, %v", former, err)
		}
		now := d.Conversation(c.ID)
		if now.Preview != "It comes on Wednesday." {
			t.Errorf("lists show %q", now.Preview)
		}
		if now.UpdatedAt != before.UpdatedAt || now.Seq != before.Seq || strings.Join(d.Events(c.ID), "\n") != strings.Join(events, "\n") {
			t.Errorf("something happened: %v", d.Events(c.ID))
		}
		d.Settle()
		d.ExpectMails() // nobody is mailed anything

		p := shown(d, ann, query.ConversationAsk{Number: c.Number, History: m.ID}, m.ID)
		if p.EditNote != "Changed after it was sent; the customer has the earlier text." || p.Version != 3 || !p.Editable || !p.Latest {
			t.Errorf("the page: %+v", p)
		}
		if len(p.History) != 3 || !p.History[0].Current || p.History[2].HTML != "<p>It comes on Tusday.</p>" || !p.History[2].First {
			t.Fatalf("the history: %+v", p.History)
		}
		var words []string
		for _, x := range p.History[1].Changes {
			words = append(words, x.Kind+" "+x.Text)
		}
		if got := strings.Join(words, ", "); got != "same It comes on, removed Tusday., added Tuesday." {
			t.Errorf("what changed: %s", got)
		}
		seen := shown(d, ben, query.ConversationAsk{Number: c.Number, History: m.ID, Edit: m.ID}, m.ID)
		if seen.Editable || seen.Edit != nil || seen.EditedBy != "Ann" || len(seen.History) != 3 || seen.EditRefused != "Only who wrote a message can change it." {
			t.Errorf("a colleague sees %+v", seen)
		}
		if p := shown(d, ben, query.ConversationAsk{Number: c.Number}, note.MessageID); p.EditNote != "" || p.HTML != "<p>Box 6.</p>" || p.Version != 2 {
			t.Errorf("the note: %+v", p)
		}
	})
}

// What cannot be edited is refused with the reason, and stays as it is.
func TestEditRefused(t *testing.T) {
	t.Parallel()
	desktest.Each(t, func(t *testing.T, d *desktest.Desk) {
		ann, ben := d.Agent("ann"), d.Agent("ben")
		d.AddWorkflow("Note", on(postroom.ConversationCreated, note("From a workflow.")))
		c := d.CustomerWrites("Mara <mara@customer.example>", "Lamp", "Broken.")
		box := ben.AddNote(c, "Box 5.").MessageID
		d.Settle()
		var machine int64
		for _, m := range d.Messages(c.ID) {
			if m.Author.Kind == postroom.ByWorkflow {
				machine = m.ID
			}
		}
		mustEdit(d, ben, box, 1, "<p>Box 6.</p>")
		for _, x := range []struct {
			name    string
			by      *desktest.Agent
			message int64
			version int64
			html    string
			code    postroom.Code
			words   string
		}{
			{"a colleague's, by an admin", ann, box, 2, "<p>Mine.</p>", postroom.Forbidden, "Only who wrote a message can change it."},
			{"the customer's", ann, d.LastReceived(c.ID).ID, 1, "<p>Fine.</p>", postroom.Forbidden, "What a customer wrote cannot be changed."},
			{"a workflow's", ann, machine, 1, "<p>Fine.</p>", postroom.Forbidden, "What a workflow wrote cannot be changed."},
			{"an older version", ben, box, 1, "<p>Box 7.</p>", postroom.Conflict, "This message was changed in another window meanwhile."},
			{"no words", ben, box, 2, "<p> </p>", postroom.Invalid, "A message cannot be left without a word. Its former text is still there."},
			{"too long", ben, box, 2, "<p>" + strings.Repeat("x", desk.MaxBody) + "</p>", postroom.Invalid, "The text is longer than 1024 kB."},
			{"no message", ben, d.ID(), 1, "<p>x</p>", postroom.NotFound, "There is no such message."},
		} {
			if _, err := edit(d, x.by, x.message, x.version, x.html); postroom.CodeOf(err) != x.code || postroom.TextOf(err) != x.words {
				t.Errorf("%s: %v", x.name, err)
			}
		}
		// Who may only read, or not even see, changes nothing either.
		for _, x := range []struct {
			right postroom.Right
			in    bool
			code  postroom.Code
		}{{postroom.Right{Most: postroom.See}, true, postroom.Forbidden}, {postroom.Right{OnlyAssigned: true}, true, postroom.NotFound}, {postroom.Right{}, false, postroom.NotFound}} {
			who := *ben.Agent
			who.Mailboxes, who.Rights = nil, nil
			if x.in {
				who.Give(d.Mailbox.ID, x.right)
			}
			_, err := d.Desk.EditMessage(d.Ctx, &who, desk.Edit{MessageID: box, Version: 2, HTML: "<p>Box 8.</p>", Path: postroom.PathMenu})
			if postroom.CodeOf(err) != x.code {
				t.Errorf("with %+v: %v", x.right, err)
			}
			err = d.Desk.SaveEditDraft(d.Ctx, &who, &postroom.EditDraft{MessageID: box, Base: 2, HTML: "<p>Box 8.</p>"})
			if postroom.CodeOf(err) != x.code {
				t.Errorf("a draft with %+v: %v", x.right, err)
			}
		}
		if _, err := d.Desk.Delete(d.Ctx, ann.Agent, c.ID, postroom.PathMenu); err != nil {
			t.Fatal(err)
		}
		if _, err := edit(d, ben, box, 2, "<p>Box 9.</p>"); postroom.CodeOf(err) != postroom.Conflict || !strings.Contains(postroom.TextOf(err), "Restore it first") {
			t.Errorf("deleted: %v", err)
		}
		if m := said(d, box); m.Text != "Box 6." || m.Version != 2 {
			t.Errorf("the note: %+v", m)
		}
	})
}

// W19: a reply that can still be undone is undone, not edited; a note can be
// both, and undone it is the draft it says now.
func TestEditAndUndo(t *testing.T) {
	t.Parallel()
	desktest.Each(t, func(t *testing.T, d *desktest.Desk) {
		d.UndoWindow(10 * time.Second)
		ann := d.Agent("ann")
		c := d.CustomerWrites("Mara <mara@customer.example>", "Lamp", "Broken.")
		d.Pass(time.Minute)
		sent := ann.Reply(c, "On its way.")
		if _, err := edit(d, ann, sent.MessageID, 1, "<p>Not yet.</p>"); postroom.CodeOf(err) != postroom.Conflict || !strings.Contains(postroom.TextOf(err), "Undo it") {
			t.Errorf("in the window: %v", err)
		}
		if p := shown(d, ann, query.ConversationAsk{Number: c.Number, Edit: sent.MessageID}, sent.MessageID); p.Editable || !strings.Contains(p.EditRefused, "Undo it") {
			t.Errorf("the page in the window: %+v", p)
		}
		note := ann.AddNote(c, "Box 5.")
		mustEdit(d, ann, note.MessageID, 1, "<p>Box 6.</p>")
		ann.Undo(note)
		drafts, err := d.Store.Read().DraftsOf(d.Ctx, c.ID, ann.ID)
		if err != nil || len(drafts) != 1 || drafts[0].HTML != "<p>Box 6.</p>" {
			t.Errorf("the note undone: %+v, %v", drafts, err)
		}
		if err := d.Desk.DiscardDraft(d.Ctx, ann.Agent, drafts[0].ID); err != nil {
			t.Fatal(err)
		}
		begun := ann.AddNote(c, "Shelf 1.")
		file, err := d.Desk.AttachToEdit(d.Ctx, ann.Agent, begun.MessageID, 1, "shelf.png", "image/png", picture(t, 7))
		if err != nil {
			t.Fatal(err)
		}
		if err := d.Desk.SaveEditDraft(d.Ctx, ann.Agent, &postroom.EditDraft{MessageID: begun.MessageID, Base: 1, HTML: "<p>Shelf 2: " + img(file) + "</p>"}); err != nil {
			t.Fatal(err)
		}
		ann.Undo(begun)
		drafts, err = d.Store.Read().DraftsOf(d.Ctx, c.ID, ann.ID)
		if err != nil || len(drafts) != 1 || len(drafts[0].Attachments) != 1 || !strings.Contains(drafts[0].HTML, "Shelf 2: ") ||
			!strings.Contains(drafts[0].HTML, "/attachments/"+strconv.FormatInt(drafts[0].Attachments[0].ID, 10)+"/") {
			t.Errorf("undone with a new text begun: %+v, %v", drafts, err)
		}
		if _, err := edit(d, ann, note.MessageID, 2, "<p>Box 7.</p>"); postroom.CodeOf(err) != postroom.NotFound {
			t.Errorf("an undone note: %v", err)
		}
		d.Clock.Advance(11 * time.Second) // the window is over, and no worker has been here
		mustEdit(d, ann, sent.MessageID, 1, "<p>It was on its way.</p>")
		if p := shown(d, ann, query.ConversationAsk{Number: c.Number}, sent.MessageID); !strings.Contains(p.EditNote, "still on its way, with the earlier text") {
			t.Errorf("before the mail left: %q", p.EditNote)
		}
		d.Settle()
		d.ExpectMails("On its way.") // W24: what was decided is what leaves
		if p := shown(d, ann, query.ConversationAsk{Number: c.Number}, sent.MessageID); p.EditNote != "Changed after it was sent; the customer has the earlier text." {
			t.Errorf("after: %q", p.EditNote)
		}
	})
}

// An edit sets no workflow off, not the ones that judged the message and not
// another time; and Why? shows what they judged, which is the first text.
func TestEditSetsNothingOff(t *testing.T) {
	t.Parallel()
	desktest.Each(t, func(t *testing.T, d *desktest.Desk) {
		def := on(postroom.ReplySent, workflow.Action{Do: workflow.DoTags, Add: []int64{d.Tag("parcel")}})
		def.If = workflow.Cond{Fact: "message.body", Op: workflow.Contains, Values: []string{"parcel"}}
		word := d.AddWorkflow("Parcel", def)
		every := d.AddWorkflow("Every reply", on(postroom.ReplySent, note("A reply went out.")))
		ann := d.Agent("ann")
		c := d.CustomerWrites("Mara <mara@customer.example>", "Lamp", "Broken.")
		sent := ann.Reply(c, "The parcel comes.")
		mustEdit(d, ann, sent.MessageID, 1, "<p>It comes.</p>") // before anything judged it
		d.Settle()
		expect(t, "runs on the first text", len(d.Runs(c.ID, word)), 1)
		other := ann.Reply(c, "No such word.")
		d.Settle()
		mustEdit(d, ann, other.MessageID, 1, "<p>A parcel after all.</p>")
		mustEdit(d, ann, sent.MessageID, 2, "<p>The parcel does come.</p>")
		d.Pass(time.Hour)
		expect(t, "runs on the word", len(d.Runs(c.ID, word)), 1)
		expect(t, "runs on every reply", len(d.Runs(c.ID, every)), 2)
		why, err := query.New(query.Options{Store: d.Store, Blobs: d.Blobs}).Why(d.Ctx, ann.Agent, c.Number, query.Place{})
		if err != nil {
			t.Fatal(err)
		}
		seen := 0
		for _, e := range why.Events {
			for _, w := range e.Workflows {
				if seen++; w.Differs != "" {
					t.Errorf("%s on event %d: %s", w.Name, e.Line.Seq, w.Differs)
				}
			}
		}
		expect(t, "judgements shown", seen, 4)
	})
}

func picture(t *testing.T, side int) *bytes.Reader {
	t.Helper()
	var b bytes.Buffer
	if err := png.Encode(&b, image.NewGray(image.Rect(0, 0, side, side))); err != nil {
		t.Fatal(err)
	}
	return bytes.NewReader(b.Bytes())
}

func img(f postroom.Attachment) string {
	return `<img src="/attachments/` + strconv.FormatInt(f.ID, 10) + "/" + f.Name + `?inline=1" alt="">`
}

// A picture that is taken out of the newest text stays with the former one, and
// a new one comes with the new text; files that were attached stay.
func TestEditPictures(t *testing.T) {
	t.Parallel()
	desktest.Each(t, func(t *testing.T, d *desktest.Desk) {
		d.UndoWindow(10 * time.Second)
		ann := d.Agent("ann")
		c := d.CustomerWrites("Mara <mara@customer.example>", "Lamp", "Broken.")
		draft, first, err := d.Desk.Attach(d.Ctx, ann.Agent, c.ID, postroom.Note, "one.png", "image/png", picture(t, 3), true)
		if err != nil {
			t.Fatal(err)
		}
		if _, _, err := d.Desk.Attach(d.Ctx, ann.Agent, c.ID, postroom.Note, "plan.txt", "text/plain", strings.NewReader("a plan"), false); err != nil {
			t.Fatal(err)
		}
		note := ann.Publish(desk.Publish{ConversationID: c.ID, Draft: draft, Kind: postroom.Note, HTML: "<p>See " + img(first) + "</p>", Path: postroom.PathComposer})
		m := said(d, note.MessageID)

		if _, err := d.Desk.AttachToEdit(d.Ctx, ann.Agent, m.ID, 1, "new.txt", "text/plain", strings.NewReader("x")); postroom.CodeOf(err) != postroom.Invalid {
			t.Errorf("a file that is no picture: %v", err)
		}
		if _, err := d.Desk.AttachToEdit(d.Ctx, d.Agent("ben").Agent, m.ID, 1, "b.png", "image/png", picture(t, 4)); postroom.CodeOf(err) != postroom.Forbidden {
			t.Errorf("a picture for a colleague's note: %v", err)
		}
		second, err := d.Desk.AttachToEdit(d.Ctx, ann.Agent, m.ID, 1, "two.png", "image/png", picture(t, 5))
		if err != nil {
			t.Fatal(err)
		}
		unused, err := d.Desk.AttachToEdit(d.Ctx, ann.Agent, m.ID, 1, "unused.png", "image/png", picture(t, 6))
		if err != nil {
			t.Fatal(err)
		}
		begun := shown(d, ann, query.ConversationAsk{Number: c.Number, Edit: m.ID}, m.ID)
		if begun.Edit == nil || !strings.Contains(begun.Edit.Body, "/attachments/"+strconv.FormatInt(m.Attachments[0].ID, 10)+"/") {
			t.Fatalf("the form: %+v", begun.Edit)
		}
		files := query.New(query.Options{Store: d.Store, Blobs: d.Blobs})
		if f, err := files.File(d.Ctx, ann.Agent, second.ID); err != nil {
			t.Errorf("the author's own new picture: %v", err)
		} else {
			f.Content.Close()
		}
		if _, err := files.File(d.Ctx, d.Agent("ben").Agent, second.ID); postroom.CodeOf(err) != postroom.NotFound {
			t.Errorf("a colleague sees what is not saved: %v", err)
		}
		mustEdit(d, ann, m.ID, 1, "<p>See "+img(second)+"</p>")

		p := shown(d, ann, query.ConversationAsk{Number: c.Number, History: m.ID}, m.ID)
		if !strings.Contains(p.HTML, strconv.FormatInt(second.ID, 10)) || strings.Contains(p.HTML, strconv.FormatInt(m.Attachments[0].ID, 10)) {
			t.Errorf("the newest text: %s", p.HTML)
		}
		old := p.History[1].HTML
		if !strings.Contains(old, "/attachments/"+strconv.FormatInt(m.Attachments[0].ID, 10)+"/one.png") || p.History[0].Came != 1 || p.History[0].Went != 1 {
			t.Errorf("the former text: %s; %+v", old, p.History)
		}
		for _, id := range []int64{m.Attachments[0].ID, second.ID, m.Attachments[1].ID} {
			f, err := files.File(d.Ctx, d.Agent("ben").Agent, id)
			if err != nil {
				t.Errorf("file %d: %v", id, err)
				continue
			}
			f.Content.Close()
		}
		if _, err := files.File(d.Ctx, ann.Agent, unused.ID); postroom.CodeOf(err) != postroom.NotFound {
			t.Errorf("a picture that no text shows: %v", err)
		}
		// Taken up again, the first picture is there again.
		again := shown(d, ann, query.ConversationAsk{Number: c.Number, Edit: m.ID, From: 1}, m.ID)
		mustEdit(d, ann, m.ID, 2, again.Edit.Body)
		if now := said(d, m.ID); now.HTML != m.HTML {
			t.Errorf("taken up again: %s", now.HTML)
		}
		// Undone, the draft has what the newest text shows, and the attached file.
		ann.Undo(note)
		drafts, err := d.Store.Read().DraftsOf(d.Ctx, c.ID, ann.ID)
		if err != nil || len(drafts) != 1 || len(drafts[0].Attachments) != 2 {
			t.Errorf("undone: %+v, %v", drafts, err)
		}
	})
}

// What is being typed is kept without an event, for one version of the message
// and for its author alone.
func TestEditDraft(t *testing.T) {
	t.Parallel()
	desktest.Each(t, func(t *testing.T, d *desktest.Desk) {
		ann := d.Agent("ann")
		c := d.CustomerWrites("Mara <mara@customer.example>", "Lamp", "Broken.")
		note := ann.AddNote(c, "Box 5.").MessageID
		d.Settle()
		save := func(base int64, html string) error {
			return d.Desk.SaveEditDraft(d.Ctx, ann.Agent, &postroom.EditDraft{MessageID: note, Base: base, HTML: html})
		}
		for _, words := range []string{"<p>Box 6", "<p>Box 6, by the door.</p><script>x()</script>"} {
			if err := save(1, words); err != nil {
				t.Fatal(err)
			}
		}
		p := shown(d, ann, query.ConversationAsk{Number: c.Number, Edit: note}, note)
		if p.Edit == nil || p.Edit.Body != "<p>Box 6, by the door.</p>" || p.Edit.Revision != 2 || p.Edit.Version != 1 {
			t.Errorf("the form: %+v", p.Edit)
		}
		if p := shown(d, ann, query.ConversationAsk{Number: c.Number}, note); !p.Begun || p.HTML != "<p>Box 5.</p>" {
			t.Errorf("the page: %+v", p)
		}
		if p := shown(d, d.Agent("ben"), query.ConversationAsk{Number: c.Number}, note); p.Begun {
			t.Error("a colleague sees that something was begun")
		}
		mustEdit(d, ann, note, 1, "<p>Box 6.</p>")
		if err := save(1, "<p>Late.</p>"); postroom.CodeOf(err) != postroom.Conflict {
			t.Errorf("an autosave that comes after the text was saved: %v", err)
		}
		if p := shown(d, ann, query.ConversationAsk{Number: c.Number}, note); p.Begun {
			t.Error("saved, and still begun")
		}
		if err := save(2, "<p>Box 7.</p>"); err != nil {
			t.Fatal(err)
		}
		for range 2 {
			if err := d.Desk.DiscardEdit(d.Ctx, ann.Agent, note); err != nil {
				t.Fatal(err)
			}
		}
		if p := shown(d, ann, query.ConversationAsk{Number: c.Number}, note); p.Begun || p.HTML != "<p>Box 6.</p>" {
			t.Errorf("thrown away: %+v", p)
		}
	})
}

// Erasing a conversation leaves nothing of what its messages said, and nothing
// of what was being typed.
func TestEraseTakesFormerTexts(t *testing.T) {
	t.Parallel()
	desktest.Each(t, func(t *testing.T, d *desktest.Desk) {
		ann := d.Agent("ann")
		c := d.CustomerWrites("Mara <mara@customer.example>", "Lamp", "Broken.")
		note := ann.AddNote(c, "Box 5.").MessageID
		mustEdit(d, ann, note, 1, "<p>Box 6.</p>")
		file, err := d.Desk.AttachToEdit(d.Ctx, ann.Agent, note, 2, "two.png", "image/png", picture(t, 5))
		if err != nil {
			t.Fatal(err)
		}
		draft, err := d.Store.Read().EditDraft(d.Ctx, note)
		if err != nil || draft == nil {
			t.Fatal(draft, err)
		}
		ids := map[string][]int64{"conversation_id": {c.ID}, "message_id": {note}, "draft_id": {draft.ID}}
		kept := traces(d, ids)
		for _, where := range []string{"message_text.message_id", "edit_draft.message_id", "attachment.draft_id"} {
			if kept[where] != 1 {
				t.Errorf("%d in %s", kept[where], where)
			}
		}
		if _, err := d.Desk.Delete(d.Ctx, ann.Agent, c.ID, postroom.PathMenu); err != nil {
			t.Fatal(err)
		}
		d.Settle()
		if _, err := d.Desk.EmptyTrash(d.Ctx, ann.Agent, 0); err != nil {
			t.Fatal(err)
		}
		d.Pass(time.Minute)
		if left := traces(d, ids); len(left) > 0 {
			t.Errorf("left: %v", left)
		}
		erased, err := d.Store.Read().ErasedBlobs(d.Ctx, d.Store.Now(), 100)
		if err != nil || !strings.Contains(strings.Join(erased, " "), file.SHA256) {
			t.Errorf("the picture is not looked at for removal: %v, %v", erased, err)
		}
	})
}

// Two windows of one author save at once: one of them wins, whatever the
// engine makes of it, and the other is told.
func TestEditRace(t *testing.T) {
	t.Parallel()
	desktest.Each(t, func(t *testing.T, d *desktest.Desk) {
		ann := d.Agent("ann")
		c := d.CustomerWrites("Mara <mara@customer.example>", "Lamp", "Broken.")
		note := ann.AddNote(c, "Box 0.").MessageID
		var told []desk.Change
		lively := desk.New(desk.Options{Store: d.Store, Blobs: d.Blobs, Publish: func(c desk.Change) { told = append(told, c) }})
		if _, err := lively.EditMessage(d.Ctx, ann.Agent, desk.Edit{MessageID: note, Version: 1, HTML: "<p>Box 1.</p>", Path: postroom.PathMenu}); err != nil {
			t.Fatal(err)
		}
		if len(told) != 1 || told[0].ConversationID != c.ID || told[0].Kind != "conversation" || len(told[0].Folders) == 0 {
			t.Errorf("open pages are told %+v", told)
		}
		for round := int64(2); round < 12; round++ {
			errs := make(chan error, 2)
			for range 2 {
				go func() {
					_, err := edit(d, ann, note, round, "<p>Box "+strconv.FormatInt(d.ID(), 10)+".</p>")
					errs <- err
				}()
			}
			won, lost := 0, 0
			for range 2 {
				if err := <-errs; err == nil {
					won++
				} else if postroom.CodeOf(err) == postroom.Conflict {
					lost++
				} else {
					t.Fatal(err)
				}
			}
			if won != 1 || lost != 1 {
				t.Fatalf("round %d: %d won, %d were told", round, won, lost)
			}
		}
		former, err := d.Store.Read().FormerTexts(d.Ctx, note)
		if err != nil || len(former) != 11 {
			t.Errorf("%d former texts, %v", len(former), err)
		}
	})
}
