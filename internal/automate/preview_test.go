package automate_test

import (
	"strings"
	"testing"

	"postroom"
	"postroom/internal/desk"
	"postroom/internal/store"
	"postroom/internal/workflow"
)

func TestPreviewForAnInventedCustomer(t *testing.T) {
	t.Parallel()
	each(t, func(r *rig) {
		ctx, x := t.Context(), r.find(workflow.KeyClosingNotice)
		r.revisions(0, func() {
			p, err := r.Preview(ctx, admin, x.ID, greeting+"\r\nSigned, {{ workflow.name }}")
			r.must(err)
			if p.Text != "Hello Maria!\nSigned, "+x.Name || p.HTML != "" || p.Error != "" || p.Number != 0 {
				t.Errorf("the sample is %+v", p)
			}
			if p.Subject != "Re: My order has not arrived" || p.To != "Maria Lind <maria@example.com>" {
				t.Errorf("its head is %q to %q", p.Subject, p.To)
			}
			for wording, words := range map[string]string{
				"Hello\n{{ customer.nam }}":       "Line 2",
				"Hello {{ customer.first_name }}": "default",
				"":                                "needs a text",
			} {
				p, err := r.Preview(ctx, admin, x.ID, wording)
				r.must(err)
				if !strings.Contains(p.Error, words) || p.Text != "" {
					t.Errorf("%q: %+v, want an error that says %q", wording, p, words)
				}
			}
			p, err = r.Preview(ctx, admin, x.ID, `{% if conversation.status == "spam" %}Hello{% endif %}`)
			r.must(err)
			if !strings.Contains(p.Error, "empty") {
				t.Errorf("a text that comes out empty: %+v", p)
			}
		})
	})
}

// conversation stores a conversation with one message of the customer.
func (r *rig) conversation(verified bool) *postroom.Conversation {
	r.t.Helper()
	ctx := r.t.Context()
	ids, err := r.store.NewIDs(ctx, 8)
	r.must(err)
	c := &postroom.Conversation{ID: ids[0], MailboxID: ids[1], CustomerID: ids[2], Subject: "Broken lamp", Status: postroom.Active}
	from := postroom.Address{Name: "Zoë Quill", Address: "zoe@customer.example"}
	r.must(r.store.Write(ctx, func(t *store.Tx) error {
		if err := t.InsertMailbox(ctx, &postroom.Mailbox{ID: c.MailboxID, Name: "Help", Address: "help@desk.example", Separator: "+"}, 1); err != nil {
			return err
		}
		_, err := t.FindOrAddCustomer(ctx, c.CustomerID, from, 1)
		return err
	}))
	d := desk.New(desk.Options{Store: r.store})
	r.must(r.store.Write(ctx, func(t *store.Tx) error {
		_, err := d.In(ctx, t, postroom.Actor{Kind: postroom.ByCustomer, ID: c.CustomerID}, desk.Cause{Path: postroom.PathMail}, c, ids[3:], func(t *desk.Turn) error {
			t.Receive(&postroom.Message{From: from, Subject: c.Subject, Text: "It broke.", Verified: verified, Class: postroom.Human})
			return nil
		})
		return err
	}))
	return c
}

func TestPreviewOnARealConversation(t *testing.T) {
	t.Parallel()
	each(t, func(r *rig) {
		ctx, x := t.Context(), r.find(workflow.KeyClosingNotice)
		c := r.conversation(true)
		const wording = greeting + " {{ conversation.number }} {{ conversation.status }} {{ mailbox.name }}"
		p, err := r.PreviewOn(ctx, admin, x.ID, wording, c.Number)
		r.must(err)
		fields := strings.Fields(p.Text)
		if len(fields) != 5 || fields[1] != "Zoë!" || fields[3] != "closed" || fields[4] != "Help" || p.Number != c.Number {
			t.Errorf("the sample is %+v", p)
		}
		if p.Subject != "Re: Broken lamp" || p.To != "Zoë Quill <zoe@customer.example>" {
			t.Errorf("its head is %q to %q", p.Subject, p.To)
		}
		if now, err := r.store.Read().Conversation(ctx, c.ID); err != nil || now.Status != postroom.Active || now.Seq != c.Seq {
			t.Errorf("the preview changed the conversation: %+v, %v", now, err)
		}
	})
}

// A8: a mail to somebody who is not verified carries none of their words, and
// the preview does not promise otherwise (W10).
func TestPreviewWithholdsWhatAStrangerWrote(t *testing.T) {
	t.Parallel()
	each(t, func(r *rig) {
		ctx, x := t.Context(), r.find(workflow.KeyAcknowledge)
		c := r.conversation(false)
		p, err := r.PreviewOn(ctx, admin, x.ID, greeting+" {{ conversation.subject }}", c.Number)
		r.must(err)
		if !strings.HasPrefix(p.Text, "Hello there! ") || strings.Contains(p.Text+p.Subject, "lamp") || !strings.HasPrefix(p.Subject, "Re: your request ") {
			t.Errorf("the sample is %+v", p)
		}
	})
}

func TestPreviewOfHTMLIsSafe(t *testing.T) {
	t.Parallel()
	each(t, func(r *rig) {
		ctx, x := t.Context(), r.find(workflow.KeyClosingNotice)
		d := x.Definition
		d.Then = []workflow.Action{{Do: workflow.DoReply, HTML: "<p>Closed.</p>"}}
		_, err := r.Publish(ctx, admin, x.ID, 1, d)
		r.must(err)
		p, err := r.Preview(ctx, admin, x.ID, "<p>Hello {{ conversation.number }}</p><script>alert(1)</script>")
		r.must(err)
		if !strings.Contains(p.HTML, "Hello 1042") || strings.Contains(p.HTML, "script") || p.Text != "" {
			t.Errorf("the sample is %+v", p)
		}
	})
}
