package alarm

// Kind says what sort of thing is wrong.
type Kind string

// The kinds. Their subjects are in the comments.
const (
	ChannelPaused Kind = "channel.paused" // mailbox ID: its server refuses us as a whole
	ChannelSlow   Kind = "channel.slow"   // mailbox ID: its server has asked for an hour to be given less
	MailFailed    Kind = "mail.failed"    // mail ID
	MailUncertain Kind = "mail.uncertain" // mail ID: the connection broke after the final dot
	MailDelayed   Kind = "mail.delayed"   // mail ID: not handed over for an hour
	MailLost      Kind = "mail.lost"      // mail ID: neither ended nor due (W27)
	Quarantined   Kind = "mail.quarantined"
	BreakerOpen   Kind = "breaker.open"     // address, workflow ID or mailbox ID (W23)
	JobFailed     Kind = "job.failed"       // job ID
	NotJudged     Kind = "event.not_judged" // event ID (W15)
	WorkflowPause Kind = "workflow.paused"  // workflow ID (W21)
	WorkflowTest  Kind = "workflow.test"    // workflow ID: a test of it is red (W36)
	ReplayDiffers Kind = "replay.differs"   // stored judgements, repeated, come out otherwise (W40)
	// WebhookFailing is about a workflow ID: what it calls does not take its calls.
	WebhookFailing Kind = "webhook.failing"
	// PromiseBroken is about a promise ID: it was not kept, and nothing says why (W38).
	PromiseBroken Kind = "promise.broken"
	InboundFailed Kind = "inbound.failed" // inbound ID (D5)
	InboundLost   Kind = "inbound.nobody" // address: mail for none of our mailboxes
	SpoolStuck    Kind = "spool.stuck"    // file name
	// IncomingFailing is about a mailbox ID: mail cannot be fetched for it.
	IncomingFailing Kind = "incoming.failing"
	// SignInRefused is about a mailbox ID: somebody must sign in again.
	SignInRefused Kind = "sign_in.refused"
	// IncomingLeft is about one mail on a mailbox's server: mailbox ID, folder, UID.
	IncomingLeft  Kind = "incoming.left"
	DiskFull      Kind = "disk.full"
	Database      Kind = "database.unavailable"
	WorkStalled   Kind = "work.stalled" // name of the work
	CountsDrifted Kind = "counts.drifted"
	NoBackup      Kind = "backup.missing"
	Restored      Kind = "desk.restored"
)

// Remedy returns the sentence that says what to do.
func (k Kind) Remedy() string {
	switch k {
	case ChannelPaused:
		return "Check the mailbox's server, user name and password, then press Resume on the queue page. No mail is lost; all wait."
	case ChannelSlow:
		return "Ask the provider for a higher limit, or set a limit of mails a minute for the mailbox. No mail is lost; all go out in turn."
	case JobFailed:
		return "What was changed before stays, and can be undone. Correct what the words name and start the rest again."
	case MailFailed:
		return "Open the mail: its journey quotes the server. Correct the address or the cause, then send it again."
	case MailUncertain:
		return "Look whether the customer has the mail. Mark it as arrived, or send it again; by itself a reply is tried once more, a notice is not."
	case MailDelayed:
		return "Nothing needs to be done yet: it is tried again by itself. Its journey says what the server answered."
	case MailLost:
		return "Open the mail and press Retry. If it happens again, report it with the system log: it is a fault of this program."
	case Quarantined, BreakerOpen:
		return "Look at the mails that are held back on the mail log, and release or discard them. Then correct the workflow that made so many."
	case NotJudged:
		return "Open Why? on the conversation, correct what the words name, and press Judge again. Later events went on meanwhile."
	case WorkflowPause:
		return "Open the workflow, correct what its last runs failed on, and switch it on again."
	case WebhookFailing:
		return "Open Webhooks: each call says what was answered. Correct the address or the secret in the workflow, or the other program, then send again what failed. It ends by itself with the next call that is accepted."
	case WorkflowTest:
		return "Open the workflow: its tests say what they expect and what comes out. Correct the workflow, or the test if what it expects is no longer wanted."
	case ReplayDiffers:
		return "Run postroom workflow replay: it lists each event. Nothing that was sent or done changes by it; report it with that list, it is a fault of this program or of its update."
	case PromiseBroken:
		return "Open the promise: for each event it shows what followed and what did not. Correct the workflow, or the promise if it asks too much. Acknowledging this clears it; it also clears by itself when what was promised comes late."
	case InboundFailed:
		return "Open the received mail: its raw text is kept. Press Retry after an update, or answer it from there."
	case InboundLost:
		return "Add the address as a mailbox or as an alias of one, or tell the mail server not to deliver it here; then retry the mail in the incoming log."
	case SpoolStuck:
		return "Look at the file in the spool folder and at the system log. The mail is kept until it can be taken in."
	case IncomingFailing:
		return "Do what the server's words ask for: mostly the password or access token has changed, or the folder is gone; correct it on the mailbox's page. It is tried again by itself, and no mail is lost meanwhile: it waits on the server."
	case SignInRefused:
		return "Press Sign in again on the mailbox's page. If the words speak of the client or its secret, enter a new secret for the app there. No mail is lost meanwhile: what is to be sent waits, and what comes in waits on the server."
	case IncomingLeft:
		return "Read the mail with a mail program. To have it taken in after all, forward it to the mailbox or, if it is small enough, move it out of the folder and back."
	case DiskFull:
		return "Free space on the disk of the data folder. Mail is refused with a temporary error meanwhile, so that no sender loses any."
	case Database:
		return "Start the database again or restore the connection to it. All work goes on by itself afterwards."
	case WorkStalled:
		return "Look at the system log. Restarting the program is safe at any time."
	case CountsDrifted:
		return "Nothing needs to be done: the counts were corrected. If it happens again, report it with the system log."
	case Restored:
		return "Release or discard what is held back: mails on the mail log, received mails under Incoming mail, notifications of agents on the queue page. Press Judge again on the events that are still to be judged. Then acknowledge this."
	case NoBackup:
		return "Make a backup of the data folder, and see that the next one runs."
	}
	return "Look at the system log."
}

// Title names the kind for people.
func (k Kind) Title() string {
	switch k {
	case ChannelPaused:
		return "A mailbox cannot send"
	case ChannelSlow:
		return "A mailbox sends slowly"
	case JobFailed:
		return "A bulk change failed"
	case MailFailed:
		return "A mail failed"
	case MailUncertain:
		return "A mail may or may not have arrived"
	case MailDelayed:
		return "A mail is late"
	case MailLost:
		return "A mail was forgotten"
	case Quarantined:
		return "Mails are held back"
	case BreakerOpen:
		return "Too many automatic mails"
	case NotJudged:
		return "Workflows could not judge an event"
	case WorkflowPause:
		return "A workflow was paused"
	case WebhookFailing:
		return "Webhook calls fail"
	case WorkflowTest:
		return "A test of a workflow is red"
	case ReplayDiffers:
		return "Judgements come out otherwise"
	case PromiseBroken:
		return "A promise was broken"
	case InboundFailed:
		return "A received mail could not be processed"
	case InboundLost:
		return "Mail for an unknown address"
	case SpoolStuck:
		return "A mail in the spool cannot be taken in"
	case IncomingFailing:
		return "Mail cannot be fetched for a mailbox"
	case SignInRefused:
		return "A mailbox has to sign in again"
	case IncomingLeft:
		return "A mail was not fetched whole"
	case DiskFull:
		return "The disk is full"
	case Database:
		return "The database cannot be used"
	case WorkStalled:
		return "Work stands still"
	case CountsDrifted:
		return "Folder counts were wrong"
	case Restored:
		return "The desk was restored from a backup"
	case NoBackup:
		return "There is no recent backup"
	}
	return string(k)
}

// Kinds lists all kinds.
func Kinds() []Kind {
	return []Kind{ChannelPaused, ChannelSlow, MailFailed, MailUncertain, MailDelayed, MailLost, Quarantined, BreakerOpen, JobFailed, NotJudged,
		WorkflowPause, WorkflowTest, ReplayDiffers, WebhookFailing, PromiseBroken, InboundFailed, InboundLost, SpoolStuck, IncomingFailing, SignInRefused, IncomingLeft, DiskFull, Database, WorkStalled, CountsDrifted, NoBackup, Restored}
}
