package desk

import (
	"context"
	"fmt"
	"slices"

	"postroom"
	"postroom/internal/store"
)

// Opened records that an agent opened a conversation, if something that is
// switched on listens for that: who read what is nobody's business otherwise,
// and then nothing is written. It counts once in postroom.OpenedAgain for an
// agent and a conversation, and never for a deleted one. One that they may not
// see is NotFound.
func (d *Desk) Opened(ctx context.Context, a *postroom.Agent, number int64) (err error) {
	defer wrap(&err, "open")
	read := d.store.Read()
	c, err := read.ConversationByNumber(ctx, number)
	if err != nil {
		return err
	}
	if err := may(a, postroom.See, c.MailboxID, c.AssigneeID); err != nil {
		return err
	}
	kinds, err := read.Listened(ctx)
	if err != nil || !slices.Contains(kinds, postroom.ConversationOpened) || c.DeletedAt > 0 {
		return err
	}
	ids, err := d.store.NewIDs(ctx, turnIDs)
	if err != nil {
		return err
	}
	return d.store.Write(ctx, func(tx *store.Tx) error {
		c, err := tx.Conversation(ctx, c.ID)
		if err != nil || c.DeletedAt > 0 {
			return err
		}
		// Asked again: what nobody listens for any more is not written.
		if kinds, err := tx.Listened(ctx); err != nil || !slices.Contains(kinds, postroom.ConversationOpened) {
			return err
		}
		n, err := tx.AddRate(ctx, fmt.Sprintf("opened:%d:%d", a.ID, c.ID), d.store.Now(), postroom.OpenedAgain)
		if err != nil || n > 1 {
			return err
		}
		_, err = d.In(ctx, tx, postroom.Actor{Kind: postroom.ByAgent, ID: a.ID}, Cause{Path: postroom.PathPage}, c, ids, func(t *Turn) error {
			t.Conversation.Opened(t.by, t.id())
			return nil
		})
		return err
	})
}
