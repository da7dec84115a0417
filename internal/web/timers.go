package web

// cancelTimer is POST /conversations/{number}/timers/{id}/cancel: what waits
// there does not run.
func cancelTimer(q *request) error {
	if err := q.fields(); err != nil {
		return err
	}
	ref, back, err := q.ref()
	if err != nil {
		return err
	}
	id, err := q.number("id")
	if err != nil {
		return err
	}
	_, err = q.site.o.Desk.CancelTimer(q.Context(), q.agent, ref.ID, id, q.path())
	return q.stay(ref, err, "It will not run.", back)
}
