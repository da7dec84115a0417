package workflow

import (
	"fmt"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"postroom"
)

// drawLeaf draws a condition that the schema allows.
func drawLeaf(t *rapid.T) Cond {
	f := rapid.SampledFrom(schema).Filter(func(f Fact) bool { return !strings.HasPrefix(f.Name, "event.from") && f.Name != "event.to" }).Draw(t, "fact")
	op, _ := operator(rapid.SampledFrom(f.Ops).Draw(t, "op"))
	c := Cond{Fact: oneOf(f), Op: op.Op}
	n := op.Values
	if n < 0 {
		n = rapid.IntRange(1, 3).Draw(t, "values")
	}
	for range n {
		c.Values = append(c.Values, drawValue(t, f, op.Op))
	}
	return c
}

func drawValue(t *rapid.T, f Fact, op Op) string {
	switch f.Kind {
	case KindChoice:
		if len(f.Choices) == 0 {
			return rapid.SampledFrom([]string{"basic", "gold"}).Draw(t, "choice of a field")
		}
		return rapid.SampledFrom(f.Choices).Draw(t, "choice")
	case KindNumber:
		return strconv.Itoa(rapid.IntRange(-2, 3).Draw(t, "number"))
	case KindRef, KindSet:
		return strconv.Itoa(rapid.IntRange(1, 12).Draw(t, "id"))
	case KindBool:
		return rapid.SampledFrom([]string{"true", "false"}).Draw(t, "bool")
	case KindTime:
		if op == Within || op == Older {
			return rapid.SampledFrom([]string{"1m", "2h", "3d", "4w", "30bm", "4bh", "2bd"}).Draw(t, "span")
		}
		return rapid.SampledFrom([]string{"2026-01-01", "2026-01-31T11:00:00Z", "2027-01-01"}).Draw(t, "date")
	}
	if op == Matches {
		return rapid.SampledFrom([]string{"a.*", "^m", "[0-9]+$"}).Draw(t, "pattern")
	}
	return rapid.StringMatching(`[a-zA-Zä<&"\\]{1,5}`).Draw(t, "text")
}

func drawCond(t *rapid.T, depth int) Cond {
	if depth == 0 || rapid.IntRange(0, 2).Draw(t, "leaf") == 0 {
		return drawLeaf(t)
	}
	children := make([]Cond, rapid.IntRange(1, 3).Draw(t, "children"))
	for i := range children {
		children[i] = drawCond(t, depth-1)
	}
	switch rapid.IntRange(0, 2).Draw(t, "group") {
	case 0:
		return Cond{All: children}
	case 1:
		return Cond{Any: children}
	}
	return Cond{None: children}
}

func drawDefinition(t *rapid.T) Definition {
	d := Definition{When: When{Event: rapid.SampledFrom(Events()).Draw(t, "event")}}
	if d.When.Event == postroom.StatusChanged && rapid.Bool().Draw(t, "sides") {
		d.When.From = []string{rapid.SampledFrom(choiceLists.status).Draw(t, "from")}
		d.When.To = []string{rapid.SampledFrom(choiceLists.status).Draw(t, "to")}
	}
	if d.When.Event == postroom.RatingReceived && rapid.Bool().Draw(t, "as") {
		d.When.To = []string{rapid.SampledFrom(asText(postroom.RatingValues)).Draw(t, "rated")}
	}
	if d.When.Event == postroom.TeamChanged && rapid.Bool().Draw(t, "teams") {
		d.When.From, d.When.To = []string{"0"}, []string{rapid.SampledFrom([]string{"3", "4"}).Draw(t, "team")}
	}
	if d.When.Event == postroom.FieldChanged && rapid.Bool().Draw(t, "field") {
		d.When.Field = rapid.SampledFrom([]string{"choice.plan", "text.plan", "yes_no.plan"}).Draw(t, "which field")
		if d.When.Field == "choice.plan" {
			d.When.To = []string{"gold"}
		}
	}
	if d.When.Scheduled() {
		d.When.Schedule = rapid.SampledFrom([]Schedule{{Days: []string{"mon", "fri"}, At: "08:00"}, {Days: []string{"1", "31"}, At: "23:59", Zone: "Europe/Berlin", Most: 7}, {Days: []string{"1"}, At: "08:00", Closed: ClosedNext}, {Days: []string{"sun"}, At: "9", Closed: ClosedSkip}}).Draw(t, "schedule")
	} else if rapid.Bool().Draw(t, "filters") {
		d.When.Actors = []postroom.ActorKind{postroom.ActorKind(rapid.SampledFrom(choiceLists.actor).Draw(t, "actor"))}
		d.When.Paths = []postroom.Path{postroom.Path(rapid.SampledFrom(choiceLists.path).Draw(t, "path"))}
	}
	if d.When.ByHand() && rapid.Bool().Draw(t, "agents") {
		d.When.Agents = []int64{7, 3}
	}
	if !d.When.Scheduled() && rapid.IntRange(0, 3).Draw(t, "timed") == 0 {
		drawTimer(t, &d.When)
	}
	if rapid.Bool().Draw(t, "if") {
		d.If = drawCond(t, 3)
	}
	d.Then = []Action{rapid.SampledFrom([]Action{
		{Do: DoReply, Text: "Hi <you> & {{ customer.name | default: \"there\" }}"}, {Do: DoReply, HTML: "<p>x</p>"},
		{Do: DoNote, Text: "n"}, {Do: DoStatus, Status: postroom.Closed}, {Do: DoAssign, Agent: ptr(0)},
		{Do: DoTags, Add: []int64{1}, Remove: []int64{2}}, {Do: DoFollow, Agents: []int64{7}, Unfollow: []int64{8, 9}}, {Do: DoFollow, Unfollow: []int64{7}},
		{Do: DoRun, Workflow: 10}, {Do: DoRun, Workflow: 1001},
		{Do: DoAssign, By: RoundRobin, Agents: []int64{7, 8}}, {Do: DoAssign, By: LeastLoaded, Agents: []int64{9}}, {Do: DoAssign, By: RoundRobin, Team: ptr(3)}, {Do: DoTeam, Team: ptr(0)}, {Do: DoTeam, Team: ptr(3)},
		{Do: DoSubject, Subject: "[{{ conversation.number }}] {{ conversation.subject }}"}, {Do: DoMove, Mailbox: 2}, {Do: DoSpam}, {Do: DoDelete}, {Do: DoSnooze, For: "2d"}, {Do: DoSnooze, For: "4bh"}, {Do: DoSnooze, Until: "tomorrow 09:00"}, {Do: DoSnooze, Until: "office"},
		{Do: DoMail, Agents: []int64{7}, Assignee: true, To: []string{"boss@example.com"}, Subject: "Look", Text: "at <it>"}, {Do: DoMail, Team: ptr(3), Text: "x"},
		{Do: DoMail, To: []string{"boss@example.com", "x@example.org"}, HTML: "<p>x</p>"},
		{Do: DoWebhook, URL: "https://example.com/hook"}, {Do: DoWebhook, Method: "GET", URL: "http://example.com:8080/{{ conversation.number }}?s={{ conversation.subject }}"},
		{Do: DoWebhook, Method: "PUT", URL: "https://example.com/?a=b", Headers: []Header{{Name: "X-Team", Value: "one"}, {Name: "Authorization", Secret: 4}}, Sign: 5,
			Text: "{\"n\": \"{{ customer.name }}\"}"},
		{Do: DoWebhook, URL: "https://example.com/", Text: "subject={{ conversation.subject }}", Type: "application/x-www-form-urlencoded"},
		{Do: DoField, Field: "choice.plan", Value: "gold"}, {Do: DoField, Field: "number.plan"}, {Do: DoField, Field: "yes_no.plan", Value: "true"}, {Do: DoField, Field: "date.plan", Value: "2026-01-31"},
		{Do: DoField, Field: "text.plan", Value: "{{ conversation.fields.order | default: \"none\" }} of {{ customer.company | default: \"-\" }}"},
		{Do: DoReply, Text: "Hello", Texts: map[string]string{"de": "Hallo", "pt-br": "Oi"}},
	}).Draw(t, "action")}
	if kindHas(d.When.Judges(), "message.") && rapid.IntRange(0, 4).Draw(t, "forward") == 0 {
		d.Then = append(d.Then, Action{Do: DoForward, To: []string{"boss@example.com"}, Text: "See below."})
	}
	if rapid.IntRange(0, 3).Draw(t, "waits") == 0 {
		d.Then = slices.Insert(d.Then, 0, drawWait(t))
	} else if rapid.IntRange(0, 4).Draw(t, "stop") == 0 {
		d.Then = append(d.Then, Action{Do: DoStop})
	}
	d.Limits.OncePer = rapid.SampledFrom([]OncePer{"", OncePerEvent, OncePerClose, OncePerConversation}).Draw(t, "once")
	d.Limits.CoolDown = rapid.IntRange(0, 100).Draw(t, "cool")
	if d.Limits.Runs = rapid.IntRange(0, 2).Draw(t, "limit of runs"); d.Limits.Runs > 0 {
		d.Limits.Period = rapid.IntRange(1, 3000).Draw(t, "period")
	}
	d.Limits.MailBudget = rapid.SampledFrom([]int{0, 1, 500}).Draw(t, "budget")
	d.Limits.MailsPerConversationDay = rapid.IntRange(0, 5).Draw(t, "mails")
	return d
}

func drawWait(t *rapid.T) Action {
	var w When
	drawTimer(t, &w)
	return Action{Do: DoWait, For: w.After, Unless: w.Unless}
}

func drawTimer(t *rapid.T, w *When) {
	w.After = rapid.SampledFrom([]string{"1m", "90m", "12h", "7d", "2w", "90bm", "4bh", "1bd"}).Draw(t, "after")
	w.Again = rapid.SampledFrom([]Again{"", AgainEach}).Draw(t, "again")
	for range rapid.IntRange(0, 2).Draw(t, "unless") {
		u := Unless{Event: rapid.SampledFrom(Events()).Filter(func(k postroom.EventKind) bool { return !OwnEvent(k) }).Draw(t, "unless event")}
		if u.Event == postroom.StatusChanged {
			u.To = []string{rapid.SampledFrom(choiceLists.status).Draw(t, "unless to")}
		}
		if u.Event == postroom.FieldChanged && rapid.Bool().Draw(t, "unless field") {
			u.Field, u.From = "yes_no.plan", []string{"false"}
		}
		if rapid.Bool().Draw(t, "unless filters") {
			u.Actors = []postroom.ActorKind{postroom.ActorKind(rapid.SampledFrom(choiceLists.actor).Draw(t, "unless actor"))}
		}
		w.Unless = append(w.Unless, u)
	}
}

func drawSet(t *rapid.T) *Set {
	entries := make([]Entry, rapid.IntRange(0, 8).Draw(t, "workflows"))
	for i := range entries {
		id := Identity{WorkflowID: int64(i + 1), Number: rapid.IntRange(1, 99).Draw(t, "version"),
			MailboxID: int64(rapid.IntRange(0, 2).Draw(t, "mailbox"))}
		d := drawDefinition(t)
		if other := int64(rapid.IntRange(1, 9).Draw(t, "runs")); other != id.WorkflowID && rapid.Bool().Draw(t, "runs another") {
			d.Then = slices.Insert(d.Then, 0, Action{Do: DoRun, Workflow: other})
		}
		v, err := Compile(d, id)
		if err != nil {
			t.Fatalf("a valid definition is refused: %v", err)
		}
		entries[i] = Entry{v, rapid.SampledFrom([]State{Enabled, Enabled, Enabled, SwitchedOff, OnHold}).Draw(t, "state")}
	}
	return NewSet(int64(rapid.IntRange(1, 9).Draw(t, "revision")), entries)
}

func drawMoment(t *rapid.T) (*postroom.Event, Record, Inputs) {
	e := closed()
	e.Kind = rapid.SampledFrom(Events()).Filter(func(k postroom.EventKind) bool { return !OwnEvent(k) }).Draw(t, "kind") // those are judged by one alone
	if e.Kind == postroom.TeamChanged {
		e.Payload, e.After.TeamID = postroom.Payload{To: "3"}, 3
	}
	if e.Kind == postroom.AssigneeChanged {
		e.Payload = postroom.Payload{To: "7"}
	}
	if e.Kind == postroom.RatingReceived {
		e.Payload = postroom.Payload{From: "none", To: rapid.SampledFrom(asText(postroom.RatingValues)).Draw(t, "rated"), RatingID: 5}
		e.After.Rating = postroom.RatingValue(e.Payload.To)
	}
	if rapid.Bool().Draw(t, "has fields") {
		e.After.Fields = map[string]string{"choice.plan": "gold", "text.plan": "71", "number.plan": "-2", "yes_no.plan": "true"}
	}
	if e.Kind == postroom.FieldChanged {
		path := rapid.SampledFrom([]string{"choice.plan", "text.plan", "yes_no.plan"}).Draw(t, "changed field")
		e.Payload = postroom.Payload{Field: path, To: map[string]string{"choice.plan": "gold", "text.plan": "71", "yes_no.plan": "true"}[path]}
		e.After.Fields = map[string]string{path: e.Payload.To}
	}
	if e.Kind == postroom.WorkflowStarted {
		e.Payload = postroom.Payload{WorkflowID: int64(rapid.IntRange(1, 8).Draw(t, "started")), Number: 1}
	}
	e.Depth = rapid.SampledFrom([]int{0, 0, 1, MaxDepth}).Draw(t, "depth")
	e.Actor.Kind = postroom.ActorKind(rapid.SampledFrom(choiceLists.actor).Draw(t, "actor"))
	r := record(e)
	if rapid.Bool().Draw(t, "texts") {
		r.Texts = map[string]string{"71": "m1 A"}
	}
	if rapid.Bool().Draw(t, "no message") {
		r.Message = nil
	}
	if rapid.Bool().Draw(t, "no customer") {
		r.Customer = nil
	}
	in := Inputs{Ran: rapid.SliceOfN(rapid.Int64Range(1, 8), 0, 2).Draw(t, "ran"), Counters: map[int64]Counters{}}
	for id := range int64(9) {
		in.Counters[id] = Counters{Runs: rapid.IntRange(0, 1).Draw(t, "runs"), LastRunAt: at - hour,
			RunsInPeriod: rapid.IntRange(0, 2).Draw(t, "runs in period")}
	}
	return e, r, in
}

// W40: deciding is a function: two judgements are equal to the byte, the
// explanation judges the same, and the stored vector reads back.
func TestJudgingIsDeterministic(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		set := drawSet(t)
		e, r, in := drawMoment(t)
		before := fmt.Sprintf("%+v %+v", e, in)
		first, second := Judge(set, e, NewFacts(r), in), Judge(set, e, NewFacts(r), in)
		x, third := Explain(set, e, NewFacts(r), in, nil)
		if !reflect.DeepEqual(first, second) || first.Vector() != third.Vector() {
			t.Fatalf("%s, then %s, then %s", first.Vector(), second.Vector(), third.Vector())
		}
		if after := fmt.Sprintf("%+v %+v", e, in); after != before {
			t.Fatal("judging changed what it judged")
		}
		if y, _ := Explain(set, e, NewFacts(r), in, nil); !reflect.DeepEqual(x, y) {
			t.Fatal("two explanations differ")
		}
		stored, err := ParseVector(first.Vector())
		if err != nil || len(stored) != len(first.Results) {
			t.Fatalf("%q reads back as %v, %v", first.Vector(), stored, err)
		}
		for i, s := range stored {
			want := first.Results[i]
			want.By = 0
			if s != want {
				t.Fatalf("%+v reads back as %+v", want, s)
			}
		}
		checkInvariants(t, set, e, first, x, in)
	})
}

// checkInvariants holds a judgement against the rules as such.
func checkInvariants(t *rapid.T, set *Set, e *postroom.Event, j Judgement, xs []Explanation, in Inputs) {
	var edge []int64
	for _, en := range set.On(e.Kind) {
		if e.Kind != postroom.WorkflowStarted || en.Version.WorkflowID == e.Payload.WorkflowID {
			edge = append(edge, en.Version.WorkflowID)
		}
	}
	stopped, ran := int64(0), map[int64]bool{}
	for i, r := range j.Results {
		x := xs[i]
		en, ok := set.Find(r.WorkflowID)
		switch {
		case !ok:
			t.Fatalf("workflow %d is not in the set", r.WorkflowID)
		case r.Level == 0 && (len(edge) == 0 || r.WorkflowID != edge[0]):
			t.Fatal("a workflow is missing or out of order")
		case r.Level == 0:
			edge = edge[1:]
		case !ran[r.Caller]:
			t.Fatalf("workflow %d was run by %d, which did not run", r.WorkflowID, r.Caller)
		}
		if (x.SmallestChange == "") != (r.Verdict == Matched || r.Verdict == Armed) {
			t.Fatalf("%s: %q", r.Verdict, x.SmallestChange)
		}
		if r.Verdict != Matched {
			continue
		}
		switch {
		case stopped != 0 && r.Level == 0:
			t.Fatalf("W11: workflow %d ran after %d said stop", r.WorkflowID, stopped)
		case slices.Contains(in.Ran, r.WorkflowID), e.Depth+r.Level >= MaxDepth, ran[r.WorkflowID]:
			t.Fatalf("W20: workflow %d ran again, or too deep", r.WorkflowID)
		case en.State != Enabled, en.Version.MailboxID != 0 && en.Version.MailboxID != e.After.MailboxID:
			t.Fatalf("workflow %d ran though it was off, or elsewhere", r.WorkflowID)
		case x.Conditions != nil && x.Conditions.Truth != True:
			t.Fatalf("workflow %d ran though its conditions are %s", r.WorkflowID, x.Conditions.Truth)
		}
		ran[r.WorkflowID] = true
		if en.Version.Stops() {
			stopped = r.WorkflowID
		}
	}
	if len(edge) > 0 {
		t.Fatalf("%v were not judged", edge)
	}
}

// The fewest conditions that are said to have to turn are enough, if they did (W31).
func TestSmallestChangeIsEnough(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		d := on(drawCond(t, 3))
		v, err := Compile(d, Identity{WorkflowID: 1, Number: 1})
		if err != nil {
			t.Fatal(err)
		}
		e, r, _ := drawMoment(t)
		reading := newReading(e, NewFacts(r))
		turned := map[*node]Truth{}
		for _, f := range v.cond.flips(reading, true) {
			turned[f.leaf] = truth(f.want)
		}
		if got := evalTurned(v.cond, reading, turned); got != True {
			t.Fatalf("%d turns make it %s: %s", len(turned), got, Sentence(d, nil))
		}
		if v.cond.eval(reading) == True && len(turned) > 0 {
			t.Fatal("what matched would have to turn")
		}
		for leaf := range turned { // and none of them is superfluous
			fewer := map[*node]Truth{}
			for n, tr := range turned {
				if n != leaf {
					fewer[n] = tr
				}
			}
			if evalTurned(v.cond, reading, fewer) == True {
				t.Fatalf("one of %d turns is superfluous: %s", len(turned), Sentence(d, nil))
			}
		}
	})
}

// evalTurned judges a condition with some of its leaves turned, naively.
func evalTurned(n *node, r *reading, turned map[*node]Truth) Truth {
	if n.kind == leaf {
		if t, ok := turned[n]; ok {
			return t
		}
		return n.evalLeaf(r)
	}
	count := map[Truth]int{}
	for _, c := range n.children {
		count[evalTurned(c, r, turned)]++
	}
	switch {
	case n.kind == all && count[False] > 0, n.kind == none && count[True] > 0:
		return False
	case n.kind == anyOf && count[True] > 0:
		return True
	case count[Unknown] > 0:
		return Unknown
	}
	return truth(n.kind != anyOf)
}

// JSON there and back is identity, to the byte, and means the same.
func TestDefinitionSurvivesJSON(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		d := drawDefinition(t)
		b, err := d.Encode()
		if err != nil {
			t.Fatal(err)
		}
		back, err := Decode(b)
		if err != nil || !reflect.DeepEqual(d, back) {
			t.Fatalf("%s reads back as %+v, %v", b, back, err)
		}
		if again, err := back.Encode(); err != nil || string(again) != string(b) {
			t.Fatalf("%s is written again as %s", b, again)
		}
		if Sentence(d, nil) != Sentence(back, nil) {
			t.Fatal("it reads differently now")
		}
		if strings.Contains(string(b), `\u003c`) {
			t.Fatalf("templates are hard to read in %s", b)
		}
	})
}

// What is read from storage or a file never panics, whatever it holds.
func FuzzDecode(f *testing.F) {
	for _, s := range Shipped() {
		b, err := s.Definition.Encode()
		if err != nil {
			f.Fatal(err)
		}
		f.Add(b)
	}
	f.Add([]byte(`{"when":{"event":"status.changed"},"if":{"any":[{"none":[]},{"fact":"message.header.X","op":"matches","values":["("]}]},"then":[{"do":"tags"}]}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		d, err := Decode(data)
		if err != nil {
			return
		}
		_ = Sentence(d, nil)
		v, err := Compile(d, Identity{WorkflowID: 1, Number: 1})
		if err != nil {
			if postroom.CodeOf(err) != postroom.Invalid {
				t.Fatal(err)
			}
			return
		}
		e := closed()
		e.Kind = d.When.Event
		Explain(NewSet(1, []Entry{{v, Enabled}}), e, NewFacts(record(e)), Inputs{}, nil)
	})
}
