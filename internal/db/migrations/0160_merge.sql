-- +goose Up
-- +runs with 1

-- The conversation that this one was merged into, 0 for none. It is a place that
-- leads there, and what was said in it is read there.
alter table conversation add column merged_into bigint not null default 0;
create index conversation_merged on conversation(merged_into) where merged_into > 0;

-- Where a message was written that is read in another conversation now, and its
-- sequence number there; 0 is here. seq is then that of the last event here
-- before it.
alter table message add column written_in bigint not null default 0;
alter table message add column written_seq bigint not null default 0;
create index message_written on message(written_in) where written_in > 0;

-- A merge is two acts, one on each conversation, undone together; and what went
-- from one to the other with it, as JSON, so that it can come back.
alter table act add column pair_id bigint not null default 0;
alter table act add column carried text not null default '';
