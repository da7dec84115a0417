package journey_test

import (
	"testing"
	"time"
)

// TestWriting is what happens to an agent's words and files while they write:
// a file dropped and taken away again, the page reloaded in the middle, a
// second tab, Back after sending.
func TestWriting(t *testing.T) {
	t.Parallel()
	w := newWalker(t)
	w.signIn("ann@brightwater.example")
	number, customer := w.openWaiting()
	before := w.mailsOf(customer)
	path := "/conversations/" + number + "?folder=unassigned"
	w.open(path)
	w.compose("Half of what I want to say")
	w.drop("plan.txt", "text/plain")
	w.read(".composer .files .file-name", `plan\.txt`)
	w.drop("wrong.txt", "text/plain")
	w.read(".composer .files .file-name", `wrong\.txt`)
	w.click(".composer .files li:last-child .file-remove", "")
	w.holds(`document.querySelectorAll(".composer .files li").length === 1`)
	w.read(".composer-saved", "^Saved")
	w.gone("wrong.txt")
	w.picture("dropped")

	// What was saved is back after a reload, without the file taken away.
	w.open(path)
	w.read(".ProseMirror", "Half of what I want to say")
	w.read(".composer .files .file-name", `plan\.txt`)
	if got := w.value(`document.querySelectorAll(".composer .files li").length`); got != "1" {
		w.picture("after-reload")
		t.Errorf("%s files after the reload, not 1", got)
	}
	w.picture("after-reload")

	// Another tab closes the conversation; this one follows and keeps the words.
	other := w.tab()
	other.open(path)
	other.read(".ProseMirror", "Half of what I want to say")
	other.click("#status-menu summary", "Active")
	other.click("#status-menu button[value=closed]", "Closed")
	w.activate()
	w.read("#status-menu summary", "Closed")
	w.read(".ProseMirror", "Half of what I want to say")
	w.picture("closed-in-another-tab")

	// Sent once: Back brings neither the words nor a second mail.
	w.open("/folders/closed")
	w.click("#list a[href*='/conversations/"+number+"?']", "")
	w.read(".ProseMirror", "Half of what I want to say")
	w.click(".composer-send button.primary", "^Send$")
	w.read(".undo", "Reply sent")
	_, err := w.patient().Eval(`() => history.back()`)
	w.must(err, "go back")
	// The address changes first and the page after it: only then has Back arrived.
	w.holds(`location.pathname === "/folders/closed" && !document.querySelector(".composer") && document.querySelector("#list .row")`)
	w.open(path)
	w.holds(`document.querySelector(".composer [name=body]").value === "" && document.querySelectorAll(".composer .files li").length === 0`)
	// The notice about the close, and the reply with its file.
	w.open("/demo/customers/" + customer)
	w.holds(`[...document.querySelectorAll(".demo-mail")].some((m) => m.innerText.includes("plan.txt"))`)
	if got := w.mailsOf(customer); got != before+2 {
		t.Errorf("the customer has %d new mails, not 2", got-before)
	}
	if w.value(`[...document.querySelectorAll(".demo-mail")].some((m) => m.innerText.includes("wrong.txt"))`) == "true" {
		t.Error("the file that was taken away went out")
	}
}

// TestPhoneAnswers writes and closes at the size of a phone.
func TestPhoneAnswers(t *testing.T) {
	t.Parallel()
	w := newWalker(t)
	w.signIn("ann@brightwater.example")
	number, customer := w.openWaiting()
	before := w.mailsOf(customer)
	w.size(390, 844)
	w.open("/conversations/" + number + "?folder=unassigned")
	if got := w.value(`document.querySelector(".why-door").getBoundingClientRect().right <= 390`); got != "true" {
		t.Error("Why? stands beside the screen")
	}
	w.compose("Written on a phone.")
	w.picture("phone-writing")
	if got := w.value(`[...document.querySelectorAll(".composer button, .composer select")].filter((e) => e.checkVisibility() && e.getBoundingClientRect().right > 390).length`); got != "0" {
		t.Errorf("%s parts of the composer stand beside the screen", got)
	}
	w.click("button.send-close", "Send & Close")
	w.read(".undo", "Reply sent and closed")
	w.picture("phone-undo")
	w.read(".receipt", "notice accepted by")
	w.picture("phone-receipt")
	w.more(customer, before, "Send & Close on a phone", "person", "automatic")
}

// gone waits until the desk itself no longer has a word on this page.
func (w *walker) gone(word string) {
	w.Helper()
	for end := time.Now().Add(patience); ; {
		r, err := w.patient().Eval(`async (word) => (await (await fetch(location.href, { cache: "reload" })).text()).includes(word)`, word)
		w.must(err, "ask the desk for %s", word)
		if !r.Value.Bool() {
			return
		}
		if time.Now().After(end) {
			w.picture("failed")
			w.Fatalf("%s is still there", word)
		}
	}
}

// drop drags a file over the composer and lets go.
func (w *walker) drop(name, kind string) {
	w.Helper()
	_, err := w.patient().Eval(`(name, type) => {
		const data = new DataTransfer()
		data.items.add(new File(["a plan"], name, { type }))
		const composer = document.querySelector(".composer")
		for (const type of ["dragenter", "dragover", "drop"]) composer.dispatchEvent(new DragEvent(type, { dataTransfer: data, bubbles: true, cancelable: true }))
	}`, name, kind)
	w.must(err, "drop %s", name)
}
