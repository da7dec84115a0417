package workflow

import (
	"slices"
	"strconv"
	"strings"
	"time"

	"postroom"
	"postroom/internal/calendar"
)

// A workflow whose edge is postroom.ScheduleDue runs at set times (W8). When one
// has come, each conversation that it may be about is looked at; one on which it
// matches then gets an event that names the workflow and its version, and is
// judged by that alone (see OwnEvent).

// Schedule says at which times. The zero value is none.
type Schedule struct {
	Days []string `json:"days,omitempty"` // mon to sun, or days of the month, 1 to 31
	At   string   `json:"at,omitempty"`   // such as 08:00
	Zone string   `json:"zone,omitempty"` // IANA name; "" is that of the calendar that counts
	// Closed says what it does on days without office hours.
	Closed Closed `json:"closed,omitempty"`
	Most   int    `json:"most,omitempty"` // on how many conversations it acts each time; 0 is DefaultScheduled
}

// The bounds of schedules.
const (
	DefaultScheduled = 1000
	MaxScheduled     = 10_000
)

// ScheduleDays are the days of the week as a Schedule has them, with their names.
func ScheduleDays() [][2]string {
	out := make([][2]string, 7)
	for i, name := range calendar.Days {
		out[i] = [2]string{strings.ToLower(name[:3]), name}
	}
	return out
}

// IsZero reports whether the schedule is none at all.
func (s Schedule) IsZero() bool {
	return len(s.Days) == 0 && s.At == "" && s.Zone == "" && s.Most == 0 && s.Closed == ""
}

// Scheduled reports whether the workflow runs at set times.
func (w When) Scheduled() bool { return w.Event == postroom.ScheduleDue }

// Limit returns on how many conversations it acts each time at most.
func (s Schedule) Limit() int {
	if s.Most == 0 {
		return DefaultScheduled
	}
	return s.Most
}

// ByMonth reports whether its days are those of the month.
func (s Schedule) ByMonth() bool {
	return len(s.Days) > 0 && s.Days[0] != "" && s.Days[0][0] >= '0' && s.Days[0][0] <= '9'
}

// Location returns its zone, else that of the calendar.
func (s Schedule) Location(office *calendar.Calendar) *time.Location {
	if s.Zone != "" {
		if loc, err := time.LoadLocation(s.Zone); err == nil {
			return loc
		}
	}
	if office == nil {
		return time.UTC
	}
	return office.Location()
}

// fits reports whether it has a time on a day.
func (s Schedule) fits(day time.Time) bool {
	if !s.ByMonth() {
		return slices.Contains(s.Days, strings.ToLower(day.Weekday().String()[:3]))
	}
	last := day.AddDate(0, 0, 1).Month() != day.Month()
	return slices.ContainsFunc(s.Days, func(d string) bool {
		n, err := strconv.Atoi(d)
		return err == nil && (n == day.Day() || last && n > day.Day())
	})
}

// schedule checks at which times it runs.
func (c *compiler) schedule(w When) {
	s := w.Schedule
	if !w.Scheduled() {
		if !s.IsZero() {
			c.fault("when.schedule", "Only a workflow that runs at set times has a schedule.")
		}
		return
	}
	for name, used := range map[string]bool{"actors": len(w.Actors) > 0, "paths": len(w.Paths) > 0} {
		if used {
			c.fault("when."+name, "A time that comes is nobody's doing; it has no %s.", name)
		}
	}
	if w.After != "" {
		c.fault("when.after", "What runs at set times does not wait beside that.")
	}
	c.days(s)
	if minutes, ok := calendar.ParseClock(s.At); !ok || minutes == calendar.Day {
		c.fault("when.schedule.at", "%q is not a time of day, such as 08:00.", s.At)
	}
	if s.Zone != "" {
		if _, err := time.LoadLocation(s.Zone); err != nil || s.Zone == "Local" {
			c.fault("when.schedule.zone", "%q is not a time zone.", s.Zone)
		}
	}
	if !slices.ContainsFunc(ClosedChoices(), func(x [2]string) bool { return x[0] == string(s.Closed) }) {
		c.fault("when.schedule.closed", "%q says nothing of days without office hours; it is one of skip and next.", clip(string(s.Closed)))
	}
	if s.Most < 0 || s.Most > MaxScheduled {
		c.fault("when.schedule.most", "Between 1 and %d conversations are possible; 0 stands for the default, %d.", MaxScheduled, DefaultScheduled)
	}
}

func (c *compiler) days(s Schedule) {
	if len(s.Days) == 0 {
		c.fault("when.schedule.days", "Say on which days.")
		return
	}
	for i, d := range s.Days {
		n, err := strconv.Atoi(d)
		number := err == nil && n >= 1 && n <= 31 && strconv.Itoa(n) == d
		name := slices.ContainsFunc(ScheduleDays(), func(x [2]string) bool { return x[0] == d })
		switch {
		case !number && !name:
			c.fault("when.schedule.days", "%q is neither a day of the week, such as mon, nor one of the month, 1 to 31.", d)
		case number != s.ByMonth():
			c.fault("when.schedule.days", "The days are either those of the week or those of the month, not both.")
		case slices.Index(s.Days, d) < i:
			c.fault("when.schedule.days", "%s stands there twice.", d)
		default:
			continue
		}
		return
	}
}

// words says when, as in "Every Monday to Friday at 08:00".
func (s Schedule) words() string {
	if len(s.Days) == 0 || s.At == "" {
		return "Every " + gap
	}
	at := s.At
	if m, ok := calendar.ParseClock(s.At); ok {
		at = calendar.Clock(m)
	}
	text := "Every " + s.weekWords() + " at " + at
	if s.ByMonth() {
		text = "On day " + list(s.Days, "and") + " of every month at " + at
	}
	if s.Zone != "" {
		text += " (" + strings.ReplaceAll(s.Zone, "_", " ") + ")"
	}
	return text + s.closedWords()
}

func (s Schedule) weekWords() string {
	var days []int
	for i, d := range ScheduleDays() {
		if slices.Contains(s.Days, d[0]) {
			days = append(days, i)
		}
	}
	switch n := len(days); {
	case n == 7:
		return "day"
	case n > 2 && days[n-1]-days[0] == n-1:
		return calendar.Days[days[0]] + " to " + calendar.Days[days[n-1]]
	}
	names := make([]string, len(days))
	for i, d := range days {
		names[i] = calendar.Days[d]
	}
	if len(names) == 0 {
		return gap
	}
	return list(names, "and")
}

// Statuses lists the statuses a conversation can have on which the conditions
// hold, as far as they say; never spam.
func (v *Version) Statuses() []postroom.Status {
	all := slices.DeleteFunc(slices.Clone(postroom.Statuses), func(s postroom.Status) bool { return s == postroom.Spam })
	may := v.Definition.If.statuses(all)
	return slices.DeleteFunc(all, func(s postroom.Status) bool { return !slices.Contains(may, s) })
}

func (c Cond) statuses(all []postroom.Status) []postroom.Status {
	named := func(s postroom.Status) bool { return slices.Contains(c.Values, string(s)) }
	switch {
	case c.All != nil:
		for _, child := range c.All {
			may := child.statuses(all)
			all = slices.DeleteFunc(slices.Clone(all), func(s postroom.Status) bool { return !slices.Contains(may, s) })
		}
	case c.Any != nil:
		var out []postroom.Status
		for _, child := range c.Any {
			out = append(out, child.statuses(all)...)
		}
		return out
	case c.Fact == "conversation.status" && (c.Op == Is || c.Op == OneOf):
		return slices.DeleteFunc(slices.Clone(all), func(s postroom.Status) bool { return !named(s) })
	case c.Fact == "conversation.status" && c.Op == IsNot:
		return slices.DeleteFunc(slices.Clone(all), named)
	}
	return all
}

// fields writes a schedule as a form has it: "when.schedule.by" says whether its
// days are of the week or of the month.
func (s Schedule) fields(f Fields) {
	if s.IsZero() {
		return
	}
	f["when.schedule.by"] = []string{"week"}
	if s.ByMonth() {
		f["when.schedule.by"] = []string{"month"}
	}
	for name, v := range map[string]string{"at": s.At, "zone": s.Zone, "closed": string(s.Closed)} {
		if v != "" {
			f["when.schedule."+name] = []string{v}
		}
	}
	if len(s.Days) > 0 {
		f["when.schedule.days"] = s.Days
	}
	if s.Most != 0 {
		f["when.schedule.most"] = []string{strconv.Itoa(s.Most)}
	}
}

// schedule reads it. One that was just chosen, and one whose days were of the
// other kind, begins with days of its own.
func (r *fieldReader) schedule(w *When) {
	if !w.Scheduled() {
		return
	}
	f, s := r.fields, &w.Schedule
	s.At, s.Zone = clip(strings.TrimSpace(f.first("when.schedule.at"))), clip(strings.TrimSpace(f.first("when.schedule.zone")))
	s.Closed = Closed(clip(strings.TrimSpace(f.first("when.schedule.closed"))))
	s.Most = r.number("when.schedule.most", 1_000_000)
	month := f.first("when.schedule.by") == "month"
	for _, d := range filled(f["when.schedule.days"]) {
		if of := (Schedule{Days: []string{d}}); of.ByMonth() == month && len(s.Days) < 31 {
			s.Days = append(s.Days, clip(d))
		}
	}
	was := f.first("when.was")
	switch {
	case was != "" && was != string(w.Event) && s.IsZero():
		s.Days, s.At = []string{"mon", "tue", "wed", "thu", "fri"}, "08:00"
	case month && len(s.Days) == 0:
		s.Days = []string{"1"}
	}
}
