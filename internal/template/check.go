package template

import "slices"

// Names returns the names of the variables the template asks for, each once,
// in the order in which they first stand there.
func (t *Template) Names() []string {
	var out []string
	add := func(o operand) {
		if o.name != "" && !slices.Contains(out, o.name) {
			out = append(out, o.name)
		}
	}
	var walk func(body []node)
	walk = func(body []node) {
		for _, n := range body {
			if n.output != nil {
				add(n.output.value)
				for _, f := range n.output.filters {
					for _, a := range f.byName {
						add(a)
					}
				}
			}
			if n.choice != nil {
				for _, b := range n.choice.branches {
					for _, t := range b.when.terms {
						add(t.left)
						add(t.right)
					}
					walk(b.body)
				}
			}
		}
	}
	walk(t.body)
	return out
}

// Check finds what must not be saved: a variable that is not known, the
// filter date on what is no time, and in HTML a variable where escaping cannot
// protect (in a tag but not in quotes; in a tag at all when the customer chose
// the text). The error is Invalid and names line and column.
func (t *Template) Check(known []Variable) error {
	return t.check(checker{source: t.source, known: known})
}

// CheckPublish finds what Check finds, and beyond that each variable that may
// be empty and has neither a default nor an if around it that makes sure.
func (t *Template) CheckPublish(known []Variable) error {
	return t.check(checker{source: t.source, known: known, publish: true})
}

func (t *Template) check(c checker) error {
	c.mode = t.mode
	return c.body(t.body, nil)
}

type checker struct {
	source  string
	known   []Variable
	mode    Mode
	publish bool
}

// body checks nodes; sure holds the variables that are not empty here.
func (c checker) body(body []node, sure []string) error {
	for _, n := range body {
		var err error
		switch {
		case n.output != nil:
			err = c.output(n.output, sure)
		case n.choice != nil:
			err = c.choice(n.choice, sure)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func (c checker) choice(ch *choice, sure []string) error {
	passed := sure // what is sure once the branches so far did not hold
	for _, b := range ch.branches {
		for _, t := range b.when.terms {
			for _, o := range []operand{t.left, t.right} {
				if _, err := c.lookup(o, b.when.offset); err != nil {
					return err
				}
			}
		}
		if err := c.body(b.body, slices.Concat(passed, b.when.sure(true))); err != nil {
			return err
		}
		passed = slices.Concat(passed, b.when.sure(false))
	}
	return nil
}

// sure returns the variables that cannot be empty when the condition holds, or
// when it does not.
func (c condition) sure(holds bool) []string {
	if c.negate {
		holds = !holds
	}
	// All terms are known to hold, or all known not to, only so:
	if len(c.terms) > 1 && c.or == holds {
		return nil
	}
	var out []string
	for _, t := range c.terms {
		if name := t.sure(holds); name != "" {
			out = append(out, name)
		}
	}
	return out
}

// sure returns the variable that cannot be empty when the term holds, or when
// it does not; "" if there is none.
func (t term) sure(holds bool) string {
	left, right := t.left, t.right
	if left.name == "" && t.op != "contains" {
		left, right = right, left
	}
	full := right.name == "" && right.literal != ""
	none := right.name == "" && right.literal == ""
	switch {
	case left.name == "":
		return ""
	case t.op == "" && holds, t.op == "==" && full && holds, t.op == "!=" && none && holds,
		t.op == "==" && none && !holds, t.op == "!=" && full && !holds, t.op == "contains" && full && holds:
		return left.name
	}
	return ""
}

func (c checker) lookup(o operand, offset int) (Variable, error) {
	if o.name == "" {
		return Variable{}, nil
	}
	v, ok := find(c.known, o.name)
	if !ok {
		if near := c.nearest(o.name); near != "" {
			return v, fault(c.source, offset, "there is no variable %q; did you mean %s?", o.name, near)
		}
		return v, fault(c.source, offset, "there is no variable %q.", o.name)
	}
	return v, nil
}

func (c checker) output(o *output, sure []string) error {
	v, err := c.lookup(o.value, o.offset)
	if err != nil {
		return err
	}
	optional := v.Optional && !slices.Contains(sure, v.Name)
	supplied := v.Supplied
	for _, f := range o.filters {
		switch f.filter.name {
		case "date":
			if !v.Moment && o.value.name != "" {
				return fault(c.source, o.offset, "%s is not a time, so date cannot write it.", v.Name)
			}
		case "default":
			w, err := c.lookup(f.byName[0], o.offset)
			if err != nil {
				return err
			}
			supplied = supplied || w.Supplied
			if f.byName[0].name == "" && f.args[0] != "" || w.Name != "" && (!w.Optional || slices.Contains(sure, w.Name)) {
				optional = false
			}
		}
	}
	switch {
	case v.Links && (o.place != 0 || c.mode != Text && c.mode != HTML):
		return fault(c.source, o.offset, "%s becomes links, and stands in the text of a mail to the customer only.", v.Name)
	case o.place == unquoted:
		return fault(c.source, o.offset, "a variable inside an HTML tag has to stand within quotes.")
	case o.place == quoted && supplied:
		return fault(c.source, o.offset, "%s is chosen by the customer and must not stand inside an HTML tag.", v.Name)
	case c.publish && optional:
		return fault(c.source, o.offset, "%s may be empty; give it a default, as in {{ %s | default: \"…\" }}.", v.Name, v.Name)
	}
	return nil
}

// nearest finds the known variable that is at most two slips away.
func (c checker) nearest(name string) string {
	best, found := 3, ""
	for _, v := range c.known {
		if d := distance(name, v.Name); d < best {
			best, found = d, v.Name
		}
	}
	return found
}

// distance is the edit distance of two short texts.
func distance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		left := row[0]
		row[0] = i + 1
		for j := range len(b) {
			d := left
			if a[i] != b[j] {
				d++
			}
			left = row[j+1]
			row[j+1] = min(d, row[j]+1, row[j+1]+1)
		}
	}
	return row[len(b)]
}
