package store

import (
	"cmp"
	"context"
	"database/sql"
	"errors"
	"slices"

	"postroom"
)

// Claiming a mail looks at its lane (W25). A mail waits while
//   - an event of its conversation with a smaller sequence number is still to
//     be judged, since that may yet put a mail before it. What became of a mail
//     cannot: what follows from that comes after the mails that are there;
//   - an earlier mail of the same chain is open, however long that takes; one to
//     somebody else than the customer is left out of account;
//   - an earlier mail to one of its recipients is open, for an hour at most.
//     The hour counts from when there could be work on both: from the end of
//     its own window, which is its due time before the first try, from the
//     first try of the earlier one, and from the moment that a server which took
//     no mail at all was there again; it stands still while the earlier one was
//     due and nobody could try it, for more than the five minutes that it may
//     take on a busy desk. When it is over it still waits for one
//     that may go itself: so a desk that was down for longer than an hour sends
//     in order what has gathered meanwhile.
//
// Earlier means smaller (root_seq, seq). Mails to customers and notifications
// of agents never wait for each other; a notification waits only for an earlier
// one to the same agent, and for no event. $1 is now, $2 an hour before.
const qReady = ` m.ended = 0 and m.due_at <= $1 and m.lease_until <= $1 and m.state in ('held', 'queued', 'deferred')
	and (m.agent_id > 0 or not exists (select 1 from event e where e.conversation_id = m.conversation_id and e.state = 'pending' and e.seq < m.seq and e.kind not like 'mail.%'))
	and not exists (select 1 from mail o where o.conversation_id = m.conversation_id and o.ended = 0 and o.id <> m.id and o.agent_id = m.agent_id
		and (o.root_seq < m.root_seq or (o.root_seq = m.root_seq and o.seq < m.seq))
		and (o.root_id = m.root_id and m.agent_id = 0 and m.aside = 0 and o.aside = 0
			or (o.state <> 'quarantined' and exists (select 1 from mail_recipient a
				join mail_recipient b on b.address = a.address where a.mail_id = o.id and b.mail_id = m.id)
				and (case when m.queued_at = 0 then m.due_at else m.queued_at end > $2 or o.queued_at + o.idle_ms > $2
					or exists (select 1 from channel h where h.mailbox_id = o.mailbox_id and h.opened_at > $2)
					or` + readyBefore + `))))`

// readyBefore is true of an earlier mail o that nothing holds up but its turn:
// it and all that it waits for are due, and leave by the same way as m.
const readyBefore = ` o.mailbox_id = m.mailbox_id and o.due_at <= $1 and o.state <> 'uncertain'
	and not exists (select 1 from mail p where p.conversation_id = o.conversation_id and p.ended = 0 and p.id <> o.id and p.agent_id = o.agent_id
		and (p.root_seq < o.root_seq or (p.root_seq = o.root_seq and p.seq < o.seq))
		and (p.mailbox_id <> m.mailbox_id or p.due_at > $1 or p.state in ('uncertain', 'quarantined'))
		and (p.root_id = o.root_id and o.agent_id = 0 and o.aside = 0 and p.aside = 0
			or (p.state <> 'quarantined' and exists (select 1 from mail_recipient c
				join mail_recipient d on d.address = c.address where c.mail_id = p.id and d.mail_id = o.id)
				and (case when o.queued_at = 0 then o.due_at else o.queued_at end > $2 or p.queued_at + p.idle_ms > $2
					or exists (select 1 from channel i where i.mailbox_id = p.mailbox_id and i.opened_at > $2)))))`

// A mailbox's mails that may go, first class first, with how many mails of
// their conversation are on their way.
const qCandidates = `select m.id, m.tries, m.conversation_id, m.class, m.due_at,
	(select count(*) from mail s where s.conversation_id = m.conversation_id and s.ended = 0 and s.state = 'sending')
	from mail m where m.mailbox_id = $3 and` + qReady + ` order by m.class, m.due_at, m.id limit $4`

const qLeaseMail = `update mail set state = 'sending', phase = 'connect', lease = $2, lease_until = $3, owner = $5, tries = tries + 1,
	queued_at = case when queued_at = 0 then $4 else queued_at end,
	idle_ms = case when queued_at > 0 and $4 - due_at > 300000 then idle_ms + ($4 - due_at) else idle_ms end
	where id = $1 and ended + 0 = 0 and due_at <= $4 and lease_until <= $4 and coalesce(state, '') in ('held', 'queued', 'deferred')`

const qSendRecipients = `update mail_recipient set state = 'sending' where mail_id = $1 and state in ('held', 'queued', 'deferred')`

// LanePatience is how long a mail waits for an unrelated earlier mail to the
// same recipient, in milliseconds (W25).
const LanePatience = 60 * 60 * 1000

// candidateWindow is how many mails of a mailbox are looked at for one claim:
// among them conversations take turns.
const candidateWindow = 128

// candidate is a mail that may go.
type candidate struct {
	Claimed
	way          *wayOut
	conversation int64
	class        postroom.MailClass
	dueAt        int64
	rank         int // how many of its conversation go or are under way before it
}

// before is the order in which mails go: by class, then those whose
// conversation has had the fewest turns, then the one due longest (R12).
func (c candidate) before(o candidate) int {
	return cmp.Or(cmp.Compare(c.class, o.class), cmp.Compare(c.rank, o.rank), cmp.Compare(c.dueAt, o.dueAt), cmp.Compare(c.ID, o.ID))
}

// rankTurns counts the turns within each conversation and class; in is in
// order of due times, with the mails under way as rank.
func rankTurns(in []candidate) {
	type talk struct {
		conversation int64
		class        postroom.MailClass
	}
	turns := map[talk]int{}
	for i := range in {
		c := &in[i]
		if c.conversation == 0 {
			continue
		}
		k := talk{c.conversation, c.class}
		c.rank += turns[k]
		turns[k]++
	}
}

// ClaimMails leases up to limit mails whose turn has come, for some
// milliseconds, each with a connection to its mailbox's server, and makes them
// "sending". This is where an undo window closes for good: what is claimed
// cannot be undone.
func (s *Store) ClaimMails(ctx context.Context, limit int, lease int64) ([]Claimed, error) {
	var picked []candidate
	return s.claim(ctx, lease, claiming{
		look: func(ctx context.Context, r Read, h hold) (_ []Claimed, err error) {
			picked = nil
			if due, err := r.anyMailDue(ctx, h.now); err != nil || !due {
				return nil, err
			}
			picked, err = r.pickMails(ctx, h.now, h.owner, limit)
			return claims(picked), err
		},
		lock: func(ctx context.Context, t *Tx, h hold) ([]Claimed, error) { return t.stillReady(ctx, h.now, picked) },
		take: func(ctx context.Context, t *Tx, c Claimed, h hold) (bool, error) {
			i := slices.IndexFunc(picked, func(p candidate) bool { return p.ID == c.ID })
			if ok, err := t.takeTurn(ctx, picked[i].way, c.ID, h); err != nil || !ok {
				return false, err
			}
			n, err := t.exec(ctx, qLeaseMail, c.ID, h.token, h.until, h.now, h.owner)
			if err != nil || n == 0 {
				return false, errors.Join(err, t.freeSlot(ctx, c.ID))
			}
			_, err = t.exec(ctx, qSendRecipients, c.ID)
			return true, err
		},
	})
}

func claims(in []candidate) []Claimed {
	out := make([]Claimed, len(in))
	for i, c := range in {
		out[i] = c.Claimed
	}
	return out
}

// pickMails chooses the mails to go next, at most limit: in each mailbox as
// many as its server may be given now.
func (r Read) pickMails(ctx context.Context, now, owner int64, limit int) ([]candidate, error) {
	ways, err := r.waysOut(ctx, now, owner)
	if err != nil {
		return nil, err
	}
	var out []candidate
	for i := range ways {
		w := &ways[i]
		if w.free == 0 {
			continue
		}
		var mine []candidate
		err := each(ctx, r.q, qCandidates, []any{now, now - LanePatience, w.mailbox, candidateWindow}, func(rows row) error {
			c := candidate{way: w}
			err := rows.Scan(&c.ID, &c.Tries, &c.conversation, &c.class, &c.dueAt, &c.rank)
			mine = append(mine, c)
			return err
		})
		if err != nil {
			return nil, err
		}
		rankTurns(mine)
		slices.SortFunc(mine, candidate.before)
		out = append(out, mine[:min(len(mine), w.free)]...)
	}
	slices.SortFunc(out, candidate.before)
	return out[:min(len(out), limit)], nil
}

// stillReady locks those of the picked mails that are still to go and that
// nobody else is claiming, in the order they were picked.
func (t *Tx) stillReady(ctx context.Context, now int64, picked []candidate) ([]Claimed, error) {
	args := []any{now, now - LanePatience}
	for _, c := range picked {
		args = append(args, c.ID)
	}
	lock := ""
	if t.skipLocked != "" {
		lock = " for update of m skip locked"
	}
	found := map[int64]bool{}
	err := each(ctx, t.q, `select m.id from mail m where`+qReady+` and m.id in (`+list(3, len(picked))+`)`+lock, args, func(rows row) error {
		var id int64
		err := rows.Scan(&id)
		found[id] = true
		return err
	})
	var out []Claimed
	for _, c := range picked {
		if found[c.ID] {
			out = append(out, c.Claimed)
		}
	}
	return out, err
}

// Whether a mail is due at all, which others may still hold up. It is asked
// whenever an event was judged, and mostly there is none.
const qDueMail = `select min(m.due_at) from mail m where m.ended = 0 and m.due_at <= $1 and m.lease_until <= $1
	and m.state in ('held', 'queued', 'deferred')`

func (r Read) anyMailDue(ctx context.Context, now int64) (bool, error) {
	var at sql.NullInt64
	err := r.q.QueryRow(ctx, qDueMail, now).Scan(&at)
	return at.Valid, err
}

const (
	qNextMail = `select min(m.due_at) from mail m where m.ended = 0 and m.lease_until = 0 and m.due_at > $1
		and m.state in ('held', 'queued', 'deferred')`
	qNextMailLease = `select min(lease_until) from mail where ended = 0 and lease_until > $1`
	qNextProbe     = `select min(probe_at) from channel where paused_at > 0 and probe_at > $1`
	qNextPace      = `select min(next_at) from channel where next_at > $1`
	qNextSlot      = `select min(lease_until) from connection_slot where lease_until > $1`
)

// NextMail returns when the next mail becomes due, a lease runs out or a
// channel may be used again. What is due and waits for another mail is not
// counted: the end of that one wakes.
func (s *Store) NextMail(ctx context.Context) (due int64, ok bool, err error) {
	owner, err := s.db.Self()
	if err != nil {
		return 0, false, err
	}
	now := s.Now()
	next := []string{qNextMail, qNextMailLease, qNextProbe, qNextPace, qNextSlot}
	due, ok, err = s.earliest(ctx, append([]string{qDueMail}, next...), now)
	if err != nil || !ok || due > now {
		return due, ok, err
	}
	if ready, err := s.Read().pickMails(ctx, now, owner, 1); err != nil || len(ready) > 0 {
		return now, err == nil, err
	}
	return s.earliest(ctx, next, now) // what is due waits for another mail
}
