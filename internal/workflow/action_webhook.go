package workflow

import (
	"encoding/json"
	"fmt"
	"mime"
	"net/textproto"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"postroom"
	"postroom/internal/template"
)

// DoWebhook calls a server: URL, by Method, with Headers, and Text as the body;
// without one it sends the event.
const DoWebhook ActionKind = "webhook"

// RefSecret is a secret that webhooks use: a value of a header, or what calls
// are signed with.
const RefSecret Ref = "secret"

// The bounds of a call.
const (
	MaxURL     = 2000 // bytes, also when it is filled in
	MaxHeaders = 20   // of one call
)

// CallMethods lists the methods of calls; the first is meant by "".
var CallMethods = []string{methodPost, "PUT", "PATCH", methodGet, methodDelete}

const (
	methodPost   = "POST"
	methodGet    = "GET"
	methodDelete = "DELETE"
)

// Header is a header of a call: with a value that everybody may read, or with
// one that is kept as a secret and named here.
type Header struct {
	Name   string `json:"name"`
	Value  string `json:"value,omitempty"`
	Secret int64  `json:"secret,omitempty" ref:"secret"`
}

// method is the method of a call.
func (a Action) method() string {
	if a.Method == "" {
		return methodPost
	}
	return a.Method
}

// hasBody reports whether calls of a method send something.
func hasBody(method string) bool { return method != methodGet && method != methodDelete }

// contentType is the type of what a call sends.
func (a Action) contentType() string {
	if a.Type == "" {
		return "application/json"
	}
	return a.Type
}

// bodyMode says how values are escaped in a text of a content type.
func bodyMode(contentType string) template.Mode {
	kind, _, _ := mime.ParseMediaType(contentType)
	switch {
	case kind == "application/json", strings.HasSuffix(kind, "+json"):
		return template.JSON
	case kind == "application/x-www-form-urlencoded":
		return template.URL
	case kind == "text/html", kind == "text/xml", kind == "application/xml", strings.HasSuffix(kind, "+xml"):
		return template.HTML
	}
	return template.Text
}

// reserved are headers that the call itself, its signature or the connection
// sets.
var reserved = []string{"Host", "Content-Length", "Content-Type", "Content-Encoding", "Transfer-Encoding", "Connection", "Keep-Alive", "Upgrade", "Te", "Trailer", "Expect", "User-Agent",
	"Proxy-Authorization", "Proxy-Connection", "Webhook-Id", "Webhook-Timestamp", "Webhook-Signature"}

// webhook checks a call.
func (c *compiler) webhook(a Action, path string) {
	if !slices.Contains(CallMethods, a.method()) {
		c.fault(path+".method", "%q is not a method; it is one of %s.", clip(a.Method), strings.Join(CallMethods, ", "))
	}
	c.callURL(a, path+".url")
	if len(a.Headers) > MaxHeaders {
		c.fault(path+".headers", "A call has at most %d headers of its own.", MaxHeaders)
	}
	for i, h := range a.Headers {
		c.header(a, i, h, fmt.Sprintf("%s.headers[%d]", path, i))
	}
	if a.Sign < 0 {
		c.fault(path+".sign", "%d is not a secret.", a.Sign)
	}
	switch {
	case a.Text == "" && a.Type != "":
		c.fault(path+".content_type", "The event is always JSON; a content type belongs to a text of your own.")
	case a.Text != "" && !hasBody(a.method()):
		c.fault(path+".text", "A call by %s sends no text.", a.method())
	case a.Text != "" && !validType(a.Type):
		c.fault(path+".content_type", "%q is not a content type, such as application/json or text/plain.", clip(a.Type))
	}
}

func validType(s string) bool {
	if s == "" {
		return true
	}
	kind, _, err := mime.ParseMediaType(s)
	return err == nil && strings.Contains(kind, "/") && len(s) <= 200
}

func (c *compiler) header(a Action, i int, h Header, path string) {
	switch canonical := textproto.CanonicalMIMEHeaderKey(h.Name); {
	case !token(h.Name) || len(h.Name) > 100:
		c.fault(path+".name", "%q is not the name of a header, such as X-Api-Key.", clip(h.Name))
	case slices.Contains(reserved, canonical):
		c.fault(path+".name", "%s is set by the call itself.", canonical)
	case slices.ContainsFunc(a.Headers[:i], func(o Header) bool { return textproto.CanonicalMIMEHeaderKey(o.Name) == canonical }):
		c.fault(path+".name", "The header %s stands there twice.", canonical)
	}
	switch {
	case h.Secret < 0:
		c.fault(path+".secret", "%d is not a secret.", h.Secret)
	case h.Secret != 0 && h.Value != "":
		c.fault(path+".value", "A header has a value or a secret, not both.")
	case h.Secret == 0 && strings.TrimSpace(h.Value) == "":
		c.fault(path+".value", "Write what the header says, or choose a secret.")
	case len(h.Value) > MaxValue || strings.ContainsFunc(h.Value, func(r rune) bool { return r < ' ' || r > '~' }):
		c.fault(path+".value", "A header says at most %d plain characters on one line.", MaxValue)
	}
}

// token reports whether a text is the name of a header (RFC 9110, 5.6.2).
func token(s string) bool {
	return s != "" && !strings.ContainsFunc(s, func(r rune) bool {
		return !('a' <= r|0x20 && r|0x20 <= 'z' && r < 0x80 || '0' <= r && r <= '9' || strings.ContainsRune("!#$%&'*+-.^_`|~", r))
	})
}

// callURL checks where a call goes. Whom it calls is fixed: what is filled in
// can only stand behind the host.
func (c *compiler) callURL(a Action, path string) {
	if strings.TrimSpace(a.URL) == "" {
		c.fault(path, "Write the address to call, such as https://example.com/hook.")
		return
	}
	if len(a.URL) > MaxURL {
		c.fault(path, "An address has at most %d bytes.", MaxURL)
		return
	}
	fixed := a.URL
	if i := strings.Index(fixed, "{{"); i >= 0 {
		fixed = fixed[:i]
	}
	if i := strings.Index(fixed, "{%"); i >= 0 {
		fixed = fixed[:i]
	}
	_, rest, _ := strings.Cut(fixed, "://")
	if fixed != a.URL && !strings.ContainsAny(rest, "/?") {
		c.fault(path, "Whom it calls is fixed: what is filled in stands behind the host, as in https://example.com/orders/{{ conversation.number }}.")
		return
	}
	t, err := template.Parse(a.URL, template.URL)
	if err == nil {
		err = t.Check(template.Variables())
	}
	var shown string
	if err == nil {
		shown, err = t.Render(template.Options{}, template.Examples)
	}
	if err == nil {
		_, err = readURL(shown)
	}
	if err != nil {
		c.fault(path, "%s", postroom.TextOf(err))
	}
}

// readURL reads an address that can be called. What is none is Invalid.
func readURL(s string) (*url.URL, error) {
	u, err := url.Parse(s)
	if u == nil {
		u = &url.URL{}
	}
	n, badPort := strconv.Atoi(u.Port())
	switch {
	case err != nil, strings.ContainsFunc(s, func(r rune) bool { return r <= ' ' || r == 0x7f }):
		return nil, postroom.Errorf(postroom.Invalid, "This is not an address, such as https://example.com/hook.")
	case u.Scheme != "https" && u.Scheme != "http":
		return nil, postroom.Errorf(postroom.Invalid, "An address begins with https:// or http://.")
	case u.Hostname() == "":
		return nil, postroom.Errorf(postroom.Invalid, "The address names no server.")
	case u.User != nil:
		return nil, postroom.Errorf(postroom.Invalid, "An address holds no password: put it into a header, as a secret.")
	case u.Fragment != "" || strings.Contains(s, "#"):
		return nil, postroom.Errorf(postroom.Invalid, "What stands behind # is never sent; take it out.")
	case u.Port() != "" && (badPort != nil || n < 1 || n > 65535):
		return nil, postroom.Errorf(postroom.Invalid, "%s is not a port.", clip(u.Port()))
	case len(s) > MaxURL:
		return nil, postroom.Errorf(postroom.Invalid, "The address became longer than %d bytes.", MaxURL)
	}
	return u, nil
}

// callBody parses what a call sends, if it is a text. Values that are empty are
// no fault in it: who reads it is a program.
func (c *compiler) callBody(a Action, path string) *template.Template {
	if a.Text == "" {
		return nil
	}
	t, err := template.Parse(a.Text, bodyMode(a.contentType()))
	if err == nil {
		err = t.Check(template.Variables())
	}
	var shown string
	if err == nil {
		shown, err = t.Render(template.Options{}, template.Examples)
	}
	if err == nil && t.Mode() == template.JSON && !json.Valid([]byte(shown)) {
		err = postroom.Errorf(postroom.Invalid, "With examples filled in this is not JSON: %s", jsonFault(shown))
	}
	if err != nil {
		c.fault(path+".text", "%s", postroom.TextOf(err))
		return nil
	}
	return t
}

func jsonFault(s string) string {
	var v any
	err := json.Unmarshal([]byte(s), &v)
	if err == nil {
		return ""
	}
	return err.Error() + "."
}

// urlOf parses an address that was checked.
func urlOf(a Action) *template.Template {
	if a.Do != DoWebhook {
		return nil
	}
	t, err := template.Parse(a.URL, template.URL)
	if err != nil {
		return nil // a fault says so, and the version is never used
	}
	return t
}

// call fills a call in.
func (a compiledAction) call(w *Wish, o template.Options, value func(string) (string, bool)) error {
	w.Method, w.ContentType, w.Sign, w.Headers = a.method(), a.contentType(), a.Sign, slices.Clone(a.Headers)
	o.Untrusted, o.Zone = false, nil // it goes to a program that was chosen here
	shown, err := a.url.Render(o, value)
	if err != nil {
		return err
	}
	if _, err := readURL(shown); err != nil {
		return err
	}
	w.URL = shown
	if a.body == nil {
		if !hasBody(w.Method) {
			w.ContentType = ""
		}
		w.Event = hasBody(w.Method)
		return nil
	}
	w.Text, err = a.body.Render(o, value)
	return err
}

// callWords says a call.
func (a Action) callWords() string {
	where := gap
	if a.URL != "" {
		where = quoted(a.URL, 80)
	}
	if a.Text == "" && hasBody(a.method()) {
		if a.method() != methodPost {
			return "send the event to " + where + " (" + a.method() + ")"
		}
		return "send the event to " + where
	}
	return "call " + where + " (" + a.method() + ")"
}

func quoted(s string, most int) string {
	if r := []rune(s); len(r) > most {
		return string(r[:most]) + "…"
	}
	return s
}

// callLines are the parts of a call that its sentence does not say, for what
// differs between versions.
func (a Action) callLines(names Names) []string {
	if a.Do != DoWebhook {
		return nil
	}
	out := []string{a.method() + " " + a.URL}
	for _, h := range a.Headers {
		value := h.Value
		if h.Secret != 0 {
			value = "(the secret " + names.of(RefSecret, h.Secret) + ")"
		}
		out = append(out, h.Name+": "+value)
	}
	if a.Text != "" {
		out = append(out, "Content-Type: "+a.contentType())
	}
	if a.Sign != 0 {
		out = append(out, "Signed with "+names.of(RefSecret, a.Sign))
	}
	return out
}

// --- the form

// callFields writes a call as fields of a form.
func (a Action) callFields(at string, set func(string, ...string)) {
	if a.Do != DoWebhook {
		return
	}
	set(at+".method", a.method())
	set(at+".url", a.URL)
	set(at+".body", "event")
	if a.Text != "" {
		set(at+".body", "text")
		set(at+".text", a.Text)
		set(at+".content_type", a.contentType())
	}
	for i, h := range a.Headers {
		in := fmt.Sprintf("%s.headers[%d]", at, i)
		set(in+".name", h.Name)
		set(in+".value", h.Value)
		if h.Secret != 0 {
			set(in+".secret", strconv.FormatInt(h.Secret, 10))
		}
	}
	if a.Sign != 0 {
		set(at+".sign", strconv.FormatInt(a.Sign, 10))
	}
}

// firstText is what a text of one's own begins with.
const firstText = "{\n  \"number\": {{ conversation.number }},\n  \"subject\": \"{{ conversation.subject }}\"\n}"

// call reads a call. A row of headers with nothing in it is left out.
func (r *fieldReader) call(at string, a *Action) {
	f := r.fields
	a.URL = strings.TrimSpace(f.first(at + ".url"))
	if a.Method = f.first(at + ".method"); a.Method == methodPost {
		a.Method = ""
	}
	if f.first(at+".body") == "text" && hasBody(a.method()) {
		a.Text, a.Type = lines(f.first(at+".text")), strings.TrimSpace(f.first(at+".content_type"))
		if a.Text == "" {
			a.Text = firstText
		}
		if a.Type == "application/json" {
			a.Type = ""
		}
	}
	for i := range 2 * MaxHeaders {
		in := fmt.Sprintf("%s.headers[%d]", at, i)
		h := Header{Name: strings.TrimSpace(f.first(in + ".name"))}
		if ids := r.ids(in + ".secret"); len(ids) > 0 {
			h.Secret = ids[0]
		} else {
			h.Value = strings.TrimSpace(f.first(in + ".value"))
		}
		if h != (Header{}) {
			a.Headers = append(a.Headers, h)
		}
	}
	if ids := r.ids(at + ".sign"); len(ids) > 0 {
		a.Sign = ids[0]
	}
}
