// Package view draws pages: templ components, each taking one struct of the
// query package. It decides words and markup and nothing else: no reading, no
// permission, no clock but the one in the struct. The generated *_templ.go
// files are committed; tools/README.md says how they are made.
//
// The rules of the markup (interface.md): every action is a link or a form
// that works without JavaScript; no inline script or style attribute; every
// row and every element with state has an id of its own, so that a morph finds
// it again.
package view
