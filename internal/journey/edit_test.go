package journey_test

import (
	"strings"
	"testing"

	"github.com/go-rod/rod/lib/input"
)

// TestChangingWhatWasSent changes a reply that has left, with a picture in it,
// and again: the customer is mailed nothing more, what it said before stays
// readable with its picture, a colleague's page follows, and of two windows the
// slower one loses no word.
func TestChangingWhatWasSent(t *testing.T) {
	t.Parallel()
	script := axe(t)
	w := newWalker(t)
	w.signIn("ann@brightwater.example")
	number, customer := w.openWaiting()
	before := w.mailsOf(customer)
	path := "/conversations/" + number + "?folder=assigned"
	w.open(path)
	w.compose("The new part leaves on Tusday.")
	w.pastePicture()
	w.click(".composer-send button.primary", "^Send$")
	w.read(".undo", "Reply sent")
	// While it can be undone there is nothing to change; then there is.
	w.holds(`!document.querySelector(".undo") || !document.querySelector(".message-edit")`)
	w.read(".mail-chip", "Accepted|accepted")
	reply := w.value(`[...document.querySelectorAll("article.is-reply")].at(-1).id`)
	colleague := walkerAt(t, chromium(t), w.base)
	colleague.signIn("ben@brightwater.example")
	colleague.open(path)
	colleague.read("#"+reply, "Tusday")
	if got := colleague.value(`document.querySelectorAll("#` + reply + ` .message-edit").length`); got != "0" {
		t.Error("a colleague is offered to change it")
	}

	// By a key, with the picture taken out; typed words are kept while they are typed.
	w.open(path)
	w.see("#" + reply + " .message-edit")
	w.key("e")
	w.read(".edit-form .ProseMirror", "Tusday")
	w.holds(`document.querySelector(".edit-form .ProseMirror img")?.naturalWidth === 120`)
	w.picture("editing")
	w.retype("The new part leaves on Tuesday, by express.")
	w.read(".edit-form .composer-saved", "^Saved")
	w.open(path)
	w.read("#"+reply, "You began to change this text")
	w.read("#"+reply, "Tusday")
	w.picture("begun")
	w.click("#"+reply+" .edit-begun a", "Go on")
	w.read(".edit-form .ProseMirror", "Tuesday, by express")

	// Another window is faster; what is typed here is refused once, and stays.
	other := w.tab()
	other.open(path + "&edit=" + strings.TrimPrefix(reply, "message-"))
	other.read(".edit-form .ProseMirror", "Tuesday, by express")
	other.retype("The new part leaves on Wednesday.")
	other.click(".edit-form .composer-send button.primary", "Save")
	other.read("#"+reply+" .edited-mark", "edited, 2 versions")
	w.activate()
	w.retype("The new part leaves on Thursday.")
	w.press(input.ControlLeft, input.Enter)
	w.read(".edit-form .stale", "changed in another window meanwhile")
	w.read(".edit-form .ProseMirror", "leaves on Thursday")
	w.picture("stale")
	w.accessible(script, "a stale edit", "light")
	w.press(input.ControlLeft, input.Enter)
	w.read("#"+reply+" .edited-mark", "edited, 3 versions")
	w.holds(`!document.querySelector(".edit-form")`)
	w.read("#"+reply+" .message-body", "leaves on Thursday")
	w.read("#"+reply, "Changed after it was sent; the customer has the earlier text")
	w.picture("edited")

	// What it said before, with its picture; the colleague sees the same.
	w.click("#"+reply+" .edited-mark", "")
	w.read("#"+reply+" .history", "as it was sent")
	w.holds(`document.querySelector("#` + reply + ` .version:last-child img")?.naturalWidth === 120`)
	w.read("#"+reply+" .history del", "Wednesday")
	w.read("#"+reply+" .history ins", "Thursday")
	w.read("#"+reply+" .history", "1 picture taken out")
	for _, theme := range []string{"light", "dark"} {
		w.theme(theme)
		w.picture("history-" + theme)
		w.accessible(script, "the former texts", theme)
	}
	colleague.read("#"+reply+" .message-body", "leaves on Thursday")
	colleague.click("#"+reply+" .edited-mark", "edited, 3 versions")
	colleague.read("#"+reply+" .history", "Tusday")
	colleague.picture("colleague")

	// A former text is taken up again, on a phone; and thrown away.
	w.size(390, 844)
	w.picture("history-phone")
	w.click("#"+reply+" .version:last-child a", "Take up again")
	w.read(".edit-form .ProseMirror", "Tusday")
	w.holds(`document.querySelector(".edit-form .ProseMirror img")?.naturalWidth === 120`)
	w.picture("edit-phone")
	w.accessible(script, "changing a text", "dark, on a phone")
	if got := w.value(`document.documentElement.scrollWidth`); got != "390" {
		t.Errorf("changing a text is %s pixels wide on a phone", got)
	}
	w.click(".edit-form .composer-send button", "Throw away")
	w.holds(`!document.querySelector(".edit-form")`)
	w.read("#"+reply+" .message-body", "leaves on Thursday")
	w.size(1440, 900)

	// The customer was mailed once, and has what was sent.
	w.same(customer, before+1)
	src := w.value(`document.querySelector(".demo-mail iframe").getAttribute("src")`)
	w.open(src)
	w.holds(`document.body.innerText.includes("leaves on Tusday.")`)
}

// retype puts other words in the place of everything in the open edit form.
func (w *walker) retype(text string) {
	w.Helper()
	w.click(".edit-form .ProseMirror", "")
	w.press(input.ControlLeft, input.KeyA)
	w.must(w.page.InsertText(text), "type %s", text)
	w.read(".edit-form .ProseMirror", text)
}

// key presses one key that is a letter or a sign.
func (w *walker) key(k string) {
	w.Helper()
	w.must(w.page.Keyboard.Type(input.Key([]rune(k)[0])), "press %s", k)
}
