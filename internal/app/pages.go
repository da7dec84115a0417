package app

import "net/http"

// Demo is what the demo adds to the pages.
type Demo interface{}

// pages makes the handler for browsers.
func (a *App) pages() (http.Handler, error) {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /healthz", a.healthz)
	return mux, nil
}
