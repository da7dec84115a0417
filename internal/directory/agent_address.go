package directory

import (
	"context"
	"slices"
	"strings"

	"postroom"
	"postroom/internal/store"
)

// MaxAgentAddresses is how many further addresses one agent may have.
const MaxAgentAddresses = 20

// Addresses lists an agent's further addresses, without the one they sign in
// with; for themselves and for admins.
func (d *Directory) Addresses(ctx context.Context, by *postroom.Agent, agent int64) ([]string, error) {
	if err := ownOrManage(by, agent); err != nil {
		return nil, err
	}
	return d.store.Read().AgentAddresses(ctx, agent)
}

// SetAddresses replaces an agent's further addresses: those from which mail
// counts as theirs when they answer a notification. They sign in with their
// main address only, and no mail of ours goes to the others. Agents change
// their own, admins everybody's. Empty ones, repeated ones and the main address
// are left out. Errors name the field addresses; one that another agent or a
// mailbox has is postroom.Conflict, more than MaxAgentAddresses are Invalid.
func (d *Directory) SetAddresses(ctx context.Context, by *postroom.Agent, agent int64, addresses []string) error {
	if err := ownOrManage(by, agent); err != nil {
		return err
	}
	var clean []string
	for _, text := range addresses {
		if strings.TrimSpace(text) == "" {
			continue
		}
		a, err := address("addresses", text)
		if err != nil {
			return err
		}
		if !slices.Contains(clean, a) {
			clean = append(clean, a)
		}
	}
	if len(clean) > MaxAgentAddresses {
		return postroom.InvalidField("addresses", "An agent may have at most %d further addresses.", MaxAgentAddresses)
	}
	return d.write(ctx, KeyAgents, func(t *store.Tx) error {
		if err := freeAddresses(ctx, t, "addresses", clean, agent); err != nil {
			return err
		}
		a, err := t.Agent(ctx, agent)
		if err != nil {
			return err
		}
		further := slices.DeleteFunc(slices.Clone(clean), func(s string) bool { return s == a.Email })
		return t.SetAgentAddresses(ctx, agent, further)
	})
}

// ownOrManage lets agents change what is theirs, and admins everything.
func ownOrManage(by *postroom.Agent, agent int64) error {
	if by != nil && by.ID == agent && !by.Disabled {
		return nil
	}
	return manage(by)
}

// promoteAddress takes an agent's main address out of their further ones, when
// it was one of them before.
func promoteAddress(ctx context.Context, t *store.Tx, agent int64, main string) error {
	further, err := t.AgentAddresses(ctx, agent)
	if err != nil || !slices.Contains(further, main) {
		return err
	}
	return t.SetAgentAddresses(ctx, agent, slices.DeleteFunc(further, func(s string) bool { return s == main }))
}

// freeAddresses refuses an address that another agent has, as their main one
// or as a further one, or that a mailbox has: an agent with a mailbox's address
// would be mailed what the mailbox receives, for ever. Until the transaction
// ends no other changes whose an address is.
func freeAddresses(ctx context.Context, t *store.Tx, field string, addresses []string, self int64) error {
	for _, name := range []string{"agents", "mailboxes"} {
		if err := t.Lock(ctx, name); err != nil {
			return err
		}
	}
	boxes, err := t.Mailboxes(ctx)
	if err != nil {
		return err
	}
	for _, address := range addresses {
		a, err := t.AgentByAddress(ctx, address)
		if err == nil && a.ID != self {
			return &postroom.Error{Code: postroom.Conflict, Field: field, Text: "The agent " + a.Name + " has the address " + address + " already."}
		}
		if err != nil && postroom.CodeOf(err) != postroom.NotFound {
			return err
		}
		for _, m := range boxes {
			if slices.Contains(m.Addresses(), address) {
				return &postroom.Error{Code: postroom.Conflict, Field: field, Text: address + " is an address of the mailbox " + m.Name + "; an agent needs their own."}
			}
		}
	}
	return nil
}
