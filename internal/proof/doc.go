// Package proof looks over a set of workflows before anything happens, and
// says what they can do to each other (rule W34): who can set off whom, in
// which circles, which two mail one customer or write one fact, and which can
// never run.
//
// It is pure, and it reasons about the conditions instead of trying them. A
// workflow's If is turned into its ways: conjunctions of demands, each of which
// alone is enough. A way narrows what every fact may be (see narrow.go); one
// that leaves a fact nothing to be is no way at all. From that follows
// everything else:
//
//	no way                          it can never match
//	no way of two together          they never match the same event
//	no way of one without another   the one covers the other
//	a way of B after what A does    A can set off B
//
// A workflow that others run stands beside their neighbours too: it is asked
// about their event, with its own conditions and theirs (see calls.go). Office
// time is known as far as demands on one time contradict each other: one
// calendar counts for all of an event, and office time passes no faster than
// time does. What a workflow has waited its conversation is old.
//
// Set times are held against the hours of calendars by Hours, which is given those
// and the time, and looks a year ahead.
//
// What the reasoning does not know it takes for possible: it may warn in vain,
// but what it calls impossible is. Texts are known only as far as one contains
// another, patterns only if they are the same, and a workflow with more than
// maxWays ways counts as one that can always match. A fact that an event may
// lack, such as a message's sender, is never taken for certain.
package proof
