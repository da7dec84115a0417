package store

import (
	"context"
	"slices"
	"strconv"
	"strings"

	"postroom"
	"postroom/internal/db"
)

// ListSort is an order of a list of conversations.
type ListSort string

// The orders. Waiting shows who waits for an answer first, the longest waiting
// at the top, and then the others, the latest first.
const (
	SortWaiting ListSort = "waiting"
	SortNewest  ListSort = "newest"
	SortOldest  ListSort = "oldest"
	SortNumber  ListSort = "number"
	SortWakes   ListSort = "wakes" // what sleeps, by when it wakes
)

// ListKey is the place of a conversation in a sorted list. Rest says that it
// lies in the second half of SortWaiting, where nobody waits.
type ListKey struct {
	Rest    bool
	Key, ID int64
}

// ListAsk says which conversations to list, in which order, and where to begin.
type ListAsk struct {
	Folder postroom.Folder
	Agent  int64 // who looks: whose are Mine and Drafts
	May    Scope // they may see
	Sort   ListSort
	From   *ListKey // the row just before the first one wanted; nil begins at the start
	Back   bool     // go from From towards the start; rows still come in the list's order
	Limit  int

	// Dense says that a good part of all conversations lies in the list, so
	// that an order without an index of its own (SortNumber) is found sooner
	// by walking through all of them than by sorting the folder.
	Dense bool
}

// ListRow is one conversation in a list.
type ListRow struct {
	ID, Number                        int64
	MailboxID, CustomerID, AssigneeID int64
	Subject, Preview                  string
	Status                            postroom.Status
	WaitingSince, UpdatedAt           int64
	LastCustomerAt, LastAgentAt       int64
	CreatedAt                         int64
	Received, Replies, Notes          int
	HasAttachments                    bool
	SnoozedUntil                      int64
	Rating                            postroom.RatingValue
	TeamID                            int64
	Customer, Mailbox, Assignee, Team string
	Key                               ListKey
}

const listColumns = `c.id, c.number, c.mailbox_id, c.customer_id, c.assignee_id, c.subject, c.preview, c.status, c.waiting_since, c.updated_at,
	c.last_customer_at, c.last_agent_at, c.created_at, c.received, c.replies, c.notes, c.has_attachments, c.snoozed_until, c.rating, c.team_id`

const listNames = `, coalesce(k.name, ''), coalesce(b.name, ''), coalesce(a.name, ''), coalesce(t.name, '')`

// listOrder is one half of a sorted list that an index can serve.
type listOrder struct {
	rest       bool
	column     string // c.id breaks ties; "c.id" alone has none
	descending bool
	only       string // a condition
}

func (s ListSort) halves() []listOrder {
	switch s {
	case SortWaiting:
		return []listOrder{
			{column: "c.waiting_since", only: "c.waiting_since > 0"},
			{rest: true, column: "c.updated_at", descending: true, only: "c.waiting_since = 0"},
		}
	case SortOldest:
		return []listOrder{{column: "c.updated_at"}}
	case SortNumber:
		return []listOrder{{column: "c.number", descending: true}}
	case SortWakes:
		return []listOrder{{column: "c.snoozed_until", only: "c.snoozed_until > 0"}}
	}
	return []listOrder{{column: "c.updated_at", descending: true}}
}

func (r ListRow) key(o listOrder) ListKey {
	k := ListKey{Rest: o.rest, ID: r.ID}
	switch o.column {
	case "c.waiting_since":
		k.Key = r.WaitingSince
	case "c.number":
		k.Key = r.Number
	case "c.snoozed_until":
		k.Key = r.SnoozedUntil
	default:
		k.Key = r.UpdatedAt
	}
	return k
}

// KeyOf returns the place of a conversation in a list of this order.
func (s ListSort) KeyOf(c *postroom.Conversation) ListKey {
	row := ListRow{ID: c.ID, Number: c.Number, WaitingSince: c.WaitingSince, UpdatedAt: c.UpdatedAt, SnoozedUntil: c.SnoozedUntil}
	halves := s.halves()
	if s == SortWaiting && c.WaitingSince == 0 {
		return row.key(halves[1])
	}
	return row.key(halves[0])
}

// Conversations lists at most ask.Limit conversations; it is one statement, or
// two where the list passes from those who wait to those who do not.
func (r Read) Conversations(ctx context.Context, ask ListAsk) ([]ListRow, error) {
	if ask.May.Nothing() {
		return nil, nil
	}
	// PostgreSQL has statistics and finds that out by itself.
	ask.Dense = ask.Dense && r.q.Engine() == db.SQLite
	halves := ask.Sort.halves()
	if ask.Back {
		slices.Reverse(halves)
	}
	var out []ListRow
	for _, h := range halves {
		if ask.From != nil && len(halves) == 2 && h.rest != ask.From.Rest {
			if len(out) == 0 && h.rest == ask.Back {
				continue // From lies in the other half, further on
			}
		}
		rows, err := r.half(ctx, ask, h, ask.Limit-len(out))
		if err != nil {
			return nil, err
		}
		if out = append(out, rows...); len(out) >= ask.Limit {
			break
		}
	}
	if ask.Back {
		slices.Reverse(out)
	}
	return out, nil
}

func (r Read) half(ctx context.Context, ask ListAsk, h listOrder, limit int) ([]ListRow, error) {
	from, args := ask.where(h)
	query := `select ` + listColumns + listNames + ` from (select c.* ` + from + h.order(ask.Back) + ` limit ` + strconv.Itoa(limit) + `) c
		left join customer k on k.id = c.customer_id left join mailbox b on b.id = c.mailbox_id left join agent a on a.id = c.assignee_id left join team t on t.id = c.team_id` + h.order(ask.Back)
	var out []ListRow
	err := each(ctx, r.q, numbered(query), args, func(rows row) error {
		var x ListRow
		err := rows.Scan(&x.ID, &x.Number, &x.MailboxID, &x.CustomerID, &x.AssigneeID, &x.Subject, &x.Preview, &x.Status, &x.WaitingSince, &x.UpdatedAt,
			&x.LastCustomerAt, &x.LastAgentAt, &x.CreatedAt, &x.Received, &x.Replies, &x.Notes, &x.HasAttachments, &x.SnoozedUntil, &x.Rating, &x.TeamID, &x.Customer, &x.Mailbox, &x.Assignee, &x.Team)
		x.Key = x.key(h)
		out = append(out, x)
		return err
	})
	return out, err
}

func (h listOrder) order(back bool) string {
	direction := " asc"
	if h.descending != back {
		direction = " desc"
	}
	return " order by " + h.column + direction + ", c.id" + direction
}

// where returns the rest of the select that finds the conversations of one
// half of a list beyond ask.From.
func (ask ListAsk) where(h listOrder) (string, []any) {
	var b strings.Builder
	var args []any
	folder, mailbox, assignee := "c.folder", "c.mailbox_id", "c.assignee_id"
	if ask.Dense && ask.Sort == SortNumber {
		folder, mailbox, assignee = "c.folder || ''", "c.mailbox_id + 0", "c.assignee_id + 0" // not by their indexes
	}
	switch ask.Folder {
	case postroom.Drafts:
		// A cross join is done in the order it is written in: drafts are few.
		b.WriteString(`from (select distinct conversation_id from draft where agent_id = ?) d cross join conversation c where c.id = d.conversation_id and c.deleted_at = 0`)
		args = append(args, ask.Agent)
	case postroom.Mine:
		b.WriteString(`from conversation c where ` + assignee + ` = ? and ` + folder + ` = 'assigned'`)
		args = append(args, ask.Agent)
	default:
		if team := ask.Folder.Team(); team != 0 {
			b.WriteString(`from conversation c where c.team_id = ? and c.team_id > 0 and ` + folder + ` in ('unassigned', 'assigned')`)
			args = append(args, team)
			break
		}
		b.WriteString(`from conversation c where ` + folder + ` = ` + quoted(ask.Folder))
	}
	may, mayArgs := ask.May.conversations(mailbox, assignee)
	b.WriteString(may)
	args = append(args, mayArgs...)
	if h.only != "" {
		b.WriteString(" and " + h.only)
	}
	if k := ask.From; k != nil && k.Rest == h.rest {
		sign := " > "
		if h.descending != ask.Back {
			sign = " < "
		}
		b.WriteString(" and (" + h.column + ", c.id)" + sign + "(?, ?)")
		args = append(args, k.Key, k.ID)
	}
	return b.String(), args
}

// quoted returns a counted folder as it stands in a statement; anything else
// holds nothing. A folder is not an argument because folders differ so much in
// size: with its name PostgreSQL knows how much of it there is (see limited).
func quoted(f postroom.Folder) string {
	switch f {
	case postroom.Unassigned, postroom.Assigned, postroom.ClosedFolder, postroom.SpamFolder, postroom.Snoozed, postroom.Deleted:
		return "'" + string(f) + "'"
	}
	return "''"
}

// around makes the parts that find the numbers of the conversations before and
// after one in a list. One that has left the list, by a close for example, is
// followed by the list's first.
func (ask ListAsk) around(c *postroom.Conversation) []part {
	if !ask.holds(c) {
		ask.From = &ListKey{Key: -1, ID: -1}
		if h := ask.Sort.halves()[0]; h.descending {
			ask.From = &ListKey{Key: 1 << 62, ID: 1 << 62}
		}
		return ask.neighbours("next", false)
	}
	k := ask.Sort.KeyOf(c)
	ask.From = &k
	return append(ask.neighbours("next", false), ask.neighbours("prev", true)...)
}

// holds reports whether a conversation lies in the list's folder; for drafts
// it is taken for granted.
func (ask ListAsk) holds(c *postroom.Conversation) bool {
	is := c.Folder()
	switch ask.Folder {
	case postroom.Drafts:
		return true
	case postroom.Mine:
		return is == postroom.Assigned && c.AssigneeID == ask.Agent
	}
	return is == ask.Folder || ask.Folder.Team() != 0 && c.TeamFolder() == ask.Folder
}

// neighbours makes the part that finds the number of the conversation after (or
// before) ask.From, in its half of the list: what lies in the other half would
// have to be searched for among those it shares the folder with.
func (ask ListAsk) neighbours(kind string, back bool) []part {
	ask.Back = back
	for _, h := range ask.Sort.halves() {
		if h.rest == ask.From.Rest {
			from, args := ask.where(h)
			return []part{limited(part{kind: kind, n: []string{"c.number"}, from: from, args: args}, strings.TrimPrefix(h.order(back), " order by "), 1)}
		}
	}
	return nil
}

// ListDetails is what rows of a list show beside themselves.
type ListDetails struct {
	Tags    map[int64][]string // by conversation, in order of name
	Drafts  map[int64]bool     // conversations with a draft of the agent who looks
	Notes   map[int64]bool     // conversations whose last message is a note
	Trouble map[int64]postroom.MailState
	Teams   []TeamName        // all teams, by name
	Address map[int64]string  // primary address by customer
	Agents  []Name            // who can be assigned, by name
	AllTags []string          // tags in use, by name
	Fields  []*postroom.Field // all, in order, deleted ones too
}

// Name is an id with the name people use.
type Name struct {
	ID   int64
	Name string
}

// ListDetails reads what the given rows show beside themselves, for an agent.
func (r Read) ListDetails(ctx context.Context, rows []ListRow, agent int64) (ListDetails, error) {
	d := ListDetails{Tags: map[int64][]string{}, Drafts: map[int64]bool{}, Notes: map[int64]bool{}, Trouble: map[int64]postroom.MailState{}, Address: map[int64]string{}}
	var ids, noted, customers []any
	for _, x := range rows {
		ids, customers = append(ids, x.ID), append(customers, x.CustomerID)
		if x.Notes > 0 {
			noted = append(noted, x.ID)
		}
	}
	in := " in (" + marks(len(ids)) + ")"
	parts := append(choiceParts(), fieldPart(),
		part{kind: "tag", n: []string{"t.conversation_id"}, s: []string{"g.name"},
			from: `from conversation_tag t join tag g on g.id = t.tag_id where t.conversation_id` + in, args: ids},
		part{kind: "draft", n: []string{"conversation_id"}, from: `from draft where agent_id = ? and conversation_id` + in, args: append([]any{agent}, ids...)},
		part{kind: "trouble", n: []string{"conversation_id"}, s: []string{"state"},
			from: `from mail where state in ('failed', 'uncertain', 'quarantined') and agent_id = 0 and conversation_id` + in, args: ids},
		part{kind: "address", n: []string{"customer_id"}, s: []string{"address"},
			from: `from customer_address where position = 0 and customer_id in (` + marks(len(customers)) + `)`, args: customers},
		part{kind: "note", n: []string{"m.conversation_id"}, from: `from message m where m.kind = 'note' and m.undone = 0 and m.conversation_id in (` + marks(len(noted)) + `)
			and not exists (select 1 from message l where l.conversation_id = m.conversation_id and l.seq > m.seq and l.undone = 0)`, args: noted},
	)
	err := r.trip(ctx, parts, func(t tripRow) error {
		switch t.kind {
		case "field":
			f, err := scanFieldPart(t)
			d.Fields = append(d.Fields, f)
			return err
		case "tag":
			d.Tags[t.n[0]] = append(d.Tags[t.n[0]], t.s[0])
		case "draft":
			d.Drafts[t.n[0]] = true
		case "trouble":
			d.Trouble[t.n[0]] = worse(d.Trouble[t.n[0]], postroom.MailState(t.s[0]))
		case "address":
			d.Address[t.n[0]] = t.s[0]
		case "note":
			d.Notes[t.n[0]] = true
		case "agent":
			d.Agents = append(d.Agents, Name{t.n[0], t.s[0]})
		case "team":
			d.Teams = append(d.Teams, scanTeamName(t))
		case "tagname":
			d.AllTags = append(d.AllTags, t.s[0])
		}
		return nil
	})
	for _, tags := range d.Tags {
		slices.Sort(tags)
	}
	sortNames(d.Agents)
	sortTeams(d.Teams)
	slices.Sort(d.AllTags)
	sortFields(d.Fields)
	return d, err
}

// worse returns the state that needs eyes more.
func worse(a, b postroom.MailState) postroom.MailState {
	for _, s := range []postroom.MailState{postroom.MailRefused, postroom.MailUnsure, postroom.MailKept} {
		if a == s || b == s {
			return s
		}
	}
	return b
}

func choiceParts() []part {
	return []part{
		{kind: "agent", n: []string{"id"}, s: []string{"name"}, from: `from agent where disabled_at = 0`},
		{kind: "tagname", n: []string{"id"}, s: []string{"name"}, from: `from tag`},
		teamPart(0),
	}
}

func sortNames(names []Name) {
	slices.SortFunc(names, func(a, b Name) int { return compare(0, 0, a.Name, b.Name, a.ID, b.ID) })
}

const qNumbers = `select c.number `

// Numbers lists the numbers of the conversations of a folder, at most limit,
// for a bulk act on all of them.
func (r Read) Numbers(ctx context.Context, ask ListAsk) ([]int64, error) {
	if ask.May.Nothing() {
		return nil, nil
	}
	from, args := ask.where(listOrder{})
	return r.ids(ctx, numbered(qNumbers+from+" order by c.number limit "+strconv.Itoa(ask.Limit)), args...)
}
