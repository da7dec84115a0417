package desktest

import (
	"net"
	"strconv"
	"strings"
	"time"

	"postroom"
	"postroom/internal/incoming"
	"postroom/internal/store"
	"postroom/internal/wire/imap"
	"postroom/internal/work"
)

// keeper makes the incoming connections, which nothing holds unless a test runs
// them, and returns their work.
func (d *Desk) keeper() []work.Kind {
	d.Keeper = incoming.New(incoming.Options{Tokens: d.SignIns, Store: d.Store, Desk: d.Desk, Outbox: d.Outbox, Blobs: d.Blobs, Alarms: d.Alarms, TLS: d.Office.ClientTLS(),
		Lease: 3 * time.Second, Poll: 50 * time.Millisecond, Timeouts: imap.Timeouts{Connect: 10 * time.Second, Silence: 10 * time.Second, Idle: 100 * time.Millisecond}})
	d.T.Cleanup(d.Keeper.Close)
	return d.Keeper.Kinds()
}

// FetchesBy gives the first mailbox an incoming connection to the post office's
// account of its address; change may be nil.
func (d *Desk) FetchesBy(change func(*postroom.Incoming)) {
	d.T.Helper()
	host, port, err := net.SplitHostPort(d.Office.IMAPAddr())
	d.must(err)
	n, err := strconv.Atoi(port)
	d.must(err)
	in := &postroom.Incoming{MailboxID: d.Mailbox.ID, On: true, Host: host, Port: n, Security: "starttls", Auth: "password", Username: d.Mailbox.Address, Password: "postoffice",
		Folders: []string{"INBOX"}, After: postroom.AfterLeave, Older: postroom.OlderNone, Copies: postroom.CopiesNo}
	if was, err := d.Store.Read().Incoming(d.Ctx, d.Mailbox.ID); err == nil {
		*in = was.Incoming
	}
	if change != nil {
		change(in)
	}
	d.Write(func(tx *store.Tx) error { return tx.SaveIncoming(d.Ctx, in, d.Store.Now()) })
	d.Keeper.Wake()
}

// LiesIn puts a letter into a folder of the first mailbox's account, as
// received now.
func (d *Desk) LiesIn(folder string, l Letter) {
	d.T.Helper()
	d.must(d.Office.Put(d.Mailbox.Address, folder, []byte(strings.ReplaceAll(d.Raw(l), "\n", "\r\n")), d.Clock.Now()))
}

// Fetch reads the first mailbox's folders once and does the work.
func (d *Desk) Fetch() error {
	d.T.Helper()
	err := d.Keeper.Once(d.Ctx, d.Mailbox.ID)
	d.Settle()
	return err
}

// Connection returns the first mailbox's incoming connection and how far its
// folders were read.
func (d *Desk) Connection() (*store.Incoming, []store.IncomingFolder) {
	d.T.Helper()
	in, err := d.Store.Read().Incoming(d.Ctx, d.Mailbox.ID)
	d.must(err)
	folders, err := d.Store.Read().IncomingFolders(d.Ctx, d.Mailbox.ID)
	d.must(err)
	return in, folders
}

// Must fails the test with an error.
func (d *Desk) Must(err error) {
	d.T.Helper()
	d.must(err)
}

// MoveOn lets the clock go with the time from now on: for what really waits.
func (d *Desk) MoveOn() {
	began, at := time.Now(), d.Clock.Now()
	tick := time.NewTicker(time.Millisecond)
	done := make(chan struct{})
	d.T.Cleanup(func() { close(done) })
	go func() {
		defer tick.Stop()
		for {
			select {
			case <-done:
				return
			case <-tick.C:
				d.Clock.Set(at.Add(time.Since(began)).UnixMilli())
			}
		}
	}()
}
