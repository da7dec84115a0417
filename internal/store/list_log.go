package store

import (
	"context"
	"slices"
	"strconv"
	"strings"

	"postroom"
)

// InboundAsk says which received mails to list.
type InboundAsk struct {
	May    Scope
	States []string
	Text   string // in sender, subject or Message-ID, of the latest 20,000
	From   *MailKey
	Back   bool
	Limit  int
}

// InboundLog is a received mail in the log.
type InboundLog struct {
	Inbound
	Number  int64
	Mailbox string
}

// InboundLog lists received mails, the latest first.
func (r Read) InboundLog(ctx context.Context, ask InboundAsk) ([]InboundLog, error) {
	if ask.May.Nothing() {
		return nil, nil
	}
	from := `from inbound i`
	var args []any
	if ask.Text != "" {
		from = `from (select * from inbound order by received_at desc, id desc limit 20000) i`
	}
	from += ` where 1 = 1`
	if ask.States != nil {
		from, args = from+` and i.state in (`+marks(len(ask.States))+`)`, append(args, anys(ask.States)...)
	}
	may, mayArgs := ask.May.about("i.conversation_id", "i.mailbox_id")
	from, args = from+may, append(args, mayArgs...)
	if ask.Text != "" {
		text := "%" + likeEscape(strings.ToLower(ask.Text)) + "%"
		from += ` and (lower(i.subject) like ? escape '!' or lower(i.sender) like ? escape '!' or lower(i.header_id) like ? escape '!')`
		args = append(args, text, text, text)
	}
	direction, sign := " desc", " < "
	if ask.Back {
		direction, sign = " asc", " > "
	}
	if ask.From != nil {
		from, args = from+` and (i.received_at, i.id)`+sign+`(?, ?)`, append(args, ask.From.At, ask.From.ID)
	}
	order := " order by i.received_at" + direction + ", i.id" + direction
	query := `select ` + inboundColumns + `, coalesce((select c.number from conversation c where c.id = i.conversation_id), 0),
		coalesce((select b.name from mailbox b where b.id = i.mailbox_id), '') from (select i.* ` + from + order + ` limit ` + strconv.Itoa(ask.Limit) + `) i` + order
	var out []InboundLog
	err := each(ctx, r.q, numbered(query), args, func(rows row) error {
		var x InboundLog
		in, err := scanInbound(also{rows, []any{&x.Number, &x.Mailbox}})
		x.Inbound = in
		out = append(out, x)
		return err
	})
	if ask.Back {
		slices.Reverse(out)
	}
	return out, err
}

// InboundCounts counts the received mails that did not simply become a
// message, by state.
func (r Read) InboundCounts(ctx context.Context, may Scope, since int64) ([]StateCount, error) {
	seen, args := may.about("inbound.conversation_id", "inbound.mailbox_id")
	return r.counts(ctx, `select state, count(*) from inbound where received_at > ?`+seen+` group by state`, append([]any{since}, args...))
}

// PaletteRows is what the palette finds.
type PaletteRows struct {
	Conversations []PaletteConversation
	Customers     []PaletteCustomer
}

// PaletteConversation is a conversation the palette found.
type PaletteConversation struct {
	Number, UpdatedAt int64
	Subject, Customer string
	Status            postroom.Status
}

// PaletteCustomer is a customer the palette found, with the latest
// conversation.
type PaletteCustomer struct {
	Name, Address string
	Number        int64
	Subject       string
}

// Palette finds conversations by number, by words in the subjects of the
// latest 5,000, and customers by the beginning of an address, or of a name of
// the latest 5,000. It
// never looks at more than that, however large the desk is.
func (r Read) Palette(ctx context.Context, text string, number int64, scope Scope, limit int) (PaletteRows, error) {
	var out PaletteRows
	if scope.Nothing() {
		return out, nil
	}
	lower := strings.ToLower(text)
	inside, prefix := "%"+likeEscape(lower)+"%", likeEscape(lower)+"%"
	may, mayArgs := scope.conversations("c.mailbox_id", "c.assignee_id")
	conversation := func(kind, from string, args ...any) part {
		return part{kind: kind, n: []string{"c.number", "c.updated_at"}, s: []string{"c.subject", "coalesce(k.name, '')", "c.status"}, from: from, args: append(args, mayArgs...)}
	}
	const joined = ` left join customer k on k.id = c.customer_id `
	parts := []part{
		limited(conversation("subject", `from (select * from conversation order by id desc limit 5000) c`+joined+`where c.deleted_at = 0 and c.merged_into = 0 and lower(c.subject) like ? escape '!'`+may, inside), "c.updated_at desc", limit),
		limited(part{kind: "customer", n: []string{"c.number", "c.updated_at"}, s: []string{"coalesce(k.name, '')", "x.address", "c.subject", "c.status"},
			from: `from (select * from (select address, customer_id from customer_address where address >= ? and address < ? order by address limit 40) p
				union select * from (select coalesce(a.address, '') as address, k.id as customer_id from (select id, name from customer order by id desc limit 5000) k
				left join customer_address a on a.customer_id = k.id and a.position = 0 where lower(k.name) like ? escape '!' or lower(k.name) like ? escape '!' limit 40) q) x
				cross join customer k cross join conversation c
				where k.id = x.customer_id and c.deleted_at = 0 and c.merged_into = 0 and c.customer_id = k.id and not exists (select 1 from conversation l where l.customer_id = c.customer_id and l.id > c.id and l.merged_into = 0)` + may,
			args: append([]any{lower, lower + "\U0010ffff", prefix, "% " + prefix}, mayArgs...)}, "c.updated_at desc", limit),
	}
	if number > 0 {
		parts = append(parts, conversation("number", `from conversation c`+joined+`where c.number = ?`+may, number))
	}
	err := r.trip(ctx, parts, func(t tripRow) error {
		switch t.kind {
		case "customer":
			out.Customers = append(out.Customers, PaletteCustomer{Name: t.s[0], Address: t.s[1], Number: t.n[0], Subject: t.s[2]})
		default:
			c := PaletteConversation{Number: t.n[0], UpdatedAt: t.n[1], Subject: t.s[0], Customer: t.s[1], Status: postroom.Status(t.s[2])}
			if t.kind == "number" {
				c.UpdatedAt = 1 << 60 // what was asked for by name comes first
			}
			if !slices.ContainsFunc(out.Conversations, func(x PaletteConversation) bool { return x.Number == c.Number }) {
				out.Conversations = append(out.Conversations, c)
			}
		}
		return nil
	})
	slices.SortFunc(out.Conversations, func(a, b PaletteConversation) int {
		return compare(b.UpdatedAt, a.UpdatedAt, "", "", b.Number, a.Number)
	})
	slices.SortFunc(out.Customers, func(a, b PaletteCustomer) int { return compare(0, 0, a.Name, b.Name, 0, 0) })
	return out, err
}

// Subjects returns the subjects of conversations by id.
func (r Read) Subjects(ctx context.Context, conversations []int64) (map[int64]string, error) {
	out := map[int64]string{}
	if len(conversations) == 0 {
		return out, nil
	}
	err := each(ctx, r.q, numbered(`select id, subject from conversation where id in (`+marks(len(conversations))+`)`), anys(conversations), func(rows row) error {
		var id int64
		var subject string
		err := rows.Scan(&id, &subject)
		out[id] = subject
		return err
	})
	return out, err
}

// Place is what decides who may see something of a conversation.
type Place struct {
	MailboxID  int64
	AssigneeID int64
	Number     int64 // of the conversation
}

// FileRow is a file with what decides who may see it, and whose draft it is in.
type FileRow struct {
	postroom.Attachment
	Place
	DraftOf int64 // agent; 0 for a file of a message
}

const qFile = `select f.id, f.name, f.type, f.content_id, f.inline, f.size, f.sha256, c.mailbox_id, c.assignee_id, c.number, coalesce(d.agent_id, e.agent_id, 0)
	from attachment f left join message m on m.id = f.message_id and f.message_id > 0 left join draft d on d.id = f.draft_id and f.draft_id > 0
	left join edit_draft e on e.id = f.draft_id and f.draft_id > 0
	join conversation c on c.id = coalesce(m.conversation_id, d.conversation_id, e.conversation_id) where f.id = $1`

// File loads a file with what decides who may see it.
func (r Read) File(ctx context.Context, id int64) (FileRow, error) {
	var f FileRow
	a, err := scanAttachment(r.q.QueryRow(ctx, qFile, id), &f.MailboxID, &f.AssigneeID, &f.Number, &f.DraftOf)
	f.Attachment = a
	return f, missing(err, "There is no such file.")
}

// AdminMailbox is a mailbox in the list of mailboxes.
type AdminMailbox struct {
	*postroom.Mailbox
	PausedWords  string
	PausedAt     int64
	Open         int
	LastReceived int64
	LastAccepted int64
	Begun        map[int64]int // conversations begun, by day since 1970 UTC
}

// AdminAgent is an agent in the list of agents.
type AdminAgent struct {
	*postroom.Agent
	Invited  bool // has no password yet
	LastSeen int64
	Assigned int
}

// AdminMailboxes reads the list of mailboxes: three statements.
func (r Read) AdminMailboxes(ctx context.Context, since int64) ([]AdminMailbox, map[int64][]int64, error) {
	list, err := r.Mailboxes(ctx)
	if err != nil {
		return nil, nil, err
	}
	out := make([]AdminMailbox, len(list))
	at := map[int64]int{}
	for i, m := range list {
		out[i].Mailbox, out[i].Begun, at[m.ID] = m, map[int64]int{}, i
	}
	access := map[int64][]int64{}
	err = r.trip(ctx, []part{
		{kind: "channel", n: []string{"mailbox_id", "paused_at"}, s: []string{"paused_words"}, from: `from channel where paused_at > 0`},
		{kind: "open", n: []string{"mailbox_id", "cast(sum(n) as bigint)"}, from: `from folder_count where folder in ('unassigned', 'assigned') group by mailbox_id`},
		{kind: "received", n: []string{"b.id", "coalesce((select max(c.last_customer_at) from conversation c where c.mailbox_id = b.id and c.updated_at > ?), 0)"}, from: `from mailbox b`, args: []any{since}},
		{kind: "accepted", n: []string{"mailbox_id", "max(ended_at)"}, from: `from mail where state = 'accepted' and created_at > ? group by mailbox_id`, args: []any{since}},
		{kind: "begun", n: []string{"mailbox_id", "created_at / 86400000", "count(*)"}, from: `from conversation where created_at > ? group by mailbox_id, created_at / 86400000`, args: []any{since}},
		{kind: "access", n: []string{"mailbox_id", "agent_id"}, from: `from mailbox_agent`},
	}, func(t tripRow) error {
		i, ok := at[t.n[0]]
		if !ok {
			return nil
		}
		switch t.kind {
		case "channel":
			out[i].PausedAt, out[i].PausedWords = t.n[1], t.s[0]
		case "open":
			out[i].Open = int(t.n[1])
		case "received":
			out[i].LastReceived = t.n[1]
		case "accepted":
			out[i].LastAccepted = t.n[1]
		case "begun":
			out[i].Begun[t.n[1]] = int(t.n[2])
		case "access":
			access[t.n[0]] = append(access[t.n[0]], t.n[1])
		}
		return nil
	})
	return out, access, err
}

// AdminAgents reads the list of agents with their access: two statements.
func (r Read) AdminAgents(ctx context.Context) ([]AdminAgent, map[int64][]int64, error) {
	list, err := r.Agents(ctx)
	if err != nil {
		return nil, nil, err
	}
	out := make([]AdminAgent, len(list))
	at := map[int64]int{}
	for i, a := range list {
		out[i].Agent, at[a.ID] = a, i
	}
	access := map[int64][]int64{}
	err = r.trip(ctx, []part{
		{kind: "invited", n: []string{"id"}, from: `from agent where password = ''`},
		{kind: "seen", n: []string{"agent_id", "max(seen_at)"}, from: `from session group by agent_id`},
		{kind: "assigned", n: []string{"agent_id", "cast(sum(n) as bigint)"}, from: `from folder_count where folder = 'assigned' group by agent_id`},
		{kind: "access", n: []string{"agent_id", "mailbox_id"}, from: `from mailbox_agent`},
	}, func(t tripRow) error {
		i, ok := at[t.n[0]]
		if !ok {
			return nil
		}
		switch t.kind {
		case "invited":
			out[i].Invited = true
		case "seen":
			out[i].LastSeen = t.n[1]
		case "assigned":
			out[i].Assigned = int(t.n[1])
		case "access":
			access[t.n[1]] = append(access[t.n[1]], t.n[0])
		}
		return nil
	})
	return out, access, err
}

const (
	qMessagePlace      = `select c.mailbox_id, c.assignee_id, c.number from message m join conversation c on c.id = m.conversation_id where m.id = $1`
	qEventPlace        = `select c.mailbox_id, c.assignee_id, c.number from event e join conversation c on c.id = e.conversation_id where e.id = $1`
	qConversationPlace = `select mailbox_id, assignee_id, number from conversation where id = $1`
)

func (r Read) place(ctx context.Context, query string, id int64, what string) (p Place, err error) {
	err = r.q.QueryRow(ctx, query, id).Scan(&p.MailboxID, &p.AssigneeID, &p.Number)
	return p, missing(err, "There is no such %s.", what)
}

// MessagePlace returns what decides who may see a message.
func (r Read) MessagePlace(ctx context.Context, message int64) (Place, error) {
	return r.place(ctx, qMessagePlace, message, "message")
}

// EventPlace returns what decides who may see an event.
func (r Read) EventPlace(ctx context.Context, event int64) (Place, error) {
	return r.place(ctx, qEventPlace, event, "event")
}

// ConversationPlace returns what decides who may see a conversation.
func (r Read) ConversationPlace(ctx context.Context, conversation int64) (Place, error) {
	return r.place(ctx, qConversationPlace, conversation, "conversation")
}
