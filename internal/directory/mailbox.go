package directory

import (
	"context"
	"fmt"
	"net"
	"net/netip"
	"regexp"
	"slices"
	"strings"

	"postroom"
	"postroom/internal/email"
	"postroom/internal/store"
	"postroom/internal/template"
)

// Bounds of a mailbox's settings.
const (
	MaxUndoSeconds = 120
	MaxReopenDays  = 3650
	MaxAliases     = 100
	MaxConnections = 50
	MaxPerMinute   = 60_000
	MaxAutoBcc     = 10
	MaxHeaders     = 20
	MaxHeaderValue = 900 // bytes, so that a line stays below the 998 of RFC 5322 2.1.1
)

// MailboxFields are what an admin says of a mailbox.
type MailboxFields struct {
	Name       string
	Address    string
	Aliases    []string // further addresses the same mailbox receives for
	SenderName string   // the team's name in its mail; "" is Name
	// SenderForm says whose name customers see; "" is that of SenderName, or of
	// the agent where there is none.
	SenderForm postroom.SenderForm
	Signature  string // HTML, sanitised; it may say template.SignatureVariables

	// The server that mail leaves by. An empty Host is a mailbox that only
	// receives: what is to be sent waits.
	Host     string
	Port     int    // 0 is the usual one: 465 for tls, 587 for starttls, 25 for none
	Security string // none, starttls or tls; "" is starttls
	Username string
	Auth     string // postroom.AuthPassword or AuthSignIn; "" is AuthPassword
	// Password is stored encrypted; nil keeps the one that is stored, ""
	// removes it.
	Password *string

	// What that server may be given, by all processes together.
	Connections int // at once, 0 to MaxConnections; 0 is postroom.DefaultConnections
	PerMinute   int // mails a minute, 0 to MaxPerMinute; 0 is no limit

	UndoSeconds int  // 0 to MaxUndoSeconds
	ReopenDays  int  // 0 to MaxReopenDays; 0: an answer to a closed conversation always opens a new one
	SendAnyway  bool // a notice goes out even if the reply it follows failed (W25)
	Subaddress  bool // the provider delivers name+token@domain (T3)
	Separator   string
	AuthServ    string // S1; "" believes nobody
	TokenEnough bool   // an agent's answer to a notification acts although nobody vouches for its sender (T12)

	Calendar int64 // whose office hours count; 0: the main one's

	// What the composer proposes for after a reply.
	ReplyStatus   postroom.Status // "" leaves it
	ReplyAssignee postroom.ReplyAssignee
	AutoBcc       []string               // at most MaxAutoBcc
	Headers       []postroom.HeaderField // at most MaxHeaders

	Agents    []int64 // those who may see it; admins always may
	Everybody bool    // all agents there are now, instead of Agents
}

// Fields returns what a mailbox has now, to change some of it. Password is
// nil.
func Fields(m *postroom.Mailbox, agents []int64) MailboxFields {
	return MailboxFields{
		Name: m.Name, Address: m.Address, Aliases: slices.Clone(m.Aliases), SenderName: m.SenderName, SenderForm: m.SenderForm, Signature: m.Signature,
		Host: m.Channel.Host, Port: m.Channel.Port, Security: m.Channel.Security, Username: m.Channel.Username, Auth: m.Channel.Auth,
		Connections: m.Connections, PerMinute: m.PerMinute,
		UndoSeconds: int(m.UndoMS / 1000), ReopenDays: m.ReopenDays, SendAnyway: m.SendAnyway,
		Subaddress: m.Subaddress, Separator: m.Separator, AuthServ: m.AuthServ, TokenEnough: m.TokenEnough, Agents: agents, Calendar: m.CalendarID,
		ReplyStatus: m.ReplyStatus, ReplyAssignee: m.ReplyAssignee, AutoBcc: slices.Clone(m.AutoBcc), Headers: slices.Clone(m.Headers),
	}
}

// NewMailbox returns the fields of a mailbox with the defaults.
func NewMailbox(name, address string) MailboxFields {
	return MailboxFields{Name: name, Address: address, Security: "starttls", UndoSeconds: postroom.DefaultUndoMS / 1000,
		ReopenDays: postroom.DefaultReopenDays, Subaddress: true, Separator: "+"}
}

// AddMailbox makes a mailbox. Errors name the fields name, address, aliases,
// sender_name, signature, host, port, security, auth, username, password,
// connections, per_minute, undo_seconds, reopen_days, separator, authserv, sender_form, reply_status,
// reply_assignee, auto_bcc, headers, calendar and agent; an address that a
// mailbox or an agent has already is postroom.Conflict.
func (d *Directory) AddMailbox(ctx context.Context, by *postroom.Agent, f MailboxFields) (*postroom.Mailbox, error) {
	if err := manage(by); err != nil {
		return nil, err
	}
	id, err := d.store.NewID(ctx)
	if err != nil {
		return nil, err
	}
	return d.saveMailbox(ctx, by, id, f, true)
}

// UpdateMailbox changes a mailbox; errors are those of AddMailbox.
func (d *Directory) UpdateMailbox(ctx context.Context, by *postroom.Agent, id int64, f MailboxFields) (*postroom.Mailbox, error) {
	if err := manage(by); err != nil {
		return nil, err
	}
	return d.saveMailbox(ctx, by, id, f, false)
}

func (d *Directory) saveMailbox(ctx context.Context, by *postroom.Agent, id int64, f MailboxFields, fresh bool) (*postroom.Mailbox, error) {
	m, err := checkMailbox(id, f)
	if err != nil {
		return nil, err
	}
	if only := d.only; only != nil && m.Channel.Host != "" && (m.Channel.Host != only.Host || m.Channel.Port != only.Port) {
		return nil, postroom.InvalidField("host", "Nothing may leave this desk: the only server is %s, port %d.", only.Host, only.Port)
	}
	if f.Password != nil && *f.Password != "" {
		if m.Channel.Password, err = d.seal(*f.Password); err != nil {
			return nil, err
		}
	}
	err = d.write(ctx, KeyMailboxes, func(t *store.Tx) error {
		if err := freeForMailbox(ctx, t, m); err != nil {
			return err
		}
		if err := calendarThere(ctx, t, m.CalendarID); err != nil {
			return err
		}
		agents, err := allowed(ctx, t, f)
		if err != nil {
			return err
		}
		if fresh {
			err = t.InsertMailbox(ctx, m, d.store.Now())
		} else {
			var old *postroom.Mailbox
			if old, err = t.Mailbox(ctx, m.ID); err != nil {
				return err
			}
			if f.Password == nil {
				m.Channel.Password = old.Channel.Password
			}
			m.OffAt = old.OffAt
			err = t.UpdateMailbox(ctx, m)
		}
		if err != nil {
			return err
		}
		words := "The mailbox " + m.Address + " was changed."
		if fresh {
			words = "The mailbox " + m.Address + " was added."
		}
		if err := t.Log(ctx, store.LogEntry{Area: store.AreaMailboxes, AgentID: by.ID, Words: words}); err != nil {
			return err
		}
		return t.SetMailboxAgents(ctx, m.ID, agents)
	})
	if err != nil {
		return nil, err
	}
	return m, nil
}

func (d *Directory) seal(password string) (string, error) {
	if len(password) > 1024 || strings.ContainsAny(password, "\x00\r\n") {
		return "", postroom.InvalidField("password", "The password has a character that cannot be in it, or is longer than 1024 bytes.")
	}
	return d.seals.Seal(password)
}

// Mailboxes lists all mailboxes by name; their passwords are sealed.
func (d *Directory) Mailboxes(ctx context.Context, by *postroom.Agent) ([]*postroom.Mailbox, error) {
	if err := manage(by); err != nil {
		return nil, err
	}
	return d.store.Read().Mailboxes(ctx)
}

// Mailbox returns a mailbox and the agents who were given it.
func (d *Directory) Mailbox(ctx context.Context, by *postroom.Agent, id int64) (*postroom.Mailbox, []int64, error) {
	if err := manage(by); err != nil {
		return nil, nil, err
	}
	m, err := d.store.Read().Mailbox(ctx, id)
	if err != nil {
		return nil, nil, err
	}
	agents, err := d.store.Read().MailboxAgents(ctx, id)
	return m, agents, err
}

// MailboxByAddress finds a mailbox by its own address.
func (d *Directory) MailboxByAddress(ctx context.Context, by *postroom.Agent, address string) (*postroom.Mailbox, error) {
	if err := manage(by); err != nil {
		return nil, err
	}
	return d.store.Read().MailboxByAddress(ctx, address)
}

// checkMailbox turns fields into a mailbox, without its password.
func checkMailbox(id int64, f MailboxFields) (*postroom.Mailbox, error) {
	m := &postroom.Mailbox{ID: id, Connections: f.Connections, PerMinute: f.PerMinute, UndoMS: int64(f.UndoSeconds) * 1000, ReopenDays: f.ReopenDays,
		SendAnyway: f.SendAnyway, Subaddress: f.Subaddress, Separator: f.Separator, TokenEnough: f.TokenEnough, CalendarID: f.Calendar}
	var err error
	if m.Name, err = line("name", "a name", f.Name, maxName, true); err != nil {
		return nil, err
	}
	if m.Address, err = address("address", f.Address); err != nil {
		return nil, err
	}
	if m.Aliases, err = checkAliases(m.Address, f.Aliases); err != nil {
		return nil, err
	}
	if m.SenderName, err = line("sender_name", "the sender's name", f.SenderName, maxName, false); err != nil {
		return nil, err
	}
	if len(f.Signature) > maxSignature {
		return nil, postroom.InvalidField("signature", "The signature is too long: at most %d KiB.", maxSignature>>10)
	}
	m.Signature = email.SanitiseComposed(f.Signature, email.ComposeOptions{})
	if err := template.CheckSignature(m.Signature); err != nil {
		return nil, postroom.InvalidField("signature", "%s", postroom.TextOf(err))
	}
	if m.Separator == "" {
		m.Separator = "+"
	}
	if !slices.Contains([]string{"+", "-", "_", ".", "="}, m.Separator) {
		return nil, postroom.InvalidField("separator", "%q cannot separate a token from a name; use +, -, _, . or =.", cut(m.Separator))
	}
	if m.AuthServ, err = line("authserv", "the id", f.AuthServ, 255, false); err != nil {
		return nil, err
	}
	if strings.ContainsAny(m.AuthServ, " ;,") {
		return nil, postroom.InvalidField("authserv", "The id is one name, as it stands first in the Authentication-Results of your server.")
	}
	if f.UndoSeconds < 0 || f.UndoSeconds > MaxUndoSeconds {
		return nil, postroom.InvalidField("undo_seconds", "The undo window is between 0 and %d seconds.", MaxUndoSeconds)
	}
	if f.Connections < 0 || f.Connections > MaxConnections {
		return nil, postroom.InvalidField("connections", "The number of connections is between 1 and %d, or 0 for the usual %d.", MaxConnections, postroom.DefaultConnections)
	}
	if f.PerMinute < 0 || f.PerMinute > MaxPerMinute {
		return nil, postroom.InvalidField("per_minute", "The number of mails a minute is between 1 and %d, or 0 for no limit.", MaxPerMinute)
	}
	if f.ReopenDays < 0 || f.ReopenDays > MaxReopenDays {
		return nil, postroom.InvalidField("reopen_days", "The number of days is between 0 and %d.", MaxReopenDays)
	}
	if err := checkReplies(m, f); err != nil {
		return nil, err
	}
	m.Channel, err = checkChannel(f)
	return m, err
}

// checkReplies checks what a mailbox proposes and adds.
func checkReplies(m *postroom.Mailbox, f MailboxFields) error {
	if f.SenderForm != "" && !slices.Contains(postroom.SenderForms, f.SenderForm) {
		return postroom.InvalidField("sender_form", "%q is no form of the sender's name; it is agent, team or both.", cut(string(f.SenderForm)))
	}
	if f.ReplyStatus != "" {
		if status, err := postroom.ParseStatus(string(f.ReplyStatus)); err != nil || status == postroom.Spam {
			return postroom.InvalidField("reply_status", "%q cannot be the status after a reply.", cut(string(f.ReplyStatus)))
		}
	}
	if !slices.Contains(postroom.ReplyAssignees, f.ReplyAssignee) {
		return postroom.InvalidField("reply_assignee", "%q is no choice of an assignee.", cut(string(f.ReplyAssignee)))
	}
	m.SenderForm, m.ReplyStatus, m.ReplyAssignee = f.SenderForm, f.ReplyStatus, f.ReplyAssignee
	for _, a := range f.AutoBcc {
		if strings.TrimSpace(a) == "" {
			continue
		}
		canonical, err := address("auto_bcc", a)
		if err != nil {
			return err
		}
		if slices.Contains(m.Addresses(), canonical) {
			return postroom.InvalidField("auto_bcc", "%s is this mailbox itself: a copy to it would come back.", canonical)
		}
		if !slices.Contains(m.AutoBcc, canonical) {
			m.AutoBcc = append(m.AutoBcc, canonical)
		}
	}
	if len(m.AutoBcc) > MaxAutoBcc {
		return postroom.InvalidField("auto_bcc", "At most %d addresses can have a copy of every reply.", MaxAutoBcc)
	}
	return checkHeaders(m, f.Headers)
}

// checkHeaders checks the mailbox's own headers (S5).
func checkHeaders(m *postroom.Mailbox, headers []postroom.HeaderField) error {
	for _, h := range headers {
		h.Name, h.Value = strings.TrimSpace(h.Name), strings.TrimSpace(h.Value)
		if h.Name == "" && h.Value == "" {
			continue
		}
		if err := email.CheckHeaderName(h.Name); err != nil {
			return postroom.InvalidField("headers", "%s", postroom.TextOf(err))
		}
		if err := email.CheckHeaderValue(h.Value); err != nil {
			return postroom.InvalidField("headers", "%s: %s", h.Name, postroom.TextOf(err))
		}
		switch {
		case h.Value == "":
			return postroom.InvalidField("headers", "%s has no value.", h.Name)
		case len(h.Value) > MaxHeaderValue:
			return postroom.InvalidField("headers", "The value of %s is longer than %d bytes.", h.Name, MaxHeaderValue)
		case slices.ContainsFunc(m.Headers, func(x postroom.HeaderField) bool { return strings.EqualFold(x.Name, h.Name) }):
			return postroom.InvalidField("headers", "%s stands there twice.", h.Name)
		}
		m.Headers = append(m.Headers, h)
	}
	if len(m.Headers) > MaxHeaders {
		return postroom.InvalidField("headers", "A mailbox has at most %d headers of its own.", MaxHeaders)
	}
	return nil
}

func checkAliases(own string, aliases []string) ([]string, error) {
	var out []string
	for _, a := range aliases {
		if strings.TrimSpace(a) == "" {
			continue
		}
		canonical, err := address("aliases", a)
		if err != nil {
			return nil, err
		}
		if canonical != own && !slices.Contains(out, canonical) {
			out = append(out, canonical)
		}
	}
	if len(out) > MaxAliases {
		return nil, postroom.InvalidField("aliases", "A mailbox has at most %d aliases.", MaxAliases)
	}
	return out, nil
}

var hostName = regexp.MustCompile(`^[A-Za-z0-9]([A-Za-z0-9_-]*[A-Za-z0-9])?(\.[A-Za-z0-9]([A-Za-z0-9_-]*[A-Za-z0-9])?)*\.?$`)

func checkChannel(f MailboxFields) (postroom.Channel, error) {
	c := postroom.Channel{Port: f.Port, Security: f.Security}
	var err error
	if c.Security == "" {
		c.Security = "starttls"
	}
	usual := map[string]int{"none": 25, "starttls": 587, "tls": 465}
	if _, ok := usual[c.Security]; !ok {
		return c, postroom.InvalidField("security", "%q is not a kind of security; it is one of tls, starttls and none.", cut(c.Security))
	}
	if c.Host, err = server("host", f.Host); err != nil {
		return c, err
	}
	if c.Port == 0 && c.Host != "" {
		c.Port = usual[c.Security]
	}
	if c.Port < 0 || c.Port > 65535 || c.Port == 0 && c.Host != "" {
		return c, postroom.InvalidField("port", "A port is a number between 1 and 65535.")
	}
	if c.Auth, err = oneOf("auth", "way to sign in", f.Auth, postroom.AuthPassword, postroom.AuthSignIn); err != nil {
		return c, err
	}
	if c.Username, err = line("username", "the user name", f.Username, 254, false); err != nil {
		return c, err
	}
	return c, nil
}

// server checks the name or the address of a server; "" is none.
func server(field, name string) (string, error) {
	name = strings.TrimSpace(name)
	if h, _, err := net.SplitHostPort(name); err == nil && h != "" {
		return "", postroom.InvalidField(field, "Please enter the server's name alone; the port has its own field.")
	}
	if _, err := netip.ParseAddr(name); err != nil && name != "" && (!hostName.MatchString(name) || len(name) > 253) {
		return "", postroom.InvalidField(field, "%q is not the name of a server.", cut(name))
	}
	return name, nil
}

// freeForMailbox refuses an address that another mailbox or an agent has.
func freeForMailbox(ctx context.Context, t *store.Tx, m *postroom.Mailbox) error {
	for _, name := range []string{"agents", "mailboxes"} { // in this order everywhere
		if err := t.Lock(ctx, name); err != nil {
			return err
		}
	}
	own := m.Addresses()
	field := func(a string) string {
		if a == m.Address {
			return "address"
		}
		return "aliases"
	}
	boxes, err := t.Mailboxes(ctx)
	if err != nil {
		return err
	}
	for _, other := range boxes {
		if other.ID == m.ID {
			continue
		}
		for _, a := range other.Addresses() {
			if slices.Contains(own, a) {
				return &postroom.Error{Code: postroom.Conflict, Field: field(a), Text: fmt.Sprintf("The mailbox %s receives for %s already.", other.Name, a)}
			}
		}
	}
	for _, a := range own {
		agent, err := t.AgentByAddress(ctx, a)
		if err == nil {
			return &postroom.Error{Code: postroom.Conflict, Field: field(a), Text: fmt.Sprintf("%s is the address of the agent %s.", a, agent.Name)}
		}
		if postroom.CodeOf(err) != postroom.NotFound {
			return err
		}
	}
	return nil
}

// allowed returns the agents who may see a mailbox by its fields.
func allowed(ctx context.Context, t *store.Tx, f MailboxFields) ([]int64, error) {
	agents, err := t.Agents(ctx)
	if err != nil {
		return nil, err
	}
	var all []int64
	for _, a := range agents {
		all = append(all, a.ID)
	}
	if f.Everybody {
		return all, nil
	}
	for _, id := range f.Agents {
		if !slices.Contains(all, id) {
			return nil, postroom.InvalidField("agent", "There is no agent %d.", id)
		}
	}
	return f.Agents, nil
}

// SwitchMailbox switches a mailbox on or off. While it is off no mail is taken
// in for it, and what it has to send waits; nothing is lost and nothing is
// forgotten. Switching to what it is already changes nothing.
func (d *Directory) SwitchMailbox(ctx context.Context, by *postroom.Agent, id int64, on bool) error {
	if err := manage(by); err != nil {
		return err
	}
	return d.write(ctx, KeyMailboxes, func(t *store.Tx) error {
		m, err := t.Mailbox(ctx, id)
		if err != nil || m.Off() != on {
			return err
		}
		m.OffAt = 0
		if !on {
			m.OffAt = d.store.Now()
		}
		if err := t.Log(ctx, store.LogEntry{Area: store.AreaMailboxes, AgentID: by.ID, Words: "The mailbox " + m.Address + " was switched " + map[bool]string{true: "on", false: "off"}[on] + "."}); err != nil {
			return err
		}
		if err := t.UpdateMailbox(ctx, m); err != nil {
			return err
		}
		return t.SwitchIncoming(ctx, id, on, d.store.Now())
	})
}
