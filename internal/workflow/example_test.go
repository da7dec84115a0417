package workflow_test

import (
	"fmt"

	"postroom"
	"postroom/internal/template"
	"postroom/internal/workflow"
)

// The way of one event: judged, stored as a vector, explained, planned.
func Example() {
	var entries []workflow.Entry
	for i, s := range workflow.Shipped() {
		v, err := workflow.Compile(s.Definition, workflow.Identity{WorkflowID: int64(i + 1), Number: 1, Name: s.Name})
		if err != nil {
			fmt.Println(err)
			return
		}
		entries = append(entries, workflow.Entry{Version: v, State: workflow.Enabled})
	}
	set := workflow.NewSet(1, entries)

	closing := &postroom.Event{
		Kind: postroom.StatusChanged, Actor: postroom.Actor{Kind: postroom.ByAgent, ID: 7}, Path: postroom.PathSend,
		Payload: postroom.Payload{From: "pending", To: "closed"},
		After:   postroom.Snapshot{Number: 1042, Status: postroom.Closed},
	}
	customer := &postroom.Customer{Name: "Maria Lind"}
	facts := workflow.NewFacts(workflow.Record{Event: closing, Customer: customer})
	judgement := workflow.Judge(set, closing, facts, workflow.Inputs{})
	fmt.Println("stored:", judgement.Vector())

	values := workflow.Values{Event: closing, Customer: customer, Mailbox: &postroom.Mailbox{Name: "Acme Support"}}
	for _, v := range judgement.Matches {
		wishes, err := workflow.Plan(v, template.Options{}, values.Value, nil)
		if err != nil {
			fmt.Println(err)
			return
		}
		fmt.Printf("%s: %s, beginning %.12q\n", v.Name, wishes[0].Detail, wishes[0].Text)
	}

	closing.Actor = postroom.System
	why, _ := workflow.Explain(set, closing, facts, workflow.Inputs{}, nil)
	fmt.Println(why[0].Reason)
	// Output:
	// stored: 2.1m
	// Tell the customer it is closed: reply to the customer, beginning "Hello Maria,"
	// Its When does not fit: done by the desk itself, not an agent, a workflow or an API client.
}
