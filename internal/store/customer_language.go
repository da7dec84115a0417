package store

import "context"

const (
	qLearnLanguage = `update customer set language = $2 where id = $1 and language_set = 0 and language <> $2`
	qEditCustomer  = `update customer set name = $2, language = case when $3 = '' and language_set = 0 then language else $3 end,
		language_set = case when $3 = '' then 0 else 1 end
		where id = $1 and (name <> $2 or language_set = 1 and ($3 = '' or language <> $3) or language_set = 0 and $3 <> '')`
)

// LearnLanguage notes in which language a customer writes, unless an agent has
// said which it is.
func (t *Tx) LearnLanguage(ctx context.Context, customer int64, language string) error {
	return t.send(ctx, qLearnLanguage, customer, language)
}

// EditCustomer writes a customer's name and the language an agent has said they
// are written to in; "" takes that back, so that their next mail may tell. It
// reports whether that changed anything.
func (t *Tx) EditCustomer(ctx context.Context, customer int64, name, language string) (bool, error) {
	n, err := t.exec(ctx, qEditCustomer, customer, name, language)
	return n == 1, err
}
