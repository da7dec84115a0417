package email

import (
	"fmt"
	"strings"
	"testing"
	"time"
)

func parse(headers ...string) *Mail {
	return Parse([]byte(strings.Join(headers, "\r\n")+"\r\n\r\nHello\r\n"), ParseOptions{})
}

func testKeys(t testing.TB, ids ...string) *Keyring {
	t.Helper()
	var keys []Key
	for _, id := range ids {
		keys = append(keys, Key{ID: id, Secret: []byte("secret of the key " + id)})
	}
	k, err := NewKeyring(keys...)
	if err != nil {
		t.Fatal(err)
	}
	return k
}

// TestTokens holds T2 and T3: tokens verify whatever their case, survive the
// rotation of keys, and nothing else verifies.
func TestTokens(t *testing.T) {
	t.Parallel()
	k := testKeys(t, "k1")
	for _, id := range []int64{1, 35, 36, 4711, 1<<63 - 1} {
		token := k.Token(id)
		if strings.Trim(token, tokenRunes) != "" || len(token) > 42 {
			t.Errorf("token %q is not of a-z0-9, or too long", token)
		}
		for _, form := range []string{token, strings.ToUpper(token)} {
			if got, ok := k.Verify(form); !ok || got != id {
				t.Errorf("%q gives %d %v, want %d", form, got, ok, id)
			}
		}
		for i := range token {
			c := byte('a')
			if token[i] == 'a' {
				c = 'b'
			}
			if got, ok := k.Verify(token[:i] + string(c) + token[i+1:]); ok {
				t.Errorf("changed at %d it still verifies, as %d", i, got)
			}
		}
		if _, ok := k.Verify(token[:len(token)-1]); ok {
			t.Error("a shortened token verifies")
		}
		if _, ok := k.Verify(token + "a"); ok {
			t.Error("a lengthened token verifies")
		}
		rotated := testKeys(t, "k2", "k1")
		if got, ok := rotated.Verify(token); !ok || got != id {
			t.Error("after a rotation the old token is unknown")
		}
		if rotated.Token(id) == token {
			t.Error("after a rotation the new key must sign")
		}
		if _, ok := testKeys(t, "k2").Verify(token); ok {
			t.Error("a token of an unknown key verifies")
		}
	}
	if k.Token(0) != "" || k.Token(-1) != "" {
		t.Error("there are no tokens below 1")
	}
	for _, bad := range [][]Key{nil, {{ID: "k", Secret: make([]byte, 32)}}, {{ID: "K1", Secret: make([]byte, 32)}}, {{ID: "k1", Secret: make([]byte, 8)}}, {{ID: "k1", Secret: make([]byte, 32)}, {ID: "k1", Secret: make([]byte, 32)}}} {
		if _, err := NewKeyring(bad...); err == nil {
			t.Errorf("the keys %v are accepted", bad)
		}
	}
}

func TestTokenAddress(t *testing.T) {
	t.Parallel()
	k := testKeys(t, "k1")
	token := k.Token(7)
	for _, sep := range []string{"", "+", "-", "="} {
		addr, ok := TokenAddress("support@example.com", sep, token)
		if !ok || !strings.HasSuffix(addr, token+"@example.com") {
			t.Fatalf("separator %q: %q %v", sep, addr, ok)
		}
		if _, id, ok := k.Find(strings.ToUpper(addr)); !ok || id != 7 {
			t.Errorf("separator %q: the token is not found in %q", sep, addr)
		}
		if got := k.PlainAddress(addr, sep); got != "support@example.com" {
			t.Errorf("separator %q: plain address %q", sep, got)
		}
	}
	if addr, ok := TokenAddress(strings.Repeat("a", 40)+"@example.com", "+", token); ok || !strings.HasPrefix(addr, "aaaa") {
		t.Errorf("a local part over 64 bytes is made: %q", addr)
	}
	if got := k.PlainAddress("ann+news@example.com", "+"); got != "ann+news@example.com" {
		t.Errorf("an address that is not ours is changed: %q", got)
	}
}

// TestEvidence holds T1's order and that a wrong hash is no evidence (T2).
func TestEvidence(t *testing.T) {
	t.Parallel()
	k := testKeys(t, "k1")
	addr, _ := TokenAddress("support@example.com", "", k.Token(1))
	forged := k.Token(5)[:20] + strings.Repeat("a", len(k.Token(5))-20)
	raw := "From: bob@example.net\r\nTo: support@example.com\r\nCc: " + strings.ToUpper(addr) + "\r\nDelivered-To: support+" + k.Token(9) + "@example.com\r\n" +
		"In-Reply-To: <theirs@example.net>\r\nReferences: <" + MessageID(k.Token(2), "example.com") + "> <" + MessageID(k.Token(3), "example.com") + ">\r\n <mail." + forged + "@example.com>\r\nSubject: Re: Printer [#42]\r\n\r\nHello\r\n\r\n> " + MarkerText(k.Token(4)) + "\r\n> " + MarkerText(forged) + "\r\n"
	var got []string
	for _, e := range Evidence(Parse([]byte(raw), ParseOptions{}), k, []string{"support+" + k.Token(8) + "@example.com"}) {
		got = append(got, fmt.Sprintf("%s %d", e.Kind, e.MailID))
		if e.Detail == "" || e.Ref == "" {
			t.Errorf("no words for %v", e)
		}
	}
	want := []string{"address_token 8", "address_token 9", "address_token 1", "id_token 3", "id_token 2", "stored_id 0", "stored_id 0", "stored_id 0", "stored_id 0", "body_marker 4", "subject_number 0"}
	if fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("got  %v\nwant %v", got, want)
	}
	items := Evidence(Parse([]byte(raw), ParseOptions{}), k, nil)
	if items[4].Ref != "theirs@example.net" {
		t.Errorf("In-Reply-To comes first of the stored ids, not %q", items[4].Ref)
	}
	if items[len(items)-1].Ref != "42" {
		t.Errorf("the number is %q", items[len(items)-1].Ref)
	}
}

// TestMarkerSurvives holds T4: the marker is found in what clients quote.
func TestMarkerSurvives(t *testing.T) {
	t.Parallel()
	k := testKeys(t, "k1")
	for _, body := range []string{
		MarkerText(k.Token(6)), "> > " + MarkerText(k.Token(6)), strings.ToUpper(MarkerText(k.Token(6))), MarkerHTML(k.Token(6)),
		strings.ReplaceAll(MarkerHTML(k.Token(6)), `class="`, `class="x_`), "some words " + MarkerText(k.Token(6)) + " and more",
	} {
		if id, ok := k.FindMarker(body); !ok || id != 6 {
			t.Errorf("not found in %q", body)
		}
	}
	if id, ok := k.FindMarker(MarkerText(k.Token(7)) + "\n> " + MarkerText(k.Token(6))); !ok || id != 7 {
		t.Errorf("the newest marker is the first one, not %d", id)
	}
}

// TestParseIDs holds T5.
func TestParseIDs(t *testing.T) {
	t.Parallel()
	for in, want := range map[string][]string{
		"<a@x>": {"a@x"}, "<a@x> <b@x>": {"a@x", "b@x"}, "<a@x>,<b@x>": {"a@x", "b@x"}, "<a@x><b@x>": {"a@x", "b@x"}, "<a@x> <b@x": {"a@x", "b@x"}, "<a@x <b@x>": {"a@x", "b@x"},
		"a@x": {"a@x"}, "a@x b@x": {"a@x", "b@x"}, "<a\r\n @x>": {"a@x"}, "<a @ x>": {"a@x"}, "<noat>": {"noat"}, "noat": {"noat"}, "": nil, "<>": nil,
		"Your message of Monday <a@x>": {"a@x"}, "\"Your message\" (from Ann)": nil, "<a@x> <a@x>": {"a@x"}, "<\"a b\"@x>": {"\"ab\"@x"}, "<a@x>\r\n\t<b@x>": {"a@x", "b@x"},
	} {
		if got := ParseIDs(in); fmt.Sprint(got) != fmt.Sprint(want) {
			t.Errorf("%q: %q, want %q", in, got, want)
		}
	}
	if CanonicalID(`<"A.B"@Example.COM>`) != "a.b@example.com" {
		t.Error(CanonicalID(`<"A.B"@Example.COM>`))
	}
	m := parse("In-Reply-To: <c@x>", "References: <a@x> <b@x> <c@x>")
	if got := fmt.Sprint(m.CitedIDs()); got != "[c@x b@x a@x]" {
		t.Errorf("cited: %s", got)
	}
}

// TestAuthor holds T15.
func TestAuthor(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		headers []string
		groups  []string
		want    string
	}{
		"from":               {[]string{"From: Ann <ann@x.example>"}, nil, "ann@x.example"},
		"reply-to":           {[]string{"From: ann@x.example", "Reply-To: bob@x.example"}, nil, "bob@x.example"},
		"empty reply-to":     {[]string{"From: ann@x.example", "Reply-To: "}, nil, "ann@x.example"},
		"malformed reply-to": {[]string{"From: ann@x.example", "Reply-To: <not an address>"}, nil, "ann@x.example"},
		"reply-to no domain": {[]string{"From: ann@x.example", "Reply-To: ann@"}, nil, "ann@x.example"},
		"known group":        {[]string{"From: \"'Ann' via Group\" <group@x.example>", "Reply-To: group@x.example", "X-Original-Sender: ann@y.example"}, []string{"group@x.example"}, "ann@y.example"},
		"unknown group":      {[]string{"From: group@x.example", "X-Original-Sender: ann@y.example"}, nil, "group@x.example"},
		"sender only":        {[]string{"Sender: ann@x.example"}, nil, "ann@x.example"},
		"nobody":             {[]string{"Subject: x"}, nil, ""},
	} {
		if got := parse(tt.headers...).Author(tt.groups...); got.Address != tt.want {
			t.Errorf("%s: %q, want %q", name, got.Address, tt.want)
		}
	}
}

// TestDeliveredTo holds T17.
func TestDeliveredTo(t *testing.T) {
	t.Parallel()
	m := parse("X-Forwarded-For: in@x.example out@y.example", "Envelope-To: e@x.example", "Delivered-To: d@x.example", "Delivered-To: D@x.example", "X-Original-To: o@x.example", "From: a@x.example")
	if got := strings.Join(m.DeliveredTo, " "); got != "d@x.example o@x.example e@x.example in@x.example out@y.example" {
		t.Error(got)
	}
	for in, want := range map[string]string{
		"prvs=1234567890=ann@x.example": "ann@x.example", "SRS0=HHH=TT=x.example=ann@f.example": "ann@x.example",
		"SRS1=HHH=g.example==HHH=TT=x.example=ann@f.example": "ann@x.example", "ann@x.example": "ann@x.example", "prvs=broken@x.example": "prvs=broken@x.example",
	} {
		if got := UnwrapAddress(in); got != want {
			t.Errorf("%s: %s, want %s", in, got, want)
		}
	}
}

// TestClassify holds A1 to A4.
func TestClassify(t *testing.T) {
	t.Parallel()
	const from = "From: Ann <ann@x.example>"
	for name, tt := range map[string]struct {
		headers  []string
		class    Class
		noAnswer bool
	}{
		"human":                         {[]string{from}, Human, false},
		"auto-submitted no":             {[]string{from, "Auto-Submitted: no"}, Human, false},
		"vacation":                      {[]string{from, "Auto-Submitted: auto-replied (vacation)"}, AutoReply, true},
		"auto-replied with parameters":  {[]string{from, "Auto-Submitted: auto-replied; owner-email=\"x@y.example\""}, AutoReply, true},
		"auto-generated":                {[]string{from, "Auto-Submitted: Auto-Generated"}, AutoGenerated, true},
		"auto-notified":                 {[]string{from, "Auto-Submitted: auto-notified"}, AutoGenerated, true},
		"x-autoreply":                   {[]string{from, "X-Autoreply: yes"}, AutoReply, true},
		"x-autorespond":                 {[]string{from, "X-Autorespond: x"}, AutoReply, true},
		"x-mail-autoreply":              {[]string{from, "X-Mail-Autoreply: x"}, AutoReply, true},
		"precedence auto_reply":         {[]string{from, "Precedence: auto_reply"}, AutoReply, true},
		"exchange rule":                 {[]string{from, "X-MS-Exchange-Inbox-Rules-Loop: a@x.example", "X-Auto-Response-Suppress: All"}, AutoReply, true},
		"exchange rule, no suppression": {[]string{from, "X-MS-Exchange-Inbox-Rules-Loop: a@x.example"}, Human, false},
		"exchange user":                 {[]string{from, "X-Auto-Response-Suppress: DR, OOF, AutoReply"}, Human, true},
		"exchange user, receipts only":  {[]string{from, "X-Auto-Response-Suppress: DR, RN, NRN"}, Human, false},
		"null return path":              {[]string{"Return-Path: <>", from}, AutoGenerated, true},
		"null return path, absence":     {[]string{"Return-Path: <>", from, "Subject: Automatic reply: x"}, AutoReply, true},
		"return path":                   {[]string{"Return-Path: <ann@x.example>", from}, Human, false},
		"list":                          {[]string{from, "List-Id: <l.x.example>"}, ListMail, true},
		"list-unsubscribe":              {[]string{from, "List-Unsubscribe: <https://x.example>"}, ListMail, true},
		"bulk":                          {[]string{from, "Precedence: bulk"}, ListMail, true},
		"delivery report":               {[]string{"From: MAILER-DAEMON@x.example", "Content-Type: multipart/report; report-type=delivery-status; boundary=x"}, DeliveryReport, true},
		"feedback report":               {[]string{from, "Content-Type: multipart/report; report-type=feedback-report; boundary=x"}, FeedbackReport, true},
		"read receipt":                  {[]string{from, "Content-Type: multipart/report; report-type=disposition-notification; boundary=x"}, AutoReply, true},
		"no-reply":                      {[]string{"From: no-reply@x.example"}, Human, true},
		"no-reply that can be answered": {[]string{"From: noreply@x.example", "Reply-To: ann@x.example"}, Human, false},
		"daemon":                        {[]string{"From: MAILER-DAEMON@x.example"}, Human, true},
		"postmaster":                    {[]string{"From: postmaster@x.example"}, Human, true},
		"list machinery":                {[]string{"From: list-request@x.example"}, Human, true},
		"absence in the subject":        {[]string{from, "Subject: Automatische Antwort: Urlaub"}, Human, true},
		"absence in Japanese":           {[]string{from, "Subject: =?utf-8?B?" + "6Ieq5YuV5b+c562U" + "?=: x"}, Human, true},
		"our loop header":               {[]string{from, LoopHeader + ": 1"}, Human, true},
		"nobody":                        {[]string{"Subject: x"}, Human, true},
	} {
		m := parse(tt.headers...)
		class, why := Classify(m)
		if class != tt.class || class != Human && len(why) == 0 {
			t.Errorf("%s: %s %v, want %s", name, class, why, tt.class)
		}
		if no, reason := NoAutoAnswer(m); no != tt.noAnswer || no && reason == "" {
			t.Errorf("%s: no answer %v (%s), want %v", name, no, reason, tt.noAnswer)
		}
	}
}

// TestEnvelopeSender holds that the envelope counts before a Return-Path
// header.
func TestEnvelopeSender(t *testing.T) {
	t.Parallel()
	raw := []byte("Return-Path: <ann@x.example>\r\nFrom: ann@x.example\r\n\r\nx")
	null := ""
	if class, _ := Classify(Parse(raw, ParseOptions{EnvelopeFrom: &null})); class != AutoGenerated {
		t.Errorf("a null envelope sender gives %s", class)
	}
	if m := Parse(raw, ParseOptions{}); m.ReturnPath != "ann@x.example" || !m.HasReturnPath {
		t.Errorf("Return-Path: %q %v", m.ReturnPath, m.HasReturnPath)
	}
}

// TestDuplicates holds D1, D2 and D7: trace headers and line ends do not
// count, words do.
func TestDuplicates(t *testing.T) {
	t.Parallel()
	const mail = "From: ann@x.example\r\nSubject: a\r\n b\r\nMessage-ID: <1@x>\r\n\r\nHello\r\n\r\nyou\r\n"
	same := map[string]string{
		"trace headers": "Return-Path: <ann@x.example>\r\nDelivered-To: b@y.example\r\nReceived: from a\r\n by b; now\r\nAuthentication-Results: y.example; spf=pass\r\nDKIM-Signature: v=1; a=b;\r\n\tc=d\r\nX-Original-To: c@y.example\r\n" + mail,
		"line ends":     strings.ReplaceAll(mail, "\r\n", "\n"), "folding": strings.ReplaceAll(mail, "\r\n b", " b"), "blank lines at the end": mail + "\r\n\r\n",
	}
	for name, other := range same {
		if ContentHash([]byte(other)) != ContentHash([]byte(mail)) {
			t.Errorf("%s: the hash differs", name)
		}
		if DerivedID([]byte(other)) != DerivedID([]byte(mail)) {
			t.Errorf("%s: the derived id differs", name)
		}
	}
	for name, other := range map[string]string{
		"body": strings.Replace(mail, "you", "them", 1), "subject": strings.Replace(mail, "Subject: a", "Subject: c", 1), "blank line within": strings.Replace(mail, "\r\n\r\nyou", "\r\nyou", 1), "redirected": "Resent-From: bob@x.example\r\n" + mail,
	} {
		if ContentHash([]byte(other)) == ContentHash([]byte(mail)) {
			t.Errorf("%s: the hash is the same", name)
		}
	}
	if n := ReceivedCount(parse("Received: a", "received: b", "From: x@y.example")); n != 2 {
		t.Errorf("Received lines: %d", n)
	}
	if got := LoopMailboxes(parse(LoopHeader+": Support@X.example", "From: a@x.example")); len(got) != 1 || got[0] != "support@x.example" {
		t.Errorf("loop mailboxes: %v", got)
	}
}

// TestAuthenticated holds S1 and S2.
func TestAuthenticated(t *testing.T) {
	t.Parallel()
	const from = "From: ann@mail.x.example.com"
	for name, tt := range map[string]struct {
		headers []string
		server  string
		pass    bool
	}{
		"dkim aligned":                {[]string{"Authentication-Results: mx.y.example; dkim=pass header.d=example.com", from}, "mx.y.example", true},
		"dkim by identity":            {[]string{"Authentication-Results: mx.y.example; dkim=pass header.i=@example.com", from}, "mx.y.example", true},
		"spf aligned":                 {[]string{"Authentication-Results: mx.y.example; spf=pass smtp.mailfrom=bounce@x.example.com", from}, "mx.y.example", true},
		"spf of another":              {[]string{"Authentication-Results: mx.y.example; spf=pass smtp.mailfrom=a@evil.example", from}, "mx.y.example", false},
		"dkim of another":             {[]string{"Authentication-Results: mx.y.example; dkim=pass header.d=evil.example", from}, "mx.y.example", false},
		"dkim fails":                  {[]string{"Authentication-Results: mx.y.example; dkim=fail header.d=example.com", from}, "mx.y.example", false},
		"dmarc fails":                 {[]string{"Authentication-Results: mx.y.example; dkim=pass header.d=example.com; dmarc=fail header.from=example.com", from}, "mx.y.example", false},
		"another server":              {[]string{"Authentication-Results: evil.example; dkim=pass header.d=example.com", from}, "mx.y.example", false},
		"topmost counts":              {[]string{"Authentication-Results: mx.y.example; dkim=fail header.d=example.com", "Authentication-Results: mx.y.example; dkim=pass header.d=example.com", from}, "mx.y.example", false},
		"other one above":             {[]string{"Authentication-Results: relay.y.example; spf=none", "Authentication-Results: MX.y.example 1; dkim=pass header.d=example.com", from}, "mx.y.example", true},
		"not configured":              {[]string{"Authentication-Results: mx.y.example; dkim=pass header.d=example.com", from}, "", false},
		"two senders":                 {[]string{"Authentication-Results: mx.y.example; dkim=pass header.d=example.com", from + ", bob@evil.example"}, "mx.y.example", false},
		"no results":                  {[]string{from}, "mx.y.example", false},
		"a public suffix":             {[]string{"Authentication-Results: mx.y.example; dkim=pass header.d=co.uk", "From: ann@bank.co.uk"}, "mx.y.example", false},
		"neighbours in co.uk":         {[]string{"Authentication-Results: mx.y.example; dkim=pass header.d=evil.co.uk", "From: ann@bank.co.uk"}, "mx.y.example", false},
		"a passing word in a comment": {[]string{"Authentication-Results: mx.y.example; dkim=none (dkim=pass header.d=example.com)", from}, "mx.y.example", false},
	} {
		if pass, detail := Authenticated(parse(tt.headers...), tt.server); pass != tt.pass || detail == "" {
			t.Errorf("%s: %v (%s), want %v", name, pass, detail, tt.pass)
		}
	}
}

// TestDisowned holds S2's way to spam review.
func TestDisowned(t *testing.T) {
	t.Parallel()
	for results, want := range map[string]bool{
		"dmarc=fail (p=reject sp=reject dis=reject) header.from=example.com":            true,
		"dkim=none; dmarc=fail (p=QUARANTINE sp=NONE dis=QUARANTINE) header.from=e.com": true,
		"dmarc=fail reason=\"No valid SPF\" header.from=example.com (policy=reject)":    true,
		"dmarc=fail action=oreject header.from=example.com":                             true,
		"dmarc=fail (p=reject dis=none) header.from=example.com":                        false, // the server trusts who passed it on
		"dmarc=fail (p=none dis=none) header.from=example.com":                          false,
		"dmarc=fail header.from=example.com":                                            false, // no policy is told
		"dmarc=pass (p=reject dis=none) header.from=example.com":                        false,
		"spf=fail smtp.mailfrom=example.com (p=reject)":                                 false,
	} {
		m := parse("Authentication-Results: mx.y.example; "+results, "From: ann@example.com")
		if got, why := Disowned(m, "mx.y.example"); got != want || got && why == "" {
			t.Errorf("%s: %v (%s)", results, got, why)
		}
		if got, _ := Disowned(m, "other.y.example"); got {
			t.Errorf("%s: the verdict of a server that is not ours counts", results)
		}
	}
}

// TestFailedAuthentication holds A5 for forged senders.
func TestFailedAuthentication(t *testing.T) {
	t.Parallel()
	for results, want := range map[string]bool{
		"dmarc=fail header.from=example.com": true, "spf=fail smtp.mailfrom=example.com": true, "spf=fail smtp.mailfrom=example.com; dkim=pass header.d=example.com": false,
		"spf=fail smtp.mailfrom=example.com; dkim=pass header.d=evil.example": true, "spf=softfail smtp.mailfrom=example.com": false, "spf=pass smtp.mailfrom=example.com": false, "dkim=none": false,
	} {
		m := parse("Authentication-Results: mx.y.example; "+results, "From: ann@example.com")
		if failed, why := FailedAuthentication(m, "mx.y.example"); failed != want || failed && why == "" {
			t.Errorf("%s: %v (%s)", results, failed, why)
		}
		if failed, _ := FailedAuthentication(m, "other.example"); failed {
			t.Errorf("%s: another server's verdict counts", results)
		}
		if failed, _ := FailedAuthentication(m, ""); failed {
			t.Errorf("%s: it counts without a configured server", results)
		}
	}
}

func TestBaseSubject(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		"Re: Printer": "Printer", "RE: re: Re[2]: Printer": "Printer", "AW: WG: Drucker": "Drucker", "Re : Imprimante": "Imprimante", "Fwd: Printer (fwd)": "Printer", "[help] Re: Printer": "Printer",
		"[urgent] Printer": "[urgent] Printer", "回复：打印机": "打印机", "SV: Skrivare": "Skrivare", "Re: ": "", "": "", "Regarding: x": "Regarding: x", "TR: RE: x": "x", "Re (3): x": "x", "Antw: x": "x", "Odp: x": "x", "Question: re: x": "Question: re: x",
		"YNT: x": "x", "Ответ: x": "x", "12:30 meeting": "12:30 meeting",
	} {
		if got := BaseSubject(in); got != want {
			t.Errorf("%q: %q, want %q", in, got, want)
		}
		if got := ReplySubject(in); got != strings.TrimSpace("Re: "+want) {
			t.Errorf("reply to %q: %q", in, got)
		}
	}
	if !IsReplySubject("AW: x") || IsReplySubject("Fwd: x") || !IsForwardSubject("WG: x") || IsForwardSubject("x") {
		t.Error("prefixes are mixed up")
	}
}

// TestReferences holds O2.
func TestReferences(t *testing.T) {
	t.Parallel()
	if got := References([]string{"a@x", "b@x"}, "c@x"); strings.Join(got, " ") != "a@x b@x c@x" {
		t.Error(got)
	}
	if got := References([]string{"a@x", "b@x"}, "A@X"); strings.Join(got, " ") != "b@x a@x" {
		t.Error("the answered id must stand last:", got)
	}
	if got := References([]string{"a@x", "b x\r\nBcc: e@x"}, "c@x"); strings.Join(got, " ") != "a@x c@x" {
		t.Error("a forged id is kept:", got)
	}
	var many []string
	for i := range 100 {
		many = append(many, fmt.Sprintf("%d.%s@x", i, strings.Repeat("z", 60)))
	}
	got := References(many, "last@x")
	if got[0] != many[0] || got[len(got)-1] != "last@x" || got[len(got)-2] != many[99] || len(got) > 10 || idBytes(got) > 900 {
		t.Errorf("%d ids of %d bytes: %v", len(got), idBytes(got), got)
	}
}

// TestParseDate holds M8 and what is sent as a date.
func TestParseDate(t *testing.T) {
	t.Parallel()
	want := time.Date(2026, 11, 2, 9, 0, 5, 0, time.UTC)
	for _, in := range []string{
		"Mon, 02 Nov 2026 10:00:05 +0100", "2 Nov 2026 10:00:05 +0100 (CET)", "Mon, 2 Nov 26 10:00:05 +0100", "Mon Nov  2 09:00:05 2026", "2026-11-02T10:00:05+01:00", "Mon, 02 Nov 2026 09:00:05 GMT", "Mon, 2 Nov 2026 10:00:05 CET",
		"Mon, 2 Nov 2026 10:00:05 GMT+0100", "Monday, 2 November 2026 04:00:05 -0500", "Mon, 2-Nov-2026 09:00:05 GMT", "2026-11-02 09:00:05", "Mon, 2 Nov 2026 09:00:05", "Nov 2, 2026 9:00:05 AM",
	} {
		if got, ok := ParseDate(in); !ok || !got.Equal(want) {
			t.Errorf("%q: %s %v", in, got, ok)
		}
	}
	for _, in := range []string{"", "yesterday", "32 Nov 2026 10:00:00 +0000", "Mon, 02 Foo 2026 10:00:00", "31 Feb 2026 10:00:00 +0000", strings.Repeat("1 ", 500)} {
		if got, ok := ParseDate(in); ok {
			t.Errorf("%q: read as %s", in, got)
		}
	}
	raw := []byte("From: a@x.example\r\nDate: Mon, 02 Nov 2026 10:00:05 +0100\r\n\r\nx")
	if m := Parse(raw, ParseOptions{Received: want.Add(-48 * time.Hour)}); m.DateOK || !m.HasNotice(NoticeDateUnusable) {
		t.Error("a date in the future is believed")
	}
	if m := Parse(raw, ParseOptions{Received: want}); !m.DateOK || !m.Date.Equal(want) {
		t.Error("a right date is not believed")
	}
}
