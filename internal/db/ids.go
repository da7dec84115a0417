package db

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"postroom"
)

// idBlock is how many ids are taken from the database at a time. A process
// that ends loses what it has left of two blocks; there are enough.
const idBlock = 1000

const qTakeIDs = `update id_block set next = next + $1 where name = 'id' returning next`

// idRange is a run of free ids: from next up to but not including end.
type idRange struct{ next, end int64 }

func (r idRange) size() int64 { return r.end - r.next }

// idPool hands out ids from blocks taken from the database. One block is in
// use and one is spare, so that hardly anybody waits for the next.
type idPool struct {
	db    *DB
	block int64

	mu      sync.Mutex
	current idRange
	spare   idRange
	filling chan struct{} // closed when the running refill ends; nil if none
	fillErr error
	stopped bool
	running sync.WaitGroup
}

// NewID draws one id: a positive number no other row of any table has. It is
// the only thing about an id that means something; in particular ids of
// several processes are not in order of time.
func (d *DB) NewID(ctx context.Context) (int64, error) {
	ids, err := d.ids.take(ctx, 1)
	if err != nil {
		return 0, err
	}
	return ids[0], nil
}

// NewIDs draws n ids, ascending, inside or outside a Write. An id drawn inside
// a Write that is rolled back may be drawn again: do not let it out.
func (d *DB) NewIDs(ctx context.Context, n int) ([]int64, error) {
	if n < 0 {
		return nil, postroom.Errorf(postroom.Internal, "A negative number of ids was asked for.")
	}
	return d.ids.take(ctx, int64(n))
}

func (p *idPool) take(ctx context.Context, n int64) ([]int64, error) {
	ids := make([]int64, 0, n)
	for {
		p.mu.Lock()
		ids = p.draw(ids, n-int64(len(ids)))
		missing := n - int64(len(ids))
		if missing == 0 && p.spare.size() >= p.block/2 {
			p.mu.Unlock()
			return ids, nil
		}
		filled := p.refill(ctx, missing)
		p.mu.Unlock()
		if missing == 0 {
			return ids, nil
		}
		if p.db.engine == SQLite {
			// The next block has to wait for the write we are in.
			if tx := p.db.openTx(); tx != nil {
				return takeInside(ctx, tx, ids, missing)
			}
		}
		select {
		case <-filled:
		case <-ctx.Done():
			return nil, ctx.Err()
		}
		p.mu.Lock()
		err := p.fillErr
		p.mu.Unlock()
		if err != nil {
			return nil, fmt.Errorf("draw ids: %w", err)
		}
	}
}

// takeInside takes n ids in the transaction that is open, and no more: if it
// is rolled back, so are they.
func takeInside(ctx context.Context, tx *Tx, ids []int64, n int64) ([]int64, error) {
	var next int64
	if err := tx.QueryRow(ctx, qTakeIDs, n).Scan(&next); err != nil {
		return nil, fmt.Errorf("draw ids: %w", err)
	}
	for id := next - n; id < next; id++ {
		ids = append(ids, id)
	}
	return ids, nil
}

// draw moves up to n free ids into ids.
func (p *idPool) draw(ids []int64, n int64) []int64 {
	for n > 0 {
		if p.current.size() == 0 {
			p.current, p.spare = p.spare, idRange{}
			if p.current.size() == 0 {
				break
			}
		}
		ids = append(ids, p.current.next)
		p.current.next++
		n--
	}
	return ids
}

// refill begins to take another block, unless that is under way, and returns
// a channel that closes when it is done.
func (p *idPool) refill(ctx context.Context, missing int64) <-chan struct{} {
	if p.filling != nil {
		return p.filling
	}
	done := make(chan struct{})
	if p.stopped {
		p.fillErr = errClosed
		close(done)
		return done
	}
	p.filling = done
	size := max(p.block, missing+p.block)
	p.running.Add(1)
	go func() {
		defer p.running.Done()
		// Others wait for this block too: it must outlive the caller.
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 30*time.Second)
		defer cancel()
		r, err := p.fetch(ctx, size)
		p.mu.Lock()
		defer p.mu.Unlock()
		p.fillErr = err
		switch {
		case err != nil:
		case p.current.size() == 0:
			p.current = r
		case p.spare.size() == 0:
			p.spare = r
		case p.current.size() < p.spare.size():
			p.current = r // rather lose the smaller rest than keep a third block
		default:
			p.spare = r
		}
		p.filling = nil
		close(done)
	}()
	return done
}

// fetch takes a block from the database, in a transaction of its own.
func (p *idPool) fetch(ctx context.Context, size int64) (idRange, error) {
	var next int64
	var err error
	if p.db.engine == SQLite {
		err = p.db.Write(ctx, func(tx *Tx) error { return tx.QueryRow(ctx, qTakeIDs, size).Scan(&next) })
	} else {
		err = translate(p.db.system.QueryRowContext(ctx, qTakeIDs, size).Scan(&next))
	}
	if err != nil {
		return idRange{}, err
	}
	if next-size < 1 {
		return idRange{}, errors.New("db: the id_block row is damaged")
	}
	return idRange{next: next - size, end: next}, nil
}

// close waits for a running refill and allows no more.
func (p *idPool) close() {
	p.mu.Lock()
	p.stopped = true
	p.mu.Unlock()
	p.running.Wait()
}
