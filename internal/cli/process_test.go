package cli_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"

	"postroom"
	"postroom/internal/db"
	"postroom/internal/store"
)

// program is the real binary, built once for all tests.
var program string

func TestMain(m *testing.M) {
	dir, err := os.MkdirTemp("", "postroom-cli-")
	if err != nil {
		panic(err)
	}
	program = filepath.Join(dir, "postroom")
	if out, err := exec.Command("go", "build", "-o", program, "postroom/cmd/postroom").CombinedOutput(); err != nil {
		fmt.Fprintf(os.Stderr, "build: %v\n%s", err, out)
		os.Exit(1)
	}
	code := m.Run()
	_ = os.RemoveAll(dir)
	os.Exit(code)
}

// result is what a command said and how it ended.
type result struct {
	code        int
	out, errOut string
}

// command makes a command in an environment without settings.
func command(ctx context.Context, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, program, args...)
	for _, e := range os.Environ() {
		if !strings.HasPrefix(e, "POSTROOM_") {
			cmd.Env = append(cmd.Env, e)
		}
	}
	return cmd
}

// run runs a command to its end.
func run(t *testing.T, stdin string, args ...string) result {
	t.Helper()
	return finish(t, command(t.Context(), args...), stdin)
}

func finish(t *testing.T, cmd *exec.Cmd, stdin string) result {
	t.Helper()
	var out, errOut bytes.Buffer
	cmd.Stdin, cmd.Stdout, cmd.Stderr = strings.NewReader(stdin), &out, &errOut
	err := cmd.Run()
	if exit, ok := errors.AsType[*exec.ExitError](err); err != nil && !ok {
		t.Fatalf("%v: %v", cmd.Args, err)
	} else if ok && exit.ExitCode() < 0 {
		t.Fatalf("%v: %v", cmd.Args, err)
	}
	r := result{cmd.ProcessState.ExitCode(), out.String(), errOut.String()}
	if strings.Contains(r.errOut, "goroutine ") || strings.Contains(r.errOut, "panic") {
		t.Errorf("%v ends in a trace:\n%s", cmd.Args, r.errOut)
	}
	return r
}

// wants checks a command's end: its code, and words on its standard error
// (or its output, where it succeeded).
func (r result) wants(t *testing.T, code int, words string) {
	t.Helper()
	if r.code != code || !strings.Contains(r.out+r.errOut, words) {
		t.Errorf("exit code %d, want %d and %q; said:\n%s%s", r.code, code, words, r.out, r.errOut)
	}
}

// desk is a running "postroom serve".
type desk struct {
	cmd  *exec.Cmd
	url  string
	log  *bytes.Buffer
	done chan struct{} // closed when the log has ended
}

var readyLine = regexp.MustCompile(`msg=ready url=(\S+)`)

// serve starts a desk on a folder and waits until it is ready.
func serve(t *testing.T, data string, args ...string) *desk {
	t.Helper()
	d := &desk{cmd: command(context.Background(), append([]string{"serve", "--data", data, "--http", "127.0.0.1:0"}, args...)...), log: &bytes.Buffer{}, done: make(chan struct{})}
	r, w := io.Pipe()
	d.cmd.Stderr = w
	if err := d.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = d.cmd.Process.Kill()
		_ = d.cmd.Wait()
		_ = w.Close()
	})
	ready := make(chan string, 1)
	go func() {
		defer close(d.done)
		buffer := make([]byte, 4096)
		for {
			n, err := r.Read(buffer)
			d.log.Write(buffer[:n])
			if m := readyLine.FindSubmatch(d.log.Bytes()); m != nil && d.url == "" {
				d.url = string(m[1])
				ready <- d.url
			}
			if err != nil {
				return
			}
		}
	}()
	select {
	case <-ready:
	case <-time.After(30 * time.Second):
		t.Fatalf("the desk is not ready:\n%s", d.log)
	}
	return d
}

// stop asks the desk to stop and returns its exit code.
func (d *desk) stop(t *testing.T) int {
	t.Helper()
	if err := d.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	_ = d.cmd.Wait()
	return d.cmd.ProcessState.ExitCode()
}

func TestHelpAndVersion(t *testing.T) {
	t.Parallel()
	run(t, "").wants(t, 0, "Usage: postroom")
	run(t, "", "version").wants(t, 0, "postroom ")
	help := run(t, "", "serve", "--help")
	help.wants(t, 0, "POSTROOM_PUBLIC_URL")
	for _, flag := range []string{"--data", "--database", "--http", "--lmtp", "--smtp", "--max-mail", "--stop-timeout"} {
		help.wants(t, 0, flag)
	}
}

func TestWrongSettingsAreASentenceAndExitCode2(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	file := filepath.Join(dir, "postroom.conf")
	if err := os.WriteFile(file, []byte("http = localhost:0\nhtpp = x\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		args  []string
		words string
	}{
		{[]string{"serve", "--nonsense"}, "unknown flag --nonsense"},
		{[]string{"servo"}, "servo"},
		{[]string{"serve", "--data", dir, "--http", "8080"}, "The setting http (POSTROOM_HTTP) is wrong"},
		{[]string{"serve", "--data", dir, "--max-mail", "huge"}, "huge"},
		{[]string{"serve", "--data", dir, "--log-level", "loud"}, "log-level"},
		{[]string{"serve", "--data", dir, "--database", "mysql://x"}, "is not a kind of database"},
		{[]string{"serve", "--config", file}, "line 2"},
		{[]string{"serve", "--config", filepath.Join(dir, "none")}, "config"},
		{[]string{"serve", "--data", dir, "--http", "127.0.0.1:0", "--mail-ca", filepath.Join(dir, "none")}, "mail-ca"},
		{[]string{"mailbox", "add", "nonsense", "--data", dir}, "is not a mail address"},
		{[]string{"admin", "password", "x@desk.example", "--data", dir}, "no password on the standard input"},
	} {
		r := run(t, "", c.args...)
		r.wants(t, 2, c.words)
		if r.out != "" || strings.Count(strings.TrimSpace(r.errOut), "\n") != 0 {
			t.Errorf("%v says more than a sentence:\n%s%s", c.args, r.out, r.errOut)
		}
	}
}

func TestSettingsComeFromFlagsThenEnvironmentThenFile(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	file := filepath.Join(dir, "postroom.conf")
	if err := os.WriteFile(file, []byte("http = from-file\nmax-mail = from-file\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	env := func(args ...string) result {
		cmd := command(t.Context(), args...)
		cmd.Env = append(cmd.Env, "POSTROOM_CONFIG="+file, "POSTROOM_HTTP=from-env", "POSTROOM_DATA="+dir)
		return finish(t, cmd, "")
	}
	env("serve").wants(t, 2, "from-file")
	env("serve", "--max-mail=1MiB").wants(t, 2, "from-env")
	env("serve", "--max-mail=1MiB", "--http=from-flag").wants(t, 2, "from-flag")
}

func TestWhatCannotBeHadIsSaid(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	busy, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer busy.Close()
	file := filepath.Join(dir, "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	run(t, "", "serve", "--data", filepath.Join(dir, "a"), "--http", busy.Addr().String()).wants(t, 1, "is in use by another program")
	run(t, "", "serve", "--data", filepath.Join(dir, "b"), "--http", "127.0.0.1:0", "--lmtp", busy.Addr().String()).wants(t, 1, "setting lmtp")
	run(t, "", "serve", "--data", filepath.Join(file, "c"), "--http", "127.0.0.1:0").wants(t, 1, "cannot be written")
	free, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	nobody := free.Addr().String()
	free.Close()
	r := run(t, "", "serve", "--data", filepath.Join(dir, "d"), "--http", "127.0.0.1:0", "--database", "postgres://desk:canary-password@"+nobody+"/desk")
	r.wants(t, 1, "127.0.0.1")
	if strings.Contains(r.errOut, "canary-password") {
		t.Errorf("the password of the database is told:\n%s", r.errOut)
	}
}

func TestASecondProcessOnTheFileIsRefused(t *testing.T) {
	t.Parallel()
	data := t.TempDir()
	d := serve(t, data)
	run(t, "", "serve", "--data", data, "--http", "127.0.0.1:0").wants(t, 1, "Another Postroom has the database")
	run(t, "", "migrate", "--data", data).wants(t, 1, "Another Postroom has the database")
	run(t, "", "healthcheck", "--data", data).wants(t, 0, "The desk is well")
	if code := d.stop(t); code != 0 {
		t.Errorf("a clean stop ends with %d:\n%s", code, d.log)
	}
	run(t, "", "healthcheck", "--data", data).wants(t, 1, "no desk runs")
}

func TestAnotherKeyIsRefused(t *testing.T) {
	t.Parallel()
	data := t.TempDir()
	run(t, "", "mailbox", "add", "help@desk.example", "--data", data).wants(t, 0, "Added")
	if err := os.Rename(filepath.Join(data, "key"), filepath.Join(data, "key.lost")); err != nil {
		t.Fatal(err)
	}
	run(t, "", "serve", "--data", data, "--http", "127.0.0.1:0").wants(t, 1, "is not the one this database was made with")
	run(t, "", "mailbox", "list", "--data", data, "--key-file", filepath.Join(data, "key.lost")).wants(t, 0, "help@desk.example")
}

func TestCommandsOnARunningDeskAndOnAStoppedOne(t *testing.T) {
	t.Parallel()
	data := t.TempDir()
	d := serve(t, data)
	for _, running := range []bool{true, false} {
		who := fmt.Sprintf("agent-%v@desk.example", running)
		box := fmt.Sprintf("box-%v@desk.example", running)
		run(t, "a long enough password\n", "admin", "add", who, "Ann Moor", "--password-stdin", "--data", data).wants(t, 0, "Added Ann Moor")
		run(t, "", "admin", "add", who, "Twin", "--data", data).wants(t, 1, "already")
		run(t, "short\n", "admin", "password", who, "--data", data).wants(t, 2, "at least 10 characters")
		run(t, "another long password\n", "admin", "password", who, "--data", data).wants(t, 0, "new password")
		run(t, "", "admin", "link", who, "--data", data).wants(t, 0, "/password/")
		run(t, "", "admin", "list", "--data", data).wants(t, 0, who)
		run(t, "canary\n", "mailbox", "add", box, "--host", "smtp.desk.example", "--security", "tls", "--user", "u", "--password-stdin", "--data", data).wants(t, 0, "Added the mailbox")
		run(t, "", "mailbox", "set", box, "--undo-seconds", "200", "--data", data).wants(t, 2, "between 0 and 120")
		run(t, "", "mailbox", "set", box, "--undo-seconds", "20", "--alias", "x-"+box, "--data", data).wants(t, 0, "Changed")
		run(t, "", "mailbox", "set", box, "--sender-form", "nobody", "--data", data).wants(t, 2, "agent, team or both")
		run(t, "", "mailbox", "set", box, "--header", "no colon", "--data", data).wants(t, 2, "has no colon")
		run(t, "", "mailbox", "set", box, "--reply-status", "spam", "--data", data).wants(t, 2, "cannot be the status")
		run(t, "", "mailbox", "set", box, "--sender-form", "both", "--sender-name", "Harbour", "--reply-status", "closed", "--reply-assignee", "if_free", "--separator", "-",
			"--auto-bcc", "archive-"+box, "--auto-bcc", "audit-"+box, "--header", "X-Team: Harbour, Quay", "--header", "X-Desk: 1", "--signature", "<p>{{ agent.name }}</p>", "--data", data).wants(t, 0, "Changed")
		list := run(t, "", "mailbox", "list", "--data", data)
		list.wants(t, 0, "20 s")
		list.wants(t, 0, "smtp.desk.example:465, tls, u")
		if strings.Contains(list.out+list.errOut, "canary") {
			t.Errorf("a mailbox's password is shown:\n%s", list.out)
		}
		run(t, "", "doctor", "--data", data).wants(t, 0, "key")
		if running {
			if code := d.stop(t); code != 0 {
				t.Fatalf("stop: %d\n%s", code, d.log)
			}
		}
	}
	boxes := []string{"box-true@desk.example", "box-false@desk.example"}
	for _, m := range mailboxRows(t, data) {
		if m.SenderForm != postroom.SenderBoth || m.SenderName != "Harbour" || m.ReplyStatus != postroom.Closed || m.ReplyAssignee != postroom.AssignMeIfFree || m.Separator != "-" ||
			len(m.AutoBcc) != 2 || len(m.Headers) != 2 || m.Headers[0].Value != "Harbour, Quay" || !strings.Contains(m.Signature, "agent.name") || len(m.Aliases) != 1 || m.Off() {
			t.Errorf("the mailbox became %+v", m)
		}
	}
	for _, box := range boxes {
		run(t, "", "mailbox", "set", box, "--auto-bcc", "none", "--header", "none", "--alias", "none", "--reply-status", "none", "--reply-assignee", "none", "--signature", "", "--no-on",
			"--new-address", "new-"+box, "--data", data).wants(t, 0, "<new-"+box+">. It is switched off.")
	}
	run(t, "", "mailbox", "list", "--data", data).wants(t, 0, "(switched off)")
	for _, m := range mailboxRows(t, data) {
		if len(m.AutoBcc)+len(m.Headers)+len(m.Aliases)+len(m.ReplyStatus)+len(m.ReplyAssignee)+len(m.Signature) != 0 || !m.Off() || m.SenderForm != postroom.SenderBoth || !strings.HasPrefix(m.Address, "new-") {
			t.Errorf("the mailbox became %+v", m)
		}
	}
}

// mailboxRows reads the two mailboxes of a desk that does not run.
func mailboxRows(t *testing.T, data string) []*postroom.Mailbox {
	t.Helper()
	d, err := db.Open(t.Context(), db.Options{URL: filepath.Join(data, "postroom.db"), NoBackup: true})
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	boxes, err := store.New(d).Read().Mailboxes(t.Context())
	if err != nil || len(boxes) != 2 {
		t.Fatalf("%d mailboxes, %v", len(boxes), err)
	}
	return boxes
}

const mail = "From: Mara Lind <mara@fernmail.example>\nTo: help@desk.example\nSubject: Hello\nMessage-ID: <1@fernmail.example>\n\nHello!\n"

// spooled lists the mails in a desk's spool.
func spooled(t *testing.T, data string) []string {
	t.Helper()
	list, err := filepath.Glob(filepath.Join(data, "spool", "*.mail"))
	if err != nil {
		t.Fatal(err)
	}
	return list
}

func TestIngestKeepsAMailWithoutADesk(t *testing.T) {
	t.Parallel()
	data := t.TempDir()
	run(t, mail, "ingest", "--data", data, "--sender", "mara@fernmail.example", "help@desk.example").wants(t, 0, "")
	list := spooled(t, data)
	if len(list) != 1 {
		t.Fatalf("%d mails in the spool", len(list))
	}
	b, err := os.ReadFile(list[0])
	if err != nil {
		t.Fatal(err)
	}
	if want := `{"from":"mara@fernmail.example","to":["help@desk.example"]}` + "\n" + mail; string(b) != want {
		t.Errorf("kept:\n%s\nwant:\n%s", b, want)
	}
	if _, err := os.Stat(filepath.Join(data, "postroom.db")); err == nil {
		t.Error("ingest opened a database")
	}
	run(t, "", "ingest", "--data", data).wants(t, 65, "no mail")
	run(t, strings.Repeat("x", 51<<20), "ingest", "--data", data).wants(t, 65, "larger than 50 MiB")

	run(t, "", "mailbox", "add", "help@desk.example", "--data", data).wants(t, 0, "Added")
	d := serve(t, data)
	gone := func() bool { return len(spooled(t, data)) == 0 }
	eventually(t, gone, "the mail stays in the spool")
	run(t, strings.Replace(mail, "<1@", "<2@", 1), "ingest", "--data", data, "--mailbox", "help@desk.example").wants(t, 0, "")
	eventually(t, gone, "the mail stays in the spool of a running desk")
	d.stop(t)
	<-d.closed()
	if n := strings.Count(d.log.String(), "msg=received"); n != 2 {
		t.Errorf("%d mails were received:\n%s", n, d.log)
	}
}

// closed is closed when nothing more comes into the log.
func (d *desk) closed() <-chan struct{} {
	_ = d.cmd.Stderr.(*io.PipeWriter).Close()
	return d.done
}

// eventually polls for what another process does in its own time.
func eventually(t *testing.T, f func() bool, words string) {
	t.Helper()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for range 1000 {
		if f() {
			return
		}
		<-tick.C
	}
	t.Fatal(words)
}

func TestIngestSays75WhenNothingCanBeKept(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	file := filepath.Join(dir, "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	run(t, mail, "ingest", "--spool", file).wants(t, 75, "could not be kept")
	run(t, mail, "ingest", "--data", filepath.Join(file, "data")).wants(t, 75, "could not be kept")
	if _, err := os.Stat("/dev/full"); err == nil && syscall.Access("/dev/shm", 7) == nil {
		small := command(t.Context(), "ingest", "--data", filepath.Join(dir, "small"))
		small.Args = append([]string{"sh", "-c", `ulimit -f 8; exec "$@"`, "sh", program}, small.Args[1:]...)
		small.Path = "/bin/sh"
		r := finish(t, small, mail+strings.Repeat("x", 1<<20))
		r.wants(t, 75, "could not be kept")
		if left, _ := filepath.Glob(filepath.Join(dir, "small", "spool", "*", "*")); len(left) != 0 {
			t.Errorf("a mail that was not kept leaves %v", left)
		}
	}
}

func TestAKilledIngestLeavesNoHalfMail(t *testing.T) {
	t.Parallel()
	data := t.TempDir()
	for range 5 {
		cmd := command(t.Context(), "ingest", "--data", data, "help@desk.example")
		in, err := cmd.StdinPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		if _, err := io.WriteString(in, mail+strings.Repeat("a line of a long mail\n", 20_000)); err != nil {
			t.Fatal(err)
		}
		if err := cmd.Process.Kill(); err != nil {
			t.Fatal(err)
		}
		_ = cmd.Wait()
	}
	if list := spooled(t, data); len(list) != 0 {
		t.Fatalf("half mails are in the spool: %v", list)
	}
	run(t, mail, "ingest", "--data", data, "help@desk.example").wants(t, 0, "")
	if list := spooled(t, data); len(list) != 1 {
		t.Fatalf("%d mails in the spool", len(list))
	}
}

func TestServeStartsOnAnEmptyFolder(t *testing.T) {
	t.Parallel()
	data := filepath.Join(t.TempDir(), "deep", "desk")
	d := serve(t, data)
	resp, err := http.Get(d.url + "/healthz")
	if err != nil {
		t.Fatal(err)
	}
	body, _ := io.ReadAll(resp.Body)
	resp.Body.Close()
	if resp.StatusCode != http.StatusOK || !strings.Contains(string(body), `"ok":true`) {
		t.Errorf("healthz: %d %s", resp.StatusCode, body)
	}
	resp, err = http.Get(d.url + "/")
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	if resp.StatusCode != http.StatusOK || resp.Request.URL.Path != "/setup" {
		t.Errorf("the first page is %s (%d), want the set-up of the first admin", resp.Request.URL, resp.StatusCode)
	}
	for _, path := range []string{"", "key", "postroom.db", "postroom.sock"} {
		info, err := os.Stat(filepath.Join(data, path))
		if err != nil || info.Mode().Perm()&0o077 != 0 {
			t.Errorf("%q: others may read it: %v, %v", path, info.Mode(), err)
		}
	}
	if code := d.stop(t); code != 0 {
		t.Errorf("stop: %d\n%s", code, d.log)
	}
}

func TestAKilledDeskStartsAgain(t *testing.T) {
	t.Parallel()
	data := t.TempDir()
	for range 3 {
		d := serve(t, data)
		run(t, "", "healthcheck", "--data", data).wants(t, 0, "well")
		if err := d.cmd.Process.Kill(); err != nil {
			t.Fatal(err)
		}
		_ = d.cmd.Wait()
	}
	run(t, "", "mailbox", "list", "--data", data).wants(t, 0, "There is no mailbox yet")
}

func TestADeskStopsWhileAPageListens(t *testing.T) {
	t.Parallel()
	data := t.TempDir()
	d := serve(t, data)
	run(t, "a long enough password\n", "admin", "add", "ann@desk.example", "Ann", "--password-stdin", "--data", data).wants(t, 0, "Added")
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	client := &http.Client{Jar: jar}
	resp, err := client.PostForm(d.url+"/signin", url.Values{"email": {"ann@desk.example"}, "password": {"a long enough password"}})
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	live, err := client.Get(d.url + "/events")
	if err != nil {
		t.Fatal(err)
	}
	defer live.Body.Close()
	if live.StatusCode != http.StatusOK || live.Header.Get("Content-Type") != "text/event-stream" {
		t.Fatalf("events: %d %s", live.StatusCode, live.Header.Get("Content-Type"))
	}
	began := time.Now()
	if code := d.stop(t); code != 0 {
		t.Errorf("stop: %d\n%s", code, d.log)
	}
	if took := time.Since(began); took > 15*time.Second {
		t.Errorf("an open page held the stop up for %v", took)
	}
	if _, err := io.ReadAll(live.Body); err != nil {
		t.Errorf("the page's stream was cut, not ended: %v", err)
	}
}
