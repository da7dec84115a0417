package sandbox

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"

	"postroom"
	"postroom/internal/blob"
	"postroom/internal/db"
	"postroom/internal/store"
	"postroom/internal/web"
)

// making is a sandbox being made.
type making struct {
	cancel context.CancelFunc

	mu          sync.Mutex
	words       string
	done, total int
}

func (m *making) progress() (words string, done, total int) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.words, m.done, m.total
}

func (m *making) at(words string, done, total int) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.words, m.done, m.total = words, done, total
}

// Make begins to make a sandbox. The one that is there goes when the new one is
// whole.
func (s *Sandbox) Make(ctx context.Context, by *postroom.Agent, ask web.SandboxAsk) error {
	if err := admin(by); err != nil {
		return err
	}
	if ask.Latest < 0 || ask.Latest > store.MaxForked {
		return postroom.InvalidField("latest", "A sandbox holds at most 1,000 conversations.")
	}
	if len(ask.Numbers) > store.MaxForked {
		return postroom.InvalidField("numbers", "A sandbox holds at most 1,000 conversations.")
	}
	where, err := s.elsewhere(ctx)
	if err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case s.closed:
		return postroom.Errorf(postroom.Unavailable, "The desk is being stopped.")
	case s.making != nil:
		return postroom.Errorf(postroom.Conflict, "A sandbox is being made already.")
	case where != "":
		return postroom.Errorf(postroom.Conflict, "The sandbox is in another process, %s. Throw it away there first.", where)
	}
	inside, cancel := context.WithCancel(context.WithoutCancel(ctx))
	m := &making{cancel: cancel, words: "It begins."}
	s.making, s.problem = m, ""
	s.doing.Go(func() {
		defer cancel()
		err := s.make(inside, by, ask, m)
		s.mu.Lock()
		defer s.mu.Unlock()
		s.making = nil
		switch {
		case errors.Is(err, context.Canceled):
			s.problem = "The making of the sandbox was cancelled."
		case err != nil:
			s.problem = "The sandbox was not made: " + postroom.TextOf(err)
			s.log.Error("a sandbox was not made", "error", err)
		}
		if err != nil {
			if err := os.RemoveAll(s.half()); err != nil {
				s.log.Error("a half-made sandbox cannot be removed", "error", err)
			}
		}
		s.ground.Publish("sandbox")
	})
	s.ground.Publish("sandbox")
	return nil
}

// make forks the desk into a folder of its own, and puts that in place.
func (s *Sandbox) make(ctx context.Context, by *postroom.Agent, ask web.SandboxAsk, m *making) error {
	if err := os.RemoveAll(s.half()); err != nil {
		return err
	}
	if err := os.MkdirAll(s.half(), 0o700); err != nil {
		return &postroom.Error{Code: postroom.Unavailable, Err: err, Text: "The folder of the sandbox cannot be made"}
	}
	step := func(words string, done, total int) {
		m.at(words, done, total)
		s.ground.Publish("sandbox")
	}
	step("Reading the desk.", 0, 1)
	forked, err := s.fork(ctx, ask, func(done, total int) { step("Copying settings and conversations.", done, total) })
	if err != nil {
		return err
	}
	if err := s.copyFiles(ctx, forked.Blobs, step); err != nil {
		return err
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return context.Canceled
	}
	if s.record.MadeAt > 0 {
		if err := s.remove(); err != nil {
			return err
		}
	}
	if err := os.Rename(s.half(), s.desk()); err != nil {
		return err
	}
	now := s.now().UnixMilli()
	r := record{MadeAt: now, MadeBy: by.Name, UsedAt: now, Conversations: forked.Conversations, Missing: forked.Missing, Replaced: ask.Replace, StoppedAt: now}
	if err := writeRecord(s.ground.Dir, r); err != nil {
		return errors.Join(err, os.RemoveAll(s.desk()))
	}
	s.record = r
	return s.note(ctx, by, fmt.Sprintf("%s made a sandbox with %d conversations.", by.Name, forked.Conversations), s.ground.Host)
}

// fork makes the database.
func (s *Sandbox) fork(ctx context.Context, ask web.SandboxAsk, progress func(done, total int)) (forked store.Forked, err error) {
	// It is thrown away if it is not whole, so it need not be durable yet.
	d, err := db.Open(ctx, db.Options{URL: filepath.Join(s.half(), "postroom.db"), Logger: s.log, NoBackup: true}.Unsafe())
	if err != nil {
		return forked, err
	}
	defer func() { err = errors.Join(err, d.Close()) }()
	if err := d.Migrate(ctx); err != nil {
		return forked, err
	}
	what := store.ForkAsk{Latest: ask.Latest, Folder: postroom.Folder(ask.Folder), Mailbox: ask.Mailbox, Numbers: ask.Numbers, Progress: progress}
	if ask.Replace {
		what.Change = replacer
	}
	return s.ground.Store.Fork(ctx, store.New(d), what)
}

// copyFiles copies what the rows name. A file that the desk has lost is missing
// in the sandbox as well.
func (s *Sandbox) copyFiles(ctx context.Context, hashes []string, step func(string, int, int)) error {
	to, err := blob.Open(filepath.Join(s.half(), "blobs"))
	if err != nil {
		return err
	}
	if _, err := to.PutBytes(ctx, []byte(leftOut)); err != nil {
		return err
	}
	for i, hash := range hashes {
		if i%20 == 0 {
			step("Copying files.", i, len(hashes))
		}
		if err := copyFile(ctx, s.ground.Blobs, to, hash); err != nil {
			return err
		}
	}
	return nil
}

func copyFile(ctx context.Context, from, to *blob.Store, hash string) error {
	f, err := from.Open(hash)
	if postroom.CodeOf(err) == postroom.NotFound {
		return nil
	}
	if err != nil {
		return err
	}
	defer f.Close()
	_, err = to.Put(ctx, f)
	return err
}
