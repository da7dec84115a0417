package query

import (
	"context"
	"fmt"

	"postroom/internal/workflow"
)

// maxCompiled bounds the compiled versions kept in memory.
const maxCompiled = 2000

// versions returns compiled versions of workflows; one statement for those
// not seen before. A version that is gone, or that today's rules refuse, is
// missing from the answer.
func (d *Desk) versions(ctx context.Context, keys []versionKey) (map[versionKey]*workflow.Version, error) {
	out := map[versionKey]*workflow.Version{}
	var missing [][2]int64
	d.mu.Lock()
	for _, k := range keys {
		if v, ok := d.compiled[k]; ok {
			out[k] = v
		} else if _, asked := out[k]; !asked {
			out[k] = nil
			missing = append(missing, [2]int64{k.workflow, int64(k.number)})
		}
	}
	d.mu.Unlock()
	rows, err := d.read().SomeVersions(ctx, missing)
	if err != nil {
		return nil, fmt.Errorf("read versions of workflows: %w", err)
	}
	for _, r := range rows {
		k := versionKey{r.WorkflowID, r.Number}
		definition, err := workflow.Decode([]byte(r.Definition))
		if err != nil {
			continue
		}
		v, err := workflow.Compile(definition, workflow.Identity{WorkflowID: r.WorkflowID, Number: r.Number, Key: r.Key, Name: r.Name, MailboxID: r.MailboxID})
		if err != nil {
			continue
		}
		out[k] = v
		d.keep(k, v)
	}
	return out, nil
}

func (d *Desk) keep(k versionKey, v *workflow.Version) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if len(d.compiled) >= maxCompiled {
		clear(d.compiled)
	}
	d.compiled[k] = v
}
