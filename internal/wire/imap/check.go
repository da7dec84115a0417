package imap

import (
	"context"
	"slices"
)

// Seen is what Check saw on a server.
type Seen struct {
	Greeting     string // the server's first line
	TLS          string // "TLS 1.3", "" for none
	Capabilities []string
	Idle         bool     // the server tells of new mail by itself; otherwise it is asked each minute
	Folders      []Folder // by name
	Sent         string   // the folder for sent mail, "" if none can be found
	Folder       string   // the one that was opened
	Status       Status   // of that folder
}

// Check connects to a server, signs in, opens a folder so that nothing in it
// can change, and returns what it saw. folder "" is INBOX. The error is a
// *Fault, whose Error is a sentence for people with the server's own words and
// never the password, or ctx's cause if ctx ended first. It takes at most the
// server's timeouts; bound it more with ctx.
func Check(ctx context.Context, s Server, folder string) (*Seen, error) {
	c, err := Dial(ctx, s)
	if err != nil {
		return nil, err
	}
	defer c.Close()
	if folder == "" {
		folder = "INBOX"
	}
	seen := &Seen{Greeting: c.Greeting, TLS: c.TLS, Capabilities: c.Capabilities(), Idle: c.Has("IDLE"), Folder: folder}
	slices.Sort(seen.Capabilities)
	if seen.Folders, err = c.Folders(ctx); err != nil {
		return nil, err
	}
	if seen.Sent, err = c.FolderFor(ctx, "sent"); err != nil {
		return nil, err
	}
	if seen.Status, err = c.Open(ctx, folder, false); err != nil {
		return nil, err
	}
	return seen, nil
}
