package store

import (
	"context"
	"database/sql"
	"errors"

	"postroom"
)

// A mailbox that is switched off has no connection, whatever is set for it.
const isOn = ` and mailbox_id not in (select id from mailbox where off_at > 0)`

const (
	qDueIncoming = `select mailbox_id from incoming where enabled = 1 and host <> ''` + isOn + ` and due_at <= $1 and lease_until <= $1 order by due_at, mailbox_id limit $2`
	qHold        = `update incoming set lease = $2, lease_until = $3, owner = $5, state = 'connecting', state_at = $4, connected_at = 0
		where mailbox_id = $1 and enabled = 1 and due_at <= $4 and lease_until <= $4` + isOn
	qNextIncoming = `select min(case when due_at > lease_until then due_at else lease_until end) from incoming where enabled = 1 and host <> ''` + isOn
)

// NextIncoming returns when the next incoming connection can be taken; ok is
// false if there is none at all.
func (s *Store) NextIncoming(ctx context.Context) (due int64, ok bool, err error) {
	return s.earliest(ctx, []string{qNextIncoming})
}

// TakeIncoming takes up to limit incoming connections that are due and that no
// living process holds, for some milliseconds. They are connecting then.
func (s *Store) TakeIncoming(ctx context.Context, limit int, lease int64) ([]*Incoming, error) {
	owner, err := s.db.Self()
	if err != nil {
		return nil, err
	}
	if due, ok, err := s.NextIncoming(ctx); err != nil || !ok || due > s.Now() {
		return nil, err // nothing to do costs no write
	}
	token, err := s.NewID(ctx)
	if err != nil {
		return nil, err
	}
	var out []*Incoming
	err = s.Write(ctx, func(t *Tx) error {
		out = nil
		now := s.Now()
		ids, err := t.ids(ctx, qDueIncoming+t.skipLocked, now, limit)
		if err != nil {
			return err
		}
		for _, id := range ids {
			n, err := t.exec(ctx, qHold, id, token, now+lease, now, owner)
			if err != nil || n == 0 {
				if err != nil {
					return err
				}
				continue
			}
			in, err := t.Incoming(ctx, id)
			if err != nil {
				return err
			}
			out = append(out, in)
		}
		return nil
	})
	return out, err
}

const (
	qRenewIncoming = `update incoming set lease_until = $3, owner = $5, alive_at = case when alive_at < $4 then $4 else alive_at end where mailbox_id = $1 and lease = $2`
	qIncomingLease = `select lease, revision from incoming where mailbox_id = $1`
)

// RenewIncoming prolongs the lease on an incoming connection, notes when its
// server last said anything, and returns the revision of the settings, 0 if the
// mailbox is switched off. A lease that was lost is a conflict.
func (s *Store) RenewIncoming(ctx context.Context, mailbox, token, lease, alive int64) (revision int64, err error) {
	owner, err := s.db.Self()
	if err != nil {
		return 0, err
	}
	err = s.Write(ctx, func(t *Tx) error {
		if err := t.one(ctx, "renew lease", qRenewIncoming, mailbox, token, s.Now()+lease, alive, owner); err != nil {
			return err
		}
		in, err := t.Incoming(ctx, mailbox)
		if err != nil {
			return err
		}
		m, err := t.Mailbox(ctx, mailbox)
		if err != nil {
			return err
		}
		if revision = in.Revision; m.Off() {
			revision = 0
		}
		return nil
	})
	return revision, err
}

// HoldIncoming fails with a conflict unless the lease is still ours; it locks
// the connection until the transaction ends.
func (t *Tx) HoldIncoming(ctx context.Context, mailbox, token int64) error {
	var lease, revision int64
	err := t.q.QueryRow(ctx, qIncomingLease+t.forUpdate, mailbox).Scan(&lease, &revision)
	if errors.Is(err, sql.ErrNoRows) || err == nil && lease != token {
		return postroom.Errorf(postroom.Conflict, "The incoming connection of mailbox %d is another process's by now.", mailbox)
	}
	return err
}

const (
	qIncomingState = `update incoming set state = $4, words = $5, state_at = case when state = $4 then state_at else $6 end, connected_at = $7, server = $8,
		alive_at = case when alive_at < $9 then $9 else alive_at end, failures = $10 where mailbox_id = $1 and lease = $2 and revision = $3`
	qLeaveIncoming = `update incoming set lease = 0, lease_until = 0 where mailbox_id = $1 and lease = $2`
	qRestIncoming  = `update incoming set due_at = $4, state = $5, words = $6, state_at = case when state = $5 then state_at else $7 end, connected_at = 0, failures = $8
		where mailbox_id = $1 and lease = $2 and revision = $3`
	qLastInbound = `update incoming set last_inbound = $3 where mailbox_id = $1 and lease = $2`
)

// SetIncomingState writes how a connection is that we hold. Of settings that
// were changed meanwhile nothing is said.
func (t *Tx) SetIncomingState(ctx context.Context, in *Incoming, at int64) error {
	_, err := t.exec(ctx, qIncomingState, in.MailboxID, in.Lease, in.Revision, in.State, in.Words, at, in.ConnectedAt, in.Server, in.AliveAt, in.Failures)
	return err
}

// LeaveIncoming gives a connection back: it is due at a time, in the state that
// in has. If its settings were changed meanwhile, it is due as they say.
func (t *Tx) LeaveIncoming(ctx context.Context, in *Incoming, due, at int64) error {
	if _, err := t.exec(ctx, qRestIncoming, in.MailboxID, in.Lease, in.Revision, due, in.State, in.Words, at, in.Failures); err != nil {
		return err
	}
	_, err := t.exec(ctx, qLeaveIncoming, in.MailboxID, in.Lease)
	return err
}

// SetLastInbound notes the greatest id of a received mail that came by a
// connection that we hold: the next must be greater, whichever process draws
// it.
func (t *Tx) SetLastInbound(ctx context.Context, mailbox, token, id int64) error {
	return t.one(ctx, "note received mail", qLastInbound, mailbox, token, id)
}

const qSilentIncoming = `select ` + incomingColumns + ` from incoming where enabled = 1 and host <> '' and lease_until < $1 and due_at < $1` + isOn + ` order by mailbox_id`

// SilentIncoming lists the connections that should be held and that nobody has
// held since a time.
func (r Read) SilentIncoming(ctx context.Context, since int64) ([]*Incoming, error) {
	var out []*Incoming
	err := each(ctx, r.q, qSilentIncoming, []any{since}, func(rows row) error {
		in, err := scanIncoming(rows)
		out = append(out, in)
		return err
	})
	return out, err
}

// IncomingFolder is how far a folder was read (D3).
type IncomingFolder struct {
	MailboxID   int64
	Name        string
	UIDValidity uint32
	LastUID     uint32 // every mail up to it was taken in or passed over
	OlderUID    uint32 // up to it lay there when it was opened first, or when it was numbered anew
	SinceAt     int64  // of those only what was received since is read; 0: all
	Rescan      bool   // it was numbered anew: most of those were taken in before
	TendedUID   uint32 // up to it mails were marked or moved
	BegunAt     int64  // when it was opened first
	CheckedAt   int64  // when it was last found to hold nothing new
	Waiting     int    // mails that had gathered when it was last looked at
	Taken       int    // of those, how many were taken in
	StuckUID    uint32 // a mail that the server does not give out
	StuckTries  int
	Words       string // what happened to its numbering
}

const folderColumns = `mailbox_id, name, uid_validity, last_uid, older_uid, since_at, rescan, tended_uid, begun_at, checked_at, waiting, taken, stuck_uid, stuck_tries, words`

const (
	qIncomingFolders = `select ` + folderColumns + ` from incoming_folder where mailbox_id = $1 order by name`
	qSaveFolder      = `insert into incoming_folder (` + folderColumns + `) values ($1,$2,$3,$4,$5,$6,$7,$8,$9,$10,$11,$12,$13,$14,$15)
		on conflict (mailbox_id, name) do update set uid_validity = excluded.uid_validity, last_uid = excluded.last_uid, older_uid = excluded.older_uid,
		since_at = excluded.since_at, rescan = excluded.rescan, tended_uid = excluded.tended_uid, begun_at = excluded.begun_at, checked_at = excluded.checked_at,
		waiting = excluded.waiting, taken = excluded.taken, stuck_uid = excluded.stuck_uid, stuck_tries = excluded.stuck_tries, words = excluded.words`
)

// IncomingFolders lists the folders of a mailbox that were read, by name.
func (r Read) IncomingFolders(ctx context.Context, mailbox int64) ([]IncomingFolder, error) {
	var out []IncomingFolder
	err := each(ctx, r.q, qIncomingFolders, []any{mailbox}, func(rows row) error {
		var f IncomingFolder
		err := rows.Scan(&f.MailboxID, &f.Name, &f.UIDValidity, &f.LastUID, &f.OlderUID, &f.SinceAt, &f.Rescan, &f.TendedUID, &f.BegunAt, &f.CheckedAt,
			&f.Waiting, &f.Taken, &f.StuckUID, &f.StuckTries, &f.Words)
		out = append(out, f)
		return err
	})
	return out, err
}

// SaveIncomingFolder writes how far a folder was read. Call it after
// HoldIncoming, in the transaction that keeps the mails it counts (D4).
func (t *Tx) SaveIncomingFolder(ctx context.Context, f IncomingFolder) error {
	_, err := t.exec(ctx, qSaveFolder, f.MailboxID, f.Name, int64(f.UIDValidity), int64(f.LastUID), int64(f.OlderUID), f.SinceAt, bit(f.Rescan), int64(f.TendedUID), f.BegunAt, f.CheckedAt,
		f.Waiting, f.Taken, int64(f.StuckUID), f.StuckTries, f.Words)
	return err
}

const qSwitchIncoming = `update incoming set state = $2, state_at = $3, words = '', due_at = $3, connected_at = 0, failures = 0, revision = revision + 1
	where mailbox_id = $1 and enabled = 1`

// SwitchIncoming has a mailbox's incoming connection begin anew, or end,
// because the mailbox is switched on or off. Whoever holds it finds another
// revision of the settings.
func (t *Tx) SwitchIncoming(ctx context.Context, mailbox int64, on bool, at int64) error {
	state := IncomingOff
	if on {
		state = IncomingWaiting
	}
	_, err := t.exec(ctx, qSwitchIncoming, mailbox, state, at)
	return err
}
