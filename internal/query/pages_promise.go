package query

// PromisesPage is GET /promises: what is promised about events and mails, and
// how it is kept (W38).
type PromisesPage struct {
	Shell Shell
	Rows  []PromiseLine
	Days  int // over which the counts go
	// Deleted are those that can be restored, the one deleted last first.
	Deleted []DeletedPromise
}

// DeletedPromise is a promise that can be brought back.
type DeletedPromise struct {
	ID             int64
	Name, Sentence string
	At             int64
}

// PromiseVersion is one published version of a promise.
type PromiseVersion struct {
	Number   int
	By       string // "" = it came with the desk
	At       int64
	Sentence string
	Current  bool             // it is what is watched
	Changes  []WorkflowChange // against the version before it; none for the first
}

// PromiseLine is one promise in the list.
type PromiseLine struct {
	ID       int64
	Name     string // may be empty while it is written
	Sentence string
	Mailbox  string // "" = all mailboxes
	On       bool
	Version  int // 0 = never published
	Drafted  bool
	Shipped  bool
	Fault    string // why it cannot be read, "" if it can

	Kept, Explained, Broken int // of the last days
	Waiting, Late           int // now
	Unseen                  int // broken ones nobody has acknowledged
}

// PromisePage is GET /promises/{id}: a promise as it is being written, and what
// came of it.
type PromisePage struct {
	Line   PromiseLine
	Days   int
	Editor EditorPage // the When and the If, with its shell, its errors and what keeps it from being published

	Whats      []EditorEvent // what can follow
	What       string        // the chosen one
	WhatDoc    string
	Times      string // "", "some", "none"
	Workflow   string // id as typed; "0" is any
	Workflows  []Choice
	OfWorkflow bool            // a workflow can be chosen
	Filters    []EditorControl // of the event that must follow
	Within     string          // as typed
	Unit       string

	Versions []PromiseVersion // the newest first

	Traces []PromiseTrace // the newest that were late, broken or explained, broken ones first
	Recent []PromiseTrace // the newest that were kept
}

// PromiseTrace is one event on which a promise was watched, from the event to
// what followed.
type PromiseTrace struct {
	Number  int64 // of the conversation; 0 = it is gone
	Subject string
	Event   int64
	Words   string // the event
	At      int64
	State   string // of promise.State
	Outcome string // what came of it
	DueAt   int64
	Seen    bool
	Steps   []PromiseStep
}

// PromiseStep is one thing that followed: what a workflow said, a mail with its
// attempts.
type PromiseStep struct {
	Text  string
	State string // "ok", "bad", "waiting", "none"
	Href  string
	At    int64
}

// WhyPromise is a promise that began with an event, and what came of it.
type WhyPromise struct {
	ID    int64
	Gone  bool // it was deleted: its page is not there
	Name  string
	State string // of promise.State
	Words string
	DueAt int64
}
