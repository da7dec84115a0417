package workflow

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"postroom"
)

// Test is one example that a workflow has to keep to: given these facts, when
// this happens, expect that (W36). It is plain data, and ids in it are ids of
// the desk.
type Test struct {
	Name   string `json:"name"`
	Given  Given  `json:"given,omitempty"`
	Before Past   `json:"before,omitzero"`
	When   Moment `json:"when"`
	Expect Expect `json:"expect"`
}

// Given holds the facts that are so at the event, by their names in the Schema:
// values as conditions have them, but for times, of which there are also spans
// such as "2d ago" and "never". A text or a set without values is empty. What
// is not given is as on a new conversation; see TestDefaults.
type Given map[string][]string

// GivenVerified is given beside the facts: whether the customer's last mail was
// from a verified sender, "true" or "false". Without it message.verified counts
// and, without that, it was.
const GivenVerified = "customer.verified"

// Past says what the workflow has done on the conversation already.
type Past struct {
	Runs           int    `json:"runs,omitempty"`             // ever
	RunsSinceClose int    `json:"runs_since_close,omitempty"` // from the latest close on
	LastRun        string `json:"last_run,omitempty"`         // a time, or a span such as "2h ago"
	InChain        bool   `json:"in_chain,omitempty"`         // it ran in the chain of this event
}

// Moment is the event of a test.
type Moment struct {
	Event    postroom.EventKind `json:"event"`
	From     string             `json:"from,omitempty" ref:"side"`
	To       string             `json:"to,omitempty" ref:"side"`
	Added    []int64            `json:"added,omitempty" ref:"tag"`
	Removed  []int64            `json:"removed,omitempty" ref:"tag"`
	Actor    postroom.ActorKind `json:"actor,omitempty"`                   // "": whoever does such a thing
	Agent    int64              `json:"agent,omitempty" ref:"agent"`       // which agent did it
	Workflow int64              `json:"workflow,omitempty" ref:"workflow"` // which workflow did it
	Path     postroom.Path      `json:"path,omitempty"`                    // "": the actor's usual one
	Depth    int                `json:"depth,omitempty"`
	Field    string             `json:"field,omitempty"` // which field changed, by its path
	At       string             `json:"at,omitempty"`    // a date or an RFC 3339 time; "": TestTime
}

// Expect is what has to come of it. What is nil is not looked at; a list that is
// there has to fit whole and in order.
type Expect struct {
	Verdict string           `json:"verdict"`
	Effects []ExpectedEffect `json:"effects,omitempty"`
	Mails   []ExpectedMail   `json:"mails,omitzero"`
}

// ExpectedEffect is one action that has to follow. Of its fields those that are
// set have to be equal; of a text it is the text as it comes out.
type ExpectedEffect struct {
	Action
	Contains []string `json:"contains,omitempty"` // of the text as it comes out, case kept
	Lacks    []string `json:"lacks,omitempty"`
}

// ExpectedMail is one mail that has to leave.
type ExpectedMail struct {
	Contains []string `json:"contains,omitempty"`
	Lacks    []string `json:"lacks,omitempty"`
}

// The bounds of tests.
const (
	MaxTests     = 200 // of one workflow
	MaxTestName  = 200 // characters
	MaxTestBytes = 64 << 10
)

// TestTime is when the event of a test happens that does not say when.
const TestTime = "2026-01-15T12:00:00Z"

// TestDefaults says in a sentence each what is so in a test that does not say
// otherwise, for help and documentation.
func TestDefaults() []string {
	return []string{
		"The conversation is number 1, active, nobody's, without tags, in the mailbox of the workflow, and began at the event.",
		"The customer has no name and the address customer@example.com.",
		"An event that has a message has one that a person wrote; other events have none until something about it is given.",
		"The customer's mails are from a verified sender.",
		"The workflow is switched on, has not run before, and stands alone: no other workflow says stop.",
		"The event happens on " + TestTime + ".",
		"The office is open from Monday to Friday, 9 to 17, UTC, whatever calendars the desk has.",
	}
}

// NotMatched is the expected verdict that any judgement fits in which the
// workflow's own When or If let the event go by.
const NotMatched = "not_matched"

// otherEvent is the verdict on an event of another kind.
const otherEvent = "other_event"

// verdictKeys are the stable words for verdicts in tests.
var verdictKeys = map[Verdict]string{
	Matched:       "matched",
	Filtered:      "filtered",
	NotMet:        "not_met",
	Undecided:     "unknown",
	Disabled:      "off",
	Paused:        "paused",
	OtherMailbox:  "other_mailbox",
	Stopped:       "stopped",
	ChainRan:      "ran_in_chain",
	LimitUsed:     "limit_used",
	DepthExceeded: "too_deep",
	Armed:         "waiting",
	NotArmed:      "not_waiting",
	Continued:     "went_on",
	RanAlready:    "ran_already",
}

// VerdictKey returns the stable word for a verdict.
func VerdictKey(v Verdict) string {
	if k, ok := verdictKeys[v]; ok {
		return k
	}
	return "verdict_" + string(rune(v))
}

// ExpectedVerdicts lists the words that a test can expect.
func ExpectedVerdicts() []string {
	out := []string{VerdictKey(Matched), NotMatched, otherEvent}
	for v := range verdictWords {
		if v != Matched && v != Disabled && v != Paused && v != Stopped { // a test has it switched on and alone
			out = append(out, VerdictKey(v))
		}
	}
	slices.Sort(out[3:])
	return out
}

// DecodeTest reads a stored test. It is as strict as Decode.
func DecodeTest(data []byte) (Test, error) {
	var t Test
	dec := json.NewDecoder(bytes.NewReader(data))
	dec.DisallowUnknownFields()
	if err := dec.Decode(&t); err != nil {
		return Test{}, decodeFault(data, err)
	}
	return t, nil
}

// Encode writes the test as JSON on one line; equal tests give equal bytes.
func (t Test) Encode() ([]byte, error) {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	err := enc.Encode(t)
	return bytes.TrimRight(b.Bytes(), "\n"), err
}

// Check finds what is wrong with a test as such. Paths are those of its JSON.
func (t Test) Check() Faults {
	c := testChecker{}
	switch {
	case strings.TrimSpace(t.Name) == "":
		c.fault("name", "A test needs a name.")
	case len([]rune(t.Name)) > MaxTestName:
		c.fault("name", "A name has at most %d characters.", MaxTestName)
	case strings.ContainsAny(t.Name, "\n\r\t"):
		c.fault("name", "A name stands on one line.")
	}
	at := c.moment(t.When)
	c.before(t.Before, at)
	c.given(t.Given, at)
	if !slices.Contains(ExpectedVerdicts(), t.Expect.Verdict) {
		c.fault("expect.verdict", "%q is not a verdict; it is one of %s.", t.Expect.Verdict, strings.Join(ExpectedVerdicts(), ", "))
	} else if t.Expect.Verdict != VerdictKey(Matched) && len(t.Expect.Effects)+len(t.Expect.Mails) > 0 {
		c.fault("expect.verdict", "Effects and mails follow only when the verdict is %s.", VerdictKey(Matched))
	}
	for i, e := range t.Expect.Effects {
		if !slices.Contains(ActionKinds, e.Do) {
			c.fault(fmt.Sprintf("expect.effects[%d].do", i), "%q is not an action; it is one of %s.", e.Do, strings.Join(asText(ActionKinds), ", "))
		}
	}
	return c.faults
}

type testChecker struct{ faults Faults }

func (c *testChecker) fault(path, format string, args ...any) {
	c.faults = append(c.faults, Fault{path, fmt.Sprintf(format, args...)})
}

// moment checks the event and returns when it happens.
func (c *testChecker) moment(m Moment) int64 {
	sub := compiler{version: &Version{}}
	w := When{Event: m.Event, Field: m.Field}
	if m.From != "" {
		w.From = []string{m.From}
	}
	if m.To != "" {
		w.To = []string{m.To}
	}
	if m.Actor != "" {
		w.Actors = []postroom.ActorKind{m.Actor}
	}
	if m.Path != "" {
		w.Paths = []postroom.Path{m.Path}
	}
	if m.Event != postroom.TimerDue && m.Event != postroom.ScheduleDue {
		sub.when(w)
	} else if m.From+m.To != "" {
		c.fault("when.from", "A time that has come changes nothing from something to something.")
	}
	for _, f := range sub.faults {
		for list, one := range map[string]string{"when.from[0]": "when.from", "when.to[0]": "when.to", "when.actors[0]": "when.actor", "when.paths[0]": "when.path"} {
			if f.Path == list {
				f.Path = one
			}
		}
		c.faults = append(c.faults, f)
	}
	if m.Event == postroom.StatusChanged && (m.From == "" || m.To == "") {
		c.fault("when", "Say from which status to which it changes.")
	}
	if m.Event == postroom.FieldChanged && m.Field == "" {
		c.fault("when.field", "Say which field changes.")
	}
	if m.Depth < 0 || m.Depth > MaxDepth {
		c.fault("when.depth", "A chain is between 0 and %d long.", MaxDepth)
	}
	at, ok := ParseTime(m.at())
	if !ok {
		c.fault("when.at", "%q is not a date, such as 2026-01-31 or 2026-01-31T09:00:00Z.", m.At)
	}
	return at
}

func (m Moment) at() string {
	if m.At == "" {
		return TestTime
	}
	return m.At
}

func (c *testChecker) before(b Past, at int64) {
	if b.Runs < 0 || b.RunsSinceClose < 0 {
		c.fault("before.runs", "A number of runs is not negative.")
	}
	if _, ok := parseMoment(b.LastRun, at); b.LastRun != "" && !ok {
		c.fault("before.last_run", "%s", momentFault(b.LastRun))
	}
}

func momentFault(v string) string {
	return fmt.Sprintf("%q is neither a date, such as 2026-01-31, nor a span, such as 2d ago.", v)
}

// parseMoment reads a time of a test: a date, an RFC 3339 time, "never", or a
// span before the event.
func parseMoment(v string, at int64) (int64, bool) {
	if v == "never" {
		return 0, true
	}
	if span, ok := strings.CutSuffix(v, " ago"); ok {
		ms, ok := ParseSpan(span)
		return at - ms, ok
	}
	return ParseTime(v)
}

func (c *testChecker) given(g Given, at int64) {
	names := make([]string, 0, len(g))
	for name := range g {
		names = append(names, name)
	}
	slices.Sort(names)
	for _, name := range names {
		path := "given." + name
		fact, ok := givenFact(name)
		if !ok {
			c.fault(path, "There is no fact %q.", name)
			continue
		}
		if strings.HasPrefix(name, "event.") {
			c.fault(path, "What the event is stands under when.")
			continue
		}
		if text := givenValues(fact, g[name], at); text != "" {
			c.fault(path, "%s", text)
		}
	}
}

// givenFact finds a fact that can be given.
func givenFact(name string) (Fact, bool) {
	if name == GivenVerified {
		return Fact{Name: name, Kind: KindBool}, true
	}
	fact, _, ok := lookup(name)
	return fact, ok
}

// givenValues says what is wrong with the values of a fact, "" if nothing is.
func givenValues(fact Fact, values []string, at int64) string {
	if len(values) > MaxValues {
		return fmt.Sprintf("A fact has at most %d values.", MaxValues)
	}
	several := fact.Kind == KindSet || fact.Kind == KindText && fact.Many
	if !several && len(values) > 1 || len(values) == 0 && !several && fact.Kind != KindText {
		return fmt.Sprintf("%s has one value.", fact.Name)
	}
	for _, v := range values {
		switch _, text := parseGiven(fact, v, at); {
		case len(v) > MaxTextExamined:
			return fmt.Sprintf("A value has at most %d bytes.", MaxTextExamined)
		case text != "":
			return text
		}
	}
	return ""
}

// parseGiven reads one value that is not a text; text says what is wrong with
// it.
func parseGiven(fact Fact, v string, at int64) (n int64, text string) {
	ok := true
	switch fact.Kind {
	case KindNumber:
		if n, ok = parseID(v); !ok {
			return 0, fmt.Sprintf("%q is not a whole number.", v)
		}
	case KindRef, KindSet:
		if n, ok = parseID(v); !ok || n < 0 || n == 0 && fact.Kind == KindSet {
			return 0, fmt.Sprintf("%q is no %s.", v, fact.Ref)
		}
	case KindChoice:
		if _, _, isField := FieldFact(fact.Name); isField && postroom.FieldKeyed(v) {
			return 0, ""
		}
		if !slices.Contains(fact.Choices, v) {
			return 0, fmt.Sprintf("%q is not possible here; it is one of %s.", v, strings.Join(fact.Choices, ", "))
		}
	case KindBool:
		if v != "true" && v != "false" {
			return 0, fmt.Sprintf("%q is neither true nor false.", v)
		}
		if v == "true" {
			n = 1
		}
	case KindTime:
		if n, ok = parseMoment(v, at); !ok {
			return 0, momentFault(v)
		}
	}
	return n, ""
}

// value makes the value of a fact that is given.
func (g Given) value(fact Fact, at int64) (Value, bool) {
	list, ok := g[fact.Name]
	if !ok {
		return Value{}, false
	}
	out := Value{known: true}
	for _, v := range list {
		n, _ := parseGiven(fact, v, at)
		switch fact.Kind {
		case KindText, KindChoice:
			out.texts = append(out.texts, v)
		case KindSet:
			out.ids = append(out.ids, n)
		default:
			out.num = n
		}
	}
	return out, true
}

// testFacts are the facts of a test: what is given, else what the record has.
type testFacts struct {
	given  Given
	at     int64
	record Facts
}

// Value implements Facts.
func (f testFacts) Value(name string) Value {
	if header, ok := strings.CutPrefix(name, HeaderFact); ok {
		for given := range f.given {
			if h, is := strings.CutPrefix(given, HeaderFact); is && strings.EqualFold(h, header) {
				name = given
			}
		}
	}
	if fact, ok := givenFact(name); ok {
		if v, given := f.given.value(fact, f.at); given {
			return v
		}
	}
	return f.record.Value(name)
}

// usual says who does what, and how, where a test does not.
func (m Moment) usual() (postroom.Actor, postroom.Path) {
	if m.Event == postroom.TimerDue || m.Event == postroom.ScheduleDue {
		return postroom.System, postroom.PathTimer
	}
	actor := postroom.Actor{Kind: m.Actor}
	if actor.Kind == "" {
		switch {
		case m.Workflow != 0:
			actor.Kind = postroom.ByWorkflow
		case m.Event == postroom.MessageReceived, m.Event == postroom.ConversationCreated:
			actor.Kind = postroom.ByCustomer
		default:
			actor.Kind = postroom.ByAgent
		}
	}
	path := m.Path
	switch actor.Kind {
	case postroom.ByAgent:
		actor.ID = m.Agent
		if path == "" {
			path = postroom.PathMenu
		}
	case postroom.ByWorkflow:
		actor.ID = m.Workflow
		if path == "" {
			path = postroom.PathWorkflow
		}
	case postroom.ByCustomer:
		if path == "" && m.Event == postroom.RatingReceived {
			path = postroom.PathRating
		}
		if path == "" {
			path = postroom.PathMail
		}
	default:
		if path == "" {
			path = postroom.PathSystem
		}
	}
	return actor, path
}

// event makes the event of a test on a workflow of a mailbox.
func (t Test) event(mailbox int64) *postroom.Event {
	m := t.When
	at, _ := ParseTime(m.at())
	actor, path := m.usual()
	e := &postroom.Event{ID: 2, ConversationID: 1, Seq: 2, Kind: m.Event, Version: 1, ActID: 1, Actor: actor, Path: path, Root: 2, RootSeq: 2, Depth: m.Depth,
		Payload: postroom.Payload{From: m.From, To: m.To, Added: m.Added, Removed: m.Removed}, At: at, FinalAt: at, State: postroom.EventPending}
	if m.Depth > 0 {
		e.Cause, e.Root, e.RootSeq = 1, 1, 1
	}
	after := &e.After
	*after = postroom.Snapshot{Number: 1, MailboxID: mailbox, CustomerID: 1, Status: postroom.Active, Received: 1, CreatedAt: at}
	switch m.Event {
	case postroom.StatusChanged, postroom.ConversationCreated:
		if s, err := postroom.ParseStatus(m.To); err == nil {
			after.Status = s
		}
	case postroom.RatingReceived:
		after.Rating, e.Payload.RatingID = postroom.RatingValue(m.To), 1
	case postroom.AssigneeChanged:
		after.AssigneeID, _ = strconv.ParseInt(m.To, 10, 64)
	case postroom.TeamChanged:
		after.TeamID, _ = strconv.ParseInt(m.To, 10, 64)
	case postroom.TagsChanged:
		after.Tags = m.Added
	case postroom.FieldChanged:
		m.field(e)
	}
	t.Given.put(after, at)
	return e
}

// put writes what is given about the conversation into a snapshot, from which
// texts and limits read it too.
func (g Given) put(s *postroom.Snapshot, at int64) {
	number := func(name string, to func(int64)) {
		if fact, ok := givenFact("conversation." + name); ok {
			if v, given := g.value(fact, at); given {
				to(v.num)
			}
		}
	}
	number("number", func(n int64) { s.Number = n })
	number("assignee", func(n int64) { s.AssigneeID = n })
	number("team", func(n int64) { s.TeamID = n })
	number("mailbox", func(n int64) { s.MailboxID = n })
	number("received", func(n int64) { s.Received = int(n) })
	number("replies", func(n int64) { s.Replies = int(n) })
	number("notes", func(n int64) { s.Notes = int(n) })
	number("created", func(n int64) { s.CreatedAt = n })
	number("waiting_since", func(n int64) { s.WaitingSince = n })
	number("last_customer_at", func(n int64) { s.LastCustomerAt = n })
	number("last_agent_at", func(n int64) { s.LastAgentAt = n })
	number("last_human_at", func(n int64) { s.LastHumanAt = n })
	if v := g["conversation.rating"]; len(v) == 1 && v[0] != string(postroom.Unrated) {
		s.Rating = postroom.RatingValue(v[0])
	}
	number("snoozed", func(n int64) { s.SnoozedUntil = n * (at + 24*60*60*1000) })
	number("snoozed_until", func(n int64) { s.SnoozedUntil = n })
	g.putFields(s)
	if v := g["conversation.status"]; len(v) == 1 {
		s.Status = postroom.Status(v[0])
	}
	if fact, ok := givenFact("conversation.followers"); ok {
		if v, given := g.value(fact, at); given {
			s.Followers = v.ids
		}
	}
	if fact, ok := givenFact("conversation.tags"); ok {
		if v, given := g.value(fact, at); given {
			s.Tags = v.ids
		}
	}
}

// record makes what facts are read from that are not given.
func (t Test) record(e *postroom.Event) Record {
	g := t.Given
	customer := &postroom.Customer{ID: 1, Name: first(g["customer.name"]), Addresses: []string{"customer@example.com"}, Language: first(g["customer.language"]), Company: first(g["customer.company"]), Fields: g.fields(CustomerField)}
	if a, ok := g["customer.address"]; ok {
		customer.Addresses = a
	}
	subject := first(g["conversation.subject"])
	r := Record{Event: e, Customer: customer, Subject: &subject, Office: testOffice, Texts: testTexts(e)}
	if e.Kind == postroom.CustomerChanged {
		r.Former = &postroom.Customer{ID: 2, Addresses: []string{"former@example.com"}}
	}
	if e.Payload.RatingID != 0 {
		r.Rating = &postroom.Rating{Value: postroom.RatingValue(t.When.To), Comment: first(g["rating.comment"])}
	}
	about := e.Kind == postroom.MessageReceived || e.Kind == postroom.ConversationCreated && e.Actor.Kind == postroom.ByCustomer || e.Kind == postroom.ReplySent
	for name := range g {
		about = about || strings.HasPrefix(name, "message.")
	}
	if !about {
		return r
	}
	m := &postroom.Message{Kind: postroom.Received, Class: postroom.Human, Verified: first(g["message.verified"]) != "false", Subject: subject}
	m.From = postroom.Address{Name: customer.Name, Address: customer.Email()}
	if e.Kind == postroom.ReplySent {
		m.Kind, m.From, m.To = postroom.Reply, postroom.Address{}, []postroom.Address{m.From}
	}
	r.Message = m
	r.Headers = func(string) []string { return nil }
	return r
}

// verified reports whether texts may say what the customer wrote (A8).
func (t Test) verified() bool {
	if v, ok := t.Given[GivenVerified]; ok {
		return first(v) == "true"
	}
	return first(t.Given["message.verified"]) != "false"
}

// inputs are what the workflow has done before.
func (t Test) inputs(id, at int64) Inputs {
	b := t.Before
	n := Counters{Runs: max(b.Runs, b.RunsSinceClose), RunsSinceClose: b.RunsSinceClose}
	n.LastRunAt, _ = parseMoment(b.LastRun, at)
	if b.LastRun == "" {
		n.LastRunAt = 0
	}
	if n.LastRunAt != 0 {
		n.Runs = max(n.Runs, 1)
	}
	in := Inputs{Counters: map[int64]Counters{id: n}}
	if b.InChain {
		in.Ran = []int64{id}
	}
	return in
}

// moment of an event in words of a test.
func testMoment(ms int64) string {
	if ms == 0 {
		return "never"
	}
	return time.UnixMilli(ms).UTC().Format(time.RFC3339Nano)
}

// SampleTest is a test to begin from: an event that the When of a definition
// lets pass, expected to match.
func SampleTest(d Definition) Test {
	t := Test{Name: "New test", When: Moment{Event: d.When.Event}, Expect: Expect{Verdict: VerdictKey(Matched)}}
	edge := EdgeOf(d.When.Event)
	if d.When.Event == postroom.FieldChanged {
		t.When.Field, t.When.From, t.When.To = sampleField(d.When)
	}
	side := func(wanted []string, otherwise string) string {
		if len(wanted) > 0 {
			return wanted[0]
		}
		return otherwise
	}
	if edge.From {
		t.When.From = side(d.When.From, map[bool]string{true: "0", false: string(postroom.Active)}[edge.Ref != ""])
	}
	if edge.To && (len(d.When.To) > 0 || d.When.Event == postroom.StatusChanged) {
		t.When.To = side(d.When.To, string(postroom.Closed))
	}
	if len(d.When.Actors) > 0 {
		t.When.Actor = d.When.Actors[0]
	}
	if len(d.When.Paths) > 0 {
		t.When.Path = d.When.Paths[0]
	}
	for _, a := range d.Then {
		if a.Do == "" {
			continue
		}
		a.Text, a.HTML = "", ""
		t.Expect.Effects = append(t.Expect.Effects, ExpectedEffect{Action: a})
	}
	return t
}
