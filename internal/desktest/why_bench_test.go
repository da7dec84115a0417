package desktest_test

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"postroom"
	"postroom/internal/auth"
	"postroom/internal/db"
	"postroom/internal/dbtest"
	"postroom/internal/desktest"
	"postroom/internal/hub"
	"postroom/internal/web"
	"postroom/internal/workflow"
)

// BenchmarkWhy asks for the page that says why, over HTTP as a browser does, of a
// conversation with 20 judged changes of its status, at 100 and 1,000 workflows on
// that edge with three conditions each, of which one matched. "event" is the page of
// one of the events alone, with what the others said to it. p50-ms is what one client
// waits; kB is the size of the page before it is packed for the way.
func BenchmarkWhy(b *testing.B) {
	for _, e := range []db.Engine{db.SQLite, db.Postgres} {
		for _, n := range []int{100, 1000} {
			clock := &desktest.Clock{}
			clock.Set(1772442000000)
			b.Run(fmt.Sprintf("%s/workflows=%d", e, n), func(b *testing.B) {
				d := desktest.On(b, clock, dbtest.Options{Now: clock.Now, Unsafe: true}.Open(b, e))
				c := judgedOften(d, n, 20)
				base, cookie := site(b, d)
				b.Run("page", func(b *testing.B) { askFor(b, fmt.Sprintf("%s/conversations/%d/why", base, c.Number), cookie) })
				event := d.EventsOf(c.ID, postroom.StatusChanged)[0].ID
				b.Run("event", func(b *testing.B) {
					askFor(b, fmt.Sprintf("%s/conversations/%d/why?event=%d", base, c.Number, event), cookie)
				})
			})
		}
	}
}

// judgedOften is a conversation whose status changes were judged by n workflows, of
// which one leaves a note each time.
func judgedOften(d *desktest.Desk, n, events int) *postroom.Conversation {
	defs := crowdOn(n, postroom.StatusChanged)
	defs[n/2].If.All[2] = workflow.Cond{Fact: "conversation.subject", Op: workflow.Contains, Values: []string{"Lamp"}}
	publishMany(d, defs)
	c := d.CustomerWrites("mara@customer.example", "Lamp", "Broken.")
	for i := range events {
		status := postroom.Closed
		if i%2 == 1 {
			status = postroom.Active
		}
		d.Agent("ann").SetStatus(c, status, postroom.PathMenu)
		d.Settle()
	}
	return c
}

// site serves a desk's pages to Ann.
func site(b *testing.B, d *desktest.Desk) (base string, cookie *http.Cookie) {
	b.Helper()
	a, err := auth.New(auth.Options{Store: d.Store, Key: make([]byte, 32)})
	if err != nil {
		b.Fatal(err)
	}
	ann := d.Agent("ann").Agent
	if err := a.GivePassword(b.Context(), ann, ann.ID, "a long password"); err != nil {
		b.Fatal(err)
	}
	token, _, err := a.SignIn(b.Context(), ann.Email, "a long password", "127.0.0.1", "bench")
	if err != nil {
		b.Fatal(err)
	}
	h := hub.New(nil)
	pages, err := web.New(web.Options{Pages: pagesOf(d), Auth: a, Alarms: d.Alarms, Hub: h})
	if err != nil {
		b.Fatal(err)
	}
	server := httptest.NewServer(pages)
	b.Cleanup(func() { server.Close(); h.Close() })
	return server.URL, &http.Cookie{Name: "postroom", Value: token}
}

// askFor asks for a page again and again.
func askFor(b *testing.B, url string, cookie *http.Cookie) {
	client := &http.Client{Transport: &http.Transport{DisableCompression: true}}
	b.Cleanup(client.CloseIdleConnections)
	var took []time.Duration
	bytes := int64(0)
	page := func() {
		r, err := http.NewRequestWithContext(b.Context(), http.MethodGet, url, nil)
		if err != nil {
			b.Fatal(err)
		}
		r.AddCookie(cookie)
		begun := time.Now()
		answer, err := client.Do(r)
		if err != nil {
			b.Fatal(err)
		}
		defer answer.Body.Close()
		if bytes, err = io.Copy(io.Discard, answer.Body); err != nil || answer.StatusCode != http.StatusOK {
			b.Fatalf("%s: %v", answer.Status, err)
		}
		took = append(took, time.Since(begun))
	}
	page()
	took = nil
	b.ResetTimer()
	for range b.N {
		page()
	}
	b.ReportMetric(median(took), "p50-ms")
	b.ReportMetric(float64(bytes)/1000, "kB")
}
