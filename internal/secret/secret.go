// Package secret keeps what must not be read from the database alone:
// passwords of mailboxes are sealed with a key that is kept in a file outside
// of it, and the keys of mail tokens are derived from it.
package secret

import (
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/crypto/chacha20poly1305"

	"postroom"
)

const (
	// keySize is the size of the main key and of every derived one.
	keySize = 32

	// keyPrefix begins the text of a key, so that it is not mistaken for
	// something else.
	keyPrefix = "postroom-key-1:"

	// sealPrefix begins a sealed text; the number is that of the format.
	sealPrefix = "sealed1:"
)

// Key is the main key of an installation. It is never shown: its String is
// its id.
type Key struct {
	main [keySize]byte
	id   string
	aead cipher.AEAD
}

// Load returns the key in a file. If there is no such file, one with a new
// key is made that only we may read; what is sealed with a key that is lost
// cannot be opened by anybody. A file that others may read is refused, one
// that holds no key is postroom.Invalid.
func Load(path string) (*Key, error) {
	text, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		if err := create(path); err != nil {
			return nil, &postroom.Error{Code: postroom.Unavailable, Err: err,
				Text: fmt.Sprintf("The key file %s cannot be made.", path)}
		}
		// Read back what is there: another process may have been first.
		text, err = os.ReadFile(path)
	}
	if err != nil {
		return nil, &postroom.Error{Code: postroom.Unavailable, Err: err,
			Text: fmt.Sprintf("The key file %s cannot be read.", path)}
	}
	if info, err := os.Stat(path); err == nil && info.Mode().Perm()&0o007 != 0 && os.PathSeparator == '/' {
		return nil, postroom.InvalidField("key", "The key file %s may be read by everybody on this machine; take that right away (chmod 600).", path)
	}
	k, err := Parse(string(text))
	if err != nil {
		return nil, fmt.Errorf("key file %s: %w", path, err)
	}
	return k, nil
}

// create writes a new key so that the file is there whole and durably, or not
// at all; if another process was first, its file stays.
func create(path string) error {
	var main [keySize]byte
	if _, err := rand.Read(main[:]); err != nil {
		return err
	}
	dir := filepath.Dir(path)
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	f, err := os.CreateTemp(dir, ".key-*") // is made 0600
	if err != nil {
		return err
	}
	defer os.Remove(f.Name())
	_, err = f.WriteString(keyPrefix + base64.StdEncoding.EncodeToString(main[:]) + "\n")
	if err == nil {
		err = f.Sync()
	}
	if err = errors.Join(err, f.Close()); err != nil {
		return err
	}
	if err := os.Link(f.Name(), path); err != nil && !errors.Is(err, fs.ErrExist) {
		return err
	}
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}

// Parse reads the text of a key, as a key file has it; white space around it
// does not matter. Anything else is postroom.Invalid.
func Parse(text string) (*Key, error) {
	encoded, ok := strings.CutPrefix(strings.TrimSpace(text), keyPrefix)
	raw, err := base64.StdEncoding.DecodeString(encoded)
	if !ok || err != nil || len(raw) != keySize {
		return nil, postroom.InvalidField("key", "This is no key of Postroom: it begins with %q and has 44 more characters.", keyPrefix)
	}
	return newKey([keySize]byte(raw))
}

// New returns a key that is kept nowhere, for demos and tests.
func New() (*Key, error) {
	var main [keySize]byte
	if _, err := rand.Read(main[:]); err != nil {
		return nil, err
	}
	return newKey(main)
}

func newKey(main [keySize]byte) (*Key, error) {
	k := &Key{main: main}
	id, err := k.Derive("id")
	if err != nil {
		return nil, err
	}
	k.id = hex.EncodeToString(id[:4])
	sealing, err := k.Derive("seal")
	if err != nil {
		return nil, err
	}
	k.aead, err = chacha20poly1305.NewX(sealing)
	return k, err
}

// ID returns eight hexadecimal digits that tell this key from others and say
// nothing about it.
func (k *Key) ID() string { return k.id }

// String returns the id, so that a key that is logged shows nothing.
func (k *Key) String() string { return "key " + k.id }

// GoString does the same for %#v.
func (k *Key) GoString() string { return k.String() }

// Derive returns the 32 byte key for a purpose, such as "mail tokens": always
// the same for the same purpose, and of no help for finding another
// (HKDF-SHA256, RFC 5869).
func (k *Key) Derive(purpose string) ([]byte, error) {
	return hkdf.Key(sha256.New, k.main[:], nil, "postroom "+purpose, keySize)
}

// Seal encrypts a text (XChaCha20-Poly1305) so that only this key, and only
// with the same context, opens it. The context says what the text belongs to,
// such as "mailbox 12 password": a sealed text moved elsewhere does not open.
// The result is printable. An empty text stays empty.
func (k *Key) Seal(text, context string) (string, error) {
	if text == "" {
		return "", nil
	}
	nonce := make([]byte, chacha20poly1305.NonceSizeX)
	if _, err := rand.Read(nonce); err != nil {
		return "", err
	}
	box := k.aead.Seal(nonce, nonce, []byte(text), []byte(context))
	return sealPrefix + k.id + ":" + base64.RawStdEncoding.EncodeToString(box), nil
}

// Open decrypts what Seal made. A text sealed with another key is
// postroom.Unavailable and its sentence names both keys; anything that was
// changed or belongs elsewhere is postroom.Internal.
func (k *Key) Open(sealed, context string) (string, error) {
	if sealed == "" {
		return "", nil
	}
	rest, ok := strings.CutPrefix(sealed, sealPrefix)
	id, encoded, ok2 := strings.Cut(rest, ":")
	box, err := base64.RawStdEncoding.DecodeString(encoded)
	if !ok || !ok2 || err != nil || len(box) < chacha20poly1305.NonceSizeX {
		return "", postroom.Errorf(postroom.Internal, "A sealed text is damaged (%s).", context)
	}
	if id != k.id {
		return "", postroom.Errorf(postroom.Unavailable,
			"This was sealed with the key %s, but the key file holds the key %s. Bring the right key file back, or enter it anew (%s).", id, k.id, context)
	}
	nonce := box[:chacha20poly1305.NonceSizeX]
	text, err := k.aead.Open(nil, nonce, box[len(nonce):], []byte(context))
	if err != nil {
		return "", postroom.Errorf(postroom.Internal, "A sealed text was changed or belongs elsewhere (%s).", context)
	}
	return string(text), nil
}
