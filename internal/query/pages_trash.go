package query

import (
	"context"

	"postroom"
)

// TrashPage is GET /trash: what emptying it would erase.
type TrashPage struct {
	Shell   Shell
	Mailbox int64 // 0: all that the agent may manage
	Rows    []TrashLine
	Total   int
	Days    int // after how many days the desk erases by itself; 0: never
}

// TrashLine is what is deleted in one mailbox.
type TrashLine struct {
	Name string
	N    int
}

// Trash reads what emptying the trash of a mailbox, or of all (0), would erase;
// Forbidden for who may not.
func (d *Desk) Trash(ctx context.Context, a *postroom.Agent, mailbox int64, place Place) (*TrashPage, error) {
	shell, err := d.Shell(ctx, a, place)
	if err != nil {
		return nil, err
	}
	p := &TrashPage{Shell: shell, Mailbox: mailbox, Days: d.o.TrashDays}
	may := false
	for _, m := range shell.Mailboxes {
		if mailbox != 0 && m.ID != mailbox || !postroom.Can(a, postroom.Manage, m.ID) {
			continue
		}
		may = true
		if m.Counts.Deleted > 0 {
			p.Rows, p.Total = append(p.Rows, TrashLine{Name: m.Name, N: m.Counts.Deleted}), p.Total+m.Counts.Deleted
		}
	}
	if !may {
		return nil, postroom.Errorf(postroom.Forbidden, "You may not erase conversations here: that takes the right to manage the mailbox.")
	}
	return p, nil
}
