// Package flowfile is workflows as files: YAML documents with the same fields
// as a stored definition, and names in the place of ids. It reads and writes
// them and says what is wrong with one, with line and column; it knows nothing
// of a database, so that a file can be checked anywhere.
//
// The fields are those of workflow.Definition and workflow.Test, read by
// reflection, so that what a workflow learns to do a file can say at once. A
// field that holds ids says with the tag ref whose names stand there.
package flowfile
