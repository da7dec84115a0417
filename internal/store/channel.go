package store

import (
	"context"

	"postroom"
)

// ChannelState is the state of a mailbox's way out, shared by all processes.
type ChannelState struct {
	MailboxID   int64
	PausedAt    int64 // 0: open
	PausedWords string
	ProbeAt     int64 // when one mail is tried again
	Probes      int

	// The server asked to be given less (R5): until SlowUntil one mail every
	// PaceMS goes over one connection.
	SlowSince int64 // 0: it did not
	SlowUntil int64
	SlowWords string
	PaceMS    int64
	NextAt    int64 // no mail goes before
}

const (
	qChannel = `select mailbox_id, paused_at, paused_words, probe_at, probes, slow_since, slow_until, slow_words, pace_ms, next_at
		from channel where mailbox_id = $1`
	qPauseChannel = `insert into channel (mailbox_id, paused_at, paused_words, probe_at, probes) values ($1,$2,$3,$4,$5)
		on conflict (mailbox_id) do update set paused_at = case when channel.paused_at > 0 then channel.paused_at else excluded.paused_at end,
		paused_words = excluded.paused_words, probe_at = excluded.probe_at, probes = excluded.probes`
	qPaceChannel = `insert into channel (mailbox_id, slow_since, slow_until, slow_words, pace_ms, next_at) values ($1,$2,$3,$4,$5,$6)
		on conflict (mailbox_id) do update set slow_since = excluded.slow_since, slow_until = excluded.slow_until, slow_words = excluded.slow_words,
		pace_ms = excluded.pace_ms, next_at = excluded.next_at`
	qResumeChannel = `update channel set opened_at = case when paused_at <= $3 then $2 else opened_at end,
		paused_at = 0, paused_words = '', probe_at = 0, probes = 0 where mailbox_id = $1 and paused_at > 0`
	qTakeProbe = `update channel set probe_at = $3, probes = probes + 1 where mailbox_id = $1 and paused_at > 0 and probe_at <= $2`
)

// Channel returns the state of a mailbox's channel; one that was never
// mentioned is open.
func (r Read) Channel(ctx context.Context, mailbox int64) (ChannelState, error) {
	c := ChannelState{MailboxID: mailbox}
	err := r.q.QueryRow(ctx, qChannel, mailbox).Scan(&c.MailboxID, &c.PausedAt, &c.PausedWords, &c.ProbeAt, &c.Probes,
		&c.SlowSince, &c.SlowUntil, &c.SlowWords, &c.PaceMS, &c.NextAt)
	if postroom.CodeOf(missing(err, "")) == postroom.NotFound {
		err = nil
	}
	return c, err
}

// PauseChannel stops a channel until c.ProbeAt.
func (t *Tx) PauseChannel(ctx context.Context, c ChannelState) error {
	_, err := t.exec(ctx, qPauseChannel, c.MailboxID, c.PausedAt, c.PausedWords, c.ProbeAt, c.Probes)
	return err
}

// PaceChannel writes how fast a channel may be used.
func (t *Tx) PaceChannel(ctx context.Context, c ChannelState) error {
	_, err := t.exec(ctx, qPaceChannel, c.MailboxID, c.SlowSince, c.SlowUntil, c.SlowWords, c.PaceMS, c.NextAt)
	return err
}

// longPause is how long a channel is paused before the mails that waited begin
// the hour of their patience anew, in milliseconds: one that is paused for a
// moment again and again must not hold them for ever.
const longPause = 10 * 60 * 1000

// ResumeChannel opens a channel and reports whether it was paused. After a long
// pause it notes when, for what mails wait for each other counts from there.
func (t *Tx) ResumeChannel(ctx context.Context, mailbox int64) (bool, error) {
	now := t.store.Now()
	n, err := t.exec(ctx, qResumeChannel, mailbox, now, now-longPause)
	return n == 1, err
}

// TakeProbe makes the caller the one who tries a paused channel again, and
// keeps others waiting for some milliseconds; false if somebody else is.
func (t *Tx) TakeProbe(ctx context.Context, mailbox, now, hold int64) (bool, error) {
	n, err := t.exec(ctx, qTakeProbe, mailbox, now, now+hold)
	return n == 1, err
}

// wayOut is how much a mailbox's server may be given now.
type wayOut struct {
	mailbox  int64
	most     int   // connections, over all processes
	free     int   // of them, for the process that asks
	interval int64 // milliseconds between two mails; 0: no limit
}

// Connections are counted in rows, but for those that the asking process keeps
// for the next mail: it would use them.
const qWaysOut = `select b.id, b.connections, b.per_minute, coalesce(c.paused_at, 0), coalesce(c.probe_at, 0),
	coalesce(c.slow_until, 0), coalesce(c.pace_ms, 0), coalesce(c.next_at, 0),
	(select count(*) from connection_slot k where k.mailbox_id = b.id and k.lease_until > $1 and not (k.owner = $2 and k.mail_id = 0))
	from mailbox b left join channel c on c.mailbox_id = b.id
	where b.off_at = 0 and exists (select 1 from mail m where m.mailbox_id = b.id and m.ended = 0 and m.due_at <= $1 and m.lease_until <= $1
		and m.state in ('held', 'queued', 'deferred'))
	order by b.id`

// waysOut lists the mailboxes that have something due and are not switched off.
// A channel that is paused, slow or limited by the minute is given one mail at a
// time.
func (r Read) waysOut(ctx context.Context, now, owner int64) (out []wayOut, err error) {
	err = each(ctx, r.q, qWaysOut, []any{now, owner}, func(rows row) error {
		var w wayOut
		var perMinute, pausedAt, probeAt, slowUntil, pace, next int64
		var used int
		if err := rows.Scan(&w.mailbox, &w.most, &perMinute, &pausedAt, &probeAt, &slowUntil, &pace, &next, &used); err != nil {
			return err
		}
		if w.most <= 0 {
			w.most = postroom.DefaultConnections
		}
		if perMinute > 0 {
			w.interval = 60_000 / perMinute
		}
		slow := slowUntil > now
		if slow {
			w.interval = max(w.interval, pace)
		}
		if slow || pausedAt > 0 {
			w.most = 1
		}
		w.free = max(w.most-used, 0)
		if w.interval > 0 {
			w.free = min(w.free, 1)
		}
		if pausedAt > 0 && probeAt > now || w.interval > 0 && next > now {
			w.free = 0
		}
		out = append(out, w)
		return nil
	})
	return out, err
}

const (
	qSlots    = `select slot, owner, mail_id from connection_slot where mailbox_id = $1 and lease_until > $2 order by slot`
	qTakeSlot = `insert into connection_slot (mailbox_id, slot, owner, mail_id, lease_until) values ($1,$2,$3,$4,$5)
		on conflict (mailbox_id, slot) do update set owner = excluded.owner, mail_id = excluded.mail_id, lease_until = excluded.lease_until
		where connection_slot.lease_until <= $6 or (connection_slot.owner = excluded.owner and connection_slot.mail_id = 0)`
	qTakePace = `insert into channel (mailbox_id, next_at) values ($1, $2)
		on conflict (mailbox_id) do update set next_at = excluded.next_at where channel.next_at <= $3`
)

// takeTurn takes a connection for a mail and, where the channel has a pace, its
// turn; false if others have them. Both are taken by compare-and-set, so that
// all processes together keep the limits (R12).
func (t *Tx) takeTurn(ctx context.Context, w *wayOut, mail int64, h hold) (bool, error) {
	ok, err := t.takeSlot(ctx, w, mail, h)
	if err != nil || !ok || w.interval == 0 {
		return ok, err
	}
	n, err := t.exec(ctx, qTakePace, w.mailbox, h.now+w.interval, h.now)
	if err == nil && n == 0 {
		return false, t.freeSlot(ctx, mail)
	}
	return err == nil, err
}

// takeSlot takes a connection for a mail: the one that this process keeps idle,
// or a free one.
func (t *Tx) takeSlot(ctx context.Context, w *wayOut, mail int64, h hold) (bool, error) {
	used := map[int]bool{}
	var try []int
	err := each(ctx, t.q, qSlots, []any{w.mailbox, h.now}, func(rows row) error {
		var slot int
		var owner, mail int64
		err := rows.Scan(&slot, &owner, &mail)
		if owner == h.owner && mail == 0 {
			try = append(try, slot)
		} else {
			used[slot] = true
		}
		return err
	})
	if err != nil || len(used) >= w.most {
		return false, err
	}
	for slot := 1; slot <= w.most; slot++ {
		if !used[slot] {
			try = append(try, slot)
		}
	}
	for _, slot := range try {
		n, err := t.exec(ctx, qTakeSlot, w.mailbox, slot, h.owner, mail, h.until, h.now)
		if err != nil || n == 1 {
			return err == nil, err
		}
	}
	return false, nil
}

const (
	qRenewSlot = `update connection_slot set lease_until = $2, owner = $3 where mail_id = $1`
	qFreeSlot  = `delete from connection_slot where mail_id = $1`
	qKeepSlot  = `update connection_slot set mail_id = 0, lease_until = $2 where mail_id = $1`
	qIdleSlots = `delete from connection_slot where owner = $1 and mail_id = 0 and (mailbox_id = $2 or $2 = 0)`
)

func (t *Tx) renewSlot(ctx context.Context, mail, owner, until int64) error {
	_, err := t.exec(ctx, qRenewSlot, mail, until, owner)
	return err
}

// freeSlot gives the connection of a mail back: whatever ends an attempt does.
func (t *Tx) freeSlot(ctx context.Context, mail int64) error {
	_, err := t.exec(ctx, qFreeSlot, mail)
	return err
}

// KeepSlot has the connection of a mail counted on for some milliseconds,
// because it is kept open for the next mail. Call it before SettleMail.
func (t *Tx) KeepSlot(ctx context.Context, mail, ms int64) error {
	_, err := t.exec(ctx, qKeepSlot, mail, t.store.Now()+ms)
	return err
}

// FreeIdleSlots gives back the connections that this process kept for the next
// mail of a mailbox, with 0 of any, and reports whether there were any.
func (s *Store) FreeIdleSlots(ctx context.Context, mailbox int64) (freed bool, err error) {
	owner, err := s.db.Self()
	if err != nil {
		return false, err
	}
	err = s.Write(ctx, func(t *Tx) error {
		n, err := t.exec(ctx, qIdleSlots, owner, mailbox)
		freed = n > 0
		return err
	})
	return freed, err
}

const qConnections = `select count(*) from connection_slot where mailbox_id = $1 and lease_until > $2`

// Connections returns how many connections all processes together have to the
// server of a mailbox.
func (s *Store) Connections(ctx context.Context, mailbox int64) (n int, err error) {
	err = s.db.Reader().QueryRow(ctx, qConnections, mailbox, s.Now()).Scan(&n)
	return n, err
}
