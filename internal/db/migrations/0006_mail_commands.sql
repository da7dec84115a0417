-- +goose Up
-- +runs with 1

-- An agent's answer to a notification acts although no server vouches for its
-- sender.
alter table mailbox add column token_enough integer not null default 0;
