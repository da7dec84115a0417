package react

import (
	"strings"
	"testing"
	"time"

	"postroom"
	"postroom/internal/wire/httpout"
)

// TestCallFate holds what becomes of a call against each answer there is.
func TestCallFate(t *testing.T) {
	t.Parallel()
	for status, want := range map[int]postroom.WebhookState{200: postroom.WebhookAccepted, 204: postroom.WebhookAccepted, 299: postroom.WebhookAccepted,
		301: postroom.WebhookFailed, 304: postroom.WebhookFailed, 308: postroom.WebhookFailed, 400: postroom.WebhookFailed, 404: postroom.WebhookFailed, 410: postroom.WebhookFailed,
		408: postroom.WebhookWaiting, 425: postroom.WebhookWaiting, 429: postroom.WebhookWaiting, 500: postroom.WebhookWaiting, 503: postroom.WebhookWaiting, 599: postroom.WebhookWaiting} {
		got := decideCall(postroom.WebhookCall{}, httpout.Answer{Status: status}, nil, 0)
		if got.state != want || got.gone != (status == 410) || (got.wait > 0) != (want == postroom.WebhookWaiting) || got.words == "" {
			t.Errorf("%d: %+v", status, got)
		}
	}
	for kind, want := range map[httpout.Kind]postroom.WebhookState{httpout.Blocked: postroom.WebhookFailed, httpout.Unusable: postroom.WebhookFailed, httpout.NoName: postroom.WebhookWaiting,
		httpout.TooSlow: postroom.WebhookWaiting, httpout.Untrusty: postroom.WebhookWaiting, httpout.Broken: postroom.WebhookWaiting} {
		if got := decideCall(postroom.WebhookCall{}, httpout.Answer{}, &httpout.Fault{Kind: kind, Words: "So it is."}, 0); got.state != want || got.words != "So it is." {
			t.Errorf("%s: %+v", kind, got)
		}
	}
}

// TestCallWaits holds the times between tries: longer and longer, a day in all,
// spread by chance, and as long as was asked for within bounds.
func TestCallWaits(t *testing.T) {
	t.Parallel()
	all, before := time.Duration(0), time.Duration(0)
	for tries := 0; ; tries++ {
		x := postroom.WebhookCall{Tries: tries}
		first, last := again(x, "Slow.", 0, 0), again(x, "Slow.", 0, 1)
		if first.state == postroom.WebhookFailed {
			if !strings.HasPrefix(first.words, "Given up after 11 tries.") {
				t.Error(first.words)
			}
			break
		}
		if first.wait <= before || last.wait <= first.wait || last.wait > first.wait*5/4 {
			t.Errorf("after %d tries: %s to %s, before it %s", tries, first.wait, last.wait, before)
		}
		before = first.wait
		all += first.wait
	}
	if all < 20*time.Hour || all > 26*time.Hour {
		t.Errorf("in all %s", all)
	}
	for asked, want := range map[time.Duration]time.Duration{time.Second: 5 * time.Second, time.Hour: time.Hour, 1000 * time.Hour: 12 * time.Hour} {
		if got := again(postroom.WebhookCall{}, "", asked, 0).wait; got != want {
			t.Errorf("asked for %s: %s", asked, got)
		}
	}
}

// TestSignature is the example of the specification of Standard Webhooks.
func TestSignature(t *testing.T) {
	t.Parallel()
	got, err := Signature("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "msg_p5jXN8AQM9LWM0D4loKWxJek", 1614265330, []byte(`{"test": 2432232314}`))
	if err != nil || got != "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=" {
		t.Errorf("%s %v", got, err)
	}
	if _, err := Signature("secret", "x", 1, nil); postroom.CodeOf(err) != postroom.Internal {
		t.Errorf("%v", err)
	}
}
