package desktest

import (
	"postroom"
	"postroom/internal/directory"
	"postroom/internal/store"
)

// AddField makes a field, of conversations unless it says otherwise; its name is
// its key unless it has one.
func (d *Desk) AddField(f postroom.Field) *postroom.Field {
	d.T.Helper()
	if f.Subject == "" {
		f.Subject = postroom.OfConversation
	}
	if f.Name == "" {
		f.Name = f.Key
	}
	id, err := d.Store.NewID(d.Ctx)
	if err != nil {
		d.T.Fatal(err)
	}
	f.ID, f.Place = id, id
	if err := f.Check(); err != nil {
		d.T.Fatal(err)
	}
	if err := d.Store.Write(d.Ctx, func(tx *store.Tx) error { return tx.InsertField(d.Ctx, &f) }); err != nil {
		d.T.Fatal(err)
	}
	return &f
}

// SetField sets a field of a conversation as the agent, by hand.
func (a *Agent) SetField(c *postroom.Conversation, f *postroom.Field, value string) (changed bool) {
	a.d.T.Helper()
	out, err := a.d.Desk.SetField(a.d.Ctx, a.Agent, c.ID, f.Path(), value, postroom.PathMenu)
	if err != nil {
		a.d.T.Fatalf("set %s to %q: %v", f.Name, value, err)
	}
	return out.Changed
}

// FieldEdit is what an admin says of a field.
type FieldEdit = directory.FieldEdit
