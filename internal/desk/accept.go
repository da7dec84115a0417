package desk

import (
	"context"
	"encoding/json"
	"errors"
	"slices"
	"strings"

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
	to := make([]string, len(in.To))
	for i, address := range in.To {
		to[i] = clean(address)
	}
	return d.store.Write(ctx, func(tx *store.Tx) error {
		now := d.store.Now()
		for i, box := range boxes {
			row := store.Inbound{ID: ids[i], MailboxID: box, Source: in.Source, EnvelopeFrom: clean(in.From), EnvelopeTo: to, Remote: clean(in.Remote),
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

// clean makes what a peer said fit for a row: valid text without NUL.
func clean(s string) string {
	return strings.ReplaceAll(strings.ToValidUTF8(s, "\uFFFD"), "\x00", "")
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

// MailboxFor returns the mailbox with an address, nil if none of them has it.
// The address as it is comes first; then what stands behind the separator is
// left out, whether it is a token of ours or, where the provider delivers such
// addresses, anything else: a token that was mangled on its way makes no match
// (T2), and no mail is lost over it.
func (d *Desk) MailboxFor(all []*postroom.Mailbox, address string) *postroom.Mailbox {
	address = postroom.Canonical(address)
	if !strings.Contains(address, "@") {
		return nil
	}
	for _, plain := range []func(*postroom.Mailbox) string{
		func(*postroom.Mailbox) string { return address },
		func(m *postroom.Mailbox) string { return d.keys.PlainAddress(address, m.Separator) },
		func(m *postroom.Mailbox) string { return withoutDetail(address, m) },
	} {
		for _, m := range all {
			if slices.Contains(m.Addresses(), plain(m)) {
				return m
			}
		}
	}
	return nil
}

// withoutDetail takes the part of a local part behind its first separator off
// (RFC 5233), where the mailbox's provider knows such addresses.
func withoutDetail(address string, m *postroom.Mailbox) string {
	separator := m.Separator
	if separator == "" {
		separator = "+"
	}
	at := strings.LastIndexByte(address, '@')
	i := strings.Index(address[:at], separator)
	if !m.Subaddress || i < 1 {
		return address
	}
	return address[:i] + address[at:]
}

// KnowsRecipient tells a listener whether an address is one of ours; NotFound
// if not, Busy for a mailbox that is switched off: the sender's server keeps such
// a mail and tries again, so that none is lost over it.
func (d *Desk) KnowsRecipient(ctx context.Context, address string) error {
	all, err := d.store.Read().Mailboxes(ctx)
	if err != nil {
		return err
	}
	m := d.MailboxFor(all, address)
	switch {
	case m == nil:
		return postroom.Errorf(postroom.NotFound, "There is no mailbox %s here.", address)
	case m.Off():
		return postroom.Errorf(postroom.Busy, "The mailbox %s is switched off for now.", m.Address)
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
