package calendar

import "time"

// nextDays is how many days Next looks ahead: a date comes at least once in four
// years, but where a century has no leap day.
const nextDays = 9 * 366

// NextAt returns the first time after another, in milliseconds, at which clocks of
// a zone show so many minutes of a day that fits. The day is given as midnight
// UTC. A time that does not exist on a day is the moment at which the clock jumps
// over it; of one that exists twice it is the first. ok is false where no day
// fits.
func NextAt(after int64, loc *time.Location, minutes int, fits func(day time.Time) bool) (at int64, ok bool) {
	first := dateOf(time.UnixMilli(after).In(loc)) - 1
	for d := first; d < first+nextDays; d++ {
		if !fits(d.utc()) {
			continue
		}
		if at = instant(d, minutes, loc, false); at > after {
			return at, true
		}
	}
	return 0, false
}
