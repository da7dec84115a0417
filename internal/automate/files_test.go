package automate_test

import (
	"slices"
	"strings"
	"testing"

	"postroom"
	"postroom/internal/automate"
	"postroom/internal/flowfile"
	"postroom/internal/store"
	"postroom/internal/workflow"
)

func files(texts ...string) automate.Files {
	var f automate.Files
	for i, t := range texts {
		f.Sources = append(f.Sources, flowfile.Source{Name: string(rune('a'+i)) + ".yaml", Text: t})
	}
	return f
}

// what says what becomes of each workflow.
func what(p automate.FilePlan) string {
	var out []string
	for _, s := range p.Steps {
		out = append(out, s.Key+" "+s.What)
	}
	return strings.Join(out, ", ")
}

const vip = `key: vip
name: Mark who matters
when: {event: conversation.created}
if: {fact: customer.domain, op: is, values: [acme.example]}
then:
  - {do: tags, add: [VIP]}
  - {do: assign, agent: dov@acme.example}
tests:
  - name: Acme matters
    given: {customer.domain: acme.example}
    when: {event: conversation.created}
    expect: {verdict: matched, effects: [{do: tags, add: [VIP]}, {do: assign, agent: dov@acme.example}]}
`

func (r *rig) tag(name string) {
	r.t.Helper()
	r.must(r.store.Write(r.t.Context(), func(tx *store.Tx) error {
		return tx.InsertTag(r.t.Context(), store.Tag{ID: 77, Name: name})
	}))
}

// W37: export, plan and apply are the same thing from two sides; what is there
// already changes nothing.
func TestFilesAreAppliedOnce(t *testing.T) {
	t.Parallel()
	each(t, func(r *rig) {
		ctx := t.Context()
		r.tag("VIP")
		text, err := r.ExportFiles(ctx, admin, nil)
		r.must(err)
		r.revisions(0, func() {
			p, err := r.ApplyFiles(ctx, admin, files(text))
			r.must(err)
			if p.Changed() || !p.Applied || what(p) != "acknowledge same, closing-notice same" {
				t.Errorf("what was exported changes: %s, %v", what(p), p.Faults)
			}
		})
		p, err := r.PlanFiles(ctx, admin, files(text, vip))
		r.must(err)
		if what(p) != "acknowledge same, closing-notice same, vip new" || p.Order != nil || p.Applied || len(r.list().Workflows) != 2 {
			t.Errorf("%s, %v, %v", what(p), p.Order, p.Faults)
		}
		if s := p.Steps[2]; !s.Tests[0].Green || len(s.Text) == 0 || s.Text[0].Sign != '+' || s.Sentence != "When a conversation begins, and if the domain of the customer's address is \"acme.example\": add the tag VIP, then assign it to Dov." {
			t.Errorf("%+v", s)
		}
		r.revisions(1, func() {
			p, err = r.ApplyFiles(ctx, admin, files(vip, text)) // the file's order
			r.must(err)
			if !p.Applied || !p.Changed() {
				t.Errorf("%+v", p)
			}
		})
		var keys []string
		for _, x := range r.list().Workflows {
			keys = append(keys, x.Key)
		}
		if !slices.Equal(keys, []string{"vip", "acknowledge", "closing-notice"}) {
			t.Errorf("the order is %v", keys)
		}
		mine := r.find("vip")
		if !mine.On || mine.Version != 1 || mine.PublishedBy != admin.ID || mine.Definition.Then[0].Add[0] != 77 || *mine.Definition.Then[1].Agent != other.ID {
			t.Errorf("%+v", mine)
		}
		again, err := r.ExportFiles(ctx, admin, nil)
		r.must(err)
		r.revisions(0, func() {
			for _, f := range []automate.Files{files(vip, text), files(again)} {
				p, err := r.ApplyFiles(ctx, admin, f)
				r.must(err)
				if p.Changed() || !p.Applied {
					t.Errorf("a second time changes %s %v", what(p), p.Order)
				}
			}
		})
		one, err := r.ExportFiles(ctx, admin, []string{"vip"})
		r.must(err)
		if !strings.Contains(again, one) || strings.Contains(one, "closing-notice") || !strings.Contains(one, "Acme matters") {
			t.Errorf("one workflow is exported as\n%s", one)
		}
		_, err = r.ExportFiles(ctx, admin, []string{"nobody"})
		want(t, err, postroom.NotFound, "")
	})
}

// Everything a file can say is changed, in one revision, and told line by line.
func TestFilesChangeEverything(t *testing.T) {
	t.Parallel()
	each(t, func(r *rig) {
		ctx := t.Context()
		text, err := r.ExportFiles(ctx, admin, nil)
		r.must(err)
		changed := strings.Replace(text, "we have now closed your request", "your request is closed", 1)
		changed = strings.Replace(changed, "name: Tell the customer it is closed\nenabled: true", "name: Say it is closed\nenabled: false", 1)
		first, second, _ := strings.Cut(changed, "---\n")
		p, err := r.ApplyFiles(ctx, admin, files(second+"---\n"+first))
		r.must(err)
		if what(p) != "closing-notice changed, acknowledge same" || !slices.Equal(p.Order, []string{"Say it is closed", "Acknowledge a new conversation"}) {
			t.Fatalf("%s %v %v", what(p), p.Order, p.Faults)
		}
		s := p.Steps[0]
		if got := strings.Join(s.Words, " "); got != `It was called "Tell the customer it is closed". It is switched off. A new version is published; it was version 1.` {
			t.Errorf("it says %s", got)
		}
		var minus, plus bool
		for _, c := range s.Text {
			minus = minus || c.Sign == '-' && strings.Contains(c.Text, "we have now closed your request")
			plus = plus || c.Sign == '+' && strings.Contains(c.Text, "your request is closed")
		}
		if !minus || !plus || len(s.Changes) == 0 {
			t.Errorf("the differences are %v and %v", s.Text, s.Changes)
		}
		x := r.find("closing-notice")
		if x.On || x.Name != "Say it is closed" || x.Version != 2 {
			t.Errorf("%+v", x)
		}
		// A file that says nothing of the switch leaves it alone.
		quiet := strings.Replace(second, "enabled: false\n", "", 1)
		p, err = r.ApplyFiles(ctx, admin, files(quiet))
		r.must(err)
		if p.Changed() || r.find("closing-notice").On {
			t.Errorf("%s, %+v", what(p), r.find("closing-notice"))
		}
		// What no file has goes only when that is asked for, and comes back.
		f := files(second)
		p, err = r.PlanFiles(ctx, admin, f)
		r.must(err)
		if p.Changed() {
			t.Errorf("without prune: %s", what(p))
		}
		f.Prune = true
		p, err = r.ApplyFiles(ctx, admin, f)
		r.must(err)
		if what(p) != "closing-notice same, acknowledge deleted" || len(r.list().Workflows) != 1 {
			t.Errorf("with prune: %s", what(p))
		}
		p, err = r.ApplyFiles(ctx, admin, files(first))
		r.must(err)
		if what(p) != "acknowledge restored" || r.find("acknowledge").Version != 1 || !r.find("acknowledge").On {
			t.Errorf("restored: %s, %+v", what(p), r.find("acknowledge"))
		}
	})
}

// Nothing is done of files of which one is wrong, or with a red test (W37).
func TestFilesAreAppliedWholeOrNot(t *testing.T) {
	t.Parallel()
	each(t, func(r *rig) {
		ctx := t.Context()
		r.tag("VIP")
		for _, c := range []struct{ from, to, want string }{
			{"add: [VIP]}\n", "add: [VIB]}\n", `b.yaml:6:22: There is no tag "VIB"; did you mean "VIP"?`},
			{"then:\n", "mailbox: help@example.org\nthen:\n", `b.yaml:5:10: There is no mailbox "help@example.org".`},
			{"key: vip", "key: V I P", `b.yaml:1:6: "V I P" is no key`},
			{"add: [VIP]}\n", "add: [{id: 99}]}\n", `b.yaml:6:22: The tag 99 is not there (any more).`},
		} {
			r.revisions(0, func() {
				p, err := r.ApplyFiles(ctx, admin, files(strings.Replace(vip, "key: vip", "key: fine", 1), strings.Replace(vip, c.from, c.to, 1)))
				r.must(err)
				if p.Applied || len(p.Faults) == 0 || !strings.HasPrefix(p.Faults[0].String(), c.want) {
					t.Errorf("%s: %v", c.want, p.Faults)
				}
			})
		}
		red := strings.Replace(vip, "add: [VIP]}, {do", "remove: [VIP]}, {do", 1)
		r.revisions(0, func() {
			p, err := r.ApplyFiles(ctx, admin, files(red))
			r.must(err)
			if p.Applied || p.Red != 1 || p.Refused != "A test of what would change is red, so nothing was changed." {
				t.Errorf("%+v", p)
			}
		})
		f := files(red)
		f.Anyway = true
		r.revisions(1, func() {
			p, err := r.ApplyFiles(ctx, admin, f)
			r.must(err)
			if !p.Applied || p.Red != 1 {
				t.Errorf("%+v", p)
			}
		})
		// Tests alone are no version and no revision.
		id := r.find("vip").ID
		before := r.list().Revision
		p, err := r.ApplyFiles(ctx, admin, files(vip))
		r.must(err)
		if !p.Applied || what(p) != "vip changed" || strings.Join(p.Steps[0].Words, " ") != "Its tests change." || r.list().Revision != before {
			t.Errorf("%+v", p)
		}
		rows, err := r.store.Read().WorkflowTests(ctx, id)
		r.must(err)
		if len(rows) != 1 || strings.Contains(rows[0].Body, "remove") || r.find("vip").Version != 1 {
			t.Errorf("%+v", rows)
		}
		// A file without tests leaves them; an empty list takes them away.
		none, _, _ := strings.Cut(vip, "tests:")
		p, err = r.ApplyFiles(ctx, admin, files(none))
		r.must(err)
		if p.Changed() {
			t.Errorf("%s", what(p))
		}
		p, err = r.ApplyFiles(ctx, admin, files(none+"tests: []\n"))
		r.must(err)
		if rows, err := r.store.Read().WorkflowTests(ctx, id); err != nil || len(rows) != 0 || what(p) != "vip changed" {
			t.Errorf("%s: %v, %v", what(p), rows, err)
		}
		_, err = r.ApplyFiles(ctx, member, files(vip))
		want(t, err, postroom.Forbidden, "")
	})
}

// Two workflows of one file can speak of each other before they are there.
func TestFilesMayNameEachOther(t *testing.T) {
	t.Parallel()
	each(t, func(r *rig) {
		two := `key: one
name: One
when: {event: tags.changed}
if: {fact: cause.workflow, op: is, values: [two]}
then: [{do: stop}]
---
key: two
name: Two
when: {event: tags.changed}
if: {fact: cause.workflow, op: one_of, values: [one, closing-notice]}
then: [{do: stop}]
`
		p, err := r.ApplyFiles(t.Context(), admin, files(two))
		r.must(err)
		one, second := r.find("one"), r.find("two")
		if !p.Applied || one.Definition.If.Values[0] != decimal(second.ID) || second.Definition.If.Values[0] != decimal(one.ID) {
			t.Errorf("%+v, %+v, %v", one, second, p.Faults)
		}
		if all := r.list().Workflows; all[2].Key != "one" || all[3].Key != "two" || all[0].Key != workflow.KeyAcknowledge {
			t.Errorf("%+v", all)
		}
	})
}
