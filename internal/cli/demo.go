package cli

import (
	"postroom"
)

type demoCommand struct {
	Data string `placeholder:"FOLDER" help:"Keep the demo in this folder, to go on with it later. Without it: a throw-away folder."`
	HTTP string `default:"localhost:8080" env:"POSTROOM_HTTP" placeholder:"ADDRESS" help:"Where browsers are answered; of this machine only."`
}

// Run runs the demo until it is asked to stop.
func (c *demoCommand) Run(*Surroundings) error {
	return postroom.Errorf(postroom.Unavailable, "The demo is being built")
}
