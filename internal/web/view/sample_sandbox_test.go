package view_test

import "postroom/internal/query"

// inSandbox is the frame of a page in the sandbox, three days ahead.
func inSandbox() query.Shell {
	s := sampleShell("play", "", "/play")
	s.Sandbox = &query.SandboxFrame{Ahead: 3 * day}
	return s
}

func sampleSandbox(state string) query.SandboxPage {
	s := sampleShell("sandbox", "", "/sandbox")
	s.Sandboxes = true
	p := query.SandboxPage{Shell: s, State: state, Mailboxes: []query.Choice{{Value: "1", Text: "Support"}, {Value: "2", Text: "Orders and returns"}}}
	switch state {
	case "none":
		p.Problem, p.Latest = "Nobody used the sandbox for 14 days, so it was thrown away.", "2000"
		p.Errors = query.FieldErrors{"latest": "A sandbox holds at most 1,000 conversations."}
	case "making":
		p.Words, p.Done, p.Total = "Copying files.", 120, 412
	case "ready":
		p.MadeAt, p.MadeBy, p.Conversations, p.Missing = sampleNow-2*day, "Ann Moor", 200, "#99, #100"
		p.Size, p.Time, p.EndsAt = 18_400_000, sampleNow+3*day, sampleNow+12*day
	}
	return p
}

func samplePlay() query.PlayPage {
	return query.PlayPage{Shell: inSandbox(), Next: sampleNow + day, Agents: agents(),
		Waits:  []query.PlayWait{{Number: 1042, Subject: "Kettle arrived with a dent", Workflow: "Close after 7 days without an answer", DueAt: sampleNow + day}},
		Skips:  []query.PlaySkip{{N: 2, From: sampleNow - 3*day, To: sampleNow, Steps: 5}, {N: 1, From: sampleNow - 3*day - hour, To: sampleNow - 3*day, Steps: 1}},
		Errors: query.FieldErrors{"n": "Skip at least one minute and at most a year."}}
}

func sampleEffects(lines bool) query.EffectsPage {
	p := query.EffectsPage{Shell: inSandbox(), Skip: query.PlaySkip{N: 2, From: sampleNow - 3*day, To: sampleNow, Steps: 5}}
	if !lines {
		return p
	}
	p.Skip.Words = "This took so long that the clock was stopped here. Skip on to see the rest."
	p.Timers, p.Mails, p.Statuses = 2, 1, 1
	p.Lines = []query.EffectLine{
		{At: sampleNow - 2*day, Icon: "clock", Number: 1042, Subject: "Kettle arrived with a dent", Words: "The time came for “Remind on day 5”."},
		{At: sampleNow - 2*day + 1000, Icon: "mail", Number: 1042, Subject: "Kettle arrived with a dent", Words: "“Re: Kettle arrived with a dent” went out", To: "mara@lind.example", Mail: 81, HTML: true},
		{At: sampleNow - hour, Icon: "closed", Number: 1042, Subject: "Kettle arrived with a dent", Words: "The status changed from pending to closed, by “Close after 7 days”, through a workflow."},
		{At: sampleNow - hour, Icon: "warning", Number: 1041, Subject: "Invoice", Words: "“Re: Invoice” did not arrive (550 no such user)", To: "o.feldmann@werk.example", Mail: 82, HTML: true, Bad: true},
	}
	return p
}
