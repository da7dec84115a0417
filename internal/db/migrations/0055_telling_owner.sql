-- +goose Up
-- +runs with 1

-- The process that tells; see 0003.
alter table telling add column owner bigint not null default 0;
