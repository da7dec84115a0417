package query

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"postroom"
	"postroom/internal/store"
	"postroom/internal/template"
)

const day = int64(24) * 60 * 60 * 1000

// Mailboxes reads the list of mailboxes, for admins.
func (d *Desk) Mailboxes(ctx context.Context, a *postroom.Agent, place Place) (*MailboxesPage, error) {
	if err := mayManage(a); err != nil {
		return nil, err
	}
	shell, err := d.Shell(ctx, a, place)
	if err != nil {
		return nil, err
	}
	today := shell.Now / day
	rows, access, err := d.read().AdminMailboxes(ctx, (today-13)*day-1)
	if err != nil {
		return nil, fmt.Errorf("read mailboxes: %w", err)
	}
	p := &MailboxesPage{Shell: shell}
	for _, r := range rows {
		line := MailboxLine{ID: r.ID, Name: r.Name, Address: r.Address, Aliases: len(r.Aliases), Paused: r.PausedWords, Off: r.Off(), Agents: len(access[r.ID]), Open: r.Open,
			LastReceived: r.LastReceived, LastAccepted: r.LastAccepted}
		if r.Channel.Host != "" {
			line.Host = fmt.Sprintf("%s:%d", r.Channel.Host, r.Channel.Port)
		}
		for i := today - 13; i <= today; i++ {
			line.Volume = append(line.Volume, r.Begun[i])
		}
		p.Rows = append(p.Rows, line)
	}
	return p, nil
}

// MailboxForm reads the settings of a mailbox, 0 for a new one.
func (d *Desk) MailboxForm(ctx context.Context, a *postroom.Agent, id int64, place Place) (*MailboxFormPage, error) {
	if err := mayManage(a); err != nil {
		return nil, err
	}
	shell, err := d.Shell(ctx, a, place)
	if err != nil {
		return nil, err
	}
	p := &MailboxFormPage{Shell: shell, ID: id, SenderName: string(postroom.SenderAgent), UndoSeconds: postroom.DefaultUndoMS / 1000, ReopenDays: postroom.DefaultReopenDays,
		Subaddress: true, Separator: "+"}
	for _, v := range template.SignatureVariables() {
		p.Variables = append(p.Variables, Choice{Value: v.Name, Text: v.Label})
	}
	if id == 0 {
		return p, nil
	}
	m, err := d.read().Mailbox(ctx, id)
	if err != nil {
		return nil, err
	}
	p.Name, p.Address, p.Aliases, p.Signature = m.Name, m.Address, strings.Join(m.Aliases, "\n"), m.Signature
	p.SenderName, p.TeamName = string(m.SenderForm), m.SenderName
	if p.SenderName == "" {
		p.SenderName = string(postroom.SenderAgent)
		if m.SenderName != "" {
			p.SenderName = string(postroom.SenderTeam)
		}
	}
	p.ReplyStatus, p.ReplyAssignee, p.AutoBcc = string(m.ReplyStatus), string(m.ReplyAssignee), strings.Join(m.AutoBcc, "\n")
	var headers []string
	for _, h := range m.Headers {
		headers = append(headers, h.Name+": "+h.Value)
	}
	p.Headers = strings.Join(headers, "\n")
	p.UndoSeconds, p.ReopenDays, p.NoticeAnyway, p.Authserv, p.TokenEnough = int(m.UndoMS/1000), m.ReopenDays, m.SendAnyway, m.AuthServ, m.TokenEnough
	p.Subaddress, p.Separator = m.Subaddress, m.Separator
	p.Calendar = decimal(m.CalendarID)
	p.Calendars, err = d.calendarChoices(ctx)
	return p, err
}

// MailboxPeople reads who may see a mailbox.
func (d *Desk) MailboxPeople(ctx context.Context, a *postroom.Agent, id int64, place Place) (*PeoplePage, error) {
	if err := mayManage(a); err != nil {
		return nil, err
	}
	shell, err := d.Shell(ctx, a, place)
	if err != nil {
		return nil, err
	}
	may, err := d.read().MailboxAgents(ctx, id)
	if err != nil {
		return nil, err
	}
	p := &PeoplePage{Shell: shell, Everybody: true}
	agents, err := d.read().Agents(ctx)
	for _, x := range agents {
		if x.Disabled {
			continue
		}
		allow := slices.Contains(may, x.ID)
		p.Everybody = p.Everybody && (allow || x.Role == postroom.Admin)
		p.Agents = append(p.Agents, AgentAccess{ID: x.ID, Name: x.Name, Allow: allow, Admin: x.Role == postroom.Admin})
	}
	return p, err
}

// Agents reads the list of agents, for admins.
func (d *Desk) Agents(ctx context.Context, a *postroom.Agent, place Place) (*AgentsPage, error) {
	if err := mayManage(a); err != nil {
		return nil, err
	}
	shell, err := d.Shell(ctx, a, place)
	if err != nil {
		return nil, err
	}
	rows, _, err := d.read().AdminAgents(ctx)
	if err != nil {
		return nil, fmt.Errorf("read agents: %w", err)
	}
	chosen, err := d.read().NotificationChoices(ctx, 0)
	if err != nil {
		return nil, fmt.Errorf("read what agents are told: %w", err)
	}
	p := &AgentsPage{Shell: shell, Role: string(postroom.Member), Told: NotificationForm{Rows: NotificationTicks(chosen)}}
	for _, r := range rows {
		p.Rows = append(p.Rows, agentLine(r))
	}
	return p, nil
}

func agentLine(r store.AdminAgent) AgentLine {
	role := "agent"
	if r.Role == postroom.Admin {
		role = "admin"
	}
	return AgentLine{ID: r.ID, Name: r.Name, Address: r.Email, Role: role, Disabled: r.Disabled, Invited: r.Invited, LastSeen: r.LastSeen, Assigned: r.Assigned}
}

// Agent reads the page of one agent, for admins.
func (d *Desk) Agent(ctx context.Context, a *postroom.Agent, id int64, place Place) (*AgentPage, error) {
	if err := mayManage(a); err != nil {
		return nil, err
	}
	shell, err := d.Shell(ctx, a, place)
	if err != nil {
		return nil, err
	}
	rows, access, err := d.read().AdminAgents(ctx)
	if err != nil {
		return nil, err
	}
	given, err := d.read().Agent(ctx, id)
	if err != nil {
		return nil, err
	}
	for _, r := range rows {
		if r.ID != id {
			continue
		}
		p := &AgentPage{Shell: shell, Agent: agentLine(r)}
		for _, m := range shell.Mailboxes { // an admin's are all of them
			p.Mailboxes = append(p.Mailboxes, AgentAccess{ID: m.ID, Name: m.Name, Allow: slices.Contains(access[m.ID], id), Admin: r.Role == postroom.Admin,
				Right: rightWord(given, m.ID), OnlyAssigned: given.Rights[m.ID].OnlyAssigned, Workflows: string(given.Rights[m.ID].Workflows)})
		}
		return p, nil
	}
	return nil, postroom.Errorf(postroom.NotFound, "There is no such agent.")
}

// System reads the system page, for admins.
func (d *Desk) System(ctx context.Context, a *postroom.Agent, place Place) (*SystemPage, error) {
	if err := mayManage(a); err != nil {
		return nil, err
	}
	shell, err := d.Shell(ctx, a, place)
	if err != nil {
		return nil, err
	}
	queue, err := d.read().Queue(ctx, store.Scope{All: true}, shell.Now)
	if err != nil {
		return nil, err
	}
	p := &SystemPage{Shell: shell, Settings: d.o.Settings, Facts: []Choice{
		{Value: "Version", Text: nameOr(d.o.Version, "development")}, {Value: "Database", Text: d.store.Engine()}}}
	if !d.o.Started.IsZero() {
		p.Facts = append(p.Facts, Choice{Value: "Running for", Text: time.UnixMilli(shell.Now).Sub(d.o.Started).Round(time.Minute).String()})
	}
	if d.o.Facts != nil {
		p.Facts = append(p.Facts, d.o.Facts(ctx)...)
	}
	for _, c := range queue.Channels {
		check := Check{Name: "Sending from " + c.Mailbox, State: "ok", Words: "open", Href: "/queue"}
		switch {
		case c.PausedAt > 0:
			check.State, check.Words = "bad", nameOr(c.Words, "paused")
		case c.Host == "":
			check.State, check.Words, check.Href = "waiting", "no server is set", "/mailboxes/"+decimal(c.MailboxID)
		}
		p.Checks = append(p.Checks, check)
	}
	for _, w := range queue.Lanes {
		check := Check{Name: capital(w.Kind), State: "ok", Words: fmt.Sprintf("%d due, %d later, %d running", w.Due, w.Later, w.Running), Href: "/queue"}
		switch {
		case w.Failed > 0:
			check.State, check.Words = "bad", check.Words+fmt.Sprintf(", %d failed", w.Failed)
		case w.Oldest > 0 && shell.Now-w.Oldest > 60_000:
			check.State, check.Words = "waiting", check.Words+", behind by "+(time.Duration(shell.Now-w.Oldest)*time.Millisecond).Round(time.Second).String()
		}
		p.Checks = append(p.Checks, check)
	}
	if shell.Alarms > 0 {
		p.Checks = append(p.Checks, Check{Name: "Alarms", State: "bad", Words: fmt.Sprintf("%d open", shell.Alarms), Href: "/alarms"})
	}
	if d.o.Checks != nil {
		p.Checks = append(p.Checks, d.o.Checks(ctx)...)
	}
	return p, nil
}

// rightWord is what an agent was given in a mailbox: "" for nothing, see,
// answer or manage. What admins may do beyond that is not counted.
func rightWord(a *postroom.Agent, mailbox int64) string {
	if !slices.Contains(a.Mailboxes, mailbox) {
		return ""
	}
	return string(nameOr(string(a.Rights[mailbox].Most), string(postroom.Answer)))
}
