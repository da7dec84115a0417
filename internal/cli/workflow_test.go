package cli_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

const hello = `key: hello
name: Say hello
when: {event: conversation.created}
then:
  - do: reply
    text: |-
      Hello {{ customer.first_name | default: "there" }}
tests:
  - name: Kim is greeted
    given: {customer.name: Kim Customer}
    when: {event: conversation.created}
    expect: {verdict: matched, mails: [{contains: Hello Kim}]}
`

// W37: workflows are exported, checked, planned, applied and tested by command,
// with exit codes that scripts can hang on; a second apply changes nothing.
func TestWorkflowsAsFiles(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	data := filepath.Join(dir, "data")
	file := func(name, text string) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	good := file("hello.yaml", hello)
	bad := file("bad.yaml", strings.Replace(hello, "then:", "than:", 1))
	runs := file("runs.yaml", "key: outer\nname: Outer\nwhen: {event: message.received}\nthen: [{do: run, workflow: inner}]\n---\nkey: inner\nname: Inner\nwhen: {event: message.received}\nthen: [{do: note, text: x}]\n")
	itself := file("itself.yaml", "key: outer\nname: Outer\nwhen: {event: message.received}\nthen: [{do: run, workflow: outer}]\n")
	red := file("red.yaml", strings.Replace(hello, "Hello {{", "Bye {{", 1))
	named := file("named.yaml", strings.Replace(hello, "name: Say hello", "name: Say hello\nmailbox: nobody@example.org", 1))
	step := func(code int, words string, args ...string) {
		t.Helper()
		if args[0] == "workflow" && args[1] != "test" || len(args) < 3 || args[0] == "admin" {
			args = append(args, "--data", data)
		}
		r := run(t, "", args...)
		if r.code != code || !strings.Contains(r.out+r.errOut, words) {
			t.Errorf("%v ends with %d and says\n%s%s\nand not %d with %q", args, r.code, r.out, r.errOut, code, words)
		}
	}
	step(0, "1 workflow is in order. There is no desk in", "workflow", "check", good)
	if _, err := os.Stat(data); err == nil {
		t.Error("checking has made a desk")
	}
	step(0, "2 workflows are in order", "workflow", "check", runs)
	step(65, ":4:28: A workflow cannot run itself.", "workflow", "check", itself)
	step(65, `:4:1: There is no field "than" here; did you mean "then"?`, "workflow", "check", bad)
	step(1, "expected: a text that contains \"Hello Kim\"", "workflow", "check", "--offline", red)
	step(1, "RED  hello: Kim is greeted", "workflow", "test", red)
	step(0, "ok   hello: Kim is greeted", "workflow", "test", good)
	step(2, "no such file", "workflow", "check", filepath.Join(dir, "nothing.yaml"))
	step(2, "--nonsense", "workflow", "plan", good, "--nonsense")
	step(0, "Added", "admin", "add", "ann@example.org", "Ann")
	step(65, `:3:10: There is no mailbox "nobody@example.org".`, "workflow", "check", named)
	step(0, "hello (Say hello): new", "workflow", "plan", good)
	step(1, "something would change", "workflow", "plan", "--exit-code", good)
	step(1, "A test of what would change is red, so nothing was changed", "workflow", "apply", red)
	step(65, "There is no field", "workflow", "apply", good, bad)
	step(0, "Applied.", "workflow", "apply", good, "--as", "ann@example.org")
	step(0, "Nothing has changed", "workflow", "apply", good)
	step(0, "Nothing would change", "workflow", "plan", "--exit-code", good)
	step(1, "+     text: 'Bye", "workflow", "plan", "--exit-code", red)
	step(0, "key: hello\nname: Say hello\nenabled: true\n", "workflow", "export")
	step(1, "There is no workflow, promise or calendar with the key", "workflow", "export", "nobody")
	both := file("both.yaml", "kind: promise\nkey: greeted\nname: Greeted\nwhen: {event: conversation.created}\nexpect: {mail: workflow, workflow: hello}\nwithin: 1bh\n---\n"+
		"kind: calendar\nkey: office\nname: Office\nweek: {monday: 9-17}\n")
	step(0, "1 promise and 1 calendar are in order. Every name is there.", "workflow", "check", both)
	step(65, `:13:11: "99-17" is not a time of opening`, "workflow", "check", "--offline", file("wrong.yaml", "kind: promise\nkey: greeted\nname: Greeted\nwhen: {event: conversation.created}\nexpect: {mail: workflow, workflow: hello}\nwithin: 1bh\n---\n"+
		"kind: calendar\nkey: office\nname: Office\nweek:\n  friday: 9-12\n  monday: 99-17\n"))
	step(0, "promise greeted (Greeted): new", "workflow", "plan", both)
	step(0, "calendar office (Office): new", "workflow", "apply", both)
	step(0, "Nothing has changed", "workflow", "apply", both)
	step(0, "within: 1bh\n", "workflow", "export", "greeted")
	step(0, "0 events, 0 matched; 0 mails", "workflow", "backtest", "hello")
	step(1, "There is no workflow with the key", "workflow", "backtest", "nobody")
	step(2, "Between 1 and 366 days", "workflow", "backtest", "hello", "--days", "4000")
	step(0, "0 events were judged again.\nEvery verdict is the one that is stored.", "workflow", "replay")
	step(0, "With what happened lately it would have come to:\n    0 events", "workflow", "plan", file("changed.yaml", strings.Replace(hello, "    Hello {{", "    Oh, Hello {{", 1)))
	step(0, "1 test is green", "workflow", "test", "--key", "hello", "--data", data)
	step(0, "Applied.", "workflow", "apply", "--anyway", red)
	step(1, "1 of 1 test is red", "workflow", "test", "--data", data)
}

// A recipe is printed, changed to one's own names and applied; two make one file.
func TestRecipesArePrinted(t *testing.T) {
	t.Parallel()
	list := run(t, "", "workflow", "recipe")
	if list.code != 0 || !strings.Contains(list.out, "close-unanswered         Close after 7 days without an answer\n") {
		t.Errorf("it ends with %d and says %s%s", list.code, list.out, list.errOut)
	}
	two := run(t, "", "workflow", "recipe", "warn-before-closing", "close-unanswered")
	if two.code != 0 {
		t.Fatal(two.errOut)
	}
	file := filepath.Join(t.TempDir(), "two.yaml")
	if err := os.WriteFile(file, []byte(two.out), 0o600); err != nil {
		t.Fatal(err)
	}
	if r := run(t, "", "workflow", "check", "--offline", file); r.code != 0 || !strings.Contains(r.out, "2 workflows are in order") || !strings.Contains(r.out, "tests are green") {
		t.Errorf("checking ends with %d and says %s%s", r.code, r.out, r.errOut)
	}
	if r := run(t, "", "workflow", "recipe", "soup"); r.code != 2 || !strings.Contains(r.errOut, `There is no recipe "soup"`) {
		t.Errorf("it ends with %d and says %s", r.code, r.errOut)
	}
}
