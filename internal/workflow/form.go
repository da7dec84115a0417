package workflow

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"postroom"
)

// Fields is a definition as the fields of a form: names such as "when.event",
// "if[0][1].fact" and "then[0].text", each with its values. A place in the If
// is counted through the groups: "if[0][1]" is the second condition of the
// first group.
type Fields map[string][]string

// maxFields is how many fields a form may have; the bounds of a definition need
// far fewer.
const maxFields = 5000

// first returns the only value of a field that has one.
func (f Fields) first(name string) string {
	if v := f[name]; len(v) > 0 {
		return v[0]
	}
	return ""
}

// Fields returns the fields that FromFields reads the definition from.
func (d Definition) Fields() Fields {
	d = Editable(d)
	f := Fields{"when.event": {string(d.When.Event)}}
	set := func(name string, values ...string) {
		if len(values) > 0 {
			f[name] = values
		}
	}
	set("when.from", d.When.From...)
	set("when.to", d.When.To...)
	set("when.actors", asText(d.When.Actors)...)
	set("when.paths", asText(d.When.Paths)...)
	set("when.agents", decimals(d.When.Agents)...)
	if d.When.Field != "" {
		set("when.field", d.When.Field)
	}
	d.When.timerFields(f)
	d.When.Schedule.fields(f)
	d.If.fields(f, "if", d.When.Judges())
	for i, a := range d.Then {
		at := fmt.Sprintf("then[%d]", i)
		set(at+".do", string(a.Do))
		if a.HTML != "" {
			set(at+".html", a.HTML)
		} else if a.Do == DoReply || a.Do == DoNote || a.Do.Aside() {
			set(at+".text", a.Text)
		}
		a.more(at, set)
		if a.Status != "" {
			set(at+".status", string(a.Status))
		}
		if a.Agent != nil {
			set(at+".agent", strconv.FormatInt(*a.Agent, 10))
		}
		set(at+".add", decimals(a.Add)...)
		set(at+".remove", decimals(a.Remove)...)
	}
	d.Limits.fields(f)
	return f
}

func (c Cond) fields(f Fields, at string, event postroom.EventKind) {
	head, children := c.group()
	if head == "" {
		f[at+".fact"], f[at+".op"] = []string{c.Fact}, []string{string(c.Op)}
		if h, is := strings.CutPrefix(c.Fact, HeaderFact); is {
			f[at+".fact"], f[at+".header"] = []string{HeaderFact + "*"}, []string{h}
		}
		values := slices.Clone(c.Values)
		switch fact, _ := LookupFact(c.Fact); Ask(event, fact, c.Op).Input {
		case InputLines:
			values = []string{strings.Join(values, "\n")}
		case InputSpan:
			if number, unit, ok := SplitSpan(first(values)); ok {
				values, f[at+".unit"] = []string{number}, []string{unit}
			}
		}
		if len(values) > 0 {
			f[at+".values"] = values
		}
		return
	}
	word, _, _ := strings.Cut(head, " ")
	f[at+".group"] = []string{word}
	for i, child := range children {
		child.fields(f, fmt.Sprintf("%s[%d]", at, i), event)
	}
}

func first(values []string) string {
	if len(values) == 0 {
		return ""
	}
	return values[0]
}

// SplitSpan splits a span such as "7d" into its number and its unit.
func SplitSpan(v string) (number, unit string, ok bool) {
	for _, u := range slices.Backward(Units()) { // "bh" before "h"
		if n, is := strings.CutSuffix(v, u[0]); is {
			return n, u[0], true
		}
	}
	return v, "", false
}

func (l Limits) fields(f Fields) {
	if l.OncePer != "" {
		f["limits.once_per"] = []string{string(l.OncePer)}
	}
	if l.CoolDown != 0 {
		n, unit := inUnit(l.CoolDown)
		f["limits.cool_down"], f["limits.unit"] = []string{strconv.Itoa(n)}, []string{unit}
	}
	l.moreFields(f)
	if l.MailsPerConversationDay != 0 {
		f["limits.mails_per_conversation_day"] = []string{strconv.Itoa(l.MailsPerConversationDay)}
	}
}

func decimals(ids []int64) []string {
	out := make([]string, 0, len(ids))
	for _, id := range ids {
		out = append(out, strconv.FormatInt(id, 10))
	}
	return out
}

// FromFields reads a definition from a form. It takes what is still being
// written: what it means is Compile's to check. The fields "when.was" and
// "if[…].was" and "if[…].was_op" say what a row asked when it was drawn; where that was changed,
// values that belong to the old question go. Other fields are left alone.
//
// The error is Invalid, with the name of the field: only what a definition
// cannot hold at all is refused, such as a limit that is no number, or a form
// out of all bounds. The definition is then what could be read.
func FromFields(f Fields) (Definition, error) {
	if len(f) > maxFields {
		return Definition{}, postroom.Errorf(postroom.Invalid, "The form has more than %d fields.", maxFields)
	}
	r := fieldReader{fields: f}
	d := Definition{When: r.when()}
	d.If = r.tree()
	d.Then = r.then()
	d.Limits = r.limits()
	return Stored(d), r.err
}

// fieldReader reads a form; the first thing that cannot be read is kept.
type fieldReader struct {
	fields Fields
	err    error
}

func (r *fieldReader) fault(field, format string, args ...any) {
	if r.err == nil {
		r.err = postroom.InvalidField(field, format, args...)
	}
}

func (r *fieldReader) when() When {
	f := r.fields
	w := When{Event: postroom.EventKind(f.first("when.event"))}
	for _, a := range filled(f["when.actors"]) {
		w.Actors = append(w.Actors, postroom.ActorKind(a))
	}
	for _, p := range filled(f["when.paths"]) {
		w.Paths = append(w.Paths, postroom.Path(p))
	}
	if was := f.first("when.was"); was == "" || was == string(w.Event) {
		w.From, w.To = filled(f["when.from"]), filled(f["when.to"])
	}
	w.Field, w.From, w.To = r.edgeField("when", w.Event, w.From, w.To)
	if w.Event == postroom.WorkflowStarted {
		w.Agents = r.ids("when.agents")
	}
	r.timer(&w)
	r.schedule(&w)
	return w
}

// filled leaves out what is blank.
func filled(values []string) []string {
	var out []string
	for _, v := range values {
		if strings.TrimSpace(v) != "" {
			out = append(out, v)
		}
	}
	return out
}

// sprout is a condition or group of which fields were found.
type sprout struct {
	children map[int]*sprout
	group    string
	isGroup  bool
	at       string // its name in the form
}

// tree puts the If together from the names of fields.
func (r *fieldReader) tree() Cond {
	root := &sprout{at: "if", isGroup: true, group: r.fields.first("if.group")}
	leaves := 0
	for name := range r.fields {
		place, field, ok := strings.Cut(name, ".")
		if !ok || !strings.HasPrefix(place, "if[") || field != "fact" && field != "group" {
			continue
		}
		path, ok := condPath(place)
		if !ok || len(path) > MaxNesting {
			r.fault("if", "The form is not in order: there is no place %q.", clip(place))
			continue
		}
		if leaves++; leaves > 2*MaxConditions {
			r.fault("if", "A workflow has at most %d conditions.", MaxConditions)
			break
		}
		s := root.grow(path, place)
		if field == "group" {
			s.isGroup, s.group = true, r.fields.first(name)
		}
	}
	c, _ := r.cond(root)
	return c
}

func (s *sprout) grow(path []int, place string) *sprout {
	at := "if"
	for _, i := range path {
		at = fmt.Sprintf("%s[%d]", at, i)
		if s.children == nil {
			s.children = map[int]*sprout{}
		}
		if s.children[i] == nil {
			s.children[i] = &sprout{}
		}
		s = s.children[i]
	}
	s.at = place
	return s
}

// cond makes the condition of a sprout; false when nothing is left of it.
func (r *fieldReader) cond(s *sprout) (Cond, bool) {
	if !s.isGroup && len(s.children) == 0 {
		return r.leaf(s.at), true
	}
	order := make([]int, 0, len(s.children))
	for i := range s.children {
		order = append(order, i)
	}
	slices.Sort(order)
	children := []Cond{}
	for _, i := range order {
		if c, ok := r.cond(s.children[i]); ok {
			children = append(children, c)
		}
	}
	switch s.group {
	case "any":
		return Cond{Any: children}, len(children) > 0
	case "none":
		return Cond{None: children}, len(children) > 0
	case "all", "":
	default:
		r.fault(s.at+".group", "A group is one of all, any and none.")
	}
	return Cond{All: children}, len(children) > 0
}

// leaf reads one condition.
func (r *fieldReader) leaf(at string) Cond {
	f := r.fields
	c := Cond{Fact: f.first(at + ".fact"), Op: Op(f.first(at + ".op"))}
	if c.Fact == "" {
		return Cond{}
	}
	name := c.Fact
	if c.Fact == HeaderFact+"*" {
		c.Fact = HeaderFact + strings.TrimSpace(f.first(at+".header"))
		name = HeaderFact + "X"
	}
	fact, known := LookupFact(name)
	if known && !slices.Contains(fact.Ops, c.Op) && (c.Op == "" || f.first(at+".was") != f.first(at+".fact")) {
		c.Op = fact.Ops[0] // another question: its first operator
	}
	if was := f.first(at + ".was"); f[at+".was"] != nil && was != f.first(at+".fact") {
		if fact.Kind == KindBool {
			c.Values = []string{"true"}
		}
		return c // what was answered belongs to the old question
	}
	event := r.judges()
	was := f.first(at + ".was_op")
	asked := Ask(event, fact, c.Op)
	if old := Ask(event, fact, Op(was)); was != "" && was != string(c.Op) && !related(old.Input, asked.Input) {
		return c
	}
	c.Values = readValues(asked.Input, f[at+".values"], f.first(at+".unit"))
	return c
}

// related reports whether an answer to one control is one to the other.
func related(a, b Input) bool {
	kind := func(i Input) Input {
		switch i {
		case InputLines:
			return InputText
		case InputChoices:
			return InputChoice
		}
		return i
	}
	return kind(a) == kind(b)
}

// readValues reads the values of a control.
func readValues(input Input, values []string, unit string) []string {
	switch input {
	case InputNone:
		return nil
	case InputLines:
		var out []string
		for _, v := range values {
			for line := range strings.Lines(v) {
				out = append(out, strings.TrimSpace(line))
			}
		}
		return filled(out)
	case InputChoices:
		return filled(values)
	case InputSpan:
		if v := strings.TrimSpace(first(values)); v != "" {
			if _, _, whole := SplitSpan(v); whole && unit == "" {
				return []string{v}
			}
			return []string{v + unit}
		}
		return nil
	case InputNumber, InputDate:
		if v := strings.TrimSpace(first(values)); v != "" {
			return []string{v}
		}
		return nil
	}
	if v := first(values); v != "" {
		return []string{v}
	}
	return nil
}

func (r *fieldReader) then() []Action {
	var places []int
	for name := range r.fields {
		if digits, ok := strings.CutPrefix(name, "then["); ok {
			if digits, ok = strings.CutSuffix(digits, "].do"); ok {
				i, err := strconv.Atoi(digits)
				if err != nil || i < 0 || len(places) > 2*MaxActions {
					r.fault("then", "The form is not in order: there is no place %q.", clip(name))
					continue
				}
				places = append(places, i)
			}
		}
	}
	slices.Sort(places)
	var out []Action
	for _, i := range places {
		out = append(out, r.action(fmt.Sprintf("then[%d]", i)))
	}
	return out
}

func (r *fieldReader) action(at string) Action {
	f := r.fields
	a := Action{Do: ActionKind(f.first(at + ".do"))}
	switch a.Do {
	case DoReply:
		a.Text, a.HTML = lines(f.first(at+".text")), lines(f.first(at+".html"))
	case DoNote:
		a.Text = lines(f.first(at + ".text"))
	case DoStatus:
		a.Status = postroom.Status(f.first(at + ".status"))
	case DoAssign:
		r.assign(at, &a)
	case DoTags:
		a.Add, a.Remove = r.ids(at+".add"), r.ids(at+".remove")
	default:
		r.more(at, &a)
	}
	if a.Do == DoReply {
		r.texts(at, &a)
	}
	return a
}

// ids reads ids, each once.
func (r *fieldReader) ids(name string) []int64 {
	var out []int64
	for _, v := range filled(r.fields[name]) {
		id, ok := parseID(strings.TrimSpace(v))
		if !ok || id < 0 {
			r.fault(name, "%q cannot be chosen here.", clip(v))
			continue
		}
		if !slices.Contains(out, id) {
			out = append(out, id)
		}
	}
	return out
}

// lines reads a text as a form sends it: lines end in CR LF there.
func lines(text string) string {
	text = strings.ReplaceAll(text, "\r\n", "\n")
	return strings.TrimRight(strings.ReplaceAll(text, "\r", "\n"), " \t\n")
}

func (r *fieldReader) limits() Limits {
	f := r.fields
	l := Limits{OncePer: OncePer(f.first("limits.once_per"))}
	if l.OncePer == OncePerEvent {
		l.OncePer = ""
	}
	l.CoolDown = r.minutes("limits.cool_down", "limits.unit", MaxCoolDown)
	l.Runs, l.Period = r.number("limits.runs", 1_000_000), r.minutes("limits.period", "limits.period_unit", MaxPeriod)
	l.MailBudget = r.number("limits.mail_budget", 1_000_000_000)
	l.MailsPerConversationDay = r.number("limits.mails_per_conversation_day", 1_000_000)
	return l
}

// number reads a whole number, 0 if the field is empty.
func (r *fieldReader) number(name string, most int) int {
	v := strings.TrimSpace(r.fields.first(name))
	if v == "" {
		return 0
	}
	n, err := strconv.Atoi(v)
	if err != nil || n < 0 || n > most {
		r.fault(name, "%q is not a whole number from 0 to %d.", clip(v), most)
		return 0
	}
	return n
}

// clip cuts what a stranger sent, to be quoted.
func clip(v string) string {
	if r := []rune(v); len(r) > 60 {
		return string(r[:60]) + "…"
	}
	return v
}

var groupWords = regexp.MustCompile(`\.(all|any|none)\b`)
var position = regexp.MustCompile(`^(when\.[a-z]+|(?:when|then\[\d+\])\.unless\[\d+\]\.[a-z]+|.*\.(?:values|add|remove|agents|unfollow|to))\[\d+\]$`)

// FieldOf returns the field of the form that a Fault is about: its path without
// the words of groups and without the place in a list of values.
func FieldOf(path string) string {
	path = groupWords.ReplaceAllString(path, "")
	if m := position.FindStringSubmatch(path); m != nil {
		return m[1]
	}
	return path
}
