package query

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"time"

	"postroom"
	"postroom/internal/email"
	"postroom/internal/store"
)

// mailSpec is what pages show of what a mail's bytes are built from.
type mailSpec struct {
	From       postroom.Address   `json:"from"`
	To         []postroom.Address `json:"to"`
	Cc         []postroom.Address `json:"cc"`
	Subject    string             `json:"subject"`
	InReplyTo  string             `json:"in_reply_to"`
	Text       string             `json:"text"`
	HTML       string             `json:"html"`
	References []string           `json:"references"`
	Files      []struct {
		Name      string `json:"name"`
		Type      string `json:"type"`
		ContentID string `json:"content_id"`
		Inline    bool   `json:"inline"`
		Size      int64  `json:"size"`
		SHA256    string `json:"sha256"`
	} `json:"files"`
}

func specOf(m *postroom.Mail) (mailSpec, error) {
	var s mailSpec
	if err := json.Unmarshal(m.Spec, &s); err != nil {
		return s, fmt.Errorf("read what mail %d is built from: %w", m.ID, err)
	}
	return s, nil
}

// Journey reads a mail's journey (W33): from its cause to the verdict on each
// recipient, every attempt with what was said.
func (d *Desk) Journey(ctx context.Context, a *postroom.Agent, id int64, place Place) (*JourneyPage, error) {
	m, err := d.read().Mail(ctx, id)
	if err != nil {
		return nil, err
	}
	attempts, err := d.read().Attempts(ctx, id)
	if err != nil {
		return nil, fmt.Errorf("read attempts: %w", err)
	}
	rows, err := d.read().Journey(ctx, m)
	if err != nil {
		return nil, fmt.Errorf("read a journey: %w", err)
	}
	if !postroom.CanOn(a, postroom.SeeQueue, rows.Place.MailboxID, rows.Place.AssigneeID) {
		return nil, postroom.Errorf(postroom.NotFound, "There is no such mail.")
	}
	errands, err := d.read().SentErrands(ctx, id)
	if err != nil {
		return nil, fmt.Errorf("read what was done in the folder for sent mail: %w", err)
	}
	shell, err := d.Shell(ctx, a, place)
	if err != nil {
		return nil, err
	}
	spec, err := specOf(m)
	if err != nil {
		return nil, err
	}
	var to []string
	for _, r := range m.Recipients {
		to = append(to, r.Address)
	}
	row := store.LogMail{MailRow: store.MailRow{Mail: *m}, Number: rows.Number, To: strings.Join(to, ", "), Mailbox: rows.Mailbox, Workflow: rows.Workflow.Name}
	if n := len(attempts); n > 0 {
		row.LastAt = nonzero(attempts[n-1].EndedAt, attempts[n-1].At)
	}
	p := &JourneyPage{
		Shell: shell, Mail: mailLine(row), From: spec.From.String(), MessageID: m.Header, InReplyTo: spec.InReplyTo, Size: m.Size, SHA256: m.SHA256,
		Text: spec.Text, HTML: spec.HTML != "",
	}
	if postroom.CanOn(a, postroom.Answer, rows.Place.MailboxID, rows.Place.AssigneeID) {
		p.May = mayMail(m)
	}
	if m.SHA256 != "" {
		p.Header = d.builtHeader(m)
	}
	for _, f := range spec.Files {
		p.Files = append(p.Files, Attachment{Name: f.Name, Type: f.Type, Size: f.Size, Inline: f.Inline})
	}
	j := journey{m: m, rows: rows, attempts: attempts, errands: errands, now: shell.Now}
	p.Steps = j.steps()
	for _, r := range m.Recipients {
		p.Recipients = append(p.Recipients, j.verdict(r))
	}
	return p, nil
}

func mayMail(m *postroom.Mail) MayMail {
	s := m.State
	return MayMail{
		Retry:   s == postroom.MailDeferred || s == postroom.MailQueued || s == postroom.MailRefused && s.May(postroom.MailQueued),
		Cancel:  s.May(postroom.MailUndone),
		Again:   s == postroom.MailUnsure || s == postroom.MailAssumed && s.May(postroom.MailQueued),
		Arrived: s == postroom.MailUnsure,
		Release: s == postroom.MailKept,
	}
}

// builtHeader reads the header of the bytes as they were sent. Bcc is in no
// header (O5).
func (d *Desk) builtHeader(m *postroom.Mail) string {
	raw, err := d.bytes(m.SHA256, 256<<10)
	if err != nil {
		return ""
	}
	header, _, _ := strings.Cut(string(raw), "\r\n\r\n")
	return header
}

type journey struct {
	m        *postroom.Mail
	rows     *store.JourneyRows
	attempts []store.Attempt
	errands  []store.SentErrand
	now      int64
}

func (j journey) steps() []JourneyStep {
	steps := j.beginning()
	for i, t := range j.attempts {
		steps = append(steps, j.attempt(i, t))
	}
	if waiting := j.waiting(); waiting != nil {
		steps = append(steps, *waiting)
	}
	for _, e := range j.rows.Notes {
		if e.Kind == postroom.MailAccepted || e.Kind == postroom.MailDelayed && len(j.attempts) > 0 || e.Kind == postroom.MailBounced || e.Kind == postroom.MailComplained {
			continue // the attempt says it, or what came back
		}
		steps = append(steps, JourneyStep{Kind: "evidence", Title: capital(strings.ReplaceAll(strings.Replace(string(e.Kind), ".", " ", 1), "_", " ")), Words: e.Payload.Words, At: e.At, State: "note"})
	}
	for _, e := range j.errands {
		if e.Kind == store.SentLook && e.Words != "" {
			steps = append(steps, errandStep(e))
		}
	}
	if j.m.State.Ended() {
		steps = append(steps, j.end())
	}
	for _, e := range j.errands {
		if e.Kind == store.SentCopy {
			steps = append(steps, errandStep(e))
		}
	}
	return append(steps, j.returns()...)
}

// beginning is what led to the mail: the event, the run, the rendering, the
// window.
func (j journey) beginning() []JourneyStep {
	var steps []JourneyStep
	why := fmt.Sprintf("/conversations/%d/why", j.rows.Number)
	e := j.rows.Event
	if j.rows.Trigger != nil {
		e = j.rows.Trigger
	}
	if e != nil {
		steps = append(steps, JourneyStep{Kind: "cause", Title: causeTitle(e, j.actor(e.Actor)), At: e.At, State: "ok",
			Href: fmt.Sprintf("/conversations/%d", j.rows.Number), Link: fmt.Sprintf("#%d %s", j.rows.Number, j.rows.Subject)})
	}
	if w := j.rows.Workflow; w.ID > 0 {
		steps = append(steps, JourneyStep{Kind: "judged", Title: fmt.Sprintf("The workflow “%s”, version %d, matched", w.Name, j.rows.WorkflowVersion), At: j.rows.RunAt, State: "ok", Href: why, Link: "Why?"})
	}
	if j.m.AgentID != 0 {
		steps = append(steps, JourneyStep{Kind: "judged", Title: "A notification for " + nameOr(j.rows.Agents[j.m.AgentID], "an agent") + ", no mail to the customer", At: j.m.CreatedAt, State: "ok"})
	}
	steps = append(steps, JourneyStep{Kind: "rendered", Title: "Written and fixed: Message-ID, recipients, text", Words: j.m.Subject, At: j.m.CreatedAt, State: "ok"})
	if e := j.rows.Event; e != nil && e.FinalAt > e.At && j.m.RunID == 0 && j.m.AgentID == 0 {
		held := JourneyStep{Kind: "held", Title: "Held for its undo window", At: j.m.CreatedAt, State: "ok"}
		if e.FinalAt > j.now && !j.m.State.Ended() {
			held.State = "waiting"
		}
		if e.FinalAt < forever {
			held.Took = e.FinalAt - e.At
		}
		steps = append(steps, held)
	}
	if j.m.QueuedAt > 0 {
		steps = append(steps, JourneyStep{Kind: "queued", Title: "Queued", At: j.m.QueuedAt, State: "ok"})
	}
	return steps
}

// actor names who did something.
func (j journey) actor(a postroom.Actor) string {
	switch a.Kind {
	case postroom.ByAgent:
		return nameOr(j.rows.Agents[a.ID], "An agent")
	case postroom.ByCustomer:
		return nameOr(j.rows.Customer, "The customer")
	case postroom.ByWorkflow:
		return "A workflow"
	case postroom.ByToken:
		return "An API client"
	}
	return "Postroom"
}

// causeTitle says an event as the beginning of a mail's journey.
func causeTitle(e *store.EventRow, who string) string {
	switch {
	case e.Path == postroom.PathSend && (e.Kind == postroom.ReplySent || e.Kind == postroom.StatusChanged):
		return who + " chose Send & Close"
	case e.Kind == postroom.ReplySent:
		return who + " replied"
	case e.Kind == postroom.StatusChanged && e.Payload.To == string(postroom.Closed):
		return who + " closed the conversation, " + pathNames[e.Path]
	case e.Kind == postroom.StatusChanged:
		return who + " set the status to " + e.Payload.To + ", " + pathNames[e.Path]
	case e.Kind == postroom.MessageReceived:
		return who + " wrote"
	case e.Kind == postroom.ConversationCreated:
		return who + " began the conversation"
	}
	return who + ": " + strings.ReplaceAll(string(e.Kind), ".", " ")
}

func (j journey) attempt(i int, t store.Attempt) JourneyStep {
	s := JourneyStep{Kind: "attempt", Title: fmt.Sprintf("Attempt %d", i+1), Words: t.Words, At: t.At, Number: i + 1, Server: t.Server, TLS: t.TLS, Phase: t.Phase, State: "bad"}
	if t.Cause != "" && !strings.HasPrefix(t.Cause, "It was due") {
		s.Title += ": " + t.Cause
	}
	if t.EndedAt > 0 {
		s.Took = t.EndedAt - t.At
	}
	switch {
	case t.EndedAt == 0:
		s.State = "waiting"
	case t.Outcome == "accepted":
		s.State = "ok"
	}
	for _, line := range t.Dialogue {
		s.Dialogue = append(s.Dialogue, dialogueLine(line, t.At))
	}
	return s
}

// dialogueLine reads a stored line: "10:02:11.250 C: MAIL FROM…". The date of
// its time is that of the attempt.
func dialogueLine(line string, began int64) DialogueLine {
	var d DialogueLine
	if clock, rest, ok := strings.Cut(line, " "); ok {
		if t, err := time.Parse("15:04:05.000", clock); err == nil {
			day := time.UnixMilli(began).UTC().Truncate(24 * time.Hour)
			d.At = day.Add(t.Sub(t.Truncate(24 * time.Hour))).UnixMilli()
			if d.At < began-int64(time.Hour/time.Millisecond) {
				d.At += int64(24 * time.Hour / time.Millisecond) // the attempt went past midnight
			}
			line = rest
		}
	}
	switch who, text, _ := strings.Cut(line, " "); who {
	case "C:":
		d.Client, line = true, text
	case "S:":
		line = text
	}
	d.Text = line
	return d
}

// waiting says what a mail that has no end yet waits for.
func (j journey) waiting() *JourneyStep {
	m := j.m
	step := func(title, words string, at int64) *JourneyStep {
		return &JourneyStep{Kind: "action", Title: title, Words: words, At: at, State: "waiting"}
	}
	switch m.State {
	case postroom.MailKept:
		return step("Quarantined", nameOr(m.Words, "A person decides whether it goes out."), 0)
	case postroom.MailUnsure:
		return step("Uncertain", nameOr(m.Words, "The server may have it or not."), m.DueAt)
	case postroom.MailHeld, postroom.MailQueued, postroom.MailDeferred:
	default:
		return nil
	}
	if j.rows.PausedAt > 0 {
		return step("Waits: sending is paused for "+j.rows.Mailbox, j.rows.PausedWords, 0)
	}
	if m.DueAt > j.now && m.DueAt < forever {
		if m.State == postroom.MailDeferred {
			return step("Next try", m.Words, m.DueAt)
		}
		return step("Goes out when its window ends", "", m.DueAt)
	}
	if s := j.turn(step); s != nil {
		return s
	}
	if len(j.rows.BlockedBy) > 0 {
		b := j.rows.BlockedBy[0]
		s := step("Waits for an earlier mail", behind(b), 0)
		if !b.Same {
			s.Words += " The hour counts from when that one could be tried."
		}
		s.Href, s.Link = fmt.Sprintf("/mails/%d", b.ID), "Its journey"
		return s
	}
	if j.rows.UnjudgedSeq > 0 {
		return step("Waits for workflows", "What happened before it on this conversation is still to be judged; that may put a mail before it.", 0)
	}
	return step("About to be sent", "", 0)
}

// turn says that a mail that may go waits for its channel's pace; nil if it
// does not.
func (j journey) turn(step func(title, words string, at int64) *JourneyStep) *JourneyStep {
	if len(j.rows.BlockedBy) > 0 || j.rows.UnjudgedSeq > 0 {
		return nil
	}
	at := j.rows.NextAt
	if at <= j.now {
		at = 0
	}
	switch {
	case j.rows.SlowUntil > j.now:
		return step("Waits for its turn", "The server asks us to send more slowly: "+j.rows.SlowWords, at)
	case at > 0:
		return step("Waits for its turn", "Only so many mails a minute are sent from "+j.rows.Mailbox+".", at)
	}
	return nil
}

// errandStep says what was done in the mailbox's folder for sent mail. A copy
// that could not be made is no fault of the mail, which was sent (R10).
func errandStep(e store.SentErrand) JourneyStep {
	s := JourneyStep{Kind: "evidence", Title: "Copy in the folder for sent mail", Words: e.Words, At: nonzero(e.EndedAt, e.CreatedAt), State: "ok"}
	if e.Kind == store.SentLook {
		s.Title = "Looked for in the folder for sent mail"
	}
	switch e.State {
	case store.ErrandWaiting:
		s.State = "waiting"
		if e.Words == "" {
			s.Words = "It is put there next."
		}
	case store.ErrandFailed:
		s.State = "note"
		if e.Kind == store.SentCopy {
			s.Title = "No copy in the folder for sent mail"
			s.Words = strings.TrimSpace(e.Words + " The mail itself was sent.")
		}
	}
	return s
}

func (j journey) end() JourneyStep {
	s := JourneyStep{Kind: "verdict", At: j.m.EndedAt, Words: j.m.Words, State: "ok"}
	switch j.m.State {
	case postroom.MailDone:
		s.Title = "Accepted by the server"
	case postroom.MailRefused:
		s.Title, s.State = "Failed", "bad"
	case postroom.MailUndone:
		s.Title, s.State = "Cancelled", "bad"
	case postroom.MailBlocked:
		s.Title, s.State = "Suppressed", "bad"
	case postroom.MailSkip:
		s.Title, s.State = "Skipped", "note"
	case postroom.MailAssumed:
		s.Title, s.State = "Assumed sent", "bad"
	}
	return s
}

func (j journey) verdict(r postroom.MailRecipient) Verdict {
	v := Verdict{Address: r.Address, Role: r.Kind, State: string(r.State), Code: r.Code, Words: r.Words, At: r.At}
	if n := len(j.attempts); n > 0 && r.State == postroom.MailDone {
		v.Server = j.attempts[n-1].Server
	}
	for _, x := range j.rows.Returns {
		if x.Address == r.Address && x.Kind == postroom.Bounced {
			v.Bounced = true
		}
		if x.Address == r.Address && x.Kind == postroom.Complained {
			v.Complained = true
		}
	}
	// What the server said begins with its codes: each is shown once.
	if code, rest, _ := strings.Cut(r.Words, " "); r.Code > 0 && code == decimal(int64(r.Code)) {
		v.Words = rest
		if code, rest, _ := strings.Cut(rest, " "); strings.Count(code, ".") == 2 {
			v.Enhanced, v.Words = code, rest
		}
	}
	return v
}

// MailHTML returns the HTML part of a mail for its frame; its pictures are those
// of the message it carries.
func (d *Desk) MailHTML(ctx context.Context, a *postroom.Agent, id int64, images bool) (*BodyPage, error) {
	m, err := d.mail(ctx, a, id)
	if err != nil {
		return nil, err
	}
	spec, err := specOf(m)
	if err != nil {
		return nil, err
	}
	if spec.HTML == "" {
		return nil, postroom.Errorf(postroom.NotFound, "This mail has no HTML part.")
	}
	var files []postroom.Attachment
	rows, err := d.read().MessageAttachments(ctx, m.ConversationID)
	if err != nil {
		return nil, err
	}
	files = rows[m.MessageID]
	html, _ := email.Sanitise(spec.HTML, email.SanitiseOptions{AllowRemote: images, InlineURL: inlineURL(files)})
	return &BodyPage{ID: id, HTML: html, Images: images}, nil
}

// MailBytes opens the bytes of a mail as they were handed to the server.
func (d *Desk) MailBytes(ctx context.Context, a *postroom.Agent, id int64) (io.ReadCloser, error) {
	m, err := d.mail(ctx, a, id)
	if err != nil {
		return nil, err
	}
	if m.SHA256 == "" {
		return nil, postroom.Errorf(postroom.NotFound, "The mail was not built yet; its bytes are made before the first attempt.")
	}
	return d.open(m.SHA256)
}
