package view_test

import (
	"postroom"
	"postroom/internal/query"
)

// sampleRate is the page on which a customer rates: for the first time, with
// what they have said, or too late.
func sampleRate(language, given string) query.RatePage {
	p := query.RatePage{Token: "t11abc", Mailbox: "Harbour Lighting Support", Words: postroom.RatingTextFor(language), Open: true, Chosen: "good"}
	switch given {
	case "bad":
		p.Given, p.Chosen, p.Comment = given, given, "Zwei Wochen <b>gewartet</b>, und dann die falsche Lampe."
	case "late":
		p.Open, p.Given, p.Closed = false, "good", p.Words.Late
	}
	return p
}
