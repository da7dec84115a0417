package postroom

import "strings"

// Incoming is a mailbox's connection to the server that its mail is fetched
// from, by IMAP. A mailbox without one receives by the listeners alone.
type Incoming struct {
	MailboxID int64
	On        bool
	Host      string
	Port      int
	Security  string // none, starttls or tls
	Auth      string // AuthPassword, AuthToken or AuthSignIn
	Username  string
	Password  string   // sealed; the password or the access token
	Folders   []string // those that are read, in this order; at least one
	After     AfterFetch
	MoveTo    string // the folder, where After is AfterMove
	Older     OlderMail
	OlderFrom int64 // in milliseconds, where Older is OlderSince
	Copies    SentCopies
	Revision  int64 // changes with each change of the settings
}

// AfterFetch is what is done on the server with a mail that was fetched. It
// never decides what is fetched: people read the folder too.
type AfterFetch string

// What can be done.
const (
	AfterLeave AfterFetch = "leave" // nothing changes on the server
	AfterSeen  AfterFetch = "seen"  // it is marked as read
	AfterMove  AfterFetch = "move"  // it is moved into another folder
)

// OlderMail says what becomes of the mail that lies in a folder when it is read
// for the first time. Older mail is never judged by workflows and never
// answered automatically (W7).
type OlderMail string

// What can become of it.
const (
	OlderNone  OlderMail = "none"  // it stays where it is
	OlderSince OlderMail = "since" // what came since a day is taken in as open conversations
	OlderAll   OlderMail = "all"   // all of it is taken in as history: closed conversations
)

// SentCopies says whether a copy of each mail that was accepted is put into the
// server's folder of sent mail (R10).
type SentCopies string

// What can be said.
const (
	CopiesAuto SentCopies = "auto" // where the provider does not keep one by itself
	CopiesYes  SentCopies = "yes"
	CopiesNo   SentCopies = "no"
)

// keepers are the ends of host names of providers that put a copy of what is
// sent through them into the folder of sent mail by themselves.
var keepers = []string{
	"gmail.com", "googlemail.com", "google.com",
	"office365.com", "outlook.com", "office.com", "outlook.de", "hotmail.com", "live.com",
}

// KeepsSent reports whether a provider, by the name of its server, is known to
// keep a copy of sent mail by itself.
func KeepsSent(host string) bool {
	host = strings.TrimSuffix(strings.ToLower(host), ".")
	for _, k := range keepers {
		if host == k || strings.HasSuffix(host, "."+k) {
			return true
		}
	}
	return false
}

// Copy reports whether copies of sent mail are put onto the server. sentBy is
// the server that the mailbox's mail leaves by: a provider keeps copies only of
// what is sent through itself.
func (i *Incoming) Copy(sentBy string) bool {
	switch {
	case i == nil || !i.On:
		return false
	case i.Copies == CopiesAuto:
		return !KeepsSent(i.Host) || !KeepsSent(sentBy)
	}
	return i.Copies == CopiesYes
}

// Imported says how a mail that was there before the desk is taken in.
type Imported string

// The ways.
const (
	NotImported    Imported = ""       // it is new
	ImportedOpen   Imported = "open"   // its conversation is active
	ImportedClosed Imported = "closed" // its conversation is history
)
