package web

import (
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"postroom"
	"postroom/internal/desk"
)

// Keys returns what a change says to open pages, to be published on the hub. A
// key may name whom it is for: "folder 4 closed|mailbox=4" reaches agents who
// may see mailbox 4, "…|mailbox=4 7 9" also the agents 7 and 9 if they see in it
// what is theirs, "…|agent=7" only agent 7. What stands after the bar is not
// sent.
func Keys(c desk.Change) []string {
	scope := ""
	if c.MailboxID != 0 {
		scope = fmt.Sprintf("|mailbox=%d", c.MailboxID)
		for _, a := range c.Assignees {
			scope += fmt.Sprintf(" %d", a)
		}
	}
	if c.Kind == "draft" {
		// The list of drafts of one agent. The conversation is not named: the
		// window that is being typed in would read it again with each save.
		scope = fmt.Sprintf("|agent=%d", c.AgentID)
		return []string{fmt.Sprintf("folder %d drafts%s", c.MailboxID, scope), "counts" + scope}
	}
	if c.Kind == "notification" {
		return []string{fmt.Sprintf("notifications|agent=%d", c.AgentID)}
	}
	var keys []string
	if c.Number > 0 {
		// An act may make mails, or follow from one that came or went.
		keys = append(keys, fmt.Sprintf("conversation %d%s", c.Number, scope), "mails"+scope, "queue"+scope, "inbound"+scope)
	}
	for _, f := range c.Folders {
		keys = append(keys, fmt.Sprintf("folder %d %s%s", c.MailboxID, f, scope))
	}
	if len(c.Folders) > 0 {
		keys = append(keys, "counts"+scope)
	}
	if c.JobID > 0 {
		keys = append(keys, fmt.Sprintf("job %d|agent=%d", c.JobID, c.AgentID), fmt.Sprintf("counts|agent=%d", c.AgentID))
	}
	if !slices.Contains([]string{"", "conversation", "job"}, c.Kind) {
		keys = append(keys, c.Kind+scope)
	}
	return keys
}

// heard returns the key as an agent hears it, false if it is not for them.
func heard(key string, a *postroom.Agent) (string, bool) {
	key, scope, scoped := strings.Cut(key, "|")
	if !scoped {
		kind, rest, _ := strings.Cut(key, " ")
		if kind == "folder" { // names its mailbox itself
			mailbox, _, _ := strings.Cut(rest, " ")
			id, _ := strconv.ParseInt(mailbox, 10, 64)
			return key, postroom.Can(a, postroom.See, id)
		}
		return key, true
	}
	kind, text, _ := strings.Cut(scope, "=")
	var ids []int64
	for word := range strings.FieldsSeq(text) {
		id, err := strconv.ParseInt(word, 10, 64)
		if err != nil {
			return "", false
		}
		ids = append(ids, id)
	}
	switch {
	case len(ids) == 0:
		return "", false
	case kind == "agent":
		return key, ids[0] == a.ID
	}
	return key, postroom.Can(a, postroom.See, ids[0]) || slices.Contains(ids[1:], a.ID) && postroom.CanOn(a, postroom.See, ids[0], a.ID)
}

const (
	heartbeat = 20 * time.Second
	// A stream asks now and then whether its session still is: who is signed
	// out or loses a mailbox hears no more.
	recheck = time.Minute
)

// events is GET /events: the keys of what changed, as they change.
func events(q *request) error {
	sub := q.site.o.Hub.Subscribe(nil)
	defer sub.Close()
	out := http.NewResponseController(q.w)
	_ = out.SetWriteDeadline(time.Time{})
	h := q.w.Header()
	h.Set("Content-Type", "text/event-stream")
	h.Set("Cache-Control", "no-store")
	h.Set("X-Accel-Buffering", "no")
	q.w.WriteHeader(http.StatusOK)
	if _, err := fmt.Fprint(q.w, "retry: 2000\n\n"); err != nil || out.Flush() != nil {
		return nil
	}
	beat := time.NewTicker(heartbeat)
	defer beat.Stop()
	again := time.NewTicker(recheck)
	defer again.Stop()
	for {
		text := ""
		select {
		case <-q.Context().Done():
			return nil
		case <-q.site.closing:
			return nil
		case <-sub.Done():
			return nil
		case <-again.C:
			agent, err := q.site.o.Auth.Session(q.Context(), q.token)
			if err != nil {
				return nil // the browser asks again and is told why
			}
			q.agent = agent
			continue
		case <-beat.C:
			text = ": still here\n\n"
		case <-sub.Ready():
			keys, all := sub.Take()
			text = q.messages(keys, all)
		}
		if text == "" {
			continue
		}
		if _, err := fmt.Fprint(q.w, text); err != nil || out.Flush() != nil {
			return nil
		}
	}
}

// messages writes keys as events, each once.
func (q *request) messages(keys []string, all bool) string {
	if all {
		return "data: all\n\n"
	}
	var b strings.Builder
	said := map[string]bool{}
	say := func(key string) {
		if !said[key] {
			said[key] = true
			b.WriteString("data: " + key + "\n\n")
		}
	}
	for _, key := range keys {
		key, ok := heard(key, q.agent)
		if !ok {
			continue
		}
		say(key)
		if mailbox, ok := strings.CutSuffix(key, " "+string(postroom.Assigned)); ok && strings.HasPrefix(key, "folder ") {
			say(mailbox + " " + string(postroom.Mine)) // whose it was, or is now, is not known here
		}
	}
	return b.String()
}
