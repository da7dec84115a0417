-- +goose Up
-- +runs with 1

-- Workflows that wait on a conversation for their time: a row for each event
-- that armed one. A row that has ended stays, so that Why? goes on telling what
-- became of it.
--
-- claim_at is when the row may next be taken: its due time, then the end of the
-- lease of whoever took it. So one index answers which are to be taken, the one
-- that is due longest first, and no row is read for it.
create table timer (
	id bigint primary key,
	workflow_id bigint not null,
	version integer not null,
	conversation_id bigint not null references conversation(id),
	event_id bigint not null,
	event_seq bigint not null,
	state text not null default 'waiting',
	armed_at bigint not null,
	due_at bigint not null,
	claim_at bigint not null,
	lease bigint not null default 0,
	owner bigint not null default 0,
	tries integer not null default 0,
	ended_at bigint not null default 0,
	ended_kind text not null default '',
	ended_by bigint not null default 0,
	end_event bigint not null default 0,
	words text not null default '',
	unique (workflow_id, event_id)
);
create index timer_claim on timer(claim_at, id, tries) where state = 'waiting';
create index timer_workflow on timer(workflow_id, version, due_at) where state = 'waiting';
create index timer_conversation on timer(conversation_id, id);
