package desktest_test

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"postroom"
	"postroom/internal/desk"
	"postroom/internal/desktest"
	"postroom/internal/postoffice"
	"postroom/internal/store"
	"postroom/internal/workflow"
)

// A stream is what happens on a desk one day after the other: customers write,
// agents act, mail servers fail, admins change workflows, time passes. It is drawn
// from a seed, and the same seed is the same stream on every desk.
type stream struct {
	*desktest.Desk
	x      *draw
	work   func() // does all work that is due
	take   func() // takes in the mails that were accepted
	story  strings.Builder
	ids    []int64         // of the conversations, in order
	all    []desktest.Mail // that arrived
	got    []desktest.Mail // those of customers, who answer them
	last   map[string]desk.Outcome
	deaths int

	reports, offices int // of mails that came back; revisions of the office hours
}

// play has a stream happen on a desk. With deaths, whoever works dies again and
// again, at steps that are drawn apart from the stream.
func play(d *desktest.Desk, seed uint64, dying bool) *stream {
	other := d.AddMailbox("Sales", "sales@acme.example", nil)
	d.Write(func(tx *store.Tx) error {
		return tx.SetMailboxAgents(d.Ctx, other.ID, []int64{d.Agent("ann").ID, d.Agent("ben").ID})
	})
	s := &stream{Desk: d, x: newDraw(d, seed), last: map[string]desk.Outcome{}}
	s.x.mailboxes, s.x.hook = append(s.x.mailboxes, other.ID), streamHook(d)
	kinds, fate := append(d.React.Kinds(), d.Keeper.Kinds()...), newDraw(d, seed+1<<32)
	die := func(kind string) int {
		if !dying || fate.chance(2) {
			return 0
		}
		return 1 + fate.IntN(map[string]int{store.LaneJudge: 40, store.LaneReceive: 30, desk.WakeSchedule: 20}[kind]+10)
	}
	s.work = func() { s.deaths += d.SettleDying(kinds, die) }
	// One by one: two conversations that begin at once take turns as they come.
	s.take = func() { s.deaths += d.SettleDying(kinds[:1], die) }
	if s.x.chance(2) {
		d.UndoWindow(10 * time.Second)
	}
	for range 3 + s.x.IntN(6) {
		s.publish()
	}
	s.always()
	for range 30 {
		s.act()
		if s.x.IntN(5) < 3 {
			s.settle()
		}
	}
	for range 3 { // until what waits has come
		s.pass(8 * 24 * time.Hour)
	}
	return s
}

// settle does the work that is due and reads the mails that came of it.
func (s *stream) settle() {
	s.work()
	for _, m := range s.Arrived() {
		s.all = append(s.all, m)
		if strings.HasSuffix(m.To, "@customer.example") {
			s.got = append(s.got, m)
		}
	}
}

func (s *stream) pass(t time.Duration) {
	s.Clock.Advance(t)
	s.settle()
}

func (s *stream) publish() { s.add(s.x.definition()) }

func (s *stream) add(def workflow.Definition) int64 {
	id := s.AddWorkflow(fmt.Sprintf("Workflow %d", len(s.x.flows)+1), def)
	s.x.flows = append(s.x.flows, id)
	return id
}

// note writes down what an act came to, a refusal included. Anything else than a
// refusal in words is a fault.
func (s *stream) note(what string, out desk.Outcome, err error) {
	s.T.Helper()
	words := ""
	if err != nil {
		switch postroom.CodeOf(err) {
		case postroom.Internal, postroom.Unavailable:
			s.T.Fatalf("%s: %v", what, err)
		}
		words = err.Error()
	}
	fmt.Fprintf(&s.story, "%s %s\n", what, words)
}

// conversation chooses one of those that there are, nil if there is none.
func (s *stream) conversation() *postroom.Conversation {
	rows, err := s.DB.Reader().Query(s.Ctx, "select id from conversation order by number")
	if err != nil {
		s.T.Fatal(err)
	}
	defer rows.Close()
	s.ids = nil
	for rows.Next() {
		var id int64
		if err := rows.Scan(&id); err != nil {
			s.T.Fatal(err)
		}
		s.ids = append(s.ids, id)
	}
	if err := rows.Err(); err != nil {
		s.T.Fatal(err)
	}
	if len(s.ids) == 0 {
		return nil
	}
	recent := s.ids[max(0, len(s.ids)-3):] // so that much happens on few
	return s.Conversation(one(s.x, recent...))
}

var customers = []string{"Mara <mara@customer.example>", "Tim <tim@customer.example>", "nobody@customer.example"}

// acts are what can happen, with how often.
var acts = []struct {
	often int
	do    func(s *stream)
}{
	{5, (*stream).customerWrites}, {8, (*stream).customerAnswers}, {8, (*stream).agentPublishes}, {7, (*stream).agentChanges},
	{2, (*stream).undo}, {1, (*stream).bulk}, {5, (*stream).timePasses}, {1, (*stream).serverRefuses}, {1, (*stream).serverIsBusy},
	{1, (*stream).adminChanges}, {1, (*stream).timerCancelled}, {4, (*stream).agentStarts}, {4, (*stream).agentEdits}, {3, (*stream).mailComesBack}, {1, (*stream).officeChanges},
}

func (s *stream) act() {
	all := 0
	for _, a := range acts {
		all += a.often
	}
	n := s.x.IntN(all)
	for _, a := range acts {
		if n -= a.often; n < 0 {
			a.do(s)
			return
		}
	}
}

func (s *stream) customerWrites() {
	from, headers := one(s.x, customers...), ""
	switch s.x.IntN(6) {
	case 0:
		headers = "Auto-Submitted: auto-generated\n"
	case 1:
		headers = "X-Priority: 1\nContent-Language: de\n"
	case 2:
		headers = "Authentication-Results: mx.acme.example; dmarc=pass header.from=customer.example\n"
	}
	subject := one(s.x, "Lamp", "Price", "Order 17")
	s.Accept(envelope(from), []string{s.Mailbox.Address}, s.Raw(desktest.Letter{From: from, Subject: subject, Body: "My " + subject + "?", Headers: headers}))
	s.take()
	s.note("customer writes", desk.Outcome{}, nil)
}

func envelope(from string) string {
	_, address, ok := strings.Cut(from, "<")
	if !ok {
		return from
	}
	return strings.TrimSuffix(address, ">")
}

func (s *stream) customerAnswers() {
	if len(s.got) == 0 {
		s.customerWrites()
		return
	}
	m, headers := one(s.x, s.got[max(0, len(s.got)-3):]...), ""
	if s.x.chance(4) {
		headers = "Auto-Submitted: auto-replied\n"
	}
	to := m.ReplyTo
	if to == "" {
		to = m.From
	}
	s.Accept(m.To, []string{to}, s.Raw(desktest.Letter{From: m.To, To: to, Subject: "Re: " + m.Subject, Body: "Thank you.", InReplyTo: m.ID, Headers: headers}))
	s.take()
	s.note("customer answers", desk.Outcome{}, nil)
}

func (s *stream) agentPublishes() {
	c, who := s.conversation(), one(s.x, "ann", "ben")
	if c == nil {
		return
	}
	p := desk.Publish{ConversationID: c.ID, Kind: postroom.Reply, HTML: "<p>The answer.</p>", Path: postroom.PathComposer}
	switch s.x.IntN(4) {
	case 0:
		p.Kind = postroom.Note
	case 1:
		p.Status = postroom.Pending
	case 2:
		p.Status, p.Path = postroom.Closed, postroom.PathSend
	}
	out, err := s.Desk.Desk.Publish(s.Ctx, s.Agent(who).Agent, p)
	if err == nil {
		s.last[who] = out
	}
	s.note(fmt.Sprintf("%s publishes a %s on %d", who, p.Kind, c.Number), out, err)
}

func (s *stream) agentChanges() {
	c, who := s.conversation(), one(s.x, "ann", "ben")
	if c == nil {
		return
	}
	ctx, a, d, path := s.Ctx, s.Agent(who).Agent, s.Desk.Desk, one(s.x, postroom.PathMenu, postroom.PathKeyboard)
	var out desk.Outcome
	var err error
	what := ""
	switch n := s.x.IntN(26); {
	case n < 5:
		to := one(s.x, postroom.Active, postroom.Pending, postroom.Closed, postroom.Closed)
		what = "makes it " + string(to)
		out, err = d.SetStatus(ctx, a, c.ID, to, path)
	case n < 7:
		what = "assigns"
		out, err = d.Assign(ctx, a, c.ID, one(s.x, append([]int64{0}, s.x.agents...)...), path)
	case n < 9:
		what = "tags"
		add, remove := []string{one(s.x, "vip", "late", "lamp")}, []string(nil)
		if s.x.chance(2) {
			add, remove = nil, add
		}
		out, err = d.ChangeTags(ctx, a, c.ID, add, remove, path)
	case n == 9 && !s.x.fixed:
		what = "renames"
		out, err = d.SetSubject(ctx, a, c.ID, one(s.x, "Lamp", "Price", "Something"), path)
	case n == 10:
		what = "moves"
		out, err = d.Move(ctx, a, c.ID, one(s.x, s.x.mailboxes...), path)
	case n == 11 || n == 12:
		what = "snoozes"
		out, err = d.Snooze(ctx, a, c.ID, s.Store.Now()+one(s.x, time.Hour, 24*time.Hour).Milliseconds(), path)
	case n == 13:
		what = "wakes"
		out, err = d.WakeUp(ctx, a, c.ID, path)
	case n >= 14 && n < 17:
		what = "gives away"
		out, err = d.GiveTo(ctx, a, c.ID, desk.CustomerChoice{Address: one(s.x, "mara@customer.example", "bob@customer.example")}, path)
	case n == 18 || n == 19:
		what = "gives to a team"
		out, err = d.SetTeam(ctx, a, c.ID, one(s.x, append([]int64{0}, s.x.teams...)...), path)
	case n >= 20 && n < 23:
		into := one(s.x, s.ids...)
		what = fmt.Sprintf("merges into %d", s.Conversation(into).Number)
		out, err = d.Merge(ctx, a, c.ID, into, path)
	case n >= 23:
		what = "fills in"
		f := one(s.x, [2]string{"choice.plan", "gold"}, [2]string{"choice.plan", "basic"}, [2]string{"text.line", "Box 5"}, [2]string{"text.line", ""}, [2]string{"number.seats", "2"})
		out, err = d.SetField(ctx, a, c.ID, f[0], f[1], path)
	case c.DeletedAt > 0:
		what = "restores"
		out, err = d.Restore(ctx, a, c.ID, path)
	default:
		what = "deletes"
		out, err = d.Delete(ctx, a, c.ID, path)
	}
	if err == nil && out.ActID != 0 {
		s.last[who] = out
	}
	s.note(fmt.Sprintf("%s %s %d", who, what, c.Number), out, err)
}

func (s *stream) undo() {
	who := one(s.x, "ann", "ben")
	_, err := s.Desk.Desk.Undo(s.Ctx, s.Agent(who).Agent, s.last[who].ActID)
	s.note(who+" undoes", desk.Outcome{}, err)
}

func (s *stream) bulk() {
	if s.conversation() == nil {
		return
	}
	var numbers []int64
	for _, id := range s.ids {
		numbers = append(numbers, s.Conversation(id).Number)
	}
	_, err := s.Desk.Desk.StartBulk(s.Ctx, s.Agent("ann").Agent, desk.Bulk{Numbers: numbers, Status: postroom.Closed})
	s.note("ann closes all", desk.Outcome{}, err)
}

// timePasses lets time pass, and the undo windows first: a mail waits for an
// unrelated earlier one an hour at most, also while nobody works (W25).
func (s *stream) timePasses() {
	s.pass(11 * time.Second)
	s.pass(one(s.x, 5*time.Second, 15*time.Second, 11*time.Minute, 3*time.Hour, 26*time.Hour, 80*time.Hour))
}

// serverRefuses has the customers' mail server refuse the next recipient.
func (s *stream) serverRefuses() {
	s.Office.Program(postoffice.Fault{Phase: postoffice.Rcpt, Action: postoffice.Lie, Reply: "550 5.1.1 No such user", Times: 1})
}

// serverIsBusy has it put off the next mail, and waits until it was tried again:
// how long that takes is not the same twice.
func (s *stream) serverIsBusy() {
	s.Office.Program(postoffice.Fault{Phase: postoffice.Rcpt, Action: postoffice.Lie, Reply: "450 4.2.0 Later", Times: 1})
	s.agentPublishes()
	s.pass(11 * time.Second)
	s.Office.ClearFaults()
	s.pass(30 * time.Minute)
}

// adminChanges switches a workflow on or off, or publishes another version.
func (s *stream) adminChanges() {
	s.settle() // which set an event is judged by hangs on when that is done
	id := one(s.x, s.x.flows...)
	switch w := s.Workflow(id); {
	case s.x.chance(3):
		s.PublishVersion(id, s.x.another(id))
	case s.x.chance(2):
		s.publish()
	default:
		s.SwitchWorkflow(id, !w.Enabled || w.PausedWords != "")
	}
}

func (s *stream) timerCancelled() {
	c := s.conversation()
	if c == nil {
		return
	}
	all, err := s.Store.Read().TimersOf(s.Ctx, c.ID)
	if err != nil {
		s.T.Fatal(err)
	}
	all = slices.DeleteFunc(all, func(t postroom.Timer) bool { return t.State != postroom.TimerWaiting })
	if len(all) == 0 {
		return
	}
	out, err := s.Desk.Desk.CancelTimer(s.Ctx, s.Agent("ann").Agent, c.ID, one(s.x, all...).ID, postroom.PathMenu)
	s.note(fmt.Sprintf("ann cancels a timer on %d", c.Number), out, err)
}
