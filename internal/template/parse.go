package template

import (
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"

	"postroom"
)

// Template is a parsed template. It does not change and may be used by several
// goroutines.
type Template struct {
	source string
	mode   Mode
	body   []node
}

// node is a text, an output or a choice.
type node struct {
	text   string
	output *output
	choice *choice
}

// output is {{ … }}.
type output struct {
	value   operand
	filters []call
	offset  int
	place   place
}

// choice is {% if %} with its branches; the last one may have no condition.
type choice struct {
	branches []branch
}

type branch struct {
	when condition // no terms: else
	body []node
}

// condition is terms joined by all "and" or all "or", turned round by unless.
type condition struct {
	terms  []term
	or     bool
	negate bool
	offset int
}

// term is "value", "value == value", "value != value" or "value contains value".
type term struct {
	left, right operand
	op          string // "" asks whether left is not empty
}

// operand is a variable, or a literal when name is empty.
type operand struct {
	name    string
	literal string
}

// call is a filter with its arguments.
type call struct {
	filter *filter
	args   []string
	byName []operand // for default: a variable may stand in
}

// Parse reads a template. The error is Invalid and says in words what is wrong
// and on which line and column. It does not ask whether the variables exist;
// Check does.
func Parse(source string, mode Mode) (*Template, error) {
	if len(source) > MaxSource {
		return nil, postroom.Errorf(postroom.Invalid, "The text is longer than %d bytes.", MaxSource)
	}
	if !utf8.ValidString(source) {
		return nil, postroom.Errorf(postroom.Invalid, "The text is not valid UTF-8.")
	}
	pieces, err := scan(source, mode)
	if err != nil {
		return nil, err
	}
	p := parser{source: source, pieces: pieces}
	body, end, err := p.block(0)
	if err != nil {
		return nil, err
	}
	if end.word != "" {
		return nil, fault(source, end.offset, "{%% %s %%} stands here without its beginning.", end.word)
	}
	return &Template{source: source, mode: mode, body: body}, nil
}

// Source returns the text the template was read from.
func (t *Template) Source() string { return t.source }

// Mode returns what the template makes.
func (t *Template) Mode() Mode { return t.mode }

// Blank reports whether the template can only ever render to white space.
func (t *Template) Blank() bool { return blank(t.body) }

func blank(body []node) bool {
	for _, n := range body {
		switch {
		case n.output != nil, strings.TrimSpace(n.text) != "":
			return false
		case n.choice != nil:
			for _, b := range n.choice.branches {
				if !blank(b.body) {
					return false
				}
			}
		}
	}
	return true
}

// parser goes over the pieces once.
type parser struct {
	source string
	pieces []piece
	next   int
}

// ending is the tag that ended a block; word is "" at the end of the text.
type ending struct {
	word   string
	rest   []token
	offset int
}

// block reads up to the tag that ends or divides a choice.
func (p *parser) block(depth int) ([]node, ending, error) {
	var body []node
	for p.next < len(p.pieces) {
		pc := p.pieces[p.next]
		p.next++
		switch pc.kind {
		case pieceText:
			body = append(body, node{text: pc.text})
		case pieceOutput:
			o, err := p.output(pc)
			if err != nil {
				return nil, ending{}, err
			}
			body = append(body, node{output: o})
		case pieceTag:
			n, end, err := p.tag(pc, depth)
			if err != nil || end.word != "" {
				return body, end, err
			}
			if n != nil {
				body = append(body, *n)
			}
		}
	}
	return body, ending{}, nil
}

// tag reads one {% %}.
func (p *parser) tag(pc piece, depth int) (*node, ending, error) {
	if o := freescoutTag(pc); o != nil {
		return &node{output: o}, ending{}, nil
	}
	list, wrong := tokens(pc.text)
	if wrong != "" {
		return nil, ending{}, fault(p.source, pc.offset, "%s", wrong)
	}
	if len(list) == 0 || list[0].kind != tokenName {
		return nil, ending{}, fault(p.source, pc.offset, "a tag begins with a word such as if.")
	}
	word, rest := list[0].text, list[1:]
	switch word {
	case "if", "unless":
		if depth >= MaxNesting {
			return nil, ending{}, fault(p.source, pc.offset, "if stands within if more than %d times.", MaxNesting)
		}
		c, err := p.choice(word, rest, pc, depth)
		if err != nil {
			return nil, ending{}, err
		}
		return &node{choice: c}, ending{}, nil
	case "elsif", "else", "endif", "endunless":
		return nil, ending{word: word, rest: rest, offset: pc.offset}, nil
	case "comment":
		return nil, ending{}, p.comment(pc)
	case "endcomment":
		return nil, ending{}, fault(p.source, pc.offset, "{%% endcomment %%} stands here without its beginning.")
	case "elseif", "elif":
		return nil, ending{}, fault(p.source, pc.offset, "it is written {%% elsif … %%}.")
	}
	return nil, ending{}, fault(p.source, pc.offset, "there is no tag %q; a variable is written {{ %s }}.", word, word)
}

func (p *parser) comment(pc piece) error {
	for p.next < len(p.pieces) {
		c := p.pieces[p.next]
		p.next++
		if c.kind == pieceTag && strings.TrimSpace(c.text) == "endcomment" {
			return nil
		}
	}
	return fault(p.source, pc.offset, "this comment is never ended with {%% endcomment %%}.")
}

// choice reads the branches of an if or unless up to its end.
func (p *parser) choice(word string, rest []token, pc piece, depth int) (*choice, error) {
	cond, err := p.condition(rest, pc.offset)
	if err != nil {
		return nil, err
	}
	cond.negate = word == "unless"
	c := &choice{}
	for {
		body, end, err := p.block(depth + 1)
		if err != nil {
			return nil, err
		}
		c.branches = append(c.branches, branch{when: cond, body: body})
		ended := len(cond.terms) == 0
		switch end.word {
		case "":
			return nil, fault(p.source, pc.offset, "this %s is never ended with {%% end%s %%}.", word, word)
		case "end" + word:
			if len(end.rest) > 0 {
				return nil, fault(p.source, end.offset, "nothing may follow %s.", end.word)
			}
			return c, nil
		case "elsif", "else":
			if ended {
				return nil, fault(p.source, end.offset, "%s follows an else.", end.word)
			}
			cond = condition{}
			if end.word == "elsif" {
				if cond, err = p.condition(end.rest, end.offset); err != nil {
					return nil, err
				}
			} else if len(end.rest) > 0 {
				return nil, fault(p.source, end.offset, "nothing may follow else; another condition is written elsif.")
			}
		default:
			return nil, fault(p.source, end.offset, "{%% %s %%} ends what was begun with %s.", end.word, word)
		}
	}
}

// condition reads what follows if.
func (p *parser) condition(list []token, offset int) (condition, error) {
	c := condition{offset: offset}
	joined := ""
	for {
		t, rest, wrong := readTerm(list)
		if wrong != "" {
			return c, fault(p.source, offset, "%s", wrong)
		}
		c.terms = append(c.terms, t)
		if len(rest) == 0 {
			return c, nil
		}
		word := rest[0].text
		if rest[0].kind != tokenName || word != "and" && word != "or" {
			return c, fault(p.source, offset, "%q has no place in this condition.", word)
		}
		if joined != "" && joined != word {
			return c, fault(p.source, offset, "and and or do not mix in one condition; put one if into another.")
		}
		joined, c.or, list = word, word == "or", rest[1:]
	}
}

func readTerm(list []token) (term, []token, string) {
	left, list, ok := readOperand(list)
	if !ok {
		return term{}, nil, "a condition is missing here."
	}
	t := term{left: left}
	if len(list) == 0 {
		return t, nil, ""
	}
	switch op := list[0]; {
	case op.kind == tokenSymbol && (op.text == "==" || op.text == "!="), op.kind == tokenName && op.text == "contains":
		if t.right, list, ok = readOperand(list[1:]); !ok {
			return t, nil, fmt.Sprintf("nothing follows %s.", op.text)
		}
		t.op = op.text
	}
	return t, list, ""
}

// emptyWords stand for the empty text.
var emptyWords = []string{"blank", "empty", "nil", "null"}

func readOperand(list []token) (operand, []token, bool) {
	if len(list) == 0 {
		return operand{}, nil, false
	}
	switch t := list[0]; t.kind {
	case tokenString, tokenNumber:
		return operand{literal: t.text}, list[1:], true
	case tokenName:
		if slices.Contains(emptyWords, t.text) {
			return operand{}, list[1:], true
		}
		return operand{name: t.text}, list[1:], true
	}
	return operand{}, nil, false
}

// output reads one {{ }}.
func (p *parser) output(pc piece) (*output, error) {
	list, wrong := tokens(pc.text)
	if wrong != "" {
		return nil, fault(p.source, pc.offset, "%s", wrong)
	}
	value, list, ok := readOperand(list)
	if !ok {
		return nil, fault(p.source, pc.offset, "the name of a variable is missing.")
	}
	o := &output{value: value, offset: pc.offset, place: pc.place}
	for len(list) > 0 {
		if list[0].text != "|" || list[0].kind != tokenSymbol {
			return nil, fault(p.source, pc.offset, "%q has no place here; a filter follows a |.", list[0].text)
		}
		c, rest, wrong := readCall(list[1:])
		if wrong != "" {
			return nil, fault(p.source, pc.offset, "%s", wrong)
		}
		o.filters = append(o.filters, c)
		list = rest
	}
	return o, nil
}

func readCall(list []token) (call, []token, string) {
	if len(list) == 0 || list[0].kind != tokenName {
		return call{}, nil, "the name of a filter is missing after the |."
	}
	f := findFilter(list[0].text)
	if f == nil {
		return call{}, nil, fmt.Sprintf("there is no filter %q; there are %s.", list[0].text, strings.Join(Filters(), ", "))
	}
	c := call{filter: f}
	list = list[1:]
	if len(list) > 0 && list[0].kind == tokenSymbol && list[0].text == ":" {
		list = list[1:]
		for {
			arg, rest, ok := readOperand(list)
			if !ok {
				return call{}, nil, fmt.Sprintf("the filter %s misses what follows its colon.", f.name)
			}
			c.args = append(c.args, arg.literal)
			c.byName = append(c.byName, arg)
			list = rest
			if len(list) == 0 || list[0].kind != tokenSymbol || list[0].text != "," {
				break
			}
			list = list[1:]
		}
	}
	return c, list, f.check(c)
}

// freescoutTag reads {%customer.firstName,fallback=there%}; nil if it is none.
func freescoutTag(pc piece) *output {
	name, rest, more := strings.Cut(pc.text, ",")
	name = strings.TrimSpace(name)
	if strings.ContainsAny(name, " \t\r\n\"'|:=") || !strings.Contains(name, ".") && name != "subject" && name != Rating {
		return nil
	}
	if ours, ok := freescout[name]; ok {
		name = ours
	}
	o := &output{value: operand{name: name}, offset: pc.offset, place: pc.place}
	if key, fallback, ok := strings.Cut(rest, "="); more && ok && strings.TrimSpace(key) == "fallback" {
		fallback = strings.TrimSpace(fallback)
		o.filters = []call{{filter: findFilter("default"), args: []string{fallback}, byName: []operand{{literal: fallback}}}}
	}
	return o
}
