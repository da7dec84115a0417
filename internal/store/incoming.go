package store

import (
	"context"
	"fmt"

	"postroom"
)

// Incoming is a mailbox's incoming connection with how it is.
type Incoming struct {
	postroom.Incoming
	State       string
	Words       string // the server's, where something is wrong
	StateAt     int64  // since when it is in that state
	ConnectedAt int64  // 0: it is not connected
	AliveAt     int64  // when the server last said anything
	Server      string // what it is connected to: "imap.example.org:993, TLS 1.3"
	Failures    int    // in a row
	LastInbound int64  // the greatest id of a mail that came by it
	Lease       int64
	LeaseUntil  int64
}

// The states of an incoming connection.
const (
	IncomingOff        = "off"         // switched off
	IncomingWaiting    = "waiting"     // nobody holds it just now; it begins soon
	IncomingConnecting = "connecting"  //
	IncomingCatchingUp = "catching up" // mails are taken in that have gathered
	IncomingWatching   = "watching"    // the server tells of new mail by itself (IDLE)
	IncomingPolling    = "polling"     // the server is asked again and again
	IncomingFailing    = "failing"     // see the words
)

const incomingColumns = `mailbox_id, enabled, host, port, security, auth, username, password, folders, after_fetch, move_to, older, older_since, sent_copy, revision,
	state, words, state_at, connected_at, alive_at, server, failures, last_inbound, lease, lease_until`

func scanIncoming(r row) (*Incoming, error) {
	var in Incoming
	var folders string
	err := r.Scan(&in.MailboxID, &in.On, &in.Host, &in.Port, &in.Security, &in.Auth, &in.Username, &in.Password, &folders, &in.After, &in.MoveTo, &in.Older, &in.OlderFrom,
		&in.Copies, &in.Revision, &in.State, &in.Words, &in.StateAt, &in.ConnectedAt, &in.AliveAt, &in.Server, &in.Failures, &in.LastInbound, &in.Lease, &in.LeaseUntil)
	if err == nil {
		err = fromJSON(folders, &in.Folders)
	}
	return &in, err
}

const (
	qIncoming     = `select ` + incomingColumns + ` from incoming where mailbox_id = $1`
	qAllIncoming  = `select ` + incomingColumns + ` from incoming order by mailbox_id`
	qSaveIncoming = `insert into incoming (mailbox_id, enabled, host, port, security, auth, username, password, folders, after_fetch, move_to, older, older_since, sent_copy,
		state, state_at, due_at) values ($1,$2,$3,$4,$5,$6,$7,$8,$9,$10,$11,$12,$13,$14,$15,$16,$16)
		on conflict (mailbox_id) do update set enabled = excluded.enabled, host = excluded.host, port = excluded.port, security = excluded.security,
		auth = excluded.auth, username = excluded.username, password = excluded.password, folders = excluded.folders, after_fetch = excluded.after_fetch,
		move_to = excluded.move_to, older = excluded.older, older_since = excluded.older_since, sent_copy = excluded.sent_copy,
		state = excluded.state, words = '', state_at = excluded.state_at, connected_at = 0, failures = 0, due_at = excluded.due_at, revision = incoming.revision + 1`
)

// Incoming loads a mailbox's incoming connection; NotFound if it has none.
func (r Read) Incoming(ctx context.Context, mailbox int64) (*Incoming, error) {
	in, err := scanIncoming(r.q.QueryRow(ctx, qIncoming, mailbox))
	if err != nil {
		return nil, missing(err, "This mailbox has no incoming connection.")
	}
	return in, nil
}

// AllIncoming lists the incoming connections of all mailboxes.
func (r Read) AllIncoming(ctx context.Context) ([]*Incoming, error) {
	var out []*Incoming
	err := each(ctx, r.q, qAllIncoming, nil, func(rows row) error {
		in, err := scanIncoming(rows)
		out = append(out, in)
		return err
	})
	return out, err
}

// SaveIncoming writes the settings of a mailbox's incoming connection, which
// begins anew with them at once. The state begins anew too.
func (t *Tx) SaveIncoming(ctx context.Context, in *postroom.Incoming, at int64) error {
	state := IncomingOff
	if in.On {
		state = IncomingWaiting
	}
	_, err := t.exec(ctx, qSaveIncoming, in.MailboxID, bit(in.On), in.Host, in.Port, in.Security, in.Auth, in.Username, in.Password, toJSON(in.Folders), in.After, in.MoveTo,
		in.Older, in.OlderFrom, in.Copies, state, at)
	if err != nil {
		return fmt.Errorf("save incoming connection: %w", err)
	}
	return nil
}

const qForgetFolders = `update incoming_folder set uid_validity = 0 where mailbox_id = $1`

// OtherAccount notes that a mailbox's folders are those of another account from
// now on: what is known of their numbering counts for nothing.
func (t *Tx) OtherAccount(ctx context.Context, mailbox int64) error {
	_, err := t.exec(ctx, qForgetFolders, mailbox)
	return err
}
