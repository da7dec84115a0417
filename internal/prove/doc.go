// Package prove holds no code, only tests that run the real program as another
// process, from outside: customers write by LMTP, agents sign in and send by
// HTTP, a real post office takes the mail, and the program is killed with
// SIGKILL, starved of disk and parted from its database meanwhile. What is
// asked at the end is what a desk promises: nothing lost, nothing out of
// order, nothing twice without its mark.
//
// The long form runs with POSTROOM_SOAK=1 (make soak); docs/soak.md says how
// and keeps the last result.
package prove
