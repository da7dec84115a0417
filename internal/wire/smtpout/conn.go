package smtpout

import (
	"bufio"
	"context"
	"crypto/tls"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"strings"
	"time"
)

// Limits on what a server may say. RFC 5321 section 4.5.3.1.5 allows 512
// octets a line; real servers exceed it, hostile ones must not fill memory.
const (
	maxReplyLine  = 4096
	maxReplyLines = 128
	maxDialogue   = 400 // lines kept of one mail; many recipients make many
)

// Conn is a connection on which mails can be sent one after the other. It is
// not safe for use by several goroutines at once.
type Conn struct {
	server Server
	tcp    net.Conn
	raw    net.Conn // tcp, or the tls.Conn over it
	r      *bufio.Reader

	name       string // as the server calls itself
	ip         string
	tlsVersion string
	ext        map[string]string // EHLO keywords, upper case, with their parameters

	dialogue []Line
	opening  []Line   // the dialogue of Dial, given to the first result
	secrets  []string // never to be seen in a dialogue
	phase    Phase
	mails    int // sent on this connection so far
	broken   bool
}

// reply is one answer of the server.
type reply struct {
	code     int
	enhanced string
	text     string // the lines joined by a space, without codes
	lines    []string
}

// note puts a remark of ours into the dialogue.
func (c *Conn) note(format string, args ...any) {
	c.log(Note, fmt.Sprintf(format, args...))
}

// log adds a line to the dialogue without anything secret in it.
func (c *Conn) log(from Side, text string) {
	if len(c.dialogue) == maxDialogue {
		c.dialogue = append(c.dialogue, Line{At: time.Now(), From: Note, Text: "the rest of the dialogue is not kept"})
	}
	if len(c.dialogue) > maxDialogue {
		return
	}
	c.dialogue = append(c.dialogue, Line{At: time.Now(), From: from, Text: printable(c.redact(text))})
}

// minSecret is the length from which a password is looked for in everything
// the server says. A shorter one would blot out ordinary words; it is still
// kept out of the AUTH phase, where a server could repeat it.
const minSecret = 4

// redact replaces what must not be seen: the password and its encoded forms.
// Servers have been seen to repeat them in their refusals.
func (c *Conn) redact(text string) string {
	for _, s := range c.secrets {
		if len(s) >= minSecret || c.phase == PhaseAuth {
			text = strings.ReplaceAll(text, s, "***")
		}
	}
	return text
}

// secretsOf returns every form in which the credentials of s could be
// repeated by a server, the longest first.
func secretsOf(s Server) []string {
	if s.Username == "" || s.Password == "" {
		return nil
	}
	b64 := base64.StdEncoding.EncodeToString
	return []string{
		b64([]byte("user=" + s.Username + "\x01auth=Bearer " + s.Password + "\x01\x01")),
		b64([]byte("\x00" + s.Username + "\x00" + s.Password)),
		b64([]byte(s.Password)),
		s.Password,
	}
}

// printable replaces control characters, so that a server cannot write into
// somebody's terminal, and invalid UTF-8.
func printable(s string) string {
	return strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f || (r >= 0x80 && r < 0xa0) {
			return '?'
		}
		return r
	}, strings.ToValidUTF8(s, "?"))
}

// enter notes the phase.
func (c *Conn) enter(p Phase) { c.phase = p }

// writeAll writes b before the timeout and returns how much of it left.
func (c *Conn) writeAll(b []byte, timeout time.Duration) (int, error) {
	if err := c.raw.SetWriteDeadline(time.Now().Add(timeout)); err != nil {
		return 0, err
	}
	return c.raw.Write(b)
}

// command sends one line and reads the reply. shown is what the dialogue
// gets; empty means the line itself.
func (c *Conn) command(ctx context.Context, timeout time.Duration, shown, line string) (reply, *Fault) {
	if strings.ContainsAny(line, "\r\n\x00") {
		return reply{}, &Fault{Phase: c.phase, Text: "a command with a line break in it was refused", permanent: true}
	}
	if shown == "" {
		shown = line
	}
	c.log(Client, shown)
	if _, err := c.writeAll([]byte(line+"\r\n"), timeout); err != nil {
		// The server may have said why it hung up, which is worth more than
		// "broken pipe".
		if rep, ok := c.lastWords(); ok {
			return rep, nil
		}
		return reply{}, c.lost(ctx, "the connection broke while writing", err)
	}
	return c.readReply(ctx, timeout)
}

// lastWords reads a reply that may lie unread after a write failed.
func (c *Conn) lastWords() (reply, bool) {
	c.broken = true
	rep, f := c.readReply(context.Background(), time.Second)
	c.broken = true
	return rep, f == nil
}

// lost makes a fault of a broken connection and marks it so.
func (c *Conn) lost(ctx context.Context, text string, err error) *Fault {
	c.broken = true
	f := &Fault{Phase: c.phase, Text: text, Err: err}
	var ne net.Error
	if errors.Is(err, os.ErrDeadlineExceeded) || (errors.As(err, &ne) && ne.Timeout()) {
		f.Timeout = true
		f.Text = "the server did not answer in time"
	}
	if ctx.Err() != nil {
		f.Text = "the attempt was stopped"
		f.Err = context.Cause(ctx)
	}
	c.note("%s (%v)", f.Text, f.Err)
	return f
}

// errReply is a reply that is not SMTP.
var errReply = errors.New("not an SMTP reply")

// readReply reads one reply (RFC 5321 section 4.2), of several lines if need
// be. Any fault leaves the connection unfit for use.
func (c *Conn) readReply(ctx context.Context, timeout time.Duration) (reply, *Fault) {
	var rep reply
	if err := c.raw.SetReadDeadline(time.Now().Add(timeout)); err != nil {
		return rep, c.lost(ctx, "the connection is closed", err)
	}
	for {
		line, err := c.readLine()
		if err != nil {
			if errors.Is(err, io.EOF) {
				return rep, c.lost(ctx, "the server closed the connection without an answer", err)
			}
			return rep, c.lost(ctx, "the connection broke while waiting for an answer", err)
		}
		c.log(Peer, line)
		code, rest, more, ok := splitReply(line)
		if !ok || (rep.code != 0 && code != rep.code) || len(rep.lines) >= maxReplyLines {
			return rep, c.lost(ctx, "the server's answer cannot be understood: "+c.clean(line), errReply)
		}
		rep.code = code
		rep.lines = append(rep.lines, rest)
		if !more {
			break
		}
	}
	c.finish(&rep)
	return rep, nil
}

// clean is a server's text fit to be kept and shown.
func (c *Conn) clean(text string) string { return printable(c.redact(text)) }

// finish takes the enhanced code off the lines and joins them.
func (c *Conn) finish(rep *reply) {
	texts := make([]string, 0, len(rep.lines))
	for _, l := range rep.lines {
		enh, rest := splitEnhanced(rep.code, l)
		if enh != "" {
			rep.enhanced, l = enh, rest
		}
		if l = strings.TrimSpace(l); l != "" {
			texts = append(texts, c.clean(l))
		}
	}
	rep.text = strings.Join(texts, " ")
}

// readLine reads up to LF, without the line end; longer lines than
// maxReplyLine are an error.
func (c *Conn) readLine() (string, error) {
	var line []byte
	for {
		part, err := c.r.ReadSlice('\n')
		line = append(line, part...)
		if len(line) > maxReplyLine {
			return "", fmt.Errorf("a line of more than %d octets: %w", maxReplyLine, errReply)
		}
		if err == nil {
			return strings.TrimRight(string(line), "\r\n"), nil
		}
		if !errors.Is(err, bufio.ErrBufferFull) {
			if errors.Is(err, io.EOF) && len(line) > 0 {
				err = io.ErrUnexpectedEOF
			}
			return "", err
		}
	}
}

// splitReply takes "250-text" apart.
func splitReply(line string) (code int, rest string, more, ok bool) {
	if len(line) < 3 {
		return 0, "", false, false
	}
	for _, d := range []byte(line[:3]) {
		if d < '0' || d > '9' {
			return 0, "", false, false
		}
		code = code*10 + int(d-'0')
	}
	if code < 200 || code > 599 {
		return 0, "", false, false
	}
	switch {
	case len(line) == 3:
		return code, "", false, true
	case line[3] == ' ':
		return code, line[4:], false, true
	case line[3] == '-':
		return code, line[4:], true, true
	}
	return 0, "", false, false
}

// splitEnhanced takes an enhanced status code (RFC 3463) off the front of a
// reply's text. One whose class contradicts the code is none.
func splitEnhanced(code int, text string) (enhanced, rest string) {
	word, rest, _ := strings.Cut(text, " ")
	parts := strings.Split(word, ".")
	if len(parts) != 3 || len(parts[0]) != 1 || int(parts[0][0]-'0') != code/100 {
		return "", text
	}
	for _, p := range parts[1:] {
		if p == "" || len(p) > 3 || strings.Trim(p, "0123456789") != "" {
			return "", text
		}
	}
	return word, rest
}

// fault makes a fault of a reply.
func (c *Conn) fault(rep reply) *Fault {
	return &Fault{Phase: c.phase, Code: rep.code, Enhanced: rep.enhanced, Text: rep.text}
}

// tlsName names a TLS version; crypto/tls writes "TLS 1.3".
func tlsName(conn *tls.Conn) string { return tls.VersionName(conn.ConnectionState().Version) }

// pending says whether the server has said something that was not read, or
// hung up. It does not wait: what has not arrived yet cannot be seen.
func (c *Conn) pending() bool {
	if c.r.Buffered() > 0 {
		return true
	}
	if c.tlsVersion != "" && c.peek(time.Unix(1, 0)) {
		return true // TLS had a record in its own buffer
	}
	// Bytes in the kernel are nearly always a reply; TLS may need the rest of
	// a record to know.
	return arrived(c.tcp) && c.peek(time.Now().Add(time.Second))
}

// peek says whether something can be read before the deadline. The end of the
// connection counts, running out of time does not.
func (c *Conn) peek(deadline time.Time) bool {
	if c.raw.SetReadDeadline(deadline) != nil {
		return true
	}
	_, err := c.r.Peek(1)
	var ne net.Error
	return err == nil || !errors.As(err, &ne) || !ne.Timeout()
}

// Reusable says whether another mail may be sent: every reply so far was read
// and understood, none came unasked, and the server has not hung up.
func (c *Conn) Reusable() bool { return !c.broken && !c.pending() }

// ServerName returns the name the server gave itself, ServerIP its address,
// TLSVersion the version of TLS or "".
func (c *Conn) ServerName() string { return c.name }

// ServerIP returns the address the connection goes to.
func (c *Conn) ServerIP() string { return c.ip }

// TLSVersion returns "TLS 1.3" and the like, or "" for plain text.
func (c *Conn) TLSVersion() string { return c.tlsVersion }

// Mails returns how many mails were begun on the connection.
func (c *Conn) Mails() int { return c.mails }

// Close says QUIT if the connection is still in order, and closes it. It
// waits no longer than Timeouts.Quit.
func (c *Conn) Close() error {
	if c.Reusable() {
		// The answer to QUIT changes nothing.
		deadline := time.Now().Add(c.server.Timeouts.Quit)
		if c.raw.SetDeadline(deadline) == nil {
			if _, err := c.raw.Write([]byte("QUIT\r\n")); err == nil {
				_, _ = c.readLine()
			}
		}
	}
	c.broken = true
	return c.raw.Close()
}
