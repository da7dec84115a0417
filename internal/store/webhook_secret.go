package store

import (
	"context"

	"postroom"
)

const (
	secretColumns = `id, name, kind, changed_at, author_id, old_until`
	qSecrets      = `select ` + secretColumns + ` from webhook_secret order by name, id`
	qSecret       = `select ` + secretColumns + ` from webhook_secret where id = $1`
	qSealed       = `select kind, sealed, old_sealed, old_until from webhook_secret where id = $1`
	qInsertSecret = `insert into webhook_secret (id, name, kind, sealed, author_id, changed_at) values ($1,$2,$3,$4,$5,$6)`
	qChangeSecret = `update webhook_secret set old_sealed = case when cast($3 as bigint) > 0 then sealed else '' end, old_until = $3, sealed = $2, author_id = $4, changed_at = $5 where id = $1`
	qEndOldSecret = `update webhook_secret set old_sealed = '', old_until = 0 where id = $1`
	qDeleteSecret = `delete from webhook_secret where id = $1`
)

func scanSecret(r row) (postroom.WebhookSecret, error) {
	var s postroom.WebhookSecret
	err := r.Scan(&s.ID, &s.Name, &s.Kind, &s.ChangedAt, &s.AuthorID, &s.OldUntil)
	return s, err
}

// Secrets lists the secrets of webhooks by name.
func (r Read) Secrets(ctx context.Context) ([]postroom.WebhookSecret, error) {
	var out []postroom.WebhookSecret
	err := each(ctx, r.q, qSecrets, nil, func(rows row) error {
		s, err := scanSecret(rows)
		out = append(out, s)
		return err
	})
	return out, err
}

// Secret loads a secret of webhooks; within a transaction it is locked.
func (r Read) Secret(ctx context.Context, id int64) (postroom.WebhookSecret, error) {
	s, err := scanSecret(r.q.QueryRow(ctx, qSecret+r.forUpdate, id))
	return s, missing(err, "There is no such secret (any more).")
}

// SealedSecret is what a secret of webhooks holds.
type SealedSecret struct {
	Kind     string
	Sealed   string
	Old      string // the former one, "" for none
	OldUntil int64
}

// SealedSecret loads what a secret holds.
func (r Read) SealedSecret(ctx context.Context, id int64) (s SealedSecret, err error) {
	err = r.q.QueryRow(ctx, qSealed, id).Scan(&s.Kind, &s.Sealed, &s.Old, &s.OldUntil)
	return s, missing(err, "There is no such secret (any more).")
}

// InsertSecret stores a secret of webhooks with what it holds, sealed.
func (t *Tx) InsertSecret(ctx context.Context, s postroom.WebhookSecret, sealed string) error {
	_, err := t.exec(ctx, qInsertSecret, s.ID, s.Name, s.Kind, sealed, s.AuthorID, s.ChangedAt)
	return err
}

// ChangeSecret replaces what a secret holds. The former one goes on beside it
// until a time; with 0 it is gone at once.
func (t *Tx) ChangeSecret(ctx context.Context, s postroom.WebhookSecret, sealed string) error {
	return t.one(ctx, "change secret", qChangeSecret, s.ID, sealed, s.OldUntil, s.AuthorID, s.ChangedAt)
}

// EndOldSecret takes the former one of a secret out of use.
func (t *Tx) EndOldSecret(ctx context.Context, id int64) error {
	return t.one(ctx, "end the former secret", qEndOldSecret, id)
}

// DeleteSecret deletes a secret.
func (t *Tx) DeleteSecret(ctx context.Context, id int64) error {
	return t.one(ctx, "delete secret", qDeleteSecret, id)
}
