package cli

import (
	"fmt"
	"io"
	"strings"
	"text/tabwriter"

	"postroom"
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
	Alias         []string `placeholder:"ADDRESS" help:"A further address that the mailbox receives for; may be given several times, and replaces those there are. none removes them."`
	SenderName    *string  `placeholder:"NAME" help:"The team's name in its mail. Without it: the mailbox's."`
	SenderForm    *string  `placeholder:"WHOSE" help:"Whose name customers see: agent, team or both (Ann at NAME)."`
	Signature     *string  `placeholder:"HTML" help:"What stands under replies. It may say {{ agent.name }}, {{ mailbox.name }} and the like; the page of the mailbox lists them. An empty one removes it."`
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
	Separator     *string  `placeholder:"SIGN" help:"What the provider puts between name and anything: + (the default) or -."`
	Authserv      *string  `placeholder:"ID" help:"The id whose Authentication-Results are believed: that of your own mail server."`
	TokenEnough   *bool    `negatable:"" help:"Agents' answers by mail act although no mail server vouches for their sender: whoever has a notification can then act as the agent."`
	ReplyStatus   *string  `placeholder:"STATUS" help:"The status that is proposed for after a reply: active, pending or closed; none leaves it as it is."`
	ReplyAssignee *string  `placeholder:"WHO" help:"Whom a conversation is proposed to be assigned to after a reply: me, if_free (me, if nobody is), nobody; none leaves it as it is."`
	AutoBcc       []string `placeholder:"ADDRESS" help:"Who gets a hidden copy of each reply, unless the agent takes them out; may be given several times, and replaces those there are. none removes them."`
	Header        []string `sep:"none" placeholder:"NAME:VALUE" help:"A header of its own in each of its mails to customers, like 'X-Team: Harbour'; may be given several times, and replaces those there are. none removes them."`
	Agent         []string `placeholder:"ADDRESS" help:"An agent who may see the mailbox; may be given several times, and replaces those there are."`
	Everybody     bool     `help:"Every agent there is now may see the mailbox."`
	incomingFlags
}

func (f *mailboxFlags) settings(address string, stdin io.Reader) (app.MailboxSettings, error) {
	p := app.MailboxSettings{Address: address, Name: f.Name, Aliases: list(f.Alias), SenderName: f.SenderName, SenderForm: f.SenderForm, Signature: f.Signature,
		Separator: f.Separator, ReplyStatus: orEmpty(f.ReplyStatus), ReplyAssignee: orEmpty(f.ReplyAssignee), AutoBcc: list(f.AutoBcc),
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
	if p.Headers, err = headers(list(f.Header)); err != nil {
		return p, err
	}
	p.Incoming, err = f.incomingFlags.settings(stdin)
	return p, err
}

// none is how the command line says that there shall be nothing.
const none = "none"

// list is a list that was given: nil if it was not, empty for none.
func list(given []string) []string {
	if len(given) == 1 && given[0] == none {
		return []string{}
	}
	return given
}

// orEmpty is a choice that was given, "" for none.
func orEmpty(given *string) *string {
	if given != nil && *given == none {
		return new(string)
	}
	return given
}

// headers reads a mailbox's own headers; nil if none were given.
func headers(lines []string) ([]postroom.HeaderField, error) {
	if lines == nil {
		return nil, nil
	}
	out := []postroom.HeaderField{}
	for _, line := range lines {
		name, value, ok := strings.Cut(line, ":")
		if !ok {
			return nil, postroom.InvalidField("header", "%q has no colon. Write a header as 'X-Team: Harbour'.", line)
		}
		out = append(out, postroom.HeaderField{Name: strings.TrimSpace(name), Value: strings.TrimSpace(value)})
	}
	return out, nil
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
	NewAddress *string `placeholder:"ADDRESS" help:"The address it shall have from now on."`
	On         *bool   `negatable:"" help:"Switch the mailbox on; --no-on switches it off: nothing is taken in for it, and what it has to send waits."`
	Address    string  `arg:"" help:"The mailbox's address."`
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
	p.NewAddress, p.On = c.NewAddress, c.On
	m, err := o.SetMailbox(s.Context, p)
	if err != nil {
		return err
	}
	off := ""
	if m.Off {
		off = " It is switched off."
	}
	fmt.Fprintf(s.Stdout, "Changed the mailbox %s <%s>.%s\n", m.Name, m.Address, off)
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
		if m.Off {
			server += " (switched off)"
		}
		if incoming == "" {
			incoming = "nowhere: it is delivered"
		}
		fmt.Fprintf(t, "%s\t%s\t%s\t%s\t%d s\t%d days\t%s\n", strings.Join(append([]string{m.Address}, m.Aliases...), ", "), m.Name, server, incoming, m.UndoSeconds, m.ReopenDays, strings.Join(m.Agents, ", "))
	}
	return t.Flush()
}
