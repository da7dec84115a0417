package locale_test

import (
	"slices"
	"testing"
	"time"

	"postroom/internal/locale"
)

func ms(s string) int64 {
	t, err := time.Parse(time.RFC3339, s)
	if err != nil {
		panic(err)
	}
	return t.UnixMilli()
}

func TestClockSpeaksInTheAgentsZone(t *testing.T) {
	t.Parallel()
	// 23:30 UTC on Saturday is 00:30 on Sunday in Berlin.
	c := locale.NewClock("Europe/Berlin", ms("2026-11-22T09:00:00Z"))
	for _, x := range []struct{ got, want string }{
		{c.Short(ms("2026-11-21T23:30:00Z")), "00:30"},
		{c.Short(ms("2026-11-21T22:30:00Z")), "Sat 23:30"},
		{c.Short(ms("2026-11-15T09:00:00Z")), "15 Nov"},
		{c.Short(ms("2025-11-22T09:00:00Z")), "22 Nov 2025"},
		{c.Moment(ms("2026-11-21T12:00:00Z")), "yesterday 13:00"},
		{c.Moment(ms("2026-11-23T12:00:00Z")), "tomorrow 13:00"},
		{c.Full(ms("2026-07-01T10:00:00Z")), "Wed 1 Jul 2026, 12:00:00 CEST"},
		{c.Time(ms("2026-11-22T08:05:11Z")), "09:05:11"},
		{c.Exact(ms("2026-11-22T08:05:11Z")) + "|" + c.Exact(ms("2026-11-20T08:05:11Z")), "09:05:11|20 Nov, 09:05:11"},
		{c.ISO(ms("2026-11-22T08:05:11Z")), "2026-11-22T08:05:11Z"},
		{c.Day(ms("2026-11-21T23:30:00Z")), "Today"},
		{c.Day(ms("2026-11-12T23:30:00Z")), "Friday 13 November"},
		{c.Short(0) + c.Full(0) + c.Moment(0) + c.Day(0) + c.Ago(0) + c.ISO(0) + c.Time(0), ""},
		{locale.NewClock("Mars/Olympus", 0).Time(ms("2026-11-22T08:05:11Z")), "08:05:11"},
	} {
		if x.got != x.want {
			t.Errorf("got %q, want %q", x.got, x.want)
		}
	}
	if !c.SameDay(ms("2026-11-21T23:30:00Z"), ms("2026-11-22T22:30:00Z")) || c.SameDay(ms("2026-11-21T22:30:00Z"), ms("2026-11-21T23:30:00Z")) {
		t.Error("days are not those of the zone")
	}
}

func TestLengthsCountsAndSizes(t *testing.T) {
	t.Parallel()
	const minute, hour, day = 60_000, 3_600_000, 86_400_000
	for _, x := range []struct{ got, want string }{
		{locale.Duration(-5), "now"}, {locale.Duration(59_999), "now"}, {locale.Duration(minute), "1 min"},
		{locale.Duration(hour - 1), "59 min"}, {locale.Duration(day - 1), "23 h"}, {locale.Duration(13 * day), "13 d"},
		{locale.Duration(14 * day), "2 wk"}, {locale.Duration(400 * day), "1 yr"},
		{locale.Took(12), "12 ms"}, {locale.Took(1449), "1.4 s"}, {locale.Took(200_000), "3 min"},
		{locale.Number(0), "0"}, {locale.Number(999), "999"}, {locale.Number(1204), "1,204"}, {locale.Number(-1234567), "-1,234,567"},
		{locale.Count(1, "message", "messages"), "1 message"}, {locale.Count(0, "message", "messages"), "0 messages"},
		{locale.Size(812), "812 B"}, {locale.Size(14_200), "14 kB"}, {locale.Size(999_600), "1.0 MB"}, {locale.Size(3_240_000), "3.2 MB"},
		{locale.Size(2_500_000_000), "2.5 GB"},
	} {
		if x.got != x.want {
			t.Errorf("got %q, want %q", x.got, x.want)
		}
	}
}

func TestEveryOfferedZoneExists(t *testing.T) {
	t.Parallel()
	zones := locale.Zones()
	for _, z := range zones {
		if _, err := time.LoadLocation(z); err != nil {
			t.Errorf("%s: %v", z, err)
		}
	}
	if slices.Contains(zones[1:], "UTC") || len(slices.Compact(slices.Sorted(slices.Values(zones)))) != len(zones) {
		t.Error("a zone is offered twice")
	}
}
