package query

import (
	"context"

	"postroom"
	"postroom/internal/store"
)

// RatingsAsk is what of the ratings is wanted.
type RatingsAsk struct {
	Mailbox, Agent int64
	Value          string // of postroom.RatingValue, "" for all
	Days           int    // how far back: one of RatingDays; anything else is the first
	After          string
}

// RatingDays are the periods of the page, in days.
var RatingDays = []int{30, 90, 365}

// RatingsPage is GET /ratings.
type RatingsPage struct {
	Shell          Shell
	Mailbox, Agent int64
	Value          string
	Days           int
	Counts         []StateCount // by value, the best first
	Total          int
	Agents         []Choice
	Rows           []RatingLine
	Next           string
}

// RatingLine is one rating that counts.
type RatingLine struct {
	ID, Number, At         int64
	Value                  string
	Comment, Customer, For string
	Subject                string
}

const ratingsShown = 50

// Ratings reads what customers said, for admins: the counts of a period and the
// list, the newest first.
func (d *Desk) Ratings(ctx context.Context, a *postroom.Agent, q RatingsAsk, place Place) (*RatingsPage, error) {
	if err := mayManage(a); err != nil {
		return nil, err
	}
	shell, err := d.Shell(ctx, a, place)
	if err != nil {
		return nil, err
	}
	p := &RatingsPage{Shell: shell, Mailbox: q.Mailbox, Agent: q.Agent, Days: RatingDays[0]}
	for _, days := range RatingDays {
		if days == q.Days {
			p.Days = days
		}
	}
	if v, err := postroom.ParseRating(q.Value); err == nil {
		p.Value = string(v)
	}
	ask := store.RatingsAsk{Mailbox: q.Mailbox, Agent: q.Agent, Value: postroom.RatingValue(p.Value), Since: shell.Now - int64(p.Days)*24*60*60*1000, Limit: ratingsShown + 1}
	var from store.MailKey
	if q.After != "" {
		if !readCursor(q.After, &from.At, &from.ID) {
			return nil, postroom.Errorf(postroom.NotFound, "There is no such page.")
		}
		ask.From = &from
	}
	counts, err := d.read().RatingCounts(ctx, ask)
	if err != nil {
		return nil, err
	}
	for _, v := range postroom.RatingValues {
		p.Counts = append(p.Counts, StateCount{State: string(v), Count: counts[v]})
		p.Total += counts[v]
	}
	agents, err := d.read().Agents(ctx)
	if err != nil {
		return nil, err
	}
	for _, x := range agents {
		p.Agents = append(p.Agents, Choice{Value: decimal(x.ID), Text: x.Name})
	}
	rows, err := d.read().Ratings(ctx, ask)
	if err != nil {
		return nil, err
	}
	if len(rows) > ratingsShown {
		rows = rows[:ratingsShown]
		last := rows[ratingsShown-1]
		p.Next = cursor(last.At, last.ID)
	}
	for _, r := range rows {
		p.Rows = append(p.Rows, RatingLine{ID: r.ID, Number: r.Number, At: r.At, Value: string(r.Value), Comment: r.Comment, Customer: nameOr(r.Customer, "The customer"), For: nameOr(r.Agent, "nobody"), Subject: r.Subject})
	}
	return p, nil
}
