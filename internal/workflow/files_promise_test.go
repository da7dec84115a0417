package workflow_test

import (
	"fmt"
	"testing"

	"pgregory.net/rapid"

	"postroom/internal/flowfile"
	"postroom/internal/promise"
	"postroom/internal/workflow"
)

// W37, W38: a promise that is exported and read again is the same, to the byte.
func TestPromiseSurvivesAFile(t *testing.T) {
	t.Parallel()
	names := someNames()
	rapid.Check(t, func(t *rapid.T) {
		on, begins := rapid.Bool().Draw(t, "enabled"), workflow.DrawDefinition(t)
		p := flowfile.Promise{Key: "p", Name: rapid.StringMatching(`[ -~äß]{0,20}x`).Draw(t, "name"), Mailbox: rapid.Int64Range(0, 12).Draw(t, "mailbox"), Enabled: &on,
			Definition: promise.Definition{When: begins.When, If: begins.If, Within: rapid.SampledFrom([]string{"2m", "4bh", "1bd", "3d"}).Draw(t, "within")}}
		x := &p.Definition.Expect
		x.Times = rapid.SampledFrom([]promise.Times{promise.Once, promise.Some, promise.NotOnce}).Draw(t, "times")
		switch rapid.IntRange(0, 2).Draw(t, "what") {
		case 0:
			x.Mail, x.Workflow = promise.MailOfWorkflow, rapid.Int64Range(0, 12).Draw(t, "workflow")
		case 1:
			x.Mail = promise.MailOfAnybody
		default:
			w := workflow.DrawDefinition(t).When
			x.Event = &workflow.Unless{Event: w.Event, From: w.From, To: w.To, Actors: w.Actors, Paths: w.Paths}
		}
		text, err := flowfile.WritePromise(p, names)
		if err != nil {
			t.Fatal(err)
		}
		back, faults := flowfile.Read([]flowfile.Source{{Name: "x.yaml", Text: text}}, names)
		if len(faults) > 0 || len(back.Promises) != 1 {
			t.Fatalf("%v in\n%s", faults, text)
		}
		got := *back.Promises[0]
		if a, b := promiseBytes(t, p), promiseBytes(t, got); a != b {
			t.Fatalf("%s\nreads back as\n%s\nfrom\n%s", a, b, text)
		}
		if second, err := flowfile.WritePromise(got, names); err != nil || second != text {
			t.Fatalf("%s\nis written again as\n%s", text, second)
		}
	})
}

func promiseBytes(t *rapid.T, p flowfile.Promise) string {
	b, err := p.Definition.Encode()
	if err != nil {
		t.Fatal(err)
	}
	return fmt.Sprintf("%s %s %d %t %s", p.Key, p.Name, p.Mailbox, *p.Enabled, b)
}
