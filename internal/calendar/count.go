package calendar

import "time"

// horizon is how many days are looked at for office time: a calendar that is
// open so rarely that this is not enough counts as never open. Nothing here
// loops for ever.
const horizon = 20 * 366

// Calendar is one revision of a calendar, made ready for counting. It does not
// change and may be used by several goroutines.
type Calendar struct {
	ID       int64
	Revision int
	Name     string
	r        *reckoner
}

// New makes Hours ready for counting. A zone that is not known counts as UTC;
// Check says so before.
func New(id int64, revision int, name string, h Hours) *Calendar {
	return &Calendar{ID: id, Revision: revision, Name: name, r: h.reckon()}
}

// Hours returns what the calendar was made of.
func (c *Calendar) Hours() Hours { return c.r.Hours }

// Location returns its zone.
func (c *Calendar) Location() *time.Location { return c.r.loc }

func (c *Calendar) day(at int64) date { return dateOf(time.UnixMilli(at).In(c.r.loc)) }

// Open reports whether it is open at a time in milliseconds.
func (c *Calendar) Open(at int64) bool {
	d := c.day(at)
	for _, x := range []date{d - 1, d, d + 1} { // a jump of the clock can carry a stretch over midnight
		for _, o := range c.r.on(x) {
			if o.from <= at && at < o.to {
				return true
			}
		}
	}
	return false
}

// OpenOn reports whether it has any office hours on the day that a time in
// milliseconds lies in, there.
func (c *Calendar) OpenOn(at int64) bool { return len(c.r.on(c.day(at))) > 0 }

// stretches calls f with each stretch of office time from the day of a time on,
// in order, until it returns false or the horizon is reached.
func (c *Calendar) stretches(from date, f func(date, open) bool) {
	behind := int64(0) // what was told already: days may overlap where clocks jump
	for d := from; d < from+horizon; d++ {
		for _, o := range c.r.on(d) {
			if o.from = max(o.from, behind); o.from >= o.to {
				continue
			}
			if behind = o.to; !f(d, o) {
				return
			}
		}
	}
}

// Add returns the time at which so many minutes of office time have passed since
// start, both in milliseconds; less than one minute is start itself. ok is false
// where that never comes.
//
// The end of a stretch of office time and the beginning of the next are the same
// amount of office time; the result is the earlier of the two, so that "8
// business hours after 9:00" of a day from 9 to 17 is 17:00 that day.
func (c *Calendar) Add(start int64, minutes int64) (at int64, ok bool) {
	if minutes <= 0 {
		return start, true
	}
	left := minutes * 60_000
	c.stretches(c.day(start)-1, func(_ date, o open) bool {
		if o.to <= start {
			return true
		}
		from := max(o.from, start)
		if left <= o.to-from {
			at, ok = from+left, true
			return false
		}
		left -= o.to - from
		return true
	})
	return at, ok
}

// AddDays returns the same time of day so many office days later, in
// milliseconds. A day counts if it has office hours. Outside office hours it is
// counted from their next beginning; where the last day is not open at that
// time of day, it is the nearest time of that day that is. ok is false where
// that never comes.
func (c *Calendar) AddDays(start int64, days int64) (at int64, ok bool) {
	if days <= 0 {
		return start, true
	}
	begun, passed := date(0), int64(-1)
	var moment int64 // that it is counted from
	var minutes int
	last := date(0)
	c.stretches(c.day(start)-1, func(d date, o open) bool {
		switch {
		case passed < 0 && o.to <= start:
			return true
		case passed < 0:
			moment = max(o.from, start)
			local := time.UnixMilli(moment).In(c.r.loc)
			begun, last, passed = d, d, 0
			minutes = local.Hour()*60 + local.Minute()
			return true
		case d != last:
			last = d
			passed++
		}
		return passed < days
	})
	if passed < days || begun == last {
		return 0, false
	}
	wanted := instant(last, minutes, c.r.loc, false)
	wanted += moment % 60_000 // seconds stay
	day := c.r.on(last)
	at = day[0].from
	for _, o := range day {
		switch {
		case wanted < o.from:
			if o.from-wanted < wanted-at || at == day[0].from && wanted < at {
				at = o.from
			}
			return at, true
		case wanted < o.to:
			return wanted, true
		}
		at = o.to
	}
	return at, true
}

// Between returns how much office time lies between two times, in milliseconds;
// 0 if to is not after from.
func (c *Calendar) Between(from, to int64) (passed int64) {
	if to <= from {
		return 0
	}
	c.stretches(c.day(from)-1, func(_ date, o open) bool {
		if o.from >= to {
			return false
		}
		if o.to > from {
			passed += min(o.to, to) - max(o.from, from)
		}
		return true
	})
	return passed
}

// Next returns when it opens or closes next after a time, in milliseconds, and
// whether it is open from then on. ok is false where nothing changes any more.
func (c *Calendar) Next(after int64) (at int64, opens, ok bool) {
	end := int64(0) // of the stretch we are in
	c.stretches(c.day(after)-1, func(_ date, o open) bool {
		switch {
		case o.to <= after:
			return true
		case end != 0 && o.from == end: // goes on over midnight
			end = o.to
			return true
		case end == 0 && o.from <= after:
			end = o.to
			return end-after < 32*86_400_000
		case end != 0:
			return false
		}
		at, opens, ok = o.from, true, true
		return false
	})
	if end != 0 {
		return end, false, true
	}
	return at, opens, ok
}

// Opens returns when it opens next after a time, both in milliseconds: where it
// is open, that is after it has closed. ok is false where it never does.
func (c *Calendar) Opens(after int64) (at int64, ok bool) {
	for tries := 0; tries < 4; tries++ {
		next, opens, more := c.Next(after)
		if !more || opens {
			return next, more
		}
		after = next
	}
	return 0, false
}
