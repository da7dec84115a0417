package workflow

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"postroom"
)

// Names puts an id into words. It returns "" for one it does not know; then
// the id is shown. A nil Names knows none.
type Names func(kind Ref, id int64) string

func (n Names) of(kind Ref, id int64) string {
	if id == 0 {
		switch kind {
		case RefAgent:
			return "nobody"
		case RefTeam:
			return "no team"
		case RefWorkflow:
			return "no workflow"
		}
	}
	if n != nil {
		if s := n(kind, id); s != "" {
			return s
		}
	}
	return string(kind) + " " + strconv.FormatInt(id, 10)
}

// eventWords begin a sentence after "When".
var eventWords = map[postroom.EventKind]string{
	postroom.ConversationCreated: "a conversation begins",
	postroom.MessageReceived:     "a message arrives",
	postroom.ReplySent:           "a reply is sent",
	postroom.StatusChanged:       "the status changes",
	postroom.AssigneeChanged:     "the assignee changes",
	postroom.TeamChanged:         "the team changes",
	postroom.TagsChanged:         "the tags change",

	postroom.NoteAdded:            "a note is added",
	postroom.SubjectChanged:       "the subject changes",
	postroom.CustomerChanged:      "the customer is changed",
	postroom.ConversationMoved:    "a conversation is moved",
	postroom.ConversationDeleted:  "a conversation is deleted",
	postroom.ConversationRestored: "a conversation is restored",
	postroom.ConversationSnoozed:  "a conversation is snoozed",
	postroom.ConversationWoken:    "a conversation wakes",
	postroom.FieldChanged:         "a field changes",

	postroom.ConversationOpened: "an agent opens a conversation",
	postroom.RatingReceived:     "the customer rates it",
	postroom.ConversationMerged: "conversations are merged",

	postroom.MailAccepted:    "a mail is accepted",
	postroom.MailDelayed:     "a mail is an hour late",
	postroom.MailFailed:      "a mail fails",
	postroom.MailUncertain:   "a mail becomes uncertain",
	postroom.MailAssumedSent: "a mail is taken as sent",
	postroom.MailSuppressed:  "a mail is suppressed",
	postroom.MailSkipped:     "a mail is skipped",
	postroom.MailCancelled:   "a mail is cancelled",
	postroom.MailQuarantined: "a mail is held back",
	postroom.MailBounced:     "a mail comes back",
	postroom.MailComplained:  "a mail is reported as unwanted",

	postroom.WorkflowFailed: "a workflow fails",
	postroom.WorkflowPaused: "a workflow pauses itself",

	postroom.TimerDue:        "its time has come",
	postroom.WorkflowStarted: "an agent runs it by hand",
	postroom.ScheduleDue:     "a set time comes",
}

// pastWords say what happened.
var pastWords = map[postroom.EventKind]string{
	postroom.ConversationCreated: "A conversation began",
	postroom.MessageReceived:     "A message arrived",
	postroom.ReplySent:           "A reply was sent",
	postroom.StatusChanged:       "The status changed",
	postroom.AssigneeChanged:     "The assignee changed",
	postroom.TeamChanged:         "The team changed",
	postroom.TagsChanged:         "The tags changed",

	postroom.NoteAdded:            "A note was added",
	postroom.SubjectChanged:       "The subject changed",
	postroom.CustomerChanged:      "The conversation was given to another customer",
	postroom.ConversationMoved:    "The conversation was moved",
	postroom.ConversationDeleted:  "The conversation was deleted",
	postroom.ConversationRestored: "The conversation was restored",
	postroom.ConversationSnoozed:  "The conversation was snoozed",
	postroom.ConversationWoken:    "The conversation woke",
	postroom.FieldChanged:         "A field changed",

	postroom.ConversationOpened: "An agent opened the conversation",
	postroom.RatingReceived:     "The customer rated it",
	postroom.ConversationMerged: "Conversations were merged",

	postroom.MailAccepted:    "A mail was accepted",
	postroom.MailDelayed:     "A mail was an hour late",
	postroom.MailFailed:      "A mail failed",
	postroom.MailUncertain:   "A mail became uncertain",
	postroom.MailAssumedSent: "A mail was taken as sent",
	postroom.MailSuppressed:  "A mail was suppressed",
	postroom.MailSkipped:     "A mail was skipped",
	postroom.MailCancelled:   "A mail was cancelled",
	postroom.MailQuarantined: "A mail was held back",
	postroom.MailBounced:     "A mail came back",
	postroom.MailComplained:  "A mail was reported as unwanted",

	postroom.WorkflowFailed: "A workflow failed",
	postroom.WorkflowPaused: "A workflow paused itself",

	postroom.TimerDue:        "The time came for a workflow that had waited",
	postroom.WorkflowStarted: "A workflow was run by hand",
	postroom.ScheduleDue:     "A set time came",
}

var actorWords = map[string]string{
	string(postroom.ByAgent):    "an agent",
	string(postroom.ByCustomer): "a customer",
	string(postroom.ByWorkflow): "a workflow",
	string(postroom.ByToken):    "an API client",
	string(postroom.BySystem):   "the desk itself",
	string(postroom.ByImport):   "an import",
}

var pathWords = map[string]string{
	string(postroom.PathMenu):     "the status menu",
	string(postroom.PathSend):     "Send & Close",
	string(postroom.PathComposer): "the composer",
	string(postroom.PathKeyboard): "the keyboard",
	string(postroom.PathBulk):     "a bulk change",
	string(postroom.PathMail):     "mail",
	string(postroom.PathCommand):  "an agent's mail",
	string(postroom.PathWorkflow): "a workflow",
	string(postroom.PathSystem):   "the desk itself",
	string(postroom.PathUndo):     "undo",
	string(postroom.PathImport):   "an import",
	string(postroom.PathTimer):    "a time that came",
	string(postroom.PathPage):     "its page",
	string(postroom.PathRating):   "the links of a mail",
	string(postroom.PathMerge):    "merging",
}

var classWords = map[string]string{
	string(postroom.Human):          "written by a person",
	string(postroom.AutoReply):      "an automatic reply",
	string(postroom.AutoGenerated):  "sent by a machine",
	string(postroom.List):           "a mailing list",
	string(postroom.DeliveryReport): "a delivery report",
	string(postroom.FeedbackReport): "a complaint report",
}

// EventLabel says a kind of event in words, as in "a conversation begins".
func EventLabel(kind postroom.EventKind) string { return wordsOr(eventWords, kind) }

// EventWords says one event in words, as in "The status changed from active to
// closed, by an agent, through Send & Close".
func EventWords(e *postroom.Event, names Names) string {
	from, to := sides(e)
	text := wordsOr(pastWords, e.Kind)
	if e.Kind == postroom.TimerDue || e.Kind == postroom.ScheduleDue {
		return text
	}
	if e.Kind == postroom.RatingReceived {
		return ratedWords(text, from, to)
	}
	if e.Kind == postroom.ConversationMerged {
		text += ", " + sideWords(e.Kind, to, names)
	}
	if e.Kind == postroom.FieldChanged {
		text = fieldChange(e, names)
	}
	if edge := EdgeOf(e.Kind); edge.From && from+to != "" {
		text += " from " + sideWords(e.Kind, from, names) + " to " + sideWords(e.Kind, to, names)
	}
	return text + ", by " + wordsOr(actorWords, string(e.Actor.Kind)) + ", through " + wordsOr(pathWords, string(e.Path))
}

// ChoiceLabel says a value of a fact with choices in words.
func ChoiceLabel(fact, value string) string {
	switch fact {
	case "event.actor":
		return wordsOr(actorWords, value)
	case "event.path":
		return wordsOr(pathWords, value)
	case "message.class":
		return wordsOr(classWords, value)
	case "mail.sort":
		return wordsOr(mailWords, value)
	case "conversation.rating":
		return wordsOr(ratingWords, value)
	case "cause.actor":
		return wordsOr(actorWords, value)
	case "cause.event":
		return wordsOr(eventWords, postroom.EventKind(value))
	}
	return value
}

func wordsOr[K ~string](m map[K]string, k K) string {
	if w, ok := m[k]; ok {
		return w
	}
	return string(k)
}

// Description is a workflow in words for people, part by part.
type Description struct {
	When   string   // "When the status changes from active or pending to closed by an agent"
	If     []Line   // the conditions, outer before inner; empty if there are none
	Then   []string // one an action
	Limits []string
}

// Line is one condition or group heading, so many levels deep.
type Line struct {
	Depth int
	Text  string
}

// Describe puts a definition into words. It works on faulty definitions too;
// what it does not know it shows as it stands.
func Describe(d Definition, names Names) Description {
	out := Description{When: d.When.words(names)}
	if !d.If.IsZero() {
		out.If = d.If.lines(nil, 0, names)
	}
	for _, a := range d.Then {
		out.Then = append(out.Then, a.words(names))
	}
	out.Limits = d.Limits.words(d)
	return out
}

// Sentence puts a whole definition into one sentence, as in "When the status
// changes from active or pending to closed: reply to the customer."
func Sentence(d Definition, names Names) string {
	p := Describe(d, names)
	var b strings.Builder
	b.WriteString(p.When)
	if !d.If.IsZero() {
		b.WriteString(", and if ")
		b.WriteString(d.If.clause(names, true))
	}
	b.WriteString(": ")
	if len(p.Then) == 0 {
		b.WriteString("do nothing yet")
	}
	b.WriteString(strings.Join(p.Then, ", then "))
	if !strings.HasSuffix(b.String(), gap) {
		b.WriteString(".")
	}
	return b.String()
}

func (w When) words(names Names) string {
	if w.Event == "" {
		return "When " + gap
	}
	if w.Scheduled() {
		return w.Schedule.words()
	}
	edge := w.edgeWords(names)
	if w.Timed() {
		return w.timedWords(edge, names)
	}
	return "When " + edge
}

// edgeWords says an event and its filters, as in "a reply is sent, by an agent".
func (w When) edgeWords(names Names) string {
	if w.Event == "" {
		return gap
	}
	var b strings.Builder
	b.WriteString(w.startWords(names))
	side := func(word string, values []string) {
		if len(values) == 0 {
			return
		}
		shown := make([]string, len(values))
		for i, v := range values {
			if shown[i] = sideWords(w.Event, v, names); w.Field != "" {
				shown[i] = fieldSide(w.Field, v, names)
			}
		}
		b.WriteString(" " + sideWord(w.Event, word) + " " + list(shown, "or"))
	}
	side("from", w.From)
	side("to", w.To)
	if len(w.Actors) > 0 {
		b.WriteString(", by " + list(translate(w.Actors, actorWords), "or"))
	}
	if len(w.Paths) > 0 {
		b.WriteString(", through " + list(translate(w.Paths, pathWords), "or"))
	}
	return b.String()
}

// sideWords puts one side of a change into words.
func sideWords(kind postroom.EventKind, v string, names Names) string {
	if kind == postroom.RatingReceived {
		return wordsOr(ratingWords, v)
	}
	v = orNone(kind, v)
	if ref := EdgeOf(kind).Ref; ref != "" {
		if id, ok := parseID(v); ok {
			return names.of(ref, id)
		}
	}
	if kind == postroom.ConversationMerged {
		return wordsOr(mergeSideWords, v)
	}
	return v
}

func translate[S ~string](in []S, words map[string]string) []string {
	out := make([]string, len(in))
	for i, s := range in {
		out[i] = wordsOr(words, string(s))
	}
	return out
}

// lines lists a condition and what is in it.
func (c Cond) lines(out []Line, depth int, names Names) []Line {
	head, children := c.group()
	if head == "" {
		return append(out, Line{depth, c.leafWords(names)})
	}
	out = append(out, Line{depth, head})
	for _, child := range children {
		out = child.lines(out, depth+1, names)
	}
	return out
}

// group returns the heading of a group and what is in it, "" for a leaf.
func (c Cond) group() (string, []Cond) {
	switch {
	case c.All != nil:
		return "all of these", c.All
	case c.Any != nil:
		return "any of these", c.Any
	case c.None != nil:
		return "none of these", c.None
	}
	return "", nil
}

// clause puts a condition into running text.
func (c Cond) clause(names Names, outer bool) string {
	head, children := c.group()
	if head == "" {
		return c.leafWords(names)
	}
	parts := make([]string, len(children))
	for i, child := range children {
		parts[i] = child.clause(names, false)
	}
	word, before := "and", ""
	switch {
	case c.Any != nil:
		word = "or"
	case c.None != nil:
		word, before = "or", "not: "
	}
	text := before + list(parts, word)
	if outer || len(parts) < 2 && before == "" {
		return text
	}
	return "(" + text + ")"
}

// leafWords says one condition, as in "the status is one of active or pending".
func (c Cond) leafWords(names Names) string {
	fact, _, ok := lookup(c.Fact)
	switch {
	case c.Fact == "":
		return gap
	case c.Fact == HeaderFact:
		fact = Fact{Label: "the header " + gap}
	case !ok:
		fact = Fact{Label: c.Fact}
	}
	fact = names.fact(fact)
	if _, _, isField := FieldFact(fact.Name); isField && fact.Kind == KindBool && c.Op != Changed {
		return fact.Label + " is " + yes(slices.Equal(c.Values, []string{"true"}))
	}
	if fact.Kind == KindBool && c.Op != Changed {
		if slices.Equal(c.Values, []string{"true"}) {
			return fact.Label
		}
		return denied(fact.Label)
	}
	op, ok := operator(c.Op)
	if !ok {
		op.Label = string(c.Op)
	}
	text := fact.Label + " " + op.label(fact.Kind)
	if len(c.Values) > 0 {
		text += " " + expectedWords(fact, c, names)
	} else if op.Values != 0 {
		text += " " + gap
	}
	return text
}

// gap stands in a sentence where something is still to be chosen.
const gap = "…"

// denied turns a label that says what is so round, as in "the sender is not
// verified".
func denied(label string) string {
	if s := strings.Replace(label, " is ", " is not ", 1); s != label {
		return s
	}
	return strings.Replace(label, " has ", " has no ", 1)
}

// expectedWords puts the values a condition compares with into words.
func expectedWords(fact Fact, c Cond, names Names) string {
	shown := make([]string, len(c.Values))
	for i, v := range c.Values {
		shown[i] = valueWords(fact, c.Op, v, names)
	}
	if c.Op == HasAll {
		return list(shown, "and")
	}
	return list(shown, "or")
}

func valueWords(fact Fact, op Op, v string, names Names) string {
	switch fact.Kind {
	case KindText:
		if strings.HasPrefix(fact.Name, "event.") { // a status, or an agent's id
			return sideWords(postroom.AssigneeChanged, v, names)
		}
		return strconv.Quote(v)
	case KindChoice:
		return names.choice(fact.Name, v)
	case KindRef, KindSet:
		if id, ok := parseID(v); ok {
			return names.of(fact.Ref, id)
		}
	case KindTime:
		if s, ok := ReadSpan(v); ok && (op == Within || op == Older) {
			if s.Business() {
				return spanWords(v)
			}
			return minutes(int(s.ms / 60_000))
		}
	}
	return v
}

// words says an action, as in "assign it to Ann".
func (a Action) words(names Names) string {
	switch a.Do {
	case DoReply:
		if len(a.Texts) > 0 {
			return "reply to the customer, in " + list(upper(sortedKeys(a.Texts)), "or") + " where that is their language"
		}
		return "reply to the customer"
	case DoNote:
		return "add a note"
	case DoStatus:
		if a.Status == "" {
			return "set the status to " + gap
		}
		return "set the status to " + string(a.Status)
	case DoAssign:
		if a.By != "" || len(a.Agents) > 0 || a.Team != nil {
			return a.assignWords(names)
		}
		if a.Agent == nil {
			return "assign it to " + gap
		}
		if *a.Agent == 0 {
			return "assign it to nobody"
		}
		return "assign it to " + names.of(RefAgent, *a.Agent)
	case DoTags:
		var parts []string
		if len(a.Add) > 0 {
			parts = append(parts, "add "+tagWords(a.Add, names))
		}
		if len(a.Remove) > 0 {
			parts = append(parts, "remove "+tagWords(a.Remove, names))
		}
		if len(parts) == 0 {
			return "add or remove tags " + gap
		}
		return list(parts, "and")
	case DoStop:
		return "stop: do not consider later workflows"
	}
	return a.moreWords(names)
}

func tagWords(ids []int64, names Names) string {
	shown := make([]string, len(ids))
	for i, id := range ids {
		shown[i] = names.of(RefTag, id)
	}
	word := "the tag "
	if len(ids) > 1 {
		word = "the tags "
	}
	return word + list(shown, "and")
}

func (l Limits) words(d Definition) []string {
	var out []string
	switch l.OncePer {
	case OncePerClose:
		out = append(out, "once per close")
	case OncePerConversation:
		out = append(out, "once per conversation")
	default:
		out = append(out, "once per event")
	}
	if l.CoolDown > 0 {
		out = append(out, "not again within "+minutes(l.CoolDown))
	}
	if l.Runs > 0 {
		out = append(out, fmt.Sprintf("at most %d times within %s on one conversation", l.Runs, minutes(l.Period)))
	}
	for _, a := range d.Then {
		if a.Do == DoReply || a.Do.Aside() {
			out = append(out, "at most "+mailsWords(l.MailCap())+" a day on one conversation that only machines caused",
				"paused after "+mailsWords(l.Budget())+" within a day")
			break
		}
	}
	return out
}

// list joins words as in "a, b or c".
func list(words []string, conjunction string) string {
	if len(words) < 2 {
		return strings.Join(words, "")
	}
	last := len(words) - 1
	return strings.Join(words[:last], ", ") + " " + conjunction + " " + words[last]
}

// minutes says a span in its largest whole unit.
func minutes(n int) string {
	unit := "minute"
	switch {
	case n%(7*24*60) == 0:
		n, unit = n/(7*24*60), "week"
	case n%(24*60) == 0:
		n, unit = n/(24*60), "day"
	case n%60 == 0:
		n, unit = n/60, "hour"
	}
	if n == 1 {
		return "1 " + unit
	}
	return strconv.Itoa(n) + " " + unit + "s"
}

// mailsWords says a number of mails: "1 mail", "2 mails".
func mailsWords(n int) string {
	if n == 1 {
		return "1 mail"
	}
	return fmt.Sprintf("%d mails", n)
}
