package store

import (
	"context"
	"slices"
	"strconv"

	"postroom"
)

// CallAsk says which calls of webhooks to list, the newest first.
type CallAsk struct {
	State    postroom.WebhookState // "" is every one
	Workflow int64                 // 0 is every one
	From     *MailKey              // the place to go on from
	Back     bool
	Limit    int
}

// LogCall is a call in the log, without its headers and body.
type LogCall struct {
	postroom.WebhookCall
	Number   int64 // of its conversation
	Workflow string
}

// Calls lists the calls of webhooks.
func (r Read) Calls(ctx context.Context, ask CallAsk) ([]LogCall, error) {
	query := `select c.id, c.workflow_id, c.state, c.method, c.url, c.created_at, c.due_at, c.tries, c.attempts, c.status, c.ended_at, c.words,
		coalesce(v.number, 0), coalesce(w.name, '') from webhook_call c left join conversation v on v.id = c.conversation_id left join workflow w on w.id = c.workflow_id where 1 = 1`
	var args []any
	if ask.State != "" {
		query, args = query+` and c.state = ?`, append(args, ask.State)
	}
	if ask.Workflow != 0 {
		query, args = query+` and c.workflow_id = ?`, append(args, ask.Workflow)
	}
	sign, direction := " < ", " desc"
	if ask.Back {
		sign, direction = " > ", " asc"
	}
	if ask.From != nil {
		query, args = query+` and (c.created_at, c.id)`+sign+`(?, ?)`, append(args, ask.From.At, ask.From.ID)
	}
	query += ` order by c.created_at` + direction + `, c.id` + direction + ` limit ` + strconv.Itoa(ask.Limit)
	var out []LogCall
	err := each(ctx, r.q, numbered(query), args, func(rows row) error {
		var c LogCall
		err := rows.Scan(&c.ID, &c.WorkflowID, &c.State, &c.Method, &c.URL, &c.CreatedAt, &c.DueAt, &c.Tries, &c.Attempts, &c.Status, &c.EndedAt, &c.Words, &c.Number, &c.Workflow)
		out = append(out, c)
		return err
	})
	if ask.Back {
		slices.Reverse(out)
	}
	return out, err
}

// CallCounts counts the calls of webhooks by state. Accepted ones are not
// counted: there may be very many.
func (r Read) CallCounts(ctx context.Context) ([]StateCount, error) {
	return r.counts(ctx, `select state, count(*) from webhook_call where state <> 'accepted' group by state`, nil)
}
