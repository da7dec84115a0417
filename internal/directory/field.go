package directory

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"postroom"
	"postroom/internal/store"
)

// KeyFields is published when a field changes.
const KeyFields = "fields"

// FieldsLock is held by whoever changes fields, so that no key is given twice and
// their order has no gap.
const FieldsLock = "fields"

// FieldEdit is what an admin says of a field. Subject, Kind and Key count for a
// new one only.
type FieldEdit struct {
	Subject   postroom.FieldSubject
	Kind      postroom.FieldKind
	Key       string // "" makes one of the name
	Name      string
	Help      string
	Choices   []postroom.FieldOption // those there are, by their keys, in their order
	More      []string               // names of further ones
	Mailboxes []int64                // empty: all
}

// AddField makes a field, the last of its subject. Errors are those of
// postroom.Field.Check; a name or a key that another field has, also a deleted
// one, is a Conflict, as is one field too many.
func (d *Directory) AddField(ctx context.Context, by *postroom.Agent, e FieldEdit) (id int64, err error) {
	if id, err = d.store.NewID(ctx); err != nil {
		return 0, err
	}
	return id, d.changeFields(ctx, by, func(t *store.Tx, all []*postroom.Field) (string, error) {
		f := &postroom.Field{ID: id, Subject: e.Subject, Kind: e.Kind, Key: strings.TrimSpace(e.Key), Name: e.Name, Help: e.Help, Choices: withMore(nil, e.More), Mailboxes: e.Mailboxes}
		same := func(key string) bool {
			return slices.ContainsFunc(all, func(x *postroom.Field) bool { return x.Subject == f.Subject && x.Key == key })
		}
		if f.Key == "" {
			f.Key = postroom.FieldKeyOf(f.Name, same)
		}
		if err := d.checkField(ctx, t, f, all); err != nil {
			return "", err
		}
		if same(f.Key) {
			return "", &postroom.Error{Code: postroom.Conflict, Field: "key", Text: "There is a field with this key already, or was: a deleted one keeps its key, and can be restored."}
		}
		n := 0
		for _, x := range all {
			if x.Subject == f.Subject {
				n, f.Place = n+1, max(f.Place, x.Place)
			}
		}
		if n >= postroom.MaxFields {
			return "", postroom.Errorf(postroom.Conflict, "A desk has at most %d fields of %ss, deleted ones included.", postroom.MaxFields, f.Subject)
		}
		f.Place++
		return fmt.Sprintf("The field %s was added.", f.Name), t.InsertField(ctx, f)
	})
}

// UpdateField changes a field's name, help text, mailboxes and choices. A choice
// that is left out stays, retired: it may be set somewhere. Errors are those of
// AddField.
func (d *Directory) UpdateField(ctx context.Context, by *postroom.Agent, id int64, e FieldEdit) error {
	return d.changeField(ctx, by, id, func(t *store.Tx, f *postroom.Field, all []*postroom.Field) (string, error) {
		f.Name, f.Help, f.Mailboxes = e.Name, e.Help, e.Mailboxes
		f.Choices = withMore(merged(f.Choices, e.Choices), e.More)
		if err := d.checkField(ctx, t, f, all); err != nil {
			return "", err
		}
		return fmt.Sprintf("The field %s was changed.", f.Name), t.UpdateField(ctx, f)
	})
}

// MoveField puts a field before another one of its subject, 0 for the end.
func (d *Directory) MoveField(ctx context.Context, by *postroom.Agent, id, before int64) error {
	return d.changeField(ctx, by, id, func(t *store.Tx, f *postroom.Field, all []*postroom.Field) (string, error) {
		list := slices.DeleteFunc(slices.Clone(all), func(x *postroom.Field) bool { return x.Subject != f.Subject || x.ID == id })
		at := slices.IndexFunc(list, func(x *postroom.Field) bool { return x.ID == before })
		if at < 0 {
			at = len(list)
		}
		return fmt.Sprintf("The field %s was moved.", f.Name), placeFields(ctx, t, slices.Insert(list, at, f))
	})
}

// ShiftField moves a field one place up or down among those in use; the first
// and the last stay.
func (d *Directory) ShiftField(ctx context.Context, by *postroom.Agent, id int64, up bool) error {
	return d.changeField(ctx, by, id, func(t *store.Tx, f *postroom.Field, all []*postroom.Field) (string, error) {
		list := slices.DeleteFunc(slices.Clone(all), func(x *postroom.Field) bool { return x.Subject != f.Subject || x.DeletedAt > 0 })
		from := slices.IndexFunc(list, func(x *postroom.Field) bool { return x.ID == id })
		to := from + 1
		if up {
			to = from - 1
		}
		if from < 0 || to < 0 || to >= len(list) {
			return "", nil
		}
		list[from], list[to] = list[to], list[from]
		for _, x := range all {
			if x.Subject == f.Subject && x.DeletedAt > 0 {
				list = append(list, x)
			}
		}
		return fmt.Sprintf("The field %s was moved.", f.Name), placeFields(ctx, t, list)
	})
}

// placeFields numbers fields from 1 on.
func placeFields(ctx context.Context, t *store.Tx, list []*postroom.Field) error {
	for i, x := range list {
		if x.Place == int64(i+1) {
			continue
		}
		x.Place = int64(i + 1)
		if err := t.UpdateField(ctx, x); err != nil {
			return err
		}
	}
	return nil
}

// DeleteField takes a field out of use. Its values are kept, are shown nowhere
// and count for nothing, until it is restored. Deleting a deleted one changes
// nothing.
func (d *Directory) DeleteField(ctx context.Context, by *postroom.Agent, id int64) error {
	return d.useField(ctx, by, id, max(d.store.Now(), 1), "The field %s was deleted.")
}

// RestoreField takes a deleted field into use again, with its values.
func (d *Directory) RestoreField(ctx context.Context, by *postroom.Agent, id int64) error {
	return d.useField(ctx, by, id, 0, "The field %s was restored.")
}

func (d *Directory) useField(ctx context.Context, by *postroom.Agent, id, deletedAt int64, words string) error {
	return d.changeFields(ctx, by, func(t *store.Tx, all []*postroom.Field) (string, error) {
		f, err := fieldAmong(all, id)
		if err != nil || (f.DeletedAt > 0) == (deletedAt > 0) {
			return "", err
		}
		if f.DeletedAt = deletedAt; deletedAt == 0 {
			if err := nameTaken(f, all); err != nil {
				return "", err
			}
		}
		return fmt.Sprintf(words, f.Name), t.UpdateField(ctx, f)
	})
}

func fieldAmong(all []*postroom.Field, id int64) (*postroom.Field, error) {
	for _, f := range all {
		if f.ID == id {
			return f, nil
		}
	}
	return nil, postroom.Errorf(postroom.NotFound, "There is no such field (any more).")
}

// changeField changes a field that is in use.
func (d *Directory) changeField(ctx context.Context, by *postroom.Agent, id int64, change func(*store.Tx, *postroom.Field, []*postroom.Field) (string, error)) error {
	return d.changeFields(ctx, by, func(t *store.Tx, all []*postroom.Field) (string, error) {
		f, err := fieldAmong(all, id)
		if err == nil && f.DeletedAt > 0 {
			err = postroom.Errorf(postroom.Conflict, "This field is deleted. Restore it first.")
		}
		if err != nil {
			return "", err
		}
		return change(t, f, all)
	})
}

// changeFields runs a change, one after another. The words stand in the log; ""
// is a change that changes nothing.
func (d *Directory) changeFields(ctx context.Context, by *postroom.Agent, change func(*store.Tx, []*postroom.Field) (string, error)) error {
	if err := manage(by); err != nil {
		return err
	}
	return d.write(ctx, KeyFields, func(t *store.Tx) error {
		if err := t.Lock(ctx, FieldsLock); err != nil {
			return err
		}
		all, err := t.Fields(ctx)
		if err != nil {
			return err
		}
		words, err := change(t, all)
		if err != nil || words == "" {
			return err
		}
		return t.Log(ctx, store.LogEntry{Area: store.AreaMailboxes, AgentID: by.ID, Words: words})
	})
}

// checkField checks a field among the others.
func (d *Directory) checkField(ctx context.Context, t *store.Tx, f *postroom.Field, all []*postroom.Field) error {
	slices.Sort(f.Mailboxes)
	f.Mailboxes = slices.Compact(f.Mailboxes)
	if err := f.Check(); err != nil {
		return err
	}
	boxes, err := t.Mailboxes(ctx)
	if err != nil {
		return err
	}
	for _, id := range f.Mailboxes {
		if !slices.ContainsFunc(boxes, func(m *postroom.Mailbox) bool { return m.ID == id }) {
			return postroom.InvalidField("mailboxes", "One of these mailboxes is not there any more.")
		}
	}
	return nameTaken(f, all)
}

func nameTaken(f *postroom.Field, all []*postroom.Field) error {
	for _, x := range all {
		if x.ID != f.ID && x.Subject == f.Subject && x.DeletedAt == 0 && strings.EqualFold(x.Name, f.Name) {
			return &postroom.Error{Code: postroom.Conflict, Field: "name", Text: "There is a field with this name already."}
		}
	}
	return nil
}

// merged is the choices there are, as they are now named and retired, in the
// order in which they were written; those that were left out are retired.
func merged(are, now []postroom.FieldOption) []postroom.FieldOption {
	var out []postroom.FieldOption
	at := func(list []postroom.FieldOption, key string) int {
		return slices.IndexFunc(list, func(o postroom.FieldOption) bool { return o.Key == key })
	}
	for _, o := range now {
		if at(are, o.Key) >= 0 && at(out, o.Key) < 0 {
			out = append(out, o)
		}
	}
	for _, o := range are {
		if at(out, o.Key) < 0 {
			o.Retired = true
			out = append(out, o)
		}
	}
	return out
}

// withMore adds choices by name; a name that is there already is not added
// again, and in use again.
func withMore(list []postroom.FieldOption, names []string) []postroom.FieldOption {
	for _, name := range names {
		if name = strings.TrimSpace(name); name == "" {
			continue
		}
		if i := slices.IndexFunc(list, func(o postroom.FieldOption) bool { return strings.EqualFold(o.Name, name) }); i >= 0 {
			list[i].Retired = false
			continue
		}
		key := postroom.FieldKeyOf(name, func(key string) bool {
			return slices.ContainsFunc(list, func(o postroom.FieldOption) bool { return o.Key == key })
		})
		list = append(list, postroom.FieldOption{Key: key, Name: name})
	}
	return list
}

// Fields lists all fields in their order, deleted ones too.
func (d *Directory) Fields(ctx context.Context) ([]*postroom.Field, error) {
	return d.store.Read().Fields(ctx)
}
