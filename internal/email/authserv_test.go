package email_test

import (
	"reflect"
	"testing"

	"postroom/internal/email"
)

func TestTopResults(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name, header, authserv string
		results                []email.AuthResult
	}{
		{"none", "Subject: x\r\n", "", nil},
		{"the topmost", "Authentication-Results: mx.harbour.example;\r\n spf=pass smtp.mailfrom=support@harbour.example;\r\n dkim=pass header.d=harbour.example;\r\n dmarc=pass header.from=harbour.example\r\n" +
			"Authentication-Results: forged.example; dkim=pass header.d=bank.example\r\n", "mx.harbour.example",
			[]email.AuthResult{{"spf", "pass", "harbour.example"}, {"dkim", "pass", "harbour.example"}, {"dmarc", "pass", "harbour.example"}}},
		{"with a version", "Authentication-Results: mx.harbour.example 1; none\r\n", "mx.harbour.example", nil},
		{"unreadable", "Authentication-Results: mx.harbour.example; spf=\"\r\n", "mx.harbour.example", nil},
	} {
		m := email.Parse([]byte(c.header+"\r\nHello.\r\n"), email.ParseOptions{})
		authserv, results, ok := email.TopResults(m)
		if authserv != c.authserv || !reflect.DeepEqual(results, c.results) || ok != (c.authserv != "") {
			t.Errorf("%s: %q %v %v", c.name, authserv, results, ok)
		}
	}
}
