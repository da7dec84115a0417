package web_test

import (
	"net/url"
	"strconv"
	"testing"

	"postroom"
	"postroom/internal/desk"
	"postroom/internal/desktest"
	"postroom/internal/store"
	"postroom/internal/web"
)

// The bell counts, the list shows, and reading a conversation marks what it
// told as read, up to what was seen and no further.
func TestBell(t *testing.T) {
	t.Parallel()
	desktest.Each(t, func(t *testing.T, d *desktest.Desk) {
		o := open(t, d)
		ben := o.browser("ben")
		if !ben.get("/notifications").want(t, 200, "an empty list").has("Nothing yet") {
			t.Error("an empty list does not say so")
		}
		c := d.CustomerWrites("Mara Lind <mara@example.org>", "Lamp broken", "It does not light.")
		d.Agent("ann").Assign(c, d.Agent("ben").ID)
		d.Settle()
		list := ben.get("/notifications").want(t, 200, "list")
		for _, text := range []string{"Mara Lind began a conversation", "It does not light.", "Ann assigned it to you", "2 unread notifications"} {
			if !list.has(text) {
				t.Errorf("the list does not say %q", text)
			}
		}
		if !ben.get("/fragments/counts").want(t, 200, "counts").has("2 unread notifications") {
			t.Error("the counts that live pages read do not have the bell")
		}
		told, err := d.Store.Read().Notifications(d.Ctx, store.NotificationAsk{Agent: d.Agent("ben").ID, Scope: store.Scope{All: true}, Limit: 9})
		if err != nil || len(told) != 2 {
			t.Fatalf("%d notifications, %v", len(told), err)
		}
		first := "/notifications/" + strconv.FormatInt(told[1].ID, 10)
		ben.post(first+"/read", url.Values{}).want(t, 303, "read one")
		ben.post(first+"/unread", url.Values{}).want(t, 303, "and unread again")
		o.browser("ann").post(first+"/read", url.Values{}).want(t, 303, "somebody else's")
		if got := len(d.Agent("ben").Told()); got != 2 {
			t.Fatalf("%d are unread", got)
		}
		ben.post(conversationPath(c, "/seen"), url.Values{"seq": {strconv.FormatInt(told[1].Seq, 10)}}).want(t, 303, "seen up to the first")
		expect(t, d, "ben", "assigned 1")
		page := ben.get(conversationPath(c, "")).want(t, 200, "conversation")
		if got := attribute(page.find("data-controller", "seen"), "data-seen-seq-value"); got != strconv.FormatInt(told[0].Seq, 10) {
			t.Errorf("the page would mark up to %q", got)
		}
		back := ben.post("/notifications/read", url.Values{"until": {strconv.FormatInt(d.Store.Now(), 10)}}).want(t, 303, "read all")
		expect(t, d, "ben")
		place, err := url.Parse(back.header.Get("Location"))
		if err != nil {
			t.Fatal(err)
		}
		ben.post("/notifications/unread", url.Values{"at": {place.Query().Get("undo")}}).want(t, 303, "undo")
		if len(d.Agent("ben").Told()) == 0 {
			t.Error("nothing is unread again")
		}
	})
}

func expect(t *testing.T, d *desktest.Desk, agent string, want ...string) {
	t.Helper()
	got := d.Agent(agent).Told()
	if len(got) != len(want) || len(got) > 0 && got[0] != want[0] {
		t.Errorf("%s has unread %q, not %q", agent, got, want)
	}
}

// What an agent chooses holds for them; what an admin chooses for those who
// have not chosen, and only an admin may.
func TestChoosingNotifications(t *testing.T) {
	t.Parallel()
	desktest.Each(t, func(t *testing.T, d *desktest.Desk) {
		o := open(t, d)
		ann, ben := o.browser("ann"), o.browser("ben")
		ben.post("/agents/notifications", url.Values{"page": {"new"}}).want(t, 403, "a member sets the default")
		ann.post("/agents/notifications", url.Values{"page": {"assigned"}, "mail": {"new", "no such kind"}}).want(t, 303, "the default")
		ann.post("/profile/notifications", url.Values{"page": {"new"}, "mute": {"4711"}}).want(t, 303, "her own")
		choices := func(name string) map[postroom.NotificationKind]postroom.NotificationChoice {
			chosen, err := d.Store.Read().NotificationChoices(d.Ctx, d.Agent(name).ID)
			if err != nil {
				t.Fatal(err)
			}
			return chosen
		}
		if got := choices("ben"); got[postroom.NotifyNew] != (postroom.NotificationChoice{ByMail: true}) || got[postroom.NotifyAssigned] != (postroom.NotificationChoice{InPage: true}) {
			t.Errorf("Ben: %v", got)
		}
		if got := choices("ann"); got[postroom.NotifyNew] != (postroom.NotificationChoice{InPage: true}) || got[postroom.NotifyAssigned] != (postroom.NotificationChoice{}) {
			t.Errorf("Ann: %v", got)
		}
		ann.post("/profile/notifications", url.Values{"default": {"1"}}).want(t, 303, "as the desk does")
		if got := choices("ann"); got[postroom.NotifyNew] != (postroom.NotificationChoice{ByMail: true}) {
			t.Errorf("Ann again: %v", got)
		}
		if !ben.get("/profile").want(t, 200, "profile").has("The customer answers me") {
			t.Error("the profile does not ask")
		}
	})
}

// Only the agent who was told hears that there is something new.
func TestNotificationKey(t *testing.T) {
	t.Parallel()
	if got := web.Keys(desk.Change{Kind: "notification", AgentID: 7}); len(got) != 1 || got[0] != "notifications|agent=7" {
		t.Errorf("%q", got)
	}
}
