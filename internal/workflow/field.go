package workflow

import (
	"fmt"
	"slices"
	"strings"

	"postroom"
)

// Fields of one's own are asked for, listened for and set by their paths, which
// say of what kind they are: a definition can be checked, judged and repeated
// without knowing the fields of the desk. Whether there is such a field is asked
// where a workflow is saved.

// The beginnings of the facts that are fields; the path follows, as in
// conversation.field.choice.plan.
const (
	ConversationField = "conversation.field."
	CustomerField     = "customer.field."
)

// fieldFacts are the rows of the schema for fields: one for each kind.
func fieldFacts(prefix, what string) []Fact {
	ops := map[postroom.FieldKind][]Op{
		postroom.FieldText:   textOps,
		postroom.FieldNumber: {Is, IsNot, Greater, Less, IsSet, NotSet},
		postroom.FieldDate:   timeOps,
		postroom.FieldChoice: {Is, IsNot, OneOf, IsSet, NotSet},
		postroom.FieldYesNo:  boolOps,
	}
	kinds := map[postroom.FieldKind]Kind{postroom.FieldText: KindText, postroom.FieldNumber: KindNumber, postroom.FieldDate: KindTime,
		postroom.FieldChoice: KindChoice, postroom.FieldYesNo: KindBool}
	docs := map[postroom.FieldKind]string{
		postroom.FieldText:   "A field of your own with a text; its key follows.",
		postroom.FieldNumber: "A field of your own with a number. Where it is not set, it is neither greater nor less than anything.",
		postroom.FieldDate:   "A field of your own with a date, which begins at midnight UTC.",
		postroom.FieldChoice: "A field of your own with a choice of a list, each by its key.",
		postroom.FieldYesNo:  "A field of your own that is yes or no, which it is until somebody says yes.",
	}
	var out []Fact
	for _, kind := range postroom.FieldKinds {
		f := Fact{Name: prefix + string(kind) + ".*", Label: what, Doc: docs[kind], Kind: kinds[kind], Ops: ops[kind]}
		if prefix == ConversationField {
			f.Ops = join(f.Ops, []Op{Changed})
			if kind == postroom.FieldChoice {
				f.Ops = join(f.Ops, []Op{ChangedFrom, ChangedTo})
			}
		}
		out = append(out, f)
	}
	return out
}

// withFields puts the rows for fields behind those they belong to.
func withFields(rows []Fact) []Fact {
	for behind, more := range map[string][]Fact{"customer.company": fieldFacts(CustomerField, "the customer’s field"), "conversation.snoozed_until": fieldFacts(ConversationField, "the field")} {
		i := slices.IndexFunc(rows, func(f Fact) bool { return f.Name == behind })
		rows = slices.Insert(rows, i+1, more...)
	}
	return rows
}

// FieldFact takes the fact that is a field apart; ok is false for any other.
func FieldFact(name string) (subject postroom.FieldSubject, path string, ok bool) {
	if path, ok = strings.CutPrefix(name, ConversationField); ok {
		subject = postroom.OfConversation
	} else if path, ok = strings.CutPrefix(name, CustomerField); ok {
		subject = postroom.OfCustomer
	} else {
		return "", "", false
	}
	_, _, ok = postroom.SplitFieldPath(path)
	return subject, path, ok
}

// lookupField finds the row of a field's kind, with the name of that field.
func lookupField(name string) (fact Fact, slot int, ok bool) {
	subject, path, ok := FieldFact(name)
	if !ok {
		return Fact{}, 0, false
	}
	kind, key, _ := postroom.SplitFieldPath(path)
	slot = slots[string(subject)+".field."+string(kind)+".*"]
	fact = schema[slot]
	fact.Name, fact.Label = name, fact.Label+" "+key
	return fact, slot, true
}

// FieldRef is what Names is asked for to put a field into words, with the id 0:
// fields have keys. With a value it is one of the field's choices.
func FieldRef(subject postroom.FieldSubject, path, value string) Ref {
	r := "field " + string(subject) + ".field." + path
	if value != "" {
		r += "=" + value
	}
	return Ref(r)
}

// FieldWords answers what Names is asked for with a FieldRef; "" for anything
// else, and for what is not among the fields.
func FieldWords(ref Ref, fields []*postroom.Field) string {
	fact, is := strings.CutPrefix(string(ref), "field ")
	if !is {
		return ""
	}
	fact, value, choice := strings.Cut(fact, "=")
	subject, path, _ := FieldFact(fact)
	for _, f := range fields {
		if f.Subject != subject || f.Path() != path {
			continue
		}
		if choice {
			return f.Words(value)
		}
		return f.Name
	}
	return ""
}

// field names a field, by its key if it is not known.
func (n Names) field(subject postroom.FieldSubject, path string) string {
	if n != nil {
		if s := n(FieldRef(subject, path, ""), 0); s != "" {
			return s
		}
	}
	_, key, ok := postroom.SplitFieldPath(path)
	if !ok {
		return path
	}
	return key
}

// fieldValue says a value of a field: the name of a choice, yes and no. "" is
// nothing, and of a text, which stands elsewhere, there are no words.
func (n Names) fieldValue(subject postroom.FieldSubject, path, value string) string {
	kind, _, _ := postroom.SplitFieldPath(path)
	switch {
	case kind == postroom.FieldYesNo:
		return yes(value == postroom.Yes)
	case value == "":
		return "nothing"
	case kind == postroom.FieldChoice && n != nil:
		if s := n(FieldRef(subject, path, value), 0); s != "" {
			return s
		}
	}
	return value
}

// fact is a fact with the name of the field that it is.
func (n Names) fact(f Fact) Fact {
	subject, path, ok := FieldFact(f.Name)
	if !ok {
		return f
	}
	what := "the field "
	if subject == postroom.OfCustomer {
		what = "the customer’s field "
	}
	f.Label = what + n.field(subject, path)
	return f
}

// choice says a value of a fact with choices in words.
func (n Names) choice(fact, value string) string {
	if subject, path, ok := FieldFact(fact); ok {
		return n.fieldValue(subject, path, value)
	}
	return ChoiceLabel(fact, value)
}

// field reads a fact that is a field.
func (f recordFacts) field(name string) Value {
	subject, path, ok := FieldFact(name)
	if !ok {
		return Missing()
	}
	var value string
	switch {
	case subject == postroom.OfCustomer && f.r.Customer != nil:
		value = f.r.Customer.Fields[path]
	case subject == postroom.OfConversation && f.r.Event != nil:
		value = f.r.Event.After.Fields[path]
	default:
		return Missing()
	}
	kind, _, _ := postroom.SplitFieldPath(path)
	if kind == postroom.FieldText && value != "" && subject == postroom.OfConversation {
		text, known := f.r.Texts[value]
		if !known || text == "" {
			return Missing() // it was erased
		}
		value = text
	}
	return fieldValue(kind, value)
}

// fieldValue turns what is kept into a value.
func fieldValue(kind postroom.FieldKind, value string) Value {
	switch kind {
	case postroom.FieldNumber:
		n, ok := parseID(value)
		if !ok {
			return Value{known: true, unset: true}
		}
		return Number(n)
	case postroom.FieldDate:
		at, _ := ParseTime(value)
		return Time(at)
	case postroom.FieldYesNo:
		return Bool(value == postroom.Yes)
	}
	if value == "" {
		return Text()
	}
	return Text(value)
}

// unsetTruth judges a number that is not set.
func unsetTruth(op Op) Truth {
	switch op {
	case NotSet, IsNot:
		return True
	case IsSet, Is:
		return False
	}
	return Unknown
}

// edgeField checks which field an edge is about, and from and to what.
func (c *compiler) edgeField(w When, at string) {
	if w.Field == "" {
		if len(w.From)+len(w.To) > 0 {
			c.fault(at+"field", "Say which field changes from or to something.")
		}
		return
	}
	kind, _, ok := postroom.SplitFieldPath(w.Field)
	switch {
	case w.Event != postroom.FieldChanged:
		c.fault(at+"field", "Only a change of a field names one.")
		return
	case !ok:
		c.fault(at+"field", "%q is not a field: its kind and its key, such as choice.plan.", clip(w.Field))
		return
	}
	for name, list := range map[string][]string{"from": w.From, "to": w.To} {
		for i, v := range list {
			path := fmt.Sprintf("%s%s[%d]", at, name, i)
			switch {
			case kind == postroom.FieldChoice && postroom.FieldKeyed(v), kind == postroom.FieldYesNo && (v == "true" || v == "false"):
			case kind == postroom.FieldChoice:
				c.fault(path, "%q is not a choice.", clip(v))
			case kind == postroom.FieldYesNo:
				c.fault(path, "%q is neither true nor false.", clip(v))
			default:
				c.fault(path, "Only a choice, and yes and no, can be asked for here. Use a condition.")
			}
		}
	}
}

// setField checks the field that an action sets, and its value.
func (c *compiler) setField(a Action, path string) {
	kind, _, ok := postroom.SplitFieldPath(a.Field)
	switch {
	case a.Field == "":
		c.fault(path+".field", "Say which field.")
	case !ok:
		c.fault(path+".field", "%q is not a field: its kind and its key, such as choice.plan.", clip(a.Field))
	case kind == postroom.FieldText:
		if len(a.Value) > postroom.MaxFieldText {
			c.fault(path+".value", "A text has at most %d bytes.", postroom.MaxFieldText)
		}
	default:
		if value, err := postroom.ParseFieldValue(kind, a.Value); err != nil {
			c.fault(path+".value", "%s", postroom.TextOf(err))
		} else if value != a.Value && kind != postroom.FieldYesNo {
			c.fault(path+".value", "Write it as %q.", value)
		}
	}
}

// setWords says an action that sets a field.
func (a Action) setWords(names Names) string {
	if a.Field == "" {
		return "set the field " + gap
	}
	name := names.field(postroom.OfConversation, a.Field)
	kind, _, _ := postroom.SplitFieldPath(a.Field)
	switch {
	case a.Value == "" && kind != postroom.FieldYesNo:
		return "clear the field " + name
	case kind == postroom.FieldText:
		return "set the field " + name + " to " + quoteShort(a.Value)
	}
	return "set the field " + name + " to " + names.fieldValue(postroom.OfConversation, a.Field, a.Value)
}

// fieldWords says an edge about a field: "the field Plan changes".
func (w When) fieldWords(names Names) string {
	if w.Field == "" {
		return wordsOr(eventWords, w.Event)
	}
	return "the field " + names.field(postroom.OfConversation, w.Field) + " changes"
}

// sideOf puts one side of an event's change into words.
func sideOf(e *postroom.Event, side string, names Names) string {
	if e.Kind != postroom.FieldChanged {
		return sideWords(e.Kind, side, names)
	}
	return fieldSide(e.Payload.Field, side, names)
}

// fieldSide says one side of a change of a field.
func fieldSide(path, side string, names Names) string {
	if side == "false" {
		side = ""
	}
	return names.fieldValue(postroom.OfConversation, path, side)
}

// fieldChange says a change of a field, as in "The field Plan changed from Basic
// to Gold"; what a text was and is stands elsewhere.
func fieldChange(e *postroom.Event, names Names) string {
	text := "The field " + names.field(postroom.OfConversation, e.Payload.Field) + " changed"
	if kind, _, _ := postroom.SplitFieldPath(e.Payload.Field); kind == postroom.FieldText {
		return text
	}
	from, to := sides(e)
	return text + " from " + fieldSide(e.Payload.Field, from, names) + " to " + fieldSide(e.Payload.Field, to, names)
}

// FieldsNamed lists the fields that a definition names, as the facts that they
// are, each with its path in the JSON, and with the value where one is named: in
// When, conditions and actions, and in the texts by key alone.
func (d Definition) FieldsNamed() []NamedField {
	var out []NamedField
	edge := func(at string, field string, sides map[string][]string) {
		if field == "" {
			return
		}
		out = append(out, NamedField{At: at + ".field", Subject: postroom.OfConversation, Path: field})
		for _, name := range []string{"from", "to"} {
			for i, v := range sides[name] {
				out = append(out, NamedField{At: fmt.Sprintf("%s.%s[%d]", at, name, i), Subject: postroom.OfConversation, Path: field, Value: v})
			}
		}
	}
	unless := func(at string, all []Unless) {
		for i, u := range all {
			edge(fmt.Sprintf("%s.unless[%d]", at, i), u.Field, map[string][]string{"from": u.From, "to": u.To})
		}
	}
	edge("when", d.When.Field, map[string][]string{"from": d.When.From, "to": d.When.To})
	unless("when", d.When.Unless)
	out = append(out, d.If.fieldsNamed("if")...)
	for i, a := range d.Then {
		at := fmt.Sprintf("then[%d]", i)
		if a.Field != "" {
			out = append(out, NamedField{At: at + ".field", Subject: postroom.OfConversation, Path: a.Field}, NamedField{At: at + ".value", Subject: postroom.OfConversation, Path: a.Field, Value: a.Value})
		}
		unless(at, a.Unless)
	}
	return slices.DeleteFunc(out, func(n NamedField) bool { _, _, ok := postroom.SplitFieldPath(n.Path); return !ok })
}

// NamedField is a place in a definition where a field is named.
type NamedField struct {
	At      string // in the JSON: "if.all[0].fact"
	Subject postroom.FieldSubject
	Path    string
	Value   string // a choice of it; "" for none
}

func (c Cond) fieldsNamed(at string) (out []NamedField) {
	word := ""
	switch {
	case c.All != nil:
		word = "all"
	case c.Any != nil:
		word = "any"
	case c.None != nil:
		word = "none"
	}
	if _, children := c.group(); children != nil {
		for i, child := range children {
			out = append(out, child.fieldsNamed(fmt.Sprintf("%s.%s[%d]", at, word, i))...)
		}
		return out
	}
	subject, path, ok := FieldFact(c.Fact)
	if !ok {
		return nil
	}
	out = append(out, NamedField{At: at + ".fact", Subject: subject, Path: path})
	if kind, _, _ := postroom.SplitFieldPath(path); kind == postroom.FieldChoice {
		for i, v := range c.Values {
			out = append(out, NamedField{At: fmt.Sprintf("%s.values[%d]", at, i), Subject: subject, Path: path, Value: v})
		}
	}
	return out
}

// edgeField reads which field an edge of a form is about. From and to belong to
// the field that was chosen when the form was drawn, "was_field".
func (r *fieldReader) edgeField(at string, event postroom.EventKind, from, to []string) (string, []string, []string) {
	if event != postroom.FieldChanged {
		return "", from, to
	}
	field := strings.TrimSpace(r.fields.first(at + ".field"))
	if was := r.fields[at+".was_field"]; was != nil && first(was) != field {
		return field, nil, nil
	}
	return field, from, to
}

// FieldSides are the choices of From and To of an edge about a field, nil for a
// field that has none. Those of a choice are for whoever knows the field.
func FieldSides(path string) (choices []string, ok bool) {
	switch kind, _, _ := postroom.SplitFieldPath(path); kind {
	case postroom.FieldChoice:
		return nil, true
	case postroom.FieldYesNo:
		return []string{"true", "false"}, true
	}
	return nil, false
}

// Templates are the texts of a definition that can say variables, by their place
// in its JSON.
func (d Definition) Templates() map[string]string {
	out := map[string]string{}
	for i, a := range d.Then {
		at := fmt.Sprintf("then[%d].", i)
		for name, text := range map[string]string{"text": a.Text, "html": a.HTML, "subject": a.Subject, "url": a.URL, "value": a.Value} {
			if strings.Contains(text, "{") {
				out[at+name] = text
			}
		}
		for language, text := range a.Texts {
			out[at+"texts."+language] = text
		}
	}
	return out
}

// orNo is a side of a change of yes or no.
func orNo(side string) string {
	if side == "" {
		return "false"
	}
	return side
}
