package desktest_test

import (
	"fmt"
	"strings"
	"testing"

	"postroom"
	"postroom/internal/desktest"
	"postroom/internal/workflow"
)

// W9, W21: what a published workflow names may be gone by the time it runs. An
// action then fails by itself, with the reason on the conversation, and the other
// workflows go on; a condition is asked of what there is, and hurts nobody.
func TestWorkflowsNameWhatIsGone(t *testing.T) {
	t.Parallel()
	desktest.Each(t, func(t *testing.T, d *desktest.Desk) {
		tag, sales := d.Tag("gone"), d.AddMailbox("Sales", "sales@acme.example", nil)
		dov := d.AddAgent("dov", postroom.Member)
		flows := map[string]int64{}
		for _, x := range []struct {
			name   string
			action workflow.Action
		}{
			{"tag", workflow.Action{Do: workflow.DoTags, Add: []int64{tag}}},
			{"agent", assign(dov.ID)},
			{"turns", workflow.Action{Do: workflow.DoAssign, By: workflow.RoundRobin, Agents: []int64{dov.ID}}},
			{"mailbox", workflow.Action{Do: workflow.DoMove, Mailbox: sales.ID}},
		} {
			flows[x.name] = d.AddWorkflow(x.name, on(postroom.MessageReceived, x.action, note("And on.")))
		}
		asks := on(postroom.MessageReceived, note("It is not Dov's."))
		asks.If = workflow.Cond{All: []workflow.Cond{
			{Fact: "conversation.tags", Op: workflow.HasNone, Values: []string{fmt.Sprint(tag)}},
			{Fact: "conversation.assignee", Op: workflow.IsNot, Values: []string{fmt.Sprint(dov.ID)}},
			{Fact: "conversation.mailbox", Op: workflow.IsNot, Values: []string{fmt.Sprint(sales.ID)}},
		}}
		asking := d.AddWorkflow("asks", asks)
		d.SQL(`delete from tag where id = $1`, tag)
		d.SQL(`delete from mailbox where id = $1`, sales.ID)
		d.SQL(`delete from mailbox_agent where agent_id = $1`, dov.ID)
		d.SQL(`delete from agent where id = $1`, dov.ID)

		c := firstMail(d)
		d.Settle()
		for name, id := range flows {
			run := onlyRun(t, d, c, id)
			if run.State != postroom.RunFailed || !strings.Contains(run.Error, "any more") && !strings.Contains(run.Error, "Nobody") {
				t.Errorf("%s: %s %q", name, run.State, run.Error)
			}
			expect(t, "effects of "+name, len(run.Effects), 0)
		}
		expect(t, "failures on the timeline", d.CountEvents(c.ID, postroom.WorkflowFailed), len(flows))
		expect(t, "run of the one that asks", onlyRun(t, d, c, asking).State, postroom.RunDone)
		expect(t, "notes", d.Conversation(c.ID).Notes, 1)
	})
}
