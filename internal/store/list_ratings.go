package store

import (
	"context"

	"postroom"
)

// RatingRow is a rating that counts, with the names that its list shows.
type RatingRow struct {
	postroom.Rating
	Number                   int64
	Subject, Customer, Agent string
}

// RatingsAsk says which ratings are wanted; 0 and "" are all.
type RatingsAsk struct {
	Mailbox, Agent int64
	Value          postroom.RatingValue
	Since          int64    // milliseconds
	From           *MailKey // the place in the list to go on from
	Limit          int
}

// Ratings lists ratings that count, the newest first; those of deleted
// conversations are left out.
func (r Read) Ratings(ctx context.Context, ask RatingsAsk) ([]RatingRow, error) {
	q := `select r.id, r.conversation_id, r.mail_id, r.mailbox_id, r.agent_id, r.value, r.comment, r.at, r.seq, c.number, c.subject, coalesce(k.name, ''), coalesce(a.name, '')
		from rating r join conversation c on c.id = r.conversation_id left join customer k on k.id = r.customer_id left join agent a on a.id = r.agent_id
		where r.replaced = 0 and c.deleted_at = 0 and r.at >= ?`
	args := []any{ask.Since}
	if ask.From != nil {
		q, args = q+` and (r.at, r.id) < (?, ?)`, append(args, ask.From.At, ask.From.ID)
	}
	if ask.Mailbox != 0 {
		q, args = q+` and r.mailbox_id = ?`, append(args, ask.Mailbox)
	}
	if ask.Agent != 0 {
		q, args = q+` and r.agent_id = ?`, append(args, ask.Agent)
	}
	if ask.Value != "" {
		q, args = q+` and r.value = ?`, append(args, ask.Value)
	}
	q, args = q+` order by r.at desc, r.id desc limit ?`, append(args, ask.Limit)
	var out []RatingRow
	err := each(ctx, r.q, numbered(q), args, func(rows row) error {
		var x RatingRow
		err := rows.Scan(&x.ID, &x.ConversationID, &x.MailID, &x.MailboxID, &x.AgentID, &x.Value, &x.Comment, &x.At, &x.Seq, &x.Number, &x.Subject, &x.Customer, &x.Agent)
		out = append(out, x)
		return err
	})
	return out, err
}

// RatingCounts counts the ratings of whole days since a time, by value, also
// those of conversations that were erased since.
func (r Read) RatingCounts(ctx context.Context, ask RatingsAsk) (map[postroom.RatingValue]int, error) {
	q := `select value, sum(n) from rating_count where day >= ?`
	args := []any{ask.Since / dayMS}
	if ask.Mailbox != 0 {
		q, args = q+` and mailbox_id = ?`, append(args, ask.Mailbox)
	}
	if ask.Agent != 0 {
		q, args = q+` and agent_id = ?`, append(args, ask.Agent)
	}
	out := map[postroom.RatingValue]int{}
	err := each(ctx, r.q, numbered(q+` group by value`), args, func(rows row) error {
		var v postroom.RatingValue
		var n int
		err := rows.Scan(&v, &n)
		out[v] = n
		return err
	})
	return out, err
}
