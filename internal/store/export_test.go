package store

// Doubt has a claim taken for one whose commit was not answered.
func (s *Store) Doubt(token int64) { s.doubt(token) }

// TimerClaims are the statements that a claim of timers begins with, and the one
// that says when the next is due.
func TimerClaims() (due, next string) { return qDueTimers, qNextTimer }

// JudgedWalks are the statements that walk through events of a kind.
func JudgedWalks() []string { return []string{qSaid, qJudgedBack, qEventsSince} }

// WatchClaims are the queries that find which promises are to be looked at, and when the next is.
func WatchClaims() (due, next string) { return qDueWatches, qNextWatch }

// TimersHere are the statements that judging a conversation begins with, and the one
// that reads the timers it finds.
func TimersHere() (head, waiting string) { return qJudgeHead, qWaitingHere }

// KeyFragments are statements by a key that are put together from fragments.
func KeyFragments() map[string]string {
	return map[string]string{
		"qEndEvents": qEndEvents + `$3)`,
		"qKeepLane":  qKeepLane + ` for key share) select id from kept`,
	}
}

// ListStatement is the statement that lists conversations, with its arguments.
func ListStatement(ask ListAsk) (string, []any) {
	h := ask.Sort.halves()[0]
	from, args := ask.where(h)
	return numbered(`select c.* ` + from + h.order(ask.Back) + ` limit 51`), args
}
