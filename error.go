package postroom

import (
	"errors"
	"fmt"
)

// Code says what kind of fault an Error is. There are eight, and every layer
// translates them in one table: web into pages, api into JSON, cli into exit
// codes.
type Code string

// The eight codes.
const (
	Invalid      Code = "invalid"      // the input is wrong; Field says which
	Unauthorized Code = "unauthorized" // nobody is signed in
	Forbidden    Code = "forbidden"    // somebody is, and may not
	NotFound     Code = "not_found"    // there is no such thing, or none they may see
	Conflict     Code = "conflict"     // the thing changed, or already is so
	Busy         Code = "busy"         // too many, too often; try later
	Unavailable  Code = "unavailable"  // something we need does not answer
	Internal     Code = "internal"     // our own fault; details are in the log
)

// Error is a fault with a code, the field it is about (empty if none) and a
// sentence for people. Everything else that goes wrong is an ordinary error
// and counts as Internal.
type Error struct {
	Code  Code
	Field string
	Text  string
	Err   error // the cause, for the log; never shown
}

// Error returns the sentence, with the cause behind it if there is one.
func (e *Error) Error() string {
	if e.Err != nil {
		return e.Text + ": " + e.Err.Error()
	}
	return e.Text
}

// Unwrap returns the cause, so that errors.Is sees through an Error.
func (e *Error) Unwrap() error { return e.Err }

// Errorf makes an Error with a code and a sentence.
func Errorf(code Code, format string, args ...any) *Error {
	return &Error{Code: code, Text: fmt.Sprintf(format, args...)}
}

// InvalidField makes an Invalid error about one field of a form.
func InvalidField(field, format string, args ...any) *Error {
	return &Error{Code: Invalid, Field: field, Text: fmt.Sprintf(format, args...)}
}

// CodeOf returns the code of err: "" for nil, Internal for an error that is
// no *Error.
func CodeOf(err error) Code {
	if err == nil {
		return ""
	}
	var e *Error
	if errors.As(err, &e) {
		return e.Code
	}
	return Internal
}

// TextOf returns the sentence to show to people for err. What is not an
// *Error has no such sentence, and a general one is returned.
func TextOf(err error) string {
	var e *Error
	if errors.As(err, &e) {
		return e.Text
	}
	return "Something went wrong on our side."
}

// Wrap puts a context before *err when it is not nil. It is meant for defer:
//
//	defer postroom.Wrap(&err, "load conversation %d", id)
func Wrap(err *error, format string, args ...any) {
	if *err != nil {
		*err = fmt.Errorf("%s: %w", fmt.Sprintf(format, args...), *err)
	}
}
