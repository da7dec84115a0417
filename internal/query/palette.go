package query

import (
	"context"
	"strconv"
	"strings"

	"postroom"
)

// paletteRows is how many entries a section of the palette has at most.
const paletteRows = 8

// Palette finds where an agent may want to go: conversations by number, by
// words of their subject, by customer; and the desk's pages.
func (d *Desk) Palette(ctx context.Context, a *postroom.Agent, text string, shell *Shell) (*PalettePage, error) {
	text = strings.TrimSpace(text)
	p := &PalettePage{Shell: shell, Query: text}
	if text != "" {
		number, err := strconv.ParseInt(strings.TrimPrefix(text, "#"), 10, 64)
		if err != nil {
			number = 0
		}
		found, err := d.read().Palette(ctx, text, number, visible(a), paletteRows)
		if err != nil {
			return nil, err
		}
		var conversations, customers PaletteSection
		conversations.Title, customers.Title = "Conversations", "Customers"
		for _, c := range found.Conversations {
			conversations.Items = append(conversations.Items, PaletteItem{Text: c.Subject, Hint: strings.Join(nonempty("#"+decimal(c.Number), c.Customer, string(c.Status)), " · "),
				Href: "/conversations/" + decimal(c.Number), Glyph: "conversation"})
		}
		for _, c := range found.Customers {
			customers.Items = append(customers.Items, PaletteItem{Text: nameOr(c.Name, c.Address), Hint: strings.Join(nonempty(c.Address, "#"+decimal(c.Number)+" "+c.Subject), " · "),
				Href: "/conversations/" + decimal(c.Number), Glyph: "agent"})
		}
		for _, s := range []PaletteSection{conversations, customers} {
			if len(s.Items) > 0 {
				p.Sections = append(p.Sections, s)
			}
		}
	}
	if places := d.places(a, text); len(places) > 0 {
		p.Sections = append(p.Sections, PaletteSection{Title: "Go to", Items: places})
	}
	return p, nil
}

func nonempty(texts ...string) []string {
	var out []string
	for _, t := range texts {
		if t != "" {
			out = append(out, t)
		}
	}
	return out
}

// places are the desk's pages whose name begins with, or contains, a text.
func (d *Desk) places(a *postroom.Agent, text string) []PaletteItem {
	all := []PaletteItem{
		{Text: "Unassigned", Href: "/folders/unassigned", Glyph: "folder"},
		{Text: "Mine", Href: "/folders/mine", Glyph: "folder"},
		{Text: "Assigned", Href: "/folders/assigned", Glyph: "folder"},
		{Text: "Snoozed", Href: "/folders/snoozed", Glyph: "folder"},
		{Text: "Drafts", Href: "/folders/drafts", Glyph: "folder"},
		{Text: "Closed", Href: "/folders/closed", Glyph: "folder"},
		{Text: "Spam", Href: "/folders/spam", Glyph: "folder"},
		{Text: "Deleted", Href: "/folders/deleted", Glyph: "folder"},
		{Text: "Outgoing mail", Href: "/mails", Glyph: "mail"},
		{Text: "Queue", Href: "/queue", Glyph: "mail"},
		{Text: "Incoming mail", Href: "/inbound", Glyph: "mail"},
		{Text: "Profile", Href: "/profile", Glyph: "gear"},
	}
	if postroom.CanSomewhere(a, postroom.DraftWorkflows) {
		all = append(all, PaletteItem{Text: "Workflows", Href: "/workflows", Glyph: "workflow"})
	}
	if postroom.Can(a, postroom.Manage, 0) {
		all = append(all,
			PaletteItem{Text: "Webhooks", Href: "/webhooks", Glyph: "workflow"},
			PaletteItem{Text: "Alarms", Href: "/alarms", Glyph: "gear"},
			PaletteItem{Text: "Mailboxes", Href: "/mailboxes", Glyph: "mailbox"},
			PaletteItem{Text: "Agents", Href: "/agents", Glyph: "agent"},
			PaletteItem{Text: "Teams", Href: "/teams", Glyph: "agent"},
			PaletteItem{Text: "System", Href: "/system", Glyph: "gear"})
	}
	var out []PaletteItem
	for _, item := range all {
		if strings.Contains(strings.ToLower(item.Text), strings.ToLower(text)) {
			out = append(out, item)
		}
	}
	return out
}
