package smtpout

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"time"
)

// Envelope is the SMTP envelope of one mail.
type Envelope struct {
	From string   // reverse path; empty is the null sender
	To   []string // recipients, at least one

	// Size is announced with SIZE (RFC 1870); 0 means the length of the body.
	Size int64

	// ENVID is asked to be given back in delivery reports (RFC 3461); empty
	// for none. At most 100 characters count.
	ENVID string
}

// Hooks are called while a mail is sent, in the goroutine of Send.
type Hooks struct {
	// BeforeData is called when at least one recipient was taken and DATA is
	// about to be written. An error stops the attempt: the transaction is
	// reset and nothing was sent.
	BeforeData func(ctx context.Context) error

	// BeforeDot is called when the whole mail was written but for the dot
	// that ends it. An error stops the attempt: the connection is closed, and
	// since a server may not take a mail whose end it has not seen (RFC 5321
	// section 4.1.1.4), nothing was sent.
	BeforeDot func(ctx context.Context) error

	// Phase is called on entering each phase from PhaseMail on, before its
	// first byte is written; PhaseAnswer when the dot has left.
	Phase func(Phase)
}

// attempt is one mail on its way.
type attempt struct {
	*Conn
	ctx   context.Context
	env   Envelope
	hooks Hooks
	body  content
	res   Result
	smtp8 bool // the transaction uses SMTPUTF8
}

// Send hands one mail to the server. Line ends of body are made CRLF, leading
// dots are doubled; nothing else is changed. Ending ctx closes the
// connection. Send always says for every recipient what became of the mail.
func (c *Conn) Send(ctx context.Context, env Envelope, body []byte, hooks Hooks) Result {
	a := &attempt{Conn: c, ctx: ctx, env: env, hooks: hooks, body: inspect(body)}
	a.res.Recipients = make([]Recipient, len(env.To))
	for i, to := range env.To {
		a.res.Recipients[i].Address = to
	}
	if len(env.To) == 0 {
		a.end(&Fault{Phase: PhaseMail, Text: "the mail has no recipient", permanent: true})
		return a.finish()
	}
	if !c.Reusable() {
		c.broken = true
		a.res.Stale = c.mails > 0
		a.end(&Fault{Phase: PhaseMail, Text: "the connection can no longer be used"})
		return a.finish()
	}
	stop := c.closeOn(ctx)
	a.run()
	stop()
	c.mails++
	return a.finish()
}

// run goes through the transaction. Each step says whether to go on.
func (a *attempt) run() {
	_ = a.mail() && a.rcpt() && a.data() && a.write() && a.dot()
}

// finish completes the result.
func (a *attempt) finish() Result {
	a.res.Phase = a.phaseReached()
	a.res.ServerName, a.res.ServerIP, a.res.TLSVersion = a.name, a.ip, a.tlsVersion
	a.res.Reusable = a.Reusable()
	a.res.Dialogue = append(a.opening, a.dialogue...)
	a.opening, a.dialogue = nil, nil
	for i := range a.res.Recipients {
		r := &a.res.Recipients[i]
		if r.Outcome != Accepted && r.Class == "" {
			r.Class = Retry
		}
	}
	return a.res
}

// phaseReached is the furthest phase of this mail.
func (a *attempt) phaseReached() Phase {
	if a.res.Phase == "" {
		return PhaseMail
	}
	return a.res.Phase
}

// reach enters a phase and tells the hook.
func (a *attempt) reach(p Phase) {
	a.enter(p)
	a.res.Phase = p
	if a.hooks.Phase != nil {
		a.hooks.Phase(p)
	}
}

// settle gives recipient i its end.
func (a *attempt) settle(i int, f *Fault) {
	r := &a.res.Recipients[i]
	r.Outcome, r.Class = outcomeOf(f), Classify(f)
	r.Code, r.Enhanced, r.Text, r.Phase = f.Code, f.Enhanced, f.Text, f.Phase
}

// outcomeOf says what a fault means for a recipient, before any dot was
// written.
func outcomeOf(f *Fault) Outcome {
	if f.permanent || (f.Code >= 500 && f.Code <= 599) {
		return Refused
	}
	return Temporary
}

// end gives every recipient without an end the fault's.
func (a *attempt) end(f *Fault) bool {
	a.res.Fault = f
	for i := range a.res.Recipients {
		if a.res.Recipients[i].Outcome == "" {
			a.settle(i, f)
		}
	}
	return false
}

// reset takes a begun transaction back, so that the connection can be used
// again; a connection that does not agree is broken.
func (a *attempt) reset() {
	if a.broken {
		return
	}
	rep, f := a.command(a.ctx, a.server.Timeouts.Command, "", "RSET")
	if f != nil || rep.code/100 != 2 {
		a.broken = true
	}
}

// mail says MAIL FROM with whatever the server offers and the mail needs.
func (a *attempt) mail() bool {
	a.reach(PhaseMail)
	line, f := a.mailLine()
	if f != nil {
		return a.end(f)
	}
	rep, f := a.command(a.ctx, a.server.Timeouts.Command, "", line)
	if f != nil {
		// A server may close an idle connection at any time: then it never
		// saw this mail, and the try does not count.
		a.res.Stale = a.mails > 0 && !f.Timeout && a.ctx.Err() == nil
		return a.end(f)
	}
	if rep.code == 421 && a.mails > 0 {
		a.res.Stale = true
	}
	return a.expect(rep, 250)
}

// expect ends the attempt unless the reply is the wanted one. 421 means that
// the server is about to hang up (RFC 5321 section 3.8).
func (a *attempt) expect(rep reply, want int) bool {
	if rep.code == want {
		return true
	}
	f := a.fault(rep)
	switch {
	case rep.code == 421:
		a.broken = true
	case rep.code < 400:
		a.broken = true
		f.Text = fmt.Sprintf("the server answered %d where %d belongs: %s", rep.code, want, rep.text)
		a.note("an answer that does not fit; the connection is given up")
	}
	a.end(f)
	a.reset()
	return false
}

// mailLine builds the MAIL command, or says why the mail cannot go to this
// server at all.
func (a *attempt) mailLine() (string, *Fault) {
	local := func(enhanced, text string) (string, *Fault) {
		return "", &Fault{Phase: PhaseMail, Enhanced: enhanced, Text: text, permanent: true}
	}
	from, utf8From, err := wireAddress(a.env.From, true)
	if err != nil {
		return local("5.1.7", "the sender's address cannot be used: "+err.Error())
	}
	_, offersUTF8 := a.ext["SMTPUTF8"]
	_, offers8bit := a.ext["8BITMIME"]
	switch {
	case utf8From && !offersUTF8:
		return local("5.6.7", "the sender's address has letters outside ASCII and the server does not offer SMTPUTF8")
	case a.body.header8bit && !offersUTF8:
		return local("5.6.7", "the mail's header has letters outside ASCII and the server does not offer SMTPUTF8")
	case a.body.body8bit && !offers8bit:
		return local("5.6.3", "the mail has 8-bit text and the server does not offer 8BITMIME")
	}
	if offersUTF8 {
		a.smtp8 = utf8From || a.body.header8bit
		for _, to := range a.env.To {
			if _, u, err := wireAddress(to, false); err == nil && u {
				a.smtp8 = true
			}
		}
	}
	size := a.env.Size
	if size <= 0 {
		size = a.body.size
	}
	line := "MAIL FROM:<" + from + ">"
	if limit, ok := a.ext["SIZE"]; ok {
		if n, err := strconv.ParseInt(strings.TrimSpace(limit), 10, 64); err == nil && n > 0 && a.body.size > n {
			return local("5.3.4", fmt.Sprintf("the mail has %d octets and the server takes %d at most", a.body.size, n))
		}
		line += " SIZE=" + strconv.FormatInt(size, 10)
	}
	if offers8bit && (a.body.body8bit || a.body.header8bit) {
		line += " BODY=8BITMIME"
	}
	if a.smtp8 {
		line += " SMTPUTF8"
	}
	if a.wantsDSN() && a.env.ENVID != "" {
		line += " RET=HDRS ENVID=" + xtext(a.env.ENVID, 100)
	}
	return line, nil
}

// wantsDSN says whether delivery reports are asked for: they go to the
// sender, so the null sender gets none.
func (a *attempt) wantsDSN() bool {
	_, ok := a.ext["DSN"]
	return ok && a.env.From != ""
}

// rcpt names the recipients. Those that are refused have their end; if none
// is left the transaction is taken back.
func (a *attempt) rcpt() bool {
	a.reach(PhaseRcpt)
	taken := 0
	for i, to := range a.env.To {
		addr, needsUTF8, err := wireAddress(to, false)
		switch {
		case err != nil:
			a.settle(i, &Fault{Phase: PhaseRcpt, Enhanced: "5.1.3", Text: "the address cannot be used: " + err.Error(), permanent: true})
			continue
		case needsUTF8 && !a.smtp8:
			a.settle(i, &Fault{Phase: PhaseRcpt, Enhanced: "5.6.7", Text: "the address has letters outside ASCII and the server does not offer SMTPUTF8", permanent: true})
			continue
		}
		line := "RCPT TO:<" + addr + ">"
		if a.wantsDSN() {
			line += " NOTIFY=FAILURE,DELAY"
			if !needsUTF8 {
				line += " ORCPT=rfc822;" + xtext(addr, 500)
			}
		}
		rep, f := a.command(a.ctx, a.server.Timeouts.Command, "", line)
		if f != nil {
			return a.end(f)
		}
		switch {
		case rep.code == 250 || rep.code == 251:
			taken++
		case rep.code == 421 || rep.code < 400:
			return a.expect(rep, 250)
		default:
			a.settle(i, a.fault(rep))
		}
	}
	if taken == 0 {
		a.reset()
		return false
	}
	return true
}

// data asks for leave to send: first the caller, then the server.
func (a *attempt) data() bool {
	if a.hooks.BeforeData != nil {
		if err := a.hooks.BeforeData(a.ctx); err != nil {
			a.res.Fenced = true
			a.note("stopped before DATA: %v", err)
			a.end(&Fault{Phase: PhaseRcpt, Text: "stopped before anything was sent", Err: err})
			a.reset()
			return false
		}
	}
	a.reach(PhaseData)
	rep, f := a.command(a.ctx, a.server.Timeouts.Data, "", "DATA")
	if f != nil {
		return a.end(f)
	}
	return a.expect(rep, 354)
}

// write sends the mail without its terminating dot. Whatever goes wrong here
// is certain: a server may not take a mail whose end it has not seen.
func (a *attempt) write() bool {
	a.reach(PhaseBody)
	a.log(Client, fmt.Sprintf("(the mail, %d octets)", a.body.size))
	err := a.body.blocks(func(block []byte) error {
		_, err := a.writeAll(block, a.server.Timeouts.Block)
		return err
	})
	if err == nil {
		return a.unasked()
	}
	f := a.lost(a.ctx, "the connection broke while the mail was being sent", err)
	if a.ctx.Err() == nil {
		// A server that has had enough says so and closes.
		if rep, ok := a.lastWords(); ok && rep.code >= 400 {
			f = a.fault(rep)
		}
	}
	return a.end(f)
}

// unasked looks for a reply that came before the end of the mail. It cannot
// be the answer to the mail, and would be taken for it: the dot is then not
// written, so that the mail certainly was not taken.
func (a *attempt) unasked() bool {
	if !a.pending() {
		return true
	}
	rep, f := a.readReply(a.ctx, time.Second)
	a.broken = true
	if f == nil {
		f = a.fault(rep)
		if rep.code < 400 {
			f.Text = "the server answered before the mail was sent: " + rep.text
		}
	}
	return a.end(f)
}

// dot ends the mail and reads the answer. It is written by itself, so that a
// failed write says exactly whether its last byte left.
func (a *attempt) dot() bool {
	if a.hooks.BeforeDot != nil {
		if err := a.hooks.BeforeDot(a.ctx); err != nil {
			a.res.Fenced, a.broken = true, true
			a.note("stopped before the end of the mail: %v", err)
			return a.end(&Fault{Phase: PhaseBody, Text: "stopped before the end of the mail was sent", Err: err})
		}
	}
	a.reach(PhaseDot)
	a.log(Client, ".")
	n, err := a.writeAll([]byte(".\r\n"), a.server.Timeouts.Block)
	if err != nil && n < len(".\r\n") {
		return a.end(a.lost(a.ctx, "the connection broke before the end of the mail was sent", err))
	}
	a.res.DotWritten = true
	a.reach(PhaseAnswer)
	if err != nil {
		return a.uncertain(a.lost(a.ctx, "the connection broke after the mail was sent", err))
	}
	rep, f := a.readReply(a.ctx, a.server.Timeouts.Answer)
	if f != nil {
		return a.uncertain(f)
	}
	switch {
	case rep.code/100 == 2:
		a.accept(rep)
		return true
	case rep.code < 400:
		// Not an answer to a mail; what the server did with it is unknown.
		a.broken = true
		f := a.fault(rep)
		f.Text = fmt.Sprintf("the server answered %d to the end of the mail: %s", rep.code, rep.text)
		return a.uncertain(f)
	}
	if rep.code == 421 {
		a.broken = true
	}
	a.end(a.fault(rep))
	a.res.Fault = nil // the attempt ran to an answer
	return true
}

// accept gives every recipient that was taken at RCPT the server's yes.
func (a *attempt) accept(rep reply) {
	for i := range a.res.Recipients {
		if r := &a.res.Recipients[i]; r.Outcome == "" {
			r.Outcome, r.Phase = Accepted, PhaseAnswer
			r.Code, r.Enhanced, r.Text = rep.code, rep.enhanced, rep.text
		}
	}
}

// uncertain is the one case SMTP cannot decide (RFC 1047): the end of the
// mail left and no answer was read.
func (a *attempt) uncertain(f *Fault) bool {
	a.broken = true
	a.res.Fault = f
	for i := range a.res.Recipients {
		if r := &a.res.Recipients[i]; r.Outcome == "" {
			r.Outcome, r.Phase, r.Class = Uncertain, PhaseAnswer, Retry
			r.Code, r.Enhanced, r.Text = f.Code, f.Enhanced, f.Text
		}
	}
	return false
}
