package store

import (
	"context"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"
)

// LogEntry is a line of the system log.
type LogEntry struct {
	ID      int64
	At      int64
	Level   string // LevelInfo, LevelWarning or LevelError
	Area    string // what it is about: "sign-in", "agents", "mailboxes" …
	AgentID int64  // who did it; 0: the program, or the command line
	Words   string
	Details string // what else is known, a line each
}

// The levels of the system log.
const (
	LevelInfo    = "info"
	LevelWarning = "warning"
	LevelError   = "error"
)

// The areas of the system log.
const (
	AreaSignIn    = "sign-in"
	AreaAgents    = "agents"
	AreaMailboxes = "mailboxes"
	AreaWorkflows = "workflows"
	AreaAlarms    = "alarms"
	AreaProgram   = "program"
)

// Bounds of an entry, in bytes: words may quote a server.
const (
	maxLogWords   = 2000
	maxLogDetails = 8000
)

const (
	logColumns   = `id, at, level, area, agent_id, words, details`
	qAddLog      = `insert into log_entry (` + logColumns + `) values ($1,$2,$3,$4,$5,$6,$7)`
	qForgetLog   = `delete from log_entry where at < $1`
	qLogTroubles = `select count(*) from log_entry where level <> 'info' and at > $1`
)

// Log adds a line to the system log, in the transaction of what it tells, so
// that what was changed is told and nothing else. It may be repeated with the
// transaction.
func (t *Tx) Log(ctx context.Context, e LogEntry) (err error) {
	if e.ID, err = t.store.NewID(ctx); err != nil {
		return err
	}
	e.At = t.store.Now()
	if e.Level == "" {
		e.Level = LevelInfo
	}
	_, err = t.exec(ctx, qAddLog, e.ID, e.At, e.Level, e.Area, e.AgentID, clipped(e.Words, maxLogWords), clipped(e.Details, maxLogDetails))
	return err
}

// clipped makes a text fit for a row: valid, without NUL, and not too long.
func clipped(s string, limit int) string {
	s = strings.ReplaceAll(strings.ToValidUTF8(s, "\uFFFD"), "\x00", "")
	if len(s) <= limit {
		return s
	}
	s = s[:limit-len("…")]
	for len(s) > 0 && !utf8.ValidString(s) {
		s = s[:len(s)-1]
	}
	return s + "…"
}

// ForgetLog removes what is older than a time.
func (t *Tx) ForgetLog(ctx context.Context, before int64) error {
	_, err := t.exec(ctx, qForgetLog, before)
	return err
}

// LogAsk says which lines of the system log to list.
type LogAsk struct {
	Level string // "": all; LevelWarning: warnings and errors
	Area  string
	Agent int64
	Text  string // in the words or the details, of the latest 20,000 lines
	From  *MailKey
	Back  bool
	Limit int
}

// LogEntries lists lines of the system log, the latest first.
func (r Read) LogEntries(ctx context.Context, ask LogAsk) ([]LogEntry, error) {
	from, args := `from log_entry l where 1 = 1`, []any(nil)
	if ask.Text != "" {
		from = `from (select * from log_entry order by at desc, id desc limit 20000) l where 1 = 1`
	}
	switch ask.Level {
	case "":
	case LevelWarning:
		from += ` and l.level <> 'info'`
	default:
		from, args = from+` and l.level = ?`, append(args, ask.Level)
	}
	if ask.Area != "" {
		from, args = from+` and l.area = ?`, append(args, ask.Area)
	}
	if ask.Agent != 0 {
		from, args = from+` and l.agent_id = ?`, append(args, ask.Agent)
	}
	if ask.Text != "" {
		text := "%" + likeEscape(strings.ToLower(ask.Text)) + "%"
		from, args = from+` and (lower(l.words) like ? escape '!' or lower(l.details) like ? escape '!')`, append(args, text, text)
	}
	direction, sign := " desc", " < "
	if ask.Back {
		direction, sign = " asc", " > "
	}
	if ask.From != nil {
		from, args = from+` and (l.at, l.id)`+sign+`(?, ?)`, append(args, ask.From.At, ask.From.ID)
	}
	query := `select ` + logColumns + ` ` + from + ` order by l.at` + direction + `, l.id` + direction + ` limit ` + strconv.Itoa(ask.Limit)
	var out []LogEntry
	err := each(ctx, r.q, numbered(query), args, func(rows row) error {
		var e LogEntry
		err := rows.Scan(&e.ID, &e.At, &e.Level, &e.Area, &e.AgentID, &e.Words, &e.Details)
		out = append(out, e)
		return err
	})
	if ask.Back {
		slices.Reverse(out)
	}
	return out, err
}

// LogTroubles counts the warnings and errors since a time.
func (r Read) LogTroubles(ctx context.Context, since int64) (n int, err error) {
	err = r.q.QueryRow(ctx, qLogTroubles, since).Scan(&n)
	return n, err
}
