package cli

import (
	"context"
	"time"

	"postroom"
	"postroom/internal/app"
	"postroom/internal/config"
)

type ingestCommand struct {
	config.Place
	Sender    string   `placeholder:"ADDRESS" help:"The envelope sender, as the mail server knows it; empty for a bounce."`
	Mailbox   string   `placeholder:"ADDRESS" help:"The mailbox that the mail is for, if it is not told as a recipient."`
	Recipient []string `arg:"" optional:"" help:"The envelope recipients. Without any the mail's own headers say where it belongs."`
}

// Run keeps the mail on standard input. The exit code is 0 when it is on the
// disk, 75 when it was not kept and the mail server should try again, and 65
// when it never can be: empty or too large.
func (c *ingestCommand) Run(s *Surroundings) error {
	to := c.Recipient
	if c.Mailbox != "" {
		to = append([]string{c.Mailbox}, to...)
	}
	sender := c.Sender
	if sender == "<>" {
		sender = ""
	}
	if err := app.Ingest(c.Place, app.Envelope{From: sender, To: to}, s.Stdin); err != nil {
		if postroom.CodeOf(err) == postroom.Invalid {
			return exitError{exitData, err}
		}
		return exitError{exitTryLater, err}
	}
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	app.Operator{Place: c.Place}.Poke(ctx)
	return nil
}
