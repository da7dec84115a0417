package sandbox

import (
	"testing"
	"time"

	"postroom"
	"postroom/internal/desktest"
	"postroom/internal/web"
)

// A conversation that was merged brings along what it goes on as, by every
// detour and even if that lies among the deleted ones; an answer to its mail
// comes there, and what is merged in the copy is not merged on the desk.
func TestMergedIsCopiedWhole(t *testing.T) {
	t.Parallel()
	desktest.Each(t, func(t *testing.T, d *desktest.Desk) {
		a := warned(d)
		b := d.CustomerWrites("Mara Lind <mara@lind.example>", "The lamp again", "Still dark.")
		c := d.CustomerWrites("Mara Lind <mara@lind.example>", "And again", "Dark as ever.")
		d.Settle()
		ann := d.Agent("ann").Agent
		merge := func(from, into *postroom.Conversation) {
			if _, err := d.Desk.Merge(t.Context(), ann, from.ID, into.ID, postroom.PathMenu); err != nil {
				t.Fatal(err)
			}
			d.Settle()
		}
		merge(a, b)
		s := made(t, d, web.SandboxAsk{Numbers: []int64{a.Number, c.Number}})
		h := entered(t, s)
		skipped(t, h, time.Minute)
		read := h.rooms.Store.Read()
		mails, err := customers{h}.Mails(t.Context(), "mara@lind.example")
		if err != nil || len(mails) == 0 {
			t.Fatalf("%+v, %v", mails, err)
		}
		if err := (customers{h}).Answer(t.Context(), "mara@lind.example", web.DemoAnswer{Mail: mails[0].N, Text: "It shines."}); err != nil {
			t.Fatal(err)
		}
		skipped(t, h, time.Minute)
		got, err := read.Conversation(t.Context(), b.ID)
		if err != nil || got.Received != 3 || got.Replies != 1 {
			t.Fatalf("what it goes on as: %+v, %v", got, err)
		}
		if _, err := h.rooms.Desk.Merge(t.Context(), ann, b.ID, c.ID, postroom.PathMenu); err != nil {
			t.Fatal(err)
		}
		if id, err := read.Standing(t.Context(), a.ID); err != nil || id != c.ID {
			t.Errorf("in the copy it goes on as %d, %v", id, err)
		}
		if now := d.Conversation(b.ID); now.MergedInto != 0 || now.Received != 2 {
			t.Errorf("on the desk: %+v", now)
		}

		merge(b, c)
		if _, err := d.Desk.Delete(t.Context(), ann, c.ID, postroom.PathMenu); err != nil {
			t.Fatal(err)
		}
		d.Settle()
		begin(t, d, s, web.SandboxAsk{Numbers: []int64{a.Number}})
		h = entered(t, s)
		if gone, err := h.rooms.Store.Read().StandingConversation(t.Context(), a.ID); err != nil || gone.ID != c.ID || gone.DeletedAt == 0 {
			t.Errorf("what it goes on as, which is deleted: %+v, %v", gone, err)
		}
	})
}
