package automate

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"postroom"
	"postroom/internal/query"
	"postroom/internal/workflow"
)

// notHere is the kind of finding that a workflow names what the mailbox it is for
// does not have, as when it was copied from another one.
const notHere = "not_here"

// notHere warns of agents who may not see the mailbox, and of workflows that it
// runs and that are for another one.
func (e *editor) notHere() error {
	mailbox, err := strconv.ParseInt(e.page.Mailbox, 10, 64)
	if err != nil || mailbox == 0 || e.name(workflow.RefMailbox, mailbox) == "" {
		return nil
	}
	here := e.name(workflow.RefMailbox, mailbox)
	may, err := e.read.MailboxAgents(e.ctx, mailbox)
	if err != nil {
		return err
	}
	agents, err := e.read.Agents(e.ctx)
	if err != nil {
		return err
	}
	var strangers []string
	for _, a := range agents {
		if a.Role != postroom.Admin && !a.Disabled && !slices.Contains(may, a.ID) && named(e.definition, a.ID) {
			strangers = append(strangers, a.Name)
		}
	}
	if len(strangers) > 0 {
		e.page.Findings = append(e.page.Findings, query.WorkflowFinding{Title: notHere,
			Text: fmt.Sprintf("It names %s, who may not see %s: what is done there does not reach them.", strings.Join(strangers, ", "), here)})
	}
	for _, a := range e.definition.Then {
		if a.Do != workflow.DoRun || a.Workflow == 0 {
			continue
		}
		row, err := e.read.Workflow(e.ctx, a.Workflow)
		if err != nil || row.MailboxID == 0 || row.MailboxID == mailbox {
			continue // what is not there is said at its field
		}
		e.page.Findings = append(e.page.Findings, query.WorkflowFinding{Title: notHere,
			Text:      fmt.Sprintf("It runs “%s”, which is for %s and does nothing in %s.", row.Name, e.name(workflow.RefMailbox, row.MailboxID), here),
			Workflows: []query.Choice{{Value: decimal(row.ID), Text: row.Name}}})
	}
	return nil
}

// named reports whether a workflow gives something to an agent, or lets them run
// it.
func named(d workflow.Definition, agent int64) bool {
	return slices.Contains(d.When.Agents, agent) || slices.ContainsFunc(d.Then, func(a workflow.Action) bool {
		return a.Agent != nil && *a.Agent == agent || slices.Contains(a.Agents, agent)
	})
}
