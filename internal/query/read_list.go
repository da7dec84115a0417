package query

import (
	"context"
	"encoding/base64"
	"fmt"
	"slices"
	"strings"

	"postroom"
	"postroom/internal/store"
)

// PageSize is how many rows a list shows at once.
const PageSize = 50

// ListAsk says which list an agent wants to see. After and Before are cursors
// of a list shown earlier; at most one is given.
type ListAsk struct {
	Folder  string
	Mailbox int64 // 0 = over all mailboxes
	Sort    string
	After   string
	Before  string
}

// askStore turns what a URL says into what the store is asked. An unknown
// folder or sort is NotFound, a broken cursor Invalid.
func (l ListAsk) askStore(a *postroom.Agent) (store.ListAsk, error) {
	if !slices.Contains(FolderNames[:], l.Folder) && postroom.Folder(l.Folder).Team() == 0 {
		return store.ListAsk{}, postroom.Errorf(postroom.NotFound, "There is no folder %q.", l.Folder)
	}
	may, err := narrow(a, l.Mailbox)
	if err != nil {
		return store.ListAsk{}, err
	}
	sort := l.sort()
	if !slices.Contains(SortsIn(l.Folder), sort) {
		return store.ListAsk{}, postroom.Errorf(postroom.NotFound, "Lists cannot be sorted by %q.", l.Sort)
	}
	ask := store.ListAsk{Folder: postroom.Folder(l.Folder), Agent: a.ID, May: may, Sort: store.ListSort(sort), Limit: PageSize + 1}
	cursor := l.After
	if l.Before != "" {
		cursor, ask.Back = l.Before, true
	}
	if cursor != "" {
		var k store.ListKey
		if !readCursor(cursor, &k.Rest, &k.Key, &k.ID) {
			return ask, postroom.InvalidField("after", "This page of the list cannot be found; begin at its start.")
		}
		ask.From = &k
	}
	return ask, nil
}

// sort returns the order, or the folder's default where none is given.
func (l ListAsk) sort() string {
	switch {
	case l.Sort != "":
		return l.Sort
	case l.Folder == "closed" || l.Folder == "spam" || l.Folder == "deleted" || l.Folder == "drafts":
		return "newest"
	case l.Folder == "snoozed":
		return "wakes"
	}
	return "waiting"
}

// List reads one page of a folder: three statements, and a fourth where the
// list passes from those who wait to those who do not. Total and the mailbox's
// name come from the shell that the page needs anyway.
func (d *Desk) List(ctx context.Context, a *postroom.Agent, l ListAsk, shell Shell) (List, error) {
	ask, err := l.askStore(a)
	if err != nil {
		return List{}, err
	}
	ask.Dense = dense(shell, l.Folder)
	rows, err := d.read().Conversations(ctx, ask)
	if err != nil {
		return List{}, fmt.Errorf("list conversations: %w", err)
	}
	more := len(rows) > PageSize
	if more && ask.Back {
		rows = rows[1:]
	} else if more {
		rows = rows[:PageSize]
	}
	details, err := d.read().ListDetails(ctx, rows, a.ID)
	if err != nil {
		return List{}, fmt.Errorf("read the details of a list: %w", err)
	}
	out := List{Folder: l.Folder, Mailbox: l.Mailbox, Title: "All mailboxes", Sort: l.sort(), Tags: details.AllTags, Agents: choices(details.Agents),
		Total: shell.count(l.Folder, 0), Teams: teamChoices(details.Teams), Now: shell.Now, Me: a.ID, Density: shell.Me.Density, Zone: a.Zone}
	if out.Name, err = teamOf(l.Folder, details.Teams); err != nil {
		return List{}, err
	}
	out.MoveTo = moveTo(a, shell, l.Mailbox)
	if out.Run, err = d.startableIn(ctx, a, shell, l.Mailbox); err != nil {
		return List{}, err
	}
	for _, f := range details.Fields {
		if f.Subject == postroom.OfConversation && f.DeletedAt == 0 && (l.Mailbox == 0 || f.For(l.Mailbox)) {
			out.Fields = append(out.Fields, fieldValue(f, ""))
		}
	}
	if c := shell.All; shell.Me.Admin && c.Unassigned+c.Assigned+c.Snoozed+c.Closed+c.Spam+c.Deleted == 0 {
		out.Begin = BeginMailbox
		if len(shell.Mailboxes) > 0 {
			out.Begin, out.Address = BeginMail, shell.Mailboxes[0].Address
		}
	}
	for _, m := range shell.Mailboxes {
		if l.Mailbox == 0 || m.ID == l.Mailbox {
			out.MayErase = out.MayErase || l.Folder == string(postroom.Deleted) && m.Counts.Deleted > 0 && postroom.Can(a, postroom.Manage, m.ID)
		}
		if m.ID == l.Mailbox {
			out.Title, out.Total = m.Name, shell.count(l.Folder, m.ID)
		}
	}
	for _, r := range rows {
		out.Rows = append(out.Rows, listRow(r, details))
	}
	if n := len(rows); n > 0 {
		first, last := rows[0].Key, rows[n-1].Key
		if more && !ask.Back || ask.Back {
			out.Next = cursor(last.Rest, last.Key, last.ID)
		}
		if more && ask.Back || !ask.Back && ask.From != nil {
			out.Previous = cursor(first.Rest, first.Key, first.ID)
		}
	}
	return out, nil
}

// dense reports whether walking through all conversations meets a page of the
// folder's sooner than sorting the folder does.
func dense(s Shell, folder string) bool {
	n, all := s.count(folder, 0), s.All
	return n*n > PageSize*(all.Unassigned+all.Assigned+all.Snoozed+all.Closed+all.Spam+all.Deleted)
}

func listRow(r store.ListRow, d store.ListDetails) Row {
	return Row{
		ID: r.ID, Number: r.Number, Subject: r.Subject, Preview: r.Preview,
		Customer: nameOr(r.Customer, d.Address[r.CustomerID]), Address: d.Address[r.CustomerID],
		Status: string(r.Status), AssigneeID: r.AssigneeID, Assignee: r.Assignee, Team: r.Team, MailboxID: r.MailboxID, Mailbox: r.Mailbox,
		Tags: d.Tags[r.ID], WaitingSince: r.WaitingSince, LastAt: nonzero(max(r.LastCustomerAt, r.LastAgentAt), r.CreatedAt),
		Messages: r.Received + r.Replies, Attachments: r.HasAttachments, Draft: d.Drafts[r.ID], Note: d.Notes[r.ID], Trouble: string(d.Trouble[r.ID]), SnoozedUntil: r.SnoozedUntil, Rating: string(r.Rating),
	}
}

func nonzero(a, b int64) int64 {
	if a != 0 {
		return a
	}
	return b
}

func choices(names []store.Name) []Choice {
	out := make([]Choice, 0, len(names))
	for _, n := range names {
		out = append(out, Choice{Value: decimal(n.ID), Text: n.Name})
	}
	return out
}

// Home returns the folder an agent begins in: theirs if it holds anything.
func (d *Desk) Home(ctx context.Context, a *postroom.Agent) (string, error) {
	s, err := d.Shell(ctx, a, Place{})
	if err != nil || s.All.Mine > 0 {
		return "mine", err
	}
	return "unassigned", nil
}

// Selection is at most MaxBulk numbers: all conversations of a list, for a bulk
// act on all in view.
func (d *Desk) Selection(ctx context.Context, a *postroom.Agent, l ListAsk) ([]int64, error) {
	ask, err := l.askStore(a)
	if err != nil {
		return nil, err
	}
	ask.From, ask.Limit = nil, MaxBulk+1
	numbers, err := d.read().Numbers(ctx, ask)
	if err == nil && len(numbers) > MaxBulk {
		return nil, postroom.InvalidField("all", "At most %d conversations can be changed at once.", MaxBulk)
	}
	return numbers, err
}

// MaxBulk is how many conversations one bulk act may change.
const MaxBulk = 10_000

// Neighbour returns the number of the conversation that follows this one in a
// list as it stands now, 0 if it is the last.
func (d *Desk) Neighbour(ctx context.Context, a *postroom.Agent, number int64, l ListAsk) (int64, error) {
	l.After, l.Before = "", ""
	ask, err := l.askStore(a)
	if err != nil {
		return 0, err
	}
	c, err := d.read().ConversationByNumber(ctx, number)
	if err != nil {
		return 0, err
	}
	k := ask.Sort.KeyOf(c)
	ask.From, ask.Limit = &k, 1
	rows, err := d.read().Conversations(ctx, ask)
	if err != nil || len(rows) == 0 {
		return 0, err
	}
	return rows[0].Number, nil
}

// cursor writes values so that a URL carries them and people leave them alone.
func cursor(values ...any) string {
	return base64.RawURLEncoding.EncodeToString([]byte(strings.TrimSuffix(fmt.Sprintln(values...), "\n")))
}

// readCursor reads what cursor wrote; false for anything else.
func readCursor(s string, values ...any) bool {
	b, err := base64.RawURLEncoding.DecodeString(s)
	if err != nil {
		return false
	}
	n, err := fmt.Sscanln(string(b), values...)
	return err == nil && n == len(values)
}
