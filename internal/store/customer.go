package store

import (
	"context"

	"postroom"
)

const (
	qCustomer          = `select id, name, created_at, language, language_set, company, fields from customer where id = $1`
	qCustomerAddresses = `select address from customer_address where customer_id = $1 order by position, address`
	qAddressOwner      = `select customer_id from customer_address where address = $1`
	qInsertCustomer    = `insert into customer (id, name, created_at) values ($1,$2,$3)`
	qInsertAddress     = `insert into customer_address (address, customer_id, position) values ($1,$2,$3) on conflict (address) do nothing`
	qNameCustomer      = `update customer set name = $2 where id = $1 and name = ''`
	qSuppressed        = `select suppressed_words from customer_address where address = $1 and suppressed_at > 0`
)

// Customer loads a customer with their addresses, the primary one first.
func (r Read) Customer(ctx context.Context, id int64) (*postroom.Customer, error) {
	var c postroom.Customer
	var fields string
	if err := r.q.QueryRow(ctx, qCustomer, id).Scan(&c.ID, &c.Name, &c.CreatedAt, &c.Language, &c.LanguageSet, &c.Company, &fields); err != nil {
		return nil, missing(err, "There is no such customer.")
	}
	if err := readFields(fields, &c.Fields); err != nil {
		return nil, err
	}
	err := each(ctx, r.q, qCustomerAddresses, []any{id}, func(rows row) error {
		var a string
		err := rows.Scan(&a)
		c.Addresses = append(c.Addresses, a)
		return err
	})
	return &c, err
}

// FindOrAddCustomer returns the customer with an address and makes one, with
// the given id, if there is none. A customer without a name takes this one.
func (t *Tx) FindOrAddCustomer(ctx context.Context, id int64, a postroom.Address, at int64) (int64, error) {
	address := postroom.Canonical(a.Address)
	ids, err := t.ids(ctx, qAddressOwner, address)
	if err != nil {
		return 0, err
	}
	if len(ids) > 0 {
		return t.KnownOrAddCustomer(ctx, ids[0], id, a, at)
	}
	return t.KnownOrAddCustomer(ctx, 0, id, a, at)
}

// KnownOrAddCustomer is FindOrAddCustomer for who has looked already, in this
// transaction: known is the customer with the address, 0 if there is none.
func (t *Tx) KnownOrAddCustomer(ctx context.Context, known, id int64, a postroom.Address, at int64) (int64, error) {
	if known != 0 {
		if a.Name == "" {
			return known, nil
		}
		return known, t.send(ctx, qNameCustomer, known, a.Name)
	}
	if err := t.send(ctx, qInsertCustomer, id, a.Name, at); err != nil {
		return 0, err
	}
	// Another process may be first; then we are run again.
	return id, t.tx.Queue(ctx, func(n int64) error {
		if n == 0 {
			return postroom.Errorf(postroom.Conflict, "The customer was added by another process at the same moment.")
		}
		return nil
	}, qInsertAddress, postroom.Canonical(a.Address), id, 0)
}

// AddNameless stores a customer without an address: the entry for mail from a
// daemon or a no-reply sender, whom nobody can write to (T16, W30).
func (t *Tx) AddNameless(ctx context.Context, id int64, name string, at int64) error {
	return t.send(ctx, qInsertCustomer, id, name, at)
}

// Suppressed returns why automatic mail to an address is suppressed, "" if it
// is not.
func (r Read) Suppressed(ctx context.Context, address string) (string, error) {
	var words string
	err := missing(r.q.QueryRow(ctx, qSuppressed, postroom.Canonical(address)).Scan(&words), "")
	if postroom.CodeOf(err) == postroom.NotFound {
		return "", nil
	}
	return words, err
}

// Tag is a word that marks conversations.
type Tag struct {
	ID    int64
	Name  string
	Color string
}

const (
	qTags      = `select id, name, color from tag order by name`
	qTagByName = `select id from tag where name = $1`
	qInsertTag = `insert into tag (id, name, color) values ($1,$2,$3) on conflict (name) do nothing`
)

// Tags lists all tags by name.
func (r Read) Tags(ctx context.Context) ([]Tag, error) {
	var out []Tag
	err := each(ctx, r.q, qTags, nil, func(rows row) error {
		var t Tag
		err := rows.Scan(&t.ID, &t.Name, &t.Color)
		out = append(out, t)
		return err
	})
	return out, err
}

// FindOrAddTag returns the id of the tag with a name and makes it, with the
// given id, if there is none.
func (t *Tx) FindOrAddTag(ctx context.Context, id int64, name string) (int64, error) {
	if _, err := t.exec(ctx, qInsertTag, id, name, ""); err != nil {
		return 0, err
	}
	ids, err := t.ids(ctx, qTagByName, name)
	if err != nil || len(ids) == 0 {
		return 0, err
	}
	return ids[0], nil
}
