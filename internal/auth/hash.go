package auth

import (
	"context"

	"github.com/alexedwards/argon2id"
)

// Cost is how much work a password is to compute.
type Cost struct {
	MemoryKiB  uint32
	Iterations uint32
}

// DefaultCost is OWASP's recommendation for argon2id where memory is dear:
// 19 MiB and two passes. Two hashes at once, the most we allow, stay well
// within a small server's memory.
var DefaultCost = Cost{MemoryKiB: 19 * 1024, Iterations: 2}

// atOnce is how many hashes are computed at the same time; others wait.
const atOnce = 2

// hasher computes and compares password hashes.
type hasher struct {
	params *argon2id.Params
	slots  chan struct{}
	decoy  string // compared with where there is no hash, so that it takes as long
}

func newHasher(c Cost) (*hasher, error) {
	if c == (Cost{}) {
		c = DefaultCost
	}
	h := &hasher{slots: make(chan struct{}, atOnce), params: &argon2id.Params{
		Memory: c.MemoryKiB, Iterations: c.Iterations, Parallelism: 1, SaltLength: 16, KeyLength: 32}}
	// A hash of the right form that no password has: computing a real one
	// would delay the start of the program.
	h.decoy = decoy(h.params)
	return h, nil
}

// make returns the hash of a password to store.
func (h *hasher) make(ctx context.Context, password string) (string, error) {
	if err := h.enter(ctx); err != nil {
		return "", err
	}
	defer h.leave()
	return argon2id.CreateHash(password, h.params)
}

// matches says whether a stored hash is of this password. It takes as long
// when there is no stored hash.
func (h *hasher) matches(ctx context.Context, password, stored string) (bool, error) {
	if len(password) > MaxPassword {
		return false, nil
	}
	if err := h.enter(ctx); err != nil {
		return false, err
	}
	defer h.leave()
	if stored == "" {
		_, err := argon2id.ComparePasswordAndHash(password, h.decoy)
		return false, err
	}
	return argon2id.ComparePasswordAndHash(password, stored)
}

func (h *hasher) enter(ctx context.Context) error {
	select {
	case h.slots <- struct{}{}:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (h *hasher) leave() { <-h.slots }
