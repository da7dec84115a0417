package cli

import (
	"fmt"
	"runtime"

	"postroom/internal/app"
)

type versionCommand struct{}

// Run prints the version.
func (versionCommand) Run(s *Surroundings) error {
	_, err := fmt.Fprintf(s.Stdout, "postroom %s (%s, %s/%s)\n", app.Version(), runtime.Version(), runtime.GOOS, runtime.GOARCH)
	return err
}
