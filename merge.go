package postroom

// MergeInto makes another conversation what this one goes on as: from now on it
// is only a place that leads there. Nothing is recorded, and nil returned, when
// it is merged already. It is closed through the verb of every close, statusID
// being that event's id; nobody waits for an answer here any more. Counts and
// times stay, as what was so when it ended.
func (c *Conversation) MergeInto(by By, id, statusID int64, into *Conversation) *Event {
	if c.MergedInto != 0 {
		return nil
	}
	c.MergedInto = into.ID
	c.WaitingSince = 0
	e := c.record(by, id, ConversationMerged, Payload{From: decimal(c.ID), To: decimal(into.ID), Other: into.Number})
	c.SetStatus(by, statusID, Closed)
	return e
}

// TakeIn adds what was said in another conversation to this one; was is the
// facts of that one before it was merged. Whoever waited for an answer there
// waits here, since the same time, and the conversation takes the more urgent of
// both statuses, statusID being that event's id: what one of them still asks of
// the team or the customer is asked by both together.
func (c *Conversation) TakeIn(by By, id, statusID int64, other *Conversation, was Snapshot) *Event {
	if max(other.LastCustomerAt, other.LastHumanAt) > max(c.LastCustomerAt, c.LastHumanAt) && other.Preview != "" {
		c.Preview = other.Preview
	}
	c.Received += was.Received
	c.Replies += was.Replies
	c.Notes += was.Notes
	c.LastCustomerAt = max(c.LastCustomerAt, was.LastCustomerAt)
	c.LastAgentAt = max(c.LastAgentAt, was.LastAgentAt)
	c.LastHumanAt = max(c.LastHumanAt, was.LastHumanAt)
	c.HasAttachments = c.HasAttachments || other.HasAttachments
	if was.WaitingSince > 0 && (c.WaitingSince == 0 || was.WaitingSince < c.WaitingSince) {
		c.WaitingSince = was.WaitingSince
	}
	e := c.record(by, id, ConversationMerged, Payload{From: decimal(other.ID), To: decimal(c.ID), Other: other.Number})
	if urgency(was.Status) > urgency(c.Status) {
		c.SetStatus(by, statusID, was.Status)
	}
	return e
}

// GiveOut takes back what TakeIn added, for an undo; before is the facts of this
// conversation before it took the other in. Times that have moved on since stay.
// It records nothing.
func (c *Conversation) GiveOut(was, before Snapshot) {
	c.Received -= was.Received
	c.Replies -= was.Replies
	c.Notes -= was.Notes
	for _, t := range []struct {
		now       *int64
		was, then int64
	}{{&c.LastCustomerAt, was.LastCustomerAt, before.LastCustomerAt}, {&c.LastAgentAt, was.LastAgentAt, before.LastAgentAt},
		{&c.LastHumanAt, was.LastHumanAt, before.LastHumanAt}} {
		if *t.now == t.was {
			*t.now = min(*t.now, t.then)
		}
	}
	if c.WaitingSince == was.WaitingSince && was.WaitingSince > 0 && c.WaitingSince != before.WaitingSince {
		c.WaitingSince = before.WaitingSince
		if c.LastCustomerAt > before.LastCustomerAt {
			c.waitAgain()
		}
	}
}

// urgency orders the statuses by how much they ask of people.
func urgency(s Status) int {
	switch s {
	case Active:
		return 2
	case Pending:
		return 1
	}
	return 0
}

// MergedAway reports whether the event says that its conversation was merged
// into another, and not that it took one in.
func (e *Event) MergedAway() bool {
	return e.Kind == ConversationMerged && e.Payload.To != decimal(e.ConversationID)
}
