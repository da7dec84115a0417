package store

import (
	"context"

	"postroom"
)

const (
	qUpdateTag        = `update tag set name = $2, color = $3 where id = $1`
	qTag              = `select id, name, color from tag where id = $1`
	qCountTagged      = `select count(*) from conversation_tag where tag_id = $1`
	qMailboxByAddress = `select ` + mailboxColumns + ` from mailbox where address = $1`
)

// InsertTag stores a new tag; a name that another tag has is a conflict.
func (t *Tx) InsertTag(ctx context.Context, tag Tag) error {
	n, err := t.exec(ctx, qInsertTag, tag.ID, tag.Name, tag.Color)
	if err == nil && n == 0 {
		return postroom.Errorf(postroom.Conflict, "There is a tag %q already.", tag.Name)
	}
	return err
}

// UpdateTag writes a tag's name and color.
func (t *Tx) UpdateTag(ctx context.Context, tag Tag) error {
	return t.one(ctx, "save tag", qUpdateTag, tag.ID, tag.Name, tag.Color)
}

// Tag loads a tag.
func (r Read) Tag(ctx context.Context, id int64) (Tag, error) {
	var tag Tag
	err := r.q.QueryRow(ctx, qTag, id).Scan(&tag.ID, &tag.Name, &tag.Color)
	return tag, missing(err, "There is no such tag.")
}

// CountTagged counts the conversations with a tag.
func (r Read) CountTagged(ctx context.Context, tag int64) (n int, err error) {
	err = r.q.QueryRow(ctx, qCountTagged, tag).Scan(&n)
	return n, err
}

// MailboxByAddress finds a mailbox by its own address; aliases are not looked
// at.
func (r Read) MailboxByAddress(ctx context.Context, address string) (*postroom.Mailbox, error) {
	m, err := scanMailbox(r.q.QueryRow(ctx, qMailboxByAddress, postroom.Canonical(address)))
	if err != nil {
		return nil, missing(err, "There is no mailbox with the address %s.", address)
	}
	return m, nil
}
