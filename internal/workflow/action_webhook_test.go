package workflow

import (
	"encoding/json"
	"strings"
	"testing"

	"postroom"
	"postroom/internal/template"
)

func TestWebhookFaults(t *testing.T) {
	t.Parallel()
	const fine = "https://example.com/hook"
	for _, c := range []struct {
		name       string
		a          Action
		path, text string
	}{
		{"no address", Action{}, "url", "address to call"},
		{"a word", Action{URL: "hook"}, "url", "begins with https://"},
		{"a file", Action{URL: "file:///etc/passwd"}, "url", "begins with https://"},
		{"no server", Action{URL: "https:///x"}, "url", "names no server"},
		{"a password", Action{URL: "https://me:pw@example.com/"}, "url", "holds no password"},
		{"a fragment", Action{URL: "https://example.com/#x"}, "url", "never sent"},
		{"a blank", Action{URL: "https://example.com/a b"}, "url", "is not an address"},
		{"a port", Action{URL: "https://example.com:99999/"}, "url", "is not a port"},
		{"a host filled in", Action{URL: "https://{{ customer.name }}/x"}, "url", "Whom it calls is fixed"},
		{"half a host filled in", Action{URL: "https://example.com{{ customer.name }}/x"}, "url", "Whom it calls is fixed"},
		{"a host by condition", Action{URL: "https://{% if customer.name %}a{% endif %}.example.com/x"}, "url", "Whom it calls is fixed"},
		{"a scheme filled in", Action{URL: "{{ customer.name }}://example.com/"}, "url", "Whom it calls is fixed"},
		{"an unknown variable", Action{URL: fine + "/{{ customer.nme }}"}, "url", "did you mean customer.name"},
		{"long", Action{URL: fine + strings.Repeat("x", MaxURL)}, "url", "at most"},
		{"method", Action{URL: fine, Method: "TRACE"}, "method", "not a method"},
		{"a text by GET", Action{URL: fine, Method: "GET", Text: "{}"}, "text", "sends no text"},
		{"a type without a text", Action{URL: fine, Type: "text/plain"}, "content_type", "text of your own"},
		{"no type", Action{URL: fine, Text: "x", Type: "plain"}, "content_type", "not a content type"},
		{"no JSON", Action{URL: fine, Text: `{"a": {{ customer.name }}}`}, "text", "not JSON"},
		{"header's name", Action{URL: fine, Headers: []Header{{Name: "X Y", Value: "1"}}}, "headers[0].name", "not the name of a header"},
		{"a line break", Action{URL: fine, Headers: []Header{{Name: "X", Value: "1\r\nHost: x"}}}, "headers[0].value", "on one line"},
		{"our header", Action{URL: fine, Headers: []Header{{Name: "webhook-id", Value: "1"}}}, "headers[0].name", "set by the call itself"},
		{"host", Action{URL: fine, Headers: []Header{{Name: "host", Value: "1"}}}, "headers[0].name", "set by the call itself"},
		{"twice", Action{URL: fine, Headers: []Header{{Name: "X-A", Value: "1"}, {Name: "x-a", Value: "1"}}}, "headers[1].name", "twice"},
		{"empty", Action{URL: fine, Headers: []Header{{Name: "X-A"}}}, "headers[0].value", "choose a secret"},
		{"both", Action{URL: fine, Headers: []Header{{Name: "X-A", Value: "1", Secret: 3}}}, "headers[0].value", "not both"},
		{"another's field", Action{URL: fine, Subject: "x"}, "subject", "has no subject"},
	} {
		c.a.Do = DoWebhook
		_, err := Compile(Definition{When: When{Event: postroom.StatusChanged}, Then: []Action{c.a}}, Identity{})
		all := FaultsOf(err)
		if len(all) == 0 || all[0].Path != "then[0]."+c.path || !strings.Contains(all[0].Text, c.text) {
			t.Errorf("%s: %v", c.name, all)
		}
	}
}

// TestWebhookPlan fills an address and a text in: values end no step of a path
// and no text, and cannot choose whom is called.
func TestWebhookPlan(t *testing.T) {
	t.Parallel()
	d := Definition{When: When{Event: postroom.StatusChanged}, Then: []Action{
		{Do: DoWebhook, URL: "https://example.com:8443/c/{{ customer.name }}?q={{ customer.name }}", Text: `{"who": "{{ customer.name }}"}`},
		{Do: DoWebhook, URL: "https://example.com/hook", Headers: []Header{{Name: "X-A", Secret: 3}}, Sign: 4},
		{Do: DoWebhook, URL: "https://example.com/hook", Method: "DELETE"},
	}}
	if err := Publishable(d); err != nil {
		t.Fatal(err)
	}
	v, err := Compile(d, Identity{WorkflowID: 1, Number: 1})
	if err != nil {
		t.Fatal(err)
	}
	names := func(Ref, int64) string { return "a name" }
	wishes, err := Plan(v, template.Options{Untrusted: true}, func(string) (string, bool) { return `/../"?@evil.example#`, true }, names)
	if err != nil {
		t.Fatal(err)
	}
	if w := wishes[0]; w.Method != "POST" || w.URL != "https://example.com:8443/c/%2F..%2F%22%3F%40evil.example%23?q=%2F..%2F%22%3F%40evil.example%23" ||
		w.Text != `{"who": "/../\"?@evil.example#"}` || w.ContentType != "application/json" || w.Event {
		t.Errorf("%+v", w)
	}
	if w := wishes[1]; !w.Event || w.Text != "" || w.Headers[0].Secret != 3 || w.Sign != 4 || w.Detail != "send the event to https://example.com/hook" {
		t.Errorf("%+v", w)
	}
	if w := wishes[2]; w.Event || w.ContentType != "" || w.Detail != "call https://example.com/hook (DELETE)" {
		t.Errorf("%+v", w)
	}
	long := func(string) (string, bool) { return strings.Repeat("ü", 1000), true }
	if _, err := Plan(v, template.Options{}, long, names); postroom.CodeOf(err) != postroom.Invalid || !strings.Contains(err.Error(), "longer than") {
		t.Errorf("a long address: %v", err)
	}
	again, err := FromFields(d.Fields())
	a, _ := d.Encode()
	b, _ := Stored(again).Encode()
	if err != nil || string(a) != string(b) {
		t.Errorf("%s became %s: %v", a, b, err)
	}
}

func TestCallBody(t *testing.T) {
	t.Parallel()
	names := func(r Ref, id int64) string {
		return map[Ref]map[int64]string{RefAgent: {7: "Ann", 8: "Ben"}, RefTag: {3: "vip"}, RefMailbox: {1: "Support"}}[r][id]
	}
	e := &postroom.Event{ID: 50, ConversationID: 40, Seq: 9, Kind: postroom.AssigneeChanged, Actor: postroom.Actor{Kind: postroom.ByAgent, ID: 7}, Path: postroom.PathMenu, At: 1000,
		Payload: postroom.Payload{From: "0", To: "8"},
		After:   postroom.Snapshot{Number: 12, MailboxID: 1, Status: postroom.Active, AssigneeID: 8, Tags: []int64{3}, Received: 2, CreatedAt: 500}}
	f := CallFacts{Workflow: Identity{WorkflowID: 2, Number: 3, Name: "Tell"}, Event: e, Subject: "Printer <on> fire", Customer: &postroom.Customer{ID: 6, Name: "Jane", Addresses: []string{"jane@x.example"}},
		Mailbox: &postroom.Mailbox{ID: 1, Name: "Support", Address: "support@acme.example"}, Assignee: &postroom.Agent{ID: 8, Name: "Ben", Email: "ben@acme.example"}, Names: names,
		Conversation: "https://desk.example/conversations/12",
		Message:      &postroom.Message{ID: 70, Kind: postroom.Received, From: postroom.Address{Address: "jane@x.example"}, Text: strings.Repeat("a", MaxBodyText-1) + "ü", At: 700}}
	b, err := CallBody(f)
	if err != nil {
		t.Fatal(err)
	}
	want := `{"type":"assignee.changed","version":1,"timestamp":"1970-01-01T00:00:01.000Z","workflow":{"id":2,"name":"Tell","version":3},` +
		`"event":{"id":50,"sequence":9,"actor":{"kind":"agent","id":7,"name":"Ann"},"path":"menu","from":{"value":"0","name":"nobody"},"to":{"value":"8","name":"Ben"},"tags_added":[],"tags_removed":[]},` +
		`"conversation":{"id":40,"number":12,"url":"https://desk.example/conversations/12","subject":"Printer <on> fire","status":"active","deleted":false,` +
		`"mailbox":{"id":1,"name":"Support","address":"support@acme.example"},"assignee":{"id":8,"name":"Ben","email":"ben@acme.example"},` +
		`"customer":{"id":6,"name":"Jane","addresses":["jane@x.example"]},"tags":[{"id":3,"name":"vip"}],"messages":{"received":2,"replies":0,"notes":0},` +
		`"created_at":"1970-01-01T00:00:00.500Z","waiting_since":null,"closed_at":null},"message":{"id":70,"kind":"received","from":`
	if !strings.HasPrefix(string(b), want) {
		t.Errorf("got\n%s\nwant\n%s", b[:min(len(b), len(want)+40)], want)
	}
	var got callBody
	if err := json.Unmarshal(b, &got); err != nil || !got.Message.Cut || len(got.Message.Text) != MaxBodyText-1 {
		t.Errorf("%v, %d bytes, cut %v", err, len(got.Message.Text), got.Message.Cut)
	}
	f.Message, f.Customer = nil, nil
	if b, err = CallBody(f); err != nil || !strings.HasSuffix(string(b), `"message":null}`) || !strings.Contains(string(b), `"customer":null`) {
		t.Errorf("%s %v", b, err)
	}
}
