package store

import (
	"context"
	"encoding/json"
	"slices"
	"strconv"

	"postroom"
)

// ShellRows is what the frame around every page shows of an agent's desk.
type ShellRows struct {
	Mailboxes []ShellMailbox // by name
	Counts    []FolderCount
	Teams     []Name        // the agent's own that are not switched off, by name
	Drafts    map[int64]int // conversations with a draft of the agent, by mailbox
	Alarms    int           // neither acknowledged nor cleared
	Unread    int           // notifications of the agent's
	Acts      []OpenAct     // whose undo window is open, the newest first
	Jobs      []Job         // bulk jobs of the same kind
	Revision  int64         // of the set of workflows
}

// ShellMailbox is a mailbox in the folder pane.
type ShellMailbox struct {
	ID       int64
	Name     string
	Address  string
	PausedAt int64 // since when its outgoing channel is paused
}

// FolderCount is how many conversations lie in a folder of a mailbox, and how
// many of them are the agent's who looks.
type FolderCount struct {
	MailboxID int64
	Folder    postroom.Folder
	N, Mine   int
}

// OpenAct is an act that can still be undone.
type OpenAct struct {
	ID             int64
	ConversationID int64
	Number         int64
	FinalAt        int64
	Path           postroom.Path
	Events         []ActEvent // in order
	Arrived        *ArrivedMessage
}

// ActEvent is one event of an act.
type ActEvent struct {
	Seq     int64
	Kind    postroom.EventKind
	Payload postroom.Payload
}

// ArrivedMessage is a message that came in the window of an act.
type ArrivedMessage struct {
	Name, Address, Text string
}

// Shell reads the frame for an agent who may see what is in the scope.
func (r Read) Shell(ctx context.Context, agent int64, scope Scope, now int64) (ShellRows, error) {
	out := ShellRows{Drafts: map[int64]int{}}
	err := r.trip(ctx, shellParts(agent, scope, now), func(t tripRow) error { return out.scan(t) })
	slices.SortFunc(out.Mailboxes, func(a, b ShellMailbox) int { return compare(0, 0, a.Name, b.Name, a.ID, b.ID) })
	sortNames(out.Teams)
	slices.SortFunc(out.Acts, func(a, b OpenAct) int { return compare(b.ID, a.ID, "", "", 0, 0) })
	for _, a := range out.Acts {
		slices.SortFunc(a.Events, func(a, b ActEvent) int { return compare(a.Seq, b.Seq, "", "", 0, 0) })
	}
	return out, err
}

// maxOpenActs is how many acts that can still be undone the frame looks at, those
// that can be undone longest. It shows fewer.
const maxOpenActs = 20

func shellParts(agent int64, scope Scope, now int64) []part {
	mine, mineArgs := scope.mailboxes("m.id")
	counted, countedArgs := scope.whole("mailbox_id")
	drafted, draftedArgs := scope.conversations("c.mailbox_id", "c.assignee_id")
	told, toldArgs := scope.conversations("c.mailbox_id", "c.assignee_id")
	open := `from (select * from act where actor_id = ? and final_at > ? and actor_kind = 'agent' and undone_at = 0 and job_id = 0 and path <> 'merge'
		order by final_at desc limit ` + strconv.Itoa(maxOpenActs) + `) a`
	parts := []part{
		{kind: "mailbox", n: []string{"m.id", "coalesce(h.paused_at, 0)"}, s: []string{"m.name", "m.address"},
			from: `from mailbox m left join channel h on h.mailbox_id = m.id where 1 = 1` + mine, args: mineArgs},
		{kind: "count", n: []string{"mailbox_id", "cast(sum(n) as bigint)", "cast(sum(case when agent_id = ? then n else 0 end) as bigint)"}, s: []string{"folder"},
			from: `from folder_count where 1 = 1` + counted + ` group by mailbox_id, folder`, args: append([]any{agent}, countedArgs...)},
		{kind: "team", n: []string{"t.id"}, s: []string{"t.name"}, from: `from team_member m join team t on t.id = m.team_id where m.agent_id = ? and t.off_at = 0`, args: []any{agent}},
		{kind: "draft", n: []string{"c.mailbox_id", "count(distinct d.conversation_id)"},
			from: `from draft d join conversation c on c.id = d.conversation_id where d.agent_id = ? and c.deleted_at = 0` + drafted + ` group by c.mailbox_id`,
			args: append([]any{agent}, draftedArgs...)},
		{kind: "workflows", n: []string{"coalesce(max(revision), 0)"}, from: `from workflow_set`},
		{kind: "alarm", n: []string{"count(*)"}, from: `from alarm where cleared_at = 0 and acknowledged_at = 0`},
		{kind: "unread", n: []string{"count(*)"}, from: `from notification n join conversation c on c.id = n.conversation_id where n.agent_id = ? and n.read_at = 0` + told,
			args: append([]any{agent}, toldArgs...)},
		{kind: "act", n: []string{"a.id", "a.conversation_id", "c.number", "a.final_at", "e.seq"}, s: []string{"a.path", "e.kind", "e.payload"},
			from: open + ` join conversation c on c.id = a.conversation_id join event e on e.act_id = a.id and e.conversation_id = a.conversation_id`, args: []any{agent, now}},
		{kind: "arrived", n: []string{"a.id", "m.seq"}, s: []string{"m.from_name", "m.from_address", "substr(case when m.visible_text <> '' then m.visible_text else m.body_text end, 1, 300)"},
			from: open + ` join message m on m.conversation_id = a.conversation_id and m.kind = 'received' and m.at >= a.at
				and m.seq > (select max(e.seq) from event e where e.act_id = a.id)
				join conversation c on c.id = a.conversation_id where 1 = 1` + told, args: append([]any{agent, now}, toldArgs...)}, // who gave it away may take that back, and read nothing
		{kind: "job", n: []string{"id", "total", "done", "skipped", "final_at", "created_at"}, s: []string{"kind", "state", "params"},
			from: `from job where agent_id = ? and undone_at = 0 and (state = 'running' or final_at > ?)`, args: []any{agent, now}},
	}
	if len(scope.Own) > 0 { // they see what is theirs, which no counter counts
		own, ownArgs := anyOf("mailbox_id", scope.Own)
		parts = append(parts, part{kind: "count", n: []string{"mailbox_id", "count(*)", "count(*)"}, s: []string{"folder"},
			from: `from conversation where assignee_id = ?` + own + ` group by mailbox_id, folder`, args: append([]any{agent}, ownArgs...)},
			part{kind: "count", n: []string{"mailbox_id", "count(*)", "0"}, s: []string{"'team-' || cast(team_id as text)"},
				from: `from conversation where assignee_id = ? and folder = 'assigned' and team_id > 0` + own + ` group by mailbox_id, team_id`, args: append([]any{agent}, ownArgs...)})
	}
	return parts
}

func (s *ShellRows) scan(t tripRow) error {
	switch t.kind {
	case "mailbox":
		s.Mailboxes = append(s.Mailboxes, ShellMailbox{ID: t.n[0], Name: t.s[0], Address: t.s[1], PausedAt: t.n[1]})
	case "count":
		s.Counts = append(s.Counts, FolderCount{MailboxID: t.n[0], Folder: postroom.Folder(t.s[0]), N: int(t.n[1]), Mine: int(t.n[2])})
	case "team":
		s.Teams = append(s.Teams, Name{t.n[0], t.s[0]})
	case "draft":
		s.Drafts[t.n[0]] = int(t.n[1])
	case "workflows":
		s.Revision = t.n[0]
	case "alarm":
		s.Alarms = int(t.n[0])
	case "unread":
		s.Unread = int(t.n[0])
	case "act":
		a := s.act(t.n[0])
		a.ConversationID, a.Number, a.FinalAt, a.Path = t.n[1], t.n[2], t.n[3], postroom.Path(t.s[0])
		e := ActEvent{Seq: t.n[4], Kind: postroom.EventKind(t.s[1])}
		if err := json.Unmarshal([]byte(t.s[2]), &e.Payload); err != nil {
			return err
		}
		a.Events = append(a.Events, e)
	case "arrived":
		s.act(t.n[0]).Arrived = &ArrivedMessage{Name: t.s[0], Address: t.s[1], Text: t.s[2]}
	case "job":
		s.Jobs = append(s.Jobs, Job{ID: t.n[0], Total: int(t.n[1]), Done: int(t.n[2]), Skipped: int(t.n[3]), FinalAt: t.n[4], CreatedAt: t.n[5],
			Kind: t.s[0], State: t.s[1], Params: t.s[2]})
	}
	return nil
}

func (s *ShellRows) act(id int64) *OpenAct {
	for i := range s.Acts {
		if s.Acts[i].ID == id {
			return &s.Acts[i]
		}
	}
	s.Acts = append(s.Acts, OpenAct{ID: id})
	return &s.Acts[len(s.Acts)-1]
}
