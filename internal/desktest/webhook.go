package desktest

import (
	"net/netip"

	"postroom"
	"postroom/internal/directory"
)

// ownMachine is where the webhooks of a test may call: a server of the test.
var ownMachine = []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8"), netip.MustParsePrefix("::1/128")}

// Calls lists the calls of webhooks about a conversation, the first first.
func (d *Desk) Calls(conversation int64) (out []postroom.WebhookCall) {
	d.T.Helper()
	rows, err := d.DB.Reader().Query(d.Ctx, `select id from webhook_call where conversation_id = $1 order by id`, conversation)
	d.must(err)
	var ids []int64
	for rows.Next() {
		var id int64
		d.must(rows.Scan(&id))
		ids = append(ids, id)
	}
	d.must(rows.Err())
	rows.Close()
	for _, id := range ids {
		c, err := d.Store.Read().Call(d.Ctx, id)
		d.must(err)
		out = append(out, c)
	}
	return out
}

// Attempts lists the attempts at a call, the first first.
func (d *Desk) Attempts(call int64) []postroom.WebhookAttempt {
	d.T.Helper()
	all, err := d.Store.Read().CallAttempts(d.Ctx, call, 100)
	d.must(err)
	for i, j := 0, len(all)-1; i < j; i, j = i+1, j-1 {
		all[i], all[j] = all[j], all[i]
	}
	return all
}

// SealSecret seals a secret of webhooks with the desk's key.
func (d *Desk) SealSecret(text, context string) (string, error) { return d.key.Seal(text, context) }

// Directory is the desk's directory, which seals secrets with the key that calls
// are made with.
func (d *Desk) Directory() *directory.Directory {
	return directory.New(directory.Options{Store: d.Store, SealSecret: d.key.Seal})
}
