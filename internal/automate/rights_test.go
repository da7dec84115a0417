package automate_test

import (
	"slices"
	"strings"
	"testing"

	"postroom"
	"postroom/internal/automate"
	"postroom/internal/store"
	"postroom/internal/workflow"
)

// people are the agents of the tests of rights: in Support, mailbox 10, and in
// Press, mailbox 11.
func (r *rig) people() (drafts, publishes, elsewhere *postroom.Agent) {
	r.t.Helper()
	ctx := r.t.Context()
	give := func(id int64, name string, mailbox int64, v postroom.Verb) *postroom.Agent {
		a := &postroom.Agent{ID: id, Name: name, Email: strings.ToLower(name) + "@acme.example", Role: postroom.Member}
		right := postroom.Right{Most: postroom.Answer, Workflows: v}
		r.must(r.store.Write(ctx, func(t *store.Tx) error {
			if err := t.InsertAgent(ctx, a, ""); err != nil {
				return err
			}
			if err := t.SetAgentMailboxes(ctx, id, []int64{mailbox}); err != nil {
				return err
			}
			return t.SetRight(ctx, mailbox, id, right)
		}))
		row, err := r.store.Read().Agent(ctx, id)
		r.must(err)
		return row
	}
	r.must(r.store.Write(ctx, func(t *store.Tx) error {
		if err := t.InsertMailbox(ctx, &postroom.Mailbox{ID: 10, Name: "Support", Address: "support@acme.example"}, 1); err != nil {
			return err
		}
		return t.InsertMailbox(ctx, &postroom.Mailbox{ID: 11, Name: "Press", Address: "press@acme.example"}, 1)
	}))
	return give(20, "Dora", 10, postroom.DraftWorkflows), give(21, "Paul", 10, postroom.PublishWorkflows), give(22, "Else", 11, postroom.PublishWorkflows)
}

// of is a form of a mailbox.
func (r *rig) of(mailbox, id int64, by *postroom.Agent, name string, d workflow.Definition) automate.Form {
	f := r.drawn(id, by, name, d)
	f["mailbox"] = []string{decimal(mailbox)}
	return f
}

// TestDraftAndPublishAreTwoRights walks through every door with somebody who may
// only write, somebody who may publish, and a publisher of another mailbox.
func TestDraftAndPublishAreTwoRights(t *testing.T) {
	t.Parallel()
	each(t, func(r *rig) {
		ctx := t.Context()
		drafts, publishes, elsewhere := r.people()
		global := r.find(workflow.KeyClosingNotice)

		// Writing is enough for a draft, its tests and trying it.
		id, err := r.Begin(ctx, drafts, "")
		r.must(err)
		p, err := r.Editor(ctx, drafts, id, automate.EditorView{})
		r.must(err)
		if p.Mailbox != "10" || len(p.Mailboxes) != 1 || p.MayPublish || p.Publishers != "Ann, Dov, Paul" {
			t.Errorf("the editor of who may only write: for %s of %v, may publish %v, else %q", p.Mailbox, p.Mailboxes, p.MayPublish, p.Publishers)
		}
		r.must(r.save(drafts, id, r.of(10, id, drafts, "Ours", notice("a.example"))))
		for _, mailbox := range []int64{0, 11} {
			want(t, r.save(drafts, id, r.of(mailbox, id, drafts, "Ours", notice("a.example"))), postroom.Invalid, "mailbox")
		}
		test, err := r.NewTest(ctx, drafts, id)
		r.must(err)
		_, err = r.SaveTest(ctx, drafts, id, 0, test.Text)
		r.must(err)
		refused := func(by *postroom.Agent, code postroom.Code, acts map[string]func() error) {
			t.Helper()
			r.revisions(0, func() {
				for what, act := range acts {
					if err := act(); postroom.CodeOf(err) != code {
						t.Errorf("%s by %s: %v, want %s", what, by.Name, err, code)
					} else if code == postroom.Forbidden && !strings.Contains(err.Error(), "Ask somebody who may: Ann, Dov") {
						t.Errorf("%s by %s says %q", what, by.Name, err)
					}
				}
			})
		}
		refused(drafts, postroom.Forbidden, map[string]func() error{
			"publish a draft": func() error { _, err := r.PublishDraft(ctx, drafts, id); return err },
			"anyway":          func() error { _, err := r.PublishAnyway(ctx, drafts, id); return err },
		})

		// Publishing needs the other right, and it is asked for by every door.
		_, err = r.PublishAnyway(ctx, publishes, id)
		r.must(err)
		if x := r.find("workflow-" + decimal(id)); x.MailboxID != 10 || x.PublishedBy != publishes.ID {
			t.Errorf("it is published as %+v", x)
		}
		r.must(r.save(drafts, id, r.of(10, id, drafts, "Ours", notice("b.example"))))
		keep := func(by *postroom.Agent) map[string]func() error {
			return map[string]func() error{
				"publish":         func() error { _, err := r.Publish(ctx, by, id, 0, notice("c.example")); return err },
				"publish a draft": func() error { _, err := r.PublishDraft(ctx, by, id); return err },
				"reword":          func() error { return r.Reword(ctx, by, id, 0, greeting) },
				"restore":         func() error { return r.Restore(ctx, by, id, 1) },
				"switch":          func() error { return r.Switch(ctx, by, id, false) },
				"move":            func() error { return r.Move(ctx, by, id, true) },
				"place":           func() error { return r.Place(ctx, by, id, global.ID) },
				"rename":          func() error { return r.Rename(ctx, by, id, "Theirs") },
				"delete":          func() error { return r.Delete(ctx, by, id) },
			}
		}
		refused(drafts, postroom.Forbidden, keep(drafts))
		refused(elsewhere, postroom.NotFound, keep(elsewhere))
		_, read := r.Editor(ctx, elsewhere, id, automate.EditorView{})
		want(t, read, postroom.NotFound, "")
		for what, err := range map[string]error{"switch": r.Switch(ctx, publishes, global.ID, false), "rename": r.Rename(ctx, publishes, global.ID, "x")} {
			if postroom.CodeOf(err) != postroom.Forbidden || !strings.Contains(err.Error(), "for all mailboxes") {
				t.Errorf("%s of one for all mailboxes: %v", what, err)
			}
		}

		// A copy of one for all mailboxes is theirs; to where they may not, it is not made.
		copied, err := r.Copy(ctx, drafts, global.ID)
		r.must(err)
		if x, err := r.Editor(ctx, drafts, copied, automate.EditorView{}); err != nil || x.Mailbox != "10" {
			t.Errorf("the copy is for %+v, %v", x.Mailbox, err)
		}
		_, err = r.CopyFor(ctx, drafts, global.ID, 0)
		want(t, err, postroom.Forbidden, "")
		_, err = r.CopyFor(ctx, drafts, id, 11)
		want(t, err, postroom.NotFound, "")

		// What each of them sees of the list.
		for by, n := range map[*postroom.Agent]int{admin: 3, drafts: 3, elsewhere: 2} {
			l, err := r.List(ctx, by)
			r.must(err)
			if len(l.Workflows) != n || slices.ContainsFunc(l.Workflows, func(x automate.Workflow) bool { return x.ID == id }) != (n == 3) {
				t.Errorf("%s sees %d workflows", by.Name, len(l.Workflows))
			}
		}
		for _, act := range []string{"rename", "restore", "switch", "reword", "delete"} {
			r.must(keep(publishes)[act]())
		}
	})
}

// A copy for another mailbox says what that one does not have.
func TestACopyForAnotherMailbox(t *testing.T) {
	t.Parallel()
	each(t, func(r *rig) {
		ctx := t.Context()
		drafts, _, elsewhere := r.people()
		begin := func(mailbox int64, name string, then ...workflow.Action) int64 {
			id, err := r.Begin(ctx, admin, "")
			r.must(err)
			r.must(r.save(admin, id, r.of(mailbox, id, admin, name, workflow.Definition{When: workflow.When{Event: postroom.ConversationCreated}, Then: then})))
			_, err = r.PublishDraft(ctx, admin, id)
			r.must(err)
			return id
		}
		inner := begin(10, "Inner", workflow.Action{Do: workflow.DoNote, Text: "Hello"})
		id := begin(10, "Outer", workflow.Action{Do: workflow.DoAssign, Agent: &drafts.ID}, workflow.Action{Do: workflow.DoRun, Workflow: inner})
		found := func(by *postroom.Agent, id int64) (out []string) {
			p, err := r.Editor(ctx, by, id, automate.EditorView{})
			r.must(err)
			for _, f := range p.Findings {
				if f.Title == "not_here" {
					out = append(out, f.Text)
				}
			}
			return out
		}
		if all := found(admin, id); len(all) != 0 {
			t.Errorf("in its own mailbox: %q", all)
		}
		copied, err := r.CopyFor(ctx, admin, id, 11)
		r.must(err)
		all := found(admin, copied)
		if len(all) != 2 || all[0] != "It names Dora, who may not see Press: what is done there does not reach them." || all[1] != "It runs “Inner”, which is for Support and does nothing in Press." {
			t.Errorf("in another: %q", all)
		}
		global, err := r.CopyFor(ctx, admin, id, 0)
		r.must(err)
		if p, err := r.Editor(ctx, admin, global, automate.EditorView{}); err != nil || p.Mailbox != "0" || len(found(admin, global)) != 0 {
			t.Errorf("for all mailboxes: %+v, %v", p.Mailbox, err)
		}
		_, err = r.CopyFor(ctx, admin, id, 4711)
		want(t, err, postroom.NotFound, "")
		if p, err := r.Editor(ctx, elsewhere, copied, automate.EditorView{}); err != nil || len(p.Mailboxes) != 1 {
			t.Errorf("somebody of Press: %+v, %v", p, err)
		}
	})
}

// A right that was lost since the page was opened is none, and a workflow that
// goes to another mailbox needs the right in both.
func TestAWorkflowGoesToAnotherMailbox(t *testing.T) {
	t.Parallel()
	each(t, func(r *rig) {
		ctx := t.Context()
		drafts, publishes, elsewhere := r.people()
		id, err := r.Begin(ctx, publishes, "")
		r.must(err)
		r.must(r.save(publishes, id, r.of(10, id, publishes, "Ours", notice("a.example"))))
		_, err = r.PublishDraft(ctx, publishes, id)
		r.must(err)
		r.must(r.save(admin, id, r.of(11, id, admin, "Ours", notice("a.example"))))
		for _, by := range []*postroom.Agent{publishes, elsewhere, drafts} {
			if _, err := r.PublishDraft(ctx, by, id); postroom.CodeOf(err) != postroom.NotFound {
				t.Errorf("%s moves it between mailboxes: %v", by.Name, err)
			}
		}
		r.must(r.DiscardDraft(ctx, admin, id))
		r.must(r.store.Write(ctx, func(t *store.Tx) error {
			return t.SetRight(ctx, 10, publishes.ID, postroom.Right{Most: postroom.Answer, Workflows: postroom.DraftWorkflows})
		}))
		r.revisions(0, func() {
			want(t, r.Switch(ctx, publishes, id, false), postroom.Forbidden, "")
			_, err := r.Publish(ctx, publishes, id, 0, notice("b.example"))
			want(t, err, postroom.Forbidden, "")
		})
	})
}

// Files that an agent applies need the right to publish what they change, where
// it is and where it would be.
func TestFilesAskForTheRightToPublish(t *testing.T) {
	t.Parallel()
	each(t, func(r *rig) {
		ctx := t.Context()
		drafts, publishes, elsewhere := r.people()
		everywhere := "key: vip\nname: Ours\nwhen: {event: conversation.created}\nthen:\n  - {do: stop}\n"
		ours := files(strings.Replace(everywhere, "name: Ours", "name: Ours\nmailbox: support@acme.example", 1))
		if p, err := r.PlanFiles(ctx, drafts, ours); err != nil || what(p) != "vip new" {
			t.Errorf("planned: %s, %v", what(p), err)
		}
		r.revisions(0, func() {
			_, err := r.ApplyFiles(ctx, drafts, ours)
			want(t, err, postroom.Forbidden, "")
			_, err = r.ApplyFiles(ctx, elsewhere, ours)
			want(t, err, postroom.NotFound, "")
			_, err = r.ApplyFiles(ctx, publishes, files(everywhere))
			want(t, err, postroom.Forbidden, "")
			_, err = r.ApplyFiles(ctx, publishes, automate.Files{Sources: ours.Sources, Prune: true})
			want(t, err, postroom.Forbidden, "")
		})
		p, err := r.ApplyFiles(ctx, publishes, ours)
		if r.must(err); !p.Applied || what(p) != "vip new" {
			t.Errorf("applied: %v %s", p.Applied, what(p))
		}
		_, err = r.ApplyFiles(ctx, publishes, files(everywhere))
		want(t, err, postroom.Forbidden, "")
	})
}
