package react

import (
	"context"
	"fmt"

	"postroom"
	"postroom/internal/store"
)

// writtenFor is the conversation that a mail of ours was written for: mail that
// answers it goes where that one goes on (T2).
func (f *filing) writtenFor(_ context.Context, _ *store.Tx, m *postroom.Mail) (int64, error) {
	return m.ConversationID, nil
}

// goesOnHere reports whether a conversation of another mailbox was merged into
// one of this mailbox (T10).
func (f *filing) goesOnHere(ctx context.Context, tx *store.Tx, c *postroom.Conversation) (bool, error) {
	if c.MergedInto == 0 {
		return false, nil
	}
	id, err := tx.Standing(ctx, c.ID)
	if err != nil {
		return false, err
	}
	p, err := tx.ConversationPlace(ctx, id)
	return err == nil && p.MailboxID == f.mailbox.ID, err
}

// standing is what a conversation that evidence leads to goes on as: one that was
// merged forwards to its target, in whatever mailbox that is (T8, T10).
func (f *filing) standing(ctx context.Context, tx *store.Tx, c *postroom.Conversation) (*postroom.Conversation, error) {
	if c.MergedInto == 0 {
		return c, nil
	}
	into, err := tx.StandingConversation(ctx, c.ID)
	if err == nil {
		f.in.Evidence += fmt.Sprintf(" Conversation %d was merged into %d.", c.Number, into.Number)
	}
	return into, err
}

// wordsMerged says why nothing more happens to a conversation.
const wordsMerged = "The conversation was merged into another one."
