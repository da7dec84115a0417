package app

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"net/http"
	"os"
	"strings"
	"syscall"
	"time"

	"postroom"
	"postroom/internal/automate"
	"postroom/internal/config"
	"postroom/internal/desk"
	"postroom/internal/directory"
	"postroom/internal/react"
)

// The commands of an operator. A desk that runs is asked by the socket in its
// data folder, so that no second process opens its SQLite file; a desk that
// does not run is opened for the command.
const (
	opAddAgent    = "agent.add"
	opAgents      = "agent.list"
	opPassword    = "agent.password"
	opLink        = "agent.link"
	opAddMailbox  = "mailbox.add"
	opSetMailbox  = "mailbox.set"
	opMailboxes   = "mailbox.list"
	opSpool       = "spool.poke"
	opHealth      = "health"
	opVerdict     = "mail.verdict"
	opBackup      = "database.backup"
	opAlarms      = "alarm.list"
	controlPrefix = "/command/"
)

// operator is who acts by the command line: whoever may read the data folder
// may do everything anyway.
func operator() *postroom.Agent {
	return &postroom.Agent{Name: "Command line", Role: postroom.Admin}
}

// AddAgent makes an agent. With an empty Password the answer has a link with
// which they choose one.
type AddAgent struct {
	Name, Email, Role, Password string
	Mailboxes                   []string // addresses
}

// AgentInfo is an agent as the command line shows them.
type AgentInfo struct {
	Name, Email, Role string
	Disabled          bool
	Invited           bool   // has no password yet
	Link              string // the page on which they choose a password, without the desk's address if it does not run; "" unless it was just made
	LinkUntil         int64  // milliseconds
}

// SetPassword gives an agent a password.
type SetPassword struct{ Email, Password string }

// MailboxSettings are the settings of a mailbox as the command line has them;
// nil keeps what there is, or the default of a new one.
type MailboxSettings struct {
	Address     string // which mailbox, or the new one's address
	NewAddress  *string
	On          *bool // false switches it off
	Name        *string
	Aliases     []string // nil keeps them, an empty list removes them
	SenderName  *string
	SenderForm  *string
	Signature   *string
	Host        *string
	Port        *int
	Security    *string
	Username    *string
	Password    *string
	UndoSeconds *int
	ReopenDays  *int
	Connections *int
	PerMinute   *int
	SendAnyway  *bool
	Subaddress  *bool
	Separator   *string
	AuthServ    *string
	TokenEnough *bool

	ReplyStatus   *string
	ReplyAssignee *string
	AutoBcc       []string               // nil keeps them, an empty list removes them
	Headers       []postroom.HeaderField // nil keeps them, an empty list removes them

	Agents    []string // addresses of those who may see it; nil keeps them
	Everybody bool
	Incoming  *IncomingSettings // nil keeps it
}

// MailboxInfo is a mailbox as the command line shows it.
type MailboxInfo struct {
	Name, Address string
	Aliases       []string
	Server        string // "host:port, starttls, user name", "" for none
	Incoming      string // "host:port, tls: watching", "" for none
	UndoSeconds   int
	ReopenDays    int
	Off           bool // it is switched off
	Agents        []string
}

// Health is how a running desk is.
type Health struct {
	OK       bool        `json:"ok"`
	Version  string      `json:"version"`
	Database string      `json:"database"`
	Since    string      `json:"since"`
	Alarms   int         `json:"alarms"`
	Work     []WorkState `json:"work,omitempty"`
	Faults   []string    `json:"faults,omitempty"`
}

// WorkState is how one kind of work is.
type WorkState struct {
	Name    string `json:"name"`
	Running int    `json:"running"`
	Fault   string `json:"fault,omitempty"`
}

// operators carries out commands on an open desk.
type operators struct {
	core *core
	// automate is that of the running desk, which wakes workers and pages; nil
	// makes one.
	automate *automate.Workflows
	poke     func()
	health   func(context.Context) Health
	locate   func(context.Context, []byte) (react.Location, error) // nil for one that does not run
	url      func() string                                         // where the pages of the running desk are; nil for one that does not run
}

// do carries out one command.
func (o operators) do(ctx context.Context, op string, params []byte) (any, error) {
	switch op {
	case opAddAgent:
		return decoded(ctx, params, o.addAgent)
	case opAgents:
		return o.agents(ctx)
	case opPassword:
		return decoded(ctx, params, o.password)
	case opLink:
		return decoded(ctx, params, o.link)
	case opAddMailbox:
		return decoded(ctx, params, o.addMailbox)
	case opSetMailbox:
		return decoded(ctx, params, o.setMailbox)
	case opMailboxes:
		return o.mailboxes(ctx)
	case opAlarms:
		return o.alarms(ctx)
	case opBackup:
		return decoded(ctx, params, o.backUp)
	case opVerdict:
		return decoded(ctx, params, o.verdict)
	case opExportWorkflows:
		return decoded(ctx, params, o.exportWorkflows)
	case opPlanWorkflows:
		return decoded(ctx, params, o.planWorkflows)
	case opApplyWorkflows:
		return decoded(ctx, params, o.applyWorkflows)
	case opTestWorkflows:
		return decoded(ctx, params, o.testWorkflows)
	case opBacktest:
		return decoded(ctx, params, o.backtest)
	case opReplay:
		return decoded(ctx, params, o.replay)
	case opSpool:
		if o.poke != nil {
			o.poke()
		}
		return struct{}{}, nil
	case opHealth:
		if o.health == nil {
			return nil, postroom.Errorf(postroom.Unavailable, "The desk does not run.")
		}
		return o.health(ctx), nil
	}
	return nil, postroom.Errorf(postroom.NotFound, "There is no command %q; the running program may be of another version.", op)
}

func decoded[P, R any](ctx context.Context, params []byte, f func(context.Context, P) (R, error)) (any, error) {
	var p P
	if err := json.Unmarshal(params, &p); err != nil {
		return nil, postroom.Errorf(postroom.Invalid, "The command cannot be understood: %v", err)
	}
	return f(ctx, p)
}

func (o operators) addAgent(ctx context.Context, p AddAgent) (AgentInfo, error) {
	var boxes []int64
	for _, address := range p.Mailboxes {
		m, err := o.core.directory.MailboxByAddress(ctx, operator(), address)
		if err != nil {
			return AgentInfo{}, err
		}
		boxes = append(boxes, m.ID)
	}
	a, err := o.core.directory.AddAgent(ctx, operator(), directory.AgentFields{Name: p.Name, Email: p.Email, Role: postroom.Role(p.Role), Mailboxes: boxes})
	if err != nil {
		return AgentInfo{}, err
	}
	if p.Password == "" {
		return o.withLink(ctx, a)
	}
	if err := o.core.auth.GivePassword(ctx, operator(), a.ID, p.Password); err != nil {
		return AgentInfo{}, fmt.Errorf("the agent was added, but has no password yet: %w", err)
	}
	return agentInfo(a, false), nil
}

func (o operators) withLink(ctx context.Context, a *postroom.Agent) (AgentInfo, error) {
	token, until, err := o.core.auth.Link(ctx, operator(), a.ID)
	info := agentInfo(a, true)
	info.Link, info.LinkUntil = "/password/"+token, until
	if o.url != nil {
		info.Link = o.url() + info.Link
	}
	return info, err
}

func agentInfo(a *postroom.Agent, invited bool) AgentInfo {
	return AgentInfo{Name: a.Name, Email: a.Email, Role: string(a.Role), Disabled: a.Disabled, Invited: invited}
}

// OpenAlarm is an open alarm as the command line shows it.
type OpenAlarm struct{ Words, Remedy string }

// alarms lists the open alarms that nobody has acknowledged.
func (o operators) alarms(ctx context.Context) ([]OpenAlarm, error) {
	all, err := o.core.alarms.List(ctx)
	out := []OpenAlarm{}
	for _, a := range all {
		if a.ClearedAt == 0 && a.AcknowledgedAt == 0 {
			out = append(out, OpenAlarm{a.Words, a.Remedy})
		}
	}
	return out, err
}

func (o operators) agents(ctx context.Context) ([]AgentInfo, error) {
	agents, err := o.core.directory.Agents(ctx, operator())
	if err != nil {
		return nil, err
	}
	out := []AgentInfo{}
	for _, a := range agents {
		hash, err := o.core.store.Read().PasswordOf(ctx, a.ID)
		if err != nil {
			return nil, err
		}
		out = append(out, agentInfo(a, hash == ""))
	}
	return out, nil
}

func (o operators) password(ctx context.Context, p SetPassword) (AgentInfo, error) {
	a, err := o.core.directory.AgentByEmail(ctx, operator(), p.Email)
	if err != nil {
		return AgentInfo{}, err
	}
	return agentInfo(a, false), o.core.auth.GivePassword(ctx, operator(), a.ID, p.Password)
}

func (o operators) link(ctx context.Context, p SetPassword) (AgentInfo, error) {
	a, err := o.core.directory.AgentByEmail(ctx, operator(), p.Email)
	if err != nil {
		return AgentInfo{}, err
	}
	return o.withLink(ctx, a)
}

func (o operators) addMailbox(ctx context.Context, p MailboxSettings) (MailboxInfo, error) {
	f := directory.NewMailbox(p.Address, p.Address)
	if name, _, ok := strings.Cut(p.Address, "@"); ok && name != "" {
		f.Name = strings.ToUpper(name[:1]) + name[1:]
	}
	f.Everybody = p.Agents == nil
	f, err := o.apply(ctx, f, p)
	if err != nil {
		return MailboxInfo{}, err
	}
	m, err := o.core.directory.AddMailbox(ctx, operator(), f)
	if err != nil {
		return MailboxInfo{}, err
	}
	if err := o.setIncoming(ctx, m.ID, p.Incoming); err != nil {
		return MailboxInfo{}, fmt.Errorf("the mailbox was added, but not where its mail is fetched: %w", err)
	}
	return o.mailboxInfo(ctx, m)
}

func (o operators) setMailbox(ctx context.Context, p MailboxSettings) (MailboxInfo, error) {
	m, err := o.core.directory.MailboxByAddress(ctx, operator(), p.Address)
	if err != nil {
		return MailboxInfo{}, err
	}
	_, agents, err := o.core.directory.Mailbox(ctx, operator(), m.ID)
	if err != nil {
		return MailboxInfo{}, err
	}
	f, err := o.apply(ctx, directory.Fields(m, agents), p)
	if err != nil {
		return MailboxInfo{}, err
	}
	if m, err = o.core.directory.UpdateMailbox(ctx, operator(), m.ID, f); err != nil {
		return MailboxInfo{}, err
	}
	if err := o.setIncoming(ctx, m.ID, p.Incoming); err != nil {
		return MailboxInfo{}, err
	}
	if p.On != nil {
		if err := o.core.directory.SwitchMailbox(ctx, operator(), m.ID, *p.On); err != nil {
			return MailboxInfo{}, err
		}
		if m, _, err = o.core.directory.Mailbox(ctx, operator(), m.ID); err != nil {
			return MailboxInfo{}, err
		}
	}
	return o.mailboxInfo(ctx, m)
}

// apply puts what was given over what there is.
func (o operators) apply(ctx context.Context, f directory.MailboxFields, p MailboxSettings) (directory.MailboxFields, error) {
	over(&f.Address, p.NewAddress)
	over(&f.Name, p.Name)
	over((*string)(&f.SenderForm), p.SenderForm)
	over(&f.Separator, p.Separator)
	over((*string)(&f.ReplyStatus), p.ReplyStatus)
	over((*string)(&f.ReplyAssignee), p.ReplyAssignee)
	over(&f.SenderName, p.SenderName)
	over(&f.Signature, p.Signature)
	over(&f.Host, p.Host)
	over(&f.Security, p.Security)
	over(&f.Username, p.Username)
	over(&f.UndoSeconds, p.UndoSeconds)
	over(&f.ReopenDays, p.ReopenDays)
	over(&f.Connections, p.Connections)
	over(&f.PerMinute, p.PerMinute)
	over(&f.SendAnyway, p.SendAnyway)
	over(&f.Subaddress, p.Subaddress)
	over(&f.AuthServ, p.AuthServ)
	over(&f.TokenEnough, p.TokenEnough)
	if p.Security != nil && p.Port == nil {
		f.Port = 0 // the usual one of the new kind
	}
	over(&f.Port, p.Port)
	f.Password = p.Password
	if p.Aliases != nil {
		f.Aliases = p.Aliases
	}
	if p.AutoBcc != nil {
		f.AutoBcc = p.AutoBcc
	}
	if p.Headers != nil {
		f.Headers = p.Headers
	}
	if p.Agents != nil {
		f.Agents = nil
		for _, email := range p.Agents {
			a, err := o.core.directory.AgentByEmail(ctx, operator(), email)
			if err != nil {
				return f, err
			}
			f.Agents = append(f.Agents, a.ID)
		}
	}
	if p.Everybody {
		f.Everybody = true
	}
	return f, nil
}

func over[T any](to *T, from *T) {
	if from != nil {
		*to = *from
	}
}

func (o operators) mailboxes(ctx context.Context) ([]MailboxInfo, error) {
	boxes, err := o.core.directory.Mailboxes(ctx, operator())
	if err != nil {
		return nil, err
	}
	out := []MailboxInfo{}
	for _, m := range boxes {
		info, err := o.mailboxInfo(ctx, m)
		if err != nil {
			return nil, err
		}
		out = append(out, info)
	}
	return out, nil
}

func (o operators) mailboxInfo(ctx context.Context, m *postroom.Mailbox) (MailboxInfo, error) {
	info := MailboxInfo{Name: m.Name, Address: m.Address, Aliases: m.Aliases, UndoSeconds: int(m.UndoMS / 1000), ReopenDays: m.ReopenDays, Off: m.Off()}
	if c := m.Channel; c.Host != "" {
		info.Server = fmt.Sprintf("%s:%d, %s", c.Host, c.Port, c.Security)
		if c.Username != "" {
			info.Server += ", " + c.Username
		}
	}
	incoming, err := o.incomingInfo(ctx, m.ID)
	if err != nil {
		return info, err
	}
	info.Incoming = incoming
	_, agents, err := o.core.directory.Mailbox(ctx, operator(), m.ID)
	if err != nil {
		return info, err
	}
	all, err := o.core.directory.Agents(ctx, operator())
	if err != nil {
		return info, err
	}
	for _, a := range all {
		for _, id := range agents {
			if a.ID == id {
				info.Agents = append(info.Agents, a.Email)
			}
		}
	}
	return info, nil
}

// maxCommand is the largest command in bytes: one with a whole mail in base 64.
const maxCommand = desk.MaxMail/3*4 + 1<<20

// answer is what the socket says.
type answer struct {
	Result json.RawMessage `json:"result,omitempty"`
	Code   postroom.Code   `json:"code,omitempty"`
	Field  string          `json:"field,omitempty"`
	Text   string          `json:"text,omitempty"`
}

// ServeHTTP answers a command that came by the socket.
func (o operators) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	var params bytes.Buffer
	_, err := params.ReadFrom(http.MaxBytesReader(w, r.Body, maxCommand))
	var result any
	if err == nil {
		result, err = o.do(r.Context(), strings.TrimPrefix(r.URL.Path, controlPrefix), params.Bytes())
	}
	var a answer
	if err == nil {
		a.Result, err = json.Marshal(result)
	}
	if err != nil {
		a = answer{Code: postroom.CodeOf(err), Text: err.Error()}
		if e, ok := errors.AsType[*postroom.Error](err); ok {
			a.Field = e.Field
		}
	}
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(a)
}

// listenControl opens the socket. One that a dead process left is replaced;
// where another process answers on it the desk runs already.
func listenControl(path string) (net.Listener, error) {
	ln, err := net.Listen("unix", path)
	if err != nil && (errors.Is(err, syscall.EADDRINUSE) || errors.Is(err, fs.ErrExist)) {
		if c, dialErr := net.DialTimeout("unix", path, time.Second); dialErr == nil {
			c.Close()
			return nil, postroom.Errorf(postroom.Conflict, "Another Postroom runs on this data folder already (it answers on %s).", path)
		}
		if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return nil, err
		}
		ln, err = net.Listen("unix", path)
	}
	if err != nil {
		return nil, fmt.Errorf("listen for commands: %w", err)
	}
	return ln, os.Chmod(path, 0o600)
}

// errNotRunning says that no desk answers.
var errNotRunning = errors.New("no desk runs on this data folder")

// ask sends a command to the desk that runs on a data folder.
func ask(ctx context.Context, place config.Place, op string, params, result any) error {
	path, err := socketPath(place)
	if err != nil {
		return errNotRunning
	}
	client := &http.Client{Transport: &http.Transport{DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
		var d net.Dialer
		c, err := d.DialContext(ctx, "unix", path)
		if err != nil {
			return nil, fmt.Errorf("%w: %w", errNotRunning, err)
		}
		return c, nil
	}, DisableKeepAlives: true}}
	body, err := json.Marshal(params)
	if err != nil {
		return err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://desk"+controlPrefix+op, bytes.NewReader(body))
	if err != nil {
		return err
	}
	resp, err := client.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	var a answer
	if err := json.NewDecoder(resp.Body).Decode(&a); err != nil {
		return err
	}
	if a.Code != "" {
		return &postroom.Error{Code: a.Code, Field: a.Field, Text: a.Text}
	}
	return json.Unmarshal(a.Result, result)
}
