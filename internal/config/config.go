// Package config is the one list of settings: what each is called, what it
// does and what it is by default. A setting is given as a flag (--http), in
// the environment (POSTROOM_HTTP) or in a file (http = …), and the first of
// these wins.
package config

import (
	"fmt"
	"net"
	"net/netip"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"postroom"
)

// Place says where a desk is kept; every command that touches one has it.
//
// The tags are read by the command line parser and by the page of settings.
type Place struct {
	Config    string `env:"POSTROOM_CONFIG" placeholder:"FILE" help:"A file with settings: a line each, 'name = value' with the names of the flags; '#' begins a comment. JSON is understood too."`
	Data      string `env:"POSTROOM_DATA" default:"./postroom-data" placeholder:"FOLDER" help:"The data folder: the database (SQLite), received mails and attachments, the key, the spool. Made if it is missing, readable by you alone."`
	Database  string `env:"POSTROOM_DATABASE" placeholder:"URL" help:"postgres://… for PostgreSQL, or the path of a SQLite file. Without it: postroom.db in the data folder. As it may hold a password, rather use the environment or the file."`
	KeyFile   string `env:"POSTROOM_KEY_FILE" placeholder:"FILE" help:"The key that encrypts passwords of mailboxes and signs links. Without it: key in the data folder, made at the first start. Keep a copy apart from the database's backups."`
	Blobs     string `env:"POSTROOM_BLOBS" placeholder:"FOLDER" help:"Where received mails and attachments are kept. Without it: blobs in the data folder. Several processes on one PostgreSQL need the same folder."`
	Spool     string `env:"POSTROOM_SPOOL" placeholder:"FOLDER" help:"Where 'postroom ingest' puts mails and 'postroom serve' takes them from. Without it: spool in the data folder."`
	Backups   string `env:"POSTROOM_BACKUPS" placeholder:"FOLDER" help:"Where the database is backed up before an update changes it; the last three are kept. Without it: backups in the data folder."`
	NoBackup  bool   `env:"POSTROOM_NO_BACKUP" help:"Make no backup before an update changes the database, because you make them yourself."`
	LogLevel  string `env:"POSTROOM_LOG_LEVEL" default:"info" enum:"debug,info,warn,error" help:"The least important thing that is logged: debug, info, warn or error."`
	LogFormat string `env:"POSTROOM_LOG_FORMAT" default:"text" enum:"text,json" help:"How the log, on standard error, is written: text or json."`
}

// Settings are everything that can be set of a running desk.
type Settings struct {
	Place

	HTTP          string   `env:"POSTROOM_HTTP" default:"localhost:8080" placeholder:"ADDRESS" help:"Where browsers are answered: host:port, or unix:/path."`
	PublicURL     string   `env:"POSTROOM_PUBLIC_URL" placeholder:"URL" help:"The address people type, such as https://desk.example.org, for links in mails and for safe cookies. Without it: the http address."`
	TLSCert       string   `env:"POSTROOM_TLS_CERT" name:"tls-cert" placeholder:"FILE" help:"Certificate chain (PEM) with which pages are encrypted; needs tls-key and public-url. A renewed file is taken up within a minute."`
	TLSKey        string   `env:"POSTROOM_TLS_KEY" name:"tls-key" placeholder:"FILE" help:"Private key (PEM) of tls-cert."`
	ACME          []string `env:"POSTROOM_ACME" name:"acme" placeholder:"NAMES" help:"Names of this desk, separated by commas, for which certificates are obtained and renewed by ACME, such as desk.example.org; http is then ':443'. By using it you accept the authority's terms of service."`
	ACMEEmail     string   `env:"POSTROOM_ACME_EMAIL" name:"acme-email" placeholder:"ADDRESS" help:"Where the authority writes when something is wrong with a certificate."`
	ACMEDirectory string   `env:"POSTROOM_ACME_DIRECTORY" name:"acme-directory" default:"https://acme-v02.api.letsencrypt.org/directory" placeholder:"URL" help:"The ACME authority."`
	ACMECA        string   `env:"POSTROOM_ACME_CA" name:"acme-ca" placeholder:"FILE" help:"Further certificate authorities (PEM) to believe when talking to the ACME authority, for one of your own."`
	HTTPRedirect  string   `env:"POSTROOM_HTTP_REDIRECT" name:"http-redirect" placeholder:"ADDRESS" help:"Where browsers without encryption are sent on to the encrypted pages, such as ':80'; an ACME authority may look here too. Only with tls-cert or acme. Without it: off."`

	Proxies []string `env:"POSTROOM_PROXIES" placeholder:"NETWORKS" help:"Networks of reverse proxies whose X-Forwarded-For is believed, such as 10.0.0.0/8, separated by commas. Without it nobody is believed but a proxy on a unix socket."`
	Name    string   `env:"POSTROOM_NAME" default:"Postroom" help:"What the desk is called on the sign-in page."`

	Hostname string `env:"POSTROOM_HOSTNAME" placeholder:"NAME" help:"What we call ourselves to mail servers (HELO), and in the greeting of our own. Without it: the machine's name."`
	LMTP     string `env:"POSTROOM_LMTP" placeholder:"ADDRESS" help:"Take mail in by LMTP here: host:port, or unix:/path. Everybody who reaches it may deliver: keep it to your mail server. Without it: off."`
	SMTP     string `env:"POSTROOM_SMTP" placeholder:"ADDRESS" help:"Take mail in by SMTP here: host:port. Only mail for our own mailboxes is taken. Without it: off."`
	SMTPCert string `env:"POSTROOM_SMTP_CERT" name:"smtp-cert" placeholder:"FILE" help:"Certificate chain (PEM) with which the SMTP listener offers STARTTLS; needs smtp-key."`
	SMTPKey  string `env:"POSTROOM_SMTP_KEY" name:"smtp-key" placeholder:"FILE" help:"Private key (PEM) of smtp-cert."`
	MailCA   string `env:"POSTROOM_MAIL_CA" name:"mail-ca" placeholder:"FILE" help:"Further certificate authorities (PEM) to believe when handing mail to servers, for one of your own."`

	DNS string `env:"POSTROOM_DNS" name:"dns" placeholder:"ADDRESS" help:"The name server that is asked about a mailbox's domain while it is set up (MX, SPF, DKIM, DMARC), as 9.9.9.9:53. Without it: the system's. Mail itself is always sent by the system's."`

	WebhookAllow []string `env:"POSTROOM_WEBHOOK_ALLOW" name:"webhook-allow" placeholder:"NETWORKS" help:"Networks that webhooks may call although they are not public, such as 10.0.0.0/8 or 192.0.2.7, separated by commas. Without it only public addresses are called: a workflow can never reach into your own network."`

	MaxMail   Size `env:"POSTROOM_MAX_MAIL" default:"50MiB" placeholder:"SIZE" help:"The largest mail that is taken in. A larger one is refused, and its sender told."`
	MaxUpload Size `env:"POSTROOM_MAX_UPLOAD" default:"25MiB" placeholder:"SIZE" help:"The largest file an agent can attach. Many servers refuse mails over 25 MiB."`

	SandboxDays int `env:"POSTROOM_SANDBOX_DAYS" default:"14" help:"After how many days in which nobody uses it the sandbox is thrown away. 0: never by itself."`
	TrashDays   int `env:"POSTROOM_TRASH_DAYS" default:"30" help:"After how many days a deleted conversation is erased for good, with its messages and files. 0: never by itself."`

	Workers     int           `env:"POSTROOM_WORKERS" default:"8" help:"How many mails are handed to servers at the same time."`
	DBConns     int           `env:"POSTROOM_DB_CONNS" name:"db-conns" default:"16" help:"Connections to PostgreSQL for writing, and as many again for reading."`
	Lease       time.Duration `env:"POSTROOM_LEASE" default:"30s" help:"How long a process may be silent before another takes its work for abandoned. On SQLite, which one process owns, a restart takes everything over at once."`
	Grace       time.Duration `env:"POSTROOM_GRACE" default:"15m" help:"How long a mail whose arrival is uncertain (the connection broke after its last byte and before the server's answer) waits for evidence. After that a reply is sent once more, the very same mail, and an automatic mail is taken as sent."`
	StopTimeout time.Duration `env:"POSTROOM_STOP_TIMEOUT" default:"20s" help:"How long stopping waits for what is under way; what has not ended then is handed back and goes on at the next start."`
}

// SQLiteFile returns the path of the SQLite file, "" when the database is
// PostgreSQL.
func (p Place) SQLiteFile() string {
	switch {
	case p.Postgres():
		return ""
	case p.Database != "":
		return p.Database
	}
	return filepath.Join(p.Data, "postroom.db")
}

// Postgres says whether the database is PostgreSQL.
func (p Place) Postgres() bool {
	return strings.HasPrefix(p.Database, "postgres://") || strings.HasPrefix(p.Database, "postgresql://")
}

// DatabaseURL returns what the database is opened with.
func (p Place) DatabaseURL() string {
	if p.Postgres() {
		return p.Database
	}
	return p.SQLiteFile()
}

// KeyPath returns the path of the key file.
func (p Place) KeyPath() string { return p.or(p.KeyFile, "key") }

// BlobDir returns the folder of received mails and attachments.
func (p Place) BlobDir() string { return p.or(p.Blobs, "blobs") }

// SpoolDir returns the folder of the spool.
func (p Place) SpoolDir() string { return p.or(p.Spool, "spool") }

// BackupDir returns the folder of the backups made before updates.
func (p Place) BackupDir() string { return p.or(p.Backups, "backups") }

func (p Place) or(set, inData string) string {
	if set != "" {
		return set
	}
	return filepath.Join(p.Data, inData)
}

// Check says what is wrong with the place of a desk, as a postroom.Invalid
// whose Field is the setting's name.
func (p Place) Check() error {
	if p.Data == "" {
		return invalid("data", "the data folder has no name")
	}
	if scheme, _, ok := strings.Cut(p.Database, "://"); ok && !p.Postgres() {
		return invalid("database", "%q is not a kind of database; it is postgres://… or the path of a SQLite file", scheme+"://")
	}
	if p.Postgres() {
		if u, err := url.Parse(p.Database); err != nil || u.Path == "" && u.Host == "" && u.RawQuery == "" {
			return invalid("database", "the address cannot be understood; it is like postgres://user:password@host:5432/name")
		}
	}
	return nil
}

// Check says what is wrong with the settings, as a postroom.Invalid whose
// Field is the setting's name.
func (s *Settings) Check() error {
	if err := s.Place.Check(); err != nil {
		return err
	}
	for _, l := range []struct {
		name, address string
		needed, unix  bool
	}{{"http", s.HTTP, true, true}, {"lmtp", s.LMTP, false, true}, {"smtp", s.SMTP, false, false}} {
		if l.address == "" && !l.needed {
			continue
		}
		if err := checkListen(l.name, l.address, l.unix); err != nil {
			return err
		}
	}
	if s.PublicURL != "" {
		u, err := url.Parse(s.PublicURL)
		if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" || u.RawQuery != "" || u.Fragment != "" || strings.Trim(u.Path, "/") != "" {
			return invalid("public-url", "%q is not like https://desk.example.org", s.PublicURL)
		}
	}
	if _, err := s.WebhookNetworks(); err != nil {
		return err
	}
	if _, err := s.TrustedProxies(); err != nil {
		return err
	}
	if err := s.checkEncryption(); err != nil {
		return err
	}
	if s.Hostname != "" && strings.ContainsAny(s.Hostname, " \t\r\n/:@") {
		return invalid("hostname", "%q is not the name of a machine", s.Hostname)
	}
	if (s.SMTPCert == "") != (s.SMTPKey == "") {
		return invalid("smtp-cert", "smtp-cert and smtp-key go together; one of them is missing")
	}
	return s.checkNumbers()
}

// checkEncryption looks at how pages are encrypted.
func (s *Settings) checkEncryption() error {
	switch {
	case (s.TLSCert == "") != (s.TLSKey == ""):
		return invalid("tls-cert", "tls-cert and tls-key go together; one of them is missing")
	case s.TLSCert != "" && len(s.ACME) > 0:
		return invalid("acme", "a certificate comes from files or by ACME, not both; take tls-cert or acme away")
	case s.TLSCert != "" && !strings.HasPrefix(s.PublicURL, "https://"):
		return invalid("tls-cert", "it needs public-url, the https address that people type")
	case len(s.ACME) > 0 && s.PublicURL != "" && !strings.HasPrefix(s.PublicURL, "https://"):
		return invalid("public-url", "with acme it begins with https://")
	case s.HTTPRedirect != "" && s.TLSCert == "" && len(s.ACME) == 0:
		return invalid("http-redirect", "there are no encrypted pages to send browsers to; it needs tls-cert or acme")
	}
	for _, name := range s.ACME {
		if !strings.Contains(name, ".") || strings.ContainsAny(name, " /:@*_") || net.ParseIP(name) != nil {
			return invalid("acme", "%q is not a name for which a certificate can be had; one is like desk.example.org", name)
		}
	}
	if s.HTTPRedirect != "" {
		return checkListen("http-redirect", s.HTTPRedirect, false)
	}
	return nil
}

// Public returns the address people type, without a "/" at its end: of
// public-url, or of the first name a certificate is for. "" if neither is set.
func (s *Settings) Public() string {
	if s.PublicURL == "" && len(s.ACME) > 0 {
		return "https://" + s.ACME[0]
	}
	return strings.TrimSuffix(s.PublicURL, "/")
}

func (s *Settings) checkNumbers() error {
	switch {
	case s.MaxMail < 64<<10 || s.MaxMail > 50<<20:
		return invalid("max-mail", "%s is not between 64KiB and 50MiB", s.MaxMail)
	case s.SandboxDays < 0 || s.SandboxDays > 36500:
		return invalid("sandbox-days", "%d is not between 0 and 36500", s.SandboxDays)
	case s.TrashDays < 0 || s.TrashDays > 36500:
		return invalid("trash-days", "%d is not between 0 and 36500", s.TrashDays)
	case s.MaxUpload < 1<<10 || s.MaxUpload > 25<<20:
		return invalid("max-upload", "%s is not between 1KiB and 25MiB", s.MaxUpload)
	case s.Workers < 1 || s.Workers > 256:
		return invalid("workers", "%d is not between 1 and 256", s.Workers)
	case s.DBConns < 2 || s.DBConns > 500:
		return invalid("db-conns", "%d is not between 2 and 500", s.DBConns)
	case s.Lease != 0 && (s.Lease < time.Second || s.Lease > time.Hour):
		return invalid("lease", "%s is not between 1s and 1h", s.Lease)
	case s.Grace != 0 && (s.Grace < time.Second || s.Grace > 24*time.Hour):
		return invalid("grace", "%s is not between 1s and 24h", s.Grace)
	case s.StopTimeout < time.Second || s.StopTimeout > time.Hour:
		return invalid("stop-timeout", "%s is not between 1s and 1h", s.StopTimeout)
	}
	return nil
}

// TrustedProxies returns the networks of Proxies; a single address is a
// network of one.
func (s *Settings) TrustedProxies() ([]netip.Prefix, error) { return networks("proxies", s.Proxies) }

// WebhookNetworks returns the networks of WebhookAllow; a single address is a
// network of one.
func (s *Settings) WebhookNetworks() ([]netip.Prefix, error) {
	return networks("webhook-allow", s.WebhookAllow)
}

func networks(name string, texts []string) ([]netip.Prefix, error) {
	var out []netip.Prefix
	for _, text := range texts {
		text = strings.TrimSpace(text)
		if a, err := netip.ParseAddr(text); err == nil {
			out = append(out, netip.PrefixFrom(a, a.BitLen()))
			continue
		}
		p, err := netip.ParsePrefix(text)
		if err != nil {
			return nil, invalid(name, "%q is not a network; one is like 10.0.0.0/8 or 192.0.2.7", text)
		}
		out = append(out, p.Masked())
	}
	return out, nil
}

// HELO returns what we call ourselves to mail servers.
func (s *Settings) HELO() string {
	if s.Hostname != "" {
		return s.Hostname
	}
	if name, err := os.Hostname(); err == nil && name != "" && !strings.ContainsAny(name, " \t/:@") {
		return name
	}
	return "localhost"
}

func checkListen(name, address string, unix bool) error {
	if path, ok := strings.CutPrefix(address, "unix:"); ok {
		if !unix {
			return invalid(name, "a unix socket is not possible here; it is host:port")
		}
		if path == "" || len(path) > 100 {
			return invalid(name, "the path of the socket is missing, or longer than the 100 bytes a socket can have")
		}
		return nil
	}
	_, port, err := net.SplitHostPort(address)
	if err != nil {
		return invalid(name, "%q is not an address; it is host:port, such as localhost:8080, or :8080 for all networks", address)
	}
	if n, err := strconv.Atoi(port); err != nil || n < 0 || n > 65535 {
		return invalid(name, "%q is not a port; it is a number up to 65535", port)
	}
	return nil
}

// invalid names the setting in the sentence, so that it is found wherever it
// was set.
func invalid(name, format string, args ...any) error {
	return postroom.InvalidField(name, "The setting %s (%s) is wrong: %s.", name, Env(name), fmt.Sprintf(format, args...))
}

// Env returns the environment variable of a setting.
func Env(name string) string {
	return "POSTROOM_" + strings.ToUpper(strings.ReplaceAll(name, "-", "_"))
}
