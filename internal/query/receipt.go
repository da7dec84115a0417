package query

import (
	"context"
	"strings"

	"postroom"
	"postroom/internal/store"
	"postroom/internal/workflow"
)

// lastClose is the close that still holds: nil when the conversation is not
// closed, or was never by an event we know.
func (v *conversationView) lastClose() *store.EventRow {
	if v.head.Status != postroom.Closed {
		return nil
	}
	for i := len(v.rows.Events) - 1; i >= 0; i-- {
		e := &v.rows.Events[i]
		if e.Kind == postroom.StatusChanged && e.Payload.To == string(postroom.Closed) && e.State != postroom.EventUndone {
			return e
		}
	}
	return nil
}

// pathNames say how an act was made.
var pathNames = map[postroom.Path]string{
	postroom.PathMenu: "by the menu", postroom.PathSend: "Send & Close", postroom.PathComposer: "with a reply", postroom.PathKeyboard: "by keyboard",
	postroom.PathBulk: "with others", postroom.PathMail: "by mail", postroom.PathCommand: "by mail", postroom.PathWorkflow: "by a workflow", postroom.PathSystem: "by Postroom",
	postroom.PathImport: "by an import", postroom.PathMerge: "by merging",
}

// receipt is the one line that answers what a close led to (W32).
func (d *Desk) receipt(ctx context.Context, v *conversationView) (*Receipt, error) {
	closing := v.lastClose()
	if closing == nil {
		return nil, nil
	}
	who := "Closed by " + v.actor(closing.Actor)
	if closing.Actor.Kind == postroom.ByAgent {
		who += ", " + pathNames[closing.Path]
	}
	r := &Receipt{Parts: []ReceiptPart{{Text: who, At: closing.At, State: "ok", Event: closing.ID}}}
	r.Parts = append(r.Parts, v.replyParts(closing)...)
	notices := v.noticeParts(closing)
	if len(notices) == 0 && closing.Path == postroom.PathMerge {
		notices = []ReceiptPart{{Text: "no notice, since it goes on in #" + decimal(v.head.Into), State: "ok", Event: closing.ID}}
	} else if len(notices) == 0 {
		why, err := d.noNotice(ctx, v, closing)
		if err != nil {
			return nil, err
		}
		notices = []ReceiptPart{why}
	}
	r.Parts = append(r.Parts, notices...)
	for _, p := range r.Parts {
		r.Bad = r.Bad || p.State == "bad"
	}
	return r, nil
}

// replyParts are the mails of the reply that was sent in the same act.
func (v *conversationView) replyParts(closing *store.EventRow) []ReceiptPart {
	var out []ReceiptPart
	for _, e := range v.rows.Events {
		if e.ActID != closing.ActID || e.Kind != postroom.ReplySent {
			continue
		}
		before := len(out)
		for _, m := range v.rows.Mails {
			if m.EventID == e.ID {
				out = append(out, v.mailPart("reply", m))
			}
		}
		if len(out) == before {
			out = append(out, ReceiptPart{Text: "the reply was not mailed", State: "bad", Event: e.ID})
		}
	}
	return out
}

// noticeParts are the mails that workflows made because of the close.
func (v *conversationView) noticeParts(closing *store.EventRow) []ReceiptPart {
	caused := map[int64]bool{closing.ID: true}
	for _, e := range v.rows.Events { // in order, so that causes come before what they caused
		if caused[e.Cause] {
			caused[e.ID] = true
		}
	}
	var out []ReceiptPart
	for _, m := range v.rows.Mails {
		if m.RunID > 0 && caused[m.EventID] && m.EventID != closing.ID || m.RunID > 0 && m.EventID == closing.ID {
			out = append(out, v.mailPart("notice", m))
		}
	}
	return out
}

// mailPart says where a mail stands: "reply accepted by mx.example".
func (v *conversationView) mailPart(what string, m store.MailRow) ReceiptPart {
	p := ReceiptPart{Mail: m.ID, At: changedAt(m), State: "ok"}
	why := because(m.Words)
	switch m.State {
	case postroom.MailDone:
		p.Text = what + " accepted"
		if h := host(m.Server); h != "" {
			p.Text += " by " + h
		}
		if some := mixed(m.State, v.rows.Recipients[m.ID]); some != "" {
			p.Text, p.State = p.Text+" ("+some+")", "bad"
		}
		for _, x := range v.rows.Returns[m.ID] {
			if x.Kind == postroom.Bounced {
				p.Text, p.State, p.At = what+" came back: "+strings.TrimSuffix(x.Words, "."), "bad", x.At
				break
			}
		}
	case postroom.MailHeld:
		p.Text, p.State, p.At = what+" waits", "waiting", m.DueAt
		if m.DueAt > v.now {
			p.Text = what + " is held until the undo window ends"
		} else if b, ok := v.before(m); ok && b.Same && b.State == postroom.MailKept {
			p.Text, p.State = what+" waits: the mail before it is held back"+because(b.Words), "bad"
		} else if what == "notice" {
			p.Text = "notice waits for the reply"
		}
	case postroom.MailQueued:
		p.Text, p.State, p.At = what+" is queued", "waiting", m.DueAt
	case postroom.MailSending:
		p.Text, p.State = what+" is being sent", "waiting"
	case postroom.MailDeferred:
		p.Text, p.State = what+" delayed"+why, "bad"
	case postroom.MailUnsure:
		p.Text, p.State = what+" uncertain: the server may have it or not", "bad"
	case postroom.MailAssumed:
		p.Text, p.State = what+" assumed sent: the server never answered", "bad"
	case postroom.MailKept:
		p.Text, p.State = what+" quarantined"+why, "bad"
	case postroom.MailRefused:
		p.Text, p.State = what+" failed"+why, "bad"
	case postroom.MailUndone:
		p.Text, p.State = what+" cancelled"+why, "bad"
	case postroom.MailBlocked:
		p.Text, p.State = what+" suppressed"+why, "bad"
	case postroom.MailSkip:
		p.Text, p.State = what+" skipped"+why, "none"
	}
	return p
}

// because puts a reason behind what it is the reason of.
func because(words string) string {
	if words == "" {
		return ""
	}
	return ": " + strings.TrimSuffix(words, ".")
}

// noNotice says why a close led to no notice.
func (d *Desk) noNotice(ctx context.Context, v *conversationView, closing *store.EventRow) (ReceiptPart, error) {
	p := ReceiptPart{State: "none", Event: closing.ID}
	switch closing.State {
	case postroom.EventPending:
		p.State = "waiting"
		p.Text = "workflows look at it when the undo window ends"
		p.At = closing.FinalAt
		if closing.FinalAt <= v.now {
			p.Text, p.At = "workflows are about to look at it", 0
			if closing.Words != "" {
				p.Text, p.State = "workflows could not be run yet: "+closing.Words, "bad"
			}
		}
		return p, nil
	case postroom.EventNotJudged:
		if closing.Words == "imported" {
			p.Text = "no notice: imported conversations are not judged"
		} else {
			p.Text, p.State = "no notice: workflows could not be run: "+closing.Words, "bad"
		}
		return p, nil
	}
	results, err := workflow.ParseVector(closing.Verdicts)
	if err != nil {
		return p, err
	}
	keys := make([]versionKey, 0, len(results))
	for _, r := range results {
		keys = append(keys, versionKey{r.WorkflowID, r.Number})
	}
	versions, err := d.versions(ctx, keys)
	if err != nil {
		return p, err
	}
	var reasons []string
	for _, r := range results {
		version := versions[versionKey{r.WorkflowID, r.Number}]
		if version == nil || !version.Mails() {
			continue
		}
		name := "“" + nameOr(v.workflows[r.WorkflowID].Name.Name, version.Name) + "”"
		for _, run := range v.rows.Runs {
			if run.EventID == closing.ID && run.WorkflowID == r.WorkflowID && run.Error != "" {
				p.State = "bad"
				reasons = append(reasons, name+" failed: "+run.Error)
			}
		}
		if !r.Verdict.Runs() {
			reasons = append(reasons, name+" "+verdictClause(r.Verdict))
		}
	}
	if len(reasons) == 0 {
		reasons = []string{"no workflow that mails the customer listens for it"}
	}
	p.Text = "no notice: " + strings.Join(reasons, "; ")
	return p, nil
}

// verdictClause says a verdict after a workflow's name.
func verdictClause(v workflow.Verdict) string {
	switch v {
	case workflow.Filtered:
		return "listens for another kind of close"
	case workflow.NotMet:
		return "did not match: its conditions are not met"
	case workflow.Undecided:
		return "did not match: a fact it asks for is missing"
	case workflow.Disabled:
		return "is switched off"
	case workflow.Paused:
		return "is paused"
	case workflow.OtherMailbox:
		return "belongs to another mailbox"
	case workflow.Stopped:
		return "was stopped by an earlier workflow"
	case workflow.ChainRan:
		return "had already run in this chain"
	case workflow.LimitUsed:
		return "has used its limit"
	case workflow.DepthExceeded:
		return "came too late in a chain of workflows"
	case workflow.RanAlready:
		return "had already run for this"
	case workflow.Armed:
		return "waits for its time"
	case workflow.NotArmed:
		return "does not begin to wait: the conversation is deleted or spam"
	}
	return "matched and sent nothing"
}
