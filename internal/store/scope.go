package store

import (
	"slices"
	"strings"
)

// Scope is which conversations somebody may see. The zero Scope is none.
type Scope struct {
	All   bool    // whatever there is
	Whole []int64 // every conversation of these mailboxes
	Own   []int64 // of these only what is assigned to Agent
	Agent int64
}

// Nothing reports whether there is nothing to be seen at all.
func (s Scope) Nothing() bool { return !s.All && len(s.Whole)+len(s.Own) == 0 }

// In narrows the scope to one mailbox.
func (s Scope) In(mailbox int64) Scope {
	switch {
	case s.All || slices.Contains(s.Whole, mailbox):
		return Scope{Whole: []int64{mailbox}}
	case slices.Contains(s.Own, mailbox):
		return Scope{Own: []int64{mailbox}, Agent: s.Agent}
	}
	return Scope{}
}

// mailboxes makes the condition for mailboxes of which anything may be seen.
func (s Scope) mailboxes(column string) (string, []any) {
	if s.All {
		return "", nil
	}
	return anyOf(column, append(append([]int64{}, s.Whole...), s.Own...)) // never nil, which were no condition
}

// whole makes the condition for what belongs to a mailbox as such.
func (s Scope) whole(column string) (string, []any) {
	if s.All {
		return "", nil
	}
	return anyOf(column, append([]int64{}, s.Whole...)) // never nil, which were no condition
}

// conversations makes the condition for conversations, by the columns of their
// mailbox and assignee.
func (s Scope) conversations(mailbox, assignee string) (string, []any) {
	whole, args := s.whole(mailbox)
	if s.All || len(s.Own) == 0 {
		return whole, args
	}
	own, ownArgs := anyOf(mailbox, s.Own)
	own, ownArgs = own+" and "+assignee+" = ?", append(ownArgs, s.Agent)
	if len(s.Whole) == 0 {
		return own, ownArgs
	}
	return " and (" + strings.TrimPrefix(whole, " and ") + " or (" + strings.TrimPrefix(own, " and ") + "))", append(args, ownArgs...)
}

// about makes the condition for rows about a conversation, 0 for none; those
// about none belong to a mailbox as such. Where a conversation was moved, it
// is the mailbox it is in now that counts.
func (s Scope) about(conversation, mailbox string) (string, []any) {
	if s.All {
		return "", nil
	}
	whole, args := s.whole(mailbox)
	seen, seenArgs := s.conversations("v.mailbox_id", "v.assignee_id")
	return " and (" + conversation + " = 0" + whole + " or exists (select 1 from conversation v where v.id = " + conversation + seen + "))", append(args, seenArgs...)
}
