package email

import (
	"encoding/base64"
	"encoding/json"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"
)

// squeeze makes white space one space, so that texts are compared by words.
func squeeze(s string) string { return strings.Join(strings.Fields(s), " ") }

type lettersExpect struct {
	Headers struct {
		Date                  string
		Sender                *Address
		From, ReplyTo, To, Cc []Address
		MessageID             string
		InReplyTo, References []string
		Subject               string
	}
	Text, HTML                 string
	InlineFiles, AttachedFiles []struct {
		ContentType        struct{ ContentType string }
		ContentDisposition struct {
			ContentDisposition string
			Params             map[string]string
		}
		Data string
	}
}

// TestLetters scores charsets, encodings and structures against the letters
// corpus.
func TestLetters(t *testing.T) {
	t.Parallel()
	dir := corpus(t, "letters")
	s := &score{name: "letters"}
	for file, want := range expectations[lettersExpect](t, dir) {
		m := Parse(readFile(t, filepath.Join(dir, file)), ParseOptions{})
		h := want.Headers
		if d, err := time.Parse(time.RFC3339, h.Date); err == nil && d.Year() > 1 {
			s.check(m.Date.Equal(d), "%s date: %s, want %s", file, m.Date, d)
		}
		s.equal(file+" subject", m.Subject, strings.TrimSpace(h.Subject))
		s.equal(file+" from", m.From, h.From)
		s.equal(file+" reply-to", m.ReplyTo, h.ReplyTo)
		s.equal(file+" to", m.To, h.To)
		s.equal(file+" cc", m.Cc, h.Cc)
		s.equal(file+" message-id", m.MessageID, h.MessageID)
		s.equal(file+" in-reply-to", m.InReplyTo, h.InReplyTo)
		s.equal(file+" references", m.References, h.References)
		s.equal(file+" text", squeeze(m.Text), squeeze(want.Text))
		s.equal(file+" html", squeeze(m.HTML), squeeze(want.HTML))
		for _, f := range append(want.InlineFiles, want.AttachedFiles...) {
			data, err := base64.StdEncoding.DecodeString(f.Data)
			if err != nil {
				t.Fatal(err)
			}
			s.check(hasAttachment(m, string(data), f.ContentType.ContentType), "%s: no file %s %v", file, f.ContentType.ContentType, f.ContentDisposition)
		}
	}
	s.ratchet(t)
}

func hasAttachment(m *Mail, data, mediaType string) bool {
	for _, a := range m.Attachments {
		if squeeze(string(a.Data)) == squeeze(data) && (mediaType == "" || a.Type == mediaType) {
			return true
		}
	}
	return false
}

type stalwartExpect struct {
	HTMLBody    []int `json:"html_body"`
	TextBody    []int `json:"text_body"`
	Attachments []int `json:"attachments"`
	Parts       []struct {
		Headers []struct {
			Name any `json:"name"`
			Raw  any `json:"value"`
		} `json:"headers"`
		Body map[string]any `json:"body"`
	} `json:"parts"`
}

// TestStalwart scores addresses, subject, id, date, bodies and attachments
// against the stalwart corpus, real, legal and broken mail.
func TestStalwart(t *testing.T) {
	t.Parallel()
	s := &score{name: "stalwart"}
	for _, file := range corpusFiles(t, "stalwart", ".eml") {
		expected := strings.TrimSuffix(file, ".eml") + ".json"
		if _, err := os.Stat(expected); err != nil {
			continue
		}
		var want stalwartExpect
		if err := json.Unmarshal(readFile(t, expected), &want); err != nil {
			t.Fatal(err)
		}
		name := filepath.Base(filepath.Dir(file)) + "/" + filepath.Base(file)
		stalwartHeaders(s, name, Parse(readFile(t, file), ParseOptions{}), want)
		stalwartBodies(s, name, Parse(readFile(t, file), ParseOptions{}), want)
	}
	s.ratchet(t)
}

func stalwartHeaders(s *score, name string, m *Mail, want stalwartExpect) {
	seen := map[string]bool{}
	for i := len(want.Parts[0].Headers) - 1; i >= 0; i-- { // the last one counts there
		h := want.Parts[0].Headers[i]
		key, _ := h.Name.(string)
		value, ok := h.Raw.(map[string]any)
		if !ok || seen[key] {
			continue
		}
		seen[key] = true
		switch key {
		case "from":
			s.equal(name+" from", m.From, stalwartAddresses(value["Address"]))
		case "to":
			s.equal(name+" to", m.To, stalwartAddresses(value["Address"]))
		case "cc":
			s.equal(name+" cc", m.Cc, stalwartAddresses(value["Address"]))
		case "reply_to":
			s.equal(name+" reply-to", m.ReplyTo, stalwartAddresses(value["Address"]))
		case "subject":
			s.equal(name+" subject", squeeze(m.Subject), squeeze(value["Text"].(string)))
		case "message_id":
			s.equal(name+" message-id", m.MessageID, value["Text"])
		case "date":
			if d, ok := value["DateTime"].(map[string]any); ok {
				n := func(k string) int { f, _ := d[k].(float64); return int(f) }
				offset := n("tz_hour")*3600 + n("tz_minute")*60
				if d["tz_before_gmt"] == true {
					offset = -offset
				}
				at := time.Date(n("year"), time.Month(n("month")), n("day"), n("hour"), n("minute"), n("second"), 0, time.FixedZone("", offset))
				s.check(m.Date.Equal(at), "%s date: %s, want %s", name, m.Date, at)
			}
		}
	}
}

func stalwartAddresses(v any) []Address {
	var list []Address
	var walk func(v any)
	walk = func(v any) {
		switch v := v.(type) {
		case []any:
			for _, e := range v {
				walk(e)
			}
		case map[string]any:
			if _, ok := v["address"]; ok {
				name, _ := v["name"].(string)
				addr, _ := v["address"].(string)
				list = append(list, Address{Name: name, Address: addr})
				return
			}
			for _, k := range []string{"List", "Group", "addresses"} {
				walk(v[k])
			}
		}
	}
	walk(v)
	return list
}

func stalwartBodies(s *score, name string, m *Mail, want stalwartExpect) {
	join := func(ids []int, kind string) string {
		var texts []string
		for _, id := range ids {
			if text, ok := want.Parts[id].Body[kind].(string); ok {
				texts = append(texts, text)
			}
		}
		return squeeze(strings.Join(texts, " "))
	}
	if text := join(want.TextBody, "Text"); text != "" {
		s.check(strings.Contains(squeeze(m.Text), text), "%s text: %.200q, want %.200q", name, squeeze(m.Text), text)
	}
	if html := join(want.HTMLBody, "Html"); html != "" {
		s.check(strings.Contains(squeeze(m.HTML), html), "%s html: %.200q, want %.200q", name, squeeze(m.HTML), html)
	}
	for _, id := range want.Attachments {
		for kind, v := range want.Parts[id].Body {
			switch v := v.(type) {
			case string:
				found := hasAttachment(m, v, "") || strings.Contains(squeeze(m.Text+m.HTML), squeeze(v))
				for _, a := range m.Attachments {
					text, _ := decodeCharset(a.Data, a.Charset)
					found = found || squeeze(text) == squeeze(v)
				}
				s.check(found, "%s: no %s attachment %.100q", name, kind, v)
			case []any:
				b := make([]byte, len(v))
				for i, c := range v {
					f, _ := c.(float64)
					b[i] = byte(f)
				}
				s.check(hasAttachment(m, string(b), ""), "%s: no %s attachment of %d bytes", name, kind, len(b))
			case map[string]any: // a message
				found := false
				for _, a := range m.Attachments {
					found = found || strings.HasPrefix(a.Type, "message/")
				}
				s.check(found, "%s: no message attached", name)
			}
		}
	}
}

var mime4jBody = regexp.MustCompile(`<(text-body|binary-body|body)[^>]* name="([^"]+)"`)

// TestMime4j scores that every decoded part of the mime4j corpus is found in
// the mail: shown, attached, or within an attached mail.
func TestMime4j(t *testing.T) {
	t.Parallel()
	s := &score{name: "mime4j"}
	for _, file := range corpusFiles(t, "mime4j", ".msg") {
		expected := strings.TrimSuffix(file, ".msg") + "_decoded.xml"
		if _, err := os.Stat(expected); err != nil {
			continue
		}
		m := Parse(readFile(t, file), ParseOptions{})
		for _, b := range mime4jBody.FindAllStringSubmatch(string(readFile(t, expected)), -1) {
			want := readFile(t, filepath.Join(filepath.Dir(file), b[2]))
			s.check(contains(m, string(want), 0), "%s: %s is missing: %.100q", filepath.Base(file), b[2], want)
		}
	}
	s.ratchet(t)
}

// contains reports whether the mail shows or carries a content.
func contains(m *Mail, content string, depth int) bool {
	content = strings.TrimPrefix(content, "\ufeff")
	decoded, _ := decodeCharset([]byte(content), "") // some of them are as they came
	want := squeeze(decoded)
	if strings.Contains(squeeze(m.Text), want) || strings.Contains(squeeze(m.HTML), want) {
		return true
	}
	for _, a := range m.Attachments {
		text, _ := decodeCharset(a.Data, a.Charset)
		if squeeze(text) == want || string(a.Data) == content {
			return true
		}
		if strings.HasPrefix(a.Type, "message/") && depth < 5 && contains(Parse(a.Data, ParseOptions{}), content, depth+1) {
			return true
		}
	}
	return false
}

type repliesExpect []struct {
	Path    string
	Equals  any
	Matches string
}

// TestReplies scores the replies corpus. The first fragment there is what the
// author wrote; where we show more of the mail that is the smaller fault and
// counts as a miss, where words of the author are hidden the test fails.
func TestReplies(t *testing.T) {
	t.Parallel()
	dir := corpus(t, "replies")
	s := &score{name: "replies"}
	for file, want := range expectations[repliesExpect](t, dir) {
		text := string(readFile(t, filepath.Join(dir, file)))
		visible, _ := SplitText(text)
		for _, w := range want {
			switch {
			case strings.HasPrefix(w.Path, "getFragments()[0]|trim"), w.Path == "getFragments()[0]", w.Path == "getVisibleText()":
				if first, ok := w.Equals.(string); ok {
					s.check(squeeze(visible) == squeeze(first), "%s: visible %q, want %q", file, visible, first)
					if !strings.Contains(squeeze(visible), squeeze(first)) {
						t.Errorf("%s: words are hidden: visible %q, want %q", file, visible, first)
					}
				}
				if w.Matches != "" {
					ok := regexp.MustCompile(strings.Trim(w.Matches, "/")).MatchString(visible)
					s.check(ok, "%s: visible %q does not match %s", file, visible, w.Matches)
				}
			case w.Path == "getFragments().length" && w.Equals == 1.0:
				s.check(squeeze(visible) == squeeze(text), "%s: must be whole; visible %q", file, visible)
			}
		}
	}
	s.ratchet(t)
}

// TestBouncesAreReports scores that delivery reports are told from other mail.
func TestBouncesAreReports(t *testing.T) {
	t.Parallel()
	dir := corpus(t, "bounces")
	s := &score{name: "bounces"}
	for file, want := range expectations[struct {
		Bounces []struct{ Status string }
	}](t, dir) {
		m := Parse(readFile(t, filepath.Join(dir, file)), ParseOptions{})
		class, why := Classify(m)
		s.check((class == DeliveryReport) == (len(want.Bounces) > 0), "%s: %s %v %q from %v", file, class, why, m.Subject, m.From)
	}
	s.ratchet(t)
}

// TestFeedbackReports scores feedback reports (RFC 5965).
func TestFeedbackReports(t *testing.T) {
	t.Parallel()
	dir := corpus(t, "feedback")
	s := &score{name: "feedback"}
	for file, want := range expectations[map[string]any](t, dir) {
		kind, _ := want["feedback_type"].(string)
		if kind == "" {
			continue
		}
		m := Parse(readFile(t, filepath.Join(dir, file)), ParseOptions{})
		class, why := Classify(m)
		s.check(class == FeedbackReport, "%s: %s %v", file, class, why)
		s.check(m.Report != nil && strings.ReplaceAll(m.Report.FeedbackType, "-", "") == strings.ToLower(kind), "%s: %+v, want %s", file, m.Report, kind)
	}
	s.ratchet(t)
}
