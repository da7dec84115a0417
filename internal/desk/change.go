package desk

import (
	"context"
	"strings"

	"postroom"
	"postroom/internal/store"
)

// change runs f as an agent's act on a conversation, with the mailbox's undo
// window.
func (d *Desk) change(ctx context.Context, a *postroom.Agent, id int64, path postroom.Path, f func(*Turn) error) (Outcome, error) {
	_, mailbox, err := d.load(ctx, a, id)
	if err != nil {
		return Outcome{}, err
	}
	actor := postroom.Actor{Kind: postroom.ByAgent, ID: a.ID}
	return d.Turn(ctx, actor, Cause{Path: path, UndoMS: mailbox.UndoMS}, id, f)
}

// SetStatus changes a conversation's status for an agent.
func (d *Desk) SetStatus(ctx context.Context, a *postroom.Agent, id int64, s postroom.Status, path postroom.Path) (Outcome, error) {
	if _, err := postroom.ParseStatus(string(s)); err != nil {
		return Outcome{}, err
	}
	return d.change(ctx, a, id, path, func(t *Turn) error {
		t.Status(s)
		return nil
	})
}

// Assign gives a conversation to an agent, 0 for nobody.
func (d *Desk) Assign(ctx context.Context, a *postroom.Agent, id, assignee int64, path postroom.Path) (Outcome, error) {
	c, _, err := d.load(ctx, a, id)
	if err == nil {
		err = d.checkAssignee(ctx, &assignee, c.MailboxID)
	}
	if err != nil {
		return Outcome{}, err
	}
	return d.change(ctx, a, id, path, func(t *Turn) error {
		t.Assign(assignee)
		return nil
	})
}

// SetSubject renames a conversation.
func (d *Desk) SetSubject(ctx context.Context, a *postroom.Agent, id int64, subject string, path postroom.Path) (Outcome, error) {
	return d.change(ctx, a, id, path, func(t *Turn) error { return t.Subject(subject) })
}

// ChangeTags adds and removes tags by name; a new name makes a tag.
func (d *Desk) ChangeTags(ctx context.Context, a *postroom.Agent, id int64, add, remove []string, path postroom.Path) (Outcome, error) {
	if _, _, err := d.load(ctx, a, id); err != nil {
		return Outcome{}, err
	}
	adds, err := d.tagIDs(ctx, add, true)
	if err != nil {
		return Outcome{}, err
	}
	removes, err := d.tagIDs(ctx, remove, false)
	if err != nil {
		return Outcome{}, err
	}
	return d.change(ctx, a, id, path, func(t *Turn) error {
		t.Tags(adds, removes)
		return nil
	})
}

// MaxTag is the longest name of a tag, in bytes.
const MaxTag = 60

// tagIDs finds tags by name; with add, missing ones are made.
func (d *Desk) tagIDs(ctx context.Context, names []string, add bool) ([]int64, error) {
	if len(names) == 0 {
		return nil, nil
	}
	known := map[string]int64{}
	tags, err := d.store.Read().Tags(ctx)
	if err != nil {
		return nil, err
	}
	for _, t := range tags {
		known[t.Name] = t.ID
	}
	var out []int64
	for _, name := range names {
		if name = strings.ToLower(strings.Join(strings.Fields(name), " ")); name == "" {
			continue
		}
		if len(name) > MaxTag {
			return nil, postroom.InvalidField("tags", "A tag is at most %d bytes long.", MaxTag)
		}
		id, ok := known[name]
		if !ok && add {
			if id, err = d.addTag(ctx, name); err != nil {
				return nil, err
			}
			known[name] = id
		}
		if id != 0 {
			out = append(out, id)
		}
	}
	return out, nil
}

func (d *Desk) addTag(ctx context.Context, name string) (id int64, err error) {
	fresh, err := d.store.NewID(ctx)
	if err != nil {
		return 0, err
	}
	err = d.store.Write(ctx, func(tx *store.Tx) error {
		id, err = tx.FindOrAddTag(ctx, fresh, name)
		return err
	})
	return id, err
}

// ConfirmSender accepts somebody new and unverified as a participant (T9). An
// address that has nothing here to confirm changes nothing.
func (d *Desk) ConfirmSender(ctx context.Context, a *postroom.Agent, id int64, address string, path postroom.Path) (Outcome, error) {
	if _, _, err := d.load(ctx, a, id); err != nil {
		return Outcome{}, err
	}
	actor := postroom.Actor{Kind: postroom.ByAgent, ID: a.ID}
	return d.Turn(ctx, actor, Cause{Path: path}, id, func(t *Turn) error {
		return t.Confirm(postroom.Canonical(address))
	})
}
