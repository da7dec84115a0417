package web

import (
	"strconv"

	"postroom"
	"postroom/internal/query"
	"postroom/internal/web/view"
)

// moveConversation is POST /conversations/{number}/move.
func moveConversation(q *request) error {
	if err := q.fields(); err != nil {
		return err
	}
	ref, back, err := q.ref()
	if err != nil {
		return err
	}
	_, err = q.site.o.Desk.Move(q.Context(), q.agent, ref.ID, q.id("mailbox"), q.path())
	return q.stay(ref, err, "", back)
}

// deleteConversation is POST /conversations/{number}/delete: it leads on to the
// list, where it can be undone.
func deleteConversation(q *request) error {
	if err := q.fields(); err != nil {
		return err
	}
	ref, back, err := q.ref()
	if err != nil {
		return err
	}
	out, err := q.site.o.Desk.Delete(q.Context(), q.agent, ref.ID, q.path())
	if err != nil {
		return q.told(err, "", back)
	}
	if out.FinalAt <= q.site.o.Pages.Now() { // no undo bar says so
		q.flash(query.Flash{Kind: "done", Text: "Conversation " + strconv.FormatInt(ref.Number, 10) + " is deleted.", Href: "/folders/deleted", Link: "Deleted"})
	}
	q.see(listPath(placeOfList(q.returnPath("/"))))
	return nil
}

// restoreConversation is POST /conversations/{number}/restore.
func restoreConversation(q *request) error {
	if err := q.fields(); err != nil {
		return err
	}
	ref, _, err := q.ref()
	if err != nil {
		return err
	}
	_, err = q.site.o.Desk.Restore(q.Context(), q.agent, ref.ID, q.path())
	back := conversationPath(ref.Number, query.Place{})
	if err != nil {
		return q.told(err, "", back)
	}
	q.see(back)
	return nil
}

// showTrash is GET /trash?mailbox=: it asks before the folder of deleted ones is
// emptied.
func showTrash(q *request) error {
	mailbox, _ := strconv.ParseInt(q.URL.Query().Get("mailbox"), 10, 64)
	place := q.place("desk")
	place.Folder, place.Mailbox = string(postroom.Deleted), mailbox
	p, err := q.site.o.Pages.Trash(q.Context(), q.agent, mailbox, place)
	if err != nil {
		return err
	}
	q.dress(&p.Shell)
	return q.page(view.Trash(*p), p)
}

// emptyTrash is POST /trash/empty: it leads to the job that erases.
func emptyTrash(q *request) error {
	if err := q.fields(); err != nil {
		return err
	}
	if !q.ticked("sure") {
		return q.told(postroom.InvalidField("sure", "Tick that you are sure: it cannot be undone."), "", "/trash")
	}
	job, err := q.site.o.Desk.EmptyTrash(q.Context(), q.agent, q.id("mailbox"))
	if err != nil {
		return q.told(err, "", "/folders/deleted")
	}
	q.see("/jobs/" + strconv.FormatInt(job, 10) + "?return=/folders/deleted")
	return nil
}
