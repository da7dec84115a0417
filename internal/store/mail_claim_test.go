package store

import (
	"slices"
	"testing"

	"postroom"
)

// Replies go before notifications before notices, and within a class the
// conversations take turns, however many mails one of them has (R12).
func TestClassesAndTurns(t *testing.T) {
	t.Parallel()
	mail := func(id, conversation int64, class postroom.MailClass, due int64, underWay int) candidate {
		return candidate{Claimed: Claimed{ID: id}, conversation: conversation, class: class, dueAt: due, rank: underWay}
	}
	in := []candidate{
		mail(1, 100, postroom.ReplyClass, 1, 0), mail(2, 100, postroom.ReplyClass, 2, 0), mail(3, 100, postroom.ReplyClass, 3, 0),
		mail(4, 200, postroom.ReplyClass, 4, 0), mail(5, 300, postroom.ReplyClass, 5, 2), // two of 300 are under way
		mail(6, 400, postroom.NotificationClass, 0, 0), mail(7, 500, postroom.NoticeClass, 0, 0),
		mail(8, 0, postroom.NoticeClass, 1, 0), mail(9, 0, postroom.NoticeClass, 2, 0), // of no conversation
	}
	rankTurns(in)
	slices.SortFunc(in, candidate.before)
	var got []int64
	for _, c := range in {
		got = append(got, c.ID)
	}
	if want := []int64{1, 4, 2, 3, 5, 6, 7, 8, 9}; !slices.Equal(got, want) {
		t.Errorf("the order is %v, not %v", got, want)
	}
}
