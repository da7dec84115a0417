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

// sampleRatings is what customers said.
func sampleRatings(some bool) query.RatingsPage {
	p := query.RatingsPage{Shell: sampleShell("mailboxes", "", "/ratings"), Days: 30, Agents: []query.Choice{{Value: "2", Text: "Ann Moor"}, {Value: "3", Text: "Ben Okafor"}}}
	if !some {
		p.Counts = []query.StateCount{{State: "good"}, {State: "okay"}, {State: "bad"}}
		return p
	}
	p.Counts, p.Total, p.Next = []query.StateCount{{State: "good", Count: 41}, {State: "okay", Count: 6}, {State: "bad", Count: 3}}, 50, "x"
	p.Rows = []query.RatingLine{
		{ID: 3, Number: 1042, At: sampleNow - hour, Value: "bad", Comment: "Two weeks <b>waiting</b>,\nand then the wrong lamp.", Customer: "Mara Lind", For: "Ann Moor", Subject: "The lamp arrived broken"},
		{ID: 2, Number: 1040, At: sampleNow - day, Value: "okay", Customer: "Oskar Feldmann", For: "nobody"},
		{ID: 1, Number: 1039, At: sampleNow - 2*day, Value: "good", Comment: "Thank you!", Customer: "Chloé Dubois", For: "Ben Okafor", Subject: "Invoice"}}
	return p
}
