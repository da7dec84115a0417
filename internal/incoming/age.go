package incoming

import (
	"context"
	"fmt"
	"slices"
	"time"

	"postroom/internal/desk"
	"postroom/internal/wire/imap"
)

// age is whether a mail that lies in a folder which was numbered anew was there
// before the folder was first opened.
type age int

const (
	isNew    age = iota
	isOld        // it was: the mailbox says what becomes of it
	doubtful     // nothing tells: it is taken in, and nobody is told or answered
)

// ages finds out how old mails are after a renumbering. The server's own date
// of receipt tells, if it can be believed: a server that rebuilds its index may
// have lost these dates, or give all mails that of the rebuilding. So one that
// is missing, or not before our last look, needs a second evidence: the newest
// Received header, which our side's server wrote; without one the sender's own
// Date can only say that a mail is new. What is known already by its Message-ID
// and content is a duplicate in any case (D1). Mails that are gone by now are
// left out.
func (r *reading) ages(ctx context.Context, uids []uint32) (map[uint32]age, error) {
	out := map[uint32]age{}
	looked := time.UnixMilli(r.at.SinceAt).Add(rescanBack)
	second := 0
	for part := range slices.Chunk(uids, headMails) {
		heads, err := r.conn.Heads(ctx, part)
		if err != nil {
			return nil, err
		}
		var ask []uint32
		for _, head := range heads {
			switch {
			case !head.At.IsZero() && r.before(head.At):
				out[head.UID] = isOld
			case !head.At.IsZero() && head.At.Before(looked.Truncate(time.Second)):
				out[head.UID] = isNew
			default:
				out[head.UID] = doubtful
				ask = append(ask, head.UID)
			}
		}
		second += len(ask)
		err = r.conn.Headers(ctx, ask, []string{"Received", "Date"}, func(uid uint32, header []byte) {
			out[uid] = r.dated(desk.DatesOf(header))
		})
		if err != nil {
			return nil, err
		}
	}
	if second > 0 && !r.dateless {
		r.dateless = true
		r.at.Words += fmt.Sprintf(" The server's dates did not tell which of them are new; for %d their Received and Date headers had to.", second)
	}
	return out, nil
}

// dated tells a mail's age by its headers.
func (r *reading) dated(received, written time.Time) age {
	switch {
	case !received.IsZero() && r.before(received):
		return isOld
	case !received.IsZero(), !written.IsZero() && !r.before(written):
		return isNew
	}
	return doubtful
}

// before reports whether a time is before the folder was first opened. Servers
// keep whole seconds.
func (r *reading) before(t time.Time) bool {
	return t.UnixMilli() < r.at.BegunAt-r.at.BegunAt%1000
}

// renumberedAges are the ages of mails that are about to be taken in, if their
// folder was numbered anew.
func (r *reading) renumberedAges(ctx context.Context, heads []imap.Head) (map[uint32]age, error) {
	if !r.at.Rescan {
		return nil, nil
	}
	var ask []uint32
	for _, head := range heads {
		if head.UID <= r.at.OlderUID {
			ask = append(ask, head.UID)
		}
	}
	return r.ages(ctx, ask)
}
