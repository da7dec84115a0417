package react

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"postroom"
	"postroom/internal/directory"
	"postroom/internal/store"
	"postroom/internal/wire/httpout"
)

// hidden are texts that are never shown again, wherever a server repeats them.
type hidden []string

// in takes them out of a text.
func (h hidden) in(text string) string {
	for _, s := range h {
		text = strings.ReplaceAll(text, s, "•••")
	}
	return text
}

// hide adds a secret with its parts, since a server may repeat a token without
// the word before it. What is shorter than six characters would hide too much,
// and is no secret.
func (h *hidden) hide(secret string) {
	for _, s := range append([]string{secret}, strings.Fields(secret)...) {
		if len(s) >= 6 && !slices.Contains(*h, s) {
			*h = append(*h, s)
		}
	}
	slices.SortFunc(*h, func(a, b string) int { return len(b) - len(a) })
}

// request draws a call up, with its secrets, and signs it in the manner of
// Standard Webhooks: the id stays the same over all attempts, the time is that
// of this one.
func (r *React) request(ctx context.Context, x postroom.WebhookCall, id string) (q httpout.Request, h hidden, err error) {
	q = httpout.Request{Method: x.Method, URL: x.URL, Header: http.Header{}}
	if x.ContentType != "" {
		q.Header.Set("Content-Type", x.ContentType)
		q.Body = []byte(x.Body)
	}
	for _, one := range x.Headers {
		value := one.Value
		if one.Secret != 0 {
			sealed, err := r.sealedSecret(ctx, one.Secret)
			if err == nil {
				value, err = r.openSecret(one.Secret, sealed.Sealed)
			}
			if err != nil {
				return q, h, fmt.Errorf("the header %s: %w", one.Name, err)
			}
			h.hide(value)
		}
		q.Header.Set(one.Name, value)
	}
	now := r.Store.Now() / 1000
	q.Header.Set("Webhook-Id", id)
	q.Header.Set("Webhook-Timestamp", strconv.FormatInt(now, 10))
	if x.Sign == 0 {
		return q, h, nil
	}
	sealed, err := r.sealedSecret(ctx, x.Sign)
	if err != nil {
		return q, h, fmt.Errorf("the signature: %w", err)
	}
	signature, err := r.sign(x.Sign, sealed, id, now, q.Body)
	q.Header.Set("Webhook-Signature", signature)
	return q, h, err
}

// noSecret says that what a call is made with is not there or cannot be opened:
// trying again does not change that. A database that does not answer is no such
// error.
type noSecret struct{ error }

// Unwrap returns what is wrong.
func (n noSecret) Unwrap() error { return n.error }

// sealedSecret loads what a secret holds.
func (r *React) sealedSecret(ctx context.Context, id int64) (store.SealedSecret, error) {
	s, err := r.Store.Read().SealedSecret(ctx, id)
	if postroom.CodeOf(err) == postroom.NotFound {
		err = noSecret{err}
	}
	return s, err
}

// openSecret opens what a secret holds.
func (r *React) openSecret(id int64, sealed string) (string, error) {
	text, err := r.OpenSecret(sealed, directory.SecretContext(id))
	if err != nil {
		return "", noSecret{err}
	}
	return text, nil
}

// CallName is how a call names itself to its server, over all attempts.
func CallName(id int64) string { return "call_" + decimal(id) }

// sign signs with the secret and, while it is still good, with the former one.
func (r *React) sign(id int64, s store.SealedSecret, name string, at int64, body []byte) (string, error) {
	keys := []string{s.Sealed}
	if s.Old != "" && s.OldUntil > r.Store.Now() {
		keys = append(keys, s.Old)
	}
	var out []string
	for _, sealed := range keys {
		text, err := r.openSecret(id, sealed)
		if err != nil {
			return "", err
		}
		one, err := Signature(text, name, at, body)
		if err != nil {
			return "", noSecret{err}
		}
		out = append(out, one)
	}
	return strings.Join(out, " "), nil
}

// Signature is one signature of a call: v1 and the HMAC-SHA256 of id, time in
// seconds and body with dots between them, in base 64. The secret begins with
// directory.SigningPrefix; one that is none is Internal.
func Signature(secret, name string, at int64, body []byte) (string, error) {
	key, err := base64.StdEncoding.DecodeString(strings.TrimPrefix(secret, directory.SigningPrefix))
	if err != nil || !strings.HasPrefix(secret, directory.SigningPrefix) {
		return "", postroom.Errorf(postroom.Internal, "A signing secret is damaged.")
	}
	m := hmac.New(sha256.New, key)
	fmt.Fprintf(m, "%s.%d.", name, at)
	m.Write(body)
	return "v1," + base64.StdEncoding.EncodeToString(m.Sum(nil)), nil
}
