package view_test

import (
	"maps"

	"github.com/a-h/templ"

	"postroom/internal/locale"
	"postroom/internal/query"
	"postroom/internal/web/view"
)

func sampleHead(current string, guide bool) query.MailboxHead {
	h := query.MailboxHead{ID: 1, Name: "Support", Address: "support@harbour.example", Guide: guide, Current: current}
	for _, s := range []query.MailboxStep{{Key: "settings", Title: "Settings", State: "done"}, {Key: "sending", Title: "Sending", State: "done"}, {Key: "receiving", Title: "Receiving", State: "bad"},
		{Key: "domain", Title: "Domain"}, {Key: "trial", Title: "Test mail", State: "todo"}, {Key: "people", Title: "People"}} {
		s.Href = "/mailboxes/1/" + s.Key
		h.Steps = append(h.Steps, s)
	}
	return h
}

func sampleMailboxForm() query.MailboxFormPage {
	return query.MailboxFormPage{Shell: sampleShell("mailboxes", "", "/mailboxes/1"), Head: sampleHead("settings", false), ID: 1, Name: "Support", Address: "support@harbour.example",
		Aliases: "help@harbour.example", SenderName: "both", TeamName: "Harbour Shop", Signature: "<p>{{ agent.name }}, Harbour Shop</p>", UndoSeconds: 10, ReopenDays: 30, Subaddress: true,
		ReplyStatus: "pending", ReplyAssignee: "if_free", AutoBcc: "archive@harbour.example", Headers: "X-Team: Harbour",
		Calendar: "0", Calendars: []query.Choice{{Value: "0", Text: "The default: Support"}, {Value: "1", Text: "Support"}},
		Variables: []query.Choice{{Value: "agent.name", Text: "Name of the agent"}, {Value: "mailbox.name", Text: "Name of the mailbox"}},
		Errors:    query.FieldErrors{"headers": "The header From is written by Postroom itself."}}
}

var badProbe = query.Probe{State: "bad", Title: "The server refuses user name or password", Words: "Gmail, Google Workspace wants this: An app password.", Field: "smtp_password",
	Said: "535 5.7.8 Username and Password not accepted <b>really</b>", Dialogue: []string{"S: 220 smtp.example ESMTP", "C: EHLO desk", "C: AUTH PLAIN ***"}}

var goodProbe = query.Probe{State: "good", Title: "It works: mail can be fetched from imap.harbour.example", Facts: []query.Choice{{Value: "Encryption", Text: "TLS 1.3"}, {Value: "Folder", Text: "INBOX, 214 mails"}}}

var portProbe = query.Probe{State: "bad", Title: "Nothing listens on port 25 of smtp.harbour.example", Words: "The machine is there and refuses the connection.", Field: "smtp_port",
	Advice: &query.ProbeAdvice{Words: "Use TLS on port 465", Security: "tls", Port: 465}}

// setupSamples are the pages of a mailbox's settings and of the guide.
func setupSamples() map[string]templ.Component {
	s := sampleShell("mailboxes", "", "/mailboxes/1")
	gmail := &query.Provider{Key: "gmail", Name: "Gmail, Google Workspace", How: "the mail of harbour.example goes to aspmx.l.google.com", Password: "An app password, not the password you sign in with.", Link: "https://myaccount.google.com/apppasswords", Note: "An administrator can forbid app passwords."}
	microsoft := &query.Provider{Key: "microsoft", Name: "Microsoft 365", Password: "It takes no password from programs that read mail.", Refuses: true}
	all := []query.Choice{{Value: "own", Text: "Another provider, or a server of our own"}, {Value: "gmail", Text: "Gmail, Google Workspace"}, {Value: "microsoft", Text: "Microsoft 365"}}
	doors := []query.Door{{Name: "LMTP", Words: "For a mail server on the same machine.", Lines: []query.Copied{{Label: "Start Postroom with", Text: "postroom serve --lmtp 127.0.0.1:2424"}}},
		{Name: "Pipe", Open: true, Words: "For any mail server.", Lines: []query.Copied{{Label: "By hand", Text: "postroom ingest --data /var/lib/postroom < mail.eml"}}}}
	return map[string]templ.Component{
		"mailbox":         view.MailboxForm(sampleMailboxForm()),
		"mailbox-new":     view.NewMailbox(query.MailboxFormPage{Shell: s, Address: "nonsense", Errors: query.FieldErrors{"address": "This is not an address."}}),
		"setup-sending":   view.Sending(query.SendingPage{Shell: s, Head: sampleHead("sending", true), Provider: gmail, Chosen: "gmail", Providers: all, Host: "smtp.gmail.com", Port: 465, Security: "tls", User: "support@harbour.example", Probe: &badProbe}),
		"sending":         view.Sending(query.SendingPage{Shell: s, Head: sampleHead("sending", false), Chosen: "own", Providers: all, Host: "smtp.harbour.example", Port: 25, Security: "starttls", PasswordSet: true, Probe: &portProbe, Errors: query.FieldErrors{"smtp_host": "smtp.harbour.exmple has no address."}}),
		"setup-receiving": view.Receiving(query.ReceivingPage{Shell: s, Head: sampleHead("receiving", true), Provider: gmail, Chosen: "gmail", Providers: all, Way: "imap", Host: "imap.gmail.com", Port: 993, Security: "tls", User: "support@harbour.example", SamePassword: true, Folders: "INBOX", Older: "none", After: "leave", Copies: "auto", Doors: doors, Probe: &goodProbe, Known: []string{"Archive", "INBOX"}}),
		"receiving":       view.Receiving(query.ReceivingPage{Shell: s, Head: sampleHead("receiving", false), Provider: microsoft, Chosen: "microsoft", Providers: all, Way: "server", Doors: doors, State: "failing", Words: "NO [AUTHENTICATIONFAILED] Invalid credentials", Errors: query.FieldErrors{"in_older_from": "Choose a day."}}),
		"setup-domain": view.Domain(query.DomainPage{Shell: s, Head: sampleHead("domain", true), Domain: "harbour.example", Checks: []query.DomainCheck{
			{Key: "mx", Name: "MX: where mail for the domain goes", State: "good", Title: "Mail for harbour.example goes to mx.harbour.example", Found: []string{"10 mx.harbour.example"}},
			{Key: "spf", Name: "SPF: who may send for the domain", State: "bad", Title: "The SPF record does not name Gmail", Words: "Change the record to the one below.", Found: []string{"v=spf1 mx -all"}, Add: []query.Record{{Type: "TXT", Name: "harbour.example", Text: "v=spf1 mx include:_spf.google.com -all"}}},
			{Key: "dkim", Name: "DKIM: a signature on each mail", State: "warn", Title: "No key was found under the usual names", Words: "A key can stand under any name."},
			{Key: "dmarc", Name: "DMARC: what receivers do with forgeries", State: "wait", Title: "The name server gives no answer"}}}),
		"domain-public": view.Domain(query.DomainPage{Shell: s, Head: sampleHead("domain", false), Domain: "gmail.com", Public: true}),
		"setup-trial": view.Trial(query.TrialPage{Shell: s, Head: sampleHead("trial", true), Ready: true, Receives: true, SentAt: sampleNow - 4000, Waiting: true,
			Tries: []query.Trial{{Kind: "plain", Address: "support@harbour.example", State: "good", Words: "It came back.", Took: 3000, Inbound: 7, Accepted: true},
				{Kind: "subaddress", Address: "support+pk4ab@harbour.example", State: "warn", Words: "The server did not take it for this address.", Said: "550 5.1.1 No such user"}},
			Findings: []query.Finding{{State: "good", Title: "Your server writes down who sent a mail", Words: "It calls itself mx.harbour.example.", Found: []string{"Authentication-Results: mx.harbour.example", "dkim: pass harbour.example"}, Set: "authserv", Value: "mx.harbour.example", Label: "Believe mx.harbour.example"}}}),
		"trial":        view.Trial(query.TrialPage{Shell: s, Head: sampleHead("trial", false)}),
		"setup-people": view.People(query.PeoplePage{Shell: s, Head: sampleHead("people", true), Agents: []query.AgentAccess{{ID: 2, Name: "Ann Moor", Admin: true}, {ID: 3, Name: "Ben Okafor", Allow: true}, {ID: 4, Name: "Chloé Dubois"}}}),
		"setup-ready":  view.Ready(query.ReadyPage{Shell: s, Head: sampleHead("ready", true), Lines: []query.Check{{Name: "Sending", State: "ok", Words: "by smtp.harbour.example, port 465", Href: "/mailboxes/1/sending?guide=1"}, {Name: "Receiving", State: "waiting", Words: "no way in but the pipe", Href: "/mailboxes/1/receiving?guide=1"}}, Open: []query.Choice{{Value: "/mailboxes/1/receiving?guide=1", Text: "Say how mail comes in"}}}),
		"calendars":    view.Calendars(query.CalendarsPage{Shell: sampleShell("mailboxes", "", "/calendars"), Rows: []query.CalendarLine{sampleCalendar().Line, {ID: 2, Name: "Tokyo", Zone: "Asia/Tokyo", Week: []string{"Monday to Sunday 00:00-24:00"}, UsedBy: []query.Choice{{Value: "2", Text: "Orders and returns"}}, Now: true}}}),
		"calendar":     view.Calendar(sampleCalendar()),
		"editor-times": view.WorkflowEditor(sampleTimes()),
		"workflow-times": view.Workflow(func() query.WorkflowPage {
			p := sampleWorkflow(0)
			p.Schedule = &query.WorkflowSchedule{Next: sampleNow + 3*3600_000, Most: 1000, LastAt: sampleNow - day, LastLooked: 2140, LastMatched: 1000, LastWords: "It stopped at its limit of 1000 conversations."}
			return p
		}()),
		"flow-asks": view.Workflow(sampleAsking()),
		"flow-red":  view.Workflow(sampleRefused()),
		"flow-part": view.Workflows(sampleSome()),

		"probe":    view.ProbeResult(badProbe),
		"provider": view.ProviderLine(gmail, "support@harbour.example"),
	}
}

// withSetup adds them to the others.
func withSetup(all map[string]templ.Component) map[string]templ.Component {
	maps.Copy(all, setupSamples())
	maps.Copy(all, fieldSamples())
	return all
}

// sampleCalendar is a calendar that was refused.
func sampleCalendar() query.CalendarPage {
	return query.CalendarPage{Shell: sampleShell("mailboxes", "", "/calendars/1"), Revision: 3, Name: "Support", Zone: "Europe/Berlin", Zones: locale.Zones(),
		Line:     query.CalendarLine{ID: 1, Name: "Support", Zone: "Europe/Berlin", Main: true, Week: []string{"Monday to Thursday 09:00-12:30, 13:30-17:00", "Friday 09:00-15:00"}, Next: sampleNow + 3600_000, Days: 4},
		Week:     [7]string{"09:00-12:30, 13:30-17:00", "09:00-12:30, 13:30-17:00", "09:00-12:30, 13:30-17:00", "09:00-12:30, 13:30-17:00", "15-9"},
		Holidays: "12-25 Christmas Day\n12-26 Boxing Day\n2026-12-28", Exceptions: "2026-12-24 09:00-12:00 Christmas Eve",
		Revisions: []query.CalendarRevision{{Number: 3, At: sampleNow - 3600_000, Author: "Ann Moor"}, {Number: 2, At: sampleNow - 7200_000, Author: "Ann Moor"}},
		Errors:    query.FieldErrors{"week[4]": "15:00-09:00 ends before it begins. What goes on after midnight stands on the next day, from 00:00."}}
}

// sampleTimes is the editor of a workflow that runs at set times.
func sampleTimes() query.EditorPage {
	p := sampleEditor()
	p.Schedule = query.EditorSchedule{On: true, By: "week", At: "08:00", Most: "0", Default: 1000, Next: []int64{sampleNow + 3*3600_000, sampleNow + day, sampleNow + 2*day}, Closed: "skip", Closeds: []query.Choice{{Value: "", Text: "run as on any other day"}, {Value: "skip", Text: "do not run"}}}
	for i, d := range []string{"Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"} {
		p.Schedule.Days = append(p.Schedule.Days, query.EditorChoice{Value: d, Text: d, Chosen: i < 5})
	}
	p.Errors["when.schedule.most"] = "Between 1 and 10000 conversations are possible; 0 stands for the default, 1000."
	return p
}
