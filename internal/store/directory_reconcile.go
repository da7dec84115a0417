package store

import (
	"context"

	"postroom"
)

// FolderDrift is a folder counter that differed from what it counts.
type FolderDrift struct {
	MailboxID int64
	Folder    postroom.Folder
	AgentID   int64 // 0 but for the folder assigned
	Counted   int64 // what the counter said
	True      int64
}

const (
	qLockCounts = `select mailbox_id, folder, agent_id, n from folder_count order by mailbox_id, folder, agent_id`
	qTrueCounts = `select mailbox_id, folder, case when folder = $1 then assignee_id else 0 end, count(*) from conversation
		group by mailbox_id, folder, case when folder = $1 then assignee_id else 0 end order by 1, 2, 3`
	qTrueTeams = `select mailbox_id, team_id, count(*) from conversation where team_id > 0 and folder in ('unassigned', 'assigned')
		group by mailbox_id, team_id order by 1, 2`
)

// FolderDrifts compares the folder counters with what they count and returns
// those that differ; correct writes the true numbers. It reads every
// conversation's index entry: for the night.
func (t *Tx) FolderDrifts(ctx context.Context, correct bool) ([]FolderDrift, error) {
	type key struct {
		mailbox int64
		folder  postroom.Folder
		agent   int64
	}
	counted := map[key]int64{}
	read := func(query string, into map[key]int64, args ...any) error {
		return each(ctx, t.q, query, args, func(rows row) error {
			var k key
			var n int64
			err := rows.Scan(&k.mailbox, &k.folder, &k.agent, &n)
			into[k] = n
			return err
		})
	}
	// The locked counters keep others from committing changes to them while
	// the conversations are counted.
	if err := read(qLockCounts+t.forUpdate, counted); err != nil {
		return nil, err
	}
	actual := map[key]int64{}
	if err := read(qTrueCounts, actual, postroom.Assigned); err != nil {
		return nil, err
	}
	err := each(ctx, t.q, qTrueTeams, nil, func(rows row) error {
		var mailbox, team, n int64
		err := rows.Scan(&mailbox, &team, &n)
		actual[key{mailbox: mailbox, folder: postroom.FolderOfTeam(team)}] = n
		return err
	})
	if err != nil {
		return nil, err
	}
	var out []FolderDrift
	for k, n := range counted {
		if actual[k] != n {
			out = append(out, FolderDrift{MailboxID: k.mailbox, Folder: k.folder, AgentID: k.agent, Counted: n, True: actual[k]})
		}
	}
	for k, n := range actual {
		if _, ok := counted[k]; !ok {
			out = append(out, FolderDrift{MailboxID: k.mailbox, Folder: k.folder, AgentID: k.agent, True: n})
		}
	}
	if !correct {
		return out, nil
	}
	for _, d := range out {
		if _, err := t.exec(ctx, qCount, d.MailboxID, d.Folder, d.AgentID, d.True-d.Counted); err != nil {
			return nil, err
		}
	}
	return out, nil
}
