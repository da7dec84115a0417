package outbox

import (
	"context"
	"sync"
	"time"

	"postroom"
	"postroom/internal/store"
)

// heard keeps, by mail, the words with which a server took it, or the lease
// under which it certainly was not handed over, for as long as the database
// cannot take that down. It is this process's own evidence: without it a mail
// whose fate is known would be uncertain, and a reply would go out twice or a
// notice not at all.
type heard struct {
	mu     sync.Mutex
	words  map[int64]string
	unsent map[int64]int64
}

func (h *heard) keep(mail int64, words string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.words == nil {
		h.words = map[int64]string{}
	}
	h.words[mail] = words
}

func (h *heard) of(mail int64) (words string, ok bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	words, ok = h.words[mail]
	return words, ok
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
	delete(h.words, mail)
	delete(h.unsent, mail)
}

// The waits between two tries to write what an attempt came to.
const (
	firstWriteWait = 50 * time.Millisecond
	lastWriteWait  = 2 * time.Second
)

// record settles an attempt, and goes on trying while the database is away or
// its disk full: nobody else knows what the server said. When ctx ends first,
// because the lease ran out or the program stops, it leaves a yes of the
// server to Mend.
func (o *Outbox) record(ctx context.Context, c store.Claimed, m *postroom.Mail, a store.Attempt, v verdict) error {
	for wait := firstWriteWait; ; wait = min(2*wait, lastWriteWait) {
		err := o.settle(context.WithoutCancel(ctx), c, m, a, v)
		if postroom.CodeOf(err) != postroom.Unavailable {
			return err
		}
		switch {
		case v.unsent:
			o.heard.not(m.ID, c.Lease)
		case v.state == postroom.MailDone:
			o.heard.keep(m.ID, v.words)
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
