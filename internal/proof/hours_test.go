package proof_test

import (
	"fmt"
	"testing"
	"time"

	"postroom"
	"postroom/internal/calendar"
	"postroom/internal/proof"
	"postroom/internal/workflow"
)

// W34: set times outside the hours that its conditions ask for.
func TestSetTimesAgainstOfficeHours(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC).UnixMilli()
	usual, late := calendar.New(1, 1, "Support", calendar.Usual("UTC")), calendar.Usual("UTC")
	for i := range late.Week {
		late.Week[i] = []calendar.Span{{From: 20 * 60, To: 24 * 60}}
	}
	night := calendar.New(2, 1, "Night", late)
	nobody := calendar.New(3, 1, "Nobody", calendar.Hours{})
	open := func(v string) workflow.Cond {
		return workflow.Cond{Fact: "office.open", Op: workflow.Is, Values: []string{v}}
	}
	lamp := workflow.Cond{Fact: "conversation.subject", Op: workflow.Contains, Values: []string{"lamp"}}
	week := []string{"mon", "tue", "wed", "thu", "fri"}
	for i, x := range []struct {
		s       workflow.Schedule
		c       workflow.Cond
		mailbox int64
		want    int
	}{
		{workflow.Schedule{Days: week, At: "08:00"}, open("true"), 7, 1},
		{workflow.Schedule{Days: week, At: "08:55"}, open("true"), 7, 0}, // a walk begins a moment later
		{workflow.Schedule{Days: week, At: "10:00"}, open("true"), 7, 0},
		{workflow.Schedule{Days: []string{"sat"}, At: "10:00"}, workflow.Cond{All: []workflow.Cond{lamp, open("true")}}, 7, 1},
		{workflow.Schedule{Days: []string{"sat"}, At: "10:00", Closed: workflow.ClosedNext}, open("true"), 7, 0}, // on Monday, that is
		{workflow.Schedule{Days: []string{"sat"}, At: "10:00", Closed: workflow.ClosedSkip}, open("true"), 7, 1}, // never at all
		{workflow.Schedule{Days: []string{"sat"}, At: "10:00"}, workflow.Cond{Any: []workflow.Cond{lamp, open("true")}}, 7, 0},
		{workflow.Schedule{Days: week, At: "10:00"}, open("false"), 7, 1},
		{workflow.Schedule{Days: week, At: "10:00"}, workflow.Cond{None: []workflow.Cond{open("true")}}, 7, 1},
		{workflow.Schedule{Days: week, At: "22:00"}, open("true"), 7, 1},
		{workflow.Schedule{Days: week, At: "22:00"}, open("true"), 0, 0}, // another mailbox is open then
		{workflow.Schedule{Days: week, At: "22:00"}, lamp, 9, 0},
		{workflow.Schedule{Days: week, At: "22:00", Closed: workflow.ClosedSkip}, lamp, 9, 1},
		{workflow.Schedule{Days: []string{"mon"}, At: "08:00", Zone: "America/New_York"}, open("true"), 7, 0}, // 13:00 there
	} {
		d := workflow.Definition{When: workflow.When{Event: postroom.ScheduleDue, Schedule: x.s}, If: x.c, Then: []workflow.Action{{Do: workflow.DoNote, Text: "x"}}}
		v, err := workflow.Compile(d, workflow.Identity{WorkflowID: 5, Number: 1, Name: "Walk", MailboxID: x.mailbox})
		if err != nil {
			t.Fatal(err)
		}
		set := workflow.NewSet(1, []workflow.Entry{{Version: v, State: workflow.Enabled}})
		found := proof.Hours(set, 0, now, func(mailbox int64) []*calendar.Calendar {
			return map[int64][]*calendar.Calendar{0: {usual, night}, 7: {usual}, 9: {nobody}}[mailbox]
		}, nil)
		if len(found) != x.want || x.want == 1 && found[0].Kind != proof.NeverTime {
			t.Errorf("%d: %s", i, fmt.Sprint(found))
		}
		if none := proof.Hours(set, 6, now, func(int64) []*calendar.Calendar { return []*calendar.Calendar{usual} }, nil); len(none) > 0 {
			t.Errorf("%d: found about another one: %v", i, none)
		}
	}
}
