// Command postroom is a help desk: run "postroom demo" to try it, and
// "postroom serve" to use it.
package main

import (
	"os"

	"postroom/internal/cli"
)

func main() { os.Exit(cli.Run(os.Args[1:], cli.Process())) }
