package workflow

import (
	"encoding/json"
	"maps"
	"reflect"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"postroom"
)

func shippedVersion(t *testing.T, key string) *Version {
	t.Helper()
	for _, s := range Shipped() {
		if s.Key == key {
			v, err := Compile(s.Definition, Identity{WorkflowID: 7, Number: 1, Key: key, Name: s.Name})
			if err != nil {
				t.Fatal(err)
			}
			return v
		}
	}
	t.Fatalf("no workflow %s", key)
	return nil
}

func closing() Test {
	return Test{
		Name:   "An agent closes it",
		Given:  Given{"customer.name": {"Jane Doe"}, "conversation.mailbox": {"3"}, "conversation.number": {"12"}},
		When:   Moment{Event: postroom.StatusChanged, From: "active", To: "closed"},
		Expect: Expect{Verdict: "matched", Effects: []ExpectedEffect{{Action: Action{Do: DoReply}}}, Mails: []ExpectedMail{{Contains: []string{"Hello Jane,", "number 12"}, Lacks: []string{"there"}}}},
	}
}

// W36: what a test expects and what comes of it are compared part by part.
func TestTestsSeeEachDifference(t *testing.T) {
	t.Parallel()
	v := shippedVersion(t, KeyClosingNotice)
	world := TestWorld{Mailbox: func(id int64) *postroom.Mailbox { return &postroom.Mailbox{ID: id, Name: "Support"} }}
	for _, c := range []struct {
		name   string
		change func(*Test)
		want   string // of the first difference, "" for green
	}{
		{"as it is", func(*Test) {}, ""},
		{"another verdict", func(x *Test) { x.Expect = Expect{Verdict: "not_met"} }, "the verdict: expected not_met, and it is matched. Matched."},
		{"not matched, while it does", func(x *Test) { x.Expect = Expect{Verdict: NotMatched} }, "the verdict: expected not_matched"},
		{"by a customer", func(x *Test) { x.When.Actor = postroom.ByCustomer }, "the verdict: expected matched, and it is filtered. Its When does not fit: done by a customer"},
		{"another event", func(x *Test) { x.When = Moment{Event: postroom.ReplySent} }, "the verdict: expected matched, and it is other_event"},
		{"once per close", func(x *Test) { x.Before = Past{RunsSinceClose: 1} }, "the verdict: expected matched, and it is limit_used"},
		{"in its own chain", func(x *Test) { x.Before, x.When.Depth = Past{InChain: true}, 1 }, "the verdict: expected matched, and it is ran_in_chain"},
		{"too deep", func(x *Test) { x.When.Depth = MaxDepth }, "the verdict: expected matched, and it is too_deep"},
		{"a stranger's name is not said", func(x *Test) { x.Given[GivenVerified] = []string{"false"} }, `mail 1: expected a text that contains "Hello Jane,"`},
		{"a word the text has not", func(x *Test) { x.Expect.Mails[0].Contains = []string{"goodbye"} }, `mail 1: expected a text that contains "goodbye"`},
		{"a word the text has", func(x *Test) { x.Expect.Mails[0].Lacks = []string{"Support"} }, `mail 1: expected a text without "Support"`},
		{"two mails", func(x *Test) { x.Expect.Mails = append(x.Expect.Mails, ExpectedMail{}) }, "mail 2: expected a mail, and it is missing"},
		{"no mail", func(x *Test) { x.Expect.Mails = []ExpectedMail{} }, "mail 1: expected none, and it is a mail that begins"},
		{"another effect", func(x *Test) { x.Expect.Effects[0].Do = DoNote }, "effect 1: expected note, and it is reply to the customer"},
		{"one effect more", func(x *Test) {
			x.Expect.Effects = append(x.Expect.Effects, ExpectedEffect{Action: Action{Do: DoStatus, Status: postroom.Closed}})
		}, "effect 2: expected status, and it is missing"},
		{"a test that cannot be", func(x *Test) { x.Given["conversation.colour"] = []string{"red"} }, `the test: expected one that can be run, and it is given.conversation.colour: There is no fact "conversation.colour".`},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			x := closing()
			x.Given = maps.Clone(x.Given)
			c.change(&x)
			res := v.RunTest(x, world)
			if res.Green != (c.want == "") {
				t.Fatalf("green is %v: %v", res.Green, res.Differences)
			}
			if c.want != "" && !strings.HasPrefix(res.Differences[0].String(), c.want) {
				t.Errorf("it says\n%s\nand not\n%s", res.Differences[0], c.want)
			}
		})
	}
}

// Effects are compared by the fields that are set, each sort of them.
func TestEffectsAreComparedField(t *testing.T) {
	t.Parallel()
	d := Definition{When: When{Event: postroom.TagsChanged}, Then: []Action{{Do: DoTags, Add: []int64{1, 2}, Remove: []int64{3}},
		{Do: DoAssign, Agent: ptr(4)}, {Do: DoNote, Text: "About {{ conversation.number }}"}, {Do: DoStop}}}
	v, err := Compile(d, Identity{WorkflowID: 1, Number: 1})
	if err != nil {
		t.Fatal(err)
	}
	x := Test{Name: "tags", When: Moment{Event: postroom.TagsChanged, Added: []int64{9}}, Expect: Expect{Verdict: "matched", Mails: []ExpectedMail{}, Effects: []ExpectedEffect{
		{Action: Action{Do: DoTags, Add: []int64{1, 2}}}, {Action: Action{Do: DoAssign, Agent: ptr(4)}},
		{Action: Action{Do: DoNote, Text: "About 1"}, Contains: []string{"About"}}, {Action: Action{Do: DoStop}}}}}
	if res := v.RunTest(x, TestWorld{}); !res.Green {
		t.Fatal(res.Differences)
	}
	x.Expect.Effects[0].Add, x.Expect.Effects[1].Agent, x.Expect.Effects[2].Text = []int64{1}, ptr(5), "About 2"
	res := v.RunTest(x, TestWorld{})
	var what []string
	for _, d := range res.Differences {
		what = append(what, d.What)
	}
	if want := []string{"effect 1", "effect 2", "effect 3, text"}; !slices.Equal(what, want) {
		t.Errorf("differences are seen in %v and not in %v", what, want)
	}
}

// What is given is what the conditions see, whatever else would be so.
func TestGivenFactsAreSeen(t *testing.T) {
	t.Parallel()
	for fact, c := range map[string]struct {
		op     Op
		value  []string
		given  []string
		absent string // the verdict when nothing is given
	}{
		"customer.domain":               {Is, []string{"acme.example"}, []string{"acme.example"}, "not_met"},
		"conversation.tags":             {HasAll, []string{"4", "5"}, []string{"5", "4"}, "not_met"},
		"conversation.assignee":         {Is, []string{"6"}, []string{"6"}, "not_met"},
		"conversation.last_human_at":    {Older, []string{"3d"}, []string{"4d ago"}, "unknown"},
		"conversation.waiting_since":    {IsSet, nil, []string{"2026-01-01"}, "not_met"},
		"message.class":                 {Is, []string{"list"}, []string{"list"}, "unknown"},
		"message.body":                  {Contains, []string{"urgent"}, []string{"It is URGENT."}, "unknown"},
		"message.header.X-Priority":     {Is, []string{"1"}, []string{"1"}, "unknown"},
		"message.has_attachments":       {Is, []string{"true"}, []string{"true"}, "unknown"},
		"conversation.subject":          {Starts, []string{"Order"}, []string{"Order 7"}, "not_met"},
		"conversation.last_agent_at":    {NotSet, nil, []string{"never"}, "matched"},
		"conversation.last_customer_at": {Within, []string{"1d"}, []string{"2h ago"}, "unknown"},
	} {
		t.Run(fact, func(t *testing.T) {
			t.Parallel()
			v, err := Compile(Definition{When: When{Event: postroom.StatusChanged}, If: Cond{Fact: fact, Op: c.op, Values: c.value}, Then: []Action{{Do: DoStop}}}, Identity{WorkflowID: 1, Number: 1})
			if err != nil {
				t.Fatal(err)
			}
			x := Test{Name: "x", Given: Given{fact: c.given}, When: Moment{Event: postroom.StatusChanged, From: "active", To: "closed"}, Expect: Expect{Verdict: "matched"}}
			if res := v.RunTest(x, TestWorld{}); !res.Green {
				t.Error(res.Differences)
			}
			x.Given, x.Expect.Verdict = nil, c.absent
			if res := v.RunTest(x, TestWorld{}); !res.Green {
				t.Error(res.Differences)
			}
		})
	}
}

// What cannot be a test is said at its place.
func TestFaultyTestsAreRefused(t *testing.T) {
	t.Parallel()
	for path, change := range map[string]func(*Test){
		"name":                          func(x *Test) { x.Name = " " },
		"when.event":                    func(x *Test) { x.When.Event = "conversation.exploded" },
		"when.from":                     func(x *Test) { x.When.From = "asleep" },
		"when":                          func(x *Test) { x.When.To = "" },
		"when.actor":                    func(x *Test) { x.When.Actor = "ghost" },
		"when.path":                     func(x *Test) { x.When.Path = "telepathy" },
		"when.depth":                    func(x *Test) { x.When.Depth = 99 },
		"when.at":                       func(x *Test) { x.When.At = "yesterday" },
		"before.last_run":               func(x *Test) { x.Before.LastRun = "2 fortnights ago" },
		"expect.verdict":                func(x *Test) { x.Expect.Verdict = "off" },
		"expect.effects[0].do":          func(x *Test) { x.Expect.Effects[0].Do = "dance" },
		"given.event.actor":             func(x *Test) { x.Given["event.actor"] = []string{"agent"} },
		"given.conversation.status":     func(x *Test) { x.Given["conversation.status"] = []string{"open"} },
		"given.conversation.tags":       func(x *Test) { x.Given["conversation.tags"] = []string{"0"} },
		"given.conversation.created":    func(x *Test) { x.Given["conversation.created"] = []string{"ages ago"} },
		"given.message.verified":        func(x *Test) { x.Given["message.verified"] = []string{"maybe"} },
		"given.conversation.number":     func(x *Test) { x.Given["conversation.number"] = []string{"1", "2"} },
		"given.message.has_attachments": func(x *Test) { x.Given["message.has_attachments"] = nil },
	} {
		x := closing()
		change(&x)
		faults := x.Check()
		if len(faults) == 0 || faults[0].Path != path {
			t.Errorf("%s: the faults are %v", path, faults)
		}
	}
}

// Each verdict has a word of its own, and ids are of something.
func TestEachVerdictHasAWord(t *testing.T) {
	t.Parallel()
	seen := map[string]bool{}
	for v := range verdictWords {
		k := verdictKeys[v]
		if k == "" || seen[k] {
			t.Errorf("the verdict %c has the word %q", v, k)
		}
		seen[k] = true
	}
}

// A field that holds ids says what of, so that a file can have names for them.
func TestEachIDSaysWhatOf(t *testing.T) {
	t.Parallel()
	refs := []string{string(RefAgent), string(RefMailbox), string(RefTag), string(RefWorkflow), string(RefSecret), string(RefTeam), "side", "fact", "-"}
	seen := map[reflect.Type]bool{}
	var walk func(reflect.Type, string)
	walk = func(rt reflect.Type, path string) {
		for rt.Kind() == reflect.Pointer || rt.Kind() == reflect.Slice || rt.Kind() == reflect.Map {
			rt = rt.Elem()
		}
		if rt.Kind() != reflect.Struct || seen[rt] {
			return
		}
		seen[rt] = true
		for i := range rt.NumField() {
			f := rt.Field(i)
			inner := f.Type
			for inner.Kind() == reflect.Pointer || inner.Kind() == reflect.Slice {
				inner = inner.Elem()
			}
			if ref := f.Tag.Get("ref"); inner.Kind() == reflect.Int64 && !slices.Contains(refs, ref) {
				t.Errorf("%s.%s is an int64 with the tag ref:%q; one of %v says what its ids are of", path, f.Name, ref, refs)
			}
			walk(f.Type, path+"."+f.Name)
		}
	}
	walk(reflect.TypeFor[Definition](), "Definition")
	walk(reflect.TypeFor[Test](), "Test")
}

// drawTest draws a test that can be run.
func drawTest(t *rapid.T) Test {
	x := Test{Name: rapid.StringMatching(`[A-Za-z: "'#-]{0,8}x`).Draw(t, "name"), When: Moment{Event: rapid.SampledFrom(Events()).Draw(t, "event")}}
	switch x.When.Event {
	case postroom.StatusChanged:
		x.When.From, x.When.To = "active", rapid.SampledFrom(choiceLists.status).Draw(t, "to")
	case postroom.AssigneeChanged:
		x.When.From, x.When.To = "0", "4"
	case postroom.FieldChanged:
		x.When.Field, x.When.To = "choice.plan", "gold"
	case postroom.TagsChanged:
		x.When.Added = []int64{3}
	}
	if rapid.Bool().Draw(t, "actor") {
		x.When.Actor, x.When.Agent = postroom.ByAgent, 4
	}
	x.Given = Given{}
	for range rapid.IntRange(0, 4).Draw(t, "facts") {
		c := drawLeaf(t)
		fact, _, _ := lookup(c.Fact)
		if strings.HasPrefix(c.Fact, "event.") || len(c.Values) == 0 {
			continue
		}
		values := c.Values[:1]
		if fact.Kind == KindTime {
			values = []string{rapid.SampledFrom([]string{"2d ago", "never", "2026-01-01"}).Draw(t, "time")}
		}
		x.Given[c.Fact] = values
	}
	x.Expect.Verdict = rapid.SampledFrom(ExpectedVerdicts()).Draw(t, "verdict")
	if x.Expect.Verdict == "matched" {
		x.Expect.Effects = []ExpectedEffect{{Action: Action{Do: DoTags, Add: []int64{2}}, Lacks: []string{"x"}}}
		x.Expect.Mails = []ExpectedMail{}
	}
	return x
}

// Running a test is a function, never panics, and tests survive JSON.
func TestRunningTestsIsDeterministic(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		v, err := Compile(drawDefinition(t), Identity{WorkflowID: 1, Number: 1, MailboxID: int64(rapid.IntRange(0, 2).Draw(t, "mailbox"))})
		if err != nil {
			t.Fatal(err)
		}
		x := drawTest(t)
		if faults := x.Check(); len(faults) > 0 {
			t.Fatal(faults)
		}
		one := v.RunTest(x, TestWorld{})
		b, err := json.Marshal(x)
		if err != nil {
			t.Fatal(err)
		}
		var back Test
		if err := json.Unmarshal(b, &back); err != nil {
			t.Fatal(err)
		}
		if two := v.RunTest(back, TestWorld{}); !reflect.DeepEqual(one, two) {
			t.Fatalf("%+v, and then %+v", one, two)
		}
		if again, _ := json.Marshal(back); string(again) != string(b) {
			t.Fatalf("%s is written again as %s", b, again)
		}
	})
}

// A mail to somebody else is a mail too, in its place.
func TestMailsToOthersAreExpected(t *testing.T) {
	t.Parallel()
	x := closing()
	x.Expect = Expect{Verdict: "matched", Mails: []ExpectedMail{{Contains: []string{"closed it"}}}}
	d := shippedVersion(t, KeyClosingNotice).Definition
	d.Then = []Action{{Do: DoNote, Text: "n"}, {Do: DoMail, To: []string{"boss@x.example"}, Subject: "News", Text: "Somebody closed it."}}
	v, err := Compile(d, Identity{WorkflowID: 1, Number: 1, Name: "W"})
	if err != nil {
		t.Fatal(err)
	}
	if res := v.RunTest(x, TestWorld{}); !res.Green {
		t.Errorf("%v", res.Differences)
	}
	x.Expect.Mails = []ExpectedMail{}
	if res := v.RunTest(x, TestWorld{}); res.Green {
		t.Error("a mail that was not expected is none")
	}
}
