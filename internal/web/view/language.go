package view

import (
	"strings"

	"postroom"
	"postroom/internal/query"
)

// languageName says a language in words; one without a name by its tag.
func languageName(tag string) string {
	if name := postroom.LanguageName(tag); name != tag {
		return name
	}
	return strings.ToUpper(tag)
}

// languageTitle says how the language is known.
func languageTitle(s query.Side) string {
	if s.LanguageSet {
		return "Said by an agent"
	}
	return "As their mail said"
}

// learned is the choice to leave the language to what mails say.
func learned(s query.Side) string {
	if !s.LanguageSet && s.Language != "" {
		return "As their mail says: " + languageName(s.Language)
	}
	return "As their mail says"
}

// languageChoices are the languages to choose from, with the one that is.
func languageChoices(s query.Side) [][2]string {
	out := postroom.LanguageNames
	if s.LanguageSet && postroom.LanguageName(s.Language) == s.Language {
		return append([][2]string{{s.Language, languageName(s.Language)}}, out...)
	}
	return out
}
