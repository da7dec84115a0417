package email

import (
	"strings"

	"github.com/emersion/go-msgauth/authres"
	"golang.org/x/net/publicsuffix"
)

// Authenticated reports whether the receiving server vouches for the From
// address (S1): its topmost Authentication-Results (RFC 8601) says that DKIM
// or SPF passed for a domain aligned with From's (RFC 7489 3.1, relaxed), and
// not that DMARC failed. Results of any other server are ignored; without an
// authservID, or with more than one From address, pass is never true (S2).
// detail says why, for people.
//
// The server named must remove such headers of its name from what it
// receives, as RFC 8601 5 demands of it.
func Authenticated(m *Mail, authservID string) (pass bool, detail string) {
	if authservID == "" {
		return false, "The receiving server's name is not configured, so its verdict cannot be told from a forged one."
	}
	if len(m.From) != 1 || !m.From[0].Valid() {
		return false, "The mail does not name exactly one sender."
	}
	from := domainOf(m.From[0].Address)
	for _, v := range m.HeaderValues("Authentication-Results") {
		id, results, err := authres.Parse(v)
		if name, _, _ := strings.Cut(strings.TrimSpace(v), ";"); err != nil {
			if id, _, _ = strings.Cut(strings.TrimSpace(name), " "); strings.EqualFold(id, authservID) {
				return false, "The verdict of " + authservID + " cannot be read."
			}
		}
		id, _, _ = strings.Cut(strings.TrimSpace(id), " ")
		if !strings.EqualFold(id, authservID) {
			continue
		}
		return judge(results, from, authservID)
	}
	return false, authservID + " gave no verdict on this mail."
}

func judge(results []authres.Result, from, server string) (bool, string) {
	pass, detail := false, server+" found no DKIM or SPF pass aligned with "+from+"."
	for _, r := range results {
		switch r := r.(type) {
		case *authres.DMARCResult:
			if r.Value == authres.ResultFail || r.Value == authres.ResultPermError {
				return false, server + " says that DMARC of " + from + " failed."
			}
			if r.Value == authres.ResultPass && strings.EqualFold(strings.TrimSpace(r.From), from) {
				pass, detail = true, "DMARC of "+from+" passed at "+server+"."
			}
		case *authres.DKIMResult:
			d := r.Domain
			if d == "" {
				d = domainOf(r.Identifier)
			}
			if r.Value == authres.ResultPass && aligned(d, from) && !pass {
				pass, detail = true, "DKIM of "+d+" passed at "+server+"."
			}
		case *authres.SPFResult:
			d := r.From
			if strings.Contains(d, "@") {
				d = domainOf(d)
			}
			if r.Value == authres.ResultPass && aligned(d, from) && !pass {
				pass, detail = true, "SPF of "+d+" passed at "+server+"."
			}
		}
	}
	return pass, detail
}

// aligned compares organisational domains.
func aligned(a, b string) bool {
	return a != "" && orgDomain(a) == orgDomain(b)
}

func orgDomain(d string) string {
	d = strings.ToLower(strings.Trim(d, ". <>"))
	if org, err := publicsuffix.EffectiveTLDPlusOne(d); err == nil {
		return org
	}
	return d
}

// domainOf returns the part of an address after its last "@", in lower case.
func domainOf(addr string) string {
	return strings.ToLower(strings.Trim(addr[strings.LastIndexByte(addr, '@')+1:], ". <>"))
}
