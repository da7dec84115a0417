package email

import (
	"fmt"
	"strings"

	"postroom"
)

// CommandVerb says what sort of thing a command in a mail does.
type CommandVerb string

// The verbs of commands.
const (
	CommandStatus CommandVerb = "status"
	CommandAssign CommandVerb = "assign"
	CommandTeam   CommandVerb = "team"
	CommandNote   CommandVerb = "note"
	CommandTag    CommandVerb = "tag"
	CommandRun    CommandVerb = "run"
)

// Command is one command of an agent's answer.
type Command struct {
	Verb   CommandVerb
	Status postroom.Status // of CommandStatus
	Values []CommandValue  // of CommandAssign, CommandTeam and CommandRun exactly one, of CommandTag at least one
}

// CommandValue is a name that stands behind a command. Only one in quotes is
// certain to be meant as one name; of another, words may belong to the text.
type CommandValue struct {
	Text   string // white space is one space
	Quoted bool
}

// CommandWord is a line of the list of commands that people are shown.
type CommandWord struct {
	Usage string // "@assign NAME"
	Does  string // "gives it to an agent", a clause without a full stop
}

// CommandWords lists what an agent may write at the top of an answer to a
// notification, in the order of the list that people are shown.
func CommandWords() []CommandWord {
	return []CommandWord{
		{"@close", "closes the conversation (@closed is the same)"},
		{"@pending", "sets it to pending: it is the customer's turn"},
		{"@active", "sets it to active: it is the team's turn"},
		{"@spam", "marks it as spam"},
		{"@assign NAME", "gives it to an agent; “@assign me” to you, “@assign nobody” to nobody"},
		{"@team NAME", "gives it to a team; “@team none” to no team"},
		{"@note", "keeps your text as an internal note and does not send it to the customer"},
		{"@tag NAME", "adds a tag, or several with commas between them"},
		{"@run NAME", "runs a workflow"},
	}
}

// commandVerbs are the words that are commands.
var commandVerbs = map[string]Command{
	"close":   {Verb: CommandStatus, Status: postroom.Closed},
	"closed":  {Verb: CommandStatus, Status: postroom.Closed},
	"pending": {Verb: CommandStatus, Status: postroom.Pending},
	"active":  {Verb: CommandStatus, Status: postroom.Active},
	"spam":    {Verb: CommandStatus, Status: postroom.Spam},
	"assign":  {Verb: CommandAssign},
	"team":    {Verb: CommandTeam},
	"note":    {Verb: CommandNote},
	"tag":     {Verb: CommandTag},
	"run":     {Verb: CommandRun},
}

// mistaken are words that people take for commands, and what they mean.
var mistaken = map[string]string{
	"closes": "close", "closing": "close", "done": "close", "resolve": "close", "resolved": "close", "solve": "close", "solved": "close", "finish": "close", "finished": "close",
	"open": "active", "opened": "active", "reopen": "active", "activate": "active",
	"wait": "pending", "waiting": "pending", "hold": "pending", "junk": "spam",
	"take": "assign", "mine": "assign", "assigned": "assign", "assignee": "assign", "unassign": "assign", "me": "assign", "nobody": "assign",
	"teams": "team", "group": "team",
	"notes": "note", "comment": "note", "internal": "note", "private": "note", "tags": "tag", "tagged": "tag", "label": "tag", "labels": "tag",
	"runs": "run", "start": "run", "workflow": "run", "macro": "run", "execute": "run",
	"status": "", "help": "", "reply": "", "send": "", "delete": "", "merge": "", "move": "", "snooze": "", "forward": "", "fwd": "",
}

// AnswerContext is what must be known to read an agent's answer to a
// notification.
type AnswerContext struct {
	Sent  string   // text of the notification that is answered, "" if it is not known
	Names []string // how the agent signs: names, addresses
}

// Answer is an agent's answer to a notification, taken apart.
type Answer struct {
	Commands []Command // in the order they stand
	// Text and HTML are the words below the commands, without what is quoted
	// and without a signature; both are empty if there are none. HTML is
	// unsafe as what came in, and holds the pictures the words show.
	Text, HTML string
	// Signature is true if below the commands there was nothing but what looks
	// like the agent's signature, which is no message.
	Signature bool
	// Faults say, one sentence each, why nothing may be done: an answer with
	// faults goes back to its author as a whole.
	Faults []string
}

// Note reports whether the words are meant as an internal note.
func (a *Answer) Note() bool {
	for _, c := range a.Commands {
		if c.Verb == CommandNote {
			return true
		}
	}
	return false
}

// Status returns the status the answer sets, "" for none.
func (a *Answer) Status() postroom.Status {
	for _, c := range a.Commands {
		if c.Verb == CommandStatus {
			return c.Status
		}
	}
	return ""
}

func (a *Answer) fault(format string, args ...any) {
	words := fmt.Sprintf(format, args...)
	for _, f := range a.Faults {
		if f == words {
			return
		}
	}
	if len(a.Faults) < 10 {
		a.Faults = append(a.Faults, words)
	}
}

// ReadAnswer reads an agent's answer to a notification: the commands at its
// top, and the words below them. The HTML of a mail is read if it has any, and
// what is kept of it; the text part says the same.
//
// What the agent quotes is ours, with a history that no customer may see, so
// it is cut off by every mark there is: our separator, the elements and lines
// of mail programs, and the very words that were sent. Where it cannot be told
// for certain what the agent has written, the answer has faults.
//
// A command is a word behind an "@" that begins a line at the top; several may
// stand on one line or on several. Every other word behind an "@" in that
// place is a fault, as is a command further down: neither may reach a
// customer. "@@word" at the beginning of the text stands for the word "@word".
func ReadAnswer(m *Mail, in AnswerContext) Answer {
	a := Answer{}
	switch m.Encryption {
	case EncryptedPGP, EncryptedSMIME:
		a.fault("It is encrypted, and cannot be read here.")
		return a
	}
	if IsForwardSubject(m.Subject) {
		a.fault("Its subject says that it is a forwarded mail. Answer the notification instead.")
		return a
	}
	var body answerBody
	if m.HTML != "" && !IsBlankHTML(m.HTML) {
		body = newHTMLBody(m.HTML)
	}
	if body == nil {
		body = newTextBody(m.Text)
	}
	r := &answerReader{answer: &a, body: body, lines: body.lines(), sent: newEcho(in.Sent), names: in.Names}
	r.read()
	return a
}

// answerBody is a mail's body as lines, from which words can be cut out.
type answerBody interface {
	// lines returns how the body is read.
	lines() []answerLine
	// keep reduces the body to the lines from..to, without the first skip bytes
	// of the first of them, and returns what is left.
	keep(from, skip, to int) (text, html string)
}

// answerLine is a line of a body with its bytes as they are.
type answerLine struct {
	quoteLine
	raw string
}

type answerReader struct {
	answer *Answer
	body   answerBody
	lines  []answerLine
	sent   echo
	names  []string
}

func (r *answerReader) read() {
	if len(r.lines) > maxQuoteLines {
		r.answer.fault("It is too long to be read as an answer.")
		return
	}
	from, to, ok := r.written()
	if !ok {
		return
	}
	line, skip := r.head(from, to)
	r.check(line, skip, to)
	r.conflicts()
	if len(r.answer.Faults) > 0 {
		return
	}
	if r.empty(line, skip, to) {
		return
	}
	if len(r.answer.Commands) > 0 && r.onlySigned(line, skip, to) {
		r.answer.Signature = true
		return
	}
	r.answer.Text, r.answer.HTML = r.body.keep(line, skip, to)
	// The last line of defence: what was sent to the agent goes to nobody else.
	if leaks(r.answer.Text) || leaks(r.answer.HTML) || r.sent.in(r.answer.Text) {
		r.answer.Text, r.answer.HTML = "", ""
		r.answer.fault("It cannot be told apart what you have written and what you quote of our mail. Delete what is quoted, and send it again.")
	}
}

func leaks(s string) bool { return strings.Contains(s, separatorFence) || markerPattern.MatchString(s) }

func (r *answerReader) empty(line, skip, to int) bool {
	for i := line; i < to; i++ {
		raw := r.lines[i].raw
		if i == line {
			raw = raw[min(skip, len(raw)):]
		}
		if tidy(raw) != "" {
			return false
		}
	}
	return true
}

// conflicts finds commands that cannot hold together.
func (r *answerReader) conflicts() {
	status, assignee, team := postroom.Status(""), "", ""
	for _, c := range r.answer.Commands {
		switch c.Verb {
		case CommandStatus:
			if status != "" && status != c.Status {
				r.answer.fault("It asks for two statuses: %s and %s.", status, c.Status)
			}
			status = c.Status
		case CommandAssign:
			name := strings.ToLower(c.Values[0].Text)
			if assignee != "" && assignee != name {
				r.answer.fault("It assigns the conversation twice: to %s and to %s.", assignee, name)
			}
			assignee = name
		case CommandTeam:
			name := strings.ToLower(c.Values[0].Text)
			if team != "" && team != name {
				r.answer.fault("It gives the conversation to two teams: %s and %s.", team, name)
			}
			team = name
		}
	}
}

// closings are the words above a name that say nothing by themselves, in lower
// case.
var closings = []string{
	"regards", "kind regards", "best regards", "warm regards", "best", "best wishes", "all the best", "cheers", "sincerely", "yours sincerely", "with kind regards",
	"mit freundlichen grüßen", "mit freundlichem gruß", "viele grüße", "freundliche grüße", "beste grüße", "liebe grüße", "mfg", "cordialement", "bien cordialement", "bien à vous",
	"saludos", "un saludo", "atentamente", "cordiali saluti", "distinti saluti", "saluti", "met vriendelijke groet", "groeten", "atenciosamente", "cumprimentos", "med vänliga hälsningar", "vänliga hälsningar", "med venlig hilsen", "med vennlig hilsen", "ystävällisin terveisin", "pozdrawiam", "s pozdravem",
}

// onlySigned reports whether the lines are no more than the agent's name with
// what signatures hold: no sentence among them.
func (r *answerReader) onlySigned(line, skip, to int) bool {
	var words []string
	for i := line; i < to; i++ {
		raw := r.lines[i].raw
		if i == line {
			raw = raw[min(skip, len(raw)):]
		}
		if s := strings.ToLower(strings.TrimRight(tidy(raw), ",.!")); s != "" {
			words = append(words, s)
		}
	}
	if len(words) > 0 && containsFold(closings, words[0]) {
		words = words[1:]
	}
	if len(words) == 0 {
		return true
	}
	if len(words) > 8 || !r.isName(words[0]) {
		return false
	}
	for _, w := range words[1:] {
		if len(w) > 60 || strings.HasSuffix(w, "?") || len(strings.Fields(w)) > 7 {
			return false
		}
	}
	return true
}

// isName reports whether a line is the agent's name, or its first word.
func (r *answerReader) isName(line string) bool {
	for _, n := range r.names {
		n = strings.ToLower(squash(n))
		first, _, _ := strings.Cut(n, " ")
		if n != "" && (line == n || line == first) {
			return true
		}
	}
	return false
}
