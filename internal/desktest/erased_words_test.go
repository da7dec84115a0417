package desktest_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"postroom"
	"postroom/internal/desk"
	. "postroom/internal/desktest"
	"postroom/internal/postoffice"
	"postroom/internal/store"
)

// TestErasingReachesWords erases a conversation whose customer a server's words
// name in an alarm and in the system log, and about which an agent's answer was
// refused: nothing of it is left, and what is about others stays (W4).
func TestErasingReachesWords(t *testing.T) {
	t.Parallel()
	Each(t, func(t *testing.T, d *Desk) {
		ann := d.Agent("ann")
		fails := func(who string) *postroom.Conversation {
			c := d.CustomerWrites(who, "Printer", "It burns.")
			d.Office.Program(postoffice.Fault{Phase: postoffice.Rcpt, Edge: postoffice.Before, Action: postoffice.Lie, Reply: "550 5.1.1 <" + strings.ToUpper(who[:1]) + who[1:] + "> is nobody here"})
			ann.Reply(c, "Pull the plug.")
			d.Settle()
			d.Office.ClearFaults()
			return c
		}
		gone, kept := fails("joe@customer.example"), fails("bigjoe@customer.example")
		told := d.Notify("ann", gone)
		in := d.AgentAnswers(AnswerLetter{To: told, Headers: "-", Text: "The password of joe@customer.example is secret."})
		if in.State != store.InboundRefused || in.AboutID != gone.ID {
			t.Fatalf("the answer is %s, about %d", in.State, in.AboutID)
		}
		named := func(who string) (out []string) {
			for _, q := range []string{"select words || subject from alarm", "select words || details from log_entry", "select words || evidence || subject || sender || envelope_from from inbound",
				"select spec from mail", "select words from attempt", "select address from mail_recipient"} {
				rows, err := d.DB.Reader().Query(d.Ctx, q)
				d.Must(err)
				for rows.Next() {
					var s string
					d.Must(rows.Scan(&s))
					if s = " " + strings.ToLower(s); strings.Contains(s, "<"+who) || strings.Contains(s, " "+who) || strings.Contains(s, "\""+who) {
						out = append(out, q+": "+s)
					}
				}
				d.Must(rows.Err())
				rows.Close()
			}
			return out
		}
		if n := len(named("joe@customer.example")); n < 4 {
			t.Fatalf("named only %d times", n)
		}
		others := len(named("bigjoe@customer.example"))
		ann.Bulk(desk.Bulk{Numbers: []int64{gone.Number}, Delete: true})
		d.Pass(time.Hour)
		_, err := d.Desk.EmptyTrash(d.Ctx, ann.Agent, 0)
		d.Must(err)
		d.Settle()
		for _, left := range named("joe@customer.example") {
			t.Error(left)
		}
		if n := len(named("bigjoe@customer.example")); n != others {
			t.Errorf("another customer was named %d times and is %d times now", others, n)
		}
		if n := d.CountEvents(kept.ID, postroom.MailFailed); n != 1 {
			t.Errorf("another conversation lost its events: %d", n)
		}
		empty, err := d.Store.Read().Inbound(d.Ctx, in.ID)
		d.Must(err)
		if empty.RawSHA256 != "" || empty.Sender != "" || empty.AboutID != 0 {
			t.Errorf("the refused answer is still %+v", empty)
		}
		d.Pass(25 * time.Hour)
		_, err = d.Desk.SweepBlobs(d.Ctx)
		d.Must(err)
		if there, err := d.Blobs.Has(in.RawSHA256); err != nil || there {
			old, _ := d.Store.Read().ErasedBlobs(d.Ctx, d.Store.Now()+1, 100)
			if !slices.Contains(old, in.RawSHA256) { // the file's own time is the machine's: it goes the night after
				t.Errorf("the refused answer's file stays for ever (%v)", err)
			}
		}
	})
}
