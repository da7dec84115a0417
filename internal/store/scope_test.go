package store

import "testing"

// Who may see nothing is shown nothing: a scope without mailboxes is a
// condition that nothing meets, and never no condition at all.
func TestEmptyScopeShowsNothing(t *testing.T) {
	t.Parallel()
	for name, f := range map[string]func(Scope) (string, []any){
		"mailboxes":     func(s Scope) (string, []any) { return s.mailboxes("m") },
		"whole":         func(s Scope) (string, []any) { return s.whole("m") },
		"conversations": func(s Scope) (string, []any) { return s.conversations("m", "a") },
	} {
		for _, s := range []Scope{{}, {Agent: 7}, Scope{Whole: []int64{4}}.In(5)} {
			if q, args := f(s); q != " and m in (null)" || len(args) != 0 {
				t.Errorf("%s of %+v is %q %v", name, s, q, args)
			}
		}
		if q, _ := f(Scope{All: true}); q != "" {
			t.Errorf("%s of everything is %q", name, q)
		}
	}
	own := Scope{Own: []int64{4}, Agent: 7}
	if q, args := own.conversations("m", "a"); q != " and m in (?) and a = ?" || len(args) != 2 {
		t.Errorf("what is theirs: %q %v", q, args)
	}
	both := Scope{Whole: []int64{3}, Own: []int64{4}, Agent: 7}
	if q, args := both.conversations("m", "a"); q != " and (m in (?) or (m in (?) and a = ?))" || len(args) != 3 {
		t.Errorf("both: %q %v", q, args)
	}
	if q, args := own.whole("m"); q != " and m in (null)" || len(args) != 0 {
		t.Errorf("the mailbox as such: %q %v", q, args)
	}
}
