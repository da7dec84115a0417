package store

import (
	"context"
	"slices"
	"strings"

	"postroom"
)

// VersionRow is a version of a workflow with what identifies the workflow.
type VersionRow struct {
	WorkflowVersion
	Key, Name string
	MailboxID int64
}

const versionColumns = `select v.workflow_id, v.number, v.definition, v.author_id, v.at, w.key, w.name, w.mailbox_id
	from workflow_version v join workflow w on w.id = v.workflow_id where `

// versionsAtOnce is how many versions one statement asks for: SQLite refuses a
// condition of a thousand parts.
const versionsAtOnce = 400

// SomeVersions loads versions by (workflow, number).
func (r Read) SomeVersions(ctx context.Context, keys [][2]int64) ([]VersionRow, error) {
	var out []VersionRow
	for some := range slices.Chunk(keys, versionsAtOnce) {
		var args []any
		for _, k := range some {
			args = append(args, k[0], k[1])
		}
		query := versionColumns + strings.TrimSuffix(strings.Repeat(`(v.workflow_id = ? and v.number = ?) or `, len(some)), " or ")
		err := each(ctx, r.q, numbered(query), args, func(rows row) error {
			var v VersionRow
			err := rows.Scan(&v.WorkflowID, &v.Number, &v.Definition, &v.AuthorID, &v.At, &v.Key, &v.Name, &v.MailboxID)
			out = append(out, v)
			return err
		})
		if err != nil {
			return nil, err
		}
	}
	return out, nil
}

// WhyRow is an event with its stored judgement.
type WhyRow struct {
	postroom.Event
	Verdicts, Inputs string
}

const qWhy = `select e.id, e.conversation_id, e.seq, e.kind, e.version, e.act_id, e.actor_kind, e.actor_id, e.path, e.cause_id, e.root_id, e.root_seq,
	e.depth, e.payload, e.facts, e.at, e.final_at, e.state, e.set_revision, e.words, e.verdicts, e.inputs
	from event e where e.conversation_id = $1 and (e.id = $3 or $3 = 0) and e.seq <= $4 order by e.seq desc limit $2`

// WhyEvents loads the latest events of a conversation with their judgements,
// the newest first; or one of them alone, whose id is not 0.
func (r Read) WhyEvents(ctx context.Context, conversation, event int64, limit int) ([]WhyRow, error) {
	return r.whyEvents(ctx, conversation, event, 1<<62, limit)
}

// WhyEventsTo is WhyEvents for those up to, and with, a sequence number.
func (r Read) WhyEventsTo(ctx context.Context, conversation, seq int64, limit int) ([]WhyRow, error) {
	return r.whyEvents(ctx, conversation, 0, seq, limit)
}

func (r Read) whyEvents(ctx context.Context, conversation, event, seq int64, limit int) ([]WhyRow, error) {
	var out []WhyRow
	err := each(ctx, r.q, qWhy, []any{conversation, limit, event, seq}, func(rows row) error {
		var w WhyRow
		e, err := scanEvent(also{rows, []any{&w.Verdicts, &w.Inputs}})
		w.Event = e
		out = append(out, w)
		return err
	})
	return out, err
}

// also scans further columns after those a scanner knows.
type also struct {
	row
	dest []any
}

func (a also) Scan(dest ...any) error { return a.row.Scan(append(dest, a.dest...)...) }

// WorkflowUse is how often a workflow matched lately, and who published its
// version.
type WorkflowUse struct {
	Runs        int
	PublishedAt int64
	Author      string // "" for a shipped version
	Definition  string
}

// WorkflowUses reads that for all workflows by id; runs are counted since a
// time.
func (r Read) WorkflowUses(ctx context.Context, since int64) (map[int64]WorkflowUse, error) {
	out := map[int64]WorkflowUse{}
	parts := []part{
		{kind: "version", n: []string{"w.id", "v.at"}, s: []string{"coalesce(a.name, '')", "v.definition"},
			from: `from workflow w join workflow_version v on v.workflow_id = w.id and v.number = w.version left join agent a on a.id = v.author_id`},
		{kind: "runs", n: []string{"workflow_id", "count(*)"}, from: `from run where at > ? and leg = 0 group by workflow_id`, args: []any{since}},
	}
	err := r.trip(ctx, parts, func(t tripRow) error {
		u := out[t.n[0]]
		if t.kind == "runs" {
			u.Runs = int(t.n[1])
		} else {
			u.PublishedAt, u.Author, u.Definition = t.n[1], t.s[0], t.s[1]
		}
		out[t.n[0]] = u
		return nil
	})
	return out, err
}

// Names reads the names of agents, teams, mailboxes, tags and workflows by kind and
// id, for putting ids into words.
func (r Read) Names(ctx context.Context) (map[string]map[int64]string, error) {
	out := map[string]map[int64]string{"agent": {}, "mailbox": {}, "tag": {}, "workflow": {}, "secret": {}, "team": {}}
	var parts []part
	for kind := range out {
		from := "from " + kind
		if kind == "secret" {
			from = "from webhook_secret"
		}
		parts = append(parts, part{kind: kind, n: []string{"id"}, s: []string{"name"}, from: from})
	}
	parts = append(parts, fieldPart())
	err := r.trip(ctx, parts, func(t tripRow) error {
		if t.kind == "field" {
			return nameField(out, t)
		}
		out[t.kind][t.n[0]] = t.s[0]
		return nil
	})
	return out, err
}
