package outbox

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"time"

	"postroom"
	"postroom/internal/store"
	"postroom/internal/wire/smtpout"
)

// The backoff of a single mail (R5): the wait after each failed try. After
// the last it stays, until GiveUp has passed since the mail was first due.
var backoff = []time.Duration{
	0, 7*time.Minute + 30*time.Second, 15 * time.Minute, 30 * time.Minute,
	time.Hour, 2 * time.Hour, 4 * time.Hour, 8 * time.Hour, 16 * time.Hour,
}

// GiveUp is how long a mail is tried; and at least giveUpTries times, for one
// that waited for days because its server was gone is not given up at the first
// "later" (R12).
const (
	GiveUp      = 4 * 24 * time.Hour
	giveUpTries = 8
)

// The waits of a paused channel: they double from the first to the last.
const (
	firstProbe  = time.Minute
	lastProbe   = 15 * time.Minute
	probeHold   = int64(2 * 60 * 1000) // how long a probe keeps others waiting
	notByItself = int64(1) << 52       // until somebody mends the settings
)

// verdict is what an attempt came to: the recipients' new states, and what it
// says about the channel.
type verdict struct {
	recipients []postroom.MailRecipient
	state      postroom.MailState
	words      string
	dueAt      int64
	spent      bool // the attempt counts as a try of the mail
	attempt    store.Attempt
	pause      string // words for which the channel is paused; "" leaves it
	stop       bool   // not tried again by itself
	slow       string // words with which the server asked for less (R5); "" did not
	worked     bool   // the channel works
	kept       bool   // the connection is open for the next mail
	orphan     bool   // not tried: the mail it follows failed
	unsent     bool   // the final dot certainly was not written
	dot        bool   // the final dot was written
	alarmed    bool   // what the channel is paused for has an alarm of its own
}

// judge is pure: from the attempt's result it says what becomes of the mail
// (R4, R5, R6); grace is how long an uncertain one waits for evidence.
func judge(m *postroom.Mail, r smtpout.Result, dial *smtpout.Fault, now int64, grace time.Duration) verdict {
	v := verdict{spent: true, dot: r.DotWritten, attempt: store.Attempt{Server: serverName(r), TLS: r.TLSVersion, Phase: string(r.Phase), Dialogue: dialogue(r.Dialogue)}}
	fault := r.Fault
	if dial != nil {
		fault = dial
		v.attempt.Phase, v.attempt.Dialogue = string(dial.Phase), dialogue(dial.Dialogue)
	}
	if fault != nil && !r.DotWritten && (dial != nil || fault.ChannelWide()) {
		return v.channel(m, fault, now)
	}
	v.worked = true
	byAddress := map[string]smtpout.Recipient{}
	for _, x := range r.Recipients {
		byAddress[x.Address] = x
	}
	for _, old := range m.Recipients {
		v.recipients = append(v.recipients, v.recipient(m, old, byAddress, now))
	}
	v.settle(m, now, grace)
	return v
}

// recipient gives one recipient its new state.
func (v *verdict) recipient(m *postroom.Mail, old postroom.MailRecipient, results map[string]smtpout.Recipient, now int64) postroom.MailRecipient {
	x, tried := results[old.Address]
	if !tried {
		return old
	}
	old.Code, old.Words, old.At = x.Code, answer(x.Code, x.Text), now
	switch x.Outcome {
	case smtpout.Accepted:
		old.State = postroom.MailDone
	case smtpout.Refused:
		old.State = postroom.MailRefused
	case smtpout.Uncertain:
		old.State, v.worked = postroom.MailUnsure, false
		if m.Resent {
			old.State = postroom.MailAssumed
			old.Words = "Handed over twice, and both times the connection broke before the server answered: taken as sent."
		}
	default:
		old.State = postroom.MailDeferred
		if x.Class == smtpout.ChannelSlow {
			v.slow = old.Words
			if m.Tries <= patience {
				old.State = postroom.MailQueued // it goes on with the channel's next turn
			}
		}
	}
	v.attempt.Code, v.attempt.Words = x.Code, old.Words
	return old
}

// settle derives the mail's state from its recipients' and sets the next try.
func (v *verdict) settle(m *postroom.Mail, now int64, grace time.Duration) {
	v.state = postroom.Settle(v.recipients)
	for _, r := range v.recipients {
		if r.State == v.state {
			v.words = r.Words
		}
	}
	v.attempt.Outcome = string(v.state)
	switch v.state {
	case postroom.MailQueued:
		v.dueAt = now
	case postroom.MailDeferred:
		v.rest(m, wait(m.Tries), now)
	case postroom.MailUnsure:
		v.dueAt = now + grace.Milliseconds()
		v.words = "The connection broke after the whole mail was handed over and before the server answered: it may have arrived or not."
	}
}

// rest defers a mail, unless it has been tried for too long.
func (v *verdict) rest(m *postroom.Mail, wait, now int64) {
	v.dueAt = now + wait
	if first := max(m.QueuedAt, m.CreatedAt); v.dueAt > first+GiveUp.Milliseconds() && m.Tries >= giveUpTries {
		v.giveUp(now)
	}
}

func (v *verdict) giveUp(now int64) {
	v.state, v.dueAt = postroom.MailRefused, 0
	v.words = "Given up after 4 days. The last answer was: " + v.words
	for i := range v.recipients {
		if v.recipients[i].State == postroom.MailDeferred {
			v.recipients[i].State, v.recipients[i].Words, v.recipients[i].At = postroom.MailRefused, v.words, now
		}
	}
}

// channel is the verdict on a fault that every mail of the channel would meet:
// the mail goes back to the queue and no try of it is spent (R12). A server that
// asks for less has the channel slowed, not paused (R5).
func (v verdict) channel(m *postroom.Mail, f *smtpout.Fault, now int64) verdict {
	class := smtpout.Classify(f)
	v.spent, v.stop = false, class == smtpout.ChannelStop
	v.attempt.Outcome, v.attempt.Code, v.attempt.Words = "channel", f.Code, answer(f.Code, f.Text)
	if class == smtpout.ChannelSlow {
		v.slow = v.attempt.Words
		return v.patient(m, f, now)
	}
	v.pause = v.attempt.Words
	v.all(m, postroom.MailQueued, f.Code, "Waits: the server does not take mail at the moment: "+v.pause, now)
	v.dueAt = now
	return v
}

// patience is how often in a row a mail is put off by a server that asks for
// less before it counts as its own fault: then it makes room for the others.
const patience = 3

// patient is the verdict on a mail that was put off because the server asked
// for less: it goes on with the channel's next turn.
func (v verdict) patient(m *postroom.Mail, f *smtpout.Fault, now int64) verdict {
	v.spent, v.dueAt = true, now
	words := "Waits: the server asks us to send more slowly: " + v.slow
	if m.Tries <= patience {
		v.all(m, postroom.MailQueued, f.Code, words, now)
		return v
	}
	v.all(m, postroom.MailDeferred, f.Code, words, now)
	v.rest(m, wait(m.Tries-patience), now)
	return v
}

// all gives every recipient without an end the same state.
func (v *verdict) all(m *postroom.Mail, s postroom.MailState, code int, words string, now int64) {
	v.recipients = nil
	for _, r := range m.Recipients {
		if r.State == postroom.MailSending {
			r.State, r.Code, r.Words, r.At = s, code, words, now
		}
		v.recipients = append(v.recipients, r)
	}
	v.state, v.words = postroom.Settle(v.recipients), words
}

// wait returns how long a mail rests after its n-th try, with some jitter so
// that mails deferred together do not come back together.
func wait(tries int) int64 {
	i := min(max(tries, 1), len(backoff)-1)
	ms := backoff[i].Milliseconds()
	return ms + rand.Int64N(ms/10+1)
}

// probeAfter returns when a paused channel is tried again.
func probeAfter(v verdict, probes int, now int64) int64 {
	if v.stop {
		return notByItself
	}
	d := firstProbe << min(probes, 6)
	return now + min(d, lastProbe).Milliseconds()
}

func answer(code int, text string) string {
	if code == 0 {
		return text
	}
	return fmt.Sprintf("%d %s", code, text)
}

func serverName(r smtpout.Result) string {
	if r.ServerIP == "" || r.ServerIP == r.ServerName {
		return r.ServerName
	}
	return strings.TrimSpace(fmt.Sprintf("%s [%s]", r.ServerName, r.ServerIP))
}

func dialogue(lines []smtpout.Line) []string {
	out := make([]string, 0, len(lines))
	for _, l := range lines {
		out = append(out, l.At.UTC().Format("15:04:05.000 ")+l.String())
	}
	return out
}
