package prove_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/binary"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"io"
	"math/big"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/net/dns/dnsmessage"

	"postroom/internal/db"
)

const deskName = "desk.prove.example"

// pebble finds the ACME authority for tests: Let's Encrypt's own small one,
// which .ci/run builds into bin.
func pebble(t *testing.T) string {
	t.Helper()
	here := filepath.Join("..", "..", "bin", "pebble")
	if path := os.Getenv("POSTROOM_TEST_PEBBLE"); path != "" {
		return path
	}
	if _, err := os.Stat(here); err == nil {
		return here
	}
	path, err := exec.LookPath("pebble")
	if err != nil {
		if os.Getenv("POSTROOM_NO_SKIP") == "1" {
			t.Fatal("there is no pebble, the ACME authority for tests")
		}
		t.Skip("there is no pebble, the ACME authority for tests (make pebble builds it)")
	}
	return path
}

// freePort returns a port that nobody listens on at this moment.
func freePort(t *testing.T) int {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	return ln.Addr().(*net.TCPAddr).Port
}

// nameServer says, by TCP, that every name is this machine, and returns its
// address.
func nameServer(t *testing.T) string {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { ln.Close() })
	go func() {
		for {
			conn, err := ln.Accept()
			if err != nil {
				return
			}
			go answerNames(conn)
		}
	}()
	return ln.Addr().String()
}

func answerNames(conn net.Conn) {
	defer conn.Close()
	for {
		var size uint16
		if binary.Read(conn, binary.BigEndian, &size) != nil {
			return
		}
		message := make([]byte, size)
		if _, err := io.ReadFull(conn, message); err != nil {
			return
		}
		var q dnsmessage.Message
		if q.Unpack(message) != nil || len(q.Questions) == 0 {
			return
		}
		a := dnsmessage.Message{Header: dnsmessage.Header{ID: q.ID, Response: true, Authoritative: true}, Questions: q.Questions}
		if q.Questions[0].Type == dnsmessage.TypeA {
			a.Answers = []dnsmessage.Resource{{
				Header: dnsmessage.ResourceHeader{Name: q.Questions[0].Name, Type: dnsmessage.TypeA, Class: dnsmessage.ClassINET, TTL: 60},
				Body:   &dnsmessage.AResource{A: [4]byte{127, 0, 0, 1}},
			}}
		}
		b, err := a.Pack()
		if err != nil || binary.Write(conn, binary.BigEndian, uint16(len(b))) != nil {
			return
		}
		if _, err := conn.Write(b); err != nil {
			return
		}
	}
}

// ownCertificate makes a certificate for 127.0.0.1, in files.
func ownCertificate(t *testing.T, dir string) (cert, key string) {
	t.Helper()
	k, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "authority"}, NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign | x509.KeyUsageDigitalSignature}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &k.PublicKey, k)
	if err != nil {
		t.Fatal(err)
	}
	kder, err := x509.MarshalPKCS8PrivateKey(k)
	if err != nil {
		t.Fatal(err)
	}
	cert, key = filepath.Join(dir, "authority.pem"), filepath.Join(dir, "authority.key")
	for path, block := range map[string]*pem.Block{cert: {Type: "CERTIFICATE", Bytes: der}, key: {Type: "PRIVATE KEY", Bytes: kder}} {
		if err := os.WriteFile(path, pem.EncodeToMemory(block), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return cert, key
}

// authority runs pebble; it checks names by HTTP and TLS at the given ports.
type authority struct {
	directory, roots, ca string
	cmd                  *exec.Cmd
}

func newAuthority(t *testing.T, dir string, http, https int) *authority {
	t.Helper()
	program := pebble(t)
	cert, key := ownCertificate(t, dir)
	listen, manage := freePort(t), freePort(t)
	config, err := json.Marshal(map[string]any{"pebble": map[string]any{
		"listenAddress": fmt.Sprintf("127.0.0.1:%d", listen), "managementListenAddress": fmt.Sprintf("127.0.0.1:%d", manage),
		"certificate": cert, "privateKey": key, "httpPort": http, "tlsPort": https,
		"profiles": map[string]any{"default": map[string]any{"description": "for tests", "validityPeriod": 7776000}},
	}})
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(dir, "authority.json")
	if err := os.WriteFile(path, config, 0o600); err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(context.WithoutCancel(t.Context()), program, "-config", path, "-dnsserver", nameServer(t))
	cmd.Env = append(os.Environ(), "PEBBLE_VA_NOSLEEP=1", "PEBBLE_WFE_NONCEREJECT=0")
	log, err := os.Create(filepath.Join(dir, "authority.log"))
	if err != nil {
		t.Fatal(err)
	}
	cmd.Stdout, cmd.Stderr = log, log
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	a := &authority{fmt.Sprintf("https://127.0.0.1:%d/dir", listen), fmt.Sprintf("https://127.0.0.1:%d/roots/0", manage), cert, cmd}
	t.Cleanup(func() {
		a.stop()
		if t.Failed() {
			if said, err := os.ReadFile(log.Name()); err == nil {
				t.Logf("the authority says:\n%s", said)
			}
		}
		log.Close()
	})
	return a
}

func (a *authority) stop() {
	_ = a.cmd.Process.Kill()
	_ = a.cmd.Wait()
}

// root waits until the authority answers and returns the root that browsers
// believe.
func (a *authority) root(t *testing.T) *x509.CertPool {
	t.Helper()
	own, err := os.ReadFile(a.ca)
	if err != nil {
		t.Fatal(err)
	}
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM(own)
	client := &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: pool}}}
	roots := x509.NewCertPool()
	within(t, 30*time.Second, "the authority answers", func(ctx context.Context) error {
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, a.roots, nil)
		if err != nil {
			return err
		}
		resp, err := client.Do(req)
		if err != nil {
			return errNotYet
		}
		defer resp.Body.Close()
		b, err := io.ReadAll(resp.Body)
		if err == nil && !roots.AppendCertsFromPEM(b) {
			err = fmt.Errorf("no root: %s", b)
		}
		return err
	})
	return roots
}

// A desk gets its certificate by itself, keeps it over a restart without the
// authority, and sends those who come without encryption to the right place.
func TestCertificateByACME(t *testing.T) {
	t.Parallel()
	p := newPlace(t, db.SQLite)
	plain, encrypted := freePort(t), freePort(t)
	a := newAuthority(t, p.dir, plain, encrypted)
	roots := a.root(t)
	p.set("HTTP", fmt.Sprintf("127.0.0.1:%d", encrypted))
	p.set("HTTP_REDIRECT", fmt.Sprintf("127.0.0.1:%d", plain))
	p.set("ACME", deskName)
	p.set("ACME_DIRECTORY", a.directory)
	p.set("ACME_CA", a.ca)

	client := &http.Client{
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		Transport: &http.Transport{ForceAttemptHTTP2: true, TLSClientConfig: &tls.Config{RootCAs: roots}, DialContext: func(ctx context.Context, network, address string) (net.Conn, error) {
			port := encrypted
			if strings.HasSuffix(address, ":80") {
				port = plain
			}
			return new(net.Dialer).DialContext(ctx, network, fmt.Sprintf("127.0.0.1:%d", port))
		}},
	}
	t.Cleanup(client.CloseIdleConnections)
	get := func(ctx context.Context, url string) (*http.Response, error) {
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
		if err != nil {
			return nil, err
		}
		resp, err := client.Do(req)
		if err != nil {
			return nil, fmt.Errorf("%w: %w", errNotYet, err)
		}
		return resp, resp.Body.Close()
	}
	for _, authorityRuns := range []bool{true, false} {
		if !authorityRuns {
			a.stop()
			client.CloseIdleConnections()
		}
		s, err := p.begin("serve")
		if err != nil {
			t.Fatal(err)
		}
		var resp *http.Response
		within(t, time.Minute, "the pages are encrypted", func(ctx context.Context) (err error) {
			resp, err = get(ctx, "https://"+deskName+"/healthz")
			return err
		})
		if resp.StatusCode != http.StatusOK || resp.ProtoMajor != 2 {
			t.Errorf("health: %s by %s", resp.Status, resp.Proto)
		}
		resp, err = get(t.Context(), "http://"+deskName+"/conversations/7?x=1")
		if err != nil || resp.StatusCode != http.StatusMovedPermanently || resp.Header.Get("Location") != "https://"+deskName+"/conversations/7?x=1" {
			t.Errorf("without encryption: %v %v", resp, err)
		}
		if resp, err = get(t.Context(), "https://"+deskName+"/setup"); err != nil || resp.StatusCode != http.StatusOK {
			t.Errorf("the first page: %v %v", resp, err)
		}
		p.stopClean(s)
	}
}
