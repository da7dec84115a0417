package automate

import (
	"slices"
	"strconv"

	"postroom"
	"postroom/internal/calendar"
	"postroom/internal/query"
	"postroom/internal/workflow"
)

// schedule draws up at which times the workflow runs.
func (e *editor) schedule(w workflow.When) error {
	if !w.Scheduled() {
		return nil
	}
	s, p := w.Schedule, &e.page.Schedule
	*p = query.EditorSchedule{On: true, By: "week", At: s.At, Zone: s.Zone, Most: Form(e.fields).first("when.schedule.most"), Default: workflow.DefaultScheduled}
	if minutes, ok := calendar.ParseClock(s.At); ok {
		p.At = calendar.Clock(minutes) // as the control for a time has it
	}
	days := workflow.ScheduleDays()
	if s.ByMonth() {
		p.By, days = "month", nil
		for n := range 31 {
			day := strconv.Itoa(n + 1)
			days = append(days, [2]string{day, day})
		}
	}
	for _, d := range days {
		p.Days = append(p.Days, query.EditorChoice{Value: d[0], Text: d[1], Chosen: slices.Contains(s.Days, d[0])})
	}
	mailbox, _ := strconv.ParseInt(e.page.Mailbox, 10, 64)
	office, err := officeNow(e.ctx, e.read, mailbox)
	if err != nil {
		return err
	}
	for _, c := range workflow.ClosedChoices() {
		p.Closeds = append(p.Closeds, query.Choice{Value: c[0], Text: c[1]})
	}
	p.Closed = string(s.Closed)
	for at, ok := s.Next(e.w.store.Now(), office); ok && len(p.Next) < 3; at, ok = s.Next(at, office) {
		p.Next = append(p.Next, at)
	}
	p.Never = len(p.Next) == 0 && s.At != "" && len(s.Days) > 0 && s.Closed != workflow.ClosedRuns
	return nil
}

// dueNow is the event that would come of its time, were that now.
func (e *editor) dueNow(c *postroom.Conversation) *postroom.Event {
	now := e.w.store.Now()
	return &postroom.Event{ConversationID: c.ID, Kind: postroom.ScheduleDue, Actor: postroom.System, Path: postroom.PathTimer,
		Payload: postroom.Payload{WorkflowID: e.x.id, Number: e.trialNumber()}, After: c.Facts(), At: now, FinalAt: now}
}
