package query_test

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"slices"
	"strconv"
	"sync"
	"syscall"
	"testing"
	"time"

	"postroom/internal/alarm"
	"postroom/internal/auth"
	"postroom/internal/db"
	"postroom/internal/dbtest"
	"postroom/internal/hub"
	"postroom/internal/web"
)

// BenchmarkHTTP asks for whole pages over HTTP, as browsers do, on a desk of
// 100,000 conversations (POSTROOM_BENCH_ROWS), with one client and with eight:
// server, database and clients share the machine. p50-ms and p99-ms are the
// times a client waits; cpu-ms is the processor time of this process per page,
// PostgreSQL's not included.
func BenchmarkHTTP(b *testing.B) {
	n := 100_000
	if s := os.Getenv("POSTROOM_BENCH_ROWS"); s != "" {
		n, _ = strconv.Atoi(s)
	}
	dbtest.Options{Unsafe: true}.EachB(b, func(b *testing.B, d *db.DB) {
		f := fill(b, d, n)
		base, cookie := serve(b, f)
		for _, page := range []struct{ name, path string }{
			{"list", "/folders/unassigned"},
			{"conversation", fmt.Sprintf("/conversations/%d?folder=unassigned", n-2)},
		} {
			for _, clients := range []int{1, 8} {
				b.Run(fmt.Sprintf("%s/clients=%d", page.name, clients), func(b *testing.B) { ask(b, base+page.path, cookie, clients) })
			}
		}
	})
}

func serve(b *testing.B, f *filled) (string, *http.Cookie) {
	b.Helper()
	a, err := auth.New(auth.Options{Store: f.store, Key: make([]byte, 32)})
	if err != nil {
		b.Fatal(err)
	}
	if err := a.GivePassword(b.Context(), ann, annID, "a long password"); err != nil {
		b.Fatal(err)
	}
	token, _, err := a.SignIn(b.Context(), ann.Email, "a long password", "127.0.0.1", "bench")
	if err != nil {
		b.Fatal(err)
	}
	h := hub.New(nil)
	site, err := web.New(web.Options{Pages: f.Desk, Auth: a, Alarms: alarm.New(f.store, nil), Hub: h})
	if err != nil {
		b.Fatal(err)
	}
	server := httptest.NewServer(site)
	b.Cleanup(func() { server.Close(); h.Close() })
	return server.URL, &http.Cookie{Name: "postroom", Value: token}
}

func ask(b *testing.B, url string, cookie *http.Cookie, clients int) {
	client := &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: clients}}
	b.Cleanup(client.CloseIdleConnections)
	var mu sync.Mutex
	var took []time.Duration
	page := func() error {
		r, err := http.NewRequestWithContext(b.Context(), http.MethodGet, url, nil)
		if err != nil {
			return err
		}
		r.AddCookie(cookie)
		begin := time.Now()
		answer, err := client.Do(r)
		if err != nil {
			return err
		}
		_, err = io.Copy(io.Discard, answer.Body)
		answer.Body.Close()
		if err == nil && answer.StatusCode != http.StatusOK {
			err = fmt.Errorf("status %s", answer.Status)
		}
		mu.Lock()
		took = append(took, time.Since(begin))
		mu.Unlock()
		return err
	}
	if err := page(); err != nil {
		b.Fatal(err)
	}
	took = nil
	cpu := processorTime(b)
	b.ResetTimer()
	var all sync.WaitGroup
	for i := range clients {
		all.Go(func() {
			for range (b.N + clients - 1 - i) / clients {
				if err := page(); err != nil {
					b.Error(err)
					return
				}
			}
		})
	}
	all.Wait()
	b.StopTimer()
	slices.Sort(took)
	at := func(p float64) float64 {
		return float64(took[min(len(took)-1, int(p*float64(len(took))))].Microseconds()) / 1000
	}
	b.ReportMetric(at(0.5), "p50-ms")
	b.ReportMetric(at(0.99), "p99-ms")
	b.ReportMetric(float64((processorTime(b)-cpu).Microseconds())/1000/float64(len(took)), "cpu-ms")
}

func processorTime(b *testing.B) time.Duration {
	b.Helper()
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
