package dbtest

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"go.uber.org/goleak"

	"postroom/internal/db"
)

// Main runs the tests of a package and then ends the PostgreSQL server they
// started, if they did. Use it as TestMain:
//
//	func TestMain(m *testing.M) { dbtest.Main(m) }
//
// Without it the server ends with the test program, but its folder stays
// behind in the system's folder for temporary files.
func Main(m *testing.M) {
	Begin()
	End(m.Run())
}

// Begin lets all temporary files of this test program and of what it starts
// be in memory, where the machine has room: making and dropping the many
// databases is most of the work of many tests, and no test here pulls the
// plug of the machine, which is all that a disk would add. Benchmarks measure
// the disk too, so with them everything stays on it, and so it does where
// POSTROOM_TEST_ON_DISK is 1. For a TestMain that does more than Main; it must
// also call End.
func Begin() {
	flag.Parse()
	if f := flag.Lookup("test.bench"); f != nil && f.Value.String() != "" || os.Getenv("POSTROOM_TEST_ON_DISK") == "1" {
		return
	}
	if dir := inMemory(); dir != "" {
		temporary = dir
		_ = os.Setenv("TMPDIR", dir)
	}
}

// End ends what the tests started and exits with a code, for a TestMain that
// does more than Main, such as looking for leaked goroutines.
func End(code int) {
	cleanUp()
	if temporary != "" {
		_ = os.RemoveAll(temporary)
	}
	os.Exit(code)
}

// ServerLeak tells goleak about the goroutine that waits for the server.
func ServerLeak() goleak.Option {
	return goleak.IgnoreAnyFunction("postroom/internal/dbtest.startWithProcess.func1")
}

func cleanUp() {
	switch {
	case started != nil:
		started.stop()
	case leftBehind != "":
		// A server that others use goes on; our template does not.
		if base, err := server(); err == nil {
			_ = admin(base, "drop database if exists "+leftBehind+" with (force)")
		}
	}
}

// errNoPostgres says that there is no PostgreSQL to test with.
var errNoPostgres = errors.New("PostgreSQL is not installed and POSTROOM_TEST_POSTGRES is not set")

// What End has to clean up, each set once: the server of this test program, or
// the template it made on a server it was given, and its folder in memory.
var (
	started    *postgresServer
	leftBehind string
	temporary  string
)

// server returns the URL of a superuser's database, starting a server if need
// be.
var server = sync.OnceValues(func() (string, error) {
	if u := os.Getenv("POSTROOM_TEST_POSTGRES"); u != "" {
		return u, nil
	}
	s, err := startPostgres()
	if err != nil {
		return "", err
	}
	started = s
	return s.url(), nil
})

// template makes a migrated database to copy and returns its name. Each test
// program makes its own: those that share a server may differ in schema.
var template = sync.OnceValues(func() (string, error) {
	base, err := server()
	if err != nil {
		return "", err
	}
	name := "template_" + randomName()
	if err := admin(base, "create database "+name); err != nil {
		return "", err
	}
	leftBehind = name
	if err := migrated(db.Options{URL: withDatabase(base, name), Conns: 2}.Unsafe()); err != nil {
		return "", err
	}
	return name, nil
})

func (o Options) postgresURL(t testing.TB) string {
	t.Helper()
	base, err := server()
	if errors.Is(err, errNoPostgres) {
		skip(t, err.Error())
	}
	if err != nil {
		t.Fatalf("start PostgreSQL: %v", err)
	}
	from := "template0"
	if !o.Empty {
		if from, err = template(); err != nil {
			t.Fatalf("make the template database: %v", err)
		}
	}
	name := randomName()
	if err := admin(base, "create database "+name+" template "+from); err != nil {
		t.Fatalf("make a PostgreSQL database: %v", err)
	}
	t.Cleanup(func() {
		if err := admin(base, "drop database if exists "+name+" with (force)"); err != nil {
			t.Errorf("drop the test database: %v", err)
		}
	})
	return withDatabase(base, name)
}

// admin runs a statement as the superuser.
func admin(base, statement string) error {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	conn, err := pgx.Connect(ctx, base)
	if err != nil {
		return err
	}
	defer func() { _ = conn.Close(ctx) }()
	_, err = conn.Exec(ctx, statement)
	return err
}

// withDatabase replaces the database in a URL.
func withDatabase(base, name string) string {
	u, err := url.Parse(base)
	if err != nil {
		return base
	}
	u.Path = "/" + name
	return u.String()
}

// postgresServer is a server that lives as long as the test program.
type postgresServer struct {
	dir     string
	program string
	who     *syscall.SysProcAttr
	fsync   string
	cmd     *exec.Cmd
	done    chan struct{}
}

func (s *postgresServer) url() string {
	return "postgres://postroom@/postgres?" + url.Values{"host": {s.dir}}.Encode()
}

// program finds one of PostgreSQL's programs, in PATH or where Debian keeps
// them.
func program(name string) (string, error) {
	if path, err := exec.LookPath(name); err == nil {
		return path, nil
	}
	found, _ := filepath.Glob("/usr/lib/postgresql/*/bin/" + name)
	if len(found) == 0 {
		return "", errNoPostgres
	}
	slices.Sort(found)
	return found[len(found)-1], nil
}

// startPostgres makes a cluster in a temporary folder and starts a server on
// it that only listens on a socket in that folder. It syncs to disk like a
// real one unless POSTROOM_TEST_POSTGRES_FSYNC is "off".
func startPostgres() (s *postgresServer, err error) {
	initdb, err := program("initdb")
	if err != nil {
		return nil, err
	}
	postgres, err := program("postgres")
	if err != nil {
		return nil, err
	}
	dir, err := os.MkdirTemp("", "postroom-pg-")
	if err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			_ = os.RemoveAll(dir)
		}
	}()
	who, err := ownerOf(dir)
	if err != nil {
		return nil, err
	}
	data := filepath.Join(dir, "data")
	init := exec.Command(initdb, "--pgdata="+data, "--username=postroom", "--auth=trust",
		"--encoding=UTF8", "--locale=C", "--no-sync", "--no-instructions")
	init.Dir = dir
	init.SysProcAttr = who
	if out, err := init.CombinedOutput(); err != nil {
		return nil, fmt.Errorf("initdb: %w: %s", err, out)
	}
	fsync := os.Getenv("POSTROOM_TEST_POSTGRES_FSYNC")
	if fsync == "" {
		fsync = "on"
	}
	s = &postgresServer{dir: dir, program: postgres, who: who, fsync: fsync}
	if err := s.start(); err != nil {
		return nil, err
	}
	return s, nil
}

// start starts the server on its folder and returns when it answers.
func (s *postgresServer) start() error {
	s.done = make(chan struct{})
	s.cmd = exec.Command(s.program, "-D", filepath.Join(s.dir, "data"), "-k", s.dir, "-c", "listen_addresses=", "-c", "fsync="+s.fsync,
		"-c", "max_connections=400", "-c", "shared_buffers=64MB", "-c", "max_wal_size=512MB", "-c", "autovacuum=off", "-c", "deadlock_timeout=100ms")
	s.cmd.Dir = s.dir
	s.cmd.SysProcAttr = s.who
	log, err := os.Create(filepath.Join(s.dir, "log"))
	if err != nil {
		return err
	}
	defer log.Close()
	s.cmd.Stderr = log
	if err := startWithProcess(s.cmd, s.done); err != nil {
		return err
	}
	if err := s.wait(); err != nil {
		said, _ := os.ReadFile(log.Name())
		s.end(os.Interrupt)
		return fmt.Errorf("%w: %s", err, said)
	}
	return nil
}

// wait returns when the server answers.
func (s *postgresServer) wait() error {
	end := time.Now().Add(30 * time.Second)
	for {
		err := admin(s.url(), "select 1")
		if err == nil {
			return nil
		}
		select {
		case <-s.done:
			return errors.New("the server ended at once")
		case <-time.After(20 * time.Millisecond):
		}
		if time.Now().After(end) {
			return fmt.Errorf("the server does not answer: %w", err)
		}
	}
}

// stop ends the server and removes its folder.
func (s *postgresServer) stop() {
	s.end(os.Interrupt) // fast shutdown
	_ = os.RemoveAll(s.dir)
}

// end ends the server by a signal and leaves its folder.
func (s *postgresServer) end(by os.Signal) {
	_ = s.cmd.Process.Signal(by)
	select {
	case <-s.done:
	case <-time.After(10 * time.Second):
		_ = s.cmd.Process.Kill()
		<-s.done
	}
}

// Server is a PostgreSQL server of one test, to be stopped and started.
type Server struct{ s *postgresServer }

// Private starts a PostgreSQL server for one test and returns it with the URL
// of an empty database on it. It ends with the test. Where PostgreSQL is not
// installed the test is skipped by name.
func Private(t testing.TB) (server *Server, url string) {
	t.Helper()
	s, err := startPostgres()
	if errors.Is(err, errNoPostgres) {
		skip(t, "PostgreSQL is not installed")
	}
	if err != nil {
		t.Fatalf("start PostgreSQL: %v", err)
	}
	t.Cleanup(s.stop)
	name := randomName()
	if err := admin(s.url(), "create database "+name); err != nil {
		t.Fatalf("make a PostgreSQL database: %v", err)
	}
	return &Server{s}, withDatabase(s.url(), name)
}

// Stop ends the server in the middle of whatever it does, as a failing machine
// would; what was committed stays.
func (s *Server) Stop() { s.s.end(syscall.SIGQUIT) } // immediate shutdown

// Start starts the server again and returns when it answers.
func (s *Server) Start(t testing.TB) {
	t.Helper()
	if err := s.s.start(); err != nil {
		t.Fatalf("start PostgreSQL again: %v", err)
	}
}
