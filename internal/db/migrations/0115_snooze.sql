-- +goose Up
-- +runs with 1

-- Until when a conversation sleeps, and who is told when it wakes; 0 is awake and
-- nobody. Waking is work in a lane of the conversation.
alter table conversation add column snoozed_until bigint not null default 0;
alter table conversation add column snoozed_by bigint not null default 0;
