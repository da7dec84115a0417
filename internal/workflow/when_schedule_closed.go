package workflow

import (
	"time"

	"postroom/internal/calendar"
)

// Closed says what a schedule does on a day without office hours: a holiday, or
// a day on which the calendar that counts for the workflow's mailbox is not open.
type Closed string

// What it does on such a day.
const (
	ClosedRuns Closed = ""     // it runs as on any other
	ClosedSkip Closed = "skip" // it does not run
	ClosedNext Closed = "next" // it runs on the next day with office hours, at the same time of day
)

// ClosedChoices lists what a schedule can do on days without office hours, with
// the words of an editor.
func ClosedChoices() [][2]string {
	return [][2]string{{string(ClosedRuns), "run as on any other day"}, {string(ClosedSkip), "do not run"}, {string(ClosedNext), "run on the next day with office hours"}}
}

// closedBack is over how many days without office hours a time is put off; one
// whose day is longer ago is left out.
const closedBack = 366

// NeedsOffice reports whether its times depend on a calendar.
func (s Schedule) NeedsOffice() bool { return s.Zone == "" || s.Closed != ClosedRuns }

// Next returns the first of its times after another, in milliseconds, by the
// calendar that counts, nil for UTC and no office hours at all. A time that does
// not exist on a day, because clocks are put forward, is the next that does; one
// that exists twice is the first. A day that a month does not have is its last.
// Of several times that are put off to one day there is one. ok is false for a
// schedule that has no time.
func (s Schedule) Next(after int64, office *calendar.Calendar) (at int64, ok bool) {
	minutes, read := calendar.ParseClock(s.At)
	if !read || len(s.Days) == 0 {
		return 0, false
	}
	loc := s.Location(office)
	if s.Closed == ClosedRuns {
		return calendar.NextAt(after, loc, minutes, s.fits)
	}
	open := func(day time.Time) bool {
		at := time.Date(day.Year(), day.Month(), day.Day(), 0, minutes, 0, 0, loc)
		return office != nil && office.OpenOn(at.UnixMilli())
	}
	return calendar.NextAt(after, loc, minutes, func(day time.Time) bool {
		switch {
		case !open(day):
			return false
		case s.fits(day):
			return true
		case s.Closed == ClosedSkip:
			return false
		}
		for back := 1; back <= closedBack; back++ {
			before := day.AddDate(0, 0, -back)
			if open(before) {
				return false
			}
			if s.fits(before) {
				return true
			}
		}
		return false
	})
}

// closedWords says what it does on days without office hours, "" where they are
// like any other.
func (s Schedule) closedWords() string {
	switch s.Closed {
	case ClosedRuns:
		return ""
	case ClosedSkip:
		return ", but not on days without office hours"
	case ClosedNext:
		return ", or on the next day with office hours"
	}
	return ", " + gap
}
