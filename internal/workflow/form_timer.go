package workflow

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"postroom"
)

// timerFields writes what makes a When wait: "when.wait" says that it does,
// "when.after" and "when.unit" how long, "when.unless[0].event" and its filters
// what keeps it from running.
func (w When) timerFields(f Fields) {
	if !w.Timed() {
		return
	}
	number, unit, ok := SplitSpan(w.After)
	if !ok {
		number, unit = w.After, ""
	}
	f["when.wait"], f["when.after"], f["when.unit"] = []string{"yes"}, []string{number}, []string{unit}
	if w.Again != "" {
		f["when.again"] = []string{string(w.Again)}
	}
	unlessFields(w.Unless, "when", func(name string, values ...string) { f[name] = values })
}

// unlessFields writes what ends a wait: of a When, or of an action at a place.
func unlessFields(all []Unless, place string, set func(string, ...string)) {
	for i, u := range all {
		at := fmt.Sprintf("%s.unless[%d]", place, i)
		set(at+".event", string(u.Event))
		for name, values := range map[string][]string{"from": u.From, "to": u.To, "actors": asText(u.Actors), "paths": asText(u.Paths)} {
			if len(values) > 0 {
				set(at+"."+name, values...)
			}
		}
		if u.Field != "" {
			set(at+".field", u.Field)
		}
	}
}

// waitFields writes how long an action waits: "then[0].for" and "then[0].unit",
// and "then[0].unless[0].event" with its filters.
func (a Action) waitFields(at string, set func(string, ...string)) {
	number, unit, ok := SplitSpan(a.For)
	if !ok {
		number, unit = a.For, ""
	}
	if a.For != "" {
		set(at+".for", number)
		set(at+".unit", unit)
	}
	unlessFields(a.Unless, at, set)
}

// wait reads how long an action waits.
func (r *fieldReader) wait(at string, a *Action) {
	f := r.fields
	if a.For = strings.TrimSpace(f.first(at + ".for")); a.For != "" {
		if _, _, whole := SplitSpan(a.For); !whole || f.first(at+".unit") != "" {
			a.For += f.first(at + ".unit")
		}
	}
	if len(a.For) > 20 {
		r.fault(at+".for", "%q is not a time to wait.", clip(a.For))
		a.For = clip(a.For)
	}
	for _, i := range r.unlessPlaces(at) {
		a.Unless = append(a.Unless, r.unless(fmt.Sprintf("%s.unless[%d]", at, i)))
	}
}

// judges is the kind of event on which the form's conditions are asked.
func (r *fieldReader) judges() postroom.EventKind {
	w := When{Event: postroom.EventKind(r.fields.first("when.event"))}
	if r.fields.first("when.wait") != "" {
		w.After = "1"
	}
	return w.Judges()
}

// timer reads what makes a When wait.
func (r *fieldReader) timer(w *When) {
	f := r.fields
	if f.first("when.wait") == "" {
		return
	}
	w.After = strings.TrimSpace(f.first("when.after"))
	if _, _, whole := SplitSpan(w.After); !whole || f.first("when.unit") != "" {
		w.After += f.first("when.unit")
	}
	if len(w.After) > 20 {
		r.fault("when.after", "%q is not a time to wait.", clip(w.After))
		w.After = clip(w.After)
	}
	if w.After == "" {
		w.After = "d" // the choice to wait is kept, and how long is still to be said
	}
	if again := Again(f.first("when.again")); again != AgainRestart {
		w.Again = again
	}
	for _, i := range r.unlessPlaces("when") {
		w.Unless = append(w.Unless, r.unless(fmt.Sprintf("when.unless[%d]", i)))
	}
}

func (r *fieldReader) unlessPlaces(at string) []int {
	var places []int
	for name := range r.fields {
		digits, ok := strings.CutPrefix(name, at+".unless[")
		if digits, ok2 := strings.CutSuffix(digits, "].event"); ok && ok2 {
			i, err := strconv.Atoi(digits)
			if err != nil || i < 0 || len(places) > 2*MaxUnless {
				r.fault(at+".unless", "The form is not in order: there is no place %q.", clip(name))
				continue
			}
			places = append(places, i)
		}
	}
	slices.Sort(places)
	return places
}

func (r *fieldReader) unless(at string) Unless {
	f := r.fields
	u := Unless{Event: postroom.EventKind(f.first(at + ".event"))}
	for _, a := range filled(f[at+".actors"]) {
		u.Actors = append(u.Actors, postroom.ActorKind(a))
	}
	for _, p := range filled(f[at+".paths"]) {
		u.Paths = append(u.Paths, postroom.Path(p))
	}
	if was := f.first(at + ".was"); was == "" || was == string(u.Event) {
		u.From, u.To = filled(f[at+".from"]), filled(f[at+".to"])
	}
	u.Field, u.From, u.To = r.edgeField(at, u.Event, u.From, u.To)
	return u
}

// unless makes a change to what keeps a timer from running; at is "when" or the
// place of an action, rest what stands behind ".unless" in the place.
func (e Edit) unless(all []Unless, at, rest string) ([]Unless, string, error) {
	if rest == "" && e.Act == "add" {
		return append(all, Unless{Event: postroom.MessageReceived, Actors: []postroom.ActorKind{postroom.ByCustomer}}),
			fmt.Sprintf("%s.unless[%d]", at, len(all)), nil
	}
	i, ok := actionPlace("then" + rest)
	if !ok || i >= len(all) || e.Act != "remove" {
		return all, "", errOld()
	}
	return slices.Delete(all, i, i+1), "", nil
}
