package store

import (
	"context"
)

// CalendarRow is one revision of a calendar, as it is stored.
type CalendarRow struct {
	ID       int64
	Key      string // by which files name it, "" for one that was made on its page
	Revision int
	Name     string
	Hours    string // JSON of package calendar
	AuthorID int64  // 0: the program
	At       int64  // when it was written, in milliseconds
	Main     bool   // it counts where a mailbox names none
	Deleted  bool   // it is kept for what was decided by it
}

const (
	calendarColumns = `c.id, c.key, r.revision, r.name, r.hours, r.author_id, r.at, c.main, c.deleted_at`
	calendarFrom    = ` from calendar c join calendar_revision r on r.calendar_id = c.id`
	qCalendars      = `select ` + calendarColumns + calendarFrom + ` and r.revision = c.revision where c.deleted_at = 0 order by c.main desc, lower(r.name), c.id`
	qEveryCalendar  = `select ` + calendarColumns + calendarFrom + ` and r.revision = c.revision order by c.id`
	qCalendar       = `select ` + calendarColumns + calendarFrom + ` and r.revision = c.revision where c.id = $1`
	qCalendarOf     = `select ` + calendarColumns + calendarFrom + ` where c.id = $1 and r.revision = $2`
	qCalendarFor    = `select ` + calendarColumns + calendarFrom + ` and r.revision = c.revision
		where c.deleted_at = 0 and (c.main = 1 or c.id = (select calendar_id from mailbox where id = $1)) order by c.main, c.id limit 1`
	qRevisions     = `select ` + calendarColumns + calendarFrom + ` where c.id = $1 order by r.revision desc limit 50`
	qCalendarBoxes = `select id, name from mailbox where calendar_id = $1 order by lower(name), id`
)

func scanCalendar(r row) (CalendarRow, error) {
	var c CalendarRow
	var deleted int64
	err := r.Scan(&c.ID, &c.Key, &c.Revision, &c.Name, &c.Hours, &c.AuthorID, &c.At, &c.Main, &deleted)
	c.Deleted = deleted > 0
	return c, err
}

// Calendars lists the calendars as they are now, the main one first, then by
// name.
func (r Read) Calendars(ctx context.Context) ([]CalendarRow, error) {
	return r.calendars(ctx, qCalendars)
}

// EveryCalendar lists all calendars as they are now, those that were deleted too.
func (r Read) EveryCalendar(ctx context.Context) ([]CalendarRow, error) {
	return r.calendars(ctx, qEveryCalendar)
}

// CalendarRevisions lists the latest revisions of a calendar, the newest first.
func (r Read) CalendarRevisions(ctx context.Context, id int64) ([]CalendarRow, error) {
	return r.calendars(ctx, qRevisions, id)
}

func (r Read) calendars(ctx context.Context, query string, args ...any) ([]CalendarRow, error) {
	var out []CalendarRow
	err := each(ctx, r.q, query, args, func(rows row) error {
		c, err := scanCalendar(rows)
		out = append(out, c)
		return err
	})
	return out, err
}

// Calendar loads a calendar as it is now, a deleted one too.
func (r Read) Calendar(ctx context.Context, id int64) (CalendarRow, error) {
	c, err := scanCalendar(r.q.QueryRow(ctx, qCalendar, id))
	return c, missing(err, "There is no such calendar.")
}

// CalendarRevision loads one revision of a calendar.
func (r Read) CalendarRevision(ctx context.Context, id int64, revision int) (CalendarRow, error) {
	c, err := scanCalendar(r.q.QueryRow(ctx, qCalendarOf, id, revision))
	return c, missing(err, "There is no such calendar.")
}

// CalendarFor loads the calendar that counts for a mailbox: its own, else the
// main one. NotFound is a desk without calendars; then package calendar's usual
// hours count.
func (r Read) CalendarFor(ctx context.Context, mailbox int64) (CalendarRow, error) {
	c, err := scanCalendar(r.q.QueryRow(ctx, qCalendarFor, mailbox))
	return c, missing(err, "There is no calendar.")
}

// CalendarMailboxes lists the mailboxes that name a calendar.
func (r Read) CalendarMailboxes(ctx context.Context, id int64) ([]MailboxName, error) {
	var out []MailboxName
	err := each(ctx, r.q, qCalendarBoxes, []any{id}, func(rows row) error {
		var m MailboxName
		err := rows.Scan(&m.ID, &m.Name)
		out = append(out, m)
		return err
	})
	return out, err
}

// MailboxName is a mailbox by its name.
type MailboxName struct {
	ID   int64
	Name string
}

const (
	qInsertCalendar = `insert into calendar (id, revision, main, key) values ($1,$2,$3,$4)`
	qReviseCalendar = `update calendar set revision = $2 where id = $1 and revision = $3 and deleted_at = 0`
	qInsertRevision = `insert into calendar_revision (calendar_id, revision, name, hours, author_id, at) values ($1,$2,$3,$4,$5,$6)`
	qMainCalendar   = `update calendar set main = case when id = $1 then 1 else 0 end where id = $1 or main = 1`
	qBringCalendar  = `update calendar set deleted_at = 0 where id = $1`
	qBoxCalendar    = `update mailbox set calendar_id = $2 where id = $1`
	qDeleteCalendar = `update calendar set deleted_at = $2, main = 0 where id = $1 and deleted_at = 0`
)

// InsertCalendar stores a new calendar with its first revision.
func (t *Tx) InsertCalendar(ctx context.Context, c CalendarRow) error {
	if _, err := t.exec(ctx, qInsertCalendar, c.ID, c.Revision, bit(c.Main), c.Key); err != nil {
		return err
	}
	return t.insertRevision(ctx, c)
}

// ReviseCalendar stores the next revision of a calendar. It is a Conflict if
// another one came first, or the calendar was deleted.
func (t *Tx) ReviseCalendar(ctx context.Context, c CalendarRow) error {
	if err := t.one(ctx, "revise calendar", qReviseCalendar, c.ID, c.Revision, c.Revision-1); err != nil {
		return err
	}
	return t.insertRevision(ctx, c)
}

func (t *Tx) insertRevision(ctx context.Context, c CalendarRow) error {
	_, err := t.exec(ctx, qInsertRevision, c.ID, c.Revision, c.Name, c.Hours, c.AuthorID, c.At)
	return err
}

// SetMainCalendar has a calendar count where a mailbox names none.
func (t *Tx) SetMainCalendar(ctx context.Context, id int64) error {
	_, err := t.exec(ctx, qMainCalendar, id)
	return err
}

// BringCalendarBack puts a deleted calendar to use again.
func (t *Tx) BringCalendarBack(ctx context.Context, id int64) error {
	return t.one(ctx, "restore calendar", qBringCalendar, id)
}

// SetMailboxCalendar has a mailbox count by a calendar; 0 is the main one.
func (t *Tx) SetMailboxCalendar(ctx context.Context, mailbox, calendar int64) error {
	return t.one(ctx, "set calendar", qBoxCalendar, mailbox, calendar)
}

// DeleteCalendar takes a calendar out of use; its revisions stay.
func (t *Tx) DeleteCalendar(ctx context.Context, id int64) error {
	return t.one(ctx, "delete calendar", qDeleteCalendar, id, t.store.Now())
}
