package email

import (
	"html"
	"regexp"
	"strings"
)

// The body marker is the third route by which an answer finds home (T4): a
// discreet line in the mail that survives in what clients quote, also where a
// provider replaced the Message-ID and no plus address is possible. The reply
// separator tells where the answer ends and our mail begins (Q2).
const (
	markerPrefix = "ref:"

	// MarkerClass marks the element of the body marker in HTML. Outlook puts
	// "x_" before it in what it quotes.
	MarkerClass = "postroom-ref"

	// SeparatorClass marks the element of the reply separator in HTML.
	SeparatorClass = "postroom-separator"

	separatorFence = "=-=-="
)

// MarkerText returns the marker line for the text part.
func MarkerText(token string) string { return "[" + markerPrefix + token + "]" }

// MarkerHTML returns the marker element for the HTML part.
func MarkerHTML(token string) string {
	return `<div class="` + MarkerClass + `" style="color:#999999;font-size:11px">[` + markerPrefix + html.EscapeString(token) + `]</div>`
}

// SeparatorText returns the line above which a customer is asked to write. words
// are what the line says, in the mailbox's language.
func SeparatorText(words string) string {
	return separatorFence + " " + strings.Join(strings.Fields(words), " ") + " " + separatorFence
}

// SeparatorHTML returns that line as an element.
func SeparatorHTML(words string) string {
	return `<div class="` + SeparatorClass + `" style="color:#999999;font-size:11px">` + html.EscapeString(SeparatorText(words)) + `</div>`
}

var markerPattern = regexp.MustCompile(`(?i)\[ref:([a-z0-9]{30,42})\]`)

// maxMarkers bounds the markers looked at in one mail.
const maxMarkers = 200

// findMarkers returns the mails named by markers in a body, in order, each
// once.
func (k *Keyring) findMarkers(body string) []markerHit {
	var hits []markerHit
	for _, m := range markerPattern.FindAllStringSubmatch(body, maxMarkers) {
		id, ok := k.Verify(m[1])
		if !ok {
			continue
		}
		known := false
		for _, h := range hits {
			known = known || h.mailID == id
		}
		if !known {
			hits = append(hits, markerHit{token: strings.ToLower(m[1]), mailID: id})
		}
	}
	return hits
}

type markerHit struct {
	token  string
	mailID int64
}

// FindMarker returns the mail named by the first valid body marker in text or
// HTML. The first is the newest: clients put what they quote below.
func (k *Keyring) FindMarker(body string) (mailID int64, ok bool) {
	if hits := k.findMarkers(body); len(hits) > 0 {
		return hits[0].mailID, true
	}
	return 0, false
}
