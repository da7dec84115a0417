package store

import (
	"context"
	"slices"

	"postroom"
)

// NotificationRow is a notification with what its list shows.
type NotificationRow struct {
	postroom.Notification
	EventKind         postroom.EventKind
	Number            int64
	Subject, Customer string
	Mailbox           string
	Automatic         bool                 // a workflow wrote the mail it is about
	From              postroom.Address     // of the message it is about
	Agent, Workflow   string               // the actor's name
	Rated             postroom.RatingValue // what a customer chose, "" for what is no rating
}

// NotificationAsk says which of an agent's notifications are wanted.
type NotificationAsk struct {
	Agent  int64
	Scope  Scope // what they may see
	Unread bool
	From   *MailKey // the place in the list to go on from
	Back   bool     // towards the newer ones
	Limit  int
}

// Notifications lists what an agent was told, the newest first.
func (r Read) Notifications(ctx context.Context, ask NotificationAsk) ([]NotificationRow, error) {
	query := `select n.id, n.agent_id, n.conversation_id, n.event_id, n.seq, n.kind, n.actor_kind, n.actor_id, n.message_id, n.mail_id, n.words, n.at, n.read_at,
		coalesce(e.kind, ''), c.number, c.subject, coalesce(k.name, ''), b.name, coalesce(x.automatic, 0), coalesce(m.from_name, ''), coalesce(m.from_address, ''),
		coalesce(a.name, ''), coalesce(w.name, ''), coalesce(g.value, '')
		from notification n join conversation c on c.id = n.conversation_id join mailbox b on b.id = c.mailbox_id
		left join customer k on k.id = c.customer_id left join event e on e.id = n.event_id left join mail x on x.id = n.mail_id
		left join message m on m.id = n.message_id left join agent a on a.id = n.actor_id and n.actor_kind = 'agent'
		left join workflow w on w.id = n.actor_id and n.actor_kind = 'workflow'
		left join rating g on g.conversation_id = n.conversation_id and g.seq = n.seq where n.agent_id = ?`
	args := []any{ask.Agent}
	if ask.Unread {
		query += ` and n.read_at = 0`
	}
	may, mayArgs := ask.Scope.conversations("c.mailbox_id", "c.assignee_id")
	query, args = query+may, append(args, mayArgs...)
	sign, order := " < ", " desc"
	if ask.Back {
		sign, order = " > ", " asc"
	}
	if ask.From != nil {
		query, args = query+` and (n.at, n.id)`+sign+`(?, ?)`, append(args, ask.From.At, ask.From.ID)
	}
	query, args = query+` order by n.at`+order+`, n.id`+order+` limit ?`, append(args, ask.Limit)
	var out []NotificationRow
	err := each(ctx, r.q, numbered(query), args, func(rows row) error {
		var n NotificationRow
		err := rows.Scan(&n.ID, &n.AgentID, &n.ConversationID, &n.EventID, &n.Seq, &n.Kind, &n.Actor.Kind, &n.Actor.ID, &n.MessageID, &n.MailID, &n.Words, &n.At, &n.ReadAt,
			&n.EventKind, &n.Number, &n.Subject, &n.Customer, &n.Mailbox, &n.Automatic, &n.From.Name, &n.From.Address, &n.Agent, &n.Workflow, &n.Rated)
		out = append(out, n)
		return err
	})
	if ask.Back {
		slices.Reverse(out)
	}
	return out, err
}
