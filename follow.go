package postroom

import "slices"

// Follow lets agents follow the conversation, and others follow it no more; an
// agent in both lists follows no more. It reports whether that changed
// anything. It is no event: nothing happens to the conversation or its
// customer, so nothing is recorded and nobody is told.
func (c *Conversation) Follow(add, remove []int64) bool {
	next := slices.Clone(c.Followers)
	for _, id := range add {
		if !slices.Contains(next, id) {
			next = append(next, id)
		}
	}
	next = slices.DeleteFunc(next, func(id int64) bool { return slices.Contains(remove, id) })
	slices.Sort(next)
	if slices.Equal(next, c.Followers) {
		return false
	}
	c.Followers = next
	return true
}

// Tells reports whether agents may have to be told of the event: of a reply
// only where somebody follows the conversation.
func (e *Event) Tells() bool {
	return e.Kind.Tells() || e.Kind == ReplySent && len(e.After.Followers) > 0
}
