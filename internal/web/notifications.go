package web

import (
	"fmt"
	"net/http"
	"strconv"

	"postroom"
	"postroom/internal/directory"
	"postroom/internal/query"
	"postroom/internal/web/view"
)

// showNotifications is GET /notifications.
func showNotifications(q *request) error {
	v := q.URL.Query()
	ask := query.NotificationsAsk{Unread: v.Get("unread") != "", After: v.Get("after"), Before: v.Get("before")}
	p, err := q.site.o.Pages.Notifications(q.Context(), q.agent, ask, q.place("notifications"))
	if err != nil {
		return err
	}
	p.Undo, _ = strconv.ParseInt(v.Get("undo"), 10, 64)
	q.dress(&p.Shell)
	return q.page(view.Notifications(*p), p)
}

// changeNotification is POST /notifications/{id}/VERB: read, unread.
func changeNotification(q *request) error {
	if err := q.fields(); err != nil {
		return err
	}
	id, err := q.number("id")
	if err != nil {
		return err
	}
	verb := q.PathValue("verb")
	if verb != "read" && verb != "unread" {
		return postroom.Errorf(postroom.NotFound, "There is no such page.")
	}
	return q.told(q.site.o.Desk.ReadNotification(q.Context(), q.agent, id, verb == "read"), "", "/notifications")
}

// readNotifications is POST /notifications/read: all that the page showed or
// stands below it. What came since stays unread.
func readNotifications(q *request) error {
	if err := q.fields(); err != nil {
		return err
	}
	until, err := strconv.ParseInt(q.field("until"), 10, 64)
	if err != nil || until <= 0 {
		until = q.site.o.Pages.Now()
	}
	at, err := q.site.o.Desk.ReadNotifications(q.Context(), q.agent, until)
	if err != nil || at == 0 {
		return q.told(err, "There was nothing left to read.", "/notifications")
	}
	q.see(fmt.Sprintf("/notifications?undo=%d", at))
	return nil
}

// unreadNotifications is POST /notifications/unread: takes that back.
func unreadNotifications(q *request) error {
	if err := q.fields(); err != nil {
		return err
	}
	at, err := strconv.ParseInt(q.field("at"), 10, 64)
	if err != nil || at <= 0 {
		return postroom.InvalidField("at", "It is not known what to take back.")
	}
	return q.told(q.site.o.Desk.UnreadNotifications(q.Context(), q.agent, at), "They are unread again.", "/notifications")
}

// seeConversation is POST /conversations/{number}/seen: who reads the
// conversation has read what they were told of it.
func seeConversation(q *request) error {
	if err := q.fields(); err != nil {
		return err
	}
	number, err := q.number("number")
	if err != nil {
		return err
	}
	seq, _ := strconv.ParseInt(q.field("seq"), 10, 64) // without it nothing was read
	if err = q.site.o.Desk.SeeConversation(q.Context(), q.agent, number, seq); err == nil {
		err = q.site.o.Desk.Opened(q.Context(), q.agent, number)
	}
	if err == nil && q.fragment() {
		q.w.WriteHeader(http.StatusNoContent)
		return nil
	}
	return q.told(err, "", "/conversations/"+strconv.FormatInt(number, 10))
}

// chosenNotifications reads the ticks of a form; nil for "as the desk does".
func (q *request) chosenNotifications() directory.NotificationChoices {
	if q.field("default") != "" {
		return nil
	}
	out := directory.NotificationChoices{}
	for _, k := range postroom.NotificationKinds {
		out[k] = postroom.NotificationChoice{}
	}
	for _, field := range []string{"page", "mail"} {
		for _, kind := range q.Form[field] {
			c, known := out[postroom.NotificationKind(kind)]
			if !known {
				continue
			}
			c.InPage, c.ByMail = c.InPage || field == "page", c.ByMail || field == "mail"
			out[postroom.NotificationKind(kind)] = c
		}
	}
	return out
}

// setNotifications is POST /profile/notifications.
func setNotifications(q *request) error {
	if err := q.fields(); err != nil {
		return err
	}
	chosen := q.chosenNotifications()
	done := "Saved: you are told what you chose."
	if chosen == nil {
		done = "You are told what the desk tells everybody."
	}
	return q.told(q.site.o.Directory.SetNotifications(q.Context(), q.agent, chosen, q.ids("mute"), q.field("own") != ""), done, "/profile")
}

// setDefaultNotifications is POST /agents/notifications.
func setDefaultNotifications(q *request) error {
	if err := q.fields(); err != nil {
		return err
	}
	return q.told(q.site.o.Directory.SetDefaultNotifications(q.Context(), q.agent, q.chosenNotifications()), "Saved, for all agents who have not chosen for themselves.", "/agents")
}

// notificationForm is what the agent is told, for the profile page.
func (q *request) notificationForm(shell query.Shell) (query.NotificationForm, error) {
	chosen, muted, err := q.site.o.Directory.Notifications(q.Context(), q.agent)
	f := query.NotificationForm{Rows: query.NotificationTicks(chosen), Own: q.agent.FollowsOwn}
	for _, m := range shell.Mailboxes {
		access := query.AgentAccess{ID: m.ID, Name: m.Name}
		for _, id := range muted {
			access.Allow = access.Allow || id == m.ID
		}
		f.Muted = append(f.Muted, access)
	}
	return f, err
}
