package web_test

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"mime/multipart"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"strings"
	"testing"

	"golang.org/x/net/html"

	"postroom"
	"postroom/internal/auth"
	"postroom/internal/automate"
	"postroom/internal/connect"
	"postroom/internal/dbtest"
	"postroom/internal/desktest"
	"postroom/internal/directory"
	"postroom/internal/hub"
	"postroom/internal/query"
	"postroom/internal/web"
	"postroom/internal/wire/reach"
)

func TestMain(m *testing.M) { dbtest.Main(m) }

// office is a desk with its pages, and browsers on them.
type office struct {
	*desktest.Desk
	t      testing.TB
	site   *web.Site
	server *httptest.Server
	auth   *auth.Auth
	hub    *hub.Hub
}

// nobody is a name server that knows no name.
type nobody struct{}

func unknown(name string) error {
	return &net.DNSError{Err: "no such host", Name: name, IsNotFound: true}
}

func (nobody) LookupTXT(_ context.Context, name string) ([]string, error) { return nil, unknown(name) }

func (nobody) LookupMX(_ context.Context, name string) ([]*net.MX, error) { return nil, unknown(name) }

func (nobody) LookupNetIP(_ context.Context, _, name string) ([]netip.Addr, error) {
	return nil, unknown(name)
}

type plain struct{}

func (plain) Seal(password string) (string, error) { return password, nil }

const password = "correct horse battery"

func open(t testing.TB, d *desktest.Desk) *office {
	t.Helper()
	o := &office{Desk: d, t: t, hub: hub.New(nil)}
	var err error
	if o.auth, err = auth.New(auth.Options{Store: d.Store, Key: bytes.Repeat([]byte("k"), 32), Cost: auth.Cost{MemoryKiB: 64, Iterations: 1}}); err != nil {
		t.Fatal(err)
	}
	people := directory.New(directory.Options{Store: d.Store, Sealer: plain{}, SealSecret: d.SealSecret})
	links := connect.New(connect.Options{Consents: d.SignIns, Store: d.Store, Blobs: d.Blobs, Directory: people, Keys: d.Desk.Keys(), Open: func(s string) (string, error) { return s, nil },
		Resolver: nobody{}, Dial: reach.Dial, TLS: d.Office.ClientTLS()})
	o.site, err = web.New(web.Options{
		Pages: query.New(query.Options{Store: d.Store, Blobs: d.Blobs, Name: "Acme"}), Desk: d.Desk, Outbox: d.Outbox, Auth: o.auth, Alarms: d.Alarms, Hub: o.hub,
		Directory: people, Connections: links, Consents: d.SignIns, URL: func() string { return "https://desk.acme.example" }, Reactor: d.React, Workflows: automate.New(automate.Options{Store: d.Store, Letters: d.Desk, Call: d.React.TestCall}), Promises: automate.NewPromises(automate.New(automate.Options{Store: d.Store})), MaxUpload: 1 << 20, Name: "Acme",
	})
	if err != nil {
		t.Fatal(err)
	}
	o.server = httptest.NewServer(o.site)
	t.Cleanup(o.server.Close)
	t.Cleanup(o.hub.Close)
	return o
}

// browser is a signed-in browser that follows no redirects.
type browser struct {
	o       *office
	cookies map[string]string
	header  http.Header
}

func (o *office) stranger() *browser {
	return &browser{o: o, cookies: map[string]string{}, header: http.Header{}}
}

// browser signs an agent in by the page.
func (o *office) browser(name string) *browser {
	o.t.Helper()
	admin, agent := o.Agent("ann").Agent, o.Agent(name).Agent
	if err := o.auth.GivePassword(context.Background(), admin, agent.ID, password); err != nil {
		o.t.Fatal(err)
	}
	b := o.stranger()
	r := b.post("/signin", url.Values{"email": {agent.Email}, "password": {password}})
	if r.status != http.StatusSeeOther {
		o.t.Fatalf("signing in answers %d: %s", r.status, r.body)
	}
	return b
}

type answer struct {
	status int
	header http.Header
	body   string
	page   *html.Node
}

func (b *browser) send(method, path, kind string, body io.Reader) answer {
	b.o.t.Helper()
	r, err := http.NewRequestWithContext(b.o.t.Context(), method, b.o.server.URL+path, body)
	if err != nil {
		b.o.t.Fatal(err)
	}
	for k, v := range b.header {
		r.Header[k] = v
	}
	if kind != "" {
		r.Header.Set("Content-Type", kind)
	}
	for name, value := range b.cookies {
		r.AddCookie(&http.Cookie{Name: name, Value: value})
	}
	client := &http.Client{Transport: b.o.server.Client().Transport, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	res, err := client.Do(r)
	if err != nil {
		b.o.t.Fatal(err)
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	if err != nil {
		b.o.t.Fatal(err)
	}
	for _, c := range res.Cookies() {
		if c.MaxAge < 0 {
			delete(b.cookies, c.Name)
		} else {
			b.cookies[c.Name] = c.Value
		}
	}
	a := answer{status: res.StatusCode, header: res.Header, body: string(text)}
	a.page, _ = html.Parse(strings.NewReader(a.body))
	return a
}

func (b *browser) get(path string) answer { b.o.t.Helper(); return b.send("GET", path, "", nil) }

func (b *browser) post(path string, form url.Values) answer {
	b.o.t.Helper()
	return b.send("POST", path, "application/x-www-form-urlencoded", strings.NewReader(form.Encode()))
}

// file is a file in a multipart form.
type file struct{ name, kind, content string }

func (b *browser) postFiles(path string, form url.Values, files ...file) answer {
	b.o.t.Helper()
	var body bytes.Buffer
	w := multipart.NewWriter(&body)
	for name, values := range form {
		for _, v := range values {
			if err := w.WriteField(name, v); err != nil {
				b.o.t.Fatal(err)
			}
		}
	}
	for _, f := range files {
		part, err := w.CreatePart(map[string][]string{"Content-Disposition": {fmt.Sprintf("form-data; name=%q; filename=%q", "file", f.name)}, "Content-Type": {f.kind}})
		if err == nil {
			_, err = io.WriteString(part, f.content)
		}
		if err != nil {
			b.o.t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		b.o.t.Fatal(err)
	}
	return b.send("POST", path, w.FormDataContentType(), &body)
}

// find returns the first element with an attribute of a value.
func (a answer) find(name, value string) *html.Node {
	for n := range a.page.Descendants() {
		if n.Type == html.ElementNode && attribute(n, name) == value {
			return n
		}
	}
	return nil
}

func attribute(n *html.Node, name string) string {
	for _, x := range n.Attr {
		if x.Key == name {
			return x.Val
		}
	}
	return ""
}

// has reports whether the page shows a text.
func (a answer) has(text string) bool { return strings.Contains(a.words(), text) }

// words is the text of the page, with one space between words.
func (a answer) words() string {
	var b strings.Builder
	for n := range a.page.Descendants() {
		if n.Type == html.TextNode {
			b.WriteString(n.Data + " ")
		}
	}
	return strings.Join(strings.Fields(b.String()), " ")
}

func (a answer) want(t testing.TB, status int, what string) answer {
	t.Helper()
	if a.status != status {
		t.Fatalf("%s: %d, want %d; %s %.600s", what, a.status, status, a.header.Get("Location"), a.body)
	}
	return a
}

func conversationPath(c *postroom.Conversation, rest string) string {
	return fmt.Sprintf("/conversations/%d%s", c.Number, rest)
}
