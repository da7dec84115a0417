package auth

import (
	"context"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"net/netip"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/alexedwards/argon2id"

	"postroom"
	"postroom/internal/store"
)

// checkPassword holds the rules for a new password: length only, since other
// rules make passwords worse, and not the address itself.
func checkPassword(password, email string) error {
	switch {
	case utf8.RuneCountInString(password) < MinPassword:
		return postroom.InvalidField("password", "The password must have at least %d characters.", MinPassword)
	case len(password) > MaxPassword:
		return postroom.InvalidField("password", "The password must not be longer than %d bytes.", MaxPassword)
	case postroom.Canonical(password) == postroom.Canonical(email):
		return postroom.InvalidField("password", "The password must not be the address.")
	}
	return nil
}

// ChangePassword gives an agent a new password and ends all their sessions
// but the one with the token. A wrong current password is postroom.Invalid
// with the field "current"; a bad new one has the field "password". Wrong
// ones count like wrong sign-ins.
func (a *Auth) ChangePassword(ctx context.Context, agent *postroom.Agent, token, current, next string) error {
	if err := checkPassword(next, agent.Email); err != nil {
		return err
	}
	now, key := a.store.Now(), "signin address "+short(postroom.Canonical(agent.Email))
	if err := a.count(ctx, now, key, fmt.Sprintf("signin agent %d", agent.ID)); err != nil {
		return err
	}
	stored, err := a.store.Read().PasswordOf(ctx, agent.ID)
	if err != nil {
		return err
	}
	ok, err := a.hash.matches(ctx, current, stored)
	if err != nil {
		return err
	}
	if !ok {
		return postroom.InvalidField("current", "The current password is wrong.")
	}
	return a.replace(ctx, agent.ID, agent.ID, stored, next, hashToken(token), key)
}

// replace stores a new password, if the one that was is still there, and ends
// all sessions but the one with the hash keep.
func (a *Auth) replace(ctx context.Context, by, agent int64, was, next, keep, rateKey string) error {
	hash, err := a.hash.make(ctx, next)
	if err != nil {
		return err
	}
	return a.store.Write(ctx, func(t *store.Tx) error {
		again, err := t.PasswordOf(ctx, agent)
		if err != nil {
			return err
		}
		if again != was {
			return postroom.Errorf(postroom.Conflict, "The password was changed meanwhile.")
		}
		if err := t.SetPassword(ctx, agent, hash); err != nil {
			return err
		}
		named, err := t.Agent(ctx, agent)
		if err != nil {
			return err
		}
		if rateKey != "" {
			if err := t.ForgetRate(ctx, rateKey); err != nil {
				return err
			}
		}
		if err := t.Log(ctx, store.LogEntry{Area: store.AreaAgents, AgentID: by, Words: "The password of " + named.Name + " was changed."}); err != nil {
			return err
		}
		return t.DeleteSessions(ctx, agent, keep)
	})
}

// GivePassword sets another agent's password, as the command line does, and
// ends all their sessions. by must be allowed to manage.
func (a *Auth) GivePassword(ctx context.Context, by *postroom.Agent, agentID int64, password string) error {
	if !postroom.Can(by, postroom.Manage, 0) {
		return errMayNot
	}
	agent, err := a.store.Read().Agent(ctx, agentID)
	if err != nil {
		return err
	}
	if err := checkPassword(password, agent.Email); err != nil {
		return err
	}
	was, err := a.store.Read().PasswordOf(ctx, agentID)
	if err != nil {
		return err
	}
	return a.replace(ctx, by.ID, agentID, was, password, "", "signin address "+short(postroom.Canonical(agent.Email)))
}

var errMayNot = postroom.Errorf(postroom.Forbidden, "Only an admin may do that.")

// NewAdmin describes the first admin.
type NewAdmin struct {
	Name     string
	Email    string
	Password string
	Zone     string // IANA name; "" is UTC
}

// NeedsSetup says whether there is no agent yet, so that the first page makes
// the first admin. Once it has said no it costs nothing.
func (a *Auth) NeedsSetup(ctx context.Context) (bool, error) {
	if a.setup.Load() {
		return false, nil
	}
	n, err := a.store.Read().CountAgents(ctx)
	if err != nil {
		return false, err
	}
	if n > 0 {
		a.setup.Store(true)
	}
	return n == 0, nil
}

// FirstAdmin makes the first agent, an admin. Once there is any agent it is
// postroom.Conflict; of two that try at once one wins.
func (a *Auth) FirstAdmin(ctx context.Context, n NewAdmin) (*postroom.Agent, error) {
	if needed, err := a.NeedsSetup(ctx); err != nil || !needed {
		return nil, firstOf(err, errSetUp)
	}
	n.Name, n.Email = strings.TrimSpace(n.Name), postroom.Canonical(n.Email)
	if n.Name == "" || len(n.Name) > 100 || strings.ContainsAny(n.Name, "\r\n\x00") {
		return nil, postroom.InvalidField("name", "Please enter your name, in one line of at most 100 bytes.")
	}
	if !validAddress(n.Email) {
		return nil, postroom.InvalidField("email", "%q is not a mail address.", n.Email)
	}
	if err := checkPassword(n.Password, n.Email); err != nil {
		return nil, err
	}
	if _, err := time.LoadLocation(n.Zone); err != nil || n.Zone == "Local" {
		return nil, postroom.InvalidField("zone", "%q is not a time zone.", n.Zone)
	}
	hash, err := a.hash.make(ctx, n.Password)
	if err != nil {
		return nil, err
	}
	id, err := a.store.NewID(ctx)
	if err != nil {
		return nil, err
	}
	agent := &postroom.Agent{ID: id, Name: n.Name, Email: n.Email, Role: postroom.Admin, Zone: n.Zone, Theme: "system", CreatedAt: a.store.Now()}
	err = a.store.Write(ctx, func(t *store.Tx) error {
		if err := t.Lock(ctx, "agents"); err != nil {
			return err
		}
		if count, err := t.CountAgents(ctx); err != nil || count > 0 {
			return firstOf(err, errSetUp)
		}
		if err := t.InsertAgent(ctx, agent, hash); err != nil {
			return err
		}
		return t.Log(ctx, store.LogEntry{Area: store.AreaAgents, AgentID: agent.ID, Words: agent.Name + " became the first admin."})
	})
	if err != nil {
		return nil, err
	}
	a.setup.Store(true)
	return agent, nil
}

var errSetUp = postroom.Errorf(postroom.Conflict, "This desk has an admin already. Please sign in.")

// Link makes the text of a password link for an agent: the last part of
// /password/…. It can be used once, until the time returned (milliseconds),
// and is void as soon as the password changes in any other way. by must be
// allowed to manage.
func (a *Auth) Link(ctx context.Context, by *postroom.Agent, agentID int64) (token string, until int64, err error) {
	if !postroom.Can(by, postroom.Manage, 0) {
		return "", 0, errMayNot
	}
	stored, err := a.store.Read().PasswordOf(ctx, agentID)
	if err != nil {
		return "", 0, err
	}
	until = a.store.Now() + LinkLife.Milliseconds()
	body := binary.BigEndian.AppendUint64(nil, uint64(agentID))
	body = binary.BigEndian.AppendUint64(body, uint64(until))
	return base64.RawURLEncoding.EncodeToString(append(body, a.sign(body, stored)...)), until, nil
}

// sign ties a link to the password it replaces, which makes it work once.
func (a *Auth) sign(body []byte, stored string) []byte {
	m := hmac.New(sha256.New, a.key)
	m.Write([]byte("password link\x00"))
	m.Write(body)
	m.Write([]byte(stored))
	return m.Sum(nil)[:24]
}

var errLink = postroom.Errorf(postroom.NotFound, "This link is not valid any more. Please ask an admin for a new one.")

// LinkAgent returns the agent a password link is for, and whether it is an
// invitation: they have no password yet. A link that is wrong, used or too
// old, or of a disabled agent, is postroom.NotFound.
func (a *Auth) LinkAgent(ctx context.Context, token string) (agent *postroom.Agent, invited bool, err error) {
	agent, stored, err := a.openLink(ctx, token)
	return agent, stored == "", err
}

func (a *Auth) openLink(ctx context.Context, token string) (*postroom.Agent, string, error) {
	b, err := base64.RawURLEncoding.DecodeString(token)
	if err != nil || len(b) != 16+24 {
		return nil, "", errLink
	}
	body := b[:16]
	id, until := int64(binary.BigEndian.Uint64(body)), int64(binary.BigEndian.Uint64(body[8:]))
	stored, err := a.store.Read().PasswordOf(ctx, id)
	if postroom.CodeOf(err) == postroom.NotFound {
		return nil, "", errLink
	}
	if err != nil {
		return nil, "", err
	}
	if !hmac.Equal(b[16:], a.sign(body, stored)) || a.store.Now() >= until {
		return nil, "", errLink
	}
	agent, err := a.store.Read().Agent(ctx, id)
	if err != nil {
		return nil, "", err
	}
	if agent.Disabled {
		return nil, "", errLink
	}
	return agent, stored, nil
}

// UseLink sets the password of the agent a link is for and ends all their
// sessions. The link is void afterwards. Errors are those of LinkAgent, and
// postroom.Invalid with the field "password".
func (a *Auth) UseLink(ctx context.Context, token, password string) (*postroom.Agent, error) {
	agent, stored, err := a.openLink(ctx, token)
	if err != nil {
		return nil, err
	}
	if err := checkPassword(password, agent.Email); err != nil {
		return nil, err
	}
	err = a.replace(ctx, agent.ID, agent.ID, stored, password, "", "signin address "+short(postroom.Canonical(agent.Email)))
	if postroom.CodeOf(err) == postroom.Conflict {
		return nil, errLink
	}
	return agent, err
}

// decoy returns a hash of the same cost whose password nobody knows.
func decoy(p *argon2id.Params) string {
	salt, key := make([]byte, p.SaltLength), make([]byte, p.KeyLength)
	_, _ = rand.Read(salt) // never fails
	_, _ = rand.Read(key)
	enc := base64.RawStdEncoding.EncodeToString
	return fmt.Sprintf("$argon2id$v=19$m=%d,t=%d,p=%d$%s$%s", p.Memory, p.Iterations, p.Parallelism, enc(salt), enc(key))
}

// network is what attempts are counted by: an IPv4 address, or the /64 that
// one customer of an IPv6 provider has at least.
func network(ip string) string {
	addr, err := netip.ParseAddr(ip)
	if err != nil {
		return short(ip)
	}
	if addr = addr.Unmap().WithZone(""); addr.Is6() {
		if p, err := addr.Prefix(64); err == nil {
			return p.String()
		}
	}
	return addr.String()
}
