package store

import (
	"context"
	"fmt"
)

// Trial is a mail that a mailbox sent to itself, to see whether both directions
// work. Its id is what its token names, and is no mail's.
type Trial struct {
	ID         int64
	MailboxID  int64
	Kind       string // TrialPlain or TrialSubaddress
	Address    string // it was sent to
	Header     string // Message-ID without brackets
	AgentID    int64
	SentAt     int64
	Accepted   bool
	Server     string
	TLS        string
	Words      string // the server's
	InboundID  int64  // the received mail that it came back as; 0: not yet
	ReturnedAt int64
}

// The kinds of trials: to the mailbox's own address, and to one with a token
// behind the separator (T3).
const (
	TrialPlain      = "plain"
	TrialSubaddress = "subaddress"
)

const trialColumns = `id, mailbox_id, kind, address, header, agent_id, sent_at, accepted, server, tls, words, inbound_id, returned_at`

func scanTrial(r row) (Trial, error) {
	var t Trial
	err := r.Scan(&t.ID, &t.MailboxID, &t.Kind, &t.Address, &t.Header, &t.AgentID, &t.SentAt, &t.Accepted, &t.Server, &t.TLS, &t.Words, &t.InboundID, &t.ReturnedAt)
	return t, err
}

const (
	qInsertTrial = `insert into trial (` + trialColumns + `) values ($1,$2,$3,$4,$5,$6,$7,$8,$9,$10,$11,$12,$13)`
	qForgetTrial = `delete from trial where mailbox_id = $1 and sent_at < $2`
	qSentTrial   = `update trial set accepted = $2, server = $3, tls = $4, words = $5 where id = $1`
	qTrials      = `select ` + trialColumns + ` from trial where mailbox_id = $1 order by id desc limit $2`
	qTrial       = `select ` + trialColumns + ` from trial where id = $1`
	qTrialBack   = `update trial set inbound_id = $2, returned_at = $3, accepted = 1 where id = $1 and inbound_id = 0`
)

// InsertTrial stores a trial before it is sent, so that it is known when it
// comes back before the server has said that it took it.
func (t *Tx) InsertTrial(ctx context.Context, x Trial) error {
	_, err := t.exec(ctx, qInsertTrial, x.ID, x.MailboxID, x.Kind, x.Address, x.Header, x.AgentID, x.SentAt, bit(x.Accepted), x.Server, x.TLS, x.Words, x.InboundID, x.ReturnedAt)
	if err != nil {
		return fmt.Errorf("insert trial: %w", err)
	}
	return nil
}

// ForgetTrials deletes a mailbox's trials from before a time.
func (t *Tx) ForgetTrials(ctx context.Context, mailbox, before int64) error {
	_, err := t.exec(ctx, qForgetTrial, mailbox, before)
	return err
}

// TrialSent writes what the server said to a trial.
func (t *Tx) TrialSent(ctx context.Context, x Trial) error {
	return t.one(ctx, "save trial", qSentTrial, x.ID, bit(x.Accepted), x.Server, x.TLS, x.Words)
}

// TrialReturned notes the received mail that a trial came back as; the first
// one counts.
func (t *Tx) TrialReturned(ctx context.Context, id, inbound, at int64) error {
	_, err := t.exec(ctx, qTrialBack, id, inbound, at)
	return err
}

// Trial loads a trial; NotFound if there is none with the id.
func (r Read) Trial(ctx context.Context, id int64) (Trial, error) {
	x, err := scanTrial(r.q.QueryRow(ctx, qTrial, id))
	return x, missing(err, "There is no such test mail.")
}

// Trials lists the newest trials of a mailbox, the newest first.
func (r Read) Trials(ctx context.Context, mailbox int64, limit int) ([]Trial, error) {
	var out []Trial
	err := each(ctx, r.q, qTrials, []any{mailbox, limit}, func(rows row) error {
		x, err := scanTrial(rows)
		out = append(out, x)
		return err
	})
	return out, err
}
