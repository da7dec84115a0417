package db_test

import (
	"fmt"
	"sync/atomic"
	"testing"

	"postroom/internal/db"
	"postroom/internal/dbtest"
)

// BenchmarkWrite measures small durable transactions, alone and from many
// goroutines at once, where SQLite's group commit and PostgreSQL's own share
// the syncs of the disk. The unit that matters is ns per commit.
func BenchmarkWrite(b *testing.B) {
	dbtest.Options{Empty: true}.EachB(b, func(b *testing.B, d *db.DB) {
		base(b, d)
		var next atomic.Int64
		for _, at := range []int{1, 4, 16, 64} {
			b.Run(fmt.Sprintf("writers=%d", at), func(b *testing.B) {
				b.SetParallelism(max(at/2, 1)) // of two cores
				if at == 1 {
					for b.Loop() {
						writeOne(b, d, next.Add(1))
					}
					return
				}
				b.RunParallel(func(pb *testing.PB) {
					for pb.Next() {
						writeOne(b, d, next.Add(1))
					}
				})
			})
		}
	})
}

func writeOne(b *testing.B, d *db.DB, id int64) {
	err := d.Write(b.Context(), func(tx *db.Tx) error { return insert(b.Context(), tx, id, fmt.Sprint(id)) })
	if err != nil {
		b.Error(err)
	}
}

// BenchmarkRead measures one select by key.
func BenchmarkRead(b *testing.B) {
	dbtest.Options{Empty: true}.EachB(b, func(b *testing.B, d *db.DB) {
		base(b, d)
		for id := range int64(1000) {
			writeOne(b, d, id+1)
		}
		q := d.Reader()
		for b.Loop() {
			var text string
			if err := q.QueryRow(b.Context(), "select text from word where id = $1", 500).Scan(&text); err != nil {
				b.Fatal(err)
			}
		}
	})
}

// BenchmarkNewID measures drawing an id.
func BenchmarkNewID(b *testing.B) {
	dbtest.Options{Empty: true}.EachB(b, func(b *testing.B, d *db.DB) {
		base(b, d)
		for b.Loop() {
			if _, err := d.NewID(b.Context()); err != nil {
				b.Fatal(err)
			}
		}
	})
}
