package desktest_test

import (
	"context"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"postroom/internal/db"
	"postroom/internal/dbtest"
	"postroom/internal/desk"
	"postroom/internal/desktest"
	"postroom/internal/postoffice"
	"postroom/internal/wire/smtpin"
)

// benchSink takes mails from the listener to the desk, as the program does.
type benchSink struct{ *desk.Desk }

func (s benchSink) Accept(ctx context.Context, d smtpin.Delivery) error {
	return s.Desk.Accept(ctx, desk.Delivery{Source: string(d.Source), From: d.From, To: d.To, Raw: d.Raw, Remote: d.RemoteAddr})
}

// BenchmarkIngest measures mails from LMTP until they are visible under full
// durability: 10 kB each over four connections, all workers running. One in
// four answers a mail that came before.
func BenchmarkIngest(b *testing.B) {
	for _, e := range []db.Engine{db.SQLite, db.Postgres} {
		b.Run(string(e), func(b *testing.B) { ingest(b, e) })
	}
}

func ingest(b *testing.B, e db.Engine) {
	clock := &desktest.Clock{}
	clock.Set(time.Now().UnixMilli())
	d := desktest.On(b, clock, dbtest.Options{Now: clock.Now}.Open(b, e))
	server, err := smtpin.Listen(smtpin.Options{Source: smtpin.LMTP, Addr: "127.0.0.1:0", Log: slog.New(slog.DiscardHandler)}, benchSink{d.Desk})
	if err != nil {
		b.Fatal(err)
	}
	d.Runner.Start()
	defer func() {
		if err := server.Shutdown(b.Context()); err != nil {
			b.Error(err)
		}
		if err := d.Runner.Stop(b.Context()); err != nil {
			b.Error(err)
		}
	}()
	b.SetBytes(10_000)
	b.ResetTimer()
	handIn(b, server.Addr(), b.N)
	accepted := b.Elapsed()
	for visible(b, d) < b.N {
		time.Sleep(20 * time.Millisecond)
	}
	b.StopTimer()
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "mails/s")
	b.ReportMetric(float64(b.N)/accepted.Seconds(), "accepted/s")
}

// handIn hands n mails in over four connections.
func handIn(b *testing.B, addr string, n int) {
	b.Helper()
	const connections = 4
	body := strings.Repeat("The lamp that came on Monday has a crack, and it does not shine. "+strings.Repeat("word ", 100)+"\r\n", 17)
	var next atomic.Int64
	var all sync.WaitGroup
	for range connections {
		all.Go(func() {
			c, err := postoffice.DialCustomer(b.Context(), addr)
			if err != nil {
				b.Error(err)
				return
			}
			defer c.Close()
			for {
				i := int(next.Add(1))
				if i > n {
					return
				}
				from, cites := fmt.Sprintf("c%d@customer.example", i%500), ""
				if i%4 == 0 && i > 100 {
					cites = fmt.Sprintf("In-Reply-To: <m%d@customer.example>\r\n", i-51)
				}
				raw := fmt.Sprintf("From: Customer %d <%s>\r\nTo: support@acme.example\r\nSubject: Matter %d\r\nMessage-ID: <m%d@customer.example>\r\n%sContent-Type: text/plain; charset=utf-8\r\n\r\n%s",
					i, from, i, i, cites, body)
				if got, err := c.Deliver(b.Context(), from, []string{"support@acme.example"}, []byte(raw)); err != nil || !got.OK() {
					b.Errorf("mail %d: %v %v", i, got, err)
					return
				}
			}
		})
	}
	all.Wait()
}

func visible(b *testing.B, d *desktest.Desk) (n int) {
	b.Helper()
	if err := d.DB.Reader().QueryRow(b.Context(), "select count(*) from message where kind = 'received'").Scan(&n); err != nil {
		b.Fatal(err)
	}
	return n
}
