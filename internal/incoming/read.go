package incoming

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"postroom"
	"postroom/internal/alarm"
	"postroom/internal/desk"
	"postroom/internal/store"
	"postroom/internal/wire/imap"
)

// Bounds of reading a folder.
const (
	batchMails = 25      // mails that are kept in one transaction
	batchBytes = 8 << 20 // … and about how many bytes of them
	headMails  = 500     // mails whose sizes are asked for at once
	manyWait   = 20      // from so many gathered mails on, the progress is shown
	cutAt      = 1 << 20 // bytes that are taken in of a mail that is too large
	stuckTries = 5       // before a mail that the server does not give out is passed over

	// rescanBack is how far before the last look mails are read again after a
	// server has numbered a folder anew; D1 absorbs those that are known.
	rescanBack = 7 * 24 * time.Hour
)

// round reads all folders from where each was left. A folder that cannot be
// opened does not hold up the others: it is the fault that is returned. An
// error means that the connection, the lease or the database is gone.
func (h *hold) round(ctx context.Context, conn *imap.Conn) (fault, err error) {
	known, err := h.k.Store.Read().IncomingFolders(ctx, h.in.MailboxID)
	if err != nil {
		return nil, err
	}
	// The first folder comes last: it stays open, and new mail in it is told.
	for i := len(h.in.Folders) - 1; i >= 0; i-- {
		r := &reading{hold: h, conn: conn}
		if j := slices.IndexFunc(known, func(f store.IncomingFolder) bool { return f.Name == h.in.Folders[i] }); j >= 0 {
			r.at = known[j]
		}
		r.at.MailboxID, r.at.Name = h.in.MailboxID, h.in.Folders[i]
		err := r.read(ctx)
		if f, ok := errors.AsType[*imap.Fault](err); ok && f.Refused {
			fault = f
		} else if err != nil {
			return nil, err
		}
	}
	return fault, nil
}

// reading is one folder being read.
type reading struct {
	*hold
	conn     *imap.Conn
	at       store.IncomingFolder // as it was written last
	dateless bool                 // it was noted that mails have no date of receipt
}

func (r *reading) read(ctx context.Context) error {
	write := r.in.After != postroom.AfterLeave
	status, err := r.conn.Open(ctx, r.at.Name, write)
	if err != nil {
		return err
	}
	if err := r.find(ctx, status); err != nil {
		return err
	}
	if err := r.tend(ctx); err != nil {
		return err
	}
	uids, err := r.pick(ctx, r.at.LastUID)
	if err != nil {
		return err
	}
	if len(uids) == 0 && r.at.Waiting == 0 && r.k.Store.Now()-r.at.CheckedAt < time.Minute.Milliseconds() {
		return nil // nothing to note
	}
	r.at.Waiting, r.at.Taken = len(uids), 0
	if err := r.take(ctx, uids); err != nil {
		return err
	}
	r.at.CheckedAt, r.at.Waiting, r.at.Taken = r.k.Store.Now(), 0, 0
	if err := r.keep(ctx, nil); err != nil {
		return err
	}
	return r.tend(ctx)
}

// find says where reading goes on: a folder that is opened first, one whose
// mails were numbered anew, or where it stopped (D3).
func (r *reading) find(ctx context.Context, s imap.Status) error {
	switch {
	case r.at.BegunAt == 0:
		return r.begin(ctx, s)
	case r.at.UIDValidity != s.UIDValidity:
		return r.renumbered(ctx, s)
	}
	return nil
}

// newest is the greatest UID in the folder by now.
func (r *reading) newest(ctx context.Context, s imap.Status) (uint32, error) {
	if s.UIDNext > 0 || s.Messages == 0 {
		return max(s.UIDNext, 1) - 1, nil
	}
	uids, err := r.conn.UIDsAfter(ctx, 0, time.Time{})
	if err != nil || len(uids) == 0 {
		return 0, err
	}
	return uids[len(uids)-1], nil
}

// begin notes what lies in a folder that is opened for the first time.
func (r *reading) begin(ctx context.Context, s imap.Status) error {
	newest, err := r.newest(ctx, s)
	if err != nil {
		return err
	}
	r.at.UIDValidity, r.at.OlderUID, r.at.BegunAt = s.UIDValidity, newest, r.k.Store.Now()
	switch r.in.Older {
	case postroom.OlderSince:
		r.at.SinceAt = r.in.OlderFrom
	case postroom.OlderAll:
	default:
		r.at.LastUID, r.at.TendedUID = newest, newest
	}
	r.k.Log.Info("a folder is read for the first time", "mailbox", r.in.MailboxID, "folder", r.at.Name, "older mail", r.in.Older, "mails", s.Messages)
	return r.keep(ctx, nil)
}

// renumbered begins a folder anew whose UIDs mean other mails by now. A bounded
// window before the last look is read again.
func (r *reading) renumbered(ctx context.Context, s imap.Status) error {
	newest, err := r.newest(ctx, s)
	if err != nil {
		return err
	}
	last := r.at.CheckedAt
	if last == 0 {
		last = r.at.BegunAt
	}
	since := time.UnixMilli(last).Add(-rescanBack).UTC()
	text := fmt.Sprintf("The server numbered the folder anew (UIDVALIDITY %d, before %d); mails since %s were read again.", s.UIDValidity, r.at.UIDValidity, since.Format(time.DateOnly))
	if r.at.UIDValidity == 0 {
		text = fmt.Sprintf("The folder is that of another account; mails since %s were read.", since.Format(time.DateOnly))
	}
	r.k.Log.Warn("a folder was numbered anew", "mailbox", r.in.MailboxID, "folder", r.at.Name, "was", r.at.UIDValidity, "is", s.UIDValidity, "since", since)
	r.at.UIDValidity, r.at.LastUID, r.at.TendedUID, r.at.OlderUID = s.UIDValidity, 0, 0, newest
	r.at.SinceAt, r.at.Rescan, r.at.Words, r.at.StuckUID, r.at.StuckTries = since.UnixMilli(), true, text, 0, 0
	return r.keep(ctx, nil)
}

// pick lists the mails behind a UID that are to be taken in, in their order.
func (r *reading) pick(ctx context.Context, last uint32) ([]uint32, error) {
	var older []uint32
	if last < r.at.OlderUID {
		since := time.Time{}
		if r.at.SinceAt > 0 {
			since = time.UnixMilli(r.at.SinceAt).UTC()
		}
		all, err := r.conn.UIDsAfter(ctx, last, since)
		if err != nil {
			return nil, err
		}
		older = slices.DeleteFunc(all, func(uid uint32) bool { return uid > r.at.OlderUID })
		if older, err = r.wanted(ctx, older); err != nil {
			return nil, err
		}
	}
	news, err := r.conn.UIDsAfter(ctx, max(last, r.at.OlderUID), time.Time{})
	return append(older, news...), err
}

// wanted leaves mails out that lay in the folder before it was first opened and
// that were to stay there: after a renumbering only dates tell.
func (r *reading) wanted(ctx context.Context, uids []uint32) ([]uint32, error) {
	if !r.at.Rescan || r.in.Older != postroom.OlderNone {
		return uids, nil
	}
	known, err := r.ages(ctx, uids)
	if err != nil {
		return nil, err
	}
	return slices.DeleteFunc(uids, func(uid uint32) bool {
		is, there := known[uid]
		return !there || is == isOld
	}), nil
}

// imported says how a mail is taken in.
func (r *reading) imported(head imap.Head, ages map[uint32]age) postroom.Imported {
	if head.UID > r.at.OlderUID {
		return postroom.NotImported
	}
	if r.at.Rescan {
		switch ages[head.UID] {
		case isNew:
			return postroom.NotImported
		case doubtful:
			return postroom.ImportedOpen
		}
	}
	switch r.in.Older {
	case postroom.OlderSince:
		return postroom.ImportedOpen
	case postroom.OlderAll:
		return postroom.ImportedClosed
	}
	return postroom.NotImported
}

// take takes mails in, in their order, some at a time.
func (r *reading) take(ctx context.Context, uids []uint32) error {
	for part := range slices.Chunk(uids, headMails) {
		heads, err := r.conn.Heads(ctx, part)
		if err != nil {
			return err
		}
		slices.SortFunc(heads, func(a, b imap.Head) int { return int(int64(a.UID) - int64(b.UID)) })
		for len(heads) > 0 {
			batch := batchOf(heads, r.k.MaxMail)
			if err := r.takeBatch(ctx, batch); err != nil {
				return err
			}
			heads = heads[len(batch):]
			if err := r.progress(ctx); err != nil {
				return err
			}
		}
	}
	return nil
}

// batchOf is how many mails are fetched together: one that is too large alone.
func batchOf(heads []imap.Head, most int64) []imap.Head {
	sum := int64(0)
	for i, head := range heads {
		if sum += head.Size; i > 0 && (sum > batchBytes || head.Size > most) || i == batchMails {
			return heads[:i]
		}
		if head.Size > most {
			return heads[:i+1]
		}
	}
	return heads
}

// progress shows that mails are taken in, if there are many.
func (r *reading) progress(ctx context.Context) error {
	if r.at.Waiting < manyWait {
		return nil
	}
	return r.show(ctx, store.IncomingCatchingUp, fmt.Sprintf("%d of %d mails in the folder %s are taken in.", r.at.Taken, r.at.Waiting, r.at.Name))
}

// takeBatch fetches some mails and keeps them, together with the note that they
// were read. If the server does not give them out together, each is asked for
// alone: one bad mail holds nobody up for long.
func (r *reading) takeBatch(ctx context.Context, heads []imap.Head) error {
	mails, err := r.fetch(ctx, heads)
	var ages map[uint32]age
	if err == nil {
		ages, err = r.renumberedAges(ctx, heads)
	}
	f, isFault := errors.AsType[*imap.Fault](err)
	switch {
	case err == nil:
		return r.keepMails(ctx, heads, mails, ages)
	case !isFault || !f.Refused:
		return err
	case len(heads) == 1:
		return r.stuck(ctx, heads[0], f)
	}
	for _, head := range heads {
		if err := r.takeBatch(ctx, []imap.Head{head}); err != nil {
			return err
		}
	}
	return nil
}

func (r *reading) fetch(ctx context.Context, heads []imap.Head) (map[uint32]imap.Raw, error) {
	uids := make([]uint32, len(heads))
	limit := r.k.MaxMail + 1
	for i, head := range heads {
		uids[i] = head.UID
		if head.Size > r.k.MaxMail {
			limit = cutAt
		}
	}
	mails := map[uint32]imap.Raw{}
	err := r.conn.Fetch(ctx, uids, limit, func(raw imap.Raw) { mails[raw.UID] = raw })
	return mails, err
}

// keepMails keeps fetched mails and moves the cursor behind the last of them.
// What is gone from the folder by now is passed over.
func (r *reading) keepMails(ctx context.Context, heads []imap.Head, mails map[uint32]imap.Raw, ages map[uint32]age) error {
	var in []desk.FetchedMail
	var cut []imap.Head
	for _, head := range heads {
		raw, ok := mails[head.UID]
		if !ok {
			continue
		}
		if int64(len(raw.Bytes)) > r.k.MaxMail {
			raw.Bytes, raw.Cut = raw.Bytes[:cutAt], true
		}
		if raw.Cut {
			cut = append(cut, head)
		}
		in = append(in, desk.FetchedMail{Raw: raw.Bytes, Imported: r.imported(head, ages)})
	}
	was := r.at
	r.at.LastUID = heads[len(heads)-1].UID
	r.at.Taken += len(heads)
	r.at.StuckUID, r.at.StuckTries = 0, 0
	if err := r.keep(ctx, in); err != nil {
		r.at = was
		return err
	}
	for _, head := range cut {
		r.tell(ctx, head, fmt.Sprintf("A mail of %d MB is larger than what is taken in (%d MB): only its beginning was.", head.Size>>20, r.k.MaxMail>>20))
	}
	return nil
}

// keep writes how far the folder was read, in one transaction with the rows of
// the mails that this counts.
func (r *reading) keep(ctx context.Context, mails []desk.FetchedMail) error {
	in := desk.Fetched{MailboxID: r.in.MailboxID, Remote: r.conn.Address(), Behind: r.in.LastInbound, Mails: mails}
	greatest := in.Behind
	err := r.k.Desk.AcceptFetched(ctx, in, func(tx *store.Tx, last int64) error {
		greatest = last
		if err := tx.HoldIncoming(ctx, r.in.MailboxID, r.in.Lease); err != nil {
			return err
		}
		if last > in.Behind {
			if err := tx.SetLastInbound(ctx, r.in.MailboxID, r.in.Lease, last); err != nil {
				return err
			}
		}
		return tx.SaveIncomingFolder(ctx, r.at)
	})
	if err != nil {
		if postroom.CodeOf(err) == postroom.Conflict {
			return errLost
		}
		return err
	}
	r.in.LastInbound = greatest
	return nil
}

// stuck counts the tries of a mail that the server does not give out, and at
// last passes it over: it stays where it is, and people are told.
func (r *reading) stuck(ctx context.Context, head imap.Head, f *imap.Fault) error {
	if r.at.StuckUID != head.UID {
		r.at.StuckUID, r.at.StuckTries = head.UID, 0
	}
	r.at.StuckTries++
	if r.at.StuckTries < stuckTries {
		if err := r.keep(ctx, nil); err != nil {
			return err
		}
		return f
	}
	if err := r.keepMails(ctx, []imap.Head{head}, nil, nil); err != nil {
		return err
	}
	r.tell(ctx, head, fmt.Sprintf("The server did not give a mail out in %d tries, and it was passed over. %s.", stuckTries, f.Error()))
	return nil
}

// tell raises the alarm about one mail on the server.
func (r *reading) tell(ctx context.Context, head imap.Head, text string) {
	where := fmt.Sprintf("It lies in the folder %s, received %s (UID %d). ", r.at.Name, head.At.UTC().Format("2006-01-02 15:04"), head.UID)
	about := fmt.Sprintf("%d %s %d", r.in.MailboxID, r.at.Name, head.UID)
	if err := r.k.Alarms.Raise(ctx, alarm.IncomingLeft, about, text+" "+where); err != nil {
		r.k.Log.Error("alarm", "kind", alarm.IncomingLeft, "about", about, "words", text, "error", err)
	}
}

// tend does on the server what the mailbox says of fetched mails (D4): only
// after they were kept, and again after a crash in between.
func (r *reading) tend(ctx context.Context) error {
	if r.at.TendedUID >= r.at.LastUID {
		return nil
	}
	last := r.at.LastUID
	if r.in.After != postroom.AfterLeave {
		uids, err := r.pick(ctx, r.at.TendedUID)
		if err != nil {
			return err
		}
		uids = slices.DeleteFunc(uids, func(uid uint32) bool { return uid > last })
		for part := range slices.Chunk(uids, headMails) {
			if r.in.After == postroom.AfterMove {
				err = r.conn.Move(ctx, part, r.in.MoveTo)
			} else {
				err = r.conn.MarkSeen(ctx, part)
			}
			if err != nil {
				return err
			}
		}
	}
	r.at.TendedUID = last
	return r.keep(ctx, nil)
}
