package view

import (
	"strings"

	"postroom"
	"postroom/internal/query"
)

// ratingWord says a rating, as customers read it in English.
func ratingWord(value string) string {
	if value == string(postroom.Unrated) || value == "" {
		return "Not rated"
	}
	return postroom.RatingTextFor("en").Word(postroom.RatingValue(value))
}

// ratedSentence says a rating that was received, after the customer's name.
func ratedSentence(from, to string) string {
	text := "rated it: " + strings.ToLower(ratingWord(to))
	if from != "" && from != string(postroom.Unrated) && from != to {
		text += ", instead of " + strings.ToLower(ratingWord(from))
	}
	return text
}

// rateWordIn says a value as the page's reader reads it.
func rateWordIn(p query.RatePage, value string) string {
	return p.Words.Word(postroom.RatingValue(value))
}

// ratingTone colours what needs eyes.
func ratingTone(value string) string {
	switch postroom.RatingValue(value) {
	case postroom.RatedBad:
		return "bad"
	case postroom.RatedGood:
		return "good"
	}
	return "none"
}
