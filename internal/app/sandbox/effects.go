package sandbox

import (
	"context"
	"slices"
	"strings"

	"postroom"
	"postroom/internal/flowfile"
	"postroom/internal/query"
	"postroom/internal/store"
	"postroom/internal/workflow"
)

// effectsShown is how much of what happened one page holds, of events and of
// mails each.
const effectsShown = 300

// Effects reads what happened while the clock went on.
func (p play) Effects(ctx context.Context, n int) (*query.EffectsPage, error) {
	p.h.mu.Lock()
	i := slices.IndexFunc(p.h.skips, func(x skip) bool { return x.N == n })
	var x skip
	if i >= 0 {
		x = p.h.skips[i]
	}
	p.h.mu.Unlock()
	if i < 0 {
		return nil, postroom.Errorf(postroom.NotFound, "This was too long ago; the conversations still tell what happened.")
	}
	read := p.h.rooms.Store.Read()
	events, err := read.Happened(ctx, x.From, x.To, effectsShown)
	if err != nil {
		return nil, err
	}
	mails, err := read.HappenedMails(ctx, x.From, x.To, effectsShown)
	if err != nil {
		return nil, err
	}
	names, err := read.Names(ctx)
	if err != nil {
		return nil, err
	}
	out := &query.EffectsPage{Skip: shownSkip(x), Cut: len(events) == effectsShown || len(mails) == effectsShown}
	e := effects{names: names}
	for _, h := range events {
		if l, ok := e.event(h); ok {
			out.Lines = append(out.Lines, l)
		}
		switch h.Kind {
		case postroom.TimerDue:
			out.Timers++
		case postroom.StatusChanged:
			out.Statuses++
		}
	}
	for _, m := range mails {
		if m.State == postroom.MailDone {
			out.Mails++
		}
		out.Lines = append(out.Lines, mailLine(m))
	}
	slices.SortStableFunc(out.Lines, func(a, b query.EffectLine) int { return int(a.At - b.At) })
	return out, nil
}

// effects puts what happened into words.
type effects struct{ names map[string]map[int64]string }

// event is a line for an event, false for one that another line says.
func (e effects) event(h store.HappenedEvent) (query.EffectLine, bool) {
	l := query.EffectLine{At: h.At, Number: h.Number, Subject: h.Subject, Undone: h.State == postroom.EventUndone, Icon: "flow"}
	switch h.Kind {
	case postroom.MailAccepted, postroom.MailFailed, postroom.MailAssumedSent:
		return l, false // the mail has its own line
	case postroom.TimerDue:
		l.Icon = "clock"
		l.Words = "The time came for “" + e.name("workflow", h.Payload.WorkflowID) + "”."
		return l, true
	case postroom.StatusChanged:
		l.Icon = "closed"
	case postroom.MessageReceived, postroom.ConversationCreated:
		l.Icon = "in"
	case postroom.ReplySent, postroom.MailWritten:
		l.Icon = "send"
	case postroom.AssigneeChanged:
		l.Icon = "person"
	case postroom.TeamChanged:
		l.Icon = "people"
	case postroom.TagsChanged:
		l.Icon = "tag"
	case postroom.WorkflowFailed, postroom.WorkflowPaused, postroom.ChainStopped, postroom.MailQuarantined, postroom.MailUncertain:
		l.Icon, l.Bad = "warning", true
	}
	l.Words = workflow.EventWords(&h.Event, func(kind workflow.Ref, id int64) string { return e.names[string(kind)][id] })
	if h.Actor.Kind == postroom.ByWorkflow {
		l.Words = strings.Replace(l.Words, "by a workflow", "by “"+e.name("workflow", h.Actor.ID)+"”", 1)
	}
	if h.Payload.Words != "" {
		l.Words += ": " + h.Payload.Words
	}
	l.Words = strings.TrimSuffix(l.Words, ".") + "."
	return l, true
}

func (e effects) name(kind string, id int64) string {
	if n := e.names[kind][id]; n != "" {
		return n
	}
	return "a workflow that is gone"
}

// mailLine is a line for what became of a mail.
func mailLine(m store.HappenedMail) query.EffectLine {
	l := query.EffectLine{At: m.At, Icon: "mail", Number: m.Number, Subject: m.About, To: m.To, Mail: m.ID, HTML: true, Words: "“" + m.Subject + "” went out"}
	if m.State != postroom.MailDone {
		l.Bad, l.Icon = true, "warning"
		l.Words = "“" + m.Subject + "” did not arrive (" + m.Words + ")"
	}
	return l
}

// Take makes the published version of a workflow the draft on the desk.
func (p play) Take(ctx context.Context, by *postroom.Agent, id int64, anyway bool) (int64, error) {
	w, err := p.h.rooms.Store.Read().Workflow(ctx, id)
	if err != nil {
		return 0, err
	}
	text, err := p.h.closed.Workflows().ExportFiles(ctx, by, []string{w.Key})
	if err != nil {
		return 0, err
	}
	return p.h.ground.Workflows.TakeDraft(ctx, by, flowfile.Source{Name: "sandbox", Text: text}, anyway)
}
