package desk

import (
	"context"

	"postroom"
	"postroom/internal/store"
)

// Move puts a conversation into another mailbox, in which the agent must be
// able to answer too. Its messages, drafts and threading go along, future mail
// leaves from the new mailbox's address, and mail that still comes to the old
// one follows it (T10). An assignee who may not answer there loses it,
// and so does a team of which nobody may.
func (d *Desk) Move(ctx context.Context, a *postroom.Agent, id, mailbox int64, path postroom.Path) (Outcome, error) {
	if _, _, err := d.load(ctx, a, id); err != nil {
		return Outcome{}, err
	}
	if err := d.checkMailbox(ctx, a, mailbox); err != nil {
		return Outcome{}, err
	}
	return d.change(ctx, a, id, path, func(t *Turn) error {
		_, err := t.Move(mailbox)
		return err
	})
}

// checkMailbox makes sure that an agent may put conversations into a mailbox.
func (d *Desk) checkMailbox(ctx context.Context, a *postroom.Agent, mailbox int64) error {
	_, err := d.store.Read().Mailbox(ctx, mailbox)
	if postroom.CodeOf(err) == postroom.NotFound || err == nil && !postroom.CanOn(a, postroom.Answer, mailbox, a.ID) {
		return postroom.InvalidField("mailbox", "There is no such mailbox, or you may not answer in it.")
	}
	return err
}

// Delete puts a conversation among the deleted ones, from where it can be
// restored until it is erased.
func (d *Desk) Delete(ctx context.Context, a *postroom.Agent, id int64, path postroom.Path) (Outcome, error) {
	return d.change(ctx, a, id, path, func(t *Turn) error {
		_, err := t.Delete()
		return err
	})
}

// Restore takes a conversation out of the deleted ones: it is as it was.
func (d *Desk) Restore(ctx context.Context, a *postroom.Agent, id int64, path postroom.Path) (Outcome, error) {
	return d.change(ctx, a, id, path, func(t *Turn) error {
		t.Restore()
		return nil
	})
}

// alsoIn tells the pages of the mailbox that a conversation was moved out of.
func (d *Desk) alsoIn(tx *store.Tx, before postroom.Snapshot, c *postroom.Conversation) {
	change := Change{Kind: "conversation", MailboxID: before.MailboxID, ConversationID: c.ID, Number: c.Number,
		Folders: []postroom.Folder{before.Folder()}, Assignees: assignees(before, c)}
	if f := before.TeamFolder(); f != "" {
		change.Folders = append(change.Folders, f)
	}
	tx.OnCommit(func() { d.publish(change) })
}
