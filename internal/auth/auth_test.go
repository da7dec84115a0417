package auth_test

import (
	"bytes"
	"context"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"postroom"
	"postroom/internal/auth"
	"postroom/internal/db"
	"postroom/internal/dbtest"
	"postroom/internal/store"
)

func TestMain(m *testing.M) { dbtest.Main(m) }

// clock is a clock that tests move.
type clock struct{ ms atomic.Int64 }

func (c *clock) now() time.Time          { return time.UnixMilli(c.ms.Load()) }
func (c *clock) forward(d time.Duration) { c.ms.Add(d.Milliseconds()) }

// door is an Auth on a database of its own, with Ann as the first admin.
type door struct {
	*auth.Auth
	store *store.Store
	clock *clock
	ann   *postroom.Agent
}

const annsPassword = "correct horse battery"

func each(t *testing.T, f func(t *testing.T, d door)) {
	t.Helper()
	for _, e := range []db.Engine{db.SQLite, db.Postgres} {
		t.Run(string(e), func(t *testing.T) {
			t.Parallel()
			c := &clock{}
			c.ms.Store(1_790_000_000_000)
			s := store.New(dbtest.Options{Now: c.now}.Open(t, e))
			a, err := auth.New(auth.Options{Store: s, Key: bytes.Repeat([]byte{7}, 32), Cost: auth.Cost{MemoryKiB: 64, Iterations: 1}})
			if err != nil {
				t.Fatal(err)
			}
			ann, err := a.FirstAdmin(t.Context(), auth.NewAdmin{Name: "Ann Moor", Email: "Ann@Desk.example", Password: annsPassword, Zone: "Europe/Berlin"})
			if err != nil {
				t.Fatal(err)
			}
			f(t, door{Auth: a, store: s, clock: c, ann: ann})
		})
	}
}

func (d door) signIn(t *testing.T) string {
	t.Helper()
	token, _, err := d.SignIn(t.Context(), "ann@desk.example", annsPassword, "192.0.2.1", "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0")
	if err != nil {
		t.Fatal(err)
	}
	return token
}

func want(t *testing.T, err error, code postroom.Code) {
	t.Helper()
	if got := postroom.CodeOf(err); got != code {
		t.Fatalf("the error is %q (%v), want %q", got, err, code)
	}
}

func TestSignInAndOut(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, d door) {
		token := d.signIn(t)
		agent, err := d.Session(t.Context(), token)
		if err != nil || agent.ID != d.ann.ID || agent.Role != postroom.Admin || agent.Email != "ann@desk.example" {
			t.Fatalf("session: %+v, %v", agent, err)
		}
		for _, wrong := range []string{"", "x", token + "x", strings.ToLower(token)} {
			_, err := d.Session(t.Context(), wrong)
			want(t, err, postroom.Unauthorized)
		}
		sessions, err := d.Sessions(t.Context(), d.ann, token)
		if err != nil || len(sessions) != 1 || !sessions[0].Current || sessions[0].Browser != "Firefox on Linux" {
			t.Fatalf("sessions: %+v, %v", sessions, err)
		}
		if err := d.SignOut(t.Context(), token); err != nil {
			t.Fatal(err)
		}
		_, err = d.Session(t.Context(), token)
		want(t, err, postroom.Unauthorized)
	})
}

func TestTheTokenIsNotInTheDatabase(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, d door) {
		token := d.signIn(t)
		rows, err := d.store.Read().Sessions(t.Context(), d.ann.ID, d.store.Now())
		if err != nil || len(rows) != 1 {
			t.Fatal(rows, err)
		}
		if rows[0].Hash == token || len(token) < 50 {
			t.Fatalf("token %q is kept as %q", token, rows[0].Hash)
		}
	})
}

func TestSessionsSlideAndEnd(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, d door) {
		token := d.signIn(t)
		began := d.clock.now()
		for d.clock.now().Sub(began) < auth.SessionLife-auth.SessionIdle/2 {
			d.clock.forward(auth.SessionIdle - time.Minute)
			if d.clock.now().Sub(began) >= auth.SessionLife {
				break
			}
			if _, err := d.Session(t.Context(), token); err != nil {
				t.Fatalf("after %v: %v", d.clock.now().Sub(began), err)
			}
		}
		d.clock.ms.Store(began.Add(auth.SessionLife).UnixMilli())
		_, err := d.Session(t.Context(), token)
		want(t, err, postroom.Unauthorized)

		idle := d.signIn(t)
		d.clock.forward(auth.SessionIdle)
		_, err = d.Session(t.Context(), idle)
		want(t, err, postroom.Unauthorized)
		if err := d.ForgetExpired(t.Context()); err != nil {
			t.Fatal(err)
		}
		if rows, err := d.store.Read().Sessions(t.Context(), d.ann.ID, 0); err != nil || len(rows) != 0 {
			t.Fatalf("%d expired sessions are left, %v", len(rows), err)
		}
	})
}

func TestSeenIsWrittenOnceAMinute(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, d door) {
		token := d.signIn(t)
		seen := func() int64 {
			if _, err := d.Session(t.Context(), token); err != nil {
				t.Fatal(err)
			}
			s, err := d.Sessions(t.Context(), d.ann, token)
			if err != nil {
				t.Fatal(err)
			}
			return s[0].SeenAt
		}
		first := seen()
		d.clock.forward(59 * time.Second)
		if seen() != first {
			t.Error("written within a minute")
		}
		d.clock.forward(time.Second)
		if seen() != first+60_000 {
			t.Error("not written after a minute")
		}
	})
}

func TestWrongSignInsAreAlikeAndLimited(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, d door) {
		var said []string
		for _, email := range []string{"ann@desk.example", "nobody@desk.example"} {
			_, _, err := d.SignIn(t.Context(), email, "wrong password", "192.0.2.1", "")
			want(t, err, postroom.Unauthorized)
			said = append(said, err.Error())
		}
		if said[0] != said[1] {
			t.Errorf("a known address is told apart: %q, %q", said[0], said[1])
		}
		for range auth.SignInsPerAddress - 1 {
			_, _, err := d.SignIn(t.Context(), "ann@desk.example", "wrong password", "192.0.2.1", "")
			want(t, err, postroom.Unauthorized)
		}
		_, _, err := d.SignIn(t.Context(), "ANN@desk.example", annsPassword, "198.51.100.9", "")
		want(t, err, postroom.Busy)
		if !strings.Contains(err.Error(), "minutes") {
			t.Errorf("the words do not say when: %v", err)
		}
		d.clock.forward(auth.SignInWindow)
		d.signIn(t)
	})
}

func TestARightPasswordForgetsTheWrongOnes(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, d door) {
		for range 3 {
			for range auth.SignInsPerAddress - 1 {
				_, _, err := d.SignIn(t.Context(), "ann@desk.example", "wrong password", "192.0.2.1", "")
				want(t, err, postroom.Unauthorized)
			}
			d.signIn(t)
		}
	})
}

func TestANetworkIsLimited(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, d door) {
		for i := range auth.SignInsPerNetwork {
			_, _, err := d.SignIn(t.Context(), string(rune('a'+i%26))+strings.Repeat("x", i/26)+"@desk.example", "wrong password", "2001:db8:1:2:3::"+string(rune('1'+i%9)), "")
			want(t, err, postroom.Unauthorized)
		}
		_, _, err := d.SignIn(t.Context(), "ann@desk.example", annsPassword, "2001:db8:1:2:ffff::1", "")
		want(t, err, postroom.Busy)
		if _, _, err = d.SignIn(t.Context(), "ann@desk.example", annsPassword, "2001:db8:1:3::1", ""); err != nil {
			t.Fatalf("another network is refused: %v", err)
		}
	})
}

func TestOnlyOneFirstAdmin(t *testing.T) {
	t.Parallel()
	for _, e := range []db.Engine{db.SQLite, db.Postgres} {
		t.Run(string(e), func(t *testing.T) {
			t.Parallel()
			s := store.New(dbtest.Options{}.Open(t, e))
			var made atomic.Int32
			var wg sync.WaitGroup
			for i := range 8 {
				wg.Go(func() {
					a, err := auth.New(auth.Options{Store: s, Key: make([]byte, 32), Cost: auth.Cost{MemoryKiB: 64, Iterations: 1}})
					if err != nil {
						t.Error(err)
						return
					}
					_, err = a.FirstAdmin(context.Background(), auth.NewAdmin{Name: "A", Email: string(rune('a'+i)) + "@desk.example", Password: annsPassword})
					switch postroom.CodeOf(err) {
					case "":
						made.Add(1)
					case postroom.Conflict:
					default:
						t.Errorf("first admin: %v", err)
					}
				})
			}
			wg.Wait()
			if made.Load() != 1 {
				t.Fatalf("%d first admins were made", made.Load())
			}
		})
	}
}

func TestFirstAdminNamesTheField(t *testing.T) {
	t.Parallel()
	s := store.New(dbtest.Options{}.Open(t, db.SQLite))
	a, err := auth.New(auth.Options{Store: s, Key: make([]byte, 32), Cost: auth.Cost{MemoryKiB: 64, Iterations: 1}})
	if err != nil {
		t.Fatal(err)
	}
	if needed, err := a.NeedsSetup(t.Context()); err != nil || !needed {
		t.Fatalf("an empty desk needs no setup: %v", err)
	}
	good := auth.NewAdmin{Name: "Ann", Email: "ann@desk.example", Password: annsPassword, Zone: "Asia/Tokyo"}
	for field, change := range map[string]func(*auth.NewAdmin){
		"name":     func(n *auth.NewAdmin) { n.Name = " " },
		"email":    func(n *auth.NewAdmin) { n.Email = "Ann <ann@desk.example>" },
		"password": func(n *auth.NewAdmin) { n.Password = "short" },
		"zone":     func(n *auth.NewAdmin) { n.Zone = "Mars/Base" },
	} {
		n := good
		change(&n)
		_, err := a.FirstAdmin(t.Context(), n)
		var e *postroom.Error
		if want(t, err, postroom.Invalid); !asError(err, &e) || e.Field != field {
			t.Errorf("field %q, want %q", e.Field, field)
		}
	}
}

func TestChangePassword(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, d door) {
		here, there := d.signIn(t), d.signIn(t)
		err := d.ChangePassword(t.Context(), d.ann, here, "not it at all", "another long password")
		var e *postroom.Error
		if want(t, err, postroom.Invalid); !asError(err, &e) || e.Field != "current" {
			t.Errorf("field %q, want current", e.Field)
		}
		for _, bad := range []string{"123456789", "ANN@desk.example", strings.Repeat("x", 2000)} {
			want(t, d.ChangePassword(t.Context(), d.ann, here, annsPassword, bad), postroom.Invalid)
		}
		if err := d.ChangePassword(t.Context(), d.ann, here, annsPassword, "another long password"); err != nil {
			t.Fatal(err)
		}
		if _, err := d.Session(t.Context(), here); err != nil {
			t.Errorf("the session that changed it ended: %v", err)
		}
		_, err = d.Session(t.Context(), there)
		want(t, err, postroom.Unauthorized)
		_, _, err = d.SignIn(t.Context(), "ann@desk.example", annsPassword, "192.0.2.1", "")
		want(t, err, postroom.Unauthorized)
	})
}

func TestRevoke(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, d door) {
		here, there := d.signIn(t), d.signIn(t)
		sessions, err := d.Sessions(t.Context(), d.ann, here)
		if err != nil || len(sessions) != 2 {
			t.Fatal(sessions, err)
		}
		for _, s := range sessions {
			want(t, d.Revoke(t.Context(), &postroom.Agent{ID: d.ann.ID + 1}, s.ID), postroom.NotFound)
			if !s.Current {
				if err := d.Revoke(t.Context(), d.ann, s.ID); err != nil {
					t.Fatal(err)
				}
			}
		}
		_, err = d.Session(t.Context(), there)
		want(t, err, postroom.Unauthorized)
		if _, err := d.Session(t.Context(), here); err != nil {
			t.Fatal(err)
		}
		third := d.signIn(t)
		if err := d.RevokeOthers(t.Context(), d.ann, third); err != nil {
			t.Fatal(err)
		}
		_, err = d.Session(t.Context(), here)
		want(t, err, postroom.Unauthorized)
	})
}

func TestPasswordLinkWorksOnce(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, d door) {
		link, until, err := d.Link(t.Context(), d.ann, d.ann.ID)
		if err != nil || until != d.clock.now().Add(auth.LinkLife).UnixMilli() {
			t.Fatal(until, err)
		}
		old := d.signIn(t)
		if a, invited, err := d.LinkAgent(t.Context(), link); err != nil || a.ID != d.ann.ID || invited {
			t.Fatalf("link: %+v invited %v, %v", a, invited, err)
		}
		for i := range len(link) {
			changed := []byte(link)
			changed[i] ^= 1
			if _, _, err := d.LinkAgent(t.Context(), string(changed)); err == nil && i < len(link)-1 {
				t.Fatalf("a changed link works (character %d)", i)
			}
		}
		_, err = d.UseLink(t.Context(), link, "short")
		want(t, err, postroom.Invalid)
		if _, err := d.UseLink(t.Context(), link, "a brand new password"); err != nil {
			t.Fatal(err)
		}
		_, err = d.UseLink(t.Context(), link, "yet another password")
		want(t, err, postroom.NotFound)
		_, err = d.Session(t.Context(), old)
		want(t, err, postroom.Unauthorized)
		if _, _, err := d.SignIn(t.Context(), "ann@desk.example", "a brand new password", "192.0.2.1", ""); err != nil {
			t.Fatal(err)
		}
		late, _, err := d.Link(t.Context(), d.ann, d.ann.ID)
		if err != nil {
			t.Fatal(err)
		}
		d.clock.forward(auth.LinkLife)
		_, _, err = d.LinkAgent(t.Context(), late)
		want(t, err, postroom.NotFound)
		_, _, err = d.Link(t.Context(), &postroom.Agent{Role: postroom.Member}, d.ann.ID)
		want(t, err, postroom.Forbidden)
	})
}
