package smtpin

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io/fs"
	"log"
	"log/slog"
	"net"
	"os"
	"strings"
	"sync"
	"time"

	"github.com/emersion/go-smtp"
)

// Options are the settings of a listener. Addr and Source are needed, the
// rest has defaults.
type Options struct {
	Source Source
	Addr   string // "host:port", or "unix:/path" for a Unix socket

	Domain string // what we call ourselves in the greeting; "localhost"

	MaxBytes       int64         // of one mail, told with SIZE (RFC 1870); 50 MiB
	MaxRecipients  int           // of one mail; 100
	MaxConnections int           // at once, more hear 421; 100
	IdleTimeout    time.Duration // without a byte from or to the peer; 5 min (RFC 5321 section 4.5.3.2.7)
	AcceptTimeout  time.Duration // for the Sink; 5 min, less than the 10 a peer waits

	TLS        *tls.Config // offers STARTTLS; nil for none
	SocketMode fs.FileMode // of a Unix socket; 0660
	Log        *slog.Logger
}

// withDefaults returns o with each zero field replaced.
func (o Options) withDefaults() Options {
	if o.Domain == "" {
		o.Domain = "localhost"
	}
	if o.MaxBytes <= 0 {
		o.MaxBytes = 50 << 20
	}
	if o.MaxRecipients <= 0 {
		o.MaxRecipients = 100
	}
	if o.MaxConnections <= 0 {
		o.MaxConnections = 100
	}
	if o.IdleTimeout <= 0 {
		o.IdleTimeout = 5 * time.Minute
	}
	if o.AcceptTimeout <= 0 {
		o.AcceptTimeout = 5 * time.Minute
	}
	if o.SocketMode == 0 {
		o.SocketMode = 0o660
	}
	if o.Log == nil {
		o.Log = slog.Default()
	}
	return o
}

// Server is a running listener.
type Server struct {
	options  Options
	sink     Sink
	check    RecipientChecker // nil: every recipient is taken
	smtp     *smtp.Server
	listener *listener
	log      *slog.Logger

	ctx    context.Context // of the Sink's calls; ends when Shutdown gives up waiting
	cancel context.CancelFunc

	served   chan struct{} // closed when Serve has ended
	shutdown sync.Once
}

// Listen opens the address and begins to serve. The error names the address.
func Listen(o Options, sink Sink) (*Server, error) {
	o = o.withDefaults()
	if o.Source != LMTP && o.Source != SMTP {
		return nil, fmt.Errorf("listen for mail: unknown protocol %q", o.Source)
	}
	ln, err := listen(o.Addr, o.SocketMode)
	if err != nil {
		return nil, fmt.Errorf("listen for %s: %w", o.Source, err)
	}
	s := &Server{options: o, sink: sink, served: make(chan struct{})}
	s.log = o.Log.With("listener", string(o.Source), "address", o.Addr)
	s.check, _ = sink.(RecipientChecker)
	s.ctx, s.cancel = context.WithCancel(context.Background())
	s.listener = &listener{Listener: ln, max: o.MaxConnections, idle: o.IdleTimeout, log: s.log, conns: map[*conn]struct{}{}}

	s.smtp = smtp.NewServer(smtp.BackendFunc(s.newSession))
	s.smtp.LMTP = o.Source == LMTP
	s.smtp.Domain = o.Domain
	s.smtp.MaxMessageBytes = o.MaxBytes
	s.smtp.MaxRecipients = o.MaxRecipients
	// Real mails have lines longer than the 998 octets of RFC 5322, and the
	// library hangs up on a long one. A line is bounded by the mail's size.
	s.smtp.MaxLineLength = int(o.MaxBytes) + 4096
	s.smtp.EnableSMTPUTF8 = true
	s.smtp.TLSConfig = o.TLS
	s.smtp.ErrorLog = log.New(logWriter{s.log}, "", 0)
	go s.serve()
	return s, nil
}

// serve runs until the listener is closed.
func (s *Server) serve() {
	defer close(s.served)
	if err := s.smtp.Serve(s.listener); err != nil && !errors.Is(err, net.ErrClosed) {
		s.log.Error("the mail listener stopped", "error", err)
	}
}

// Addr returns the address that is listened on, with the real port if the
// wanted one was 0; "unix:/path" for a Unix socket.
func (s *Server) Addr() string {
	a := s.listener.Addr()
	if a.Network() == "unix" {
		return "unix:" + a.String()
	}
	return a.String()
}

// Shutdown takes no more connections, tells those that are idle to come back
// later (421) and lets mails that are being handed in end. When ctx ends
// first, what still runs is cut off: its peers got no answer and keep their
// mails. It returns ctx's error then.
func (s *Server) Shutdown(ctx context.Context) error {
	var err error
	s.shutdown.Do(func() {
		s.listener.drain()
		// Closed here and not by the library, which knows the listener only
		// once its own goroutine has run.
		err = s.listener.Listener.Close()
		<-s.served
		if e := s.smtp.Shutdown(ctx); e != nil && !errors.Is(e, net.ErrClosed) {
			err = e
		}
		s.cancel()
		if err != nil {
			s.listener.closeAll()
		}
	})
	return err
}

// listen opens a TCP or Unix socket. The socket file of a process that died
// is removed; one that is still answered is not.
func listen(addr string, mode fs.FileMode) (net.Listener, error) {
	path, ok := strings.CutPrefix(addr, "unix:")
	if !ok {
		return net.Listen("tcp", addr)
	}
	ln, err := net.Listen("unix", path)
	if err != nil {
		info, statErr := os.Lstat(path)
		if statErr != nil || info.Mode().Type() != fs.ModeSocket {
			return nil, err
		}
		if c, dialErr := net.DialTimeout("unix", path, time.Second); dialErr == nil {
			c.Close()
			return nil, fmt.Errorf("%s is in use by another process", path)
		}
		if err := os.Remove(path); err != nil {
			return nil, err
		}
		if ln, err = net.Listen("unix", path); err != nil {
			return nil, err
		}
	}
	if err := os.Chmod(path, mode); err != nil {
		ln.Close()
		return nil, err
	}
	return ln, nil
}

// logWriter lets the library's log lines go to ours.
type logWriter struct{ log *slog.Logger }

// Write logs one line.
func (w logWriter) Write(p []byte) (int, error) {
	w.log.Warn("mail listener", "message", strings.TrimSpace(string(p)))
	return len(p), nil
}
