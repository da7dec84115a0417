package web_test

import (
	"net/url"
	"strconv"
	"strings"
	"testing"
	"time"

	"postroom"
	"postroom/internal/desktest"
)

// A conversation is put to sleep and woken on its page, by the clock of the
// agent; what cannot be is refused where it was asked.
func TestSnoozeOnItsPages(t *testing.T) {
	t.Parallel()
	d := desktest.New(t, "sqlite")
	o := open(t, d)
	ann := o.browser("ann")
	ann.post("/profile", url.Values{"name": {"Ann"}, "zone": {"Asia/Tokyo"}}).want(t, 303, "profile")
	c := d.CustomerWrites("Mara Lind <mara@customer.example>", "Lamp broken", "It arrived broken.")
	other := d.CustomerWrites("Mara Lind <mara@customer.example>", "Another", "Broken too.")
	page, snooze := conversationPath(c, ""), conversationPath(c, "/snooze")
	now := time.UnixMilli(d.Store.Now())
	tokyo, err := time.LoadLocation("Asia/Tokyo")
	if err != nil {
		t.Fatal(err)
	}
	here := now.In(tokyo)
	nine := func(days int) int64 {
		return time.Date(here.Year(), here.Month(), here.Day()+days, 9, 0, 0, 0, tokyo).UnixMilli()
	}
	if r := ann.get(page); !strings.Contains(r.body, `value="tomorrow"`) || !strings.Contains(r.body, `data-key="h"`) || r.has("Sleeps until") {
		t.Error("the conversation offers no sleep")
	}
	for value, want := range map[string]int64{"tomorrow": nine(1), "week": nine(7), "hours": now.Add(3 * time.Hour).Truncate(time.Minute).UnixMilli()} {
		ann.post(snooze, url.Values{"until": {value}, "path": {"menu"}}).want(t, 303, value)
		if got := d.Conversation(c.ID).SnoozedUntil; got != want {
			t.Errorf("%s: until %s", value, time.UnixMilli(got).In(tokyo))
		}
	}
	ann.post(snooze, url.Values{"until": {"monday"}}).want(t, 303, "monday")
	if got := time.UnixMilli(d.Conversation(c.ID).SnoozedUntil).In(tokyo); got.Weekday() != time.Monday || got.Hour() != 9 || !got.After(now) || got.Sub(now) > 8*24*time.Hour {
		t.Errorf("next Monday is %s", got)
	}
	ann.post(snooze, url.Values{"until": {"office"}}).want(t, 303, "office")
	if got := d.Conversation(c.ID).SnoozedUntil; got <= now.UnixMilli() || got > now.Add(8*24*time.Hour).UnixMilli() {
		t.Errorf("the office opens at %s", time.UnixMilli(got))
	}
	ann.post(snooze, url.Values{"until": {"at"}, "at": {here.AddDate(0, 0, 2).Format("2006-01-02") + "T14:30"}, "path": {"keyboard"}}).want(t, 303, "a time")
	if got := time.UnixMilli(d.Conversation(c.ID).SnoozedUntil).In(tokyo); got.Format("15:04") != "14:30" {
		t.Errorf("until %s", got)
	}
	was := d.Conversation(c.ID).SnoozedUntil
	for _, wrong := range []url.Values{{"until": {"at"}}, {"until": {"at"}, "at": {"soon"}}, {"until": {"never"}}, {"until": {"at"}, "at": {"2001-01-01T09:00"}}, {}} {
		wrong.Set("return", page)
		ann.post(snooze, wrong).want(t, 303, "a wrong time")
		if r := ann.get(page); d.Conversation(c.ID).SnoozedUntil != was || !strings.Contains(r.body, `id="flash"`) {
			t.Errorf("%v changed it, or nothing says why not", wrong)
		}
	}
	r := ann.get(page)
	if !r.has("Sleeps until") || !r.has("let it sleep until") || !strings.Contains(r.body, conversationPath(c, "/wake")) {
		t.Error("the conversation does not say that it sleeps")
	}
	if r := ann.get("/folders/snoozed"); !r.has("Lamp broken") || r.has("Another") || !strings.Contains(r.body, `value="wake"`) {
		t.Error("the folder does not show it")
	}
	if r := ann.get("/folders/unassigned"); r.has("Lamp broken") || !r.has("Another") {
		t.Error("it is still among the open ones")
	}
	ann.post(conversationPath(c, "/wake"), url.Values{"path": {"menu"}}).want(t, 303, "wake")
	if d.Conversation(c.ID).Snoozed() || !ann.get(page).has("woke it") {
		t.Error("it was not woken")
	}
	n := strconv.FormatInt(other.Number, 10)
	ann.post("/bulk", url.Values{"do": {"snooze:tomorrow"}, "conversation": {n}, "return": {"/folders/unassigned"}}).want(t, 303, "a selection")
	d.Settle()
	if got := d.Conversation(other.ID).SnoozedUntil; got != nine(1) {
		t.Errorf("the selection sleeps until %d", got)
	}
	ann.post("/bulk", url.Values{"do": {"wake"}, "conversation": {n}}).want(t, 303, "a selection is woken")
	d.Settle()
	if d.Conversation(other.ID).Snoozed() {
		t.Error("the selection sleeps on")
	}
	events := d.EventsOf(c.ID, postroom.ConversationSnoozed)
	if last := events[len(events)-1]; last.Path != postroom.PathKeyboard {
		t.Errorf("the last is by %s", last.Path)
	}
}
