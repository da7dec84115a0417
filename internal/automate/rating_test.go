package automate_test

import (
	"strings"
	"testing"

	"postroom"
	"postroom/internal/automate"
	"postroom/internal/desk"
	"postroom/internal/desktest"
	"postroom/internal/workflow"
)

// A mail can ask for a rating only where customers reach the desk: without a
// public address publishing is refused at the field, and says what is missing.
func TestAskingNeedsAnAddress(t *testing.T) {
	t.Parallel()
	d := desktest.New(t, "sqlite")
	unreachable := automate.New(automate.Options{Store: d.Store, Letters: desk.New(desk.Options{Store: d.Store, Blobs: d.Blobs, Keys: d.Desk.Keys()})})
	reachable := automate.New(automate.Options{Store: d.Store, Letters: d.Desk})
	asks := workflow.Definition{When: workflow.When{Event: postroom.MessageReceived}, Then: []workflow.Action{{Do: workflow.DoNote, Text: "x"}, {Do: workflow.DoReply, Text: "How was it? {{ rating }}"}}}
	id := d.AddWorkflow("Ask", workflow.Definition{When: asks.When, Then: asks.Then[:1]})
	ann := d.Agent("ann").Agent
	_, err := unreachable.Publish(t.Context(), ann, id, 1, asks)
	if fields := automate.FieldFaults(err); postroom.CodeOf(err) != postroom.Invalid || !strings.Contains(postroom.TextOf(err), "public-url") {
		t.Errorf("without an address: %v, %v", err, fields)
	}
	if n, err := reachable.Publish(t.Context(), ann, id, 1, asks); err != nil || n != 2 {
		t.Errorf("with one: %d, %v", n, err)
	}
	for _, wrong := range []workflow.Action{{Do: workflow.DoNote, Text: "{{ rating }}"}, {Do: workflow.DoMail, Assignee: true, Text: "{{ rating }}"}, {Do: workflow.DoSubject, Subject: "{{ rating }}"},
		{Do: workflow.DoReply, HTML: `<a href="{{ rating }}">x</a>`}} {
		if _, err := workflow.Compile(workflow.Definition{When: asks.When, Then: []workflow.Action{wrong}}, workflow.Identity{}); err == nil {
			t.Errorf("%+v is accepted", wrong)
		}
	}
}
