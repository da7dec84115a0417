package web

import (
	"context"
	"crypto/rand"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"runtime/debug"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"postroom"
	"postroom/internal/web/view"
)

// request is a request on its way through: who asks, and how to answer.
type request struct {
	*http.Request
	w     http.ResponseWriter
	site  *Site
	route *Route
	agent *postroom.Agent // nil when nobody is signed in
	token string          // of the session
	mark  string          // the request's id: shown with errors and logged
}

// answerer is what answers one route. An error it returns becomes a page.
type answerer func(q *request) error

// chain builds the handler: from outside in, the request's id and log, panics,
// headers, the cross-origin guard, the routes.
func (s *Site) chain(guard *http.CrossOriginProtection) http.Handler {
	mux := http.NewServeMux()
	for _, r := range s.Routes() {
		mux.Handle(r.Method+" "+r.Pattern, s.serve(r))
	}
	mux.Handle("GET /assets/", s.assets)
	if s.o.Sandbox != nil {
		mux.Handle(SandboxBase+"/", s.serve(Route{Who: Admins, Body: SomeFiles, answer: throughSandbox}))
	}
	if s.o.Health != nil {
		mux.Handle("GET /healthz", s.o.Health)
	}
	mux.Handle("/", s.serve(Route{Who: Anybody, answer: func(q *request) error {
		return postroom.Errorf(postroom.NotFound, "There is no such page.")
	}}))
	guard.SetDenyHandler(s.serve(Route{Who: Anybody, answer: func(q *request) error {
		return postroom.Errorf(postroom.Forbidden, "This form was sent from another site. Open the page anew and try again.")
	}}))
	return s.outermost(guard.Handler(mux))
}

// outermost logs a request, gives it an id and keeps a panic from ending more
// than it.
func (s *Site) outermost(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		began := time.Now()
		id := rand.Text()[:12]
		rec := &recorder{ResponseWriter: w}
		securityHeaders(rec.Header(), s.secure)
		rec.Header().Set("X-Request-Id", id)
		r = r.WithContext(context.WithValue(r.Context(), requestID{}, id))
		defer func() {
			if p := recover(); p != nil {
				if p == http.ErrAbortHandler {
					panic(p)
				}
				s.log.Error("a page panicked", "request", id, "path", r.URL.Path, "panic", fmt.Sprint(p), "stack", string(debug.Stack()))
				if rec.status == 0 {
					q := &request{Request: r, w: rec, site: s, mark: id, route: &Route{}}
					q.fail(postroom.Errorf(postroom.Internal, "Something went wrong on our side."))
				}
			}
			level := slog.LevelInfo
			if strings.HasPrefix(r.URL.Path, "/assets/") || r.URL.Path == "/healthz" {
				level = slog.LevelDebug
			}
			s.log.Log(r.Context(), level, "request", "id", id, "method", r.Method, "path", pathForLog(r.URL.Path), "status", rec.status, "bytes", rec.bytes,
				"ms", float64(time.Since(began).Microseconds())/1000, "ip", s.clientIP(r))
		}()
		next.ServeHTTP(rec, r)
	})
}

type requestID struct{}

// recorder notes what was answered.
type recorder struct {
	http.ResponseWriter
	status int
	bytes  int64
}

func (r *recorder) WriteHeader(status int) {
	if r.status == 0 {
		r.status = status
	}
	r.ResponseWriter.WriteHeader(status)
}

func (r *recorder) Write(b []byte) (int, error) {
	if r.status == 0 {
		r.status = http.StatusOK
	}
	n, err := r.ResponseWriter.Write(b)
	r.bytes += int64(n)
	return n, err
}

// Unwrap lets http.ResponseController reach the connection.
func (r *recorder) Unwrap() http.ResponseWriter { return r.ResponseWriter }

// securityHeaders are those of every answer; what shows a mail's own HTML or a
// file replaces the policy by a stricter one.
func securityHeaders(h http.Header, secure bool) {
	h.Set("Content-Security-Policy", view.ContentSecurityPolicy)
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("X-Frame-Options", "SAMEORIGIN")
	h.Set("Referrer-Policy", "same-origin")
	h.Set("Cross-Origin-Opener-Policy", "same-origin")
	h.Set("Cross-Origin-Resource-Policy", "same-origin")
	h.Set("Permissions-Policy", "camera=(), microphone=(), geolocation=(), payment=(), usb=(), interest-cohort=()")
	if secure {
		h.Set("Strict-Transport-Security", "max-age=31536000")
	}
}

// serve runs a route: who asks, may they, how large may the body be.
func (s *Site) serve(route Route) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		id, _ := r.Context().Value(requestID{}).(string)
		q := &request{Request: r, w: w, site: s, route: &route, mark: id}
		if limit := route.limit(s.o.MaxUpload); r.Body != nil {
			r.Body = http.MaxBytesReader(w, r.Body, limit)
		}
		if err := q.admit(); err != nil {
			q.fail(err)
			return
		}
		if !legible(r.URL) {
			q.fail(postroom.Errorf(postroom.NotFound, "There is no such page."))
			return
		}
		if err := route.answer(q); err != nil {
			q.fail(err)
		}
	})
}

// legible reports whether an address is text: nothing that is none can be looked
// for, and PostgreSQL does not even take it.
func legible(u *url.URL) bool {
	illegible := func(text string) bool { return !utf8.ValidString(text) || strings.Contains(text, "\x00") }
	for name, values := range u.Query() {
		if illegible(name) || slices.ContainsFunc(values, illegible) {
			return false
		}
	}
	return !illegible(u.Path)
}

// admit finds the session and asks whether its agent may use the route.
func (q *request) admit() error {
	if c, err := q.Cookie(q.site.cookieName()); err == nil && c.Value != "" {
		agent, err := q.site.o.Auth.Session(q.Context(), c.Value)
		switch {
		case err == nil:
			q.agent, q.token = agent, c.Value
		case postroom.CodeOf(err) != postroom.Unauthorized && q.route.Who != Anybody:
			return err
		}
	}
	switch {
	case q.route.Who == Anybody:
		return nil
	case q.agent == nil:
		return postroom.Errorf(postroom.Unauthorized, "Sign in first.")
	case q.route.Who == Admins && !postroom.Can(q.agent, postroom.Manage, 0):
		return postroom.Errorf(postroom.Forbidden, "Only admins may do this.")
	case q.route.Who == Writers && !postroom.CanSomewhere(q.agent, postroom.DraftWorkflows):
		return postroom.Errorf(postroom.Forbidden, "Only agents who may write workflows may do this. An admin can give you that right.")
	}
	return nil
}

// cookieName is bound to our host and to https where there is https.
func (s *Site) cookieName() string {
	if s.o.Play != nil {
		return sandboxCookieName(s.secure)
	}
	if s.secure {
		return "__Host-postroom"
	}
	return "postroom"
}

func (q *request) setCookie(name, value string, maxAge int, readable bool) {
	http.SetCookie(q.w, &http.Cookie{Name: name, Value: value, Path: q.site.cookiePath(), MaxAge: maxAge, HttpOnly: !readable, Secure: q.site.secure, SameSite: http.SameSiteLaxMode})
}

// clientIP is the network address of the browser. X-Forwarded-For is believed
// as far as the proxies that wrote it are ours, read from its end.
func (s *Site) clientIP(r *http.Request) string {
	host, _, err := net.SplitHostPort(r.RemoteAddr)
	if err != nil {
		host = r.RemoteAddr
	}
	hops := strings.Split(strings.Join(r.Header.Values("X-Forwarded-For"), ","), ",")
	for i := len(hops) - 1; i >= 0 && s.proxy(host); i-- {
		hop := strings.TrimSpace(hops[i])
		if _, err := netip.ParseAddr(hop); err != nil {
			break
		}
		host = hop
	}
	return host
}

// proxy reports whether an address is one of our reverse proxies; a peer
// without an address came through a unix socket.
func (s *Site) proxy(host string) bool {
	if host == "" || host == "@" {
		return true
	}
	a, err := netip.ParseAddr(host)
	if err != nil {
		return false
	}
	for _, p := range s.o.Proxies {
		if p.Contains(a.Unmap()) {
			return true
		}
	}
	return false
}
