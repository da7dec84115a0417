package query

// WebhooksPage is GET /webhooks: the calls that workflows have made.
type WebhooksPage struct {
	Shell     Shell
	State     string // filter; "" = all
	Workflow  int64
	Workflows []Choice // whose calls can be asked for
	Counts    []StateCount
	Rows      []WebhookLine
	Held      int // calls that wait for somebody to release or discard them
	Next      string
	Previous  string
}

// WebhookLine is one call in the log.
type WebhookLine struct {
	ID         int64
	State      string
	Method     string
	URL        string
	Number     int64 // conversation
	WorkflowID int64
	Workflow   string
	At         int64 // made
	DueAt      int64 // next try; 0 = none
	EndedAt    int64
	Attempts   int
	Words      string
}

// WebhookPage is GET /webhooks/{id}: one call with its attempts.
type WebhookPage struct {
	Shell       Shell
	Call        WebhookLine
	Name        string   // with which it names itself to the server
	Event       string   // in words
	EventID     int64    // for Why?
	Headers     []Choice // a secret one with its name in place of what it says
	Signed      string   // the name of the secret; "" if it is not signed
	ContentType string
	Body        string // as it is sent; JSON on several lines
	Attempts    []WebhookTry
	MayAgain    bool
	MayRelease  bool
}

// WebhookTry is one attempt at a call.
type WebhookTry struct {
	Number  int
	At      int64
	Took    string // "" while it is under way, or when nobody knows
	Address string
	Status  int
	OK      bool
	Words   string
	Answer  string
	More    bool
}

// WebhookSecretsPage is GET /webhooks/secrets.
type WebhookSecretsPage struct {
	Shell  Shell
	Rows   []WebhookSecretLine
	Kind   string // as typed in the form for a new one
	Name   string
	Errors FieldErrors
	Shown  string // a signing secret that was just made, shown once
	Called string // and its name
}

// WebhookSecretLine is one secret, without what it holds.
type WebhookSecretLine struct {
	ID        int64
	Name      string
	Kind      string // "signing", "header"
	ChangedAt int64
	By        string
	OldUntil  int64 // the former one goes on being used until then; 0 = none
	Uses      []string
}
