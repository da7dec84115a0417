package desktest_test

import (
	"fmt"
	"slices"
	"testing"

	"postroom/internal/desktest"
	"postroom/internal/store"
)

// Mails that arrive together are filed together, and yet as if one by one: an
// answer finds the mail right before it, a copy is a duplicate, mails of one new
// customer make one customer, and conversations are numbered without a gap.
func TestMailsFiledTogetherAreFiledInOrder(t *testing.T) {
	t.Parallel()
	desktest.Each(t, func(t *testing.T, d *desktest.Desk) {
		first := d.CustomerWrites("Ann Lee <lee@customer.example>", "Before", "Hello.")
		mail := func(from, id, cites string) string {
			if cites != "" {
				cites = "In-Reply-To: <" + cites + "@customer.example>\n"
			}
			return fmt.Sprintf("From: %s\nTo: support@acme.example\nSubject: Matter\nMessage-ID: <%s@customer.example>\n%s\nIt is broken.\n", from, id, cites)
		}
		const mara, bo = "Mara <mara@customer.example>", "Bo <bo@customer.example>"
		again := mail(bo, "b", "")
		for _, raw := range []string{
			mail(mara, "a", ""), again, mail(mara, "c", ""), again,
			mail(mara, "answer", "a"), mail(bo, "deep", "answer"), mail(bo, "early", "late"), mail(mara, "late", ""), mail(bo, "d", ""),
		} {
			d.Accept("x@customer.example", []string{"support@acme.example"}, raw)
		}
		d.Settle()
		in := d.Inbounds()[1:]
		var states []string
		var numbers []int64
		for _, i := range in {
			states = append(states, i.State)
			numbers = append(numbers, d.Conversation(i.ConversationID).Number-first.Number)
		}
		if want := []string{"done", "done", "done", store.InboundDuplicate, "done", "done", "done", "done", "done"}; !slices.Equal(states, want) {
			t.Errorf("they were filed as %v", states)
		}
		if want := []int64{1, 2, 3, 2, 1, 1, 4, 4, 5}; !slices.Equal(numbers, want) {
			t.Errorf("conversations %v, want %v", numbers, want)
		}
		if a, c := d.Conversation(in[0].ConversationID), d.Conversation(in[2].ConversationID); a.CustomerID != c.CustomerID || a.CustomerID == 0 {
			t.Errorf("one writer is the customers %d and %d", a.CustomerID, c.CustomerID)
		}
		var seqs []int64
		for _, m := range d.Messages(in[0].ConversationID) {
			seqs = append(seqs, m.InboundID)
		}
		if want := []int64{in[0].ID, in[4].ID, in[5].ID}; !slices.Equal(seqs, want) {
			t.Errorf("messages of mails %v, want %v", seqs, want)
		}
	})
}
