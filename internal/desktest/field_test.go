package desktest_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"postroom"
	"postroom/internal/desk"
	"postroom/internal/desktest"
	"postroom/internal/query"
	"postroom/internal/workflow"
)

// plan is a choice as desks have it.
func plan(d *desktest.Desk) *postroom.Field {
	return d.AddField(postroom.Field{Key: "plan", Kind: postroom.FieldChoice, Name: "Plan",
		Choices: []postroom.FieldOption{{Key: "basic", Name: "Basic"}, {Key: "gold", Name: "Gold"}, {Key: "old", Name: "Old", Retired: true}}})
}

// words is the value of a field as its conversation's page shows it.
func fieldWords(d *desktest.Desk, c *postroom.Conversation, f *postroom.Field) string {
	d.T.Helper()
	p, err := d.Pages().Conversation(d.Ctx, d.Agent("ann").Agent, query.ConversationAsk{Number: c.Number}, query.Place{})
	d.Must(err)
	for _, x := range p.Side.Fields {
		if x.Path == f.Path() {
			return x.Words
		}
	}
	return "(not shown)"
}

// W5, W6: a field is set, changed and cleared, each once; what events and
// snapshots hold of a text is where it stands.
func TestFieldsOfAConversation(t *testing.T) {
	t.Parallel()
	desktest.Each(t, func(t *testing.T, d *desktest.Desk) {
		c := d.CustomerWrites("mara@customer.example", "Lamp", "Broken.")
		ann := d.Agent("ann")
		choice, order := plan(d), d.AddField(postroom.Field{Key: "order_no", Kind: postroom.FieldText, Name: "Order number"})
		seats, due, vip := d.AddField(postroom.Field{Key: "seats", Kind: postroom.FieldNumber}), d.AddField(postroom.Field{Key: "due", Kind: postroom.FieldDate}), d.AddField(postroom.Field{Key: "vip", Kind: postroom.FieldYesNo})
		for _, x := range []struct {
			f           *postroom.Field
			typed, want string
			changed     bool
		}{
			{choice, "gold", "Gold", true}, {choice, "gold", "Gold", false}, {choice, "basic", "Basic", true},
			{order, " A-1 ", "A-1", true}, {order, "A-1", "A-1", false}, {order, "A-2", "A-2", true},
			{seats, "007", "7", true}, {seats, "7", "7", false}, {due, "2026-02-28", "2026-02-28", true},
			{vip, "no", "no", false}, {vip, "yes", "yes", true}, {vip, "", "no", true}, {order, "", "", true}, {order, "", "", false},
		} {
			if changed := ann.SetField(c, x.f, x.typed); changed != x.changed || fieldWords(d, c, x.f) != x.want {
				t.Errorf("%s to %q: changed %v, shows %q", x.f.Name, x.typed, changed, fieldWords(d, c, x.f))
			}
		}
		expect(t, "changes", d.CountEvents(c.ID, postroom.FieldChanged), 9)
		for _, x := range []struct {
			f     *postroom.Field
			typed string
		}{{choice, "platinum"}, {choice, "old"}, {seats, "7.5"}, {seats, "1234567890123456"}, {due, "2026-02-30"}, {vip, "perhaps"}, {order, "a\nb"}, {order, strings.Repeat("x", 1001)}} {
			if _, err := d.Desk.SetField(d.Ctx, ann.Agent, c.ID, x.f.Path(), x.typed, postroom.PathMenu); postroom.CodeOf(err) != postroom.Invalid {
				t.Errorf("%s to %q: %v", x.f.Name, x.typed, err)
			}
		}
		if _, err := d.Desk.SetField(d.Ctx, ann.Agent, c.ID, "text.nobody", "x", postroom.PathMenu); postroom.CodeOf(err) != postroom.NotFound {
			t.Errorf("a field that is not there: %v", err)
		}
		events := d.EventsOf(c.ID, postroom.FieldChanged)
		if e := events[1]; e.Payload.Field != "choice.plan" || e.Payload.From != "gold" || e.Payload.To != "basic" || e.After.Fields["choice.plan"] != "basic" {
			t.Errorf("the second change is %+v after %+v", e.Payload, e.After.Fields)
		}
		if text := events[3]; text.Payload.To == "A-2" || text.After.Fields["text.order_no"] != text.Payload.To || text.Payload.From == "" {
			t.Errorf("the text stands in the event: %+v", text.Payload)
		}
		d.CheckInvariants()
	})
}

// Undo gives a field its former value back, unless it was changed since; two who
// set it at once are two events, and the last wins.
func TestUndoFields(t *testing.T) {
	t.Parallel()
	desktest.Each(t, func(t *testing.T, d *desktest.Desk) {
		d.UndoWindow(time.Minute)
		c := d.CustomerWrites("mara@customer.example", "Lamp", "Broken.")
		ann, ben := d.Agent("ann"), d.Agent("ben")
		choice, order := plan(d), d.AddField(postroom.Field{Key: "order_no", Kind: postroom.FieldText})
		set := func(by *desktest.Agent, f *postroom.Field, value string) desk.Outcome {
			t.Helper()
			out, err := d.Desk.SetField(d.Ctx, by.Agent, c.ID, f.Path(), value, postroom.PathMenu)
			d.Must(err)
			return out
		}
		set(ann, order, "A-1")
		second := set(ann, order, "A-2")
		ann.Undo(second)
		if got := fieldWords(d, c, order); got != "A-1" {
			t.Errorf("undone, it is %q", got)
		}
		first := set(ann, choice, "gold")
		set(ben, choice, "basic")
		undone, err := d.Desk.Undo(d.Ctx, ann.Agent, first.ActID)
		if d.Must(err); fieldWords(d, c, choice) != "Basic" || !slices.Contains(undone.Kept, "A field was changed since.") {
			t.Errorf("it is %q, and kept are %q", fieldWords(d, c, choice), undone.Kept)
		}
		events := d.EventsOf(c.ID, postroom.FieldChanged)
		if last := events[len(events)-1]; last.Payload.From != "" || last.Payload.To != "basic" || last.After.Fields["choice.plan"] != "basic" {
			t.Errorf("what came since says %+v", last.Payload)
		}
		d.CheckInvariants()
	})
}

// A selection gets a field, but for conversations of mailboxes that do not have
// it; all of it can be undone.
func TestBulkFields(t *testing.T) {
	t.Parallel()
	desktest.Each(t, func(t *testing.T, d *desktest.Desk) {
		sales := d.AddMailbox("Sales", "sales@acme.example", nil)
		c, other := d.CustomerWrites("mara@customer.example", "Lamp", "Broken."), d.CustomerWrites("bob@customer.example", "Chair", "Broken.")
		away := d.CustomerWrites("eve@customer.example", "Table", "Broken.")
		ann := d.Agent("ann")
		_, err := d.Desk.Move(d.Ctx, ann.Agent, away.ID, sales.ID, postroom.PathMenu)
		d.Must(err)
		f := d.AddField(postroom.Field{Key: "order_no", Kind: postroom.FieldText, Name: "Order", Mailboxes: []int64{d.Mailbox.ID}})
		if _, err := d.Desk.SetField(d.Ctx, ann.Agent, away.ID, f.Path(), "A-1", postroom.PathMenu); postroom.CodeOf(err) != postroom.Invalid {
			t.Errorf("in a mailbox it is not for: %v", err)
		}
		to, err := d.Desk.BulkField(d.Ctx, f.Path(), "A-1")
		d.Must(err)
		job := ann.Bulk(desk.Bulk{Numbers: []int64{c.Number, other.Number, away.Number}, Field: to})
		if fieldWords(d, c, f) != "A-1" || fieldWords(d, other, f) != "A-1" || d.CountEvents(away.ID, postroom.FieldChanged) != 0 {
			t.Errorf("they are %q and %q, and of the third %d", fieldWords(d, c, f), fieldWords(d, other, f), d.CountEvents(away.ID, postroom.FieldChanged))
		}
		p, err := d.Pages().Job(d.Ctx, ann.Agent, job, query.Place{}, "/")
		if d.Must(err); p.Words != "Set “Order” to “A-1” for 3 conversations" || len(p.Skipped) != 1 || p.Skipped[0].Words != "The field is for another mailbox." {
			t.Errorf("the job says %q and skipped %+v", p.Words, p.Skipped)
		}
		d.Must(d.Desk.UndoBulk(d.Ctx, ann.Agent, job))
		d.Settle()
		if fieldWords(d, c, f)+fieldWords(d, other, f) != "" {
			t.Errorf("undone they are %q and %q", fieldWords(d, c, f), fieldWords(d, other, f))
		}
		d.CheckInvariants()
	})
}

// A field's life: its key is nobody else's, choices are renamed and retired, and
// a deleted one comes back with its values.
func TestFieldsAreKept(t *testing.T) {
	t.Parallel()
	desktest.Each(t, func(t *testing.T, d *desktest.Desk) {
		dir := d.Directory()
		ann := d.Agent("ann")
		c := d.CustomerWrites("mara@customer.example", "Lamp", "Broken.")
		add := func(e desktest.FieldEdit) (int64, error) {
			e.Subject = postroom.OfConversation
			return dir.AddField(d.Ctx, ann.Agent, e)
		}
		id, err := add(desktest.FieldEdit{Kind: postroom.FieldChoice, Name: " Tarif & <b>Plan</b> ", More: []string{"Größe L", "L", ""}})
		d.Must(err)
		all, err := dir.Fields(d.Ctx)
		d.Must(err)
		f := all[0]
		if f.Key != "tarif_b_plan_b" || f.Name != "Tarif & <b>Plan</b>" || len(f.Choices) != 2 || f.Choices[0].Key != "gr_e_l" || f.Choices[1].Key != "l" {
			t.Fatalf("made %+v", f)
		}
		for field, e := range map[string]desktest.FieldEdit{
			"name":    {Kind: postroom.FieldText, Name: "tarif & <B>plan</B>"},
			"key":     {Kind: postroom.FieldText, Name: "Another", Key: "tarif_b_plan_b"},
			"kind":    {Kind: "colour", Name: "Another"},
			"choices": {Kind: postroom.FieldChoice, Name: "Another"},
		} {
			if _, err := add(e); fieldOfErr(err) != field {
				t.Errorf("%s: %v", field, err)
			}
		}
		if _, err := add(desktest.FieldEdit{Kind: postroom.FieldText, Name: "Bad", Key: "Bad Key"}); fieldOfErr(err) != "key" {
			t.Errorf("a bad key: %v", err)
		}
		if _, err := dir.AddField(d.Ctx, d.Agent("ben").Agent, desktest.FieldEdit{}); postroom.CodeOf(err) != postroom.Forbidden {
			t.Errorf("Ben makes fields: %v", err)
		}
		ann.SetField(c, f, "l")
		d.Must(dir.UpdateField(d.Ctx, ann.Agent, id, desktest.FieldEdit{Name: "Size", Choices: []postroom.FieldOption{{Key: "l", Name: "Large", Retired: true}, {Key: "gr_e_l", Name: "Grand"}}, More: []string{"Small"}}))
		if got := fieldWords(d, c, f); got != "Large" {
			t.Errorf("renamed it is %q", got)
		}
		ann.SetField(c, f, "small")
		if _, err := d.Desk.SetField(d.Ctx, ann.Agent, c.ID, f.Path(), "l", postroom.PathMenu); postroom.CodeOf(err) != postroom.Invalid {
			t.Errorf("a retired choice is taken: %v", err)
		}
		d.Must(dir.DeleteField(d.Ctx, ann.Agent, id))
		if got := fieldWords(d, c, f); got != "(not shown)" {
			t.Errorf("deleted it shows %q", got)
		}
		if _, err := add(desktest.FieldEdit{Kind: postroom.FieldText, Name: "Size", Key: f.Key}); fieldOfErr(err) != "key" {
			t.Errorf("its key is given to another one: %v", err)
		}
		d.Must(dir.RestoreField(d.Ctx, ann.Agent, id))
		if got := fieldWords(d, c, f); got != "Small" {
			t.Errorf("restored it is %q", got)
		}
	})
}

func fieldOfErr(err error) string {
	if e, ok := err.(*postroom.Error); ok {
		return e.Field
	}
	return ""
}

// Erasing a conversation erases what its fields said, also once.
func TestEraseTakesFields(t *testing.T) {
	t.Parallel()
	desktest.Each(t, func(t *testing.T, d *desktest.Desk) {
		c := d.CustomerWrites("mara@customer.example", "Lamp", "Broken.")
		ann := d.Agent("ann")
		f := d.AddField(postroom.Field{Key: "order_no", Kind: postroom.FieldText})
		ann.SetField(c, f, "A-1")
		ann.SetField(c, f, "A-2")
		to, err := d.Desk.BulkField(d.Ctx, f.Path(), "A-3")
		d.Must(err)
		job := ann.Bulk(desk.Bulk{Numbers: []int64{c.Number}, Field: to})
		var texts []string
		for _, e := range d.EventsOf(c.ID, postroom.FieldChanged) {
			texts = append(texts, e.Payload.To)
		}
		d.Settle()
		_, err = d.Desk.Delete(d.Ctx, ann.Agent, c.ID, postroom.PathMenu)
		d.Must(err)
		d.Settle()
		_, err = d.Desk.EmptyTrash(d.Ctx, ann.Agent, 0)
		d.Must(err)
		d.Settle()
		for _, id := range texts {
			if text, err := d.Store.Read().FieldText(d.Ctx, id); err != nil || text != "" {
				t.Errorf("text %s says %q, %v", id, text, err)
			}
		}
		expect(t, "texts", len(texts), 3)
		j, err := d.Store.Read().Job(d.Ctx, job)
		if d.Must(err); strings.Contains(j.Params, "A-3") {
			t.Errorf("the job of the selection still holds %s", j.Params)
		}
		p, err := d.Pages().Job(d.Ctx, ann.Agent, job, query.Place{}, "/")
		d.Must(err)
		expect(t, "the job", p.Words, "Set “order_no” to “a text that was erased” for 1 conversation")
	})
}

// What is kept of a customer is written beside any conversation of theirs, is
// logged once, and workflows ask for it from the next event on.
func TestFieldsOfACustomer(t *testing.T) {
	t.Parallel()
	desktest.Each(t, func(t *testing.T, d *desktest.Desk) {
		ann := d.Agent("ann").Agent
		stars := d.AddField(postroom.Field{Subject: postroom.OfCustomer, Key: "stars", Kind: postroom.FieldNumber, Name: "Stars"})
		id := d.AddWorkflow("Stars", workflow.Definition{When: workflow.When{Event: postroom.NoteAdded}, If: workflow.Cond{All: []workflow.Cond{{Fact: "customer.company", Op: workflow.Is, Values: []string{"lind ceramics"}}, {Fact: "customer.field.number.stars", Op: workflow.Greater, Values: []string{"3"}}}},
			Then: []workflow.Action{{Do: workflow.DoSubject, Subject: "{{ customer.company | default: \"-\" }}, {{ customer.fields.stars | default: \"-\" }}"}}})
		c := d.CustomerWrites("Mara <mara@customer.example>", "Lamp", "Broken.")
		other := d.CustomerWrites("Mara <mara@customer.example>", "Chair", "Broken too.")
		edit := func(company, value string) error {
			return d.Desk.EditCustomer(d.Ctx, ann, c.ID, desk.CustomerEdit{Name: "Mara", Company: company, Fields: map[string]string{stars.Path(): value}})
		}
		if err := edit("Lind Ceramics", "many"); postroom.CodeOf(err) != postroom.Invalid || fieldOfErr(err) != "field.number.stars" {
			t.Errorf("a wrong number: %v", err)
		}
		d.Must(edit(" Lind  Ceramics ", "5"))
		d.Must(edit("Lind Ceramics", "5"))
		now, err := d.Store.Read().Customer(d.Ctx, c.CustomerID)
		if d.Must(err); now.Company != "Lind Ceramics" || now.Fields["number.stars"] != "5" {
			t.Errorf("kept %+v", now)
		}
		expect(t, "events", d.CountEvents(c.ID, postroom.FieldChanged), 0)
		d.Agent("ann").AddNote(other, "Look.")
		d.Settle()
		expect(t, "runs on another conversation of theirs", len(d.Runs(other.ID, id)), 1)
		expect(t, "the subject", d.Conversation(other.ID).Subject, "Lind Ceramics, 5")
		d.Must(d.Desk.EditCustomer(d.Ctx, ann, c.ID, desk.CustomerEdit{Name: "Mara L."}))
		if now, err = d.Store.Read().Customer(d.Ctx, c.CustomerID); err != nil || now.Company != "Lind Ceramics" {
			t.Errorf("who says nothing of it takes the company away: %+v, %v", now, err)
		}
		d.Must(edit("", ""))
		if now, err = d.Store.Read().Customer(d.Ctx, c.CustomerID); err != nil || now.Company != "" || len(now.Fields) != 0 {
			t.Errorf("cleared it is %+v, %v", now, err)
		}
	})
}
