package flowfile

import (
	"bytes"
	"fmt"
	"reflect"
	"strings"

	"go.yaml.in/yaml/v4"

	"postroom"
	"postroom/internal/calendar"
	"postroom/internal/workflow"
)

// Calendar is a calendar of a file: a document of the kind "calendar", with hours
// and days as they are typed on its page.
type Calendar struct {
	Key       string // stable: by it a file finds the calendar again
	Name      string
	Default   bool    // it counts where a mailbox names none; false: the file does not say
	Mailboxes []int64 // that count by it; nil: the file does not say, and they stay as they are
	Hours     calendar.Hours

	wrong workflow.Faults // what could not be read as hours or days
	sheet
}

// calendarText is a calendar as it stands in a file.
type calendarText struct {
	Kind       string   `json:"kind"`
	Key        string   `json:"key"`
	Name       string   `json:"name"`
	Default    bool     `json:"default,omitempty"`
	Mailboxes  []int64  `json:"mailboxes,omitzero" ref:"mailbox"`
	Zone       string   `json:"zone,omitempty"`
	Week       weekText `json:"week"`
	Holidays   []string `json:"holidays,omitempty"`
	Exceptions []string `json:"exceptions,omitempty"`
}

// weekText is when it is open, such as "09:00-12:30, 13:30-17:00"; a day that is
// not there is closed.
type weekText struct {
	Monday    string `json:"monday,omitempty"`
	Tuesday   string `json:"tuesday,omitempty"`
	Wednesday string `json:"wednesday,omitempty"`
	Thursday  string `json:"thursday,omitempty"`
	Friday    string `json:"friday,omitempty"`
	Saturday  string `json:"saturday,omitempty"`
	Sunday    string `json:"sunday,omitempty"`
}

func (w *weekText) days() [7]*string {
	return [7]*string{&w.Monday, &w.Tuesday, &w.Wednesday, &w.Thursday, &w.Friday, &w.Saturday, &w.Sunday}
}

// calendar reads a document that is a calendar.
func (r *reader) calendar(n *yaml.Node) string {
	var raw calendarText
	r.value(n, reflect.ValueOf(&raw).Elem(), "", scope{}, "")
	c := &Calendar{Key: raw.Key, Name: raw.Name, Default: raw.Default, Mailboxes: raw.Mailboxes, sheet: r.doc}
	wrong := func(path string, err error) {
		if err != nil {
			c.wrong = append(c.wrong, workflow.Fault{Path: path, Text: postroom.TextOf(err)})
		}
	}
	c.Hours.Zone = raw.Zone
	for i, day := range raw.Week.days() {
		var err error
		if !strings.EqualFold(strings.TrimSpace(*day), "closed") {
			c.Hours.Week[i], err = calendar.ParseSpans(*day)
		}
		wrong(weekDay(i), err)
	}
	for _, line := range raw.Holidays {
		c.Hours.Holidays = append(c.Hours.Holidays, calendar.ParseHolidays(oneLine(line))...)
	}
	for i, line := range raw.Exceptions {
		days, err := calendar.ParseExceptions(oneLine(line))
		wrong(fmt.Sprintf("exceptions[%d]", i), err)
		c.Hours.Exceptions = append(c.Hours.Exceptions, days...)
	}
	r.content.Calendars = append(r.content.Calendars, c)
	return raw.Key
}

func oneLine(text string) string { return strings.Join(strings.Fields(text), " ") }

func weekDay(i int) string { return "week." + strings.ToLower(calendar.Days[i]) }

// Check says what is wrong with a calendar beside the names.
func (c *Calendar) Check() Faults {
	faults := append(workflow.Faults(nil), c.wrong...)
	add := func(path, format string, args ...any) {
		faults = append(faults, workflow.Fault{Path: path, Text: fmt.Sprintf(format, args...)})
	}
	checkHead(kindCalendar, c.Key, c.Name, add)
	if len(c.wrong) > 0 {
		return c.Place(faults)
	}
	week := c.Hours
	week.Holidays, week.Exceptions = nil, nil
	for _, f := range week.Check() {
		for i := range week.Week {
			if f.Field == fmt.Sprintf("week[%d]", i) {
				f.Field = weekDay(i)
			}
		}
		add(f.Field, "%s", f.Text)
	}
	// Days are looked at one by one, each with those before it, so that what is
	// wrong is said at its line.
	days := calendar.Usual("")
	for i, x := range c.Hours.Holidays {
		days.Holidays = append(days.Holidays, x)
		if found := days.Check(); len(found) > 0 {
			add(fmt.Sprintf("holidays[%d]", i), "%s", found[0].Text)
			days.Holidays = days.Holidays[:len(days.Holidays)-1]
		}
	}
	for i, x := range c.Hours.Exceptions {
		days.Exceptions = append(days.Exceptions, x)
		if found := days.Check(); len(found) > 0 {
			add(fmt.Sprintf("exceptions[%d]", i), "%s", found[0].Text)
			days.Exceptions = days.Exceptions[:len(days.Exceptions)-1]
		}
	}
	return c.Place(faults)
}

// WriteCalendar writes a calendar as a document.
func WriteCalendar(c Calendar, names *Names) (string, error) {
	t := calendarText{Kind: kindCalendar, Key: c.Key, Name: c.Name, Default: c.Default, Mailboxes: c.Mailboxes, Zone: c.Hours.Zone}
	for i, day := range t.Week.days() {
		*day = calendar.SpansText(c.Hours.Week[i])
	}
	for _, x := range c.Hours.Holidays {
		t.Holidays = append(t.Holidays, calendar.HolidaysText([]calendar.Holiday{x}))
	}
	for _, x := range c.Hours.Exceptions {
		t.Exceptions = append(t.Exceptions, calendar.ExceptionsText([]calendar.Exception{x}))
	}
	var b bytes.Buffer
	comment(&b, "Office hours “"+c.Name+"”.")
	w := writer{names}
	if err := dump(&b, w.structure(reflect.ValueOf(t), scope{})); err != nil {
		return "", fmt.Errorf("write the calendar %s: %w", c.Key, err)
	}
	return b.String(), nil
}
