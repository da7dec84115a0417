package workflow

import (
	"fmt"
	"net/mail"
	"slices"
	"strings"

	"postroom"
	"postroom/internal/template"
)

// AssignBy says how one of several agents is chosen.
type AssignBy string

// The ways.
const (
	RoundRobin  AssignBy = "round_robin"  // each in turn, in the order of the list
	LeastLoaded AssignBy = "least_loaded" // who has the fewest open conversations
)

// The bounds of the actions that name several people or texts.
const (
	MaxAgents    = 100 // of one action
	MaxAddresses = 10  // of one action
	MaxTexts     = 40  // languages of one reply
)

// Aside reports whether the action mails somebody else than the customer.
func (k ActionKind) Aside() bool { return k == DoMail || k == DoForward }

// Says reports whether the action says something: what is said comes before
// what is changed (W3).
func (k ActionKind) Says() bool { return k == DoReply || k == DoNote || k.Aside() }

// more checks an action of a kind that is described in this file; allowed gets
// the fields it may have. known is false for any other kind.
func (c *compiler) more(a Action, path string, allowed map[string]bool) (known bool) {
	allow := func(names ...string) {
		for _, n := range names {
			allowed[n] = true
		}
	}
	switch a.Do {
	case DoSubject:
		allow("subject")
		if strings.TrimSpace(a.Subject) == "" {
			c.fault(path+".subject", "A conversation needs a subject.")
		}
	case DoMove:
		allow("mailbox")
		if a.Mailbox <= 0 {
			c.fault(path+".mailbox", "Say into which mailbox.")
		}
	case DoDelete, DoSpam:
	case DoWebhook:
		allow("method", "url", "headers", "text", "content_type", "sign")
		c.webhook(a, path)
	case DoFollow:
		allow("agents", "unfollow")
		c.follow(a, path)
	case DoTeam:
		allow("team")
		c.team(a, path, false)
	case DoField:
		allow("field", "value")
		c.setField(a, path)
	case DoSnooze:
		allow("for", "until")
	case DoRun:
		allow("workflow")
		c.run(a, path)
	case DoWait:
		allow("for", "unless")
	case DoMail:
		allow("agents", "assignee", "team", "to", "subject", "text", "html")
		if (a.Text == "") == (a.HTML == "") {
			c.fault(path+".text", "A mail has a text, or HTML, and not both.")
		}
		if len(a.Agents)+len(a.To) == 0 && !a.Assignee && a.Team == nil {
			c.fault(path+".to", "Say to whom to send it.")
		}
		c.agents(a, path)
		c.team(a, path, true)
		c.addresses(a, path)
	case DoForward:
		allow("to", "text")
		if len(a.To) == 0 {
			c.fault(path+".to", "Say to whom to forward it.")
		}
		c.addresses(a, path)
		if kind := c.version.Definition.When.Judges(); kind != "" && !kindHas(kind, "message.") {
			c.fault(path+".do", "When %s there is no message to forward.", EventLabel(kind))
		}
	default:
		return false
	}
	return true
}

// assign checks whom an action assigns to.
func (c *compiler) assign(a Action, path string) {
	switch {
	case a.By == "" && (len(a.Agents) > 0 || a.Team != nil):
		c.fault(path+".by", "Say how one of these agents is chosen.")
	case a.By == "" && (a.Agent == nil || *a.Agent < 0):
		c.fault(path+".agent", "Say to whom to assign; 0 is nobody.")
	case a.By == "":
	case a.By != RoundRobin && a.By != LeastLoaded:
		c.fault(path+".by", "%q is not a way of choosing; it is one of round_robin and least_loaded.", a.By)
	case a.Agent != nil:
		c.fault(path+".agent", "It assigns to one agent or chooses among several, not both.")
	case a.Team != nil && len(a.Agents) > 0:
		c.fault(path+".team", "It chooses among these agents or among the members of a team, not both.")
	case a.Team == nil && len(a.Agents) == 0:
		c.fault(path+".agents", "Choose the agents who take turns, or a team.")
	}
	c.agents(a, path)
	c.team(a, path, true)
}

func (c *compiler) agents(a Action, path string) {
	if len(a.Agents) > MaxAgents {
		c.fault(path+".agents", "One action names at most %d agents.", MaxAgents)
	}
	for i, id := range a.Agents {
		switch {
		case id <= 0:
			c.fault(fmt.Sprintf("%s.agents[%d]", path, i), "%d is not an agent.", id)
		case slices.Index(a.Agents, id) < i:
			c.fault(fmt.Sprintf("%s.agents[%d]", path, i), "This agent stands there twice.")
		}
	}
}

func (c *compiler) addresses(a Action, path string) {
	if len(a.To) > MaxAddresses {
		c.fault(path+".to", "One action mails at most %d addresses.", MaxAddresses)
	}
	for i, to := range a.To {
		at := fmt.Sprintf("%s.to[%d]", path, i)
		parsed, err := mail.ParseAddress(to)
		switch {
		case err != nil || parsed.Address != to || parsed.Name != "" || len(to) > 254:
			c.fault(at, "%q is not a mail address, such as boss@example.com.", clip(to))
		case slices.IndexFunc(a.To, func(x string) bool { return postroom.Canonical(x) == postroom.Canonical(to) }) < i:
			c.fault(at, "This address stands there twice.")
		}
	}
}

// subject parses the template of an action's subject, if it has one.
func (c *compiler) subject(a Action, path string) *template.Template {
	if a.Subject == "" {
		return nil
	}
	return c.template(a.Subject, template.Subject, path+".subject")
}

// texts parses the texts of an action in further languages.
func (c *compiler) texts(a Action, path string) map[string]*template.Template {
	if len(a.Texts) > MaxTexts {
		c.fault(path+".texts", "A reply has at most %d further languages.", MaxTexts)
		return nil
	}
	var out map[string]*template.Template
	for _, language := range sortedKeys(a.Texts) {
		at := path + ".texts." + language
		if got, ok := postroom.ParseLanguage(language); !ok || got != language {
			c.fault(at, "%q is not a language, such as de or pt-br.", clip(language))
			continue
		}
		mode := template.Text
		if a.HTML != "" {
			mode = template.HTML
		}
		t := c.template(a.Texts[language], mode, at)
		if t == nil {
			continue
		}
		if t.Blank() {
			c.fault(at, "A reply needs a text.")
		}
		if out == nil {
			out = map[string]*template.Template{}
		}
		out[language] = t
	}
	return out
}

func sortedKeys(m map[string]string) []string {
	out := make([]string, 0, len(m))
	for k := range m {
		out = append(out, k)
	}
	slices.Sort(out)
	return out
}

func upper(words []string) []string {
	for i, w := range words {
		words[i] = strings.ToUpper(w)
	}
	return words
}

// template parses and checks one template.
func (c *compiler) template(source string, mode template.Mode, path string) *template.Template {
	t, err := template.Parse(source, mode)
	if err == nil && c.publish {
		err = t.CheckPublish(template.Variables())
	} else if err == nil {
		err = t.Check(template.Variables())
	}
	if err != nil {
		c.fault(path, "%s", postroom.TextOf(err))
		return nil
	}
	return t
}

// in chooses the text for a customer's language: that of the language, of it
// without its region, else the one that is for everybody.
func (a compiledAction) in(language string) *template.Template {
	if t := a.texts[language]; t != nil {
		return t
	}
	primary, _, _ := strings.Cut(language, "-")
	if t := a.texts[primary]; t != nil {
		return t
	}
	return a.body
}

// moreWords says an action of a kind that is described in this file.
func (a Action) moreWords(names Names) string {
	switch a.Do {
	case DoSubject:
		if a.Subject == "" {
			return "change the subject to " + gap
		}
		return "change the subject to " + quoteShort(a.Subject)
	case DoMove:
		if a.Mailbox == 0 {
			return "move it to " + gap
		}
		return "move it to " + names.of(RefMailbox, a.Mailbox)
	case DoFollow:
		return a.followWords(names)
	case DoDelete:
		return "delete it"
	case DoSpam:
		return "mark it as spam"
	case DoTeam:
		return a.teamWords(names)
	case DoField:
		return a.setWords(names)
	case DoSnooze:
		return a.snoozeWords()
	case DoRun:
		return a.runWords(names)
	case DoWait:
		return a.waitWords(names)
	case DoMail:
		return "mail " + a.recipients(names)
	case DoForward:
		return "forward the message to " + a.recipients(names)
	case DoWebhook:
		return a.callWords()
	}
	return string(a.Do)
}

// recipients names whom an action mails.
func (a Action) recipients(names Names) string {
	var out []string
	if a.Assignee {
		out = append(out, "the assignee")
	}
	for _, id := range a.Agents {
		out = append(out, names.of(RefAgent, id))
	}
	if a.Team != nil {
		out = append(out, membersWords(*a.Team, names))
	}
	out = append(out, a.To...)
	if len(out) == 0 {
		return gap
	}
	return list(out, "and")
}

// assignWords says whom an action assigns to.
func (a Action) assignWords(names Names) string {
	shown := make([]string, len(a.Agents))
	for i, id := range a.Agents {
		shown[i] = names.of(RefAgent, id)
	}
	who := gap
	if len(shown) > 0 {
		who = list(shown, "or")
	}
	if a.Team != nil {
		who = "one of " + membersWords(*a.Team, names)
	}
	if a.By == LeastLoaded {
		return "assign it to " + who + ", whoever has the fewest open conversations"
	}
	return "assign it to " + who + ", in turn"
}
