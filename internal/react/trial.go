package react

import (
	"context"

	"postroom"
	"postroom/internal/email"
	"postroom/internal/store"
)

// trialBack recognises a test mail that its mailbox sent to itself: by the
// token in its Message-ID or, where a provider has put another id in its place
// (T4), by the marker in its text. Such a mail becomes no message.
func (f *filing) trialBack(ctx context.Context) error {
	if len(f.mail.From) != 1 || !f.isOurs(f.mail.From[0].Address) {
		return nil
	}
	var ids []int64
	if _, id, ok := f.r.Desk.Keys().Find(f.in.HeaderID); ok {
		ids = append(ids, id)
	}
	for _, p := range f.proof {
		if p.Kind == email.BodyMarker && p.MailID != 0 {
			ids = append(ids, p.MailID)
		}
	}
	for _, id := range ids {
		trial, err := f.r.Store.Read().Trial(ctx, id)
		if postroom.CodeOf(err) == postroom.NotFound {
			continue
		}
		if err != nil || trial.MailboxID != f.mailbox.ID {
			return err
		}
		f.trial, f.loop = id, "It is the test mail of this mailbox, come back."
		return nil
	}
	return nil
}

// noteTrial writes that a test mail came back.
func (f *filing) noteTrial(ctx context.Context, tx *store.Tx) error {
	if f.trial == 0 {
		return nil
	}
	return tx.TrialReturned(ctx, f.trial, f.in.ID, f.r.Store.Now())
}
