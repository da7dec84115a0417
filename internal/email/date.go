package email

import (
	"net/mail"
	"strconv"
	"strings"
	"time"
)

// ParseDate reads a Date header (RFC 5322 3.3 and 4.3) and the other shapes
// that are sent under that name: two-digit years, missing seconds or zones
// (UTC is assumed), asctime, ISO 8601. ok is false when no date can be read.
func ParseDate(s string) (t time.Time, ok bool) {
	s = strings.TrimSpace(s)
	if s == "" || len(s) > 200 {
		return time.Time{}, false
	}
	if t, err := mail.ParseDate(s); err == nil && plausible(t) {
		// Zones with a name only come out as UTC; the loose reading knows them.
		if zone, offset := t.Zone(); offset == 0 && zone != "" && zone != "UTC" && zone != "GMT" {
			if loose, ok := parseLooseDate(stripComment(s)); ok {
				return loose, true
			}
		}
		return t.UTC(), true
	}
	s = strings.TrimSpace(stripComment(s))
	for _, layout := range []string{time.RFC3339, "2006-01-02T15:04:05Z0700", "2006-01-02 15:04:05 -0700", "2006-01-02 15:04:05", "2006-01-02T15:04:05", time.UnixDate, time.ANSIC} {
		if t, err := time.Parse(layout, s); err == nil && plausible(t) {
			return t.UTC(), true
		}
	}
	return parseLooseDate(s)
}

func plausible(t time.Time) bool { return t.Year() >= 1970 && t.Year() < 10000 }

// parseLooseDate takes day, month, year, time and zone from the words of s in
// whatever order they stand.
func parseLooseDate(s string) (time.Time, bool) {
	words := strings.FieldsFunc(s, func(r rune) bool { return r == ' ' || r == '\t' || r == ',' })
	if len(words) == 1 || strings.Count(s, "-") >= 2 && !strings.Contains(s, " -") {
		words = strings.FieldsFunc(s, func(r rune) bool { return r == ' ' || r == ',' || r == '-' })
	}
	day, year, month := 0, 0, time.Month(0)
	clock, offset, seenClock := [3]int{}, 0, false
	for _, w := range words {
		switch {
		case strings.Contains(w, ":") && !seenClock && w[0] != '+' && w[0] != '-':
			c, ok := parseClock(w)
			if !ok {
				return time.Time{}, false
			}
			clock, seenClock = c, true
		case monthOf(w) != 0 && month == 0:
			month = monthOf(w)
		case isNumber(w) && (w[0] != '+' && w[0] != '-'):
			n, _ := strconv.Atoi(w)
			switch {
			case day == 0 && n >= 1 && n <= 31 && len(w) <= 2:
				day = n
			case year == 0 && len(w) <= 4:
				year = fullYear(n, len(w))
			}
		default:
			if o, ok := parseZone(w); ok && seenClock {
				offset = o
			} else if strings.EqualFold(w, "PM") && seenClock && clock[0] < 12 {
				clock[0] += 12
			} else if strings.EqualFold(w, "AM") && seenClock && clock[0] == 12 {
				clock[0] = 0
			}
		}
	}
	if day == 0 || month == 0 || year == 0 || clock[0] > 24 || clock[1] > 59 || clock[2] > 60 {
		return time.Time{}, false
	}
	t := time.Date(year, month, day, clock[0], clock[1], clock[2], 0, time.UTC)
	if t.Day() != day && clock[0] < 24 {
		return time.Time{}, false // the 31st of a shorter month
	}
	return t.Add(-time.Duration(offset) * time.Second), plausible(t)
}

func fullYear(n, digits int) int {
	switch {
	case digits == 2 && n < 50:
		return n + 2000
	case digits <= 3:
		return n + 1900
	}
	return n
}

func parseClock(w string) ([3]int, bool) {
	w = strings.TrimSuffix(strings.TrimSuffix(strings.ToUpper(w), "PM"), "AM")
	var c [3]int
	for i, p := range strings.SplitN(w, ":", 4) {
		if i > 2 {
			break
		}
		p, _, _ = strings.Cut(p, ".")
		n, err := strconv.Atoi(p)
		if err != nil || n < 0 {
			return c, false
		}
		c[i] = n
	}
	return c, true
}

func isNumber(w string) bool {
	_, err := strconv.Atoi(w)
	return err == nil
}

func monthOf(w string) time.Month {
	if len(w) < 3 {
		return 0
	}
	const months = "janfebmaraprmayjunjulaugsepoctnovdec"
	i := strings.Index(months, strings.ToLower(w[:3]))
	if i < 0 || i%3 != 0 {
		return 0
	}
	return time.Month(i/3 + 1)
}

// parseZone returns the seconds east of UTC of a zone.
func parseZone(w string) (int, bool) {
	switch strings.ToUpper(w) {
	case "UT", "UTC", "GMT", "Z":
		return 0, true
	case "EDT":
		return -4 * 3600, true
	case "EST", "CDT":
		return -5 * 3600, true
	case "CST", "MDT":
		return -6 * 3600, true
	case "MST", "PDT":
		return -7 * 3600, true
	case "PST":
		return -8 * 3600, true
	case "BST", "CET", "MET", "WEST":
		return 3600, true
	case "CEST", "MEST", "EET":
		return 2 * 3600, true
	case "EEST", "MSK":
		return 3 * 3600, true
	case "JST", "KST":
		return 9 * 3600, true
	}
	w = strings.TrimPrefix(strings.TrimPrefix(strings.ToUpper(w), "GMT"), "UTC")
	if len(w) < 3 || w[0] != '+' && w[0] != '-' {
		return 0, false
	}
	digits := strings.ReplaceAll(w[1:], ":", "")
	n, err := strconv.Atoi(digits)
	if err != nil || len(digits) > 4 {
		return 0, false
	}
	if len(digits) <= 2 {
		n *= 100
	}
	off := n/100*3600 + n%100*60
	if w[0] == '-' {
		off = -off
	}
	return off, n <= 1500
}
