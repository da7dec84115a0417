package journey_test

import (
	"strings"
	"testing"
)

// TestPromiseThatIsBroken is an admin's way with a promise (W38): they promise
// that a close mails nobody, which the closing notice breaks; they see it on the
// list, at the bell and on the conversation, and follow the line to the trace;
// they acknowledge it, delete the promise and restore it.
func TestPromiseThatIsBroken(t *testing.T) {
	t.Parallel()
	script := axe(t)
	w := newWalker(t)
	w.signIn("ann@brightwater.example")
	w.open("/promises")
	w.picture("promises")
	w.click("main .page-acts button", "New promise")
	w.see("#editor")
	w.rewrite("#f-name", "A close is silent")
	w.choose(field("when.event"), "status.changed")
	w.holds(`document.querySelector('[name="when.was"]').value === "status.changed"`)
	w.click(`label:has([name="when.actors"][value="customer"])`, "a customer") // not only theirs
	w.read("#editor-sentence", "When the status changes:")
	w.choose(field("expect.what"), "mail.workflow")
	w.holds(`document.querySelector('[name="expect.was"]').value === "mail.workflow"`)
	w.choose(field("expect.times"), "none")
	w.rewrite(field("within"), "4")
	w.choose(field("within.unit"), "bh")
	w.read("#editor-sentence", "no mail of a workflow to the customer within 4 business hours")
	w.accessible(script, "a promise being written", "light")
	w.picture("promise-written")
	w.click(`button[value="publish"]`, "Publish version 1")
	w.read("#flash", "watched from now on")

	number, _ := w.openWaiting()
	w.closeByMenu(number)
	w.open("/promises")
	w.read(".promise .banner", "Broken 1 time") // by itself, when it is so
	w.picture("promises-broken")
	w.open("/alarms")
	w.read("main", "A close is silent")

	w.open("/conversations/" + number)
	w.read(".event", "The promise “A close is silent” was broken")
	w.accessible(script, "a conversation with a broken promise", "light")
	w.picture("conversation-broken")
	w.click(".event a", "^trace$")
	w.read(".trace", "A mail went out that was not to go")
	if at := w.value(`location.hash`); !strings.HasPrefix(at, "#trace-") || w.value(`document.querySelector(location.hash) !== null`) != "true" {
		t.Errorf("the line leads to %s", at)
	}
	w.picture("trace")
	w.theme("dark")
	w.size(390, 844)
	w.accessible(script, "a promise with its trace", "dark, on a phone")
	w.picture("trace-phone-dark")
	w.size(1440, 900)
	w.click("#traces button", "Acknowledge")
	w.read("#flash", "alarm is cleared")

	w.click("main form[action$='/delete'] button", "Delete the promise")
	w.click("#deleted summary", "Deleted")
	w.picture("promise-deleted")
	w.click("#deleted button", "Restore")
	w.read("#flash", "switched off")
	w.read("h1", "A close is silent")
}
