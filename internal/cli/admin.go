package cli

import (
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
	"time"

	"postroom/internal/app"
	"postroom/internal/config"
)

type adminCommand struct {
	Add      adminAdd      `cmd:"" help:"Add an agent. Without a password a link is printed with which they choose one."`
	List     adminList     `cmd:"" help:"List the agents."`
	Password adminPassword `cmd:"" help:"Give an agent a password, from standard input."`
	Link     adminLink     `cmd:"" help:"Print a link with which an agent chooses a new password."`
}

type adminAdd struct {
	config.Place
	Email         string   `arg:"" help:"The agent's address; they sign in with it."`
	Name          string   `arg:"" help:"The agent's name, as customers see it."`
	Role          string   `default:"admin" enum:"admin,member" help:"admin sees every mailbox and changes settings; member sees the mailboxes they are given."`
	Mailbox       []string `placeholder:"ADDRESS" help:"A mailbox that a member may see; may be given several times."`
	PasswordStdin bool     `help:"Read the password from standard input, one line."`
}

// Run adds an agent.
func (c *adminAdd) Run(s *Surroundings) error {
	o, err := operator(s, c.Place)
	if err != nil {
		return err
	}
	p := app.AddAgent{Name: c.Name, Email: c.Email, Role: c.Role, Mailboxes: c.Mailbox}
	if c.PasswordStdin {
		if p.Password, err = readPassword(s.Stdin); err != nil {
			return err
		}
	}
	info, err := o.AddAgent(s.Context, p)
	if err != nil {
		return err
	}
	fmt.Fprintf(s.Stdout, "Added %s <%s>, %s.\n", info.Name, info.Email, info.Role)
	printLink(s.Stdout, info)
	return nil
}

func printLink(w io.Writer, info app.AgentInfo) {
	if info.Link == "" {
		return
	}
	fmt.Fprintf(w, "They choose their password on this page of the desk, once, until %s:\n%s\n",
		time.UnixMilli(info.LinkUntil).UTC().Format("2 January 2006 15:04 UTC"), info.Link)
}

type adminList struct {
	config.Place
}

// Run lists the agents.
func (c *adminList) Run(s *Surroundings) error {
	o, err := operator(s, c.Place)
	if err != nil {
		return err
	}
	agents, err := o.Agents(s.Context)
	if err != nil {
		return err
	}
	if len(agents) == 0 {
		fmt.Fprintln(s.Stdout, "There is no agent yet. Add the first with 'postroom admin add EMAIL NAME', or on the desk's first page.")
		return nil
	}
	t := tabwriter.NewWriter(s.Stdout, 0, 4, 2, ' ', 0)
	fmt.Fprintln(t, "EMAIL\tNAME\tROLE\tSTATE")
	for _, a := range agents {
		state := "active"
		if a.Disabled {
			state = "disabled"
		} else if a.Invited {
			state = "invited, no password yet"
		}
		fmt.Fprintf(t, "%s\t%s\t%s\t%s\n", a.Email, a.Name, a.Role, state)
	}
	return t.Flush()
}

type adminPassword struct {
	config.Place
	Email string `arg:"" help:"The agent's address."`
}

// Run sets a password.
func (c *adminPassword) Run(s *Surroundings) error {
	o, err := operator(s, c.Place)
	if err != nil {
		return err
	}
	password, err := readPassword(s.Stdin)
	if err != nil {
		return err
	}
	info, err := o.SetPassword(s.Context, app.SetPassword{Email: c.Email, Password: password})
	if err != nil {
		return err
	}
	fmt.Fprintf(s.Stdout, "%s has a new password; their sessions have ended.\n", info.Name)
	return nil
}

type adminLink struct {
	config.Place
	Email string `arg:"" help:"The agent's address."`
}

// Run prints a password link.
func (c *adminLink) Run(s *Surroundings) error {
	o, err := operator(s, c.Place)
	if err != nil {
		return err
	}
	info, err := o.Link(s.Context, c.Email)
	if err != nil {
		return err
	}
	printLink(s.Stdout, info)
	return nil
}

// readPassword reads one line: a password on the command line would be seen
// by everybody on the machine.
func readPassword(r io.Reader) (string, error) {
	const longest = 16 << 10 // an access token
	var b []byte
	one := make([]byte, 1) // no more than the line: another may follow it
	for len(b) < longest {
		n, err := r.Read(one)
		if n > 0 && one[0] == '\n' || err == io.EOF {
			break
		}
		if err != nil {
			return "", err
		}
		b = append(b, one[:n]...)
	}
	line := strings.TrimRight(string(b), "\r\n")
	if line == "" {
		return "", errNoPassword
	}
	return line, nil
}
