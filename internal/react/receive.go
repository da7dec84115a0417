package react

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"postroom"
	"postroom/internal/alarm"
	"postroom/internal/desk"
	"postroom/internal/email"
	"postroom/internal/store"
)

const (
	receiveBatch = 64       // mails of one look at a lane
	receiveBytes = 64 << 20 // … and about how many bytes of them
	receiveAhead = 24       // mails read ahead of the one that is filed
	receiveGroup = 8        // mails that were read and are filed in one transaction
	receiveTries = 5        // before a mail that fails is set aside
	conflicts    = 3        // before a conflict is taken for the mail's own fault
)

// receive works one mailbox's lane: its mails are read in parallel and filed
// in order of arrival, so that an answer that came right after its parent
// finds it (T19). Lane 0 holds the mails whose envelope named no mailbox; they
// are passed on to where their headers say.
func (r *React) receive(ctx context.Context, c store.Claimed) error {
	for {
		batch, err := r.Store.Read().WaitingInbound(ctx, c.ID, r.Store.Now(), receiveBatch)
		if err != nil {
			return err
		}
		if len(batch) == 0 {
			done, err := r.leaveLane(ctx, c)
			if done || err != nil {
				return err
			}
			continue
		}
		if err := r.receiveAll(ctx, c, bounded(batch)); err != nil {
			return err
		}
	}
}

// bounded leaves as many mails as fit in memory side by side, but one at
// least.
func bounded(batch []store.Inbound) []store.Inbound {
	sum := int64(0)
	for i, in := range batch {
		if sum += in.Size; i > 0 && sum > receiveBytes {
			return batch[:i]
		}
	}
	return batch
}

// receiveAll files a batch in its order. While one mail is filed, those behind
// it are read.
func (r *React) receiveAll(ctx context.Context, c store.Claimed, batch []store.Inbound) error {
	boxes, err := r.Store.Read().Mailboxes(ctx)
	if err != nil {
		return err
	}
	agents, err := r.Store.Read().AgentsByAddress(ctx)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithCancel(ctx)
	ahead := make(chan chan *filing, receiveAhead)
	ended := make(chan struct{})
	defer func() {
		cancel()
		for range ahead { // until the reader has seen that it is over
		}
		<-ended
	}()
	go func() {
		defer close(ended)
		defer close(ahead)
		r.readAhead(ctx, around{boxes, agents}, batch, ahead)
	}()
	g := groups{from: ahead}
	for group := g.next(); len(group) > 0; group = g.next() {
		if len(group) > 1 && r.fileTogether(ctx, c, group) == nil {
			continue
		}
		// Alone, or one of them spoils it for all.
		for _, f := range group {
			if err := r.receiveOne(ctx, c, f); err != nil {
				return err
			}
		}
	}
	return ctx.Err()
}

// groups takes mails that were read, in their order, as many together as are
// ready: whoever is behind is filed with one wait for the disk.
type groups struct {
	from  <-chan chan *filing
	ahead *filing // was taken already and belongs to the next group
}

// next waits for a mail and returns it with those behind it that are ready and
// hang on none before them in the group; a mail that cannot be filed stands
// alone. None is the end.
func (g *groups) next() []*filing {
	first := g.ahead
	if g.ahead = nil; first == nil {
		one, ok := <-g.from
		if !ok {
			return nil
		}
		first = <-one
	}
	group, left := []*filing{first}, map[string]bool{}
	first.leaves(left)
	for first.ready() && len(group) < receiveGroup {
		select {
		case one, ok := <-g.from:
			if !ok {
				return group
			}
			if f := <-one; f.ready() && !f.needs(left) {
				group = append(group, f)
				f.leaves(left)
			} else {
				g.ahead = f
				return group
			}
		default:
			return group
		}
	}
	return group
}

// ready reports whether nothing stands in the way of filing the mail together
// with others. What an agent answered is decided when its turn has come, and a
// report touches another conversation's mail too.
func (f *filing) ready() bool {
	return f.fault == nil && f.mailbox != nil && f.answer == nil && f.report == nil
}

// leaves adds the ids by which others find a mail, and those it cites.
func (f *filing) leaves(ids map[string]bool) {
	if f.message == nil {
		return
	}
	ids[f.in.HeaderID], ids[email.CanonicalID(f.message.Header)] = true, true
	for _, ref := range f.message.References {
		ids[email.CanonicalID(ref)] = true
	}
}

// needs reports whether where a mail belongs hangs on others, which left some
// ids: it is filed when they stand where they belong.
func (f *filing) needs(ids map[string]bool) bool {
	return slices.ContainsFunc(f.cited(), func(id string) bool { return id != "" && ids[id] })
}

// fileTogether files mails in one transaction. After an error none of them was
// filed.
func (r *React) fileTogether(ctx context.Context, c store.Claimed, group []*filing) (err error) {
	defer func() {
		if v := recover(); v != nil {
			err = fmt.Errorf("filing %d mails together: %v", len(group), v)
		}
	}()
	for _, f := range group {
		f.evidence(ctx)
	}
	if err = r.file(ctx, c, group); err != nil {
		r.Log.Info("received mails are filed one by one", "lane", c.ID, "mails", len(group), "because", err)
	}
	return err
}

// leaveLane gives the lane back, unless a mail arrived meanwhile.
func (r *React) leaveLane(ctx context.Context, c store.Claimed) (done bool, err error) {
	err = r.Store.Write(ctx, func(tx *store.Tx) error {
		if err := tx.HoldLane(ctx, store.LaneReceive, c); err != nil {
			return err
		}
		due, err := tx.NextInbound(ctx, c.ID)
		if err != nil || due > 0 && due <= r.Store.Now() {
			done = false
			return err
		}
		done = true
		return tx.ReleaseLane(ctx, store.LaneReceive, c, due, 0)
	})
	return done, err
}

// unreadable is a fault that lies in the mail itself: trying again changes
// nothing.
type unreadable struct{ error }

func (u unreadable) Unwrap() error { return u.error }

// receiveOne files one mail, or notes why it could not be. An error means that
// the lane, the database or the process is gone, and that the lane is to be
// tried again as a whole.
func (r *React) receiveOne(ctx context.Context, c store.Claimed, f *filing) error {
	err := f.fault
	for try := 0; err == nil || postroom.CodeOf(err) == postroom.Conflict && try < conflicts; try++ {
		if err = r.place(ctx, c, f); err == nil {
			return nil
		}
	}
	if ctx.Err() != nil {
		return ctx.Err()
	}
	if postroom.CodeOf(err) == postroom.Unavailable && !f.blobFault {
		return err
	}
	return r.unprocessable(ctx, c, f, err)
}

// place passes a mail on or files it. A panic is a fault of this mail and
// delays no other.
func (r *React) place(ctx context.Context, c store.Claimed, f *filing) (err error) {
	defer func() {
		if v := recover(); v != nil {
			err = r.panicked("filing", f.in, v)
		}
	}()
	if f.mailbox == nil {
		return f.pass(ctx, c)
	}
	f.evidence(ctx)
	if f.answer != nil {
		if err := f.answer.decide(ctx); err != nil {
			return err
		}
	}
	return r.file(ctx, c, []*filing{f})
}

func (r *React) panicked(what string, in store.Inbound, v any) error {
	r.Log.Error("received mail: a fault of this program", "while", what, "inbound", in.ID, "panic", v)
	return unreadable{fmt.Errorf("%s it failed by a fault of this program: %v", what, v)}
}

// unprocessable keeps a mail that cannot be filed: it is tried again a few
// times if that can help, then shown to administrators with its words; it
// delays nobody (D5).
func (r *React) unprocessable(ctx context.Context, c store.Claimed, f *filing, cause error) error {
	id, err := r.Store.NewID(ctx)
	if err != nil {
		return err
	}
	in, now := f.in, r.Store.Now()
	in.MailboxID = c.ID // it stays where it was
	in.Tries++
	in.Words = plain("Could not be processed: "+postroom.TextOf(cause), maxWords)
	in.State, in.DueAt = store.InboundNew, now+pause(in.Tries+2)
	if errors.As(cause, new(unreadable)) || in.Tries >= receiveTries {
		in.State, in.DueAt, in.DoneAt = store.InboundFailed, 0, now
	}
	r.Log.Warn("received mail could not be processed", "inbound", in.ID, "tries", in.Tries, "error", cause)
	return r.Store.Write(ctx, func(tx *store.Tx) error {
		if err := tx.HoldLane(ctx, store.LaneReceive, c); err != nil {
			return err
		}
		if in.State == store.InboundFailed {
			if err := r.Alarms.RaiseIn(ctx, tx, id, alarm.InboundFailed, decimal(in.ID), in.Words); err != nil {
				return err
			}
		}
		return tx.EndInbound(ctx, in)
	})
}

// pass gives a mail whose envelope named no mailbox of ours to those its
// headers name, each its own (T11, T17); there it waits its turn among the
// others. One that names none is kept and shown.
func (f *filing) pass(ctx context.Context, c store.Claimed) error {
	to := f.named()
	if len(to) == 0 {
		return unreadable{postroom.Errorf(postroom.Invalid, "Neither its envelope nor its headers name an address of ours.")}
	}
	ids, err := f.r.Store.NewIDs(ctx, len(to))
	if err != nil {
		return err
	}
	return f.r.Store.Write(ctx, func(tx *store.Tx) error {
		now := f.r.Store.Now()
		for i, box := range to {
			row := f.in
			row.MailboxID, row.State, row.Tries, row.DueAt, row.Words = box, store.InboundNew, 0, now, ""
			var err error
			if i == 0 {
				err = tx.EndInbound(ctx, row)
			} else {
				row.ID = ids[i]
				err = tx.InsertInbound(ctx, row)
			}
			if err == nil {
				err = tx.OpenLane(ctx, store.LaneReceive, box, now)
			}
			if err != nil {
				return err
			}
		}
		tx.OnCommit(func() { f.r.Desk.Wake(desk.WakeReceive) })
		return tx.HoldLane(ctx, store.LaneReceive, c)
	})
}

// named lists the mailboxes a mail's headers name: the one it was delivered
// to, else all in To and Cc.
func (f *filing) named() []int64 {
	if f.mail == nil {
		return nil
	}
	for _, a := range f.mail.DeliveredTo {
		if m := f.r.Desk.MailboxFor(f.boxes, a); m != nil {
			return []int64{m.ID}
		}
	}
	var out []int64
	for _, a := range slices.Concat(f.mail.To, f.mail.Cc) {
		if m := f.r.Desk.MailboxFor(f.boxes, a.Address); m != nil && !slices.Contains(out, m.ID) {
			out = append(out, m.ID)
		}
	}
	return out
}

// evidence tells the outbox what the mail proves: that a mail of ours, about
// which there may be doubt, has arrived (R6). It comes before the filing, so
// that a crash between the two repeats it and loses nothing.
func (f *filing) evidence(ctx context.Context) {
	seen := func(id int64, words string) {
		if err := f.r.Outbox.Seen(ctx, id, words); err != nil {
			f.r.Log.Warn("evidence that a mail arrived could not be noted", "mail", id, "inbound", f.in.ID, "error", err)
		}
	}
	if f.copyOf != 0 {
		seen(f.copyOf, "A copy of the mail came back to us: it was handed on.")
		return
	}
	words := "It was answered."
	if f.message.Class == postroom.Class(email.DeliveryReport) {
		words = "A delivery report about it came back: it was handed on."
	}
	told := []int64{}
	for _, p := range f.proof {
		if p.MailID != 0 && len(told) < 10 && !slices.Contains(told, p.MailID) {
			told = append(told, p.MailID)
			seen(p.MailID, words)
		}
	}
}

const maxWords = 2000 // bytes of what is noted about a received mail

// plain makes a text fit for a row: valid UTF-8, no NUL, at most n bytes.
func plain(s string, n int) string {
	s = strings.ReplaceAll(strings.ToValidUTF8(s, "\uFFFD"), "\x00", "")
	if len(s) > n {
		s = strings.ToValidUTF8(s[:n], "")
	}
	return s
}

// clause turns a sentence into what can follow a colon.
func clause(s string) string {
	s = strings.TrimSuffix(s, ".")
	for _, w := range []string{"It ", "Its "} {
		if rest, ok := strings.CutPrefix(s, w); ok {
			return strings.ToLower(w) + rest
		}
	}
	return s
}
