// Package notify decides which agents are told of an event, and writes what
// they are told. It is pure: it reads nothing but what it is given. The work
// of the same name in package react reads, and writes what was decided.
package notify
