package web

import (
	"context"
	"net/http"
	"time"

	"postroom"
	"postroom/internal/automate"
	"postroom/internal/query"
)

// Reactor tries again what could not be worked on, and goes on with what was
// held back after a restore, or does not; the latter asks for an admin.
type Reactor interface {
	RetryInbound(ctx context.Context, by *postroom.Agent, inbound int64) error
	RetryEvent(ctx context.Context, by *postroom.Agent, event int64) error
	// ReleaseInbound and DiscardInbound take 0 for all.
	ReleaseInbound(ctx context.Context, by *postroom.Agent, inbound int64) error
	DiscardInbound(ctx context.Context, by *postroom.Agent, inbound int64) error
	ReleaseTellings(ctx context.Context, by *postroom.Agent) error
	DiscardTellings(ctx context.Context, by *postroom.Agent) error
	// CallAgain has a webhook called once more; attempts is how many were seen.
	// ReleaseCalls and DiscardCalls take 0 for all.
	CallAgain(ctx context.Context, by *postroom.Agent, call int64, attempts int) error
	ReleaseCalls(ctx context.Context, by *postroom.Agent, call int64) error
	DiscardCalls(ctx context.Context, by *postroom.Agent, call int64) error
}

// Workflows publishes and orders workflows; all of it asks for an admin.
type Workflows interface {
	// Switch turns a workflow on or off.
	Switch(ctx context.Context, by *postroom.Agent, workflow int64, on bool) error
	// Gone says what its published version names and is not there any more.
	Gone(ctx context.Context, workflow int64) ([]string, error)
	// Move changes its place in the order by one.
	Move(ctx context.Context, by *postroom.Agent, workflow int64, up bool) error
	// RewordWith publishes a version like base with another wording of its reply.
	// Conflict when base is not the published version any more; Invalid with
	// field "template" for a wording that cannot be used.
	// Red tests are a Conflict with field "tests", unless it is to be anyway.
	RewordWith(ctx context.Context, by *postroom.Agent, workflow int64, base int, wording string, anyway bool) error
	// RestoreWith publishes an older version again, with the same errors.
	RestoreWith(ctx context.Context, by *postroom.Agent, workflow int64, version int, anyway bool) error
	// PreviewOn renders a wording on the conversation with a number, 0 for an
	// invented one; it changes nothing.
	PreviewOn(ctx context.Context, by *postroom.Agent, workflow int64, wording string, number int64) (query.WorkflowSample, error)
	// Place moves one before another, or to the end when before is 0.
	Place(ctx context.Context, by *postroom.Agent, workflow, before int64) error
	// Begin and Copy make the draft of a new one and return its id.
	Begin(ctx context.Context, by *postroom.Agent, recipe string) (int64, error)
	Copy(ctx context.Context, by *postroom.Agent, workflow int64) (int64, error)
	// CopyFor makes the copy for a mailbox, 0 being all.
	CopyFor(ctx context.Context, by *postroom.Agent, workflow, mailbox int64) (int64, error)
	Rename(ctx context.Context, by *postroom.Agent, workflow int64, name string) error
	// Delete keeps versions and runs; Undelete brings it back, switched off.
	Delete(ctx context.Context, by *postroom.Agent, workflow int64) error
	Undelete(ctx context.Context, by *postroom.Agent, workflow int64) error
	// Editor reads the page on which it is written.
	Editor(ctx context.Context, by *postroom.Agent, workflow int64, v automate.EditorView) (*query.EditorPage, error)
	TryVersion(ctx context.Context, by *postroom.Agent, id int64, number int, v automate.EditorView) (*query.TryVersionPage, error)
	// SaveDraft stores what the editor's form holds, with an act of the editor
	// done to it; see automate.FieldFaults for what is refused.
	SaveDraft(ctx context.Context, by *postroom.Agent, workflow int64, f automate.Form, act string) (place string, err error)
	// TryCall makes the call of a webhook as it is being written, once.
	TryCall(ctx context.Context, by *postroom.Agent, workflow int64, place, on string) (query.EditorCall, error)
	// SecretUses lists who uses which secret of webhooks; DeleteSecret deletes one
	// that nobody uses.
	SecretUses(ctx context.Context) (map[int64][]string, error)
	DeleteSecret(ctx context.Context, by *postroom.Agent, secret int64) error
	DiscardDraft(ctx context.Context, by *postroom.Agent, workflow int64) error
	PublishDraftWith(ctx context.Context, by *postroom.Agent, workflow int64, choice automate.PublishChoice) (int, error)
	// NewTest proposes a test, Pin one out of an event of a conversation without
	// the person; TryTest runs one as typed, SaveTest stores it (0 is a new one).
	NewTest(ctx context.Context, by *postroom.Agent, workflow int64) (automate.TestText, error)
	Pin(ctx context.Context, by *postroom.Agent, workflow, event int64) (automate.TestText, error)
	ReadTest(ctx context.Context, by *postroom.Agent, workflow, test int64) (automate.TestText, error)
	TryTest(ctx context.Context, by *postroom.Agent, workflow, test int64, text string) (automate.TestText, error)
	SaveTest(ctx context.Context, by *postroom.Agent, workflow, test int64, text string) (int64, error)
	DeleteTest(ctx context.Context, by *postroom.Agent, workflow, test int64) error
	// StartBacktest makes a job that says what it would have done lately.
	StartBacktest(ctx context.Context, by *postroom.Agent, workflow int64, ask automate.BacktestAsk) (job int64, err error)
	// List says, besides which there are, what does not go well together.
	List(ctx context.Context, by *postroom.Agent) (automate.List, error)
}

// Sandbox is a fork of the desk that nothing leaves; all of it asks for an admin.
type Sandbox interface {
	// State reads what there is, without the frame of the page.
	State(ctx context.Context, by *postroom.Agent) (*query.SandboxPage, error)
	// Make begins to make one, in place of the one that is there. Invalid names
	// the fields latest and numbers; Conflict: one is being made.
	Make(ctx context.Context, by *postroom.Agent, ask SandboxAsk) error
	Cancel(ctx context.Context, by *postroom.Agent) error
	Discard(ctx context.Context, by *postroom.Agent) error
	// Enter begins a session in it and returns its token.
	Enter(ctx context.Context, by *postroom.Agent, ip, browser string) (token string, err error)
	// Pages answers for it, without SandboxBase before the paths. NotFound says in
	// a sentence that there is none.
	Pages(ctx context.Context) (http.Handler, error)
}

// SandboxAsk says what goes into a sandbox; see store.ForkAsk.
type SandboxAsk struct {
	Latest  int
	Folder  string // "" is every folder but spam and deleted
	Mailbox int64  // 0 is every one
	Numbers []int64
	Replace bool // personal data is replaced
}

// Play is what the desk in a sandbox can do besides what a desk can.
type Play interface {
	Frame() query.SandboxFrame
	Page(ctx context.Context) (*query.PlayPage, error)
	// Skip moves the clock by a span, 0 to when something is due next, and
	// returns the number of the skip. Invalid names the field n.
	Skip(ctx context.Context, by time.Duration) (int, error)
	Effects(ctx context.Context, skip int) (*query.EffectsPage, error)
	// Be begins a session of an agent and returns its token.
	Be(ctx context.Context, agent int64, ip, browser string) (token string, err error)
	// Take makes the published version of a workflow the draft on the desk, and
	// returns the workflow's id there.
	Take(ctx context.Context, by *postroom.Agent, workflow int64, anyway bool) (int64, error)
}

// Demo is the customers' side of the demo: what its post office holds.
type Demo interface {
	SignIns() []query.DemoSignIn
	Customers(ctx context.Context) ([]query.DemoCustomer, error)
	Mails(ctx context.Context, address string) ([]query.DemoMail, error)
	// HTML returns the sanitised HTML part of a mail.
	HTML(ctx context.Context, address string, n int, images bool) (string, error)
	Part(ctx context.Context, address string, n, part int) (*query.File, error)
	Mailboxes(ctx context.Context) ([]query.Address, error)
	Answer(ctx context.Context, address string, a DemoAnswer) error
}

// DemoAnswer is what somebody writes as a customer of the demo.
type DemoAnswer struct {
	Mail    int    // the mail it answers; 0 for a new matter
	To      string // mailbox of a new matter
	Subject string
	Text    string
	Files   []DemoFile
	// Kind is "" for a mail that a person writes, "auto" for one that their
	// absence writes, "bounce" for their server's word that it did not take one.
	Kind string
}

// DemoFile is a file that goes with it.
type DemoFile struct {
	Name, Type string
	Content    []byte
}
