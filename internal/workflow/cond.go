package workflow

import (
	"fmt"
	"regexp"
	"regexp/syntax"
	"slices"
	"strconv"
	"strings"
	"time"

	"postroom"
)

// nodeKind says what a node of a compiled condition is.
type nodeKind int8

const (
	always nodeKind = iota
	all
	anyOf
	none
	leaf
)

// node is a compiled condition.
type node struct {
	kind     nodeKind
	source   *Cond
	children []*node

	fact   Fact
	slot   int            // in the schema
	header string         // for a header: its name in lower case; for a field its name
	texts  []string       // values of texts (lower case) and choices
	nums   []int64        // values of numbers, ids, times and spans (milliseconds), booleans
	re     *regexp.Regexp // for Matches
	span   Span           // for Within and Older
}

// cond checks a condition and compiles it. The result is nil if it is faulty.
func (c *compiler) cond(s *Cond, path string, depth int) *node {
	groups := 0
	for _, used := range []bool{s.All != nil, s.Any != nil, s.None != nil, s.Fact != "" || s.Op != "" || s.Values != nil} {
		if used {
			groups++
		}
	}
	switch {
	case groups == 0:
		c.fault(path, "An empty condition means nothing; take it out.")
	case groups > 1:
		c.fault(path, "A condition is one of all, any, none and a fact, not several of them.")
	case depth > MaxNesting:
		c.fault(path, "Conditions nest at most %d deep.", MaxNesting)
	case s.All != nil:
		return c.group(all, s, s.All, path+".all", depth)
	case s.Any != nil:
		return c.group(anyOf, s, s.Any, path+".any", depth)
	case s.None != nil:
		return c.group(none, s, s.None, path+".none", depth)
	default:
		return c.leaf(s, path)
	}
	return nil
}

func (c *compiler) group(kind nodeKind, s *Cond, children []Cond, path string, depth int) *node {
	n := &node{kind: kind, source: s}
	if len(children) == 0 {
		c.fault(path, "An empty group means nothing; take it out.")
	}
	for i := range children {
		n.children = append(n.children, c.cond(&children[i], fmt.Sprintf("%s[%d]", path, i), depth+1))
	}
	return n
}

func (c *compiler) leaf(s *Cond, path string) *node {
	if c.leaves++; c.leaves == MaxConditions+1 {
		c.fault(path, "A workflow has at most %d conditions.", MaxConditions)
	}
	fact, slot, ok := lookup(s.Fact)
	if !ok {
		if s.Fact == "" {
			c.fault(path+".fact", "Say what the condition is about.")
		} else if strings.HasPrefix(s.Fact, HeaderFact) {
			c.fault(path+".fact", "There is no fact %q: write the name of a header, such as X-Priority.", s.Fact)
		} else {
			c.fault(path+".fact", "There is no fact %q.", s.Fact)
		}
		return nil
	}
	if !slices.Contains(fact.Ops, s.Op) {
		c.fault(path+".op", "%q cannot be asked of %s; possible are %s.", s.Op, fact.Name, strings.Join(asText(fact.Ops), ", "))
		return nil
	}
	n := &node{kind: leaf, source: s, fact: fact, slot: slot}
	if h, isHeader := strings.CutPrefix(fact.Name, HeaderFact); isHeader {
		n.header = strings.ToLower(h)
	}
	if _, _, isField := FieldFact(fact.Name); isField {
		n.header = " " + fact.Name // no header has such a name
	}
	c.version.needs = c.version.needs.or(needsOf(fact.Name))
	op, _ := operator(s.Op)
	switch {
	case op.Values == 0 && len(s.Values) > 0:
		c.fault(path+".values", "%q takes no value.", op.Label)
	case op.Values == 1 && len(s.Values) != 1:
		c.fault(path+".values", "%q takes one value.", op.Label)
	case op.Values < 0 && len(s.Values) == 0:
		c.fault(path+".values", "%q takes at least one value.", op.Label)
	case len(s.Values) > MaxValues:
		c.fault(path+".values", "A condition has at most %d values.", MaxValues)
	default:
		for i, v := range s.Values {
			if text := c.value(n, v); text != "" {
				c.fault(fmt.Sprintf("%s.values[%d]", path, i), "%s", text)
			}
		}
	}
	return n
}

// value adds a value to compare with and returns what is wrong with it.
func (c *compiler) value(n *node, v string) string {
	if len(v) > MaxValue {
		return fmt.Sprintf("A value has at most %d bytes.", MaxValue)
	}
	var num int64
	var ok bool
	switch n.fact.Kind {
	case KindText:
		return c.textValue(n, v)
	case KindChoice:
		n.texts = append(n.texts, v)
		if _, _, isField := FieldFact(n.fact.Name); isField && postroom.FieldKeyed(v) {
			return ""
		} else if isField {
			return fmt.Sprintf("%q is not a choice.", clip(v))
		}
		if !slices.Contains(n.fact.Choices, v) {
			return fmt.Sprintf("%q is not possible here; it is one of %s.", v, strings.Join(n.fact.Choices, ", "))
		}
		return ""
	case KindNumber:
		if num, ok = parseID(v); !ok {
			return fmt.Sprintf("%q is not a whole number.", v)
		}
	case KindRef, KindSet:
		// 0 is nobody where something changed; elsewhere there is "is not set".
		if num, ok = parseID(v); !ok || num < 0 || num == 0 && n.source.Op != ChangedFrom && n.source.Op != ChangedTo {
			return fmt.Sprintf("%q is no %s.", v, n.fact.Ref)
		}
	case KindBool:
		if v != "true" && v != "false" {
			return fmt.Sprintf("%q is neither true nor false.", v)
		}
		if v == "true" {
			num = 1
		}
	case KindTime:
		if n.source.Op == Within || n.source.Op == Older {
			if n.span, ok = ReadSpan(v); !ok {
				return fmt.Sprintf("%q is not a span of time, such as 30m, 12h, 7d or 2w, or 4bh or 2bd of office time.", v)
			}
			num, c.version.needs.Office = n.span.ms, c.version.needs.Office || n.span.Business()
		} else if num, ok = ParseTime(v); !ok {
			return fmt.Sprintf("%q is not a date, such as 2026-01-31 or 2026-01-31T09:00:00Z.", v)
		}
	}
	n.nums = append(n.nums, num)
	return ""
}

func (c *compiler) textValue(n *node, v string) string {
	if strings.TrimSpace(v) == "" {
		return "Say what to compare with."
	}
	if strings.HasPrefix(n.fact.Name, "event.") {
		if text := c.sideValue(v); text != "" {
			return text
		}
	}
	if n.source.Op != Matches {
		n.texts = append(n.texts, strings.ToLower(v))
		return ""
	}
	if len(v) > MaxPattern {
		return fmt.Sprintf("A pattern has at most %d bytes.", MaxPattern)
	}
	if _, err := regexp.Compile(v); err != nil {
		return fmt.Sprintf("This pattern cannot be read: %s.", strings.TrimPrefix(err.Error(), "error parsing regexp: "))
	}
	re, err := compilePattern("(?i)" + v)
	if err != nil {
		return "This pattern is too complicated: it repeats too much."
	}
	n.re = re
	return ""
}

// compilePattern compiles a pattern unless its program is so long that matching
// a long text by it would hold up the desk.
func compilePattern(v string) (*regexp.Regexp, error) {
	parsed, err := syntax.Parse(v, syntax.Perl)
	if err != nil {
		return nil, err
	}
	prog, err := syntax.Compile(parsed.Simplify())
	if err != nil {
		return nil, err
	}
	if len(prog.Inst) > MaxProgram {
		return nil, fmt.Errorf("a program of %d steps", len(prog.Inst))
	}
	return regexp.Compile(v)
}

// sideValue checks a value that event.from or event.to is compared with: what
// it can be depends on the event.
func (c *compiler) sideValue(v string) string {
	if c.version.Definition.When.Event == postroom.ConversationMoved {
		return "Ask whether the mailbox changed from or to one."
	}
	if c.version.Definition.When.Event == postroom.FieldChanged {
		return "Ask whether the field changed from or to a choice."
	}
	sub := compiler{version: &Version{}}
	sub.side(c.version.Definition.When.Event, v, "", false)
	if len(sub.faults) > 0 {
		return sub.faults[0].Text
	}
	return ""
}

func parseID(v string) (int64, bool) {
	n, err := strconv.ParseInt(v, 10, 64)
	return n, err == nil && strconv.FormatInt(n, 10) == v
}

// ParseTime reads a date, which begins at midnight UTC, or an RFC 3339 time.
func ParseTime(v string) (int64, bool) {
	for _, layout := range []string{time.DateOnly, time.RFC3339} {
		if t, err := time.Parse(layout, v); err == nil {
			return t.UnixMilli(), true
		}
	}
	return 0, false
}

// ParseSpan reads a number of minutes, hours, days or weeks, at most ten years, and
// returns it in milliseconds.
func ParseSpan(v string) (int64, bool) {
	if len(v) < 2 {
		return 0, false
	}
	unit := map[byte]int64{'m': 60_000, 'h': 3_600_000, 'd': 86_400_000, 'w': 7 * 86_400_000}[v[len(v)-1]]
	n, ok := parseID(v[:len(v)-1])
	if !ok || unit == 0 || n <= 0 || n > 10*366*24*60 || n*unit > 10*366*86_400_000 {
		return 0, false
	}
	return n * unit, true
}

// needsOf says which record a fact is read from.
func needsOf(fact string) Needs {
	group, _, _ := strings.Cut(fact, ".")
	switch {
	case strings.HasPrefix(fact, ConversationField+string(postroom.FieldText)+"."):
		return Needs{Texts: true}
	case group == "customer":
		return Needs{Customer: true}
	case group == "former":
		return Needs{Former: true}
	case fact == "conversation.subject":
		return Needs{Subject: true}
	case strings.HasPrefix(fact, HeaderFact):
		return Needs{Message: true, Headers: true}
	case group == "message":
		return Needs{Message: true}
	case fact == "mail.sort", fact == "mail.address":
		return Needs{Mail: true}
	case fact == "cause.actor", fact == "cause.event":
		return Needs{Root: true}
	case group == "rating":
		return Needs{Rating: true}
	case group == "office":
		return Needs{Office: true}
	}
	return Needs{}
}

func (n Needs) or(m Needs) Needs {
	return Needs{Customer: n.Customer || m.Customer, Former: n.Former || m.Former, Subject: n.Subject || m.Subject, Message: n.Message || m.Message,
		Headers: n.Headers || m.Headers, Mail: n.Mail || m.Mail, Root: n.Root || m.Root, Office: n.Office || m.Office, Rating: n.Rating || m.Rating, Texts: n.Texts || m.Texts}
}

// changeOf returns what a fact was before and after the event, and whether this
// event changed it.
func changeOf(fact string, e *postroom.Event) (from, to string, changed bool) {
	switch {
	case fact == "conversation.status" && e.Kind == postroom.StatusChanged,
		fact == "conversation.assignee" && e.Kind == postroom.AssigneeChanged,
		fact == "conversation.team" && e.Kind == postroom.TeamChanged,
		fact == "conversation.tags" && e.Kind == postroom.TagsChanged,
		fact == "conversation.rating" && e.Kind == postroom.RatingReceived,
		fact == "conversation.mailbox" && e.Kind == postroom.ConversationMoved,
		fact == "conversation.subject" && e.Kind == postroom.SubjectChanged,
		e.Kind == postroom.FieldChanged && fact == ConversationField+e.Payload.Field:
		from, to = sides(e)
		return from, to, true
	}
	return "", "", false
}
