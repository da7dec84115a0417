package httpout

import (
	"bufio"
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"strings"
	"testing"
	"time"
	"unicode"
	"unicode/utf8"
)

func TestPublic(t *testing.T) {
	t.Parallel()
	for _, a := range []string{"127.0.0.1", "127.8.8.8", "10.1.2.3", "172.16.0.1", "192.168.1.1", "169.254.169.254", "100.64.0.1", "100.100.100.200", "0.0.0.0", "0.1.2.3",
		"224.0.0.1", "255.255.255.255", "240.0.0.1", "192.0.2.1", "198.18.0.1", "192.0.0.192",
		"::1", "::", "fe80::1", "fe80::1%eth0", "fd00:ec2::254", "fc00::1", "ff02::1", "::ffff:127.0.0.1", "::ffff:10.0.0.1", "::ffff:169.254.169.254",
		"64:ff9b::7f00:1", "2002:7f00:1::", "2001:0:7f00::1", "2001:db8::1", "::7f00:1", "fec0::1"} {
		if Public(netip.MustParseAddr(a)) {
			t.Errorf("%s counts as public", a)
		}
	}
	for _, a := range []string{"8.8.8.8", "1.1.1.1", "172.32.0.1", "100.63.255.255", "2606:4700::1111", "2a00:1450::8a", "::ffff:8.8.8.8"} {
		if !Public(netip.MustParseAddr(a)) {
			t.Errorf("%s counts as not public", a)
		}
	}
}

// loopback lets a test's own server be called.
var loopback = []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8"), netip.MustParsePrefix("::1/128")}

func fault(t *testing.T, err error) *Fault {
	t.Helper()
	var f *Fault
	if !errors.As(err, &f) {
		t.Fatalf("got %v", err)
	}
	return f
}

func server(t *testing.T, h http.HandlerFunc) *httptest.Server {
	t.Helper()
	s := httptest.NewServer(h)
	t.Cleanup(s.Close)
	return s
}

// TestGuardAtDial calls our own machine by its address, by a name and by an
// address in disguise: the server hears of none of them.
func TestGuardAtDial(t *testing.T) {
	t.Parallel()
	s := server(t, func(http.ResponseWriter, *http.Request) { t.Error("a guarded address was called") })
	_, port, _ := net.SplitHostPort(s.Listener.Addr().String())
	for _, host := range []string{"127.0.0.1", "localhost", "[::ffff:127.0.0.1]", "0.0.0.0", "[::]"} {
		_, err := New(Options{}).Do(t.Context(), Request{Method: "POST", URL: "http://" + host + ":" + port + "/", Body: []byte("x")})
		if f := fault(t, err); f.Kind != Blocked || !f.Final() || !strings.Contains(f.Words, "not a public address") {
			t.Errorf("%s: %+v", host, f)
		}
	}
}

func TestAnswer(t *testing.T) {
	t.Parallel()
	s := server(t, func(w http.ResponseWriter, r *http.Request) {
		b, _ := io.ReadAll(r.Body)
		if r.Method != "PUT" || string(b) != "hello" || r.Header.Get("X-Key") != "k" || r.Header.Get("User-Agent") != "Postroom" || r.Header.Get("Accept-Encoding") != "" {
			t.Errorf("%s %q %v", r.Method, b, r.Header)
		}
		w.Header().Set("Retry-After", "120")
		w.WriteHeader(http.StatusServiceUnavailable)
		_, _ = io.WriteString(w, "bu\x00sy\n\xff")
	})
	a, err := New(Options{Allow: loopback}).Do(t.Context(), Request{Method: "PUT", URL: s.URL + "/x", Header: http.Header{"X-Key": {"k"}}, Body: []byte("hello")})
	if err != nil || a.Status != 503 || a.RetryAfter != 2*time.Minute || a.Body != "busy\n\uFFFD" || a.Address != s.Listener.Addr().String() || a.More {
		t.Errorf("%+v %v", a, err)
	}
}

// TestRedirectIsAnAnswer leads to a private address and is not followed.
func TestRedirectIsAnAnswer(t *testing.T) {
	t.Parallel()
	calls := 0
	s := server(t, func(w http.ResponseWriter, r *http.Request) {
		calls++
		http.Redirect(w, r, "http://169.254.169.254/latest/", http.StatusTemporaryRedirect)
	})
	a, err := New(Options{Allow: loopback}).Do(t.Context(), Request{Method: "POST", URL: s.URL, Body: []byte("x")})
	if err != nil || a.Status != 307 || a.Location != "http://169.254.169.254/latest/" || calls != 1 {
		t.Errorf("%+v %v, %d calls", a, err, calls)
	}
}

// raw answers whatever is asked with the same bytes.
func raw(t *testing.T, answer string) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			if _, err := http.ReadRequest(bufio.NewReader(c)); err == nil {
				_, _ = io.WriteString(c, answer)
			}
			_ = c.Close()
		}
	}()
	return "http://" + l.Addr().String()
}

// TestBytesThatAreNoText come in an address and in a line that is no header:
// neither gets anywhere as it is, and a redirect to nonsense is one all the same.
func TestBytesThatAreNoText(t *testing.T) {
	t.Parallel()
	clean := func(s string) bool {
		return utf8.ValidString(s) && !strings.ContainsFunc(s, unicode.IsControl) && len(s) < 1000
	}
	for _, where := range []string{"http://x.example/\xff\xfe", "http://[::1", "%zz://\xff"} {
		a, err := New(Options{Allow: loopback}).Do(t.Context(), Request{Method: "POST", URL: raw(t, "HTTP/1.1 302 Found\r\nLocation: "+where+"\r\nContent-Length: 0\r\n\r\n"), Body: []byte("x")})
		if err != nil || a.Status != 302 || a.Location == "" || !clean(a.Location) {
			t.Errorf("%q: %+v %v", where, a, err)
		}
	}
	for _, broken := range []string{"HTTP/1.1 200 OK\r\n\xff\xfe\x00 nonsense\r\n\r\n", "HTTP/1.1 200 OK\r\n" + strings.Repeat("long", 5000) + "\r\n\r\n", "\xff\xfe\r\n\r\n"} {
		_, err := New(Options{Allow: loopback}).Do(t.Context(), Request{Method: "POST", URL: raw(t, broken), Body: []byte("x")})
		if f := fault(t, err); f.Kind != Broken || !clean(f.Words) {
			t.Errorf("%+v", f)
		}
	}
}

// TestHugeAnswer is read no further than its first bytes.
func TestHugeAnswer(t *testing.T) {
	t.Parallel()
	gone := make(chan struct{})
	s := server(t, func(w http.ResponseWriter, _ *http.Request) {
		defer close(gone)
		for piece := strings.Repeat("a", 64<<10); ; {
			if _, err := io.WriteString(w, piece); err != nil {
				return // hung up on
			}
		}
	})
	a, err := New(Options{Allow: loopback}).Do(t.Context(), Request{Method: "GET", URL: s.URL})
	if err != nil || len(a.Body) != MaxAnswer || !a.More {
		t.Errorf("%d bytes, more %v: %v", len(a.Body), a.More, err)
	}
	<-gone
}

func TestNoAnswer(t *testing.T) {
	t.Parallel()
	hang := make(chan struct{})
	slow := server(t, func(http.ResponseWriter, *http.Request) { <-hang })
	t.Cleanup(func() { close(hang) })
	drop := server(t, func(w http.ResponseWriter, _ *http.Request) {
		c, _, err := w.(http.Hijacker).Hijack()
		if err == nil {
			c.Close()
		}
	})
	dead := httptest.NewServer(http.NotFoundHandler())
	dead.Close()
	secure := httptest.NewUnstartedServer(http.NotFoundHandler())
	secure.TLS = &tls.Config{MinVersion: tls.VersionTLS13}
	secure.StartTLS()
	t.Cleanup(secure.Close)
	for _, c := range []struct {
		name, url, words string
		kind             Kind
		timeout          time.Duration
	}{
		{"slow", slow.URL, "did not answer within 50ms", TooSlow, 50 * time.Millisecond},
		{"dropped", drop.URL, "broken off before an answer", Broken, 0},
		{"dead", dead.URL, "refused", Broken, 0},
		{"a certificate nobody knows", secure.URL, "certificate is not to be believed", Untrusty, 0},
		{"no TLS", strings.Replace(drop.URL, "http:", "https:", 1), "", "", 0},
		{"no address", "http://exa mple/", "cannot be called", Unusable, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			_, err := New(Options{Allow: loopback, Timeout: c.timeout}).Do(t.Context(), Request{Method: "POST", URL: c.url + "/secret-path", Body: []byte("x")})
			f := fault(t, err)
			if c.kind != "" && f.Kind != c.kind || !strings.Contains(f.Words, c.words) || strings.Contains(f.Words, "secret-path") {
				t.Errorf("%+v", f)
			}
		})
	}
}

func TestNoName(t *testing.T) {
	t.Parallel()
	f := faultOf(&url.Error{Op: "Post", URL: "http://nobody.invalid/secret", Err: &net.OpError{Op: "dial", Err: &net.DNSError{Name: "nobody.invalid", IsNotFound: true}}}, 0)
	if f.Kind != NoName || f.Words != "There is no server of the name nobody.invalid." {
		t.Errorf("%+v", f)
	}
	if f := faultOf(&url.Error{Op: "Post", URL: "http://x.example/secret", Err: context.Canceled}, 0); strings.Contains(f.Words, "secret") {
		t.Error(f.Words)
	}
	if f := faultOf(&url.Error{Op: "Post", URL: "http://x.example/secret", Err: errors.New("odd")}, 0); f.Words != "The call failed: odd." {
		t.Error(f.Words)
	}
}

func TestRetryAfter(t *testing.T) {
	t.Parallel()
	const date = "Mon, 02 Mar 2026 09:00:00 GMT"
	for value, want := range map[string]time.Duration{"": 0, "soon": 0, "-4": 0, "30": 30 * time.Second, "Mon, 02 Mar 2026 09:05:00 GMT": 5 * time.Minute, "Mon, 02 Mar 2026 08:05:00 GMT": 0} {
		if got := retryAfter(value, date); got != want {
			t.Errorf("%q: %s", value, got)
		}
	}
}
