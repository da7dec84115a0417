package react

import (
	"context"
	"fmt"
	"slices"

	"postroom"
	"postroom/internal/alarm"
	"postroom/internal/desk"
	"postroom/internal/email"
	"postroom/internal/store"
	"postroom/internal/template"
	"postroom/internal/workflow"
)

// leg is what one workflow wants for one event, planned and rendered; running
// it is one transaction (W18).
type leg struct {
	g       *judgement
	version *workflow.Version
	wishes  []workflow.Wish
	letters map[int]*letter // by position of the wish
	mailbox *postroom.Mailbox
	fault   error // planning failed: the run fails visibly (W21)
	ids     []int64
}

// letter is a reply that was rendered before the transaction.
type letter struct {
	message *postroom.Message
	mail    *postroom.Mail
	block   block // why it may not go out, as far as that is known before
}

// plan renders what a matching version wants.
func (g *judgement) plan(ctx context.Context, v *workflow.Version) (*leg, error) {
	read, e := g.r.Store.Read(), g.event
	l := &leg{g: g, version: v, letters: map[int]*letter{}}
	var err error
	if l.mailbox, err = read.Mailbox(ctx, e.After.MailboxID); err != nil {
		return nil, err
	}
	last, err := read.LastReceived(ctx, e.ConversationID)
	if err != nil {
		return nil, err
	}
	values := workflow.Values{Event: e, Subject: g.facts.subject, Customer: g.facts.customer, Mailbox: l.mailbox, Workflow: v.Name,
		Assignee: g.r.agent(ctx, e.After.AssigneeID)}
	if g.root.Actor.Kind == postroom.ByAgent {
		values.Actor = g.r.agent(ctx, g.root.Actor.ID)
	}
	o := template.Options{Untrusted: last == nil || !last.Verified, Zone: g.r.zone(values.Assignee)}
	l.wishes, l.fault = workflow.Plan(v, o, values.Value, g.r.names(ctx))
	if l.ids, err = g.r.Store.NewIDs(ctx, 8+4*len(l.wishes)); err != nil {
		return nil, err
	}
	for _, w := range l.wishes {
		if w.Do == workflow.DoReply && l.fault == nil {
			if err := l.compose(ctx, w, last); err != nil {
				if postroom.CodeOf(err) != postroom.Invalid {
					return nil, err
				}
				l.fault = err
			}
		}
	}
	return l, nil
}

func (l *leg) id() int64 {
	id := l.ids[0]
	l.ids = l.ids[1:]
	return id
}

// compose renders one reply to the customer.
func (l *leg) compose(ctx context.Context, w workflow.Wish, last *postroom.Message) error {
	g := l.g
	c, err := g.r.Store.Read().Conversation(ctx, g.event.ConversationID)
	if err != nil {
		return err
	}
	html, text := w.HTML, w.Text
	if html == "" {
		html = email.HTMLFromText(text)
	} else {
		text = email.TextFromHTML(html)
	}
	html = email.SanitiseComposed(html, email.ComposeOptions{})
	m := &postroom.Message{From: postroom.Address{Name: l.mailbox.Name, Address: l.mailbox.Address}, HTML: html, Text: text, Subject: email.ReplySubject(c.Subject)}
	if customer := g.facts.customer; customer != nil && customer.Email() != "" {
		m.To = []postroom.Address{{Name: customer.Name, Address: customer.Email()}}
	}
	machine := workflow.MachineCaused(g.root.Actor)
	mail, err := g.r.Desk.Compose(desk.Letter{ID: l.id(), Mailbox: l.mailbox, Conversation: c, To: m.To, HTML: html, Text: text,
		Answers: last, Subject: l.subject(c, last), Automatic: true, Machine: machine, At: g.r.Store.Now()})
	if err != nil {
		return err
	}
	b, err := g.forbidden(ctx, l.mailbox, m)
	l.letters[w.Position] = &letter{message: m, mail: mail, block: b}
	return err
}

// subject keeps the customer's subject in an answer; a mail to a sender who is
// not verified names the number only, so that nobody can have our mail carry
// their words to others (A8). Threading does not hang on it.
func (l *leg) subject(c *postroom.Conversation, last *postroom.Message) string {
	if workflow.MachineCaused(l.g.root.Actor) && (last == nil || !last.Verified) {
		return fmt.Sprintf("Re: your request %d", c.Number)
	}
	return ""
}

// run carries the leg out on the locked conversation, with its run record.
func (l *leg) run(ctx context.Context, tx *store.Tx, c *postroom.Conversation) error {
	g := l.g
	run := &postroom.Run{ID: l.ids[0], WorkflowID: l.version.WorkflowID, Version: l.version.Number, EventID: g.event.ID, EventSeq: g.event.Seq,
		RootID: g.event.Root, ConversationID: c.ID, State: postroom.RunDone, Stopped: l.version.Stops(), At: g.event.At}
	later, err := tx.LaterEvents(ctx, c.ID, g.event.Seq)
	if err != nil {
		return err
	}
	s := &step{leg: l, tx: tx, ctx: ctx, c: c, run: run, later: later}
	actor := postroom.Actor{Kind: postroom.ByWorkflow, ID: l.version.WorkflowID}
	cause := desk.Cause{Path: postroom.PathWorkflow, Event: g.event, Root: &postroom.Event{ID: g.event.Root, Seq: g.event.RootSeq}}
	_, err = g.r.Desk.In(ctx, tx, actor, cause, c, l.ids[2:], func(t *desk.Turn) error {
		t.Run(run)
		if l.fault != nil {
			return l.fail(ctx, tx, t, run)
		}
		return s.all(t)
	})
	if err == nil && l.fault == nil {
		err = l.g.r.succeeded(ctx, tx, l.version.WorkflowID)
	}
	return err
}

// fail records that the leg could not be carried out; nothing of it is done.
func (l *leg) fail(ctx context.Context, tx *store.Tx, t *desk.Turn, run *postroom.Run) error {
	run.State, run.Error, run.Stopped = postroom.RunFailed, postroom.TextOf(l.fault), false
	t.Record(postroom.WorkflowFailed, postroom.Payload{RunID: run.ID, Words: l.version.Name + ": " + run.Error})
	return l.g.r.failed(ctx, tx, l.version, run.Error, l.ids[1])
}

// step carries out the actions of a leg, one after the other.
type step struct {
	leg   *leg
	tx    *store.Tx
	ctx   context.Context
	c     *postroom.Conversation
	run   *postroom.Run
	later []postroom.Event // what happened since the event
	turn  *desk.Turn
}

func (s *step) all(t *desk.Turn) error {
	s.turn = t
	// Messages first, whatever the order of the actions: what they say comes
	// before what they change (W3).
	for _, messages := range []bool{true, false} {
		for _, w := range s.leg.wishes {
			if (w.Do == workflow.DoReply || w.Do == workflow.DoNote) != messages {
				continue
			}
			e := postroom.Effect{Position: w.Position, Action: string(w.Do), Detail: w.Detail, Result: postroom.EffectDone}
			if err := s.one(w, &e); err != nil {
				return err
			}
			s.run.Effects = append(s.run.Effects, e)
		}
	}
	slices.SortFunc(s.run.Effects, func(a, b postroom.Effect) int { return a.Position - b.Position })
	return nil
}

func (s *step) one(w workflow.Wish, e *postroom.Effect) error {
	switch w.Do {
	case workflow.DoReply:
		return s.reply(w, e)
	case workflow.DoNote:
		s.note(w, e)
	case workflow.DoStatus:
		if by := s.changedSince(postroom.StatusChanged); by != "" {
			overtaken(e, "The status was changed since, by "+by+".")
		} else {
			s.recorded(s.turn.Status(w.Status), e)
		}
	case workflow.DoAssign:
		if by := s.changedSince(postroom.AssigneeChanged); by != "" {
			overtaken(e, "The assignee was changed since, by "+by+".")
		} else {
			s.recorded(s.turn.Assign(w.AgentID), e)
		}
	case workflow.DoTags:
		s.recorded(s.turn.Tags(s.untouched(w.Add), s.untouched(w.Remove)), e)
	}
	return nil
}

func overtaken(e *postroom.Effect, why string) {
	e.Result, e.Reason = postroom.EffectOvertaken, why
}

func (s *step) recorded(ev *postroom.Event, e *postroom.Effect) {
	if ev == nil {
		e.Result, e.Reason = postroom.EffectNothing, "It was so already."
		return
	}
	e.EventSeq = ev.Seq
}

// changedSince says who has changed a fact after the event; the workflows that
// run for the same event do not count: of them the later in order wins (W17).
func (s *step) changedSince(kind postroom.EventKind) string {
	for _, x := range s.later {
		if x.Kind == kind && x.Cause != s.leg.g.event.ID {
			switch x.Actor.Kind {
			case postroom.ByAgent:
				return "an agent"
			case postroom.ByCustomer:
				return "the customer's answer"
			case postroom.ByWorkflow:
				return "another workflow"
			}
			return "the desk"
		}
	}
	return ""
}

// untouched leaves out the tags that were changed since the event.
func (s *step) untouched(tags []int64) []int64 {
	return slices.DeleteFunc(slices.Clone(tags), func(t int64) bool {
		return slices.ContainsFunc(s.later, func(x postroom.Event) bool {
			return x.Kind == postroom.TagsChanged && x.Cause != s.leg.g.event.ID &&
				(slices.Contains(x.Payload.Added, t) || slices.Contains(x.Payload.Removed, t))
		})
	})
}

func (s *step) note(w workflow.Wish, e *postroom.Effect) {
	if w.Blank {
		e.Result, e.Reason = postroom.EffectSkipped, "Its text is empty."
		return
	}
	m := &postroom.Message{From: postroom.Address{Name: s.leg.version.Name}, Text: w.Text, HTML: email.HTMLFromText(w.Text), RunID: s.run.ID}
	e.EventSeq = s.turn.Note(m).Seq
	e.MessageID = m.ID
}

// reply sends the customer a mail, unless the world went on or a rule forbids
// it; then the reason is a row too (W12, W27).
func (s *step) reply(w workflow.Wish, e *postroom.Effect) error {
	l := s.leg.letters[w.Position]
	if w.Blank {
		e.Result, e.Reason = postroom.EffectSkipped, "Its text is empty."
		return nil
	}
	if why := s.left(); why != "" {
		overtaken(e, why)
		return nil
	}
	mail := *l.mail
	mail.Recipients = slices.Clone(l.mail.Recipients)
	message := *l.message
	message.RunID = s.run.ID
	b := l.block
	if b.words == "" {
		var err error
		if b, err = s.count(&mail); err != nil {
			return err
		}
	}
	if b.state.Ended() {
		return s.skip(&mail, b, e)
	}
	if b.state == postroom.MailKept {
		desk.Skip(&mail, postroom.MailKept, b.words, 0)
	}
	ev := s.turn.Reply(&message, &mail)
	e.MessageID, e.MailID, e.EventSeq = message.ID, mail.ID, ev.Seq
	if b.state == postroom.MailKept {
		e.Reason = b.words
		s.turn.Record(postroom.MailQuarantined, postroom.Payload{MailID: mail.ID, MessageID: message.ID, RunID: s.run.ID, Words: b.words})
		return s.leg.g.r.Alarms.RaiseIn(s.ctx, s.tx, s.leg.ids[len(s.leg.ids)-1], alarm.Quarantined, decimal(mail.ID), b.words)
	}
	return nil
}

// skip records a mail that is not sent, with its reason, on run and timeline.
func (s *step) skip(mail *postroom.Mail, b block, e *postroom.Effect) error {
	desk.Skip(mail, b.state, b.words, s.leg.g.r.Store.Now())
	kind := postroom.MailSkipped
	if b.state == postroom.MailBlocked {
		kind = postroom.MailSuppressed
	}
	ev := s.turn.Record(kind, postroom.Payload{MailID: mail.ID, RunID: s.run.ID, Words: b.words})
	s.turn.Mail(mail, ev)
	e.Result, e.Reason, e.MailID, e.EventSeq = postroom.EffectSkipped, b.words, mail.ID, ev.Seq
	return nil
}

// left says why a mail about the event's edge is overtaken: a message of the
// customer or a person has taken the conversation off it since (W17).
func (s *step) left() string {
	e := s.leg.g.event
	switch e.Kind {
	case postroom.StatusChanged:
		if string(s.c.Status) != e.Payload.To {
			if by := s.changedSince(postroom.StatusChanged); by != "" {
				return "The conversation is " + string(s.c.Status) + " again, through " + by + "."
			}
		}
	case postroom.AssigneeChanged:
		if by := s.changedSince(postroom.AssigneeChanged); by != "" {
			return "The assignee was changed since, by " + by + "."
		}
	}
	return ""
}
