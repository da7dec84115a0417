package automate_test

import (
	"strings"
	"testing"
	"time"

	"postroom"
	"postroom/internal/alarm"
	"postroom/internal/automate"
	"postroom/internal/desktest"
	"postroom/internal/recipe"
	"postroom/internal/store"
	"postroom/internal/workflow"
)

// tested is a Workflows of a whole desk that wakes its workers.
func tested(d *desktest.Desk) *automate.Workflows {
	return automate.New(automate.Options{Store: d.Store, Letters: d.Desk, Wake: d.Runner.Wake})
}

const closingTest = `name: %
given:
  customer.name: Jane Doe
when: {event: status.changed, from: active, to: closed}
expect:
  verdict: matched
  mails:
    - contains: Hello Jane
`

func named(name string) string { return strings.Replace(closingTest, "%", name, 1) }

// openAlarm returns the words of the open alarm about a workflow's tests.
func openAlarm(t *testing.T, d *desktest.Desk) string {
	t.Helper()
	all, err := d.Alarms.List(d.Ctx)
	if err != nil {
		t.Fatal(err)
	}
	for _, a := range all {
		if a.Kind == string(alarm.WorkflowTest) && a.ClearedAt == 0 {
			return a.Words
		}
	}
	return ""
}

// W36: tests run when a workflow is published, after an upgrade and at night; a
// red one blocks publishing and is an alarm that clears itself.
func TestRedTestsBlockAndAlarm(t *testing.T) {
	t.Parallel()
	desktest.Each(t, func(t *testing.T, d *desktest.Desk) {
		_, _, notice := shipped(t, d)
		w, ann := tested(d), d.Agent("ann").Agent
		must := func(err error) {
			t.Helper()
			if err != nil {
				t.Fatal(err)
			}
		}
		id, err := w.SaveTest(d.Ctx, ann, notice, 0, named("Closing says hello"))
		must(err)
		d.Settle()
		rows, err := d.Store.Read().WorkflowTests(d.Ctx, notice)
		must(err)
		if len(rows) != 1 || rows[0].ID != id || !rows[0].Green || rows[0].Version != 1 || rows[0].RanAt == 0 || rows[0].AuthorID != ann.ID {
			t.Fatalf("after saving: %+v", rows)
		}
		if words := openAlarm(t, d); words != "" {
			t.Fatal(words)
		}

		err = w.Reword(d.Ctx, ann, notice, 1, "It is closed.")
		want(t, err, postroom.Conflict, "tests")
		if !strings.Contains(err.Error(), "1 of 1 tests are red: “Closing says hello”") {
			t.Error(err)
		}
		p, err := w.Editor(d.Ctx, ann, notice, automate.EditorView{})
		must(err)
		f := form("Tell the customer it is closed", workflow.Shipped()[1].Definition)
		f["then[0].text"], f["revision"], f["base"] = []string{"It is closed."}, []string{decimal(p.Revision)}, []string{decimal(int64(p.Version))}
		_, err = w.SaveDraft(d.Ctx, ann, notice, f, "")
		must(err)
		_, err = w.PublishDraft(d.Ctx, ann, notice)
		want(t, err, postroom.Conflict, "tests")
		p, err = w.Editor(d.Ctx, ann, notice, automate.EditorView{})
		must(err)
		if len(p.Tests) != 1 || p.Tests[0].Green || len(p.Tests[0].Differences) != 1 || p.RedTests() != 1 {
			t.Errorf("the editor shows %+v", p.Tests)
		}
		number, err := w.PublishAnyway(d.Ctx, ann, notice)
		must(err)
		if number != 2 {
			t.Errorf("version %d", number)
		}
		d.Settle()
		if words := openAlarm(t, d); !strings.Contains(words, "1 of 1 tests of version 2 are red. “Closing says hello”: mail 1: expected a text that contains \"Hello Jane\"") {
			t.Errorf("the alarm says %q", words)
		}
		var logged bool
		log, err := d.Store.Read().LogEntries(d.Ctx, store.LogAsk{Area: store.AreaWorkflows, Limit: 50})
		must(err)
		for _, e := range log {
			logged = logged || e.AgentID == ann.ID && strings.Contains(e.Words, "was published although 1 of its tests are red")
		}
		if !logged {
			t.Error("the log does not say that it was published anyway")
		}

		must(w.Restore(d.Ctx, ann, notice, 1))
		d.Settle()
		if words := openAlarm(t, d); words != "" {
			t.Errorf("the alarm is still open: %s", words)
		}
		want(t, w.Restore(d.Ctx, ann, notice, 2), postroom.Conflict, "tests")
		want(t, w.Reword(d.Ctx, ann, notice, 3, "It is closed."), postroom.Conflict, "tests")
		must(w.RestoreWith(d.Ctx, ann, notice, 2, true))
		d.Settle()
		if openAlarm(t, d) == "" {
			t.Error("an older version with red tests raises no alarm")
		}
		must(w.DeleteTest(d.Ctx, ann, notice, id))
		d.Settle()
		if words := openAlarm(t, d); words != "" {
			t.Errorf("without tests there is an alarm: %s", words)
		}
	})
}

// Tests run by themselves after an update and every night (W36).
func TestTestsRunAfterAnUpgradeAndAtNight(t *testing.T) {
	t.Parallel()
	desktest.Each(t, func(t *testing.T, d *desktest.Desk) {
		_, _, notice := shipped(t, d)
		w, ann := tested(d), d.Agent("ann").Agent
		id, err := w.SaveTest(d.Ctx, ann, notice, 0, named("One"))
		if err != nil {
			t.Fatal(err)
		}
		d.Settle()
		ranAt := func() int64 {
			t.Helper()
			row, err := d.Store.Read().WorkflowTest(d.Ctx, id)
			if err != nil {
				t.Fatal(err)
			}
			return row.RanAt
		}
		for _, c := range []struct {
			what string
			run  func() error
			ran  bool
		}{
			{"the first start", func() error { return w.RetestAfterUpgrade(d.Ctx, "v1") }, true},
			{"the same version", func() error { return w.RetestAfterUpgrade(d.Ctx, "v1") }, false},
			{"another version", func() error { return w.RetestAfterUpgrade(d.Ctx, "v2") }, true},
			{"the night", func() error { return w.RetestAll(d.Ctx) }, true},
		} {
			before := ranAt()
			d.Pass(time.Hour)
			if err := c.run(); err != nil {
				t.Fatal(err)
			}
			d.Settle()
			if ran := ranAt() > before; ran != c.ran {
				t.Errorf("%s: tests ran: %v", c.what, ran)
			}
		}
	})
}

// What is typed wrong is said with line and column; one name is one test; a
// member may do none of it.
func TestTestsAreChecked(t *testing.T) {
	t.Parallel()
	each(t, func(r *rig) {
		ctx, id := t.Context(), r.find(workflow.KeyClosingNotice).ID
		_, err := r.SaveTest(ctx, member, id, 0, named("One"))
		want(t, err, postroom.Forbidden, "")
		_, err = r.SaveTest(ctx, admin, id, 0, strings.Replace(named("One"), "expect:", "expected:", 1))
		want(t, err, postroom.Invalid, "text")
		if !strings.Contains(err.Error(), `Line 5, column 1: There is no field "expected" here; did you mean "expect"?`) {
			t.Error(err)
		}
		_, err = r.SaveTest(ctx, admin, 4711, 0, named("One"))
		want(t, err, postroom.NotFound, "")
		one, err := r.SaveTest(ctx, admin, id, 0, named("One"))
		r.must(err)
		_, err = r.SaveTest(ctx, admin, id, 0, named("One"))
		want(t, err, postroom.Invalid, "text")
		same, err := r.SaveTest(ctx, admin, id, one, named("Renamed"))
		r.must(err)
		got, err := r.ReadTest(ctx, admin, id, one)
		r.must(err)
		if same != one || !strings.HasPrefix(got.Text, "name: Renamed\n") || !got.Result.Green || got.Title != "Tell the customer it is closed" {
			t.Errorf("%d: %+v", same, got)
		}
		_, err = r.ReadTest(ctx, admin, r.find(workflow.KeyAcknowledge).ID, one)
		want(t, err, postroom.NotFound, "")
		fresh, err := r.NewTest(ctx, admin, id)
		r.must(err)
		if !fresh.Result.Green || !strings.Contains(fresh.Text, "event: status.changed") {
			t.Errorf("a new test is %+v", fresh)
		}
		r.must(r.DeleteTest(ctx, admin, id, one))
		_, err = r.ReadTest(ctx, admin, id, one)
		want(t, err, postroom.NotFound, "")
	})
}

// Each recipe and shipped workflow has a test to begin from that can be run.
func TestSampleTestsCanBeRun(t *testing.T) {
	t.Parallel()
	for _, r := range recipe.All() {
		d, err := r.Document()
		if err != nil {
			t.Fatal(err)
		}
		if faults := workflow.SampleTest(d.Definition).Check(); len(faults) > 0 {
			t.Errorf("%s: %v", r.Key, faults)
		}
	}
}

// W36: a moment of a real conversation becomes a test without the person.
func TestPinsAMoment(t *testing.T) {
	t.Parallel()
	desktest.Each(t, func(t *testing.T, d *desktest.Desk) {
		_, acknowledge, notice := shipped(t, d)
		w, ann := tested(d), d.Agent("ann")
		c := d.CustomerWrites("Zacharias Quux <zacharias@quux.example>", "Invoice 4711", "My PIN is 0815.")
		ann.SendAndClose(c, "A new one is on its way, Zacharias.")
		d.Settle()
		pin := func(flow int64, kind postroom.EventKind) automate.TestText {
			t.Helper()
			events, err := d.Store.Read().EventsOfKind(d.Ctx, c.ID, kind, 1)
			if err != nil || len(events) != 1 {
				t.Fatal(events, err)
			}
			p, err := w.Pin(d.Ctx, ann.Agent, flow, events[0].ID)
			if err != nil {
				t.Fatal(err)
			}
			for _, s := range []string{"zacharias", "quux", "4711", "0815", "Zacharias"} {
				if strings.Contains(p.Text, s) {
					t.Errorf("%q is in\n%s", s, p.Text)
				}
			}
			if !p.Result.Green || len(p.Kept) != 0 {
				t.Errorf("%+v, %v", p.Result, p.Kept)
			}
			if _, err := w.SaveTest(d.Ctx, ann.Agent, flow, 0, p.Text); err != nil {
				t.Error(err)
			}
			again, err := w.Pin(d.Ctx, ann.Agent, flow, events[0].ID)
			if err != nil || !strings.Contains(again.Text, "(2)") {
				t.Errorf("a second pin has the same name: %v\n%s", err, again.Text)
			}
			return p
		}
		p := pin(notice, postroom.StatusChanged)
		for _, line := range []string{"from: active", "to: closed", "path: send", "verdict: matched", "- do: reply"} {
			if !strings.Contains(p.Text, line) {
				t.Errorf("%q is not in\n%s", line, p.Text)
			}
		}
		if p := pin(acknowledge, postroom.ConversationCreated); !strings.Contains(p.Text, "message.class: human") {
			t.Error(p.Text)
		}
		d.Settle()
		if words := openAlarm(t, d); words != "" {
			t.Error(words)
		}
	})
}
