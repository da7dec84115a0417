package workflow

import (
	"postroom"
	"postroom/internal/calendar"
)

// The action snooze lets a conversation sleep for a time that is counted from
// the event (W10, W22).

// snooze checks for how long it sleeps.
func (c *compiler) snooze(a Action, path string) Span {
	span, ok := ReadSpan(a.For)
	switch {
	case a.For == "":
		c.fault(path+".for", "Say how long it sleeps.")
	case !ok || span.Least() > postroom.MaxSnooze:
		c.fault(path+".for", "%q is not a time to sleep, such as 30m, 12h, 7d, 2w, 4bh or 2bd; at most a year.", clip(a.For))
	}
	return span
}

func (a Action) snoozeWords() string {
	if a.For == "" {
		return "let it sleep for " + gap
	}
	return "let it sleep for " + spanWords(a.For)
}

// SleepsUntil returns until when the action at a place, from 0, lets a
// conversation sleep from a time on, both in milliseconds; 0 for any other
// action. The calendar is looked at where SleepCountsOffice says so.
func (v *Version) SleepsUntil(action int, at int64, office *calendar.Calendar) int64 {
	if a := v.actions[action]; a.Do == DoSnooze {
		return a.wait.After(at, office)
	}
	return 0
}

// SleepCountsOffice reports whether an action of a leg lets sleep for a business
// time.
func (v *Version) SleepCountsOffice(leg int) bool {
	from, to := v.Leg(leg)
	for _, a := range v.actions[from:to] {
		if a.Do == DoSnooze && a.wait.Business() {
			return true
		}
	}
	return false
}
