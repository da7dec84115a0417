package cli

import (
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"postroom/internal/app"
	"postroom/internal/config"
)

type workflowBacktest struct {
	config.Place
	Key   string `arg:"" help:"Key of the workflow."`
	Days  int    `default:"30" help:"On the events of how many days."`
	Draft bool   `help:"As it is being written, and not as it is published." xor:"of"`
	Of    int    `name:"of" placeholder:"VERSION" help:"An older version of that number." xor:"of"`
	List  int    `default:"20" placeholder:"N" help:"List so many of the events, the newest; 0 lists none. At most 100."`
	JSON  bool   `name:"json" help:"Print everything as JSON."`
}

// Run says what the workflow would have done.
func (c *workflowBacktest) Run(s *Surroundings) error {
	o, err := operator(s, c.Place)
	if err != nil {
		return err
	}
	b, err := o.BacktestWorkflow(s.Context, app.BacktestAsk{Key: c.Key, Days: c.Days, Draft: c.Draft, Version: c.Of})
	if err != nil {
		return err
	}
	if c.JSON {
		e := json.NewEncoder(s.Stdout)
		e.SetIndent("", "  ")
		return e.Encode(struct {
			Summary any `json:"summary"`
			Events  any `json:"events"`
		}{b.Sum, b.Lines})
	}
	fmt.Fprintf(s.Stdout, "%s, on the last %s:\n", b.Name, counted(c.Days, "day", "days"))
	for _, words := range b.Words {
		fmt.Fprintf(s.Stdout, "  %s\n", words)
	}
	for _, l := range b.Lines[:min(len(b.Lines), max(c.List, 0))] {
		fmt.Fprintf(s.Stdout, "\n#%d %s, %s: %s\n", l.Number, l.Subject, time.UnixMilli(l.At).UTC().Format(time.RFC3339), l.Verdict)
		if l.Words != "" {
			fmt.Fprintf(s.Stdout, "  %s\n", l.Words)
		}
		for _, e := range l.Effects {
			fmt.Fprintf(s.Stdout, "  would: %s\n", e)
		}
		for _, m := range l.Mails {
			more := ""
			if m.By != "" {
				more = " by “" + m.By + "”"
			}
			if m.At != 0 {
				more += " at " + time.UnixMilli(m.At).UTC().Format(time.RFC3339)
			}
			fmt.Fprintf(s.Stdout, "  mail to %s%s: %s\n", m.To, more, m.Subject)
			if m.Held != "" {
				fmt.Fprintf(s.Stdout, "    %s\n", m.Held)
			}
		}
		if len(l.Really) > 0 {
			fmt.Fprintf(s.Stdout, "  really ran: %s\n", strings.Join(l.Really, ", "))
		}
	}
	return nil
}
