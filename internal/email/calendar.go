package email

import (
	"strings"
	"time"
)

// Invite is what a calendar part (RFC 5545, RFC 5546) says about one event,
// as far as an agent wants to know it.
type Invite struct {
	Method      string // REQUEST, CANCEL, REPLY ..., or ""
	UID         string
	Summary     string
	Location    string
	Organizer   string // address, or name when there is no address
	Start       string // as text: in UTC, or in the zone it names
	End         string
	Description string
}

// Text describes the invitation in a few lines.
func (i Invite) Text() string {
	var out strings.Builder
	kind := map[string]string{"REQUEST": "Invitation", "CANCEL": "Cancelled", "REPLY": "Answer to an invitation", "COUNTER": "Other time proposed"}[i.Method]
	if kind == "" {
		kind = "Calendar entry"
	}
	out.WriteString(kind + ": " + i.Summary + "\n")
	when := i.Start
	if i.End != "" && i.End != i.Start {
		when += " to " + i.End
	}
	for _, line := range [][2]string{{"When", when}, {"Where", i.Location}, {"Organizer", i.Organizer}} {
		if line[1] != "" {
			out.WriteString(line[0] + ": " + line[1] + "\n")
		}
	}
	if i.Description != "" {
		out.WriteString("\n" + i.Description + "\n")
	}
	return out.String()
}

// readInvites reads the events of a calendar, at most ten.
func readInvites(text string) []Invite {
	var list []Invite
	method := ""
	var event *Invite
	depth := 0 // components within the event, such as alarms
	for _, line := range calendarLines(text) {
		name, params, value := cutProperty(line)
		switch {
		case name == "METHOD":
			method = strings.ToUpper(value)
		case name == "BEGIN" && strings.EqualFold(value, "VEVENT") && event == nil:
			event = &Invite{}
		case name == "BEGIN" && event != nil:
			depth++
		case name == "END" && event != nil && depth > 0:
			depth--
		case name == "END" && event != nil:
			event.Method = method
			list = append(list, *event)
			event = nil
			if len(list) == 10 {
				return list
			}
		case event != nil && depth == 0:
			event.set(name, params, value)
		}
	}
	return list
}

func (i *Invite) set(name, params, value string) {
	switch name {
	case "SUMMARY":
		i.Summary = calendarText(value)
	case "LOCATION":
		i.Location = calendarText(value)
	case "DESCRIPTION":
		i.Description = calendarText(value)
	case "UID":
		i.UID = value
	case "DTSTART":
		i.Start = calendarTime(params, value)
	case "DTEND":
		i.End = calendarTime(params, value)
	case "ORGANIZER":
		i.Organizer = value
		if len(value) > 7 && strings.EqualFold(value[:7], "mailto:") {
			i.Organizer = value[7:]
		}
	}
}

// calendarLines unfolds (RFC 5545 3.1), at most 5,000 lines.
func calendarLines(text string) []string {
	var lines []string
	for line := range strings.SplitSeq(unixLines(text), "\n") {
		if len(lines) > 0 && (strings.HasPrefix(line, " ") || strings.HasPrefix(line, "\t")) {
			if last := &lines[len(lines)-1]; len(*last) < 10000 {
				*last += line[1:]
			}
			continue
		}
		if len(lines) == 5000 {
			break
		}
		lines = append(lines, line)
	}
	return lines
}

func cutProperty(line string) (name, params, value string) {
	quoted := false
	for i := 0; i < len(line); i++ {
		if line[i] == '"' {
			quoted = !quoted
		}
		if line[i] == ':' && !quoted {
			name, params, _ = strings.Cut(line[:i], ";")
			return strings.ToUpper(name), params, strings.TrimSpace(line[i+1:])
		}
	}
	return "", "", ""
}

func calendarText(s string) string {
	return strings.TrimSpace(strings.NewReplacer(`\n`, "\n", `\N`, "\n", `\,`, ",", `\;`, ";", `\\`, `\`).Replace(s))
}

func calendarTime(params, value string) string {
	zone := ""
	for p := range strings.SplitSeq(params, ";") {
		if k, v, ok := strings.Cut(p, "="); ok && strings.EqualFold(k, "TZID") {
			zone = " " + strings.Trim(v, `"`)
		}
	}
	if t, err := time.Parse("20060102T150405Z", value); err == nil {
		return t.Format("2006-01-02 15:04") + " UTC"
	}
	if t, err := time.Parse("20060102T150405", value); err == nil {
		return t.Format("2006-01-02 15:04") + zone
	}
	if t, err := time.Parse("20060102", value); err == nil {
		return t.Format("2006-01-02")
	}
	return value
}
