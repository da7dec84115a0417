package blob_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"testing/iotest"
	"time"

	"postroom"
	"postroom/internal/blob"
)

func open(t testing.TB, dir string) *blob.Store {
	t.Helper()
	s, err := blob.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// left returns what is still being written.
func left(t testing.TB, s *blob.Store) int {
	t.Helper()
	entries, err := os.ReadDir(filepath.Join(s.Dir(), "tmp"))
	if err != nil {
		t.Fatal(err)
	}
	return len(entries)
}

func TestWhatIsPutComesBack(t *testing.T) {
	t.Parallel()
	s := open(t, filepath.Join(t.TempDir(), "new", "blobs"))
	for _, size := range []int{0, 1, 100, 1 << 20} {
		content := bytes.Repeat([]byte{byte(size), 'x'}, size)
		ref, err := s.Put(t.Context(), iotest.HalfReader(bytes.NewReader(content)))
		if err != nil || ref != blob.Hash(content) {
			t.Fatalf("%d: %v, %v", size, ref, err)
		}
		again, err := s.PutBytes(t.Context(), content)
		if err != nil || again != ref {
			t.Errorf("%d again: %v, %v", size, again, err)
		}
		got, err := s.Read(ref.Hash, 0)
		if err != nil || !bytes.Equal(got, content) {
			t.Errorf("%d: read %d bytes, %v", size, len(got), err)
		}
		if has, err := s.Has(ref.Hash); !has || err != nil {
			t.Errorf("%d: has %v, %v", size, has, err)
		}
		if n, err := s.Size(ref.Hash); n != ref.Size || err != nil {
			t.Errorf("%d: size %d, %v", size, n, err)
		}
		info, err := os.Stat(filepath.Join(s.Dir(), ref.Hash[:2], ref.Hash))
		if err != nil || info.Mode().Perm() != 0o600 {
			t.Errorf("%d: %v, %v", size, info, err)
		}
	}
	if n := left(t, s); n != 0 {
		t.Errorf("%d files left half-written", n)
	}
}

func TestMissingAndStrangeNames(t *testing.T) {
	t.Parallel()
	s := open(t, t.TempDir())
	for _, name := range []string{"", "../../etc/passwd", "store-id", strings.Repeat("0", 64), strings.Repeat("A", 64), strings.Repeat("/", 64)} {
		if _, err := s.Open(name); postroom.CodeOf(err) != postroom.NotFound {
			t.Errorf("open %q: %v", name, err)
		}
		if has, err := s.Has(name); has || err != nil {
			t.Errorf("has %q: %v, %v", name, has, err)
		}
	}
	if err := s.Delete(strings.Repeat("0", 64)); err != nil {
		t.Errorf("delete what is not there: %v", err)
	}
}

func TestDamageIsFound(t *testing.T) {
	t.Parallel()
	s := open(t, t.TempDir())
	ref, err := s.PutBytes(t.Context(), []byte("a raw mail"))
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(s.Dir(), ref.Hash[:2], ref.Hash), []byte("a RAW mail"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Read(ref.Hash, 0); postroom.CodeOf(err) != postroom.Internal || !strings.Contains(err.Error(), "damaged") {
		t.Errorf("read: %v", err)
	}
	r, err := s.OpenVerified(ref.Hash)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	if _, err := io.Copy(io.Discard, r); postroom.CodeOf(err) != postroom.Internal {
		t.Errorf("copied: %v", err)
	}
	if _, err := s.Read(ref.Hash, 5); postroom.CodeOf(err) != postroom.Invalid {
		t.Errorf("more than the limit: %v", err)
	}
	// A cut file is not taken for the whole one: putting it again mends it.
	if err := os.Truncate(filepath.Join(s.Dir(), ref.Hash[:2], ref.Hash), 3); err != nil {
		t.Fatal(err)
	}
	if _, err := s.PutBytes(t.Context(), []byte("a raw mail")); err != nil {
		t.Fatal(err)
	}
	if got, err := s.Read(ref.Hash, 0); string(got) != "a raw mail" || err != nil {
		t.Errorf("after putting it again: %q, %v", got, err)
	}
}

func TestFailingReadersLeaveNothing(t *testing.T) {
	t.Parallel()
	s := open(t, t.TempDir())
	mine := errors.New("the peer went away")
	if _, err := s.Put(t.Context(), io.MultiReader(strings.NewReader("half"), iotest.ErrReader(mine))); !errors.Is(err, mine) {
		t.Errorf("the reader's error is lost: %v", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := s.Put(ctx, strings.NewReader("x")); !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled: %v", err)
	}
	if _, err := s.Put(t.Context(), iotest.ErrReader(syscall.ENOSPC)); postroom.CodeOf(err) != postroom.Unavailable || !strings.Contains(postroom.TextOf(err), "disk is full") {
		t.Errorf("full disk: %v", err)
	}
	for _, busy := range []error{syscall.EMFILE, syscall.ENFILE} {
		if _, err := s.Put(t.Context(), iotest.ErrReader(busy)); postroom.CodeOf(err) != postroom.Unavailable {
			t.Errorf("too many files are open: %v", err) // it passes: no mail may fail for good over it
		}
	}
	if n := left(t, s); n != 0 {
		t.Errorf("%d files left", n)
	}
}

func TestWalkAndDelete(t *testing.T) {
	t.Parallel()
	s := open(t, t.TempDir())
	want := map[string]int64{}
	for i := range 300 {
		ref, err := s.PutBytes(t.Context(), []byte(fmt.Sprint(i)))
		if err != nil {
			t.Fatal(err)
		}
		want[ref.Hash] = ref.Size
	}
	old := time.Now().Add(-48 * time.Hour)
	zero := blob.Hash([]byte("0"))
	if err := os.Chtimes(filepath.Join(s.Dir(), zero.Hash[:2], zero.Hash), old, old); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(s.Dir(), "00", "stranger"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	last := ""
	err := s.Walk(t.Context(), func(ref blob.Ref, put time.Time) error {
		if ref.Hash <= last || want[ref.Hash] != ref.Size {
			t.Errorf("met %v after %s", ref, last)
		}
		last = ref.Hash
		delete(want, ref.Hash)
		if isOld := time.Since(put) > time.Hour; isOld != (ref == zero) {
			t.Errorf("%v was put %v", ref, put)
		}
		return s.Delete(ref.Hash)
	})
	if err != nil || len(want) != 0 {
		t.Errorf("%d not met, %v", len(want), err)
	}
	if has, _ := s.Has(zero.Hash); has {
		t.Error("still there")
	}
}

func TestPuttingAgainMakesYoung(t *testing.T) {
	t.Parallel()
	s := open(t, t.TempDir())
	ref, err := s.PutBytes(t.Context(), []byte("x"))
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(s.Dir(), ref.Hash[:2], ref.Hash)
	for _, put := range []func() error{
		func() error { _, err := s.PutBytes(t.Context(), []byte("x")); return err },
		func() error { _, err := s.Put(t.Context(), strings.NewReader("x")); return err },
	} {
		old := time.Now().Add(-48 * time.Hour)
		if err := os.Chtimes(path, old, old); err != nil {
			t.Fatal(err)
		}
		if err := put(); err != nil {
			t.Fatal(err)
		}
		if info, err := os.Stat(path); err != nil || time.Since(info.ModTime()) > time.Hour {
			t.Errorf("the age is %v, %v", time.Since(info.ModTime()), err)
		}
	}
}

func TestStoreHasOneID(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	ids := make([]string, 8)
	var wg sync.WaitGroup
	for i := range ids {
		wg.Go(func() {
			s, err := blob.Open(dir)
			if err != nil {
				t.Error(err)
				return
			}
			ids[i] = s.ID()
		})
	}
	wg.Wait()
	for _, id := range ids {
		if len(id) < 20 || id != ids[0] {
			t.Fatalf("ids %q", ids)
		}
	}
	if other := open(t, t.TempDir()); other.ID() == ids[0] {
		t.Error("two stores share an id")
	}
}

func TestManyPutTheSame(t *testing.T) {
	t.Parallel()
	s := open(t, t.TempDir())
	var wg sync.WaitGroup
	for i := range 64 {
		wg.Go(func() {
			content := fmt.Sprint("mail ", i%8)
			ref, err := s.Put(t.Context(), strings.NewReader(content))
			if err != nil {
				t.Error(err)
				return
			}
			if got, err := s.Read(ref.Hash, 0); err != nil || string(got) != content {
				t.Errorf("%q, %v", got, err)
			}
		})
	}
	wg.Wait()
	n := 0
	if err := s.Walk(t.Context(), func(blob.Ref, time.Time) error { n++; return nil }); err != nil || n != 8 || left(t, s) != 0 {
		t.Errorf("%d blobs, %d half-written, %v", n, left(t, s), err)
	}
}

func BenchmarkPut10kB(b *testing.B) {
	s := open(b, b.TempDir())
	content := bytes.Repeat([]byte("0123456789"), 1000)
	var mu sync.Mutex
	n := 0
	b.SetBytes(int64(len(content)))
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			mu.Lock()
			n++
			own := append([]byte(fmt.Sprint(n)), content...)
			mu.Unlock()
			if _, err := s.PutBytes(b.Context(), own); err != nil {
				b.Error(err)
			}
		}
	})
}
