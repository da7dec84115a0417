package email

import (
	"regexp"
	"strings"
)

// EvidenceKind is a route by which an incoming mail names the conversation it
// belongs to.
type EvidenceKind string

// The routes, strongest first (T1).
const (
	AddressToken  EvidenceKind = "address_token"  // our token in an address it was sent to
	IDToken       EvidenceKind = "id_token"       // our token in an id it answers
	StoredID      EvidenceKind = "stored_id"      // an id it answers, to be looked up
	BodyMarker    EvidenceKind = "body_marker"    // our marker in what it quotes
	SubjectNumber EvidenceKind = "subject_number" // a number in its subject; weak (T6)
)

// EvidenceItem is one such hint. Whether it may be followed is the desk's to
// decide (T6-T10).
type EvidenceItem struct {
	Kind   EvidenceKind
	MailID int64  // the mail of ours that a verified token names, else 0
	Ref    string // the address, canonical id, token or number it was found in
	Detail string // in words, for people who ask why
}

// Evidence returns everything that may tell which conversation a mail belongs
// to, in T1's order; the first item that leads to a conversation decides.
// envelopeTo are the recipients of the envelope, strongest of all addresses.
// Tokens with a wrong hash give nothing. SubjectNumber items come last and are
// only for mailboxes that allow them. k may be nil: then no token is found.
func Evidence(m *Mail, k *Keyring, envelopeTo []string) []EvidenceItem {
	if k == nil {
		k = &Keyring{}
	}
	var list []EvidenceItem
	seen := map[EvidenceKind]map[string]bool{}
	add := func(e EvidenceItem) {
		if seen[e.Kind] == nil {
			seen[e.Kind] = map[string]bool{}
		}
		if !seen[e.Kind][e.Ref] {
			seen[e.Kind][e.Ref] = true
			list = append(list, e)
		}
	}
	addressTokens(m, k, envelopeTo, add)
	reportTokens(m, k, add)
	cited := m.CitedIDs()
	for _, id := range cited {
		if _, mailID, ok := k.Find(id); ok {
			add(EvidenceItem{IDToken, mailID, id, "It answers " + id + ", which carries our token."})
		}
	}
	for _, id := range cited {
		add(EvidenceItem{StoredID, 0, id, "It answers or cites " + id + "."})
	}
	if r := m.Report; r != nil {
		if id := CanonicalID(r.OriginalMessageID); id != "" {
			add(EvidenceItem{StoredID, 0, id, "It reports on " + id + "."})
		}
	}
	for _, body := range []string{m.Text, m.HTML} {
		for _, h := range k.findMarkers(body) {
			add(EvidenceItem{BodyMarker, h.mailID, h.token, "It quotes a mail of ours that carries the marker " + h.token + "."})
		}
	}
	for _, n := range subjectNumbers(m.Subject) {
		add(EvidenceItem{SubjectNumber, 0, n, "Its subject names the number " + n + "."})
	}
	return list
}

func addressTokens(m *Mail, k *Keyring, envelopeTo []string, add func(EvidenceItem)) {
	try := func(source, addr string) {
		local, _, ok := strings.Cut(addr, "@")
		if !ok {
			return
		}
		if _, mailID, ok := k.Find(local); ok {
			ref := strings.ToLower(addr)
			add(EvidenceItem{AddressToken, mailID, ref, "It was sent to " + ref + " (" + source + "), which carries our token."})
		}
	}
	for _, a := range envelopeTo {
		try("envelope", a)
	}
	for _, a := range m.DeliveredTo {
		try("delivery headers", a)
	}
	for _, a := range m.To {
		try("To", a.Address)
	}
	for _, a := range m.Cc {
		try("Cc", a.Address)
	}
}

// reportTokens finds the mail that a report is about (B2): by our envelope id,
// by the Message-ID of what came back, and, where there is no machine-readable
// part, by a Message-ID of ours in what it quotes.
func reportTokens(m *Mail, k *Keyring, add func(EvidenceItem)) {
	if r := m.Report; r != nil {
		if token, mailID, ok := k.Find(r.OriginalEnvelopeID); ok {
			add(EvidenceItem{IDToken, mailID, token, "It gives back our envelope id."})
		}
		if id := CanonicalID(r.OriginalMessageID); id != "" {
			if _, mailID, ok := k.Find(id); ok {
				add(EvidenceItem{IDToken, mailID, id, "It reports on " + id + ", which carries our token."})
			}
		}
		return
	}
	if m.HasHeader("X-Failed-Recipients") {
		if token, mailID, ok := k.Find(m.Text); ok {
			add(EvidenceItem{IDToken, mailID, token, "What it returns carries our token."})
		}
	}
}

var numberPattern = regexp.MustCompile(`[#＃]\s?(\d{1,18})\b`)

// subjectNumbers returns the numbers a subject names after a "#", at most 5.
func subjectNumbers(s string) []string {
	var list []string
	for _, m := range numberPattern.FindAllStringSubmatch(s, 5) {
		list = append(list, strings.TrimLeft(m[1], "0"))
	}
	return list
}
