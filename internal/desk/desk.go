// Package desk is the conversation service. Every change of a conversation,
// from whatever door, is a verb of a Turn: one act, one transaction, one
// ordered batch of rows, events, mails and due work (W1, W2). Rendering,
// files and ids are seen to before the transaction begins.
package desk

import (
	"context"
	"log/slog"

	"postroom"
	"postroom/internal/blob"
	"postroom/internal/email"
	"postroom/internal/store"
)

// The work that a commit wakes.
const (
	WakeReceive  = "receive"
	WakeJudge    = "judge"
	WakeDeliver  = "deliver"
	WakeBulk     = "bulk"
	WakeNotify   = "notify"
	WakeTimer    = "timer"
	WakeSnooze   = "wake"
	WakeSchedule = "schedule"
	WakeWebhook  = "webhook"
	WakePromise  = "promise"
)

// Options is what a desk stands on. Wake and Publish are called after commits
// only and must not block; nil does nothing.
type Options struct {
	Store *store.Store
	Blobs *blob.Store
	Keys  *email.Keyring
	// MaxFile is the most bytes that one attachment of an agent may have; 0, or
	// more than the constant MaxFile, is that.
	MaxFile int64
	// Wake tells the worker of a kind that there is work.
	Wake func(kind string)
	// PublicURL is where customers reach the desk, without a slash at its end; ""
	// for nowhere: then no mail can ask for a rating.
	PublicURL string
	// Publish tells open pages what changed.
	Publish func(Change)
	Log     *slog.Logger
}

// Change is what open pages are told after a commit: keys, never content.
type Change struct {
	MailboxID      int64
	ConversationID int64
	Number         int64
	Folders        []postroom.Folder // whose lists changed
	AgentID        int64             // for what only one agent sees, such as drafts
	Assignees      []int64           // whose the conversation was and is: some see only what is theirs
	Kind           string            // "conversation", "draft", "notification", "job"
	JobID          int64
}

// Desk is the conversation service. It is safe for concurrent use.
type Desk struct {
	store   *store.Store
	blobs   *blob.Store
	keys    *email.Keyring
	wake    func(string)
	publish func(Change)
	log     *slog.Logger
	maxFile int64
	public  string
}

// New returns a desk.
func New(o Options) *Desk {
	d := &Desk{store: o.Store, blobs: o.Blobs, keys: o.Keys, wake: o.Wake, publish: o.Publish, log: o.Log, maxFile: o.MaxFile, public: o.PublicURL}
	if d.maxFile <= 0 || d.maxFile > MaxFile {
		d.maxFile = MaxFile
	}
	if d.wake == nil {
		d.wake = func(string) {}
	}
	if d.publish == nil {
		d.publish = func(Change) {}
	}
	if d.log == nil {
		d.log = slog.New(slog.DiscardHandler)
	}
	return d
}

// never is the time of what has no time yet: the events of a bulk job become
// final when the job has ended.
const never = int64(1) << 52

// may asks permission for a verb on a conversation, by the mailbox it is in and
// its assignee, and answers as if what may not be seen did not exist.
func may(a *postroom.Agent, v postroom.Verb, mailbox, assignee int64) error {
	if postroom.CanOn(a, v, mailbox, assignee) {
		return nil
	}
	if postroom.CanOn(a, postroom.See, mailbox, assignee) {
		return postroom.Errorf(postroom.Forbidden, "You may only read in this mailbox.")
	}
	return postroom.Errorf(postroom.NotFound, "There is no such conversation.")
}

// load reads a conversation that an agent wants to change, outside of any
// transaction: what depends on it is checked again inside.
func (d *Desk) load(ctx context.Context, a *postroom.Agent, id int64) (*postroom.Conversation, *postroom.Mailbox, error) {
	c, err := d.store.Read().Conversation(ctx, id)
	if err != nil {
		return nil, nil, err
	}
	if err := may(a, postroom.Answer, c.MailboxID, c.AssigneeID); err != nil {
		return nil, nil, err
	}
	m, err := d.store.Read().Mailbox(ctx, c.MailboxID)
	return c, m, err
}

// Wake tells the workers of a kind that there is work.
func (d *Desk) Wake(kind string) { d.wake(kind) }
