package web

import (
	"strconv"
	"strings"

	"postroom"
	"postroom/internal/directory"
	"postroom/internal/query"
	"postroom/internal/web/view"
)

// showMailboxes is GET /mailboxes.
func showMailboxes(q *request) error {
	p, err := q.site.o.Pages.Mailboxes(q.Context(), q.agent, q.place("mailboxes"))
	if err != nil {
		return err
	}
	q.dress(&p.Shell)
	return q.page(view.Mailboxes(*p), p)
}

// newMailbox is GET /mailboxes/new.
func newMailbox(q *request) error { return q.mailboxForm(0) }

// showMailbox is GET /mailboxes/{id}.
func showMailbox(q *request) error {
	id, err := q.number("id")
	if err != nil {
		return err
	}
	return q.mailboxForm(id)
}

func (q *request) mailboxForm(id int64) error {
	p, err := q.site.o.Pages.MailboxForm(q.Context(), q.agent, id, q.place("mailboxes"))
	if err != nil {
		return err
	}
	q.dress(&p.Shell)
	return q.page(view.MailboxForm(*p), p)
}

// addMailbox is POST /mailboxes.
func addMailbox(q *request) error { return q.saveMailbox(0) }

// updateMailbox is POST /mailboxes/{id}.
func updateMailbox(q *request) error {
	id, err := q.number("id")
	if err != nil {
		return err
	}
	return q.saveMailbox(id)
}

func (q *request) saveMailbox(id int64) error {
	if err := q.fields(); err != nil {
		return err
	}
	d := q.site.o.Directory
	f := directory.NewMailbox(q.field("name"), q.field("address"))
	if id != 0 {
		m, agents, err := d.Mailbox(q.Context(), q.agent, id)
		if err != nil {
			return err
		}
		f = directory.Fields(m, agents)
	}
	err := q.readMailbox(&f)
	if err == nil && id == 0 {
		_, err = d.AddMailbox(q.Context(), q.agent, f)
	} else if err == nil {
		_, err = d.UpdateMailbox(q.Context(), q.agent, id, f)
	}
	if wrong := faults(err); wrong != nil {
		return q.mailboxRefused(id, wrong)
	}
	if err != nil {
		return err
	}
	q.flash(query.Flash{Kind: "done", Text: f.Name + " is saved."})
	q.see("/mailboxes")
	return nil
}

// readMailbox puts the form's fields over those there are.
func (q *request) readMailbox(f *directory.MailboxFields) error {
	f.Name, f.Address = q.field("name"), q.field("address")
	f.Aliases = nil
	for line := range strings.FieldsFuncSeq(q.Form.Get("aliases"), func(r rune) bool { return r == '\n' || r == '\r' || r == ',' }) {
		if line = strings.TrimSpace(line); line != "" {
			f.Aliases = append(f.Aliases, line)
		}
	}
	switch q.field("sender_name") {
	case "team", "both":
		if f.SenderName == "" {
			f.SenderName = f.Name
		}
	default:
		f.SenderName = ""
	}
	f.Signature = q.Form.Get("signature")
	if !strings.Contains(f.Signature, "<") {
		f.Signature = markup("text", f.Signature)
	}
	f.Host, f.Security, f.Username = q.field("smtp_host"), q.field("smtp_security"), q.field("smtp_user")
	f.Password = nil
	if password := q.Form.Get("smtp_password"); password != "" {
		f.Password = &password
	} else if f.Username == "" {
		f.Password = &password
	}
	f.SendAnyway, f.AuthServ, f.TokenEnough = q.ticked("notice_anyway"), q.field("authserv"), q.ticked("token_enough")
	f.Everybody, f.Agents = q.ticked("everybody"), q.ids("agent")
	for _, n := range []struct {
		name string
		to   *int
	}{{"smtp_port", &f.Port}, {"undo_seconds", &f.UndoSeconds}, {"reopen_days", &f.ReopenDays}, {"connections", &f.Connections}, {"per_minute", &f.PerMinute}} {
		text := q.field(n.name)
		if text == "" {
			if n.name != "undo_seconds" && n.name != "reopen_days" {
				*n.to = 0 // the usual
			}
			continue
		}
		v, err := strconv.Atoi(text)
		if err != nil {
			return postroom.InvalidField(n.name, "%q is not a number.", text)
		}
		*n.to = v
	}
	return nil
}

// formNames are the form's names of fields that the directory calls otherwise.
var formNames = map[string]string{
	"host": "smtp_host", "port": "smtp_port", "security": "smtp_security", "username": "smtp_user", "password": "smtp_password", "separator": "address",
}

func (q *request) mailboxRefused(id int64, wrong query.FieldErrors) error {
	p, err := q.site.o.Pages.MailboxForm(q.Context(), q.agent, id, q.place("mailboxes"))
	if err != nil {
		return err
	}
	q.dress(&p.Shell)
	p.Errors = query.FieldErrors{}
	for name, text := range wrong {
		p.Errors[orElse(formNames[name], name)] = text
	}
	p.Name, p.Address, p.Aliases, p.Signature = q.field("name"), q.field("address"), q.Form.Get("aliases"), q.Form.Get("signature")
	p.SenderName, p.SMTPHost, p.SMTPSecurity, p.SMTPUser = q.field("sender_name"), q.field("smtp_host"), q.field("smtp_security"), q.field("smtp_user")
	p.SMTPPort, _ = strconv.Atoi(q.field("smtp_port"))
	p.Connections, _ = strconv.Atoi(q.field("connections"))
	p.PerMinute, _ = strconv.Atoi(q.field("per_minute"))
	p.UndoSeconds, _ = strconv.Atoi(q.field("undo_seconds"))
	p.ReopenDays, _ = strconv.Atoi(q.field("reopen_days"))
	p.NoticeAnyway, p.Everybody, p.Authserv, p.TokenEnough = q.ticked("notice_anyway"), q.ticked("everybody"), q.field("authserv"), q.ticked("token_enough")
	chosen := q.ids("agent")
	for i := range p.Agents {
		p.Agents[i].Allow = false
		for _, id := range chosen {
			p.Agents[i].Allow = p.Agents[i].Allow || id == p.Agents[i].ID
		}
	}
	return q.html(422, view.MailboxForm(*p))
}
