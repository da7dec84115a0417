package desk

import (
	"bytes"
	"context"
	"strings"
	"time"

	"postroom"
	"postroom/internal/email"
	"postroom/internal/store"
)

// Fetched are mails that were fetched from a mailbox's folder, in the order in
// which they lay there.
type Fetched struct {
	MailboxID int64
	Remote    string // the server
	Behind    int64  // the greatest id of a mail that came this way before: these get greater ones
	Mails     []FetchedMail
}

// FetchedMail is one of them.
type FetchedMail struct {
	Raw      []byte // at most MaxMail bytes
	Imported postroom.Imported
}

// AcceptFetched keeps fetched mails: the raw bytes on disk, and one row for
// each. also runs in the same transaction, with the greatest id of a row, so
// that the note of how far a folder was read and the rows it counts are
// committed together (D4). When it returns nil they are safe; an error means
// that none was kept. It may be given no mails at all.
func (d *Desk) AcceptFetched(ctx context.Context, in Fetched, also func(tx *store.Tx, last int64) error) (err error) {
	defer wrap(&err, "accept fetched mails")
	rows := make([]store.Inbound, len(in.Mails))
	for i, m := range in.Mails {
		if len(m.Raw) > MaxMail {
			return postroom.Errorf(postroom.Invalid, "The mail is larger than %d MB.", MaxMail>>20)
		}
		ref, err := d.blobs.PutBytes(ctx, m.Raw)
		if err != nil {
			return err
		}
		rows[i] = store.Inbound{MailboxID: in.MailboxID, Source: "imap", Remote: clean(in.Remote), RawSHA256: ref.Hash, Size: ref.Size, State: store.InboundNew, Imported: m.Imported}
	}
	ids, err := d.idsBehind(ctx, in.Behind, len(rows))
	if err != nil {
		return err
	}
	return d.store.Write(ctx, func(tx *store.Tx) error {
		now, last := d.store.Now(), in.Behind
		for i, row := range rows {
			row.ID, row.DueAt, row.ReceivedAt = ids[i], now, now
			last = row.ID
			if err := tx.InsertInbound(ctx, row); err != nil {
				return err
			}
		}
		if err := also(tx, last); err != nil || len(rows) == 0 {
			return err
		}
		tx.OnCommit(func() { d.wake(WakeReceive) })
		return tx.OpenLane(ctx, store.LaneReceive, in.MailboxID, now)
	})
}

// DatesOf reads from the header of a mail when the last server on its way
// received it, by the newest of its Received fields (RFC 5321 4.4), and when it
// says it was written. A time that cannot be read is zero.
func DatesOf(header []byte) (received, written time.Time) {
	m := email.Parse(append(bytes.TrimRight(header, "\r\n"), "\r\n\r\n"...), email.ParseOptions{})
	if all := m.HeaderValues("Received"); len(all) > 0 {
		if i := strings.LastIndexByte(all[0], ';'); i >= 0 {
			received, _ = email.ParseDate(all[0][i+1:])
		}
	}
	written, _ = email.ParseDate(m.Header("Date"))
	return received, written
}

// idsBehind draws ascending ids that are greater than one. Received mails are
// filed in the order of their ids, and another process, whose ids are of
// another block, may have had the connection before.
func (d *Desk) idsBehind(ctx context.Context, behind int64, n int) ([]int64, error) {
	for more := n; ; more = max(n, 100) {
		ids, err := d.store.NewIDs(ctx, more)
		if err != nil || n == 0 {
			return nil, err
		}
		if first := len(ids) - n; ids[first] > behind {
			return ids[first:], nil
		}
	}
}
