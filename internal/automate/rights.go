package automate

import (
	"context"
	"slices"
	"strconv"

	"postroom"
	"postroom/internal/query"
	"postroom/internal/store"
	"postroom/internal/workflow"
)

// Writing a workflow and putting it into force are two rights, mailbox by
// mailbox: postroom.DraftWorkflows lets somebody write drafts and tests and try them,
// postroom.PublishWorkflows lets them publish, restore, switch and order. A workflow that
// is for all mailboxes is for admins alone, who have both everywhere.

// may asks for a right to the workflows of mailboxes, of which 0 is all. What is
// missing is Forbidden, and says whom to ask; a workflow of a mailbox that
// somebody may not even enter is NotFound.
func may(ctx context.Context, read store.Read, by *postroom.Agent, v postroom.Verb, mailboxes ...int64) error {
	for _, m := range mailboxes {
		if postroom.Can(by, v, m) {
			continue
		}
		if m != 0 && !postroom.CanEnter(by, m) {
			return errNoWorkflow()
		}
		where := "for all mailboxes"
		if m != 0 {
			box, err := read.Mailbox(ctx, m)
			if err != nil {
				return err
			}
			where = "of " + box.Name
		}
		if v != postroom.PublishWorkflows {
			return postroom.Errorf(postroom.Forbidden, "You may not write workflows %s. An admin can give you that right.", where)
		}
		names, err := query.Publishers(ctx, read, m)
		if err != nil {
			return err
		}
		return postroom.Errorf(postroom.Forbidden, "You may not publish workflows %s. Ask somebody who may: %s.", where, names)
	}
	return nil
}

func errNoWorkflow() error { return postroom.Errorf(postroom.NotFound, "There is no such workflow.") }

// stillMay asks for a right again, of the agent as they are in this transaction:
// a page that was opened before somebody lost the right must not change anything
// after. 0 is nobody: the program itself, or its operator.
func stillMay(ctx context.Context, t *store.Tx, id int64, v postroom.Verb, mailboxes ...int64) error {
	if id == 0 {
		return nil
	}
	by, err := t.Agent(ctx, id)
	if postroom.CodeOf(err) == postroom.NotFound {
		by, err = nil, nil
	}
	if err != nil {
		return err
	}
	return may(ctx, t.Read, by, v, mailboxes...)
}

// writes asks whether somebody may write workflows of any mailbox.
func writes(by *postroom.Agent) error {
	if postroom.CanSomewhere(by, postroom.DraftWorkflows) {
		return nil
	}
	return postroom.Errorf(postroom.Forbidden, "You may not write workflows. An admin can give you that right.")
}

// home is the mailbox that a new workflow of somebody is for: all of them for
// who may, or else the wished one, or the first in which they may write.
func home(by *postroom.Agent, wished int64) int64 {
	if postroom.Can(by, postroom.DraftWorkflows, wished) {
		return wished
	}
	i := slices.IndexFunc(by.Mailboxes, func(m int64) bool { return postroom.Can(by, postroom.DraftWorkflows, m) })
	if i < 0 {
		return wished
	}
	return by.Mailboxes[i]
}

// places are the mailboxes that a workflow is for: as it is published, and as it
// is being written.
func (x *writing) places() []int64 {
	var out []int64
	if x.row != nil {
		out = append(out, x.row.MailboxID)
	}
	if x.draft != nil && !slices.Contains(out, x.draft.MailboxID) {
		out = append(out, x.draft.MailboxID)
	}
	return out
}

// mayWrite reads a workflow as it is being written, for somebody who may write it.
func (w *Workflows) mayWrite(ctx context.Context, read store.Read, by *postroom.Agent, id int64) (*writing, error) {
	if err := writes(by); err != nil {
		return nil, err
	}
	x, err := w.writing(ctx, read, id)
	if err != nil {
		return nil, err
	}
	return x, may(ctx, read, by, postroom.DraftWorkflows, x.places()...)
}

// stillWrites is mayWrite of the agent as they are in this transaction.
func (w *Workflows) stillWrites(ctx context.Context, t *store.Tx, by *postroom.Agent, id int64) (*writing, error) {
	x, err := w.writing(ctx, t.Read, id)
	if err != nil {
		return nil, err
	}
	return x, stillMay(ctx, t, by.ID, postroom.DraftWorkflows, x.places()...)
}

// keeping is the right that an act on a workflow as such asks for, and the
// mailbox it asks for it in: to publish, or to write one that was never
// published. A deleted one counts as published.
func keeping(ctx context.Context, read store.Read, id int64) (v postroom.Verb, mailbox int64, err error) {
	row, err := read.Workflow(ctx, id)
	if postroom.CodeOf(err) != postroom.NotFound {
		return postroom.PublishWorkflows, row.MailboxID, err
	}
	draft, err := read.WorkflowDraft(ctx, id)
	if postroom.CodeOf(err) == postroom.NotFound {
		err = errNoWorkflow()
	}
	return postroom.DraftWorkflows, draft.MailboxID, err
}

// mayKeep asks for the right that an act on a workflow as such needs.
func (w *Workflows) mayKeep(ctx context.Context, by *postroom.Agent, id int64) error {
	if err := writes(by); err != nil {
		return err
	}
	v, mailbox, err := keeping(ctx, w.store.Read(), id)
	if err != nil {
		return err
	}
	return may(ctx, w.store.Read(), by, v, mailbox)
}

// changeOf is change for an act on one workflow as such: it asks for the right to
// publish it, or to write it if it was never published.
func (w *Workflows) changeOf(ctx context.Context, by *postroom.Agent, id int64, f func(*store.Tx) (changed bool, err error)) error {
	return w.changeIf(ctx, by.ID, func(ctx context.Context, t *store.Tx) error {
		v, mailbox, err := keeping(ctx, t.Read, id)
		if err != nil {
			return err
		}
		return stillMay(ctx, t, by.ID, v, mailbox)
	}, f)
}

// mayPublishDraft asks for the right to publish a workflow as it is being
// written: where it is published, and where it would be.
func (w *Workflows) mayPublishDraft(ctx context.Context, by *postroom.Agent, id int64) error {
	x, err := w.mayWrite(ctx, w.store.Read(), by, id)
	if err != nil {
		return err
	}
	return may(ctx, w.store.Read(), by, postroom.PublishWorkflows, x.places()...)
}

// atMailbox puts a refusal beside the field of the editor's form in which
// somebody chose a mailbox.
func atMailbox(err error) error {
	switch postroom.CodeOf(err) {
	case postroom.Forbidden, postroom.NotFound:
		return postroom.InvalidField(fieldMailbox, "You may not write workflows for that. Choose another mailbox.")
	}
	return err
}

// rights says whether who looks may publish what is written, and who may.
func (e *editor) rights() error {
	p, last := &e.page, int64(0)
	p.MayPublish = true
	for _, m := range e.x.places() {
		if !postroom.Can(e.by, postroom.PublishWorkflows, m) {
			p.MayPublish, last = false, m
		}
	}
	if p.MayPublish {
		return nil
	}
	var err error
	p.Publishers, err = query.Publishers(e.ctx, e.read, last)
	return err
}

// homes are the mailboxes that the workflow can be for: those in which who looks
// may write workflows, and the one it is for now.
func (e *editor) homes(now string) []query.Choice {
	out := append([]query.Choice{{Value: "0", Text: "All mailboxes"}}, e.pickers[workflow.RefMailbox]...)
	known := slices.Clone(out)
	out = slices.DeleteFunc(out, func(c query.Choice) bool {
		id, _ := strconv.ParseInt(c.Value, 10, 64)
		return c.Value != now && !postroom.Can(e.by, postroom.DraftWorkflows, id)
	})
	if !slices.ContainsFunc(known, func(c query.Choice) bool { return c.Value == now }) {
		out = append(out, query.Choice{Value: now, Text: "a mailbox that is gone"})
	}
	return out
}
