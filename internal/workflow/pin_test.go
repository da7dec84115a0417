package workflow

import (
	"encoding/json"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"postroom"
)

// secretRecord is a moment full of words about a person.
func secretRecord(e *postroom.Event) Record {
	subject := "Invoice 4711 for Zacharias Quux"
	return Record{Event: e, Subject: &subject,
		Customer: &postroom.Customer{ID: 9, Name: "Zacharias Quux", Addresses: []string{"zacharias@quux.example", "zq@private.example"}},
		Message: &postroom.Message{Kind: postroom.Received, Class: postroom.Human, Verified: true, Subject: subject,
			From: postroom.Address{Name: "Zacharias Quux", Address: "zacharias@quux.example"}, To: []postroom.Address{{Address: "help@acme.example"}},
			VisibleText: "My PIN is 0815 and I live in Quuxville. It is urgent, says Zacharias."},
		Headers: func(name string) []string {
			if name == "x-priority" {
				return []string{"1 (zacharias)"}
			}
			return nil
		}}
}

var secrets = []string{"zacharias", "quux", "4711", "0815", "private"}

// W36: a test of a real moment holds nothing about the person, and the
// conditions say of it what they said of the real one.
func TestPinsHoldNobody(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name string
		cond Cond
		want string // in the test's given
	}{
		{"nothing asked", Cond{}, ""},
		{"subject contains", Cond{Fact: "conversation.subject", Op: Contains, Values: []string{"Invoice"}}, `"conversation.subject":["A subject Invoice"]`},
		{"subject does not contain", Cond{Fact: "conversation.subject", Op: NotContains, Values: []string{"Refund"}}, `"conversation.subject":["A subject"]`},
		{"subject starts", Cond{Fact: "message.subject", Op: Starts, Values: []string{"invoice"}}, `"message.subject":["invoice A subject"]`},
		{"domain ends", Cond{Fact: "customer.domain", Op: Ends, Values: []string{".example"}}, `"customer.domain":["example.com.example","example2.com.example"]`},
		{"address of all", Cond{Fact: "customer.address", Op: Ends, Values: []string{".example"}}, `.example`},
		{"body asks for two words", Cond{All: []Cond{{Fact: "message.body", Op: Contains, Values: []string{"urgent"}}, {Fact: "message.body", Op: NotContains, Values: []string{"refund"}}}}, `urgent`},
		{"digits in the body", Cond{Fact: "message.body", Op: Matches, Values: []string{`PIN is \d{4}`}}, ``},
		{"header", Cond{Fact: "message.header.X-Priority", Op: Starts, Values: []string{"1"}}, `"message.header.X-Priority":["1 a value"]`},
		{"name is set", Cond{Fact: "customer.name", Op: IsSet}, `"customer.name":["Kim Customer"]`},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			e := closed()
			d := Definition{When: When{Event: postroom.StatusChanged}, If: c.cond, Then: []Action{{Do: DoReply, Text: `Hello {{ customer.first_name | default: "you" }}`}}}
			v, err := Compile(d, Identity{WorkflowID: 3, Number: 2, MailboxID: e.After.MailboxID})
			if err != nil {
				t.Fatal(err)
			}
			r := secretRecord(e)
			x, kept := v.Pin(r, Inputs{Counters: map[int64]Counters{}}, true)
			text, err := json.Marshal(x)
			if err != nil {
				t.Fatal(err)
			}
			if !strings.Contains(string(text), c.want) {
				t.Errorf("%s is not in %s", c.want, text)
			}
			if len(kept) == 0 {
				for _, s := range secrets {
					if strings.Contains(strings.ToLower(string(text)), s) {
						t.Errorf("%q is still in %s", s, text)
					}
				}
			} else if c.name != "digits in the body" {
				t.Error(kept)
			}
			if x.Expect.Verdict != "matched" || len(x.Expect.Mails) != 1 {
				t.Errorf("it expects %+v", x.Expect)
			}
			if res := v.RunTest(x, TestWorld{}); !res.Green {
				t.Error(res.Differences)
			}
		})
	}
}

// A pin of anything is a test that can be run, is green, and comes out as the
// event did, or says that it does not (W36).
func TestPinsAreGreen(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		e, r, in := drawMoment(t)
		if EdgeOf(e.Kind).Ref == RefMailbox {
			e.Payload = postroom.Payload{From: "1", To: "2"}
		}
		if r.Customer != nil && r.Message != nil {
			s := secretRecord(e)
			s.Event = e
			r = s
		}
		v, err := Compile(drawDefinition(t), Identity{WorkflowID: 1, Number: 1, MailboxID: int64(rapid.IntRange(0, 2).Draw(t, "mailbox"))})
		if err != nil {
			t.Fatal(err)
		}
		x, kept := v.Pin(r, in, rapid.Bool().Draw(t, "verified"))
		if faults := x.Check(); len(faults) > 0 {
			t.Fatalf("%v in %+v", faults, x)
		}
		if res := v.RunTest(x, TestWorld{}); !res.Green {
			t.Fatalf("%v in %+v", res.Differences, x)
		}
		text, _ := json.Marshal(x.Given)
		for _, s := range secrets {
			if len(kept) == 0 && strings.Contains(strings.ToLower(string(text)), s) {
				t.Fatalf("%q is still in %s", s, text)
			}
		}
		real := otherEvent
		if j := Judge(v.setFor(e.Kind), e, NewFacts(r), in); len(j.Results) > 0 {
			real = VerdictKey(j.Results[0].Verdict)
		}
		if real != x.Expect.Verdict && len(kept) == 0 {
			t.Fatalf("%s became %s without a word: %+v", real, x.Expect.Verdict, x)
		}
	})
}
