package react

import (
	"context"
	"fmt"
	"slices"

	"postroom"
	"postroom/internal/alarm"
	"postroom/internal/calendar"
	"postroom/internal/desk"
	"postroom/internal/email"
	"postroom/internal/store"
	"postroom/internal/template"
	"postroom/internal/workflow"
)

// leg is what one workflow wants for one event, planned and rendered; running
// it is one transaction (W18). A transaction may run more than once: it changes
// nothing here, and every id has one place and one use.
type leg struct {
	g       *judgement
	version *workflow.Version
	wishes  []workflow.Wish
	letters map[int]*letter // by position of the wish
	aside   map[int]*asides
	calls   map[int]postroom.WebhookCall // of webhooks
	names   workflow.Names
	picks   map[int]postroom.Pick // what agents are chosen by, but for whose turn it is
	blind   map[int64]string      // who may not see what they are to follow, by name
	fault   error                 // planning failed: the run fails visibly (W21)

	number  int                // of the leg: 0, or behind which wait of its Then it is
	waitID  int64              // of the timer, if it ends in a wait
	office  *calendar.Calendar // by which that waits; nil if it needs none
	runID   int64
	pauseID int64   // of the alarm if the workflow is paused
	turnIDs []int64 // of the act and its events and messages
}

// letter is a reply that was rendered before the transaction.
type letter struct {
	message *postroom.Message
	mail    *postroom.Mail
	source  string // the words of the workflow, before anything was filled in
	block   block  // why it may not go out, as far as that is known before

	keptID, breakerID int64 // of the alarms if it is held back
}

// plan renders what a matching version wants. What is wrong with the workflow
// fails its run; what is wrong with the database fails the judging.
func (g *judgement) plan(ctx context.Context, v *workflow.Version) (*leg, error) {
	l := &leg{g: g, version: v, letters: map[int]*letter{}}
	if g.event.Payload.WorkflowID == v.WorkflowID {
		l.number = workflow.LegOf(g.event)
	}
	if v.LegCountsOffice(l.number+1) || v.SleepCountsOffice(l.number) {
		l.office = g.look.Office()
	}
	l.render()
	if g.look.err != nil {
		return nil, g.look.err
	}
	var replies []workflow.Wish
	for _, w := range l.wishes {
		if w.Do == workflow.DoReply {
			replies = append(replies, w)
		}
	}
	for _, w := range l.wishes {
		if w.Do == workflow.DoWebhook {
			if err := l.composeCall(ctx, w); err != nil {
				return nil, err
			}
		}
		if w.Do.Aside() {
			if err := l.composeAside(ctx, w); err != nil {
				if postroom.CodeOf(err) != postroom.Invalid {
					return nil, err
				}
				l.fault = err
			}
		}
	}
	if g.look.err != nil {
		return nil, g.look.err
	}
	l.readNames()
	turn := 3 + 3*len(l.wishes)
	ids, err := g.r.Store.NewIDs(ctx, 3+turn+3*len(replies))
	if err != nil {
		return nil, err
	}
	l.runID, l.pauseID, l.waitID, l.turnIDs = ids[0], ids[1], ids[2], ids[3:3+turn]
	for i, w := range replies {
		if err := l.compose(ctx, w, ids[3+turn+3*i:][:3]); err != nil {
			if postroom.CodeOf(err) != postroom.Invalid {
				return nil, err
			}
			l.fault = err
		}
	}
	return l, nil
}

// render makes the wishes. A workflow whose rendering panics fails alone.
func (l *leg) render() {
	g := l.g
	defer func() {
		if v := recover(); v != nil {
			g.r.Log.Error("a workflow's plan panicked", "workflow", l.version.WorkflowID, "event", g.event.ID, "panic", v)
			l.wishes, l.fault = nil, postroom.Errorf(postroom.Internal, "It could not be carried out, through a fault of this program: %v.", v)
		}
	}()
	o := template.Options{}
	if slices.ContainsFunc(l.version.Definition.Then, func(a workflow.Action) bool { return a.Text+a.HTML+a.Subject != "" }) {
		last := g.look.Last()
		o.Untrusted, o.Zone = last == nil || !last.Verified, g.look.zone()
	}
	if l.wishes, l.fault = workflow.Plan(l.version, o, g.look.value(l.version.Name), g.look.name); l.fault != nil {
		l.wishes = nil
		return
	}
	l.wishes = l.version.OfLeg(l.number, l.wishes)
	home := g.look.home()
	for _, w := range l.wishes {
		if l.fault = l.possible(w, home); l.fault == nil {
			home, l.fault = l.possibleMore(w, home)
		}
		if l.fault != nil {
			l.wishes = nil
			return
		}
	}
}

// possible refuses what a workflow names and nobody has any more.
func (l *leg) possible(w workflow.Wish, home int64) error {
	look := l.g.look
	if w.Do == workflow.DoAssign && w.AgentID != 0 {
		switch a := look.Agent(w.AgentID); {
		case look.err != nil:
		case a == nil:
			return postroom.Errorf(postroom.Invalid, "The agent it assigns to does not exist any more.")
		case !postroom.CanOn(a, postroom.Answer, home, a.ID):
			return postroom.Errorf(postroom.Invalid, "%s, to whom it assigns, may not answer in this mailbox any more.", a.Name)
		}
	}
	for _, t := range w.Add {
		if _, ok := look.Tags()[t]; !ok && look.err == nil {
			return postroom.Errorf(postroom.Invalid, "A tag it adds does not exist any more.")
		}
	}
	return nil
}

// compose renders one reply to the customer; ids are for its mail and its two
// alarms.
func (l *leg) compose(ctx context.Context, w workflow.Wish, ids []int64) error {
	g := l.g
	c, last, mailbox, customer := g.look.Conversation(), g.look.Last(), g.look.Mailbox(g.look.home()), g.look.Customer()
	if g.look.err != nil {
		return g.look.err
	}
	if mailbox == nil {
		return postroom.Errorf(postroom.Invalid, "The mailbox it would send from does not exist any more.")
	}
	html, text := w.HTML, w.Text
	if html == "" {
		html = email.HTMLFromText(text)
	} else {
		text = email.TextFromHTML(html)
	}
	html = email.SanitiseComposed(html, email.ComposeOptions{})
	m := &postroom.Message{From: postroom.Address{Name: mailbox.Name, Address: mailbox.Address}, HTML: html, Text: text, Subject: email.ReplySubject(c.Subject)}
	if customer != nil && customer.Email() != "" {
		m.To = []postroom.Address{{Name: customer.Name, Address: customer.Email()}}
		if l.stranger(last) {
			m.To[0].Name = "" // the name, too, is what a stranger wrote (A8)
		}
	}
	mail, err := g.r.Desk.Compose(desk.Letter{ID: ids[0], Mailbox: mailbox, Conversation: c, To: m.To, HTML: html, Text: text,
		Answers: last, Language: languageOf(customer), Subject: l.subject(c, last), Automatic: true, Machine: workflow.MachineCaused(g.root.Actor), At: g.r.Store.Now()})
	if err != nil {
		return err
	}
	b, err := g.forbidden(ctx, m)
	a := l.version.Definition.Then[w.Position]
	l.letters[w.Position] = &letter{message: m, mail: mail, source: a.Text + a.HTML, block: b, keptID: ids[1], breakerID: ids[2]}
	return err
}

// languageOf is a customer's language, "" if it is not known.
func languageOf(k *postroom.Customer) string {
	if k == nil {
		return ""
	}
	return k.Language
}

// subject keeps the customer's subject in an answer; a mail to a sender who is
// not verified names the number only, so that nobody can have our mail carry
// their words to others (A8). Threading does not hang on it.
func (l *leg) subject(c *postroom.Conversation, last *postroom.Message) string {
	if l.stranger(last) {
		return fmt.Sprintf("Re: your request %d", c.Number)
	}
	return ""
}

// stranger reports whether only a mail whose sender is not verified set the
// leg off: the address it names may be anybody's.
func (l *leg) stranger(last *postroom.Message) bool {
	return workflow.MachineCaused(l.g.root.Actor) && (last == nil || !last.Verified)
}

// run carries the leg out on the locked conversation, with its run record. A
// stop holds even if the rest of the leg failed: the verdicts of the later
// workflows stand.
func (l *leg) run(ctx context.Context, tx *store.Tx, c *postroom.Conversation) error {
	g := l.g
	if c.MailboxID != g.look.home() {
		return errUndone // it was moved since the mail was composed: look again
	}
	run := &postroom.Run{ID: l.runID, WorkflowID: l.version.WorkflowID, Version: l.version.Number, EventID: g.event.ID, EventSeq: g.event.Seq,
		RootID: g.event.Root, ConversationID: c.ID, State: postroom.RunDone, Stopped: l.version.Stops(), At: g.event.At, Leg: l.number}
	s := &step{leg: l, tx: tx, ctx: ctx, c: c, run: run}
	actor := postroom.Actor{Kind: postroom.ByWorkflow, ID: l.version.WorkflowID}
	_, err := g.r.Desk.In(ctx, tx, actor, g.cause(), c, l.turnIDs, func(t *desk.Turn) error {
		t.Run(run)
		if l.fault != nil {
			return l.fail(ctx, tx, t, run)
		}
		return s.all(t)
	})
	if err == nil && l.fault == nil {
		err = tx.ForgiveWorkflow(ctx, l.version.WorkflowID) // a row of failures ends here
	}
	return err
}

// fail records that the leg could not be carried out; nothing of it is done.
func (l *leg) fail(ctx context.Context, tx *store.Tx, t *desk.Turn, run *postroom.Run) error {
	run.State, run.Error = postroom.RunFailed, postroom.TextOf(l.fault)
	t.Record(postroom.WorkflowFailed, postroom.Payload{RunID: run.ID, Words: l.version.Name + ": " + run.Error})
	paused, err := l.g.r.failed(ctx, tx, l.version, run.Error, l.pauseID)
	if paused != "" {
		t.Record(postroom.WorkflowPaused, postroom.Payload{RunID: run.ID, Words: l.version.Name + ": " + paused})
	}
	return err
}

// step carries out the actions of a leg, one after the other.
type step struct {
	leg  *leg
	tx   *store.Tx
	ctx  context.Context
	c    *postroom.Conversation
	run  *postroom.Run
	turn *desk.Turn

	since []postroom.Event // see later
	known bool
}

func (s *step) all(t *desk.Turn) error {
	s.turn = t
	// Messages first, whatever the order of the actions: what they say comes
	// before what they change (W3).
	for _, messages := range []bool{true, false} {
		for _, w := range s.leg.wishes {
			if w.Do.Says() != messages {
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
	if s.c.DeletedAt > 0 && w.Do != workflow.DoReply && !w.Do.Aside() && w.Do != workflow.DoWebhook { // a reply not sent is a row of its own
		e.Result, e.Reason = postroom.EffectSkipped, wordsDeleted
		return nil
	}
	if s.c.MergedInto > 0 && w.Do != workflow.DoReply && !w.Do.Aside() && w.Do != workflow.DoWebhook {
		overtaken(e, wordsMerged)
		return nil
	}
	switch w.Do {
	case workflow.DoReply:
		return s.reply(w, e)
	case workflow.DoNote:
		s.note(w, e)
	case workflow.DoStatus:
		if why, err := s.tooSoon(w); why != "" || err != nil {
			overtaken(e, why)
			return err
		}
		by, err := s.changedSince(postroom.StatusChanged)
		if by != "" {
			overtaken(e, "The status was changed since, by "+by+".")
		} else if err == nil {
			s.recorded(s.turn.Status(w.Status), e)
		}
		return err
	case workflow.DoAssign:
		return s.assign(w, e)
	case workflow.DoTags:
		return s.tags(w, e)
	case workflow.DoWait:
		return s.wait(w, e)
	case workflow.DoRun:
		s.runs(w, e)
		return nil
	}
	return s.more(w, e)
}

// tags adds and removes those tags that nobody has touched since.
func (s *step) tags(w workflow.Wish, e *postroom.Effect) error {
	add, err := s.untouched(w.Add)
	if err != nil {
		return err
	}
	remove, err := s.untouched(w.Remove)
	if err != nil {
		return err
	}
	left := len(w.Add) + len(w.Remove) - len(add) - len(remove)
	if left > 0 && len(add)+len(remove) == 0 {
		overtaken(e, "These tags were changed since.")
		return nil
	}
	s.recorded(s.turn.Tags(add, remove), e)
	if left > 0 {
		e.Reason = "Some of these tags were changed since; they were left as they are."
	}
	return nil
}

// wordsDeleted says why nothing more happens to a conversation (W30).
const wordsDeleted = "The conversation was deleted."

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

// later returns what happened to the conversation since the event, but for
// what the workflows of this very event have done: of them the later in order
// wins (W17). That an answer makes a conversation active again is nobody's
// decision but part of its arriving, so it is left out too.
func (s *step) later() ([]postroom.Event, error) {
	if s.known {
		return s.since, nil
	}
	g, e := s.leg.g, s.leg.g.about
	all, err := s.tx.LaterEvents(s.ctx, s.c.ID, e.Seq)
	s.since = slices.DeleteFunc(all, func(x postroom.Event) bool {
		return g.own(x) || x.ActID == e.ActID && x.Actor.Kind != postroom.ByAgent
	})
	s.known = err == nil
	return s.since, err
}

// changedSince says who has changed a fact after the event, "" if nobody did.
func (s *step) changedSince(kind postroom.EventKind) (string, error) {
	later, err := s.later()
	for _, x := range later {
		if x.Kind == kind {
			return who(x.Actor), err
		}
	}
	return "", err
}

// who names a sort of actor.
func who(a postroom.Actor) string {
	switch a.Kind {
	case postroom.ByAgent:
		return "an agent"
	case postroom.ByCustomer:
		return "the customer's answer"
	case postroom.ByWorkflow:
		return "another workflow"
	case postroom.ByToken:
		return "an API client"
	}
	return "the desk"
}

// untouched leaves out the tags that were changed since the event.
func (s *step) untouched(tags []int64) ([]int64, error) {
	later, err := s.later()
	return slices.DeleteFunc(slices.Clone(tags), func(t int64) bool {
		return slices.ContainsFunc(later, func(x postroom.Event) bool { return touches(x, t) })
	}), err
}

func touches(e postroom.Event, tag int64) bool {
	return e.Kind == postroom.TagsChanged && (slices.Contains(e.Payload.Added, tag) || slices.Contains(e.Payload.Removed, tag))
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
	why, err := s.left()
	if err != nil {
		return err
	}
	if why != "" {
		overtaken(e, why)
		return nil
	}
	mail := *l.mail
	mail.Recipients = slices.Clone(l.mail.Recipients)
	message := *l.message
	message.RunID = s.run.ID
	b := l.block
	switch {
	case b.words != "":
	case s.c.DeletedAt > 0:
		b = block{postroom.MailSkip, wordsDeleted}
	case s.c.Status == postroom.Spam:
		b = block{postroom.MailSkip, "The conversation is spam."}
	default:
		if b, err = s.count(l, &mail); err != nil {
			return err
		}
	}
	if b.state.Ended() {
		return s.skip(&mail, b, e)
	}
	if b.state == postroom.MailKept {
		desk.Skip(&mail, postroom.MailKept, b.words, 0)
	}
	for _, a := range message.To {
		s.turn.Join(store.Participant{Address: a.Address, Name: a.Name, Kind: "to", Confirmed: true})
	}
	ev := s.turn.Reply(&message, &mail)
	e.MessageID, e.MailID, e.EventSeq = message.ID, mail.ID, ev.Seq
	if b.state == postroom.MailKept {
		e.Reason = b.words
		s.turn.Record(postroom.MailQuarantined, postroom.Payload{MailID: mail.ID, MessageID: message.ID, RunID: s.run.ID, Words: b.words})
		return s.leg.g.r.Alarms.RaiseIn(s.ctx, s.tx, l.keptID, alarm.Quarantined, decimal(mail.ID), b.words)
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
// customer, a person or another event has taken the conversation off it since,
// even if it came back; then the later edge has a mail of its own (W17).
func (s *step) left() (string, error) {
	e := s.leg.g.about
	if s.c.CustomerID != s.leg.g.event.After.CustomerID { // to whom, and for whom, it was written
		by, err := s.changedSince(postroom.CustomerChanged)
		return "The conversation was given to another customer since, by " + by + ".", err
	}
	if k := s.leg.g.event.Kind; k == postroom.TimerDue || k == postroom.ScheduleDue {
		if why, err := s.ended(); why != "" || err != nil {
			return why, err
		}
	}
	switch e.Kind {
	case postroom.StatusChanged:
		by, err := s.changedSince(postroom.StatusChanged)
		if by != "" {
			return fmt.Sprintf("The conversation did not stay %s: the status was changed since, by %s.", e.Payload.To, by), err
		}
		return "", err
	case postroom.AssigneeChanged:
		by, err := s.changedSince(postroom.AssigneeChanged)
		if by != "" {
			return "The assignee was changed since, by " + by + ".", err
		}
		return "", err
	case postroom.TeamChanged:
		by, err := s.changedSince(postroom.TeamChanged)
		if by != "" {
			return "The team was changed since, by " + by + ".", err
		}
		return "", err
	case postroom.TagsChanged:
		later, err := s.later()
		for _, x := range later {
			for _, t := range slices.Concat(e.Payload.Added, e.Payload.Removed) {
				if touches(x, t) {
					return "The tags were changed back since, by " + who(x.Actor) + ".", err
				}
			}
		}
		return "", err
	case postroom.ConversationMoved:
		by, err := s.changedSince(postroom.ConversationMoved)
		if by != "" {
			return "The conversation was moved on since, by " + by + ".", err
		}
		return "", err
	case postroom.FieldChanged:
		return s.fieldLeft(e)
	case postroom.ConversationRestored:
		by, err := s.changedSince(postroom.ConversationDeleted)
		if by != "" {
			return "The conversation was deleted again since, by " + by + ".", err
		}
		return "", err
	}
	return "", nil
}
