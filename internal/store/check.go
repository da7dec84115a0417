package store

import "context"

const (
	qMessagesWithoutMail = `select m.id from message m where m.kind = 'reply' and m.undone = 0 and m.class <> 'import'
		and not exists (select 1 from mail x where x.message_id = m.id and x.agent_id = 0) order by m.id limit 100`
	qAllMails      = `select id from mail order by id`
	qLatestInbound = `select ` + inboundColumns + ` from inbound order by id desc limit 1`
)

// MessagesWithoutMail lists replies that no mail carries. There are none,
// ever: both are made in one transaction (W24).
func (s *Store) MessagesWithoutMail(ctx context.Context) ([]int64, error) {
	return s.Read().ids(ctx, qMessagesWithoutMail)
}

// AllMails lists every mail's id; for checks of small desks.
func (s *Store) AllMails(ctx context.Context) ([]int64, error) { return s.Read().ids(ctx, qAllMails) }

// LatestInbound returns the mail that was received last.
func (r Read) LatestInbound(ctx context.Context) (Inbound, error) {
	in, err := scanInbound(r.q.QueryRow(ctx, qLatestInbound))
	return in, missing(err, "No mail was received yet.")
}
