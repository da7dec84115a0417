package app

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"time"

	"postroom"
	"postroom/internal/desk"
	"postroom/internal/email"
)

// Inspection is what Postroom understands of a mail, as `postroom inspect`
// prints it. Every key is always there: what is absent is "" or an empty list.
// Sizes and hashes are of decoded bytes, ids have no brackets, times are RFC
// 3339 in UTC.
type Inspection struct {
	File         string        `json:"file"`
	From         []InspectedAt `json:"from"`
	ReplyTo      []InspectedAt `json:"reply_to"`
	To           []InspectedAt `json:"to"`
	Cc           []InspectedAt `json:"cc"`
	Subject      string        `json:"subject"`
	Date         string        `json:"date"`
	MessageID    string        `json:"message_id"`
	InReplyTo    []string      `json:"in_reply_to"`
	References   []string      `json:"references"`
	Text         string        `json:"text"`
	HTML         string        `json:"html"`
	VisibleText  string        `json:"visible_text"`
	HiddenText   string        `json:"hidden_text"`
	Attachments  []InspectedIn `json:"attachments"`
	Class        string        `json:"class"`
	ClassReasons []string      `json:"class_reasons"`
	Bounce       InspectedDSN  `json:"bounce"`
	Forwarded    InspectedFwd  `json:"forwarded"`
	Conversation Verdict       `json:"conversation"`
	Error        string        `json:"error"`
}

// InspectedAt is a person in a header.
type InspectedAt struct {
	Name    string `json:"name"`
	Address string `json:"address"`
}

// InspectedIn is a file in a mail.
type InspectedIn struct {
	Name        string `json:"name"`
	Type        string `json:"type"`
	Disposition string `json:"disposition"`
	ContentID   string `json:"content_id"`
	Size        int64  `json:"size"`
	SHA256      string `json:"sha256"`
	Inline      bool   `json:"inline"`
}

// InspectedDSN is what a delivery report says (RFC 3464).
type InspectedDSN struct {
	OriginalMessageID string            `json:"original_message_id"`
	Recipients        []InspectedStatus `json:"recipients"`
}

// InspectedStatus is what became of a mail to one recipient.
type InspectedStatus struct {
	Address   string `json:"address"`
	Action    string `json:"action"`
	Status    string `json:"status"`
	Permanent bool   `json:"permanent"`
	SMTPReply string `json:"smtp_reply"`
}

// InspectedFwd is the mail that was forwarded in a mail.
type InspectedFwd struct {
	From    []InspectedAt `json:"from"`
	To      []InspectedAt `json:"to"`
	Cc      []InspectedAt `json:"cc"`
	Subject string        `json:"subject"`
	Text    string        `json:"text"`
}

// Verdict says where a mail would go: "join" a conversation, begin a "new"
// one, or "unknown" where no desk can be asked, or where it would go to none:
// the reason says which.
type Verdict struct {
	Verdict  string `json:"verdict"`
	Number   int64  `json:"number"`
	Evidence string `json:"evidence"` // the kind of evidence, such as "address_token"; "" for none
	Reason   string `json:"reason"`
}

// Inspect reads one raw mail and says what was understood. It reads no
// network and writes nothing. A mail that cannot be understood has its Error
// in words, with whatever was found before.
func Inspect(name string, raw io.Reader) Inspection {
	one, _ := inspect(name, raw)
	return one
}

// inspect also returns the bytes it read, nil if there were none.
func inspect(name string, from io.Reader) (one Inspection, raw []byte) {
	one = blank(name)
	defer func() {
		if v := recover(); v != nil {
			one.Error = fmt.Sprintf("The mail could not be read: %v.", v)
		}
	}()
	raw, err := io.ReadAll(io.LimitReader(from, desk.MaxMail+1))
	if err != nil {
		one.Error = "The mail could not be read: " + err.Error() + "."
		return one, nil
	}
	if len(raw) > desk.MaxMail {
		one.Error = fmt.Sprintf("The mail is larger than %d MiB, the most that is ever taken in.", desk.MaxMail>>20)
		return one, nil
	}
	m := email.Parse(raw, email.ParseOptions{})
	one.headers(m)
	one.content(m)
	if m.Err != nil {
		one.Error = m.Err.Error()
		return one, raw
	}
	class, reasons := email.Classify(m)
	one.Class, one.ClassReasons = string(class), append(one.ClassReasons, reasons...)
	return one, raw
}

// blank is an Inspection of nothing: every list is empty and not null.
func blank(name string) Inspection {
	nobody := []InspectedAt{}
	return Inspection{File: name, From: nobody, ReplyTo: nobody, To: nobody, Cc: nobody, InReplyTo: []string{}, References: []string{},
		Attachments: []InspectedIn{}, ClassReasons: []string{}, Bounce: InspectedDSN{Recipients: []InspectedStatus{}},
		Forwarded: InspectedFwd{From: nobody, To: nobody, Cc: nobody}, Conversation: Verdict{Verdict: "unknown"}}
}

func (i *Inspection) headers(m *email.Mail) {
	i.From, i.ReplyTo, i.To, i.Cc = inspected(m.From), inspected(m.ReplyTo), inspected(m.To), inspected(m.Cc)
	i.Subject, i.MessageID = m.Subject, m.MessageID
	i.InReplyTo, i.References = append(i.InReplyTo, m.InReplyTo...), append(i.References, m.References...)
	// What the mail says is shown even where a desk would not believe it (M8).
	if at, ok := email.ParseDate(m.Header("Date")); ok {
		i.Date = at.UTC().Format(time.RFC3339)
	}
}

func inspected(list []email.Address) []InspectedAt {
	out := make([]InspectedAt, 0, len(list))
	for _, a := range list {
		out = append(out, InspectedAt{a.Name, a.Address})
	}
	return out
}

func (i *Inspection) content(m *email.Mail) {
	i.Text, i.HTML = m.Text, m.HTML
	split := m.Split()
	i.VisibleText, i.HiddenText = split.VisibleText, split.HiddenText
	if m.Text == "" {
		i.VisibleText, i.HiddenText = email.TextFromHTML(split.VisibleHTML), email.TextFromHTML(split.HiddenHTML)
	}
	for _, a := range m.Attachments {
		i.Attachments = append(i.Attachments, InspectedIn{a.Name, a.Type, a.Disposition, a.ContentID, a.Size(), a.SHA256, a.Inline})
	}
	if r := m.Report; r != nil && r.Kind == email.ReportDelivery {
		i.Bounce.OriginalMessageID = r.OriginalMessageID
		for _, p := range r.Recipients {
			i.Bounce.Recipients = append(i.Bounce.Recipients, InspectedStatus{p.Address, p.Action, p.Status, p.Permanent(), p.Diagnostic})
		}
	}
}

// Inspect is Inspect with the verdict of the desk that runs in the place: the
// conversation the mail would join if it came in now. The desk is asked by the
// socket in its data folder; where none runs the verdict is "unknown".
func (o Operator) Inspect(ctx context.Context, name string, from io.Reader) Inspection {
	one, raw := inspect(name, from)
	if raw == nil || one.Error != "" {
		one.Conversation.Reason = "The mail could not be read."
		return one
	}
	var verdict Verdict
	if err := ask(ctx, o.Place, opVerdict, askVerdict{raw}, &verdict); err != nil {
		one.Conversation.Reason = "The desk could not be asked: " + err.Error() + "."
		if errors.Is(err, errNotRunning) {
			one.Conversation.Reason = "No desk runs on the data folder " + o.Place.Data + "."
		}
		return one
	}
	one.Conversation = verdict
	return one
}

// askVerdict asks where a mail would go.
type askVerdict struct{ Raw []byte }

// verdict answers it.
func (o operators) verdict(ctx context.Context, p askVerdict) (Verdict, error) {
	if o.locate == nil {
		return Verdict{}, postroom.Errorf(postroom.Unavailable, "The desk does not run.")
	}
	where, err := o.locate(ctx, p.Raw)
	v := Verdict{Verdict: "new", Number: where.Number, Evidence: string(where.Evidence), Reason: where.Words}
	switch {
	case where.Number != 0:
		v.Verdict = "join"
	case !where.Known, where.Nowhere:
		v.Verdict = "unknown"
	}
	return v, err
}

// WriteInspection prints an Inspection as one line of JSON.
func WriteInspection(w io.Writer, i Inspection) error {
	e := json.NewEncoder(w)
	e.SetEscapeHTML(false)
	return e.Encode(i)
}
