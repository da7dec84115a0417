package store

import (
	"context"

	"postroom"
)

const (
	qInsertReturn = `insert into mail_return (mail_id, address, kind, status, words, message_id, at) values ($1,$2,$3,$4,$5,$6,$7) on conflict (mail_id, address, kind) do nothing`
	qReturns      = `select mail_id, address, kind, status, words, message_id, at from mail_return where mail_id = $1 order by at, kind, address`
)

// MarkReturn notes what a report says of a recipient of a mail, and reports
// whether that was not known: a report that comes twice counts once.
func (t *Tx) MarkReturn(ctx context.Context, r postroom.MailReturn) (bool, error) {
	n, err := t.exec(ctx, qInsertReturn, r.MailID, r.Address, r.Kind, r.Status, r.Words, r.MessageID, r.At)
	return n == 1, err
}

// Returns lists what reports said of the recipients of a mail, in the order in
// which they came.
func (r Read) Returns(ctx context.Context, mail int64) ([]postroom.MailReturn, error) {
	var out []postroom.MailReturn
	err := each(ctx, r.q, qReturns, []any{mail}, func(rows row) error {
		var x postroom.MailReturn
		err := rows.Scan(&x.MailID, &x.Address, &x.Kind, &x.Status, &x.Words, &x.MessageID, &x.At)
		out = append(out, x)
		return err
	})
	return out, err
}

// returnPart selects what reports said of the mails that from names.
func returnPart(from string, args ...any) part {
	return part{kind: "return", n: []string{"x.mail_id", "x.message_id", "x.at"}, s: []string{"x.address", "x.kind", "x.status", "x.words"}, from: from, args: args}
}

func scanReturn(t tripRow) postroom.MailReturn {
	return postroom.MailReturn{MailID: t.n[0], MessageID: t.n[1], At: t.n[2], Address: t.s[0], Kind: postroom.ReturnKind(t.s[1]), Status: t.s[2], Words: t.s[3]}
}

const (
	qSuppressBy = `update customer_address set suppressed_at = $2, suppressed_words = $3, suppressed_by = $4
		where address = $1 and (suppressed_at = 0 or suppressed_by <> 'complained')`
	qHeardFrom = `update customer_address set suppressed_at = 0, suppressed_words = '', suppressed_by = '' where address = $1 and suppressed_at > 0 and suppressed_by <> 'complained'`
	qAllow     = `update customer_address set suppressed_at = 0, suppressed_words = '', suppressed_by = '' where address = $1 and customer_id = $2 and suppressed_at > 0`
)

// Suppress stops automatic mail to an address of a customer; one that stopped
// by a complaint stays so for that reason.
func (t *Tx) Suppress(ctx context.Context, address string, at int64, words string, by postroom.SuppressedBy) error {
	_, err := t.exec(ctx, qSuppressBy, postroom.Canonical(address), at, words, by)
	return err
}

// HeardFrom ends what a mail that came back has stopped: somebody writes from
// there (B5). What a complaint has stopped goes on.
func (t *Tx) HeardFrom(ctx context.Context, address string) error {
	return t.send(ctx, qHeardFrom, postroom.Canonical(address))
}

// AllowMail lets automatic mail go to an address of a customer again, and
// reports whether it had been stopped.
func (t *Tx) AllowMail(ctx context.Context, customer int64, address string) (bool, error) {
	n, err := t.exec(ctx, qAllow, postroom.Canonical(address), customer)
	return n > 0, err
}
