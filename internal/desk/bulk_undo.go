package desk

import (
	"context"
	"fmt"

	"postroom"
	"postroom/internal/store"
)

// UndoBulk has a whole bulk change taken back, conversation by conversation.
// It returns as soon as that is certain: the undoing is work of its own, with
// progress, which goes on by itself after a death of the program, and until it
// has ended nothing of the change becomes final. What changed since is skipped
// and listed in the job's report. Too late, twice, or somebody else's: Conflict
// or Forbidden, with the reason.
func (d *Desk) UndoBulk(ctx context.Context, a *postroom.Agent, id int64) error {
	return d.store.Write(ctx, func(tx *store.Tx) error {
		job, err := tx.Job(ctx, id)
		if err != nil {
			return err
		}
		now := d.store.Now()
		switch {
		case job.AgentID != a.ID:
			return postroom.Errorf(postroom.Forbidden, "Only the agent who did it can undo it.")
		case job.Kind != store.JobBulk:
			return postroom.Errorf(postroom.Conflict, "What was erased cannot be brought back.")
		case job.Undoing():
			return postroom.Errorf(postroom.Conflict, "This is being undone already.")
		case job.State == store.JobRunning:
			return postroom.Errorf(postroom.Conflict, "It still runs; it can be undone when it has ended.")
		case job.Undone():
			return postroom.Errorf(postroom.Conflict, "This was undone already.")
		case now > job.FinalAt+undoGrace:
			return postroom.Errorf(postroom.Conflict, "Too late to undo: the undo window is over.")
		}
		job.State, job.UndoneAt, job.UndoAfter, job.UndoLooked, job.Report, job.Words = store.JobRunning, now, 0, 0, nil, ""
		job.FinalAt = never // no worker overtakes the undoing
		if err := tx.FinalizeJob(ctx, id, job.FinalAt); err != nil {
			return err
		}
		if err := tx.ReopenJob(ctx, id, now); err != nil {
			return err
		}
		tx.OnCommit(func() {
			d.wake(WakeBulk)
			d.publish(Change{Kind: "job", AgentID: a.ID, JobID: id})
		})
		return tx.UpdateJob(ctx, job)
	})
}

// runBulkUndo takes back the acts of a job from where it was left. Each act's
// undo is atomic with the job's progress, so a crash repeats and loses nothing.
func (d *Desk) runBulkUndo(ctx context.Context, job store.Job, hold func(context.Context, *store.Tx) error) error {
	agent, err := d.store.Read().Agent(ctx, job.AgentID)
	if err != nil {
		return err
	}
	for after := job.UndoAfter; ; {
		acts, err := d.store.Read().JobActs(ctx, job.ID, after, 100)
		if err != nil {
			return err
		}
		if len(acts) == 0 {
			return d.endBulkUndo(ctx, job.ID, hold)
		}
		for _, act := range acts {
			if err := ctx.Err(); err != nil {
				return err
			}
			if err := d.undoOne(ctx, agent, act, job.Tries >= bulkTries, hold); err != nil {
				return err
			}
			after = act.ConversationID
		}
	}
}

// undoOne undoes one act of a job. What cannot be undone any more is left, with
// the reason in the report; so is, when the job is tired of it, what fails.
func (d *Desk) undoOne(ctx context.Context, a *postroom.Agent, act store.Act, tired bool, hold func(context.Context, *store.Tx) error) error {
	ids, err := d.store.NewIDs(ctx, 2+MaxFiles)
	if err != nil {
		return err
	}
	err = d.store.Write(ctx, func(tx *store.Tx) error {
		out, err := d.undoIn(ctx, tx, a, act.ID, ids)
		if err != nil {
			return err
		}
		var left []store.JobLine
		for _, words := range out.Kept {
			left = append(left, store.JobLine{ConversationID: act.ConversationID, Number: out.Number, Words: words})
		}
		return d.undoProgress(ctx, tx, act, left, hold)
	})
	words := postroom.TextOf(err)
	switch postroom.CodeOf(err) {
	case "":
		return nil
	case postroom.Conflict, postroom.Forbidden, postroom.NotFound:
	case postroom.Unavailable:
		return err
	default:
		if !tired || ctx.Err() != nil {
			return err
		}
		d.log.Error("a bulk undo goes on without an act that fails", "job", act.JobID, "act", act.ID, "error", err)
	}
	line := store.JobLine{ConversationID: act.ConversationID, Words: words}
	if c, err := d.store.Read().Conversation(ctx, act.ConversationID); err == nil {
		line.Number = c.Number
	}
	return d.store.Write(ctx, func(tx *store.Tx) error {
		var left []store.JobLine
		if again, err := tx.Act(ctx, act.ID); err != nil || again.UndoneAt == 0 {
			left = append(left, line)
		}
		return d.undoProgress(ctx, tx, act, left, hold)
	})
}

// undoProgress writes how far an undo has come, with what it did.
func (d *Desk) undoProgress(ctx context.Context, tx *store.Tx, act store.Act, left []store.JobLine, hold func(context.Context, *store.Tx) error) error {
	job, err := running(ctx, tx, act.JobID, hold)
	if err != nil {
		return err
	}
	job.UndoAfter, job.UndoLooked = act.ConversationID, job.UndoLooked+1
	job.Report = append(job.Report, left...)
	tx.OnCommit(func() { d.publish(Change{Kind: "job", AgentID: job.AgentID, JobID: job.ID}) })
	return tx.UpdateJob(ctx, job)
}

// endBulkUndo ends an undo; what it has left becomes final now.
func (d *Desk) endBulkUndo(ctx context.Context, id int64, hold func(context.Context, *store.Tx) error) error {
	return d.store.Write(ctx, func(tx *store.Tx) error {
		job, err := running(ctx, tx, id, hold)
		if err != nil {
			return err
		}
		job.State, job.FinalAt, job.Words = store.JobDone, d.store.Now(), fmt.Sprintf("Undone, but for %d.", len(job.Report))
		if len(job.Report) == 0 {
			job.Words = "Undone."
		}
		if err := tx.FinalizeJob(ctx, id, job.FinalAt); err != nil {
			return err
		}
		tx.OnCommit(func() {
			d.wake(WakeJudge)
			d.wake(WakeDeliver)
			d.publish(Change{Kind: "job", AgentID: job.AgentID, JobID: id})
		})
		return tx.UpdateJob(ctx, job)
	})
}
