package automate_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"sync"
	"testing"

	"postroom"
	"postroom/internal/automate"
	"postroom/internal/db"
	"postroom/internal/dbtest"
	"postroom/internal/desk"
	"postroom/internal/email"
	"postroom/internal/store"
	"postroom/internal/workflow"
)

func TestMain(m *testing.M) { dbtest.Main(m) }

var (
	admin  = &postroom.Agent{ID: 1, Name: "Ann", Role: postroom.Admin}
	member = &postroom.Agent{ID: 2, Name: "Ben", Role: postroom.Member, Mailboxes: []int64{10}}
)

// rig is a new desk's workflows.
type rig struct {
	*automate.Workflows
	t     *testing.T
	db    *db.DB
	store *store.Store

	mu        sync.Mutex
	published []string
}

func newRig(t *testing.T, d *db.DB) *rig {
	t.Helper()
	keys, err := email.NewKeyring(email.Key{ID: "t1", Secret: []byte("0123456789abcdef0123456789abcdef")})
	if err != nil {
		t.Fatal(err)
	}
	r := &rig{t: t, db: d, store: store.New(d)}
	r.Workflows = automate.New(automate.Options{
		Store:    r.store,
		Letters:  desk.New(desk.Options{Store: r.store, Keys: keys}),
		Sanitise: func(html string) string { return email.SanitiseComposed(html, email.ComposeOptions{}) },
		Publish: func(key string) {
			r.mu.Lock()
			defer r.mu.Unlock()
			r.published = append(r.published, key)
		},
	})
	return r
}

// each runs f on a new desk with its shipped workflows, on both engines.
func each(t *testing.T, f func(r *rig)) {
	t.Helper()
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		r := newRig(t, d)
		r.must(r.store.Write(t.Context(), func(tx *store.Tx) error {
			for _, a := range []*postroom.Agent{admin, member, other} {
				row := *a
				row.Email = strings.ToLower(a.Name) + "@acme.example"
				if err := tx.InsertAgent(t.Context(), &row, ""); err != nil {
					return err
				}
			}
			return nil
		}))
		r.must(r.EnsureShipped(t.Context()))
		f(r)
	})
}

func (r *rig) must(err error) {
	r.t.Helper()
	if err != nil {
		r.t.Fatal(err)
	}
}

func (r *rig) list() automate.List {
	r.t.Helper()
	l, err := r.List(r.t.Context(), admin)
	r.must(err)
	return l
}

// find returns the workflow with a key.
func (r *rig) find(key string) automate.Workflow {
	r.t.Helper()
	all := r.list().Workflows
	i := slices.IndexFunc(all, func(x automate.Workflow) bool { return x.Key == key })
	if i < 0 {
		r.t.Fatalf("there is no workflow %s", key)
	}
	return all[i]
}

// revisions runs f and checks how many revisions of the set it made, and that
// as many times pages were told.
func (r *rig) revisions(want int64, f func()) {
	r.t.Helper()
	before, told := r.list().Revision, len(r.told(automate.Key))
	f()
	if got := r.list().Revision - before; got != want {
		r.t.Errorf("%d revisions of the set were made, want %d", got, want)
	}
	if got := int64(len(r.told(automate.Key)) - told); got != want {
		r.t.Errorf("pages were told %d times, want %d", got, want)
	}
}

func (r *rig) told(key string) []string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.DeleteFunc(slices.Clone(r.published), func(k string) bool { return k != key })
}

// want checks the code and the field of an error.
func want(t *testing.T, err error, code postroom.Code, field string) *postroom.Error {
	t.Helper()
	var e *postroom.Error
	if !errors.As(err, &e) {
		t.Fatalf("the error is %v, want %s of field %q", err, code, field)
	}
	if e.Code != code || e.Field != field {
		t.Errorf("the error is %s of field %q: %v, want %s of %q", e.Code, e.Field, err, code, field)
	}
	return e
}

// The acknowledgement and the closing notice are workflows as any other (W13).
func TestANewDeskComesWithTwoWorkflows(t *testing.T) {
	t.Parallel()
	each(t, func(r *rig) {
		l := r.list()
		if len(l.Workflows) != 2 || l.Revision != 1 {
			t.Fatalf("there are %d workflows in revision %d", len(l.Workflows), l.Revision)
		}
		for i, key := range []string{workflow.KeyAcknowledge, workflow.KeyClosingNotice} {
			if x := l.Workflows[i]; x.Key != key || !x.On || x.Version != 1 || !x.Shipped || x.PublishedBy != 0 || x.PublishedAt == 0 {
				t.Errorf("workflow %d is %+v", i, x)
			}
		}
		set, err := r.store.Read().Set(t.Context(), 1)
		r.must(err)
		if len(set) != 2 || !set[0].Enabled || !set[1].Enabled || set[1].Version != 1 {
			t.Errorf("the set is %+v", set)
		}
		if len(l.Findings) != 0 {
			t.Errorf("the shipped workflows do not go well together: %+v", l.Findings)
		}
		r.revisions(0, func() { r.must(r.EnsureShipped(t.Context())) })
	})
}

func TestProcessesThatStartTogetherShipOnce(t *testing.T) {
	t.Parallel()
	for _, e := range []db.Engine{db.SQLite, db.Postgres} {
		t.Run(string(e), func(t *testing.T) {
			t.Parallel()
			var o dbtest.Options
			url := o.URL(t, e)
			first := newRig(t, o.OpenURL(t, url))
			starters := []*rig{first, first, first}
			if e == db.Postgres { // a second process; a SQLite file has only one
				second := newRig(t, o.OpenURL(t, url))
				starters = append(starters, second, second, second)
			}
			var begin, done sync.WaitGroup
			begin.Add(1)
			errs := make([]error, len(starters))
			for i, r := range starters {
				done.Go(func() {
					begin.Wait()
					errs[i] = r.EnsureShipped(context.WithoutCancel(t.Context()))
				})
			}
			begin.Done()
			done.Wait()
			if err := errors.Join(errs...); err != nil {
				t.Fatal(err)
			}
			if l := first.list(); len(l.Workflows) != 2 || l.Revision != 1 {
				t.Errorf("there are %d workflows in revision %d, want 2 in revision 1", len(l.Workflows), l.Revision)
			}
		})
	}
}

func TestShippingTouchesNothingAnAdminChanged(t *testing.T) {
	t.Parallel()
	each(t, func(r *rig) {
		ctx, x := t.Context(), r.find(workflow.KeyAcknowledge)
		r.must(r.Switch(ctx, admin, x.ID, false))
		r.must(r.Reword(ctx, admin, x.ID, 1, "Your mail is here."))
		r.must(r.Move(ctx, admin, x.ID, false))
		before := r.list()
		again := newRig(t, r.db) // as after a restart
		again.must(again.EnsureShipped(ctx))
		after := r.list()
		if after.Revision != before.Revision || after.Workflows[1].On || after.Workflows[1].Version != 2 || after.Workflows[1].Key != workflow.KeyAcknowledge {
			t.Errorf("after a restart: revision %d, was %d; %+v", after.Revision, before.Revision, after.Workflows[1])
		}
	})
}

func TestOnADeskInUseAShippedWorkflowArrivesSwitchedOff(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		r := newRig(t, d)
		id, err := r.store.NewID(t.Context())
		r.must(err)
		body, err := workflow.Definition{When: workflow.When{Event: postroom.MessageReceived}, Then: []workflow.Action{{Do: workflow.DoStop}}}.Encode()
		r.must(err)
		r.must(r.store.Write(t.Context(), func(t *store.Tx) error {
			if err := t.InsertWorkflow(r.t.Context(), store.Workflow{ID: id, Key: "mine", Name: "Mine", Position: 7, Enabled: true, Version: 1}); err != nil {
				return err
			}
			return t.InsertVersion(r.t.Context(), store.WorkflowVersion{WorkflowID: id, Number: 1, Definition: string(body), AuthorID: 1})
		}))
		r.must(r.EnsureShipped(t.Context()))
		l := r.list()
		if len(l.Workflows) != 3 || l.Workflows[0].Key != "mine" || l.Workflows[1].On || l.Workflows[2].On {
			t.Errorf("the workflows are %+v", l.Workflows)
		}
	})
}

func TestOnlyAdminsKeepWorkflows(t *testing.T) {
	t.Parallel()
	each(t, func(r *rig) {
		ctx, id := t.Context(), r.find(workflow.KeyClosingNotice).ID
		for _, by := range []*postroom.Agent{nil, member, {ID: 3, Role: postroom.Admin, Disabled: true}} {
			_, list := r.List(ctx, by)
			_, get := r.Get(ctx, by, id)
			_, publish := r.Publish(ctx, by, id, 0, workflow.Definition{})
			_, preview := r.Preview(ctx, by, id, "Hello")
			_, on := r.PreviewOn(ctx, by, id, "Hello", 1)
			for what, err := range map[string]error{
				"list": list, "get": get, "publish": publish, "preview": preview, "preview on": on,
				"switch": r.Switch(ctx, by, id, false), "move": r.Move(ctx, by, id, true),
				"reword": r.Reword(ctx, by, id, 0, "Hello"), "restore": r.Restore(ctx, by, id, 1),
			} {
				if postroom.CodeOf(err) != postroom.Forbidden {
					t.Errorf("%s: %v, want forbidden", what, err)
				}
			}
		}
		if l := r.list(); l.Revision != 1 {
			t.Errorf("the revision is %d, want 1", l.Revision)
		}
	})
}

func TestWhatIsNotThereIsNotFound(t *testing.T) {
	t.Parallel()
	each(t, func(r *rig) {
		ctx, id := t.Context(), r.find(workflow.KeyClosingNotice).ID
		_, get := r.Get(ctx, admin, 4711)
		_, preview := r.Preview(ctx, admin, 4711, "Hello")
		_, on := r.PreviewOn(ctx, admin, id, "Hello", 4711)
		for what, err := range map[string]error{
			"get": get, "preview": preview, "preview on": on,
			"switch": r.Switch(ctx, admin, 4711, true), "move": r.Move(ctx, admin, 4711, true),
			"reword": r.Reword(ctx, admin, 4711, 0, "Hello"), "restore": r.Restore(ctx, admin, id, 99),
		} {
			if postroom.CodeOf(err) != postroom.NotFound {
				t.Errorf("%s: %v, want not found", what, err)
			}
		}
	})
}
