package email

import (
	"regexp"
	"strings"
	"sync"
	"unicode"
)

// wroteWords are how mail programs say "wrote" above a quote, in lower case.
var wroteWords = []string{
	"wrote", "writes", "a écrit", "a écrit", "schrieb", "geschrieben", "schreef", "escribió", "escribio", "ha scritto", "scrisse", "escreveu", "skrev", "kirjoitti",
	"napisał(a)", "napisał", "napisała", "pisze", "napsal(a)", "napsal", "napsala", "napísal(a)", "napísal", "napísala", "írta", "ezt írta", "a scris", "yazdı", "şunu yazdı",
	"написал(а)", "написал", "написала", "пишет", "пише", "написав", "написала", "написа", "έγραψε", "kirjutas", "rakstīja", "rašė", "parašė", "je napisao", "je napisala", "je napisao/la", "napisao/la", "piše",
	"je napisal", "je napisala", "va escriure", "idatzi du", "skrifaði", "đã viết", "menulis", "писал", "writes:", "写道", "寫道", "写了", "のメール", "が書きました", "님이 작성", "님이 쓴 글", "さんは書きました",
	"כתב", "כתבה", "كتب", "كتبت", "เขียนว่า", "ने लिखा", "نوشت", "schreibt", "vienas", "shkroi", "napisa", "a répondu",
}

// startWords begin an attribution, in lower case.
var startWords = []string{
	"on ", "at ", "le ", "am ", "el ", "il ", "op ", "em ", "den ", "dne ", "dňa ", "dnia ", "w dniu ", "på ", "in data ", "il giorno ", "no dia ", "a ", "la ", "în ", "pe ", "vào ", "pada ",
	"kl ", "kl.", "el dia ", "dana ", "dátum", "ngày ", "tarih", "в ", "на ", "от ", "στις ", "את ", "ב", "في ", "在", "于", "於", "the ", "from ", "quoting ", "zitat von ", "le :", "um ", "vom ", "dia ",
}

var (
	timePattern    = regexp.MustCompile(`\b\d{1,2}[:.h]\d{2}\b`)
	datePattern    = regexp.MustCompile(`\b(19|20)\d{2}\b|\b\d{1,2}[./-]\d{1,2}[./-]\d{2,4}\b|\d年`)
	bracketAddress = regexp.MustCompile(`<\s*(mailto:)?[^<>\s@]+@[^<>\s]+`)
	dayPattern     = regexp.MustCompile(`^\p{L}{1,12}[.,]{0,2}\s+\d`)
	dashWrote      = regexp.MustCompile(`(?i)^-{2,}.*(wrote|écrit|schrieb|escribió|scritto|skrev|写|寫).*-{2,}$`)
)

// attributionLines returns how many lines at the start of lines say who wrote
// the quote that follows, such as "On Monday, Ann <ann@example.com> wrote:",
// in many languages and over up to four lines. 0 means there is none.
func attributionLines(lines []quoteLine) int {
	joined := ""
	for n := 1; n <= 4 && n <= len(lines); n++ {
		l := lines[n-1]
		// An address broken after its "<" leaves a line that begins with ">".
		broken := strings.Count(joined, "<") > strings.Count(joined, ">")
		if l.text == "" || l.quoted && !broken {
			return 0
		}
		if len(joined)+len(l.text) > 400 {
			return 0
		}
		joined = strings.TrimLeft(joined+" "+l.text, " ")
		if !mayEndAttribution(l.text) || !isAttribution(joined, quotedFollows(lines[n:])) {
			continue
		}
		if n == 1 {
			return 1
		}
		// The first lines must belong to it, not be words of the author above.
		if startsAttribution(lines[0].text) && !endsSentence(lines[0].text) && strings.ContainsFunc(lines[0].text, unicode.IsDigit) &&
			(attributionLines(lines[1:n]) == 0 || !startsAttribution(lines[1].text)) {
			return n
		}
		return 0
	}
	return 0
}

// mayEndAttribution rules most lines out before they are looked at closely.
func mayEndAttribution(s string) bool {
	switch c := s[len(s)-1]; c {
	case ':', '-', '*', '_':
		return true
	default:
		return c >= 0x80
	}
}

func endsSentence(s string) bool {
	return strings.HasSuffix(s, ".") || strings.HasSuffix(s, "!") || strings.HasSuffix(s, "?")
}

// isAttribution judges one joined line. quoted says that marked lines follow,
// which is evidence in itself.
func isAttribution(s string, quoted bool) bool {
	if strings.HasPrefix(s, "--") && dashWrote.MatchString(s) {
		return true
	}
	low := strings.ToLower(strings.TrimRight(stripBidi(s), " *_\u00a0"))
	if !strings.HasSuffix(low, ":") && !strings.HasSuffix(low, "：") {
		return false
	}
	low = strings.TrimRight(low, ":： \u00a0")
	low = strings.TrimRight(low, " \t")
	verb := hasVerb(low)
	address := bracketAddress.MatchString(low) || strings.Contains(low, "@") || strings.Contains(low, "[mailto:")
	clock := timePattern.MatchString(low)
	date := clock || datePattern.MatchString(low) || strings.ContainsFunc(low, unicode.IsDigit)
	switch {
	case verb && quoted:
		return date || address || len(low) < 80
	case verb:
		return (date || address) && (startsAttribution(s) || address)
	case clock && address:
		return true
	}
	return quoted && date && address
}

// hasVerb looks for "wrote" as a word at the end, or with only a name and
// address after it ("schrieb Ann <ann@example.com>").
func hasVerb(low string) bool {
	for _, w := range wroteWords {
		i := strings.LastIndex(low, w)
		if i < 0 {
			continue
		}
		after := low[i+len(w):]
		if r := []rune(after); len(r) > 0 && unicode.IsLetter(r[0]) && w[0] < 0x80 {
			continue
		}
		if i > 0 && w[0] < 0x80 && low[i-1] >= 'a' && low[i-1] <= 'z' {
			continue
		}
		if strings.TrimSpace(after) == "" || len(after) < 160 && (strings.Contains(after, "@") || len(strings.Fields(after)) <= 6) {
			return true
		}
	}
	return false
}

func startsAttribution(s string) bool {
	low := strings.ToLower(strings.TrimLeft(s, "-*_ "))
	for _, w := range startWords {
		if strings.HasPrefix(low, w) {
			return true
		}
	}
	return low != "" && (low[0] >= '0' && low[0] <= '9' || dayPattern.MatchString(low))
}

// originalMarks are the words between dashes above a quoted mail.
var originalMarks = []string{
	"original message", "original email", "originalmessage", "reply message", "message d'origine", "message d’origine", "message original", "message initial", "mensaje original", "mensagem original", "messaggio originale",
	"ursprüngliche nachricht", "originalnachricht", "original-nachricht", "oorspronkelijk bericht", "origineel bericht", "originalt meddelande", "ursprungligt meddelande", "ursprungsmeddelande", "oprindelig meddelelse", "opprinnelig melding", "original besked",
	"alkuperäinen viesti", "wiadomość oryginalna", "oryginalna wiadomość", "treść oryginalna", "původní zpráva", "pôvodná správa", "eredeti üzenet", "mesaj original", "mesajul original", "özgün ileti", "orijinal mesaj", "исходное сообщение", "оригинальное сообщение", "первоначальное сообщение", "оригінальне повідомлення", "αρχικό μήνυμα",
	"izvorna poruka", "originalna poruka", "izvirno sporočilo", "missatge original", "jatorrizko mezua", "原始邮件", "原邮件", "原始郵件", "元のメッセージ", "original message-----", "원본 메시지", "원본 메일", "הודעה מקורית", "الرسالة الأصلية", "tin nhắn gốc", "pesan asli", "message écrit", "courriel original",
}

// forwardMarks are the words above a forwarded mail.
var forwardMarks = []string{
	"forwarded message", "begin forwarded message", "original message forwarded", "weitergeleitete nachricht", "anfang der weitergeleiteten", "message transféré", "début du message transféré", "début du message réexpédié", "message réexpédié", "mensaje reenviado", "inicio del mensaje reenviado", "mensagem encaminhada", "início da mensagem reencaminhada", "messaggio inoltrato", "inizio messaggio inoltrato", "messaggio reinoltrato",
	"doorgestuurd bericht", "begin doorgestuurd bericht", "vidarebefordrat meddelande", "vidarebefordrat brev", "videresendt meddelelse", "videresendt besked", "videresendt melding", "välitetty viesti", "edelleenlähetetty", "wiadomość przekazana", "przekazana wiadomość", "přeposlaná zpráva", "preposlaná správa", "továbbított üzenet", "mesaj redirecționat", "mesaj redirectionat", "iletilen mesaj", "iletilmiş ileti", "пересылаемое сообщение", "пересланное сообщение", "переслане повідомлення", "προωθημένο μήνυμα",
	"proslijeđena poruka", "posredovano sporočilo", "转发邮件", "转发的邮件", "轉寄郵件", "轉寄的郵件", "転送メッセージ", "転送されたメッセージ", "전달된 메일", "전달된 메시지", "הודעה שהועברה", "الرسالة المعاد توجيهها", "رسالة معاد توجيهها", "forwarded by", "doorgestuurde mail", "e-mail transféré",
}

const dashTrim = "-_=*—–~<> \t"

// isOriginalMark recognises "-----Original Message-----" and its relatives.
func isOriginalMark(s string) bool { return marks(s, originalMarks) }

// isForwardMark recognises "---------- Forwarded message ---------" and its
// relatives.
func isForwardMark(s string) bool { return marks(s, forwardMarks) }

func marks(s string, list []string) bool {
	if len(s) > 200 {
		return false
	}
	core := strings.Trim(s, dashTrim)
	dashed := !strings.HasPrefix(s, core) || strings.HasSuffix(core, ":")
	if !dashed {
		return false
	}
	core = strings.TrimRight(strings.ToLower(core), ": ")
	for _, m := range list {
		if core == m || strings.HasPrefix(core, m) && len(core) < len(m)+25 {
			return true
		}
	}
	return false
}

// headerLabels lists the labels of quoted header blocks: F from, D date, T to,
// C copy, S subject, R reply address.
const headerLabels = `
F: from, de, von, van, da, från, fra, od, от, від, lähettäjä, kimden, gönderen, feladó, expeditor, de la, expéditeur, remitente, remetente, mittente, absender, afzender, avsändare, afsender, saatja, no, nuo, από, 发件人, 寄件者, 寄件人, 差出人, 送信者, 보낸 사람, 보낸사람, מאת, من, ผู้ส่ง, pošiljatelj, šalje, від кого, од, från:, dari, từ, remitent
D: sent, date, message du, envoyé, envoyé le, enviado, enviado el, enviado em, enviada em, fecha, data, gesendet, datum, verzonden, verstuurd, inviato, inviata, skickat, skickades, sendt, dato, lähetetty, päivämäärä, päiväys, wysłano, data wysłania, odesláno, odoslané, elküldve, dátum, küldve, trimis, dată, tarih, gönderildi, gönderme tarihi, отправлено, дата, надіслано, στάλθηκε, ημερομηνία, 发送时间, 发送日期, 日期, 时间, 寄件日期, 傳送時間, 送信日時, 日時, 送信日, 보낸 날짜, 날짜, נשלח, תאריך, تاريخ الإرسال, تم الإرسال, التاريخ, poslano, poslato, ngày, tanggal, dikirim, дата отправки, enviat, gesendet am, saadetud
T: to, à, a, an, para, aan, till, til, do, komu, кому, vastaanottaja, kime, alıcı, címzett, către, destinataire, destinatario, destinatário, empfänger, ontvanger, mottagare, modtager, προς, 收件人, 宛先, 받는 사람, 받는사람, אל, إلى, za, prima, kam, kepada, đến, per, per a, pour
C: cc, kopie, copie, copie à, kopia, copia, cópia, kopi, kopio, копия, копія, κοιν, másolat, bilgi, 抄送, 副本, 참조, העתק, نسخة, bcc, blindkopie
S: subject, sujet, objet, betreff, onderwerp, asunto, assunto, oggetto, ämne, emne, aihe, temat, předmět, predmet, tárgy, subiect, konu, тема, θέμα, 主题, 主旨, 主題, 件名, 제목, נושא, الموضوع, zadeva, naslov, chủ đề, perihal, assumpte, teema, tema
R: reply-to, reply to, antwort an, répondre à, responder a, rispondi a, svara till, odpowiedz do, importance, priority, priorität, attachments, anlagen, organization, sent by, message-id, wichtigkeit, importancia, gravedad
`

// labelKinds maps each label to its kind. Of two kinds that share a word the
// first keeps it.
var labelKinds = sync.OnceValue(func() map[string]byte {
	kinds := map[string]byte{}
	for line := range strings.SplitSeq(strings.TrimSpace(headerLabels), "\n") {
		for label := range strings.SplitSeq(line[2:], ",") {
			if label = strings.TrimSpace(label); kinds[label] == 0 {
				kinds[label] = line[0]
			}
		}
	}
	return kinds
})

// headerKind returns what a line of a quoted header block is, or 0.
func headerKind(line string) byte {
	line = strings.TrimLeft(line, "*_>| \t\u00a0")
	end := strings.IndexAny(line, ":：")
	if end <= 0 || end > 60 {
		return 0
	}
	return labelKinds()[strings.ToLower(strings.Trim(line[:end], "*_ \t\u00a0"))]
}

func isHeaderLine(line string) bool { return headerKind(line) != 0 }

// headerBlock returns how many lines at the start of lines form the header of
// a quoted mail ("From: ... Sent: ... To: ... Subject: ..."), or 0. It needs
// three different labels, From among them, and no more than two lines between
// them that are folded addresses.
func headerBlock(lines []quoteLine) int {
	if len(lines) == 0 || headerKind(lines[0].text) == 0 {
		return 0
	}
	var kinds []byte
	last := 0 // the line after the last label
	for i := 0; i < len(lines) && i < 15 && i-last < 3; i++ {
		if k := headerKind(lines[i].text); k != 0 {
			last = i + 1
			if strings.IndexByte(string(kinds), k) < 0 {
				kinds = append(kinds, k)
			}
		}
	}
	has := func(k string) bool { return strings.Contains(string(kinds), k) }
	if has("F") && len(kinds) >= 3 && (has("S") || has("D")) && (has("D") || has("T")) {
		return last
	}
	return 0
}

// softwarePattern recognises what telephones and programs write below a
// message; nobody typed it.
var softwarePattern = regexp.MustCompile(`(?i)^[-_* ]*(sent (from|with|via|using) (my |the |a )?[\p{L}\d.'’ +&()-]{2,50}|get outlook for (ios|android)|outlook für (ios|android) (beziehen|herunterladen)|télécharger outlook pour .*|obtener outlook para .*|von meinem .{2,40} gesendet|gesendet (mit|von) .{2,50}|diese nachricht wurde von meinem .{2,60} gesendet|envoyé (de|depuis|à partir de) (mon |ma |l'|l’)?.{2,40}|enviado (desde|do|de|a partir do) (mi |meu |o )?.{2,40}|inviato (da|dal) (mio )?.{2,40}|verzonden (vanaf|met|via) (mijn )?.{2,40}|skickat från (min )?.{2,40}|sendt fra (min )?.{2,40}|lähetetty .{2,30}(puhelimesta|iphonesta|ipadista)|wysłane z .{2,40}|odesláno z .{2,40}|odoslané z .{2,40}|отправлено (с|из) .{2,40}|надіслано з .{2,40}|iphone'umdan gönderildi|iphoneから送信|발신|发自我的 ?.{1,20}|從我的 ?.{1,20} 傳送|从我的 ?.{1,20}发送)(<[^<>]*>|\[[^\[\]]*\])?[.! ]*$`)

func isSoftwareLine(s string) bool { return len(s) < 200 && softwarePattern.MatchString(s) }

func isSeparator(s string) bool {
	i := strings.Index(s, separatorFence)
	return i >= 0 && strings.LastIndex(s, separatorFence) > i
}

// isRule recognises the line of underscores Outlook puts above a quote.
func isRule(s string) bool {
	return len(s) >= 10 && strings.Trim(s, "_-=—–") == ""
}

// isListFooter recognises the line above what mailing lists add at the end.
func isListFooter(s string) bool { return len(s) >= 2 && strings.Trim(s, "_") == "" || isRule(s) }
