package postoffice

import (
	"bytes"
	"crypto/tls"
	"io"
	"log"
	"net"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/emersion/go-imap/v2"
	"github.com/emersion/go-imap/v2/imapserver"
	"github.com/emersion/go-imap/v2/imapserver/imapmemserver"
)

// mailboxes are the IMAP accounts: one for each address, made when a mail
// comes for it or somebody signs in with it.
type mailboxes struct {
	password string
	byToken  bool // XOAUTH2 is offered
	idle     bool
	detail   bool // what stands behind a plus is no part of the account's name

	mu       sync.Mutex
	tokens   map[string][]string // good access tokens by user
	users    map[string]*imapmemserver.User
	sessions map[*imapserver.Conn]struct{}
	sockets  map[net.Conn]struct{}
	faults   []*ProgrammedIMAP
	deaf     bool
	commands map[IMAPCommand]int
}

func newMailboxes(o Options) *mailboxes {
	tokens := map[string][]string{}
	for user, token := range o.Tokens {
		tokens[user] = []string{token}
	}
	return &mailboxes{password: o.MailboxPassword, byToken: o.Tokens != nil, tokens: tokens, idle: !o.WithoutIDLE, detail: o.Subaddress, users: map[string]*imapmemserver.User{},
		sessions: map[*imapserver.Conn]struct{}{}, sockets: map[net.Conn]struct{}{}, commands: map[IMAPCommand]int{}}
}

// Admit has the access tokens, and no others, sign a user in from now on. The
// office must have been made with Tokens, which may be empty.
func (f *Office) Admit(user string, tokens ...string) {
	f.boxes.mu.Lock()
	defer f.boxes.mu.Unlock()
	f.boxes.tokens[user] = slices.Clone(tokens)
}

// admits reports whether a token signs a user in.
func (m *mailboxes) admits(user, token string) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	return token != "" && slices.Contains(m.tokens[user], token)
}

// user returns the account of an address, with INBOX and Sent.
func (m *mailboxes) user(address string) *imapmemserver.User {
	name := strings.ToLower(address)
	m.mu.Lock()
	defer m.mu.Unlock()
	u := m.users[name]
	if u == nil {
		u = imapmemserver.NewUser(name, m.password)
		// Creating a folder of a new account cannot fail.
		_ = u.Create("INBOX", nil)
		_ = u.Create("Sent", nil)
		m.users[name] = u
	}
	return u
}

// deliver puts a mail into its recipients' INBOX.
func (m *mailboxes) deliver(l Letter) {
	for _, to := range l.To {
		if at, plus := strings.LastIndexByte(to, '@'), strings.IndexByte(to, '+'); m.detail && plus > 0 && plus < at {
			to = to[:plus] + to[at:]
		}
		// INBOX exists, and memory takes everything.
		_, _ = m.user(to).Append("INBOX", bytes.NewReader(l.Raw), &imap.AppendOptions{Time: l.At})
	}
}

// server makes the IMAP server over the accounts.
func (m *mailboxes) server(cfg *tls.Config) *imapserver.Server {
	caps := imap.CapSet{
		imap.CapIMAP4rev1: {}, imap.CapIMAP4rev2: {}, imap.CapNamespace: {}, imap.CapUIDPlus: {}, imap.CapESearch: {},
		imap.CapListExtended: {}, imap.CapListStatus: {}, imap.CapMove: {}, imap.CapStatusSize: {}, imap.CapSpecialUse: {},
	}
	if !m.idle {
		delete(caps, imap.CapIMAP4rev2) // which has IDLE in it
	}
	return imapserver.New(&imapserver.Options{
		NewSession: func(c *imapserver.Conn) (imapserver.Session, *imapserver.GreetingData, error) {
			m.mu.Lock()
			defer m.mu.Unlock()
			m.sessions[c] = struct{}{}
			return &reader{boxes: m, conn: c}, nil, nil
		},
		Caps:         caps,
		Logger:       log.New(io.Discard, "", 0),
		TLSConfig:    cfg,
		InsecureAuth: true,
	})
}

// MakeFolder makes a folder in an account; one that is there stays.
func (f *Office) MakeFolder(address, folder string) {
	_ = f.boxes.user(address).Create(folder, nil)
}

// DeleteFolder removes a folder with its mails, as somebody might while others
// read it.
func (f *Office) DeleteFolder(address, folder string) {
	_ = f.boxes.user(address).Delete(folder)
}

// Put puts a mail into a folder of an account, as received at a time, without
// it having been sent to anybody.
func (f *Office) Put(address, folder string, raw []byte, at time.Time) error {
	_, err := f.boxes.user(address).Append(folder, bytes.NewReader(raw), &imap.AppendOptions{Time: at})
	return err
}

// Kept is a mail in a folder.
type Kept struct {
	UID  uint32
	Raw  []byte
	At   time.Time
	Seen bool
}

// Folder returns the mails in a folder of an account by their UIDs; none if
// there is no such folder.
func (f *Office) Folder(address, folder string) []Kept {
	c, done := f.boxes.inside(address)
	defer done()
	if data, err := c.Select(folder, nil).Wait(); err != nil || data.NumMessages == 0 {
		return nil
	}
	list, err := c.Fetch(imap.UIDSet{{Start: 1, Stop: 0}}, &imap.FetchOptions{UID: true, Flags: true, InternalDate: true,
		BodySection: []*imap.FetchItemBodySection{{Peek: true}}}).Collect()
	if err != nil {
		return nil
	}
	var out []Kept
	for _, m := range list {
		k := Kept{UID: uint32(m.UID), At: m.InternalDate, Seen: slices.Contains(m.Flags, imap.FlagSeen)}
		for _, b := range m.BodySection {
			k.Raw = b.Bytes
		}
		out = append(out, k)
	}
	return out
}

// Renumber gives a folder another UIDVALIDITY and its mails other UIDs, as a
// server does whose index was lost.
func (f *Office) Renumber(address, folder string) error {
	return f.renumber(address, folder, func(k Kept) time.Time { return k.At })
}

// Rebuild is Renumber on a server that has lost the dates of receipt as well:
// all mails were received at a time by now.
func (f *Office) Rebuild(address, folder string, at time.Time) error {
	return f.renumber(address, folder, func(Kept) time.Time { return at })
}

func (f *Office) renumber(address, folder string, at func(Kept) time.Time) error {
	u := f.boxes.user(address)
	all := f.Folder(address, folder)
	if err := u.Delete(folder); err != nil {
		return err
	}
	if err := u.Create(folder, nil); err != nil {
		return err
	}
	for _, k := range all {
		o := &imap.AppendOptions{Time: at(k)}
		if k.Seen {
			o.Flags = []imap.Flag{imap.FlagSeen}
		}
		if _, err := u.Append(folder, bytes.NewReader(k.Raw), o); err != nil {
			return err
		}
	}
	return nil
}
