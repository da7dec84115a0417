package workflow

import (
	"reflect"
	"strings"
	"testing"

	"postroom"
	"postroom/internal/template"
)

// W10: what is wrong with an action is said at its field.
func TestFaultsOfMoreActions(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name string
		a    Action
		path string
		text string
	}{
		{"agents without a way", Action{Do: DoAssign, Agents: []int64{7}}, "then[0].by", "how one of these"},
		{"no such way", Action{Do: DoAssign, By: "dice", Agents: []int64{7}}, "then[0].by", "round_robin"},
		{"nobody takes turns", Action{Do: DoAssign, By: RoundRobin}, "then[0].agents", "who take turns"},
		{"both", Action{Do: DoAssign, By: RoundRobin, Agents: []int64{7}, Agent: ptr(7)}, "then[0].agent", "not both"},
		{"twice in turn", Action{Do: DoAssign, By: RoundRobin, Agents: []int64{7, 7}}, "then[0].agents[1]", "twice"},
		{"nobody in turn", Action{Do: DoAssign, By: RoundRobin, Agents: []int64{0}}, "then[0].agents[0]", "not an agent"},
		{"no subject", Action{Do: DoSubject, Subject: " "}, "then[0].subject", "needs a subject"},
		{"subject with an unknown name", Action{Do: DoSubject, Subject: "{{ shoe }}"}, "then[0].subject", "shoe"},
		{"no mailbox", Action{Do: DoMove}, "then[0].mailbox", "into which"},
		{"spam with a text", Action{Do: DoSpam, Text: "x"}, "then[0].text", "has no text"},
		{"mail to nobody", Action{Do: DoMail, Text: "x"}, "then[0].to", "to whom"},
		{"mail without a text", Action{Do: DoMail, Assignee: true}, "then[0].text", "not both"},
		{"blank mail", Action{Do: DoMail, Assignee: true, Text: "{% comment %}x{% endcomment %}"}, "then[0].text", "needs a text"},
		{"no address", Action{Do: DoMail, To: []string{"boss@example.com", "boss"}, Text: "x"}, "then[0].to[1]", `"boss" is not`},
		{"a name with it", Action{Do: DoMail, To: []string{"Boss <boss@example.com>"}, Text: "x"}, "then[0].to[0]", "is not a mail address"},
		{"a line break", Action{Do: DoMail, To: []string{"boss@example.com\nBcc: x@example.com"}, Text: "x"}, "then[0].to[0]", "is not a mail address"},
		{"twice", Action{Do: DoMail, To: []string{"boss@example.com", "Boss@example.com"}, Text: "x"}, "then[0].to[1]", "twice"},
		{"forward to nobody", Action{Do: DoForward}, "then[0].to", "to whom"},
		{"followed by nobody", Action{Do: DoFollow}, "then[0].agents", "who is to follow"},
		{"follows and does not", Action{Do: DoFollow, Agents: []int64{7}, Unfollow: []int64{7}}, "then[0].unfollow[0]", "twice"},
		{"nothing to forward", Action{Do: DoForward, To: []string{"boss@example.com"}}, "then[0].do", "there is no message to forward"},
		{"no language", Action{Do: DoReply, Text: "x", Texts: map[string]string{"Deutsch": "x"}}, "then[0].texts.Deutsch", "is not a language"},
		{"blank translation", Action{Do: DoReply, Text: "x", Texts: map[string]string{"de": " "}}, "then[0].texts.de", "needs a text"},
		{"unknown name in a translation", Action{Do: DoReply, Text: "x", Texts: map[string]string{"de": "{{ schuh }}"}}, "then[0].texts.de", "schuh"},
		{"a note in languages", Action{Do: DoNote, Text: "x", Texts: map[string]string{"de": "y"}}, "then[0].texts", "has no texts"},
	} {
		_, err := Compile(Definition{When: When{Event: postroom.StatusChanged}, Then: []Action{c.a}}, Identity{WorkflowID: 1})
		found := false
		for _, f := range FaultsOf(err) {
			found = found || f.Path == c.path && strings.Contains(f.Text, c.text)
		}
		if !found {
			t.Errorf("%s: %v", c.name, err)
		}
	}
	for _, l := range []Limits{{Runs: 3}, {Period: 60}, {Runs: -1, Period: 5}, {MailBudget: -1}, {MailBudget: MaxMailBudget + 1}} {
		if _, err := Compile(Definition{When: When{Event: postroom.StatusChanged}, Then: []Action{{Do: DoSpam}}, Limits: l}, Identity{}); err == nil {
			t.Errorf("the limits %+v are taken", l)
		}
	}
}

// W12: n per period counts on one conversation and says so.
func TestRunsPerPeriod(t *testing.T) {
	t.Parallel()
	l := Limits{Runs: 2, Period: 7 * 24 * 60}
	if used, _ := l.Used(Counters{Runs: 9, RunsInPeriod: 1}, 0); used {
		t.Error("one of two is used up")
	}
	used, why := l.Used(Counters{Runs: 9, RunsInPeriod: 2}, 0)
	if want := "It has already run 2 times on this conversation within 1 week."; !used || why != want {
		t.Errorf("%v %q", used, why)
	}
}

// Actions and limits survive the editor's form, whatever they are, and say what
// they do.
func TestMoreActionsAsFieldsAndWords(t *testing.T) {
	t.Parallel()
	names := Names(func(kind Ref, id int64) string {
		return map[Ref]map[int64]string{RefMailbox: {2: "Sales"}, RefAgent: {7: "Ann", 8: "Ben"}}[kind][id]
	})
	d := Definition{When: When{Event: postroom.MessageReceived}, Then: []Action{
		{Do: DoAssign, By: RoundRobin, Agents: []int64{8, 7}},
		{Do: DoAssign, By: LeastLoaded, Agents: []int64{7, 8}},
		{Do: DoMail, Agents: []int64{7}, Assignee: true, To: []string{"a@example.com", "b@example.com"}, Subject: "Look", Text: "at it"},
		{Do: DoForward, To: []string{"c@example.com"}, Text: "See below."},
		{Do: DoSubject, Subject: "New"}, {Do: DoMove, Mailbox: 2}, {Do: DoSpam}, {Do: DoDelete},
		{Do: DoFollow, Agents: []int64{7, 8}}, {Do: DoFollow, Agents: []int64{7}, Unfollow: []int64{8}},
		{Do: DoReply, Text: "Hello", Texts: map[string]string{"de": "Hallo", "fr": "Bonjour"}},
	}, Limits: Limits{Runs: 3, Period: 7 * 24 * 60, MailBudget: 20}}
	back, err := FromFields(d.Fields())
	if err != nil || !reflect.DeepEqual(back, d) {
		t.Errorf("%v\n%+v\n%+v", err, back, d)
	}
	want := []string{
		"assign it to Ben or Ann, in turn",
		"assign it to Ann or Ben, whoever has the fewest open conversations",
		"mail the assignee, Ann, a@example.com and b@example.com",
		"forward the message to c@example.com",
		`change the subject to "New"`, "move it to Sales", "mark it as spam", "delete it", "let Ann and Ben follow it", "let Ann follow it and let Ben follow it no more",
		"reply to the customer, in DE or FR where that is their language",
	}
	words := Describe(d, names)
	if !reflect.DeepEqual(words.Then, want) {
		t.Errorf("%q", words.Then)
	}
	if got := strings.Join(words.Limits, "; "); !strings.Contains(got, "at most 3 times within 1 week on one conversation") || !strings.Contains(got, "paused after 20 mails") {
		t.Errorf("limits: %s", got)
	}
}

// A new language begins with a copy of the text; one whose text is emptied goes.
func TestLanguagesInTheForm(t *testing.T) {
	t.Parallel()
	d, err := FromFields(Fields{"when.event": {"reply.sent"}, "then[0].do": {"reply"}, "then[0].text": {"Hello"},
		"then[0].texts.de": {""}, "then[0].texts.fr": {"Bonjour"}, "then[0].texts.add": {"NL"}})
	if want := map[string]string{"fr": "Bonjour", "nl": "Hello"}; err != nil || !reflect.DeepEqual(d.Then[0].Texts, want) {
		t.Errorf("%v %v", d.Then[0].Texts, err)
	}
}

// W10: a reply has the text of the customer's language, of it without its
// region, or the one for everybody; both ways of writing variables are
// understood in each.
func TestTextOfTheCustomersLanguage(t *testing.T) {
	t.Parallel()
	v := compile(t, Definition{When: When{Event: postroom.StatusChanged}, Then: []Action{{Do: DoReply,
		Text: `Hello {{ customer.first_name | default: "there" }}`,
		Texts: map[string]string{
			"de": `Hallo {%customer.firstName,fallback=Sie%}`, "pt-br": `Oi {{ customer.first_name | default: "" }}`, "pt": "Olá {%customer.fullName,fallback=amigo%}"},
	}}}, 1)
	for language, want := range map[string]string{"": "Hello Maria", "de": "Hallo Maria", "de-at": "Hallo Maria", "pt-br": "Oi Maria", "pt-pt": "Olá Maria Lind", "fr": "Hello Maria"} {
		c := postroom.Customer{Name: "Maria Lind", Language: language}
		out, err := Plan(v, template.Options{}, Values{Event: closed(), Customer: &c}.Value, nil)
		if err != nil || out[0].Text != want {
			t.Errorf("%q: %q %v", language, out[0].Text, err)
		}
	}
	out, err := Plan(v, template.Options{Untrusted: true}, Values{Event: closed(), Customer: &postroom.Customer{Name: "Visit evil.example", Language: "de"}}.Value, nil)
	if err != nil || out[0].Text != "Hallo Sie" {
		t.Errorf("to somebody unverified: %q %v", out[0].Text, err)
	}
}

// W40: who is chosen follows from what is recorded, and the words say why.
func TestChoose(t *testing.T) {
	t.Parallel()
	names := Names(func(_ Ref, id int64) string { return map[int64]string{1: "Ann", 2: "Ben", 3: "Cleo"}[id] })
	agents := func(open ...int) (out []postroom.PickAgent) {
		for i, n := range open {
			out = append(out, postroom.PickAgent{ID: int64(i + 1), Open: n})
		}
		return out
	}
	without := agents(0, 0, 0)
	without[1].Not = "is disabled"
	nobody := agents(0)
	nobody[0].Not = "may not answer here"
	for _, c := range []struct {
		pick postroom.Pick
		want int64
		why  string
	}{
		{postroom.Pick{By: "round_robin", Agents: agents(0, 0, 0)}, 1, "Ann is the first in turn."},
		{postroom.Pick{By: "round_robin", Agents: agents(0, 0, 0), Last: 1}, 2, "Ben comes after Ann."},
		{postroom.Pick{By: "round_robin", Agents: agents(0, 0, 0), Last: 3}, 1, "Ann comes after Cleo."},
		{postroom.Pick{By: "round_robin", Agents: without, Last: 1}, 3, "Cleo comes after Ann; Ben is disabled."},
		{postroom.Pick{By: "round_robin", Agents: agents(0, 0), Last: 9}, 1, "Ann comes after agent 9."},
		{postroom.Pick{By: "least_loaded", Agents: agents(4, 2, 3)}, 2, "Ben has the fewest open conversations, 2."},
		{postroom.Pick{By: "least_loaded", Agents: agents(2, 2, 2), Last: 2}, 3, "Cleo has the fewest open conversations, 2."},
		{postroom.Pick{By: "least_loaded", Agents: nobody}, 0, "None of the agents may have it; Ann may not answer here."},
	} {
		if got, why := Choose(c.pick, names); got != c.want || why != c.why {
			t.Errorf("%+v: %d %q", c.pick, got, why)
		}
	}
}
