-- +runs with 1

-- Of what lay in a folder up to older_uid only what was received since since_at
-- is read. After the server numbered the folder anew (rescan) most of that was
-- taken in before. A mail that the server does not give out holds the others up
-- for some tries only.
alter table incoming_folder add column since_at bigint not null default 0;
alter table incoming_folder add column rescan integer not null default 0;
alter table incoming_folder add column stuck_uid bigint not null default 0;
alter table incoming_folder add column stuck_tries integer not null default 0;
