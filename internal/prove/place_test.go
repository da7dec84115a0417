package prove_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"postroom/internal/db"
	"postroom/internal/dbtest"
	"postroom/internal/postoffice"
)

// The people of every desk here. The passwords are canaries: they may appear
// nowhere the program writes.
const (
	annEmail     = "ann@prove.example"
	annPassword  = "canary-of-ann-7Qx"
	mailbox      = "support@prove.example"
	mailUser     = "support"
	mailPassword = "canary-of-mail-5Zt"
)

// place is where one desk is kept, and how its program is called.
type place struct {
	t        testing.TB
	dir      string // short, for sockets
	env      []string
	database string // what POSTROOM_DATABASE says; "" is SQLite in the data folder
	log      *os.File
	sys      *syscall.SysProcAttr
}

// newPlace makes an empty place for a desk on an engine.
func newPlace(t testing.TB, e db.Engine) *place {
	t.Helper()
	database := ""
	if e == db.Postgres {
		database = dbtest.Options{Empty: true}.URL(t, e)
	}
	return newPlaceOn(t, database)
}

// newPlaceOn makes an empty place for a desk on a database.
func newPlaceOn(t testing.TB, database string) *place {
	t.Helper()
	if _, err := program(); err != nil { // building takes long: nothing's patience begins before
		t.Fatal(err)
	}
	dir, err := os.MkdirTemp("", "prove-")
	if err != nil {
		t.Fatal(err)
	}
	log, err := os.Create(filepath.Join(dir, "log"))
	if err != nil {
		t.Fatal(err)
	}
	p := &place{t: t, dir: dir, database: database, log: log}
	for _, v := range os.Environ() {
		if !strings.HasPrefix(v, "POSTROOM_") {
			p.env = append(p.env, v)
		}
	}
	p.set("DATA", filepath.Join(dir, "data"))
	p.set("HTTP", "unix:"+filepath.Join(dir, "http"))
	p.set("LMTP", "unix:"+filepath.Join(dir, "lmtp"))
	p.set("HOSTNAME", "desk.prove.example")
	p.set("LEASE", "1s")
	p.set("GRACE", "1s")
	if database != "" {
		p.set("DATABASE", database)
		p.set("LEASE", "10m") // nobody waits for the lease of a dead process to run out
	}
	t.Cleanup(func() {
		log.Close()
		if t.Failed() || os.Getenv("POSTROOM_PROVE_LOG") == "1" {
			t.Logf("the end of the program's log:\n%s", p.logTail(60))
		}
		os.RemoveAll(dir)
	})
	return p
}

// twin makes a place for a second process of the same desk: its own data folder
// and addresses, and the first one's database, files and key.
func (p *place) twin() *place {
	p.t.Helper()
	q := newPlaceOn(p.t, p.database)
	q.set("BLOBS", filepath.Join(p.data(), "blobs"))
	q.set("KEY_FILE", filepath.Join(p.data(), "key"))
	q.set("MAIL_CA", filepath.Join(p.dir, "ca.pem"))
	q.set("HOSTNAME", "twin.prove.example")
	return q
}

// set sets POSTROOM_name.
func (p *place) set(name, value string) { p.env = append(p.env, "POSTROOM_"+name+"="+value) }

func (p *place) data() string { return filepath.Join(p.dir, "data") }
func (p *place) lmtp() string { return "unix:" + filepath.Join(p.dir, "lmtp") }

// logTail returns the last lines of what the program logged.
func (p *place) logTail(n int) string {
	b, err := os.ReadFile(filepath.Join(p.dir, "log"))
	if err != nil {
		return err.Error()
	}
	lines := strings.Split(strings.TrimRight(string(b), "\n"), "\n")
	return strings.Join(lines[max(len(lines)-n, 0):], "\n")
}

// command prepares a call of the program.
func (p *place) command(ctx context.Context, args ...string) *exec.Cmd {
	p.t.Helper()
	path, err := program()
	if err != nil {
		p.t.Fatal(err)
	}
	cmd := exec.CommandContext(ctx, path, args...)
	cmd.Env, cmd.Dir = p.env, p.dir
	return cmd
}

// answer is what a call came to.
type answer struct {
	code           int
	stdout, stderr string
}

// call runs the program to its end.
func (p *place) call(stdin string, args ...string) answer {
	p.t.Helper()
	ctx, cancel := context.WithTimeout(p.t.Context(), time.Minute)
	defer cancel()
	cmd := p.command(ctx, args...)
	var out, errs bytes.Buffer
	cmd.Env = append(cmd.Env, "POSTROOM_LOG_LEVEL=error") // what is said is said to people
	cmd.Stdin, cmd.Stdout, cmd.Stderr = strings.NewReader(stdin), &out, &errs
	err := cmd.Run()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		p.t.Fatalf("postroom %v: %v", args, err)
	}
	return answer{cmd.ProcessState.ExitCode(), out.String(), errs.String()}
}

// must runs a command that has to succeed.
func (p *place) must(stdin string, args ...string) {
	p.t.Helper()
	if a := p.call(stdin, args...); a.code != 0 {
		p.t.Fatalf("postroom %s: exit code %d: %s", strings.Join(args, " "), a.code, a.stderr)
	}
}

// furnish adds Ann and the mailbox, whose mail leaves by the office with
// STARTTLS and AUTH.
func (p *place) furnish(office *postoffice.Office) {
	p.t.Helper()
	ca := filepath.Join(p.dir, "ca.pem")
	if err := os.WriteFile(ca, office.CAPEM(), 0o600); err != nil {
		p.t.Fatal(err)
	}
	p.set("MAIL_CA", ca)
	p.must(annPassword+"\n", "admin", "add", annEmail, "Ann", "--password-stdin")
	host, port, err := net.SplitHostPort(office.Addr())
	if err != nil {
		p.t.Fatal(err)
	}
	p.must(mailPassword+"\n", "mailbox", "add", mailbox, "--host", host, "--port", port, "--security", "starttls",
		"--user", mailUser, "--password-stdin", "--undo-seconds", "0", "--everybody")
}

// newOffice opens a post office where the mailbox can sign in.
func newOffice(t testing.TB) *postoffice.Office {
	t.Helper()
	office, err := postoffice.New(postoffice.Options{Users: map[string]string{mailUser: mailPassword}, RequireAuth: true})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { office.Close() })
	return office
}

// process is a running desk.
type process struct {
	cmd   *exec.Cmd
	done  chan struct{} // closed when it has ended
	began time.Time
	ready time.Duration // from start until pages were answered

	once sync.Once
}

// start runs the desk until it answers.
func (p *place) start() *process {
	p.t.Helper()
	s, err := p.begin("serve")
	if err == nil {
		err = p.answers(s)
	}
	if err != nil {
		p.t.Fatalf("start the desk: %v\n%s", err, p.logTail(20))
	}
	return s
}

// begin starts the program, with its output to the log.
func (p *place) begin(args ...string) (*process, error) {
	cmd := p.command(context.WithoutCancel(p.t.Context()), args...)
	cmd.Stdout, cmd.Stderr, cmd.SysProcAttr = p.log, p.log, p.sys
	s := &process{cmd: cmd, done: make(chan struct{}), began: time.Now()}
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	go func() {
		_ = cmd.Wait()
		close(s.done)
	}()
	p.t.Cleanup(s.kill)
	return s, nil
}

// errEnded says that the program ended while something was expected of it.
var errEnded = errors.New("the program ended")

// answers waits until the desk is well.
func (p *place) answers(s *process) error {
	b := p.browser()
	end := time.Now().Add(30 * time.Second)
	for {
		status, body, err := b.get(context.WithoutCancel(p.t.Context()), "/healthz")
		if err == nil && status == 200 {
			s.ready = time.Since(s.began)
			return nil
		}
		if time.Now().After(end) {
			return fmt.Errorf("not well in time: %d %s %w", status, body, err)
		}
		select {
		case <-s.done:
			return fmt.Errorf("%w: %s", errEnded, s.cmd.ProcessState)
		case <-time.After(2 * time.Millisecond):
		}
	}
}

// kill ends the process as a power cut would, and waits until it is gone.
func (s *process) kill() {
	s.once.Do(func() { _ = s.cmd.Process.Kill() })
	<-s.done
}

// dead says whether the process has ended.
func (s *process) dead() bool {
	select {
	case <-s.done:
		return true
	default:
		return false
	}
}

// stop asks the process to end and returns its exit code.
func (s *process) stop(t testing.TB) int {
	t.Helper()
	if err := s.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Errorf("stop: %v", err)
	}
	select {
	case <-s.done:
	case <-time.After(40 * time.Second):
		t.Error("the program does not stop when it is asked to")
		s.kill()
	}
	return s.cmd.ProcessState.ExitCode()
}

// stopClean stops a desk that has nothing to complain about.
func (p *place) stopClean(s *process) {
	p.t.Helper()
	if code := s.stop(p.t); code != 0 {
		p.t.Errorf("stopped with exit code %s\n%s", strconv.Itoa(code), p.logTail(10))
	}
}
