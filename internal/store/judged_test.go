package store_test

import (
	"errors"
	"testing"

	"postroom"
	"postroom/internal/db"
	"postroom/internal/dbtest"
	"postroom/internal/store"
)

// Ending events without waiting for the answer fails the whole transaction, with
// the error that was asked for, where one of them was not pending any more.
func TestEndPendingFailsWithWhatWasUndone(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		s := store.New(d)
		write := func(f func(*store.Tx) error) error { t.Helper(); return s.Write(t.Context(), f) }
		if err := write(func(tx *store.Tx) error {
			for _, err := range []error{tx.InsertMailbox(t.Context(), &postroom.Mailbox{ID: 7, Address: "support@acme.example"}, 1), tx.AddNameless(t.Context(), 8, "Mara", 1),
				tx.InsertConversation(t.Context(), &postroom.Conversation{ID: 9, MailboxID: 7, CustomerID: 8, Status: postroom.Active})} {
				if err != nil {
					return err
				}
			}
			return tx.InsertEvents(t.Context(), []postroom.Event{{ID: 1, ConversationID: 9, Seq: 1, State: postroom.EventPending}, {ID: 2, ConversationID: 9, Seq: 2, State: postroom.EventPending}})
		}); err != nil {
			t.Fatal(err)
		}
		if err := write(func(tx *store.Tx) error { return tx.HideEvent(t.Context(), 2) }); err != nil {
			t.Fatal(err)
		}
		gone := errors.New("gone")
		end := func(ids ...int64) error {
			return write(func(tx *store.Tx) error { return tx.EndPending(t.Context(), ids, gone) })
		}
		if err := end(1, 2); !errors.Is(err, gone) {
			t.Errorf("of an event that was undone: %v", err)
		}
		events, err := s.Read().PendingEvents(t.Context(), 9, 0, 10)
		if err != nil || len(events) != 1 || events[0].ID != 1 {
			t.Fatalf("pending are %v: %v", events, err)
		}
		if err := end(1); err != nil {
			t.Error(err)
		}
		if events, err = s.Read().PendingEvents(t.Context(), 9, 0, 10); err != nil || len(events) != 0 {
			t.Errorf("pending are %v: %v", events, err)
		}
	})
}

// Versions can be asked for by the thousand, as a desk has workflows: SQLite refuses a
// condition of a thousand parts.
func TestVersionsByTheThousand(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		var keys [][2]int64
		err := d.Write(t.Context(), func(tx *db.Tx) error {
			for _, q := range []string{
				`insert into workflow (id, key, name, position, enabled, version) values (1, 'w', 'W', 1, 1, 1)`,
				`insert into workflow_version (workflow_id, number, definition, at)
					with recursive n(i) as (select 1 union all select i + 1 from n where i < 1500) select 1, i, '{}', 0 from n`,
			} {
				if _, err := tx.Exec(t.Context(), q); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		for n := range int64(1500) {
			keys = append(keys, [2]int64{1, n + 101})
		}
		rows, err := store.New(d).Read().SomeVersions(t.Context(), keys)
		if err != nil || len(rows) != 1400 {
			t.Errorf("%d rows, %v", len(rows), err)
		}
	})
}
