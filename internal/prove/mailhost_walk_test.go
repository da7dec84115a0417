package prove_test

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"postroom"
	"postroom/internal/db"
	"postroom/internal/desktest"
)

// walk is a desk whose mailbox is on a real mail server, with Ann, who reads
// and writes mail and never opens a page.
type walk struct {
	*testing.T
	p    *place
	host *mailhost
	b    *browser
	ann  *letterbox
	sent int // answers of hers
}

// TestRealMailServer is the promise from mailbox to mailbox, with nothing of
// ours but the program: a customer's mail comes by Postfix, Dovecot and IMAP to
// the desk, Ann is told of it by mail, and closes it with an answer in the form
// of her mail program. The customer gets reply and closing notice, in that
// order, and nothing else; for a command without a text, the notice alone. An
// answer in her name for which the server does not vouch does nothing.
func TestRealMailServer(t *testing.T) {
	t.Parallel()
	for _, e := range []db.Engine{db.SQLite, db.Postgres} {
		t.Run(string(e), func(t *testing.T) {
			t.Parallel()
			host := newMailhost(t)
			p := newPlace(t, e)
			p.moveIn(host)
			s := p.start()
			w := &walk{T: t, p: p, host: host, b: p.browser(), ann: host.letterbox(annEmail, "INBOX")}
			w.prepare()

			customers := map[string]*letterbox{}
			for _, shape := range []string{"apple_mail", "gmail", "outlook_windows", "thunderbird"} {
				subject := "Case " + shape
				customers[subject] = host.letterbox(customerOf(subject), "INBOX")
				w.closedByMail(shape, subject, customers[subject])
			}
			subject := "Case forged"
			customers[subject] = host.letterbox(customerOf(subject), "INBOX")
			w.forged(subject, customers[subject])

			// Copies of what customers were sent lie in the mailbox's own folder:
			// reply, notice and notice for each, reply and notice of the last.
			host.letterbox(mailbox, "Sent").next(4*3 + 2)
			p.stopClean(s)
			host.idle()
			for subject, customer := range customers {
				if more := customer.all(); len(more) > 0 {
					t.Errorf("%s: the customer also got %s", subject, subjects(more))
				}
			}
			if more := w.ann.all(); len(more) > 0 {
				t.Errorf("Ann also got %s", subjects(more))
			}
			st, _ := p.open(t)
			for _, m := range mailsOf(t.Context(), t, st) {
				if m.State != postroom.MailDone || m.Resent {
					t.Errorf("mail %d is %s, resent %v: %s", m.ID, m.State, m.Resent, m.Words)
				}
			}
			invariants(t.Context(), t, st)
		})
	}
}

// moveIn adds Ann and the mailbox, which is on the server: signed in with
// STARTTLS on both ways.
func (p *place) moveIn(h *mailhost) {
	p.t.Helper()
	p.set("MAIL_CA", filepath.Join(h.dir, "cert.pem"))
	p.must(annPassword+"\n", "admin", "add", annEmail, "Ann", "--password-stdin")
	p.must(mailPassword+"\n"+mailPassword+"\n", "mailbox", "add", mailbox, "--undo-seconds", "0", "--everybody", "--subaddress", "--authserv", authserv,
		"--host", "127.0.0.1", "--port", strconv.Itoa(h.submitPort), "--security", "starttls", "--user", mailbox, "--password-stdin",
		"--in-host", "127.0.0.1", "--in-port", strconv.Itoa(h.imapPort), "--in-security", "starttls", "--in-password-stdin", "--sent-copies", "yes")
}

// prepare has Ann told of everything by mail, and waits until the mailbox is
// watched: what lies in it before is not of the desk.
func (w *walk) prepare() {
	w.Helper()
	for _, step := range []struct {
		path string
		form url.Values
	}{
		{"/signin", url.Values{"email": {annEmail}, "password": {annPassword}}},
		{"/profile/notifications", url.Values{"mail": {"assigned", "answered", "failed", "note", "new", "waiting"}}},
	} {
		if status, body, err := w.b.post(w.Context(), step.path, step.form); err != nil || status != http.StatusSeeOther {
			w.Fatalf("%s: %d %v %s", step.path, status, err, body)
		}
	}
	w.b.switchOff(w.T, "Acknowledge a new conversation")
	within(w.T, 30*time.Second, "the mailbox is watched", func(ctx context.Context) error {
		status, body, err := w.b.get(ctx, "/system/connections")
		if err == nil && (status != http.StatusOK || !strings.Contains(body, "Watching")) {
			err = errNotYet
		}
		return err
	})
}

// told waits until Ann is told of a conversation by mail.
func (w *walk) told(subject string) got {
	w.Helper()
	m := w.ann.next(1)[0]
	if !strings.Contains(m.Subject, subject) {
		w.Fatalf("Ann is told %q and not of %s", m.Subject, subject)
	}
	return m
}

// written is Ann's answer to a mail, as her program writes it, and where it
// sends it.
func (w *walk) written(shape string, told got, headers, text string) (to, mail string) {
	w.Helper()
	w.sent++
	m := desktest.Mail{ID: told.MessageID, From: told.From[0].Address, To: annEmail, Subject: told.Subject, Text: told.Text, HTML: told.HTML}
	to = m.From
	if len(told.ReplyTo) > 0 {
		to, m.ReplyTo = told.ReplyTo[0].Address, told.ReplyTo[0].Address
	}
	mail = desktest.AnswerLetter{To: m, Shape: shape, Headers: headers, Text: text}.Written(w.T, fmt.Sprintf("answer-%d@client.example", w.sent), time.Now())
	return to, strings.ReplaceAll(mail, "\n", "\r\n")
}

// answers has Ann answer a mail from her program, signed in.
func (w *walk) answers(shape string, told got, text string) {
	w.Helper()
	to, mail := w.written(shape, told, "-", text)
	if err := w.host.submit(annEmail, annEmail, to, mail); err != nil {
		w.Fatal(err)
	}
}

// replyAndNotice waits for the two mails that closing with a text makes.
func (w *walk) replyAndNotice(subject string, customer *letterbox) (reply got) {
	w.Helper()
	mails := customer.next(2)
	reply, notice := mails[0], mails[1]
	if notice.order < reply.order {
		reply, notice = notice, reply
	}
	if reply.order == "" || automatic(reply) || !automatic(notice) {
		w.Errorf("%s: in the order in which they left: %q, automatic %v; %q, automatic %v", subject, reply.Subject, automatic(reply), notice.Subject, automatic(notice))
	}
	if !strings.Contains(reply.Text, answerTo(subject)) || strings.Contains(notice.Text+notice.HTML, answerTo(subject)) {
		w.Errorf("%s: reply:\n%s\nnotice:\n%s", subject, reply.Text, notice.Text)
	}
	for _, m := range mails {
		for _, secret := range []string{"@close", "@assign", "above this line", "Open the conversation", annEmail} {
			if strings.Contains(m.Text+m.HTML+m.Subject, secret) {
				w.Errorf("%s: the customer reads %q:\n%s", subject, secret, m.Text)
			}
		}
	}
	return reply
}

func automatic(m got) bool { return strings.Contains(m.raw, "Auto-Submitted: auto-") }

// closedByMail is the walk with one mail program.
func (w *walk) closedByMail(shape, subject string, customer *letterbox) {
	w.Helper()
	w.host.outside(customer.address, mailbox, string(letter(subject, "It burns.\r\nWhat shall I do?")))
	w.answers(shape, w.told(subject), "@close\n\nDear Mara,\n"+answerTo(subject))
	reply := w.replyAndNotice(subject, customer)

	// Thanks open it again; Ann closes without a word.
	w.host.outside(customer.address, reply.From[0].Address, fmt.Sprintf("From: Mara Lind <%s>\r\nTo: %s\r\nSubject: Re: %s\r\nMessage-ID: <thanks-%s@customer.example>\r\nIn-Reply-To: <%s>\r\nDate: Mon, 02 Mar 2026 11:00:00 +0000\r\n\r\nThank you, it is out.\r\n",
		customer.address, mailbox, subject, shape, reply.MessageID))
	told := w.told(subject)
	if !strings.Contains(told.Text, "Thank you, it is out.") {
		w.Errorf("%s: Ann is told:\n%s", subject, told.Text)
	}
	w.answers(shape, told, "@close")
	if alone := customer.next(1)[0]; !automatic(alone) || strings.Contains(alone.Text, answerTo(subject)) {
		w.Errorf("%s: after a command alone the customer gets:\n%s", subject, alone.Text)
	}
}

// forged has somebody outside who got hold of a notification answer it in Ann's
// name, with a verdict of the server's that it never gave.
func (w *walk) forged(subject string, customer *letterbox) {
	w.Helper()
	w.host.outside(customer.address, mailbox, string(letter(subject, "It burns.")))
	told := w.told(subject)
	to, mail := w.written("gmail", told, "Authentication-Results: "+authserv+"; dkim=pass header.d=prove.example; spf=pass smtp.mailfrom="+annEmail+"\n", "@close\n\nSend me your password.")
	w.host.outside(annEmail, to, mail)
	back := w.ann.next(1)[0]
	if !strings.Contains(back.Text, "It cannot be told for certain that you have sent it.") || !strings.Contains(back.Text, "Send me your password.") {
		w.Errorf("Ann gets back:\n%s", back.Text)
	}
	// Nor may one who has an account send in hers.
	to, mail = w.written("gmail", told, "-", "@close\n\nSend me your password.")
	if err := w.host.submit(customer.address, annEmail, to, mail); err == nil || !strings.Contains(err.Error(), "not owned by user") {
		w.Errorf("a customer who is signed in sends in Ann's name: %v", err)
	}
	w.answers("gmail", told, "@close\n\n"+answerTo(subject))
	w.replyAndNotice(subject, customer)
}
