package connect_test

import (
	"fmt"
	"net"
	"strings"
	"testing"
	"time"

	"postroom"
	"postroom/internal/connect"
	"postroom/internal/desk"
	"postroom/internal/directory"
	"postroom/internal/postoffice"
	"postroom/internal/query"
)

// sendFrom has the first mailbox send by the office.
func (r *room) sendFrom(t *testing.T) {
	t.Helper()
	host, port, _ := net.SplitHostPort(r.office.Addr())
	r.ChangeMailbox(r.Mailbox, func(m *postroom.Mailbox) {
		m.Channel = postroom.Channel{Host: host, Security: "none"}
		fmt.Sscan(port, &m.Channel.Port)
		m.AuthServ = ""
	})
}

func (r *room) trial(t *testing.T) query.TrialPage {
	t.Helper()
	p, err := r.TrialPage(t.Context(), r.ann, r.Mailbox.ID)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// comesBack hands a mail of the office back to the desk, with what servers on
// its way write above it.
func (r *room) comesBack(t *testing.T, l postoffice.Letter, above string) {
	t.Helper()
	err := r.Desk.Desk.Accept(t.Context(), desk.Delivery{Source: "lmtp", From: l.From, To: l.To, Raw: append([]byte(above), l.Raw...), Remote: "127.0.0.1"})
	if err != nil {
		t.Fatal(err)
	}
	r.Settle()
}

func TestATestMailGoesOutAndComesBack(t *testing.T) {
	t.Parallel()
	each(t, postoffice.Options{Domain: "mx.acme.example"}, func(t *testing.T, r *room) {
		r.sendFrom(t)
		if p := r.trial(t); len(p.Tries) != 0 || p.Waiting {
			t.Errorf("before anything: %+v", p)
		}
		if err := r.SendTrial(t.Context(), r.ann, r.Mailbox.ID); err != nil {
			t.Fatal(err)
		}
		letters := r.office.Received()
		if len(letters) != 2 || letters[0].To[0] != r.Mailbox.Address || !strings.Contains(letters[1].To[0], "+") {
			t.Fatalf("sent: %+v", letters)
		}
		if !strings.Contains(string(letters[0].Raw), "Auto-Submitted: auto-generated") {
			t.Error("the test mail does not say that a machine wrote it")
		}
		if p := r.trial(t); !p.Waiting || p.Tries[0].State != "wait" || p.Tries[0].Kind != "plain" {
			t.Errorf("on its way: %+v", p)
		}
		domain := strings.SplitN(r.Mailbox.Address, "@", 2)[1]
		r.comesBack(t, letters[0], "Authentication-Results: mx.acme.example; dkim=pass header.d="+domain+"; spf=pass smtp.mailfrom="+domain+"\r\nDKIM-Signature: v=1; a=rsa-sha256; d="+domain+"; s=autumn; b=x\r\n")
		r.comesBack(t, letters[1], "")
		p := r.trial(t)
		if p.Waiting || p.Tries[0].State != "good" || p.Tries[1].State != "good" || p.Tries[0].Inbound == 0 {
			t.Errorf("come back: %+v", p.Tries)
		}
		// It made nothing on the desk.
		if in := r.LastInbound(); in.State != "loop" || in.ConversationID != 0 || !strings.Contains(in.Words, "test mail") {
			t.Errorf("the received mail is %+v", in)
		}
		if n := len(r.office.Received()); n != 2 {
			t.Errorf("%d mails were sent; something was answered", n)
		}
		// The second one, which was sent last, came with no results of its own.
		found := map[string]query.Finding{}
		for _, f := range p.Findings {
			found[f.Set] = f
		}
		if _, ok := found["authserv"]; ok {
			t.Error("the id stands in the first mail, and the newest one is looked at")
		}
		// The DKIM key of the mail is known to the domain page.
		if err := r.SendTrial(t.Context(), r.ann, r.Mailbox.ID); err != nil {
			t.Fatal(err)
		}
	})
}

// The authserv-id and the signature of a mail that came back are offered and
// taken over; a lost address with a token is noticed.
func TestWhatATestMailShows(t *testing.T) {
	t.Parallel()
	each(t, postoffice.Options{}, func(t *testing.T, r *room) {
		r.sendFrom(t)
		if err := r.SendTrial(t.Context(), r.ann, r.Mailbox.ID); err != nil {
			t.Fatal(err)
		}
		letters := r.office.Received()
		domain := strings.SplitN(r.Mailbox.Address, "@", 2)[1]
		r.comesBack(t, letters[0], "Authentication-Results: mx.acme.example; dkim=pass header.d="+domain+"\r\nAuthentication-Results: forged.example; dkim=pass\r\nDKIM-Signature: v=1; d="+domain+"; s=autumn; b=x\r\n")
		p := r.trial(t)
		if len(p.Findings) < 2 || p.Findings[0].Set != "authserv" || p.Findings[0].Value != "mx.acme.example" || !strings.Contains(p.Findings[1].Title, "signed (DKIM) for "+domain) {
			t.Errorf("findings: %+v", p.Findings)
		}
		if dkim := r.domain(t, "127.0.0.1")["dkim"]; dkim.State != "good" || !strings.Contains(dkim.Words, "autumn._domainkey."+domain) {
			t.Errorf("the domain page knows of the signature: %+v", dkim)
		}
		r.Pass(3 * time.Minute)
		p = r.trial(t)
		last := p.Findings[len(p.Findings)-1]
		if p.Waiting || p.Tries[1].State != "late" || last.Set != "subaddress" || last.Value != "0" {
			t.Errorf("the address with a token is lost: %+v %+v", p.Tries, last)
		}
	})
}

// A provider that puts another Message-ID in place of ours (T4) does not hide
// the test mail; somebody else's mail with its text is a customer's.
func TestATestMailIsKnownByItsMarker(t *testing.T) {
	t.Parallel()
	each(t, postoffice.Options{}, func(t *testing.T, r *room) {
		r.sendFrom(t)
		if err := r.SendTrial(t.Context(), r.ann, r.Mailbox.ID); err != nil {
			t.Fatal(err)
		}
		l := r.office.Received()[0]
		raw := string(l.Raw)
		stranger := strings.Replace(raw, "From: ", "From: thief@example.org\r\nX-Was: ", 1)
		l.Raw = []byte(stranger)
		r.comesBack(t, l, "")
		if p := r.trial(t); p.Tries[0].Inbound != 0 {
			t.Error("a stranger's copy counts as its return")
		}
		at := strings.Index(raw, "Message-ID: <")
		end := at + strings.Index(raw[at:], ">")
		l.Raw = []byte(raw[:at] + "Message-ID: <0100@eu.provider.example" + raw[end:])
		r.comesBack(t, l, "")
		if p := r.trial(t); p.Tries[0].State != "good" {
			t.Errorf("with another id: %+v", p.Tries[0])
		}
	})
}

func TestATestMailThatIsRefused(t *testing.T) {
	t.Parallel()
	each(t, account, func(t *testing.T, r *room) {
		r.sendFrom(t) // nobody signs in
		if err := r.SendTrial(t.Context(), r.ann, r.Mailbox.ID); err != nil {
			t.Fatal(err)
		}
		p := r.trial(t)
		if p.Waiting || p.Tries[0].State != "bad" || !strings.Contains(p.Tries[0].Said, "530") {
			t.Errorf("%+v", p.Tries)
		}
	})
}

// Fetching is tried like sending: right, and wrong in the server's own words.
func TestAReceivingConnectionIsTried(t *testing.T) {
	t.Parallel()
	each(t, postoffice.Options{MailboxPassword: "right"}, func(t *testing.T, r *room) {
		host, port, _ := net.SplitHostPort(r.office.IMAPAddr())
		form := connect.Try{Address: r.Mailbox.Address, Host: host, Port: port, Security: "starttls", Username: r.Mailbox.Address, Password: "right"}
		p, folders, err := r.TryReceiving(t.Context(), r.ann, form, "")
		if err != nil || p.State != "good" || !strings.Contains(strings.Join(folders, " "), "INBOX") {
			t.Errorf("%+v %v %v", p, folders, err)
		}
		for _, c := range []struct {
			name   string
			folder string
			change func(*connect.Try)
			title  string
			field  string
			said   bool
		}{
			{"a wrong password", "", func(f *connect.Try) { f.Password = "wrong" }, "refuses user name or password", "in_password", true},
			{"TLS where plain text is spoken", "", func(f *connect.Try) { f.Security = "tls" }, "cannot be encrypted like this", "in_security", false},
			{"no such folder", "Nowhere", func(*connect.Try) {}, "folder cannot be opened", "in_folders", true},
			{"nobody there", "", func(f *connect.Try) { f.Port = "1" }, "Nothing listens on port 1", "in_port", true},
		} {
			other := form
			c.change(&other)
			p, _, err := r.TryReceiving(t.Context(), r.ann, other, c.folder)
			if err != nil || p.State != "bad" || !strings.Contains(p.Title, c.title) || p.Field != c.field || (p.Said != "") != c.said {
				t.Errorf("%s: %+v %v", c.name, p, err)
			}
		}
		// The password for sending stands in where the account is the same.
		r.ChangeMailbox(r.Mailbox, func(m *postroom.Mailbox) {
			m.Channel = postroom.Channel{Host: host, Port: 587, Security: "starttls", Username: m.Address, Password: "sealed right"}
		})
		form.Mailbox, form.Password = r.Mailbox.ID, ""
		if p, _, err := r.TryReceiving(t.Context(), r.ann, form, ""); err != nil || p.State != "good" {
			t.Errorf("with the password for sending: %+v %v", p, err)
		}
		form.Username = "somebody.else@acme.example"
		if p, _, err := r.TryReceiving(t.Context(), r.ann, form, ""); err != nil || p.State != "wait" {
			t.Errorf("for another user: %+v %v", p, err)
		}
		f := directory.NewIncoming()
		f.Host, f.Security, f.Username = host, "starttls", r.Mailbox.Address
		fmt.Sscan(port, &f.Port)
		if err := r.SaveReceiving(t.Context(), r.ann, r.Mailbox.ID, f); err != nil {
			t.Fatal(err)
		}
		in, err := r.people.Incoming(t.Context(), r.ann, r.Mailbox.ID)
		if err != nil || in.Password != "sealed right" {
			t.Errorf("stored %+v, %v", in, err)
		}
		f.Host = "imap.elsewhere.example"
		if err := r.SaveReceiving(t.Context(), r.ann, r.Mailbox.ID, f); postroom.CodeOf(err) != postroom.Invalid {
			t.Errorf("another server with the old password: %v", err)
		}
	})
}
