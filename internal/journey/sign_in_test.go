package journey_test

import (
	"context"
	"net"
	"testing"
	"time"

	"postroom/internal/postoffice"
)

// TestSignInAtTheProvider sets a mailbox up at a provider that takes no password:
// the app is registered, the mailbox's owner says no and then yes, both ways of
// mail work; then the owner takes it back, and signs in again.
func TestSignInAtTheProvider(t *testing.T) {
	t.Parallel()
	chrome := chromium(t)
	base, office := freshDeskBeside(t, postoffice.Options{Domain: "mx.quay.example", Tokens: map[string]string{}, RequireAuth: true, MailboxPassword: "nobody knows", Subaddress: true})
	authority, err := postoffice.NewAuthority(postoffice.AuthorityOptions{ClientID: "the-desk", ClientSecret: "a-secret", Rotate: true, Redirect: base + "/authorities/other/back", Office: office})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { authority.Close() })
	w := walkerAt(t, chrome, base)
	w.firstAdmin()
	w.newMailbox()
	w.registerApp(authority)
	w.signInAt(authority)
	w.sendAndFetchSignedIn(office)

	w.click(".trial button", "Send the test mail")
	w.read("#try-plain", "It came back")

	// The owner takes the consent back.
	w.open("/mailboxes")
	w.click("h2 a", "Support")
	w.click(".tabs a", "Receiving")
	authority.Last(2 * time.Second)
	w.click("#sign-in button", "Sign in again")
	w.click("button[value=allow]", "Allow")
	w.read("#sign-in .state", "Signed in|Being renewed")
	authority.Withdraw(team, "The password was changed.")
	w.read("#sign-in [role=alert]", "invalid_grant: The password was changed")
	w.picture("sign-in-refused")
	w.size(390, 844)
	w.picture("sign-in-refused-phone")
	w.size(1440, 900)
	w.open("/alarms")
	w.read("main", "is not signed in with Postal any more")
	w.picture("sign-in-alarm")
	w.click("main a", "Sign in again")
	authority.Last(time.Hour)
	w.click("#sign-in button", "Sign in again")
	w.click("button[value=allow]", "Allow")
	w.read("#sign-in .state", "Signed in")
	w.open("/alarms")
	w.read("h1", "Alarms")
	w.picture("sign-in-again")
}

// submit presses a button as a key would, wherever it is scrolled to.
func (w *walker) submit(selector string) {
	w.Helper()
	_, err := w.see(selector).Eval(`() => this.click()`)
	w.must(err, "press %s", selector)
}

// registerApp goes from the mailbox's page to the app's and back.
func (w *walker) registerApp(a *postoffice.Authority) {
	w.Helper()
	w.open("/authorities/microsoft")
	w.read(".to-do", "IMAP.AccessAsUser.All|Microsoft Graph")
	w.picture("app-microsoft")
	w.size(390, 844)
	w.picture("app-microsoft-phone")
	w.size(1440, 900)
	w.open("/authorities/google")
	w.read(".to-do", "Gmail API")
	w.picture("app-google")
	w.open("/mailboxes")
	w.click("h2 a", "Support")
	w.click(".tabs a", "Sending")
	w.choose("#f-provider", "microsoft")
	w.read("#sign-in .button", "Set up sign-in with Microsoft")
	w.picture("sign-in-offered")
	w.choose("#f-provider", "own")
	w.click("main a", "Register an app")
	w.write("[name=title]", "Postal")
	w.write("[name=client_id]", "the-desk")
	w.write("[name=secret]", "a-secret")
	w.write("[name=authorize_url]", a.AuthorizeURL())
	w.write("[name=token_url]", "http://login.elsewhere.example/token")
	w.write("[name=scopes]", "mail offline_access")
	w.write("[name=servers]", "127.0.0.1")
	w.click(".form-end .primary", "Save")
	w.read("#error-token_url", "must begin with https")
	w.picture("app-refused")
	w.write("[name=secret]", "a-secret")
	w.fill("[name=token_url]", a.TokenURL())
	w.click(".form-end .primary", "Save")
	w.read("#sign-in button", "Sign in with Postal")
}

// signInAt says no at the provider first.
func (w *walker) signInAt(a *postoffice.Authority) {
	w.Helper()
	w.picture("sign-in-ready")
	w.click("#sign-in button", "Sign in with Postal")
	w.click("button[value=deny]", "Deny")
	w.read("h1", "Not signed in")
	w.read("p", "consent was not given")
	w.picture("sign-in-denied")
	w.click("a.primary", "Back to the mailbox")
	w.click("#sign-in button", "Sign in with Postal")
	w.click("button[value=allow]", "Allow")
	w.read("#sign-in .state", "Signed in")
	w.holds(`!location.search.includes("code=")`)
	ctx, cancel := context.WithTimeout(w.Context(), patience)
	defer cancel()
	if _, err := a.WaitFor(ctx, 1); err != nil {
		w.Errorf("nobody asked for tokens: %v", err)
	}
}

// sendAndFetchSignedIn connects both ways; there is no password to be typed.
func (w *walker) sendAndFetchSignedIn(office *postoffice.Office) {
	w.Helper()
	host, port, _ := net.SplitHostPort(office.Addr())
	w.holds(`document.querySelector("[name=smtp_auth][value=sign-in]").checked && document.querySelector("[name=smtp_password]").checkVisibility() === false`)
	w.choose("[name=smtp_security]", "starttls")
	w.fill("[name=smtp_port]", port)
	w.fill("[name=smtp_host]", "mail.elsewhere.example")
	w.read(".probe.is-bad", "not the provider's server")
	w.fill("[name=smtp_host]", host)
	w.read(".probe.is-good", "It works")
	w.picture("sending-signed-in")
	w.size(390, 844)
	w.picture("sending-signed-in-phone")
	w.theme("dark")
	w.picture("sending-signed-in-phone-dark")
	w.size(1440, 900)
	w.picture("sending-signed-in-dark")
	w.theme("light")
	w.submit(".step-end .primary")
	w.holds(`!document.querySelector(".tabs [aria-current]").innerText.includes("to do")`)
	w.click(".tabs a", "Receiving")
	host, port, _ = net.SplitHostPort(office.IMAPAddr())
	w.choose("[name=in_security]", "starttls")
	w.fill("[name=in_port]", port)
	w.fill("[name=in_host]", host)
	w.read(".probe.is-good", "mail can be fetched")
	w.picture("receiving-signed-in")
	w.submit(".step-end .primary")
	w.holds(`!document.querySelector(".tabs [aria-current]").innerText.includes("to do")`)
	w.open("/mailboxes")
	w.click("h2 a", "Support")
	w.click(".tabs a", "Test mail")
}
