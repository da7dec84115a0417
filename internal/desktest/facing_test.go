package desktest_test

import (
	"context"
	"fmt"
	"log/slog"
	"regexp"
	"strings"
	"testing"
	"time"

	"postroom"
	"postroom/internal/db"
	"postroom/internal/dbtest"
	"postroom/internal/desktest"
	"postroom/internal/postoffice"
	"postroom/internal/wire/smtpin"
	"postroom/internal/workflow"
)

// facing is a desk of two that write to each other: what one sends by SMTP is
// handed in at the other by LMTP.
type facing struct {
	*desktest.Desk
	lmtp string
	way  way
	read int // letters that were carried over
}

// way is what software between two desks does to the mails of one.
type way int

const (
	plain  way = iota // nothing
	strips            // they lose what says that a machine sent them
	breaks            // that, and all by which an answer finds its conversation
)

// marks are the header fields by which a mail says that a machine sent it.
var marks = regexp.MustCompile(`(?mi)^(Auto-Submitted|X-Auto-Response-Suppress|Precedence|X-Postroom-[\w-]+|X-Loop):.*\r\n([ \t].*\r\n)*`)

// threads are what leads an answer to its conversation: the ids that it cites, and
// what stands in its text and in the address that it goes to.
var (
	threads = regexp.MustCompile(`(?mi)^(In-Reply-To|References):.*\r\n([ \t].*\r\n)*`)
	refs    = regexp.MustCompile(`\[ref:[^\]]*\]`)
	toField = regexp.MustCompile(`(?mi)^To:.*\r\n([ \t].*\r\n)*`)
	details = regexp.MustCompile(`\+[\w=\r\n-]+@`)
)

func face(t *testing.T, e db.Engine, clock *desktest.Clock, name, address string, way way) *facing {
	t.Helper()
	d := desktest.On(t, clock, dbtest.Options{Now: clock.Now, Unsafe: true}.Open(t, e))
	d.ChangeMailbox(d.Mailbox, func(m *postroom.Mailbox) { m.Name, m.Address = name, address })
	server, err := smtpin.Listen(smtpin.Options{Source: smtpin.LMTP, Addr: "127.0.0.1:0", Log: slog.New(slog.DiscardHandler)}, benchSink{d.Desk})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := server.Shutdown(context.Background()); err != nil {
			t.Error(err)
		}
	})
	return &facing{Desk: d, lmtp: server.Addr(), way: way}
}

// hand hands a mail in, as a mail server does that has looked whose it is.
func (f *facing) hand(from string, to []string, raw []byte) {
	f.T.Helper()
	_, domain, _ := strings.Cut(from, "@")
	raw = append([]byte("Authentication-Results: mx.acme.example; dmarc=pass header.from="+domain+"\r\n"), raw...)
	if got, err := postoffice.Deliver(f.Ctx, f.lmtp, from, to, raw); err != nil || !got.OK() {
		f.T.Fatalf("%v %v", got, err)
	}
}

// carry brings the mails that a desk has sent since to the other one.
func (f *facing) carry(to *facing) (n int) {
	f.T.Helper()
	letters := f.Office.Received()
	for _, l := range letters[f.read:] {
		head, body, _ := strings.Cut(string(l.Raw), "\r\n\r\n")
		head += "\r\n"
		if f.way >= strips {
			head = marks.ReplaceAllString(head, "")
		}
		if f.way == breaks {
			head, body = threads.ReplaceAllString(head, ""), refs.ReplaceAllString(body, "")
			head = toField.ReplaceAllStringFunc(head, func(f string) string { return details.ReplaceAllString(f, "@") })
			l.To = []string{details.ReplaceAllString(l.To[0], "@")}
		}
		to.hand(l.From, l.To, []byte(head+"\r\n"+body))
		n++
	}
	f.read = len(letters)
	return n
}

// mailed lists the automatic mails that went out, and the words on those that did
// not.
func (f *facing) mailed() (went []*postroom.Mail, words []string) {
	f.T.Helper()
	rows, err := f.DB.Reader().Query(f.Ctx, "select id from conversation order by number")
	if err != nil {
		f.T.Fatal(err)
	}
	defer rows.Close()
	for rows.Next() {
		var id int64
		if err := rows.Scan(&id); err != nil {
			f.T.Fatal(err)
		}
		for _, m := range f.Mails(id) {
			if m.Automatic && m.State == postroom.MailDone {
				went = append(went, m)
			}
		}
		for _, kind := range []postroom.EventKind{postroom.MailSkipped, postroom.MailSuppressed, postroom.MailQuarantined} {
			for _, e := range f.EventsOf(id, kind) {
				words = append(words, e.Payload.Words)
			}
		}
	}
	if err := rows.Err(); err != nil {
		f.T.Fatal(err)
	}
	return went, words
}

// facingDays is on how many days of the week somebody writes.
const facingDays = 3

// aWeek passes in steps of four hours; on its first days somebody of North writes.
// It returns when they did last.
func aWeek(t *testing.T, clock *desktest.Clock, acme, north *facing) (wrote int64) {
	t.Helper()
	for step := range 7 * 6 {
		if day := step / 6; step%6 == 0 && day < facingDays {
			wrote = clock.Now().UnixMilli()
			acme.hand("help@north.example", []string{"support@acme.example"}, []byte(strings.ReplaceAll(fmt.Sprintf(
				"From: North <help@north.example>\nTo: support@acme.example\nSubject: Order %d\nMessage-ID: <order-%d@north.example>\nDate: %s\n\nWhere is it?\n",
				day, day, clock.Now().Format(time.RFC1123Z)), "\n", "\r\n")))
		}
		for rounds := 0; ; rounds++ {
			acme.Settle()
			north.Settle()
			if acme.carry(north)+north.carry(acme) == 0 {
				break
			}
			if rounds > 100 {
				t.Fatal("they never come to rest")
			}
			clock.Advance(time.Second) // a mail takes its time
		}
		clock.Advance(4 * time.Hour)
	}
	return wrote
}

// checkAtRest holds the automatic mails of a desk against the limit of a day, and
// that there were none after the last day on which somebody wrote.
func (f *facing) checkAtRest(went []*postroom.Mail, wrote int64) {
	f.T.Helper()
	perDay := map[int64]int{}
	for _, m := range went {
		if m.CreatedAt > wrote+time.Hour.Milliseconds() {
			f.T.Errorf("a mail of %v, long after anybody wrote", time.UnixMilli(m.CreatedAt).UTC())
		}
		perDay[m.CreatedAt/dayMS]++
	}
	for day, n := range perDay {
		if n > 3 { // to one person, and there is only one
			f.T.Errorf("A6: %s sent %d automatic mails on day %d", f.Mailbox.Name, n, day)
		}
	}
}

// W12, W23, W29: two desks that answer each other's mails by themselves come to
// rest, whatever the software between them makes of their mails. Each day that
// somebody writes they exchange no more than the limits say, and then nothing any
// more; why not, stands on the conversation.
func TestTwoDesksFacingEachOther(t *testing.T) {
	t.Parallel()
	const limit, machine, stranger = "Skipped, limit: ", "it is no person's mail", "its sender is new"
	acknowledge := []workflow.Definition{on(postroom.ConversationCreated, reply("We have got it."))}
	every := []workflow.Definition{on(postroom.MessageReceived, reply("We have got it.")), on(postroom.MessageReceived, reply("We think about it."))}
	for _, v := range []struct {
		name        string
		flows       []workflow.Definition // of both; nil is the acknowledgement that a new desk has
		acme, north way                   // of the mails of each
		words       string                // on the conversations; none where nothing was to be sent
		went        int                   // automatic mails in the whole week
	}{
		{"the shipped acknowledgement", nil, plain, plain, "", 3},
		{"acknowledging", acknowledge, plain, plain, machine, 3},
		{"acknowledging, one strips", acknowledge, strips, plain, "", 6},
		{"acknowledging, both strip", acknowledge, strips, strips, "", 6},
		{"acknowledging, both break", acknowledge, breaks, breaks, limit, 6},
		{"answering everything", every, plain, plain, machine, 6},
		{"answering everything, one strips", every, strips, plain, machine, 12},
		{"answering everything, both strip", every, strips, strips, stranger, 12},
		{"answering everything, both break", every, breaks, breaks, limit, 12},
	} {
		for _, e := range []db.Engine{db.SQLite, db.Postgres} {
			if e == db.Postgres && (testing.Short() || v.north != breaks) {
				continue // the hardest one there
			}
			t.Run(fmt.Sprintf("%s/%s", v.name, e), func(t *testing.T) {
				t.Parallel()
				clock := &desktest.Clock{}
				clock.Set(time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC).UnixMilli())
				acme, north := face(t, e, clock, "Acme", "support@acme.example", v.acme), face(t, e, clock, "North", "help@north.example", v.north)
				for _, d := range []*facing{acme, north} {
					if v.flows == nil {
						d.Shipped(workflow.KeyAcknowledge)
					}
					for i, f := range v.flows {
						d.AddWorkflow(fmt.Sprintf("Workflow %d", i+1), f)
					}
				}
				wrote := aWeek(t, clock, acme, north)
				total, words := 0, []string(nil)
				for _, d := range []*facing{acme, north} {
					went, why := d.mailed()
					d.checkAtRest(went, wrote)
					total, words = total+len(went), append(words, why...)
				}
				if most := 2 * 3 * facingDays; total > most || total != v.went {
					t.Errorf("%d automatic mails in the week, not %d; at most %d", total, v.went, most)
				}
				if !strings.Contains(strings.Join(words, "\n"), v.words) {
					t.Errorf("nothing on the conversations says why they stopped: %q", words)
				}
				t.Logf("%d automatic mails; %d were not sent", total, len(words))
			})
		}
	}
}
