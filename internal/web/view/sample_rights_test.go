package view_test

import "postroom/internal/query"

// sampleAsking is the page of a workflow for somebody who may only write drafts.
func sampleAsking() query.WorkflowPage {
	p := sampleWorkflow(0)
	p.Shell.Me.Admin, p.Workflow.MayPublish, p.Publishers, p.Errors = false, false, "Ann Moor, Ben Okafor", nil
	return p
}

// sampleRefused is one whose older version the tests do not let back.
func sampleRefused() query.WorkflowPage {
	p := sampleWorkflow(0)
	p.Restoring, p.Errors = 1, query.FieldErrors{"tests": "1 of 2 tests are red, so it was not published: An agent closes it."}
	return p
}

// sampleSome is the list for somebody who writes workflows of one mailbox.
func sampleSome() query.WorkflowsPage {
	p := sampleWorkflows()
	p.Shell.Me.Admin, p.Partly, p.Graph = false, true, query.WorkflowGraph{}
	p.Rows[1].MayPublish, p.Rows[1].Mailbox, p.Deleted[0].MayPublish = false, "Orders", false
	return p
}
