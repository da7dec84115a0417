package cli

import (
	"fmt"
	"io"
	"strings"
	"text/tabwriter"

	"postroom/internal/app"
	"postroom/internal/config"
)

type mailboxCommand struct {
	Add  mailboxAdd  `cmd:"" help:"Add a mailbox."`
	List mailboxList `cmd:"" help:"List the mailboxes."`
	Set  mailboxSet  `cmd:"" help:"Change settings of a mailbox; what is not given stays."`
}

// mailboxFlags are the settings of a mailbox; nil was not given.
type mailboxFlags struct {
	Name          *string  `placeholder:"NAME" help:"What the mailbox is called on the desk."`
	Alias         []string `placeholder:"ADDRESS" help:"A further address that the mailbox receives for; may be given several times, and replaces those there are."`
	SenderName    *string  `placeholder:"NAME" help:"The name its mail carries. Without it: the agent's."`
	Signature     *string  `placeholder:"HTML" help:"What stands under replies."`
	Host          *string  `placeholder:"SERVER" help:"The server that its mail leaves by."`
	Port          *int     `help:"That server's port. Without it: 587 for starttls, 465 for tls, 25 for none."`
	Security      *string  `placeholder:"KIND" help:"tls, starttls or none."`
	User          *string  `placeholder:"NAME" help:"The user name on that server."`
	PasswordStdin bool     `help:"Read that user's password from standard input, one line."`
	UndoSeconds   *int     `placeholder:"SECONDS" help:"How long agents can take a reply back, 0 to 120 (10)."`
	ReopenDays    *int     `placeholder:"DAYS" help:"How long after closing an answer opens the conversation again (30)."`
	Connections   *int     `placeholder:"NUMBER" help:"How many connections to that server there may be at once, all processes together, 1 to 50 (4)."`
	PerMinute     *int     `placeholder:"NUMBER" help:"How many mails a minute it may be given; 0 is no limit (0)."`
	SendAnyway    *bool    `negatable:"" help:"Send a closing notice even if the reply before it failed."`
	Subaddress    *bool    `negatable:"" help:"The provider delivers name+anything@domain to the mailbox, so that answers find their conversation by their address."`
	Authserv      *string  `placeholder:"ID" help:"The id whose Authentication-Results are believed: that of your own mail server."`
	TokenEnough   *bool    `negatable:"" help:"Agents' answers by mail act although no mail server vouches for their sender: whoever has a notification can then act as the agent."`
	Agent         []string `placeholder:"ADDRESS" help:"An agent who may see the mailbox; may be given several times, and replaces those there are."`
	Everybody     bool     `help:"Every agent there is now may see the mailbox."`
	incomingFlags
}

func (f *mailboxFlags) settings(address string, stdin io.Reader) (app.MailboxSettings, error) {
	p := app.MailboxSettings{Address: address, Name: f.Name, Aliases: f.Alias, SenderName: f.SenderName, Signature: f.Signature,
		Host: f.Host, Port: f.Port, Security: f.Security, Username: f.User, UndoSeconds: f.UndoSeconds, ReopenDays: f.ReopenDays, Connections: f.Connections, PerMinute: f.PerMinute,
		SendAnyway: f.SendAnyway, Subaddress: f.Subaddress, AuthServ: f.Authserv, TokenEnough: f.TokenEnough, Agents: f.Agent, Everybody: f.Everybody}
	if f.PasswordStdin {
		password, err := readPassword(stdin)
		if err != nil {
			return p, err
		}
		p.Password = &password
	}
	var err error
	p.Incoming, err = f.incomingFlags.settings(stdin)
	return p, err
}

type mailboxAdd struct {
	config.Place
	mailboxFlags
	Address string `arg:"" help:"The mailbox's address."`
}

// Run adds a mailbox.
func (c *mailboxAdd) Run(s *Surroundings) error {
	o, err := operator(s, c.Place)
	if err != nil {
		return err
	}
	p, err := c.settings(c.Address, s.Stdin)
	if err != nil {
		return err
	}
	m, err := o.AddMailbox(s.Context, p)
	if err != nil {
		return err
	}
	fmt.Fprintf(s.Stdout, "Added the mailbox %s <%s>.\n", m.Name, m.Address)
	if m.Server == "" {
		fmt.Fprintf(s.Stdout, "It has no outgoing server yet: 'postroom mailbox set %s --host SERVER …'\n", m.Address)
	}
	return nil
}

type mailboxSet struct {
	config.Place
	mailboxFlags
	Address string `arg:"" help:"The mailbox's address."`
}

// Run changes a mailbox.
func (c *mailboxSet) Run(s *Surroundings) error {
	o, err := operator(s, c.Place)
	if err != nil {
		return err
	}
	p, err := c.settings(c.Address, s.Stdin)
	if err != nil {
		return err
	}
	m, err := o.SetMailbox(s.Context, p)
	if err != nil {
		return err
	}
	fmt.Fprintf(s.Stdout, "Changed the mailbox %s <%s>.\n", m.Name, m.Address)
	return nil
}

type mailboxList struct {
	config.Place
}

// Run lists the mailboxes.
func (c *mailboxList) Run(s *Surroundings) error {
	o, err := operator(s, c.Place)
	if err != nil {
		return err
	}
	boxes, err := o.Mailboxes(s.Context)
	if err != nil {
		return err
	}
	if len(boxes) == 0 {
		fmt.Fprintln(s.Stdout, "There is no mailbox yet. Add one with 'postroom mailbox add ADDRESS --host SERVER …'.")
		return nil
	}
	t := tabwriter.NewWriter(s.Stdout, 0, 4, 2, ' ', 0)
	fmt.Fprintln(t, "ADDRESS\tNAME\tSERVER\tFETCHED FROM\tUNDO\tREOPEN\tAGENTS")
	for _, m := range boxes {
		server := m.Server
		if server == "" {
			server = "none: mail waits"
		}
		incoming := m.Incoming
		if incoming == "" {
			incoming = "nowhere: it is delivered"
		}
		fmt.Fprintf(t, "%s\t%s\t%s\t%s\t%d s\t%d days\t%s\n", strings.Join(append([]string{m.Address}, m.Aliases...), ", "), m.Name, server, incoming, m.UndoSeconds, m.ReopenDays, strings.Join(m.Agents, ", "))
	}
	return t.Flush()
}
