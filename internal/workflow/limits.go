package workflow

import (
	"fmt"

	"postroom"
)

// OncePer says how often a workflow may run on one conversation.
type OncePer string

// The choices. Once per event always holds; the others are chosen.
const (
	OncePerEvent        OncePer = "event"        // the default, also for ""
	OncePerClose        OncePer = "close"        // once from one close to the next
	OncePerConversation OncePer = "conversation" // once for ever
)

// Limits keep a workflow from doing too much (W12). The zero value is the
// default.
type Limits struct {
	// OncePer is how often it runs on one conversation.
	OncePer OncePer `json:"once_per,omitempty"`
	// CoolDown is how many minutes must pass on one conversation after a run
	// before the next; 0 is none.
	CoolDown int `json:"cool_down,omitempty"`
	// MailsPerConversationDay caps the mails that only machines caused, per
	// conversation and 24 hours; 0 is DefaultMailsPerConversationDay.
	MailsPerConversationDay int `json:"mails_per_conversation_day,omitempty"`
	// Runs is how often it runs on one conversation within Period minutes; 0 is
	// any number.
	Runs   int `json:"runs,omitempty"`
	Period int `json:"period,omitempty"`
	// MailBudget is how many mails it may send in all within 24 hours; when it
	// would send one more it is paused (W23). 0 is DefaultMailBudget.
	MailBudget int `json:"mail_budget,omitempty"`
}

// The bounds of Limits.
const (
	DefaultMailsPerConversationDay = 3
	MaxMailsPerConversationDay     = 50
	MaxCoolDown                    = 366 * 24 * 60 // minutes
	MaxPeriod                      = 366 * 24 * 60 // minutes
	MaxRuns                        = 1000
	DefaultMailBudget              = 10_000 // mails in 24 hours
	MaxMailBudget                  = 1_000_000
)

// Counters is what Limits are held against: recorded inputs of one workflow on
// one conversation, all counted before the event being judged.
type Counters struct {
	RunsSinceClose int   // runs for events from the latest close on, itself included; the event judged may be that close
	Runs           int   // runs on the conversation, ever
	LastRunAt      int64 // milliseconds of the last run's event, 0 if there was none
	RunsInPeriod   int   `json:",omitempty"` // runs for events within the limits' period before the event
}

// Used reports whether the limits forbid another run at the given time in
// milliseconds, and why, as a sentence.
func (l Limits) Used(c Counters, at int64) (bool, string) {
	switch {
	case l.OncePer == OncePerConversation && c.Runs > 0:
		return true, "It has already run on this conversation, and it runs once per conversation."
	case l.OncePer == OncePerClose && c.RunsSinceClose > 0:
		return true, "It has already run since this conversation was closed, and it runs once per close."
	case l.CoolDown > 0 && c.LastRunAt > 0 && at-c.LastRunAt < int64(l.CoolDown)*60_000:
		return true, "Its last run was less than " + minutes(l.CoolDown) + " ago."
	}
	if l.Runs > 0 && c.RunsInPeriod >= l.Runs {
		return true, fmt.Sprintf("It has already run %d times on this conversation within %s.", c.RunsInPeriod, minutes(l.Period))
	}
	return false, ""
}

// Budget returns how many mails it may send within 24 hours.
func (l Limits) Budget() int {
	if l.MailBudget == 0 {
		return DefaultMailBudget
	}
	return l.MailBudget
}

// moreLimits checks the limits that are numbers of runs and mails.
func (c *compiler) moreLimits(l Limits) {
	switch {
	case l.Runs < 0 || l.Runs > MaxRuns:
		c.fault("limits.runs", "Between 1 and %d runs are possible; 0 stands for any number.", MaxRuns)
	case l.Period < 0 || l.Period > MaxPeriod:
		c.fault("limits.period", "The period is between 1 and %d minutes.", MaxPeriod)
	case l.Runs > 0 && l.Period == 0:
		c.fault("limits.period", "Say within what time.")
	case l.Runs == 0 && l.Period > 0:
		c.fault("limits.runs", "Say how often.")
	}
	if l.MailBudget < 0 || l.MailBudget > MaxMailBudget {
		c.fault("limits.mail_budget", "Between 1 and %d mails are possible; 0 stands for the default, %d.", MaxMailBudget, DefaultMailBudget)
	}
}

// MailCap returns how many mails that only machines caused a conversation may
// get in 24 hours.
func (l Limits) MailCap() int {
	if l.MailsPerConversationDay == 0 {
		return DefaultMailsPerConversationDay
	}
	return l.MailsPerConversationDay
}

// MailAllowed reports whether another mail may be sent on a conversation that
// had the given number of machine-caused mails in the last 24 hours. root is
// the actor of the chain's first event: a mail that an agent's or an API
// client's act set off is not counted here (W12), only by the breaker. A mail
// that is not allowed becomes a row "skipped: limit".
func (l Limits) MailAllowed(root postroom.Actor, machineMails int) bool {
	return !MachineCaused(root) || machineMails < l.MailCap()
}

// MachineCaused reports whether no agent and no API client stands at the
// beginning of a chain. A customer's mail does not count as such a cause: what
// answers it is automatic, and two automatic desks must come to rest.
func MachineCaused(root postroom.Actor) bool {
	return root.Kind != postroom.ByAgent && root.Kind != postroom.ByToken
}
