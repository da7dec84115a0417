package web

import (
	"fmt"
	"strconv"
	"strings"

	"postroom"
	"postroom/internal/directory"
	"postroom/internal/query"
	"postroom/internal/web/view"
)

// setField is POST /conversations/{number}/field: one field of the conversation.
// What is refused stands at the field, on the page of the conversation.
func setField(q *request) error {
	if err := q.fields(); err != nil {
		return err
	}
	ref, back, err := q.ref()
	if err != nil {
		return err
	}
	path, typed := q.field("field"), q.field("value")
	_, err = q.site.o.Desk.SetField(q.Context(), q.agent, ref.ID, path, typed, q.path())
	if faults(err)["value"] == "" {
		return q.told(err, "", back)
	}
	place := placeOfList(q.returnPath(back))
	p, wrong := q.conversation(query.ConversationAsk{Number: ref.Number}, place)
	if wrong != nil {
		return wrong
	}
	p.Refuse(path, typed, postroom.TextOf(err))
	return q.html(422, view.Conversation(*p))
}

// showFields is GET /fields.
func showFields(q *request) error {
	p, err := q.site.o.Pages.Fields(q.Context(), q.agent, q.place("mailboxes"))
	if err != nil {
		return err
	}
	q.dress(&p.Shell)
	return q.page(view.Fields(*p), p)
}

// showNewField is GET /fields/new?subject=.
func showNewField(q *request) error {
	p, err := q.fieldPage(0, q.URL.Query().Get("subject"))
	if err != nil {
		return err
	}
	return q.page(view.Field(*p), p)
}

// showField is GET /fields/{id}.
func showField(q *request) error {
	id, err := q.number("id")
	if err != nil {
		return err
	}
	p, err := q.fieldPage(id, "")
	if err != nil {
		return err
	}
	return q.page(view.Field(*p), p)
}

func (q *request) fieldPage(id int64, subject string) (*query.FieldPage, error) {
	p, err := q.site.o.Pages.Field(q.Context(), q.agent, id, subject, q.place("mailboxes"))
	if err == nil {
		q.dress(&p.Shell)
	}
	return p, err
}

// addField is POST /fields.
func addField(q *request) error {
	if err := q.fields(); err != nil {
		return err
	}
	e := q.fieldEdit()
	_, err := q.site.o.Directory.AddField(q.Context(), q.agent, e)
	return q.fieldSaved(err, 0, e)
}

// updateField is POST /fields/{id}.
func updateField(q *request) error {
	id, err := q.number("id")
	if err != nil {
		return err
	}
	if err := q.fields(); err != nil {
		return err
	}
	e := q.fieldEdit()
	return q.fieldSaved(q.site.o.Directory.UpdateField(q.Context(), q.agent, id, e), id, e)
}

// fieldEdit reads the form. Choices stand in their order: choice (a key, again
// and again) with name_KEY, and retired_KEY.
func (q *request) fieldEdit() directory.FieldEdit {
	e := directory.FieldEdit{Subject: postroom.FieldSubject(q.field("subject")), Kind: postroom.FieldKind(q.field("kind")), Key: q.field("key"),
		Name: q.field("name"), Help: q.field("help"), More: strings.Split(strings.ReplaceAll(q.Form.Get("more"), "\r", "\n"), "\n")}
	for _, key := range q.Form["choice"] {
		e.Choices = append(e.Choices, postroom.FieldOption{Key: key, Name: q.field("name_" + key), Retired: q.ticked("retired_" + key)})
	}
	for _, m := range q.Form["mailbox"] {
		if id, err := strconv.ParseInt(m, 10, 64); err == nil && id > 0 {
			e.Mailboxes = append(e.Mailboxes, id)
		}
	}
	if e.Kind != postroom.FieldChoice && e.Kind != "" {
		e.More = nil // the box of choices stands there for every kind
	}
	return e
}

// fieldSaved leads to the list, or shows the form again with what was typed.
func (q *request) fieldSaved(err error, id int64, e directory.FieldEdit) error {
	wrong := faults(err)
	if wrong == nil {
		if err != nil {
			return err
		}
		q.flash(query.Flash{Kind: "done", Text: e.Name + " is saved."})
		q.see("/fields")
		return nil
	}
	p, err := q.fieldPage(id, string(e.Subject))
	if err != nil {
		return err
	}
	p.Name, p.Help, p.More, p.Errors, p.In = e.Name, e.Help, q.Form.Get("more"), wrong, q.Form["mailbox"]
	if id == 0 {
		p.Key, p.Kind = e.Key, string(e.Kind)
	} else if e.Choices != nil {
		p.Choices = e.Choices
	}
	return q.html(422, view.Field(*p))
}

// changeField is POST /fields/{id}/move, delete and restore.
func changeField(q *request) error {
	id, err := q.number("id")
	if err != nil {
		return err
	}
	if err := q.fields(); err != nil {
		return err
	}
	d := q.site.o.Directory
	switch q.PathValue("verb") {
	case "move":
		if q.Form.Has("before") { // dragged
			return q.told(d.MoveField(q.Context(), q.agent, id, q.id("before")), "", "/fields")
		}
		return q.told(d.ShiftField(q.Context(), q.agent, id, q.field("direction") == "up"), "", "/fields")
	case "delete":
		return q.told(d.DeleteField(q.Context(), q.agent, id), "The field is deleted. It can be restored below, with its values.", "/fields")
	case "restore":
		return q.told(d.RestoreField(q.Context(), q.agent, id), "The field is back, with its values.", fmt.Sprintf("/fields/%d", id))
	}
	return postroom.Errorf(postroom.NotFound, "There is no such page.")
}
