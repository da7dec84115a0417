package store

import (
	"context"
	"encoding/json"
	"errors"
	"slices"
	"strconv"

	"postroom"
)

// HeadRow is a conversation with the names that stand in its head.
type HeadRow struct {
	*postroom.Conversation
	Customer, Assignee string
	Team               string // its name, "" for none
	Mailbox            *postroom.Mailbox
	CustomerSince      int64
	Language           string // of the customer, "" if it is not known
	LanguageSet        bool   // an agent has said it
	Company            string // of the customer
	CustomerFields     map[string]string
	Linked             int64 // number of the conversation it continues; 0 for none
	Into               int64 // number of the conversation it was merged into; 0 for none
	IntoDeleted        int64 // since when that is deleted; 0 if it is not
}

const qHead = `select c.id, c.number, c.mailbox_id, c.customer_id, c.subject, c.status, c.assignee_id, c.seq,
	c.received, c.replies, c.notes, c.created_at, c.updated_at, c.waiting_since, c.last_customer_at, c.last_agent_at,
	c.last_human_at, c.closed_at, c.linked_from, c.preview, c.has_attachments, c.deleted_at,
	coalesce(k.name, ''), coalesce(k.created_at, 0), coalesce(a.name, ''), coalesce(l.number, 0), coalesce(k.language, ''), coalesce(k.language_set, 0), c.followers, c.snoozed_until, c.snoozed_by, c.rating, c.merged_into, coalesce(i.number, 0), coalesce(i.deleted_at, 0), c.fields, coalesce(k.company, ''), coalesce(k.fields, '{}'), c.team_id, coalesce(t.name, ''),
	b.name, b.address, b.aliases, b.signature, b.undo_ms, b.sender_name, b.sender_form, b.reply_status, b.reply_assignee, b.auto_bcc
	from conversation c join mailbox b on b.id = c.mailbox_id left join customer k on k.id = c.customer_id
	left join agent a on a.id = c.assignee_id left join team t on t.id = c.team_id left join conversation l on l.id = c.linked_from and c.linked_from > 0
	left join conversation i on i.id = c.merged_into and c.merged_into > 0
	where c.number = $1`

// Head loads a conversation by its number, without tags, with the names in its
// head. Of the mailbox it fills what pages show.
func (r Read) Head(ctx context.Context, number int64) (HeadRow, error) {
	var c postroom.Conversation
	var b postroom.Mailbox
	var aliases, bcc, followers, fields, theirs string
	h := HeadRow{Conversation: &c, Mailbox: &b}
	err := r.q.QueryRow(ctx, qHead, number).Scan(&c.ID, &c.Number, &c.MailboxID, &c.CustomerID, &c.Subject, &c.Status, &c.AssigneeID, &c.Seq,
		&c.Received, &c.Replies, &c.Notes, &c.CreatedAt, &c.UpdatedAt, &c.WaitingSince, &c.LastCustomerAt, &c.LastAgentAt,
		&c.LastHumanAt, &c.ClosedAt, &c.LinkedFrom, &c.Preview, &c.HasAttachments, &c.DeletedAt,
		&h.Customer, &h.CustomerSince, &h.Assignee, &h.Linked, &h.Language, &h.LanguageSet, &followers, &c.SnoozedUntil, &c.SnoozedBy, &c.Rating, &c.MergedInto, &h.Into, &h.IntoDeleted, &fields, &h.Company, &theirs, &c.TeamID, &h.Team, &b.Name, &b.Address, &aliases, &b.Signature, &b.UndoMS, &b.SenderName,
		&b.SenderForm, &b.ReplyStatus, &b.ReplyAssignee, &bcc)
	if err != nil {
		return h, missing(err, "There is no conversation %d.", number)
	}
	b.ID = c.MailboxID
	return h, errors.Join(fromJSON(aliases, &b.Aliases), fromJSON(bcc, &b.AutoBcc), fromJSON(followers, &c.Followers),
		readFields(fields, &c.Fields), readFields(theirs, &h.CustomerFields))
}

// ConversationRows is all that stands on a conversation's page beside its head
// and the bodies of its messages.
type ConversationRows struct {
	Events       []EventRow // in order
	Files        map[int64][]postroom.Attachment
	DraftFiles   map[int64][]postroom.Attachment
	Mails        []MailRow       // in order
	Carried      []MailRow       // of messages that were written in conversations merged into this one
	Written      map[int64]int64 // number of the conversation that a message was written in, if not in this one
	Merged       []int64         // numbers of the conversations that were merged into this one
	Recipients   map[int64][]postroom.MailRecipient
	Ratings      []postroom.Rating               // in order
	Returns      map[int64][]postroom.MailReturn // by mail
	Drafts       []*postroom.Draft
	Edits        []*postroom.EditDraft // of the agent who looks; their files are in DraftFiles
	Participants []Participant
	Addresses    []string // of the customer, the primary one first
	Stopped      []StoppedAddress
	Others       []OtherRow
	OthersCount  int // conversations of the customer the agent may see
	Runs         []RunRow
	Agents       []AgentName
	Teams        []TeamName        // all, by name
	Tags         []Name            // all, by name
	Fields       []*postroom.Field // all, in order, deleted ones too
	FieldTexts   map[string]string // by id
	TagIDs       []int64
	Workflows    []WorkflowName
	Timers       []postroom.Timer // in the order in which they were armed
	Watches      []WatchRow       // in the order in which they began
	OpenHeard    bool             // somebody listens for who opens conversations
	Unread       int64            // the last event the agent was told of and has not read; 0 for none
	Next, Prev   int64            // numbers of the neighbours in the list; 0 for none
}

// WatchRow is what came of a promise on one event, for the conversation's pages.
type WatchRow struct {
	ID, Event, Due int64
	SettledAt      int64 // when it came to its state
	Promise        Name
	Deleted        bool // the promise is
	State, Words   string
}

// EventRow is an event without its snapshot.
type EventRow struct {
	ID, Seq, ActID, Cause, Root int64
	Depth                       int
	Kind                        postroom.EventKind
	Actor                       postroom.Actor
	Path                        postroom.Path
	Payload                     postroom.Payload
	At, FinalAt                 int64
	State                       postroom.EventState
	Revision                    int64
	Verdicts, Words             string
}

// MailRow is a mail without its content, with the server of the attempt that
// settled it.
type MailRow struct {
	postroom.Mail
	LastAt int64 // of the last attempt, or of its making
	Server string
}

// StoppedAddress is an address of the customer to which automatic mail has
// stopped, and why.
type StoppedAddress struct{ Address, Words string }

// OtherRow is another conversation of the same customer.
type OtherRow struct {
	Number, UpdatedAt int64
	Subject           string
	Status            postroom.Status
}

// RunRow is a run as pages show it.
type RunRow struct {
	ID, WorkflowID, EventID int64
	State, Error            string
	Effects                 []postroom.Effect
}

// AgentName is an agent as lists and menus show them.
type AgentName struct {
	Name
	Disabled bool
	May      bool // answer in the conversation's mailbox
}

// WorkflowName is a workflow as a page refers to it.
type WorkflowName struct {
	Name
	Enabled bool
}

// ConversationAsk says what is wanted around a conversation.
type ConversationAsk struct {
	Agent int64 // who looks
	May   Scope // they may see
	List  *ListAsk
}

// ConversationRows reads what belongs to a conversation in one statement.
func (r Read) ConversationRows(ctx context.Context, c *postroom.Conversation, ask ConversationAsk) (*ConversationRows, error) {
	out := &ConversationRows{Files: map[int64][]postroom.Attachment{}, DraftFiles: map[int64][]postroom.Attachment{}, Recipients: map[int64][]postroom.MailRecipient{}, Returns: map[int64][]postroom.MailReturn{}, Written: map[int64]int64{}}
	parts := slices.Concat(timelineParts(c.ID), sideParts(c, ask), nameParts(c.MailboxID))
	if ask.List != nil {
		l := *ask.List
		parts = append(parts, l.around(c)...)
	}
	err := r.trip(ctx, parts, func(t tripRow) error {
		switch t.kind {
		case "next":
			out.Next = t.n[0]
			return nil
		case "prev":
			out.Prev = t.n[0]
			return nil
		}
		return out.scan(t)
	})
	out.sort()
	return out, err
}

const mailServer = `coalesce((select t.server from attempt t where t.mail_id = m.id order by t.number desc, t.id desc limit 1), '')`
const mailLastAt = `coalesce((select max(t.ended_at) from attempt t where t.mail_id = m.id), 0)`

// mailPart selects mails as MailRow shows them.
func mailPart(from string, args ...any) part {
	return part{kind: "mail",
		n: []string{"m.id", "m.mailbox_id", "m.conversation_id", "m.message_id", "m.event_id", "m.seq", "m.root_id", "m.root_seq", "m.run_id", "m.class",
			"m.automatic", "m.tries", "m.created_at", "m.due_at", "m.queued_at", "m.ended_at", "m.resent", mailLastAt, "m.aside"},
		s:    []string{"m.state", "m.words", "m.subject", mailServer, "m.header"},
		from: from, args: args}
}

func scanMailRow(t tripRow) MailRow {
	m := MailRow{LastAt: t.n[17], Server: t.s[3]}
	m.ID, m.MailboxID, m.ConversationID, m.MessageID, m.EventID, m.Seq, m.Root, m.RootSeq, m.RunID = t.n[0], t.n[1], t.n[2], t.n[3], t.n[4], t.n[5], t.n[6], t.n[7], t.n[8]
	m.Class, m.Automatic, m.Tries = postroom.MailClass(t.n[9]), t.n[10] == 1, int(t.n[11])
	m.CreatedAt, m.DueAt, m.QueuedAt, m.EndedAt, m.Resent = t.n[12], t.n[13], t.n[14], t.n[15], t.n[16] == 1
	m.Aside = t.n[18] == 1
	m.State, m.Words, m.Subject, m.Header = postroom.MailState(t.s[0]), t.s[1], t.s[2], t.s[4]
	return m
}

// carried joins the mails of messages that were written elsewhere: they stay with
// the conversation they left from.
const carried = `from message x join mail m on m.conversation_id = x.written_in and m.message_id = x.id`

func carriedPart(id int64) part {
	p := mailPart(carried+` where x.conversation_id = ? and x.written_in > 0 and m.agent_id = 0`, id)
	p.kind = "carried"
	return p
}

func timelineParts(id int64) []part {
	file := func(kind, from string) part {
		return part{kind: kind, n: []string{"f.message_id", "f.draft_id", "f.id", "f.inline", "f.size"},
			s: []string{"f.name", "f.type", "f.content_id", "f.sha256"}, from: from, args: []any{id}}
	}
	return []part{
		{kind: "event", n: []string{"id", "seq", "act_id", "actor_id", "cause_id", "root_id", "depth", "at", "final_at", "set_revision"},
			s: []string{"kind", "actor_kind", "path", "payload", "state", "verdicts", "words"}, from: `from event where conversation_id = ?`, args: []any{id}},
		file("file", `from message m join attachment f on f.message_id = m.id where m.conversation_id = ? and f.message_id > 0`),
		file("draftfile", `from draft d join attachment f on f.draft_id = d.id where d.conversation_id = ? and f.draft_id > 0`),
		file("draftfile", `from edit_draft e join attachment f on f.draft_id = e.id where e.conversation_id = ? and f.draft_id > 0`),
		mailPart(`from mail m where m.conversation_id = ? and m.agent_id = 0`, id),
		{kind: "recipient", n: []string{"r.mail_id", "r.code", "r.at"}, s: []string{"r.address", "r.kind", "r.state", "r.words"},
			from: `from mail m join mail_recipient r on r.mail_id = m.id where m.conversation_id = ? and m.agent_id = 0`, args: []any{id}},
		returnPart(`from mail m join mail_return x on x.mail_id = m.id where m.conversation_id = ? and m.agent_id = 0`, id),
		{kind: "run", n: []string{"id", "workflow_id", "event_id"}, s: []string{"state", "error", "effects"}, from: `from run where conversation_id = ?`, args: []any{id}},
		{kind: "timer", n: []string{"t.id", "t.workflow_id", "t.version", "t.event_id", "t.due_at", "t.ended_at", "t.ended_by", "t.end_event", "t.leg"}, s: []string{"t.state", "t.ended_kind", "t.words"},
			from: `from timer t where t.conversation_id = ?`, args: []any{id}},
		{kind: "watch", n: []string{"x.id", "x.event_id", "x.due_at", "p.id", "x.settled_at", "p.deleted_at"}, s: []string{"x.state", "x.words", "p.name"},
			from: `from promise_watch x join promise p on p.id = x.promise_id where x.conversation_id = ?`, args: []any{id}},
		{kind: "fieldtext", n: []string{"id"}, s: []string{"text"}, from: `from field_text where conversation_id = ?`, args: []any{id}},
		{kind: "rating", n: []string{"id", "mail_id", "agent_id", "at", "seq", "replaced"}, s: []string{"value", "comment"}, from: `from rating where conversation_id = ?`, args: []any{id}},
		{kind: "tagged", n: []string{"tag_id"}, from: `from conversation_tag where conversation_id = ?`, args: []any{id}},
		carriedPart(id),
		{kind: "carriedto", n: []string{"r.mail_id", "r.code", "r.at"}, s: []string{"r.address", "r.kind", "r.state", "r.words"},
			from: carried + ` join mail_recipient r on r.mail_id = m.id where x.conversation_id = ? and x.written_in > 0 and m.agent_id = 0`, args: []any{id}},
		{kind: "written", n: []string{"m.id", "w.number"}, from: `from message m join conversation w on w.id = m.written_in where m.conversation_id = ? and m.written_in > 0`, args: []any{id}},
		{kind: "merged", n: []string{"number"}, from: `from conversation where merged_into = ? and merged_into > 0`, args: []any{id}},
	}
}

func sideParts(c *postroom.Conversation, ask ConversationAsk) []part {
	may, mayArgs := ask.May.conversations("mailbox_id", "assignee_id")
	args := append([]any{c.CustomerID, c.ID}, mayArgs...)
	return []part{
		{kind: "draft", n: []string{"id", "revision", "seen_seq", "updated_at"}, s: []string{"kind", "to_list", "cc_list", "bcc_list", "body_html"},
			from: `from draft where conversation_id = ? and agent_id = ?`, args: []any{c.ID, ask.Agent}},
		{kind: "edit", n: []string{"id", "message_id", "base", "revision", "updated_at"}, s: []string{"body_html"},
			from: `from edit_draft where conversation_id = ? and agent_id = ?`, args: []any{c.ID, ask.Agent}},
		{kind: "participant", n: []string{"confirmed"}, s: []string{"address", "name", "kind"}, from: `from participant where conversation_id = ?`, args: []any{c.ID}},
		{kind: "address", n: []string{"position", "suppressed_at"}, s: []string{"address", "suppressed_words"}, from: `from customer_address where customer_id = ?`, args: []any{c.CustomerID}},
		limited(part{kind: "other", n: []string{"number", "updated_at"}, s: []string{"subject", "status"},
			from: `from conversation where customer_id = ? and id <> ? and deleted_at = 0 and merged_into = 0` + may, args: slices.Clone(args)}, "updated_at desc, id desc", 6),
		{kind: "openheard", n: []string{"count(*)"}, from: `from listened_kind where kind = 'conversation.opened'`},
		// Of what was merged into it, what is unread counts as its beginning: its numbers are others.
		{kind: "unread", n: []string{"coalesce(max(case when conversation_id = ? then seq else 1 end), 0)"},
			from: `from notification where agent_id = ? and read_at = 0 and conversation_id in (with recursive part(id) as (select cast(? as bigint)
				union select c.id from conversation c join part p on c.merged_into = p.id and c.merged_into > 0) select id from part)`, args: []any{c.ID, ask.Agent, c.ID}},
		{kind: "others", n: []string{"count(*)"}, from: `from conversation where customer_id = ? and id <> ? and deleted_at = 0 and merged_into = 0` + may, args: args},
	}
}

// nameParts selects what ids on a page stand for; mailbox is the one that
// AgentName.May is about.
func nameParts(mailbox int64) []part {
	return []part{
		{kind: "agent", n: []string{"a.id", "a.disabled_at",
			"case when a.role = 'admin' or exists (select 1 from mailbox_agent g where g.agent_id = a.id and g.mailbox_id = ? and g.rights <> 'see') then 1 else 0 end"},
			s: []string{"a.name"}, from: `from agent a`, args: []any{mailbox}},
		{kind: "tag", n: []string{"id"}, s: []string{"name"}, from: `from tag`},
		teamPart(mailbox),
		{kind: "workflow", n: []string{"id", "enabled"}, s: []string{"name"}, from: `from workflow`},
		fieldPart(),
	}
}

func (o *ConversationRows) scan(t tripRow) error {
	switch t.kind {
	case "event":
		e := EventRow{ID: t.n[0], Seq: t.n[1], ActID: t.n[2], Cause: t.n[4], Root: t.n[5], Depth: int(t.n[6]), At: t.n[7], FinalAt: t.n[8], Revision: t.n[9],
			Kind: postroom.EventKind(t.s[0]), Actor: postroom.Actor{Kind: postroom.ActorKind(t.s[1]), ID: t.n[3]}, Path: postroom.Path(t.s[2]),
			State: postroom.EventState(t.s[4]), Verdicts: t.s[5], Words: t.s[6]}
		err := json.Unmarshal([]byte(t.s[3]), &e.Payload)
		o.Events = append(o.Events, e)
		return err
	case "file", "draftfile":
		a := postroom.Attachment{ID: t.n[2], Inline: t.n[3] == 1, Size: t.n[4], Name: t.s[0], Type: t.s[1], ContentID: t.s[2], SHA256: t.s[3]}
		if t.kind == "file" {
			o.Files[t.n[0]] = append(o.Files[t.n[0]], a)
		} else {
			o.DraftFiles[t.n[1]] = append(o.DraftFiles[t.n[1]], a)
		}
	case "mail":
		o.Mails = append(o.Mails, scanMailRow(t))
	case "carried":
		o.Carried = append(o.Carried, scanMailRow(t))
	case "written":
		o.Written[t.n[0]] = t.n[1]
	case "merged":
		o.Merged = append(o.Merged, t.n[0])
	case "recipient", "carriedto":
		o.Recipients[t.n[0]] = append(o.Recipients[t.n[0]], postroom.MailRecipient{Address: t.s[0], Kind: t.s[1], State: postroom.MailState(t.s[2]), Words: t.s[3], Code: int(t.n[1]), At: t.n[2]})
	case "return":
		x := scanReturn(t)
		o.Returns[x.MailID] = append(o.Returns[x.MailID], x)
	case "run":
		run := RunRow{ID: t.n[0], WorkflowID: t.n[1], EventID: t.n[2], State: t.s[0], Error: t.s[1]}
		err := fromJSON(t.s[2], &run.Effects)
		o.Runs = append(o.Runs, run)
		return err
	case "draft":
		return o.scanDraft(t)
	case "edit":
		o.Edits = append(o.Edits, &postroom.EditDraft{ID: t.n[0], MessageID: t.n[1], Base: t.n[2], Revision: t.n[3], UpdatedAt: t.n[4], HTML: t.s[0]})
	case "participant":
		o.Participants = append(o.Participants, Participant{Address: t.s[0], Name: t.s[1], Kind: t.s[2], Confirmed: t.n[0] == 1})
	case "address":
		if t.n[0] == 0 {
			o.Addresses = slices.Insert(o.Addresses, 0, t.s[0])
		} else {
			o.Addresses = append(o.Addresses, t.s[0])
		}
		if t.n[1] > 0 {
			o.Stopped = append(o.Stopped, StoppedAddress{t.s[0], t.s[1]})
		}
	case "other":
		o.Others = append(o.Others, OtherRow{Number: t.n[0], UpdatedAt: t.n[1], Subject: t.s[0], Status: postroom.Status(t.s[1])})
	case "openheard":
		o.OpenHeard = t.n[0] > 0
	case "unread":
		o.Unread = t.n[0]
	case "others":
		o.OthersCount = int(t.n[0])
	case "timer":
		o.Timers = append(o.Timers, postroom.Timer{ID: t.n[0], WorkflowID: t.n[1], Version: int(t.n[2]), EventID: t.n[3], DueAt: t.n[4], EndedAt: t.n[5],
			State: postroom.TimerState(t.s[0]), EndedBy: postroom.Actor{Kind: postroom.ActorKind(t.s[1]), ID: t.n[6]}, EndEvent: t.n[7], Leg: int(t.n[8]), Words: t.s[2]})
	case "watch":
		o.Watches = append(o.Watches, WatchRow{ID: t.n[0], Event: t.n[1], Due: t.n[2], SettledAt: t.n[4], Deleted: t.n[5] > 0, Promise: Name{t.n[3], t.s[2]}, State: t.s[0], Words: t.s[1]})
	case "fieldtext":
		if o.FieldTexts == nil {
			o.FieldTexts = map[string]string{}
		}
		o.FieldTexts[strconv.FormatInt(t.n[0], 10)] = t.s[0]
	case "field":
		f, err := scanFieldPart(t)
		o.Fields = append(o.Fields, f)
		return err
	case "rating":
		o.Ratings = append(o.Ratings, postroom.Rating{ID: t.n[0], MailID: t.n[1], AgentID: t.n[2], At: t.n[3], Seq: t.n[4], Replaced: t.n[5] == 1, Value: postroom.RatingValue(t.s[0]), Comment: t.s[1]})
	case "tagged":
		o.TagIDs = append(o.TagIDs, t.n[0])
	case "agent":
		o.Agents = append(o.Agents, AgentName{Name: Name{t.n[0], t.s[0]}, Disabled: t.n[1] > 0, May: t.n[2] == 1})
	case "team":
		o.Teams = append(o.Teams, scanTeamName(t))
	case "tag":
		o.Tags = append(o.Tags, Name{t.n[0], t.s[0]})
	case "workflow":
		o.Workflows = append(o.Workflows, WorkflowName{Name{t.n[0], t.s[0]}, t.n[1] == 1})
	}
	return nil
}

func (o *ConversationRows) scanDraft(t tripRow) error {
	d := &postroom.Draft{ID: t.n[0], Revision: t.n[1], SeenSeq: t.n[2], UpdatedAt: t.n[3], Kind: postroom.MessageKind(t.s[0]), HTML: t.s[4]}
	o.Drafts = append(o.Drafts, d)
	for i, list := range []*[]postroom.Address{&d.To, &d.Cc, &d.Bcc} {
		if err := fromJSON(t.s[1+i], list); err != nil {
			return err
		}
	}
	return nil
}

// sort puts what a trip brought in any order into the order of the page.
func (o *ConversationRows) sort() {
	sortTeams(o.Teams)
	slices.SortFunc(o.Events, func(a, b EventRow) int { return compare(a.Seq, b.Seq, "", "", 0, 0) })
	slices.SortFunc(o.Ratings, func(a, b postroom.Rating) int { return compare(a.Seq, b.Seq, "", "", 0, 0) })
	slices.SortFunc(o.Mails, func(a, b MailRow) int { return compare(a.RootSeq, b.RootSeq, "", "", a.Seq, b.Seq) })
	slices.SortFunc(o.Carried, func(a, b MailRow) int { return compare(a.ID, b.ID, "", "", 0, 0) })
	slices.Sort(o.Merged)
	slices.SortFunc(o.Timers, func(a, b postroom.Timer) int { return compare(a.ID, b.ID, "", "", 0, 0) })
	slices.SortFunc(o.Watches, func(a, b WatchRow) int { return compare(a.ID, b.ID, "", "", 0, 0) })
	sortFields(o.Fields)
	slices.SortFunc(o.Runs, func(a, b RunRow) int { return compare(a.ID, b.ID, "", "", 0, 0) })
	slices.SortFunc(o.Drafts, func(a, b *postroom.Draft) int { return compare(b.UpdatedAt, a.UpdatedAt, "", "", b.ID, a.ID) })
	slices.SortFunc(o.Participants, func(a, b Participant) int { return compare(0, 0, a.Address, b.Address, 0, 0) })
	slices.SortFunc(o.Others, func(a, b OtherRow) int { return compare(b.UpdatedAt, a.UpdatedAt, "", "", b.Number, a.Number) })
	slices.SortFunc(o.Agents, func(a, b AgentName) int { return compare(0, 0, a.Name.Name, b.Name.Name, a.ID, b.ID) })
	slices.SortFunc(o.Tags, func(a, b Name) int { return compare(0, 0, a.Name, b.Name, 0, 0) })
	for _, files := range []map[int64][]postroom.Attachment{o.Files, o.DraftFiles} {
		for _, f := range files {
			slices.SortFunc(f, func(a, b postroom.Attachment) int { return compare(a.ID, b.ID, "", "", 0, 0) })
		}
	}
}

const qMessagesSince = `select ` + messageColumns + ` from message where conversation_id = $1 and undone = 0 and seq > $2 order by ` + inOrder

// MessagesSince loads the published messages of a conversation after an event,
// without their attachments.
func (r Read) MessagesSince(ctx context.Context, conversation, seq int64) ([]*postroom.Message, error) {
	var out []*postroom.Message
	err := each(ctx, r.q, qMessagesSince, []any{conversation, seq}, func(rows row) error {
		m, err := scanMessage(rows)
		out = append(out, m)
		return err
	})
	return out, err
}
