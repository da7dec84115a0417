package postroom

import "strings"

// ParseLanguage reads the tag of a language (RFC 5646) and returns it as the
// desk keeps it: in lower case, the language of two or three letters, with the
// region or script where there is one, as in "de" and "pt-br". What follows
// these is left out.
func ParseLanguage(s string) (string, bool) {
	parts := strings.Split(strings.ToLower(strings.TrimSpace(s)), "-")
	if len(parts[0]) < 2 || len(parts[0]) > 3 || !letters(parts[0]) || parts[0] == "mul" || parts[0] == "und" || parts[0] == "zxx" {
		return "", false
	}
	if len(parts) == 1 {
		return parts[0], true
	}
	switch sub := parts[1]; {
	case (len(sub) == 2 || len(sub) == 4) && letters(sub):
		return parts[0] + "-" + sub, true
	case sub == "" || len(sub) > 8:
		return "", false
	}
	return parts[0], true
}

func letters(s string) bool {
	for _, r := range s {
		if r < 'a' || r > 'z' {
			return false
		}
	}
	return true
}

// LanguageNames lists languages to choose from, by name: the tag and the name.
// Others are known by their tag only.
var LanguageNames = [][2]string{
	{"ar", "Arabic"}, {"bg", "Bulgarian"}, {"ca", "Catalan"}, {"zh", "Chinese"}, {"hr", "Croatian"}, {"cs", "Czech"}, {"da", "Danish"},
	{"nl", "Dutch"}, {"en", "English"}, {"et", "Estonian"}, {"fi", "Finnish"}, {"fr", "French"}, {"de", "German"}, {"el", "Greek"},
	{"he", "Hebrew"}, {"hi", "Hindi"}, {"hu", "Hungarian"}, {"id", "Indonesian"}, {"ga", "Irish"}, {"it", "Italian"}, {"ja", "Japanese"},
	{"ko", "Korean"}, {"lv", "Latvian"}, {"lt", "Lithuanian"}, {"no", "Norwegian"}, {"pl", "Polish"}, {"pt", "Portuguese"},
	{"pt-br", "Portuguese (Brazil)"}, {"ro", "Romanian"}, {"ru", "Russian"}, {"sr", "Serbian"}, {"sk", "Slovak"}, {"sl", "Slovenian"},
	{"es", "Spanish"}, {"sv", "Swedish"}, {"tr", "Turkish"}, {"uk", "Ukrainian"}, {"vi", "Vietnamese"},
}

// LanguageName returns the name of a language, its tag where there is none.
func LanguageName(tag string) string {
	for _, l := range LanguageNames {
		if l[0] == tag {
			return l[1]
		}
	}
	return tag
}
