package smtpout

import (
	"context"
	"strings"
)

// Check asks the server whether it would take a mail from an address: MAIL,
// and RSET to take it back (RFC 5321 section 4.1.1.5). Nothing is sent. Servers
// that look at senders only together with recipients say yes here and may say
// no later. An empty address asks nothing. Ending ctx closes the connection.
func (c *Conn) Check(ctx context.Context, from string) *Fault {
	if from == "" {
		return nil
	}
	stop := c.closeOn(ctx)
	defer stop()
	c.enter(PhaseMail)
	if strings.ContainsAny(from, "<>\r\n\x00 ") {
		return &Fault{Phase: c.phase, Text: "the address cannot be said to a server", permanent: true, Dialogue: c.Dialogue()}
	}
	rep, f := c.command(ctx, c.server.Timeouts.Command, "", "MAIL FROM:<"+from+">")
	if f == nil && rep.code != 250 {
		f = c.fault(rep)
	}
	if f != nil {
		f.Dialogue = c.Dialogue()
		return f
	}
	// Some servers close instead of answering; what was asked is answered.
	_, _ = c.command(ctx, c.server.Timeouts.Command, "", "RSET")
	return nil
}

// Dialogue returns what was said on the connection since it was dialled, as
// far as no result has it.
func (c *Conn) Dialogue() []Line { return append(append([]Line{}, c.opening...), c.dialogue...) }

// Offers returns whether the server offers an extension by its EHLO keyword,
// and the parameter it gave with it: Offers("SIZE").
func (c *Conn) Offers(keyword string) (param string, ok bool) {
	param, ok = c.ext[strings.ToUpper(keyword)]
	return param, ok
}
