-- +goose Up
-- +runs with 1

-- The system log: what people changed about the desk, who signed in, alarms,
-- and what the program warned of. Conversations have their own timeline.
create table log_entry (
	id bigint primary key,
	at bigint not null,
	level text not null,
	area text not null,
	agent_id bigint not null default 0,
	words text not null,
	details text not null default ''
);
create index log_entry_at on log_entry(at, id);
create index log_entry_area on log_entry(area, at, id);
create index log_entry_trouble on log_entry(at, id) where level <> 'info';

-- The way out for what the desk says of itself, apart from all mailboxes: a
-- broken channel cannot report itself (W41). One row, or none.
create table system_mail (
	id bigint primary key,
	host text not null,
	port integer not null,
	security text not null,
	username text not null default '',
	password text not null default '',
	sender text not null,
	recipients text not null default '[]',
	words text not null default '',
	tried_at bigint not null default 0,
	sent_at bigint not null default 0
);
alter table alarm add column mailed_at bigint not null default 0;
