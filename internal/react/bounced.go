package react

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"postroom"
	"postroom/internal/desk"
	"postroom/internal/email"
	"postroom/internal/store"
)

// A report that came back says what became of a mail after its server had taken
// it. Only one that proves by a token of ours which mail it is about is acted
// on: an address alone, or an id that does not verify, is a guess or a forgery
// (B2, B6). Whatever it says, it is filed as any received mail is, and never
// answered.

const (
	reportIDs  = 6                               // the event and its act
	reportDays = int64(21 * 24 * 60 * 60 * 1000) // how long after it was sent a mail can come back
	softWindow = int64(30 * 24 * 60 * 60 * 1000) // in which soft faults of an address are counted
	softMost   = 5                               // … before it is taken as one that reaches nobody
	maxReturn  = 500                             // bytes of what is kept of a report's words
)

// reported is what a received mail says became of a mail of ours.
type reported struct {
	mail       int64 // by a token that verifies
	complaint  bool
	recipients []email.ReportRecipient
	ids        []int64
}

// reports reads what the mail says became of a mail of ours; nil if it is no
// such report, or proves nothing.
func (f *filing) reports() *reported {
	if f.in.Imported != postroom.NotImported || f.forged != "" {
		return nil
	}
	out := &reported{}
	switch r := f.mail.Report; {
	case f.message.Class == postroom.FeedbackReport && r != nil && r.Complaint():
		out.complaint, out.recipients = true, r.Recipients
		if len(out.recipients) == 0 {
			out.recipients = []email.ReportRecipient{{}}
		}
	case f.message.Class != postroom.DeliveryReport:
	case r == nil:
		out.recipients = email.FailedRecipients(f.mail)
	case r.Kind == email.ReportDelivery:
		out.recipients = r.Recipients
	}
	i := slices.IndexFunc(f.proof, func(p email.EvidenceItem) bool { return p.MailID != 0 && p.Kind != email.BodyMarker })
	if i < 0 {
		i = slices.IndexFunc(f.proof, func(p email.EvidenceItem) bool { return p.MailID != 0 })
	}
	if i < 0 || len(out.recipients) == 0 {
		return nil
	}
	out.mail = f.proof[i].MailID
	return out
}

// returned is a mark with what follows from it.
type returned struct {
	postroom.MailReturn
	fault     email.Fault // of a bounce
	elsewhere bool        // the report names an address the mail was passed on to
	code      int
}

// mark notes on the mail what the report says of its recipients, records it on
// the mail's conversation, and stops automatic mail to an address at which
// nobody can be reached or from which somebody complained.
func (f *filing) mark(ctx context.Context, tx *store.Tx) error {
	if f.report == nil || f.in.State != store.InboundDone {
		return nil
	}
	m, err := tx.Mail(ctx, f.report.mail)
	if postroom.CodeOf(err) == postroom.NotFound || err == nil && m.AgentID != 0 {
		return nil
	}
	if err != nil {
		return err
	}
	now := f.r.Store.Now()
	if now-m.CreatedAt > reportDays {
		f.note("It reports on a mail that was sent too long ago to be marked.")
		return nil
	}
	c, err := tx.StandingConversation(ctx, m.ConversationID)
	if err != nil {
		return err
	}
	var news []returned
	for _, x := range f.report.marks(m) {
		x.MailID, x.At = m.ID, now
		if f.in.ConversationID == c.ID {
			x.MessageID = f.in.MessageID
		}
		fresh, err := tx.MarkReturn(ctx, x.MailReturn)
		if err != nil {
			return err
		}
		if fresh && x.Kind.Event() != "" {
			news = append(news, x)
		}
	}
	if len(news) == 0 {
		return nil
	}
	// What became of a mail begins a chain, which knows what decided the mail.
	cause := desk.Cause{Path: postroom.PathSystem, Begin: true}
	if m.EventID != 0 {
		cause.Event = &postroom.Event{ID: m.EventID}
	}
	first := news[0]
	_, err = f.r.Desk.In(ctx, tx, postroom.System, cause, c, f.report.ids, func(t *desk.Turn) error {
		t.Record(first.Kind.Event(), postroom.Payload{MailID: m.ID, MessageID: m.MessageID, Words: first.Words, Code: first.code})
		return nil
	})
	if err != nil {
		return err
	}
	for _, x := range news {
		if err := f.suppress(ctx, tx, x, now); err != nil {
			return err
		}
	}
	return nil
}

// suppress stops automatic mail to the address of a mark, where it says enough
// of it (B5, B7). Of one the mail was only passed on to nothing is known.
func (f *filing) suppress(ctx context.Context, tx *store.Tx, x returned, now int64) error {
	switch {
	case x.Address == "" || x.elsewhere:
		return nil
	case x.Kind == postroom.Complained:
		return tx.Suppress(ctx, x.Address, now, "A mail was reported as unwanted from there.", postroom.SuppressedByComplaint)
	case x.fault == email.FaultAddress:
		return tx.Suppress(ctx, x.Address, now, "Mail to it came back: "+x.Words, postroom.SuppressedByBounce)
	case x.fault == email.FaultSoft:
		n, err := tx.AddRate(ctx, "soft:"+x.Address, now, softWindow)
		if err != nil || n < softMost {
			return err
		}
		return tx.Suppress(ctx, x.Address, now, fmt.Sprintf("%d mails to it came back within a month: %s", n, x.Words), postroom.SuppressedByBounce)
	}
	return nil
}

// marks says which marks the report makes on a mail: only on recipients to whom
// it was really sent (B6). One that names somebody else counts for the only
// recipient, who has it passed on.
func (r *reported) marks(m *postroom.Mail) []returned {
	var out []returned
	for _, x := range r.recipients {
		address := postroom.Canonical(x.Address)
		i := slices.IndexFunc(m.Recipients, func(to postroom.MailRecipient) bool { return postroom.Canonical(to.Address) == address })
		elsewhere := i < 0 && address != "" && !r.complaint // providers make addresses of complaints unreadable (RFC 6590)
		if i < 0 && len(m.Recipients) == 1 {
			i = 0
		}
		mark := returned{fault: x.Fault(), elsewhere: elsewhere, code: x.Code()}
		mark.Status, mark.Words = plain(x.Status, 20), returnWords(x)
		switch {
		case r.complaint:
			mark.Kind, mark.Words = postroom.Complained, "Its recipient’s provider reports it as unwanted."
		case x.Permanent():
			mark.Kind = postroom.Bounced
		case x.Action == "delayed":
			mark.Kind = postroom.Delayed
		case x.Action == "delivered", x.Action == "relayed", x.Action == "expanded":
			mark.Kind = postroom.Delivered
		default:
			continue
		}
		switch {
		case i >= 0 && sentTo(m.Recipients[i].State):
			mark.Address = m.Recipients[i].Address
			if elsewhere && mark.Kind == postroom.Bounced {
				mark.Words = plain("It was passed on to "+address+": "+mark.Words, maxReturn)
			}
		case i < 0 && r.complaint && slices.ContainsFunc(m.Recipients, func(to postroom.MailRecipient) bool { return sentTo(to.State) }):
		default:
			continue
		}
		if !slices.ContainsFunc(out, func(o returned) bool { return o.Address == mark.Address && o.Kind == mark.Kind }) {
			out = append(out, mark)
		}
	}
	return out
}

// sentTo reports whether a mail in this state may have reached a recipient.
func sentTo(s postroom.MailState) bool {
	return s == postroom.MailDone || s == postroom.MailAssumed || s == postroom.MailUnsure || s == postroom.MailSending
}

func returnWords(x email.ReportRecipient) string {
	words := plain(strings.Join(strings.Fields(x.Words()), " "), maxReturn)
	if words == "" {
		return "The report gives no reason."
	}
	return words
}
