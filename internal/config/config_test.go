package config_test

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"postroom"
	"postroom/internal/config"
)

func good() config.Settings {
	return config.Settings{
		Place: config.Place{Data: "postroom-data", LogLevel: "info", LogFormat: "text"},
		HTTP:  "localhost:8080", MaxMail: 50 << 20, MaxUpload: 25 << 20, Workers: 8, DBConns: 16, StopTimeout: 20 * time.Second,
	}
}

func TestEverySettingIsChecked(t *testing.T) {
	t.Parallel()
	s := good()
	if err := s.Check(); err != nil {
		t.Fatalf("the defaults are refused: %v", err)
	}
	for _, c := range []struct {
		name   string
		change func(*config.Settings)
	}{
		{"data", func(s *config.Settings) { s.Data = "" }},
		{"database", func(s *config.Settings) { s.Database = "mysql://localhost/x" }},
		{"database", func(s *config.Settings) { s.Database = "postgres://%zz" }},
		{"http", func(s *config.Settings) { s.HTTP = "8080" }},
		{"http", func(s *config.Settings) { s.HTTP = "" }},
		{"http", func(s *config.Settings) { s.HTTP = "localhost:http-alt" }},
		{"http", func(s *config.Settings) { s.HTTP = "unix:" + strings.Repeat("x", 200) }},
		{"lmtp", func(s *config.Settings) { s.LMTP = "localhost:99999" }},
		{"smtp", func(s *config.Settings) { s.SMTP = "unix:/run/x" }},
		{"smtp-cert", func(s *config.Settings) { s.SMTPKey = "key.pem" }},
		{"public-url", func(s *config.Settings) { s.PublicURL = "desk.example.org" }},
		{"public-url", func(s *config.Settings) { s.PublicURL = "https://desk.example.org/path" }},
		{"webhook-allow", func(s *config.Settings) { s.WebhookAllow = []string{"10.0.0.0/8", "home"} }},
		{"proxies", func(s *config.Settings) { s.Proxies = []string{"10.0.0.0/8", "ten"} }},
		{"hostname", func(s *config.Settings) { s.Hostname = "mail desk" }},
		{"max-mail", func(s *config.Settings) { s.MaxMail = 10 }},
		{"max-upload", func(s *config.Settings) { s.MaxUpload = 0 }},
		{"workers", func(s *config.Settings) { s.Workers = 0 }},
		{"db-conns", func(s *config.Settings) { s.DBConns = 1000 }},
		{"lease", func(s *config.Settings) { s.Lease = time.Millisecond }},
		{"grace", func(s *config.Settings) { s.Grace = 25 * time.Hour }},
		{"stop-timeout", func(s *config.Settings) { s.StopTimeout = 0 }},
	} {
		s := good()
		c.change(&s)
		var e *postroom.Error
		if err := s.Check(); !errors.As(err, &e) || e.Code != postroom.Invalid || e.Field != c.name || !strings.Contains(e.Text, config.Env(c.name)) {
			t.Errorf("%s: %v", c.name, err)
		}
	}
}

func TestPlaces(t *testing.T) {
	t.Parallel()
	p := config.Place{Data: "/srv/desk"}
	if p.DatabaseURL() != "/srv/desk/postroom.db" || p.KeyPath() != "/srv/desk/key" || p.SpoolDir() != "/srv/desk/spool" || p.BlobDir() != "/srv/desk/blobs" {
		t.Errorf("%+v", p)
	}
	p.Database = "postgres://desk@db/desk"
	if p.SQLiteFile() != "" || p.DatabaseURL() != p.Database || !p.Postgres() {
		t.Errorf("%+v", p)
	}
}

func TestSizes(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]config.Size{"25MiB": 25 << 20, "25mb": 25e6, "1 GiB": 1 << 30, "4096": 4096, "12K": 12 << 10, "7B": 7} {
		var s config.Size
		if err := s.UnmarshalText([]byte(text)); err != nil || s != want {
			t.Errorf("%s is %d, %v", text, s, err)
		}
		back, _ := s.MarshalText()
		var again config.Size
		if err := again.UnmarshalText(back); err != nil || again != s {
			t.Errorf("%s is written as %s", text, back)
		}
	}
	for _, text := range []string{"", "MiB", "-1", "1.5MiB", "9999999999GiB", "1XB"} {
		var s config.Size
		if err := s.UnmarshalText([]byte(text)); err == nil {
			t.Errorf("%q is read as %d", text, s)
		}
	}
}

func write(t *testing.T, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "postroom.conf")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestFile(t *testing.T) {
	t.Parallel()
	for _, text := range []string{
		"# the desk\nhttp = :80\n\n max_mail=10MiB\r\nname = \"Our # desk\"\nproxies=10.0.0.0/8,192.0.2.7\n",
		`{"http": ":80", "max-mail": "10MiB", "name": "Our # desk", "proxies": ["10.0.0.0/8", "192.0.2.7"]}`,
	} {
		f, err := config.ReadFile(write(t, text))
		if err != nil {
			t.Fatal(err)
		}
		for name, want := range map[string]string{"http": ":80", "max-mail": "10MiB", "name": "Our # desk", "proxies": "10.0.0.0/8,192.0.2.7"} {
			if got, ok := f.Value(name); !ok || got != want {
				t.Errorf("%s is %q, want %q", name, got, want)
			}
		}
		if _, ok := f.Value("data"); ok {
			t.Error("data is set")
		}
	}
	for text, words := range map[string]string{
		"http = :80\nhtpp = :81": "line 2", "http": "line 1", "http=:80\nhttp=:81": "twice", "{": "wrong",
		`{"http": {}}`: "http", "config = x": "config", `name = "a\q"`: "quotes",
	} {
		_, err := config.ReadFile(write(t, text))
		if postroom.CodeOf(err) != postroom.Invalid || !strings.Contains(err.Error(), words) {
			t.Errorf("%q: %v", text, err)
		}
	}
	if _, err := config.ReadFile(filepath.Join(t.TempDir(), "none")); postroom.CodeOf(err) != postroom.Invalid {
		t.Errorf("no file: %v", err)
	}
}

func TestPathIn(t *testing.T) {
	t.Parallel()
	env := func(string) string { return "from-env" }
	for _, c := range []struct {
		args []string
		want string
	}{
		{nil, "from-env"}, {[]string{"serve", "--config", "a"}, "a"}, {[]string{"serve", "--config=b"}, "b"},
		{[]string{"serve", "--", "--config=b"}, "from-env"}, {[]string{"serve", "--config"}, "from-env"},
	} {
		if got := config.PathIn(c.args, env); got != c.want {
			t.Errorf("%v: %q, want %q", c.args, got, c.want)
		}
	}
}

func TestEverySettingIsDescribed(t *testing.T) {
	t.Parallel()
	list := config.List()
	if len(list) < 20 {
		t.Fatalf("%d settings", len(list))
	}
	for _, s := range list {
		if s.Help == "" || s.Env != config.Env(s.Name) {
			t.Errorf("%+v", s)
		}
	}
	if !slices.Contains(config.Names(), "public-url") || !slices.Contains(config.Names(), "http") {
		t.Errorf("%v", config.Names())
	}
}
