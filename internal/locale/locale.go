// Package locale turns times, counts and sizes into words for people: UTC and
// integers inside, the agent's zone outside.
package locale

import (
	"strconv"
	"time"
)

// Clock formats moments for one reader: in a zone, seen from a "now". Moments
// are milliseconds since 1970 UTC; 0 means none and gives "".
type Clock struct {
	zone *time.Location
	now  time.Time
}

// NewClock returns a Clock for an IANA zone name. An empty or unknown zone is
// UTC: a page with the wrong hour is better than no page.
func NewClock(zone string, now int64) Clock {
	loc := time.UTC
	if zone != "" {
		if l, err := time.LoadLocation(zone); err == nil {
			loc = l
		}
	}
	return Clock{zone: loc, now: time.UnixMilli(now).In(loc)}
}

func (c Clock) at(ms int64) time.Time { return time.UnixMilli(ms).In(c.zone) }

// ISO is the moment for a datetime attribute, in UTC: "2026-11-22T09:05:11Z".
func (c Clock) ISO(ms int64) string {
	if ms == 0 {
		return ""
	}
	return time.UnixMilli(ms).UTC().Format(time.RFC3339)
}

// Full says everything: "Sun 22 Nov 2026, 10:05:11 CET".
func (c Clock) Full(ms int64) string {
	if ms == 0 {
		return ""
	}
	return c.at(ms).Format("Mon 2 Jan 2006, 15:04:05 MST")
}

// Time is the time of day to the second: "10:05:11".
func (c Clock) Time(ms int64) string {
	if ms == 0 {
		return ""
	}
	return c.at(ms).Format("15:04:05")
}

// Exact is a moment to the second: "10:05:11" today, else "12 Nov, 10:05:11",
// with the year where it is another one.
func (c Clock) Exact(ms int64) string {
	if ms == 0 {
		return ""
	}
	t := c.at(ms)
	switch {
	case c.days(t) == 0:
		return t.Format("15:04:05")
	case t.Year() == c.now.Year():
		return t.Format("2 Jan, 15:04:05")
	}
	return t.Format("2 Jan 2006, 15:04:05")
}

// Short is for a narrow column: "10:05" today, "Fri 10:05" within the last six
// days, "12 Nov" in this year, else "12 Nov 2025".
func (c Clock) Short(ms int64) string {
	if ms == 0 {
		return ""
	}
	t := c.at(ms)
	switch d := c.days(t); {
	case d == 0:
		return t.Format("15:04")
	case d > 0 && d < 7:
		return t.Format("Mon 15:04")
	case t.Year() == c.now.Year():
		return t.Format("2 Jan")
	}
	return t.Format("2 Jan 2006")
}

// Moment is for running text: "10:05", "yesterday 10:05", "12 Nov, 10:05",
// "12 Nov 2025, 10:05".
func (c Clock) Moment(ms int64) string {
	if ms == 0 {
		return ""
	}
	t := c.at(ms)
	switch d := c.days(t); {
	case d == 0:
		return t.Format("15:04")
	case d == 1:
		return t.Format("yesterday 15:04")
	case d == -1:
		return t.Format("tomorrow 15:04")
	case t.Year() == c.now.Year():
		return t.Format("2 Jan, 15:04")
	}
	return t.Format("2 Jan 2006, 15:04")
}

// Day names the day: "Today", "Yesterday", "Thursday 12 November", with the
// year where it is another one.
func (c Clock) Day(ms int64) string {
	if ms == 0 {
		return ""
	}
	t := c.at(ms)
	switch d := c.days(t); {
	case d == 0:
		return "Today"
	case d == 1:
		return "Yesterday"
	case t.Year() == c.now.Year():
		return t.Format("Monday 2 January")
	}
	return t.Format("2 January 2006")
}

// SameDay says whether two moments fall on one day of the zone.
func (c Clock) SameDay(a, b int64) bool {
	ya, ma, da := c.at(a).Date()
	yb, mb, db := c.at(b).Date()
	return ya == yb && ma == mb && da == db
}

// Ago is how long since: "now", "5 min", "3 h", "2 d", "6 wk", "1 yr". The
// script that keeps it true in the page (ui/src/controllers/clock.ts) knows
// the same words.
func (c Clock) Ago(ms int64) string {
	if ms == 0 {
		return ""
	}
	return Duration(c.now.UnixMilli() - ms)
}

// days counts midnights between t and now: 0 today, 1 yesterday, -1 tomorrow.
func (c Clock) days(t time.Time) int {
	y1, m1, d1 := c.now.Date()
	y2, m2, d2 := t.Date()
	return int(time.Date(y1, m1, d1, 0, 0, 0, 0, time.UTC).Sub(time.Date(y2, m2, d2, 0, 0, 0, 0, time.UTC)) / (24 * time.Hour))
}

// Duration is a length of time in its largest unit; less than a minute, and
// anything negative, is "now".
func Duration(ms int64) string {
	minutes := ms / 60_000
	switch {
	case minutes < 1:
		return "now"
	case minutes < 60:
		return strconv.FormatInt(minutes, 10) + " min"
	case minutes < 24*60:
		return strconv.FormatInt(minutes/60, 10) + " h"
	case minutes < 14*24*60:
		return strconv.FormatInt(minutes/(24*60), 10) + " d"
	case minutes < 365*24*60:
		return strconv.FormatInt(minutes/(7*24*60), 10) + " wk"
	}
	return strconv.FormatInt(minutes/(365*24*60), 10) + " yr"
}

// Took is a short length of time with its unit: "12 ms", "1.4 s", "3 min".
func Took(ms int64) string {
	switch {
	case ms < 1000:
		return strconv.FormatInt(ms, 10) + " ms"
	case ms < 60_000:
		return strconv.FormatFloat(float64(ms)/1000, 'f', 1, 64) + " s"
	}
	return Duration(ms)
}

// Number groups thousands with commas: 1204 is "1,204".
func Number[T ~int | ~int64](n T) string {
	s := strconv.FormatInt(int64(n), 10)
	sign := ""
	if s[0] == '-' {
		sign, s = "-", s[1:]
	}
	for i := len(s) - 3; i > 0; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return sign + s
}

// Count is a number with the right form of its noun: "1 message", "3
// messages", "0 messages".
func Count[T ~int | ~int64](n T, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return Number(n) + " " + many
}

// Size is a number of bytes in decimal units: "812 B", "14 kB", "3.2 MB".
func Size(n int64) string {
	switch {
	case n < 1000:
		return strconv.FormatInt(n, 10) + " B"
	case n < 999_500:
		return strconv.FormatInt((n+500)/1000, 10) + " kB"
	case n < 1_000_000_000:
		return strconv.FormatFloat(float64(n)/1e6, 'f', 1, 64) + " MB"
	}
	return strconv.FormatFloat(float64(n)/1e9, 'f', 1, 64) + " GB"
}
