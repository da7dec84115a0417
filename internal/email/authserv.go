package email

import (
	"slices"
	"strings"

	"github.com/emersion/go-msgauth/authres"
)

// AuthResult is one verdict of an Authentication-Results header (RFC 8601).
type AuthResult struct {
	Method string // "spf", "dkim" or "dmarc"
	Value  string // "pass", "fail", "none" …
	Domain string // whose; "" if the server did not say
}

// TopResults returns the topmost Authentication-Results of a mail: the
// authserv-id of the server that wrote it, and what it says about SPF, DKIM and
// DMARC. ok is false where there is no such header. Nothing says that the
// header is true: use it of a mail whose way is known, such as one sent to
// oneself.
func TopResults(m *Mail) (authserv string, results []AuthResult, ok bool) {
	all := m.HeaderValues("Authentication-Results")
	if len(all) == 0 {
		return "", nil, false
	}
	id, parsed, err := authres.Parse(all[0])
	if err != nil {
		id, _, _ = strings.Cut(all[0], ";")
	}
	id, _, _ = strings.Cut(strings.TrimSpace(id), " ") // a version may follow
	for _, r := range parsed {
		switch r := r.(type) {
		case *authres.SPFResult:
			domain := r.From
			if domain == "" {
				domain = r.Helo
			}
			results = append(results, AuthResult{"spf", string(r.Value), domainOf(domain)})
		case *authres.DKIMResult:
			domain := r.Domain
			if domain == "" {
				domain = domainOf(r.Identifier)
			}
			results = append(results, AuthResult{"dkim", string(r.Value), domain})
		case *authres.DMARCResult:
			results = append(results, AuthResult{"dmarc", string(r.Value), domainOf(r.From)})
		}
	}
	// What is no word is the rest of a verdict that breaks off.
	results = slices.DeleteFunc(results, func(r AuthResult) bool {
		return r.Value == "" || strings.ContainsFunc(r.Value, func(c rune) bool { return c < 'a' || c > 'z' })
	})
	if len(results) == 0 {
		results = nil
	}
	return id, results, id != ""
}
