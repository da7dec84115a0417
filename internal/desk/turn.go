package desk

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"postroom"
	"postroom/internal/email"
	"postroom/internal/store"
)

// Cause says how an act came about.
type Cause struct {
	Path   postroom.Path
	UndoMS int64           // the undo window, in milliseconds; 0: final at once
	Event  *postroom.Event // what set it off, nil for a person's own act
	Root   *postroom.Event // the beginning of that chain
	Begin  bool            // it begins a chain of its own, of which Event is only the cause: a timer
	GoesOn bool            // with Begin: it is as deep as Event, since a run that had begun then goes on
	JobID  int64           // the bulk job it belongs to: final when the job has ended
	Import bool            // never judged, mails nobody (W7)
	At     int64           // when it happened, for an import; 0: now
}

// Outcome is what an act left behind.
type Outcome struct {
	ActID          int64
	ConversationID int64
	Number         int64
	MessageID      int64 // of the message it published, 0 if none
	MailIDs        []int64
	FinalAt        int64 // end of its undo window; the time of the act if there is none
	Changed        bool  // false: everything was so already, and nothing was recorded
	Seq            int64 // of the conversation's last event
}

// Turn is one act on one conversation. Its verbs record; saving writes all of
// it, in the transaction the turn was begun in.
type Turn struct {
	Conversation *postroom.Conversation
	Tx           *store.Tx

	ctx     context.Context
	desk    *Desk
	by      postroom.By
	cause   Cause
	ids     []int64
	isNew   bool
	before  postroom.Snapshot
	subject string

	messages     []*postroom.Message
	mails        []*postroom.Mail
	participants []store.Participant
	texts        []store.FieldText
	run          *postroom.Run
	edited       *edited
	publishes    int64 // draft
	followed     bool  // who follows has changed
	pair         int64 // the act on the other conversation of a merge
	carried      store.Carried
	fault        error // of drawing an id
}

// turnIDs is how many ids a turn draws before its transaction; a turn that
// needs more draws them one by one.
const turnIDs = 12

// Turn runs f as one act on a conversation, in a transaction of its own. f
// may run more than once and must only call verbs. An act that changes
// nothing writes nothing.
func (d *Desk) Turn(ctx context.Context, actor postroom.Actor, cause Cause, conversation int64, f func(*Turn) error) (out Outcome, err error) {
	defer wrap(&err, "turn")
	ids, err := d.store.NewIDs(ctx, turnIDs)
	if err != nil {
		return out, err
	}
	err = d.store.Write(ctx, func(tx *store.Tx) error {
		c, err := tx.Conversation(ctx, conversation)
		if err != nil {
			return err
		}
		out, err = d.In(ctx, tx, actor, cause, c, ids, f)
		return err
	})
	return out, err
}

// wrap adds context to errors that are not for people.
func wrap(err *error, what string) {
	var e *postroom.Error
	if *err != nil && !errors.As(*err, &e) {
		*err = fmt.Errorf("%s: %w", what, *err)
	}
}

// In runs f as one act on a conversation within a transaction of the caller,
// who has loaded the conversation in it. A conversation with Number 0 is new
// and is stored too. ids were drawn before; at least one is needed.
func (d *Desk) In(ctx context.Context, tx *store.Tx, actor postroom.Actor, cause Cause, c *postroom.Conversation, ids []int64, f func(*Turn) error) (Outcome, error) {
	now := d.store.Now()
	if cause.Import && cause.At > 0 {
		now = min(now, cause.At)
	}
	t := &Turn{Conversation: c, Tx: tx, ctx: ctx, desk: d, cause: cause, ids: slices.Clone(ids), isNew: c.Number == 0, before: c.Facts(), subject: c.Subject}
	act := t.id()
	t.by = postroom.By{Actor: actor, Path: cause.Path, ActID: act, At: now, FinalAt: now + cause.UndoMS, Cause: cause.Event, Root: cause.Root, Import: cause.Import}
	if cause.JobID != 0 {
		t.by.FinalAt = never
	}
	if cause.Event != nil && !cause.Begin {
		t.by.Depth = cause.Event.Depth + 1
		if t.by.Root == nil {
			t.by.Root = cause.Event
		}
	}
	if cause.GoesOn {
		t.by.Depth = cause.Event.Depth
	}
	if t.isNew {
		c.Created(t.by, t.id())
	}
	if err := f(t); err != nil {
		return Outcome{}, err
	}
	return t.save()
}

// id takes one of the ids drawn before, or draws one. What goes wrong with
// that is kept until save, so that verbs need not answer with errors.
func (t *Turn) id() int64 {
	if len(t.ids) == 0 {
		id, err := t.desk.store.NewID(t.ctx)
		t.fault = errors.Join(t.fault, err)
		return id
	}
	id := t.ids[0]
	t.ids = t.ids[1:]
	return id
}

// By returns the circumstance of the act.
func (t *Turn) By() postroom.By { return t.by }

// save writes the turn: the only writer of conversations (W1).
func (t *Turn) save() (Outcome, error) {
	c, ctx, tx := t.Conversation, t.ctx, t.Tx
	out := Outcome{ActID: t.by.ActID, ConversationID: c.ID, Number: c.Number, FinalAt: t.by.FinalAt, Seq: c.Seq}
	events := c.Events()
	if len(events) == 0 && t.run == nil && len(t.mails) == 0 && t.publishes == 0 && t.edited == nil && !t.followed {
		return out, nil
	}
	out.Changed = len(events) > 0 || t.followed || t.edited != nil && t.edited.changed
	if t.before.Deleted && c.DeletedAt > 0 && t.by.Actor.Kind == postroom.ByAgent && len(events)+len(t.messages) > 0 {
		return out, postroom.Errorf(postroom.Conflict, "Conversation %d is deleted. Restore it first.", c.Number)
	}
	if t.before.MergedInto != 0 && t.by.Actor.Kind == postroom.ByAgent && len(events)+len(t.messages) > 0 {
		return out, mergedAway(ctx, tx.Read, c)
	}
	steps := []func() error{
		func() error { return t.fault }, func() error { return t.hear(events) }, t.saveConversation, t.saveTexts, t.saveMessages, t.saveEdit,
		func() error { return tx.InsertEvents(ctx, events) },
		t.saveMails, t.saveRun, t.saveAct,
		func() error { return t.openLane(events) }, t.openSleep,
		func() error { return t.tell(events) }, t.announceMerged,
		func() error { return tx.SaveCounts(ctx) },
	}
	for _, step := range steps {
		if err := step(); err != nil {
			return out, err
		}
	}
	out.Number = c.Number
	for _, m := range t.messages {
		out.MessageID = m.ID
	}
	for _, m := range t.mails {
		out.MailIDs = append(out.MailIDs, m.ID)
	}
	c.Forget()
	t.announce(events)
	return out, nil
}

func (t *Turn) saveConversation() error {
	if t.isNew {
		if err := t.Tx.InsertConversation(t.ctx, t.Conversation); err != nil {
			return err
		}
		// The snapshots were taken before there was a number.
		for i := range t.Conversation.Events() {
			t.Conversation.Events()[i].After.Number = t.Conversation.Number
		}
	} else if err := t.Tx.UpdateConversation(t.ctx, t.Conversation, t.before); err != nil {
		return err
	}
	if c := t.Conversation; !t.isNew && c.MailboxID != t.before.MailboxID {
		if err := t.Tx.MoveConversation(t.ctx, c.ID, t.before.MailboxID, c.MailboxID, t.by.At); err != nil {
			return err
		}
		t.desk.alsoIn(t.Tx, t.before, c)
	}
	for _, p := range t.participants {
		if err := t.Tx.AddParticipant(t.ctx, t.Conversation.ID, p); err != nil {
			return err
		}
	}
	return nil
}

func (t *Turn) saveMessages() error {
	for _, m := range t.messages {
		if t.before.MergedInto != 0 {
			if err := t.readElsewhere(m); err != nil {
				return err
			}
		}
		if err := t.Tx.InsertMessage(t.ctx, m); err != nil {
			return err
		}
		var cited []string
		for _, ref := range m.References {
			cited = append(cited, email.CanonicalID(ref))
		}
		if err := t.Tx.AddRefs(t.ctx, t.Conversation, m.ID, email.CanonicalID(m.Header), cited); err != nil {
			return err
		}
	}
	if t.publishes != 0 {
		return t.Tx.DeleteDraft(t.ctx, t.publishes)
	}
	return nil
}

func (t *Turn) saveMails() error {
	for _, m := range t.mails {
		if err := t.Tx.InsertMail(t.ctx, m); err != nil {
			return err
		}
	}
	return nil
}

func (t *Turn) saveRun() error {
	if t.run == nil {
		return nil
	}
	return t.Tx.InsertRun(t.ctx, *t.run)
}

// saveAct stores what an undo needs; only a person's act can be undone.
func (t *Turn) saveAct() error {
	if len(t.Conversation.Events()) == 0 || t.by.FinalAt == t.by.At {
		return nil
	}
	a := store.Act{ID: t.by.ActID, ConversationID: t.Conversation.ID, Actor: t.by.Actor, Path: t.by.Path,
		At: t.by.At, FinalAt: t.by.FinalAt, JobID: t.cause.JobID, Before: t.before, Subject: t.subject,
		PairID: t.pair, Carried: t.carried}
	for _, m := range t.messages {
		a.MessageID = m.ID
	}
	return t.Tx.InsertAct(t.ctx, a)
}

// hear makes those quiet events pending that a workflow listens for.
func (t *Turn) hear(events []postroom.Event) error {
	quiet := func(e postroom.Event) bool { return e.Kind.Quiet() && e.State == postroom.EventJudged }
	if !slices.ContainsFunc(events, quiet) {
		return nil
	}
	listened, err := t.Tx.Listened(t.ctx)
	if err != nil {
		return err
	}
	for i, e := range events {
		if quiet(e) && slices.Contains(listened, e.Kind) {
			events[i].State = postroom.EventPending
		}
	}
	return nil
}

func (t *Turn) openLane(events []postroom.Event) error {
	for _, e := range events {
		if e.State == postroom.EventPending {
			return t.Tx.OpenLane(t.ctx, store.LaneJudge, t.Conversation.ID, e.FinalAt)
		}
	}
	return nil
}

// tell notes of which events agents may have to be told. Those that workflows
// listen for are noted when they are judged, the others when nothing can undo
// them any more. What one act did to several mails is told once.
func (t *Turn) tell(events []postroom.Event) error {
	trouble := false
	for _, e := range events {
		if e.Kind.Edge() && !e.Kind.Quiet() || !e.Tells() || t.by.Import || e.Kind.Trouble() && trouble {
			continue
		}
		trouble = trouble || e.Kind.Trouble()
		if err := t.Tx.Tell(t.ctx, e, e.FinalAt); err != nil {
			return err
		}
		t.Tx.OnCommit(func() { t.desk.wake(WakeNotify) })
	}
	return nil
}

// announce wakes work and open pages once the turn is committed (W7).
func (t *Turn) announce(events []postroom.Event) {
	c, d := t.Conversation, t.desk
	folders := foldersOf(t.before, t.isNew, c)
	change := Change{Kind: "conversation", MailboxID: c.MailboxID, ConversationID: c.ID, Number: c.Number, Folders: folders, Assignees: assignees(t.before, c)}
	pending := slices.ContainsFunc(events, func(e postroom.Event) bool { return e.State == postroom.EventPending })
	mails := len(t.mails) > 0
	t.Tx.OnCommit(func() {
		if pending {
			d.wake(WakeJudge)
		}
		if mails {
			d.wake(WakeDeliver)
		}
		d.publish(change)
	})
}

// assignees lists whose a conversation was and is.
func assignees(before postroom.Snapshot, c *postroom.Conversation) []int64 {
	out := []int64{before.AssigneeID, c.AssigneeID}
	return slices.DeleteFunc(slices.Compact(out), func(id int64) bool { return id == 0 })
}

// --- verbs

// Status changes the status; setting what is so records nothing. What is closed
// or marked as spam sleeps no more.
func (t *Turn) Status(s postroom.Status) *postroom.Event {
	if t.Conversation.Status != s && (s == postroom.Closed || s == postroom.Spam) {
		t.Wake()
	}
	return t.Conversation.SetStatus(t.by, t.id(), s)
}

// Assign gives the conversation to an agent, 0 for nobody.
func (t *Turn) Assign(agent int64) *postroom.Event {
	return t.Conversation.Assign(t.by, t.id(), agent)
}

// Tags adds and removes tags.
func (t *Turn) Tags(add, remove []int64) *postroom.Event {
	return t.Conversation.ChangeTags(t.by, t.id(), add, remove)
}

// Subject renames the conversation.
func (t *Turn) Subject(subject string) error {
	_, err := t.Conversation.SetSubject(t.by, t.id(), subject)
	return err
}

// Receive adds a customer's message; one that a person wrote wakes what sleeps.
func (t *Turn) Receive(m *postroom.Message, from ...store.Participant) *postroom.Event {
	t.prepare(m, postroom.Received)
	t.participants = append(t.participants, from...)
	e := t.Conversation.Receive(t.by, t.id(), t.id(), m)
	if (m.Class == postroom.Human || m.Class == "") && !t.by.Import {
		t.Wake()
	}
	return e
}

// Reply adds an answer to the customer and the mail that carries it. mail may
// be nil for an import.
func (t *Turn) Reply(m *postroom.Message, mail *postroom.Mail) *postroom.Event {
	t.prepare(m, postroom.Reply)
	m.Author = t.by.Actor
	e := t.Conversation.Reply(t.by, t.id(), m)
	if mail != nil {
		mail.MessageID = m.ID
		m.Header = mail.Header
		t.Mail(mail, e)
	}
	return e
}

// Note adds an internal note. It has no mail, ever.
func (t *Turn) Note(m *postroom.Message) *postroom.Event {
	t.prepare(m, postroom.Note)
	m.Author = t.by.Actor
	return t.Conversation.AddNote(t.by, t.id(), m)
}

// Record notes an event that changes no fact.
func (t *Turn) Record(kind postroom.EventKind, p postroom.Payload) *postroom.Event {
	return t.Conversation.Note(t.by, t.id(), kind, p)
}

// Mail queues a mail that the event e decided. It is held while the act can
// be undone.
func (t *Turn) Mail(m *postroom.Mail, e *postroom.Event) {
	m.ConversationID, m.MailboxID = t.Conversation.ID, t.Conversation.MailboxID
	m.EventID, m.Seq, m.Root, m.RootSeq = e.ID, e.Seq, e.Root, e.RootSeq
	m.CreatedAt = t.by.At
	if t.run != nil {
		m.RunID = t.run.ID
	}
	if !m.State.Ended() && m.State != postroom.MailKept {
		m.State, m.DueAt = postroom.MailHeld, e.FinalAt
		if e.FinalAt == e.At {
			m.QueuedAt = e.At
		}
	}
	for i := range m.Recipients {
		if m.Recipients[i].State == "" {
			m.Recipients[i].State = m.State
		}
	}
	t.mails = append(t.mails, m)
}

// Run says which workflow run this turn carries out; it is stored with it.
func (t *Turn) Run(r *postroom.Run) { t.run = r }

// Publishes says which draft the turn's message was; it is removed with it.
func (t *Turn) Publishes(draft int64) { t.publishes = draft }

// Join adds somebody to the conversation.
func (t *Turn) Join(p store.Participant) { t.participants = append(t.participants, p) }

// Move puts the conversation into another mailbox, and takes it off an assignee
// who may not answer there, and from a team of which nobody may. What was done here before becomes final first.
func (t *Turn) Move(mailbox int64) (*postroom.Event, error) {
	if t.Conversation.MailboxID == mailbox {
		return nil, nil
	}
	if err := t.finalize(); err != nil {
		return nil, err
	}
	e := t.Conversation.Move(t.by, t.id(), mailbox)
	if id := t.Conversation.AssigneeID; id != 0 {
		a, err := t.Tx.Agent(t.ctx, id)
		if err != nil && postroom.CodeOf(err) != postroom.NotFound {
			return nil, err
		}
		if err != nil || !postroom.CanOn(a, postroom.Answer, mailbox, id) {
			t.Assign(0)
		}
	}
	return e, t.leaveTeam()
}

// Delete puts the conversation among the deleted ones. What was done here
// before becomes final first: a reply that was sent goes out.
func (t *Turn) Delete() (*postroom.Event, error) {
	if t.Conversation.DeletedAt > 0 {
		return nil, nil
	}
	if err := t.finalize(); err != nil {
		return nil, err
	}
	t.Wake()
	return t.Conversation.Delete(t.by, t.id()), nil
}

// Restore takes the conversation out of the deleted ones.
func (t *Turn) Restore() *postroom.Event { return t.Conversation.Restore(t.by, t.id()) }

// finalize ends the undo windows of what was done to the conversation before
// this act (W19).
func (t *Turn) finalize() error {
	done, err := t.Tx.FinalizeConversation(t.ctx, t.Conversation.ID, t.by.At, t.by.At-undoGrace-1, t.cause.JobID)
	if err == nil && done {
		d := t.desk
		t.Tx.OnCommit(func() {
			d.wake(WakeJudge)
			d.wake(WakeDeliver)
		})
	}
	return err
}

// Confirm lets the writer of unconfirmed messages, by their canonical address,
// take part from now on; it records nothing where there are none (W5).
func (t *Turn) Confirm(address string) error {
	message, err := t.Tx.UnconfirmedBy(t.ctx, t.Conversation.ID, address)
	if err != nil || message == 0 {
		return err
	}
	t.Conversation.ConfirmSender(t.by, t.id(), message)
	t.Join(store.Participant{Address: address, Kind: "cc", Confirmed: true})
	return t.Tx.ConfirmSender(t.ctx, t.Conversation.ID, address)
}

func (t *Turn) prepare(m *postroom.Message, kind postroom.MessageKind) {
	m.Kind, m.ConversationID, m.At = kind, t.Conversation.ID, t.by.At
	if m.ID == 0 {
		m.ID = t.id()
	}
	for i := range m.Attachments {
		m.Attachments[i].ID = t.id()
	}
	t.messages = append(t.messages, m)
}
