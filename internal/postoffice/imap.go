package postoffice

import (
	"bytes"
	"errors"
	"io"
	"log"
	"net"
	"strings"
	"sync"

	"github.com/emersion/go-imap/v2"
	"github.com/emersion/go-imap/v2/imapclient"
	"github.com/emersion/go-imap/v2/imapserver"
	"github.com/emersion/go-imap/v2/imapserver/imapmemserver"
	"github.com/emersion/go-sasl"
)

// IMAPCommand is a command at which a fault can act.
type IMAPCommand string

// The commands.
const (
	IMAPLogin  IMAPCommand = "LOGIN" // AUTHENTICATE too
	IMAPSelect IMAPCommand = "SELECT"
	IMAPSearch IMAPCommand = "SEARCH"
	IMAPFetch  IMAPCommand = "FETCH"
	IMAPBody   IMAPCommand = "FETCH BODY" // a FETCH that asks for texts
	IMAPIdle   IMAPCommand = "IDLE"
	IMAPStore  IMAPCommand = "STORE"
	IMAPMove   IMAPCommand = "MOVE"
	IMAPAppend IMAPCommand = "APPEND"
)

// IMAPFault is what goes wrong with an IMAP command.
type IMAPFault struct {
	Command IMAPCommand
	Address string // of the account; "" is any
	// Refuse is the answer: "[OVERQUOTA] The mailbox is full". Without it the
	// connection is cut.
	Refuse string
	// After does what was asked before it refuses or cuts: for APPEND.
	After bool
	Times int // how often at most; 0 means always
}

// ProgrammedIMAP is a fault in force.
type ProgrammedIMAP struct {
	boxes *mailboxes
	fault IMAPFault
	hits  int
}

// ProgramIMAP puts a fault of the IMAP side in force.
func (f *Office) ProgramIMAP(fault IMAPFault) *ProgrammedIMAP {
	p := &ProgrammedIMAP{boxes: f.boxes, fault: fault}
	f.boxes.mu.Lock()
	defer f.boxes.mu.Unlock()
	f.boxes.faults = append(f.boxes.faults, p)
	return p
}

// Hits returns how often the fault has acted.
func (p *ProgrammedIMAP) Hits() int {
	p.boxes.mu.Lock()
	defer p.boxes.mu.Unlock()
	return p.hits
}

// Remove takes the fault back.
func (p *ProgrammedIMAP) Remove() {
	p.boxes.mu.Lock()
	defer p.boxes.mu.Unlock()
	for i, q := range p.boxes.faults {
		if q == p {
			p.boxes.faults = append(p.boxes.faults[:i:i], p.boxes.faults[i+1:]...)
			return
		}
	}
}

// IMAPCommands counts how often a command was given.
func (f *Office) IMAPCommands(c IMAPCommand) int {
	f.boxes.mu.Lock()
	defer f.boxes.mu.Unlock()
	return f.boxes.commands[c]
}

// IMAPConnections counts the open IMAP connections.
func (f *Office) IMAPConnections() int {
	f.boxes.mu.Lock()
	defer f.boxes.mu.Unlock()
	return len(f.boxes.sockets)
}

// Deafen makes the IMAP side half-open: connections stay, and nothing that is
// said on them arrives. It is what a router does that forgot a connection.
// Connections that are made while it lasts are deaf from the start.
func (f *Office) Deafen(deaf bool) {
	f.boxes.mu.Lock()
	defer f.boxes.mu.Unlock()
	f.boxes.deaf = deaf
}

// StopIMAP ends all IMAP connections, with words if there are any, and refuses
// new ones until StartIMAP.
func (f *Office) StopIMAP(words string) {
	f.boxes.mu.Lock()
	var sessions []*imapserver.Conn
	for c := range f.boxes.sessions {
		sessions = append(sessions, c)
	}
	clear(f.boxes.sessions)
	f.boxes.mu.Unlock()
	if words != "" {
		for _, c := range sessions {
			_ = c.Bye(words)
		}
	}
	f.mu.Lock()
	server, ln := f.imap, f.imapL
	f.mu.Unlock()
	ln.Close()
	server.Close()
}

// StartIMAP serves IMAP again after StopIMAP, on the same port.
func (f *Office) StartIMAP() error {
	ln, err := net.Listen("tcp", f.IMAPAddr())
	if err != nil {
		return err
	}
	f.serveIMAP(ln)
	return nil
}

func (f *Office) serveIMAP(ln net.Listener) {
	server := f.boxes.server(f.cert.server)
	f.mu.Lock()
	f.imapL, f.imap = ln, server
	f.mu.Unlock()
	f.wg.Go(func() { _ = server.Serve(imapListener{ln, f.boxes}) }) // ends with Close
}

// imapListener hands out connections that can be deafened.
type imapListener struct {
	net.Listener
	boxes *mailboxes
}

// Accept waits for a connection.
func (l imapListener) Accept() (net.Conn, error) {
	c, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	s := &imapSocket{Conn: c, boxes: l.boxes}
	l.boxes.mu.Lock()
	defer l.boxes.mu.Unlock()
	l.boxes.sockets[s] = struct{}{}
	return s, nil
}

// imapSocket is a connection of which what is written may be lost.
type imapSocket struct {
	net.Conn
	boxes *mailboxes
}

func (s *imapSocket) Write(p []byte) (int, error) {
	s.boxes.mu.Lock()
	deaf, idle := s.boxes.deaf, s.boxes.idle
	s.boxes.mu.Unlock()
	if deaf {
		return len(p), nil
	}
	if !idle && bytes.Contains(p, []byte("CAPABILITY")) {
		// The library offers IDLE whether or not it is wanted.
		if _, err := s.Conn.Write(bytes.ReplaceAll(p, []byte(" IDLE"), nil)); err != nil {
			return 0, err
		}
		return len(p), nil
	}
	return s.Conn.Write(p)
}

func (s *imapSocket) Close() error {
	s.boxes.mu.Lock()
	delete(s.boxes.sockets, s)
	s.boxes.mu.Unlock()
	return s.Conn.Close()
}

// reader is an IMAP session; the account is there from Login on.
type reader struct {
	*imapmemserver.UserSession
	boxes   *mailboxes
	conn    *imapserver.Conn
	address string
}

// Close ends the session.
func (r *reader) Close() error {
	r.boxes.mu.Lock()
	delete(r.boxes.sessions, r.conn)
	r.boxes.mu.Unlock()
	return r.UserSession.Close()
}

// at counts a command and lets the fault for it act; do is what was asked.
func (r *reader) at(c IMAPCommand, do func() error) error {
	r.boxes.mu.Lock()
	r.boxes.commands[c]++
	var hit *IMAPFault
	for _, p := range r.boxes.faults {
		if p.fault.Command == c && (p.fault.Address == "" || strings.EqualFold(p.fault.Address, r.address)) && (p.fault.Times == 0 || p.hits < p.fault.Times) {
			p.hits++
			hit = &p.fault
			break
		}
	}
	r.boxes.mu.Unlock()
	if hit == nil {
		return do()
	}
	if hit.After {
		if err := do(); err != nil {
			return err
		}
	}
	if hit.Refuse == "" {
		r.conn.NetConn().Close()
		return errors.New("cut")
	}
	return refusal(hit.Refuse)
}

// refusal reads "[CODE] text".
func refusal(words string) error {
	e := &imap.Error{Type: imap.StatusResponseTypeNo, Text: words}
	if rest, ok := strings.CutPrefix(words, "["); ok {
		if code, text, ok := strings.Cut(rest, "]"); ok {
			e.Code, e.Text = imap.ResponseCode(code), strings.TrimSpace(text)
		}
	}
	return e
}

// Login opens the account of the address.
func (r *reader) Login(address, password string) error {
	r.address = address
	return r.at(IMAPLogin, func() error {
		u := r.boxes.user(address)
		if err := u.Login(strings.ToLower(address), password); err != nil {
			return err
		}
		r.UserSession = imapmemserver.NewUserSession(u)
		return nil
	})
}

// AuthenticateMechanisms lists the ways to sign in.
func (r *reader) AuthenticateMechanisms() []string {
	if r.boxes.byToken {
		return []string{"PLAIN", "XOAUTH2"}
	}
	return []string{"PLAIN"}
}

// Authenticate begins a way to sign in.
func (r *reader) Authenticate(mechanism string) (sasl.Server, error) {
	switch {
	case mechanism == "PLAIN":
		return sasl.NewPlainServer(func(_, user, password string) error { return r.Login(user, password) }), nil
	case mechanism == "XOAUTH2" && r.boxes.byToken:
		return &tokenServer{r: r}, nil
	}
	return nil, refusal("[CANNOT] That mechanism is not offered")
}

// tokenServer is the server's side of XOAUTH2 as Gmail speaks it: a no is first
// given as JSON, and only after the client's empty answer as a no.
type tokenServer struct {
	r       *reader
	refused bool
}

// Next takes the client's next message.
func (s *tokenServer) Next(response []byte) (challenge []byte, done bool, err error) {
	if s.refused {
		return nil, false, refusal("[AUTHENTICATIONFAILED] Invalid credentials (Failure)")
	}
	if response == nil {
		return nil, false, nil
	}
	user, token := bearer(string(response))
	if !s.r.boxes.admits(user, token) {
		s.refused = true
		return []byte(tokenRefused), false, nil
	}
	return nil, true, s.r.Login(user, s.r.boxes.password)
}

// tokenRefused is how Gmail says first that a token is not good.
const tokenRefused = `{"status":"400","schemes":"Bearer","scope":"https://mail.postoffice.test/"}`

// bearer reads the one message of XOAUTH2.
func bearer(message string) (user, token string) {
	for i, f := range strings.Split(message, "\x01") {
		if i == 0 {
			user = strings.TrimPrefix(f, "user=")
		}
		if t, ok := strings.CutPrefix(f, "auth=Bearer "); ok {
			token = t
		}
	}
	return user, token
}

// Select opens a folder.
func (r *reader) Select(name string, o *imap.SelectOptions) (data *imap.SelectData, err error) {
	err = r.at(IMAPSelect, func() (err error) {
		data, err = r.UserSession.Select(name, o)
		return err
	})
	return data, err
}

// List lists the folders; that for sent mail says what it is for.
func (r *reader) List(w *imapserver.ListWriter, ref string, patterns []string, o *imap.ListOptions) error {
	for _, name := range r.folders() {
		for _, p := range patterns {
			if !imapserver.MatchList(name, '/', ref, p) {
				continue
			}
			l := &imap.ListData{Mailbox: name, Delim: '/'}
			if name == "Sent" {
				l.Attrs = append(l.Attrs, imap.MailboxAttrSent)
			}
			if err := w.WriteList(l); err != nil {
				return err
			}
			break
		}
	}
	return nil
}

// knownFolders are those that an account can have here.
var knownFolders = []string{"INBOX", "Archive", "Done", "Old", "Sent", "Support"}

// folders lists the account's folders by name.
func (r *reader) folders() []string {
	var out []string
	for _, name := range knownFolders {
		if _, err := r.UserSession.Status(name, &imap.StatusOptions{}); err == nil {
			out = append(out, name)
		}
	}
	return out
}

// Search looks for mails.
func (r *reader) Search(kind imapserver.NumKind, criteria *imap.SearchCriteria, o *imap.SearchOptions) (data *imap.SearchData, err error) {
	err = r.at(IMAPSearch, func() (err error) {
		data, err = r.UserSession.Search(kind, criteria, o)
		return err
	})
	return data, err
}

// Fetch gives mails out.
func (r *reader) Fetch(w *imapserver.FetchWriter, set imap.NumSet, o *imap.FetchOptions) error {
	return r.at(IMAPFetch, func() error {
		if len(o.BodySection) == 0 {
			return r.UserSession.Fetch(w, set, o)
		}
		return r.at(IMAPBody, func() error { return r.UserSession.Fetch(w, set, o) })
	})
}

// Idle tells of new mail until the client has heard enough.
func (r *reader) Idle(w *imapserver.UpdateWriter, stop <-chan struct{}) error {
	return r.at(IMAPIdle, func() error { return r.UserSession.Idle(w, stop) })
}

// Store changes flags.
func (r *reader) Store(w *imapserver.FetchWriter, set imap.NumSet, flags *imap.StoreFlags, o *imap.StoreOptions) error {
	return r.at(IMAPStore, func() error { return r.UserSession.Store(w, set, flags, o) })
}

// Move moves mails into another folder.
func (r *reader) Move(w *imapserver.MoveWriter, set imap.NumSet, to string) error {
	return r.at(IMAPMove, func() error { return r.UserSession.Move(w, set, to) })
}

// Append takes a mail.
func (r *reader) Append(folder string, raw imap.LiteralReader, o *imap.AppendOptions) (data *imap.AppendData, err error) {
	err = r.at(IMAPAppend, func() (err error) {
		data, err = r.UserSession.Append(folder, raw, o)
		return err
	})
	return data, err
}

// inside is a connection to an account that no fault reaches; it must be
// closed.
func (m *mailboxes) inside(address string) (*imapclient.Client, func()) {
	u := m.user(address)
	server := imapserver.New(&imapserver.Options{
		NewSession: func(*imapserver.Conn) (imapserver.Session, *imapserver.GreetingData, error) {
			return imapmemserver.NewUserSession(u), &imapserver.GreetingData{PreAuth: true}, nil
		},
		Caps: imap.CapSet{imap.CapIMAP4rev2: {}}, Logger: log.New(io.Discard, "", 0), InsecureAuth: true,
	})
	ours, theirs := net.Pipe()
	ln := &oneConn{conn: theirs, closed: make(chan struct{})}
	served := make(chan struct{})
	go func() {
		defer close(served)
		_ = server.Serve(ln) // ends with Close
	}()
	c := imapclient.New(ours, nil)
	return c, func() {
		c.Close()
		ln.Close()
		server.Close()
		<-served
	}
}

// oneConn is a listener to which one connection comes.
type oneConn struct {
	conn   net.Conn
	taken  bool
	closed chan struct{}
	once   sync.Once
}

// Accept returns the connection, and then waits to be closed.
func (l *oneConn) Accept() (net.Conn, error) {
	if !l.taken {
		l.taken = true
		return l.conn, nil
	}
	<-l.closed
	return nil, net.ErrClosed
}

func (l *oneConn) Close() error {
	l.once.Do(func() { close(l.closed) })
	return nil
}

// Addr is nobody's.
func (l *oneConn) Addr() net.Addr { return &net.UnixAddr{} }
