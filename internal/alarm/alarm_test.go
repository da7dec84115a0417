package alarm_test

import (
	"errors"
	"os"
	"regexp"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"postroom"
	"postroom/internal/alarm"
	"postroom/internal/db"
	"postroom/internal/dbtest"
	"postroom/internal/store"
)

func TestMain(m *testing.M) { dbtest.Main(m) }

func each(t *testing.T, f func(t *testing.T, a *alarm.Alarms, s *store.Store, now *atomic.Int64, published *atomic.Int32)) {
	t.Helper()
	for _, e := range []db.Engine{db.SQLite, db.Postgres} {
		t.Run(string(e), func(t *testing.T) {
			t.Parallel()
			var now atomic.Int64
			var published atomic.Int32
			now.Store(1_790_000_000_000)
			s := store.New(dbtest.Options{Now: func() time.Time { return time.UnixMilli(now.Load()) }}.Open(t, e))
			f(t, alarm.New(s, func(string) { published.Add(1) }), s, &now, &published)
		})
	}
}

// What is wrong is one row for as long as it is (W41).
func TestOneOpenAlarmPerKindAndSubject(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, a *alarm.Alarms, _ *store.Store, now *atomic.Int64, published *atomic.Int32) {
		ctx, began := t.Context(), now.Load()
		for _, words := range []string{"535 wrong password", "535 still\r\nwrong"} {
			if err := a.Raise(ctx, alarm.ChannelPaused, "mailbox 1", words); err != nil {
				t.Fatal(err)
			}
			now.Add(60_000)
		}
		if err := a.Raise(ctx, alarm.ChannelPaused, "mailbox 2", "unreachable"); err != nil {
			t.Fatal(err)
		}
		list, err := a.List(ctx)
		if err != nil || len(list) != 2 {
			t.Fatalf("%d alarms, %v", len(list), err)
		}
		got := list[1]
		if got.Subject != "mailbox 1" || got.N != 2 || got.SinceAt != began || got.LastAt != began+60_000 || got.Words != "535 still wrong" || got.Remedy != alarm.ChannelPaused.Remedy() {
			t.Errorf("grouped alarm: %+v", got)
		}
		if n, err := a.Count(ctx); err != nil || n != 2 {
			t.Errorf("badge %d, %v", n, err)
		}
		if published.Load() != 3 {
			t.Errorf("published %d times", published.Load())
		}
	})
}

// An alarm goes away when its cause is gone (W41).
func TestClearedAlarmsGoAway(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, a *alarm.Alarms, _ *store.Store, now *atomic.Int64, published *atomic.Int32) {
		ctx := t.Context()
		if err := a.Raise(ctx, alarm.DiskFull, "", "no space"); err != nil {
			t.Fatal(err)
		}
		if err := errors.Join(a.Clear(ctx, alarm.DiskFull, ""), a.Clear(ctx, alarm.DiskFull, ""), a.Clear(ctx, alarm.Database, "")); err != nil {
			t.Fatal(err)
		}
		if published.Load() != 2 {
			t.Errorf("published %d times: what changes nothing was published", published.Load())
		}
		if n, err := a.Count(ctx); err != nil || n != 0 {
			t.Errorf("badge %d, %v", n, err)
		}
		if list, err := a.List(ctx); err != nil || len(list) != 1 || list[0].ClearedAt == 0 {
			t.Errorf("a cleared alarm is not listed: %+v, %v", list, err)
		}
		if err := a.Raise(ctx, alarm.DiskFull, "", "no space again"); err != nil {
			t.Fatal(err)
		}
		if list, err := a.List(ctx); err != nil || len(list) != 2 || list[0].ClearedAt != 0 {
			t.Errorf("raised again: %+v, %v", list, err)
		}
		now.Add(8 * 24 * 60 * 60 * 1000)
		if list, err := a.List(ctx); err != nil || len(list) != 1 {
			t.Errorf("after a week: %+v, %v", list, err)
		}
	})
}

func TestAcknowledge(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, a *alarm.Alarms, _ *store.Store, _ *atomic.Int64, _ *atomic.Int32) {
		ctx := t.Context()
		if err := a.Raise(ctx, alarm.MailLost, "mail 7", "forgotten"); err != nil {
			t.Fatal(err)
		}
		list, err := a.List(ctx)
		if err != nil {
			t.Fatal(err)
		}
		id := list[0].ID
		if err := a.Acknowledge(ctx, &postroom.Agent{ID: 2, Role: postroom.Member}, id); postroom.CodeOf(err) != postroom.Forbidden {
			t.Errorf("a member acknowledged: %v", err)
		}
		if err := a.Acknowledge(ctx, &postroom.Agent{ID: 3, Role: postroom.Admin}, id); err != nil {
			t.Fatal(err)
		}
		if n, err := a.Count(ctx); err != nil || n != 0 {
			t.Errorf("badge %d, %v", n, err)
		}
		if list, err = a.List(ctx); err != nil || len(list) != 1 || list[0].AcknowledgedBy != 3 || list[0].ClearedAt != 0 {
			t.Errorf("acknowledged: %+v, %v", list, err)
		}
	})
}

// Every kind says what to do (W41).
func TestEveryKindHasWords(t *testing.T) {
	t.Parallel()
	seen := map[string]alarm.Kind{}
	for _, k := range alarm.Kinds() {
		if k.Title() == string(k) || k.Remedy() == alarm.Kind("").Remedy() || !strings.HasSuffix(k.Remedy(), ".") {
			t.Errorf("%s: title %q, remedy %q", k, k.Title(), k.Remedy())
		}
		if other, twice := seen[k.Title()]; twice {
			t.Errorf("%s and %s have one title", k, other)
		}
		seen[k.Title()] = k
	}
}

// TestKindsHaveNames: every kind has a short title of its own and a remedy of
// its own, and is listed, so that the log can be filtered by it.
func TestKindsHaveNames(t *testing.T) {
	t.Parallel()
	source, err := os.ReadFile("kind.go")
	if err != nil {
		t.Fatal(err)
	}
	declared := regexp.MustCompile(`(?m)^\t\w+ +Kind = "([^"]+)"`).FindAllStringSubmatch(string(source), -1)
	if len(declared) < 10 {
		t.Fatalf("only %d kinds were found", len(declared))
	}
	for _, m := range declared {
		if !slices.Contains(alarm.Kinds(), alarm.Kind(m[1])) {
			t.Errorf("%s is not listed", m[1])
		}
	}
	said := map[string]alarm.Kind{}
	for _, k := range alarm.Kinds() {
		title, remedy := k.Title(), k.Remedy()
		if title == string(k) || len(title) > 60 || strings.HasSuffix(title, ".") || title == remedy {
			t.Errorf("the title of %s is %q", k, title)
		}
		if !strings.HasSuffix(remedy, ".") || remedy == "Look at the system log." {
			t.Errorf("the remedy of %s is %q", k, remedy)
		}
		if other, twice := said[title]; twice {
			t.Errorf("%s and %s are both called %q", k, other, title)
		}
		said[title] = k
	}
}
