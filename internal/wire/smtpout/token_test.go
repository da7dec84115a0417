package smtpout_test

import (
	"encoding/base64"
	"fmt"
	"net"
	"strconv"
	"strings"
	"testing"

	"postroom/internal/postoffice"
	"postroom/internal/wire/smtpout"
)

func byToken(t *testing.T, o postoffice.Options, token string) (*smtpout.Conn, *smtpout.Fault) {
	t.Helper()
	office, err := postoffice.New(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { office.Close() })
	host, port, _ := net.SplitHostPort(office.Addr())
	n, _ := strconv.Atoi(port)
	c, f := smtpout.Dial(t.Context(), smtpout.Server{Host: host, Port: n, Security: smtpout.SecurityStartTLS, TLS: office.ClientTLS(),
		Username: "help@acme.example", Password: token, Auth: smtpout.AuthToken})
	if c != nil {
		t.Cleanup(func() { c.Close() })
	}
	return c, f
}

// TestTokenSignsIn signs in with an access token, which is nowhere in what was
// said; one that is not good is refused in the server's words.
func TestTokenSignsIn(t *testing.T) {
	t.Parallel()
	const canary = "canary-token-c4n4ry"
	o := postoffice.Options{RequireAuth: true, Tokens: map[string]string{"help@acme.example": canary}}
	c, f := byToken(t, o, canary)
	if f != nil {
		t.Fatal(f)
	}
	if f := c.Check(t.Context(), "help@acme.example"); f != nil {
		t.Errorf("who signed in may not send: %v", f)
	}
	said := fmt.Sprint(c.Dialogue())
	if !strings.Contains(said, "AUTH XOAUTH2 ***") || strings.Contains(said, canary) || strings.Contains(said, base64.StdEncoding.EncodeToString([]byte(canary))[:12]) {
		t.Errorf("the dialogue is %s", said)
	}
	o.Tokens = map[string]string{"help@acme.example": "another"}
	_, f = byToken(t, o, canary)
	if f == nil || f.Phase != smtpout.PhaseAuth || f.Code != 535 || !strings.Contains(f.Text, "access token is not valid") || smtpout.Classify(f) != smtpout.ChannelStop {
		t.Errorf("a token that is not good: %+v", f)
	}
	if strings.Contains(fmt.Sprintf("%+v", f), canary) {
		t.Errorf("the token can be read: %+v", f)
	}
}

// TestTokenIsForThoseWhoTakeIt: to a server that knows no access tokens it is
// not said, least of all as a password.
func TestTokenIsForThoseWhoTakeIt(t *testing.T) {
	t.Parallel()
	_, f := byToken(t, postoffice.Options{Users: map[string]string{"help@acme.example": "canary"}}, "canary")
	if f == nil || f.Phase != smtpout.PhaseAuth || f.Code != 0 || !strings.Contains(f.Text, "XOAUTH2") {
		t.Fatalf("%+v", f)
	}
	if said := fmt.Sprint(f.Dialogue); strings.Contains(said, "C: AUTH") {
		t.Errorf("it was said: %s", said)
	}
}
