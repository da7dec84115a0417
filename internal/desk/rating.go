package desk

import (
	"context"
	"html"
	"regexp"
	"strings"
	"unicode/utf8"

	"postroom"
	"postroom/internal/email"
	"postroom/internal/store"
	"postroom/internal/template"
)

// RatePath is where the page stands to which the links of a mail lead, the token
// behind it.
const RatePath = "/rate/"

// typedRating is how an agent writes the variable in a reply.
var typedRating = regexp.MustCompile(`\{\{-?(?:\s|&nbsp;|\x{00a0})*rating(?:\s|&nbsp;|\x{00a0})*-?\}\}|\{%-?(?:\s|&nbsp;|\x{00a0})*rating(?:\s|&nbsp;|\x{00a0})*-?%\}`)

// AsksForRatings reports whether mails can ask for a rating: the desk has an
// address at which customers find it.
func (d *Desk) AsksForRatings() bool { return d.public != "" }

// WordsNoPublicURL says why a mail cannot ask for a rating.
const WordsNoPublicURL = "Links for a rating need the address under which customers reach the desk. The operator sets it with public-url; until then leave {{ rating }} out."

// typedMark puts the mark into what an agent wrote, where they ask for a rating.
func (d *Desk) typedMark(body string) (string, error) {
	if !typedRating.MatchString(body) {
		return body, nil
	}
	if !d.AsksForRatings() {
		return "", postroom.InvalidField("body", "%s", WordsNoPublicURL)
	}
	return typedRating.ReplaceAllString(body, template.RatingMark), nil
}

// languageOf reads the customer's language where a mail has to know it.
func (d *Desk) languageOf(ctx context.Context, c *postroom.Conversation, body string) (string, error) {
	if !strings.Contains(body, template.RatingMark) {
		return "", nil
	}
	k, err := d.store.Read().Customer(ctx, c.CustomerID)
	if postroom.CodeOf(err) == postroom.NotFound {
		return "", nil
	}
	if err != nil {
		return "", err
	}
	return k.Language, nil
}

// drawRating puts the links in the place of the mark. Without a public address
// nothing stands there.
func (d *Desk) drawRating(l *Letter) {
	if l.Aside || !strings.Contains(l.HTML+l.Text, template.RatingMark) {
		return
	}
	inHTML, inText := "", ""
	if d.AsksForRatings() {
		t := postroom.RatingTextFor(l.Language)
		inHTML, inText = ratingLinks(d.public+RatePath+d.keys.TokenFor(email.ToRate, l.ID), t)
	}
	l.HTML = strings.ReplaceAll(l.HTML, template.RatingMark, inHTML)
	l.Text = strings.ReplaceAll(l.Text, "\n"+template.RatingMark, template.RatingMark)
	l.Text = strings.ReplaceAll(l.Text, template.RatingMark, inText)
}

// ratingLinks are the three links, for HTML and for text. They stand within a
// line, so they fit wherever the mark does.
func ratingLinks(url string, t postroom.RatingText) (inHTML, inText string) {
	faces := map[postroom.RatingValue]string{postroom.RatedGood: "&#128578;", postroom.RatedOkay: "&#128528;", postroom.RatedBad: "&#128577;"}
	var h, x strings.Builder
	for i, v := range postroom.RatingValues {
		if i > 0 {
			h.WriteString(" ")
		}
		to := url + "?r=" + string(v)
		h.WriteString(`<a href="` + html.EscapeString(to) + `" rel="noreferrer" style="display:inline-block;margin:4px 4px 4px 0;padding:6px 14px;border:1px solid #9aa3b2;border-radius:6px;text-decoration:none">` +
			faces[v] + `&nbsp;` + strings.ReplaceAll(html.EscapeString(t.Word(v)), " ", "&nbsp;") + `</a>`)
		x.WriteString("\n" + t.Word(v) + ": " + to)
	}
	x.WriteString("\n")
	return h.String(), x.String()
}

// RatingAsk is what a token of a link asks for.
type RatingAsk struct {
	Mailbox  string               // whose mail it was, by name
	Language string               // of the customer, "" if it is not known
	Value    postroom.RatingValue // what they have said, "" for nothing yet
	Comment  string
	Late     bool // too long ago
	Gone     bool // the conversation was deleted or is spam: nothing is to be rated

	mail  *postroom.Mail
	event postroom.Event
}

// Open reports whether it can be rated now.
func (a *RatingAsk) Open() bool { return !a.Late && !a.Gone }

// RatingAsk reads what a link is about and changes nothing: programs follow
// links too. A token that is not ours, or of a mail that was erased, is
// NotFound.
func (d *Desk) RatingAsk(ctx context.Context, token string) (*RatingAsk, error) {
	id, ok := d.keys.VerifyFor(email.ToRate, token)
	if !ok {
		return nil, errNoRating
	}
	read := d.store.Read()
	mail, err := read.Mail(ctx, id)
	if postroom.CodeOf(err) == postroom.NotFound {
		return &RatingAsk{Gone: true}, nil
	}
	if err != nil {
		return nil, err
	}
	a := &RatingAsk{mail: mail}
	if a.event, err = read.Event(ctx, mail.EventID); err != nil {
		return nil, err
	}
	c, err := read.StandingConversation(ctx, mail.ConversationID)
	if err != nil {
		return nil, err
	}
	box, err := read.Mailbox(ctx, mail.MailboxID)
	if err != nil {
		return nil, err
	}
	a.Mailbox, a.Gone = box.Name, c.DeletedAt > 0 || c.Status == postroom.Spam
	k, err := read.Customer(ctx, a.event.After.CustomerID)
	switch {
	case err == nil:
		a.Language = k.Language
	case postroom.CodeOf(err) != postroom.NotFound:
		return nil, err
	}
	given, err := read.RatingsOf(ctx, id)
	if err != nil {
		return nil, err
	}
	a.take(given, d.store.Now())
	return a, nil
}

// take looks at what was said of the mail before.
func (a *RatingAsk) take(given []postroom.Rating, now int64) {
	if len(given) == 0 {
		a.Late = now-a.mail.CreatedAt > postroom.RatingAsked
		return
	}
	last := given[len(given)-1]
	a.Value, a.Comment = last.Value, last.Comment
	a.Late = now-given[0].At > postroom.RatingChanged || len(given) >= postroom.MaxRatings
}

var errNoRating = &postroom.Error{Code: postroom.NotFound, Text: "This link is not complete. Open it from the mail again."}

// The limit of ratings from one network address.
const (
	rateWindow = 10 * 60 * 1000
	rateMost   = 30
)

// Rate records what a customer says by a link of a mail (W1): their rating, and
// a comment, which may be empty. from is the network address it comes from.
// What they have said already records nothing (W5). Errors: NotFound for a token
// that is not ours; Invalid with field "rating" or "comment"; Conflict where
// nothing can be rated any more; Busy for too many from one address.
func (d *Desk) Rate(ctx context.Context, token, value, comment, from string) (err error) {
	defer wrap(&err, "rate")
	comment = strings.TrimSpace(strings.ReplaceAll(strings.ToValidUTF8(strings.ReplaceAll(comment, "\x00", ""), "\uFFFD"), "\r\n", "\n"))
	a, err := d.RatingAsk(ctx, token)
	if err != nil {
		return err
	}
	v, err := postroom.ParseRating(value)
	switch {
	case err != nil:
		return err
	case utf8.RuneCountInString(comment) > postroom.MaxRatingComment:
		return postroom.InvalidField("comment", "The comment is longer than %d characters.", postroom.MaxRatingComment)
	case !a.Open():
		return errNotRated
	}
	if err := d.countRating(ctx, from); err != nil {
		return err
	}
	ids, err := d.store.NewIDs(ctx, turnIDs+1)
	if err != nil {
		return err
	}
	r := postroom.Rating{ID: ids[0], ConversationID: a.mail.ConversationID, MailID: a.mail.ID, MailboxID: a.mail.MailboxID, CustomerID: a.event.After.CustomerID,
		AgentID: a.event.After.AssigneeID, Value: v, Comment: comment}
	if a.event.Actor.Kind == postroom.ByAgent {
		r.AgentID = a.event.Actor.ID
	}
	return d.store.Write(ctx, func(tx *store.Tx) error { return d.rate(ctx, tx, a, r, ids[1:]) })
}

var errNotRated = &postroom.Error{Code: postroom.Conflict, Text: "There is nothing to rate here any more."}

// countRating counts one more from a network address.
func (d *Desk) countRating(ctx context.Context, from string) error {
	return d.store.Write(ctx, func(tx *store.Tx) error {
		n, err := tx.AddRate(ctx, "rating:"+from, d.store.Now(), rateWindow)
		if err == nil && n > rateMost {
			return postroom.Errorf(postroom.Busy, "Too many ratings come from your address. Try again in a few minutes.")
		}
		return err
	})
}

// rate is Rate's transaction. What is said of a conversation that was merged is
// recorded where it goes on, as an answer by mail would be (T8).
func (d *Desk) rate(ctx context.Context, tx *store.Tx, a *RatingAsk, r postroom.Rating, ids []int64) error {
	c, err := tx.StandingConversation(ctx, r.ConversationID)
	if err != nil {
		return err
	}
	r.ConversationID = c.ID
	given, err := tx.RatingsOf(ctx, r.MailID)
	if err != nil {
		return err
	}
	now := RatingAsk{mail: a.mail}
	now.take(given, d.store.Now())
	switch {
	case c.DeletedAt > 0 || c.Status == postroom.Spam || now.Late:
		return errNotRated
	case now.Value == r.Value && now.Comment == r.Comment:
		return nil
	}
	var before *postroom.Rating
	if len(given) > 0 {
		before = &given[len(given)-1]
	}
	actor := postroom.Actor{Kind: postroom.ByCustomer, ID: r.CustomerID}
	_, err = d.In(ctx, tx, actor, Cause{Path: postroom.PathRating}, c, ids, func(t *Turn) error {
		e := t.Conversation.Rate(t.by, t.id(), r.ID, r.Value)
		r.At, r.Seq = t.by.At, e.Seq
		return tx.InsertRating(ctx, r)
	})
	if err != nil {
		return err
	}
	return tx.CountRating(ctx, r, before)
}
