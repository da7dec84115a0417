package react

import (
	"context"
	"sync"

	"postroom/internal/store"
	"postroom/internal/workflow"
)

// sets keeps compiled sets of workflows by revision. A revision never changes,
// so nothing kept here can be stale.
type sets struct {
	store *store.Store
	mu    sync.Mutex
	byRev map[int64]*workflow.Set
}

// maxSets is how many revisions are kept; events still waiting rarely span
// more.
const maxSets = 8

func newSets(s *store.Store) *sets { return &sets{store: s, byRev: map[int64]*workflow.Set{}} }

// get returns the set of a revision; 0 is the empty set.
func (s *sets) get(ctx context.Context, revision int64) (*workflow.Set, error) {
	s.mu.Lock()
	set := s.byRev[revision]
	s.mu.Unlock()
	if set != nil {
		return set, nil
	}
	set, err := LoadSet(ctx, s.store, revision)
	if err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.byRev) >= maxSets {
		clear(s.byRev)
	}
	s.byRev[revision] = set
	return set, nil
}

// LoadSet reads and compiles the workflows of a revision.
func LoadSet(ctx context.Context, s *store.Store, revision int64) (*workflow.Set, error) {
	if revision == 0 {
		return workflow.NewSet(0, nil), nil
	}
	rows, err := s.Read().Set(ctx, revision)
	if err != nil {
		return nil, err
	}
	var entries []workflow.Entry
	for _, row := range rows {
		v, err := s.Read().Version(ctx, row.ID, row.Version)
		if err != nil {
			return nil, err
		}
		def, err := workflow.Decode([]byte(v.Definition))
		if err != nil {
			return nil, err
		}
		version, err := workflow.Compile(def, workflow.Identity{WorkflowID: row.ID, Number: row.Version, Name: row.Name, MailboxID: row.MailboxID})
		if err != nil {
			return nil, err
		}
		state := workflow.Enabled
		switch {
		case row.Paused != "":
			state = workflow.OnHold
		case !row.Enabled:
			state = workflow.SwitchedOff
		}
		entries = append(entries, workflow.Entry{Version: version, State: state})
	}
	return workflow.NewSet(revision, entries), nil
}
