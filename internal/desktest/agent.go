package desktest

import (
	"strings"

	"postroom"
	"postroom/internal/desk"
	"postroom/internal/query"
)

// Agent does what an agent does. Each method fails the test on an error; the
// ones that begin with Try return it.
type Agent struct {
	*postroom.Agent
	d *Desk
}

// Publish sends as composed.
func (a *Agent) Publish(p desk.Publish) desk.Outcome {
	a.d.T.Helper()
	out, err := a.d.Desk.Publish(a.d.Ctx, a.Agent, p)
	a.d.must(err)
	return out
}

func html(text string) string { return "<p>" + strings.ReplaceAll(text, "\n", "<br>") + "</p>" }

// SendAndClose writes a reply and presses Send & Close.
func (a *Agent) SendAndClose(c *postroom.Conversation, text string) desk.Outcome {
	a.d.T.Helper()
	return a.Publish(desk.Publish{ConversationID: c.ID, Kind: postroom.Reply, HTML: html(text), Status: postroom.Closed, Path: postroom.PathSend})
}

// Reply writes a reply and presses Send.
func (a *Agent) Reply(c *postroom.Conversation, text string) desk.Outcome {
	a.d.T.Helper()
	return a.Publish(desk.Publish{ConversationID: c.ID, Kind: postroom.Reply, HTML: html(text), Path: postroom.PathComposer})
}

// ReplyWithStatus chooses a status beside Send and then sends.
func (a *Agent) ReplyWithStatus(c *postroom.Conversation, text string, s postroom.Status) desk.Outcome {
	a.d.T.Helper()
	return a.Publish(desk.Publish{ConversationID: c.ID, Kind: postroom.Reply, HTML: html(text), Status: s, Path: postroom.PathComposer})
}

// AddNote adds an internal note.
func (a *Agent) AddNote(c *postroom.Conversation, text string) desk.Outcome {
	a.d.T.Helper()
	return a.Publish(desk.Publish{ConversationID: c.ID, Kind: postroom.Note, HTML: html(text), Path: postroom.PathComposer})
}

// SetStatus changes the status by a path.
func (a *Agent) SetStatus(c *postroom.Conversation, s postroom.Status, path postroom.Path) desk.Outcome {
	a.d.T.Helper()
	out, err := a.d.Desk.SetStatus(a.d.Ctx, a.Agent, c.ID, s, path)
	a.d.must(err)
	return out
}

// Assign gives the conversation to an agent.
func (a *Agent) Assign(c *postroom.Conversation, to int64) desk.Outcome {
	a.d.T.Helper()
	out, err := a.d.Desk.Assign(a.d.Ctx, a.Agent, c.ID, to, postroom.PathMenu)
	a.d.must(err)
	return out
}

// Undo takes an act back.
func (a *Agent) Undo(out desk.Outcome) desk.Undone {
	a.d.T.Helper()
	u, err := a.d.Desk.Undo(a.d.Ctx, a.Agent, out.ActID)
	a.d.must(err)
	return u
}

// TryUndo takes an act back, or says why not.
func (a *Agent) TryUndo(out desk.Outcome) error {
	_, err := a.d.Desk.Undo(a.d.Ctx, a.Agent, out.ActID)
	return err
}

// Bulk changes many conversations and waits for the job.
func (a *Agent) Bulk(b desk.Bulk) int64 {
	a.d.T.Helper()
	job, err := a.d.Desk.StartBulk(a.d.Ctx, a.Agent, b)
	a.d.must(err)
	a.d.Settle()
	return job
}

// Start runs a workflow by hand.
func (a *Agent) Start(c *postroom.Conversation, id int64, path postroom.Path) desk.Outcome {
	a.d.T.Helper()
	w, err := a.d.Pages().Startable(a.d.Ctx, a.Agent, id)
	a.d.must(err)
	out, err := a.d.Desk.Start(a.d.Ctx, a.Agent, c.ID, w, path)
	a.d.must(err)
	return out
}

// Pages reads what the pages show.
func (d *Desk) Pages() *query.Desk {
	return query.New(query.Options{Store: d.Store, Blobs: d.Blobs})
}
