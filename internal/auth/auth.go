// Package auth says who an agent is: passwords, sessions, and the links with
// which an invited agent chooses a password. What an agent may do is not
// decided here but by postroom.Can.
//
// Passwords are kept as argon2id hashes. A session is a random token in the
// agent's browser; the database has only its SHA-256, so that a copy of the
// database signs nobody in.
package auth

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"net/mail"
	"strings"
	"sync/atomic"
	"time"
	"unicode/utf8"

	"postroom"
	"postroom/internal/store"
)

// Limits and lifetimes.
const (
	// SessionIdle is how long a session lives without being used.
	SessionIdle = 14 * 24 * time.Hour
	// SessionLife is how long a session lives at most.
	SessionLife = 90 * 24 * time.Hour
	// LinkLife is how long a password link can be used.
	LinkLife = 7 * 24 * time.Hour

	// MinPassword is the shortest password, in characters.
	MinPassword = 10
	// MaxPassword is the longest password, in bytes.
	MaxPassword = 1024

	// SignInWindow is the fixed window in which attempts are counted.
	SignInWindow = 15 * time.Minute
	// SignInsPerAddress is how many wrong passwords one address may have in
	// a window, from anywhere.
	SignInsPerAddress = 10
	// SignInsPerNetwork is how many wrong passwords may come from one IPv4
	// address or one IPv6 /64 in a window, for whomever.
	SignInsPerNetwork = 60

	// touchEvery bounds how often using a session writes to the database.
	touchEvery = time.Minute
)

// Options are what Auth needs.
type Options struct {
	Store *store.Store
	// Key signs password links; 32 random bytes that stay the same over
	// restarts and are not in the database.
	Key []byte
	// Cost is how much work a password is; the zero value is DefaultCost.
	Cost Cost
}

// Auth signs agents in and out. It is safe for use by many goroutines.
type Auth struct {
	store *store.Store
	key   []byte
	hash  *hasher
	setup atomic.Bool // an agent exists; they are never deleted
}

// New makes an Auth. A key shorter than 32 bytes is refused.
func New(o Options) (*Auth, error) {
	if len(o.Key) < 32 {
		return nil, fmt.Errorf("auth: the key for password links has %d bytes, 32 are needed", len(o.Key))
	}
	h, err := newHasher(o.Cost)
	if err != nil {
		return nil, err
	}
	return &Auth{store: o.Store, key: o.Key, hash: h}, nil
}

// errWrong is the one answer to every wrong sign-in: it does not say whether
// the address is known.
var errWrong = postroom.Errorf(postroom.Unauthorized, "The address or the password is wrong.")

// SignIn checks an agent's address and password and begins a session. The
// token is for the browser's cookie and is not kept here. ip is the network
// address of the browser, without a port; browser its User-Agent.
//
// A wrong password, an unknown address and a disabled agent are all the same
// postroom.Unauthorized after the same work; too many of them within
// SignInWindow are postroom.Busy, also with the right password.
func (a *Auth) SignIn(ctx context.Context, email, password, ip, browser string) (token string, agent *postroom.Agent, err error) {
	now := a.store.Now()
	perAddress, perNetwork := "signin address "+short(postroom.Canonical(email)), "signin network "+network(ip)
	if err := a.count(ctx, now, perAddress, perNetwork); err != nil {
		return "", nil, err
	}
	id, stored, err := a.store.Read().PasswordByEmail(ctx, email)
	if err != nil {
		return "", nil, err
	}
	ok, err := a.hash.matches(ctx, password, stored)
	if err != nil {
		return "", nil, err
	}
	if !ok || id == 0 {
		return "", nil, firstOf(a.noteWrong(ctx, id, ip), errWrong)
	}
	token = rand.Text() + rand.Text() // twice 128 bits
	err = a.store.Write(ctx, func(t *store.Tx) error {
		// The password and the agent are read again: they may have changed
		// while the hash was computed.
		if again, err := t.PasswordOf(ctx, id); err != nil || again != stored {
			return firstOf(err, errWrong)
		}
		var err error
		if agent, err = t.Agent(ctx, id); err != nil {
			return err
		}
		if agent.Disabled {
			return errWrong
		}
		if err := t.ForgetRate(ctx, perAddress); err != nil {
			return err
		}
		if err := t.TakeBackRate(ctx, perNetwork, now, SignInWindow.Milliseconds()); err != nil {
			return err
		}
		if err := t.Log(ctx, store.LogEntry{Area: store.AreaSignIn, AgentID: id, Words: agent.Name + " signed in.", Details: from(ip, browser)}); err != nil {
			return err
		}
		return t.InsertSession(ctx, store.Session{Hash: hashToken(token), AgentID: id, CreatedAt: now, SeenAt: now,
			ExpiresAt: expiry(now, now), IP: cut(ip, 64), Browser: cut(browser, 400)})
	})
	if err != nil {
		return "", nil, err
	}
	return token, agent, nil
}

// noteWrong tells the system log of a failed attempt. An address that is no
// agent's is not quoted: people type passwords into the wrong field.
func (a *Auth) noteWrong(ctx context.Context, agent int64, ip string) error {
	words := "Somebody tried to sign in with an address that is no agent's."
	if agent != 0 {
		words = "Somebody tried to sign in with a wrong password."
	}
	return a.store.Write(ctx, func(t *store.Tx) error {
		return t.Log(ctx, store.LogEntry{Level: store.LevelWarning, Area: store.AreaSignIn, AgentID: agent, Words: words, Details: from(ip, "")})
	})
}

// from says where a browser was.
func from(ip, browser string) string {
	words := "From " + cut(ip, 64)
	if browser != "" {
		words += ", " + browserName(cut(browser, 400))
	}
	return words
}

// count counts an attempt before it is made, so that a limit holds for
// attempts at the same moment too.
func (a *Auth) count(ctx context.Context, now int64, perAddress, perNetwork string) error {
	window := SignInWindow.Milliseconds()
	var byAddress, byNetwork int
	err := a.store.Write(ctx, func(t *store.Tx) (err error) {
		// Beyond its limit a network adds no more rows, whatever it invents.
		if byNetwork, err = t.AddRate(ctx, perNetwork, now, window); err != nil || byNetwork > SignInsPerNetwork {
			return err
		}
		byAddress, err = t.AddRate(ctx, perAddress, now, window)
		return err
	})
	if err != nil {
		return err
	}
	if byAddress > SignInsPerAddress || byNetwork > SignInsPerNetwork {
		minutes := (window - now%window + 59_999) / 60_000
		return postroom.Errorf(postroom.Busy, "Too many attempts to sign in. Please try again in %s.", minutesText(minutes))
	}
	return nil
}

func minutesText(n int64) string {
	if n == 1 {
		return "a minute"
	}
	return fmt.Sprintf("%d minutes", n)
}

// Session returns the agent a token belongs to, with their mailboxes. It
// costs one query; that the session was seen is written at most once a
// minute. An unknown or expired token and a disabled agent are
// postroom.Unauthorized.
func (a *Auth) Session(ctx context.Context, token string) (*postroom.Agent, error) {
	none := postroom.Errorf(postroom.Unauthorized, "Please sign in.")
	if token == "" {
		return nil, none
	}
	s, agent, err := a.store.Read().Session(ctx, hashToken(token))
	if postroom.CodeOf(err) == postroom.NotFound {
		return nil, none
	}
	if err != nil {
		return nil, err
	}
	now := a.store.Now()
	if now >= s.ExpiresAt || agent.Disabled {
		return nil, none
	}
	if now-s.SeenAt >= touchEvery.Milliseconds() {
		s.SeenAt, s.ExpiresAt = now, expiry(s.CreatedAt, now)
		if err := a.store.Write(ctx, func(t *store.Tx) error { return t.TouchSession(ctx, s) }); err != nil {
			// Reading goes on while the database cannot be written.
			if postroom.CodeOf(err) != postroom.Unavailable && ctx.Err() == nil {
				return nil, err
			}
		}
	}
	return agent, nil
}

// SignOut ends the session with a token; one that is over already is no
// error.
func (a *Auth) SignOut(ctx context.Context, token string) error {
	return a.store.Write(ctx, func(t *store.Tx) error { return t.DeleteSession(ctx, hashToken(token)) })
}

// Session is one signed-in browser of an agent.
type Session struct {
	ID      string // names it to Revoke; tells nothing about its token
	Browser string // "Firefox on Linux"
	IP      string // where it signed in from
	BeganAt int64  // milliseconds
	SeenAt  int64  // milliseconds, to the minute
	Current bool   // it is the one with the token that was asked with
}

// Sessions lists where an agent is signed in, the last seen first. token is
// the asking browser's own.
func (a *Auth) Sessions(ctx context.Context, agent *postroom.Agent, token string) ([]Session, error) {
	rows, err := a.store.Read().Sessions(ctx, agent.ID, a.store.Now())
	if err != nil {
		return nil, err
	}
	own := hashToken(token)
	out := make([]Session, 0, len(rows))
	for _, s := range rows {
		out = append(out, Session{ID: publicID(s.Hash), Browser: browserName(s.Browser), IP: s.IP,
			BeganAt: s.CreatedAt, SeenAt: s.SeenAt, Current: s.Hash == own})
	}
	return out, nil
}

// Revoke ends one of the agent's own sessions by its ID; postroom.NotFound if
// they have none with it.
func (a *Auth) Revoke(ctx context.Context, agent *postroom.Agent, id string) error {
	rows, err := a.store.Read().Sessions(ctx, agent.ID, a.store.Now())
	if err != nil {
		return err
	}
	for _, s := range rows {
		if publicID(s.Hash) == id {
			return a.store.Write(ctx, func(t *store.Tx) error { return t.DeleteSessionOf(ctx, agent.ID, s.Hash) })
		}
	}
	return postroom.Errorf(postroom.NotFound, "There is no such session.")
}

// RevokeOthers ends all of the agent's sessions but the one with the token.
func (a *Auth) RevokeOthers(ctx context.Context, agent *postroom.Agent, token string) error {
	return a.store.Write(ctx, func(t *store.Tx) error { return t.DeleteSessions(ctx, agent.ID, hashToken(token)) })
}

// ForgetExpired removes the sessions that are over; for the night.
func (a *Auth) ForgetExpired(ctx context.Context) error {
	return a.store.Write(ctx, func(t *store.Tx) error { return t.ForgetSessions(ctx, a.store.Now()) })
}

// expiry slides with each use and ends with the session's life.
func expiry(began, now int64) int64 {
	return min(now+SessionIdle.Milliseconds(), began+SessionLife.Milliseconds())
}

func hashToken(token string) string {
	sum := sha256.Sum256([]byte(token))
	return hex.EncodeToString(sum[:])
}

// publicID names a session without telling its hash.
func publicID(hash string) string {
	sum := sha256.Sum256([]byte("session " + hash))
	return hex.EncodeToString(sum[:8])
}

// short keeps a key of what people type within bounds.
func short(s string) string {
	if len(s) <= 254 {
		return s
	}
	sum := sha256.Sum256([]byte(s))
	return hex.EncodeToString(sum[:])
}

// cut shortens a text to n bytes of valid UTF-8 without NUL.
func cut(s string, n int) string {
	s = strings.ToValidUTF8(strings.ReplaceAll(s, "\x00", ""), "")
	if len(s) <= n {
		return s
	}
	for n > 0 && !utf8.RuneStart(s[n]) {
		n--
	}
	return s[:n]
}

func firstOf(err, other error) error {
	if err != nil {
		return err
	}
	return other
}

// validAddress says whether text is one bare mail address.
func validAddress(text string) bool {
	a, err := mail.ParseAddress(text)
	return err == nil && a.Name == "" && a.Address == text && len(text) <= 254
}
