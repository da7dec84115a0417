// Package calendar is pure: when an office is open, and how much office time
// lies between two moments. It knows no database and no clock; whoever asks
// brings the calendar and the time.
//
// A calendar is written in the local time of one zone. Where that has a gap or
// an hour twice, because clocks are put forward or back, two rules hold: a time
// that does not exist is the moment at which the clock jumps over it, and of a
// time that exists twice an opening is the first and a closing the last.
package calendar
