-- +goose Up
-- +runs with 1

-- Whose lease it is, as for mails: what a dead process held moves at once.
alter table incoming add column owner bigint not null default 0;
alter table sent_errand add column owner bigint not null default 0;
