package automate

import (
	"context"

	"postroom"
	"postroom/internal/query"
	"postroom/internal/workflow"
)

// TryVersion says what a published version of a workflow, also one long gone,
// would do at a moment of a conversation; v.On and v.Moment choose them. It is
// judged with the name and the mailbox that the workflow has now. The page has no
// shell yet. Nothing is written. NotFound for a version there is not, Conflict for
// one that cannot be read any more.
func (w *Workflows) TryVersion(ctx context.Context, by *postroom.Agent, id int64, number int, v EditorView) (out *query.TryVersionPage, err error) {
	defer postroom.Wrap(&err, "try version %d of workflow %d", number, id)
	read := w.store.Read()
	x, err := w.mayWrite(ctx, read, by, id)
	if err != nil {
		return nil, err
	}
	if x.row == nil {
		return nil, postroom.Errorf(postroom.NotFound, "There is no such version.")
	}
	d, err := w.olderVersion(ctx, id, number)
	if postroom.CodeOf(err) == postroom.Invalid {
		code := postroom.Conflict
		if _, gone := read.Version(ctx, id, number); gone != nil {
			code = postroom.NotFound
		}
		return nil, postroom.Errorf(code, "%s", postroom.TextOf(err))
	}
	if err != nil {
		return nil, err
	}
	x.name, x.mailboxID, x.definition = x.row.Name, x.row.MailboxID, d
	e := &editor{w: w, ctx: ctx, read: read, by: by, x: x, view: EditorView{On: v.On, Moment: v.Moment}, number: number}
	if err := e.lookUp(); err != nil {
		return nil, err
	}
	e.form()
	e.page.Errors = query.FieldErrors{}
	e.version, err = workflow.Compile(workflow.Stored(e.definition), workflow.Identity{WorkflowID: id, Number: number, Name: x.name, MailboxID: x.mailboxID})
	if err != nil {
		return nil, postroom.Errorf(postroom.Conflict, "Version %d asks for something that there is not any more, so it cannot be tried.", number)
	}
	if err := e.try(); err != nil {
		return nil, err
	}
	return &query.TryVersionPage{ID: id, Name: x.name, Version: number, Published: x.version(), Sentence: workflow.Sentence(workflow.Stored(d), e.name),
		Try: e.page.Try, Errors: e.page.Errors}, nil
}

// trialNumber is the number of the version that is tried: the draft's is the next.
func (e *editor) trialNumber() int {
	if e.number > 0 {
		return e.number
	}
	return e.x.version() + 1
}
