package view_test

import (
	"postroom/internal/query"
)

func sampleWebhooks() query.WebhooksPage {
	return query.WebhooksPage{Shell: sampleShell("workflows", "", "/webhooks"), Held: 2, Workflows: []query.Choice{{Value: "3", Text: "Tell the shop"}},
		Counts: []query.StateCount{{State: "failed", Count: 1}, {State: "held", Count: 2}}, Rows: []query.WebhookLine{
			{ID: 4, State: "waiting", Method: "POST", URL: "https://shop.example/hooks/orders", Number: 1042, WorkflowID: 3, Workflow: "Tell the shop", At: sampleNow - 3*minute, DueAt: sampleNow + 7*minute, Attempts: 4, Words: "It answered 503 (Service Unavailable)."},
			{ID: 3, State: "accepted", Method: "POST", URL: "https://shop.example/hooks/orders", Number: 1041, WorkflowID: 3, Workflow: "Tell the shop", At: sampleNow - hour, EndedAt: sampleNow - hour, Attempts: 1, Words: "It answered 200 (OK)."},
			{ID: 2, State: "failed", Method: "PUT", URL: "https://crm.example/api/v2/customers/a-rather-long-name-of-a-customer/conversations/1040?source=desk", Number: 1040, WorkflowID: 3, Workflow: "Tell the shop", At: sampleNow - day, EndedAt: sampleNow - hour, Attempts: 11,
				Words: "Given up after 11 tries. The last time: Nobody listens there: the connection was refused."},
			{ID: 1, State: "held", Method: "GET", URL: "http://10.0.0.7/ping", Number: 1039, WorkflowID: 3, Workflow: "Tell the shop", At: sampleNow - day, Words: "The desk was restored from the backup of 2 March 2026 03:00 UTC: this may have happened after it already."}}}
}

func sampleWebhook() query.WebhookPage {
	return query.WebhookPage{Shell: sampleShell("workflows", "", "/webhooks"), Call: sampleWebhooks().Rows[0], Name: "call_4", Event: "The status changed from active to closed, by Ann Moor", EventID: 9,
		Headers: []query.Choice{{Value: "Authorization", Text: "the secret Shop token"}, {Value: "X-Team", Text: "support"}}, Signed: "Orders", ContentType: "application/json",
		Body: "{\n  \"type\": \"status.changed\",\n  \"version\": 1\n}", MayAgain: true, Attempts: []query.WebhookTry{
			{Number: 3, At: sampleNow - minute, Words: "It was broken off: this program ended in the middle of it."},
			{Number: 2, At: sampleNow - 2*minute, Took: "15s", Address: "203.0.113.9:443", Words: "It did not answer within 15s."},
			{Number: 1, At: sampleNow - 3*minute, Took: "212ms", Address: "203.0.113.9:443", Status: 503, Words: "It answered 503 (Service Unavailable).", Answer: "<html>\n<h1>Down for maintenance</h1>", More: true}}}
}

func sampleSecrets() query.WebhookSecretsPage {
	return query.WebhookSecretsPage{Shell: sampleShell("workflows", "", "/webhooks/secrets"), Kind: "signing", Shown: "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSwMfKQ9r8GKYo=", Called: "Orders",
		Rows: []query.WebhookSecretLine{{ID: 1, Name: "Orders", Kind: "signing", ChangedAt: sampleNow - minute, By: "Ann Moor", OldUntil: sampleNow + day, Uses: []string{"Tell the shop"}},
			{ID: 2, Name: "Shop token", Kind: "header", ChangedAt: sampleNow - day, By: "Ann Moor"}}}
}

func sampleCallStep() query.EditorStep {
	secrets := []query.EditorChoice{{Value: "2", Text: "Shop token", Chosen: true}}
	return query.EditorStep{Place: "then[7]", Do: "webhook", Label: "Call a webhook", Doc: "Sends the event.", Text: "{}", Webhook: &query.EditorWebhook{Method: "POST", Methods: []query.Choice{{Value: "POST", Text: "POST"}, {Value: "PUT", Text: "PUT"}},
		URL: "https://shop.example/hooks/{{ conversation.number }}", Own: true, Type: "application/json", CanCall: true, Sign: []query.EditorChoice{{Value: "1", Text: "Orders", Chosen: true}},
		Headers: []query.EditorHeader{{Place: "then[7].headers[0]", Name: "Authorization", Secret: true, Secrets: secrets}, {Place: "then[7].headers[1]", More: true, Secrets: secrets[:0]}}}}
}

func sampleCalled() *query.EditorCall {
	return &query.EditorCall{Place: "then[7]", Words: "It answered 401 (Unauthorized). Such an answer does not change by trying again.", Address: "203.0.113.9:443", Took: 212_000_000, Answer: "{\"error\": \"bad token\"}", Request: "POST https://shop.example/hooks/1042\n\n{}"}
}
