package query

import (
	"context"
	"fmt"
	"slices"

	"postroom"
)

// FieldValue is a field with its value, as a conversation's side shows it.
type FieldValue struct {
	Path    string // postroom.Field.Path
	Kind    string // of postroom.FieldKind
	Name    string
	Help    string
	Value   string   // as it is kept, texts themselves; "" for none
	Words   string   // as people read it
	Choices []Choice // of a choice: what can be set; a retired one where it is
	Typed   string   // what was typed and refused
	Error   string   // why
}

// fieldValue dresses a field; the value of a text is the text.
func fieldValue(f *postroom.Field, value string) FieldValue {
	v := FieldValue{Path: f.Path(), Kind: string(f.Kind), Name: f.Name, Help: f.Help, Value: value, Words: f.Words(value)}
	for _, o := range f.Choices {
		if !o.Retired || o.Key == value {
			v.Choices = append(v.Choices, Choice{Value: o.Key, Text: o.Name})
		}
	}
	return v
}

// fieldValues are the conversation's fields that its mailbox has, and those it
// has a value of.
func (v *conversationView) fieldValues() []FieldValue {
	var out []FieldValue
	for _, f := range v.rows.Fields {
		value := v.head.Fields[f.Path()]
		if f.Subject == postroom.OfConversation && f.DeletedAt == 0 && (value != "" || f.For(v.head.MailboxID)) {
			out = append(out, fieldValue(f, v.fieldWords(f, value, true)))
		}
	}
	return out
}

// customerFields are the fields of the conversation's customer.
func (v *conversationView) customerFields() []FieldValue {
	var out []FieldValue
	for _, f := range v.rows.Fields {
		if f.Subject == postroom.OfCustomer && f.DeletedAt == 0 {
			out = append(out, fieldValue(f, v.head.CustomerFields[f.Path()]))
		}
	}
	return out
}

// fieldWords is what stands for a stored value; raw leaves it as it is kept, but
// for a text.
func (v *conversationView) fieldWords(f *postroom.Field, value string, raw bool) string {
	switch {
	case f.Kind == postroom.FieldText:
		return v.rows.FieldTexts[value]
	case raw:
		return value
	}
	return f.Words(value)
}

// fieldSides says which field an event changed, from what to what.
func (v *conversationView) fieldSides(p postroom.Payload) (name, from, to string) {
	for _, f := range v.rows.Fields {
		if f.Subject == postroom.OfConversation && f.Path() == p.Field {
			return f.Name, v.fieldWords(f, p.From, false), v.fieldWords(f, p.To, false)
		}
	}
	return "a field that is gone", "", ""
}

// Refuse puts what was typed into a field, and why it was refused, back on the
// page.
func (p *ConversationPage) Refuse(path, typed, why string) {
	for i := range p.Side.Fields {
		if f := &p.Side.Fields[i]; f.Path == path {
			f.Typed, f.Error = typed, why
		}
	}
}

// FieldsPage is GET /fields.
type FieldsPage struct {
	Shell    Shell
	Subjects []FieldsOf
	Deleted  []FieldLine
}

// FieldsOf lists the fields of conversations or of customers.
type FieldsOf struct {
	Subject string // of postroom.FieldSubject
	Rows    []FieldLine
}

// FieldLine is one field in the list.
type FieldLine struct {
	ID          int64
	Name        string
	Help        string
	Key         string
	Kind        string
	Subject     string
	Choices     []string // names of those in use
	Mailboxes   []string // names; empty for all
	First, Last bool     // in its list
	DeletedAt   int64
}

// FieldPage is GET /fields/new and GET /fields/{id}, and their POST refused.
type FieldPage struct {
	Shell     Shell
	ID        int64 // 0: a new one
	Subject   string
	Kind      string
	Key       string
	Name      string
	Help      string
	Choices   []postroom.FieldOption
	More      string   // further choices, one a line, as typed
	Mailboxes []Choice // all
	In        []string // ids of those it is shown in; empty: all
	Values    int      // conversations, or customers, that have a value
	Used      []Choice // workflows that name it
	Errors    FieldErrors
}

// Fields reads the list of fields, for admins.
func (d *Desk) Fields(ctx context.Context, a *postroom.Agent, place Place) (*FieldsPage, error) {
	if err := mayManage(a); err != nil {
		return nil, err
	}
	shell, err := d.Shell(ctx, a, place)
	if err != nil {
		return nil, err
	}
	all, err := d.read().Fields(ctx)
	if err != nil {
		return nil, fmt.Errorf("read fields: %w", err)
	}
	p := &FieldsPage{Shell: shell}
	for _, of := range []postroom.FieldSubject{postroom.OfConversation, postroom.OfCustomer} {
		list := FieldsOf{Subject: string(of)}
		for _, f := range all {
			if f.Subject == of && f.DeletedAt == 0 {
				list.Rows = append(list.Rows, fieldLine(f, shell))
			}
		}
		if n := len(list.Rows); n > 0 {
			list.Rows[0].First, list.Rows[n-1].Last = true, true
		}
		p.Subjects = append(p.Subjects, list)
	}
	for _, f := range all {
		if f.DeletedAt > 0 {
			p.Deleted = append(p.Deleted, fieldLine(f, shell))
		}
	}
	slices.SortFunc(p.Deleted, func(a, b FieldLine) int { return int(min(max(b.DeletedAt-a.DeletedAt, -1), 1)) })
	return p, nil
}

func fieldLine(f *postroom.Field, s Shell) FieldLine {
	l := FieldLine{ID: f.ID, Name: f.Name, Help: f.Help, Key: f.Key, Kind: string(f.Kind), Subject: string(f.Subject), DeletedAt: f.DeletedAt}
	for _, o := range f.Choices {
		if !o.Retired {
			l.Choices = append(l.Choices, o.Name)
		}
	}
	for _, m := range s.Mailboxes {
		if slices.Contains(f.Mailboxes, m.ID) {
			l.Mailboxes = append(l.Mailboxes, m.Name)
		}
	}
	return l
}

// Field reads a field, 0 for a new one of a subject.
func (d *Desk) Field(ctx context.Context, a *postroom.Agent, id int64, subject string, place Place) (*FieldPage, error) {
	if err := mayManage(a); err != nil {
		return nil, err
	}
	shell, err := d.Shell(ctx, a, place)
	if err != nil {
		return nil, err
	}
	p := &FieldPage{Shell: shell, ID: id, Subject: subject, Kind: string(postroom.FieldText)}
	if subject != string(postroom.OfCustomer) {
		p.Subject = string(postroom.OfConversation)
	}
	for _, m := range shell.Mailboxes {
		p.Mailboxes = append(p.Mailboxes, Choice{Value: decimal(m.ID), Text: m.Name})
	}
	if id == 0 {
		return p, nil
	}
	f, err := d.read().Field(ctx, id)
	if err != nil {
		return nil, err
	}
	if f.DeletedAt > 0 {
		return nil, postroom.Errorf(postroom.NotFound, "This field is deleted. It can be restored on the page of fields.")
	}
	p.Subject, p.Kind, p.Key, p.Name, p.Help, p.Choices = string(f.Subject), string(f.Kind), f.Key, f.Name, f.Help, f.Choices
	for _, m := range f.Mailboxes {
		p.In = append(p.In, decimal(m))
	}
	if p.Values, err = d.read().CountField(ctx, f); err != nil {
		return nil, err
	}
	p.Used, err = d.naming(ctx, f)
	return p, err
}

// naming lists the workflows whose published version or draft names a field.
func (d *Desk) naming(ctx context.Context, f *postroom.Field) ([]Choice, error) {
	rows, err := d.read().WorkflowsNaming(ctx, f)
	var out []Choice
	for _, x := range rows {
		out = append(out, Choice{Value: decimal(x.ID), Text: x.Name})
	}
	return out, err
}
