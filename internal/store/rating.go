package store

import (
	"context"

	"postroom"
)

const ratingColumns = `id, conversation_id, mail_id, mailbox_id, customer_id, agent_id, value, comment, at, seq, replaced`

const (
	qInsertRating  = `insert into rating (` + ratingColumns + `) values ($1,$2,$3,$4,$5,$6,$7,$8,$9,$10,$11)`
	qReplaceRating = `update rating set replaced = 1 where mail_id = $1 and id <> $2 and replaced = 0`
	qRatingsOf     = `select ` + ratingColumns + ` from rating where mail_id = $1 order by seq`
	qRating        = `select ` + ratingColumns + ` from rating where id = $1`
	qCountRating   = `insert into rating_count (mailbox_id, agent_id, day, value, n) values ($1, $2, $3, $4, $5)
		on conflict (mailbox_id, agent_id, day, value) do update set n = rating_count.n + excluded.n`
)

func scanRating(row row) (postroom.Rating, error) {
	var r postroom.Rating
	err := row.Scan(&r.ID, &r.ConversationID, &r.MailID, &r.MailboxID, &r.CustomerID, &r.AgentID, &r.Value, &r.Comment, &r.At, &r.Seq, &r.Replaced)
	return r, err
}

// InsertRating stores what a customer said; what they had said of the same mail
// before does not count any more.
func (t *Tx) InsertRating(ctx context.Context, r postroom.Rating) error {
	if _, err := t.exec(ctx, qReplaceRating, r.MailID, r.ID); err != nil {
		return err
	}
	return t.send(ctx, qInsertRating, r.ID, r.ConversationID, r.MailID, r.MailboxID, r.CustomerID, r.AgentID, r.Value, r.Comment, r.At, r.Seq, bit(r.Replaced))
}

// RatingsOf lists what was said of a mail, in order.
func (r Read) RatingsOf(ctx context.Context, mail int64) ([]postroom.Rating, error) {
	var out []postroom.Rating
	err := each(ctx, r.q, qRatingsOf, []any{mail}, func(rows row) error {
		x, err := scanRating(rows)
		out = append(out, x)
		return err
	})
	return out, err
}

// Rating loads one thing a customer said; NotFound when its conversation was
// erased.
func (r Read) Rating(ctx context.Context, id int64) (*postroom.Rating, error) {
	x, err := scanRating(r.q.QueryRow(ctx, qRating, id))
	return &x, missing(err, "There is no such rating.")
}

// dayMS is a day of the counts of ratings, in UTC.
const dayMS = 24 * 60 * 60 * 1000

// CountRating counts a rating on its day, instead of what it replaces, nil for
// nothing. Call it last: these are counters.
func (t *Tx) CountRating(ctx context.Context, r postroom.Rating, before *postroom.Rating) error {
	type change struct {
		r postroom.Rating
		n int
	}
	changes := []change{{r, 1}}
	if before != nil {
		old := change{*before, -1}
		if compare(before.At/dayMS, r.At/dayMS, string(before.Value), string(r.Value), 0, 0) <= 0 {
			changes = []change{old, changes[0]} // sorted, as counters are
		} else {
			changes = append(changes, old)
		}
	}
	for _, c := range changes {
		if err := t.send(ctx, qCountRating, c.r.MailboxID, c.r.AgentID, c.r.At/dayMS, c.r.Value, c.n); err != nil {
			return err
		}
	}
	return nil
}
