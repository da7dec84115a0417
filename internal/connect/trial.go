package connect

import (
	"context"
	"fmt"
	"strings"
	"time"

	"postroom"
	"postroom/internal/email"
	"postroom/internal/query"
	"postroom/internal/store"
	"postroom/internal/wire/smtpout"
)

// trialLate is when a test mail that has not come back is called late, in
// milliseconds: mail is mostly there in seconds, and greylisting takes minutes.
const trialLate = 2 * 60 * 1000

// trialsKept is how long test mails are remembered, in milliseconds.
const trialsKept = int64(30 * 24 * 60 * 60 * 1000)

// SendTrial sends two mails from a mailbox to itself: to its plain address, and
// to one with a token behind the separator. They are sent while the admin
// waits, once, and are no mails of the outbox: nothing waits for them and
// nothing follows them. What became of them shows TrialPage.
func (c *Connections) SendTrial(ctx context.Context, by *postroom.Agent, mailbox int64) error {
	m, err := c.mailbox(ctx, by, mailbox)
	if err != nil {
		return err
	}
	if m.Channel.Host == "" {
		return postroom.Errorf(postroom.Conflict, "There is no server to send by yet.")
	}
	password, signedIn := "", m.Channel.Auth == postroom.AuthSignIn
	if signedIn {
		if password, err = c.Consents.Token(ctx, m.ID, m.Channel.Host); err != nil {
			return postroom.Errorf(postroom.Conflict, "%s", postroom.TextOf(err))
		}
	} else if m.Channel.Password != "" {
		if password, err = c.Open(m.Channel.Password); err != nil {
			return postroom.Errorf(postroom.Conflict, "The stored password cannot be read. Enter it again under Sending.")
		}
	}
	ctx, done, err := c.begin(ctx, by, "trial")
	if err != nil {
		return err
	}
	defer done()
	trials, err := c.newTrials(ctx, by, m)
	if err != nil {
		return err
	}
	t := Try{Host: m.Channel.Host, Port: fmt.Sprint(m.Channel.Port), Security: m.Channel.Security, Username: m.Channel.Username, Password: password, SignedIn: signedIn}
	c.sendTrials(ctx, t, m, trials)
	return c.Store.Write(context.WithoutCancel(ctx), func(tx *store.Tx) error {
		for _, x := range trials {
			if err := tx.TrialSent(ctx, x); err != nil {
				return err
			}
		}
		return nil
	})
}

// newTrials stores what is about to be sent.
func (c *Connections) newTrials(ctx context.Context, by *postroom.Agent, m *postroom.Mailbox) ([]store.Trial, error) {
	ids, err := c.Store.NewIDs(ctx, 2)
	if err != nil {
		return nil, err
	}
	_, domain, _ := strings.Cut(m.Address, "@")
	now := c.Store.Now()
	trials := []store.Trial{{Kind: store.TrialPlain, Address: m.Address}}
	if a, ok := email.TokenAddress(m.Address, m.Separator, c.Keys.Token(ids[1])); ok {
		trials = append(trials, store.Trial{Kind: store.TrialSubaddress, Address: a})
	}
	for i := range trials {
		x := &trials[i]
		x.ID, x.MailboxID, x.AgentID, x.SentAt = ids[i], m.ID, by.ID, now
		x.Header = email.MessageID(c.Keys.Token(x.ID), domain)
	}
	return trials, c.Store.Write(ctx, func(tx *store.Tx) error {
		if err := tx.ForgetTrials(ctx, m.ID, now-trialsKept); err != nil {
			return err
		}
		for _, x := range trials {
			if err := tx.InsertTrial(ctx, x); err != nil {
				return err
			}
		}
		return nil
	})
}

// sendTrials hands the mails over and notes what was said to each.
func (c *Connections) sendTrials(ctx context.Context, t Try, m *postroom.Mailbox, trials []store.Trial) {
	conn, fault := smtpout.Dial(ctx, c.smtp(t))
	if fault != nil {
		p := c.sendingFault(ctx, t, fault)
		for i := range trials {
			trials[i].Words = strings.TrimSpace(p.Title + ". " + p.Said)
		}
		return
	}
	defer conn.Close()
	for i := range trials {
		x := &trials[i]
		body, err := c.trialMail(*x, m)
		if err != nil {
			x.Words = postroom.TextOf(err)
			continue
		}
		r := conn.Send(ctx, smtpout.Envelope{From: m.Address, To: []string{x.Address}}, body, smtpout.Hooks{})
		rcpt := r.Recipients[0]
		x.Accepted, x.Server, x.TLS = rcpt.Outcome == smtpout.Accepted, r.ServerName, r.TLSVersion
		x.Words = strings.TrimSpace(fmt.Sprintf("%s %s", rcpt.Enhanced, rcpt.Text))
		if rcpt.Code != 0 {
			x.Words = fmt.Sprintf("%d %s", rcpt.Code, x.Words)
		}
	}
}

// trialMail is the mail itself. It says that a machine wrote it, so that no
// machine answers.
func (c *Connections) trialMail(x store.Trial, m *postroom.Mailbox) ([]byte, error) {
	token := c.Keys.Token(x.ID)
	words := "This is a test mail: " + m.Name + " sent it to itself to see whether mail goes out and comes back.\n\nThe desk knows it again and makes no conversation of it. Nothing needs to be done.\n\n"
	return email.Build(email.Spec{
		From: email.Address{Name: m.Sender(""), Address: m.Address}, To: []email.Address{{Address: x.Address}},
		Subject: "Test mail of " + m.Name, Date: time.UnixMilli(x.SentAt).UTC(), MessageID: x.Header, Auto: email.AutoNotified,
		Text: words + email.MarkerText(token) + "\n", Seed: token,
	})
}

// signature is who signed a mail (RFC 6376).
type signature struct{ domain, selector string }

// returned loads the newest test mail that came back, with its row; nil if none
// did.
func (c *Connections) returned(ctx context.Context, trials []store.Trial) (*email.Mail, store.Inbound, error) {
	for _, x := range trials {
		if x.InboundID == 0 {
			continue
		}
		in, err := c.Store.Read().Inbound(ctx, x.InboundID)
		if err != nil {
			return nil, in, err
		}
		raw, err := c.Blobs.Read(in.RawSHA256, in.Size)
		if postroom.CodeOf(err) == postroom.NotFound {
			continue
		}
		if err != nil {
			return nil, in, err
		}
		return email.Parse(raw, email.ParseOptions{}), in, nil
	}
	return nil, store.Inbound{}, nil
}

// signatures are those of the last test mail that came back.
func (c *Connections) signatures(ctx context.Context, m *postroom.Mailbox) ([]signature, error) {
	trials, err := c.Store.Read().Trials(ctx, m.ID, trialsShown)
	if err != nil {
		return nil, err
	}
	mail, _, err := c.returned(ctx, trials)
	if err != nil || mail == nil {
		return nil, err
	}
	return signaturesOf(mail), nil
}

func signaturesOf(m *email.Mail) []signature {
	var out []signature
	for _, v := range m.HeaderValues("DKIM-Signature") {
		var s signature
		for tag := range strings.SplitSeq(v, ";") {
			name, value, _ := strings.Cut(tag, "=")
			switch strings.TrimSpace(name) {
			case "d":
				s.domain = canonicalName(strings.TrimSpace(value))
			case "s":
				s.selector = canonicalName(strings.TrimSpace(value))
			}
		}
		if s.domain != "" {
			out = append(out, s)
		}
	}
	return out
}

const trialsShown = 2 // those of one press

// TrialPage reads what became of the last test mail. It is for admins.
func (c *Connections) TrialPage(ctx context.Context, by *postroom.Agent, mailbox int64) (query.TrialPage, error) {
	m, err := c.mailbox(ctx, by, mailbox)
	if err != nil {
		return query.TrialPage{}, err
	}
	p := query.TrialPage{Ready: m.Channel.Host != "", AuthServ: m.AuthServ}
	if p.Receives, err = c.receives(ctx, m.ID); err != nil {
		return p, err
	}
	trials, err := c.Store.Read().Trials(ctx, m.ID, trialsShown)
	if err != nil || len(trials) == 0 {
		return p, err
	}
	if len(trials) == 2 && trials[0].SentAt != trials[1].SentAt {
		trials = trials[:1]
	}
	p.SentAt = trials[0].SentAt
	now := c.Store.Now()
	for i := len(trials) - 1; i >= 0; i-- {
		shown := trialShown(trials[i], now)
		p.Waiting = p.Waiting || shown.State == "wait"
		p.Tries = append(p.Tries, shown)
	}
	mail, in, err := c.returned(ctx, trials)
	if err != nil {
		return p, err
	}
	if mail != nil {
		p.Findings = c.findings(m, mail, in)
	}
	if f := plusFinding(m, trials, p.Waiting); f != nil {
		p.Findings = append(p.Findings, *f)
	}
	return p, nil
}

func trialShown(x store.Trial, now int64) query.Trial {
	t := query.Trial{Kind: x.Kind, Address: x.Address, Said: x.Words, Server: x.Server, Inbound: x.InboundID, Accepted: x.Accepted}
	switch {
	case x.InboundID != 0:
		t.State, t.Took = "good", max(0, x.ReturnedAt-x.SentAt)
		t.Words = "It came back."
	case x.Words == "" && !x.Accepted && now-x.SentAt < trialLate:
		t.State, t.Words = "wait", "It is being handed over."
	case !x.Accepted && x.Kind == store.TrialSubaddress:
		t.State, t.Words = "warn", "The server did not take it for this address. That is not needed, and only makes answers easier to place."
	case !x.Accepted:
		t.State, t.Words = "bad", "The server did not take it."
	case now-x.SentAt >= trialLate:
		t.State, t.Words = "late", "The server took it, and it has not come back yet. Look into the provider's web page: is it in the inbox, in the spam folder, or nowhere?"
	default:
		t.State, t.Words = "wait", "The server took it. Waiting for it to come back."
	}
	return t
}

// findings says what the way of a test mail has shown.
func (c *Connections) findings(m *postroom.Mailbox, mail *email.Mail, in store.Inbound) []query.Finding {
	var out []query.Finding
	authserv, results, ok := email.TopResults(mail)
	f := query.Finding{State: "warn", Title: "Your server leaves no word about who sent a mail",
		Words: "Mail to oneself often stays within the provider and is not checked. Without such a word no sender counts as proven; agents can still answer on the desk. Send a mail from an address elsewhere and look at its source for “Authentication-Results”."}
	if ok {
		f = query.Finding{State: "good", Title: "Your server writes down who sent a mail", Found: []string{"Authentication-Results: " + authserv}}
		for _, r := range results {
			f.Found = append(f.Found, strings.TrimSpace(fmt.Sprintf("%s: %s %s", r.Method, r.Value, r.Domain)))
		}
		f.Words = "It calls itself " + authserv + ". Only what it says is believed, so that nobody can forge it."
		if !strings.EqualFold(m.AuthServ, authserv) {
			f.Set, f.Value, f.Label = "authserv", authserv, "Believe "+authserv
			f.Words = "It calls itself " + authserv + ". Believe it, and senders it has proven are marked, and agents can answer by mail. Do so only if it is your own server or your provider's."
		}
	}
	out = append(out, f)
	if signed := signaturesOf(mail); len(signed) > 0 {
		f := query.Finding{State: "good", Title: "Mail is signed (DKIM) for " + signed[0].domain}
		if _, domain, _ := strings.Cut(m.Address, "@"); !aligned(signed[0].domain, domain) {
			f.State, f.Words = "warn", "That is not the domain of the address, so receivers cannot tell by it that the mail is yours."
		}
		out = append(out, f)
	}
	return out
}

// plusFinding says whether addresses with a token come through.
func plusFinding(m *postroom.Mailbox, trials []store.Trial, waiting bool) *query.Finding {
	var plain, plus *store.Trial
	for i := range trials {
		if trials[i].Kind == store.TrialSubaddress {
			plus = &trials[i]
		} else {
			plain = &trials[i]
		}
	}
	switch {
	case plus == nil:
		return nil
	case plus.InboundID != 0 && m.Subaddress:
		return &query.Finding{State: "good", Title: "Answers find their conversation by their address", Words: "Addresses like name" + m.Separator + "token come through."}
	case plus.InboundID != 0:
		return &query.Finding{State: "warn", Title: "Answers could find their conversation by their address", Words: "Addresses like name" + m.Separator + "token come through, and are not used yet.",
			Set: "subaddress", Value: "1", Label: "Use them"}
	case plain != nil && plain.InboundID != 0 && !waiting && m.Subaddress:
		return &query.Finding{State: "warn", Title: "Addresses with a token do not come through", Words: "Your provider seems not to deliver name" + m.Separator + "token to the mailbox. Customers' answers would be lost: switch such addresses off. Answers then find their conversation by their headers.",
			Set: "subaddress", Value: "0", Label: "Switch them off"}
	}
	return nil
}
