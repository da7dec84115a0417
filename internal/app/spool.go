package app

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"postroom"
	"postroom/internal/alarm"
	"postroom/internal/config"
	"postroom/internal/desk"
)

// Envelope is how a mail was handed in, as far as the mail server says.
type Envelope struct {
	From string   `json:"from"`         // "" for the null sender, or not known
	To   []string `json:"to,omitempty"` // empty: its headers have to tell
}

// The names in the spool. A mail is written under tmp and appears in the
// folder only when it is whole and on the disk.
const (
	spoolTemporary = "tmp"
	spoolRefused   = "refused"
	spoolSuffix    = ".mail"
)

// Ingest keeps one mail in the spool of a desk, which need not be running:
// when it returns nil the mail is on the disk. It opens no database. A mail
// that is empty or larger than desk.MaxMail is postroom.Invalid; everything
// else means that the mail was not kept and should be tried again.
func Ingest(place config.Place, e Envelope, mail io.Reader) error {
	dir := place.SpoolDir()
	if err := os.MkdirAll(filepath.Join(dir, spoolTemporary), 0o700); err != nil {
		return notKept(dir, err)
	}
	head, err := json.Marshal(e)
	if err != nil {
		return err
	}
	// The name sorts by time, so that mails are taken in in their order.
	name := fmt.Sprintf("%s-%s%s", time.Now().UTC().Format("20060102T150405.000000000"), rand.Text()[:12], spoolSuffix)
	temporary := filepath.Join(dir, spoolTemporary, name)
	f, err := os.OpenFile(temporary, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return notKept(dir, err)
	}
	n, err := fill(f, head, mail)
	if err == nil && n > desk.MaxMail {
		err = postroom.Errorf(postroom.Invalid, "The mail is larger than %d MiB.", desk.MaxMail>>20)
	}
	if err == nil && n == 0 {
		err = postroom.Errorf(postroom.Invalid, "There is no mail on the standard input.")
	}
	if err == nil {
		if err = os.Rename(temporary, filepath.Join(dir, name)); err == nil {
			err = syncDir(dir)
		}
	}
	if err != nil {
		_ = os.Remove(temporary)
		if postroom.CodeOf(err) == postroom.Invalid {
			return err
		}
		return notKept(dir, err)
	}
	return nil
}

// fill writes a mail of the spool to the disk and returns the mail's size.
func fill(f *os.File, head []byte, mail io.Reader) (n int64, err error) {
	if _, err = f.Write(append(head, '\n')); err == nil {
		if n, err = io.Copy(f, io.LimitReader(mail, desk.MaxMail+1)); err == nil {
			err = f.Sync()
		}
	}
	return n, errors.Join(err, f.Close())
}

func notKept(dir string, err error) error {
	return &postroom.Error{Code: postroom.Unavailable, Field: "spool", Err: err, Text: fmt.Sprintf("The mail could not be kept in %s", dir)}
}

func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}

// spoolPoll is how often the spool is looked at when nobody says that
// something came.
const spoolPoll = time.Second

// spool takes the mails of the spool in.
type spool struct {
	dir    string
	accept func(context.Context, desk.Delivery) error
	alarms *alarm.Alarms
	log    *slog.Logger
	wake   chan struct{}
}

func newSpool(dir string, accept func(context.Context, desk.Delivery) error, alarms *alarm.Alarms, log *slog.Logger) (*spool, error) {
	if err := os.MkdirAll(filepath.Join(dir, spoolTemporary), 0o700); err != nil {
		return nil, &postroom.Error{Code: postroom.Unavailable, Field: "spool", Err: err, Text: fmt.Sprintf("The spool %s cannot be made", dir)}
	}
	return &spool{dir: dir, accept: accept, alarms: alarms, log: log, wake: make(chan struct{}, 1)}, nil
}

// poke has the spool looked at now.
func (s *spool) poke() {
	select {
	case s.wake <- struct{}{}:
	default:
	}
}

// run takes mails in until ctx ends.
func (s *spool) run(ctx context.Context) {
	s.tidy()
	tick := time.NewTicker(spoolPoll)
	defer tick.Stop()
	wait, failed := time.Time{}, false
	for {
		if !time.Now().Before(wait) {
			err := s.takeAll(ctx)
			if ctx.Err() != nil {
				return
			}
			switch {
			case err != nil:
				// The same will fail for the next one: no hurry.
				wait = time.Now().Add(5 * time.Second)
				s.log.Error("the spool cannot be taken in, it is tried again", "spool", s.dir, "error", err)
				s.raise(ctx, "", "Mails in the spool cannot be taken in: "+postroom.TextOf(err))
				failed = true
			case failed:
				failed = false
				if err := s.alarms.Clear(ctx, alarm.SpoolStuck, ""); err != nil {
					s.log.Error("clear alarm", "error", err)
				}
			}
		}
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		case <-s.wake:
		}
	}
}

func (s *spool) raise(ctx context.Context, subject, words string) {
	if err := s.alarms.Raise(ctx, alarm.SpoolStuck, subject, words); err != nil {
		s.log.Error("alarm", "words", words, "error", err)
	}
}

// takeAll takes in what is in the spool now, in order. It returns an error
// that is not about one mail.
func (s *spool) takeAll(ctx context.Context) error {
	entries, err := os.ReadDir(s.dir) // sorted by name
	if err != nil {
		return err
	}
	for _, e := range entries {
		if ctx.Err() != nil {
			return nil
		}
		if !strings.HasSuffix(e.Name(), spoolSuffix) || !e.Type().IsRegular() {
			continue
		}
		if err := s.take(ctx, e.Name()); err != nil {
			return err
		}
	}
	return nil
}

// take takes one mail in and removes it. Between the two the process may
// die; the mail is then taken in twice and known again by its hash (D1).
func (s *spool) take(ctx context.Context, name string) error {
	path := filepath.Join(s.dir, name)
	f, err := os.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	defer f.Close()
	mine, err := tryLock(f)
	if err != nil || !mine {
		return err
	}
	if _, err := os.Lstat(path); errors.Is(err, fs.ErrNotExist) {
		return nil // another process was first
	}
	b, err := io.ReadAll(f)
	if err != nil {
		return err
	}
	head, mail, ok := bytes.Cut(b, []byte{'\n'})
	var e Envelope
	if !ok || json.Unmarshal(head, &e) != nil {
		return s.refuse(ctx, name, "it does not begin with its envelope")
	}
	err = s.accept(ctx, desk.Delivery{Source: "spool", From: e.From, To: e.To, Raw: mail})
	switch postroom.CodeOf(err) {
	case "":
		return os.Remove(path)
	case postroom.Invalid, postroom.NotFound, postroom.Forbidden:
		return s.refuse(ctx, name, postroom.TextOf(err))
	}
	return err
}

// refuse lays a mail aside that will never be taken in; nothing is thrown
// away.
func (s *spool) refuse(ctx context.Context, name, why string) error {
	aside := filepath.Join(s.dir, spoolRefused)
	if err := os.MkdirAll(aside, 0o700); err != nil {
		return err
	}
	if err := os.Rename(filepath.Join(s.dir, name), filepath.Join(aside, name)); err != nil {
		return err
	}
	s.raise(ctx, name, fmt.Sprintf("The mail %s of the spool was laid aside in %s: %s", name, aside, why))
	return nil
}

// tidy removes what an ingest that was killed left half written. Its caller
// was not told that the mail is safe and tries again.
func (s *spool) tidy() {
	dir := filepath.Join(s.dir, spoolTemporary)
	entries, _ := os.ReadDir(dir)
	old := time.Now().Add(-time.Hour)
	for e := range slices.Values(entries) {
		if info, err := e.Info(); err == nil && info.ModTime().Before(old) {
			_ = os.Remove(filepath.Join(dir, e.Name()))
		}
	}
}
