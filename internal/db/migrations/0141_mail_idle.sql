-- +goose Up
-- +runs with 1

-- For how long a mail that was tried once was due and nobody tried it, in
-- milliseconds: the desk was down, or its channel closed. The hour that others
-- wait for it stands still meanwhile.
alter table mail add column idle_ms bigint not null default 0;
