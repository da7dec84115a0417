-- +goose Up
-- +runs with 1

-- Events of a kind in order of time: what a workflow said lately, and what
-- happened in a span of days, are read without looking at all other events.
create index event_kind on event(kind, at, id);
