package app

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"postroom"
	"postroom/internal/alarm"
	"postroom/internal/blob"
	"postroom/internal/config"
	"postroom/internal/db"
	"postroom/internal/locale"
	"postroom/internal/secret"
	"postroom/internal/store"
)

// RestoreOptions say what is restored, and how careful to be.
type RestoreOptions struct {
	From string // a backup's folder, or a folder of backups: the newest is taken
	// SendWaiting lets mails go that waited when the backup was made. Right for
	// a desk that was stopped and is moved; else they may go out twice.
	SendWaiting bool
	Progress    func(done, of int)
}

// Restored says what Restore did.
type Restored struct {
	From     string
	Manifest Manifest
	Held     store.Held
	Missing  []string // files the backup should have and has not, or not whole
}

// HeldWords says for people what was held back and what to do; "" if nothing
// was.
func (r Restored) HeldWords() string {
	var parts []string
	add := func(n int64, one, many, what string) {
		if n > 0 {
			parts = append(parts, locale.Count(n, one, many)+what)
		}
	}
	add(r.Held.Mails, "mail", "mails", " (release or discard on the mail log)")
	add(r.Held.Events, "event", "events", " that no workflow has seen (Why? on the conversation)")
	add(r.Held.Jobs, "bulk job", "bulk jobs", "")
	add(r.Held.Received, "received mail", "received mails", " that had not been filed (release or discard under Incoming mail)")
	add(r.Held.Calls, "webhook call", "webhook calls", " (release or discard under Webhooks)")
	add(r.Held.Waits, "wait of a workflow", "waits of workflows", " whose time had come (ended; the conversations say which)")
	add(r.Held.Tellings, "notification", "notifications", " of agents (release or discard on the queue page)")
	return strings.Join(parts, ", ")
}

// What may have been given out between a backup and the loss of the desk, and
// must never be given again: ids stand in the tokens of mails, numbers are
// what people quote.
const (
	leapIDs     = 1_000_000_000
	leapNumbers = 1_000
)

// Restore makes a desk from a backup in a place where there is none: no
// database, and no key or files but those of the same desk. Without the right
// key it refuses, since no password could be read and no answer would find
// its conversation. What the old desk may have done after the backup is not
// done again: mails that waited are held back for a person.
func (o Operator) Restore(ctx context.Context, r RestoreOptions) (out Restored, err error) {
	if out.From, out.Manifest, err = findBackup(r.From); err != nil {
		return out, err
	}
	m := out.Manifest
	if err := o.checkRestore(out.From, m); err != nil {
		return out, err
	}
	if err := makeData(o.Place.Data); err != nil {
		return out, err
	}
	if err := o.restoreKey(out.From, m); err != nil {
		return out, err
	}
	if out.Missing, err = o.restoreBlobs(ctx, out.From, m, r.Progress); err != nil {
		return out, err
	}
	// A SQLite file gets its name when everything else is done: a restore that
	// was broken off leaves no desk that looks whole.
	place := o.Place
	if !place.Postgres() {
		place.Database = o.Place.SQLiteFile() + backupPart
		if err := removeDatabase(place.Database); err != nil {
			return out, err
		}
	}
	if err := db.Restore(ctx, place.DatabaseURL(), filepath.Join(out.From, backupDatabase)); err != nil {
		return out, err
	}
	if out.Held, err = o.settleIn(ctx, place, m, r.SendWaiting); err != nil {
		return out, err
	}
	if !place.Postgres() {
		if err := os.Rename(place.Database, o.Place.SQLiteFile()); err != nil {
			return out, err
		}
		if err := removeDatabase(place.Database); err != nil {
			return out, err
		}
		return out, syncDir(filepath.Dir(o.Place.SQLiteFile()))
	}
	return out, nil
}

// findBackup finds the folder of a whole backup.
func findBackup(path string) (folder string, m Manifest, err error) {
	if folder, err = filepath.Abs(path); err != nil {
		return "", m, err
	}
	b, err := os.ReadFile(filepath.Join(folder, backupManifest))
	if errors.Is(err, fs.ErrNotExist) {
		all, listErr := backups(folder)
		if listErr != nil || len(all) == 0 {
			return "", m, postroom.Errorf(postroom.NotFound, "There is no backup in %s: neither it nor a folder in it has a file %s.", path, backupManifest)
		}
		folder = all[len(all)-1]
		b, err = os.ReadFile(filepath.Join(folder, backupManifest))
	}
	if err == nil {
		err = json.Unmarshal(b, &m)
	}
	if err != nil {
		return "", m, fmt.Errorf("read the backup %s: %w", folder, err)
	}
	if m.Format != backupFormat {
		return "", m, postroom.Errorf(postroom.Invalid, "The backup %s is of format %d, which this version cannot read.", folder, m.Format)
	}
	return folder, m, nil
}

// checkRestore finds out what stands in the way before anything is changed.
func (o Operator) checkRestore(folder string, m Manifest) error {
	switch {
	case m.Engine == "postgres" && !o.Place.Postgres():
		return postroom.InvalidField("database", "The backup is of a PostgreSQL database; name the new one with --database (%s).", config.Env("database"))
	case m.Engine != "postgres" && o.Place.Postgres():
		return postroom.InvalidField("database", "The backup is of a SQLite database and cannot be restored into PostgreSQL.")
	}
	if path := o.Place.SQLiteFile(); path != "" {
		if _, err := os.Lstat(path); err == nil {
			return postroom.Errorf(postroom.Conflict, "There is a desk already: %s. Nothing was changed; restore into an empty data folder.", path)
		}
	}
	size, hash, err := sum(filepath.Join(folder, backupDatabase))
	if err != nil {
		return fmt.Errorf("read the backup: %w", err)
	}
	if size != m.Database.Size || hash != m.Database.SHA256 {
		return postroom.Errorf(postroom.Invalid, "The database in the backup %s is damaged: it is not the one that was written. Take another backup.", folder)
	}
	return nil
}

// restoreKey puts the key where it belongs, or finds it there.
func (o Operator) restoreKey(folder string, m Manifest) error {
	path := o.Place.KeyPath()
	text, err := os.ReadFile(path)
	found := err == nil
	if errors.Is(err, fs.ErrNotExist) {
		if !m.Key.Included {
			return postroom.InvalidField("key-file", "The backup was made without its key %s. Put that key's file at %s and try again; without it no mailbox's password can be read and no answer finds its conversation.", m.Key.ID, path)
		}
		text, err = os.ReadFile(filepath.Join(folder, backupKey))
	}
	if err != nil {
		return err
	}
	key, err := secret.Parse(string(text))
	if err != nil {
		return fmt.Errorf("the key: %w", err)
	}
	if key.ID() != m.Key.ID {
		if found {
			return postroom.InvalidField("key-file", "The key file %s holds key %s, but the backup was made with key %s. Take it away, or name the right one with --key-file.", path, key.ID(), m.Key.ID)
		}
		return postroom.Errorf(postroom.Invalid, "The key in the backup is damaged.")
	}
	if found {
		return nil
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return err
	}
	return writeFile(path, text)
}

// restoreBlobs copies the files. What is missing does not end it: the rest is
// worth having.
func (o Operator) restoreBlobs(ctx context.Context, folder string, m Manifest, progress func(int, int)) (missing []string, err error) {
	to, err := blob.Adopt(o.Place.BlobDir(), m.Blobs.ID)
	if err != nil || !m.Blobs.Included {
		return nil, err
	}
	refs, err := listedBlobs(folder)
	if err != nil {
		return nil, err
	}
	from, err := blob.Adopt(filepath.Join(filepath.Dir(folder), backupBlobs), m.Blobs.ID)
	if err != nil {
		return nil, err
	}
	for i, r := range refs {
		err := copyBlob(ctx, to, from, r)
		switch postroom.CodeOf(err) {
		case "":
		case postroom.NotFound, postroom.Internal:
			if ctx.Err() != nil {
				return missing, ctx.Err()
			}
			missing = append(missing, r.Hash)
		default:
			return missing, err
		}
		if progress != nil {
			progress(i+1, len(refs))
		}
	}
	return missing, nil
}

// settleIn does in the restored database what has to be done before any work
// begins.
func (o Operator) settleIn(ctx context.Context, place config.Place, m Manifest, sendWaiting bool) (held store.Held, err error) {
	place.NoBackup = true // it is one
	c, err := openCore(ctx, place, 2, Options{Log: o.Log})
	if err != nil {
		return held, err
	}
	defer func() { err = errors.Join(err, c.close()) }()
	if err := c.db.Leap(ctx, leapIDs, leapNumbers); err != nil {
		return held, err
	}
	if _, err := c.store.ReleaseLeases(ctx); err != nil || sendWaiting {
		return held, err
	}
	when := m.Made.Format("2 January 2006 15:04 UTC")
	words := "The desk was restored from the backup of " + when + ": this may have happened after it already."
	err = c.store.Write(ctx, func(tx *store.Tx) error {
		held, err = tx.HoldBack(ctx, words, c.store.Now())
		return err
	})
	if err == nil && held != (store.Held{}) {
		err = c.alarms.Raise(ctx, alarm.Restored, "", fmt.Sprintf("The desk was restored from the backup of %s. Held back, since it may have happened after that already: %s.",
			when, Restored{Held: held}.HeldWords()))
	}
	return held, err
}

// removeDatabase removes an unfinished SQLite file and what lies beside it.
func removeDatabase(path string) error {
	for _, suffix := range []string{"", "-wal", "-shm", ".lock"} {
		if err := os.Remove(path + suffix); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	return nil
}
