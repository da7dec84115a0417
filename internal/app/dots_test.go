package app

import (
	"maps"
	"os"
	"path/filepath"
	"runtime"
	"testing"
)

func mustOpenDots(t *testing.T, dir string) *dots {
	t.Helper()
	d, err := openDots(dir)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { d.Close() })
	if d.notes == nil {
		t.Skipf("%s does not say which boot this is", runtime.GOOS)
	}
	return d
}

// What a dead process noted is known to the next, until it is settled.
func TestDotsOutliveTheProcess(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	dead := mustOpenDots(t, dir)
	dead.Begin(1, 10)
	dead.Begin(2, 20)
	dead.Begin(3, 30)
	for _, mail := range []int64{2, 3} {
		if err := dead.Reach(mail, mail*10); err != nil {
			t.Fatal(err)
		}
	}
	dead.End(3, 30)
	if dead.Unwritten(1, 10) {
		t.Error("a living process takes itself for dead")
	}
	for range 2 { // also after dying again before anything was settled
		next := mustOpenDots(t, dir)
		for _, c := range []struct {
			mail, lease int64
			want        bool
		}{{1, 10, true}, {1, 11, false}, {2, 20, false}, {3, 30, false}, {4, 40, false}} {
			if got := next.Unwritten(c.mail, c.lease); got != c.want {
				t.Errorf("mail %d under lease %d: unwritten %v", c.mail, c.lease, got)
			}
		}
	}
	last := mustOpenDots(t, dir)
	if left := last.Left(); !maps.Equal(left, map[int64]int64{1: 10, 2: 20}) {
		t.Errorf("the notes that are left are %v", left)
	}
	last.End(1, 10)
	if last.Unwritten(1, 10) || mustOpenDots(t, dir).Unwritten(1, 10) {
		t.Error("a settled mail is still known")
	}
}

// A power cut may lose what was not synced: notes of another boot, and notes
// that cannot be read, are not believed.
func TestDotsOfAnotherBootAreNotBelieved(t *testing.T) {
	t.Parallel()
	for name, spoil := range map[string]func(string) string{
		"another boot": func(s string) string { return "another" + s },
		"cut short":    func(s string) string { return s[:len(s)/2] },
		"empty":        func(string) string { return "" },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			mustOpenDots(t, dir).Begin(1, 10)
			path := filepath.Join(dir, "dots")
			b, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(path, []byte(spoil(string(b))), 0o600); err != nil {
				t.Fatal(err)
			}
			d := mustOpenDots(t, dir)
			if d.Unwritten(1, 10) {
				t.Error("it is believed")
			}
			d.Begin(2, 20)
			if !mustOpenDots(t, dir).Unwritten(2, 20) {
				t.Error("afterwards nothing is remembered")
			}
		})
	}
}

// A slot is used again; where there is none, a mail is simply not noted.
func TestDotsRunOutOfRoom(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	d := mustOpenDots(t, dir)
	for i := range int64(10_000) {
		d.Begin(i, i)
		if err := d.Reach(i, i); err != nil {
			t.Fatal(err)
		}
		d.End(i, i)
	}
	for i := range int64(dotSlots + 1) {
		d.Begin(i, i)
	}
	if err := d.Reach(dotSlots, dotSlots); err != nil {
		t.Fatal(err)
	}
	next := mustOpenDots(t, dir)
	if !next.Unwritten(dotSlots-1, dotSlots-1) || next.Unwritten(dotSlots, dotSlots) {
		t.Error("what had room is not known, or what had none is")
	}
}
