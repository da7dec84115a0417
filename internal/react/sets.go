package react

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"sync"

	"postroom"
	"postroom/internal/promise"
	"postroom/internal/store"
	"postroom/internal/workflow"
)

// sets keeps compiled sets of workflows by revision. A revision never changes,
// so nothing kept here can be stale.
type sets struct {
	store *store.Store
	mu    sync.Mutex
	byRev map[int64]*ruleset
	known map[workflow.Identity]*workflow.Version // compiled, of the set loaded last
	timed map[workflow.Identity]*workflow.Version // compiled, that timers wait with; nil for one that cannot be read
}

// ruleset is the set of one revision, as far as it can be read.
type ruleset struct {
	*workflow.Set
	// broken says which workflows that are switched on cannot be read any
	// more, by the event they listen for; "" is for those that do not even
	// tell that. No event they might have been for is judged without them.
	broken map[postroom.EventKind]error
	// promises are those that are watched since this revision.
	promises *promise.Set
}

// quiet reports whether no workflow and no promise listens for a kind of event.
func (s *ruleset) quiet(kind postroom.EventKind) bool {
	return s.fault(kind) == nil && len(s.On(kind)) == 0 && !s.promises.Listens(kind)
}

// fault says why events of a kind cannot be judged by this set.
func (s *ruleset) fault(kind postroom.EventKind) error {
	if err := s.broken[kind]; err != nil {
		return err
	}
	return s.broken[""]
}

// maxSets is how many revisions are kept; events still waiting rarely span
// more.
const maxSets = 8

func newSets(s *store.Store) *sets {
	return &sets{store: s, byRev: map[int64]*ruleset{}, known: map[workflow.Identity]*workflow.Version{}, timed: map[workflow.Identity]*workflow.Version{}}
}

// get returns the set of a revision; 0 is the empty set.
func (s *sets) get(ctx context.Context, revision int64) (*ruleset, error) {
	s.mu.Lock()
	set, known := s.byRev[revision], s.known
	s.mu.Unlock()
	if set != nil {
		return set, nil
	}
	set, known, err := s.load(ctx, revision, known)
	if err != nil || len(set.broken) > 0 {
		return set, err // looked at again when it is asked for again
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.byRev) >= maxSets {
		clear(s.byRev)
	}
	s.byRev[revision], s.known = set, known
	return set, nil
}

// load reads and compiles the workflows of a revision. Versions never change:
// those compiled before are taken as they are.
func (s *sets) load(ctx context.Context, revision int64, known map[workflow.Identity]*workflow.Version) (*ruleset, map[workflow.Identity]*workflow.Version, error) {
	out := &ruleset{broken: map[postroom.EventKind]error{}}
	used := map[workflow.Identity]*workflow.Version{}
	var rows []store.SetEntry
	if revision != 0 {
		var err error
		if rows, err = s.store.Read().Set(ctx, revision); err != nil {
			return nil, nil, err
		}
	}
	var entries []workflow.Entry
	for _, row := range rows {
		state := workflow.Enabled
		switch {
		case row.Paused != "":
			state = workflow.OnHold
		case !row.Enabled:
			state = workflow.SwitchedOff
		}
		id := workflow.Identity{WorkflowID: row.ID, Number: row.Version, Name: row.Name, MailboxID: row.MailboxID}
		version := known[id]
		if version == nil {
			stored, err := s.store.Read().Version(ctx, row.ID, row.Version)
			if err != nil && postroom.CodeOf(err) != postroom.NotFound {
				return nil, nil, err
			}
			var kind postroom.EventKind
			if err == nil {
				version, kind, err = compile(stored.Definition, id)
			}
			if err != nil {
				if state == workflow.Enabled {
					out.broken[kind] = fmt.Errorf("version %d of the workflow %q cannot be read: %w", row.Version, row.Name, err)
				}
				continue
			}
		}
		used[id] = version
		entries = append(entries, workflow.Entry{Version: version, State: state})
	}
	out.Set = workflow.NewSet(revision, entries)
	if revision != 0 {
		var err error
		if out.promises, err = s.loadPromises(ctx); err != nil {
			return nil, nil, err
		}
	}
	return out, used, nil
}

// compile makes a stored definition fit for judging. When it fails, kind is
// the event it was for, "" if not even that can be read.
func compile(stored string, id workflow.Identity) (v *workflow.Version, kind postroom.EventKind, err error) {
	def, err := workflow.Decode([]byte(stored))
	if err == nil {
		v, err = workflow.Compile(def, id)
		return v, def.When.Event, err
	}
	var rough struct {
		When struct{ Event postroom.EventKind }
	}
	if json.Unmarshal([]byte(stored), &rough) == nil && slices.Contains(workflow.Events(), rough.When.Event) {
		kind = rough.When.Event
	}
	return nil, kind, err
}
