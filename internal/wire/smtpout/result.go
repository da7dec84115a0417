package smtpout

import (
	"fmt"
	"strings"
	"time"
)

// Phase is how far an attempt got. A phase is entered before its first byte
// is written, so an attempt that stopped in a phase may or may not have been
// heard in it.
type Phase string

// The phases, in order.
const (
	PhaseDNS      Phase = "dns"      // the server's name is resolved
	PhaseConnect  Phase = "connect"  // TCP
	PhaseGreeting Phase = "greeting" // the server's first reply
	PhaseEHLO     Phase = "ehlo"
	PhaseStartTLS Phase = "starttls" // the STARTTLS command, and every TLS handshake
	PhaseAuth     Phase = "auth"
	PhaseMail     Phase = "mail"
	PhaseRcpt     Phase = "rcpt"
	PhaseData     Phase = "data"   // the DATA command
	PhaseBody     Phase = "body"   // the mail, without its terminating dot
	PhaseDot      Phase = "dot"    // the terminating dot is being written
	PhaseAnswer   Phase = "answer" // the dot has left, the reply is awaited or was read
)

// Order returns the place of p among the phases, from 1; 0 for a word that is
// no phase.
func (p Phase) Order() int {
	switch p {
	case PhaseDNS:
		return 1
	case PhaseConnect:
		return 2
	case PhaseGreeting:
		return 3
	case PhaseEHLO:
		return 4
	case PhaseStartTLS:
		return 5
	case PhaseAuth:
		return 6
	case PhaseMail:
		return 7
	case PhaseRcpt:
		return 8
	case PhaseData:
		return 9
	case PhaseBody:
		return 10
	case PhaseDot:
		return 11
	case PhaseAnswer:
		return 12
	}
	return 0
}

// Before says whether p comes earlier than q.
func (p Phase) Before(q Phase) bool { return p.Order() < q.Order() }

// Outcome is what became of one mail for one recipient.
type Outcome string

// The four outcomes.
const (
	Accepted  Outcome = "accepted"  // the server took it (2xx to the dot)
	Refused   Outcome = "refused"   // for good (5xx, or the server cannot carry it)
	Temporary Outcome = "temporary" // certainly not taken; may be tried again
	Uncertain Outcome = "uncertain" // the dot left, no reply was read: only the server knows
)

// Recipient is the result for one recipient.
type Recipient struct {
	Address  string
	Outcome  Outcome
	Code     int    // the SMTP reply code; 0 when no reply decided it
	Enhanced string // "5.1.1"; empty when the server gave none (RFC 2034)
	Text     string // the server's words, or ours when Code is 0
	Phase    Phase  // where it was decided
	Class    Class  // what to do about it; empty when accepted
}

// Result is what one attempt came to. Recipients has one entry for each
// address of the envelope, in its order.
type Result struct {
	Recipients []Recipient
	Phase      Phase // the furthest phase entered

	ServerName string // as the greeting or the EHLO reply names it
	ServerIP   string
	TLSVersion string // "TLS 1.3"; empty in plain text

	// DotWritten is true once the last byte of the terminating dot was given
	// to the connection, or may have been.
	DotWritten bool

	// Fenced is true when Hooks.BeforeData or Hooks.BeforeDot stopped the
	// attempt: nothing was sent and nothing may be recorded by a worker that lost its lease.
	Fenced bool

	// Stale is true when a reused connection turned out to be closed before
	// the server read anything of this mail: dial again, no try was spent.
	Stale bool

	// Reusable says whether the connection may carry another mail. It is
	// false after any reply that was not read or not understood.
	Reusable bool

	// Fault is why the attempt ended early; nil when it ran to an answer. A
	// refusal by the server of single recipients is no fault.
	Fault *Fault

	Dialogue []Line
}

// All returns whether every recipient has the outcome o.
func (r Result) All(o Outcome) bool {
	for _, rcpt := range r.Recipients {
		if rcpt.Outcome != o {
			return false
		}
	}
	return len(r.Recipients) > 0
}

// Fault is a reply that ends an attempt, or the lack of one.
type Fault struct {
	Phase    Phase
	Code     int    // the SMTP reply code; 0 when there was no reply
	Enhanced string // "4.7.0"; empty if none
	Text     string // the server's words, or a sentence of ours
	Timeout  bool   // a wait of Timeouts ran out
	Err      error  // the cause, for the log; may be nil

	permanent bool   // ours: no reply, yet trying again is no use
	stop      bool   // ours: the settings of the channel cannot work
	Dialogue  []Line // what was said up to here; only on a fault of Dial
}

// Error returns the phase and the words.
func (f *Fault) Error() string {
	var b strings.Builder
	fmt.Fprintf(&b, "smtp %s: ", f.Phase)
	if f.Code != 0 {
		fmt.Fprintf(&b, "%d ", f.Code)
	}
	if f.Enhanced != "" {
		b.WriteString(f.Enhanced + " ")
	}
	b.WriteString(f.Text)
	if f.Err != nil && !strings.Contains(f.Text, f.Err.Error()) {
		b.WriteString(": " + f.Err.Error())
	}
	return b.String()
}

// Unwrap returns the cause.
func (f *Fault) Unwrap() error { return f.Err }

// ChannelWide says whether the fault is about the server or the account and
// would meet every mail alike: everything up to AUTH, and what Classify calls
// a matter of the channel.
func (f *Fault) ChannelWide() bool {
	if f.permanent && !f.stop {
		return false
	}
	return f.Phase.Before(PhaseMail) || Classify(f).Channel()
}

// Line is one line of a dialogue. Credentials and the body of the mail are
// never in it.
type Line struct {
	At   time.Time
	From Side
	Text string
}

// Side is who said a line.
type Side string

// The sides. A note is a remark of ours on what happened between the lines.
const (
	Client Side = "client"
	Peer   Side = "server"
	Note   Side = "note"
)

// String returns the line as a log shows it: "C: MAIL FROM:<…>".
func (l Line) String() string {
	switch l.From {
	case Client:
		return "C: " + l.Text
	case Peer:
		return "S: " + l.Text
	}
	return "* " + l.Text
}
