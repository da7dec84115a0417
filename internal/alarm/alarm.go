// Package alarm keeps the rows that say what is wrong, since when, and what
// to do (W41). Of a kind and a subject at most one is open: raising it again
// counts it, and it clears itself when the cause is gone.
package alarm

import (
	"context"
	"strconv"
	"strings"

	"postroom"
	"postroom/internal/store"
)

// Key is what is published to browsers when alarms change.
const Key = "alarms"

// cleared is how long an alarm that is over is still listed.
const cleared = 7 * 24 * 60 * 60 * 1000

// maxWords bounds the words of an alarm, in bytes: they may quote a server.
const maxWords = 2000

// Alarms raises, clears and lists alarms. It is safe for use by many
// goroutines.
type Alarms struct {
	store   *store.Store
	publish func(key string)
}

// New makes Alarms; publish is called with Key after a commit that changed
// one, and may be nil.
func New(s *store.Store, publish func(key string)) *Alarms {
	if publish == nil {
		publish = func(string) {}
	}
	return &Alarms{store: s, publish: publish}
}

// Raise opens the alarm of a kind about a subject, or counts it again if it
// is open and replaces its words. subject names what it is about and groups:
// "mailbox 12", "workflow 3", or "" for what there is only one of. words say
// what is wrong, in a sentence for people.
func (a *Alarms) Raise(ctx context.Context, kind Kind, subject, words string) error {
	id, err := a.store.NewID(ctx)
	if err != nil {
		return err
	}
	return a.store.Write(ctx, func(t *store.Tx) error { return a.RaiseIn(ctx, t, id, kind, subject, words) })
}

// RaiseIn is Raise within a transaction that has other things to write, with
// an id drawn before it.
func (a *Alarms) RaiseIn(ctx context.Context, t *store.Tx, id int64, kind Kind, subject, words string) error {
	t.OnCommit(func() { a.publish(Key) })
	open, err := t.AlarmOpen(ctx, string(kind), subject)
	if err != nil {
		return err
	}
	if !open {
		if err := t.Log(ctx, store.LogEntry{Level: store.LevelError, Area: store.AreaAlarms, Words: clean(words), Details: kind.Remedy()}); err != nil {
			return err
		}
	}
	return t.RaiseAlarm(ctx, store.Alarm{ID: id, Kind: string(kind), Subject: subject, SinceAt: a.store.Now(),
		Words: clean(words), Remedy: kind.Remedy()})
}

// Clear closes the open alarm of a kind about a subject, because its cause is
// gone. That there is none is no error.
func (a *Alarms) Clear(ctx context.Context, kind Kind, subject string) error {
	// Most calls find nothing to clear; they must not cost a write.
	open, err := a.store.Read().AlarmOpen(ctx, string(kind), subject)
	if err != nil || !open {
		return err
	}
	return a.store.Write(ctx, func(t *store.Tx) error { return a.ClearIn(ctx, t, kind, subject) })
}

// ClearIn is Clear within a transaction.
func (a *Alarms) ClearIn(ctx context.Context, t *store.Tx, kind Kind, subject string) error {
	was, err := t.ClearAlarm(ctx, string(kind), subject, a.store.Now())
	if err != nil || !was {
		return err
	}
	t.OnCommit(func() { a.publish(Key) })
	words := string(kind)
	if subject != "" {
		words += " " + subject
	}
	return t.Log(ctx, store.LogEntry{Area: store.AreaAlarms, Words: "The cause is gone: " + words + "."})
}

// Acknowledge notes that an agent has seen an alarm: it no longer counts in
// the badge and stays listed until its cause is gone. Acknowledging it again
// changes nothing. Only who may manage may do it.
func (a *Alarms) Acknowledge(ctx context.Context, by *postroom.Agent, id int64) error {
	if !postroom.Can(by, postroom.Manage, 0) {
		return postroom.Errorf(postroom.Forbidden, "Only an admin may acknowledge an alarm.")
	}
	return a.store.Write(ctx, func(t *store.Tx) error {
		t.OnCommit(func() { a.publish(Key) })
		if err := t.Log(ctx, store.LogEntry{Area: store.AreaAlarms, AgentID: by.ID, Words: by.Name + " acknowledged an alarm.", Details: "Alarm " + strconv.FormatInt(id, 10)}); err != nil {
			return err
		}
		if err := t.AcknowledgeAlarm(ctx, id, by.ID, a.store.Now()); err != nil {
			return err
		}
		return a.past(ctx, t, id)
	})
}

// past clears an alarm that was acknowledged if what it tells of is over: a
// broken promise was broken, and nothing but knowing of it is left to do.
func (a *Alarms) past(ctx context.Context, t *store.Tx, id int64) error {
	x, err := t.Alarm(ctx, id)
	if postroom.CodeOf(err) == postroom.NotFound || err == nil && Kind(x.Kind) != PromiseBroken {
		return nil
	}
	if err != nil {
		return err
	}
	promise, err := strconv.ParseInt(x.Subject, 10, 64)
	if err != nil {
		return nil
	}
	if err := t.SeeWatches(ctx, promise); err != nil {
		return err
	}
	return a.ClearIn(ctx, t, PromiseBroken, x.Subject)
}

// List returns the open alarms, and those that cleared themselves within the
// last week, open ones first.
func (a *Alarms) List(ctx context.Context) ([]store.Alarm, error) {
	return a.store.Read().Alarms(ctx, a.store.Now()-cleared)
}

// Count returns how many alarms are open and not acknowledged.
func (a *Alarms) Count(ctx context.Context) (int, error) { return a.store.Read().OpenAlarms(ctx) }

// clean makes words one paragraph of bounded length.
func clean(words string) string {
	words = strings.Join(strings.Fields(strings.ToValidUTF8(words, "\uFFFD")), " ")
	words = strings.ReplaceAll(words, "\x00", "")
	if len(words) > maxWords {
		words = strings.ToValidUTF8(words[:maxWords], "") + "…"
	}
	return words
}
