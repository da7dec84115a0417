package journey_test

import (
	"bufio"
	"context"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"

	"postroom/internal/postoffice"
)

const team = "support@quay.example"

// freshDesk starts the program on an empty folder, beside a provider with one
// account: the team's address with the password "right".
func freshDesk(t *testing.T) (base string, office *postoffice.Office) {
	t.Helper()
	return freshDeskBeside(t, provider())
}

// provider is a post office with the team's account.
func provider() postoffice.Options {
	return postoffice.Options{Domain: "mx.quay.example", Users: map[string]string{team: "right"}, RequireAuth: true, MailboxPassword: "right", Subaddress: true}
}

// freshDeskBeside starts the program on an empty folder, beside a post office.
func freshDeskBeside(t *testing.T, o postoffice.Options) (base string, office *postoffice.Office) {
	t.Helper()
	return deskBeside(t, o, func(string, *postoffice.Office, ...string) {})
}

// deskBeside starts the program beside a post office, after prepare, which may
// fill its folder by commands.
func deskBeside(t *testing.T, o postoffice.Options, prepare func(program string, office *postoffice.Office, flags ...string)) (base string, office *postoffice.Office) {
	t.Helper()
	office, err := postoffice.New(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { office.Close() })
	dir := t.TempDir()
	ca := filepath.Join(dir, "ca.pem")
	if err := os.WriteFile(ca, office.CAPEM(), 0o600); err != nil {
		t.Fatal(err)
	}
	path, data := program(t), filepath.Join(dir, "data")
	prepare(path, office, "--data", data)
	// The name server is one that nobody runs: the walk reaches nothing outside.
	run := exec.CommandContext(context.WithoutCancel(t.Context()), path, "serve", "--data", data, "--http", "127.0.0.1:0", "--mail-ca", ca, "--dns", "127.0.0.1:1")
	out, err := run.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := run.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		run.Process.Signal(syscall.SIGTERM)
		if err := run.Wait(); err != nil {
			t.Errorf("the desk did not end well: %v", err)
		}
	})
	address := regexp.MustCompile(`msg=ready url=(http://\S+)`)
	lines := bufio.NewScanner(out)
	for lines.Scan() {
		if m := address.FindStringSubmatch(lines.Text()); m != nil {
			go func() {
				for lines.Scan() {
					t.Log(lines.Text())
				}
			}()
			return m[1], office
		}
	}
	t.Fatal("the desk told no address")
	return "", nil
}

// TestFirstStart goes from an empty folder to the first answered mail: the
// admin, the mailbox with each connection wrong at first, the test mail there
// and back, a customer's mail, the answer.
func TestFirstStart(t *testing.T) {
	t.Parallel()
	chrome := chromium(t)
	base, office := freshDesk(t)
	w := walkerAt(t, chrome, base)
	began := time.Now()
	w.firstAdmin()
	w.newMailbox()
	w.connectSending(office)
	w.connectReceiving(office)
	w.read("h2", "Domain")
	w.read(".check-card", "name server gives no answer|No server takes mail")
	w.picture("domain")
	w.click(".step-end .primary", "Test mail")
	w.click(".trial button", "Send the test mail")
	w.read("#try-plain", "It came back")
	w.read("#try-subaddress", "It came back")
	w.picture("test-mail-back")
	w.click(".step-end .primary", "People")
	w.click(".step-end .primary", "Save and finish")
	w.read("h1", "is ready")
	w.picture("ready")
	w.click("a.primary", "To the desk")
	w.read(".empty", team)
	w.picture("empty-desk")
	t.Logf("from the first page to a mailbox that works: %s", time.Since(began).Round(time.Second))

	raw := "From: Mara Lind <mara@customer.example>\r\nTo: " + team + "\r\nSubject: A lamp\r\nMessage-ID: <1@customer.example>\r\n\r\nIt does not shine.\r\n"
	if err := office.Put(team, "INBOX", []byte(raw), time.Now()); err != nil {
		t.Fatal(err)
	}
	w.read("#list", "A lamp")
	w.click("#list a[href*='/conversations/']", "")
	w.read("main", "It does not shine")
	w.compose("Turn it on.")
	w.click("button.send-close", "Send & Close")
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	letters, err := office.WaitFor(ctx, "mara@customer.example", 2)
	if err != nil {
		t.Fatalf("the answer did not arrive: %v", err)
	}
	var texts []string
	for _, l := range letters {
		texts = append(texts, string(l.Raw))
	}
	if all := strings.Join(texts, "\n----\n"); !strings.Contains(all, "Turn it on.") {
		t.Errorf("what arrived is not the answer:\n%s", all)
	}
	t.Logf("from the first page to the first answered mail: %s", time.Since(began).Round(time.Second))
}

func (w *walker) firstAdmin() {
	w.Helper()
	w.open("/")
	w.read("h1", "Welcome")
	w.picture("first-page")
	w.write("[name=name]", "Ann Baker")
	w.write("[name=email]", "ann@quay.example")
	w.write("[name=password]", "correct horse battery")
	w.click("main form button", "")
	w.read("h1", "New mailbox")
}

func (w *walker) newMailbox() {
	w.Helper()
	w.write("[name=address]", team)
	w.read(".probe", "do not know|server of your own")
	w.write("[name=name]", "Support")
	w.picture("new-mailbox")
	w.click("main form button.primary", "Go on")
	w.read("h2", "Sending")
}

// fill puts a text in place of what a field holds.
func (w *walker) fill(selector, text string) {
	w.Helper()
	w.must(w.see(selector).SelectAllText(), "select %s", selector)
	w.write(selector, text)
}

// choose picks a select's option by its value, as its menu does.
func (w *walker) choose(selector, value string) {
	w.Helper()
	e := w.see(selector)
	_, err := e.Eval(`(v) => { this.value = v; this.dispatchEvent(new Event("input", {bubbles: true})); this.dispatchEvent(new Event("change", {bubbles: true})) }`, value)
	w.must(err, "choose %s", value)
}

func (w *walker) connectSending(office *postoffice.Office) {
	w.Helper()
	host, port, _ := net.SplitHostPort(office.Addr())
	_, tlsPort, _ := net.SplitHostPort(office.TLSAddr())
	w.fill("[name=smtp_host]", host)
	w.fill("[name=smtp_port]", "1")
	w.write("[name=smtp_password]", "wrong")
	w.read(".probe.is-bad", "Nothing listens on port 1")
	w.picture("wrong-port")
	w.choose("[name=smtp_security]", "tls")
	w.fill("[name=smtp_port]", port)
	w.read(".probe.is-bad", "does not speak TLS from the first byte")
	w.picture("wrong-security")
	w.click(".probe button", "Use STARTTLS")
	w.read(".probe.is-bad .server-words", "535 5.7.8")
	w.holds(`document.querySelector("[name=smtp_password]").getAttribute("aria-invalid") === "true"`)
	w.picture("wrong-password")
	w.fill("[name=smtp_password]", "right")
	w.read(".probe.is-good", "It works")
	w.choose("[name=smtp_security]", "tls")
	w.fill("[name=smtp_port]", tlsPort)
	w.read(".probe.is-good dd", "TLS 1.3")
	w.picture("sending-works")
	w.size(390, 844)
	w.picture("sending-phone")
	w.size(1440, 900)
	w.click(".step-end .primary", "Save and go on")
	w.read("h2", "Receiving")
}

func (w *walker) connectReceiving(office *postoffice.Office) {
	w.Helper()
	host, port, _ := net.SplitHostPort(office.IMAPAddr())
	w.fill("[name=in_host]", host)
	w.choose("[name=in_security]", "starttls")
	w.fill("[name=in_port]", port)
	w.write("[name=in_password]", "wrong")
	w.read(".probe.is-bad", "refuses user name or password")
	w.picture("receiving-wrong-password")
	w.fill("[name=in_password]", "right")
	w.read(".probe.is-good", "mail can be fetched")
	w.picture("receiving-works")
	w.click(".choice", "My mail server")
	w.read(".door-way", "LMTP")
	w.picture("by-mail-server")
	w.click(".choice", "Fetch it")
	w.click(".step-end .primary", "Save and go on")
}
