package connect_test

import (
	"context"
	"crypto/tls"
	"net"
	"strings"
	"testing"
	"time"

	"postroom"
	"postroom/internal/connect"
	"postroom/internal/dbtest"
	"postroom/internal/desktest"
	"postroom/internal/directory"
	"postroom/internal/postoffice"
	"postroom/internal/query"
	"postroom/internal/wire/reach"
)

func TestMain(m *testing.M) { dbtest.Main(m) }

// plain seals so that tests can see through.
type plain struct{}

func (plain) Seal(password string) (string, error) { return "sealed " + password, nil }

func open(sealed string) (string, error) { return strings.TrimPrefix(sealed, "sealed "), nil }

// room is a desk with a post office of its own to be connected to, and a name
// server.
type room struct {
	*desktest.Desk
	office *postoffice.Office
	zone   *zone
	people *directory.Directory
	*connect.Connections
	ann, ben *postroom.Agent
}

func each(t *testing.T, o postoffice.Options, f func(t *testing.T, r *room)) {
	t.Helper()
	desktest.Each(t, func(t *testing.T, d *desktest.Desk) { f(t, newRoom(t, d, o, nil)) })
}

func newRoom(t *testing.T, d *desktest.Desk, o postoffice.Options, change func(*connect.Options)) *room {
	t.Helper()
	office, err := postoffice.New(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { office.Close() })
	r := &room{Desk: d, office: office, zone: newZone(t), people: directory.New(directory.Options{Store: d.Store, Sealer: plain{}}), ann: d.Agent("ann").Agent, ben: d.Agent("ben").Agent}
	options := connect.Options{Store: d.Store, Blobs: d.Blobs, Directory: r.people, Consents: d.SignIns, Keys: d.Desk.Keys(), Open: open, Resolver: reach.Resolver(r.zone.addr),
		Dial: reach.Dial, TLS: office.ClientTLS(), Patience: 30 * time.Second}
	if change != nil {
		change(&options)
	}
	r.Connections = connect.New(options)
	return r
}

// smtp is a form that names the office's port for plain text or, with tls, the
// one that encrypts from the first byte.
func (r *room) smtp(security string) connect.Try {
	addr := r.office.Addr()
	if security == "tls" {
		addr = r.office.TLSAddr()
	}
	host, port, _ := net.SplitHostPort(addr)
	return connect.Try{Address: "support@acme.example", Host: host, Port: port, Security: security, Username: "support@acme.example", Password: "right"}
}

func (r *room) try(t *testing.T, form connect.Try) query.Probe {
	t.Helper()
	p, err := r.TrySending(t.Context(), r.ann, form)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

var account = postoffice.Options{Users: map[string]string{"support@acme.example": "right"}, RequireAuth: true, Domain: "mx.acme.example"}

func TestASendingConnectionIsTriedAndNothingIsSent(t *testing.T) {
	t.Parallel()
	each(t, account, func(t *testing.T, r *room) {
		for _, security := range []string{"starttls", "tls"} {
			p := r.try(t, r.smtp(security))
			if p.State != "good" || !strings.Contains(p.Title, "It works") {
				t.Errorf("%s: %+v", security, p)
			}
			all := strings.Join(p.Dialogue, "\n")
			if !strings.Contains(all, "MAIL FROM:<support@acme.example>") || !strings.Contains(all, "C: RSET") || strings.Contains(all, "DATA") || strings.Contains(all, "right") {
				t.Errorf("%s: the dialogue is\n%s", security, all)
			}
		}
		if n := len(r.office.Received()); n != 0 {
			t.Errorf("%d mails were sent", n)
		}
	})
}

// What goes wrong shows in the server's own words, with what to do about it,
// beside the field it is about.
func TestWhatIsWrongWithASendingConnection(t *testing.T) {
	t.Parallel()
	each(t, account, func(t *testing.T, r *room) {
		closed, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		_, nobody, _ := net.SplitHostPort(closed.Addr().String())
		closed.Close()
		silent := silence(t)
		for _, c := range []struct {
			name    string
			change  func(*connect.Try)
			state   string
			title   string
			said    string
			field   string
			advises string
		}{
			{"a wrong password", func(f *connect.Try) { f.Password = "wrong" }, "bad", "refuses user name or password", "535 5.7.8", "smtp_password", ""},
			{"no password yet", func(f *connect.Try) { f.Password = "" }, "wait", "The server answers", "", "smtp_password", ""},
			{"no server yet", func(f *connect.Try) { f.Host = " " }, "wait", "Enter the server's name", "", "smtp_host", ""},
			{"nobody signs in", func(f *connect.Try) { f.Username, f.Password = "", "" }, "bad", "wants somebody to sign in", "530", "smtp_user", ""},
			{"nothing on that port", func(f *connect.Try) { f.Port = nobody }, "bad", "Nothing listens on port " + nobody, "refused", "smtp_port", "tls"},
			{"TLS where plain text is spoken", func(f *connect.Try) { f.Security = "tls" }, "bad", "does not speak TLS from the first byte", "", "smtp_security", "starttls"},
			{"plain text where TLS is spoken", func(f *connect.Try) { _, f.Port, _ = net.SplitHostPort(r.office.TLSAddr()) }, "bad", "", "", "smtp_port", "tls"},
			{"no such name", func(f *connect.Try) { f.Host = "no-such-host.invalid" }, "bad", "There is no server called no-such-host.invalid", "no such host", "smtp_host", ""},
			{"an address of the link", func(f *connect.Try) { f.Host = "169.254.169.254" }, "bad", "No mail server can be at that address", "", "smtp_host", ""},
			{"no port", func(f *connect.Try) { f.Port = "99999" }, "bad", "That is no port", "", "smtp_port", ""},
			{"a whole URL", func(f *connect.Try) { f.Host = "https://mail.acme.example" }, "bad", "not the name of a server", "", "smtp_host", ""},
			{"no kind of security", func(f *connect.Try) { f.Security = "rot13" }, "bad", "Choose a kind of security", "", "smtp_security", ""},
			{"a forged command", func(f *connect.Try) { f.Username = "x\r\nMAIL FROM:<thief@example.org>" }, "bad", "line break", "", "smtp_password", ""},
		} {
			form := r.smtp("starttls")
			c.change(&form)
			if c.name == "plain text where TLS is spoken" { // waits for a greeting that never comes
				short := newRoom(t, r.Desk, account, func(o *connect.Options) { o.Patience = 2 * time.Second })
				_, form.Port, _ = net.SplitHostPort(short.office.TLSAddr())
				p, err := short.TrySending(t.Context(), short.ann, form)
				if err != nil || p.State != "bad" || p.Advice == nil || p.Advice.Security != "tls" {
					t.Errorf("%s: %+v %v", c.name, p, err)
				}
				continue
			}
			p := r.try(t, form)
			if p.State != c.state || !strings.Contains(p.Title, c.title) || !strings.Contains(p.Said, c.said) || p.Field != c.field {
				t.Errorf("%s: %+v", c.name, p)
			}
			if (c.advises != "") != (p.Advice != nil) || p.Advice != nil && p.Advice.Security != c.advises {
				t.Errorf("%s: advises %+v", c.name, p.Advice)
			}
			if strings.Contains(strings.Join(p.Dialogue, " ")+p.Said+p.Words, "wrong\"") {
				t.Errorf("%s: the password can be read", c.name)
			}
		}
		// A server that takes the connection and says nothing is given up.
		short := newRoom(t, r.Desk, account, func(o *connect.Options) { o.Patience = time.Second })
		form := r.smtp("starttls")
		form.Host, form.Port, _ = net.SplitHostPort(silent)
		if p, err := short.TrySending(t.Context(), short.ann, form); err != nil || p.State != "bad" || !strings.Contains(p.Title, "No answer") {
			t.Errorf("a silent server: %+v %v", p, err)
		}
		// One with a certificate that nobody has signed is not believed.
		strict := newRoom(t, r.Desk, account, func(o *connect.Options) { o.TLS = &tls.Config{MinVersion: tls.VersionTLS12} })
		if p, err := strict.TrySending(t.Context(), strict.ann, strict.smtp("starttls")); err != nil || !strings.Contains(p.Title, "signed by nobody we know") {
			t.Errorf("a certificate of its own: %+v %v", p, err)
		}
	})
}

// silence is a port that takes connections and says nothing.
func silence(t *testing.T) string {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { ln.Close() })
	go func() {
		for {
			c, err := ln.Accept()
			if err != nil {
				return
			}
			t.Cleanup(func() { c.Close() })
		}
	}()
	return ln.Addr().String()
}

// A stored password goes to the server and user it was entered for, and to
// nobody else who happens to be typed.
func TestAStoredPasswordGoesNowhereElse(t *testing.T) {
	t.Parallel()
	each(t, account, func(t *testing.T, r *room) {
		form := r.smtp("starttls")
		f := directory.NewMailbox("Sales", "support@acme.example")
		f.Address = "sales@acme.example"
		f.Host, f.Security, f.Username = form.Host, form.Security, form.Username
		f.Port, _ = net.LookupPort("tcp", form.Port)
		f.Password = new(string)
		*f.Password = "right"
		m, err := r.people.AddMailbox(t.Context(), r.ann, f)
		if err != nil {
			t.Fatal(err)
		}
		form.Mailbox, form.Password = m.ID, ""
		if p := r.try(t, form); p.State != "good" {
			t.Errorf("with the stored password: %+v", p)
		}
		thief, err := postoffice.New(postoffice.Options{Users: map[string]string{"x": "y"}, PlainAuth: true})
		if err != nil {
			t.Fatal(err)
		}
		defer thief.Close()
		for what, change := range map[string]func(*connect.Try){
			"another server": func(x *connect.Try) { x.Host, x.Port, _ = net.SplitHostPort(thief.Addr()) },
			"another user":   func(x *connect.Try) { x.Username = "other@acme.example" },
			"no encryption":  func(x *connect.Try) { x.Security = "none" },
		} {
			other := form
			change(&other)
			p := r.try(t, other)
			if p.State == "good" || strings.Contains(strings.Join(p.Dialogue, "\n"), "C: AUTH") {
				t.Errorf("%s: %+v", what, p)
			}
		}
		// Nor is it saved for another server without being entered again.
		f = directory.Fields(m, nil)
		f.Host = "elsewhere.example"
		if err := r.SaveSending(t.Context(), r.ann, m.ID, f); postroom.CodeOf(err) != postroom.Invalid {
			t.Errorf("saving it for another server: %v", err)
		}
	})
}

func TestOnlyAdminsTryConnectionsAndNotForEver(t *testing.T) {
	t.Parallel()
	each(t, account, func(t *testing.T, r *room) {
		form := r.smtp("starttls")
		if _, err := r.TrySending(t.Context(), r.ben, form); postroom.CodeOf(err) != postroom.Forbidden {
			t.Errorf("an agent may try: %v", err)
		}
		if _, _, err := r.TryReceiving(t.Context(), r.ben, form, ""); postroom.CodeOf(err) != postroom.Forbidden {
			t.Errorf("an agent may try to receive: %v", err)
		}
		if err := r.SendTrial(t.Context(), r.ben, r.Mailbox.ID); postroom.CodeOf(err) != postroom.Forbidden {
			t.Errorf("an agent may send a test mail: %v", err)
		}
		if _, err := r.CheckDomain(t.Context(), r.ben, r.Mailbox.ID); postroom.CodeOf(err) != postroom.Forbidden {
			t.Errorf("an agent may look at a domain: %v", err)
		}
		before := r.office.Attempts()
		if len(before) != 0 {
			t.Errorf("something was tried: %v", before)
		}
		form.Host, form.Port = "127.0.0.1", "1" // refused at once
		for i := 0; ; i++ {
			_, err := r.TrySending(t.Context(), r.ann, form)
			if postroom.CodeOf(err) == postroom.Busy {
				break
			}
			if err != nil || i > 100 {
				t.Fatalf("after %d tests: %v", i, err)
			}
		}
		r.Pass(time.Minute)
		if _, err := r.TrySending(t.Context(), r.ann, form); err != nil {
			t.Errorf("a minute later: %v", err)
		}
	})
}

// A newer test of the same form ends the older one, which would say what is no
// longer true.
func TestANewerTestEndsTheOlder(t *testing.T) {
	t.Parallel()
	each(t, account, func(t *testing.T, r *room) {
		hangs := make(chan struct{})
		slow := newRoom(t, r.Desk, account, func(o *connect.Options) {
			o.Dial = func(ctx context.Context, network, address string) (net.Conn, error) {
				if strings.HasPrefix(address, "127.0.0.9:") {
					close(hangs)
					<-ctx.Done()
					return nil, ctx.Err()
				}
				return reach.Dial(ctx, network, address)
			}
		})
		first := slow.smtp("starttls")
		first.Host = "127.0.0.9"
		older := make(chan query.Probe, 1)
		go func() {
			p, _ := slow.TrySending(t.Context(), slow.ann, first)
			older <- p
		}()
		<-hangs
		if p := slow.try(t, slow.smtp("starttls")); p.State != "good" {
			t.Errorf("the newer one: %+v", p)
		}
		if p := <-older; p.State != "wait" || !strings.Contains(p.Title, "newer") {
			t.Errorf("the older one: %+v", p)
		}
	})
}

// A desk which nothing may leave tries no server but its own.
func TestADemoReachesNobody(t *testing.T) {
	t.Parallel()
	each(t, account, func(t *testing.T, r *room) {
		own := r.smtp("starttls")
		port, _ := net.LookupPort("tcp", own.Port)
		demo := newRoom(t, r.Desk, account, func(o *connect.Options) {
			o.Only = &postroom.Channel{Host: own.Host, Port: port}
			o.TLS = r.office.ClientTLS()
		})
		if p := demo.try(t, own); p.State != "good" {
			t.Errorf("its own server: %+v", p)
		}
		if p := demo.try(t, demo.smtp("starttls")); p.State != "bad" || !strings.Contains(p.Title, "Nothing may leave") {
			t.Errorf("another server: %+v", p)
		}
	})
}
