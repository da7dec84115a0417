package postroom

// Startable is a published workflow that an agent may run by hand, on
// conversations of its mailbox.
type Startable struct {
	WorkflowID int64
	Version    int    // the published one
	Name       string // as people see it
	MailboxID  int64  // 0: any mailbox
	Doing      string // what it does, for a line: "Adds the tag vip and closes"
}

// For reports whether the workflow can run on conversations of a mailbox.
func (s Startable) For(mailbox int64) bool { return s.MailboxID == 0 || s.MailboxID == mailbox }
