package smtpout

import (
	"errors"
	"testing"
)

// TestClassify reads real answers of real servers.
func TestClassify(t *testing.T) {
	t.Parallel()
	cases := []struct {
		phase    Phase
		code     int
		enhanced string
		text     string
		want     Class
	}{
		// Everything before the mail is tried again, but for the sign-in.
		{PhaseConnect, 0, "", "cannot connect", Retry},
		{PhaseGreeting, 554, "", "no service", Retry},
		{PhaseGreeting, 421, "4.3.2", "too many connections", ChannelSlow},
		{PhaseGreeting, 554, "", "your IP is listed, see the blocklist", ChannelPause},
		{PhaseEHLO, 550, "", "bad HELO", Retry},
		{PhaseStartTLS, 454, "4.7.0", "TLS not available", Retry},
		{PhaseAuth, 454, "4.7.0", "temporary authentication failure", Retry},
		{PhaseAuth, 535, "5.7.8", "Username and Password not accepted", ChannelStop},
		{PhaseAuth, 534, "5.7.9", "Application-specific password required", ChannelStop},
		{PhaseMail, 530, "5.7.0", "Authentication Required", ChannelStop},

		// Temporary.
		{PhaseRcpt, 451, "4.7.1", "Greylisted, please try again", Retry},
		{PhaseRcpt, 452, "4.2.2", "The email account is over quota", Retry},
		{PhaseRcpt, 450, "4.2.1", "The user you are trying to contact is receiving mail at a rate that prevents additional messages", Retry},
		{PhaseRcpt, 452, "4.5.3", "Error: too many recipients", Retry},
		{PhaseAnswer, 451, "4.3.0", "Local error in processing", Retry},
		{PhaseMail, 421, "4.7.0", "Our system has detected an unusual rate of mail", ChannelSlow},
		{PhaseMail, 451, "4.7.1", `Ratelimit "user" exceeded`, ChannelSlow},
		{PhaseAnswer, 454, "", "Throttling failure: Daily message quota exceeded.", ChannelSlow},
		{PhaseMail, 451, "4.7.651", "The mail server has been temporarily rate limited due to IP reputation", ChannelSlow},
		{PhaseRcpt, 421, "4.7.28", "flood", ChannelSlow},

		// The recipient, the mail.
		{PhaseRcpt, 550, "5.1.1", "The email account that you tried to reach does not exist", FailRecipients},
		{PhaseRcpt, 550, "", "no such user here", FailRecipients},
		{PhaseRcpt, 552, "5.2.2", "mailbox is over its quota", FailRecipients},
		{PhaseRcpt, 550, "5.4.1", "Recipient address rejected: Access denied.", FailRecipients},
		{PhaseRcpt, 554, "5.7.1", "<x@y>: Recipient address rejected: Access denied", FailRecipients},
		{PhaseRcpt, 550, "5.7.133", "RESOLVER.RST.SenderNotAuthenticatedForGroup", FailRecipients},
		{PhaseRcpt, 550, "", "rejected", FailRecipients},
		{PhaseMail, 552, "5.3.4", "message size exceeds fixed limit", FailRecipients},
		{PhaseMail, 550, "", "no", FailRecipients},
		{PhaseData, 554, "5.5.1", "no valid recipients", FailRecipients},
		{PhaseAnswer, 550, "5.7.1", "This message is likely unsolicited mail and has been blocked", FailRecipients},
		{PhaseAnswer, 552, "5.7.0", "This message was blocked because its content presents a potential security issue: policy violation", FailRecipients},
		{PhaseAnswer, 554, "5.6.0", "malformed header", FailRecipients},

		// The host, the account.
		{PhaseRcpt, 554, "5.7.1", "Service unavailable; Client host [192.0.2.1] blocked using zen.spamhaus.org", ChannelPause},
		{PhaseRcpt, 554, "5.7.1", "<x@y>: Relay access denied", ChannelPause},
		{PhaseMail, 550, "5.4.5", "Daily user sending quota exceeded.", ChannelPause},
		{PhaseAnswer, 554, "5.2.0", "STOREDRV.Submission.Exception:SubmissionQuotaExceededException", ChannelPause},
		{PhaseData, 554, "5.7.1", "<DATA>: Data command rejected: only 10 messages per day", ChannelPause},
		{PhaseRcpt, 550, "5.1.8", "Access denied, bad outbound sender", ChannelPause},
		{PhaseAnswer, 550, "5.7.26", "This mail is unauthenticated", ChannelPause},
		{PhaseAnswer, 550, "5.7.1", "message rejected due to the very low reputation of the sending domain", ChannelPause},
		{PhaseMail, 550, "5.7.60", "Client does not have permissions to send as this sender", ChannelPause},
		{PhaseAnswer, 554, "5.7.1", "Message rejected due to policy restrictions", ChannelPause},
		{PhaseMail, 550, "5.7.25", "no PTR", ChannelPause},
	}
	for _, c := range cases {
		f := &Fault{Phase: c.phase, Code: c.code, Enhanced: c.enhanced, Text: c.text}
		if got := Classify(f); got != c.want {
			t.Errorf("%v: %s, want %s", f, got, c.want)
		}
	}
	if got := Classify(nil); got != "" {
		t.Errorf("no fault is %q", got)
	}
}

// TestFaultsOfOurOwn are not tried again in vain.
func TestFaultsOfOurOwn(t *testing.T) {
	t.Parallel()
	unsendable := &Fault{Phase: PhaseMail, Text: "no SMTPUTF8", permanent: true}
	if Classify(unsendable) != FailRecipients || unsendable.ChannelWide() {
		t.Error("a mail the server cannot carry is a matter of the mail")
	}
	settings := &Fault{Phase: PhaseAuth, Text: "no AUTH", stop: true}
	if Classify(settings) != ChannelStop || !settings.ChannelWide() {
		t.Error("wrong settings are a matter of the channel")
	}
	cause := errors.New("cause")
	f := &Fault{Phase: PhaseRcpt, Code: 550, Enhanced: "5.1.1", Text: "no", Err: cause}
	if !errors.Is(f, cause) || f.Error() != "smtp rcpt: 550 5.1.1 no: cause" {
		t.Errorf("%v", f)
	}
}

// TestEveryRuleDecides finds rules that an earlier one hides.
func TestEveryRuleDecides(t *testing.T) {
	t.Parallel()
	for i, r := range table() {
		f := &Fault{Phase: PhaseAnswer, Code: r.codes[0]}
		if len(r.phases) > 0 {
			f.Phase = r.phases[0]
		}
		hidden := true
		enhanced, words := r.enhanced, r.words
		if len(enhanced) == 0 {
			enhanced = []string{""}
		}
		if len(words) == 0 {
			words = []string{""}
		}
		for _, e := range enhanced {
			for _, w := range words {
				f.Enhanced, f.Text = e, w
				for j, q := range table() {
					if q.fits(f, w) {
						hidden = hidden && j != i
						break
					}
				}
			}
		}
		if hidden {
			t.Errorf("rule %d never decides", i)
		}
	}
}
