package postroom

// OpenedAgain is how long after an agent opened a conversation it counts as
// opened once more, in milliseconds: a quarter of an hour.
const OpenedAgain = 15 * 60 * 1000

// Opened records that an agent opened the conversation. It changes nothing of
// it, not even when it was last changed: looking moves nothing in a list.
func (c *Conversation) Opened(by By, id int64) *Event {
	updated := c.UpdatedAt
	e := c.record(by, id, ConversationOpened, Payload{})
	c.UpdatedAt = updated
	return e
}
