package cli

import (
	"fmt"
	"time"

	"postroom/internal/app"
	"postroom/internal/config"
)

type workflowReplay struct {
	config.Place
	Days   int  `default:"30" help:"Of how many days; 0 stands for all."`
	Most   int  `default:"0" help:"At most so many events of each kind, the newest; 0 stands for all."`
	Strict bool `help:"End with 1 also for differences that are explained by what was changed or erased since."`
}

// Run repeats judgements and lists those that come out otherwise.
func (c *workflowReplay) Run(s *Surroundings) error {
	o, err := operator(s, c.Place)
	if err != nil {
		return err
	}
	r, err := o.ReplayWorkflows(s.Context, app.ReplayAsk{Days: c.Days, Most: c.Most})
	if err != nil {
		return err
	}
	for _, d := range r.Differences {
		fmt.Fprintf(s.Stdout, "event %d, conversation %d, %s: %s\n", d.Event, d.Number, time.UnixMilli(d.At).UTC().Format(time.RFC3339), d.What)
		if d.Workflow != "" {
			fmt.Fprintf(s.Stdout, "  workflow: %s, version %d\n", d.Workflow, d.Version)
		}
		fmt.Fprintf(s.Stdout, "  it was:   %s\n  it is:    %s\n", d.Was, d.Is)
		if d.Why != "" {
			fmt.Fprintf(s.Stdout, "  since:    %s\n", d.Why)
		}
	}
	if more := r.Unexplained + r.Explained - len(r.Differences); more > 0 {
		fmt.Fprintf(s.Stdout, "and %d more\n", more)
	}
	fmt.Fprintf(s.Stdout, "%s again.", counted(r.Judged, "event was judged", "events were judged"))
	if r.Cut {
		fmt.Fprint(s.Stdout, " There were more.")
	}
	fmt.Fprintln(s.Stdout)
	if r.Explained > 0 {
		fmt.Fprintf(s.Stdout, "%s explained by what was changed or erased since.\n", counted(r.Explained, "difference is", "differences are"))
	}
	switch {
	case r.Unexplained > 0:
		return exitError{exitRed, fmt.Errorf("%s out otherwise", counted(r.Unexplained, "verdict comes", "verdicts come"))}
	case c.Strict && r.Explained > 0:
		return exitError{exitRed, fmt.Errorf("%s", counted(r.Explained, "verdict has changed", "verdicts have changed"))}
	}
	fmt.Fprintln(s.Stdout, "Every verdict is the one that is stored.")
	return nil
}
