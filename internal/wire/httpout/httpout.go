// Package httpout makes calls to servers that people name: one request, one
// answer, no redirect followed. It decides nothing about what is called, but it
// guards whom: the address of each connection is looked at when it is made,
// after the name was resolved, so that no name leads into our own network.
package httpout

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptrace"
	"net/netip"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// The bounds of a call.
const (
	// Timeout is how long a call may take as a whole, unless Options say so.
	Timeout = 15 * time.Second
	// MaxAnswer is how many bytes of an answer are read; the rest is not.
	MaxAnswer = 4 << 10

	maxHeader = 64 << 10
)

// Options say how calls are made.
type Options struct {
	// Allow are networks that are called although they are not public.
	Allow []netip.Prefix
	// TLS replaces the configuration with which servers are believed.
	TLS *tls.Config
	// Timeout is how long a call may take as a whole; 0 is Timeout.
	Timeout time.Duration
	// Agent is what we call ourselves.
	Agent string
}

// Client makes calls. It keeps no connection open between them: each is dialled,
// and its address looked at, anew. It is safe for concurrent use.
type Client struct {
	http    *http.Transport // by itself: nothing follows a redirect, or reads where it leads
	agent   string
	timeout time.Duration
}

// New returns a client. It heeds no proxy of the environment: then the address
// that is looked at would be the proxy's.
func New(o Options) *Client {
	guard := &net.Dialer{Timeout: 10 * time.Second, Control: func(_, address string, _ syscall.RawConn) error {
		return permit(address, o.Allow)
	}}
	c := &Client{agent: o.Agent, timeout: o.Timeout}
	if c.timeout <= 0 {
		c.timeout = Timeout
	}
	if c.agent == "" {
		c.agent = "Postroom"
	}
	c.http = &http.Transport{DialContext: guard.DialContext, TLSClientConfig: o.TLS.Clone(), TLSHandshakeTimeout: c.timeout, DisableKeepAlives: true,
		DisableCompression: true, MaxResponseHeaderBytes: maxHeader, ResponseHeaderTimeout: c.timeout}
	return c
}

// Request is one call.
type Request struct {
	Method string
	URL    string // http or https
	Header http.Header
	Body   []byte // nil: none
}

// Answer is what a server said. What was not reached is the zero value.
type Answer struct {
	Address    string // of the socket, host and port; "" if there was none
	Status     int
	Location   string        // where it points to instead, of a redirect; the first 500 bytes, as text
	RetryAfter time.Duration // how long it asks us to wait; 0 if it does not
	Body       string        // its first bytes, as text
	More       bool          // there were more than MaxAnswer
}

// Do makes a call. The error is a *Fault when there was no answer. An answer of
// any status is no error; one that breaks off in its body is none either, since
// its status has been said.
func (c *Client) Do(ctx context.Context, r Request) (Answer, error) {
	ctx, cancel := context.WithTimeout(ctx, c.timeout)
	defer cancel()
	var out Answer
	ctx = httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{GotConn: func(i httptrace.GotConnInfo) { out.Address = i.Conn.RemoteAddr().String() }})
	var body io.Reader
	if r.Body != nil {
		body = bytes.NewReader(r.Body)
	}
	q, err := http.NewRequestWithContext(ctx, r.Method, r.URL, body)
	if err != nil {
		return out, &Fault{Kind: Unusable, Words: "The address cannot be called.", Err: err}
	}
	if r.Header != nil {
		q.Header = r.Header.Clone()
	}
	q.Header.Set("User-Agent", c.agent)
	a, err := c.http.RoundTrip(q)
	if err != nil {
		return out, faultOf(err, c.timeout)
	}
	defer a.Body.Close()
	out.Status, out.Location, out.RetryAfter = a.StatusCode, oneLine(a.Header.Get("Location")), retryAfter(a.Header.Get("Retry-After"), a.Header.Get("Date"))
	read, _ := io.ReadAll(io.LimitReader(a.Body, MaxAnswer+1))
	if out.More = len(read) > MaxAnswer; out.More {
		read = read[:MaxAnswer]
	}
	out.Body = text(read)
	return out, nil
}

// retryAfter reads how long a server asks to wait: seconds, or a date, which is
// held against the server's own clock (RFC 9110, 10.2.3). 0 is nothing to heed.
func retryAfter(value, date string) time.Duration {
	value = strings.TrimSpace(value)
	if n, err := strconv.ParseInt(value, 10, 32); err == nil {
		return time.Duration(max(n, 0)) * time.Second
	}
	at, err := http.ParseTime(value)
	if err != nil {
		return 0
	}
	now, err := http.ParseTime(date)
	if err != nil {
		return 0
	}
	return max(at.Sub(now), 0)
}

// text makes what a server sent fit to be shown and stored: valid UTF-8 without
// control characters.
func text(b []byte) string {
	s := strings.ToValidUTF8(string(b), "\uFFFD")
	return strings.Map(func(r rune) rune {
		switch {
		case r == '\n' || r == '\t':
			return r
		case r < ' ' || r >= 0x7f && r < 0xa0:
			return -1
		}
		return r
	}, s)
}

// maxLine is how many bytes of a line are kept that a server may have written.
const maxLine = 500

// oneLine makes a line that a server may have written fit to be shown and stored.
func oneLine(s string) string {
	s = strings.Join(strings.Fields(text([]byte(s))), " ")
	if len(s) > maxLine {
		s = strings.ToValidUTF8(s[:maxLine], "") + "…"
	}
	return s
}

// Kind says what kept a call from being answered.
type Kind string

// The kinds.
const (
	Blocked  Kind = "blocked"  // the address is not public, and was not called
	Unusable Kind = "unusable" // the request makes no sense
	NoName   Kind = "name"     // the name does not exist, or nobody says so
	TooSlow  Kind = "slow"     // no answer in time
	Untrusty Kind = "tls"      // it is not who it says, or encryption failed
	Broken   Kind = "network"  // refused, reset, unreachable
)

// Fault is a call without an answer.
type Fault struct {
	Kind  Kind
	Words string // a sentence for people
	Err   error
}

// Error returns the sentence.
func (f *Fault) Error() string { return f.Words }

// Unwrap returns what lies behind it.
func (f *Fault) Unwrap() error { return f.Err }

// Final reports whether trying again cannot help.
func (f *Fault) Final() bool { return f.Kind == Blocked || f.Kind == Unusable }

func faultOf(err error, timeout time.Duration) *Fault {
	var (
		guarded *Fault
		name    *net.DNSError
		cert    *tls.CertificateVerificationError
		record  tls.RecordHeaderError
		alert   tls.AlertError
		wait    net.Error
	)
	switch {
	case errors.As(err, &guarded):
		return guarded
	case errors.As(err, &name) && name.IsNotFound:
		return &Fault{NoName, fmt.Sprintf("There is no server of the name %s.", name.Name), err}
	case errors.As(err, &name):
		return &Fault{NoName, fmt.Sprintf("The name %s could not be looked up.", name.Name), err}
	case errors.As(err, &cert):
		return &Fault{Untrusty, "Its certificate is not to be believed: " + oneLine(cert.Err.Error()) + ".", err}
	case errors.As(err, &record):
		return &Fault{Untrusty, "It does not speak TLS there; is the address to begin with http://?", err}
	case errors.As(err, &alert):
		return &Fault{Untrusty, "Encryption could not be agreed on: " + alert.Error() + ".", err}
	case errors.Is(err, context.Canceled):
		return &Fault{Broken, "The call was broken off.", err}
	case errors.As(err, &wait) && wait.Timeout():
		return &Fault{TooSlow, fmt.Sprintf("It did not answer within %s.", timeout), err}
	case errors.Is(err, syscall.ECONNREFUSED):
		return &Fault{Broken, "Nobody listens there: the connection was refused.", err}
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, syscall.ECONNRESET):
		return &Fault{Broken, "The connection was broken off before an answer came.", err}
	case errors.Is(err, syscall.ENETUNREACH), errors.Is(err, syscall.EHOSTUNREACH):
		return &Fault{Broken, "Its network cannot be reached.", err}
	}
	return &Fault{Broken, "The call failed: " + oneLine(plain(err)) + ".", err}
}

// plain leaves the address out, which may hold what people put into its query.
func plain(err error) string {
	var u interface{ Unwrap() error }
	if errors.As(err, &u) && strings.Contains(err.Error(), "://") {
		if inner := u.Unwrap(); inner != nil {
			return inner.Error()
		}
	}
	return err.Error()
}
