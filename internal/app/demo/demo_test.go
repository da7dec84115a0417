package demo

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"postroom"
	"postroom/internal/directory"
	"postroom/internal/email"
	"postroom/internal/postoffice"
	"postroom/internal/query"
	"postroom/internal/store"
	"postroom/internal/web"
)

// open opens a demo that is stopped at the end of the test.
func open(t *testing.T, o Options) *Demo {
	t.Helper()
	if o.HTTP == "" {
		o.HTTP = "127.0.0.1:0"
	}
	d, err := Open(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		defer cancel()
		if err := d.Stop(ctx); err != nil {
			t.Errorf("stop: %v", err)
		}
	})
	return d
}

func TestTheStoriesAreTold(t *testing.T) {
	t.Parallel()
	d := open(t, Options{})
	ctx, rooms := t.Context(), d.Rooms()

	byStatus := map[postroom.Status]int{}
	now := time.Now().UnixMilli()
	for n := range int64(len(stories)) {
		c, err := rooms.Store.Read().ConversationByNumber(ctx, n+1)
		if err != nil {
			t.Fatal(err)
		}
		byStatus[c.Status]++
		if c.CreatedAt > now || c.UpdatedAt > now || c.CreatedAt < now-int64(16*day/time.Millisecond) {
			t.Errorf("conversation %d is of %d to %d", c.Number, c.CreatedAt, c.UpdatedAt)
		}
		mails, err := rooms.Store.Read().ConversationMails(ctx, c.ID)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range mails {
			if m.State != postroom.MailDone && m.State != postroom.MailSkip {
				t.Errorf("conversation %d: mail %d is %s: %s", c.Number, m.ID, m.State, m.Words)
			}
		}
	}
	if _, err := rooms.Store.Read().ConversationByNumber(ctx, int64(len(stories))+1); postroom.CodeOf(err) != postroom.NotFound {
		t.Errorf("there are more conversations than stories: an answer did not find its own (%v)", err)
	}
	for _, s := range postroom.Statuses {
		if byStatus[s] < 2 {
			t.Errorf("only %d conversations are %s", byStatus[s], s)
		}
	}
	for _, l := range d.office.Received() {
		for _, to := range l.To {
			if !strings.HasSuffix(to, ".example") {
				t.Errorf("a mail to %s", to)
			}
		}
	}
	replyThenNotice(t, d)
}

// replyThenNotice is the founding promise, on one of the stories.
func replyThenNotice(t *testing.T, d *Demo) {
	t.Helper()
	mails, err := d.Customers.Mails(t.Context(), "sam.whitlock@fernmail.example")
	if err != nil {
		t.Fatal(err)
	}
	reply, notice := -1, -1
	for i, m := range mails { // the newest first
		if strings.Contains(m.Text, "Thank you for telling me, Sam") && !m.Automatic {
			reply = i
			if i > 0 && mails[i-1].Automatic {
				notice = i - 1
			}
		}
	}
	if reply < 0 || notice < 0 {
		t.Fatalf("no notice right after the reply: %+v", mails)
	}
}

func TestTheCustomersSide(t *testing.T) {
	t.Parallel()
	d := open(t, Options{})
	d.Start()
	ctx := t.Context()
	list, err := d.Customers.Customers(ctx)
	if err != nil || len(list) < 10 {
		t.Fatalf("%d customers, %v", len(list), err)
	}
	const mara = "mara.lind@fernmail.example"
	mails, err := d.Customers.Mails(ctx, mara)
	if err != nil || len(mails) == 0 || !mails[0].HTML || !strings.Contains(mails[0].Header, "Message-ID:") {
		t.Fatalf("%d mails, %v", len(mails), err)
	}
	if html, err := d.Customers.HTML(ctx, mara, mails[0].N, false); err != nil || html == "" {
		t.Errorf("HTML: %q, %v", html, err)
	}
	if _, err := d.Customers.HTML(ctx, "tom@achterberg.example", mails[0].N, false); postroom.CodeOf(err) != postroom.NotFound {
		t.Errorf("Tom reads Mara's mail: %v", err)
	}
	olu, err := d.Customers.Mails(ctx, "olu@adeyemi.example")
	if err != nil {
		t.Fatal(err)
	}
	found := false
	for _, m := range olu {
		for _, a := range m.Attachments {
			if a.Name != "invoice-20388.txt" {
				continue
			}
			found = true
			f, err := d.Customers.Part(ctx, "olu@adeyemi.example", m.N, int(a.ID))
			if err != nil {
				t.Fatal(err)
			}
			if b, _ := io.ReadAll(f.Content); !bytes.Equal(b, content("invoice-20388.txt")) {
				t.Errorf("the attachment is %q", b)
			}
		}
	}
	if !found {
		t.Error("Olu did not get the invoice")
	}

	// The connections wait for the post office to tell of new mail.
	for tick := time.NewTicker(20 * time.Millisecond); d.office.IMAPCommands(postoffice.IMAPIdle) < len(mailboxes); <-tick.C {
		if ctx.Err() != nil {
			t.Fatal("no connection waits")
		}
	}
	letters := d.office.Subscribe(ctx)
	// An answer reaches the conversation, by way of the post office.
	if err := d.Customers.Answer(ctx, mara, web.DemoAnswer{Mail: mails[0].N, Text: "Thank you!"}); err != nil {
		t.Fatal(err)
	}
	if err := d.Customers.Answer(ctx, mara, web.DemoAnswer{To: "workshop@brightwater.example", Subject: "Something new", Text: "Hello"}); err != nil {
		t.Fatal(err)
	}
	for field, a := range map[string]web.DemoAnswer{
		"text": {Mail: mails[0].N}, "subject": {To: "help@brightwater.example", Text: "x"}, "to": {To: "nobody@brightwater.example", Subject: "x", Text: "x"},
	} {
		err := d.Customers.Answer(ctx, mara, a)
		if e, ok := err.(*postroom.Error); !ok || e.Code != postroom.Invalid || e.Field != field {
			t.Errorf("%s: %v", field, err)
		}
	}
	acknowledged(t, letters, mara, "Something new")
	// It came by IMAP, and there is no other way in.
	log, err := d.Rooms().Store.Read().InboundLog(ctx, store.InboundAsk{May: store.Scope{All: true}, Limit: 100})
	if err != nil || len(log) < 20 {
		t.Fatalf("%d received mails, %v", len(log), err)
	}
	for _, in := range log {
		if in.Source != "imap" || in.Remote != d.office.IMAPAddr() {
			t.Errorf("mail %d came by %s from %s", in.ID, in.Source, in.Remote)
		}
	}
	if d.LMTPAddr() != "" {
		t.Errorf("the desk listens on %q as well", d.LMTPAddr())
	}
	list, err = d.Customers.Customers(ctx)
	if err != nil || slices.ContainsFunc(list, func(c query.DemoCustomer) bool { return c.Address == "workshop@brightwater.example" }) {
		t.Errorf("a mailbox of the desk is among the customers (%v)", err)
	}
}

// acknowledged waits until a customer's new matter has come to the desk, which
// acknowledges it.
func acknowledged(t *testing.T, letters <-chan postoffice.Letter, who, subject string) {
	t.Helper()
	for {
		select {
		case l := <-letters:
			if m := email.Parse(l.Raw, email.ParseOptions{}); slices.Contains(l.To, who) && strings.Contains(m.Subject, subject) {
				return
			}
		case <-time.After(60 * time.Second):
			t.Fatal("the new matter was not acknowledged")
		}
	}
}

func TestSignInAndLook(t *testing.T) {
	t.Parallel()
	d := open(t, Options{Empty: true})
	d.Start()
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	client := &http.Client{Jar: jar}
	for _, in := range SignIns() {
		resp, err := client.PostForm(d.URL()+"/signin", url.Values{"email": {in.Address}, "password": {in.Password}})
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		if resp.StatusCode != http.StatusOK || !strings.HasPrefix(resp.Request.URL.Path, "/folders/") {
			t.Errorf("%s comes to %s (%d)", in.Name, resp.Request.URL, resp.StatusCode)
		}
	}
	resp, err := client.Get(d.URL() + "/demo/customers")
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if b, _ := io.ReadAll(resp.Body); resp.StatusCode != http.StatusOK || !strings.Contains(string(b), "Mara Lind") {
		t.Errorf("customers: %d", resp.StatusCode)
	}
}

func TestNothingLeaves(t *testing.T) {
	t.Parallel()
	for _, address := range []string{":8080", "0.0.0.0:8080", "192.0.2.1:80", "desk.example:80", "8080"} {
		if _, err := Open(t.Context(), Options{HTTP: address}); postroom.CodeOf(err) != postroom.Invalid {
			t.Errorf("%s: %v", address, err)
		}
	}
	d := open(t, Options{Empty: true})
	rooms := d.Rooms()
	boxes, err := rooms.Directory.Mailboxes(t.Context(), operator())
	if err != nil {
		t.Fatal(err)
	}
	f, err := fieldsOf(t.Context(), rooms, boxes[0].ID)
	if err != nil {
		t.Fatal(err)
	}
	f.Host, f.Port = "smtp.elsewhere.example", 587
	if _, err := rooms.Directory.UpdateMailbox(t.Context(), operator(), boxes[0].ID, f); postroom.CodeOf(err) != postroom.Invalid {
		t.Errorf("a mailbox of the demo got a way out: %v", err)
	}
	for _, host := range []string{"imap.elsewhere.example", channel(d.office).Host} {
		in := directory.NewIncoming()
		in.Host, in.Port, in.Security = host, 143, "starttls"
		if _, err := rooms.Directory.SetIncoming(t.Context(), operator(), boxes[0].ID, in); postroom.CodeOf(err) != postroom.Invalid {
			t.Errorf("a mailbox of the demo fetches mail from %s: %v", host, err)
		}
	}
	if in, err := rooms.Directory.Incoming(t.Context(), operator(), boxes[0].ID); err != nil || in.Port != incoming(d.office).Port {
		t.Errorf("it fetches from port %v, %v", in, err)
	}
}

func TestAKeptDemoGoesOn(t *testing.T) {
	t.Parallel()
	data := t.TempDir() + "/demo"
	const mara = "mara.lind@fernmail.example"
	first, err := Open(t.Context(), Options{Data: data, HTTP: "127.0.0.1:0", Empty: true})
	if err != nil {
		t.Fatal(err)
	}
	letters := first.office.Subscribe(t.Context())
	first.Start()
	if err := first.Customers.Answer(t.Context(), mara, web.DemoAnswer{To: "help@brightwater.example", Subject: "The first", Text: "Hello"}); err != nil {
		t.Fatal(err)
	}
	acknowledged(t, letters, mara, "The first")
	if err := first.Stop(t.Context()); err != nil {
		t.Fatal(err)
	}
	again := open(t, Options{Data: data})
	boxes, err := again.Rooms().Directory.Mailboxes(t.Context(), operator())
	if err != nil || len(boxes) != len(mailboxes) {
		t.Fatalf("%d mailboxes, %v", len(boxes), err)
	}
	if want := channel(again.office); boxes[0].Channel.Port != want.Port {
		t.Errorf("the mailbox has the port %d of an office that is gone, not %d", boxes[0].Channel.Port, want.Port)
	}
	// Its accounts are new, and their mails are numbered from 1 again.
	jose := "jose.nunez@correo.example"
	letters = again.office.Subscribe(t.Context())
	again.Start()
	if err := again.Customers.Answer(t.Context(), jose, web.DemoAnswer{To: "help@brightwater.example", Subject: "The second", Text: "Hello"}); err != nil {
		t.Fatal(err)
	}
	acknowledged(t, letters, jose, "The second")
}

func TestAThrowAwayFolderIsThrownAway(t *testing.T) {
	t.Parallel()
	d, err := Open(t.Context(), Options{HTTP: "127.0.0.1:0", Empty: true})
	if err != nil {
		t.Fatal(err)
	}
	if err := d.Stop(t.Context()); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(d.data); !os.IsNotExist(err) {
		t.Errorf("%s is still there: %v", d.data, err)
	}
}
