// Package query answers every question a page asks. A reader is one method of
// Desk: it asks whether the agent may see what is wanted, reads it in a few
// statements (six at most for a page, the session and the frame included) and
// returns the page's plain data. Nothing here changes anything.
package query

import (
	"context"
	"strconv"
	"sync"
	"time"

	"postroom"
	"postroom/internal/blob"
	"postroom/internal/store"
	"postroom/internal/workflow"
)

// Options is what a Desk stands on.
type Options struct {
	Store *store.Store
	Blobs *blob.Store // bytes of files, received and sent mails; nil: none can be read

	Name    string // of the desk, for the sign-in page
	Version string // of the program
	Demo    bool   // the demo runs
	Started time.Time

	// Facts and Settings are lines for the system page that only the one who
	// started the program knows: folders, addresses, limits. Nil for none.
	Facts    func(context.Context) []Choice
	Checks   func(context.Context) []Check
	Settings []Choice

	// TrashDays is after how many days deleted conversations are erased; 0: never.
	TrashDays int

	// Variables are those a workflow's wording may use: Value is the name as
	// it is written, Text what it stands for.
	Variables []Choice

	// OnStatement is called before each statement; nil for nobody. It is how
	// pages are held to their six.
	OnStatement func()
}

// Desk reads pages. It is safe for concurrent use.
type Desk struct {
	store *store.Store
	o     Options

	// Versions of workflows never change once published, so they are compiled
	// once. Key is the workflow's id and the version's number.
	mu       sync.Mutex
	compiled map[versionKey]*workflow.Version
	sets     map[int64]*pastSet // by revision
	byHand   startables
}

type versionKey struct {
	workflow int64
	number   int
}

// New returns a reader of pages.
func New(o Options) *Desk {
	return &Desk{store: o.Store, o: o, compiled: map[versionKey]*workflow.Version{}, sets: map[int64]*pastSet{}}
}

// Now returns the time of the database's clock in milliseconds, UTC.
func (d *Desk) Now() int64 { return d.store.Now() }

func (d *Desk) read() store.Read {
	if d.o.OnStatement != nil {
		return d.store.Read().Counted(d.o.OnStatement)
	}
	return d.store.Read()
}

// visible returns what an agent may see.
func visible(a *postroom.Agent) store.Scope {
	if a == nil || a.Disabled {
		return store.Scope{}
	}
	s := store.Scope{All: a.Role == postroom.Admin, Agent: a.ID}
	for _, m := range a.Mailboxes {
		switch {
		case s.All:
		case postroom.Can(a, postroom.See, m):
			s.Whole = append(s.Whole, m)
		case postroom.CanEnter(a, m):
			s.Own = append(s.Own, m)
		}
	}
	return s
}

// narrow returns what of one mailbox, or of all (0), an agent may see; a
// mailbox the agent may not see does not exist for them.
func narrow(a *postroom.Agent, mailbox int64) (store.Scope, error) {
	if mailbox == 0 {
		return visible(a), nil
	}
	if !postroom.CanEnter(a, mailbox) {
		return store.Scope{}, postroom.Errorf(postroom.NotFound, "There is no such mailbox.")
	}
	return visible(a).In(mailbox), nil
}

// maySee asks for a conversation by its mailbox and assignee; what may not be
// seen does not exist.
func maySee(a *postroom.Agent, mailbox, assignee int64) error {
	if postroom.CanOn(a, postroom.See, mailbox, assignee) {
		return nil
	}
	return postroom.Errorf(postroom.NotFound, "There is no such conversation.")
}

// mayManage lets admins pass.
func mayManage(a *postroom.Agent) error {
	if postroom.Can(a, postroom.Manage, 0) {
		return nil
	}
	return postroom.Errorf(postroom.Forbidden, "Only admins may see this page.")
}

// Ref is what a form needs to know of a conversation before it acts.
type Ref struct {
	ID, Number, MailboxID int64
	Status                postroom.Status
	AssigneeID            int64
	Tags                  []int64
}

// Ref finds a conversation the agent may see by its number.
func (d *Desk) Ref(ctx context.Context, a *postroom.Agent, number int64) (Ref, error) {
	c, err := d.read().ConversationByNumber(ctx, number)
	if err != nil {
		return Ref{}, err
	}
	r := Ref{ID: c.ID, Number: c.Number, MailboxID: c.MailboxID, Status: c.Status, AssigneeID: c.AssigneeID, Tags: c.Tags}
	if maySee(a, c.MailboxID, c.AssigneeID) != nil {
		return Ref{}, postroom.Errorf(postroom.NotFound, "There is no conversation %d.", number)
	}
	return r, nil
}

// mayAbout asks for what belongs to a conversation, or, where that is 0, to a
// mailbox as such.
func (d *Desk) mayAbout(ctx context.Context, a *postroom.Agent, v postroom.Verb, conversation, mailbox int64) (bool, error) {
	if conversation == 0 {
		return postroom.Can(a, v, mailbox), nil
	}
	p, err := d.read().ConversationPlace(ctx, conversation)
	if postroom.CodeOf(err) == postroom.NotFound {
		return postroom.Can(a, v, mailbox), nil
	}
	return err == nil && postroom.CanOn(a, v, p.MailboxID, p.AssigneeID), err
}

func decimal(id int64) string { return strconv.FormatInt(id, 10) }

func addresses(in []postroom.Address) []Address {
	out := make([]Address, 0, len(in))
	for _, a := range in {
		out = append(out, Address(a))
	}
	return out
}

// nameOr returns the name, or what stands for a missing one.
func nameOr(name, other string) string {
	if name == "" {
		return other
	}
	return name
}

// EventNumber returns the number of the conversation an event belongs to, if
// the agent may see it.
func (d *Desk) EventNumber(ctx context.Context, a *postroom.Agent, event int64) (int64, error) {
	p, err := d.read().EventPlace(ctx, event)
	if err == nil && maySee(a, p.MailboxID, p.AssigneeID) != nil {
		err = postroom.Errorf(postroom.NotFound, "There is no such event.")
	}
	return p.Number, err
}
