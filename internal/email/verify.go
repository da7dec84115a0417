package email

import (
	"regexp"
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
	results, found, readable := verdictOf(m, authservID)
	switch {
	case !found:
		return false, authservID + " gave no verdict on this mail."
	case !readable:
		return false, "The verdict of " + authservID + " cannot be read."
	}
	return judge(results, domainOf(m.From[0].Address), authservID)
}

// verdictOf returns the topmost Authentication-Results of a server.
func verdictOf(m *Mail, authservID string) (results []authres.Result, found, readable bool) {
	for _, v := range m.HeaderValues("Authentication-Results") {
		id, results, err := authres.Parse(v)
		if err != nil {
			id, _, _ = strings.Cut(strings.TrimSpace(v), ";")
		}
		id, _, _ = strings.Cut(strings.TrimSpace(id), " ")
		if strings.EqualFold(id, authservID) {
			return results, true, err == nil
		}
	}
	return nil, false, false
}

// What servers write beside their verdict when the domain of From asks to
// refuse or set aside what fails DMARC. RFC 8601 has no field for it; this is
// how OpenDMARC, Gmail, rspamd and Exchange say it. A disposition they chose
// themselves counts more than what the domain asks for.
var (
	refusal = regexp.MustCompile(`(?i)\b(?:p|policy|action|policy\.(?:dmarc|published-domain-policy))\s*=\s*"?o?(?:reject|quarantine)\b`)
	chosen  = regexp.MustCompile(`(?i)\b(?:dis|policy\.applied-disposition)\s*=\s*"?(\w+)`)
)

// Disowned reports whether the receiving server says that DMARC failed and
// that the domain of From wants such mail refused or quarantined (RFC 7489
// 6.3): it goes to spam review (S2). A server that tells no policy disowns
// nothing. why says it in words.
func Disowned(m *Mail, authservID string) (disowned bool, why string) {
	if authservID == "" {
		return false, ""
	}
	results, found, _ := verdictOf(m, authservID)
	if !found {
		return false, ""
	}
	for _, r := range results {
		if r, ok := r.(*authres.DMARCResult); !ok || r.Value != authres.ResultFail {
			continue
		}
		for _, v := range m.HeaderValues("Authentication-Results") {
			id, _, _ := strings.Cut(strings.TrimSpace(v), ";")
			id, _, _ = strings.Cut(strings.TrimSpace(id), " ")
			if !strings.EqualFold(id, authservID) {
				continue
			}
			_, verdict, _ := strings.Cut(strings.ToLower(v), "dmarc=fail")
			verdict, _, _ = strings.Cut(verdict, ";")
			refused := refusal.MatchString(verdict)
			if d := chosen.FindStringSubmatch(verdict); d != nil {
				refused = d[1] != "none"
			}
			if refused {
				return true, "It failed DMARC at " + authservID + ", and " + domainOf(firstValid(m.From).Address) + " asks to refuse such mail: its sender may be forged."
			}
			return false, ""
		}
	}
	return false, ""
}

// FailedAuthentication reports whether the receiving server says that From is
// forged: DMARC failed, or SPF failed and no DKIM of From's domain passed. Such a mail gets no
// automatic answer, which would go to somebody else (A5). why says it in
// words. Without an authservID nothing is known to have failed.
func FailedAuthentication(m *Mail, authservID string) (failed bool, why string) {
	if authservID == "" {
		return false, ""
	}
	results, _, _ := verdictOf(m, authservID)
	from := domainOf(firstValid(m.From).Address)
	passed := false
	for _, r := range results {
		switch r := r.(type) {
		case *authres.DMARCResult:
			if r.Value == authres.ResultFail {
				return true, "Its sender failed DMARC at " + authservID + "."
			}
			passed = passed || r.Value == authres.ResultPass
		case *authres.DKIMResult:
			d := r.Domain
			if d == "" {
				d = domainOf(r.Identifier)
			}
			passed = passed || r.Value == authres.ResultPass && aligned(d, from)
		case *authres.SPFResult:
			failed = failed || r.Value == authres.ResultFail
		}
	}
	if failed && !passed {
		return true, "Its sender failed SPF at " + authservID + "."
	}
	return false, ""
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
