package outbox

import (
	"testing"
	"time"

	"postroom/internal/store"
)

// TestPace follows a channel through answers that ask for less and mails that
// are taken.
func TestPace(t *testing.T) {
	t.Parallel()
	now := int64(1_000_000)
	at := func(d time.Duration) int64 { return now + d.Milliseconds() }
	c := slower(store.ChannelState{}, "slow down", now)
	if c.SlowSince != now || c.PaceMS != 10_000 || c.NextAt != at(10*time.Second) || c.SlowWords != "slow down" {
		t.Fatalf("at first: %+v", c)
	}
	if again := slower(c, "slow down", at(100*time.Millisecond)); again.PaceMS != c.PaceMS {
		t.Errorf("two answers at once count twice: %+v", again)
	}
	c = slower(c, "still too fast", at(10*time.Second))
	if c.PaceMS != 20_000 || c.SlowSince != now || c.NextAt != at(30*time.Second) {
		t.Errorf("the second time: %+v", c)
	}
	for i := range 20 {
		c = slower(c, "no", c.NextAt)
		if c.PaceMS > mostPace.Milliseconds() || c.SlowUntil <= c.NextAt {
			t.Fatalf("answer %d: %+v", i, c)
		}
	}
	taken := 0
	for c.SlowSince != 0 {
		c = faster(c, c.NextAt)
		taken++
	}
	if c.PaceMS != 0 || c.SlowWords != "" || taken < 8 || taken > 10 {
		t.Errorf("open after %d mails: %+v", taken, c)
	}
	old := slower(store.ChannelState{SlowSince: 1, SlowUntil: now, PaceMS: mostPace.Milliseconds()}, "again", now+1)
	if old.PaceMS != firstPace.Milliseconds() || old.SlowSince != now+1 {
		t.Errorf("long after the last time: %+v", old)
	}
}
