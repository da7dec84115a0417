package imap_test

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strconv"
	"strings"
	"testing"
	"time"

	"postroom/internal/postoffice"
	"postroom/internal/wire/imap"
)

const address = "help@desk.example"

func office(t *testing.T, o postoffice.Options) *postoffice.Office {
	t.Helper()
	f, err := postoffice.New(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { f.Close() })
	return f
}

// server is the way to an office.
func server(t *testing.T, f *postoffice.Office) imap.Server {
	t.Helper()
	return at(t, f.IMAPAddr(), f)
}

func at(t *testing.T, addr string, f *postoffice.Office) imap.Server {
	t.Helper()
	host, port, err := net.SplitHostPort(addr)
	if err != nil {
		t.Fatal(err)
	}
	n, err := strconv.Atoi(port)
	if err != nil {
		t.Fatal(err)
	}
	return imap.Server{Host: host, Port: n, Security: imap.SecurityStartTLS, Username: address, Password: "postoffice", TLS: f.ClientTLS(),
		Timeouts: imap.Timeouts{Connect: 5 * time.Second, Silence: 5 * time.Second}}
}

func dial(t *testing.T, s imap.Server) *imap.Conn {
	t.Helper()
	c, err := imap.Dial(t.Context(), s)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	return c
}

func mail(id string) []byte {
	return []byte("Message-ID: <" + id + ">\r\nSubject: " + id + "\r\n\r\nHello " + id + "\r\n")
}

// TestCheck looks at a server in each way that a mailbox can be set up wrong,
// and holds the words an admin reads.
func TestCheck(t *testing.T) {
	t.Parallel()
	f := office(t, postoffice.Options{Tokens: map[string]string{address: "ya29.fresh"}})
	smtpOnly := func(s *imap.Server) { *s = at(t, f.Addr(), f); s.Security = imap.SecurityNone }
	for name, c := range map[string]struct {
		change  func(*imap.Server)
		folder  string
		step    imap.Step
		refused bool
		words   string
	}{
		"starttls":        {change: func(*imap.Server) {}},
		"plain text":      {change: func(s *imap.Server) { s.Security = imap.SecurityNone }},
		"token":           {change: func(s *imap.Server) { s.Auth, s.Password = imap.AuthToken, "ya29.fresh" }},
		"wrong password":  {change: func(s *imap.Server) { s.Password = "secret-canary" }, step: imap.StepSignIn, refused: true, words: "refused the sign-in of help@desk.example: “NO [AUTHENTICATIONFAILED] Authentication failed”"},
		"stale token":     {change: func(s *imap.Server) { s.Auth, s.Password = imap.AuthToken, "secret-canary" }, step: imap.StepSignIn, refused: true, words: "refused the access token"},
		"folder gone":     {folder: "Support", step: imap.StepFolder, refused: true, words: "The folder “Support” on"},
		"TLS, plain port": {change: func(s *imap.Server) { s.Security = imap.SecurityTLS }, step: imap.StepTLS, words: "does not speak TLS from the first byte on this port; choose STARTTLS"},
		"TLS port, plain": {change: func(s *imap.Server) {
			*s = at(t, f.TLSAddr(), f)
			s.Security, s.Timeouts.Connect = imap.SecurityNone, time.Second
		}, step: imap.StepGreet, words: "it may want TLS from the first byte on this port"},
		"an SMTP server":   {change: smtpOnly, step: imap.StepGreet, words: "takes mail (SMTP) on this port"},
		"nobody there":     {change: func(s *imap.Server) { s.Port = 1 }, step: imap.StepConnect, words: "No connection to the server 127.0.0.1:1 can be made"},
		"no such name":     {change: func(s *imap.Server) { s.Host = "imap.invalid" }, step: imap.StepFind, words: "The address of the server imap.invalid cannot be found"},
		"other name":       {change: func(s *imap.Server) { s.TLS.ServerName = "imap.else.example" }, step: imap.StepTLS, words: "is for another name (postoffice.test, localhost)"},
		"unknown signer":   {change: func(s *imap.Server) { s.TLS = nil }, step: imap.StepTLS, words: "is signed by nobody this machine trusts"},
		"no server at all": {change: func(s *imap.Server) { s.Host = "" }, step: imap.StepFind, words: "No server is named"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := server(t, f)
			if c.change != nil {
				c.change(&s)
			}
			seen, err := imap.Check(t.Context(), s, c.folder)
			if c.step == "" {
				if err != nil {
					t.Fatal(err)
				}
				if !seen.Idle || seen.Sent != "Sent" || seen.Folder != "INBOX" || seen.Status.UIDValidity == 0 || !strings.HasPrefix(seen.Greeting, "* OK") {
					t.Errorf("seen %+v", seen)
				}
				return
			}
			fault, ok := errors.AsType[*imap.Fault](err)
			if !ok {
				t.Fatalf("no fault: %v, %+v", err, seen)
			}
			if fault.Step != c.step || fault.Refused != c.refused || !strings.Contains(fault.Error(), c.words) || strings.Contains(fault.Error(), "canary") {
				t.Errorf("step %q refused %v: %s", fault.Step, fault.Refused, fault.Error())
			}
		})
	}
}

// TestThePasswordIsNotToldToEverybody refuses to sign in where others listen.
func TestThePasswordIsNotToldToEverybody(t *testing.T) {
	t.Parallel()
	f := office(t, postoffice.Options{})
	s := server(t, f)
	s.Security = imap.SecurityNone
	s.DialContext = func(ctx context.Context, network, addr string) (net.Conn, error) {
		var d net.Dialer
		c, err := d.DialContext(ctx, network, addr)
		return elsewhere{c}, err
	}
	if _, err := imap.Dial(t.Context(), s); err == nil || !strings.Contains(err.Error(), "The password is not sent") {
		t.Errorf("signed in: %v", err)
	}
	if n := f.IMAPCommands(postoffice.IMAPLogin); n != 0 {
		t.Errorf("signed in %d times", n)
	}
	s.InsecureAuth = true
	dial(t, s)
}

// elsewhere is a connection to another machine.
type elsewhere struct{ net.Conn }

// RemoteAddr is the other machine's.
func (elsewhere) RemoteAddr() net.Addr { return &net.TCPAddr{IP: net.IPv4(192, 0, 2, 1), Port: 143} }

// TestReading fetches, waits, marks, moves and finds.
func TestReading(t *testing.T) {
	t.Parallel()
	f := office(t, postoffice.Options{})
	f.MakeFolder(address, "Done")
	old := time.Date(2026, 1, 5, 12, 0, 0, 0, time.UTC)
	for i := range 5 {
		if err := f.Put(address, "INBOX", mail(fmt.Sprintf("m%d@x", i)), old.AddDate(0, i, 0)); err != nil {
			t.Fatal(err)
		}
	}
	ctx := t.Context()
	c := dial(t, server(t, f))
	st, err := c.Open(ctx, "INBOX", true)
	if err != nil || st.Messages != 5 || st.UIDNext != 6 {
		t.Fatalf("%+v, %v", st, err)
	}
	uids, err := c.UIDsAfter(ctx, 3, time.Time{})
	if err != nil || fmt.Sprint(uids) != "[4 5]" {
		t.Errorf("after 3: %v, %v", uids, err)
	}
	if uids, err = c.UIDsAfter(ctx, 9, time.Time{}); err != nil || len(uids) != 0 {
		t.Errorf("after 9: %v, %v", uids, err)
	}
	if uids, err = c.UIDsAfter(ctx, 0, old.AddDate(0, 2, 0)); err != nil || fmt.Sprint(uids) != "[3 4 5]" {
		t.Errorf("since March: %v, %v", uids, err)
	}
	heads, err := c.Heads(ctx, []uint32{1, 77})
	if err != nil || len(heads) != 1 || heads[0].Size != int64(len(mail("m0@x"))) || !heads[0].At.Equal(old) {
		t.Errorf("heads %+v, %v", heads, err)
	}
	var got []imap.Raw
	if err := c.Fetch(ctx, []uint32{2, 3, 77}, 0, func(r imap.Raw) { got = append(got, r) }); err != nil {
		t.Fatal(err)
	}
	if len(got) != 2 || string(got[0].Bytes) != string(mail("m1@x")) || got[0].UID != 2 || got[0].Cut {
		t.Errorf("fetched %+v", got)
	}
	got = nil
	if err := c.Fetch(ctx, []uint32{2}, 20, func(r imap.Raw) { got = append(got, r) }); err != nil || len(got) != 1 || !got[0].Cut || len(got[0].Bytes) != 20 {
		t.Errorf("20 bytes of it: %+v, %v", got, err)
	}
	for _, k := range f.Folder(address, "INBOX") {
		if k.Seen {
			t.Errorf("fetching marked %d as read", k.UID)
		}
	}
	if found, err := c.FindID(ctx, "m3@x"); err != nil || fmt.Sprint(found) != "[4]" {
		t.Errorf("found %v, %v", found, err)
	}
	if err := errors.Join(c.MarkSeen(ctx, []uint32{1}), c.Move(ctx, []uint32{2, 77}, "Done")); err != nil {
		t.Fatal(err)
	}
	if kept := f.Folder(address, "INBOX"); len(kept) != 4 || !kept[0].Seen {
		t.Errorf("left: %d", len(kept))
	}
	if kept := f.Folder(address, "Done"); len(kept) != 1 || string(kept[0].Raw) != string(mail("m1@x")) {
		t.Errorf("moved: %d", len(kept))
	}
	stored, err := c.Append(ctx, "Sent", mail("copy@x"), old)
	if kept := f.Folder(address, "Sent"); err != nil || stored.UID != 1 || stored.UIDValidity == 0 || len(kept) != 1 || !kept[0].Seen {
		t.Errorf("copy: %+v, %v, %+v", stored, err, kept)
	}
	if _, err := c.Append(ctx, "None", mail("copy@x"), old); err == nil || !strings.Contains(err.Error(), "NO [TRYCREATE] No such mailbox") {
		t.Errorf("a copy into no folder: %v", err)
	}
	if _, err := c.Open(ctx, "INBOX", false); err != nil {
		t.Errorf("after a refusal the connection is of no use: %v", err)
	}
}

// TestWaiting is told of a new mail by a server with IDLE, and asks one
// without.
func TestWaiting(t *testing.T) {
	t.Parallel()
	for _, without := range []bool{false, true} {
		t.Run(fmt.Sprint("without IDLE ", without), func(t *testing.T) {
			t.Parallel()
			f := office(t, postoffice.Options{WithoutIDLE: without})
			s := server(t, f)
			s.Security = imap.SecurityNone
			c := dial(t, s)
			if c.Has("IDLE") == without {
				t.Fatalf("IDLE is offered: %v", c.Has("IDLE"))
			}
			if _, err := c.Open(t.Context(), "INBOX", false); err != nil {
				t.Fatal(err)
			}
			longest := 20 * time.Second
			if without {
				longest = 50 * time.Millisecond
			} else {
				go func() {
					for f.IMAPCommands(postoffice.IMAPIdle) == 0 && t.Context().Err() == nil {
						<-time.After(time.Millisecond)
					}
					_ = f.Put(address, "INBOX", mail("new@x"), time.Now())
				}()
			}
			began := time.Now()
			if err := c.Wait(t.Context(), longest); err != nil {
				t.Fatal(err)
			}
			if took := time.Since(began); !without && took > 15*time.Second {
				t.Errorf("the server told after %s", took)
			}
		})
	}
}

// TestAPeerThatIsGone finds out that nobody is there, whatever is going on.
func TestAPeerThatIsGone(t *testing.T) {
	t.Parallel()
	t.Run("half-open", func(t *testing.T) {
		t.Parallel()
		f := office(t, postoffice.Options{})
		s := server(t, f)
		s.Timeouts = imap.Timeouts{Silence: 300 * time.Millisecond, Idle: 100 * time.Millisecond}
		c := dial(t, s)
		if _, err := c.Open(t.Context(), "INBOX", false); err != nil {
			t.Fatal(err)
		}
		f.Deafen(true)
		var err error
		for err == nil {
			err = c.Wait(t.Context(), time.Minute)
		}
		if !strings.Contains(err.Error(), "has not said anything for 300ms: the connection is dead") {
			t.Errorf("%v", err)
		}
	})
	t.Run("restart", func(t *testing.T) {
		t.Parallel()
		f := office(t, postoffice.Options{})
		c := dial(t, server(t, f))
		if _, err := c.Open(t.Context(), "INBOX", false); err != nil {
			t.Fatal(err)
		}
		f.StopIMAP("Going down for maintenance")
		err := c.Wait(t.Context(), time.Minute)
		if fault, ok := errors.AsType[*imap.Fault](err); !ok || fault.Refused || !strings.Contains(err.Error(), "closed the connection") {
			t.Errorf("%v", err)
		}
		if err := f.StartIMAP(); err != nil {
			t.Fatal(err)
		}
		dial(t, server(t, f))
	})
	t.Run("cut while fetching", func(t *testing.T) {
		t.Parallel()
		f := office(t, postoffice.Options{})
		c := dial(t, server(t, f))
		if _, err := c.Open(t.Context(), "INBOX", false); err != nil {
			t.Fatal(err)
		}
		f.ProgramIMAP(postoffice.IMAPFault{Command: postoffice.IMAPFetch})
		if err := c.Fetch(t.Context(), []uint32{1}, 0, func(imap.Raw) {}); err == nil {
			t.Error("no fault")
		}
	})
	t.Run("stopped", func(t *testing.T) {
		t.Parallel()
		f := office(t, postoffice.Options{})
		ctx, cancel := context.WithCancel(t.Context())
		c, err := imap.Dial(ctx, server(t, f))
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		if _, err := c.Open(ctx, "INBOX", false); err != nil {
			t.Fatal(err)
		}
		time.AfterFunc(20*time.Millisecond, cancel)
		if err := c.Wait(ctx, time.Minute); !errors.Is(err, context.Canceled) {
			t.Errorf("%v", err)
		}
	})
}
