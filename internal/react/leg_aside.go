package react

import (
	"context"
	"fmt"
	"html"
	"slices"
	"strings"
	"time"

	"postroom"
	"postroom/internal/alarm"
	"postroom/internal/desk"
	"postroom/internal/email"
	"postroom/internal/notify"
	"postroom/internal/workflow"
)

// asides are the mails of one action to others than the customer, rendered
// before the transaction: one to each agent, and one to all other addresses.
type asides struct {
	mails   []asideMail
	dropped []string // whom it does not go to, and why
}

type asideMail struct {
	mail      *postroom.Mail
	to        string // in words
	keptID    int64  // of the alarms if it is held back
	breakerID int64
}

// readNames reads the names of agents to choose among, and of their teams, since a transaction looks
// nothing up.
func (l *leg) readNames() {
	known := map[int64]string{}
	for _, p := range l.picks {
		for _, a := range p.Agents {
			known[a.ID] = l.g.look.name(workflow.RefAgent, a.ID)
		}
		if p.Team != 0 {
			known[p.Team] = l.g.look.name(workflow.RefTeam, p.Team) // no id is given twice
		}
	}
	l.names = func(kind workflow.Ref, id int64) string {
		if kind == workflow.RefAgent || kind == workflow.RefTeam {
			return known[id]
		}
		return ""
	}
}

// composeAside renders the mails of an action to others.
func (l *leg) composeAside(ctx context.Context, w workflow.Wish) error {
	g := l.g
	mailbox := g.look.Mailbox(g.look.home())
	if mailbox == nil {
		return postroom.Errorf(postroom.Invalid, "The mailbox it would send from does not exist any more.")
	}
	out := &asides{}
	if l.aside == nil {
		l.aside = map[int]*asides{}
	}
	l.aside[w.Position] = out
	agents, teamless := l.mailed(w)
	if teamless != "" {
		out.dropped = append(out.dropped, teamless)
	}
	if id := g.look.Conversation().AssigneeID; w.Assignee && id != 0 && !slices.Contains(agents, id) {
		agents = append(agents, id)
	} else if w.Assignee && id == 0 {
		out.dropped = append(out.dropped, "nobody is assigned")
	}
	ids, err := g.r.Store.NewIDs(ctx, 3*(len(agents)+1))
	if err != nil {
		return err
	}
	for i, id := range agents {
		if err := l.toAgent(out, w, mailbox, id, ids[3*i:][:3]); err != nil {
			return err
		}
	}
	if len(w.To) == 0 {
		return g.look.err
	}
	return l.toOthers(ctx, out, w, mailbox, ids[3*len(agents):])
}

// mailed returns the agents whom an action that mails names, those of its team
// too, and why there is nobody of the team; one that is switched off is sent
// nothing.
func (l *leg) mailed(w workflow.Wish) (agents []int64, teamless string) {
	if w.TeamID == 0 {
		return l.among(w), ""
	}
	switch t := l.g.look.Team(w.TeamID); {
	case t == nil:
		return slices.Clone(w.Agents), "there is no such team any more"
	case t.Off():
		return slices.Clone(w.Agents), "the team " + t.Name + " is switched off"
	case len(t.Members) == 0:
		return slices.Clone(w.Agents), "nobody belongs to the team " + t.Name
	}
	return l.among(w), ""
}

// toAgent renders the mail to one agent. Its answer acts like one to a
// notification (T12).
func (l *leg) toAgent(out *asides, w workflow.Wish, mailbox *postroom.Mailbox, id int64, ids []int64) error {
	g, c := l.g, l.g.look.Conversation()
	a := g.look.Agent(id)
	switch {
	case a == nil || a.Disabled:
		out.dropped = append(out.dropped, g.look.name(workflow.RefAgent, id)+" cannot sign in any more")
		return nil
	case !postroom.CanOn(a, postroom.See, c.MailboxID, c.AssigneeID):
		out.dropped = append(out.dropped, a.Name+" may not see this conversation")
		return nil
	case g.r.Desk.MailboxFor(g.look.Mailboxes(), a.Email) != nil:
		out.dropped = append(out.dropped, a.Email+" is one of our own addresses")
		return nil
	}
	text, html := bodies(w.Text, w.HTML)
	f := notify.Facts{News: notify.News{Conversation: c, Event: *g.event}, Told: notify.Told{Person: notify.Person{Agent: a}}, Mailbox: mailbox,
		Now: g.r.Store.Now(), Marker: g.r.Desk.NotificationMarker(ids[0])}
	if k := g.look.Customer(); k != nil {
		f.Customer = postroom.Address{Name: k.Name, Address: k.Email()}
	}
	if x := g.look.Agent(c.AssigneeID); x != nil {
		f.Assignee = x.Name
	}
	if g.r.URL != nil {
		if base := g.r.URL(); base != "" {
			f.URL = fmt.Sprintf("%s/conversations/%d", base, c.Number)
		}
	}
	letter := notify.WriteFromWorkflow(f, w.Subject, text, html)
	m, err := g.r.Desk.ComposeNotification(desk.NotificationLetter{ID: ids[0], Mailbox: mailbox, Conversation: c, Event: g.event, Agent: a,
		Sender: letter.Sender, Subject: letter.Subject, Text: letter.Text, HTML: letter.HTML, At: f.Now})
	if err != nil {
		return err
	}
	m.Aside, m.Machine = true, workflow.MachineCaused(g.root.Actor)
	for i := range m.Recipients {
		m.Recipients[i].State = ""
	}
	out.mails = append(out.mails, asideMail{mail: m, to: a.Name, keptID: ids[1], breakerID: ids[2]})
	return nil
}

// bodies makes both forms of a text, clean.
func bodies(text, markup string) (string, string) {
	if markup == "" {
		markup = email.HTMLFromText(text)
	} else {
		text = email.TextFromHTML(markup)
	}
	return text, email.SanitiseComposed(markup, email.ComposeOptions{})
}

// toOthers renders the mail to addresses that are no agent's.
func (l *leg) toOthers(ctx context.Context, out *asides, w workflow.Wish, mailbox *postroom.Mailbox, ids []int64) error {
	g, c := l.g, l.g.look.Conversation()
	letter := desk.Letter{ID: ids[0], Mailbox: mailbox, Conversation: c, Subject: w.Subject, Automatic: true, Aside: true,
		Machine: workflow.MachineCaused(g.root.Actor), At: g.r.Store.Now()}
	if letter.Subject == "" {
		letter.Subject = c.Subject
	}
	letter.Text, letter.HTML = bodies(w.Text, w.HTML)
	var sender string
	if w.Do == workflow.DoForward {
		m := g.look.Message(g.about)
		if g.look.err != nil {
			return g.look.err
		}
		if m == nil {
			out.dropped = append(out.dropped, "there is no message to forward")
			return nil
		}
		sender = person(postroom.Canonical(m.From.Address))
		forwarding(&letter, m, c, l.g.look.zone())
	}
	for _, to := range w.To {
		why := ""
		words, err := g.r.Store.Read().Suppressed(ctx, to)
		switch {
		case err != nil:
			return err
		case g.r.Desk.MailboxFor(g.look.Mailboxes(), to) != nil:
			why = " is one of our own addresses"
		case email.IsMachineAddress(to):
			why = " is the address of a machine"
		case person(postroom.Canonical(to)) == sender:
			why = " wrote it"
		case words != "":
			why = " is suppressed: " + words
		}
		if why != "" {
			out.dropped = append(out.dropped, to+why)
			continue
		}
		letter.To = append(letter.To, postroom.Address{Address: to})
	}
	if len(letter.To) == 0 {
		return g.look.err
	}
	m, err := g.r.Desk.Compose(letter)
	if err != nil {
		return err
	}
	words := make([]string, len(letter.To))
	for i, a := range letter.To {
		words[i] = a.Address
	}
	out.mails = append(out.mails, asideMail{mail: m, to: strings.Join(words, ", "), keptID: ids[1], breakerID: ids[2]})
	return g.look.err
}

// forwarding puts a message with its files into a letter, below what the
// workflow says.
func forwarding(l *desk.Letter, m *postroom.Message, c *postroom.Conversation, zone *time.Location) {
	subject := m.Subject
	if subject == "" {
		subject = c.Subject
	}
	l.Subject = "Fwd: " + subject
	var to []string
	for _, a := range m.To {
		to = append(to, a.String())
	}
	head := [][2]string{{"From", m.From.String()}, {"Date", time.UnixMilli(m.At).In(zone).Format(time.RFC1123Z)}, {"Subject", subject}, {"To", strings.Join(to, ", ")}}
	var text, markup strings.Builder
	for _, h := range head {
		if h[1] != "" {
			fmt.Fprintf(&text, "%s: %s\n", h[0], h[1])
			fmt.Fprintf(&markup, "%s: %s<br>", h[0], html.EscapeString(h[1]))
		}
	}
	const line = "---------- Forwarded message ----------"
	body := m.HTML
	if body == "" {
		body = email.HTMLFromText(m.Text)
	}
	l.Text = strings.TrimLeft(l.Text+"\n\n"+line+"\n"+text.String()+"\n"+m.Text, "\n")
	l.HTML += "<p>" + line + "<br>" + markup.String() + "</p>" + body
	l.Files = m.Attachments
}

// asides sends the mails of an action to others, each a row with its event.
func (s *step) asides(w workflow.Wish, e *postroom.Effect) error {
	a := s.leg.aside[w.Position]
	if w.Blank && w.Do == workflow.DoMail {
		e.Result, e.Reason = postroom.EffectSkipped, "Its text is empty."
		return nil
	}
	why, err := s.left()
	if err != nil {
		return err
	}
	if why != "" {
		overtaken(e, why)
		return nil
	}
	reasons := slices.Clone(a.dropped)
	sent := 0
	for _, x := range a.mails {
		words, err := s.sendAside(w, x, e)
		if err != nil {
			return err
		}
		if words != "" {
			reasons = append(reasons, words)
		} else {
			sent++
		}
	}
	if len(reasons) > 0 {
		e.Reason = "Not to all: " + strings.Join(reasons, "; ") + "."
	}
	if sent == 0 {
		e.Result = postroom.EffectSkipped
		e.Reason = strings.TrimPrefix(e.Reason, "Not to all: ")
	}
	return nil
}

// sendAside queues one mail, unless a limit forbids it; then words say why.
func (s *step) sendAside(w workflow.Wish, x asideMail, e *postroom.Effect) (words string, err error) {
	mail := *x.mail
	mail.Recipients = slices.Clone(x.mail.Recipients)
	b, err := s.countAside(x, &mail)
	if err != nil {
		return "", err
	}
	said := "mailed " + x.to
	if w.Do == workflow.DoForward {
		said = "forwarded the message to " + x.to
	}
	if b.state.Ended() {
		desk.Skip(&mail, b.state, b.words, s.leg.g.r.Store.Now())
		ev := s.turn.Record(postroom.MailSkipped, postroom.Payload{MailID: mail.ID, RunID: s.run.ID, Words: b.words})
		s.turn.Mail(&mail, ev)
		return x.to + ": " + b.words, nil
	}
	if b.state == postroom.MailKept {
		desk.Skip(&mail, postroom.MailKept, b.words, 0)
	}
	ev := s.turn.Record(postroom.MailWritten, postroom.Payload{MailID: mail.ID, RunID: s.run.ID, Words: said})
	s.turn.Mail(&mail, ev)
	if e.MailID == 0 {
		e.MailID, e.EventSeq = mail.ID, ev.Seq
	}
	if b.state != postroom.MailKept {
		return "", nil
	}
	s.turn.Record(postroom.MailQuarantined, postroom.Payload{MailID: mail.ID, RunID: s.run.ID, Words: b.words})
	return "", s.leg.g.r.Alarms.RaiseIn(s.ctx, s.tx, x.keptID, alarm.Quarantined, decimal(mail.ID), b.words)
}

// The breaker for mail to others (W23): admins chose to whom it goes, so that
// more is meant, and it does not use up what a customer may get.
const (
	breakAside     = 100 // automatic mails per address in ten minutes
	breakAsideTalk = 200 // … per conversation
)

// countAside holds a mail to others against limits and breaker.
func (s *step) countAside(x asideMail, mail *postroom.Mail) (block, error) {
	now := s.leg.g.r.Store.Now()
	if mail.Machine {
		n, err := s.tx.AsideRuns(s.ctx, s.c.ID, now-day, s.run.ID)
		if err != nil {
			return block{}, err
		}
		if n >= s.leg.version.Definition.Limits.MailCap() {
			return block{postroom.MailSkip, fmt.Sprintf("Skipped, limit: machines have mailed others %d times about this conversation within a day", n)}, nil
		}
	}
	if b, err := s.budget(now); err != nil || b.words != "" {
		return b, err
	}
	limits := []cap10{{fmt.Sprintf("brk:aside:%d", s.c.ID), breakAsideTalk, "about this conversation"},
		{fmt.Sprintf("brk:box:%d", mail.MailboxID), breakBox, "from this mailbox"}, {fmt.Sprintf("brk:flow:%d", s.leg.version.WorkflowID), breakFlow, "by this workflow"}}
	var counted []string
	for _, r := range mail.Recipients {
		// Whoever is named twice, by another detail, is one person and one mail.
		if whose := person(r.Address); !slices.Contains(counted, whose) {
			counted = append(counted, whose)
			limits = append(limits, cap10{"brk:aside:" + whose, breakAside, "to " + r.Address})
		}
	}
	return s.breaks(limits, x.breakerID, now)
}
