-- +goose Up
-- +runs with 1

-- The agents who follow a conversation, as JSON: they are told of what is
-- written in it.
alter table conversation add column followers text not null default '[]';

-- An agent who follows each conversation they write in.
alter table agent add column follows_own integer not null default 0;
