package web

import (
	"fmt"

	"postroom"
	"postroom/internal/directory"
	"postroom/internal/locale"
	"postroom/internal/query"
	"postroom/internal/web/view"
)

// showCalendars is GET /calendars.
func showCalendars(q *request) error {
	p, err := q.site.o.Pages.Calendars(q.Context(), q.agent, q.place("mailboxes"))
	if err != nil {
		return err
	}
	q.dress(&p.Shell)
	return q.page(view.Calendars(*p), p)
}

// showNewCalendar is GET /calendars/new.
func showNewCalendar(q *request) error {
	p, err := q.calendarPage(0)
	if err != nil {
		return err
	}
	return q.page(view.Calendar(*p), p)
}

// showCalendar is GET /calendars/{id}.
func showCalendar(q *request) error {
	id, err := q.number("id")
	if err != nil {
		return err
	}
	p, err := q.calendarPage(id)
	if err != nil {
		return err
	}
	return q.page(view.Calendar(*p), p)
}

func (q *request) calendarPage(id int64) (*query.CalendarPage, error) {
	p, err := q.site.o.Pages.Calendar(q.Context(), q.agent, id, q.place("mailboxes"))
	if err != nil {
		return nil, err
	}
	q.dress(&p.Shell)
	p.Zones = locale.Zones()
	return p, nil
}

// addCalendar is POST /calendars.
func addCalendar(q *request) error {
	if err := q.fields(); err != nil {
		return err
	}
	f, err := q.calendarFields()
	id := int64(0)
	if err == nil {
		id, err = q.site.o.Directory.AddCalendar(q.Context(), q.agent, f)
	}
	return q.calendarSaved(err, 0, id, f)
}

// updateCalendar is POST /calendars/{id}.
func updateCalendar(q *request) error {
	id, err := q.number("id")
	if err != nil {
		return err
	}
	if err := q.fields(); err != nil {
		return err
	}
	f, err := q.calendarFields()
	if err == nil {
		err = q.site.o.Directory.UpdateCalendar(q.Context(), q.agent, id, f)
	}
	return q.calendarSaved(err, id, id, f)
}

// calendarFields reads the form.
func (q *request) calendarFields() (f directory.CalendarFields, err error) {
	f.Name, f.Base = q.field("name"), int(q.id("base"))
	days := make([]string, 7)
	for i := range days {
		days[i] = q.field(weekField(i))
	}
	f.Hours, err = directory.ParseHours(q.field("zone"), days, q.Form.Get("holidays"), q.Form.Get("exceptions"))
	return f, err
}

func weekField(day int) string { return fmt.Sprintf("week[%d]", day) }

// calendarSaved leads on, or shows the form again with what was typed.
func (q *request) calendarSaved(err error, form, id int64, f directory.CalendarFields) error {
	wrong := faults(err)
	if wrong == nil {
		if err != nil {
			return err
		}
		q.flash(query.Flash{Kind: "done", Text: f.Name + " is saved."})
		q.see(fmt.Sprintf("/calendars/%d", id))
		return nil
	}
	p, err := q.calendarPage(form)
	if err != nil {
		return err
	}
	p.Name, p.Zone, p.Holidays, p.Exceptions, p.Errors = q.field("name"), q.field("zone"), q.Form.Get("holidays"), q.Form.Get("exceptions"), wrong
	p.Revision = f.Base
	for i := range p.Week {
		p.Week[i] = q.field(weekField(i))
	}
	return q.html(422, view.Calendar(*p))
}

// changeCalendar is POST /calendars/{id}/default and /calendars/{id}/delete.
func changeCalendar(q *request) error {
	id, err := q.number("id")
	if err != nil {
		return err
	}
	if err := q.fields(); err != nil {
		return err
	}
	switch q.PathValue("verb") {
	case "default":
		return q.told(q.site.o.Directory.MainCalendar(q.Context(), q.agent, id), "It is the default now.", "/calendars")
	case "delete":
		err = q.site.o.Directory.DeleteCalendar(q.Context(), q.agent, id)
		if err != nil {
			return q.told(err, "", fmt.Sprintf("/calendars/%d", id))
		}
		return q.told(nil, "The calendar is deleted.", "/calendars")
	}
	return postroom.Errorf(postroom.NotFound, "There is no such page.")
}
