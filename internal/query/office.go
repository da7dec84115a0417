package query

import (
	"context"
	"fmt"

	"postroom"
	"postroom/internal/calendar"
	"postroom/internal/store"
	"postroom/internal/workflow"
)

// offices are calendars by the revision that events were judged by, each read
// once.
type offices map[workflow.Office]*calendar.Calendar

// at returns the calendar that an event was judged by, or the other one where it
// was judged by none.
func (all offices) at(ctx context.Context, read store.Read, o *workflow.Office, otherwise *calendar.Calendar) (*calendar.Calendar, error) {
	if o == nil {
		return otherwise, nil
	}
	if c := all[*o]; c != nil {
		return c, nil
	}
	var row store.CalendarRow
	if o.Calendar != 0 {
		var err error
		if row, err = read.CalendarRevision(ctx, o.Calendar, o.Revision); err != nil {
			return nil, fmt.Errorf("revision %d of calendar %d: %w", o.Revision, o.Calendar, err)
		}
	}
	c, err := calendar.Read(row.ID, row.Revision, row.Name, row.Hours)
	all[*o] = c
	return c, err
}

// addOffices gives the calendars of today; an event that was judged names its
// own.
func addOffices(ctx context.Context, read store.Read, records []workflow.Record) error {
	known := map[int64]*calendar.Calendar{}
	for i := range records {
		mailbox := records[i].Event.After.MailboxID
		c := known[mailbox]
		if c == nil {
			row, err := read.CalendarFor(ctx, mailbox)
			if err != nil && postroom.CodeOf(err) != postroom.NotFound {
				return err
			}
			if c, err = calendar.Read(row.ID, row.Revision, row.Name, row.Hours); err != nil {
				return err
			}
			known[mailbox] = c
		}
		records[i].Office = c
	}
	return nil
}
