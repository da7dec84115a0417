package desk

import (
	"context"
	"encoding/json"
	"slices"
	"strconv"

	"postroom"
	"postroom/internal/store"
)

// Field sets a field of the conversation, by its path, to a value as
// postroom.Field.Parse returns it; "" clears it. Setting what is so records
// nothing.
func (t *Turn) Field(path, value string) (*postroom.Event, error) {
	c := t.Conversation
	if kind, _, _ := postroom.SplitFieldPath(path); kind != postroom.FieldText {
		return c.SetField(t.by, t.id(), path, value), nil
	}
	was, err := t.fieldText(c.Fields[path])
	if err != nil || was == value {
		return nil, err
	}
	if value != "" {
		text := store.FieldText{ID: t.id(), ConversationID: c.ID, Text: value}
		t.texts = append(t.texts, text)
		value = strconv.FormatInt(text.ID, 10)
	}
	return c.SetField(t.by, t.id(), path, value), nil
}

// fieldText returns a text by its id, also one of this turn.
func (t *Turn) fieldText(id string) (string, error) {
	if id == "" {
		return "", nil
	}
	if i := slices.IndexFunc(t.texts, func(x store.FieldText) bool { return strconv.FormatInt(x.ID, 10) == id }); i >= 0 {
		return t.texts[i].Text, nil
	}
	return t.Tx.FieldText(t.ctx, id)
}

func (t *Turn) saveTexts() error {
	for _, x := range t.texts {
		if err := t.Tx.InsertFieldText(t.ctx, x); err != nil {
			return err
		}
	}
	return nil
}

// SetField sets a field of a conversation, by its path, to what an agent typed;
// "" clears it. Errors are Invalid with the field "value", NotFound for a field
// that is gone.
func (d *Desk) SetField(ctx context.Context, a *postroom.Agent, id int64, path, typed string, by postroom.Path) (Outcome, error) {
	c, _, err := d.load(ctx, a, id)
	if err != nil {
		return Outcome{}, err
	}
	f, err := d.FieldOf(ctx, postroom.OfConversation, path)
	if err != nil {
		return Outcome{}, err
	}
	if !f.For(c.MailboxID) && c.Fields[path] == "" {
		return Outcome{}, postroom.InvalidField("value", "The field %s is not for this mailbox.", f.Name)
	}
	value, err := f.Parse(typed, c.Fields[path])
	if err != nil {
		return Outcome{}, err
	}
	return d.change(ctx, a, id, by, func(t *Turn) error {
		_, err := t.Field(path, value)
		return err
	})
}

// FieldOf finds a field in use by its subject and path; NotFound if there is
// none.
func (d *Desk) FieldOf(ctx context.Context, of postroom.FieldSubject, path string) (*postroom.Field, error) {
	all, err := d.store.Read().Fields(ctx)
	if err != nil {
		return nil, err
	}
	for _, f := range all {
		if f.Subject == of && f.Path() == path && f.DeletedAt == 0 {
			return f, nil
		}
	}
	return nil, postroom.Errorf(postroom.NotFound, "There is no such field (any more).")
}

// BulkField is a field that a selection is given.
type BulkField struct {
	Path  string  `json:"path"`
	Name  string  `json:"name"`  // of the field, for the page of the job
	Value string  `json:"value"` // as it is kept; "" clears it
	Words string  `json:"words,omitempty"`
	In    []int64 `json:"in,omitempty"` // the mailboxes it is for; empty: all
}

// BulkField reads what an agent typed for a selection.
func (d *Desk) BulkField(ctx context.Context, path, typed string) (*BulkField, error) {
	f, err := d.FieldOf(ctx, postroom.OfConversation, path)
	if err != nil {
		return nil, err
	}
	value, err := f.Parse(typed, "")
	if err != nil {
		return nil, err
	}
	return &BulkField{Path: path, Name: f.Name, Value: value, Words: f.Words(value), In: f.Mailboxes}, nil
}

// For reports whether the field is one of a mailbox.
func (b *BulkField) For(mailbox int64) bool {
	return len(b.In) == 0 || slices.Contains(b.In, mailbox)
}

// forgetTyped takes the text that a selection was given out of the jobs that gave
// it to a conversation that is erased, and to those that were merged into it. A
// job that is still at work has more of them to give it to, and keeps it.
func forgetTyped(ctx context.Context, tx *store.Tx, conversation int64) error {
	all, err := tx.MergedHere(ctx, conversation)
	if err != nil {
		return err
	}
	for _, c := range append(all, conversation) {
		jobs, err := tx.BulkJobsOf(ctx, c)
		if err != nil {
			return err
		}
		for _, id := range jobs {
			if err := forgetIn(ctx, tx, id); err != nil {
				return err
			}
		}
	}
	return nil
}

func forgetIn(ctx context.Context, tx *store.Tx, job int64) error {
	j, err := tx.Job(ctx, job)
	if err != nil || j.State == store.JobRunning && !j.Undoing() {
		return err
	}
	var p bulkParams
	if err := json.Unmarshal([]byte(j.Params), &p); err != nil || p.Field == nil || p.Field.Value == "" {
		return err
	}
	if kind, _, _ := postroom.SplitFieldPath(p.Field.Path); kind != postroom.FieldText {
		return nil
	}
	p.Field.Value, p.Field.Words = "", "a text that was erased"
	params, err := json.Marshal(p)
	if err != nil {
		return err
	}
	return tx.SetJobParams(ctx, job, string(params))
}
