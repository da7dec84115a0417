// Package sandbox is a fork of a desk in which anything can be tried (W39):
// configuration and chosen conversations in a SQLite file of its own, with a
// clock of its own, customers whom one plays oneself, and a post office in
// memory as the only way out. It never has secrets, sessions or tokens of the
// desk; no connection to the outside is built.
package sandbox

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"postroom"
	"postroom/internal/app"
	"postroom/internal/query"
	"postroom/internal/store"
	"postroom/internal/web"
)

// How long a sandbox that nobody uses stays open, and how often is looked.
const (
	idleAfter = 30 * time.Minute
	lookEvery = time.Minute
)

// Sandbox keeps the sandbox of a desk: it makes it, opens it when somebody
// comes, closes it when nobody does, and throws it away.
type Sandbox struct {
	ground app.Ground
	log    *slog.Logger
	now    func() time.Time

	mu      sync.Mutex
	record  record  // what the disk says; zero: there is none
	making  *making // nil: none is being made
	house   *house  // nil: it is closed
	problem string
	closed  bool
	doing   sync.WaitGroup
}

// New returns the keeper of a desk's sandbox. What a process that died left
// half-made is removed, and said on the page.
func New(g app.Ground) app.Sandbox { return open(g) }

func open(g app.Ground) *Sandbox {
	s := &Sandbox{ground: g, log: g.Log, now: g.Now}
	if s.log == nil {
		s.log = slog.New(slog.DiscardHandler)
	}
	if _, err := os.Stat(s.half()); err == nil {
		s.problem = "The program stopped while a sandbox was being made, so it was thrown away. Make it again."
		if err := os.RemoveAll(s.half()); err != nil {
			s.log.Error("a half-made sandbox cannot be removed", "error", err)
		}
	}
	r, err := readRecord(s.ground.Dir)
	switch {
	case err == nil:
		s.record = r
	case !errors.Is(err, fs.ErrNotExist):
		s.problem = "The sandbox that was here cannot be read any more. Make it again."
		s.log.Error("the sandbox cannot be read", "error", err)
	}
	return s
}

func (s *Sandbox) half() string { return filepath.Join(s.ground.Dir, "making") }
func (s *Sandbox) desk() string { return filepath.Join(s.ground.Dir, "desk") }

// admin asks for an admin.
func admin(by *postroom.Agent) error {
	if !postroom.Can(by, postroom.Manage, 0) {
		return postroom.Errorf(postroom.Forbidden, "Only an admin may do that.")
	}
	return nil
}

// State reads what there is.
func (s *Sandbox) State(ctx context.Context, by *postroom.Agent) (*query.SandboxPage, error) {
	if err := admin(by); err != nil {
		return nil, err
	}
	p := &query.SandboxPage{State: "none"}
	boxes, err := s.ground.Store.Read().Mailboxes(ctx)
	if err != nil {
		return nil, err
	}
	for _, m := range boxes {
		p.Mailboxes = append(p.Mailboxes, query.Choice{Value: fmt.Sprint(m.ID), Text: m.Name})
	}
	where, err := s.elsewhere(ctx)
	if err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	p.Problem = s.problem
	switch r := s.record; {
	case s.making != nil:
		p.State = "making"
		p.Words, p.Done, p.Total = s.making.progress()
	case r.MadeAt > 0:
		p.State, p.MadeAt, p.MadeBy, p.Conversations, p.Replaced, p.UsedAt = "ready", r.MadeAt, r.MadeBy, r.Conversations, r.Replaced, r.UsedAt
		p.Missing, p.Size = missingWords(r.Missing), size(s.desk())
		p.Time = r.StoppedAt
		if s.house != nil {
			p.Time = s.house.clock.now().UnixMilli()
		}
		if s.ground.Days > 0 {
			p.EndsAt = r.UsedAt + int64(s.ground.Days)*(24*time.Hour).Milliseconds()
		}
	case where != "":
		p.State, p.Where = "elsewhere", where
	}
	return p, nil
}

func missingWords(numbers []int64) string {
	words := make([]string, len(numbers))
	for i, n := range numbers {
		words[i] = fmt.Sprintf("#%d", n)
	}
	return strings.Join(words, ", ")
}

// size is how many bytes the files of a folder have.
func size(dir string) (n int64) {
	_ = filepath.WalkDir(dir, func(_ string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return nil // a file that went meanwhile has no size
		}
		if info, err := d.Info(); err == nil {
			n += info.Size()
		}
		return nil
	})
	return n
}

// keyWhere names, in the desk's database, the process that has the sandbox.
const keyWhere = "sandbox"

// elsewhere returns the name of another process that has the sandbox, "" for
// none.
func (s *Sandbox) elsewhere(ctx context.Context) (string, error) {
	if s.ground.Host == "" {
		return "", nil
	}
	where, err := s.ground.Store.Read().Meta(ctx, keyWhere)
	if where == s.ground.Host {
		where = ""
	}
	return where, err
}

// Cancel ends the making.
func (s *Sandbox) Cancel(_ context.Context, by *postroom.Agent) error {
	if err := admin(by); err != nil {
		return err
	}
	s.mu.Lock()
	m := s.making
	s.mu.Unlock()
	if m == nil {
		return postroom.Errorf(postroom.Conflict, "No sandbox is being made; it has ended already.")
	}
	m.cancel()
	return nil
}

// Discard throws the sandbox away.
func (s *Sandbox) Discard(ctx context.Context, by *postroom.Agent) error {
	if err := admin(by); err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.record.MadeAt == 0 {
		return postroom.Errorf(postroom.Conflict, "There is no sandbox.")
	}
	if err := s.remove(); err != nil {
		return err
	}
	s.problem = ""
	s.ground.Publish("sandbox")
	return s.note(ctx, by, by.Name+" threw the sandbox away.", "")
}

// remove closes the sandbox and deletes its files. The lock is held.
func (s *Sandbox) remove() error {
	if err := s.shut(); err != nil {
		s.log.Error("the sandbox did not end well", "error", err)
	}
	s.record = record{}
	return errors.Join(os.Remove(recordPath(s.ground.Dir)), os.RemoveAll(s.desk()))
}

// note tells the system log of the desk, and where the sandbox is.
func (s *Sandbox) note(ctx context.Context, by *postroom.Agent, words, where string) error {
	return s.ground.Store.Write(ctx, func(t *store.Tx) error {
		if s.ground.Host != "" {
			if err := put(ctx, t, keyWhere, where); err != nil {
				return err
			}
		}
		id := int64(0)
		if by != nil {
			id = by.ID
		}
		return t.Log(ctx, store.LogEntry{Area: store.AreaProgram, AgentID: id, Words: words})
	})
}

// put writes a value under a key.
func put(ctx context.Context, t *store.Tx, key, value string) error {
	was, err := t.Meta(ctx, key)
	if err != nil || was == value {
		return err
	}
	if mine, err := t.Claim(ctx, key, value); err != nil || mine {
		return err
	}
	_, err = t.Advance(ctx, key, was, value)
	return err
}

// Enter begins a session in the sandbox, as the agent who comes, or, if they
// are not in it, as its first admin.
func (s *Sandbox) Enter(ctx context.Context, by *postroom.Agent, ip, browser string) (string, error) {
	if err := admin(by); err != nil {
		return "", err
	}
	h, err := s.use(ctx)
	if err != nil {
		return "", err
	}
	defer h.leave()
	agents, err := h.rooms.Store.Read().Agents(ctx)
	if err != nil {
		return "", err
	}
	chosen := int64(0)
	for _, a := range agents {
		switch {
		case a.Disabled:
		case a.ID == by.ID:
			return h.rooms.Auth.Enter(ctx, a.ID, ip, browser)
		case chosen == 0 && a.Role == postroom.Admin:
			chosen = a.ID
		}
	}
	if chosen == 0 {
		return "", postroom.Errorf(postroom.Conflict, "There is no admin in the sandbox. Make it anew.")
	}
	return h.rooms.Auth.Enter(ctx, chosen, ip, browser)
}

// Pages answers for the desk in the sandbox.
func (s *Sandbox) Pages(ctx context.Context) (http.Handler, error) {
	h, err := s.use(ctx)
	if err != nil {
		return nil, err
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		defer h.leave()
		h.closed.Pages.ServeHTTP(w, r)
	}), nil
}

// use opens the sandbox if it is closed. Who has used the house leaves it.
func (s *Sandbox) use(ctx context.Context) (*house, error) {
	where, err := s.elsewhere(ctx)
	if err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case s.closed:
		return nil, postroom.Errorf(postroom.Unavailable, "The desk is being stopped.")
	case s.record.MadeAt == 0 && where != "":
		return nil, postroom.Errorf(postroom.NotFound, "The sandbox is in another process.")
	case s.record.MadeAt == 0:
		return nil, postroom.Errorf(postroom.NotFound, "There is no sandbox any more.")
	}
	if s.house == nil {
		if err := s.unlock(ctx); err != nil {
			return nil, err
		}
	}
	now := s.now().UnixMilli()
	if now-s.record.UsedAt > lookEvery.Milliseconds() {
		s.record.UsedAt = now
		s.save()
	}
	s.record.UsedAt = now
	s.house.enter()
	return s.house, nil
}

// unlock opens the house. The lock is held.
func (s *Sandbox) unlock(ctx context.Context) error {
	h, err := openHouse(ctx, s)
	if err != nil {
		return err
	}
	s.house = h
	s.record.StoppedAt = 0 // from now on its clock goes on, also if the program dies
	s.save()
	return nil
}

// shut closes the house, whose clock stands still from then on. The lock is
// held.
func (s *Sandbox) shut() error {
	h := s.house
	if h == nil {
		return nil
	}
	s.house = nil
	err := h.close()
	s.record.StoppedAt = h.clock.now().UnixMilli()
	s.save()
	return err
}

// save writes the record; a disk that does not take it is logged, as nothing
// but the clock hangs on it.
func (s *Sandbox) save() {
	if s.record.MadeAt == 0 {
		return
	}
	if err := writeRecord(s.ground.Dir, s.record); err != nil {
		s.log.Error("the sandbox's record cannot be written", "error", err)
	}
}

// Tend closes the sandbox when nobody uses it, and throws it away when nobody
// has for long, until ctx ends.
func (s *Sandbox) Tend(ctx context.Context) {
	tick := time.NewTicker(lookEvery)
	defer tick.Stop()
	for {
		s.look(ctx)
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

// look does once what Tend does.
func (s *Sandbox) look(ctx context.Context) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.record.MadeAt == 0 || s.making != nil {
		return
	}
	unused := s.now().Sub(time.UnixMilli(s.record.UsedAt))
	if s.ground.Days > 0 && unused > time.Duration(s.ground.Days)*24*time.Hour {
		if err := s.remove(); err != nil {
			s.log.Error("an unused sandbox cannot be removed", "error", err)
			return
		}
		s.problem = fmt.Sprintf("Nobody used the sandbox for %d days, so it was thrown away.", s.ground.Days)
		s.ground.Publish("sandbox")
		if err := s.note(ctx, nil, s.problem, ""); err != nil && ctx.Err() == nil {
			s.log.Error("system log", "error", err)
		}
		return
	}
	if s.house != nil && unused > idleAfter {
		if err := s.shut(); err != nil {
			s.log.Error("the sandbox did not end well", "error", err)
		}
	}
}

// Close ends what is under way. The sandbox stays on the disk.
func (s *Sandbox) Close() error {
	s.mu.Lock()
	s.closed = true
	if s.making != nil {
		s.making.cancel()
	}
	err := s.shut()
	s.mu.Unlock()
	s.doing.Wait()
	return err
}

var _ web.Sandbox = (*Sandbox)(nil)
