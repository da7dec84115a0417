package view_test

import (
	"net/http"

	"github.com/a-h/templ"

	"postroom/internal/locale"
	"postroom/internal/query"
	"postroom/internal/web/view"
)

// A desk that was never there: enough of everything that each page has
// something to draw.

const (
	sampleNow int64 = 1795341600000 // Sun 22 Nov 2026, 10:00 UTC
	minute    int64 = 60_000
	hour            = 60 * minute
	day             = 24 * hour
)

func sampleShell(section, folder, path string) query.Shell {
	return query.Shell{
		Me:        query.Me{ID: 2, Name: "Ann Moor", Address: "ann@harbour.example", Admin: true, Writes: true, Zone: "Europe/Berlin", Theme: "system", Density: "comfortable"},
		Mailboxes: []query.MailboxFolders{{ID: 1, Name: "Support", Address: "support@harbour.example", Counts: query.FolderCounts{Unassigned: 5, Mine: 3, Assigned: 9, Drafts: 1, Closed: 1204, Spam: 12}}, {ID: 2, Name: "Orders", Address: "orders@harbour.example", Counts: query.FolderCounts{Unassigned: 2, Mine: 1, Assigned: 4, Closed: 310}, Paused: true}},
		All:       query.FolderCounts{Unassigned: 7, Mine: 4, Assigned: 13, Drafts: 1, Snoozed: 2, Closed: 1514, Spam: 12},
		Alarms:    2, Now: sampleNow, Demo: true, Version: "0.1.0",
		Place: query.Place{Section: section, Folder: folder, Path: path},
	}
}

func agents() []query.Choice {
	return []query.Choice{{Value: "2", Text: "Ann Moor"}, {Value: "3", Text: "Ben Okafor"}, {Value: "4", Text: "Chloé Dubois"}, {Value: "5", Text: "Tom Albers"}}
}

func rows() []query.Row {
	names := []struct {
		who, address, subject, preview string
		wait, at                       int64
	}{
		{"Mara Lind", "mara@lind.example", "Kettle arrived with a dent", "Hello, the parcel came today and the kettle has a dent at the spout. I add two pictures. Can you", 26 * hour, 26 * hour},
		{"Oskar Feldmann", "o.feldmann@werk.example", "Invoice 2026-1180 carries the wrong VAT number", "Our accounting asks for a corrected invoice before the end of the month, with DE 811 907 980", 5 * hour, 5 * hour},
		{"Yuki Tanaka", "yuki.tanaka@studio.example", "配送先の住所変更について", "お世話になっております。先日注文した商品の配送先を変更したいのですが、可能でしょうか。", 100 * minute, 100 * minute},
		{"Priya Raman", "priya@raman.example", "Re: Where is my order 55120?", "The tracking page still says “label created”. It has been four days now.", 41 * minute, 41 * minute},
		{"billing@northwind.example", "billing@northwind.example", "Statement of account, November", "Please find attached the statement of account for your records.", 0, 3 * hour},
		{"Léa Fournier", "lea@fournier.example", "Question about the guarantee", "Thank you! That answers it. Have a good week.", 0, 20 * hour},
		{"Jonas Weber", "jonas.weber@example.net", "Cancel subscription, please", "I moved and do not need the monthly box any more. What do I have to do?", 30 * minute, 30 * minute},
		{"Sofia Marino", "sofia@marino.example", "Can I change the colour of an order that was placed this morning before it is packed?", "Order 55203: green instead of blue, if that is still possible.", 12 * minute, 12 * minute},
		{"Hannah Schulz", "hannah@schulz.example", "Gift voucher does not work", "I get “code expired” but it says valid until 2027 on the card.", 2 * minute, 2 * minute},
		{"Daniel Novak", "dn@novak.example", "Thanks", "Great service.", 0, 3 * day},
		{"Ivana Horvat", "ivana@horvat.example", "Parts list for the lamp", "Do you sell the glass alone?", 0, 9 * day},
	}
	out := make([]query.Row, len(names))
	for i, n := range names {
		out[i] = query.Row{ID: int64(100 + i), Number: int64(1042 - i), Subject: n.subject, Preview: n.preview, Customer: n.who, Address: n.address, Status: "active", MailboxID: 1, Mailbox: "Support", LastAt: sampleNow - n.at, Messages: 1 + i%4, Attachments: i%3 == 0}
		if n.wait > 0 {
			out[i].WaitingSince = sampleNow - n.wait
		}
	}
	out[0].Tags = []string{"refund", "damaged"}
	out[1].AssigneeID, out[1].Assignee, out[1].Mailbox = 3, "Ben Okafor", "Orders"
	out[2].Tags = []string{"shipping"}
	out[4].Trouble, out[4].Note = "failed", true
	out[5].Status, out[5].AssigneeID, out[5].Assignee = "pending", 4, "Chloé Dubois"
	out[6].Draft = true
	out[5].Team = "Billing"
	return out
}

func sampleList(folder string, all []query.Row) query.ListPage {
	s := sampleShell("desk", folder, "/folders/"+folder)
	return query.ListPage{Shell: s, List: query.List{Folder: folder, Title: "All mailboxes", Sort: "waiting", Rows: all, Next: "1031", Total: 214, Agents: agents(), Tags: []string{"refund", "shipping"}, Run: []query.Startable{{ID: 41, Name: "Escalate to the second line"}}, Now: s.Now, Me: 2, Zone: s.Me.Zone}}
}

// sampleEdit lets the agent have changed what they wrote, or be about to.
func sampleEdit(p *query.ConversationPage, open bool) {
	for _, e := range p.Timeline {
		m := e.Message
		if m == nil || !m.Mine {
			continue
		}
		m.Editable, m.Version = true, 3
		m.EditedAt, m.EditNote, m.Begun = sampleNow-hour, "Changed after it was sent; the customer has the earlier text.", !open
		if m.ID == 508 {
			m.Latest = true
			continue
		}
		if open {
			m.Edit = &query.EditForm{Message: m.ID, Version: 2, Over: 3, From: 1, SavedAt: sampleNow - minute, Body: "<p>Hello Mara, \"hi\" &amp; good day.</p>", Format: "html", Mailed: true,
				Now: "Hello Mara, I am sorry.", Errors: query.FieldErrors{"body": "A message cannot be left without a word."}}
			continue
		}
		m.History = []query.Version{
			{Number: 3, Author: "Ann Moor", Mine: true, At: sampleNow - hour, Current: true, HTML: m.HTML, Changes: []query.Change{{Kind: "same", Text: "A new kettle leaves"}, {Kind: "removed", Text: "tomorrow"}, {Kind: "added", Text: "today"}}},
			{Number: 2, Author: "Ann Moor", Mine: true, At: sampleNow - 2*hour, HTML: "<p>A new <b>kettle</b> leaves tomorrow.</p>", Came: 1, Went: 2},
			{Number: 1, Author: "Ann Moor", Mine: true, At: m.At, First: true, Text: "A new kettle leaves tomorrow."},
		}
	}
}

func sampleConversation(kind string) query.ConversationPage {
	s := sampleShell("desk", "mine", "/conversations/1042?folder=mine")
	mara := query.Address{Name: "Mara Lind", Address: "mara@lind.example"}
	p := query.ConversationPage{
		Shell: s,
		Head: query.Head{ID: 100, Number: 1042, Subject: "Kettle arrived with a dent", Status: "active", AssigneeID: 2, Assignee: "Ann Moor", MailboxID: 1, Mailbox: "Support",
			MailAddress: "support@harbour.example", Tags: []string{"refund", "damaged"}, CreatedAt: sampleNow - 26*hour, WaitingSince: sampleNow - 2*hour, LastSeq: 14},
		Previous: 1043, Next: 1041, Agents: agents(), Tags: []string{"refund", "shipping", "vip"},
		May:    query.MayConverse{Reply: true, Note: true, Status: true, Assign: true, Tag: true, Subject: true, Snooze: true, Move: true, Delete: true},
		MoveTo: []query.Choice{{Value: "2", Text: "Orders and returns"}, {Value: "3", Text: "Press"}},
		Run:    []query.Startable{{ID: 41, Name: "Escalate to the second line", Doing: "Assigns it to Ben Okafor, adds the tag urgent and adds a note"}, {ID: 42, Name: "Ask for a photo", Doing: "Replies to the customer"}},
		Side: query.Side{CustomerID: 7, Name: "Mara Lind", Addresses: []string{"mara@lind.example", "m.lind@work.example"}, Followers: []string{"Ann Moor", "Ben Okafor"}, Written: "Mara Lind", Language: "sv", LanguageSet: true, Stopped: []query.Choice{{Value: "m.lind@work.example", Text: "Mail to it came back: 550 5.1.1 No such user"}}, Company: "Lind Ceramics", Since: sampleNow - 400*day, Count: 4,
			Others:       []query.OtherConversation{{Number: 871, Subject: "Delivery to a parcel station", Status: "closed", LastAt: sampleNow - 80*day}, {Number: 902, Subject: "Missing spoon in set of six", Status: "pending", LastAt: sampleNow - 40*day}, {Number: 1010, Subject: "Newsletter", Status: "spam", LastAt: sampleNow - 9*day}},
			Participants: []query.Address{{Name: "Erik Lind", Address: "erik@lind.example"}},
			Fields:       sampleFieldValues(false), Theirs: sampleFieldValues(false)[1:3]},
	}
	p.Timeline = []query.Entry{
		{Message: &query.Message{ID: 501, Seq: 1, Kind: "received", Author: "Mara Lind", Address: "mara@lind.example", At: sampleNow - 26*hour, To: []query.Address{{Address: "support@harbour.example"}}, Cc: []query.Address{{Name: "Erik Lind", Address: "erik@lind.example"}},
			Text: "Hello,\n\nthe parcel came today (order 55120) and the kettle has a dent at the spout. I add two pictures. See also https://shop.harbour.example/orders/55120 for what I ordered.\n\nCan you send another one, or shall I return it first?\n\nBest wishes,\nMara Lind", HasRaw: true, Verified: true,
			HiddenText:  "On 19 Nov 2026, Harbour Shop wrote:\n> Your order 55120 is on its way.\n> Track it here.",
			Attachments: []query.Attachment{{ID: 31, Name: "spout.jpg", Type: "image/jpeg", Size: 820_000, Picture: true}, {ID: 32, Name: "whole kettle on the table.jpg", Type: "image/jpeg", Size: 1_240_000, Picture: true}, {ID: 33, Name: "delivery-note.pdf", Type: "application/pdf", Size: 88_000}}}},
		{Event: &query.EventLine{ID: 903, Seq: 3, Kind: "assignee.changed", Actor: "Ann Moor", ActorKind: "agent", Mine: true, Path: "menu", To: "Ann Moor", At: sampleNow - 25*hour, Why: true}},
		{Event: &query.EventLine{ID: 904, Seq: 4, Kind: "tags.changed", Actor: "Sort damaged goods", ActorKind: "workflow", Path: "workflow", To: "refund, damaged", At: sampleNow - 25*hour, Why: true}},
		{Message: &query.Message{ID: 502, Seq: 5, Kind: "note", Author: "Ben Okafor", AgentID: 3, At: sampleNow - 24*hour, HTML: "<p>Third dented one from this batch. The packer at <strong>dock 4</strong> uses the thin boxes again; I told Tom.</p><ul><li>Refund or replace, both are fine</li><li>No return needed</li></ul>"}},
		{Message: &query.Message{ID: 503, Seq: 6, Kind: "reply", Author: "Ann Moor", AgentID: 2, Mine: true, At: sampleNow - 23*hour, To: []query.Address{mara}, Cc: []query.Address{{Name: "Erik Lind", Address: "erik@lind.example"}},
			HTML:  "<p>Hello Mara,</p><p>I am sorry about that. A new kettle leaves today; keep the dented one or give it away, <em>no need to return it</em>.</p><blockquote><p>Can you send another one, or shall I return it first?</p></blockquote><p>Kind regards,<br>Ann</p>",
			Mails: []query.MailChip{{ID: 71, State: "accepted", At: sampleNow - 23*hour + 11_000, Server: "mx.lind.example"}}}},
		{Event: &query.EventLine{ID: 907, Seq: 7, Kind: "status.changed", Actor: "Ann Moor", ActorKind: "agent", Mine: true, Path: "send", From: "active", To: "closed", At: sampleNow - 23*hour, Why: true}},
		{Event: &query.EventLine{ID: 907, Kind: "promise.broken", ActorKind: "system", Promise: 1, Trace: "/promises/1?event=907#trace-907", Words: "The promise “Whoever is closed hears of it, once” was broken. “Tell the customer it is closed” matched and sent nothing.", Bad: true, Why: true, At: sampleNow - 23*hour + 5_000}},
		{Message: &query.Message{ID: 504, Seq: 8, Kind: "reply", Author: "Support", Workflow: "Tell the customer it is closed", At: sampleNow - 23*hour + 12_000, To: []query.Address{mara},
			HTML: "<p>Hello Mara,</p><p>we have closed your request 1042. If anything is left, just answer this mail.</p>", Mails: []query.MailChip{{ID: 72, State: "accepted", At: sampleNow - 23*hour + 13_000, Server: "mx.lind.example", Automatic: true}}}},
		{Message: &query.Message{ID: 505, Seq: 9, Kind: "received", Author: "Mara Lind", Address: "mara@lind.example", At: sampleNow - 2*hour, Framed: true, Remote: true, HiddenFrame: true, HasRaw: true, Later: true}},
		{Event: &query.EventLine{ID: 910, Seq: 10, Kind: "status.changed", Actor: "Mara Lind", ActorKind: "customer", Path: "mail", From: "closed", To: "active", At: sampleNow - 2*hour, Why: true}},
		{Message: &query.Message{ID: 506, Seq: 11, Kind: "received", Author: "Erik Lind", Address: "erik@lind.example", At: sampleNow - 100*minute, Class: "auto_reply", Collapsed: true, Text: "I am out of office until Monday."}},
		{Message: &query.Message{ID: 507, Seq: 12, Kind: "reply", Author: "Chloé Dubois", AgentID: 4, At: sampleNow - 90*minute, To: []query.Address{mara}, HTML: "<p>The new one is with the carrier, number <code>JD0146</code>.</p>",
			Mails: []query.MailChip{{ID: 73, State: "uncertain", At: sampleNow - 89*minute, Words: "the connection broke after the final dot"}, {ID: 74, State: "failed", At: sampleNow - 89*minute, Words: "550 5.1.1 no such user", Mixed: "1 of 2 refused"}}}},
		{Message: &query.Message{ID: 508, Seq: 13, Kind: "reply", Author: "Ann Moor", AgentID: 2, Mine: true, At: sampleNow - 4000, To: []query.Address{mara}, HTML: "<p>And here is the label, just in case.</p>", Mails: []query.MailChip{{ID: 75, State: "held", Until: sampleNow + 600_000, At: sampleNow - 4000}}}},
	}
	p.Receipt = &query.Receipt{Parts: []query.ReceiptPart{{Text: "Closed by Ann, Send & Close", At: sampleNow - 23*hour, State: "ok", Event: 907}, {Text: "reply accepted by mx.lind.example", At: sampleNow - 23*hour + 11_000, State: "ok", Mail: 71}, {Text: "notice accepted", At: sampleNow - 23*hour + 13_000, State: "ok", Mail: 72}}}
	p.Composer = &query.Composer{Number: 1042, Key: "new-508", Kind: "reply", From: "Ann at Support <support@harbour.example>", To: []query.Address{mara}, Known: []query.Address{mara, {Name: "Lind, Erik", Address: "erik@lind.example"}}, Subject: "Re: Kettle arrived with a dent",
		Format: "text", Agents: agents(), Seen: 14, Return: "/folders/mine", UndoMS: 10_000}
	switch kind {
	case "edited", "editing":
		sampleEdit(&p, kind == "editing")
	case "snoozed":
		p.Head.SnoozedUntil = sampleNow + 3*day
		p.Timeline = append(p.Timeline, query.Entry{Event: &query.EventLine{ID: 930, Seq: 15, Kind: "conversation.snoozed", Actor: "Ann Moor", ActorKind: "agent", Mine: true, Path: "menu", Until: sampleNow + 3*day, At: sampleNow, Why: true}})
	case "given":
		giveToTeam(&p)
	case "deleted":
		p.Head.DeletedAt, p.Composer = sampleNow-hour, nil
		p.May = query.MayConverse{Restore: true}
	case "reply":
		p.Composer.Open, p.Composer.Draft, p.Composer.Revision, p.Composer.Key, p.Composer.SavedAt = true, 88, 3, "88", sampleNow-2*minute
		p.Composer.Body, p.Composer.Format = "<p>Hello Mara,</p><p>the carrier says <strong>Tuesday</strong>.</p><ul><li>One kettle</li><li>One box of tea, from us</li></ul>", "html"
		p.Composer.Signature = "<p>Ann Moor<br>Harbour Shop</p>"
		p.Composer.Attachments = []query.Attachment{{ID: 61, Name: "label.pdf", Type: "application/pdf", Size: 45_000}}
	case "note":
		p.Composer.Open, p.Composer.Kind, p.Composer.Body = true, "note", "Tom says the new boxes come on Friday."
	case "stale":
		p.Composer.Open, p.Composer.Body = true, "Hello Mara, it leaves today."
		p.Composer.Stale = &query.Stale{Words: "Mara Lind wrote 1 minute ago", Preview: "Never mind, I found the other one!", Message: 505}
		p.Composer.Told = "The customer was already told that this is closed: the notice leaves before this reply."
		p.Composer.Errors = query.FieldErrors{"to": "“mara@” is not a mail address."}
	case "closed":
		p.Head.Status = "closed"
		p.Shell.Undo = []query.Undo{{Act: 9, Number: 1042, Words: "Reply sent and closed", Until: sampleNow + 8000, Arrived: "Mara Lind wrote: Thank you!"}}
		p.Receipt.Bad, p.Receipt.Parts[2].State, p.Receipt.Parts[2].Text = true, "bad", "notice failed: 550 5.7.1 rejected"
	}
	return p
}

func sampleMails() []query.MailLine {
	states := []string{"accepted", "held", "queued", "sending", "deferred", "uncertain", "quarantined", "failed", "cancelled", "suppressed", "skipped", "assumed_sent"}
	out := make([]query.MailLine, len(states))
	for i, st := range states {
		out[i] = query.MailLine{ID: int64(70 + i), State: st, Kind: "reply", Number: int64(1042 - i), Subject: "Re: Kettle arrived with a dent", To: "mara@lind.example, erik@lind.example", MailboxID: 1, Mailbox: "Support", At: sampleNow - int64(i)*hour, ChangedAt: sampleNow - int64(i)*hour, Tries: i % 3, DueAt: sampleNow + int64(i)*minute}
		if i%2 == 1 {
			out[i].Workflow, out[i].Automatic = "Tell the customer it is closed", true
		}
	}
	out[4].Words, out[7].Words, out[8].Words = "451 4.7.1 greylisted, try again later", "550 5.1.1 no such user", "undone by Ann Moor"
	return out
}

func sampleJourney() query.JourneyPage {
	said := []query.DialogueLine{{Text: "220 mx.lind.example ESMTP"}, {Client: true, Text: "EHLO harbour.example"}, {Text: "250-STARTTLS"}, {Client: true, Text: "MAIL FROM:<support@harbour.example>"}, {Text: "250 2.1.0 Ok"}, {Client: true, Text: "RCPT TO:<mara@lind.example>"}, {Text: "451 4.7.1 greylisted, try again later"}}
	p := query.JourneyPage{Shell: sampleShell("mails", "", "/mails/71"), Mail: sampleMails()[0], From: "Ann at Support <support@harbour.example>", MessageID: "k1.71.9f2c@harbour.example", InReplyTo: "ab@lind.example", Size: 48_213, SHA256: "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
		Header: "From: Ann at Support <support@harbour.example>\nTo: Mara Lind <mara@lind.example>\nSubject: Re: Kettle arrived with a dent", Text: "Hello Mara,\n\nI am sorry about that.", HTML: true, Files: []query.Attachment{{ID: 31, Name: "label.pdf", Size: 45_000}},
		Recipients: []query.Verdict{{Address: "mara@lind.example", Role: "to", State: "accepted", Code: 250, Enhanced: "2.0.0", Words: "Ok: queued as 4F2A", Server: "mx.lind.example", At: sampleNow - 22*hour}, {Address: "erik@lind.example", Role: "cc", State: "failed", Code: 550, Enhanced: "5.1.1", Words: "no such user", At: sampleNow - 22*hour, Bounced: true, Complained: true}},
		May:        query.MayMail{Retry: true, Again: true, Arrived: true, Cancel: true, Release: true}}
	p.Steps = []query.JourneyStep{
		{Kind: "cause", Title: "Ann Moor chose Send & Close", At: sampleNow - 23*hour, State: "ok", Href: "/conversations/1042", Link: "#1042"},
		{Kind: "rendered", Title: "Written out", Words: "Message-ID, recipients and content are fixed from here on", At: sampleNow - 23*hour, State: "ok"},
		{Kind: "held", Title: "Held for 10 s", Words: "could be undone", At: sampleNow - 23*hour, State: "ok"},
		{Kind: "attempt", Title: "Attempt 1", Number: 1, Server: "mx.lind.example (203.0.113.9)", TLS: "TLS 1.3", Phase: "rcpt", Took: 412, Words: "451 4.7.1 greylisted, try again later", At: sampleNow - 23*hour + 10_000, State: "bad", Dialogue: said},
		{Kind: "attempt", Title: "Attempt 2", Number: 2, Server: "mx.lind.example (203.0.113.9)", TLS: "TLS 1.3", Phase: "answer", Took: 1512, At: sampleNow - 22*hour, State: "ok", Dialogue: said[:6]},
		{Kind: "verdict", Title: "Accepted by mx.lind.example", At: sampleNow - 22*hour, State: "ok"},
	}
	return p
}

func sampleWhy() query.WhyPage {
	table := []query.WhyCondition{{Group: "all", Verdict: "false"}, {Depth: 1, Fact: "Status after the event", Operator: "is", Expected: "closed", Actual: "closed", Verdict: "true"}, {Depth: 1, Group: "none", Verdict: "false"}, {Depth: 2, Fact: "Tags", Operator: "has any of", Expected: "no-notice", Actual: "refund, no-notice", Verdict: "true"}, {Depth: 1, Fact: "Customer's company", Operator: "is set", Expected: "", Actual: "", Verdict: "unknown"}}
	c := sampleConversation("")
	return query.WhyPage{Shell: sampleShell("desk", "mine", "/conversations/1042/why"), Head: c.Head, Receipt: c.Receipt, Events: []query.WhyEvent{
		{Line: *c.Timeline[5].Event, State: "judged", JudgedAt: sampleNow - 23*hour + 10_000, Revision: 7, Promises: []query.WhyPromise{{ID: 1, Name: "Whoever is closed hears of it, once", State: "kept", Words: "The mail was accepted."}}, Workflows: []query.WhyWorkflow{
			{ID: 1, Name: "Tell the customer it is closed", Version: 2, Verdict: "matched", Conditions: table[1:2], Effects: []query.WhyEffect{{Text: "Replied to the customer", State: "done", Mail: 72, MailState: "accepted"}, {Text: "Added the tag closed-by-us", State: "overtaken", Words: "Ben Okafor removed it meanwhile"}}},
			{ID: 3, Name: "No notice for partners", Version: 1, Verdict: "not matched", Conditions: table, Change: "the tag no-notice were not there"},
			{ID: 4, Name: "Ask for a rating", Version: 5, Verdict: "not considered", Reason: "stopped by Tell the customer it is closed"},
		}, Listened: 1003, Unmatched: 990, Unknown: 3, Aside: 7},
		{Line: *c.Timeline[2].Event, State: "not_judged", Words: "Judging failed five times: the template needs customer.first_name", Cause: 903, Depth: 1, Retry: true},
		{Line: *c.Timeline[1].Event, State: "judged", JudgedAt: sampleNow - 25*hour, Revision: 7},
	}}
}

// sampleWhyOne is the page of one event, in the middle of many workflows.
func sampleWhyOne() query.WhyPage {
	p := sampleWhy()
	p.Events, p.One, p.From = p.Events[:1], p.Events[0].Line.ID, 100
	p.Events[0].Unmatched, p.Events[0].Unknown, p.Events[0].Aside = 0, 0, 0
	return p
}

func sampleQueue() query.QueuePage {
	return query.QueuePage{Shell: sampleShell("queue", "", "/queue"), Total: 9, Rows: sampleMails()[1:8], Channels: []query.Channel{
		{MailboxID: 1, Mailbox: "Support", Host: "smtp.harbour.example:587", Depth: []query.StateCount{{State: "held", Count: 2}, {State: "queued", Count: 14}, {State: "sending", Count: 2}, {State: "deferred", Count: 5}, {State: "uncertain", Count: 1}}, NextDue: sampleNow + 8000},
		{MailboxID: 2, Mailbox: "Orders", Host: "smtp.harbour.example:587", Paused: true, Words: "535 5.7.8 Authentication credentials invalid", Since: sampleNow - 40*minute, Depth: []query.StateCount{{State: "queued", Count: 6}}},
		{MailboxID: 3, Mailbox: "Press"},
		{MailboxID: 4, Mailbox: "News", Host: "smtp.harbour.example:587", Slow: true, Words: "421 4.7.0 Too many messages, please slow down", Depth: []query.StateCount{{State: "queued", Count: 31}}, DueNow: 31, NextTurn: sampleNow + 18000},
		{MailboxID: 5, Mailbox: "Shop", Host: "smtp.harbour.example:587", Depth: []query.StateCount{{State: "queued", Count: 3}}, DueNow: 3, NextTurn: sampleNow + 2000}},
		Kinds: []query.WorkDepth{{Kind: "receive", Due: 0, Failed: 1}, {Kind: "judge", Due: 3, Running: 1, Oldest: sampleNow - 2*minute}, {Kind: "timer", Later: 1204}}}
}

func sampleAlarms() query.AlarmsPage {
	return query.AlarmsPage{Shell: sampleShell("alarms", "", "/alarms"), Open: []query.Alarm{
		{ID: 1, Kind: "channel", Words: "Orders cannot send: its server refuses the password", Detail: "535 5.7.8 Authentication credentials invalid", Do: "Enter the password again on the mailbox's page, then resume. 6 mails wait; none is lost.", Href: "/mailboxes/2", Link: "To the mailbox", Since: sampleNow - 40*minute, Last: sampleNow - minute, Count: 6},
		{ID: 2, Kind: "inbound", Words: "A mail could not be processed", Do: "Read it in the incoming log; try again after an update.", Href: "/inbound?state=failed", Since: sampleNow - 3*day, Last: sampleNow - 3*day, AckedBy: "Ann Moor", AckedAt: sampleNow - 2*day}},
		Cleared: []query.Alarm{{ID: 3, Words: "The mail server of Support did not answer", Since: sampleNow - 5*day, Cleared: sampleNow - 5*day + hour}}}
}

func sampleInbound() query.InboundPage {
	return query.InboundPage{Shell: sampleShell("inbound", "", "/inbound"), Counts: []query.StateCount{{State: "failed", Count: 1}}, Rows: []query.InboundLine{
		{ID: 1, At: sampleNow - 2*hour, From: "Mara Lind <mara@lind.example>", To: "support@harbour.example", Subject: "Re: Kettle arrived with a dent", Size: 12_400, Source: "lmtp", Class: "human", State: "done", Number: 1042, Message: 505, Why: "joined by the token in the address", MessageID: "x@lind.example"},
		{ID: 2, At: sampleNow - 3*hour, From: "Erik Lind <erik@lind.example>", To: "support@harbour.example", Subject: "Out of office", Class: "auto_reply", State: "done", Number: 1042, Why: "joined by the id it answers"},
		{ID: 3, At: sampleNow - 3*day, From: "?", To: "orders@harbour.example", Subject: "", State: "failed", Words: "could not be processed: more than 1,000 parts", Tries: 5},
		{ID: 4, At: sampleNow - 4*day, From: "Mara Lind <mara@lind.example>", To: "support@harbour.example", Subject: "Kettle", State: "duplicate", Why: "the same mail as one received before"}}}
}

func sampleWorkflow(shown int) query.WorkflowPage {
	w := sampleWorkflows().Rows[0]
	var gone []string
	if shown == 0 {
		gone = []string{"Its action 2, “assign it to Dov”: Dov is disabled; nothing can be assigned or sent to them.", "Its conditions: The tag 71 is not there (any more)."}
	}
	return query.WorkflowPage{Gone: gone, Shell: sampleShell("workflows", "", "/workflows/1"), Workflow: w, When: "the status of a conversation changes to closed",
		If:       []query.WorkflowTerm{{Group: "all"}, {Depth: 1, Fact: "the closing", Operator: "was not done by", Value: "a workflow"}, {Depth: 1, Fact: "the tags", Operator: "do not have", Value: "no-notice"}},
		Then:     []query.WorkflowStep{{Text: "Reply to the customer", Words: "“Hello {{ customer.first_name }}, we have closed …”"}, {Text: "Stop"}},
		Limits:   []string{"Once per event; at most 3 mails per conversation and day that only machines caused."},
		Template: "Hello {{ customer.first_name | default: \"there\" }},\n\nwe have closed your request {{ conversation.number }}. If anything is left, just answer this mail.", Variables: []query.Choice{{Value: "customer.first_name", Text: "First name of the customer"}, {Value: "conversation.number", Text: "Number of the conversation"}},
		Preview:  &query.WorkflowSample{Number: 1042, Subject: "Re: Kettle arrived with a dent", To: "Mara Lind <mara@lind.example>", Text: "Hello Mara,\n\nwe have closed your request 1042."},
		Versions: []query.WorkflowVersion{{Version: 2, At: sampleNow - 3*day, By: "Ann Moor", Note: "Warmer words", Current: true}, {Version: 1, At: sampleNow - 90*day, By: "Postroom"}}, Shown: shown, MayEdit: true, MayTell: true, CopyTo: []query.Choice{{Value: "0", Text: "All mailboxes"}, {Value: "1", Text: "Support"}}, Errors: query.FieldErrors{"template": "Line 3: there is no variable conversation.nunber."}}
}

func sampleWorkflows() query.WorkflowsPage {
	return query.WorkflowsPage{Shell: sampleShell("workflows", "", "/workflows"), Rows: []query.WorkflowLine{
		{ID: 1, Name: "Tell the customer it is closed", Sentence: "When the status changes to closed, then reply to the customer.", On: true, Version: 2, PublishedAt: sampleNow - 3*day, PublishedBy: "Ann Moor", Runs: 412, First: true, Shipped: true, MayPublish: true},
		{ID: 2, Name: "Acknowledge a new conversation", Sentence: "When a customer begins a conversation, if the mail was written by a person, then reply to the customer.", Version: 1, PublishedAt: sampleNow - 90*day, PublishedBy: "Postroom", Runs: 0, Last: true, Shipped: true, MayPublish: true, Paused: "Paused itself: it failed 5 times in a row. The template needs customer.first_name."}},
		Graph: query.WorkflowGraph{Columns: 3, Rows: 2, Nodes: []query.WorkflowNode{{ID: 1, Name: "Tell the customer it is closed"}, {ID: 2, Name: "Acknowledge a new conversation of a very long name", Row: 1},
			{ID: 4, Name: "Back to pending", Column: 1, Circle: true}, {ID: 5, Name: "Close again", Column: 2, Circle: true}, {ID: 6, Name: "Once more", Column: 1, Row: 1, Circle: true}},
			Arrows: []query.WorkflowArrow{{From: 0, To: 2, Words: "set the status to pending"}, {From: 1, To: 2, Words: "add the tag vip"}, {From: 2, To: 3, Words: "set the status to closed", Circle: true},
				{From: 3, To: 2, Words: "set the status to pending", Circle: true}, {From: 1, To: 4, Words: "reply to the customer"}, {From: 4, To: 4, Words: "reply to the customer", Circle: true}}},
		Drafts:  []query.WorkflowDraftLine{{ID: 3, Sentence: "When …: do nothing yet.", SavedAt: sampleNow - hour, SavedBy: "Ann Moor"}},
		Deleted: []query.WorkflowLine{{ID: 4, Name: "Greet everybody twice", Sentence: "When a message arrives: reply to the customer.", Version: 1, DeletedAt: sampleNow - day, MayPublish: true}}}
}

// sampleEditor has one of each control, and everything that can be said about
// a field.
// sampleTest is a test that was made from a moment, and is red.
func sampleTest() query.TestPage {
	return query.TestPage{Shell: sampleShell("workflows", "", "/workflows/1/tests/new"), Workflow: 1, Title: "Tell the customer it is closed", Pinned: 7, Tried: true,
		Text:   "name: An agent closes it\ngiven:\n  customer.name: Kim Customer\nwhen: {event: status.changed, from: active, to: closed}\nexpect:\n  verdict: matched\n  mails:\n    - contains: Hello Kim\n",
		Result: sampleTests()[0], Reason: "Matched.", Kept: []string{"Of the text of the message the part that a pattern matches is kept; look whether it says something about a person."},
		Errors: query.FieldErrors{"text": "Line 2, column 1: There is no field \"givn\" here; did you mean \"given\"?"}, Defaults: []string{"The customer has no name and the address customer@example.com."}}
}

func sampleTests() []query.EditorTest {
	return []query.EditorTest{
		{ID: 5, Name: "An agent closes it", Verdict: "matched", Differences: []query.TestDifference{{What: "mail 1", Expected: `a text that contains "Hello Kim"`, Actual: `"Bye Kim, we have now closed your request, number 12."`}}},
		{ID: 6, Name: "Closing spam tells nobody", Verdict: "filtered", Green: true},
	}
}

func sampleEditor() query.EditorPage {
	choices := func(words ...string) (out []query.EditorChoice) {
		for i, w := range words {
			out = append(out, query.EditorChoice{Value: w, Text: w, Chosen: i == 1})
		}
		return out
	}
	cond := func(place, fact, op, input string) query.EditorNode {
		return query.EditorNode{Place: place, Words: fact, Fact: fact, Op: op, Ops: []query.Choice{{Value: op, Text: op}}, Doc: "What it is.",
			Value: query.EditorControl{Name: place + ".values", Input: input, Value: "7", Unit: "d", Choices: choices("7", "8"), Hint: "Such as 7."}}
	}
	header := cond("if[6]", "message.header.*", "set", "none")
	header.IsHeader, header.Strange = true, true
	return query.EditorPage{Shell: sampleShell("workflows", "", "/workflows/1/edit"), Called: sampleCalled(), ID: 1, Name: "Tell the customer it is closed", Mailbox: "0", Mailboxes: []query.Choice{{Value: "0", Text: "All mailboxes"}},
		Version: 2, Base: 1, Newer: true, MayPublish: true, Revision: 4, SavedAt: sampleNow - minute, SavedBy: "Ann Moor", Sentence: "When the status changes to closed: reply to the customer.", At: "if[1]", Tests: sampleTests(),
		Events: []query.EditorEvent{{Value: "status.changed", Text: "the status changes"}}, Event: "status.changed", EventDoc: "From one status to another.",
		Filters: []query.EditorControl{{Name: "when.to", Label: "To", Choices: choices("active", "closed"), Any: "anything"}, {Name: "when.actors", Label: "By", Any: "anybody"}},
		If: query.EditorNode{Place: "if", Group: "all", Children: []query.EditorNode{cond("if[0]", "customer.name", "contains", "text"), cond("if[1]", "conversation.status", "is", "choice"),
			{Place: "if[2]", Group: "any", Words: "the group", Children: []query.EditorNode{cond("if[2][0]", "conversation.tags", "has_any", "choices"), {Place: "if[2][1]", Words: "the condition", Last: true}}},
			cond("if[3]", "conversation.created", "within", "span"), cond("if[4]", "customer.name", "one_of", "lines"), cond("if[5]", "conversation.created", "before", "date"), header}},
		Facts: []query.EditorFacts{{Group: "Customer", Facts: []query.Choice{{Value: "customer.name", Text: "the customer's name"}}}},
		Then: []query.EditorStep{{Place: "then[0]", Do: "reply", Label: "Reply", Doc: "A mail.", Text: "Hello\nthere", First: true}, {Place: "then[1]", Do: "note", Label: "Note"}, sampleCallStep(), {Place: "then[15]", Do: "wait", Label: "Wait", Doc: "What stands behind it is done later.", For: "2", Unit: "d", Unless: []query.EditorUnless{{Place: "then[15].unless[0]", Event: "message.received", Words: "unless a message arrives"}}}, {Place: "then[17]", Do: "snooze", Label: "Snooze", Doc: "It sleeps.", Until: "mon", At: "08:30", Untils: []query.Choice{{Value: "mon", Text: "Until the next Monday at"}}}, {Place: "then[18]", Do: "team", Label: "Give to a team", Doc: "Who is assigned stays.", Teams: choices("0", "2")}, {Place: "then[16]", Do: "run", Label: "Run another workflow", Workflows: []query.EditorChoice{{Value: "41", Text: "Escalate", Chosen: true}}}, {Place: "then[2]", Do: "status", Label: "Status"},
			{Place: "then[3]", Do: "assign", Label: "Assign", Agents: choices("0", "2")}, {Place: "then[4]", Do: "tags", Label: "Tags", Add: choices("1", "2")}, {Place: "then[5]", Do: "reply", Label: "Reply", Text: "<p>x</p>", IsHTML: true}, {Place: "then[6]", Do: "stop", Label: "Stop", Last: true}},
		Actions: []query.EditorAction{{Do: "reply", Label: "Reply to the customer", Doc: "A mail."}}, Limits: query.EditorLimits{OncePer: "close", CoolDown: "2", Unit: "h", Default: 3, HasMail: true}, Statuses: []query.Choice{{Value: "closed", Text: "closed"}},
		Errors: query.FieldErrors{"if[0].values": "Say less.", "": "Wrong.", "on": "There is no conversation 9."}, Missing: query.FieldErrors{"then[2].status": "Choose a status."},
		ToDo:      []query.EditorProblem{{Field: "then[2].status", Text: "Choose a status.", Missing: true}, {Field: "if[0].values", Text: "Say less."}},
		Findings:  []query.WorkflowFinding{{Title: "Two mails to the customer", Text: "Both mail.", Workflows: []query.Choice{{Value: "2", Text: "Another"}}}},
		Variables: []query.EditorVariable{{Name: "customer.first_name", Label: "First name", Insert: `{{ customer.first_name | default: "there" }}`, Optional: true}},
		Changes:   []query.WorkflowChange{{Sign: " ", Text: "When"}, {Sign: "-", Text: "Then reply"}, {Sign: "+", Text: "Then stop"}},
		Try: query.EditorTry{Typed: "9", Examples: []query.Choice{{Value: "1042", Text: "Kettle"}}, Number: 1042, Subject: "Kettle", Event: "The status changed", At: sampleNow - hour, Verdict: "not matched", Reason: "Conditions not met.", Change: "It would have matched if …",
			Conditions: []query.WhyCondition{{Fact: "the status", Expected: "is closed", Actual: "active", Verdict: "false"}},
			Steps:      []query.EditorTried{{Text: "Reply", Mail: &query.WorkflowSample{Number: 1042, To: "Mara", Subject: "Re: Kettle", Text: "Hello"}}, {Text: "Add a note", Words: "A note"}}}}
}

func sampleDemo() query.DemoMailsPage {
	s := sampleShell("demo", "", "/demo/customers/mara@lind.example")
	people := []query.DemoCustomer{{Name: "Mara Lind", Address: "mara@lind.example", Mails: 2, Subject: "Re: Kettle arrived with a dent"}, {Name: "Oskar Feldmann", Address: "o.feldmann@werk.example"}}
	return query.DemoMailsPage{Shell: &s, Customer: people[0], Rows: people, Mailboxes: []query.Address{{Name: "Support", Address: "support@harbour.example"}}, Mails: []query.DemoMail{
		{N: 2, At: sampleNow - 23*hour, From: "Support <support@harbour.example>", To: "mara@lind.example", Subject: "Re: Kettle arrived with a dent", Automatic: true, Text: "Hello Mara,\n\nwe have closed your request 1042.", Header: "Auto-Submitted: auto-replied"},
		{N: 1, At: sampleNow - 23*hour - 2000, From: "Ann at Support <support@harbour.example>", To: "mara@lind.example", Subject: "Re: Kettle arrived with a dent", HTML: true, Text: "Hello", Header: "Message-ID: <1@x>", Attachments: []query.Attachment{{ID: 2, Name: "label.png", Size: 45_000, Picture: true}}}}}
}

// samples are all pages by name.
func samples() map[string]templ.Component {
	agentRows := []query.AgentLine{{ID: 2, Name: "Ann Moor", Address: "ann@harbour.example", Role: "admin", LastSeen: sampleNow - minute, Assigned: 4}, {ID: 3, Name: "Ben Okafor", Address: "ben@harbour.example", Role: "agent", LastSeen: sampleNow - 3*hour, Assigned: 9}, {ID: 4, Name: "Chloé Dubois", Address: "chloe@harbour.example", Role: "agent", Invited: true}, {ID: 6, Name: "Uwe Alt", Address: "uwe@harbour.example", Role: "agent", Disabled: true, LastSeen: sampleNow - 200*day}}
	admin := func(section string) query.Shell { return sampleShell(section, "", "/"+section) }
	errShell := admin("")
	spark := []int{3, 5, 8, 2, 0, 1, 6, 9, 12, 7, 4, 3, 8, 10}
	flashed := sampleList("unassigned", rows())
	flashed.Shell.Flash = &query.Flash{Kind: "done", Text: "3 conversations closed.", Href: "/jobs/4", Link: "What happened"}
	return withSetup(map[string]templ.Component{
		"signin":       view.SignIn(query.SignInPage{Address: "ann@harbour.example", Error: "That address and password do not fit together.", Demo: []query.DemoSignIn{{Name: "Ann Moor", Address: "ann@harbour.example", Password: "demo", Role: "admin"}, {Name: "Ben Okafor", Address: "ben@harbour.example", Password: "demo", Role: "agent"}}}),
		"setup":        view.Setup(query.SetupPage{Zones: locale.Zones(), Zone: "Europe/Berlin", Errors: query.FieldErrors{"password": "At least 10 characters."}}),
		"password":     view.Password(query.PasswordPage{Token: "abc", Name: "Chloé", Address: "chloe@harbour.example", Invited: true}),
		"ratings":      view.Ratings(sampleRatings(true)),
		"ratings-none": view.Ratings(sampleRatings(false)),
		"rate":         view.Rate(sampleRate("en", "")),
		"rate-given":   view.Rate(sampleRate("de", "bad")),
		"rate-closed":  view.Rate(sampleRate("fr", "late")),
		"list":         view.List(flashed),
		"list-empty":   view.List(sampleList("mine", nil)),
		"list-frame":   view.ListFrame(sampleList("mine", rows())),
		"counts":       view.Counts(sampleShell("desk", "mine", "/")),
		"conversation": view.Conversation(sampleConversation("")),
		"reply":        view.Conversation(sampleConversation("reply")),
		"note":         view.Conversation(sampleConversation("note")),
		"stale":        view.Conversation(sampleConversation("stale")),
		"undo":         view.Conversation(sampleConversation("closed")),
		"edited":       view.Conversation(sampleConversation("edited")),
		"editing":      view.Conversation(sampleConversation("editing")),
		"why":          view.Why(sampleWhy()),
		"why-one":      view.Why(sampleWhyOne()),
		"mails":        view.Mails(query.MailsPage{Shell: admin("mails"), Rows: sampleMails(), Counts: []query.StateCount{{State: "failed", Count: 3}}, Next: "5"}),
		"journey":      view.Journey(sampleJourney()),
		"queue":        view.Queue(sampleQueue()),
		"alarms":       view.Alarms(sampleAlarms()),
		"inbound":      view.Inbound(sampleInbound()),
		"inbound-mail": view.InboundMail(query.InboundMailPage{Shell: admin("inbound"), Mail: sampleInbound().Rows[2], ClassReasons: []string{"no header says that it is automatic"}, Evidence: []query.Choice{{Value: "token in the address", Text: "none"}}, Header: "From: x\nTo: y", SHA256: "9f86", Notices: []string{"A header line was broken and has been mended."}}),
		"workflows":    view.Workflows(sampleWorkflows()),
		"promises":     view.Promises(samplePromises()),
		"promise":      view.Promise(samplePromise()),
		"workflow":     view.Workflow(sampleWorkflow(0)),
		"workflow-old": view.Workflow(sampleWorkflow(1)),
		"editor":       view.WorkflowEditor(sampleEditor()),
		"test":         view.WorkflowTest(sampleTest()),
		"webhooks":     view.Webhooks(sampleWebhooks()),
		"webhook":      view.Webhook(sampleWebhook()),
		"secrets":      view.WebhookSecrets(sampleSecrets()),
		"judgements":   view.WorkflowJudgements(sampleJudgements()),
		"backtests":    view.WorkflowBacktests(sampleBacktests()),
		"backtest":     view.WorkflowBacktest(sampleBacktest(true)),
		"try-version":  view.TryVersion(sampleTryVersion()),
		"backtest-run": view.WorkflowBacktest(sampleBacktest(false)),
		"judged-none":  view.WorkflowJudgements(query.JudgementsPage{Shell: admin("workflows"), ID: 1, Name: "Tell the customer it is closed", Filters: []query.JudgementFilter{{Text: "All", Chosen: true}}}),
		"recipes":      view.WorkflowRecipes(query.WorkflowRecipesPage{Shell: admin("workflows"), Recipes: []query.WorkflowRecipe{{Key: "closing", Name: "Closing notice", Description: "But not to everybody.", Sentence: "When …: reply."}}}),
		"mailboxes":    view.Mailboxes(query.MailboxesPage{Shell: admin("mailboxes"), Rows: []query.MailboxLine{{ID: 1, Name: "Support", Address: "support@harbour.example", Aliases: 2, Host: "smtp.harbour.example", EverybodySees: true, Open: 14, LastReceived: sampleNow - minute, LastAccepted: sampleNow - hour, Volume: spark}, {ID: 2, Name: "Orders", Address: "orders@harbour.example", Paused: "535", Host: "smtp.harbour.example", Agents: 3, Volume: spark[5:]}}}),
		"agents":       view.Agents(query.AgentsPage{Shell: admin("agents"), Rows: agentRows, Role: "agent", Errors: query.FieldErrors{"email": "There is an agent with this address already."}}),
		"teams":        view.Teams(sampleTeams()),
		"teams-begin":  view.Teams(query.TeamsPage{Shell: admin("teams")}),
		"team":         view.Team(sampleTeam(false)),
		"team-new":     view.Team(sampleTeam(true)),
		"list-team":    view.List(inTeams(sampleList("team-61", rows()[:3]))),
		"team-empty":   view.List(inTeams(sampleList("team-61", nil))),
		"given":        view.Conversation(sampleConversation("given")),
		"agent":        view.Agent(query.AgentPage{Shell: admin("agents"), Agent: agentRows[2], Mailboxes: []query.AgentAccess{{ID: 1, Name: "Support", Allow: true, Right: "answer"}, {ID: 2, Name: "Orders and returns", Right: "see", OnlyAssigned: true, Allow: true}, {ID: 3, Name: "Press"}}, Addresses: "chloe@private.example", Link: "https://desk.harbour.example/password/0f3c9a", LinkUntil: sampleNow + day}),
		"trash":        view.Trash(query.TrashPage{Shell: admin("desk"), Rows: []query.TrashLine{{Name: "Support", N: 12}, {Name: "Orders and returns", N: 1}}, Total: 13, Days: 30}),
		"trash-empty":  view.Trash(query.TrashPage{Shell: admin("desk")}),
		"give":         view.Give(sampleGive("ma")),
		"give-new":     view.Give(sampleGive("carol@north.example")),
		"give-begin":   view.Give(sampleGive("")),
		"merge":        view.Merge(sampleMerge("")),
		"merge-none":   view.Merge(sampleMerge("nothing")),
		"snoozed":      view.Conversation(sampleConversation("snoozed")),
		"list-snoozed": view.List(sampleList("snoozed", asleep())),
		"list-asleep":  view.List(sampleList("snoozed", nil)),
		"deleted":      view.Conversation(sampleConversation("deleted")),
		"profile":      view.Profile(query.ProfilePage{Shell: admin("profile"), Zones: locale.Zones(), Sessions: []query.SessionLine{{ID: "s1", Agent: "Firefox on Linux", Address: "192.0.2.7", LastSeen: sampleNow, Current: true}, {ID: "s2", Agent: "Safari on iPhone", Address: "198.51.100.4", LastSeen: sampleNow - day}}}),
		"system":       view.System(query.SystemPage{Shell: admin("system"), Facts: []query.Choice{{Value: "Version", Text: "0.1.0"}, {Value: "Database", Text: "SQLite 3.50, WAL, synchronous=FULL"}}, Checks: []query.Check{{Name: "Database", State: "ok", Words: "answers in 0.2 ms"}, {Name: "Outgoing mail", State: "bad", Words: "1 channel is paused", Href: "/queue"}}, Settings: []query.Choice{{Value: "undo", Text: "10 s"}}}),
		"job":          view.Job(query.JobPage{Shell: admin("desk"), ID: 4, Words: "Close 214 conversations", State: "running", Total: 214, Done: 120, Changed: 118, UndoUntil: sampleNow + 9000, Skipped: []query.JobSkip{{Number: 1020, Subject: "Thanks", Words: "closed by Ben meanwhile"}}, SkippedN: 2, Return: "/folders/mine", MayCancel: true}),
		"demo":         view.DemoMails(sampleDemo()),
		"demo-people":  view.DemoCustomers(query.DemoCustomersPage{Rows: sampleDemo().Rows}),
		"sandbox":      view.Sandbox(sampleSandbox("ready")),
		"sandbox-none": view.Sandbox(sampleSandbox("none")),
		"sandbox-make": view.Sandbox(sampleSandbox("making")),
		"play":         view.Play(samplePlay()),
		"effects":      view.Effects(sampleEffects(true)),
		"effects-none": view.Effects(sampleEffects(false)),
		"palette":      view.PaletteResults(query.PalettePage{Query: "kettle", Sections: []query.PaletteSection{{Title: "Conversations", Items: []query.PaletteItem{{Text: "Kettle arrived with a dent", Hint: "#1042 · active", Href: "/conversations/1042", Glyph: "conversation"}, {Text: "Kettle lid", Hint: "#871 · closed", Href: "/conversations/871", Glyph: "conversation"}}}, {Title: "Go to", Items: []query.PaletteItem{{Text: "Support: unassigned", Href: "/folders/unassigned?mailbox=1", Glyph: "folder"}}}}}),
		"palette-page": view.Palette(query.PalettePage{Shell: &errShell, Query: "zzz"}),
		"upload":       view.UploadChip(query.UploadedFile{Attachment: query.Attachment{ID: 9, Name: "kettle.png", Size: 12_000, Picture: true}, URL: "/attachments/9/kettle.png?inline=1"}),
		"error-404":    view.Error(query.ErrorPage{Shell: &errShell, Status: http.StatusNotFound, Text: "There is no conversation 9999, or none you may see."}),
		"error-503":    view.Error(query.ErrorPage{Status: http.StatusServiceUnavailable, Text: "Nothing is lost. Mail that comes in waits with your mail server; try again in a moment.", RequestID: "01J9-7F2C"}),
		"body":         view.MessageBody(query.BodyPage{ID: 505, HTML: `<p>Hello again,</p><p>it <b>arrived</b>, thank you! The tea is a lovely idea.</p><table cellpadding="6" bgcolor="#eef"><tr><td>Order</td><td>55120</td></tr><tr><td>Kettle</td><td>1 × 49,00 €</td></tr></table><p>Best,<br>Mara</p>`}),
	})
}
