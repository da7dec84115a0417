package postroom

import "slices"

// Role says what an agent may do beyond answering.
type Role string

// The roles.
const (
	Admin  Role = "admin"  // sees every mailbox, changes settings and workflows
	Member Role = "member" // sees the mailboxes they were given
)

// Agent is a person who answers.
type Agent struct {
	ID       int64
	Name     string
	Email    string
	Role     Role
	Zone     string // IANA name; times are shown in it
	Theme    string // system, light or dark
	Disabled bool
	// FollowsOwn says that the agent follows each conversation they write in.
	FollowsOwn bool
	Mailboxes  []int64 // those they may see; admins see all
	// Rights says, by mailbox, what they may do there where it is not the
	// usual: to answer, with every conversation.
	Rights    map[int64]Right
	CreatedAt int64
}

// Right is what an agent may do in one mailbox they were given.
type Right struct {
	Most         Verb // See, Answer or Manage: the most they may do; "" is Answer
	OnlyAssigned bool // only with conversations that are assigned to them
	// Workflows says what they may do with the workflows of the mailbox: to
	// DraftWorkflows, to PublishWorkflows, which is both, or "" for nothing. It asks for the whole mailbox.
	Workflows Verb
}

// Give lets the agent into a mailbox.
func (a *Agent) Give(mailbox int64, r Right) {
	if !slices.Contains(a.Mailboxes, mailbox) {
		a.Mailboxes = append(a.Mailboxes, mailbox)
	}
	delete(a.Rights, mailbox)
	if r.Most == Answer || r.Most == "" {
		r.Most = ""
	}
	if r == (Right{}) {
		return
	}
	if a.Rights == nil {
		a.Rights = map[int64]Right{}
	}
	a.Rights[mailbox] = r
}

// RightIn returns what the agent may do in a mailbox, and whether they were
// let into it at all. Admins may do everything everywhere.
func (a *Agent) RightIn(mailbox int64) (Right, bool) {
	if a.Role == Admin {
		return Right{Most: Manage, Workflows: PublishWorkflows}, true
	}
	r := a.Rights[mailbox]
	if r.Most == "" {
		r.Most = Answer
	}
	return r, mailbox != 0 && slices.Contains(a.Mailboxes, mailbox)
}
