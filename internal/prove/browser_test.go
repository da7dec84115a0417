package prove_test

import (
	"bytes"
	"context"
	"fmt"
	"html"
	"io"
	"mime/multipart"
	"net"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// browser is one agent's browser, without scripts.
type browser struct {
	client *http.Client
}

// browser opens a browser that nobody is signed in with.
func (p *place) browser() *browser {
	jar, err := cookiejar.New(nil)
	if err != nil {
		p.t.Fatal(err)
	}
	socket := filepath.Join(p.dir, "http")
	return &browser{&http.Client{
		Jar:           jar,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		Transport: &http.Transport{DisableKeepAlives: true, DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			return new(net.Dialer).DialContext(ctx, "unix", socket)
		}},
	}}
}

// signedIn opens Ann's browser.
func (p *place) signedIn(t testing.TB) *browser {
	t.Helper()
	b := p.browser()
	status, body, err := b.post(t.Context(), "/signin", url.Values{"email": {annEmail}, "password": {annPassword}})
	if err != nil || status != http.StatusSeeOther {
		t.Fatalf("sign in: %d %v %s", status, err, body)
	}
	b.notByMail(t)
	return b
}

// notByMail has Ann notified in the page only: what is counted here are the
// customers' mails.
func (b *browser) notByMail(t testing.TB) {
	t.Helper()
	status, body, err := b.post(t.Context(), "/profile/notifications", url.Values{"page": {"assigned", "answered", "failed", "note", "new", "waiting"}})
	if err != nil || status != http.StatusSeeOther {
		t.Fatalf("choose notifications: %d %v %s", status, err, body)
	}
}

func (b *browser) get(ctx context.Context, path string) (int, string, error) {
	status, _, body, err := b.fetch(ctx, path)
	return status, body, err
}

// fetch is get with the header of the answer.
func (b *browser) fetch(ctx context.Context, path string) (int, http.Header, string, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://localhost"+path, nil)
	if err != nil {
		return 0, nil, "", err
	}
	return b.do(req)
}

func (b *browser) post(ctx context.Context, path string, form url.Values) (int, string, error) {
	return b.send(ctx, path, "application/x-www-form-urlencoded", []byte(form.Encode()))
}

// postFile posts a form with a file in it.
func (b *browser) postFile(ctx context.Context, path string, form url.Values, name string, content []byte) (int, string, error) {
	var body bytes.Buffer
	w := multipart.NewWriter(&body)
	for k, vs := range form {
		for _, v := range vs {
			_ = w.WriteField(k, v) // a buffer takes everything
		}
	}
	part, err := w.CreateFormFile("file", name)
	if err != nil {
		return 0, "", err
	}
	_, _ = part.Write(content)
	_ = w.Close()
	return b.send(ctx, path, w.FormDataContentType(), body.Bytes())
}

func (b *browser) send(ctx context.Context, path, contentType string, body []byte) (int, string, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://localhost"+path, bytes.NewReader(body))
	if err != nil {
		return 0, "", err
	}
	req.Header.Set("Content-Type", contentType)
	status, _, answer, err := b.do(req)
	return status, answer, err
}

func (b *browser) do(req *http.Request) (int, http.Header, string, error) {
	resp, err := b.client.Do(req)
	if err != nil {
		return 0, nil, "", err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	return resp.StatusCode, resp.Header, string(body), err
}

var (
	linkPattern = regexp.MustCompile(`href="/conversations/(\d+)[^"]*"`)
	seenPattern = regexp.MustCompile(`name="seen" value="(\d+)"`)
	workPattern = regexp.MustCompile(`action="/workflows/(\d+)/switch"`)
)

// find looks for a conversation by its subject in the folder of those nobody
// has; "" if it is not there.
func (b *browser) find(ctx context.Context, subject string) (string, error) {
	status, body, err := b.get(ctx, "/folders/unassigned")
	if err != nil || status != 200 {
		return "", fmt.Errorf("folder: %d %w", status, err)
	}
	subject = html.EscapeString(subject)
	at := strings.Index(body, subject)
	if at < 0 {
		return "", nil
	}
	// The subject stands in the row of its link.
	links := linkPattern.FindAllStringSubmatchIndex(body[:at], -1)
	if len(links) == 0 {
		return "", fmt.Errorf("no link before %q", subject)
	}
	last := links[len(links)-1]
	return body[last[2]:last[3]], nil
}

// seen returns what the composer of a conversation says its author has seen.
func (b *browser) seen(ctx context.Context, number string) (string, error) {
	status, body, err := b.get(ctx, "/conversations/"+number)
	if err != nil || status != 200 {
		return "", fmt.Errorf("conversation %s: %d %w", number, status, err)
	}
	m := seenPattern.FindStringSubmatch(body)
	if m == nil {
		return "", fmt.Errorf("conversation %s has no composer", number)
	}
	return m[1], nil
}

// switchOff turns the workflow of a name off.
func (b *browser) switchOff(t testing.TB, name string) {
	t.Helper()
	status, body, err := b.get(t.Context(), "/workflows")
	if err != nil || status != 200 {
		t.Fatalf("workflows: %d %v", status, err)
	}
	for row := range strings.SplitSeq(body, "</form>") {
		m := workPattern.FindStringSubmatch(row)
		if m == nil || !strings.Contains(row, html.EscapeString(name)) {
			continue
		}
		if status, body, err := b.post(t.Context(), "/workflows/"+m[1]+"/switch", url.Values{"on": {"0"}}); err != nil || status != http.StatusSeeOther {
			t.Fatalf("switch %s off: %d %v %s", name, status, err, body)
		}
		return
	}
	t.Fatalf("there is no workflow %q", name)
}
