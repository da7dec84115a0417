package prove_test

import (
	"context"
	"net/http"
	"strings"
	"testing"
	"time"

	"postroom"
	"postroom/internal/dbtest"
	"postroom/internal/postoffice"
)

// PostgreSQL goes away in the middle of a mail and comes back: pages and the
// health page say so meanwhile, mail is refused for now, and afterwards
// everything goes on by itself, with nothing lost and nothing twice.
func TestDatabaseGoneAndBack(t *testing.T) {
	t.Parallel()
	server, url := dbtest.Private(t)
	p := newPlaceOn(t, url)
	office := newOffice(t)
	p.furnish(office)
	s := p.start()
	b := p.signedIn(t)
	b.switchOff(t, "Acknowledge a new conversation")
	p.mustHand("Case one", letter("Case one", "Before."))
	b.sendAndClose(t, "Case one")
	bothArrive(t, office, "Case one")

	// The office takes the reply and says so; the database is gone by then.
	release := make(chan struct{})
	office.Program(postoffice.Fault{Phase: postoffice.Answer, Action: postoffice.Stall, Until: release, Times: 1})
	p.mustHand("Case two", letter("Case two", "In the middle."))
	b.sendAndClose(t, "Case two")
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	if _, err := office.WaitFor(ctx, customerOf("Case two"), 1); err != nil {
		t.Fatal(err)
	}
	server.Stop()
	close(release)

	within(t, 20*time.Second, "the health page says that the database is gone", func(ctx context.Context) error {
		status, body, err := b.get(ctx, "/healthz")
		if err == nil && (status != http.StatusServiceUnavailable || !strings.Contains(body, "database")) {
			err = errNotYet
		}
		return err
	})
	if status, body, err := b.get(t.Context(), "/folders/unassigned"); err != nil || status != http.StatusServiceUnavailable || strings.Contains(body, "goroutine") {
		t.Errorf("a page without a database: %d %v %.300s", status, err, body)
	}
	answers, err := p.hand(t.Context(), "Case lost", letter("Case lost", "Meanwhile."))
	if err == nil && (answers.OK() || answers[0].Code/100 != 4) {
		t.Errorf("mail without a database was answered %v", answers)
	}
	if s.dead() {
		t.Fatalf("the program ended: %s", p.logTail(5))
	}
	server.Start(t)
	if err := p.answers(s); err != nil {
		t.Fatalf("after the database came back: %v", err)
	}
	bothArrive(t, office, "Case two")
	p.mustHand("Case three", letter("Case three", "After."))
	b.sendAndClose(t, "Case three")
	bothArrive(t, office, "Case three")
	p.stopClean(s)

	st, _ := p.open(t)
	for _, m := range mailsOf(t.Context(), t, st) {
		if m.State != postroom.MailDone || m.Resent {
			t.Errorf("mail %d is %s, resent %v: %s", m.ID, m.State, m.Resent, m.Words)
		}
	}
	invariants(t.Context(), t, st)
}
