package smtpout

import (
	"slices"
	"strings"
)

// Class is what a fault asks for.
type Class string

// The classes.
const (
	Retry          Class = "retry"           // try this mail again later
	ChannelSlow    Class = "channel_slow"    // try again, and slow the whole channel
	FailRecipients Class = "fail_recipients" // give up on these recipients
	ChannelPause   Class = "channel_pause"   // stop sending for a while, tell people; the mails wait
	ChannelStop    Class = "channel_stop"    // the sign-in is wrong: stop until somebody mends it; the mails wait
)

// Channel says whether the class is about the channel and not about one mail.
func (c Class) Channel() bool {
	return c == ChannelSlow || c == ChannelPause || c == ChannelStop
}

// rule is one line of the table: every field that is set must fit.
type rule struct {
	phases   []Phase // any of them; none means every phase
	codes    [2]int  // from, to
	enhanced []string
	words    []string // any of them in the text, lower case
	class    Class
}

// mailPhases are those in which a 5xx can be about the mail.
func mailPhases() []Phase {
	return []Phase{PhaseMail, PhaseRcpt, PhaseData, PhaseBody, PhaseAnswer}
}

// table is read from the top; the first line that fits decides. A fault with
// a 5xx that no line fits fails its recipients, every other is tried again.
// RFC 5321 section 4.2.1, RFC 3463, RFC 4954, RFC 7372 and what large
// providers write in practice.
func table() []rule {
	mail := mailPhases()
	return []rule{
		// The sign-in: every mail of the channel would meet the same.
		{phases: []Phase{PhaseAuth}, codes: [2]int{500, 599}, class: ChannelStop},
		{codes: [2]int{530, 530}, class: ChannelStop}, // authentication required
		{codes: [2]int{534, 535}, class: ChannelStop}, // mechanism too weak, credentials invalid
		{codes: [2]int{538, 538}, class: ChannelStop}, // encryption required for the mechanism

		// Too fast: the mail is fine, the channel is not. Too many recipients
		// in one mail is no such thing: the rest goes with the next try.
		{codes: [2]int{400, 499}, enhanced: []string{"4.5.3"}, class: Retry},
		{codes: [2]int{400, 499}, words: []string{"too many recipients"}, class: Retry},
		{codes: [2]int{400, 499}, enhanced: []string{"4.7.28", "4.3.2", "4.4.5"}, class: ChannelSlow},
		{codes: [2]int{400, 499}, words: rateWords(), class: ChannelSlow},

		// Unmistakable words about the account, which some servers give with
		// a code that elsewhere means the recipient.
		{codes: [2]int{500, 599}, words: []string{"submissionquotaexceeded", "outboundspam", "sendasdenied", "daily user sending"}, class: ChannelPause},

		// The recipient, whatever else the words say: "Recipient address
		// rejected: Access denied" is a large provider's "no such user".
		{phases: mail, codes: [2]int{500, 599}, enhanced: recipientCodes(), class: FailRecipients},
		{phases: mail, codes: [2]int{500, 599}, words: recipientWords(), class: FailRecipients},

		// The sending host or account: reputation, quota, permission.
		{codes: [2]int{500, 599}, enhanced: accountCodes(), class: ChannelPause},
		{codes: [2]int{500, 599}, words: accountWords(), class: ChannelPause},

		// What is wrong with this one mail, before the word "policy" counts.
		{phases: mail, codes: [2]int{500, 599}, words: contentWords(), class: FailRecipients},
		{codes: [2]int{500, 599}, words: policyWords(), class: ChannelPause},

		// The rest of what a server says for good about a mail.
		{phases: mail, codes: [2]int{500, 599}, class: FailRecipients},
	}
}

// rateWords mean that we send too fast or too much at once.
func rateWords() []string {
	return []string{
		"rate limit", "ratelimit", "rate-limit", "rate control", "too many", "too fast", "too much mail",
		"throttl", "slow down", "try again later, closing", "temporarily deferred", "exceeded the rate",
		"sending rate", "message rate", "connection rate", "limit exceeded", "exceeded limit", "sending quota",
		"message quota", "daily limit", "per day", "per hour", "unusual rate", "concurrent", "traffic",
	}
}

// accountCodes are enhanced status codes about the sender's host, domain or
// account (IANA's registry, and the private ranges of large providers).
func accountCodes() []string {
	return []string{
		"5.4.5",                      // daily sending quota
		"5.1.8",                      // the sender's system is refused
		"5.7.20", "5.7.21", "5.7.22", // DKIM (RFC 7372)
		"5.7.23", "5.7.24", // SPF
		"5.7.25",           // reverse DNS
		"5.7.26", "5.7.28", // several checks failed; flood
		"5.7.57", "5.7.60", // may not send (as this sender)
		"5.7.501", "5.7.502", "5.7.503", "5.7.504", "5.7.505", "5.7.508", "5.7.511",
		"5.7.606", "5.7.705", "5.7.708", "5.7.750",
	}
}

// accountWords are about the sender's host or account.
func accountWords() []string {
	return []string{
		"blacklist", "black list", "blocklist", "block list", "blocked using", "spamhaus", "spamcop",
		"barracuda", "dnsbl", " rbl", "reputation", "banned", "your ip", "ip address is", "client host",
		"access denied", "sending limit", "sending quota", "daily limit", "daily quota", "hourly limit", "quota for sending",
		"account suspended", "account is suspended", "account disabled", "account is disabled", "account has been",
		"not authorized to send", "not allowed to send", "not permitted to send", "permission to send", "permissions to send",
		"relay access denied", "relaying denied", "relay not permitted", "unable to relay", "relaying not allowed", "not permitted to relay",
		"authentication required", "authentication is required", "must authenticate", "not authenticated",
		"reverse dns", "reverse hostname", "ptr record", "too many messages", "limit exceeded for sender",
		"messages per day", "messages per hour", "mails per hour", "emails per hour", "black ip", "sender rate",
	}
}

// recipientCodes are enhanced status codes about the recipient or the size.
func recipientCodes() []string {
	return []string{
		"5.1.0", "5.1.1", "5.1.2", "5.1.3", "5.1.6", "5.1.10", // the address
		"5.2.1", "5.2.2", "5.2.3", // the mailbox
		"5.3.4",              // the mail is too big
		"5.4.1",              // "Access denied" of a large provider: unknown recipient
		"5.7.124", "5.7.133", // not allowed in that group
	}
}

// recipientWords are about the recipient.
func recipientWords() []string {
	return []string{
		"recipient address rejected", "recipient rejected", "user unknown", "unknown user", "no such user",
		"mailbox not found", "mailbox unavailable", "mailbox full", "mailbox is full", "does not exist", "doesn't exist",
		"to send to this", "to send to the recipient", "to send to the group",
	}
}

// contentWords are about one mail.
func contentWords() []string {
	return []string{
		"virus", "malware", "attachment", "content", "spam", "phish", "message too large", "message size", "message too big",
		"header", "malformed",
	}
}

// policyWords are about the sender if nothing else was named.
func policyWords() []string {
	return []string{"due to policy", "policy reasons", "policy restrictions", "policy violation", "violates policy", "local policy"}
}

// Classify says what a fault asks for. A nil fault asks for nothing: "".
func Classify(f *Fault) Class {
	switch {
	case f == nil:
		return ""
	case f.stop:
		return ChannelStop
	case f.permanent:
		return FailRecipients
	}
	text := strings.ToLower(f.Text)
	for _, r := range table() {
		if r.fits(f, text) {
			return r.class
		}
	}
	return Retry
}

// fits says whether the rule is about the fault; text is lower case.
func (r rule) fits(f *Fault, text string) bool {
	if f.Code < r.codes[0] || f.Code > r.codes[1] {
		return false
	}
	if len(r.phases) > 0 && !slices.Contains(r.phases, f.Phase) {
		return false
	}
	if len(r.enhanced) > 0 && !slices.Contains(r.enhanced, f.Enhanced) {
		return false
	}
	if len(r.words) == 0 {
		return true
	}
	for _, w := range r.words {
		if strings.Contains(text, w) {
			return true
		}
	}
	return false
}
