package cli

import (
	"fmt"

	"postroom/internal/config"
)

type migrateCommand struct {
	config.Place
}

// Run brings the schema up to date.
func (c *migrateCommand) Run(s *Surroundings) error {
	o, err := operator(s, c.Place)
	if err != nil {
		return err
	}
	done, err := o.Migrate(s.Context)
	if err != nil {
		return err
	}
	if len(done) == 0 {
		fmt.Fprintln(s.Stdout, "The database is up to date.")
		return nil
	}
	fmt.Fprintf(s.Stdout, "The database was brought up to date: %d changes, the last is number %d.\n", len(done), done[len(done)-1])
	return nil
}
