package store

import (
	"context"

	"postroom"
)

const (
	qPartWith = `update participant set confirmed = $3 where conversation_id = $1
		and address in (select address from customer_address where customer_id = $2)`
	qKnownAgain = `update message set unconfirmed = 0 where conversation_id = $1 and unconfirmed = 1
		and from_address in (select address from customer_address where customer_id = $2)`
	qUnconfirmWriter = `update participant set confirmed = 0 where conversation_id = $1 and address in (select from_address from message where id = $2)`
	// The notice says which messages came while their writer was new here.
	qUnconfirmMessages = `update message set unconfirmed = 1 where conversation_id = $1
		and from_address in (select m.from_address from message m where m.id = $2) and notices like '%Unverified new participant%'`
)

// PartWith has a customer's addresses take no more part in a conversation, so
// that who writes from one is somebody new there (T9), or, with takesPart, take
// part again, whatever they wrote meanwhile.
func (t *Tx) PartWith(ctx context.Context, conversation, customer int64, takesPart bool) error {
	if _, err := t.exec(ctx, qPartWith, conversation, customer, bit(takesPart)); err != nil || !takesPart {
		return err
	}
	_, err := t.exec(ctx, qKnownAgain, conversation, customer)
	return err
}

// Unconfirm takes back that the writer of a message was let take part.
func (t *Tx) Unconfirm(ctx context.Context, conversation, message int64) error {
	if _, err := t.exec(ctx, qUnconfirmWriter, conversation, message); err != nil {
		return err
	}
	_, err := t.exec(ctx, qUnconfirmMessages, conversation, message)
	return err
}

// FoundCustomer is a customer as a search finds them.
type FoundCustomer struct {
	ID      int64
	Name    string
	Address string // that was found, or else the primary one; "" for none
	Talks   int    // conversations that whoever searches may see
}

// FindCustomers finds customers by the beginning of an address, or of a word of
// the name of the latest 5,000: those of whom there is a conversation within
// the scope, at most limit of them, by name. It never looks at more than that,
// however large the desk is.
func (r Read) FindCustomers(ctx context.Context, text string, scope Scope, limit int) ([]FoundCustomer, error) {
	lower := postroom.Canonical(text)
	if lower == "" || scope.Nothing() {
		return nil, nil
	}
	prefix := likeEscape(lower) + "%"
	may, mayArgs := scope.conversations("c.mailbox_id", "c.assignee_id")
	found := `select x.customer_id as id, min(x.address) as address from (
		select * from (select address, customer_id from customer_address where address >= ? and address < ? order by address limit 40) p
		union select * from (select coalesce(a.address, '') as address, k.id as customer_id from (select id, name from customer order by id desc limit 5000) k
		left join customer_address a on a.customer_id = k.id and a.position = 0 where lower(k.name) like ? escape '!' or lower(k.name) like ? escape '!' limit 40) q
		) x group by x.customer_id`
	q := `select f.id, k.name, f.address, count(*) from (` + found + `) f cross join customer k cross join conversation c
		where k.id = f.id and c.customer_id = f.id and c.deleted_at = 0 and c.merged_into = 0` + may + ` group by f.id, k.name, f.address order by k.name, f.address limit ?`
	args := append(append([]any{lower, lower + "\U0010ffff", prefix, "% " + prefix}, mayArgs...), limit)
	var out []FoundCustomer
	err := each(ctx, r.q, numbered(q), args, func(rows row) error {
		var c FoundCustomer
		err := rows.Scan(&c.ID, &c.Name, &c.Address, &c.Talks)
		out = append(out, c)
		return err
	})
	return out, err
}
