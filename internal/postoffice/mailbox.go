package postoffice

import (
	"bytes"
	"crypto/tls"
	"io"
	"log"
	"strings"
	"sync"

	"github.com/emersion/go-imap/v2"
	"github.com/emersion/go-imap/v2/imapserver"
	"github.com/emersion/go-imap/v2/imapserver/imapmemserver"
)

// mailboxes are the IMAP accounts: one for each address, made when a mail
// comes for it or somebody signs in with it.
type mailboxes struct {
	password string

	mu    sync.Mutex
	users map[string]*imapmemserver.User
}

func newMailboxes(password string) *mailboxes {
	return &mailboxes{password: password, users: map[string]*imapmemserver.User{}}
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
		_ = u.Create("Sent", &imap.CreateOptions{SpecialUse: []imap.MailboxAttr{imap.MailboxAttrSent}})
		m.users[name] = u
	}
	return u
}

// deliver puts a mail into its recipients' INBOX.
func (m *mailboxes) deliver(l Letter) {
	for _, to := range l.To {
		// INBOX exists, and memory takes everything.
		_, _ = m.user(to).Append("INBOX", bytes.NewReader(l.Raw), &imap.AppendOptions{Time: l.At})
	}
}

// server makes the IMAP server over the accounts.
func (m *mailboxes) server(cfg *tls.Config) *imapserver.Server {
	return imapserver.New(&imapserver.Options{
		NewSession: func(*imapserver.Conn) (imapserver.Session, *imapserver.GreetingData, error) {
			return &reader{boxes: m}, nil, nil
		},
		Caps: imap.CapSet{
			imap.CapIMAP4rev1: {}, imap.CapIMAP4rev2: {}, imap.CapNamespace: {}, imap.CapUIDPlus: {}, imap.CapESearch: {},
			imap.CapListExtended: {}, imap.CapListStatus: {}, imap.CapMove: {}, imap.CapStatusSize: {}, imap.CapSpecialUse: {},
		},
		Logger:       log.New(io.Discard, "", 0),
		TLSConfig:    cfg,
		InsecureAuth: true,
	})
}

// reader is an IMAP session; the account is there from Login on.
type reader struct {
	*imapmemserver.UserSession
	boxes *mailboxes
}

// Login opens the account of the address.
func (r *reader) Login(address, password string) error {
	u := r.boxes.user(address)
	if err := u.Login(strings.ToLower(address), password); err != nil {
		return err
	}
	r.UserSession = imapmemserver.NewUserSession(u)
	return nil
}
