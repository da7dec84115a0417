package cli

import (
	"errors"
	"fmt"

	"postroom/internal/config"
)

type doctorCommand struct {
	config.Place
}

// Run looks at everything a desk needs and prints a line for each.
func (c *doctorCommand) Run(s *Surroundings) error {
	o, err := operator(s, c.Place)
	if err != nil {
		return err
	}
	bad := 0
	for _, f := range o.Examine(s.Context) {
		mark := "ok   "
		if f.Bad {
			mark, bad = "WRONG", bad+1
		}
		fmt.Fprintf(s.Stdout, "%s  %-12s %s\n", mark, f.Name, f.Words)
	}
	if bad > 0 {
		return errors.New("something is wrong, see above")
	}
	return nil
}
