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
	Team       *int64 // 0 is none; nil leaves it
	AddTags    []string
	RemoveTags []string
	Move       int64 // a mailbox; 0 leaves them where they are
	Delete     bool
	Restore    bool
	Snooze     int64               // let them sleep until then, in milliseconds; 0 leaves them
	Wake       bool                // end their sleep
	Field      *BulkField          // a field to set; nil for none
	Run        *postroom.Startable // a workflow to run on each; nil for none
	Merge      int64               // merge them into the conversation with this number; 0 merges nothing

	MergeOldest bool // merge them into the one of them with the lowest number
}

// MaxBulk is how many conversations one bulk change may name.
const MaxBulk = 10_000

// bulkParams is a bulk job's row: names resolved, and where it is.
type bulkParams struct {
	Numbers  []int64             `json:"numbers"`
	Status   postroom.Status     `json:"status,omitempty"`
	Assignee *int64              `json:"assignee,omitempty"`
	Team     *int64              `json:"team,omitempty"`
	Add      []int64             `json:"add,omitempty"`
	Remove   []int64             `json:"remove,omitempty"`
	Move     int64               `json:"move,omitempty"`
	Delete   bool                `json:"delete,omitempty"`
	Restore  bool                `json:"restore,omitempty"`
	Snooze   int64               `json:"snooze,omitempty"`
	Wake     bool                `json:"wake,omitempty"`
	Field    *BulkField          `json:"field,omitempty"`
	Run      *postroom.Startable `json:"run,omitempty"`
	Merge    int64               `json:"merge,omitempty"`
	UndoMS   int64               `json:"undo_ms"`

	assignee *postroom.Agent // nil: nobody, or it is left
}

// StartBulk makes a job that changes each conversation in a transaction of its
// own; its events become final together, when the job has ended and its undo
// window is over (W2, W19).
func (d *Desk) StartBulk(ctx context.Context, a *postroom.Agent, b Bulk) (int64, error) {
	numbers := slices.Clone(b.Numbers)
	slices.Sort(numbers)
	numbers = slices.Compact(numbers)
	if b.MergeOldest && len(numbers) > 0 {
		b.Merge = numbers[0]
	}
	if b.Merge != 0 {
		numbers = slices.DeleteFunc(numbers, func(n int64) bool { return n == b.Merge })
	}
	switch {
	case len(numbers) == 0 && b.Merge != 0:
		return 0, postroom.InvalidField("conversations", "Select at least two conversations to merge, or another one to merge it into.")
	case len(numbers) == 0:
		return 0, postroom.InvalidField("conversations", "Select at least one conversation.")
	case len(numbers) > MaxBulk:
		return 0, postroom.InvalidField("conversations", "At most %d conversations can be changed at once.", MaxBulk)
	case b.Status == "" && b.Assignee == nil && b.Team == nil && len(b.AddTags)+len(b.RemoveTags) == 0 && b.Move == 0 && !b.Delete && !b.Restore && b.Snooze == 0 && !b.Wake && b.Field == nil && b.Run == nil && b.Merge == 0:
		return 0, postroom.InvalidField("", "Say what to change.")
	}
	if b.Status != "" {
		if _, err := postroom.ParseStatus(string(b.Status)); err != nil {
			return 0, err
		}
	}
	p := bulkParams{Numbers: numbers, Status: b.Status, Assignee: b.Assignee, Team: b.Team, Move: b.Move, Delete: b.Delete, Restore: b.Restore, Snooze: b.Snooze, Wake: b.Wake, Field: b.Field, Run: b.Run, Merge: b.Merge, UndoMS: postroom.DefaultUndoMS}
	if b.Move != 0 {
		if err := d.checkMailbox(ctx, a, b.Move); err != nil {
			return 0, err
		}
	}
	if b.Team != nil && *b.Team != 0 {
		if x, err := d.store.Read().Team(ctx, *b.Team); postroom.CodeOf(err) == postroom.NotFound {
			return 0, postroom.InvalidField("team", "There is no such team.")
		} else if err != nil {
			return 0, err
		} else if x.Off() {
			return 0, postroom.InvalidField("team", "The team %s is switched off.", x.Name)
		}
	}
	if b.Merge != 0 {
		if err := d.checkMergeInto(ctx, a, b.Merge); err != nil {
			return 0, err
		}
	}
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
	job := store.Job{ID: id, Kind: store.JobBulk, AgentID: a.ID, State: store.JobRunning, Params: string(params), Total: len(numbers), CreatedAt: d.store.Now()}
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
	switch {
	case job.Kind == store.JobErase:
		return d.runErase(ctx, job, hold)
	case job.Undoing():
		return d.runBulkUndo(ctx, job, hold)
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
		one := d.bulkOne
		if p.Merge != 0 {
			one = d.bulkMerge
		}
		err := one(ctx, agent, id, p, n, hold)
		if err != nil && job.Tries >= bulkTries && ctx.Err() == nil && postroom.CodeOf(err) != postroom.Unavailable {
			d.log.Error("a bulk job goes on without a conversation that fails", "job", id, "conversation", n, "error", err)
			words := postroom.TextOf(err)
			err = d.store.Write(ctx, func(tx *store.Tx) error { return d.progress(ctx, tx, id, n, words, hold) })
		}
		if err != nil {
			return unlessStopped(err)
		}
	}
	return unlessStopped(d.endBulk(ctx, id, p, hold))
}

// errStopped says that somebody has stopped the job.
var errStopped = errors.New("the job was stopped")

// unlessStopped lets the work on a job end without a fault when somebody has
// stopped it: the one who did has seen to its end.
func unlessStopped(err error) error {
	if errors.Is(err, errStopped) {
		return nil
	}
	return err
}

// running loads a job that this worker holds; errStopped if it was stopped.
func running(ctx context.Context, tx *store.Tx, id int64, hold func(context.Context, *store.Tx) error) (store.Job, error) {
	if err := hold(ctx, tx); err != nil {
		return store.Job{}, err
	}
	job, err := tx.Job(ctx, id)
	if err == nil && job.State != store.JobRunning {
		err = errStopped
	}
	return job, err
}

func (d *Desk) bulkOne(ctx context.Context, a *postroom.Agent, job int64, p bulkParams, n int64, hold func(context.Context, *store.Tx) error) error {
	ids, err := d.store.NewIDs(ctx, turnIDs)
	if err != nil {
		return err
	}
	actor := postroom.Actor{Kind: postroom.ByAgent, ID: a.ID}
	return d.store.Write(ctx, func(tx *store.Tx) error {
		words, teamless := "", ""
		c, err := tx.ConversationByNumber(ctx, n)
		if err == nil {
			c, err = tx.Conversation(ctx, c.ID)
		}
		if err == nil && p.Team != nil && *p.Team != 0 && *p.Team != c.TeamID {
			teamless, err = Teamless(ctx, tx.Read, *p.Team, c.MailboxID)
		}
		switch {
		case postroom.CodeOf(err) == postroom.NotFound:
			words = "There is no such conversation."
		case err != nil:
			return err
		case !postroom.CanOn(a, postroom.Answer, c.MailboxID, c.AssigneeID):
			words = "There is no such conversation."
		case p.assignee != nil && !postroom.CanOn(p.assignee, postroom.Answer, c.MailboxID, p.assignee.ID):
			words = p.assignee.Name + " may not answer in this mailbox."
		case teamless != "":
			words = teamless
		case p.Move != 0 && !postroom.CanOn(a, postroom.Answer, p.Move, a.ID): // taken away since the job began
			words = "You may not answer in the mailbox they were to be moved to."
		case c.MergedInto != 0:
			words = "It was merged into another one."
		case c.DeletedAt > 0 && !p.Restore && !p.Delete:
			words = "It is deleted."
		case p.Run != nil && !p.Run.For(c.MailboxID):
			words = "The workflow is for another mailbox."
		case p.Field != nil && !p.Field.For(c.MailboxID):
			words = "The field is for another mailbox."
		case p.Snooze != 0 && (c.Status == postroom.Closed || c.Status == postroom.Spam):
			words = "It is " + string(c.Status) + ", and does not sleep."
		case p.Snooze != 0 && p.Snooze <= d.store.Now():
			words = "The time until which it was to sleep has passed."
		default:
			out, err := d.In(ctx, tx, actor, Cause{Path: postroom.PathBulk, JobID: job}, c, ids, func(t *Turn) error {
				if p.Restore {
					t.Restore()
				}
				t.Tags(p.Add, p.Remove)
				if p.Assignee != nil {
					t.Assign(*p.Assignee)
				}
				if p.Field != nil {
					if _, err := t.Field(p.Field.Path, p.Field.Value); err != nil {
						return err
					}
				}
				if p.Team != nil {
					t.Team(*p.Team)
				}
				if p.Status != "" {
					t.Status(p.Status)
				}
				if p.Wake {
					t.Wake()
				}
				if p.Snooze != 0 {
					if _, err := t.Snooze(p.Snooze, a.ID); err != nil {
						return err
					}
				}
				if p.Move != 0 {
					if _, err := t.Move(p.Move); err != nil {
						return err
					}
				}
				if p.Run != nil {
					if err := t.Start(*p.Run); err != nil {
						return err
					}
				}
				if p.Delete {
					if _, err := t.Delete(); err != nil {
						return err
					}
				}
				return nil
			})
			if p.Run != nil && postroom.CodeOf(err) == postroom.Conflict {
				words, err = postroom.TextOf(err), nil // it was switched off since
				break
			}
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
	job, err := running(ctx, tx, id, hold)
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
		job, err := running(ctx, tx, id, hold)
		if err != nil {
			return err
		}
		return d.finishBulk(ctx, tx, job, store.JobDone, p)
	})
}

// finishBulk ends a bulk job, done or failed: all its events become final together, when its
// undo window is over.
func (d *Desk) finishBulk(ctx context.Context, tx *store.Tx, job store.Job, state string, p bulkParams) error {
	now := d.store.Now()
	job.State, job.EndedAt, job.FinalAt = state, now, now+p.UndoMS
	if err := tx.FinalizeJob(ctx, job.ID, job.FinalAt); err != nil {
		return err
	}
	tx.OnCommit(func() {
		d.wake(WakeJudge)
		d.publish(Change{Kind: "job", AgentID: job.AgentID, JobID: job.ID})
	})
	return tx.UpdateJob(ctx, job)
}

// FailBulk ends a bulk job, or the undoing of one, that cannot go on, and says
// why. What it has done stays done; that becomes final as it would at an end,
// so that no mail waits for it for ever, and may be undone as long.
func (d *Desk) FailBulk(ctx context.Context, id int64, words string, hold func(context.Context, *store.Tx) error) error {
	return unlessStopped(d.store.Write(ctx, func(tx *store.Tx) error {
		job, err := running(ctx, tx, id, hold)
		if err != nil {
			return err
		}
		p := bulkParams{UndoMS: postroom.DefaultUndoMS}
		if err := json.Unmarshal([]byte(job.Params), &p); err != nil || job.Undoing() || job.Kind == store.JobBacktest {
			p.UndoMS = 0
		}
		job.Words = words
		return d.finishBulk(ctx, tx, job, store.JobFailed, p)
	}))
}

// CancelJob stops a job that runs: what it has done stays done, and can be
// undone like a whole one, and the rest is left as it is. Agents stop their
// own jobs, admins everybody's. One that has ended, or that is being undone,
// is postroom.Conflict.
func (d *Desk) CancelJob(ctx context.Context, a *postroom.Agent, id int64) error {
	return d.store.Write(ctx, func(tx *store.Tx) error {
		job, err := tx.Job(ctx, id)
		if err != nil {
			return err
		}
		switch {
		case job.AgentID != a.ID && !postroom.Can(a, postroom.Manage, 0):
			return postroom.Errorf(postroom.NotFound, "There is no such job.")
		case job.Undoing():
			return postroom.Errorf(postroom.Conflict, "It is being undone, which cannot be stopped.")
		case job.State != store.JobRunning:
			return postroom.Errorf(postroom.Conflict, "It has ended already.")
		}
		var p bulkParams
		if err := json.Unmarshal([]byte(job.Params), &p); err != nil {
			return fmt.Errorf("job %d: %w", id, err)
		}
		if job.Kind != store.JobBulk {
			p.UndoMS = 0
		}
		job.Words = fmt.Sprintf("Stopped after %d of %d.", job.Done+job.Skipped, job.Total)
		return d.finishBulk(ctx, tx, job, store.JobDone, p)
	})
}
