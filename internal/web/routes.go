package web

import (
	"postroom"
)

// Who may use a route. Which mailboxes an agent may see is asked by what
// answers it.
type Who int

// The kinds of people.
const (
	Anybody Who = iota
	Agents
	Admins
	Writers // who may write workflows of at least one mailbox
)

// Route is one way to ask for something.
type Route struct {
	Method, Pattern string
	Who             Who
	// Paths are the ways by which the route changes conversations, as they
	// stand on the events; nil for a route that changes none (W5).
	Paths []postroom.Path
	// Body says how much a form may send.
	Body   Body
	answer answerer
}

// Body is a size of forms.
type Body int

// The sizes.
const (
	SmallForm Body = iota // fields only: 1 MB
	TextForm              // what an agent writes: 5 MB
	OneFile               // one upload
	SomeFiles             // a whole message with its files, for those without a script
)

// limit is the size in bytes, where one file may have upload bytes.
func (r Route) limit(upload int64) int64 {
	switch r.Body {
	case TextForm:
		return 5 << 20
	case OneFile:
		return upload + 1<<20
	case SomeFiles:
		return 4*upload + 5<<20
	}
	return 1 << 20
}

var (
	byMenu = []postroom.Path{postroom.PathMenu, postroom.PathKeyboard}
	bySend = []postroom.Path{postroom.PathSend, postroom.PathComposer}
	byBulk = []postroom.Path{postroom.PathBulk}
	byUndo = []postroom.Path{postroom.PathUndo}
)

// Routes is the one list of what browsers can ask for.
func (s *Site) Routes() []Route {
	routes := []Route{
		// Signing in
		{Method: "GET", Pattern: "/signin", answer: showSignIn},
		{Method: "POST", Pattern: "/signin", answer: signIn},
		{Method: "POST", Pattern: "/signout", answer: signOut},
		{Method: "GET", Pattern: "/setup", answer: showSetup},
		{Method: "POST", Pattern: "/setup", answer: setUp},
		{Method: "GET", Pattern: "/password/{token}", answer: showPassword},
		{Method: "POST", Pattern: "/password/{token}", answer: choosePassword},

		// Customers
		{Method: "GET", Pattern: "/rate/{token}", answer: showRate},
		{Method: "POST", Pattern: "/rate/{token}", Paths: byRating, answer: rate},

		// The desk
		{Method: "GET", Pattern: "/{$}", Who: Agents, answer: home},
		{Method: "GET", Pattern: "/folders/{folder}", Who: Agents, answer: showFolder},
		{Method: "GET", Pattern: "/fragments/counts", Who: Agents, answer: showCounts},
		{Method: "GET", Pattern: "/palette", Who: Agents, answer: showPalette},
		{Method: "GET", Pattern: "/conversations/{number}", Who: Agents, answer: showConversation},
		{Method: "POST", Pattern: "/conversations/{number}/reply", Who: Agents, Paths: bySend, Body: SomeFiles, answer: reply},
		{Method: "POST", Pattern: "/conversations/{number}/note", Who: Agents, Paths: bySend, Body: SomeFiles, answer: note},
		{Method: "POST", Pattern: "/conversations/{number}/draft", Who: Agents, Body: TextForm, answer: saveDraft},
		{Method: "POST", Pattern: "/conversations/{number}/draft/discard", Who: Agents, answer: discardDraft},
		{Method: "POST", Pattern: "/conversations/{number}/status", Who: Agents, Paths: byMenu, answer: setStatus},
		{Method: "POST", Pattern: "/conversations/{number}/assign", Who: Agents, Paths: byMenu, answer: assign},
		{Method: "POST", Pattern: "/conversations/{number}/team", Who: Agents, Paths: byMenu, answer: setTeam},
		{Method: "POST", Pattern: "/conversations/{number}/tags", Who: Agents, Paths: byMenu, answer: changeTags},
		{Method: "POST", Pattern: "/conversations/{number}/subject", Who: Agents, Paths: byMenu, answer: setSubject},
		{Method: "POST", Pattern: "/conversations/{number}/follow", Who: Agents, Paths: byMenu, answer: follow},
		{Method: "POST", Pattern: "/conversations/{number}/customer", Who: Agents, answer: editCustomer},
		{Method: "POST", Pattern: "/conversations/{number}/customer/allow", Who: Agents, answer: allowMail},
		{Method: "GET", Pattern: "/conversations/{number}/customer", Who: Agents, answer: showGive},
		{Method: "POST", Pattern: "/conversations/{number}/customer/give", Who: Agents, Paths: byMenu, answer: giveTo},
		{Method: "POST", Pattern: "/conversations/{number}/confirm", Who: Agents, Paths: byMenu, answer: confirmSender},
		{Method: "POST", Pattern: "/conversations/{number}/move", Who: Agents, Paths: byMenu, answer: moveConversation},
		{Method: "POST", Pattern: "/conversations/{number}/field", Who: Agents, Paths: byMenu, answer: setField},
		{Method: "GET", Pattern: "/conversations/{number}/merge", Who: Agents, answer: showMerge},
		{Method: "POST", Pattern: "/conversations/{number}/merge/into", Who: Agents, Paths: byMenu, answer: mergeInto},
		{Method: "POST", Pattern: "/conversations/{number}/snooze", Who: Agents, Paths: byMenu, answer: snooze},
		{Method: "POST", Pattern: "/conversations/{number}/wake", Who: Agents, Paths: byMenu, answer: wake},
		{Method: "POST", Pattern: "/conversations/{number}/delete", Who: Agents, Paths: byMenu, answer: deleteConversation},
		{Method: "POST", Pattern: "/conversations/{number}/restore", Who: Agents, Paths: byMenu, answer: restoreConversation},
		{Method: "POST", Pattern: "/conversations/{number}/timers/{id}/cancel", Who: Agents, Paths: byMenu, answer: cancelTimer},
		{Method: "POST", Pattern: "/conversations/{number}/run", Who: Agents, Paths: byMenu, answer: runWorkflow},
		{Method: "GET", Pattern: "/trash", Who: Agents, answer: showTrash},
		{Method: "POST", Pattern: "/trash/empty", Who: Agents, answer: emptyTrash},
		{Method: "POST", Pattern: "/acts/{id}/undo", Who: Agents, Paths: byUndo, answer: undo},
		{Method: "POST", Pattern: "/bulk", Who: Agents, Paths: byBulk, answer: startBulk},
		{Method: "GET", Pattern: "/jobs/{id}", Who: Agents, answer: showJob},
		{Method: "POST", Pattern: "/jobs/{id}/undo", Who: Agents, Paths: byUndo, answer: undoJob},
		{Method: "POST", Pattern: "/jobs/{id}/cancel", Who: Agents, answer: cancelJob},
		{Method: "GET", Pattern: "/conversations/{number}/why", Who: Agents, answer: showWhy},
		{Method: "GET", Pattern: "/events/{id}/why", Who: Agents, answer: whyOfEvent},
		{Method: "POST", Pattern: "/events/{id}/judge", Who: Agents, answer: judgeAgain},

		// What agents are told
		{Method: "GET", Pattern: "/notifications", Who: Agents, answer: showNotifications},
		{Method: "POST", Pattern: "/notifications/read", Who: Agents, answer: readNotifications},
		{Method: "POST", Pattern: "/notifications/unread", Who: Agents, answer: unreadNotifications},
		{Method: "POST", Pattern: "/notifications/{id}/{verb}", Who: Agents, answer: changeNotification},
		{Method: "POST", Pattern: "/conversations/{number}/seen", Who: Agents, Paths: byPage, answer: seeConversation},
		{Method: "POST", Pattern: "/profile/notifications", Who: Agents, answer: setNotifications},
		{Method: "POST", Pattern: "/agents/notifications", Who: Admins, answer: setDefaultNotifications},

		// Files and bodies
		{Method: "POST", Pattern: "/uploads", Who: Agents, Body: OneFile, answer: upload},
		{Method: "GET", Pattern: "/attachments/{id}/{name}", Who: Agents, answer: showAttachment},
		{Method: "GET", Pattern: "/messages/{id}/body", Who: Agents, answer: showBody},
		{Method: "GET", Pattern: "/messages/{id}/raw", Who: Agents, answer: showRaw},

		// Changing what was written
		{Method: "POST", Pattern: "/messages/{id}/edit", Who: Agents, Paths: byMenu, Body: TextForm, answer: editMessage},
		{Method: "POST", Pattern: "/messages/{id}/edit/draft", Who: Agents, Body: TextForm, answer: saveEditDraft},
		{Method: "POST", Pattern: "/messages/{id}/edit/discard", Who: Agents, Body: TextForm, answer: discardEdit},

		// Mail out
		{Method: "GET", Pattern: "/mails", Who: Agents, answer: showMails},
		{Method: "GET", Pattern: "/mails/{id}", Who: Agents, answer: showJourney},
		{Method: "GET", Pattern: "/mails/{id}/html", Who: Agents, answer: showMailHTML},
		{Method: "GET", Pattern: "/mails/{id}/raw", Who: Agents, answer: showMailRaw},
		{Method: "POST", Pattern: "/mails/{id}/{verb}", Who: Agents, answer: changeMail},
		{Method: "GET", Pattern: "/queue", Who: Agents, answer: showQueue},
		{Method: "POST", Pattern: "/queue/retry-all", Who: Agents, answer: retryAll},
		{Method: "POST", Pattern: "/channels/{mailbox}/resume", Who: Agents, answer: resumeChannel},

		// Mail in, alarms
		{Method: "GET", Pattern: "/inbound", Who: Agents, answer: showInbound},
		{Method: "GET", Pattern: "/inbound/{id}", Who: Agents, answer: showInboundMail},
		{Method: "GET", Pattern: "/inbound/{id}/raw", Who: Agents, answer: showInboundRaw},
		{Method: "POST", Pattern: "/inbound/{id}/retry", Who: Agents, answer: retryInbound},
		{Method: "POST", Pattern: "/inbound/{id}/held", Who: Agents, answer: decideInbound},
		{Method: "POST", Pattern: "/inbound/held", Who: Agents, answer: decideAllInbound},
		{Method: "POST", Pattern: "/queue/held", Who: Agents, answer: decideTellings},
		{Method: "GET", Pattern: "/alarms", Who: Admins, answer: showAlarms},
		{Method: "POST", Pattern: "/alarms/{id}/acknowledge", Who: Admins, answer: acknowledge},

		// Workflows
		{Method: "GET", Pattern: "/workflows", Who: Writers, answer: showWorkflows},
		{Method: "GET", Pattern: "/workflows/new", Who: Writers, answer: newWorkflow},
		{Method: "POST", Pattern: "/workflows", Who: Writers, answer: beginWorkflow},
		{Method: "GET", Pattern: "/workflows/{id}/edit", Who: Writers, answer: editWorkflow},
		{Method: "POST", Pattern: "/workflows/{id}/draft", Who: Writers, answer: saveWorkflowDraft},
		{Method: "POST", Pattern: "/workflows/{id}/{verb}", Who: Writers, answer: keepWorkflow},
		{Method: "GET", Pattern: "/workflows/{id}/backtest", Who: Writers, answer: showBacktests},
		{Method: "POST", Pattern: "/workflows/{id}/backtest", Who: Writers, answer: startBacktest},
		{Method: "GET", Pattern: "/workflows/{id}/backtest/{job}", Who: Writers, answer: showBacktest},
		{Method: "GET", Pattern: "/workflows/{id}/judgements", Who: Writers, answer: showJudgements},
		{Method: "GET", Pattern: "/workflows/{id}/tests/{test}", Who: Writers, answer: showTest},
		{Method: "POST", Pattern: "/workflows/{id}/tests/{test}", Who: Writers, answer: saveTest},
		{Method: "POST", Pattern: "/workflows/{id}/switch", Who: Writers, answer: switchWorkflow},
		{Method: "POST", Pattern: "/workflows/{id}/move", Who: Writers, answer: moveWorkflow},
		{Method: "GET", Pattern: "/workflows/{id}", Who: Writers, answer: showWorkflow},
		{Method: "GET", Pattern: "/workflows/{id}/versions/{n}", Who: Writers, answer: showWorkflow},
		{Method: "GET", Pattern: "/workflows/{id}/versions/{n}/try", Who: Writers, answer: tryVersion},
		{Method: "POST", Pattern: "/workflows/{id}/preview", Who: Writers, answer: previewWorkflow},
		{Method: "POST", Pattern: "/workflows/{id}/publish", Who: Writers, answer: publishWorkflow},
		{Method: "POST", Pattern: "/workflows/{id}/versions/{n}/restore", Who: Writers, answer: restoreWorkflow},
		{Method: "GET", Pattern: "/promises", Who: Admins, answer: showPromises},
		{Method: "POST", Pattern: "/promises", Who: Admins, answer: beginPromise},
		{Method: "GET", Pattern: "/promises/{id}", Who: Admins, answer: showPromise},
		{Method: "POST", Pattern: "/promises/{id}/draft", Who: Admins, answer: savePromiseDraft},
		{Method: "POST", Pattern: "/promises/{id}/versions/{n}/restore", Who: Admins, answer: restorePromise},
		{Method: "POST", Pattern: "/promises/{id}/{verb}", Who: Admins, answer: changePromise},

		// Webhooks
		{Method: "GET", Pattern: "/webhooks", Who: Admins, answer: showWebhooks},
		{Method: "GET", Pattern: "/webhooks/{id}", Who: Admins, answer: showWebhook},
		{Method: "POST", Pattern: "/webhooks/{id}/{verb}", Who: Admins, answer: changeWebhook},
		{Method: "POST", Pattern: "/webhooks/held", Who: Admins, answer: decideWebhooks},
		{Method: "GET", Pattern: "/webhooks/secrets", Who: Admins, answer: showWebhookSecrets},
		{Method: "POST", Pattern: "/webhooks/secrets", Who: Admins, answer: addWebhookSecret},
		{Method: "POST", Pattern: "/webhooks/secrets/{id}/{verb}", Who: Admins, answer: changeWebhookSecret},

		// Admin and profile
		{Method: "GET", Pattern: "/mailboxes", Who: Admins, answer: showMailboxes},
		{Method: "GET", Pattern: "/mailboxes/new", Who: Admins, answer: newMailbox},
		{Method: "GET", Pattern: "/mailboxes/{id}", Who: Admins, answer: showMailbox},
		{Method: "POST", Pattern: "/mailboxes", Who: Admins, answer: addMailbox},
		{Method: "POST", Pattern: "/mailboxes/{id}", Who: Admins, answer: updateMailbox},
		{Method: "POST", Pattern: "/mailboxes/{id}/switch", Who: Admins, answer: switchMailbox},
		{Method: "GET", Pattern: "/mailboxes/{id}/sending", Who: Admins, answer: showSending},
		{Method: "POST", Pattern: "/mailboxes/{id}/sending", Who: Admins, answer: saveSending},
		{Method: "POST", Pattern: "/mailboxes/{id}/sending/try", Who: Admins, answer: trySendingPage},
		{Method: "GET", Pattern: "/mailboxes/{id}/receiving", Who: Admins, answer: showReceiving},
		{Method: "POST", Pattern: "/mailboxes/{id}/receiving", Who: Admins, answer: saveReceiving},
		{Method: "POST", Pattern: "/mailboxes/{id}/receiving/try", Who: Admins, answer: tryReceivingPage},
		{Method: "GET", Pattern: "/mailboxes/{id}/domain", Who: Admins, answer: showDomain},
		{Method: "GET", Pattern: "/mailboxes/{id}/trial", Who: Admins, answer: showTrial},
		{Method: "POST", Pattern: "/mailboxes/{id}/trial", Who: Admins, answer: sendTrial},
		{Method: "POST", Pattern: "/mailboxes/{id}/trial/set", Who: Admins, answer: setByTrial},
		{Method: "GET", Pattern: "/mailboxes/{id}/people", Who: Admins, answer: showPeople},
		{Method: "POST", Pattern: "/mailboxes/{id}/people", Who: Admins, answer: savePeople},
		{Method: "GET", Pattern: "/mailboxes/{id}/ready", Who: Admins, answer: showReady},
		{Method: "POST", Pattern: "/mailboxes/{id}/sign-in", Who: Admins, answer: beginSignIn},
		{Method: "POST", Pattern: "/mailboxes/{id}/sign-out", Who: Admins, answer: endSignIn},
		{Method: "GET", Pattern: "/authorities/{name}", Who: Admins, answer: showAuthority},
		{Method: "POST", Pattern: "/authorities/{name}", Who: Admins, answer: saveAuthority},
		{Method: "POST", Pattern: "/authorities/{name}/forget", Who: Admins, answer: forgetAuthority},
		{Method: "GET", Pattern: "/authorities/{name}/back", Who: Admins, answer: finishSignIn},
		{Method: "POST", Pattern: "/connections/sending", Who: Admins, answer: trySending},
		{Method: "POST", Pattern: "/connections/receiving", Who: Admins, answer: tryReceiving},
		{Method: "POST", Pattern: "/connections/provider", Who: Admins, answer: tryProvider},
		{Method: "GET", Pattern: "/fields", Who: Admins, answer: showFields},
		{Method: "GET", Pattern: "/fields/new", Who: Admins, answer: showNewField},
		{Method: "GET", Pattern: "/fields/{id}", Who: Admins, answer: showField},
		{Method: "POST", Pattern: "/fields", Who: Admins, answer: addField},
		{Method: "POST", Pattern: "/fields/{id}", Who: Admins, answer: updateField},
		{Method: "POST", Pattern: "/fields/{id}/{verb}", Who: Admins, answer: changeField},
		{Method: "GET", Pattern: "/ratings", Who: Admins, answer: showRatings},
		{Method: "GET", Pattern: "/calendars", Who: Admins, answer: showCalendars},
		{Method: "GET", Pattern: "/calendars/new", Who: Admins, answer: showNewCalendar},
		{Method: "GET", Pattern: "/calendars/{id}", Who: Admins, answer: showCalendar},
		{Method: "POST", Pattern: "/calendars", Who: Admins, answer: addCalendar},
		{Method: "POST", Pattern: "/calendars/{id}", Who: Admins, answer: updateCalendar},
		{Method: "POST", Pattern: "/calendars/{id}/{verb}", Who: Admins, answer: changeCalendar},
		{Method: "GET", Pattern: "/agents", Who: Admins, answer: showAgents},
		{Method: "POST", Pattern: "/agents", Who: Admins, answer: addAgent},
		{Method: "GET", Pattern: "/agents/{id}", Who: Admins, answer: showAgent},
		{Method: "POST", Pattern: "/agents/{id}", Who: Admins, answer: updateAgent},
		{Method: "POST", Pattern: "/agents/{id}/addresses", Who: Admins, answer: setAgentAddresses},
		{Method: "POST", Pattern: "/agents/{id}/{verb}", Who: Admins, answer: changeAgent},
		{Method: "GET", Pattern: "/teams", Who: Admins, answer: showTeams},
		{Method: "GET", Pattern: "/teams/new", Who: Admins, answer: showNewTeam},
		{Method: "GET", Pattern: "/teams/{id}", Who: Admins, answer: showTeam},
		{Method: "POST", Pattern: "/teams", Who: Admins, answer: addTeam},
		{Method: "POST", Pattern: "/teams/{id}", Who: Admins, answer: updateTeam},
		{Method: "POST", Pattern: "/teams/{id}/{verb}", Who: Admins, answer: changeTeam},
		{Method: "GET", Pattern: "/profile", Who: Agents, answer: showProfile},
		{Method: "POST", Pattern: "/profile", Who: Agents, answer: updateProfile},
		{Method: "POST", Pattern: "/profile/addresses", Who: Agents, answer: setOwnAddresses},
		{Method: "POST", Pattern: "/profile/password", Who: Agents, answer: changePassword},
		{Method: "POST", Pattern: "/profile/theme", Who: Agents, answer: setTheme},
		{Method: "POST", Pattern: "/profile/density", Who: Agents, answer: setDensity},
		{Method: "POST", Pattern: "/sessions/{id}/revoke", Who: Agents, answer: revokeSession},
		{Method: "POST", Pattern: "/sessions/revoke-others", Who: Agents, answer: revokeOthers},
		{Method: "GET", Pattern: "/system", Who: Admins, answer: showSystem},
		{Method: "GET", Pattern: "/system/log", Who: Admins, answer: showSystemLog},
		{Method: "GET", Pattern: "/system/connections", Who: Admins, answer: showConnections},
		{Method: "GET", Pattern: "/system/mail", Who: Admins, answer: showSystemMail},
		{Method: "POST", Pattern: "/system/mail", Who: Admins, answer: saveSystemMail},
		{Method: "POST", Pattern: "/system/mail/try", Who: Admins, answer: trySystemMail},

		{Method: "GET", Pattern: "/events", Who: Agents, answer: events},
	}
	if s.o.Demo != nil {
		routes = append(routes,
			Route{Method: "GET", Pattern: "/demo/customers", answer: demoCustomers},
			Route{Method: "GET", Pattern: "/demo/customers/{address}", answer: demoMails},
			Route{Method: "GET", Pattern: "/demo/customers/{address}/mails/{n}/html", answer: demoHTML},
			Route{Method: "GET", Pattern: "/demo/customers/{address}/mails/{n}/parts/{part}", answer: demoPart},
			Route{Method: "POST", Pattern: "/demo/customers/{address}/answer", Body: SomeFiles, answer: demoAnswer},
		)
	}
	if s.o.Sandbox != nil {
		routes = append(routes, sandboxRoutes()...)
	}
	if s.o.Play != nil {
		routes = append(closeDoors(routes), playRoutes()...)
	}
	return routes
}
