package web

import (
	"errors"
	"html"
	"io"
	"mime/multipart"
	"net/http"
	"net/mail"
	"net/url"
	"strconv"
	"strings"

	"postroom"
	"postroom/internal/query"
)

// localPath returns path if it leads to a page of ours, and otherwise the
// other one: it begins with one slash, has no backslash and no control
// character, and names no host.
func localPath(path, otherwise string) string {
	if !strings.HasPrefix(path, "/") || strings.HasPrefix(path, "//") || strings.ContainsFunc(path, func(r rune) bool { return r < ' ' || r == '\\' || r == 0x7f }) {
		return otherwise
	}
	u, err := url.Parse(path)
	if err != nil || u.Host != "" || u.Scheme != "" || strings.HasPrefix(u.Path, "//") {
		return otherwise
	}
	return path
}

// returnPath is where a form leads when it is done.
func (q *request) returnPath(otherwise string) string {
	back := ""
	if q.Form != nil {
		back = q.Form.Get("return")
	}
	if back == "" {
		back = q.URL.Query().Get("return")
	}
	return localPath(back, otherwise)
}

// number reads a number from the path; what is none does not exist.
func (q *request) number(name string) (int64, error) {
	n, err := strconv.ParseInt(q.PathValue(name), 10, 64)
	if err != nil || n < 1 {
		return 0, postroom.Errorf(postroom.NotFound, "There is no such page.")
	}
	return n, nil
}

// fields reads a form, of either kind, without its files.
func (q *request) fields() error {
	return q.stream(func(name string, part *multipart.Part) error {
		_, err := io.Copy(io.Discard, part)
		return err
	})
}

// maxFields is how much text all fields of a form may have together, in bytes.
const maxFields = 4 << 20

// stream reads a form into q.Form. Each file is given to take as it comes in;
// nothing of it is kept here.
func (q *request) stream(take func(name string, part *multipart.Part) error) error {
	r, err := q.MultipartReader()
	if errors.Is(err, http.ErrNotMultipart) {
		err = q.ParseForm()
		return formFault(err)
	}
	if err != nil {
		return formFault(err)
	}
	q.Form = url.Values{}
	room := int64(maxFields)
	for {
		part, err := r.NextPart()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return formFault(err)
		}
		if part.FileName() != "" {
			if err := take(part.FormName(), part); err != nil {
				return err
			}
			continue
		}
		if strings.Contains(part.Header.Get("Content-Disposition"), "filename=") {
			continue // a file field nobody chose a file for
		}
		b, err := io.ReadAll(io.LimitReader(part, room+1))
		if err != nil {
			return formFault(err)
		}
		if room -= int64(len(b)); room < 0 {
			return &http.MaxBytesError{Limit: maxFields}
		}
		q.Form.Add(part.FormName(), string(b))
	}
}

// formFault turns what cannot be read as a form into a fault of the sender.
func formFault(err error) error {
	var large *http.MaxBytesError
	if err == nil || errors.As(err, &large) {
		return err
	}
	return &postroom.Error{Code: postroom.Invalid, Text: "The form arrived incomplete. Please send it again.", Err: err}
}

func (q *request) field(name string) string { return strings.TrimSpace(q.Form.Get(name)) }

func (q *request) ticked(name string) bool {
	return q.Form.Get(name) == "1" || q.Form.Get(name) == "on"
}

func (q *request) id(name string) int64 {
	n, err := strconv.ParseInt(q.field(name), 10, 64)
	if err != nil {
		return 0
	}
	return n
}

func (q *request) ids(name string) []int64 {
	var out []int64
	for _, text := range q.Form[name] {
		if n, err := strconv.ParseInt(strings.TrimSpace(text), 10, 64); err == nil {
			out = append(out, n)
		}
	}
	return out
}

// path says how an act was made: by a menu, or by a key.
func (q *request) path() postroom.Path {
	if q.field("path") == string(postroom.PathKeyboard) {
		return postroom.PathKeyboard
	}
	return postroom.PathMenu
}

// assignee reads the choice of an assignee: nil keeps, 0 is nobody.
func (q *request) assignee() (*int64, error) {
	text := q.field("assignee")
	if text == "" {
		return nil, nil
	}
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil || n < 0 {
		return nil, postroom.InvalidField("assignee", "%q is not an agent.", text)
	}
	return &n, nil
}

// addressList reads addresses separated by commas, each alone or as
// "Name <address>".
func addressList(field, text string) ([]postroom.Address, error) {
	text = strings.Trim(strings.TrimSpace(strings.ReplaceAll(text, ";", ",")), ",")
	if text == "" {
		return nil, nil
	}
	if strings.ContainsAny(text, "\r\n\x00") {
		return nil, postroom.InvalidField(field, "An address is one line.")
	}
	list, err := mail.ParseAddressList(text)
	if err != nil {
		return nil, &postroom.Error{Code: postroom.Invalid, Field: field, Err: err,
			Text: "This is not a list of addresses. Write them as ann@example.org, with commas between."}
	}
	out := make([]postroom.Address, 0, len(list))
	for _, a := range list {
		out = append(out, postroom.Address{Name: a.Name, Address: a.Address})
	}
	return out, nil
}

// shownAddresses reads what was typed for showing it again, whatever it is.
func shownAddresses(text string) []query.Address {
	list, err := addressList("", text)
	if err != nil {
		return []query.Address{{Address: strings.TrimSpace(text)}}
	}
	out := make([]query.Address, 0, len(list))
	for _, a := range list {
		out = append(out, query.Address(a))
	}
	return out
}

// markup returns what was written as HTML: plain text, which those without the
// editor send, becomes paragraphs.
func markup(format, body string) string {
	if format == "html" {
		return body
	}
	body = strings.TrimRight(strings.ReplaceAll(strings.ReplaceAll(body, "\r\n", "\n"), "\r", "\n"), "\n ")
	if strings.TrimSpace(body) == "" {
		return ""
	}
	var b strings.Builder
	for paragraph := range strings.SplitSeq(body, "\n\n") {
		b.WriteString("<p>" + strings.ReplaceAll(html.EscapeString(strings.Trim(paragraph, "\n")), "\n", "<br>") + "</p>")
	}
	return b.String()
}

// faults turns an error about a field into what the form shows; nil when it is
// no such error and has to be answered as a page of its own.
func faults(err error) query.FieldErrors {
	var e *postroom.Error
	if !errors.As(err, &e) || e.Code != postroom.Invalid && e.Code != postroom.Conflict {
		return nil
	}
	return query.FieldErrors{e.Field: e.Text}
}
