package desk

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"postroom"
	"postroom/internal/email"
	"postroom/internal/store"
)

// Merge makes two conversations one: what was said in the first is read in the
// second from then on, by its time, with the drafts, tags, followers and people
// of both. The first is a place that leads there: it is closed by path merge,
// its waits and its sleep end, and what is still written to it comes to the
// second. Mails under way stay with the conversation they left from, in their
// order. What was done to both before becomes final first; the merge itself can
// be undone like any act. Merging what is merged there already changes nothing.
//
// The outcome is that of the second. Errors: NotFound or Forbidden where the
// agent may not answer in both, Conflict where one of them is deleted, spam or
// merged elsewhere, Invalid for a conversation and itself.
func (d *Desk) Merge(ctx context.Context, a *postroom.Agent, from, into int64, path postroom.Path) (out Outcome, err error) {
	defer wrap(&err, "merge")
	_, mailbox, err := d.load(ctx, a, into)
	if err != nil {
		return out, err
	}
	ids, err := d.store.NewIDs(ctx, 2*turnIDs)
	if err != nil {
		return out, err
	}
	err = d.store.Write(ctx, func(tx *store.Tx) error {
		out, err = d.mergeIn(ctx, tx, a, from, into, Cause{Path: path, UndoMS: mailbox.UndoMS}, ids)
		return err
	})
	return out, err
}

// mergeIn merges within a transaction; ids are for both acts.
func (d *Desk) mergeIn(ctx context.Context, tx *store.Tx, a *postroom.Agent, from, into int64, cause Cause, ids []int64) (Outcome, error) {
	if from == into {
		return Outcome{}, postroom.InvalidField("into", "A conversation cannot be merged into itself. Choose another one.")
	}
	both, err := lockBoth(ctx, tx, from, into)
	if err != nil {
		return Outcome{}, err
	}
	old, c := both[from], both[into]
	for _, x := range []*postroom.Conversation{old, c} {
		if err := may(a, postroom.Answer, x.MailboxID, x.AssigneeID); err != nil {
			return Outcome{}, err
		}
	}
	if old.MergedInto == c.ID {
		return Outcome{ConversationID: c.ID, Number: c.Number, Seq: c.Seq}, nil
	}
	for _, x := range []*postroom.Conversation{old, c} {
		if err := mergeable(ctx, tx.Read, x); err != nil {
			return Outcome{}, err
		}
	}
	tx.CountLate()
	actor := postroom.Actor{Kind: postroom.ByAgent, ID: a.ID}
	was := old.Facts()
	ofOld, ofNew := ids[:turnIDs], ids[turnIDs:]
	away := cause
	away.Path = postroom.PathMerge
	_, err = d.In(ctx, tx, actor, away, old, ofOld, func(t *Turn) error {
		t.pair = ofNew[0]
		return t.mergeInto(c)
	})
	if err != nil {
		return Outcome{}, err
	}
	return d.In(ctx, tx, actor, cause, c, ofNew, func(t *Turn) error {
		t.pair = ofOld[0]
		return t.takeIn(old, was)
	})
}

// lockBoth loads two conversations, which are locked in the order of their ids.
func lockBoth(ctx context.Context, tx *store.Tx, a, b int64) (map[int64]*postroom.Conversation, error) {
	both := map[int64]*postroom.Conversation{}
	for _, id := range []int64{min(a, b), max(a, b)} {
		c, err := tx.Conversation(ctx, id)
		if err != nil {
			return nil, err
		}
		both[id] = c
	}
	return both, nil
}

// mergeable says why a conversation can neither be merged nor take another in.
func mergeable(ctx context.Context, read store.Read, c *postroom.Conversation) error {
	switch {
	case c.MergedInto != 0:
		return mergedAway(ctx, read, c)
	case c.DeletedAt > 0:
		return postroom.Errorf(postroom.Conflict, "Conversation %d is deleted. Restore it first.", c.Number)
	case c.Status == postroom.Spam:
		return postroom.Errorf(postroom.Conflict, "Conversation %d is marked as spam. Say first that it is none.", c.Number)
	}
	return nil
}

// mergedAway says where a conversation goes on that was merged.
func mergedAway(ctx context.Context, read store.Read, c *postroom.Conversation) error {
	id, err := read.Standing(ctx, c.ID)
	if err != nil {
		return err
	}
	into, err := read.ConversationPlace(ctx, id)
	if err != nil {
		return err
	}
	return &postroom.Error{Code: postroom.Conflict, Field: "merged",
		Text: fmt.Sprintf("Conversation %d was merged into %d. Go on there.", c.Number, into.Number)}
}

// mergeInto is the side of the conversation that ends.
func (t *Turn) mergeInto(into *postroom.Conversation) error {
	if err := t.finalize(); err != nil {
		return err
	}
	t.Wake()
	t.Conversation.MergeInto(t.by, t.id(), t.id(), into)
	var err error
	if t.carried, err = t.Tx.Carry(t.ctx, t.Conversation, into, t.by.At); err != nil {
		return err
	}
	return t.carryPeople(into)
}

// carryPeople lets those who take part in the conversation take part in the other.
// Where that is another customer's, whoever is new there has to be let take part
// by an agent, as if they had written there (T9).
func (t *Turn) carryPeople(into *postroom.Conversation) error {
	there, err := t.Tx.Participants(t.ctx, into.ID)
	if err != nil {
		return err
	}
	customer, err := t.Tx.Customer(t.ctx, into.CustomerID)
	if err != nil {
		return err
	}
	here, err := t.Tx.Participants(t.ctx, t.Conversation.ID)
	if err != nil {
		return err
	}
	for _, p := range here {
		is := slices.IndexFunc(there, func(o store.Participant) bool { return o.Address == p.Address })
		if slices.Contains(customer.Addresses, p.Address) || is >= 0 && there[is].Confirmed {
			continue
		}
		stranger := t.Conversation.CustomerID != into.CustomerID
		if is < 0 {
			p.Confirmed = p.Confirmed && !stranger
			if err := t.Tx.AddParticipant(t.ctx, into.ID, p); err != nil {
				return err
			}
			t.carried.People = append(t.carried.People, p.Address)
		}
		if !stranger {
			continue
		}
		marked, err := t.Tx.MarkStranger(t.ctx, into.ID, p.Address)
		if err != nil {
			return err
		}
		t.carried.Marked = append(t.carried.Marked, marked...)
	}
	return nil
}

// takeIn is the side of the conversation that goes on. It keeps its customer,
// subject and mailbox; an assignee it takes over if it has none and they may
// answer here, a team if it has none and that can have it.
func (t *Turn) takeIn(old *postroom.Conversation, was postroom.Snapshot) error {
	c := t.Conversation
	if err := t.finalize(); err != nil {
		return err
	}
	if was.WaitingSince > 0 {
		t.Wake()
	}
	c.TakeIn(t.by, t.id(), t.id(), old, was)
	if was.AssigneeID != 0 && c.AssigneeID == 0 {
		a, err := t.Tx.Agent(t.ctx, was.AssigneeID)
		if err != nil && postroom.CodeOf(err) != postroom.NotFound {
			return err
		}
		if err == nil && postroom.CanOn(a, postroom.Answer, c.MailboxID, a.ID) {
			t.Assign(a.ID)
		}
	}
	if was.TeamID != 0 && c.TeamID == 0 {
		why, err := Teamless(t.ctx, t.Tx.Read, was.TeamID, c.MailboxID)
		if err != nil {
			return err
		}
		if why == "" {
			t.Team(was.TeamID)
		}
	}
	t.Tags(was.Tags, nil)
	c.Follow(was.Followers, nil)
	return t.takeFields(was.Fields)
}

// takeFields sets the fields that the conversation has no value for to those of
// the one it takes in. A text is written anew, so that it is erased with each of
// both.
func (t *Turn) takeFields(fields map[string]string) error {
	for _, path := range slices.Sorted(maps.Keys(fields)) {
		if t.Conversation.Fields[path] != "" {
			continue
		}
		value := fields[path]
		if kind, _, _ := postroom.SplitFieldPath(path); kind == postroom.FieldText {
			var err error
			if value, err = t.fieldText(value); err != nil {
				return err
			}
		}
		if _, err := t.Field(path, value); err != nil {
			return err
		}
	}
	return nil
}

// readElsewhere puts a message of a conversation that was merged, a workflow's
// notice for one, where the rest of it is read.
func (t *Turn) readElsewhere(m *postroom.Message) error {
	standing, err := t.Tx.StandingConversation(t.ctx, t.Conversation.ID) // locked, lest it is merged on meanwhile and the message stays behind
	if err != nil {
		return err
	}
	into := standing.ID
	place, err := t.Tx.PlaceAmong(t.ctx, into, m.At)
	if err != nil {
		return err
	}
	m.WrittenIn, m.WrittenSeq, m.ConversationID, m.Seq = t.Conversation.ID, m.Seq, into, place
	n := [3]int{}
	switch m.Kind {
	case postroom.Received:
		n[0] = 1
	case postroom.Reply:
		n[1] = 1
	case postroom.Note:
		n[2] = 1
	}
	return t.Tx.CountMessages(t.ctx, into, n[0], n[1], n[2])
}

// announceMerged tells the pages of what a merged conversation goes on as: its
// messages and the state of its mails stand there.
func (t *Turn) announceMerged() error {
	if t.before.MergedInto == 0 {
		return nil
	}
	id, err := t.Tx.Standing(t.ctx, t.Conversation.ID)
	if err != nil {
		return err
	}
	p, err := t.Tx.ConversationPlace(t.ctx, id)
	if err != nil {
		return err
	}
	change := Change{Kind: "conversation", MailboxID: p.MailboxID, ConversationID: id, Number: p.Number, Assignees: []int64{p.AssigneeID}}
	t.Tx.OnCommit(func() { t.desk.publish(change) })
	return nil
}

// keepWords saves what an agent has written for a conversation that was merged
// meanwhile as a draft of the one it goes on as, below what they have there, so
// that no word of it is lost. A draft that the words were put below of is another
// one than the page holds, so the page keeps its id: what it says next is again
// no more than its own part. Conflict with field "draft" for what was sent.
func (d *Desk) keepWords(ctx context.Context, a *postroom.Agent, draft *postroom.Draft) error {
	fresh, err := d.store.NewID(ctx)
	if err != nil {
		return err
	}
	into, err := d.store.Read().Standing(ctx, draft.ConversationID)
	if err != nil {
		return err
	}
	c, _, err := d.load(ctx, a, into)
	if err != nil {
		return err
	}
	named := draft.ID
	html := email.SanitiseComposed(draft.HTML, email.ComposeOptions{Image: ownPictures})
	return d.store.Write(ctx, func(tx *store.Tx) error {
		if _, err := tx.Conversation(ctx, into); err != nil {
			return err
		}
		if err := sentAs(ctx, tx.Read, a, draft.ConversationID, named); err != nil {
			return err
		}
		there, err := tx.DraftOfKind(ctx, into, a.ID, draft.Kind)
		if err != nil {
			return err
		}
		now := d.store.Now()
		switch {
		case there == nil:
			next := &postroom.Draft{ID: fresh, ConversationID: into, AgentID: a.ID, Kind: draft.Kind, HTML: html, UpdatedAt: now}
			if err := tx.SaveDraft(ctx, next); err != nil {
				return err
			}
			draft.ID, draft.Revision = next.ID, next.Revision
		case there.ID == named: // it went along, and has grown since
			there.HTML, there.UpdatedAt = html, now
			if err := tx.SaveDraft(ctx, there); err != nil {
				return err
			}
			draft.ID, draft.Revision = there.ID, there.Revision
		default:
			draft.ID, draft.Revision = named, there.Revision
			if !strings.Contains(there.HTML, html) {
				before, own, _ := cutLast(there.HTML, store.DraftJoint)
				if own != "" && strings.HasPrefix(email.TextFromHTML(html), email.TextFromHTML(own)) {
					there.HTML = before // its own part has grown
				}
				if err := tx.JoinDraft(ctx, there, html, now); err != nil {
					return err
				}
				draft.Revision++
			}
		}
		tx.OnCommit(func() { d.publish(d.draftChange(c, a.ID)) })
		return nil
	})
}

// cutLast cuts a text around the last place where sep stands in it.
func cutLast(s, sep string) (before, after string, found bool) {
	if i := strings.LastIndex(s, sep); i >= 0 {
		return s[:i], s[i+len(sep):], true
	}
	return s, "", false
}

// publishMerged refuses what was written for a conversation that was merged
// meanwhile, and keeps the words where it goes on.
func (d *Desk) publishMerged(ctx context.Context, a *postroom.Agent, c *postroom.Conversation, p Publish) error {
	err := d.keepWords(ctx, a, &postroom.Draft{ID: p.Draft, ConversationID: c.ID, Kind: p.Kind, HTML: p.HTML})
	if err != nil {
		return err
	}
	err = mergedAway(ctx, d.store.Read(), c)
	if postroom.CodeOf(err) == postroom.Conflict {
		err = &postroom.Error{Code: postroom.Conflict, Field: "merged", Text: strings.TrimSuffix(postroom.TextOf(err), "Go on there.") + "What you wrote is a draft there."}
	}
	return err
}

// checkMergeInto makes sure that a selection can be merged into a conversation.
func (d *Desk) checkMergeInto(ctx context.Context, a *postroom.Agent, number int64) error {
	read := d.store.Read()
	c, err := read.ConversationByNumber(ctx, number)
	if err == nil {
		err = may(a, postroom.Answer, c.MailboxID, c.AssigneeID)
	}
	if postroom.CodeOf(err) == postroom.NotFound {
		return postroom.InvalidField("into", "There is no conversation %d.", number)
	}
	if err != nil {
		return err
	}
	if err := mergeable(ctx, read, c); err != nil {
		return postroom.InvalidField("into", "%s", postroom.TextOf(err))
	}
	return nil
}

// bulkMerge merges one conversation of a selection into the one chosen.
func (d *Desk) bulkMerge(ctx context.Context, a *postroom.Agent, job int64, p bulkParams, n int64, hold func(context.Context, *store.Tx) error) error {
	ids, err := d.store.NewIDs(ctx, 2*turnIDs)
	if err != nil {
		return err
	}
	return d.store.Write(ctx, func(tx *store.Tx) error {
		var out Outcome
		from, err := tx.ConversationByNumber(ctx, n)
		if err == nil {
			var into *postroom.Conversation
			if into, err = tx.ConversationByNumber(ctx, p.Merge); err == nil {
				out, err = d.mergeIn(ctx, tx, a, from.ID, into.ID, Cause{Path: postroom.PathBulk, JobID: job}, ids)
			}
		}
		words := ""
		switch postroom.CodeOf(err) {
		case "":
			if !out.Changed {
				words = "It was so already."
			}
		case postroom.NotFound:
			words = "There is no such conversation."
		case postroom.Conflict, postroom.Forbidden, postroom.Invalid:
			words = postroom.TextOf(err)
		default:
			return err
		}
		return d.progress(ctx, tx, job, n, words, hold)
	})
}

// tookIn refuses a reply whose author has not seen what another conversation,
// merged into theirs while they wrote, has brought along.
func tookIn(ctx context.Context, tx *store.Tx, p Publish) error {
	later, err := tx.LaterEvents(ctx, p.ConversationID, p.SeenSeq)
	for _, e := range later {
		if e.Kind == postroom.ConversationMerged && !e.MergedAway() {
			return &postroom.Error{Code: postroom.Conflict, Field: "stale",
				Text: fmt.Sprintf("Conversation %d was merged into this one while you were writing. Read it first, or send anyway.", e.Payload.Other)}
		}
	}
	return err
}
