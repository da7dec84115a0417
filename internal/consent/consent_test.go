package consent_test

import (
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"postroom"
	"postroom/internal/alarm"
	"postroom/internal/consent"
	"postroom/internal/dbtest"
	"postroom/internal/desktest"
	"postroom/internal/postoffice"
	"postroom/internal/store"
)

func TestMain(m *testing.M) { dbtest.Main(m) }

// both has the first mailbox send and fetch by its sign-in.
func both(d *desktest.Desk) {
	d.SendsSignedIn()
	d.FetchesBy(func(in *postroom.Incoming) { in.Auth, in.Password = postroom.AuthSignIn, "" })
}

// open lists the kinds of the open alarms, with the words of the last one.
func open(t *testing.T, d *desktest.Desk) (kinds, words string) {
	t.Helper()
	all, err := d.Alarms.List(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, a := range all {
		if a.ClearedAt == 0 {
			kinds, words = kinds+" "+a.Kind, a.Words
		}
	}
	return strings.TrimSpace(kinds), words
}

// TestAMailboxSignsIn: mail goes out and comes in by the sign-in, with a new
// access token whenever the old one ends, which is asked for before its end.
func TestAMailboxSignsIn(t *testing.T) {
	t.Parallel()
	desktest.Each(t, func(t *testing.T, d *desktest.Desk) {
		a := d.Authority(postoffice.AuthorityOptions{Rotate: true})
		d.SignIn(a)
		both(d)
		for round := range 3 {
			c := d.CustomerWrites("mara@example.org", "Lamp", "Broken.")
			before := len(d.Office.Received())
			d.Agent("ann").SendAndClose(c, "We send a new one.")
			d.Settle()
			got := d.Office.Received()
			if len(got) <= before || got[len(got)-1].User != d.Mailbox.Address {
				t.Fatalf("round %d: %d mails went out, of user %q", round, len(got)-before, got[len(got)-1].User)
			}
			d.LiesIn("INBOX", desktest.Letter{From: "ole@example.org", To: d.Mailbox.Address, Subject: "By IMAP", Body: "Hello."})
			if err := d.Fetch(); err != nil {
				t.Fatalf("round %d: %v", round, err)
			}
			if n := len(a.Requests()); n != round+1 {
				t.Errorf("round %d: %d requests for tokens", round, n)
			}
			d.Clock.Advance(54 * time.Minute)
			d.Must(d.SignIns.RefreshDue(t.Context()))
			if n := len(a.Requests()); n != round+1 {
				t.Errorf("round %d: it is refreshed long before its end", round)
			}
			d.Clock.Advance(2 * time.Minute)
			d.Must(d.SignIns.RefreshDue(t.Context()))
			if n := len(a.Requests()); n != round+2 {
				t.Errorf("round %d: it is not refreshed before its end", round)
			}
		}
		if kinds, words := open(t, d); kinds != "" {
			t.Errorf("alarms: %s (%s)", kinds, words)
		}
	})
}

// TestRefreshedOnceOverSeveralProcesses: with an authority that ends the consent
// when a refresh token is used twice.
func TestRefreshedOnceOverSeveralProcesses(t *testing.T) {
	t.Parallel()
	desktest.Each(t, func(t *testing.T, d *desktest.Desk) {
		a := d.Authority(postoffice.AuthorityOptions{Rotate: true})
		d.SignIn(a)
		var processes []*consent.Consents
		for range 4 {
			processes = append(processes, d.Process())
		}
		for round := range 3 {
			d.Clock.Advance(2 * time.Hour)
			var all sync.WaitGroup
			var mu sync.Mutex
			tokens := map[string]int{}
			for i := range 16 {
				all.Go(func() {
					token, err := processes[i%len(processes)].Token(t.Context(), d.Mailbox.ID, "127.0.0.1")
					if err != nil {
						t.Error(err)
					}
					mu.Lock()
					defer mu.Unlock()
					tokens[token]++
				})
			}
			all.Wait()
			if len(tokens) != 1 || len(a.Requests()) != round+2 {
				t.Errorf("round %d: %d different tokens, %d requests", round, len(tokens), len(a.Requests()))
			}
		}
	})
}

// TestASlowProcessKeepsTheNewToken: whose lease ran out while the authority was
// thinking has the only refresh token that is good, and it is stored.
func TestASlowProcessKeepsTheNewToken(t *testing.T) {
	t.Parallel()
	desktest.Each(t, func(t *testing.T, d *desktest.Desk) {
		a := d.Authority(postoffice.AuthorityOptions{Rotate: true})
		d.SignIn(a)
		d.Clock.Advance(2 * time.Hour)
		slow, quick := d.Process(), d.Process()
		stalled := a.Program(postoffice.TokenFault{Late: true})
		done := make(chan error, 1)
		go func() {
			_, err := slow.Token(t.Context(), d.Mailbox.ID, "127.0.0.1")
			done <- err
		}()
		<-stalled
		d.Clock.Advance(5 * time.Minute)
		a.Program(postoffice.TokenFault{Status: 500})
		if _, err := quick.Token(t.Context(), d.Mailbox.ID, "127.0.0.1"); postroom.CodeOf(err) != postroom.Unavailable {
			t.Fatalf("the other process: %v", err)
		}
		a.Release()
		if err := <-done; err != nil {
			t.Fatalf("the slow process: %v", err)
		}
		d.Clock.Advance(2 * time.Hour)
		if _, err := quick.Token(t.Context(), d.Mailbox.ID, "127.0.0.1"); err != nil {
			t.Errorf("the new refresh token was lost: %v", err)
		}
	})
}

// TestARefusalIsAnAlarmAndMailsWait: one alarm with the authority's words; no
// mail fails; signing in again sends what waited.
func TestARefusalIsAnAlarmAndMailsWait(t *testing.T) {
	t.Parallel()
	for name, mend := range map[string]func(t *testing.T, d *desktest.Desk, a *postoffice.Authority){
		"signed in again": func(_ *testing.T, d *desktest.Desk, a *postoffice.Authority) { d.SignIn(a) },
		"by itself": func(t *testing.T, d *desktest.Desk, a *postoffice.Authority) {
			a.Restore(d.Mailbox.Address)
			d.Clock.Advance(20 * time.Minute)
			d.Must(d.SignIns.RefreshDue(t.Context()))
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			desktest.Each(t, func(t *testing.T, d *desktest.Desk) {
				a := d.Authority(postoffice.AuthorityOptions{})
				d.SignIn(a)
				both(d)
				a.Withdraw(d.Mailbox.Address, "AADSTS50173: the password was changed")
				d.Clock.Advance(2 * time.Hour)
				c := d.CustomerWrites("mara@example.org", "Lamp", "Broken.")
				out := d.Agent("ann").SendAndClose(c, "We send a new one.")
				d.Settle()
				if err := d.Fetch(); postroom.CodeOf(err) != postroom.Unauthorized {
					t.Errorf("fetching: %v", err)
				}
				m, err := d.Store.Read().Mail(t.Context(), out.MailIDs[0])
				d.Must(err)
				if m.State != postroom.MailQueued || m.Tries != 0 || !strings.Contains(m.Words, "the password was changed") {
					t.Errorf("the mail is %s after %d tries: %s", m.State, m.Tries, m.Words)
				}
				kinds, words := open(t, d)
				if kinds != string(alarm.SignInRefused) || !strings.Contains(words, "“invalid_grant: AADSTS50173: the password was changed”") || !strings.Contains(words, d.Mailbox.Address) {
					t.Errorf("alarms: %s: %s", kinds, words)
				}
				asked := len(a.Requests())
				for range 5 {
					_, _ = d.SignIns.Token(t.Context(), d.Mailbox.ID, "127.0.0.1")
				}
				if len(a.Requests()) != asked {
					t.Error("a refusal is asked again and again")
				}
				mend(t, d, a)
				d.Settle()
				if kinds, words := open(t, d); kinds != "" {
					t.Errorf("alarms afterwards: %s: %s", kinds, words)
				}
				if m, err = d.Store.Read().Mail(t.Context(), m.ID); err != nil || m.State != postroom.MailDone {
					t.Errorf("the mail is %s: %s (%v)", m.State, m.Words, err)
				}
				if err := d.Fetch(); err != nil {
					t.Errorf("fetching afterwards: %v", err)
				}
			})
		})
	}
}

// TestAnAuthorityInTroubleIsAskedWithPatience: nothing fails, nobody has to sign
// in, and what waited goes on by itself.
func TestAnAuthorityInTroubleIsAskedWithPatience(t *testing.T) {
	t.Parallel()
	desktest.Each(t, func(t *testing.T, d *desktest.Desk) {
		a := d.Authority(postoffice.AuthorityOptions{})
		d.SignIn(a)
		both(d)
		a.Program(postoffice.TokenFault{Status: 503, Times: 1000})
		// Before its end a token goes on being good, whatever the authority says.
		d.Clock.Advance(56 * time.Minute)
		d.Must(d.SignIns.RefreshDue(t.Context()))
		if _, err := d.SignIns.Token(t.Context(), d.Mailbox.ID, "127.0.0.1"); err != nil {
			t.Errorf("a good token is not given: %v", err)
		}
		d.Clock.Advance(10 * time.Minute)
		c := d.CustomerWrites("mara@example.org", "Lamp", "Broken.")
		out := d.Agent("ann").SendAndClose(c, "We send a new one.")
		d.Settle()
		began := len(a.Requests())
		for range 60 {
			d.Clock.Advance(time.Minute)
			d.Must(d.SignIns.RefreshDue(t.Context()))
			d.Settle()
		}
		if n := len(a.Requests()) - began; n < 3 || n > 12 {
			t.Errorf("in an hour it is asked %d times", n)
		}
		m, err := d.Store.Read().Mail(t.Context(), out.MailIDs[0])
		d.Must(err)
		if m.State != postroom.MailQueued || m.Tries != 0 || !strings.Contains(m.Words, "503 Service Unavailable") {
			t.Errorf("the mail is %s after %d tries: %s", m.State, m.Tries, m.Words)
		}
		if s := d.SignInRow(); s.State != store.SignInWaiting {
			t.Errorf("the sign-in is %s: %s", s.State, s.Words)
		}
		if kinds, _ := open(t, d); kinds != string(alarm.ChannelPaused) {
			t.Errorf("alarms: %s", kinds)
		}
		a.Heal()
		d.Clock.Advance(20 * time.Minute)
		d.Must(d.SignIns.RefreshDue(t.Context()))
		d.Settle()
		if m, err = d.Store.Read().Mail(t.Context(), m.ID); err != nil || m.State != postroom.MailDone {
			t.Errorf("the mail is %s: %s (%v)", m.State, m.Words, err)
		}
		if kinds, words := open(t, d); kinds != "" {
			t.Errorf("alarms afterwards: %s: %s", kinds, words)
		}
	})
}

// TestATokenThatEndsBeforeItsTime is replaced when a mail server refuses it; a
// new one that is refused too is the server's word.
func TestATokenThatEndsBeforeItsTime(t *testing.T) {
	t.Parallel()
	desktest.Each(t, func(t *testing.T, d *desktest.Desk) {
		a := d.Authority(postoffice.AuthorityOptions{})
		d.SignIn(a)
		both(d)
		d.Clock.Advance(10 * time.Minute)
		a.Expire(d.Mailbox.Address)
		c := d.CustomerWrites("mara@example.org", "Lamp", "Broken.")
		out := d.Agent("ann").SendAndClose(c, "We send a new one.")
		d.Settle()
		if m, err := d.Store.Read().Mail(t.Context(), out.MailIDs[0]); err != nil || m.State != postroom.MailDone {
			t.Fatalf("the mail is %s: %s (%v)", m.State, m.Words, err)
		}
		d.Clock.Advance(10 * time.Minute)
		a.Expire(d.Mailbox.Address)
		d.Must(d.Fetch())
		if n := len(a.Requests()); n != 3 {
			t.Errorf("%d requests for tokens", n)
		}
		a.Expire(d.Mailbox.Address)
		if err := d.Fetch(); err == nil || !strings.Contains(err.Error(), "refused the access token") {
			t.Errorf("a new token that is refused: %v", err)
		}
		if n := len(a.Requests()); n != 3 {
			t.Errorf("a new token was thrown away: %d requests", n)
		}
	})
}

// asked begins a sign-in and returns what the authority sends back.
func asked(t *testing.T, d *desktest.Desk, a *postoffice.Authority, session string) consent.Answer {
	t.Helper()
	to, err := d.SignIns.Ask(t.Context(), d.Agent("ann").Agent, session, d.Mailbox.ID, consent.Other, "https://desk.acme.example", "/mailboxes/1/sending")
	if err != nil {
		t.Fatal(err)
	}
	back, err := a.Answer(to, d.Mailbox.Address)
	if err != nil {
		t.Fatal(err)
	}
	u, _ := url.Parse(back)
	if !strings.HasPrefix(back, "https://desk.acme.example/authorities/other/back?") {
		t.Errorf("it comes back to %s", back)
	}
	return consent.Answer{State: u.Query().Get("state"), Code: u.Query().Get("code"), Error: u.Query().Get("error"), Words: u.Query().Get("error_description")}
}

// TestAnAnswerIsGoodOnceAndWhereItWasAskedFor: nobody can have a mailbox signed
// in by what they send an admin's browser to (RFC 9700 4.7).
func TestAnAnswerIsGoodOnceAndWhereItWasAskedFor(t *testing.T) {
	t.Parallel()
	desktest.Each(t, func(t *testing.T, d *desktest.Desk) {
		a := d.Authority(postoffice.AuthorityOptions{})
		ann, zoe := d.Agent("ann").Agent, d.AddAgent("zoe", postroom.Admin)
		answer := asked(t, d, a, "of ann")
		forged := answer
		forged.State = "forged"
		for name, finish := range map[string]func() error{
			"another session": func() error { _, err := d.SignIns.Finish(t.Context(), ann, "other", consent.Other, answer); return err },
			"a forged state": func() error {
				_, err := d.SignIns.Finish(t.Context(), ann, "of ann", consent.Other, forged)
				return err
			},
			"no state": func() error {
				_, err := d.SignIns.Finish(t.Context(), ann, "of ann", consent.Other, consent.Answer{Code: answer.Code})
				return err
			},
		} {
			if err := finish(); postroom.CodeOf(err) != postroom.Conflict {
				t.Errorf("%s: %v", name, err)
			}
		}
		if signed, err := d.SignIns.Finish(t.Context(), ann, "of ann", consent.Other, answer); err != nil || signed.Wrong != "" || signed.Back != "/mailboxes/1/sending" {
			t.Fatalf("%+v %v", signed, err)
		}
		version := d.SignInRow().Version
		if _, err := d.SignIns.Finish(t.Context(), ann, "of ann", consent.Other, answer); postroom.CodeOf(err) != postroom.Conflict {
			t.Errorf("a second time: %v", err)
		}
		answer = asked(t, d, a, "of ann")
		if _, err := d.SignIns.Finish(t.Context(), zoe, "of ann", consent.Other, answer); postroom.CodeOf(err) != postroom.Conflict {
			t.Errorf("by another admin: %v", err)
		}
		answer = asked(t, d, a, "of ann")
		if _, err := d.SignIns.Finish(t.Context(), ann, "of ann", consent.Google, answer); postroom.CodeOf(err) != postroom.Conflict {
			t.Errorf("at another authority's address: %v", err)
		}
		answer = asked(t, d, a, "of ann")
		d.Clock.Advance(16 * time.Minute)
		if _, err := d.SignIns.Finish(t.Context(), ann, "of ann", consent.Other, answer); postroom.CodeOf(err) != postroom.Conflict {
			t.Errorf("after a quarter of an hour: %v", err)
		}
		if _, err := d.SignIns.Ask(t.Context(), d.Agent("ben").Agent, "of ben", d.Mailbox.ID, consent.Other, "https://desk.acme.example", "/"); postroom.CodeOf(err) != postroom.Forbidden {
			t.Errorf("by who is no admin: %v", err)
		}
		// What the owner or the authority refuses is said, and changes nothing.
		answer = asked(t, d, a, "of ann")
		answer.Code, answer.Error, answer.Words = "", "access_denied", "no"
		if signed, err := d.SignIns.Finish(t.Context(), ann, "of ann", consent.Other, answer); err != nil || !strings.Contains(signed.Wrong, "consent was not given") {
			t.Errorf("a no: %+v %v", signed, err)
		}
		answer = asked(t, d, a, "of ann")
		answer.Code = "stolen"
		if signed, err := d.SignIns.Finish(t.Context(), ann, "of ann", consent.Other, answer); err != nil || !strings.Contains(signed.Wrong, "The code is not known") {
			t.Errorf("a wrong code: %+v %v", signed, err)
		}
		if now := d.SignInRow().Version; now != version {
			t.Errorf("the sign-in was changed by what was refused: %d, %d", version, now)
		}
	})
}
