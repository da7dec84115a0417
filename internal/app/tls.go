package app

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"sync"
	"time"

	"golang.org/x/crypto/acme"
	"golang.org/x/crypto/acme/autocert"
)

// acmeFolder, in the data folder, holds the account and the certificates.
const acmeFolder = "acme"

// encrypt decides how pages are encrypted by this process: not at all (a
// proxy does it, or nobody), with a certificate from files, or with one that
// is obtained and renewed by ACME (RFC 8555).
func (a *App) encrypt() error {
	s := a.settings
	switch {
	case s.TLSCert != "":
		files := &certificate{cert: s.TLSCert, key: s.TLSKey, now: time.Now}
		if _, err := files.get(nil); err != nil {
			return settingWrong("tls-cert", err)
		}
		a.pageTLS = &tls.Config{GetCertificate: files.get, MinVersion: tls.VersionTLS12}
		a.redirect = redirectTo(a.URL())
	case len(s.ACME) > 0:
		m := &autocert.Manager{
			Prompt:     autocert.AcceptTOS,
			Cache:      autocert.DirCache(filepath.Join(s.Data, acmeFolder)),
			HostPolicy: autocert.HostWhitelist(s.ACME...),
			Email:      s.ACMEEmail,
			Client:     &acme.Client{DirectoryURL: s.ACMEDirectory, UserAgent: "postroom/" + Version()},
		}
		if s.ACMECA != "" {
			client, err := trusting(s.ACMECA)
			if err != nil {
				return settingWrong("acme-ca", err)
			}
			m.Client.HTTPClient = client
		}
		a.pageTLS = m.TLSConfig()
		a.pageTLS.MinVersion = tls.VersionTLS12
		a.pageTLS.GetCertificate = a.noted(m.GetCertificate)
		a.redirect = m.HTTPHandler(redirectTo(a.URL()))
	}
	return nil
}

// noted logs, in the authority's own words and at most once a minute, why
// there is no certificate. Browsers and scanners try again at once.
func (a *App) noted(get func(*tls.ClientHelloInfo) (*tls.Certificate, error)) func(*tls.ClientHelloInfo) (*tls.Certificate, error) {
	var mu sync.Mutex
	var last time.Time
	return func(hello *tls.ClientHelloInfo) (*tls.Certificate, error) {
		c, err := get(hello)
		if err == nil {
			return c, nil
		}
		mu.Lock()
		defer mu.Unlock()
		if time.Since(last) > time.Minute {
			last = time.Now()
			a.log.Warn("there is no certificate for a browser", "name", hello.ServerName, "error", err)
		}
		return nil, err
	}
}

// trusting is a client that believes further authorities.
func trusting(path string) (*http.Client, error) {
	pool, err := certificatesIn(path)
	if err != nil {
		return nil, err
	}
	return &http.Client{Timeout: time.Minute, Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: pool, MinVersion: tls.VersionTLS12}}}, nil
}

// redirectTo sends browsers to the encrypted pages. Only reading is sent on: a
// form that came without encryption was read by others already.
func redirectTo(url string) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method != http.MethodGet && r.Method != http.MethodHead {
			http.Error(w, "Use "+url+" instead.", http.StatusBadRequest)
			return
		}
		w.Header().Set("Connection", "close")
		http.Redirect(w, r, url+r.URL.RequestURI(), http.StatusMovedPermanently)
	})
}

// listenRedirect opens the port for those who come without encryption, and
// for the authority's HTTP-01 challenge (RFC 8555 8.3).
func (a *App) listenRedirect() (err error) {
	if a.settings.HTTPRedirect == "" {
		return nil
	}
	if a.plain, err = net.Listen("tcp", a.settings.HTTPRedirect); err != nil {
		return cannotListen("http-redirect", a.settings.HTTPRedirect, err)
	}
	a.plainWeb = &http.Server{Handler: a.redirect, ReadHeaderTimeout: 10 * time.Second, MaxHeaderBytes: 16 << 10,
		BaseContext: func(net.Listener) context.Context { return a.background }}
	return nil
}

// certificateAge is how long a certificate from files is believed before they
// are looked at again: whoever renews it need not tell us.
const certificateAge = time.Minute

// certificate is one from files, which may be renewed at any time.
type certificate struct {
	cert, key string
	now       func() time.Time

	mu      sync.Mutex
	pair    *tls.Certificate
	changed time.Time // of the certificate's file
	looked  time.Time
}

// get returns the certificate. New files that do not work leave the old one in
// use.
func (c *certificate) get(*tls.ClientHelloInfo) (*tls.Certificate, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.pair != nil && c.now().Sub(c.looked) < certificateAge {
		return c.pair, nil
	}
	c.looked = c.now()
	info, err := os.Stat(c.cert)
	if err == nil && c.pair != nil && info.ModTime().Equal(c.changed) {
		return c.pair, nil
	}
	if err == nil {
		var pair tls.Certificate
		if pair, err = tls.LoadX509KeyPair(c.cert, c.key); err == nil {
			c.pair, c.changed = &pair, info.ModTime()
			return c.pair, nil
		}
	}
	if c.pair != nil {
		return c.pair, nil
	}
	return nil, fmt.Errorf("the certificate cannot be read: %w", err)
}

// servePages answers browsers until the end.
func (a *App) servePages() {
	var err error
	if a.pageTLS != nil {
		a.web.TLSConfig = a.pageTLS
		err = a.web.ServeTLS(a.page, "", "")
	} else {
		err = a.web.Serve(a.page)
	}
	if err != nil && !errors.Is(err, http.ErrServerClosed) {
		a.failed <- fmt.Errorf("answer pages: %w", err)
	}
}
