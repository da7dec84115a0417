package desktest_test

import (
	"encoding/base64"
	"encoding/json"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"postroom"
	"postroom/internal/db"
	"postroom/internal/desk"
	"postroom/internal/desktest"
	"postroom/internal/store"
)

// corpora returns the folder of the open corpora. Without it the test is
// skipped by name, or fails where nothing may be skipped.
func corpora(t testing.TB) string {
	t.Helper()
	dir, err := filepath.Abs(filepath.Join("..", "..", "..", "shared", "corpora"))
	if err == nil {
		_, err = os.Stat(dir)
	}
	switch {
	case err == nil:
		return dir
	case os.Getenv("POSTROOM_NO_SKIP") == "1":
		t.Fatal("may not be skipped: the open corpora are missing")
	}
	t.Skip("the open corpora are not here")
	return ""
}

// corpusMails returns all mails of the corpora by name; a winmail.dat alone is
// put into a mail.
func corpusMails(t testing.TB) (names []string, mails map[string][]byte) {
	t.Helper()
	dir := corpora(t)
	mails = map[string][]byte{}
	for _, set := range []string{"letters", "stalwart", "mime4j", "bounces", "feedback", "tnef"} {
		err := filepath.WalkDir(filepath.Join(dir, set), func(path string, e fs.DirEntry, err error) error {
			ending := filepath.Ext(path)
			if err != nil || e.IsDir() || strings.HasPrefix(e.Name(), "LICENSE") || set == "mime4j" && ending != ".msg" || !slices.Contains([]string{".eml", ".txt", ".msg", ".tnef"}, ending) {
				return err
			}
			raw, err := os.ReadFile(path)
			name, _ := filepath.Rel(dir, path)
			if ending == ".tnef" {
				raw = []byte("From: a@x.example\r\nSubject: " + e.Name() + "\r\nMIME-Version: 1.0\r\nContent-Type: application/ms-tnef; name=winmail.dat\r\n" +
					"Content-Transfer-Encoding: base64\r\n\r\n" + base64.StdEncoding.EncodeToString(raw) + "\r\n")
			}
			names, mails[name] = append(names, name), raw
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	if len(names) < 300 {
		t.Fatalf("only %d mails were found", len(names))
	}
	return names, mails
}

// mailPatience is how long one mail of the corpora may take on a busy machine.
const mailPatience = 10 * time.Second

// Every mail of the open corpora goes the whole way on SQLite, every tenth on
// PostgreSQL, which refuses text that is none: nothing crashes, nothing takes
// long, each mail ends with a message or with words.
func TestCorporaAreReceived(t *testing.T) {
	t.Parallel()
	names, mails := corpusMails(t)
	for engine, every := range map[db.Engine]int{db.SQLite: 1, db.Postgres: 10} {
		t.Run(string(engine), func(t *testing.T) {
			t.Parallel()
			d := desktest.New(t, engine)
			ends := map[string]int{}
			for i := 0; i < len(names); i += every {
				ends[receiveOne(t, d, names[i], mails[names[i]])]++
			}
			t.Logf("%v", ends)
			if ends[store.InboundFailed] > 0 {
				t.Errorf("%d mails could not be processed", ends[store.InboundFailed])
			}
		})
	}
}

func receiveOne(t *testing.T, d *desktest.Desk, name string, raw []byte) string {
	t.Helper()
	begun := time.Now()
	err := d.Desk.Accept(d.Ctx, desk.Delivery{Source: "smtp", From: "bounce@x.example", To: []string{d.Mailbox.Address}, Raw: raw})
	if err == nil {
		err = d.Runner.Settle(d.Ctx)
	}
	if err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	if took := time.Since(begun); took > mailPatience {
		t.Errorf("%s: it took %v", name, took)
	}
	in := d.LastInbound()
	switch in.State {
	case store.InboundDone, store.InboundDuplicate:
		readable(t, name, in)
		if m, err := d.Store.Read().Message(d.Ctx, in.MessageID); err != nil {
			t.Errorf("%s: %v", name, err)
		} else {
			readable(t, name, m)
			whole(t, d, name, m)
		}
	case store.InboundLoop, store.InboundFailed:
		if in.Words == "" {
			t.Errorf("%s is %s without a word", name, in.State)
		}
		t.Logf("%s is %s: %s", name, in.State, in.Words)
	default:
		t.Errorf("%s is still %s", name, in.State)
	}
	return in.State
}

// readable checks that every text of a row is valid and without NUL.
func readable(t *testing.T, name string, row any) {
	t.Helper()
	b, err := json.Marshal(row)
	if err != nil {
		t.Fatal(err)
	}
	if s := string(b); !utf8.ValidString(s) || strings.Contains(s, `\u0000`) {
		t.Errorf("%s: text that is none in %.200q", name, s)
	}
}

// whole checks that each file of a message is kept with its size, and can be
// told from the others.
func whole(t *testing.T, d *desktest.Desk, name string, m *postroom.Message) {
	t.Helper()
	for _, a := range m.Attachments {
		if size, err := d.Blobs.Size(a.SHA256); err != nil || size != a.Size || a.Name == "" || a.Type == "" || a.Inline && a.ContentID == "" {
			t.Errorf("%s: the file %q (%s) has %d bytes and not %d (%v)", name, a.Name, a.Type, size, a.Size, err)
		}
	}
}
