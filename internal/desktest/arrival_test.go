package desktest_test

import (
	"strings"
	"testing"

	. "postroom/internal/desktest"
	"postroom/internal/store"
	"postroom/internal/workflow"
)

// TestThreadingNeedsNoOrderOfArrival files mails that two processes took in:
// the ids of the one are smaller, although its mails came later. Whatever the
// order, they become one conversation, acknowledged once.
func TestThreadingNeedsNoOrderOfArrival(t *testing.T) {
	t.Parallel()
	Each(t, func(t *testing.T, d *Desk) {
		d.Shipped(workflow.KeyAcknowledge)
		for n, order := range [][]int{{0, 1, 2}, {1, 2, 0}, {2, 1, 0}, {2, 0, 1}} {
			at := func(i int) string { return string(rune('a'+n)) + "-" + string(rune('0'+i)) + "@customer.example" }
			who := "mara" + string(rune('a'+n)) + "@customer.example"
			ids, err := d.Store.NewIDs(d.Ctx, 3)
			d.Must(err)
			d.Write(func(tx *store.Tx) error {
				for i := range 3 { // in the order in which they were written and arrived
					l := Letter{From: who, Subject: "A light", Body: "Part", ID: at(i)}
					if i > 0 {
						// As mail programs do: the mail it answers, and all before it (RFC 5322 3.6.4).
						all := make([]string, i)
						for j := range all {
							all[j] = "<" + at(j) + ">"
						}
						l.Subject, l.Headers = "Re: A light", "In-Reply-To: "+all[i-1]+"\nReferences: "+strings.Join(all, " ")+"\n"
					}
					ref, err := d.Blobs.PutBytes(d.Ctx, []byte(strings.ReplaceAll(d.Raw(l), "\n", "\r\n")))
					if err != nil {
						return err
					}
					now := d.Store.Now() + int64(i)
					if err := tx.InsertInbound(d.Ctx, store.Inbound{ID: ids[order[i]], MailboxID: d.Mailbox.ID, Source: "lmtp", EnvelopeFrom: who, EnvelopeTo: []string{d.Mailbox.Address},
						RawSHA256: ref.Hash, Size: ref.Size, State: store.InboundNew, DueAt: d.Store.Now(), ReceivedAt: now}); err != nil {
						return err
					}
				}
				return tx.OpenLane(d.Ctx, store.LaneReceive, d.Mailbox.ID, d.Store.Now())
			})
			d.Settle()
			conversations := map[int64]int{}
			for _, id := range ids {
				in, err := d.Store.Read().Inbound(d.Ctx, id)
				d.Must(err)
				if in.State != store.InboundDone {
					t.Errorf("order %v: a mail is %s: %s", order, in.State, in.Words)
				}
				conversations[in.ConversationID]++
			}
			if len(conversations) != 1 {
				t.Errorf("order %v: the mails lie in %v", order, conversations)
			}
			d.ExpectMails("auto:")
		}
	})
}
