-- +runs with 1

-- A mailbox's incoming connection: one row where there is one. It is held by
-- one process at a time, under a lease on the database's clock; revision
-- changes with the settings, so that whoever holds it begins anew.
create table incoming (
	mailbox_id bigint primary key references mailbox(id),
	enabled integer not null default 0,
	host text not null default '',
	port integer not null default 0,
	security text not null default 'tls',
	auth text not null default 'password',
	username text not null default '',
	password text not null default '',
	folders text not null default '["INBOX"]',
	after_fetch text not null default 'leave',
	move_to text not null default '',
	older text not null default 'none',
	older_since bigint not null default 0,
	sent_copy text not null default 'auto',
	revision bigint not null default 1,
	state text not null default 'off',
	words text not null default '',
	state_at bigint not null default 0,
	connected_at bigint not null default 0,
	alive_at bigint not null default 0,
	server text not null default '',
	failures integer not null default 0,
	last_inbound bigint not null default 0,
	due_at bigint not null default 0,
	lease bigint not null default 0,
	lease_until bigint not null default 0
);
create index incoming_due on incoming(due_at) where enabled = 1;

-- How far a folder was read. What lay in it when it was first opened, up to
-- older_uid or received before begun_at, is older mail; up to tended_uid mails
-- were marked or moved after they were fetched.
create table incoming_folder (
	mailbox_id bigint not null references mailbox(id),
	name text not null,
	uid_validity bigint not null,
	last_uid bigint not null,
	older_uid bigint not null default 0,
	tended_uid bigint not null default 0,
	begun_at bigint not null,
	checked_at bigint not null default 0,
	waiting integer not null default 0,
	taken integer not null default 0,
	words text not null default '',
	primary key (mailbox_id, name)
);

-- What is to be done in a mailbox's folder of sent mail: put a copy there of
-- a mail that was accepted, or look there for one that is uncertain.
create table sent_errand (
	id bigint primary key,
	mail_id bigint not null references mail(id),
	kind text not null,
	mailbox_id bigint not null references mailbox(id),
	state text not null,
	words text not null default '',
	folder text not null default '',
	uid_validity bigint not null default 0,
	uid bigint not null default 0,
	tries integer not null default 0,
	created_at bigint not null,
	due_at bigint not null,
	ended_at bigint not null default 0,
	lease bigint not null default 0,
	lease_until bigint not null default 0,
	unique (mail_id, kind)
);
create index sent_errand_due on sent_errand(due_at) where state = 'waiting';

-- How a mail that was there before the desk is taken in: never judged, never
-- answered; "open" leaves its conversation active, "closed" closes it.
alter table inbound add column imported text not null default '';
