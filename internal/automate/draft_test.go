package automate_test

import (
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"

	"postroom"
	"postroom/internal/automate"
	"postroom/internal/desktest"
	"postroom/internal/proof"
	"postroom/internal/query"
	"postroom/internal/store"
	"postroom/internal/workflow"
)

// other is a second admin.
var other = &postroom.Agent{ID: 3, Name: "Dov", Role: postroom.Admin}

// form is a definition as the editor sends it.
func form(name string, d workflow.Definition) automate.Form {
	f := automate.Form(d.Fields())
	f["name"], f["mailbox"] = []string{name}, []string{"0"}
	return f
}

// drawn reads the editor and returns the form it would send.
func (r *rig) drawn(id int64, by *postroom.Agent, name string, d workflow.Definition) automate.Form {
	r.t.Helper()
	p, err := r.Editor(r.t.Context(), by, id, automate.EditorView{})
	r.must(err)
	f := form(name, d)
	f["revision"], f["base"] = []string{decimal(p.Revision)}, []string{decimal(int64(p.Version))}
	return f
}

func decimal(n int64) string { return strconv.FormatInt(n, 10) }

// notice is a closing notice for others than one domain.
func notice(domain string) workflow.Definition {
	d := workflow.Shipped()[1].Definition
	d.If = workflow.Cond{All: []workflow.Cond{{Fact: "customer.domain", Op: workflow.IsNot, Values: []string{domain}}}}
	return d
}

// A draft is stored as it is typed, judges nothing, and becomes a workflow when
// it is published.
func TestADraftBecomesAWorkflow(t *testing.T) {
	t.Parallel()
	each(t, func(r *rig) {
		ctx := t.Context()
		before := r.list().Revision
		id, err := r.Begin(ctx, admin, "closing-notice-some")
		r.must(err)
		r.must(r.save(admin, id, r.drawn(id, admin, "", notice(""))))
		if after := r.list().Revision; after != before {
			t.Errorf("a draft made a revision of the set: %d after %d", after, before)
		}
		p, err := r.Editor(ctx, admin, id, automate.EditorView{})
		r.must(err)
		if p.Version != 0 || p.Revision != 2 || len(p.ToDo) != 2 || p.Missing["name"] == "" || p.Missing["if[0].values"] == "" || len(p.Errors) != 0 {
			t.Errorf("what is not filled in: %+v, %+v, %+v", p.ToDo, p.Missing, p.Errors)
		}
		_, err = r.PublishDraft(ctx, admin, id)
		want(t, err, postroom.Invalid, "name")
		r.must(r.save(admin, id, r.drawn(id, admin, " Our \x00 notice ", notice(""))))
		_, err = r.PublishDraft(ctx, admin, id)
		want(t, err, postroom.Invalid, "if.all[0].values")
		if wrong := automate.FieldFaults(err); wrong["if[0].values"] == "" {
			t.Errorf("the form is told %v", wrong)
		}
		if l := r.list(); len(l.Workflows) != 2 {
			t.Fatalf("it is on the list before it is published: %+v", l.Workflows)
		}
		r.must(r.save(admin, id, r.drawn(id, admin, "Our notice", notice("example.com"))))
		p, err = r.Editor(ctx, admin, id, automate.EditorView{})
		r.must(err)
		if len(p.ToDo) != 0 || len(p.Findings) != 1 || p.Findings[0].Title != string(proof.DoubleMail) {
			t.Errorf("before publishing: %+v, %+v", p.ToDo, p.Findings)
		}
		r.revisions(1, func() {
			n, err := r.PublishDraft(ctx, admin, id)
			if r.must(err); n != 1 {
				t.Errorf("version %d", n)
			}
		})
		l := r.list()
		if x := l.Workflows[2]; x.ID != id || !x.On || x.Version != 1 || x.PublishedBy != admin.ID || x.Name != "Our notice" || len(x.Definition.If.All) != 1 {
			t.Errorf("it is published as %+v", x)
		}
		// The next version is written beside the first, which stays.
		r.must(r.save(admin, id, r.drawn(id, admin, "Our notice", notice("example.net"))))
		r.revisions(1, func() {
			n, err := r.PublishDraft(ctx, admin, id)
			if r.must(err); n != 2 {
				t.Errorf("version %d", n)
			}
		})
		r.revisions(0, func() { _, err := r.PublishDraft(ctx, admin, id); r.must(err) })
		r.must(r.Restore(ctx, admin, id, 1))
		x, err := r.Get(ctx, admin, id)
		r.must(err)
		if x.Version != 3 || x.Definition.If.All[0].Values[0] != "example.com" || len(x.Versions) != 3 {
			t.Errorf("restored: %+v", x)
		}
	})
}

// save stores a form without an act.
func (r *rig) save(by *postroom.Agent, id int64, f automate.Form) error {
	_, err := r.SaveDraft(r.t.Context(), by, id, f, "")
	return err
}

// Of two admins neither overwrites the other unseen; of two tabs of one the
// later wins.
func TestTwoAdminsWriteOneDraft(t *testing.T) {
	t.Parallel()
	each(t, func(r *rig) {
		ctx, id := t.Context(), r.find(workflow.KeyClosingNotice).ID
		mine, theirs, tab := r.drawn(id, admin, "One", notice("a.example")), r.drawn(id, other, "Two", notice("b.example")), r.drawn(id, admin, "Three", notice("c.example"))
		r.must(r.save(admin, id, mine))
		err := r.save(other, id, theirs)
		want(t, err, postroom.Conflict, "revision")
		r.must(r.save(admin, id, mine)) // nothing new
		tab["revision"] = []string{"0"}
		if err := r.save(admin, id, tab); err != nil {
			t.Errorf("a second tab: %v", err)
		}
		// Shown what there is now, they may put theirs in its place.
		r.must(r.save(other, id, r.drawn(id, other, "Two", notice("b.example"))))
		p, err := r.Editor(ctx, admin, id, automate.EditorView{})
		r.must(err)
		if p.Name != "Two" || p.SavedBy != other.Name || p.Revision != 3 {
			t.Errorf("the draft is %q of %s, revision %d", p.Name, p.SavedBy, p.Revision)
		}
		// What was published meanwhile is not brought back by a page left open.
		stale := r.drawn(id, admin, "Four", notice("d.example"))
		_, err = r.PublishDraft(ctx, other, id)
		r.must(err)
		want(t, r.save(admin, id, stale), postroom.Conflict, "revision")
		stale["revision"] = []string{"0"}
		want(t, r.save(admin, id, stale), postroom.Conflict, "revision")
	})
}

// A draft begun from a version that is no longer the published one says so, and
// is published only by who has seen it.
func TestAnotherVersionWasPublishedMeanwhile(t *testing.T) {
	t.Parallel()
	each(t, func(r *rig) {
		ctx, id := t.Context(), r.find(workflow.KeyClosingNotice).ID
		r.must(r.save(admin, id, r.drawn(id, admin, "Notice", notice("a.example"))))
		r.must(r.Reword(ctx, other, id, 1, "Closed: {{ conversation.number }}."))
		_, err := r.PublishDraft(ctx, admin, id)
		want(t, err, postroom.Conflict, "base")
		p, err := r.Editor(ctx, admin, id, automate.EditorView{})
		r.must(err)
		if !p.Newer || p.Base != 1 || p.Version != 2 || len(p.Changes) == 0 {
			t.Errorf("the page says %v, %d, %d, %v", p.Newer, p.Base, p.Version, p.Changes)
		}
		_, err = r.SaveDraft(ctx, admin, id, r.drawn(id, admin, "Notice", notice("a.example")), automate.Rebase)
		r.must(err)
		if n, err := r.PublishDraft(ctx, admin, id); err != nil || n != 3 {
			t.Errorf("version %d, %v", n, err)
		}
	})
}

func TestActsOfTheEditor(t *testing.T) {
	t.Parallel()
	each(t, func(r *rig) {
		ctx := t.Context()
		id, err := r.Begin(ctx, admin, "")
		r.must(err)
		d := notice("a.example")
		for _, c := range []struct{ act, place string }{{"add if", "if[1]"}, {"group if", "if[1][0]"}, {"add then tags", "then[1]"}, {"remove if[0]", ""}} {
			place, err := r.SaveDraft(ctx, admin, id, r.drawn(id, admin, "New", d), c.act)
			if r.must(err); place != c.place {
				t.Errorf("%s is at %q", c.act, place)
			}
		}
		for _, act := range []string{"remove if[7]", "fly", "up if", "put then[0] then[9]"} {
			_, err := r.SaveDraft(ctx, admin, id, r.drawn(id, admin, "New", d), act)
			if postroom.CodeOf(err) != postroom.Invalid {
				t.Errorf("%s: %v", act, err)
			}
		}
		f := r.drawn(id, admin, strings.Repeat("n", 121), d)
		want(t, r.save(admin, id, f), postroom.Invalid, "name")
		f = r.drawn(id, admin, "New", d)
		f["mailbox"] = []string{"-1"}
		want(t, r.save(admin, id, f), postroom.Invalid, "mailbox")
		f["mailbox"] = []string{"77"}
		r.must(r.save(admin, id, f))
		_, err = r.PublishDraft(ctx, admin, id)
		want(t, err, postroom.Invalid, "mailbox")
		r.must(r.DiscardDraft(ctx, admin, id))
		if _, err := r.Editor(ctx, admin, id, automate.EditorView{}); postroom.CodeOf(err) != postroom.NotFound {
			t.Errorf("thrown away, it is %v", err)
		}
		if _, err := r.Begin(ctx, admin, "soup"); postroom.CodeOf(err) != postroom.Invalid {
			t.Errorf("an unknown recipe: %v", err)
		}
	})
}

// A copy is a draft of its own; renaming is no version; what is deleted leaves
// the order and keeps its history.
func TestCopyRenameDeleteRestore(t *testing.T) {
	t.Parallel()
	each(t, func(r *rig) {
		ctx, x := t.Context(), r.find(workflow.KeyClosingNotice)
		copied, err := r.Copy(ctx, admin, x.ID)
		r.must(err)
		p, err := r.Editor(ctx, admin, copied, automate.EditorView{})
		r.must(err)
		if p.Name != "Copy of "+x.Name || p.Version != 0 || len(p.Then) != 1 || p.Then[0].Text == "" {
			t.Errorf("the copy is %+v", p)
		}
		r.must(r.save(admin, x.ID, r.drawn(x.ID, admin, x.Name, notice("a.example"))))
		r.revisions(1, func() { r.must(r.Rename(ctx, admin, x.ID, "  Goodbye ")) })
		r.revisions(0, func() { r.must(r.Rename(ctx, admin, x.ID, "Goodbye")) })
		want(t, r.Rename(ctx, admin, x.ID, " "), postroom.Invalid, "name")
		if y := r.find(workflow.KeyClosingNotice); y.Name != "Goodbye" || y.Version != 1 {
			t.Errorf("renamed: %+v", y)
		}
		if p, err := r.Editor(ctx, admin, x.ID, automate.EditorView{}); err != nil || p.Name != "Goodbye" {
			t.Errorf("its draft: %v, %v", p, err)
		}
		r.revisions(1, func() { r.must(r.Delete(ctx, admin, x.ID)) })
		if l := r.list(); len(l.Workflows) != 1 {
			t.Errorf("deleted, there are %+v", l.Workflows)
		}
		set, err := r.store.Read().Set(ctx, r.list().Revision)
		if r.must(err); len(set) != 1 {
			t.Errorf("the set has %+v", set)
		}
		for name, err := range map[string]error{"switch": r.Switch(ctx, admin, x.ID, true), "delete": r.Delete(ctx, admin, x.ID), "reword": r.Reword(ctx, admin, x.ID, 0, "Hello"),
			"rename": r.Rename(ctx, admin, x.ID, "Hi"), "place": r.Place(ctx, admin, x.ID, 0)} {
			if postroom.CodeOf(err) != postroom.NotFound {
				t.Errorf("%s of a deleted one: %v", name, err)
			}
		}
		r.must(r.EnsureShipped(ctx)) // does not bring it back
		if l := r.list(); len(l.Workflows) != 1 {
			t.Errorf("at the next start there are %+v", l.Workflows)
		}
		r.revisions(1, func() { r.must(r.Undelete(ctx, admin, x.ID)) })
		r.revisions(0, func() { r.must(r.Undelete(ctx, admin, x.ID)) })
		if y := r.list().Workflows[1]; y.ID != x.ID || y.On || y.Version != 1 {
			t.Errorf("restored: %+v", y)
		}
		r.must(r.Delete(ctx, admin, copied)) // never published: nothing stays
		if _, err := r.Editor(ctx, admin, copied, automate.EditorView{}); postroom.CodeOf(err) != postroom.NotFound {
			t.Errorf("the copy is %v", err)
		}
		if gone, err := r.store.Read().DeletedWorkflows(ctx); err != nil || len(gone) != 0 {
			t.Errorf("deleted ones: %+v, %v", gone, err)
		}
	})
}

// A workflow that names a deleted one cannot be published.
func TestADeletedWorkflowIsNotThere(t *testing.T) {
	t.Parallel()
	each(t, func(r *rig) {
		ctx, x := t.Context(), r.find(workflow.KeyAcknowledge)
		r.must(r.Delete(ctx, admin, x.ID))
		d := notice("a.example")
		d.If.All[0] = workflow.Cond{Fact: "cause.workflow", Op: workflow.Is, Values: []string{decimal(x.ID)}}
		_, err := r.Publish(ctx, admin, r.find(workflow.KeyClosingNotice).ID, 0, d)
		want(t, err, postroom.Invalid, "if.all[0].values[0]")
	})
}

func TestPlace(t *testing.T) {
	t.Parallel()
	each(t, func(r *rig) {
		ctx := t.Context()
		third, err := r.Copy(ctx, admin, r.find(workflow.KeyClosingNotice).ID)
		r.must(err)
		_, err = r.PublishDraft(ctx, admin, third)
		r.must(err)
		order := func() (out []int64) {
			for _, x := range r.list().Workflows {
				out = append(out, x.ID)
			}
			return out
		}
		all := order()
		for _, c := range []struct {
			id, before int64
			want       []int64
		}{
			{all[2], all[0], []int64{all[2], all[0], all[1]}}, {all[2], 0, []int64{all[0], all[1], all[2]}}, {all[0], all[2], []int64{all[1], all[0], all[2]}},
		} {
			r.revisions(1, func() { r.must(r.Place(ctx, admin, c.id, c.before)) })
			if got := order(); !slices.Equal(got, c.want) {
				t.Errorf("the order is %v, want %v", got, c.want)
			}
		}
		r.revisions(0, func() {
			r.must(r.Place(ctx, admin, all[2], 0))
			r.must(r.Place(ctx, admin, all[2], all[2]))
		})
		if err := r.Place(ctx, admin, all[0], 999); postroom.CodeOf(err) != postroom.NotFound {
			t.Errorf("before nothing: %v", err)
		}
	})
}

// Two admins who publish at once make two versions, none of which is lost.
func TestPublishingAtOnce(t *testing.T) {
	t.Parallel()
	each(t, func(r *rig) {
		ctx, id := t.Context(), r.find(workflow.KeyClosingNotice).ID
		r.must(r.save(admin, id, r.drawn(id, admin, "Notice", notice("a.example"))))
		var wg sync.WaitGroup
		for range 4 {
			wg.Go(func() {
				if _, err := r.PublishDraft(ctx, admin, id); err != nil {
					t.Errorf("publish: %v", err)
				}
			})
		}
		wg.Wait()
		if x, err := r.Get(ctx, admin, id); err != nil || x.Version != 2 || len(x.Versions) != 2 {
			t.Errorf("%+v, %v", x, err)
		}
	})
}

func TestTheEditorAsksForTheRightToManage(t *testing.T) {
	t.Parallel()
	each(t, func(r *rig) {
		ctx, id := t.Context(), r.find(workflow.KeyClosingNotice).ID
		_, begin := r.Begin(ctx, member, "")
		_, copied := r.Copy(ctx, member, id)
		_, saved := r.SaveDraft(ctx, member, id, automate.Form{}, "")
		_, published := r.PublishDraft(ctx, member, id)
		_, read := r.Editor(ctx, member, id, automate.EditorView{})
		for i, err := range []error{begin, copied, saved, published, read, r.DiscardDraft(ctx, member, id), r.Rename(ctx, member, id, "x"), r.Delete(ctx, member, id), r.Undelete(ctx, member, id), r.Place(ctx, member, id, 0)} {
			if postroom.CodeOf(err) != postroom.Forbidden {
				t.Errorf("%d: %v", i, err)
			}
		}
	})
}

// What it would do on a real close is said with the conditions as they were, and
// nothing is written or sent for it.
func TestTryOnARealClose(t *testing.T) {
	t.Parallel()
	desktest.Each(t, func(t *testing.T, d *desktest.Desk) {
		w, _, closing := shipped(t, d)
		ann := d.Agent("ann")
		must := func(err error) {
			t.Helper()
			if err != nil {
				t.Fatal(err)
			}
		}
		must(w.Switch(d.Ctx, ann.Agent, closing, false))
		c := d.CustomerWrites("Mara Lind <mara@customer.example>", "Lamp broken", "It arrived broken.")
		d.ExpectMails("auto:Your message has arrived")
		ann.SendAndClose(c, "A new one is on its way.")
		d.Settle()
		d.ExpectMails("A new one is on its way.")
		before := d.Story(c.ID)

		id, err := w.Begin(d.Ctx, ann.Agent, "closing-notice-some")
		must(err)
		try := func(on, domain string) *query.EditorPage {
			t.Helper()
			p, err := w.Editor(d.Ctx, ann.Agent, id, automate.EditorView{Form: form("Notice", notice(domain)), On: on})
			must(err)
			return p
		}
		p := try("", "customer.example")
		if x := p.Try; x.Number != c.Number || x.Verdict != "not matched" || !strings.Contains(x.Change, "customer.example") || len(x.Examples) != 1 || x.Event == "" {
			t.Errorf("a condition that is false: %+v", x)
		}
		if i := slices.IndexFunc(p.Try.Conditions, func(c query.WhyCondition) bool { return c.Verdict == "false" && c.Group == "" }); i < 0 || !strings.Contains(p.Try.Conditions[i].Actual, "customer.example") {
			t.Errorf("its conditions: %+v", p.Try.Conditions)
		}
		p = try("#"+decimal(c.Number), "other.example")
		if x := p.Try; x.Verdict != "matched" || len(x.Steps) != 1 || x.Steps[0].Mail == nil || !strings.HasPrefix(x.Steps[0].Mail.Text, "Hello there,") || x.Steps[0].Mail.To == "" {
			t.Errorf("a condition that is true: %+v", x)
		}
		if p = try("999", "other.example"); p.Errors["on"] == "" || p.Try.Verdict != "" {
			t.Errorf("a conversation that is not there: %+v, %+v", p.Errors, p.Try)
		}
		if p = try("x", "other.example"); p.Errors["on"] == "" {
			t.Error("no number at all is taken")
		}
		if p = try("", ""); p.Try.Verdict != "" || !strings.Contains(p.Try.Reason, "not complete") || p.Try.Steps[0].Mail.Text == "" {
			t.Errorf("one that is not complete: %+v", p.Try)
		}
		open := d.CustomerWrites("Nils <nils@customer.example>", "Bulb", "It flickers.")
		d.ExpectMails("auto:Your message has arrived")
		if p = try(decimal(open.Number), "other.example"); p.Try.Number != open.Number || p.Try.Event != "" || p.Try.Steps[0].Mail.Text == "" {
			t.Errorf("one never closed: %+v", p.Try)
		}
		if after := d.Story(c.ID); after != before {
			t.Errorf("trying changed the conversation:\n%s\nbefore:\n%s", after, before)
		}
		d.ExpectMails()
	})
}

// A workflow written in the editor does what it says, and what is deleted does
// nothing more.
func TestWhatIsWrittenInTheEditorRuns(t *testing.T) {
	t.Parallel()
	desktest.Each(t, func(t *testing.T, d *desktest.Desk) {
		w, acknowledge, closing := shipped(t, d)
		ann := d.Agent("ann")
		must := func(err error) {
			t.Helper()
			if err != nil {
				t.Fatal(err)
			}
		}
		must(w.Switch(d.Ctx, ann.Agent, acknowledge, false))
		must(w.Switch(d.Ctx, ann.Agent, closing, false))
		id, err := w.Begin(d.Ctx, ann.Agent, "closing-notice-some")
		must(err)
		f := form("Notice", notice("partner.example"))
		f["revision"], f["base"] = []string{"1"}, []string{"0"}
		_, err = w.SaveDraft(d.Ctx, ann.Agent, id, f, "")
		must(err)
		closes := func(from string, mails ...string) {
			t.Helper()
			c := d.CustomerWrites(from, "Lamp", "Broken.")
			ann.SendAndClose(c, "On its way.")
			d.Settle()
			d.ExpectMails(mails...)
		}
		closes("Mara <mara@customer.example>", "On its way.") // a draft judges nothing
		_, err = w.PublishDraft(d.Ctx, ann.Agent, id)
		must(err)
		closes("Nils <nils@customer.example>", "On its way.", "auto:we have now closed your request")
		closes("Pia <pia@partner.example>", "On its way.")
		must(w.Delete(d.Ctx, ann.Agent, id))
		closes("Otto <otto@customer.example>", "On its way.")
	})
}

// A draft survives the previous schema's programs: they see neither it nor a
// version without a number.
func TestADraftIsNoPublishedWorkflow(t *testing.T) {
	t.Parallel()
	each(t, func(r *rig) {
		id, err := r.Begin(t.Context(), admin, "")
		r.must(err)
		_, err = r.store.Read().Workflow(t.Context(), id)
		if postroom.CodeOf(err) != postroom.NotFound {
			t.Errorf("it has a row: %v", err)
		}
		var d store.WorkflowDraft
		if d, err = r.store.Read().WorkflowDraft(t.Context(), id); err != nil || d.Revision != 1 || d.AuthorID != admin.ID {
			t.Errorf("%+v, %v", d, err)
		}
	})
}
