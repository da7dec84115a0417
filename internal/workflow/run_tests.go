package workflow

import (
	"fmt"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"

	"postroom"
	"postroom/internal/template"
)

// TestWorld is what a test knows of the desk, for texts: who the agents and
// mailboxes are whose ids stand in it. Each part may be nil.
type TestWorld struct {
	Names   Names
	Agent   func(id int64) *postroom.Agent
	Mailbox func(id int64) *postroom.Mailbox
	Zone    *time.Location // times in texts are written in it; nil is UTC
}

// TestResult is what came of one test.
type TestResult struct {
	Name        string       `json:"name"`
	Green       bool         `json:"green"`
	Verdict     string       `json:"verdict,omitempty"`     // the word for it
	Reason      string       `json:"reason,omitempty"`      // the verdict in words, with its particulars
	Differences []Difference `json:"differences,omitempty"` // why it is red
}

// Difference is one thing that did not come out as expected.
type Difference struct {
	What     string `json:"what"` // "the verdict", "effect 2"
	Expected string `json:"expected"`
	Actual   string `json:"actual"`
}

// String says the difference in one line.
func (d Difference) String() string {
	return d.What + ": expected " + d.Expected + ", and it is " + d.Actual
}

// RunTest judges the event of a test by one version, alone and switched on,
// renders what it wants done and holds both against what is expected. It is
// pure: the same test of the same version always comes out the same. A test
// that is faulty is red, with its faults.
func (v *Version) RunTest(t Test, w TestWorld) TestResult {
	res, _ := v.runTest(t, w)
	return res
}

func (v *Version) runTest(t Test, w TestWorld) (TestResult, []Wish) {
	out := TestResult{Name: t.Name}
	if faults := t.Check(); len(faults) > 0 {
		for _, f := range faults {
			out.Differences = append(out.Differences, Difference{"the test", "one that can be run", f.Path + ": " + f.Text})
		}
		return out, nil
	}
	e := t.event(v.MailboxID)
	if OwnEvent(e.Kind) {
		e.Payload.WorkflowID, e.Payload.Number = v.WorkflowID, v.Number
	}
	record := t.record(e)
	facts := testFacts{t.Given, e.At, NewFacts(record)}
	set := v.setFor(e.Kind)
	all, j := Explain(set, e, facts, t.inputs(v.WorkflowID, e.At), w.Names)
	out.Verdict, out.Reason = otherEvent, "It does not listen for this event."
	if len(all) > 0 {
		out.Verdict, out.Reason = VerdictKey(all[0].Verdict), all[0].Reason
	}
	if !fits(t.Expect.Verdict, out.Verdict) {
		out.differ("the verdict", t.Expect.Verdict, out.Verdict+". "+out.Reason)
	}
	var wishes []Wish
	if len(j.Matches) > 0 {
		var err error
		if wishes, err = Plan(v, template.Options{Untrusted: !t.verified(), Zone: w.Zone}, w.values(v, t, e, record).Value, w.Names); err != nil {
			out.differ("the texts", "texts that can be written", postroom.TextOf(err))
		}
	}
	if t.Expect.Verdict == VerdictKey(Matched) && len(j.Matches) > 0 {
		out.effects(t.Expect, v, wishes)
		out.mails(t.Expect, wishes)
	}
	out.Green = len(out.Differences) == 0
	return out, wishes
}

func (r *TestResult) differ(what, expected, actual string) {
	r.Differences = append(r.Differences, Difference{what, expected, actual})
}

// fits reports whether a verdict is the expected one.
func fits(expected, actual string) bool {
	if expected == NotMatched {
		return slices.Contains([]string{otherEvent, VerdictKey(Filtered), VerdictKey(NotMet), VerdictKey(Undecided), VerdictKey(OtherMailbox)}, actual)
	}
	return expected == actual
}

// values are what texts are rendered from.
func (w TestWorld) values(v *Version, t Test, e *postroom.Event, r Record) Values {
	out := Values{Event: e, Subject: *r.Subject, Customer: r.Customer, Workflow: v.Name, Texts: r.Texts, Fields: w.Names}
	if e.After.MailboxID != 0 && w.Mailbox != nil {
		out.Mailbox = w.Mailbox(e.After.MailboxID)
	}
	if e.After.AssigneeID != 0 && w.Agent != nil {
		out.Assignee = w.Agent(e.After.AssigneeID)
	}
	if e.After.TeamID != 0 && w.Names != nil {
		out.Team = w.Names(RefTeam, e.After.TeamID)
	}
	if e.Actor.Kind == postroom.ByAgent && e.Actor.ID != 0 && w.Agent != nil {
		out.Actor = w.Agent(e.Actor.ID)
	}
	return out
}

// effects holds what is wanted against what is expected.
func (r *TestResult) effects(x Expect, v *Version, wishes []Wish) {
	if x.Effects == nil {
		return
	}
	for i := range max(len(x.Effects), len(wishes)) {
		what := fmt.Sprintf("effect %d", i+1)
		switch {
		case i >= len(wishes):
			r.differ(what, string(x.Effects[i].Do), "missing")
		case i >= len(x.Effects):
			r.differ(what, "none", wishes[i].Detail)
		default:
			x.Effects[i].hold(r, what, v.Definition.Then[wishes[i].Position], wishes[i])
		}
	}
}

// hold compares one effect.
func (x ExpectedEffect) hold(r *TestResult, what string, a Action, w Wish) {
	if x.Do != a.Do {
		r.differ(what, string(x.Do), w.Detail)
		return
	}
	want, have := reflect.ValueOf(x.Action), reflect.ValueOf(a)
	for i := range want.NumField() {
		f := want.Type().Field(i)
		key, _, _ := strings.Cut(f.Tag.Get("json"), ",")
		switch {
		case f.Name == "Do" || want.Field(i).IsZero():
		case f.Name == "Text":
			if strings.TrimSpace(x.Text) != strings.TrimSpace(w.Text) {
				r.differ(what+", "+key, strconv.Quote(x.Text), quoteShort(w.Text))
			}
		case f.Name == "HTML":
			if strings.TrimSpace(x.HTML) != strings.TrimSpace(w.HTML) {
				r.differ(what+", "+key, strconv.Quote(x.HTML), quoteShort(w.HTML))
			}
		case f.Name == "URL" && x.URL == w.URL: // as it was called
		case !reflect.DeepEqual(want.Field(i).Interface(), have.Field(i).Interface()):
			r.differ(what, x.Action.words(nil), w.Detail)
			return
		}
	}
	r.texts(what, x.Contains, x.Lacks, w)
}

// mailing are the actions that send somebody a mail.
var mailing = []ActionKind{DoReply, DoMail, DoForward}

// mails holds the mails against what is expected.
func (r *TestResult) mails(x Expect, wishes []Wish) {
	if x.Mails == nil {
		return
	}
	var sent []Wish
	for _, w := range wishes {
		if slices.Contains(mailing, w.Do) && (!w.Blank || w.Do == DoForward) {
			sent = append(sent, w)
		}
	}
	for i := range max(len(x.Mails), len(sent)) {
		what := fmt.Sprintf("mail %d", i+1)
		switch {
		case i >= len(sent):
			r.differ(what, "a mail", "missing")
		case i >= len(x.Mails):
			r.differ(what, "none", "a mail that begins "+quoteShort(sent[i].read()))
		default:
			r.texts(what, x.Mails[i].Contains, x.Mails[i].Lacks, sent[i])
		}
	}
}

// read is the text of a wish as somebody reads it.
func (w Wish) read() string {
	if w.HTML == "" {
		return w.Text
	}
	return textOf(w.HTML)
}

// texts looks for what a text has to contain and to lack: runs of white space
// count as one blank, so that a line break is no difference.
func (r *TestResult) texts(what string, contains, lacks []string, w Wish) {
	text := oneBlank(w.read())
	for _, s := range contains {
		if !strings.Contains(text, oneBlank(s)) {
			r.differ(what, "a text that contains "+strconv.Quote(s), quoteShort(text))
		}
	}
	for _, s := range lacks {
		if strings.Contains(text, oneBlank(s)) {
			r.differ(what, "a text without "+strconv.Quote(s), "one with it: "+quoteShort(text))
		}
	}
}

func oneBlank(s string) string { return strings.Join(strings.Fields(s), " ") }
