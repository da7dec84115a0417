package email

import (
	"bytes"
	"strings"
	"unicode/utf8"

	"golang.org/x/text/encoding"
	"golang.org/x/text/encoding/charmap"
	"golang.org/x/text/encoding/htmlindex"
	"golang.org/x/text/encoding/ianaindex"
	"golang.org/x/text/encoding/japanese"
	"golang.org/x/text/encoding/korean"
	"golang.org/x/text/encoding/simplifiedchinese"
	"golang.org/x/text/encoding/unicode"
	"golang.org/x/text/encoding/unicode/utf32"
)

// decodeCharset turns b into UTF-8 by its label, tolerating labels that are
// missing or lie (M1). known is false when the label said nothing usable and
// the charset was guessed. It never fails and its result has no NUL.
func decodeCharset(b []byte, label string) (text string, known bool) {
	if len(b) == 0 {
		return "", true
	}
	label = normaliseLabel(label)
	switch label {
	case "", "unknown", "unknown-8bit", "x-unknown", "default", "8bit", "7bit", "binary", "none", "x-user-defined":
		return cleanText(guessCharset(b)), label == ""
	case "us-ascii", "ascii", "ansi_x3.4-1968", "iso-8859-1", "latin1", "windows-1252", "cp1252":
		// The three labels that lie most. Two or more bytes that are valid
		// UTF-8 are not Latin text by accident.
		return cleanText(guessCharset(b)), true
	case "utf-8", "utf8", "unicode-1-1-utf-8":
		return cleanText(decodeUTF8(b)), true
	case "utf-7", "unicode-1-1-utf-7", "csutf7", "utf7", "x-utf-7":
		return cleanText(decodeUTF7(b)), true
	case "iso-2022-kr", "csiso2022kr":
		return cleanText(decodeISO2022(b, korean.EUCKR)), true
	case "iso-2022-cn", "iso-2022-cn-ext":
		return cleanText(decodeISO2022(b, simplifiedchinese.GB18030)), true
	}
	enc := lookupEncoding(label)
	if enc == nil {
		return cleanText(guessCharset(b)), false
	}
	out, err := enc.NewDecoder().Bytes(b)
	if err != nil && len(out) == 0 {
		return cleanText(guessCharset(b)), false
	}
	return cleanText(string(out)), true
}

func normaliseLabel(label string) string {
	label = strings.ToLower(strings.Trim(label, " \t\r\n\"'"))
	if i := strings.IndexByte(label, '*'); i >= 0 { // RFC 2231 language suffix
		label = label[:i]
	}
	return strings.TrimSpace(label)
}

// aliases are labels seen in mail that the WHATWG's list lacks, or maps to
// its "replacement" decoder, which browsers need and readers of mail do not.
var aliases = map[string]encoding.Encoding{
	"gb2312": simplifiedchinese.GB18030, "gbk": simplifiedchinese.GB18030, "cp936": simplifiedchinese.GB18030,
	"x-gbk": simplifiedchinese.GB18030, "ms936": simplifiedchinese.GB18030, "euc-cn": simplifiedchinese.GB18030,
	"hz-gb-2312": simplifiedchinese.HZGB2312, "hz": simplifiedchinese.HZGB2312,
	"cp949": korean.EUCKR, "ms949": korean.EUCKR, "uhc": korean.EUCKR, "x-windows-949": korean.EUCKR,
	"cp932": japanese.ShiftJIS, "ms932": japanese.ShiftJIS, "mskanji": japanese.ShiftJIS, "shift-jis": japanese.ShiftJIS,
	"iso-2022-jp-1": japanese.ISO2022JP, "iso-2022-jp-2": japanese.ISO2022JP, "iso-2022-jp-3": japanese.ISO2022JP,
	"iso-2022-jp-2004": japanese.ISO2022JP, "iso-2022-jp-ms": japanese.ISO2022JP, "cp50220": japanese.ISO2022JP,
	"cp50221": japanese.ISO2022JP, "cp50222": japanese.ISO2022JP, "eucjp": japanese.EUCJP, "eucjis": japanese.EUCJP,
	"utf-16": unicode.UTF16(unicode.BigEndian, unicode.UseBOM), "utf16": unicode.UTF16(unicode.BigEndian, unicode.UseBOM),
	"utf-16be": unicode.UTF16(unicode.BigEndian, unicode.UseBOM), "utf-16le": unicode.UTF16(unicode.LittleEndian, unicode.UseBOM),
	"utf-32": utf32.UTF32(utf32.BigEndian, utf32.UseBOM), "utf-32be": utf32.UTF32(utf32.BigEndian, utf32.UseBOM),
	"utf-32le": utf32.UTF32(utf32.LittleEndian, utf32.UseBOM),
	"cp437":    charmap.CodePage437, "ibm437": charmap.CodePage437, "cp850": charmap.CodePage850, "ibm850": charmap.CodePage850,
	"cp852": charmap.CodePage852, "cp855": charmap.CodePage855, "cp858": charmap.CodePage858, "cp860": charmap.CodePage860,
	"cp862": charmap.CodePage862, "cp863": charmap.CodePage863, "cp865": charmap.CodePage865, "cp866": charmap.CodePage866,
	"koi8-ru": charmap.KOI8U, "x-mac-roman": charmap.Macintosh, "macroman": charmap.Macintosh,
}

func lookupEncoding(label string) encoding.Encoding {
	for _, l := range []string{label, strings.TrimPrefix(label, "x-"), strings.ReplaceAll(label, "_", "-"), strings.Replace(label, "cp-", "cp", 1)} {
		if enc, ok := aliases[l]; ok {
			return enc
		}
		if enc, err := htmlindex.Get(l); err == nil && enc != encoding.Replacement {
			return enc
		}
	}
	for _, l := range []string{label, "windows-" + strings.TrimPrefix(label, "cp"), "ibm" + strings.TrimPrefix(label, "cp")} {
		if enc, err := ianaindex.IANA.Encoding(l); err == nil && enc != nil {
			return enc
		}
	}
	return nil
}

// guessCharset reads bytes nobody labelled: valid UTF-8, then the escape
// sequences of ISO 2022, then windows-1252.
func guessCharset(b []byte) string {
	if bytes.HasPrefix(b, []byte("\xff\xfe")) || bytes.HasPrefix(b, []byte("\xfe\xff")) {
		if out, err := unicode.UTF16(unicode.BigEndian, unicode.UseBOM).NewDecoder().Bytes(b); err == nil {
			return string(out)
		}
	}
	if i := bytes.IndexByte(b, 0x1b); i >= 0 && isASCII(b) {
		switch {
		case bytes.Contains(b, []byte("\x1b$)C")):
			return decodeISO2022(b, korean.EUCKR)
		case bytes.Contains(b, []byte("\x1b$)A")):
			return decodeISO2022(b, simplifiedchinese.GB18030)
		case bytes.Contains(b, []byte("\x1b$B")), bytes.Contains(b, []byte("\x1b$@")), bytes.Contains(b, []byte("\x1b(J")):
			if out, err := japanese.ISO2022JP.NewDecoder().Bytes(b); err == nil {
				return string(out)
			}
		}
	}
	if utf8.Valid(b) {
		return string(b)
	}
	return decodeWindows1252(b)
}

// decodeUTF8 keeps what is valid of text labelled UTF-8. Where more than a
// tenth of the high bytes are invalid the label lies, and windows-1252 shows
// more of it.
func decodeUTF8(b []byte) string {
	if utf8.Valid(b) {
		return string(b)
	}
	var good, bad int
	for rest := b; len(rest) > 0; {
		r, n := utf8.DecodeRune(rest)
		if r == utf8.RuneError && n <= 1 {
			bad++
		} else if n > 1 {
			good++
		}
		rest = rest[max(n, 1):]
	}
	if good == 0 || bad > good {
		return decodeWindows1252(b)
	}
	return strings.ToValidUTF8(string(b), "\uFFFD")
}

func decodeWindows1252(b []byte) string {
	out, err := charmap.Windows1252.NewDecoder().Bytes(b)
	if err != nil {
		return strings.ToValidUTF8(string(b), "\uFFFD")
	}
	return string(out)
}

// decodeISO2022 reads the seven-bit Korean and Chinese encodings (RFC 1557,
// RFC 1922): between SO and SI stand the bytes of enc without their high bit.
func decodeISO2022(b []byte, enc encoding.Encoding) string {
	eight := make([]byte, 0, len(b))
	shifted := false
	for i := 0; i < len(b); i++ {
		switch c := b[i]; {
		case c == 0x1b && i+3 < len(b) && b[i+1] == '$' && (b[i+2] == ')' || b[i+2] == '*'):
			i += 3
		case c == 0x0e:
			shifted = true
		case c == 0x0f:
			shifted = false
		case c == '\n':
			shifted = false
			eight = append(eight, c)
		case shifted && c > 0x20 && c < 0x7f:
			eight = append(eight, c|0x80)
		default:
			eight = append(eight, c)
		}
	}
	out, err := enc.NewDecoder().Bytes(eight)
	if err != nil {
		return decodeWindows1252(b)
	}
	return string(out)
}

func isASCII(b []byte) bool {
	for _, c := range b {
		if c >= 0x80 {
			return false
		}
	}
	return true
}

// cleanText makes s valid UTF-8 without NUL (PostgreSQL stores none) and
// without a byte order mark.
func cleanText(s string) string {
	s = strings.TrimPrefix(s, "\uFEFF")
	if strings.IndexByte(s, 0) >= 0 {
		s = strings.ReplaceAll(s, "\x00", "")
	}
	if !utf8.ValidString(s) {
		s = strings.ToValidUTF8(s, "\uFFFD")
	}
	return s
}
