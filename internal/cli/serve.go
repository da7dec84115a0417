package cli

import (
	"context"
	"errors"

	"postroom"
	"postroom/internal/app"
	"postroom/internal/app/sandbox"
	"postroom/internal/config"
)

type serveCommand struct {
	config.Settings
}

// Run runs a desk until it is asked to stop.
func (c *serveCommand) Run(s *Surroundings) error {
	if err := c.Check(); err != nil {
		return err
	}
	a, err := app.Open(s.Context, &c.Settings, app.Options{Log: log(s, c.Place), Sandbox: sandbox.New})
	if err != nil {
		return err
	}
	a.Start()
	return wait(s, a, &c.Settings)
}

// wait waits until the program is asked to stop, or something in it ended by
// itself, and stops the desk.
func wait(s *Surroundings, a *app.App, settings *config.Settings) error {
	var cause error
	select {
	case <-s.Context.Done():
	case cause = <-a.Failed():
	}
	ctx, cancel := context.WithTimeout(context.Background(), settings.StopTimeout)
	defer cancel()
	err := a.Stop(ctx)
	if errors.Is(err, context.DeadlineExceeded) {
		// What was handed back goes on at the next start: nothing is wrong.
		log(s, settings.Place).Warn("stopped before everything had ended; the rest goes on at the next start", "error", err)
		err = nil
	}
	return errors.Join(cause, err)
}

var errNoPassword = postroom.InvalidField("password", "There is no password on the standard input.")
