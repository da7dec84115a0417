-- +goose Up
-- +runs with 1

-- When the office is open. Each change makes a revision, and all are kept: what
-- was decided names the revision it was decided by, and can be repeated. A
-- calendar that was deleted stays for that reason too.
create table calendar (
	id bigint primary key,
	revision integer not null,
	main integer not null default 0,
	deleted_at bigint not null default 0
);

create table calendar_revision (
	calendar_id bigint not null references calendar(id),
	revision integer not null,
	name text not null,
	hours text not null,
	author_id bigint not null default 0,
	at bigint not null,
	primary key (calendar_id, revision)
);

-- The calendar of a mailbox; 0 is the main one of the desk.
alter table mailbox add column calendar_id bigint not null default 0;
