package workflow

// The generators, for the test of files.
var (
	DrawDefinition = drawDefinition
	DrawTest       = drawTest
)
