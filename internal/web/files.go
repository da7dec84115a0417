package web

import (
	"errors"
	"io"
	"mime"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"postroom/internal/query"
	"postroom/internal/web/view"
)

func pathEscape(s string) string { return url.PathEscape(s) }

// filePolicy is the policy of stored files: whatever they hold, nothing of it
// runs, loads or acts (H3).
const filePolicy = "default-src 'none'; style-src 'unsafe-inline'; img-src 'self' data:; sandbox; frame-ancestors 'self'"

// showAttachment is GET /attachments/{id}/{name}. Raster pictures may be shown
// in our pages; everything else is a download.
func showAttachment(q *request) error {
	id, err := q.number("id")
	if err != nil {
		return err
	}
	f, err := q.site.o.Pages.File(q.Context(), q.agent, id)
	if err != nil {
		return err
	}
	return q.file(f)
}

// file answers with a stored file.
func (q *request) file(f *query.File) error {
	defer f.Content.Close()
	h := q.w.Header()
	h.Set("Content-Security-Policy", filePolicy)
	h.Set("Cache-Control", "private, max-age=31536000, immutable")
	h.Set("Vary", "Cookie")
	if f.SHA256 != "" {
		tag := `"` + f.SHA256[:min(len(f.SHA256), 32)] + `"`
		h.Set("ETag", tag)
		if matches(q.Header.Get("If-None-Match"), tag) {
			q.w.WriteHeader(http.StatusNotModified)
			return nil
		}
	}
	disposition, kind := "attachment", "application/octet-stream"
	if query.Picture(f.Type) {
		kind = strings.ToLower(f.Type)
		if q.URL.Query().Get("inline") == "1" {
			disposition = "inline"
		}
	}
	h.Set("Content-Type", kind)
	h.Set("Content-Disposition", contentDisposition(disposition, f.Name))
	if f.Size > 0 {
		h.Set("Content-Length", strconv.FormatInt(f.Size, 10))
	}
	q.w.WriteHeader(http.StatusOK)
	_, err := io.Copy(q.w, f.Content)
	return ignoreGone(err)
}

// contentDisposition names a file (RFC 6266); a name that cannot be said is
// left out.
func contentDisposition(disposition, name string) string {
	name = strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f || r == '/' || r == '\\' {
			return '_'
		}
		return r
	}, name)
	if s := mime.FormatMediaType(disposition, map[string]string{"filename": name}); s != "" {
		return s
	}
	return disposition
}

// bodyHeaders are those of a document that shows a mail's own HTML.
func (q *request) bodyHeaders(images bool) {
	q.w.Header().Set("Content-Security-Policy", view.BodyPolicy(images))
	q.w.Header().Set("Referrer-Policy", "no-referrer")
	q.w.Header().Set("Cross-Origin-Opener-Policy", "unsafe-none")
}

// showBody is GET /messages/{id}/body.
func showBody(q *request) error {
	id, err := q.number("id")
	if err != nil {
		return err
	}
	images := q.URL.Query().Get("images") == "1"
	p, err := q.site.o.Pages.Body(q.Context(), q.agent, id, images, q.URL.Query().Get("quotes") == "1")
	if err != nil {
		return err
	}
	p.Theme = q.agent.Theme
	q.bodyHeaders(images)
	return q.page(view.MessageBody(*p), p)
}

// showMailHTML is GET /mails/{id}/html.
func showMailHTML(q *request) error {
	id, err := q.number("id")
	if err != nil {
		return err
	}
	images := q.URL.Query().Get("images") == "1"
	p, err := q.site.o.Pages.MailHTML(q.Context(), q.agent, id, images)
	if err != nil {
		return err
	}
	p.Theme = q.agent.Theme
	q.bodyHeaders(images)
	return q.page(view.MessageBody(*p), p)
}

// rawShown is how much of a raw mail a page shows; the download has all of it.
const rawShown = 1 << 20

// raw answers with a raw mail: as a page of text, or as a file.
func (q *request) raw(content io.ReadCloser, title, name string) error {
	defer content.Close()
	if q.URL.Query().Get("download") == "1" {
		h := q.w.Header()
		h.Set("Content-Security-Policy", filePolicy)
		h.Set("Content-Type", "message/rfc822")
		h.Set("Content-Disposition", contentDisposition("attachment", name+".eml"))
		h.Set("Cache-Control", "private, no-cache")
		_, err := io.Copy(q.w, content)
		return ignoreGone(err)
	}
	b, err := io.ReadAll(io.LimitReader(content, rawShown))
	if err != nil && !errors.Is(err, io.EOF) {
		return err
	}
	shell, err := q.shell(q.place("desk"))
	if err != nil {
		return err
	}
	text := strings.ToValidUTF8(string(b), "\uFFFD")
	return q.page(view.Raw(shell, title, text, q.URL.Path+"?download=1"), []any{shell, title, text})
}

// showRaw is GET /messages/{id}/raw.
func showRaw(q *request) error {
	id, err := q.number("id")
	if err != nil {
		return err
	}
	content, err := q.site.o.Pages.Raw(q.Context(), q.agent, id)
	if err != nil {
		return err
	}
	return q.raw(content, "Message as it came in", "message-"+strconv.FormatInt(id, 10))
}

// showMailRaw is GET /mails/{id}/raw.
func showMailRaw(q *request) error {
	id, err := q.number("id")
	if err != nil {
		return err
	}
	content, err := q.site.o.Pages.MailBytes(q.Context(), q.agent, id)
	if err != nil {
		return err
	}
	return q.raw(content, "Mail as it was sent", "mail-"+strconv.FormatInt(id, 10))
}

// showInboundRaw is GET /inbound/{id}/raw.
func showInboundRaw(q *request) error {
	id, err := q.number("id")
	if err != nil {
		return err
	}
	content, err := q.site.o.Pages.InboundRaw(q.Context(), q.agent, id)
	if err != nil {
		return err
	}
	return q.raw(content, "Received mail", "received-"+strconv.FormatInt(id, 10))
}
