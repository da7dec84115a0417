package smtpout

import (
	"bytes"
	"strings"
	"testing"
)

// TestWireAddress takes what can be sent and refuses what could end a
// command or begin another.
func TestWireAddress(t *testing.T) {
	t.Parallel()
	cases := []struct {
		in     string
		sender bool
		want   string
		utf8   bool
		fails  bool
	}{
		{in: "ann@customer.test", want: "ann@customer.test"},
		{in: "desk+c1.k2=x@postroom.test", want: "desk+c1.k2=x@postroom.test"},
		{in: `"a b"@customer.test`, want: `"a b"@customer.test`},
		{in: "ann@[192.0.2.1]", want: "ann@[192.0.2.1]"},
		{in: "ann@bücher.test", want: "ann@xn--bcher-kva.test"},
		{in: "bücher@bücher.test", want: "bücher@xn--bcher-kva.test", utf8: true},
		{in: "", sender: true, want: ""},
		{in: "", fails: true},
		{in: "ann", fails: true},
		{in: "@x.test", fails: true},
		{in: "ann@", fails: true},
		{in: "a b@x.test", fails: true},
		{in: "ann@x.test>\r\nRCPT TO:<eve@x.test", fails: true},
		{in: "ann@x.test\nDATA", fails: true},
		{in: "ann\x00@x.test", fails: true},
		{in: "ann@x.test> SIZE=1", fails: true},
		{in: "a@b@x.test", fails: true},
		{in: "ann@x.test,eve@y.test", fails: true},
		{in: "\xff@x.test", fails: true},
		{in: strings.Repeat("a", 65) + "@x.test", fails: true},
		{in: "a@" + strings.Repeat("b", 300), fails: true},
	}
	for _, c := range cases {
		got, utf8, err := wireAddress(c.in, c.sender)
		if (err != nil) != c.fails || got != c.want || utf8 != c.utf8 {
			t.Errorf("%q: %q, %v, %v", c.in, got, utf8, err)
		}
	}
}

// TestBodyOnTheWire checks line ends, dots and the measured size, with lines
// that cross block borders.
func TestBodyOnTheWire(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("y", 3*blockSize+5)
	cases := []struct{ in, want string }{
		{"", ""},
		{"a", "a\r\n"},
		{"a\r\nb\r\n", "a\r\nb\r\n"},
		{"a\nb\rc\r\n\r\nd\n\n", "a\r\nb\r\nc\r\n\r\nd\r\n\r\n"},
		{".\r\n", "..\r\n"},
		{"x\n.\ny", "x\r\n..\r\ny\r\n"},
		{"x\r\n.\ry", "x\r\n..\r\ny\r\n"},
		{"\n..a", "\r\n...a\r\n"},
		{long + "\n." + long, long + "\r\n.." + long + "\r\n"},
		{strings.Repeat("z\n", blockSize), strings.Repeat("z\r\n", blockSize)},
	}
	for _, c := range cases {
		content := inspect([]byte(c.in))
		var got bytes.Buffer
		if err := content.blocks(func(b []byte) error { got.Write(b); return nil }); err != nil {
			t.Fatal(err)
		}
		if got.String() != c.want {
			t.Errorf("%.40q: %.60q, want %.60q", c.in, got.String(), c.want)
		}
		doubled := strings.Count("\r\n"+c.want, "\r\n.")
		if want := int64(len(c.want) - doubled); content.size != want {
			t.Errorf("%.40q: size %d, want %d", c.in, content.size, want)
		}
	}
	for in, want := range map[string][2]bool{
		"A: b\n\nc\n":    {false, false},
		"A: ä\n\nc\n":    {true, false},
		"A: b\r\n\r\nä":  {false, true},
		"A: ä\r\n\r\nä":  {true, true},
		"A: b\r\nB: ä":   {true, false},
		"\r\nbody ä\r\n": {false, true},
	} {
		if c := inspect([]byte(in)); c.header8bit != want[0] || c.body8bit != want[1] {
			t.Errorf("%q: header %v, body %v", in, c.header8bit, c.body8bit)
		}
	}
}

// TestReplies takes replies apart.
func TestReplies(t *testing.T) {
	t.Parallel()
	for line, want := range map[string]struct {
		code int
		rest string
		more bool
		ok   bool
	}{
		"250 fine":  {250, "fine", false, true},
		"250-more":  {250, "more", true, true},
		"354":       {354, "", false, true},
		"250":       {250, "", false, true},
		"250_":      {},
		"what?":     {},
		"199 x":     {},
		"600 x":     {},
		"25":        {},
		"":          {},
		"2500 fine": {},
	} {
		code, rest, more, ok := splitReply(line)
		if ok != want.ok || (ok && (code != want.code || rest != want.rest || more != want.more)) {
			t.Errorf("%q: %d %q %v %v", line, code, rest, more, ok)
		}
	}
	for text, want := range map[string]string{
		"5.1.1 no":    "5.1.1",
		"5.7.606":     "5.7.606",
		"4.1.1 no":    "",
		"5.1 no":      "",
		"5.1.1234 no": "",
		"5.a.1 no":    "",
		"no":          "",
		"5.1.1.1 ip":  "",
	} {
		if got, _ := splitEnhanced(550, text); got != want {
			t.Errorf("%q: %q, want %q", text, got, want)
		}
	}
	if got := xtext("a+b=c d\x7f", 100); got != "a+2Bb+3Dc+20d+7F" {
		t.Errorf("xtext: %q", got)
	}
	if got := printable("a\x1b[31m\u009bb\xff"); got != "a?[31m?b?" {
		t.Errorf("printable: %q", got)
	}
}
