package email

import (
	"fmt"
	"mime"
	"path"
	"strings"
	"unicode"
	"unicode/utf8"
)

// partName returns the file name a part gives itself: filename first, then
// name (M5), or "".
func partName(ct, cd mediaType) string {
	if n := cd.params["filename"]; n != "" {
		return safeName(n)
	}
	return safeName(ct.params["name"])
}

// safeName removes from a file name what could mislead or harm: path parts,
// control and bidi characters, characters that file systems refuse, trailing
// dots and spaces. It is at most 200 bytes and may come out empty.
func safeName(s string) string {
	s = strings.ReplaceAll(s, `\`, "/")
	s = strings.TrimRight(s, "/ ")
	s = s[strings.LastIndexByte(s, '/')+1:]
	s = stripBidi(cleanText(s))
	s = strings.Map(func(r rune) rune {
		switch {
		case strings.ContainsRune(`<>:"|?*`, r):
			return '_'
		case unicode.IsSpace(r):
			return ' '
		case unicode.Is(unicode.Cf, r) && r != 0x200d && r != 0x200c:
			return -1
		}
		return r
	}, s)
	s = strings.TrimRight(strings.TrimSpace(s), ". ")
	if strings.Trim(s, "._ ") == "" && s != "" && !strings.Contains(s, "_") {
		return ""
	}
	if len(s) > 200 {
		ext := path.Ext(s)
		if len(ext) > 20 {
			ext = ""
		}
		s = cutValid(s[:len(s)-len(ext)], 200-len(ext)) + ext
	}
	return s
}

// cutValid shortens s to at most n bytes without splitting a character.
func cutValid(s string, n int) string {
	if len(s) <= n {
		return s
	}
	for n > 0 && !utf8.RuneStart(s[n]) {
		n--
	}
	return s[:n]
}

// nameAttachments gives the unnamed names by their type and numbers those that
// occur twice.
func nameAttachments(list []Attachment) {
	seen := map[string]bool{}
	for i := range list {
		a := &list[i]
		a.Name = safeName(a.Name)
		if a.Name == "" {
			a.Unnamed = true
			a.Name = typeName(a.Type)
		}
		if strings.EqualFold(a.Name, "winmail.dat") {
			a.Name = "winmail.dat"
		}
		name, ext := a.Name, path.Ext(a.Name)
		for n := 2; seen[strings.ToLower(name)]; n++ {
			name = fmt.Sprintf("%s (%d)%s", strings.TrimSuffix(a.Name, ext), n, ext)
		}
		seen[strings.ToLower(name)] = true
		a.Name = name
	}
}

// typeNames are the names of files that came without one.
var typeNames = map[string]string{
	"text/plain": "text.txt", "text/html": "text.html", "text/calendar": "invite.ics", "text/csv": "table.csv",
	"text/x-vcard": "contact.vcf", "text/vcard": "contact.vcf", "text/rfc822-headers": "headers.txt",
	"text/enriched": "text.txt", "text/richtext": "text.txt", "text/rtf": "text.rtf", "application/rtf": "text.rtf",
	"text/x-amp-html": "text.amp.html", "text/xml": "data.xml", "application/xml": "data.xml", "application/json": "data.json",
	"message/rfc822": "message.eml", "message/global": "message.eml", "message/news": "message.eml",
	"message/delivery-status": "delivery-status.txt", "message/feedback-report": "feedback-report.txt",
	"message/disposition-notification": "disposition-notification.txt", "message/global-delivery-status": "delivery-status.txt",
	"image/jpeg": "image.jpg", "image/jpg": "image.jpg", "image/png": "image.png", "image/gif": "image.gif",
	"image/webp": "image.webp", "image/bmp": "image.bmp", "image/tiff": "image.tif", "image/svg+xml": "image.svg", "image/heic": "image.heic",
	"audio/mpeg": "audio.mp3", "audio/wav": "audio.wav", "audio/ogg": "audio.ogg", "video/mp4": "video.mp4",
	"application/pdf": "document.pdf", "application/zip": "archive.zip", "application/ms-tnef": "winmail.dat",
	"application/pgp-signature": "signature.asc", "application/pgp-encrypted": "version.txt",
	"application/pkcs7-signature": "smime.p7s", "application/x-pkcs7-signature": "smime.p7s",
	"application/pkcs7-mime": "smime.p7m", "application/x-pkcs7-mime": "smime.p7m", "application/ics": "invite.ics",
}

func typeName(mediaType string) string {
	if n, ok := typeNames[mediaType]; ok {
		return n
	}
	kind, sub, _ := strings.Cut(mediaType, "/")
	switch kind {
	case "text":
		return "text.txt"
	case "image", "audio", "video":
		if ext := safeName(strings.TrimPrefix(sub, "x-")); ext != "" && len(ext) <= 5 && !strings.ContainsAny(ext, "+. ") {
			return kind + "." + ext
		}
		return kind + ".bin"
	}
	return "attachment.bin"
}

// typeByName guesses a media type from a file name's ending. The list is
// short and ours, because the system's differ from machine to machine.
func typeByName(name string) string {
	switch strings.ToLower(path.Ext(name)) {
	case ".txt", ".log":
		return "text/plain"
	case ".htm", ".html":
		return "text/html"
	case ".csv":
		return "text/csv"
	case ".jpg", ".jpeg":
		return "image/jpeg"
	case ".png":
		return "image/png"
	case ".gif":
		return "image/gif"
	case ".pdf":
		return "application/pdf"
	case ".zip":
		return "application/zip"
	case ".doc":
		return "application/msword"
	case ".xls":
		return "application/vnd.ms-excel"
	case ".eml":
		return "message/rfc822"
	case ".rtf":
		return "application/rtf"
	case ".ics":
		return "text/calendar"
	}
	return "application/octet-stream"
}

// validType returns a media type that may stand in a header, or the general
// one.
func validType(t string) string {
	v, _, err := mime.ParseMediaType(t)
	if err != nil || !strings.Contains(v, "/") || strings.HasPrefix(v, "multipart/") {
		return "application/octet-stream"
	}
	return v
}
