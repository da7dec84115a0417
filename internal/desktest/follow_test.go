package desktest_test

import (
	"fmt"
	"slices"
	"strconv"
	"testing"
	"time"

	"postroom"
	"postroom/internal/desktest"
	"postroom/internal/postoffice"
	"postroom/internal/store"
	"postroom/internal/workflow"
)

func followers(d *desktest.Desk, c *postroom.Conversation) []int64 {
	return d.Conversation(c.ID).Followers
}

func follow(t *testing.T, d *desktest.Desk, agent string, c *postroom.Conversation, follows bool) (changed bool) {
	t.Helper()
	out, err := d.Desk.Follow(d.Ctx, d.Agent(agent).Agent, c.ID, follows, postroom.PathMenu)
	if err != nil {
		t.Fatal(err)
	}
	return out.Changed
}

// TestFollowers are told of what the customer and colleagues write and of a mail
// that does not go out, once each and as followers only where they are not told
// already; never of what they do themselves. Following is no event.
func TestFollowers(t *testing.T) {
	t.Parallel()
	desktest.Each(t, func(t *testing.T, d *desktest.Desk) {
		ann, ben, c := d.Agent("ann"), d.Agent("ben"), firstMail(d)
		ann.Assign(c, ann.ID)
		d.Settle()
		ben.Read()
		before := len(d.Events(c.ID))
		if !follow(t, d, "ben", c, true) || follow(t, d, "ben", c, true) {
			t.Error("following changes something once")
		}
		follow(t, d, "ann", c, true)
		if got := followers(d, c); !slices.Equal(got, []int64{ann.ID, ben.ID}) && !slices.Equal(got, []int64{ben.ID, ann.ID}) {
			t.Fatalf("the followers are %v", got)
		}
		if now := len(d.Events(c.ID)); now != before {
			t.Errorf("following left %d events", now-before)
		}
		number := c.Number
		followed, answered := fmt.Sprintf("followed %d", number), fmt.Sprintf("answered %d", number)

		ann.Read()
		ann.Reply(c, "On its way.")
		d.Settle()
		expectTold(t, d, "ben", followed)
		expectTold(t, d, "ann")
		ben.Read()
		d.CustomerAnswers(d.ExpectMails("On its way.")[0], "Thank you.")
		expectTold(t, d, "ben", followed)
		expectTold(t, d, "ann", answered) // it is hers: told once, as such
		ben.Read()
		ann.Read()
		ben.AddNote(c, "Looks good.")
		d.Settle()
		expectTold(t, d, "ben")
		d.Office.Program(postoffice.Fault{Phase: postoffice.Rcpt, Action: postoffice.Lie, Reply: "550 5.1.1 No such user", Times: 1})
		ann.Reply(c, "Once more.")
		d.Settle()
		expectTold(t, d, "ben", followed, followed)

		ben.Read()
		follow(t, d, "ben", c, false)
		ann.AddNote(c, "For ourselves.")
		d.Settle()
		expectTold(t, d, "ben")
		if got := followers(d, c); !slices.Equal(got, []int64{ann.ID}) {
			t.Errorf("the followers are %v", got)
		}
	})
}

// TestFollowersKeepTheirRights: who may no longer see a conversation is told
// nothing of it and cannot follow it; who may only read can.
func TestFollowersKeepTheirRights(t *testing.T) {
	t.Parallel()
	desktest.Each(t, func(t *testing.T, d *desktest.Desk) {
		ann, ben, c := d.Agent("ann"), d.Agent("ben"), firstMail(d)
		ann.Assign(c, ann.ID)
		follow(t, d, "ben", c, true)
		d.Settle()
		ben.Read()
		right := func(set string) *postroom.Agent {
			t.Helper()
			d.SQL("update mailbox_agent set "+set+" where agent_id = $1", ben.ID)
			now, err := d.Store.Read().Agent(d.Ctx, ben.ID)
			if err != nil {
				t.Fatal(err)
			}
			return now
		}
		right("rights = 'see'")
		ann.AddNote(c, "One.")
		d.Settle()
		expectTold(t, d, "ben", fmt.Sprintf("followed %d", c.Number))
		ben.Read()
		now := right("only_assigned = 1")
		ann.AddNote(c, "Two.")
		d.Settle()
		expectTold(t, d, "ben")
		if _, err := d.Desk.Follow(d.Ctx, now, c.ID, false, postroom.PathMenu); postroom.CodeOf(err) != postroom.NotFound {
			t.Errorf("who may not see it gets %v", err)
		}
	})
}

// TestFollowWhatOneWrites: an agent may choose to; an undo of the note or reply
// takes the following along.
func TestFollowWhatOneWrites(t *testing.T) {
	t.Parallel()
	desktest.Each(t, func(t *testing.T, d *desktest.Desk) {
		d.UndoWindow(10 * time.Second)
		c := firstMail(d)
		d.Agent("ben").AddNote(c, "Without.")
		if got := followers(d, c); len(got) > 0 {
			t.Fatalf("who has not chosen so follows: %v", got)
		}
		d.Write(func(tx *store.Tx) error { return tx.SetFollowsOwn(d.Ctx, d.Agent("ben").ID, true) })
		chosen, err := d.Store.Read().Agent(d.Ctx, d.Agent("ben").ID)
		if err != nil {
			t.Fatal(err)
		}
		ben := d.Agent("ben")
		ben.Agent = chosen
		out := ben.AddNote(c, "With.")
		expect(t, "followers", len(followers(d, c)), 1)
		ben.Undo(out)
		expect(t, "followers after an undo", len(followers(d, c)), 0)
		ben.Reply(c, "Hello.")
		expect(t, "followers after a reply", len(followers(d, c)), 1)
		d.Pass(time.Minute)
		for _, e := range d.EventsOf(c.ID, postroom.ReplySent) {
			if len(e.After.Followers) > 0 {
				t.Errorf("the reply was sent with the followers %v", e.After.Followers)
			}
		}
	})
}

// W10: a workflow lets agents follow, and follow no more; who may not see the
// conversation is passed over, what is so already changes nothing, and it is no
// event that another workflow hears of. Conditions can ask who follows and which
// agent did it.
func TestWorkflowLetsAgentsFollow(t *testing.T) {
	t.Parallel()
	desktest.Each(t, func(t *testing.T, d *desktest.Desk) {
		ann, ben := d.Agent("ann"), d.Agent("ben")
		gone := d.AddAgent("gus", postroom.Member)
		d.SQL("delete from mailbox_agent where agent_id = $1", gone.ID)
		id := d.AddWorkflow("Ben looks on", on(postroom.ConversationCreated, workflow.Action{Do: workflow.DoFollow, Agents: []int64{ben.ID, gone.ID}}))
		again := d.AddWorkflow("Twice", on(postroom.ConversationCreated, workflow.Action{Do: workflow.DoFollow, Agents: []int64{ben.ID}}))
		c := firstMail(d)
		d.Settle()
		if e := onlyRun(t, d, c, id).Effects[0]; e.Result != postroom.EffectDone || e.Reason != "Gus may not see it and does not follow it." {
			t.Errorf("the effect is %s: %s", e.Result, e.Reason)
		}
		expect(t, "the second time", onlyRun(t, d, c, again).Effects[0].Result, postroom.EffectNothing)
		if got := followers(d, c); !slices.Equal(got, []int64{ben.ID}) {
			t.Fatalf("the followers are %v", got)
		}
		byBen := on(postroom.NoteAdded, workflow.Action{Do: workflow.DoFollow, Unfollow: []int64{ben.ID}})
		byBen.If = workflow.Cond{All: []workflow.Cond{
			{Fact: "conversation.followers", Op: workflow.HasAny, Values: []string{strconv.FormatInt(ben.ID, 10)}},
			{Fact: "event.agent", Op: workflow.Is, Values: []string{strconv.FormatInt(ben.ID, 10)}}}}
		leaves := d.AddWorkflow("Ben has seen it", byBen)
		ann.AddNote(c, "Have a look.")
		d.Settle()
		expect(t, "runs by Ann's note", len(d.Runs(c.ID, leaves)), 0)
		ben.AddNote(c, "Seen.")
		d.Settle()
		expect(t, "runs by Ben's note", len(d.Runs(c.ID, leaves)), 1)
		expect(t, "followers", len(followers(d, c)), 0)
	})
}
