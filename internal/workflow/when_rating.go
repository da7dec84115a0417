package workflow

import (
	"fmt"
	"slices"

	"postroom"
	"postroom/internal/template"
)

// ratingWords say what a customer chose.
var ratingWords = map[string]string{
	string(postroom.RatedGood): "good",
	string(postroom.RatedOkay): "okay",
	string(postroom.RatedBad):  "not good",
	string(postroom.Unrated):   "not rated",
}

// rating refuses links to rate by where nobody could follow them for a
// customer.
func (c *compiler) rating(a Action, t *template.Template, path string) {
	if a.Do != DoReply && slices.Contains(t.Names(), template.Rating) {
		c.fault(path, "{{ rating }} becomes links for the customer, and stands in a reply to them only.")
	}
}

// AsksRating lists where a definition asks the customer for a rating, as faults
// name places: on a desk that customers cannot reach such a mail asks nothing.
func AsksRating(d Definition) (paths []string) {
	asks := func(source string, mode template.Mode) bool {
		t, err := template.Parse(source, mode)
		return err == nil && slices.Contains(t.Names(), template.Rating)
	}
	for i, a := range d.Then {
		if a.Do != DoReply {
			continue
		}
		at, mode := fmt.Sprintf("then[%d]", i), template.Text
		if a.HTML != "" {
			mode = template.HTML
		}
		if asks(a.Text, template.Text) {
			paths = append(paths, at+".text")
		}
		if asks(a.HTML, template.HTML) {
			paths = append(paths, at+".html")
		}
		for _, language := range sortedKeys(a.Texts) {
			if asks(a.Texts[language], mode) {
				paths = append(paths, at+".texts."+language)
			}
		}
	}
	return paths
}

// sideWord leads to a side of a change in a sentence.
func sideWord(kind postroom.EventKind, word string) string {
	switch kind {
	case postroom.RatingReceived:
		return "as"
	case postroom.ConversationMerged:
		return "and it is"
	}
	return word
}

// ratedWords say a rating that was received.
func ratedWords(text, from, to string) string {
	text += " as " + wordsOr(ratingWords, to)
	if from != string(postroom.Unrated) && from != "" {
		text += ", instead of " + wordsOr(ratingWords, from)
	}
	return text
}

// rating reads facts of what the customer said.
func (f recordFacts) rating(name string) Value {
	if f.r.Rating == nil || f.r.Event == nil || f.r.Event.Payload.RatingID == 0 {
		return Missing()
	}
	if name == "comment" {
		return Text(f.r.Rating.Comment)
	}
	return Missing()
}
