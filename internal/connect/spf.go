package connect

import (
	"context"
	"errors"
	"net/netip"
	"slices"
	"strings"
)

// spfResult is a verdict of RFC 7208 2.6.
type spfResult string

const (
	spfNone      spfResult = "none"
	spfPass      spfResult = "pass"
	spfFail      spfResult = "fail"
	spfSoftFail  spfResult = "softfail"
	spfNeutral   spfResult = "neutral"
	spfPermError spfResult = "permerror"
	spfTempError spfResult = "temperror"
)

// maxSPFLookups is how many questions a record may cost its readers (RFC 7208
// 4.6.4); with more it counts as broken.
const maxSPFLookups = 10

// spf evaluates a domain's record as a receiver would. It leaves out what a
// page cannot know, the macros, which ask for the mail itself: a mechanism with
// one is passed over.
type spf struct {
	names    Resolver
	lookups  int
	includes []string // every domain that was included or redirected to
	words    string   // what is wrong, for a permerror
	err      error    // why something could not be asked
}

// record returns the SPF records among a domain's texts.
func (s *spf) record(ctx context.Context, domain string) ([]string, error) {
	texts, err := s.names.LookupTXT(ctx, domain)
	if isNoName(err) {
		err = nil
	}
	var out []string
	for _, t := range texts {
		if t = strings.TrimSpace(t); strings.EqualFold(t, "v=spf1") || strings.HasPrefix(strings.ToLower(t), "v=spf1 ") {
			out = append(out, t)
		}
	}
	return out, err
}

// check asks what the record of a domain says of mail from one of some
// addresses: it passes where one of them does.
func (s *spf) check(ctx context.Context, domain string, ips []netip.Addr) spfResult {
	records, err := s.record(ctx, domain)
	switch {
	case err != nil:
		s.err = err
		return spfTempError
	case len(records) == 0:
		return spfNone
	case len(records) > 1:
		return s.broken(domain + " has two SPF records; only one may be there.")
	}
	redirect := ""
	for _, term := range strings.Fields(records[0])[1:] {
		if name, value, ok := strings.Cut(term, "="); ok && !strings.ContainsAny(name, ":/") {
			if strings.EqualFold(name, "redirect") {
				redirect = value
			}
			continue
		}
		verdict := spfPass
		switch term[0] {
		case '+', '-', '~', '?':
			verdict = map[byte]spfResult{'+': spfPass, '-': spfFail, '~': spfSoftFail, '?': spfNeutral}[term[0]]
			term = term[1:]
		}
		hit, end := s.match(ctx, term, domain, ips)
		if end != "" {
			return end
		}
		if hit {
			return verdict
		}
	}
	if redirect == "" || strings.Contains(redirect, "%") {
		return spfNeutral
	}
	if end := s.count(redirect); end != "" {
		return end
	}
	s.includes = append(s.includes, canonicalName(redirect))
	return s.check(ctx, redirect, ips)
}

// match reports whether one mechanism hits; end is set where evaluation cannot
// go on.
func (s *spf) match(ctx context.Context, term, domain string, ips []netip.Addr) (hit bool, end spfResult) {
	name, value, _ := strings.Cut(term, ":")
	if i := strings.IndexByte(name, '/'); i >= 0 { // a/24
		name, value = name[:i], name[i:]
	}
	name = strings.ToLower(name)
	if strings.Contains(value, "%") {
		return false, ""
	}
	target, bits, _ := strings.Cut(value, "/")
	if target == "" {
		target = domain
	}
	switch name {
	case "all":
		return true, ""
	case "ip4", "ip6":
		p, err := netip.ParsePrefix(value)
		if a, aErr := netip.ParseAddr(value); aErr == nil {
			p, err = netip.PrefixFrom(a, a.BitLen()), nil
		}
		if err != nil {
			return false, s.broken("“" + term + "” in the SPF record is no network.")
		}
		return slices.ContainsFunc(ips, p.Contains), ""
	case "include":
		if end := s.count(target); end != "" {
			return false, end
		}
		s.includes = append(s.includes, canonicalName(target))
		switch r := s.check(ctx, target, ips); r {
		case spfPass:
			return true, ""
		case spfTempError, spfPermError:
			return false, r
		case spfNone:
			return false, s.broken("The SPF record includes " + target + ", which has none.")
		}
		return false, ""
	case "a", "mx":
		return s.matchHosts(ctx, name, target, bits, ips)
	case "ptr", "exists":
		return false, s.count(target)
	}
	return false, s.broken("“" + term + "” in the SPF record is nothing receivers know.")
}

// matchHosts compares with the addresses of a name or of its mail servers.
func (s *spf) matchHosts(ctx context.Context, kind, target, bits string, ips []netip.Addr) (bool, spfResult) {
	if end := s.count(target); end != "" {
		return false, end
	}
	hosts := []string{target}
	if kind == "mx" {
		list, err := s.names.LookupMX(ctx, target)
		if err != nil && !isNoName(err) {
			s.err = err
			return false, spfTempError
		}
		hosts = nil
		for _, mx := range list[:min(len(list), maxSPFLookups)] {
			hosts = append(hosts, mx.Host)
		}
	}
	four, six, _ := strings.Cut(bits, "//")
	for _, host := range hosts {
		found, err := s.names.LookupNetIP(ctx, "ip", strings.TrimSuffix(host, "."))
		if err != nil && !isNoName(err) {
			s.err = err
			return false, spfTempError
		}
		for _, a := range found {
			a = a.Unmap()
			length := four
			if a.Is6() {
				length = six
			}
			p, err := netip.ParsePrefix(a.String() + "/" + length)
			if length == "" || err != nil {
				p = netip.PrefixFrom(a, a.BitLen())
			}
			if slices.ContainsFunc(ips, p.Masked().Contains) {
				return true, ""
			}
		}
	}
	return false, ""
}

// count takes one of the questions a record may cost.
func (s *spf) count(target string) spfResult {
	s.lookups++
	if s.lookups > maxSPFLookups {
		return s.broken("The SPF record costs its readers more than ten questions (at " + target + "), so they take it for broken.")
	}
	return ""
}

func (s *spf) broken(words string) spfResult {
	s.words = words
	s.err = errors.New(words)
	return spfPermError
}

func canonicalName(name string) string { return strings.ToLower(strings.Trim(name, ". ")) }

// including returns an SPF record with a mechanism put before the last word of
// the old one, which says what becomes of everybody else; a new record where
// there is none.
func including(record, mechanism string) string {
	if record == "" {
		return "v=spf1 " + mechanism + " ~all"
	}
	words := strings.Fields(record)
	at := len(words)
	for i, w := range words {
		if lower := strings.ToLower(strings.TrimLeft(w, "+-~?")); lower == "all" || strings.HasPrefix(lower, "redirect=") {
			at = i
			break
		}
	}
	return strings.Join(slices.Insert(words, at, mechanism), " ")
}
