package automate

// keepTexts keeps the texts of a moment's mails until enough newer ones have come:
// no more are listed, and those of tens of thousands of events would fill the
// memory.
func (b *backtest) keepTexts(m *moment) {
	if len(m.mails) == 0 {
		return
	}
	b.texts = append(b.texts, m)
	for len(b.texts) > 2*maxBacktestTexts { // some of the newest may stand further back in time
		for i := range b.texts[0].mails {
			b.texts[0].mails[i].Text = ""
		}
		b.texts = b.texts[1:]
	}
}
