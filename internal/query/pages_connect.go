package query

// MailboxHead is what every page of a mailbox's settings has: which one it is,
// and the pages there are. In the guide through the first set-up they are steps
// in order; afterwards they are tabs.
type MailboxHead struct {
	ID      int64
	Name    string
	Address string
	Off     bool // switched off
	Guide   bool
	Steps   []MailboxStep
	Current string // key of the step
}

// The keys of the steps, which are also the last part of their URLs.
const (
	StepSettings  = "settings"
	StepSending   = "sending"
	StepReceiving = "receiving"
	StepDomain    = "domain"
	StepTrial     = "trial"
	StepPeople    = "people"
)

// MailboxStep is one page of a mailbox's settings.
type MailboxStep struct {
	Key   string
	Title string
	Href  string
	State string // "done", "todo", "bad" or ""; the current one is Head's
}

// Next returns the step after the current one; ok is false after the last.
func (h MailboxHead) Next() (next MailboxStep, ok bool) {
	for i, s := range h.Steps {
		if s.Key == h.Current && i+1 < len(h.Steps) {
			return h.Steps[i+1], true
		}
	}
	return MailboxStep{}, false
}

// Previous returns the step before the current one.
func (h MailboxHead) Previous() (previous MailboxStep, ok bool) {
	for i, s := range h.Steps {
		if s.Key == h.Current && i > 0 {
			return h.Steps[i-1], true
		}
	}
	return MailboxStep{}, false
}

// Probe is what came of trying a connection. Everything a server said is in
// Said and Dialogue, as text.
type Probe struct {
	State    string // "good", "warn", "bad"; "wait" while something is missing to try it
	Title    string // "It works", "The server refuses the password"
	Words    string // what that means and what to do
	Said     string // the server's own words; "" if it said nothing
	Facts    []Choice
	Field    string       // the form field the fault is about; "" if none
	Advice   *ProbeAdvice // settings that probably work
	Dialogue []string     // line by line, credentials left out
}

// ProbeAdvice is a choice that a button takes over into the form.
type ProbeAdvice struct {
	Words    string // "Use TLS on port 465"
	Security string
	Port     int
}

// Provider is what is known of the company that keeps a mailbox.
type Provider struct {
	Key      string
	Name     string
	How      string // by what it was recognised, as "the domain's mail goes to aspmx.l.google.com"; "" if chosen by hand
	Password string // which password it wants
	Link     string // where to make one; "" if nowhere
	Note     string // what else to know; "" if nothing
	Refuses  bool   // it takes no password from programs at all
	SignsIn  bool   // its mailboxes can sign in at an authority that is known
	SMTP     string // "smtp.gmail.com:465, TLS"
	IMAP     string
}

// SignIn is a mailbox's sign-in at the authority of its provider, as far as there
// is one.
type SignIn struct {
	Authority  string // name: "microsoft", "google" or "other"
	Title      string // "Microsoft"
	Registered bool   // an app is registered there
	Closed     bool   // nothing may leave this desk
	State      string // "good", "waiting" or "refused"; "" is not signed in
	Words      string // the authority's, where something is wrong
	By         string // who signed it in
	At         int64
	Refreshed  int64
	NextAt     int64 // when it is renewed
}

// AuthorityPage is GET and POST /authorities/{name}: the app of an authority.
type AuthorityPage struct {
	Shell        Shell
	Name         string
	Title        string // "Microsoft"
	Registered   bool
	Redirect     string // the address to register
	RedirectBad  string // why it will not do; "" if it will
	Console      string // where apps are registered; "" not known
	Permissions  string // where consents are taken back
	OwnTitle     string // of "other"
	ClientID     string
	SecretSet    bool
	Tenant       string
	AuthorizeURL string // as stored; "" is the usual one
	TokenURL     string
	Scopes       string
	Servers      string
	Usual        AuthorityUsual
	Mailboxes    []MailboxChoice // that are signed in by it
	Return       string          // the page of a mailbox it was asked for on
	Errors       FieldErrors
}

// AuthorityUsual is what stands for an authority's fields that are left empty.
type AuthorityUsual struct{ AuthorizeURL, TokenURL, Scopes, Servers string }

// MailboxChoice is a mailbox with where it leads.
type MailboxChoice struct {
	ID      int64
	Address string
	State   string
}

// GoingPage leads to an authority, or says that it has led nowhere.
type GoingPage struct {
	Title string
	Words string // what went wrong
	URL   string
	Host  string
	Back  string
}

// SendingPage is GET and POST /mailboxes/{id}/sending.
type SendingPage struct {
	Shell       Shell
	Head        MailboxHead
	Provider    *Provider // recognised or chosen; nil for an own server
	Chosen      string    // key in Providers
	Providers   []Choice
	Host        string
	Port        int
	Security    string
	User        string
	PasswordSet bool
	SignIn      *SignIn // at the provider's authority
	SignedIn    bool    // it is used, instead of a password
	Connections int     // at once; 0 = the usual number
	PerMinute   int     // mails; 0 = no limit
	Probe       *Probe  // of the form as it stands
	Errors      FieldErrors
}

// ReceivingPage is GET and POST /mailboxes/{id}/receiving.
type ReceivingPage struct {
	Shell        Shell
	Head         MailboxHead
	Provider     *Provider
	Chosen       string
	Providers    []Choice
	Way          string // "imap", or "server": the mail server hands mail over
	Host         string
	Port         int
	Security     string
	User         string
	PasswordSet  bool
	SignIn       *SignIn
	SignedIn     bool
	SamePassword bool   // a new password field is filled with the one for sending if left empty
	Folders      string // one a line
	Known        []string
	After        string
	MoveTo       string
	Older        string
	OlderFrom    string // YYYY-MM-DD
	Copies       string
	Began        bool   // it has been read before: older mail is decided
	State        string // of the connection: "off", "waiting", "watching" …
	Words        string
	Doors        []Door
	Probe        *Probe
	Errors       FieldErrors
}

// Door is a way by which a mail server can hand mail over to the desk, with
// what to write into its configuration.
type Door struct {
	Name  string
	Words string
	Open  bool     // it listens now
	Lines []Copied // to be copied
}

// Copied is a text that people copy, with a label.
type Copied struct {
	Label string
	Text  string
}

// DomainPage is GET /mailboxes/{id}/domain.
type DomainPage struct {
	Shell  Shell
	Head   MailboxHead
	Domain string
	Public bool // the domain is a provider's own, as gmail.com: nothing to set up
	Checks []DomainCheck
	Words  string // where nothing could be asked
	At     int64
}

// DomainCheck is one thing of a domain that receivers look at.
type DomainCheck struct {
	Key   string // "mx", "spf", "dkim", "dmarc"
	Name  string
	State string // "good", "warn", "bad"; "wait" for what could not be found out
	Title string
	Words string
	Found []string // the records, as they stand
	Add   []Record // to add or change
}

// Record is a DNS record to be made.
type Record struct {
	Type string
	Name string
	Text string
}

// TrialPage is GET /mailboxes/{id}/trial.
type TrialPage struct {
	Shell    Shell
	Head     MailboxHead
	Ready    bool // there is a server to send by
	Receives bool // there is a way in
	Tries    []Trial
	Waiting  bool // one is still on its way: the page reads itself again
	SentAt   int64
	Findings []Finding
	AuthServ string // that is configured
}

// Trial is one mail a mailbox sent to itself.
type Trial struct {
	Kind     string // "plain" or "subaddress"
	Address  string
	State    string // "bad": not accepted; "wait": on its way; "late"; "good": it came back
	Words    string
	Said     string
	Server   string
	Took     int64 // milliseconds from sending to its return
	Inbound  int64
	Accepted bool
}

// Finding is what a mail that came back has shown, with a button where there
// is something to set.
type Finding struct {
	State string
	Title string
	Words string
	Found []string
	Set   string // field to set: "authserv" or "subaddress"; "" for none
	Value string
	Label string // of the button
}

// PeoplePage is GET and POST /mailboxes/{id}/people.
type PeoplePage struct {
	Shell     Shell
	Head      MailboxHead
	Agents    []AgentAccess
	Everybody bool
	Errors    FieldErrors
}

// ReadyPage is GET /mailboxes/{id}/ready: what was set up, and what is next.
type ReadyPage struct {
	Shell Shell
	Head  MailboxHead
	Lines []Check
	Open  []Choice // what remains: Value is the link
}
