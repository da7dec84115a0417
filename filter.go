package postroom

// Folder names a list of conversations that agents know.
type Folder string

// The folders. Mine is per agent; the others are per mailbox.
const (
	Unassigned   Folder = "unassigned" // active or pending, nobody's
	Mine         Folder = "mine"       // active or pending, the agent's own
	Assigned     Folder = "assigned"   // active or pending, somebody's
	Drafts       Folder = "drafts"     // where the agent has an unsent draft
	ClosedFolder Folder = "closed"
	SpamFolder   Folder = "spam"
)

// FolderOf returns the counted folder a conversation with this status and
// assignee lies in. Mine is assigned counted per assignee.
func FolderOf(s Status, assignee int64) Folder {
	switch {
	case s == Closed:
		return ClosedFolder
	case s == Spam:
		return SpamFolder
	case assignee == 0:
		return Unassigned
	}
	return Assigned
}
