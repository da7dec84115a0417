package desk

import (
	"context"

	"postroom"
	"postroom/internal/store"
)

// Team gives the conversation to a team, 0 for none. The assignee stays.
func (t *Turn) Team(team int64) *postroom.Event {
	return t.Conversation.GiveToTeam(t.by, t.id(), team)
}

// SetTeam gives a conversation to a team for an agent, 0 for none. A team that
// is switched off, or of which nobody may answer in the mailbox, is Invalid.
func (d *Desk) SetTeam(ctx context.Context, a *postroom.Agent, id, team int64, path postroom.Path) (Outcome, error) {
	c, _, err := d.load(ctx, a, id)
	if err != nil {
		return Outcome{}, err
	}
	if team != c.TeamID {
		if err := d.checkTeam(ctx, team, c.MailboxID); err != nil {
			return Outcome{}, err
		}
	}
	return d.change(ctx, a, id, path, func(t *Turn) error {
		t.Team(team)
		return nil
	})
}

// checkTeam makes sure that a conversation of a mailbox is given to a team that
// can see to it, or to none.
func (d *Desk) checkTeam(ctx context.Context, team, mailbox int64) error {
	if team == 0 {
		return nil
	}
	why, err := Teamless(ctx, d.store.Read(), team, mailbox)
	if err == nil && why != "" {
		err = postroom.InvalidField("team", "%s", why)
	}
	return err
}

// Teamless says in a sentence why a team can have no conversation of a mailbox,
// "" where it can.
func Teamless(ctx context.Context, read store.Read, team, mailbox int64) (string, error) {
	x, err := read.Team(ctx, team)
	switch {
	case postroom.CodeOf(err) == postroom.NotFound:
		return "There is no such team.", nil
	case err != nil:
		return "", err
	case x.Off():
		return "The team " + x.Name + " is switched off.", nil
	}
	members, err := read.TeamAgents(ctx, team)
	if err != nil || len(postroom.AnswersIn(members, mailbox)) > 0 {
		return "", err
	}
	return "Nobody of the team " + x.Name + " may answer in this mailbox.", nil
}

// leaveTeam takes the conversation from a team that can have none where it is
// now. One that is switched off keeps it, unless nobody of it answers there.
func (t *Turn) leaveTeam() error {
	team := t.Conversation.TeamID
	if team == 0 {
		return nil
	}
	members, err := t.Tx.TeamAgents(t.ctx, team)
	if err == nil && len(postroom.AnswersIn(members, t.Conversation.MailboxID)) == 0 {
		t.Team(0)
	}
	return err
}

// foldersOf lists the folders of which pages must know that a conversation came
// or went, or is another one now.
func foldersOf(before postroom.Snapshot, isNew bool, c *postroom.Conversation) []postroom.Folder {
	out := []postroom.Folder{c.Folder()}
	if was := before.Folder(); !isNew && was != out[0] {
		out = append(out, was)
	}
	if f := c.TeamFolder(); f != "" {
		out = append(out, f)
	}
	if was := before.TeamFolder(); !isNew && was != "" && was != c.TeamFolder() {
		out = append(out, was)
	}
	return out
}
