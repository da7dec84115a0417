package connect

import (
	"fmt"
	"slices"
	"strings"

	"postroom/internal/consent"
	"postroom/internal/query"
)

// provider is what is known of a company that keeps mailboxes: how programs
// reach them, and what a domain that is kept there says of its mail. A new one
// is a new entry in the table below and in docs/mailboxes.md.
type provider struct {
	key, name string
	// domains are its own, whose addresses it gives to people; mx are the ends
	// of the names of the servers that take mail for everybody's domains there.
	domains, mx []string
	smtp, imap  server
	// password says which one programs need, link where it is made. refuses says
	// that no password of any kind works for reading mail.
	password, link string
	refuses        bool
	note           string
	authority      string // where its mailboxes can sign in, a name of consent; "" is nowhere known
	// noPlus says that it does not deliver name+anything@domain to name.
	noPlus bool
	// spf are the includes a domain's record needs, the first one of those that
	// serve; selectors are where its DKIM keys stand.
	spf, selectors []string
}

// server is where a protocol is spoken.
type server struct {
	host     string
	port     int
	security string
}

func tlsAt(host string, port int) server      { return server{host, port, "tls"} }
func startTLSAt(host string, port int) server { return server{host, port, "starttls"} }

func (s server) String() string {
	if s.host == "" {
		return ""
	}
	return fmt.Sprintf("%s:%d, %s", s.host, s.port, securityWord(s.security))
}

func securityWord(security string) string {
	switch security {
	case "tls":
		return "TLS"
	case "starttls":
		return "STARTTLS"
	}
	return "no encryption"
}

const (
	ownPassword = "The password of the mailbox."
	appPassword = "An app password, not the password you sign in with: "
)

// providers is the table. Hosts, ports and words are those the companies
// publish for mail programs; they change now and then, and what is wrong here
// shows at once, because every connection is tried before it is saved.
var providers = []provider{
	{key: "gmail", name: "Gmail, Google Workspace", domains: []string{"gmail.com", "googlemail.com"}, mx: []string{"google.com", "googlemail.com"},
		smtp: tlsAt("smtp.gmail.com", 465), imap: tlsAt("imap.gmail.com", 993),
		password: appPassword + "switch on two-step verification, then make one for “Mail”. Sixteen letters; the blanks do not matter.", link: "https://myaccount.google.com/apppasswords",
		note:      "In Google Workspace an administrator can forbid app passwords. Then sign in with Google.",
		authority: consent.Google,
		spf:       []string{"_spf.google.com"}, selectors: []string{"google"}},
	{key: "microsoft", name: "Microsoft 365, Exchange Online", mx: []string{"mail.protection.outlook.com", "mx.microsoft"},
		smtp: startTLSAt("smtp.office365.com", 587), imap: tlsAt("outlook.office365.com", 993), refuses: true,
		authority: consent.Microsoft,
		password:  "Exchange Online takes no password from programs that read mail: sign in with Microsoft. For sending, an administrator has to allow “Authenticated SMTP” for this mailbox.",
		link:      "https://learn.microsoft.com/exchange/clients-and-mobile-in-exchange-online/authenticated-client-smtp-submission",
		note:      "A shared mailbox is signed in with the account of somebody who has full access to it; its own address stays the user name.",
		spf:       []string{"spf.protection.outlook.com"}, selectors: []string{"selector1", "selector2"}},
	{key: "outlook", name: "Outlook.com, Hotmail", domains: []string{"outlook.com", "hotmail.com", "live.com", "msn.com", "outlook.de", "hotmail.de", "hotmail.co.uk", "live.de"}, mx: []string{"olc.protection.outlook.com"},
		smtp: startTLSAt("smtp-mail.outlook.com", 587), imap: tlsAt("outlook.office365.com", 993), refuses: true,
		authority: consent.Microsoft,
		password:  "Outlook.com takes no passwords from programs, not even app passwords: sign in with Microsoft.",
		note:      "Switch on IMAP in Outlook.com's settings (“Forwarding and IMAP”) first."},
	{key: "yahoo", name: "Yahoo", domains: []string{"yahoo.com", "yahoo.de", "yahoo.co.uk", "yahoo.fr", "yahoo.it", "yahoo.es", "ymail.com", "rocketmail.com"}, mx: []string{"yahoodns.net"},
		smtp: tlsAt("smtp.mail.yahoo.com", 465), imap: tlsAt("imap.mail.yahoo.com", 993), noPlus: true,
		password: appPassword + "“Account security”, then “Generate app password”.", link: "https://login.yahoo.com/account/security"},
	{key: "aol", name: "AOL", domains: []string{"aol.com", "aim.com", "aol.de"},
		smtp: tlsAt("smtp.aol.com", 465), imap: tlsAt("imap.aol.com", 993), noPlus: true,
		password: appPassword + "“Account security”, then “Generate app password”.", link: "https://login.aol.com/account/security"},
	{key: "icloud", name: "iCloud", domains: []string{"icloud.com", "me.com", "mac.com"}, mx: []string{"mail.icloud.com"},
		smtp: startTLSAt("smtp.mail.me.com", 587), imap: tlsAt("imap.mail.me.com", 993),
		password: "An app-specific password, not that of your Apple account.", link: "https://account.apple.com/account/manage",
		note: "If signing in to receive is refused, try the part of the address before the @ as the user name.",
		spf:  []string{"icloud.com"}, selectors: []string{"sig1"}},
	{key: "fastmail", name: "Fastmail", domains: []string{"fastmail.com", "fastmail.fm", "fastmail.net", "fastmail.org", "messagingengine.com", "sent.com"}, mx: []string{"messagingengine.com"},
		smtp: tlsAt("smtp.fastmail.com", 465), imap: tlsAt("imap.fastmail.com", 993),
		password: appPassword + "Settings, “Privacy & Security”, with access to Mail (IMAP/SMTP).", link: "https://app.fastmail.com/settings/security/apps",
		spf: []string{"spf.messagingengine.com"}, selectors: []string{"fm1", "fm2", "fm3"}},
	{key: "zoho", name: "Zoho Mail", domains: []string{"zoho.com", "zohomail.com"}, mx: []string{"zoho.com", "zoho.in", "zohomail.com"},
		smtp: tlsAt("smtppro.zoho.com", 465), imap: tlsAt("imappro.zoho.com", 993),
		password: "With two-factor sign-in an app-specific password, otherwise that of the mailbox.", link: "https://accounts.zoho.com/home#security/app_password",
		note: "Switch on IMAP access in Zoho's settings first. Personal addresses use smtp.zoho.com and imap.zoho.com.",
		spf:  []string{"zohomail.com", "one.zoho.com", "zoho.com", "zoho.in"}, selectors: []string{"zmail", "zoho", "default"}},
	{key: "zoho-eu", name: "Zoho Mail (Europe)", domains: []string{"zohomail.eu", "zoho.eu"}, mx: []string{"zoho.eu", "zohomail.eu"},
		smtp: tlsAt("smtppro.zoho.eu", 465), imap: tlsAt("imappro.zoho.eu", 993),
		password: "With two-factor sign-in an app-specific password, otherwise that of the mailbox.", link: "https://accounts.zoho.eu/home#security/app_password",
		note: "Switch on IMAP access in Zoho's settings first. Personal addresses use smtp.zoho.eu and imap.zoho.eu.",
		spf:  []string{"zohomail.eu", "one.zoho.eu", "zoho.eu"}, selectors: []string{"zmail", "zoho", "default"}},
	{key: "gmx", name: "GMX", domains: []string{"gmx.de", "gmx.net", "gmx.at", "gmx.ch", "gmx.eu"},
		smtp: tlsAt("mail.gmx.net", 465), imap: tlsAt("imap.gmx.net", 993), noPlus: true,
		password: "The password of the mailbox; with two-factor sign-in an application-specific one.",
		note:     "Allow “POP3 and IMAP” in GMX's settings first."},
	{key: "gmx-com", name: "GMX.com, mail.com", domains: []string{"gmx.com", "gmx.us", "gmx.co.uk", "mail.com"},
		smtp: tlsAt("mail.gmx.com", 465), imap: tlsAt("imap.gmx.com", 993), noPlus: true,
		password: "The password of the mailbox; with two-factor sign-in an application-specific one.",
		note:     "Allow “POP3 and IMAP” in the settings first. Addresses at mail.com use smtp.mail.com and imap.mail.com."},
	{key: "webde", name: "WEB.DE", domains: []string{"web.de"},
		smtp: startTLSAt("smtp.web.de", 587), imap: tlsAt("imap.web.de", 993), noPlus: true,
		password: "The password of the mailbox; with two-factor sign-in an application-specific one.",
		note:     "Allow “POP3 and IMAP” in WEB.DE's settings first."},
	{key: "ionos", name: "IONOS", mx: []string{"ionos.de", "ionos.es", "ionos.fr", "ionos.it", "kundenserver.de"},
		smtp: tlsAt("smtp.ionos.de", 465), imap: tlsAt("imap.ionos.de", 993), password: ownPassword,
		spf: []string{"_spf-eu.ionos.com", "_spf.kundenserver.de"}, selectors: []string{"s1-ionos", "s2-ionos"}},
	{key: "ionos-com", name: "IONOS (UK, US)", mx: []string{"ionos.com", "ionos.co.uk", "perfora.net", "1and1.com"},
		smtp: tlsAt("smtp.ionos.com", 465), imap: tlsAt("imap.ionos.com", 993), password: ownPassword,
		note: "In the United Kingdom: smtp.ionos.co.uk and imap.ionos.co.uk.",
		spf:  []string{"_spf-us.ionos.com", "_spf-eu.ionos.com", "_spf.perfora.net"}, selectors: []string{"s1-ionos", "s2-ionos"}},
	{key: "strato", name: "STRATO", mx: []string{"rzone.de", "strato.de"},
		smtp: tlsAt("smtp.strato.de", 465), imap: tlsAt("imap.strato.de", 993), password: ownPassword,
		spf: []string{"_spf.strato.com"}, selectors: []string{"strato-dkim-0002", "strato-dkim-0003"}},
	{key: "hetzner", name: "Hetzner webhosting", mx: []string{"your-server.de"},
		smtp: tlsAt("mail.your-server.de", 465), imap: tlsAt("mail.your-server.de", 993), password: ownPassword,
		selectors: []string{"default2602", "default2210"}},
	{key: "allinkl", name: "ALL-INKL", mx: []string{"kasserver.com"}, password: ownPassword,
		note: "The server is called like your account: w0123456.kasserver.com, port 465 to send and 993 to receive.",
		spf:  []string{"spf.kasserver.com"}},
	{key: "ovh", name: "OVHcloud", mx: []string{"mail.ovh.net", "ovh.net", "ovh.ca"},
		smtp: tlsAt("ssl0.ovh.net", 465), imap: tlsAt("ssl0.ovh.net", 993), password: ownPassword,
		note: "Exchange and Email Pro have servers of their own, as ex5.mail.ovh.net or pro1.mail.ovh.net.",
		spf:  []string{"mx.ovh.com", "mx.ovh.ca"}, selectors: []string{"ovhmo-selector-1", "ovhex-selector-1"}},
	{key: "gandi", name: "Gandi", mx: []string{"mail.gandi.net"},
		smtp: tlsAt("mail.gandi.net", 465), imap: tlsAt("mail.gandi.net", 993), password: ownPassword,
		spf: []string{"_mailcust.gandi.net"}, selectors: []string{"gm1", "gm2", "gm3"}},
	{key: "infomaniak", name: "Infomaniak", domains: []string{"ik.me", "ikmail.com", "etik.com"}, mx: []string{"infomaniak.ch"},
		smtp: tlsAt("mail.infomaniak.com", 465), imap: tlsAt("mail.infomaniak.com", 993), password: "The password of the mailbox, or one made for this device.",
		spf: []string{"spf.infomaniak.ch"}},
	{key: "migadu", name: "Migadu", mx: []string{"migadu.com"},
		smtp: tlsAt("smtp.migadu.com", 465), imap: tlsAt("imap.migadu.com", 993), password: ownPassword,
		spf: []string{"spf.migadu.com"}, selectors: []string{"key1", "key2", "key3"}},
	{key: "mailboxorg", name: "mailbox.org", domains: []string{"mailbox.org"}, mx: []string{"mailbox.org"},
		smtp: tlsAt("smtp.mailbox.org", 465), imap: tlsAt("imap.mailbox.org", 993), password: "The password of the mailbox; with two-factor sign-in an application password.",
		spf: []string{"mailbox.org"}, selectors: []string{"mbo0001", "mbo0002", "mbo0003", "mbo0004"}},
	{key: "posteo", name: "Posteo", domains: []string{"posteo.de", "posteo.net", "posteo.eu"},
		smtp: tlsAt("posteo.de", 465), imap: tlsAt("posteo.de", 993), password: ownPassword},
	{key: "proton", name: "Proton Mail (Bridge)", domains: []string{"proton.me", "protonmail.com", "pm.me"}, mx: []string{"protonmail.ch"},
		smtp: startTLSAt("127.0.0.1", 1025), imap: startTLSAt("127.0.0.1", 1143),
		password: "The password that Proton Mail Bridge shows for the mailbox, not that of your account.", link: "https://proton.me/mail/bridge",
		note: "Proton Mail Bridge has to run on the same machine as Postroom. Export its certificate and name the file in the setting mail-ca.",
		spf:  []string{"_spf.protonmail.ch"}, selectors: []string{"protonmail", "protonmail2", "protonmail3"}},
	{key: "namecheap", name: "Namecheap Private Email", mx: []string{"privateemail.com"},
		smtp: tlsAt("mail.privateemail.com", 465), imap: tlsAt("mail.privateemail.com", 993), password: ownPassword,
		spf: []string{"spf.privateemail.com"}, selectors: []string{"default"}},
	{key: "hostinger", name: "Hostinger", mx: []string{"hostinger.com"},
		smtp: tlsAt("smtp.hostinger.com", 465), imap: tlsAt("imap.hostinger.com", 993), password: ownPassword,
		spf: []string{"_spf.mail.hostinger.com"}, selectors: []string{"hostingermail-a", "hostingermail-b", "hostingermail-c", "hostingermail1"}},
	{key: "rackspace", name: "Rackspace Email", mx: []string{"emailsrvr.com"},
		smtp: tlsAt("secure.emailsrvr.com", 465), imap: tlsAt("secure.emailsrvr.com", 993), password: ownPassword,
		spf: []string{"emailsrvr.com"}},
	{key: "yandex", name: "Yandex", domains: []string{"yandex.com", "yandex.ru", "ya.ru"}, mx: []string{"mx.yandex.net", "mx.yandex.ru"},
		smtp: tlsAt("smtp.yandex.com", 465), imap: tlsAt("imap.yandex.com", 993),
		password: appPassword + "“Security”, then “App passwords”, for mail.", link: "https://id.yandex.com/security/app-passwords",
		note: "Allow IMAP in Yandex Mail's settings (“Email clients”) first.",
		spf:  []string{"_spf.yandex.net"}, selectors: []string{"mail"}},
}

// ownServer is the choice of nobody in the table.
const ownServer = "own"

// byKey returns a provider of the table, nil for an own server.
func byKey(key string) *provider {
	for i := range providers {
		if providers[i].key == key {
			return &providers[i]
		}
	}
	return nil
}

// byDomain returns the provider to whom a domain itself belongs.
func byDomain(domain string) *provider {
	for i := range providers {
		if slices.Contains(providers[i].domains, domain) {
			return &providers[i]
		}
	}
	return nil
}

// byHost returns the provider one of whose servers has a name: the MX of a
// domain. Of several that fit, the one with the longest ending is meant.
func byHost(host string) *provider {
	host = strings.ToLower(strings.TrimSuffix(host, "."))
	var found *provider
	length := 0
	for i := range providers {
		for _, end := range providers[i].mx {
			if (host == end || strings.HasSuffix(host, "."+end)) && len(end) > length {
				found, length = &providers[i], len(end)
			}
		}
	}
	return found
}

// byServer returns the provider whose server a mailbox sends by.
func byServer(host string) *provider {
	host = strings.ToLower(strings.TrimSuffix(strings.TrimSpace(host), "."))
	if loopback(host) || host == "localhost" {
		return nil // whatever is there, it is not told by its address
	}
	for i := range providers {
		if p := &providers[i]; host != "" && (host == p.smtp.host || host == p.imap.host) {
			return p
		}
	}
	return byHost(host)
}

// choices lists the providers for a menu, an own server first.
func choices() []query.Choice {
	out := []query.Choice{{Value: ownServer, Text: "Another provider, or a server of our own"}}
	for _, p := range providers {
		out = append(out, query.Choice{Value: p.key, Text: p.name})
	}
	slices.SortStableFunc(out[1:], func(a, b query.Choice) int { return strings.Compare(strings.ToLower(a.Text), strings.ToLower(b.Text)) })
	return out
}

// shown is a provider for a page.
func (p *provider) shown(how string) *query.Provider {
	if p == nil {
		return nil
	}
	return &query.Provider{Key: p.key, Name: p.name, How: how, Password: p.password, Link: p.link, Note: p.note, Refuses: p.refuses, SignsIn: p.authority != "", SMTP: p.smtp.String(), IMAP: p.imap.String()}
}
