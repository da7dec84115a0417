package connect_test

import (
	"net"
	"strings"
	"sync"
	"testing"

	"golang.org/x/net/dns/dnsmessage"
)

// zone is a name server on a loopback port with the records it is given: the
// names of one are in lower case and end in a dot.
type zone struct {
	mu     sync.Mutex
	txt    map[string][]string
	mx     map[string][]string
	a      map[string][]string
	broken bool // answers SERVFAIL to everything
	addr   string
}

func newZone(t *testing.T) *zone {
	t.Helper()
	z := &zone{txt: map[string][]string{}, mx: map[string][]string{}, a: map[string][]string{}}
	conn, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	z.addr = conn.LocalAddr().String()
	var running sync.WaitGroup
	running.Go(func() {
		buf := make([]byte, 1500)
		for {
			n, from, err := conn.ReadFrom(buf)
			if err != nil {
				return
			}
			if answer := z.answer(buf[:n]); answer != nil {
				_, _ = conn.WriteTo(answer, from)
			}
		}
	})
	t.Cleanup(func() { conn.Close(); running.Wait() })
	return z
}

func (z *zone) set(f func()) { z.mu.Lock(); defer z.mu.Unlock(); f() }

func (z *zone) answer(question []byte) []byte {
	z.mu.Lock()
	defer z.mu.Unlock()
	var p dnsmessage.Parser
	h, err := p.Start(question)
	if err != nil {
		return nil
	}
	q, err := p.Question()
	if err != nil {
		return nil
	}
	name := strings.ToLower(q.Name.String())
	reply := dnsmessage.Header{ID: h.ID, Response: true, RecursionAvailable: true}
	known := len(z.txt[name])+len(z.mx[name])+len(z.a[name]) > 0
	if z.broken {
		reply.RCode = dnsmessage.RCodeServerFailure
	} else if !known {
		reply.RCode = dnsmessage.RCodeNameError
	}
	b := dnsmessage.NewBuilder(nil, reply)
	_ = b.StartQuestions()
	_ = b.Question(q)
	_ = b.StartAnswers()
	rh := dnsmessage.ResourceHeader{Name: q.Name, Class: q.Class, TTL: 1}
	if !z.broken {
		switch q.Type {
		case dnsmessage.TypeTXT:
			for _, t := range z.txt[name] {
				_ = b.TXTResource(rh, dnsmessage.TXTResource{TXT: []string{t}})
			}
		case dnsmessage.TypeMX:
			for i, host := range z.mx[name] {
				_ = b.MXResource(rh, dnsmessage.MXResource{Pref: uint16(10 * (i + 1)), MX: dnsmessage.MustNewName(host)})
			}
		case dnsmessage.TypeA:
			for _, a := range z.a[name] {
				_ = b.AResource(rh, dnsmessage.AResource{A: [4]byte(net.ParseIP(a).To4())})
			}
		}
	}
	out, err := b.Finish()
	if err != nil {
		return nil
	}
	return out
}
