package app

import (
	"context"
	"log/slog"
	"os"
	"path/filepath"
	"time"

	"postroom/internal/automate"
	"postroom/internal/blob"
	"postroom/internal/store"
	"postroom/internal/web"
)

// Ground is what a sandbox is made from, and stands in.
type Ground struct {
	Store     *store.Store
	Blobs     *blob.Store
	Workflows *automate.Workflows
	Dir       string // the folder that the sandbox has for itself
	Name      string // of the desk
	PublicURL string
	MaxUpload int64
	Days      int    // after how many days unused it is thrown away; 0: never
	Host      string // the name of this process among others; "" where it is the only one
	Publish   func(keys ...string)
	Log       *slog.Logger
	Now       func() time.Time // the desk's clock
}

// Sandbox is a sandbox that this process keeps.
type Sandbox interface {
	web.Sandbox
	// Tend keeps it until ctx ends.
	Tend(ctx context.Context)
	// Close ends it; it stays as it is until it is opened again.
	Close() error
}

// openSandbox makes what keeps the desk's sandbox, if there is to be one.
func (a *App) openSandbox() {
	if a.options.Sandbox == nil {
		return
	}
	host := ""
	if a.place.Postgres() {
		name, _ := os.Hostname()
		dir, err := filepath.Abs(a.place.Data)
		if err != nil {
			dir = a.place.Data
		}
		host = name + ":" + dir
	}
	a.sandbox = a.options.Sandbox(Ground{Store: a.store, Blobs: a.blobs, Workflows: a.automate, Dir: filepath.Join(a.place.Data, "sandbox"), Name: a.settings.Name,
		PublicURL: a.settings.Public(), MaxUpload: int64(a.settings.MaxUpload), Days: a.settings.SandboxDays, Host: host, Publish: a.hub.Publish, Log: a.log, Now: func() time.Time { return time.UnixMilli(a.store.Now()) }})
}

// playground is the sandbox as the pages want it, nil for none.
func (a *App) playground() web.Sandbox {
	if a.sandbox == nil {
		return nil
	}
	return a.sandbox
}
