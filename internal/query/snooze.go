package query

import (
	"context"
	"time"

	"postroom"
	"postroom/internal/calendar"
)

// SnoozeChoice is a time until which a conversation can sleep, as menus offer
// it.
type SnoozeChoice struct {
	Value string // of the field "until"
	Text  string
	At    int64 // milliseconds; 0 is found out when it is chosen
}

// The choices. Morning is nine o'clock where the agent is.
const (
	snoozeHours    = "hours"
	snoozeTomorrow = "tomorrow"
	snoozeMonday   = "monday"
	snoozeWeek     = "week"
	snoozeOffice   = "office"
	snoozeAt       = "at" // the time in the field beside it

	morning = 9
)

// SnoozeChoices lists what menus offer at a time, to an agent in a zone.
func SnoozeChoices(now int64, zone string) []SnoozeChoice {
	out := []SnoozeChoice{{Value: snoozeHours, Text: "In 3 hours"}, {Value: snoozeTomorrow, Text: "Tomorrow morning"},
		{Value: snoozeMonday, Text: "Next Monday"}, {Value: snoozeWeek, Text: "In a week"}}
	for i := range out {
		out[i].At = snoozePreset(out[i].Value, now, zone)
	}
	return append(out, SnoozeChoice{Value: snoozeOffice, Text: "When the office opens"})
}

// snoozePreset returns when a choice that needs no calendar ends, 0 for any
// other.
func snoozePreset(value string, now int64, zone string) int64 {
	t := time.UnixMilli(now).In(zoneOf(zone))
	on := func(days int) int64 {
		return time.Date(t.Year(), t.Month(), t.Day()+days, morning, 0, 0, 0, t.Location()).UnixMilli()
	}
	switch value {
	case snoozeHours:
		return t.Add(3 * time.Hour).Truncate(time.Minute).UnixMilli()
	case snoozeTomorrow:
		return on(1)
	case snoozeMonday:
		return on((7-int(t.Weekday()))%7 + 1)
	case snoozeWeek:
		return on(7)
	}
	return 0
}

func zoneOf(name string) *time.Location {
	if zone, err := time.LoadLocation(name); err == nil && name != "" {
		return zone
	}
	return time.UTC
}

// SnoozeUntil reads until when an agent lets conversations sleep: one of the
// choices, or "at" with a time as a date field gives it, 2026-01-31T09:00 where
// the agent is. The office is that of the mailbox, 0 for the default one.
// Anything else is Invalid.
func (d *Desk) SnoozeUntil(ctx context.Context, a *postroom.Agent, mailbox int64, value, at string) (int64, error) {
	now := d.store.Now()
	if until := snoozePreset(value, now, a.Zone); until != 0 {
		return until, nil
	}
	switch value {
	case snoozeOffice:
		return d.opens(ctx, mailbox, now)
	case snoozeAt:
		for _, layout := range []string{"2006-01-02T15:04", "2006-01-02T15:04:05"} {
			if t, err := time.ParseInLocation(layout, at, zoneOf(a.Zone)); err == nil {
				return t.UnixMilli(), nil
			}
		}
		return 0, postroom.InvalidField("at", "Choose a day and a time until which it sleeps.")
	}
	return 0, postroom.InvalidField("until", "Choose until when it sleeps.")
}

// opens returns when the office of a mailbox opens next.
func (d *Desk) opens(ctx context.Context, mailbox, now int64) (int64, error) {
	row, err := d.read().CalendarFor(ctx, mailbox)
	if err != nil && postroom.CodeOf(err) != postroom.NotFound {
		return 0, err
	}
	c, err := calendar.Read(row.ID, row.Revision, row.Name, row.Hours)
	if err != nil {
		return 0, err
	}
	if at, ok := c.Opens(now); ok {
		return at, nil
	}
	return 0, postroom.InvalidField("until", "The office does not open again by its calendar. Choose a day and a time.")
}
