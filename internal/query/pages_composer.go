package query

// Composer is the form under a conversation: POST /conversations/{number}/reply
// or /note. Refused (422) it comes back with everything that was typed.
type Composer struct {
	Number int64
	// Key makes the element id "composer-NUMBER-KEY" that the live client
	// holds on to: the draft's id, or "new-N" while there is none, where N is
	// the id of this agent's newest message in the conversation (0 if none),
	// so that a sent reply is followed by an empty form and nothing else is. A
	// refused form keeps the key it came with (its draft field, or "new-N"):
	// under another key the browser replaces what was typed by Body.
	Key      string
	Draft    int64 // 0 = none saved yet
	Revision int64 // of the saved draft
	SavedAt  int64
	Kind     string // "reply" or "note"
	Open     bool   // show the form opened: there is a draft, ?compose=, or a refusal

	From        string // address it goes out as
	To, Cc, Bcc []Address
	Known       []Address // suggestions for the chips: everybody who took part
	Subject     string    // the mail's subject; hidden unless asked
	Body        string
	Format      string // of Body: "text" or "html"
	Signature   string // HTML shown under the editor, appended at sending
	Attachments []Attachment

	Status   string // chosen beside Send; "" = leave as it is
	Assignee string // agent id, "0" = nobody, "" = leave as it is
	Propose  Proposal
	Agents   []Choice
	Seen     int64  // Head.LastSeq when the form was drawn
	Return   string // list of Place: where "send and list" leads
	UndoMS   int64  // the mailbox's undo window

	// Told: the conversation is closed and the customer has the notice, or
	// will get it before this reply (W26). The sentence for the agent.
	Told string
	// Stale: a newer message, or a colleague's reply, came while this was
	// written. The form asks once; sending again carries anyway=1.
	Stale  *Stale
	Errors FieldErrors // to, cc, bcc, subject, body, file, or ""
}

// Proposal is what the mailbox proposes for after a reply; in a note's form
// nothing is proposed, and who turns a note into a reply finds it again.
type Proposal struct {
	Status   string
	Assignee string
}

// Stale says what arrived meanwhile.
type Stale struct {
	Words   string // "Mara Lind wrote 2 minutes ago"
	Preview string
	Message int64 // id, for a link to it
}

// UploadedFile is the answer to POST /uploads: one chip of the composer
// (view.UploadChip), 201; refused: 422 with Error set.
type UploadedFile struct {
	Attachment Attachment
	URL        string // where a picture can be seen: /attachments/ID/NAME?inline=1
}
