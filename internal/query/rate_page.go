package query

import "postroom"

// RatePage is GET /rate/{token}: what a customer sees who follows a link of a
// mail. Words are in their language.
type RatePage struct {
	Token   string
	Mailbox string // by name; "" where nothing is known
	Words   postroom.RatingText
	Open    bool   // it can be rated, or rated otherwise
	Closed  string // why it cannot, in their language
	Given   string // what they have said before, of postroom.RatingValue; "" for nothing
	Chosen  string // what is chosen in the form
	Comment string
	Error   string
}

// RateChoice is one answer.
type RateChoice struct {
	Value, Text string
	Chosen      bool
}

// Choices are the answers, the best first, with what is chosen.
func (p RatePage) Choices() []RateChoice {
	var out []RateChoice
	for _, v := range postroom.RatingValues {
		out = append(out, RateChoice{Value: string(v), Text: p.Words.Word(v), Chosen: string(v) == p.Chosen})
	}
	return out
}
