package calendar

import (
	"strings"

	"postroom"
)

// ParseHolidays reads a holiday a line, such as "12-25 Christmas Day" or
// "2026-12-28". Whether the dates are dates is Check's to say.
func ParseHolidays(text string) []Holiday {
	var out []Holiday
	for line := range strings.Lines(text) {
		if line = strings.TrimSpace(line); line == "" {
			continue
		}
		date, note, _ := strings.Cut(line, " ")
		out = append(out, Holiday{Date: date, Note: strings.TrimSpace(note)})
	}
	return out
}

// HolidaysText writes holidays as ParseHolidays reads them.
func HolidaysText(list []Holiday) string {
	lines := make([]string, len(list))
	for i, x := range list {
		lines[i] = strings.TrimSpace(x.Date + " " + x.Note)
	}
	return strings.Join(lines, "\n")
}

// closed is written in the place of spans on a day that has none.
const closed = "closed"

// ParseExceptions reads a day a line, such as "2026-12-24 9-12 Christmas Eve" or
// "2026-12-31 closed". What is no such line is Invalid.
func ParseExceptions(text string) ([]Exception, error) {
	var out []Exception
	for line := range strings.Lines(text) {
		if line = strings.TrimSpace(line); line == "" {
			continue
		}
		words := strings.Fields(strings.ReplaceAll(strings.ReplaceAll(line, "–", "-"), " - ", "-"))
		x, n := Exception{Date: words[0]}, 1
		for n < len(words) && (words[n][0] >= '0' && words[n][0] <= '9') && strings.Contains(words[n], "-") {
			spans, err := ParseSpans(words[n])
			if err != nil {
				return nil, postroom.Errorf(postroom.Invalid, "%s: %s", x.Date, postroom.TextOf(err))
			}
			x.Spans = append(x.Spans, spans...)
			n++
		}
		if n == 1 {
			if len(words) == 1 || !strings.EqualFold(words[1], closed) {
				return nil, postroom.Errorf(postroom.Invalid, "Say when it is open on %s, as in “2026-12-24 9-12”, or write closed.", x.Date)
			}
			n++
		}
		x.Note = strings.Join(words[n:], " ")
		out = append(out, x)
	}
	return out, nil
}

// ExceptionsText writes exceptions as ParseExceptions reads them.
func ExceptionsText(list []Exception) string {
	lines := make([]string, len(list))
	for i, x := range list {
		spans := SpansText(x.Spans)
		if spans == "" {
			spans = closed
		}
		lines[i] = strings.TrimSpace(x.Date + " " + spans + " " + x.Note)
	}
	return strings.Join(lines, "\n")
}

// Fallback is the name of what counts on a desk that has no calendar: the Usual
// hours in UTC, as calendar 0 of revision 0.
const Fallback = "the usual hours"

// Read makes a stored revision ready for counting; calendar 0 is Fallback.
func Read(id int64, revision int, name, stored string) (*Calendar, error) {
	if id == 0 {
		return New(0, 0, Fallback, Usual("UTC")), nil
	}
	h, err := Decode(stored)
	if err != nil {
		return nil, err
	}
	return New(id, revision, name, h), nil
}

// Days names the days of the week, Monday first.
var Days = [7]string{"Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"}
