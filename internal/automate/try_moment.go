package automate

import (
	"fmt"
	"slices"
	"strconv"
	"time"

	"postroom"
	"postroom/internal/calendar"
	"postroom/internal/query"
	"postroom/internal/workflow"
)

// maxMoments is how many moments of a conversation are offered, the newest.
const maxMoments = 60

// momentNow is a conversation as it is now.
const momentNow = "now"

// moments offers the moments of the conversation that it is tried on: every event
// of it, and now.
func (e *editor) moments(c *postroom.Conversation) ([]postroom.Event, error) {
	t := &e.page.Try
	all, err := e.read.LaterEvents(e.ctx, c.ID, 0)
	if err != nil {
		return nil, err
	}
	t.Moment = e.view.Moment
	t.Moments = append(t.Moments, query.Choice{Value: "", Text: "the latest event that it listens for"}, query.Choice{Value: momentNow, Text: "now"})
	for _, x := range slices.Backward(all) {
		if len(t.Moments) >= maxMoments {
			break
		}
		t.Moments = append(t.Moments, query.Choice{Value: decimal(x.ID),
			Text: fmt.Sprintf("%d: %s, %s", x.Seq, workflow.EventWords(&x, e.name), time.UnixMilli(x.At).UTC().Format("2006-01-02 15:04 UTC"))})
	}
	return all, nil
}

// momentOf is the event at the chosen moment: the real one where it is of the
// kind that the workflow listens for, and otherwise such an event as it would
// have been then, by the same actor and on the facts of that moment. nil with an
// error beside the field where there is no such moment.
func (e *editor) momentOf(c *postroom.Conversation, all []postroom.Event) *postroom.Event {
	when := e.definition.When
	if e.view.Moment == momentNow {
		x := &postroom.Event{ConversationID: c.ID, Seq: 1 << 62, Kind: when.Event, Actor: postroom.Actor{Kind: postroom.ByAgent, ID: e.by.ID}, Path: postroom.PathMenu,
			At: e.w.store.Now(), After: afterEdge(c.Facts(), when)}
		e.invent(x, c.Facts())
		e.page.Try.Invented = true
		return x
	}
	id, err := strconv.ParseInt(e.view.Moment, 10, 64)
	i := slices.IndexFunc(all, func(x postroom.Event) bool { return x.ID == id })
	if err != nil || i < 0 {
		e.page.Errors["moment"] = "There is no such moment on this conversation."
		return nil
	}
	x := all[i]
	if x.Kind == when.Event || x.Kind == postroom.TimerDue && x.Payload.WorkflowID == e.x.id {
		return &x
	}
	facts := x.After
	x.Kind, x.After, x.Payload = when.Event, afterEdge(x.After, when), postroom.Payload{MessageID: x.Payload.MessageID}
	e.invent(&x, facts)
	e.page.Try.Invented = true
	return &x
}

// invent fills in what an event of the kind that is listened for would carry.
func (e *editor) invent(x *postroom.Event, before postroom.Snapshot) {
	w := e.definition.When
	if x.Kind == postroom.StatusChanged {
		x.Payload.From, x.Payload.To = string(before.Status), string(x.After.Status)
	}
	if len(w.From) == 1 {
		x.Payload.From = w.From[0]
	}
	if len(w.To) == 1 {
		x.Payload.To = w.To[0]
	}
}

// due simulates the wait of a timed workflow that an event begins, and returns
// the event of its being due, nil if it would not come to that.
func (e *editor) due(event *postroom.Event, all []postroom.Event) (*postroom.Event, error) {
	t := &e.page.Try
	var office *calendar.Calendar
	if e.version.CountsOffice() {
		var err error
		if office, err = officeNow(e.ctx, e.read, event.After.MailboxID); err != nil {
			return nil, err
		}
	}
	w := e.version.Waits(event, all, office, e.name)
	t.DueAt = w.Due
	switch {
	case w.Again:
		t.Wait = "The same happened again before its time had come, so the wait began anew then."
	case w.Ended != "":
		t.Wait = "Before its time had come, this ended the wait: " + w.Ended
	case w.Due > e.w.store.Now():
		t.Wait = "Its time has not come yet; its conditions are asked here as if it had."
	default:
		t.Wait = "Its time came; its conditions are asked about what was so then."
	}
	return w.Event, nil
}
