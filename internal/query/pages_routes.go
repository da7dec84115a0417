package query

// The one list of what the pages' links and forms expect of the handlers.
//
// General:
//   - A GET never has an effect. A form answers 303 (See Other) or 422 with
//     the page it came from, filled with what was typed and FieldErrors. 403,
//     404, 409, 429, 500, 503 answer ErrorPage. No session: 303 to
//     /signin?next=… for pages; 401 with an empty body for /events, /fragments
//     and requests with "Turbo-Frame" or "X-Postroom-Live: 1".
//   - Every POST is application/x-www-form-urlencoded, except those marked
//     (files), which are multipart/form-data. There is no token field: the
//     guard is net/http's CrossOriginProtection.
//   - `return` is a local path (begins with one "/", no "//", no "\") where a
//     303 leads; missing or foreign: the conversation, or "/". Place.Path.
//   - `path` says how an act was made, for the event: "menu" (default),
//     "keyboard". Send forms are "send", bulk is "bulk"; the handler knows.
//   - The header X-Postroom-Tab carries the id of the browser tab that sends a
//     form; keys published for its own effects carry it (see /events).
//   - Pages answer with an ETag over the body where cheap; lists, /fragments
//     and conversations with If-None-Match answer 304. Cache-Control: no-store
//     must not be set on them (private, no-cache instead), else Back is slow.
//   - Policy of our pages (view.ContentSecurityPolicy): default-src 'none';
//     script-src 'self'; style-src 'self'; img-src 'self' data: blob:;
//     font-src 'self'; connect-src 'self'; frame-src 'self'; form-action
//     'self'; base-uri 'none'; frame-ancestors 'none'.
//     Policy of a mail's body document (view.BodyPolicy(images)): default-src
//     'none'; style-src 'unsafe-inline'; img-src 'self' data: (with images:
//     also https: http:); form-action 'none'; base-uri 'none'; frame-ancestors
//     'self'; sandbox allow-same-origin allow-popups
//     allow-popups-to-escape-sandbox. Scripts never run in it, so that the
//     same origin gives it nothing, and lets our page measure its height.
//     X-Frame-Options must be SAMEORIGIN or absent there.
//
// Signing in
//
//	GET  /signin?next=                    SignInPage
//	POST /signin                          email, password, next
//	POST /signout                         -
//	GET  /setup                           SetupPage (404 once there is an admin)
//	POST /setup                           name, email, password, zone
//	GET  /rate/{token}?r=                 RatePage: for customers, without a session
//	POST /rate/{token}                    rating, comment
//	GET  /ratings?days=&value=&mailbox=&agent=&after=    RatingsPage
//	GET  /password/{token}                PasswordPage
//	POST /password/{token}                password, again
//
// The desk. {folder}: unassigned mine assigned drafts closed spam deleted, and team-ID.
// PLACE below stands for ?folder=&mailbox=&sort=, which say which list stands
// beside the conversation and what Previous and Next mean; all may be missing.
//
//	GET  /                                303 to the agent's folder: /folders/mine if it holds any, else unassigned
//	GET  /folders/{folder}?mailbox=&sort=&after=&before=     ListPage; with "Turbo-Frame: list" only view.ListFrame
//	GET  /fragments/counts                view.Counts(Shell): folder pane, bell, alarm badge; for the live client
//	GET  /conversations/{number}?PLACE&compose=reply|note    ConversationPage
//	POST /conversations/{number}/reply    (files) draft, revision, to, cc, bcc (each comma-separated, "Name <a@b>" allowed),
//	                                      subject, body, format=text|html, attachment (repeated: ids), file (repeated;
//	                                      without JavaScript only), status ("" active pending closed spam),
//	                                      assignee ("" keep, "0" nobody, id), then=stay|next|list, seen, anyway=1, return,
//	                                      close=1 (the button Send & Close: wins over status)
//	POST /conversations/{number}/note     the same, without to, cc, bcc, subject, close
//	POST /conversations/{number}/draft    (files allowed, none sent) draft, revision, kind=reply|note, to, cc, bcc, subject, body,
//	                                      format, attachment, removed (ids of files taken away), status, assignee.
//	                                      200 text/plain "DRAFT REVISION" (two numbers), draft=0 makes one; an empty new one: 204.
//	                                      No event, no 409: last write wins.
//	POST /conversations/{number}/draft/discard   draft, return
//	POST /conversations/{number}/status   status, path, return
//	POST /conversations/{number}/assign   assignee ("0" nobody, id), path, return
//	POST /conversations/{number}/team     team ("0" none, id), path, return
//	POST /conversations/{number}/tags     add (comma-separated) or remove (one), return
//	POST /conversations/{number}/subject  subject, return
//	POST /conversations/{number}/follow   follow=1|0, path, return
//	POST /conversations/{number}/run      workflow, path, return: it is run by hand
//	POST /conversations/{number}/customer  name, language ("" = as their mail says), return
//	POST /conversations/{number}/customer/allow  address, return
//	GET  /conversations/{number}/customer?q=   GivePage: whom to give it to
//	POST /conversations/{number}/customer/give  customer (id), or address and name; q, path, return
//	POST /conversations/{number}/move     mailbox, path, return
//	POST /conversations/{number}/field    field (postroom.Field.Path), value, path, return; 422 with the reason at the field
//	GET  /conversations/{number}/merge?q=  MergePage: what to merge it into
//	POST /conversations/{number}/merge/into  into (number), q, path, return; 303 to that one
//	POST /conversations/{number}/snooze   until=hours|tomorrow|monday|week|office|at, at (2026-01-31T09:00), path, return
//	POST /conversations/{number}/wake     path, return
//	POST /conversations/{number}/delete   path, return (303 to the list)
//	POST /conversations/{number}/restore  path, return
//	GET  /trash?mailbox=                  TrashPage: asks before the trash is emptied
//	POST /trash/empty                     mailbox ("" = all), sure=1; 303 to /jobs/{id}
//	POST /acts/{id}/undo                  return (303 to the conversation, composer open with the draft)
//	POST /bulk                            conversation (repeated numbers) or all=1 with folder, mailbox; `do` is one of
//	                                      "status:closed" "status:pending" "status:active" "status:spam" "assign:0" "assign:ID"
//	                                      "team:0" "team:ID"
//	                                      "move:ID" "merge:oldest" "merge:number" (with field into) "snooze:tomorrow" "wake" "field" (with fields field, PATH or PATH=VALUE, and value) "delete" "restore" "tag" "untag" (with field tag); return. 303 to /jobs/{id}?return=
//	GET  /jobs/{id}?return=               JobPage
//	POST /jobs/{id}/undo                  return
//	POST /jobs/{id}/cancel                return
//	GET  /conversations/{number}/why      WhyPage; events have the anchor #event-ID, ?at=ID is the page that holds it; ?event=ID&from=N is one event's
//	POST /events/{id}/judge               return (a not judged event: try again)
//	GET  /palette?q=                      PalettePage; with "Turbo-Frame: palette" only view.PaletteResults
//
// What agents are told
//
//	GET  /notifications?unread=1&after=&before=   NotificationsPage
//	POST /notifications/{id}/read | unread        return
//	POST /notifications/read              until (the page's Now): all told until then; return
//	POST /notifications/unread            at: takes back what was marked as read at that moment; return
//	POST /conversations/{number}/seen     seq: what was told of it up to that event is read; 204 for a script, else return
//	POST /profile/notifications           page, mail (repeated kinds), mute (repeated mailboxes), default=1 (follow the desk's choice)
//	POST /agents/notifications            page, mail (repeated kinds): for agents who have not chosen; default=1
//
// Files and bodies
//
//	POST /uploads                         (files) conversation, kind, inline=1, or message and version instead of kind for a picture in
//	                                      a changed text, and file after them; 201 view.UploadChip, 422 the same with Error
//	GET  /attachments/{id}/{name}?inline=1      download; inline only for png, jpeg, gif, webp
//	GET  /messages/{id}/body?images=1&quotes=1  view.MessageBody(BodyPage)
//	GET  /messages/{id}/raw               text/plain as a page of text, ?download=1 as message/rfc822
//
// Changing what was written. /conversations/{number}?PLACE&edit=MESSAGE opens
// the form in the message's place, with &from=N the former version N in it;
// &history=MESSAGE shows its former texts.
//
//	POST /messages/{id}/edit              body, format=text|html, version (the one it was begun from), over (a newer one that was
//	                                      shown since), from, return; 303 to return#message-{id}. Stale: 422 with the words kept,
//	                                      and over
//	POST /messages/{id}/edit/draft        body, format, version, over: autosave, text/plain "DRAFT REVISION"; 409 if it was changed since
//	POST /messages/{id}/edit/discard      return
//
// Mail out
//
//	GET  /mails?state=&mailbox=&q=&after=&before=   MailsPage
//	GET  /mails/{id}                      JourneyPage
//	GET  /mails/{id}/html                 the HTML part, drawn by view.MessageBody
//	GET  /mails/{id}/raw                  the bytes as sent, ?download=1
//	POST /mails/{id}/retry                return
//	POST /mails/{id}/cancel               return (quarantined: discards)
//	POST /mails/{id}/again                return
//	POST /mails/{id}/arrived              return
//	POST /mails/{id}/release              return
//	GET  /queue?after=&before=            QueuePage
//	POST /queue/retry-all                 mailbox ("" = all), return
//	POST /channels/{mailbox}/resume       return
//
// Mail in, alarms
//
//	GET  /inbound?state=&q=&after=&before=   InboundPage
//	GET  /inbound/{id}                    InboundMailPage
//	GET  /inbound/{id}/raw                text/plain, ?download=1
//	POST /inbound/{id}/retry              return
//	GET  /alarms                          AlarmsPage
//	POST /alarms/{id}/acknowledge         return
//
// Workflows (admins)
//
//	GET  /workflows                       WorkflowsPage
//	POST /workflows/{id}/switch           on=1|0
//	POST /workflows/{id}/move             direction=up|down, or before=ID (0 = to the end)
//	GET  /workflows/new                   WorkflowRecipesPage
//	POST /workflows                       recipe ("" = blank); 303 to the editor
//	GET  /workflows/{id}/edit             EditorPage, ?on= number of the conversation to try it on, &moment= an event of it, or now
//	POST /workflows/{id}/draft            the fields of workflow.Fields, name, mailbox, revision, base, on, and do: an act of the editor
//	                                      ("add if", "remove then[0]", …; see workflow.Edit), save, try, publish, discard, rebase, or
//	                                      autosave, which answers 204; 422 EditorPage with what was typed
//	POST /workflows/{id}/copy | delete | undelete
//	POST /workflows/{id}/rename           name
//	GET  /workflows/{id}/tests/{test}     TestPage; test = new proposes one, ?event= makes it from that event
//	POST /workflows/{id}/tests/{test}     text, do=save|try|delete (try: 422, so that the page stays)
//	GET  /workflows/{id}/backtest         BacktestsPage, ?of=N chooses an older version
//	POST /workflows/{id}/backtest         days, of=draft|published|N; 303 to the next
//	GET  /workflows/{id}/backtest/{job}   BacktestPage; POST /jobs/{job}/cancel stops it
//	GET  /workflows/{id}/judgements?verdict=&before=   JudgementsPage
//	GET  /workflows/{id}                  WorkflowPage
//	GET  /workflows/{id}/versions/{n}     WorkflowPage with Shown = n
//	POST /workflows/{id}/preview          template; 200 WorkflowPage with Preview (no effect; Turbo takes it as 422 so that
//	                                      the page stays: answer 422 with Errors empty)
//	POST /workflows/{id}/publish          template, base (version it was written from), note
//	GET  /workflows/{id}/versions/{n}/try ?on=number&moment=id|now   TryVersionPage
//	POST /workflows/{id}/versions/{n}/restore
//
// Admin
//
//	GET  /mailboxes                       MailboxesPage
//	GET  /mailboxes/new                   MailboxFormPage: the guide begins
//	GET  /mailboxes/{id}                  MailboxFormPage
//	POST /mailboxes                       name, address, guide=1; 303 to /mailboxes/{id}/sending?guide=1. Whoever sends more
//	                                      of the fields of the next two has them stored at once
//	POST /mailboxes/{id}                  name, address, aliases (one a line), sender_name=agent|team|both, team_name,
//	                                      signature (text or html; sanitised), reply_status, reply_assignee, auto_bcc (one a
//	                                      line), undo_seconds, reopen_days, notice_anyway=1, authserv, token_enough=1 (T12),
//	                                      subaddress=1, separator, headers (one a line)
//	POST /mailboxes/{id}/switch           on=1|0
//	GET  /mailboxes/{id}/sending          SendingPage; provider=KEY fills in its settings. This page and the next four with
//	                                      guide=1 are steps of the guide, which a saved form leads on in
//	POST /mailboxes/{id}/sending          smtp_host, smtp_port, smtp_security=tls|starttls|none, smtp_user, smtp_password ("" keeps),
//	                                      connections, per_minute
//	POST /mailboxes/{id}/sending/try      the same: 200 SendingPage with Probe; stores nothing
//	GET  /mailboxes/{id}/receiving        ReceivingPage
//	POST /mailboxes/{id}/receiving        way=imap|server, in_host, in_port, in_security, in_username, in_password, in_folders (one a
//	                                      line), in_after=leave|seen|move, in_move_to, in_older=none|since|all, in_older_from,
//	                                      in_copies=auto|yes|no
//	POST /mailboxes/{id}/receiving/try    the same: 200 ReceivingPage with Probe
//	GET  /mailboxes/{id}/domain           DomainPage; asks the name server
//	GET  /mailboxes/{id}/trial            TrialPage
//	POST /mailboxes/{id}/trial            sends the test mail
//	POST /mailboxes/{id}/trial/set        set=authserv|subaddress, value: takes over what the test mail has shown
//	GET  /mailboxes/{id}/people           PeoplePage
//	POST /mailboxes/{id}/people           everybody=1, agent (repeated ids)
//	GET  /mailboxes/{id}/ready            ReadyPage
//	POST /connections/sending             the form of /sending with mailbox and address: 200 view.ProbeResult; stores nothing
//	POST /connections/receiving           the same for /receiving
//	POST /connections/provider            address: 200 view.ProviderLine
//	GET  /promises                        PromisesPage
//	POST /promises                        a blank one; 303 to /promises/{id}
//	GET  /promises/{id}                   PromisePage; event=ID has the trace of that event first
//	POST /promises/{id}/draft             the editor's fields, and do: an act of the editor
//	POST /promises/{id}/switch | delete | undelete | seen    on=1|0 for switch
//	POST /promises/{id}/versions/{n}/restore
//	GET  /webhooks?state=&workflow=&after=  WebhooksPage
//	GET  /webhooks/{id}                   WebhookPage
//	POST /webhooks/{id}/again | release | discard    attempts (those that were shown), return
//	POST /webhooks/held                   do=release|discard: all calls that are held back
//	GET  /webhooks/secrets                WebhookSecretsPage
//	POST /webhooks/secrets                kind, name, value; one that was made stands on the answer
//	POST /webhooks/secrets/{id}/change | change-at-once | end-old | delete    value for a change
//	GET  /fields                          FieldsPage
//	GET  /fields/new?subject=             FieldPage
//	GET  /fields/{id}                     FieldPage
//	POST /fields                          subject, kind, key, name, help, more (choices, one a line), mailbox (repeated); 303 to /fields
//	POST /fields/{id}                     name, help, choice (keys, repeated) with name_KEY and retired_KEY, more, mailbox
//	POST /fields/{id}/move | delete | restore  direction=up|down, or before (id, 0 for the end)
//	GET  /calendars                       CalendarsPage
//	GET  /calendars/new                   CalendarPage
//	GET  /calendars/{id}                  CalendarPage
//	POST /calendars                       name, zone, week[0] to week[6] ("9-12, 13-17"; "" is closed), holidays and exceptions
//	                                      (one a line); 303 to /calendars/{id}
//	POST /calendars/{id}                  the same, base (the revision that was changed)
//	POST /calendars/{id}/default | delete
//	GET  /agents                          AgentsPage
//	POST /agents                          name, email, role=agent|admin; 303 to /agents/{id} which shows the link once
//	GET  /agents/{id}                     AgentPage
//	POST /agents/{id}                     name, email, role; for each mailbox right_ID (""|see|answer|manage), own_ID=1
//	                                      (only what is assigned to them), or mailbox (repeated ids: may answer)
//	POST /agents/{id}/addresses           addresses (one a line)
//	POST /agents/{id}/disable | enable | reset
//	GET  /teams                           TeamsPage
//	GET  /teams/new                       TeamPage
//	GET  /teams/{id}                      TeamPage
//	POST /teams                           name, member (repeated ids of agents); 303 to /teams
//	POST /teams/{id}                      the same
//	POST /teams/{id}/off | on             303 to /teams/{id}
//	GET  /profile                         ProfilePage
//	POST /profile                         name, zone
//	POST /profile/addresses               addresses (one a line)
//	POST /profile/password                current, password, again
//	POST /profile/theme                   theme=system|light|dark, return
//	POST /profile/density                 density=comfortable|compact, return
//	POST /sessions/{id}/revoke
//	POST /sessions/revoke-others
//	GET  /system                          SystemPage
//
// Demo only
//
//	GET  /sandbox                         SandboxPage (admins, as all about it)
//	POST /sandbox                         latest, folder, mailbox, numbers, replace
//	POST /sandbox/cancel | discard | enter
//	GET  /play                            PlayPage (only within the sandbox, as all that follow)
//	POST /play/skip                       n, unit; or by=next
//	GET  /play/skips/{n}                  EffectsPage
//	POST /play/be                         agent
//	POST /play/take                       workflow
//
//	GET  /demo/customers                  DemoCustomersPage
//	GET  /demo/customers/{address}        DemoMailsPage
//	GET  /demo/customers/{address}/mails/{n}/html         drawn by view.MessageBody
//	GET  /demo/customers/{address}/mails/{n}/parts/{i}    download; ?inline=1 for pictures
//	POST /demo/customers/{address}/answer (files) mail (n; "" = a new matter), to (for a new matter), subject, text, file
//
// Live and assets
//
//	GET  /events                          text/event-stream. Each message's data is one line: a key, and after a space
//	                                      "@TAB" where a tab caused it. Keys: "conversation NUMBER", "folder MAILBOX NAME"
//	                                      (NAME of FolderNames; sent for each folder that changed), "counts", "alarms",
//	                                      "mails", "queue", "notifications", "job ID", "inbound", "workflows", "demo", "all" (read everything
//	                                      again). A comment line every 20 s. `retry: 2000` first.
//	GET  /assets/{file}                   ui.Handler(): immutable, names carry a hash
