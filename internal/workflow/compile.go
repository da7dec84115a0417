package workflow

import (
	"errors"
	"fmt"
	"strings"

	"postroom"
	"postroom/internal/template"
)

// The bounds of a definition. They keep judging fast and a mistake small.
const (
	MaxNesting      = 8        // groups within groups
	MaxConditions   = 200      // leaves of one tree
	MaxValues       = 200      // of one condition
	MaxValue        = 1000     // bytes of one value
	MaxPattern      = 500      // bytes of a regular expression
	MaxProgram      = 1000     // steps of a compiled regular expression
	MaxActions      = 20       // of one Then
	MaxTags         = 50       // of one action
	MaxTextExamined = 64 << 10 // bytes of a text that conditions look at
)

// Identity says which version of which workflow a definition is.
type Identity struct {
	WorkflowID int64
	Number     int    // of the version, from 1
	Key        string // stable name in exports; "" if it has none
	Name       string // as people see it
	MailboxID  int64  // 0: every mailbox
}

// Version is a definition made fit for judging. It never changes and may be
// used by several goroutines.
type Version struct {
	Identity
	Definition Definition // must not be changed

	when    compiledWhen
	cond    *node
	actions []compiledAction
	needs   Needs
	stops   bool
	after   Span           // how long it waits, nothing for not at all
	unless  []compiledWhen // what ends its timers
}

// compiledAction is an action with its templates parsed.
type compiledAction struct {
	Action
	body    *template.Template            // nil if it has none
	subject *template.Template            // nil if it has none
	texts   map[string]*template.Template // by language
	url     *template.Template            // of a webhook
	value   *template.Template            // of a field with a text; nil if it has none
	wait    Span                          // of a wait
	until   sleepMoment                   // of a sleep
	unless  []compiledWhen                // what ends it
}

// Needs says which records its conditions look at.
func (v *Version) Needs() Needs { return v.needs }

// Limited reports whether its limits need Counters.
func (v *Version) Limited() bool {
	l := v.Definition.Limits
	return l.OncePer == OncePerClose || l.OncePer == OncePerConversation || l.CoolDown > 0 || l.Runs > 0
}

// Stops reports whether it keeps later workflows from the events it matches.
func (v *Version) Stops() bool { return v.stops }

// Mails reports whether it mails the customer.
func (v *Version) Mails() bool {
	for _, a := range v.actions {
		if a.Do == DoReply {
			return true
		}
	}
	return false
}

// Fault is one thing wrong with a definition: where, as a path of its JSON
// ("if.all[0].values[1]"), and a sentence for people.
type Fault struct {
	Path string `json:"path"`
	Text string `json:"text"`
}

// Faults is everything wrong with a definition, in the order of its text.
type Faults []Fault

// Error returns the sentences, one a line.
func (f Faults) Error() string {
	lines := make([]string, len(f))
	for i, one := range f {
		lines[i] = one.Path + ": " + one.Text
	}
	return strings.Join(lines, "\n")
}

// err returns nil, or an Invalid error about the first fault whose cause, for
// errors.As, is all of them.
func (f Faults) err() error {
	if len(f) == 0 {
		return nil
	}
	return &postroom.Error{Code: postroom.Invalid, Field: f[0].Path, Text: f[0].Text, Err: f}
}

// FaultsOf returns what an error of Compile or Publishable says is wrong; of
// another error one fault with its field and words, of nil none.
func FaultsOf(err error) Faults {
	var all Faults
	var e *postroom.Error
	switch {
	case err == nil:
		return nil
	case errors.As(err, &all):
		return all
	case errors.As(err, &e):
		return Faults{{Path: e.Field, Text: e.Text}}
	}
	return Faults{{Text: err.Error()}}
}

// Compile checks a definition and makes it fit for judging. The error is
// Invalid, names the first faulty field and carries all Faults. What may only
// be published but not saved is not asked for; see Publishable.
func Compile(d Definition, id Identity) (*Version, error) {
	d, err := d.clone()
	if err != nil {
		return nil, err
	}
	c := compiler{version: &Version{Identity: id, Definition: d}}
	c.definition(d)
	if err := c.faults.err(); err != nil {
		return nil, err
	}
	return c.version, nil
}

// Publishable checks what Compile checks and beyond that what a version that
// really mails people must have: a default for each variable that may be
// empty. The error is like Compile's.
func Publishable(d Definition) error {
	c := compiler{version: &Version{Definition: d}, publish: true}
	c.definition(d)
	return c.faults.err()
}

// compiler collects a version and what is wrong with it.
type compiler struct {
	version *Version
	faults  Faults
	publish bool
	leaves  int
}

func (c *compiler) fault(path, format string, args ...any) {
	c.faults = append(c.faults, Fault{Path: path, Text: fmt.Sprintf(format, args...)})
}

func (c *compiler) definition(d Definition) {
	c.when(d.When)
	if d.If.IsZero() {
		c.version.cond = &node{kind: always}
	} else {
		c.version.cond = c.cond(&c.version.Definition.If, "if", 1)
	}
	switch {
	case len(d.Then) == 0:
		c.fault("then", "A workflow needs at least one action.")
	case len(d.Then) > MaxActions:
		c.fault("then", "A workflow has at most %d actions.", MaxActions)
	default:
		for i, a := range d.Then {
			if c.version.stops {
				c.fault(fmt.Sprintf("then[%d]", i), "Nothing after stop is ever done; stop comes last.")
				break
			}
			c.action(a, fmt.Sprintf("then[%d]", i))
		}
		c.ends(d.Then)
	}
	c.limits(d.Limits)
}

func (c *compiler) limits(l Limits) {
	switch l.OncePer {
	case "", OncePerEvent, OncePerClose, OncePerConversation:
	default:
		c.fault("limits.once_per", "%q is not a limit; it is one of event, close and conversation.", l.OncePer)
	}
	if l.CoolDown < 0 || l.CoolDown > MaxCoolDown {
		c.fault("limits.cool_down", "The cool-down is between 0 and %d minutes.", MaxCoolDown)
	}
	c.moreLimits(l)
	if l.MailsPerConversationDay < 0 || l.MailsPerConversationDay > MaxMailsPerConversationDay {
		c.fault("limits.mails_per_conversation_day", "Between 1 and %d mails a day are possible; 0 stands for the default, %d.",
			MaxMailsPerConversationDay, DefaultMailsPerConversationDay)
	}
}

// action checks one action and parses its templates.
func (c *compiler) action(a Action, path string) {
	known := true
	allowed := map[string]bool{}
	switch a.Do {
	case DoReply:
		allowed["text"], allowed["html"], allowed["texts"] = true, true, true
		if (a.Text == "") == (a.HTML == "") {
			c.fault(path+".text", "A reply has a text, or HTML, and not both.")
		}
	case DoNote:
		allowed["text"] = true
		if strings.TrimSpace(a.Text) == "" {
			c.fault(path+".text", "A note needs a text.")
		}
	case DoStatus:
		allowed["status"] = true
		if _, err := postroom.ParseStatus(string(a.Status)); err != nil {
			c.fault(path+".status", "%s", postroom.TextOf(err))
		}
	case DoAssign:
		allowed["agent"], allowed["agents"], allowed["by"], allowed["team"] = true, true, true, true
		c.assign(a, path)
	case DoTags:
		allowed["add"], allowed["remove"] = true, true
		c.tags(a, path)
	case DoStop:
		c.version.stops = true
	default:
		if known = c.more(a, path, allowed); known {
			break
		}
		c.fault(path+".do", "%q is not an action; it is one of %s.", a.Do, strings.Join(asText(ActionKinds), ", "))
	}
	if known {
		c.strangers(a, path, allowed)
	}
	x := compiledAction{Action: a, body: c.body(a, path), subject: c.subject(a, path), texts: c.texts(a, path), url: urlOf(a)}
	if kind, _, _ := postroom.SplitFieldPath(a.Field); a.Do == DoField && kind == postroom.FieldText && a.Value != "" {
		x.value = c.template(a.Value, template.Text, path+".value")
	}
	if a.Do == DoWait {
		x.wait, x.unless = c.wait(a, path)
	}
	if a.Do == DoSnooze {
		x.wait, x.until = c.snooze(a, path)
	}
	c.version.actions = append(c.version.actions, x)
}

// strangers reports fields that do not belong to the action's kind.
func (c *compiler) strangers(a Action, path string, allowed map[string]bool) {
	for _, f := range []struct {
		name string
		used bool
	}{
		{"text", a.Text != ""}, {"html", a.HTML != ""}, {"status", a.Status != ""},
		{"agent", a.Agent != nil}, {"add", len(a.Add) > 0}, {"remove", len(a.Remove) > 0},
		{"by", a.By != ""}, {"agents", len(a.Agents) > 0}, {"assignee", a.Assignee}, {"team", a.Team != nil}, {"to", len(a.To) > 0},
		{"subject", a.Subject != ""}, {"mailbox", a.Mailbox != 0}, {"unfollow", len(a.Unfollow) > 0}, {"texts", len(a.Texts) > 0},
		{"method", a.Method != ""}, {"url", a.URL != ""}, {"headers", len(a.Headers) > 0}, {"content_type", a.Type != ""}, {"sign", a.Sign != 0},
		{"workflow", a.Workflow != 0}, {"field", a.Field != ""}, {"value", a.Value != ""}, {"for", a.For != ""}, {"unless", len(a.Unless) > 0},
		{"until", a.Until != ""},
	} {
		if f.used && !allowed[f.name] {
			c.fault(path+"."+f.name, "The action %s has no %s.", a.Do, f.name)
		}
	}
}

func (c *compiler) tags(a Action, path string) {
	if len(a.Add)+len(a.Remove) == 0 {
		c.fault(path+".add", "Say which tags to add or to remove.")
	}
	if len(a.Add)+len(a.Remove) > MaxTags {
		c.fault(path+".add", "One action changes at most %d tags.", MaxTags)
	}
	seen := map[int64]bool{}
	for _, list := range []struct {
		name string
		ids  []int64
	}{{"add", a.Add}, {"remove", a.Remove}} {
		for i, id := range list.ids {
			switch {
			case id <= 0:
				c.fault(fmt.Sprintf("%s.%s[%d]", path, list.name, i), "%d is not a tag.", id)
			case seen[id]:
				c.fault(fmt.Sprintf("%s.%s[%d]", path, list.name, i), "This tag stands there twice.")
			}
			seen[id] = true
		}
	}
}

// body parses and checks an action's template, if it has one.
func (c *compiler) body(a Action, path string) *template.Template {
	if a.Do == DoWebhook {
		return c.callBody(a, path)
	}
	source, mode, path := a.Text, template.Text, path+".text"
	if a.HTML != "" {
		source, mode, path = a.HTML, template.HTML, strings.TrimSuffix(path, "text")+"html"
	}
	if source == "" {
		return nil
	}
	t := c.template(source, mode, path)
	if t == nil {
		return nil
	}
	c.rating(a, t, path)
	if (a.Do == DoReply || a.Do == DoMail) && t.Blank() {
		c.fault(path, "A %s needs a text.", a.Do)
	}
	return t
}
