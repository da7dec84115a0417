// Package arch holds no code, only tests about the house itself: who may import
// whom, which room may use which third party, that each way of changing a
// conversation is known and named, and habits that keep the rest readable.
//
// A test that fails here names the place and the rule. When the rule is what
// should change, change it in the table of the test, with the reason, and
// write the decision into docs/decisions.
package arch
