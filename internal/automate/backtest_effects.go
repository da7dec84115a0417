package automate

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"slices"

	"postroom"
	"postroom/internal/calendar"
	"postroom/internal/query"
	"postroom/internal/template"
	"postroom/internal/workflow"
)

// effects renders what one workflow would do: the one that is tried, or one that
// it runs, whose mails count for the limits like its own. What stands behind a
// wait is there if the wait would have come to its time.
func (b *backtest) effects(m *moment, v *workflow.Version, o template.Options, values workflow.Values, later []postroom.Event) error {
	wishes, err := workflow.Plan(v, o, values.Value, b.names)
	if err != nil {
		return err
	}
	legs, err := b.legs(m, v, later)
	if err != nil {
		return err
	}
	whose, by, byID := "", "", int64(0)
	if v.WorkflowID != b.p.Workflow {
		whose, by, byID = "“"+v.Name+"”: ", v.Name, v.WorkflowID
	}
	for leg, due := range legs {
		behind, at := "", int64(0)
		if leg > 0 {
			behind, at = "after the wait: ", due
		}
		for _, w := range v.OfLeg(leg, wishes) {
			detail := whose + behind + w.Detail
			m.effects = append(m.effects, detail)
			m.same[detail] = leg == 0 && same(w, m.event.After)
			for _, to := range b.recipients(w, values.Customer, values.Assignee) {
				text, html := w.Text, false
				if w.HTML != "" {
					text, html = w.HTML, true
				}
				m.mails = append(m.mails, query.BacktestMail{To: to, Subject: cmp.Or(w.Subject, "Re: "+m.subject), Text: text, HTML: html, By: by, ByID: byID, At: at})
				a := v.Definition.Then[w.Position]
				sum := sha256.Sum256([]byte(a.Text + a.HTML))
				m.chance.Mails = append(m.chance.Mails, workflow.ChanceMail{To: to, Text: hex.EncodeToString(sum[:8])})
			}
		}
	}
	return nil
}

// waiting reports whether anything waits between two actions.
func (b *backtest) waiting() bool {
	for _, en := range b.runs {
		if en.Version.Legs() > 1 {
			return true
		}
	}
	return b.v.Legs() > 1
}

// legs returns when the legs of a workflow would have been done, as far as it
// would have come to that, and notes what would have become of its waits.
func (b *backtest) legs(m *moment, v *workflow.Version, later []postroom.Event) ([]int64, error) {
	at := m.event.At
	out := []int64{at}
	for leg := 1; leg < v.Legs(); leg++ {
		var office *calendar.Calendar
		if v.LegCountsOffice(leg) {
			var err error
			if office, err = b.calendarOf(m.event.After.MailboxID); err != nil {
				return nil, err
			}
		}
		due, _ := v.LegDueAt(leg, at, office)
		ended := slices.ContainsFunc(later, func(x postroom.Event) bool {
			return x.Seq > m.event.Seq && x.At >= at && x.At < due && v.EndsLeg(leg, &x, b.names) != ""
		})
		switch {
		case ended:
			m.waits = append(m.waits, "waits between actions would have ended before their time")
			return out, nil
		case due > b.p.Until:
			m.waits = append(m.waits, "waits between actions would still wait")
			return out, nil
		}
		m.waits = append(m.waits, "waits between actions would have come to their time")
		at = due
		out = append(out, at)
	}
	return out, nil
}
