package desktest_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"postroom"
	"postroom/internal/calendar"
	"postroom/internal/desktest"
	"postroom/internal/query"
	"postroom/internal/store"
	"postroom/internal/workflow"
)

// setOffice makes the next revision of the desk's only calendar.
func setOffice(d *desktest.Desk, id int64, revision int, name string, h calendar.Hours) {
	d.T.Helper()
	row := store.CalendarRow{ID: id, Revision: revision, Name: name, Hours: h.Tidy().Encode(), Main: true, At: d.Store.Now()}
	d.Write(func(tx *store.Tx) error {
		if revision == 1 {
			return tx.InsertCalendar(d.Ctx, row)
		}
		return tx.ReviseCalendar(d.Ctx, row)
	})
}

func inputsOf(t *testing.T, d *desktest.Desk, event int64) string {
	t.Helper()
	_, _, in, err := d.Store.Read().Judgement(d.Ctx, event)
	if err != nil {
		t.Fatal(err)
	}
	return in
}

// W8, W22, W40: a timer counts office time by the calendar of the mailbox as it
// is when it is armed, and keeps that time when the calendar is changed; which
// revision counted is recorded, and Why? asks that one, whatever it is by now.
func TestBusinessTimeIsCountedByTheCalendar(t *testing.T) {
	t.Parallel()
	desktest.Each(t, func(t *testing.T, d *desktest.Desk) {
		late := d.AddWorkflow("Late", workflow.Definition{When: workflow.When{Event: postroom.MessageReceived, After: "4bh", Unless: []workflow.Unless{{Event: postroom.ReplySent}}},
			If: workflow.Cond{Fact: "conversation.waiting_since", Op: workflow.Older, Values: []string{"3bh"}}, Then: []workflow.Action{note("Late.")}})
		closed := d.AddWorkflow("Closed", workflow.Definition{When: workflow.When{Event: postroom.MessageReceived},
			If: workflow.Cond{Fact: "office.open", Op: workflow.Is, Values: []string{"false"}}, Then: []workflow.Action{note("Nobody is here.")}})

		// Without a calendar the usual hours count: Monday, 9:00 UTC.
		c := firstMail(d)
		at := d.EventsOf(c.ID, postroom.MessageReceived)[0]
		expect(t, "due", onlyTimer(t, d, c, late).DueAt, at.At+4*time.Hour.Milliseconds())
		expect(t, "at nine", d.Verdicts(at.ID)[closed], workflow.NotMet)
		if in := inputsOf(t, d, at.ID); !strings.Contains(in, `"office":{"calendar":0,"revision":0}`) {
			t.Errorf("it is not recorded what counted: %s", in)
		}

		h := calendar.Usual("Europe/Berlin") // it is 10:00 there
		h.Holidays = []calendar.Holiday{{Date: "2026-03-03"}}
		setOffice(d, 71, 1, "Support", h)
		d.Pass(4*time.Hour + 30*time.Minute) // 14:30
		expect(t, "fired by the usual hours", len(d.Runs(c.ID, late)), 1)
		second := d.CustomerWrites("b@customer.example", "Lamp", "Broken.")
		at = d.EventsOf(second.ID, postroom.MessageReceived)[0]
		x := onlyTimer(t, d, second, late)
		// 2½ hours that Monday, Tuesday is a holiday, 1½ on Wednesday from 9:00.
		want := time.Date(2026, 3, 4, 9, 30, 0, 0, time.UTC).UnixMilli()
		expect(t, "due over a holiday", x.DueAt, want)
		if in := inputsOf(t, d, at.ID); !strings.Contains(in, `"office":{"calendar":71,"revision":1}`) {
			t.Errorf("it is not recorded what counted: %s", in)
		}

		h.Holidays, h.Week[0] = nil, nil
		setOffice(d, 71, 2, "Support", h) // closed on Mondays, open on that Tuesday
		expect(t, "a changed calendar moves no timer", onlyTimer(t, d, second, late).DueAt, want)
		why, err := query.New(query.Options{Store: d.Store, Blobs: d.Blobs}).Why(d.Ctx, d.Agent("ann").Agent, second.Number, query.Place{})
		if err != nil {
			t.Fatal(err)
		}
		seen := false
		for _, e := range why.Events {
			for _, w := range e.Workflows {
				if w.ID == closed {
					seen = true
					if w.Differs != "" || len(w.Conditions) != 1 || w.Conditions[0].Actual != "yes, by the calendar Support, revision 1" {
						t.Errorf("looked at again it is %+v", w)
					}
				}
			}
		}
		expect(t, "seen under Why?", seen, true)
		third := d.CustomerWrites("c@customer.example", "Lamp", "Broken.")
		expect(t, "on a Monday", d.Verdicts(d.EventsOf(third.ID, postroom.MessageReceived)[0].ID)[closed], workflow.Matched)
		if due := onlyTimer(t, d, third, late).DueAt; due != time.Date(2026, 3, 3, 12, 0, 0, 0, time.UTC).UnixMilli() {
			t.Errorf("armed while closed it is due at %s", time.UnixMilli(due).UTC())
		}
		d.Pass(time.UnixMilli(want).Sub(d.Clock.Now()) - time.Millisecond)
		expect(t, "runs before its time", len(d.Runs(second.ID, late)), 0)
		d.Pass(time.Millisecond)
		expect(t, "runs", len(d.Runs(second.ID, late)), 1)
		if r, err := pagesOf(d).Replay(d.Ctx, query.ReplayAsk{}); err != nil || r.Judged < 6 || len(r.Differences) > 0 {
			t.Errorf("judged again by the revisions that were recorded: %+v, %v", r, err)
		}
		d.CheckInvariants()
	})
}

// W18, W40: whoever dies between two workflows of an event leaves the calendar that
// counts for it recorded: the other one waits by that, whatever it is by then.
func TestACrashChangesNoCalendar(t *testing.T) {
	t.Parallel()
	desktest.Each(t, func(t *testing.T, d *desktest.Desk) {
		zones := []string{"UTC", "America/New_York"} // it is 9:00 in one and 4:00 in the other
		setOffice(d, 71, 1, "Support", calendar.Usual(zones[1]))
		d.AddWorkflow("First", on(postroom.ReplySent, note("One.")))
		id := d.AddWorkflow("Then", on(postroom.ReplySent, workflow.Action{Do: workflow.DoWait, For: "1bh"}, note("Two.")))
		revision := 1
		for n := 2; ; n += 3 {
			c := firstMail(d)
			d.Agent("ann").Reply(c, "Hello.")
			crashed := d.JudgeUntilCrash(n)
			revision++
			setOffice(d, 71, revision, "Support", calendar.Usual(zones[revision%2]))
			d.Settle()
			reply := d.EventsOf(c.ID, postroom.ReplySent)[0]
			counts := revision
			if !strings.Contains(inputsOf(t, d, reply.ID), fmt.Sprintf(`"revision":%d}`, revision)) {
				counts--
			}
			want := set(2, 15) // an hour after 9:00 in New York
			if zones[counts%2] == "UTC" {
				want = reply.At + time.Hour.Milliseconds()
			}
			expect(t, fmt.Sprintf("due after a crash at step %d", n), onlyTimer(t, d, c, id).DueAt, want)
			if !crashed {
				break
			}
		}
	})
}
