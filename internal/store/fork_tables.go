package store

// ForkTable says what of one table goes into a fork of the desk (W39).
type ForkTable struct {
	Name string
	// Rows are the rows that go with it: "" is none, "all" is all, and
	// everything else a condition in which %s stands for the list of the chosen
	// conversations.
	Rows string
	// Instead are the columns that do not go with it, and what stands in their
	// place.
	Instead map[string]any
	// Why says why nothing of the table goes.
	Why string
}

// ForkHost is the server of every mailbox in a fork. No name server knows the
// name (RFC 6761); a fork has one way out, whatever a mailbox says.
const ForkHost = "sandbox.invalid"

// ofChosen are the rows that name a chosen conversation.
const ofChosen = "conversation_id in (%s)"

// unleased is what a row has that nobody works on.
var unleased = map[string]any{"lease": 0, "lease_until": 0, "owner": 0}

// ForkTables is the list of all tables, in an order in which what is referred
// to comes before what refers to it. A table that is not in it does not go: a
// test asks for a row, so that somebody decides.
func ForkTables() []ForkTable {
	return []ForkTable{
		// The desk itself.
		{Name: "agent", Rows: "all", Instead: map[string]any{"password": ""}},
		{Name: "mailbox", Rows: "all", Instead: map[string]any{"host": ForkHost, "port": 25, "security": "none", "username": "", "password": "", "auth": "password", "connections": 0, "per_minute": 0}},
		{Name: "calendar", Rows: "all"},
		{Name: "calendar_revision", Rows: "all"},
		{Name: "webhook_secret", Rows: "all", Instead: map[string]any{"sealed": "", "old_sealed": ""}},
		{Name: "promise", Rows: "all"},
		{Name: "promise_version", Rows: "all"},
		{Name: "mailbox_agent", Rows: "all"},
		{Name: "agent_address", Rows: "all"},
		{Name: "team", Rows: "all"},
		{Name: "team_member", Rows: "all"},
		{Name: "tag", Rows: "all"},
		{Name: "field", Rows: "all"},
		{Name: "notification_choice", Rows: "all"},
		{Name: "notification_mute", Rows: "all"},
		{Name: "workflow", Rows: "all"},
		{Name: "workflow_version", Rows: "all"},
		{Name: "workflow_set", Rows: "all"},
		{Name: "workflow_draft", Rows: "all"},
		{Name: "workflow_test", Rows: "all"},
		{Name: "schedule", Rows: "all", Instead: unleased},
		{Name: "listened_kind", Rows: "all"},
		{Name: "assign_turn", Rows: "all"},

		// The chosen conversations.
		{Name: "customer", Rows: "id in (select customer_id from conversation where id in (%[1]s)) or id in (select author_id from message where author_kind = 'customer' and " + "conversation_id in (%[1]s))"},
		{Name: "customer_address", Rows: "customer_id in (select customer_id from conversation where id in (%[1]s)) or customer_id in (select author_id from message where author_kind = 'customer' and " + "conversation_id in (%[1]s))"},
		{Name: "conversation", Rows: "id in (%s)"},
		{Name: "conversation_tag", Rows: ofChosen},
		{Name: "field_text", Rows: ofChosen},
		{Name: "conversation_left", Rows: ofChosen},
		{Name: "participant", Rows: ofChosen},
		{Name: "inbound", Rows: "state = 'done' and id in (select inbound_id from message where conversation_id in (%s) and inbound_id > 0)", Instead: map[string]any{"remote": ""}},
		{Name: "message", Rows: ofChosen},
		{Name: "message_ref", Rows: ofChosen},
		{Name: "message_text", Rows: "message_id in (select id from message where conversation_id in (%s))"},
		{Name: "attachment", Rows: "message_id in (select id from message where conversation_id in (%s))"},
		{Name: "act", Rows: ofChosen},
		{Name: "event", Rows: ofChosen},
		{Name: "run", Rows: ofChosen},
		{Name: "timer", Rows: ofChosen, Instead: map[string]any{"lease": 0, "owner": 0}},
		{Name: "promise_watch", Rows: ofChosen, Instead: map[string]any{"lease": 0, "owner": 0}},
		{Name: "mail", Rows: ofChosen, Instead: unleased},
		{Name: "mail_recipient", Rows: "mail_id in (select id from mail where conversation_id in (%s))"},
		{Name: "mail_return", Rows: "mail_id in (select id from mail where conversation_id in (%s))"},
		{Name: "rating", Rows: ofChosen},
		{Name: "attempt", Rows: "mail_id in (select id from mail where conversation_id in (%s))", Instead: map[string]any{"dialogue": "[]"}},
		{Name: "lane", Rows: "kind in ('judge', 'wake') and id in (%s)", Instead: unleased},

		// What stays on the desk.
		{Name: "meta", Why: "what processes remember of themselves"},
		{Name: "session", Why: "who is signed in"},
		{Name: "channel", Why: "the state of the real ways out"},
		{Name: "incoming", Why: "connections to the real mailboxes, with passwords"},
		{Name: "incoming_folder", Why: "belongs to those connections"},
		{Name: "connection_slot", Why: "belongs to those connections"},
		{Name: "sent_errand", Why: "belongs to those connections"},
		{Name: "authority", Why: "secrets of apps at providers"},
		{Name: "sign_in", Why: "tokens"},
		{Name: "consent", Why: "half of a sign-in"},
		{Name: "webhook_call", Why: "calls to the outside, with what they say"},
		{Name: "webhook_attempt", Why: "belongs to those calls"},
		{Name: "rating_count", Why: "counts of the desk's ratings; they begin anew"},
		{Name: "promise_count", Why: "counts of the desk's promises; they begin anew"},
		{Name: "system_mail", Why: "a way out, with its password"},
		{Name: "trial", Why: "mails to oneself while a mailbox is set up"},
		{Name: "draft", Why: "belongs to its author alone"},
		{Name: "edit_draft", Why: "belongs to its author alone"},
		{Name: "notification", Why: "what agents of the desk were told"},
		{Name: "telling", Why: "what agents of the desk are to be told"},
		{Name: "backtest", Why: "what versions would have done to all of the desk's past"},
		{Name: "backtest_line", Why: "belongs to those"},
		{Name: "job", Why: "work on the desk, not on the fork"},
		{Name: "alarm", Why: "what is wrong with the desk"},
		{Name: "log_entry", Why: "what happened to the desk"},
		{Name: "rate_bucket", Why: "counts by address; they begin anew"},
		{Name: "erased_blob", Why: "files of the desk"},
		{Name: "process", Why: "processes of the desk"},
		{Name: "folder_count", Why: "counted anew"},
		{Name: "id_block", Why: "set so that no id is given twice"},
		{Name: "number_counter", Why: "set so that no number is given twice"},
	}
}
