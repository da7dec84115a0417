package proof

import (
	"slices"
	"time"

	"postroom/internal/calendar"
	"postroom/internal/workflow"
)

// The bounds of what is looked at of set times: a year of them, and for each how
// late a walk through the conversations may be and still count as its time.
const (
	hoursAhead = 366 * 24 * time.Hour
	hoursLate  = 10 * time.Minute
)

// Offices returns the calendars that can count for a workflow: of its mailbox,
// or, for 0, the default one first and then those of all mailboxes.
type Offices func(mailbox int64) []*calendar.Calendar

// Hours holds set times against office hours: a workflow that asks for open, or
// for closed, office hours and whose times of the year to come all fall on the
// other side does nothing then. about is the workflow to look at, 0 for all. It
// warns only: what runs late may come in on the right side.
func Hours(s *workflow.Set, about, now int64, offices Offices, names workflow.Names) (out []Finding) {
	p := newProver(s, names)
	for _, en := range s.Entries() {
		v := en.Version
		if en.State != workflow.Enabled || !v.Definition.When.Scheduled() || about != 0 && v.WorkflowID != about {
			continue
		}
		x := newSubject(v)
		all := offices(v.MailboxID)
		if !x.all.possible() || len(all) == 0 {
			continue
		}
		schedule := v.Definition.When.Schedule
		if _, ok := schedule.Next(now, all[0]); !ok && schedule.Closed != workflow.ClosedRuns {
			p.found(NeverTime, []*subject{x}, "%s never runs: by the office hours of %s there is no day on which it may.", x.title(), all[0].Name)
			continue
		}
		for _, open := range []bool{true, false} {
			if !x.demandsOffice(open) || slices.ContainsFunc(all, func(c *calendar.Calendar) bool { return everOpen(schedule, all[0], c, now, open) }) {
				continue
			}
			words := [2]string{"closed", "within office hours"}
			if !open {
				words = [2]string{"open", "outside office hours"}
			}
			p.found(NeverTime, []*subject{x}, "%s does something only %s, and at all of its set times in the year to come the office is %s.", x.title(), words[1], words[0])
		}
	}
	return p.findings
}

// demandsOffice reports whether it matches only while the office is open, or only
// while it is closed.
func (x *subject) demandsOffice(open bool) bool {
	other := workflow.Cond{Fact: "office.open", Op: workflow.Is, Values: []string{map[bool]string{true: "false", false: "true"}[open]}}
	return !x.all.meet(of(x.kind, other, true))
}

// everOpen reports whether, at any time of a schedule within a year, a calendar is
// open, or closed. The times are those by the calendar that they follow.
func everOpen(s workflow.Schedule, times, office *calendar.Calendar, now int64, open bool) bool {
	at, ok := s.Next(now, times)
	for ; ok && at <= now+hoursAhead.Milliseconds(); at, ok = s.Next(at, times) {
		if office.Open(at) == open || office.Open(at+hoursLate.Milliseconds()) == open {
			return true
		}
	}
	return false
}
