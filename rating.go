package postroom

import "slices"

// RatingValue is what a customer thinks of how they were helped.
type RatingValue string

// The three values a customer chooses from, and the one of a conversation that
// nobody has rated.
const (
	RatedGood RatingValue = "good"
	RatedOkay RatingValue = "okay"
	RatedBad  RatingValue = "bad"
	Unrated   RatingValue = "none"
)

// RatingValues lists what a customer can choose, the best first.
var RatingValues = []RatingValue{RatedGood, RatedOkay, RatedBad}

// ParseRating reads a value that a customer can choose.
func ParseRating(s string) (RatingValue, error) {
	if slices.Contains(RatingValues, RatingValue(s)) {
		return RatingValue(s), nil
	}
	return "", InvalidField("rating", "%q is not a rating; it is one of good, okay and bad.", s)
}

// The bounds of ratings.
const (
	MaxRatingComment = 2000                     // runes of a comment; the rest is refused
	MaxRatings       = 20                       // how often one mail can be rated: each change is kept
	RatingAsked      = 90 * 24 * 60 * 60 * 1000 // how long after the mail it can be rated, in milliseconds
	RatingChanged    = 30 * 24 * 60 * 60 * 1000 // how long after the first rating it can be changed, in milliseconds
)

// Rating is what a customer said of one mail. The last one said of a mail
// counts; those before are kept, with Replaced set.
type Rating struct {
	ID             int64
	ConversationID int64
	MailID         int64 // the mail that asked
	MailboxID      int64 // that mail left from
	CustomerID     int64 // it went to
	AgentID        int64 // who wrote that mail, or else who was assigned when it was decided; 0 for nobody
	Value          RatingValue
	Comment        string // text, never markup
	At             int64  // milliseconds since 1970, UTC
	Seq            int64  // of its event
	Replaced       bool   // the customer has said otherwise since
}

// Rated returns the conversation's rating, Unrated if it has none.
func (c *Conversation) Rated() RatingValue { return c.Rating.orNone() }

// Rated returns the rating the conversation had, Unrated if it had none.
func (s Snapshot) Rated() RatingValue { return s.Rating.orNone() }

func (v RatingValue) orNone() RatingValue {
	if v == "" {
		return Unrated
	}
	return v
}

// Rate records what the customer said. The conversation's rating is the last
// one received, whichever mail it answers. rating is the id of the row that
// keeps the comment: events hold no text of a person (W4). That nothing is said
// twice is for the caller to see to (W5).
func (c *Conversation) Rate(by By, id, rating int64, v RatingValue) *Event {
	from := c.Rated()
	c.Rating = v
	return c.record(by, id, RatingReceived, Payload{From: string(from), To: string(v), RatingID: rating})
}
