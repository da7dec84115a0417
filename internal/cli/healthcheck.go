package cli

import (
	"errors"
	"fmt"
	"strings"

	"postroom/internal/config"
)

type healthcheckCommand struct {
	config.Place
	Quiet bool `short:"q" help:"Say nothing, only exit."`
}

// Run asks the running desk how it is.
func (c *healthcheckCommand) Run(s *Surroundings) error {
	o, err := operator(s, c.Place)
	if err != nil {
		return err
	}
	h, err := o.Health(s.Context)
	switch {
	case err != nil && c.Quiet:
		return exitError{exitFailed, errors.New("not running")}
	case err != nil:
		return err
	case !h.OK:
		return errors.New("the desk runs, but " + strings.Join(h.Faults, " and "))
	}
	if !c.Quiet {
		fmt.Fprintf(s.Stdout, "The desk is well: version %s on %s, since %s, %d open alarms.\n", h.Version, h.Database, h.Since, h.Alarms)
	}
	return nil
}
