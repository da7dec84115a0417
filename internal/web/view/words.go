package view

import (
	"slices"
	"strconv"
	"strings"
	"unicode"

	"postroom"
	"postroom/internal/locale"
	"postroom/internal/query"
)

// clockOf is the reader's clock of a page.
func clockOf(s query.Shell) locale.Clock { return locale.NewClock(s.Me.Zone, s.Now) }

func id64(n int64) string { return strconv.FormatInt(n, 10) }

// statusWord is how a status is called on a page.
func statusWord(status string) string {
	switch postroom.Status(status) {
	case postroom.Active:
		return "Active"
	case postroom.Pending:
		return "Pending"
	case postroom.Closed:
		return "Closed"
	case postroom.Spam:
		return "Spam"
	}
	return status
}

// statuses in the order menus show them, with the words for choosing them.
func statuses() []query.Choice {
	return []query.Choice{
		{Value: string(postroom.Active), Text: "Active"},
		{Value: string(postroom.Pending), Text: "Pending"},
		{Value: string(postroom.Closed), Text: "Closed"},
		{Value: string(postroom.Spam), Text: "Spam"},
	}
}

// folderWord is how a folder is called.
func folderWord(folder string) string {
	switch folder {
	case "unassigned":
		return "Unassigned"
	case "mine":
		return "Mine"
	case "assigned":
		return "Assigned"
	case "snoozed":
		return "Snoozed"
	case "drafts":
		return "Drafts"
	case "closed":
		return "Closed"
	case "spam":
		return "Spam"
	case "deleted":
		return "Deleted"
	}
	return folder
}

// sortWord is how an order of the list is called.
func sortWord(sort string) string {
	switch sort {
	case "waiting":
		return "Waiting longest"
	case "newest":
		return "Newest first"
	case "oldest":
		return "Oldest first"
	case "number":
		return "Number"
	case "wakes":
		return "Wakes next"
	}
	return sort
}

// stateWord is how a mail state is called.
func stateWord(state string) string {
	switch postroom.MailState(state) {
	case postroom.MailHeld:
		return "Held"
	case postroom.MailQueued:
		return "Queued"
	case postroom.MailSending:
		return "Sending"
	case postroom.MailDeferred:
		return "Deferred"
	case postroom.MailUnsure:
		return "Uncertain"
	case postroom.MailKept:
		return "Quarantined"
	case postroom.MailDone:
		return "Accepted"
	case postroom.MailRefused:
		return "Failed"
	case postroom.MailUndone:
		return "Cancelled"
	case postroom.MailBlocked:
		return "Suppressed"
	case postroom.MailSkip:
		return "Skipped"
	case postroom.MailAssumed:
		return "Assumed sent"
	}
	return state
}

// mailStates in the order filters show them.
func mailStates() []string {
	return []string{
		string(postroom.MailHeld), string(postroom.MailQueued), string(postroom.MailSending), string(postroom.MailDeferred),
		string(postroom.MailUnsure), string(postroom.MailKept), string(postroom.MailDone), string(postroom.MailRefused),
		string(postroom.MailUndone), string(postroom.MailBlocked), string(postroom.MailSkip), string(postroom.MailAssumed),
	}
}

// tone is the colour class of a mail state: good, wait, bad, warn or none.
func tone(state string) string {
	switch postroom.MailState(state) {
	case postroom.MailDone:
		return "good"
	case postroom.MailHeld, postroom.MailQueued, postroom.MailSending:
		return "wait"
	case postroom.MailDeferred, postroom.MailUnsure, postroom.MailKept, postroom.MailAssumed:
		return "warn"
	case postroom.MailRefused:
		return "bad"
	}
	return "none"
}

// stepTone turns the state of a step or a check into the same classes.
func stepTone(state string) string {
	switch state {
	case "ok", "done", "true", "matched":
		return "good"
	case "waiting", "held", "pending":
		return "wait"
	case "bad", "failed", "not_judged":
		return "bad"
	case "unknown", "overtaken", "skipped":
		return "warn"
	}
	return "none"
}

// chipWords says how a mail fares, in one line.
func chipWords(c locale.Clock, m query.MailChip) string {
	at := ""
	if m.At != 0 {
		at = " " + c.Exact(m.At)
	}
	words := ""
	if m.Words != "" {
		words = ": " + m.Words
	}
	switch postroom.MailState(m.State) {
	case postroom.MailHeld:
		if m.After && m.Words != "" {
			return m.Words
		}
		if m.After {
			return "Waits until the mail before it is accepted"
		}
		return "Can be undone"
	case postroom.MailQueued:
		if m.After && m.Words != "" {
			return m.Words
		}
		return "Queued"
	case postroom.MailSending:
		return "Sending…"
	case postroom.MailDeferred:
		if m.Until != 0 {
			return "Deferred, next try " + c.Moment(m.Until) + words
		}
		return "Deferred" + words
	case postroom.MailUnsure:
		return "Uncertain whether it arrived" + words
	case postroom.MailKept:
		return "Quarantined" + words
	case postroom.MailDone:
		if m.Bounced {
			return "Accepted, then returned" + words
		}
		if m.Complained {
			return "Accepted, then reported as unwanted"
		}
		if m.Server != "" {
			return "Accepted by " + m.Server + at
		}
		return "Accepted" + at
	case postroom.MailRefused:
		return "Failed" + at + words
	}
	return stateWord(m.State) + words
}

// pathWords says how an act was made, where that adds something.
func pathWords(path string) string {
	switch postroom.Path(path) {
	case postroom.PathSend:
		return "with Send & Close"
	case postroom.PathComposer:
		return "beside Send"
	case postroom.PathKeyboard:
		return "by keyboard"
	case postroom.PathBulk:
		return "in a selection"
	case postroom.PathMail, postroom.PathCommand:
		return "by mail"
	case postroom.PathUndo:
		return "by undo"
	case postroom.PathImport:
		return "in an import"
	case postroom.PathMerge:
		return "by merging"
	case postroom.PathMenu:
		return "from the menu"
	}
	return ""
}

// eventWords says what happened, after the actor's name.
func eventWords(e query.EventLine) string {
	if e.Words != "" {
		return e.Words
	}
	switch postroom.EventKind(e.Kind) {
	case postroom.ConversationCreated:
		return "began this conversation"
	case postroom.MessageReceived:
		return "wrote"
	case postroom.ReplySent:
		return "replied"
	case postroom.NoteAdded:
		return "added a note"
	case postroom.StatusChanged:
		return statusSentence(e.From, e.To)
	case postroom.AssigneeChanged:
		switch {
		case e.To == "":
			return "took it off " + orElse(e.From, "the assignee")
		case e.To == e.Actor:
			return "took it"
		}
		return "assigned it to " + e.To
	case postroom.TeamChanged:
		if e.To == "" {
			return "took it from " + orElse(e.From, "its team")
		}
		return "gave it to the team " + e.To
	case postroom.TagsChanged:
		switch {
		case e.From == "":
			return "tagged it " + e.To
		case e.To == "":
			return "removed the tag " + e.From
		}
		return "tagged it " + e.To + " and removed " + e.From
	case postroom.SubjectChanged:
		if e.To == "" {
			return "changed the subject"
		}
		return "changed the subject to “" + e.To + "”"
	case postroom.FieldChanged:
		switch {
		case e.From == "" && e.To == "":
			return "changed " + e.Field
		case e.From == "":
			return "set " + e.Field + " to “" + e.To + "”"
		case e.To == "":
			return "cleared " + e.Field + ", which was “" + e.From + "”"
		}
		return "changed " + e.Field + " from “" + e.From + "” to “" + e.To + "”"
	case postroom.ConversationOpened:
		return "opened it"
	case postroom.RatingReceived:
		return ratedSentence(e.From, e.To)
	case postroom.ConversationSnoozed:
		return "let it sleep"
	case postroom.ConversationWoken:
		return "woke it"
	case postroom.CustomerChanged:
		return "gave it from " + e.From + " to " + e.To
	case postroom.ConversationMoved:
		return "moved it from " + e.From + " to " + e.To
	case postroom.ConversationMerged:
		if e.Away {
			return "merged it into"
		}
		return "merged another conversation into it:"
	case postroom.ConversationDeleted:
		return "deleted it"
	case postroom.ConversationRestored:
		return "restored it"
	case postroom.SenderConfirmed:
		return "let a new sender take part"
	case postroom.WorkflowFailed:
		return "failed"
	case postroom.WorkflowPaused:
		return "paused itself"
	case postroom.WorkflowStarted:
		return "ran a workflow"
	case postroom.ScheduleDue:
		return "said that a workflow’s set time had come"
	case postroom.TimerDue:
		return "said that a workflow’s time had come"
	case postroom.ChainStopped:
		return "stopped a chain of workflows that had grown too long"
	}
	if strings.HasPrefix(e.Kind, "mail.") {
		return "mail: " + strings.ToLower(stateWord(strings.TrimPrefix(e.Kind, "mail.")))
	}
	return strings.ReplaceAll(e.Kind, ".", " ")
}

// statusSentence takes the statuses as values or as words.
func statusSentence(from, to string) string {
	switch strings.ToLower(to) {
	case "closed":
		return "closed it"
	case "spam":
		return "marked it as spam"
	case "active":
		if f := strings.ToLower(from); f == "closed" || f == "spam" {
			return "reopened it"
		}
		return "set it to active"
	}
	return "set it to " + strings.ToLower(to)
}

// className is how a machine class is called.
func className(class string) string {
	switch postroom.Class(class) {
	case postroom.DeliveryReport:
		return "Delivery report"
	case postroom.FeedbackReport:
		return "Complaint report"
	case postroom.AutoReply:
		return "Automatic reply"
	case postroom.AutoGenerated:
		return "Automatic mail"
	case postroom.List:
		return "Mailing list"
	}
	return "Written by a person"
}

func orElse(s, other string) string {
	if s == "" {
		return other
	}
	return s
}

// initials are one or two letters for an avatar.
func initials(name string) string {
	name, _, _ = strings.Cut(name, "@")
	words := strings.FieldsFunc(name, func(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsDigit(r) })
	switch len(words) {
	case 0:
		return "?"
	case 1:
		return upperFirst(words[0])
	}
	return upperFirst(words[0]) + upperFirst(words[len(words)-1])
}

func upperFirst(s string) string {
	for _, r := range s {
		return string(unicode.ToUpper(r))
	}
	return ""
}

// hue picks one of the twelve avatar colours, always the same for a name.
func hue(name string) string {
	var h uint32 = 2166136261
	for i := 0; i < len(name); i++ {
		h = (h ^ uint32(name[i])) * 16777619
	}
	return "hue-" + strconv.Itoa(int(h%12))
}

// waitClass colours how long somebody has waited: an hour, four, a day.
func waitClass(now, since int64) string {
	const hour = 3_600_000
	switch d := now - since; {
	case d < hour:
		return "wait-0"
	case d < 4*hour:
		return "wait-1"
	case d < 24*hour:
		return "wait-2"
	}
	return "wait-3"
}

// addresses joins addresses for reading: "Mara Lind, ops@site.example".
func addresses(all []query.Address) string {
	parts := make([]string, len(all))
	for i, a := range all {
		parts[i] = orElse(a.Name, a.Address)
	}
	return strings.Join(parts, ", ")
}

// addressField joins addresses for a form field, which a parser reads back.
func addressField(all []query.Address) string {
	parts := make([]string, len(all))
	for i, a := range all {
		parts[i] = fullAddress(a)
	}
	return strings.Join(parts, ", ")
}

func fullAddress(a query.Address) string {
	if a.Name == "" {
		return a.Address
	}
	if strings.ContainsAny(a.Name, `,;"<>()@:`) {
		return `"` + strings.NewReplacer(`"`, "'", `\`, "").Replace(a.Name) + `" <` + a.Address + ">"
	}
	return a.Name + " <" + a.Address + ">"
}

func lower(s string) string { return strings.ToLower(s) }

// zoneWord is a zone for reading: "America/New York".
func zoneWord(zone string) string { return strings.ReplaceAll(zone, "_", " ") }

func contains(all []string, s string) bool { return slices.Contains(all, s) }

// cut shortens a text to n characters.
func cut(s string, n int) string {
	count := 0
	for i := range s {
		if count == n {
			return s[:i] + "…"
		}
		count++
	}
	return s
}
