package postroom

// Role says what an agent may do beyond answering.
type Role string

// The roles.
const (
	Admin  Role = "admin"  // sees every mailbox, changes settings and workflows
	Member Role = "member" // sees the mailboxes they were given
)

// Agent is a person who answers.
type Agent struct {
	ID        int64
	Name      string
	Email     string
	Role      Role
	Zone      string // IANA name; times are shown in it
	Theme     string // system, light or dark
	Disabled  bool
	Mailboxes []int64 // those they may see; admins see all
	CreatedAt int64
}
