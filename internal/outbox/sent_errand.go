package outbox

import (
	"context"
	"time"

	"postroom"
	"postroom/internal/store"
)

// WakeSent is the work in the mailboxes' folders of sent mail.
const WakeSent = "sent"

// lookAfter is how long a provider has to put a mail into its folder of sent
// mail before an uncertain one is looked for there (R6).
const lookAfter = time.Minute

// sentErrand makes what is to be done in the mailbox's folder of sent mail: a
// copy of a mail that was accepted, where the mailbox says so (R10), and the
// search for one that is uncertain (R6). It is work of its own: nothing that
// becomes of it changes what became of the mail. What goes to agents is no mail
// of the mailbox's people.
func (o *Outbox) sentErrand(ctx context.Context, tx *store.Tx, m *postroom.Mail, id int64) error {
	if m.Class == postroom.NotificationClass || m.State != postroom.MailDone && m.State != postroom.MailUnsure {
		return nil
	}
	in, err := tx.Incoming(ctx, m.MailboxID)
	if postroom.CodeOf(err) == postroom.NotFound || err == nil && !in.On {
		return nil
	}
	if err != nil {
		return err
	}
	now := o.Store.Now()
	e := store.SentErrand{ID: id, MailID: m.ID, Kind: store.SentLook, MailboxID: m.MailboxID, CreatedAt: now, DueAt: now + lookAfter.Milliseconds()}
	if m.State == postroom.MailDone {
		mailbox, err := tx.Mailbox(ctx, m.MailboxID)
		if err != nil || !in.Copy(mailbox.Channel.Host) {
			return err
		}
		e.Kind, e.DueAt = store.SentCopy, now
	}
	tx.OnCommit(func() { o.Wake(WakeSent) })
	return tx.AddSentErrand(ctx, e)
}
