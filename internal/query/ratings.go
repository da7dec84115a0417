package query

import (
	"postroom"
	"postroom/internal/store"
)

// ratings are what the customer said of the conversation's mails, by id.
func (v *conversationView) ratings() map[int64]*postroom.Rating {
	out := make(map[int64]*postroom.Rating, len(v.rows.Ratings))
	for i := range v.rows.Ratings {
		out[v.rows.Ratings[i].ID] = &v.rows.Ratings[i]
	}
	return out
}

// seenOf is what the page says back as seen; 0 where nobody has to know. A page
// with nothing unread says 1, the beginning, to say only that it is open.
func seenOf(rows *store.ConversationRows) int64 {
	if rows.Unread == 0 && rows.OpenHeard {
		return 1
	}
	return rows.Unread
}
