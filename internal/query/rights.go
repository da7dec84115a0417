package query

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"postroom"
	"postroom/internal/store"
)

// maxAskable is how many people are named as those to ask.
const maxAskable = 5

// Publishers names who may publish the workflows of a mailbox, 0 being all
// mailboxes, as one would say it: "Ann, Bo".
func Publishers(ctx context.Context, read store.Read, mailbox int64) (string, error) {
	names, err := read.Publishers(ctx, mailbox)
	if n := len(names) - maxAskable; n > 1 {
		names = append(slices.Clone(names[:maxAskable]), fmt.Sprintf("%d others", n))
	}
	return strings.Join(names, ", "), err
}

// mayWrite lets those pass who may write workflows of any mailbox.
func mayWrite(a *postroom.Agent) error {
	if postroom.CanSomewhere(a, postroom.DraftWorkflows) {
		return nil
	}
	return postroom.Errorf(postroom.Forbidden, "Only agents who may write workflows may see this page. An admin can give you that right.")
}

// readsWorkflow reports whether an agent may see what a workflow is: those who
// may write workflows of its mailbox, and of one for all mailboxes everybody who
// may write any, since it acts in theirs too.
func readsWorkflow(a *postroom.Agent, mailbox int64) bool {
	return postroom.Can(a, postroom.DraftWorkflows, mailbox) || mailbox == 0 && postroom.CanSomewhere(a, postroom.DraftWorkflows)
}

// mayTell asks whether an agent may see what a workflow said and would have
// said, which is about the conversations of its mailbox.
func mayTell(a *postroom.Agent, mailbox int64) error {
	switch {
	case postroom.Can(a, postroom.DraftWorkflows, mailbox):
		return nil
	case mailbox == 0:
		return postroom.Errorf(postroom.Forbidden, "Only admins may see this of a workflow for all mailboxes.")
	}
	return postroom.Errorf(postroom.NotFound, "There is no such workflow.")
}

// copyTo are the mailboxes that an agent may write a workflow for, and all of
// them for who may.
func copyTo(a *postroom.Agent, s Shell) (out []Choice) {
	if postroom.Can(a, postroom.DraftWorkflows, 0) {
		out = append(out, Choice{Value: "0", Text: "All mailboxes"})
	}
	for _, m := range s.Mailboxes {
		if postroom.Can(a, postroom.DraftWorkflows, m.ID) {
			out = append(out, Choice{Value: decimal(m.ID), Text: m.Name})
		}
	}
	return out
}

// mayTellOf is mayTell for a workflow, published or not. One of which nothing is
// left is for admins.
func (d *Desk) mayTellOf(ctx context.Context, a *postroom.Agent, id int64) error {
	row, err := d.read().Workflow(ctx, id)
	if err == nil {
		return mayTell(a, row.MailboxID)
	}
	if postroom.CodeOf(err) != postroom.NotFound {
		return err
	}
	draft, err := d.read().WorkflowDraft(ctx, id)
	if postroom.CodeOf(err) == postroom.NotFound {
		return mayManage(a)
	}
	if err != nil {
		return err
	}
	return mayTell(a, draft.MailboxID)
}

// talks reads conversations as lines show them, however many.
func (d *Desk) talks(ctx context.Context, ids []int64) (map[int64]store.Talk, error) {
	out := map[int64]store.Talk{}
	slices.Sort(ids)
	for some := range slices.Chunk(slices.Compact(ids), 200) {
		found, err := d.read().Talks(ctx, some)
		if err != nil {
			return nil, err
		}
		maps.Copy(out, found)
	}
	return out, nil
}
