package connect_test

import (
	"strings"
	"testing"

	"postroom"
	"postroom/internal/postoffice"
	"postroom/internal/query"
)

// domain checks the first mailbox's domain, whose mail leaves by a server.
func (r *room) domain(t *testing.T, host string) map[string]query.DomainCheck {
	t.Helper()
	r.ChangeMailbox(r.Mailbox, func(m *postroom.Mailbox) { m.Channel.Host = host })
	p, err := r.CheckDomain(t.Context(), r.ann, r.Mailbox.ID)
	if err != nil {
		t.Fatal(err)
	}
	out := map[string]query.DomainCheck{}
	for _, c := range p.Checks {
		out[c.Key] = c
	}
	return out
}

func TestADomainWithEverythingInOrder(t *testing.T) {
	t.Parallel()
	each(t, postoffice.Options{}, func(t *testing.T, r *room) {
		domain := strings.SplitN(r.Mailbox.Address, "@", 2)[1] + "."
		r.zone.set(func() {
			r.zone.mx[domain] = []string{"aspmx.l.google.com."}
			r.zone.txt[domain] = []string{"google-site-verification=x", "v=spf1 include:own.example -all"}
			r.zone.txt["own.example."] = []string{"v=spf1 include:_spf.google.com ~all"}
			r.zone.txt["_spf.google.com."] = []string{"v=spf1 ip4:192.0.2.0/24 ~all"}
			r.zone.txt["google._domainkey."+domain] = []string{"v=DKIM1; k=rsa; p=MIIB"}
			r.zone.txt["_dmarc."+domain] = []string{"v=DMARC1; p=quarantine"}
		})
		for key, c := range r.domain(t, "smtp.gmail.com") {
			if c.State != "good" || len(c.Add) > 0 {
				t.Errorf("%s: %+v", key, c)
			}
		}
	})
}

func TestWhatIsMissingIsSaidWithTheRecordToAdd(t *testing.T) {
	t.Parallel()
	each(t, postoffice.Options{}, func(t *testing.T, r *room) {
		name := strings.SplitN(r.Mailbox.Address, "@", 2)[1]
		domain := name + "."
		got := r.domain(t, "smtp.gmail.com")
		for key, state := range map[string]string{"mx": "bad", "spf": "bad", "dkim": "warn", "dmarc": "warn"} {
			if got[key].State != state {
				t.Errorf("nothing there: %s is %+v", key, got[key])
			}
		}
		if add := got["spf"].Add; len(add) != 1 || add[0].Name != name || add[0].Text != "v=spf1 include:_spf.google.com ~all" {
			t.Errorf("SPF to add: %+v", add)
		}
		if add := got["dmarc"].Add; len(add) != 1 || add[0].Name != "_dmarc."+name || add[0].Text != "v=DMARC1; p=none; rua=mailto:"+r.Mailbox.Address {
			t.Errorf("DMARC to add: %+v", add)
		}

		for _, c := range []struct {
			name, record, host string
			state, title, add  string
		}{
			{"another provider", "v=spf1 include:other.example -all", "smtp.gmail.com", "bad", "does not name Gmail", "v=spf1 include:other.example include:_spf.google.com -all"},
			{"a server of one's own, by address", "v=spf1 ip4:192.0.2.7 -all", "mail.own.example", "good", "names mail.own.example", ""},
			{"in a network", "v=spf1 ip4:192.0.2.0/29 ~all", "mail.own.example", "good", "names", ""},
			{"by name", "v=spf1 a:mail.own.example -all", "mail.own.example", "good", "names", ""},
			{"by mx", "v=spf1 mx -all", "mail.own.example", "good", "names", ""},
			{"not at all", "v=spf1 ip4:198.51.100.1 -all", "mail.own.example", "warn", "does not name mail.own.example", "v=spf1 ip4:198.51.100.1 a:mail.own.example -all"},
			{"by redirect", "v=spf1 redirect=own.example", "mail.own.example", "good", "names", ""},
			{"everybody", "v=spf1 +all", "mail.own.example", "bad", "lets everybody send", ""},
			{"round in circles", "v=spf1 include:" + name + " -all", "mail.own.example", "bad", "broken", ""},
			{"nonsense", "v=spf1 ipv4:192.0.2.7 -all", "mail.own.example", "bad", "broken", ""},
			{"what is not there", "v=spf1 include:nobody.example -all", "mail.own.example", "bad", "broken", ""},
		} {
			r.zone.set(func() {
				r.zone.txt[domain] = []string{c.record}
				r.zone.txt["other.example."] = []string{"v=spf1 ip4:203.0.113.9 -all"}
				r.zone.txt["own.example."] = []string{"v=spf1 a:mail.own.example -all"}
				r.zone.a["mail.own.example."] = []string{"192.0.2.7"}
				r.zone.mx[domain] = []string{"mail.own.example."}
			})
			spf := r.domain(t, c.host)["spf"]
			if spf.State != c.state || !strings.Contains(spf.Title, c.title) {
				t.Errorf("%s: %+v", c.name, spf)
			}
			if add := ""; c.add != "" {
				if len(spf.Add) == 1 {
					add = spf.Add[0].Text
				}
				if add != c.add {
					t.Errorf("%s: to add is %q, want %q", c.name, add, c.add)
				}
			}
		}
		r.zone.set(func() { r.zone.txt[domain] = []string{"v=spf1 -all", "v=spf1 mx -all"} })
		if spf := r.domain(t, "mail.own.example")["spf"]; spf.State != "bad" || !strings.Contains(spf.Words, "two SPF records") {
			t.Errorf("two records: %+v", spf)
		}
		// A key that was withdrawn is none; a parent's DMARC holds for the child.
		r.zone.set(func() { r.zone.txt["default._domainkey."+domain] = []string{"v=DKIM1; p="} })
		if d := r.domain(t, "mail.own.example")["dkim"]; d.State != "warn" {
			t.Errorf("a withdrawn key: %+v", d)
		}
		r.ChangeMailbox(r.Mailbox, func(m *postroom.Mailbox) { m.Address = "support@desk." + name })
		r.zone.set(func() { r.zone.txt["_dmarc."+domain] = []string{"v=DMARC1; p=reject; sp=none"} })
		if d := r.domain(t, "mail.own.example")["dmarc"]; d.State != "good" || !strings.Contains(d.Title, "only observes") || !strings.Contains(d.Words, name) {
			t.Errorf("a parent's record: %+v", d)
		}
	})
}

// A name server that does not answer is no fault of the domain, and nothing is
// claimed about it.
func TestWhereNobodyCanBeAsked(t *testing.T) {
	t.Parallel()
	each(t, postoffice.Options{}, func(t *testing.T, r *room) {
		r.zone.set(func() { r.zone.broken = true })
		p, err := r.CheckDomain(t.Context(), r.ann, r.Mailbox.ID)
		if err != nil || !strings.Contains(p.Words, "gives no answers") {
			t.Errorf("%q, %v", p.Words, err)
		}
		for _, c := range p.Checks {
			if c.State != "wait" || len(c.Add) > 0 {
				t.Errorf("%+v", c)
			}
		}
	})
}

func TestProvidersAreRecognised(t *testing.T) {
	t.Parallel()
	each(t, postoffice.Options{}, func(t *testing.T, r *room) {
		r.zone.set(func() {
			r.zone.mx["harbour.example."] = []string{"aspmx.l.google.com."}
			r.zone.mx["quay.example."] = []string{"quay-example.mail.protection.outlook.com."}
			r.zone.mx["pier.example."] = []string{"mx.pier.example."}
		})
		for address, want := range map[string]string{
			"ann@gmail.com": "gmail", "Ann@GMX.de": "gmx", "support@harbour.example": "gmail", "support@quay.example": "microsoft", "support@pier.example": "", "support@nowhere.example": "", "nonsense": "",
		} {
			p, err := r.Recognise(t.Context(), r.ann, address)
			if err != nil {
				t.Fatal(err)
			}
			got := ""
			if p != nil {
				got = p.Key
			}
			if got != want {
				t.Errorf("%s is kept by %q, want %q", address, got, want)
			}
		}
		// Somebody's own server is where the domain's mail goes.
		r.ChangeMailbox(r.Mailbox, func(m *postroom.Mailbox) { m.Address, m.Channel = "support@pier.example", postroom.Channel{} })
		p, err := r.SendingPage(t.Context(), r.ann, r.Mailbox.ID, "")
		if err != nil || p.Chosen != "own" || p.Host != "mx.pier.example" || p.User != "support@pier.example" {
			t.Errorf("a server of one's own: %+v %v", p, err)
		}
		p, err = r.SendingPage(t.Context(), r.ann, r.Mailbox.ID, "fastmail")
		if err != nil || p.Host != "smtp.fastmail.com" || p.Port != 465 || p.Security != "tls" {
			t.Errorf("a provider chosen by hand: %+v %v", p, err)
		}
	})
}
