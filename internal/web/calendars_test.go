package web_test

import (
	"fmt"
	"net/url"
	"strings"
	"testing"

	"postroom/internal/calendar"
	"postroom/internal/desktest"
	"postroom/internal/store"
)

// Calendars are added, changed, made the default, chosen by a mailbox and
// deleted by forms alone; each change is a revision, and all are kept.
func TestCalendarsOnThePages(t *testing.T) {
	t.Parallel()
	desktest.Each(t, func(t *testing.T, d *desktest.Desk) {
		o := open(t, d)
		ann := o.browser("ann")
		o.browser("ben").get("/calendars").want(t, 403, "an agent")
		if !ann.get("/calendars").want(t, 200, "none").has("No calendar yet") {
			t.Error("it is not said what counts without a calendar")
		}
		form := url.Values{"name": {"Support"}, "zone": {"Europe/Berlin"}, "holidays": {"12-25 Christmas Day\r\n2026-12-28"}, "exceptions": {"2026-12-24 9-12 Christmas Eve"}}
		if r := ann.post("/calendars", form).want(t, 422, "never open"); !r.has("A calendar that is never open has no office hours") || !strings.Contains(r.body, "Christmas Eve") {
			t.Error("it is not refused, or what was typed is lost")
		}
		form.Set("week[0]", "9-12:30, 13:30-17")
		form.Set("week[4]", "17-9")
		if r := ann.post("/calendars", form).want(t, 422, "a wrong day"); !r.has("17:00-09:00 ends before it begins") {
			t.Error("the day is not refused")
		}
		form.Set("week[4]", "9-15")
		ann.post("/calendars", form).want(t, 303, "add")
		all := calendars(t, d)
		if len(all) != 1 || !all[0].Main || all[0].Revision != 1 {
			t.Fatalf("stored %+v", all)
		}
		page := fmt.Sprintf("/calendars/%d", all[0].ID)
		shown := ann.get(page).want(t, 200, "it").formOf(t, "calendar-form")
		if shown.Get("week[0]") != "09:00-12:30, 13:30-17:00" || shown.Get("holidays") != "12-25 Christmas Day\r\n2026-12-28" || shown.Get("base") != "1" {
			t.Errorf("the form has %v", shown)
		}
		ann.post(page, shown).want(t, 303, "save what it is")
		if n := calendars(t, d)[0].Revision; n != 1 {
			t.Errorf("what changes nothing made revision %d", n)
		}
		shown.Set("week[5]", "10-12")
		ann.post(page, shown).want(t, 303, "change")
		if r := ann.post(page, url.Values{"name": {"Other"}, "zone": {"UTC"}, "week[0]": {"9-10"}, "base": {"1"}}).want(t, 422, "an old page"); !r.has("Somebody has changed this calendar") {
			t.Error("of two admins one loses what they wrote")
		}
		first, err := d.Store.Read().CalendarRevision(d.Ctx, all[0].ID, 1)
		if err != nil || strings.Contains(first.Hours, "600") || calendars(t, d)[0].Revision != 2 {
			t.Errorf("the first revision is %+v, %v", first, err)
		}

		other := url.Values{"name": {"support"}, "zone": {"Asia/Tokyo"}, "week[2]": {"0-24"}}
		if r := ann.post("/calendars", other).want(t, 422, "a name twice"); !r.has("There is a calendar with this name already.") {
			t.Error("a name is taken twice")
		}
		other.Set("name", "Tokyo")
		ann.post("/calendars", other).want(t, 303, "another")
		tokyo := calendars(t, d)[1]
		where := fmt.Sprintf("/mailboxes/%d", d.Mailbox.ID)
		settings := ann.get(where).want(t, 200, "mailbox").formOf(t, "mailbox-settings")
		settings.Set("calendar", "999")
		if r := ann.post(where, settings).want(t, 422, "no such calendar"); !r.has("This calendar is not there any more") {
			t.Error("a mailbox takes a calendar that is not there")
		}
		settings.Set("calendar", fmt.Sprint(tokyo.ID))
		ann.post(where, settings).want(t, 303, "choose")
		if c, err := d.Store.Read().CalendarFor(d.Ctx, d.Mailbox.ID); err != nil || c.Name != "Tokyo" {
			t.Errorf("the mailbox has %+v, %v", c, err)
		}
		drop := fmt.Sprintf("/calendars/%d/delete", tokyo.ID)
		ann.post(drop, nil).want(t, 303, "delete what is used")
		if !ann.get(fmt.Sprintf("/calendars/%d", tokyo.ID)).has("Tokyo is still the calendar of " + d.Mailbox.Name) {
			t.Error("it is not said who uses it")
		}
		ann.post(page+"/delete", nil).want(t, 303, "delete the default")
		if !ann.get(page).has("Support is the default") {
			t.Error("the default is deleted")
		}
		ann.post(fmt.Sprintf("/calendars/%d/default", tokyo.ID), nil).want(t, 303, "another default")
		ann.post(page+"/delete", nil).want(t, 303, "delete")
		ann.get(page).want(t, 404, "what is deleted")
		if all := calendars(t, d); len(all) != 1 || all[0].ID != tokyo.ID || !all[0].Main {
			t.Errorf("there are %+v", all)
		}
		if row, err := d.Store.Read().CalendarRevision(d.Ctx, first.ID, 2); err != nil || row.Name != "Support" {
			t.Errorf("what was decided by it cannot be repeated: %v", err)
		}
	})
}

// calendars are those there are; each can be read.
func calendars(t *testing.T, d *desktest.Desk) []store.CalendarRow {
	t.Helper()
	all, err := d.Store.Read().Calendars(d.Ctx)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range all {
		if _, err := calendar.Read(c.ID, c.Revision, c.Name, c.Hours); err != nil {
			t.Fatal(err)
		}
	}
	return all
}
