package secret_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"postroom"
	"postroom/internal/secret"
)

func TestKeyFileIsMadeOnceAndKept(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "data", "key")
	ids := make([]string, 8)
	var wg sync.WaitGroup
	for i := range ids {
		wg.Go(func() {
			k, err := secret.Load(path)
			if err != nil {
				t.Error(err)
				return
			}
			ids[i] = k.ID()
		})
	}
	wg.Wait()
	for _, id := range ids {
		if id == "" || id != ids[0] {
			t.Fatalf("several keys: %q", ids)
		}
	}
	info, err := os.Stat(path)
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("%v %v", info.Mode(), err)
	}
	if left, _ := filepath.Glob(filepath.Join(filepath.Dir(path), ".key-*")); len(left) != 0 {
		t.Errorf("left behind: %q", left)
	}
}

func TestBadKeyFilesAreRefusedInWords(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	good := filepath.Join(dir, "good")
	if _, err := secret.Load(good); err != nil {
		t.Fatal(err)
	}
	text, _ := os.ReadFile(good)
	for name, c := range map[string]struct {
		content string
		mode    os.FileMode
		code    postroom.Code
		words   string
	}{
		"empty":  {"", 0o600, postroom.Invalid, "no key of Postroom"},
		"short":  {"postroom-key-1:AAAA", 0o600, postroom.Invalid, "no key of Postroom"},
		"public": {string(text), 0o644, postroom.Invalid, "chmod 600"},
	} {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(c.content), c.mode); err != nil {
			t.Fatal(err)
		}
		_, err := secret.Load(path)
		if postroom.CodeOf(err) != c.code || !strings.Contains(postroom.TextOf(err), c.words) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := secret.Load(filepath.Join(good, "below")); postroom.CodeOf(err) != postroom.Unavailable {
		t.Errorf("a folder that is a file: %v", err)
	}
	if k, err := secret.Parse("\n " + string(text)); err != nil {
		t.Errorf("white space: %v", err)
	} else if s := fmt.Sprintf("%v %+v %#v %s", k, k, k, k); strings.Contains(s, strings.TrimSpace(string(text))[15:]) || strings.Contains(s, "main") {
		t.Errorf("a key shows itself: %s", s)
	}
}

func TestSealedTextOpensOnlyWhereItBelongs(t *testing.T) {
	t.Parallel()
	a, err := secret.New()
	if err != nil {
		t.Fatal(err)
	}
	b, _ := secret.New()
	sealed, err := a.Seal("pässword", "mailbox 1 password")
	if err != nil || strings.Contains(sealed, "ssword") {
		t.Fatalf("%q, %v", sealed, err)
	}
	if text, err := a.Open(sealed, "mailbox 1 password"); err != nil || text != "pässword" {
		t.Errorf("%q, %v", text, err)
	}
	if again, _ := a.Seal("pässword", "mailbox 1 password"); again == sealed {
		t.Error("the same text seals to the same bytes")
	}
	if _, err := a.Open(sealed, "mailbox 2 password"); postroom.CodeOf(err) != postroom.Internal {
		t.Errorf("in another place: %v", err)
	}
	_, err = b.Open(sealed, "mailbox 1 password")
	if postroom.CodeOf(err) != postroom.Unavailable || !strings.Contains(err.Error(), a.ID()) || !strings.Contains(err.Error(), b.ID()) {
		t.Errorf("with another key: %v", err)
	}
	for i := range sealed {
		changed := sealed[:i] + "*" + sealed[i+1:]
		if _, err := a.Open(changed, "mailbox 1 password"); err == nil {
			t.Errorf("changed at %d it opens", i)
		}
	}
	for i := range sealed {
		if _, err := a.Open(sealed[:i], "mailbox 1 password"); err == nil && i > 0 {
			t.Errorf("cut at %d it opens", i)
		}
	}
	if empty, err := a.Seal("", "x"); err != nil || empty != "" {
		t.Errorf("empty: %q, %v", empty, err)
	}
}

func TestDerivedKeysDiffer(t *testing.T) {
	t.Parallel()
	a, _ := secret.New()
	b, _ := secret.New()
	seen := map[string]bool{}
	for _, k := range []*secret.Key{a, b} {
		for _, purpose := range []string{"mail tokens", "session", "seal"} {
			one, err := k.Derive(purpose)
			two, _ := k.Derive(purpose)
			if err != nil || len(one) != 32 || string(one) != string(two) || seen[string(one)] {
				t.Errorf("%s of %v: %d bytes, %v", purpose, k, len(one), err)
			}
			seen[string(one)] = true
		}
	}
}
