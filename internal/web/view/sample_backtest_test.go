package view_test

import "postroom/internal/query"

func sampleBacktests() query.BacktestsPage {
	return query.BacktestsPage{Shell: sampleShell("workflows", "", "/workflows/1/backtest"), ID: 1, Name: "Tell the customer it is closed", Draft: true, Version: 3, Of: "draft", Days: "900",
		Errors: query.FieldErrors{"days": "Between 1 and 366 days are possible."},
		Past: []query.BacktestHead{{ID: 9, What: "The draft", Days: 30, At: sampleNow - hour, State: "done", Words: "214 of 1,204 events matched, 200 mails"},
			{ID: 8, What: "Version 3", Days: 90, At: sampleNow - day, State: "running", Running: true}, {ID: 7, What: "Version 2", Days: 7, At: sampleNow - 2*day, State: "cancelled", Words: "Stopped after 500 of 3,000."}}}
}

// sampleBacktest is what a workflow would have done, or one under way.
func sampleBacktest(ready bool) query.BacktestPage {
	p := query.BacktestPage{Shell: sampleShell("workflows", "", "/workflows/1/backtest/9"), ID: 1, Name: "Tell the customer it is closed",
		Head: query.BacktestHead{ID: 9, What: "The draft", Days: 30, At: sampleNow - hour, State: "running", Running: true}, Done: 1500, Total: 9800}
	if !ready {
		return p
	}
	p.Ready, p.Head.State, p.Head.Running = true, "done", false
	p.Sum = query.BacktestSummary{Sentence: "When the status of a conversation changes to closed, by an agent, then reply to the customer.", Event: "the status changes", Since: sampleNow - 30*day, Until: sampleNow,
		Events: 1204, Cut: true, Own: 2, Matched: 214, Mails: 200, People: 180, Several: 12, ReallyMails: 190, Lines: 3, More: 211,
		Verdicts: []query.BacktestCount{{Text: "matched", N: 214}, {Text: "conditions not met", N: 980}, {Text: "conditions unknown", N: 10}},
		Effects:  []query.BacktestCount{{Text: "reply to the customer", N: 214}, {Text: "add the tag told", N: 214, Same: 5}},
		Whose:    []query.BacktestCount{{Text: "Tell the customer it is closed", N: 186}, {Text: "Escalate to the second line", N: 14}},
		Held:     []query.BacktestCount{{Text: "Limit: the address had this very text that day already.", N: 14}},
		Unknown:  []query.BacktestCount{{Text: "whether the subject contains \"refund\" (missing).", N: 10}},
		Really:   []query.BacktestCount{{Key: "1", Text: "Tell the customer it is closed", N: 201}}}
	p.Several = []query.BacktestCount{{Text: "mara.lindqvist@customer.example", N: 4}}
	p.Lines = []query.BacktestLine{
		{Event: 904, Number: 1042, Subject: "Kettle arrived with a dent", At: sampleNow - minute, What: "The status changed from active to closed, by an agent, through Send & Close", Verdict: "matched",
			Effects: []string{"reply to the customer", "add the tag told"}, Mails: []query.BacktestMail{{To: "mara@customer.example", Subject: "Re: Kettle arrived with a dent", Text: "Hello Mara,\n\nwe have closed your request."}, {To: "second@acme.example", Subject: "Look", Text: "A kettle.", By: "Escalate to the second line", ByID: 41, At: sampleNow + 2*hour}},
			Really: []string{"Tell the customer it is closed"}, ReallyMails: []string{"Re: Kettle arrived with a dent"}},
		{Event: 903, Number: 1020, Subject: "Thanks", At: sampleNow - hour, What: "The status changed from active to closed, by an agent, through the status menu", Verdict: "matched", Effects: []string{"reply to the customer"},
			Mails: []query.BacktestMail{{To: "mara@customer.example", Subject: "Re: Thanks", Held: "Limit: mara@customer.example had this very text that day already."}}},
		{Event: 902, Number: 871, Subject: "Kettle lid", At: sampleNow - day, What: "The status changed from pending to closed, by an agent, through the status menu", Verdict: "not considered", Words: "It would have run in this chain already."},
	}
	return p
}
