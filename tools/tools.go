// Package tools pins what generates and checks Postroom's sources; see
// README.md.
package tools
