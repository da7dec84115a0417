package workflow

import (
	"testing"
)

// The shipped workflows are ordinary ones (W13): they compile, could be
// published as they are, and survive being written and read.
func TestShippedArePublishable(t *testing.T) {
	t.Parallel()
	for i, s := range Shipped() {
		if err := Publishable(s.Definition); err != nil {
			t.Errorf("%s: %v", s.Key, err)
		}
		v, err := Compile(s.Definition, Identity{WorkflowID: int64(i + 1), Number: 1, Key: s.Key, Name: s.Name})
		if err != nil {
			t.Fatalf("%s: %v", s.Key, err)
		}
		if !v.Mails() || v.Stops() {
			t.Errorf("%s: mails %v, stops %v", s.Key, v.Mails(), v.Stops())
		}
		b, err := s.Definition.Encode()
		if err != nil {
			t.Fatal(err)
		}
		d, err := Decode(b)
		if err != nil {
			t.Fatalf("%s: %v", s.Key, err)
		}
		again, err := d.Encode()
		if err != nil || string(again) != string(b) {
			t.Errorf("%s: came back as\n%s\nfrom\n%s", s.Key, again, b)
		}
		t.Log(Sentence(d, nil))
	}
}
