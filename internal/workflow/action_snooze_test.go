package workflow

import (
	"testing"
	"time"

	"postroom"
	"postroom/internal/calendar"
)

// A moment to sleep until: how it reads, when it comes by a calendar's clock, and
// what is none.
func TestSnoozeMoments(t *testing.T) {
	t.Parallel()
	berlin := calendar.New(1, 1, "Support", calendar.Usual("Europe/Berlin"))
	at := time.Date(2026, 3, 27, 23, 30, 0, 0, time.UTC).UnixMilli() // Saturday 00:30 there, a day before the clocks jump
	for until, want := range map[string][2]string{
		"tomorrow 09:00": {"let it sleep until tomorrow at 09:00", "2026-03-29T09:00:00+02:00"},
		"tomorrow 02:30": {"let it sleep until tomorrow at 02:30", "2026-03-29T03:00:00+02:00"}, // which does not exist
		"sat 0:15":       {"let it sleep until the next Saturday at 00:15", "2026-04-04T00:15:00+02:00"},
		"mon 08:30":      {"let it sleep until the next Monday at 08:30", "2026-03-30T08:30:00+02:00"},
		"office":         {"let it sleep until the office opens next", "2026-03-30T09:00:00+02:00"},
	} {
		v := compile(t, Definition{When: When{Event: postroom.ReplySent}, Then: []Action{{Do: DoSnooze, Until: until}}}, 1)
		if got := v.Definition.Then[0].snoozeWords(); got != want[0] {
			t.Errorf("%s reads %q", until, got)
		}
		if got := time.UnixMilli(v.SleepsUntil(0, at, berlin)).In(berlin.Location()).Format(time.RFC3339); got != want[1] || !v.SleepCountsOffice(0) {
			t.Errorf("%s: %s, want %s", until, got, want[1])
		}
	}
	if at, ok := berlin.Opens(time.Date(2026, 3, 30, 10, 0, 0, 0, time.UTC).UnixMilli()); !ok || time.UnixMilli(at).UTC().Format(time.RFC3339) != "2026-03-31T07:00:00Z" {
		t.Errorf("opens next while it is open: %d", at)
	}
	for _, a := range []Action{{Do: DoSnooze, Until: "someday 09:00"}, {Do: DoSnooze, Until: "tomorrow"}, {Do: DoSnooze, Until: "mon 24:00"},
		{Do: DoSnooze, Until: "office 09:00"}, {Do: DoSnooze, For: "2d", Until: "office"}, {Do: DoWait, Until: "office"}} {
		if _, err := Compile(Definition{When: When{Event: postroom.ReplySent}, Then: []Action{a, {Do: DoNote, Text: "x"}}}, Identity{}); err == nil {
			t.Errorf("%+v was accepted", a)
		}
	}
}
