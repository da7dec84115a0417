package react

import (
	"slices"

	"postroom"
	"postroom/internal/workflow"
)

// setField sets a field of the conversation, unless somebody has changed it
// since. A field that is deleted, or is for other mailboxes, and a choice that is
// gone or retired are left, with the reason.
func (s *step) setField(w workflow.Wish, e *postroom.Effect) error {
	later, err := s.later()
	if err != nil {
		return err
	}
	for _, x := range later {
		if x.Kind == postroom.FieldChanged && x.Payload.Field == w.Field {
			overtaken(e, "The field was changed since, by "+who(x.Actor)+".")
			return nil
		}
	}
	all, err := s.tx.Fields(s.ctx)
	if err != nil {
		return err
	}
	i := slices.IndexFunc(all, func(f *postroom.Field) bool {
		return f.Subject == postroom.OfConversation && f.Path() == w.Field && f.DeletedAt == 0
	})
	skip := func(why string) error {
		e.Result, e.Reason = postroom.EffectSkipped, why
		return nil
	}
	if i < 0 {
		return skip("There is no such field any more.")
	}
	f := all[i]
	if !f.For(s.c.MailboxID) && s.c.Fields[w.Field] == "" {
		return skip("The field " + f.Name + " is not for this mailbox.")
	}
	value, err := f.Parse(w.Value, s.c.Fields[w.Field])
	if err != nil {
		return skip(postroom.TextOf(err))
	}
	ev, err := s.turn.Field(w.Field, value)
	s.recorded(ev, e)
	return err
}

// fieldLeft says why a mail about a change of a field is overtaken: the field was
// changed since.
func (s *step) fieldLeft(e *postroom.Event) (string, error) {
	later, err := s.later()
	for _, x := range later {
		if x.Kind == postroom.FieldChanged && x.Payload.Field == e.Payload.Field {
			return "The field was changed since, by " + who(x.Actor) + ".", err
		}
	}
	return "", err
}
