// Package blob keeps raw mails and attachments as files named by the SHA-256
// of their content, so that the same content is kept once and a name proves
// what it names.
//
// A file is whole and on the disk before its name exists: what Put has
// answered survives a power cut.
package blob

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"
	"time"

	"postroom"
)

const (
	folderMode = 0o700
	fileMode   = 0o600

	// tempFolder holds what is being written.
	tempFolder = "tmp"

	// idFile holds the id of the store.
	idFile = "store-id"

	// staleAfter is how old a half-written file must be before Open removes
	// it: no Put takes that long.
	staleAfter = 24 * time.Hour
)

// Store is a folder of blobs. It is safe for use by many goroutines, and by
// several processes on one machine or a shared file system.
type Store struct {
	dir  string
	id   string
	kept [256]atomic.Bool // which folders are known to be on the disk by name
}

// Open opens the store in a folder and makes it if there is none.
func Open(dir string) (s *Store, err error) {
	defer translate(&err, "open the blob store %s", dir)
	s = &Store{dir: dir}
	if err := os.MkdirAll(filepath.Join(dir, tempFolder), folderMode); err != nil {
		return nil, err
	}
	if s.id, err = readOrMakeID(dir); err != nil {
		return nil, err
	}
	if err := syncFolder(dir); err != nil {
		return nil, err
	}
	return s, s.removeStale()
}

// Adopt is Open for a store that is to be a copy of another: one that is new
// gets the other's id, and one that has an id of its own is postroom.Conflict.
func Adopt(dir, id string) (s *Store, err error) {
	defer translate(&err, "open the blob store %s", dir)
	if err := os.MkdirAll(dir, folderMode); err != nil {
		return nil, err
	}
	path := filepath.Join(dir, idFile)
	if _, err := os.Stat(path); errors.Is(err, fs.ErrNotExist) {
		if err := writeSynced(path, []byte(id+"\n")); err != nil {
			return nil, err
		}
	}
	if s, err = Open(dir); err == nil && s.id != id {
		return nil, postroom.Errorf(postroom.Conflict, "The folder %s holds the files of another desk.", dir)
	}
	return s, err
}

// readOrMakeID returns the id of the store in a folder. Of several processes
// that make one at once, one wins.
func readOrMakeID(dir string) (string, error) {
	path := filepath.Join(dir, idFile)
	b, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		temp := filepath.Join(dir, tempFolder, "id-"+rand.Text())
		if err := writeSynced(temp, []byte(strings.ToLower(rand.Text())+"\n")); err != nil {
			return "", err
		}
		defer os.Remove(temp)
		if err := os.Link(temp, path); err != nil && !errors.Is(err, fs.ErrExist) {
			return "", err
		}
		b, err = os.ReadFile(path)
		if err != nil {
			return "", err
		}
	}
	if err != nil {
		return "", err
	}
	id := strings.TrimSpace(string(b))
	if id == "" {
		return "", postroom.Errorf(postroom.Unavailable, "The file %s is empty; it must hold the id of the store.", path)
	}
	return id, nil
}

func writeSynced(path string, content []byte) error {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_WRONLY, fileMode)
	if err != nil {
		return err
	}
	_, err = f.Write(content)
	if err == nil {
		err = f.Sync()
	}
	return errors.Join(err, f.Close())
}

// removeStale removes what writers that died left half-written.
func (s *Store) removeStale() error {
	entries, err := os.ReadDir(filepath.Join(s.dir, tempFolder))
	if err != nil {
		return err
	}
	for _, e := range entries {
		info, err := e.Info()
		if err == nil && time.Since(info.ModTime()) > staleAfter {
			_ = os.Remove(filepath.Join(s.dir, tempFolder, e.Name()))
		}
	}
	return nil
}

// ID returns the random id of the store, which is kept in it: the database
// remembers it, and a process with another store refuses to start.
func (s *Store) ID() string { return s.id }

// Dir returns the folder of the store.
func (s *Store) Dir() string { return s.dir }

// Ref names a blob.
type Ref struct {
	Hash string // SHA-256 of the content in 64 lower case hexadecimal digits
	Size int64  // in bytes
}

// Hash returns what the Ref of some content would be, without keeping it.
func Hash(content []byte) Ref {
	sum := sha256.Sum256(content)
	return Ref{Hash: hex.EncodeToString(sum[:]), Size: int64(len(content))}
}

// Put keeps what it reads from r until its end and returns its name. It
// returns after the content and the name are on the disk. What is there
// already is kept once, and its age begins anew (see Walk). An error of r is
// returned as it is; a full disk is postroom.Unavailable.
func (s *Store) Put(ctx context.Context, r io.Reader) (ref Ref, err error) {
	defer translate(&err, "keep a file in the blob store")
	f, err := os.CreateTemp(filepath.Join(s.dir, tempFolder), "put-*") // is made 0600
	if err != nil {
		return Ref{}, err
	}
	open := true
	defer func() {
		if open {
			_ = f.Close()
		}
		if err != nil {
			_ = os.Remove(f.Name())
		}
	}()
	sum := sha256.New()
	size, err := io.Copy(io.MultiWriter(f, sum), &untilDone{ctx: ctx, r: r})
	if err != nil {
		return Ref{}, err
	}
	ref = Ref{Hash: hex.EncodeToString(sum.Sum(nil)), Size: size}
	if s.refresh(ref) {
		open = false
		return ref, errors.Join(f.Close(), os.Remove(f.Name()), s.keep(ref.Hash))
	}
	if err := f.Sync(); err != nil {
		return Ref{}, err
	}
	open = false
	if err := f.Close(); err != nil {
		return Ref{}, err
	}
	if err := s.name(f.Name(), ref.Hash); err != nil {
		return Ref{}, err
	}
	return ref, s.keep(ref.Hash)
}

// name gives a written file the name of its hash, in one of 256 folders, which
// is made by its first blob.
func (s *Store) name(file, hash string) error {
	err := os.Rename(file, s.path(hash))
	if !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if err := os.Mkdir(s.folder(hash), folderMode); err != nil && !errors.Is(err, fs.ErrExist) {
		return err
	}
	return os.Rename(file, s.path(hash))
}

// keep brings the name of a blob to the disk. The first time in each folder
// that takes the folder's own name along: whoever made it, which may be another
// process, may not have come so far yet.
func (s *Store) keep(hash string) error {
	if err := syncFolder(s.folder(hash)); err != nil {
		return err
	}
	i, err := strconv.ParseUint(hash[:2], 16, 8)
	if err != nil || s.kept[i].Load() {
		return err
	}
	if err := syncFolder(s.dir); err != nil {
		return err
	}
	s.kept[i].Store(true)
	return nil
}

// PutBytes is Put for what is in memory already.
func (s *Store) PutBytes(ctx context.Context, content []byte) (ref Ref, err error) {
	if ref = Hash(content); s.refresh(ref) {
		// Who put it may not have synced its name yet.
		err = s.keep(ref.Hash)
		translate(&err, "keep a file in the blob store")
		return ref, err
	}
	return s.Put(ctx, bytes.NewReader(content))
}

// refresh says whether a blob is there, whole, and makes it young.
func (s *Store) refresh(ref Ref) bool {
	info, err := os.Stat(s.path(ref.Hash))
	if err != nil || info.Size() != ref.Size {
		return false
	}
	now := time.Now()
	return os.Chtimes(s.path(ref.Hash), now, now) == nil
}

// untilDone ends reading when its context ends.
type untilDone struct {
	ctx context.Context
	r   io.Reader
}

func (u *untilDone) Read(p []byte) (int, error) {
	if err := u.ctx.Err(); err != nil {
		return 0, err
	}
	return u.r.Read(p)
}

// Open opens a blob for reading from any place in it; who opens it closes it.
// One that is not there is postroom.NotFound.
func (s *Store) Open(hash string) (f *os.File, err error) {
	defer translate(&err, "read the blob %.12s", hash)
	if err := check(hash); err != nil {
		return nil, err
	}
	return os.Open(s.path(hash))
}

// OpenVerified is Open for reading once, from the beginning to the end: where
// it ends, a content that is not the one of this name is an error
// (postroom.Internal) instead of io.EOF.
func (s *Store) OpenVerified(hash string) (io.ReadCloser, error) {
	f, err := s.Open(hash)
	if err != nil {
		return nil, err
	}
	return &verified{f: f, sum: sha256.New(), want: hash}, nil
}

// Read returns the whole verified content. One of more than limit bytes is
// postroom.Invalid; 0 is no limit.
func (s *Store) Read(hash string, limit int64) (content []byte, err error) {
	r, err := s.OpenVerified(hash)
	if err != nil {
		return nil, err
	}
	defer r.Close()
	size, err := s.Size(hash)
	if err != nil {
		return nil, err
	}
	if limit > 0 && size > limit {
		return nil, postroom.Errorf(postroom.Invalid, "The file has %d bytes; at most %d can be read here.", size, limit)
	}
	defer translate(&err, "read the blob %.12s", hash)
	buf := bytes.NewBuffer(make([]byte, 0, size+bytes.MinRead))
	_, err = buf.ReadFrom(r)
	return buf.Bytes(), err
}

// verified reads a file and looks at its end whether it was the right one.
type verified struct {
	f    *os.File
	sum  hash.Hash
	want string
}

func (v *verified) Read(p []byte) (int, error) {
	n, err := v.f.Read(p)
	v.sum.Write(p[:n])
	if err == io.EOF && hex.EncodeToString(v.sum.Sum(nil)) != v.want {
		err = postroom.Errorf(postroom.Internal, "The file of the blob %.12s is damaged on the disk.", v.want)
	}
	return n, err
}

func (v *verified) Close() error { return v.f.Close() }

// Size returns how many bytes a blob has; postroom.NotFound if it is not
// there.
func (s *Store) Size(hash string) (size int64, err error) {
	defer translate(&err, "look for the blob %.12s", hash)
	if err := check(hash); err != nil {
		return 0, err
	}
	info, err := os.Stat(s.path(hash))
	if err != nil {
		return 0, err
	}
	return info.Size(), nil
}

// Has says whether a blob is there.
func (s *Store) Has(hash string) (bool, error) {
	_, err := s.Size(hash)
	if postroom.CodeOf(err) == postroom.NotFound {
		return false, nil
	}
	return err == nil, err
}

// Delete removes a blob; one that is not there is no error. Who removes what
// nothing refers to must leave what is young (see Walk): somebody may have
// put it and be about to refer to it.
func (s *Store) Delete(hash string) (err error) {
	defer translate(&err, "delete the blob %.12s", hash)
	if err := check(hash); err != nil {
		return err
	}
	if err := os.Remove(s.path(hash)); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}

// DeleteOld removes a blob that was last put longer ago than an age, and
// reports whether it is gone; a younger one stays.
func (s *Store) DeleteOld(hash string, age time.Duration) (gone bool, err error) {
	defer translate(&err, "delete the blob %.12s", hash)
	if err := check(hash); err != nil {
		return false, err
	}
	info, err := os.Stat(s.path(hash))
	if errors.Is(err, fs.ErrNotExist) {
		return true, nil
	}
	if err != nil || time.Since(info.ModTime()) < age {
		return false, err
	}
	return true, s.Delete(hash)
}

// Walk calls fn for each blob, in the order of the hashes, with the time it
// was last put. It ends with the first error of fn. Blobs put or deleted
// meanwhile may or may not be met.
func (s *Store) Walk(ctx context.Context, fn func(ref Ref, put time.Time) error) (err error) {
	defer translate(&err, "walk the blob store")
	for i := range 256 {
		entries, err := os.ReadDir(filepath.Join(s.dir, fmt.Sprintf("%02x", i)))
		if errors.Is(err, fs.ErrNotExist) {
			continue // no blob has made it yet
		}
		if err != nil {
			return err
		}
		for _, e := range entries {
			if err := ctx.Err(); err != nil {
				return err
			}
			if check(e.Name()) != nil {
				continue // nothing of ours
			}
			info, err := e.Info()
			if errors.Is(err, fs.ErrNotExist) {
				continue
			}
			if err != nil {
				return err
			}
			if err := fn(Ref{Hash: e.Name(), Size: info.Size()}, info.ModTime()); err != nil {
				return err
			}
		}
	}
	return nil
}

func (s *Store) folder(hash string) string { return filepath.Join(s.dir, hash[:2]) }
func (s *Store) path(hash string) string   { return filepath.Join(s.dir, hash[:2], hash) }

// check refuses what is no hash, so that a name from outside never becomes
// another path.
func check(hash string) error {
	if len(hash) != 2*sha256.Size || strings.Trim(hash, "0123456789abcdef") != "" {
		return postroom.Errorf(postroom.NotFound, "There is no such file.")
	}
	return nil
}

func syncFolder(dir string) error {
	f, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(f.Sync(), f.Close())
}

// translate gives a fault of the file system its code and context.
func translate(err *error, format string, args ...any) {
	if *err == nil {
		return
	}
	if _, ok := errors.AsType[*postroom.Error](*err); ok {
		return
	}
	text := ""
	switch {
	case errors.Is(*err, fs.ErrNotExist):
		*err = &postroom.Error{Code: postroom.NotFound, Text: "There is no such file.", Err: *err}
	case errors.Is(*err, syscall.ENOSPC), errors.Is(*err, syscall.EDQUOT):
		text = "The disk is full: files of mails can no longer be kept."
	case errors.Is(*err, fs.ErrPermission), errors.Is(*err, syscall.EROFS):
		text = "The folder for the files of mails may not be written to."
	case errors.Is(*err, syscall.EMFILE), errors.Is(*err, syscall.ENFILE):
		text = "Too many files are open; one more cannot be opened at the moment."
	case errors.Is(*err, syscall.EIO):
		text = "The disk with the files of mails reports an error."
	}
	if text != "" {
		*err = &postroom.Error{Code: postroom.Unavailable, Text: text, Err: *err}
	}
	postroom.Wrap(err, format, args...)
}
