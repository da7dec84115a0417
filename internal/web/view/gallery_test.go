//go:build gallery

package view_test

import (
	"net/http"
	"os"
	"testing"
)

// TestGallery serves every page with the sample desk, under the policy of the
// real pages, to be looked at in a browser at /gallery/NAME, with ?theme=dark
// in the dark one:
//
//	GALLERY=127.0.0.1:8099 go test -tags gallery -run Gallery -timeout 0 ./internal/web/view
func TestGallery(t *testing.T) {
	address := os.Getenv("GALLERY")
	if address == "" {
		t.Skip("GALLERY is not set")
	}
	t.Log(http.ListenAndServe(address, gallery(t)))
}
