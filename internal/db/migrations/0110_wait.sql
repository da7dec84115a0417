-- +goose Up
-- +runs with 1

-- A run may wait in the middle of its actions. What comes behind the wait is a
-- leg of its own: a timer that says which leg it waits for, and a run for the
-- event that says its time has come. 0 is what it was before: a timer that
-- begins a run, and the first leg of one.
alter table timer add column leg integer not null default 0;
alter table run add column leg integer not null default 0;
