package web

import (
	"errors"
	"time"

	"postroom"
	"postroom/internal/auth"
	"postroom/internal/locale"
	"postroom/internal/query"
	"postroom/internal/web/view"
)

// sessionAge is how long the browser keeps the cookie; the session itself ends
// by its own rules.
const sessionAge = 60 * 24 * time.Hour

func (q *request) signInPage() query.SignInPage {
	p := query.SignInPage{Name: q.site.o.Name}
	if q.site.o.Demo != nil {
		p.Demo = q.site.o.Demo.SignIns()
	}
	return p
}

// showSignIn is GET /signin. Who is signed in goes on; a desk without any agent
// begins with making the first.
func showSignIn(q *request) error {
	next := localPath(q.URL.Query().Get("next"), "/")
	if q.agent != nil {
		q.see(next)
		return nil
	}
	if fresh, err := q.site.o.Auth.NeedsSetup(q.Context()); err != nil || fresh {
		if err == nil {
			q.see("/setup")
		}
		return err
	}
	p := q.signInPage()
	p.Next = next
	if _, err := q.Cookie(q.site.cookieName()); err == nil {
		p.Reset = true
	}
	q.w.Header().Set("Cache-Control", "no-store")
	return q.html(200, view.SignIn(p))
}

// signIn is POST /signin.
func signIn(q *request) error {
	if err := q.fields(); err != nil {
		return err
	}
	next := localPath(q.field("next"), "/")
	token, _, err := q.site.o.Auth.SignIn(q.Context(), q.field("email"), q.Form.Get("password"), q.site.clientIP(q.Request), q.UserAgent())
	if err != nil {
		code := postroom.CodeOf(err)
		if code != postroom.Unauthorized && code != postroom.Busy && code != postroom.Invalid {
			return err
		}
		p := q.signInPage()
		p.Address, p.Next, p.Error = q.field("email"), next, postroom.TextOf(err)
		status := 422
		if code == postroom.Busy {
			status = statuses[code]
			q.w.Header().Set("Retry-After", "60")
		}
		q.w.Header().Set("Cache-Control", "no-store")
		return q.html(status, view.SignIn(p))
	}
	q.begin(token)
	q.see(next)
	return nil
}

func (q *request) begin(token string) {
	q.setCookie(q.site.cookieName(), token, int(sessionAge.Seconds()), false)
}

// signOut is POST /signout.
func signOut(q *request) error {
	if q.token != "" {
		if err := q.site.o.Auth.SignOut(q.Context(), q.token); err != nil {
			return err
		}
	}
	q.setCookie(q.site.cookieName(), "", -1, false)
	q.w.Header().Set("Clear-Site-Data", `"storage"`) // the browser's copies of drafts belong to who leaves
	q.see("/signin")
	return nil
}

// showSetup is GET /setup: it makes the first admin, and is gone afterwards.
func showSetup(q *request) error {
	if err := q.setupOpen(); err != nil {
		return err
	}
	q.w.Header().Set("Cache-Control", "no-store")
	return q.html(200, view.Setup(query.SetupPage{Zones: locale.Zones()}))
}

func (q *request) setupOpen() error {
	fresh, err := q.site.o.Auth.NeedsSetup(q.Context())
	if err == nil && !fresh {
		err = postroom.Errorf(postroom.NotFound, "This desk has been set up.")
	}
	return err
}

// setUp is POST /setup.
func setUp(q *request) error {
	if err := q.fields(); err != nil {
		return err
	}
	if err := q.setupOpen(); err != nil {
		return err
	}
	email, password := q.field("email"), q.Form.Get("password")
	_, err := q.site.o.Auth.FirstAdmin(q.Context(), auth.NewAdmin{Name: q.field("name"), Email: email, Password: password, Zone: q.field("zone")})
	if wrong := faults(err); wrong != nil {
		return q.html(422, view.Setup(query.SetupPage{Name: q.field("name"), Address: email, Zone: q.field("zone"), Zones: locale.Zones(), Errors: wrong}))
	}
	if err != nil {
		return err
	}
	token, _, err := q.site.o.Auth.SignIn(q.Context(), email, password, q.site.clientIP(q.Request), q.UserAgent())
	if err != nil {
		return err
	}
	q.begin(token)
	q.see("/mailboxes/new")
	return nil
}

// showPassword is GET /password/{token}: who was invited chooses a password.
func showPassword(q *request) error {
	p, err := q.passwordPage()
	if err != nil {
		return err
	}
	q.w.Header().Set("Cache-Control", "no-store")
	q.w.Header().Set("Referrer-Policy", "no-referrer") // the token stands in the URL
	return q.html(200, view.Password(p))
}

func (q *request) passwordPage() (query.PasswordPage, error) {
	token := q.PathValue("token")
	agent, invited, err := q.site.o.Auth.LinkAgent(q.Context(), token)
	if err != nil {
		return query.PasswordPage{}, err
	}
	return query.PasswordPage{Token: token, Name: agent.Name, Address: agent.Email, Invited: invited}, nil
}

// choosePassword is POST /password/{token}.
func choosePassword(q *request) error {
	if err := q.fields(); err != nil {
		return err
	}
	p, err := q.passwordPage()
	if err != nil {
		return err
	}
	password := q.Form.Get("password")
	if password != q.Form.Get("again") {
		err = postroom.InvalidField("again", "The two passwords are not the same.")
	} else {
		_, err = q.site.o.Auth.UseLink(q.Context(), p.Token, password)
	}
	var field *postroom.Error
	if errors.As(err, &field) && field.Code == postroom.Invalid {
		p.Errors = faults(err)
		return q.html(422, view.Password(p))
	}
	if err != nil {
		return err
	}
	token, _, err := q.site.o.Auth.SignIn(q.Context(), p.Address, password, q.site.clientIP(q.Request), q.UserAgent())
	if err != nil {
		return err
	}
	q.begin(token)
	q.see("/")
	return nil
}
