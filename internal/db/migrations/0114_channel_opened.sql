-- +goose Up
-- +runs with 1

-- When a channel was open again after a long pause. The hour that mails wait for
-- an unrelated earlier one counts from there; 0 is never.
alter table channel add column opened_at bigint not null default 0;
