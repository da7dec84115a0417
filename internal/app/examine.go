package app

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"postroom/internal/db"
	"postroom/internal/locale"
	"postroom/internal/secret"
)

// Finding is one line of what Examine found.
type Finding struct {
	Name  string // what was looked at
	Words string // what was found, in words
	Bad   bool
}

// Examine looks whether what a desk needs is there and works. It changes
// nothing but making the data folder, and may be run beside a running desk.
func (o Operator) Examine(ctx context.Context) []Finding {
	var out []Finding
	add := func(name, words string, err error) {
		f := Finding{Name: name, Words: words}
		if err != nil {
			f.Bad, f.Words = true, strings.Join(strings.Fields(err.Error()), " ")
		}
		out = append(out, f)
	}
	add("data folder", o.Place.Data+" can be written", makeData(o.Place.Data))
	if _, err := os.Stat(o.Place.KeyPath()); err != nil {
		add("key", "there is none yet; the first start makes it", nil)
	} else {
		key, err := secret.Load(o.Place.KeyPath())
		words := ""
		if err == nil {
			words = fmt.Sprintf("%s holds key %s; keep a copy of it apart from the backups", o.Place.KeyPath(), key.ID())
		}
		add("key", words, err)
	}
	for _, dir := range []string{o.Place.Data, o.Place.BlobDir()} {
		if free, ok := diskFree(dir); ok {
			var fault error
			if free < diskLow {
				fault = fmt.Errorf("only %s are free for %s; mail is refused for the time being when nothing is left", locale.Size(int64(free)), dir)
			}
			add("disk", fmt.Sprintf("%s free for %s", locale.Size(int64(free)), dir), fault)
		}
		if dir == o.Place.BlobDir() || strings.HasPrefix(o.Place.BlobDir(), o.Place.Data) {
			break
		}
	}
	waiting, refused := countMails(o.Place.SpoolDir()), countMails(filepath.Join(o.Place.SpoolDir(), spoolRefused))
	add("spool", fmt.Sprintf("%d mails wait, %d were laid aside", waiting, refused), nil)
	h, err := o.Health(ctx)
	if err == nil {
		var fault error
		if !h.OK {
			fault = fmt.Errorf("it runs, but %s", strings.Join(h.Faults, " and "))
		}
		add("desk", fmt.Sprintf("runs since %s, version %s, on %s, %d open alarms", h.Since, h.Version, h.Database, h.Alarms), fault)
		var alarms []OpenAlarm
		if err := o.run(ctx, opAlarms, nil, &alarms); err != nil {
			add("alarms", "", err)
		}
		for _, a := range alarms {
			add("alarm", "", errors.New(a.Words+" "+a.Remedy))
		}
		return out
	}
	add("desk", "does not run", nil)
	return append(out, o.examineDatabase(ctx))
}

// examineDatabase opens the database of a desk that does not run.
func (o Operator) examineDatabase(ctx context.Context) Finding {
	f := Finding{Name: "database"}
	if path := o.Place.SQLiteFile(); path != "" {
		if _, err := os.Stat(path); err != nil {
			f.Words = "there is none yet; the first start makes " + path
			return f
		}
	}
	d, err := db.Open(ctx, db.Options{URL: o.Place.DatabaseURL(), Conns: 2, Logger: o.Log})
	if err != nil {
		f.Bad, f.Words = true, strings.Join(strings.Fields(err.Error()), " ")
		return f
	}
	defer d.Close()
	pending, err := d.Pending(ctx)
	switch {
	case err != nil:
		f.Bad, f.Words = true, err.Error()
	case len(pending) > 0:
		f.Words = fmt.Sprintf("%s, to be brought up to date by %d changes at the next start", d.Engine(), len(pending))
	default:
		f.Words = fmt.Sprintf("%s, up to date", d.Engine())
	}
	return f
}

func countMails(dir string) int {
	n := 0
	_ = filepath.WalkDir(dir, func(path string, e fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return fs.SkipDir
		case e.IsDir() && path != dir:
			return fs.SkipDir
		case strings.HasSuffix(e.Name(), spoolSuffix):
			n++
		}
		return nil
	})
	return n
}
