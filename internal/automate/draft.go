package automate

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"unicode"

	"postroom"
	"postroom/internal/flowfile"
	"postroom/internal/query"
	"postroom/internal/recipe"
	"postroom/internal/store"
	"postroom/internal/workflow"
)

// The fields of the editor's form that are no part of a definition.
const (
	fieldName     = "name"
	fieldMailbox  = "mailbox"
	fieldRevision = "revision"
	fieldBase     = "base"
)

// maxName is how long the name of a workflow may be, in characters.
const maxName = 120

// Rebase is the act of SaveDraft that goes on with a draft although another
// version was published since it was begun.
const Rebase = "rebase"

// Form is what the editor sends: the fields of workflow.Fields and beside them
// name, mailbox, revision and base.
type Form map[string][]string

func (f Form) first(name string) string {
	if v := f[name]; len(v) > 0 {
		return v[0]
	}
	return ""
}

func (f Form) number(name string) int64 {
	n, err := strconv.ParseInt(strings.TrimSpace(f.first(name)), 10, 64)
	if err != nil {
		return 0
	}
	return n
}

// writing is a workflow as it is being written.
type writing struct {
	id        int64
	row       *store.Workflow // nil before the first version
	draft     *store.WorkflowDraft
	published workflow.Definition // the zero one before the first version

	name       string
	mailboxID  int64
	definition workflow.Definition
	fault      string // why the published version cannot be read
}

// writing reads a workflow and its draft; without a draft it is as it was
// published. A workflow that was deleted is NotFound.
func (w *Workflows) writing(ctx context.Context, r store.Read, id int64) (*writing, error) {
	out := &writing{id: id}
	row, err := r.Workflow(ctx, id)
	switch {
	case err == nil && row.DeletedAt > 0:
		return nil, errDeleted(row)
	case err == nil:
		out.row, out.name, out.mailboxID = &row, row.Name, row.MailboxID
		v, err := r.Version(ctx, id, row.Version)
		if err != nil {
			return nil, err
		}
		out.published, out.fault = decode(v.Definition)
		out.definition = out.published
	case postroom.CodeOf(err) != postroom.NotFound:
		return nil, err
	}
	draft, err := r.WorkflowDraft(ctx, id)
	switch {
	case err == nil:
		out.draft, out.name, out.mailboxID = &draft, draft.Name, draft.MailboxID
		if out.definition, err = workflow.Decode([]byte(draft.Definition)); err != nil {
			return nil, fmt.Errorf("read the draft: %w", err)
		}
	case postroom.CodeOf(err) != postroom.NotFound:
		return nil, err
	case out.row == nil:
		return nil, postroom.Errorf(postroom.NotFound, "There is no such workflow.")
	}
	return out, nil
}

func errDeleted(row store.Workflow) error {
	return postroom.Errorf(postroom.NotFound, "The workflow “%s” was deleted. Restore it first.", row.Name)
}

// version is the published version, 0 before the first.
func (x *writing) version() int {
	if x.row == nil {
		return 0
	}
	return x.row.Version
}

// base is the version that is written from.
func (x *writing) base() int {
	if x.draft != nil {
		return x.draft.Base
	}
	return x.version()
}

// Begin makes the draft of a new workflow out of the recipe with a key, "" for a
// blank one, and returns its id. Agents, tags and others that the recipe names and
// the desk does not have are left to be chosen. It is published when PublishDraft
// is called.
func (w *Workflows) Begin(ctx context.Context, by *postroom.Agent, key string) (id int64, err error) {
	if err := writes(by); err != nil {
		return 0, err
	}
	defer postroom.Wrap(&err, "begin a workflow")
	d := store.WorkflowDraft{MailboxID: home(by, 0)}
	definition := workflow.Definition{When: workflow.When{Event: postroom.StatusChanged}}
	if key != "" {
		r, ok := recipe.Find(key)
		if !ok {
			return 0, postroom.InvalidField("recipe", "There is no recipe %q.", key)
		}
		names, err := fileNames(ctx, w.store.Read())
		if err != nil {
			return 0, err
		}
		if definition, err = r.Begin(flowfile.NewNames(names)); err != nil {
			return 0, err
		}
		d.Name = r.Name
	}
	return w.begin(ctx, by, d, definition)
}

// Copy makes the draft of a new workflow that is like another one, as it is
// being written or, without a draft, as it was published; it returns the new
// one's id. It is for the same mailbox, if the agent may write workflows there,
// and else for the first where they may.
func (w *Workflows) Copy(ctx context.Context, by *postroom.Agent, id int64) (copied int64, err error) {
	x, err := w.copied(ctx, by, id)
	if err != nil {
		return 0, err
	}
	return w.copyFor(ctx, by, x, home(by, x.mailboxID))
}

// CopyFor is Copy for a mailbox, 0 being all of them. One that is not there, or
// for which the agent may not write workflows, is refused with words.
func (w *Workflows) CopyFor(ctx context.Context, by *postroom.Agent, id, mailbox int64) (copied int64, err error) {
	x, err := w.copied(ctx, by, id)
	if err != nil {
		return 0, err
	}
	if mailbox != 0 {
		if _, err := w.store.Read().Mailbox(ctx, mailbox); err != nil {
			return 0, err
		}
	}
	if err := may(ctx, w.store.Read(), by, postroom.DraftWorkflows, mailbox); err != nil {
		return 0, err
	}
	return w.copyFor(ctx, by, x, mailbox)
}

// copied reads what is to be copied. A workflow for all mailboxes, which works in
// everybody's, may be copied by everybody who writes workflows, as it is
// published.
func (w *Workflows) copied(ctx context.Context, by *postroom.Agent, id int64) (*writing, error) {
	if err := writes(by); err != nil {
		return nil, err
	}
	x, err := w.writing(ctx, w.store.Read(), id)
	if err != nil {
		return nil, err
	}
	err = may(ctx, w.store.Read(), by, postroom.DraftWorkflows, x.places()...)
	if err != nil && x.row != nil && x.row.MailboxID == 0 {
		x.draft, x.name, x.mailboxID, x.definition, err = nil, x.row.Name, 0, x.published, nil
	}
	if err == nil && x.fault != "" && x.draft == nil {
		err = postroom.Errorf(postroom.Invalid, "%s", x.fault)
	}
	return x, err
}

func (w *Workflows) copyFor(ctx context.Context, by *postroom.Agent, x *writing, mailbox int64) (copied int64, err error) {
	defer postroom.Wrap(&err, "copy workflow %d", x.id)
	name := "Copy of " + x.name
	if r := []rune(name); len(r) > maxName {
		name = string(r[:maxName])
	}
	return w.begin(ctx, by, store.WorkflowDraft{Name: name, MailboxID: mailbox}, x.definition)
}

func (w *Workflows) begin(ctx context.Context, by *postroom.Agent, d store.WorkflowDraft, definition workflow.Definition) (int64, error) {
	text, err := definition.Encode()
	if err != nil {
		return 0, err
	}
	id, err := w.store.NewID(ctx)
	if err != nil {
		return 0, err
	}
	d.WorkflowID, d.Definition, d.Revision, d.AuthorID, d.At = id, string(text), 1, by.ID, w.store.Now()
	return id, w.store.Write(ctx, func(t *store.Tx) error {
		if err := stillMay(ctx, t, by.ID, postroom.DraftWorkflows, d.MailboxID); err != nil {
			return err
		}
		t.OnCommit(func() { w.publish(Key) })
		return t.SaveWorkflowDraft(ctx, d)
	})
}

// SaveDraft stores what the editor's form holds as the draft of a workflow,
// with an act of the editor done to it: the text of a workflow.Edit, Rebase, or
// "" for none. What is incomplete or makes no sense is stored all the same;
// only what a draft cannot hold is Invalid, with the form's field. When
// somebody else saved the draft, or published, since the form was drawn, that
// is a Conflict with field "revision", and nothing is written. Of two tabs of
// one agent the later one wins. What changes nothing writes nothing. The result
// is the place in the form of what an act added or moved, "" for none.
func (w *Workflows) SaveDraft(ctx context.Context, by *postroom.Agent, id int64, f Form, act string) (place string, err error) {
	if _, err := w.mayWrite(ctx, w.store.Read(), by, id); err != nil {
		return "", err
	}
	defer postroom.Wrap(&err, "save the draft of workflow %d", id)
	definition, err := workflow.FromFields(workflow.Fields(f))
	if err != nil {
		return "", err
	}
	if act != "" && act != Rebase {
		edit, err := workflow.ParseEdit(act)
		if err != nil {
			return "", err
		}
		if definition, place, err = edit.Apply(definition); err != nil {
			return "", err
		}
	}
	name, mailbox, err := head(f)
	if err != nil {
		return "", err
	}
	text, err := workflow.Stored(definition).Encode()
	if err != nil {
		return "", err
	}
	if len(text) > workflow.MaxDefinition {
		return "", postroom.Errorf(postroom.Invalid, "The workflow is longer than %d bytes.", workflow.MaxDefinition)
	}
	return place, w.store.Write(ctx, func(t *store.Tx) error {
		x, err := w.stillWrites(ctx, t, by, id)
		if err != nil {
			return err
		}
		if !slices.Contains(x.places(), mailbox) {
			if err := stillMay(ctx, t, by.ID, postroom.DraftWorkflows, mailbox); err != nil {
				return atMailbox(err)
			}
		}
		if err := x.fresh(by, f); err != nil {
			return err
		}
		d := store.WorkflowDraft{WorkflowID: id, Name: name, MailboxID: mailbox, Base: x.base(), Definition: string(text), AuthorID: by.ID, At: w.store.Now(), Revision: 1}
		if act == Rebase {
			d.Base = x.version()
		}
		if x.draft != nil {
			d.Revision = x.draft.Revision + 1
		}
		if same, err := x.same(d); same || err != nil {
			return err
		}
		if x.draft == nil {
			t.OnCommit(func() { w.publish(Key) }) // the list says that there is a draft now
		}
		return t.SaveWorkflowDraft(ctx, d)
	})
}

// head reads the fields that are no part of the definition.
func head(f Form) (name string, mailbox int64, err error) {
	name = strings.Join(strings.FieldsFunc(f.first(fieldName), unicode.IsControl), " ")
	name = strings.Join(strings.Fields(name), " ")
	if n := len([]rune(name)); n > maxName {
		return "", 0, postroom.InvalidField(fieldName, "A name has at most %d characters; this one has %d.", maxName, n)
	}
	if text := strings.TrimSpace(f.first(fieldMailbox)); text != "" {
		if mailbox, err = strconv.ParseInt(text, 10, 64); err != nil || mailbox < 0 {
			return "", 0, postroom.InvalidField(fieldMailbox, "Choose a mailbox, or all of them.")
		}
	}
	return name, mailbox, nil
}

// fresh refuses what was written on a page that somebody else has overtaken.
func (x *writing) fresh(by *postroom.Agent, f Form) error {
	revision := f.number(fieldRevision)
	switch {
	case x.draft != nil && x.draft.Revision != revision && x.draft.AuthorID != by.ID:
		return overtaken("Somebody else has changed this draft since you opened it. Save again to put yours in its place, or open the page anew to see theirs.")
	case x.draft == nil && (revision != 0 || f.number(fieldBase) != int64(x.version())):
		return overtaken("The draft was published or thrown away since you opened this page. Save again to begin a new one with what you see here.")
	}
	return nil
}

// same reports whether a draft says what is stored already.
func (x *writing) same(d store.WorkflowDraft) (bool, error) {
	if x.draft != nil {
		return x.draft.Name == d.Name && x.draft.MailboxID == d.MailboxID && x.draft.Base == d.Base && x.draft.Definition == d.Definition, nil
	}
	published, err := x.published.Encode()
	return x.fault == "" && x.row.Name == d.Name && x.row.MailboxID == d.MailboxID && string(published) == d.Definition, err
}

// DiscardDraft throws away what was written since the last version was
// published; of a workflow that was never published nothing is left.
func (w *Workflows) DiscardDraft(ctx context.Context, by *postroom.Agent, id int64) (err error) {
	if _, err := w.mayWrite(ctx, w.store.Read(), by, id); err != nil {
		return err
	}
	defer postroom.Wrap(&err, "discard the draft of workflow %d", id)
	return w.store.Write(ctx, func(t *store.Tx) error {
		if _, err := w.stillWrites(ctx, t, by, id); err != nil {
			return err
		}
		t.OnCommit(func() { w.publish(Key) })
		_, err := t.Workflow(ctx, id)
		if postroom.CodeOf(err) == postroom.NotFound {
			err = t.DeleteWorkflowTests(ctx, id)
		}
		if err != nil {
			return err
		}
		return t.DeleteWorkflowDraft(ctx, id)
	})
}

// PublishDraft makes the draft of a workflow its published version, with its
// name and mailbox, and returns the number; the draft is gone then. A workflow
// that is published for the first time comes last in the order and is switched
// on. Without a draft nothing is changed.
//
// The errors are those of Publish, with the names of the form's fields; a draft
// written from another version than the published one is a Conflict with field
// "base", and one that its tests find wrong a Conflict with field "tests".
func (w *Workflows) PublishDraft(ctx context.Context, by *postroom.Agent, id int64) (number int, err error) {
	return w.PublishDraftWith(ctx, by, id, PublishChoice{})
}

// PublishAnyway is PublishDraft although tests are red; the system log says so.
func (w *Workflows) PublishAnyway(ctx context.Context, by *postroom.Agent, id int64) (number int, err error) {
	return w.PublishDraftWith(ctx, by, id, PublishChoice{Anyway: true})
}

// PublishChoice is what somebody who publishes has been asked.
type PublishChoice struct {
	Anyway  bool    // although tests are red
	Waiting Waiting // what becomes of the timers that wait with the version published until now
}

// PublishDraftWith is PublishDraft with choices. A Waiting that is none is
// Invalid with field "waiting".
func (w *Workflows) PublishDraftWith(ctx context.Context, by *postroom.Agent, id int64, choice PublishChoice) (number int, err error) {
	if err := w.mayPublishDraft(ctx, by, id); err != nil {
		return 0, err
	}
	defer postroom.Wrap(&err, "publish the draft of workflow %d", id)
	still := func(ctx context.Context, t *store.Tx) error {
		x, err := w.writing(ctx, t.Read, id)
		if err != nil {
			return err
		}
		return stillMay(ctx, t, by.ID, postroom.PublishWorkflows, x.places()...)
	}
	err = w.changeIf(ctx, by.ID, still, func(t *store.Tx) (bool, error) {
		x, err := w.writing(ctx, t.Read, id)
		if err != nil {
			return false, err
		}
		if number = x.version(); x.draft == nil {
			return false, nil
		}
		if err := x.publishable(ctx, t); err != nil {
			return false, err
		}
		if err := w.checkReachable(x.definition); err != nil {
			return false, err
		}
		if err := w.proveTests(ctx, t, x.definition, workflow.Identity{WorkflowID: id, Number: x.version() + 1, Name: x.name, MailboxID: x.mailboxID}, by.ID, choice.Anyway); err != nil {
			return false, err
		}
		if err := w.retest(ctx, t, id); err != nil {
			return false, err
		}
		if err := t.DeleteWorkflowDraft(ctx, id); err != nil {
			return false, err
		}
		before := x.version()
		if number, err = w.putInPlace(ctx, t, by, x); err == nil && number != before {
			err = settleWaiting(ctx, t, by, id, number, x.definition, choice.Waiting)
		}
		return true, err
	})
	return number, err
}

// publishable proves a draft.
func (x *writing) publishable(ctx context.Context, t *store.Tx) error {
	if x.draft.Name == "" {
		return postroom.InvalidField(fieldName, "A workflow needs a name.")
	}
	if x.draft.MailboxID != 0 {
		if _, err := t.Mailbox(ctx, x.draft.MailboxID); postroom.CodeOf(err) == postroom.NotFound {
			return postroom.InvalidField(fieldMailbox, "This mailbox is not there any more.")
		} else if err != nil {
			return err
		}
	}
	if x.row != nil {
		if err := written(*x.row, x.draft.Base); err != nil {
			return err
		}
	}
	row := store.Workflow{ID: x.id, Name: x.name, MailboxID: x.mailboxID, Version: x.version()}
	return prove(ctx, t, x.definition, row)
}

// putInPlace writes the version, if it is another one, and the workflow.
func (w *Workflows) putInPlace(ctx context.Context, t *store.Tx, by *postroom.Agent, x *writing) (number int, err error) {
	text, err := x.definition.Encode()
	if err != nil {
		return 0, err
	}
	row, fresh := store.Workflow{ID: x.id, Key: fmt.Sprintf("workflow-%d", x.id), Enabled: true, Version: 1}, x.row == nil
	if fresh {
		all, err := t.Workflows(ctx)
		if err != nil {
			return 0, err
		}
		for _, other := range all {
			row.Position = max(row.Position, other.Position)
		}
		row.Position++
	} else {
		row = *x.row
		_, same, err := compare(ctx, t, row, x.definition)
		if err != nil {
			return 0, err
		}
		row.Name, row.MailboxID = x.name, x.mailboxID
		if same {
			return row.Version, t.UpdateWorkflow(ctx, row)
		}
		if row.Version, err = following(ctx, t, row); err != nil {
			return 0, err
		}
	}
	row.Name, row.MailboxID = x.name, x.mailboxID
	if fresh {
		if err := t.InsertWorkflow(ctx, row); err != nil {
			return 0, fmt.Errorf("insert the workflow: %w", err)
		}
	}
	if err := t.InsertVersion(ctx, store.WorkflowVersion{WorkflowID: x.id, Number: row.Version, Definition: string(text), AuthorID: by.ID, At: w.store.Now()}); err != nil {
		return 0, fmt.Errorf("insert version %d: %w", row.Version, err)
	}
	if fresh {
		return row.Version, nil
	}
	return row.Version, t.UpdateWorkflow(ctx, row)
}

// FieldFaults returns what is wrong with the editor's form, by the names of its
// fields; nil when the error is of another sort.
func FieldFaults(err error) query.FieldErrors {
	var e *postroom.Error
	if !errors.As(err, &e) || e.Code != postroom.Invalid && e.Code != postroom.Conflict {
		return nil
	}
	out := query.FieldErrors{}
	var all workflow.Faults
	if !errors.As(err, &all) {
		all = workflow.Faults{{Path: e.Field, Text: e.Text}}
	}
	for _, f := range all {
		if name := workflow.FieldOf(f.Path); out[name] == "" {
			out[name] = f.Text
		}
	}
	return out
}

// overtaken is the error of a page that somebody else has overtaken.
func overtaken(text string) error {
	return &postroom.Error{Code: postroom.Conflict, Field: fieldRevision, Text: text}
}
