package prove_test

import (
	"bytes"
	"cmp"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"postroom"
	"postroom/internal/db"
	"postroom/internal/postoffice"
	"postroom/internal/store"
)

// quiet lets the desk run until every mail has ended, stops it and opens its
// database.
func (s *siege) quiet(ctx context.Context) *store.Store {
	s.t.Helper()
	for {
		for _, n := range s.nodes {
			n.place.stopClean(n.process)
		}
		st, shut := s.nodes[0].place.open(s.t)
		open := openMails(ctx, s.t, st)
		if len(open) == 0 {
			return st
		}
		shut()
		if ctx.Err() != nil {
			s.t.Fatalf("%d mails never end: %v", len(open), open)
		}
		for _, n := range s.nodes {
			s.up(n)
		}
		select {
		case <-time.After(1500 * time.Millisecond): // the grace of the uncertain ones
		case <-s.nodes[0].process.done:
			s.t.Fatalf("the program ended by itself: %s", s.nodes[0].place.logTail(10))
		}
	}
}

// open opens the database of a desk that does not run; shut closes it before
// the end of the test.
func (p *place) open(t testing.TB) (st *store.Store, shut func()) {
	t.Helper()
	d, err := db.Open(t.Context(), db.Options{URL: p.databaseURL(), Conns: 4, NoBackup: true})
	if err != nil {
		t.Fatalf("open the database: %v", err)
	}
	shut = func() {
		if err := d.Close(); err != nil {
			t.Errorf("close the database: %v", err)
		}
	}
	t.Cleanup(shut)
	return store.New(d), shut
}

func (p *place) databaseURL() string {
	if p.database != "" {
		return p.database
	}
	return filepath.Join(p.data(), "postroom.db")
}

// mailsOf loads every mail of a desk.
func mailsOf(ctx context.Context, t testing.TB, st *store.Store) []*postroom.Mail {
	t.Helper()
	ids, err := st.AllMails(ctx)
	if err != nil {
		t.Fatal(err)
	}
	var out []*postroom.Mail
	for _, id := range ids {
		m, err := st.Read().Mail(ctx, id)
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, m)
	}
	return out
}

// openMails lists the mails that have not ended, and the events that are not
// judged, in words.
func openMails(ctx context.Context, t testing.TB, st *store.Store) []string {
	t.Helper()
	var out []string
	seen := map[int64]bool{}
	for _, m := range mailsOf(ctx, t, st) {
		if !m.State.Ended() {
			out = append(out, fmt.Sprintf("mail %d is %s: %s", m.ID, m.State, m.Words))
		}
		if seen[m.ConversationID] {
			continue
		}
		seen[m.ConversationID] = true
		pending, err := st.Read().PendingEvents(ctx, m.ConversationID, 0, 100)
		if err != nil {
			t.Fatal(err)
		}
		if len(pending) > 0 {
			out = append(out, fmt.Sprintf("conversation %d has %d events to be judged", m.ConversationID, len(pending)))
		}
	}
	return out
}

// account is what is counted at the end.
type account struct {
	replies, notices int // that arrived
	twice            int // replies that arrived a second time, marked
	resent           int // replies that were sent once more; the first may not have arrived
	assumed          int // mails taken as sent without an answer
	withheld         int // of these, notices that never arrived (R6: at most once)
	uncertain        int // attempts that ended without an answer to the final dot
}

// reckon compares what the database says with what the office has.
func (s *siege) reckon(ctx context.Context, st *store.Store) {
	s.t.Helper()
	arrived := map[string][]postoffice.Letter{}
	for _, l := range s.office.Received() {
		arrived[l.MessageID] = append(arrived[l.MessageID], l)
	}
	mails := map[int64][]*postroom.Mail{}
	for _, m := range mailsOf(ctx, s.t, st) {
		mails[m.ConversationID] = append(mails[m.ConversationID], m)
	}
	var a account
	for id, ms := range mails {
		// Ids of several processes do not tell the order.
		slices.SortFunc(ms, func(a, b *postroom.Mail) int {
			return cmp.Or(cmp.Compare(a.RootSeq, b.RootSeq), cmp.Compare(a.Seq, b.Seq))
		})
		c, err := st.Read().Conversation(ctx, id)
		if err != nil {
			s.t.Fatal(err)
		}
		s.reckonConversation(ctx, st, c, ms, arrived, &a)
		for _, m := range ms {
			delete(arrived, m.Header)
		}
	}
	for id := range arrived {
		s.t.Errorf("the office has a mail that the database does not know: %s", id)
	}
	if len(mails) != len(s.closed) {
		s.t.Errorf("%d conversations have mails, %d were sent and closed", len(mails), len(s.closed))
	}
	if a.replies != len(s.closed) || a.notices+a.withheld != len(s.closed) {
		s.t.Errorf("%d replies and %d notices for %d conversations", a.replies, a.notices, len(s.closed))
	}
	s.t.Logf("%d replies and %d notices arrived, 0 lost, 0 out of order; %d attempts ended without an answer to the final dot; %d replies were sent once more for that, %d of them arrived twice, each marked; "+
		"%d mails were taken as sent, of which %d notices did not arrive (an automatic mail whose end may have been handed over is not sent again)",
		a.replies, a.notices, a.uncertain, a.resent, a.twice, a.assumed, a.withheld)
	invariants(ctx, s.t, st)
	s.noSecrets()
}

// reckonConversation checks the two mails of one conversation.
func (s *siege) reckonConversation(ctx context.Context, st *store.Store, c *postroom.Conversation, ms []*postroom.Mail, arrived map[string][]postoffice.Letter, a *account) {
	t := s.t
	t.Helper()
	if c.Status != postroom.Closed {
		t.Errorf("%s is %s", c.Subject, c.Status)
	}
	if len(ms) != 2 || ms[0].Automatic || !ms[1].Automatic {
		t.Errorf("%s has %d mails, not a reply and a notice", c.Subject, len(ms))
		return
	}
	reply, notice := arrived[ms[0].Header], arrived[ms[1].Header]
	for _, m := range ms {
		s.reckonMail(ctx, st, c, m, arrived[m.Header], a)
	}
	if len(reply) > 0 && len(notice) > 0 && reply[len(reply)-1].Seq > notice[0].Seq {
		t.Errorf("%s: the notice overtook the reply", c.Subject)
	}
	for _, l := range slices.Concat(reply, notice) {
		if len(l.To) != 1 || l.To[0] != customerOf(c.Subject) {
			t.Errorf("%s: a mail went to %v", c.Subject, l.To)
		}
	}
	if len(reply) > 0 && !bytes.Contains(reply[0].Raw, []byte(answerTo(c.Subject))) {
		t.Errorf("%s: the reply does not carry what Ann wrote", c.Subject)
	}
}

// reckonMail checks one mail against the letters that carry its Message-ID.
func (s *siege) reckonMail(ctx context.Context, st *store.Store, c *postroom.Conversation, m *postroom.Mail, letters []postoffice.Letter, a *account) {
	t := s.t
	t.Helper()
	attempts, err := st.Read().Attempts(ctx, m.ID)
	if err != nil {
		t.Fatal(err)
	}
	uncertain := 0
	for _, x := range attempts {
		if x.Outcome == string(postroom.MailUnsure) {
			uncertain++
		}
		if x.EndedAt == 0 || x.Outcome == "" || x.Words == "" {
			t.Errorf("%s: attempt %d of mail %d has no end in words: %+v", c.Subject, x.Number, m.ID, x)
		}
	}
	a.uncertain += uncertain
	if m.Resent {
		a.resent++
	}
	if m.State == postroom.MailAssumed {
		a.assumed++
	}
	where := s.victims[m.Header]
	switch {
	case m.State != postroom.MailDone && m.State != postroom.MailAssumed:
		t.Errorf("%s: mail %d is %s: %s", c.Subject, m.ID, m.State, m.Words)
	case m.State == postroom.MailAssumed && uncertain == 0:
		t.Errorf("%s: mail %d is taken as sent, but no attempt was uncertain", c.Subject, m.ID)
	case len(letters) == 0 && m.Automatic && m.State == postroom.MailAssumed:
		// The end of it may have been handed over, for all the desk could know:
		// an automatic mail goes at most once (R6, R8). The office knows better.
		a.withheld++
		t.Logf("%s: the notice was withheld; killed at %v; %d attempts", c.Subject, where, len(attempts))
		return
	case len(letters) == 0:
		t.Errorf("%s: mail %d is lost: %s, %q, killed at %v", c.Subject, m.ID, m.State, m.Words, where)
		return
	}
	if len(letters) > 1 {
		a.twice++
		switch {
		case m.Automatic:
			t.Errorf("%s: the notice arrived %d times, killed at %v", c.Subject, len(letters), where)
		case len(letters) > uncertain+1, !m.Resent:
			t.Errorf("%s: the reply arrived %d times, resent %v, %d uncertain attempts, killed at %v", c.Subject, len(letters), m.Resent, uncertain, where)
		case slices.ContainsFunc(letters, func(l postoffice.Letter) bool { return !bytes.Equal(l.Raw, letters[0].Raw) }):
			t.Errorf("%s: the reply arrived twice with different bytes", c.Subject)
		}
	}
	if m.Automatic {
		a.notices++
	} else {
		a.replies++
	}
}

// invariants checks what holds on every desk at every moment.
func invariants(ctx context.Context, t testing.TB, st *store.Store) {
	t.Helper()
	lost, err := st.MessagesWithoutMail(ctx)
	if err != nil || len(lost) > 0 {
		t.Errorf("replies without a mail: %v (%v)", lost, err)
	}
	forgotten, err := st.ForgottenMails(ctx)
	if err != nil || len(forgotten) > 0 {
		t.Errorf("mails that neither ended nor are due: %v (%v)", forgotten, err)
	}
	err = st.Write(ctx, func(tx *store.Tx) error {
		drifts, err := tx.FolderDrifts(ctx, false)
		if len(drifts) > 0 {
			t.Errorf("folder counters are wrong: %+v", drifts)
		}
		return err
	})
	if err != nil {
		t.Error(err)
	}
}

// noSecrets looks for the canary passwords in what the program wrote (W28).
func (s *siege) noSecrets() {
	s.t.Helper()
	var files []string
	for _, n := range s.nodes {
		files = append(files, filepath.Join(n.place.dir, "log"))
		if n.place.database == "" {
			files = append(files, n.place.databaseURL())
		}
	}
	for _, f := range files {
		b, err := os.ReadFile(f)
		if err != nil {
			s.t.Error(err)
		}
		for _, canary := range []string{annPassword, mailPassword} {
			if strings.Contains(string(b), canary) {
				s.t.Errorf("%s holds a password", filepath.Base(f))
			}
		}
	}
}
