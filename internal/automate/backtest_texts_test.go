package automate

import (
	"testing"

	"postroom/internal/query"
)

// A backtest over very many events keeps the texts of the newest mails only, and
// of all others that there were such mails.
func TestABacktestKeepsTheNewestTexts(t *testing.T) {
	t.Parallel()
	b := &backtest{}
	var all []*moment
	for range 10 * maxBacktestTexts {
		m := &moment{mails: []query.BacktestMail{{To: "mara@customer.example", Text: "Hello."}, {To: "boss@acme.example", Text: "Look."}}}
		all = append(all, m, &moment{})
		b.keepTexts(all[len(all)-2])
		b.keepTexts(all[len(all)-1])
	}
	kept := 0
	for i, m := range all {
		if len(m.mails) == 0 {
			continue
		}
		with := m.mails[0].Text != "" && m.mails[1].Text != ""
		if with {
			kept++
		}
		if newest := len(all)-i <= 2*maxBacktestTexts; newest && !with || len(m.mails) != 2 || m.mails[0].To == "" {
			t.Fatalf("moment %d of %d: %+v", i, len(all), m.mails)
		}
	}
	if kept > 2*maxBacktestTexts {
		t.Errorf("the texts of %d moments are kept", kept)
	}
}
