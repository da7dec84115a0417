package outbox

import (
	"context"

	"postroom"
	"postroom/internal/alarm"
	"postroom/internal/store"
)

// WakeMend is the work that settles what no attempt works on.
const WakeMend = "mend"

// Mend settles a mail whose worker died, or whose uncertainty has lasted its
// grace (R6, R9). It does nothing to any other mail.
func (o *Outbox) Mend(ctx context.Context, id int64) error {
	m, err := o.Store.Read().Mail(ctx, id)
	if err != nil {
		return err
	}
	switch m.State {
	case postroom.MailSending:
		if err := o.rescue(ctx, m); err != nil {
			return err
		}
		o.Dots.End(m.ID, m.Lease)
		return o.tellHeard(ctx, id)
	case postroom.MailUnsure:
		if o.unwritten(m) {
			return o.certain(ctx, m)
		}
		if err := o.tellHeard(ctx, id); err != nil {
			return err
		}
		return o.doubt(ctx, m)
	}
	return nil
}

// unwritten reports whether this process knows that a mail's dot was never
// written under the lease it has.
func (o *Outbox) unwritten(m *postroom.Mail) bool {
	return m.Lease != 0 && (o.Dots.Unwritten(m.ID, m.Lease) || o.heard.unwritten(m.ID, m.Lease))
}

// certain queues an uncertain mail whose process is known here to have died
// before the dot. Another process, which could not know, has rescued it.
func (o *Outbox) certain(ctx context.Context, look *postroom.Mail) error {
	err := o.move(ctx, look.ID, 0, func(m *postroom.Mail) (postroom.MailState, string, error) {
		if m.State != postroom.MailUnsure || m.Lease != look.Lease {
			return "", "", nil
		}
		return postroom.MailQueued, "The program stopped before the mail was handed over; it is sent again.", nil
	})
	if err == nil {
		o.Dots.End(look.ID, look.Lease)
		o.heard.forget(look.ID)
	}
	return err
}

// Recall settles what this process noted of mails before it died, where another
// process has rescued them meanwhile. Notes of mails that have come to their end
// are forgotten.
func (o *Outbox) Recall(ctx context.Context) error {
	for mail, lease := range o.Dots.Left() {
		if err := o.Mend(ctx, mail); err != nil && postroom.CodeOf(err) != postroom.NotFound {
			return err
		}
		m, err := o.Store.Read().Mail(ctx, mail)
		if postroom.CodeOf(err) == postroom.NotFound || err == nil && m.Lease != lease {
			o.Dots.End(mail, lease)
		} else if err != nil {
			return err
		}
	}
	return nil
}

// tellHeard settles a mail by what this process heard from the server and
// could not write then.
func (o *Outbox) tellHeard(ctx context.Context, id int64) error {
	v, ok := o.heard.of(id)
	if !ok {
		return nil
	}
	err := o.tell(ctx, id, v)
	if err == nil {
		o.heard.forget(id)
	}
	return err
}

// rescue settles a mail whose lease ran out while it was being sent.
func (o *Outbox) rescue(ctx context.Context, look *postroom.Mail) error {
	ids, err := o.Store.NewIDs(ctx, settleIDs)
	if err != nil {
		return err
	}
	return o.Store.Write(ctx, func(tx *store.Tx) error {
		c, err := conversationOf(ctx, tx, look)
		if err != nil {
			return err
		}
		unwritten := int64(0)
		if o.unwritten(look) {
			unwritten = look.Lease
		}
		m, err := tx.RescueMail(ctx, look.ID, o.Grace.Milliseconds(), unwritten)
		if err != nil || m.State == postroom.MailSending {
			return err
		}
		o.Log.Warn("mail rescued", "mail", m.ID, "state", m.State)
		return o.consequences(ctx, tx, c, m, fate{}, ids)
	})
}

// maxDeaths is how often a reply is sent once more because the program died
// before it had read the server's answer.
const maxDeaths = 5

// doubt ends the grace of an uncertain mail: a reply is tried once more with
// the same bytes and then taken as sent, an automatic mail is taken as sent at
// once, since a customer is better off without a notice than with two (R6, R8).
// An attempt that ended with our own death is no silence of the server and does
// not use up the one retry, or replies would be lost by dying twice; a mail on
// which the program dies again and again is let go all the same.
func (o *Outbox) doubt(ctx context.Context, look *postroom.Mail) error {
	attempts, err := o.Store.Read().Attempts(ctx, look.ID)
	if err != nil {
		return err
	}
	unanswered := 0
	for _, a := range attempts {
		if a.Outcome == string(postroom.MailUnsure) {
			unanswered++
		}
	}
	return o.move(ctx, look.ID, 0, func(m *postroom.Mail) (postroom.MailState, string, error) {
		switch {
		case m.State != postroom.MailUnsure || m.DueAt > o.Store.Now():
			return "", "", nil
		case m.Automatic:
			return postroom.MailAssumed, "The server never answered, and nothing says that the mail did not arrive: taken as sent. An automatic mail is not sent twice.", nil
		case m.Resent && (m.Phase != postroom.PhaseDot || unanswered > maxDeaths):
			return postroom.MailAssumed, "Handed over twice without an answer: taken as sent.", nil
		}
		m.Resent = true
		return postroom.MailQueued, "Sent once more, the very same mail: the server did not answer the first time.", nil
	})
}

// Watch raises an alarm for each mail that has neither ended nor a due time
// (W27). There is none unless this program has a fault.
func (o *Outbox) Watch(ctx context.Context) error {
	ids, err := o.Store.ForgottenMails(ctx)
	for _, id := range ids {
		o.raise(ctx, alarm.MailLost, decimal(id), "The mail has not ended and nothing is due to happen to it.")
	}
	return err
}

// Seen settles an uncertain mail by evidence that it arrived: a copy that came
// back, an answer that cites it (R6). Any other mail stays as it is.
func (o *Outbox) Seen(ctx context.Context, id int64, words string) error {
	look, err := o.Store.Read().Mail(ctx, id)
	if err != nil || look.State != postroom.MailUnsure {
		if postroom.CodeOf(err) == postroom.NotFound {
			err = nil
		}
		return err
	}
	return o.move(ctx, id, 0, func(m *postroom.Mail) (postroom.MailState, string, error) {
		if m.State != postroom.MailUnsure {
			return "", "", nil
		}
		return postroom.MailDone, words, nil
	})
}
