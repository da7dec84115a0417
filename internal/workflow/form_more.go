package workflow

import (
	"strconv"
	"strings"
)

// Chosen agents of an assignment stand in the field "agents", how one of them is
// chosen in "by"; with "by" empty the field "agent" counts. A text in a further
// language stands in "texts.de"; the field "texts.add" with a tag adds one.

// more writes the fields of an action that form.go does not.
func (a Action) more(at string, set func(string, ...string)) {
	if a.By != "" {
		set(at+".by", string(a.By))
	}
	set(at+".agents", decimals(a.Agents)...)
	if a.Team != nil {
		set(at+".team", strconv.FormatInt(*a.Team, 10))
	}
	if a.Assignee {
		set(at+".assignee", "1")
	}
	if len(a.To) > 0 {
		set(at+".to", strings.Join(a.To, "\n"))
	}
	if a.Subject != "" {
		set(at+".subject", a.Subject)
	}
	set(at+".unfollow", decimals(a.Unfollow)...)
	if a.Workflow != 0 {
		set(at+".workflow", strconv.FormatInt(a.Workflow, 10))
	}
	if a.Do == DoWait || a.Do == DoSnooze {
		a.waitFields(at, set)
	}
	a.snoozeFields(at, set)
	if a.Field != "" {
		set(at+".field", a.Field)
	}
	if a.Value != "" {
		set(at+".value", a.Value)
	}
	if a.Mailbox != 0 {
		set(at+".mailbox", strconv.FormatInt(a.Mailbox, 10))
	}
	a.callFields(at, set)
	for language, text := range a.Texts {
		set(at+".texts."+language, text)
	}
}

// assign reads whom an action assigns to.
func (r *fieldReader) assign(at string, a *Action) {
	if a.By = AssignBy(r.fields.first(at + ".by")); a.By != "" {
		a.Agents = r.ids(at + ".agents")
		r.team(at, a, true)
		return
	}
	if ids := r.ids(at + ".agent"); len(ids) > 0 {
		a.Agent = &ids[0]
	}
}

// team reads the team of an action; in some of them 0 is no choice.
func (r *fieldReader) team(at string, a *Action, some bool) {
	if ids := r.ids(at + ".team"); len(ids) > 0 && (ids[0] != 0 || !some) {
		a.Team = &ids[0]
	}
}

// more reads an action of a kind that form.go does not.
func (r *fieldReader) more(at string, a *Action) {
	f := r.fields
	switch a.Do {
	case DoWebhook:
		r.call(at, a)
	case DoSubject:
		a.Subject = oneLine(f.first(at + ".subject"))
	case DoMove:
		if ids := r.ids(at + ".mailbox"); len(ids) > 0 {
			a.Mailbox = ids[0]
		}
	case DoTeam:
		r.team(at, a, false)
	case DoFollow:
		a.Agents, a.Unfollow = r.ids(at+".agents"), r.ids(at+".unfollow")
	case DoField:
		a.Field, a.Value = strings.TrimSpace(f.first(at+".field")), oneLine(f.first(at+".value"))
		if was := f[at+".was"]; was != nil && first(was) != a.Field {
			a.Value = "" // it belongs to the former field
		}
	case DoRun:
		if ids := r.ids(at + ".workflow"); len(ids) > 0 {
			a.Workflow = ids[0]
		}
	case DoWait:
		r.wait(at, a)
	case DoSnooze:
		r.snooze(at, a)
	case DoMail:
		r.team(at, a, true)
		a.Agents, a.Assignee, a.Subject = r.ids(at+".agents"), f.first(at+".assignee") != "", oneLine(f.first(at+".subject"))
		a.Text, a.HTML = lines(f.first(at+".text")), lines(f.first(at+".html"))
		a.To = readAddresses(f[at+".to"])
	case DoForward:
		a.Text, a.To = lines(f.first(at+".text")), readAddresses(f[at+".to"])
	}
}

func oneLine(s string) string { return strings.Join(strings.Fields(s), " ") }

// readAddresses reads addresses, one a line or with commas between them.
func readAddresses(values []string) []string {
	var out []string
	for _, v := range values {
		for _, one := range strings.FieldsFunc(v, func(r rune) bool { return r == ',' || r == ';' || r == '\n' || r == '\r' }) {
			out = append(out, strings.TrimSpace(one))
		}
	}
	return filled(out)
}

// texts reads the texts of a reply in further languages. A language whose text
// is empty goes, unless it was added just now.
func (r *fieldReader) texts(at string, a *Action) {
	put := func(language, text string) {
		if a.Texts == nil {
			a.Texts = map[string]string{}
		}
		a.Texts[language] = text
	}
	for name, values := range r.fields {
		language, ok := strings.CutPrefix(name, at+".texts.")
		if !ok || language == "add" || len(a.Texts) > MaxTexts {
			continue
		}
		if text := lines(first(values)); text != "" {
			put(strings.ToLower(language), text)
		}
	}
	if add := strings.ToLower(strings.TrimSpace(r.fields.first(at + ".texts.add"))); add != "" && a.Texts[add] == "" {
		put(add, a.Text+a.HTML) // to begin the translation from
	}
}

// inUnit says a number of minutes in its largest whole unit.
func inUnit(n int) (int, string) {
	for _, u := range []struct {
		minutes int
		unit    string
	}{{7 * 24 * 60, "w"}, {24 * 60, "d"}, {60, "h"}} {
		if n%u.minutes == 0 {
			return n / u.minutes, u.unit
		}
	}
	return n, "m"
}

// minutes reads a number with its unit.
func (r *fieldReader) minutes(name, unit string, most int) int {
	n := r.number(name, most)
	u := map[string]int{"": 1, "m": 1, "h": 60, "d": 24 * 60, "w": 7 * 24 * 60}[r.fields.first(unit)]
	if u == 0 {
		r.fault(name, "Choose minutes, hours, days or weeks.")
	}
	return n * u
}

// moreFields writes the limits that are numbers of runs and mails.
func (l Limits) moreFields(f Fields) {
	if l.Runs != 0 {
		f["limits.runs"] = []string{strconv.Itoa(l.Runs)}
	}
	if l.Period != 0 {
		n, unit := inUnit(l.Period)
		f["limits.period"], f["limits.period_unit"] = []string{strconv.Itoa(n)}, []string{unit}
	}
	if l.MailBudget != 0 {
		f["limits.mail_budget"] = []string{strconv.Itoa(l.MailBudget)}
	}
}
