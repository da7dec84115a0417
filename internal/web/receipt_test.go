package web_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"golang.org/x/net/html"

	"postroom"
	"postroom/internal/desktest"
	"postroom/internal/postoffice"
	"postroom/internal/workflow"
)

// receipt reads the close receipt of a page: the words of its parts in order,
// whether it is red, and where each part leads.
func (a answer) receipt(t testing.TB) (parts []string, bad bool, hrefs []string) {
	t.Helper()
	for n := range a.page.Descendants() {
		if n.Type != html.ElementNode || n.Data != "section" || !strings.HasPrefix(attribute(n, "id"), "receipt-") {
			continue
		}
		bad = strings.Contains(attribute(n, "class"), "is-bad")
		for li := range n.Descendants() {
			if li.Data != "li" {
				continue
			}
			for x := range li.Descendants() {
				if x.Data == "a" {
					parts, hrefs = append(parts, x.FirstChild.Data), append(hrefs, attribute(x, "href"))
				}
			}
		}
	}
	return parts, bad, hrefs
}

// The close receipt (W32): one line on the conversation from who closed it and
// how to what became of the reply and of the notice, red in words where anything
// is off, each part a link.
func TestCloseReceipt(t *testing.T) {
	t.Parallel()
	refused := postoffice.Fault{Phase: postoffice.Rcpt, Action: postoffice.Lie, Reply: "550 5.1.1 No such user", Times: 1}
	for _, c := range []struct {
		name  string
		setUp func(d *desktest.Desk)
		do    func(d *desktest.Desk, c *postroom.Conversation)
		want  []string // the beginnings of its parts
		bad   bool
	}{
		{"both are accepted", func(d *desktest.Desk) { d.ClosingNotice() }, func(d *desktest.Desk, c *postroom.Conversation) {
			d.Agent("ann").SendAndClose(c, "The answer.")
		}, []string{"Closed by Ann, Send & Close", "reply accepted by ", "notice accepted by "}, false},
		{"closed by the menu", func(d *desktest.Desk) { d.ClosingNotice() }, func(d *desktest.Desk, c *postroom.Conversation) {
			d.Agent("ann").SetStatus(c, postroom.Closed, postroom.PathMenu)
		}, []string{"Closed by Ann, by the menu", "notice accepted by "}, false},
		{"the window is open", func(d *desktest.Desk) { d.ClosingNotice(); d.UndoWindow(time.Hour) }, func(d *desktest.Desk, c *postroom.Conversation) {
			d.Agent("ann").SendAndClose(c, "The answer.")
		}, []string{"Closed by Ann, Send & Close", "reply is held until the undo window ends", "workflows look at it when the undo window ends"}, false},
		{"the reply is put off", func(d *desktest.Desk) { d.ClosingNotice() }, func(d *desktest.Desk, c *postroom.Conversation) {
			d.Office.Program(postoffice.Fault{Phase: postoffice.Rcpt, Action: postoffice.Lie, Reply: "450 4.2.2 Mailbox full", Times: 1})
			d.Agent("ann").SendAndClose(c, "The answer.")
		}, []string{"Closed by Ann, Send & Close", "reply delayed: ", "notice waits for the reply"}, true},
		{"the notice is refused", func(d *desktest.Desk) { d.ClosingNotice() }, func(d *desktest.Desk, c *postroom.Conversation) {
			d.Agent("ann").SetStatus(c, postroom.Closed, postroom.PathMenu)
			d.Office.Program(refused)
		}, []string{"Closed by Ann, by the menu", "notice failed: "}, true},
		{"a limit was used", func(d *desktest.Desk) {
			d.AddWorkflow("Once for ever", workflow.Definition{
				When: workflow.When{Event: postroom.StatusChanged, To: []string{"closed"}}, Limits: workflow.Limits{OncePer: workflow.OncePerConversation},
				Then: []workflow.Action{{Do: workflow.DoReply, Text: "It is closed."}},
			})
		}, func(d *desktest.Desk, c *postroom.Conversation) {
			for _, s := range []postroom.Status{postroom.Closed, postroom.Active, postroom.Closed} {
				d.Agent("ann").SetStatus(c, s, postroom.PathMenu)
				d.Settle()
			}
		}, []string{"Closed by Ann, by the menu", "no notice: “Once for ever” has used its limit"}, false},
		{"its conditions are not met", func(d *desktest.Desk) {
			d.AddWorkflow("Only lamps", workflow.Definition{
				When: workflow.When{Event: postroom.StatusChanged, To: []string{"closed"}}, If: workflow.Cond{Fact: "conversation.subject", Op: "contains", Values: []string{"chair"}},
				Then: []workflow.Action{{Do: workflow.DoReply, Text: "It is closed."}},
			})
		}, func(d *desktest.Desk, c *postroom.Conversation) {
			d.Agent("ann").SetStatus(c, postroom.Closed, postroom.PathMenu)
		}, []string{"Closed by Ann, by the menu", "no notice: “Only lamps” did not match: its conditions are not met"}, false},
		{"it waits for its time", func(d *desktest.Desk) {
			d.AddWorkflow("A day later", workflow.Definition{
				When: workflow.When{Event: postroom.StatusChanged, To: []string{"closed"}, After: "1d"},
				Then: []workflow.Action{{Do: workflow.DoReply, Text: "It is closed."}},
			})
		}, func(d *desktest.Desk, c *postroom.Conversation) {
			d.Agent("ann").SetStatus(c, postroom.Closed, postroom.PathMenu)
		}, []string{"Closed by Ann, by the menu", "no notice: “A day later” waits for its time"}, false},
		{"nobody listens", func(*desktest.Desk) {}, func(d *desktest.Desk, c *postroom.Conversation) {
			d.Agent("ann").SetStatus(c, postroom.Closed, postroom.PathMenu)
		}, []string{"Closed by Ann, by the menu", "no notice: no workflow that mails the customer listens for it"}, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			desktest.Each(t, func(t *testing.T, d *desktest.Desk) {
				c.setUp(d)
				on := d.CustomerWrites("Mara <mara@customer.example>", "Lamp", "Broken.")
				c.do(d, on)
				d.Settle()
				ann := open(t, d).browser("ann")
				parts, bad, hrefs := ann.get(conversationPath(on, "")).receipt(t)
				if len(parts) != len(c.want) || bad != c.bad {
					t.Fatalf("the receipt is %q, red: %t", parts, bad)
				}
				for i, begins := range c.want {
					if !strings.HasPrefix(parts[i], begins) {
						t.Errorf("part %d is %q, not %q", i+1, parts[i], begins)
					}
					ann.get(hrefs[i]).want(t, 200, parts[i])
				}
				if again, _, _ := ann.get(conversationPath(on, "/why")).receipt(t); strings.Join(again, "|") != strings.Join(parts, "|") {
					t.Errorf("on Why? it reads %q", again)
				}
			})
		})
	}
}

// A mail's journey (W33) goes from its cause to the verdict on each recipient,
// with every attempt and what was said in it (W28), and what ended it (W27).
func TestMailJourney(t *testing.T) {
	t.Parallel()
	desktest.Each(t, func(t *testing.T, d *desktest.Desk) {
		d.ClosingNotice()
		d.UndoWindow(10 * time.Second)
		c := d.CustomerWrites("Mara <mara@customer.example>", "Lamp", "Broken.")
		d.Office.Program(postoffice.Fault{Phase: postoffice.Rcpt, Action: postoffice.Lie, Reply: "450 4.2.2 Mailbox full", Times: 1})
		d.Agent("ann").SendAndClose(c, "The answer.")
		d.Pass(10 * time.Second)
		ann := open(t, d).browser("ann")
		mails := d.Mails(c.ID)
		journey := func(m *postroom.Mail) answer {
			return ann.get(fmt.Sprintf("/mails/%d", m.ID)).want(t, 200, "the journey")
		}
		inOrder(t, journey(mails[1]), "The workflow “Tell the customer it is closed”", "Waits for an earlier mail", "Its journey")
		d.Pass(24 * time.Hour)
		inOrder(t, journey(mails[0]), "Ann chose Send & Close", "Written and fixed", "Held for its undo window", "Queued",
			"Attempt 1", "Mailbox full", "Attempt 2", "MAIL FROM:", "Accepted by the server")
		inOrder(t, journey(mails[1]), "Ann chose Send & Close", "The workflow “Tell the customer it is closed”, version 1, matched", "Written and fixed", "Queued", "Attempt 1", "Accepted by the server")
		for _, m := range mails {
			if page := journey(m); !page.has("mara@customer.example") || !page.has(m.Header) {
				t.Error("the journey names neither recipient nor Message-ID")
			}
		}
	})
}

// inOrder expects texts on a page, one after the other.
func inOrder(t testing.TB, page answer, texts ...string) {
	t.Helper()
	words, at := page.words(), 0
	for _, s := range texts {
		i := strings.Index(words[at:], s)
		if i < 0 {
			t.Fatalf("the page does not say %q after %.300q", s, words[max(0, at-200):at])
		}
		at += i + len(s)
	}
}
