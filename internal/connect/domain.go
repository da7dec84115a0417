package connect

import (
	"context"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"time"

	"postroom"
	"postroom/internal/query"
)

// domainWait is how long all questions about a domain may take together.
const domainWait = 8 * time.Second

// usualSelectors are the names under which DKIM keys are found where it is not
// known under which they are: nobody can ask for a list of them.
var usualSelectors = []string{"default", "dkim", "mail", "s1", "s2", "k1", "k2", "google", "selector1", "selector2", "key1", "smtp", "email", "mx", "postfix", "dkim1"}

// subject is what a domain is looked at for: whose mail leaves by which server.
type subject struct {
	domain, address string
	provider        *provider // of the server that mail leaves by
	host            string    // that server; "" is none yet
	signed          []signature
}

// CheckDomain asks the name server what receivers of a mailbox's mail ask it
// (SPF, DKIM, DMARC), and where mail for the domain goes (MX). It is for
// admins. Nothing of it is needed for Postroom to work; much of it is for the
// mail to arrive.
func (c *Connections) CheckDomain(ctx context.Context, by *postroom.Agent, mailbox int64) (query.DomainPage, error) {
	m, err := c.mailbox(ctx, by, mailbox)
	if err != nil {
		return query.DomainPage{}, err
	}
	_, domain, _ := strings.Cut(m.Address, "@")
	p := query.DomainPage{Domain: domain, At: c.Store.Now(), Public: byDomain(domain) != nil}
	if p.Public {
		return p, nil
	}
	s := subject{domain: domain, address: m.Address, host: m.Channel.Host, provider: byServer(m.Channel.Host)}
	if s.signed, err = c.signatures(ctx, m); err != nil {
		return p, err
	}
	ctx, done, err := c.begin(ctx, by, "domain")
	if err != nil {
		return p, err
	}
	defer done()
	ctx, cancel := context.WithTimeout(ctx, domainWait)
	defer cancel()
	checks := []func(context.Context, subject) query.DomainCheck{c.checkMX, c.checkSPF, c.checkDKIM, c.checkDMARC}
	p.Checks = make([]query.DomainCheck, len(checks))
	var all sync.WaitGroup
	for i, check := range checks {
		all.Go(func() { p.Checks[i] = check(ctx, s) })
	}
	all.Wait()
	if !slices.ContainsFunc(p.Checks, func(x query.DomainCheck) bool { return x.State != "wait" }) {
		p.Words = "This machine's name server gives no answers, so nothing can be said about " + domain + ". Mail goes out all the same."
	}
	return p, nil
}

// unasked is a check whose question had no answer.
func unasked(d query.DomainCheck, err error) query.DomainCheck {
	d.State, d.Title = "wait", "The name server gives no answer"
	d.Words = "Whether it is right is not known. Try again later; what it said: " + err.Error()
	return d
}

func (c *Connections) checkMX(ctx context.Context, s subject) query.DomainCheck {
	d := query.DomainCheck{Key: "mx", Name: "MX: where mail for the domain goes"}
	list, err := c.Resolver.LookupMX(ctx, s.domain)
	if err != nil && !isNoName(err) && len(list) == 0 {
		return unasked(d, err)
	}
	for _, mx := range list {
		d.Found = append(d.Found, fmt.Sprintf("%d %s", mx.Pref, strings.TrimSuffix(mx.Host, ".")))
	}
	switch {
	case len(list) == 1 && strings.Trim(list[0].Host, ".") == "":
		d.State, d.Title, d.Words = "bad", s.domain+" says that it takes no mail", "Its MX record is a dot. Customers' answers come back to them."
	case len(list) > 0:
		d.State, d.Title = "good", "Mail for "+s.domain+" goes to "+strings.TrimSuffix(list[0].Host, ".")
		if p := byHost(list[0].Host); p != nil {
			d.Words = "That is " + p.name + "."
		}
	default:
		d.State, d.Title = "bad", "No server takes mail for "+s.domain
		d.Words = "Customers cannot answer. Add the MX records that your provider names."
		if ips, err := c.Resolver.LookupNetIP(ctx, "ip", s.domain); err == nil && len(ips) > 0 {
			d.State, d.Title = "warn", s.domain+" has no MX record"
			d.Words = "Mail then goes to the machine with the name itself (" + ips[0].Unmap().String() + "). If that is a web server only, add MX records."
		}
	}
	return d
}

func (c *Connections) checkSPF(ctx context.Context, s subject) query.DomainCheck {
	d := query.DomainCheck{Key: "spf", Name: "SPF: who may send for the domain"}
	eval := &spf{names: c.Resolver}
	records, err := eval.record(ctx, s.domain)
	if err != nil {
		return unasked(d, err)
	}
	d.Found = records
	mechanism, who := "", ""
	switch {
	case s.provider != nil && len(s.provider.spf) > 0:
		mechanism, who = "include:"+s.provider.spf[0], s.provider.name
	case s.host != "" && !strings.Contains(s.host, ":") && strings.Contains(s.host, "."):
		mechanism, who = "a:"+s.host, s.host
		if a, err := netip.ParseAddr(s.host); err == nil {
			mechanism = "ip4:" + a.String()
		}
	}
	if len(records) == 0 {
		d.State, d.Title, d.Words = "bad", "There is no SPF record", "Large providers turn such mail away or into the spam folder."
		if mechanism == "" {
			d.Words += " Choose the server to send by first; then it can be said what to add."
			return d
		}
		d.Add = []query.Record{{Type: "TXT", Name: s.domain, Text: including("", mechanism)}}
		return d
	}
	ips := c.addresses(ctx, s.host)
	result := eval.check(ctx, s.domain, ips)
	included := s.provider != nil && slices.ContainsFunc(s.provider.spf, func(x string) bool { return slices.Contains(eval.includes, canonicalName(x)) })
	switch {
	case result == spfPermError:
		d.State, d.Title, d.Words = "bad", "The SPF record is broken", eval.words+" Receivers pay no heed to a broken record."
	case result == spfTempError && !included:
		return unasked(d, eval.err)
	case everybody(records[0]):
		d.State, d.Title, d.Words = "bad", "The SPF record lets everybody send", "It ends in +all. Write ~all instead."
	case included || result == spfPass:
		d.State, d.Title = "good", "The SPF record names "+orNone(who, "the server")
	case s.host == "" || mechanism == "":
		d.State, d.Title, d.Words = "warn", "There is an SPF record", "Choose the server to send by; then it can be said whether the record names it."
	default:
		d.State, d.Title = "bad", "The SPF record does not name "+who
		d.Words = "Receivers see that a stranger sends for " + s.domain + ". Change the record to the one below; leave the rest of it as it is."
		if s.provider == nil {
			d.State = "warn"
			d.Words = "If that server hands mail on from another address, ask who runs it what belongs into the record. Otherwise change it to the one below."
		}
		d.Add = []query.Record{{Type: "TXT", Name: s.domain, Text: including(records[0], mechanism)}}
	}
	return d
}

// addresses are those of the server mail leaves by.
func (c *Connections) addresses(ctx context.Context, host string) []netip.Addr {
	if a, err := netip.ParseAddr(host); err == nil {
		return []netip.Addr{a.Unmap()}
	}
	if host == "" {
		return nil
	}
	list, err := c.Resolver.LookupNetIP(ctx, "ip", host)
	if err != nil {
		return nil
	}
	for i := range list {
		list[i] = list[i].Unmap()
	}
	return list
}

func everybody(record string) bool {
	return slices.ContainsFunc(strings.Fields(strings.ToLower(record)), func(w string) bool { return w == "+all" || w == "all" })
}

func (c *Connections) checkDKIM(ctx context.Context, s subject) query.DomainCheck {
	d := query.DomainCheck{Key: "dkim", Name: "DKIM: a signature on each mail"}
	for _, x := range s.signed {
		if aligned(x.domain, s.domain) {
			d.State, d.Title = "good", "Mail is signed for "+x.domain
			d.Words = "The test mail came back with a signature of the key " + x.selector + "._domainkey." + x.domain + "."
			return d
		}
	}
	selectors := slices.Clone(usualSelectors)
	if s.provider != nil {
		selectors = append(slices.Clone(s.provider.selectors), selectors...)
	}
	slices.Sort(selectors)
	selectors = slices.Compact(selectors)
	found, err := c.keys(ctx, s.domain, selectors)
	switch {
	case len(found) > 0:
		d.State, d.Title, d.Found = "good", "There is a key for signing", found
		d.Words = "Whether mail is really signed with it shows the test mail."
	case err != nil:
		return unasked(d, err)
	default:
		d.State, d.Title = "warn", "No key was found under the usual names"
		d.Words = "A key can stand under any name, so this is no proof. Send the test mail: it shows whether mail is signed. If it is not, switch DKIM on where the mail leaves and add the record you are given there."
		if len(s.signed) > 0 {
			d.State, d.Title = "warn", "Mail is signed for "+s.signed[0].domain+", not for "+s.domain
			d.Words = "Receivers cannot tell by it that the mail is yours. Switch on DKIM for " + s.domain + " where the mail leaves, and add the record you are given there."
		}
		if s.provider != nil && len(s.provider.selectors) > 0 {
			d.Words += " At " + s.provider.name + " the name is usually " + strings.Join(s.provider.selectors, " or ") + "._domainkey." + s.domain + "."
		}
	}
	return d
}

// keys looks for DKIM keys under some names, all at once.
func (c *Connections) keys(ctx context.Context, domain string, selectors []string) (found []string, err error) {
	type answer struct {
		name  string
		texts []string
		err   error
	}
	answers := make(chan answer, len(selectors))
	for _, selector := range selectors {
		go func() {
			name := selector + "._domainkey." + domain
			texts, err := c.Resolver.LookupTXT(ctx, name)
			answers <- answer{name, texts, err}
		}()
	}
	for range selectors {
		a := <-answers
		if a.err != nil && !isNoName(a.err) {
			err = a.err
		}
		for _, t := range a.texts {
			if isKey(t) {
				found = append(found, a.name)
				break
			}
		}
	}
	slices.Sort(found)
	return found, err
}

// isKey reports whether a text is a DKIM key that has not been withdrawn (an
// empty p=, RFC 6376 3.6.1).
func isKey(text string) bool {
	for tag := range strings.SplitSeq(text, ";") {
		name, value, _ := strings.Cut(tag, "=")
		if strings.TrimSpace(name) == "p" {
			return strings.TrimSpace(value) != ""
		}
	}
	return false
}

func (c *Connections) checkDMARC(ctx context.Context, s subject) query.DomainCheck {
	d := query.DomainCheck{Key: "dmarc", Name: "DMARC: what receivers do with forgeries"}
	// The domain's own record, else that of a parent (RFC 9091 walks up too).
	for name := s.domain; strings.Contains(name, "."); _, name, _ = strings.Cut(name, ".") {
		texts, err := c.Resolver.LookupTXT(ctx, "_dmarc."+name)
		if err != nil && !isNoName(err) {
			return unasked(d, err)
		}
		for _, t := range texts {
			if strings.HasPrefix(strings.ToLower(strings.TrimSpace(t)), "v=dmarc1") {
				return dmarcIs(d, s, name, t)
			}
		}
	}
	d.State, d.Title = "warn", "There is no DMARC record"
	d.Words = "Gmail and Yahoo ask for one from everybody who sends much. This one changes nothing and has reports sent to you; once SPF and DKIM are right, write p=quarantine."
	d.Add = []query.Record{{Type: "TXT", Name: "_dmarc." + s.domain, Text: "v=DMARC1; p=none; rua=mailto:" + s.address}}
	return d
}

// dmarcIs says what a record means.
func dmarcIs(d query.DomainCheck, s subject, at, record string) query.DomainCheck {
	d.Found = []string{record}
	tags := map[string]string{}
	for tag := range strings.SplitSeq(record, ";") {
		name, value, _ := strings.Cut(tag, "=")
		tags[strings.ToLower(strings.TrimSpace(name))] = strings.ToLower(strings.TrimSpace(value))
	}
	policy := tags["p"]
	if sub := tags["sp"]; at != s.domain && sub != "" {
		policy = sub
	}
	d.State = "good"
	switch policy {
	case "reject":
		d.Title, d.Words = "Receivers refuse forgeries", "What is sent must pass SPF or DKIM for "+s.domain+", or it is refused."
	case "quarantine":
		d.Title, d.Words = "Receivers put forgeries into the spam folder", "What is sent must pass SPF or DKIM for "+s.domain+", or it goes there too."
	case "none":
		d.Title, d.Words = "There is a DMARC record that only observes", "Once SPF and DKIM are right, p=quarantine keeps others from writing in your name."
	default:
		d.State, d.Title, d.Words = "warn", "The DMARC record has no policy", "It needs p=none, p=quarantine or p=reject."
	}
	if at != s.domain {
		d.Words += " The record is that of " + at + "."
	}
	return d
}

// aligned reports whether a signature for one domain speaks for another: the
// same, or one within the other (RFC 7489 3.1, nearly: without the list of
// public suffixes, which nobody signs for).
func aligned(signer, domain string) bool {
	return signer == domain || strings.HasSuffix(domain, "."+signer) || strings.HasSuffix(signer, "."+domain)
}
