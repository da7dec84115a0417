package desktest_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"postroom"
	"postroom/internal/blob"
	. "postroom/internal/desktest"
	"postroom/internal/email"
)

// written sums up what a desk holds, so that a question that writes shows.
func written(d *Desk, c *postroom.Conversation) string {
	tags, err := d.Store.Read().Tags(d.Ctx)
	d.Must(err)
	mails, files := 0, 0
	d.Must(d.DB.Reader().QueryRow(d.Ctx, `select count(*) from mail`).Scan(&mails))
	d.Must(d.Blobs.Walk(d.Ctx, func(blob.Ref, time.Time) error { files++; return nil }))
	return fmt.Sprintf("%s; %d tags, %d received, %d mails, %d files", unchanged(d, c), len(tags), len(d.Inbounds()), mails, files)
}

// TestWhereAnAgentsAnswerGoes asks where answers to a notification would go,
// as postroom inspect does, and finds what T12's table does with each;
// nothing is written by asking.
func TestWhereAnAgentsAnswerGoes(t *testing.T) {
	t.Parallel()
	Each(t, func(t *testing.T, d *Desk) {
		c := d.CustomerWrites("Jane <jane@customer.example>", "Printer", "It burns.")
		told := d.Notify("ann", c)
		ask := func(raw string) (where string) {
			t.Helper()
			at, err := d.React.Locate(d.Ctx, []byte(strings.ReplaceAll(raw, "\n", "\r\n")))
			d.Must(err)
			return fmt.Sprintf("known %v nowhere %v #%d %s: %s", at.Known, at.Nowhere, at.Number, at.Evidence, at.Words)
		}
		joins := fmt.Sprintf("known true nowhere false #%d %s: ", c.Number, email.AddressToken)
		nowhere := fmt.Sprintf("known true nowhere true #0 %s: ", email.AddressToken)
		before := written(d, c)
		withFile := "From: Ann <ann@acme.example>\nTo: " + told.ReplyTo + "\nSubject: Re: " + told.Subject + "\nMessage-ID: <file-1@client.example>\nIn-Reply-To: <" + told.ID + ">\n" + PassedAuth +
			"MIME-Version: 1.0\nContent-Type: multipart/mixed; boundary=b\n\n--b\nContent-Type: text/plain\n\nHere it is.\n--b\nContent-Type: application/pdf\nContent-Disposition: attachment; filename=plan.pdf\n\nThe plan.\n--b--\n"
		for _, x := range []struct{ name, raw, want, words string }{
			{"a text", AnswerLetter{To: told, Text: "Pull the plug."}.Raw(d), joins, "An answer of Ann to a notification: a reply"},
			{"a command", AnswerLetter{To: told, Text: "@close @tag burning"}.Raw(d), joins, "status closed, tags."},
			{"a file", withFile, joins, "a reply"},
			{"a misspelt command", AnswerLetter{To: told, Text: "@clsoe"}.Raw(d), nowhere, "@clsoe"},
			{"nobody vouches", AnswerLetter{To: told, Headers: "-", Text: "@close"}.Raw(d), nowhere, "It cannot be told for certain that it is from Ann."},
			{"another agent's notification", AnswerLetter{To: told, From: "ben@acme.example", Text: "@close"}.Raw(d), nowhere, "was not for Ben"},
			{"a machine", AnswerLetter{To: told, Headers: PassedAuth + "Auto-Submitted: auto-replied\n", Text: "I am away."}.Raw(d), nowhere, "A machine wrote it"},
			{"somebody else", AnswerLetter{To: told, From: "joe@elsewhere.example", Headers: "-", Text: "Hello."}.Raw(d), "known true nowhere false #0 : ", "Nothing in it leads to a conversation"},
		} {
			if got := ask(x.raw); !strings.HasPrefix(got, x.want) || !strings.Contains(got, x.words) {
				t.Errorf("%s: %s", x.name, got)
			}
		}
		if now := written(d, c); now != before {
			t.Errorf("asking has changed the desk:\n%s\nbecame\n%s", before, now)
		}
	})
}
