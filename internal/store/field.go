package store

import (
	"context"
	"errors"
	"slices"
	"strconv"
	"strings"

	"postroom"
)

const (
	fieldColumns = `id, subject, key, kind, name, help, choices, mailboxes, place, deleted_at`
	qFields      = `select ` + fieldColumns + ` from field order by place, id`
	qField       = `select ` + fieldColumns + ` from field where id = $1`
	qInsertField = `insert into field (` + fieldColumns + `) values ($1,$2,$3,$4,$5,$6,$7,$8,$9,$10)`
	qUpdateField = `update field set name = $2, help = $3, choices = $4, mailboxes = $5, place = $6, deleted_at = $7 where id = $1`
	qHoldField   = `select count(*) from conversation where fields like $1 escape '!'`
	qHoldFieldOf = `select count(*) from customer where fields like $1 escape '!'`
	qInsertText  = `insert into field_text (id, conversation_id, text) values ($1,$2,$3)`
	qDeleteText  = `delete from field_text where id = $1`
	qFieldText   = `select text from field_text where id = $1`
)

// noFields is how no values are written.
const noFields = "{}"

// fieldsJSON writes the values of fields.
func fieldsJSON(values map[string]string) string {
	if len(values) == 0 {
		return noFields
	}
	return toJSON(values)
}

// readFields reads what fieldsJSON wrote.
func readFields(text string, into *map[string]string) error {
	if text == noFields || text == "" {
		return nil
	}
	return fromJSON(text, into)
}

func scanField(r row) (*postroom.Field, error) {
	var f postroom.Field
	var choices, mailboxes string
	err := r.Scan(&f.ID, &f.Subject, &f.Key, &f.Kind, &f.Name, &f.Help, &choices, &mailboxes, &f.Place, &f.DeletedAt)
	if err == nil {
		err = fromJSON(choices, &f.Choices)
	}
	if err == nil {
		err = fromJSON(mailboxes, &f.Mailboxes)
	}
	return &f, err
}

// Fields lists all fields in their order, deleted ones too.
func (r Read) Fields(ctx context.Context) ([]*postroom.Field, error) {
	var out []*postroom.Field
	err := each(ctx, r.q, qFields, nil, func(rows row) error {
		f, err := scanField(rows)
		out = append(out, f)
		return err
	})
	return out, err
}

// Field loads a field; within a transaction it is locked.
func (r Read) Field(ctx context.Context, id int64) (*postroom.Field, error) {
	f, err := scanField(r.q.QueryRow(ctx, qField+r.forUpdate, id))
	if err != nil {
		return nil, missing(err, "There is no such field (any more).")
	}
	return f, nil
}

// fieldPart selects all fields in a trip.
func fieldPart() part {
	return part{kind: "field", n: []string{"id", "place", "deleted_at"}, s: []string{"subject", "key", "kind", "name", "help", "choices", "mailboxes"}, from: `from field`}
}

func scanFieldPart(t tripRow) (*postroom.Field, error) {
	f := &postroom.Field{ID: t.n[0], Place: t.n[1], DeletedAt: t.n[2], Subject: postroom.FieldSubject(t.s[0]), Key: t.s[1], Kind: postroom.FieldKind(t.s[2]), Name: t.s[3], Help: t.s[4]}
	return f, errors.Join(fromJSON(t.s[5], &f.Choices), fromJSON(t.s[6], &f.Mailboxes))
}

// nameField adds a field and its choices to names, as workflow.FieldRef asks for
// them.
func nameField(names map[string]map[int64]string, t tripRow) error {
	f, err := scanFieldPart(t)
	at := "field " + string(f.Subject) + ".field." + f.Path()
	names[at] = map[int64]string{0: f.Name}
	for _, o := range f.Choices {
		names[at+"="+o.Key] = map[int64]string{0: o.Name}
	}
	return err
}

// sortFields puts fields that a trip brought into their order.
func sortFields(all []*postroom.Field) {
	slices.SortFunc(all, func(a, b *postroom.Field) int { return compare(a.Place, b.Place, "", "", a.ID, b.ID) })
}

func listJSON[T any](list []T) string {
	if len(list) == 0 {
		return "[]"
	}
	return toJSON(list)
}

// InsertField stores a new field.
func (t *Tx) InsertField(ctx context.Context, f *postroom.Field) error {
	_, err := t.exec(ctx, qInsertField, f.ID, f.Subject, f.Key, f.Kind, f.Name, f.Help, listJSON(f.Choices), listJSON(f.Mailboxes), f.Place, f.DeletedAt)
	return err
}

// UpdateField writes what of a field can change: all but its subject, key and
// kind.
func (t *Tx) UpdateField(ctx context.Context, f *postroom.Field) error {
	return t.one(ctx, "save field", qUpdateField, f.ID, f.Name, f.Help, listJSON(f.Choices), listJSON(f.Mailboxes), f.Place, f.DeletedAt)
}

// holds is how a value of a field begins in what is stored, as a pattern.
func holds(path string) string {
	return "%" + strings.NewReplacer("_", "!_", "%", "!%", "!", "!!").Replace(strconv.Quote(path)+":") + "%"
}

// CountField counts the conversations or customers that have a value of a field.
// It looks through the whole table: for admins.
func (r Read) CountField(ctx context.Context, f *postroom.Field) (n int, err error) {
	q := qHoldField
	if f.Subject == postroom.OfCustomer {
		q = qHoldFieldOf
	}
	err = r.q.QueryRow(ctx, q, holds(f.Path())).Scan(&n)
	return n, err
}

// FieldText is a text that a field of a conversation had once.
type FieldText struct {
	ID             int64
	ConversationID int64
	Text           string
}

// InsertFieldText keeps a text.
func (t *Tx) InsertFieldText(ctx context.Context, x FieldText) error {
	return t.send(ctx, qInsertText, x.ID, x.ConversationID, x.Text)
}

// DeleteFieldText deletes a text by its id in decimal; one that is not there is
// no error.
func (t *Tx) DeleteFieldText(ctx context.Context, id string) error {
	n, err := strconv.ParseInt(id, 10, 64)
	if err != nil {
		return nil
	}
	_, err = t.exec(ctx, qDeleteText, n)
	return err
}

// FieldText returns a text by its id in decimal, "" for one that is not there.
func (r Read) FieldText(ctx context.Context, id string) (string, error) {
	n, err := strconv.ParseInt(id, 10, 64)
	if err != nil {
		return "", nil
	}
	var text string
	err = missing(r.q.QueryRow(ctx, qFieldText, n).Scan(&text), "")
	if postroom.CodeOf(err) == postroom.NotFound {
		return "", nil
	}
	return text, err
}

// FieldTexts returns the texts among the values of fields, by their ids in
// decimal.
func (r Read) FieldTexts(ctx context.Context, values map[string]string) (map[string]string, error) {
	var ids []int64
	for path, value := range values {
		if kind, _, ok := postroom.SplitFieldPath(path); ok && kind == postroom.FieldText {
			if n, err := strconv.ParseInt(value, 10, 64); err == nil {
				ids = append(ids, n)
			}
		}
	}
	return r.FieldTextsByID(ctx, ids)
}

// FieldTextsByID returns texts by their ids in decimal; those that are not there
// are missing.
func (r Read) FieldTextsByID(ctx context.Context, ids []int64) (map[string]string, error) {
	out := map[string]string{}
	if len(ids) == 0 {
		return out, nil
	}
	err := each(ctx, r.q, `select id, text from field_text where id in (`+list(1, len(ids))+`)`, anys(ids), func(rows row) error {
		var x FieldText
		err := rows.Scan(&x.ID, &x.Text)
		out[strconv.FormatInt(x.ID, 10)] = x.Text
		return err
	})
	return out, err
}

const qNamingField = `select w.id, w.name from workflow w join workflow_version v on v.workflow_id = w.id and v.number = w.version
	where w.deleted_at = 0 and (v.definition like $1 escape '!' or v.definition like $2 escape '!' or v.definition like $3 escape '!') order by w.position, w.id`

// WorkflowsNaming lists the workflows whose published version names a field in
// its When, a condition or an action, or in a text.
func (r Read) WorkflowsNaming(ctx context.Context, f *postroom.Field) ([]Name, error) {
	like := func(text string) string {
		return "%" + strings.NewReplacer("_", "!_", "%", "!%", "!", "!!").Replace(text) + "%"
	}
	own := "a field of conversations stands by itself in a When and in an action, one of customers does not"
	if f.Subject == postroom.OfConversation {
		own = `"field":` + strconv.Quote(f.Path())
	}
	var out []Name
	err := each(ctx, r.q, qNamingField, []any{like(strconv.Quote(string(f.Subject) + ".field." + f.Path())), like(own), like(string(f.Subject) + ".fields." + f.Key)}, func(rows row) error {
		var x Name
		err := rows.Scan(&x.ID, &x.Name)
		out = append(out, x)
		return err
	})
	return out, err
}

// CustomerField is a field of a customer with what it becomes.
type CustomerField struct{ Path, Name, Value string }

const (
	qCustomerFields    = `select company, fields from customer where id = $1`
	qSetCustomerFields = `update customer set company = $2, fields = $3 where id = $1`
)

// SetCustomerFields writes a customer's company and some of their fields, and
// says what of these was otherwise.
func (t *Tx) SetCustomerFields(ctx context.Context, customer int64, company string, set []CustomerField) (changed []string, err error) {
	var was, text string
	if err := t.q.QueryRow(ctx, qCustomerFields+t.forUpdate, customer).Scan(&was, &text); err != nil {
		return nil, missing(err, "There is no such customer.")
	}
	values := map[string]string{}
	if err := readFields(text, &values); err != nil {
		return nil, err
	}
	if was != company {
		changed = append(changed, "the company")
	}
	for _, f := range set {
		if values[f.Path] == f.Value {
			continue
		}
		changed = append(changed, f.Name)
		if values[f.Path] = f.Value; f.Value == "" {
			delete(values, f.Path)
		}
	}
	if len(changed) == 0 {
		return nil, nil
	}
	slices.Sort(changed)
	return changed, t.send(ctx, qSetCustomerFields, customer, company, fieldsJSON(values))
}
