package auth

import (
	"context"
	"crypto/rand"

	"postroom/internal/store"
)

// Enter begins a session of an agent without a password. It is for a desk in
// which nobody has one, and whose door somebody else guards: a sandbox. An
// agent who is disabled is postroom.Unauthorized.
func (a *Auth) Enter(ctx context.Context, agent int64, ip, browser string) (token string, err error) {
	now := a.store.Now()
	token = rand.Text() + rand.Text() // twice 128 bits
	return token, a.store.Write(ctx, func(t *store.Tx) error {
		x, err := t.Agent(ctx, agent)
		if err != nil {
			return err
		}
		if x.Disabled {
			return errWrong
		}
		return t.InsertSession(ctx, store.Session{Hash: hashToken(token), AgentID: agent, CreatedAt: now, SeenAt: now,
			ExpiresAt: expiry(now, now), IP: cut(ip, 64), Browser: cut(browser, 400)})
	})
}
