package query

import (
	"fmt"

	"postroom"
)

// returnTitles say what a report said of a mail.
var returnTitles = map[postroom.ReturnKind]string{
	postroom.Bounced: "Came back from %s", postroom.Complained: "Reported as unwanted by %s",
	postroom.Delayed: "Delayed on its way to %s", postroom.Delivered: "A server reports: delivered to %s",
}

// returns are the steps of a mail's journey after its server took it, as
// reports told them.
func (j journey) returns() []JourneyStep {
	var out []JourneyStep
	for _, x := range j.rows.Returns {
		who := x.Address
		if who == "" {
			who = "a recipient who is not named"
		}
		s := JourneyStep{Kind: "returned", Title: fmt.Sprintf(returnTitles[x.Kind], who), Words: x.Words, At: x.At, State: "note"}
		if x.Kind.Event() != "" {
			s.State = "bad"
		}
		if x.MessageID > 0 && j.rows.Number > 0 {
			s.Href, s.Link = fmt.Sprintf("/conversations/%d#message-%d", j.rows.Number, x.MessageID), "The report"
		}
		out = append(out, s)
	}
	return out
}
