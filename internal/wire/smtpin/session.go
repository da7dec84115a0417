package smtpin

import (
	"bytes"
	"context"
	"errors"
	"io"
	"runtime/debug"
	"time"

	"github.com/emersion/go-smtp"
)

// maxPreallocate bounds what a peer's SIZE makes us set aside before it has
// sent anything.
const maxPreallocate = 1 << 20

// session is one connection's state; it implements smtp.LMTPSession.
type session struct {
	server *Server
	peer   *smtp.Conn
	conn   *conn // ours; nil if the library ever hands us another
	from   string
	to     []string
	size   int64
}

// newSession is called at EHLO or LHLO.
func (s *Server) newSession(c *smtp.Conn) (smtp.Session, error) {
	ses := &session{server: s, peer: c}
	ses.conn = s.listener.find(c.Conn())
	return ses, nil
}

// Reset forgets the mail that was begun.
func (s *session) Reset() { s.from, s.to, s.size = "", nil, 0 }

// Logout has nothing to free.
func (s *session) Logout() error { return nil }

// Mail begins a mail.
func (s *session) Mail(from string, opts *smtp.MailOptions) error {
	s.from = from
	if opts != nil {
		s.size = opts.Size
	}
	return nil
}

// Rcpt adds a recipient if the Sink knows it.
func (s *session) Rcpt(to string, _ *smtp.RcptOptions) error {
	if s.server.check != nil {
		err := s.guard(func(ctx context.Context) error { return s.server.check.KnowsRecipient(ctx, to) })
		if reply := answer(err); reply != nil {
			s.server.log.Info("recipient not taken", "from", s.from, "to", to, "reply", reply.Code, "error", err)
			return reply
		}
	}
	s.to = append(s.to, to)
	return nil
}

// Data takes a mail by SMTP.
func (s *session) Data(r io.Reader) error {
	err := s.take(r)
	// A nil *SMTPError must not become an error that is not nil.
	if reply := answerAll(err, s.to); reply != nil {
		return reply
	}
	return nil
}

// LMTPData takes a mail by LMTP, with an answer for each recipient.
func (s *session) LMTPData(r io.Reader, status smtp.StatusCollector) error {
	err := s.take(r)
	var each Refusals
	isEach := errors.As(err, &each)
	for _, to := range s.to {
		e := err
		if isEach {
			e = each[to]
		}
		if reply := answer(e); reply != nil {
			status.SetStatus(to, reply)
		} else {
			status.SetStatus(to, nil)
		}
	}
	return nil
}

// take reads a mail and gives it to the Sink.
func (s *session) take(r io.Reader) error {
	s.conn.setBusy(true)
	defer s.conn.setBusy(false)
	at := time.Now().UTC()
	raw, err := s.read(r)
	if err != nil {
		if errors.Is(err, smtp.ErrDataTooLarge) {
			s.server.log.Info("mail too large", "from", s.from, "to", s.to, "limit", s.server.options.MaxBytes)
			return tooLarge{}
		}
		s.server.log.Info("mail not received to its end", "from", s.from, "to", s.to, "error", err)
		return err
	}
	_, encrypted := s.peer.TLSConnectionState()
	d := Delivery{
		Source: s.server.options.Source, From: s.from, To: append([]string(nil), s.to...), Raw: raw,
		RemoteAddr: s.peer.Conn().RemoteAddr().String(), HELO: s.peer.Hostname(), TLS: encrypted, ReceivedAt: at,
	}
	err = s.guard(func(ctx context.Context) error { return s.server.sink.Accept(ctx, d) })
	if err != nil {
		s.server.log.Warn("mail not accepted", "from", s.from, "to", s.to, "size", len(raw), "error", err)
	}
	return err
}

// read reads the mail to its end.
func (s *session) read(r io.Reader) ([]byte, error) {
	var b bytes.Buffer
	b.Grow(int(min(max(s.size, 4096), maxPreallocate)))
	if _, err := b.ReadFrom(r); err != nil {
		return nil, err
	}
	return b.Bytes(), nil
}

// guard calls the Sink with a limit on its time; a panic is an error like
// any other and does not cost the peer its mail.
func (s *session) guard(call func(context.Context) error) (err error) {
	ctx, cancel := context.WithTimeout(s.server.ctx, s.server.options.AcceptTimeout)
	defer cancel()
	defer func() {
		if p := recover(); p != nil {
			s.server.log.Error("panic while a mail was taken in", "panic", p, "stack", string(debug.Stack()))
			err = errPanic
		}
	}()
	return call(ctx)
}
