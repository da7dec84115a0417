package react

import (
	"context"
	"fmt"
	"slices"
	"sync"

	"postroom"
	"postroom/internal/alarm"
	"postroom/internal/desk"
	"postroom/internal/email"
	"postroom/internal/store"
)

const (
	receiveBatch = 32 // mails read ahead of one lane, parsed in parallel
	receiveTries = 5
)

// receive works one mailbox's lane: its mails are parsed in parallel and filed
// in order of arrival, each in a transaction of its own, so that an answer
// that came right after its parent finds it (T19).
func (r *React) receive(ctx context.Context, c store.Claimed) error {
	for {
		batch, err := r.Store.Read().WaitingInbound(ctx, c.ID, r.Store.Now(), receiveBatch)
		if err != nil {
			return err
		}
		if len(batch) == 0 {
			done, err := r.leaveLane(ctx, c)
			if done || err != nil {
				return err
			}
			continue
		}
		for i, p := range r.parseAll(batch) {
			if err := r.receiveOne(ctx, c, batch[i], p); err != nil {
				return err
			}
		}
	}
}

// leaveLane gives the lane back, unless a mail arrived meanwhile.
func (r *React) leaveLane(ctx context.Context, c store.Claimed) (done bool, err error) {
	err = r.Store.Write(ctx, func(tx *store.Tx) error {
		if err := tx.HoldLane(ctx, store.LaneReceive, c); err != nil {
			return err
		}
		due, err := tx.NextInbound(ctx, c.ID)
		if err != nil || due > 0 && due <= r.Store.Now() {
			done = false
			return err
		}
		done = true
		return tx.ReleaseLane(ctx, store.LaneReceive, c, due, 0)
	})
	return done, err
}

// parsed is a received mail as far as it was understood.
type parsed struct {
	raw  []byte
	mail *email.Mail
	err  error // it could not be read; kept and shown (D5)
	wait bool  // for now only: tried again
}

func (r *React) parseAll(batch []store.Inbound) []parsed {
	out := make([]parsed, len(batch))
	gate := make(chan struct{}, 2)
	var all sync.WaitGroup
	for i, in := range batch {
		all.Go(func() {
			gate <- struct{}{}
			defer func() { <-gate }()
			out[i] = r.parse(in)
		})
	}
	all.Wait()
	return out
}

// parse reads one mail. A panic of the parser is a mail that cannot be
// processed and nothing worse.
func (r *React) parse(in store.Inbound) (p parsed) {
	defer func() {
		if v := recover(); v != nil {
			r.Log.Error("parser panicked", "inbound", in.ID, "panic", v)
			p.err = fmt.Errorf("the parser failed: %v", v)
		}
	}()
	raw, err := r.Blobs.Read(in.RawSHA256, in.Size)
	if err != nil {
		return parsed{err: err, wait: postroom.CodeOf(err) == postroom.Unavailable}
	}
	p = parsed{raw: raw, mail: email.Parse(raw, email.ParseOptions{Received: desk.Time(in.ReceivedAt)})}
	p.err = p.mail.Err
	return p
}

// receiveOne files one mail, or notes why it could not be.
func (r *React) receiveOne(ctx context.Context, c store.Claimed, in store.Inbound, p parsed) error {
	err := p.err
	if err == nil {
		var f *filing
		if f, err = r.prepare(ctx, in, p); err == nil {
			err = f.file(ctx, c)
		}
	}
	switch {
	case err == nil:
		return nil
	case ctx.Err() != nil, postroom.CodeOf(err) == postroom.Conflict, postroom.CodeOf(err) == postroom.Unavailable && !p.wait:
		return err // the lease, the database or the process is gone: the lane is tried again
	}
	return r.unprocessable(ctx, c, in, p, err)
}

// unprocessable keeps a mail that cannot be filed: it is tried again a few
// times, then shown to administrators with its words; it delays nobody (D5).
func (r *React) unprocessable(ctx context.Context, c store.Claimed, in store.Inbound, p parsed, cause error) error {
	id, err := r.Store.NewID(ctx)
	if err != nil {
		return err
	}
	now := r.Store.Now()
	in.Tries++
	in.Words = "Could not be processed: " + cause.Error()
	in.State, in.DueAt = store.InboundNew, now+pause(in.Tries+2)
	if p.err != nil && !p.wait || in.Tries >= receiveTries {
		in.State, in.DueAt, in.DoneAt = store.InboundFailed, 0, now
	}
	if p.mail != nil {
		in.Subject, in.Sender = p.mail.Subject, p.mail.Author().Address
	}
	r.Log.Warn("received mail could not be processed", "inbound", in.ID, "tries", in.Tries, "error", cause)
	return r.Store.Write(ctx, func(tx *store.Tx) error {
		if err := tx.HoldLane(ctx, store.LaneReceive, c); err != nil {
			return err
		}
		if in.State == store.InboundFailed {
			if err := r.Alarms.RaiseIn(ctx, tx, id, alarm.InboundFailed, decimal(in.ID), in.Words); err != nil {
				return err
			}
		}
		return tx.EndInbound(ctx, in)
	})
}

// filing is one received mail on its way into a conversation: everything that
// can be known before the transaction.
type filing struct {
	r       *React
	in      store.Inbound
	mail    *email.Mail
	mailbox *postroom.Mailbox
	all     []*postroom.Mailbox
	author  postroom.Address
	message *postroom.Message
	proof   []email.EvidenceItem
	ids     []int64
}

func (r *React) prepare(ctx context.Context, in store.Inbound, p parsed) (*filing, error) {
	all, err := r.Store.Read().Mailboxes(ctx)
	if err != nil {
		return nil, err
	}
	f := &filing{r: r, in: in, mail: p.mail, all: all}
	f.in.HeaderID = email.CanonicalID(p.mail.MessageID)
	if f.in.HeaderID == "" {
		f.in.HeaderID = email.DerivedID(p.raw)
	}
	f.in.ContentHash = email.ContentHash(p.raw)
	f.mailbox = f.find()
	if f.mailbox == nil {
		return nil, postroom.Errorf(postroom.Invalid, "No mailbox of ours is named in it.")
	}
	f.in.MailboxID = f.mailbox.ID
	author := p.mail.Author()
	f.author = postroom.Address{Name: author.Name, Address: postroom.Canonical(author.Address)}
	f.proof = email.Evidence(p.mail, r.Desk.Keys(), in.EnvelopeTo)
	if f.message, err = f.compose(ctx); err != nil {
		return nil, err
	}
	f.ids, err = r.Store.NewIDs(ctx, 12)
	return f, err
}

// find returns the mailbox the mail is for: the one its envelope named, else
// the first that its delivery headers, To or Cc name (T17).
func (f *filing) find() *postroom.Mailbox {
	for _, m := range f.all {
		if m.ID == f.in.MailboxID {
			return m
		}
	}
	addresses := slices.Clone(f.mail.DeliveredTo)
	for _, a := range slices.Concat(f.mail.To, f.mail.Cc) {
		addresses = append(addresses, a.Address)
	}
	for _, a := range addresses {
		if m := f.r.Desk.MailboxFor(f.all, a); m != nil {
			return m
		}
	}
	return nil
}

// MaxStored is the longest text or HTML of a message that is kept in its row,
// in bytes; the whole is always in the raw mail.
const MaxStored = 1 << 20

// compose makes the message: sanitised HTML, quotes split off, files stored.
func (f *filing) compose(ctx context.Context) (*postroom.Message, error) {
	m := f.mail
	class, reasons := email.Classify(m)
	verified, detail := email.Authenticated(m, f.mailbox.AuthServ)
	msg := &postroom.Message{
		From: f.author, To: ours(m.To), Cc: ours(m.Cc), Subject: m.Subject, Header: f.in.HeaderID, References: m.CitedIDs(),
		Class: postroom.Class(class), Verified: verified, InboundID: f.in.ID,
	}
	if m.MessageID != "" {
		msg.Header = m.MessageID
	}
	if no, why := email.NoAutoAnswer(m); no {
		msg.NoAuto = why
	} else if class != email.Human {
		msg.NoAuto = "it is automatic mail"
	}
	if m.DateOK {
		msg.Date = m.Date.UnixMilli()
	}
	for _, n := range m.Notices {
		msg.Notices = append(msg.Notices, n.Text)
	}
	f.in.Class, f.in.Subject, f.in.Sender = string(class), m.Subject, f.author.Address
	for _, why := range reasons {
		f.in.Words += why + " "
	}
	if detail != "" {
		f.in.Words += detail
	}
	f.bodies(msg)
	return msg, f.files(ctx, msg)
}

func (f *filing) bodies(msg *postroom.Message) {
	m := f.mail
	msg.Text = clip(m.PlainText(), &msg.Notices)
	msg.VisibleText, _ = email.SplitText(msg.Text)
	if m.HTML == "" {
		return
	}
	keep := email.SanitiseOptions{AllowRemote: true, InlineURL: func(ref string) (string, bool) {
		a, ok := m.InlineAttachment(ref)
		return "cid:" + contentID(a), ok
	}}
	source := clip(m.HTML, &msg.Notices)
	msg.HTML, _ = email.Sanitise(source, keep)
	if visible, hidden := email.SplitHTML(source); hidden != "" {
		msg.VisibleHTML, _ = email.Sanitise(visible, keep)
	}
}

func clip(s string, notices *[]string) string {
	if len(s) <= MaxStored {
		return s
	}
	*notices = append(*notices, "The text is very long; only its beginning is shown here. The raw mail has all of it.")
	for s = s[:MaxStored]; s != "" && s[len(s)-1]&0xC0 == 0x80; {
		s = s[:len(s)-1]
	}
	return s[:max(len(s)-1, 0)]
}

// contentID is the name under which a file of a mail is referred to; some that
// are shown by Content-Location have none of their own.
func contentID(a email.Attachment) string {
	if a.ContentID != "" {
		return a.ContentID
	}
	return a.SHA256[:min(16, len(a.SHA256))]
}

func (f *filing) files(ctx context.Context, msg *postroom.Message) error {
	for _, a := range f.mail.Attachments {
		ref, err := f.r.Blobs.PutBytes(ctx, a.Data)
		if err != nil {
			return err
		}
		file := postroom.Attachment{Name: a.Name, Type: desk.MediaType(a.Type), Inline: a.Inline, ContentID: a.ContentID, Size: ref.Size, SHA256: ref.Hash}
		if a.Inline {
			file.ContentID = contentID(a)
		}
		msg.Attachments = append(msg.Attachments, file)
	}
	return nil
}

func ours(in []email.Address) []postroom.Address {
	out := make([]postroom.Address, 0, len(in))
	for _, a := range in {
		out = append(out, postroom.Address{Name: a.Name, Address: a.Address})
	}
	return out
}
