package workflow

import (
	"fmt"

	"postroom"
	"postroom/internal/calendar"
)

// The limits that every automatic mail is held against, whatever workflow sends
// it (A6, W23). Windows are fixed spans.
const (
	MailsOfOneText      = 1    // machine-caused mails with one text, per address and day
	MailsPerAddress     = 3    // machine-caused mails per address and day
	MailsPerMailboxHour = 500  // machine-caused mails per mailbox and hour
	BreakAddress        = 10   // automatic mails per address in ten minutes
	BreakConversation   = 10   // … per conversation
	BreakMailbox        = 5000 // … per mailbox
	BreakWorkflow       = 5000 // … per workflow
)

const (
	dayMS    = int64(24 * 60 * 60 * 1000)
	hourMS   = int64(60 * 60 * 1000)
	tenMinMS = int64(10 * 60 * 1000)
)

// Simulation is what a workflow would have done over some time, as far as one
// run bears on the next: limits, chains, caps on mail, breaker and budget, all
// counted in memory (W35). Moments are to come in order of time. The same
// moments always give the same.
type Simulation struct {
	version *Version
	ran     map[[2]int64]bool // by root and conversation
	runs    map[int64][]simRun
	machine map[int64][]int64 // times of machine-caused mails, by conversation
	rates   map[simKey]int
	paused  bool
}

type simRun struct{ seq, at int64 }

type simKey struct {
	what   string
	key    string
	window int64 // its number
}

// Chance is an event that the When and If of a workflow would let pass.
type Chance struct {
	Conversation, Seq, At int64
	Root                  int64          // of the chain
	RootActor             postroom.Actor // who began it
	Depth                 int
	ClosedSeq             int64 // of the latest close up to the event, 0 if there was none
	Mailbox               int64
	Mails                 []ChanceMail
}

// ChanceMail is a mail that a workflow would send.
type ChanceMail struct {
	To   string // the address, in canonical form
	Text string // what tells one text from another
}

// ChanceOutcome is what comes of a moment: Verdict is Matched or what kept the workflow from
// running, Why says that in a sentence; Held says, for each mail, why it would
// not go out, "" where it would.
type ChanceOutcome struct {
	Verdict Verdict
	Why     string
	Held    []string
}

// NewSimulation returns the simulation of a version that has not run yet.
func NewSimulation(v *Version) *Simulation {
	return &Simulation{version: v, ran: map[[2]int64]bool{}, runs: map[int64][]simRun{}, machine: map[int64][]int64{}, rates: map[simKey]int{}}
}

// Before notes a run from before the time that is simulated, for the limits.
func (s *Simulation) Before(conversation, seq, at int64) {
	s.runs[conversation] = append(s.runs[conversation], simRun{seq, at})
}

// Next says what would have come of the next moment.
func (s *Simulation) Next(m Chance) ChanceOutcome {
	switch used, why := s.version.Definition.Limits.Used(s.counters(m), m.At); {
	case s.paused:
		return ChanceOutcome{Verdict: Paused, Why: "It would have been paused by then: its budget of mails was used up."}
	case s.ran[[2]int64{m.Root, m.Conversation}]:
		return ChanceOutcome{Verdict: ChainRan, Why: "It would have run in this chain already."}
	case m.Depth >= MaxDepth:
		return ChanceOutcome{Verdict: DepthExceeded, Why: "The chain is too long."}
	case used:
		return ChanceOutcome{Verdict: LimitUsed, Why: why}
	}
	s.ran[[2]int64{m.Root, m.Conversation}] = true
	s.runs[m.Conversation] = append(s.runs[m.Conversation], simRun{m.Seq, m.At})
	out := ChanceOutcome{Verdict: Matched}
	for _, mail := range m.Mails {
		out.Held = append(out.Held, s.hold(m, mail))
	}
	return out
}

// counters are what the limits are held against.
func (s *Simulation) counters(m Chance) (n Counters) {
	period := int64(s.version.Definition.Limits.Period) * 60_000
	for _, r := range s.runs[m.Conversation] {
		n.Runs++
		n.LastRunAt = max(n.LastRunAt, r.at)
		if r.seq >= m.ClosedSeq {
			n.RunsSinceClose++
		}
		if r.at > m.At-period {
			n.RunsInPeriod++
		}
	}
	return n
}

// hold counts a mail and says why it would not go out; in the order in which the
// desk asks.
func (s *Simulation) hold(m Chance, mail ChanceMail) string {
	if mail.To == "" {
		return "There is no address to send to."
	}
	box := fmt.Sprint(m.Mailbox)
	if MachineCaused(m.RootActor) {
		n := 0
		for _, at := range s.machine[m.Conversation] {
			if at > m.At-dayMS {
				n++
			}
		}
		if !s.version.Definition.Limits.MailAllowed(m.RootActor, n) {
			return fmt.Sprintf("Limit: machines had caused %d mails on this conversation within a day.", n)
		}
		for _, l := range []struct {
			what, key string
			window    int64
			most      int
			words     string
		}{
			{"text", box + " " + mail.To + " " + mail.Text, dayMS, MailsOfOneText, "Limit: " + mail.To + " had this very text that day already."},
			{"address", mail.To, dayMS, MailsPerAddress, fmt.Sprintf("Limit: %s had %d automatic mails that day already.", mail.To, MailsPerAddress)},
			{"mailbox", box, hourMS, MailsPerMailboxHour, "Limit: the mailbox had sent its automatic mails of that hour."},
		} {
			if s.count(l.what, l.key, m.At, l.window) > l.most {
				return l.words
			}
		}
		s.machine[m.Conversation] = append(s.machine[m.Conversation], m.At)
	}
	if s.count("budget", "", m.At, dayMS) > s.version.Definition.Limits.Budget() {
		s.paused = true
		return "Held back: its budget of mails for the day was used up, and it would have been paused."
	}
	for _, b := range []struct {
		what, key string
		most      int
		words     string
	}{
		{"break to", mail.To, BreakAddress, "to " + mail.To},
		{"break conversation", fmt.Sprint(m.Conversation), BreakConversation, "on this conversation"},
		{"break mailbox", box, BreakMailbox, "from this mailbox"},
		{"break workflow", "", BreakWorkflow, "by this workflow"},
	} {
		if s.count(b.what, b.key, m.At, tenMinMS) > b.most {
			return fmt.Sprintf("Held back by the breaker: more than %d automatic mails %s within ten minutes.", b.most, b.words)
		}
	}
	return ""
}

func (s *Simulation) count(what, key string, at, window int64) int {
	k := simKey{what, key, at / window}
	s.rates[k]++
	return s.rates[k]
}

// Wait is what would have become of the wait that an event began.
type Wait struct {
	Due   int64           // when it would have been due, in milliseconds
	Ended string          // what ended it before, in words; "" if nothing did
	Again bool            // a newer event of its edge began the wait anew
	Event *postroom.Event // its being due, nil if it was ended
}

// Waits simulates the wait that an event begins: later are the events of its
// conversation after it, in order; office is looked at where CountsOffice says so.
// A timed version only. The event of being due
// carries the facts of the latest of these that came before it; its ID is that of
// the event that began the wait, made negative.
func (v *Version) Waits(e *postroom.Event, later []postroom.Event, office *calendar.Calendar, names Names) Wait {
	w := Wait{Due: v.DueAt(e.At, office)}
	after, seq := e.After, e.Seq
	for i := range later {
		x := &later[i]
		if x.Seq <= e.Seq {
			continue
		}
		if x.At > w.Due {
			break
		}
		if w.Ended = v.Ends(x, names); w.Ended != "" {
			return w
		}
		if v.Again() == AgainRestart && v.Listens(x) && v.arms(x) == Armed {
			w.Again = true
			return w
		}
		after, seq = x.After, x.Seq
	}
	w.Event = &postroom.Event{ID: -e.ID, ConversationID: e.ConversationID, Seq: seq, Kind: postroom.TimerDue, Version: postroom.EventVersion,
		Actor: postroom.System, Path: postroom.PathTimer, Cause: e.ID, Root: -e.ID, RootSeq: seq, At: w.Due, FinalAt: w.Due, State: postroom.EventJudged, After: after,
		Payload: postroom.Payload{WorkflowID: v.WorkflowID, Number: v.Number}}
	return w
}

// DueSet is the set that judges a timed version's being due.
func (v *Version) DueSet() *Set { return v.setFor(postroom.TimerDue) }
