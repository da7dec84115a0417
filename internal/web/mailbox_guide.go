package web

import (
	"errors"
	"fmt"
	"strconv"
	"time"

	"postroom"
	"postroom/internal/connect"
	"postroom/internal/directory"
	"postroom/internal/query"
	"postroom/internal/web/view"
)

// guided reports whether a page is a step of the guide.
func (q *request) guided() bool {
	return q.URL.Query().Get("guide") == "1" || q.Form != nil && q.Form.Get("guide") == "1"
}

func (q *request) head(id int64, step string) (query.MailboxHead, error) {
	return q.site.o.Connections.Head(q.Context(), q.agent, id, step, q.guided())
}

// stepAfter is where a saved step leads: on in the guide, else back to itself.
func (q *request) stepAfter(id int64, step string) string {
	if !q.guided() {
		if step == query.StepSettings {
			return fmt.Sprintf("/mailboxes/%d", id)
		}
		return fmt.Sprintf("/mailboxes/%d/%s", id, step)
	}
	next := map[string]string{query.StepSettings: query.StepSending, query.StepSending: query.StepReceiving, query.StepReceiving: query.StepDomain,
		query.StepDomain: query.StepTrial, query.StepTrial: query.StepPeople, query.StepPeople: "ready"}[step]
	return fmt.Sprintf("/mailboxes/%d/%s?guide=1", id, next)
}

// framed reads what stands around a step.
func (q *request) framed(id int64, step string) (query.Shell, query.MailboxHead, error) {
	head, err := q.head(id, step)
	if err != nil {
		return query.Shell{}, head, err
	}
	shell, err := q.shell(q.place("mailboxes"))
	return shell, head, err
}

// formNames are the form's names of fields that the directory calls otherwise.
var formNames = map[string]string{"host": "smtp_host", "port": "smtp_port", "security": "smtp_security", "username": "smtp_user", "password": "smtp_password", "auth": "smtp_auth"}

func renamed(wrong query.FieldErrors) query.FieldErrors {
	out := query.FieldErrors{}
	for name, text := range wrong {
		out[orElse(formNames[name], name)] = text
	}
	return out
}

// try reads a connection as it stands in a form; prefix is that of its fields.
func (q *request) try(prefix, user string) connect.Try {
	return connect.Try{Mailbox: q.id("mailbox"), Address: q.field("address"), Host: q.field(prefix + "_host"), Port: q.field(prefix + "_port"),
		Security: q.field(prefix + "_security"), Username: q.field(user), Password: q.Form.Get(prefix + "_password"), SignedIn: q.field(prefix+"_auth") == postroom.AuthSignIn}
}

// tooOften makes a result of a test that was not made because there were too
// many, or because a newer one took its place.
func tooOften(p query.Probe, err error) (query.Probe, error) {
	var e *postroom.Error
	if errors.As(err, &e) && (e.Code == postroom.Busy || e.Code == postroom.Conflict) {
		return query.Probe{State: "warn", Title: e.Text}, nil
	}
	return p, err
}

// trySending is POST /connections/sending: what came of a test, for the form.
func trySending(q *request) error {
	if err := q.fields(); err != nil {
		return err
	}
	p, err := tooOften(q.site.o.Connections.TrySending(q.Context(), q.agent, q.try("smtp", "smtp_user")))
	if err != nil {
		return err
	}
	q.w.Header().Set("Cache-Control", "no-store")
	return q.html(200, view.ProbeResult(p))
}

// tryReceiving is POST /connections/receiving.
func tryReceiving(q *request) error {
	if err := q.fields(); err != nil {
		return err
	}
	p, _, err := q.tryFolder()
	if err != nil {
		return err
	}
	q.w.Header().Set("Cache-Control", "no-store")
	return q.html(200, view.ProbeResult(p))
}

func (q *request) tryFolder() (query.Probe, []string, error) {
	folder := ""
	if all := lines(q.Form.Get("in_folders")); len(all) > 0 {
		folder = all[0]
	}
	p, folders, err := q.site.o.Connections.TryReceiving(q.Context(), q.agent, q.try("in", "in_username"), folder)
	p, err = tooOften(p, err)
	return p, folders, err
}

// tryProvider is POST /connections/provider: who keeps an address.
func tryProvider(q *request) error {
	if err := q.fields(); err != nil {
		return err
	}
	address := q.field("address")
	if _, err := addressList("address", address); err != nil {
		address = ""
	}
	p, err := q.site.o.Connections.Recognise(q.Context(), q.agent, address)
	if err != nil {
		return err
	}
	return q.html(200, view.ProviderLine(p, address))
}

// showSending is GET /mailboxes/{id}/sending.
func showSending(q *request) error {
	id, err := q.number("id")
	if err != nil {
		return err
	}
	p, err := q.sendingPage(id, q.URL.Query().Get("provider"))
	if err != nil {
		return err
	}
	return q.page(view.Sending(*p), p)
}

func (q *request) sendingPage(id int64, provider string) (*query.SendingPage, error) {
	p, err := q.site.o.Connections.SendingPage(q.Context(), q.agent, id, provider)
	if err != nil {
		return nil, err
	}
	p.Shell, p.Head, err = q.framed(id, query.StepSending)
	return &p, err
}

// typedSending is the page with what was typed in the form.
func (q *request) typedSending(id int64) (*query.SendingPage, error) {
	p, err := q.sendingPage(id, "")
	if err != nil {
		return nil, err
	}
	p.Host, p.Security, p.User = q.field("smtp_host"), q.field("smtp_security"), q.field("smtp_user")
	p.Port, _ = strconv.Atoi(q.field("smtp_port"))
	p.SignedIn = q.field("smtp_auth") == postroom.AuthSignIn
	p.Connections, _ = strconv.Atoi(q.field("connections"))
	p.PerMinute, _ = strconv.Atoi(q.field("per_minute"))
	return p, nil
}

// trySendingPage is POST /mailboxes/{id}/sending/try: the test for those
// without a script.
func trySendingPage(q *request) error {
	id, err := q.number("id")
	if err != nil {
		return err
	}
	if err := q.fields(); err != nil {
		return err
	}
	p, err := q.typedSending(id)
	if err != nil {
		return err
	}
	probe, err := tooOften(q.site.o.Connections.TrySending(q.Context(), q.agent, q.try("smtp", "smtp_user")))
	if err != nil {
		return err
	}
	p.Probe = &probe
	return q.html(200, view.Sending(*p))
}

// saveSending is POST /mailboxes/{id}/sending.
func saveSending(q *request) error {
	id, f, err := q.mailboxFields()
	if err != nil {
		return err
	}
	if err = q.readSending(&f); err == nil {
		err = q.site.o.Connections.SaveSending(q.Context(), q.agent, id, f)
	}
	if wrong := faults(err); wrong != nil {
		p, err := q.typedSending(id)
		if err != nil {
			return err
		}
		p.Errors = renamed(wrong)
		return q.html(422, view.Sending(*p))
	}
	if err != nil {
		return err
	}
	if !q.guided() {
		q.flash(query.Flash{Kind: "done", Text: "The server for sending is saved."})
	}
	// A channel that was paused because of its settings tries the new ones.
	if err := q.site.o.Outbox.Resume(q.Context(), q.agent, id); err != nil {
		return err
	}
	q.see(q.stepAfter(id, query.StepSending))
	return nil
}

// readSending reads the fields of the outgoing connection.
func (q *request) readSending(f *directory.MailboxFields) error {
	f.Host, f.Security, f.Username = q.field("smtp_host"), q.field("smtp_security"), q.field("smtp_user")
	f.Password, f.Port, f.Auth = nil, 0, postroom.AuthPassword
	if q.field("smtp_auth") == postroom.AuthSignIn {
		f.Auth = postroom.AuthSignIn
	}
	if password := q.Form.Get("smtp_password"); password != "" || f.Username == "" {
		f.Password = &password
	}
	if q.Form.Has("connections") {
		f.Connections, f.PerMinute = 0, 0 // the usual
	}
	return q.readNumbers(map[string]*int{"smtp_port": &f.Port, "connections": &f.Connections, "per_minute": &f.PerMinute})
}

// showReceiving is GET /mailboxes/{id}/receiving.
func showReceiving(q *request) error {
	id, err := q.number("id")
	if err != nil {
		return err
	}
	p, err := q.receivingPage(id, q.URL.Query().Get("provider"))
	if err != nil {
		return err
	}
	return q.page(view.Receiving(*p), p)
}

func (q *request) receivingPage(id int64, provider string) (*query.ReceivingPage, error) {
	p, err := q.site.o.Connections.ReceivingPage(q.Context(), q.agent, id, provider)
	if err != nil {
		return nil, err
	}
	p.Shell, p.Head, err = q.framed(id, query.StepReceiving)
	return &p, err
}

func (q *request) typedReceiving(id int64) (*query.ReceivingPage, error) {
	p, err := q.receivingPage(id, "")
	if err != nil {
		return nil, err
	}
	for name, to := range map[string]*string{"way": &p.Way, "in_host": &p.Host, "in_security": &p.Security, "in_username": &p.User, "in_after": &p.After, "in_move_to": &p.MoveTo,
		"in_older": &p.Older, "in_older_from": &p.OlderFrom, "in_copies": &p.Copies} {
		*to = q.field(name)
	}
	p.Folders = q.Form.Get("in_folders")
	p.SignedIn = q.field("in_auth") == postroom.AuthSignIn
	p.Port, _ = strconv.Atoi(q.field("in_port"))
	return p, nil
}

// tryReceivingPage is POST /mailboxes/{id}/receiving/try.
func tryReceivingPage(q *request) error {
	id, err := q.number("id")
	if err != nil {
		return err
	}
	if err := q.fields(); err != nil {
		return err
	}
	p, err := q.typedReceiving(id)
	if err != nil {
		return err
	}
	probe, folders, err := q.tryFolder()
	if err != nil {
		return err
	}
	p.Probe, p.Known = &probe, folders
	return q.html(200, view.Receiving(*p))
}

// saveReceiving is POST /mailboxes/{id}/receiving.
func saveReceiving(q *request) error {
	id, err := q.number("id")
	if err != nil {
		return err
	}
	if err := q.fields(); err != nil {
		return err
	}
	f, err := q.readReceiving(id)
	if err == nil {
		err = q.site.o.Connections.SaveReceiving(q.Context(), q.agent, id, f)
	}
	if wrong := faults(err); wrong != nil {
		p, err := q.typedReceiving(id)
		if err != nil {
			return err
		}
		p.Errors = wrong
		return q.html(422, view.Receiving(*p))
	}
	if err != nil {
		return err
	}
	if !q.guided() {
		q.flash(query.Flash{Kind: "done", Text: "How mail comes in is saved."})
	}
	q.see(q.stepAfter(id, query.StepReceiving))
	return nil
}

// readReceiving puts the form over the incoming connection there is.
func (q *request) readReceiving(id int64) (directory.IncomingFields, error) {
	f := directory.NewIncoming()
	in, err := q.site.o.Directory.Incoming(q.Context(), q.agent, id)
	switch {
	case err == nil:
		f = directory.FieldsOfIncoming(&in.Incoming)
	case postroom.CodeOf(err) != postroom.NotFound:
		return f, err
	}
	if f.On = q.field("way") != "server"; !f.On {
		return f, nil // what was entered for fetching stays, for later
	}
	switch auth := q.field("in_auth"); {
	case auth == postroom.AuthSignIn:
		f.Auth = auth
	case f.Auth == postroom.AuthSignIn:
		f.Auth = postroom.AuthPassword
	}
	f.Host, f.Security, f.Username, f.Port = q.field("in_host"), q.field("in_security"), q.field("in_username"), 0
	if password := q.Form.Get("in_password"); password != "" {
		f.Password = &password
	}
	f.Folders, f.After, f.MoveTo, f.Older, f.Copies = lines(q.Form.Get("in_folders")), q.field("in_after"), q.field("in_move_to"), q.field("in_older"), q.field("in_copies")
	f.OlderFrom = 0
	if day := q.field("in_older_from"); day != "" && f.Older == string(postroom.OlderSince) {
		t, err := time.Parse(time.DateOnly, day)
		if err != nil {
			return f, postroom.InvalidField("in_older_from", "%q is not a day; write it as 2026-01-31.", day)
		}
		f.OlderFrom = t.UnixMilli()
	}
	return f, q.readNumbers(map[string]*int{"in_port": &f.Port})
}

// showDomain is GET /mailboxes/{id}/domain. It asks the name server and changes
// nothing.
func showDomain(q *request) error {
	id, err := q.number("id")
	if err != nil {
		return err
	}
	p, err := q.site.o.Connections.CheckDomain(q.Context(), q.agent, id)
	if err != nil {
		return err
	}
	if p.Shell, p.Head, err = q.framed(id, query.StepDomain); err != nil {
		return err
	}
	return q.page(view.Domain(p), p)
}

// showTrial is GET /mailboxes/{id}/trial.
func showTrial(q *request) error {
	id, err := q.number("id")
	if err != nil {
		return err
	}
	p, err := q.site.o.Connections.TrialPage(q.Context(), q.agent, id)
	if err != nil {
		return err
	}
	if p.Shell, p.Head, err = q.framed(id, query.StepTrial); err != nil {
		return err
	}
	return q.page(view.Trial(p), p)
}

// sendTrial is POST /mailboxes/{id}/trial.
func sendTrial(q *request) error {
	id, err := q.number("id")
	if err != nil {
		return err
	}
	if err := q.fields(); err != nil {
		return err
	}
	err = q.site.o.Connections.SendTrial(q.Context(), q.agent, id)
	if postroom.CodeOf(err) == postroom.Busy {
		q.flash(query.Flash{Kind: "error", Text: postroom.TextOf(err)})
		err = nil
	}
	return q.told(err, "", q.here(id, query.StepTrial))
}

// setByTrial is POST /mailboxes/{id}/trial/set: what the test mail has shown is
// taken over into the settings.
func setByTrial(q *request) error {
	id, f, err := q.mailboxFields()
	if err != nil {
		return err
	}
	switch q.field("set") {
	case "authserv":
		f.AuthServ = q.field("value")
	case "subaddress":
		f.Subaddress = q.field("value") == "1"
	default:
		return postroom.Errorf(postroom.NotFound, "There is no such setting.")
	}
	_, err = q.site.o.Directory.UpdateMailbox(q.Context(), q.agent, id, f)
	return q.told(err, "That is set.", q.here(id, query.StepTrial))
}

// here is a step itself, within the guide or not.
func (q *request) here(id int64, step string) string {
	path := fmt.Sprintf("/mailboxes/%d/%s", id, step)
	if q.guided() {
		path += "?guide=1"
	}
	return path
}

// showPeople is GET /mailboxes/{id}/people.
func showPeople(q *request) error {
	id, err := q.number("id")
	if err != nil {
		return err
	}
	p, err := q.peoplePage(id)
	if err != nil {
		return err
	}
	return q.page(view.People(*p), p)
}

func (q *request) peoplePage(id int64) (*query.PeoplePage, error) {
	p, err := q.site.o.Pages.MailboxPeople(q.Context(), q.agent, id, q.place("mailboxes"))
	if err != nil {
		return nil, err
	}
	q.dress(&p.Shell)
	p.Head, err = q.head(id, query.StepPeople)
	return p, err
}

// savePeople is POST /mailboxes/{id}/people.
func savePeople(q *request) error {
	id, f, err := q.mailboxFields()
	if err != nil {
		return err
	}
	f.Everybody, f.Agents = q.ticked("everybody"), q.ids("agent")
	_, err = q.site.o.Directory.UpdateMailbox(q.Context(), q.agent, id, f)
	if wrong := faults(err); wrong != nil {
		p, err := q.peoplePage(id)
		if err != nil {
			return err
		}
		p.Errors = wrong
		return q.html(422, view.People(*p))
	}
	if err != nil {
		return err
	}
	if !q.guided() {
		q.flash(query.Flash{Kind: "done", Text: "Who sees " + f.Name + " is saved."})
	}
	q.see(q.stepAfter(id, query.StepPeople))
	return nil
}

// showReady is GET /mailboxes/{id}/ready.
func showReady(q *request) error {
	id, err := q.number("id")
	if err != nil {
		return err
	}
	p, err := q.site.o.Connections.Ready(q.Context(), q.agent, id)
	if err != nil {
		return err
	}
	if p.Shell, p.Head, err = q.framed(id, "ready"); err != nil {
		return err
	}
	return q.page(view.Ready(p), p)
}
