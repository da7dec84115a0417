package query

import (
	"context"
	"fmt"
	"slices"

	"postroom"
	"postroom/internal/calendar"
	"postroom/internal/store"
)

// Calendars reads the list of calendars, for admins.
func (d *Desk) Calendars(ctx context.Context, a *postroom.Agent, place Place) (*CalendarsPage, error) {
	if err := mayManage(a); err != nil {
		return nil, err
	}
	shell, err := d.Shell(ctx, a, place)
	if err != nil {
		return nil, err
	}
	rows, err := d.read().Calendars(ctx)
	if err != nil {
		return nil, fmt.Errorf("read calendars: %w", err)
	}
	p := &CalendarsPage{Shell: shell}
	for _, r := range rows {
		line, _, err := d.calendarLine(ctx, r, shell.Now)
		if err != nil {
			return nil, err
		}
		p.Rows = append(p.Rows, line)
	}
	return p, nil
}

// Calendar reads a calendar, 0 for a new one.
func (d *Desk) Calendar(ctx context.Context, a *postroom.Agent, id int64, place Place) (*CalendarPage, error) {
	if err := mayManage(a); err != nil {
		return nil, err
	}
	shell, err := d.Shell(ctx, a, place)
	if err != nil {
		return nil, err
	}
	p := &CalendarPage{Shell: shell}
	if id == 0 {
		p.fill(calendar.Usual(orUTC(a.Zone)))
		return p, nil
	}
	row, err := d.read().Calendar(ctx, id)
	if err == nil && row.Deleted {
		err = postroom.Errorf(postroom.NotFound, "There is no such calendar.")
	}
	if err != nil {
		return nil, err
	}
	var hours calendar.Hours
	if p.Line, hours, err = d.calendarLine(ctx, row, shell.Now); err != nil {
		return nil, err
	}
	p.Name, p.Revision = row.Name, row.Revision
	p.fill(hours)
	names, err := d.read().Names(ctx)
	if err != nil {
		return nil, err
	}
	revisions, err := d.read().CalendarRevisions(ctx, id)
	for _, r := range revisions {
		p.Revisions = append(p.Revisions, CalendarRevision{Number: r.Revision, At: r.At, Author: nameOr(names["agent"][r.AuthorID], "the desk")})
	}
	return p, err
}

func orUTC(zone string) string {
	if zone == "" {
		return "UTC"
	}
	return zone
}

// fill writes hours as they are typed.
func (p *CalendarPage) fill(h calendar.Hours) {
	p.Zone, p.Holidays, p.Exceptions = orUTC(h.Zone), calendar.HolidaysText(h.Holidays), calendar.ExceptionsText(h.Exceptions)
	for i, spans := range h.Week {
		p.Week[i] = calendar.SpansText(spans)
	}
}

func (d *Desk) calendarLine(ctx context.Context, r store.CalendarRow, now int64) (CalendarLine, calendar.Hours, error) {
	c, err := calendar.Read(r.ID, r.Revision, r.Name, r.Hours)
	if err != nil {
		return CalendarLine{}, calendar.Hours{}, err
	}
	boxes, err := d.read().CalendarMailboxes(ctx, r.ID)
	if err != nil {
		return CalendarLine{}, calendar.Hours{}, err
	}
	h := c.Hours()
	line := CalendarLine{ID: r.ID, Name: r.Name, Zone: orUTC(h.Zone), Main: r.Main, Week: weekWords(h), Now: c.Open(now), Days: len(h.Holidays) + len(h.Exceptions)}
	if at, _, ok := c.Next(now); ok {
		line.Next = at
	}
	for _, m := range boxes {
		line.UsedBy = append(line.UsedBy, Choice{Value: decimal(m.ID), Text: m.Name})
	}
	return line, h, nil
}

// weekWords says a week in as few lines as it takes: days that follow each other
// with the same hours are one.
func weekWords(h calendar.Hours) []string {
	var out []string
	for i := 0; i < 7; {
		j := i
		for j+1 < 7 && slices.Equal(h.Week[j+1], h.Week[i]) {
			j++
		}
		if len(h.Week[i]) > 0 {
			days := calendar.Days[i]
			switch {
			case j == i+1:
				days += ", " + calendar.Days[j]
			case j > i:
				days += " to " + calendar.Days[j]
			}
			out = append(out, days+" "+calendar.SpansText(h.Week[i]))
		}
		i = j + 1
	}
	return out
}

// calendarChoices lists whose office hours may count for a mailbox: none where
// there is no calendar to choose.
func (d *Desk) calendarChoices(ctx context.Context) ([]Choice, error) {
	rows, err := d.read().Calendars(ctx)
	if err != nil || len(rows) == 0 {
		return nil, err
	}
	out := []Choice{{Value: "0", Text: "The default"}}
	for _, r := range rows {
		if r.Main {
			out[0].Text += ": " + r.Name
		}
		out = append(out, Choice{Value: decimal(r.ID), Text: r.Name})
	}
	return out, nil
}
