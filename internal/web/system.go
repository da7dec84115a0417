package web

import (
	"strconv"
	"strings"

	"postroom"
	"postroom/internal/directory"
	"postroom/internal/query"
	"postroom/internal/web/view"
)

// showSystem is GET /system.
func showSystem(q *request) error {
	p, err := q.site.o.Pages.System(q.Context(), q.agent, q.place("system"))
	if err != nil {
		return err
	}
	q.dress(&p.Shell)
	return q.page(view.System(*p), p)
}

// showSystemLog is GET /system/log.
func showSystemLog(q *request) error {
	v := q.URL.Query()
	p, err := q.site.o.Pages.SystemLog(q.Context(), q.agent, query.LogAsk{Level: v.Get("level"), Area: v.Get("area"), Agent: v.Get("agent"),
		Query: v.Get("q"), After: v.Get("after"), Before: v.Get("before")}, q.place("system"))
	if err != nil {
		return err
	}
	q.dress(&p.Shell)
	return q.page(view.SystemLog(*p), p)
}

// showConnections is GET /system/connections.
func showConnections(q *request) error {
	p, err := q.site.o.Pages.Connections(q.Context(), q.agent, q.place("system"))
	if err != nil {
		return err
	}
	q.dress(&p.Shell)
	return q.page(view.Connections(*p), p)
}

// showSystemMail is GET /system/mail.
func showSystemMail(q *request) error {
	p, err := q.systemMail()
	if err != nil {
		return err
	}
	return q.page(view.SystemMail(*p), p)
}

func (q *request) systemMail() (*query.SystemMailPage, error) {
	p, err := q.site.o.Pages.SystemMail(q.Context(), q.agent, q.place("system"))
	if err != nil {
		return nil, err
	}
	q.dress(&p.Shell)
	return p, nil
}

// saveSystemMail is POST /system/mail.
func saveSystemMail(q *request) error {
	if err := q.fields(); err != nil {
		return err
	}
	f := directory.SystemMailFields{Host: q.field("host"), Security: q.field("security"), Username: q.field("username"), Sender: q.field("sender"),
		Recipients: strings.FieldsFunc(q.Form.Get("recipients"), func(r rune) bool { return r == '\n' || r == '\r' || r == ',' || r == ' ' })}
	if password := q.Form.Get("password"); password != "" || f.Username == "" {
		f.Password = &password
	}
	var err error
	if port := q.field("port"); port != "" {
		if f.Port, err = strconv.Atoi(port); err != nil {
			err = postroom.InvalidField("port", "%q is not a number.", port)
		}
	}
	if err == nil {
		err = q.site.o.Directory.SetSystemMail(q.Context(), q.agent, f)
	}
	if wrong := faults(err); wrong != nil {
		p, err := q.systemMail()
		if err != nil {
			return err
		}
		p.Host, p.Port, p.Security, p.Username, p.Sender, p.Recipients, p.Errors = f.Host, f.Port, f.Security, f.Username, f.Sender, strings.Join(f.Recipients, "\n"), wrong
		return q.html(422, view.SystemMail(*p))
	}
	if err != nil {
		return err
	}
	words := "Saved. Send a trial to see whether it works."
	if f.Host == "" {
		words = "Alarms are no longer mailed."
	}
	q.flash(query.Flash{Kind: "done", Text: words})
	q.see("/system/mail")
	return nil
}

// trySystemMail is POST /system/mail/try.
func trySystemMail(q *request) error {
	words, err := q.site.o.Outbox.TryReport(q.Context(), q.agent, q.site.o.PublicURL)
	switch {
	case err != nil && postroom.CodeOf(err) != postroom.Unavailable && postroom.CodeOf(err) != postroom.Conflict:
		return err
	case err != nil:
		q.flash(query.Flash{Kind: "warning", Text: postroom.TextOf(err)})
	default:
		q.flash(query.Flash{Kind: "done", Text: "The server took it: " + words})
	}
	q.see("/system/mail")
	return nil
}
