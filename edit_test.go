package postroom

import (
	"slices"
	"testing"
)

func TestOnlyOwnRepliesAndNotesAreEditable(t *testing.T) {
	t.Parallel()
	ann := &Agent{ID: 1, Role: Member}
	own := Actor{Kind: ByAgent, ID: 1}
	for _, x := range []struct {
		name string
		m    Message
		by   *Agent
		want Code
	}{
		{"own reply", Message{Kind: Reply, Author: own}, ann, ""},
		{"own note", Message{Kind: Note, Author: own}, ann, ""},
		{"a colleague's", Message{Kind: Note, Author: Actor{Kind: ByAgent, ID: 2}}, ann, Forbidden},
		{"a colleague's, for an admin", Message{Kind: Note, Author: own}, &Agent{ID: 2, Role: Admin}, Forbidden},
		{"a customer's with the agent's id", Message{Kind: Received, Author: Actor{Kind: ByCustomer, ID: 1}}, ann, Forbidden},
		{"a workflow's with the agent's id", Message{Kind: Reply, Author: Actor{Kind: ByWorkflow, ID: 1}}, ann, Forbidden},
		{"undone", Message{Kind: Reply, Author: own, Undone: true}, ann, NotFound},
		{"disabled", Message{Kind: Note, Author: own}, &Agent{ID: 1, Disabled: true}, Forbidden},
		{"nobody", Message{Kind: Note, Author: own}, nil, Forbidden},
	} {
		if got := CodeOf(x.m.Editable(x.by)); got != x.want {
			t.Errorf("%s: %q, not %q", x.name, got, x.want)
		}
	}
}

func TestEditKeepsWhatWasSaid(t *testing.T) {
	t.Parallel()
	m := &Message{Kind: Reply, Author: Actor{Kind: ByAgent, ID: 7}, At: 100, Text: "One", HTML: `<p>One <img src="cid:a%40x"></p>`, VisibleText: "On",
		Attachments: []Attachment{{ID: 1, Inline: true, ContentID: "a@x"}, {ID: 2, Inline: true, ContentID: "b"}, {ID: 3}}}
	if _, changed := m.Edit(By{Actor: m.Author, At: 150}, m.Text, m.HTML); changed || m.Version != 0 {
		t.Error("the same text is a change")
	}
	first, changed := m.Edit(By{Actor: m.Author, At: 200}, "Two", "<p>Two</p>")
	if !changed || first.Number != 1 || first.Text != "One" || first.AgentID != 7 || first.At != 100 {
		t.Errorf("the first text: %+v", first)
	}
	second, _ := m.Edit(By{Actor: Actor{Kind: ByAgent, ID: 7}, At: 300}, "Three", `<p>Three <img src="cid:b"></p>`)
	if second.Number != 2 || second.Text != "Two" || second.At != 200 {
		t.Errorf("the second text: %+v", second)
	}
	if m.Version != 3 || m.EditedAt != 300 || m.VisibleText != "" {
		t.Errorf("the message now: %+v", m)
	}
	was := m.AsWritten(first)
	if was.Text != "One" || was.Version != 1 || was.EditedAt != 0 {
		t.Errorf("as it was written: %+v", was)
	}
	if ids := slices.Collect(func(yield func(int64) bool) {
		for _, a := range was.Attachments {
			if !yield(a.ID) {
				return
			}
		}
	}); !slices.Equal(ids, []int64{1, 3}) {
		t.Errorf("as it was written it had the files %v", ids)
	}
	if len(m.Attachments) != 3 || m.Text != "Three" {
		t.Error("looking at how it was written changed it")
	}
}
