package web

import "strings"

// snooze is POST /conversations/{number}/snooze: it sleeps until a time.
func snooze(q *request) error {
	if err := q.fields(); err != nil {
		return err
	}
	ref, back, err := q.ref()
	if err != nil {
		return err
	}
	until, err := q.site.o.Pages.SnoozeUntil(q.Context(), q.agent, ref.MailboxID, q.field("until"), q.field("at"))
	if err == nil {
		_, err = q.site.o.Desk.Snooze(q.Context(), q.agent, ref.ID, until, q.path())
	}
	return q.told(err, "", back)
}

// wake is POST /conversations/{number}/wake.
func wake(q *request) error {
	if err := q.fields(); err != nil {
		return err
	}
	ref, back, err := q.ref()
	if err != nil {
		return err
	}
	_, err = q.site.o.Desk.WakeUp(q.Context(), q.agent, ref.ID, q.path())
	return q.told(err, "", back)
}

// snoozeOf reads until when a selection sleeps, "tomorrow" or "at".
func (q *request) snoozeOf(value string) (int64, error) {
	return q.site.o.Pages.SnoozeUntil(q.Context(), q.agent, 0, strings.TrimSpace(value), q.field("at"))
}
