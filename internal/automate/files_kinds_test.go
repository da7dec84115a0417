package automate_test

import (
	"strings"
	"testing"

	"postroom"
	"postroom/internal/automate"
	"postroom/internal/store"
)

// kinds says what becomes of the promises and the calendars.
func kinds(p automate.FilePlan) string {
	var out []string
	for _, s := range append(p.Promises, p.Calendars...) {
		out = append(out, s.Key+" "+s.What)
	}
	return strings.Join(out, ", ")
}

const answered = `kind: promise
key: answered
name: Answered the same day
when: {event: message.received, actors: [customer]}
expect: {mail: workflow, workflow: vip, times: some}
within: 4bh
`

const berlin = `kind: calendar
key: berlin
name: Berlin
zone: Europe/Berlin
week: {monday: 9-17}
`

// W37, W38: promises and calendars are exported, planned and applied with the
// workflows that they name, once, and what was exported changes nothing.
func TestPromisesAndCalendarsInFiles(t *testing.T) {
	t.Parallel()
	each(t, func(r *rig) {
		t, ctx := r.t, r.t.Context()
		r.tag("VIP")
		r.must(automate.NewPromises(r.Workflows).EnsureShipped(ctx))
		apply := func(changed bool, wantKinds string, texts ...string) automate.FilePlan {
			t.Helper()
			p, err := r.PlanFiles(ctx, admin, files(texts...))
			r.must(err)
			if len(p.Faults) > 0 || kinds(p) != wantKinds {
				t.Fatalf("the plan is %s, %v", kinds(p), p.Faults)
			}
			p, err = r.ApplyFiles(ctx, admin, files(texts...))
			r.must(err)
			if !p.Applied || p.Changed() != changed || kinds(p) != wantKinds {
				t.Fatalf("%s came of it (%t), %v", kinds(p), p.Changed(), p.Faults)
			}
			return p
		}
		export := func() string {
			t.Helper()
			text, err := r.ExportFiles(ctx, admin, nil)
			r.must(err)
			return text
		}
		apply(false, "closing-notice same", export())
		// A promise names a workflow that comes with it.
		p := apply(true, "answered new, berlin new", vip, answered, berlin)
		if s := p.Promises[0]; !strings.HasSuffix(s.Sentence, "to the customer within 4 business hours.") || len(s.Text) == 0 {
			t.Errorf("%+v", s)
		}
		whole := export()
		apply(false, "closing-notice same, answered same, berlin same", whole)
		for _, part := range []string{answered[strings.Index(answered, "within"):], "Europe/Berlin", "default: true", "monday: 09:00-17:00", "mailboxes: []", "workflow: vip"} {
			if !strings.Contains(whole, strings.TrimSpace(part)) {
				t.Errorf("%q is not in what was exported:\n%s", part, whole)
			}
		}
		one, err := r.ExportFiles(ctx, admin, []string{"answered"})
		if err != nil || strings.Contains(one, "---") || !strings.Contains(one, "key: answered") {
			t.Errorf("%v\n%s", err, one)
		}
		if _, err := r.ExportFiles(ctx, admin, []string{"nonsense"}); postroom.CodeOf(err) != postroom.NotFound {
			t.Error(err)
		}

		// Each change is a version or a revision, and only of what changed.
		apply(true, "answered changed, berlin changed", strings.Replace(answered, "4bh", "1bd", 1), strings.Replace(berlin, "9-17", "8-16", 1))
		apply(true, "answered changed", strings.Replace(answered, "within: 4bh", "within: 1bd\nenabled: false", 1))
		row, calendar := r.promise("answered"), r.calendar("berlin")
		if row.Version != 2 || row.Enabled || calendar.Revision != 2 || !calendar.Main {
			t.Errorf("%+v %+v", row, calendar)
		}

		// Promises go only where files hold promises; calendars never do.
		pruned := files(vip, strings.Replace(answered, "4bh", "1bd", 1))
		pruned.Prune = true
		p, err = r.ApplyFiles(ctx, admin, pruned)
		r.must(err)
		if kinds(p) != "answered same, closing-notice deleted" {
			t.Fatalf("%s came of it, %v", kinds(p), p.Faults)
		}
		if row = r.promise("closing-notice"); row.DeletedAt == 0 || row.Enabled {
			t.Errorf("%+v", row)
		}
		for _, doc := range strings.Split(whole, "---\n") {
			if strings.Contains(doc, "kind: promise\nkey: closing-notice") {
				apply(true, "closing-notice restored", doc)
			}
		}
		if row = r.promise("closing-notice"); row.DeletedAt != 0 || !row.Enabled {
			t.Errorf("%+v", row)
		}
	})
}

func (r *rig) promise(key string) store.Promise {
	r.t.Helper()
	rows, err := r.store.Read().EveryPromise(r.t.Context())
	r.must(err)
	for _, row := range rows {
		if row.Key == key {
			return row
		}
	}
	r.t.Fatalf("no promise %s", key)
	return store.Promise{}
}

func (r *rig) calendar(key string) store.CalendarRow {
	r.t.Helper()
	rows, err := r.store.Read().EveryCalendar(r.t.Context())
	r.must(err)
	for _, row := range rows {
		if row.Key == key {
			return row
		}
	}
	r.t.Fatalf("no calendar %s", key)
	return store.CalendarRow{}
}

// W37: what is wrong with any of the files keeps all of them from being applied,
// and is said at its place.
func TestFaultyPromisesAndCalendarsChangeNothing(t *testing.T) {
	t.Parallel()
	each(t, func(r *rig) {
		t, ctx := r.t, r.t.Context()
		r.tag("VIP")
		for _, x := range []struct{ text, want string }{
			{answered, `There is no workflow "vip"`},
			{strings.Replace(answered, ", workflow: vip", "", 1) + "\n---\n" + strings.Replace(berlin, "9-17", "17-9", 1), "ends before it begins"},
			{berlin + "---\n" + strings.Replace(berlin, "key: berlin", "key: munich", 1), `The calendar with the key "berlin" has this name.`},
			{berlin + "default: true\n---\n" + strings.NewReplacer("key: berlin", "key: munich", "name: Berlin", "name: Munich").Replace(berlin) + "default: true\n", "The calendar berlin is the default already."},
		} {
			p, err := r.ApplyFiles(ctx, admin, files(vip[:0]+x.text))
			r.must(err)
			if p.Applied || len(p.Faults) == 0 || !strings.Contains(p.Faults[0].Text, x.want) || p.Faults[0].Line == 0 {
				t.Errorf("%v, not %s", p.Faults, x.want)
			}
		}
		calendars, err := r.store.Read().EveryCalendar(ctx)
		r.must(err)
		promises, err := r.store.Read().EveryPromise(ctx)
		r.must(err)
		if len(calendars)+len(promises) > 0 {
			t.Errorf("%+v %+v", calendars, promises)
		}
	})
}
