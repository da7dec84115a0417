package desk

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"postroom"
	"postroom/internal/store"
)

// eraseParams is an erasing job's row: what was deleted until then, and where.
type eraseParams struct {
	Until     int64   `json:"until"`
	Mailboxes []int64 `json:"mailboxes"` // null is all
}

// EmptyTrash makes a job that erases what is deleted at this moment, for good,
// in one mailbox or, with 0, in all that the agent may manage. It cannot be
// undone. Nothing to erase is Conflict, no right to it Forbidden.
func (d *Desk) EmptyTrash(ctx context.Context, a *postroom.Agent, mailbox int64) (int64, error) {
	var may []int64
	boxes, err := d.store.Read().Mailboxes(ctx)
	if err != nil {
		return 0, err
	}
	for _, m := range boxes {
		if (mailbox == 0 || m.ID == mailbox) && postroom.Can(a, postroom.Manage, m.ID) {
			may = append(may, m.ID)
		}
	}
	if len(may) == 0 {
		return 0, postroom.Errorf(postroom.Forbidden, "You may not erase conversations here: that takes the right to manage the mailbox.")
	}
	id, err := d.startErase(ctx, a.ID, eraseParams{Until: d.store.Now(), Mailboxes: may})
	if err == nil && id == 0 {
		err = postroom.Errorf(postroom.Conflict, "Nothing is deleted here.")
	}
	return id, err
}

// EraseOld makes a job that erases what was deleted at a time or before; it
// returns 0 if there is nothing.
func (d *Desk) EraseOld(ctx context.Context, until int64) (int64, error) {
	return d.startErase(ctx, 0, eraseParams{Until: until})
}

func (d *Desk) startErase(ctx context.Context, agent int64, p eraseParams) (int64, error) {
	total, err := d.store.Read().CountDeleted(ctx, p.Until, p.Mailboxes)
	if err != nil || total == 0 {
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
	job := store.Job{ID: id, Kind: store.JobErase, AgentID: agent, State: store.JobRunning, Params: string(params), Total: total, CreatedAt: d.store.Now()}
	return id, d.store.Write(ctx, func(tx *store.Tx) error {
		tx.OnCommit(func() {
			d.wake(WakeBulk)
			d.publish(Change{Kind: "job", AgentID: agent, JobID: id})
		})
		return tx.InsertJob(ctx, job)
	})
}

// runErase does the work of an erasing job from where it was left: each
// conversation goes in a transaction of its own, atomic with the progress.
func (d *Desk) runErase(ctx context.Context, job store.Job, hold func(context.Context, *store.Tx) error) error {
	var p eraseParams
	if err := json.Unmarshal([]byte(job.Params), &p); err != nil {
		return fmt.Errorf("erasing job %d: %w", job.ID, err)
	}
	for after := job.UndoAfter; ; {
		next, err := d.store.Read().DeletedConversations(ctx, p.Until, after, p.Mailboxes, 100)
		if err != nil {
			return err
		}
		if len(next) == 0 {
			return unlessStopped(d.endErase(ctx, job.ID, hold))
		}
		// Before what tells whose addresses these are is gone.
		if err := d.scrub(ctx, next); err != nil {
			return err
		}
		for _, c := range next {
			if err := ctx.Err(); err != nil {
				return err
			}
			if err := d.eraseOne(ctx, job.ID, c, p, hold); err != nil {
				return unlessStopped(err)
			}
			after = c.ID
		}
	}
}

// scrub takes the addresses of people who are in no other conversation out of
// the system log and the alarms.
func (d *Desk) scrub(ctx context.Context, gone []store.DeletedConversation) error {
	boxes, err := d.store.Read().Mailboxes(ctx)
	if err != nil {
		return err
	}
	var all []string
	for _, c := range gone {
		some, err := d.store.Read().OnlyInDeleted(ctx, c.ID)
		if err != nil {
			return err
		}
		for _, a := range some {
			if !slices.Contains(all, a) && strings.Contains(a, "@") && d.MailboxFor(boxes, a) == nil {
				all = append(all, a)
			}
		}
	}
	return d.store.Scrub(ctx, all)
}

// eraseOne erases one conversation, unless it was restored meanwhile or a mail
// of it is still under way.
func (d *Desk) eraseOne(ctx context.Context, job int64, x store.DeletedConversation, p eraseParams, hold func(context.Context, *store.Tx) error) error {
	return d.store.Write(ctx, func(tx *store.Tx) error {
		words := ""
		c, err := tx.Conversation(ctx, x.ID)
		switch {
		case postroom.CodeOf(err) == postroom.NotFound:
			words = "It was erased already."
		case err != nil:
			return err
		case c.DeletedAt == 0 || c.DeletedAt > p.Until:
			words = "It was restored meanwhile."
		default:
			open, err := tx.OpenWork(ctx, c.ID)
			if err != nil {
				return err
			}
			if open > 0 {
				words = "A mail of it is still under way, or workflows have yet to look at it."
				break
			}
			if err := forgetTyped(ctx, tx, c.ID); err != nil {
				return err
			}
			if err := tx.EraseConversation(ctx, c, d.store.Now()); err != nil {
				return err
			}
			change := Change{Kind: "conversation", MailboxID: c.MailboxID, ConversationID: c.ID, Number: c.Number, Folders: []postroom.Folder{postroom.Deleted}}
			tx.OnCommit(func() { d.publish(change) })
			if err := tx.SaveCounts(ctx); err != nil {
				return err
			}
		}
		j, err := running(ctx, tx, job, hold)
		if err != nil {
			return err
		}
		j.UndoAfter = x.ID
		if words == "" {
			j.Done++
		} else {
			j.Skipped++
			if len(j.Report) < 200 {
				j.Report = append(j.Report, store.JobLine{ConversationID: x.ID, Number: x.Number, Words: words})
			}
		}
		tx.OnCommit(func() { d.publish(Change{Kind: "job", AgentID: j.AgentID, JobID: job}) })
		return tx.UpdateJob(ctx, j)
	})
}

func (d *Desk) endErase(ctx context.Context, id int64, hold func(context.Context, *store.Tx) error) error {
	return d.store.Write(ctx, func(tx *store.Tx) error {
		job, err := running(ctx, tx, id, hold)
		if err != nil {
			return err
		}
		now := d.store.Now()
		job.State, job.EndedAt, job.FinalAt = store.JobDone, now, now
		tx.OnCommit(func() { d.publish(Change{Kind: "job", AgentID: job.AgentID, JobID: id}) })
		return tx.UpdateJob(ctx, job)
	})
}

// youngBlob is how long a file that only erased conversations referred to is
// kept: somebody may have put the same file again and be about to refer to it.
const youngBlob = 24 * time.Hour

// SweepBlobs removes the files that erased conversations referred to, if
// nothing else does, a day after. It is for the night.
func (d *Desk) SweepBlobs(ctx context.Context) (removed int, err error) {
	for {
		until := d.store.Now() - youngBlob.Milliseconds()
		hashes, err := d.store.Read().ErasedBlobs(ctx, until, 500)
		if err != nil || len(hashes) == 0 {
			return removed, err
		}
		used, err := d.store.Read().Referred(ctx, hashes)
		if err != nil {
			return removed, err
		}
		kept := map[string]bool{"": true}
		for _, h := range used {
			kept[h] = true
		}
		var done, young []string
		for _, h := range hashes {
			gone := kept[h]
			if !gone {
				if gone, err = d.blobs.DeleteOld(h, youngBlob); err != nil {
					return removed, err
				}
				if gone {
					removed++
				}
			}
			if gone {
				done = append(done, h)
			} else {
				young = append(young, h)
			}
		}
		now := d.store.Now()
		err = d.store.Write(ctx, func(tx *store.Tx) error {
			for _, h := range done {
				if err := tx.ForgetErasedBlob(ctx, h); err != nil {
					return err
				}
			}
			for _, h := range young {
				if err := tx.PutOffErasedBlob(ctx, h, now); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			return removed, err
		}
	}
}
