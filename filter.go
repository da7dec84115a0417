package postroom

// Folder names a list of conversations that agents know.
type Folder string

// The folders. Mine is per agent; the others are per mailbox.
const (
	Unassigned   Folder = "unassigned" // active or pending, nobody's
	Mine         Folder = "mine"       // active or pending, the agent's own
	Assigned     Folder = "assigned"   // active or pending, somebody's
	Snoozed      Folder = "snoozed"    // active or pending, and asleep
	Drafts       Folder = "drafts"     // where the agent has an unsent draft
	ClosedFolder Folder = "closed"
	SpamFolder   Folder = "spam"
	Deleted      Folder = "deleted" // whatever its status, until it is restored or erased
	Merged       Folder = "merged"  // into another conversation: it stands in no list
)

// Folder returns the counted folder the conversation lies in.
func (c *Conversation) Folder() Folder {
	if c.DeletedAt > 0 {
		return Deleted
	}
	if c.MergedInto > 0 {
		return Merged
	}
	return folderOf(c.Status, c.AssigneeID, c.SnoozedUntil)
}

// Folder returns the counted folder the conversation lay in.
func (s Snapshot) Folder() Folder {
	if s.Deleted {
		return Deleted
	}
	if s.MergedInto > 0 {
		return Merged
	}
	return folderOf(s.Status, s.AssigneeID, s.SnoozedUntil)
}

// folderOf returns the counted folder that a conversation which is not deleted
// lies in. Mine is assigned counted per assignee.
func folderOf(s Status, assignee, snoozedUntil int64) Folder {
	switch {
	case s == Closed:
		return ClosedFolder
	case s == Spam:
		return SpamFolder
	case snoozedUntil > 0:
		return Snoozed
	case assignee == 0:
		return Unassigned
	}
	return Assigned
}
