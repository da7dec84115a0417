package automate

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"postroom"
	"postroom/internal/store"
	"postroom/internal/workflow"
)

// checkReferences finds the agents, tags, mailboxes and workflows that a
// definition names and that are not there. Such a condition would never hold
// and such an action would fail each time, without anybody having been told.
func checkReferences(ctx context.Context, t *store.Tx, d workflow.Definition) error {
	faults, err := missingReferences(ctx, t.Read, d)
	if err != nil || len(faults) == 0 {
		return err
	}
	return &postroom.Error{Code: postroom.Invalid, Field: faults[0].Path, Text: faults[0].Text, Err: faults}
}

// missingReferences lists what a definition names and is not there. coming are
// workflows that will be there with it.
func missingReferences(ctx context.Context, read store.Read, d workflow.Definition, coming ...int64) (workflow.Faults, error) {
	r, err := whatIsThere(ctx, read)
	if err != nil {
		return nil, err
	}
	for _, id := range coming {
		r.names[string(workflow.RefWorkflow)][id] = "a workflow to be"
	}
	return r.missing(d), nil
}

// whatIsThere reads what a definition may name.
func whatIsThere(ctx context.Context, read store.Read) (*references, error) {
	names, err := read.Names(ctx)
	if err != nil {
		return nil, fmt.Errorf("read names: %w", err)
	}
	deleted, err := read.DeletedWorkflows(ctx)
	if err != nil {
		return nil, fmt.Errorf("read deleted workflows: %w", err)
	}
	for _, x := range deleted {
		delete(names[string(workflow.RefWorkflow)], x.ID)
	}
	r := &references{names: names, refs: map[string]workflow.Ref{}, disabled: map[int64]bool{}, off: map[int64]bool{}}
	agents, err := read.Agents(ctx)
	if err != nil {
		return nil, fmt.Errorf("read agents: %w", err)
	}
	for _, a := range agents {
		r.disabled[a.ID] = a.Disabled
	}
	teams, err := read.Teams(ctx)
	if err != nil {
		return nil, fmt.Errorf("read teams: %w", err)
	}
	for _, t := range teams {
		r.off[t.ID] = t.Off()
	}
	if r.fields, err = read.Fields(ctx); err != nil {
		return nil, fmt.Errorf("read fields: %w", err)
	}
	if r.mailboxes, err = read.Mailboxes(ctx); err != nil {
		return nil, fmt.Errorf("read mailboxes: %w", err)
	}
	for _, f := range workflow.Schema() {
		if f.Ref != "" {
			r.refs[f.Name] = f.Ref
		}
	}
	return r, nil
}

// missing lists what a definition names and is not there.
func (r *references) missing(d workflow.Definition) workflow.Faults {
	r.faults = nil
	if d.When.Event == postroom.AssigneeChanged {
		r.values("when.from", workflow.RefAgent, d.When.From)
		r.values("when.to", workflow.RefAgent, d.When.To)
	}
	if d.When.Event == postroom.TeamChanged {
		r.values("when.from", workflow.RefTeam, d.When.From)
		r.values("when.to", workflow.RefTeam, d.When.To)
	}
	if d.When.Event == postroom.ConversationMoved {
		r.values("when.from", workflow.RefMailbox, d.When.From)
		r.values("when.to", workflow.RefMailbox, d.When.To)
	}
	r.ids("when.agents", workflow.RefAgent, d.When.Agents)
	r.unless("when", d.When.Unless)
	r.cond("if", d.If)
	for i, a := range d.Then {
		path := fmt.Sprintf("then[%d]", i)
		if a.Agent != nil {
			r.id(path+".agent", workflow.RefAgent, *a.Agent)
			r.working(path+".agent", *a.Agent)
		}
		r.more(path, a)
		r.ids(path+".add", workflow.RefTag, a.Add)
		r.ids(path+".remove", workflow.RefTag, a.Remove)
	}
	r.missingFields(d)
	return r.faults
}

// gone says in sentences what a published workflow names and is not there, and
// where: it does something else than it did when it was published, or fails.
func (r *references) gone(d workflow.Definition) (out []string) {
	if len(r.missing(d)) == 0 {
		return nil
	}
	then := workflow.Describe(d, func(kind workflow.Ref, id int64) string { return r.names[string(kind)][id] }).Then
	for _, f := range r.faults {
		where, place := "Its conditions", -1
		switch {
		case strings.HasPrefix(f.Path, "when"):
			where = "Its When"
		case strings.HasPrefix(f.Path, "then["):
			if _, err := fmt.Sscanf(f.Path, "then[%d]", &place); err == nil && place < len(then) {
				where = fmt.Sprintf("Its action %d, “%s”", place+1, then[place])
			}
		}
		if text := where + ": " + f.Text; !slices.Contains(out, text) {
			out = append(out, text)
		}
	}
	return out
}

// unless looks at what ends a wait: of a When, or of the action at a place.
func (r *references) unless(at string, all []workflow.Unless) {
	for i, u := range all {
		if u.Event == postroom.AssigneeChanged {
			r.values(fmt.Sprintf("%s.unless[%d].from", at, i), workflow.RefAgent, u.From)
			r.values(fmt.Sprintf("%s.unless[%d].to", at, i), workflow.RefAgent, u.To)
		}
		if u.Event == postroom.TeamChanged {
			r.values(fmt.Sprintf("%s.unless[%d].from", at, i), workflow.RefTeam, u.From)
			r.values(fmt.Sprintf("%s.unless[%d].to", at, i), workflow.RefTeam, u.To)
		}
		if u.Event == postroom.ConversationMoved {
			r.values(fmt.Sprintf("%s.unless[%d].from", at, i), workflow.RefMailbox, u.From)
			r.values(fmt.Sprintf("%s.unless[%d].to", at, i), workflow.RefMailbox, u.To)
		}
	}
}

// more looks at whom an action chooses among or mails, and where it moves to.
func (r *references) more(path string, a workflow.Action) {
	r.ids(path+".agents", workflow.RefAgent, a.Agents)
	r.ids(path+".unfollow", workflow.RefAgent, a.Unfollow)
	r.id(path+".workflow", workflow.RefWorkflow, a.Workflow)
	if a.Team != nil {
		r.id(path+".team", workflow.RefTeam, *a.Team)
		r.takes(path+".team", *a.Team)
	}
	r.unless(path, a.Unless)
	r.id(path+".mailbox", workflow.RefMailbox, a.Mailbox)
	r.id(path+".sign", workflow.RefSecret, a.Sign)
	for i, h := range a.Headers {
		r.id(fmt.Sprintf("%s.headers[%d].secret", path, i), workflow.RefSecret, h.Secret)
	}
	for i, id := range a.Agents {
		r.working(fmt.Sprintf("%s.agents[%d]", path, i), id)
	}
	for _, m := range r.mailboxes {
		for i, to := range a.To {
			if slices.Contains(m.Addresses(), postroom.Canonical(to)) {
				r.faults = append(r.faults, workflow.Fault{Path: fmt.Sprintf("%s.to[%d]", path, i), Text: to + " is the mailbox " + m.Name + ": a workflow mails none of our own."})
			}
		}
	}
}

// references collects what is named and not there.
type references struct {
	names map[string]map[int64]string // by kind and id
	refs  map[string]workflow.Ref     // what the ids in a fact are

	disabled  map[int64]bool // agents
	off       map[int64]bool // teams
	mailboxes []*postroom.Mailbox
	fields    []*postroom.Field // deleted ones too
	faults    workflow.Faults
}

func (r *references) cond(path string, c workflow.Cond) {
	for _, group := range []struct {
		name string
		list []workflow.Cond
	}{{"all", c.All}, {"any", c.Any}, {"none", c.None}} {
		for i, inner := range group.list {
			r.cond(fmt.Sprintf("%s.%s[%d]", path, group.name, i), inner)
		}
	}
	if ref, ok := r.refs[c.Fact]; ok {
		r.values(path+".values", ref, c.Values)
	}
}

// working refuses to assign to somebody who cannot sign in any more.
func (r *references) working(path string, id int64) {
	if name, ok := r.names[string(workflow.RefAgent)][id]; ok && r.disabled[id] {
		r.faults = append(r.faults, workflow.Fault{Path: path, Text: name + " is disabled; nothing can be assigned or sent to them."})
	}
}

// takes refuses to give something to a team that is switched off.
func (r *references) takes(path string, id int64) {
	if name, ok := r.names[string(workflow.RefTeam)][id]; ok && r.off[id] {
		r.faults = append(r.faults, workflow.Fault{Path: path, Text: "The team " + name + " is switched off; nothing can be given or sent to it."})
	}
}

// values looks at ids that are written as text. What is no number at all is
// for Compile to refuse.
func (r *references) values(path string, ref workflow.Ref, values []string) {
	for i, v := range values {
		if id, err := strconv.ParseInt(strings.TrimSpace(v), 10, 64); err == nil {
			r.id(fmt.Sprintf("%s[%d]", path, i), ref, id)
		}
	}
}

func (r *references) ids(path string, ref workflow.Ref, ids []int64) {
	for i, id := range ids {
		r.id(fmt.Sprintf("%s[%d]", path, i), ref, id)
	}
}

// id looks for one; 0 is nobody.
func (r *references) id(path string, ref workflow.Ref, id int64) {
	if _, ok := r.names[string(ref)][id]; ok || id == 0 {
		return
	}
	r.faults = append(r.faults, workflow.Fault{Path: path, Text: fmt.Sprintf("The %s %d is not there (any more).", ref, id)})
}
