package incoming

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"postroom"
	"postroom/internal/outbox"
	"postroom/internal/store"
	"postroom/internal/wire/imap"
	"postroom/internal/work"
)

// Kinds lists the kinds of work that are done on mailboxes' servers beside the
// connections: copies of sent mail, and the search for uncertain ones.
func (k *Keeper) Kinds() []work.Kind {
	return []work.Kind{{Source: errandSource{k}, Handler: k.errand, Workers: 2, Lease: max(k.Lease, 2*time.Minute)}}
}

// errandSource claims errands.
type errandSource struct{ k *Keeper }

// Name is what the work is woken by.
func (errandSource) Name() string { return outbox.WakeSent }

// Claim leases errands that are due.
func (s errandSource) Claim(ctx context.Context, limit int, lease time.Duration) ([]work.Item, error) {
	claimed, err := s.k.Store.ClaimErrands(ctx, limit, lease.Milliseconds())
	out := make([]work.Item, len(claimed))
	for i, c := range claimed {
		out[i] = work.Item{ID: c.ID, Lease: c.Lease, Tries: c.Tries + 1}
	}
	return out, err
}

// Renew prolongs a lease.
func (s errandSource) Renew(ctx context.Context, i work.Item, lease time.Duration) error {
	err := s.k.Store.RenewErrand(ctx, claimed(i), lease.Milliseconds())
	if postroom.CodeOf(err) == postroom.Conflict {
		return work.ErrLost
	}
	return err
}

// Fail gives an errand back that was not brought to an end.
func (s errandSource) Fail(ctx context.Context, i work.Item, cause error) error {
	e, err := s.k.Store.Read().SentErrand(ctx, i.ID)
	if err != nil {
		return err
	}
	if e.DueAt = s.k.Store.Now(); !errors.Is(cause, work.ErrHandedBack) && !errors.Is(cause, context.Canceled) {
		e.DueAt += time.Minute.Milliseconds()
		s.k.Log.Error("work failed", "work", outbox.WakeSent, "errand", i.ID, "error", cause)
	}
	err = s.k.Store.Write(ctx, func(t *store.Tx) error { return t.EndErrand(ctx, claimed(i), e) })
	if postroom.CodeOf(err) == postroom.Conflict {
		return nil // somebody else has it
	}
	return err
}

// NextDue says when the next errand is due.
func (s errandSource) NextDue(ctx context.Context) (int64, bool, error) {
	return s.k.Store.NextErrand(ctx)
}

func claimed(i work.Item) store.Claimed {
	return store.Claimed{ID: i.ID, Lease: i.Lease, Tries: max(i.Tries-1, 0)}
}

// The waits between the tries of an errand. A copy is given up after the last
// one; an uncertain mail is looked for within the grace it has (R6).
var (
	copyWaits = []time.Duration{time.Minute, 5 * time.Minute, 15 * time.Minute, time.Hour, 4 * time.Hour, 12 * time.Hour}
	lookWaits = []time.Duration{3 * time.Minute, 4 * time.Minute, 5 * time.Minute}
)

// errand does one errand and writes what came of it. That a copy could not be
// made says nothing about the mail: it was sent (R10).
func (k *Keeper) errand(ctx context.Context, i work.Item) error {
	e, err := k.Store.Read().SentErrand(ctx, i.ID)
	if err != nil {
		return err
	}
	m, err := k.Store.Read().Mail(ctx, e.MailID)
	if err != nil {
		return err
	}
	in, err := k.Store.Read().Incoming(ctx, e.MailboxID)
	if err != nil && postroom.CodeOf(err) != postroom.NotFound {
		return err
	}
	e.Tries++
	waits := copyWaits
	switch {
	case err != nil || !in.On:
		e.State, e.Words = store.ErrandFailed, "The mailbox has no incoming connection any more."
	case e.Kind == store.SentLook:
		waits = lookWaits
		err = k.look(ctx, &e, m, in)
	default:
		err = k.copy(ctx, &e, m, in)
	}
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	now := k.Store.Now()
	if e.State == store.ErrandWaiting {
		if err != nil {
			e.Words = words(err)
		}
		if e.DueAt = now; e.Tries > len(waits) {
			e.State = store.ErrandFailed
		} else {
			e.DueAt += waits[e.Tries-1].Milliseconds()
		}
	}
	if e.State != store.ErrandWaiting {
		e.EndedAt = now
	}
	k.Log.Info("sent mail", "errand", e.Kind, "mail", m.ID, "state", e.State, "tries", e.Tries, "words", e.Words)
	return k.Store.Write(ctx, func(t *store.Tx) error { return t.EndErrand(ctx, claimed(i), e) })
}

// copy puts a copy into the folder for sent mail, unless one lies there: by the
// provider's own doing, or by a try of ours whose answer was lost.
func (k *Keeper) copy(ctx context.Context, e *store.SentErrand, m *postroom.Mail, in *store.Incoming) error {
	raw, err := k.Blobs.Read(m.SHA256, m.Size)
	if err != nil {
		if postroom.CodeOf(err) == postroom.NotFound {
			e.State, e.Words = store.ErrandFailed, "The mail's bytes are no longer kept."
			return nil
		}
		return err
	}
	return k.with(ctx, in, func(c *imap.Conn) error {
		folder, err := c.FolderFor(ctx, "sent")
		if err != nil {
			return err
		}
		if folder == "" {
			e.State, e.Words = store.ErrandFailed, "The server has no folder for sent mail."
			return nil
		}
		status, err := c.Open(ctx, folder, false)
		if err != nil {
			return err
		}
		there, err := c.FindID(ctx, m.Header)
		if err != nil {
			return err
		}
		e.Folder, e.UIDValidity = folder, status.UIDValidity
		if len(there) > 0 {
			e.State, e.UID = store.ErrandDone, there[0]
			e.Words = fmt.Sprintf("A copy lies in the folder “%s” already.", folder)
			return nil
		}
		stored, err := c.Append(ctx, folder, raw, time.UnixMilli(m.CreatedAt).UTC())
		if err != nil {
			return err
		}
		e.State, e.Words = store.ErrandDone, fmt.Sprintf("A copy was put into the folder “%s”.", folder)
		if stored.UID != 0 {
			e.UIDValidity, e.UID = stored.UIDValidity, stored.UID
		}
		return nil
	})
}

// look searches for an uncertain mail where providers put what was sent through
// them. One that lies there was taken by the server.
func (k *Keeper) look(ctx context.Context, e *store.SentErrand, m *postroom.Mail, in *store.Incoming) error {
	if m.State != postroom.MailUnsure {
		e.State, e.Words = store.ErrandDone, "The mail is no longer uncertain."
		return nil
	}
	found := ""
	err := k.with(ctx, in, func(c *imap.Conn) error {
		found = ""
		for _, use := range []string{"sent", "all"} {
			folder, err := c.FolderFor(ctx, use)
			if err != nil {
				return err
			}
			if folder == "" {
				continue
			}
			status, err := c.Open(ctx, folder, false)
			if err != nil {
				return err
			}
			there, err := c.FindID(ctx, m.Header)
			if err != nil {
				return err
			}
			if len(there) > 0 {
				found, e.Folder, e.UIDValidity, e.UID = folder, folder, status.UIDValidity, there[0]
				return nil
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	if found == "" {
		e.Words = "It does not lie in the folder for sent mail."
		return nil
	}
	e.State, e.Words = store.ErrandDone, fmt.Sprintf("The server has it in the folder “%s”: it was handed over.", found)
	return k.Outbox.Seen(ctx, m.ID, e.Words)
}

// spareFor is how long a connection for errands is kept open: a busy desk signs
// in once and not for every mail.
const spareFor = 20 * time.Second

// spare is a mailbox's connection for errands.
type spare struct {
	mu       sync.Mutex // one errand at a time
	conn     *imap.Conn
	revision int64
	timer    *time.Timer
}

// with calls f with a connection to a mailbox's server. One that was kept and
// has died meanwhile is replaced once.
func (k *Keeper) with(ctx context.Context, in *store.Incoming, f func(*imap.Conn) error) error {
	k.mu.Lock()
	s := k.spare[in.MailboxID]
	if s == nil {
		s = &spare{}
		k.spare[in.MailboxID] = s
	}
	k.mu.Unlock()
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.timer != nil {
		s.timer.Stop()
	}
	if s.conn != nil && s.revision == in.Revision {
		err := f(s.conn)
		if fault, ok := errors.AsType[*imap.Fault](err); err == nil || ok && fault.Refused {
			s.keep()
			return err
		}
		if ctx.Err() != nil {
			s.drop()
			return err
		}
	}
	s.drop()
	conn, err := k.dial(ctx, &in.Incoming)
	if err != nil {
		return err
	}
	s.conn, s.revision = conn, in.Revision
	err = f(conn)
	if fault, ok := errors.AsType[*imap.Fault](err); err != nil && (!ok || !fault.Refused) {
		s.drop()
		return err
	}
	s.keep()
	return err
}

// keep lets the connection wait for the next errand.
func (s *spare) keep() {
	s.timer = time.AfterFunc(spareFor, func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.drop()
	})
}

// drop closes the connection.
func (s *spare) drop() {
	if s.conn != nil {
		s.conn.Close()
		s.conn = nil
	}
}

// closeSpares ends all connections for errands.
func (k *Keeper) closeSpares() {
	k.mu.Lock()
	defer k.mu.Unlock()
	for _, s := range k.spare {
		s.mu.Lock()
		if s.timer != nil {
			s.timer.Stop()
		}
		s.drop()
		s.mu.Unlock()
	}
}

// Close ends the connections that are kept for errands.
func (k *Keeper) Close() { k.closeSpares() }
