-- +goose Up
-- +runs with 1

-- What webhooks sign with and what they put into headers, sealed. A signing
-- secret that was changed goes on beside the new one for a while.
create table webhook_secret (
	id bigint primary key,
	name text not null unique,
	kind text not null,
	sealed text not null,
	old_sealed text not null default '',
	old_until bigint not null default 0,
	author_id bigint not null default 0,
	changed_at bigint not null
);

-- The calls that workflows make, each a row that is made with its run and stays
-- until it has an end. claim_at is when the row may next be taken: its due time,
-- then the end of the lease of whoever took it. uncounted is set on failures
-- that have already paused their workflow.
create table webhook_call (
	id bigint primary key,
	run_id bigint not null,
	workflow_id bigint not null,
	version integer not null,
	position integer not null,
	conversation_id bigint not null references conversation(id),
	event_id bigint not null,
	event_seq bigint not null,
	state text not null,
	method text not null,
	url text not null,
	headers text not null default '[]',
	content_type text not null default '',
	sign bigint not null default 0,
	body text not null default '',
	created_at bigint not null,
	began_at bigint not null,
	due_at bigint not null,
	claim_at bigint not null,
	lease bigint not null default 0,
	owner bigint not null default 0,
	tries integer not null default 0,
	attempts integer not null default 0,
	status integer not null default 0,
	ended_at bigint not null default 0,
	uncounted integer not null default 0,
	words text not null default ''
);
create unique index webhook_call_run on webhook_call(run_id, position);
create index webhook_call_claim on webhook_call(claim_at, id, tries) where state = 'waiting';
create index webhook_call_log on webhook_call(created_at, id);
create index webhook_call_workflow on webhook_call(workflow_id, created_at, id);
create index webhook_call_ended on webhook_call(workflow_id, ended_at, id);
create index webhook_call_conversation on webhook_call(conversation_id);

-- Each attempt at a call, from when it began.
create table webhook_attempt (
	id bigint primary key,
	call_id bigint not null references webhook_call(id),
	number integer not null,
	at bigint not null,
	ended_at bigint not null default 0,
	address text not null default '',
	status integer not null default 0,
	words text not null default '',
	answer text not null default '',
	more integer not null default 0
);
create unique index webhook_attempt_call on webhook_attempt(call_id, number);
