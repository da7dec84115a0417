package prove_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"postroom/internal/db"
	"postroom/internal/postoffice"
)

// moment is a step of the SMTP dialogue as the office sees it.
type moment struct {
	phase postoffice.Phase
	edge  postoffice.Edge
}

func (m moment) String() string { return string(m.phase) + " " + string(m.edge) }

// moments lists every moment of the dialogue in order.
func moments() []moment {
	var out []moment
	for _, p := range postoffice.Phases() {
		out = append(out, moment{p, postoffice.Before}, moment{p, postoffice.After})
	}
	return out
}

// plan says how long a siege is.
type plan struct {
	conversations int
	hits          int // how often the office kills at each moment
	random        int // and how often somebody does at any moment
	patience      time.Duration
}

// TestKilledAtEveryStep kills the real program while conversations are sent and
// closed: by its own peer at each moment of the SMTP dialogue, and at random
// moments. Every reply and every notice must arrive, in order; what arrives
// twice must be a reply whose answer nobody read, the same to the byte, and
// marked (W2, W24–W28, R1–R9).
func TestKilledAtEveryStep(t *testing.T) {
	t.Parallel()
	plans := map[db.Engine]plan{
		db.SQLite:   {conversations: 40, hits: 3, random: 10, patience: 3 * time.Minute},
		db.Postgres: {conversations: 15, hits: 1, random: 4, patience: 3 * time.Minute},
	}
	if soak() {
		for e := range plans {
			plans[e] = plan{conversations: 200, hits: 5, random: 100, patience: 30 * time.Minute}
		}
	}
	for _, e := range []db.Engine{db.SQLite, db.Postgres} {
		t.Run(string(e), func(t *testing.T) {
			t.Parallel()
			besiege(t, plans[e], newPlace(t, e))
		})
	}
}

// node is one process of the desk, with Ann's browser at it.
type node struct {
	place   *place
	process *process // nil while it is down
	agent   *browser
	name    string // by which it greets the office
}

// siege is the desk under attack.
type siege struct {
	t      *testing.T
	nodes  []*node // one, or several on one PostgreSQL
	plan   plan
	office *postoffice.Office

	mu      sync.Mutex
	armed   *moment // where the office kills next
	skip    int     // and how many such moments it lets pass before
	hits    map[moment]int
	victims map[string][]moment // by Message-ID, where it was known
	random  int
	ready   []time.Duration // from each start until pages were answered
	again   int             // acts that had to be repeated because the desk was down

	written int // conversations begun
	closed  []string
	struck  time.Time // when it was killed last
}

func besiege(t *testing.T, p plan, places ...*place) {
	s := &siege{t: t, plan: p, office: newOffice(t), hits: map[moment]int{}, victims: map[string][]moment{}}
	places[0].furnish(s.office)
	s.office.OnPhase(s.onPhase)
	ctx, cancel := context.WithTimeout(t.Context(), p.patience)
	defer cancel()

	for i, place := range places {
		s.nodes = append(s.nodes, &node{place: place, name: []string{"desk.prove.example", "twin.prove.example"}[i]})
		s.up(s.nodes[i])
		s.nodes[i].agent = place.signedIn(t)
	}
	s.nodes[0].agent.switchOff(t, "Acknowledge a new conversation")
	stormy, calm := context.WithCancel(ctx)
	var storm, desks sync.WaitGroup
	storm.Go(func() { s.attack(stormy) })
	for range 4 {
		desks.Go(func() {
			for subject := s.next(ctx); subject != ""; subject = s.next(ctx) {
				if err := s.converse(ctx, subject); err != nil {
					t.Errorf("%s: %v", subject, err)
					return
				}
			}
		})
	}
	desks.Wait()
	calm()
	storm.Wait()
	s.print()
	if t.Failed() {
		return
	}
	s.reckon(ctx, s.quiet(ctx))
}

// next names the next conversation; "" when there were enough and the attack
// is over.
func (s *siege) next(ctx context.Context) string {
	for {
		if subject, ok := s.tryNext(ctx); ok {
			return subject
		}
		select {
		case <-ctx.Done():
		case <-time.After(5 * time.Millisecond):
		}
	}
}

// tryNext keeps the number of conversations in step with that of kills, so
// that the last kills still meet mail; where nothing is left to be killed at,
// it goes on after a while.
func (s *siege) tryNext(ctx context.Context) (subject string, ok bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	struck := s.random
	for _, n := range s.hits {
		struck += n
	}
	all := s.plan.random + s.plan.hits*len(s.moments())
	over := s.target() == nil && s.random >= s.plan.random
	switch {
	case ctx.Err() != nil, s.t.Failed(), over && s.written >= s.plan.conversations:
		return "", true
	case !over && s.written >= 8+s.plan.conversations*struck/all && time.Since(s.struck) < time.Second:
		return "", false
	}
	s.written++
	return fmt.Sprintf("Case %04d", s.written), true
}

// up starts a process.
func (s *siege) up(n *node) {
	p := n.place.start()
	s.mu.Lock()
	defer s.mu.Unlock()
	n.process = p
	s.ready = append(s.ready, p.ready)
}

// any returns a node, as a balancer before the desk would.
func (s *siege) any() *node { return s.nodes[rand.N(len(s.nodes))] }

// moments lists those at which the program is killed. Until it has said its
// name the office does not know which of several processes to kill.
func (s *siege) moments() []moment {
	all := moments()
	if len(s.nodes) == 1 {
		return all
	}
	return all[slices.Index(all, moment{postoffice.EHLO, postoffice.Before}):]
}

// target chooses a moment that has not been hit often enough, the least hit
// first; nil when all have. s.mu is held.
func (s *siege) target() *moment {
	var out []moment
	least := s.plan.hits
	for _, m := range s.moments() {
		switch n := s.hits[m]; {
		case n < least:
			least, out = n, []moment{m}
		case n == least && n < s.plan.hits:
			out = append(out, m)
		}
	}
	if len(out) == 0 {
		return nil
	}
	return &out[rand.N(len(out))]
}

// attack kills and restarts until ctx ends: by turns at a moment of the
// dialogue, and at any moment. With several processes it kills one at a time.
func (s *siege) attack(ctx context.Context) {
	died := make(chan *node, len(s.nodes))
	watch := func(n *node) {
		p := n.process
		go func() {
			<-p.done
			died <- n
		}()
	}
	for _, n := range s.nodes {
		watch(n)
	}
	for n := 0; ctx.Err() == nil; n++ {
		s.mu.Lock()
		target := s.target()
		byChance := s.random < s.plan.random && (target == nil || n%3 == 2)
		if !byChance {
			s.armed, s.skip = target, 0
			if target != nil && slices.Index(postoffice.Phases(), target.phase) > slices.Index(postoffice.Phases(), postoffice.Auth) {
				s.skip = rand.N(3) // let replies and notices be hit alike
			}
		}
		s.mu.Unlock()
		var chance <-chan time.Time
		if byChance {
			chance = time.After(time.Duration(rand.N(300)) * time.Millisecond)
		}
		var dead *node
		select {
		case <-ctx.Done():
			continue
		case <-chance:
			s.strike(s.any().process)
			dead = <-died
		case dead = <-died: // the office did it
		}
		s.mu.Lock()
		dead.process, s.armed = nil, nil
		s.mu.Unlock()
		s.up(dead)
		watch(dead)
	}
	s.mu.Lock()
	s.armed = nil
	s.mu.Unlock()
}

// strike kills at a moment that nobody chose.
func (s *siege) strike(p *process) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.random++
	s.struck = time.Now()
	p.kill()
}

// onPhase is called by the office, which waits for it: the program is dead
// before the office does anything more.
func (s *siege) onPhase(e postoffice.Event) {
	s.mu.Lock()
	defer s.mu.Unlock()
	m := moment{e.Phase, e.Edge}
	p := s.client(e)
	if p == nil || s.armed == nil || *s.armed != m || p.dead() {
		return
	}
	if s.skip > 0 {
		s.skip--
		return
	}
	s.armed = nil
	p.kill()
	s.hits[m]++
	s.struck = time.Now()
	if e.MessageID != "" {
		s.victims[e.MessageID] = append(s.victims[e.MessageID], m)
	}
}

// client returns the process that talks to the office, nil while it is down or
// has not said its name. s.mu is held.
func (s *siege) client(e postoffice.Event) *process {
	for _, n := range s.nodes {
		if len(s.nodes) == 1 || n.name == e.HELO {
			return n.process
		}
	}
	return nil
}

// converse is one conversation: a customer writes, Ann answers with Send &
// Close. Both go on trying while the desk is down, as mail servers and people
// do, and never know whether what they tried last was done.
func (s *siege) converse(ctx context.Context, subject string) error {
	customer := customerOf(subject)
	mail := fmt.Appendf(nil, "From: %s <%s>\r\nTo: %s\r\nSubject: %s\r\nMessage-ID: <%s>\r\nDate: Mon, 02 Mar 2026 10:00:00 +0000\r\n\r\nPlease help with %s.\r\n",
		strings.ToUpper(customer[:1])+customer[1:5], customer, mailbox, subject, strings.ReplaceAll(subject, " ", "-")+"@customer.example", subject)
	err := s.untilDone(ctx, func() error {
		answers, err := postoffice.Deliver(ctx, s.any().place.lmtp(), customer, []string{mailbox}, mail)
		if err == nil && !answers.OK() {
			err = fmt.Errorf("refused: %v", answers)
		}
		return err
	})
	if err != nil {
		return err
	}
	number := ""
	err = s.untilDone(ctx, func() (err error) {
		if number, err = s.any().agent.find(ctx, subject); err == nil && number == "" {
			err = errNotYet
		}
		return err
	})
	if err != nil {
		return err
	}
	return s.sendAndClose(ctx, number, subject, customer)
}

// sendAndClose sends the same form until the desk says that it was done.
func (s *siege) sendAndClose(ctx context.Context, number, subject, customer string) error {
	seen := ""
	err := s.untilDone(ctx, func() (err error) {
		seen, err = s.any().agent.seen(ctx, number)
		return err
	})
	if err != nil {
		return err
	}
	form := url.Values{"to": {customer}, "body": {answerTo(subject)}, "format": {"text"}, "close": {"1"}, "seen": {seen}, "then": {"stay"}}
	err = s.untilDone(ctx, func() error {
		status, body, err := 0, "", error(nil)
		if strings.HasSuffix(subject, "5") {
			// A file makes the mail long enough to be cut in its middle.
			status, body, err = s.any().agent.postFile(ctx, "/conversations/"+number+"/reply", form, "answer.bin", picture())
		} else {
			status, body, err = s.any().agent.post(ctx, "/conversations/"+number+"/reply", form)
		}
		if err == nil && status != http.StatusSeeOther {
			err = fmt.Errorf("the reply was answered %d: %.2000s", status, body)
			if status < 500 {
				err = errors.Join(errFinal, err)
			}
		}
		return err
	})
	if err == nil {
		s.mu.Lock()
		s.closed = append(s.closed, subject)
		s.mu.Unlock()
	}
	return err
}

func customerOf(subject string) string {
	return strings.ToLower(strings.ReplaceAll(subject, " ", "")) + "@customer.example"
}

func answerTo(subject string) string { return "This is the answer to " + subject + "." }

// picture is a file of a third of a megabyte that does not compress.
func picture() []byte {
	b := make([]byte, 300<<10)
	r := rand.NewChaCha8([32]byte{5})
	_, _ = r.Read(b) // never fails
	return b
}

var (
	errNotYet = errors.New("not yet")
	errFinal  = errors.New("trying again cannot help")
)

// untilDone tries until it works: while the desk is down nothing does.
func (s *siege) untilDone(ctx context.Context, try func() error) error {
	for {
		err := try()
		if err == nil || errors.Is(err, errFinal) {
			return err
		}
		if !errors.Is(err, errNotYet) {
			s.mu.Lock()
			s.again++
			s.mu.Unlock()
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("%w: %w", ctx.Err(), err)
		case <-time.After(10 * time.Millisecond):
		}
	}
}

// print shows how often the program was killed, and where.
func (s *siege) print() {
	s.mu.Lock()
	defer s.mu.Unlock()
	var b strings.Builder
	byPhase := map[postoffice.Phase]int{}
	for _, m := range s.moments() {
		byPhase[m.phase] += s.hits[m]
		fmt.Fprintf(&b, "  %-16s %3d %s\n", m, s.hits[m], strings.Repeat("#", s.hits[m]))
		if s.hits[m] < s.plan.hits {
			s.t.Errorf("at %q the program was killed %d times, not %d", m, s.hits[m], s.plan.hits)
		}
	}
	for p, n := range byPhase {
		if n < min(5, 2*s.plan.hits) {
			s.t.Errorf("in the phase %q the program was killed %d times only", p, n)
		}
	}
	fmt.Fprintf(&b, "  %-16s %3d\n", "random moments", s.random)
	slices.Sort(s.ready)
	s.t.Logf("killed by the peer at each moment of the dialogue:\n%s%d conversations; %d acts were repeated; %d starts, until pages are answered: median %s, slowest %s",
		b.String(), len(s.closed), s.again, len(s.ready), s.ready[len(s.ready)/2].Round(time.Millisecond), s.ready[len(s.ready)-1].Round(time.Millisecond))
}
