package prove_test

import (
	"bufio"
	"context"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"postroom"
	"postroom/internal/db"
	"postroom/internal/postoffice"
)

// TestOneOfTwoKilled is TestKilledAtEveryStep with two processes on one
// PostgreSQL, of which one at a time is killed: customers and the agent use
// whichever answers. Nobody waits for a lease, which is ten minutes here.
func TestOneOfTwoKilled(t *testing.T) {
	t.Parallel()
	p := plan{conversations: 12, hits: 1, random: 4, patience: 4 * time.Minute}
	if soak() {
		p = plan{conversations: 200, hits: 5, random: 100, patience: 40 * time.Minute}
	}
	first := newPlace(t, db.Postgres)
	besiege(t, p, first, first.twin())
}

// pair is two processes of one desk, with Ann at both.
func pair(t *testing.T) (office *postoffice.Office, a, b *node) {
	t.Helper()
	place := newPlace(t, db.Postgres)
	office = newOffice(t)
	place.furnish(office)
	a, b = &node{place: place, name: "desk.prove.example"}, &node{place: place.twin(), name: "twin.prove.example"}
	for _, n := range []*node{a, b} {
		n.process = n.place.start()
		n.agent = n.place.signedIn(t)
	}
	a.agent.switchOff(t, "Acknowledge a new conversation")
	return office, a, b
}

// The mail that a process is sending when it is killed goes on at once by the
// other one, and so does what waits behind it.
func TestOtherProcessTakesOverAtOnce(t *testing.T) {
	t.Parallel()
	office, a, b := pair(t)
	caught := make(chan string, 1)
	office.Program(postoffice.Fault{Phase: postoffice.Mail, Action: postoffice.Stall, Times: 1, Match: postoffice.Match{Func: func(e postoffice.Event) bool {
		select {
		case caught <- e.HELO:
		default:
		}
		return true
	}}})
	a.place.mustHand("Case one", letter("Case one", "Please help."))
	b.agent.sendAndClose(t, "Case one")
	dead, alive := a, b
	if <-caught == b.name {
		dead, alive = b, a
	}
	dead.process.kill()
	office.Release()
	bothArrive(t, office, "Case one")
	alive.place.mustHand("Case two", letter("Case two", "Me too."))
	alive.agent.sendAndClose(t, "Case two")
	bothArrive(t, office, "Case two")
	alive.place.stopClean(alive.process)
	st, _ := alive.place.open(t)
	for _, m := range mailsOf(t.Context(), t, st) {
		if m.State != postroom.MailDone || m.Resent {
			t.Errorf("mail %d is %s, resent %v: %s", m.ID, m.State, m.Resent, m.Words)
		}
	}
	invariants(t.Context(), t, st)
}

// A page that is open at one process hears what the other one does.
func TestPagesHearTheOtherProcess(t *testing.T) {
	t.Parallel()
	_, a, b := pair(t)
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://localhost/events", nil)
	if err != nil {
		t.Fatal(err)
	}
	stream, err := b.agent.client.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer stream.Body.Close()
	a.place.mustHand("Case one", letter("Case one", "Please help."))
	number := a.agent.shown(t, "Case one")
	hear(t, stream, "conversation "+number)
	a.agent.sendAndClose(t, "Case one")
	hear(t, stream, "conversation "+number)
	hear(t, stream, "mails")
	status, page, err := b.agent.get(ctx, "/conversations/"+number)
	if err != nil || status != http.StatusOK || !strings.Contains(page, answerTo("Case one")) {
		t.Errorf("the page at the other process lacks the answer: %d %v", status, err)
	}
	for _, n := range []*node{a, b} {
		cancel()
		n.place.stopClean(n.process)
	}
}

// hear reads a stream of changes until a key comes.
func hear(t *testing.T, stream *http.Response, key string) {
	t.Helper()
	lines := bufio.NewScanner(stream.Body)
	for lines.Scan() {
		if lines.Text() == "data: "+key {
			return
		}
	}
	t.Fatalf("the page did not hear %q: %v", key, lines.Err())
}

// Both together have no more connections to a mailbox's server than it may
// have.
func TestConnectionsOfBothProcesses(t *testing.T) {
	t.Parallel()
	const most, mails = 2, 8
	office, a, b := pair(t)
	a.place.must("", "mailbox", "set", mailbox, "--connections", fmt.Sprint(most))
	for i := range mails {
		subject := fmt.Sprintf("Case %d", i)
		a.place.mustHand(subject, letter(subject, "Please help."))
		a.agent.shown(t, subject)
	}
	under := make(chan int, 100)
	office.Program(postoffice.Fault{Phase: postoffice.Mail, Action: postoffice.Stall, Times: most, Match: postoffice.Match{Func: func(e postoffice.Event) bool {
		under <- e.Session
		return true
	}}})
	for i := range mails {
		[]*node{a, b}[i%2].agent.sendAndClose(t, fmt.Sprintf("Case %d", i))
	}
	sessions := map[int]bool{}
	for len(sessions) < most {
		sessions[<-under] = true
	}
	st, shut := a.place.open(t)
	boxes, err := st.Read().Mailboxes(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if n, err := st.Connections(t.Context(), boxes[0].ID); err != nil || n != most {
		t.Errorf("%d connections are counted, not %d: %v", n, most, err)
	}
	shut()
	select {
	case n := <-under:
		t.Errorf("session %d came while %d were open", n, most)
	default:
	}
	office.Release()
	for i := range mails {
		bothArrive(t, office, fmt.Sprintf("Case %d", i))
	}
	for _, n := range []*node{a, b} {
		n.place.stopClean(n.process)
	}
}

// A process whose files are other ones than the desk's refuses to start.
func TestProcessWithOtherFilesRefusesToStart(t *testing.T) {
	t.Parallel()
	place := newPlace(t, db.Postgres)
	place.furnish(newOffice(t))
	s := place.start()
	other := place.twin()
	other.set("BLOBS", other.dir+"/blobs")
	oneSentence(t, other.call("", "serve"), 1, "does not hold the files", "blobs")
	key := place.twin()
	key.set("KEY_FILE", key.dir+"/key")
	oneSentence(t, key.call("", "serve"), 1, "key", "not the one")
	place.stopClean(s)
}
