package journey_test

import (
	"strings"
	"testing"

	"github.com/go-rod/rod"
	"github.com/go-rod/rod/lib/input"
	"github.com/go-rod/rod/lib/proto"
)

// TestWritingAWorkflow is an admin's way from a recipe to a closing notice of
// their own: two conditions, a look at what it would do, publishing, the
// shipped one switched off; a close that matches and one that does not; and
// back to the first version.
func TestWritingAWorkflow(t *testing.T) {
	t.Parallel()
	w := newWalker(t)
	w.signIn("ann@brightwater.example")
	people := w.twoWaiting()
	w.turnPages()
	w.begin()

	w.rewrite("#f-name", "Goodbye to most")
	w.pick(field("if[0].fact"), "the customer's address")
	w.holds(`document.querySelector('[name="if[0].was"]').value === "customer.address"`)
	w.pick(field("if[0].op"), "is not")
	w.holds(`document.querySelector('[name="if[0].was_op"]').value === "is_not"`)
	w.rewrite(field("if[0].values"), people[1].address)
	w.click("#add-if", "Condition")
	w.holds(`document.activeElement.id === "f-if[1].fact"`)
	w.pick(field("if[1].fact"), "the status")
	w.pick(field("if[1].values"), "closed")
	w.read("#ready-title", "Ready to publish")
	w.picture("two-conditions")

	// Alt and an arrow moves the row one is in; the focus goes with it.
	w.must(w.see(field("if[1].fact")).Focus(), "focus the second condition")
	w.press(input.AltLeft, input.ArrowUp)
	w.holds(`document.activeElement.id === "f-if[0].fact" && document.getElementById("f-if[0].fact").value === "conversation.status"`)
	w.holds(`document.getElementById("f-if[1].values").value === "` + people[1].address + `"`)
	w.read("#editor-sentence", `if the status is closed and the customer's address is not "`+people[1].address+`": reply to the customer`)

	// A slip is named at its field, and what it would do is shown as one types.
	w.rewrite(field("then[0].text"), "Goodbye {{ customer.nam }}")
	w.read(`[id="error-then[0].text"]`, "Line 1")
	w.picture("a-slip")
	w.rewrite(field("then[0].text"), "Goodbye from {{ mailbox.name }}, ")
	w.click(".is-then .hint summary", "What can be filled in")
	w.click(".is-then .variable", "conversation.number")
	w.read("#try .tried", `Goodbye from \w+, \d+`)
	w.read("#try .state", "It would")
	w.picture("tried")

	w.click(`button[value="publish"]`, "Publish version 1")
	w.read("h1", "Goodbye to most")
	w.switchOff("Tell the customer it is closed")
	w.dragToTop("Goodbye to most")
	w.picture("published")

	w.closesWithANoticeOnlyFor(people)
	w.backToVersionOne()
	w.nestByDragging()
}

// nestByDragging puts conditions into a group and takes them out again.
func (w *walker) nestByDragging() {
	w.Helper()
	w.open("/workflows/new")
	w.click(".recipe strong", "^Closing notice with a condition")
	w.see("#editor")
	w.rewrite(field("if[0].values"), "partner.example")
	w.click(`button[value="group if"]`, "Group")
	w.pick(field("if[1].group"), "Any of these")
	w.pick(field("if[1][0].fact"), "the status")
	w.holds(`document.querySelector('[name="if[1][0].was"]').value === "conversation.status"`)

	w.dragOnto("if[0]", "if[1][0]", 0.8)
	w.holds(`document.getElementById("f-if[0][1].values")?.value === "partner.example" && !document.getElementById("if[1]")`)
	w.picture("dragged-into-a-group")

	w.dragOnto("if[0][0]", "if[0]", 0.02)
	w.holds(`document.getElementById("f-if[0].fact")?.value === "conversation.status" && document.getElementById("f-if[1][0].values")?.value === "partner.example"`)

	// A group goes with all that is in it, and ends when the last one leaves it.
	w.dragOnto("if[1]", "if[0]", 0.1)
	w.holds(`document.getElementById("f-if[0][0].values")?.value === "partner.example" && document.getElementById("f-if[1].fact")?.value === "conversation.status"`)
	w.picture("dragged-a-group")
	w.dragOnto("if[0][0]", "if[1]", 0.9)
	w.holds(`document.getElementById("f-if[0].fact")?.value === "conversation.status" && document.getElementById("f-if[1].values")?.value === "partner.example"`)
}

// dragOnto drags a row by its handle onto another one, to a height of it from 0,
// its top, to 1. The events are those of a mouse; Chromium without a screen makes
// no drag of a real one.
func (w *walker) dragOnto(from, to string, height float64) {
	w.Helper()
	_, err := w.patient().Eval(`(from, to, height) => {
		const handle = document.querySelector('[data-drag="' + from + '"]')
		document.getElementById(to).scrollIntoView({ block: "center" })
		const box = document.getElementById(to).getBoundingClientRect()
		const dataTransfer = new DataTransfer()
		const at = { dataTransfer, bubbles: true, cancelable: true, clientX: box.left + box.width / 2, clientY: box.top + box.height * height }
		handle.dispatchEvent(new DragEvent("dragstart", at))
		const under = document.elementFromPoint(at.clientX, at.clientY)
		under.dispatchEvent(new DragEvent("dragover", at))
		under.dispatchEvent(new DragEvent("drop", at))
	}`, from, to, height)
	w.must(err, "drag %s onto %s", from, to)
}

// person is a customer who waits.
type person struct{ number, address string }

// twoWaiting finds two conversations of different customers.
func (w *walker) twoWaiting() []person {
	w.Helper()
	w.open("/folders/unassigned")
	w.see("#list .row")
	var out []person
	for _, href := range strings.Fields(w.value(`[...document.querySelectorAll("#list .row a[href*='/conversations/']")].map((a) => a.getAttribute("href").split("?")[0]).join(" ")`)) {
		w.open(href)
		p := person{number: strings.TrimPrefix(href, "/conversations/"),
			address: w.value(`document.querySelector("aside a[href^='mailto:']")?.textContent.trim() ?? document.querySelector("aside").innerText.match(/\S+@\S+/)[0]`)}
		if len(out) == 0 || out[0].address != p.address {
			out = append(out, p)
		}
		if len(out) == 2 {
			return out
		}
	}
	w.Fatal("there are no two customers who wait")
	return nil
}

// turnPages goes to a page and back on a low screen: each page begins at its top,
// and Back leads to where one was.
func (w *walker) turnPages() {
	w.Helper()
	w.size(1440, 260)
	w.open("/workflows")
	w.holds(`(pane => pane.scrollHeight > pane.clientHeight + 90)(document.querySelector("main.page"))`)
	w.value(`document.querySelector("main.page").scrollTop = 90`)
	w.click(".workflows h2 a", "Tell the customer")
	w.read("h1", "Tell the customer")
	w.holds(`document.querySelector("main.page").scrollTop === 0`)
	w.value(`history.back()`)
	w.read("h1", "^Workflows$")
	w.holds(`document.querySelector("main.page").scrollTop > 0`)
	w.size(1440, 900)
}

// begin opens the editor with a recipe.
func (w *walker) begin() {
	w.Helper()
	w.open("/workflows")
	w.click("main .page-acts a", "New workflow")
	w.click(".recipe", "Closing notice with a condition")
	w.see("#editor")
}

// field is the selector of a control of the editor.
func field(name string) string { return `[id="f-` + name + `"]` }

// rewrite puts a text in the place of what stands in a field.
func (w *walker) rewrite(selector, text string) {
	w.Helper()
	e := w.see(selector)
	w.must(e.SelectAllText(), "select the text of %s", selector)
	w.must(e.Input(text), "write into %s", selector)
}

// pick takes an option by its words.
func (w *walker) pick(selector, option string) {
	w.Helper()
	w.holds(`[...document.querySelector(` + "`" + selector + "`" + `).options].some((o) => o.text === "` + option + `")`)
	w.must(w.see(selector).Select([]string{"^" + option + "$"}, true, rod.SelectorTypeRegex), "choose %s", option)
}

// press holds a key down and presses another one.
func (w *walker) press(hold, key input.Key) {
	w.Helper()
	keys := w.page.KeyActions().Press(hold).Type(key)
	w.must(keys.Do(), "press keys")
}

// switchOff switches a workflow off.
func (w *walker) switchOff(name string) {
	w.Helper()
	w.open("/workflows")
	w.click(`.switch[aria-label="`+name+`"]`, "On")
	w.holds(`document.querySelector('.switch[aria-label="` + name + `"]').getAttribute("aria-checked") === "false"`)
}

// dragToTop drags a workflow to before all others.
func (w *walker) dragToTop(name string) {
	w.Helper()
	_, err := w.patient().Eval(`(name) => {
		const row = [...document.querySelectorAll(".workflow[data-order]")].find((r) => r.querySelector("h2").innerText === name)
		const first = document.querySelector(".workflow[data-order]")
		const dataTransfer = new DataTransfer()
		const at = { dataTransfer, bubbles: true, cancelable: true, clientY: first.getBoundingClientRect().top + 2 }
		row.querySelector(".drag").dispatchEvent(new DragEvent("dragstart", at))
		first.dispatchEvent(new DragEvent("dragover", at))
		first.dispatchEvent(new DragEvent("drop", at))
	}`, name)
	w.must(err, "drag %s", name)
	w.holds(`document.querySelector(".workflow[data-order] h2").innerText === "` + name + `"`)
}

// closesWithANoticeOnlyFor closes both conversations: the second one's
// customer is the one the workflow leaves out.
func (w *walker) closesWithANoticeOnlyFor(people []person) {
	w.Helper()
	for i, p := range people {
		before := w.mailsOf(p.address)
		w.open("/conversations/" + p.number + "?folder=unassigned")
		w.compose("This is done.")
		w.click("button.send-close", "Send & Close")
		w.read(".undo", "Reply sent and closed")
		if i == 0 {
			w.read(".receipt", "notice accepted by")
			w.more(p.address, before, "Send & Close", "person", "automatic")
			w.open(w.value(`document.querySelector(".demo-mail iframe").getAttribute("src")`))
			w.holds(`document.body.innerText.includes("Goodbye from")`)
			continue
		}
		w.open("/conversations/" + p.number + "/why")
		why := `.why-workflow:has(.why-name)`
		w.read(why, "Goodbye to most")
		w.click(why+" summary", "Goodbye to most")
		w.read(why+"[open] .conditions", `is not "`+p.address+`"`)
		w.picture("why-not")
		w.more(p.address, before, "Send & Close", "person")
	}
}

// backToVersionOne publishes another wording and then the first again.
func (w *walker) backToVersionOne() {
	w.Helper()
	w.open("/workflows")
	w.click(".workflow h2 a", "Goodbye to most")
	w.click("main .page-acts a", "Edit")
	w.rewrite(field("then[0].text"), "Farewell.")
	w.read("#changes", "Farewell")
	w.click(`button[value="publish"]`, "Publish version 2")
	w.read(".versions .is-shown", "2")
	w.click("#version-1 button", "Restore")
	w.read("#version-3", "Published")
	w.holds(`document.querySelector("#f-template").value.startsWith("Goodbye from")`)
	w.open("/workflows")
	w.click(".workflow h2 a", "Goodbye to most")
	w.must(w.see("#workflow-menu summary").Click(proto.InputMouseButtonLeft, 1), "open the menu")
	w.click("#workflow-menu .menu-item", "Delete it")
	w.read("#deleted summary", "Deleted")
	w.picture("deleted")
}

// TestTheEditorOnAPhone: nothing of it stands beside the screen, and the page
// around it does not move.
func TestTheEditorOnAPhone(t *testing.T) {
	t.Parallel()
	w := newWalker(t)
	w.signIn("ann@brightwater.example")
	w.size(390, 844)
	w.begin()
	w.click(`button[value="group if"]`, "Group")
	w.holds(`document.activeElement.id === "f-if[1][0].fact"`)
	w.pick(field("if[1][0].fact"), "the tags")
	w.see(`[name="if[1][0].values"]`)
	w.picture("phone-group")
	if got := w.value(`[...document.querySelectorAll("#editor :is(button, select, input, textarea, label)")].filter((e) => e.checkVisibility() && !e.classList.contains("aside") && e.getBoundingClientRect().right > 390).length`); got != "0" {
		t.Errorf("%s parts of the editor stand beside the screen", got)
	}
	if got := w.value(`document.scrollingElement.scrollTop + document.body.scrollTop`); got != "0" {
		t.Errorf("the page itself was scrolled by %s", got)
	}
	w.open("/workflows")
	w.picture("phone-list")
	if got := w.value(`document.documentElement.scrollWidth`); got != "390" {
		t.Errorf("the list is %s pixels wide", got)
	}
}
