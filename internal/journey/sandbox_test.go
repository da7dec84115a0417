package journey_test

import (
	"strings"
	"testing"
)

// TestSandbox makes a sandbox, writes to it as a customer nobody knows, answers
// as an agent, skips three days, reads what happened and as the customer what
// came, and leaves; the desk has none of it.
func TestSandbox(t *testing.T) {
	t.Parallel()
	script := axe(t)
	w := newWalker(t)
	w.signIn("ann@brightwater.example")
	w.open("/sandbox")
	w.picture("sandbox-none")
	w.click("form[action='/sandbox'] .button.primary", "Make the sandbox")
	w.read("#sandbox-there", "The sandbox is there")
	w.picture("sandbox-there")
	w.click("form[action='/sandbox/enter'] button", "Open the sandbox")
	w.see("#sandbox-band")
	w.read("#skip-title", "Skip time")

	w.open("/sandbox/desk/demo/customers")
	w.fill("input[name=address]", "nobody@new.example")
	w.click(".demo-somebody button", "Write as them")
	w.see("#demo-new")
	w.fill("#demo-new input[name=subject]", "A bell that sings")
	w.fill("#demo-new textarea", "Do you have one?")
	w.click("#demo-new button.primary", "Send")
	w.read("#flash", "Sent as the customer")
	w.open("/sandbox/desk/folders/unassigned?sort=newest")
	w.read("#list", "A bell that sings")
	w.click("#list .row a", "A bell that sings")
	w.see(".composer-doors")
	if at := w.value(`location.pathname`); !strings.HasPrefix(at, "/sandbox/desk/conversations/") {
		t.Fatalf("the conversation opens at %s", at)
	}
	w.picture("sandbox-conversation")
	w.compose("We do: it sings when it rains.")
	w.click(".composer-send button.primary", "^Send$")
	w.see(".undo")

	w.open("/sandbox/desk/play")
	w.accessible(script, "the clock of the sandbox", "light")
	w.picture("sandbox-play")
	w.click(".play-skips button", "3 days")
	w.read("main", "went out")
	w.picture("sandbox-effects")
	w.open("/sandbox/desk/demo/customers/nobody@new.example")
	w.read("main", "A bell that sings")
	w.picture("sandbox-customer")

	w.click(".sandbox-leave", "Leave")
	w.read("#sandbox-there", "The sandbox is there")
	w.open("/folders/unassigned?sort=newest")
	w.see("#list")
	if strings.Contains(w.value(`document.getElementById("list").textContent`), "A bell that sings") {
		t.Error("the desk has what was written in its sandbox")
	}
}
