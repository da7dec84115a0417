package workflow

import (
	"strconv"
	"strings"

	"postroom"
)

// Vector returns the judgement in the compact form that is stored with the
// event: for each workflow its id and version in base 36 and the verdict's
// code, as in "1c.3m 1d.1f 1e.2s". Who stopped a stopped one is not written:
// it is always the nearest before it that matched and stops. One that another
// workflow ran has a "+" before it for each that runs the next, and belongs to
// the nearest before it with one less.
func (j Judgement) Vector() string {
	b := make([]byte, 0, 8*len(j.Results))
	for i, r := range j.Results {
		if i > 0 {
			b = append(b, ' ')
		}
		for range r.Level {
			b = append(b, '+')
		}
		b = strconv.AppendInt(b, r.WorkflowID, 36)
		b = append(b, '.')
		b = strconv.AppendInt(b, int64(r.Number), 36)
		b = append(b, byte(r.Verdict))
	}
	return string(b)
}

// ParseVector reads a stored vector. It is an error if any part of it is not
// as Vector writes it.
func ParseVector(s string) ([]Result, error) {
	if s == "" {
		return nil, nil
	}
	parts := strings.Split(s, " ")
	out := make([]Result, 0, len(parts))
	for _, p := range parts {
		r, ok := parseResult(p)
		if !ok || r.Level > 0 && !callerOf(out, &r) {
			return nil, postroom.Errorf(postroom.Internal, "%q is not a stored verdict.", p)
		}
		out = append(out, r)
	}
	return out, nil
}

// callerOf finds who ran what the result is about.
func callerOf(before []Result, r *Result) bool {
	for i := len(before) - 1; i >= 0; i-- {
		if before[i].Level == r.Level-1 {
			r.Caller = before[i].WorkflowID
			return true
		}
	}
	return false
}

func parseResult(p string) (Result, bool) {
	plain := strings.TrimLeft(p, "+")
	level := len(p) - len(plain)
	id, rest, ok := strings.Cut(plain, ".")
	if !ok || len(rest) < 2 {
		return Result{}, false
	}
	last := len(rest) - 1
	r := Result{Verdict: Verdict(rest[last]), Level: level}
	number, err := strconv.ParseInt(rest[:last], 36, 32)
	if err != nil {
		return Result{}, false
	}
	r.Number = int(number)
	if r.WorkflowID, err = strconv.ParseInt(id, 36, 64); err != nil {
		return Result{}, false
	}
	_, known := verdictWords[r.Verdict]
	return r, known && (Judgement{Results: []Result{r}}).Vector() == p
}
