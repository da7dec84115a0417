package desktest

import (
	"context"

	"postroom"
	"postroom/internal/store"
)

// CheckInvariants checks what must hold on every desk at every moment: each
// outgoing message has a mail, each mail an end or a due time, each ended mail
// ended recipients and words, and the counters equal what they count.
func (d *Desk) CheckInvariants() {
	d.T.Helper()
	ctx := context.WithoutCancel(d.Ctx)
	lost, err := d.Store.MessagesWithoutMail(ctx)
	if err != nil || len(lost) > 0 {
		d.T.Errorf("replies without a mail: %v (%v)", lost, err)
	}
	forgotten, err := d.Store.ForgottenMails(ctx)
	if err != nil || len(forgotten) > 0 {
		d.T.Errorf("mails that neither ended nor are due: %v (%v)", forgotten, err)
	}
	err = d.Store.Write(ctx, func(tx *store.Tx) error {
		drifts, err := tx.FolderDrifts(ctx, false)
		if len(drifts) > 0 {
			d.T.Errorf("folder counters are wrong: %+v", drifts)
		}
		return err
	})
	if err != nil {
		d.T.Error(err)
	}
	d.checkMails(ctx)
}

func (d *Desk) checkMails(ctx context.Context) {
	d.T.Helper()
	ids, err := d.Store.AllMails(ctx)
	if err != nil {
		d.T.Error(err)
	}
	for _, id := range ids {
		m, err := d.Store.Read().Mail(ctx, id)
		if err != nil {
			d.T.Error(err)
			continue
		}
		for _, r := range m.Recipients {
			if m.State.Ended() && !r.State.Ended() {
				d.T.Errorf("mail %d is %s, its recipient %s is %s", id, m.State, r.Address, r.State)
			}
		}
		if m.State.Ended() && m.Words == "" || m.State == postroom.MailDeferred && m.DueAt == 0 {
			d.T.Errorf("mail %d is %s without words or time", id, m.State)
		}
	}
}
