package prove_test

import (
	"bytes"
	"context"
	"fmt"
	"net/mail"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"postroom"
	"postroom/internal/db"
	"postroom/internal/postoffice"
)

// eachEngine runs a proof on SQLite and on PostgreSQL.
func eachEngine(t *testing.T, f func(*testing.T, db.Engine)) {
	t.Helper()
	for _, e := range []db.Engine{db.SQLite, db.Postgres} {
		t.Run(string(e), func(t *testing.T) {
			t.Parallel()
			f(t, e)
		})
	}
}

// elsewhere is a new machine: an empty place whose program believes the same
// office.
func elsewhere(t *testing.T, e db.Engine, office *postoffice.Office) *place {
	t.Helper()
	p := newPlace(t, e)
	ca := filepath.Join(p.dir, "ca.pem")
	if err := os.WriteFile(ca, office.CAPEM(), 0o600); err != nil {
		t.Fatal(err)
	}
	p.set("MAIL_CA", ca)
	return p
}

// A desk that is lost goes on from its backup on another machine: answers find
// their conversation by the token alone, passwords of mailboxes can be read,
// and what the lost desk may have sent after the backup does not go out again
// by itself.
func TestRestoredDeskGoesOn(t *testing.T) {
	t.Parallel()
	eachEngine(t, func(t *testing.T, e db.Engine) {
		p, s, office, b := openDesk(t, e)
		p.mustHand("Case kept", letter("Case kept", "Hello."))
		b.sendAndClose(t, "Case kept")
		bothArrive(t, office, "Case kept")
		// One more waits for its server when the backup is made, and goes out after it.
		office.Program(postoffice.Fault{Phase: postoffice.Rcpt, Edge: postoffice.Before, Action: postoffice.Lie, Reply: "451 4.3.0 later"})
		p.mustHand("Case waiting", letter("Case waiting", "Hello."))
		b.sendAndClose(t, "Case waiting")
		within(t, 30*time.Second, "the mail is put off", func(ctx context.Context) error {
			_, body, err := b.get(ctx, "/queue")
			if err == nil && !strings.Contains(body, "later") {
				err = errNotYet
			}
			return err
		})
		backups := filepath.Join(p.dir, "backups")
		p.must("", "backup", backups)
		p.must("", "backup", backups, "--keep", "1") // the files are there already
		s.kill()
		office.ClearFaults()

		next := elsewhere(t, e, office)
		next.must("", "restore", backups)
		if a := next.call("", "restore", backups); a.code == 0 {
			t.Error("a second restore goes over the first")
		}
		running := next.start()
		nb := next.signedIn(t)
		if got := len(office.For(customerOf("Case waiting"))); got != 0 {
			t.Errorf("%d mails that waited were sent again", got)
		}
		if _, body, err := nb.get(t.Context(), "/mails?state=quarantined"); err != nil || !strings.Contains(body, "Case waiting") {
			t.Errorf("the mail that waited is not held back: %v", err)
		}

		// The customer answers to the token's address from a program that keeps no ids.
		reply, err := mail.ReadMessage(bytes.NewReader(office.For(customerOf("Case kept"))[0].Raw))
		if err != nil {
			t.Fatal(err)
		}
		to := reply.Header.Get("Reply-To")
		if !strings.Contains(to, "+") {
			t.Fatalf("no token address in Reply-To %q", to)
		}
		raw := fmt.Appendf(nil, "From: Mara Lind <%s>\r\nTo: %s\r\nSubject: Something else\r\nMessage-ID: <new@customer.example>\r\n\r\nThank you from afar.\r\n", customerOf("Case kept"), to)
		address, err := mail.ParseAddress(to)
		if err != nil {
			t.Fatal(err)
		}
		if answers, err := postoffice.Deliver(t.Context(), next.lmtp(), customerOf("Case kept"), []string{address.Address}, raw); err != nil || !answers.OK() {
			t.Fatalf("hand in the answer: %v %v", answers, err)
		}
		nb.sendAndClose(t, "Case kept") // it is open again: waits until it is shown
		within(t, 60*time.Second, "the restored desk sends", func(context.Context) error {
			if len(office.For(customerOf("Case kept"))) < 4 {
				return errNotYet
			}
			return nil
		})
		next.stopClean(running)
		st, _ := next.open(t)
		leapt := 0
		for _, m := range mailsOf(t.Context(), t, st) {
			if m.Subject == "Re: Case waiting" && m.State != postroom.MailKept {
				t.Errorf("%s is %s: %s", m.Subject, m.State, m.Words)
			}
			if m.State == postroom.MailDone && m.ID > 1_000_000_000 {
				leapt++
			}
		}
		if leapt != 2 {
			t.Errorf("%d mails have ids that the lost desk cannot have given, want 2", leapt)
		}
		invariants(t.Context(), t, st)
	})
}
