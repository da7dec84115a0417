package desktest_test

import (
	"testing"
	"time"

	"postroom"
	"postroom/internal/desktest"
	"postroom/internal/workflow"
)

// W6: that an agent opened a conversation is written only while a workflow that
// is switched on listens, once in a quarter of an hour for each of them; it moves
// nothing in a list, and what the workflow does sets it off no further.
func TestOpenedIsHeardWhileSomebodyListens(t *testing.T) {
	t.Parallel()
	desktest.Each(t, func(t *testing.T, d *desktest.Desk) {
		ann, ben := d.Agent("ann"), d.Agent("ben")
		c := d.CustomerWrites("mara@customer.example", "Lamp", "Broken.")
		opens := func(a *desktest.Agent, want int) {
			t.Helper()
			d.Must(d.Desk.Opened(d.Ctx, a.Agent, c.Number))
			d.Settle()
			expect(t, "opened", d.CountEvents(c.ID, postroom.ConversationOpened), want)
		}
		opens(ann, 0)
		id := d.AddWorkflow("Who looks takes it", workflow.Definition{When: workflow.When{Event: postroom.ConversationOpened, Paths: []postroom.Path{postroom.PathPage}},
			If: workflow.Cond{Fact: "event.agent", Op: workflow.Is, Values: []string{idText(ben.ID)}}, Then: []workflow.Action{assign(ben.ID), {Do: workflow.DoFollow, Agents: []int64{ben.ID}}}})
		updated := d.Conversation(c.ID).UpdatedAt
		d.Clock.Advance(time.Minute)
		opens(ann, 1)
		expect(t, "updated", d.Conversation(c.ID).UpdatedAt, updated)
		opens(ann, 1)
		opens(ben, 2)
		expect(t, "assignee", d.Conversation(c.ID).AssigneeID, ben.ID)
		expect(t, "runs", len(d.Runs(c.ID, id)), 1)
		d.Pass(15 * time.Minute)
		opens(ben, 3)
		d.SwitchWorkflow(id, false)
		d.Pass(time.Hour)
		opens(ben, 3)
		if _, err := d.Desk.Delete(d.Ctx, ann.Agent, c.ID, postroom.PathMenu); err != nil {
			t.Fatal(err)
		}
		d.SwitchWorkflow(id, true)
		opens(ben, 3)
		d.CheckInvariants()
	})
}
