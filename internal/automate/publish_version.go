package automate

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"postroom"
	"postroom/internal/store"
	"postroom/internal/workflow"
)

// Publish makes a definition the published version of a workflow, with the
// next number, which it returns; earlier versions stay as they are (W14). base
// is the version it was written from: when another one was published since,
// that is a Conflict with field "base" and nothing is written; 0 does not ask.
// A definition equal to the published one changes nothing.
//
// A definition that could not be published is Invalid; the error names the
// first faulty field and carries all workflow.Faults. One that refers to an
// agent, tag, mailbox or workflow that is not there is refused the same way.
func (w *Workflows) Publish(ctx context.Context, by *postroom.Agent, id int64, base int, d workflow.Definition) (number int, err error) {
	if err := w.mayKeep(ctx, by, id); err != nil {
		return 0, err
	}
	return w.publishVersion(ctx, by, id, false, func(_ *store.Tx, x store.Workflow) (workflow.Definition, error) {
		return d, written(x, base)
	})
}

// Reword publishes a new wording of the mail that a workflow sends: the text
// of its first reply. base is as for Publish. An error about the wording is
// Invalid with field "template" and names line and column; a workflow that
// mails nobody has no wording. Red tests are a Conflict with field "tests". Any
// other error has no field, since the form has no other.
func (w *Workflows) Reword(ctx context.Context, by *postroom.Agent, id int64, base int, wording string) error {
	return w.RewordWith(ctx, by, id, base, wording, false)
}

// RewordWith is Reword, anyway although tests are red; the system log says so.
func (w *Workflows) RewordWith(ctx context.Context, by *postroom.Agent, id int64, base int, wording string, anyway bool) error {
	if err := w.mayKeep(ctx, by, id); err != nil {
		return err
	}
	_, err := w.publishVersion(ctx, by, id, anyway, func(t *store.Tx, x store.Workflow) (workflow.Definition, error) {
		if err := written(x, base); err != nil {
			return workflow.Definition{}, err
		}
		d, err := definition(ctx, t.Read, x.ID, x.Version)
		if err != nil {
			return workflow.Definition{}, err
		}
		return reworded(d, wording)
	})
	return aboutWording(err)
}

// Restore publishes the definition of an older version again, as a new one. An
// old version that refers to what is no longer there is Invalid, and one that
// the workflow's tests find wrong a Conflict with field "tests".
func (w *Workflows) Restore(ctx context.Context, by *postroom.Agent, id int64, number int) error {
	return w.RestoreWith(ctx, by, id, number, false)
}

// RestoreWith is Restore, anyway although tests are red; the system log says so.
func (w *Workflows) RestoreWith(ctx context.Context, by *postroom.Agent, id int64, number int, anyway bool) error {
	if err := w.mayKeep(ctx, by, id); err != nil {
		return err
	}
	_, err := w.publishVersion(ctx, by, id, anyway, func(t *store.Tx, _ store.Workflow) (workflow.Definition, error) {
		return definition(ctx, t.Read, id, number)
	})
	return err
}

// publishVersion publishes what next makes of a workflow, in one transaction,
// and returns the number of the version that is published then. Red tests
// refuse it unless it is to be published anyway (W36).
func (w *Workflows) publishVersion(ctx context.Context, by *postroom.Agent, id int64, anyway bool, next func(*store.Tx, store.Workflow) (workflow.Definition, error)) (number int, err error) {
	defer postroom.Wrap(&err, "publish workflow %d", id)
	err = w.changeOf(ctx, by, id, func(t *store.Tx) (bool, error) {
		x, err := t.Workflow(ctx, id)
		if err != nil {
			return false, err
		}
		if x.DeletedAt > 0 {
			return false, errDeleted(x)
		}
		d, err := next(t, x)
		if err != nil {
			return false, err
		}
		text, same, err := compare(ctx, t, x, d)
		if err != nil || same {
			number = x.Version
			return false, err
		}
		if err := prove(ctx, t, d, x); err != nil {
			return false, err
		}
		if err := w.checkReachable(d); err != nil {
			return false, err
		}
		if err := w.proveTests(ctx, t, d, workflow.Identity{WorkflowID: id, Number: x.Version + 1, Key: x.Key, Name: x.Name, MailboxID: x.MailboxID}, by.ID, anyway); err != nil {
			return false, err
		}
		if err := w.retest(ctx, t, id); err != nil {
			return false, err
		}
		if x.Version, err = following(ctx, t, x); err != nil {
			return false, err
		}
		number = x.Version
		if err := t.InsertVersion(ctx, store.WorkflowVersion{WorkflowID: id, Number: number, Definition: string(text), AuthorID: by.ID, At: w.store.Now()}); err != nil {
			return false, fmt.Errorf("insert version %d: %w", number, err)
		}
		return true, t.UpdateWorkflow(ctx, x)
	})
	if err != nil {
		return 0, err
	}
	return number, nil
}

// written refuses what was written from a version that is no longer the
// published one, so that of two admins neither overwrites the other unseen.
func written(x store.Workflow, base int) error {
	if base == 0 || base == x.Version {
		return nil
	}
	return &postroom.Error{Code: postroom.Conflict, Field: "base",
		Text: fmt.Sprintf("Version %d was published while you wrote. Yours began from version %d: look at the new one, then publish yours if it still fits.", x.Version, base)}
}

// compare encodes a definition and says whether it is the published one. It
// does not read that one, so that what a later release cannot read any more
// can still be replaced.
func compare(ctx context.Context, t *store.Tx, x store.Workflow, d workflow.Definition) (text []byte, same bool, err error) {
	if text, err = d.Encode(); err != nil {
		return nil, false, err
	}
	if len(text) > workflow.MaxDefinition {
		return nil, false, postroom.InvalidField("definition", "The workflow is longer than %d bytes.", workflow.MaxDefinition)
	}
	published, err := t.Version(ctx, x.ID, x.Version)
	return text, err == nil && published.Definition == string(text), err
}

// prove checks what a published version must be.
func prove(ctx context.Context, t *store.Tx, d workflow.Definition, x store.Workflow) error {
	if _, err := workflow.Compile(d, workflow.Identity{WorkflowID: x.ID, Number: x.Version + 1, Key: x.Key, Name: x.Name, MailboxID: x.MailboxID}); err != nil {
		return err
	}
	if err := workflow.Publishable(d); err != nil {
		return err
	}
	return checkReferences(ctx, t, d)
}

// following is the number of the next version.
func following(ctx context.Context, t *store.Tx, x store.Workflow) (int, error) {
	versions, err := t.Versions(ctx, x.ID)
	if err != nil {
		return 0, err
	}
	last := x.Version
	for _, v := range versions {
		last = max(last, v.Number)
	}
	return last + 1, nil
}

// definition reads the definition of a version; Invalid with field "version"
// when this release cannot read it.
func definition(ctx context.Context, r store.Read, id int64, number int) (workflow.Definition, error) {
	v, err := r.Version(ctx, id, number)
	if err != nil {
		return workflow.Definition{}, err
	}
	d, err := workflow.Decode([]byte(v.Definition))
	if err != nil {
		return d, &postroom.Error{Code: postroom.Invalid, Field: "version", Text: fmt.Sprintf("Version %d cannot be read: %s", number, postroom.TextOf(err)), Err: err}
	}
	return d, nil
}

// reworded replaces the text of the first reply. A form sends lines that end
// in CR LF; they are stored with LF, so that a wording sent back unchanged is
// unchanged.
func reworded(d workflow.Definition, text string) (workflow.Definition, error) {
	i := firstReply(d)
	if i < 0 {
		return d, postroom.InvalidField(fieldWording, "This workflow does not mail the customer, so it has no wording.")
	}
	text = lines(text)
	if text == "" {
		return d, postroom.InvalidField(fieldWording, "A reply needs a text. To send none, switch the workflow off.")
	}
	then := append([]workflow.Action(nil), d.Then...)
	if then[i].HTML != "" {
		then[i].HTML = text
	} else {
		then[i].Text = text
	}
	d.Then = then
	return d, nil
}

// fieldWording is the field of the form that holds the wording.
const fieldWording = "template"

func firstReply(d workflow.Definition) int {
	for i, a := range d.Then {
		if a.Do == workflow.DoReply {
			return i
		}
	}
	return -1
}

func lines(text string) string {
	text = strings.ReplaceAll(text, "\r\n", "\n")
	return strings.TrimRight(strings.ReplaceAll(text, "\r", "\n"), " \t\n")
}

// aboutWording lets an error name a field of the form of the wording, which has
// but one.
func aboutWording(err error) error {
	var e *postroom.Error
	if !errors.As(err, &e) || e.Field == fieldWording || e.Field == fieldTests || e.Field == "" {
		return err
	}
	field := ""
	if strings.HasPrefix(e.Field, "then[") && (strings.HasSuffix(e.Field, ".text") || strings.HasSuffix(e.Field, ".html")) {
		field = fieldWording
	}
	return &postroom.Error{Code: e.Code, Field: field, Text: e.Text, Err: err}
}
