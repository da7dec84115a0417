package postroom

import "testing"

func TestParseLanguage(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{"de": "de", " DE-de ": "de-de", "pt-BR": "pt-br", "zh-Hans-CN": "zh-hans", "es-419": "es", "gsw": "gsw",
		"": "", "Deutsch": "", "d": "", "de_DE": "", "de, en": "", "mul": "", "de-": "", "x-klingon": ""} {
		got, ok := ParseLanguage(in)
		if got != want || ok != (want != "") {
			t.Errorf("%q: %q %v, want %q", in, got, ok, want)
		}
	}
}
