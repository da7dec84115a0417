package app

import (
	"context"

	"postroom/internal/auth"
	"postroom/internal/desk"
	"postroom/internal/directory"
	"postroom/internal/store"
)

// Rooms are the services of an open desk, for a program that embeds one: the
// demo, tests.
type Rooms struct {
	Store     *store.Store
	Desk      *desk.Desk
	Directory *directory.Directory
	Auth      *auth.Auth
	// Settle does all work that is due now, on a desk that was not started.
	Settle func(context.Context) error
	// Fetch reads a mailbox's folders once, on a desk that was not started.
	Fetch func(ctx context.Context, mailbox int64) error
	// Publish tells open pages that the things with these keys changed.
	Publish func(keys ...string)
}

// Rooms returns the desk's services.
func (a *App) Rooms() Rooms {
	return Rooms{Store: a.store, Desk: a.desk, Directory: a.directory, Auth: a.auth, Settle: a.runner.Settle, Fetch: a.keeper.Once, Publish: a.hub.Publish}
}
