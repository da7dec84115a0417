package email

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"text/template"
	"time"
)

// A notification as agents get it.
var (
	sentText = SeparatorText("Answer above this line") + `

Jane Doe answered: Printer on fire (#12)

Hello, the printer is still burning. What shall I do?
Jane

Earlier:

Ann, yesterday: Please pull the plug, and tell us the serial number.
Note by Ben: she is a difficult customer, do not offer a refund.

https://desk.acme.example/conversations/12

What you may write at the top of your answer:
@close closes the conversation
@assign NAME gives it to an agent
@note keeps your text as an internal note
` + MarkerText("k1aabcdefghijklmnopqrstuvwxyz2345")
	sentHTML = SeparatorHTML("Answer above this line") + `<p>Jane Doe answered: <b>Printer on fire</b> (#12)</p>
<p>Hello, the printer is still burning. What shall I do?<br>Jane</p><p>Earlier:</p>
<p>Ann, yesterday: Please pull the plug, and tell us the serial number.</p>
<p>Note by Ben: she is a difficult customer, do not offer a refund.</p>
<p><a href="https://desk.acme.example/conversations/12">https://desk.acme.example/conversations/12</a></p>
<p>What you may write at the top of your answer:<br>@close closes the conversation<br>@assign NAME gives it to an agent<br>@note keeps your text as an internal note</p>` +
		MarkerHTML("k1aabcdefghijklmnopqrstuvwxyz2345")
)

// clientMail makes an answer in the shape of a mail program.
func clientMail(t testing.TB, shape, text string) *Mail {
	t.Helper()
	body, err := os.ReadFile(filepath.Join("testdata", "answers", shape+".eml"))
	if err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(text, "\n")
	html := ""
	for _, l := range lines {
		if l == "" {
			l = "<br>"
		}
		html += "<div>" + l + "</div>"
	}
	var out strings.Builder
	err = template.Must(template.New(shape).Funcs(template.FuncMap{
		"quote": func(s string) string { return "> " + strings.ReplaceAll(s, "\n", "\n> ") },
		"x":     func(s string) string { return strings.ReplaceAll(s, `class="`, `class="x_`) },
		"mso": func(s string) string {
			return strings.NewReplacer("<div>", `<p class="MsoNormal">`, "</div>", "<o:p></o:p></p>").Replace(s)
		},
		"plainclass":  func(s string) string { return strings.ReplaceAll(s, `class="`, `class="MsoNormal `) },
		"withoutline": func(s string) string { return strings.SplitN(s, "\n", 3)[2] },
	}).Parse(string(body))).Execute(&out, map[string]string{
		"From": "Ann <ann@acme.example>", "To": "support+token@acme.example", "Mailbox": "support@acme.example", "Subject": "Printer on fire",
		"Date": "Mon, 02 Mar 2026 10:05:00 +0000", "ID": "answer-1@acme.example", "InReplyTo": "mail.k1@acme.example", "Headers": "",
		"Text": text, "HTML": html, "SentText": sentText, "SentHTML": sentHTML,
	})
	if err != nil {
		t.Fatal(err)
	}
	m := Parse([]byte(strings.ReplaceAll(out.String(), "\n", "\r\n")), ParseOptions{})
	if m.Err != nil {
		t.Fatal(m.Err)
	}
	return m
}

// shapes are the mail programs whose answers are known.
func shapes(t testing.TB) []string {
	t.Helper()
	files, err := filepath.Glob(filepath.Join("testdata", "answers", "*.eml"))
	if err != nil || len(files) < 10 {
		t.Fatalf("%d shapes of answers: %v", len(files), err)
	}
	for i, f := range files {
		files[i] = strings.TrimSuffix(filepath.Base(f), ".eml")
	}
	return files
}

// said puts commands into one line.
func said(a Answer) string {
	var out []string
	for _, c := range a.Commands {
		word := string(c.Verb)
		if c.Verb == CommandStatus {
			word = string(c.Status)
		}
		for i, v := range c.Values {
			sep := " "
			if i > 0 {
				sep = ", "
			}
			if v.Quoted {
				v.Text = "“" + v.Text + "”"
			}
			word += sep + v.Text
		}
		out = append(out, word)
	}
	return strings.Join(out, "; ")
}

var annContext = AnswerContext{Sent: sentText, Names: []string{"Ann Miller", "ann@acme.example"}}

// TestAnswersOfMailPrograms: in every shape the commands are found, the text is
// whole, and not one word of the notification stays.
func TestAnswersOfMailPrograms(t *testing.T) {
	t.Parallel()
	for _, shape := range shapes(t) {
		for _, c := range []struct{ written, commands, text string }{
			{"@close", "closed", ""},
			{"@close\n\nDear Jane,\nall is well.\n\nAnn", "closed", "Dear Jane,\nall is well.\n\nAnn"},
			{"Dear Jane,\n\nall is well.", "", "Dear Jane,\n\nall is well."},
			{"@Closed @assign me\n@tag fire, “hot stuff”\nDone.", "closed; assign me; tag fire, “hot stuff”", "Done."},
			{"@note\nShe called again.", "note", "She called again."},
			{"@pending Tell us the number, please.", "pending", "Tell us the number, please."},
		} {
			a := ReadAnswer(clientMail(t, shape, c.written), annContext)
			if len(a.Faults) > 0 {
				t.Errorf("%s: %q has faults %q", shape, c.written, a.Faults)
				continue
			}
			if said(a) != c.commands {
				t.Errorf("%s: %q says %q, want %q", shape, c.written, said(a), c.commands)
			}
			if got := squash(a.Text); got != squash(c.text) {
				t.Errorf("%s: %q leaves %q, want %q", shape, c.written, a.Text, c.text)
			}
			if html := squash(TextFromHTML(a.HTML)); html != squash(c.text) {
				t.Errorf("%s: %q leaves the HTML %q, want %q", shape, c.written, html, c.text)
			}
		}
	}
}

// TestFaultyAnswers: what may not be acted on says why, in every shape, and
// leaves no text behind that somebody could send.
func TestFaultyAnswers(t *testing.T) {
	t.Parallel()
	for _, shape := range shapes(t) {
		for _, c := range []struct{ written, fault string }{
			{"@clsoe\nThanks", "Did you mean @close?"},
			{"@ann thanks for the hint", "write the @ twice: @@ann"},
			{"Dear Jane,\nthat is it.\n@close", "stands in your text"},
			{"Thanks! @close", "stands in your text"},
		} {
			a := ReadAnswer(clientMail(t, shape, c.written), annContext)
			if !strings.Contains(strings.Join(a.Faults, "\n"), c.fault) {
				t.Errorf("%s: %q has faults %q, want %q", shape, c.written, a.Faults, c.fault)
			}
			if a.Text+a.HTML != "" {
				t.Errorf("%s: %q leaves %q", shape, c.written, a.Text)
			}
		}
	}
}

// TestCommandWordsAreTheCommands holds the list that notifications, returned
// answers and the guide show against what is understood: nothing is shown that
// is no command, and no command is kept from people.
func TestCommandWordsAreTheCommands(t *testing.T) {
	t.Parallel()
	guide, err := os.ReadFile(filepath.Join("..", "..", "docs", "mail-commands.md"))
	if err != nil {
		t.Fatal(err)
	}
	shown := map[string]bool{}
	for _, w := range CommandWords() {
		if !strings.Contains(string(guide), "| `"+w.Usage+"`") {
			t.Errorf("the guide does not have %s", w.Usage)
		}
		for _, word := range regexp.MustCompile(`@\w+`).FindAllString(w.Usage+" "+w.Does, -1) {
			if shown[word[1:]] = true; commandVerbs[word[1:]].Verb == "" {
				t.Errorf("%s is shown and not understood", word)
			}
		}
	}
	for word := range commandVerbs {
		if !shown[word] {
			t.Errorf("@%s is understood and not shown", word)
		}
	}
}

// TestCommandLines reads what people write, one case a line of theirs.
func TestCommandLines(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ written, commands, text, fault string }{
		// Case, punctuation, ornaments, what keyboards make of it.
		{"@CLOSE", "closed", "", ""},
		{"@close.", "closed", "", ""},
		{"@close!\nBye", "closed", "Bye", ""},
		{"@close, @tag vip", "closed; tag vip", "", ""},
		{"@close,@tag vip", "closed; tag vip", "", ""},
		{"*@close*", "closed", "", ""},
		{"**@close**\n_@tag vip_", "closed; tag vip", "", ""},
		{"\u00a0@close\u00a0@pending", "", "", "two statuses"},
		{"\ufeff@close\u200b", "closed", "", ""},
		{"＠close", "closed", "", ""},
		{"  \t@active\t", "active", "", ""},
		{"@close\u00a0Good bye", "closed", "Good bye", ""},
		{"@close @close", "closed; closed", "", ""},
		{"@spam", "spam", "", ""},

		// Names.
		{"@assign Ben", "assign Ben", "", ""},
		{"@assign: Ben.", "assign Ben", "", ""},
		{"@assign Ben Miller\nHello", "assign Ben Miller", "Hello", ""},
		{"@assign \"Ben Miller\" Hello", "assign “Ben Miller”", "Hello", ""},
		{"@assign „Ben Miller“", "assign “Ben Miller”", "", ""},
		{"@assign ben@acme.example @close", "assign ben@acme.example; closed", "", ""},
		{"@assign @ben", "assign ben", "", ""},
		{"@assign me @close", "assign me; closed", "", ""},
		{"@assign nobody", "assign nobody", "", ""},
		{"@assign", "", "", "@assign stands without a name"},
		{"@assign @close", "", "", "@assign stands without a name"},
		{"@assign Ann\n@assign Ben", "", "", "assigns the conversation twice"},
		{"@assign \"Ben", "assign Ben", "", ""},

		// Tags.
		{"@tag vip", "tag vip", "", ""},
		{"@tag #vip, #urgent", "tag vip, urgent", "", ""},
		{"@tag vip, big customer, \"a, b\"", "tag vip, big customer, “a, b”", "", ""},
		{"@tag vip @tag urgent\n@tag late", "tag vip; tag urgent; tag late", "", ""},
		{"@tag \"big customer\" Hello Jane", "tag “big customer”", "Hello Jane", ""},
		{"@tag", "", "", "@tag stands without a name"},

		// Words that are none.
		{"@closee", "", "", "Did you mean @close?"},
		{"@close @foo\nThanks", "", "", "@foo is no command"},
		{"@resolved thanks", "", "", "Did you mean @close?"},
		{"@help", "", "", "@help is no command"},
		{"@ close", "", "", "@ close is no command"},
		{"@ 5 pm it is", "", "@ 5 pm it is", ""},
		{"@close.io is down", "", "", "@close.io is no command"},
		{"@close@acme.example", "", "", "is no command"},
		{"@müller sagt", "", "", "@müller is no command"},
		{"@@ann thanks", "", "@ann thanks", ""},
		{"@close\n@@ann thanks", "closed", "@ann thanks", ""},
		{"@@close is a command", "", "@close is a command", ""},

		// Within the text.
		{"Write to ann@close.example, or @brightwater", "", "Write to ann@close.example, or @brightwater", ""},
		{"We are\n@brightwater on every network", "", "We are\n@brightwater on every network", ""},
		{"Hello\n@pendng", "", "", "looks like @pending"},
		{"Hello\n@done", "", "", "looks like @close"},
		{"Hello\n- @close", "", "", "stands in your text"},
		{"Hello \"@close\"", "", "", "stands in your text"},
		{"See https://x.example/@close and a@close", "", "See https://x.example/@close and a@close", ""},
		{"Type @@close to us", "", "Type @close to us", ""},
		{"@note Ask Ben about @close", "note", "Ask Ben about @close", ""},
		{"@note\nAsk Ben\n@close", "", "", "stands in your text"},
		{"@note @close\nAll said on the phone", "note; closed", "All said on the phone", ""},

		// Signatures are no message.
		{"@close\n-- \nAnn Miller\nAcme", "closed", "", ""},
		{"@close\n\nAnn Miller\nCustomer happiness, Acme Ltd.\n+49 30 1234", "closed", "", ""},
		{"@close\n\nKind regards,\nAnn", "closed", "", ""},
		{"@close\n\nThanks,\nAnn", "closed", "Thanks,\nAnn", ""},
		{"@close\n\nAnn will call you at nine.", "closed", "Ann will call you at nine.", ""},
		{"@close\n\nSent from my iPhone", "closed", "", ""},

		{"", "", "", "nothing"},
		{"@close\n> is it?\nNo.", "closed", "", ""}, // the second line is no quote of the notification, but the words are above
	} {
		for _, kind := range []string{"no_quote", "html"} {
			if strings.Contains(c.written, ">") {
				continue
			}
			var m *Mail
			if kind == "html" {
				body := ""
				for l := range strings.SplitSeq(c.written, "\n") {
					body += "<div>" + strings.ReplaceAll(HTMLFromText(l), "&#64;", "@") + "</div>"
				}
				m = Parse([]byte("From: ann@acme.example\r\nContent-Type: text/html; charset=utf-8\r\n\r\n"+body), ParseOptions{})
			} else {
				m = Parse([]byte("From: ann@acme.example\r\nContent-Type: text/plain; charset=utf-8\r\n\r\n"+strings.ReplaceAll(c.written, "\n", "\r\n")), ParseOptions{})
			}
			a := ReadAnswer(m, annContext)
			if c.fault != "" {
				if !strings.Contains(strings.Join(a.Faults, "\n"), c.fault) || a.Text+a.HTML != "" {
					t.Errorf("%s %q: faults %q, text %q; want the fault %q and no text", kind, c.written, a.Faults, a.Text, c.fault)
				}
				continue
			}
			if len(a.Faults) > 0 || said(a) != c.commands || squash(a.Text) != squash(c.text) || squash(TextFromHTML(a.HTML)) != squash(c.text) {
				t.Errorf("%s %q: says %q, leaves %q and %q, faults %q; want %q and %q", kind, c.written, said(a), a.Text, a.HTML, a.Faults, c.commands, c.text)
			}
		}
	}
}

// TestAnswersBetweenQuotedLines go back: they cannot be told from what is
// ours.
func TestAnswersBetweenQuotedLines(t *testing.T) {
	t.Parallel()
	quoted := "> " + strings.ReplaceAll(sentText, "\n", "\n> ")
	half := strings.Index(quoted, "> Earlier")
	plain := func(body string) *Mail {
		return Parse([]byte("From: ann@acme.example\r\nContent-Type: text/plain; charset=utf-8\r\n\r\n"+strings.ReplaceAll(body, "\n", "\r\n")), ParseOptions{})
	}
	intro := "On 02/03/2026 10:00, Acme Support wrote:\n"
	for name, c := range map[string]struct{ body, commands, text, fault string }{
		"between":           {intro + quoted[:half] + "Pull the plug.\n" + quoted[half:], "", "", "between the lines"},
		"above and between": {"@close\n\n" + intro + quoted[:half] + "Pull the plug.\n" + quoted[half:], "", "", "between the lines"},
		"below":             {intro + quoted + "\n\nPull the plug.", "", "", "Above what you quote there is nothing"},
		"command below":     {intro + quoted + "\n\n@close\nPull the plug.", "closed", "Pull the plug.", ""},
		"footer below":      {"@close\n\n" + intro + quoted + "\n\nThis message is confidential.", "closed", "", ""},
		"nothing":           {intro + quoted, "", "", "Above what you quote there is nothing"},
		"a part, no marks":  {"@close\n\n" + strings.Join(strings.Split(sentText, "\n")[2:12], "\n"), "closed", "", ""},
		"its own date":      {"@close\n\nOn 2 March 2026 you wrote:\nthat it burns. It does not.", "", "", "cannot be told apart"},
		"forwarded":         {"Look!\n\n---------- Forwarded message ---------\n" + sentText, "", "Look!", ""},
	} {
		a := ReadAnswer(plain(c.body), annContext)
		faults := strings.Join(a.Faults, "\n")
		if said(a) != c.commands && c.fault == "" || a.Text != c.text || c.fault == "" && faults != "" || !strings.Contains(faults, c.fault) {
			t.Errorf("%s: says %q, leaves %q, faults %q", name, said(a), a.Text, a.Faults)
		}
	}
	m := plain("Hello")
	m.Subject = "Fwd: Printer"
	if a := ReadAnswer(m, annContext); len(a.Faults) != 1 {
		t.Errorf("a forward: %+v", a)
	}
	m = plain("Hello")
	m.Encryption = EncryptedPGP
	if a := ReadAnswer(m, annContext); len(a.Faults) != 1 {
		t.Errorf("encrypted: %+v", a)
	}
}

// TestAnswersKeepFormats: what stands below the commands keeps its formats and
// pictures.
func TestAnswersKeepFormats(t *testing.T) {
	t.Parallel()
	const body = `<div dir="ltr"><div>@close <b>@assign me</b><br></div><div><br></div><ul><li>One</li><li><i>Two</i></li></ul><p>See <img src="cid:pic1" alt="the plug"></p><p>Write @@close.</p></div><br><div class="gmail_quote"><div class="gmail_attr">On Mon, Mar 2, 2026 Acme wrote:<br></div><blockquote class="gmail_quote">` + "SENT" + `</blockquote></div>`
	m := Parse([]byte("From: ann@acme.example\r\nContent-Type: text/html; charset=utf-8\r\n\r\n"+strings.Replace(body, "SENT", sentHTML, 1)), ParseOptions{})
	a := ReadAnswer(m, annContext)
	const want = `<div dir="ltr"><ul><li>One</li><li><i>Two</i></li></ul><p>See <img src="cid:pic1" alt="the plug"/></p><p>Write @close.</p></div>`
	if said(a) != "closed; assign me" || a.HTML != want || len(a.Faults) > 0 {
		t.Errorf("says %q, faults %q, leaves\n%s\nwant\n%s", said(a), a.Faults, a.HTML, want)
	}
}

// TestAnswersNeverLeak cuts answers short and mangles them in every shape: the
// worst that may happen is that one goes back to the agent.
func TestAnswersNeverLeak(t *testing.T) {
	t.Parallel()
	secrets := []string{"difficult customer", "do not offer", "k1aabcdefgh", "keeps your text", separatorFence}
	for _, shape := range shapes(t) {
		m := clientMail(t, shape, "@close\n\nDear Jane,\nall is well.")
		for what, change := range map[string]func(*Mail){
			"as it is":     func(*Mail) {},
			"text only":    func(m *Mail) { m.HTML = "" },
			"HTML as text": func(m *Mail) { m.Text, m.HTML = TextFromHTML(m.HTML), "" },
			"no elements":  func(m *Mail) { m.HTML = HTMLFromText(m.PlainText()) },
			"no marks":     func(m *Mail) { m.Text, m.HTML = strings.ReplaceAll(m.PlainText(), "> ", ""), "" },
			"no classes": func(m *Mail) {
				m.HTML = strings.NewReplacer("class=", "data-c=", "id=", "data-i=", "type=\"cite\"", "", "style=", "data-s=").Replace(m.HTML)
			},
			"one line": func(m *Mail) {
				if m.HTML == "" {
					m.Text = strings.ReplaceAll(m.Text, "\n", " ")
				}
			},
			"upper case": func(m *Mail) { m.Text, m.HTML = strings.ToUpper(m.PlainText()), "" },
			"no fence":   func(m *Mail) { m.Text, m.HTML = strings.ReplaceAll(m.PlainText(), separatorFence, ""), "" },
		} {
			c := *m
			change(&c)
			a := ReadAnswer(&c, annContext)
			for _, s := range secrets {
				if strings.Contains(strings.ToLower(a.Text+a.HTML), s) {
					t.Errorf("%s, %s: leaks %q in %q", shape, what, s, a.Text)
				}
			}
			if len(a.Faults) == 0 && (!slices.Equal([]string{"closed"}, []string{said(a)}) || !strings.Contains(strings.ToLower(a.Text), "all is well")) {
				t.Errorf("%s, %s: says %q, leaves %q", shape, what, said(a), a.Text)
			}
		}
	}
}

func FuzzReadAnswer(f *testing.F) {
	for _, shape := range shapes(f) {
		m := clientMail(f, shape, "@close @tag a\n\nDear Jane")
		f.Add(m.Text, m.HTML)
	}
	f.Add("@assign \"", "<p>@@<b>close</b>")
	f.Fuzz(func(t *testing.T, text, html string) {
		m := &Mail{Text: strings.ToValidUTF8(text, "?"), HTML: strings.ToValidUTF8(html, "?")}
		a := ReadAnswer(m, annContext)
		if len(a.Faults) > 0 && a.Text+a.HTML != "" {
			t.Errorf("faults and text: %+v", a)
		}
		if leaks(a.Text) || leaks(a.HTML) {
			t.Errorf("leaks: %q", a.Text)
		}
		for _, c := range a.Commands {
			if (c.Verb == CommandAssign || c.Verb == CommandTag) && len(c.Values) == 0 && len(a.Faults) == 0 {
				t.Errorf("no name: %+v", a)
			}
		}
		_ = fmt.Sprint(a)
	})
}

// TestHugeAnswers: nobody can keep the desk busy with one mail.
func TestHugeAnswers(t *testing.T) {
	t.Parallel()
	for name, unit := range map[string]string{
		"ats": "@", "pairs": "@@close ", "commands": "@close ", "lines": "@close\n", "words": "@foo ", "tags": "@tag a,", "lists": "a,", "sent": "Jane\n", "intros": "On 2 March 2026 she wrote:\n", "quotes": "> a\nb\n", "values": `@tag "`,
	} {
		text := "@tag " + strings.Repeat(unit, 400_000/len(unit))
		for _, m := range []*Mail{{Text: text}, {HTML: "<div>" + strings.ReplaceAll(text, "\n", "</div><div>") + "</div>"}} {
			begin := time.Now()
			ReadAnswer(m, annContext)
			if d := time.Since(begin); d > 20*time.Second {
				t.Errorf("%s took %v", name, d)
			}
		}
	}
}
