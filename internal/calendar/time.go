package calendar

import "time"

// date is a day on the calendar, counted from 1970-01-01.
type date int64

func dateOf(t time.Time) date {
	y, m, d := t.Date()
	return date(time.Date(y, m, d, 0, 0, 0, 0, time.UTC).Unix() / 86_400)
}

func (d date) utc() time.Time { return time.Unix(int64(d)*86_400, 0).UTC() }

// weekday is 0 on Monday.
func (d date) weekday() int { return (int(d.utc().Weekday()) + 6) % 7 }

// instant is the moment, in milliseconds, at which clocks of a zone show so many
// minutes of a day. One that exists twice is the first or the last of the two;
// one that does not exist is the moment at which the clock jumps over it.
func instant(d date, minutes int, loc *time.Location, last bool) int64 {
	shown := d.utc().Add(time.Duration(minutes) * time.Minute) // as if it were UTC
	at := func(near time.Time) time.Time {
		_, offset := near.In(loc).Zone()
		return shown.Add(-time.Duration(offset) * time.Second).In(loc)
	}
	shows := func(t time.Time) bool {
		_, offset := t.Zone()
		return t.Add(time.Duration(offset) * time.Second).UTC().Equal(shown)
	}
	// Zones are at most 14 hours from UTC: before and after are the offsets on
	// both sides of a change that may lie here.
	before, after := at(shown.Add(-26*time.Hour)), at(shown.Add(26*time.Hour))
	first, second := before, after
	if second.Before(first) {
		first, second = second, first
	}
	switch {
	case shows(first) && (!last || !shows(second)):
		return first.UnixMilli()
	case shows(second):
		return second.UnixMilli()
	}
	jump, _ := before.ZoneBounds() // by the old offset it is just behind the change
	return jump.UnixMilli()
}

// open is a stretch of office time, in milliseconds: from is within it, to is
// not.
type open struct{ from, to int64 }

// spansOn returns when it is open on a day by the clock there.
func (h *reckoner) spansOn(d date) []Span {
	if e, ok := h.exceptions[d]; ok {
		return e
	}
	if h.holidays[d] || h.yearly[d.utc().Format("01-02")] {
		return nil
	}
	return h.Week[d.weekday()]
}

// on returns the stretches of a day, in order, those that touch as one.
func (h *reckoner) on(d date) []open {
	var out []open
	for _, s := range h.spansOn(d) {
		o := open{instant(d, s.From, h.loc, false), instant(d, s.To, h.loc, s.To < Day)}
		if o.from >= o.to {
			continue // the clock jumped over all of it
		}
		if n := len(out); n > 0 && o.from <= out[n-1].to {
			out[n-1].to = max(out[n-1].to, o.to)
			continue
		}
		out = append(out, o)
	}
	return out
}

// reckoner is Hours made ready for counting.
type reckoner struct {
	Hours
	loc        *time.Location
	holidays   map[date]bool
	yearly     map[string]bool
	exceptions map[date][]Span
}

func (h Hours) reckon() *reckoner {
	r := &reckoner{Hours: h.Tidy(), loc: h.Location(), holidays: map[date]bool{}, yearly: map[string]bool{}, exceptions: map[date][]Span{}}
	for _, x := range h.Holidays {
		if t, err := time.Parse(time.DateOnly, x.Date); err == nil {
			r.holidays[dateOf(t)] = true
		} else {
			r.yearly[x.Date] = true
		}
	}
	for _, x := range r.Exceptions {
		if t, err := time.Parse(time.DateOnly, x.Date); err == nil {
			r.exceptions[dateOf(t)] = x.Spans
		}
	}
	return r
}
