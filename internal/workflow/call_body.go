package workflow

import (
	"bytes"
	"encoding/json"
	"time"

	"postroom"
)

// BodyVersion is the version of what CallBody writes. Fields may be added to
// one; what a field is never changes within it.
const BodyVersion = 1

// MaxBodyText is how many bytes of a message's text a call carries.
const MaxBodyText = 64 << 10

// CallFacts is what the event of a call is written from. What is nil is null.
type CallFacts struct {
	Workflow     Identity
	Event        *postroom.Event
	Subject      string // the conversation's
	Customer     *postroom.Customer
	Mailbox      *postroom.Mailbox
	Assignee     *postroom.Agent
	Message      *postroom.Message // the event's, nil if it has none
	Conversation string            // the address of its page, "" if nobody knows it
	// Names says what ids are called.
	Names Names
	// Texts are those of TextSides, by their ids in decimal.
	Texts map[string]string
}

// The shape of a call's body. Its fields stand in docs/webhooks.md.
type (
	callBody struct {
		Type         string           `json:"type"`
		Version      int              `json:"version"`
		Timestamp    string           `json:"timestamp"`
		Workflow     callWorkflow     `json:"workflow"`
		Event        callEvent        `json:"event"`
		Conversation callConversation `json:"conversation"`
		Message      *callMessage     `json:"message"`
	}
	callWorkflow struct {
		ID      int64  `json:"id"`
		Name    string `json:"name"`
		Version int    `json:"version"`
	}
	callEvent struct {
		ID       int64     `json:"id"`
		Sequence int64     `json:"sequence"`
		Actor    callActor `json:"actor"`
		Path     string    `json:"path"`
		Field    *callSide `json:"field,omitempty"`
		From     *callSide `json:"from"`
		To       *callSide `json:"to"`
		Added    []named   `json:"tags_added"`
		Removed  []named   `json:"tags_removed"`
		Words    string    `json:"words,omitempty"`
	}
	callActor struct {
		Kind string `json:"kind"`
		ID   int64  `json:"id,omitempty"`
		Name string `json:"name,omitempty"`
	}
	// callSide is one side of a change: a status, or an agent or a mailbox; or
	// the field that changed.
	callSide struct {
		Value string `json:"value"`
		Name  string `json:"name,omitempty"`
	}
	callConversation struct {
		ID           int64         `json:"id"`
		Number       int64         `json:"number"`
		URL          string        `json:"url,omitempty"`
		Subject      string        `json:"subject"`
		Status       string        `json:"status"`
		Deleted      bool          `json:"deleted"`
		Mailbox      callBox       `json:"mailbox"`
		Assignee     *callPerson   `json:"assignee"`
		Team         *named        `json:"team,omitempty"`
		Customer     *callCustomer `json:"customer"`
		Tags         []named       `json:"tags"`
		Messages     callCounts    `json:"messages"`
		CreatedAt    *string       `json:"created_at"`
		WaitingSince *string       `json:"waiting_since"`
		ClosedAt     *string       `json:"closed_at"`
		SnoozedUntil *string       `json:"snoozed_until,omitempty"`
		Rating       string        `json:"rating,omitempty"`
	}
	callBox struct {
		ID      int64  `json:"id"`
		Name    string `json:"name"`
		Address string `json:"address"`
	}
	callPerson struct {
		ID    int64  `json:"id"`
		Name  string `json:"name"`
		Email string `json:"email"`
	}
	callCustomer struct {
		ID        int64    `json:"id"`
		Name      string   `json:"name"`
		Addresses []string `json:"addresses"`
		Language  string   `json:"language,omitempty"`
	}
	callCounts struct {
		Received int `json:"received"`
		Replies  int `json:"replies"`
		Notes    int `json:"notes"`
	}
	callMessage struct {
		ID          int64      `json:"id"`
		Kind        string     `json:"kind"`
		From        string     `json:"from"`
		To          []string   `json:"to"`
		Cc          []string   `json:"cc"`
		Subject     string     `json:"subject"`
		Text        string     `json:"text"`
		Cut         bool       `json:"text_cut"`
		Class       string     `json:"class,omitempty"`
		Verified    bool       `json:"verified"`
		Attachments []callFile `json:"attachments"`
		At          *string    `json:"at"`
	}
	callFile struct {
		Name string `json:"name"`
		Type string `json:"type"`
		Size int64  `json:"size"`
	}
	named struct {
		ID   int64  `json:"id"`
		Name string `json:"name"`
	}
)

// CallBody writes an event as what webhooks send: one line of JSON of version
// BodyVersion. Equal facts give equal bytes.
func CallBody(f CallFacts) ([]byte, error) {
	e := f.Event
	after := e.After
	tags := func(ids []int64) []named {
		out := make([]named, 0, len(ids))
		for _, id := range ids {
			out = append(out, named{id, f.Names.of(RefTag, id)})
		}
		return out
	}
	body := callBody{Type: string(e.Kind), Version: BodyVersion, Timestamp: stamp(e.At),
		Workflow: callWorkflow{f.Workflow.WorkflowID, f.Workflow.Name, f.Workflow.Number},
		Event: callEvent{ID: e.ID, Sequence: e.Seq, Actor: f.actor(), Path: string(e.Path), From: f.side(e.Payload.From), To: f.side(e.Payload.To),
			Added: tags(e.Payload.Added), Removed: tags(e.Payload.Removed), Words: e.Payload.Words},
		Conversation: callConversation{ID: e.ConversationID, Number: after.Number, URL: f.Conversation, Subject: f.Subject, Status: string(after.Status), Deleted: after.Deleted,
			Mailbox: callBox{ID: after.MailboxID, Name: f.Names.of(RefMailbox, after.MailboxID)}, Tags: tags(after.Tags),
			Messages: callCounts{after.Received, after.Replies, after.Notes}, CreatedAt: stamped(after.CreatedAt), WaitingSince: stamped(after.WaitingSince), ClosedAt: stamped(after.ClosedAt), SnoozedUntil: stamped(after.SnoozedUntil), Rating: string(after.Rating)}}
	body.Event.Field = f.field()
	c := &body.Conversation
	if m := f.Mailbox; m != nil && m.ID == after.MailboxID {
		c.Mailbox.Name, c.Mailbox.Address = m.Name, m.Address
	}
	if a := f.Assignee; a != nil && a.ID == after.AssigneeID {
		c.Assignee = &callPerson{a.ID, a.Name, a.Email}
	} else if after.AssigneeID != 0 {
		c.Assignee = &callPerson{ID: after.AssigneeID, Name: f.Names.of(RefAgent, after.AssigneeID)}
	}
	if after.TeamID != 0 {
		c.Team = &named{after.TeamID, f.Names.of(RefTeam, after.TeamID)}
	}
	if k := f.Customer; k != nil {
		c.Customer = &callCustomer{k.ID, k.Name, append([]string{}, k.Addresses...), k.Language}
	}
	body.Message = f.message()
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(body); err != nil {
		return nil, err
	}
	return bytes.TrimRight(b.Bytes(), "\n"), nil
}

func (f CallFacts) actor() callActor {
	a := callActor{Kind: string(f.Event.Actor.Kind), ID: f.Event.Actor.ID}
	switch f.Event.Actor.Kind {
	case postroom.ByAgent:
		a.Name = f.Names.of(RefAgent, a.ID)
	case postroom.ByWorkflow:
		a.Name = f.Names.of(RefWorkflow, a.ID)
	case postroom.ByCustomer:
		if f.Customer != nil {
			a.Name = f.Customer.Name
		}
	}
	return a
}

// side names one side of a change; nil if the event changes nothing.
func (f CallFacts) side(value string) *callSide {
	kind := f.Event.Kind
	if kind == postroom.FieldChanged {
		return f.fieldSide(value)
	}
	ref := EdgeOf(kind).Ref
	if value == "" && !ref.None() {
		return nil
	}
	out := &callSide{Value: value}
	if id, ok := parseID(value); ok && ref != "" {
		out.Name = f.Names.of(ref, id)
	}
	return out
}

// field names the field that changed, nil for any other event.
func (f CallFacts) field() *callSide {
	if f.Event.Kind != postroom.FieldChanged {
		return nil
	}
	path := f.Event.Payload.Field
	return &callSide{Value: path, Name: f.Names.field(postroom.OfConversation, path)}
}

// fieldSide says one side of a change of a field: a text itself, a choice with
// its name; nil is not set, which yes and no never is.
func (f CallFacts) fieldSide(value string) *callSide {
	path := f.Event.Payload.Field
	switch kind, _, _ := postroom.SplitFieldPath(path); {
	case kind == postroom.FieldYesNo:
		return &callSide{Value: orNo(value)}
	case value == "":
		return nil
	case kind == postroom.FieldText:
		return &callSide{Value: f.Texts[value]}
	case kind == postroom.FieldChoice:
		return &callSide{Value: value, Name: f.Names.fieldValue(postroom.OfConversation, path, value)}
	}
	return &callSide{Value: value}
}

// TextSides are the ids of the texts from and to which an event changes a field,
// none for any other event.
func TextSides(e *postroom.Event) (ids []int64) {
	if kind, _, _ := postroom.SplitFieldPath(e.Payload.Field); e.Kind != postroom.FieldChanged || kind != postroom.FieldText {
		return nil
	}
	for _, side := range []string{e.Payload.From, e.Payload.To} {
		if id, ok := parseID(side); ok && id != 0 {
			ids = append(ids, id)
		}
	}
	return ids
}

func (f CallFacts) message() *callMessage {
	m := f.Message
	if m == nil {
		return nil
	}
	text := m.VisibleText
	if text == "" {
		text = m.Text
	}
	out := &callMessage{ID: m.ID, Kind: string(m.Kind), From: m.From.String(), To: addresses(m.To), Cc: addresses(m.Cc), Subject: m.Subject,
		Class: string(m.Class), Verified: m.Verified, Attachments: []callFile{}, At: stamped(m.At)}
	out.Text, out.Cut = head(text, MaxBodyText)
	for _, a := range m.Attachments {
		out.Attachments = append(out.Attachments, callFile{a.Name, a.Type, a.Size})
	}
	return out
}

// head is the beginning of a text, whole characters only.
func head(s string, most int) (string, bool) {
	if len(s) <= most {
		return s, false
	}
	for most > 0 && s[most]&0xC0 == 0x80 {
		most--
	}
	return s[:most], true
}

func addresses(all []postroom.Address) []string {
	out := make([]string, 0, len(all))
	for _, a := range all {
		out = append(out, a.String())
	}
	return out
}

func stamp(ms int64) string {
	return time.UnixMilli(ms).UTC().Format("2006-01-02T15:04:05.000Z")
}

func stamped(ms int64) *string {
	if ms == 0 {
		return nil
	}
	s := stamp(ms)
	return &s
}
