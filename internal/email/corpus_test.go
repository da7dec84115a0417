package email

import (
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"sort"
	"strings"
	"sync"
	"testing"
	"time"
	"unicode/utf8"
)

var update = flag.Bool("update", false, "raise the scores in testdata/ratchet.json")

// corpus returns the folder of an open corpus. Without it the test is skipped
// by name; where POSTROOM_NO_SKIP is 1 its absence is a failure.
func corpus(t testing.TB, name string) string {
	t.Helper()
	dir, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	for {
		if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil {
			break
		}
		parent := filepath.Dir(dir)
		if parent == dir {
			t.Fatal("the project's root was not found")
		}
		dir = parent
	}
	path := filepath.Join(dir, "..", "shared", "corpora", name)
	if _, err := os.Stat(path); err != nil {
		if os.Getenv("POSTROOM_NO_SKIP") == "1" {
			t.Fatalf("the corpus %s is missing", name)
		}
		t.Skipf("the corpus %s is not here", name)
	}
	return path
}

// corpusFiles returns the files of a corpus with one of the endings.
func corpusFiles(t testing.TB, name string, endings ...string) []string {
	t.Helper()
	var files []string
	err := filepath.WalkDir(corpus(t, name), func(path string, d fs.DirEntry, err error) error {
		for _, e := range endings {
			if err == nil && !d.IsDir() && strings.HasSuffix(path, e) && d.Name() != "LICENSE.txt" {
				files = append(files, path)
			}
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	if len(files) == 0 {
		t.Fatalf("the corpus %s has no files", name)
	}
	sort.Strings(files)
	return files
}

func readFile(t testing.TB, path string) []byte {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// expectations reads a corpus's expected.jsonl: file name to expectation.
func expectations[E any](t testing.TB, dir string) map[string]E {
	t.Helper()
	out := map[string]E{}
	for _, line := range bytes.Split(readFile(t, filepath.Join(dir, "expected.jsonl")), []byte("\n")) {
		if len(bytes.TrimSpace(line)) == 0 {
			continue
		}
		var e struct {
			File   string `json:"file"`
			Case   string `json:"case"`
			Expect E      `json:"expect"`
		}
		if err := json.Unmarshal(line, &e); err != nil {
			t.Fatal(err)
		}
		if e.Case == "" || e.Case == "DefaultParser" {
			out[e.File] = e.Expect
		}
	}
	return out
}

// score counts how much of a corpus is understood as its makers say.
type score struct {
	name        string
	right, asks int
	misses      []string
}

func (s *score) check(ok bool, format string, args ...any) {
	s.asks++
	if ok {
		s.right++
	} else {
		s.misses = append(s.misses, fmt.Sprintf(format, args...))
	}
}

func (s *score) equal(what string, got, want any) {
	g, w := fmt.Sprint(got), fmt.Sprint(want)
	s.check(g == w, "%s: got %.200q, want %.200q", what, g, w)
}

var ratchetLock sync.Mutex

// ratchet fails if a score is below the one in testdata/ratchet.json; with
// -update it raises that one.
func (s *score) ratchet(t *testing.T) {
	t.Helper()
	ratchetLock.Lock()
	defer ratchetLock.Unlock()
	path := filepath.Join("testdata", "ratchet.json")
	var scores map[string]int
	if err := json.Unmarshal(readFile(t, path), &scores); err != nil {
		t.Fatal(err)
	}
	percent := s.right * 10000 / max(s.asks, 1) // hundredths of a percent
	t.Logf("%s: %d of %d (%.2f %%)", s.name, s.right, s.asks, float64(percent)/100)
	for _, m := range s.misses {
		if testing.Verbose() {
			t.Log(m)
		}
	}
	if percent < scores[s.name] {
		t.Errorf("%s fell to %.2f %%, from %.2f %%", s.name, float64(percent)/100, float64(scores[s.name])/100)
	}
	if *update && percent > scores[s.name] {
		scores[s.name] = percent
		b, err := json.MarshalIndent(scores, "", "  ")
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, append(b, '\n'), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

// TestCorporaRobust parses every mail of every corpus as it is, with other
// line ends and cut short, and runs everything that reads a mail on it: no
// panic, bounded time, and what holds for every Mail holds. With POSTROOM_SOAK=1
// each mail is cut at 63 places instead of 3.
func TestCorporaRobust(t *testing.T) {
	t.Parallel()
	cuts := 4
	if os.Getenv("POSTROOM_SOAK") == "1" {
		cuts = 64
	}
	for _, c := range []struct {
		name    string
		endings []string
	}{{"letters", []string{".txt"}}, {"stalwart", []string{".eml"}}, {"mime4j", []string{".msg"}}, {"bounces", []string{".eml"}}, {"feedback", []string{".eml"}}, {"replies", []string{".txt"}}, {"forwards", []string{".txt"}}, {"tnef", []string{".tnef"}}} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			for _, file := range corpusFiles(t, c.name, c.endings...) {
				raw := readFile(t, file)
				if c.name == "tnef" {
					raw = append([]byte("From: a@example.com\nContent-Type: application/ms-tnef; name=winmail.dat\n\n"), raw...)
				}
				lf := bytes.ReplaceAll(raw, []byte("\r\n"), []byte("\n"))
				variants := [][]byte{raw, lf, bytes.ReplaceAll(lf, []byte("\n"), []byte("\r\n")), bytes.ReplaceAll(lf, []byte("\n"), []byte("\r"))}
				for i := 1; i < cuts; i++ {
					variants = append(variants, raw[:len(raw)*i/cuts])
				}
				for i, v := range variants {
					checkMail(t, fmt.Sprintf("%s variant %d", filepath.Base(file), i), v)
				}
			}
		})
	}
}

// checkMail runs everything on one mail.
func checkMail(t testing.TB, name string, raw []byte) {
	t.Helper()
	start := time.Now()
	m := Parse(raw, ParseOptions{})
	for _, s := range []string{m.Text, m.HTML, m.Subject, m.MessageID, m.PlainText()} {
		if !utf8.ValidString(s) || strings.IndexByte(s, 0) >= 0 {
			t.Errorf("%s: a text is not valid: %.80q", name, s)
		}
	}
	if strings.ContainsAny(m.Subject, "\r\n") {
		t.Errorf("%s: the subject has line ends: %q", name, m.Subject)
	}
	seen := map[string]bool{}
	for _, a := range m.Attachments {
		if a.Name == "" || seen[strings.ToLower(a.Name)] || strings.ContainsAny(a.Name, "/\\\x00") || !utf8.ValidString(a.Name) {
			t.Errorf("%s: an attachment is named %q", name, a.Name)
		}
		seen[strings.ToLower(a.Name)] = true
		if a.Type == "" || len(a.SHA256) != 64 {
			t.Errorf("%s: attachment %q has type %q and hash %q", name, a.Name, a.Type, a.SHA256)
		}
	}
	Classify(m)
	NoAutoAnswer(m)
	Evidence(m, nil, nil)
	ContentHash(raw)
	clean, _ := Sanitise(m.HTML, SanitiseOptions{})
	if again, _ := Sanitise(clean, SanitiseOptions{}); TextFromHTML(again) != TextFromHTML(clean) {
		t.Errorf("%s: sanitising twice changes the text", name)
	}
	s := m.Split()
	if got, want := letters(s.VisibleText+s.HiddenText), letters(m.Text); got != want {
		t.Errorf("%s: splitting the text lost words", name)
	}
	if s.HiddenHTML != "" {
		if got, want := letters(TextFromHTML(s.VisibleHTML)+TextFromHTML(s.HiddenHTML)), letters(TextFromHTML(m.HTML)); got != want {
			t.Errorf("%s: splitting the HTML lost words: %d letters of %d", name, len(got), len(want))
		}
	}
	if d := time.Since(start); d > 30*time.Second {
		t.Errorf("%s: took %s", name, d)
	}
}

// letters reduces a text to what is neither space nor layout.
func letters(s string) string {
	return strings.Map(func(r rune) rune {
		if r <= ' ' || r == '\u00a0' || strings.ContainsRune(">*-.0123456789", r) {
			return -1
		}
		return r
	}, s)
}
