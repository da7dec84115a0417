package template

import (
	"html"
	"slices"
	"strings"
	"time"
	"unicode"

	"postroom"
)

// Options say for whom a template is rendered.
type Options struct {
	// Untrusted withholds everything the customer chose: a subject becomes the
	// number, a name its default (rule A8). Set it for every mail to a sender
	// who is not verified.
	Untrusted bool
	// Zone is the zone times are written in; nil is UTC.
	Zone *time.Location
}

// Render makes the text. value gives the value of a variable by name; false
// and "" both mean that it is empty. Values never become template or markup:
// they are one line, without control characters, cut at MaxValue and escaped.
// The error is Invalid and can only be that the result passes MaxOutput.
func (t *Template) Render(o Options, value func(name string) (string, bool)) (string, error) {
	r := renderer{mode: t.mode, o: o, value: value}
	if r.o.Zone == nil {
		r.o.Zone = time.UTC
	}
	if !r.body(t.body) {
		return "", postroom.Errorf(postroom.Invalid, "The text became longer than %d bytes.", MaxOutput)
	}
	if t.mode == Subject {
		return firstRunes(oneLine(r.out.String()), MaxSubject), nil
	}
	return r.out.String(), nil
}

type renderer struct {
	mode  Mode
	o     Options
	value func(name string) (string, bool)
	out   strings.Builder
}

// body renders nodes; false once the output is too long.
func (r *renderer) body(body []node) bool {
	for _, n := range body {
		switch {
		case n.output != nil:
			s := r.eval(n.output)
			switch r.mode {
			case HTML:
				s = html.EscapeString(s)
			case JSON:
				s = escapeJSON(s)
			case URL:
				s = escapeURL(s)
			}
			r.out.WriteString(s)
		case n.choice != nil:
			for _, b := range n.choice.branches {
				if r.holds(b.when) {
					if !r.body(b.body) {
						return false
					}
					break
				}
			}
		default:
			r.out.WriteString(n.text)
		}
		if r.out.Len() > MaxOutput {
			return false
		}
	}
	return true
}

// read returns an operand's value, "" for what is empty or withheld.
func (r *renderer) read(o operand) string {
	if o.name == "" {
		return o.literal
	}
	v, known := Lookup(o.name)
	if r.o.Untrusted && (v.Supplied || !known) {
		return ""
	}
	s, _ := r.value(o.name)
	if !v.Links {
		s = strings.ReplaceAll(s, RatingMark, "")
	}
	return firstRunes(oneLine(s), MaxValue)
}

// eval returns an output's value, not yet escaped.
func (r *renderer) eval(o *output) string {
	s := r.read(o.value)
	v, _ := Lookup(o.value.name)
	if s == "" && v.Instead != "" && !slices.ContainsFunc(o.filters, func(c call) bool { return c.filter.name == "default" }) {
		s = r.read(operand{name: v.Instead})
	}
	dated := false
	for _, c := range o.filters {
		if c.filter.name == "default" {
			if s == "" {
				s = r.read(c.byName[0])
			}
			continue
		}
		dated = dated || c.filter.name == "date"
		s = c.filter.apply(s, c.args, r.o.Zone)
	}
	if v.Moment && !dated {
		return date(s, []string{"%-d %B %Y %H:%M %Z"}, r.o.Zone)
	}
	return s
}

func (r *renderer) holds(c condition) bool {
	if len(c.terms) == 0 {
		return true
	}
	out := !c.or
	for _, t := range c.terms {
		if r.term(t) == c.or {
			out = c.or
			break
		}
	}
	return out != c.negate
}

func (r *renderer) term(t term) bool {
	left := r.read(t.left)
	switch t.op {
	case "==":
		return left == r.read(t.right)
	case "!=":
		return left != r.read(t.right)
	case "contains":
		return strings.Contains(left, r.read(t.right))
	}
	return left != ""
}

// oneLine turns every run of white space into one space and takes out what
// cannot be seen: control characters and those that turn the direction of
// writing, with which a name could pose as other text.
func oneLine(s string) string {
	var b strings.Builder
	space := false
	for _, r := range strings.ToValidUTF8(s, "\uFFFD") {
		switch {
		case unicode.IsSpace(r):
			space = b.Len() > 0
		case unicode.IsControl(r), r >= 0x202A && r <= 0x202E, r >= 0x2066 && r <= 0x2069:
		default:
			if space {
				b.WriteByte(' ')
				space = false
			}
			b.WriteRune(r)
		}
	}
	return b.String()
}
