package desktest_test

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"postroom"
	"postroom/internal/desktest"
	"postroom/internal/postoffice"
	"postroom/internal/query"
	"postroom/internal/store"
)

// errandOf returns the only errand of a kind for a mail; nil for none.
func errandOf(d *desktest.Desk, m *postroom.Mail, kind string) *store.SentErrand {
	d.T.Helper()
	all, err := d.Store.Read().SentErrands(d.Ctx, m.ID)
	d.Must(err)
	for _, e := range all {
		if e.Kind == kind {
			return &e
		}
	}
	return nil
}

// TestSentCopies puts a copy of each accepted mail into the folder for sent
// mail, the very bytes that were sent, once, whatever happens to an answer; and
// nothing that happens there touches the mail (R10).
func TestSentCopies(t *testing.T) {
	t.Parallel()
	desktest.Each(t, func(t *testing.T, d *desktest.Desk) {
		d.ClosingNotice()
		d.FetchesBy(func(in *postroom.Incoming) { in.Copies = postroom.CopiesAuto })
		c := d.CustomerWrites("Mara <mara@customer.example>", "A light", "It is dark.")
		d.Agent("ann").SendAndClose(c, "It is the plug.")
		d.Settle()
		sent := d.ExpectMails("It is the plug.", "auto:")
		copies := d.Office.Folder(d.Mailbox.Address, "Sent")
		if len(copies) != 2 {
			t.Fatalf("%d copies", len(copies))
		}
		for i, k := range copies {
			if !bytes.Equal(k.Raw, sent[i].Raw) || !k.Seen {
				t.Errorf("copy %d is not what was sent, or not marked as read", i)
			}
		}
		m := d.Mails(c.ID)[0]
		if e := errandOf(d, m, store.SentCopy); e == nil || e.State != store.ErrandDone || e.UID != 1 || e.UIDValidity == 0 || e.Words != "A copy was put into the folder “Sent”." {
			t.Errorf("errand %+v", e)
		}

		page, err := query.New(query.Options{Store: d.Store, Blobs: d.Blobs}).Journey(d.Ctx, d.Agent("ann").Agent, m.ID, query.Place{})
		d.Must(err)
		if last := page.Steps[len(page.Steps)-1]; last.Title != "Copy in the folder for sent mail" || last.State != "ok" || last.Words != "A copy was put into the folder “Sent”." {
			t.Errorf("the journey ends with %+v", last)
		}

		// The answer to APPEND is lost: another connection finds the copy.
		d.Office.ProgramIMAP(postoffice.IMAPFault{Command: postoffice.IMAPAppend, After: true, Times: 1})
		c = d.CustomerWrites("Mara <mara@customer.example>", "Another", "It is dark again.")
		d.Agent("ann").Reply(c, "The plug, once more.")
		d.Settle()
		d.ExpectMails("The plug, once more.")
		m = d.Mails(c.ID)[0]
		if e := errandOf(d, m, store.SentCopy); e.State != store.ErrandDone || !strings.Contains(e.Words, "lies in the folder “Sent” already") || len(d.Office.Folder(d.Mailbox.Address, "Sent")) != 3 {
			t.Errorf("errand %+v", e)
		}

		// The folder is full for good: the mail stays accepted and is not sent
		// again, and the journey says why there is no copy.
		d.Office.ProgramIMAP(postoffice.IMAPFault{Command: postoffice.IMAPAppend, Refuse: "[OVERQUOTA] The mailbox is full"})
		d.Agent("ann").Reply(d.Conversation(c.ID), "And again.")
		d.Settle()
		for range 8 {
			d.Pass(13 * time.Hour)
		}
		d.ExpectMails("And again.")
		m = d.Mails(c.ID)[1]
		if e := errandOf(d, m, store.SentCopy); e.State != store.ErrandFailed || !strings.Contains(e.Words, "does not take a copy: “NO [OVERQUOTA] The mailbox is full”") || m.State != postroom.MailDone {
			t.Errorf("mail %s, errand %+v", m.State, e)
		}
	})
}

// TestWhoKeepsCopies asks for none where the provider keeps one, or the mailbox
// says no.
func TestWhoKeepsCopies(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		in   postroom.Incoming
		by   string
		want bool
	}{
		{postroom.Incoming{On: true, Host: "imap.own.example", Copies: postroom.CopiesAuto}, "smtp.own.example", true},
		{postroom.Incoming{On: true, Host: "imap.gmail.com", Copies: postroom.CopiesAuto}, "smtp.gmail.com", false},
		{postroom.Incoming{On: true, Host: "IMAP.Gmail.com.", Copies: postroom.CopiesAuto}, "smtp-relay.gmail.com", false},
		{postroom.Incoming{On: true, Host: "outlook.office365.com", Copies: postroom.CopiesAuto}, "smtp.office365.com", false},
		{postroom.Incoming{On: true, Host: "imap.gmail.com", Copies: postroom.CopiesAuto}, "email-smtp.eu-central-1.amazonaws.com", true},
		{postroom.Incoming{On: true, Host: "notgmail.com", Copies: postroom.CopiesAuto}, "notgmail.com", true},
		{postroom.Incoming{On: true, Host: "imap.gmail.com", Copies: postroom.CopiesYes}, "smtp.gmail.com", true},
		{postroom.Incoming{On: true, Host: "imap.own.example", Copies: postroom.CopiesNo}, "", false},
		{postroom.Incoming{Host: "imap.own.example", Copies: postroom.CopiesYes}, "", false},
	} {
		if got := c.in.Copy(c.by); got != c.want {
			t.Errorf("%+v by %s: %v", c.in, c.by, got)
		}
	}
}

// TestEvidenceInSent finds an uncertain mail in the folder for sent mail, where
// a provider puts what it has taken: it is accepted, and nothing is sent twice
// (R6). One that is not there goes its way.
func TestEvidenceInSent(t *testing.T) {
	t.Parallel()
	desktest.Each(t, func(t *testing.T, d *desktest.Desk) {
		d.FetchesBy(nil)
		fault := d.Office.Program(postoffice.Fault{Phase: postoffice.Answer, Action: postoffice.Cut})
		c := d.CustomerWrites("Mara <mara@customer.example>", "A light", "It is dark.")
		d.Agent("ann").Reply(c, "It is the plug.")
		d.Settle()
		sent := d.ExpectMails("It is the plug.")
		if m := d.Mails(c.ID)[0]; m.State != postroom.MailUnsure {
			t.Fatalf("the mail is %s", m.State)
		}
		fault.Remove()
		d.Pass(2 * time.Minute)
		if e := errandOf(d, d.Mails(c.ID)[0], store.SentLook); e.State != store.ErrandWaiting || e.Tries != 1 {
			t.Errorf("errand %+v", e)
		}
		d.Must(d.Office.Put(d.Mailbox.Address, "Sent", sent[0].Raw, d.Clock.Now()))
		d.Pass(4 * time.Minute)
		m := d.Mails(c.ID)[0]
		if m.State != postroom.MailDone || m.Words != "The server has it in the folder “Sent”: it was handed over." {
			t.Errorf("the mail is %s: %s", m.State, m.Words)
		}
		d.Pass(time.Hour)
		d.ExpectMails()

		d.Office.Program(postoffice.Fault{Phase: postoffice.Dot, Action: postoffice.Cut, Times: 1})
		d.Agent("ann").Reply(d.Conversation(c.ID), "Is it?")
		d.Settle()
		for range 20 {
			d.Pass(time.Minute)
		}
		d.ExpectMails("Is it?") // sent once more after the grace
		if e := errandOf(d, d.Mails(c.ID)[1], store.SentLook); e.State == store.ErrandWaiting {
			t.Errorf("it is still looked for: %+v", e)
		}
	})
}
