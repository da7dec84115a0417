package postroom

import "strings"

// Customer is a person who writes to us; Addresses[0] is the primary one.
type Customer struct {
	ID        int64
	Name      string
	Addresses []string // canonical
	CreatedAt int64
	// Language is the tag of the language they are written to in, "" if it is
	// not known: what an agent has said or, where LanguageSet is false, what a
	// mail of theirs said it was written in.
	Language    string
	LanguageSet bool
	Company     string            // as an agent has said it, "" if nobody has
	Fields      map[string]string // values of fields of one's own by Field.Path; texts as they are
}

// FirstName returns the first word of the name, "" when there is no name or
// it is an address.
func (c *Customer) FirstName() string {
	if strings.Contains(c.Name, "@") {
		return ""
	}
	name, _, _ := strings.Cut(strings.TrimSpace(c.Name), " ")
	return strings.Trim(name, ",;")
}

// Email returns the primary address, "" when there is none (W30).
func (c *Customer) Email() string {
	if len(c.Addresses) == 0 {
		return ""
	}
	return c.Addresses[0]
}
