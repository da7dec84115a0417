package postoffice

import (
	"bufio"
	"bytes"
	"crypto/tls"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"net"
	"net/textproto"
	"strings"
	"time"
)

// errGone ends a session.
var errGone = errors.New("the session is over")

// session is one SMTP connection.
type session struct {
	office      *Office
	id          int
	tcp         net.Conn // the connection underneath
	conn        net.Conn // tcp, or TLS over it
	r           *textproto.Reader
	implicitTLS bool
	secure      bool

	helo string
	user string

	mail     int // number of the MAIL command; 0 outside a transaction
	from     string
	mailArgs string
	to       []string
	rcptArgs []string
	id822    string
	stored   bool
}

// serve runs the dialogue until either side ends it.
func (s *session) serve() {
	defer func() {
		s.conn.Close()
		s.tcp.Close()
		s.office.mu.Lock()
		delete(s.office.sessions, s)
		s.office.mu.Unlock()
	}()
	s.r = textproto.NewReader(bufio.NewReader(s.conn))
	if s.moment(Connect, Before) != nil || s.moment(Connect, After) != nil {
		return
	}
	if s.implicitTLS && s.encrypt() != nil {
		return
	}
	if _, err := s.answer(Greeting, "220 "+s.office.options.Domain+" ESMTP post office"); err != nil {
		return
	}
	for {
		line, err := s.r.ReadLine()
		if err != nil {
			return
		}
		if s.command(line) != nil {
			return
		}
	}
}

// encrypt turns the connection into TLS.
func (s *session) encrypt() error {
	conn := tls.Server(s.tcp, s.office.cert.server)
	if err := conn.Handshake(); err != nil {
		return err
	}
	s.conn, s.secure = conn, true
	s.r = textproto.NewReader(bufio.NewReader(conn))
	return nil
}

// event describes the moment.
func (s *session) event(p Phase, e Edge) Event {
	return Event{
		Phase: p, Edge: e, Session: s.id, Mail: s.mail, HELO: s.helo, From: s.from,
		To: append([]string(nil), s.to...), MessageID: s.id822, Accepted: s.stored,
	}
}

// record keeps the attempt's account up to date.
func (s *session) record(change func(*Attempt)) {
	if s.mail == 0 {
		return
	}
	s.office.mu.Lock()
	defer s.office.mu.Unlock()
	change(&s.office.attempts[s.mail-1])
}

// consult reports the moment and does those faults that are not about an
// answer; the others are returned.
func (s *session) consult(p Phase, e Edge) (*Fault, error) {
	s.record(func(a *Attempt) { a.Phase, a.MessageID = p, s.id822 })
	fault, release := s.office.at(s.event(p, e))
	if fault == nil {
		return nil, nil
	}
	switch fault.Action {
	case Cut:
		return nil, errGone // serve closes
	case Reset:
		if t, ok := s.tcp.(*net.TCPConn); ok {
			_ = t.SetLinger(0)
		}
		s.tcp.Close()
		return nil, errGone
	case Stall:
		select {
		case <-release:
		case <-fault.Until:
		case <-s.office.closed:
			return nil, errGone
		}
		return nil, nil
	case Delay:
		timer := time.NewTimer(fault.Wait)
		defer timer.Stop()
		select {
		case <-timer.C:
		case <-s.office.closed:
			return nil, errGone
		}
		return nil, nil
	}
	return fault, nil
}

// moment is consult where nothing is answered: a lie is said in addition.
func (s *session) moment(p Phase, e Edge) error {
	fault, err := s.consult(p, e)
	if err == nil && fault != nil && fault.Action == Lie {
		err = s.write(fault.Reply)
	}
	return err
}

// answer gives the true answer of a phase unless a fault has another, goes
// through the moment after it, and says what was answered; "" when nothing.
func (s *session) answer(p Phase, truth string) (said string, err error) {
	fault, err := s.consult(p, Before)
	if err != nil {
		return "", err
	}
	said = truth
	if fault != nil && fault.Action == Lie {
		said = fault.Reply
	}
	if fault != nil && fault.Action == Mute {
		said = ""
	}
	if said != "" {
		if err := s.write(said); err != nil {
			return "", err
		}
	}
	if p == Answer && said != "" {
		s.record(func(a *Attempt) { a.Answer = said })
	}
	return said, s.moment(p, After)
}

// write sends a reply.
func (s *session) write(reply string) error {
	_, err := io.WriteString(s.conn, reply+"\r\n")
	return err
}

// yes says whether a reply is positive (2xx, or 354 where that is wanted).
func yes(reply, want string) bool { return strings.HasPrefix(reply, want) }

// command handles one command.
func (s *session) command(line string) error {
	verb, args, _ := strings.Cut(line, " ")
	switch strings.ToUpper(verb) {
	case "EHLO", "HELO":
		return s.hello(strings.ToUpper(verb), args)
	case "STARTTLS":
		return s.startTLS()
	case "AUTH":
		return s.auth(args)
	case "MAIL":
		return s.mailFrom(args)
	case "RCPT":
		return s.rcptTo(args)
	case "DATA":
		return s.data()
	case "RSET":
		s.clear()
		return s.write("250 2.0.0 Forgotten")
	case "NOOP":
		return s.write("250 2.0.0 Done nothing")
	case "QUIT":
		_ = s.write("221 2.0.0 Bye") // the session ends either way
		return errGone
	}
	return s.write("500 5.5.2 Unknown command")
}

// clear forgets the transaction.
func (s *session) clear() {
	s.mail, s.from, s.mailArgs, s.to, s.rcptArgs, s.id822, s.stored = 0, "", "", nil, nil, "", false
}

// hello answers EHLO and HELO.
func (s *session) hello(verb, name string) error {
	s.clear()
	s.helo = name
	o := s.office.options
	lines := []string{o.Domain + " greets " + name}
	if verb == "EHLO" {
		for _, k := range []string{"8BITMIME", "SMTPUTF8", "DSN", "ENHANCEDSTATUSCODES"} {
			if o.has(k) {
				lines = append(lines, k)
			}
		}
		if o.has("SIZE") {
			lines = append(lines, fmt.Sprintf("SIZE %d", o.MaxBytes))
		}
		if o.has("STARTTLS") && !s.secure {
			lines = append(lines, "STARTTLS")
		}
		if mechanisms := o.mechanisms(); len(mechanisms) > 0 && (s.secure || o.PlainAuth) {
			lines = append(lines, "AUTH "+strings.Join(mechanisms, " "))
		}
	}
	var b strings.Builder
	for i, l := range lines {
		sep := "-"
		if i == len(lines)-1 {
			sep = " "
		}
		if i > 0 {
			b.WriteString("\r\n")
		}
		b.WriteString("250" + sep + l)
	}
	_, err := s.answer(EHLO, b.String())
	return err
}

// startTLS begins encryption.
func (s *session) startTLS() error {
	if s.secure || !s.office.options.has("STARTTLS") {
		return s.write("503 5.5.1 STARTTLS is not possible now")
	}
	said, err := s.answer(StartTLS, "220 2.0.0 Begin")
	if err != nil || !yes(said, "220") {
		return err
	}
	s.helo, s.user = "", ""
	s.clear()
	return s.encrypt()
}

// auth signs in.
func (s *session) auth(args string) error {
	mech, first, _ := strings.Cut(args, " ")
	if len(s.office.options.mechanisms()) == 0 {
		return s.write("502 5.5.1 Nobody signs in here")
	}
	var name, password string
	var err error
	switch mech = strings.ToUpper(mech); mech {
	case "XOAUTH2":
		return s.authToken(first)
	case "PLAIN":
		name, password, err = s.authPlain(first)
	case "LOGIN":
		name, password, err = s.authLogin(first)
	default:
		return s.write("504 5.5.4 Unknown mechanism")
	}
	if errors.Is(err, errCalledOff) {
		return s.write("501 5.7.0 Called off")
	}
	if err != nil {
		return err
	}
	truth := "535 5.7.8 Name or password is wrong"
	if want, known := s.office.options.Users[name]; known && want == password {
		truth = "235 2.7.0 Welcome"
	}
	said, err := s.answer(Auth, truth)
	if yes(said, "235") {
		s.user = name
	}
	return err
}

// mechanisms are the ways to sign in that SMTP offers.
func (o Options) mechanisms() (all []string) {
	if len(o.Users) > 0 && o.has("AUTH") {
		all = append(all, "PLAIN", "LOGIN")
	}
	if o.Tokens != nil && o.has("AUTH") {
		all = append(all, "XOAUTH2")
	}
	return all
}

// authToken signs in by XOAUTH2 as Exchange Online speaks it: a no is first
// given as JSON in a challenge, which wants an empty answer.
func (s *session) authToken(first string) error {
	if s.office.options.Tokens == nil {
		return s.write("504 5.7.4 Unrecognized authentication type")
	}
	var err error
	if first == "" {
		if first, err = s.ask(""); err != nil {
			return err
		}
	}
	name, token := bearer(decode64(first))
	truth := "235 2.7.0 Welcome"
	if !s.office.boxes.admits(name, token) {
		truth = "535 5.7.3 Authentication unsuccessful: the access token is not valid"
		if _, err := s.ask(tokenRefused); errors.Is(err, errCalledOff) {
			return s.write("501 5.7.0 Called off")
		} else if err != nil {
			return err
		}
	}
	said, err := s.answer(Auth, truth)
	if yes(said, "235") {
		s.user = name
	}
	return err
}

// authPlain reads the one message of PLAIN (RFC 4616).
func (s *session) authPlain(first string) (name, password string, err error) {
	if first == "" {
		if first, err = s.ask(""); err != nil {
			return "", "", err
		}
	}
	if parts := strings.Split(decode64(first), "\x00"); len(parts) == 3 {
		name, password = parts[1], parts[2]
	}
	return name, password, nil
}

// authLogin reads the two messages of LOGIN.
func (s *session) authLogin(first string) (name, password string, err error) {
	if first == "" {
		if first, err = s.ask("Username:"); err != nil {
			return "", "", err
		}
	}
	second, err := s.ask("Password:")
	return decode64(first), decode64(second), err
}

// errCalledOff is the client's "*" (RFC 4954 section 4).
var errCalledOff = errors.New("the sign-in was called off")

// ask sends a challenge and reads the answer.
func (s *session) ask(challenge string) (string, error) {
	if err := s.write("334 " + base64.StdEncoding.EncodeToString([]byte(challenge))); err != nil {
		return "", err
	}
	line, err := s.r.ReadLine()
	if err == nil && line == "*" {
		err = errCalledOff
	}
	return line, err
}

// decode64 decodes, or returns "".
func decode64(text string) string {
	b, err := base64.StdEncoding.DecodeString(strings.TrimSpace(text))
	if err != nil {
		return ""
	}
	return string(b)
}

// path takes "FROM:<address> ARGS" apart.
func path(args, prefix string) (address, rest string, ok bool) {
	if len(args) < len(prefix) || !strings.EqualFold(args[:len(prefix)], prefix) {
		return "", "", false
	}
	args = strings.TrimSpace(args[len(prefix):])
	end := strings.LastIndexByte(args, '>')
	if !strings.HasPrefix(args, "<") || end < 0 {
		return "", "", false
	}
	return args[1:end], strings.TrimSpace(args[end+1:]), true
}

// mailFrom begins a transaction.
func (s *session) mailFrom(args string) error {
	from, rest, ok := path(args, "FROM:")
	if !ok {
		return s.write("501 5.5.4 MAIL FROM:<address> is what I wait for")
	}
	s.clear()
	f := s.office
	f.mu.Lock()
	f.nMail++
	s.mail = f.nMail
	f.attempts = append(f.attempts, Attempt{Mail: s.mail, Session: s.id, From: from, Phase: Mail})
	f.mu.Unlock()
	s.from, s.mailArgs = from, rest
	truth := "250 2.1.0 Sender taken"
	if f.options.RequireAuth && s.user == "" {
		truth = "530 5.7.0 Authentication required"
	}
	said, err := s.answer(Mail, truth)
	if err == nil && !yes(said, "250") && said != "" {
		s.clear()
	}
	return err
}

// rcptTo adds a recipient.
func (s *session) rcptTo(args string) error {
	to, rest, ok := path(args, "TO:")
	switch {
	case s.mail == 0:
		return s.write("503 5.5.1 MAIL comes first")
	case !ok || to == "":
		return s.write("501 5.5.4 RCPT TO:<address> is what I wait for")
	}
	s.to, s.rcptArgs = append(s.to, to), append(s.rcptArgs, rest)
	said, err := s.answer(Rcpt, "250 2.1.5 Recipient taken")
	if !yes(said, "25") {
		s.to, s.rcptArgs = s.to[:len(s.to)-1], s.rcptArgs[:len(s.rcptArgs)-1]
	}
	s.record(func(a *Attempt) { a.To = append([]string(nil), s.to...) })
	return err
}

// data takes the mail.
func (s *session) data() error {
	if len(s.to) == 0 {
		return s.write("503 5.5.1 RCPT comes first")
	}
	said, err := s.answer(Data, "354 End it with a dot on a line of its own")
	if err != nil || !yes(said, "354") {
		return err
	}
	raw, err := s.body()
	if err != nil {
		return err
	}
	if err := s.finish(raw); err != nil {
		return err
	}
	s.clear()
	return nil
}

// body reads the mail to its dot.
func (s *session) body() ([]byte, error) {
	var b bytes.Buffer
	header := true
	for first := true; ; first = false {
		line, err := s.r.R.ReadBytes('\n')
		if err != nil {
			return nil, err
		}
		if string(line) == ".\r\n" {
			return b.Bytes(), nil
		}
		if line[0] == '.' {
			line = line[1:]
		}
		if int64(b.Len()) <= s.office.options.MaxBytes { // one line too much shows that it is too big
			b.Write(line)
		}
		if first {
			if err := s.moment(Body, Before); err != nil {
				return nil, err
			}
		}
		if header && len(bytes.TrimRight(line, "\r\n")) == 0 {
			header = false
			s.id822 = messageID(b.Bytes())
			if err := s.moment(Body, After); err != nil {
				return nil, err
			}
		}
	}
}

// messageID finds the id in a header, without brackets.
func messageID(header []byte) string {
	h, _ := textproto.NewReader(bufio.NewReader(bytes.NewReader(header))).ReadMIMEHeader()
	return strings.Trim(strings.TrimSpace(h.Get("Message-Id")), "<>")
}

// finish decides about the mail, stores it, and answers. What is said at the
// dot decides whether it is stored, unless the fault says otherwise; at
// Answer it is stored already, whatever is said then.
func (s *session) finish(raw []byte) error {
	if s.id822 == "" {
		s.id822 = messageID(raw)
	}
	truth := fmt.Sprintf("250 2.0.0 Kept as mail %d", s.mail)
	if int64(len(raw)) > s.office.options.MaxBytes {
		truth = "552 5.3.4 Too big"
	}
	fault, err := s.consult(Dot, Before)
	if err != nil {
		return err
	}
	muted := fault != nil && fault.Action == Mute
	if fault != nil && fault.Action == Lie {
		truth = fault.Reply
	}
	keep := yes(truth, "2")
	if fault != nil {
		keep = (keep || fault.Keep) && !fault.Lose
	}
	if keep {
		s.stored = true
		s.office.store(Letter{
			From: s.from, To: s.to, Raw: raw, SessionID: s.id, Mail: s.mail, MessageID: s.id822,
			TLS: s.secure, User: s.user, MailArgs: s.mailArgs, RcptArgs: s.rcptArgs,
		})
	}
	if err := s.moment(Dot, After); err != nil || muted {
		return err
	}
	_, err = s.answer(Answer, truth)
	return err
}
