package prove_test

import (
	"net"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"postroom/internal/db"
)

// oneSentence checks that a fault was told as a sentence for people: no trace,
// nothing secret, and the words that say what to do.
func oneSentence(t *testing.T, a answer, code int, words ...string) {
	t.Helper()
	text := strings.TrimSpace(a.stderr)
	if a.code != code {
		t.Errorf("exit code %d, not %d: %s", a.code, code, text)
	}
	if text == "" || strings.Contains(text, "\n") || !strings.HasPrefix(text, "postroom: ") || !strings.HasSuffix(text, ".") {
		t.Errorf("not one sentence: %q", text)
	}
	for _, w := range words {
		if !strings.Contains(text, w) {
			t.Errorf("%q does not say %q", text, w)
		}
	}
	for _, w := range []string{"goroutine", "panic", ".go:", "canary"} {
		if strings.Contains(a.stdout+a.stderr, w) {
			t.Errorf("%q is in %q", w, a.stdout+a.stderr)
		}
	}
}

// A wrong setting is a sentence that names it, and exit code 2; nothing is made.
func TestWrongSettings(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		args  []string
		env   [2]string
		words string
	}{
		"a flag that is none":     {args: []string{"--colour", "red"}, words: "--colour"},
		"a size":                  {args: []string{"--max-mail", "plenty"}, words: "max-mail"},
		"a number":                {args: []string{"--workers", "many"}, words: "workers"},
		"a number out of range":   {env: [2]string{"WORKERS", "0"}, words: "POSTROOM_WORKERS"},
		"a time":                  {env: [2]string{"STOP_TIMEOUT", "soon"}, words: "stop-timeout"},
		"an address":              {env: [2]string{"LMTP", "localhost"}, words: "POSTROOM_LMTP"},
		"a kind of database":      {env: [2]string{"DATABASE", "mysql://canary@localhost/x"}, words: "POSTROOM_DATABASE"},
		"an address of postgres":  {env: [2]string{"DATABASE", "postgres://u:canary@%zz"}, words: "POSTROOM_DATABASE"},
		"a public address":        {env: [2]string{"PUBLIC_URL", "desk.example.org"}, words: "POSTROOM_PUBLIC_URL"},
		"a network":               {env: [2]string{"PROXIES", "ten"}, words: "POSTROOM_PROXIES"},
		"a level":                 {args: []string{"--log-level", "loud"}, words: "log-level"},
		"a file that is missing":  {args: []string{"--config", "nowhere.conf"}, words: "nowhere.conf"},
		"half a certificate":      {env: [2]string{"SMTP_CERT", "cert.pem"}, words: "POSTROOM_SMTP_CERT"},
		"an authority that is no": {env: [2]string{"MAIL_CA", "/dev/null"}, words: "mail-ca"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := newPlace(t, db.SQLite)
			if c.env[0] != "" {
				p.set(c.env[0], c.env[1])
			}
			oneSentence(t, p.call("", append([]string{"serve"}, c.args...)...), 2, c.words)
		})
	}
}

// A port that another program has is named, with what to do.
func TestPortInUse(t *testing.T) {
	t.Parallel()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { ln.Close() })
	for _, setting := range []string{"http", "lmtp", "smtp"} {
		t.Run(setting, func(t *testing.T) {
			t.Parallel()
			p := newPlace(t, db.SQLite)
			p.set(strings.ToUpper(setting), ln.Addr().String())
			oneSentence(t, p.call("", "serve"), 1, ln.Addr().String(), "in use", setting)
		})
	}
}

// A data folder that cannot be written to is named; so is one that is a file.
func TestDataFolderReadOnly(t *testing.T) {
	t.Parallel()
	path, err := program()
	if err != nil {
		t.Fatal(err)
	}
	p := newPlace(t, db.SQLite)
	if err := os.Mkdir(p.data(), 0o755); err != nil {
		t.Fatal(err)
	}
	ctx := t.Context()
	cmd := p.command(ctx, "serve")
	if os.Geteuid() == 0 {
		// Rights mean nothing to root: the program runs as somebody else.
		cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: 65534, Gid: 65534}}
		for _, dir := range []string{p.dir, filepath.Dir(path)} {
			if err := os.Chmod(dir, 0o755); err != nil {
				t.Fatal(err)
			}
		}
	}
	if err := os.Chmod(p.data(), 0o555); err != nil {
		t.Fatal(err)
	}
	var errs strings.Builder
	cmd.Stderr = &errs
	_ = cmd.Run() // the exit code tells
	oneSentence(t, answer{code: cmd.ProcessState.ExitCode(), stderr: errs.String()}, 1, p.data(), "cannot be written")

	file := newPlace(t, db.SQLite)
	if err := os.WriteFile(file.data(), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	oneSentence(t, file.call("", "serve"), 1, file.data(), "cannot be written")
}

// A second process on the SQLite file is refused, by whatever way it comes, and
// the first does not notice.
func TestSecondProcessOnSQLite(t *testing.T) {
	t.Parallel()
	p := newPlace(t, db.SQLite)
	first := p.start()
	second := newPlace(t, db.SQLite)
	second.set("DATA", p.data())
	oneSentence(t, second.call("", "serve"), 1, "one process owns")
	third := newPlace(t, db.SQLite)
	third.set("DATABASE", p.databaseURL())
	oneSentence(t, third.call("", "serve"), 1, "one process owns")
	if err := p.answers(first); err != nil {
		t.Errorf("the first: %v", err)
	}
	p.stopClean(first)
}

// A database that cannot be reached is said at once, without its password.
func TestDatabaseUnreachableAtStart(t *testing.T) {
	t.Parallel()
	p := newPlace(t, db.SQLite)
	p.set("DATABASE", "postgres://desk:canary@127.0.0.1:1/desk")
	began := time.Now()
	oneSentence(t, p.call("", "serve"), 1, "database")
	if took := time.Since(began); took > 20*time.Second {
		t.Errorf("it took %s to say so", took)
	}
}

// Both engines start fast, also on a database that is there already.
func TestColdStart(t *testing.T) {
	t.Parallel()
	for _, e := range []db.Engine{db.SQLite, db.Postgres} {
		t.Run(string(e), func(t *testing.T) {
			t.Parallel()
			p := newPlace(t, e)
			p.stopClean(p.start())
			best := time.Hour
			for range 3 {
				s := p.start()
				best = min(best, s.ready)
				p.stopClean(s)
			}
			t.Logf("the best of three starts took %s", best.Round(time.Millisecond))
			if best > time.Second {
				t.Errorf("a start takes %s", best)
			}
		})
	}
}
