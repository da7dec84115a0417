package promise

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"postroom"
	"postroom/internal/workflow"
)

// State says where a watched promise stands on one event.
type State string

// The states. Late and Broken can still become Kept or Explained.
const (
	Waiting   State = "waiting"   // its time has not come
	Late      State = "late"      // its time is over; what must follow is under way and says why it waits
	Kept      State = "kept"      //
	Explained State = "explained" // it did not follow, and there are words that say why not
	Broken    State = "broken"    // it did not follow, and nothing says why
	Dropped   State = "dropped"   // not watched any more: switched off, deleted
)

// Case is what is known when a promise is judged about one event.
type Case struct {
	Event postroom.Event   // that began it
	Later []postroom.Event // of its conversation, without those undone, in order
	Mails []SentMail       // to the customer, in the order in which they leave
	Said  []Said           // what workflows that mail the customer said to the event
	DueAt int64            // milliseconds
	Now   int64            // milliseconds
	Gone  string           // why nothing is done on the conversation any more, "" if it lives
}

// SentMail is a mail to the customer.
type SentMail struct {
	ID         int64
	Event, Seq int64 // the event that decided it
	Workflow   int64 // that made it, 0 for a person
	State      postroom.MailState
	Words      string // why, in words
	Waits      string // of one that has no end: why it waits, "" if nothing keeps it
	EndedAt    int64
}

// Said is what one workflow said to the event, and what came of it.
type Said struct {
	Workflow int64
	Name     string
	Verdict  workflow.Verdict
	Apart    bool   // it listens for changes to something else: it is not about such an event
	Failed   string // its run ended in this error
	Reason   string // why its reply was not made, though it matched
}

// Outcome is what came of it.
type Outcome struct {
	State State
	Words string  // for people, one sentence or several
	At    int64   // when it followed, 0 if it did not
	Mails []int64 // those it is about
	Again int64   // when to look again at the latest, in milliseconds; 0 once it has ended for good
}

// Judge says what came of the promise on one event. It gives the same for the
// same.
func (v *Version) Judge(c Case) Outcome {
	var out Outcome
	if v.Definition.Expect.Event != nil {
		out = v.events(c)
	} else {
		out = v.mails(c)
	}
	switch out.State {
	case Waiting:
		if out.Again == 0 {
			out.Again = c.DueAt
		}
	case Late, Broken:
		out.Again = again(c)
	}
	return out
}

// giveUp is how long after its time a promise that was not kept is still looked
// at, in milliseconds.
const giveUp = 30 * 24 * 60 * 60_000

// again spreads the looks at what is late: soon at first, then less and less.
func again(c Case) int64 {
	late := max(c.Now-c.DueAt, 0)
	if late >= giveUp {
		return 0
	}
	return c.Now + min(max(late, 60_000), 6*60*60_000)
}

// events judges what must follow as an event.
func (v *Version) events(c Case) Outcome {
	var in, late, open []postroom.Event
	for _, e := range c.Later {
		switch {
		case e.Seq <= c.Event.Seq || !v.expect.Listens(&e):
		case e.FinalAt > c.Now && e.At <= c.DueAt:
			open = append(open, e)
		case e.At <= c.DueAt:
			in = append(in, e)
		default:
			late = append(late, e)
		}
	}
	what := upper(workflow.EventLabel(v.Definition.Expect.Event.Event))
	times := v.Definition.Expect.Times
	over := c.Now >= c.DueAt
	switch {
	case times == NotOnce && len(in) > 0:
		return Outcome{State: Broken, At: in[0].At, Words: what + ", which was not to happen."}
	case times == Once && len(in) > 1:
		return Outcome{State: Broken, At: in[1].At, Words: fmt.Sprintf("%s %d times instead of once.", what, len(in))}
	case times == Some && len(in) > 0:
		return Outcome{State: Kept, At: in[0].At, Words: what + "."}
	case !over:
		return Outcome{State: Waiting}
	case len(open) > 0:
		return Outcome{State: Waiting, Again: open[0].FinalAt, Words: "It can still be undone."}
	case times == NotOnce:
		return Outcome{State: Kept, Words: "It did not happen."}
	case len(in) == 1:
		return Outcome{State: Kept, At: in[0].At, Words: what + "."}
	case len(late) > 0:
		return Outcome{State: Kept, At: late[0].At, Words: what + ", " + Span(late[0].At-c.DueAt) + " late."}
	case c.Gone != "":
		return Outcome{State: Explained, Words: c.Gone}
	}
	return Outcome{State: Broken, Words: "It did not happen in time: " + workflow.EventLabel(v.Definition.Expect.Event.Event) + "."}
}

// mails judges what must follow as a mail that was accepted.
func (v *Version) mails(c Case) Outcome {
	var accepted, open, ended []SentMail
	for _, m := range v.about(c) {
		switch {
		case m.State == postroom.MailDone:
			accepted = append(accepted, m)
		case !m.State.Ended():
			open = append(open, m)
		default:
			ended = append(ended, m)
		}
	}
	times := v.Definition.Expect.Times
	over := c.Now >= c.DueAt
	inTime := slices.DeleteFunc(slices.Clone(accepted), func(m SentMail) bool { return m.EndedAt > c.DueAt })
	out := Outcome{}
	for _, m := range slices.Concat(accepted, open, ended) {
		out.Mails = append(out.Mails, m.ID)
	}
	switch {
	case times == NotOnce && len(inTime) > 0:
		return out.with(Broken, "A mail went out that was not to go.", inTime[0].EndedAt)
	case times == Once && len(accepted) > 1:
		return out.with(Broken, fmt.Sprintf("%d mails went out instead of one.", len(accepted)), accepted[1].EndedAt)
	case times == Some && len(inTime) > 0:
		return out.with(Kept, "The mail was accepted.", inTime[0].EndedAt)
	case !over:
		return out.with(Waiting, "", 0)
	case times == NotOnce:
		return out.with(Kept, "No mail went out.", 0)
	case times == Once && len(accepted)+len(open) > 1 && len(accepted) > 0:
		return out.with(Broken, fmt.Sprintf("%d mails were made instead of one; not all of them have gone out yet.", len(accepted)+len(open)), 0)
	case len(accepted) > 0:
		words := "The mail was accepted."
		if late := accepted[0].EndedAt - c.DueAt; late > 0 {
			words = "The mail was accepted, " + Span(late) + " late."
		}
		return out.with(Kept, words, accepted[0].EndedAt)
	case len(open) > 0:
		return v.late(out, open)
	}
	return v.why(out, c, ended)
}

func (o Outcome) with(s State, words string, at int64) Outcome {
	o.State, o.Words, o.At = s, words, at
	return o
}

// late judges mails that are still under way when the time is over.
func (v *Version) late(out Outcome, open []SentMail) Outcome {
	for _, m := range open {
		if m.Waits == "" {
			return out.with(Broken, "The mail is late, and nothing says what it waits for.", 0)
		}
	}
	return out.with(Late, "The mail is late: "+sentence(open[0].Waits), 0)
}

// why says what became of a mail that did not go out, and whether anything says
// so: a workflow that was judged and did not match, a limit, what overtook it,
// the words with which a mail ended.
func (v *Version) why(out Outcome, c Case, ended []SentMail) Outcome {
	var words []string
	broken := false
	for _, m := range ended {
		words = append(words, sentence("The mail was "+strings.ReplaceAll(string(m.State), "_", " ")+reason(m.Words)))
	}
	if len(ended) == 0 && v.Definition.Expect.Mail == MailOfWorkflow {
		for _, s := range c.Said {
			if s.Apart || v.Definition.Expect.Workflow != 0 && s.Workflow != v.Definition.Expect.Workflow {
				continue
			}
			text, known := s.words()
			broken = broken || !known
			words = append(words, text)
		}
	}
	switch {
	case len(words) > 0 && !broken:
		return out.with(Explained, strings.Join(words, " "), 0)
	case c.Gone != "":
		return out.with(Explained, c.Gone, 0)
	case len(words) > 0:
		return out.with(Broken, strings.Join(words, " "), 0)
	case v.Definition.Expect.Mail == MailOfAnybody:
		return out.with(Broken, "Nobody wrote to the customer in time.", 0)
	case v.Definition.Expect.Workflow != 0:
		return out.with(Broken, "The workflow that was to write does not listen for this.", 0)
	}
	return out.with(Broken, "No workflow that mails the customer listens for this.", 0)
}

// words says why a workflow sent nothing; false where that is a fault and no
// reason.
func (s Said) words() (string, bool) {
	name := "“" + s.Name + "”"
	switch {
	case s.Failed != "":
		return sentence(name + " failed" + reason(s.Failed)), false
	case s.Verdict == workflow.Matched && s.Reason == "":
		return name + " matched and sent nothing.", false
	case s.Verdict == workflow.Matched:
		return sentence(name + " sent nothing" + reason(s.Reason)), true
	case s.Verdict == workflow.Armed:
		return name + " still waits for its time.", true
	}
	return name + ": " + s.Verdict.String() + ".", true
}

// about are the mails that count: a workflow's only if the event led to it.
func (v *Version) about(c Case) []SentMail {
	x := v.Definition.Expect
	led := map[int64]bool{c.Event.ID: true}
	for _, e := range c.Later { // in order, so that causes come before what they caused
		if led[e.Cause] {
			led[e.ID] = true
		}
	}
	var out []SentMail
	for _, m := range c.Mails {
		switch {
		case x.Mail == MailOfAnybody && m.Seq > c.Event.Seq:
		case x.Mail == MailOfWorkflow && m.Workflow != 0 && led[m.Event] && (x.Workflow == 0 || m.Workflow == x.Workflow):
		default:
			continue
		}
		out = append(out, m)
	}
	return out
}

func reason(words string) string {
	if words == "" {
		return ""
	}
	return ": " + words
}

// sentence ends words as a sentence ends.
func sentence(words string) string {
	words = strings.TrimSpace(words)
	if words == "" || strings.HasSuffix(words, ".") || strings.HasSuffix(words, "!") || strings.HasSuffix(words, "?") {
		return words
	}
	return words + "."
}

func upper(s string) string {
	if s == "" {
		return s
	}
	return strings.ToUpper(s[:1]) + s[1:]
}

// Span says milliseconds in the largest whole unit, as in "3 minutes".
func Span(ms int64) string {
	for _, u := range []struct {
		ms   int64
		word string
	}{{24 * 60 * 60_000, "day"}, {60 * 60_000, "hour"}, {60_000, "minute"}, {1000, "second"}} {
		if n := ms / u.ms; n == 1 {
			return "1 " + u.word
		} else if n > 1 {
			return strconv.FormatInt(n, 10) + " " + u.word + "s"
		}
	}
	return "less than a second"
}
