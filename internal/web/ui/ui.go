// Package ui holds the finished script and styles of our pages and serves
// them. The sources are beside it (src, css), tools/bundle makes dist of them,
// and dist is committed, so that a clean clone builds with Go alone.
package ui

import (
	"bytes"
	"compress/gzip"
	"embed"
	"io/fs"
	"mime"
	"net/http"
	"path"
	"strconv"
	"strings"
	"sync"
)

//go:embed dist
var dist embed.FS

// Assets serves the files of dist. Their names carry a hash of their content,
// so browsers may keep them for ever. It is safe for concurrent use.
type Assets struct {
	files map[string]*file
}

type file struct {
	plain []byte
	kind  string
	once  sync.Once
	gz    []byte // compressed at first use; nil where that saves nothing
}

// New reads the embedded files.
func New() (*Assets, error) {
	a := &Assets{files: map[string]*file{}}
	entries, err := fs.ReadDir(dist, "dist")
	if err != nil {
		return nil, err
	}
	for _, e := range entries {
		b, err := fs.ReadFile(dist, path.Join("dist", e.Name()))
		if err != nil {
			return nil, err
		}
		a.files[e.Name()] = &file{plain: b, kind: typeOf(e.Name())}
	}
	return a, nil
}

// typeOf names the types itself where the machine's table may be wrong:
// scripts of another type are refused under nosniff.
func typeOf(name string) string {
	switch path.Ext(name) {
	case ".js":
		return "text/javascript; charset=utf-8"
	case ".css":
		return "text/css; charset=utf-8"
	case ".svg":
		return "image/svg+xml"
	}
	return mime.TypeByExtension(path.Ext(name))
}

// ServeHTTP serves GET /assets/{file}: the last element of the path names the
// file. Everything else is 404.
func (a *Assets) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	f := a.files[path.Base(r.URL.Path)]
	if f == nil {
		http.NotFound(w, r)
		return
	}
	h := w.Header()
	h.Set("Content-Type", f.kind)
	h.Set("Cache-Control", "public, max-age=31536000, immutable")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Vary", "Accept-Encoding")
	b := f.plain
	if strings.Contains(r.Header.Get("Accept-Encoding"), "gzip") {
		if gz := f.compressed(); gz != nil {
			h.Set("Content-Encoding", "gzip")
			b = gz
		}
	}
	h.Set("Content-Length", strconv.Itoa(len(b)))
	if r.Method != http.MethodHead {
		_, _ = w.Write(b) // the browser is gone: nothing to do about it
	}
}

func (f *file) compressed() []byte {
	f.once.Do(func() {
		var b bytes.Buffer
		z, err := gzip.NewWriterLevel(&b, gzip.BestCompression)
		if err != nil {
			return
		}
		if _, err := z.Write(f.plain); err != nil || z.Close() != nil {
			return
		}
		if b.Len() < len(f.plain) {
			f.gz = b.Bytes()
		}
	})
	return f.gz
}
