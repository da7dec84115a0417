package workflow

import (
	"fmt"
	"slices"

	"postroom"
	"postroom/internal/calendar"
)

// The action wait parts a Then into legs (W18): what stands before it is done at
// once, and what stands behind it when the time has come, unless something came
// between. The conditions are not asked again; what was changed since is left as
// it is (W17).

// LegOf returns which leg of a run an event is for: 0 for the first, n for the
// one behind the nth wait, whose time has come.
func LegOf(e *postroom.Event) int {
	if e.Kind == postroom.TimerDue {
		return e.Payload.Leg
	}
	return 0
}

// Leg returns which actions of the Then are a leg's: those at from up to, and
// without, to. The wait that ends a leg is its last. A leg that the version does
// not have is empty.
func (v *Version) Leg(n int) (from, to int) {
	for i, a := range v.actions {
		if a.Do != DoWait {
			continue
		}
		if n == 0 {
			return from, i + 1
		}
		n, from = n-1, i+1
	}
	if n > 0 {
		return len(v.actions), len(v.actions)
	}
	return from, len(v.actions)
}

// Legs counts the legs of its Then: one, and one more for each wait.
func (v *Version) Legs() int {
	n := 1
	for _, a := range v.actions {
		if a.Do == DoWait {
			n++
		}
	}
	return n
}

// LegDueAt returns when the leg behind the nth wait, from 1, is due that begins
// at a time, both in milliseconds; 0 for the wait of its When. The calendar is
// looked at where LegCountsOffice says so. ok is false if the version has no such
// wait.
func (v *Version) LegDueAt(n int, at int64, office *calendar.Calendar) (due int64, ok bool) {
	if n == 0 {
		return v.DueAt(at, office), v.Timed()
	}
	a := v.waitBefore(n)
	if a == nil {
		return 0, false
	}
	return a.wait.After(at, office), true
}

// LegCountsOffice reports whether the wait before a leg is one of business time.
func (v *Version) LegCountsOffice(n int) bool {
	if n == 0 {
		return v.CountsOffice()
	}
	a := v.waitBefore(n)
	return a != nil && a.wait.Business()
}

// waitBefore is the wait that stands before a leg, nil if there is none.
func (v *Version) waitBefore(n int) *compiledAction {
	if from, _ := v.Leg(n); n > 0 && from > 0 && n < v.Legs() {
		return &v.actions[from-1]
	}
	return nil
}

// endings are the events of a When's Unless, or of the wait before a leg.
func (v *Version) endings(leg int) []compiledWhen {
	if leg == 0 {
		return v.unless
	}
	if a := v.waitBefore(leg); a != nil {
		return a.unless
	}
	return nil
}

// LegUnless says what keeps a leg from being done; 0 is the wait of the When.
func (v *Version) LegUnless(leg int, names Names) string {
	if a := v.waitBefore(leg); a != nil {
		return unlessWords(a.Unless, names)
	}
	return v.UnlessWords(names)
}

// wait checks how long it waits and what ends that.
func (c *compiler) wait(a Action, path string) (span Span, unless []compiledWhen) {
	span, ok := ReadSpan(a.For)
	switch {
	case a.For == "":
		c.fault(path+".for", "Say how long to wait.")
	case !ok || span.Least() > MaxAfter*60_000:
		c.fault(path+".for", "%q is not a time to wait, such as 30m, 12h, 7d, 2w, 4bh or 2bd; at most a year.", clip(a.For))
	}
	if len(a.Unless) > MaxUnless {
		c.fault(path+".unless", "At most %d events can keep it from going on.", MaxUnless)
		return span, nil
	}
	for i, u := range a.Unless {
		at := fmt.Sprintf("%s.unless[%d].", path, i)
		if OwnEvent(u.Event) {
			c.fault(at+"event", "When %s, that is for one workflow alone, and ends no wait.", EventLabel(u.Event))
			continue
		}
		c.edge(u.when(), at)
		unless = append(unless, compiledWhen{u.when()})
	}
	return span, unless
}

// ends checks what the last actions of a Then are.
func (c *compiler) ends(then []Action) {
	last := len(then) - 1
	if last >= 0 && then[last].Do == DoWait {
		c.fault(fmt.Sprintf("then[%d].do", last), "Nothing is done after the wait: add an action behind it, or take it out.")
	}
	if last > 0 && then[last].Do == DoStop && slices.ContainsFunc(then, func(a Action) bool { return a.Do == DoWait }) {
		c.fault(fmt.Sprintf("then[%d].do", last), "After a wait there is nothing left to stop: the later workflows have looked at the event long before.")
	}
}

func (a Action) waitWords(names Names) string {
	text := "wait " + spanWords(a.For)
	if a.For == "" {
		text = "wait " + gap
	}
	if len(a.Unless) > 0 {
		text += " and go on unless " + unlessWords(a.Unless, names)
	}
	return text
}

// OfLeg returns the wishes that belong to a leg.
func (v *Version) OfLeg(leg int, all []Wish) []Wish {
	from, to := v.Leg(leg)
	return slices.DeleteFunc(slices.Clone(all), func(w Wish) bool { return w.Position < from || w.Position >= to })
}
