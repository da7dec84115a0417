package query

import (
	"context"

	"postroom"
	"postroom/internal/store"
)

// behind says in words that a mail waits for an earlier one, and what that one
// waits for.
func behind(b store.BlockingMail) string {
	words := "Waits for the mail before it"
	if !b.Same {
		words = "Waits, an hour at most, for an earlier mail"
	}
	switch b.State {
	case postroom.MailKept:
		return words + ", which somebody must release or discard" + because(b.Words) + "."
	case postroom.MailDeferred:
		return words + ", which its server put off" + because(b.Words) + "."
	case postroom.MailUnsure:
		return words + ", of which nobody knows yet whether it arrived."
	case postroom.MailSending:
		return words + ", which is being sent."
	}
	return words + ", which has not gone out yet" + because(b.Words) + "."
}

// before finds what a mail of the conversation waits for; false if it is no other
// mail.
func (v *conversationView) before(m store.MailRow) (b store.BlockingMail, waits bool) {
	for _, o := range v.rows.Mails { // in order
		switch {
		case o.ID == m.ID || o.State.Ended() || o.RootSeq > m.RootSeq || o.RootSeq == m.RootSeq && o.Seq >= m.Seq:
		case o.Root == m.Root && !o.Aside && !m.Aside:
			return store.BlockingMail{ID: o.ID, State: o.State, Words: o.Words, Same: true}, true
		case !waits && o.State != postroom.MailKept && v.sameRecipient(o, m):
			b, waits = store.BlockingMail{ID: o.ID, State: o.State, Words: o.Words}, true
		}
	}
	return b, waits
}

func (v *conversationView) sameRecipient(a, b store.MailRow) bool {
	for _, x := range v.rows.Recipients[a.ID] {
		for _, y := range v.rows.Recipients[b.ID] {
			if x.Address == y.Address {
				return true
			}
		}
	}
	return false
}

// waits reports whether a mail is due and has not gone.
func waits(state postroom.MailState, due, now int64) bool {
	return (state == postroom.MailHeld || state == postroom.MailQueued) && due != 0 && due <= now
}

// sayWaits gives those lines of the log that are due the words for what they wait
// for, unless they have words of their own.
func (d *Desk) sayWaits(ctx context.Context, lines []MailLine, now int64) error {
	var ids []int64
	for _, m := range lines {
		if m.Words == "" && waits(postroom.MailState(m.State), m.DueAt, now) {
			ids = append(ids, m.ID)
		}
	}
	found, err := d.read().Blocking(ctx, ids)
	for i := range lines {
		if b, ok := found[lines[i].ID]; ok {
			lines[i].Words = behind(b)
		}
	}
	return err
}
