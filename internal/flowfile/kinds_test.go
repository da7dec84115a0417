package flowfile_test

import (
	"fmt"
	"reflect"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"postroom/internal/calendar"
	"postroom/internal/flowfile"
)

const promised = `kind: promise
key: answered
name: Answered the same day
mailbox: help@example.org
when: {event: message.received, actors: [customer]}
if: {fact: conversation.tags, op: has_any, values: [VIP]}
expect:
  times: some
  event:
    event: assignee.changed
    to: [ann@example.org]
within: 4bh
`

const hours = `kind: calendar
key: berlin
name: Berlin
default: true
mailboxes: [help@example.org]
zone: Europe/Berlin
week:
  monday: 9-12:30, 13:30-17
  friday: 09:00-15:00
  sunday: closed
holidays:
  - 12-25 Christmas Day
  - 2026-12-28
exceptions:
  - 2026-12-24 9-12 Christmas Eve
  - 2026-12-31 closed
`

// W37: the kinds of documents stand beside each other, each with keys of its own.
func TestKindsStandInOneFile(t *testing.T) {
	t.Parallel()
	source := []flowfile.Source{{Name: "a.yaml", Text: flowfile.Join(whole, promised, hours, "key: berlin\nname: Not a calendar\n")}}
	c, faults := flowfile.Read(source, desk())
	if len(faults) > 0 || len(c.Workflows) != 2 || len(c.Promises) != 1 || len(c.Calendars) != 1 {
		t.Fatalf("%+v %v", c, faults)
	}
	p, x := c.Promises[0], c.Calendars[0]
	if p.Mailbox != 3 || p.Enabled != nil || p.Definition.If.Values[0] != "5" || p.Definition.Expect.Event.To[0] != "1" || len(p.Check()) > 0 {
		t.Errorf("%+v %v", p, p.Check())
	}
	if !x.Default || !reflect.DeepEqual(x.Mailboxes, []int64{3}) || len(x.Check()) > 0 || x.Hours.Zone != "Europe/Berlin" ||
		calendar.SpansText(x.Hours.Week[0]) != "09:00-12:30, 13:30-17:00" || x.Hours.Week[6] != nil || x.Hours.Holidays[0].Note != "Christmas Day" || x.Hours.Exceptions[1].Spans != nil {
		t.Errorf("%+v %v", x, x.Check())
	}
	if h := flowfile.Keys(source); !reflect.DeepEqual(h, flowfile.Held{Workflows: []string{"assign-vip", "berlin"}, Promises: []string{"answered"}, Calendars: []string{"berlin"}, Tests: h.Tests}) {
		t.Errorf("%+v", h)
	}
	if _, faults := flowfile.ReadWorkflows(source, desk()); len(faults) != 2 {
		t.Errorf("only workflows are wanted: %v", faults)
	}
}

// What is wrong with a promise or a calendar is said at its line and column.
func TestKindsAreRefusedAtTheirPlace(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ text, from, to, want string }{
		{promised, "kind: promise", "kind: promis", `a.yaml:1:7: There is no kind "promis"; did you mean "promise"?`},
		{promised, "kind: promise", "kind: 12", `a.yaml:1:7: There is no kind "12"; possible are workflow, promise, calendar.`},
		{promised, "within: 4bh", "within: soon", "a.yaml:12:9: Say within which time"},
		{promised, "within: 4bh", "withing: 4bh", `a.yaml:12:1: There is no field "withing" here; did you mean "within"?`},
		{promised, "times: some", "times: often", "a.yaml:8:10: It follows once, at least once, or not at all."},
		{promised, "ann@example.org", "anna@example.org", `a.yaml:11:10: There is no agent "anna@example.org"; did you mean "ann@example.org"?`},
		{promised, "event: assignee.changed", "event: moon.full", "a.yaml:10:12: "},
		{promised, "key: answered", "key: Not A Key", `a.yaml:2:6: "Not A Key" is no key`},
		{promised, "event: message.received", "event: message.received, after: 2d", "a.yaml:5:40: A promise does not wait"},
		{hours, "monday: 9-12:30, 13:30-17", "monday: nine to five", `a.yaml:8:11: "nine to five" is not a time of opening`},
		{hours, "monday: 9-12:30, 13:30-17", "monday: 9-12:30, 12-17", "a.yaml:8:11: 09:00-12:30 and 12:00-17:00 overlap."},
		{hours, "monday:", "moonday:", `a.yaml:8:3: There is no field "moonday" here; did you mean "monday"?`},
		{hours, "2026-12-28", "2026-13-28", `a.yaml:13:5: "2026-13-28" is not a date`},
		{hours, "2026-12-28", "12-25", "a.yaml:13:5: 12-25 stands there twice."},
		{hours, "2026-12-31 closed", "2026-12-31", "a.yaml:16:5: Say when it is open on 2026-12-31"},
		{hours, "zone: Europe/Berlin", "zone: Europe/Berlni", `a.yaml:6:7: "Europe/Berlni" is not a time zone.`},
		{hours, "help@example.org", "helo@example.org", `a.yaml:5:13: There is no mailbox "helo@example.org"; did you mean "help@example.org"?`},
	} {
		text := strings.Replace(c.text, c.from, c.to, 1)
		held, faults := flowfile.Read([]flowfile.Source{{Name: "a.yaml", Text: text}}, desk())
		if len(faults) == 0 {
			for _, p := range held.Promises {
				faults = append(faults, p.Check()...)
			}
			for _, x := range held.Calendars {
				faults = append(faults, x.Check()...)
			}
		}
		if len(faults) == 0 || !strings.HasPrefix(faults[0].String(), c.want) {
			t.Errorf("%q for %q: it says\n%v\nand not\n%s", c.to, c.from, faults, c.want)
		}
	}
}

// W37: a calendar that is exported and read again is the same.
func TestCalendarSurvivesAFile(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		c := flowfile.Calendar{Key: "c", Name: rapid.StringMatching(`[!-~äß]{1,20}`).Draw(t, "name"), Default: rapid.Bool().Draw(t, "default")}
		if rapid.Bool().Draw(t, "says for whom") {
			c.Mailboxes = []int64{3, 99}[:rapid.IntRange(0, 2).Draw(t, "mailboxes")]
		}
		c.Hours.Zone = rapid.SampledFrom([]string{"", "UTC", "Europe/Berlin"}).Draw(t, "zone")
		for i := range c.Hours.Week {
			for from := 0; from < calendar.Day; from += 600 {
				if rapid.Bool().Draw(t, "open") {
					c.Hours.Week[i] = append(c.Hours.Week[i], calendar.Span{From: from + 7, To: min(from+500, calendar.Day)})
				}
			}
		}
		for i := range rapid.IntRange(0, 3).Draw(t, "days") {
			note := rapid.SampledFrom([]string{"", "true", "a: b", "# no comment", "Ostern"}).Draw(t, "note")
			c.Hours.Holidays = append(c.Hours.Holidays, calendar.Holiday{Date: fmt.Sprintf("2026-12-%d", 10+i), Note: note})
			c.Hours.Exceptions = append(c.Hours.Exceptions, calendar.Exception{Date: fmt.Sprintf("2026-11-%d", 10+i), Spans: c.Hours.Week[i], Note: note})
		}
		text, err := flowfile.WriteCalendar(c, desk())
		if err != nil {
			t.Fatal(err)
		}
		back, faults := flowfile.Read([]flowfile.Source{{Name: "x.yaml", Text: text}}, desk())
		if len(faults) > 0 || len(back.Calendars) != 1 {
			t.Fatalf("%v in\n%s", faults, text)
		}
		got := back.Calendars[0]
		if got.Hours.Encode() != c.Hours.Encode() || got.Name != c.Name || got.Default != c.Default || !reflect.DeepEqual(got.Mailboxes, c.Mailboxes) {
			t.Fatalf("%+v\nreads back as\n%+v\nfrom\n%s", c, got, text)
		}
		if second, err := flowfile.WriteCalendar(*got, desk()); err != nil || second != text {
			t.Fatalf("%s\nis written again as\n%s", text, second)
		}
	})
}
