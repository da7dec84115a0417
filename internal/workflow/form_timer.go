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
	for i, u := range w.Unless {
		at := fmt.Sprintf("when.unless[%d]", i)
		f[at+".event"] = []string{string(u.Event)}
		for name, values := range map[string][]string{"from": u.From, "to": u.To, "actors": asText(u.Actors), "paths": asText(u.Paths)} {
			if len(values) > 0 {
				f[at+"."+name] = values
			}
		}
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
	for _, i := range r.unlessPlaces() {
		w.Unless = append(w.Unless, r.unless(fmt.Sprintf("when.unless[%d]", i)))
	}
}

func (r *fieldReader) unlessPlaces() []int {
	var places []int
	for name := range r.fields {
		digits, ok := strings.CutPrefix(name, "when.unless[")
		if digits, ok2 := strings.CutSuffix(digits, "].event"); ok && ok2 {
			i, err := strconv.Atoi(digits)
			if err != nil || i < 0 || len(places) > 2*MaxUnless {
				r.fault("when.unless", "The form is not in order: there is no place %q.", clip(name))
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
	return u
}

// unless makes a change to what keeps a timer from running; rest is what stands
// behind "when.unless" in the place.
func (e Edit) unless(all []Unless, rest string) ([]Unless, string, error) {
	if rest == "" && e.Act == "add" {
		return append(all, Unless{Event: postroom.MessageReceived, Actors: []postroom.ActorKind{postroom.ByCustomer}}),
			fmt.Sprintf("when.unless[%d]", len(all)), nil
	}
	i, ok := actionPlace("then" + rest)
	if !ok || i >= len(all) || e.Act != "remove" {
		return all, "", errOld()
	}
	return slices.Delete(all, i, i+1), "", nil
}
