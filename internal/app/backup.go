package app

import (
	"bufio"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"postroom"
	"postroom/internal/blob"
	"postroom/internal/db"
	"postroom/internal/locale"
	"postroom/internal/secret"
)

// The names in a folder of backups. Each backup has a folder of its own, named
// by its time; the files of all of them are kept once, beside them.
const (
	backupManifest = "backup.json"
	backupDatabase = "database"
	backupKey      = "key"
	backupBlobs    = "blobs"
	backupList     = "blobs.txt"
	backupPart     = ".part"
	backupStamp    = "20060102T150405.000Z"
)

// backupFormat is the version of the layout.
const backupFormat = 1

// BackupOptions say what is backed up, and where to.
type BackupOptions struct {
	To           string // a folder, for any number of backups of one desk
	WithoutKey   bool   // because it is kept elsewhere
	WithoutBlobs bool   // because another program copies them
	Keep         int    // complete backups that stay; 0: all
	// Progress hears how many files of how many are done; nil hears nothing.
	Progress func(done, of int)
}

// Manifest describes one backup. A folder without one is no whole backup.
type Manifest struct {
	Format   int       `json:"format"`
	Made     time.Time `json:"made"`
	Version  string    `json:"version"`
	Engine   string    `json:"engine"`
	Database struct {
		Size   int64  `json:"size"`
		SHA256 string `json:"sha256"`
	} `json:"database"`
	Key struct {
		ID       string `json:"id"`
		Included bool   `json:"included"`
	} `json:"key"`
	Blobs struct {
		ID       string `json:"id"`
		Included bool   `json:"included"`
		Count    int    `json:"count"`
		Bytes    int64  `json:"bytes"`
	} `json:"blobs"`
}

// Words says for people what is in the backup.
func (m Manifest) Words() string {
	words := fmt.Sprintf("the %s database (%s)", m.Engine, locale.Size(m.Database.Size))
	if m.Key.Included {
		words += ", key " + m.Key.ID
	}
	if m.Blobs.Included {
		words += fmt.Sprintf(", %s (%s)", locale.Count(m.Blobs.Count, "mail or attachment", "mails and attachments"), locale.Size(m.Blobs.Bytes))
	}
	return words
}

// Backup copies the database, the key and all received mails and attachments
// while the desk goes on working. It returns the new backup's folder, and
// words for everything that is not in it. Files that an earlier backup in the
// same folder has are not copied again.
func (o Operator) Backup(ctx context.Context, b BackupOptions) (folder string, m Manifest, err error) {
	if b.To, err = filepath.Abs(b.To); err != nil {
		return "", m, err
	}
	if err := os.MkdirAll(b.To, 0o700); err != nil {
		return "", m, cannotBackUp(b.To, err)
	}
	m.Format, m.Made, m.Version, m.Engine = backupFormat, time.Now().UTC().Truncate(time.Millisecond), Version(), "sqlite"
	if o.Place.Postgres() {
		m.Engine = "postgres"
	}
	folder = filepath.Join(b.To, m.Made.Format(backupStamp))
	part := folder + backupPart
	if err := os.Mkdir(part, 0o700); err != nil {
		return "", m, cannotBackUp(part, err)
	}
	defer func() {
		if err != nil {
			_ = os.RemoveAll(part)
		}
	}()
	if err = o.backUpKey(part, b.WithoutKey, &m); err != nil {
		return "", m, err
	}
	// The database comes before the files: what it refers to is there already.
	if err = o.backUpDatabase(ctx, filepath.Join(part, backupDatabase)); err != nil {
		return "", m, err
	}
	if m.Database.Size, m.Database.SHA256, err = sum(filepath.Join(part, backupDatabase)); err != nil {
		return "", m, err
	}
	if err = o.backUpBlobs(ctx, part, b, &m); err != nil {
		return "", m, err
	}
	if err = writeManifest(part, m); err != nil {
		return "", m, err
	}
	if err = os.Rename(part, folder); err == nil {
		err = syncDir(b.To)
	}
	if err == nil && b.Keep > 0 {
		err = removeOldest(b.To, b.Keep)
	}
	return folder, m, err
}

func cannotBackUp(path string, err error) error {
	return &postroom.Error{Code: postroom.Unavailable, Field: "to", Err: err, Text: fmt.Sprintf("The backup cannot be written to %s", path)}
}

// backUpDatabase has the desk that runs copy its database; a SQLite file has
// one owner. Where none runs it is opened for that.
func (o Operator) backUpDatabase(ctx context.Context, path string) error {
	if !o.Place.Postgres() {
		if _, err := os.Stat(o.Place.SQLiteFile()); errors.Is(err, fs.ErrNotExist) {
			return postroom.Errorf(postroom.NotFound, "There is no desk in %s: %s is missing.", o.Place.Data, o.Place.SQLiteFile())
		}
		var nothing struct{}
		err := ask(ctx, o.Place, opBackup, backupTo{path}, &nothing)
		if !errors.Is(err, errNotRunning) {
			return err
		}
	}
	d, err := db.Open(ctx, db.Options{URL: o.Place.DatabaseURL(), Logger: o.Log, Conns: 2})
	if err != nil {
		return err
	}
	return errors.Join(d.Backup(ctx, path), d.Close())
}

// backupTo asks the running desk for a copy of its database.
type backupTo struct{ Path string }

func (o operators) backUp(ctx context.Context, p backupTo) (struct{}, error) {
	return struct{}{}, o.core.db.Backup(ctx, p.Path)
}

func (o Operator) backUpKey(part string, without bool, m *Manifest) error {
	text, err := os.ReadFile(o.Place.KeyPath())
	if err != nil {
		return &postroom.Error{Code: postroom.Unavailable, Field: "key-file", Err: err, Text: fmt.Sprintf("The key file %s cannot be read", o.Place.KeyPath())}
	}
	key, err := secret.Parse(string(text))
	if err != nil {
		return err
	}
	m.Key.ID, m.Key.Included = key.ID(), !without
	if without {
		return nil
	}
	return writeFile(filepath.Join(part, backupKey), text)
}

// backUpBlobs copies what the folder of backups has not yet, and writes down
// what belongs to this backup.
func (o Operator) backUpBlobs(ctx context.Context, part string, b BackupOptions, m *Manifest) (err error) {
	from, err := blob.Open(o.Place.BlobDir())
	if err != nil {
		return err
	}
	m.Blobs.ID = from.ID()
	var refs []blob.Ref
	err = from.Walk(ctx, func(r blob.Ref, _ time.Time) error {
		refs = append(refs, r)
		m.Blobs.Bytes += r.Size
		return nil
	})
	if err != nil {
		return err
	}
	m.Blobs.Count = len(refs)
	if b.WithoutBlobs {
		return nil
	}
	m.Blobs.Included = true
	to, err := blob.Adopt(filepath.Join(b.To, backupBlobs), from.ID())
	if err != nil {
		return err
	}
	var list strings.Builder
	for i, r := range refs {
		fmt.Fprintf(&list, "%s %d\n", r.Hash, r.Size)
		if err := copyBlob(ctx, to, from, r); err != nil && postroom.CodeOf(err) != postroom.NotFound {
			return err // NotFound: emptied from the trash meanwhile
		}
		if b.Progress != nil {
			b.Progress(i+1, len(refs))
		}
	}
	return writeFile(filepath.Join(part, backupList), []byte(list.String()))
}

// copyBlob copies a file that is not there yet; a content that does not fit
// its name is an error.
func copyBlob(ctx context.Context, to, from *blob.Store, r blob.Ref) error {
	if size, err := to.Size(r.Hash); err == nil && size == r.Size {
		return nil
	}
	in, err := from.OpenVerified(r.Hash)
	if err != nil {
		return err
	}
	defer in.Close()
	_, err = to.Put(ctx, in)
	return err
}

func writeManifest(dir string, m Manifest) error {
	b, err := json.MarshalIndent(m, "", "  ")
	if err != nil {
		return err
	}
	if err := writeFile(filepath.Join(dir, backupManifest), append(b, '\n')); err != nil {
		return err
	}
	return syncDir(dir)
}

// writeFile writes a file for us alone, onto the disk.
func writeFile(path string, content []byte) error {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	_, err = f.Write(content)
	if err == nil {
		err = f.Sync()
	}
	return errors.Join(err, f.Close())
}

func sum(path string) (size int64, hash string, err error) {
	f, err := os.Open(path)
	if err != nil {
		return 0, "", err
	}
	defer f.Close()
	h := sha256.New()
	size, err = io.Copy(h, f)
	return size, hex.EncodeToString(h.Sum(nil)), err
}

// backups lists the whole backups of a folder, the oldest first.
func backups(dir string) ([]string, error) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, err
	}
	var out []string
	for _, e := range entries {
		if _, err := time.Parse(backupStamp, e.Name()); err != nil || !e.IsDir() {
			continue
		}
		if _, err := os.Stat(filepath.Join(dir, e.Name(), backupManifest)); err == nil {
			out = append(out, filepath.Join(dir, e.Name()))
		}
	}
	slices.Sort(out)
	return out, nil
}

// removeOldest removes all backups but the newest, and the files that none of
// those that stay has.
func removeOldest(dir string, keep int) error {
	all, err := backups(dir)
	if err != nil || len(all) <= keep {
		return err
	}
	stay := map[string]bool{}
	for _, folder := range all[len(all)-keep:] {
		refs, err := listedBlobs(folder)
		if err != nil {
			return err
		}
		for _, r := range refs {
			stay[r.Hash] = true
		}
	}
	var gone []blob.Ref
	for _, folder := range all[:len(all)-keep] {
		refs, err := listedBlobs(folder)
		if err != nil {
			return err
		}
		gone = append(gone, refs...)
		if err := os.RemoveAll(folder); err != nil {
			return err
		}
	}
	gone = slices.DeleteFunc(gone, func(r blob.Ref) bool { return stay[r.Hash] })
	if len(gone) == 0 {
		return nil
	}
	store, err := blob.Open(filepath.Join(dir, backupBlobs))
	if err != nil {
		return err
	}
	for _, r := range gone {
		if err := store.Delete(r.Hash); err != nil {
			return err
		}
	}
	return nil
}

// listedBlobs reads which files belong to a backup; none if it was made
// without them.
func listedBlobs(folder string) ([]blob.Ref, error) {
	f, err := os.Open(filepath.Join(folder, backupList))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	defer f.Close()
	var out []blob.Ref
	for s := bufio.NewScanner(f); s.Scan(); {
		hash, size, _ := strings.Cut(s.Text(), " ")
		n, err := strconv.ParseInt(size, 10, 64)
		if err != nil || len(hash) != 64 {
			return nil, postroom.Errorf(postroom.Invalid, "The list %s is damaged.", f.Name())
		}
		out = append(out, blob.Ref{Hash: hash, Size: n})
	}
	return out, nil
}
