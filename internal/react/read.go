package react

import (
	"context"
	"fmt"
	"runtime"
	"slices"
	"sync"
	"time"

	"postroom"
	"postroom/internal/desk"
	"postroom/internal/email"
	"postroom/internal/store"
)

// filing is one received mail on its way into a conversation: everything that
// can be known before the transaction. A filing with a fault could not be
// read.
type filing struct {
	r *React
	around
	in      store.Inbound
	mail    *email.Mail
	mailbox *postroom.Mailbox // nil: its envelope named none of ours
	author  postroom.Address
	message *postroom.Message
	proof   []email.EvidenceItem
	report  *reported // what it says came of a mail of ours; nil for no such report
	copyOf  int64     // the mail of this mailbox that it is, come back; 0: none
	trial   int64     // the test mail that it is, come back; 0: none
	loop    string
	forged  string  // why it goes to spam review; "" if it does not (S2)
	answer  *answer // it carries the token of a notification, and an agent's address
	leaked  bool    // it carries the token of a notification to somebody else
	asked   bool    // nothing is to be done: somebody asks what would become of it
	ids     []int64

	// Read with the transaction that files it.
	known  store.Known
	owners map[string]int64 // customers by address, of the whole group

	fault     error
	blobFault bool // the file could not be read for now
}

// around is what all mails of a batch are held against.
type around struct {
	boxes  []*postroom.Mailbox // all of ours
	agents map[string]int64    // whose an address is, of all agents
}

// readAhead reads mails in parallel and hands them out in their order. It
// stays within the room of the channel, and ends early with ctx.
func (r *React) readAhead(ctx context.Context, who around, batch []store.Inbound, out chan<- chan *filing) {
	gate := make(chan struct{}, max(2, runtime.GOMAXPROCS(0)))
	var all sync.WaitGroup
	defer all.Wait()
	for _, in := range batch {
		one := make(chan *filing, 1)
		select {
		case out <- one:
		case <-ctx.Done():
			return
		}
		gate <- struct{}{}
		all.Go(func() {
			defer func() { <-gate }()
			one <- r.read(ctx, who, in)
		})
	}
}

// read reads one mail. A panic of the parser is a mail that cannot be
// processed and nothing worse.
func (r *React) read(ctx context.Context, who around, in store.Inbound) (f *filing) {
	in.Words, in.Evidence = "", "" // of an earlier try
	f = &filing{r: r, around: who, in: in}
	defer func() {
		if v := recover(); v != nil {
			f.fault = r.panicked("reading", in, v)
		}
	}()
	p := r.parse(in)
	f.mail, f.fault, f.blobFault = p.mail, p.err, p.wait
	if p.mail == nil {
		return f
	}
	f.in.Subject, f.in.Sender = plain(f.mail.Subject, postroom.MaxSubject), plain(f.mail.Author().Address, maxAddress)
	if f.fault != nil {
		return f
	}
	if i := slices.IndexFunc(who.boxes, func(m *postroom.Mailbox) bool { return m.ID == in.MailboxID }); i >= 0 {
		f.mailbox = who.boxes[i]
		f.fault = f.understand(ctx, p.raw)
	}
	return f
}

// parsed is a received mail as far as it was understood.
type parsed struct {
	raw  []byte
	mail *email.Mail // nil if there is nothing to understand
	err  error
	wait bool // for now only: tried again
}

// parse reads the raw mail and takes it apart.
func (r *React) parse(in store.Inbound) (p parsed) {
	defer func() {
		if v := recover(); v != nil {
			p.err = r.panicked("parsing", in, v)
		}
	}()
	raw, err := r.Blobs.Read(in.RawSHA256, in.Size)
	switch {
	case postroom.CodeOf(err) == postroom.Unavailable:
		return parsed{err: err, wait: true}
	case err != nil:
		return parsed{err: unreadable{err}}
	}
	p = parsed{raw: raw, mail: email.Parse(raw, email.ParseOptions{Received: time.UnixMilli(in.ReceivedAt).UTC()})}
	if p.mail.Err != nil {
		p.err = unreadable{p.mail.Err}
	}
	return p
}

// understand finds out all that does not depend on other rows being locked.
func (f *filing) understand(ctx context.Context, raw []byte) error {
	f.envelope()
	f.in.HeaderID = email.CanonicalID(f.mail.MessageID)
	if f.in.HeaderID == "" {
		f.in.HeaderID = email.DerivedID(raw)
	}
	f.in.ContentHash = email.ContentHash(raw)
	f.author = f.writer()
	f.in.Sender = f.author.Address
	f.proof = email.Evidence(f.mail, f.r.Desk.Keys(), f.in.EnvelopeTo)
	if err := f.cameBack(ctx); err != nil || f.loop != "" {
		f.message = &postroom.Message{}
		return err
	}
	if err := f.notified(ctx); err != nil || f.answer != nil {
		return err
	}
	var err error
	if f.message, err = f.compose(ctx); err != nil {
		return err
	}
	if f.report = f.reports(); f.report != nil {
		if f.report.ids, err = f.r.Store.NewIDs(ctx, reportIDs); err != nil {
			return err
		}
	}
	f.ids, err = f.r.Store.NewIDs(ctx, 12+len(f.message.Attachments))
	return err
}

// envelope lets the envelope of a listener stand for the Return-Path that it
// becomes at delivery (RFC 5321 4.4): a null sender is one whether or not the
// server that handed the mail on wrote the header.
func (f *filing) envelope() {
	if f.in.Source == "lmtp" || f.in.Source == "smtp" {
		f.mail.HasReturnPath, f.mail.ReturnPath = true, f.in.EnvelopeFrom
	}
}

func (f *filing) isOurs(address string) bool {
	return f.r.Desk.MailboxFor(f.boxes, address) != nil
}

// nobody says of an address that no person reads mail there: a machine's, or
// one of ours. Such never become customers or participants (T16).
func (f *filing) nobody(address string) bool {
	return email.IsMachineAddress(address) || email.CheckAddress(address) != nil || f.isOurs(address)
}

// writer is who wrote the mail (T15). A Reply-To that leads back to us tells
// nothing about that.
func (f *filing) writer() postroom.Address {
	a := f.mail.Author()
	if f.isOurs(a.Address) {
		for _, from := range f.mail.From {
			if from.Valid() && !f.isOurs(from.Address) {
				a = from
				break
			}
		}
	}
	return postroom.Address{Name: plain(a.Name, maxName), Address: postroom.Canonical(a.Address)}
}

// Bounds of what is kept of a mail in rows, in bytes; the whole is always in
// the raw mail.
const (
	MaxStored  = 1 << 20 // of text, and of HTML
	maxName    = 300     // of a person or a file
	maxAddress = 254     // RFC 5321 4.5.3.1
	maxCited   = 100     // ids a message answers: the first, and the newest
)

// oldMail is when a mail is history and no longer waits for an
// acknowledgement (A5): no server keeps trying for as long.
const oldMail = int64(7 * 24 * 60 * 60 * 1000)

// compose makes the message: sanitised HTML, quotes split off, files stored.
func (f *filing) compose(ctx context.Context) (*postroom.Message, error) {
	m := f.mail
	class, reasons := email.Classify(m)
	msg := &postroom.Message{
		Author: postroom.Actor{Kind: postroom.ByCustomer},
		From:   f.author, To: people(m.To), Cc: people(m.Cc), Subject: plain(m.Subject, postroom.MaxSubject), Header: m.MessageID,
		References: references(m), Class: postroom.Class(class), InboundID: f.in.ID,
	}
	if m.DateOK {
		msg.Date = m.Date.UnixMilli()
	}
	for _, n := range m.Notices {
		msg.Notices = append(msg.Notices, n.Text)
	}
	f.in.Class = string(class)
	for _, why := range reasons {
		f.note(why)
	}
	f.trust(msg)
	f.bodies(msg)
	return msg, f.files(ctx, msg)
}

// note adds to the words that say why the mail went where it went.
func (f *filing) note(words string) {
	if f.in.Words != "" {
		f.in.Words += " "
	}
	f.in.Words = plain(f.in.Words+words, maxWords)
}

// trust says whether the sender is verified (S1) and whether machines may
// answer (A2-A5).
func (f *filing) trust(msg *postroom.Message) {
	m := f.mail
	pass, detail := email.Authenticated(m, f.mailbox.AuthServ)
	if pass && !sameDomain(f.author.Address, m.From[0].Address) {
		// The verdict is about From; who is shown as the author is another.
		pass, detail = false, "The verified sender "+m.From[0].Address+" asks for answers to another domain, which is not verified by that."
	}
	msg.Verified = pass
	if disowned, why := email.Disowned(m, f.mailbox.AuthServ); disowned {
		f.forged = why
		msg.Notices = append(msg.Notices, why)
	}
	if detail != "" {
		f.note(detail)
	}
	if no, why := email.NoAutoAnswer(m); no {
		msg.NoAuto = clause(why)
	} else if failed, why := email.FailedAuthentication(m, f.mailbox.AuthServ); failed {
		msg.NoAuto = clause(why)
	} else if f.isOurs(f.author.Address) {
		msg.NoAuto = "its sender is an address of ours"
	} else if f.agents[f.author.Address] != 0 {
		msg.NoAuto = "its sender is an agent"
	} else if m.DateOK && f.in.ReceivedAt-m.Date.UnixMilli() > oldMail {
		msg.NoAuto = "it is older than a week"
	}
}

func sameDomain(a, b string) bool {
	return postroom.Canonical(domain(a)) == postroom.Canonical(domain(b))
}

func domain(address string) string {
	for i := len(address) - 1; i >= 0; i-- {
		if address[i] == '@' {
			return address[i+1:]
		}
	}
	return ""
}

// references lists the ids the mail answers as its sender wrote them, oldest
// first: what our answer will cite (O2), and what later mails find us by. Of
// very many the first and the newest are kept.
func references(m *email.Mail) []string {
	ids := slices.Clone(m.References)
	known := map[string]bool{}
	for _, id := range ids {
		known[email.CanonicalID(id)] = true
	}
	for _, id := range m.InReplyTo {
		if c := email.CanonicalID(id); !known[c] {
			known[c] = true
			ids = append(ids, id)
		}
	}
	if n := len(ids); n > maxCited {
		ids = append(ids[:1:1], ids[n-maxCited+1:]...)
	}
	return ids
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

const clipped = "The text is very long; only its beginning is shown here. The raw mail has all of it."

func clip(s string, notices *[]string) string {
	if len(s) <= MaxStored {
		return s
	}
	if !slices.Contains(*notices, clipped) {
		*notices = append(*notices, clipped)
	}
	return plain(s, MaxStored)
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
			return fmt.Errorf("keep the file %s: %w", a.Name, err)
		}
		file := postroom.Attachment{Name: a.Name, Type: desk.MediaType(a.Type), Inline: a.Inline, ContentID: a.ContentID, Size: ref.Size, SHA256: ref.Hash}
		if a.Inline {
			file.ContentID = contentID(a)
		}
		msg.Attachments = append(msg.Attachments, file)
	}
	return nil
}

func people(in []email.Address) []postroom.Address {
	out := make([]postroom.Address, 0, len(in))
	for _, a := range in {
		out = append(out, postroom.Address{Name: plain(a.Name, maxName), Address: a.Address})
	}
	return out
}

// cameBack finds out whether the mail is our own come back: one that goes
// round in circles (D6), or a copy of what this mailbox sent (D7).
func (f *filing) cameBack(ctx context.Context) error {
	if n := email.ReceivedCount(f.mail); n >= email.MaxReceived {
		f.loop = fmt.Sprintf("It has %d Received lines: it goes round in circles.", n)
		return nil
	}
	read := f.r.Store.Read()
	id, err := read.MailByHeader(ctx, f.in.HeaderID)
	if err != nil {
		return err
	}
	if id == 0 {
		return f.trialBack(ctx)
	}
	mail, err := read.Mail(ctx, id)
	if err != nil || mail.MailboxID != f.mailbox.ID {
		return err
	}
	if slices.Contains(email.LoopMailboxes(f.mail), postroom.Canonical(f.mailbox.Address)) {
		f.copyOf, f.loop, f.in.AboutID = id, "It is a mail of this mailbox that came back.", mail.ConversationID
		return nil
	}
	if mail.SHA256 == "" {
		return nil
	}
	sent, err := f.r.Blobs.Read(mail.SHA256, mail.Size)
	if err == nil && email.ContentHash(sent) == f.in.ContentHash {
		f.copyOf, f.loop, f.in.AboutID = id, "It is a copy of a mail that this mailbox sent.", mail.ConversationID
	}
	if postroom.CodeOf(err) == postroom.NotFound {
		err = nil // what was sent is no longer kept: it cannot be compared
	}
	return err
}
