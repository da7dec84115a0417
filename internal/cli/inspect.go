package cli

import (
	"fmt"
	"io"
	"os"

	"postroom/internal/app"
	"postroom/internal/config"
)

type inspectCommand struct {
	config.Place
	File []string `arg:"" name:"file" help:"Files with one mail each; '-' is the standard input."`
}

// Run prints a line of JSON for each mail. Those that cannot be read have an
// error in their line, and the exit code is then 65.
func (c *inspectCommand) Run(s *Surroundings) error {
	bad := 0
	for _, name := range c.File {
		one := c.one(s, name)
		if one.Error != "" {
			bad++
		}
		if err := app.WriteInspection(s.Stdout, one); err != nil {
			return err
		}
		if err := s.Context.Err(); err != nil {
			return err
		}
	}
	if bad > 0 {
		return exitError{exitData, fmt.Errorf("%d of %d mails could not be read", bad, len(c.File))}
	}
	return nil
}

func (c *inspectCommand) one(s *Surroundings, name string) app.Inspection {
	operator := app.Operator{Place: c.Place}
	if name == "-" {
		return operator.Inspect(s.Context, name, s.Stdin)
	}
	f, err := os.Open(name)
	if err != nil {
		return operator.Inspect(s.Context, name, faulty{err})
	}
	defer f.Close()
	return operator.Inspect(s.Context, name, f)
}

// faulty is a file that cannot even be opened: reading it says why.
type faulty struct{ err error }

var _ io.Reader = faulty{}

// Read returns the error.
func (f faulty) Read([]byte) (int, error) { return 0, f.err }
