-- +goose Up
-- +runs with 1

-- By which files name a calendar, so that they find it again whatever it is
-- called; '' for one that was made on its page.
alter table calendar add column key text not null default '';
