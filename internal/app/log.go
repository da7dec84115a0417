package app

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"strings"
	"time"

	"postroom/internal/config"
	"postroom/internal/store"
)

// NewLog returns the log as the settings want it. Times are UTC.
func NewLog(w io.Writer, place config.Place) *slog.Logger {
	var level slog.Level
	if err := level.UnmarshalText([]byte(place.LogLevel)); err != nil {
		level = slog.LevelInfo
	}
	options := &slog.HandlerOptions{Level: level, ReplaceAttr: func(groups []string, a slog.Attr) slog.Attr {
		if len(groups) == 0 && a.Key == slog.TimeKey {
			a.Value = slog.StringValue(a.Value.Time().UTC().Format("2006-01-02T15:04:05.000Z"))
		}
		if a.Value.Kind() == slog.KindDuration {
			a.Value = slog.StringValue(a.Value.Duration().Round(time.Microsecond).String())
		}
		return a
	}}
	if place.LogFormat == "json" {
		return slog.New(slog.NewJSONHandler(w, options))
	}
	return slog.New(slog.NewTextHandler(w, options))
}

// troubleLog passes records on, and notes warnings and worse for the system
// log that admins read. It never blocks: what comes faster than it can be
// written is counted and left out.
type troubleLog struct {
	slog.Handler
	attrs []slog.Attr
	group string
	out   chan<- store.LogEntry
}

// troublesKept is how many records wait to be written at most.
const troublesKept = 256

// Handle implements slog.Handler.
func (h *troubleLog) Handle(ctx context.Context, r slog.Record) error {
	if r.Level >= slog.LevelWarn {
		e := store.LogEntry{Level: store.LevelWarning, Area: store.AreaProgram, Words: r.Message}
		if r.Level >= slog.LevelError {
			e.Level = store.LevelError
		}
		var details strings.Builder
		note := func(a slog.Attr) bool {
			fmt.Fprintf(&details, "%s%s: %v\n", h.group, a.Key, a.Value)
			return true
		}
		for _, a := range h.attrs {
			note(a)
		}
		r.Attrs(note)
		e.Details = strings.TrimSpace(details.String())
		select {
		case h.out <- e:
		default:
		}
	}
	if !h.Handler.Enabled(ctx, r.Level) {
		return nil
	}
	return h.Handler.Handle(ctx, r)
}

// Enabled implements slog.Handler: a warning is noted even where the program's
// own log is set to leave it out.
func (h *troubleLog) Enabled(ctx context.Context, l slog.Level) bool {
	return l >= slog.LevelWarn || h.Handler.Enabled(ctx, l)
}

// WithAttrs implements slog.Handler.
func (h *troubleLog) WithAttrs(attrs []slog.Attr) slog.Handler {
	c := *h
	c.Handler, c.attrs = h.Handler.WithAttrs(attrs), append(h.attrs[:len(h.attrs):len(h.attrs)], attrs...)
	return &c
}

// WithGroup implements slog.Handler.
func (h *troubleLog) WithGroup(name string) slog.Handler {
	c := *h
	c.Handler, c.group = h.Handler.WithGroup(name), h.group+name+"."
	return &c
}

// keepTroubles writes what was noted until ctx ends. What cannot be written,
// because the database is the trouble, is in the program's log.
func (a *App) keepTroubles(ctx context.Context, in <-chan store.LogEntry) {
	for {
		select {
		case <-ctx.Done():
			return
		case e := <-in:
			batch := []store.LogEntry{e}
			for len(batch) < 50 && len(in) > 0 {
				batch = append(batch, <-in)
			}
			_ = a.store.Write(ctx, func(t *store.Tx) error {
				for _, e := range batch {
					if err := t.Log(ctx, e); err != nil {
						return err
					}
				}
				return nil
			})
		}
	}
}
