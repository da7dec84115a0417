package postoffice

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/textproto"
	"strings"
	"time"
)

// Reply is what a peer answered.
type Reply struct {
	Code int
	Text string // with the enhanced code, lines joined by a line feed
}

// String returns "250 2.0.0 Taken".
func (r Reply) String() string { return fmt.Sprintf("%d %s", r.Code, r.Text) }

// OK says whether the answer is a yes.
func (r Reply) OK() bool { return r.Code/100 == 2 }

// Answers is what a peer said to one mail: for each recipient the last word
// about it, in the order of the recipients.
type Answers []Reply

// OK says whether every recipient was taken.
func (a Answers) OK() bool {
	for _, r := range a {
		if !r.OK() {
			return false
		}
	}
	return len(a) > 0
}

// Deliver hands a mail to an LMTP or SMTP server as a customer's mail server
// would, and returns its answers. addr is "host:port" or "unix:/path"; which
// protocol is spoken there is found out by asking. Line ends become CRLF. The
// error is for a dialogue that could not be brought to its end; a refusal is
// an answer.
func Deliver(ctx context.Context, addr, from string, to []string, raw []byte) (Answers, error) {
	c, err := DialCustomer(ctx, addr)
	if err != nil {
		return nil, err
	}
	defer c.Close()
	return c.Deliver(ctx, from, to, raw)
}

// Customer is a connection on which a customer's mail server hands in mails
// one after the other.
type Customer struct {
	conn net.Conn
	text *textproto.Conn
	lmtp bool
}

// customerPatience bounds the wait for one answer when ctx has no end.
const customerPatience = time.Minute

// DialCustomer connects as Deliver does.
func DialCustomer(ctx context.Context, addr string) (*Customer, error) {
	network, address := "tcp", addr
	if path, ok := strings.CutPrefix(addr, "unix:"); ok {
		network, address = "unix", path
	}
	conn, err := new(net.Dialer).DialContext(ctx, network, address)
	if err != nil {
		return nil, fmt.Errorf("hand in mail: %w", err)
	}
	c := &Customer{conn: conn, text: textproto.NewConn(conn)}
	if err := c.greet(ctx); err != nil {
		conn.Close()
		return nil, fmt.Errorf("hand in mail: %w", err)
	}
	return c, nil
}

// greet finds out the protocol: only LMTP knows LHLO.
func (c *Customer) greet(ctx context.Context) error {
	defer c.closeOn(ctx)()
	r, err := c.read()
	if err != nil {
		return err
	}
	if !r.OK() {
		return fmt.Errorf("greeted with %s", r)
	}
	if r, err = c.say("LHLO customer.test"); err != nil {
		return err
	}
	if c.lmtp = r.OK(); c.lmtp {
		return nil
	}
	if r, err = c.say("EHLO customer.test"); err == nil && !r.OK() {
		err = fmt.Errorf("EHLO was answered %s", r)
	}
	return err
}

// closeOn closes the connection when ctx ends.
func (c *Customer) closeOn(ctx context.Context) func() bool {
	return context.AfterFunc(ctx, func() { c.conn.Close() })
}

// LMTP says whether the peer speaks LMTP.
func (c *Customer) LMTP() bool { return c.lmtp }

// Close hangs up.
func (c *Customer) Close() error { return c.text.Close() }

// read reads one reply.
func (c *Customer) read() (Reply, error) {
	if err := c.conn.SetDeadline(time.Now().Add(customerPatience)); err != nil {
		return Reply{}, err
	}
	code, text, err := c.text.ReadResponse(0)
	var said *textproto.Error
	if err != nil && !errors.As(err, &said) {
		return Reply{}, err
	}
	return Reply{Code: code, Text: text}, nil
}

// say sends a line and reads the reply.
func (c *Customer) say(format string, args ...any) (Reply, error) {
	if err := c.text.PrintfLine(format, args...); err != nil {
		return Reply{}, err
	}
	return c.read()
}

// Deliver hands in one mail.
func (c *Customer) Deliver(ctx context.Context, from string, to []string, raw []byte) (Answers, error) {
	defer c.closeOn(ctx)()
	answers, err := c.transaction(from, to, raw)
	if err != nil {
		return answers, fmt.Errorf("hand in mail: %w", err)
	}
	return answers, nil
}

// transaction is MAIL, RCPT, DATA.
func (c *Customer) transaction(from string, to []string, raw []byte) (Answers, error) {
	if strings.ContainsAny(from+strings.Join(to, ""), "\r\n<>") {
		return nil, errors.New("an address has a character that may not be there")
	}
	answers := make(Answers, len(to))
	all := func(r Reply) Answers {
		for i := range answers {
			answers[i] = r
		}
		return answers
	}
	r, err := c.say("MAIL FROM:<%s>", from)
	if err != nil || !r.OK() {
		return all(r), err
	}
	var taken []int
	for i, t := range to {
		if answers[i], err = c.say("RCPT TO:<%s>", t); err != nil {
			return answers, err
		}
		if answers[i].OK() {
			taken = append(taken, i)
		}
	}
	if len(taken) == 0 {
		_, err = c.say("RSET")
		return answers, err
	}
	if r, err = c.say("DATA"); err != nil || r.Code != 354 {
		for _, i := range taken {
			answers[i] = r
		}
		return answers, err
	}
	if err := c.send(raw); err != nil {
		return answers, err
	}
	for n, i := range taken {
		if n == 0 || c.lmtp { // SMTP has one answer for all
			if r, err = c.read(); err != nil {
				return answers, err
			}
		}
		answers[i] = r
	}
	return answers, nil
}

// send writes the mail and its dot.
func (c *Customer) send(raw []byte) error {
	w := c.text.DotWriter()
	if _, err := io.Copy(w, bytes.NewReader(raw)); err != nil {
		return err
	}
	return w.Close()
}
