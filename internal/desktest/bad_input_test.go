package desktest_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"postroom"
	"postroom/internal/automate"
	"postroom/internal/desktest"
	"postroom/internal/flowfile"
	"postroom/internal/workflow"
)

// badInput is a workflow that must not come to run, with what each door says by
// which it can come in. A door with nothing to say has "": it cannot come in there.
type badInput struct {
	name  string
	def   workflow.Definition // as the editor saves it
	field string              // of the editor's form at which it is said what is wrong
	words string              // that begin what is said there
	yaml  string              // the same as a file: its When, If and Then
	check string              // what check says without a desk, as line, column and words
	plan  string              // what plan and apply say on a desk; "" is the same as check
}

// badInputs is the whole list. What goes wrong only when it runs is in
// TestWhatIsGoneIsSaid below, and for webhooks in TestWebhookFailsAtOnce (private
// addresses, redirects), TestWebhookTriesAgain (dead, busy) and in the room of the
// calls itself, TestNoAnswer (slow, broken off) and TestGuardAtDial.
func badInputs(tag, agent, mailbox, flow int64) []badInput {
	const begin, when = "key: bad\nname: Bad\n", "when: {event: message.received}\n"
	then := func(a ...workflow.Action) workflow.Definition { return on(postroom.MessageReceived, a...) }
	asks := func(fact string, op workflow.Op, values ...string) workflow.Definition {
		d := then(note("x"))
		d.If = workflow.Cond{All: []workflow.Cond{{Fact: fact, Op: op, Values: values}}}
		return d
	}
	const noted = "then: [{do: note, text: x}]\n"
	file := func(rest string) string { return begin + rest }
	endless := strings.Repeat("{% if customer.name %}", 2000) + "x" + strings.Repeat("{% endif %}", 2000)
	return []badInput{
		{name: "malformed YAML", yaml: file("when: {event: message.received\n" + noted), check: "bad.yaml:4:", plan: ""},
		{name: "tabs", yaml: file("when:\n\tevent: message.received\n" + noted), check: "bad.yaml:4:1: This is not YAML"},
		{name: "unknown field", yaml: file("whem: {event: message.received}\n" + noted), check: `bad.yaml:3:1: There is no field "whem" here; did you mean "when"?`},
		{name: "unknown field of an action", yaml: file(when + "then: [{do: note, txt: x}]\n"), check: `bad.yaml:4:19: There is no field "txt" here; did you mean "text"?`},
		{name: "operator that does not fit", def: asks("message.class", workflow.Contains, "x"), field: "if[0].values", words: `"x" is not possible here`, // the editor offers operators that fit
			yaml: file(when + "if: {all: [{fact: message.class, op: contains, values: [x]}]}\n" + noted), check: `bad.yaml:4:38: "contains" cannot be asked of message.class`},
		{name: "value that does not fit", def: asks("conversation.replies", workflow.Greater, "many"), field: "if[0].values", words: `"many" is not a whole number`,
			yaml: file(when + "if: {all: [{fact: conversation.replies, op: greater, values: [many]}]}\n" + noted), check: `bad.yaml:4:63: "many" is not a whole number`},
		{name: "tag that is gone", def: then(workflow.Action{Do: workflow.DoTags, Add: []int64{tag}}), field: "then[0].add", words: "The tag",
			yaml: file(when + "then: [{do: tags, add: [gone]}]\n"), plan: `bad.yaml:4:25: There is no tag "gone"`},
		{name: "agent who is gone", def: then(workflow.Action{Do: workflow.DoAssign, Agent: &agent}), field: "then[0].agent", words: "The agent",
			yaml: file(when + "then: [{do: assign, agent: dov@acme.example}]\n"), plan: `bad.yaml:4:28: There is no agent "dov@acme.example"`},
		{name: "condition on an agent who is gone", def: asks("conversation.assignee", workflow.Is, fmt.Sprint(agent)), field: "if[0].values", words: "The agent",
			yaml: file(when + "if: {all: [{fact: conversation.assignee, op: is, values: [dov@acme.example]}]}\n" + noted), plan: `bad.yaml:4:59: There is no agent "dov@acme.example"`},
		{name: "mailbox that is gone", def: then(workflow.Action{Do: workflow.DoMove, Mailbox: mailbox}), field: "then[0].mailbox", words: "The mailbox",
			yaml: file(when + "then: [{do: move, mailbox: gone@acme.example}]\n"), plan: `bad.yaml:4:28: There is no mailbox "gone@acme.example"`},
		{name: "team that is gone", def: then(workflow.Action{Do: workflow.DoTeam, Team: &agent}), field: "then[0].team", words: "The team",
			yaml: file(when + "then: [{do: team, team: gone}]\n"), plan: `bad.yaml:4:25: There is no team "gone"`},
		{name: "agents and a team", def: then(workflow.Action{Do: workflow.DoAssign, By: workflow.RoundRobin, Agents: []int64{agent}, Team: &agent}), field: "then[0].team", words: "not both",
			yaml: file(when + "then: [{do: assign, by: round_robin, agents: [dov@acme.example], team: gone}]\n"), check: "bad.yaml:4:72: It chooses among these agents or among the members of a team", plan: `bad.yaml:4:47: There is no agent "dov@acme.example"`},
		{name: "workflow that is gone", def: then(workflow.Action{Do: workflow.DoRun, Workflow: flow}), field: "then[0].workflow", words: "The workflow",
			yaml: file(when + "then: [{do: run, workflow: gone}]\n"), plan: `bad.yaml:4:28: There is no workflow "gone"`},
		{name: "workflow that runs itself", yaml: file(when + "then: [{do: run, workflow: bad}]\n"), check: "bad.yaml:4:28: A workflow cannot run itself."},
		{name: "unknown variable", def: then(reply("Dear {{ customer.nme }}")), field: "then[0].text", words: `customer.nme`,
			yaml: file(when + "then: [{do: reply, text: 'Dear {{ customer.nme }}'}]\n"), check: "bad.yaml:4:26: "},
		{name: "variable that may be empty", def: then(reply("Dear {{ customer.name }}")), field: "then[0].text", words: `customer.name`,
			yaml: file(when + "then: [{do: reply, text: 'Dear {{ customer.name }}'}]\n"), check: "bad.yaml:4:26: "},
		{name: "template without an end", def: then(reply("{% for x in (1..1000000000) %}x{% endfor %}")), field: "then[0].text", words: "Line 1, column",
			yaml: file(when + "then: [{do: reply, text: '{% for x in (1..1000000000) %}x{% endfor %}'}]\n"), check: "bad.yaml:4:26: "},
		{name: "template nested without an end", def: then(reply(endless)), field: "then[0].text", words: "",
			yaml: file(when + "then: [{do: reply, text: '" + endless + "'}]\n"), check: "bad.yaml:4:26: "},
		{name: "regex bomb", def: asks("message.body", workflow.Matches, "(a{1000}){1000}"), field: "if[0].values", words: "",
			yaml: file(when + "if: {all: [{fact: message.body, op: matches, values: ['(a{1000}){1000}']}]}\n" + noted), check: "bad.yaml:4:55: "},
		{name: "regex that looks back", def: asks("message.body", workflow.Matches, "(?<!a)b"), field: "if[0].values", words: "",
			yaml: file(when + "if: {all: [{fact: message.body, op: matches, values: ['(?<!a)b']}]}\n" + noted), check: "bad.yaml:4:55: "},
		{name: "webhook to a file", def: then(webhook("file:///etc/passwd")), field: "then[0].url", words: "",
			yaml: file(when + "then: [{do: webhook, url: 'file:///etc/passwd'}]\n"), check: "bad.yaml:4:27: "},
		{name: "webhook whose server is filled in", def: then(webhook("https://{{ customer.name }}/x")), field: "then[0].url", words: "Whom it calls is fixed",
			yaml: file(when + "then: [{do: webhook, url: 'https://{{ customer.name }}/x'}]\n"), check: "bad.yaml:4:27: Whom it calls is fixed"},
	}
}

// W9, W10, W37: what cannot work is refused at its field, or by line and column, at
// every door by which it can come in; nothing of it is published.
func TestBadInputAtEveryDoor(t *testing.T) {
	t.Parallel()
	desktest.Each(t, func(t *testing.T, d *desktest.Desk) {
		flows := automate.New(automate.Options{Store: d.Store, Letters: d.Desk})
		ann := d.Agent("ann").Agent
		const nobody = 987654321
		for _, x := range badInputs(nobody, nobody, nobody, nobody) {
			if x.field != "" {
				id, err := flows.Begin(d.Ctx, ann, "")
				d.Must(err)
				save(d, flows, id, "Bad", x.def)
				page, err := flows.Editor(d.Ctx, ann, id, automate.EditorView{})
				d.Must(err)
				if at := page.Errors[x.field]; at == "" || !strings.Contains(at, x.words) {
					t.Errorf("%s: the editor says %q at %s; in all %v %v", x.name, at, x.field, page.Errors, page.Missing)
				}
				_, err = flows.PublishDraft(d.Ctx, ann, id)
				var refused *postroom.Error
				if !errors.As(err, &refused) || refused.Code != postroom.Invalid || workflow.FieldOf(refused.Field) != x.field || !strings.Contains(refused.Text, x.words) {
					t.Errorf("%s: publishing says %v at %q, want %q", x.name, err, fieldOf(refused), x.field)
				}
			}
			source := []flowfile.Source{{Name: "bad.yaml", Text: x.yaml}}
			if got := checked(source); !said1(got, x.check) {
				t.Errorf("%s: check says %q, want %q", x.name, got, x.check)
			}
			want := x.plan
			if want == "" {
				want = x.check
			}
			for door, f := range map[string]func() (automate.FilePlan, error){
				"plan": func() (automate.FilePlan, error) { return flows.PlanFiles(d.Ctx, ann, automate.Files{Sources: source}) },
				"apply": func() (automate.FilePlan, error) {
					return flows.ApplyFiles(d.Ctx, ann, automate.Files{Sources: source})
				},
			} {
				p, err := f()
				d.Must(err)
				if !said1(words(p.Faults), want) || p.Applied {
					t.Errorf("%s: %s says %q, applied %v, want %q", x.name, door, words(p.Faults), p.Applied, want)
				}
			}
		}
		list, err := flows.List(d.Ctx, ann)
		d.Must(err)
		expect(t, "published workflows", len(list.Workflows), 0)
	})
}

func fieldOf(e *postroom.Error) string {
	if e == nil {
		return ""
	}
	return e.Field
}

// save has the editor save a definition as the draft of a workflow.
func save(d *desktest.Desk, flows *automate.Workflows, id int64, name string, def workflow.Definition) {
	d.T.Helper()
	ann := d.Agent("ann").Agent
	page, err := flows.Editor(d.Ctx, ann, id, automate.EditorView{})
	d.Must(err)
	f := automate.Form(def.Fields())
	f["name"], f["mailbox"] = []string{name}, []string{"0"}
	f["revision"], f["base"] = []string{fmt.Sprint(page.Revision)}, []string{fmt.Sprint(page.Version)}
	_, err = flows.SaveDraft(d.Ctx, ann, id, f, "")
	d.Must(err)
}

// checked is what check says to files, without a desk.
func checked(files []flowfile.Source) []string {
	names := flowfile.Invented()
	docs, faults := flowfile.ReadWorkflows(files, names)
	for _, doc := range docs {
		if id, _ := names.ID(workflow.RefWorkflow, doc.Key); len(faults) == 0 {
			_, faults = doc.Check(id)
		}
	}
	return words(faults)
}

func words(faults []flowfile.Fault) (out []string) {
	for _, f := range faults {
		out = append(out, f.String())
	}
	return out
}

// said1 reports whether the first of what is said begins as wanted; nothing is
// wanted where nothing can be said.
func said1(got []string, want string) bool {
	if want == "" {
		return len(got) == 0
	}
	return slices.ContainsFunc(got[:min(1, len(got))], func(s string) bool { return strings.HasPrefix(s, want) })
}

// W9, W21: what a published workflow names can go: a tag, a mailbox, another
// workflow, an agent who is disabled. It stays switched on; its page and the list
// say what is gone and where, its run fails and says so, switching it off and on
// changes none of that, and a version without it ends it.
func TestWhatIsGoneIsSaid(t *testing.T) {
	t.Parallel()
	desktest.Each(t, func(t *testing.T, d *desktest.Desk) {
		flows := automate.New(automate.Options{Store: d.Store, Letters: d.Desk})
		ann, dov := d.Agent("ann").Agent, d.AddAgent("dov", postroom.Member)
		tag, sales := d.Tag("gone"), d.AddMailbox("Sales", "sales@acme.example", nil)
		field := plan(d)
		other, team := d.AddWorkflow("Other", byHand(note("x"))), d.AddTeam("Second line", "ben")
		for _, x := range []struct {
			name, run, page string
			action          workflow.Action
		}{
			{"tag", "any more", "Its action 1, “add the tag", workflow.Action{Do: workflow.DoTags, Add: []int64{tag}}},
			{"agent", "any more", "Its action 1, “assign it to Dov”: Dov is disabled; nothing can be assigned or sent to them.", assign(dov.ID)},
			{"mailbox", "any more", "Its action 1, “move it to", workflow.Action{Do: workflow.DoMove, Mailbox: sales.ID}},
			{"team", "switched off", "Its action 1, “give it to the team Second line”: The team Second line is switched off; nothing can be given or sent to it.", workflow.Action{Do: workflow.DoTeam, Team: &team.ID}},
			{"field", "", "Its action 1, “set the field Plan to Gold”: The field Plan is deleted.", workflow.Action{Do: workflow.DoField, Field: "choice.plan", Value: "gold"}},
			{"workflow", "", "Its action 1, “run “", workflow.Action{Do: workflow.DoRun, Workflow: other}},
		} {
			id := d.AddWorkflow(x.name, on(postroom.MessageReceived, x.action))
			gone, err := flows.Gone(d.Ctx, id)
			d.Must(err)
			expect(t, x.name+": before", len(gone), 0)
			switch x.name {
			case "tag":
				d.SQL(`delete from tag where id = $1`, tag)
			case "mailbox":
				d.SQL(`delete from mailbox where id = $1`, sales.ID)
			case "agent":
				d.Must(d.Directory().DisableAgent(d.Ctx, ann, dov.ID))
			case "team":
				_, err := d.Directory().SwitchTeam(d.Ctx, ann, team.ID, true)
				d.Must(err)
			case "field":
				d.Must(d.Directory().DeleteField(d.Ctx, ann, field.ID))
			case "workflow":
				d.Must(flows.Delete(d.Ctx, ann, other))
			}
			c := firstMail(d)
			run := onlyRun(t, d, c, id)
			if x.run != "" && (run.State != postroom.RunFailed || !strings.Contains(run.Error, x.run)) {
				t.Errorf("%s: the run is %s: %q", x.name, run.State, run.Error)
			}
			if x.run == "" { // the rest of its actions is done
				expect(t, x.name+": what the run says", run.Effects[0].Reason, map[string]string{"field": "There is no such field any more.", "workflow": "It cannot be run: it is not there any more, or waits for a time of its own."}[x.name])
			}
			for _, again := range []bool{false, true} {
				if again {
					d.Must(flows.Switch(d.Ctx, ann, id, false))
					d.Must(flows.Switch(d.Ctx, ann, id, true))
				}
				gone, err = flows.Gone(d.Ctx, id)
				d.Must(err)
				if len(gone) != 1 || !strings.HasPrefix(gone[0], x.page) {
					t.Errorf("%s: its page says %q", x.name, gone)
				}
			}
			list, err := flows.List(d.Ctx, ann)
			d.Must(err)
			for _, w := range list.Workflows {
				if (w.ID == id) != (len(w.Gone) == 1) {
					t.Errorf("%s: the list says %q of %s", x.name, w.Gone, w.Name)
				}
			}
			d.PublishVersion(id, on(postroom.MessageReceived, note("Without it.")))
			gone, err = flows.Gone(d.Ctx, id)
			d.Must(err)
			expect(t, x.name+": after another version", len(gone), 0)
			d.SwitchWorkflow(id, false)
		}
	})
}
