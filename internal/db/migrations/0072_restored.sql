-- +runs with 1
-- After a restore: what agents may have been told of already waits for an
-- admin, as mails and events do.
alter table telling add column held integer not null default 0;
create index telling_held on telling(event_id) where held = 1;
