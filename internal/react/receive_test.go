package react

import (
	"errors"
	"log/slog"
	"slices"
	"strings"
	"testing"

	"postroom"
	"postroom/internal/email"
	"postroom/internal/store"
)

// D5: whatever part of the program fails over a mail, it is this mail's fault
// and has words; nothing else is stopped by it.
func TestPanicIsOneMailsFault(t *testing.T) {
	t.Parallel()
	r := New(Options{Log: slog.New(slog.DiscardHandler)}) // no files, no desk: everything it touches panics
	box := []*postroom.Mailbox{{ID: 1, Address: "support@acme.example"}}
	in := store.Inbound{ID: 7, MailboxID: 1, RawSHA256: strings.Repeat("a", 64)}
	f := r.read(t.Context(), around{boxes: box}, in)
	if !errors.As(f.fault, new(unreadable)) || !strings.Contains(f.fault.Error(), "parsing") {
		t.Errorf("reading: %v", f.fault)
	}
	f = &filing{r: r, in: in, mailbox: box[0], mail: &email.Mail{}}
	if err := r.place(t.Context(), store.Claimed{ID: 1}, f); !errors.As(err, new(unreadable)) || !strings.Contains(err.Error(), "filing") {
		t.Errorf("filing: %v", err)
	}
	if err := r.fileTogether(t.Context(), store.Claimed{ID: 1}, []*filing{f, f}); err == nil {
		t.Error("filing together: no error")
	}
}

// A batch is bounded by its bytes and never empty.
func TestBounded(t *testing.T) {
	t.Parallel()
	big := store.Inbound{Size: receiveBytes - 1}
	for n, batch := range map[int][]store.Inbound{
		1: {big, big},
		3: {{Size: 1}, {Size: 2}, {Size: 3}},
		2: {big, {Size: 1}, {Size: 1}},
	} {
		if got := len(bounded(batch)); got != n {
			t.Errorf("%d mails, want %d", got, n)
		}
	}
	if got := len(bounded([]store.Inbound{{Size: 2 * receiveBytes}})); got != 1 {
		t.Errorf("a huge mail alone: %d", got)
	}
}

// Mails are grouped in their order, as far as they are ready; one that cannot
// be filed stands alone.
func TestGroups(t *testing.T) {
	t.Parallel()
	box := &postroom.Mailbox{}
	ahead := make(chan chan *filing, 64)
	var want []int64
	for i := range int64(20) {
		f := &filing{in: store.Inbound{ID: i}, mailbox: box}
		if i == 3 || i == 4 {
			f.fault = errors.New("a fault")
		}
		one := make(chan *filing, 1)
		one <- f
		ahead <- one
		want = append(want, i)
	}
	close(ahead)
	g := groups{from: ahead}
	var got []int64
	for group := g.next(); len(group) > 0; group = g.next() {
		if len(group) > receiveGroup {
			t.Errorf("a group of %d", len(group))
		}
		for _, f := range group {
			got = append(got, f.in.ID)
			if f.fault != nil && len(group) != 1 {
				t.Errorf("mail %d is in a group of %d", f.in.ID, len(group))
			}
		}
	}
	if !slices.Equal(got, want) {
		t.Errorf("order %v", got)
	}
}

// A mail that answers, repeats or cites the same as one before it begins the
// next group: what is known of a group is read before any of it is filed.
func TestGroupsEndBeforeAnAnswer(t *testing.T) {
	t.Parallel()
	box := &postroom.Mailbox{}
	ahead := make(chan chan *filing, 16)
	for i, m := range []struct {
		id    string
		cites []string
	}{{"a@x", nil}, {"b@x", nil}, {"c@x", []string{"a@x"}}, {"d@x", nil}, {"d@x", nil}, {"e@x", []string{"gone@x"}}, {"f@x", nil}, {"g@x", []string{"gone@x"}}} {
		f := &filing{in: store.Inbound{ID: int64(i), HeaderID: m.id}, mailbox: box, message: &postroom.Message{Header: m.id, References: m.cites}}
		for _, id := range m.cites {
			f.proof = append(f.proof, email.EvidenceItem{Kind: email.StoredID, Ref: id})
		}
		one := make(chan *filing, 1)
		one <- f
		ahead <- one
	}
	close(ahead)
	g := groups{from: ahead}
	var got []int
	for group := g.next(); len(group) > 0; group = g.next() {
		got = append(got, len(group))
	}
	if want := []int{2, 2, 3, 1}; !slices.Equal(got, want) {
		t.Errorf("groups of %v, want %v", got, want)
	}
}

// T5, O2: what a mail cites, oldest first, each id once and never too many.
func TestReferences(t *testing.T) {
	t.Parallel()
	m := &email.Mail{References: []string{"A@x", "b@x"}, InReplyTo: []string{"B@X", "c@x"}}
	if got := references(m); !slices.Equal(got, []string{"A@x", "b@x", "c@x"}) {
		t.Errorf("%v", got)
	}
	many := &email.Mail{}
	for i := range 1000 {
		many.References = append(many.References, decimal(int64(i))+"@x")
	}
	got := references(many)
	if len(got) != maxCited || got[0] != "0@x" || got[1] != "901@x" || got[maxCited-1] != "999@x" {
		t.Errorf("%d: %v", len(got), got)
	}
}

// Texts for rows are valid, without NUL and bounded.
func TestPlain(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{"a\x00b": "ab", "a\xffb": "a\uFFFDb", "ääääää": "ää"} {
		if got := plain(in, 5); got != want {
			t.Errorf("%q became %q", in, got)
		}
	}
	if got := clause("Its sender is a daemon."); got != "its sender is a daemon" {
		t.Errorf("%q", got)
	}
}
