package web

import (
	"errors"
	"fmt"
	"io"
	"mime/multipart"
	"slices"
	"strconv"
	"strings"

	"postroom"
	"postroom/internal/desk"
	"postroom/internal/query"
	"postroom/internal/web/view"
)

// reply is POST /conversations/{number}/reply.
func reply(q *request) error { return q.publish(postroom.Reply) }

// note is POST /conversations/{number}/note.
func note(q *request) error { return q.publish(postroom.Note) }

// publish sends what the composer holds. What was typed is kept as a draft
// before anything else, so that no refusal, crash or lost session loses a word
// of it; and since an agent has one draft of a kind on a conversation, a form
// that arrives twice publishes the same draft, which works once.
func (q *request) publish(kind postroom.MessageKind) error {
	ref, back, err := q.ref()
	if err != nil {
		return err
	}
	if err := q.streamFiles(ref, kind); err != nil {
		if wrong := faults(err); wrong != nil && q.Form != nil {
			return q.refused(ref, kind, wrong, nil)
		}
		return err
	}
	p, err := q.composed(ref, kind)
	if err != nil {
		return q.refuse(ref, kind, err)
	}
	next, err := q.whereNext(ref)
	if err != nil {
		return err
	}
	if p.Draft, p.HTML, err = q.keep(ref, kind, p); err == nil {
		err = q.once(ref, p)
	}
	if err == nil {
		_, err = q.site.o.Desk.Publish(q.Context(), q.agent, p)
	}
	var e *postroom.Error
	if errors.As(err, &e) && e.Code == postroom.Conflict && e.Field == "draft" {
		return q.done(&query.Flash{Kind: "warning", Text: e.Text}, back)
	}
	if err != nil {
		return q.refuse(ref, kind, err)
	}
	q.see(next)
	return nil
}

// once refuses what was published already by the same form: the one before was
// faster than the saving of this one's draft, which is thrown away again.
func (q *request) once(ref query.Ref, p desk.Publish) error {
	sent, err := q.site.o.Pages.SentAlready(q.Context(), q.agent, ref.ID, p.SeenSeq, p.Kind, p.HTML)
	if err != nil || !sent {
		return err
	}
	if err := q.site.o.Desk.DiscardDraft(q.Context(), q.agent, p.Draft); err != nil && postroom.CodeOf(err) != postroom.NotFound {
		return err
	}
	return &postroom.Error{Code: postroom.Conflict, Field: "draft", Text: "This was sent already."}
}

// composed reads the form into what is to be published.
func (q *request) composed(ref query.Ref, kind postroom.MessageKind) (desk.Publish, error) {
	p := desk.Publish{ConversationID: ref.ID, Draft: q.id("draft"), Kind: kind, HTML: markup(q.field("format"), q.Form.Get("body")),
		Path: postroom.PathComposer, SeenSeq: q.id("seen"), Anyway: q.ticked("anyway")}
	var err error
	if p.Assignee, err = q.assignee(); err != nil {
		return p, err
	}
	if p.Assignee != nil && *p.Assignee == ref.AssigneeID {
		p.Assignee = nil
	}
	if p.Status, err = q.chosenStatus(); err != nil {
		return p, err
	}
	if kind == postroom.Note {
		return p, nil
	}
	if q.ticked("close") {
		p.Status, p.Path = postroom.Closed, postroom.PathSend
	}
	for _, f := range []struct {
		name string
		list *[]postroom.Address
	}{{"to", &p.To}, {"cc", &p.Cc}, {"bcc", &p.Bcc}} {
		if *f.list, err = addressList(f.name, q.Form.Get(f.name)); err != nil {
			return p, err
		}
	}
	return p, nil
}

func (q *request) chosenStatus() (postroom.Status, error) {
	if q.field("status") == "" {
		return "", nil
	}
	return postroom.ParseStatus(q.field("status"))
}

// streamFiles reads the form and attaches the files in it as they come in.
func (q *request) streamFiles(ref query.Ref, kind postroom.MessageKind) error {
	var attached []string
	err := q.stream(func(name string, part *multipart.Part) error {
		_, file, err := q.site.o.Desk.Attach(q.Context(), q.agent, ref.ID, kind, part.FileName(), part.Header.Get("Content-Type"), part, false)
		if err == nil {
			attached = append(attached, strconv.FormatInt(file.ID, 10))
		}
		return err
	})
	if q.Form != nil {
		q.Form["attachment"] = append(q.Form["attachment"], attached...)
	}
	return err
}

// keep saves what is to be published as the agent's draft of its kind, with
// exactly the files the form names. Files that were uploaded before the agent
// chose between reply and note are in the other draft: they are brought over.
func (q *request) keep(ref query.Ref, kind postroom.MessageKind, p desk.Publish) (id int64, html string, err error) {
	drafts, err := q.site.o.Pages.Drafts(q.Context(), q.agent, ref.ID)
	if err != nil {
		return 0, "", err
	}
	wanted := q.ids("attachment")
	html = p.HTML
	var own *postroom.Draft
	for _, d := range drafts {
		if d.Kind == kind {
			own = d
			continue
		}
		for _, f := range d.Attachments {
			if !slices.Contains(wanted, f.ID) {
				continue
			}
			moved, err := q.bringOver(ref, kind, d.ID, f)
			if err != nil {
				return 0, "", err
			}
			wanted = append(wanted, moved)
			html = strings.ReplaceAll(html, fmt.Sprintf("/attachments/%d/", f.ID), fmt.Sprintf("/attachments/%d/", moved))
		}
	}
	if own != nil {
		for _, f := range own.Attachments {
			if slices.Contains(wanted, f.ID) || strings.Contains(html, fmt.Sprintf("/attachments/%d/", f.ID)) {
				continue
			}
			if err := q.site.o.Desk.Detach(q.Context(), q.agent, own.ID, f.ID); err != nil {
				return 0, "", err
			}
		}
	}
	draft := &postroom.Draft{ConversationID: ref.ID, Kind: kind, To: p.To, Cc: p.Cc, Bcc: p.Bcc, HTML: html, SeenSeq: p.SeenSeq}
	draft.ID = draftID(drafts, p.Draft, kind)
	err = q.site.o.Desk.SaveDraft(q.Context(), q.agent, draft)
	return draft.ID, html, err
}

// draftID is the id to save a draft under: the one the form names, unless that
// one is of the other kind.
func draftID(drafts []*postroom.Draft, named int64, kind postroom.MessageKind) int64 {
	for _, d := range drafts {
		if d.Kind == kind {
			return d.ID
		}
		if d.ID == named {
			named = 0
		}
	}
	return named
}

func (q *request) bringOver(ref query.Ref, kind postroom.MessageKind, from int64, f postroom.Attachment) (int64, error) {
	file, err := q.site.o.Pages.File(q.Context(), q.agent, f.ID)
	if err != nil {
		return 0, err
	}
	defer file.Content.Close()
	_, moved, err := q.site.o.Desk.Attach(q.Context(), q.agent, ref.ID, kind, f.Name, f.Type, file.Content, f.Inline)
	if err != nil {
		return 0, err
	}
	return moved.ID, q.site.o.Desk.Detach(q.Context(), q.agent, from, f.ID)
}

// whereNext is where a sent message leads; the next conversation is looked up
// before the act moves this one out of the list.
func (q *request) whereNext(ref query.Ref) (string, error) {
	list := localPath(q.field("return"), "/")
	place := placeOfList(list)
	switch q.field("then") {
	case "list":
		return list, nil
	case "next":
		if place.Folder == "" {
			return list, nil
		}
		next, err := q.site.o.Pages.Neighbour(q.Context(), q.agent, ref.Number, query.ListAsk{Folder: place.Folder, Mailbox: place.Mailbox, Sort: place.Sort})
		if err != nil || next == 0 {
			return list, err
		}
		return conversationPath(next, place), nil
	}
	return conversationPath(ref.Number, place), nil
}

// refuse answers a message that cannot be sent as it is: its page again with
// everything that was typed. Faults that are not about the form are pages of
// their own; the words are safe in the draft.
func (q *request) refuse(ref query.Ref, kind postroom.MessageKind, err error) error {
	var e *postroom.Error
	if errors.As(err, &e) && e.Code == postroom.Conflict && e.Field == "stale" {
		return q.refused(ref, kind, nil, &query.Stale{Words: e.Text})
	}
	if errors.As(err, &e) && e.Code == postroom.Conflict && e.Field == "merged" { // the words are a draft where it goes on
		q.Form.Del("return")
		return q.told(err, "", conversationPath(ref.Number, query.Place{}))
	}
	if wrong := faults(err); wrong != nil {
		return q.refused(ref, kind, wrong, nil)
	}
	return err
}

func (q *request) refused(ref query.Ref, kind postroom.MessageKind, wrong query.FieldErrors, stale *query.Stale) error {
	place := placeOfList(localPath(q.field("return"), "/"))
	place.Path = conversationPath(ref.Number, place)
	p, err := q.conversation(query.ConversationAsk{Number: ref.Number, Compose: string(kind)}, place)
	if err != nil {
		return err
	}
	if c := p.Composer; c != nil {
		c.Open, c.Errors, c.Kind = true, wrong, string(kind)
		c.Format, c.Body = orElse(q.field("format"), "text"), q.Form.Get("body")
		c.Status, c.Assignee = q.field("status"), q.field("assignee")
		if kind == postroom.Reply {
			c.To, c.Cc, c.Bcc = shownAddresses(q.Form.Get("to")), shownAddresses(q.Form.Get("cc")), shownAddresses(q.Form.Get("bcc"))
			if subject := q.field("subject"); subject != "" {
				c.Subject = subject
			}
		}
		if seen := q.id("seen"); seen > 0 {
			c.Seen = seen
		}
		if stale != nil {
			c.Stale = q.stale(p, stale.Words, c.Seen)
		}
	}
	return q.html(422, view.Conversation(*p))
}

// stale says what arrived after the event the author had seen.
func (q *request) stale(p *query.ConversationPage, words string, seen int64) *query.Stale {
	s := &query.Stale{Words: words}
	for _, e := range p.Timeline {
		if m := e.Message; m != nil && m.Seq > seen && m.Kind == string(postroom.Received) {
			s.Message, s.Preview = m.ID, postroom.Preview(m.Text)
		}
	}
	return s
}

func orElse(a, b string) string {
	if a == "" {
		return b
	}
	return a
}

// saveDraft is POST /conversations/{number}/draft: it answers with the draft's
// id and revision. An empty new draft is not made.
func saveDraft(q *request) error {
	if err := q.fields(); err != nil {
		return err
	}
	ref, _, err := q.ref()
	if err != nil {
		return err
	}
	kind := postroom.MessageKind(orElse(q.field("kind"), "reply"))
	draft := &postroom.Draft{ConversationID: ref.ID, Kind: kind, HTML: markup(q.field("format"), q.Form.Get("body")), SeenSeq: q.id("seen")}
	for _, f := range []struct {
		name string
		list *[]postroom.Address
	}{{"to", &draft.To}, {"cc", &draft.Cc}, {"bcc", &draft.Bcc}} {
		// Half an address is being typed: it is kept in the browser until it is whole.
		*f.list, _ = addressList(f.name, q.Form.Get(f.name))
	}
	drafts, err := q.site.o.Pages.Drafts(q.Context(), q.agent, ref.ID)
	if err != nil {
		return err
	}
	if err := q.detachRemoved(drafts, draft.HTML); err != nil {
		return err
	}
	draft.ID = draftID(drafts, q.id("draft"), kind)
	if !slices.ContainsFunc(drafts, func(d *postroom.Draft) bool { return d.Kind == kind }) && blank(draft.HTML) {
		q.w.WriteHeader(204)
		return nil
	}
	if err := q.site.o.Desk.SaveDraft(q.Context(), q.agent, draft); err != nil {
		return err
	}
	q.w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	q.w.Header().Set("Cache-Control", "no-store")
	_, err = fmt.Fprintf(q.w, "%d %d", draft.ID, draft.Revision)
	return ignoreGone(err)
}

// detachRemoved takes the files out of the agent's drafts that the form says
// were taken away. That a form only does not name a file proves nothing: it may
// have been uploaded a moment ago, or by another tab. A picture that still
// stands in the text stays.
func (q *request) detachRemoved(drafts []*postroom.Draft, html string) error {
	removed := q.ids("removed")
	for _, d := range drafts {
		for _, f := range d.Attachments {
			if !slices.Contains(removed, f.ID) || strings.Contains(html, fmt.Sprintf("/attachments/%d/", f.ID)) {
				continue
			}
			err := q.site.o.Desk.Detach(q.Context(), q.agent, d.ID, f.ID)
			if err != nil && postroom.CodeOf(err) != postroom.NotFound {
				return err
			}
		}
	}
	return nil
}

// blank reports whether an editor's HTML shows nothing.
func blank(html string) bool {
	if strings.Contains(html, "<img") {
		return false
	}
	for html != "" {
		text, rest, tag := strings.Cut(html, "<")
		if strings.TrimSpace(strings.ReplaceAll(text, "&nbsp;", "")) != "" {
			return false
		}
		if !tag {
			break
		}
		_, html, _ = strings.Cut(rest, ">")
	}
	return true
}

// ignoreGone drops the error of writing to a browser that has gone.
func ignoreGone(error) error { return nil }

// discardDraft is POST /conversations/{number}/draft/discard.
func discardDraft(q *request) error {
	if err := q.fields(); err != nil {
		return err
	}
	_, back, err := q.ref()
	if err != nil {
		return err
	}
	if id := q.id("draft"); id > 0 {
		err = q.site.o.Desk.DiscardDraft(q.Context(), q.agent, id)
		if postroom.CodeOf(err) == postroom.NotFound {
			err = nil // thrown away or sent in another window
		}
	}
	return q.told(err, "", back)
}

// upload is POST /uploads: one file into the agent's draft; it answers with the
// file's line in the composer. The other fields come before the file.
func upload(q *request) error {
	var chip *query.UploadedFile
	var fault error
	q.Form = nil
	err := q.stream(func(name string, part *multipart.Part) error {
		if chip != nil || fault != nil {
			_, err := io.Copy(io.Discard, part)
			return err
		}
		ref, err := q.site.o.Pages.Ref(q.Context(), q.agent, q.id("conversation"))
		if err != nil {
			return err
		}
		file, err := q.uploaded(ref, part)
		if postroom.CodeOf(err) == postroom.Invalid {
			fault = err
			chip = &query.UploadedFile{Attachment: query.Attachment{Name: part.FileName(), Error: postroom.TextOf(err)}}
			return nil
		}
		if err != nil {
			return err
		}
		chip = &query.UploadedFile{URL: "/attachments/" + strconv.FormatInt(file.ID, 10) + "/" + pathEscape(file.Name),
			Attachment: query.Attachment{ID: file.ID, Name: file.Name, Type: file.Type, Size: file.Size, Picture: query.Picture(file.Type), Inline: file.Inline}}
		if chip.Attachment.Picture {
			chip.URL += "?inline=1"
		}
		return nil
	})
	switch {
	case err != nil:
		return err
	case chip == nil:
		return postroom.InvalidField("file", "Choose a file.")
	case fault != nil:
		return q.html(422, view.UploadChip(*chip))
	}
	return q.html(201, view.UploadChip(*chip))
}

// uploaded keeps a file that is being uploaded: in the draft of the new text of
// a message, or in the one of a reply or note.
func (q *request) uploaded(ref query.Ref, part *multipart.Part) (postroom.Attachment, error) {
	if message := q.id("message"); message > 0 {
		return q.site.o.Desk.AttachToEdit(q.Context(), q.agent, message, q.id("version"), part.FileName(), part.Header.Get("Content-Type"), part)
	}
	kind := postroom.MessageKind(orElse(q.field("kind"), "reply"))
	_, file, err := q.site.o.Desk.Attach(q.Context(), q.agent, ref.ID, kind, part.FileName(), part.Header.Get("Content-Type"), part, q.ticked("inline"))
	return file, err
}
