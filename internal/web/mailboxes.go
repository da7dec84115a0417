package web

import (
	"fmt"
	"strconv"
	"strings"

	"postroom"
	"postroom/internal/desk"
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

// newMailbox is GET /mailboxes/new: the guide begins.
func newMailbox(q *request) error {
	p, err := q.mailboxForm(0)
	if err != nil {
		return err
	}
	return q.page(view.NewMailbox(*p), p)
}

// showMailbox is GET /mailboxes/{id}.
func showMailbox(q *request) error {
	id, err := q.number("id")
	if err != nil {
		return err
	}
	p, err := q.mailboxForm(id)
	if err != nil {
		return err
	}
	return q.page(view.MailboxForm(*p), p)
}

func (q *request) mailboxForm(id int64) (*query.MailboxFormPage, error) {
	p, err := q.site.o.Pages.MailboxForm(q.Context(), q.agent, id, q.place("mailboxes"))
	if err != nil {
		return nil, err
	}
	if id != 0 {
		if p.Head, err = q.head(id, query.StepSettings); err != nil {
			return nil, err
		}
	}
	q.dress(&p.Shell)
	return p, nil
}

// addMailbox is POST /mailboxes. From the guide it carries name and address
// alone, and leads on; whoever sends more has it stored at once.
func addMailbox(q *request) error {
	if err := q.fields(); err != nil {
		return err
	}
	f := directory.NewMailbox(q.field("name"), q.field("address"))
	f.SenderForm, f.Everybody = postroom.SenderAgent, !q.Form.Has("agent")
	f.Agents = q.ids("agent")
	err := q.readSettings(&f)
	if err == nil && q.Form.Has("smtp_host") {
		err = q.readSending(&f)
	}
	var m *postroom.Mailbox
	if err == nil {
		m, err = q.site.o.Directory.AddMailbox(q.Context(), q.agent, f)
	}
	if wrong := faults(err); wrong != nil {
		p, err := q.mailboxForm(0)
		if err != nil {
			return err
		}
		p.Errors, p.Name, p.Address = wrong, q.field("name"), q.field("address")
		for name, text := range wrong {
			if name != "name" && name != "address" {
				p.Errors = query.FieldErrors{"": text}
			}
		}
		return q.html(422, view.NewMailbox(*p))
	}
	if err != nil {
		return err
	}
	q.see(fmt.Sprintf("/mailboxes/%d/%s?guide=1", m.ID, query.StepSending))
	return nil
}

// updateMailbox is POST /mailboxes/{id}: the settings but the connections.
func updateMailbox(q *request) error {
	id, f, err := q.mailboxFields()
	if err != nil {
		return err
	}
	if err = q.readSettings(&f); err == nil {
		_, err = q.site.o.Directory.UpdateMailbox(q.Context(), q.agent, id, f)
	}
	if wrong := faults(err); wrong != nil {
		return q.settingsRefused(id, wrong)
	}
	if err != nil {
		return err
	}
	q.flash(query.Flash{Kind: "done", Text: f.Name + " is saved."})
	q.see(q.stepAfter(id, query.StepSettings))
	return nil
}

// mailboxFields reads the form, and the fields of the mailbox of the URL as
// they are now.
func (q *request) mailboxFields() (int64, directory.MailboxFields, error) {
	id, err := q.number("id")
	if err != nil {
		return 0, directory.MailboxFields{}, err
	}
	if err := q.fields(); err != nil {
		return 0, directory.MailboxFields{}, err
	}
	m, agents, err := q.site.o.Directory.Mailbox(q.Context(), q.agent, id)
	if err != nil {
		return 0, directory.MailboxFields{}, err
	}
	return id, directory.Fields(m, agents), nil
}

// readSettings puts the form's fields over those there are; what the form does
// not have stays. A form with name and address alone has no boxes to tick.
func (q *request) readSettings(f *directory.MailboxFields) error {
	f.Name, f.Address = q.field("name"), q.field("address")
	for name, to := range map[string]*string{"team_name": &f.SenderName, "authserv": &f.AuthServ, "separator": &f.Separator} {
		if q.Form.Has(name) {
			*to = q.field(name)
		}
	}
	if q.Form.Has("sender_name") {
		f.SenderForm = postroom.SenderForm(q.field("sender_name"))
	}
	if q.Form.Has("reply_status") {
		f.ReplyStatus = postroom.Status(q.field("reply_status"))
	}
	if q.Form.Has("reply_assignee") {
		f.ReplyAssignee = postroom.ReplyAssignee(q.field("reply_assignee"))
	}
	for name, to := range map[string]*[]string{"aliases": &f.Aliases, "auto_bcc": &f.AutoBcc} {
		if q.Form.Has(name) {
			*to = lines(q.Form.Get(name))
		}
	}
	if q.Form.Has("signature") {
		if f.Signature = q.Form.Get("signature"); !strings.Contains(f.Signature, "<") {
			f.Signature = markup("text", f.Signature)
		}
	}
	if q.Form.Has("reopen_days") {
		f.SendAnyway, f.TokenEnough = q.ticked("notice_anyway"), q.ticked("token_enough")
	}
	if q.Form.Has("calendar") {
		f.Calendar = q.id("calendar")
	}
	if q.Form.Has("separator") {
		f.Subaddress = q.ticked("subaddress")
	}
	if err := q.readHeaders(f); err != nil {
		return err
	}
	return q.readNumbers(map[string]*int{"undo_seconds": &f.UndoSeconds, "reopen_days": &f.ReopenDays})
}

// readHeaders reads a header a line.
func (q *request) readHeaders(f *directory.MailboxFields) error {
	if !q.Form.Has("headers") {
		return nil
	}
	f.Headers = nil
	for line := range strings.SplitSeq(strings.ReplaceAll(q.Form.Get("headers"), "\r\n", "\n"), "\n") {
		if strings.TrimSpace(line) == "" {
			continue
		}
		name, value, ok := strings.Cut(line, ":")
		if !ok {
			return postroom.InvalidField("headers", "%q has no colon. Write a header as X-Team: Harbour.", line)
		}
		f.Headers = append(f.Headers, postroom.HeaderField{Name: name, Value: value})
	}
	return nil
}

// readNumbers reads the fields that have something in them.
func (q *request) readNumbers(into map[string]*int) error {
	for name, to := range into {
		text := q.field(name)
		if text == "" {
			continue
		}
		n, err := strconv.Atoi(text)
		if err != nil {
			return postroom.InvalidField(name, "%q is not a number.", text)
		}
		*to = n
	}
	return nil
}

// lines splits a field at line ends and commas, without what is empty.
func lines(text string) []string {
	var out []string
	for line := range strings.FieldsFuncSeq(text, func(r rune) bool { return r == '\n' || r == '\r' || r == ',' }) {
		if line = strings.TrimSpace(line); line != "" {
			out = append(out, line)
		}
	}
	return out
}

// settingsRefused shows the form again with what was typed.
func (q *request) settingsRefused(id int64, wrong query.FieldErrors) error {
	p, err := q.mailboxForm(id)
	if err != nil {
		return err
	}
	p.Errors = wrong
	for name, to := range map[string]*string{"name": &p.Name, "address": &p.Address, "team_name": &p.TeamName, "sender_name": &p.SenderName, "reply_status": &p.ReplyStatus,
		"reply_assignee": &p.ReplyAssignee, "authserv": &p.Authserv, "separator": &p.Separator, "calendar": &p.Calendar} {
		*to = q.field(name)
	}
	for name, to := range map[string]*string{"aliases": &p.Aliases, "signature": &p.Signature, "auto_bcc": &p.AutoBcc, "headers": &p.Headers} {
		*to = q.Form.Get(name)
	}
	p.UndoSeconds, _ = strconv.Atoi(q.field("undo_seconds"))
	p.ReopenDays, _ = strconv.Atoi(q.field("reopen_days"))
	p.NoticeAnyway, p.TokenEnough, p.Subaddress = q.ticked("notice_anyway"), q.ticked("token_enough"), q.ticked("subaddress")
	return q.html(422, view.MailboxForm(*p))
}

// switchMailbox is POST /mailboxes/{id}/switch.
func switchMailbox(q *request) error {
	id, err := q.number("id")
	if err != nil {
		return err
	}
	if err := q.fields(); err != nil {
		return err
	}
	on := q.ticked("on")
	if err := q.site.o.Directory.SwitchMailbox(q.Context(), q.agent, id, on); err != nil {
		return err
	}
	words := "The mailbox is switched off."
	if on {
		words = "The mailbox is switched on."
		q.site.o.Outbox.Wake(desk.WakeDeliver)
	}
	q.flash(query.Flash{Kind: "done", Text: words})
	q.see(fmt.Sprintf("/mailboxes/%d", id))
	return nil
}
