package directory

import (
	"context"
	"fmt"
	"strings"

	"postroom"
	"postroom/internal/calendar"
	"postroom/internal/store"
)

// KeyCalendars is published when a calendar changes.
const KeyCalendars = "calendars"

// MaxCalendars is how many a desk may have.
const MaxCalendars = 100

// CalendarFields are what an admin says of a calendar.
type CalendarFields struct {
	Name  string
	Hours calendar.Hours
	// Base is the revision that was changed, 0 for a new calendar.
	Base int
}

// AddCalendar makes a calendar. The first one of a desk is its default. Errors
// name the fields name, zone, week, week[0] to week[6], holidays and exceptions;
// a name that another calendar has is a Conflict.
func (d *Directory) AddCalendar(ctx context.Context, by *postroom.Agent, f CalendarFields) (id int64, err error) {
	row, err := checkCalendar(by, f)
	if err != nil {
		return 0, err
	}
	if row.ID, err = d.store.NewID(ctx); err != nil {
		return 0, err
	}
	err = d.changeCalendars(ctx, by, func(t *store.Tx, all []store.CalendarRow) (string, error) {
		if len(all) >= MaxCalendars {
			return "", postroom.Errorf(postroom.Conflict, "A desk has at most %d calendars.", MaxCalendars)
		}
		row.Main, row.Revision, row.At = len(all) == 0, 1, d.store.Now()
		return "The calendar " + row.Name + " was added.", t.InsertCalendar(ctx, row)
	}, row)
	return row.ID, err
}

// UpdateCalendar makes the next revision of a calendar. What was decided by an
// earlier one stays as it was decided. What changes nothing makes none. Errors
// are those of AddCalendar; and Conflict if somebody else has changed it since.
func (d *Directory) UpdateCalendar(ctx context.Context, by *postroom.Agent, id int64, f CalendarFields) error {
	row, err := checkCalendar(by, f)
	if err != nil {
		return err
	}
	row.ID = id
	return d.changeCalendars(ctx, by, func(t *store.Tx, _ []store.CalendarRow) (string, error) {
		old, err := t.Calendar(ctx, id)
		switch {
		case err != nil:
			return "", err
		case old.Deleted:
			return "", postroom.Errorf(postroom.NotFound, "There is no such calendar.")
		case old.Name == row.Name && old.Hours == row.Hours:
			return "", nil
		case old.Revision != f.Base:
			return "", postroom.Errorf(postroom.Conflict, "Somebody has changed this calendar since you opened it. Open it again to see how it is now.")
		}
		row.Revision, row.At = old.Revision+1, d.store.Now()
		return "The calendar " + row.Name + " was changed.", t.ReviseCalendar(ctx, row)
	}, row)
}

// MainCalendar makes a calendar the default: it counts for each mailbox that has
// none of its own.
func (d *Directory) MainCalendar(ctx context.Context, by *postroom.Agent, id int64) error {
	return d.changeCalendars(ctx, by, func(t *store.Tx, all []store.CalendarRow) (string, error) {
		c, err := among(all, id)
		if err != nil || c.Main {
			return "", err
		}
		return "The calendar " + c.Name + " was made the default.", t.SetMainCalendar(ctx, id)
	})
}

// DeleteCalendar takes a calendar out of use. One that is the default, or that a
// mailbox names, is a Conflict that says which.
func (d *Directory) DeleteCalendar(ctx context.Context, by *postroom.Agent, id int64) error {
	return d.changeCalendars(ctx, by, func(t *store.Tx, all []store.CalendarRow) (string, error) {
		c, err := among(all, id)
		if err != nil {
			return "", err
		}
		boxes, err := t.CalendarMailboxes(ctx, id)
		if err != nil {
			return "", err
		}
		if len(boxes) > 0 {
			names := make([]string, len(boxes))
			for i, m := range boxes {
				names[i] = m.Name
			}
			return "", postroom.Errorf(postroom.Conflict, "%s is still the calendar of %s. Choose another one there first.", c.Name, strings.Join(names, ", "))
		}
		if c.Main {
			return "", postroom.Errorf(postroom.Conflict, "%s is the default, which counts for every mailbox without a calendar of its own. Make another one the default first.", c.Name)
		}
		return "The calendar " + c.Name + " was deleted.", t.DeleteCalendar(ctx, id)
	})
}

func among(all []store.CalendarRow, id int64) (store.CalendarRow, error) {
	for _, c := range all {
		if c.ID == id {
			return c, nil
		}
	}
	return store.CalendarRow{}, postroom.Errorf(postroom.NotFound, "There is no such calendar.")
}

// changeCalendars runs a change; one after another, so that there is always one
// default and no name twice. The words stand in the log; "" is a change that
// changes nothing. named is the row that is written, for its name.
func (d *Directory) changeCalendars(ctx context.Context, by *postroom.Agent, f func(*store.Tx, []store.CalendarRow) (string, error), named ...store.CalendarRow) error {
	if err := manage(by); err != nil {
		return err
	}
	return d.write(ctx, KeyCalendars, func(t *store.Tx) error {
		if err := t.Lock(ctx, CalendarsLock); err != nil {
			return err
		}
		all, err := t.Calendars(ctx)
		if err != nil {
			return err
		}
		for _, row := range named {
			for _, c := range all {
				if c.ID != row.ID && strings.EqualFold(c.Name, row.Name) {
					return &postroom.Error{Code: postroom.Conflict, Field: "name", Text: "There is a calendar with this name already."}
				}
			}
		}
		words, err := f(t, all)
		if err != nil || words == "" {
			return err
		}
		return t.Log(ctx, store.LogEntry{Area: store.AreaMailboxes, AgentID: by.ID, Words: words})
	})
}

// CalendarRow turns what an admin says of a calendar into a row, as AddCalendar
// does, for those who write several things at once. The row has neither id nor
// revision.
func CalendarRow(by *postroom.Agent, f CalendarFields) (store.CalendarRow, error) {
	return checkCalendar(by, f)
}

// CalendarsLock is held by whoever changes calendars, so that there is always one
// default and no name twice.
const CalendarsLock = "calendars"

// checkCalendar turns fields into a row.
func checkCalendar(by *postroom.Agent, f CalendarFields) (row store.CalendarRow, err error) {
	if err := manage(by); err != nil {
		return row, err
	}
	if row.Name, err = line("name", "a name", f.Name, maxName, true); err != nil {
		return row, err
	}
	if faults := f.Hours.Check(); len(faults) > 0 {
		return row, postroom.InvalidField(faults[0].Field, "%s", faults[0].Text)
	}
	for _, note := range append(holidayNotes(f.Hours), row.Name) {
		if _, err := line("holidays", "what a day is called", note, maxName, false); err != nil {
			return row, err
		}
	}
	row.Hours, row.AuthorID = f.Hours.Tidy().Encode(), by.ID
	return row, nil
}

func holidayNotes(h calendar.Hours) []string {
	var out []string
	for _, x := range h.Holidays {
		out = append(out, x.Note)
	}
	for _, x := range h.Exceptions {
		out = append(out, x.Note)
	}
	return out
}

// calendarThere refuses a calendar that a mailbox names and that is not there.
// The lock keeps it from being deleted in between.
func calendarThere(ctx context.Context, t *store.Tx, id int64) error {
	if id == 0 {
		return nil
	}
	if err := t.Lock(ctx, CalendarsLock); err != nil {
		return err
	}
	c, err := t.Calendar(ctx, id)
	if postroom.CodeOf(err) == postroom.NotFound || err == nil && c.Deleted {
		return postroom.InvalidField("calendar", "This calendar is not there any more. Choose another one.")
	}
	if err != nil {
		return fmt.Errorf("read calendar: %w", err)
	}
	return nil
}

// ParseHours reads hours as they are typed: the days of the week from Monday on,
// holidays and other days a line each. Errors name the fields of AddCalendar.
func ParseHours(zone string, week []string, holidays, exceptions string) (h calendar.Hours, err error) {
	h.Zone = zone
	for i, text := range week {
		if h.Week[i], err = calendar.ParseSpans(text); err != nil {
			return h, postroom.InvalidField(fmt.Sprintf("week[%d]", i), "%s", postroom.TextOf(err))
		}
	}
	h.Holidays = calendar.ParseHolidays(holidays)
	if h.Exceptions, err = calendar.ParseExceptions(exceptions); err != nil {
		return h, postroom.InvalidField("exceptions", "%s", postroom.TextOf(err))
	}
	return h, nil
}
