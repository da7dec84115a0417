package app

import (
	"strings"
	"testing"
)

// Heard returns a channel that is closed when this process's pages hear a
// key, whoever of them it is for.
func (a *App) Heard(t *testing.T, key string) <-chan struct{} {
	t.Helper()
	s := a.hub.Subscribe(func(k string) bool {
		k, _, _ = strings.Cut(k, "|")
		return k == key
	})
	t.Cleanup(s.Close)
	heard := make(chan struct{})
	go func() {
		select {
		case <-s.Ready():
			close(heard)
		case <-s.Done():
		}
	}()
	return heard
}
