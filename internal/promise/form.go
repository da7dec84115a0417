package promise

import (
	"strconv"
	"strings"

	"postroom"
	"postroom/internal/workflow"
)

// The values of the field "expect.what" that are no kind of event.
const (
	WhatWorkflow = "mail.workflow"
	WhatAnybody  = "mail.any"
)

// What is the value of the field "expect.what".
func (x Expect) What() string {
	switch {
	case x.Event != nil:
		return string(x.Event.Event)
	case x.Mail != "":
		return "mail." + string(x.Mail)
	}
	return ""
}

// Fields returns the fields that FromFields reads the definition from: those of
// workflow.Fields for "when" and "if", "expect.what", "expect.times",
// "expect.workflow", the filters "expect.from" and so on, and "within" with its
// "within.unit".
func (d Definition) Fields() workflow.Fields {
	f := workflow.Definition{When: d.When, If: d.If}.Fields()
	x := d.Expect
	f["expect.what"], f["expect.times"] = []string{x.What()}, []string{string(x.Times)}
	if x.Workflow != 0 {
		f["expect.workflow"] = []string{strconv.FormatInt(x.Workflow, 10)}
	}
	edge := workflow.Definition{When: x.edge()}.Fields()
	for _, name := range []string{"from", "to", "actors", "paths"} {
		if v := edge["when."+name]; len(v) > 0 {
			f["expect."+name] = v
		}
	}
	number, unit, ok := workflow.SplitSpan(d.Within)
	if !ok {
		number, unit = d.Within, ""
	}
	f["within"], f["within.unit"] = []string{number}, []string{unit}
	return f
}

// FromFields reads a definition from a form. Like workflow.FromFields it takes
// what is still being written; only what a definition cannot hold is refused.
// The field "expect.was" says what was chosen when the form was drawn: filters
// that belong to the old choice go.
func FromFields(f workflow.Fields) (Definition, error) {
	head, err := workflow.FromFields(f)
	head.When.After, head.When.Unless, head.When.Again = "", nil, ""
	d := Definition{When: head.When, If: head.If}
	get := func(name string) string {
		if v := f[name]; len(v) > 0 {
			return strings.TrimSpace(v[0])
		}
		return ""
	}
	d.Expect.Times = Times(get("expect.times"))
	switch what := get("expect.what"); what {
	case "":
	case WhatWorkflow:
		d.Expect.Mail = MailOfWorkflow
		d.Expect.Workflow, _ = strconv.ParseInt(get("expect.workflow"), 10, 64)
	case WhatAnybody:
		d.Expect.Mail = MailOfAnybody
	default:
		edge := workflow.Fields{"when.event": {what}, "when.was": f["expect.was"]}
		for _, name := range []string{"from", "to", "actors", "paths"} {
			edge["when."+name] = f["expect."+name]
		}
		x, _ := workflow.FromFields(edge)
		d.Expect.Event = &workflow.Unless{Event: x.When.Event, From: x.When.From, To: x.When.To, Actors: x.When.Actors, Paths: x.When.Paths}
	}
	d.Within = get("within")
	if _, _, whole := workflow.SplitSpan(d.Within); !whole && d.Within != "" {
		d.Within += get("within.unit")
	}
	if len(d.Within) > 20 && err == nil {
		err = postroom.InvalidField("within", "That is no span of time, such as 2 minutes.")
		d.Within = ""
	}
	return d, err
}
