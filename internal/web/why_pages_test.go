package web_test

import (
	"fmt"
	"strings"
	"testing"

	"postroom"
	"postroom/internal/desktest"
)

// Links to what is older than the newest hundred events of a conversation lead to
// the page of Why? that holds it, from where one reads on in both directions.
func TestWhyPageHoldsWhatIsLookedFor(t *testing.T) {
	t.Parallel()
	desktest.Each(t, func(t *testing.T, d *desktest.Desk) {
		d.ClosingNotice()
		o := open(t, d)
		ann := o.browser("ann")
		c := d.CustomerWrites("Mara <mara@customer.example>", "A lamp", "It smokes.")
		for range 60 {
			for _, s := range []postroom.Status{postroom.Closed, postroom.Active} {
				if _, err := d.Desk.SetStatus(d.Ctx, d.Agent("ann").Agent, c.ID, s, postroom.PathMenu); err != nil {
					t.Fatal(err)
				}
			}
		}
		all := d.EventsOf(c.ID, postroom.StatusChanged)
		anchor := func(e postroom.Event) string { return fmt.Sprintf(`id="event-%d"`, e.ID) }
		first, last := all[0], all[len(all)-1]
		newest := ann.get(conversationPath(c, "/why"))
		if strings.Contains(newest.body, anchor(first)) || !strings.Contains(newest.body, anchor(last)) || !newest.has("Older events") || newest.has("The newest") {
			t.Error("the page does not begin with the newest events, or does not lead on")
		}
		at := conversationPath(c, fmt.Sprintf("/why?at=%d", first.ID))
		if r := ann.get(fmt.Sprintf("/events/%d/why", first.ID)); !strings.HasPrefix(r.header.Get("Location"), at) {
			t.Errorf("the event leads to %s", r.header.Get("Location"))
		}
		if r := ann.get(at); !strings.Contains(r.body, anchor(first)) || strings.Contains(r.body, anchor(last)) || !r.has("The newest") {
			t.Error("the page does not hold the event that it is to hold")
		}
		for _, id := range []int64{last.ID, 1 << 40} {
			if r := ann.get(conversationPath(c, fmt.Sprintf("/why?at=%d", id))); !strings.Contains(r.body, anchor(last)) || r.has("The newest") {
				t.Error("a newest event, or one that there is not, leads elsewhere")
			}
		}
	})
}
