package promise

import (
	"strings"

	"postroom/internal/workflow"
)

// gap stands where something was not chosen yet.
const gap = "…"

// Sentence puts a definition into one sentence, as in "When the status changes
// to closed by an agent: exactly one mail of a workflow to the customer within 2
// minutes, or a reason why not." It works on faulty definitions too.
func Sentence(d Definition, names workflow.Names) string {
	head := workflow.Definition{When: d.When, If: d.If}
	text := strings.TrimSuffix(strings.TrimSuffix(workflow.Sentence(head, names), "."), "do nothing yet")
	return strings.TrimRight(text, " ") + " " + d.Expect.Words(names) + " within " + Within(d.Within) + "."
}

// Within says the span in words, as in "2 minutes".
func Within(within string) string {
	span, ok := workflow.ReadSpan(within)
	if number, unit, split := workflow.SplitSpan(within); ok && split {
		for _, u := range workflow.Units() {
			if u[0] == unit {
				if number == "1" {
					return "1 " + strings.TrimSuffix(u[1], "s")
				}
				return number + " " + u[1]
			}
		}
		return Span(span.Least())
	}
	return gap
}

// Words says what must follow, as in "exactly one mail of a workflow to the
// customer".
func (x Expect) Words(names workflow.Names) string {
	if x.Event != nil {
		edge := workflow.Describe(workflow.Definition{When: x.edge()}, names).When
		edge = strings.TrimPrefix(edge, "When ")
		switch x.Times {
		case NotOnce:
			return "it does not happen that " + edge
		case Some:
			return edge + ", at least once,"
		}
		return edge + ", exactly once,"
	}
	what := gap
	switch x.Mail {
	case MailOfWorkflow:
		what = "mail of a workflow to the customer"
		if x.Workflow != 0 {
			name := ""
			if names != nil {
				name = names(workflow.RefWorkflow, x.Workflow)
			}
			if name == "" {
				name = "a workflow that is gone"
			} else {
				name = "“" + name + "”"
			}
			what = "mail of " + name + " to the customer"
		}
	case MailOfAnybody:
		what = "mail to the customer"
	}
	switch x.Times {
	case NotOnce:
		return "no " + what
	case Some:
		return "at least one " + what
	}
	return "exactly one " + what
}
