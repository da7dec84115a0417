package email

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base32"
	"strconv"
	"strings"

	"postroom"
)

// Keyring makes and checks tokens: unguessable names of mails this product
// sent (T2, T3). It is safe for concurrent use.
//
// A token is the key's id (2 characters), the length of the mail id in base 36
// (1), the mail id (1 to 13), and 130 bits of a keyed hash over both (26). It
// holds only a-z and 0-9, and its case means nothing.
type Keyring struct {
	keys []Key
}

// Key is a secret with an id of exactly two characters a-z or 0-9.
type Key struct {
	ID     string
	Secret []byte // at least 16 bytes
}

const (
	keyIDLength   = 2
	hashLength    = 26
	minTokenRunes = keyIDLength + 1 + 1 + hashLength
	maxTokenRunes = keyIDLength + 1 + 13 + hashLength
)

var tokenEncoding = base32.NewEncoding("abcdefghijklmnopqrstuvwxyz234567").WithPadding(base32.NoPadding)

// NewKeyring makes a Keyring: the first key signs, all of them verify, so that
// keys can be rotated without breaking what was sent before. A missing,
// malformed, short or repeated key is an Invalid error.
func NewKeyring(keys ...Key) (*Keyring, error) {
	if len(keys) == 0 {
		return nil, postroom.Errorf(postroom.Invalid, "A keyring needs a key.")
	}
	seen := map[string]bool{}
	k := &Keyring{}
	for _, key := range keys {
		switch {
		case len(key.ID) != keyIDLength || strings.Trim(key.ID, tokenRunes) != "":
			return nil, postroom.Errorf(postroom.Invalid, "The key id %q is not two characters of a-z and 0-9.", key.ID)
		case seen[key.ID]:
			return nil, postroom.Errorf(postroom.Invalid, "The key id %q stands twice.", key.ID)
		case len(key.Secret) < 16:
			return nil, postroom.Errorf(postroom.Invalid, "The key %q is shorter than 16 bytes.", key.ID)
		}
		seen[key.ID] = true
		k.keys = append(k.keys, Key{ID: key.ID, Secret: append([]byte{}, key.Secret...)})
	}
	return k, nil
}

const tokenRunes = "abcdefghijklmnopqrstuvwxyz0123456789"

// Token names a mail. A mail id below 1 has no token: "".
func (k *Keyring) Token(mailID int64) string { return k.TokenFor(ofMail, mailID) }

// Use says what a token is for. One of another use verifies as nothing, so that
// who is given a link cannot answer as a participant with it.
type Use string

// The uses beside the names of mails.
const (
	ofMail Use = "mail"
	// ToRate opens the page on which the mail's recipient rates.
	ToRate Use = "rating"
)

// TokenFor names a mail for a use. A mail id below 1 has no token: "".
func (k *Keyring) TokenFor(use Use, mailID int64) string {
	if mailID < 1 || len(k.keys) == 0 {
		return ""
	}
	id := strconv.FormatInt(mailID, 36)
	return k.keys[0].ID + strconv.FormatInt(int64(len(id)), 36) + id + k.keys[0].hash(use, id)
}

// hash binds the mail id to the key, and to this use of it.
func (k Key) hash(use Use, id string) string {
	mac := hmac.New(sha256.New, k.Secret)
	mac.Write([]byte("postroom " + string(use) + " token 1\x00" + k.ID + "\x00" + id))
	return tokenEncoding.EncodeToString(mac.Sum(nil))[:hashLength]
}

// Verify returns the mail a token names. Case does not matter; anything but a
// whole token with the right hash is no match. The comparison takes the same
// time wherever they differ.
func (k *Keyring) Verify(token string) (mailID int64, ok bool) { return k.VerifyFor(ofMail, token) }

// VerifyFor is Verify for a token of another use.
func (k *Keyring) VerifyFor(use Use, token string) (mailID int64, ok bool) {
	token = strings.ToLower(token)
	if len(token) < minTokenRunes || len(token) > maxTokenRunes {
		return 0, false
	}
	n, err := strconv.ParseInt(token[keyIDLength:keyIDLength+1], 36, 64)
	if err != nil || len(token) != keyIDLength+1+int(n)+hashLength {
		return 0, false
	}
	id := token[keyIDLength+1 : keyIDLength+1+int(n)]
	mailID, err = strconv.ParseInt(id, 36, 64)
	if err != nil || mailID < 1 || strconv.FormatInt(mailID, 36) != id {
		return 0, false
	}
	for _, key := range k.keys {
		if key.ID == token[:keyIDLength] && hmac.Equal([]byte(key.hash(use, id)), []byte(token[len(token)-hashLength:])) {
			return mailID, true
		}
	}
	return 0, false
}

// Find returns the first token in s that verifies, and the mail it names.
// Tokens are looked for in every run of letters and digits, at most 1,000.
func (k *Keyring) Find(s string) (token string, mailID int64, ok bool) {
	for tries := 0; len(s) >= minTokenRunes && tries < 1000; {
		start := strings.IndexFunc(s, isTokenRune)
		if start < 0 {
			break
		}
		s = s[start:]
		end := strings.IndexFunc(s, func(r rune) bool { return !isTokenRune(r) })
		if end < 0 {
			end = len(s)
		}
		if end >= minTokenRunes && end <= maxTokenRunes {
			tries++
			if mailID, ok := k.Verify(s[:end]); ok {
				return strings.ToLower(s[:end]), mailID, true
			}
		}
		s = s[end:]
	}
	return "", 0, false
}

func isTokenRune(r rune) bool {
	return r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9'
}

// MessageID returns the id, without brackets, of the mail a token names (O1):
// the token at the sending domain.
func MessageID(token, domain string) string {
	return "mail." + token + "@" + strings.ToLower(strings.TrimSpace(domain))
}

// TokenAddress puts a token into a mailbox's address, as in
// "support+TOKEN@example.com". separator is what the provider splits local
// parts at; empty means "+". An address without "@", or one whose local part
// would pass 64 bytes (RFC 5321 4.5.3.1.1), is returned as it is, and ok is
// false: threading then depends on the other routes.
func TokenAddress(address, separator, token string) (addr string, ok bool) {
	if separator == "" {
		separator = "+"
	}
	at := strings.LastIndexByte(address, '@')
	if at < 1 || token == "" || at+len(separator)+len(token) > 64 {
		return address, false
	}
	return address[:at] + separator + token + address[at:], true
}

// PlainAddress takes a token back out of an address made by TokenAddress;
// any other address is returned as it is.
func (k *Keyring) PlainAddress(address, separator string) string {
	if separator == "" {
		separator = "+"
	}
	at := strings.LastIndexByte(address, '@')
	if at < 1 {
		return address
	}
	i := strings.LastIndex(address[:at], separator)
	if i < 1 {
		return address
	}
	if _, ok := k.Verify(address[i+len(separator) : at]); !ok {
		return address
	}
	return address[:i] + address[at:]
}
