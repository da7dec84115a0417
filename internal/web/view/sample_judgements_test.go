package view_test

import "postroom/internal/query"

// sampleJudgements is what a workflow said lately.
func sampleJudgements() query.JudgementsPage {
	return query.JudgementsPage{Shell: sampleShell("workflows", "", "/workflows/1/judgements"), ID: 1, Name: "Tell the customer it is closed", Looked: 3000, Until: sampleNow - 3*day,
		Older: "/workflows/1/judgements?before=1-2", Newest: true,
		Filters: []query.JudgementFilter{{Text: "All", Chosen: true}, {Key: "matched", Text: "Matched"}, {Key: "not_matched", Text: "Not matched"}, {Key: "failed", Text: "Failed"}},
		Rows: []query.JudgementLine{
			{Event: 904, Number: 1042, Subject: "Kettle arrived with a dent", What: "The status changed from active to closed, by an agent, through Send & Close", At: sampleNow - minute, Version: 3, Verdict: "matched", Said: "matched"},
			{Event: 903, Number: 1020, Subject: "Thanks", What: "The status changed from active to closed, by an agent, through a selection of conversations", At: sampleNow - hour, Version: 3, Verdict: "not matched", Said: "conditions not met",
				Words: "Conditions not met.", Change: "It would have matched if the tags had included none of no-notice (they were no-notice, refund)."},
			{Event: 902, Number: 871, Subject: "Kettle lid", What: "The status changed from pending to closed, by a workflow, through a workflow", At: sampleNow - 5*hour, Version: 2, Verdict: "not considered", Said: "not considered: limit used",
				Words: "Not considered: limit used. Its last run was less than 1 day ago.", Change: "It would have matched if its limit had not been used."},
			{Event: 901, Number: 12, Subject: "Order 55120", What: "The status changed from active to closed, by an agent, through the menu", At: sampleNow - day, Version: 2, Verdict: "matched", Said: "matched", Outcome: "failed",
				Words: "A tag it adds does not exist any more."},
		}}
}
