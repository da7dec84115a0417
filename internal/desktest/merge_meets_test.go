package desktest_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"postroom"
	"postroom/internal/desk"
	"postroom/internal/desktest"
	"postroom/internal/postoffice"
	"postroom/internal/query"
)

// What a customer says by the links of a mail is recorded where the conversation
// goes on: its assignee is told, and deleting that ends it (W6, T8).
func TestRatingOfAMerged(t *testing.T) {
	t.Parallel()
	desktest.Each(t, func(t *testing.T, d *desktest.Desk) {
		a, token := asked(t, d)
		ann := d.Agent("ann")
		b := d.CustomerWrites("Mara Lind <mara@customer.example>", "Chair", "Broken too.")
		ann.Assign(b, ann.ID)
		d.Must(rate(d, token, "good", ""))
		merge(d, a, b)
		d.Settle()
		ann.Read()
		d.Must(rate(d, token, "bad", "It broke again."))
		d.Settle()
		expect(t, "ratings of the one that ended", d.CountEvents(a.ID, postroom.RatingReceived), 1)
		expect(t, "ratings of the one that goes on", d.CountEvents(b.ID, postroom.RatingReceived), 1)
		expect(t, "rating", d.Conversation(b.ID).Rating, postroom.RatedBad)
		expectTold(t, d, "ann", "rated 2")
		p, err := d.Pages().Ratings(d.Ctx, ann.Agent, query.RatingsAsk{}, query.Place{})
		if err != nil || len(p.Rows) != 1 || p.Rows[0].Number != b.Number || p.Rows[0].Comment != "It broke again." || p.Total != 1 {
			t.Errorf("%+v, %v", p, err)
		}
		d.Must(second(d.Desk.Delete(d.Ctx, ann.Agent, b.ID, postroom.PathMenu)))
		if x, err := d.Desk.RatingAsk(d.Ctx, token); err != nil || !x.Gone {
			t.Errorf("after it was deleted: %+v, %v", x, err)
		}
		if err := rate(d, token, "okay", ""); postroom.CodeOf(err) != postroom.Conflict {
			t.Errorf("rated after it was deleted: %v", err)
		}
		d.CheckInvariants()
	})
}

// Team and fields come along where the other has none, a text as one of its own;
// undo takes them back and leaves no text behind, erasing reaches both; a team of
// which nobody answers there stays away.
func TestMergeTakesTeamAndFields(t *testing.T) {
	t.Parallel()
	desktest.Each(t, func(t *testing.T, d *desktest.Desk) {
		sales := d.AddMailbox("Sales", "sales@acme.example", nil)
		ann := d.Agent("ann")
		team := d.AddTeam("Second line", "ben")
		serial := d.AddField(postroom.Field{Key: "serial", Kind: postroom.FieldText})
		price := d.AddField(postroom.Field{Key: "price", Kind: postroom.FieldNumber})
		floor := d.AddField(postroom.Field{Key: "floor", Kind: postroom.FieldNumber})
		a := d.CustomerWrites("mara@customer.example", "Lamp", "Broken.")
		b := d.CustomerWrites("mara@customer.example", "Lamp again", "Broken.")
		far := d.CustomerWrites("mara@customer.example", "Offer", "Please.")
		d.Must(second(d.Desk.Move(d.Ctx, ann.Agent, far.ID, sales.ID, postroom.PathMenu)))
		toTeam(d, a, team.ID)
		ann.SetField(a, serial, "SN-77")
		ann.SetField(a, price, "10")
		ann.SetField(a, floor, "3")
		ann.SetField(b, price, "20")
		d.Settle()
		ofA := d.Conversation(a.ID).Fields[serial.Path()]
		texts := func(ids ...string) []string {
			var out []string
			for _, id := range ids {
				text, err := d.Store.Read().FieldText(d.Ctx, id)
				d.Must(err)
				out = append(out, text)
			}
			return out
		}

		d.UndoWindow(10 * time.Second)
		out := merge(d, a, b)
		now := d.Conversation(b.ID)
		ofB := now.Fields[serial.Path()]
		if now.TeamID != team.ID || now.Fields[price.Path()] != "20" || now.Fields[floor.Path()] != "3" || ofB == "" || ofB == ofA {
			t.Errorf("team %d, fields %v; the text in A is %s", now.TeamID, now.Fields, ofA)
		}
		expect(t, "the texts", strings.Join(texts(ofA, ofB), ","), "SN-77,SN-77")
		ann.Undo(out)
		if now := d.Conversation(b.ID); now.TeamID != 0 || len(now.Fields) != 1 || now.Fields[price.Path()] != "20" {
			t.Errorf("undone: team %d, fields %v", now.TeamID, now.Fields)
		}
		expect(t, "the texts after undo", strings.Join(texts(ofA, ofB), ","), "SN-77,")

		merge(d, a, b)
		ofB = d.Conversation(b.ID).Fields[serial.Path()]
		merge(d, b, far)
		d.Pass(time.Minute)
		last := d.Conversation(far.ID)
		if last.TeamID != 0 || last.Fields[floor.Path()] != "3" {
			t.Errorf("across mailboxes: team %d, fields %v", last.TeamID, last.Fields)
		}
		d.CheckInvariants()
		d.Must(second(d.Desk.Delete(d.Ctx, ann.Agent, far.ID, postroom.PathMenu)))
		d.Pass(time.Minute)
		d.Must(second(d.Desk.EmptyTrash(d.Ctx, ann.Agent, 0)))
		d.Settle()
		expect(t, "the texts after erasing", strings.Join(texts(ofA, ofB, last.Fields[serial.Path()]), ""), "")
		d.CheckInvariants()
	})
}

// What was told of a conversation that was merged is read where it goes on, also
// by a detour.
func TestMergedIsReadWhereItGoesOn(t *testing.T) {
	t.Parallel()
	desktest.Each(t, func(t *testing.T, d *desktest.Desk) {
		ann := d.Agent("ann")
		a := d.CustomerWrites("mara@customer.example", "Lamp", "Broken.")
		b := d.CustomerWrites("mara@customer.example", "Lamp again", "Broken.")
		c := d.CustomerWrites("mara@customer.example", "Once more", "Broken.")
		other := d.CustomerWrites("bob@customer.example", "Chair", "Broken.")
		d.Settle()
		merge(d, a, b)
		merge(d, b, c)
		d.Settle()
		d.Must(d.Desk.SeeConversation(d.Ctx, ann.Agent, c.Number, d.Conversation(c.ID).Seq+100))
		if told := ann.Told(); !slices.Equal(told, []string{"new 4"}) {
			t.Errorf("after the one that goes on was seen %s of %d is unread", told, other.Number)
		}
		d.SQL("update notification set read_at = 0 where agent_id = $1 and conversation_id = $2", ann.ID, a.ID)
		p, err := d.Pages().Conversation(d.Ctx, ann.Agent, query.ConversationAsk{Number: c.Number}, query.Place{})
		if err != nil || p.Unread == 0 {
			t.Fatalf("the page of the one that goes on has nothing to see: %v", err)
		}
		d.Must(d.Desk.SeeConversation(d.Ctx, ann.Agent, c.Number, p.Unread))
		if told := ann.Told(); !slices.Equal(told, []string{"new 4"}) {
			t.Errorf("unread: %s", told)
		}
	})
}

// A reply that left from a conversation and fails after that was merged: the
// notice behind it is cancelled, what goes on is reopened, what ended stays
// closed, and the customer gets neither of the two (W25, W28).
func TestReplyFailsAfterAMerge(t *testing.T) {
	t.Parallel()
	desktest.Each(t, func(t *testing.T, d *desktest.Desk) {
		d.ClosingNotice()
		ann := d.Agent("ann")
		a := d.CustomerWrites("mara@customer.example", "Lamp", "Broken.")
		b := d.CustomerWrites("mara@customer.example", "Chair", "Broken too.")
		c := d.CustomerWrites("mara@customer.example", "Table", "Broken as well.")
		for _, x := range []*postroom.Conversation{b, c} {
			ann.ReplyWithStatus(x, "We mend it.", postroom.Closed)
		}
		d.Settle()
		d.Arrived()
		d.Office.Program(postoffice.Fault{Phase: postoffice.Rcpt, Action: postoffice.Lie, Reply: "451 4.3.0 Later", Times: 1})
		ann.SendAndClose(a, "The answer.")
		d.Settle()
		merge(d, a, b)
		merge(d, b, c)
		expect(t, "the last one before", d.Conversation(c.ID).Status, postroom.Closed)
		d.Office.Program(postoffice.Fault{Phase: postoffice.Rcpt, Action: postoffice.Lie, Reply: "550 5.1.1 No such user", Times: 1})
		d.Pass(10 * time.Minute)
		d.ExpectMails()
		mails := d.Mails(a.ID)
		if len(mails) != 2 || mails[0].State != postroom.MailRefused || mails[1].State != postroom.MailUndone {
			t.Fatalf("%+v", mails)
		}
		for x, want := range map[*postroom.Conversation]postroom.Status{a: postroom.Closed, b: postroom.Closed, c: postroom.Active} {
			expect(t, "status of "+x.Subject, d.Conversation(x.ID).Status, want)
		}
		d.CheckInvariants()
	})
}

// A page of the one that ended still stands open: what is typed there grows at
// the end of the draft in the one that goes on, whose own words stay, also when
// it is sent; what was sent before does not come back.
func TestWordsTypedInAMergedStayApart(t *testing.T) {
	t.Parallel()
	desktest.Each(t, func(t *testing.T, d *desktest.Desk) {
		ann := d.Agent("ann")
		a := d.CustomerWrites("mara@customer.example", "Lamp", "Broken.")
		b := d.CustomerWrites("mara@customer.example", "Chair", "Broken too.")
		sent := &postroom.Draft{ConversationID: a.ID, Kind: postroom.Reply, HTML: "<p>Sent before</p>"}
		d.Must(d.Desk.SaveDraft(d.Ctx, ann.Agent, sent))
		ann.Publish(desk.Publish{ConversationID: a.ID, Draft: sent.ID, Kind: postroom.Reply, HTML: sent.HTML, Path: postroom.PathComposer})
		page := &postroom.Draft{ConversationID: a.ID, Kind: postroom.Reply, HTML: "<p>In A</p>"}
		d.Must(d.Desk.SaveDraft(d.Ctx, ann.Agent, page))
		d.Must(d.Desk.SaveDraft(d.Ctx, ann.Agent, &postroom.Draft{ConversationID: b.ID, Kind: postroom.Reply, HTML: "<p>In B</p>"}))
		d.Settle()
		merge(d, a, b)
		for _, html := range []string{"<p>In A too</p>", "<p>In A too, and more</p>", "<p>In A too, and more</p>"} {
			page.ConversationID, page.HTML = a.ID, html
			d.Must(d.Desk.SaveDraft(d.Ctx, ann.Agent, page))
		}
		last := "<p>In A too, and more.</p>"
		_, err := d.Desk.Publish(d.Ctx, ann.Agent, desk.Publish{ConversationID: a.ID, Draft: page.ID, Kind: postroom.Reply, HTML: last, Path: postroom.PathComposer})
		if postroom.CodeOf(err) != postroom.Conflict {
			t.Errorf("sent in what is merged: %v", err)
		}
		page.ConversationID, page.ID, page.HTML = a.ID, sent.ID, sent.HTML
		if err := d.Desk.SaveDraft(d.Ctx, ann.Agent, page); postroom.CodeOf(err) != postroom.Conflict {
			t.Errorf("saved what was sent: %v", err)
		}
		kept, err := d.Store.Read().DraftOfKind(d.Ctx, b.ID, ann.ID, postroom.Reply)
		d.Must(err)
		if want := "<p>In B</p><p></p>" + last; kept.HTML != want {
			t.Errorf("the draft is %s, want %s", kept.HTML, want)
		}
	})
}

// Who wrote in a conversation of another customer and was not let take part there
// is not let by a merge: nothing is addressed to them (T9).
func TestMergeLetsNobodyIn(t *testing.T) {
	t.Parallel()
	desktest.Each(t, func(t *testing.T, d *desktest.Desk) {
		b := d.CustomerWrites("Bob <bob@bobs.example>", "Chair", "Broken.")
		d.Pass(time.Minute)
		stray := d.Raw(desktest.Letter{From: "Mara <mara@customer.example>", InReplyTo: "letter-1@customer.example", Subject: "Re: Chair", Body: "Mine too."})
		if got := d.Receive("mara@customer.example", d.Mailbox.Address, stray); got.ID != b.ID {
			t.Fatalf("the stranger's letter came to %d", got.Number)
		}
		d.Pass(time.Minute)
		a := d.CustomerWrites("Mara <mara@customer.example>", "Lamp", "Broken.")
		d.UndoWindow(10 * time.Second)
		out := merge(d, a, b)
		for range 2 {
			last, err := d.Store.Read().LastConfirmed(d.Ctx, b.ID)
			if err != nil || last == nil || last.From.Address != "bob@bobs.example" {
				t.Errorf("an answer would go to %+v, %v", last, err)
			}
			if out.ActID != 0 {
				d.Agent("ann").Undo(out)
				out.ActID = 0
			}
		}
		if last, err := d.Store.Read().LastConfirmed(d.Ctx, a.ID); err != nil || last == nil {
			t.Errorf("undone, an answer in A would go to nobody: %v", err)
		}
	})
}
