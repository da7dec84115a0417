package web_test

import (
	"fmt"
	"net/url"
	"strings"
	"testing"

	"golang.org/x/net/html"

	"postroom"
	"postroom/internal/automate"
	"postroom/internal/desktest"
	"postroom/internal/recipe"
	"postroom/internal/store"
	"postroom/internal/workflow"
)

// formOf reads what a browser without a script would send of a form.
func (a answer) formOf(t testing.TB, id string) url.Values {
	t.Helper()
	form := a.find("id", id)
	if form == nil {
		t.Fatalf("the page has no form %q: %.400s", id, a.body)
	}
	out := url.Values{}
	for n := range form.Descendants() {
		name := ""
		if n.Type == html.ElementNode {
			name = attribute(n, "name")
		}
		switch {
		case name == "" || n.Data == "button":
		case n.Data == "select":
			out.Add(name, chosenOf(n))
		case n.Data == "textarea":
			if n.FirstChild != nil {
				out.Add(name, strings.ReplaceAll(n.FirstChild.Data, "\n", "\r\n"))
			} else {
				out.Add(name, "")
			}
		case attribute(n, "type") == "checkbox":
			if hasAttribute(n, "checked") {
				out.Add(name, attribute(n, "value"))
			}
		default:
			out.Add(name, attribute(n, "value"))
		}
	}
	return out
}

func hasAttribute(n *html.Node, name string) bool {
	for _, x := range n.Attr {
		if x.Key == name {
			return true
		}
	}
	return false
}

// chosenOf is the value of a select: the option that is selected, else the
// first.
func chosenOf(n *html.Node) string {
	first, value, chosen := "", "", false
	seen := false
	for o := range n.Descendants() {
		if o.Type != html.ElementNode || o.Data != "option" {
			continue
		}
		if !seen {
			first, seen = attribute(o, "value"), true
		}
		if hasAttribute(o, "selected") {
			value, chosen = attribute(o, "value"), true
		}
	}
	if chosen {
		return value
	}
	return first
}

// definitionOf reads a stored draft.
func (o *office) definitionOf(id int64) string {
	o.t.Helper()
	d, err := o.Store.Read().WorkflowDraft(o.Ctx, id)
	if err != nil {
		o.t.Fatal(err)
	}
	return d.Definition
}

// began makes a draft and returns its id.
func (b *browser) began(recipe string) int64 {
	b.o.t.Helper()
	r := b.post("/workflows", url.Values{"recipe": {recipe}}).want(b.o.t, 303, "begin")
	var id int64
	if _, err := fmt.Sscanf(r.header.Get("Location"), "/workflows/%d/edit", &id); err != nil {
		b.o.t.Fatalf("it leads to %q", r.header.Get("Location"))
	}
	return id
}

// TestAWorkflowIsWrittenWithoutAScript goes through the editor by its forms
// alone: begin, add, fill in, publish.
func TestAWorkflowIsWrittenWithoutAScript(t *testing.T) {
	t.Parallel()
	desktest.Each(t, func(t *testing.T, d *desktest.Desk) {
		o := open(t, d)
		ann := o.browser("ann")
		for _, r := range recipe.All() {
			if page := ann.get("/workflows/new").want(t, 200, "recipes"); page.find("value", r.Key) == nil {
				t.Errorf("the recipe %s is not offered", r.Key)
			}
		}
		id := ann.began("closing-notice-some")
		edit, draft := fmt.Sprintf("/workflows/%d/edit", id), fmt.Sprintf("/workflows/%d/draft", id)
		press := func(do string, change func(url.Values)) answer {
			t.Helper()
			f := ann.get(edit).want(t, 200, "editor").formOf(t, "editor")
			if change != nil {
				change(f)
			}
			f.Set("do", do)
			return ann.post(draft, f)
		}
		if r := press("add if", nil).want(t, 303, "add a condition"); r.header.Get("Location") != edit+"#if[1]" {
			t.Errorf("it leads to %q", r.header.Get("Location"))
		}
		press("save", func(f url.Values) {
			f.Set("name", "Not for partners")
			f.Set("if[0].values", "partner.example")
			f.Set("if[1].fact", "conversation.status")
		}).want(t, 303, "save")
		page := ann.get(edit)
		if !page.has(`if the domain of the customer's address is not "partner.example" and the status is …: reply to the customer.`) || !page.has("1 thing to do") {
			t.Errorf("the sentence is not there: %.900s", page.body)
		}
		r := press("publish", nil).want(t, 422, "publish what is not complete")
		if !r.has("Say what to compare with.") && !r.has("takes one value") || r.find("id", "error-if[1].values") == nil {
			t.Error("nothing is said at the field")
		}
		press("up if[1]", nil).want(t, 303, "move")
		press("save", func(f url.Values) { f.Set("if[0].values", "closed") }).want(t, 303, "save")
		if page = ann.get(edit); !page.has("Ready to publish") || !page.has("the status is closed and the domain") {
			t.Error("it is not ready")
		}
		if r := press("publish", nil).want(t, 303, "publish"); r.header.Get("Location") != fmt.Sprintf("/workflows/%d", id) {
			t.Errorf("it leads to %q", r.header.Get("Location"))
		}
		if page = ann.get("/workflows"); !page.has("Not for partners") || page.find("id", "drafts") != nil {
			t.Error("the list does not have it")
		}
		// Its versions, with what each changed.
		press("save", func(f url.Values) { f.Set("then[0].text", "Closed: {{ conversation.number }}.") }).want(t, 303, "save")
		if page = ann.get("/workflows"); !page.has("has a draft") {
			t.Error("the list does not say that there is a draft")
		}
		press("publish", nil).want(t, 303, "publish again")
		if page = ann.get(fmt.Sprintf("/workflows/%d/versions/2", id)); !page.has("What version 2 changed") || !page.has("Closed: {{ conversation.number }}.") {
			t.Error("the change is not shown")
		}
		// Copy, rename, delete, restore.
		ann.post(fmt.Sprintf("/workflows/%d/rename", id), url.Values{"name": {"Goodbye"}}).want(t, 303, "rename")
		if r := ann.post(fmt.Sprintf("/workflows/%d/rename", id), url.Values{"name": {strings.Repeat("long ", 40)}}).want(t, 422, "too long a name"); !r.has("at most 120 characters") {
			t.Error("the reason is not said")
		}
		ann.post(fmt.Sprintf("/workflows/%d/copy", id), nil).want(t, 303, "copy")
		if page = ann.get("/workflows"); !page.has("Copy of Goodbye") {
			t.Error("the copy is not there")
		}
		ann.post(fmt.Sprintf("/workflows/%d/delete", id), nil).want(t, 303, "delete")
		if page = ann.get("/workflows"); !page.has("Deleted (1)") {
			t.Error("it is not among the deleted")
		}
		if page = ann.get(fmt.Sprintf("/workflows/%d", id)).want(t, 200, "a deleted one"); !page.has("This workflow was deleted.") || page.find("href", edit) != nil {
			t.Error("its page does not say so")
		}
		ann.get(edit).want(t, 404, "edit a deleted one")
		ann.post(fmt.Sprintf("/workflows/%d/undelete", id), nil).want(t, 303, "restore")
		if page = ann.get("/workflows"); page.has("Deleted (1)") || !page.has("Goodbye") {
			t.Error("it is not back")
		}
		ann.post(fmt.Sprintf("/workflows/%d/explode", id), nil).want(t, 404, "an unknown verb")
	})
}

// TestEveryConditionSurvivesItsPage draws each fact with each operator on each
// event, and sends the page back as it stands: nothing changes.
func TestEveryConditionSurvivesItsPage(t *testing.T) {
	t.Parallel()
	desktest.Each(t, func(t *testing.T, d *desktest.Desk) {
		o := open(t, d)
		ann := o.browser("ann")
		tag, agent := fmt.Sprint(d.Tag("vip")), fmt.Sprint(d.Agent("ben").Agent.ID)
		mailboxes, err := d.Store.Read().Mailboxes(d.Ctx)
		if err != nil {
			t.Fatal(err)
		}
		real := map[workflow.Ref]string{workflow.RefTag: tag, workflow.RefAgent: agent, workflow.RefMailbox: fmt.Sprint(mailboxes[0].ID), workflow.RefTeam: fmt.Sprint(d.AddTeam("Second line", "ben").ID), workflow.RefWorkflow: "999"} // a workflow that is gone
		asked := 0
		for _, edge := range workflow.Edges() {
			def := workflow.Definition{When: workflow.When{Event: edge.Event}, Then: []workflow.Action{{Do: workflow.DoReply, Text: "\nA <b>text</b> &amp; {{ mailbox.name }}"}, {Do: workflow.DoTags, Remove: []int64{d.Tag("vip")}}, {Do: workflow.DoStop}},
				Limits: workflow.Limits{CoolDown: 90}}
			for _, fact := range workflow.FactsOn(edge.Event) {
				if strings.Contains(fact.Name, ".field.") {
					fact.Name = strings.Replace(fact.Name, "*", "plan", 1)
				} else if strings.HasSuffix(fact.Name, "*") {
					fact.Name = workflow.HeaderFact + "X-Spam"
				}
				for _, op := range fact.Ops {
					c := workflow.Cond{Fact: fact.Name, Op: op, Values: sampleValues(workflow.Ask(edge.Event, fact, op), real)}
					def.If.All = append(def.If.All, c)
					asked++
				}
			}
			text, err := def.Encode()
			if err != nil {
				t.Fatal(err)
			}
			id := ann.began("")
			d.Write(func(tx *store.Tx) error {
				w, err := tx.WorkflowDraft(d.Ctx, id)
				if err != nil {
					return err
				}
				w.Definition = string(text)
				return tx.SaveWorkflowDraft(d.Ctx, w)
			})
			path := fmt.Sprintf("/workflows/%d", id)
			f := ann.get(path+"/edit").want(t, 200, "editor").formOf(t, "editor")
			f.Set("do", "save")
			ann.post(path+"/draft", f).want(t, 303, "save")
			if got := o.definitionOf(id); got != string(text) {
				i := 0
				for i < min(len(got), len(text)) && got[i] == text[i] {
					i++
				}
				from := max(0, i-120)
				t.Errorf("%s: after the page it is\n…%.300s\nbefore\n…%.300s", edge.Event, got[from:], text[from:])
			}
		}
		if asked < 500 {
			t.Errorf("only %d conditions", asked)
		}
	})
}

// sampleValues answers a question.
func sampleValues(q workflow.Question, real map[workflow.Ref]string) []string {
	if (q.Input == workflow.InputChoice || q.Input == workflow.InputChoices) && q.Ref == "" && len(q.Choices) == 0 { // of a field
		q.Choices = []string{"basic", "gold"}
	}
	switch q.Input {
	case workflow.InputNone:
		return nil
	case workflow.InputText:
		return []string{`say "hello" & <b>more</b>`}
	case workflow.InputLines:
		return []string{"one of these", "<two>"}
	case workflow.InputNumber:
		return []string{"12"}
	case workflow.InputDate:
		return []string{"2026-01-31T09:00:00Z"}
	case workflow.InputSpan:
		return []string{"36h"}
	case workflow.InputChoices:
		if q.Ref != "" {
			return []string{real[q.Ref], "424242"} // one that is gone stays to be seen
		}
		return q.Choices[1:]
	}
	if q.Ref != "" {
		return []string{real[q.Ref]}
	}
	return q.Choices[1:2]
}

// TestTheEditorRefusesInWords: what cannot be is said where it stands, and what
// was typed stays.
func TestTheEditorRefusesInWords(t *testing.T) {
	t.Parallel()
	desktest.Each(t, func(t *testing.T, d *desktest.Desk) {
		o := open(t, d)
		d.AddAgent("dov", postroom.Admin)
		ann, dov, ben := o.browser("ann"), o.browser("dov"), o.browser("ben")
		id := ann.began("tag-by-subject")
		path := fmt.Sprintf("/workflows/%d", id)
		before := o.definitionOf(id)
		send := func(b *browser, change map[string]string) answer {
			t.Helper()
			f := ann.get(path+"/edit").formOf(t, "editor")
			for name, value := range change {
				f.Set(name, value)
			}
			return b.post(path+"/draft", f)
		}
		for field, c := range map[string]struct {
			name, value string
			status      int
		}{
			"limits.cool_down": {"limits.cool_down", "a <b>while</b>", 422},
			"then[0].add":      {"then[0].add", "1; drop table tag", 422},
			"name":             {"name", strings.Repeat("é", 121), 422},
			"mailbox":          {"mailbox", "all", 422},
		} {
			r := send(ann, map[string]string{"do": "save", c.name: c.value}).want(t, c.status, field)
			if r.find("id", "error-"+field) == nil {
				t.Errorf("%s: nothing is said at the field", field)
			}
			if field != "then[0].add" && field != "mailbox" && r.formOf(t, "editor").Get(c.name) != c.value {
				t.Errorf("%s: what was typed is gone: %q", field, r.formOf(t, "editor").Get(c.name))
			}
		}
		for _, do := range []string{"fly", "remove if[9]", "up then[7]", "put if[0] if[99]", "add then <script>"} {
			r := send(ann, map[string]string{"do": do, "if[0].values": "typed"}).want(t, 422, do)
			if r.formOf(t, "editor").Get("if[0].values") != "typed" {
				t.Errorf("%s: what was typed is gone", do)
			}
		}
		if after := o.definitionOf(id); after != before {
			t.Errorf("refused forms wrote: %s", after)
		}
		// What is typed and cannot be is stored as a draft, and said at its field.
		send(ann, map[string]string{"do": "autosave", "if[0].op": "matches", "if[0].values": "(unclosed"}).want(t, 204, "autosave")
		if page := ann.get(path + "/edit"); page.find("id", "error-if[0].values") == nil || !page.has("missing closing") {
			t.Error("a pattern that cannot be read is not refused")
		}
		// Somebody else's page that has become old.
		old := dov.get(path+"/edit").formOf(t, "editor")
		send(ann, map[string]string{"do": "save", "if[0].values": "invoice"}).want(t, 303, "save")
		old.Set("do", "save")
		old.Set("if[0].values", "bill")
		r := dov.post(path+"/draft", old).want(t, 422, "an old page")
		if !r.has("Somebody else has changed this draft") || r.formOf(t, "editor").Get("if[0].values") != "bill" {
			t.Error("it is not said, or what was typed is gone")
		}
		again := r.formOf(t, "editor")
		again.Set("do", "save")
		dov.post(path+"/draft", again).want(t, 303, "once more, knowingly")
		if !strings.Contains(o.definitionOf(id), "bill") {
			t.Error("it is not stored")
		}
		// A huge form, and people who are no admins.
		huge := ann.get(path+"/edit").formOf(t, "editor")
		for i := range 6000 {
			huge.Set(fmt.Sprintf("if[%d].fact", i), "customer.name")
		}
		huge.Set("do", "save")
		ann.post(path+"/draft", huge).want(t, 422, "6,000 conditions")
		for _, p := range []string{path + "/edit", "/workflows/new"} {
			ben.get(p).want(t, 403, p)
		}
		for _, p := range []string{path + "/draft", path + "/delete", path + "/copy", path + "/rename", "/workflows"} {
			ben.post(p, url.Values{"do": {"publish"}}).want(t, 403, p)
		}
		if err := automate.FieldFaults(nil); err != nil {
			t.Errorf("no error has faults: %v", err)
		}
	})
}

// TestTryingIsAnAddress: what it would do on a conversation is part of the
// page's address, so a reload shows it again and reading it changes nothing.
func TestTryingIsAnAddress(t *testing.T) {
	t.Parallel()
	desktest.Each(t, func(t *testing.T, d *desktest.Desk) {
		o := open(t, d)
		ann := o.browser("ann")
		c := d.CustomerWrites("Mara Lind <mara@customer.example>", "Lamp broken", "It arrived broken.")
		d.Agent("ann").SendAndClose(c, "A new one is on its way.")
		d.Settle()
		id := ann.began("closing-notice-some")
		path := fmt.Sprintf("/workflows/%d", id)
		f := ann.get(path+"/edit").formOf(t, "editor")
		f.Set("if[0].values", "customer.example")
		f.Set("on", fmt.Sprint("#", c.Number))
		f.Set("do", "try")
		r := ann.post(path+"/draft", f).want(t, 303, "try")
		at := r.header.Get("Location")
		if at != fmt.Sprintf("%s/edit?on=%%23%d", path, c.Number) {
			t.Errorf("it leads to %q", at)
		}
		before := d.Story(c.ID)
		page := ann.get(at).want(t, 200, "the try")
		if !page.has("It would not run") || !page.has(`is not "customer.example"`) || !page.has("we have now closed your request") {
			t.Errorf("the try is not shown: %.900s", page.body)
		}
		if d.Story(c.ID) != before {
			t.Error("reading the page changed the conversation")
		}
		if page = ann.get(path+"/edit?on=999").want(t, 200, "a conversation that is not there"); !page.has("There is no conversation 999.") {
			t.Error("it is not said")
		}
	})
}
