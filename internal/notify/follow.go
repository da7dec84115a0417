package notify

import "postroom"

// Following says which followers of a conversation may be told of an event,
// beside its audience: of what the customer and colleagues write, and of a mail
// to the customer that did not go out or came back. What is nobody's concern is
// not theirs either.
func Following(n News) Audience {
	c := n.Conversation
	if len(c.Followers) == 0 || n.Event.State == postroom.EventUndone || n.Event.State == postroom.EventNotJudged && n.Event.Words == "imported" || c.DeletedAt > 0 {
		return Audience{}
	}
	a := Audience{Kind: postroom.NotifyFollowed, Agents: c.Followers}
	if n.Event.Kind.Trouble() {
		if forTrouble(n).Kind == "" {
			return Audience{}
		}
		return a
	}
	if c.Status == postroom.Spam {
		return Audience{}
	}
	switch class := n.Event.Payload.Class; n.Event.Kind {
	case postroom.MessageReceived:
		if class == postroom.Human || class == "" {
			return a
		}
	case postroom.ReplySent, postroom.NoteAdded:
		if n.Event.Actor.Kind == postroom.ByAgent {
			return a
		}
	}
	return Audience{}
}
