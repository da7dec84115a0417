package query

// CalendarsPage is GET /calendars.
type CalendarsPage struct {
	Shell Shell
	Rows  []CalendarLine
}

// CalendarLine is one calendar in the list.
type CalendarLine struct {
	ID     int64
	Name   string
	Zone   string
	Main   bool     // the default
	Week   []string // a line for days with the same hours: "Monday to Friday 09:00-17:00"
	UsedBy []Choice // mailboxes that name it: Value is the id
	Now    bool     // it is open
	Next   int64    // when that changes; 0: never
	Days   int      // holidays and days with other hours
}

// CalendarPage is GET /calendars/new and GET /calendars/{id}, and their POST
// refused.
type CalendarPage struct {
	Shell      Shell
	Line       CalendarLine // ID is 0 for a new one
	Revision   int
	Name       string
	Zone       string
	Zones      []string
	Week       [7]string // as typed
	Holidays   string    // one a line
	Exceptions string    // one a line
	Revisions  []CalendarRevision
	Errors     FieldErrors // name, zone, week, week[0] to week[6], holidays, exceptions
}

// CalendarRevision says who changed a calendar and when.
type CalendarRevision struct {
	Number int
	At     int64
	Author string
}
