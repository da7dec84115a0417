package react_test

import (
	"testing"

	"postroom"
	"postroom/internal/desktest"
	"postroom/internal/store"
)

// TestAnAnswerIsDecidedAgain: an answer was decided on what the conversation
// and the agent were; where either has changed before it is carried out,
// nothing is done, and it is decided again.
func TestAnAnswerIsDecidedAgain(t *testing.T) {
	t.Parallel()
	desktest.Each(t, func(t *testing.T, d *desktest.Desk) {
		for name, happens := range map[string]func(c *postroom.Conversation){
			"the status changes": func(c *postroom.Conversation) {
				d.Agent("ben").SetStatus(c, postroom.Pending, postroom.PathMenu)
			},
			"the agent is disabled": func(*postroom.Conversation) {
				d.Write(func(tx *store.Tx) error {
					ann := *d.Agent("ann").Agent
					ann.Disabled = true
					return tx.UpdateAgent(d.Ctx, &ann)
				})
			},
			"nothing": func(*postroom.Conversation) {},
		} {
			d.Write(func(tx *store.Tx) error { return tx.UpdateAgent(d.Ctx, d.Agent("ann").Agent) })
			c := d.CustomerWrites("Jane <jane@customer.example>", "Printer", "It burns.")
			told := d.Notify("ann", c)
			d.Accept("ann@acme.example", []string{told.ReplyTo}, desktest.AnswerLetter{To: told, Text: "@close\nPull the plug."}.Raw(d))
			err := d.React.AnswerAfter(d.Ctx, d.LastInbound(), func() { happens(c) })
			replies := d.Conversation(c.ID).Replies
			if quiet := name == "nothing"; quiet != (err == nil) || quiet != (replies == 1) || !quiet && postroom.CodeOf(err) != postroom.Conflict {
				t.Errorf("%s: %v, %d replies", name, err, replies)
			}
			d.Settle()
			d.Arrived()
		}
	})
}
