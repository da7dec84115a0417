package workflow

import (
	"maps"
	"slices"
	"strconv"
	"strings"

	"postroom"
)

// Editable returns a definition as an editor shows it: the If is always a
// group, and no group within it is empty. What it means stays the same.
func Editable(d Definition) Definition {
	if head, _ := d.If.group(); head == "" {
		if d.If.IsZero() {
			d.If = Cond{All: []Cond{}}
		} else {
			d.If = Cond{All: []Cond{d.If}}
		}
	}
	d.If, _ = pruned(d.If)
	return d
}

// Stored is the way back from Editable: an If without conditions is none.
func Stored(d Definition) Definition {
	if head, children := d.If.group(); head != "" && len(children) == 0 {
		d.If = Cond{}
	}
	return d
}

// pruned takes empty groups out of a group, which it copies; the second result
// says that nothing is left of it.
func pruned(c Cond) (Cond, bool) {
	_, children := c.group()
	if children == nil {
		return c, false
	}
	kept := make([]Cond, 0, len(children))
	for _, child := range children {
		if child, gone := pruned(child); !gone {
			kept = append(kept, child)
		}
	}
	return c.with(kept), len(kept) == 0
}

// with returns a group of the same kind with other children.
func (c Cond) with(children []Cond) Cond {
	switch {
	case c.Any != nil:
		return Cond{Any: children}
	case c.None != nil:
		return Cond{None: children}
	}
	return Cond{All: children}
}

// Edit names a change that an editor makes to a definition, with the place
// where: "if[0][1]" is the second condition of the first group, "then[0]" the
// first action. The text of an edit is the act, the place and, for those that
// need it, a word more:
//
//	add if[0]             a condition at the end of a group; "add if" at the outermost
//	group if              a group with one condition in it
//	add then reply        an action
//	add when.unless       something that keeps a timer from running; remove when.unless[0] takes it out
//	remove if[0][1]       takes it out; a group that becomes empty goes too
//	up if[1], down if[1]  moves it; over the edge of its group, out of it, and into a group beside it
//	put if[2] if[0][0]    moves it to before a place
//	end if[2] if[0]       moves it to the end of a group
type Edit struct {
	Act   string
	Place string
	Word  string
}

// ParseEdit reads the text of an edit. What is none is Invalid.
func ParseEdit(text string) (Edit, error) {
	parts := strings.Fields(text)
	if len(parts) < 2 || len(parts) > 3 {
		return Edit{}, postroom.Errorf(postroom.Invalid, "The editor knows no %q.", text)
	}
	e := Edit{Act: parts[0], Place: parts[1]}
	if len(parts) == 3 {
		e.Word = parts[2]
	}
	return e, nil
}

// Apply returns the definition with the change made, and the place where what
// was added or moved is now, "" when it was taken out; d stays as it is. A place
// that is not there, as on a page that has become old, is Invalid.
func (e Edit) Apply(d Definition) (changed Definition, place string, err error) {
	d = Editable(d.copied())
	if rest, ok := strings.CutPrefix(e.Place, "when.unless"); ok {
		if d.When.Unless, place, err = e.unless(d.When.Unless, "when", rest); err != nil {
			return d, "", err
		}
		return d, place, nil
	}
	if at, rest, ok := strings.Cut(e.Place, ".unless"); ok {
		i, ok := actionPlace(at)
		if !ok || i >= len(d.Then) || d.Then[i].Do != DoWait {
			return d, "", errOld()
		}
		if d.Then[i].Unless, place, err = e.unless(d.Then[i].Unless, at, rest); err != nil {
			return d, "", err
		}
		return d, place, nil
	}
	if e.Place == "then" || strings.HasPrefix(e.Place, "then[") {
		if d.Then, place, err = e.action(d.Then); err != nil {
			return d, "", err
		}
		return d, place, nil
	}
	path, ok := condPath(e.Place)
	if !ok {
		return d, "", errOld()
	}
	at, ok := e.cond(&d.If, path)
	if !ok {
		return d, "", errOld()
	}
	d.If, at = prunedAt(d.If, at)
	return d, placeOf(at), nil
}

func errOld() error {
	return postroom.Errorf(postroom.Invalid, "That could not be done: the page was no longer as the workflow is. It has been read again.")
}

// placeOf writes a path as "if[0][1]"; "" for none.
func placeOf(path []int) string {
	if path == nil {
		return ""
	}
	place := "if"
	for _, i := range path {
		place += "[" + strconv.Itoa(i) + "]"
	}
	return place
}

// prunedAt takes empty groups out and says where what was at a path is then.
func prunedAt(c Cond, at []int) (Cond, []int) {
	out, _ := pruned(c)
	if at == nil {
		return out, nil
	}
	moved := slices.Clone(at)
	here := c
	for depth, i := range at {
		_, children := here.group()
		for _, before := range children[:i] {
			if _, gone := pruned(before); gone {
				moved[depth]--
			}
		}
		here = children[i]
	}
	return out, moved
}

// copied returns a copy that shares nothing with d. Unlike clone it keeps what is
// still being written, such as empty groups.
func (d Definition) copied() Definition {
	d.If = d.If.copied()
	d.Then = slices.Clone(d.Then)
	for i, a := range d.Then {
		d.Then[i].Agents, d.Then[i].To, d.Then[i].Texts = slices.Clone(a.Agents), slices.Clone(a.To), maps.Clone(a.Texts)
		d.Then[i].Headers = slices.Clone(a.Headers)
		d.Then[i].Add, d.Then[i].Remove, d.Then[i].Unfollow = slices.Clone(a.Add), slices.Clone(a.Remove), slices.Clone(a.Unfollow)
		d.Then[i].Unless = copiedUnless(a.Unless)
		if a.Agent != nil {
			id := *a.Agent
			d.Then[i].Agent = &id
		}
		if a.Team != nil {
			id := *a.Team
			d.Then[i].Team = &id
		}
	}
	w := &d.When
	w.From, w.To, w.Actors, w.Paths = slices.Clone(w.From), slices.Clone(w.To), slices.Clone(w.Actors), slices.Clone(w.Paths)
	w.Unless, w.Agents = copiedUnless(w.Unless), slices.Clone(w.Agents)
	w.Schedule.Days = slices.Clone(w.Schedule.Days)
	return d
}

func copiedUnless(all []Unless) []Unless {
	out := slices.Clone(all)
	for i, u := range out {
		out[i] = Unless{u.Event, slices.Clone(u.From), slices.Clone(u.To), slices.Clone(u.Actors), slices.Clone(u.Paths), u.Field}
	}
	return out
}

func (c Cond) copied() Cond {
	c.Values = slices.Clone(c.Values)
	if _, children := c.group(); children != nil {
		kept := make([]Cond, len(children))
		for i, child := range children {
			kept[i] = child.copied()
		}
		return c.with(kept)
	}
	return c
}

// condPath reads a place such as "if[0][1]".
func condPath(place string) ([]int, bool) {
	rest, ok := strings.CutPrefix(place, "if")
	if !ok {
		return nil, false
	}
	path := []int{}
	for rest != "" {
		digits, after, closed := strings.Cut(rest, "]")
		n, err := strconv.Atoi(strings.TrimPrefix(digits, "["))
		if !closed || !strings.HasPrefix(digits, "[") || err != nil || n < 0 || len(path) > MaxNesting {
			return nil, false
		}
		path, rest = append(path, n), after
	}
	return path, true
}

// list returns the children of a group so that they can be changed, nil for a
// condition.
func (c *Cond) list() *[]Cond {
	switch {
	case c.All != nil:
		return &c.All
	case c.Any != nil:
		return &c.Any
	case c.None != nil:
		return &c.None
	}
	return nil
}

// at finds a condition or group by its path.
func (c *Cond) at(path []int) *Cond {
	for _, i := range path {
		list := c.list()
		if list == nil || i >= len(*list) {
			return nil
		}
		c = &(*list)[i]
	}
	return c
}

// cond makes a change to the conditions and returns the path of what was added
// or moved, nil for what was taken out.
func (e Edit) cond(root *Cond, path []int) (at []int, ok bool) {
	here := root.at(path)
	if here == nil {
		return nil, false
	}
	switch e.Act {
	case "add", "group":
		list := here.list()
		if list == nil {
			return nil, false
		}
		at = append(slices.Clone(path), len(*list))
		if e.Act == "add" {
			*list = append(*list, Cond{})
			return at, true
		}
		*list = append(*list, Cond{Any: []Cond{{}}})
		return append(at, 0), true
	}
	if len(path) == 0 {
		return nil, false // the outermost group stays where it is
	}
	switch e.Act {
	case "remove":
		root.take(path)
		return nil, true
	case "up":
		return root.up(path), true
	case "down":
		return root.down(path), true
	case "put", "end":
		return e.put(root, path, here)
	}
	return nil, false
}

// put moves a condition or group to before another place, or to the end of a
// group.
func (e Edit) put(root *Cond, from []int, here *Cond) (at []int, ok bool) {
	to, ok := condPath(e.Word)
	if !ok {
		return nil, false
	}
	if e.Act == "end" {
		group := root.at(to)
		if group == nil || group.list() == nil {
			return nil, false
		}
		to = append(to, len(*group.list()))
	}
	if len(to) == 0 {
		return nil, false
	}
	if len(to) >= len(from) && slices.Equal(to[:len(from)], from) {
		return from, true // into itself: it stays
	}
	parent := root.at(to[:len(to)-1])
	if parent == nil || parent.list() == nil || to[len(to)-1] > len(*parent.list()) {
		return nil, false
	}
	moved := here.copied()
	// Behind where it is taken out, places count one less.
	last := len(from) - 1
	if len(to) > last && slices.Equal(to[:last], from[:last]) && to[last] > from[last] {
		to = slices.Clone(to)
		to[last]--
	}
	root.take(from)
	root.insert(to, moved)
	return to, true
}

func next(path []int) []int {
	out := slices.Clone(path)
	out[len(out)-1]++
	return out
}

// take takes out what is at a path.
func (c *Cond) take(path []int) Cond {
	list := c.at(path[:len(path)-1]).list()
	i := path[len(path)-1]
	out := (*list)[i]
	*list = slices.Delete(*list, i, i+1)
	return out
}

// insert puts a condition before what is at a path.
func (c *Cond) insert(path []int, x Cond) {
	list := c.at(path[:len(path)-1]).list()
	*list = slices.Insert(*list, path[len(path)-1], x)
}

// up moves one place up: to the end of a group that stands before it, or out of
// its own group when it is the first there. The very first stays. The result is
// where it is then.
func (c *Cond) up(path []int) []int {
	last := len(path) - 1
	to := slices.Clone(path)
	switch {
	case path[last] > 0:
		to[last]--
		if group := c.at(to).list(); group != nil {
			to = append(to, len(*group))
		}
	case last > 0:
		to = to[:last]
	default:
		return path
	}
	c.insert(to, c.take(path))
	return to
}

// down moves one place down: into a group that stands behind it, or out of its
// own group when it is the last there. The very last stays. The result is where
// it is then.
func (c *Cond) down(path []int) []int {
	last := len(path) - 1
	siblings := *c.at(path[:last]).list()
	to := slices.Clone(path)
	switch {
	case path[last]+1 < len(siblings):
		if siblings[path[last]+1].list() != nil {
			to = append(to, 0) // of the group, which takes this place
		} else {
			to[last]++
		}
	case last > 0:
		to = next(to[:last])
	default:
		return path
	}
	c.insert(to, c.take(path))
	return to
}

// action makes a change to the actions and returns the place of what was added
// or moved.
func (e Edit) action(all []Action) ([]Action, string, error) {
	here := func(i int) string { return "then[" + strconv.Itoa(i) + "]" }
	if e.Place == "then" {
		do := ActionKind(e.Word)
		if e.Act != "add" || !slices.Contains(ActionKinds, do) {
			return all, "", errOld()
		}
		at := len(all)
		if at > 0 && all[at-1].Do == DoStop && do != DoStop {
			at-- // stop stays the last
		}
		return slices.Insert(all, at, Action{Do: do}), here(at), nil
	}
	i, ok := actionPlace(e.Place)
	if !ok || i >= len(all) {
		return all, "", errOld()
	}
	to := i
	switch e.Act {
	case "remove":
		return slices.Delete(all, i, i+1), "", nil
	case "up":
		to = max(0, i-1)
	case "down":
		to = min(len(all)-1, i+1)
	case "put":
		if to, ok = actionPlace(e.Word); !ok || to > len(all) {
			return all, "", errOld()
		}
		if to > i {
			to--
		}
	default:
		return all, "", errOld()
	}
	moved := all[i]
	return slices.Insert(slices.Delete(all, i, i+1), to, moved), here(to), nil
}

// actionPlace reads a place such as "then[0]".
func actionPlace(place string) (int, bool) {
	digits, ok := strings.CutPrefix(place, "then[")
	digits, closed := strings.CutSuffix(digits, "]")
	i, err := strconv.Atoi(digits)
	return i, ok && closed && err == nil && i >= 0
}
