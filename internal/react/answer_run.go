package react

import (
	"context"
	"slices"
	"strings"

	"postroom"
	"postroom/internal/workflow"
)

// startable finds the workflow that a name means: the whole name, or the
// beginning of it or of one of its words, and it must fit exactly one.
func (a *answer) startable(ctx context.Context, name string) (w postroom.Startable, fault string, err error) {
	all, err := a.startables(ctx)
	if err != nil {
		return w, "", err
	}
	found := titled(name, all)
	switch len(found) {
	case 0:
		return w, "@run: no workflow that you may run by hand here is called “" + name + "”. Behind @run stands nothing but a name; your text begins on a line of its own. There are: " + titles(all) + ".", nil
	case 1:
		return found[0], "", nil
	}
	return w, "@run: “" + name + "” may mean several: " + titles(found) + ". Write the whole name.", nil
}

// startables lists what the agent may run by hand on the conversation, in order.
func (a *answer) startables(ctx context.Context) (out []postroom.Startable, err error) {
	revision, err := a.f.r.Store.Read().SetRevision(ctx)
	if err != nil {
		return nil, err
	}
	set, err := a.f.r.sets.get(ctx, revision)
	if err != nil {
		return nil, err
	}
	by := postroom.Actor{Kind: postroom.ByAgent, ID: a.agent.ID}
	for _, en := range set.On(postroom.WorkflowStarted) {
		v := en.Version
		s := postroom.Startable{WorkflowID: v.WorkflowID, Version: v.Number, Name: v.Name, MailboxID: v.MailboxID}
		if en.State == workflow.Enabled && s.For(a.c.MailboxID) && v.Definition.When.MayStart(by) {
			out = append(out, s)
		}
	}
	return out, nil
}

// titled finds those that a name may mean; of the ways of meaning one the first
// that fits any decides.
func titled(name string, all []postroom.Startable) []postroom.Startable {
	name = strings.ToLower(strings.Join(strings.Fields(name), " "))
	for _, fits := range []func(title string) bool{
		func(title string) bool { return title == name },
		func(title string) bool { return strings.HasPrefix(title, name) },
		func(title string) bool { return strings.Contains(" "+title, " "+name) },
	} {
		found := slices.DeleteFunc(slices.Clone(all), func(s postroom.Startable) bool {
			return !fits(strings.ToLower(strings.Join(strings.Fields(s.Name), " ")))
		})
		if len(found) > 0 {
			return found
		}
	}
	return nil
}

// titles names workflows, at most 20 of them.
func titles(all []postroom.Startable) string {
	var out []string
	for i, s := range all {
		if i == 20 {
			out = append(out, "…")
			break
		}
		out = append(out, "“"+s.Name+"”")
	}
	if len(out) == 0 {
		return "none"
	}
	return strings.Join(out, ", ")
}
