// Package email is the pure half of Postroom's mail: it understands mail that
// came in and makes the bytes of mail that goes out.
//
// Inbound: [Parse] repairs and reads a raw mail within limits, [Classify] and
// [NoAutoAnswer] judge what kind of sender is behind it, [Evidence] names the
// conversation it may belong to, [ContentHash] and [DerivedID] tell a copy from
// a new mail, [SplitText] and [SplitHTML] fold quotes, [Sanitise] makes its
// HTML harmless, [Authenticated] reads the verdict of the receiving server.
//
// Outbound: [Build] turns a [Spec] into bytes, always the same bytes for the
// same Spec, and refuses whatever could forge a header.
//
// Nothing here touches a database, a network, a file or a clock, and nothing
// here panics on any input: every function is bounded in time and memory by
// the size of what it is given and by [ParseOptions].
package email
