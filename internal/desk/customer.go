package desk

import (
	"context"
	"strings"

	"postroom"
	"postroom/internal/store"
)

// MaxCustomerName is the longest name of a customer, in bytes.
const MaxCustomerName = 300

// CustomerEdit is what an agent says of a customer.
type CustomerEdit struct {
	Name     string // "" for none: then a mail of theirs may name them
	Language string // a tag such as "de" or "pt-br"; "" leaves it to what their mails say
}

// EditCustomer writes what an agent says of a conversation's customer; whoever
// may answer here may. It is no event of a conversation: it holds for all of
// the customer's. A mail does not overwrite it. Errors: Invalid for a field.
func (d *Desk) EditCustomer(ctx context.Context, a *postroom.Agent, id int64, e CustomerEdit) error {
	c, _, err := d.load(ctx, a, id)
	if err != nil {
		return err
	}
	name := strings.TrimSpace(e.Name)
	if err := checkCustomerName(name); err != nil {
		return err
	}
	language := ""
	if e.Language != "" {
		var ok bool
		if language, ok = postroom.ParseLanguage(e.Language); !ok {
			return postroom.InvalidField("language", "%q is not a language, such as de or pt-br.", e.Language)
		}
	}
	return d.changeCustomer(ctx, c, func(tx *store.Tx) (bool, error) {
		return tx.EditCustomer(ctx, c.CustomerID, name, language)
	})
}

// AllowMail lets automatic mail go to an address of a conversation's customer
// again, which mail that came back or a complaint had stopped (B5, B7).
func (d *Desk) AllowMail(ctx context.Context, a *postroom.Agent, id int64, address string) error {
	c, _, err := d.load(ctx, a, id)
	if err != nil {
		return err
	}
	return d.changeCustomer(ctx, c, func(tx *store.Tx) (bool, error) {
		return tx.AllowMail(ctx, c.CustomerID, address)
	})
}

// changeCustomer runs f and tells the open pages if it has changed something.
func (d *Desk) changeCustomer(ctx context.Context, c *postroom.Conversation, f func(*store.Tx) (bool, error)) error {
	return d.store.Write(ctx, func(tx *store.Tx) error {
		changed, err := f(tx)
		if err == nil && changed {
			change := Change{Kind: "conversation", MailboxID: c.MailboxID, ConversationID: c.ID, Number: c.Number, Folders: []postroom.Folder{c.Folder()}}
			tx.OnCommit(func() { d.publish(change) })
		}
		return err
	})
}
