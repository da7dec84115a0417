package view_test

import "postroom/internal/query"

// sampleGive looks for the customer to whom a conversation is given.
func sampleGive(text string) query.GivePage {
	p := query.GivePage{Shell: sampleShell("desk", "", "/desk"), Number: 1042, Subject: "The lamp arrived broken", Is: "Mara Lind", Query: text, Back: "/conversations/1042?folder=mine"}
	switch text {
	case "":
	case "ma":
		p.Found = []query.GiveTo{{ID: 1, Name: "Mara Lind", Address: "mara.lind@north-harbour-lighting.example", Talks: 3, Is: true},
			{ID: 2, Name: "Maximilian von Hohenstein-Wertheimer", Address: "max@customer.example", Talks: 1}, {ID: 3, Address: "ma@customer.example", Talks: 12}}
	default:
		p.New = text
	}
	return p
}

// asleep are rows of conversations that sleep.
func asleep() []query.Row {
	out := rows()[:2]
	for i := range out {
		out[i].SnoozedUntil = sampleNow + int64(i)*3*day + hour
	}
	return out
}

// sampleMerge is the page that asks what a conversation is merged into.
func sampleMerge(text string) query.MergePage {
	p := query.MergePage{Shell: sampleShell("desk", "", "/desk"), Number: 1042, Subject: "The lamp arrived broken", Customer: "Mara Lind", Query: text, Back: "/conversations/1042"}
	if text == "" {
		p.Found = []query.MergeTo{
			{Number: 1039, Subject: "Lamp", Customer: "Mara Lind", Same: true, Status: "active", LastAt: p.Shell.Now - 3_600_000},
			{Number: 877, Subject: "A rather long subject about the delivery of three lamps, two shades and a box of bulbs", Customer: "North Harbour Lighting", Status: "closed", LastAt: p.Shell.Now - 86_400_000},
		}
	}
	return p
}
