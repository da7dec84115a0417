package journey_test

import (
	"testing"
)

// heldBack lets a test hold back the answers to what the page asks for: those
// whose address contains window.holdBack, until window.letGo is called.
const heldBack = `
	const real = window.fetch
	window.fetch = async (input, init) => {
		const answer = await real(input, init)
		if (window.holdBack && String(input.url ?? input).includes(window.holdBack)) {
			window.drawn = true
			await window.gate
		}
		return answer
	}`

// What changes after the server has drawn a page and before the browser shows
// it is shown all the same: a page that stands for minutes with what was so
// when it set out would be a lie.
func TestNothingIsMissedOnTheWay(t *testing.T) {
	t.Parallel()
	w := newWalker(t)
	_, err := w.page.EvalOnNewDocument(heldBack)
	w.must(err, "hold back answers")
	w.signIn("ann@brightwater.example")
	number, _ := w.openWaiting()
	w.open("/folders/unassigned")
	w.value(`window.holdBack = "/conversations/` + number + `"`)
	w.value(`window.gate = new Promise((go) => { window.letGo = go })`)
	w.value(`new EventSource("/events").onmessage = (event) => {
		if (window.drawn && event.data.startsWith("conversation ")) window.told = true
	}`)
	w.click(`#list a[href*="/conversations/`+number+`"]`, "")
	w.holds(`window.drawn`)

	other := w.tab()
	other.open("/conversations/" + number)
	other.click(".composer-doors a", "Note")
	other.write(".ProseMirror", "Nothing else follows from a note.")
	other.click(".composer-send button.primary", "note")
	other.read("main .message", "Nothing else follows from a note")

	w.activate()
	w.holds(`window.told`)
	w.value(`window.holdBack = "", window.letGo()`)
	w.read("main .message", "Nothing else follows from a note")
}
