package desk

import (
	"context"
	"fmt"
	"strings"
	"unicode/utf8"

	"postroom"
	"postroom/internal/store"
)

// MaxCustomerName is the longest name of a customer, in bytes.
const MaxCustomerName = 300

// CustomerEdit is what an agent says of a customer.
type CustomerEdit struct {
	Name     string // "" for none: then a mail of theirs may name them
	Language string // a tag such as "de" or "pt-br"; "" leaves it to what their mails say
	Company  string
	// Fields are what was typed into fields of customers, by their paths; what is
	// not among them stays, and so does the company where it is nil.
	Fields map[string]string
}

// MaxCompany is the longest name of a company, in bytes.
const MaxCompany = 300

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
	company := strings.Join(strings.Fields(e.Company), " ")
	if !utf8.ValidString(company) || len(company) > MaxCompany {
		return postroom.InvalidField("company", "The name of a company has at most %d bytes.", MaxCompany)
	}
	fields, err := d.customerFields(ctx, c.CustomerID, e.Fields)
	if err != nil {
		return err
	}
	return d.changeCustomer(ctx, c, func(tx *store.Tx) (bool, error) {
		changed, err := tx.EditCustomer(ctx, c.CustomerID, name, language)
		if err != nil || e.Fields == nil {
			return changed, err
		}
		kept, err := tx.SetCustomerFields(ctx, c.CustomerID, company, fields)
		if err != nil || len(kept) == 0 {
			return changed, err
		}
		return true, tx.Log(ctx, store.LogEntry{Area: store.AreaMailboxes, AgentID: a.ID, Words: fmt.Sprintf("Of the customer of conversation %d was changed: %s.", c.Number, strings.Join(kept, ", "))})
	})
}

// customerFields reads what was typed into fields of a customer, by path and
// with the field.
func (d *Desk) customerFields(ctx context.Context, customer int64, typed map[string]string) ([]store.CustomerField, error) {
	if len(typed) == 0 {
		return nil, nil
	}
	now, err := d.store.Read().Customer(ctx, customer)
	if err != nil {
		return nil, err
	}
	var out []store.CustomerField
	for path, text := range typed {
		f, err := d.FieldOf(ctx, postroom.OfCustomer, path)
		if err != nil {
			return nil, err
		}
		value, err := f.Parse(text, now.Fields[path])
		if err != nil {
			return nil, postroom.InvalidField("field."+path, "%s: %s", f.Name, postroom.TextOf(err))
		}
		out = append(out, store.CustomerField{Path: path, Name: f.Name, Value: value})
	}
	return out, nil
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
