package automate_test

import (
	"fmt"
	"strings"
	"testing"

	"postroom"
	"postroom/internal/alarm"
	"postroom/internal/desktest"
	"postroom/internal/workflow"
)

// W23: over its budget of mails a workflow pauses, with an alarm and with what it
// would have sent held back; an admin resumes it with a new budget, and releases
// or discards what was held back. Replies go out all the same.
func TestMailBudget(t *testing.T) {
	t.Parallel()
	desktest.Each(t, func(t *testing.T, d *desktest.Desk) {
		w, _, notice := shipped(t, d)
		ann := d.Agent("ann")
		def := workflow.Shipped()[1].Definition
		def.Limits.MailBudget = 2
		d.PublishVersion(notice, def)
		var all []*postroom.Conversation
		for i := range 4 {
			all = append(all, d.CustomerWrites(fmt.Sprintf("mara%d@customer.example", i), "Lamp", "Broken."))
		}
		d.Settle()
		d.Arrived()
		for _, c := range all[:3] {
			ann.SendAndClose(c, "On its way.")
			d.Settle()
		}
		d.ExpectMails("On its way.", "auto:we have now closed", "On its way.", "auto:we have now closed", "On its way.")
		x := d.Workflow(notice)
		if !strings.Contains(x.PausedWords, "it has sent 2 mails within a day") || d.Alarm(string(alarm.WorkflowPause), "") == nil {
			t.Fatalf("paused: %q", x.PausedWords)
		}
		if n := len(d.EventsOf(all[2].ID, postroom.WorkflowPaused)); n != 1 {
			t.Errorf("%d lines on the conversation say so", n)
		}
		held := d.Mails(all[2].ID)[2]
		if held.State != postroom.MailKept || !strings.Contains(held.Words, "the 2 mails that it may send") {
			t.Fatalf("the third notice: %s %q", held.State, held.Words)
		}
		ann.SendAndClose(all[3], "On its way.")
		d.Settle()
		d.ExpectMails("On its way.")
		closes := d.EventsOf(all[3].ID, postroom.StatusChanged)
		if v := d.Verdicts(closes[0].ID)[notice]; v != workflow.Paused {
			t.Errorf("while it is paused the verdict is %s", v)
		}
		if err := w.Switch(d.Ctx, ann.Agent, notice, true); err != nil {
			t.Fatal(err)
		}
		if d.Workflow(notice).PausedWords != "" || d.Alarm(string(alarm.WorkflowPause), "") != nil {
			t.Error("it was resumed and is paused")
		}
		if err := d.Outbox.Release(d.Ctx, ann.Agent, held.ID); err != nil {
			t.Fatal(err)
		}
		d.Settle()
		d.ExpectMails("auto:we have now closed")
		ann.SetStatus(all[3], postroom.Active, postroom.PathMenu)
		ann.SetStatus(all[3], postroom.Closed, postroom.PathMenu)
		d.Settle()
		d.ExpectMails("auto:we have now closed")
	})
}
