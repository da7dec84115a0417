package web_test

import (
	"fmt"
	"net/url"
	"strings"
	"testing"

	"postroom"
	"postroom/internal/automate"
	"postroom/internal/db"
	"postroom/internal/desktest"
	"postroom/internal/workflow"
)

// rowCounts counts the rows of every table but those of backtests and jobs.
func rowCounts(t *testing.T, d *desktest.Desk) map[string]int {
	t.Helper()
	names := "select name from sqlite_master where type = 'table' and name not like 'sqlite%'"
	if d.DB.Engine() == db.Postgres {
		names = "select table_name from information_schema.tables where table_schema = current_schema() and table_type = 'BASE TABLE'"
	}
	var tables []string
	rows, err := d.DB.Reader().Query(d.Ctx, names)
	if err != nil {
		t.Fatal(err)
	}
	for rows.Next() {
		var name string
		if err := rows.Scan(&name); err != nil {
			t.Fatal(err)
		}
		tables = append(tables, name)
	}
	if err := rows.Close(); err != nil {
		t.Fatal(err)
	}
	out := map[string]int{}
	for _, name := range tables {
		if name == "job" || strings.HasPrefix(name, "backtest") {
			continue
		}
		var n int
		if err := d.DB.Reader().QueryRow(d.Ctx, "select count(*) from "+name).Scan(&n); err != nil {
			t.Fatal(name, err)
		}
		out[name] = n
	}
	if len(out) < 20 {
		t.Fatalf("only %d tables were found", len(out))
	}
	return out
}

// W35: a draft is tried on what really happened, as a job: what it would have
// done, to whom, which limits would have kept it, beside what really happened.
// Nothing else is written, nothing is sent, and erasing reaches the result.
func TestBacktestOfADraft(t *testing.T) {
	t.Parallel()
	desktest.Each(t, func(t *testing.T, d *desktest.Desk) {
		o := open(t, d)
		ann := o.browser("ann")
		d.ClosingNotice()
		var lamps []*postroom.Conversation
		for _, subject := range []string{"A lamp", "A kettle", "Another lamp"} {
			c := d.CustomerWrites("Mara <mara@customer.example>", subject, "It smokes.")
			d.Agent("ann").SetStatus(c, postroom.Closed, postroom.PathMenu)
			d.Settle()
			d.Pass(60e9)
			lamps = append(lamps, c)
		}
		id := ann.began("")
		f := ann.get(fmt.Sprintf("/workflows/%d/edit", id)).formOf(t, "editor")
		f.Set("name", "Goodbye to lamps")
		f.Set("do", "save")
		ann.post(fmt.Sprintf("/workflows/%d/draft", id), f).want(t, 303, "save")
		begin := fmt.Sprintf("/workflows/%d/backtest", id)
		ann.get(begin).want(t, 200, "the page")
		if page := ann.post(begin, url.Values{"of": {"draft"}, "days": {"30"}}).want(t, 422, "a draft that is not complete"); !page.has("not complete yet") {
			t.Errorf("it says %.800s", page.body)
		}
		if page := ann.post(begin, url.Values{"of": {"draft"}, "days": {"4000"}}).want(t, 422, "too many days"); !page.has("Between 1 and 366 days") {
			t.Errorf("it says %.800s", page.body)
		}

		def := workflow.Definition{When: workflow.When{Event: postroom.StatusChanged, To: []string{"closed"}},
			If:   workflow.Cond{Fact: "conversation.subject", Op: workflow.Contains, Values: []string{"lamp"}},
			Then: []workflow.Action{{Do: workflow.DoReply, Text: `Goodbye {{ customer.first_name | default: "you" }}`}, {Do: workflow.DoStatus, Status: postroom.Closed}}}
		if def.Limits.MailBudget = 1; workflow.Publishable(def) != nil {
			t.Fatal(workflow.Publishable(def))
		}
		flow := d.AddWorkflow("Goodbye to lamps", def)
		before := rowCounts(t, d)
		begin = fmt.Sprintf("/workflows/%d/backtest", flow)
		started := ann.post(begin, url.Values{"of": {"published"}, "days": {"30"}}).want(t, 303, "begin")
		result := started.header.Get("Location")
		if page := ann.get(result).want(t, 200, "under way"); !page.has("Under way") || !page.has("Stop it") {
			t.Errorf("under way it says %.800s", page.body)
		}
		d.Settle()
		page := ann.get(result).want(t, 200, "the result")
		for _, words := range []string{"Goodbye you", "mara@customer.example", "Another lamp", "Tell the customer it is closed", "its budget of mails for the day was used up", "were so already"} {
			if !page.has(words) {
				t.Errorf("the result does not say %q", words)
			}
		}
		if after := rowCounts(t, d); fmt.Sprint(after) != fmt.Sprint(before) {
			t.Errorf("rows before %v\nand after %v", before, after)
		}
		sum, lines, err := automate.New(automate.Options{Store: d.Store}).BacktestNow(d.Ctx, d.Agent("ann").Agent, flow, automate.BacktestAsk{Days: 30})
		if err != nil || sum.Events != 3 || sum.Matched != 2 || sum.Mails != 1 || sum.People != 1 || sum.Several != 0 || sum.ReallyMails != 3 || len(lines) != 2 {
			t.Errorf("the summary is %+v with %d lines, %v", sum, len(lines), err)
		}
		if sum, _, err := automate.New(automate.Options{Store: d.Store}).BacktestNow(d.Ctx, d.Agent("ann").Agent, flow, automate.BacktestAsk{Days: 30}); err != nil || len(sum.Held) != 1 || sum.Held[0].N != 1 {
			t.Errorf("held: %+v, %v", sum.Held, err)
		}
		o.browser("ben").get(result).want(t, 403, "a member")

		// An older version, from its own page.
		newer := def
		newer.Then = []workflow.Action{{Do: workflow.DoNote, Text: "Farewell"}}
		d.PublishVersion(flow, newer)
		if page := ann.get(fmt.Sprintf("/workflows/%d/versions/1", flow)); !strings.Contains(string(page.body), begin+"?of=1") {
			t.Error("the page of an older version does not lead to its backtest")
		}
		if page := ann.get(begin + "?of=1"); chosenOf(page.find("name", "of")) != "1" {
			t.Error("the older version is not chosen")
		}
		trying := fmt.Sprintf("/workflows/%d/versions/1", flow)
		if page := ann.get(trying); !strings.Contains(string(page.body), trying+"/try") {
			t.Error("the page of an older version does not lead to trying it")
		}
		if page := ann.get(trying + "/try"); !page.has("Goodbye you") || page.has("Farewell") || !page.has("It would run") {
			t.Errorf("tried, version 1 would do %.3000s", page.body)
		}
		number := lamps[0].Number
		if page := ann.get(fmt.Sprintf("%s/try?on=%d&moment=now", trying, number)); !page.has("At the moment") || !page.has("as if it had") {
			t.Errorf("at a moment: %.3000s", page.body)
		}
		if page := ann.get(trying + "/try?on=999"); !page.has("There is no conversation 999.") {
			t.Error("a conversation that there is not can be tried on")
		}
		ann.get(fmt.Sprintf("/workflows/%d/versions/9/try", flow)).want(t, 404, "a version that never was")
		o.browser("ben").get(trying+"/try").want(t, 403, "a member who may not write workflows")
		ann.post(begin, url.Values{"of": {"9"}, "days": {"30"}}).want(t, 422, "a version that never was")
		older := ann.post(begin, url.Values{"of": {"1"}, "days": {"30"}}).want(t, 303, "an older version").header.Get("Location")
		newest := ann.post(begin, url.Values{"of": {"published"}, "days": {"30"}}).want(t, 303, "the newest version").header.Get("Location")
		d.Settle()
		if page := ann.get(older); !page.has("Version 1") || !page.has("Goodbye you") {
			t.Errorf("of version 1 it says %.800s", page.body)
		}
		if page := ann.get(newest); !page.has("Version 2") || page.has("Goodbye you") {
			t.Errorf("of version 2 it says %.800s", page.body)
		}

		// Stopped before it was worked on: it ends without a result.
		second := ann.post(begin, url.Values{"of": {"published"}, "days": {"7"}}).want(t, 303, "begin again").header.Get("Location")
		job := second[strings.LastIndex(second, "/")+1:]
		ann.post("/jobs/"+job+"/cancel", url.Values{}).want(t, 303, "stop")
		d.Settle()
		if page := ann.get(second).want(t, 200, "stopped"); !page.has("Stopped") || page.has("Goodbye you") {
			t.Errorf("stopped it says %.800s", page.body)
		}
		if to := ann.get("/jobs/"+job).want(t, 303, "the job's page").header.Get("Location"); to != second {
			t.Errorf("the job's page leads to %s", to)
		}

		// Erased with the conversation.
		c := lamps[2]
		if _, err := d.Desk.Delete(d.Ctx, d.Agent("ann").Agent, c.ID, postroom.PathMenu); err != nil {
			t.Fatal(err)
		}
		d.Pass(60e9)
		if _, err := d.Desk.EmptyTrash(d.Ctx, d.Agent("ann").Agent, 0); err != nil {
			t.Fatal(err)
		}
		d.Settle()
		if page := ann.get(result).want(t, 200, "after erasing"); page.has("Another lamp") || !page.has("A lamp") {
			t.Error("what was erased stands in the backtest, or more than that is gone")
		}
	})
}

// W35, W22: a workflow that waits is tried with its waits.
func TestBacktestOfAWait(t *testing.T) {
	t.Parallel()
	desktest.Each(t, func(t *testing.T, d *desktest.Desk) {
		id := d.AddWorkflow("Close", workflow.Definition{When: workflow.When{Event: postroom.ReplySent, After: "1h", Unless: []workflow.Unless{{Event: postroom.MessageReceived}}},
			Then: []workflow.Action{{Do: workflow.DoStatus, Status: postroom.Closed}}})
		d.SwitchWorkflow(id, false)
		for i := range 3 {
			c := d.CustomerWrites(fmt.Sprintf("mara%d@customer.example", i), "A lamp", "It smokes.")
			d.Agent("ann").Reply(c, "Put it out.")
			d.Settle()
			switch i {
			case 0:
				d.Pass(2 * 3600e9)
			case 1:
				d.Pass(60e9)
				mails := d.Arrived()
				d.CustomerAnswers(mails[len(mails)-1], "I did.")
				d.Settle()
			}
		}
		sum, lines, err := automate.New(automate.Options{Store: d.Store}).BacktestNow(d.Ctx, d.Agent("ann").Agent, id, automate.BacktestAsk{Days: 30})
		if err != nil || sum.Events != 3 || sum.Matched != 1 || len(lines) != 1 {
			t.Fatalf("the summary is %+v with %d lines, %v", sum, len(lines), err)
		}
		got := map[string]int{}
		for _, w := range sum.Waits {
			got[w.Text] = w.N
		}
		want := map[string]int{"waits would have ended before their time": 1, "would still wait": 1, "would have come to their time": 1}
		if fmt.Sprint(got) != fmt.Sprint(want) {
			t.Errorf("the waits: %v", got)
		}
		if len(d.Timers(1, id)) != 0 {
			t.Error("a timer was armed")
		}
	})
}

// W35: the editor tries a workflow on any moment of any conversation, now too,
// and on the time at which a wait would be due. Looking writes nothing.
func TestTryAtAnyMoment(t *testing.T) {
	t.Parallel()
	desktest.Each(t, func(t *testing.T, d *desktest.Desk) {
		o := open(t, d)
		ann := o.browser("ann")
		c := d.CustomerWrites("mara@customer.example", "A lamp", "It smokes.")
		d.Agent("ann").Reply(c, "Put it out.")
		d.Agent("ann").SetStatus(c, postroom.Closed, postroom.PathMenu)
		d.Settle()
		def := workflow.Definition{When: workflow.When{Event: postroom.StatusChanged, To: []string{"closed"}},
			If:   workflow.Cond{Fact: "conversation.replies", Op: workflow.Is, Values: []string{"0"}},
			Then: []workflow.Action{{Do: workflow.DoNote, Text: "Closed without an answer."}}}
		id := d.AddWorkflow("Unanswered", def)
		timed := workflow.Definition{When: workflow.When{Event: postroom.ReplySent, After: "2h"}, Then: []workflow.Action{{Do: workflow.DoNote, Text: "Two hours."}}}
		wait := d.AddWorkflow("Wait", timed)
		events := d.EventsOf(c.ID, "")
		at := func(id int64, moment string) answer {
			t.Helper()
			return ann.get(fmt.Sprintf("/workflows/%d/edit?on=%d&moment=%s", id, c.Number, moment)).want(t, 200, moment)
		}
		before := rowCounts(t, d)
		if page := at(id, ""); !page.has("Would not have run") && !page.has("it was 1") {
			t.Errorf("at the close itself: %.400s", page.body)
		}
		if page := at(id, fmt.Sprint(events[0].ID)); !page.has("it is asked as if it had") || page.has("it was 1") {
			t.Error("at the beginning nobody had replied yet, and that is not said")
		}
		if page := at(id, "now"); !page.has("it is asked as if it had") || !page.has("it was 1") {
			t.Error("now there is a reply, and that is not said")
		}
		if page := at(id, "4711"); !page.has("There is no such moment") {
			t.Error("a moment of nowhere is taken")
		}
		var replied int64
		for _, e := range events {
			if e.Kind == postroom.ReplySent {
				replied = e.ID
			}
		}
		if page := at(wait, fmt.Sprint(replied)); !page.has("Its wait would be due") || !page.has("Its time has not come yet") {
			t.Error("of a wait it is not said when it would be due")
		}
		d.Pass(3 * 3600e9)
		if page := at(wait, fmt.Sprint(replied)); !page.has("Its time came") {
			t.Error("of a wait it is not said that its time came")
		}
		if after := rowCounts(t, d); after["note"] != before["note"] || after["timer"] != before["timer"] || after["run"] != before["run"] || after["event"] != before["event"] || after["mail"] != before["mail"] {
			t.Errorf("rows before %v\nand after %v", before, after)
		}
	})
}
