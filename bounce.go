package postroom

// ReturnKind says what a report that came back says of a recipient of a mail
// that was sent.
type ReturnKind string

// The kinds.
const (
	Bounced    ReturnKind = "bounced"    // it will not reach them: RFC 3464 "failed"
	Delayed    ReturnKind = "delayed"    // a server still tries
	Delivered  ReturnKind = "delivered"  // it was delivered, relayed or passed on to a list
	Complained ReturnKind = "complained" // they called it unwanted (RFC 5965)
)

// Event returns the kind of event with which a mark of this kind is recorded
// on the conversation, "" if it only stands on the mail's journey.
func (k ReturnKind) Event() EventKind {
	switch k {
	case Bounced:
		return MailBounced
	case Complained:
		return MailComplained
	}
	return ""
}

// MailReturn is a mark on one recipient of a mail, made by a report that came
// back after it was accepted (B3, B7). There is at most one of each kind.
type MailReturn struct {
	MailID    int64
	Address   string // canonical; "" where the report names nobody
	Kind      ReturnKind
	Status    string // enhanced status code as in 5.1.1 (RFC 3463), "" if none was given
	Words     string // what the report says, in one line
	MessageID int64  // the message that is the report
	At        int64  // milliseconds since 1970, UTC
}

// SuppressedBy says what stopped automatic mail to an address.
type SuppressedBy string

// What can stop it.
const (
	SuppressedByBounce    SuppressedBy = "bounced"    // mail to it came back; a message from it ends that
	SuppressedByComplaint SuppressedBy = "complained" // only an agent ends that
)
