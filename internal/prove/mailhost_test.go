package prove_test

import (
	"context"
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
	"net/smtp"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"

	"postroom/internal/email"
	"postroom/internal/postoffice"
	"postroom/internal/wire/imap"
)

// mailhost is a mail server as people run it: Postfix takes mail in and sends
// it on, Dovecot keeps it and signs people in. Both are started by the test in
// a folder of their own, on loopback, and know nothing of the machine's own.
// Every address at prove.example and customer.example has an account.
type mailhost struct {
	t    *testing.T
	dir  string // short, for sockets
	pool *x509.CertPool

	imapPort   int
	mxPort     int // where the world hands mail in
	submitPort int // where those with an account do, signed in
}

// authserv is what the server calls itself in Authentication-Results.
const authserv = "mx.prove.example"

// newMailhost starts the servers, or skips the test where they cannot run.
func newMailhost(t *testing.T) *mailhost {
	t.Helper()
	without := ""
	switch {
	case !exists("/usr/sbin/postfix"):
		without = "there is no Postfix on this machine (package postfix)"
	case !exists("/usr/sbin/dovecot") || !exists("/usr/lib/dovecot/imap"):
		without = "there is no Dovecot on this machine (package dovecot-imapd)"
	case !exists("/usr/lib/dovecot/lmtp"):
		without = "Dovecot takes no mail on this machine (package dovecot-lmtpd)"
	case os.Getuid() != 0:
		without = "Postfix is started by root alone"
	}
	switch {
	case without != "" && os.Getenv("POSTROOM_NO_SKIP") == "1":
		t.Fatal(without)
	case without != "":
		t.Skip(without)
	}
	dir, err := os.MkdirTemp("", "mailhost-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if t.Failed() {
			for _, log := range []string{"postfix.log", "dovecot.log"} {
				b, _ := os.ReadFile(filepath.Join(dir, log)) // it may not have begun
				t.Logf("%s:\n%s", log, b)
			}
		}
		os.RemoveAll(dir)
	})
	h := &mailhost{t: t, dir: dir, imapPort: freePort(t), mxPort: freePort(t), submitPort: freePort(t)}
	h.must(os.Chmod(dir, 0o755)) // the servers' own accounts must get in
	h.certificate()
	h.dovecot()
	h.postfix()
	return h
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}

func (h *mailhost) must(err error) {
	h.t.Helper()
	if err != nil {
		h.t.Fatal(err)
	}
}

// write writes a file of a server's settings.
func (h *mailhost) write(name, content string) {
	h.t.Helper()
	path := filepath.Join(h.dir, name)
	h.must(os.MkdirAll(filepath.Dir(path), 0o755))
	h.must(os.WriteFile(path, []byte(content), 0o644))
}

// certificate makes one for 127.0.0.1 that both servers show.
func (h *mailhost) certificate() {
	h.t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	h.must(err)
	template := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: authserv}, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(24 * time.Hour), IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	h.must(err)
	keyDER, err := x509.MarshalECPrivateKey(key)
	h.must(err)
	h.write("cert.pem", string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})))
	h.write("key.pem", string(pem.EncodeToMemory(&pem.Block{Type: "EC PRIVATE KEY", Bytes: keyDER})))
	cert, err := x509.ParseCertificate(der)
	h.must(err)
	h.pool = x509.NewCertPool()
	h.pool.AddCert(cert)
}

// run starts a server in the foreground, and waits until its ports answer. It
// ends with the test, and its children with it.
func (h *mailhost) run(name string, args []string, ports ...int) {
	h.t.Helper()
	out, err := os.Create(filepath.Join(h.dir, filepath.Base(name)+".out")) // a pipe would be held open by its children
	h.must(err)
	defer out.Close()
	cmd := exec.Command(name, args...)
	cmd.Stdout, cmd.Stderr = out, out
	h.must(cmd.Start())
	done := make(chan struct{})
	go func() {
		_ = cmd.Wait() // it ends by a signal
		close(done)
	}()
	h.t.Cleanup(func() {
		_ = cmd.Process.Signal(syscall.SIGTERM)
		select {
		case <-done:
		case <-time.After(10 * time.Second):
			_ = cmd.Process.Kill() // it may have ended just now
			<-done
		}
	})
	for _, port := range ports {
		within(h.t, time.Minute, name+" answers", func(ctx context.Context) error {
			select {
			case <-done:
				said, _ := os.ReadFile(out.Name()) // it may have said nothing
				return fmt.Errorf("%w: %s ended: %s", errFinal, name, said)
			default:
			}
			c, err := new(net.Dialer).DialContext(ctx, "tcp", fmt.Sprintf("127.0.0.1:%d", port))
			if err != nil {
				return errNotYet
			}
			return c.Close()
		})
	}
}

func (h *mailhost) dovecot() {
	h.t.Helper()
	who, err := user.Lookup("nobody")
	h.must(err)
	group, err := user.LookupGroupId(who.Gid)
	h.must(err)
	h.must(os.Mkdir(filepath.Join(h.dir, "mail"), 0o700))
	h.must(exec.Command("chown", who.Uid+":"+who.Gid, filepath.Join(h.dir, "mail")).Run())
	h.write("dovecot.conf", fmt.Sprintf(`
base_dir = %[1]s/run
state_dir = %[1]s/state
log_path = %[1]s/dovecot.log
protocols = imap lmtp
ssl = yes
ssl_cert = <%[1]s/cert.pem
ssl_key = <%[1]s/key.pem
disable_plaintext_auth = yes
auth_mechanisms = plain login
recipient_delimiter = +
postmaster_address = postmaster@prove.example
default_internal_user = %[3]s
default_internal_group = %[4]s
default_login_user = %[3]s
first_valid_uid = 1
first_valid_gid = 0
mail_location = maildir:%[1]s/mail/%%u
passdb {
  driver = static
  args = password=%[7]s
}
userdb {
  driver = static
  args = uid=%[5]s gid=%[6]s home=%[1]s/mail/%%u allow_all_users=yes
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
service lmtp {
  unix_listener lmtp {
    mode = 0666
  }
}
service auth {
  unix_listener auth-smtp {
    mode = 0666
  }
}
service anvil {
  chroot =
}
service stats {
  chroot =
}
`, h.dir, h.imapPort, who.Username, group.Name, who.Uid, who.Gid, mailPassword))
	h.run("/usr/sbin/dovecot", []string{"-F", "-c", filepath.Join(h.dir, "dovecot.conf")}, h.imapPort)
}

// postfix starts Postfix. From the world it takes mail for its own domains, and
// takes out of it what claims to be its own verdict (RFC 8601 5). Who has signed
// in may send to anybody, in their own name alone; that is what it vouches for.
func (h *mailhost) postfix() {
	h.t.Helper()
	who, err := user.Lookup("postfix")
	h.must(err)
	for _, name := range []string{"queue", "data"} {
		h.must(os.Mkdir(filepath.Join(h.dir, name), 0o755))
	}
	h.must(exec.Command("chown", who.Uid, filepath.Join(h.dir, "data")).Run())
	h.write("etc/outside", "/^Authentication-Results: *mx\\.prove\\.example\\b/ IGNORE\n")
	h.write("etc/logins", "/^([^+@]+)(\\+[^@]*)?(@.*)$/ $1$3\n") // with a subaddress it is the same account's
	h.write("etc/vouched", "/^(.*)$/ PREPEND Authentication-Results: "+authserv+"; auth=pass smtp.auth=$1; spf=pass smtp.mailfrom=$1\n")
	h.write("etc/main.cf", fmt.Sprintf(`
compatibility_level = 3.6
queue_directory = %[1]s/queue
data_directory = %[1]s/data
maillog_file = %[1]s/postfix.log
maillog_file_prefixes = %[1]s
myhostname = %[2]s
mydestination =
mynetworks =
alias_maps =
alias_database =
local_recipient_maps =
inet_interfaces = 127.0.0.1
inet_protocols = ipv4
recipient_delimiter = +
enable_long_queue_ids = yes
virtual_mailbox_domains = prove.example, customer.example
virtual_mailbox_maps = static:all
virtual_transport = lmtp:unix:%[1]s/run/lmtp
lmtp_destination_concurrency_limit = 1
smtpd_tls_cert_file = %[1]s/cert.pem
smtpd_tls_key_file = %[1]s/key.pem
smtpd_tls_security_level = may
smtpd_relay_restrictions = permit_sasl_authenticated, reject_unauth_destination
smtpd_sasl_type = dovecot
smtpd_sasl_path = %[1]s/run/auth-smtp
smtpd_sender_login_maps = regexp:%[1]s/etc/logins
`, h.dir, authserv))
	h.write("etc/master.cf", fmt.Sprintf(`
127.0.0.1:%[2]d inet n - n - - smtpd
  -o cleanup_service_name=outside
127.0.0.1:%[3]d inet n - n - - smtpd
  -o smtpd_tls_security_level=encrypt
  -o smtpd_sasl_auth_enable=yes
  -o { smtpd_sender_restrictions = reject_sender_login_mismatch, check_sasl_access regexp:%[1]s/etc/vouched }
  -o { smtpd_recipient_restrictions = permit_sasl_authenticated, reject }
outside unix n - n - 0 cleanup
  -o header_checks=regexp:%[1]s/etc/outside
cleanup unix n - n - 0 cleanup
postlog unix-dgram n - n - 1 postlogd
pickup unix n - n 60 1 pickup
qmgr unix n - n 300 1 qmgr
tlsmgr unix - - n 1000? 1 tlsmgr
rewrite unix - - n - - trivial-rewrite
bounce unix - - n - 0 bounce
defer unix - - n - 0 bounce
trace unix - - n - 0 bounce
verify unix - - n - 1 verify
flush unix n - n 1000? 0 flush
proxymap unix - - n - - proxymap
showq unix n - n - - showq
error unix - - n - - error
retry unix - - n - - error
lmtp unix - - n - - lmtp
anvil unix - - n - 1 anvil
scache unix - - n - 1 scache
`, h.dir, h.mxPort, h.submitPort))
	etc := filepath.Join(h.dir, "etc")
	if out, err := exec.CommandContext(h.t.Context(), "/usr/sbin/postfix", "-c", etc, "check").CombinedOutput(); err != nil { // makes its folders
		h.t.Fatalf("postfix check: %v %s", err, out)
	}
	h.run("/usr/lib/postfix/sbin/master", []string{"-c", etc, "-s"}, h.mxPort, h.submitPort)
}

// outside hands in a mail as the world's servers do.
func (h *mailhost) outside(from, to, mail string) {
	h.t.Helper()
	answers, err := postoffice.Deliver(h.t.Context(), fmt.Sprintf("127.0.0.1:%d", h.mxPort), from, []string{to}, []byte(mail))
	if err != nil || !answers.OK() {
		h.t.Fatalf("from %s to %s: %v %v", from, to, answers, err)
	}
}

// submit sends a mail as a mail program does, signed in.
func (h *mailhost) submit(user, from, to, mail string) error {
	c, err := smtp.Dial(fmt.Sprintf("127.0.0.1:%d", h.submitPort))
	if err != nil {
		return err
	}
	defer c.Close()
	if err := c.StartTLS(&tls.Config{RootCAs: h.pool, ServerName: "127.0.0.1"}); err != nil {
		return err
	}
	if err := c.Auth(smtp.PlainAuth("", user, mailPassword, "127.0.0.1")); err != nil {
		return err
	}
	if err := c.Mail(from); err != nil {
		return err
	}
	if err := c.Rcpt(to); err != nil {
		return err
	}
	w, err := c.Data()
	if err != nil {
		return err
	}
	if _, err := w.Write([]byte(mail)); err != nil {
		return err
	}
	if err := w.Close(); err != nil {
		return err
	}
	return c.Quit()
}

// idle waits until Postfix has nothing left to deliver.
func (h *mailhost) idle() {
	h.t.Helper()
	within(h.t, time.Minute, "Postfix has delivered everything", func(ctx context.Context) error {
		out, err := exec.CommandContext(ctx, "/usr/sbin/postqueue", "-c", filepath.Join(h.dir, "etc"), "-p").CombinedOutput()
		if err != nil || !strings.Contains(string(out), "Mail queue is empty") {
			return fmt.Errorf("%w: %v %s", errNotYet, err, out)
		}
		return nil
	})
}

// letterbox is somebody's mailbox, read by IMAP as it fills.
type letterbox struct {
	h       *mailhost
	address string
	folder  string
	conn    *imap.Conn
	last    uint32 // the newest mail that was looked at
}

// letterbox signs in to a folder.
func (h *mailhost) letterbox(address, folder string) *letterbox {
	h.t.Helper()
	c, err := imap.Dial(h.t.Context(), imap.Server{Host: "127.0.0.1", Port: h.imapPort, Security: imap.SecurityStartTLS, Username: address, Password: mailPassword, TLS: &tls.Config{RootCAs: h.pool}})
	h.must(err)
	h.t.Cleanup(func() { _ = c.Close() })
	return &letterbox{h: h, address: address, folder: folder, conn: c}
}

// got is a mail in somebody's mailbox.
type got struct {
	*email.Mail
	raw   string
	order string // names sort in the order in which Postfix took the mails
}

var takenAs = regexp.MustCompile(`\(Postfix\) with E?SMTP[SA]* id (\w+)`)

// all returns the mails that came since they were last looked at, in the order
// in which Postfix took them: by the time in its long queue ids.
func (a *letterbox) all() []got {
	a.h.t.Helper()
	_, err := a.conn.Open(a.h.t.Context(), a.folder, false)
	a.h.must(err)
	uids, err := a.conn.UIDsAfter(a.h.t.Context(), a.last, time.Time{})
	a.h.must(err)
	var out []got
	if len(uids) == 0 {
		return nil
	}
	a.h.must(a.conn.Fetch(a.h.t.Context(), uids, 0, func(r imap.Raw) {
		m := got{Mail: email.Parse(r.Bytes, email.ParseOptions{}), raw: string(r.Bytes)}
		if id := takenAs.FindStringSubmatch(m.raw); id != nil {
			m.order = id[1]
		}
		out = append(out, m)
		a.last = max(a.last, r.UID)
	}))
	return out
}

// next waits for the next n mails.
func (a *letterbox) next(n int) []got {
	a.h.t.Helper()
	ctx, cancel := context.WithTimeout(a.h.t.Context(), time.Minute)
	defer cancel()
	var out []got
	for {
		if out = append(out, a.all()...); len(out) >= n {
			if len(out) > n {
				a.h.t.Errorf("%s got %d mails instead of %d: %s", a.address, len(out), n, subjects(out))
			}
			return out
		}
		// A mail that came between the look and the wait is seen after it.
		if err := a.conn.Wait(ctx, 100*time.Millisecond); err != nil {
			a.h.t.Fatalf("%s got %d of %d mails: %s (%v)", a.address, len(out), n, subjects(out), err)
		}
	}
}

func subjects(all []got) string {
	var out []string
	for _, m := range all {
		out = append(out, m.Subject)
	}
	return strings.Join(out, "; ")
}
