// Package tnef reads TNEF (MS-OXTNEF), the container Outlook puts into
// winmail.dat: its attachments and its bodies.
//
// It is bounded: lengths are checked against what is there, the bytes it
// produces against Limits, and containers within containers are followed five
// deep. A container that ends early, or is damaged, yields what was read
// before the damage, together with an error.
package tnef

import (
	"encoding/binary"
	"errors"
	"fmt"
	"strings"
	"unicode/utf16"

	"golang.org/x/text/encoding/htmlindex"
)

// Limits bound what Read produces. A zero MaxBytes or MaxAttachments allows
// nothing.
type Limits struct {
	MaxBytes       int64 // of attachments and bodies together
	MaxAttachments int
}

// Message is the content of a container.
type Message struct {
	Subject     string
	Text        string // plain text body, or the text of an RTF body
	HTML        string // HTML body, also when it was wrapped in RTF
	Attachments []Attachment
}

// Attachment is a file in a container.
type Attachment struct {
	Name      string // as it stands there, with path parts if it has any
	Type      string // media type, often ""
	ContentID string // without brackets, or ""
	Data      []byte
}

// ErrFormat says that the bytes are no TNEF, or damaged.
var ErrFormat = errors.New("tnef: damaged or no container")

const (
	signature = 0x223e9f78

	levelMessage    = 1
	levelAttachment = 2

	attSubject       = 0x8004
	attBody          = 0x800c
	attAttachData    = 0x800f
	attAttachTitle   = 0x8010
	attAttachRend    = 0x9002
	attMessageProps  = 0x9003
	attAttachProps   = 0x9005
	attOemCodepage   = 0x9007
	maxDepth         = 5
	maxAttributes    = 50000
	maxPropertyCount = 100000
)

// Read unpacks a container. The Message is usable even when there is an error.
func Read(data []byte, l Limits) (Message, error) {
	r := &reader{left: l.MaxBytes, files: l.MaxAttachments}
	return r.message(data, 0)
}

type reader struct {
	left  int64 // bytes that may still be produced
	files int   // attachments that may still be produced
}

// take accounts for n bytes of output and reports whether they are allowed.
func (r *reader) take(n int) bool {
	if int64(n) > r.left {
		return false
	}
	r.left -= int64(n)
	return true
}

// container collects one message while its attributes are read.
type container struct {
	Message
	codepage int
	rtf      []byte
	open     *Attachment // the attachment whose attributes are being read
	nested   []byte      // a container within it
}

func (r *reader) message(data []byte, depth int) (Message, error) {
	if len(data) < 6 || binary.LittleEndian.Uint32(data) != signature {
		return Message{}, ErrFormat
	}
	c := &container{codepage: 1252}
	rest := data[6:]
	var err error
	for n := 0; len(rest) > 0 && n < maxAttributes; n++ {
		var a attribute
		if a, rest, err = cutAttribute(rest); err != nil {
			if a.data != nil {
				r.attribute(c, a, depth)
			}
			break
		}
		r.attribute(c, a, depth)
	}
	r.closeAttachment(c, depth)
	r.bodies(c)
	return c.Message, err
}

type attribute struct {
	level byte
	id    uint16
	data  []byte
}

// cutAttribute reads level, id, type, length, data and checksum. The checksum
// is not checked: damaged ones are common and the content mostly whole.
func cutAttribute(b []byte) (attribute, []byte, error) {
	if len(b) < 9 {
		return attribute{}, nil, ErrFormat
	}
	a := attribute{level: b[0], id: binary.LittleEndian.Uint16(b[1:])}
	n := binary.LittleEndian.Uint32(b[5:])
	if a.level != levelMessage && a.level != levelAttachment {
		return attribute{}, nil, ErrFormat
	}
	if uint64(n) > uint64(len(b)-9) {
		// The container was cut: what there is of the last attribute counts.
		a.data = b[9:]
		return a, nil, fmt.Errorf("%w: an attribute is longer than the container", ErrFormat)
	}
	a.data = b[9 : 9+n]
	rest := b[9+n:]
	if len(rest) >= 2 {
		rest = rest[2:]
	} else {
		rest = nil
	}
	return a, rest, nil
}

func (r *reader) attribute(c *container, a attribute, depth int) {
	switch a.id {
	case attOemCodepage:
		if len(a.data) >= 4 {
			c.codepage = int(binary.LittleEndian.Uint32(a.data))
		}
	case attSubject:
		c.Subject = c.decode(a.data)
	case attBody:
		if r.take(len(a.data)) {
			c.Text = c.decode(a.data)
		}
	case attMessageProps:
		r.properties(a.data, func(id uint16, v value) { r.messageProperty(c, id, v) })
	case attAttachRend:
		r.closeAttachment(c, depth)
		c.open = &Attachment{}
	case attAttachTitle:
		if f := c.file(); f.Name == "" {
			f.Name = c.decode(a.data)
		}
	case attAttachData:
		if r.take(len(a.data)) {
			c.file().Data = a.data
		}
	case attAttachProps:
		r.properties(a.data, func(id uint16, v value) { r.attachmentProperty(c, id, v) })
	}
}

// file returns the open attachment, opening one where the container forgot to.
func (c *container) file() *Attachment {
	if c.open == nil {
		c.open = &Attachment{}
	}
	return c.open
}

func (r *reader) messageProperty(c *container, id uint16, v value) {
	switch id {
	case propSubject:
		if s := v.text(c); s != "" {
			c.Subject = s
		}
	case propBody:
		if s := v.text(c); s != "" && r.take(len(s)) {
			c.Text = s
		}
	case propHTML:
		if r.take(len(v.data)) {
			c.HTML = v.text(c)
		}
	case propRTF:
		c.rtf = v.data
	}
}

func (r *reader) attachmentProperty(c *container, id uint16, v value) {
	f := c.file()
	switch id {
	case propAttachLongName:
		if s := v.text(c); s != "" {
			f.Name = s
		}
	case propAttachName, propDisplayName:
		if f.Name == "" {
			f.Name = v.text(c)
		}
	case propAttachType:
		f.Type = v.text(c)
	case propAttachContentID:
		f.ContentID = strings.Trim(v.text(c), "<>")
	case propAttachData:
		if v.kind == typeObject && len(v.data) > 16 {
			if inner := v.data[16:]; len(inner) > 4 && binary.LittleEndian.Uint32(inner) == signature {
				c.nested = inner
				return
			}
		}
		if len(f.Data) == 0 && r.take(len(v.data)) {
			f.Data = v.data
		}
	}
}

// closeAttachment files the open attachment. A message within the message
// gives its own attachments, and its text as a file.
func (r *reader) closeAttachment(c *container, depth int) {
	f, nested := c.open, c.nested
	c.open, c.nested = nil, nil
	if f == nil {
		return
	}
	if nested != nil && depth < maxDepth {
		if m, err := r.message(nested, depth+1); err == nil || len(m.Attachments) > 0 || m.Text != "" || m.HTML != "" {
			r.fileNested(c, f, m)
			return
		}
	}
	if nested != nil && len(f.Data) == 0 && r.take(len(nested)) {
		f.Data = nested
	}
	if r.files > 0 && (len(f.Data) > 0 || f.Name != "") {
		r.files--
		c.Attachments = append(c.Attachments, *f)
	}
}

func (r *reader) fileNested(c *container, f *Attachment, m Message) {
	name := f.Name
	if name == "" {
		name = m.Subject
	}
	if name == "" {
		name = "message"
	}
	a := Attachment{Name: name + ".txt", Type: "text/plain", Data: []byte(m.Text)}
	if strings.TrimSpace(m.HTML) != "" {
		a = Attachment{Name: name + ".html", Type: "text/html", Data: []byte(m.HTML)}
	}
	if len(a.Data) > 0 && r.files > 0 {
		r.files--
		c.Attachments = append(c.Attachments, a)
	}
	c.Attachments = append(c.Attachments, m.Attachments...)
}

// bodies makes text or HTML of an RTF body where there is no better one.
func (r *reader) bodies(c *container) {
	if len(c.rtf) == 0 || c.HTML != "" {
		return
	}
	rtf, err := decompress(c.rtf, min(r.left, 32<<20))
	if err != nil || !r.take(len(rtf)) {
		return
	}
	text, html := readRTF(rtf, min(r.left, 32<<20), c.decodePage)
	if html != "" {
		c.HTML = html
	} else if strings.TrimSpace(c.Text) == "" {
		c.Text = text
	}
}

// decode reads a string of the container's code page, up to its NUL.
func (c *container) decode(b []byte) string {
	if i := strings.IndexByte(string(b), 0); i >= 0 {
		b = b[:i]
	}
	return c.decodePage(b, c.codepage)
}

func (c *container) decodePage(b []byte, codepage int) string {
	label := fmt.Sprintf("windows-%d", codepage)
	switch codepage {
	case 65001:
		return strings.ToValidUTF8(string(b), "\uFFFD")
	case 932:
		label = "shift_jis"
	case 936:
		label = "gb18030"
	case 949:
		label = "euc-kr"
	case 950:
		label = "big5"
	}
	enc, err := htmlindex.Get(label)
	if err != nil {
		enc, _ = htmlindex.Get("windows-1252")
	}
	out, err := enc.NewDecoder().Bytes(b)
	if err != nil {
		return strings.ToValidUTF8(string(b), "\uFFFD")
	}
	return string(out)
}

func decodeUTF16(b []byte) string {
	units := make([]uint16, 0, len(b)/2)
	for i := 0; i+1 < len(b); i += 2 {
		u := binary.LittleEndian.Uint16(b[i:])
		if u == 0 {
			break
		}
		units = append(units, u)
	}
	return string(utf16.Decode(units))
}
