package query

// DemoCustomersPage is GET /demo/customers: everybody the demo's post office
// has mail for.
type DemoCustomersPage struct {
	Shell *Shell // nil when nobody is signed in: the page is open in the demo
	Rows  []DemoCustomer
}

// DemoCustomer is one of them.
type DemoCustomer struct {
	Name    string
	Address string
	Mails   int
	LastAt  int64
	Subject string // of the last mail
	Agent   bool   // one of the team, who gets notifications
}

// DemoMailsPage is GET /demo/customers/{address}.
type DemoMailsPage struct {
	Shell     *Shell
	Customer  DemoCustomer
	Rows      []DemoCustomer // for the list at the side
	Mails     []DemoMail     // newest first
	Mailboxes []Address      // whom one may write to anew
	Subject   string         // of the form, when refused
	Text      string
	Errors    FieldErrors
	Zone      string
	Now       int64
}

// DemoMail is one mail as its receiver has it.
type DemoMail struct {
	N           int // number in the post office, for its URLs
	At          int64
	From        string
	To          string
	Subject     string
	Automatic   bool
	Header      string
	Text        string
	HTML        bool // GET /demo/customers/{address}/mails/{n}/html
	MessageID   string
	Attachments []Attachment // ID is the part's index; URL /demo/customers/{address}/mails/{n}/parts/{id}
}
