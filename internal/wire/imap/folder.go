package imap

import (
	"context"
	"slices"
	"strings"
	"time"

	"github.com/emersion/go-imap/v2"
)

// Folder is a folder of an account.
type Folder struct {
	Name string
	// Use is what the folder is for, by its special-use attribute (RFC 6154)
	// in lower case without the backslash: "sent", "all", "drafts", "junk",
	// "trash", "archive"; "inbox" for INBOX, "" for none.
	Use string
	// NoSelect says that it cannot be opened, and only holds others.
	NoSelect bool
}

// uses are the attributes that matter here.
var uses = map[imap.MailboxAttr]string{
	imap.MailboxAttrSent: "sent", imap.MailboxAttrAll: "all", imap.MailboxAttrDrafts: "drafts",
	imap.MailboxAttrJunk: "junk", imap.MailboxAttrTrash: "trash", imap.MailboxAttrArchive: "archive",
}

// Folders lists all folders by name. The list is asked for once.
func (c *Conn) Folders(ctx context.Context) ([]Folder, error) {
	if c.folders != nil {
		return c.folders, nil
	}
	var list []*imap.ListData
	err := c.do(ctx, StepRead, func() (err error) {
		list, err = c.client.List("", "*", nil).Collect()
		return err
	})
	if err != nil {
		return nil, err
	}
	for _, l := range list {
		f := Folder{Name: l.Mailbox}
		for _, a := range l.Attrs {
			for attr, use := range uses {
				if strings.EqualFold(string(a), string(attr)) {
					f.Use = use
				}
			}
			if strings.EqualFold(string(a), string(imap.MailboxAttrNoSelect)) || strings.EqualFold(string(a), string(imap.MailboxAttrNonExistent)) {
				f.NoSelect = true
			}
		}
		if strings.EqualFold(f.Name, "INBOX") {
			f.Use = "inbox"
		}
		c.folders = append(c.folders, f)
	}
	slices.SortFunc(c.folders, func(a, b Folder) int { return strings.Compare(a.Name, b.Name) })
	return c.folders, nil
}

// sentNames are what folders for sent mail are called by servers that do not
// say what theirs are for.
var sentNames = []string{"sent", "sent items", "sent messages", "sent mail", "inbox.sent", "gesendet", "gesendete objekte", "envoyés", "enviados", "inviata", "verzonden"}

// FolderFor returns the folder for a use, "" if there is none. For "sent" a
// folder that is called so is taken where no attribute says which it is.
func (c *Conn) FolderFor(ctx context.Context, use string) (string, error) {
	all, err := c.Folders(ctx)
	if err != nil {
		return "", err
	}
	for _, f := range all {
		if f.Use == use && !f.NoSelect {
			return f.Name, nil
		}
	}
	if use != "sent" {
		return "", nil
	}
	for _, name := range sentNames {
		for _, f := range all {
			if strings.EqualFold(f.Name, name) && !f.NoSelect {
				return f.Name, nil
			}
		}
	}
	return "", nil
}

// Status is what a folder says of itself when it is opened.
type Status struct {
	// UIDValidity names the numbering: while it stays, a UID means the same
	// mail for ever (RFC 9051 2.3.1.1).
	UIDValidity uint32
	UIDNext     uint32 // the next mail's UID is at least that; 0 if the server does not say
	Messages    uint32
}

// Open opens a folder; opening the one that is open asks the server anew.
// Unless write is set it is opened so that nothing in it can change. A folder
// that cannot be opened is a Fault with StepFolder and Refused.
func (c *Conn) Open(ctx context.Context, folder string, write bool) (Status, error) {
	select {
	case <-c.changed: // of before; what comes from now on ends the next Wait
	default:
	}
	var data *imap.SelectData
	err := c.do(ctx, StepFolder, func() (err error) {
		data, err = c.client.Select(folder, &imap.SelectOptions{ReadOnly: !write}).Wait()
		return err
	})
	if err != nil {
		c.open = ""
		if f, ok := err.(*Fault); ok && f.Refused {
			f.Text = "The folder “" + line(folder) + "” on " + c.address + " cannot be opened"
		}
		return Status{}, err
	}
	c.open = folder
	return Status{UIDValidity: data.UIDValidity, UIDNext: uint32(data.UIDNext), Messages: data.NumMessages}, nil
}

// UIDsAfter lists the UIDs in the open folder that are greater than one, in
// ascending order. With since set, only mails that the server received on that
// day or later are meant, by its own calendar.
func (c *Conn) UIDsAfter(ctx context.Context, last uint32, since time.Time) ([]uint32, error) {
	if last == 1<<32-1 {
		return nil, nil
	}
	criteria := &imap.SearchCriteria{UID: []imap.UIDSet{{imap.UIDRange{Start: imap.UID(last + 1), Stop: 0}}}}
	if !since.IsZero() {
		criteria.Since = since
	}
	out, err := c.search(ctx, criteria)
	// "n:*" names the last mail even if its UID is smaller than n.
	return slices.DeleteFunc(out, func(uid uint32) bool { return uid <= last }), err
}

// FindID lists the UIDs in the open folder of mails with a Message-ID, given
// without brackets. Servers look for a part of the header's text.
func (c *Conn) FindID(ctx context.Context, id string) ([]uint32, error) {
	return c.search(ctx, &imap.SearchCriteria{Header: []imap.SearchCriteriaHeaderField{{Key: "Message-Id", Value: id}}})
}

func (c *Conn) search(ctx context.Context, criteria *imap.SearchCriteria) ([]uint32, error) {
	var data *imap.SearchData
	err := c.do(ctx, StepRead, func() (err error) {
		data, err = c.client.UIDSearch(criteria, nil).Wait()
		return err
	})
	if err != nil {
		return nil, c.searching(err)
	}
	var out []uint32
	for _, uid := range data.AllUIDs() {
		out = append(out, uint32(uid))
	}
	slices.Sort(out)
	return out, nil
}

func (c *Conn) searching(err error) error {
	if f, ok := err.(*Fault); ok && f.Refused {
		f.Text = "The server " + c.address + " does not list the mails of the folder “" + line(c.open) + "”"
	}
	return err
}
