package automate

import (
	"context"

	"postroom"
	"postroom/internal/calendar"
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

// moveTimers has the timers of a workflow that wait go on with another version,
// each from when it began.
func moveTimers(ctx context.Context, t *store.Tx, v *workflow.Version) error {
	if !v.CountsOffice() {
		return t.MoveTimers(ctx, v.WorkflowID, v.Number, v.DueAt(0, nil))
	}
	waiting, err := t.WorkflowTimers(ctx, v.WorkflowID)
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
		if err := t.MoveTimer(ctx, x.ID, v.Number, v.DueAt(x.ArmedAt, c)); err != nil {
			return err
		}
	}
	return nil
}
