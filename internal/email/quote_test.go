package email

import (
	"strings"
	"testing"
)

// TestSplitHTML holds what the mail programs write around quotes (Q2).
func TestSplitHTML(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		doc             string
		visible, hidden string // texts; hidden "" means nothing was folded
	}{
		"gmail": {
			doc: `<div dir="ltr">Thanks, that works.<br></div><br><div class="gmail_quote"><div dir="ltr" class="gmail_attr">On Mon, 2 Nov 2026 at 10:00, Support &lt;<a href="mailto:support@example.com">support@example.com</a>&gt; wrote:<br></div>` +
				`<blockquote class="gmail_quote" style="margin:0 0 0 .8ex;border-left:1px solid rgb(204,204,204);padding-left:1ex"><div>Please restart it.</div></blockquote></div>`,
			visible: "Thanks, that works.", hidden: "restart it",
		},
		"gmail in a language nobody listed": {
			doc: `<div>Thanks</div><div class="gmail_quote"><div class="gmail_attr">zzz yyy:<br></div><blockquote class="gmail_quote">old words</blockquote></div>`, visible: "Thanks", hidden: "old words",
		},
		"gmail interleaved": {
			doc: `<div class="gmail_quote"><div class="gmail_attr">On Mon, 2 Nov 2026 at 10:00, Ann &lt;a@example.com&gt; wrote:</div><blockquote class="gmail_quote" type="cite">First question?</blockquote><div>First answer.</div><blockquote class="gmail_quote">Second question?</blockquote><div>Second answer.</div></div>`,
		},
		"gmail bottom posting": {
			doc: `<div class="gmail_quote"><div class="gmail_attr">On Mon, 2 Nov 2026 at 10:00, Ann &lt;a@example.com&gt; wrote:</div><blockquote class="gmail_quote">Question?</blockquote></div><div>My answer stands below.</div>`,
		},
		"gmail with signature": {
			doc:     `<div>See you<br clear="all"><div><br></div><span class="gmail_signature_prefix">-- </span><br><div class="gmail_signature">Bob Jones<br>CEO</div></div><div class="gmail_quote"><div class="gmail_attr">On Mon wrote:</div><blockquote class="gmail_quote">old</blockquote></div>`,
			visible: "See you", hidden: "Bob Jones",
		},
		"outlook desktop": {
			doc: `<html><head><style>p{margin:0}</style></head><body lang=EN><div class=WordSection1><p class=MsoNormal>It is broken again.<o:p></o:p></p><p class=MsoNormal><o:p>&nbsp;</o:p></p>` +
				`<div><div style='border:none;border-top:solid #E1E1E1 1.0pt;padding:3.0pt 0cm 0cm 0cm'><p class=MsoNormal><b>From:</b> Support &lt;support@example.com&gt; <br><b>Sent:</b> Monday, November 2, 2026 10:00<br><b>To:</b> Bob<br><b>Subject:</b> RE: Printer</p></div></div><p class=MsoNormal>Please restart it.</p></div></body></html>`,
			visible: "It is broken again.", hidden: "Please restart it.",
		},
		"outlook web": {
			doc:     `<div>Still the same.</div><div id="appendonsend"></div><hr style="display:inline-block;width:98%"><div id="divRplyFwdMsg" dir="ltr"><b>Von:</b> Support<br><b>Gesendet:</b> Montag<br><b>An:</b> Bob<br><b>Betreff:</b> Drucker</div><div><p>Bitte neu starten.</p></div>`,
			visible: "Still the same.", hidden: "Bitte neu starten.",
		},
		"outlook quoting outlook": {
			doc: `<div>New words</div><div id="x_divRplyFwdMsg">From: a</div><div>old</div>`, visible: "New words", hidden: "old",
		},
		"apple": {
			doc:     `<html><body>All good now.<div><br><blockquote type="cite"><div>On 2 Nov 2026, at 10:00, Support &lt;support@example.com&gt; wrote:</div><br><div>Did it help?</div></blockquote></div><br></body></html>`,
			visible: "All good now.", hidden: "Did it help?",
		},
		"thunderbird": {
			doc: `<p>Danke.</p><div class="moz-cite-prefix">Am 02.11.26 um 10:00 schrieb Support:<br></div><blockquote type="cite" cite="mid:x@example.com"><p>Hat es geholfen?</p></blockquote>`, visible: "Danke.", hidden: "Hat es geholfen?",
		},
		"yahoo": {
			doc: `<div class="ydp1 yahoo-style-wrap">It works</div><div id="yahoo_quoted_123" class="yahoo_quoted"><div><div>On Monday, November 2, 2026, 10:00:00 AM, Support wrote:</div><div>old words</div></div></div>`, visible: "It works", hidden: "old words",
		},
		"our separator": {
			doc: `<p>Reply text</p><div>` + SeparatorHTML("Please write above this line") + `<p>Our mail</p></div>`, visible: "Reply text", hidden: "Our mail",
		},
		"our separator after outlook": {
			doc: `<p>Reply text</p><div>` + strings.ReplaceAll(SeparatorHTML("Bitte hierüber antworten"), `class="`, `class="x_x_`) + `<p>Our mail</p></div>`, visible: "Reply text", hidden: "Our mail",
		},
		"our separator, answered below": {
			doc: `<blockquote type="cite">` + SeparatorHTML("Above") + `<p>Our mail</p></blockquote><p>Answer below</p>`,
		},
		"only a quote":           {doc: `<blockquote type="cite">old words</blockquote>`},
		"an author's blockquote": {doc: `<p>The manual says</p><blockquote>Do not open.</blockquote><p>But it was open.</p>`},
		"a picture is words": {
			doc: `<img src="cid:screenshot"><div class="gmail_quote"><div class="gmail_attr">On Monday wrote:</div><blockquote class="gmail_quote">old</blockquote></div>`, visible: "", hidden: "old",
		},
		"a picture between quotes": {
			doc: `<p>See</p><blockquote type="cite">one</blockquote><img src="cid:x"><blockquote type="cite">two</blockquote>`,
		},
		"forward": {
			doc: `<div>See below</div><div class="gmail_quote"><div class="gmail_attr">---------- Forwarded message ---------<br>From: <b>Ann</b><br>Date: Mon<br>Subject: x<br></div>what Ann wrote</div>`,
		},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			visible, hidden := SplitHTML(tt.doc)
			if tt.hidden == "" {
				if hidden != "" || visible != tt.doc {
					t.Fatalf("must be kept whole; hidden:\n%s", hidden)
				}
				return
			}
			if got := TextFromHTML(visible); got != tt.visible {
				t.Errorf("visible: %q, want %q", got, tt.visible)
			}
			if got := TextFromHTML(hidden); !strings.Contains(got, tt.hidden) {
				t.Errorf("hidden: %q, want %q in it", got, tt.hidden)
			}
		})
	}
}

// TestSplitTextLanguages checks the attribution line of each language.
func TestSplitTextLanguages(t *testing.T) {
	t.Parallel()
	for lang, line := range map[string]string{
		"English": "On Mon, 2 Nov 2026 at 10:00, Support <support@example.com> wrote:", "English US": "On Nov 2, 2026, at 10:00 AM, Support <support@example.com> wrote:",
		"German": "Am Mo., 2. Nov. 2026 um 10:00 Uhr schrieb Support <support@example.com>:", "German Thunderbird": "Am 02.11.26 um 10:00 schrieb Support:",
		"French": "Le lun. 2 nov. 2026 à 10:00, Support <support@example.com> a écrit :", "Spanish": "El lun, 2 nov 2026 a las 10:00, Support (<support@example.com>) escribió:",
		"Italian": "Il giorno lun 2 nov 2026 alle ore 10:00 Support <support@example.com> ha scritto:", "Portuguese": "Em seg., 2 de nov. de 2026 às 10:00, Support <support@example.com> escreveu:",
		"Dutch": "Op ma 2 nov 2026 om 10:00 schreef Support <support@example.com>:", "Swedish": "Den mån 2 nov. 2026 kl 10:00 skrev Support <support@example.com>:",
		"Danish": "Den man. 2. nov. 2026 kl. 10.00 skrev Support <support@example.com>:", "Norwegian": "man. 2. nov. 2026 kl. 10:00 skrev Support <support@example.com>:",
		"Finnish": "ma 2. marrask. 2026 klo 10.00 Support <support@example.com> kirjoitti:", "Polish": "pon., 2 lis 2026 o 10:00 Support <support@example.com> napisał(a):",
		"Czech": "po 2. 11. 2026 v 10:00 odesílatel Support <support@example.com> napsal:", "Slovak": "po 2. 11. 2026 o 10:00 Support <support@example.com> napísal(a):",
		"Hungarian": "Support <support@example.com> ezt írta (időpont: 2026. nov. 2., H, 10:00):", "Romanian": "În lun., 2 nov. 2026 la 10:00, Support <support@example.com> a scris:",
		"Turkish": "Support <support@example.com>, 2 Kas 2026 Pzt, 10:00 tarihinde şunu yazdı:", "Russian": "пн, 2 нояб. 2026 г. в 10:00, Support <support@example.com>:",
		"Russian Yandex": "02.11.2026, 10:00, \"Support\" <support@example.com>:", "Ukrainian": "пн, 2 лист. 2026 р. о 10:00 Support <support@example.com> пише:",
		"Greek": "Στις Δευ 2 Νοε 2026 στις 10:00 π.μ., ο χρήστης Support <support@example.com> έγραψε:", "Bulgarian": "На пн, 2.11.2026 г. в 10:00 Support <support@example.com> написа:",
		"Croatian": "pon, 2. stu 2026. u 10:00 Support <support@example.com> napisao je:", "Chinese": "Support <support@example.com> 于2026年11月2日周一 10:00写道：",
		"Chinese traditional": "Support <support@example.com> 於 2026年11月2日 週一 上午10:00寫道：", "Japanese": "2026年11月2日(月) 10:00 Support <support@example.com>:",
		"Korean": "2026년 11월 2일 (월) 오전 10:00, Support <support@example.com>님이 작성:", "Hebrew": "\u202bבתאריך יום ב׳, 2 בנוב׳ 2026 ב-10:00 מאת Support <support@example.com>:\u202c",
		"Catalan": "Missatge de Support <support@example.com> del dia dl., 2 de nov. 2026 a les 10:00:", "Estonian": "Support <support@example.com> kirjutas kuupäeval E, 2. november 2026 kell 10:00:",
		"Vietnamese": "Vào Th 2, 2 thg 11, 2026 vào lúc 10:00 Support <support@example.com> đã viết:", "Indonesian": "Pada Sen, 2 Nov 2026 pukul 10.00 Support <support@example.com> menulis:",
	} {
		t.Run(lang, func(t *testing.T) {
			t.Parallel()
			visible, hidden := SplitText("My answer.\n\n" + line + "\n\n> Old words\n> more\n")
			if visible != "My answer." || !strings.Contains(hidden, "Old words") {
				t.Errorf("visible %q, hidden %q", visible, hidden)
			}
		})
	}
}

// TestSplitText holds the other shapes of plain text (Q2), and those that must
// be kept whole (Q1).
func TestSplitText(t *testing.T) {
	t.Parallel()
	tests := map[string]struct{ text, visible string }{
		"our separator":        {"Reply\n\n" + SeparatorText("write above") + "\nOur mail", "Reply"},
		"separator in a quote": {"Reply\n\nOn Monday, 2 Nov 2026 Ann wrote:\n> " + SeparatorText("write above") + "\n> Our mail", "Reply"},
		"original message":     {"Reply\n\n-----Original Message-----\nFrom: a\nold", "Reply"},
		"ursprüngliche":        {"Antwort\n\n-----Ursprüngliche Nachricht-----\nVon: a\nalt", "Antwort"},
		"outlook rule":         {"Reply\n\n________________________________\nFrom: Ann <ann@example.com>\nSent: Monday\nTo: Bob\nSubject: Printer\n\nold", "Reply"},
		"header block":         {"Antwort\n\nVon: Ann <ann@example.com>\nGesendet: Montag\nAn: Bob\nBetreff: Drucker\n\nalt", "Antwort"},
		"signature":            {"Words\n\n-- \nBob\nCEO", "Words"},
		"phone":                {"Words\n\nSent from my iPhone", "Words"},
		"quote marks only":     {"Words\n> old\n> older", "Words"},
		"two line attribution": {"Words\n\nOn Mon, 2 Nov 2026 at 10:00, Support\n<support@example.com> wrote:\n\n> old", "Words"},
		"hotmail unmarked":     {"Words\n\nOn Mon, 2 Nov 2026 at 10:00, Support <support@example.com> wrote:\n\nold words", "Words"},

		"interleaved":          {"On Mon, 2 Nov 2026, Ann wrote:\n> one?\nyes\n> two?\nno", ""},
		"answer below":         {"On Mon, 2 Nov 2026, Ann wrote:\n> one?\n\nyes, one", ""},
		"only a quote":         {"> one\n> two", ""},
		"forward":              {"See\n\n---------- Forwarded message ---------\nFrom: Ann\nDate: x\nSubject: y\n\nwords", ""},
		"prose with wrote":     {"Yesterday Bob wrote: it is broken.\nAnd it is.", ""},
		"prose ends in colon":  {"I did this at 10:00:\n1. open\n2. close", ""},
		"prose with labels":    {"Please change the entry:\nName: Bob\nTo: Berlin\nthanks", ""},
		"dashes in prose":      {"one\n--\ntwo\n> three\nfour", ""},
		"diff of a programmer": {"-- not a signature\nwords", ""},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			visible, hidden := SplitText(tt.text)
			if tt.visible == "" {
				if hidden != "" || visible != tt.text {
					t.Errorf("must be kept whole; hidden %q", hidden)
				}
				return
			}
			if visible != tt.visible || hidden == "" {
				t.Errorf("visible %q, want %q; hidden %q", visible, tt.visible, hidden)
			}
		})
	}
}
