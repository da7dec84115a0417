package automate

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"postroom"
	"postroom/internal/calendar"
	"postroom/internal/directory"
	"postroom/internal/flowfile"
	"postroom/internal/store"
	"postroom/internal/workflow"
)

// calendarKey is by what files find a calendar again.
func calendarKey(row store.CalendarRow) string { return flowfile.Unique(row.Key, "calendar", row.ID) }

// calendarItem is one calendar of the files.
type calendarItem struct {
	doc   *flowfile.Calendar
	row   store.CalendarRow // as it is to be
	was   *store.CalendarRow
	boxes []int64 // that count by it now
	fresh bool    // another revision is to be written
	step  FileStep
}

// lockCalendars keeps others from changing calendars while files do.
func (a *applying) lockCalendars(ctx context.Context, t *store.Tx) error {
	if len(a.held.Calendars) == 0 {
		return nil
	}
	return t.Lock(ctx, directory.CalendarsLock)
}

// exportCalendars writes the calendars whose keys are wanted.
func exportCalendars(ctx context.Context, read store.Read, names *flowfile.Names, wanted func(key string) bool) (out []string, err error) {
	rows, err := read.Calendars(ctx)
	if err != nil {
		return nil, err
	}
	for _, row := range rows {
		if !wanted(calendarKey(row)) {
			continue
		}
		doc, _, err := calendarDocument(ctx, read, row)
		if err != nil {
			return nil, fmt.Errorf("calendar %d: %w", row.ID, err)
		}
		text, err := flowfile.WriteCalendar(doc, names)
		if err != nil {
			return nil, err
		}
		out = append(out, text)
	}
	return out, nil
}

// calendarDocument is a calendar as it is now, with the mailboxes that count by
// it.
func calendarDocument(ctx context.Context, read store.Read, row store.CalendarRow) (d flowfile.Calendar, boxes []int64, err error) {
	d = flowfile.Calendar{Key: calendarKey(row), Name: row.Name, Default: row.Main, Mailboxes: []int64{}}
	if d.Hours, err = calendar.Decode(row.Hours); err != nil {
		return d, nil, err
	}
	list, err := read.CalendarMailboxes(ctx, row.ID)
	for _, m := range list {
		d.Mailboxes = append(d.Mailboxes, m.ID)
	}
	return d, d.Mailboxes, err
}

// reckonCalendars finds what becomes of the calendars. None is ever deleted by
// files: mailboxes and what was decided name them.
func (a *applying) reckonCalendars(ctx context.Context, read store.Read, docs []*flowfile.Calendar, names *flowfile.Names) error {
	a.calendars = nil
	if len(docs) == 0 {
		return nil
	}
	rows, err := read.EveryCalendar(ctx)
	if err != nil {
		return err
	}
	there := len(slices.DeleteFunc(slices.Clone(rows), func(r store.CalendarRow) bool { return r.Deleted }))
	standing := there
	taken := map[int64]string{} // by mailbox, the calendar that names it
	main := ""
	for _, d := range docs {
		fault := func(path, format string, args ...any) {
			a.plan.Faults = append(a.plan.Faults, d.Fault(path, format, args...))
		}
		x := &calendarItem{doc: d, row: store.CalendarRow{ID: a.more[ofCalendar+d.Key], Key: d.Key}}
		if i := slices.IndexFunc(rows, func(r store.CalendarRow) bool { return calendarKey(r) == d.Key }); i >= 0 {
			x.was, x.row = &rows[i], rows[i]
		}
		if x.was == nil || x.was.Deleted {
			if there++; there > directory.MaxCalendars {
				fault("", "A desk has at most %d calendars.", directory.MaxCalendars)
			}
		}
		for i, id := range d.Mailboxes {
			if other, twice := taken[id]; twice {
				fault(fmt.Sprintf("mailboxes[%d]", i), "This mailbox counts by the calendar %s already.", other)
			}
			taken[id] = d.Key
		}
		if d.Default && main != "" {
			fault("default", "The calendar %s is the default already.", main)
		} else if d.Default {
			main = d.Key
		}
		if err := a.reckonCalendar(ctx, read, x, names); err != nil {
			return err
		}
		a.calendars = append(a.calendars, x)
	}
	a.sameNames(rows)
	for i, x := range a.calendars {
		if standing == 0 && main == "" && i == 0 && len(a.plan.Faults) == 0 {
			x.row.Main = true // there is always one
			x.step.Words = append(x.step.Words, "It becomes the default.")
		}
		a.plan.Calendars = append(a.plan.Calendars, x.step)
	}
	return nil
}

// sameNames finds two calendars with one name, as they would be.
func (a *applying) sameNames(rows []store.CalendarRow) {
	called := map[string]string{} // by name, the key
	for _, r := range rows {
		mine := slices.ContainsFunc(a.calendars, func(x *calendarItem) bool { return x.row.ID == r.ID })
		if !r.Deleted && !mine {
			called[strings.ToLower(r.Name)] = calendarKey(r)
		}
	}
	for _, x := range a.calendars {
		name := strings.ToLower(strings.TrimSpace(x.doc.Name))
		if other, taken := called[name]; taken && name != "" {
			a.plan.Faults = append(a.plan.Faults, x.doc.Fault("name", "The calendar with the key %q has this name.", other))
		}
		called[name] = x.doc.Key
	}
}

// reckonCalendar finds what becomes of one calendar.
func (a *applying) reckonCalendar(ctx context.Context, read store.Read, x *calendarItem, names *flowfile.Names) error {
	d := x.doc
	faults := d.Check()
	if len(faults) == 0 {
		row, err := directory.CalendarRow(a.by, directory.CalendarFields{Name: d.Name, Hours: d.Hours})
		var wrong *postroom.Error
		if errors.As(err, &wrong) && wrong.Code == postroom.Invalid {
			faults = d.Place(workflow.Faults{{Path: wrong.Field, Text: wrong.Text}})
		} else if err != nil {
			return err
		}
		x.row.Name, x.row.Hours = row.Name, row.Hours
	}
	if a.plan.Faults = append(a.plan.Faults, faults...); len(a.plan.Faults) > 0 {
		return nil
	}
	x.step = FileStep{Key: d.Key, Name: d.Name, What: StepSame}
	x.row.Main, x.row.Deleted = d.Default || x.was != nil && x.was.Main, false
	now := *d
	now.Default = x.row.Main
	var old []string
	if x.was != nil {
		before, boxes, err := calendarDocument(ctx, read, *x.was)
		if err != nil {
			return err
		}
		x.boxes = boxes
		if old, err = calendarLines(before, names); err != nil {
			return err
		}
	}
	if d.Mailboxes == nil {
		d.Mailboxes, now.Mailboxes = x.boxes, x.boxes
	}
	if now.Mailboxes == nil {
		now.Mailboxes = []int64{}
	}
	text, err := calendarLines(now, names)
	if err != nil {
		return err
	}
	x.compare(old, text)
	return nil
}

// compare says what becomes of a calendar; old and text are it before and now, as
// files.
func (x *calendarItem) compare(old, text []string) {
	add := func(format string, args ...any) { x.step.Words = append(x.step.Words, fmt.Sprintf(format, args...)) }
	otherBoxes := len(x.doc.Mailboxes) != len(x.boxes) || slices.ContainsFunc(x.doc.Mailboxes, func(id int64) bool { return !slices.Contains(x.boxes, id) })
	if x.was == nil {
		x.step.What, x.fresh = StepNew, true
		add("It is new.")
	} else {
		x.fresh = x.row.Name != x.was.Name || x.row.Hours != x.was.Hours
		switch {
		case x.was.Deleted:
			x.step.What = StepRestored
			add("It was deleted, and is back.")
		case x.fresh || otherBoxes || x.row.Main != x.was.Main:
			x.step.What = StepChanged
		default:
			return
		}
		if x.row.Name != x.was.Name {
			add("It was called %q.", x.was.Name)
		}
		if x.row.Main && !x.was.Main {
			add("It becomes the default.")
		}
		if x.fresh {
			add("It gets revision %d. What waits or was decided by an earlier one stays as it is.", x.was.Revision+1)
		}
	}
	if otherBoxes {
		add("Other mailboxes count by it.")
	}
	if d := workflow.Differ(old, text); slices.ContainsFunc(d, func(c workflow.Change) bool { return c.Sign != ' ' }) {
		x.step.Text = d
	}
}

// calendarLines is a calendar as its file, line by line, without what stands
// above it.
func calendarLines(d flowfile.Calendar, names *flowfile.Names) ([]string, error) {
	text, err := flowfile.WriteCalendar(d, names)
	return belowComment(text), err
}

// writeCalendars writes what was reckoned. All calendars are there before a
// mailbox goes from one to another.
func (a *applying) writeCalendars(ctx context.Context, t *store.Tx) error {
	changed := false
	for _, x := range a.calendars {
		if x.step.What == StepSame {
			continue
		}
		changed = true
		if err := a.writeCalendar(ctx, t, x); err != nil {
			return fmt.Errorf("calendar %s: %w", x.doc.Key, err)
		}
	}
	if !changed {
		return nil
	}
	t.OnCommit(func() {
		a.w.publish(directory.KeyCalendars)
		a.w.publish(directory.KeyMailboxes)
	})
	for _, x := range a.calendars {
		for _, id := range x.boxes {
			if !slices.Contains(x.doc.Mailboxes, id) {
				if err := t.SetMailboxCalendar(ctx, id, 0); err != nil {
					return err
				}
			}
		}
	}
	for _, x := range a.calendars {
		for _, id := range x.doc.Mailboxes {
			if err := t.SetMailboxCalendar(ctx, id, x.row.ID); err != nil {
				return err
			}
		}
	}
	return nil
}

func (a *applying) writeCalendar(ctx context.Context, t *store.Tx, x *calendarItem) error {
	row := x.row
	row.AuthorID, row.At = a.by.ID, a.w.store.Now()
	main := row.Main && (x.was == nil || !x.was.Main)
	row.Main = false
	words := "was changed"
	switch {
	case x.was == nil:
		words, row.Revision = "was added", 1
		if err := t.InsertCalendar(ctx, row); err != nil {
			return err
		}
	case x.was.Deleted:
		words = "was restored"
		if err := t.BringCalendarBack(ctx, row.ID); err != nil {
			return err
		}
	}
	if x.was != nil && x.fresh {
		row.Revision = x.was.Revision + 1
		if err := t.ReviseCalendar(ctx, row); err != nil {
			return err
		}
	}
	if main {
		if err := t.SetMainCalendar(ctx, row.ID); err != nil {
			return err
		}
	}
	return t.Log(ctx, store.LogEntry{Area: store.AreaMailboxes, AgentID: a.by.ID, Words: "The calendar " + row.Name + " " + words + "."})
}
