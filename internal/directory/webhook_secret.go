package directory

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"slices"
	"strconv"
	"strings"
	"time"

	"postroom"
	"postroom/internal/store"
)

// KeySecrets is published when the secrets of webhooks changed.
const KeySecrets = "webhooks"

// SigningPrefix begins a signing secret; behind it stand its bytes in base 64.
const SigningPrefix = "whsec_"

// SecretOverlap is how long the former signing secret goes on being used beside
// a new one.
const SecretOverlap = 24 * time.Hour

const (
	signingBytes   = 32
	maxSecretName  = 60
	maxSecretValue = 4000
)

// SecretContext says what a sealed secret of webhooks belongs to.
func SecretContext(id int64) string { return "webhook secret " + strconv.FormatInt(id, 10) }

// AddSecret keeps a secret for webhooks. One of the kind postroom.SecretSigning
// is made here and returned, to be shown once; of one of the kind
// postroom.SecretHeader value is what the header says. Errors name the fields
// name, kind and value; a name that is taken is a Conflict.
func (d *Directory) AddSecret(ctx context.Context, by *postroom.Agent, kind, name, value string) (id int64, shown string, err error) {
	if err := manage(by); err != nil {
		return 0, "", err
	}
	if name, err = line("name", "a name for the secret", name, maxSecretName, true); err != nil {
		return 0, "", err
	}
	if id, err = d.store.NewID(ctx); err != nil {
		return 0, "", err
	}
	sealed, shown, err := d.sealSecret(id, kind, value)
	if err != nil {
		return 0, "", err
	}
	s := postroom.WebhookSecret{ID: id, Name: name, Kind: kind, ChangedAt: d.store.Now(), AuthorID: by.ID}
	err = d.write(ctx, KeySecrets, func(t *store.Tx) error {
		all, err := t.Secrets(ctx)
		if err != nil {
			return err
		}
		if slices.ContainsFunc(all, func(o postroom.WebhookSecret) bool { return strings.EqualFold(o.Name, name) }) {
			return &postroom.Error{Code: postroom.Conflict, Field: "name", Text: "There is a secret with this name already."}
		}
		if err := t.InsertSecret(ctx, s, sealed); err != nil {
			return err
		}
		return t.Log(ctx, store.LogEntry{Area: store.AreaWorkflows, AgentID: by.ID, Words: "Made the webhook secret “" + name + "”."})
	})
	return id, shown, err
}

// ChangeSecret replaces what a secret holds: a signing secret by a new one, which
// is returned to be shown once and beside which the former one goes on for
// SecretOverlap unless atOnce is set; that of a header by value.
func (d *Directory) ChangeSecret(ctx context.Context, by *postroom.Agent, id int64, value string, atOnce bool) (shown string, err error) {
	if err := manage(by); err != nil {
		return "", err
	}
	s, err := d.store.Read().Secret(ctx, id)
	if err != nil {
		return "", err
	}
	sealed, shown, err := d.sealSecret(id, s.Kind, value)
	if err != nil {
		return "", err
	}
	s.ChangedAt, s.AuthorID, s.OldUntil = d.store.Now(), by.ID, 0
	if s.Kind == postroom.SecretSigning && !atOnce {
		s.OldUntil = s.ChangedAt + SecretOverlap.Milliseconds()
	}
	return shown, d.write(ctx, KeySecrets, func(t *store.Tx) error {
		if err := t.ChangeSecret(ctx, s, sealed); err != nil {
			return err
		}
		return t.Log(ctx, store.LogEntry{Area: store.AreaWorkflows, AgentID: by.ID, Words: "Changed the webhook secret “" + s.Name + "”."})
	})
}

// EndOldSecret takes the former one of a signing secret out of use before its
// time.
func (d *Directory) EndOldSecret(ctx context.Context, by *postroom.Agent, id int64) error {
	if err := manage(by); err != nil {
		return err
	}
	return d.write(ctx, KeySecrets, func(t *store.Tx) error { return t.EndOldSecret(ctx, id) })
}

// sealSecret seals what a secret holds; shown is what was made here.
func (d *Directory) sealSecret(id int64, kind, value string) (sealed, shown string, err error) {
	switch kind {
	case postroom.SecretSigning:
		var b [signingBytes]byte
		if _, err := rand.Read(b[:]); err != nil {
			return "", "", err
		}
		shown = SigningPrefix + base64.StdEncoding.EncodeToString(b[:])
		value = shown
	case postroom.SecretHeader:
		if value = strings.TrimSpace(value); value == "" {
			return "", "", postroom.InvalidField("value", "Please enter what the header is to say, such as Bearer and a token.")
		}
		if len(value) > maxSecretValue || strings.ContainsFunc(value, func(r rune) bool { return r < ' ' || r > '~' }) {
			return "", "", postroom.InvalidField("value", "A header says at most %d plain characters on one line.", maxSecretValue)
		}
	default:
		return "", "", postroom.InvalidField("kind", "Choose what the secret is for.")
	}
	if d.sealSecrets == nil {
		return "", "", postroom.Errorf(postroom.Unavailable, "Secrets cannot be kept here.")
	}
	sealed, err = d.sealSecrets(value, SecretContext(id))
	return sealed, shown, err
}
