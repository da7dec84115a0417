package desk

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"

	"postroom"
	"postroom/internal/store"
)

// Bulk is one change of many conversations.
type Bulk struct {
	Numbers    []int64 // conversations, by number
	Status     postroom.Status
	Assignee   *int64
	AddTags    []string
	RemoveTags []string
}

// MaxBulk is how many conversations one bulk change may name.
const MaxBulk = 10_000

// bulkParams is a bulk job's row: names resolved, and where it is.
type bulkParams struct {
	Numbers  []int64         `json:"numbers"`
	Status   postroom.Status `json:"status,omitempty"`
	Assignee *int64          `json:"assignee,omitempty"`
	Add      []int64         `json:"add,omitempty"`
	Remove   []int64         `json:"remove,omitempty"`
	UndoMS   int64           `json:"undo_ms"`

	assignee *postroom.Agent // nil: nobody, or it is left
}

// StartBulk makes a job that changes each conversation in a transaction of its
// own; its events become final together, when the job has ended and its undo
// window is over (W2, W19).
func (d *Desk) StartBulk(ctx context.Context, a *postroom.Agent, b Bulk) (int64, error) {
	numbers := slices.Clone(b.Numbers)
	slices.Sort(numbers)
	numbers = slices.Compact(numbers)
	switch {
	case len(numbers) == 0:
		return 0, postroom.InvalidField("conversations", "Select at least one conversation.")
	case len(numbers) > MaxBulk:
		return 0, postroom.InvalidField("conversations", "At most %d conversations can be changed at once.", MaxBulk)
	case b.Status == "" && b.Assignee == nil && len(b.AddTags)+len(b.RemoveTags) == 0:
		return 0, postroom.InvalidField("", "Say what to change.")
	}
	if b.Status != "" {
		if _, err := postroom.ParseStatus(string(b.Status)); err != nil {
			return 0, err
		}
	}
	p := bulkParams{Numbers: numbers, Status: b.Status, Assignee: b.Assignee, UndoMS: postroom.DefaultUndoMS}
	err := d.findAssignee(ctx, &p)
	if postroom.CodeOf(err) == postroom.NotFound {
		return 0, postroom.InvalidField("assignee", "There is no such agent.")
	}
	if err != nil {
		return 0, err
	}
	if p.Add, err = d.tagIDs(ctx, b.AddTags, true); err != nil {
		return 0, err
	}
	if p.Remove, err = d.tagIDs(ctx, b.RemoveTags, false); err != nil {
		return 0, err
	}
	params, err := json.Marshal(p)
	if err != nil {
		return 0, err
	}
	id, err := d.store.NewID(ctx)
	if err != nil {
		return 0, err
	}
	job := store.Job{ID: id, Kind: "bulk", AgentID: a.ID, State: store.JobRunning, Params: string(params), Total: len(numbers), CreatedAt: d.store.Now()}
	err = d.store.Write(ctx, func(tx *store.Tx) error {
		tx.OnCommit(func() {
			d.wake(WakeBulk)
			d.publish(Change{Kind: "job", AgentID: a.ID, JobID: id})
		})
		return tx.InsertJob(ctx, job)
	})
	return id, err
}

// findAssignee loads to whom a bulk change gives the conversations.
func (d *Desk) findAssignee(ctx context.Context, p *bulkParams) (err error) {
	if p.Assignee != nil && *p.Assignee != 0 {
		p.assignee, err = d.store.Read().Agent(ctx, *p.Assignee)
	}
	return err
}

// bulkTries is how often a bulk job is taken up again because of a
// conversation that fails, before it goes on without it: the events of the
// others wait for its end, and their mails with them.
const bulkTries = 5

// RunBulk does the work of a bulk job from where it was left. Each
// conversation's change is atomic with the job's progress, so a crash repeats
// and loses nothing. hold must fail when the worker's lease was lost.
func (d *Desk) RunBulk(ctx context.Context, id int64, hold func(context.Context, *store.Tx) error) error {
	job, err := d.store.Read().Job(ctx, id)
	if err != nil || job.State != store.JobRunning {
		return err
	}
	var p bulkParams
	if err := json.Unmarshal([]byte(job.Params), &p); err != nil {
		return fmt.Errorf("bulk job %d: %w", id, err)
	}
	agent, err := d.store.Read().Agent(ctx, job.AgentID)
	if err != nil {
		return err
	}
	if err := d.findAssignee(ctx, &p); err != nil {
		return err
	}
	for at := job.Done + job.Skipped; at < len(p.Numbers); at++ {
		if err := ctx.Err(); err != nil {
			return err
		}
		n := p.Numbers[at]
		err := d.bulkOne(ctx, agent, id, p, n, hold)
		if err != nil && job.Tries >= bulkTries && ctx.Err() == nil && postroom.CodeOf(err) != postroom.Unavailable {
			d.log.Error("a bulk job goes on without a conversation that fails", "job", id, "conversation", n, "error", err)
			words := postroom.TextOf(err)
			err = d.store.Write(ctx, func(tx *store.Tx) error { return d.progress(ctx, tx, id, n, words, hold) })
		}
		if err != nil {
			return err
		}
	}
	return d.endBulk(ctx, id, p, hold)
}

func (d *Desk) bulkOne(ctx context.Context, a *postroom.Agent, job int64, p bulkParams, n int64, hold func(context.Context, *store.Tx) error) error {
	ids, err := d.store.NewIDs(ctx, turnIDs)
	if err != nil {
		return err
	}
	actor := postroom.Actor{Kind: postroom.ByAgent, ID: a.ID}
	return d.store.Write(ctx, func(tx *store.Tx) error {
		words := ""
		c, err := tx.ConversationByNumber(ctx, n)
		if err == nil {
			c, err = tx.Conversation(ctx, c.ID)
		}
		switch {
		case postroom.CodeOf(err) == postroom.NotFound:
			words = "There is no such conversation."
		case err != nil:
			return err
		case !postroom.Can(a, postroom.Answer, c.MailboxID):
			words = "There is no such conversation."
		case p.assignee != nil && !postroom.Can(p.assignee, postroom.Answer, c.MailboxID):
			words = p.assignee.Name + " may not see this mailbox."
		default:
			out, err := d.In(ctx, tx, actor, Cause{Path: postroom.PathBulk, JobID: job}, c, ids, func(t *Turn) error {
				t.Tags(p.Add, p.Remove)
				if p.Assignee != nil {
					t.Assign(*p.Assignee)
				}
				if p.Status != "" {
					t.Status(p.Status)
				}
				return nil
			})
			if err != nil {
				return err
			}
			if !out.Changed {
				words = "It was so already."
			}
		}
		return d.progress(ctx, tx, job, n, words, hold)
	})
}

// progress writes how far a job has come, with the change it made.
func (d *Desk) progress(ctx context.Context, tx *store.Tx, id, n int64, words string, hold func(context.Context, *store.Tx) error) error {
	if err := hold(ctx, tx); err != nil {
		return err
	}
	job, err := tx.Job(ctx, id)
	if err != nil {
		return err
	}
	if words == "" {
		job.Done++
	} else {
		job.Skipped++
		if len(job.Report) < 200 {
			job.Report = append(job.Report, store.JobLine{Number: n, Words: words})
		}
	}
	tx.OnCommit(func() { d.publish(Change{Kind: "job", AgentID: job.AgentID, JobID: id}) })
	return tx.UpdateJob(ctx, job)
}

func (d *Desk) endBulk(ctx context.Context, id int64, p bulkParams, hold func(context.Context, *store.Tx) error) error {
	return d.store.Write(ctx, func(tx *store.Tx) error {
		if err := hold(ctx, tx); err != nil {
			return err
		}
		job, err := tx.Job(ctx, id)
		if err != nil {
			return err
		}
		now := d.store.Now()
		job.State, job.EndedAt, job.FinalAt = store.JobDone, now, now+p.UndoMS
		if err := tx.FinalizeJob(ctx, id, job.FinalAt); err != nil {
			return err
		}
		tx.OnCommit(func() {
			d.wake(WakeJudge)
			d.publish(Change{Kind: "job", AgentID: job.AgentID, JobID: id})
		})
		return tx.UpdateJob(ctx, job)
	})
}

// bulkUndoMS is how long the acts of a bulk change are kept from becoming final
// while it is taken back, and how long that can be resumed, in milliseconds.
const bulkUndoMS = 10 * 60 * 1000

// UndoBulk takes a whole bulk change back, conversation by conversation; what
// changed since is skipped and listed in the job's report. One that was stopped
// in the middle goes on where it was when it is called again.
func (d *Desk) UndoBulk(ctx context.Context, a *postroom.Agent, id int64) error {
	// First push the end of the window away, so that no worker overtakes us.
	err := d.store.Write(ctx, func(tx *store.Tx) error {
		job, err := tx.Job(ctx, id)
		if err != nil {
			return err
		}
		now := d.store.Now()
		switch {
		case job.AgentID != a.ID:
			return postroom.Errorf(postroom.Forbidden, "Only the agent who did it can undo it.")
		case job.State == store.JobRunning:
			return postroom.Errorf(postroom.Conflict, "It still runs; it can be undone when it has ended.")
		case job.Undone():
			return postroom.Errorf(postroom.Conflict, "This was undone already.")
		case now > job.FinalAt+undoGrace:
			return postroom.Errorf(postroom.Conflict, "Too late to undo: the undo window is over.")
		}
		if job.UndoneAt == 0 {
			job.UndoneAt, job.Report = now, nil
		}
		job.FinalAt = now + bulkUndoMS
		if err := tx.FinalizeJob(ctx, id, job.FinalAt); err != nil {
			return err
		}
		return tx.UpdateJob(ctx, job)
	})
	if err != nil {
		return err
	}
	ctx = context.WithoutCancel(ctx) // whoever asked for it may be gone: it is not left half undone
	if err := d.undoActs(ctx, a, id); err != nil {
		return err
	}
	return d.store.Write(ctx, func(tx *store.Tx) error {
		job, err := tx.Job(ctx, id)
		if err != nil {
			return err
		}
		job.FinalAt, job.Words = d.store.Now(), fmt.Sprintf("Undone, but for %d.", len(job.Report))
		if len(job.Report) == 0 {
			job.Words = "Undone."
		}
		tx.OnCommit(func() { d.publish(Change{Kind: "job", AgentID: a.ID, JobID: id}) })
		return tx.UpdateJob(ctx, job)
	})
}

// undoActs undoes the acts of a job that are not undone yet, and writes down
// what it left of them before it goes on to the next ones.
func (d *Desk) undoActs(ctx context.Context, a *postroom.Agent, job int64) error {
	for after := int64(0); ; {
		acts, err := d.store.Read().JobActs(ctx, job, after, 100)
		if err != nil || len(acts) == 0 {
			return err
		}
		var left []store.JobLine
		for _, act := range acts {
			after = act.ConversationID
			if act.UndoneAt > 0 {
				continue
			}
			lines, failed := d.undoOne(ctx, a, act)
			if left = append(left, lines...); failed != nil {
				err = failed
				break
			}
		}
		if err := errors.Join(err, d.reportUndo(ctx, job, left)); err != nil {
			return err
		}
	}
}

// undoOne undoes one act of a job and says what was left of it.
func (d *Desk) undoOne(ctx context.Context, a *postroom.Agent, act store.Act) ([]store.JobLine, error) {
	out, err := d.Undo(ctx, a, act.ID)
	switch postroom.CodeOf(err) {
	case "":
		var lines []store.JobLine
		for _, words := range out.Kept {
			lines = append(lines, store.JobLine{ConversationID: act.ConversationID, Number: out.Number, Words: words})
		}
		return lines, nil
	case postroom.Conflict, postroom.Forbidden, postroom.NotFound:
		if again, err := d.store.Read().Act(ctx, act.ID); err == nil && again.UndoneAt > 0 {
			return nil, nil // pressed twice: the other one undid it
		}
		return []store.JobLine{{ConversationID: act.ConversationID, Words: postroom.TextOf(err)}}, nil
	}
	return nil, err
}

// reportUndo adds to what the undoing of a job left, each line once.
func (d *Desk) reportUndo(ctx context.Context, id int64, lines []store.JobLine) error {
	if len(lines) == 0 {
		return nil
	}
	return d.store.Write(ctx, func(tx *store.Tx) error {
		job, err := tx.Job(ctx, id)
		if err != nil {
			return err
		}
		for _, l := range lines {
			if !slices.Contains(job.Report, l) {
				job.Report = append(job.Report, l)
			}
		}
		return tx.UpdateJob(ctx, job)
	})
}
