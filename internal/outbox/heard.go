package outbox

import (
	"context"
	"sync"
	"time"

	"postroom"
	"postroom/internal/store"
)

// heard keeps, by mail, what a server answered to it for each recipient, or the
// lease under which it certainly was not handed over, for as long as the
// database cannot take that down. It is this process's own evidence: without it
// a mail whose fate is known would be uncertain, and a reply would go out twice
// or a notice not at all.
type heard struct {
	mu       sync.Mutex
	verdicts map[int64]verdict
	unsent   map[int64]int64
}

func (h *heard) keep(mail int64, v verdict) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.verdicts == nil {
		h.verdicts = map[int64]verdict{}
	}
	h.verdicts[mail] = v
}

func (h *heard) of(mail int64) (v verdict, ok bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	v, ok = h.verdicts[mail]
	return v, ok
}

// not keeps that a mail was not handed over under a lease.
func (h *heard) not(mail, lease int64) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.unsent == nil {
		h.unsent = map[int64]int64{}
	}
	h.unsent[mail] = lease
}

// unwritten reports whether a mail was not handed over under a lease.
func (h *heard) unwritten(mail, lease int64) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	known, ok := h.unsent[mail]
	return ok && known == lease
}

func (h *heard) forget(mail int64) {
	h.mu.Lock()
	defer h.mu.Unlock()
	delete(h.verdicts, mail)
	delete(h.unsent, mail)
}

// The waits between two tries to write what an attempt came to.
const (
	firstWriteWait = 50 * time.Millisecond
	lastWriteWait  = 2 * time.Second
)

// record settles an attempt, and goes on trying while the database is away or
// its disk full: nobody else knows what the server said. When ctx ends first,
// because the lease ran out or the program stops, it leaves the server's answer
// to Mend.
func (o *Outbox) record(ctx context.Context, c store.Claimed, m *postroom.Mail, a store.Attempt, v verdict) error {
	for wait := firstWriteWait; ; wait = min(2*wait, lastWriteWait) {
		err := o.settle(context.WithoutCancel(ctx), c, m, a, v)
		if postroom.CodeOf(err) != postroom.Unavailable {
			return err
		}
		switch {
		case v.unsent:
			o.heard.not(m.ID, c.Lease)
		case v.answered():
			o.heard.keep(m.ID, v)
		}
		o.Log.Warn("what became of a mail cannot be written yet", "mail", m.ID, "state", v.state, "error", err)
		timer := time.NewTimer(wait)
		select {
		case <-ctx.Done():
			timer.Stop()
			return err
		case <-timer.C:
		}
	}
}

// answered reports whether the server has said what becomes of the whole mail,
// after the final dot: nothing about it is in doubt.
func (v verdict) answered() bool { return v.dot && v.state != postroom.MailUnsure }

// tell settles a mail that somebody called uncertain by what the server
// answered, for each recipient: who has it does not get it again because
// another was refused. Any other mail stays as it is.
func (o *Outbox) tell(ctx context.Context, id int64, v verdict) error {
	look, err := o.Store.Read().Mail(ctx, id)
	if err != nil || look.State != postroom.MailUnsure {
		if postroom.CodeOf(err) == postroom.NotFound {
			err = nil
		}
		return err
	}
	ids, err := o.Store.NewIDs(ctx, settleIDs)
	if err != nil {
		return err
	}
	return o.Store.Write(ctx, func(tx *store.Tx) error {
		c, err := conversationOf(ctx, tx, look)
		if err != nil {
			return err
		}
		m, err := tx.Mail(ctx, id)
		if err != nil || m.State != postroom.MailUnsure {
			return err
		}
		v.apply(m, o.Store.Now())
		if err := tx.MoveMail(ctx, m, postroom.MailUnsure); err != nil {
			return err
		}
		return o.consequences(ctx, tx, c, m, fate{}, ids)
	})
}

// apply gives the recipients of an uncertain mail what the server said of them.
// Whom it put off are queued for the time of the next try.
func (v verdict) apply(m *postroom.Mail, now int64) {
	for i := range m.Recipients {
		r := &m.Recipients[i]
		for _, said := range v.recipients {
			if r.State == postroom.MailUnsure && said.Address == r.Address {
				*r = said
			}
		}
		if r.State == postroom.MailDeferred {
			r.State = postroom.MailQueued
		}
	}
	m.State, m.Words, m.DueAt = postroom.Settle(m.Recipients), v.words, v.dueAt
	if m.State.Ended() {
		m.DueAt, m.EndedAt = 0, now
	}
}
