// Package hub tells live pages, within the process, that something changed. It
// carries keys ("conversation 123", "counts"), never contents: who hears a key
// reads the thing anew, as far as they may.
//
// Nothing is ever waited for. A subscriber that is slow hears each key once
// however often it was published, and when too many different ones gather,
// that everything may have changed.
package hub

import (
	"maps"
	"slices"
	"sync"
)

// pendingKeys is how many different keys may wait for one subscriber.
const pendingKeys = 256

// Hub passes keys from publishers to subscribers.
type Hub struct {
	forward func(keys []string)

	mu     sync.RWMutex
	subs   map[*Subscription]struct{}
	closed bool
}

// New makes a hub. forward, if not nil, is told what is published here, to
// pass it to other processes; it must not wait.
func New(forward func(keys []string)) *Hub {
	return &Hub{forward: forward, subs: map[*Subscription]struct{}{}}
}

// Publish tells the subscribers of this process, and forward, that the things
// with these keys changed. Call it after the commit.
func (h *Hub) Publish(keys ...string) {
	if len(keys) == 0 {
		return
	}
	h.Deliver(keys...)
	if h.forward != nil {
		h.forward(keys)
	}
}

// Deliver tells the subscribers of this process only: it is for what came
// from another one.
func (h *Hub) Deliver(keys ...string) {
	h.mu.RLock()
	defer h.mu.RUnlock()
	for s := range h.subs {
		s.add(keys)
	}
}

// DeliverAll tells the subscribers of this process that anything may have
// changed: after a time in which keys from others may have been lost.
func (h *Hub) DeliverAll() {
	h.mu.RLock()
	defer h.mu.RUnlock()
	for s := range h.subs {
		s.addAll()
	}
}

// Subscribe begins to gather the keys that want accepts; nil accepts all.
// want is called by the publishers: it must be quick and must not use the
// hub. The subscription must be closed.
func (h *Hub) Subscribe(want func(key string) bool) *Subscription {
	s := &Subscription{hub: h, want: want, ready: make(chan struct{}, 1), done: make(chan struct{}), keys: map[string]struct{}{}}
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.closed {
		close(s.done)
		return s
	}
	h.subs[s] = struct{}{}
	return s
}

// Subscribers returns how many there are.
func (h *Hub) Subscribers() int {
	h.mu.RLock()
	defer h.mu.RUnlock()
	return len(h.subs)
}

// Close ends all subscriptions and refuses new ones. Closing again does
// nothing.
func (h *Hub) Close() {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.closed = true
	for s := range h.subs {
		close(s.done)
	}
	clear(h.subs)
}

// Subscription gathers keys for one subscriber.
type Subscription struct {
	hub   *Hub
	want  func(string) bool
	ready chan struct{}
	done  chan struct{}

	mu   sync.Mutex
	keys map[string]struct{}
	all  bool
}

// Ready receives when there is something to Take.
func (s *Subscription) Ready() <-chan struct{} { return s.ready }

// Done is closed when the subscription or the hub is.
func (s *Subscription) Done() <-chan struct{} { return s.done }

// Take returns the keys gathered since the last Take, each once and in
// alphabetical order. all says that there were too many to keep, or that some
// may have been lost: everything has to be read anew, and keys is empty.
func (s *Subscription) Take() (keys []string, all bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	keys, all = slices.Sorted(maps.Keys(s.keys)), s.all
	clear(s.keys)
	s.all = false
	return keys, all
}

// Close ends the subscription. Closing again does nothing.
func (s *Subscription) Close() {
	s.hub.mu.Lock()
	defer s.hub.mu.Unlock()
	if _, ok := s.hub.subs[s]; ok {
		delete(s.hub.subs, s)
		close(s.done)
	}
}

func (s *Subscription) add(keys []string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.all {
		return // and Ready has been told
	}
	added := false
	for _, k := range keys {
		if s.want != nil && !s.want(k) {
			continue
		}
		if len(s.keys) >= pendingKeys {
			clear(s.keys)
			s.all = true
			break
		}
		s.keys[k] = struct{}{}
		added = true
	}
	if added || s.all {
		s.signal()
	}
}

func (s *Subscription) addAll() {
	s.mu.Lock()
	defer s.mu.Unlock()
	clear(s.keys)
	s.all = true
	s.signal()
}

func (s *Subscription) signal() {
	select {
	case s.ready <- struct{}{}:
	default:
	}
}
