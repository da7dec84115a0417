package workflow

import (
	"slices"
	"strings"
	"time"

	"postroom"
	"postroom/internal/calendar"
)

// The action snooze lets a conversation sleep, counted from the event: for a
// time, until a day and a time of day, or until the office opens (W10, W22).

// Moments until which a conversation can sleep, as an Action's Until has them: a
// day and a time of day, such as "tomorrow 09:00" or "mon 08:30", by the clock of
// the calendar that counts; or the office alone. A day of the week is the next
// such day, never the day of the event itself.
const (
	UntilTomorrow = "tomorrow"
	UntilOffice   = "office"
)

// untilDays are the days a moment can name, with how they read.
func untilDays() [][2]string {
	out := [][2]string{{UntilTomorrow, "tomorrow"}}
	for _, d := range ScheduleDays() {
		out = append(out, [2]string{d[0], "the next " + d[1]})
	}
	return out
}

// SnoozeDays lists until when a conversation can sleep, as an editor offers it:
// what is stored, and the words before a time of day. UntilOffice has none.
func SnoozeDays() [][2]string {
	out := [][2]string{{UntilTomorrow, "Until tomorrow at"}}
	for _, d := range ScheduleDays() {
		out = append(out, [2]string{d[0], "Until the next " + d[1] + " at"})
	}
	return append(out, [2]string{UntilOffice, "Until the office opens next"})
}

// sleepMoment is a compiled Until; the zero value is none.
type sleepMoment struct {
	day     string
	minutes int
}

// readMoment reads an Until.
func readMoment(v string) (sleepMoment, bool) {
	if v == UntilOffice {
		return sleepMoment{day: UntilOffice}, true
	}
	day, clock, _ := strings.Cut(v, " ")
	minutes, ok := calendar.ParseClock(clock)
	known := slices.ContainsFunc(untilDays(), func(d [2]string) bool { return d[0] == day })
	return sleepMoment{day, minutes}, ok && known && minutes < calendar.Day
}

// after returns the first such moment after a time, both in milliseconds, by a
// calendar. One that does not come is farther than any span.
func (m sleepMoment) after(at int64, office *calendar.Calendar) int64 {
	if office == nil {
		return at + never
	}
	if m.day == UntilOffice {
		if due, ok := office.Opens(at); ok {
			return due
		}
		return at + never
	}
	now := time.UnixMilli(at).In(office.Location())
	today := time.Date(now.Year(), now.Month(), now.Day(), 0, 0, 0, 0, time.UTC)
	due, ok := calendar.NextAt(at, office.Location(), m.minutes, func(day time.Time) bool {
		if m.day == UntilTomorrow {
			return day.Equal(today.AddDate(0, 0, 1))
		}
		return day.After(today) && strings.EqualFold(day.Weekday().String()[:3], m.day)
	})
	if !ok {
		return at + never
	}
	return due
}

// snooze checks for how long, or until when, it sleeps.
func (c *compiler) snooze(a Action, path string) (Span, sleepMoment) {
	span, ok := ReadSpan(a.For)
	until, moment := readMoment(a.Until)
	switch {
	case a.For != "" && a.Until != "":
		c.fault(path+".until", "It sleeps for a time or until a moment, not both.")
	case a.Until != "" && !moment:
		c.fault(path+".until", "%q is not a moment to sleep until, such as tomorrow 09:00, mon 09:00 or office.", clip(a.Until))
	case a.Until != "":
	case a.For == "":
		c.fault(path+".for", "Say how long it sleeps.")
	case !ok || span.Least() > postroom.MaxSnooze:
		c.fault(path+".for", "%q is not a time to sleep, such as 30m, 12h, 7d, 2w, 4bh or 2bd; at most a year.", clip(a.For))
	}
	return span, until
}

func (a Action) snoozeWords() string {
	switch {
	case a.Until != "":
		return "let it sleep until " + momentWords(a.Until)
	case a.For == "":
		return "let it sleep for " + gap
	}
	return "let it sleep for " + spanWords(a.For)
}

// momentWords says until when, as in "the next Monday at 09:00".
func momentWords(v string) string {
	m, ok := readMoment(v)
	switch {
	case !ok:
		return gap
	case m.day == UntilOffice:
		return "the office opens next"
	}
	i := slices.IndexFunc(untilDays(), func(d [2]string) bool { return d[0] == m.day })
	return untilDays()[i][1] + " at " + calendar.Clock(m.minutes)
}

// SleepsUntil returns until when the action at a place, from 0, lets a
// conversation sleep from a time on, both in milliseconds; 0 for any other
// action. The calendar is looked at where SleepCountsOffice says so.
func (v *Version) SleepsUntil(action int, at int64, office *calendar.Calendar) int64 {
	switch a := v.actions[action]; {
	case a.Do != DoSnooze:
		return 0
	case a.Until != "":
		return a.until.after(at, office)
	default:
		return a.wait.After(at, office)
	}
}

// SleepCountsOffice reports whether an action of a leg lets sleep for a business
// time, or until a moment, which is one by the clock of a calendar.
func (v *Version) SleepCountsOffice(leg int) bool {
	from, to := v.Leg(leg)
	for _, a := range v.actions[from:to] {
		if a.Do == DoSnooze && (a.Until != "" || a.wait.Business()) {
			return true
		}
	}
	return false
}

// snoozeFields writes until when an action lets sleep: "then[0].until" is the
// day, "then[0].at" the time of day; without them "then[0].for" counts.
func (a Action) snoozeFields(at string, set func(string, ...string)) {
	if a.Until == "" {
		return
	}
	day, clock := SplitMoment(a.Until)
	set(at+".until", day)
	if clock != "" {
		set(at+".at", clock)
	}
}

// SplitMoment parts a moment into its day and its time of day, as a control for
// times has it.
func SplitMoment(v string) (day, clock string) {
	day, clock, _ = strings.Cut(v, " ")
	if minutes, ok := calendar.ParseClock(clock); ok {
		clock = calendar.Clock(minutes)
	}
	return day, clock
}

// snooze reads how long an action lets sleep, or until when. A day that was just
// chosen begins with nine o'clock.
func (r *fieldReader) snooze(at string, a *Action) {
	f := r.fields
	day := clip(strings.TrimSpace(f.first(at + ".until")))
	if day == "" {
		r.wait(at, a)
		a.Unless = nil
		return
	}
	if a.Until = day; day == UntilOffice {
		return
	}
	clock := clip(strings.TrimSpace(f.first(at + ".at")))
	if _, asked := f[at+".at"]; !asked {
		clock = "09:00"
	}
	if minutes, ok := calendar.ParseClock(clock); ok {
		clock = calendar.Clock(minutes)
	}
	a.Until = strings.TrimSpace(day + " " + clock)
}
