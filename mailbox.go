package postroom

import "slices"

// Mailbox is an address the team answers, with the channel its mail leaves by.
type Mailbox struct {
	ID         int64
	Name       string
	Address    string
	Aliases    []string
	SenderName string // display name of its mail; "" puts the agent's name
	Signature  string // HTML put under replies
	UndoMS     int64  // the undo window, in milliseconds
	ReopenDays int    // how long after closing an answer reopens the conversation
	SendAnyway bool   // a notice goes out even if the reply it follows failed (W25)
	Subaddress bool   // the provider delivers name+token@domain (T3)
	Separator  string // of the token in the local part, "+" as a rule
	AuthServ   string // authserv-id whose Authentication-Results we believe (S1); "" none
	Channel    Channel
}

// Channel is where a mailbox's outgoing mail is handed over.
type Channel struct {
	Host     string
	Port     int
	Security string // none, starttls or tls
	Username string
	Password string // sealed; the key is kept outside the database
}

// Addresses returns the mailbox's address and aliases in canonical form.
func (m *Mailbox) Addresses() []string {
	out := []string{Canonical(m.Address)}
	for _, a := range m.Aliases {
		if a = Canonical(a); !slices.Contains(out, a) {
			out = append(out, a)
		}
	}
	return out
}

// Defaults of a mailbox.
const (
	DefaultUndoMS     = 10_000
	DefaultReopenDays = 30
)
