package automate_test

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"postroom"
	"postroom/internal/store"
	"postroom/internal/workflow"
)

const greeting = "Hello {{ customer.first_name | default: \"there\" }}!"

func TestRewording(t *testing.T) {
	t.Parallel()
	each(t, func(r *rig) {
		ctx, x := t.Context(), r.find(workflow.KeyClosingNotice)
		r.revisions(1, func() { r.must(r.Reword(ctx, admin, x.ID, 1, greeting)) })
		d, err := r.Get(ctx, admin, x.ID)
		r.must(err)
		if d.Version != 2 || d.Definition.Then[0].Text != greeting || d.PublishedBy != admin.ID {
			t.Errorf("published is %+v", d.Workflow)
		}
		if d.Definition.When.Event != postroom.StatusChanged || d.Definition.Limits.OncePer != workflow.OncePerClose {
			t.Errorf("more than the wording changed: %+v", d.Definition)
		}
		if len(d.Versions) != 2 || d.Versions[0].Number != 2 || !d.Versions[0].Published || d.Versions[1].Published || d.Versions[0].By != admin.ID || d.Versions[1].By != 0 {
			t.Errorf("the versions are %+v", d.Versions)
		}
		if old := d.Versions[1].Definition.Then[0].Text; old != x.Definition.Then[0].Text {
			t.Errorf("version 1 says %q now", old)
		}
		set, err := r.store.Read().Set(ctx, 2)
		r.must(err)
		if set[1].Version != 2 || set[0].Version != 1 {
			t.Errorf("new events are judged by %+v", set)
		}
	})
}

func TestTheSameWordingIsNoVersion(t *testing.T) {
	t.Parallel()
	each(t, func(r *rig) {
		ctx, x := t.Context(), r.find(workflow.KeyClosingNotice)
		// As a browser sends it back.
		crlf := strings.ReplaceAll(x.Definition.Then[0].Text, "\n", "\r\n") + "\r\n"
		r.revisions(0, func() {
			r.must(r.Reword(ctx, admin, x.ID, 1, crlf))
			number, err := r.Publish(ctx, admin, x.ID, 1, x.Definition)
			r.must(err)
			if number != 1 {
				t.Errorf("version %d is published", number)
			}
		})
	})
}

func TestAWordingThatCannotBeUsed(t *testing.T) {
	t.Parallel()
	each(t, func(r *rig) {
		ctx, x := t.Context(), r.find(workflow.KeyClosingNotice)
		r.revisions(0, func() {
			for wording, words := range map[string]string{
				"Hello,\n\nyou are {{ customer.nam }}": "Line 3",
				"Hello {{ customer.first_name }}":      "default",
				"Hello {{ customer.first_name":         "Line 1",
				" \r\n ":                               "needs a text",
				"{% comment %}nothing{% endcomment %}": "needs a text",
				strings.Repeat("x", 65<<10):            "",
			} {
				e := want(t, r.Reword(ctx, admin, x.ID, 1, wording), postroom.Invalid, "template")
				if !strings.Contains(e.Text, words) {
					t.Errorf("%.40q: %q does not say %q", wording, e.Text, words)
				}
			}
		})
	})
}

func TestOfTwoAdminsNoneOverwritesTheOtherUnseen(t *testing.T) {
	t.Parallel()
	each(t, func(r *rig) {
		ctx, x := t.Context(), r.find(workflow.KeyClosingNotice)
		r.must(r.Reword(ctx, admin, x.ID, 1, "First."))
		r.revisions(0, func() {
			want(t, r.Reword(ctx, admin, x.ID, 1, "Second."), postroom.Conflict, "")
			_, err := r.Publish(ctx, admin, x.ID, 1, x.Definition)
			want(t, err, postroom.Conflict, "base")
		})
		r.must(r.Reword(ctx, admin, x.ID, 2, "Second."))
	})
}

// An older version is published again as a new one; the others stay as they were (W14).
func TestRestoring(t *testing.T) {
	t.Parallel()
	each(t, func(r *rig) {
		ctx, x := t.Context(), r.find(workflow.KeyClosingNotice)
		r.must(r.Reword(ctx, admin, x.ID, 1, "Second."))
		r.revisions(1, func() { r.must(r.Restore(ctx, admin, x.ID, 1)) })
		d, err := r.Get(ctx, admin, x.ID)
		r.must(err)
		if d.Version != 3 || len(d.Versions) != 3 || d.Definition.Then[0].Text != x.Definition.Then[0].Text || d.PublishedBy != admin.ID {
			t.Errorf("restored is %+v", d.Workflow)
		}
		r.revisions(0, func() { r.must(r.Restore(ctx, admin, x.ID, 1)) })
		r.revisions(0, func() { r.must(r.Restore(ctx, admin, x.ID, 3)) })
	})
}

func TestPublishingProvesTheDefinition(t *testing.T) {
	t.Parallel()
	each(t, func(r *rig) {
		ctx, x := t.Context(), r.find(workflow.KeyClosingNotice)
		tag, err := r.store.NewID(ctx)
		r.must(err)
		r.must(r.store.Write(ctx, func(t *store.Tx) error { return t.InsertTag(ctx, store.Tag{ID: tag, Name: "vip"}) }))
		nobody, ghost := int64(0), int64(4711)
		with := func(change func(d *workflow.Definition)) workflow.Definition {
			d := x.Definition
			change(&d)
			return d
		}
		for field, d := range map[string]workflow.Definition{
			"then": with(func(d *workflow.Definition) { d.Then = nil }),
			"then[0].text": with(func(d *workflow.Definition) {
				d.Then = []workflow.Action{{Do: workflow.DoReply, Text: "Hello {{ customer.first_name }}"}}
			}),
			"then[0].agent": with(func(d *workflow.Definition) { d.Then = []workflow.Action{{Do: workflow.DoAssign, Agent: &ghost}} }),
			"then[0].add[1]": with(func(d *workflow.Definition) {
				d.Then = []workflow.Action{{Do: workflow.DoTags, Add: []int64{tag, ghost}}}
			}),
			"if.all[0].values[0]": with(func(d *workflow.Definition) {
				d.If = workflow.Cond{All: []workflow.Cond{{Fact: "conversation.tags", Op: workflow.HasAny, Values: []string{"4711"}}}}
			}),
			"if.any[0].none[0].values[0]": with(func(d *workflow.Definition) {
				d.If = workflow.Cond{Any: []workflow.Cond{{None: []workflow.Cond{{Fact: "conversation.mailbox", Op: workflow.Is, Values: []string{"4711"}}}}}}
			}),
			"when.to[1]": with(func(d *workflow.Definition) {
				d.When = workflow.When{Event: postroom.AssigneeChanged, To: []string{"0", "4711"}}
			}),
		} {
			r.revisions(0, func() {
				_, err := r.Publish(ctx, admin, x.ID, 1, d)
				want(t, err, postroom.Invalid, field)
				if faults := (workflow.Faults)(nil); !errors.As(err, &faults) || len(faults) == 0 {
					t.Errorf("%s: the error does not carry its faults: %v", field, err)
				}
			})
		}
		r.revisions(1, func() {
			number, err := r.Publish(ctx, admin, x.ID, 1, with(func(d *workflow.Definition) {
				d.Then = append(d.Then[:1:1], workflow.Action{Do: workflow.DoTags, Add: []int64{tag}}, workflow.Action{Do: workflow.DoAssign, Agent: &nobody})
			}))
			r.must(err)
			if number != 2 {
				t.Errorf("version %d is published, want 2", number)
			}
		})
	})
}

func TestAWorkflowThatMailsNobodyHasNoWording(t *testing.T) {
	t.Parallel()
	each(t, func(r *rig) {
		ctx, x := t.Context(), r.find(workflow.KeyClosingNotice)
		d := x.Definition
		d.Then = []workflow.Action{{Do: workflow.DoNote, Text: "Closed."}}
		_, err := r.Publish(ctx, admin, x.ID, 1, d)
		r.must(err)
		want(t, r.Reword(ctx, admin, x.ID, 2, "Hello"), postroom.Invalid, "template")
	})
}

// A version that this release cannot read is shown as such and can be replaced;
// the others are not affected.
func TestAVersionThatCannotBeReadCanBeReplaced(t *testing.T) {
	t.Parallel()
	each(t, func(r *rig) {
		ctx, x := t.Context(), r.find(workflow.KeyClosingNotice)
		r.must(r.store.Write(ctx, func(t *store.Tx) error {
			row, err := t.Workflow(ctx, x.ID)
			if err != nil {
				return err
			}
			row.Version = 2
			if err := t.InsertVersion(ctx, store.WorkflowVersion{WorkflowID: x.ID, Number: 2, Definition: `{"when":{"event":"moon.risen"},"spell":1}`}); err != nil {
				return err
			}
			return t.UpdateWorkflow(ctx, row)
		}))
		if broken := r.find(workflow.KeyClosingNotice); !strings.Contains(broken.Fault, "spell") {
			t.Errorf("its fault is %q", broken.Fault)
		}
		if other := r.find(workflow.KeyAcknowledge); other.Fault != "" || len(other.Definition.Then) != 1 {
			t.Errorf("the other one is %+v", other)
		}
		_, err := r.Preview(ctx, admin, x.ID, "Hello")
		want(t, err, postroom.Invalid, "version")
		want(t, r.Reword(ctx, admin, x.ID, 2, "Hello"), postroom.Invalid, "")
		want(t, r.Restore(ctx, admin, x.ID, 2), postroom.Invalid, "version")
		r.must(r.Restore(ctx, admin, x.ID, 1))
		if d, err := r.Get(ctx, admin, x.ID); err != nil || d.Version != 3 || d.Fault != "" || d.Versions[1].Fault == "" {
			t.Errorf("after restoring version 1: %+v, %v", d, err)
		}
	})
}

// TestARightThatWasLostMeanwhile has pages that were opened by admins who are
// none any more: what they send changes nothing.
func TestARightThatWasLostMeanwhile(t *testing.T) {
	t.Parallel()
	each(t, func(r *rig) {
		ctx, x := t.Context(), r.find(workflow.KeyClosingNotice)
		draft, err := r.Begin(ctx, admin, "")
		r.must(err)
		kept := r.drawn(draft, admin, "Kept", notice("a.example"))
		r.must(r.save(admin, draft, kept))
		acts := map[string]func() error{
			"publish":   func() error { _, err := r.Publish(ctx, admin, x.ID, 1, reworded(t, x.Definition)); return err },
			"reword":    func() error { return r.Reword(ctx, admin, x.ID, 1, greeting) },
			"switch":    func() error { return r.Switch(ctx, admin, x.ID, !x.On) },
			"begin":     func() error { _, err := r.Begin(ctx, admin, ""); return err },
			"save":      func() error { return r.save(admin, draft, r.drawn(draft, admin, "Changed", notice("b.example"))) },
			"discard":   func() error { return r.DiscardDraft(ctx, admin, draft) },
			"the draft": func() error { _, err := r.PublishDraft(ctx, admin, draft); return err },
		}
		for _, lost := range []func(a *postroom.Agent){
			func(a *postroom.Agent) { a.Role = postroom.Member },
			func(a *postroom.Agent) { a.Role, a.Disabled = postroom.Admin, true },
		} {
			row, err := r.store.Read().Agent(ctx, admin.ID)
			r.must(err)
			lost(row)
			r.must(r.store.Write(ctx, func(tx *store.Tx) error { return tx.UpdateAgent(ctx, row) }))
			r.revisions(0, func() {
				for name, act := range acts {
					if err := act(); postroom.CodeOf(err) != postroom.Forbidden {
						t.Errorf("%s: %v", name, err)
					}
				}
			})
		}
		after := r.find(workflow.KeyClosingNotice)
		if after.Version != 1 || after.On != x.On {
			t.Errorf("the workflow became %+v", after)
		}
		row, err := r.store.Read().WorkflowDraft(ctx, draft)
		r.must(err)
		if row.Name != "Kept" || row.Revision != 2 {
			t.Errorf("the draft became %+v", row)
		}
	})
}

func reworded(t *testing.T, d workflow.Definition) workflow.Definition {
	t.Helper()
	then := slices.Clone(d.Then)
	then[0].Text = greeting
	d.Then = then
	return d
}
