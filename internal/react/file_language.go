package react

import (
	"context"

	"postroom"
	"postroom/internal/store"
)

// learnLanguage notes the one language that a mail of the customer names as its
// own. What a machine or somebody else wrote says nothing of them.
func (f *filing) learnLanguage(ctx context.Context, tx *store.Tx, c *postroom.Conversation) error {
	if f.message.Class != postroom.Human || f.message.Author.Kind != postroom.ByCustomer || f.message.Author.ID != c.CustomerID || f.message.Unconfirmed {
		return nil
	}
	named := f.mail.HeaderValues("Content-Language")
	if len(named) != 1 {
		return nil
	}
	language, ok := postroom.ParseLanguage(named[0])
	if !ok {
		return nil
	}
	return tx.LearnLanguage(ctx, c.CustomerID, language)
}
