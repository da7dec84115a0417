package view_test

import (
	"github.com/a-h/templ"

	"postroom"
	"postroom/internal/query"
	"postroom/internal/web/view"
)

// sampleFieldValues are the fields of a conversation, one of them refused.
func sampleFieldValues(refused bool) []query.FieldValue {
	choices := []query.Choice{{Value: "basic", Text: "Basic"}, {Value: "gold", Text: "Gold, with a name that goes on for quite a while"}}
	out := []query.FieldValue{
		{Path: "text.order_no", Kind: "text", Name: "Order number", Help: "It stands on the delivery note.", Value: "HB-55120-2026-KETTLE", Words: "HB-55120-2026-KETTLE"},
		{Path: "choice.plan", Kind: "choice", Name: "Plan", Value: "gold", Words: choices[1].Text, Choices: choices},
		{Path: "date.renewal", Kind: "date", Name: "Renewal", Value: "2026-12-31", Words: "2026-12-31"},
		{Path: "yes_no.gift", Kind: "yes_no", Name: "It is a gift", Words: "no"},
		{Path: "number.pieces", Kind: "number", Name: "Pieces"},
	}
	if refused {
		out[4].Typed, out[4].Error = "a dozen", "\"a dozen\" is not a whole number."
	}
	return out
}

func fieldSamples() map[string]templ.Component {
	s := func(path string) query.Shell { return sampleShell("mailboxes", "", path) }
	line := func(id int64, name, key, kind string) query.FieldLine {
		return query.FieldLine{ID: id, Name: name, Key: key, Kind: kind, Subject: "conversation"}
	}
	rows := []query.FieldLine{line(1, "Order number", "order_no", "text"), line(2, "Plan", "plan", "choice"), line(3, "Renewal", "renewal", "date")}
	rows[0].First, rows[2].Last, rows[0].Help = true, true, "It stands on the delivery note."
	rows[1].Choices, rows[1].Mailboxes = []string{"Basic", "Plus", "Gold", "Platinum", "Staff", "Press"}, []string{"Support"}
	gone := line(9, "Warehouse", "warehouse", "text")
	gone.DeletedAt = sampleNow - day
	one := query.FieldPage{Shell: s("/fields/2"), ID: 2, Subject: "conversation", Kind: "choice", Key: "plan", Name: "Plan", Help: "As on their invoice.",
		Choices:   []postroom.FieldOption{{Key: "basic", Name: "Basic"}, {Key: "gold", Name: "Gold"}, {Key: "old", Name: "Before 2024", Retired: true}},
		Mailboxes: []query.Choice{{Value: "1", Text: "Support"}, {Value: "2", Text: "Orders"}}, In: []string{"1"}, Values: 214, Used: []query.Choice{{Value: "41", Text: "Gold customers first"}}}
	refused := query.FieldPage{Shell: s("/fields/new"), Subject: "conversation", Kind: "choice", Key: "Plan!", Name: "Plan", Mailboxes: one.Mailboxes,
		Errors: query.FieldErrors{"key": "A key has small letters, digits and underscores, a letter first, and at most 40 of them.", "choices": "Write at least one value to choose from."}}
	wrong := sampleConversation("")
	wrong.Side.Fields = sampleFieldValues(true)
	return map[string]templ.Component{
		"fields": view.Fields(query.FieldsPage{Shell: s("/fields"), Subjects: []query.FieldsOf{{Subject: "conversation", Rows: rows},
			{Subject: "customer", Rows: []query.FieldLine{{ID: 7, Name: "Account manager", Key: "account_manager", Kind: "text", Subject: "customer", First: true, Last: true}}}}, Deleted: []query.FieldLine{gone}}),
		"fields-none":   view.Fields(query.FieldsPage{Shell: s("/fields"), Subjects: []query.FieldsOf{{Subject: "conversation"}, {Subject: "customer"}}}),
		"field":         view.Field(one),
		"field-new":     view.Field(refused),
		"field-refused": view.Conversation(wrong),
	}
}
