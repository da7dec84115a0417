package postoffice

import (
	"strings"
	"time"
)

// Phase is a step of the SMTP dialogue, as the server sees it.
type Phase string

// The phases, in order. For each there is a moment before and one after the
// server answers; where it has nothing to answer, the words say what the two
// moments are.
const (
	Connect  Phase = "connect"  // the connection is open; before and after are the same moment but for their order
	Greeting Phase = "greeting" // before and after the 220
	EHLO     Phase = "ehlo"
	StartTLS Phase = "starttls" // after: 220 was written, the handshake has not begun
	Auth     Phase = "auth"     // all of it was read; before and after the 235
	Mail     Phase = "mail"
	Rcpt     Phase = "rcpt"
	Data     Phase = "data" // the DATA command; before and after the 354
	Body     Phase = "body" // before: its first line was read; after: its header was read; the rest still comes
	Dot      Phase = "dot"  // the final dot was read; before and after the mail is stored
	Answer   Phase = "answer"
)

// Phases returns all phases in order.
func Phases() []Phase {
	return []Phase{Connect, Greeting, EHLO, StartTLS, Auth, Mail, Rcpt, Data, Body, Dot, Answer}
}

// Edge is the moment within a phase.
type Edge string

// The edges. The zero value of a Fault's edge means Before.
const (
	Before Edge = "before" // before the server answers
	After  Edge = "after"  // after the server answered
)

// Event is one moment of one session.
type Event struct {
	Phase   Phase
	Edge    Edge
	Session int // number of the connection, from 1
	Mail    int // number of the MAIL command in the whole office, from 1; 0 before it

	HELO      string
	From      string
	To        []string // at Rcpt with Before: including the one just named, which is the last
	MessageID string   // without brackets; known from Body with After on
	Accepted  bool     // the mail is stored
}

// OnPhase has fn called at every moment of every session, from the session's
// goroutine: the server does nothing until fn returns, so a test can kill the
// client exactly here. Functions are called in the order they were given,
// before a programmed fault of that moment acts.
func (f *Office) OnPhase(fn func(Event)) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.hooks = append(f.hooks, fn)
}

// Match says which moments a fault is for. Every field that is set must fit.
type Match struct {
	Session int    // the nth connection
	Mail    int    // the nth MAIL command
	From    string // envelope sender; letter case does not count
	To      string // at Rcpt the recipient just named, later any recipient
	Func    func(Event) bool
}

// Action is what a fault does.
type Action string

// The actions.
const (
	Cut   Action = "cut"   // close the connection
	Reset Action = "reset" // close it with a TCP reset; what the peer has not read is lost too
	Stall Action = "stall" // do nothing until Release, Fault.Until or Close; then go on as if nothing had been
	Mute  Action = "mute"  // leave the answer out and go on
	Lie   Action = "lie"   // answer with Fault.Reply; with edge After, in addition to the true answer
	Delay Action = "delay" // wait for Fault.Wait, then go on
)

// Fault is what goes wrong, and when.
type Fault struct {
	Match  Match
	Phase  Phase
	Edge   Edge // empty means Before
	Action Action

	// Reply is what Lie says, without the final line end: "550 5.1.1 No such
	// user"; it may have several lines, and need not be SMTP. A reply that is
	// not the yes of the phase leaves the dialogue where it was, so
	// "550 …" at Rcpt refuses the recipient, and 354 at Data answered "250 …"
	// does not read a mail. Said at Dot it is the answer to the mail, and the
	// mail is stored if it is a yes; said at Answer the mail is stored already.
	Reply string

	// Keep stores the mail although Reply refuses it; Lose does not although
	// it is accepted. For Dot with edge Before.
	Keep bool
	Lose bool

	Wait  time.Duration   // for Delay
	Until <-chan struct{} // for Stall: goes on when it is closed
	Times int             // how often at most; 0 means always
}

// Programmed is a fault in force.
type Programmed struct {
	office *Office
	fault  Fault
	hits   int
}

// Program puts a fault in force. At each moment the first that fits acts, in
// the order they were programmed.
func (f *Office) Program(fault Fault) *Programmed {
	if fault.Edge == "" {
		fault.Edge = Before
	}
	p := &Programmed{office: f, fault: fault}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.faults = append(f.faults, p)
	return p
}

// Hits returns how often the fault has acted.
func (p *Programmed) Hits() int {
	p.office.mu.Lock()
	defer p.office.mu.Unlock()
	return p.hits
}

// Remove takes the fault back; what it stalls goes on stalling.
func (p *Programmed) Remove() {
	p.office.mu.Lock()
	defer p.office.mu.Unlock()
	for i, q := range p.office.faults {
		if q == p {
			p.office.faults = append(p.office.faults[:i:i], p.office.faults[i+1:]...)
			return
		}
	}
}

// ClearFaults takes all faults back and releases what they stall.
func (f *Office) ClearFaults() {
	f.mu.Lock()
	f.faults = nil
	f.mu.Unlock()
	f.Release()
}

// Release lets every session that stalls now go on.
func (f *Office) Release() {
	f.mu.Lock()
	defer f.mu.Unlock()
	close(f.release)
	f.release = make(chan struct{})
}

// at tells the hooks of a moment and returns the fault for it, if any, and
// the channel that Release closes.
func (f *Office) at(e Event) (*Fault, <-chan struct{}) {
	f.mu.Lock()
	hooks, faults := f.hooks, f.faults
	f.mu.Unlock()
	for _, h := range hooks {
		h(e)
	}
	for _, p := range faults {
		// Func is the caller's: it may ask the office something, so it is
		// called without the lock.
		if !p.fault.fits(e) {
			continue
		}
		f.mu.Lock()
		spent := p.fault.Times > 0 && p.hits >= p.fault.Times
		if !spent {
			p.hits++
		}
		release := f.release
		f.mu.Unlock()
		if !spent {
			fault := p.fault
			return &fault, release
		}
	}
	return nil, nil
}

// fits says whether the fault is for the moment.
func (t Fault) fits(e Event) bool {
	m := t.Match
	switch {
	case t.Phase != e.Phase || t.Edge != e.Edge:
		return false
	case m.Session != 0 && m.Session != e.Session:
		return false
	case m.Mail != 0 && m.Mail != e.Mail:
		return false
	case m.From != "" && !strings.EqualFold(m.From, e.From):
		return false
	case m.To != "" && !named(m.To, e):
		return false
	}
	return m.Func == nil || m.Func(e)
}

// named says whether address is the recipient of the moment.
func named(address string, e Event) bool {
	to := e.To
	if e.Phase == Rcpt && len(to) > 0 {
		to = to[len(to)-1:]
	}
	for _, t := range to {
		if strings.EqualFold(t, address) {
			return true
		}
	}
	return false
}

// Attempt is what the office knows of one MAIL command, whether or not a mail
// came of it. It is recorded as it goes, so it is true even when the client
// is gone.
type Attempt struct {
	Mail      int // from 1
	Session   int
	From      string
	To        []string // recipients answered with yes
	MessageID string
	Phase     Phase  // the furthest phase reached
	Accepted  bool   // the mail was stored
	Answer    string // the reply to the final dot; "" if none was written
}

// Attempts returns every MAIL command's record, in order.
func (f *Office) Attempts() []Attempt {
	f.mu.Lock()
	defer f.mu.Unlock()
	out := make([]Attempt, len(f.attempts))
	for i, a := range f.attempts {
		a.To = append([]string(nil), a.To...)
		out[i] = a
	}
	return out
}
