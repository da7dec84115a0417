-- +goose Up
-- +runs with 1

-- What a mailbox proposes after a reply, and what it adds to its mail.
alter table mailbox add column sender_form text not null default '';
alter table mailbox add column reply_status text not null default '';
alter table mailbox add column reply_assignee text not null default '';
alter table mailbox add column auto_bcc text not null default '[]';
alter table mailbox add column headers text not null default '[]';
alter table mailbox add column off_at bigint not null default 0;

-- A mail that a mailbox sends to itself to see whether both directions work.
-- It is no mail to anybody: it belongs to no conversation and is tried once,
-- while an admin looks on.
create table trial (
	id bigint primary key,
	mailbox_id bigint not null references mailbox(id),
	kind text not null,
	address text not null,
	header text not null unique,
	agent_id bigint not null,
	sent_at bigint not null,
	accepted integer not null default 0,
	server text not null default '',
	tls text not null default '',
	words text not null default '',
	inbound_id bigint not null default 0,
	returned_at bigint not null default 0
);
create index trial_mailbox on trial(mailbox_id, id);
