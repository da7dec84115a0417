package automate

import (
	"slices"
	"testing"

	"postroom/internal/store"
)

func TestChangesInWords(t *testing.T) {
	t.Parallel()
	was := store.Workflow{ID: 1, Name: "Close", Version: 1, Enabled: true}
	for _, c := range []struct {
		now   store.Workflow
		known bool
		want  []string
	}{
		{was, true, nil},
		{was, false, []string{`The workflow "Close" was made, version 1.`}},
		{store.Workflow{ID: 1, Name: "Closed", Version: 2}, true, []string{`The workflow "Closed" was called "Close".`, `The workflow "Closed" has the version 2 now; it was 1.`, `The workflow "Closed" was switched off.`}},
		{store.Workflow{ID: 1, Name: "Close", Version: 1, Enabled: true, PausedWords: "too many mails"}, true, []string{`The workflow "Close" was paused: too many mails`}},
	} {
		if got := changesOf(was, c.now, c.known); !slices.Equal(got, c.want) {
			t.Errorf("%q, want %q", got, c.want)
		}
	}
}
