package journey_test

import (
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

// TestWalk is the README's walk: Send & Close with a picture and a file, the
// two mails in order at the customer, receipt, Why? and journeys, the
// customer's thank-you, and the other paths of closing.
func TestWalk(t *testing.T) {
	t.Parallel()
	w := newWalker(t)
	w.signIn("ann@brightwater.example")
	number, customer := w.openWaiting()
	before := w.mailsOf(customer)

	w.open("/conversations/" + number + "?folder=unassigned")
	w.compose("A new part is on its way to you.")
	w.pastePicture()
	w.attach("invoice.txt", "an invoice")
	w.picture("composed")
	w.click("button.send-close", "Send & Close")
	w.read(".undo", "Reply sent and closed")
	w.picture("undo-bar")
	w.read(".receipt", "reply accepted by")
	w.read(".receipt", "notice accepted by")
	w.picture("receipt")

	w.twoMails(customer, before)
	w.explanations(number)

	// The customer says thank you; the conversation is open again.
	w.answer(customer, "Thank you!")
	w.open("/conversations/" + number)
	w.read("#status-menu summary", "Active")

	before = w.mailsOf(customer)
	w.closeByKey(number)
	before = w.more(customer, before, "keyboard", "automatic")

	w.answer(customer, "One more thing.")
	w.closeByMenu(number)
	before = w.more(customer, before, "menu", "automatic")

	w.answer(customer, "And another.")
	w.closeByStatusBesideSend(number)
	before = w.more(customer, before, "status beside Send", "person", "automatic")

	w.answer(customer, "The last one.")
	w.closeBySelection(number)
	w.more(customer, before, "selection", "automatic")
}

// TestUndo takes a Send & Close back: the text is a draft again, nothing went
// out.
func TestUndo(t *testing.T) {
	t.Parallel()
	w := newWalker(t)
	w.signIn("ann@brightwater.example")
	number, customer := w.openWaiting()
	before := w.mailsOf(customer)
	w.open("/conversations/" + number + "?folder=unassigned")
	w.compose("I should not have said this.")
	w.click("button.send-close", "Send & Close")
	w.click(".undo .undo-button", "Undo")
	w.read(".ProseMirror", "I should not have said this.")
	w.read("#status-menu summary", "Active")
	w.picture("undone")
	w.open("/conversations/" + number + "/why")
	w.read("main", "Undone")
	w.same(customer, before)
}

// TestPhone looks at the main pages at the size of a phone: nothing is wider
// than the screen.
func TestPhone(t *testing.T) {
	t.Parallel()
	w := newWalker(t)
	w.signIn("ann@brightwater.example")
	number, _ := w.openWaiting()
	w.size(390, 844)
	for _, path := range []string{"/folders/unassigned", "/conversations/" + number, "/conversations/" + number + "/why", "/mails", "/queue", "/alarms", "/workflows", "/mailboxes", "/profile", "/demo/customers"} {
		w.open(path)
		w.picture("phone" + strings.ReplaceAll(path, "/", "-"))
		if got := w.value("document.documentElement.scrollWidth"); got > "390" && len(got) >= 3 {
			t.Errorf("%s is %s pixels wide on a phone", path, got)
		}
	}
}

func (w *walker) signIn(email string) {
	w.Helper()
	w.open("/signin")
	w.write("[name=email]", email)
	w.write("[name=password]", "postroom-demo")
	w.click("main form button", "Sign in")
	w.see("#list")
}

// openWaiting opens the conversation that waits longest and returns its number
// and its customer's address.
func (w *walker) openWaiting() (number, customer string) {
	w.Helper()
	w.open("/folders/unassigned")
	w.picture("list")
	href := w.value(`document.querySelector("#list a[href*='/conversations/']").getAttribute("href")`)
	number = strings.TrimPrefix(strings.Split(href, "?")[0], "/conversations/")
	w.open("/conversations/" + number + "?folder=unassigned")
	w.picture("conversation")
	customer = w.value(`document.querySelector("aside a[href^='mailto:']")?.textContent.trim() ?? document.querySelector("aside").innerText.match(/\S+@\S+/)[0]`)
	return number, customer
}

// compose opens the composer and types.
func (w *walker) compose(text string) {
	w.Helper()
	w.click(".composer-doors a", "Reply")
	w.write(".ProseMirror", text)
}

// pastePicture pastes a picture into the text, as from a clipboard.
func (w *walker) pastePicture() {
	w.Helper()
	_, err := w.patient().Eval(`async () => {
		const canvas = Object.assign(document.createElement("canvas"), { width: 120, height: 60 })
		const c = canvas.getContext("2d")
		c.fillStyle = "#434fc4"
		c.fillRect(0, 0, 120, 60)
		const blob = await new Promise((done) => canvas.toBlob(done, "image/png"))
		const data = new DataTransfer()
		data.items.add(new File([blob], "lamp.png", { type: "image/png" }))
		const editor = document.querySelector(".ProseMirror")
		editor.focus()
		editor.dispatchEvent(new ClipboardEvent("paste", { clipboardData: data, bubbles: true, cancelable: true }))
	}`)
	w.must(err, "paste a picture")
	w.see(".ProseMirror img[src^='/attachments/']")
}

// attach picks a file, as with the button.
func (w *walker) attach(name, content string) {
	w.Helper()
	path := filepath.Join(w.TempDir(), name)
	w.must(os.WriteFile(path, []byte(content), 0o600), "write a file")
	w.must(w.see(".composer input[type=file]").SetFiles([]string{path}), "pick a file")
	w.read(".composer .files", strings.TrimSuffix(name, filepath.Ext(name)))
}

// mailsOf returns how many mails a customer has received.
func (w *walker) mailsOf(customer string) int {
	w.Helper()
	w.open("/demo/customers/" + customer)
	n, err := strconv.Atoi(w.value(`document.querySelectorAll(".demo-mail").length`))
	w.must(err, "count mails")
	return n
}

// twoMails checks that the customer got the reply and then the notice, the
// newest on top, and the reply with picture and file.
func (w *walker) twoMails(customer string, before int) {
	w.Helper()
	w.more(customer, before, "Send & Close", "person", "automatic")
	w.picture("customer")
	reply := `document.querySelectorAll(".demo-mail")[1]`
	w.holds(reply + `.innerText.includes("invoice.txt")`)
	src := w.value(reply + `.querySelector("iframe").getAttribute("src")`)
	w.open(src)
	w.holds(`document.body.innerText.includes("A new part is on its way to you.")`)
	w.holds(`[...document.images].some((i) => i.complete && i.naturalWidth === 120)`)
}

// more waits until the customer has as many more mails as kinds says, oldest
// first, and no others, and returns how many there are now.
func (w *walker) more(customer string, before int, path string, kinds ...string) int {
	w.Helper()
	want := before + len(kinds)
	w.open("/demo/customers/" + customer)
	w.holds(`document.querySelectorAll(".demo-mail").length >= ` + strconv.Itoa(want))
	if got := w.mailsOf(customer); got != want {
		w.picture("mails")
		w.Fatalf("closed by %s: the customer has %d new mails, not %d", path, got-before, len(kinds))
	}
	for i, kind := range kinds {
		at := strconv.Itoa(len(kinds) - 1 - i) // the newest is on top
		automatic := w.value(`[...document.querySelectorAll(".demo-mail")[` + at + `].querySelectorAll(".demo-when")].some((e) => e.innerText.includes("Automatic"))`)
		if (automatic == "true") != (kind == "automatic") {
			w.picture("mails")
			w.Fatalf("closed by %s: mail %d is not %s", path, i+1, kind)
		}
	}
	return want
}

func (w *walker) same(customer string, before int) {
	w.Helper()
	if got := w.mailsOf(customer); got != before {
		w.Fatalf("the customer got %d mails", got-before)
	}
}

// explanations opens what the receipt links to: Why? and both journeys.
func (w *walker) explanations(number string) {
	w.Helper()
	w.open("/conversations/" + number + "/why")
	w.read("main", "Tell the customer it is closed")
	w.read("main", "Matched")
	w.picture("why")
	for i, words := range []string{"reply accepted", "notice accepted"} {
		w.open("/conversations/" + number)
		w.click(".receipt a", words)
		w.read("main", "250 ")
		w.read("main", "Message-ID")
		w.picture("journey-" + strconv.Itoa(i+1))
	}
}

// answer writes back as the customer, to the newest mail.
func (w *walker) answer(customer, text string) {
	w.Helper()
	w.open("/demo/customers/" + customer)
	w.picture("answering")
	_, err := w.patient().Eval(`() => document.querySelectorAll(".demo-mail details").forEach((d) => { d.open = true })`)
	w.must(err, "open the answer form")
	w.write(".demo-mail textarea[name=text]", text)
	w.click(".demo-mail form button", "Send|Answer")
	w.holds(`[...document.querySelectorAll(".demo-mail textarea[name=text]")].every((t) => t.value === "")`)
}

func (w *walker) closeByKey(number string) {
	w.Helper()
	w.open("/conversations/" + number)
	w.read("#status-menu summary", "Active")
	w.must(w.see("body").Type('c'), "press c")
	w.read("#status-menu summary", "Closed")
}

func (w *walker) closeByMenu(number string) {
	w.Helper()
	w.open("/conversations/" + number)
	w.read("#status-menu summary", "Active")
	w.click("#status-menu summary", "Active")
	w.click("#status-menu button[value=closed]", "Closed")
	w.read("#status-menu summary", "Closed")
}

func (w *walker) closeByStatusBesideSend(number string) {
	w.Helper()
	w.open("/conversations/" + number)
	w.read("#status-menu summary", "Active")
	w.compose("This settles it.")
	w.must(w.see(".composer [name=status]").Select([]string{"Closed"}, true, "text"), "choose the status")
	w.click(".composer-send button.primary", "^Send$")
	w.read("#status-menu summary", "Closed")
}

func (w *walker) closeBySelection(number string) {
	w.Helper()
	w.open("/conversations/" + number)
	w.read("#status-menu summary", "Active")
	w.open("/folders/unassigned?sort=newest")
	w.click(`#list .row:has(a[href*="/conversations/`+number+`"]) > input[type=checkbox]`, "")
	w.picture("selected")
	w.click(".bulk button[value='status:closed']", "Close")
	w.read("main", "1 conversation changed\\.")
	w.picture("job")
}
