package desktest_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"math/big"
	"net"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"postroom"
	"postroom/internal/alarm"
	"postroom/internal/desktest"
	"postroom/internal/store"
	"postroom/internal/wire/imap"
)

// dovecot is a real IMAP server in a folder of its own.
type dovecot struct {
	t    *testing.T
	dir  string
	port int
	pool *x509.CertPool
	run  *exec.Cmd
}

// dovecotBinary finds the server in the usual places; "" where it is missing.
func dovecotBinary() string {
	for _, place := range []string{"/usr/sbin/dovecot", "/usr/local/sbin/dovecot", "/opt/homebrew/sbin/dovecot"} {
		if _, err := os.Stat(place); err == nil {
			return place
		}
	}
	path, _ := exec.LookPath("dovecot")
	return path
}

// newDovecot starts a server, or skips the test where there is none.
func newDovecot(t *testing.T) *dovecot {
	t.Helper()
	if dovecotBinary() == "" {
		if os.Getenv("POSTROOM_NO_SKIP") == "1" {
			t.Fatal("there is no Dovecot on this machine (package dovecot-imapd)")
		}
		t.Skip("there is no Dovecot on this machine (package dovecot-imapd)")
	}
	// Its sockets' paths must be short, and whom it serves must get there.
	dir, err := os.MkdirTemp("", "dovecot")
	if err != nil {
		t.Fatal(err)
	}
	s := &dovecot{t: t, dir: dir, port: freePort(t)}
	t.Cleanup(func() {
		s.stop()
		os.RemoveAll(dir)
	})
	s.configure()
	s.start()
	return s
}

func freePort(t *testing.T) int {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	return ln.Addr().(*net.TCPAddr).Port
}

// serves is the account that mail is stored under: a server run by root refuses
// to store it under root's.
func serves(t *testing.T) (name, group string, uid, gid int) {
	t.Helper()
	who, err := user.Current()
	if err == nil && who.Uid == "0" {
		who, err = user.Lookup("nobody")
	}
	if err != nil {
		t.Fatal(err)
	}
	g, err := user.LookupGroupId(who.Gid)
	if err != nil {
		t.Fatal(err)
	}
	uid, _ = strconv.Atoi(who.Uid)
	gid, _ = strconv.Atoi(who.Gid)
	return who.Username, g.Name, uid, gid
}

func (s *dovecot) configure() {
	s.t.Helper()
	name, group, uid, gid := serves(s.t)
	mail := filepath.Join(s.dir, "mail")
	must := func(err error) {
		s.t.Helper()
		if err != nil {
			s.t.Fatal(err)
		}
	}
	must(os.Chmod(s.dir, 0o755))
	must(os.Mkdir(mail, 0o700))
	if os.Getuid() == 0 {
		must(os.Chown(mail, uid, gid))
	}
	s.certificate()
	conf := fmt.Sprintf(`
base_dir = %[1]s/run
state_dir = %[1]s/state
log_path = %[1]s/log
protocols = imap
ssl = yes
ssl_cert = <%[1]s/cert.pem
ssl_key = <%[1]s/key.pem
disable_plaintext_auth = yes
auth_mechanisms = plain login
default_internal_user = %[3]s
default_internal_group = %[4]s
default_login_user = %[3]s
first_valid_uid = 1
first_valid_gid = 0
mail_location = maildir:%[1]s/mail/%%u
mail_uid = %[5]d
mail_gid = %[6]d
passdb {
  driver = static
  args = password=postoffice
}
userdb {
  driver = static
  args = uid=%[5]d gid=%[6]d home=%[1]s/mail/%%u
}
namespace inbox {
  inbox = yes
  mailbox Sent {
    auto = create
    special_use = \Sent
  }
}
service imap-login {
  chroot =
  inet_listener imap {
    address = 127.0.0.1
    port = %[2]d
  }
  inet_listener imaps {
    port = 0
  }
}
service anvil {
  chroot =
}
service stats {
  chroot =
}
`, s.dir, s.port, name, group, uid, gid)
	must(os.WriteFile(filepath.Join(s.dir, "dovecot.conf"), []byte(conf), 0o600))
}

// certificate makes one for 127.0.0.1.
func (s *dovecot) certificate() {
	s.t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		s.t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "dovecot.test"}, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour), IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		s.t.Fatal(err)
	}
	keyDER, err := x509.MarshalECPrivateKey(key)
	if err != nil {
		s.t.Fatal(err)
	}
	for name, block := range map[string]*pem.Block{"cert.pem": {Type: "CERTIFICATE", Bytes: der}, "key.pem": {Type: "EC PRIVATE KEY", Bytes: keyDER}} {
		if err := os.WriteFile(filepath.Join(s.dir, name), pem.EncodeToMemory(block), 0o600); err != nil {
			s.t.Fatal(err)
		}
	}
	s.pool = x509.NewCertPool()
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		s.t.Fatal(err)
	}
	s.pool.AddCert(cert)
}

// start starts the server and waits until it greets.
func (s *dovecot) start() {
	s.t.Helper()
	s.run = exec.Command(dovecotBinary(), "-F", "-c", filepath.Join(s.dir, "dovecot.conf"))
	out := &strings.Builder{}
	s.run.Stderr, s.run.Stdout = out, out
	if err := s.run.Start(); err != nil {
		s.t.Fatal(err)
	}
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	end := time.After(time.Minute)
	for {
		if c, err := net.Dial("tcp", fmt.Sprintf("127.0.0.1:%d", s.port)); err == nil {
			c.Close()
			return
		}
		select {
		case <-end:
			log, _ := os.ReadFile(filepath.Join(s.dir, "log"))
			s.t.Fatalf("Dovecot does not begin: %s\n%s", out, log)
		case <-tick.C:
		}
	}
}

func (s *dovecot) stop() {
	if s.run == nil {
		return
	}
	_ = s.run.Process.Signal(syscall.SIGTERM)
	_ = s.run.Wait()
	s.run = nil
}

// renumber loses what the server knows of an account's UIDs.
func (s *dovecot) renumber(address string) {
	s.t.Helper()
	s.stop()
	for _, pattern := range []string{"dovecot-uidlist", "dovecot-uidvalidity*", "dovecot.index*"} {
		found, err := filepath.Glob(filepath.Join(s.dir, "mail", address, pattern))
		if err != nil {
			s.t.Fatal(err)
		}
		for _, f := range found {
			if err := os.Remove(f); err != nil {
				s.t.Fatal(err)
			}
		}
	}
	s.start()
}

func (s *dovecot) server(address string) imap.Server {
	return imap.Server{Host: "127.0.0.1", Port: s.port, Security: imap.SecurityStartTLS, Username: address, Password: "postoffice", TLS: &tls.Config{RootCAs: s.pool}}
}

// TestDovecot reads a real server: five hundred mails with answers among them,
// in order; new mail told by IDLE; a restart; another UIDVALIDITY; a copy of
// what was sent; and its words when it refuses.
func TestDovecot(t *testing.T) {
	t.Parallel()
	n := 501
	if testing.Short() {
		n = 30
	}
	desktest.Each(t, func(t *testing.T, d *desktest.Desk) {
		s := newDovecot(t)
		d.Keeper.TLS = &tls.Config{RootCAs: s.pool}
		address := d.Mailbox.Address
		put := func(from, to int) {
			t.Helper()
			c, err := imap.Dial(t.Context(), s.server(address))
			d.Must(err)
			defer c.Close()
			for i := from; i < to; i++ {
				l := desktest.Letter{From: fmt.Sprintf("c%d@customer.example", i/3), Subject: fmt.Sprintf("Matter %d", i/3), Body: fmt.Sprintf("Letter %d", i), ID: fmt.Sprintf("l%d@customer.example", i)}
				if i%3 > 0 {
					l.InReplyTo, l.Subject = fmt.Sprintf("l%d@customer.example", i-1), "Re: "+l.Subject
				}
				// It is read already: nothing depends on \Seen.
				_, err := c.Append(t.Context(), "INBOX", []byte(strings.ReplaceAll(d.Raw(l), "\n", "\r\n")), d.Clock.Now())
				d.Must(err)
			}
		}
		seen, err := imap.Check(t.Context(), s.server(address), "")
		d.Must(err)
		if !seen.Idle || seen.Sent != "Sent" || seen.TLS == "" {
			t.Errorf("seen %+v", seen)
		}
		d.FetchesBy(func(in *postroom.Incoming) { in.Port, in.Copies = s.port, postroom.CopiesYes })
		d.Must(d.Fetch())
		put(0, n)
		d.Must(d.Fetch())
		all := d.Inbounds()
		conversations := map[int64]bool{}
		for i, in := range all {
			if want := fmt.Sprintf("l%d@customer.example", i); in.HeaderID != want || in.State != store.InboundDone {
				t.Fatalf("mail %d is %s, %s: %s", i, in.HeaderID, in.State, in.Words)
			}
			conversations[in.ConversationID] = true
		}
		if len(all) != n || len(conversations) != n/3 {
			t.Errorf("%d mails in %d conversations", len(all), len(conversations))
		}

		// What was answered lies in Sent, the very bytes.
		d.ClosingNotice()
		d.Agent("ann").SendAndClose(d.Conversation(all[0].ConversationID), "It is the plug.")
		d.Settle()
		sent := d.ExpectMails("It is the plug.", "auto:")
		c, err := imap.Dial(t.Context(), s.server(address))
		d.Must(err)
		_, err = c.Open(t.Context(), "Sent", false)
		d.Must(err)
		copies := 0
		d.Must(c.Fetch(t.Context(), []uint32{1, 2}, 0, func(r imap.Raw) {
			if string(r.Bytes) == string(sent[copies].Raw) {
				copies++
			}
		}))
		c.Close()
		if e := errandOf(d, d.Mails(all[0].ConversationID)[0], store.SentCopy); copies != 2 || e == nil || e.UID != 1 || e.UIDValidity == 0 {
			t.Errorf("%d copies, errand %+v", copies, e)
		}

		// Another UIDVALIDITY: a second later, as Dovecot takes the time.
		_, before := d.Connection()
		later := time.After(1100 * time.Millisecond)
		<-later
		s.renumber(address)
		put(n, n+1)
		d.Clock.Advance(time.Minute)
		d.Must(d.Fetch())
		_, after := d.Connection()
		if before[0].UIDValidity == after[0].UIDValidity || !strings.Contains(after[0].Words, "numbered the folder anew") {
			t.Errorf("before %+v, after %+v", before[0], after[0])
		}
		states := map[string]int{}
		for _, in := range d.Inbounds() {
			states[in.State]++
		}
		if states[store.InboundDone] != n+1 || states[store.InboundDuplicate] != n || len(states) != 2 {
			t.Errorf("after the renumbering: %v", states)
		}

		// Held: told by IDLE, and back after a restart.
		d.MoveOn()
		go d.Keeper.Run(ctx2(t))
		is := func(state string) func() bool {
			return func() bool { in, _ := d.Connection(); return in.State == state }
		}
		came := func(done int) func() bool {
			return func() bool {
				d.Settle()
				return len(d.Inbounds()) == 2*n+done
			}
		}
		until(t, d, "the connection", is(store.IncomingWatching))
		put(n+1, n+2)
		until(t, d, "a mail told by IDLE", came(2))
		s.stop()
		until(t, d, "the failure", is(store.IncomingFailing))
		s.start()
		put(n+2, n+3)
		until(t, d, "a mail after the restart", came(3))

		d.FetchesBy(func(in *postroom.Incoming) { in.Password = "canary" })
		until(t, d, "the refusal", func() bool { return len(alarmsOf(d, alarm.IncomingFailing)) == 1 })
		if in, _ := d.Connection(); !strings.Contains(in.Words, "refused the sign-in of support@acme.example: “NO [AUTHENTICATIONFAILED] Authentication failed.”") {
			t.Errorf("%s", in.Words)
		}
		d.FetchesBy(func(in *postroom.Incoming) { in.Password = "postoffice" })
		until(t, d, "the end of the alarm", func() bool { return len(alarmsOf(d, alarm.IncomingFailing)) == 0 })
		d.FetchesBy(func(in *postroom.Incoming) { in.Folders = []string{"Nowhere"} })
		until(t, d, "the missing folder", func() bool {
			in, _ := d.Connection()
			return in.State == store.IncomingFailing && strings.Contains(in.Words, "The folder “Nowhere” on") && strings.Contains(in.Words, "Mailbox doesn't exist: Nowhere")
		})
	})
}
