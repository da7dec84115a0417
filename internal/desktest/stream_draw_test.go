package desktest_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"

	"postroom"
	"postroom/internal/desktest"
	"postroom/internal/workflow"
)

// draw draws workflows for a desk. The same seed draws the same ones on every
// desk: where a definition needs an id, what is drawn is which one.
type draw struct {
	*rand.Rand
	agents, mailboxes, tags, flows, teams []int64
	hook                                  string // whom webhooks call
	fixed                                 bool   // nothing changes that is looked at again later: subject and language
}

func newDraw(d *desktest.Desk, seed uint64) *draw {
	x := &draw{Rand: rand.New(rand.NewPCG(seed, 4)), mailboxes: []int64{d.Mailbox.ID}}
	for _, name := range []string{"ann", "ben"} {
		x.agents = append(x.agents, d.Agent(name).ID)
	}
	for _, tag := range []string{"vip", "late", "lamp"} {
		x.tags = append(x.tags, d.Tag(tag))
	}
	for _, name := range []string{"Front", "Back"} {
		x.teams = append(x.teams, d.Team(name, "ann", "ben"))
	}
	if all, err := d.Store.Read().Fields(d.Ctx); err == nil && len(all) == 0 { // a stream draws again
		for _, of := range []postroom.FieldSubject{postroom.OfConversation, postroom.OfCustomer} {
			for kind, key := range fieldKeys {
				f := postroom.Field{Subject: of, Key: key, Kind: kind}
				if kind == postroom.FieldChoice {
					f.Choices = []postroom.FieldOption{{Key: "basic", Name: "Basic"}, {Key: "gold", Name: "Gold"}}
				}
				d.AddField(f)
			}
		}
	}
	x.fixed = x.chance(2)
	return x
}

// chance is true once in n times.
func (x *draw) chance(n int) bool { return x.IntN(n) == 0 }

func one[T any](x *draw, list ...T) T { return list[x.IntN(len(list))] }

// some draws between one and two of a list, each once.
func some2[T comparable](x *draw, list []T) []T {
	out := []T{one(x, list...)}
	if next := one(x, list...); next != out[0] && x.chance(2) {
		out = append(out, next)
	}
	return out
}

// usual are the events that most workflows listen for.
var usual = []postroom.EventKind{postroom.MessageReceived, postroom.MessageReceived, postroom.ConversationCreated, postroom.StatusChanged, postroom.StatusChanged,
	postroom.ReplySent, postroom.TagsChanged, postroom.AssigneeChanged, postroom.NoteAdded}

// definition draws a workflow that can be published.
func (x *draw) definition() workflow.Definition {
	for {
		if def := x.anyDefinition(); workflow.Publishable(def) == nil {
			return def
		}
	}
}

func (x *draw) anyDefinition() workflow.Definition {
	def := workflow.Definition{When: workflow.When{Event: one(x, usual...)}}
	if x.chance(4) {
		def.When.Event = one(x, append(workflow.Events(), postroom.ScheduleDue, postroom.ScheduleDue, postroom.WorkflowStarted)...)
	}
	if def.When.Event == postroom.FieldChanged && x.chance(2) {
		def.When.Field, def.When.To = "choice.plan", []string{"gold"}
	}
	if def.When.Event == postroom.StatusChanged && x.chance(2) {
		def.When.To = []string{string(one(x, postroom.Statuses...))}
	}
	if x.chance(5) {
		def.When.Actors = []postroom.ActorKind{one(x, postroom.ByAgent, postroom.ByCustomer, postroom.ByWorkflow)}
	}
	switch {
	case def.When.Scheduled():
		def.When.Schedule, def.When.Actors = x.schedule(), nil
	case x.chance(4):
		def.When.After, def.When.Again, def.When.Unless = one(x, spans...), one(x, "", workflow.AgainEach), x.unless()
	}
	if x.chance(2) {
		def.If = x.cond(def.When.Judges(), 2)
	}
	for range 1 + x.IntN(3) {
		def.Then = append(def.Then, x.action())
	}
	x.more(&def)
	if x.chance(6) {
		def.Then = append(def.Then, workflow.Action{Do: workflow.DoStop})
	}
	if x.chance(2) {
		def.Limits = workflow.Limits{OncePer: one(x, "", workflow.OncePerClose, workflow.OncePerConversation), CoolDown: one(x, 0, 60, 7*24*60),
			MailsPerConversationDay: x.IntN(3), MailBudget: one(x, 0, 2)}
		if x.chance(3) {
			def.Limits.Runs, def.Limits.Period = 1+x.IntN(2), 24*60
		}
	}
	return def
}

func (x *draw) cond(kind postroom.EventKind, depth int) workflow.Cond {
	if depth == 0 || x.chance(2) {
		return x.leaf(kind)
	}
	var parts []workflow.Cond
	for range 1 + x.IntN(2) {
		parts = append(parts, x.cond(kind, depth-1))
	}
	return one(x, workflow.Cond{All: parts}, workflow.Cond{Any: parts}, workflow.Cond{None: parts})
}

// leaf draws a condition about any fact that the event has.
func (x *draw) leaf(kind postroom.EventKind) workflow.Cond {
	f := one(x, workflow.FactsOn(kind)...)
	for x.fixed && f.Name == "customer.language" {
		f = one(x, workflow.FactsOn(kind)...)
	}
	c := workflow.Cond{Fact: factOf(f), Op: one(x, f.Ops...)}
	n := 1
	for _, op := range workflow.Operators() {
		if op.Op == c.Op {
			n = op.Values
		}
	}
	if n < 0 {
		n = 1 + x.IntN(2)
	}
	for range n {
		c.Values = append(c.Values, x.value(f, c.Op))
	}
	return c
}

func (x *draw) value(f workflow.Fact, op workflow.Op) string {
	switch f.Kind {
	case workflow.KindChoice:
		if len(f.Choices) == 0 { // of a field
			return one(x, "basic", "gold")
		}
		return one(x, f.Choices...)
	case workflow.KindNumber:
		return strconv.Itoa(x.IntN(4))
	case workflow.KindBool:
		return one(x, "true", "false")
	case workflow.KindTime:
		if op == workflow.Within || op == workflow.Older {
			return one(x, "1m", "2h", "3d", "4w", "4bh", "1bd")
		}
		return one(x, "2026-03-01", "2026-03-09T11:00:00Z", "2026-05-01")
	case workflow.KindRef, workflow.KindSet:
		ids := map[workflow.Ref][]int64{workflow.RefAgent: x.agents, workflow.RefMailbox: x.mailboxes, workflow.RefTag: x.tags, workflow.RefWorkflow: x.flows, workflow.RefTeam: x.teams}[f.Ref]
		if len(ids) == 0 {
			ids = []int64{0}
		}
		return strconv.FormatInt(one(x, ids...), 10)
	}
	switch {
	case op == workflow.Matches:
		return one(x, "lamp|price", "^m.*e$", "[0-9]+")
	case f.Name == "event.to", f.Name == "event.from":
		return "closed"
	}
	return one(x, "lamp", "price", "customer.example", "mara@customer.example", "450", "de")
}

// action draws an action of any kind.
func (x *draw) action() workflow.Action {
	text := one(x, "Hello {{ customer.name | default: \"there\" }}.", "Number {{ conversation.number }}.", "<We> & you.", "Thank you.")
	switch kind := one(x, append(slices.Clone(workflow.ActionKinds), workflow.DoReply, workflow.DoReply, workflow.DoReply, workflow.DoStatus, workflow.DoTags, workflow.DoWebhook, workflow.DoFollow)...); kind {
	case workflow.DoReply:
		a := workflow.Action{Do: kind, Text: text}
		if x.chance(3) {
			a = workflow.Action{Do: kind, HTML: "<p>" + text + "</p>"}
		}
		if x.chance(4) {
			a.Texts = map[string]string{"de": "Hallo."}
		}
		return a
	case workflow.DoNote:
		return workflow.Action{Do: kind, Text: text}
	case workflow.DoStatus:
		return workflow.Action{Do: kind, Status: one(x, postroom.Active, postroom.Pending, postroom.Closed, postroom.Closed)}
	case workflow.DoAssign:
		if x.chance(4) {
			return workflow.Action{Do: kind, By: one(x, workflow.RoundRobin, workflow.LeastLoaded), Team: &x.teams[0]}
		}
		if x.chance(2) {
			return workflow.Action{Do: kind, By: one(x, workflow.RoundRobin, workflow.LeastLoaded), Agents: slices.Clone(x.agents)}
		}
		agent := one(x, append([]int64{0}, x.agents...)...)
		return workflow.Action{Do: kind, Agent: &agent}
	case workflow.DoTags:
		if x.chance(2) {
			return workflow.Action{Do: kind, Remove: some2(x, x.tags)}
		}
		return workflow.Action{Do: kind, Add: some2(x, x.tags)}
	case workflow.DoSubject:
		if !x.fixed {
			return workflow.Action{Do: kind, Subject: "[{{ conversation.number }}] lamp"}
		}
	case workflow.DoMove:
		return workflow.Action{Do: kind, Mailbox: one(x, x.mailboxes...)}
	case workflow.DoSpam, workflow.DoDelete:
		if x.chance(8) { // nothing more happens where these ran
			return workflow.Action{Do: kind}
		}
	case workflow.DoMail:
		a := workflow.Action{Do: kind, To: []string{"boss@elsewhere.example"}, Subject: "Look", Text: text}
		if x.chance(2) {
			a = workflow.Action{Do: kind, Assignee: true, Agents: []int64{one(x, x.agents...)}, Text: text}
		}
		return a
	case workflow.DoTeam:
		team := one(x, append([]int64{0}, x.teams...)...)
		return workflow.Action{Do: kind, Team: &team}
	case workflow.DoField:
		return one(x, workflow.Action{Do: kind, Field: "choice.plan", Value: one(x, "basic", "gold", "")}, workflow.Action{Do: kind, Field: "text.line", Value: text}, workflow.Action{Do: kind, Field: "number.seats", Value: "3"})
	case workflow.DoSnooze:
		if x.chance(3) {
			return workflow.Action{Do: kind, Until: one(x, "tomorrow 09:00", "mon 8:30", "office")}
		}
		return workflow.Action{Do: kind, For: one(x, "30m", "2h", "2d", "4bh")}
	case workflow.DoFollow:
		return x.follow()
	case workflow.DoWebhook:
		return x.webhook()
	case workflow.DoForward:
		return workflow.Action{Do: kind, To: []string{"boss@elsewhere.example"}, Text: text}
	}
	return workflow.Action{Do: workflow.DoNote, Text: fmt.Sprintf("Note %d.", x.IntN(3))}
}

// fieldKeys are the fields of a stream, of conversations and of customers.
var fieldKeys = map[postroom.FieldKind]string{postroom.FieldText: "line", postroom.FieldNumber: "seats", postroom.FieldDate: "due", postroom.FieldChoice: "plan", postroom.FieldYesNo: "gift"}

// factOf is the name of a fact, or of one of those that a row stands for.
func factOf(f workflow.Fact) string {
	if strings.Contains(f.Name, ".field.") {
		for kind, key := range fieldKeys {
			if name, is := strings.CutSuffix(f.Name, string(kind)+".*"); is {
				return name + postroom.FieldPath(kind, key)
			}
		}
	}
	return strings.Replace(f.Name, "*", "X-Priority", 1)
}
