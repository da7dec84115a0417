package query

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"postroom"
	"postroom/internal/store"
)

// Shell reads the frame around a page: one statement.
func (d *Desk) Shell(ctx context.Context, a *postroom.Agent, place Place) (Shell, error) {
	now := d.store.Now()
	rows, err := d.read().Shell(ctx, a.ID, visible(a), now)
	if err != nil {
		return Shell{}, fmt.Errorf("read the frame: %w", err)
	}
	s := Shell{
		Me:  Me{ID: a.ID, Name: a.Name, Address: a.Email, Admin: a.Role == postroom.Admin, Writes: postroom.CanSomewhere(a, postroom.DraftWorkflows), Zone: a.Zone, Theme: nameOr(a.Theme, "system"), Density: "comfortable"},
		Now: now, Demo: d.o.Demo, Version: d.o.Version, Place: place, Unread: rows.Unread,
	}
	if s.Me.Admin {
		s.Alarms = rows.Alarms
	}
	for _, m := range rows.Mailboxes {
		s.Mailboxes = append(s.Mailboxes, MailboxFolders{ID: m.ID, Name: m.Name, Address: m.Address, Paused: m.PausedAt > 0, Counts: countsOf(rows, m.ID)})
	}
	for _, m := range s.Mailboxes {
		s.All = s.All.plus(m.Counts)
	}
	s.teams = teamCounts(rows)
	for _, t := range rows.Teams {
		folder := string(postroom.FolderOfTeam(t.ID))
		s.Teams = append(s.Teams, TeamFolder{ID: t.ID, Name: t.Name, Folder: folder, Count: s.count(folder, 0)})
	}
	s.Undo, s.revision = undoable(rows, now), rows.Revision
	return s, nil
}

func countsOf(rows store.ShellRows, mailbox int64) FolderCounts {
	c := FolderCounts{Drafts: rows.Drafts[mailbox]}
	for _, f := range rows.Counts {
		if f.MailboxID != mailbox {
			continue
		}
		switch f.Folder {
		case postroom.Unassigned:
			c.Unassigned = f.N
		case postroom.Assigned:
			c.Assigned, c.Mine = f.N, f.Mine
		case postroom.Snoozed:
			c.Snoozed = f.N
		case postroom.ClosedFolder:
			c.Closed = f.N
		case postroom.SpamFolder:
			c.Spam = f.N
		case postroom.Deleted:
			c.Deleted = f.N
		}
	}
	return c
}

func (c FolderCounts) plus(o FolderCounts) FolderCounts {
	return FolderCounts{Unassigned: c.Unassigned + o.Unassigned, Mine: c.Mine + o.Mine, Assigned: c.Assigned + o.Assigned,
		Snoozed: c.Snoozed + o.Snoozed, Drafts: c.Drafts + o.Drafts, Closed: c.Closed + o.Closed, Spam: c.Spam + o.Spam, Deleted: c.Deleted + o.Deleted}
}

// undoable lists what the agent can still take back, the newest first.
func undoable(rows store.ShellRows, now int64) []Undo {
	var out []Undo
	for _, a := range rows.Acts {
		if len(a.Events) == 0 || a.Path == postroom.PathUndo {
			continue
		}
		u := Undo{Act: a.ID, Number: a.Number, Words: actWords(a.Events), Until: a.FinalAt}
		if m := a.Arrived; m != nil {
			u.Arrived = nameOr(m.Name, m.Address) + " wrote: " + postroom.Preview(m.Text)
		}
		out = append(out, u)
	}
	for _, j := range rows.Jobs {
		if j.State == store.JobDone && !j.Undone() && j.FinalAt > now && j.Done > 0 {
			out = append(out, Undo{Job: j.ID, Words: bulkWords(j) + " done", Until: j.FinalAt})
		}
	}
	slices.SortStableFunc(out, func(a, b Undo) int { return int(b.Until - a.Until) })
	return out[:min(len(out), 5)]
}

// actWords says what an act did: "Reply sent and closed".
func actWords(events []store.ActEvent) string {
	var words []string
	for _, e := range events {
		switch e.Kind {
		case postroom.ReplySent:
			words = append(words, "reply sent")
		case postroom.NoteAdded:
			words = append(words, "note added")
		case postroom.StatusChanged:
			words = append(words, statusDone(postroom.Status(e.Payload.To)))
		case postroom.AssigneeChanged:
			if e.Payload.To == "" {
				words = append(words, "unassigned")
			} else {
				words = append(words, "assigned")
			}
		case postroom.TeamChanged:
			if e.Payload.To == "" {
				words = append(words, "taken from its team")
			} else {
				words = append(words, "given to a team")
			}
		case postroom.TagsChanged:
			words = append(words, "tags changed")
		case postroom.SubjectChanged:
			words = append(words, "subject changed")
		case postroom.FieldChanged:
			words = append(words, "a field changed")
		case postroom.ConversationSnoozed:
			words = append(words, "snoozed")
		case postroom.ConversationWoken:
			words = append(words, "woken")
		case postroom.CustomerChanged:
			words = append(words, "given to another customer")
		case postroom.ConversationMoved:
			words = append(words, "moved")
		case postroom.ConversationMerged:
			words = append(words, fmt.Sprintf("#%d merged into it", e.Payload.Other))
		case postroom.ConversationDeleted:
			words = append(words, "deleted")
		case postroom.WorkflowStarted:
			words = append(words, "workflow “"+e.Payload.Words+"” will run")
		case postroom.ConversationRestored:
			words = append(words, "restored")
		}
	}
	if len(words) == 0 {
		return "Changed"
	}
	return capital(join(words))
}

func statusDone(s postroom.Status) string {
	switch s {
	case postroom.Closed:
		return "closed"
	case postroom.Pending:
		return "set to pending"
	case postroom.Spam:
		return "marked as spam"
	}
	return "reopened"
}

// join puts words into a sentence: "a, b and c".
func join(words []string) string {
	if len(words) < 2 {
		return strings.Join(words, "")
	}
	return strings.Join(words[:len(words)-1], ", ") + " and " + words[len(words)-1]
}

func capital(s string) string {
	if s == "" {
		return s
	}
	return strings.ToUpper(s[:1]) + s[1:]
}
