package email

import (
	"bytes"
	"encoding/base64"
	"fmt"
	"strings"
	"testing"
	"time"
)

// TestParseBodies holds M3: what is shown of the parts of a mail.
func TestParseBodies(t *testing.T) {
	t.Parallel()
	part := func(contentType, body string) string {
		return "--b\nContent-Type: " + contentType + "\n\n" + body + "\n"
	}
	for name, tt := range map[string]struct {
		raw, text, html string
		files           string
	}{
		"plain":            {"From: a@x.example\n\nwords", "words", "", ""},
		"html only":        {"Content-Type: text/html\n\n<p>words", "", "<p>words", ""},
		"alternative":      {"Content-Type: multipart/alternative; boundary=b\n\n" + part("text/plain", "t") + part("text/html", "<p>h") + "--b--", "t", "<p>h", ""},
		"html first":       {"Content-Type: multipart/alternative; boundary=b\n\n" + part("text/html", "<p>h") + part("text/plain", "t") + "--b--", "t", "<p>h", ""},
		"mixed texts":      {"Content-Type: multipart/mixed; boundary=b\n\n" + part("text/plain", "one") + part("text/plain", "two") + "--b--", "one\ntwo", "", ""},
		"mixed text html":  {"Content-Type: multipart/mixed; boundary=b\n\n" + part("text/plain", "a<b") + part("text/html", "<p>two") + "--b--", "a<b\ntwo", "a&lt;b\n<p>two", ""},
		"text file":        {"Content-Type: multipart/mixed; boundary=b\n\n" + part("text/plain", "one") + part("text/plain; name=log.txt", "two") + "--b--", "one", "", "log.txt"},
		"disposition":      {"Content-Type: multipart/mixed; boundary=b\n\n" + part("text/plain", "one") + "--b\nContent-Type: text/html\nContent-Disposition: attachment; filename=p.html\n\n<p>x\n--b--", "one", "", "p.html"},
		"amp and calendar": {"Content-Type: multipart/alternative; boundary=b\n\n" + part("text/plain", "t") + part("text/x-amp-html", "<html amp>") + part("text/calendar; method=REQUEST", "BEGIN:VCALENDAR\nMETHOD:REQUEST\nBEGIN:VEVENT\nSUMMARY:Talk\nEND:VEVENT\nEND:VCALENDAR") + "--b--", "t", "", "text.amp.html invite.ics"},
		"invite alone":     {"Content-Type: text/calendar\n\nBEGIN:VCALENDAR\nMETHOD:REQUEST\nBEGIN:VEVENT\nSUMMARY:Talk\\, long\nDTSTART;TZID=Europe/Berlin:20261102T100000\nLOCATION:Room 1\nORGANIZER;CN=Ann:mailto:ann@x.example\nBEGIN:VALARM\nDESCRIPTION:no\nEND:VALARM\nEND:VEVENT\nEND:VCALENDAR", "Invitation: Talk, long\nWhen: 2026-11-02 10:00 Europe/Berlin\nWhere: Room 1\nOrganizer: ann@x.example", "", "invite.ics"},
		"flowed":           {"Content-Type: text/plain; format=flowed\n\nOne long \nline.\n> quoted \n> too\n-- \nAnn", "One long line.\n> quoted too\n-- \nAnn", "", ""},
		"flowed delsp":     {"Content-Type: text/plain; format=flowed; delsp=yes\n\n日本 \n語", "日本語", "", ""},
		"attached mail":    {"Content-Type: multipart/mixed; boundary=b\n\n" + part("text/plain", "see") + part("message/rfc822", "Subject: inner\n\ninner words") + "--b--", "see", "", "inner.eml"},
		"digest":           {"Content-Type: multipart/digest; boundary=b\n\n--b\n\nSubject: one\n\nx\n--b\n\nSubject: two\n\ny\n--b--", "", "", "one.eml two.eml"},
		"uuencode":         {"From: a@x.example\n\nsee:\nbegin 644 a.txt\n%:&5L;&\\\n`\nend\nbye", "see:\nbye", "", "a.txt"},
		"no end of parts":  {"Content-Type: multipart/mixed; boundary=b\n\n" + part("text/plain", "one") + "--b\nContent-Type: text/plain\n\ncut of", "one\ncut of", "", ""},
		"wrong boundary":   {"Content-Type: multipart/mixed; boundary=other\n\n" + part("text/plain", "one") + "--b--", "one", "", ""},
		"no boundary":      {"Content-Type: multipart/mixed\n\njust words", "just words", "", ""},
		"no header":        {"\n\njust words\nand more", "just words\nand more", "", ""},
		"header in body":   {"Subject: x\nthis is no header\n\nwords", "this is no header\n\nwords", "", ""},
		"pgp":              {"Content-Type: multipart/encrypted; protocol=\"application/pgp-encrypted\"; boundary=b\n\n" + part("application/pgp-encrypted", "Version: 1") + part("application/octet-stream; name=encrypted.asc", "x") + "--b--", "", "", "version.txt encrypted.asc"},
	} {
		for ending, raw := range map[string]string{"LF": tt.raw, "CRLF": strings.ReplaceAll(tt.raw, "\n", "\r\n"), "CR": strings.ReplaceAll(tt.raw, "\n", "\r")} {
			m := Parse([]byte(raw), ParseOptions{})
			var files []string
			for _, a := range m.Attachments {
				files = append(files, a.Name)
			}
			// HTML made of text has line breaks of its own.
			html := strings.TrimSpace(strings.ReplaceAll(m.HTML, "<br>", ""))
			if strings.TrimRight(m.Text, "\n") != tt.text || html != tt.html || strings.Join(files, " ") != tt.files || m.Err != nil {
				t.Errorf("%s %s: text %q, html %q, files %v, err %v", name, ending, m.Text, m.HTML, files, m.Err)
			}
		}
	}
}

// TestParseCharsets holds M1 and M2.
func TestParseCharsets(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct{ label, body, want string }{
		"utf-8": {"utf-8", "Größe", "Größe"}, "none, utf-8": {"", "Größe", "Größe"}, "none, latin": {"", "Gr\xf6\xdfe", "Größe"}, "latin": {"iso-8859-1", "Gr\xf6\xdfe", "Größe"}, "latin is windows": {"iso-8859-1", "10 \x80", "10 €"},
		"latin that is utf-8": {"iso-8859-1", "Größe", "Größe"}, "utf-8 that is latin": {"utf-8", "Gr\xf6\xdfe", "Größe"}, "ascii that is latin": {"us-ascii", "Gr\xf6\xdfe", "Größe"}, "latin 2": {"iso-8859-2", "\xb1", "ą"}, "koi8": {"koi8-r", "\xf0\xd2\xc9", "При"},
		"gb2312": {"gb2312", "\xc4\xe3\xba\xc3", "你好"}, "big5": {"big5", "\xa7A\xa6n", "你好"}, "korean": {"ks_c_5601-1987", "\xbe\xc8\xb3\xe7", "안녕"}, "sjis": {"shift_jis", "\x82\xb1", "こ"}, "2022-jp": {"iso-2022-jp", "\x1b$B$3\x1b(B", "こ"},
		"2022-jp unlabelled": {"", "\x1b$B$3\x1b(B", "こ"}, "2022-kr": {"iso-2022-kr", "\x1b$)C\x0e>H3g\x0f", "안녕"}, "utf-7": {"utf-7", "Gr+APYA3w-e +- 1", "Größe + 1"}, "utf-16": {"utf-16le", "a\x00b\x00", "ab"}, "unknown": {"x-nonsense", "Größe", "Größe"}, "cp437": {"cp437", "\x84", "ä"},
		"nul": {"utf-8", "a\x00b", "ab"}, "quoted label": {"\"UTF-8\"", "ä", "ä"},
	} {
		ct := "text/plain"
		if tt.label != "" {
			ct += "; charset=" + tt.label
		}
		raw := "From: a@x.example\r\nContent-Type: " + ct + "\r\nContent-Transfer-Encoding: base64\r\n\r\n" + base64.StdEncoding.EncodeToString([]byte(tt.body))
		if m := Parse([]byte(raw), ParseOptions{}); m.Text != tt.want {
			t.Errorf("%s: %q, want %q", name, m.Text, tt.want)
		}
	}
	for in, want := range map[string]string{
		"=?utf-8?Q?Gr=C3=B6=C3=9Fe?=": "Größe", "=?utf-8?B?R3LDtg==?= =?utf-8?B?w59l?=": "Größe", "=?utf-8?B?w?= =?utf-8?B?7Y=?=": "", "=?utf-8?Q?=C3?= =?utf-8?Q?=B6?=": "ö", "=?utf-8?B?w7Y?= x": "ö x",
		"=?utf-8?q?a_b?= c =?utf-8?q?d?=": "a b c d", "=?utf-8?Q?what=3F?=": "what?", "=?nonsense?Q?a?=": "a", "=?utf-8?X?a?=": "=?utf-8?X?a?=", "=?utf-8?Q?broken": "=?utf-8?Q?broken", "a =? b ?= c": "a =? b ?= c", "Gr\xf6\xdfe": "Größe", "=?utf-8*de?Q?=C3=B6?=": "ö",
		"=?iso-8859-1?Q?=F6?==?utf-8?Q?=C3=B6?=": "öö", "=?utf-8?Q?a b?=": "a b", "plain": "plain", "=?utf-8?Q?x=0D=0ABcc:_e?=": "x Bcc: e",
	} {
		if want == "" {
			continue
		}
		if got := DecodeWords(in); got != want {
			t.Errorf("%q: %q, want %q", in, got, want)
		}
	}
}

func TestParseAddresses(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		"Ann <ann@x.example>": "Ann|ann@x.example", "ann@x.example": "|ann@x.example", "\"Lee, Ann\" <ann@x.example>": "Lee, Ann|ann@x.example", "Lee, Ann <ann@x.example>": "Lee, Ann|ann@x.example", "ann@x.example, bob@x.example": "|ann@x.example;|bob@x.example",
		"ann@x.example; Bob <bob@x.example>": "|ann@x.example;Bob|bob@x.example", "Team: ann@x.example, bob@x.example;": "|ann@x.example;|bob@x.example", "undisclosed-recipients:;": "", "ann@x.example (Ann)": "Ann|ann@x.example", "<ann@x.example>": "|ann@x.example",
		"=?utf-8?Q?J=C3=BCrgen?= <j@x.example>": "Jürgen|j@x.example", "\"=?utf-8?Q?J=C3=BCrgen?=\" <j@x.example>": "Jürgen|j@x.example", "=?utf-8?Q?Lee=2C_Ann?= <ann@x.example>": "Lee, Ann|ann@x.example", "'Ann' <ann@x.example>": "Ann|ann@x.example",
		"Ann <mailto:ann@x.example>": "Ann|ann@x.example", "Ann ann@x.example": "Ann|ann@x.example", "\"Ann\"<ann@x.example>": "Ann|ann@x.example", "Ann <ann@x.example": "Ann|ann@x.example", "\"ann@x.example\" <ann@x.example>": "ann@x.example|ann@x.example",
		"<@route.example:ann@x.example>": "|ann@x.example", "Ann <>": "Ann|", "": "", ",,;": "", "\"Ann \\\"A\\\" Lee\" <ann@x.example>": "Ann \"A\" Lee|ann@x.example", "ann @x.example": "|ann@x.example", "Ann\u202egnp.exe <ann@x.example>": "Anngnp.exe|ann@x.example",
		"\"=?utf-8?Q?=22evil=40x.example=22?=\" <ann@x.example>": "evil@x.example|ann@x.example", "=?utf-8?Q?evil=40y.example?= <ann@x.example>": "evil@y.example|ann@x.example", "\"unclosed <ann@x.example>": "unclosed|ann@x.example",
	} {
		var got []string
		for _, a := range ParseAddresses(in) {
			got = append(got, a.Name+"|"+a.Address)
		}
		if strings.Join(got, ";") != want {
			t.Errorf("%q: %q, want %q", in, strings.Join(got, ";"), want)
		}
	}
}

// TestAttachmentNames holds M5.
func TestAttachmentNames(t *testing.T) {
	t.Parallel()
	for header, want := range map[string]string{
		`Content-Disposition: attachment; filename="a.pdf"`: "a.pdf", `Content-Disposition: attachment; filename=a b.pdf`: "a b.pdf", `Content-Disposition: attachment; filename*=utf-8''%C3%BC.pdf`: "ü.pdf", `Content-Disposition: attachment; filename*=UTF-8'de'%C3%BC.pdf`: "ü.pdf",
		"Content-Disposition: attachment; filename*0=\"one\";\n filename*1=\"two.pdf\"": "onetwo.pdf", "Content-Disposition: attachment; filename*0*=utf-8''%C3%BC;\n filename*1*=%C3%A4;\n filename*2=.pdf": "üä.pdf", "Content-Disposition: attachment; filename*1=b.pdf;\n filename*0=a": "ab.pdf",
		`Content-Disposition: attachment; filename="=?utf-8?Q?=C3=BC.pdf?="`: "ü.pdf", `Content-Type: application/pdf; name="b.pdf"`: "b.pdf", "Content-Type: application/pdf; name=b.pdf\nContent-Disposition: attachment; filename=a.pdf": "a.pdf", `Content-Disposition: attachment; filename="../../etc/passwd"`: "passwd",
		`Content-Disposition: attachment; filename="C:\\temp\\x.doc"`: "x.doc", "Content-Disposition: attachment; filename=\"a\u202efdp.exe\"": "afdp.exe", `Content-Disposition: attachment; filename="a<b>.pdf"`: "a_b_.pdf", "Content-Type: image/png": "image.png", "Content-Type: application/x-strange": "attachment.bin",
		`Content-Disposition: attachment; filename=""`: "attachment.bin", `Content-Disposition: attachment; filename=".."`: "attachment.bin", "Content-Disposition: attachment; filename=\"\xfc.pdf\"": "ü.pdf", `Content-Disposition: attachment; filename="a;b.pdf"; size=3`: "a;b.pdf", `Content-Disposition: attachment; filename="a\"b.pdf"`: "a_b.pdf",
	} {
		typed := header
		if !strings.Contains(header, "Content-Type") {
			typed += "\nContent-Type: application/octet-stream"
		}
		m := Parse([]byte("Content-Type: multipart/mixed; boundary=b\n\n--b\n"+typed+"\n\nx\n--b\n"+typed+"\n\ny\n--b--"), ParseOptions{})
		if len(m.Attachments) != 2 || m.Attachments[0].Name != want {
			t.Errorf("%s: %d, %q", header, len(m.Attachments), m.Attachments[0].Name)
			continue
		}
		if second := m.Attachments[1].Name; !strings.Contains(second, " (2)") {
			t.Errorf("%s: the second one is %q", header, second)
		}
	}
}

// TestInlineParts holds M4: what the HTML shows is inline, all else is listed,
// and nothing is in neither.
func TestInlineParts(t *testing.T) {
	t.Parallel()
	img := func(headers string) string { return "--b\nContent-Type: image/png\n" + headers + "\n\nx\n" }
	raw := "Content-Type: multipart/related; boundary=b\n\n--b\nContent-Type: text/html\n\n" +
		`<img src="cid:one@x"><img src="CID:two%40x"><img src="pics/three.png"><p style="background:url(cid:four@x)">` + "\n" +
		img("Content-ID: <one@x>\nContent-Disposition: attachment") + img("Content-ID: <TWO@x>") + img("Content-Location: pics/three.png") + img("Content-ID: four@x") + img("Content-ID: <five@x>\nContent-Disposition: inline") + "--b--"
	m := Parse([]byte(raw), ParseOptions{})
	var got []bool
	for _, a := range m.Attachments {
		got = append(got, a.Inline)
	}
	if fmt.Sprint(got) != "[true true true true false]" {
		t.Errorf("inline: %v", got)
	}
	if a, ok := m.InlineAttachment("cid:TWO@x"); !ok || a.ContentID != "TWO@x" {
		t.Errorf("cid:TWO@x is %+v", a)
	}
	if _, ok := m.InlineAttachment("cid:six@x"); ok {
		t.Error("a part that is not there is found")
	}
}

// TestLimits holds M7: above a limit what was read is kept and a notice says
// so.
func TestLimits(t *testing.T) {
	t.Parallel()
	const head = "From: a@x.example\r\nSubject: s\r\n"
	nested := head
	for i := range 50 {
		nested += fmt.Sprintf("Content-Type: multipart/mixed; boundary=b%d\r\n\r\n--b%d\r\n", i, i)
	}
	many := head + "Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n\r\nthe words\r\n" + strings.Repeat("--b\r\nContent-Type: image/png\r\n\r\nx\r\n", 1000) + "--b--"
	for name, tt := range map[string]struct {
		raw    string
		limits ParseOptions
		code   NoticeCode
	}{
		"size":      {head + "\r\nthe words" + strings.Repeat("x", 5000), ParseOptions{MaxSize: 1000}, NoticeTooLarge},
		"depth":     {nested + "Content-Type: text/plain\r\n\r\nthe words", ParseOptions{}, NoticeTooDeep},
		"parts":     {many, ParseOptions{}, NoticeTooManyParts},
		"header":    {head + strings.Repeat("X-A: "+strings.Repeat("y", 70)+"\r\n", 5000) + "\r\nthe words", ParseOptions{}, NoticeHeaderLarge},
		"decoded":   {many, ParseOptions{MaxDecoded: 15}, NoticeDecodedLarge},
		"text":      {head + "\r\nthe words" + strings.Repeat("x", 5000), ParseOptions{MaxText: 1000}, NoticeTextLarge},
		"addresses": {head + "To: " + strings.Repeat("a@x.example, ", 5000) + "\r\n\r\nthe words", ParseOptions{}, NoticeManyAddresses},
	} {
		m := Parse([]byte(tt.raw), tt.limits)
		if !m.HasNotice(tt.code) || m.Subject != "s" || m.Err != nil {
			t.Errorf("%s: notices %v, subject %q, err %v", name, m.Notices, m.Subject, m.Err)
		}
		words := strings.Contains(m.Text, "the words")
		for _, a := range m.Attachments {
			words = words || bytes.Contains(a.Data, []byte("the words"))
		}
		if !words {
			t.Errorf("%s: what was read is not kept", name)
		}
	}
	for name, raw := range map[string]string{"nothing": "", "blank lines": "\r\n\r\n", "binary": "\x00\x01\x02\x03\x00\x01\x02\x03"} {
		if m := Parse([]byte(raw), ParseOptions{}); m == nil || m.Err == nil {
			t.Errorf("%s: must not be understood", name)
		}
	}
}

// TestBoundedTime holds that no shape of input costs more than its size. What
// grows with the square takes minutes; the limit leaves room for a slow
// machine and the race detector.
func TestBoundedTime(t *testing.T) {
	t.Parallel()
	const size = 256 << 10
	header := func(name, unit string) string {
		return name + ": " + strings.Repeat(unit, 250<<10/len(unit)) + "\r\n\r\nx"
	}
	body := func(contentType, unit string) string {
		return "From: a@x.example\r\nContent-Type: " + contentType + "\r\n\r\n" + strings.Repeat(unit, size/len(unit))
	}
	for name, raw := range map[string]string{
		"folds": header("Subject", "\r\n a"), "words": header("Subject", "=?"), "open words": header("Subject", "=?a?q?"), "short words": header("Subject", "=?utf-8?q?a?= "), "parens": header("To", "("), "quotes": header("To", `"`), "brackets": header("To", "<"), "commas": header("To", "a,"), "colons": header("To", "a:"),
		"ids": header("References", "<"), "more ids": header("References", "<a@b>"), "params": header("Content-Type", "; a=b"), "percents": header("Content-Disposition", "; a*0*=%"), "junk lines": strings.Repeat("junk\r\n", 40000) + "Subject: x\r\n\r\nx",
		"boundaries": body("multipart/mixed; boundary=b", "--b\r\n"), "near boundaries": body("multipart/mixed; boundary=b", "--bx\r\n"), "nested": strings.Repeat("Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n", 20000), "begins": body("text/plain", "begin 644 a\r\n"), "uu": body("text/plain", "begin 644 a\r\n`\r\nend\r\n"),
		"yenc": body("text/plain", "=ybegin line=1 size=1 name=a\r\n=yend\r\n"), "quote marks": body("text/plain", "> a\r\nb\r\n"), "long marks": body("text/plain", ">"), "attributions": body("text/plain", "On 1 a@b wrote:\r\n"), "half attributions": body("text/plain", "On 1 a@b\r\n"), "header labels": body("text/plain", "From: a\r\n"),
		"flowed": body("text/plain; format=flowed", "a \r\n"), "utf-7": body("text/plain; charset=utf-7", "+AGE"), "2022": body("text/plain; charset=iso-2022-jp", "\x1b$B"), "calendar": body("text/calendar", "BEGIN:VEVENT\r\n a"), "links": body("text/plain", "http://a."), "dsn": body("message/delivery-status", "Status: 5\r\n\r\n"),
		"divs": body("text/html", "<div>"), "b": body("text/html", "<b>"), "as": body("text/html", "<a href=x>"), "tables": body("text/html", "<table><tr><td>"), "misnested": body("text/html", "<b><p></b>"), "quotes in html": body("text/html", "<blockquote></blockquote>"), "cites": body("text/html", "<blockquote type=cite>a</blockquote>b"), "attributes": body("text/html", "<p a=1"), "styles": body("text/html", `<p style="color:red;">`),
		"comments": body("text/html", "<!--"), "entities": body("text/html", "&amp;&"), "images": body("text/html", `<img src="cid:a">`), "lists": body("text/html", "<ul><li>a"), "formatting": body("text/html", "<font><i><b><u>a"), "selects": body("text/html", "<select><option>"), "breaks": body("text/html", "a<br>"), "rules": body("text/html", `<div style="border-top:solid">From: a<br>Sent: b`),
	} {
		t.Run(name, func(t *testing.T) {
			start := time.Now()
			m := Parse([]byte(raw), ParseOptions{})
			parsed := time.Since(start)
			m.Split()
			split := time.Since(start) - parsed
			Sanitise(m.HTML, SanitiseOptions{})
			sanitised := time.Since(start) - parsed - split
			HTMLFromText(m.Text)
			Classify(m)
			Evidence(m, testKeys(t, "k1"), nil)
			ContentHash([]byte(raw))
			if d := time.Since(start); d > 30*time.Second {
				t.Errorf("parse %s, split %s, sanitise %s, all %s", parsed, split, sanitised, d)
			} else if testing.Verbose() && d > 200*time.Millisecond {
				t.Logf("parse %s, split %s, sanitise %s, all %s", parsed, split, sanitised, d)
			}
		})
	}
}
