package desk

import (
	"context"
	"fmt"
	"strings"

	"postroom"
	"postroom/internal/email"
	"postroom/internal/store"
)

// CustomerChoice is whom a conversation is given to: a customer by id, or
// whoever has an address, who is made if nobody has it.
type CustomerChoice struct {
	ID      int64  // 0: by address
	Address string // with ID 0
	Name    string // of somebody new, or known without a name; "" for none
}

// GiveTo makes a conversation another customer's. What was said in it stays,
// with who said it; the next reply goes to the new customer, and so does what
// workflows say to the customer from then on. A mail that is under way keeps
// its recipients. The former customer is somebody new to the conversation if
// they write in it again (T9), and the new one takes part without being
// confirmed. Errors: Invalid for an address that cannot be a customer's, or a
// customer there is not.
func (d *Desk) GiveTo(ctx context.Context, a *postroom.Agent, id int64, to CustomerChoice, path postroom.Path) (Outcome, error) {
	if _, _, err := d.load(ctx, a, id); err != nil {
		return Outcome{}, err
	}
	to.Name = strings.TrimSpace(to.Name)
	if err := checkCustomerName(to.Name); err != nil {
		return Outcome{}, err
	}
	fresh := int64(0)
	if to.ID == 0 {
		if err := d.checkCustomerAddress(ctx, to.Address); err != nil {
			return Outcome{}, err
		}
		var err error
		if fresh, err = d.store.NewID(ctx); err != nil {
			return Outcome{}, err
		}
	}
	return d.change(ctx, a, id, path, func(t *Turn) error {
		customer := to.ID
		if customer == 0 {
			var err error
			if customer, err = t.Tx.FindOrAddCustomer(t.ctx, fresh, postroom.Address{Name: to.Name, Address: to.Address}, t.by.At); err != nil {
				return err
			}
		}
		_, err := t.GiveTo(customer)
		return err
	})
}

// checkCustomerName refuses what cannot be a customer's name.
func checkCustomerName(name string) error {
	switch {
	case len(name) > MaxCustomerName:
		return postroom.InvalidField("name", "A name is at most %d bytes long.", MaxCustomerName)
	case strings.ContainsFunc(name, func(r rune) bool { return r < ' ' || r == 0x7f }):
		return postroom.InvalidField("name", "A name is one line.")
	}
	return nil
}

// checkCustomerAddress refuses what cannot be a customer's address: no address,
// one of ours, a machine's (T16).
func (d *Desk) checkCustomerAddress(ctx context.Context, address string) error {
	address = postroom.Canonical(address)
	if err := email.CheckAddress(address); err != nil {
		return postroom.InvalidField("address", "%s", postroom.TextOf(err))
	}
	boxes, err := d.store.Read().Mailboxes(ctx)
	switch {
	case err != nil:
		return err
	case d.MailboxFor(boxes, address) != nil:
		return postroom.InvalidField("address", "%s is one of our own addresses, so it cannot be a customer’s.", address)
	case email.IsMachineAddress(address):
		return postroom.InvalidField("address", "%s is the address of a machine, so it cannot be a customer’s.", address)
	}
	return nil
}

// GiveTo makes the conversation another customer's; nothing is recorded when it
// is theirs already. The former customer takes part no more, and the new one
// without being confirmed.
func (t *Turn) GiveTo(customer int64) (*postroom.Event, error) {
	c := t.Conversation
	if c.CustomerID == customer {
		return nil, nil
	}
	to, err := t.Tx.Customer(t.ctx, customer)
	if postroom.CodeOf(err) == postroom.NotFound {
		return nil, postroom.InvalidField("customer", "There is no such customer.")
	}
	if err != nil {
		return nil, err
	}
	if err := t.Tx.PartWith(t.ctx, c.ID, c.CustomerID, false); err != nil {
		return nil, err
	}
	e := c.GiveTo(t.by, t.id(), customer)
	for _, address := range to.Addresses {
		if err := t.Confirm(address); err != nil {
			return nil, err
		}
	}
	return e, nil
}

// givenAway refuses a reply that would go to somebody who was the customer when
// its author began to write, and is not any more.
func givenAway(ctx context.Context, tx *store.Tx, p Publish) error {
	if len(p.To) == 0 {
		return nil // it goes to the customer, whoever that is
	}
	later, err := tx.LaterEvents(ctx, p.ConversationID, p.SeenSeq)
	if err != nil {
		return err
	}
	for _, e := range later {
		if e.Kind != postroom.CustomerChanged {
			continue
		}
		former, err := tx.Customer(ctx, number(e.Payload.From))
		if postroom.CodeOf(err) == postroom.NotFound || err == nil && !writesTo(p, former) {
			continue
		}
		if err != nil {
			return err
		}
		c, err := tx.Conversation(ctx, p.ConversationID)
		if err != nil || c.CustomerID == former.ID {
			return err
		}
		now, err := tx.Customer(ctx, c.CustomerID)
		if err != nil {
			return err
		}
		return &postroom.Error{Code: postroom.Conflict, Field: "stale",
			Text: fmt.Sprintf("This conversation was given to %s while you were writing, and your reply would go to %s. Change whom it goes to, or send anyway.",
				customerName(now), customerName(former))}
	}
	return nil
}

func writesTo(p Publish, customer *postroom.Customer) bool {
	for _, list := range [][]postroom.Address{p.To, p.Cc, p.Bcc} {
		for _, to := range list {
			for _, address := range customer.Addresses {
				if postroom.Canonical(to.Address) == address {
					return true
				}
			}
		}
	}
	return false
}

// customerName is how sentences call a customer.
func customerName(c *postroom.Customer) string {
	switch {
	case c.Name != "":
		return c.Name
	case c.Email() != "":
		return c.Email()
	}
	return "a customer without a name"
}
