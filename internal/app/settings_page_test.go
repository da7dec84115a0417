package app

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"postroom"
	"postroom/internal/auth"
	"postroom/internal/config"
	"postroom/internal/desk"
	"postroom/internal/directory"
	"postroom/internal/outbox"
	"postroom/internal/store"
	"postroom/internal/workflow"
)

var update = flag.Bool("update", false, "write docs/settings.md anew")

const intro = `# Settings

Every setting is a flag of ` + "`postroom serve`" + `, a variable in the environment, or a line
of the file given with ` + "`--config`" + `; the first of these that says something wins. A
setting that is wrong is a sentence on standard error and exit code 2.

A file looks like this:

    # our desk
    public-url = https://desk.example.org
    http       = 127.0.0.1:8080
    lmtp       = 127.0.0.1:2424

Sizes are written like ` + "`25MiB`, `10MB` or `4096`" + `, times like ` + "`20s` or `5m`" + `. What belongs
to one mailbox (its server, undo window, reopen window, signature) is set on the
page of that mailbox or with ` + "`postroom mailbox set`" + `.

This page is generated from the program: ` + "`go test ./internal/app -run SettingsPage -update`" + `.

`

const fixedIntro = `
## What is set for each mailbox, or fixed

| what | value | why |
|---|---|---|
`

// fixed are the numbers that are no setting of the program, with their
// reasons.
func fixed() string {
	var b strings.Builder
	row := func(what string, value any, why string) {
		fmt.Fprintf(&b, "| %s | %s | %s |\n", what, words(value), why)
	}
	row("undo window", ms(postroom.DefaultUndoMS), fmt.Sprintf("of a mailbox, 0 to %d s: long enough to see a mistake, short enough that nobody waits", directory.MaxUndoSeconds))
	row("reopen window", fmt.Sprintf("%d days", postroom.DefaultReopenDays), "of a mailbox: a later answer opens a new conversation that is linked to the old one")
	row("unrelated later mail of a conversation waits", ms(store.LanePatience), "mails to one customer keep their order; what does not follow from a stuck mail goes on after this")
	row("a mail is tried for", outbox.GiveUp, "at once, then after 7.5, 15 and 30 min, 1, 2, 4, 8 and 16 h, as mail servers do (RFC 5321 4.5.4.1)")
	row("mails that only machines caused, per conversation and day", workflow.DefaultMailsPerConversationDay, "of a workflow: two automatic desks come to rest")
	row("workflows that set each other off", workflow.MaxDepth, "a longer chain is a loop and stops, visibly")
	row("session unused", auth.SessionIdle, "an agent who works every fortnight stays signed in")
	row("session in all", auth.SessionLife, "then the password is asked again")
	row("password link", auth.LinkLife, "works once")
	row("wrong passwords per address", fmt.Sprintf("%d in %s", auth.SignInsPerAddress, words(auth.SignInWindow)), "guessing takes for ever")
	row("wrong passwords per network", fmt.Sprintf("%d in %s", auth.SignInsPerNetwork, words(auth.SignInWindow)), "an office behind one address can still mistype")
	row("password", fmt.Sprintf("%d characters or more", auth.MinPassword), "length is what counts; other rules make passwords worse")
	row("body of a message", config.Size(desk.MaxBody), "HTML of one reply or note")
	row("files of a message", desk.MaxFiles, "and each as large as max-upload")
	row("recipients of a mail", desk.MaxRecipients, "RFC 5321 4.5.3.1.8 lets every server take as many")
	row("conversations in one bulk change", desk.MaxBulk, "more are chosen in several goes")
	row("the spool is looked at every", spoolPoll, "and at once when ingest finds the desk running")
	row("nightly work", "03:00 UTC", "counts are checked, expired sessions and old windows of limits removed")
	row("free disk below which an admin is told", config.Size(diskLow), "time to act before mail is refused")
	row("backups kept", 3, "of those made before an update changes the database")
	return b.String()
}

func ms(n int64) time.Duration { return time.Duration(n) * time.Millisecond }

// words says a duration as people do.
func words(v any) string {
	d, ok := v.(time.Duration)
	switch {
	case !ok:
		return fmt.Sprint(v)
	case d >= 24*time.Hour && d%(24*time.Hour) == 0:
		return fmt.Sprintf("%d days", d/(24*time.Hour))
	case d >= time.Minute && d%time.Minute == 0:
		return fmt.Sprintf("%d min", d/time.Minute)
	}
	return fmt.Sprintf("%g s", d.Seconds())
}

func TestSettingsPageIsCurrent(t *testing.T) {
	t.Parallel()
	path := filepath.Join("..", "..", "docs", "settings.md")
	want := intro + config.Markdown() + fixedIntro + fixed()
	if *update {
		if err := os.WriteFile(path, []byte(want), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	got, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if string(got) != want {
		t.Error("docs/settings.md is not what the program says; run: go test ./internal/app -run SettingsPage -update")
	}
}
