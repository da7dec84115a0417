package query

// promises says, by event, which promises began on the conversation and what
// came of them.
func (v *conversationView) promises() map[int64][]WhyPromise {
	out := map[int64][]WhyPromise{}
	for _, w := range v.rows.Watches {
		out[w.Event] = append(out[w.Event], WhyPromise{ID: w.Promise.ID, Name: w.Promise.Name, State: w.State, Words: w.Words, DueAt: w.Due})
	}
	return out
}
