package postroom

import (
	"slices"
	"strings"
)

// Mailbox is an address the team answers, with the channel its mail leaves by.
type Mailbox struct {
	ID         int64
	Name       string
	Address    string
	Aliases    []string
	SenderName string // the team's name in its mail; "" is Name
	SenderForm SenderForm
	Signature  string // HTML put under replies
	UndoMS     int64  // the undo window, in milliseconds
	ReopenDays int    // how long after closing an answer reopens the conversation
	SendAnyway bool   // a notice goes out even if the reply it follows failed (W25)
	Subaddress bool   // the provider delivers name+token@domain (T3)
	Separator  string // of the token in the local part, "+" as a rule
	AuthServ   string // authserv-id whose Authentication-Results we believe (S1); "" none

	// TokenEnough lets an agent's answer to a notification act although no
	// server vouches for its sender: whoever has the mail can then act as the
	// agent (T12).
	TokenEnough bool

	Channel Channel

	// What the composer proposes for after a reply; the agent may choose
	// otherwise.
	ReplyStatus   Status // "" leaves the status
	ReplyAssignee ReplyAssignee
	AutoBcc       []string      // proposed as Bcc of each reply, and shown before it goes (O7)
	Headers       []HeaderField // of its own, in each of its mails to customers

	OffAt int64 // when it was switched off; 0 while it is on

	CalendarID int64 // whose office hours count; 0: those of the desk's main calendar

	// Connections is how many connections to its server all processes together
	// may have; 0 is DefaultConnections.
	Connections int
	PerMinute   int // how many mails a minute may be handed to it; 0: no limit
}

// SenderForm says whose name customers see as the sender.
type SenderForm string

// The forms. The empty one is that of mailboxes from before there was a
// choice: SenderName where there is one, else the agent's name.
const (
	SenderAgent SenderForm = "agent" // "Ann Baker"
	SenderTeam  SenderForm = "team"  // "Brightwater"
	SenderBoth  SenderForm = "both"  // "Ann at Brightwater"
)

// SenderForms lists the forms there are to choose from.
var SenderForms = []SenderForm{SenderAgent, SenderTeam, SenderBoth}

// ReplyAssignee is whom the composer proposes to assign a conversation to.
type ReplyAssignee string

// The proposals.
const (
	AssignAsItIs   ReplyAssignee = ""        // leaves the assignee
	AssignMeIfFree ReplyAssignee = "if_free" // who replies, if nobody is assigned
	AssignMe       ReplyAssignee = "me"      // who replies
	AssignNobody   ReplyAssignee = "nobody"
)

// ReplyAssignees lists the proposals in the order they are shown.
var ReplyAssignees = []ReplyAssignee{AssignAsItIs, AssignMeIfFree, AssignMe, AssignNobody}

// HeaderField is one header of a mail: a name without the colon and a value of
// one line.
type HeaderField struct {
	Name  string `json:"name"`
	Value string `json:"value"`
}

// Sender is the display name of a mail of the mailbox, by its form. agent is
// the name of who writes, "" for mail that no agent writes: it comes from the
// team.
func (m *Mailbox) Sender(agent string) string {
	team := m.SenderName
	if team == "" {
		team = m.Name
	}
	switch {
	case agent == "" || m.SenderForm == SenderTeam || m.SenderForm == "" && m.SenderName != "":
		return team
	case m.SenderForm == SenderBoth:
		first, _, _ := strings.Cut(agent, " ")
		return first + " at " + team
	}
	return agent
}

// Off reports whether the mailbox is switched off: it takes no mail in, and
// what it has to send waits.
func (m *Mailbox) Off() bool { return m.OffAt > 0 }

// Channel is where a mailbox's outgoing mail is handed over.
type Channel struct {
	Host     string
	Port     int
	Security string // none, starttls or tls
	Username string
	Password string // sealed; the key is kept outside the database
	Auth     string // AuthPassword or AuthSignIn; "" is AuthPassword
}

// How a mailbox proves to a server who it is.
const (
	AuthPassword = "password"
	AuthToken    = "token"   // an OAuth 2 access token that somebody has given; for fetching alone
	AuthSignIn   = "sign-in" // the mailbox's sign-in at its provider, whose access tokens are refreshed
)

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

	// DefaultConnections is how many connections a mailbox's server is given
	// where nothing else is set.
	DefaultConnections = 4
)
