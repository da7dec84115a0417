// Package workflow decides. A workflow is When + If + Then + limits; this
// package reads such a definition, checks it, judges an event by it, explains
// the judgement and says what would be done. It does none of it itself.
//
// Everything here is pure: no clock, no database, no network. Deciding is a
// function of the version, the event with its snapshot, the set of workflows
// and the recorded inputs (rule W40), so a judgement made a year ago can be
// made again to the same bytes and compared with the one that was stored.
//
// The way of an event:
//
//	Decode → Compile → NewSet          when workflows are published
//	Set.Needs → NewFacts               what must be looked up, looked up once
//	Judge → Judgement.Vector           one short code per workflow, stored
//	Plan → []Wish                      for each that matched; the desk does them
//	Explain → Explanation              later, for whoever asks why
package workflow
