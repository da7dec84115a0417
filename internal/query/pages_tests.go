package query

// EditorTest is a test of a workflow with what comes of it.
type EditorTest struct {
	ID          int64
	Name        string
	Verdict     string // the word for it
	Green       bool
	Differences []TestDifference
}

// TestDifference is one thing that did not come out as expected.
type TestDifference struct{ What, Expected, Actual string }

// RedTests counts the tests that fail.
func (p EditorPage) RedTests() (n int) {
	for _, t := range p.Tests {
		if !t.Green {
			n++
		}
	}
	return n
}

// TestPage is one test of a workflow as text.
type TestPage struct {
	Shell    Shell
	ID       int64 // 0: not stored yet
	Workflow int64
	Title    string // the workflow's name
	Text     string // as stored, proposed or typed
	Tried    bool   // Result says something
	Result   EditorTest
	Reason   string   // the verdict in words
	Kept     []string // what a pinned test has kept of a real conversation
	Pinned   int64    // the event it was made from; 0 for none
	From     string   // the page to go back to
	Errors   FieldErrors
	Defaults []string // what is so in a test that does not say otherwise
}
