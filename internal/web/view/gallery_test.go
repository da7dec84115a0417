//go:build gallery

package view_test

import (
	"net/http"
	"os"
	"strings"
	"testing"

	"postroom/internal/web/ui"
	"postroom/internal/web/view"
)

// TestGallery serves every page with the sample desk, under the policy of the
// real pages, to be looked at in a browser:
//
//	GALLERY=127.0.0.1:8099 go test -tags gallery -run Gallery -timeout 0 ./internal/web/view
func TestGallery(t *testing.T) {
	address := os.Getenv("GALLERY")
	if address == "" {
		t.Skip("GALLERY is not set")
	}
	assets, err := ui.New()
	if err != nil {
		t.Fatal(err)
	}
	pages := samples()
	mux := http.NewServeMux()
	mux.Handle("GET /assets/", assets)
	mux.HandleFunc("GET /gallery/{name}", func(w http.ResponseWriter, r *http.Request) {
		name, dark := strings.CutSuffix(r.PathValue("name"), ".dark")
		page := pages[name]
		if page == nil {
			http.NotFound(w, r)
			return
		}
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		w.Header().Set("Content-Security-Policy", view.ContentSecurityPolicy)
		var b strings.Builder
		if err := page.Render(r.Context(), &b); err != nil {
			t.Error(err)
		}
		out := b.String()
		if dark {
			out = strings.ReplaceAll(out, `data-theme="system"`, `data-theme="dark"`)
		} else {
			out = strings.ReplaceAll(out, `data-theme="system"`, `data-theme="light"`)
		}
		_, _ = w.Write([]byte(out))
	})
	body := func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		w.Header().Set("Content-Security-Policy", view.BodyPolicy(false))
		_ = pages["body"].Render(r.Context(), w)
	}
	mux.HandleFunc("GET /messages/{id}/body", body)
	mux.HandleFunc("GET /mails/{id}/html", body)
	mux.HandleFunc("GET /demo/customers/{address}/mails/{n}/html", body)
	mux.HandleFunc("GET /folders/{folder}", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		w.Header().Set("Content-Security-Policy", view.ContentSecurityPolicy)
		_ = pages["list-frame"].Render(r.Context(), w)
	})
	mux.HandleFunc("GET /palette", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		_ = pages["palette"].Render(r.Context(), w)
	})
	mux.HandleFunc("GET /attachments/{id}/{name}", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "image/svg+xml")
		_, _ = w.Write([]byte(`<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 40 30"><rect width="40" height="30" fill="#b9c4d8"/><circle cx="20" cy="16" r="9" fill="#6d7f9e"/></svg>`))
	})
	t.Log(http.ListenAndServe(address, mux))
}
