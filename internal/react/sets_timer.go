package react

import (
	"context"
	"fmt"

	"postroom"
	"postroom/internal/workflow"
)

// maxTimed is how many versions are kept that timers wait with.
const maxTimed = 2000

// on returns the set that judges an event: one that is for one workflow alone, as
// a timer's being due or a start by hand, is judged by the version that it names.
func (s *sets) on(ctx context.Context, revision int64, e *postroom.Event) (*ruleset, error) {
	set, err := s.get(ctx, revision)
	if err != nil || !workflow.OwnEvent(e.Kind) {
		return set, err
	}
	v, err := s.version(ctx, set, e.Payload.WorkflowID, e.Payload.Number)
	if err != nil {
		return nil, err
	}
	if v == nil {
		return nil, fmt.Errorf("version %d of workflow %d, which it is for, cannot be read", e.Payload.Number, e.Payload.WorkflowID)
	}
	return &ruleset{Set: set.Own(e, v), promises: set.promises}, nil
}

// entry finds a workflow in the set.
func (s *ruleset) entry(id int64) (workflow.Entry, bool) {
	return s.Find(id)
}

// version returns a version of a workflow, published now or not, under the name
// and for the mailbox that the workflow has in the set; nil if it is not there
// or cannot be read.
func (s *sets) version(ctx context.Context, set *ruleset, id int64, number int) (*workflow.Version, error) {
	who := workflow.Identity{WorkflowID: id, Number: number}
	if en, ok := set.entry(id); ok {
		if en.Version.Number == number {
			return en.Version, nil
		}
		who.Name, who.MailboxID = en.Version.Name, en.Version.MailboxID
	}
	s.mu.Lock()
	v, ok := s.timed[who]
	s.mu.Unlock()
	if ok {
		return v, nil
	}
	stored, err := s.store.Read().Version(ctx, id, number)
	if err != nil && postroom.CodeOf(err) != postroom.NotFound {
		return nil, err
	}
	if err == nil {
		v, _, _ = compile(stored.Definition, who)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.timed) >= maxTimed {
		clear(s.timed)
	}
	s.timed[who] = v
	return v, nil
}

// ending lists the kinds of events that can end one of the timers.
func (s *sets) ending(ctx context.Context, set *ruleset, waiting []postroom.Timer) (map[postroom.EventKind]bool, error) {
	if len(waiting) == 0 {
		return nil, nil
	}
	out := map[postroom.EventKind]bool{}
	for _, x := range waiting {
		v, err := s.version(ctx, set, x.WorkflowID, x.Version)
		if err != nil {
			return nil, err
		}
		if v == nil {
			continue
		}
		for _, kind := range v.LegEndedBy(x.Leg) {
			out[kind] = true
		}
	}
	return out, nil
}
