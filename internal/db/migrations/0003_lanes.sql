-- +goose Up
-- +runs with 1

-- Processes that work on this database. A living one holds an advisory lock
-- named by its id, so that the others notice its death at once. On SQLite,
-- which one process owns, there are no rows.
create table process (
	id bigint primary key,
	name text not null,
	started_at bigint not null
);

-- Whose lease it is: what a dead process held is taken over without waiting
-- for the lease to run out. 0 is a process that is not listed.
alter table mail add column owner bigint not null default 0;
alter table lane add column owner bigint not null default 0;
alter table job add column owner bigint not null default 0;

-- A connection to a mailbox's server, counted over all processes. mail_id is
-- what is sent over it, 0 while it is kept for the next mail.
create table connection_slot (
	mailbox_id bigint not null,
	slot integer not null,
	owner bigint not null,
	mail_id bigint not null,
	lease_until bigint not null,
	primary key (mailbox_id, slot)
);
create index connection_slot_mail on connection_slot(mail_id) where mail_id > 0;

-- 0 is the default number of connections, and no limit of mails a minute.
alter table mailbox add column connections integer not null default 0;
alter table mailbox add column per_minute integer not null default 0;

-- The pace of a channel: no mail before next_at; while slow_until lies ahead,
-- pace_ms between two, because the server asked for it.
alter table channel add column next_at bigint not null default 0;
alter table channel add column pace_ms bigint not null default 0;
alter table channel add column slow_since bigint not null default 0;
alter table channel add column slow_words text not null default '';

create index mail_waiting on mail(mailbox_id, class, due_at, id) where ended = 0;
