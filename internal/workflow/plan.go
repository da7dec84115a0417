package workflow

import (
	"fmt"
	"html"
	"slices"
	"strconv"
	"strings"
	"time"

	"postroom"
	"postroom/internal/template"
)

// Wish is one action of a version that matched, with its texts rendered: what
// the workflow wants done. Whether the world still allows it is for the desk
// to find out (W17).
type Wish struct {
	Position int // in the Then, from 0
	Do       ActionKind
	Detail   string // what it would do, in words
	Text     string // reply, note; of a reply with HTML it is empty
	HTML     string // reply; not sanitised
	// Blank says that the text of a reply or note came out empty, so that
	// there is nothing to send or to add.
	Blank   bool
	Status  postroom.Status
	AgentID int64 // assign; 0 is nobody
	TeamID  int64 // team, 0 is none; assign, mail: whose members are meant, 0 for no team's
	Add     []int64
	Remove  []int64

	By       AssignBy // assign: how one of Agents is chosen
	Agents   []int64
	Assignee bool
	To       []string
	Subject  string // of a mail, or the conversation's new one; "" if it has none
	Mailbox  int64
	Unfollow []int64 // follow: who follows it no more
	Workflow int64   // run
	Field    string  // field: its path
	Value    string  // and what it becomes, as postroom.Field.Parse returns it
	Language string  // of the text, where the reply has one for the customer's language

	// Of a webhook, with Text as what it sends unless Event.
	Method, URL, ContentType string
	Event                    bool // it sends the event: see CallBody
	Headers                  []Header
	Sign                     int64
}

// Plan says what a version that matched wants done, in order.
// value gives template variables (see Values); names puts ids into words and
// may be nil. The error is Invalid: a text became too long; then nothing of
// the plan counts.
func Plan(v *Version, o template.Options, value func(name string) (string, bool), names Names) ([]Wish, error) {
	var out []Wish
	for i, a := range v.actions {
		w := Wish{Position: i, Do: a.Do, Detail: a.Action.words(names), Status: a.Status,
			Add: slices.Clone(a.Add), Remove: slices.Clone(a.Remove), By: a.By, Agents: slices.Clone(a.Agents), Assignee: a.Assignee,
			To: slices.Clone(a.To), Mailbox: a.Mailbox, Unfollow: slices.Clone(a.Unfollow), Workflow: a.Workflow}
		if a.Do == DoSpam {
			w.Status = postroom.Spam
		}
		if a.Do == DoWebhook {
			if err := a.call(&w, o, value); err != nil {
				return nil, fmt.Errorf("action %d of workflow %d: %w", i+1, v.WorkflowID, err)
			}
			out = append(out, w)
			continue
		}
		o := o
		if a.Do == DoSubject || a.Do.Aside() {
			o.Untrusted = false // it goes to people who were chosen here, not to who wrote
		}
		if a.subject != nil {
			subject, err := a.subject.Render(o, value)
			if err != nil {
				return nil, fmt.Errorf("action %d of workflow %d: %w", i+1, v.WorkflowID, err)
			}
			w.Subject = strings.TrimSpace(subject)
		}
		if a.Do == DoField {
			if w.Field, w.Value = a.Field, a.Action.Value; a.value != nil {
				text, err := a.value.Render(o, value)
				if err != nil {
					return nil, fmt.Errorf("action %d of workflow %d: %w", i+1, v.WorkflowID, err)
				}
				w.Value = oneText(text)
			} else if kind, _, _ := postroom.SplitFieldPath(a.Field); kind == postroom.FieldYesNo {
				w.Value, _ = postroom.ParseFieldValue(kind, a.Action.Value)
			}
		}
		if a.Agent != nil {
			w.AgentID = *a.Agent
		}
		if a.Team != nil {
			w.TeamID = *a.Team
		}
		if a.body != nil {
			body := a.body
			if len(a.texts) > 0 {
				language, _ := value("customer.language")
				if body = a.in(language); body != a.body {
					w.Language = language
				}
			}
			text, err := body.Render(o, value)
			if err != nil {
				return nil, fmt.Errorf("action %d of workflow %d: %w", i+1, v.WorkflowID, err)
			}
			if a.body.Mode() == template.HTML {
				w.HTML = text
			} else {
				w.Text = text
			}
			w.Blank = blankText(w.Text) && blankHTML(w.HTML)
		}
		out = append(out, w)
	}
	return out, nil
}

// oneText makes one line of a text that a field can hold.
func oneText(s string) string {
	s = strings.Join(strings.Fields(s), " ")
	if len(s) > postroom.MaxFieldText {
		s = strings.ToValidUTF8(s[:postroom.MaxFieldText], "")
	}
	return s
}

func blankText(s string) bool { return strings.TrimSpace(s) == "" }

// blankHTML reports whether nothing is left to see of HTML without its tags; a
// picture is something to see.
func blankHTML(s string) bool {
	return blankText(textOf(s)) && !strings.Contains(strings.ToLower(s), "<img")
}

// inline are elements that stand within a word.
var inline = map[string]bool{"a": true, "b": true, "code": true, "em": true, "i": true, "span": true, "strong": true, "u": true}

// textOf is what is left of HTML without its tags.
func textOf(s string) string {
	var text strings.Builder
	for s != "" {
		before, rest, tag := strings.Cut(s, "<")
		text.WriteString(before)
		if !tag {
			break
		}
		var name string
		if name, s, _ = strings.Cut(rest, ">"); !inline[strings.ToLower(strings.Trim(first(strings.Fields(name)), "/"))] {
			text.WriteByte(' ')
		}
	}
	return html.UnescapeString(text.String())
}

// Values is what template variables are read from. What is nil is empty.
type Values struct {
	Event    *postroom.Event
	Subject  string // the conversation's
	Customer *postroom.Customer
	Mailbox  *postroom.Mailbox
	Assignee *postroom.Agent
	Team     string            // name of the conversation's team
	Actor    *postroom.Agent   // who set off the chain's event; nil unless an agent did
	Workflow string            // the workflow's name
	Texts    map[string]string // of the conversation's fields, by the ids that stand for them
	Fields   Names             // puts choices into words, see FieldRef
}

// Value gives a template variable by name; false when there is none of that
// name. Every variable of template.Variables has one.
func (v Values) Value(name string) (string, bool) {
	group, field, _ := strings.Cut(name, ".")
	switch group {
	case "conversation":
		return v.conversation(field)
	case "customer":
		return v.customer(field)
	case "mailbox":
		return v.mailbox(field)
	case "agent":
		return person(v.Assignee, field)
	case "actor":
		if field == "email" {
			return "", false
		}
		return person(v.Actor, field)
	case "event":
		if v.Event == nil {
			return "", field == "at"
		}
		return moment(v.Event.At), field == "at"
	case template.Rating:
		return template.RatingMark, true
	case "workflow":
		return v.Workflow, field == "name"
	}
	return "", false
}

// field gives a field by its key, in words; "" where it is not set.
func (v Values) field(subject postroom.FieldSubject, key string) (string, bool) {
	var values map[string]string
	switch {
	case subject == postroom.OfConversation && v.Event != nil:
		values = v.Event.After.Fields
	case subject == postroom.OfCustomer && v.Customer != nil:
		values = v.Customer.Fields
	}
	for _, kind := range postroom.FieldKinds {
		path := postroom.FieldPath(kind, key)
		value, set := values[path]
		switch {
		case !set:
		case kind == postroom.FieldText && subject == postroom.OfConversation:
			return v.Texts[value], true
		default:
			return v.Fields.fieldValue(subject, path, value), true
		}
	}
	return "", postroom.FieldKeyed(key)
}

func (v Values) conversation(field string) (string, bool) {
	if key, is := strings.CutPrefix(field, "fields."); is {
		return v.field(postroom.OfConversation, key)
	}
	switch field {
	case "subject":
		return v.Subject, true
	case "team":
		return v.Team, true
	}
	var after postroom.Snapshot
	if v.Event != nil {
		after = v.Event.After
	}
	switch field {
	case "number":
		return strconv.FormatInt(after.Number, 10), true
	case "status":
		return string(after.Status), true
	case "created":
		return moment(after.CreatedAt), true
	}
	return "", false
}

func (v Values) customer(field string) (string, bool) {
	if key, is := strings.CutPrefix(field, "fields."); is {
		return v.field(postroom.OfCustomer, key)
	}
	c := v.Customer
	if c == nil {
		c = &postroom.Customer{}
	}
	name := strings.TrimSpace(c.Name)
	if strings.Contains(name, "@") {
		name = "" // an address is no name to greet somebody by
	}
	switch field {
	case "name":
		return name, true
	case "first_name":
		return c.FirstName(), true
	case "last_name":
		_, last, _ := strings.Cut(name, " ")
		return strings.TrimSpace(last), true
	case "email":
		return c.Email(), true
	case "company":
		return c.Company, true
	case "language":
		return c.Language, true
	}
	return "", false
}

func (v Values) mailbox(field string) (string, bool) {
	m := v.Mailbox
	if m == nil {
		m = &postroom.Mailbox{}
	}
	switch field {
	case "name":
		return m.Name, true
	case "address":
		return m.Address, true
	}
	return "", false
}

func person(a *postroom.Agent, field string) (string, bool) {
	if a == nil {
		a = &postroom.Agent{}
	}
	switch field {
	case "name":
		return a.Name, true
	case "first_name":
		first, _, _ := strings.Cut(strings.TrimSpace(a.Name), " ")
		return first, true
	case "email":
		return a.Email, true
	}
	return "", false
}

func moment(ms int64) string {
	if ms == 0 {
		return ""
	}
	return time.UnixMilli(ms).UTC().Format(time.RFC3339)
}
