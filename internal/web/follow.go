package web

// follow is POST /conversations/{number}/follow: the agent is told of what is
// written here, with follow=0 no more.
func follow(q *request) error {
	if err := q.fields(); err != nil {
		return err
	}
	ref, back, err := q.ref()
	if err != nil {
		return err
	}
	follows, done := q.field("follow") != "0", "You follow it: you are told of what is written here."
	if !follows {
		done = "You follow it no more."
	}
	_, err = q.site.o.Desk.Follow(q.Context(), q.agent, ref.ID, follows, q.path())
	return q.told(err, done, back)
}
