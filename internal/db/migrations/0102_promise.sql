-- +goose Up
-- +runs with 1

-- What is promised about events and mails, and watched: "each close by an agent
-- ends in one closing notice within 2 minutes". A promise that was never saved
-- as a version has version 0 and only what is being written.
create table promise (
	id bigint primary key,
	key text not null default '',
	name text not null default '',
	mailbox_id bigint not null default 0,
	enabled integer not null default 0,
	version integer not null default 0,
	deleted_at bigint not null default 0,
	draft text not null default '',
	draft_name text not null default '',
	draft_mailbox bigint not null default 0,
	draft_revision bigint not null default 0,
	draft_by bigint not null default 0,
	draft_at bigint not null default 0
);

create table promise_version (
	promise_id bigint not null,
	number integer not null,
	definition text not null,
	author_id bigint not null default 0,
	at bigint not null,
	primary key (promise_id, number)
);

-- A promise that is watched after one event. A row that has ended stays, so that
-- Why? goes on telling what became of it.
--
-- open is 0 when nothing can change any more, 1 while only the end of its time
-- can, 2 while anything that happens on the conversation can. claim_at is when
-- the row may next be taken, as with timers; stirred counts what happened while
-- somebody was looking.
create table promise_watch (
	id bigint primary key,
	promise_id bigint not null,
	version integer not null,
	conversation_id bigint not null,
	event_id bigint not null,
	event_seq bigint not null,
	state text not null default 'waiting',
	open integer not null default 1,
	armed_at bigint not null,
	due_at bigint not null,
	claim_at bigint not null,
	lease bigint not null default 0,
	owner bigint not null default 0,
	tries integer not null default 0,
	stirred integer not null default 0,
	settled_at bigint not null default 0,
	seen integer not null default 0,
	words text not null default '',
	mails text not null default '[]',
	unique (promise_id, event_id)
);
create index promise_watch_claim on promise_watch(claim_at, id, tries) where open > 0;
create index promise_watch_stir on promise_watch(conversation_id) where open = 2;
create index promise_watch_conversation on promise_watch(conversation_id, event_seq);
create index promise_watch_open on promise_watch(promise_id, state, seen) where open > 0;
create index promise_watch_state on promise_watch(promise_id, state, id);

-- How many came to what, by the day of their events.
create table promise_count (
	promise_id bigint not null,
	day integer not null,
	kept integer not null default 0,
	explained integer not null default 0,
	broken integer not null default 0,
	primary key (promise_id, day)
);
