// Package smtpin takes mail in by LMTP (RFC 2033) and SMTP (RFC 5321) and
// hands the raw bytes to a Sink. It looks into no mail and knows no rules:
// the peer hears 250 only after the Sink has said that the mail is safe.
package smtpin

import (
	"context"
	"errors"
	"strings"
	"time"

	"github.com/emersion/go-smtp"

	"postroom"
)

// Source is the protocol a mail came by.
type Source string

// The sources.
const (
	LMTP Source = "lmtp"
	SMTP Source = "smtp"
)

// Delivery is one mail as it was handed in.
type Delivery struct {
	Source     Source
	From       string   // envelope sender without brackets; empty is the null sender
	To         []string // envelope recipients that KnowsRecipient did not refuse, in order
	Raw        []byte   // the bytes between DATA and the final dot, undone of dot-stuffing; the Sink may keep them
	RemoteAddr string   // of the peer, "192.0.2.1:4711"; "" or "@" on a Unix socket
	HELO       string   // what the peer called itself
	TLS        bool     // the connection was encrypted
	ReceivedAt time.Time
}

// Sink takes mails. Accept returns nil once the mail can no longer be lost;
// it is called once for a mail, by many goroutines at a time, and ctx ends
// when nobody waits for the answer any more. The error decides what the peer
// hears:
//
//	nil                              250 2.0.0
//	postroom.NotFound                550 5.1.1
//	postroom.Invalid                 554 5.6.0
//	postroom.Forbidden               550 5.7.1
//	Refusals                         an answer for each recipient
//	anything else, or a panic        451 4.3.0: the peer keeps it and tries again
type Sink interface {
	Accept(ctx context.Context, d Delivery) error
}

// RecipientChecker is what a Sink may be in addition: it is asked at RCPT, so
// that the peer learns of an unknown recipient before it sends the mail. Its
// errors are answered like those of Accept.
type RecipientChecker interface {
	KnowsRecipient(ctx context.Context, address string) error
}

// Refusals is an error of Accept that differs by recipient: the key is the
// address as it stands in Delivery.To, and who is not in it has been
// accepted. LMTP tells each recipient's answer. SMTP has only one: 451 if any
// is temporary (the Sink must then know the mail again when it comes back),
// otherwise a refusal if all are refused, otherwise 250.
type Refusals map[string]error

// Error names the refused recipients.
func (r Refusals) Error() string {
	parts := make([]string, 0, len(r))
	for to, err := range r {
		if err != nil {
			parts = append(parts, to+": "+err.Error())
		}
	}
	return "refused for " + strings.Join(parts, "; ")
}

// errPanic stands for a Sink that panicked.
var errPanic = errors.New("the sink panicked")

// tooLarge is a mail over Options.MaxBytes.
type tooLarge struct{}

// Error says so.
func (tooLarge) Error() string { return "the mail is larger than the limit" }

// answer turns an error of the Sink into the reply. The words of an unknown
// error are for our log, not for the peer.
func answer(err error) *smtp.SMTPError {
	if err == nil {
		return nil
	}
	reply := func(code int, enhanced smtp.EnhancedCode, text string) *smtp.SMTPError {
		return &smtp.SMTPError{Code: code, EnhancedCode: enhanced, Message: oneLine(text)}
	}
	if errors.As(err, &tooLarge{}) {
		return reply(552, smtp.EnhancedCode{5, 3, 4}, "The mail is larger than this server takes")
	}
	switch postroom.CodeOf(err) {
	case postroom.NotFound:
		return reply(550, smtp.EnhancedCode{5, 1, 1}, postroom.TextOf(err))
	case postroom.Invalid:
		return reply(554, smtp.EnhancedCode{5, 6, 0}, postroom.TextOf(err))
	case postroom.Forbidden:
		return reply(550, smtp.EnhancedCode{5, 7, 1}, postroom.TextOf(err))
	case postroom.Busy:
		return reply(451, smtp.EnhancedCode{4, 3, 2}, postroom.TextOf(err))
	}
	return reply(451, smtp.EnhancedCode{4, 3, 0}, "The mail could not be kept just now, please try again later")
}

// answerAll makes one reply of an error that may differ by recipient.
func answerAll(err error, to []string) *smtp.SMTPError {
	var each Refusals
	if !errors.As(err, &each) {
		return answer(err)
	}
	var permanent *smtp.SMTPError
	refused := 0
	for _, addr := range to {
		a := answer(each[addr])
		switch {
		case a == nil:
		case a.Temporary():
			return a
		default:
			permanent = a
			refused++
		}
	}
	if refused == len(to) {
		return permanent
	}
	return nil
}

// oneLine keeps a sentence of ours from becoming several reply lines.
func oneLine(s string) string {
	return strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f {
			return ' '
		}
		return r
	}, s)
}
