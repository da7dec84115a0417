package smtpout

import "bytes"

// blockSize is how much of a mail is written at once, each block with its own
// timeout.
const blockSize = 64 << 10

// content is a mail as it will be sent.
type content struct {
	raw        []byte
	size       int64 // octets with CRLF line ends, without doubled dots (RFC 1870)
	header8bit bool
	body8bit   bool
}

// inspect measures a mail.
func inspect(raw []byte) content {
	c := content{raw: raw}
	inHeader := true
	for line := range lines(raw) {
		c.size += int64(len(line)) + 2
		if len(line) == 0 {
			inHeader = false
		}
		if !has8bit(line) {
			continue
		}
		if inHeader {
			c.header8bit = true
		} else {
			c.body8bit = true
		}
	}
	return c
}

// has8bit says whether a line needs 8BITMIME.
func has8bit(line []byte) bool {
	for _, b := range line {
		if b >= 0x80 {
			return true
		}
	}
	return false
}

// lines yields the lines of raw without their ends. CRLF, LF and CR all end
// a line: a bare one on the wire would be read differently by different
// servers, which is how mails are smuggled (RFC 5321 section 2.3.8).
func lines(raw []byte) func(yield func([]byte) bool) {
	return func(yield func([]byte) bool) {
		for len(raw) > 0 {
			i := bytes.IndexAny(raw, "\r\n")
			if i < 0 {
				yield(raw)
				return
			}
			if !yield(raw[:i]) {
				return
			}
			if raw[i] == '\r' && i+1 < len(raw) && raw[i+1] == '\n' {
				i++
			}
			raw = raw[i+1:]
		}
	}
}

// blocks gives the mail to write in blocks: lines ended by CRLF, dots at
// their beginning doubled (RFC 5321 section 4.5.2), no terminating dot.
func (c content) blocks(write func([]byte) error) error {
	buf := make([]byte, 0, blockSize+1024)
	for line := range lines(c.raw) {
		if len(line) > 0 && line[0] == '.' {
			buf = append(buf, '.')
		}
		for len(line) > blockSize-len(buf) {
			n := max(blockSize-len(buf), 0)
			buf = append(buf, line[:n]...)
			line = line[n:]
			if err := write(buf); err != nil {
				return err
			}
			buf = buf[:0]
		}
		buf = append(append(buf, line...), '\r', '\n')
	}
	if len(buf) == 0 {
		return nil
	}
	return write(buf)
}
