package journey_test

import (
	"testing"

	"github.com/go-rod/rod"
)

// TestDeletedAndErased deletes a conversation, finds it in the folder of
// deleted ones, restores it, deletes it again and empties the trash.
func TestDeletedAndErased(t *testing.T) {
	t.Parallel()
	script := axe(t)
	w := newWalker(t)
	w.signIn("ann@brightwater.example")
	number, customer := w.openWaiting()
	before := w.mailsOf(customer)
	path := "/conversations/" + number + "?folder=unassigned"
	row := "#list a[href*='/conversations/" + number + "?']"

	// By the menu; the undo bar takes it back.
	w.open(path)
	w.key("m")
	w.picture("menu")
	w.click("#more-menu button.danger", "Delete")
	w.click(".undo .undo-button", "Undo")
	w.read("#status-menu summary", "Active")
	w.open("/folders/unassigned")
	w.see(row)

	// Deleted by its key, it lies in its folder, can be read there and not written
	// to.
	w.open(path)
	w.key("#")
	w.away(row)
	w.open("/folders/deleted")
	w.see(row)
	w.picture("deleted-folder")
	w.accessible(script, "the folder of deleted ones", "light")
	w.open("/conversations/" + number + "?folder=deleted")
	w.read(".dock", "Restore")
	if got := w.value(`document.querySelectorAll(".composer").length`); got != "0" {
		t.Error("one can write to a deleted conversation")
	}
	w.picture("deleted")
	w.click(".dock button, .conv-tools button", "Restore")
	w.see(".composer-doors")
	w.open("/folders/unassigned")
	w.see(row)

	// Deleted again and erased for good, which asks first.
	w.open(path)
	w.key("m")
	w.click("#more-menu button.danger", "Delete")
	w.away(row)
	w.judged(number) // what can still be undone is not erased
	w.open("/folders/deleted")
	w.see(row)
	w.click("a[href^='/trash']", "Empty")
	w.read("main", "This cannot be undone")
	w.picture("trash")
	w.theme("dark")
	w.size(390, 844)
	w.picture("trash-phone-dark")
	w.accessible(script, "emptying the trash", "dark, on a phone")
	w.size(1440, 900)
	w.click("main form label.check", "I am sure")
	w.click("main form button.danger", "Erase")
	w.holds(`location.pathname.startsWith("/jobs/")`)
	w.picture("erasing")
	w.open("/trash")
	w.erased(number)
	w.picture("nothing-left")
	w.same(customer, before) // and nobody was mailed anything about it
}

// erased waits until a conversation is gone for good: its page does not exist.
func (w *walker) erased(number string) {
	w.Helper()
	w.answers("/conversations/"+number, `r.status === 404`)
	w.open("/conversations/" + number)
	w.read("main", "no conversation "+number)
	w.open("/folders/deleted")
	w.holds(`!document.querySelector("#list a[href*='/conversations/` + number + `?']")`)
}

// away waits until the list stands there without a conversation in it.
func (w *walker) away(row string) {
	w.Helper()
	w.holds(`location.pathname.startsWith("/folders/") && !document.querySelector("main.conversation") && !document.querySelector("` + row + `")`)
}

// judged waits until nothing that happened to a conversation can be undone and
// every workflow has looked at it.
func (w *walker) judged(number string) {
	w.Helper()
	w.answers("/conversations/"+number+"/why", `!/Can still be undone|About to be judged/.test(text)`)
}

// answers waits until what the desk answers to a path, as r with its text, fits.
func (w *walker) answers(path, js string) {
	w.Helper()
	ask := rod.Eval(`async () => { const r = await fetch("` + path + `", { cache: "reload" }); const text = await r.text(); return ` + js + ` }`)
	w.must(w.patient().Wait(ask.ByPromise()), "wait for %s at %s", js, path)
}
