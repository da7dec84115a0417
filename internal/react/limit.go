package react

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"strings"

	"postroom"
	"postroom/internal/alarm"
	"postroom/internal/email"
	"postroom/internal/store"
	"postroom/internal/workflow"
)

// block says why an automatic mail may not go out; the zero block lets it.
type block struct {
	state postroom.MailState // skipped, suppressed or quarantined
	words string
}

// forbidden holds a mail against the rules that need no count: W29, W30, A5.
func (g *judgement) forbidden(ctx context.Context, m *postroom.Message) (block, error) {
	if len(m.To) == 0 {
		return block{postroom.MailSkip, "The customer has no address to send to."}, nil
	}
	to := m.To[0].Address
	switch {
	case g.event.After.Status == postroom.Spam:
		return block{postroom.MailSkip, "The conversation is spam."}, nil
	case email.IsMachineAddress(to):
		return block{postroom.MailBlocked, to + " is the address of a machine: automatic mail to it is never sent."}, nil
	}
	if g.r.Desk.MailboxFor(g.look.Mailboxes(), to) != nil {
		return block{postroom.MailBlocked, to + " is one of our own addresses."}, nil
	}
	if words, err := g.r.Store.Read().Suppressed(ctx, to); err != nil || words != "" {
		return block{postroom.MailBlocked, "Automatic mail to " + to + " is suppressed: " + words}, err
	}
	return g.answers(ctx)
}

// answers says why the mail would be an automatic answer to something that must
// not get one (W29, A5). A time that came and what became of a mail begin chains
// of their own, but nobody's act: there the look goes back to what they come
// from, as far as an act of a person.
func (g *judgement) answers(ctx context.Context) (block, error) {
	for root := g.root; ; {
		if root.Kind == postroom.MailBounced || root.Kind == postroom.MailComplained {
			return block{postroom.MailBlocked, "It would answer a report that a mail came back or was unwanted."}, nil
		}
		if !workflow.MachineCaused(root.Actor) {
			return block{}, nil
		}
		answered := g.look.Message(&root)
		if g.look.err != nil {
			return block{}, g.look.err
		}
		if answered != nil && answered.NoAuto != "" {
			return block{postroom.MailBlocked, "It would answer a mail that must not be answered automatically: " + answered.NoAuto + "."}, nil
		}
		before, ok, err := g.before(ctx, root)
		if err != nil || !ok {
			return block{}, err
		}
		root = before
	}
}

// before finds what the chain began with that a root comes from; false for one
// that comes from nothing, and if what it came from was erased since.
func (g *judgement) before(ctx context.Context, root postroom.Event) (postroom.Event, bool, error) {
	if root.Cause == 0 {
		return postroom.Event{}, false, nil
	}
	read := g.r.Store.Read()
	e, err := read.Event(ctx, root.Cause)
	if err == nil && e.Root != e.ID {
		e, err = read.Event(ctx, e.Root)
	}
	if postroom.CodeOf(err) == postroom.NotFound {
		return postroom.Event{}, false, nil
	}
	return e, err == nil, err
}

// The limits of automatic mail (A6, W23). Windows are fixed spans, counted in
// rows, so that they hold across restarts and processes.
const (
	day       = int64(24 * 60 * 60 * 1000)
	hour      = int64(60 * 60 * 1000)
	tenMin    = int64(10 * 60 * 1000)
	sameText  = workflow.MailsOfOneText      // machine-caused mails with one text, per address and day
	perDay    = workflow.MailsPerAddress     // machine-caused mails per address and day
	perHour   = workflow.MailsPerMailboxHour // machine-caused mails per mailbox and hour
	breakTo   = workflow.BreakAddress        // automatic mails per address in ten minutes
	breakTalk = workflow.BreakConversation   // … per conversation
	breakBox  = workflow.BreakMailbox        // … per mailbox
	breakFlow = workflow.BreakWorkflow       // … per workflow
)

// count holds a mail against limits and breaker, and counts it before it is
// queued, in the same transaction.
func (s *step) count(l *letter, mail *postroom.Mail) (block, error) {
	g, to, now := s.leg.g, mail.Recipients[0].Address, s.leg.g.r.Store.Now()
	if mail.Machine {
		n, err := s.tx.MachineMails(s.ctx, s.c.ID, now-day)
		if err != nil {
			return block{}, err
		}
		if !s.leg.version.Definition.Limits.MailAllowed(g.root.Actor, n) {
			return block{postroom.MailSkip, fmt.Sprintf("Skipped, limit: machines have caused %s on this conversation within a day.", mailsOf(n))}, nil
		}
		sum, whose := sha256.Sum256([]byte(l.source)), person(to)
		for _, l := range []struct {
			key    string
			window int64
			most   int
			words  string
		}{
			{fmt.Sprintf("text:%d:%s:%s", mail.MailboxID, whose, hex.EncodeToString(sum[:8])), day, sameText, "Skipped, limit: %s got this very text today already."},
			{"auto:" + whose, day, perDay, "Skipped, limit: %s got 3 automatic mails today already."},
			{fmt.Sprintf("autobox:%d", mail.MailboxID), hour, perHour, "Skipped, limit: the mailbox has sent its automatic mails of this hour (%s)."},
		} {
			n, err := s.addRate(l.key, now, l.window, l.most)
			if err != nil || n > l.most {
				return block{postroom.MailSkip, fmt.Sprintf(l.words, to)}, err
			}
		}
	}
	return s.breaker(l, mail, to, now)
}

// person is an address without its detail (RFC 5233), in which limits are counted:
// a desk that answers by itself may name another detail in each of its mails.
func person(address string) string {
	at := strings.LastIndexByte(address, '@')
	if plus := strings.IndexByte(address, '+'); 0 < plus && plus < at {
		return address[:plus] + address[at:]
	}
	return address
}

// shared is from which limit on a count is one of many conversations: of a
// mailbox, of a workflow. They do not wait for each other.
const shared = 100

// addRate counts one more and returns the count with it.
func (s *step) addRate(key string, now, window int64, most int) (int, error) {
	if most < shared {
		return s.tx.AddRate(s.ctx, key, now, window)
	}
	return s.tx.AddSharedRate(s.ctx, key, s.c.ID, now, window, most)
}

// breaker holds back what comes too fast, whoever is behind it (W23).
func (s *step) breaker(l *letter, mail *postroom.Mail, to string, now int64) (block, error) {
	if b, err := s.budget(now); err != nil || b.words != "" {
		return b, err
	}
	return s.breaks([]cap10{
		{"brk:to:" + person(to), breakTo, "to " + to},
		{fmt.Sprintf("brk:conv:%d", s.c.ID), breakTalk, "on this conversation"},
		{fmt.Sprintf("brk:box:%d", mail.MailboxID), breakBox, "from this mailbox"},
		{fmt.Sprintf("brk:flow:%d", s.leg.version.WorkflowID), breakFlow, "by this workflow"},
	}, l.breakerID, now)
}

// cap10 is how many automatic mails of a kind may be sent in ten minutes.
type cap10 struct {
	key  string
	most int
	what string
}

// breaks counts a mail and says why it is held back.
func (s *step) breaks(limits []cap10, alarmID, now int64) (block, error) {
	for _, b := range limits {
		n, err := s.addRate(b.key, now, tenMin, b.most)
		if err != nil {
			return block{}, err
		}
		if n > b.most {
			words := fmt.Sprintf("Held back by the breaker: more than %d automatic mails %s within ten minutes.", b.most, b.what)
			err := s.leg.g.r.Alarms.RaiseIn(s.ctx, s.tx, alarmID, alarm.BreakerOpen, b.key, words)
			return block{postroom.MailKept, words}, err
		}
	}
	return block{}, nil
}

// budget counts a mail against what its workflow may send in a day. The first
// one over it is held back, like those of runs under way, and pauses the
// workflow until an admin resumes it, which begins the day anew (W23).
func (s *step) budget(now int64) (block, error) {
	r, v := s.leg.g.r, s.leg.version
	most := v.Definition.Limits.Budget()
	n, err := s.addRate(store.BudgetKey(v.WorkflowID), now, day, most)
	if err != nil || n <= most {
		return block{}, err
	}
	words := fmt.Sprintf("Held back: “%s” has sent the %s that it may send within a day.", v.Name, mailsOf(most))
	if err := s.tx.Lock(s.ctx, lockName); err != nil {
		return block{}, err
	}
	w, err := s.tx.Workflow(s.ctx, v.WorkflowID)
	if err != nil || w.PausedWords != "" {
		return block{postroom.MailKept, words}, err
	}
	paused, err := r.pause(s.ctx, s.tx, w, fmt.Sprintf("Paused: it has sent %s within a day, which is its budget. What it would have sent beyond that is held back.", mailsOf(most)), s.leg.pauseID)
	if err == nil {
		s.turn.Record(postroom.WorkflowPaused, postroom.Payload{RunID: s.run.ID, Words: v.Name + ": " + paused})
	}
	return block{postroom.MailKept, words}, err
}

// maxFailures is how many runs of a workflow may fail in a row before it is
// paused (W21).
const maxFailures = 5

// lockName is the lock under which the set of workflows is changed; admins'
// changes take it too, so that no two make the same revision.
const lockName = "workflows"

// failed counts a failed run; a workflow that fails again and again is paused.
// paused says why it was paused now, "" if it was not.
func (r *React) failed(ctx context.Context, tx *store.Tx, v *workflow.Version, words string, id int64) (paused string, err error) {
	if err := tx.Lock(ctx, lockName); err != nil {
		return "", err
	}
	w, err := tx.Workflow(ctx, v.WorkflowID)
	if err != nil {
		return "", err
	}
	if w.Failures++; w.Failures >= maxFailures && w.PausedWords == "" {
		return r.pause(ctx, tx, w, fmt.Sprintf("Paused: it failed %d times in a row. The last time: %s", w.Failures, words), id)
	}
	return "", tx.UpdateWorkflow(ctx, w)
}

// pause takes a workflow out until an admin resumes it, with an alarm. The lock
// on the set is held.
func (r *React) pause(ctx context.Context, tx *store.Tx, w store.Workflow, words string, id int64) (string, error) {
	w.PausedWords = words
	if err := r.Alarms.RaiseIn(ctx, tx, id, alarm.WorkflowPause, decimal(w.ID), w.Name+": "+words); err != nil {
		return "", err
	}
	if err := tx.UpdateWorkflow(ctx, w); err != nil {
		return "", err
	}
	_, err := tx.PublishSet(ctx, 0, r.Store.Now())
	return words, err
}

// mailsOf says a number of mails: "one mail", "2 mails".
func mailsOf(n int) string {
	if n == 1 {
		return "one mail"
	}
	return fmt.Sprintf("%d mails", n)
}
