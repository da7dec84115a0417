package app

import (
	"context"
	"log/slog"
	"sync/atomic"
	"testing"
	"time"

	"postroom"
	"postroom/internal/config"
	"postroom/internal/db"
	"postroom/internal/store"
)

// closedDesk opens a desk that is not started, with a clock to move.
func closedDesk(t *testing.T) (*App, *atomic.Int64) {
	t.Helper()
	var now atomic.Int64
	now.Store(time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC).UnixMilli())
	s := &config.Settings{Place: config.Place{Data: t.TempDir()}, HTTP: "127.0.0.1:0", Name: "Test", MaxMail: 50 << 20, MaxUpload: 25 << 20,
		Workers: 1, DBConns: 2, StopTimeout: time.Second}
	a, err := Open(t.Context(), s, Options{Log: slog.New(slog.DiscardHandler), Now: func() time.Time { return time.UnixMilli(now.Load()) }, Unsafe: true})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := a.Stop(context.Background()); err != nil {
			t.Errorf("stop: %v", err)
		}
	})
	return a, &now
}

func TestTheNightlyWorkIsDoneOnceADay(t *testing.T) {
	t.Parallel()
	a, now := closedDesk(t)
	ctx := t.Context()
	night := func() {
		t.Helper()
		if err := a.nightly(ctx); err != nil {
			t.Fatal(err)
		}
	}
	sessions := func() int {
		t.Helper()
		rows, err := a.store.Read().Sessions(ctx, 1, 0)
		if err != nil {
			t.Fatal(err)
		}
		return len(rows)
	}
	expired := func(hash string) {
		t.Helper()
		err := a.store.Write(ctx, func(tx *store.Tx) error {
			return tx.InsertSession(ctx, store.Session{Hash: hash, AgentID: 1, ExpiresAt: 1})
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	err := a.store.Write(ctx, func(tx *store.Tx) error {
		if err := tx.InsertAgent(ctx, &postroom.Agent{ID: 1, Name: "Ann", Email: "ann@desk.example", Role: postroom.Admin}, ""); err != nil {
			return err
		}
		if err := tx.InsertMailbox(ctx, &postroom.Mailbox{ID: 2, Name: "Help", Address: "help@desk.example"}, 1); err != nil {
			return err
		}
		if _, err := tx.FindOrAddCustomer(ctx, 3, postroom.Address{Address: "mara@fernmail.example"}, 1); err != nil {
			return err
		}
		return tx.InsertConversation(ctx, &postroom.Conversation{ID: 4, MailboxID: 2, CustomerID: 3, Status: postroom.Active})
	})
	if err != nil {
		t.Fatal(err)
	}

	err = a.db.Write(ctx, func(tx *db.Tx) error {
		_, err := tx.Exec(ctx, "update folder_count set n = 5")
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	expired("a")
	night()
	if sessions() != 0 {
		t.Error("an expired session is kept")
	}
	if n, err := a.alarms.Count(ctx); err != nil || n != 1 {
		t.Errorf("%d alarms about a wrong count, %v", n, err)
	}
	expired("b")
	night()
	if sessions() != 1 {
		t.Error("the nightly work was done twice a day")
	}
	now.Add((24 * time.Hour).Milliseconds())
	night()
	if sessions() != 0 {
		t.Error("the nightly work was not done the next day")
	}
	if n, err := a.alarms.Count(ctx); err != nil || n != 0 {
		t.Errorf("%d alarms although the counts are right, %v", n, err)
	}
}
