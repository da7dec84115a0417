package journey_test

import (
	"bytes"
	"context"
	"net"
	"net/mail"
	"os/exec"
	"strings"
	"testing"
	"time"

	"postroom/internal/postoffice"
)

const annAddress = "ann@quay.example"

// TestAnswerByMailIsSeenLive: Ann has a conversation open in her browser, half
// a note in its composer, and answers the notification of it from her phone
// with @close. Her reply, the status and the receipt come to the open page by
// themselves; the half note stays.
func TestAnswerByMailIsSeenLive(t *testing.T) {
	t.Parallel()
	chrome := chromium(t)
	base, office := deskBeside(t, provider(), func(program string, office *postoffice.Office, flags ...string) {
		command := func(input string, args ...string) {
			t.Helper()
			run := exec.CommandContext(t.Context(), program, append(args, flags...)...)
			run.Stdin = strings.NewReader(input)
			if out, err := run.CombinedOutput(); err != nil {
				t.Fatalf("%s: %v\n%s", args, err, out)
			}
		}
		host, port, _ := net.SplitHostPort(office.Addr())
		inHost, inPort, _ := net.SplitHostPort(office.IMAPAddr())
		command("postroom-demo\n", "admin", "add", annAddress, "Ann", "--password-stdin")
		command("right\nright\n", "mailbox", "add", team, "--undo-seconds", "0", "--everybody", "--subaddress", "--authserv", "mx.quay.example",
			"--host", host, "--port", port, "--security", "starttls", "--user", team, "--password-stdin",
			"--in-host", inHost, "--in-port", inPort, "--in-security", "starttls", "--in-password-stdin", "--sent-copies", "no")
	})
	w := walkerAt(t, chrome, base)
	w.signIn(annAddress)
	w.open("/profile")
	if w.value(`document.querySelector("[name=mail][value=new]").checked`) == "false" {
		w.click("[name=mail][value=new]", "")
	}
	w.click("#notifications button.primary", "Save")
	w.holds(`document.querySelector("[name=mail][value=new]").defaultChecked`)
	// What lies in the mailbox before it is watched is older than the desk.
	w.open("/system/connections")
	w.read("main", "Watching")

	put := func(raw string) {
		t.Helper()
		w.must(office.Put(team, "INBOX", []byte(strings.ReplaceAll(raw, "\n", "\r\n")), time.Now()), "deliver a mail")
	}
	put("From: Mara Lind <mara@customer.example>\nTo: " + team + "\nSubject: A lamp\nMessage-ID: <1@customer.example>\n\nIt does not shine.\n")
	told := w.letterTo(office, annAddress)

	w.open("/folders/unassigned")
	w.read("#list", "A lamp")
	w.click("#list a[href*='/conversations/']", "A lamp")
	w.read("main .message", "It does not shine")
	w.click(".composer-doors a", "Note")
	w.write(".ProseMirror", "Half a note")
	w.read(".composer-saved", "^Saved")
	w.value(`window.neverLeft = true`)

	to := told.Header.Get("Reply-To")
	if to == "" {
		to = told.Header.Get("From")
	}
	put("Authentication-Results: mx.quay.example; dkim=pass header.d=quay.example; spf=pass smtp.mailfrom=quay.example\n" +
		"From: Ann <" + annAddress + ">\nTo: " + to + "\nSubject: Re: A lamp\nMessage-ID: <answer@phone.example>\nIn-Reply-To: " + told.Header.Get("Message-ID") + "\nReferences: " + told.Header.Get("Message-ID") + "\n" +
		"MIME-Version: 1.0\nContent-Type: text/plain; charset=utf-8\n\n@close\n\nTurn it on.\n")

	w.read("main .message.is-reply", "Turn it on")
	w.read("#status-menu summary", "Closed")
	w.read(".receipt", "reply accepted by")
	w.read(".receipt", "notice accepted by")
	w.picture("answered-by-mail")
	w.read(".ProseMirror", "Half a note")
	if w.value(`window.neverLeft`) != "true" {
		t.Error("the page was left")
	}
	if w.value(`document.querySelector("main .timeline").innerText.includes("@close")`) == "true" {
		t.Error("the command stands in the conversation")
	}
}

// letterTo waits for the first mail to an address and returns it.
func (w *walker) letterTo(office *postoffice.Office, address string) *mail.Message {
	w.Helper()
	ctx, cancel := context.WithTimeout(w.Context(), patience)
	defer cancel()
	letters, err := office.WaitFor(ctx, address, 1)
	w.must(err, "a mail to %s", address)
	m, err := mail.ReadMessage(bytes.NewReader(letters[0].Raw))
	w.must(err, "read the mail to %s", address)
	return m
}
