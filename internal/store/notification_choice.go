package store

import (
	"cmp"
	"context"
	"slices"

	"postroom"
)

// Told is an agent who may be told of what happens in a mailbox.
type Told struct {
	*postroom.Agent
	Addresses []string                                                  // all they write from, in canonical form
	Choices   map[postroom.NotificationKind]postroom.NotificationChoice // of every kind
	Muted     bool                                                      // the mailbox
}

const (
	qChoices    = `select agent_id, kind, in_page, by_mail from notification_choice where agent_id = $1 or agent_id = 0 or $1 = 0 order by agent_id`
	qDropChoice = `delete from notification_choice where agent_id = $1 and kind = $2`
	qSetChoice  = `insert into notification_choice (agent_id, kind, in_page, by_mail) values ($1, $2, $3, $4)
		on conflict (agent_id, kind) do update set in_page = excluded.in_page, by_mail = excluded.by_mail`
	qMutes  = `select mailbox_id from notification_mute where agent_id = $1 order by mailbox_id`
	qUnmute = `delete from notification_mute where agent_id = $1`
	qMute   = `insert into notification_mute (agent_id, mailbox_id) values ($1, $2) on conflict (agent_id, mailbox_id) do nothing`
)

// choices are what agents have chosen; under 0 stands what holds for those who
// have not.
type choices map[int64]map[postroom.NotificationKind]postroom.NotificationChoice

func (c choices) add(agent int64, kind postroom.NotificationKind, chosen postroom.NotificationChoice) {
	if c[agent] == nil {
		c[agent] = map[postroom.NotificationKind]postroom.NotificationChoice{}
	}
	c[agent][kind] = chosen
}

// choices loads the choices of one agent, or with 0 of all.
func (r Read) choices(ctx context.Context, agent int64) (choices, error) {
	out := choices{}
	err := each(ctx, r.q, qChoices, []any{agent}, func(rows row) error {
		var id int64
		var kind postroom.NotificationKind
		var c postroom.NotificationChoice
		err := rows.Scan(&id, &kind, &c.InPage, &c.ByMail)
		out.add(id, kind, c)
		return err
	})
	return out, err
}

// of returns what holds for an agent: what they chose, or else what the admins
// set for all, or else what a new desk begins with.
func (c choices) of(agent int64) map[postroom.NotificationKind]postroom.NotificationChoice {
	out := map[postroom.NotificationKind]postroom.NotificationChoice{}
	for _, k := range postroom.NotificationKinds {
		out[k] = postroom.DefaultNotification(k)
		for _, id := range []int64{0, agent} {
			if chosen, ok := c[id][k]; ok {
				out[k] = chosen
			}
		}
	}
	return out
}

// Told lists the agents who may be told of what happens in a mailbox: those who
// were let into it and are not disabled, with what they may do there, in one
// statement. only, if not 0, asks for one agent.
func (r Read) Told(ctx context.Context, mailbox, only int64) ([]Told, error) {
	parts := []part{
		{kind: "agent", n: []string{"a.id", "coalesce(m.mailbox_id, 0)", "coalesce(m.only_assigned, 0)",
			"(select count(*) from notification_mute x where x.agent_id = a.id and x.mailbox_id = ?)"},
			s: []string{"a.name", "a.email", "a.role", "a.zone", "coalesce(m.rights, '')"},
			from: `from agent a left join mailbox_agent m on m.agent_id = a.id and m.mailbox_id = ?
				where a.disabled_at = 0 and (a.role = 'admin' or m.mailbox_id > 0) and (a.id = ? or ? = 0)`, args: []any{mailbox, mailbox, only, only}},
		{kind: "choice", n: []string{"agent_id", "in_page", "by_mail"}, s: []string{"kind"},
			from: `from notification_choice where agent_id = ? or agent_id = 0 or ? = 0`, args: []any{only, only}},
		{kind: "address", n: []string{"agent_id"}, s: []string{"address"}, from: `from agent_address where agent_id = ? or ? = 0`, args: []any{only, only}},
	}
	all := choices{}
	further := map[int64][]string{}
	var out []Told
	err := r.trip(ctx, parts, func(t tripRow) error {
		switch t.kind {
		case "agent":
			a := &postroom.Agent{ID: t.n[0], Name: t.s[0], Email: t.s[1], Role: postroom.Role(t.s[2]), Zone: t.s[3]}
			if t.n[1] != 0 {
				a.Give(t.n[1], postroom.Right{Most: postroom.Verb(t.s[4]), OnlyAssigned: t.n[2] == 1})
			}
			out = append(out, Told{Agent: a, Muted: t.n[3] > 0})
		case "choice":
			all.add(t.n[0], postroom.NotificationKind(t.s[0]), postroom.NotificationChoice{InPage: t.n[1] == 1, ByMail: t.n[2] == 1})
		case "address":
			further[t.n[0]] = append(further[t.n[0]], t.s[0])
		}
		return nil
	})
	slices.SortFunc(out, func(a, b Told) int { return cmp.Compare(a.ID, b.ID) })
	for i := range out {
		t := &out[i]
		t.Choices, t.Addresses = all.of(t.ID), append([]string{postroom.Canonical(t.Email)}, further[t.ID]...)
	}
	return out, err
}

// NotificationChoices returns by which ways an agent is told of each kind; for
// agent 0 what holds for those who have not chosen.
func (r Read) NotificationChoices(ctx context.Context, agent int64) (map[postroom.NotificationKind]postroom.NotificationChoice, error) {
	all, err := r.choices(ctx, agent)
	return all.of(agent), err
}

// SetNotificationChoices stores what an agent chose, or with agent 0 what holds
// for those who have not. Kinds that are not named follow the default again.
func (t *Tx) SetNotificationChoices(ctx context.Context, agent int64, chosen map[postroom.NotificationKind]postroom.NotificationChoice) error {
	for _, k := range postroom.NotificationKinds {
		c, ok := chosen[k]
		if !ok {
			if _, err := t.exec(ctx, qDropChoice, agent, k); err != nil {
				return err
			}
			continue
		}
		if _, err := t.exec(ctx, qSetChoice, agent, k, bit(c.InPage), bit(c.ByMail)); err != nil {
			return err
		}
	}
	return nil
}

// MutedMailboxes lists the mailboxes of which an agent hears only what is
// theirs.
func (r Read) MutedMailboxes(ctx context.Context, agent int64) ([]int64, error) {
	return r.ids(ctx, qMutes, agent)
}

// MuteMailboxes replaces the list of the mailboxes of which an agent hears only
// what is theirs.
func (t *Tx) MuteMailboxes(ctx context.Context, agent int64, mailboxes []int64) error {
	if _, err := t.exec(ctx, qUnmute, agent); err != nil {
		return err
	}
	for _, m := range mailboxes {
		if _, err := t.exec(ctx, qMute, agent, m); err != nil {
			return err
		}
	}
	return nil
}
