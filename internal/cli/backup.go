package cli

import (
	"fmt"
	"io"
	"time"

	"postroom/internal/app"
	"postroom/internal/config"
)

type backupCommand struct {
	config.Place
	To           string `arg:"" placeholder:"FOLDER" help:"A folder for the backups of this desk, best on another disk. Each run makes a new one in it; received mails and attachments are copied once."`
	WithoutKey   bool   `help:"Leave the key out, because you keep a copy of it elsewhere. A backup is worth nothing without it."`
	WithoutBlobs bool   `name:"without-blobs" help:"Leave received mails and attachments out, because another program copies their folder."`
	Keep         int    `default:"0" placeholder:"N" help:"Keep the newest N backups in the folder and remove older ones; 0 keeps all."`
}

// Run makes a backup while the desk goes on working.
func (c *backupCommand) Run(s *Surroundings) error {
	o, err := operator(s, c.Place)
	if err != nil {
		return err
	}
	folder, m, err := o.Backup(s.Context, app.BackupOptions{To: c.To, WithoutKey: c.WithoutKey, WithoutBlobs: c.WithoutBlobs, Keep: c.Keep, Progress: progress(s.Stderr)})
	if err != nil {
		return err
	}
	fmt.Fprintf(s.Stdout, "Backed up to %s: %s.\n", folder, m.Words())
	if !m.Key.Included {
		fmt.Fprintf(s.Stderr, "WARNING: the key %s is NOT in this backup. Without a copy of %s it cannot be restored.\n", m.Key.ID, c.KeyPath())
	}
	if !m.Blobs.Included {
		fmt.Fprintf(s.Stderr, "WARNING: %d received mails and attachments are NOT in this backup. Copy %s as well, after this backup and not before.\n", m.Blobs.Count, c.BlobDir())
	}
	return nil
}

type restoreCommand struct {
	config.Place
	From        string `arg:"" placeholder:"FOLDER" help:"A backup, or a folder of backups: then the newest in it."`
	SendWaiting bool   `help:"Let mails go that waited when the backup was made, instead of holding them back. For moving a desk that was stopped before its last backup."`
}

// Run makes a desk from a backup.
func (c *restoreCommand) Run(s *Surroundings) error {
	o, err := operator(s, c.Place)
	if err != nil {
		return err
	}
	r, err := o.Restore(s.Context, app.RestoreOptions{From: c.From, SendWaiting: c.SendWaiting, Progress: progress(s.Stderr)})
	if err != nil {
		return err
	}
	m := r.Manifest
	fmt.Fprintf(s.Stdout, "Restored %s, made %s by version %s, with key %s.\n", r.From, m.Made.Format("2 January 2006 15:04 UTC"), m.Version, m.Key.ID)
	if held := r.HeldWords(); held != "" {
		fmt.Fprintf(s.Stdout, "Held back, since the old desk may have done it after the backup: %s.\n", held)
	}
	fmt.Fprintln(s.Stdout, "Start it with 'postroom serve'. Make sure that the old desk does not run any more.")
	if !m.Blobs.Included {
		fmt.Fprintf(s.Stderr, "WARNING: the backup holds no received mails and attachments (%d of them). Copy them to %s before the start.\n", m.Blobs.Count, c.BlobDir())
	}
	if len(r.Missing) > 0 {
		for _, hash := range r.Missing {
			fmt.Fprintf(s.Stderr, "missing: %s\n", hash)
		}
		return fmt.Errorf("everything was restored but %d of %d mails and attachments, which are missing from the backup or damaged in it", len(r.Missing), m.Blobs.Count)
	}
	return nil
}

// progress says on long work how far it is, at most once a second.
func progress(w io.Writer) func(done, of int) {
	next := time.Now().Add(time.Second)
	return func(done, of int) {
		if now := time.Now(); now.After(next) {
			next = now.Add(time.Second)
			fmt.Fprintf(w, "%d of %d mails and attachments\n", done, of)
		}
	}
}
