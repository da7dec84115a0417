package query

import (
	"context"
	"encoding/json"
	"fmt"

	"postroom"
	"postroom/internal/store"
)

// bulk is what a bulk job is to do, as it was stored.
type bulk struct {
	Status   postroom.Status `json:"status"`
	Assignee *int64          `json:"assignee"`
	Team     *int64          `json:"team"`
	Add      []int64         `json:"add"`
	Remove   []int64         `json:"remove"`
	Move     int64           `json:"move"`
	Delete   bool            `json:"delete"`
	Restore  bool            `json:"restore"`
	Snooze   int64           `json:"snooze"`
	Wake     bool            `json:"wake"`

	Field *struct{ Name, Words string } `json:"field"`
	Run   *postroom.Startable           `json:"run"`
}

// bulkWords says what a job does: "Close 214 conversations".
func bulkWords(j store.Job) string {
	if j.Kind == store.JobBacktest {
		return "Backtest"
	}
	var b bulk
	_ = json.Unmarshal([]byte(j.Params), &b) // what cannot be read is called a change
	what := "Change"
	switch {
	case b.Status == postroom.Closed:
		what = "Close"
	case b.Status == postroom.Pending:
		what = "Set to pending:"
	case b.Status == postroom.Spam:
		what = "Mark as spam:"
	case b.Status == postroom.Active:
		what = "Reopen"
	case b.Assignee != nil && *b.Assignee == 0:
		what = "Unassign"
	case b.Assignee != nil:
		what = "Assign"
	case b.Team != nil && *b.Team == 0:
		what = "Take from their team:"
	case b.Team != nil:
		what = "Give to a team:"
	case j.Kind == store.JobErase:
		what = "Erase"
	case b.Delete:
		what = "Delete"
	case b.Restore:
		what = "Restore"
	case b.Snooze != 0:
		what = "Snooze"
	case b.Wake:
		what = "Wake"
	case b.Move != 0:
		what = "Move"
	case b.Field != nil && b.Field.Words == "":
		what = "Clear “" + b.Field.Name + "” of"
	case b.Field != nil:
		what = "Set “" + b.Field.Name + "” to “" + b.Field.Words + "” for"
	case b.Run != nil:
		if j.Total == 1 {
			return "Run “" + b.Run.Name + "” on 1 conversation"
		}
		return fmt.Sprintf("Run “%s” on %d conversations", b.Run.Name, j.Total)
	case len(b.Add) > 0:
		what = "Tag"
	case len(b.Remove) > 0:
		what = "Untag"
	}
	if j.Total == 1 {
		return what + " 1 conversation"
	}
	return fmt.Sprintf("%s %d conversations", what, j.Total)
}

// maxSkips is how many skipped conversations a job's page lists.
const maxSkips = 100

// Job reads the progress of a bulk job: of the agent's own, or of anybody's
// for admins.
func (d *Desk) Job(ctx context.Context, a *postroom.Agent, id int64, place Place, back string) (*JobPage, error) {
	j, err := d.read().Job(ctx, id)
	if err != nil {
		return nil, err
	}
	if j.AgentID != a.ID && !postroom.Can(a, postroom.Manage, 0) {
		return nil, postroom.Errorf(postroom.NotFound, "There is no such job.")
	}
	shell, err := d.Shell(ctx, a, place)
	if err != nil {
		return nil, err
	}
	p := &JobPage{Shell: shell, ID: id, Words: bulkWords(j), State: j.State, Total: j.Total, Done: j.Done + j.Skipped, Started: j.CreatedAt, Ended: j.EndedAt,
		SkippedN: j.Skipped, Changed: j.Done, Return: back, MayCancel: j.State == store.JobRunning && !j.Undoing()}
	switch {
	case j.State == store.JobFailed:
		p.Error = j.Words
	case j.UndoneAt > 0:
		// How many of the changed ones were looked at, and what was left of them.
		p.State, p.Total, p.Done, p.SkippedN, p.Changed = "undoing", j.Done, j.UndoLooked, len(j.Report), j.UndoLooked-len(j.Report)
		if j.Undone() {
			p.State = "undone"
		}
	case j.State == store.JobRunning && p.Done == 0:
		p.State = "waiting"
	case j.State == store.JobDone && j.Words != "":
		p.State = "cancelled"
	}
	if j.State != store.JobRunning && !j.Undone() && j.FinalAt > shell.Now && j.AgentID == a.ID && j.FinalAt < forever {
		p.UndoUntil = j.FinalAt
	}
	var ids []int64
	report := j.Report[:min(len(j.Report), maxSkips)]
	for _, r := range report {
		ids = append(ids, r.ConversationID)
	}
	subjects, err := d.read().Subjects(ctx, ids)
	for _, r := range report {
		p.Skipped = append(p.Skipped, JobSkip{Number: r.Number, Subject: subjects[r.ConversationID], Words: r.Words})
	}
	return p, err
}
