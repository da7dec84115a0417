package template

import (
	"strings"
	"testing"
	"time"

	"postroom"
)

// values is a customer who is trying, and an assignee.
func values(name string) (string, bool) {
	v, ok := map[string]string{
		"conversation.number":  "1042",
		"conversation.subject": "Click\r\nBcc: <b>here</b>",
		"conversation.status":  "closed",
		"conversation.created": "2026-01-31T23:30:00Z",
		"customer.name":        `Maria "M" <script>`,
		"customer.first_name":  "maria",
		"customer.email":       "maria@example.com",
		"mailbox.name":         "Acme & Sons",
		"mailbox.address":      "help@example.com",
		"agent.name":           "",
	}[name]
	return v, ok
}

func render(t *testing.T, mode Mode, source string, o Options) string {
	t.Helper()
	p, err := Parse(source, mode)
	if err != nil {
		t.Fatalf("%q: %v", source, err)
	}
	out, err := p.Render(o, values)
	if err != nil {
		t.Fatalf("%q: %v", source, err)
	}
	return out
}

func TestRender(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ name, source, want string }{
		{"plain", "Hello.", "Hello."},
		{"variable", "No. {{ conversation.number }}", "No. 1042"},
		{"default not needed", `{{ customer.first_name | default: "there" }}`, "maria"},
		{"default", `Hello {{ agent.name | default: "there" }}!`, "Hello there!"},
		{"default from a variable", `{{ agent.name | default: mailbox.name }}`, "Acme & Sons"},
		{"unknown at run time is empty", `[{{ nothing.here }}]`, "[]"},
		{"typographic quotes", `{{ agent.name | default: “there” }}`, "there"},
		{"single quotes", `{{ agent.name | default: 'it }} s' }}`, "it }} s"},
		{"filters in a row", `{{ customer.first_name | upcase | truncate: 3, "" }}`, "MAR"},
		{"capitalize", `{{ customer.first_name | capitalize }}`, "Maria"},
		{"downcase", `{{ "ÄÖ" | downcase }}`, "äö"},
		{"strip", `[{{ " x " | strip }}]`, "[x]"},
		{"truncate", `{{ mailbox.name | truncate: 6 }}`, "Acme …"},
		{"truncate shorter than its mark", `{{ mailbox.name | truncate: 2, "..." }}`, ".."},
		{"escape is done once and by mode", `{{ mailbox.name | escape }}`, "Acme & Sons"},
		{"date", `{{ conversation.created | date: "%-d %B %Y %H:%M" }}`, "31 January 2026 23:30"},
		{"date in a zone", `{{ conversation.created | date: "%F %R %Z", "Europe/Berlin" }}`, "2026-02-01 00:30 CET"},
		{"date and percent", `{{ conversation.created | date: "100%% %y" }}`, "100% 26"},
		{"a time without a date filter", `{{ conversation.created }}`, "31 January 2026 23:30 UTC"},
		{"if", `{% if customer.name %}a{% else %}b{% endif %}`, "a"},
		{"if empty", `{% if agent.name %}a{% else %}b{% endif %}`, "b"},
		{"elsif", `{% if agent.name %}a{% elsif conversation.status == "closed" %}b{% else %}c{% endif %}`, "b"},
		{"unless", `{% unless agent.name %}a{% endunless %}`, "a"},
		{"unless else", `{% unless mailbox.name %}a{% else %}b{% endunless %}`, "b"},
		{"not equal", `{% if conversation.status != "spam" %}a{% endif %}`, "a"},
		{"contains", `{% if mailbox.name contains "Sons" %}a{% endif %}`, "a"},
		{"and", `{% if customer.name and agent.name %}a{% else %}b{% endif %}`, "b"},
		{"or", `{% if customer.name or agent.name %}a{% else %}b{% endif %}`, "a"},
		{"blank", `{% if agent.name == blank %}a{% endif %}`, "a"},
		{"nested", `{% if customer.name %}{% if agent.name %}a{% else %}b{% endif %}c{% endif %}`, "bc"},
		{"comment", `a{% comment %}{{ what ever }}{% else %}{% endcomment %}b`, "ab"},
		{"trimming", "a \n {{- conversation.number -}} \n b", "a1042b"},
		{"FreeScout", `{%customer.firstName,fallback=there%}`, "maria"},
		{"FreeScout fallback", `{%user.fullName,fallback=our team%}`, "our team"},
		{"FreeScout apostrophe", `{%user.fullName,fallback=friend's%} it's`, "friend's it's"},
		{"FreeScout with spaces", `{% customer.firstName , fallback = x %}`, "maria"},
		{"FreeScout plain", `{%mailbox.email%}`, "help@example.com"},
		{"values are one line", `{{ conversation.subject }}`, "Click Bcc: <b>here</b>"},
		{"braces alone", "a { b } c }} d %} e", "a { b } c }} d %} e"},
		{"braces on purpose", `{{ "{{" }}`, "{{"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			if got := render(t, Text, c.source, Options{}); got != c.want {
				t.Errorf("%s\n got %q\nwant %q", c.source, got, c.want)
			}
		})
	}
}

func TestRenderHTML(t *testing.T) {
	t.Parallel()
	for source, want := range map[string]string{
		`<p>{{ customer.name }}</p>`:                    `<p>Maria &#34;M&#34; &lt;script&gt;</p>`,
		`<p>{{ customer.name | escape }}</p>`:           `<p>Maria &#34;M&#34; &lt;script&gt;</p>`,
		`{{ agent.name | default: "<b>" }}`:             `&lt;b&gt;`,
		`{{&nbsp;agent.name | default: &quot;A&quot;}}`: `A`,
		`<a href="mailto:{{ mailbox.address }}">x</a>`:  `<a href="mailto:help@example.com">x</a>`,
	} {
		if got := render(t, HTML, source, Options{}); got != want {
			t.Errorf("%s\n got %s\nwant %s", source, got, want)
		}
	}
}

func TestRenderSubjectIsOneLine(t *testing.T) {
	t.Parallel()
	got := render(t, Subject, "Re:\r\n {{ conversation.subject }}\x00"+strings.Repeat("x", 300), Options{})
	if strings.ContainsAny(got, "\r\n\x00") || !strings.HasPrefix(got, "Re: Click Bcc: <b>here</b>x") {
		t.Errorf("got %q", got)
	}
	if n := len([]rune(got)); n != MaxSubject {
		t.Errorf("%d runes, want %d", n, MaxSubject)
	}
}

// A8: to a sender who is not verified, nothing that a stranger wrote appears.
func TestUntrustedWithholdsTheCustomersWords(t *testing.T) {
	t.Parallel()
	for source, want := range map[string]string{
		`{{ conversation.subject }}`:                                           "1042",
		`{{ conversation.subject | upcase }}`:                                  "1042",
		`{{ conversation.subject | default: "your mail" }}`:                    "your mail",
		`{{ customer.first_name | default: "there" }}`:                         "there",
		`{{ customer.first_name | upcase | default: "there" }}`:                "there",
		`{{ agent.name | default: customer.name }}`:                            "",
		`{% if customer.name %}{{ customer.name }}{% else %}none{% endif %}`:   "none",
		`{% if customer.email contains "@" %}yes{% else %}no{% endif %}`:       "no",
		`{{ customer.email | default: "-" }} {{ customer.last_name }}`:         "- ",
		`{{ some.other_thing | default: "withheld" }}`:                         "withheld",
		`{%customer.fullName,fallback=there%} {{ mailbox.name }} {%subject%}.`: "there Acme & Sons 1042.",
	} {
		if got := render(t, Text, source, Options{Untrusted: true}); got != want {
			t.Errorf("%s: got %q, want %q", source, got, want)
		}
	}
	// Whatever variable the table calls the customer's own is withheld.
	for _, v := range Variables() {
		p, err := Parse("{{ "+v.Name+" }}", Text)
		if err != nil {
			t.Fatal(err)
		}
		got, err := p.Render(Options{Untrusted: true}, func(name string) (string, bool) { return "<" + name + ">", true })
		if err != nil {
			t.Fatal(err)
		}
		if shown := strings.Contains(got, "<"+v.Name+">"); shown == v.Supplied {
			t.Errorf("%s: rendered %q, supplied by the customer: %v", v.Name, got, v.Supplied)
		}
	}
}

func TestValuesCannotPoseAsOtherText(t *testing.T) {
	t.Parallel()
	p, err := Parse("{{ customer.name }}", Text)
	if err != nil {
		t.Fatal(err)
	}
	got, err := p.Render(Options{}, func(string) (string, bool) {
		return "  \u202Eanna\u2066\x1b[31m\xff {{ conversation.number }}\t", true
	})
	if err != nil || got != "anna[31m\uFFFD {{ conversation.number }}" {
		t.Errorf("got %q, %v", got, err)
	}
	got, _ = p.Render(Options{}, func(string) (string, bool) { return strings.Repeat("ä", MaxValue+5), true })
	if n := len([]rune(got)); n != MaxValue {
		t.Errorf("a long value has %d runes, want %d", n, MaxValue)
	}
}

func TestRenderInZone(t *testing.T) {
	t.Parallel()
	zone := time.FixedZone("X", 2*3600)
	if got := render(t, Text, `{{ conversation.created | date: "%d %H:%M" }}`, Options{Zone: zone}); got != "01 01:30" {
		t.Errorf("got %q", got)
	}
}

func TestOutputIsLimited(t *testing.T) {
	t.Parallel()
	p, err := Parse(strings.Repeat("{{ customer.name }}", 500), Text)
	if err != nil {
		t.Fatal(err)
	}
	_, err = p.Render(Options{}, func(string) (string, bool) { return strings.Repeat("x", MaxValue), true })
	if postroom.CodeOf(err) != postroom.Invalid {
		t.Errorf("a million bytes: %v", err)
	}
}

func TestParseFaults(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ source, want string }{
		{"a\nb {{ x", "Line 2, column 3: this is opened but never closed with }}."},
		{"{{ }}", "the name of a variable is missing"},
		{"{{ a b }}", `"b" has no place here`},
		{"{{ a | }}", "the name of a filter is missing"},
		{"{{ a | shout }}", `there is no filter "shout"`},
		{"{{ a | default }}", "needs an argument"},
		{"{{ a | default: }}", "misses what follows its colon"},
		{`{{ a | upcase: "x" }}`, "takes no argument"},
		{`{{ a | truncate: 0 }}`, "between 1 and"},
		{`{{ a | truncate: 5, "…", "x" }}`, "at most 2 arguments"},
		{`{{ a | truncate: b }}`, "stands in quotes"},
		{`{{ a | date: "%Q" }}`, "not a way to write a date"},
		{`{{ a | date: "%Y", "Mars/Base" }}`, "not a time zone"},
		{`{{ a | default: "x }}`, "quotation mark is not closed"},
		{`{{ a > 1 }}`, `">" has no place here`},
		{"{% if %}x{% endif %}", "a condition is missing"},
		{"{% if a == %}x{% endif %}", "nothing follows =="},
		{"{% if a b %}x{% endif %}", `"b" has no place in this condition`},
		{"{% if a and b or c %}x{% endif %}", "do not mix"},
		{"{% if a %}x", "this if is never ended with {% endif %}"},
		{"{% if a %}x{% endunless %}", "ends what was begun with if"},
		{"{% unless a %}x", "{% endunless %}"},
		{"{% if a %}{% else %}{% else %}{% endif %}", "else follows an else"},
		{"{% if a %}{% else b %}{% endif %}", "elsif"},
		{"{% elseif a %}", "it is written {% elsif … %}"},
		{"x\n\n {% endif %}", "Line 3, column 2: {% endif %} stands here without its beginning."},
		{"{% comment %}", "never ended with {% endcomment %}"},
		{"{% endcomment %}", "without its beginning"},
		{"{% customer %}", "there is no tag"},
		{"{% %}", "a tag begins with a word"},
		{"{% for x in y %}{% endfor %}", `there is no tag "for"`},
		{strings.Repeat("{% if a %}", MaxNesting+1), "more than 10 times"},
		{strings.Repeat("{{a}}", MaxTags+1), "more than 1000 tags"},
		{strings.Repeat("x", MaxSource+1), "longer than"},
		{"\xff", "not valid UTF-8"},
	} {
		_, err := Parse(c.source, Text)
		if err == nil || !strings.Contains(err.Error(), c.want) || postroom.CodeOf(err) != postroom.Invalid {
			t.Errorf("%.60s: got %v, want %q", c.source, err, c.want)
		}
	}
}

// W10: an unknown variable is an error when saved, one that may be empty needs
// a default before publishing.
func TestCheck(t *testing.T) {
	t.Parallel()
	const fine, notYet = "", "may be empty"
	for _, c := range []struct {
		mode   Mode
		source string
		fault  string // of CheckPublish
		saved  bool   // whether Check lets it pass
	}{
		{Text, `{{ conversation.number }} {{ conversation.subject }} {{ mailbox.name }}`, fine, true},
		{Text, `{{ customer.name }}`, notYet, true},
		{Text, `{{ customer.name | default: "" }}`, notYet, true},
		{Text, `{{ customer.name | upcase | default: "x" }}`, fine, true},
		{Text, `{{ customer.name | default: agent.name }}`, notYet, true},
		{Text, `{{ customer.name | default: mailbox.name }}`, fine, true},
		{Text, `{{ customer.name | default: agent.name | default: "x" }}`, fine, true},
		{Text, `{%customer.fullName%}`, notYet, true},
		{Text, `{%customer.fullName,fallback=%}`, notYet, true},
		{Text, `{%customer.fullName,fallback=x%}`, fine, true},
		{Text, `{% if customer.name %}{{ customer.name }}{% endif %}`, fine, true},
		{Text, `{% if customer.name %}{{ agent.name }}{% endif %}`, notYet, true},
		{Text, `{% if customer.name %}a{% else %}{{ customer.name }}{% endif %}`, notYet, true},
		{Text, `{% if customer.name and agent.name %}{{ customer.name }} {{ agent.name }}{% endif %}`, fine, true},
		{Text, `{% if customer.name or agent.name %}{{ customer.name }}{% endif %}`, notYet, true},
		{Text, `{% unless customer.name %}a{% else %}{{ customer.name }}{% endunless %}`, fine, true},
		{Text, `{% unless customer.name %}{{ customer.name }}{% endunless %}`, notYet, true},
		{Text, `{% if customer.name == blank %}a{% else %}{{ customer.name }}{% endif %}`, fine, true},
		{Text, `{% if customer.name == "" %}a{% elsif agent.name %}{{ customer.name }}{% endif %}`, fine, true},
		{Text, `{% if customer.name != blank %}{{ customer.name }}{% endif %}`, fine, true},
		{Text, `{% if customer.name == "x" %}{{ customer.name }}{% endif %}`, fine, true},
		{Text, `{% if customer.name contains "x" %}{{ customer.name }}{% endif %}`, fine, true},
		{Text, `{% unless customer.name == blank or agent.name == blank %}{{ customer.name }}{% endunless %}`, fine, true},
		{Text, `{{ custmer.name }}`, "did you mean customer.name?", false},
		{Text, `{{ customer.shoe_size }}`, `there is no variable "customer.shoe_size"`, false},
		{Text, `{% if customer.shoe_size %}x{% endif %}`, "there is no variable", false},
		{Text, `{{ customer.name | default: other }}`, "there is no variable", false},
		{Text, `{%customer.phone,fallback=x%}`, "there is no variable", false},
		{Text, `{{ customer.name | date: "%Y" | default: "x" }}`, "not a time", false},
		{HTML, `<a href="mailto:{{ mailbox.address }}">x</a>`, fine, true},
		{HTML, `<a href={{ mailbox.address }}>x</a>`, "within quotes", false},
		{HTML, `<a href="{{ customer.email | default: "x" }}">x</a>`, "must not stand inside an HTML tag", false},
		{HTML, `<a title="{{ agent.name | default: conversation.subject }}">x</a>`, "must not stand inside", false},
		{HTML, `<a title="x > y">{{ conversation.subject }}</a> 1 < 2 {{ conversation.subject }}`, fine, true},
	} {
		p, err := Parse(c.source, c.mode)
		if err != nil {
			t.Errorf("%s: %v", c.source, err)
			continue
		}
		if err := p.Check(Variables()); (err == nil) != c.saved {
			t.Errorf("%s: saving gives %v", c.source, err)
		}
		err = p.CheckPublish(Variables())
		if c.fault == fine && err != nil || c.fault != fine && (err == nil || !strings.Contains(err.Error(), c.fault)) {
			t.Errorf("%s: publishing gives %v, want %q", c.source, err, c.fault)
		}
	}
}

func TestTableOfVariables(t *testing.T) {
	t.Parallel()
	seen := map[string]bool{}
	for _, v := range Variables() {
		if seen[v.Name] || v.Label == "" || v.Doc == "" || v.Example == "" {
			t.Errorf("%s: twice, or not documented", v.Name)
		}
		seen[v.Name] = true
		if v.Instead != "" {
			if w, ok := Lookup(v.Instead); !ok || w.Optional || w.Supplied {
				t.Errorf("%s: %s cannot stand in", v.Name, v.Instead)
			}
		}
		if _, err := time.Parse(time.RFC3339, v.Example); (err == nil) != v.Moment {
			t.Errorf("%s: example %q", v.Name, v.Example)
		}
		if strings.HasPrefix(v.Name, "message.") {
			t.Errorf("%s: mails must not repeat a message (A8)", v.Name)
		}
	}
	for theirs, ours := range freescout {
		if !seen[ours] {
			t.Errorf("%s stands for %s, which does not exist", theirs, ours)
		}
	}
}

func TestNamesAndBlank(t *testing.T) {
	t.Parallel()
	p, err := Parse(`{{ a.a | default: b.b }}{% if c.c == d.d %}{{ a.a }}{% else %}{{ e.e }}{% endif %}`, Text)
	if err != nil {
		t.Fatal(err)
	}
	if got := strings.Join(p.Names(), " "); got != "a.a b.b c.c d.d e.e" {
		t.Errorf("names: %s", got)
	}
	for source, want := range map[string]bool{
		" \n": true, "{% comment %}x{% endcomment %}": true, "{% if a %} {% endif %}": true,
		"x": false, "{{ a }}": false, "{% if a %}{% else %}x{% endif %}": false,
	} {
		p, err := Parse(source, Text)
		if err != nil {
			t.Fatal(err)
		}
		if p.Blank() != want {
			t.Errorf("%q is blank: %v", source, p.Blank())
		}
	}
}

func FuzzParse(f *testing.F) {
	for _, s := range []string{
		`Hello {{ customer.first_name | default: "there" }}`,
		`{% if agent.name == "x" and customer.name contains 'y' %}a{% elsif b %}c{% else %}d{% endif %}`,
		`{%customer.firstName,fallback=there%}`, "{{- a | date: \"%-d\", \"UTC\" -}}", `<a b="{{ c }}">`,
		"{% unless a %}{% comment %}{% endcomment %}{% endunless %}", "{{ “a„ }}", "{{&quot;}}",
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, source string) {
		for _, mode := range []Mode{Text, HTML, Subject} {
			p, err := Parse(source, mode)
			if err != nil {
				if postroom.CodeOf(err) != postroom.Invalid {
					t.Fatalf("%q: %v", source, err)
				}
				continue
			}
			_ = p.CheckPublish(Variables())
			marked := func(string) (string, bool) { return "<i>\r\n\u202e&", true }
			out, err := p.Render(Options{}, marked)
			if err != nil {
				continue
			}
			if mode == HTML && strings.Contains(out, "<i>") && !strings.Contains(source, "<i>") {
				t.Fatalf("%q renders to %q", source, out)
			}
			if mode == Subject && strings.ContainsAny(out, "\r\n\x00") {
				t.Fatalf("%q renders to %q", source, out)
			}
			if again, _ := p.Render(Options{}, marked); again != out {
				t.Fatalf("%q renders differently", source)
			}
		}
	})
}
