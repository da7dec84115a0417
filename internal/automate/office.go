package automate

import (
	"context"
	"slices"

	"postroom"
	"postroom/internal/calendar"
	"postroom/internal/proof"
	"postroom/internal/store"
	"postroom/internal/workflow"
)

// officeNow is the calendar that counts for a mailbox now.
func officeNow(ctx context.Context, read store.Read, mailbox int64) (*calendar.Calendar, error) {
	row, err := read.CalendarFor(ctx, mailbox)
	if err != nil && postroom.CodeOf(err) != postroom.NotFound {
		return nil, err
	}
	return calendar.Read(row.ID, row.Revision, row.Name, row.Hours)
}

// officeThen is the calendar that an event was judged by, or the other one where
// it was judged by none.
func officeThen(ctx context.Context, read store.Read, o *workflow.Office, otherwise *calendar.Calendar) (*calendar.Calendar, error) {
	if o == nil {
		return otherwise, nil
	}
	var row store.CalendarRow
	if o.Calendar != 0 {
		var err error
		if row, err = read.CalendarRevision(ctx, o.Calendar, o.Revision); err != nil {
			return nil, err
		}
	}
	return calendar.Read(row.ID, row.Revision, row.Name, row.Hours)
}

// hours holds the set times of workflows, or of one, against the calendars that
// count, as they are now.
func (w *Workflows) hours(ctx context.Context, read store.Read, set *workflow.Set, about int64, names workflow.Names) ([]proof.Finding, error) {
	if !slices.ContainsFunc(set.On(postroom.ScheduleDue), func(en workflow.Entry) bool { return about == 0 || en.Version.WorkflowID == about }) {
		return nil, nil
	}
	boxes, err := read.Mailboxes(ctx)
	if err != nil {
		return nil, err
	}
	first, err := officeNow(ctx, read, 0)
	if err != nil {
		return nil, err
	}
	all, of := []*calendar.Calendar{first}, map[int64]*calendar.Calendar{}
	for _, m := range boxes {
		c, err := officeNow(ctx, read, m.ID)
		if err != nil {
			return nil, err
		}
		if of[m.ID] = c; !slices.ContainsFunc(all, func(x *calendar.Calendar) bool { return x.ID == c.ID }) {
			all = append(all, c)
		}
	}
	return proof.Hours(set, about, w.store.Now(), func(mailbox int64) []*calendar.Calendar {
		if c := of[mailbox]; c != nil {
			return []*calendar.Calendar{c}
		}
		return all
	}, names), nil
}

// moveTimers has the timers of a workflow that wait go on with another version,
// each in its place and from when it began.
func moveTimers(ctx context.Context, t *store.Tx, v *workflow.Version) error {
	for leg := range v.Legs() {
		due, ok := int64(0), leg > 0 || v.Timed()
		if ok && !v.LegCountsOffice(leg) {
			if due, ok = v.LegDueAt(leg, 0, nil); !ok {
				continue
			}
			if err := t.MoveTimers(ctx, v.WorkflowID, v.Number, leg, due); err != nil {
				return err
			}
			continue
		}
		if ok {
			if err := moveByOffice(ctx, t, v, leg); err != nil {
				return err
			}
		}
	}
	return nil
}

// moveByOffice moves those that wait for a leg by the calendars of their
// mailboxes.
func moveByOffice(ctx context.Context, t *store.Tx, v *workflow.Version, leg int) error {
	waiting, err := t.WorkflowTimers(ctx, v.WorkflowID, leg)
	if err != nil {
		return err
	}
	offices := map[int64]*calendar.Calendar{} // by mailbox
	for _, x := range waiting {
		c := offices[x.MailboxID]
		if c == nil {
			if c, err = officeNow(ctx, t.Read, x.MailboxID); err != nil {
				return err
			}
			offices[x.MailboxID] = c
		}
		due, _ := v.LegDueAt(leg, x.ArmedAt, c)
		if err := t.MoveTimer(ctx, x.ID, v.Number, due); err != nil {
			return err
		}
	}
	return nil
}
