package email

import (
	"regexp"
	"strings"
	"testing"

	"golang.org/x/net/html"
)

// hostile are pieces of HTML that must come out harmless (H1).
var hostile = []string{
	`<script>alert(1)</script>`, `<SCRIPT SRC=//evil.example/x.js></SCRIPT>`, `<img src=x onerror=alert(1)>`, `<svg onload=alert(1)>`, `<svg><script>alert(1)</script></svg>`,
	`<math><mtext><table><mglyph><style><!--</style><img title="--&gt;&lt;img src=1 onerror=alert(1)&gt;">`, `<a href="javascript:alert(1)">x</a>`, `<a href="java&#10;script:alert(1)">x</a>`,
	`<a href=" &#1; javascript:alert(1)">x</a>`, `<a href="data:text/html,<script>alert(1)</script>">x</a>`, `<a href="vbscript:x">x</a>`, `<iframe src="https://evil.example"></iframe>`, `<object data="x"></object>`, `<embed src="x">`,
	`<form action="https://evil.example"><input name=p><button>go</button></form>`, `<meta http-equiv="refresh" content="0;url=https://evil.example">`, `<base href="https://evil.example/">`, `<link rel=stylesheet href="https://evil.example/x.css">`,
	`<style>@import url(https://evil.example/x.css);</style>`, `<style>body{background:url(https://evil.example/t.gif)}</style>`, `<div style="background:url(https://evil.example/t.gif)">x</div>`, `<div style="background:u\72l(https://evil.example/t.gif)">x</div>`,
	`<div style="width:expression(alert(1))">x</div>`, `<div style="position:fixed;top:0;left:0;width:100%">x</div>`, `<div style="behavior:url(x.htc)">x</div>`, `<div style="-moz-binding:url(x)">x</div>`, `<div style="color:red;background-image:image-set('https://evil.example/x' 1x)">x</div>`,
	`<table background="https://evil.example/t.gif"><tr><td background="https://evil.example/u.gif">x</td></tr></table>`, `<img srcset="https://evil.example/t.gif 2x">`, `<picture><source srcset="https://evil.example/a.png"><img src="https://evil.example/b.png"></picture>`,
	`<video poster="https://evil.example/p.png"><source src="https://evil.example/v.mp4"></video>`, `<audio src="https://evil.example/a.mp3" autoplay></audio>`, `<input type=image src="https://evil.example/i.png">`, `<img src="//evil.example/t.gif">`, `<img src="\\evil.example\t.gif">`,
	`<img src="data:image/svg+xml,<svg onload=alert(1)>">`, `<noscript><p title="</noscript><img src=x onerror=alert(1)>">`, `<xmp><img src=x onerror=alert(1)></xmp>`, `<plaintext><script>alert(1)</script>`, `<!--><script>alert(1)</script>-->`, `<![CDATA[<script>alert(1)</script>]]>`,
	`<template><script>alert(1)</script></template>`, `<details open ontoggle=alert(1)>x</details>`, `<marquee onstart=alert(1)>x</marquee>`, `<body onload=alert(1) background="https://evil.example/t.gif">x</body>`, `<frameset><frame src="javascript:alert(1)"></frameset>`,
	`<a href="https://ok.example" target="_self" onclick="alert(1)" ping="https://evil.example">x</a>`, `<p id="x" class="y" name="z">x</p>`, `<textarea><script>alert(1)</script></textarea>`, `<select><option><script>alert(1)</script></select>`, `<title><script>alert(1)</script></title>`,
	`<style><img src="</style><img src=x onerror=alert(1)//">`, `<div style='color:red" onmouseover="alert(1)'>x</div>`, `<font color='red" onmouseover="alert(1)'>x</font>`, `<img src="cid:x" alt='" onerror="alert(1)'>`, `<svg><style><img src=x onerror=alert(1)></style></svg>`,
	`<form><math><mtext></form><form><mglyph><style></math><img src onerror=alert(1)>`, `<a href="https://ok.example/&quot;onclick=&quot;alert(1)">x</a>`, `<img width="1" height="1" src="http://evil.example/pixel.gif">`, "<a href=\"java\tscript:alert(1)\">x</a>", `<q cite="javascript:alert(1)">x</q>`,
}

var (
	allowedElement = regexp.MustCompile(`^(p|div|span|br|hr|h[1-6]|b|i|u|s|em|strong|small|big|su[bp]|strike|del|ins|code|pre|tt|kbd|samp|var|abbr|cite|q|mark|blockquote|center|address|font|ul|ol|li|d[ltd]|table|caption|thead|tbody|tfoot|tr|t[dh]|colgroup|col|a|img|section|article|header|footer|main|nav|aside|figure|figcaption|wbr|bd[io])$`)
	allowedAttr    = regexp.MustCompile(`^(style|dir|v?align|lang|title|width|height|border|cell(padding|spacing)|[hv]space|(col|row)?span|start|value|bgcolor|color|size|face|type|href|rel|target|src|alt)$`)
	allowedHref    = regexp.MustCompile(`(?i)^(https?:|mailto:|tel:)`)
	remoteSource   = regexp.MustCompile(`(?i)^\s*(https?:|//|\\\\|data:|javascript:)`)
	forbiddenStyle = regexp.MustCompile(`(?i)url\(|expression|@import|position|behavior|binding|image-set|[\\{}<>]`)
)

// checkHarmless looks at each tag of what came out.
func checkHarmless(t *testing.T, doc, clean string) {
	t.Helper()
	z := html.NewTokenizer(strings.NewReader(clean))
	for z.Next() != html.ErrorToken {
		tok := z.Token()
		switch tok.Type {
		case html.CommentToken, html.DoctypeToken:
			t.Errorf("%s\nbecame %s\nwith %s", doc, clean, tok)
		case html.StartTagToken, html.SelfClosingTagToken, html.EndTagToken:
			if !allowedElement.MatchString(tok.Data) {
				t.Errorf("%s\nbecame %s\nwith %s", doc, clean, tok)
			}
		}
		for _, a := range tok.Attr {
			bad := !allowedAttr.MatchString(a.Key)
			switch a.Key {
			case "href":
				bad = !allowedHref.MatchString(a.Val)
			case "src":
				bad = remoteSource.MatchString(a.Val)
			case "style":
				bad = forbiddenStyle.MatchString(a.Val)
			}
			if bad {
				t.Errorf("%s\nbecame %s\nwith %s=%q", doc, clean, a.Key, a.Val)
			}
		}
	}
}

func TestSanitiseHostile(t *testing.T) {
	t.Parallel()
	for _, doc := range hostile {
		clean, _ := Sanitise(doc, SanitiseOptions{})
		checkHarmless(t, doc, clean)
		checkHarmless(t, doc, SanitiseComposed(doc, ComposeOptions{}))
		for _, wrap := range []string{"<table><tr><td>%</td></tr></table>", "<p>before%after", "<div><blockquote>%"} {
			d := strings.Replace(wrap, "%", doc, 1)
			clean, _ := Sanitise(d, SanitiseOptions{})
			checkHarmless(t, d, clean)
			again, _ := Sanitise(clean, SanitiseOptions{})
			checkHarmless(t, clean, again)
		}
	}
}

// TestSanitiseRemote holds H2: nothing is loaded unless asked for, and the
// caller learns that there was something.
func TestSanitiseRemote(t *testing.T) {
	t.Parallel()
	for doc, remote := range map[string]bool{
		`<img src="https://x.example/a.png" alt="A">`: true, `<img src="//x.example/a.png">`: true, `<div style="background:url(https://x.example/a.png)">x</div>`: true, `<table><tr><td background="http://x.example/a">x</td></tr></table>`: true, `<style>p{background:url(//x.example/a)}</style><p>x</p>`: true, `<link rel="stylesheet" href="https://x.example/a.css"><p>x</p>`: true, `<video poster="https://x.example/p.png"></video>`: true,
		`<img src="cid:a">`: false, `<p style="color:red">x</p>`: false, `<a href="https://x.example">x</a>`: false,
	} {
		clean, got := Sanitise(doc, SanitiseOptions{})
		if got != remote {
			t.Errorf("%s: remote %v, want %v (%s)", doc, got, remote, clean)
		}
		checkHarmless(t, doc, clean)
	}
	clean, _ := Sanitise(`<img src="https://x.example/a.png" alt="A" width="10" onerror=x>`, SanitiseOptions{})
	if clean != "[A]" {
		t.Errorf("the placeholder is %q", clean)
	}
	clean, remote := Sanitise(`<img src="https://x.example/a.png" alt="A" width="10" onerror=x>`, SanitiseOptions{AllowRemote: true})
	if clean != `<img src="https://x.example/a.png" alt="A" width="10"/>` || !remote {
		t.Errorf("allowed, it is %q %v", clean, remote)
	}
}

func TestSanitiseKeeps(t *testing.T) {
	t.Parallel()
	cid := func(ref string) (string, bool) { return "/mail/1/part/2?x=1&y=2", ref == "cid:logo@x" }
	for doc, want := range map[string]string{
		`<p style="color:#f00;position:absolute;font-size:12px">x</p>`: `<p style="color: #f00; font-size: 12px">x</p>`,
		`<a href="https://ok.example/?a=1&amp;b=2">x</a>`:              `<a href="https://ok.example/?a=1&amp;b=2" rel="noopener noreferrer nofollow" target="_blank">x</a>`,
		`<a href="mailto:a@example.com">x</a>`:                         `<a href="mailto:a@example.com" rel="noopener noreferrer nofollow" target="_blank">x</a>`,
		`<img src="cid:logo@x" alt="Logo">`:                            `<img src="/mail/1/part/2?x=1&amp;y=2" alt="Logo"/>`,
		`<img src="cid:gone" alt="Gone">`:                              `[Gone]`,
		`<table border=1><tr><td colspan=2 bgcolor=#eee>x`:             `<table border="1"><tbody><tr><td colspan="2" bgcolor="#eee">x</td></tr></tbody></table>`,
		`<body bgcolor="#ffffff"><p>x</p></body>`:                      `<div style="background-color: #ffffff"><p>x</p></div>`,
		`<font face="Arial" size=2 color=blue>x</font>`:                `<font color="blue" face="Arial" size="2">x</font>`,
		`<p>1 &lt; 2 &amp; "x"</p>`:                                    `<p>1 &lt; 2 &amp; &#34;x&#34;</p>`,
		`<b><i>unclosed`:                                               `<b><i>unclosed</i></b>`,
	} {
		if got, _ := Sanitise(doc, SanitiseOptions{InlineURL: cid}); got != want {
			t.Errorf("%s\n got %s\nwant %s", doc, got, want)
		}
	}
}

// TestSanitiseDeep holds that HTML the parser refuses is shown as text.
func TestSanitiseDeep(t *testing.T) {
	t.Parallel()
	doc := strings.Repeat("<div>", 5000) + "the words<script>alert(1)</script>"
	clean, _ := Sanitise(doc, SanitiseOptions{})
	if !strings.Contains(clean, "the words") || strings.Contains(clean, "alert") {
		t.Errorf("got %.200q", clean)
	}
	if visible, hidden := SplitHTML(doc); visible != doc || hidden != "" {
		t.Error("HTML that cannot be parsed must be kept whole")
	}
}

func TestSanitiseComposed(t *testing.T) {
	t.Parallel()
	image := func(src string) (string, bool) {
		return "cid:" + strings.TrimPrefix(src, "/attachments/"), strings.HasPrefix(src, "/attachments/")
	}
	for doc, want := range map[string]string{
		`<p>Hello <strong>you</strong></p><p><br></p>`:                `<p>Hello <strong>you</strong></p><p><br/></p>`,
		`<img src="/attachments/abc" alt="A">`:                        `<img src="cid:abc" alt="A"/>`,
		`<img src="https://x.example/a.png" alt="A">`:                 `[A]`,
		`<p class="x" style="text-align:center;position:fixed">x</p>`: `<p style="text-align: center">x</p>`,
		`<o:p>Word</o:p><font color="red">x</font>`:                   `Wordx`,
		`<ul><li><p>one</p></li></ul>`:                                `<ul><li><p>one</p></li></ul>`,
		`<a href="https://ok.example">x</a>`:                          `<a href="https://ok.example" rel="noopener noreferrer nofollow" target="_blank">x</a>`,
	} {
		if got := SanitiseComposed(doc, ComposeOptions{Image: image}); got != want {
			t.Errorf("%s\n got %s\nwant %s", doc, got, want)
		}
	}
}

func TestTextFromHTML(t *testing.T) {
	t.Parallel()
	for doc, want := range map[string]string{
		`<p>One</p><p>Two<br>lines</p>`:                              "One\n\nTwo\nlines",
		`<ul><li>a</li><li>b</li></ul><ol><li>x</li><li>y</li></ol>`: "* a\n* b\n\n1. x\n2. y",
		`see <a href="https://x.example/p">the page</a>.`:            "see the page <https://x.example/p>.",
		`<a href="https://x.example/">x.example</a>`:                 "x.example",
		`<a href="mailto:a@x.example">a@x.example</a>`:               "a@x.example",
		`<style>p{}</style><script>x</script><title>t</title>text`:   "text",
		`<blockquote>old<br>words</blockquote>new`:                   "> old\n> words\n\nnew",
		`<pre>a  b
  c</pre>`: "a  b\n  c",
		`<img alt="Logo" src=x>`:     "[Logo]",
		`a&nbsp;b &amp; c &lt;d&gt;`: "a b & c <d>",
		`<table><tr><td>a</td><td>b</td></tr><tr><td>c</td></tr></table>`: "a b\nc",
		`Hel<b>lo</b> wor<i>ld</i>`:                                       "Hello world",
	} {
		if got := TextFromHTML(doc); got != want {
			t.Errorf("%s\n got %q\nwant %q", doc, got, want)
		}
	}
}

func TestHTMLFromText(t *testing.T) {
	t.Parallel()
	got := HTMLFromText("a < b\nsee https://x.example/a?b=1&c=2.\nor a@x.example")
	want := `a &lt; b<br>
see <a href="https://x.example/a?b=1&amp;c=2" rel="noopener noreferrer nofollow" target="_blank">https://x.example/a?b=1&amp;c=2</a>.<br>
or <a href="mailto:a@x.example" rel="noopener noreferrer nofollow" target="_blank">a@x.example</a>`
	if got != want {
		t.Errorf("got %s", got)
	}
	if clean, _ := Sanitise(got, SanitiseOptions{}); TextFromHTML(clean) != TextFromHTML(got) {
		t.Errorf("sanitising changes it: %s", clean)
	}
}
