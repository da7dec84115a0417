package query

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"postroom"
	"postroom/internal/store"
)

// LogAsk says which part of the system log is wanted.
type LogAsk struct{ Level, Area, Agent, Query, After, Before string }

// LogPage is GET /system/log.
type LogPage struct {
	Shell    Shell
	Level    string // "", "warning" (and worse) or "error"
	Area     string
	Agent    string
	Query    string
	Areas    []string
	Agents   []Choice
	Rows     []LogLine
	Troubles int // warnings and errors of the last month
	Next     string
	Previous string
}

// LogLine is one line of the system log.
type LogLine struct {
	ID      int64
	At      int64
	Level   string
	Area    string
	Who     string // "" where the program did it
	Words   string
	Details string
}

// logAreas are the areas of the page, as its menu lists them.
var logAreas = []string{store.AreaSignIn, store.AreaAgents, store.AreaMailboxes, store.AreaWorkflows, store.AreaAlarms, store.AreaProgram}

// SystemLog reads the system log; it is for admins.
func (d *Desk) SystemLog(ctx context.Context, a *postroom.Agent, q LogAsk, place Place) (*LogPage, error) {
	if err := mayManage(a); err != nil {
		return nil, err
	}
	if q.Area != "" && !slices.Contains(logAreas, q.Area) || !slices.Contains([]string{"", store.LevelInfo, store.LevelWarning, store.LevelError}, q.Level) {
		return nil, postroom.Errorf(postroom.NotFound, "The system log has no such part.")
	}
	shell, err := d.Shell(ctx, a, place)
	if err != nil {
		return nil, err
	}
	ask := store.LogAsk{Level: q.Level, Area: q.Area, Text: strings.TrimSpace(q.Query), Limit: PageSize + 1}
	ask.Agent, _ = strconv.ParseInt(q.Agent, 10, 64)
	if ask.From, ask.Back, err = mailCursor(q.After, q.Before); err != nil {
		return nil, err
	}
	rows, err := d.read().LogEntries(ctx, ask)
	if err != nil {
		return nil, fmt.Errorf("read the system log: %w", err)
	}
	names, err := d.read().Names(ctx)
	if err != nil {
		return nil, err
	}
	p := &LogPage{Shell: shell, Level: q.Level, Area: q.Area, Agent: q.Agent, Query: q.Query, Areas: logAreas}
	for id, name := range names["agent"] {
		p.Agents = append(p.Agents, Choice{Value: decimal(id), Text: name})
	}
	slices.SortFunc(p.Agents, func(x, y Choice) int { return strings.Compare(x.Text, y.Text) })
	more := len(rows) > PageSize
	if more && ask.Back {
		rows = rows[1:]
	} else if more {
		rows = rows[:PageSize]
	}
	for _, r := range rows {
		l := LogLine{ID: r.ID, At: r.At, Level: r.Level, Area: r.Area, Words: r.Words, Details: r.Details}
		if r.AgentID != 0 {
			l.Who = nameOr(names["agent"][r.AgentID], "an agent who is gone")
		}
		p.Rows = append(p.Rows, l)
	}
	if n := len(rows); n > 0 {
		if ask.Back || more {
			p.Next = cursor(rows[n-1].At, rows[n-1].ID)
		}
		if ask.Back && more || !ask.Back && ask.From != nil {
			p.Previous = cursor(rows[0].At, rows[0].ID)
		}
	}
	p.Troubles, err = d.read().LogTroubles(ctx, shell.Now-month)
	return p, err
}

// SystemMailPage is GET /system/mail, and its POST refused. The stored
// password is never shown; an empty field keeps it.
type SystemMailPage struct {
	Shell       Shell
	Host        string // "": alarms are not mailed
	Port        int
	Security    string
	Username    string
	PasswordSet bool
	Sender      string
	Recipients  string   // one a line; "": every admin
	Admins      []string // who that is
	Words       string   // what the last attempt came to
	TriedAt     int64
	Failed      bool // the last attempt
	Errors      FieldErrors
}

// SystemMail reads how the desk mails its alarms; it is for admins.
func (d *Desk) SystemMail(ctx context.Context, a *postroom.Agent, place Place) (*SystemMailPage, error) {
	if err := mayManage(a); err != nil {
		return nil, err
	}
	shell, err := d.Shell(ctx, a, place)
	if err != nil {
		return nil, err
	}
	p := &SystemMailPage{Shell: shell, Security: "starttls"}
	if p.Admins, err = d.read().AdminAddresses(ctx); err != nil {
		return nil, err
	}
	m, err := d.read().SystemMail(ctx)
	if err != nil || m == nil {
		return p, err
	}
	p.Host, p.Port, p.Security, p.Username, p.PasswordSet = m.Channel.Host, m.Channel.Port, m.Channel.Security, m.Channel.Username, m.Channel.Password != ""
	p.Sender, p.Recipients = m.Sender, strings.Join(m.Recipients, "\n")
	p.Words, p.TriedAt, p.Failed = m.Words, m.TriedAt, m.TriedAt > m.SentAt
	return p, nil
}
