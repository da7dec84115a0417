package store

import (
	"context"
	"slices"
	"strings"

	"postroom"
)

// MailAsk says which mails of the log to list.
type MailAsk struct {
	May   Scope
	State postroom.MailState
	Text  string // in an address, a subject or a Message-ID
	Open  bool   // only mails without an end, soonest due first
	From  *MailKey
	Back  bool
	Limit int
}

// MailKey is the place of a mail in the log.
type MailKey struct{ At, ID int64 }

// LogMail is a mail in the log, with what stands beside it.
type LogMail struct {
	MailRow
	Number                int64 // of its conversation
	To, Mailbox, Workflow string
}

// Key returns its place in the log, or on the queue page.
func (m LogMail) Key(open bool) MailKey {
	if open {
		return MailKey{m.DueAt, m.ID}
	}
	return MailKey{m.CreatedAt, m.ID}
}

// Mails lists mails of the log, the newest first, or the open ones, soonest
// due first. A search looks through the latest 20,000 mails.
func (r Read) Mails(ctx context.Context, ask MailAsk) ([]LogMail, error) {
	if ask.May.Nothing() {
		return nil, nil
	}
	from, args, order := ask.where()
	p := limited(mailPart(from, args...), order, ask.Limit)
	p.n = append(p.n, "coalesce((select c.number from conversation c where c.id = t.n2), 0)") // of the few rows only
	p.s = append(p.s, "coalesce((select b.name from mailbox b where b.id = t.n1), '')",
		"coalesce((select w.name from run u join workflow w on w.id = u.workflow_id where u.id = t.n8), '')")
	var out []LogMail
	var ids []any
	err := r.trip(ctx, []part{p}, func(t tripRow) error {
		m := LogMail{MailRow: scanMailRow(t), Number: t.n[19], Mailbox: t.s[5], Workflow: t.s[6]}
		out, ids = append(out, m), append(ids, m.ID)
		return nil
	})
	if err != nil || len(out) == 0 {
		return nil, err
	}
	to := map[int64][]string{}
	err = each(ctx, r.q, numbered(`select mail_id, address from mail_recipient where mail_id in (`+marks(len(ids))+`) order by mail_id, kind desc, address`), ids, func(rows row) error {
		var id int64
		var address string
		err := rows.Scan(&id, &address)
		to[id] = append(to[id], address)
		return err
	})
	for i := range out {
		out[i].To = strings.Join(to[out[i].ID], ", ")
	}
	slices.SortFunc(out, func(a, b LogMail) int {
		x, y := a.Key(ask.Open), b.Key(ask.Open)
		if ask.Open {
			return compare(x.At, y.At, "", "", x.ID, y.ID)
		}
		return compare(y.At, x.At, "", "", y.ID, x.ID)
	})
	return out, err
}

func (ask MailAsk) where() (from string, args []any, order string) {
	column, descending := "m.created_at", !ask.Open
	from = `from mail m`
	if ask.Text != "" {
		from = `from (select * from mail order by created_at desc, id desc limit 20000) m`
	}
	from += ` where 1 = 1`
	if ask.Open {
		column = "m.due_at"
		from += ` and m.ended = 0`
	}
	if ask.State != "" {
		from, args = from+` and m.state = ?`, append(args, ask.State)
	}
	may, mayArgs := ask.May.about("m.conversation_id", "m.mailbox_id")
	from, args = from+may, append(args, mayArgs...)
	if ask.Text != "" {
		text := "%" + likeEscape(strings.ToLower(ask.Text)) + "%"
		from += ` and (lower(m.subject) like ? escape '!' or lower(m.header) like ? escape '!'
			or exists (select 1 from mail_recipient r where r.mail_id = m.id and r.address like ? escape '!'))`
		args = append(args, text, text, text)
	}
	if ask.From != nil {
		sign := " > "
		if descending != ask.Back {
			sign = " < "
		}
		from, args = from+` and (`+column+`, m.id)`+sign+`(?, ?)`, append(args, ask.From.At, ask.From.ID)
	}
	direction := " asc"
	if descending != ask.Back {
		direction = " desc"
	}
	return from, args, column + direction + ", m.id" + direction
}

// likeEscape makes a text mean itself in a like pattern with escape '!'.
func likeEscape(s string) string {
	return strings.NewReplacer("!", "!!", "%", "!%", "_", "!_").Replace(s)
}

// StateCount is how many rows are in a state.
type StateCount struct {
	State string
	N     int
}

// MailCounts counts the mails of some mailboxes by state. Accepted ones are
// not counted: there are as many as the desk ever sent.
func (r Read) MailCounts(ctx context.Context, may Scope) ([]StateCount, error) {
	seen, args := may.about("mail.conversation_id", "mail.mailbox_id")
	return r.counts(ctx, `select state, count(*) from mail where state in ('held', 'queued', 'sending', 'deferred', 'uncertain', 'quarantined',
		'failed', 'cancelled', 'suppressed', 'skipped', 'assumed_sent')`+seen+` group by state`, args)
}

func (r Read) counts(ctx context.Context, query string, args []any) ([]StateCount, error) {
	var out []StateCount
	err := each(ctx, r.q, numbered(query), args, func(rows row) error {
		var c StateCount
		err := rows.Scan(&c.State, &c.N)
		out = append(out, c)
		return err
	})
	return out, err
}

// JourneyRows is what a mail's journey shows beside the mail and its attempts.
type JourneyRows struct {
	Place             Place // what decides who may see it
	Number, MailboxID int64
	Mailbox, Host     string
	Subject           string    // of the conversation
	Event, Trigger    *EventRow // what decided the mail; what made a workflow decide it, nil for a person's mail
	Customer          string    // name
	Workflow          Name      // whose run made it; id 0 for none
	WorkflowVersion   int
	RunAt             int64
	Notes             []EventRow // events about this mail
	Returns           []postroom.MailReturn
	PausedWords       string
	PausedAt          int64
	SlowWords         string // with which the server asked for less, until SlowUntil
	SlowUntil         int64
	NextAt            int64          // no mail of the channel goes before
	BlockedBy         []BlockingMail // what counts first
	UnjudgedSeq       int64          // a pending event before it; 0 for none
	Agents            map[int64]string
}

// Journey reads it in one statement.
func (r Read) Journey(ctx context.Context, m *postroom.Mail) (*JourneyRows, error) {
	out := &JourneyRows{Agents: map[int64]string{}}
	event := func(kind, from string, args ...any) part {
		return part{kind: kind, n: []string{"e.id", "e.seq", "e.act_id", "e.actor_id", "e.at", "e.final_at"},
			s: []string{"e.kind", "e.actor_kind", "e.path", "e.payload", "e.state", "e.words"}, from: from, args: args}
	}
	unjudged := m.Seq
	if m.AgentID > 0 {
		unjudged = 0 // a notification waits for no event
	}
	parts := []part{
		{kind: "place", n: []string{"b.id", "coalesce(c.number, 0)", "coalesce(h.paused_at, 0)", "coalesce(c.mailbox_id, b.id)", "coalesce(c.assignee_id, 0)",
			"coalesce(h.slow_until, 0)", "coalesce(h.next_at, 0)"},
			s:    []string{"b.name", "b.host", "coalesce(c.subject, '')", "coalesce(h.paused_words, '')", "coalesce(h.slow_words, '')"},
			from: `from mailbox b left join conversation c on c.id = ? left join channel h on h.mailbox_id = b.id where b.id = ?`, args: []any{m.ConversationID, m.MailboxID}},
		event("cause", `from event e where e.id = ?`, m.EventID),
		event("trigger", `from event d join event e on e.id = d.cause_id and d.cause_id > 0 where d.id = ?`, m.EventID),
		event("note", `from event e where e.conversation_id = ? and e.kind like 'mail.%' and e.seq > ?`, m.ConversationID, m.Seq),
		returnPart(`from mail_return x where x.mail_id = ?`, m.ID),
		{kind: "run", n: []string{"w.id", "u.version", "u.at"}, s: []string{"w.name"}, from: `from run u join workflow w on w.id = u.workflow_id where u.id = ?`, args: []any{m.RunID}},
		{kind: "agent", n: []string{"id"}, s: []string{"name"}, from: `from agent`},
		blockedPart([]any{m.ID}),
		{kind: "unjudged", n: []string{"coalesce(min(seq), 0)"}, from: `from event where conversation_id = ? and state = 'pending' and seq < ?`, args: []any{m.ConversationID, unjudged}},
		{kind: "customer", s: []string{"coalesce(k.name, '')"}, from: `from conversation c join customer k on k.id = c.customer_id where c.id = ?`, args: []any{m.ConversationID}},
	}
	err := r.trip(ctx, parts, func(t tripRow) error {
		switch t.kind {
		case "place":
			out.MailboxID, out.Number, out.PausedAt = t.n[0], t.n[1], t.n[2]
			out.Place = Place{MailboxID: t.n[3], AssigneeID: t.n[4], Number: t.n[1]}
			out.Mailbox, out.Host, out.Subject, out.PausedWords = t.s[0], t.s[1], t.s[2], t.s[3]
			out.SlowUntil, out.NextAt, out.SlowWords = t.n[5], t.n[6], t.s[4]
		case "cause", "trigger", "note":
			e := EventRow{ID: t.n[0], Seq: t.n[1], ActID: t.n[2], At: t.n[4], FinalAt: t.n[5], Kind: postroom.EventKind(t.s[0]),
				Actor: postroom.Actor{Kind: postroom.ActorKind(t.s[1]), ID: t.n[3]}, Path: postroom.Path(t.s[2]), State: postroom.EventState(t.s[4]), Words: t.s[5]}
			if err := fromJSON(t.s[3], &e.Payload); err != nil {
				return err
			}
			switch {
			case t.kind == "cause":
				out.Event = &e
			case t.kind == "trigger":
				out.Trigger = &e
			case e.Payload.MailID == m.ID:
				out.Notes = append(out.Notes, e)
			}
		case "return":
			out.Returns = append(out.Returns, scanReturn(t))
		case "run":
			out.Workflow, out.WorkflowVersion, out.RunAt = Name{t.n[0], t.s[0]}, int(t.n[1]), t.n[2]
		case "agent":
			out.Agents[t.n[0]] = t.s[0]
		case "before":
			_, b := scanBlocking(t)
			out.BlockedBy = append(out.BlockedBy, b)
		case "unjudged":
			out.UnjudgedSeq = t.n[0]
		case "customer":
			out.Customer = t.s[0]
		}
		return nil
	})
	slices.SortFunc(out.Notes, func(a, b EventRow) int { return compare(a.Seq, b.Seq, "", "", 0, 0) })
	sortBlocking(out.BlockedBy)
	slices.SortFunc(out.Returns, func(a, b postroom.MailReturn) int { return compare(a.At, b.At, a.Address, b.Address, 0, 0) })
	return out, err
}

// QueueRows is what the queue page shows beside the mails.
type QueueRows struct {
	Channels []ChannelRow
	Depth    map[int64][]StateCount // mails without an end, by mailbox
	DueNow   map[int64]int
	NextDue  map[int64]int64
	Lanes    []WorkRow
}

// ChannelRow is the way out of a mailbox.
type ChannelRow struct {
	MailboxID            int64
	Mailbox, Host, Words string
	SlowWords            string
	NextAt               int64
	Port                 int
	PausedAt, SlowUntil  int64
}

// WorkRow is how much there is to do of one kind.
type WorkRow struct {
	Kind                        string
	Due, Later, Running, Failed int
	Oldest                      int64
}

// Queue reads the state of the channels of some mailboxes, and of the durable
// work of the whole desk.
func (r Read) Queue(ctx context.Context, scope Scope, now int64) (*QueueRows, error) {
	out := &QueueRows{Depth: map[int64][]StateCount{}, DueNow: map[int64]int{}, NextDue: map[int64]int64{}}
	err := r.trip(ctx, queueParts(scope, now), func(t tripRow) error {
		switch t.kind {
		case "channel":
			out.Channels = append(out.Channels, ChannelRow{MailboxID: t.n[0], Port: int(t.n[1]), PausedAt: t.n[2], SlowUntil: t.n[3], NextAt: t.n[4],
				Mailbox: t.s[0], Host: t.s[1], Words: t.s[2], SlowWords: t.s[3]})
		case "depth":
			out.Depth[t.n[0]] = append(out.Depth[t.n[0]], StateCount{t.s[0], int(t.n[1])})
			out.DueNow[t.n[0]] += int(t.n[2])
			if next := t.n[3]; next > 0 && (out.NextDue[t.n[0]] == 0 || next < out.NextDue[t.n[0]]) {
				out.NextDue[t.n[0]] = next
			}
		case "work":
			out.Lanes = append(out.Lanes, WorkRow{Kind: t.s[0], Due: int(t.n[0]), Later: int(t.n[1]), Running: int(t.n[2]), Failed: int(t.n[3]), Oldest: t.n[4]})
		}
		return nil
	})
	slices.SortFunc(out.Channels, func(a, b ChannelRow) int { return compare(0, 0, a.Mailbox, b.Mailbox, a.MailboxID, b.MailboxID) })
	return out, err
}

func queueParts(scope Scope, now int64) []part {
	may, mayArgs := scope.whole("b.id")
	mays, maysArgs := scope.whole("mailbox_id")
	work := func(name, from, failed string) part {
		return part{kind: "work", s: []string{"'" + name + "'"}, n: []string{
			"coalesce(sum(case when lease_until <= ? and due_at <= ? then 1 else 0 end), 0)",
			"coalesce(sum(case when lease_until <= ? and due_at > ? then 1 else 0 end), 0)",
			"coalesce(sum(case when lease_until > ? then 1 else 0 end), 0)", failed,
			"coalesce(min(case when lease_until <= ? and due_at <= ? then due_at else null end), 0)"},
			from: from, args: []any{now, now, now, now, now, now, now}}
	}
	return []part{
		{kind: "channel", n: []string{"b.id", "b.port", "coalesce(h.paused_at, 0)", "coalesce(h.slow_until, 0)", "coalesce(h.next_at, 0)"},
			s:    []string{"b.name", "b.host", "coalesce(h.paused_words, '')", "coalesce(h.slow_words, '')"},
			from: `from mailbox b left join channel h on h.mailbox_id = b.id where 1 = 1` + may, args: mayArgs},
		{kind: "depth", n: []string{"mailbox_id", "count(*)", "sum(case when due_at <= ? and state in ('held', 'queued', 'deferred') then 1 else 0 end)",
			"coalesce(min(case when due_at > ? and state in ('held', 'queued', 'deferred') then due_at else null end), 0)"}, s: []string{"state"},
			from: `from mail where ended = 0` + mays + ` group by mailbox_id, state`, args: append([]any{now, now}, maysArgs...)},
		work("receive", `from lane where kind = 'receive'`, `(select count(*) from inbound where state = 'failed')`),
		work("judge", `from lane where kind = 'judge'`, `(select count(*) from event where state = 'not_judged' and words <> 'imported')`),
		work("notify", `from telling where held = 0`, `0`),
		work("deliver", `from mail where ended = 0 and state in ('held', 'queued', 'sending', 'deferred')`, `(select count(*) from mail where state = 'failed')`),
		work("job", `from job where state = 'running'`, `(select count(*) from job where state = 'failed')`),
	}
}
