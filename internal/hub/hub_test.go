package hub_test

import (
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"

	"go.uber.org/goleak"

	"postroom/internal/hub"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestKeysAreGatheredOnceEach(t *testing.T) {
	t.Parallel()
	var forwarded []string
	h := hub.New(func(keys []string) { forwarded = append(forwarded, keys...) })
	defer h.Close()
	mine := h.Subscribe(func(k string) bool { return strings.HasPrefix(k, "conversation ") })
	defer mine.Close()
	for range 1000 {
		h.Publish("conversation 2", "counts", "conversation 1")
	}
	h.Deliver("conversation 3")
	<-mine.Ready()
	keys, all := mine.Take()
	if want := []string{"conversation 1", "conversation 2", "conversation 3"}; !slices.Equal(keys, want) || all {
		t.Errorf("took %q, all %v", keys, all)
	}
	if keys, all := mine.Take(); len(keys) != 0 || all {
		t.Errorf("took again %q, all %v", keys, all)
	}
	if len(forwarded) != 3000 || slices.Contains(forwarded, "conversation 3") {
		t.Errorf("%d keys were forwarded", len(forwarded))
	}
	select {
	case <-mine.Ready():
		t.Error("ready with nothing to take")
	default:
	}
	h.Publish("alarms")
	select {
	case <-mine.Ready():
		t.Error("ready for a key nobody wants")
	default:
	}
}

func TestTooManyKeysBecomeEverything(t *testing.T) {
	t.Parallel()
	h := hub.New(nil)
	s := h.Subscribe(nil)
	for i := range 10_000 {
		h.Publish(fmt.Sprint("conversation ", i))
	}
	<-s.Ready()
	if keys, all := s.Take(); len(keys) != 0 || !all {
		t.Errorf("took %d keys, all %v", len(keys), all)
	}
	h.Publish("counts")
	<-s.Ready()
	if keys, all := s.Take(); !slices.Equal(keys, []string{"counts"}) || all {
		t.Errorf("afterwards %q, all %v", keys, all)
	}
	h.DeliverAll()
	<-s.Ready()
	if _, all := s.Take(); !all {
		t.Error("a loss was not told")
	}
}

func TestCloseEndsSubscribers(t *testing.T) {
	t.Parallel()
	h := hub.New(nil)
	a, b := h.Subscribe(nil), h.Subscribe(nil)
	a.Close()
	a.Close()
	<-a.Done()
	if h.Subscribers() != 1 {
		t.Errorf("%d subscribers", h.Subscribers())
	}
	h.Close()
	h.Close()
	<-b.Done()
	b.Close()
	late := h.Subscribe(nil)
	<-late.Done()
	h.Publish("counts")
	if keys, all := late.Take(); len(keys) != 0 || all {
		t.Error("a closed hub delivers")
	}
}

func TestNoKeyIsLostBetweenTakes(t *testing.T) {
	t.Parallel()
	h := hub.New(nil)
	defer h.Close()
	s := h.Subscribe(nil)
	const publishers, each = 4, 2000
	var publishing sync.WaitGroup
	for p := range publishers {
		publishing.Go(func() {
			for i := range each {
				h.Publish(fmt.Sprintf("%d %d", p, i))
				if i%50 == 0 {
					other := h.Subscribe(nil)
					other.Close()
				}
			}
			h.Publish(fmt.Sprintf("last %d", p))
		})
	}
	last := map[string]bool{}
	for len(last) < publishers {
		<-s.Ready()
		keys, all := s.Take()
		if all { // what was lost has to be read anew: so are the ends
			publishing.Wait()
			return
		}
		for _, k := range keys {
			if strings.HasPrefix(k, "last") {
				last[k] = true
			}
		}
	}
	publishing.Wait()
}
