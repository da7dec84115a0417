package react

import (
	"fmt"
	"net/http"
	"time"

	"postroom"
	"postroom/internal/wire/httpout"
)

// callFate is what an attempt at a call came to.
type callFate struct {
	state postroom.WebhookState // waiting: it is tried again
	words string
	wait  time.Duration // until it is tried again
	gone  bool          // the other side wants no more calls
}

// callWaits are how long a call waits after each try that failed: about a day in
// all. After the last it is given up.
var callWaits = []time.Duration{5 * time.Second, 30 * time.Second, 2 * time.Minute, 10 * time.Minute, 30 * time.Minute, time.Hour, 2 * time.Hour, 4 * time.Hour, 6 * time.Hour, 8 * time.Hour}

// maxRetryAfter is how long we wait at most because a server asks for it.
const maxRetryAfter = 12 * time.Hour

// decideCall says what becomes of a call: from what was answered, or why nothing
// was. chance, from 0 to 1, spreads the retries of calls that failed together.
func decideCall(x postroom.WebhookCall, a httpout.Answer, fault *httpout.Fault, chance float64) callFate {
	if fault != nil {
		if fault.Final() {
			return callFate{state: postroom.WebhookFailed, words: fault.Words}
		}
		return again(x, fault.Words, 0, chance)
	}
	said := fmt.Sprintf("It answered %d", a.Status)
	if name := http.StatusText(a.Status); name != "" {
		said += " (" + name + ")"
	}
	switch {
	case a.Status >= 200 && a.Status < 300:
		return callFate{state: postroom.WebhookAccepted, words: said + "."}
	case a.Status >= 300 && a.Status < 400:
		where := "."
		if a.Location != "" {
			where = " and points to " + shortened(a.Location, 200) + "."
		}
		return callFate{state: postroom.WebhookFailed, words: said + where + " Redirects are not followed: if the new address is right, write it into the workflow."}
	case a.Status == http.StatusGone:
		return callFate{state: postroom.WebhookFailed, words: said + ": it wants no more calls.", gone: true}
	case a.Status == http.StatusRequestTimeout, a.Status == http.StatusTooEarly, a.Status == http.StatusTooManyRequests, a.Status >= 500:
		return again(x, said+".", a.RetryAfter, chance)
	}
	return callFate{state: postroom.WebhookFailed, words: said + ". Such an answer does not change by trying again."}
}

// again has a call tried once more, unless it was tried for a day.
func again(x postroom.WebhookCall, words string, asked time.Duration, chance float64) callFate {
	if x.Tries >= len(callWaits) {
		return callFate{state: postroom.WebhookFailed, words: fmt.Sprintf("Given up after %d tries. The last time: %s", x.Tries+1, words)}
	}
	wait := callWaits[max(x.Tries, 0)]
	wait += time.Duration(chance * 0.2 * float64(wait))
	return callFate{state: postroom.WebhookWaiting, words: words, wait: max(wait, min(asked, maxRetryAfter))}
}

func shortened(s string, most int) string {
	if r := []rune(s); len(r) > most {
		return string(r[:most]) + "…"
	}
	return s
}
