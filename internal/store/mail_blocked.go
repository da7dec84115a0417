package store

import (
	"cmp"
	"context"
	"slices"

	"postroom"
)

// BlockingMail is an open mail that goes before another one.
type BlockingMail struct {
	ID    int64
	State postroom.MailState
	Words string
	Same  bool // of the same chain: it is waited for however long that takes

	rootSeq, seq int64
}

// qBlocked is what makes o go before m, as qReady has it but for the hour.
const (
	qSameChain = `o.root_id = m.root_id and m.agent_id = 0 and m.aside = 0 and o.aside = 0`
	qBlocked   = ` o.conversation_id = m.conversation_id and m.conversation_id > 0 and o.ended = 0 and o.id <> m.id and o.agent_id = m.agent_id
		and (o.root_seq < m.root_seq or (o.root_seq = m.root_seq and o.seq < m.seq))
		and (` + qSameChain + ` or (o.state <> 'quarantined' and exists (select 1 from mail_recipient a
			join mail_recipient b on b.address = a.address where a.mail_id = o.id and b.mail_id = m.id)))`
)

// blockedPart selects what some mails wait for.
func blockedPart(ids []any) part {
	return part{kind: "before", n: []string{"m.id", "o.id", "case when " + qSameChain + " then 1 else 0 end", "o.root_seq", "o.seq"}, s: []string{"o.state", "o.words"},
		from: `from mail m join mail o on` + qBlocked + ` where m.id in (` + marks(len(ids)) + `)`, args: ids}
}

func scanBlocking(t tripRow) (mail int64, b BlockingMail) {
	return t.n[0], BlockingMail{ID: t.n[1], Same: t.n[2] == 1, rootSeq: t.n[3], seq: t.n[4], State: postroom.MailState(t.s[0]), Words: t.s[1]}
}

// sortBlocking puts first what counts: of the same chain, and of those the first,
// for which the others wait as well.
func sortBlocking(in []BlockingMail) {
	slices.SortFunc(in, func(a, b BlockingMail) int {
		if a.Same != b.Same {
			return map[bool]int{true: -1, false: 1}[a.Same]
		}
		return cmp.Or(cmp.Compare(a.rootSeq, b.rootSeq), cmp.Compare(a.seq, b.seq), cmp.Compare(a.ID, b.ID))
	})
}

// Blocking tells what some mails wait for: for each that waits, what keeps it.
func (r Read) Blocking(ctx context.Context, mails []int64) (map[int64]BlockingMail, error) {
	if len(mails) == 0 {
		return nil, nil
	}
	ids := make([]any, len(mails))
	for i, id := range mails {
		ids[i] = id
	}
	all := map[int64][]BlockingMail{}
	err := r.trip(ctx, []part{blockedPart(ids)}, func(t tripRow) error {
		id, b := scanBlocking(t)
		all[id] = append(all[id], b)
		return nil
	})
	out := map[int64]BlockingMail{}
	for id, list := range all {
		sortBlocking(list)
		out[id] = list[0]
	}
	return out, err
}
