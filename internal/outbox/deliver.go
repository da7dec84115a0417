package outbox

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"postroom"
	"postroom/internal/desk"
	"postroom/internal/email"
	"postroom/internal/store"
	"postroom/internal/wire/smtpout"
)

// Deliver makes one attempt at a mail that was claimed for it, and writes what
// became of it.
func (o *Outbox) Deliver(ctx context.Context, c store.Claimed) error {
	m, err := o.Store.Read().Mail(ctx, c.ID)
	if err != nil {
		return err
	}
	mailbox, err := o.Store.Read().Mailbox(ctx, m.MailboxID)
	if err != nil {
		return err
	}
	if orphan, err := o.orphan(ctx, m, mailbox); err != nil || orphan {
		if err == nil {
			err = o.abandon(ctx, c, m)
		}
		return err
	}
	free, err := o.takeTurn(ctx, m.MailboxID)
	if err != nil {
		return err
	}
	if !free {
		return o.handBack(ctx, c, m)
	}
	body, err := o.bytes(ctx, c, m)
	if err != nil {
		return o.unbuildable(ctx, c, m, err)
	}
	a, err := o.begin(ctx, m)
	if err != nil {
		return err
	}
	s := o.attempt(ctx, c, m, mailbox, body)
	v := judge(m, s.result, s.fault, o.Store.Now(), o.Grace)
	if s.result.Fenced || ctx.Err() != nil && !s.result.DotWritten {
		v = o.interrupted(ctx, m, s.result)
	}
	v.kept, v.alarmed = s.kept, s.alarmed
	return o.record(ctx, c, m, a, v)
}

// fencedRest is how long a mail rests when the database did not let it go on.
const fencedRest = time.Second

// interrupted is the verdict on an attempt that was ended by us: the program
// stops, the lease was lost, or the database did not take down that the mail's
// end comes next. That is no fault of the server, whose channel stays open, and
// no try of the mail, which certainly was not sent: it is due again, unless
// another worker has it by now.
func (o *Outbox) interrupted(ctx context.Context, m *postroom.Mail, r smtpout.Result) verdict {
	const words = "Stopped by us before the mail was handed over; it is sent again."
	now := o.Store.Now()
	v := verdict{unsent: true, attempt: store.Attempt{Server: serverName(r), TLS: r.TLSVersion, Phase: string(r.Phase), Outcome: "interrupted", Words: words, Dialogue: dialogue(r.Dialogue)}}
	v.all(m, postroom.MailQueued, 0, words, now)
	if v.dueAt = now; ctx.Err() == nil {
		v.dueAt += fencedRest.Milliseconds()
	}
	return v
}

// orphan reports whether a mail follows one of its chain that none of its
// recipients got: then it must not go out (W25). Mostly such a mail was
// cancelled with the one it follows; this one was decided after that one's end.
func (o *Outbox) orphan(ctx context.Context, m *postroom.Mail, mailbox *postroom.Mailbox) (bool, error) {
	if mailbox.SendAnyway || m.AgentID != 0 {
		return false, nil
	}
	ids, err := o.Store.Read().FailedBefore(ctx, m)
	for _, id := range ids {
		earlier, err := o.Store.Read().Mail(ctx, id)
		if err != nil || !reached(earlier, m) {
			return err == nil, err
		}
	}
	return false, err
}

// abandon cancels a claimed mail whose chain has failed.
func (o *Outbox) abandon(ctx context.Context, c store.Claimed, m *postroom.Mail) error {
	a, err := o.begin(ctx, m)
	if err != nil {
		return err
	}
	v := verdict{orphan: true, attempt: store.Attempt{Outcome: string(postroom.MailUndone), Words: wordsFollows}}
	v.all(m, postroom.MailUndone, 0, wordsFollows, o.Store.Now())
	return o.settle(ctx, c, m, a, v)
}

// takeTurn reports whether the mailbox's channel may be used: it is open, or
// paused and this mail is the one that tries it again.
func (o *Outbox) takeTurn(ctx context.Context, mailbox int64) (bool, error) {
	ch, err := o.Store.Read().Channel(ctx, mailbox)
	if err != nil || ch.PausedAt == 0 {
		return err == nil, err
	}
	taken := false
	err = o.Store.Write(ctx, func(tx *store.Tx) error {
		taken, err = tx.TakeProbe(ctx, mailbox, o.Store.Now(), probeHold)
		return err
	})
	return taken, err
}

// handBack returns a claimed mail to the queue without spending a try.
func (o *Outbox) handBack(ctx context.Context, c store.Claimed, m *postroom.Mail) error {
	for i := range m.Recipients {
		if m.Recipients[i].State == postroom.MailSending {
			m.Recipients[i].State = postroom.MailQueued
		}
	}
	m.State, m.DueAt = postroom.MailQueued, o.Store.Now()
	m.Tries--
	return o.Store.Write(ctx, func(tx *store.Tx) error { return tx.SettleMail(ctx, c, m) })
}

// bytes returns the mail's bytes: built before the first attempt, stored with
// their hash, the same ever after (W24).
func (o *Outbox) bytes(ctx context.Context, c store.Claimed, m *postroom.Mail) ([]byte, error) {
	if m.SHA256 != "" {
		return o.Blobs.Read(m.SHA256, m.Size)
	}
	body, err := Build(m, o.Blobs.OpenVerified)
	if err != nil {
		return nil, err
	}
	ref, err := o.Blobs.PutBytes(ctx, body)
	if err != nil {
		return nil, err
	}
	m.SHA256, m.Size = ref.Hash, ref.Size
	return body, o.Store.Write(ctx, func(tx *store.Tx) error { return tx.SetBytes(ctx, c, ref.Hash, ref.Size) })
}

// Build makes the bytes of a mail from its spec; open gives its files by hash.
func Build(m *postroom.Mail, open func(sha256 string) (io.ReadCloser, error)) ([]byte, error) {
	s, err := desk.SpecOf(m)
	if err != nil {
		return nil, err
	}
	out := email.Spec{
		From: address(s.From), To: addresses(s.To), Cc: addresses(s.Cc), Subject: s.Subject, Date: time.UnixMilli(s.Date).UTC(),
		MessageID: s.MessageID, InReplyTo: s.InReplyTo, References: s.References, Text: s.Text, HTML: s.HTML, Seed: s.Seed, Open: open,
	}
	if s.ReplyTo != "" {
		out.ReplyTo = []email.Address{{Name: s.From.Name, Address: s.ReplyTo}}
	}
	switch {
	case s.Generated:
		out.Auto, out.Loop = email.AutoNotified, s.LoopMailbox
	case s.Automatic:
		out.Auto, out.Loop = email.AutoReplied, s.LoopMailbox
	}
	for _, h := range s.Headers {
		out.Headers = append(out.Headers, email.Header{Name: h.Name, Value: h.Value})
	}
	for _, f := range s.Files {
		file := email.File{Name: f.Name, Type: f.Type, ContentID: f.ContentID, SHA256: f.SHA256}
		if f.Inline {
			out.Inline = append(out.Inline, file)
		} else {
			out.Attachments = append(out.Attachments, file)
		}
	}
	return email.Build(out)
}

func address(a postroom.Address) email.Address {
	return email.Address{Name: a.Name, Address: a.Address}
}

func addresses(in []postroom.Address) []email.Address {
	out := make([]email.Address, len(in))
	for i, a := range in {
		out[i] = address(a)
	}
	return out
}

// begin writes that an attempt begins, so that a death leaves its trace (W28).
func (o *Outbox) begin(ctx context.Context, m *postroom.Mail) (store.Attempt, error) {
	id, err := o.Store.NewID(ctx)
	if err != nil {
		return store.Attempt{}, err
	}
	a := store.Attempt{ID: id, MailID: m.ID, Number: m.Tries, Cause: "It was due.", At: o.Store.Now()}
	if byPerson(m.Words) {
		a.Cause = m.Words
	} else if m.Tries > 1 {
		a.Cause = fmt.Sprintf("Try %d, after: %s", m.Tries, m.Words)
	}
	return a, o.Store.Write(ctx, func(tx *store.Tx) error { return tx.InsertAttempt(ctx, a) })
}

// The words of a mail that a person had tried again begin with one of these.
const (
	wordsRetry = "Retry by "
	wordsAgain = "Sent again by "
)

func byPerson(words string) bool {
	return strings.HasPrefix(words, wordsRetry) || strings.HasPrefix(words, wordsAgain)
}

// attempt hands the mail to the server for the recipients that have no
// verdict yet.
func (o *Outbox) attempt(ctx context.Context, c store.Claimed, m *postroom.Mail, mailbox *postroom.Mailbox, body []byte) sent {
	server, err := o.server(ctx, mailbox)
	if err != nil {
		return noSignIn(ctx, err)
	}
	env := smtpout.Envelope{From: m.EnvelopeFrom, ENVID: o.Desk.EnvelopeID(m.ID)}
	for _, r := range m.Recipients {
		if r.State == postroom.MailSending {
			env.To = append(env.To, r.Address)
		}
	}
	hooks := smtpout.Hooks{
		BeforeData: func(ctx context.Context) error { return o.Store.EnterData(ctx, c, o.Lease.Milliseconds()) },
		BeforeDot: func(ctx context.Context) error {
			o.Dots.Begin(c.ID, c.Lease)
			if err := o.Store.EnterDot(ctx, c, o.Lease.Milliseconds()); err != nil {
				return err
			}
			return o.Dots.Reach(c.ID, c.Lease)
		},
	}
	s := o.conns.send(ctx, m.MailboxID, server, env, body, hooks)
	if server.Auth != smtpout.AuthToken || s.fault == nil || s.fault.Phase != smtpout.PhaseAuth || s.fault.Code < 500 {
		return s
	}
	// A token may end before its time: the password was changed, a session taken
	// back. One that is new tells whether it was that.
	fresh, err := o.Tokens.Renew(ctx, m.MailboxID, server.Host, server.Password)
	if err != nil {
		return noSignIn(ctx, err)
	}
	if fresh == server.Password {
		return s
	}
	server.Password = fresh
	return o.conns.send(ctx, m.MailboxID, server, env, body, hooks)
}

// noSignIn is an attempt that ended before a server was asked, because there is
// nothing to sign in with. What mends itself, or by signing in anew, pauses the
// channel as a server does that cannot be reached; settings that cannot work stop
// it until they are changed.
func noSignIn(ctx context.Context, err error) sent {
	f := smtpout.Misconfigured(err)
	switch postroom.CodeOf(err) {
	case postroom.Unauthorized:
		return sent{fault: smtpout.NotSignedIn(err), alarmed: true}
	case postroom.Unavailable:
		f = smtpout.NotSignedIn(err)
	default:
		if ctx.Err() != nil {
			f = smtpout.NotSignedIn(err)
		}
	}
	return sent{fault: f}
}

// unbuildable ends a mail whose bytes cannot be made: a forged header, a file
// that is gone. What may mend itself is tried again.
func (o *Outbox) unbuildable(ctx context.Context, c store.Claimed, m *postroom.Mail, cause error) error {
	switch postroom.CodeOf(cause) {
	case postroom.Invalid, postroom.NotFound:
	default:
		return errors.Join(cause, o.handBack(context.WithoutCancel(ctx), c, m))
	}
	a, err := o.begin(ctx, m)
	if err != nil {
		return err
	}
	o.Log.Error("mail cannot be built", "mail", m.ID, "error", cause)
	v := verdict{attempt: store.Attempt{Phase: "build", Outcome: "failed", Words: "The mail could not be put together: " + cause.Error()}}
	v.all(m, postroom.MailRefused, 0, v.attempt.Words, o.Store.Now())
	return o.settle(ctx, c, m, a, v)
}
