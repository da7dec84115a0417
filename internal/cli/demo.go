package cli

import (
	"context"
	"errors"
	"fmt"
	"time"

	"postroom/internal/app"
	"postroom/internal/app/demo"
	"postroom/internal/config"
)

type demoCommand struct {
	Data     string `placeholder:"FOLDER" help:"Keep the demo in this folder, to go on with it later. Without it: a throw-away folder."`
	HTTP     string `placeholder:"ADDRESS" help:"Where browsers are answered; of this machine only. Without it: localhost:8080, or a free port if that is in use."`
	LogLevel string `default:"warn" enum:"debug,info,warn,error" help:"The least important thing that is logged: debug, info, warn or error."`
}

// Run runs the demo until it is asked to stop.
func (c *demoCommand) Run(s *Surroundings) error {
	fmt.Fprintln(s.Stdout, "Preparing a sample desk …")
	d, err := demo.Open(s.Context, demo.Options{Data: c.Data, HTTP: c.HTTP, Log: app.NewLog(s.Stderr, config.Place{LogLevel: c.LogLevel})})
	if err != nil {
		return err
	}
	d.Start()
	fmt.Fprintf(s.Stdout, "\nBrightwater Cycles is open:   %s\n\nSign in as\n", d.URL())
	for _, in := range demo.SignIns() {
		fmt.Fprintf(s.Stdout, "  %-28s %s   (%s, %s)\n", in.Address, in.Password, in.Name, in.Role)
	}
	fmt.Fprintf(s.Stdout, "\nThe customers and their mail: %s/demo/customers\nNothing leaves this machine. Ctrl+C ends the demo.\n", d.URL())
	select {
	case <-s.Context.Done():
	case err = <-d.Failed():
	}
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	stopErr := d.Stop(ctx)
	if errors.Is(stopErr, context.DeadlineExceeded) {
		stopErr = nil // what was under way is thrown away with the rest
	}
	return errors.Join(err, stopErr)
}
