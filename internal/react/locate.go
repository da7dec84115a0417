package react

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"postroom"
	"postroom/internal/email"
	"postroom/internal/store"
)

// Location says where a received mail would go.
type Location struct {
	Known    bool  // it is known: one of our mailboxes is meant
	Nowhere  bool  // it would be kept in the log of received mail, and go to no conversation
	Number   int64 // of the conversation it would join; 0: it would begin a new one, or go nowhere
	Evidence email.EvidenceKind
	Words    string // why, for people
}

// errOnlyAsked rolls a transaction back that only asked.
var errOnlyAsked = errors.New("only asked")

// Locate says where a mail would go if it came in now, by the very rules that
// file it, and writes nothing. An agent's answer to a notification goes where
// T12's table has it: into the conversation it acts on, or nowhere.
func (r *React) Locate(ctx context.Context, raw []byte) (Location, error) {
	boxes, err := r.Store.Read().Mailboxes(ctx)
	if err != nil {
		return Location{}, err
	}
	agents, err := r.Store.Read().AgentsByAddress(ctx)
	if err != nil {
		return Location{}, err
	}
	f := &filing{r: r, around: around{boxes, agents}, asked: true, mail: email.Parse(raw, email.ParseOptions{}), message: &postroom.Message{}}
	if f.mail.Err != nil {
		return Location{Words: "The mail could not be read."}, nil
	}
	meant := f.named()
	if len(meant) == 0 {
		return Location{Words: "None of its addresses is one of a mailbox here."}, nil
	}
	f.mailbox = boxes[slices.IndexFunc(boxes, func(m *postroom.Mailbox) bool { return m.ID == meant[0] })]
	f.in.MailboxID, f.in.ReceivedAt = f.mailbox.ID, r.Store.Now()
	if f.in.HeaderID = email.CanonicalID(f.mail.MessageID); f.in.HeaderID == "" {
		f.in.HeaderID = email.DerivedID(raw)
	}
	class, _ := email.Classify(f.mail)
	f.message.Class = postroom.Class(class)
	f.author = f.writer()
	f.proof = email.Evidence(f.mail, r.Desk.Keys(), nil)
	if err := f.notified(ctx); err != nil {
		return Location{}, err
	}
	if f.answer != nil {
		if err := f.answer.decide(ctx); err != nil {
			return Location{}, err
		}
		return f.answer.location(), nil
	}
	var where Location
	err = r.Store.Write(ctx, func(tx *store.Tx) error {
		again, err := r.look(ctx, tx, []*filing{f})
		if err != nil {
			return err
		}
		f := again[0]
		c, old, err := f.thread(ctx, tx)
		if err != nil {
			return err
		}
		where = f.location(c, old)
		return errOnlyAsked
	})
	if !errors.Is(err, errOnlyAsked) {
		return Location{}, err
	}
	return where, nil
}

// location puts what threading found into words.
func (f *filing) location(c, old *postroom.Conversation) Location {
	where := Location{Known: true, Words: f.in.Evidence}
	for _, p := range f.proof {
		if strings.HasPrefix(f.in.Evidence, p.Detail) {
			where.Evidence = p.Kind
			break
		}
	}
	switch {
	case c != nil:
		where.Number = c.Number
		if where.Evidence == "" {
			where.Evidence = email.StoredID // kin: another mail cites the same
		}
	case old == nil:
		where.Words = fmt.Sprintf("Nothing in it leads to a conversation of %s.", f.mailbox.Address)
	}
	if f.in.Words != "" {
		where.Words += " " + f.in.Words
	}
	return where
}

// location says where an agent's answer would go, and by what it is one.
func (a *answer) location() Location {
	where := Location{Known: true, Words: a.words, Nowhere: a.state != store.InboundDone}
	for _, p := range a.f.proof {
		if p.MailID != 0 && (p.MailID == a.told.ID || a.told.ID == 0) {
			where.Evidence, where.Words = p.Kind, p.Detail+" "+a.words
			break
		}
	}
	if !where.Nowhere {
		where.Number = a.c.Number
	}
	return where
}
