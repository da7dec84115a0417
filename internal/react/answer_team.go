package react

import (
	"context"
	"slices"
	"strings"

	"postroom"
	"postroom/internal/desk"
)

// team finds the team that a name means, 0 for none: the whole name, or the
// beginning of it or of one of its words; of these the first that fits decides,
// and it must fit exactly one of those that can have the conversation.
func (a *answer) team(ctx context.Context, name string) (id int64, fault string, err error) {
	switch strings.ToLower(name) {
	case "none", "nobody", "no team":
		return 0, "", nil
	}
	read := a.f.r.Store.Read()
	all, err := read.Teams(ctx)
	if err != nil {
		return 0, "", err
	}
	var can []*postroom.Team
	for _, t := range all {
		why, err := desk.Teamless(ctx, read, t.ID, a.c.MailboxID)
		if err != nil {
			return 0, "", err
		}
		if why == "" {
			can = append(can, t)
		}
	}
	found := teamsCalled(name, can)
	switch len(found) {
	case 0:
		return 0, "@team: no team that can have this conversation is called “" + name + "”. Behind @team stands nothing but a name; your text begins on a line of its own. There are: " + teamNames(can) + ".", nil
	case 1:
		return found[0].ID, "", nil
	}
	return 0, "@team: “" + name + "” may mean several: " + teamNames(found) + ". Write the whole name.", nil
}

// teamsCalled finds those that a name may mean.
func teamsCalled(name string, all []*postroom.Team) []*postroom.Team {
	fold := func(s string) string { return strings.ToLower(strings.Join(strings.Fields(s), " ")) }
	name = fold(name)
	for _, fits := range []func(title string) bool{
		func(title string) bool { return title == name },
		func(title string) bool { return strings.HasPrefix(title, name) },
		func(title string) bool { return strings.Contains(" "+title, " "+name) },
	} {
		found := slices.DeleteFunc(slices.Clone(all), func(t *postroom.Team) bool { return !fits(fold(t.Name)) })
		if len(found) > 0 {
			return found
		}
	}
	return nil
}

// teamNames names teams, at most 20 of them.
func teamNames(all []*postroom.Team) string {
	var out []string
	for i, t := range all {
		if i == 20 {
			out = append(out, "…")
			break
		}
		out = append(out, "“"+t.Name+"”")
	}
	if len(out) == 0 {
		return "none"
	}
	return strings.Join(out, ", ")
}
