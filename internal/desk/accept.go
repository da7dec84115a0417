package desk

import (
	"context"
	"encoding/json"
	"errors"
	"slices"

	"postroom"
	"postroom/internal/email"
	"postroom/internal/store"
)

// Delivery is a mail as a door hands it in, before anyone tries to understand
// it.
type Delivery struct {
	Source string // lmtp, smtp, spool, imap
	From   string // envelope sender, "" for the null sender
	To     []string
	Raw    []byte
	Remote string
}

// MaxMail is the largest mail taken in, in bytes.
const MaxMail = 50 << 20

// Accept keeps a received mail: the raw bytes on disk and one row for each of
// our mailboxes it is for. When it returns nil the mail is safe, and only then
// may the peer be told so. It does not look inside. An error means that the
// mail was not kept.
func (d *Desk) Accept(ctx context.Context, in Delivery) (err error) {
	defer wrap(&err, "accept")
	if len(in.Raw) > MaxMail {
		return postroom.Errorf(postroom.Invalid, "The mail is larger than %d MB.", MaxMail>>20)
	}
	boxes, err := d.mailboxesFor(ctx, in.To)
	if err != nil {
		return err
	}
	ref, err := d.blobs.PutBytes(ctx, in.Raw)
	if err != nil {
		return err
	}
	ids, err := d.store.NewIDs(ctx, len(boxes))
	if err != nil {
		return err
	}
	return d.store.Write(ctx, func(tx *store.Tx) error {
		now := d.store.Now()
		for i, box := range boxes {
			row := store.Inbound{ID: ids[i], MailboxID: box, Source: in.Source, EnvelopeFrom: in.From, EnvelopeTo: in.To, Remote: in.Remote,
				RawSHA256: ref.Hash, Size: ref.Size, State: store.InboundNew, DueAt: now, ReceivedAt: now}
			if err := tx.InsertInbound(ctx, row); err != nil {
				return err
			}
			if err := tx.OpenLane(ctx, store.LaneReceive, box, now); err != nil {
				return err
			}
		}
		tx.OnCommit(func() { d.wake(WakeReceive) })
		return nil
	})
}

// mailboxesFor returns the mailboxes a mail's envelope names, each once; one
// that names none goes to mailbox 0, where headers may still tell (T17).
func (d *Desk) mailboxesFor(ctx context.Context, to []string) ([]int64, error) {
	all, err := d.store.Read().Mailboxes(ctx)
	if err != nil {
		return nil, err
	}
	var out []int64
	for _, address := range to {
		if m := d.MailboxFor(all, address); m != nil && !slices.Contains(out, m.ID) {
			out = append(out, m.ID)
		}
	}
	if len(out) == 0 {
		out = []int64{0}
	}
	return out, nil
}

// MailboxFor returns the mailbox with an address, token or not; nil if none of
// them has it.
func (d *Desk) MailboxFor(all []*postroom.Mailbox, address string) *postroom.Mailbox {
	for _, m := range all {
		plain := postroom.Canonical(d.keys.PlainAddress(address, m.Separator))
		if slices.Contains(m.Addresses(), plain) || slices.Contains(m.Addresses(), postroom.Canonical(address)) {
			return m
		}
	}
	return nil
}

// KnowsRecipient tells a listener whether an address is one of ours; NotFound
// if not.
func (d *Desk) KnowsRecipient(ctx context.Context, address string) error {
	all, err := d.store.Read().Mailboxes(ctx)
	if err != nil {
		return err
	}
	if d.MailboxFor(all, address) == nil {
		return postroom.Errorf(postroom.NotFound, "There is no mailbox %s here.", address)
	}
	return nil
}

// SpecOf reads what a mail's bytes are built from.
func SpecOf(m *postroom.Mail) (Spec, error) {
	var s Spec
	if len(m.Spec) == 0 {
		return s, errors.New("the mail has no spec")
	}
	return s, json.Unmarshal(m.Spec, &s)
}

// Keys returns the keyring that signs tokens.
func (d *Desk) Keys() *email.Keyring { return d.keys }
