package sandbox

import (
	"bytes"
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"postroom/internal/blob"
	"postroom/internal/store"
)

// People who write to the desk are replaced by invented ones, the same one
// everywhere.
var invented = []string{"Alex", "Billie", "Casey", "Dana", "Eli", "Frankie", "Gale", "Harper", "Indigo", "Jules", "Kim", "Lou", "Marlow", "Noor", "Oakley", "Parker", "Quinn", "Robin", "Sasha", "Toni"}

var (
	anAddress = regexp.MustCompile(`(?i)[a-z0-9._%+'=-]+@[a-z0-9-]+(\.[a-z0-9-]+)+`)
	aPhone    = regexp.MustCompile(`(\+|\b00?)[0-9][0-9 ()/.-]{6,}[0-9]\b`)
	aLink     = regexp.MustCompile(`(?i)https?://[^\s"'<>\\]+`)
	aWord     = regexp.MustCompile(`[\pL\pN]+`)
)

// ofPeople are the tables of people and their words; all others are the desk's
// own.
var ofPeople = []string{"customer", "customer_address", "conversation", "participant", "inbound", "message", "message_ref", "message_text", "attachment", "event", "act", "run", "timer", "mail", "mail_recipient", "mail_return", "rating", "field_text", "attempt", "promise_watch"}

// exact are columns whose values are words of ours, and no person's.
var exact = []string{"kind", "state", "status", "folder", "path", "class", "phase", "outcome", "verdicts", "source", "author_kind", "actor_kind", "type", "content_hash", "content_id", "language", "ended_kind", "rating", "value"}

// exactKeys are keys in the JSON of events and runs whose texts are words of ours
// too, though somebody may be called so: what changed from what to what, sorts and
// results.
var exactKeys = []string{"from", "to", "status", "class", "action", "result", "by", "rating"}

// leftOut stands in the place of each file in a sandbox without personal data.
const leftOut = "Subject: Left out\r\n\r\nThis file did not come along into the sandbox: it may hold personal data.\r\n"

// replacer returns what changes a row so that nobody outside the desk is to be
// found in it: names and addresses that are known, and whatever looks like an
// address, a telephone number or a link, wherever they stand. own are the
// addresses of the desk itself, which stay. Files are left out altogether, and
// with them the mails as they came.
func replacer(people []store.ForkPerson, own []string) func(table string, columns []string, row []any) {
	r := &replacement{words: map[string]string{}, names: map[string]string{}, addresses: map[string]string{}, file: blob.Hash([]byte(leftOut))}
	for _, a := range own {
		r.addresses[strings.ToLower(a)] = a
	}
	for _, p := range people {
		r.meet(p)
	}
	return r.change
}

type replacement struct {
	names     map[string]string // whole, in lower case
	words     map[string]string // of names, in lower case
	addresses map[string]string // in lower case
	file      blob.Ref
}

// meet gives somebody a name, unless they have one.
func (r *replacement) meet(p store.ForkPerson) {
	name := strings.ToLower(strings.TrimSpace(p.Name))
	if name == "" || strings.Contains(name, "@") || r.names[name] != "" {
		return
	}
	n := len(r.names)
	first := invented[n%len(invented)]
	r.names[name] = fmt.Sprintf("%s Example %d", first, n+1)
	as := first
	for _, word := range aWord.FindAllString(name, -1) {
		if len([]rune(word)) >= 3 && r.words[word] == "" {
			r.words[word] = as
		}
		as = "Example"
	}
}

// address returns the invented address that stands for one.
func (r *replacement) address(a string) string {
	a = strings.ToLower(a)
	if r.addresses[a] == "" {
		r.addresses[a] = fmt.Sprintf("person-%d@customer.example", len(r.addresses)+1)
	}
	return r.addresses[a]
}

// text replaces whom it finds.
func (r *replacement) text(s string) string {
	if whole := r.names[strings.ToLower(strings.TrimSpace(s))]; whole != "" {
		return whole
	}
	s = aLink.ReplaceAllString(s, "https://link.example/")
	var b strings.Builder
	at := 0
	for _, m := range anAddress.FindAllStringIndex(s, -1) {
		b.WriteString(r.prose(s[at:m[0]]) + r.address(s[m[0]:m[1]]))
		at = m[1]
	}
	return b.String() + r.prose(s[at:])
}

// prose replaces what is no address.
func (r *replacement) prose(s string) string {
	s = aPhone.ReplaceAllString(s, "+00 000 000000")
	return aWord.ReplaceAllStringFunc(s, func(word string) string {
		if as := r.words[strings.ToLower(word)]; as != "" {
			return as
		}
		return word
	})
}

// change changes one row.
func (r *replacement) change(table string, columns []string, row []any) {
	if !slices.Contains(ofPeople, table) {
		return
	}
	for i, c := range columns {
		s, ok := row[i].(string)
		if !ok || s == "" || slices.Contains(exact, c) {
			continue
		}
		switch {
		case table == "mail" && c == "sha256":
			row[i] = "" // it is built anew if it is still to go
		case c == "sha256" || c == "raw_sha256":
			row[i] = r.file.Hash
		case table == "attachment" && c == "name":
			row[i] = "file" + ending(s)
		case s[0] == '{' || s[0] == '[':
			row[i] = r.json(s, table == "event" || table == "run")
		default:
			row[i] = r.text(s)
		}
	}
	if i := slices.Index(columns, "size"); i >= 0 && (table == "attachment" || table == "inbound") {
		row[i] = r.file.Size
	}
}

// ending is the ending of a file's name, if it looks like one.
func ending(name string) string {
	if i := strings.LastIndexByte(name, '.'); i >= 0 && len(name)-i <= 6 && aWord.FindString(name[i+1:]) == name[i+1:] {
		return name[i:]
	}
	return ""
}

// json changes the texts in a JSON value; what is none is a text itself. ours says
// that there are words of ours in it: see exactKeys.
func (r *replacement) json(s string, ours bool) string {
	d := json.NewDecoder(strings.NewReader(s))
	d.UseNumber()
	var v any
	if err := d.Decode(&v); err != nil || d.More() {
		return r.text(s)
	}
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(r.value("", v, ours)); err != nil {
		return r.text(s)
	}
	return strings.TrimSuffix(b.String(), "\n")
}

func (r *replacement) value(key string, v any, ours bool) any {
	switch v := v.(type) {
	case string:
		switch {
		case strings.EqualFold(key, "sha256") && v != "":
			return r.file.Hash
		case ours && slices.Contains(exactKeys, strings.ToLower(key)) && aWord.FindString(strings.ReplaceAll(v, "_", "")) == strings.ReplaceAll(v, "_", ""):
			return v
		}
		return r.text(v)
	case []any:
		for i := range v {
			v[i] = r.value(key, v[i], ours)
		}
	case map[string]any:
		for k := range v {
			v[k] = r.value(k, v[k], ours)
		}
	}
	return v
}
