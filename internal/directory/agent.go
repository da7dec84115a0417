package directory

import (
	"context"
	"slices"

	"postroom"
	"postroom/internal/store"
)

// AgentFields are what an admin says of an agent.
type AgentFields struct {
	Name      string
	Email     string
	Role      postroom.Role // "agent" is understood as Member too
	Mailboxes []int64       // those they may see; admins see all
	// Rights says what they may do in them, by mailbox; where it says nothing an
	// agent keeps what they had, and may answer in what is new to them.
	Rights map[int64]postroom.Right
}

// AddAgent makes an agent who has no password yet: auth.Link or
// auth.GivePassword gives them one. Errors name the fields name, email, role
// and mailbox; an address that an agent or a mailbox has already is
// postroom.Conflict.
func (d *Directory) AddAgent(ctx context.Context, by *postroom.Agent, f AgentFields) (*postroom.Agent, error) {
	if err := manage(by); err != nil {
		return nil, err
	}
	f, err := checkAgent(f)
	if err != nil {
		return nil, err
	}
	id, err := d.store.NewID(ctx)
	if err != nil {
		return nil, err
	}
	a := &postroom.Agent{ID: id, Name: f.Name, Email: f.Email, Role: f.Role, Theme: "system", Mailboxes: f.Mailboxes, CreatedAt: d.store.Now()}
	err = d.write(ctx, KeyAgents, func(t *store.Tx) error {
		if err := freeForAgent(ctx, t, a.Email, 0); err != nil {
			return err
		}
		if err := t.InsertAgent(ctx, a, ""); err != nil {
			return err
		}
		if err := t.Log(ctx, store.LogEntry{Area: store.AreaAgents, AgentID: by.ID, Words: a.Name + " was added as " + roleWords(a.Role) + "."}); err != nil {
			return err
		}
		return setAgentMailboxes(ctx, t, a.ID, f)
	})
	if err != nil {
		return nil, err
	}
	return a, nil
}

// UpdateAgent changes an agent's name, address, role and mailboxes. The last
// admin who is not disabled stays one: postroom.Conflict.
func (d *Directory) UpdateAgent(ctx context.Context, by *postroom.Agent, id int64, f AgentFields) (*postroom.Agent, error) {
	if err := manage(by); err != nil {
		return nil, err
	}
	f, err := checkAgent(f)
	if err != nil {
		return nil, err
	}
	var a *postroom.Agent
	err = d.write(ctx, KeyAgents, func(t *store.Tx) error {
		if err := freeForAgent(ctx, t, f.Email, id); err != nil {
			return err
		}
		if f.Role != postroom.Admin {
			if err := notLastAdmin(ctx, t, id); err != nil {
				return err
			}
		}
		if a, err = t.Agent(ctx, id); err != nil {
			return err
		}
		a.Name, a.Email, a.Role, a.Mailboxes = f.Name, f.Email, f.Role, f.Mailboxes
		if err := t.UpdateAgent(ctx, a); err != nil {
			return err
		}
		if err := promoteAddress(ctx, t, id, a.Email); err != nil {
			return err
		}
		if err := t.Log(ctx, store.LogEntry{Area: store.AreaAgents, AgentID: by.ID, Words: a.Name + ", " + roleWords(a.Role) + ", was changed."}); err != nil {
			return err
		}
		return setAgentMailboxes(ctx, t, id, f)
	})
	if err != nil {
		return nil, err
	}
	return a, nil
}

// DisableAgent keeps an agent from signing in and ends their sessions; what
// they wrote and what is assigned to them stays. The last admin cannot be
// disabled, and nobody disables themselves: postroom.Conflict.
func (d *Directory) DisableAgent(ctx context.Context, by *postroom.Agent, id int64) error {
	if by != nil && by.ID == id {
		return postroom.Errorf(postroom.Conflict, "You cannot disable yourself. Another admin can.")
	}
	return d.switchAgent(ctx, by, id, true)
}

// EnableAgent lets a disabled agent sign in again.
func (d *Directory) EnableAgent(ctx context.Context, by *postroom.Agent, id int64) error {
	return d.switchAgent(ctx, by, id, false)
}

func (d *Directory) switchAgent(ctx context.Context, by *postroom.Agent, id int64, disabled bool) error {
	if err := manage(by); err != nil {
		return err
	}
	return d.write(ctx, KeyAgents, func(t *store.Tx) error {
		if disabled {
			if err := notLastAdmin(ctx, t, id); err != nil {
				return err
			}
			if err := t.DeleteSessions(ctx, id, ""); err != nil {
				return err
			}
		}
		a, err := t.Agent(ctx, id)
		if err != nil {
			return err
		}
		a.Disabled = disabled
		words := a.Name + " may sign in again."
		if disabled {
			words = a.Name + " may no longer sign in."
		}
		if err := t.Log(ctx, store.LogEntry{Area: store.AreaAgents, AgentID: by.ID, Words: words}); err != nil {
			return err
		}
		return t.UpdateAgent(ctx, a)
	})
}

// Agents lists all agents by name, without their mailboxes.
func (d *Directory) Agents(ctx context.Context, by *postroom.Agent) ([]*postroom.Agent, error) {
	if err := manage(by); err != nil {
		return nil, err
	}
	return d.store.Read().Agents(ctx)
}

// AgentByEmail finds an agent by their address; postroom.NotFound if there is
// none.
func (d *Directory) AgentByEmail(ctx context.Context, by *postroom.Agent, email string) (*postroom.Agent, error) {
	if err := manage(by); err != nil {
		return nil, err
	}
	return d.store.Read().AgentByEmail(ctx, email)
}

// Profile is what agents say of themselves. An empty Theme keeps the present
// one.
type Profile struct {
	Name  string
	Zone  string // IANA name; "" is UTC
	Theme string // system, light or dark
}

// UpdateProfile changes the agent's own profile. Errors name the fields name,
// zone and theme.
func (d *Directory) UpdateProfile(ctx context.Context, agent *postroom.Agent, p Profile) error {
	name, err := line("name", "your name", p.Name, maxName, true)
	if err != nil {
		return err
	}
	if err := checkZone(p.Zone); err != nil {
		return err
	}
	if p.Theme != "" && !slices.Contains([]string{"system", "light", "dark"}, p.Theme) {
		return postroom.InvalidField("theme", "%q is not a theme; it is one of system, light and dark.", cut(p.Theme))
	}
	return d.write(ctx, KeyAgents, func(t *store.Tx) error {
		a, err := t.Agent(ctx, agent.ID)
		if err != nil {
			return err
		}
		a.Name, a.Zone = name, p.Zone
		if p.Theme != "" {
			a.Theme = p.Theme
		}
		return t.UpdateAgent(ctx, a)
	})
}

// SetTheme changes only the agent's own theme: system, light or dark.
func (d *Directory) SetTheme(ctx context.Context, agent *postroom.Agent, theme string) error {
	return d.UpdateProfile(ctx, agent, Profile{Name: agent.Name, Zone: agent.Zone, Theme: theme})
}

func checkAgent(f AgentFields) (_ AgentFields, err error) {
	if f.Name, err = line("name", "the name", f.Name, maxName, true); err != nil {
		return f, err
	}
	if f.Email, err = address("email", f.Email); err != nil {
		return f, err
	}
	switch f.Role {
	case postroom.Admin, postroom.Member:
	case "agent", "":
		f.Role = postroom.Member
	default:
		return f, postroom.InvalidField("role", "%q is not a role; it is one of admin and member.", cut(string(f.Role)))
	}
	slices.Sort(f.Mailboxes)
	f.Mailboxes = slices.Compact(f.Mailboxes)
	for _, r := range f.Rights {
		if !slices.Contains([]postroom.Verb{postroom.See, postroom.Answer, postroom.Manage}, r.Most) {
			return f, postroom.InvalidField("mailbox", "%q is not a right; it is one of see, answer and manage.", cut(string(r.Most)))
		}
		if !slices.Contains([]postroom.Verb{"", postroom.DraftWorkflows, postroom.PublishWorkflows}, r.Workflows) {
			return f, postroom.InvalidField("mailbox", "%q is not a right to workflows; it is one of draft and publish.", cut(string(r.Workflows)))
		}
		if r.Workflows != "" && r.OnlyAssigned {
			return f, postroom.InvalidField("mailbox", "Somebody who sees only what is assigned to them cannot write workflows, which are about all conversations of a mailbox.")
		}
	}
	return f, nil
}

// freeForAgent refuses an address that somebody else has. An agent with a
// mailbox's address would be mailed what the mailbox receives, for ever.
func freeForAgent(ctx context.Context, t *store.Tx, email string, self int64) error {
	return freeAddresses(ctx, t, "email", []string{email}, self)
}

// notLastAdmin refuses what would leave no admin.
func notLastAdmin(ctx context.Context, t *store.Tx, id int64) error {
	admins, err := t.OpenAdmins(ctx)
	if err != nil {
		return err
	}
	if len(admins) == 1 && admins[0] == id {
		return &postroom.Error{Code: postroom.Conflict, Field: "role", Text: "This is the only admin; make somebody else an admin first."}
	}
	return nil
}

// setAgentMailboxes stores what an agent may see and do, after making sure that
// it exists.
func setAgentMailboxes(ctx context.Context, t *store.Tx, agent int64, f AgentFields) error {
	for _, m := range f.Mailboxes {
		if _, err := t.Mailbox(ctx, m); err != nil {
			if postroom.CodeOf(err) == postroom.NotFound {
				return postroom.InvalidField("mailbox", "There is no mailbox %d.", m)
			}
			return err
		}
	}
	if err := t.SetAgentMailboxes(ctx, agent, f.Mailboxes); err != nil {
		return err
	}
	for _, m := range f.Mailboxes {
		right, given := f.Rights[m]
		if !given {
			continue
		}
		if err := t.SetRight(ctx, m, agent, right); err != nil {
			return err
		}
	}
	return nil
}

// roleWords is a role with its article.
func roleWords(r postroom.Role) string {
	if r == postroom.Admin {
		return "an admin"
	}
	return "an agent"
}
