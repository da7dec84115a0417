package postroom_test

import (
	"testing"

	"postroom"
)

func TestWhoseNameCustomersSee(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		form              postroom.SenderForm
		team, agent, want string
	}{
		{postroom.SenderAgent, "Brightwater", "Ann Baker", "Ann Baker"},
		{postroom.SenderAgent, "Brightwater", "", "Brightwater"}, // a notice comes from the team
		{postroom.SenderTeam, "Brightwater", "Ann Baker", "Brightwater"},
		{postroom.SenderTeam, "", "Ann Baker", "Support"},
		{postroom.SenderBoth, "Brightwater", "Ann Baker", "Ann at Brightwater"},
		{postroom.SenderBoth, "", "Ann", "Ann at Support"},
		{postroom.SenderBoth, "", "", "Support"},
		{"", "Brightwater", "Ann Baker", "Brightwater"}, // as before there was a choice
		{"", "", "Ann Baker", "Ann Baker"},
	} {
		m := postroom.Mailbox{Name: "Support", SenderName: c.team, SenderForm: c.form}
		if got := m.Sender(c.agent); got != c.want {
			t.Errorf("%q of %q for %q is %q, want %q", c.form, c.team, c.agent, got, c.want)
		}
	}
}
