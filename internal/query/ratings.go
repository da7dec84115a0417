package query

import "postroom"

// ratings are what the customer said of the conversation's mails, by id.
func (v *conversationView) ratings() map[int64]*postroom.Rating {
	out := make(map[int64]*postroom.Rating, len(v.rows.Ratings))
	for i := range v.rows.Ratings {
		out[v.rows.Ratings[i].ID] = &v.rows.Ratings[i]
	}
	return out
}
