package query

import (
	"context"
	"fmt"
	"strconv"
	"strings"

	"postroom"
)

// Alarms reads the alarms page (W41); it is for admins.
func (d *Desk) Alarms(ctx context.Context, a *postroom.Agent, place Place) (*AlarmsPage, error) {
	if err := mayManage(a); err != nil {
		return nil, err
	}
	shell, err := d.Shell(ctx, a, place)
	if err != nil {
		return nil, err
	}
	rows, err := d.read().Alarms(ctx, shell.Now-month)
	if err != nil {
		return nil, fmt.Errorf("read alarms: %w", err)
	}
	names, err := d.read().Names(ctx)
	if err != nil {
		return nil, err
	}
	p := &AlarmsPage{Shell: shell}
	for _, r := range rows {
		x := Alarm{ID: r.ID, Kind: r.Kind, Words: r.Words, Do: r.Remedy, Since: r.SinceAt, Last: r.LastAt, Count: r.N, AckedAt: r.AcknowledgedAt, Cleared: r.ClearedAt}
		if r.AcknowledgedBy > 0 {
			x.AckedBy = nameOr(names["agent"][r.AcknowledgedBy], "an agent who is gone")
		}
		x.Href, x.Link = alarmPlace(r.Kind, r.Subject)
		if r.ClearedAt > 0 {
			p.Cleared = append(p.Cleared, x)
		} else {
			p.Open = append(p.Open, x)
		}
	}
	return p, nil
}

// alarmPlace is the page on which something can be done about an alarm.
func alarmPlace(kind, subject string) (href, link string) {
	about, _, _ := strings.Cut(kind, ".")
	number, err := strconv.ParseInt(subject, 10, 64)
	switch {
	case about == "mail" && err == nil:
		return "/mails/" + decimal(number), "The mail's journey"
	case about == "channel", about == "mail", about == "breaker", about == "work":
		return "/queue", "Queue"
	case about == "inbound" && err == nil:
		return "/inbound/" + decimal(number), "The received mail"
	case about == "inbound", about == "spool":
		return "/inbound?state=failed", "Received mails"
	case about == "incoming":
		id, _, _ := strings.Cut(subject, " ") // of one mail: mailbox, folder, UID
		return "/mailboxes/" + id + "/receiving", "Where its mail is fetched"
	case about == "sign_in" && err == nil:
		return "/mailboxes/" + decimal(number) + "/sending", "Sign in again"
	case about == "job" && err == nil:
		return "/jobs/" + decimal(number), "The bulk change"
	case about == "event" && err == nil:
		return "/events/" + decimal(number) + "/why", "Why?"
	case about == "promise" && err == nil:
		return "/promises/" + decimal(number) + "#traces", "The promise"
	case about == "webhook" && err == nil:
		return "/webhooks?state=failed&workflow=" + decimal(number), "Its calls"
	case about == "workflow":
		return "/workflows", "Workflows"
	}
	return "/system", "System"
}
