package view_test

import "postroom/internal/query"

func samplePromises() query.PromisesPage {
	return query.PromisesPage{Shell: sampleShell("workflows", "", "/promises"), Days: 30, Rows: []query.PromiseLine{
		{ID: 1, Name: "Whoever is closed hears of it, once", Sentence: "When the status changes to closed by an agent: exactly one mail of a workflow to the customer within 2 minutes.",
			On: true, Version: 1, Shipped: true, Kept: 1204, Explained: 31, Broken: 2, Waiting: 3, Late: 1, Unseen: 2},
		{ID: 2, Name: "Answered in four hours", Sentence: "When a message arrives from a customer: a reply is sent by an agent, at least once, within 4 hours.", Mailbox: "Acme Support", Version: 3, Kept: 90, Drafted: true},
		{ID: 3, Sentence: "When a message arrives: a reply is sent, at least once, within 1 day.", Fault: "The promise cannot be read."},
	}, Deleted: []query.DeletedPromise{{ID: 4, Name: "Answered the same day", Sentence: "When a message arrives: a reply is sent, at least once, within 1 business day.", At: sampleNow - 3*hour}}}
}

func samplePromise() query.PromisePage {
	e := sampleEditor()
	e.Shell, e.ID, e.Name, e.Sentence = sampleShell("workflows", "", "/promises/1"), 1, "Whoever is closed hears of it, once", samplePromises().Rows[0].Sentence
	return query.PromisePage{Line: samplePromises().Rows[0], Days: 30, Editor: e,
		Whats: []query.EditorEvent{{Value: "mail.workflow", Text: "A workflow's mail to the customer is accepted", Group: "Mail to the customer"}, {Value: "reply.sent", Text: "a reply is sent", Group: "Messages"}},
		What:  "mail.workflow", WhatDoc: "One that a workflow made because of this event.", Workflow: "0", Workflows: []query.Choice{{Value: "0", Text: "any workflow"}}, OfWorkflow: true,
		Within: "2", Unit: "m",
		Versions: []query.PromiseVersion{
			{Number: 2, By: "Ann Moor", At: sampleNow - 3*hour, Current: true, Sentence: samplePromises().Rows[0].Sentence,
				Changes: []query.WorkflowChange{{Sign: " ", Text: "Then exactly one mail of a workflow to the customer"}, {Sign: "-", Text: "Within 10 minutes"}, {Sign: "+", Text: "Within 2 minutes"}}},
			{Number: 1, At: sampleNow - 300*hour, Sentence: "When the status changes to closed by an agent: exactly one mail of a workflow to the customer within 10 minutes."},
		},
		Traces: []query.PromiseTrace{{Number: 12, Subject: "The lamp flickers", Event: 904, Words: "Ann closed it", At: sampleNow - hour, DueAt: sampleNow - hour + 2*60_000, State: "broken",
			Outcome: "2 mails went out instead of one.", Steps: []query.PromiseStep{
				{Text: "“Tell the customer it is closed”: matched", State: "ok", Href: "/conversations/12/why#why-904-1"},
				{Text: "Mail “Re: The lamp flickers”: accepted, 1 attempt", State: "ok", Href: "/mails/7", At: sampleNow - hour}}},
			{Number: 13, Subject: "A very long subject about an order that was never delivered to anybody", Event: 905, Words: "Ben closed it", At: sampleNow - 2*hour, DueAt: sampleNow - hour, State: "explained",
				Outcome: "“Tell the customer it is closed”: not considered: switched off.", Seen: true}},
		Recent: []query.PromiseTrace{{Number: 14, Subject: "Thanks", Event: 906, Words: "Ann closed it", At: sampleNow - hour, DueAt: sampleNow, State: "kept", Outcome: "The mail was accepted."}},
	}
}
