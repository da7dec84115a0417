package store

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"

	"postroom"
)

const (
	qListening = `select v.definition from workflow w join workflow_version v on v.workflow_id = w.id and v.number = w.version
		where w.enabled = 1 and w.deleted_at = 0
		union select v.definition from workflow_version v where exists
			(select 1 from timer x where x.workflow_id = v.workflow_id and x.version = v.number and x.state = 'waiting')
		union select v.definition from promise p join promise_version v on v.promise_id = p.id and v.number = p.version
		where p.enabled = 1 and p.deleted_at = 0`
	qForgetListened = `delete from listened_kind`
	qInsertListened = `insert into listened_kind (kind) values ($1) on conflict (kind) do nothing`
	// The update changes nothing: it holds the row until the timer is there, so
	// that a set that is published meanwhile waits, and finds that.
	qAlsoListen = `insert into listened_kind (kind) values ($1) on conflict (kind) do update set kind = excluded.kind`
	qListened   = `select kind from listened_kind`
)

// Listened returns the kinds of events that workflows which are switched on
// listen for, those a When waits for or is called off by included; and those
// that can end a timer that waits with an older version; and those that begin a
// promise.
func (r Read) Listened(ctx context.Context) ([]postroom.EventKind, error) {
	var out []postroom.EventKind
	err := each(ctx, r.q, qListened, nil, func(rows row) error {
		var k postroom.EventKind
		err := rows.Scan(&k)
		out = append(out, k)
		return err
	})
	return out, err
}

// AlsoListen has events of some kinds listened for from now on, by what waits with
// a version that may not be the published one: of that the latest set knew
// nothing. The next set finds the timer by itself.
func (t *Tx) AlsoListen(ctx context.Context, kinds []postroom.EventKind) error {
	kinds = slices.Clone(kinds)
	slices.Sort(kinds) // of two who hold several each, one waits
	for _, k := range slices.Compact(kinds) {
		if err := t.send(ctx, qAlsoListen, k); err != nil {
			return err
		}
	}
	return nil
}

// saveListened stores which kinds of events the workflows listen for as they
// stand now. It forgets before it looks: who is about to wait for one of these
// kinds is waited for, and seen.
func (t *Tx) saveListened(ctx context.Context) error {
	if _, err := t.exec(ctx, qForgetListened); err != nil {
		return err
	}
	var kinds []string
	err := each(ctx, t.q, qListening, nil, func(rows row) error {
		var definition string
		if err := rows.Scan(&definition); err != nil {
			return err
		}
		kinds = append(kinds, eventsIn(definition)...)
		return nil
	})
	if err != nil {
		return fmt.Errorf("read what workflows listen for: %w", err)
	}
	slices.Sort(kinds)
	for _, k := range slices.Compact(kinds) {
		if _, err := t.exec(ctx, qInsertListened, k); err != nil {
			return err
		}
	}
	return nil
}

// eventsIn finds the kinds of events named anywhere in the When and the waits of a
// definition.
// One that cannot be read names none: it judges nothing either.
func eventsIn(definition string) []string {
	var d struct {
		When any `json:"when"`
		Then any `json:"then"` // of its waits
	}
	if json.Unmarshal([]byte(definition), &d) != nil {
		return nil
	}
	var out []string
	var walk func(any)
	walk = func(x any) {
		switch x := x.(type) {
		case map[string]any:
			for key, value := range x {
				if kind, is := value.(string); is && key == "event" && kind != "" {
					out = append(out, kind)
				} else {
					walk(value)
				}
			}
		case []any:
			for _, value := range x {
				walk(value)
			}
		}
	}
	walk(d.When)
	walk(d.Then)
	return out
}
