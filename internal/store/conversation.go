package store

import (
	"context"
	"fmt"
	"slices"

	"postroom"
)

const conversationColumns = `id, number, mailbox_id, customer_id, subject, status, assignee_id, seq,
	received, replies, notes, created_at, updated_at, waiting_since, last_customer_at, last_agent_at,
	last_human_at, closed_at, linked_from, preview, has_attachments, deleted_at, followers, snoozed_until, snoozed_by, fields, rating, team_id, merged_into`

// noFollowers is how nobody is written.
const noFollowers = "[]"

// followersOf writes who follows a conversation.
func followersOf(c *postroom.Conversation) string {
	if len(c.Followers) == 0 {
		return noFollowers
	}
	return toJSON(c.Followers)
}

func scanConversation(row row) (*postroom.Conversation, error) {
	var c postroom.Conversation
	var followers, fields string
	err := row.Scan(&c.ID, &c.Number, &c.MailboxID, &c.CustomerID, &c.Subject, &c.Status, &c.AssigneeID, &c.Seq,
		&c.Received, &c.Replies, &c.Notes, &c.CreatedAt, &c.UpdatedAt, &c.WaitingSince, &c.LastCustomerAt, &c.LastAgentAt,
		&c.LastHumanAt, &c.ClosedAt, &c.LinkedFrom, &c.Preview, &c.HasAttachments, &c.DeletedAt, &followers, &c.SnoozedUntil, &c.SnoozedBy, &fields, &c.Rating, &c.TeamID, &c.MergedInto)
	if err == nil {
		err = readFields(fields, &c.Fields)
	}
	if err == nil && followers != noFollowers {
		err = fromJSON(followers, &c.Followers)
	}
	return &c, err
}

const qConversation = `select ` + conversationColumns + ` from conversation where id = $1`

// Conversation loads a conversation with its tags. Within a transaction the
// row is locked until its end.
func (r Read) Conversation(ctx context.Context, id int64) (*postroom.Conversation, error) {
	c, err := scanConversation(r.q.QueryRow(ctx, qConversation+r.forUpdate, id))
	if err != nil {
		return nil, missing(err, "There is no such conversation.")
	}
	c.Tags, err = r.conversationTags(ctx, id)
	return c, err
}

const qConversationByNumber = `select ` + conversationColumns + ` from conversation where number = $1`

// ConversationByNumber loads a conversation by the number people use.
func (r Read) ConversationByNumber(ctx context.Context, number int64) (*postroom.Conversation, error) {
	c, err := scanConversation(r.q.QueryRow(ctx, qConversationByNumber, number))
	if err != nil {
		return nil, missing(err, "There is no conversation %d.", number)
	}
	c.Tags, err = r.conversationTags(ctx, c.ID)
	return c, err
}

const qConversationTags = `select tag_id from conversation_tag where conversation_id = $1 order by tag_id`

func (r Read) conversationTags(ctx context.Context, id int64) ([]int64, error) {
	var tags []int64
	err := each(ctx, r.q, qConversationTags, []any{id}, func(rows row) error {
		var tag int64
		err := rows.Scan(&tag)
		tags = append(tags, tag)
		return err
	})
	return tags, err
}

const qInsertConversation = `insert into conversation (` + conversationColumns + `, folder)
	values ($1,$2,$3,$4,$5,$6,$7,$8,$9,$10,$11,$12,$13,$14,$15,$16,$17,$18,$19,$20,$21,$22,$23,$24,$25,$26,$27,$28,$29,$30)`

// InsertConversation stores a new conversation and gives it its number.
func (t *Tx) InsertConversation(ctx context.Context, c *postroom.Conversation) error {
	if len(t.numbers) == 0 {
		if err := t.DrawNumbers(ctx, 1); err != nil {
			return err
		}
	}
	c.Number, t.numbers = t.numbers[0], t.numbers[1:]
	folder := c.Folder()
	err := t.send(ctx, qInsertConversation, c.ID, c.Number, c.MailboxID, c.CustomerID, c.Subject, c.Status, c.AssigneeID, c.Seq,
		c.Received, c.Replies, c.Notes, c.CreatedAt, c.UpdatedAt, c.WaitingSince, c.LastCustomerAt, c.LastAgentAt,
		c.LastHumanAt, c.ClosedAt, c.LinkedFrom, c.Preview, bit(c.HasAttachments), c.DeletedAt, followersOf(c), c.SnoozedUntil, c.SnoozedBy, fieldsJSON(c.Fields), c.Rating, c.TeamID, c.MergedInto, folder)
	t.count(c.MailboxID, folder, c.AssigneeID, 1)
	t.count(c.MailboxID, c.TeamFolder(), 0, 1)
	return err
}

// DrawNumbers draws the numbers of the next n conversations that this
// transaction stores, in one way to the server: for who knows that it stores as
// many. Those it does not come to use are lost.
func (t *Tx) DrawNumbers(ctx context.Context, n int) error {
	numbers, err := t.tx.NextNumbers(ctx, n)
	if err != nil {
		return fmt.Errorf("conversation number: %w", err)
	}
	t.numbers = append(t.numbers, numbers...)
	return nil
}

const qUpdateConversation = `update conversation set subject = $2, status = $3, assignee_id = $4, folder = $5, seq = $6,
	received = $7, replies = $8, notes = $9, updated_at = $10, waiting_since = $11, last_customer_at = $12,
	last_agent_at = $13, last_human_at = $14, closed_at = $15, preview = $16, has_attachments = $17, customer_id = $18,
	mailbox_id = $19, deleted_at = $20, followers = $21, snoozed_until = $22, snoozed_by = $23, fields = $24, rating = $25, team_id = $26, merged_into = $27
	where id = $1 and seq <= $6`

const (
	qInsertConversationTag = `insert into conversation_tag (conversation_id, tag_id) values ($1, $2)`
	qDeleteConversationTag = `delete from conversation_tag where conversation_id = $1 and tag_id = $2`
)

// UpdateConversation writes what verbs changed; before is the conversation's
// facts as they were loaded.
func (t *Tx) UpdateConversation(ctx context.Context, c *postroom.Conversation, before postroom.Snapshot) error {
	was, is := before.Folder(), c.Folder()
	if was != is || before.AssigneeID != c.AssigneeID || before.MailboxID != c.MailboxID {
		t.count(before.MailboxID, was, before.AssigneeID, -1)
		t.count(c.MailboxID, is, c.AssigneeID, 1)
	}
	if was, is := before.TeamFolder(), c.TeamFolder(); was != is || before.MailboxID != c.MailboxID {
		t.count(before.MailboxID, was, 0, -1)
		t.count(c.MailboxID, is, 0, 1)
	}
	err := t.sendOne(ctx, "save conversation", qUpdateConversation, c.ID, c.Subject, c.Status, c.AssigneeID, is, c.Seq,
		c.Received, c.Replies, c.Notes, c.UpdatedAt, c.WaitingSince, c.LastCustomerAt,
		c.LastAgentAt, c.LastHumanAt, c.ClosedAt, c.Preview, bit(c.HasAttachments), c.CustomerID, c.MailboxID, c.DeletedAt, followersOf(c), c.SnoozedUntil, c.SnoozedBy, fieldsJSON(c.Fields), c.Rating, c.TeamID, c.MergedInto)
	if err != nil {
		return err
	}
	for _, tag := range c.Tags {
		if !slices.Contains(before.Tags, tag) {
			if err := t.send(ctx, qInsertConversationTag, c.ID, tag); err != nil {
				return err
			}
		}
	}
	for _, tag := range before.Tags {
		if !slices.Contains(c.Tags, tag) {
			if err := t.send(ctx, qDeleteConversationTag, c.ID, tag); err != nil {
				return err
			}
		}
	}
	return nil
}

// folderMove is a change of a counter, made last and in fixed order, so that
// two transactions that touch the same counters cannot lock each other out,
// also where one of them saves several conversations.
type folderMove struct {
	mailbox int64
	folder  postroom.Folder
	agent   int64
	n       int
}

// count notes that a folder has more conversations, or fewer; "" is no folder.
func (t *Tx) count(mailbox int64, folder postroom.Folder, assignee int64, n int) {
	if folder == "" {
		return
	}
	if folder != postroom.Assigned {
		assignee = 0
	}
	t.moves = append(t.moves, folderMove{mailbox, folder, assignee, n})
}

const qCount = `insert into folder_count (mailbox_id, folder, agent_id, n) values ($1, $2, $3, $4)
	on conflict (mailbox_id, folder, agent_id) do update set n = folder_count.n + excluded.n`

// CountLate leaves the folder counters to the end of the transaction, for one
// that saves several conversations: SaveCounts does nothing until then.
func (t *Tx) CountLate() { t.late = true }

// SaveCounts writes the changed folder counters. Call it last.
func (t *Tx) SaveCounts(ctx context.Context) error {
	if t.late {
		return nil
	}
	slices.SortFunc(t.moves, func(a, b folderMove) int {
		return compare(a.mailbox, b.mailbox, string(a.folder), string(b.folder), a.agent, b.agent)
	})
	for i := 0; i < len(t.moves); {
		m := t.moves[i]
		for i++; i < len(t.moves) && t.moves[i].mailbox == m.mailbox && t.moves[i].folder == m.folder && t.moves[i].agent == m.agent; i++ {
			m.n += t.moves[i].n
		}
		if m.n == 0 {
			continue
		}
		if err := t.send(ctx, qCount, m.mailbox, m.folder, m.agent, m.n); err != nil {
			return err
		}
	}
	t.moves = nil
	return nil
}

func compare(a1, b1 int64, a2, b2 string, a3, b3 int64) int {
	switch {
	case a1 != b1:
		return sign(a1 < b1)
	case a2 != b2:
		return sign(a2 < b2)
	case a3 != b3:
		return sign(a3 < b3)
	}
	return 0
}

func sign(less bool) int {
	if less {
		return -1
	}
	return 1
}

const qParticipant = `insert into participant (conversation_id, address, name, kind, confirmed) values ($1, $2, $3, $4, $5)
	on conflict (conversation_id, address) do update set
	name = case when participant.name = '' then excluded.name else participant.name end,
	confirmed = case when participant.confirmed = 1 then 1 else excluded.confirmed end`

// Participant is somebody who takes part in a conversation beside the team.
type Participant struct {
	Address   string
	Name      string
	Kind      string // from, to, cc
	Confirmed bool   // false: new and unverified, sees nothing (T9)
}

// AddParticipant adds somebody to a conversation, or confirms them.
func (t *Tx) AddParticipant(ctx context.Context, conversation int64, p Participant) error {
	return t.send(ctx, qParticipant, conversation, postroom.Canonical(p.Address), p.Name, p.Kind, bit(p.Confirmed))
}

const qParticipants = `select address, name, kind, confirmed from participant where conversation_id = $1 order by address`

// Participants lists who takes part in a conversation, by address.
func (r Read) Participants(ctx context.Context, conversation int64) ([]Participant, error) {
	var out []Participant
	err := each(ctx, r.q, qParticipants, []any{conversation}, func(rows row) error {
		var p Participant
		err := rows.Scan(&p.Address, &p.Name, &p.Kind, &p.Confirmed)
		out = append(out, p)
		return err
	})
	return out, err
}
