package demo

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"html"
	"image"
	"image/color"
	"image/png"
	"slices"
	"strings"
	"time"

	"postroom"
	"postroom/internal/app"
	"postroom/internal/app/letter"
	"postroom/internal/desk"
	"postroom/internal/directory"
	"postroom/internal/email"
	"postroom/internal/postoffice"
)

// fill makes the sample desk in a folder: on a desk of its own, whose clock
// goes through the last two weeks. Every mail lies in the post office, is fetched
// there by IMAP and leaves by SMTP, every act is a verb of the desk; only the workers are asked to do all
// there is to do between two steps. Speed goes before durability here: a
// demo that is interrupted while it is made is made anew.
func fill(ctx context.Context, data string, office *postoffice.Office, o Options) (err error) {
	c := &clock{}
	start := time.Now()
	c.behind.Store(int64(15 * day))
	a, err := app.Open(ctx, settings(data, "127.0.0.1:0"), app.Options{Log: o.Log, MailTLS: office.ClientTLS(),
		OnlyChannel: channel(office), OnlyIncoming: incoming(office), Now: c.now, Unsafe: true})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, a.Stop(ctx)) }()
	f := &filler{rooms: a.Rooms(), office: office, clock: c, start: start,
		agents: map[string]*postroom.Agent{}, boxes: map[string]*postroom.Mailbox{}}
	if err := f.people(ctx); err != nil {
		return err
	}
	if !o.Empty {
		if err := f.tell(ctx); err != nil {
			return err
		}
	}
	return f.catchUp(ctx)
}

// filler tells the stories.
type filler struct {
	rooms  app.Rooms
	office *postoffice.Office
	clock  *clock
	start  time.Time
	agents map[string]*postroom.Agent
	boxes  map[string]*postroom.Mailbox
	mails  int
}

// people makes the mailboxes and the team.
func (f *filler) people(ctx context.Context) error {
	out := channel(f.office)
	for _, m := range mailboxes {
		fields := directory.NewMailbox(m.name, m.address)
		fields.Aliases, fields.SenderName, fields.Signature = m.aliases, m.sender, m.signature
		fields.Host, fields.Port, fields.Security = out.Host, out.Port, out.Security
		fields.AuthServ = authserv
		box, err := f.rooms.Directory.AddMailbox(ctx, operator(), fields)
		if err != nil {
			return err
		}
		if err := fetchFrom(ctx, f.rooms, box.ID, f.office); err != nil {
			return err
		}
		f.boxes[m.key] = box
	}
	for _, m := range team {
		fields := directory.AgentFields{Name: m.name, Email: m.email, Role: m.role}
		for _, key := range m.boxes {
			fields.Mailboxes = append(fields.Mailboxes, f.boxes[key].ID)
		}
		a, err := f.rooms.Directory.AddAgent(ctx, operator(), fields)
		if err != nil {
			return err
		}
		if err := f.rooms.Auth.GivePassword(ctx, operator(), a.ID, Password); err != nil {
			return err
		}
		if err := f.rooms.Directory.UpdateProfile(ctx, a, directory.Profile{Name: m.name, Zone: m.zone}); err != nil {
			return err
		}
		f.agents[m.key] = a
	}
	// The past is told in the page only: nobody reads old mail.
	page := directory.NotificationChoices{}
	for _, k := range postroom.NotificationKinds {
		page[k] = postroom.NotificationChoice{InPage: true}
	}
	return f.rooms.Directory.SetDefaultNotifications(ctx, operator(), page)
}

// readLong is how old what the team was told must be to have been read.
const readLong = 26 * time.Hour

// catchUp leaves the team with what was told lately, and with the choices of a
// new desk.
func (f *filler) catchUp(ctx context.Context) error {
	for _, a := range f.agents {
		if _, err := f.rooms.Desk.ReadNotifications(ctx, a, f.start.Add(-readLong).UnixMilli()); err != nil {
			return err
		}
	}
	return f.rooms.Directory.SetDefaultNotifications(ctx, operator(), nil)
}

// moment is one step of one story, at its time.
type moment struct {
	at    time.Time
	story *telling
	step  int // -1: the first mail
}

// telling is a story as far as it has been told.
type telling struct {
	story
	customer     customer
	box          *postroom.Mailbox
	conversation int64
	first        string // Message-ID of the first mail
}

// tell tells all stories, in the order of time.
func (f *filler) tell(ctx context.Context) error {
	var moments []moment
	for i := range stories {
		s := &telling{story: stories[i], box: f.boxes[stories[i].box]}
		for _, c := range customers {
			if c.key == s.from {
				s.customer = c
			}
		}
		at := f.start.Add(-s.ago)
		moments = append(moments, moment{at, s, -1})
		for n, step := range s.steps {
			at = at.Add(step.after)
			moments = append(moments, moment{at, s, n})
		}
	}
	slices.SortStableFunc(moments, func(a, b moment) int { return a.at.Compare(b.at) })
	last := f.start.Add(-2 * minute)
	for _, m := range moments {
		if m.at.After(last) {
			continue // it has not happened yet
		}
		f.clock.set(m.at)
		if err := f.happen(ctx, m); err != nil {
			return fmt.Errorf("%q, step %d: %w", m.story.subject, m.step+1, err)
		}
		if err := f.settle(ctx); err != nil {
			return err
		}
	}
	return nil
}

// settle lets everything happen that follows, beyond the undo window.
func (f *filler) settle(ctx context.Context) error {
	if err := f.rooms.Settle(ctx); err != nil {
		return err
	}
	f.clock.set(f.clock.now().Add(postroom.DefaultUndoMS*time.Millisecond + time.Second))
	return f.rooms.Settle(ctx)
}

func (f *filler) happen(ctx context.Context, m moment) error {
	s := m.story
	if m.step < 0 {
		return f.begin(ctx, s)
	}
	step := s.steps[m.step]
	agent := f.agents[step.who]
	switch step.kind {
	case answers, away:
		return f.customerWrites(ctx, s, step)
	case replies, notes:
		kind := postroom.Reply
		if step.kind == notes {
			kind = postroom.Note
		}
		for _, name := range step.files {
			if _, _, err := f.rooms.Desk.Attach(ctx, agent, s.conversation, kind, name, mediaType(name), bytes.NewReader(content(name)), false); err != nil {
				return err
			}
		}
		path := postroom.PathComposer
		if step.status == postroom.Closed {
			path = postroom.PathSend
		}
		p := desk.Publish{ConversationID: s.conversation, Kind: kind, HTML: paragraphs(step.text), Status: step.status, Path: path, Anyway: true}
		if len(step.files) > 0 {
			draft, err := f.draftOf(ctx, agent, s.conversation)
			if err != nil {
				return err
			}
			p.Draft = draft
		}
		_, err := f.rooms.Desk.Publish(ctx, agent, p)
		return err
	case assigns:
		_, err := f.rooms.Desk.Assign(ctx, agent, s.conversation, f.agents[step.text].ID, postroom.PathMenu)
		return err
	case tags:
		_, err := f.rooms.Desk.ChangeTags(ctx, agent, s.conversation, strings.Split(step.text, ","), nil, postroom.PathMenu)
		return err
	case statuses:
		_, err := f.rooms.Desk.SetStatus(ctx, agent, s.conversation, step.status, postroom.PathMenu)
		return err
	}
	return fmt.Errorf("unknown step %d", step.kind)
}

func (f *filler) draftOf(ctx context.Context, agent *postroom.Agent, conversation int64) (int64, error) {
	drafts, err := f.rooms.Store.Read().DraftsOf(ctx, conversation, agent.ID)
	if err != nil || len(drafts) == 0 {
		return 0, errors.Join(err, errors.New("there is no draft"))
	}
	return drafts[0].ID, nil
}

// begin has the customer write for the first time, and remembers the
// conversation that comes of it.
func (f *filler) begin(ctx context.Context, s *telling) error {
	s.first = f.messageID(s.customer.address)
	mail := email.Spec{MessageID: s.first, Subject: s.subject, Text: s.text, HTML: s.html}
	if err := f.deliver(ctx, s, mail, s.files); err != nil {
		return err
	}
	if err := f.rooms.Settle(ctx); err != nil {
		return err
	}
	refs, err := f.rooms.Store.Read().Refs(ctx, s.box.ID, []string{email.CanonicalID(s.first)})
	if err != nil {
		return err
	}
	if len(refs) == 0 {
		return errors.New("the mail made no conversation")
	}
	s.conversation = refs[0].ConversationID
	return nil
}

// customerWrites answers the last mail the customer got in the conversation.
func (f *filler) customerWrites(ctx context.Context, s *telling, step step) error {
	spec := email.Spec{MessageID: f.messageID(s.customer.address), Subject: email.ReplySubject(s.subject), Text: step.text}
	letters := f.office.For(s.customer.address)
	for i := len(letters) - 1; i >= 0; i-- {
		m := email.Parse(letters[i].Raw, email.ParseOptions{})
		if slices.Contains(m.References, s.first) || slices.Contains(m.InReplyTo, s.first) {
			spec.InReplyTo = m.MessageID
			spec.References = email.References(m.References, m.MessageID)
			if step.kind == answers {
				spec.Text += "\n\n" + letter.Quoted(m)
			}
			break
		}
	}
	if step.kind == away {
		spec.Subject, spec.Auto = "Automatic reply: "+s.subject, email.AutoReplied
	}
	return f.deliver(ctx, s, spec, step.files)
}

// deliver puts a customer's mail into the desk's account at the post office, at
// the time of the story, and has it fetched.
func (f *filler) deliver(ctx context.Context, s *telling, spec email.Spec, files []string) error {
	spec.From = email.Address{Name: s.customer.name, Address: s.customer.address}
	spec.To = []email.Address{{Name: s.box.Name, Address: s.box.Address}}
	spec.Date, spec.Seed = f.clock.now().Truncate(time.Second), spec.MessageID
	for _, name := range files {
		spec.Attachments = append(spec.Attachments, email.File{Name: name, Type: mediaType(name), Data: content(name)})
	}
	raw, err := email.Build(spec)
	if err != nil {
		return err
	}
	sender := s.customer.address
	if spec.Auto != email.ByPerson {
		sender = ""
	}
	if err := f.office.Put(s.box.Address, "INBOX", checked(raw, s.customer.address, sender, s.box.Address), f.clock.now()); err != nil {
		return err
	}
	return f.rooms.Fetch(ctx, s.box.ID)
}

// authserv is the company's mail server as it signs its verdicts (RFC 8601).
const authserv = "mx.brightwater.example"

// checked is a mail as the company's mail server puts it into an account: with
// the sender and the recipient of its envelope, and its verdict that it is from
// whom the mail says.
func checked(raw []byte, author, sender, to string) []byte {
	_, domain, _ := strings.Cut(author, "@")
	return append([]byte("Return-Path: <"+sender+">\r\nX-Original-To: "+to+"\r\nAuthentication-Results: "+authserv+"; dmarc=pass header.from="+domain+"\r\n"), raw...)
}

func (f *filler) messageID(address string) string {
	f.mails++
	_, domain, _ := strings.Cut(address, "@")
	return fmt.Sprintf("%d.sample@%s", f.start.UnixMilli()*1000+int64(f.mails), domain)
}

// paragraphs is what the editor makes of a text.
func paragraphs(text string) string {
	var b strings.Builder
	for p := range strings.SplitSeq(strings.TrimSpace(text), "\n\n") {
		b.WriteString("<p>" + strings.ReplaceAll(html.EscapeString(p), "\n", "<br>") + "</p>")
	}
	return b.String()
}

func mediaType(name string) string {
	if strings.HasSuffix(name, ".png") {
		return "image/png"
	}
	return "text/plain"
}

// content makes a file that is worth opening: a small picture whose colors
// come of its name, or a few lines.
func content(name string) []byte {
	if !strings.HasSuffix(name, ".png") {
		return []byte("Brightwater Cycles\nQuay Street 4\n\n" + strings.TrimSuffix(name, ".txt") + "\n\nThis is a sample of the demo.\n")
	}
	hue := 0
	for _, r := range name {
		hue = (hue*31 + int(r)) % 360
	}
	const w, h = 640, 400
	img := image.NewRGBA(image.Rect(0, 0, w, h))
	for y := range h {
		for x := range w {
			shade := uint8(255 - y*90/h)
			c := color.RGBA{R: shade, G: uint8((hue*2 + x/6) % 200), B: uint8(60 + hue/2), A: 255}
			// Two wheels, so that it looks like what the mail is about.
			for _, cx := range []int{190, 450} {
				d := (x-cx)*(x-cx) + (y-250)*(y-250)
				if d < 90*90 && d > 78*78 || d < 8*8 {
					c = color.RGBA{R: 30, G: 34, B: 40, A: 255}
				}
			}
			img.SetRGBA(x, y, c)
		}
	}
	var b bytes.Buffer
	if err := png.Encode(&b, img); err != nil {
		return nil
	}
	return b.Bytes()
}
