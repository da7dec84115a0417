package view_test

import "postroom/internal/query"

// sampleTryVersion is an older version tried on a conversation.
func sampleTryVersion() query.TryVersionPage {
	e := sampleEditor()
	e.Try.Typed, e.Try.Moments = "1042", []query.Choice{{Value: "", Text: "the latest event that it listens for"}, {Value: "now", Text: "now"}}
	return query.TryVersionPage{Shell: sampleShell("workflows", "", "/workflows"), ID: 41, Name: "Tell the customer it is closed", Version: 2, Published: 5,
		Sentence: "When the status changes to closed: reply “we have closed your request”.", Try: e.Try, Errors: query.FieldErrors{"on": "There is no conversation 1042."}}
}
