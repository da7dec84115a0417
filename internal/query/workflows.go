package query

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"postroom"
	"postroom/internal/recipe"
	"postroom/internal/store"
	"postroom/internal/workflow"
)

// Workflows reads the list of workflows in their order, as far as an agent who
// writes any may see them.
func (d *Desk) Workflows(ctx context.Context, a *postroom.Agent, place Place) (*WorkflowsPage, error) {
	if err := mayWrite(a); err != nil {
		return nil, err
	}
	shell, err := d.Shell(ctx, a, place)
	if err != nil {
		return nil, err
	}
	lines, _, words, err := d.workflowLines(ctx, a, shell.Now)
	if err != nil {
		return nil, err
	}
	p := &WorkflowsPage{Shell: shell, Partly: !postroom.Can(a, postroom.Manage, 0)}
	drafts, err := d.read().WorkflowDrafts(ctx)
	if err != nil {
		return nil, fmt.Errorf("read drafts of workflows: %w", err)
	}
	for _, line := range lines {
		if !readsWorkflow(a, line.MailboxID) {
			continue
		}
		if line.DeletedAt > 0 {
			p.Deleted = append(p.Deleted, line)
			continue
		}
		line.Drafted = slices.ContainsFunc(drafts, func(x store.WorkflowDraft) bool { return x.WorkflowID == line.ID })
		p.Rows = append(p.Rows, line)
	}
	for _, x := range drafts {
		if slices.ContainsFunc(lines, func(l WorkflowLine) bool { return l.ID == x.WorkflowID }) {
			continue
		}
		if !postroom.Can(a, postroom.DraftWorkflows, x.MailboxID) {
			continue
		}
		line := WorkflowDraftLine{ID: x.WorkflowID, Name: x.Name, SavedAt: x.At, SavedBy: author(x.AuthorID, words)}
		if x.MailboxID != 0 {
			line.Mailbox = nameOr(words(workflow.RefMailbox, x.MailboxID), "a mailbox that is gone")
		}
		if definition, err := workflow.Decode([]byte(x.Definition)); err == nil {
			line.Sentence = workflow.Sentence(definition, words)
		}
		p.Drafts = append(p.Drafts, line)
	}
	return p, nil
}

// WorkflowRecipes reads what a new workflow can begin from.
func (d *Desk) WorkflowRecipes(ctx context.Context, a *postroom.Agent, place Place) (*WorkflowRecipesPage, error) {
	if err := mayWrite(a); err != nil {
		return nil, err
	}
	shell, err := d.Shell(ctx, a, place)
	if err != nil {
		return nil, err
	}
	p := &WorkflowRecipesPage{Shell: shell}
	for _, r := range recipe.All() {
		p.Recipes = append(p.Recipes, WorkflowRecipe{Key: r.Key, Name: r.Name, Description: r.Description, Sentence: r.Sentence()})
	}
	return p, nil
}

// workflowLines reads the published workflows in their order, and behind them
// those that were deleted.
func (d *Desk) workflowLines(ctx context.Context, a *postroom.Agent, now int64) ([]WorkflowLine, map[int64]workflow.Definition, workflow.Names, error) {
	all, err := d.read().EveryWorkflow(ctx)
	if err != nil {
		return nil, nil, nil, fmt.Errorf("read workflows: %w", err)
	}
	published := slices.IndexFunc(all, func(w store.Workflow) bool { return w.DeletedAt > 0 })
	if published < 0 {
		published = len(all)
	}
	uses, err := d.read().WorkflowUses(ctx, now-month)
	if err != nil {
		return nil, nil, nil, fmt.Errorf("read runs: %w", err)
	}
	names, err := d.read().Names(ctx)
	if err != nil {
		return nil, nil, nil, err
	}
	words := func(kind workflow.Ref, id int64) string { return names[string(kind)][id] }
	definitions := map[int64]workflow.Definition{}
	var out []WorkflowLine
	for i, w := range all {
		line := workflowLine(w, uses[w.ID], names)
		line.MayPublish = postroom.Can(a, postroom.PublishWorkflows, w.MailboxID)
		line.First, line.Last = i == 0, i == published-1
		if definition, err := workflow.Decode([]byte(uses[w.ID].Definition)); err == nil {
			line.Sentence = workflow.Sentence(definition, words)
			definitions[w.ID] = definition
		}
		out = append(out, line)
	}
	return out, definitions, words, nil
}

func workflowLine(w store.Workflow, u store.WorkflowUse, names map[string]map[int64]string) WorkflowLine {
	line := WorkflowLine{ID: w.ID, MailboxID: w.MailboxID, Name: w.Name, On: w.Enabled, Paused: w.PausedWords, Version: w.Version, PublishedAt: u.PublishedAt, PublishedBy: nameOr(u.Author, "Postroom"),
		Runs: u.Runs, Shipped: shipped(w.Key), DeletedAt: w.DeletedAt}
	if w.MailboxID != 0 {
		line.Mailbox = nameOr(names["mailbox"][w.MailboxID], "a mailbox that is gone")
	}
	return line
}

func shipped(key string) bool {
	for _, s := range workflow.Shipped() {
		if s.Key == key {
			return true
		}
	}
	return false
}

// Workflow reads the page of one workflow, at its published version or, with
// shown, at an older one; for those who may write workflows of its mailbox and,
// of one for all mailboxes, any.
func (d *Desk) Workflow(ctx context.Context, a *postroom.Agent, id int64, shown int, place Place) (*WorkflowPage, error) {
	if err := mayWrite(a); err != nil {
		return nil, err
	}
	shell, err := d.Shell(ctx, a, place)
	if err != nil {
		return nil, err
	}
	lines, definitions, words, err := d.workflowLines(ctx, a, shell.Now)
	if err != nil {
		return nil, err
	}
	p := &WorkflowPage{Shell: shell, Shown: shown, MayEdit: true}
	for _, l := range lines {
		if l.ID == id && readsWorkflow(a, l.MailboxID) {
			p.Workflow = l
		}
	}
	if p.Workflow.ID == 0 {
		return nil, postroom.Errorf(postroom.NotFound, "There is no such workflow.")
	}
	if p.Waits, p.NextDue, err = d.read().WorkflowWaits(ctx, id); err != nil {
		return nil, fmt.Errorf("read timers: %w", err)
	}
	if p.Schedule, err = d.schedule(ctx, id, definitions[id]); err != nil {
		return nil, err
	}
	versions, err := d.read().Versions(ctx, id)
	if err != nil {
		return nil, err
	}
	definition, found := definitions[id], shown == 0
	for i, v := range versions {
		p.Versions = append(p.Versions, WorkflowVersion{Version: v.Number, At: v.At, By: author(v.AuthorID, words), Current: v.Number == p.Workflow.Version})
		if v.Number == shown {
			if definition, err = workflow.Decode([]byte(v.Definition)); err != nil {
				return nil, fmt.Errorf("read version %d of workflow %d: %w", shown, id, err)
			}
			found = true
			if i+1 < len(versions) {
				p.Changes = changes(versions[i+1].Definition, definition, words)
			}
		}
	}
	p.MayTell = postroom.Can(a, postroom.DraftWorkflows, p.Workflow.MailboxID)
	p.MayEdit = p.MayTell && p.Workflow.DeletedAt == 0
	if !p.Workflow.MayPublish {
		if p.Publishers, err = Publishers(ctx, d.read(), p.Workflow.MailboxID); err != nil {
			return nil, err
		}
	}
	p.CopyTo = copyTo(a, shell)
	if !found {
		return nil, postroom.Errorf(postroom.NotFound, "There is no version %d of this workflow.", shown)
	}
	p.describe(definition, words)
	p.Variables = d.o.Variables
	return p, nil
}

// changes says what a version changed; nothing if the one before it cannot be
// read.
func changes(before string, after workflow.Definition, words workflow.Names) []WorkflowChange {
	old, err := workflow.Decode([]byte(before))
	if err != nil {
		return nil
	}
	return WorkflowChanges(workflow.Changes(old, after, words))
}

// WorkflowChanges are changes as a page shows them: of what stayed the same
// only the lines next to a change.
func WorkflowChanges(all []workflow.Change) []WorkflowChange {
	var out []WorkflowChange
	near := func(i int) bool {
		for k := max(0, i-2); k <= min(len(all)-1, i+2); k++ {
			if all[k].Sign != ' ' {
				return true
			}
		}
		return false
	}
	for i, c := range all {
		if near(i) {
			out = append(out, WorkflowChange{Sign: string(c.Sign), Text: c.Text})
		}
	}
	return out
}

func author(id int64, words workflow.Names) string {
	if id == 0 {
		return "Postroom"
	}
	return nameOr(words(workflow.RefAgent, id), "an agent who is gone")
}

// describe fills in a definition in words.
func (p *WorkflowPage) describe(definition workflow.Definition, words workflow.Names) {
	described := workflow.Describe(definition, words)
	p.When, p.Limits = strings.TrimPrefix(described.When, "When "), described.Limits
	for _, line := range described.If {
		term := WorkflowTerm{Depth: line.Depth}
		switch line.Text {
		case "all of these", "any of these", "none of these":
			term.Group, _, _ = strings.Cut(line.Text, " ")
		default:
			term.Fact = line.Text
		}
		p.If = append(p.If, term)
	}
	for i, text := range described.Then {
		action := definition.Then[i]
		p.Then = append(p.Then, WorkflowStep{Text: capital(text), Words: postroom.Preview(action.Text)})
		if action.Do == workflow.DoReply && p.Template == "" {
			p.Template = nameOr(action.HTML, action.Text)
		}
	}
}
