package query

import (
	"context"
	"fmt"
	"slices"
	"strconv"

	"postroom"
	"postroom/internal/email"
	"postroom/internal/store"
	"postroom/internal/workflow"
)

// Headers reads the headers of a received mail by the id of its inbound row: all
// values of a name in lower case; nil knows none.
type Headers func(ctx context.Context, inbound int64) func(name string) []string

// Records gathers what facts are read from, for many events in a few statements:
// what is asked for and there. A conversation's subject is the one it had at the
// event, as far as its changes are recorded; a customer is as they are now.
func Records(ctx context.Context, read store.Read, events []*postroom.Event, needs workflow.Needs, headers Headers) (_ []workflow.Record, err error) {
	defer postroom.Wrap(&err, "read what facts are read from")
	out := make([]workflow.Record, len(events))
	for i, e := range events {
		out[i].Event = e
	}
	for _, f := range []struct {
		wanted bool
		read   func(context.Context, store.Read, []workflow.Record) error
	}{
		{needs.Customer, addCustomers}, {needs.Former, addFormer}, {needs.Subject, addSubjects}, {needs.Mail, addMails}, {needs.Root, addRoots},
		{needs.Message || needs.Headers, addMessages}, {needs.Office, addOffices}, {needs.Rating, addRatings}, {needs.Texts, addTexts},
	} {
		if f.wanted {
			if err := f.read(ctx, read, out); err != nil {
				return nil, err
			}
		}
	}
	if needs.Headers && headers != nil {
		for i := range out {
			if m := out[i].Message; m != nil && m.InboundID > 0 {
				out[i].Headers = headers(ctx, m.InboundID)
			}
		}
	}
	return out, nil
}

// distinct lists the ids that records ask for, each once, without 0.
func distinct(records []workflow.Record, id func(*postroom.Event) int64) []int64 {
	var out []int64
	seen := map[int64]bool{0: true}
	for _, r := range records {
		if x := id(r.Event); !seen[x] {
			seen[x] = true
			out = append(out, x)
		}
	}
	return out
}

func addCustomers(ctx context.Context, read store.Read, records []workflow.Record) error {
	all, err := read.CustomersByID(ctx, distinct(records, func(e *postroom.Event) int64 { return e.After.CustomerID }))
	for i := range records {
		records[i].Customer = all[records[i].Event.After.CustomerID]
	}
	return err
}

func addFormer(ctx context.Context, read store.Read, records []workflow.Record) error {
	all, err := read.CustomersByID(ctx, distinct(records, workflow.FormerCustomer))
	for i := range records {
		records[i].Former = all[workflow.FormerCustomer(records[i].Event)]
	}
	return err
}

// addSubjects goes back from the subject of today: of a change that could be
// undone the act knows what it was before; of another one nobody does, and the
// subject is missing.
func addSubjects(ctx context.Context, read store.Read, records []workflow.Record) error {
	ids := distinct(records, func(e *postroom.Event) int64 { return e.ConversationID })
	now, err := read.Subjects(ctx, ids)
	if err != nil {
		return err
	}
	changes, err := read.Renamings(ctx, ids)
	for i := range records {
		e := records[i].Event
		subject, known := now[e.ConversationID]
		for _, c := range changes[e.ConversationID] {
			if c.Seq > e.Seq {
				subject, known = c.Before, known && c.Known
				break
			}
		}
		if known {
			records[i].Subject = &subject
		}
	}
	return err
}

// addTexts reads the texts among the values of fields. A text never changes, so
// it is the one of then; what was erased is missing.
func addTexts(ctx context.Context, read store.Read, records []workflow.Record) error {
	const atOnce = 400
	for from := 0; from < len(records); from += atOnce {
		some := records[from:min(from+atOnce, len(records))]
		var ids []int64
		for _, r := range some {
			for path, value := range r.Event.After.Fields {
				kind, _, _ := postroom.SplitFieldPath(path)
				if id, err := strconv.ParseInt(value, 10, 64); err == nil && kind == postroom.FieldText {
					ids = append(ids, id)
				}
			}
		}
		slices.Sort(ids)
		texts, err := read.FieldTextsByID(ctx, slices.Compact(ids))
		if err != nil {
			return err
		}
		for i := range some {
			some[i].Texts = texts
		}
	}
	return nil
}

func addMails(ctx context.Context, read store.Read, records []workflow.Record) error {
	all, err := read.MailsByID(ctx, distinct(records, func(e *postroom.Event) int64 { return e.Payload.MailID }))
	for i := range records {
		records[i].Mail = all[records[i].Event.Payload.MailID]
	}
	return err
}

func addRatings(ctx context.Context, read store.Read, records []workflow.Record) error {
	for i := range records {
		id := records[i].Event.Payload.RatingID
		if id == 0 {
			continue
		}
		r, err := read.Rating(ctx, id)
		switch {
		case err == nil:
			records[i].Rating = r
		case postroom.CodeOf(err) != postroom.NotFound:
			return err
		}
	}
	return nil
}

func addRoots(ctx context.Context, read store.Read, records []workflow.Record) error {
	ids := distinct(records, func(e *postroom.Event) int64 {
		if e.Root == e.ID {
			return 0
		}
		return e.Root
	})
	all, err := read.JudgedByID(ctx, ids)
	roots := map[int64]*postroom.Event{}
	for i := range all {
		roots[all[i].ID] = &all[i].Event
	}
	for i := range records {
		if records[i].Root = roots[records[i].Event.Root]; records[i].Root == nil {
			records[i].Root = records[i].Event
		}
		if workflow.LegOf(records[i].Root) > 0 && err == nil {
			var first postroom.Event
			if first, _, err = read.Chain(ctx, *records[i].Root); err == nil {
				records[i].Root = &first
			}
		}
	}
	return err
}

func addMessages(ctx context.Context, read store.Read, records []workflow.Record) error {
	first, err := read.FirstMessages(ctx, distinct(records, func(e *postroom.Event) int64 {
		if e.Payload.MessageID != 0 || e.Kind != postroom.ConversationCreated {
			return 0
		}
		return e.ActID
	}))
	if err != nil {
		return err
	}
	of := func(e *postroom.Event) int64 {
		if e.Payload.MessageID == 0 && e.Kind == postroom.ConversationCreated {
			return first[e.ActID]
		}
		return e.Payload.MessageID
	}
	all, err := read.MessagesAsWritten(ctx, distinct(records, of))
	for i := range records {
		records[i].Message = all[of(records[i].Event)]
	}
	return err
}

// headers reads a received mail's headers, when a condition asks for one.
func (d *Desk) headers(ctx context.Context, inbound int64) func(string) []string {
	var mail *email.Mail
	return func(name string) []string {
		if mail == nil {
			mail = &email.Mail{}
			if in, err := d.read().Inbound(ctx, inbound); err == nil {
				if raw, err := d.bytes(in.RawSHA256, maxRead); err == nil {
					mail = email.Parse(raw, email.ParseOptions{})
				}
			}
		}
		return mail.HeaderValues(name)
	}
}

// setOf is what an event was judged by: one that is for one workflow alone by the
// version that it names. version gives a compiled version, nil for one that
// cannot be read any more, which had no part in the judging.
func setOf(e *postroom.Event, rows []store.SetEntry, version func(workflow int64, number int) *workflow.Version) *workflow.Set {
	var entries []workflow.Entry
	for _, s := range rows {
		if v := version(s.ID, s.Version); v != nil {
			entries = append(entries, workflow.Entry{Version: v.In(s.Name, s.MailboxID), State: stateOf(s)})
		}
	}
	p := pastSet{rows: rows, set: workflow.NewSet(e.SetRevision, entries)}
	return p.judgedBy(e, version)
}

func stateOf(s store.SetEntry) workflow.State {
	switch {
	case s.Paused != "":
		return workflow.OnHold
	case !s.Enabled:
		return workflow.SwitchedOff
	}
	return workflow.Enabled
}

// versionsOf names the versions that judged events.
func versionsOf(events []store.JudgedEvent, sets map[int64][]store.SetEntry) []versionKey {
	var out []versionKey
	seen := map[versionKey]bool{}
	add := func(k versionKey) {
		if !seen[k] {
			seen[k] = true
			out = append(out, k)
		}
	}
	known := map[int64]bool{}
	for _, e := range events {
		if !known[e.SetRevision] {
			known[e.SetRevision] = true
			for _, s := range sets[e.SetRevision] {
				add(versionKey{s.ID, s.Version})
			}
		}
		if workflow.OwnEvent(e.Kind) {
			add(versionKey{e.Payload.WorkflowID, e.Payload.Number})
		}
	}
	return out
}

// manyVersions is versions for any number of them: so many at a time as one
// statement can name.
func (d *Desk) manyVersions(ctx context.Context, keys []versionKey) (map[versionKey]*workflow.Version, error) {
	const atOnce = 500
	out := map[versionKey]*workflow.Version{}
	for len(keys) > 0 {
		n := min(atOnce, len(keys))
		some, err := d.versions(ctx, keys[:n])
		if err != nil {
			return nil, fmt.Errorf("read versions: %w", err)
		}
		for k, v := range some {
			out[k] = v
		}
		keys = keys[n:]
	}
	return out, nil
}
