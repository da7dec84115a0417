package query

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"strings"

	"postroom"
	"postroom/internal/email"
)

// File is a stored file on its way to a browser. Close it.
type File struct {
	Name    string
	Type    string
	Size    int64
	SHA256  string
	Content io.ReadCloser
}

// File opens an attachment of a message in a mailbox the agent may see, or of
// their own draft.
func (d *Desk) File(ctx context.Context, a *postroom.Agent, id int64) (*File, error) {
	f, err := d.read().File(ctx, id)
	if err != nil {
		return nil, err
	}
	if maySee(a, f.MailboxID, f.AssigneeID) != nil || f.DraftOf != 0 && f.DraftOf != a.ID {
		return nil, postroom.Errorf(postroom.NotFound, "There is no such file.")
	}
	content, err := d.open(f.SHA256)
	if err != nil {
		return nil, err
	}
	return &File{Name: f.Name, Type: f.Type, Size: f.Size, SHA256: f.SHA256, Content: content}, nil
}

// message loads a message the agent may see.
func (d *Desk) message(ctx context.Context, a *postroom.Agent, id int64) (*postroom.Message, error) {
	m, err := d.read().Message(ctx, id)
	if err != nil {
		return nil, err
	}
	p, err := d.read().MessagePlace(ctx, id)
	if err != nil {
		return nil, err
	}
	if maySee(a, p.MailboxID, p.AssigneeID) != nil {
		return nil, postroom.Errorf(postroom.NotFound, "There is no such message.")
	}
	return m, nil
}

// Body returns a message's HTML for the frame it is shown in, cleaned once
// more by today's rules (H1); quotes shows what is usually folded away, images
// lets remote pictures load.
func (d *Desk) Body(ctx context.Context, a *postroom.Agent, id int64, images, quotes bool) (*BodyPage, error) {
	m, err := d.message(ctx, a, id)
	if err != nil {
		return nil, err
	}
	html := m.HTML
	if m.VisibleHTML != "" && !quotes {
		html = m.VisibleHTML
	}
	if html == "" {
		html = email.HTMLFromText(m.Text)
	}
	clean, _ := email.Sanitise(html, email.SanitiseOptions{AllowRemote: images, InlineURL: inlineURL(m.Attachments)})
	return &BodyPage{ID: id, HTML: clean, Images: images}, nil
}

// inlineURL finds the URL of a picture that a mail's HTML refers to.
func inlineURL(files []postroom.Attachment) func(string) (string, bool) {
	return func(ref string) (string, bool) {
		if id, ok := strings.CutPrefix(ref, "cid:"); ok {
			return pictureURL(id, files)
		}
		for _, f := range files {
			if strings.HasPrefix(ref, fmt.Sprintf("/attachments/%d/", f.ID)) {
				return attachmentURL(f) + "?inline=1", true
			}
		}
		return "", false
	}
}

// Raw opens a received message as it came in.
func (d *Desk) Raw(ctx context.Context, a *postroom.Agent, id int64) (io.ReadCloser, error) {
	m, err := d.message(ctx, a, id)
	if err != nil {
		return nil, err
	}
	if m.InboundID == 0 {
		return nil, postroom.Errorf(postroom.NotFound, "This message did not come in by mail.")
	}
	in, err := d.read().Inbound(ctx, m.InboundID)
	if err != nil {
		return nil, err
	}
	return d.open(in.RawSHA256)
}

// InboundRaw opens a received mail as it came in, whatever became of it.
func (d *Desk) InboundRaw(ctx context.Context, a *postroom.Agent, id int64) (io.ReadCloser, error) {
	in, err := d.inbound(ctx, a, id)
	if err != nil {
		return nil, err
	}
	if in.RawSHA256 == "" {
		return nil, postroom.Errorf(postroom.NotFound, "This mail was erased with its conversation.")
	}
	return d.open(in.RawSHA256)
}

// header returns the header of a raw mail as text.
func header(raw []byte) string {
	for _, end := range []string{"\r\n\r\n", "\n\n"} {
		if before, _, ok := bytes.Cut(raw, []byte(end)); ok {
			raw = before
			break
		}
	}
	return strings.ToValidUTF8(string(raw), "\uFFFD")
}
