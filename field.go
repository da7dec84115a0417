package postroom

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

// FieldSubject says what a field is of.
type FieldSubject string

// What fields can be of.
const (
	OfConversation FieldSubject = "conversation"
	OfCustomer     FieldSubject = "customer"
)

// FieldKind is the type of a field's values. It never changes.
type FieldKind string

// The kinds of fields. A value is kept as text: a number in decimal, a date as
// 2026-01-31, a choice by its key, yes as "true". What is not set, and no, is
// "".
const (
	FieldText   FieldKind = "text"   // one line
	FieldNumber FieldKind = "number" // whole
	FieldDate   FieldKind = "date"
	FieldChoice FieldKind = "choice" // one of a list
	FieldYesNo  FieldKind = "yes_no" // no until somebody says yes
)

// FieldKinds lists the kinds in the order in which menus offer them.
var FieldKinds = []FieldKind{FieldText, FieldNumber, FieldDate, FieldChoice, FieldYesNo}

// The bounds of fields.
const (
	MaxFields       = 50   // of conversations, and of customers; deleted ones count
	MaxFieldChoices = 200  // of one field, retired ones included
	MaxFieldKey     = 40   // bytes
	MaxFieldName    = 100  // bytes, of a field and of a choice
	MaxFieldHelp    = 500  // bytes
	MaxFieldText    = 1000 // bytes of a value
	maxFieldDigits  = 15
)

// Yes is the value of a field that is answered with yes or no.
const Yes = "true"

// Field is a field of one's own, of conversations or of customers.
type Field struct {
	ID        int64
	Subject   FieldSubject
	Key       string // stable: workflows, files and templates name it by this
	Kind      FieldKind
	Name      string
	Help      string
	Choices   []FieldOption // in the order of menus
	Mailboxes []int64       // where it is shown; empty: everywhere
	Place     int64         // its place among the fields, from 1
	DeletedAt int64         // 0: it is in use
}

// FieldOption is one of the values of a choice.
type FieldOption struct {
	Key     string `json:"key"` // stable
	Name    string `json:"name"`
	Retired bool   `json:"retired,omitempty"` // kept where it is set, and offered no more
}

// Path is the name by which everything that is stored refers to the field: its
// kind and its key, such as "choice.plan". It says by itself what values it has.
func (f *Field) Path() string { return FieldPath(f.Kind, f.Key) }

// FieldPath is the path of a field with a kind and a key.
func FieldPath(kind FieldKind, key string) string { return string(kind) + "." + key }

var fieldKey = regexp.MustCompile(`^[a-z][a-z0-9_]*$`)

// FieldKeyed reports whether a text can be the key of a field or of a choice:
// small letters, digits and underscores, a letter first, at most MaxFieldKey
// bytes.
func FieldKeyed(s string) bool { return len(s) <= MaxFieldKey && fieldKey.MatchString(s) }

// SplitFieldPath takes a path apart; ok is false for what is none.
func SplitFieldPath(path string) (kind FieldKind, key string, ok bool) {
	k, key, _ := strings.Cut(path, ".")
	kind = FieldKind(k)
	return kind, key, slices.Contains(FieldKinds, kind) && FieldKeyed(key)
}

// For reports whether the field is shown in a mailbox.
func (f *Field) For(mailbox int64) bool {
	return len(f.Mailboxes) == 0 || slices.Contains(f.Mailboxes, mailbox)
}

// Option finds a choice by its key, nil if there is none.
func (f *Field) Option(key string) *FieldOption {
	for i := range f.Choices {
		if f.Choices[i].Key == key {
			return &f.Choices[i]
		}
	}
	return nil
}

// Parse reads what somebody typed as a value and returns it as it is kept, ""
// for nothing. A choice is given by its key; one that is retired stays where it
// is set, which is was, and cannot be chosen anew. Errors are Invalid, name the
// field "value" and say what is asked for.
func (f *Field) Parse(typed, was string) (string, error) {
	value, err := ParseFieldValue(f.Kind, typed)
	if err != nil || f.Kind != FieldChoice || value == "" || value == was {
		return value, err
	}
	switch o := f.Option(value); {
	case o == nil:
		return "", InvalidField("value", "%s has no choice %q.", f.Name, cutTo(value, 60))
	case o.Retired:
		return "", InvalidField("value", "“%s” is not in use any more. Choose another one.", o.Name)
	}
	return value, nil
}

// ParseFieldValue reads a value of a kind as Field.Parse does, without knowing
// the field: any key can be a choice.
func ParseFieldValue(kind FieldKind, typed string) (string, error) {
	text := strings.TrimSpace(typed)
	if text == "" {
		return "", nil
	}
	switch kind {
	case FieldText:
		switch {
		case !utf8.ValidString(text) || strings.ContainsFunc(text, unicode.IsControl):
			return "", InvalidField("value", "A text is one line, without control characters.")
		case len(text) > MaxFieldText:
			return "", InvalidField("value", "A text has at most %d bytes.", MaxFieldText)
		}
		return text, nil
	case FieldNumber:
		n, err := strconv.ParseInt(text, 10, 64)
		if err != nil {
			return "", InvalidField("value", "%q is not a whole number.", cutTo(text, 60))
		}
		if text = strconv.FormatInt(n, 10); len(strings.TrimPrefix(text, "-")) > maxFieldDigits {
			return "", InvalidField("value", "A number has at most %d digits.", maxFieldDigits)
		}
		return text, nil
	case FieldDate:
		t, err := time.Parse(time.DateOnly, text)
		if err != nil || t.Year() < 1 {
			return "", InvalidField("value", "%q is not a date, such as 2026-01-31.", cutTo(text, 60))
		}
		return text, nil
	case FieldChoice:
		if !FieldKeyed(text) {
			return "", InvalidField("value", "%q is not a choice.", cutTo(text, 60))
		}
		return text, nil
	case FieldYesNo:
		switch strings.ToLower(text) {
		case Yes, "yes", "1", "on":
			return Yes, nil
		case "false", "no", "0", "off":
			return "", nil
		}
		return "", InvalidField("value", "%q is neither yes nor no.", cutTo(text, 60))
	}
	return "", InvalidField("value", "%q is not a kind of field.", kind)
}

// Words says a value as people read it: the name of a choice, yes and no. The
// value of a text is the text itself. "" is nothing, but for yes and no.
func (f *Field) Words(value string) string {
	switch {
	case f.Kind == FieldYesNo && value == Yes:
		return "yes"
	case f.Kind == FieldYesNo:
		return "no"
	case f.Kind == FieldChoice && value != "":
		if o := f.Option(value); o != nil {
			return o.Name
		}
	}
	return value
}

// Check returns what is wrong with a field as an admin wrote it, as Invalid with
// the name of the field of the form: subject, kind, key, name, help, choices and
// choices[0] and so on. Names are tidied.
func (f *Field) Check() error {
	switch {
	case f.Subject != OfConversation && f.Subject != OfCustomer:
		return InvalidField("subject", "A field is of conversations or of customers.")
	case !slices.Contains(FieldKinds, f.Kind):
		return InvalidField("kind", "Choose what its values are.")
	case !FieldKeyed(f.Key):
		return InvalidField("key", "A key has small letters, digits and underscores, a letter first, and at most %d of them.", MaxFieldKey)
	case len(f.Mailboxes) > 0 && f.Subject == OfCustomer:
		return InvalidField("mailboxes", "A field of customers is shown in all mailboxes.")
	}
	for _, x := range []struct {
		at, what string
		text     *string
		longest  int
		needed   bool
	}{{"name", "the name", &f.Name, MaxFieldName, true}, {"help", "the help text", &f.Help, MaxFieldHelp, false}} {
		if err := oneLine(x.at, x.what, x.text, x.longest, x.needed); err != nil {
			return err
		}
	}
	return f.checkChoices()
}

func (f *Field) checkChoices() error {
	switch {
	case f.Kind != FieldChoice && len(f.Choices) > 0:
		return InvalidField("choices", "Only a choice has values to choose from.")
	case f.Kind == FieldChoice && len(f.Choices) == 0:
		return InvalidField("choices", "Write at least one value to choose from.")
	case len(f.Choices) > MaxFieldChoices:
		return InvalidField("choices", "A field has at most %d values to choose from.", MaxFieldChoices)
	}
	keys, names := map[string]bool{}, map[string]bool{}
	for i := range f.Choices {
		o, at := &f.Choices[i], fmt.Sprintf("choices[%d]", i)
		if err := oneLine(at, "the value", &o.Name, MaxFieldName, true); err != nil {
			return err
		}
		switch name := strings.ToLower(o.Name); {
		case !FieldKeyed(o.Key) || keys[o.Key]:
			return InvalidField(at, "The key of “%s” cannot be used.", o.Name)
		case names[name]:
			return InvalidField(at, "“%s” is there twice.", o.Name)
		default:
			keys[o.Key], names[name] = true, true
		}
	}
	return nil
}

// oneLine tidies and checks a text that stands on one line.
func oneLine(at, what string, text *string, longest int, needed bool) error {
	*text = strings.TrimSpace(*text)
	switch {
	case *text == "" && needed:
		return InvalidField(at, "Please enter %s.", what)
	case !utf8.ValidString(*text) || strings.ContainsFunc(*text, unicode.IsControl):
		return InvalidField(at, "There is a character in %s that cannot be in it.", what)
	case len(*text) > longest:
		return InvalidField(at, "There is too much text in %s: at most %d bytes.", what, longest)
	}
	return nil
}

// FieldKeyOf makes a key out of a name that none of the taken ones is: letters
// and digits of the name, "field" where there are none.
func FieldKeyOf(name string, taken func(string) bool) string {
	var b strings.Builder
	for _, r := range strings.ToLower(name) {
		switch {
		case r >= 'a' && r <= 'z' || r >= '0' && r <= '9' && b.Len() > 0:
			b.WriteRune(r)
		case b.Len() > 0 && !strings.HasSuffix(b.String(), "_"):
			b.WriteByte('_')
		}
		if b.Len() >= MaxFieldKey-4 {
			break
		}
	}
	key := strings.Trim(b.String(), "_")
	if key == "" {
		key = "field"
	}
	out := key
	for n := 2; taken(out); n++ {
		out = fmt.Sprintf("%s_%d", key, n)
	}
	return out
}

func cutTo(s string, n int) string {
	if r := []rune(s); len(r) > n {
		return string(r[:n]) + "…"
	}
	return s
}

// SetField sets a field of the conversation, by its path, to a value as it is
// kept, "" to clear it; of a text it is the id of the text, so that one erasure
// reaches all (W4). Setting what is so records nothing and returns nil (W5).
func (c *Conversation) SetField(by By, id int64, path, value string) *Event {
	from := c.Fields[path]
	if from == value {
		return nil
	}
	c.PutField(path, value)
	return c.record(by, id, FieldChanged, Payload{Field: path, From: from, To: value})
}

// PutField gives a field a value that an undo puts back. It records nothing.
func (c *Conversation) PutField(path, value string) { c.Fields = withField(c.Fields, path, value) }

// withField returns the fields with another value for one of them; the map it
// is given stays as it is.
func withField(fields map[string]string, path, value string) map[string]string {
	out := make(map[string]string, len(fields)+1)
	for k, v := range fields {
		if k != path {
			out[k] = v
		}
	}
	if value != "" {
		out[path] = value
	}
	if len(out) == 0 {
		return nil
	}
	return out
}
