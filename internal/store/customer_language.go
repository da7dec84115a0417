package store

import "context"

const qLearnLanguage = `update customer set language = $2 where id = $1 and language_set = 0 and language <> $2`

// LearnLanguage notes in which language a customer writes, unless an agent has
// said which it is.
func (t *Tx) LearnLanguage(ctx context.Context, customer int64, language string) error {
	return t.send(ctx, qLearnLanguage, customer, language)
}
