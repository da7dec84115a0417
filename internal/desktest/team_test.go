package desktest_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"postroom"
	"postroom/internal/desk"
	"postroom/internal/desktest"
	"postroom/internal/directory"
	"postroom/internal/query"
	"postroom/internal/store"
	"postroom/internal/workflow"
)

// toTeam lets Ann give a conversation to a team.
func toTeam(d *desktest.Desk, c *postroom.Conversation, team int64) desk.Outcome {
	d.T.Helper()
	out, err := d.Desk.SetTeam(d.Ctx, d.Agent("ann").Agent, c.ID, team, postroom.PathMenu)
	d.Must(err)
	return out
}

// inTeam is which conversations an agent finds in a team's folder, and checks its
// count in the frame; their own counters are held against what they count.
func inTeam(d *desktest.Desk, agent string, team int64) (numbers []int64) {
	d.T.Helper()
	pages, a, folder := d.Pages(), d.Agent(agent).Agent, string(postroom.FolderOfTeam(team))
	shell, err := pages.Shell(d.Ctx, a, query.Place{})
	d.Must(err)
	l, err := pages.List(d.Ctx, a, query.ListAsk{Folder: folder}, shell)
	d.Must(err)
	if l.Total != len(l.Rows) {
		d.T.Errorf("the folder %s counts %d and shows %d", folder, l.Total, len(l.Rows))
	}
	for _, t := range shell.Teams {
		if t.ID == team && t.Count != len(l.Rows) {
			d.T.Errorf("%s counts %d, its list has %d", t.Name, t.Count, len(l.Rows))
		}
	}
	for _, r := range l.Rows {
		numbers = append(numbers, r.Number)
	}
	slices.Sort(numbers)
	d.Write(func(tx *store.Tx) error {
		drift, err := tx.FolderDrifts(d.Ctx, false)
		if len(drift) > 0 {
			d.T.Errorf("counters differ: %+v", drift)
		}
		return err
	})
	return numbers
}

// A conversation's team stands beside its assignee: it is set once, shows in the
// team's folder with its count, goes along with close, sleep and another
// mailbox, and comes back by undo.
func TestTeam(t *testing.T) {
	t.Parallel()
	desktest.Each(t, func(t *testing.T, d *desktest.Desk) {
		second, billing := d.AddTeam("Second line", "ann", "ben"), d.AddTeam("Billing", "ben")
		c, other := d.CustomerWrites("mara@customer.example", "Lamp", "Broken."), d.CustomerWrites("bob@customer.example", "Chair", "Broken.")
		d.Settle()
		for _, changes := range []bool{true, false} {
			if out := toTeam(d, c, second.ID); out.Changed != changes {
				t.Errorf("changed %v, want %v", out.Changed, changes)
			}
		}
		toTeam(d, other, billing.ID)
		events := d.EventsOf(c.ID, postroom.TeamChanged)
		if len(events) != 1 || events[0].Payload.From != "" || events[0].Payload.To != idText(second.ID) || events[0].After.TeamID != second.ID {
			t.Fatalf("events: %+v", events)
		}
		expect(t, "second line", fmt.Sprint(inTeam(d, "ann", second.ID)), fmt.Sprint([]int64{c.Number}))
		expect(t, "billing", fmt.Sprint(inTeam(d, "ben", billing.ID)), fmt.Sprint([]int64{other.Number}))

		d.Agent("ann").Assign(c, d.Agent("ann").ID)
		d.Settle()
		expect(t, "with an assignee", fmt.Sprint(inTeam(d, "ben", second.ID)), fmt.Sprint([]int64{c.Number}))
		if now := d.Conversation(c.ID); now.TeamID != second.ID || now.AssigneeID != d.Agent("ann").ID {
			t.Errorf("team %d, assignee %d", now.TeamID, now.AssigneeID)
		}
		sleep(d, c, time.Hour)
		expect(t, "asleep", len(inTeam(d, "ben", second.ID)), 0)
		d.Pass(2 * time.Hour)
		expect(t, "awake", fmt.Sprint(inTeam(d, "ben", second.ID)), fmt.Sprint([]int64{c.Number}))
		_, err := d.Desk.SetStatus(d.Ctx, d.Agent("ann").Agent, c.ID, postroom.Closed, postroom.PathMenu)
		d.Must(err)
		d.Settle()
		expect(t, "closed", len(inTeam(d, "ben", second.ID)), 0)
		expect(t, "closed, its team", d.Conversation(c.ID).TeamID, second.ID)

		d.UndoWindow(10 * time.Second)
		out := toTeam(d, other, second.ID)
		expect(t, "given on", fmt.Sprint(inTeam(d, "ben", second.ID)), fmt.Sprint([]int64{other.Number}))
		_, err = d.Desk.Undo(d.Ctx, d.Agent("ann").Agent, out.ActID)
		d.Must(err)
		expect(t, "given on, undone", fmt.Sprint(inTeam(d, "ben", second.ID)), fmt.Sprint([]int64(nil)))
		expect(t, "back", fmt.Sprint(inTeam(d, "ben", billing.ID)), fmt.Sprint([]int64{other.Number}))
		d.Settle()
		d.CheckInvariants()
	})
}

// A team can have conversations only where somebody of it may answer, and only
// while it is switched on; one that is moved where nobody of it answers loses it.
func TestTeamWhereSomebodyAnswers(t *testing.T) {
	t.Parallel()
	desktest.Each(t, func(t *testing.T, d *desktest.Desk) {
		d.AddAgent("dov", postroom.Member)
		team, empty := d.AddTeam("Second line", "dov"), d.AddTeam("Nobody here")
		sales := d.AddMailbox("Sales", "sales@acme.example", nil)
		c := d.CustomerWrites("mara@customer.example", "Lamp", "Broken.")
		d.Settle()
		ann, dir := d.Agent("ann").Agent, d.Directory()
		refused := func(what string, team int64, words string) {
			t.Helper()
			_, err := d.Desk.SetTeam(d.Ctx, ann, c.ID, team, postroom.PathMenu)
			if postroom.CodeOf(err) != postroom.Invalid || !strings.Contains(postroom.TextOf(err), words) {
				t.Errorf("%s: %v", what, err)
			}
		}
		refused("nobody in it", empty.ID, "Nobody of the team Nobody here may answer")
		refused("no such team", 12345, "There is no such team")
		toTeam(d, c, team.ID)
		_, err := dir.SwitchTeam(d.Ctx, ann, empty.ID, true)
		d.Must(err)
		refused("switched off", empty.ID, "is switched off")
		open, err := dir.SwitchTeam(d.Ctx, ann, team.ID, true)
		d.Must(err)
		expect(t, "what it keeps", open, 1)
		expect(t, "its team, switched off", d.Conversation(c.ID).TeamID, team.ID)
		_, err = dir.SwitchTeam(d.Ctx, ann, team.ID, false)
		d.Must(err)
		_, err = d.Desk.Move(d.Ctx, ann, c.ID, sales.ID, postroom.PathMenu)
		d.Must(err)
		expect(t, "moved where nobody of it answers", d.Conversation(c.ID).TeamID, 0)
		expect(t, "events", d.CountEvents(c.ID, postroom.TeamChanged), 2)
		expect(t, "its folder", len(inTeam(d, "ann", team.ID)), 0)

		_, err = dir.AddTeam(d.Ctx, ann, directory.TeamFields{Name: " second LINE "})
		if postroom.CodeOf(err) != postroom.Conflict {
			t.Errorf("the same name: %v", err)
		}
		_, err = dir.AddTeam(d.Ctx, d.Agent("dov").Agent, directory.TeamFields{Name: "Mine"})
		if postroom.CodeOf(err) != postroom.Forbidden {
			t.Errorf("by somebody who may not manage: %v", err)
		}
	})
}

// Everybody of a team hears of a conversation that it gets and nobody has, and of
// what the customer writes there; not who gave it, not once somebody has it, and
// not those who have muted the mailbox.
func TestTeamIsTold(t *testing.T) {
	t.Parallel()
	desktest.Each(t, func(t *testing.T, d *desktest.Desk) {
		d.AddAgent("dov", postroom.Member)
		d.AddAgent("eva", postroom.Member)
		for _, who := range []string{"ann", "ben", "dov", "eva"} {
			d.Agent(who).Choose(postroom.NotifyTeam, postroom.NotificationChoice{InPage: true})
		}
		d.Mute("eva", d.Mailbox.ID)
		team := d.AddTeam("Second line", "ann", "ben", "eva")
		told := func() (out []string) {
			for _, who := range []string{"ann", "ben", "dov", "eva"} {
				for _, n := range d.Agent(who).Told() {
					if strings.HasPrefix(n, string(postroom.NotifyTeam)) {
						out = append(out, who)
					}
				}
			}
			return out
		}
		c := d.CustomerWrites("mara@customer.example", "Lamp", "Broken.")
		toTeam(d, c, team.ID)
		d.Settle()
		expect(t, "it got one", fmt.Sprint(told()), fmt.Sprint([]string{"ben"}))
		d.CustomerWrites("mara@customer.example", "Re: Lamp", "Hello?")
		d.Settle()
		before := told()
		d.Agent("ben").Assign(c, d.Agent("ben").ID)
		toTeam(d, c, 0)
		toTeam(d, c, team.ID)
		d.Settle()
		expect(t, "once somebody has it", fmt.Sprint(told()), fmt.Sprint(before))
	})
}

// A team is given by a selection and by mail as by the menu; what cannot be is
// left alone and said.
func TestTeamByOtherPaths(t *testing.T) {
	t.Parallel()
	desktest.Each(t, func(t *testing.T, d *desktest.Desk) {
		team := d.AddTeam("Second line", "ben")
		d.AddTeam("Second floor", "ann")
		c, other := d.CustomerWrites("mara@customer.example", "Lamp", "Broken."), d.CustomerWrites("bob@customer.example", "Chair", "Broken.")
		toTeam(d, other, team.ID)
		d.Settle()
		job, err := d.Desk.StartBulk(d.Ctx, d.Agent("ann").Agent, desk.Bulk{Numbers: []int64{c.Number, other.Number}, Team: &team.ID})
		d.Must(err)
		d.Settle()
		p, err := d.Pages().Job(d.Ctx, d.Agent("ann").Agent, job, query.Place{}, "/")
		d.Must(err)
		expect(t, "the job", fmt.Sprint(p.Words, " ", p.Changed, " ", p.SkippedN), "Give to a team: 2 conversations 1 1")
		expect(t, "by bulk", fmt.Sprint(inTeam(d, "ben", team.ID)), fmt.Sprint([]int64{c.Number, other.Number}))
		d.Must(d.Desk.UndoBulk(d.Ctx, d.Agent("ann").Agent, job))
		d.Settle()
		expect(t, "by bulk, undone", fmt.Sprint(inTeam(d, "ben", team.ID)), fmt.Sprint([]int64{other.Number}))
		d.Pass(time.Minute)

		say := func(text string) store.Inbound {
			return d.AgentAnswers(desktest.AnswerLetter{To: d.Notify("ann", c), Text: text, Shape: "gmail"})
		}
		say("@team second line")
		e := d.EventsOf(c.ID, postroom.TeamChanged)
		if last := e[len(e)-1]; last.Path != postroom.PathCommand || last.Payload.To != idText(team.ID) {
			t.Errorf("by mail: %+v", last)
		}
		before := d.CountEvents(c.ID, postroom.TeamChanged)
		say("@team second") // may mean two
		say("@team third")
		say("@team second line @team none")
		expect(t, "what may mean nothing or several", d.CountEvents(c.ID, postroom.TeamChanged), before)
		say("@team none @note\n\nDone.")
		expect(t, "by mail, to none", d.Conversation(c.ID).TeamID, 0)
	})
}

// W8, W9, W10: workflows hear that the team changed, from and to, ask about it,
// give to a team, say its name, take turns among its members and mail them.
func TestTeamInWorkflows(t *testing.T) {
	t.Parallel()
	desktest.Each(t, func(t *testing.T, d *desktest.Desk) {
		d.AddAgent("dov", postroom.Member)
		team, billing := d.AddTeam("Second line", "ben", "dov"), d.AddTeam("Billing", "ann")
		give := d.AddWorkflow("Give", on(postroom.ConversationCreated, workflow.Action{Do: workflow.DoTeam, Team: &team.ID}))
		heard := d.AddWorkflow("Heard", workflow.Definition{When: workflow.When{Event: postroom.TeamChanged, From: []string{"0"}, To: []string{idText(team.ID)}},
			If:   workflow.Cond{All: []workflow.Cond{{Fact: "conversation.team", Op: workflow.Is, Values: []string{idText(team.ID)}}, {Fact: "conversation.team", Op: workflow.ChangedFrom, Values: []string{"0"}}}},
			Then: []workflow.Action{{Do: workflow.DoMail, Team: &team.ID, Text: "For {{ conversation.team | default: \"nobody\" }}."}, {Do: workflow.DoAssign, By: workflow.RoundRobin, Team: &team.ID}}})
		gone := d.AddWorkflow("Left", workflow.Definition{When: workflow.When{Event: postroom.TeamChanged, From: []string{idText(team.ID)}}, Then: []workflow.Action{note("It left {{ conversation.team | default: \"for none\" }}.")}})
		for i, want := range []string{"Ben", "Dov", "Ben"} {
			c := d.CustomerWrites("mara@customer.example", fmt.Sprintf("Lamp %d", i), "Broken.")
			d.Settle()
			expect(t, "team", d.Conversation(c.ID).TeamID, team.ID)
			run := onlyRun(t, d, c, heard)
			e := run.Effects[1]
			if e.Detail != "assign it to "+want || e.Pick == nil || e.Pick.Team != team.ID || len(e.Pick.Agents) != 2 || !strings.Contains(e.Because, want+", of the team Second line,") {
				t.Errorf("%d: %s, because %s, %+v", i, e.Detail, e.Because, e.Pick)
			}
			if again, why := workflow.Choose(*e.Pick, func(kind workflow.Ref, id int64) string {
				return map[int64]string{team.ID: "Second line", d.Agent("ben").ID: "Ben", d.Agent("dov").ID: "Dov"}[id]
			}); why != e.Because || again == 0 {
				t.Errorf("chosen again: %s", why)
			}
			var to []string
			for _, m := range d.Mails(c.ID) {
				if m.Aside && m.AgentID != 0 {
					to = append(to, fmt.Sprint(m.AgentID))
				}
			}
			slices.Sort(to)
			both := []string{idText(d.Agent("ben").ID), idText(d.Agent("dov").ID)}
			slices.Sort(both)
			expect(t, "mailed", fmt.Sprint(to), fmt.Sprint(both))
			if i == 2 {
				toTeam(d, c, billing.ID)
				d.Settle()
				onlyRun(t, d, c, gone)
				if m := d.Messages(c.ID); m[len(m)-1].Text != "It left Billing." {
					t.Errorf("the note: %q", m[len(m)-1].Text)
				}
				pages, err := d.Pages().Conversation(context.Background(), d.Agent("ann").Agent, query.ConversationAsk{Number: c.Number}, query.Place{Section: "desk"})
				d.Must(err)
				expect(t, "the page", pages.Head.Team, "Billing")
			}
		}
		_ = give
		_, err := d.Directory().SwitchTeam(d.Ctx, d.Agent("ann").Agent, team.ID, true)
		d.Must(err)
		c := d.CustomerWrites("mara@customer.example", "Lamp off", "Broken.")
		d.Settle()
		if run := onlyRun(t, d, c, give); run.State != postroom.RunFailed || !strings.Contains(run.Error, "switched off") {
			t.Errorf("to a team that is switched off: %s, %s", run.State, run.Error)
		}
	})
}

// W17: a workflow does not take a conversation from the team that a person has
// given it to since.
func TestTeamOvertaken(t *testing.T) {
	t.Parallel()
	desktest.Each(t, func(t *testing.T, d *desktest.Desk) {
		team, billing := d.AddTeam("Second line", "ben"), d.AddTeam("Billing", "ann")
		id := d.AddWorkflow("Give", workflow.Definition{When: workflow.When{Event: postroom.ConversationCreated}, Then: []workflow.Action{{Do: workflow.DoWait, For: "1h"}, {Do: workflow.DoTeam, Team: &team.ID}}})
		c := d.CustomerWrites("mara@customer.example", "Lamp", "Broken.")
		d.Settle()
		toTeam(d, c, billing.ID)
		d.Pass(2 * time.Hour)
		runs := d.Runs(c.ID, id)
		last := runs[len(runs)-1]
		e := last.Effects[len(last.Effects)-1]
		if e.Result != postroom.EffectOvertaken || e.Reason != "The team was changed since, by an agent." {
			t.Errorf("%+v", e)
		}
		expect(t, "its team", d.Conversation(c.ID).TeamID, billing.ID)
	})
}

// What is a team's of which nobody can be told is told to everybody: a new
// conversation that a workflow gives to agents who see only what is theirs.
func TestTeamThatCannotBeTold(t *testing.T) {
	t.Parallel()
	desktest.Each(t, func(t *testing.T, d *desktest.Desk) {
		dov := d.AddAgent("dov", postroom.Member)
		ann := d.Agent("ann")
		_, err := d.Directory().UpdateAgent(d.Ctx, ann.Agent, dov.ID, directory.AgentFields{Name: dov.Name, Email: dov.Email, Role: dov.Role, Mailboxes: []int64{d.Mailbox.ID},
			Rights: map[int64]postroom.Right{d.Mailbox.ID: {Most: postroom.Answer, OnlyAssigned: true}}})
		d.Must(err)
		team := d.AddTeam("Second line", "dov")
		for _, who := range []string{"ann", "dov"} {
			for _, kind := range []postroom.NotificationKind{postroom.NotifyNew, postroom.NotifyTeam} {
				d.Agent(who).Choose(kind, postroom.NotificationChoice{InPage: true})
			}
		}
		d.AddWorkflow("Give", on(postroom.ConversationCreated, workflow.Action{Do: workflow.DoTeam, Team: &team.ID}))
		c := d.CustomerWrites("mara@customer.example", "Lamp", "Broken.")
		d.Settle()
		expect(t, "its team", d.Conversation(c.ID).TeamID, team.ID)
		expect(t, "Ann is told", fmt.Sprint(ann.Told()), fmt.Sprint([]string{fmt.Sprintf("new %d", c.Number)}))
		expect(t, "Dov is told", len(d.Agent("dov").Told()), 0)
	})
}

// A team that is switched off is mailed nothing, and Why? says so.
func TestTeamThatIsOffIsNotMailed(t *testing.T) {
	t.Parallel()
	desktest.Each(t, func(t *testing.T, d *desktest.Desk) {
		team := d.AddTeam("Second line", "ben")
		id := d.AddWorkflow("Tell", on(postroom.ConversationCreated, workflow.Action{Do: workflow.DoMail, Team: &team.ID, Text: "Look."}))
		_, err := d.Directory().SwitchTeam(d.Ctx, d.Agent("ann").Agent, team.ID, true)
		d.Must(err)
		c := d.CustomerWrites("mara@customer.example", "Lamp", "Broken.")
		d.Settle()
		for _, m := range d.Mails(c.ID) {
			if m.Aside {
				t.Errorf("a mail to %+v", m.Recipients)
			}
		}
		if e := onlyRun(t, d, c, id).Effects[0]; e.Result != postroom.EffectSkipped || !strings.Contains(e.Reason, "the team Second line is switched off") {
			t.Errorf("%+v", e)
		}
	})
}

// The counter of a team's folder is right whatever becomes of a conversation:
// moved and back, deleted and restored, merged and parted, erased.
func TestTeamIsCounted(t *testing.T) {
	t.Parallel()
	desktest.Each(t, func(t *testing.T, d *desktest.Desk) {
		d.UndoWindow(10 * time.Second)
		team, ann := d.AddTeam("Second line", "ann"), d.Agent("ann").Agent
		sales := d.AddMailbox("Sales", "sales@acme.example", nil)
		a, b := d.CustomerWrites("mara@customer.example", "Lamp", "Broken."), d.CustomerWrites("bob@customer.example", "Chair", "Broken.")
		toTeam(d, a, team.ID)
		toTeam(d, b, team.ID)
		step := func(what string, want int, err error) {
			t.Helper()
			d.Must(err)
			expect(t, what, len(inTeam(d, "ann", team.ID)), want)
		}
		out, err := d.Desk.Move(d.Ctx, ann, a.ID, sales.ID, postroom.PathMenu)
		step("moved", 2, err)
		_, err = d.Desk.Undo(d.Ctx, ann, out.ActID)
		step("moved back", 2, err)
		out, err = d.Desk.Delete(d.Ctx, ann, a.ID, postroom.PathMenu)
		step("deleted", 1, err)
		_, err = d.Desk.Undo(d.Ctx, ann, out.ActID)
		step("deleted, undone", 2, err)
		_, err = d.Desk.Delete(d.Ctx, ann, a.ID, postroom.PathMenu)
		step("deleted again", 1, err)
		_, err = d.Desk.Restore(d.Ctx, ann, a.ID, postroom.PathMenu)
		step("restored", 2, err)
		out = merge(d, a, b)
		step("merged", 1, nil)
		_, err = d.Desk.Undo(d.Ctx, ann, out.ActID)
		step("parted", 2, err)
		merge(d, a, b)
		d.Pass(time.Minute)
		_, err = d.Desk.Delete(d.Ctx, ann, b.ID, postroom.PathMenu)
		step("merged and deleted", 0, err)
		d.Pass(time.Minute)
		_, err = d.Desk.EmptyTrash(d.Ctx, ann, 0)
		d.Must(err)
		d.Settle()
		step("erased", 0, nil)
	})
}
