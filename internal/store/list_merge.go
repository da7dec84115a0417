package store

import (
	"context"
	"strings"

	"postroom"
)

// FoundTalk is a conversation as a search for one to merge into finds it.
type FoundTalk struct {
	Number, MailboxID, AssigneeID, CustomerID, UpdatedAt int64
	Subject, Customer                                    string
	Status                                               postroom.Status
}

const (
	talkColumns = `select c.number, c.mailbox_id, c.assignee_id, c.customer_id, c.updated_at, c.subject, coalesce(k.name, ''), c.status `
	talkJoined  = ` left join customer k on k.id = c.customer_id where c.deleted_at = 0 and c.merged_into = 0 and c.status <> 'spam' `
)

// TalksOfCustomer lists a customer's conversations within the scope, the latest
// first, without those that are deleted, merged or spam.
func (r Read) TalksOfCustomer(ctx context.Context, customer int64, scope Scope, limit int) ([]FoundTalk, error) {
	return r.talks(ctx, talkColumns+`from conversation c`+talkJoined+`and c.customer_id = ?`, []any{customer}, scope, limit)
}

// FindTalks finds conversations within the scope by their number, or by words in
// the subjects of the latest 5,000. It never looks at more than that, however
// large the desk is.
func (r Read) FindTalks(ctx context.Context, text string, number int64, scope Scope, limit int) ([]FoundTalk, error) {
	var out []FoundTalk
	if number > 0 {
		named, err := r.talks(ctx, talkColumns+`from conversation c`+talkJoined+`and c.number = ?`, []any{number}, scope, limit)
		if err != nil {
			return nil, err
		}
		out = named
	}
	inside := "%" + likeEscape(strings.ToLower(text)) + "%"
	more, err := r.talks(ctx, talkColumns+`from (select * from conversation order by id desc limit 5000) c`+talkJoined+`and lower(c.subject) like ? escape '!'`, []any{inside}, scope, limit)
	for _, c := range more {
		if c.Number != number {
			out = append(out, c)
		}
	}
	return out, err
}

func (r Read) talks(ctx context.Context, query string, args []any, scope Scope, limit int) ([]FoundTalk, error) {
	if scope.Nothing() {
		return nil, nil
	}
	may, mayArgs := scope.conversations("c.mailbox_id", "c.assignee_id")
	var out []FoundTalk
	err := each(ctx, r.q, numbered(query+may+` order by c.updated_at desc, c.id desc limit ?`), append(append(args, mayArgs...), limit), func(rows row) error {
		var c FoundTalk
		err := rows.Scan(&c.Number, &c.MailboxID, &c.AssigneeID, &c.CustomerID, &c.UpdatedAt, &c.Subject, &c.Customer, &c.Status)
		out = append(out, c)
		return err
	})
	return out, err
}
