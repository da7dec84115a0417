package postroom

import "strconv"

// MaxSnooze is how long a conversation can sleep at most, in milliseconds: a
// year.
const MaxSnooze = 366 * 24 * 60 * 60 * 1000

// Snoozed reports whether the conversation sleeps: it is out of the folders of
// open ones until its time has come, the customer writes, or somebody wakes it.
func (c *Conversation) Snoozed() bool { return c.SnoozedUntil > 0 }

// Snooze lets the conversation sleep until a time, in milliseconds; agent is who
// is told when it wakes, 0 for nobody. Nothing is recorded when it sleeps until
// then already. Only one that is active or pending can sleep, and only until a
// time to come, at most MaxSnooze away: anything else is Invalid.
func (c *Conversation) Snooze(by By, id, until, agent int64) (*Event, error) {
	switch {
	case c.DeletedAt > 0 || c.Status == Closed || c.Status == Spam:
		return nil, InvalidField("until", "Only an active or pending conversation can sleep; this one is %s.", c.lies())
	case until <= by.At:
		return nil, InvalidField("until", "That time has passed already. Choose one to come.")
	case until-by.At > MaxSnooze:
		return nil, InvalidField("until", "A conversation sleeps at most a year.")
	case until == c.SnoozedUntil:
		return nil, nil
	}
	from := c.SnoozedUntil
	c.SnoozedUntil, c.SnoozedBy = until, agent
	return c.record(by, id, ConversationSnoozed, Payload{From: decimal(from), To: decimal(until), By: agent}), nil
}

// Wake ends the conversation's sleep; nothing is recorded when it is awake. The
// payload names until when it was to sleep, and who is told.
func (c *Conversation) Wake(by By, id int64) *Event {
	if !c.Snoozed() {
		return nil
	}
	from, agent := c.SnoozedUntil, c.SnoozedBy
	c.SnoozedUntil, c.SnoozedBy = 0, 0
	return c.record(by, id, ConversationWoken, Payload{From: decimal(from), By: agent})
}

// PutToSleep gives the conversation back the sleep that an undo found in its
// place. It records nothing.
func (c *Conversation) PutToSleep(until string, agent int64) {
	c.SnoozedUntil, _ = strconv.ParseInt(until, 10, 64)
	c.SnoozedBy = agent
	if c.SnoozedUntil == 0 {
		c.SnoozedBy = 0
	}
}

func (c *Conversation) lies() string {
	if c.DeletedAt > 0 {
		return "deleted"
	}
	return string(c.Status)
}
