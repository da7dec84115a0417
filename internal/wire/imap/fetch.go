package imap

import (
	"context"
	"fmt"
	"io"
	"time"

	"github.com/emersion/go-imap/v2"
	"github.com/emersion/go-imap/v2/imapclient"
)

// Head is what is known of a mail before it is fetched.
type Head struct {
	UID  uint32
	Size int64     // in bytes, as the server counts; 0 if it does not say
	At   time.Time // when the server received it; zero if it does not say
}

// Heads asks for the sizes and dates of mails of the open folder. Mails that
// are gone by now are missing from the answer; the order is the server's.
func (c *Conn) Heads(ctx context.Context, uids []uint32) ([]Head, error) {
	if len(uids) == 0 {
		return nil, nil
	}
	var out []Head
	err := c.do(ctx, StepRead, func() error {
		list, err := c.client.Fetch(uidSet(uids), &imap.FetchOptions{UID: true, RFC822Size: true, InternalDate: true}).Collect()
		for _, m := range list {
			out = append(out, Head{UID: uint32(m.UID), Size: m.RFC822Size, At: m.InternalDate})
		}
		return err
	})
	return out, c.fetching(err)
}

// Headers reads some header fields of mails of the open folder without marking
// them as read, and calls f for each mail in the server's order with those it
// has. f must not use the connection. Mails that are gone by now are left out.
func (c *Conn) Headers(ctx context.Context, uids []uint32, fields []string, f func(uid uint32, header []byte)) error {
	if len(uids) == 0 {
		return nil
	}
	section := &imap.FetchItemBodySection{Peek: true, Specifier: imap.PartSpecifierHeader, HeaderFields: fields}
	err := c.do(ctx, StepRead, func() error {
		cmd := c.client.Fetch(uidSet(uids), &imap.FetchOptions{UID: true, BodySection: []*imap.FetchItemBodySection{section}})
		for m := cmd.Next(); m != nil; m = cmd.Next() {
			raw, whole, err := readMail(m, maxHeader)
			if err != nil {
				cmd.Close()
				return err
			}
			if whole {
				f(raw.UID, raw.Bytes)
			}
		}
		return cmd.Close()
	})
	return c.fetching(err)
}

// maxHeader is how much of some header fields of one mail is read, in bytes.
const maxHeader = 256 << 10

// Raw is a fetched mail.
type Raw struct {
	UID   uint32
	Bytes []byte
	Cut   bool // there is more than Bytes: it was longer than asked for
}

// Fetch reads mails of the open folder without marking them as read, at most
// limit bytes of each, and calls f for each in the server's order. f must not
// use the connection. Mails that are gone by now are left out.
func (c *Conn) Fetch(ctx context.Context, uids []uint32, limit int64, f func(Raw)) error {
	if len(uids) == 0 {
		return nil
	}
	section := &imap.FetchItemBodySection{Peek: true}
	if limit > 0 {
		section.Partial = &imap.SectionPartial{Offset: 0, Size: limit}
	}
	err := c.do(ctx, StepRead, func() error {
		cmd := c.client.Fetch(uidSet(uids), &imap.FetchOptions{UID: true, BodySection: []*imap.FetchItemBodySection{section}})
		for m := cmd.Next(); m != nil; m = cmd.Next() {
			raw, whole, err := readMail(m, limit)
			if err != nil {
				cmd.Close()
				return err
			}
			if whole {
				f(raw)
			}
		}
		return cmd.Close()
	})
	return c.fetching(err)
}

// readMail reads one answer to FETCH; whole is false if it has no text, as a
// mere change of flags.
func readMail(m *imapclient.FetchMessageData, limit int64) (raw Raw, whole bool, err error) {
	for item := m.Next(); item != nil; item = m.Next() {
		switch x := item.(type) {
		case imapclient.FetchItemDataUID:
			raw.UID = uint32(x.UID)
		case imapclient.FetchItemDataBodySection:
			if x.Literal == nil {
				continue
			}
			// A server that does not keep to the part that was asked for
			// must not fill our memory.
			size := x.Literal.Size()
			if limit > 0 && size > limit {
				raw.Cut = true
			}
			reader := io.Reader(x.Literal)
			if limit > 0 {
				reader = io.LimitReader(x.Literal, limit)
			}
			if raw.Bytes, err = io.ReadAll(reader); err != nil {
				return raw, false, err
			}
			if _, err = io.Copy(io.Discard, x.Literal); err != nil {
				return raw, false, err
			}
			raw.Cut = raw.Cut || limit > 0 && size == limit
			whole = true
		}
	}
	return raw, whole && raw.UID != 0, nil
}

func (c *Conn) fetching(err error) error {
	if f, ok := err.(*Fault); ok && f.Refused {
		f.Text = "The server " + c.address + " does not give out the mails of the folder “" + line(c.open) + "”"
	}
	return err
}

func uidSet(uids []uint32) imap.UIDSet {
	var set imap.UIDSet
	for _, uid := range uids {
		set.AddNum(imap.UID(uid))
	}
	return set
}

// Wait returns when the open folder may have changed, when the time is over, or
// with ctx's cause. With IDLE (RFC 2177) the server tells; without it Wait only
// waits and then asks whether the server is still there. A server that does not
// answer then is a Fault.
func (c *Conn) Wait(ctx context.Context, longest time.Duration) error {
	if c.Has("IDLE") {
		return c.idle(ctx, min(longest, c.server.Timeouts.Idle))
	}
	if err := c.rest(ctx, longest); err != nil {
		return err
	}
	return c.do(ctx, StepRead, func() error { return c.client.Noop().Wait() })
}

// Told reports whether the last Wait ended because the server told of a
// change.
func (c *Conn) Told() bool { return c.told }

// rest waits until the folder has changed, the connection ends or the time is
// over.
func (c *Conn) rest(ctx context.Context, longest time.Duration) error {
	timer := time.NewTimer(longest)
	defer timer.Stop()
	c.told = false
	select {
	case <-ctx.Done():
	case <-c.changed:
		c.told = true
	case <-c.client.Closed():
	case <-timer.C:
	}
	if ctx.Err() != nil { // which may have closed the connection
		return context.Cause(ctx)
	}
	return nil
}

// partingTime bounds the end of an IDLE when nobody wants the connection any
// more.
const partingTime = 2 * time.Second

// idle waits within one IDLE. The server must answer when it ends: that is how
// a peer is noticed which went without a word.
func (c *Conn) idle(ctx context.Context, longest time.Duration) error {
	var cmd *imapclient.IdleCommand
	err := c.do(ctx, StepRead, func() (err error) {
		cmd, err = c.client.Idle()
		return err
	})
	if err != nil {
		return c.waiting(err)
	}
	// Whoever must end it in the middle says DONE; a connection that is closed
	// under it would do as well, but servers note that as a fault of ours.
	waited := c.rest(ctx, longest)
	if waited != nil {
		// The program stops: it waits for the server's yes, but not for long.
		timer := time.AfterFunc(partingTime, func() { c.watched.Conn.Close() })
		defer timer.Stop()
	}
	err = c.do(context.WithoutCancel(ctx), StepRead, func() error {
		if err := cmd.Close(); err != nil {
			return err
		}
		return cmd.Wait()
	})
	if waited != nil {
		return waited
	}
	return c.waiting(err)
}

func (c *Conn) waiting(err error) error {
	if f, ok := err.(*Fault); ok && f.Refused {
		f.Text = "The server " + c.address + " does not let us wait for mail"
	}
	return err
}

// MarkSeen marks mails of the open folder as read. UIDs that are gone are no
// error.
func (c *Conn) MarkSeen(ctx context.Context, uids []uint32) error {
	if len(uids) == 0 {
		return nil
	}
	err := c.do(ctx, StepWrite, func() error {
		return c.client.Store(uidSet(uids), &imap.StoreFlags{Op: imap.StoreFlagsAdd, Silent: true, Flags: []imap.Flag{imap.FlagSeen}}, nil).Close()
	})
	return c.writing(err, "marked as read")
}

// Move moves mails of the open folder into another. UIDs that are gone are no
// error. Without MOVE (RFC 6851) they are copied and expunged, which needs
// UIDPLUS: a plain EXPUNGE would take what others have marked along.
func (c *Conn) Move(ctx context.Context, uids []uint32, to string) error {
	if len(uids) == 0 {
		return nil
	}
	if !c.Has("MOVE") && !c.Has("UIDPLUS") {
		return &Fault{Step: StepWrite, Server: c.address, Refused: true, Text: "The server " + c.address + " can neither move mails (MOVE) nor remove single ones (UIDPLUS)"}
	}
	err := c.do(ctx, StepWrite, func() error {
		_, err := c.client.Move(uidSet(uids), to).Wait()
		return err
	})
	return c.writing(err, fmt.Sprintf("moved to the folder “%s”", line(to)))
}

func (c *Conn) writing(err error, what string) error {
	if f, ok := err.(*Fault); ok && f.Refused {
		f.Text = "Fetched mails cannot be " + what + " on " + c.address
	}
	return err
}

// Stored says where a copy lies. Both numbers are 0 if the server does not tell
// (APPENDUID, RFC 4315).
type Stored struct{ UIDValidity, UID uint32 }

// Append puts a mail into a folder, marked as read.
func (c *Conn) Append(ctx context.Context, folder string, raw []byte, at time.Time) (Stored, error) {
	var out Stored
	err := c.do(ctx, StepWrite, func() error {
		cmd := c.client.Append(folder, int64(len(raw)), &imap.AppendOptions{Flags: []imap.Flag{imap.FlagSeen}, Time: at})
		_, err := cmd.Write(raw)
		if closed := cmd.Close(); err == nil {
			err = closed
		}
		data, waited := cmd.Wait()
		if waited != nil {
			err = waited // the server's no is why writing failed
		}
		if err == nil {
			out = Stored{UIDValidity: data.UIDValidity, UID: uint32(data.UID)}
		}
		return err
	})
	if f, ok := err.(*Fault); ok && f.Refused {
		f.Text = "The folder “" + line(folder) + "” on " + c.address + " does not take a copy"
	}
	return out, err
}
