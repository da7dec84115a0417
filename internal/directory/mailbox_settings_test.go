package directory_test

import (
	"reflect"
	"strings"
	"testing"

	"postroom"
	"postroom/internal/directory"
	"postroom/internal/store"
)

func TestWhatAMailboxProposesAndAdds(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, d *directory.Directory, s *store.Store) {
		f := directory.NewMailbox("Support", "support@desk.example")
		f.SenderForm, f.ReplyStatus, f.ReplyAssignee = postroom.SenderBoth, postroom.Pending, postroom.AssignMeIfFree
		f.AutoBcc = []string{" Archive@desk.example ", "archive@desk.example", ""}
		f.Headers = []postroom.HeaderField{{Name: "X-Team", Value: " Harbour "}, {}}
		f.Signature = "<p>{{ agent.name }}, {{ mailbox.name }}</p>"
		m, err := d.AddMailbox(t.Context(), operator, f)
		if err != nil {
			t.Fatal(err)
		}
		got, err := s.Read().Mailbox(t.Context(), m.ID)
		if err != nil {
			t.Fatal(err)
		}
		if got.SenderForm != postroom.SenderBoth || got.ReplyStatus != postroom.Pending || got.ReplyAssignee != postroom.AssignMeIfFree {
			t.Errorf("stored %+v", got)
		}
		if !reflect.DeepEqual(got.AutoBcc, []string{"archive@desk.example"}) || !reflect.DeepEqual(got.Headers, []postroom.HeaderField{{Name: "X-Team", Value: "Harbour"}}) {
			t.Errorf("stored %v and %v", got.AutoBcc, got.Headers)
		}
		again, err := d.UpdateMailbox(t.Context(), operator, m.ID, directory.Fields(got, nil))
		if err != nil || !reflect.DeepEqual(again.Headers, got.Headers) || again.SenderForm != got.SenderForm || !reflect.DeepEqual(again.AutoBcc, got.AutoBcc) {
			t.Errorf("saving it unchanged made %+v (%v)", again, err)
		}
	})
}

func TestWhatAMailboxMayNotProposeOrAdd(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, d *directory.Directory, _ *store.Store) {
		header := func(name, value string) func(*directory.MailboxFields) {
			return func(f *directory.MailboxFields) { f.Headers = []postroom.HeaderField{{Name: name, Value: value}} }
		}
		for what, c := range map[string]struct {
			field string
			set   func(*directory.MailboxFields)
		}{
			"a form nobody knows": {"sender_form", func(f *directory.MailboxFields) { f.SenderForm = "king" }},
			"spam after a reply":  {"reply_status", func(f *directory.MailboxFields) { f.ReplyStatus = postroom.Spam }},
			"no status":           {"reply_status", func(f *directory.MailboxFields) { f.ReplyStatus = "open" }},
			"no assignee":         {"reply_assignee", func(f *directory.MailboxFields) { f.ReplyAssignee = "7" }},
			"no address":          {"auto_bcc", func(f *directory.MailboxFields) { f.AutoBcc = []string{"nobody"} }},
			"a copy to itself":    {"auto_bcc", func(f *directory.MailboxFields) { f.AutoBcc = []string{"SUPPORT@desk.example"} }},
			"a copy to its alias": {"auto_bcc", func(f *directory.MailboxFields) {
				f.Aliases, f.AutoBcc = []string{"help@desk.example"}, []string{"help@desk.example"}
			}},
			"copies to everybody": {"auto_bcc", func(f *directory.MailboxFields) {
				f.AutoBcc = strings.Fields("a@x.example b@x.example c@x.example d@x.example e@x.example f@x.example g@x.example h@x.example i@x.example j@x.example k@x.example")
			}},
			"a forged header":        {"headers", header("X-Team", "Harbour\r\nBcc: thief@example.org")},
			"a name with a line":     {"headers", header("X-Team\nBcc", "x")},
			"our own header":         {"headers", header("Message-ID", "<x@y>")},
			"somebody else's":        {"headers", header("From", "x@example.org")},
			"bulk mail":              {"headers", header("Precedence", "bulk")},
			"a list":                 {"headers", header("List-Unsubscribe", "<https://x.example>")},
			"a header without value": {"headers", header("X-Team", "")},
			"a header too long":      {"headers", header("X-Team", strings.Repeat("x", 901))},
			"a header twice": {"headers", func(f *directory.MailboxFields) {
				f.Headers = []postroom.HeaderField{{Name: "X-A", Value: "1"}, {Name: "x-a", Value: "2"}}
			}},
			"an unknown variable":    {"signature", func(f *directory.MailboxFields) { f.Signature = "<p>{{ agent.nme }}</p>" }},
			"a customer's own words": {"signature", func(f *directory.MailboxFields) { f.Signature = "<p>{{ customer.name }}</p>" }},
			"a signature not closed": {"signature", func(f *directory.MailboxFields) { f.Signature = "<p>{{ agent.name </p>" }},
		} {
			f := directory.NewMailbox("Support", "support@desk.example")
			c.set(&f)
			if _, err := d.AddMailbox(t.Context(), operator, f); err == nil {
				t.Errorf("%s was taken", what)
			} else {
				want(t, err, postroom.Invalid, c.field)
			}
		}
	})
}
