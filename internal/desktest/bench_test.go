package desktest_test

import (
	"fmt"
	"sync/atomic"
	"testing"

	"postroom"
	"postroom/internal/db"
	"postroom/internal/dbtest"
	"postroom/internal/desk"
	"postroom/internal/desktest"
)

// BenchmarkSendAndClose measures the transaction of Send & Close under full
// durability: one agent, and eight at once on conversations of their own.
func BenchmarkSendAndClose(b *testing.B) {
	for _, e := range []db.Engine{db.SQLite, db.Postgres} {
		for _, agents := range []int{1, 8} {
			b.Run(fmt.Sprintf("%s/agents=%d", e, agents), func(b *testing.B) { sendAndClose(b, e, agents) })
		}
	}
}

func sendAndClose(b *testing.B, e db.Engine, agents int) {
	clock := &desktest.Clock{}
	clock.Set(1772442000000)
	d := desktest.On(b, clock, dbtest.Options{Now: clock.Now}.Open(b, e))
	d.ChangeMailbox(d.Mailbox, func(m *postroom.Mailbox) { m.UndoMS = 10_000 })
	var field []*postroom.Conversation
	for i := range agents {
		field = append(field, d.CustomerWrites(fmt.Sprintf("c%d@customer.example", i), "Lamp", "Broken."))
	}
	ann := d.Agent("ann").Agent
	var next atomic.Int64
	b.SetParallelism(agents)
	b.ResetTimer()
	b.RunParallel(func(pb *testing.PB) {
		c := field[int(next.Add(1)-1)%len(field)]
		status := postroom.Closed
		for pb.Next() {
			_, err := d.Desk.Publish(b.Context(), ann, desk.Publish{ConversationID: c.ID, Kind: postroom.Reply,
				HTML: "<p>Your lamp is on its way.</p>", Status: status, Path: postroom.PathSend})
			if err != nil {
				b.Error(err)
				return
			}
			if status == postroom.Closed { // so that each time something changes
				status = postroom.Active
			} else {
				status = postroom.Closed
			}
		}
	})
}
