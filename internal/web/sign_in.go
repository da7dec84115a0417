package web

import (
	"net/url"

	"postroom"
	"postroom/internal/consent"
	"postroom/internal/query"
	"postroom/internal/web/view"
)

// ownURL is the desk's own address, to which authorities send browsers back. It
// is what is set, never what a request says.
func (q *request) ownURL() string {
	if q.site.o.URL == nil {
		return q.site.o.PublicURL
	}
	return q.site.o.URL()
}

// signInStep is the page of a mailbox on which its sign-in is worked with.
func (q *request) signInStep(id int64) string {
	step := query.StepSending
	if q.field("step") == query.StepReceiving {
		step = query.StepReceiving
	}
	return q.here(id, step)
}

// beginSignIn is POST /mailboxes/{id}/sign-in: the browser goes to the authority.
// It is sent on by a header of its own page, because the policy of all our pages
// lets no form lead to another site.
func beginSignIn(q *request) error {
	id, err := q.number("id")
	if err != nil {
		return err
	}
	if err := q.fields(); err != nil {
		return err
	}
	back := q.signInStep(id)
	to, err := q.site.o.Consents.Ask(q.Context(), q.agent, q.token, id, q.field("authority"), q.ownURL(), back)
	if code := postroom.CodeOf(err); code == postroom.Conflict || code == postroom.Unavailable {
		q.flash(query.Flash{Kind: "error", Text: postroom.TextOf(err)})
		q.see(back)
		return nil
	}
	if err != nil {
		return err
	}
	u, err := url.Parse(to)
	if err != nil {
		return err
	}
	card, err := q.site.o.Consents.Page(q.Context(), 0, q.field("authority"))
	if err != nil {
		return err
	}
	q.w.Header().Set("Refresh", "0; url="+to)
	q.w.Header().Set("Cache-Control", "no-store")
	q.w.Header().Set("Referrer-Policy", "no-referrer")
	return q.html(200, view.Going(query.GoingPage{Title: card.Title, URL: to, Host: u.Hostname(), Back: back}))
}

// finishSignIn is GET /authorities/{name}/back: the browser comes back from the
// authority, which knows no other way than a GET (RFC 6749 4.1.2). What it brings
// is good once, and only in the session that asked for it; asked again, it does
// nothing.
func finishSignIn(q *request) error {
	q.w.Header().Set("Cache-Control", "no-store")
	q.w.Header().Set("Referrer-Policy", "no-referrer") // the code stands in the URL
	asked := q.URL.Query()
	signed, err := q.site.o.Consents.Finish(q.Context(), q.agent, q.token, q.PathValue("name"),
		consent.Answer{State: asked.Get("state"), Code: asked.Get("code"), Error: asked.Get("error"), Words: asked.Get("error_description")})
	if err != nil {
		return err
	}
	back := localPath(signed.Back, "/mailboxes")
	if signed.Wrong != "" {
		return q.html(422, view.NotSignedIn(query.GoingPage{Title: signed.Title, Words: signed.Wrong, Back: back}))
	}
	q.flash(query.Flash{Kind: "done", Text: "Signed in with " + signed.Title + "."})
	q.see(back)
	return nil
}

// endSignIn is POST /mailboxes/{id}/sign-out.
func endSignIn(q *request) error {
	id, err := q.number("id")
	if err != nil {
		return err
	}
	if err := q.fields(); err != nil {
		return err
	}
	if err := q.site.o.Consents.SignOut(q.Context(), q.agent, id); err != nil {
		return err
	}
	q.flash(query.Flash{Kind: "done", Text: "Signed out. Take the consent back at the provider too, if it is not wanted any more."})
	q.see(q.signInStep(id))
	return nil
}

// showAuthority is GET /authorities/{name}.
func showAuthority(q *request) error {
	p, err := q.authorityPage(q.URL.Query().Get("return"))
	if err != nil {
		return err
	}
	return q.page(view.Authority(*p), p)
}

func (q *request) authorityPage(back string) (*query.AuthorityPage, error) {
	p, err := q.site.o.Consents.AppPage(q.Context(), q.agent, q.PathValue("name"), q.ownURL())
	if err != nil {
		return nil, err
	}
	p.Return = localPath(back, "")
	p.Shell, err = q.shell(q.place("mailboxes"))
	return &p, err
}

// saveAuthority is POST /authorities/{name}.
func saveAuthority(q *request) error {
	if err := q.fields(); err != nil {
		return err
	}
	f := consent.AppFields{Title: q.field("title"), Tenant: q.field("tenant"), ClientID: q.field("client_id"), AuthorizeURL: q.field("authorize_url"),
		TokenURL: q.field("token_url"), Scopes: q.field("scopes"), Servers: q.field("servers")}
	if secret := q.Form.Get("secret"); secret != "" {
		f.Secret = &secret
	}
	err := q.site.o.Consents.SaveApp(q.Context(), q.agent, q.PathValue("name"), f)
	if wrong := faults(err); wrong != nil {
		p, err := q.authorityPage(q.Form.Get("return"))
		if err != nil {
			return err
		}
		p.Errors, p.OwnTitle, p.Tenant, p.ClientID = wrong, f.Title, f.Tenant, f.ClientID
		p.AuthorizeURL, p.TokenURL, p.Scopes, p.Servers = f.AuthorizeURL, f.TokenURL, f.Scopes, f.Servers
		return q.html(422, view.Authority(*p))
	}
	if err != nil {
		return err
	}
	q.flash(query.Flash{Kind: "done", Text: "The app is saved. Mailboxes can sign in by it now."})
	q.see(q.returnPath("/authorities/" + q.PathValue("name")))
	return nil
}

// forgetAuthority is POST /authorities/{name}/forget.
func forgetAuthority(q *request) error {
	if err := q.fields(); err != nil {
		return err
	}
	return q.told(q.site.o.Consents.DropApp(q.Context(), q.agent, q.PathValue("name")), "The app is forgotten.", q.returnPath("/mailboxes"))
}
