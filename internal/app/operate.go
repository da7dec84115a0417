package app

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"time"

	"postroom/internal/config"
)

// Operator carries out an operator's commands on the desk in a place: on the
// running one by its socket, else on the database itself.
type Operator struct {
	Place config.Place
	Log   *slog.Logger
}

// AddAgent makes an agent; errors name the fields name, email, role and
// mailbox.
func (o Operator) AddAgent(ctx context.Context, p AddAgent) (info AgentInfo, err error) {
	return info, o.run(ctx, opAddAgent, p, &info)
}

// Agents lists all agents by name.
func (o Operator) Agents(ctx context.Context) (list []AgentInfo, err error) {
	return list, o.run(ctx, opAgents, nil, &list)
}

// SetPassword gives an agent a password and ends their sessions.
func (o Operator) SetPassword(ctx context.Context, p SetPassword) (info AgentInfo, err error) {
	return info, o.run(ctx, opPassword, p, &info)
}

// Link makes a link with which an agent chooses a password.
func (o Operator) Link(ctx context.Context, email string) (info AgentInfo, err error) {
	return info, o.run(ctx, opLink, SetPassword{Email: email}, &info)
}

// AddMailbox makes a mailbox. Without Agents all agents there are may see it.
func (o Operator) AddMailbox(ctx context.Context, p MailboxSettings) (info MailboxInfo, err error) {
	return info, o.run(ctx, opAddMailbox, p, &info)
}

// SetMailbox changes a mailbox.
func (o Operator) SetMailbox(ctx context.Context, p MailboxSettings) (info MailboxInfo, err error) {
	return info, o.run(ctx, opSetMailbox, p, &info)
}

// Mailboxes lists all mailboxes by name.
func (o Operator) Mailboxes(ctx context.Context) (list []MailboxInfo, err error) {
	return list, o.run(ctx, opMailboxes, nil, &list)
}

// Health returns how the running desk is; an error if none runs.
func (o Operator) Health(ctx context.Context) (h Health, err error) {
	return h, ask(ctx, o.Place, opHealth, nil, &h)
}

// Poke tells the running desk, if any, that something came into the spool.
// The spool is looked at every second anyway, so that it may fail.
func (o Operator) Poke(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, time.Second)
	defer cancel()
	var nothing struct{}
	_ = ask(ctx, o.Place, opSpool, nil, &nothing)
}

// Migrate brings the schema up to date, after a backup, and returns the
// numbers of the migrations that were missing.
func (o Operator) Migrate(ctx context.Context) ([]int64, error) { return migrate(ctx, o.Place, o.Log) }

// run asks the running desk, or opens the desk if none runs.
func (o Operator) run(ctx context.Context, op string, params, result any) error {
	err := ask(ctx, o.Place, op, params, result)
	if !errors.Is(err, errNotRunning) {
		return err
	}
	c, err := openCore(ctx, o.Place, 2, Options{Log: o.Log})
	if err != nil {
		return err
	}
	err = o.direct(ctx, c, op, params, result)
	return errors.Join(err, c.close())
}

// direct goes the same way through JSON as a command by the socket, so that
// the two cannot differ.
func (o Operator) direct(ctx context.Context, c *core, op string, params, result any) error {
	in, err := json.Marshal(params)
	if err != nil {
		return err
	}
	answer, err := operators{core: c}.do(ctx, op, in)
	if err != nil {
		return err
	}
	out, err := json.Marshal(answer)
	if err != nil {
		return err
	}
	return json.Unmarshal(out, result)
}
