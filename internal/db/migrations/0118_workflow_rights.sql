-- +goose Up
-- +runs with 1

-- What an agent may do with the workflows of a mailbox they were given: nothing
-- (''), write drafts ('draft'), or publish them too ('publish'). Until now only
-- admins did either, and they go on doing both.
alter table mailbox_agent add column workflows text not null default '';
