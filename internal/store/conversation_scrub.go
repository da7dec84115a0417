package store

import (
	"context"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

// What the system log and the alarms say is words, often a server's, and may
// name people: one erasure reaches them too (W4).

const (
	qOnlyDeleted = `select a.address from (
			select address from participant where conversation_id = $1
			union select from_address from message where conversation_id = $1 and kind = 'received'
			union select r.address from mail_recipient r join mail m on m.id = r.mail_id where m.conversation_id = $1 and m.agent_id = 0
			union select sender from inbound where conversation_id = $1
		) a where a.address <> ''
		and not exists (select 1 from participant p join conversation c on c.id = p.conversation_id where p.address = a.address and c.deleted_at = 0 and c.merged_into = 0)
		and not exists (select 1 from agent where email = a.address) and not exists (select 1 from agent_address g where g.address = a.address)`
	qLogNaming   = `select id, words, details from log_entry where id > $1 and (words like '%@%' or details like '%@%') order by id limit $2`
	qScrubLog    = `update log_entry set words = $2, details = $3 where id = $1`
	qAlarmNaming = `select id, subject, words from alarm where id > $1 and (words like '%@%' or subject like '%@%') order by id limit $2`
	qScrubAlarm  = `update alarm set subject = $2, words = $3, cleared_at = case when cleared_at = 0 and subject <> $2 then $4 else cleared_at end where id = $1`
)

// OnlyInDeleted lists the addresses of people who take part in a conversation
// and in none that is not deleted; agents' are left out.
func (r Read) OnlyInDeleted(ctx context.Context, conversation int64) ([]string, error) {
	return r.strings(ctx, qOnlyDeleted, conversation)
}

// scrubbed is how many lines are looked at at once.
const scrubbed = 1000

// line is a text with an id and up to two columns.
type line struct {
	id   int64
	a, b string
}

// Scrub takes addresses out of the words of the system log and of the alarms.
// An alarm that is about an address is over with it. It looks through all of
// both, so it is for some conversations together.
func (s *Store) Scrub(ctx context.Context, addresses []string) error {
	if len(addresses) == 0 {
		return nil
	}
	for _, x := range []struct {
		read  string
		write func(t *Tx, l line) error
	}{
		{qLogNaming, func(t *Tx, l line) error { _, err := t.exec(ctx, qScrubLog, l.id, l.a, l.b); return err }},
		{qAlarmNaming, func(t *Tx, l line) error { _, err := t.exec(ctx, qScrubAlarm, l.id, l.a, l.b, s.Now()); return err }},
	} {
		for after, more := int64(0), true; more; {
			var found []line
			n := 0
			err := each(ctx, s.Read().q, x.read, []any{after, scrubbed}, func(rows row) error {
				var l line
				if err := rows.Scan(&l.id, &l.a, &l.b); err != nil {
					return err
				}
				n, after = n+1, l.id
				if a, b := without(l.a, addresses), without(l.b, addresses); a != l.a || b != l.b {
					found = append(found, line{l.id, a, b})
				}
				return nil
			})
			if err != nil {
				return err
			}
			if more = n == scrubbed; len(found) == 0 {
				continue
			}
			err = s.Write(ctx, func(t *Tx) error {
				for _, l := range found {
					if err := x.write(t, l); err != nil {
						return err
					}
				}
				return nil
			})
			if err != nil {
				return err
			}
		}
	}
	return nil
}

// Erased stands where an address stood.
const Erased = "(erased)"

// without replaces whole addresses in a text, in small letters or capitals.
func without(text string, addresses []string) string {
	if !strings.Contains(text, "@") {
		return text
	}
	small := strings.ToLower(text)
	if len(small) != len(text) {
		text = small // a letter whose small form has another length
	}
	for _, a := range addresses {
		for from := 0; ; {
			i := strings.Index(small[from:], a)
			if i < 0 {
				break
			}
			i += from
			if from = i + len(a); partOfAddress(lastRune(small[:i]), true) || partOfAddress(firstRune(small[from:]), false) {
				continue
			}
			text, small = text[:i]+Erased+text[from:], small[:i]+Erased+small[from:]
			from = i + len(Erased)
		}
	}
	return text
}

// partOfAddress reports whether a letter beside an address makes it another one.
func partOfAddress(r rune, before bool) bool {
	return unicode.IsLetter(r) || unicode.IsDigit(r) || r == '-' || before && slices.Contains([]rune{'.', '_', '+'}, r)
}

func lastRune(s string) rune {
	r, _ := utf8.DecodeLastRuneInString(s)
	return r
}

func firstRune(s string) rune {
	r, _ := utf8.DecodeRuneInString(s)
	return r
}
