package cli_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// some returns the first path that fits a pattern; there must be one.
func some(t *testing.T, parts ...string) string {
	t.Helper()
	list, err := filepath.Glob(filepath.Join(parts...))
	if err != nil || len(list) == 0 {
		t.Fatalf("%v: %v %v", parts, list, err)
	}
	return list[0]
}

// desksBackup makes a desk with a mailbox and one received mail, stops it and
// backs it up.
func desksBackup(t *testing.T, flags ...string) (data, to string, r result) {
	t.Helper()
	data, to = t.TempDir(), filepath.Join(t.TempDir(), "backups")
	run(t, "secret\n", "mailbox", "add", "help@desk.example", "--host", "smtp.desk.example", "--user", "u", "--password-stdin", "--data", data).wants(t, 0, "Added")
	d := serve(t, data)
	run(t, mail, "ingest", "--data", data, "help@desk.example").wants(t, 0, "")
	eventually(t, func() bool { return len(spooled(t, data)) == 0 }, "the mail stays in the spool")
	r = run(t, "", append([]string{"backup", to, "--data", data}, flags...)...)
	r.wants(t, 0, "Backed up to")
	if code := d.stop(t); code != 0 {
		t.Errorf("stop: %d", code)
	}
	return data, to, r
}

func TestBackupShoutsWhatItLeavesOut(t *testing.T) {
	t.Parallel()
	data, to, r := desksBackup(t, "--without-key", "--without-blobs")
	r.wants(t, 0, "is NOT in this backup. Without a copy of "+filepath.Join(data, "key"))
	r.wants(t, 0, "received mails and attachments are NOT in this backup")
	next := filepath.Join(t.TempDir(), "next")
	run(t, "", "restore", to, "--data", next).wants(t, 2, "made without its key")
	if _, err := os.Stat(filepath.Join(next, "postroom.db")); err == nil {
		t.Error("a restore that was refused left a database")
	}
	run(t, "", "restore", to, "--data", next, "--key-file", filepath.Join(data, "key")).wants(t, 0, "the backup holds no received mails and attachments")
}

func TestRestoreRefusesWhatDoesNotFit(t *testing.T) {
	t.Parallel()
	_, to, r := desksBackup(t)
	if strings.Contains(r.errOut, "WARNING") {
		t.Errorf("a whole backup warns: %s", r.errOut)
	}
	run(t, "", "restore", t.TempDir(), "--data", t.TempDir()).wants(t, 1, "There is no backup in")
	run(t, "", "restore", to, "--data", t.TempDir(), "--database", "postgres://x@localhost/x").wants(t, 2, "SQLite database and cannot be restored into PostgreSQL")

	other := t.TempDir()
	run(t, "", "mailbox", "add", "other@desk.example", "--data", other).wants(t, 0, "Added")
	run(t, "", "restore", to, "--data", other).wants(t, 1, "There is a desk already")
	run(t, "", "backup", to, "--data", other).wants(t, 1, "the files of another desk")
	run(t, "", "restore", to, "--data", t.TempDir(), "--key-file", filepath.Join(other, "key")).wants(t, 2, "but the backup was made with key")
	run(t, "", "backup", to, "--data", filepath.Join(other, "nothing")).wants(t, 1, "")

	// What is damaged in a backup is found before anything is made of it.
	blob := some(t, to, "blobs", "??", "*")
	if err := os.Chmod(blob, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(blob, []byte("damaged"), 0o600); err != nil {
		t.Fatal(err)
	}
	next := t.TempDir()
	run(t, "", "restore", to, "--data", next).wants(t, 1, "but 1 of ")
	run(t, "", "mailbox", "list", "--data", next).wants(t, 0, "help@desk.example")
	database := some(t, to, "2*", "database")
	if err := os.WriteFile(database, []byte("damaged"), 0o600); err != nil {
		t.Fatal(err)
	}
	run(t, "", "restore", to, "--data", t.TempDir()).wants(t, 2, "is damaged")
}

func TestBackupKeepsTheNewest(t *testing.T) {
	t.Parallel()
	data, to, _ := desksBackup(t)
	first := some(t, to, "2*")
	run(t, "", "backup", to, "--data", data, "--keep", "2").wants(t, 0, "mails and attachments")
	run(t, "", "backup", to, "--data", data, "--keep", "2").wants(t, 0, "mails and attachments")
	if list, _ := filepath.Glob(filepath.Join(to, "2*")); len(list) != 2 || list[0] == first {
		t.Errorf("backups %v; the first was %s", list, first)
	}
	some(t, to, "blobs", "??", "*") // still needed by those that stay
	if err := os.RemoveAll(filepath.Join(data, "blobs")); err != nil {
		t.Fatal(err)
	}
	run(t, "", "restore", to, "--data", t.TempDir()).wants(t, 0, "Restored "+to)
}
