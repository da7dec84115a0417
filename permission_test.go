package postroom_test

import (
	"testing"

	"postroom"
)

func TestCan(t *testing.T) {
	t.Parallel()
	const box, other = 4, 5
	agent := func(r postroom.Right) *postroom.Agent {
		a := &postroom.Agent{ID: 7, Role: postroom.Member}
		a.Give(box, r)
		return a
	}
	disabled := agent(postroom.Right{Most: postroom.Manage})
	disabled.Disabled = true
	all := []postroom.Verb{postroom.See, postroom.SeeQueue, postroom.Answer, postroom.Manage}
	for _, x := range []struct {
		name      string
		a         *postroom.Agent
		box       int64
		may       int // how many of all, in a mailbox as such
		theirs    int // with a conversation assigned to them
		elsewhere int // with one assigned to somebody else, or to nobody
		enter     bool
	}{
		{"nobody", nil, box, 0, 0, 0, false},
		{"disabled", disabled, box, 0, 0, 0, false},
		{"admin", &postroom.Agent{ID: 7, Role: postroom.Admin}, box, 4, 4, 4, true},
		{"admin, no mailbox", &postroom.Agent{ID: 7, Role: postroom.Admin}, 0, 4, 4, 4, true},
		{"as usual", agent(postroom.Right{}), box, 3, 3, 3, true},
		{"may answer", agent(postroom.Right{Most: postroom.Answer}), box, 3, 3, 3, true},
		{"may read", agent(postroom.Right{Most: postroom.See}), box, 2, 2, 2, true},
		{"may manage", agent(postroom.Right{Most: postroom.Manage}), box, 4, 4, 4, true},
		{"theirs to answer", agent(postroom.Right{OnlyAssigned: true}), box, 0, 3, 0, true},
		{"theirs to read", agent(postroom.Right{Most: postroom.See, OnlyAssigned: true}), box, 0, 2, 0, true},
		{"another mailbox", agent(postroom.Right{Most: postroom.Manage}), other, 0, 0, 0, false},
		{"no mailbox", agent(postroom.Right{Most: postroom.Manage}), 0, 0, 0, 0, false},
	} {
		for i, v := range all {
			if got := postroom.Can(x.a, v, x.box); got != (i < x.may) {
				t.Errorf("%s: Can %s is %v", x.name, v, got)
			}
			if got := postroom.CanOn(x.a, v, x.box, 7); got != (i < x.theirs) {
				t.Errorf("%s: CanOn %s of theirs is %v", x.name, v, got)
			}
			for _, assignee := range []int64{0, 8} {
				if got := postroom.CanOn(x.a, v, x.box, assignee); got != (i < x.elsewhere) {
					t.Errorf("%s: CanOn %s of assignee %d is %v", x.name, v, assignee, got)
				}
			}
		}
		if got := postroom.CanEnter(x.a, x.box); got != x.enter {
			t.Errorf("%s: CanEnter is %v", x.name, got)
		}
	}
}

// Writing workflows and publishing them are rights of their own, mailbox by
// mailbox, beside what somebody may do with conversations.
func TestRightsToWorkflows(t *testing.T) {
	t.Parallel()
	const box, other = 4, 5
	agent := func(r postroom.Right) *postroom.Agent {
		a := &postroom.Agent{ID: 7, Role: postroom.Member}
		a.Give(box, r)
		return a
	}
	for _, x := range []struct {
		name           string
		a              *postroom.Agent
		draft, publish bool // in box
		everywhere     bool // both, in other and in all
	}{
		{"nobody", nil, false, false, false},
		{"admin", &postroom.Agent{ID: 7, Role: postroom.Admin}, true, true, true},
		{"disabled admin", &postroom.Agent{ID: 7, Role: postroom.Admin, Disabled: true}, false, false, false},
		{"as usual", agent(postroom.Right{}), false, false, false},
		{"may manage", agent(postroom.Right{Most: postroom.Manage}), false, false, false},
		{"drafts", agent(postroom.Right{Workflows: postroom.DraftWorkflows}), true, false, false},
		{"drafts, reads", agent(postroom.Right{Most: postroom.See, Workflows: postroom.DraftWorkflows}), true, false, false},
		{"publishes", agent(postroom.Right{Workflows: postroom.PublishWorkflows}), true, true, false},
		{"publishes, theirs only", agent(postroom.Right{OnlyAssigned: true, Workflows: postroom.PublishWorkflows}), false, false, false},
	} {
		for v, want := range map[postroom.Verb]bool{postroom.DraftWorkflows: x.draft, postroom.PublishWorkflows: x.publish} {
			if got := postroom.Can(x.a, v, box); got != want {
				t.Errorf("%s: Can %s is %v", x.name, v, got)
			}
			if got := postroom.CanSomewhere(x.a, v); got != want {
				t.Errorf("%s: CanSomewhere %s is %v", x.name, v, got)
			}
			for _, m := range []int64{0, other} {
				if got := postroom.Can(x.a, v, m); got != x.everywhere {
					t.Errorf("%s: Can %s in %d is %v", x.name, v, m, got)
				}
			}
		}
	}
}
