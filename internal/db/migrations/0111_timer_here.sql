-- +goose Up
-- +runs with 1

-- What waits on a conversation is asked at each judging, and one index answers
-- it. Without the state in it PostgreSQL, while it had no statistics of a table
-- that grew quickly, read the index of all timers that wait beside it: a fifth
-- of a second for each event among a million.
drop index timer_conversation;
create index timer_conversation on timer(conversation_id, state, id);
