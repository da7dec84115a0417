// Package automate keeps the workflows of a desk: which there are, in which
// order, which are switched on, and which version of each is published. What a
// workflow means is decided by package workflow, and what one does is done by
// whoever follows the events; here it is saved, proven and published.
//
// Everything asks for a right: to write or to publish the workflows of a mailbox
// (see rights.go), or to manage. Each change is one transaction that
// makes exactly one new revision of the set of workflows; what changes nothing
// makes none.
package automate

import (
	"context"
	"errors"
	"fmt"

	"postroom"
	"postroom/internal/desk"
	"postroom/internal/store"
)

// The keys that are published after a change.
const (
	Key       = "workflows"
	keyAlarms = "alarms"
)

// Options are what Workflows stand on.
type Options struct {
	Store *store.Store
	// Letters writes the head of a previewed mail as it would really be.
	Letters Letters
	// Sanitise makes the HTML of a preview safe to show. Without it a preview
	// shows HTML as text.
	Sanitise func(html string) string
	// Headers reads the headers of a received mail by the id of its inbound row:
	// all values of a name in lower case. Without it conditions about headers
	// are unknown when a workflow is tried.
	Headers func(ctx context.Context, inbound int64) func(name string) []string
	// Publish tells open pages what changed, after the commit; nil does
	// nothing.
	Publish func(key string)
	// Wake tells the workers that there is work of a kind, after the commit; nil
	// does nothing.
	Wake func(kind string)
	// Call makes the call of a webhook for its test in the editor; nil on a desk
	// that nothing may leave.
	Call TestCall
}

// Letters composes a mail without sending it; *desk.Desk does. nil: a preview
// has no subject.
type Letters interface {
	Compose(desk.Letter) (*postroom.Mail, error)
	// AsksForRatings says that customers reach the desk, so that a mail can ask
	// for a rating.
	AsksForRatings() bool
}

// Workflows is the service. It is safe for concurrent use.
type Workflows struct {
	store    *store.Store
	letters  Letters
	sanitise func(string) string
	headers  func(context.Context, int64) func(string) []string
	publish  func(string)
	wake     func(string)
	call     TestCall
}

// New returns the service.
func New(o Options) *Workflows {
	if o.Publish == nil {
		o.Publish = func(string) {}
	}
	if o.Wake == nil {
		o.Wake = func(string) {}
	}
	return &Workflows{store: o.Store, letters: o.Letters, sanitise: o.Sanitise, headers: o.Headers, publish: o.Publish, wake: o.Wake, call: o.Call}
}

// manage asks for the right to manage.
func manage(by *postroom.Agent) error {
	if !postroom.Can(by, postroom.Manage, 0) {
		return postroom.Errorf(postroom.Forbidden, "Only an admin may do that.")
	}
	return nil
}

// stillManages asks for the right to manage again, of the agent as they are in
// this transaction: a page that was opened before somebody lost the right must
// not change anything after. 0 is nobody: the program itself, or its operator.
func stillManages(ctx context.Context, t *store.Tx, id int64) error {
	if id == 0 {
		return nil
	}
	by, err := t.Agent(ctx, id)
	if postroom.CodeOf(err) == postroom.NotFound {
		return manage(nil)
	}
	if err != nil {
		return err
	}
	return manage(by)
}

// lockName is held by each change, so that of two admins the second sees what
// the first has done.
const lockName = "workflows"

// errOutrun marks that somebody who does not hold the lock, such as a worker
// that pauses a failing workflow, made the next revision first.
var errOutrun = errors.New("another change of the workflows came first")

// maxOutrun is how often a change is tried again for that.
const maxOutrun = 5

// change runs f under the lock, if the author may still manage, and, if f says that it changed something, makes
// the new revision in the same transaction. f may run more than once.
func (w *Workflows) change(ctx context.Context, author int64, f func(*store.Tx) (changed bool, err error)) (err error) {
	return w.changeIf(ctx, author, func(ctx context.Context, t *store.Tx) error { return stillManages(ctx, t, author) }, f)
}

// changeIf is change for an author of whom another right is asked.
func (w *Workflows) changeIf(ctx context.Context, author int64, still func(context.Context, *store.Tx) error, f func(*store.Tx) (changed bool, err error)) (err error) {
	for range maxOutrun {
		err = w.tryChange(ctx, author, still, f)
		if !errors.Is(err, errOutrun) {
			break
		}
	}
	return err
}

func (w *Workflows) tryChange(ctx context.Context, author int64, still func(context.Context, *store.Tx) error, f func(*store.Tx) (bool, error)) error {
	return w.store.Write(ctx, func(t *store.Tx) error {
		if err := t.Lock(ctx, lockName); err != nil {
			return fmt.Errorf("lock the workflows: %w", err)
		}
		if err := still(ctx, t); err != nil {
			return err
		}
		before, err := t.Workflows(ctx)
		if err != nil {
			return err
		}
		changed, err := f(t)
		if err != nil || !changed {
			return err
		}
		if err := noLoop(ctx, t, before); err != nil {
			return err
		}
		if err := w.logChanges(ctx, t, author, before); err != nil {
			return err
		}
		if err := w.endWaits(ctx, t, author, before); err != nil {
			return err
		}
		if _, err := t.PublishSet(ctx, author, w.store.Now()); err != nil {
			if postroom.CodeOf(err) == postroom.Conflict {
				return fmt.Errorf("%w: %w", errOutrun, err)
			}
			return fmt.Errorf("publish the workflows: %w", err)
		}
		t.OnCommit(func() {
			w.publish(Key)
			w.wake(desk.WakeSchedule)
		})
		return nil
	})
}
