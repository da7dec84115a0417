package store

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"postroom"
	"postroom/internal/db"
)

// MaxForked is the most conversations that a fork of the desk holds (W39).
const MaxForked = 1000

// ForkAsk says which conversations go into a fork. Deleted ones never do.
type ForkAsk struct {
	// Latest is how many of those changed last are taken, at most MaxForked; of
	// one folder and one mailbox where those are named. Spam is taken only where
	// its folder is named.
	Latest  int
	Folder  postroom.Folder
	Mailbox int64
	// Numbers are taken besides.
	Numbers []int64
	// Change may change the values of a row before it is written; nil changes
	// nothing. It is made when the people of the chosen conversations are known.
	// own are the addresses of agents and mailboxes.
	Change func(people []ForkPerson, own []string) func(table string, columns []string, row []any)
	// Progress hears how many of how many steps are done; nil for nobody.
	Progress func(done, total int)
}

// ForkPerson is somebody who is no agent and stands in a chosen conversation.
type ForkPerson struct{ Name, Address string }

// Forked is what went into a fork.
type Forked struct {
	Conversations int
	Missing       []int64  // numbers asked for that no conversation has
	Blobs         []string // hashes of the files that its rows name
}

const (
	qForkLatest = `select id from conversation where deleted_at = 0 and merged_into = 0 and ($1 = '' and folder <> 'spam' or folder = $1) and ($2 = 0 or mailbox_id = $2) order by updated_at desc, id desc limit $3`
	forkNumbers = `select id, number from conversation where deleted_at = 0 and number in (%s)`
	forkMerged  = `select id from conversation where deleted_at = 0 and merged_into > 0 and merged_into in (%[1]s)
		union select merged_into from conversation where merged_into > 0 and id in (%[1]s)`
	forkColumns = `select name from pragma_table_info($1) order by cid`
	qForkNextID = `select next from id_block where name = 'id'`
	qForkLastNo = `select coalesce(max(number), 0) from conversation`
	forkOwn     = `select email from agent union select address from agent_address union select address from mailbox`
	forkAliases = `select aliases from mailbox`
	forkPeople  = `select name, address from participant where conversation_id in (%[1]s)
		union select from_name, from_address from message where kind = 'received' and conversation_id in (%[1]s)
		union select c.name, coalesce(a.address, '') from customer c left join customer_address a on a.customer_id = c.id where c.id in (select customer_id from conversation where id in (%[1]s))`

	qForkSetID    = `update id_block set next = $1 where name = 'id'`
	forkSetNumber = `update number_counter set value = $1 where name = 'conversation'`
	qForkTimers   = `update timer set claim_at = due_at where state = 'waiting'`
	qForkHeld     = `update message set inbound_id = 0 where inbound_id > 0 and inbound_id not in (select id from inbound)`
	qForkBlobs    = `select raw_sha256 from inbound union select sha256 from attachment union select sha256 from mail where sha256 <> ''`
	forkIDSpace   = 1_000_000 // ids that the desk may have handed out and not used
)

// forkChunk is how many conversations are named in one statement.
const forkChunk = 200

// Fork writes the configuration of the desk, and the conversations asked for,
// into an empty store on SQLite, all as it is at one moment. Secrets do not go
// (see ForkTables). What it writes it does not write at once: who is
// interrupted throws the other store away.
func (s *Store) Fork(ctx context.Context, to *Store, ask ForkAsk) (out Forked, err error) {
	defer postroom.Wrap(&err, "fork the desk")
	if to.db.Engine() != db.SQLite {
		return out, postroom.Errorf(postroom.Internal, "A fork is a SQLite file.")
	}
	err = s.db.Read(ctx, func(q db.Q) error {
		f := &forking{from: q, to: to, ask: ask}
		if err := f.choose(ctx); err != nil {
			return err
		}
		out.Conversations, out.Missing = len(f.ids), f.missing
		if err := f.people(ctx); err != nil {
			return err
		}
		if err := f.copy(ctx); err != nil {
			return err
		}
		return f.number(ctx)
	})
	if err != nil {
		return out, err
	}
	err = to.Write(ctx, func(t *Tx) error {
		if _, err := t.FolderDrifts(ctx, true); err != nil {
			return err
		}
		for _, query := range []string{qForkTimers, qForkHeld} {
			if _, err := t.exec(ctx, query); err != nil {
				return err
			}
		}
		return nil
	})
	if err == nil {
		out.Blobs, err = to.Read().forkedBlobs(ctx)
	}
	return out, err
}

// forkedBlobs lists the files that rows name.
func (r Read) forkedBlobs(ctx context.Context) (out []string, err error) {
	return out, each(ctx, r.q, qForkBlobs, nil, func(rows row) error {
		var hash string
		err := rows.Scan(&hash)
		out = append(out, hash)
		return err
	})
}

// forking is one fork being made.
type forking struct {
	from    db.Q
	to      *Store
	ask     ForkAsk
	ids     []int64
	missing []int64
	change  func(table string, columns []string, row []any)
}

// choose finds the conversations.
func (f *forking) choose(ctx context.Context) error {
	add := func(id int64) {
		if !slices.Contains(f.ids, id) && len(f.ids) < MaxForked {
			f.ids = append(f.ids, id)
		}
	}
	for part := range slices.Chunk(f.ask.Numbers, forkChunk) {
		found := map[int64]bool{}
		err := each(ctx, f.from, fmt.Sprintf(forkNumbers, list(1, len(part))), anys(part), func(rows row) error {
			var id, number int64
			err := rows.Scan(&id, &number)
			found[number] = true
			add(id)
			return err
		})
		if err != nil {
			return err
		}
		for _, n := range part {
			if !found[n] {
				f.missing = append(f.missing, n)
			}
		}
	}
	if f.ask.Latest > 0 {
		err := each(ctx, f.from, qForkLatest, []any{string(f.ask.Folder), f.ask.Mailbox, min(f.ask.Latest, MaxForked)}, func(rows row) error {
			var id int64
			err := rows.Scan(&id)
			add(id)
			return err
		})
		if err != nil {
			return err
		}
	}
	return f.withMerged(ctx, add)
}

// withMerged adds what the chosen conversations were merged into, and what was
// merged into them: the messages of the one are read in the other.
func (f *forking) withMerged(ctx context.Context, add func(int64)) error {
	for looked := 0; looked < len(f.ids); {
		part := f.ids[looked:min(looked+forkChunk, len(f.ids))]
		looked += len(part)
		in := list(1, len(part))
		var found []int64
		err := each(ctx, f.from, fmt.Sprintf(forkMerged, in), anys(part), func(rows row) error {
			var id int64
			err := rows.Scan(&id)
			found = append(found, id)
			return err
		})
		if err != nil {
			return err
		}
		for _, id := range found {
			add(id)
		}
	}
	return nil
}

// people makes what changes rows, if something is to.
func (f *forking) people(ctx context.Context) error {
	if f.ask.Change == nil {
		return nil
	}
	var all []ForkPerson
	for part := range slices.Chunk(f.ids, forkChunk) {
		err := each(ctx, f.from, fmt.Sprintf(forkPeople, list(1, len(part))), anys(part), func(rows row) error {
			var p ForkPerson
			err := rows.Scan(&p.Name, &p.Address)
			all = append(all, p)
			return err
		})
		if err != nil {
			return err
		}
	}
	own, err := f.own(ctx)
	if err != nil {
		return err
	}
	f.change = f.ask.Change(all, own)
	return nil
}

// own lists the addresses of the desk itself.
func (f *forking) own(ctx context.Context) (out []string, err error) {
	err = each(ctx, f.from, forkOwn, nil, func(rows row) error {
		var a string
		err := rows.Scan(&a)
		out = append(out, a)
		return err
	})
	if err != nil {
		return nil, err
	}
	return out, each(ctx, f.from, forkAliases, nil, func(rows row) error {
		var text string
		var aliases []string
		if err := rows.Scan(&text); err != nil {
			return err
		}
		err := fromJSON(text, &aliases)
		out = append(out, aliases...)
		return err
	})
}

// copy goes through the tables.
func (f *forking) copy(ctx context.Context) error {
	tables := slices.DeleteFunc(ForkTables(), func(t ForkTable) bool { return t.Rows == "" })
	for i, t := range tables {
		if f.ask.Progress != nil {
			f.ask.Progress(i, len(tables))
		}
		columns, err := f.columns(ctx, t.Name)
		if err != nil {
			return err
		}
		if t.Rows == "all" {
			if err := f.rows(ctx, t, columns, "1 = 1", nil); err != nil {
				return err
			}
			continue
		}
		for part := range slices.Chunk(f.ids, forkChunk) {
			if err := f.rows(ctx, t, columns, fmt.Sprintf(t.Rows, list(1, len(part))), anys(part)); err != nil {
				return err
			}
		}
	}
	return nil
}

// columns lists the columns of a table of the other store, which the desk's
// own has too.
func (f *forking) columns(ctx context.Context, table string) (out []string, err error) {
	err = each(ctx, f.to.db.Reader(), forkColumns, []any{table}, func(rows row) error {
		var name string
		err := rows.Scan(&name)
		out = append(out, name)
		return err
	})
	if err == nil && len(out) == 0 {
		err = fmt.Errorf("there is no table %s", table)
	}
	return out, err
}

// rows copies some rows of a table. One that is there already, because two
// conversations share it, stays.
func (f *forking) rows(ctx context.Context, t ForkTable, columns []string, where string, args []any) error {
	var batch [][]any
	flush := func() error {
		if len(batch) == 0 {
			return nil
		}
		query := "insert into " + t.Name + " (" + strings.Join(columns, ", ") + ") values " + rowsOf(len(batch), len(columns)) + " on conflict do nothing"
		err := f.to.Write(ctx, func(tx *Tx) error {
			_, err := tx.exec(ctx, query, slices.Concat(batch...)...)
			return err
		})
		batch = nil
		if err != nil {
			return fmt.Errorf("copy %s: %w", t.Name, err)
		}
		return nil
	}
	err := each(ctx, f.from, "select "+strings.Join(columns, ", ")+" from "+t.Name+" where "+where, args, func(rows row) error {
		values, places := make([]any, len(columns)), make([]any, len(columns))
		for i := range values {
			places[i] = &values[i]
		}
		if err := rows.Scan(places...); err != nil {
			return err
		}
		for i, c := range columns {
			if v, ok := t.Instead[c]; ok {
				values[i] = v
			}
		}
		if f.change != nil {
			f.change(t.Name, columns, values)
		}
		if batch = append(batch, values); len(batch)*len(columns) > 4000 {
			return flush()
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("read %s: %w", t.Name, err)
	}
	return flush()
}

// number lets the other store go on counting after this one, so that nothing in
// it has the id or the number of something else here.
func (f *forking) number(ctx context.Context) error {
	var id, number int64
	if err := f.from.QueryRow(ctx, qForkNextID).Scan(&id); err != nil {
		return err
	}
	if err := f.from.QueryRow(ctx, qForkLastNo).Scan(&number); err != nil {
		return err
	}
	return f.to.Write(ctx, func(t *Tx) error {
		if err := t.one(ctx, "set ids", qForkSetID, id+forkIDSpace); err != nil {
			return err
		}
		return t.one(ctx, "set numbers", forkSetNumber, number)
	})
}
