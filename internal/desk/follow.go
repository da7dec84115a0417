package desk

import (
	"context"

	"postroom"
)

// Follow lets agents follow the conversation, and others no more; see
// postroom.Conversation.Follow. It reports whether that changed anything.
func (t *Turn) Follow(add, remove []int64) bool {
	changed := t.Conversation.Follow(add, remove)
	t.followed = t.followed || changed
	return changed
}

// followOwn lets an agent who has just written follow the conversation, where
// they want that.
func (t *Turn) followOwn(a *postroom.Agent) {
	if a.FollowsOwn {
		t.Follow([]int64{a.ID}, nil)
	}
}

// Follow has an agent follow a conversation that they may see, or follow it no
// more. What is so already changes nothing. It is an act of its own that the
// contrary takes back, so there is no undo window.
func (d *Desk) Follow(ctx context.Context, a *postroom.Agent, id int64, follows bool, path postroom.Path) (Outcome, error) {
	c, err := d.store.Read().Conversation(ctx, id)
	if err != nil {
		return Outcome{}, err
	}
	if err := may(a, postroom.See, c.MailboxID, c.AssigneeID); err != nil {
		return Outcome{}, err
	}
	actor := postroom.Actor{Kind: postroom.ByAgent, ID: a.ID}
	return d.Turn(ctx, actor, Cause{Path: path}, id, func(t *Turn) error {
		if err := may(a, postroom.See, t.Conversation.MailboxID, t.Conversation.AssigneeID); err != nil {
			return err
		}
		if follows {
			t.Follow([]int64{a.ID}, nil)
		} else {
			t.Follow(nil, []int64{a.ID})
		}
		return nil
	})
}
