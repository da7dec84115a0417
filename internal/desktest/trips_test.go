package desktest_test

import (
	"fmt"
	"testing"

	"postroom/internal/db"
	"postroom/internal/desktest"
)

// A received mail takes few ways to PostgreSQL and back, each of which costs more
// than what is done there: two to be accepted, and then one to be filed among
// others, or four if it answers, and about sixteen to be judged and until the
// agents are told of it, with claiming each conversation and event on its own.
func TestReceivedMailTakesFewTrips(t *testing.T) {
	t.Parallel()
	const mails = 20
	d := desktest.New(t, db.Postgres)
	raw := func(kind string, i int) string {
		header := ""
		if kind == "answer" {
			header = fmt.Sprintf("In-Reply-To: <new%d@customer.example>\r\n", i)
		}
		return fmt.Sprintf("From: Customer %[1]d <c%[1]d@customer.example>\r\nTo: support@acme.example\r\nSubject: Matter %[1]d\r\nMessage-ID: <%[2]s%[1]d@customer.example>\r\n%[3]s\r\nHello, it is broken.\r\n",
			i, kind, header)
	}
	for i := range 2 { // statements are prepared, sets of workflows read
		d.Receive("a@customer.example", "support@acme.example", raw("first", i))
	}
	for _, kind := range []struct {
		name string
		work int64 // trips to file and judge a mail and to tell agents of it, and its part of claiming
	}{{"new", 19}, {"answer", 21}} {
		before := d.DB.Trips()
		for i := range mails {
			d.Accept(fmt.Sprintf("c%d@customer.example", i), []string{"support@acme.example"}, raw(kind.name, i))
		}
		accepted := d.DB.Trips()
		d.Settle()
		done := d.DB.Trips()
		t.Logf("%s mails: %d trips to accept %d, %d to file and judge them", kind.name, accepted-before, mails, done-accepted)
		if n := accepted - before; n > 2*mails+2 { // and sometimes to draw ids
			t.Errorf("%d trips to accept %d mails", n, mails)
		}
		if n := done - accepted; n > kind.work*mails {
			t.Errorf("%d trips to file and judge %d mails (%s)", n, mails, kind.name)
		}
	}
}
